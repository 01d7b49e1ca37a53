"""Loss and accuracy over the epochs of a training run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from convlab.errors import ShapeError, SpecError
from convlab.numerals import MINUS, measured
from convlab.viz.canvas import LINE, Canvas

_PANELS = ("loss", "accuracy")


@dataclass(frozen=True)
class _Line:
    word: str
    values: NDArray
    colour: str
    dashes: tuple[float, float] | None


def curves(
    history: Mapping[str, Sequence[float]],
    *,
    title: str,
    subtitle: str = "",
    best_epoch: int | None = None,
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """Loss and accuracy per epoch, one panel each; training dashed, validation solid.

    history: ``epoch`` and, all as long, any of ``train_loss``,
    ``validation_loss`` (natural-log cross entropy or whatever was minimised),
    ``train_accuracy``, ``validation_accuracy`` (shares from 0 to 1); other keys
    are ignored.  Values that are not finite leave gaps.  ``best_epoch``: the epoch
    whose weights the training kept, to be marked; None marks none.

    Raises SpecError when there is no ``epoch`` or nothing to draw and for an
    unknown theme or size, ShapeError for lists of different lengths and for a best
    epoch that the history lacks.
    """
    if "epoch" not in history:
        raise SpecError(f"expected a history with the key epoch, got {', '.join(history) or '{}'}")
    epochs = np.asarray(history["epoch"], dtype=float)
    canvas = Canvas(size, theme, aspect=0.8)
    panels: dict[str, list[_Line]] = {}
    for kind in _PANELS:
        for part, word in (("train", "training"), ("validation", "validation")):
            key = f"{part}_{kind}"
            if key not in history:
                continue
            values = np.array(history[key], dtype=float)
            if values.shape != epochs.shape:
                raise ShapeError(
                    f"expected {len(epochs)} values of {key}, one an epoch, got {len(values)}"
                )
            values[~np.isfinite(values)] = np.nan
            colour = canvas.theme.input if part == "train" else canvas.theme.output
            dashes = (4.0, 2.0) if part == "train" else None
            panels.setdefault(kind, []).append(_Line(word, values, colour, dashes))
    if not panels or not len(epochs):
        raise SpecError("expected a history with a loss or an accuracy of an epoch, got none")

    best, note = None, ""
    if best_epoch is not None:
        if best_epoch not in epochs:
            raise ShapeError(f"expected a best epoch of the history, got {best_epoch}")
        best, note = int(np.flatnonzero(epochs == best_epoch)[0]), f"kept: epoch {best_epoch}"
    canvas.headline(title, ", ".join(part for part in (subtitle, note) if part), canvas.theme.ink)
    _draw_panels(canvas, epochs, panels, best)
    return canvas.figure


def _epoch(value: float) -> str:
    return str(int(value)) if value == int(value) else measured(value)


def _draw_panels(
    canvas: Canvas, epochs: NDArray, panels: Mapping[str, list[_Line]], best: int | None
) -> None:
    size = canvas.size
    label = 0.0  # the widest label at a line's end
    for lines in panels.values():
        for line in lines:
            known = line.values[np.isfinite(line.values)]
            text = f"{line.word} {measured(known[-1]) if known.size else ''}"
            label = max(label, canvas.measure(text, size.small))
    label += 46 * canvas.unit
    room_x, room_y = canvas.inner_width, canvas.inner_height
    gap = 2.2 * size.label
    # Side by side while a panel keeps a plot wider than its label, else one above the other.
    beside = (room_x - gap) / 2 - label >= 1.5 * label or len(panels) == 1
    for index, (kind, lines) in enumerate(panels.items()):
        if beside:
            width = (room_x - gap * (len(panels) - 1)) / len(panels)
            left, top, height = canvas.left + index * (width + gap), canvas.top, room_y
        else:
            gap_y = 0.8 * size.label
            height = (room_y - gap_y * (len(panels) - 1)) / len(panels)
            left, top, width = canvas.left, canvas.top + index * (height + gap_y), room_x
        _panel(canvas, kind, epochs, lines, best, (left, top, width, height), label)


def _panel(
    canvas: Canvas,
    kind: str,
    epochs: NDArray,
    lines: list[_Line],
    best: int | None,
    place: tuple[float, float, float, float],
    label: float,
) -> None:
    left, top, width, height = place
    size, theme, small = canvas.size, canvas.theme, canvas.size.small
    canvas.text(left, top, kind, bold=True)
    values = np.concatenate([line.values for line in lines])
    known = values[np.isfinite(values)]
    if not known.size:
        canvas.text(left, top + 2 * size.label, "no finite values", px=small, colour=theme.mistake)
        return
    plot_top = top + size.label * LINE + 0.9 * small
    plot_bottom = top + height - small * LINE - 0.4 * small
    if len(epochs) == 1:
        # One value has no range of its own: it is seen against the whole one.
        known = np.append(known, [0.0, 1.0] if kind == "accuracy" else [0.0])
    ticks, low, high = _ticks(known, kind, plot_bottom - plot_top, small)
    texts = _tick_texts(ticks)
    plot_left = left + canvas.widest(texts, small) + 10 * canvas.unit
    plot_right = left + width - label
    # Room inside the plot, so that marks at the first and the last epoch stay in it.
    inner = 8 * canvas.unit

    def at_x(epoch: float) -> float:
        first, last = float(epochs.min()), float(epochs.max())
        share = 0.5 if first == last else (epoch - first) / (last - first)
        return plot_left + inner + share * (plot_right - plot_left - 2 * inner)

    def at_y(value: float) -> float:
        return plot_bottom - (value - low) / (high - low) * (plot_bottom - plot_top)

    for tick, text in zip(ticks, texts, strict=True):
        y = at_y(tick)
        canvas.line([plot_left, plot_right], [y, y], theme.hairline)
        canvas.note(plot_left - 10 * canvas.unit, y, text, "rm")
    _epoch_axis(canvas, epochs, at_x, plot_right, plot_bottom + 0.4 * small)

    if best is not None:
        x = at_x(epochs[best])
        canvas.line([x, x], [plot_top - 0.3 * small, plot_bottom], theme.quiet, dashes=(2, 2))
        text = f"best epoch {_epoch(epochs[best])}"
        half = canvas.measure(text, small) / 2
        head = left + canvas.measure(kind, size.label, bold=True) + size.label
        centre = min(max(x, head + half), left + width - half)
        canvas.note(centre, plot_top - 0.4 * small, text, "mb")
    ends = []
    for line in lines:
        canvas.line(
            [at_x(epoch) for epoch in epochs],
            [at_y(value) for value in line.values],
            line.colour,
            stroke=0.6 * size.thick,
            dashes=line.dashes,
        )
        finite = np.isfinite(line.values)
        for index in np.flatnonzero(finite):
            # A value between two gaps has no line: it needs a mark to be seen.
            if not finite[max(0, index - 1) : index + 2].sum() > 1:
                canvas.dot(
                    at_x(epochs[index]),
                    at_y(line.values[index]),
                    line.colour,
                    1.6 * size.thick,
                    hollow=line.dashes is not None,
                )
        if best is not None and finite[best]:
            canvas.dot(
                at_x(epochs[best]),
                at_y(line.values[best]),
                line.colour,
                2 * size.thick,
                hollow=line.dashes is not None,
            )
        if finite.any():
            last = int(np.flatnonzero(finite)[-1])
            text = f"{line.word} {measured(line.values[last])}"
            ends.append((at_y(line.values[last]), line, text))
    step = small * 1.25
    heights = _apart([y for y, _, _ in ends], step, plot_top + step / 2, plot_bottom - step / 2)
    for y, (_, line, text) in zip(heights, ends, strict=True):
        # A sample of the line leads from its end to its name.
        sample = [plot_right + 8 * canvas.unit, plot_right + 36 * canvas.unit]
        canvas.line(sample, [y, y], line.colour, stroke=0.6 * size.thick, dashes=line.dashes)
        canvas.text(plot_right + 46 * canvas.unit, y, text, "lm", px=small)


def _ticks(
    known: NDArray, kind: str, height: float, small: float
) -> tuple[list[float], float, float]:
    """Round numbers that enclose all values, as many as leave each label its line."""
    low, high = float(known.min()), float(known.max())
    if low == high:
        low, high = low - 0.05 * (abs(low) or 1), high + 0.05 * (abs(high) or 1)
    steps = max(1, min(6, math.floor(height / (2.2 * small))))
    found = MaxNLocator(nbins=steps, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    ticks = [float(tick) for tick in found]
    if kind == "accuracy":
        # No tick beyond what a share can be.
        ticks = [tick for tick in ticks if tick <= 1 + 1e-9 or low > 1]
    return ticks, min(ticks[0], low), max(ticks[-1], high)


def _tick_texts(ticks: Sequence[float]) -> list[str]:
    step = ticks[1] - ticks[0] if len(ticks) > 1 else abs(ticks[0]) or 1.0
    places = 0
    while places < 6 and abs(round(step, places) - step) > 1e-6 * step:
        places += 1
    return [f"{round(tick, places) + 0.0:.{places}f}".replace("-", MINUS) for tick in ticks]


def _epoch_axis(
    canvas: Canvas, epochs: NDArray, at_x: Callable[[float], float], right: float, y: float
) -> None:
    small, _quiet = canvas.size.small, canvas.theme.quiet
    first, last = float(epochs.min()), float(epochs.max())
    room = (at_x(last) - at_x(first)) / (canvas.measure(_epoch(last), small) + 2 * small)
    if first == last:
        ticks = [first]
    else:
        locator = MaxNLocator(
            nbins=max(1, min(8, math.floor(room))), integer=True, steps=[1, 2, 5, 10]
        )
        ticks = [tick for tick in locator.tick_values(first, last) if first <= tick <= last]
    end = right
    for tick in ticks:
        text = _epoch(tick)
        canvas.note(at_x(tick), y, text, "mt")
        end = max(end, at_x(tick) + canvas.measure(text, small) / 2)
    canvas.note(end + 14 * canvas.unit, y, "epoch")


def _apart(heights: Sequence[float], step: float, top: float, bottom: float) -> list[float]:
    """One or two heights moved apart to at least ``step``, inside top and bottom."""
    if len(heights) < 2:
        return [min(max(y, top), bottom) for y in heights]
    first, second = heights
    missing = max(0.0, step - abs(first - second)) / 2
    upper, lower = min(first, second) - missing, max(first, second) + missing
    shift = max(0.0, top - upper) - max(0.0, lower - bottom)
    upper, lower = upper + shift, lower + shift
    return [upper, lower] if first <= second else [lower, upper]
