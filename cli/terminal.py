"""How commands print lines and pictures, and how wide the terminal is."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, TextIO

import click
from convlab_cli import output
from convlab_cli.values import standard_output_is_taken

if TYPE_CHECKING:
    from convlab_cli.drawing import Picture

    from convlab import pictures
    from convlab.terminal import Block, Line

# The roles of the pictures, in a terminal's colours.
COLOURS = {"input": "blue", "window": "yellow", "output": "green", "bias": "magenta"}


_WIDE = "convlab.wide"


def _set_wide(context, parameter, value):
    context.meta[_WIDE] = value


wide = click.option(
    "--wide",
    is_flag=True,
    expose_value=False,
    callback=_set_wide,
    help="All columns of a table, however narrow the terminal; pipes and files get them anyway.",
)


def width_of(stream: TextIO) -> int | None:
    """The columns of a terminal; None for a stream that is none."""
    if not stream.isatty():
        return None
    try:
        found = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        found = 0
    # A console of Windows goes to the next line after the last column.
    return (found or 80) - (os.name == "nt")


def say(lines: Iterable[Line | Block], err: bool = False) -> None:
    """Print lines as wide as the terminal, in colours unless NO_COLOR is set.

    Plain and at full width if standard output (with ``err`` standard error) is no terminal.
    Nothing if the command's result itself goes to standard output.
    """
    if not err and standard_output_is_taken():
        return
    from convlab.terminal import fitted

    stream = sys.stderr if err else sys.stdout
    context = click.get_current_context(silent=True)
    wanted = context is not None and context.meta.get(_WIDE)
    coloured = False if os.environ.get("NO_COLOR") else None
    for line in fitted(lines, None if wanted else width_of(stream), output.writable(stream)):
        text = line if isinstance(line, str) else "".join(map(_styled, line))
        click.echo(text, err=err, color=coloured)


def _styled(part) -> str:
    if isinstance(part, str):
        return part
    colour = COLOURS.get(part.role)
    return click.style(part.text, fg=colour, bold=part.bold or None, dim=part.quiet or None)


def show(made: pictures.Picture, picture: Picture) -> None:
    """Write a picture, and print its lines unless its alternative text is wanted."""
    picture.finish(made, None if picture.alt else partial(say, made.lines()))


def report(made: pictures.Picture, picture: Picture) -> None:
    """Print a picture's lines, and write it if requested."""
    say(made.lines())
    if picture.wanted:
        picture.finish(made)
