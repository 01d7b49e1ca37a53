"""``convlab render parameters``: what a dense layer costs as images grow."""

import click
from convlab_cli import drawing, options


@options.command()
@options.whole("--neurons", most=10**6, default=1000)
@options.lengths("--kernel", default="5")
@options.whole("--filters", most=10**6, default=6)
@drawing.draws("parameters.png")
def command(pictures, neurons, kernel, filters):
    """Parameters of dense layers and of a convolution as the image grows.

    Dense layers are counted by their weights, the convolution including its biases.
    """
    from convlab.errors import SpecError

    try:
        return pictures.parameters(neurons, kernel, filters)
    except SpecError as error:
        text = str(error).removeprefix("kernel: ")
        raise click.BadParameter(text, param_hint="--kernel") from None
