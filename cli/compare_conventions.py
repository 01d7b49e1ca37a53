"""``convlab compare-conventions``: where PyTorch, TensorFlow and Caffe part."""

from __future__ import annotations

import click
from convlab_cli import options

MOST = 40  # rows and columns of an input whose outputs a picture still shows
WIDTH = 100  # columns of a terminal


@click.command()
@click.option("--input", type=options.Lengths(), default="6", show_default=True)
@click.option("--kernel", type=options.Lengths(most=MOST), default="3", show_default=True)
@click.option("--stride", type=options.Lengths(most=MOST), default="2", show_default=True)
@click.option(
    "--dilation",
    type=options.Lengths(most=MOST),
    default="1",
    show_default=True,
    help="Of the convolutions.",
)
@click.option(
    "--padding",
    type=options.Lengths(least=0, most=MOST),
    help="PyTorch's, on both sides; half the kernel by default.",
)
@click.option("--seed", type=options.SEED, default=1, show_default=True)
@options.picture("conventions.png")
def command(input, kernel, stride, dilation, padding, seed, picture):
    """The same numbers under several conventions, and the first cell in which they part.

    PyTorch's padding against TensorFlow's SAME, correlation against convolution,
    pooling rounded down or up (Caffe), and a maximum padded with minus infinity or
    zeros.  The input's small integers come from the seed.
    """
    from convlab import lessons, pictures
    from convlab.shapes import size_text

    if max(input) > MOST:
        raise click.BadParameter(
            f"expected at most {MOST} x {MOST}, got {size_text(*input)}", param_hint="--input"
        )
    settings = input, kernel, stride, dilation, padding, seed
    made = pictures.compare_conventions(*settings)

    def before() -> None:
        if picture.alt:
            return
        click.echo(made.facts["setting"])
        found = lessons.compare_conventions(*settings)
        _beside(("input", [], found.input), ("kernel", [], found.kernel))
        for comparison in found.comparisons:
            _compare(comparison)
        click.echo()

    picture.finish(made, before)


def _compare(comparison) -> None:
    """One comparison as a table: settings, sizes and values side by side."""
    from convlab.shapes import size_text

    click.echo(f"\n{comparison.title}")
    sides = []
    for side in comparison.sides:
        rows, columns = side.sizes
        sizes = [rows] if rows == columns else [f"rows {rows}", f"columns {columns}"]
        head = [side.setting, *sizes, size_text(*side.values.shape)]
        sides.append((side.name, head, side.values))
    _beside(*sides)
    part = "" if comparison.first is None else "they part first at "
    click.echo(f"  {part}{comparison.difference()}")


def _beside(*parts) -> None:
    """(name, lines, values) in columns, the values only where a terminal is wide enough."""
    import numpy as np

    from convlab.numerals import exact

    blocks, grids = [], []
    for name, lines, values in parts:
        texts = np.reshape(exact(values).marked(), values.shape)
        longest = max(len(text) for text in texts.flat)
        grids.append([" ".join(text.rjust(longest) for text in row) for row in texts])
        blocks.append([name, *lines])
    if 2 + 4 + sum(len(grid[0]) for grid in grids) <= WIDTH:
        high = max(len(block) for block in blocks)
        for block, grid in zip(blocks, grids, strict=True):
            block += [""] * (high - len(block)) + grid
    width = max(len(line) for line in blocks[0]) + 4
    for index in range(max(len(block) for block in blocks)):
        left, right = (block[index] if index < len(block) else "" for block in blocks)
        click.echo(f"  {left:{width}}{right}".rstrip())
