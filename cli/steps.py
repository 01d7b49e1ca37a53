"""A picture of one step, or of all steps as the suffix of the file decides."""

import dataclasses
from functools import partial, wraps

import click
from convlab_cli import drawing, options
from convlab_cli.values import Spelled

numbers_options = options.together(
    (
        options.valued(
            "--values",
            default="ints",
            metavar="ints|floats|none|FILE.csv",
            help="Numbers of the input: random ones, none at all, or your own table (channels below"
            " each other): semicolons, tabs, commas or spaces between them.  Beside semicolons and"
            " tabs a comma is the decimal mark.",
        ),
        options.seed(),
    )
)


def film_options(function):
    """``--seconds-per-step`` and ``--fps``, which a command gets as one argument ``film``."""

    @options.number(
        "--seconds-per-step",
        (0.2, 60),
        default=2.0,
        help="Of a film, .mp4 or .webm; its first step takes three times as long.",
    )
    @options.choice("--fps", "30", "60", help="Frames a second of a film.")
    @wraps(function)
    def command(*arguments, seconds_per_step, fps, **settings):
        film = {"seconds": seconds_per_step, "fps": int(fps)}
        return function(*arguments, film=film, **settings)

    return command


def timed(made, film):
    """A picture whose film has these settings."""
    return dataclasses.replace(made, film=made.film and partial(made.film, **film))


def steps(default: str, *more: str):
    """``drawing.draws`` with ``--step`` and ``--layout``; one step of a .gif is one frame.

    ``more``: endings besides those of pictures that move.
    """

    def decorate(function):
        @click.option(
            "--step",
            type=Spelled("K|all", "step"),
            help="One output value, counted from 0 in the order of the loop, or all: frames of a"
            " .gif, .webp, .mp4 or .webm, pages of a .pdf, one sheet as .png or .svg.  All by"
            " default for frames, else the middle one of the first map, or the last of 1 x 1.",
        )
        @options.choice("--layout", "row", "isometric")
        @film_options
        @drawing.picture(default, (*drawing.MOVING, *drawing.FILMS, *more), parts=True)
        @wraps(function)
        def command(*arguments, picture, step, film, **settings):
            from convlab import pictures

            if picture.build and step == "all":
                raise click.UsageError("--build: expected one --step, part by part, got all")
            step = "all" if step is None and picture.moving else step
            made = function(*arguments, pictures=pictures, step=step, **settings)
            if picture.moving and made.frames is None:
                made = dataclasses.replace(made, frames=lambda **look: [made.draw(**look)])
            picture.finish(timed(made, film))

        return command

    return decorate
