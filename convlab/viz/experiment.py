"""What an experiment measured: rows of dots with their spread, or lines with a band."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError, SpecError
from convlab.numerals import MINUS, exact, measured
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.line_plot import apart

ROLES = ("output", "input", "window", "mistake", "quiet", "ink")
MOST_LINES = 6
_FIXED = "\u00a0"  # a space at which no line ends
_TINT = "2E"  # the opacity of bands, as the last two digits of #RRGGBBAA
_MOST_PLACES = 12  # beyond them only round ones are written along x
_UNITS = ("%", "number", "seconds")


@dataclass(frozen=True)
class MeasuredRow:
    """One thing that was measured: its name, a value for each seed, and further facts as texts.

    ``notes`` are as many in every row; each column of them has a heading.  Rows of one ``group``
    stand together under its name.  ``role`` names the colour: one of ROLES.
    """

    name: str
    values: Sequence[float]
    notes: Sequence[str] = ()
    group: str = ""
    role: str = "output"


@dataclass(frozen=True)
class MeasuredLine:
    """A line of an experiment: ``values`` (places, seeds) at each of ``places`` along x.

    ``dashed`` tells lines of one ``role`` apart, such as the same network trained otherwise.
    """

    name: str
    places: Sequence[float]
    values: Sequence[Sequence[float]]
    role: str = "output"
    dashed: bool = False


def measured_rows(
    rows: Sequence[MeasuredRow],
    *,
    label: str,
    title: str,
    verdict: str,
    note: str = "",
    headings: Sequence[str] = (),
    unit: str = "%",
    reference: tuple[float, str] | None = None,
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """A row for each thing: every seed a ring, their mean a dot, ± standard deviation a bar.

    ``label`` says what is measured, in ``unit``: % (shares of 1), number or seconds.
    ``headings`` are those of the rows' notes, which give way where they have no room.
    ``reference``: a value and its word, such as a published figure, as a dashed line.
    Raises SpecError without rows and for an unknown role, unit, theme or size, ShapeError
    for a row without values or with other notes than the headings say.
    """
    if not rows:
        raise SpecError("expected at least one row to draw, got none")
    for row in rows:
        _check(row.role, unit)
        if not len(row.values):
            raise ShapeError(f"expected at least one value of {row.name}, got none")
        if len(row.notes) != len(headings):
            raise ShapeError(
                f"expected {len(headings)} notes of {row.name}, one a heading, got {len(row.notes)}"
            )
    for aspect in (0.75, 1.1, 1.4):
        canvas = Canvas(size, theme, aspect)
        lay_texts(canvas, title, verdict, note)
        drawn = _Rows(canvas, rows, label, headings, unit, reference)
        if drawn.step >= LINE * canvas.size.small:
            break
    drawn.draw()
    return canvas.figure


def measured_lines(
    lines: Sequence[MeasuredLine],
    *,
    x_label: str,
    y_label: str,
    title: str,
    verdict: str,
    note: str = "",
    unit: str = "%",
    logarithmic: bool = False,
    y_range: tuple[float, float] | None = None,
    marks: Sequence[tuple[float, str]] = (),
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """Lines through the means over the seeds, each in a band of ± standard deviation.

    ``unit`` is that of the values, as for ``measured_rows``.  ``logarithmic``: equal factors
    are equal ways along x, whose places are above 0.  ``y_range`` is shown at least.  ``marks``
    are places with a word, each an upright dashed line.  A line ends at its name.  Values that
    are not finite leave gaps.
    Raises SpecError without lines, for more than six, and for an unknown role, unit, theme or
    size; ShapeError for values that are not one row a place.
    """
    if not lines or not all(len(line.places) for line in lines):
        raise SpecError("expected at least one line with a place, got none")
    if len(lines) > MOST_LINES:
        raise SpecError(f"expected at most {MOST_LINES} lines, got {len(lines)}")
    for line in lines:
        _check(line.role, unit)
        if len(line.values) != len(line.places) or not all(map(len, line.values)):
            raise ShapeError(
                f"expected {len(line.places)} rows of values of {line.name}, one a place, got"
                f" {len(line.values)}"
            )
        if logarithmic and min(line.places) <= 0:
            raise SpecError(f"expected places above 0 on a logarithmic axis, got {line.places}")
    # Room for the axis, the marks, and either a plot or the lines' names below each other.
    needed = 5 + LINE * (len(marks) + max(7, len(lines)))
    for aspect in (0.75, 1.1, 1.4):
        canvas = Canvas(size, theme, aspect)
        lay_texts(canvas, title, verdict, note)
        if canvas.inner_height >= needed * canvas.size.small:
            break
    Lines(canvas, lines, x_label, y_label, unit, logarithmic, y_range, marks).draw()
    return canvas.figure


def _check(role: str, unit: str) -> None:
    if role not in ROLES:
        raise SpecError(f"expected a role among {', '.join(ROLES)}, got {role!r}")
    if unit not in _UNITS:
        raise SpecError(f"expected a unit among {', '.join(_UNITS)}, got {unit!r}")


def lay_texts(canvas: Canvas, title: str, verdict: str, note: str) -> None:
    """Title, the verdict in full below it, and a quiet line at the foot; moves top and bottom."""
    size, room = canvas.size, canvas.inner_width
    canvas.headline(title, "", canvas.theme.ink)
    canvas.top -= 0.4 * size.label
    for line in _wrapped(canvas, verdict, room, size.subtitle):
        canvas.text(canvas.left, canvas.top, line, px=size.subtitle, width=room)
        canvas.top += size.subtitle * LINE
    canvas.top += 0.7 * size.label
    notes = _wrapped(canvas, note, room, size.small)
    y = canvas.bottom - len(notes) * size.small * LINE
    canvas.bottom = y - 0.6 * size.small if notes else canvas.bottom
    for line in notes:
        canvas.note(canvas.left, y, line, width=room)
        y += size.small * LINE


def _wrapped(canvas: Canvas, text: str, width: float, px: float) -> list[str]:
    """A text in as many lines as it needs; 97.2 ± 0.3 % stays together."""
    lines: list[str] = []
    text = text.replace(" ± ", _FIXED + "±" + _FIXED).replace(" %", _FIXED + "%")
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and canvas.measure(longer, px) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line for line in lines if line]


def _spread(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation over the seeds, of the finite values."""
    finite = [float(value) for value in values if math.isfinite(value)]
    if not finite:
        return math.nan, 0.0
    return statistics.fmean(finite), statistics.stdev(finite) if len(finite) > 1 else 0.0


