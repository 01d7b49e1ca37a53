"""``convlab render filters``: the weights that a network has learned."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@options.run_argument
@click.option("--layer", help="A convolution; the first by default.")
@options.whole(
    "--filter", "number", least=0, help="One filter from 0, all its input channels large."
)
@click.option(
    "--before",
    is_flag=True,
    help="The weights before training, those after, and what training changed.",
)
@options.picture("filters.png", options.MOVING)
def command(run, layer, number, before, picture):
    """The weights of a convolution: one picture per filter and input channel.

    \b
    convlab render filters RUN --layer conv2 --filter 3 --before
    convlab train --snapshots, then convlab render filters RUN -o filters.gif
    """
    from convlab import pictures
    from convlab.errors import SpecError

    if not picture.moving:
        picture.finish(pictures.filters(run, layer, number, before))
        return
    if before:
        raise SpecError("before: expected a still picture; an animation begins before training")
    picture.finish(pictures.filters_by_epoch(run, layer, number))
