"""How the weights of layers are distributed: a histogram per layer, or one per epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.histograms import WeightNumbers, bins_of, changes, round_limit, shares_of
from convlab.numerals import number
from convlab.viz.canvas import LINE, Canvas, Place
from convlab.viz.matrix import Cells
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.tiles import part_of
from convlab.words import t


def weights(layers: Mapping[str, Mapping[int, ArrayLike]], **page: Unpack[Page]) -> Figure:
    """Histograms of weights by layer, with their mean, standard deviation and share near 0.

    layers: by name, the weights (any shape) by epoch; epoch 0 is before training.  One epoch each:
    a row per layer, all over one axis, each with its own heights.  Several: a panel per layer with
    a histogram per epoch, the first at the top, each panel with its own axis and heights.  If not
    all layers fit legibly, the second line says how many are shown.

    Raises ShapeError for no layer, no weights, or layers of different epochs.
    """
    values = {
        name: {epoch: np.asarray(array, dtype=float).ravel() for epoch, array in by_epoch.items()}
        for name, by_epoch in layers.items()
    }
    epochs = {tuple(by_epoch) for by_epoch in values.values()}
    if len(epochs) != 1 or not (chosen := epochs.pop()):
        raise ShapeError(f"expected weights of the same epochs for each layer, got {len(epochs)}")
    if not all(array.size for by_epoch in values.values() for array in by_epoch.values()):
        raise ShapeError("expected weights of each layer and epoch, got none of some")
    canvas = Sheet(0.9 if len(chosen) == 1 else 1.2, **page)
    if len(chosen) == 1:
        rows = {name: next(iter(by_epoch.values())) for name, by_epoch in values.items()}
        _draw_table(canvas, rows)
    else:
        _draw_panels(canvas, values)
    return canvas.figure


@dataclass(frozen=True)
class _Plot:
    """Stacked histograms from -limit to limit, between two places across a canvas."""

    canvas: Canvas
    limit: float
    left: float
    right: float

    def axis(self, top: float, foot: float) -> None:
        """A quiet line at 0 and the ends' numbers below the foot."""
        canvas, middle = self.canvas, (self.left + self.right) / 2
        canvas.line([middle, middle], [top, foot], canvas.theme.hairline)
        y = foot + 0.35 * canvas.size.small
        # The outer numbers are aligned with the ends of the axis.
        canvas.note(self.left, y, number(-self.limit), "lt")
        canvas.note(middle, y, "0", "mt")
        canvas.note(self.right, y, number(self.limit), "rt")

    def hill(self, shares: NDArray, foot: float, height: float) -> None:
        """A histogram as one outline above its baseline; a share of 1 has this height."""
        canvas, theme = self.canvas, self.canvas.theme
        canvas.line([self.left, self.right], [foot, foot], theme.hairline)
        if shares.any():
            edges = np.repeat(np.linspace(self.left, self.right, len(shares) + 1), 2)
            tops = foot - np.concatenate([[0.0], np.repeat(shares, 2), [0.0]]) * height
            outline = np.stack([edges, tops], axis=1)
            canvas.polygons(outline[None], edge=theme.window, fill=theme.window_fill)


def _draw_table(canvas: Sheet, layers: dict[str, NDArray]) -> None:
    """For one epoch, a row per layer: its name, its histogram and its numbers."""
    small, gap, head = canvas.size.small, 22 * canvas.unit, 1.6 * canvas.size.small
    height = canvas.inner_height - canvas.headline_height() - 2 * head
    shown = dict(list(layers.items())[: max(1, math.floor(height / (2 * small)))])
    found = [WeightNumbers.of(values) for values in shown.values()]
    broken = sum(numbers.not_finite for numbers in found)
    notes = (
        t("each row its own height") if len(shown) > 1 else "",
        part_of(len(shown), len(layers), t("layers")),
        t("{broken:,} not finite left out", broken) if broken else "",
    )
    canvas.head("window", *notes)
    columns = {word: [numbers.texts[word] for numbers in found] for word in found[0].texts}
    widths = {word: canvas.widest([word, *texts], small) for word, texts in columns.items()}
    names = min(canvas.widest(shown, canvas.size.label, bold=True), 0.2 * canvas.inner_width)
    left = canvas.left + names + gap
    # A narrow canvas keeps its histograms: columns are dropped from the first.
    while len(columns) > 1 and (
        canvas.right - sum(widths[word] + gap for word in columns) - left < 0.3 * canvas.inner_width
    ):
        del columns[next(iter(columns))]
    right = canvas.right - sum(widths[word] + gap for word in columns)
    step = (canvas.inner_height - 2 * head) / len(shown)
    rows = Cells(canvas, left, canvas.top + head, len(shown), 1, right - left, step)
    plot = _Plot(canvas, round_limit(shown.values()), left, right)
    plot.axis(rows.top, rows.top + len(shown) * step)
    for row, values in enumerate(shown.values(), 1):
        shares = shares_of(values, plot.limit, bins_of(values, plot.limit))
        plot.hill(shares / (shares.max() or 1.0), rows.top + row * step, 0.86 * step)
    rows.sides(list(shown), canvas.left, "lm", colour=canvas.theme.window, bold=True, width=names)
    x = canvas.right
    for word, texts in reversed(columns.items()):
        canvas.note(x, canvas.top, word, "rt")
        rows.sides(texts, x, "rm", px=small)
        x -= widths[word] + gap