def _written(values: Sequence[float], unit: str) -> str:
    mean, deviation = _spread(values)
    many = len(values) > 1
    if unit == "%":
        places = 2 if 0 < deviation < 0.0005 else 1  # never ± 0.0 for a spread
        spread = f" ± {100 * deviation:.{places}f}" if many else ""
        text = f"{100 * mean:.{places}f}{spread} %"
    else:
        text = measured(mean)
        if many:  # two significant digits of the spread, and as many decimals of the mean
            places = min(6, max(0, 1 - math.floor(math.log10(deviation or abs(mean) or 1.0))))
            text = f"{mean:.{places}f} ± {deviation:.{places}f}"
        text += " s" if unit == "seconds" else ""
    return text.replace("-", MINUS)


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers within low to high, at most ``most`` and two where the range has them."""
    span = high - low
    power = math.floor(math.log10(span)) - 1
    for more in range(3):
        for digit in (1, 2, 5):
            step = digit * 10.0 ** (power + more)
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
            if last - first + 1 <= max(2, most):
                return [at * step for at in range(first, last + 1)]
    return [low]


def _tick_texts(ticks: Sequence[float], unit: str) -> list[str]:
    scaled = [100 * tick for tick in ticks] if unit == "%" else list(ticks)
    # Rounded to what steps of 1, 2 and 5 need, so that 0.30000000000000004 is 0.3.
    texts = exact(np.round(scaled, 10)).texts
    end = {"%": " %", "seconds": " s", "number": ""}[unit]
    return [text + end for text in texts]


def _range(values: NDArray, unit: str) -> tuple[float, float]:
    """Limits with some room around all values; a share never goes beyond 0 and 1."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    edge = 0.06 * (high - low) or 0.02 * abs(high) or 1.0
    low, high = low - edge, high + edge
    if unit == "%":
        low, high = max(low, min(0.0, float(finite.min(initial=0)))), min(high, 1.0)
        low, high = (low, high) if high - low > 1e-9 else (low - 0.01, high)
    return low, high


