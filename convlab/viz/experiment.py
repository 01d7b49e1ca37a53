"""What an experiment measured: rows, lines with a band, and kernels as they are learned."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError, SpecError
from convlab.numerals import number
from convlab.spread import Spread
from convlab.viz import style
from convlab.viz.axes import with_room
from convlab.viz.canvas import LINE, Canvas, Place
from convlab.viz.colour_bar import ColourBar
from convlab.viz.line_plot import Chart, Line, Look, check_lengths
from convlab.viz.matrix import Cells
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.style import Theme
from convlab.viz.table import KINDS, MeasuredColumn, Table
from convlab.viz.tiles import side_by_side

ROLES = ("output", "input", "window", "mistake", "quiet", "ink")
UNITS = {"%": " %", "number": "", "seconds": " s"}  # and what follows their numbers
_FIXED = "\u00a0"  # a space at which no line ends


@dataclass(frozen=True)
class MeasuredRow:
    """One thing that was measured: its name, a value for each seed, and further facts as texts.

    Every row has the same number of ``notes``; each column of them has a heading.  Rows of one
    ``group`` are together under its name.  ``role`` names the colour: one of ROLES.
    """

    name: str
    values: Sequence[float]
    notes: Sequence[str] = ()
    group: str = ""
    role: str = "output"


def measured_rows(
    rows: Sequence[MeasuredRow],
    *,
    label: str,
    headings: Sequence[str] = (),
    unit: str = "%",
    reference: tuple[float, str] | None = None,
    **claim: Unpack[Claim],
) -> Figure:
    """A row for each thing: a ring per seed, a dot for the mean, a bar for ± standard deviation.

    ``label`` says what is measured, in ``unit``: % (shares of 1), number or seconds.
    ``headings`` are for the rows' notes, which are left out if they have no room.  ``reference``: a
    value and its word, such as a published figure, as a dashed line.
    Raises SpecError without rows and for an unknown role or unit, ShapeError for a row without
    values or whose notes do not match the headings.
    """
    if not rows:
        raise SpecError("expected at least one row to draw, got none")
    check_named("unit", unit, UNITS)
    for row in rows:
        check_named("role", row.role, ROLES)
        if not len(row.values):
            raise ShapeError(f"expected at least one value of {row.name}, got none")
        if len(row.notes) != len(headings):
            raise ShapeError(
                f"expected {len(headings)} notes of {row.name}, one a heading, got {len(row.notes)}"
            )
    names = list(dict.fromkeys(row.group for row in rows))
    rows = sorted(rows, key=lambda row: names.index(row.group))
    spreads = [Spread.finite(row.values) for row in rows]
    known = [end for spread in spreads for end in (*spread.values, *spread.ends)]
    known += [reference[0]] if reference else []
    columns = [
        MeasuredColumn(heading, (), [row.notes[at] for row in rows], "texts")
        for at, heading in enumerate(headings)
    ]
    columns.append(
        MeasuredColumn(
            label,
            [row.values for row in rows],
            [spread.text(unit) for spread in spreads],
            "spread",
            ends=limits(np.array(known), unit),
            unit=UNITS[unit],
            reference=reference,
        )
    )
    words = [row.name for row in rows], columns, [row.group for row in rows]
    return _fitting(claim, *words, [row.role for row in rows])


def measured_columns(
    names: Sequence[str],
    columns: Sequence[MeasuredColumn],
    *,
    groups: Sequence[str] = (),
    roles: Sequence[str] = (),
    **claim: Unpack[Claim],
) -> Figure:
    """A row for each of ``names``; each column has its own scale and shows its numbers.

    If there is no room for all columns the last ones are left out.  ``groups``: for each row the
    heading above it, with the rows of one group together.  ``roles``: for each row one of
    ROLES, its colour.
    Raises SpecError without rows or columns and for an unknown role or kind,
    ShapeError for columns, groups or roles that do not have one entry per row.
    """
    if not names or not columns:
        raise SpecError("expected at least one row and one column to draw, got none")
    groups, roles = groups or [""] * len(names), roles or ["input"] * len(names)
    lengths = [len(groups), len(roles)]
    lengths += [len(entries) for column in columns for entries in (column.values, column.texts)]
    if set(lengths) != {len(names)}:
        raise ShapeError(f"expected {len(names)} entries, one a row, got {lengths}")
    for role in roles:
        check_named("role", role, ROLES)
    for column in columns:
        check_named("kind", column.kind, KINDS)
    return _fitting(claim, names, columns, groups, roles)


def _fitting(
    claim: Claim,
    names: Sequence[str],
    columns: Sequence[MeasuredColumn],
    groups: Sequence[str],
    roles: Sequence[str],
) -> Figure:
    """A table on the first canvas that has room for its rows."""
    for canvas in canvases(**claim):
        table = Table(canvas, names, columns, groups, roles)
        if table.fits:
            break
    table.draw()
    return canvas.figure


def check_named(word: str, value: str, names: Collection[str]) -> None:
    """Raises SpecError if ``value`` is none of the names."""
    if value not in names:
        raise SpecError(f"expected a {word} among {', '.join(names)}, got {value!r}")


class Claim(TypedDict, total=False):
    """What the figure of an experiment takes by keyword.

    ``title``, the ``verdict`` below it in full, a quiet ``note`` at the foot; ``theme`` and
    ``size`` as for each figure.
    """

    title: str
    verdict: str
    note: str
    theme: str
    size: str


def canvases(**claim: Unpack[Claim]) -> Iterator[Sheet]:
    """Canvases with their texts, each higher than the last: a paper's are as high as needed."""
    for aspect in (0.75, 1.1, 1.4):
        yield claim_sheet(aspect, **claim)


