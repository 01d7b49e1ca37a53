"""Exercises as text, with figures made of characters, lettered choices, and the key."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from convlab.quiz.exercise import Exercise
from convlab.viz import NumberGrid
from convlab.viz.quiz_grids import sign_between
from convlab.viz.quiz_sheet import kept_together

WIDTH = 88  # the width of the text, in characters
INDENT = "   "


def exercise_text(number: int, exercise: Exercise) -> str:
    """Question, figure and choices, after the exercise's number."""
    parts = [_wrapped(exercise.question, f"{number}.".ljust(len(INDENT)), INDENT)]
    if exercise.has_mistake:
        parts.append(INDENT + exercise.warning)
    if exercise.grids:
        parts.append("\n".join((INDENT + line).rstrip() for line in figure_lines(exercise.grids)))
    parts += [_wrapped(line, INDENT, 2 * INDENT) for line in exercise.lines]
    if exercise.choices:
        parts.append("\n".join(INDENT + choice for choice in exercise.lettered()))
    return "\n\n".join(parts)


def key_text(number: int, exercise: Exercise) -> str:
    """The answer, after the exercise's number, and the way to it."""
    return f"{f'{number}.':<{len(INDENT)}}{exercise.answer()}\n{solution_text(exercise)}"


def solution_text(exercise: Exercise) -> str:
    """The way to the answer."""
    return "\n".join(_wrapped(line, INDENT, 2 * INDENT) for line in exercise.solution)


def exercise_markdown(number: int, exercise: Exercise) -> str:
    """Question, figure, choices and a line for each answer, under the exercise's number."""
    parts = [f"## {number}", in_markdown(exercise.question)]
    if exercise.has_mistake:
        parts.append(f"**{exercise.warning}**")
    if exercise.grids:
        parts.append("\n".join(["```", *figure_lines(exercise.grids), "```"]))
    parts += map(in_markdown, exercise.lines)
    parts += ["\n".join(f"- {choice}" for choice in exercise.lettered())] * bool(exercise.choices)
    parts.append("\n".join(f"- {part.ask}: ________" for part in exercise.parts))
    return "\n\n".join(parts)


def key_markdown(number: int, exercise: Exercise) -> str:
    """The answer, after the exercise's number, and the way to it as a list."""
    lines = [f"**{number}.** {in_markdown(exercise.answer())}", ""]
    return "\n".join(lines + [f"- {in_markdown(line)}" for line in exercise.solution])


def in_markdown(text: str) -> str:
    """A text whose characters have no meaning in Markdown."""
    return re.sub(r"([\\`*_\[\]<>#|~&])", r"\\\1", text)


def _wrapped(text: str, first: str, others: str) -> str:
    lines = textwrap.fill(
        kept_together(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines.replace("\u00a0", " ")


def figure_lines(grids: Sequence[NumberGrid]) -> list[str]:
    """Grids of numbers as lines of text, side by side and centred vertically."""
    tallest = max(grid.rows for grid in grids)
    blocks = []
    for i, grid in enumerate(grids):
        if i:
            lines = [""] * (3 + tallest)
            lines[2 + (tallest - 1) // 2] = sign_between(grids[i - 1], grid)
            blocks.append(lines)
        above = (tallest - grid.rows) // 2
        rows = _lines(grid)
        note = f"{grid.note} (·)" if any("·" in row for row in rows) else grid.note
        lines = [*[""] * above, grid.title, note, *rows]
        lines.append(grid.bias)
        blocks.append(lines + [""] * (3 + tallest - len(lines)))
    widths = [max(map(len, block)) for block in blocks]
    return [
        "   ".join(line.ljust(width) for line, width in zip(row, widths, strict=True)).rstrip()
        for row in zip(*blocks, strict=True)
        if any(row)
    ]


def cell_texts(grid: NumberGrid) -> list[list[str]]:
    """The cells as text: zeros of the padding as dots, cells that matter in brackets."""

    def text(row: int, column: int, value: str) -> str:
        if grid.is_read(row, column) or (row, column) == grid.marked:
            return f"[{value}]"
        if grid.is_padding(row, column) and value == "0":
            value = "·"
        return f" {value or '_'} "

    return [
        [text(row, column, value) for column, value in enumerate(values)]
        for row, values in enumerate(grid.cells)
    ]


def _lines(grid: NumberGrid) -> list[str]:
    """The cells in columns."""
    cells = cell_texts(grid)
    width = max(len(cell) for row in cells for cell in row)
    return ["".join(cell.rjust(width) for cell in row) for row in cells]
