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

    Where not all layers fit, those with the largest shares are shown and the last row adds
    up the others.

    Raises ShapeError for no layers, or where nothing is counted; SpecError for an unknown
    theme or size.
    """
    totals = (
        sum(layer.parameters for layer in layers),
        sum(layer.multiply_adds for layer in layers),
    )
    if min(totals) <= 0:
        raise ShapeError("costs: expected layers with parameters and multiply-adds, got none")
    canvas = Canvas(size, theme, aspect=0.75)
    canvas.headline(title, subtitle, canvas.theme.ink)
    small, label, theme = canvas.size.small, canvas.size.label, canvas.theme
    head = 2 * small * LINE + 0.6 * label
    room = canvas.inner_height - head
    rows = _rows(layers, totals, max(2, int(room // (1.35 * small))))
    step = min(room / len(rows), 3.6 * label)
    names = canvas.widest((row.name for row in rows), small, bold=True)
    left = canvas.left + min(names, 0.22 * canvas.inner_width) + label
    gap = 1.2 * label
    width = (canvas.right - left - gap) / 2
    columns = (
        ("parameters", theme.window, theme.window_fill, [row.parameters for row in rows]),
        ("multiply-adds", theme.output, theme.output_fill, [row.multiply_adds for row in rows]),
    )
    for at, (word, colour, fill, counts) in enumerate(columns):
        x = left + at * (width + gap)
        texts = [f"{count:,}" for count in counts]
        shares = [_percent(count / totals[at]) for count in counts]
        number = canvas.widest(texts, small) + 0.5 * label
        share = canvas.widest(shares, small) + 0.5 * label
        canvas.text(x, canvas.top, word, px=small, colour=colour, bold=True, width=width)
        canvas.text(x, canvas.top + small * LINE, f"{totals[at]:,} in all", px=small, width=width)
        # In a narrow picture the shares give way to the bars.
        if width - number - share < 2.5 * label:
            share = 0.0
        bar = max(width - number - share, 0.0)
        for row, (count, text) in enumerate(zip(counts, texts, strict=True)):
            y = canvas.top + head + row * step
            middle = y + step / 2
            canvas.text(x + number - 0.5 * label, middle, text, "rm", px=small)
            length = bar * count / max(counts)
            if count:
                canvas.box(x + number, y + 0.18 * step, length, 0.64 * step, edge=colour, fill=fill)
            if share:
                canvas.note(x + number + length + 0.3 * label, middle, shares[row], "lm")
    for row, layer in enumerate(rows):
        canvas.text(
            canvas.left,
            canvas.top + head + (row + 0.5) * step,
            layer.name,
            "lm",
            px=small,
            bold=True,
            width=left - canvas.left - 0.5 * label,
        )
    return canvas.figure


def _percent(share: float) -> str:
    return "< 0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"


def _rows(layers: Sequence[LayerCost], totals: tuple[int, int], most: int) -> list[LayerCost]:
    """The layers in their order; the smallest of too many become one row at the end."""
    if len(layers) <= most:
        return list(layers)

    def weight(at: int) -> float:
        layer = layers[at]
        return max(layer.parameters / totals[0], layer.multiply_adds / totals[1])

    kept = sorted(sorted(range(len(layers)), key=weight, reverse=True)[: most - 1])
    others = [layer for at, layer in enumerate(layers) if at not in kept]
    rest = LayerCost(
        f"{len(others)} others",
        sum(layer.parameters for layer in others),
        sum(layer.multiply_adds for layer in others),
    )
    return [*(layers[at] for at in kept), rest]
