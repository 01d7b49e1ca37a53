"""``convlab quiz --interactive``: exercises asked in the terminal, one after another."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convlab.quiz import Exercise


def ask_all(exercises: Sequence[Exercise]) -> None:
    """Ask one after another; the end of the input and Ctrl-C end it with the score so far."""
    from convlab import quiz

    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="replace")
    try:
        for line in quiz.ask_all(exercises, _read):
            click.echo(line)
    except KeyboardInterrupt:
        click.get_current_context().exit(130)


def _read(prompt: str) -> str:
    if sys.stdin is None:  # closed by the shell
        raise EOFError
    text = input(prompt)
    if not sys.stdin.isatty():
        click.echo(text)  # so that a transcript has the answers too
    return text
