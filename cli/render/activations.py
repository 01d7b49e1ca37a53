"""``convlab render activations``: ReLU, sigmoid, tanh and their gradients."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@click.option(
    "--function",
    "names",
    multiple=True,
    type=click.Choice(["relu", "sigmoid", "tanh", "scaled-tanh"]),
    help="Can be repeated.  [default: relu, sigmoid and tanh]",
)
@options.number(
    "--reach", within=(0.01, 100), default=6.0, help="The curves go from minus this to this."
)
@options.draws("activations.png")
def command(pictures, names, reach):
    """Activation functions, and below them the gradients given by their backward pass.

    scaled-tanh is the squashing function of 1998's LeNet-5.
    """
    return pictures.activations(names or ("relu", "sigmoid", "tanh"), reach)
