"""How the weights of layers are spread: a histogram a layer, or one an epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import number
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas

NEAR_ZERO = 1e-3  # weights below it in magnitude hardly change an output


@dataclass(frozen=True)
class WeightNumbers:
    """Weights of one layer in numbers; those that are not finite are only counted.

    ``deviation`` is the standard deviation (of the population), ``near_zero`` the share of 1
    that is below 0.001 in magnitude.
    """

    count: int
    mean: float
    deviation: float
    near_zero: float
    smallest: float
    largest: float
    not_finite: int

    @classmethod
    def of(cls, weights: ArrayLike) -> WeightNumbers:
        """The numbers of weights of any shape; NaN where none is finite."""
        values = np.asarray(weights, dtype=float).ravel()
        finite = values[np.isfinite(values)]
        if not finite.size:
            return cls(len(values), *[math.nan] * 5, len(values))
        return cls(
            len(values),
            float(finite.mean()),
            float(finite.std()),
            float((np.abs(finite) < NEAR_ZERO).mean()),
            float(finite.min()),
            float(finite.max()),
            len(values) - finite.size,
        )


def weights(
    layers: Mapping[str, Mapping[int, ArrayLike]],
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """Histograms of weights by layer, with their mean, standard deviation and share near 0.

    layers: by name, the weights (any shape) by epoch; epoch 0 is before training.  One epoch
    each: a row a layer, all over one axis, each with heights of its own.  Several: a
    panel a layer with a histogram an epoch, the first above, each panel over an axis and with
    heights of its own.  Where not all layers fit readably the second line says how many are shown.

    Raises ShapeError for no layer, no weights, or layers of different epochs; SpecError for an
    unknown theme or size.
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
    canvas = Canvas(size, theme, aspect=0.9 if len(chosen) == 1 else 1.2)
    if len(chosen) == 1:
        rows = {name: next(iter(by_epoch.values())) for name, by_epoch in values.items()}
        _table(canvas, rows, title, subtitle)
    else:
        _ridges(canvas, values, title, subtitle)
    return canvas.figure


def _limit(arrays: list[NDArray]) -> float:
    """The largest finite magnitude, rounded up to two digits: where the axis ends."""
    finite = [np.abs(array[np.isfinite(array)]).max(initial=0.0) for array in arrays]
    largest = float(max(finite)) or 1.0
    step = 10.0 ** (math.floor(math.log10(largest)) - 1)
    return math.ceil(largest / step - 1e-9) * step


def _shares(values: NDArray, limit: float, bins: int) -> NDArray:
    """The share of the weights in each of ``bins`` equal intervals from -limit to limit."""
    finite = values[np.isfinite(values)]
    counts, _ = np.histogram(finite, bins, (-limit, limit))
    return counts / max(1, finite.size)


def _bins(values: NDArray, limit: float) -> int:
    """How many intervals between the limits suit so many weights: Scott 1979, "On optimal and
    data-based histograms".  An odd number, so that 0 is in the middle of one.
    """
    found = WeightNumbers.of(values)
    width = 3.5 * found.deviation / found.count ** (1 / 3)
    return 2 * max(5, min(120, round(limit / width) if width > 0 else 0)) + 1


def _hill(
    canvas: Canvas,
    shares: NDArray,
    most: float,
    left: float,
    foot: float,
    width: float,
    height: float,
) -> None:
    """A histogram as one outline that stands on its foot."""
    edges = left + np.repeat(np.linspace(0, width, len(shares) + 1), 2)
    tops = foot - np.concatenate([[0.0], np.repeat(shares, 2), [0.0]]) * height / most
    canvas.polygons(
        np.stack([edges, tops], axis=1)[None],
        edge=canvas.theme.window,
        fill=canvas.theme.window_fill,
    )


