"""What commands about a run share: RUN, an image, where it is computed, units and classes."""

from collections.abc import Callable
from functools import wraps

import click
from convlab_cli import options

FIRST = 16  # as convlab.pictures.units.FIRST

target = options.valued(
    "--target", default="predicted", metavar="CLASS", help="The class in question, by name."
)
images = options.whole(
    "--images",
    most=10_000,
    default=1000,
    help="How many of the test images are examined, from the first on.",
)
units = options.together(
    (
        options.layer("By default the last convolution, or else the last layer."),
        click.option(
            "--unit",
            "units",
            type=click.IntRange(0, options.MOST),
            multiple=True,
            metavar="MAP",
            help=f"Number of a map, unit or class, from 0; can be repeated.  [default: the first"
            f" {FIRST}]",
        ),
        images,
    )
)


def image_argument(required: bool = True):
    """IMAGE for a run, and ``--as-is``."""
    return options.together((options.image_argument(required=required), options.as_is))


def about_run(*arguments: Callable, required: bool = True):
    """RUN, loaded, the ``arguments`` behind it, ``--data-dir``, ``--device`` and ``--threads``."""

    def decorate(function):
        @wraps(function)
        def command(*, run, **settings):
            return function(run=run and options.load_run(run), **settings)

        where = (options.data_dir, options.device, options.threads)
        run = options.run_argument if required else options.optional_run
        return options.together((run, *arguments, *where))(command)

    return decorate


def attributed(function):
    """``about_run`` of an image and ``--target``, beside the map of random weights."""
    sanity = options.flag(
        "--sanity/--no-sanity",
        default=True,
        help="Beside it, or not, the same map with the network's weights drawn at random.",
    )
    return options.together((target, sanity, about_run(image_argument())))(function)
