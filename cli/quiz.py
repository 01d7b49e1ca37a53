"""``convlab quiz``: exercises whose answers the engine works out, on paper or in the terminal."""

from __future__ import annotations

import sys
import unicodedata
from typing import TYPE_CHECKING

import click
from convlab_cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convlab.quiz import Exercise, Part

INDENT = "   "
MOST_TRIES = 3  # of asking after an answer that cannot be read


def _check_student(context, parameter, value):
    if value is None:
        return None
    # The sheet is the same however accents were typed.
    name = unicodedata.normalize("NFC", " ".join(value.split()))
    if not name or not name.isprintable():
        raise click.BadParameter(f"expected a name, got {ascii(value)}")
    return name


def _check_sheet(context, parameter, path):
    if path is not None and path.suffix != ".pdf":
        raise click.BadParameter(f"expected a file ending in .pdf, got {path.name!r}")
    return path


@click.command()
@click.argument("topic", required=False)
@options.seed("Another seed, another sheet; the same seed, the same sheet.")
@options.whole("--count", most=100, default=5)
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
    from convlab.files import write_atomically
    from convlab.quiz import TOPICS, Sheet

    if topic is None:
        raise SpecError(f"topic: expected one of {', '.join(TOPICS)} or all, got none")
    sheet = Sheet.of(topic, seed, count, student)
    if interactive:
        _ask_all(sheet.exercises)
        return
    title, description = sheet.title, sheet.alt(answers)
    if output is not None:
        picture = options.Picture(output, "light", "a4", json_file, alt)
        picture.write(sheet.pdf(answers), title, description, **sheet.numbers)
        return
    if json_file is not None:
        content = options.numbers_file(title, description, sheet.numbers)
        write_atomically(json_file, content)
    click.echo(sheet.text(answers))


def _ask_all(exercises: Sequence[Exercise]) -> None:
    """Ask one after another; the end of the input and Ctrl-C end it with the score so far."""
    from convlab.quiz import exercise_text, solution_text

    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="replace")
    right = answered = 0
    try:
        for number, exercise in enumerate(exercises, 1):
            click.echo(exercise_text(number, exercise) + "\n")
            # Not all(): every part must be asked.
            results = [_ask(part) for part in exercise.parts]
            answered += 1
            if all(results):
                right += 1
                click.echo(f"{INDENT}right\n")
            else:
                click.echo(f"{INDENT}wrong; the answer is {exercise.answer()}")
                click.echo(solution_text(exercise) + "\n")
    except (EOFError, KeyboardInterrupt) as reason:
        click.echo(f"\nstopped; score: {right} of {answered} answered")
        if isinstance(reason, KeyboardInterrupt):
            click.get_current_context().exit(130)
        return
    click.echo(f"score: {right} of {answered}")


def _ask(part: Part) -> bool:
    """Whether a part is answered correctly; an empty answer is wrong."""
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
