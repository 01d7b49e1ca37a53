"""Exercises as XHTML with a box for each number of an answer, for learning platforms.

Moodle and QTI 2.1 differ in their boxes alone, which ``body`` gets from its caller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

from convlab.quiz.drawing import place_words
from convlab.quiz.exercise import Exercise, Part
from convlab.quiz.text import cell_texts
from convlab.viz import NumberGrid
from convlab.viz.quiz_grids import sign_between
from convlab.words import t

TOLERANCE = 0.001
"""By how much a number with decimals may be off; whole numbers must be exact."""


@dataclass(frozen=True)
class Field:
    """One number of an answer, or one of the choices by its letter; ``label``: what it is."""

    label: str
    value: float | str
    choices: tuple[str, ...] = ()

    @property
    def decimal(self) -> bool:
        """Whether it is a number that is not whole."""
        return isinstance(self.value, float) and not self.value.is_integer()

    def __str__(self) -> str:
        """The value as computers write it: 14450, -1.5, b."""
        whole = isinstance(self.value, float) and not self.decimal
        return str(int(self.value) if whole else self.value)


def fields(exercise: Exercise) -> list[Field]:
    """Every box of an exercise, from left to right and from top to bottom."""
    return [one for part in exercise.parts for row in _rows(part, exercise) for one in row]


def _rows(part: Part, exercise: Exercise) -> list[list[Field]]:
    if part.kind == "values":
        return [
            [Field(exercise.said(place_words((r, c))), value) for c, value in enumerate(row)]
            for r, row in enumerate(part.value)
        ]
    if part.kind == "size":
        axes = zip((t("rows"), t("columns")), part.value, strict=True)
        return [[Field(f"{part.ask}, {exercise.said(axis)}", value) for axis, value in axes]]
    return [[Field(part.ask, part.value, exercise.choices if part.kind == "choice" else ())]]


Box = Callable[[Field], "str | Element"]


def body(exercise: Exercise, box: Box | None) -> list[Element]:
    """Question, figure and boxes as elements; ``box`` makes a box, None leaves all of them out.

    A box is a text or an element inside a line; a block of choices stands alone.
    """
    found = [_paragraph(exercise.question)]
    if exercise.has_mistake:
        warning = Element("p")
        SubElement(warning, "strong").text = exercise.warning
        found.append(warning)
    grids = exercise.grids
    if exercise.parts[0].kind == "values":  # its empty cells become boxes
        grids = grids[:-1]
    for index, grid in enumerate(grids):
        sign = sign_between(grids[index - 1], grid) if index else ""
        found += [_paragraph(sign)] * bool(sign) + [_table(_caption(grid), cell_texts(grid))]
    found += map(_paragraph, exercise.lines)
    if box is not None:
        for part in exercise.parts:
            found += _boxes(part, exercise, box)
    return found


def solution(exercise: Exercise) -> list[Element]:
    """The answer and the way to it."""
    steps = Element("ul")
    for line in exercise.solution:
        SubElement(steps, "li").text = line
    return [_paragraph(exercise.answer()), steps]


def _boxes(part: Part, exercise: Exercise, box: Box) -> list[Element]:
    rows = [[box(field) for field in row] for row in _rows(part, exercise)]
    if part.kind == "values":
        return [_table(_caption(exercise.grids[-1]), rows)]
    first = rows[0][0]
    if part.kind == "choice" and not isinstance(first, str):
        return [first]
    line = _paragraph(f"{part.ask}: ")
    for index, one in enumerate(rows[0]):
        _append(line, " × " if index else "")
        _append(line, one)
    return [line]


def _paragraph(text: str) -> Element:
    found = Element("p")
    found.text = text
    return found


def _caption(grid: NumberGrid) -> str:
    return ", ".join(filter(None, [grid.title, grid.note, grid.bias]))


def _table(caption: str, rows: Sequence[Sequence[str | Element]]) -> Element:
    # The classes are those of Bootstrap, with which Moodle draws.
    table = Element("table", {"class": "table table-bordered table-sm w-auto"})
    SubElement(table, "caption").text = caption
    inside = SubElement(table, "tbody")
    for row in rows:
        line = SubElement(inside, "tr")
        for content in row:
            _append(
                SubElement(line, "td"), content.strip() if isinstance(content, str) else content
            )
    return table


def _append(parent: Element, content: str | Element) -> None:
    """Add a text or an element behind what an element has."""
    if not isinstance(content, str):
        parent.append(content)
    elif len(parent):
        parent[-1].tail = (parent[-1].tail or "") + content
    else:
        parent.text = (parent.text or "") + content