def _axis(canvas: Canvas, limit: float, left: float, width: float, top: float, foot: float) -> None:
    """A quiet line at 0 and the ends' numbers below the foot."""
    small = canvas.size.small
    middle = left + width / 2
    canvas.line([middle, middle], [top, foot], canvas.theme.hairline)
    ends = (number(-limit), "0", number(limit))
    # The outer numbers begin and end with the axis.
    places = ((left, "lt"), (middle, "mt"), (left + width, "rt"))
    for (x, anchor), text in zip(places, ends, strict=True):
        canvas.note(x, foot + 0.35 * small, text, anchor)


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %" if math.isfinite(share) else "NaN"


# One epoch: a row a layer -----------------------------------------------------------------------

_COLUMNS = ("weights", "mean", "std. dev.", "|w| < 0.001")


def _cells(found: WeightNumbers) -> tuple[str, ...]:
    return (
        f"{found.count:,}",
        number(found.mean),
        number(found.deviation),
        _percent(found.near_zero),
    )


def _table(canvas: Canvas, layers: dict[str, NDArray], title: str, subtitle: str) -> None:
    size, theme, small, unit = canvas.size, canvas.theme, canvas.size.small, canvas.unit
    head, foot = 1.6 * small, 1.6 * small
    height = canvas.inner_height - (size.title + 2 * size.subtitle) * LINE - 0.7 * size.label
    most = max(1, math.floor((height - head - foot) / (2 * small)))
    shown = dict(list(layers.items())[:most])
    found = {name: WeightNumbers.of(values) for name, values in shown.items()}
    notes = ["each row its own height"] if len(shown) > 1 else []
    if len(shown) < len(layers):
        notes.append(f"first {len(shown)} of {len(layers)} layers")
    broken = sum(numbers.not_finite for numbers in found.values())
    if broken:
        notes.append(f"{broken:,} not finite left out")
    canvas.headline(title, ", ".join(part for part in (subtitle, *notes) if part), theme.window)

    gap = 22 * unit
    cells = {name: _cells(numbers) for name, numbers in found.items()}
    widths = [
        canvas.widest([title, *(row[k] for row in cells.values())], small)
        for k, title in enumerate(_COLUMNS)
    ]
    room = canvas.inner_width
    names = min(canvas.widest(shown, size.label, bold=True), 0.2 * room)
    # A narrow canvas keeps its histograms: columns go from the first.
    first = 0
    while first < 3 and room - names - gap - sum(widths[first:]) - gap * (4 - first) < 0.3 * room:
        first += 1
    place = canvas.right
    rights = {}
    for k in range(3, first - 1, -1):
        rights[k] = place
        canvas.note(place, canvas.top, _COLUMNS[k], "rt")
        place -= widths[k] + gap
    left, width = canvas.left + names + gap, place - canvas.left - names - gap
    step = (canvas.inner_height - head - foot) / len(shown)
    limit = _limit(list(shown.values()))
    page_foot = canvas.top + head + step * len(shown)
    _axis(canvas, limit, left, width, canvas.top + head, page_foot)
    for index, (name, values) in enumerate(shown.items()):
        base = canvas.top + head + (index + 1) * step
        shares = _shares(values, limit, _bins(values, limit))
        canvas.line([left, left + width], [base, base], theme.hairline)
        if shares.any():
            _hill(canvas, shares, shares.max(), left, base, width, 0.86 * step)
        middle = base - step / 2
        canvas.text(canvas.left, middle, name, "lm", colour=theme.window, bold=True, width=names)
        for k, right in rights.items():
            canvas.text(right, middle, cells[name][k], "rm", px=small)


# Several epochs: a panel a layer ------------------------------------------------------------------


def _epoch_text(epoch: int) -> str:
    return f"epoch {epoch}" if epoch else "before"


def _said(by_epoch: dict[int, NDArray]) -> tuple[str, str, str]:
    """How a layer's numbers changed from the first to the last epoch."""
    first, last = (WeightNumbers.of(by_epoch[epoch]) for epoch in (min(by_epoch), max(by_epoch)))
    return (
        f"mean {number(first.mean)} {style.ARROW} {number(last.mean)}",
        f"std. dev. {number(first.deviation)} {style.ARROW} {number(last.deviation)}",
        f"|w| < 0.001: {_percent(first.near_zero)} {style.ARROW} {_percent(last.near_zero)}",
    )


