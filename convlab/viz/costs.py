"""What each layer of a network costs: parameters and multiply-adds as bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from convlab.errors import ShapeError
from convlab.viz.canvas import LINE, Canvas


@dataclass(frozen=True)
class LayerCost:
    """One layer: its name, its parameters, and multiply-adds for one image."""

    name: str
    parameters: int
    multiply_adds: int


def costs(
    layers: Sequence[LayerCost],
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """A row for each layer, in order: its parameters and its multiply-adds, each with its share.

    If not all layers fit, those with the largest shares are shown and the last row adds up the
    others.

    Raises ShapeError for no layers, or if nothing is counted; SpecError for an unknown theme or
    size.
    """
    totals = sum(layer.parameters for layer in layers), sum(layer.multiply_adds for layer in layers)
    if min(totals) <= 0:
        raise ShapeError("costs: expected layers with parameters and multiply-adds, got none")
    canvas = Canvas(size, theme, aspect=0.75)
    canvas.headline(title, subtitle, canvas.theme.ink)
    small, label, colours = canvas.size.small, canvas.size.label, canvas.theme
    top = canvas.top + 2 * small * LINE + 0.6 * label
    rows = _rows(layers, totals, max(2, int((canvas.bottom - top) // (1.35 * small))))
    step = min((canvas.bottom - top) / len(rows), 3.6 * label)
    middles = [top + (row + 0.5) * step for row in range(len(rows))]
    names = canvas.widest((row.name for row in rows), small, bold=True)
    names = min(names, 0.22 * canvas.inner_width)
    gap = 1.2 * label
    width = (canvas.inner_width - names - label - gap) / 2
    left = canvas.left + names + label
    columns = (
        ("parameters", colours.window, colours.window_fill, [row.parameters for row in rows]),
        ("multiply-adds", colours.output, colours.output_fill, [row.multiply_adds for row in rows]),
    )
    for total, (word, colour, fill, counts) in zip(totals, columns, strict=True):
        canvas.text(left, canvas.top, word, px=small, colour=colour, bold=True, width=width)
        whole = f"{total:,} in all"
        canvas.text(left, canvas.top + small * LINE, whole, px=small, width=width)
        texts, shares = [f"{count:,}" for count in counts], [_percent(c / total) for c in counts]
        start = left + canvas.widest(texts, small) + 0.5 * label
        share = canvas.widest(shares, small) + 0.5 * label
        # In a narrow picture the shares give way to the bars.
        beside = left + width - start - share >= 2.5 * label
        longest = max(left + width - start - share * beside, 0.0)
        for y, count, text, share_text in zip(middles, counts, texts, shares, strict=True):
            canvas.text(start - 0.5 * label, y, text, "rm", px=small)
            length = longest * count / max(counts)
            if count:
                place = start, y - 0.32 * step, length, 0.64 * step
                canvas.box(*place, edge=colour, fill=fill)
            if beside:
                canvas.note(start + length + 0.3 * label, y, share_text, "lm")
        left += width + gap
    for y, row in zip(middles, rows, strict=True):
        width = names + 0.5 * label
        canvas.text(canvas.left, y, row.name, "lm", px=small, bold=True, width=width)
    return canvas.figure


def _percent(share: float) -> str:
    return "< 0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"


def _rows(layers: Sequence[LayerCost], totals: tuple[int, int], most: int) -> list[LayerCost]:
    """The layers in order; if there are too many, the smallest become one row at the end."""
    if len(layers) <= most:
        return list(layers)

    def weight(layer: LayerCost) -> float:
        return max(layer.parameters / totals[0], layer.multiply_adds / totals[1])

    largest = sorted(range(len(layers)), key=lambda at: weight(layers[at]), reverse=True)
    kept = [layers[at] for at in sorted(largest[: most - 1])]
    others = len(layers) - len(kept)
    parameters = totals[0] - sum(layer.parameters for layer in kept)
    multiply_adds = totals[1] - sum(layer.multiply_adds for layer in kept)
    return [*kept, LayerCost(f"{others} others", parameters, multiply_adds)]