class _Rows:
    """The rows of ``measured_rows`` on their canvas."""

    def __init__(self, canvas, rows, label, headings, unit, reference):
        self.canvas, self.rows, self.label, self.unit = canvas, rows, label, unit
        self.headings, self.reference = headings, reference
        small = canvas.size.small
        self.groups = list(dict.fromkeys(row.group for row in rows))
        # A reference has a line of its own below the label.
        self.top = canvas.top + (1.9 + LINE * (reference is not None)) * small
        self.lines = len(rows) + 0.9 * sum(1 for group in self.groups if group)
        room = canvas.bottom - 1.7 * small - self.top
        self.step = min(room / self.lines, 5 * canvas.size.label)

    def draw(self) -> None:
        canvas, groups, step, top = self.canvas, self.groups, self.step, self.top
        small, label = canvas.size.small, canvas.size.label
        room = canvas.inner_width
        gap = 1.1 * label
        indent = 0.8 * label if any(groups) else 0.0
        names = indent + canvas.widest((row.name for row in self.rows), small, True)
        names = max(names, canvas.widest(groups, small, True))
        names = min(names, 0.46 * room)
        means = canvas.widest((_written(row.values, self.unit) for row in self.rows), small)
        notes = [
            max(
                canvas.widest((row.notes[at] for row in self.rows), small),
                canvas.measure(heading, small),
            )
            for at, heading in enumerate(self.headings)
        ]
        # Notes give way, the last first, until the plot has a third of the width.
        while notes and room - names - means - sum(notes) - (2 + len(notes)) * gap < room / 3:
            notes.pop()
        x = canvas.left + names + gap
        for at, width in enumerate(notes):
            x += width
            canvas.note(x, canvas.top, self.headings[at], "rt")
            x += gap
        left, right = x, canvas.right - means - gap
        canvas.note(left, canvas.top, self.label, width=canvas.right - left)
        bottom = top + step * self.lines
        at_x = self._axis(left, right, top, bottom)
        y = top
        for group in groups:
            if group:
                canvas.note(canvas.left, y + 0.5 * step, group, "lm", bold=True, width=names)
                y += 0.9 * step
            for row in (row for row in self.rows if row.group == group):
                self._row(row, y + step / 2, step, at_x, indent, names, notes, gap)
                y += step

    def _axis(self, left, right, top, bottom):
        canvas, theme, small = self.canvas, self.canvas.theme, self.canvas.size.small
        values = np.concatenate([np.asarray(row.values, float) for row in self.rows])
        spreads = [_spread(row.values) for row in self.rows]
        ends = [mean + sign * deviation for mean, deviation in spreads for sign in (-1, 1)]
        if self.unit == "%":
            ends = [min(end, 1.0) for end in ends]
        own = [self.reference[0]] if self.reference is not None else []
        low, high = _range(np.concatenate([values, ends, own]), self.unit)

        def at_x(value: float) -> float:
            return left + (min(max(value, low), high) - low) / (high - low) * (right - left)

        for most in range(6, 1, -1):
            ticks = _ticks(low, high, most)
            texts = _tick_texts(ticks, self.unit)
            if 1.4 * canvas.widest(texts, small) * len(ticks) <= right - left:
                break
        for tick, text in zip(ticks, texts, strict=True):
            x = at_x(tick)
            canvas.line([x, x], [top, bottom], theme.hairline)
            half = canvas.measure(text, small) / 2
            x = min(max(x, left - small + half), canvas.right - half)
            canvas.note(x, bottom + 0.4 * small, text, "mt")
        if self.reference is not None:
            value, word = self.reference
            x = at_x(value)
            canvas.line([x, x], [top - 0.2 * small, bottom], theme.mistake, dashes=(4, 3))
            half = canvas.measure(word, small) / 2
            canvas.text(
                min(max(x, left + half), canvas.right - half),
                top - (LINE + 0.25) * small,
                word,
                "mt",
                px=small,
                colour=theme.mistake,
                width=canvas.right - left,
            )
        return at_x

    def _row(self, row, y, step, at_x, indent, names, notes, gap) -> None:
        canvas, size, small = self.canvas, self.canvas.size, self.canvas.size.small
        colour = getattr(canvas.theme, row.role)
        mean, deviation = _spread(row.values)
        canvas.text(
            canvas.left + indent, y, row.name, "lm", px=small, bold=True, width=names - indent
        )
        x = canvas.left + names + gap
        for width, note in zip(notes, row.notes, strict=False):
            x += width
            canvas.text(x, y, note, "rm", px=small)
            x += gap
        thick = 1.4 * size.thick
        if math.isfinite(mean):
            if deviation:
                ends = [at_x(mean - deviation), at_x(mean + deviation)]
                canvas.line(ends, [y, y], colour, stroke=0.7 * size.thick)
                high = min(0.22 * step, 1.6 * size.thick)
                canvas.strokes(
                    [((end, y - high), (end, y + high)) for end in ends], colour, stroke=size.hair
                )
            for value in row.values if len(row.values) > 1 else ():
                if math.isfinite(value):
                    canvas.dot(at_x(value), y, colour, thick, hollow=True)
            canvas.dot(at_x(mean), y, colour, 1.7 * thick)
        canvas.text(canvas.right, y, _written(row.values, self.unit), "rm", px=small)