def _epoch_text(epoch: int) -> str:
    return t("epoch {epoch}", epoch) if epoch else t("before")


def _draw_panels(canvas: Sheet, layers: dict[str, dict[int, NDArray]]) -> None:
    """For several epochs, a panel per layer."""
    size, small, unit = canvas.size, canvas.size.small, canvas.unit
    count, epochs = len(layers), list(next(iter(layers.values())))
    gap, between = 30 * unit, 1.2 * size.label
    label = canvas.widest(map(_epoch_text, epochs), small) + 12 * unit
    texts = [text for by_epoch in layers.values() for text in changes(by_epoch)]
    least_width = max(label + 100 * unit, canvas.widest(texts, small))
    height = canvas.inner_height - canvas.headline_height()
    columns = max(1, math.floor((canvas.inner_width + gap) / (least_width + gap)))
    # Fewer epochs rather than fewer layers, but never fewer than three.
    for chosen in range(len(epochs), min(2, len(epochs) - 1), -1):
        least_height = sum(_beside(canvas)) + (chosen + 0.6) * 1.2 * small
        rows = max(1, math.floor((height + between) / (least_height + between)))
        if columns * rows >= count:
            break
    places = np.linspace(0, len(epochs) - 1, chosen).round().astype(int)
    shown = dict(list(layers.items())[: columns * rows])
    own = t("each layer its own axis and height") if len(shown) > 1 else ""
    canvas.head("window", own, part_of(len(shown), count, t("layers")))
    rows = min(rows, math.ceil(len(shown) / columns))
    columns = math.ceil(len(shown) / rows)
    width = (canvas.inner_width + gap) / columns
    height = (canvas.inner_height + between) / rows
    grid = Cells(canvas, canvas.left, canvas.top, rows, columns, width, height)
    for index, (name, by_epoch) in enumerate(shown.items()):
        drawn = {epochs[place]: by_epoch[epochs[place]] for place in places}
        place = (*grid.corner(*divmod(index, columns)), width - gap, height - between)
        _draw_panel(canvas, name, drawn, place, label)


def _beside(canvas: Canvas) -> tuple[float, float]:
    """Heights of a panel's title and of its axis' numbers."""
    small = canvas.size.small
    return canvas.size.label * LINE + 3 * small * LINE, 1.7 * small


def _draw_panel(
    canvas: Canvas,
    name: str,
    by_epoch: dict[int, NDArray],
    place: Place,
    label: float,
) -> None:
    """A histogram per epoch, the first at the top; the epochs' names take ``label`` pixels."""
    left, top, width, height = place
    small, theme, (head, foot) = canvas.size.small, canvas.theme, _beside(canvas)
    canvas.text(left, top, name, colour=theme.window, bold=True, width=width)
    y = top + canvas.size.label * LINE
    canvas.paragraph(left, y, changes(by_epoch), px=small, colour=theme.quiet, width=width)
    plot = _Plot(canvas, round_limit(by_epoch.values()), left + label, left + width)
    bins = bins_of(by_epoch[max(by_epoch)], plot.limit)
    shares = [shares_of(values, plot.limit, bins) for values in by_epoch.values()]
    most = max(float(part.max()) for part in shares) or 1.0
    room, bottom = height - head - foot, top + height - foot
    # Many histograms overlap; the first may rise above its line.
    rise = 0.9 if room >= 5 * small * len(by_epoch) else 1.5
    step = room / (len(by_epoch) + max(0.0, rise - 0.9))
    plot.axis(top + head, bottom)
    first = bottom - (len(by_epoch) - 1) * step
    for index, (epoch, part) in enumerate(zip(by_epoch, shares, strict=True)):
        plot.hill(part / most, first + index * step, rise * step)
        canvas.note(left, first + index * step, _epoch_text(epoch), "lb")
