"""``convlab equivariance``: how far each layer is from following a shift of the image."""

from __future__ import annotations

import math

import click
from convlab_cli import options


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


border = click.option(
    "--border",
    type=click.Choice(["circular", "zeros"]),
    default="circular",
    show_default=True,
    help="What a shift brings in: what left at the other side, or black.",
)


@click.command()
@click.argument("network", metavar="RUN|MODEL|SPEC.toml")
@click.option("--layer", "layers", multiple=True, help="A layer with feature maps; all by default.")
@click.option(
    "--transform",
    type=click.Choice(["shift", "rotation", "scale"]),
    default="shift",
    show_default=True,
)
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
@click.option(
    "--images",
    type=click.IntRange(1, 10_000),
    default=64,
    show_default=True,
    help="The first ones of the test set; random images where there is no run.",
)
@options.data_dir
@options.device
@options.threads
@options.picture(None)
def command(network, layers, transform, shifts, angles, scales, border, images, data_dir, picture):
    """Transform, then a layer, or the layer, then transform: how much that differs.

    The error is the mean over images of ||f(T x) - T' f(x)|| / ||f(x)||, where T'
    shifts the maps by the shift over the effective stride, to the nearest whole cell
    (marked ≈; a half goes up).  It is 0 where a layer is exactly equivariant.

    Zero padding breaks it at the border: a second table has the errors of those cells
    alone that have read neither padding nor what the shift brought in.
    """
    from convlab import pictures
    from convlab.pictures import transformed

    given = {"shift": shifts, "rotation": angles, "scale": scales}
    amounts = given.pop(transform) or transformed.AMOUNTS[transform]
    for other, value in given.items():
        if value is not None:
            raise click.BadParameter(
                f"expected with --transform {other}, got --transform {transform}",
                param_hint=f"--{_OPTIONS[other]}",
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
    count = len(made.inputs["images"])
    words = transformed.transform_words(network, run, transform, border, count)
    click.echo("; mean relative error over ".join(words))
    heads = [transformed.amount_text(amount, transform) for amount in amounts]
    _print(made.result, heads, "errors")
    if transform == "shift":
        click.echo(f"\n{_INNER}")
        _print(made.result, heads, "errors_away_from_border")
        _say_why(network, made.result)
    if picture.wanted:
        picture.finish(made)


_INNER = (
    "away from the border alone: cells that have read neither padding nor what the shift brought in"
)
_OPTIONS = {"shift": "shifts", "rotation": "angles", "scale": "scales"}


def _say_why(network, rows: dict) -> None:
    """What follows for layers that are exact away from the border, and not at it."""
    exact = [
        name
        for name, row in rows.items()
        if max(row["errors"]) > 0
        and not any(error > 0 for error in row["errors_away_from_border"])
        and any(error == 0 for error in row["errors_away_from_border"][row["errors"] > 0])
    ]
    if not exact:
        return
    padded = [
        name
        for name, layer, _, _ in network.shapes()
        if any(getattr(layer, "padding", ())) and getattr(layer, "padding_mode", "") == "zeros"
    ]
    why = f", which {' and '.join(padded)} pad{'s' * (len(padded) == 1)} with zeros"
    click.echo(
        f"exact there: {', '.join(exact)}; all of their error comes from the border"
        + (why if padded else "")
    )


def _print(rows: dict, heads: list[str], key: str) -> None:
    """A table of errors: layers below each other, amounts side by side."""
    from convlab.pictures.transformed import maps_text

    table = [["layer", "maps", *heads]]
    for name, row in rows.items():
        marks = [False] * len(heads) if row["nearest_whole"] is None else row["nearest_whole"]
        cells = [
            "-" if math.isnan(error) else f"{'≈' if mark else ''}{error:.3g}"
            for error, mark in zip(row[key], marks, strict=True)
        ]
        table.append([name, maps_text(row["maps"], row["effective_stride"]), *cells])
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())