def aspect_of(claim: Claim) -> float:
    """Height by width of a canvas with a long verdict: a narrow one, with many lines, is taller."""
    chosen = style.size_named(claim.get("size", "slide"))
    return 0.6 if chosen.width > 60 * chosen.small else 1.15


def claim_sheet(aspect: float, verdict: str = "", note: str = "", **page: Unpack[Page]) -> Sheet:
    """Title, the verdict in full below it, and a quiet line at the foot; between is the room."""
    canvas = Sheet(aspect, "ink", **page)
    size, left, room, px = canvas.size, canvas.left, canvas.inner_width, canvas.size.subtitle
    lines = canvas.wrapped(_together(verdict), room, px)
    top = canvas.paragraph(left, canvas.top - 0.4 * size.label, lines, px=px, width=room)
    canvas.top = top + 0.7 * size.label
    notes = canvas.wrapped(_together(note), room, size.small)
    if notes:
        y = canvas.bottom - len(notes) * size.small * LINE
        canvas.paragraph(left, y, notes, px=size.small, colour=canvas.theme.quiet, width=room)
        canvas.bottom = y - 0.6 * size.small
    return canvas


def _together(text: str) -> str:
    """A text that is never broken within, for example, 97.2 ± 0.3 %."""
    return text.replace(" ± ", f"{_FIXED}±{_FIXED}").replace(" %", f"{_FIXED}%")


def limits(values: NDArray, unit: str) -> tuple[float, float]:
    """Ends of an axis with some room around all finite values; shares stay within 0 and 1."""
    values = values[np.isfinite(values)]
    if unit == "%":
        values = np.minimum(values, 1.0)
    low, high = with_room(*((values.min(), values.max()) if values.size else (0.0, 1.0)))
    if unit == "%":
        low, high = max(low, values.min(initial=0.0)), min(high, 1.0)
        low -= 0.01 if high - low <= 1e-9 else 0.0
    return float(low), float(high)


MOST_LINES = 6
_MOST_PLACES = 12  # with more of them only round ones are written along x
# Pixels on a slide that a panel needs, and those between two.
_LEAST = 300, 200
_GAP = 44


@dataclass(frozen=True)
class MeasuredLine:
    """A line of an experiment: ``values`` (places, seeds) at each of ``places`` along x.

    ``dashed`` distinguishes lines of one ``role``, such as the same network trained differently;
    (stroke, gap) of another kind of dashes.
    """

    name: str
    places: Sequence[float]
    values: Sequence[Sequence[float]]
    role: str = "output"
    dashed: bool | tuple[float, float] = False

    def drawn(self, theme: Theme) -> Line:
        """A line through the means, ascending along x, in a band of ± standard deviation."""
        spreads = [Spread.finite(values) for values in self.values]
        found = [self.places, [s.mean for s in spreads], [s.deviation for s in spreads]]
        xs, ys, spread = np.array(found, float)[:, np.argsort(self.places, kind="stable")]
        dashes = (4.0, 2.0) if self.dashed is True else self.dashed or None
        look = Look(getattr(theme, self.role), dashes)
        return Line(xs, ys, look, self.name, dot=1.6 if len(xs) <= 20 else 0, spread=spread)


