"""What ``render maximise`` and ``render top-patches`` share: the units of a layer."""

from __future__ import annotations

from functools import wraps

import click
from convlab_cli import options

FIRST = 16  # as convlab.pictures.units.FIRST


def arguments(function):
    """RUN, ``--layer``, ``--unit`` and ``--images`` of a command, as one argument ``asked``.

    It has the arguments of the picture's function by name.
    """

    @wraps(function)
    def command(run, layer, unit, images, data_dir, **settings):
        asked = {
            "run": options.load_run(run),
            "layer": layer,
            "units": unit,
            "images": images,
            "data_dir": data_dir,
        }
        return function(asked=asked, **settings)

    for option in (
        options.device,
        options.data_dir,
        click.option(
            "--images",
            type=click.IntRange(1, 10_000),
            default=1000,
            show_default=True,
            help="How many of the test images are examined, from the first on.",
        ),
        click.option(
            "--unit",
            type=click.IntRange(0, options.MOST),
            multiple=True,
            metavar="MAP",
            help=f"Number of a map, unit or class, from 0; can be repeated.  [default: the first"
            f" {FIRST}]",
        ),
        click.option("--layer", help="By default the last convolution, or else the last layer."),
        options.run_argument,
    ):
        command = option(command)
    return command
