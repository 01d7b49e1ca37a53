"""A quiz asked in a terminal, one exercise after another, with the score."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence

from convlab.errors import SpecError
from convlab.quiz.exercise import Exercise, Part
from convlab.quiz.text import INDENT, exercise_text, solution_text

MOST_TRIES = 3  # of asking after an answer that cannot be read


def ask_all(exercises: Sequence[Exercise], read: Callable[[str], str]) -> Iterator[str]:
    """Ask one after another; yields what is to be printed, in the order of the conversation.

    ``read``: an answer to a prompt.  EOFError and KeyboardInterrupt, if it raises them, end the
    quiz with the score so far; the latter is raised again after that.
    """
    right = answered = 0
    try:
        for number, exercise in enumerate(exercises, 1):
            yield exercise_text(number, exercise) + "\n"
            wrong = False
            for part in exercise.parts:  # every one is asked, even after a wrong answer
                wrong |= not (yield from _ask(part, read))
            answered += 1
            right += not wrong
            if wrong:
                yield f"{INDENT}wrong; the answer is {exercise.answer()}"
                yield solution_text(exercise) + "\n"
            else:
                yield f"{INDENT}right\n"
    except (EOFError, KeyboardInterrupt) as reason:
        yield f"\nstopped; score: {right} of {answered} answered"
        if isinstance(reason, KeyboardInterrupt):
            raise
        return
    yield f"score: {right} of {answered}"


def _ask(part: Part, read: Callable[[str], str]) -> Generator[str, None, bool]:
    """Returns whether a part is answered correctly; an empty answer is wrong."""
    for _ in range(MOST_TRIES):
        text = read(f"{INDENT}{part.ask}: ")
        if not text.strip():
            return False
        try:
            return part.check(text)
        except SpecError as error:
            yield f"{INDENT}{error}"
    return False