@dataclass(frozen=True)
class LinePanel:
    """Lines under their own title, and their axes.

    ``unit`` is that of the values, as for ``measured_rows``.  ``logarithmic``: equal factors are
    equal distances along x, whose places are above 0.  At least ``y_range`` is shown.  ``marks``
    are places with a word, each a vertical dashed line.
    """

    title: str
    lines: Sequence[MeasuredLine]
    x_label: str
    y_label: str
    unit: str = "number"
    logarithmic: bool = False
    y_range: tuple[float, float] | None = None
    marks: Sequence[tuple[float, str]] = ()

    def draw(self, canvas: Canvas, place: Place) -> None:
        """Draw it into ``place`` (left, top, width, height)."""
        lines = [line.drawn(canvas.theme) for line in self.lines]
        places = np.unique(np.concatenate([line.xs for line in lines]))
        few = self.logarithmic or len(places) <= _MOST_PLACES
        Chart(
            lines,
            self.x_label,
            self.y_label,
            words=[(self.title, "ink")] if self.title else (),
            y_range=self.y_range,
            most=1.0 if self.unit == "%" else math.inf,
            unit=UNITS[self.unit],
            places=places if few else (),
            log_x=self.logarithmic,
            marks=self.marks,
        ).draw(canvas, place)


def measured_lines(
    lines: Sequence[MeasuredLine],
    *,
    x_label: str,
    y_label: str,
    unit: str = "%",
    logarithmic: bool = False,
    y_range: tuple[float, float] | None = None,
    marks: Sequence[tuple[float, str]] = (),
    **claim: Unpack[Claim],
) -> Figure:
    """Lines through the means over the seeds, each in a band of ± standard deviation.

    The arguments are the fields of ``LinePanel``.  A line ends at its name.  Values that are not
    finite leave gaps.

    Raises SpecError without lines, for more than six, and for an unknown role or unit; ShapeError
    for values that are not one row per place.
    """
    if not lines or not all(len(line.places) for line in lines):
        raise SpecError("expected at least one line with a place, got none")
    if len(lines) > MOST_LINES:
        raise SpecError(f"expected at most {MOST_LINES} lines, got {len(lines)}")
    check_named("unit", unit, UNITS)
    for line in lines:
        check_named("role", line.role, ROLES)
        rows = line.values if all(map(len, line.values)) else []
        check_lengths(f"rows of values of {line.name}, one a place", rows, len(line.places))
        if logarithmic and min(line.places) <= 0:
            raise SpecError(f"expected places above 0 on a logarithmic axis, got {line.places}")
    # Room for the axis, the marks, and either a plot or the stacked names of the lines.
    needed = 5 + LINE * (len(marks) + max(7, len(lines)))
    for canvas in canvases(**claim):
        if canvas.inner_height >= needed * canvas.size.small:
            break
    place = canvas.left, canvas.top, canvas.inner_width, canvas.inner_height
    panel = LinePanel("", lines, x_label, y_label, unit, logarithmic, y_range, marks)
    panel.draw(canvas, place)
    return canvas.figure


def line_panels(panels: Sequence[LinePanel], **claim: Unpack[Claim]) -> Figure:
    """Panels of ``measured_lines`` side by side, or stacked if the canvas is narrow.

    The most important panel comes first: if there is no room for all, the last are left out.

    Raises SpecError without panels or lines.
    """
    if not panels or not all(panel.lines for panel in panels):
        raise SpecError("expected at least one panel, each with a line, got one without")
    canvas = claim_sheet(aspect_of(claim), **claim)
    place = canvas.left, canvas.top, canvas.inner_width, canvas.inner_height
    gap, least = _GAP * canvas.unit, (_LEAST[0] * canvas.unit, _LEAST[1] * canvas.unit)
    places = side_by_side(len(panels), place, least, (gap, 0.5 * gap))
    for panel, at in zip(panels, places, strict=False):
        panel.draw(canvas, at)
    return canvas.figure


_LEAST_CURVE, _LEAST_CELL = 300, 8  # pixels of a slide


