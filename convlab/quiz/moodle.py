"""Exercises as Moodle XML, which a course imports into its question bank.

A number alone is a numerical question; several numbers, and numbers with a choice, are a cloze
question, whose boxes are written into its text as {1:NUMERICAL:=7:0} and
{1:MULTICHOICE_V:=right~wrong}.  Source: docs.moodle.org, "Moodle XML format" and "Embedded Answers
(Cloze) question type".
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from convlab.quiz.exercise import Exercise
from convlab.quiz.markup import TOLERANCE, Field, body, fields, solution
from convlab.quiz.sheet import Sheet
from convlab.viz.quiz_sheet import LETTERS

PENALTY = "0.3333333"  # of a further try, Moodle's own


def moodle_xml(sheet: Sheet) -> bytes:
    """The exercises of a sheet with their answers, in a category for each topic and level.

    A quiz can draw one of each category for every student.  The worked solution is each question's
    general feedback.
    """
    root = Element("quiz")
    category = ""
    numbered = enumerate(sheet.exercises, 1)
    for number, exercise in sorted(numbered, key=lambda one: (one[1].kind, one[1].level)):
        path = f"$course$/top/convlab/{exercise.kind}/level {exercise.level}"
        if path != category:
            question = SubElement(root, "question", type="category")
            _text(SubElement(question, "category"), path)
            category = path
        root.append(_question(f"{exercise.kind}, {sheet.code}, exercise {number}", exercise))
    indent(root)
    return tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"


def _question(name: str, exercise: Exercise) -> Element:
    boxes = fields(exercise)
    single = len(boxes) == 1 and not boxes[0].choices
    question = Element("question", type="numerical" if single else "cloze")
    _text(SubElement(question, "name"), name)
    _html(question, "questiontext", body(exercise, None if single else _cloze))
    _html(question, "generalfeedback", solution(exercise))
    if single:
        SubElement(question, "defaultgrade").text = "1"
    SubElement(question, "penalty").text = PENALTY
    SubElement(question, "hidden").text = "0"
    if single:
        answer = SubElement(question, "answer", fraction="100", format="moodle_auto_format")
        _text(answer, str(boxes[0]))
        _html(answer, "feedback", [])
        SubElement(answer, "tolerance").text = _tolerance(boxes[0])
    tags = SubElement(question, "tags")
    for word in ("convlab", exercise.kind):
        _text(SubElement(tags, "tag"), word)
    return question


def _tolerance(field: Field) -> str:
    return str(TOLERANCE) if field.decimal else "0"


def _cloze(field: Field) -> str:
    """A box in the text of a cloze question."""
    if field.choices:
        texts = zip(LETTERS, field.choices, strict=False)
        marked = (f"{'=' * (letter == field.value)}{text}" for letter, text in texts)
        return f"{{1:MULTICHOICE_V:{'~'.join(marked)}}}"
    return f"{{1:NUMERICAL:={field}:{_tolerance(field)}}}"


def _text(parent: Element, text: str) -> None:
    SubElement(parent, "text").text = text


def _html(parent: Element, name: str, content: Iterable[Element]) -> None:
    text = "".join(tostring(one, encoding="unicode") for one in content)
    _text(SubElement(parent, name, format="html"), text)
