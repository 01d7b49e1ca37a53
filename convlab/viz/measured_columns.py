"""Several figures of the same things side by side: a row per thing, a column per figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.figure import Figure

from convlab.errors import ShapeError, SpecError
from convlab.spread import Spread
from convlab.viz.axes import Axis, with_room
from convlab.viz.canvas import LINE
from convlab.viz.experiment import ROLES, canvases, check_named
from convlab.viz.matrix import Cells

KINDS = ("bars", "spread", "fields")
# In text heights: the lowest row, and the room of the largest field; in rows: a group's heading.
ROW, FIELD, GROUP = 2.5, 5.0, 0.6


@dataclass(frozen=True)
class MeasuredColumn:
    """One figure of every row: its heading, values and their texts, and how it is drawn.

    ``values`` has a list per row, of one value or one per seed, empty if nothing was measured.
    ``kind``: bars begin at zero; spread is a dot for the mean on the column's own scale, with a
    ring for each seed and ± standard deviation; fields are squares with so many cells per side, all
    on one scale.
    """

    heading: str
    values: Sequence[Sequence[float]]
    texts: Sequence[str]
    kind: str = "bars"


def measured_columns(
    names: Sequence[str],
    columns: Sequence[MeasuredColumn],
    *,
    title: str,
    verdict: str,
    note: str = "",
    groups: Sequence[str] = (),
    roles: Sequence[str] = (),
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """A row for each of ``names``; each column has its own scale and shows its numbers.

    If there is no room for all columns the last ones are left out.  ``groups``: for each row the
    heading above it, with the rows of one group together.  ``roles``: for each row one of
    viz.experiment.ROLES, its colour.
    Raises SpecError without rows or columns and for an unknown role, kind, theme or size,
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
    for canvas in canvases(size, theme, title, verdict, note):
        drawn = _Columns(canvas, names, columns, groups, roles)
        if drawn.step >= ROW * drawn.px:
            break
    drawn.draw()
    return canvas.figure


class _Columns:
    """The rows and columns on their canvas."""

    def __init__(self, canvas, names, columns, groups, roles):
        self.canvas, self.names, self.columns = canvas, names, columns
        self.groups, self.roles = groups, roles
        self.headings = list(dict.fromkeys(groups))
        # As large as fits all columns and rows, else small.
        for self.px in (canvas.size.label, canvas.size.small):
            shown = self._lay()
            if shown == len(columns) and self.step >= ROW * self.px:
                break

    def _lay(self) -> int:
        """Find the places of rows and columns for texts of ``px``; returns how many columns."""
        canvas, px, columns = self.canvas, self.px, self.columns
        gap = 1.3 * px
        self.indent = 0.8 * px if any(self.headings) else 0.0
        label = self.indent + canvas.widest(self.names, px, True)
        self.label = min(max(label, canvas.widest(self.headings, px)), 0.4 * canvas.inner_width)
        start = canvas.left + self.label + gap
        # A heading may take two lines; squares have a fixed width and the others share the rest.
        least, fixed = [], []
        for column in columns:
            words = canvas.widest(column.texts, px)
            least.append(max(words, 0.6 * canvas.measure(column.heading, px)))
            fixed.append(max(least[-1], FIELD * px + words) if column.kind == "fields" else 0.0)
        for shown in range(len(columns), 0, -1):
            taken = [width + gap for width in fixed[:shown] if width]
            shared = canvas.right - start + gap - sum(taken)
            share = shared / (shown - len(taken)) - gap if shown > len(taken) else 0.0
            fits = [w or share >= wanted for w, wanted in zip(fixed, least, strict=True)][:shown]
            if all(fits) and shared >= 0:
                break
        self.widths = [width or share for width in fixed[:shown]]
        self.lefts = [start + sum(self.widths[:at]) + at * gap for at in range(shown)]
        self.heads = [
            canvas.lines(column.heading, width, px)
            for column, width in zip(columns, self.widths, strict=False)
        ]
        self.top = canvas.top + (max(map(len, self.heads)) * LINE + 0.5) * px
        lines = len(self.names) + GROUP * sum(1 for heading in self.headings if heading)
        self.step = min((canvas.bottom - self.top) / lines, 5 * px)
        return shown

    def draw(self) -> None:
        canvas, px, step, left = self.canvas, self.px, self.step, self.canvas.left
        quiet = partial(canvas.text, px=px, colour=canvas.theme.quiet)
        most = max(map(len, self.heads))
        for x, width, lines in zip(self.lefts, self.widths, self.heads, strict=True):
            for at, line in enumerate(lines, most - len(lines)):
                quiet(x, canvas.top + at * LINE * px, line, width=width)
        y = self.top
        for heading in self.headings:
            if heading:
                quiet(left, y + GROUP * step / 2, heading, "lm", width=self.label)
                y += GROUP * step
            for row in (at for at, group in enumerate(self.groups) if group == heading):
                x, middle, width = left + self.indent, y + step / 2, self.label - self.indent
                canvas.text(x, middle, self.names[row], "lm", px=px, bold=True, width=width)
                for place in zip(self.columns, self.lefts, self.widths, strict=False):
                    draw = self._field if place[0].kind == "fields" else self._cell
                    draw(row, middle, *place)
                y += step

    def _cell(self, row: int, middle: float, column: MeasuredColumn, left: float, width: float):
        """Text and mark together, vertically centred in the row, the text above."""
        canvas, px, theme = self.canvas, self.px, self.canvas.theme
        canvas.text(left, middle, column.texts[row], "lb", px=px, width=width)
        spread = Spread.finite(column.values[row])
        if not spread.values:
            return
        axis = Axis(*_scale(column), left, left + width)
        colour, y = getattr(theme, self.roles[row]), middle + 0.5 * px
        mean, ends = axis.clipped(spread.mean), axis.clipped(spread.ends)
        if column.kind == "bars":
            canvas.box(left, y - px / 4, max(mean - left, 1.0), px / 2, fill=colour)
            if spread.deviation:
                canvas.line(ends, [y, y], theme.ink)
            return
        canvas.line([left, left + width], [y, y], theme.hairline)
        if spread.deviation:
            canvas.line(ends, [y, y], colour, stroke=0.6 * canvas.size.thick)
        for value in spread.values if len(spread.values) > 1 else ():
            canvas.dot(axis.at(value), y, colour, 0.42 * px, hollow=True)
        canvas.dot(mean, y, colour, 0.55 * px)

    def _field(self, row: int, middle: float, column: MeasuredColumn, left: float, width: float):
        """A square of cells with its text at the right."""
        canvas, px, theme = self.canvas, self.px, self.canvas.theme
        largest = max((value for values in column.values for value in values), default=1)
        words = canvas.widest(column.texts, px)
        side = min(0.9 * self.step, width - words - 0.5 * px) / largest
        for value in Spread.finite(column.values[row]).values:
            count = round(value)
            cells = Cells(canvas, left, middle - count * side / 2, count, count, side)
            cells.box(theme.window, theme.window_fill)
            if side >= 5 * canvas.unit:
                cells.lines(theme.window)
        x = left + largest * side + 0.5 * px
        canvas.text(x, middle, column.texts[row], "lm", px=px, width=words)


def _scale(column: MeasuredColumn) -> tuple[float, float]:
    """Both ends of a column's scale: with room around all its values, or from zero for bars."""
    spreads = [Spread.finite(values) for values in column.values]
    reach = [end for s in spreads if s.values for end in (*s.values, *s.ends)]
    return (0.0, max(reach) or 1.0) if column.kind == "bars" else with_room(min(reach), max(reach))
