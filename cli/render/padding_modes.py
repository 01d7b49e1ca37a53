"""``convlab render padding-modes``: zeros, reflect, replicate and circular side by side."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@click.option(
    "--input", "shape", type=options.Lengths(most=options.DRAWN), default="3", show_default=True
)
@click.option(
    "--padding",
    type=options.Lengths(least=0, example="2", most=options.DRAWN),
    default="2",
    show_default=True,
    help="Rows and columns on each side.",
)
@options.picture("padding-modes.png")
def command(shape, padding, picture):
    """What stands in the padding of a convolution: zeros, reflect, replicate, circular.

    The input counts from 1, so that one sees where each number comes from.
    """
    import numpy as np

    from convlab import Tensor, functional, viz
    from convlab.errors import ShapeError
    from convlab.shapes import PADDING_MODES, size_text

    if max(side + 2 * more for side, more in zip(shape, padding, strict=True)) > 30:
        raise ShapeError(
            f"padding modes: expected at most 30 × 30 with the padding, got"
            f" {size_text(*shape)} and padding {size_text(*padding)}"
        )
    values = np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(1, *shape)
    rows, columns = padding
    padded = {
        mode: functional.pad(
            Tensor(values),
            (columns, columns, rows, rows),
            "constant" if mode == "zeros" else mode,
        ).numpy()[0]
        for mode in PADDING_MODES
    }
    title = "What stands in the padding"
    subtitle = (
        f"input {size_text(*shape)}, padding {rows if rows == columns else size_text(*padding)}"
    )
    figure = viz.padding_modes(
        padded, (rows, rows, columns, columns), title=title, subtitle=subtitle, **picture.look
    )
    picture.save(
        figure,
        title,
        f"{title}: {subtitle}; {', '.join(PADDING_MODES)}.",
        parameters={"input": shape, "padding": padding},
        inputs={"input": values[0]},
        weights={},
        result=padded,
    )
