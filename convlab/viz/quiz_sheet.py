"""Sheets of exercises to print: A4 pages with room to write, followed by the key."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font

from convlab.errors import SpecError
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.quiz_grids import GridRow, NumberGrid
from convlab.viz.style import Size
from convlab.words import Shown, t

WITH_A_MISTAKE = t("Exercise with a mistake: this figure is wrong on purpose.")

_DPI = 300.0
_MM, _PT = _DPI / 25.4, _DPI / 72
# A4 portrait, with larger text than a figure in a paper, since students write on it.
A4 = Size(
    name="a4",
    dpi=_DPI,
    width=210 * _MM,
    heights=(297 * _MM, 297 * _MM),
    title=16 * _PT,
    subtitle=9 * _PT,
    label=10 * _PT,
    small=8 * _PT,
    hair=0.5 * _PT,
    thick=1.6 * _PT,
    margin=17 * _MM,  # room for the holes of a folder
)
WORKING = (9.0, 48.0)  # room for writing in an exercise, at least and at most
GAP = 7.0  # between exercises
KEY_GAP = 3.5  # between their answers
_INDENT = 2.6 * A4.label  # of everything after an exercise's number
LETTERS = "abcdefgh"


@dataclass(frozen=True)
class SheetExercise:
    """One exercise as it is printed.

    ``asks`` are what to answer, each with a line to write on where ``answer_lines``
    says so; ``grids`` (left to right) and ``lines`` make its figure, ``choices``
    the answers to choose among; ``answer`` and ``solution`` go into the key.  ``has_mistake``: the
    figure is wrong on purpose, and says so.
    """

    question: str
    asks: tuple[str, ...]
    answer: str
    solution: tuple[str, ...]
    grids: tuple[NumberGrid, ...] = ()
    lines: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    has_mistake: bool = False
    answer_lines: bool = True


@dataclass(frozen=True)
class KeySection:
    """The part of a key for one sheet, under a line that says which."""

    headline: str
    exercises: Sequence[SheetExercise]


def quiz_sheet(
    exercises: Sequence[SheetExercise], *, title: str, footer: str, student: str | None = None
) -> list[Figure]:
    """The pages of a student's sheet, A4 portrait.

    ``footer`` is at the foot of each page, beside the page number.  Raises SpecError for a
    student's name with letters that the font of our figures lacks.
    """
    if student is not None:
        check_letters(student)
    ruler = Canvas(A4, "light")
    blocks = [_exercise_block(ruler, number, one) for number, one in enumerate(exercises, 1)]
    return _Sheet(ruler, title, student, blocks).drawn(footer)


def quiz_key(sections: Sequence[KeySection], *, title: str, notes: Sequence[str]) -> list[Figure]:
    """The pages of a teacher's key, A4 portrait: ``notes``, then the answers of each sheet."""
    ruler = Canvas(A4, "light")
    px = ruler.size.subtitle
    above = [_paragraph(ruler, note, px, whole_width=True) for note in notes]
    blocks = []
    for section in sections:
        head = _paragraph(ruler, section.headline, ruler.size.label, bold=True, whole_width=True)
        above += [_space(1.2 * px), head, _space(0.6 * px)]
        for number, exercise in enumerate(section.exercises, 1):
            blocks.append(_answer_block(ruler, number, exercise, above))
            above = []
    return _Sheet(ruler, title, None, blocks, key=True).drawn(t("teacher's key"))


# --- pages ----------------------------------------------------------------------------------


def check_letters(name: str) -> None:
    """Raise SpecError for a name with letters that the font of our figures lacks."""
    font = get_font(findfont(style.FONT[0]))
    missing = sorted({letter for letter in name if not font.get_char_index(ord(letter))})
    if missing:
        raise SpecError(
            f"student: expected letters that {style.FONT[0]} has, got {' '.join(missing)} in"
            f" {name}; write the name in Latin letters, or a sheet in Markdown"
        )


@dataclass(frozen=True)
class _Piece:
    """A part of a block: its height, and what draws it with its upper edge at y."""

    height: float
    draw: Callable[[Canvas, float], None]


