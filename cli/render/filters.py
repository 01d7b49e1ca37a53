"""``convlab render filters``: the weights that a network has learned."""

from convlab_cli import drawing, options


@options.command()
@options.run_argument
@options.layer("A convolution; the first by default.")
@options.whole(
    "--filter", "number", least=0, help="One filter from 0, all its input channels large."
)
@options.flag(
    "--before", help="The weights before training, those after, and what training changed."
)
@drawing.picture("filters.png", drawing.MOVING)
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
