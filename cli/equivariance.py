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
    import numpy as np

    from convlab import insight
    from convlab.shapes import size_text

    given = {"shift": shifts, "rotation": angles, "scale": scales}
    amounts = given.pop(transform) or _DEFAULTS[transform]
    for other, value in given.items():
        if value is not None:
            raise click.BadParameter(
                f"expected with --transform {other}, got --transform {transform}",
                param_hint=f"--{_OPTIONS[other]}",
            )
    network, run = options.network_of(network)
    if run is not None:
        x, background, source = _test_images(run, images, data_dir)
        name = options.title_of(run)
    else:
        x = np.random.default_rng(0).standard_normal((images, *network.input_shape))
        x, background, source = x.astype(np.float32), 0, f"{images} random images"
        name = f"{network.name}, random weights"
    rows = insight.equivariance(
        network,
        x,
        amounts,
        transform=transform,
        border=border,
        layers=layers or None,
        background=background,
    )
    heads = [_head(amount, transform) for amount in amounts]
    how = _HOW[transform] + (f", border {border}" if transform == "shift" else "")
    notes = [(row.name, f"{size_text(*row.map_size)}, stride {_pair(row.stride)}") for row in rows]
    errors = np.array([row.errors for row in rows])
    rounded = None if rows[0].rounded is None else np.array([row.rounded for row in rows])
    click.echo(f"{name}; {how}; mean relative error over {source}")
    _print(notes, heads, errors, rounded)
    inner = None if rows[0].inner is None else np.array([row.inner for row in rows])
    if inner is not None:
        click.echo(f"\n{_INNER}")
        _print(notes, heads, inner, rounded)
        _say_why(network, rows)
    if not picture.wanted:
        return
    title = f"Equivariance of {network.name} to {_TITLES[transform]}"
    subtitle = f"{name}; {how}; mean over {source}"
    exact = sum(1 for value in errors.ravel() if value == 0)
    description = (
        f"{title}; {subtitle}: relative error by layer and {transform}, {exact} of {errors.size}"
        f" exactly 0, the largest {errors[np.isfinite(errors)].max(initial=0):.3g}."
    )
    record = {
        "parameters": {
            "network": network.name,
            "run": None if run is None else run.folder,
            "transform": transform,
            "amounts": amounts,
            "border": border if transform == "shift" else None,
        },
        "inputs": {"images": x},
        "weights": network.state_dict(),
        "result": {
            row.name: {
                "type": row.kind,
                "maps": row.map_size,
                "effective_stride": row.stride,
                "errors": row.errors,
                "shift_of_maps": row.cells,
                "nearest_whole": row.rounded,
                "errors_away_from_border": row.inner,
            }
            for row in rows
        },
    }
    if picture.path is None:
        picture.write(b"", title, description, **record)
        return
    from convlab import viz

    figure = viz.equivariance(
        errors,
        notes,
        heads,
        rounded=rounded,
        inner=inner,
        word=_HOW[transform],
        title=title,
        subtitle=subtitle,
        **picture.look,
    )
    picture.save(figure, title, description, **record)


_INNER = (
    "away from the border alone: cells that have read neither padding nor what the shift brought in"
)
_DEFAULTS = {
    "shift": (0, 1, 2, 3, 4),
    "rotation": (0.0, 15.0, 45.0, 90.0, 180.0),
    "scale": (0.8, 0.9, 1.0, 1.1, 1.25),
}
_OPTIONS = {"shift": "shifts", "rotation": "angles", "scale": "scales"}
_HOW = {
    "shift": "shift to the right in pixels",
    "rotation": "rotation anticlockwise in degrees",
    "scale": "scaled by a factor",
}
_TITLES = {"shift": "shifts", "rotation": "rotations", "scale": "changes of scale"}


def _test_images(run, count: int, data_dir: str | None):
    """(floats (N, C, H, W), what black is in them (C,), in words) of a run's test set."""
    import numpy as np

    from convlab import data, training
    from convlab.data.batches import to_floats

    _, test = data.load(run.settings.data, data_dir=data_dir)
    images = training.centred_images(test.images[:count], run.network.input_shape[1:])
    words = f"{len(images)} test image{'s' * (len(images) != 1)}"
    return to_floats(images, run.scaling), np.array(run.scaling.offset, np.float32), words


def _head(amount: float, transform: str) -> str:
    from convlab.numerals import number

    return number(amount, 15) + {"rotation": "°", "scale": " ×"}.get(transform, "")


def _pair(values) -> str:
    from convlab.shapes import size_text

    return str(values[0]) if values[0] == values[1] else size_text(*values)


def _say_why(network, rows) -> None:
    """What follows for layers that are exact away from the border, and not at it."""
    exact = [
        row.name
        for row in rows
        if max(row.errors) > 0
        and not any(error > 0 for error in row.inner)
        and any(error == 0 for error in row.inner[row.errors > 0])
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


def _print(notes, heads, errors, rounded) -> None:
    table = [["layer", "maps", *heads]]
    for index, (name, note) in enumerate(notes):
        marks = [False] * len(heads) if rounded is None else rounded[index]
        cells = [
            "-" if math.isnan(error) else f"{'≈' if mark else ''}{error:.3g}"
            for error, mark in zip(errors[index], marks, strict=True)
        ]
        table.append([name, note, *cells])
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())