@dataclass(frozen=True)
class _Block:
    """Pieces that stay together on one page; ``room`` to write comes before the ``last`` one."""

    pieces: tuple[_Piece, ...]
    last: _Piece
    room: tuple[float, float]  # at least and at most
    gap: float  # to the next block

    @property
    def height(self) -> float:
        """The height of all pieces, without room to write."""
        return sum(piece.height for piece in self.pieces) + self.last.height

    def draw(self, canvas: Canvas, y: float, room: float) -> float:
        """Draw the pieces from y on; returns where the next block begins."""
        for piece in self.pieces:
            piece.draw(canvas, y)
            y += piece.height
        y += room
        self.last.draw(canvas, y)
        return y + self.last.height + self.gap


class _Sheet:
    """Blocks arranged on pages: exercises below lines for name and date, or their ``key``."""

    def __init__(
        self,
        canvas: Canvas,
        title: str,
        student: str | None,
        blocks: Sequence[_Block],
        key: bool = False,
    ) -> None:
        self.title, self.student, self.key = title, student, key
        self.foot = 3.4 * canvas.size.small * LINE
        self.pages: list[list[_Block]] = [[]]
        y = self._top(canvas, 0)
        for block in blocks:
            least = block.height + block.room[0]
            if self.pages[-1] and y + least > canvas.bottom - self.foot:
                self.pages.append([])
                y = self._top(canvas, len(self.pages) - 1)
            self.pages[-1].append(block)
            y += least + block.gap

    def _top(self, canvas: Canvas, number: int) -> float:
        """Where the first block of a page begins."""
        head = canvas.size.title * LINE + 1.5 * canvas.size.label
        if number == 0 and not self.key:
            head += 2.6 * canvas.size.label * LINE
        return canvas.top + head

    def drawn(self, footer: str) -> list[Figure]:
        """All pages, each with the footer and its number."""
        count = len(self.pages)
        return [self._page(number, footer, f"{number + 1} / {count}") for number in range(count)]

    def _page(self, number: int, footer: str, count: str) -> Figure:
        canvas = Canvas(A4, "light")
        self._head(canvas, number)
        y, blocks = self._top(canvas, number), self.pages[number]
        taken = sum(block.height + block.gap for block in blocks) - blocks[-1].gap
        free = (canvas.bottom - self.foot - y - taken) / len(blocks)
        for block in blocks:
            least, most = block.room
            y = block.draw(canvas, y, min(max(free, least), most))
        px, colour = canvas.size.small, canvas.theme.quiet
        room = 0.85 * canvas.inner_width
        canvas.text(canvas.left, canvas.bottom, footer, "lb", px=px, colour=colour, width=room)
        canvas.text(canvas.right, canvas.bottom, count, "rb", px=px, colour=colour)
        return canvas.figure

    def _head(self, canvas: Canvas, number: int) -> None:
        theme, px = canvas.theme, canvas.size.label
        width = canvas.inner_width
        whose = self.student if number else None
        title_room = width if whose is None else 0.62 * width
        canvas.text(
            canvas.left, canvas.top, self.title, px=canvas.size.title, bold=True, width=title_room
        )
        if whose is not None:
            y = canvas.top + 0.9 * canvas.size.title
            canvas.text(canvas.right, y, whose, "rs", px=px, width=0.34 * width)
        if number or self.key:
            return
        y = canvas.top + canvas.size.title * LINE + 1.7 * px
        middle = canvas.left + 0.68 * width
        _writing_line(canvas, canvas.left, middle - 1.5 * px, y, t("Name"), self.student or "")
        _writing_line(canvas, middle, canvas.right, y, t("Date"))
        y += 1.1 * px
        canvas.line([canvas.left, canvas.right], [y, y], theme.hairline)


def _writing_line(
    canvas: Canvas, left: float, right: float, y: float, label: str, written: str = ""
) -> None:
    """A label followed by a line to write on, with the baseline at y."""
    px = canvas.size.label
    canvas.text(left, y, label, "ls", px=px, colour=canvas.theme.quiet)
    begin = left + canvas.measure(label, px) + 0.6 * px
    if written:
        canvas.text(begin + 0.3 * px, y, written, "ls", px=px, width=right - begin - 0.3 * px)
    y += 0.3 * px
    canvas.line([begin, right], [y, y], canvas.theme.quiet)


# --- blocks ---------------------------------------------------------------------------------