def _ridges(
    canvas: Canvas, layers: dict[str, dict[int, NDArray]], title: str, subtitle: str
) -> None:
    size, theme, small, unit = canvas.size, canvas.theme, canvas.size.small, canvas.unit
    count, epochs = len(layers), list(next(iter(layers.values())))
    gap, between = 30 * unit, 1.2 * size.label
    head, foot = size.label * LINE + 3 * small * LINE, 1.7 * small
    label = canvas.widest(map(_epoch_text, epochs), small) + 12 * unit
    texts = [text for by_epoch in layers.values() for text in _said(by_epoch)]
    least_width = max(label + 100 * unit, canvas.widest(texts, small))
    room = canvas.inner_width
    height = canvas.inner_height - (size.title + 2 * size.subtitle) * LINE - 0.7 * size.label
    columns = max(1, math.floor((room + gap) / (least_width + gap)))
    # Rather fewer epochs than fewer layers, but never fewer than three.
    for chosen in range(len(epochs), min(2, len(epochs) - 1), -1):
        least_height = head + foot + (chosen + 0.6) * 1.2 * small
        rows = max(1, math.floor((height + between) / (least_height + between)))
        if columns * rows >= count:
            break
    places = np.linspace(0, len(epochs) - 1, chosen).round().astype(int)
    epochs = [epochs[place] for place in places]
    shown = dict(list(layers.items())[: columns * rows])
    notes = ["each layer its own axis and height"] if len(shown) > 1 else []
    if len(shown) < count:
        notes.append(f"first {len(shown)} of {count} layers")
    canvas.headline(title, ", ".join(part for part in (subtitle, *notes) if part), theme.window)
    rows = min(rows, math.ceil(len(shown) / columns))
    columns = math.ceil(len(shown) / rows)
    width = (room - gap * (columns - 1)) / columns
    height = (canvas.inner_height - between * (rows - 1)) / rows
    for index, (name, by_epoch) in enumerate(shown.items()):
        row, column = divmod(index, columns)
        left = canvas.left + column * (width + gap)
        top = canvas.top + row * (height + between)
        drawn = {epoch: by_epoch[epoch] for epoch in epochs}
        _panel(canvas, name, drawn, (left, top, width, height), label, head, foot)


def _panel(
    canvas: Canvas,
    name: str,
    by_epoch: dict[int, NDArray],
    place: tuple[float, float, float, float],
    label: float,
    head: float,
    foot: float,
) -> None:
    left, top, width, height = place
    size, theme, small = canvas.size, canvas.theme, canvas.size.small
    canvas.text(left, top, name, colour=theme.window, bold=True, width=width)
    for line, text in enumerate(_said(by_epoch)):
        y = top + size.label * LINE + line * small * LINE
        canvas.note(left, y, text, width=width)
    limit = _limit(list(by_epoch.values()))
    bins = _bins(by_epoch[max(by_epoch)], limit)
    shares = {epoch: _shares(values, limit, bins) for epoch, values in by_epoch.items()}
    most = max(float(part.max()) for part in shares.values()) or 1.0
    room = height - head - foot
    # Many hills stand behind each other; the first may rise above its line.
    rise = 0.9 if room >= 5 * small * len(by_epoch) else 1.5
    step = room / (len(by_epoch) + max(0.0, rise - 0.9))
    plot, across = left + label, width - label
    _axis(canvas, limit, plot, across, top + head, top + head + room)
    for index, (epoch, part) in enumerate(shares.items()):
        base = top + head + room - (len(by_epoch) - 1 - index) * step
        canvas.line([plot, plot + across], [base, base], theme.hairline)
        if part.any():
            _hill(canvas, part, most, plot, base, across, rise * step)
        canvas.note(left, base, _epoch_text(epoch), "lb")
