"""How parameters grow with the image: dense layers against a convolution, on logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError
from convlab.numerals import power_of_ten
from convlab.viz.axes import Axis, apart, logarithmic_ticks
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.labels import LabelledPlot, Place
from convlab.viz.style import Theme

_GAP = 46  # slide pixels from the plot to the names of its lines


@dataclass(frozen=True)
class Growth:
    """The parameters of one layer for images of several sides.

    ``name`` and ``detail`` stand at the line's end; sides (n,) in pixels and
    counts (n,), both above 0; ``dense`` tells a dense layer from a convolution.
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
    growths: Sequence[Growth],
    examples: Sequence[Example] = (),
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """A line for each layer over the side of a square image, both axes logarithmic.

    Raises ShapeError for no lines, or for sides and counts that are not as long
    or not above 0, or for more examples than there is room for; SpecError for an
    unknown theme or size.
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
    canvas = Canvas(size, theme, aspect=1.0)
    canvas.headline(title, subtitle, canvas.theme.ink)
    plot = _axes(canvas, growths)
    _curves(plot, growths)
    _examples(plot, examples)
    return canvas.figure


def _colour(theme: Theme, line: Growth | Example) -> str:
    return theme.input if line.dense else theme.window


def _axes(canvas: Canvas, growths: Sequence[Growth]) -> LabelledPlot:
    """The axes of all lines, with room to the right for what each is."""
    small, unit = canvas.size.small, canvas.unit
    counts = [count for growth in growths for count in growth.counts]
    sides = [side for growth in growths for side in growth.sides]
    low, high = math.floor(math.log10(min(counts))), math.ceil(math.log10(max(counts)))
    high = max(high, low + 1)
    every = 3 if high - low > 4 else 1
    powers = [power for power in range(low, high + 1) if power % every == 0]
    texts = [power_of_ten(power, in_words=True) for power in powers]
    if canvas.widest(texts, small) > 0.12 * canvas.inner_width:
        texts = [power_of_ten(power) for power in powers]
    canvas.text(canvas.left, canvas.top, "parameters", px=small, bold=True)
    names = canvas.widest((growth.name for growth in growths), small, bold=True)
    details = canvas.widest((growth.detail for growth in growths), small)
    right = canvas.right - max(names, details) - _GAP * unit
    top, bottom = canvas.top + 1.5 * LINE * small, canvas.bottom - 1.3 * LINE * small
    plot = LabelledPlot(
        canvas,
        (canvas.left, top, right, bottom),
        Axis(10.0**low, 10.0**high, bottom, top, logarithmic=True),
        {10.0**power: text for power, text in zip(powers, texts, strict=True)},
        (min(sides), max(sides)),
    )
    name = "side in pixels"
    canvas.text(canvas.right, bottom + 0.4 * small, name, "rt", px=small)
    end = canvas.right - canvas.measure(name, small) - small
    for side in logarithmic_ticks(plot.x, lambda t: canvas.measure(f"{t:,.0f}", small) + small):
        text = f"{side:,.0f}"
        if plot.x.at(side) + canvas.measure(text, small) / 2 < end:
            plot.tick(side, text)
    return plot


def _curves(plot: LabelledPlot, growths: Sequence[Growth]) -> None:
    """The lines, and to the right of them their names."""
    canvas, small, unit = plot.canvas, plot.small, plot.canvas.unit
    ends = []
    for growth in growths:
        colour = _colour(canvas.theme, growth)
        ends.append((*plot.curve(growth.sides, growth.counts, colour)[-1], growth))
    ends.sort(key=lambda end: end[1])
    _, top, right, bottom = plot.area
    step = 2.2 * LINE * small
    middles = apart([y for _, y, _ in ends], step, top + step / 2, bottom - step / 2)
    left = right + _GAP * unit
    for middle, (x, y, growth) in zip(middles, ends, strict=True):
        colour = _colour(canvas.theme, growth)
        canvas.line([x, left - 8 * unit], [y, middle], colour)
        top = middle - LINE * small
        canvas.text(left, top, growth.name, px=small, colour=colour, bold=True)
        canvas.text(left, top + LINE * small, growth.detail, px=small)


def _examples(plot: LabelledPlot, examples: Sequence[Example]) -> None:
    """The marks of all examples, each with its number and its text, all in the same form."""
    if not examples:
        return
    canvas, small = plot.canvas, plot.small
    points = plot.points([e.side for e in examples], [e.count for e in examples])
    for point in points:
        plot.mark(point)
    forms = [
        [(f"{e.count:,}", e.texts[min(form, len(e.texts) - 1)]) for e in examples]
        for form in range(max(len(e.texts) for e in examples))
    ]
    # The longest for which there is room; better on a line than not at all.
    for texts, lines in [*((form, plot.lines) for form in forms), (forms[-1], [])]:
        plot.lines = lines
        if places := _places(plot, points, texts):
            break
    else:
        raise ShapeError("parameters: expected a larger picture for texts as long as these")
    for place in places:
        plot.tie(place)
    for example, point, place, lines_of in zip(examples, points, places, texts, strict=True):
        canvas.dot(*point, _colour(canvas.theme, example), 2.4 * canvas.size.thick)
        left, top, _, _ = place.box
        canvas.text(left, top, lines_of[0], px=small, bold=True)
        canvas.text(left, top + LINE * small, lines_of[1], px=small)


def _places(
    plot: LabelledPlot, points: Sequence[tuple[float, float]], texts: Sequence[tuple[str, str]]
) -> list[Place]:
    """Free places for pairs of texts, each beside its point; none where one finds no place."""
    free, places = plot.taken.copy(), []
    for point, (number, text) in zip(points, texts, strict=True):
        width = max(
            plot.canvas.measure(number, plot.small, bold=True),
            plot.canvas.measure(text, plot.small),
        )
        place = plot.find(point, [(width, (2 if text else 1) * LINE * plot.small)], far=True)
        if place is None:
            plot.taken = free
            return []
        places.append(place)
    return places
