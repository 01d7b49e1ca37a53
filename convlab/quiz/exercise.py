"""An exercise, its answers in parts, and how a typed answer is read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from convlab.errors import SpecError
from convlab.numerals import MINUS, exact
from convlab.shapes import size_text
from convlab.viz import NumberGrid, SheetExercise
from convlab.viz.quiz_sheet import LETTERS, WITH_A_MISTAKE
from convlab.words import shown

TOPICS = {
    "output-size": "how large the output of a convolution or a pooling is",
    "output-value": "one value of a convolution, worked out by hand",
    "parameters": "parameters and multiply-adds of dense and convolutional layers",
    "receptive-field": "what one unit behind several layers sees of the input",
    "pooling": "all values of a max or average pooling",
    "backpropagation": "the gradient of a convolution's kernel or input",
    "spot-the-mistake": "a figure that breaks one rule: which one, and what is right",
}
"""What each kind of exercise is about."""


def topic_lines() -> list[str]:
    """The topics, "all" among them, and what each is about."""
    topics = {**TOPICS, "all": "all of these in turn"}
    width = max(map(len, topics))
    return [f"{name:<{width}}  {about}" for name, about in topics.items()]


MOST_TYPED = 80  # characters in an answer


@dataclass(frozen=True)
class Part:
    """One thing that an exercise asks for.

    ``kind`` says what ``value`` is: a size (rows, columns), a number, the rows of
    a table of numbers (values), or the letter of a choice.
    """

    ask: str
    kind: str
    value: Any

    def __str__(self) -> str:
        if self.kind == "size":
            return size_text(*self.value)
        if self.kind == "values":
            texts = iter(exact(self.value).marked())
            return "; ".join(" ".join(next(texts) for _ in row) for row in self.value)
        if self.kind == "number":
            return _written(self.value)
        return self.value

    def check(self, text: str) -> bool:
        """Whether an answer typed by a student is right.

        Sizes: 3x4, 3 × 4 or 3,4; numbers: 7, −1.5, 3/4 or 14,450; values row by
        row.  Raises SpecError for what cannot be read.
        """
        text = " ".join(text.lower().replace(MINUS, "-").replace("×", "x").split())[:MOST_TYPED]
        if self.kind == "choice":
            letter = text.strip("().: ")
            if len(letter) != 1 or letter not in LETTERS:
                raise SpecError(f"expected one letter, such as a, got {text!r}")
            return letter == self.value
        if self.kind == "size":
            found = re.fullmatch(r"(\d{1,9}) ?[x, ] ?(\d{1,9})", text.strip("()[]"), re.ASCII)
            if found is None:
                raise SpecError(f"expected a size (rows × columns), such as 3x4, got {text!r}")
            return (int(found[1]), int(found[2])) == self.value
        if self.kind == "number":
            return _read_number(text) == Fraction(self.value)
        words = re.sub(r"[;,|()\[\]]", " ", text).split()
        wanted = [value for row in self.value for value in row]
        if len(words) != len(wanted):
            raise SpecError(
                f"expected {len(wanted)} numbers, row by row, got {len(words)} in {text!r}"
            )
        return [_read_number(word) for word in words] == [Fraction(value) for value in wanted]


def _read_number(text: str) -> Fraction:
    number = text
    if re.fullmatch(r"-?\d{1,3}([, ']\d{3})+", text, re.ASCII):
        number = re.sub("[, ']", "", text)
    elif re.fullmatch(r"-?\d*,\d+", text, re.ASCII):
        number = text.replace(",", ".")
    plain = r"[-+]?(\d{1,12}(\.\d{0,9})?|\.\d{1,9}|\d{1,9}/0*[1-9]\d{0,8})"
    if not re.fullmatch(plain, number, re.ASCII):
        raise SpecError(f"expected a number, such as 7 or 1.5, got {text!r}")
    return Fraction(number)


def _written(value: float) -> str:
    if value == int(value):
        return f"{int(value):,}".replace("-", MINUS)
    return exact(value).marked()[0]


@dataclass(frozen=True)
class Exercise:
    """One exercise of a ``kind`` among TOPICS, its answers and the way to them.

    ``level`` is 1 (easy) to 3; ``data`` the exercise in plain numbers and words;
    ``grids`` and ``lines`` are its figure, ``choices`` its lettered answers.  ``form`` is what
    makes it as much work as another one of its kind and level.  ``language``: of all its words.
    """

    kind: str
    level: int
    question: str
    data: dict[str, Any]
    parts: tuple[Part, ...]
    solution: tuple[str, ...]
    grids: tuple[NumberGrid, ...] = ()
    lines: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    form: tuple = ()
    language: str = "en"

    def said(self, text: str) -> str:
        """A text in the exercise's language."""
        return shown(text, self.language)

    def spoken(self, language: str) -> Exercise:
        """The exercise in a language."""

        def say(texts: Iterable[str]) -> tuple[str, ...]:
            return tuple(shown(text, language) for text in texts)

        def grid(one: NumberGrid) -> NumberGrid:
            title, note, bias = say([one.title, one.note, one.bias])
            return replace(one, title=title, note=note, bias=bias, cells=tuple(map(say, one.cells)))

        asks = say(part.ask for part in self.parts)
        return replace(
            self,
            language=language,
            question=shown(self.question, language),
            parts=tuple(replace(p, ask=ask) for p, ask in zip(self.parts, asks, strict=True)),
            solution=say(self.solution),
            grids=tuple(map(grid, self.grids)),
            lines=say(self.lines),
            choices=say(self.choices),
        )

    @property
    def warning(self) -> str:
        """What stands above a figure that is wrong on purpose, "" for others."""
        return self.said(WITH_A_MISTAKE) if self.has_mistake else ""

    @property
    def has_mistake(self) -> bool:
        """Whether its figure shows a wrong number on purpose."""
        return self.kind == "spot-the-mistake"

    def answer(self) -> str:
        """All parts of the answer in one line."""
        if len(self.parts) == 1:
            return self.said(str(self.parts[0]))
        return "; ".join(f"{part.ask}: {self.said(str(part))}" for part in self.parts)

    def lettered(self) -> list[str]:
        """The choices, each after its letter."""
        return [f"{a}) {text}" for a, text in zip(LETTERS, self.choices, strict=False)]

    def record(self) -> dict[str, Any]:
        """The exercise in plain numbers and words, for JSON."""
        return {
            "kind": self.kind,
            "level": self.level,
            "question": self.question,
            "choices": dict(zip(LETTERS, self.choices, strict=False)),
            "has_mistake": self.has_mistake,
            "data": self.data,
            "answer": {part.ask: part.value for part in self.parts},
            "solution": list(self.solution),
        }

    def picture(self) -> SheetExercise:
        """The part that a printed sheet shows."""
        return SheetExercise(
            question=self.question,
            asks=tuple(part.ask for part in self.parts),
            answer=self.answer(),
            solution=self.solution,
            grids=self.grids,
            lines=self.lines,
            choices=self.choices,
            has_mistake=self.has_mistake,
            # Students write values into the empty grid of the figure.
            answer_lines=self.parts[0].kind != "values",
        )
