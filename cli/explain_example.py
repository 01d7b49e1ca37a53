"""``convlab explain --input ...``: the whole sum behind one output value of an example."""

from __future__ import annotations

import dataclasses

import click
from convlab_cli import options
from convlab_cli.explain_text import BIAS, INPUT, OUTPUT, WIDTH, WINDOW, say

ENDS = 3  # channels that are shown before and after those left out


def explain(
    at: tuple[int, int, int], settings: dict, complete: bool, picture: options.Picture
) -> None:
    """Print the sum behind the output value ``at`` (filter, row, column), and draw it."""
    from convlab.errors import SpecError
    from convlab.lessons import convolution_example
    from convlab.shapes import size_text

    if settings["values"] == "none":
        raise SpecError("explain: expected numbers, got --values none")
    given = {name: value for name, value in settings.items() if name != "shape"}
    example = convolution_example(settings["shape"], **given)
    shown = example.picture(example.step(at))
    title, subtitle = example.words()
    say(f"{title}, {subtitle}", dim=True)
    say()
    say(
        click.style(
            f"filter {at[0]}, row {at[1]}, column {at[2]} of {size_text(*example.output.shape)}",
            fg=OUTPUT,
            bold=True,
        )
    )
    _print_window(shown, complete)
    for axis, relation in zip(("rows", "columns"), example.relations, strict=True):
        number = f"   relation {relation.number}" if relation.number else ""
        say(f"  {axis:8} {relation}{number}", dim=True)
    if not picture.wanted:
        return
    from convlab import pictures

    made = pictures.explain_example(example, at)
    picture.finish(dataclasses.replace(made, parameters={**settings, "at": at}))


def _print_window(shown, complete: bool) -> None:
    """Patch, kernel and products of each channel side by side, then what they add up to."""
    import numpy as np

    from convlab.numerals import bracketed, grain, sums

    patch = shown.patch()
    products = sums(patch * shown.kernel, grain(1, shown.stage, shown.kernel))
    grids = (
        (np.reshape(shown.inputs().marked(), shown.stage.shape)[_under(shown)], INPUT),
        (np.reshape(shown.weights().marked(), patch.shape), WINDOW),
        (np.reshape(products.marked(), patch.shape), None),
    )
    adding = shown.sums()
    count = len(patch)
    left_out = range(0) if complete or count <= 2 * ENDS else range(ENDS, count - ENDS)
    for channel in range(count):
        if channel in left_out:
            if channel == left_out[0]:
                text = shown.sum_of(left_out)
                say(f"… {len(left_out)} channels left out (--all prints them) add {text} …")
            continue
        if count > 1:
            adds = f"adds {adding[channel]}"
            say(f"channel {channel}".ljust(WIDTH - len(adds)) + adds)
        blocks = [_block(texts[channel], colour) for texts, colour in grids]
        middle = len(blocks[0]) // 2
        for row, parts in enumerate(zip(*blocks, strict=True)):
            times, equals = ("×", products.sign) if row == middle else (" ", " ")
            say(f"  {parts[0]}  {times}  {parts[1]}  {equals}  {parts[2]}")
    say()
    terms = [bracketed(product) for product in products.marked()]
    if not complete and len(terms) > 24:
        terms[8:-8] = [f"… {len(terms) - 16} more …"]
    line = f"  {' + '.join(terms)}"
    if shown.bias is not None:
        line += " + " + click.style(bracketed(shown.bias_text()), fg=BIAS)
    equals = max(products.sign, shown.equals())  # "≈" of either
    say(f"{line} {equals} ", click.style(shown.value(), fg=OUTPUT, bold=True))
    say()


def _under(shown) -> tuple:
    """The index of what lies under the window."""
    import numpy as np

    return np.ix_(range(len(shown.stage)), *shown.window)


def _block(texts, colour: str | None) -> list[str]:
    """A grid of texts (H, W) as lines of equal width."""
    width = max(map(len, texts.flat))
    return [click.style(" ".join(text.rjust(width) for text in row), fg=colour) for row in texts]