class Lines:
    """The lines of ``measured_lines`` on their canvas."""

    def __init__(self, canvas, lines, x_label, y_label, unit, logarithmic, y_range, marks):
        self.canvas, self.lines, self.unit = canvas, lines, unit
        self.x_label, self.y_label = x_label, y_label
        self.logarithmic, self.y_range, self.marks = logarithmic, y_range, marks

    def draw(self) -> None:
        canvas = self.canvas
        size, theme, small, unit = canvas.size, canvas.theme, canvas.size.small, canvas.unit
        spreads = [[_spread(values) for values in line.values] for line in self.lines]
        places = np.unique(np.concatenate([np.asarray(line.places, float) for line in self.lines]))
        bounds = np.array([[m - d, m + d] for line in spreads for m, d in line]).ravel()
        if self.unit == "%":
            bounds = np.minimum(bounds, 1.0)
        if self.y_range is not None:
            bounds = np.concatenate([bounds, self.y_range])
        low, high = _range(bounds, self.unit)
        top = canvas.top + (1.9 + LINE * len(self.marks)) * small
        bottom = canvas.bottom - 3.1 * small
        ticks = _ticks(low, high, int(min(6, (bottom - top) / (1.9 * small))))
        texts = _tick_texts(ticks, self.unit)
        left = canvas.left + canvas.widest(texts, small) + 10 * unit
        room = canvas.inner_width
        label = min(canvas.widest((line.name for line in self.lines), small, True), 0.4 * room)
        right = canvas.right - label - 50 * unit
        inner = 10 * unit
        scaled = np.log(places) if self.logarithmic else places
        first, last = float(scaled.min()), float(scaled.max())

        def at_x(place: float) -> float:
            value = math.log(place) if self.logarithmic else place
            share = 0.5 if first == last else (value - first) / (last - first)
            return left + inner + share * (right - left - 2 * inner)

        def at_y(value: float) -> float:
            return bottom - (min(max(value, low), high) - low) / (high - low) * (bottom - top)

        canvas.note(canvas.left, canvas.top, self.y_label, width=room)
        for tick, text in zip(ticks, texts, strict=True):
            y = at_y(tick)
            canvas.line([left, right], [y, y], theme.hairline)
            canvas.note(left - 10 * unit, y, text, "rm")
        self._x_axis(places, at_x, bottom, left, right)
        for line, spread in zip(self.lines, spreads, strict=True):
            self._band(line, spread, at_x, at_y)
        self._marks(at_x, canvas.top + 1.5 * small, bottom)
        ends = []
        for line, spread in zip(self.lines, spreads, strict=True):
            colour, dashes = getattr(theme, line.role), (4.0, 2.0) if line.dashed else None
            points = [
                (at_x(place), at_y(mean)) if math.isfinite(mean) else (at_x(place), math.nan)
                for place, (mean, _) in sorted(zip(line.places, spread, strict=True))
            ]
            xs, ys = zip(*points, strict=True)
            canvas.line(xs, ys, colour, stroke=0.6 * size.thick, dashes=dashes)
            if len(points) <= 20:
                for x, y in points:
                    if math.isfinite(y):
                        canvas.dot(x, y, colour, 1.6 * size.thick, hollow=dashes is not None)
            seen = [(x, y) for x, y in points if math.isfinite(y)]
            if seen:
                ends.append((*seen[-1][::-1], line.name, colour, dashes))
        ends.sort(key=lambda end: end[0])
        step = LINE * small
        heights = apart([end[0] for end in ends], step, top + step / 2, bottom - step / 2)
        for y, (end, x, name, colour, dashes) in zip(heights, ends, strict=True):
            canvas.line(
                [x + 6 * unit, right + 8 * unit, right + 40 * unit],
                [end, end, y],
                colour,
                stroke=0.35 * size.thick,
                dashes=dashes,
            )
            canvas.text(
                right + 48 * unit, y, name, "lm", px=small, bold=True, colour=colour, width=label
            )

    def _band(self, line, spread, at_x, at_y) -> None:
        """± standard deviation as a tint that others show through, in runs of known places."""
        tint = getattr(self.canvas.theme, line.role) + _TINT
        run: list[tuple[float, float, float]] = []
        rows = sorted(zip(line.places, spread, strict=True))
        for place, (mean, deviation) in [*rows, (math.nan, (math.nan, 0.0))]:
            if math.isfinite(mean):
                run.append((at_x(place), at_y(mean + deviation), at_y(mean - deviation)))
                continue
            if len(run) > 1:
                above = [(x, high) for x, high, _ in run]
                below = [(x, low) for x, _, low in run[::-1]]
                self.canvas.polygons(np.array([above + below]), fill=tint)
            run = []

    def _marks(self, at_x, top, bottom) -> None:
        """Upright lines, each with its word beside its upper end, in a line of its own."""
        canvas, small, quiet = self.canvas, self.canvas.size.small, self.canvas.theme.quiet
        marks = [(at_x(place), word) for place, word in sorted(self.marks)]
        lefts = [min(x + 0.4 * small, canvas.right - canvas.measure(w, small)) for x, w in marks]
        # A line passes the words below its own, unless one of them had to give way to the left.
        free = all(left >= marks[row][0] for row, left in enumerate(lefts))
        for row, ((x, word), left) in enumerate(zip(marks, lefts, strict=True)):
            y = top + row * LINE * small
            begin = y if free else top + len(marks) * LINE * small
            canvas.line([x, x], [begin, bottom], quiet, dashes=(4, 3))
            left = max(left, canvas.left)
            canvas.note(left, y, word, width=canvas.right - left)

    def _x_axis(self, places, at_x, bottom, left, right) -> None:
        """The places that were measured, as many as have room, and what they are."""
        canvas, small, _quiet = self.canvas, self.canvas.size.small, self.canvas.theme.quiet
        end = -math.inf
        if len(places) > _MOST_PLACES and not self.logarithmic:
            round_ones = _ticks(float(places.min()), float(places.max()), 9)
            places = [place for place in places if np.isclose(round_ones, place).any()]
        for place in places:
            text = measured(place) if abs(place) < 1000 else f"{place:,.0f}"
            half = canvas.measure(text, small) / 2
            if at_x(place) - half > end:
                canvas.note(at_x(place), bottom + 0.4 * small, text, "mt")
                end = at_x(place) + half + 0.5 * small
        middle = (left + right) / 2
        canvas.note(
            middle,
            bottom + 1.75 * small,
            self.x_label,
            "mt",
            width=2 * min(middle - canvas.left, canvas.right - middle),
        )
