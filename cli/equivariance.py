"""``convlab equivariance``: how far each layer is from following a shift of the image."""

from __future__ import annotations

import math

import click
from convlab_cli import options, terminal


class Numbers(click.ParamType):
    """Numbers with commas between them: 0,1,2,3."""

    name = "N,N,..."

    def __init__(self, example: str, whole: bool = False):
        self.example, self.whole = example, whole

    def convert(self, value, parameter, context):
        if not isinstance(value, str):
            return value
        kind = int if self.whole else float
        try:
            numbers = tuple(kind(part) for part in value.split(","))
        except ValueError:
            numbers = (math.nan,)
        word = "whole numbers" if self.whole else "numbers"
        if any(number != number for number in numbers):
            self.fail(f"expected {word} such as {self.example}, got {value!r}", parameter)
        if max(map(abs, numbers)) > options.MOST:
            self.fail(f"expected {word} of at most {options.MOST:,}, got {value!r}", parameter)
        if len(set(numbers)) < len(numbers):
            self.fail(f"expected each number once, got {value!r}", parameter)
        return numbers


def border_option(default: str):
    """``--border`` of a command that shifts images."""
    return click.option(
        "--border",
        type=click.Choice(["circular", "zeros"]),
        default=default,
        show_default=True,
        help="What a shift brings in: what left on the other side, or black.",
    )


border = border_option("circular")


@click.command()
@click.argument("network", metavar="RUN|MODEL|SPEC.toml")
@click.option("--layer", "layers", multiple=True, help="A layer with feature maps; all by default.")
@options.choice("--transform", "shift", "rotation", "scale")
@click.option(
    "--shifts",
    type=Numbers("0,1,2,3", whole=True),
    help="Pixels to the right.  [default: 0,1,2,3,4]",
)
@click.option(
    "--angles", type=Numbers("0,45,90"), help="Degrees anticlockwise.  [default: 0,15,45,90,180]"
)
@click.option(
    "--scales", type=Numbers("0.8,1,1.25"), help="Factors.  [default: 0.8,0.9,1,1.1,1.25]"
)
@border
@options.whole(
    "--images",
    most=10_000,
    default=64,
    help="The first ones of the test set; random images if there is no run.",
)
@options.data_dir
@options.device
@options.threads
@options.picture(None)
def command(network, layers, transform, shifts, angles, scales, border, images, data_dir, picture):
    """Transform, then layer, or layer, then transform: how much the results differ.

    The error is the mean over images of ||f(T x) - T' f(x)|| / ||f(x)||, where T'
    shifts the maps by the shift over the effective stride, to the nearest whole cell
    (marked ≈; a half goes up).  It is 0 if a layer is exactly equivariant.

    Zero padding breaks it at the border: a second table has the errors of only those
    cells that have read neither padding nor what the shift brought in.
    """
    from convlab import pictures

    given = {"shift": shifts, "rotation": angles, "scale": scales}
    amounts = given.pop(transform)
    for other, value in given.items():
        if value is not None:
            option = {"shift": "shifts", "rotation": "angles", "scale": "scales"}[other]
            raise click.BadParameter(
                f"expected with --transform {other}, got --transform {transform}",
                param_hint=f"--{option}",
            )
    network, run = options.network_of(network)
    made = pictures.equivariance(
        run or network,
        amounts,
        transform=transform,
        layers=layers,
        border=border,
        images=images,
        data_dir=data_dir,
    )
    terminal.report(made, picture)
