"""``convlab quiz``: exercises whose answers the engine works out, on paper or in the terminal."""

from __future__ import annotations

import shlex
import sys
import textwrap
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import click
from convlab_cli import options
from convlab_cli.output import record_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convlab.quiz import Exercise, Part
    from convlab.viz import NumberGrid

WIDTH = 88  # of the text, in characters
INDENT = "   "
MOST_TRIES = 3  # of an answer that cannot be read


def _check_student(context, parameter, value):
    if value is None:
        return None
    # However the accents were typed, the sheet is the same.
    name = unicodedata.normalize("NFC", " ".join(value.split()))
    if not name or not name.isprintable():
        raise click.BadParameter(f"expected a name, got {ascii(value)}")
    return name


def _check_sheet(context, parameter, value):
    if value is not None and value.suffix != ".pdf":
        raise click.BadParameter(f"expected a file ending in .pdf, got {value.name!r}")
    return value


@click.command()
@click.argument("topic", required=False)
@click.option(
    "--seed",
    type=options.SEED,
    default=0,
    show_default=True,
    help="Another seed, another sheet; the same seed, the same sheet.",
)
@click.option("--count", type=click.IntRange(1, 100), default=5, show_default=True)
@click.option(
    "--student",
    callback=_check_student,
    metavar="NAME",
    help="Print the name, and make a sheet that nobody else gets.",
)
@click.option("--answers", is_flag=True, help="Add the key, with the way to each answer.")
@click.option("--interactive", is_flag=True, help="Ask in the terminal, check and keep the score.")
@click.option(
    "-o",
    "--output",
    type=options.WRITTEN,
    callback=_check_sheet,
    help="Write an A4 sheet to print, .pdf, instead of text.",
)
@click.option(
    "--json",
    "json_file",
    type=options.WRITTEN,
    help="Also write the exercises as data, with answers and solutions.",
)
@click.option("--alt", is_flag=True, help="Print the alternative text of the sheet of -o.")
def command(topic, seed, count, student, answers, interactive, output, json_file, alt):
    """Exercises on TOPIC: output-size, output-value, parameters, receptive-field, pooling,
    spot-the-mistake or all.

    \b
    convlab quiz all --seed 7
    convlab quiz spot-the-mistake --seed 7 --student Ada --answers -o ada.pdf
    convlab quiz pooling --interactive
    """
    if interactive and (answers or output or json_file):
        raise click.UsageError("--interactive: expected no --answers, --output or --json with it")
    if alt and output is None:
        raise click.UsageError("--alt: expected --output with it")

    from convlab.errors import SpecError
    from convlab.quiz import TOPICS, quiz

    if topic is None:
        raise SpecError(f"topic: expected one of {', '.join(TOPICS)} or all, got none")
    exercises = quiz(topic, seed, count, student)
    title = f"Exercises: {'convolutional networks' if topic == 'all' else topic.replace('-', ' ')}"
    numbers = {
        "parameters": {"topic": topic, "seed": seed, "count": count, "student": student},
        "inputs": {},
        "weights": {},
        "result": {"exercises": [exercise.record() for exercise in exercises]},
    }
    if interactive:
        _ask_all(exercises)
        return
    # Where the sheet is written does not change it.
    again = ["convlab", "quiz", topic, "--seed", str(seed), "--count", str(count)]
    again += ["--student", student] if student else []
    description = _description(exercises, title, seed, student, answers)
    if output is not None:
        from convlab.viz import pages_bytes, quiz_sheet

        pages = quiz_sheet(
            [exercise.picture() for exercise in exercises],
            title=title,
            footer=shlex.join(again),
            student=student,
            answers=answers,
        )
        content = pages_bytes(
            pages,
            title=title,
            description=description,
            command=shlex.join([*again, *(["--answers"] if answers else [])]),
        )
        sheet = options.Picture(output, "light", "a4", json_file, alt)
        sheet.write(content, title, description, **numbers)
        return
    if json_file is not None:
        _write_json(json_file, title, description, numbers)
    click.echo(_text(exercises, title, seed, student, answers), nl=False)


def _write_json(path: Path, title: str, description: str, numbers: dict) -> None:
    """The same record as stands beside a picture."""
    from importlib.metadata import version

    from convlab.files import write_atomically

    record = {
        "convlab": version("convlab"),
        "command": options.command_line(),
        "title": title,
        "description": description,
        **numbers,
    }
    write_atomically(path, record_bytes(record))


def _description(
    exercises: Sequence[Exercise], title: str, seed: int, student: str | None, answers: bool
) -> str:
    """The alternative text of a sheet: all questions, and which figures are wrong on purpose."""
    count = len(exercises)
    words = [f"{title}. {count} exercise{'s' if count > 1 else ''}, seed {seed}"]
    words[0] += f", for {student}." if student else "."
    wrong = [str(i) for i, exercise in enumerate(exercises, 1) if exercise.has_mistake]
    if wrong:
        which = f"exercise{'s' if len(wrong) > 1 else ''} {', '.join(wrong)}"
        words.append(f"Exercises with a mistake: the figures of {which} are wrong on purpose.")
    for i, exercise in enumerate(exercises, 1):
        choices = "; ".join(_lettered(exercise))
        words.append(f"{i}. {exercise.question}{f' {choices}.' if choices else ''}")
    if answers:
        words += [f"Answer {i}: {exercise.answer()}." for i, exercise in enumerate(exercises, 1)]
    return "  ".join(words)


