"""The sum behind one value of a network: the image, the terms, and how they add up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import ALMOST, MINUS, equals, exact, fixed, number, plus_minus, says
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.tiles import whole_cells

Box = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class SumTerm:
    """One term of a sum: its name, the numbers it is made of, and what it adds.

    ``numbers`` are arrays (KH, KW), as patch, kernel and products of one map, or
    single numbers, as value and weight.  ``chosen`` sets it off: the unit's own.
    """

    label: str
    numbers: tuple[ArrayLike, ...]
    total: float
    chosen: bool = False


@dataclass(frozen=True)
class SumStep:
    """One step of the equation at the foot: sign, name, number and the role that colours it."""

    sign: str
    label: str
    number: float
    role: str = "ink"


def unit_sum(
    terms: Sequence[SumTerm],
    *,
    heads: Sequence[tuple[str, str]],
    noun: str,
    adds: bool,
    steps: Sequence[SumStep],
    result: Sequence[tuple[str, float]],
    image: ArrayLike,
    box: Box | None,
    outside: ArrayLike | None = None,
    outside_text: str = "0",
    winner: tuple[int, int] | None = None,
    decimals: int | None = None,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """One unit's value as a sum: image and receptive field, strongest terms, equation.

    terms: strongest first; the figure shows as many as are legible, says how many
    it leaves out and adds those up.  heads: (name, role) of each column of
    numbers, the last being what is summed.  noun: what a term is, in the singular
    ("map").  adds: whether the equation begins with the terms; then follow
    ``steps``.  result: (name, value) of the layer and of the activation behind
    it.  image: (1, H, W) or (3, H, W); box: (top, left, bottom, right) in its
    pixels, half-open, outside it padding, None to draw none.  outside: (KH, KW)
    booleans, the window's padding, and outside_text what stands there; winner: its
    largest cell.  decimals: of all numbers, where what is summed are shares of 1,
    whose bars then go from 0 to 1; None gives each column, and the equation, the
    digits that suit it.

    Raises ShapeError for arrays that do not fit, SpecError for an unknown theme or size.
    """
    canvas = Canvas(size, theme, aspect=0.75)
    arrays = [tuple(np.asarray(part, float) for part in term.numbers) for term in terms]
    if any(len(parts) != len(heads) - (parts[0].ndim == 0) for parts in arrays):
        raise ShapeError(f"expected {len(heads)} columns of numbers, got terms of others")
    canvas.headline(title, subtitle, canvas.theme.output)
    rgb = image_rgb(np.asarray(image))
    grids = bool(terms) and arrays[0][0].ndim == 2
    signs = np.zeros(arrays[0][0].shape, bool) if grids else None
    hidden = signs if outside is None else np.asarray(outside, bool)
    if grids and (hidden is None or any(p.shape != hidden.shape for a in arrays for p in a)):
        raise ShapeError(f"expected windows of one size, got {[p.shape for p in arrays[0]]}")

    # The equation's height depends on how many terms stand in it, and those on its height.
    left_width = (0.24 if len(heads) > 1 else 0.34) * canvas.inner_width
    area_left = canvas.left + left_width + 2.2 * canvas.size.label
    shown, layout = len(terms), None
    while layout is None or layout.shown < shown:
        shown = len(terms) if layout is None else layout.shown
        lines = _equation(canvas, terms, shown, noun, adds, steps, result, decimals)
        foot = canvas.bottom - len(lines.rows) * lines.height
        area = (area_left, canvas.top, canvas.right, foot - 1.2 * canvas.size.label)
        if not terms:
            break
        names = [f"{ALMOST} {name}" for name, _ in heads]
        layout = (
            _lay_grids(canvas, arrays[:shown], names, area)
            if grids
            else _lay_table(canvas, shown, area)
        )
    written = _written(canvas, arrays[:shown], layout.cell) if grids else []
    limits = [_largest([a[i] for a in arrays[:shown]]) for i in range(len(heads) if grids else 0)]
    _draw_image(canvas, rgb, box, left_width, area[3], shades=None in written)
    if grids:
        sheet = _Sheet(canvas, area, layout, heads, hidden, outside_text, winner, written, limits)
        for index, term in enumerate(terms[:shown]):
            sheet.draw(index, term, arrays[index])
    elif terms:
        _draw_table(canvas, terms[:shown], heads, layout, area, decimals)
    _draw_equation(canvas, lines, foot)
    return canvas.figure


def _largest(arrays: Sequence[NDArray]) -> float:
    values = np.abs(np.stack(arrays))
    return float(values.max(initial=0.0, where=np.isfinite(values))) or 1.0


def _large(canvas: Canvas) -> float:
    return min(1.45 * canvas.size.label, canvas.size.title)


# --- the equation -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Equation:
    """Rows of pieces (sign, label, number, colour, bold, width); ``px`` of numbers, row height."""

    rows: list[list[tuple[str, str, str, str, bool, float]]]
    px: float
    height: float


def _equation(
    canvas: Canvas,
    terms: Sequence[SumTerm],
    shown: int,
    noun: str,
    adds: bool,
    steps: Sequence[SumStep],
    result: Sequence[tuple[str, float]],
    decimals: int | None,
) -> _Equation:
    theme, size = canvas.theme, canvas.size
    parts: list[tuple[str, str, float, str, bool]] = []
    if adds:
        # A few terms stand by themselves, more are one sum.
        single = shown if shown <= 4 else 0
        parts += [("+", term.label, term.total, theme.ink, False) for term in terms[:single]]
        if not single:
            label = f"sum of the {shown} {noun}s shown" if shown < len(terms) else "sum of all"
            total = sum(term.total for term in terms[:shown])
            parts.append(("+", label, total, theme.ink, False))
        left_out = len(terms) - shown
        if left_out:
            word = f"{left_out} {noun}{'s' if left_out > 1 else ''} not shown"
            total = sum(term.total for term in terms[shown:])
            parts.append(("+", word, total, theme.ink, False))
    parts += [
        (step.sign, step.label, step.number, getattr(theme, step.role), False) for step in steps
    ]
    for index, (label, value) in enumerate(result):
        sign = "=" if index == 0 else style.ARROW
        parts.append((sign, label, value, theme.output, True))
    room = canvas.inner_width
    finite = [abs(part[2]) for part in parts if math.isfinite(part[2])]
    largest = max(finite, default=0.0) or 1.0
    most = min(max(0, 8 - math.floor(math.log10(largest))), 12)
    if decimals is not None:
        most = decimals
    for rows_allowed in (1, 2, 3):
        for px, least in ((_large(canvas), min(most, 5)), (size.label, 3)):
            for places in range(most, least - 1, -1):
                rows = _rows(canvas, parts, places, px, room)
                if len(rows) <= rows_allowed:
                    return _Equation(rows, px, (size.small + px) * LINE + 0.4 * size.small)
    return _Equation(rows, size.label, (size.small + size.label) * LINE + 0.4 * size.small)


def _rows(canvas: Canvas, parts, places: int, px: float, room: float):
    rows: list[list[tuple[str, str, str, str, bool, float]]] = [[]]
    pieces: list[tuple[str, str]] = []
    used = 0.0
    for index, (sign, label, value, colour, bold) in enumerate(parts):
        if index == 0:
            sign = ""
        elif sign == "+" and value < 0:
            sign, value = MINUS, -value
        whole = value == 0 or sign in ("÷", "×") and value == round(value)
        text = fixed(value, 0 if whole else places)
        if sign == "=":
            alone = len(pieces) == 1 and value != parts[0][2]  # a function's, not a sum
            known = says(text, value) and says(pieces[0][1], parts[0][2])
            sign = ("=" if known else ALMOST) if alone else equals(pieces, text, value)
        pieces.append((sign, text))
        head = canvas.measure(sign, px) + 0.35 * px if sign else 0.0
        width = head + max(canvas.measure(text, px, bold), canvas.measure(label, canvas.size.small))
        if rows[-1] and used + width > room:
            rows.append([])
            used = 0.0
        rows[-1].append((sign, label, text, colour, bold, width))
        used += width + 0.8 * px
    return rows


def _draw_equation(canvas: Canvas, lines: _Equation, top: float) -> None:
    small, px = canvas.size.small, lines.px
    for row in lines.rows:
        x = canvas.left
        for sign, label, text, colour, bold, width in row:
            at = x
            if sign:
                canvas.text(at, top + small * LINE, sign, px=px, colour=canvas.theme.quiet)
                at += canvas.measure(sign, px) + 0.35 * px
            room = max(width - (at - x), canvas.measure(text, px, bold))
            canvas.note(at, top, label, width=canvas.right - at)
            canvas.text(
                at, top + small * LINE, text, px=px, colour=colour, bold=bold, width=1.02 * room
            )
            x += width + 0.8 * px
        top += lines.height


# --- the image ----------------------------------------------------------------------------------


def _draw_image(
    canvas: Canvas, rgb: NDArray, box: Box | None, width: float, bottom: float, shades: bool
) -> None:
    """The image with its box; below it what the shades of the windows mean, where there are any."""
    theme, size = canvas.theme, canvas.size
    height, columns = rgb.shape[:2]
    top, left, end, right = box or (0, 0, height, columns)
    notes = [f"{style.size_text(height, columns)} pixels"]
    if box is not None:
        whole = box == (0, 0, height, columns)
        notes.append("sees all" if whole else f"sees {style.size_text(end - top, right - left)}")
        if min(top, left) < 0 or end > height or right > columns:
            notes.append("dashed: padding")
    canvas.text(canvas.left, canvas.top, "image", colour=theme.input, bold=True, width=width)
    y = canvas.top + size.label * LINE
    for note in notes:
        canvas.note(canvas.left, y, note, width=width)
        y += size.small * LINE
    y += 0.5 * size.small
    first_row, first_column = min(0, top), min(0, left)
    rows_all = max(height, end) - first_row
    columns_all = max(columns, right) - first_column
    legend = 1.9 * size.small if shades else 0.0
    pixel = whole_cells(width, max(bottom - legend - y, 1.0), rows_all, columns_all)
    x0, y0 = canvas.left - first_column * pixel, y - first_row * pixel
    frame = (x0 + left * pixel, y0 + top * pixel, (right - left) * pixel, (end - top) * pixel)
    if box is not None and len(notes) == 3:
        canvas.box(*frame, fill=theme.hairline_fill, edge=theme.hairline, dashed=True)
    canvas.picture(rgb, x0, y0, columns * pixel, height * pixel)
    canvas.box(x0, y0, columns * pixel, height * pixel, edge=theme.input)
    if box is not None:
        canvas.box(*frame, edge=theme.window, stroke=size.thick * 0.8)
    if shades:
        scale = style.signed_scale(np.ones(1), theme)
        side = canvas.measure("+", size.small) + 0.4 * size.small
        y = bottom - size.small
        x, length = canvas.left + side, width - 2 * side
        canvas.picture(scale.rgb(np.linspace(-1, 1, 257)[None]), x, y, length, size.small)
        canvas.box(x, y, length, size.small, edge=theme.hairline)
        canvas.note(canvas.left, y + size.small / 2, MINUS, "lm")
        canvas.note(canvas.left + width, y + size.small / 2, "+", "rm")


# --- terms that are windows -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Layout:
    """How many terms are shown, in how many columns, with cells of what side."""

    shown: int
    columns: int
    cell: float
    gap: float
    head: float


def _lay_grids(
    canvas: Canvas, arrays: Sequence[tuple[NDArray, ...]], names: Sequence[str], area
) -> _Layout:
    """As many windows as keep legible numbers; where none do, as many as keep clear shades."""
    left, top, right, bottom = area
    small, parts = canvas.size.small, len(arrays[0])
    head = small * LINE + 0.25 * small
    between = 1.4 * small if parts > 1 else 0.0
    # No name may run into the next one, however narrow the windows.
    least_slot = canvas.widest(names, small, True) + 0.6 * small if parts > 1 else 0.0
    rows_of, columns_of = arrays[0][0].shape
    # The names of the columns of numbers stand once, on top.
    top += canvas.size.label * LINE
    found: list[tuple[int, float, int]] = []
    for columns in (1, 2, 3):
        slot = (right - left - 3 * small * (columns - 1)) / columns / parts
        if slot < least_slot and columns > 1:
            break
        for rows in range(1, 9):
            height = (bottom - top - 0.8 * small * (rows - 1)) / rows - head
            if height > 0 or rows == 1:
                cell = whole_cells(slot - between, max(height, 1.0), rows_of, columns_of)
                found.append((min(rows * columns, len(arrays)), cell, columns))
    near: list[tuple[int, float, int]] = []
    for choice in range(3):
        needed = max(
            _least_cell(canvas, np.stack(part), choice) for part in zip(*arrays, strict=True)
        )
        near = near or [one for one in found if one[1] >= needed]
    least = 80 * canvas.unit / max(rows_of, columns_of)
    near = near or [one for one in found if one[1] >= least]
    # Of the same number of windows the largest cells.
    shown, cell, columns = max(near or [max(found, key=lambda one: one[1])])
    cell = min(cell, (76 if parts > 1 else 150) * canvas.unit)
    # Width that is left widens the gaps.
    slot = (right - left - 3 * small * (columns - 1)) / columns / parts
    wide = cell * columns_of
    gap = min(slot - wide, max(3 * between, least_slot - wide))
    return _Layout(shown, columns, cell, gap, head)


def _written(
    canvas: Canvas, arrays: Sequence[tuple[NDArray, ...]], cell: float
) -> list[tuple[list[str], float, bool] | None]:
    """Texts, their height, and whether they are rounded, for each column of numbers.

    None everywhere if one has none.
    """
    columns = [_cell_texts(canvas, np.stack(parts), cell) for parts in zip(*arrays, strict=True)]
    return [None] * len(columns) if None in columns else columns


def _texts(values: NDArray, places: int, bare: bool) -> list[str]:
    """Numbers in row order, ``bare`` without the zero before the point."""
    texts = [fixed(value, places) for value in values.ravel()]
    return [_without_zero(text) for text in texts] if bare else texts


def _decimals(values: NDArray) -> list[int]:
    """Numbers of decimals worth showing, the best first: two digits of the largest and hundredths.

    None for numbers that are too small for either.
    """
    if (values == np.round(values)).all():
        return [0] * 3
    largest = _largest([values])
    digits = max(0, 1 - math.floor(math.log10(largest)))
    return [max(2, digits), 2 if largest >= 0.02 else digits, digits] if digits <= 4 else []


def _least_cell(canvas: Canvas, values: NDArray, choice: int) -> float:
    """The side of a cell that holds each of the numbers with one of the choices of decimals."""
    decimals, px = _decimals(values), canvas.size.small
    if not decimals:
        return math.inf
    return max(canvas.widest(_texts(values, decimals[choice], True), px) / 0.92, 1.2 * px)


def _cell_texts(
    canvas: Canvas, values: NDArray, cell: float
) -> tuple[list[str], float, bool] | None:
    """Numbers with the most decimals that fit a cell, their height, if rounded; or None."""
    decimals, px = _decimals(values), canvas.size.small
    more = [places + 1 for places in decimals[:1] if places]
    for places in [*more, *decimals] if px * 1.2 <= cell else []:
        for bare in (False, True):
            texts = _texts(values, places, bare)
            if canvas.widest(texts, px) <= 0.92 * cell:
                large = (_large(canvas), canvas.size.label)
                fitting = [size for size in large if canvas.widest(texts, size) <= 0.7 * cell]
                loses = not all(map(says, texts, values.ravel()))
                return texts, (*fitting, px)[0], loses
    return None


def _without_zero(text: str) -> str:
    sign = MINUS if text.startswith(MINUS) else ""
    rest = text.removeprefix(MINUS)
    return sign + rest[1:] if rest.startswith("0.") else text


@dataclass(frozen=True, eq=False)
class _Sheet:
    """Where windows are drawn, and all that they share."""

    canvas: Canvas
    area: tuple[float, float, float, float]
    layout: _Layout
    heads: Sequence[tuple[str, str]]
    hidden: NDArray
    empty: str
    winner: tuple[int, int] | None
    written: list[tuple[list[str], float, bool] | None]
    limits: list[float]

    def draw(self, index: int, term: SumTerm, arrays: tuple[NDArray, ...]) -> None:
        """One term: its name, what it adds, and its windows side by side."""
        canvas, layout, size, theme = self.canvas, self.layout, self.canvas.size, self.canvas.theme
        rows, columns = self.hidden.shape
        wide, high = columns * layout.cell, rows * layout.cell
        block = len(self.heads) * wide + (len(self.heads) - 1) * layout.gap
        row, column = divmod(index, layout.columns)
        x = self.area[0] + column * (block + 3 * size.small)
        top = self.area[1] + size.label * LINE
        y = top + row * (high + layout.head + 0.8 * size.small)
        total = f"adds {number(term.total)}" if len(self.heads) > 1 else ""
        room = block
        if total and block - canvas.measure(total, size.small) > 5 * size.small:
            canvas.text(x + block, y, total, "rt", px=size.small)
            room -= canvas.measure(total, size.small) + size.small
        channels = {"red": theme.red, "green": theme.green, "blue": theme.blue}
        colour = channels.get(term.label, theme.quiet)
        canvas.text(x, y, term.label, px=size.small, colour=colour, width=room)
        y += layout.head
        for part, (values, (_, role)) in enumerate(zip(arrays, self.heads, strict=True)):
            at = x + part * (wide + layout.gap)
            if row == 0:
                self._head(part, at, wide)
            if part:
                sign, middle = (style.TIMES, self._equals())[part - 1], at - layout.gap / 2
                canvas.text(middle, y + high / 2, sign, "mm", colour=theme.quiet)
            texts = self.written[part]
            if texts is not None:
                texts = texts[0][index * rows * columns :][: rows * columns], texts[1]
            # A kernel has its weights in the padding, too.
            hidden = self.hidden if role != "window" else np.zeros_like(self.hidden)
            winner = self.winner if part == 0 else None
            limit = self.limits[part]
            _draw_window(
                canvas, values, hidden, self.empty, texts, role, limit, (at, y), layout.cell, winner
            )

    def _equals(self) -> str:
        return ALMOST if any(column and column[2] for column in self.written) else "="

    def _head(self, part: int, x: float, wide: float) -> None:
        names, px = self._names(wide)
        settings = {"px": px, "colour": getattr(self.canvas.theme, self.heads[part][1])}
        self.canvas.text(
            x, self.area[1], names[part], bold=True, width=self._room(wide), **settings
        )

    def _room(self, wide: float) -> float:
        if len(self.heads) == 1:
            return self.area[2] - self.area[0]
        return wide + self.layout.gap - 0.3 * self.canvas.size.small

    def _names(self, wide: float) -> tuple[list[str], float]:
        """Names of the columns and their height; with what full shades mean if there is room."""
        canvas = self.canvas
        plain = [
            f"{ALMOST} {name}" if column and column[2] else name
            for (name, _), column in zip(self.heads, self.written, strict=True)
        ]
        room = self._room(wide)
        choices = [plain]
        if None in self.written:
            limits = [plus_minus(limit) for limit in self.limits]
            choices.insert(
                0, [f"{name} {limit}" for name, limit in zip(plain, limits, strict=True)]
            )
        for names in choices:
            for px in (canvas.size.label, canvas.size.small):
                if canvas.widest(names, px, True) <= room:
                    return names, px
        return plain, canvas.size.small


def _draw_window(canvas, values, dots, empty, written, role, largest, corner, cell, marked) -> None:
    """One grid: numbers in the role's fill, or signed shades where cells are too small."""
    theme = canvas.theme
    x, y = corner
    rows, columns = values.shape
    edge = theme.ink if role == "ink" else getattr(theme, role)
    fill = {"input": theme.input_fill, "window": theme.window_fill}.get(role, theme.ground)
    if written is None:
        shades = style.signed_scale(values, theme, largest or 1.0)
        canvas.array(values, shades, x, y, columns * cell, rows * cell)
    else:
        canvas.box(x, y, columns * cell, rows * cell, fill=fill)
    for row, column in np.argwhere(dots):
        canvas.box(
            x + column * cell,
            y + row * cell,
            cell,
            cell,
            fill=theme.hairline_fill,
            edge=theme.hairline,
            dashed=True,
        )
    if cell >= 5 * canvas.unit:
        lines = [(x + column * cell, y + row * cell) for row, column in np.argwhere(~dots)]
        colour = theme.hairline if role == "ink" else edge
        canvas.polygons(
            np.array(
                [[(a, b), (a + cell, b), (a + cell, b + cell), (a, b + cell)] for a, b in lines]
            ).reshape(-1, 4, 2),
            edge=colour,
        )
    if written is not None:
        texts, px = written
        for index, text in enumerate(texts):
            row, column = divmod(index, columns)
            quiet = dots[row, column]
            canvas.text(
                x + (column + 0.5) * cell,
                y + (row + 0.5) * cell,
                empty if quiet else text,
                "mm",
                px=px,
                colour=theme.quiet if quiet else theme.ink,
            )
    if marked is not None:
        canvas.box(
            x + marked[1] * cell,
            y + marked[0] * cell,
            cell,
            cell,
            edge=theme.output,
            stroke=canvas.size.thick,
        )