def kept_together(text: str) -> str:
    """The text with no-break spaces in sizes, settings and results: 3 × 5, stride 2, = 7."""
    return re.sub(r" (?=[×=≈] )|(?<=[×=≈]) | (?=\(?[\u2212\d])", "\u00a0", text)


def _paragraph(
    canvas: Canvas,
    text: str,
    px: float,
    *,
    colour: str | None = None,
    bold: bool = False,
    number: int | None = None,
    whole_width: bool = False,
) -> _Piece:
    """Wrapped text, after the number of its exercise if it begins one."""
    left = canvas.left + (0 if whole_width else _INDENT)
    room = (canvas.right - left) * (0.93 if bold else 1)
    lines = canvas.wrapped(Shown(kept_together(canvas.said(text))), room, px)

    def draw(canvas: Canvas, y: float) -> None:
        if number is not None:
            canvas.text(canvas.left, y + px, str(number), "ls", px=px, bold=True)
        for row, line in enumerate(lines):
            base = y + px + row * px * LINE
            canvas.text(left, base, line, "ls", px=px, colour=colour, bold=bold)

    return _Piece(len(lines) * px * LINE, draw)


def _space(height: float) -> _Piece:
    return _Piece(height, lambda canvas, y: None)


def _exercise_block(canvas: Canvas, number: int, exercise: SheetExercise) -> _Block:
    px = canvas.size.label
    pieces = [_paragraph(canvas, exercise.question, px, number=number)]
    if exercise.has_mistake:
        pieces.append(_space(0.4 * px))
        colour = canvas.theme.mistake
        pieces.append(_paragraph(canvas, WITH_A_MISTAKE, px, colour=colour, bold=True))
    if exercise.grids:
        pieces += [_space(0.6 * px), _grids(canvas, exercise.grids)]
    for line in exercise.lines:
        pieces += [_space(0.6 * px), _paragraph(canvas, line, px)]
    if exercise.choices:
        pieces += [_space(0.6 * px), _choices(canvas, exercise.choices)]
    last = _answer_lines(canvas, exercise.asks) if exercise.answer_lines else _space(0)
    least, most = WORKING
    return _Block(tuple(pieces), last, (least * _MM, most * _MM), GAP * _MM)


def _grids(canvas: Canvas, grids: Sequence[NumberGrid]) -> _Piece:
    row = GridRow(canvas, grids, canvas.left + _INDENT)
    return _Piece(row.height, row.draw)


def _choices(canvas: Canvas, choices: Sequence[str]) -> _Piece:
    """Lettered answers, in two columns where they fit."""
    px, left = canvas.size.label, canvas.left + _INDENT
    texts = [f"{letter})  {text}" for letter, text in zip(LETTERS, choices, strict=False)]
    half = (canvas.right - left) / 2
    columns = 2 if canvas.widest(texts, px) < half - px else 1
    rows = -(-len(texts) // columns)

    def draw(canvas: Canvas, y: float) -> None:
        for index, text in enumerate(texts):
            column, row = divmod(index, rows)
            base = y + px + row * px * LINE
            canvas.text(left + column * half, base, text, "ls", px=px)

    return _Piece(rows * px * LINE, draw)


def _answer_lines(canvas: Canvas, asks: Sequence[str]) -> _Piece:
    """What is asked for, each with a line to write on, side by side."""
    px, left = canvas.size.label, canvas.left + _INDENT
    gap = 1.5 * px
    labels = [canvas.measure(ask, px) for ask in asks]
    line = (canvas.right - left - sum(labels) - gap * (len(asks) - 1)) / len(asks)
    line = min(line, 0.35 * (canvas.right - left))

    def draw(canvas: Canvas, y: float) -> None:
        x = left
        for ask, label in zip(asks, labels, strict=True):
            _writing_line(canvas, x, x + label + line, y + 1.2 * px, ask)
            x += label + line + gap

    return _Piece(1.6 * px, draw)


def _answer_block(
    canvas: Canvas, number: int, exercise: SheetExercise, above: Sequence[_Piece]
) -> _Block:
    px, colour = canvas.size.label, canvas.theme.output
    answer = _paragraph(canvas, exercise.answer, px, colour=colour, bold=True, number=number)
    lines = [_paragraph(canvas, line, canvas.size.subtitle) for line in exercise.solution]
    return _Block((*above, answer, *lines), _space(0), (0.0, 0.0), KEY_GAP * _MM)
