"""``convlab render activations``: ReLU, sigmoid, tanh and their gradients."""

import click
from convlab_cli import drawing, options


@options.command()
@click.option(
    "--function",
    "names",
    multiple=True,
    type=click.Choice(["relu", "sigmoid", "tanh", "scaled-tanh"]),
    help="Can be repeated.  [default: relu, sigmoid and tanh]",
)
@options.number("--reach", (0.01, 100), default=6.0, help="The curves go from minus this to this.")
@drawing.draws("activations.png")
def command(pictures, names, reach):
    """Activation functions, and below them the gradients given by their backward pass.

    scaled-tanh is the squashing function of 1998's LeNet-5.
    """
    return pictures.activations(names or ("relu", "sigmoid", "tanh"), reach)