# --- text -----------------------------------------------------------------------------------


def _text(
    exercises: Sequence[Exercise], title: str, seed: int, student: str | None, answers: bool
) -> str:
    head = f"{title} (seed {seed}{f', for {student}' if student else ''})"
    blocks = [head]
    blocks += [_exercise(i, exercise) for i, exercise in enumerate(exercises, 1)]
    if answers:
        blocks.append("Answers")
        blocks += [
            f"{f'{i}.':<{len(INDENT)}}{exercise.answer()}\n{_solution(exercise)}"
            for i, exercise in enumerate(exercises, 1)
        ]
    return "\n\n".join(blocks) + "\n"


def _exercise(number: int, exercise: Exercise) -> str:
    """Question, figure and choices."""
    from convlab.viz.quiz_sheet import WITH_A_MISTAKE

    parts = [_wrapped(exercise.question, f"{number}.".ljust(len(INDENT)), INDENT)]
    if exercise.has_mistake:
        parts.append(INDENT + WITH_A_MISTAKE)
    if exercise.grids:
        parts.append("\n".join((INDENT + line).rstrip() for line in _beside(exercise.grids)))
    parts += [_wrapped(line, INDENT, 2 * INDENT) for line in exercise.lines]
    if exercise.choices:
        parts.append("\n".join(INDENT + choice for choice in _lettered(exercise)))
    return "\n\n".join(parts)


def _lettered(exercise: Exercise) -> list[str]:
    from convlab.viz.quiz_sheet import LETTERS

    return [f"{a}) {text}" for a, text in zip(LETTERS, exercise.choices, strict=False)]


def _solution(exercise: Exercise) -> str:
    return "\n".join(_wrapped(line, INDENT, 2 * INDENT) for line in exercise.solution)


def _wrapped(text: str, first: str, others: str) -> str:
    from convlab.viz.quiz_sheet import kept_together

    lines = textwrap.fill(
        kept_together(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines.replace("\u00a0", " ")


def _beside(grids: Sequence[NumberGrid]) -> list[str]:
    """Grids of numbers as lines of text, beside each other around one middle line."""
    from convlab.viz.quiz_grids import sign_between

    tallest = max(grid.rows for grid in grids)
    blocks = []
    for i, grid in enumerate(grids):
        if i:
            lines = [""] * (3 + tallest)
            lines[2 + (tallest - 1) // 2] = sign_between(grids[i - 1], grid)
            blocks.append(lines)
        above = (tallest - grid.rows) // 2
        rows = _rows(grid)
        note = f"{grid.note} (·)" if any("·" in row for row in rows) else grid.note
        lines = [*[""] * above, grid.title, note, *rows]
        lines.append(f"bias {grid.bias}" if grid.bias else "")
        blocks.append(lines + [""] * (3 + tallest - len(lines)))
    widths = [max(map(len, block)) for block in blocks]
    return [
        "   ".join(line.ljust(width) for line, width in zip(row, widths, strict=True)).rstrip()
        for row in zip(*blocks, strict=True)
        if any(row)
    ]


def _rows(grid: NumberGrid) -> list[str]:
    """Numbers in columns: zeros of the padding as dots, cells that matter in brackets."""

    def text(row: int, column: int, value: str) -> str:
        if grid.is_read(row, column) or (row, column) == grid.marked:
            return f"[{value}]"
        if grid.is_padding(row, column) and value == "0":
            value = "·"
        return f" {value or '_'} "

    cells = [
        [text(row, column, value) for column, value in enumerate(values)]
        for row, values in enumerate(grid.cells)
    ]
    width = max(len(cell) for row in cells for cell in row)
    return ["".join(cell.rjust(width) for cell in row) for row in cells]


# --- in the terminal ------------------------------------------------------------------------


def _ask_all(exercises: Sequence[Exercise]) -> None:
    """Ask one after the other; the end of the input and Ctrl-C end it with the score so far."""
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="replace")
    right = answered = 0
    try:
        for number, exercise in enumerate(exercises, 1):
            click.echo(_exercise(number, exercise) + "\n")
            # Not all(): every part is asked for.
            results = [_ask(part) for part in exercise.parts]
            answered += 1
            if all(results):
                right += 1
                click.echo(f"{INDENT}right\n")
            else:
                click.echo(f"{INDENT}wrong; the answer is {exercise.answer()}")
                click.echo(_solution(exercise) + "\n")
    except (EOFError, KeyboardInterrupt) as reason:
        click.echo(f"\nstopped; score: {right} of {answered} answered")
        if isinstance(reason, KeyboardInterrupt):
            click.get_current_context().exit(130)
        return
    click.echo(f"score: {right} of {answered}")


def _ask(part: Part) -> bool:
    """Whether a part is answered rightly; an empty answer is a wrong one."""
    from convlab.errors import SpecError

    for _ in range(MOST_TRIES):
        text = _read(f"{INDENT}{part.ask}: ")
        if not text.strip():
            return False
        try:
            return part.check(text)
        except SpecError as error:
            click.echo(f"{INDENT}{error}")
    return False


def _read(prompt: str) -> str:
    if sys.stdin is None:  # closed by the shell
        raise EOFError
    text = input(prompt)
    if not sys.stdin.isatty():
        click.echo(text)  # so that a transcript has the answers too
    return text