# --- terms that are single numbers -----------------------------------------------------------


def _lay_table(canvas: Canvas, count: int, area) -> _Layout:
    _, top, _, bottom = area
    line = canvas.size.label * 1.45
    rows = min(max(1, math.floor((bottom - top) / line) - 1), count)
    line = min(max(line, (bottom - top) / (rows + 1)), 1.6 * line)
    return _Layout(rows, 1, line, 0.0, 0.0)


def _draw_table(canvas: Canvas, terms, heads, layout: _Layout, area, decimals: int | None) -> None:
    """Rows of label, numbers and total, with a signed bar for the total, or one from 0 to 1."""
    theme, size = canvas.theme, canvas.size
    left, top, right, _ = area
    totals = np.array([term.total for term in terms])
    single = [*zip(*(term.numbers for term in terms), strict=True), totals]
    columns = [
        exact(part, 4).texts if decimals is None else [fixed(value, decimals) for value in part]
        for part in map(np.array, single)
    ]
    heads = [
        (name if all(map(says, texts, part)) else f"{ALMOST} {name}", role)
        for (name, role), texts, part in zip(heads, columns, single, strict=True)
    ]
    labels = [term.label for term in terms]
    for px in (size.label, size.small):
        gap = 1.2 * px
        widths = [
            max(canvas.widest(texts, px, True), canvas.measure(name, size.small, True))
            for texts, (name, _) in zip(columns, heads, strict=True)
        ]
        spare = right - left - sum(widths) - gap * len(widths)
        label = min(canvas.widest(labels, px, True), 0.3 * (right - left))
        if spare >= label:
            break
    label = min(label, spare)
    # One height for all labels: that at which the widest fits.
    label_px = min(canvas.fit(text, label, px, bold=True)[1] for text in labels)
    bar = spare - label - gap
    edges = (left + label + np.cumsum(np.array(widths) + gap)).tolist()
    for (name, role), edge in zip(heads, edges, strict=True):
        colour = getattr(theme, role)
        canvas.text(edge, top, name, "rt", px=size.small, colour=colour, bold=True)
    low, high = min(totals.min(), 0.0), max(totals.max(), 0.0)
    if decimals is not None:
        low, high = 0.0, 1.0
    span = (high - low) or 1.0
    zero = edges[-1] + gap + bar * -low / span
    for row, term in enumerate(terms):
        y = top + (row + 1.5) * layout.cell
        bold = term.chosen
        ink, quiet = (theme.output,) * 2 if term.chosen else (theme.ink, theme.quiet)
        canvas.text(left, y, term.label, "lm", px=label_px, colour=quiet, bold=bold, width=label)
        for texts, edge in zip(columns, edges, strict=True):
            canvas.text(edge, y, texts[row], "rm", px=px, colour=ink, bold=bold)
        if bar > 4 * px:
            length = bar * term.total / span
            canvas.box(
                min(zero, zero + length),
                y - 0.32 * layout.cell,
                abs(length),
                0.64 * layout.cell,
                fill=theme.output if term.chosen else theme.output_fill,
                edge=theme.output,
            )
    if bar > 4 * px:
        ends = [top + layout.cell, top + (len(terms) + 1) * layout.cell]
        canvas.line([zero, zero], ends, theme.quiet)
        if decimals is not None:
            canvas.line([right, right], ends, theme.hairline)
            for x, text, anchor in ((zero, "0", "lt"), (right, "1", "rt")):
                canvas.note(x, top, text, anchor)
