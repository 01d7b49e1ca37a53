"""Curves of training and testing: over epochs, shifts, depth, thresholds, distances and inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError, SpecError
from convlab.numerals import measured, number
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.line_plot import DASHES, Chart, Line, Look, check_lengths
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.tiles import framed, side_by_side, whole_cells
from convlab.words import t

_DASHED = (4.0, 2.0)
MOST = 4  # activation functions; more panels would be too narrow


def curves(
    history: Mapping[str, Sequence[float]],
    *,
    best_epoch: int | None = None,
    **page: Unpack[Page],
) -> Figure:
    """Loss and accuracy per epoch, one panel each; training dashed, validation solid.

    history: ``epoch`` and, all of that length, any of ``train_loss``, ``validation_loss``
    (natural-log cross entropy or whatever was minimised), ``train_accuracy``,
    ``validation_accuracy`` (shares from 0 to 1); other keys are ignored.  Values that are not
    finite leave gaps.  ``best_epoch``: the epoch whose weights the training kept, to be marked;
    None marks none.

    Raises SpecError if there is no ``epoch`` or nothing to draw, ShapeError for lists of different
    lengths and for a best epoch that the history lacks.
    """
    if "epoch" not in history:
        raise SpecError(f"expected a history with the key epoch, got {', '.join(history) or '{}'}")
    epochs = np.asarray(history["epoch"], dtype=float)
    if best_epoch is not None and best_epoch not in epochs:
        raise ShapeError(f"expected a best epoch of the history, got {best_epoch}")
    marks = (
        []
        if best_epoch is None
        else [(float(best_epoch), t("best epoch {best_epoch}", best_epoch))]
    )
    rings = np.flatnonzero(epochs == best_epoch).tolist()
    both = {key.rpartition("_")[2] for key in history} >= {"loss", "accuracy"}
    canvas = Sheet(1.25 if both else 0.8, **page)
    looks = {
        t("training"): Look(canvas.theme.input, _DASHED),
        t("validation"): Look(canvas.theme.output),
    }
    charts = []
    for kind in (t("loss"), t("accuracy")):
        lines = []
        for word, look in looks.items():
            key = f"{word.removesuffix('ing')}_{kind}"
            if key in history:
                check_lengths(f"values of {key}, one an epoch", history[key], len(epochs))
                values = np.array(history[key], dtype=float)
                values[~np.isfinite(values)] = np.nan
                known = values[np.isfinite(values)]
                name = t("{word} {value}", word, measured(known[-1]) if known.size else "")
                lines.append(Line(epochs, values, look, name, rings=rings))
        # A single value has no range, so it is shown against the whole one.
        whole, most = ((0.0, 1.0), 1.0) if kind == "accuracy" else ((0.0, 0.0), math.inf)
        y_range = whole if len(epochs) == 1 else None
        words = [(kind, "ink")]
        if lines:
            chart = Chart(
                lines, t("epoch"), "", words, None, y_range, most, whole=True, marks=marks
            )
            charts.append(chart)
    if not charts or not len(epochs):
        raise SpecError("expected a history with a loss or an accuracy of an epoch, got none")
    canvas.head("ink", "" if best_epoch is None else t("kept: epoch {best_epoch}", best_epoch))
    _side_by_side(canvas, charts, 460)
    return canvas.figure


def _side_by_side(canvas: Sheet, charts: Sequence[Chart], least: float) -> None:
    """Charts beside each other as long as they have this width on a slide, else stacked.

    The last are left out if there is no room for all.
    """
    place = canvas.left, canvas.top, canvas.inner_width, canvas.inner_height
    gaps = 2.2 * canvas.size.label, 0.8 * canvas.size.label
    room = least * canvas.unit, 200 * canvas.unit
    for chart, at in zip(charts, side_by_side(len(charts), place, room, gaps), strict=False):
        chart.draw(canvas, at)


def invariance(
    shifts: Sequence[int], accuracies: Mapping[str, Sequence[float]], **page: Unpack[Page]
) -> Figure:
    """Accuracy (shares from 0 to 1) of each network by the shift in pixels.

    accuracies: for each name as many as there are shifts.  Every line has its own colour and
    dashes and ends at its name, with its first and its last number.

    Raises ShapeError for lists of other lengths, SpecError if there is nothing to draw and for
    more than four networks.
    """
    if not accuracies or not len(shifts):
        raise SpecError("expected at least one network and one shift, got none")
    if len(accuracies) > len(DASHES):
        raise SpecError(f"expected at most {len(DASHES)} networks, got {len(accuracies)}")
    for name, values in accuracies.items():
        check_lengths(f"accuracies of {name}, one a shift", values, len(shifts))
    canvas = Sheet(0.72, "ink", **page)
    theme, order = canvas.theme, np.argsort(shifts, kind="stable")
    places = np.asarray(shifts, float)[order]
    lines = []
    for at, (name, values) in enumerate(accuracies.items()):
        look = Look((theme.output, theme.input, theme.window, theme.mistake)[at], DASHES[at])
        shares = np.asarray(values, float)[order]
        note = t("{value:.1f} → {value2:.1f} %", 100 * shares[0], 100 * shares[-1])
        lines.append(Line(places, shares, look, name, note, dot=1.7))
    label, ends = t("accuracy on the test set"), (0.0, 1.0)
    _whole(
        canvas, Chart(lines, t("shift in pixels"), label, y_range=ends, unit=" %", places=places)
    )
    return canvas.figure


def _whole(canvas: Canvas, chart: Chart) -> None:
    """A chart in all the room of a canvas."""
    chart.draw(canvas, (canvas.left, canvas.top, canvas.inner_width, canvas.inner_height))


@dataclass(frozen=True)
class FieldLine:
    """One network: fields (n,) in pixels at depths (n,), ascending, and where strides grow.

    ``downsampled`` are the indices of layers whose effective stride is larger than the layer
    before's.
    """

    name: str
    depths: Sequence[int]
    fields: Sequence[int]
    downsampled: Sequence[int] = ()


def field_growth(
    lines: Sequence[FieldLine], *, input_side: int | None = None, **page: Unpack[Page]
) -> Figure:
    """Receptive field in pixels by the number of convolutions and poolings passed.

    Each line ends at the network's name and its last field; rings mark where the effective
    stride grows.  ``input_side``: the image's side, a line across.

    Raises ShapeError for no line or more than four, and if depths and fields differ in length or
    are fewer than 2.
    """
    if not 1 <= len(lines) <= len(DASHES):
        raise ShapeError(f"expected 1 to {len(DASHES)} networks, got {len(lines)}")
    for line in lines:
        if len(line.depths) != len(line.fields) or len(line.depths) < 2:
            raise ShapeError(
                f"{line.name}: expected as many fields as depths, at least 2, got"
                f" {len(line.fields)} and {len(line.depths)}"
            )
    canvas = Sheet(0.72, "ink", **page)
    theme, drawn = canvas.theme, []
    colours = (theme.window, theme.output, theme.mistake, theme.ink)
    for line, colour, dashes in zip(lines, colours, DASHES, strict=False):
        xs, ys = np.array(line.depths, float), np.array(line.fields, float)
        note = t("{fields} pixels, depth {depths}", line.fields[-1], line.depths[-1])
        look = Look(colour, dashes)
        drawn.append(Line(xs, ys, look, line.name, note, rings=line.downsampled))
    levels = []
    if input_side is not None:
        levels.append((float(input_side), t("side of the image: {input_side}", input_side)))
    x_label, y_label = t("convolutions and poolings"), t("receptive field in pixels")
    reach = 0.0, float(max(line.depths[-1] for line in lines))
    _whole(canvas, Chart(drawn, x_label, y_label, (), reach, (0.0, 0.0), whole=True, levels=levels))
    return canvas.figure


@dataclass(frozen=True, eq=False)
class RateCurve:
    """A curve through ``xs`` and ``ys`` (n,), all from 0 to 1.

    ``guess``: its heights at 0 and at 1 by guessing; ``point``: the place of the chosen
    threshold, None if it has none; ``stepped``: the height holds from a place on to the left.
    """

    name: str
    x_label: str
    y_label: str
    xs: ArrayLike
    ys: ArrayLike
    guess: tuple[float, float]
    point: tuple[float, float] | None = None
    stepped: bool = False


def rate_curves(curves: Sequence[RateCurve], **page: Unpack[Page]) -> Figure:
    """What a classifier trades at its thresholds: curves of two shares, each beside guessing.

    Side by side, or the first that have room; guessing is dashed, a threshold is a dot.

    Raises ShapeError for no curves and for one without numbers or with unequal ones.
    """
    if not curves:
        raise ShapeError("expected at least one curve, got none")
    canvas = Sheet(1.3, "ink", **page)
    theme, ends, charts = canvas.theme, (0.0, 1.0), []
    for curve in curves:
        xs, ys = np.asarray(curve.xs, float), np.asarray(curve.ys, float)
        if xs.ndim != 1 or xs.shape != ys.shape or not xs.size:
            raise ShapeError(
                f"{curve.name}: expected two rows of numbers, got {xs.shape}, {ys.shape}"
            )
        if curve.stepped:
            xs, ys = np.repeat(np.append(0.0, xs), 2)[1:-1], np.repeat(ys, 2)
        guess, look = np.array(curve.guess), Look(theme.quiet, _DASHED)
        lines = [Line(np.array(ends), guess, look, t("guessing")), Line(xs, ys, Look(theme.output))]
        if curve.point is not None:
            x, y = (np.array([at]) for at in curve.point)
            lines.append(Line(x, y, Look(theme.window), dot=3.5))
        words = [(curve.name, "ink")]
        charts.append(Chart(lines, curve.x_label, curve.y_label, words, ends, ends))
    _side_by_side(canvas, charts, 330)
    return canvas.figure


@dataclass(frozen=True, eq=False)
class ActivationCurve:
    """One function over x (n,), ascending: its outputs and gradients (n,), its name and formula.

    ``notes`` are the lines below the gradient.
    """

    name: str
    formula: str
    x: NDArray
    output: NDArray
    gradient: NDArray
    notes: tuple[str, ...] = ()

    def lines(self, canvas: Canvas) -> list[tuple[str, Line]]:
        """The output and the gradient, each with its role."""
        found = []
        for role, values in (("output", self.output), ("window", self.gradient)):
            # A jump, such as that of ReLU's gradient, is not a slope.
            broken = np.flatnonzero(np.abs(np.diff(values)) > 0.2 * max(np.ptp(values), 1.0)) + 1
            xs, ys = (np.insert(one, broken, np.nan) for one in (self.x, values))
            xs[np.isnan(xs)] = self.x[broken]
            found.append((role, Line(xs, ys, Look(getattr(canvas.theme, role)))))
        return found


def activations(curves: Sequence[ActivationCurve], **page: Unpack[Page]) -> Figure:
    """A column for each function: its output above, its gradient below, over the same x.

    Each output has its own scale, as its ticks show; the gradients share one, so that their sizes
    can be compared.

    Raises ShapeError for no curves or more than four, and for arrays that are not as long as x.
    """
    if not 1 <= len(curves) <= MOST:
        raise ShapeError(f"expected 1 to {MOST} activation functions, got {len(curves)}")
    for curve in curves:
        if not len(curve.x) == len(curve.output) == len(curve.gradient) > 1:
            raise ShapeError(
                f"{curve.name}: expected as many outputs and gradients as x, at least 2, got"
                f" {len(curve.output)} and {len(curve.gradient)} for {len(curve.x)}"
            )
    canvas = Sheet(1.0, "ink", **page)
    small, label = canvas.size.small, canvas.size.label
    gap = 2 * label
    width = (canvas.inner_width - gap * (len(curves) - 1)) / len(curves)
    formulas = [canvas.lines(curve.formula, width, small) for curve in curves]
    head = label * LINE + max(map(len, formulas)) * small * LINE + 0.4 * label
    foot = max(len(curve.notes) for curve in curves) * small * LINE
    height = (canvas.inner_height - head - foot - 0.9 * label) / 2
    steepest = 0.0, max(float(curve.gradient.max()) for curve in curves)
    for index, curve in enumerate(curves):
        left, top = canvas.left + index * (width + gap), canvas.top
        canvas.text(left, top, curve.name, bold=True, width=width)
        colour = canvas.theme.quiet
        canvas.paragraph(
            left, top + label * LINE, formulas[index], px=small, colour=colour, width=width
        )
        top += head
        pairs = zip(
            (t("output"), t("gradient")), curve.lines(canvas), (None, steepest), strict=True
        )
        for word, (role, line), y_range in pairs:
            place = left, top, width, height
            Chart([line], "x", words=[(word, role)], y_range=y_range).draw(canvas, place)
            top += height + 0.9 * label
        canvas.paragraph(left, canvas.bottom - foot, curve.notes, px=small, width=width)
    return canvas.figure


def neighbours(
    image: ArrayLike,
    shuffled_image: ArrayLike,
    distances: ArrayLike,
    correlations: ArrayLike,
    shuffled: ArrayLike,
    **page: Unpack[Page],
) -> Figure:
    """An image, the same shuffled, and the correlation of pixels by distance in both.

    image, shuffled_image: (C, H, W) bytes, C 1 or 3, of one size.  distances, correlations,
    shuffled: (n,) at least 2, distances in pixels.

    Raises ShapeError for arrays that do not fit each other.
    """
    image, shuffled_image = np.asarray(image), np.asarray(shuffled_image)
    if image.shape != shuffled_image.shape:
        raise ShapeError(
            f"expected two images of one shape, got {image.shape} and {shuffled_image.shape}"
        )
    distances = np.asarray(distances, float)
    values = [np.asarray(correlations, float), np.asarray(shuffled, float)]
    if distances.ndim != 1 or len(distances) < 2 or any(v.shape != distances.shape for v in values):
        raise ShapeError(
            f"expected correlations of at least 2 distances, got {values[0].shape} and"
            f" {values[1].shape} for {distances.shape}"
        )
    if not np.isfinite(values).all():
        raise ShapeError("expected finite correlations, got some that are not")
    canvas = Sheet(1.0, "ink", **page)
    words = t("as they are"), t("pixels shuffled")
    looks = Look(canvas.theme.input), Look(canvas.theme.mistake, _DASHED)
    small, label = canvas.size.small, canvas.size.label
    head, shape, gap = small * LINE, image.shape[1:], 0.9 * label
    narrow = canvas.inner_width < 36 * small  # then the images stand side by side above the curves
    room = (0.36 * canvas.inner_width, (canvas.inner_height - gap) / 2 - head)
    if narrow:
        room = (canvas.inner_width - 3 * label) / 2, 0.34 * canvas.inner_height - head
    cell = whole_cells(*room, *shape)
    height, width = (cell * length for length in shape)
    own = max(width, canvas.widest(words, small, True))
    step = (
        own + 3 * label if narrow else min((canvas.inner_height + gap) / 2, height + head + 2 * gap)
    )
    for at, (pixels, word, look) in enumerate(
        zip((image, shuffled_image), words, looks, strict=True)
    ):
        x, y = (
            (canvas.left + at * step, canvas.top)
            if narrow
            else (canvas.left, canvas.top + at * step)
        )
        place = x, y + head, width, height
        framed(canvas, image_rgb(pixels), place, word, look.colour, head=head, px=small, width=own)
    left, top = canvas.left + own + 2.2 * label, canvas.top
    if narrow:
        left, top = canvas.left, canvas.top + head + height + label
    lines = []
    for word, line, look in zip(words, values, looks, strict=True):
        note = t("{number} at distance {number2}", number(line[1]), number(distances[1]))
        lines.append(Line(distances, line, look, word, note, dot=1.7))
    chart = Chart(lines, t("distance in pixels"), t("correlation"), y_range=(-0.2, 1.0), whole=True)
    chart.draw(canvas, (left, top, canvas.right - left, canvas.bottom - top))
    return canvas.figure
