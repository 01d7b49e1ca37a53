"""How parameters grow with the image: dense layers against a convolution, on logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError
from convlab.numerals import power_of_ten
from convlab.viz.axes import Axis, logarithmic_ticks
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.labels import LabelledPlot, labelled_plot
from convlab.viz.line_plot import Look
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.style import Theme
from convlab.words import t


@dataclass(frozen=True)
class Growth:
    """The parameters of one layer for images of several sides.

    ``name`` and ``detail`` are at the line's end; sides (n,) in pixels and counts (n,), both above
    0; ``dense`` distinguishes a dense layer from a convolution.
    """

    name: str
    detail: str
    sides: NDArray
    counts: NDArray
    dense: bool


@dataclass(frozen=True)
class Example:
    """One layer, marked on its line: the side of its image, its count, and what it is.

    ``texts`` say it, the longest first; a narrow picture takes a later one, which may be "".
    """

    side: int
    count: int
    texts: tuple[str, ...]
    dense: bool


def parameters(
    growths: Sequence[Growth], examples: Sequence[Example] = (), **page: Unpack[Page]
) -> Figure:
    """A line for each layer over the side of a square image, both axes logarithmic.

    Raises ShapeError for no lines, for sides and counts that differ in length or are not above 0,
    or for more examples than there is room for.
    """
    for growth in growths:
        if len(growth.sides) != len(growth.counts) or len(growth.sides) < 2:
            raise ShapeError(
                f"{growth.name}: expected as many sides as counts, at least 2, got"
                f" {len(growth.sides)} and {len(growth.counts)}"
            )
        if min(*growth.sides, *growth.counts) <= 0:
            raise ShapeError(f"{growth.name}: expected sides and counts above 0")
    if not growths:
        raise ShapeError("parameters: expected at least one line, got none")
    canvas = Sheet(1.0, "ink", **page)
    names = canvas.widest((growth.name for growth in growths), canvas.size.small, bold=True)
    details = canvas.widest((growth.detail for growth in growths), canvas.size.small)
    plot = _axes(canvas, growths, canvas.right - max(names, details) - 48 * canvas.unit)
    ends = []
    for growth in growths:
        sides, counts = np.asarray(growth.sides), np.asarray(growth.counts, float)
        look = Look(_colour(canvas.theme, growth))
        ends += plot.line(sides, counts, look, name=growth.name, note=growth.detail)
    plot.names(ends, max(names, details) + 0.5)
    _examples(plot, examples)
    return canvas.figure


def _colour(theme: Theme, line: Growth | Example) -> str:
    return theme.input if line.dense else theme.window


def _axes(canvas: Canvas, growths: Sequence[Growth], right: float) -> LabelledPlot:
    """The axes of all lines, from the left of the canvas to ``right``."""
    small = canvas.size.small
    counts = [count for growth in growths for count in growth.counts]
    sides = [side for growth in growths for side in growth.sides]
    low, high = math.floor(math.log10(min(counts))), math.ceil(math.log10(max(counts)))
    high = max(high, low + 1)
    every = 3 if high - low > 4 else 1
    powers = [power for power in range(low, high + 1) if power % every == 0]
    texts = [power_of_ten(power, in_words=True) for power in powers]
    if canvas.widest(texts, small) > 0.12 * canvas.inner_width:
        texts = [power_of_ten(power) for power in powers]
    canvas.text(canvas.left, canvas.top, t("parameters"), px=small, bold=True)
    top, bottom = canvas.top + 1.5 * LINE * small, canvas.bottom - 1.3 * LINE * small
    plot = labelled_plot(
        canvas,
        (canvas.left, top, right),
        Axis(10.0**low, 10.0**high, bottom, top, logarithmic=True),
        {10.0**power: text for power, text in zip(powers, texts, strict=True)},
        (min(sides), max(sides)),
    )
    name = t("side in pixels")
    canvas.text(canvas.right, bottom + 0.4 * small, name, "rt", px=small)
    end = canvas.right - canvas.measure(name, small) - small
    for side in logarithmic_ticks(plot.x, lambda t: canvas.measure(f"{t:,.0f}", small) + small):
        text = f"{side:,.0f}"
        if plot.x.at(side) + canvas.measure(text, small) / 2 < end:
            plot.tick(side, text)
    return plot


def _examples(plot: LabelledPlot, examples: Sequence[Example]) -> None:
    """The marks of all examples, each with its number and its text, all in the same form."""
    if not examples:
        return
    canvas, small = plot.canvas, plot.small
    points = plot.points([e.side for e in examples], [e.count for e in examples])
    for point in points:
        plot.mark(point)
    numbers = [f"{example.count:,}" for example in examples]
    for form in range(max(len(example.texts) for example in examples)):
        texts = [example.texts[min(form, len(example.texts) - 1)] for example in examples]
        sizes = [
            (max(canvas.measure(number, small, True), canvas.measure(text, small)), lines * small)
            for number, text in zip(numbers, texts, strict=True)
            for lines in [2 * LINE if text else LINE]
        ]
        if places := plot.find_all(points, sizes):
            break
    else:
        plot.curves.clear()  # better on a curve than not at all
        places = plot.find_all(points, sizes)
    if not places:
        raise ShapeError("parameters: expected a larger picture for texts as long as these")
    for place in places:
        plot.tie(place)
    for number, text, example, point, place in zip(
        numbers, texts, examples, points, places, strict=True
    ):
        left, top, _, _ = place.box
        canvas.dot(*point, _colour(canvas.theme, example), 2.4 * canvas.size.thick)
        canvas.text(left, top, number, px=small, bold=True)
        canvas.text(left, top + LINE * small, text, px=small)