@dataclass(frozen=True)
class KernelColumn:
    """One kernel for each row: (KH, KW) arrays, with a text below each.

    Adjacent columns of one ``group`` are under its name.  ``is_target``: what is to be learned.
    """

    heading: str
    kernels: Sequence[NDArray]
    notes: Sequence[str]
    group: str = ""
    is_target: bool = False


def learned_kernels(
    names: Sequence[str],
    columns: Sequence[KernelColumn],
    curve: LinePanel,
    **claim: Unpack[Claim],
) -> Figure:
    """A row of kernels for each name, with a plot beside them if there is room for it.

    Each row has its own scale, below its name, symmetric about zero and as wide as its last kernel
    needs; values beyond have the colour of the end.  Raises ShapeError for columns that do not have
    a kernel and a note for each name.
    """
    if not names or not columns:
        raise ShapeError("expected at least one name and one column of kernels, got none")
    for column in columns:
        if not len(column.kernels) == len(column.notes) == len(names):
            raise ShapeError(
                f"expected {len(names)} kernels and notes in the column {column.heading}, got"
                f" {len(column.kernels)} and {len(column.notes)}"
            )
    canvas = claim_sheet(aspect_of(claim), **claim)
    right = _draw_kernels(canvas, names, columns)
    if right < canvas.right:
        curve.draw(canvas, (right, canvas.top, canvas.right - right, canvas.inner_height))
    return canvas.figure


def _draw_kernels(canvas: Canvas, names: Sequence[str], columns: Sequence[KernelColumn]) -> float:
    """Draw the rows; returns where the room for the curve begins, or the right end if none."""
    small, unit, theme = canvas.size.small, canvas.unit, canvas.theme
    gap, line = 16 * unit, LINE * small
    bars = [ColourBar(canvas, style.signed_scale(k, theme)) for k in columns[-1].kernels]
    ends = [[number(end) for end in (bar.scale.lowest, bar.scale.highest)] for bar in bars]
    widths = (canvas.widest(pair, small) * 2.2 for pair in ends)
    most = min(0.3 * canvas.inner_width, 250 * unit)
    wide = min(max(canvas.widest(names, small, True), *widths), most)
    first = canvas.left + wide + gap
    top = canvas.top + (2 if any(column.group for column in columns) else 1) * line + 0.3 * small
    high = (canvas.bottom - top) / len(names) - line - 0.4 * small
    side = min(high, (canvas.right - first + gap) / len(columns) - gap)
    beside = (canvas.right - first - 1.6 * _LEAST_CURVE * unit) / len(columns) - gap
    if len(names) < 3 and beside > side / 2:  # as large as a few rows may be, the curve had no room
        side = min(side, beside)
    pitch, curve = side + gap, first + len(columns) * (side + gap) + 44 * unit
    if canvas.right - curve < _LEAST_CURVE * unit:
        pitch, curve = (canvas.right - first + gap) / len(columns), canvas.right
    room = pitch - 0.3 * small
    for at, column in enumerate(columns):
        x = first + at * pitch
        if column.group and (at == 0 or columns[at - 1].group != column.group):
            width = (sum(other.group == column.group for other in columns) - 1) * pitch + room
            canvas.text(x, canvas.top, column.group, px=small, bold=True, width=width)
        canvas.note(x, top - line, column.heading, width=room)
        edge = theme.output if column.is_target else theme.window
        for row, (kernel, note) in enumerate(zip(column.kernels, column.notes, strict=True)):
            y = top + row * (side + line + 0.4 * small)
            cells = Cells.within(canvas, kernel.shape, x, y, side, side)
            cells.shades(kernel, bars[row].scale)
            if cells.width >= _LEAST_CELL * unit:
                cells.lines(theme.hairline)
            cells.box(edge)
            canvas.text(x, y + side + 0.25 * small, note, px=small, width=room)
    for row, (name, bar, limits) in enumerate(zip(names, bars, ends, strict=True)):
        y = top + row * (side + line + 0.4 * small)
        canvas.text(canvas.left, y, name, px=small, bold=True, width=wide)
        y += line + 0.3 * small
        bar.strip(canvas.left, y, wide, 0.6 * small)
        canvas.note(canvas.left, y + 0.8 * small, limits[0])
        canvas.note(canvas.left + wide, y + 0.8 * small, limits[1], "rt")
    return curve
