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
@click.option(
    "--reach",
    type=options.Number(0.01, 100),
    default=6.0,
    show_default=True,
    help="The curves go from minus this to this.",
)
@options.picture("activations.png")
def command(names, reach, picture):
    """Activation functions, and below them the gradients that their backward pass gives.

    scaled-tanh is the squashing function of 1998's LeNet-5.
    """
    from convlab import lessons, viz

    names = tuple(dict.fromkeys(names)) or ("relu", "sigmoid", "tanh")
    curves = [lessons.activation_curve(name, reach) for name in names]
    title = "Activation functions and their gradients"
    subtitle = "gradient: what a change of x changes in the output"
    figure = viz.activations(curves, title=title, subtitle=subtitle, **picture.look)
    notes = "; ".join(f"{curve.name}: gradient {', '.join(curve.notes)}" for curve in curves)
    picture.save(
        figure,
        title,
        f"{title}. {notes}.",
        parameters={"functions": names, "reach": reach},
        inputs={"x": curves[0].x},
        weights={},
        result={
            curve.name: {"output": curve.output, "gradient": curve.gradient} for curve in curves
        },
    )
