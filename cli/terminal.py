"""How commands print lines and pictures."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

import click
from convlab_cli import options

if TYPE_CHECKING:
    from convlab import pictures
    from convlab.terminal import Line

# The roles of the pictures, in a terminal's colours.
COLOURS = {"input": "blue", "window": "yellow", "output": "green", "bias": "magenta"}


def say(lines: Iterable[Line]) -> None:
    """Print lines; plain if standard output is not a terminal, or NO_COLOR is set."""
    coloured = False if os.environ.get("NO_COLOR") else None
    for line in lines:
        click.echo(line if isinstance(line, str) else "".join(map(_styled, line)), color=coloured)


def _styled(part) -> str:
    if isinstance(part, str):
        return part
    colour = COLOURS.get(part.role)
    return click.style(part.text, fg=colour, bold=part.bold or None, dim=part.quiet or None)


def show(made: pictures.Picture, picture: options.Picture) -> None:
    """Write a picture, and print its lines unless its alternative text is wanted."""
    picture.finish(made, None if picture.alt else partial(say, made.lines()))


def report(made: pictures.Picture, picture: options.Picture) -> None:
    """Print a picture's lines, and write it if requested."""
    say(made.lines())
    if picture.wanted:
        picture.finish(made)
