"""The chain of ``convlab explain RUN IMAGE``: step by step down to a pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from convlab_cli.explain_text import INPUT, OUTPUT, WIDTH, WINDOW, say, say_wrapped, short

from convlab import insight
from convlab.insight import ulps
from convlab.insight.sum_words import (
    COLOURS,
    cell_text,
    place_text,
    strongest_product,
    unit_name,
    value_text,
    what_text,
)
from convlab.numerals import ALMOST

if TYPE_CHECKING:
    import numpy as np

    from convlab.insight import Explanation
    from convlab.training import Run


def print_step(one: Any, run: Run) -> None:
    """One unit of the chain in a few lines: its strongest term, what all others add, its value."""
    name = unit_name(one, run.network, run.classes)
    exact = "" if ulps(one.value, one.recomputed) else "  to the last bit"
    say(
        "↓ ",
        click.style(f"{name} = {value_text(one.value)}", fg=OUTPUT, bold=True),
        click.style(f"  {one.kind}{exact}", dim=True),
    )
    cell = one.strongest
    if cell is None:
        say("    its window lies in the padding: the chain ends here")
        return
    if isinstance(one, insight.ConvolutionSum | insight.DenseSum):
        terms, contribution = strongest_product(one)
        weight = contribution / float(cell.value) if cell.value else None
        factor = f" × {short(weight)}" if weight is not None else ""
        product = short(contribution, plus=True)
        sign = ALMOST if ALMOST in f"{short(cell.value)}{factor}{product}" else "="
        product = product.removeprefix(ALMOST)
        say(
            f"    strongest of {terms} terms: {cell_text(cell)}, ",
            click.style(short(cell.value), fg=INPUT),
            click.style(factor, fg=WINDOW),
            f" {sign} {product}",
        )
        others = one.exact - contribution - (one.bias or 0.0)
        bias = "" if one.bias is None else f", bias {short(one.bias, plus=True)}"
        say(f"    all others {short(others, plus=True)}{bias}")
    elif isinstance(one, insight.Distance):
        contribution = float(one.squares.max())
        say(f"    largest of {one.squares.size} squares: {cell_text(cell)}, {short(contribution)}")
    elif isinstance(one, insight.Pooling):
        cells = int((~one.outside).sum())
        what = "winner" if one.reduction == "maximum" else f"{one.reduction}; largest"
        say(
            f"    {what} of {cells} cells: {cell_text(cell)}, ",
            click.style(short(cell.value), fg=INPUT),
        )
    elif isinstance(one, insight.BranchSum):
        say(f"    largest of {len(one.cells)} branches: {cell_text(cell)}, {short(cell.value)}")
    elif isinstance(one, insight.SoftmaxShare):
        say(f"    softmax of {cell_text(cell)}, ", click.style(short(cell.value), fg=INPUT))
    else:
        say(f"    {what_text(one)}, ", click.style(short(cell.value), fg=INPUT))


def print_pixels(chain: list[Explanation], x: np.ndarray, shown: np.ndarray) -> None:
    """The part of the image that the first unit sees, and the pixel at the chain's end."""
    sees, (_, height, width) = chain[0].sees, shown.shape
    unit = f"{chain[0].layer}, {place_text(chain[0].unit)}," if len(chain) > 1 else "This unit"
    if sees is None and chain[0].strongest is None:
        say_wrapped(f"{unit} sees nothing: it is 0 whatever the image.")
    elif sees is None:
        say_wrapped(
            "The pixels that this unit sees are not the same box for every unit of the layer."
        )
    elif sees == (0, 0, height, width):
        say_wrapped(f"{unit} sees the whole image, {height} × {width} pixels.")
    else:
        top, left, bottom, right = sees
        inside = f"rows {max(top, 0)} to {min(bottom, height) - 1}"
        inside += f", columns {max(left, 0)} to {min(right, width) - 1}"
        padding = (
            " with padding" if (min(top, left) < 0 or bottom > height or right > width) else ""
        )
        say_wrapped(
            f"{unit} sees {bottom - top} × {right - left} pixels{padding}: {inside} of the image"
        )
        _print_bytes(shown[:, max(top, 0) : bottom, max(left, 0) : right])
    cell = chain[-1].strongest
    if cell is not None and cell.layer is None:
        channel, row, column = cell.place
        colour = f", {COLOURS[channel]}" if len(shown) == 3 else ""
        say(
            "↓ " if len(chain) > 1 else "strongest: ",
            click.style(f"pixel row {row}, column {column}{colour}", fg=INPUT, bold=True),
            f": byte {shown[channel, row, column]},"
            f" {value_text(x[channel, row, column])} for the network",
        )


def _print_bytes(part: np.ndarray) -> None:
    """Pixels (C, H, W) as their bytes where they fit in a line, else as shades."""
    channels, height, width = part.shape
    if channels == 1 and 4 * width + 2 <= WIDTH:
        for row in part[0]:
            say("  ", click.style("".join(f"{byte:4}" for byte in row), fg=INPUT))
        return
    if 2 * width + 2 > WIDTH or not height:
        return
    for row in part.mean(axis=0):
        say("  ", "".join(" ░▒▓█"[min(int(byte / 51.2), 4)] * 2 for byte in row).rstrip())
