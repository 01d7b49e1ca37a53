"""Loss and accuracy over the epochs of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError, SpecError
from convlab.numerals import measured
from convlab.viz.axes import ticks_within
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.line_plot import LineEnd, Look, Plot, ruled_plot
from convlab.viz.tiles import side_by_side

_PANELS = ("loss", "accuracy")


@dataclass(frozen=True)
class _Line:
    word: str
    values: NDArray
    look: Look

    @property
    def label(self) -> str:
        """The word, and the last value that is finite."""
        known = self.values[np.isfinite(self.values)]
        return f"{self.word} {measured(known[-1]) if known.size else ''}"


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

    history: ``epoch`` and, all of that length, any of ``train_loss``, ``validation_loss``
    (natural-log cross entropy or whatever was minimised), ``train_accuracy``,
    ``validation_accuracy`` (shares from 0 to 1); other keys are ignored.  Values that are not
    finite leave gaps.  ``best_epoch``: the epoch whose weights the training kept, to be marked;
    None marks none.

    Raises SpecError if there is no ``epoch`` or nothing to draw and for an unknown theme or size,
    ShapeError for lists of different lengths and for a best epoch that the history lacks.
    """
    if "epoch" not in history:
        raise SpecError(f"expected a history with the key epoch, got {', '.join(history) or '{}'}")
    epochs = np.asarray(history["epoch"], dtype=float)
    canvas = Canvas(size, theme, aspect=0.8)
    looks = {
        "train": ("training", Look(canvas.theme.input, (4.0, 2.0))),
        "validation": ("validation", Look(canvas.theme.output)),
    }
    panels: dict[str, list[_Line]] = {}
    for kind in _PANELS:
        for part, (word, look) in looks.items():
            key = f"{part}_{kind}"
            if key not in history:
                continue
            values = np.array(history[key], dtype=float)
            if values.shape != epochs.shape:
                raise ShapeError(
                    f"expected {len(epochs)} values of {key}, one an epoch, got {len(values)}"
                )
            values[~np.isfinite(values)] = np.nan
            panels.setdefault(kind, []).append(_Line(word, values, look))
    if not panels or not len(epochs):
        raise SpecError("expected a history with a loss or an accuracy of an epoch, got none")

    best, note = None, ""
    if best_epoch is not None:
        if best_epoch not in epochs:
            raise ShapeError(f"expected a best epoch of the history, got {best_epoch}")
        best, note = int(np.flatnonzero(epochs == best_epoch)[0]), f"kept: epoch {best_epoch}"
    canvas.headline(title, ", ".join(part for part in (subtitle, note) if part), canvas.theme.ink)
    labels = [line.label for lines in panels.values() for line in lines]
    label = canvas.widest(labels, canvas.size.small) + 46 * canvas.unit
    # Side by side as long as each panel's plot stays wider than its label, else stacked.
    place = canvas.left, canvas.top, canvas.inner_width, canvas.inner_height
    gaps = 2.2 * canvas.size.label, 0.8 * canvas.size.label
    places = side_by_side(len(panels), place, (2.5 * label, 0), gaps)
    for place, (kind, lines) in zip(places, panels.items(), strict=True):
        _Panel(canvas, place, kind, epochs, lines, label).draw(best)
    return canvas.figure


def _epoch(value: float) -> str:
    return str(int(value)) if value == int(value) else measured(value)


@dataclass(frozen=True)
class _Panel:
    """The lines of one kind in ``place`` (left, top, width, height), ``label`` for their names."""

    canvas: Canvas
    place: tuple[float, float, float, float]
    kind: str
    epochs: NDArray
    lines: Sequence[_Line]
    label: float

    def draw(self, best: int | None) -> None:
        canvas, (left, top, width, height) = self.canvas, self.place
        size, small = canvas.size, canvas.size.small
        canvas.text(left, top, self.kind, bold=True)
        values = np.concatenate([line.values for line in self.lines])
        known = values[np.isfinite(values)]
        if not known.size:
            y, mistake = top + 2 * size.label, canvas.theme.mistake
            canvas.text(left, y, "no finite values", px=small, colour=mistake)
            return
        bottom = top + height - small * LINE - 0.4 * small
        borders = left, top + size.label * LINE + 0.9 * small, left + width - self.label, bottom
        reach = float(self.epochs.min()), float(self.epochs.max())
        # Room inside the plot, so that marks at the first and the last epoch stay in it.
        plot = ruled_plot(canvas, borders, reach, self._y_range(known), inner=8 * canvas.unit)
        _epoch_axis(plot)
        if best is not None:
            self._mark(plot, self.epochs[best])
        ends = [end for line in self.lines for end in self._line(plot, line, best)]
        # A sample of each line leads from its end to its name.
        for y, end in plot.spread(ends, 1.25 * small):
            x, look, stroke = plot.right, end.look, 0.6 * size.thick
            xs = [x + 8 * canvas.unit, x + 36 * canvas.unit]
            canvas.line(xs, [y, y], look.colour, stroke=stroke, dashes=look.dashes)
            canvas.text(x + 46 * canvas.unit, y, end.name, "lm", px=small)

    def _y_range(self, known: NDArray) -> tuple[float, float]:
        if len(self.epochs) == 1:
            # A single value has no range, so it is shown against the whole one.
            known = np.append(known, [0.0, 1.0] if self.kind == "accuracy" else [0.0])
        low, high = most = float(known.min()), float(known.max())
        if low == high:
            low, high = low - 0.05 * (abs(low) or 1), high + 0.05 * (abs(high) or 1)
        if self.kind == "accuracy":
            high = min(high, max(1.0, most[1]))  # no tick beyond what a share can be
        return low, high

    def _mark(self, plot: Plot, epoch: float) -> None:
        """An upright line at the best epoch, named above it beside the panel's own name."""
        canvas, (left, _, width, _) = self.canvas, self.place
        small, x, top = canvas.size.small, plot.at_x(epoch), plot.top
        canvas.line([x, x], [top - 0.3 * small, plot.bottom], canvas.theme.quiet, dashes=(2, 2))
        text = f"best epoch {_epoch(epoch)}"
        half = canvas.measure(text, small) / 2
        head = left + canvas.measure(self.kind, canvas.size.label, bold=True) + canvas.size.label
        centre = min(max(x, head + half), left + width - half)
        canvas.note(centre, top - 0.4 * small, text, "mb")

    def _line(self, plot: Plot, line: _Line, best: int | None) -> list[LineEnd]:
        ends = plot.line(self.epochs, line.values, line.look, name=line.label)
        known = np.pad(np.isfinite(line.values), 1)
        # A value between two gaps has no line and needs a mark to be visible.
        for at in np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:]):
            plot.dot(self.epochs[at], line.values[at], line.look, 1.6)
        if best is not None:
            plot.dot(self.epochs[best], line.values[best], line.look, 2)
        return ends


def _epoch_axis(plot: Plot) -> None:
    """Whole epochs below the plot, followed by what they are."""
    canvas, small, (first, last) = plot.canvas, plot.canvas.size.small, (plot.x.low, plot.x.high)
    ticks = [first]
    if first < last:
        pixel = (last - first) / (plot.at_x(last) - plot.at_x(first))
        least = (canvas.measure(_epoch(last), small) + 2 * small) * pixel
        ticks = ticks_within(first, last, max(least, (last - first) / 8), whole=True)
    end = plot.numbers(ticks, [_epoch(tick) for tick in ticks])
    x = max(end, plot.right) + 14 * canvas.unit
    canvas.note(x, plot.bottom + 0.4 * small, "epoch")
