"""A picture of one step, or of all steps as the suffix of the file decides."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import click
from convlab_cli import options

if TYPE_CHECKING:
    from convlab import pictures


class Step(click.ParamType):
    """A step from 0, or all."""

    name = "K|all"

    def convert(self, value, parameter, context):
        if value == "all" or isinstance(value, int):
            return value
        if not value.isdecimal() or len(value) > 9:
            self.fail(f"expected a number from 0, or all, got {value!r}", parameter)
        return int(value)


step_option = click.option(
    "--step",
    type=Step(),
    help="One output value, counted from 0 in the order of the loop, or all: frames of a .gif or"
    " .webp, pages of a .pdf, one sheet as .png or .svg.  All by default for frames, else the one"
    " in the middle of the first map.",
)
layout_option = click.option(
    "--layout", type=click.Choice(["row", "isometric"]), default="row", show_default=True
)
numbers_options = (
    click.option(
        "--values",
        default="ints",
        show_default=True,
        metavar="ints|floats|none|FILE.csv",
        help="Numbers of the input: random ones, none at all, or your own table (channels below"
        " each other): semicolons, tabs, commas or spaces between them.  Beside semicolons and tabs"
        " a comma is the decimal mark.",
    ),
    click.option("--seed", type=options.SEED, default=0, show_default=True),
)


def finish(
    picture: options.Picture,
    step: int | str | None,
    make: Callable[[int | str | None], pictures.Picture],
) -> None:
    """Write what --step and the suffix ask for; one step as .gif or .webp has one frame."""
    made = make("all" if step is None and picture.moving else step)
    if picture.moving and made.frames is None:
        made = dataclasses.replace(made, frames=lambda **look: [made.draw(**look)])
    picture.finish(made)
