"""How parameters grow with the image: dense layers against a convolution, on logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError
from convlab.viz.canvas import LINE, Canvas

_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_WORDS = {3: "thousand", 6: "million", 9: "billion", 12: "trillion", 15: "quadrillion"}


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
    _curves(canvas, plot, growths)
    _examples(canvas, plot, growths, examples)
    return canvas.figure


@dataclass(frozen=True)
class _Plot:
    """Pixels of the plot, the powers of ten at its borders, and the heights of its grid."""

    left: float
    top: float
    right: float
    bottom: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    grid: tuple[float, ...]

    def at_x(self, side):
        low, high = self.x_range
        return self.left + (np.log10(side) - low) / (high - low) * (self.right - self.left)

    def at_y(self, count):
        low, high = self.y_range
        return self.bottom - (np.log10(count) - low) / (high - low) * (self.bottom - self.top)


def _power_text(power: int) -> str:
    """A power of ten in words: 100, 10 thousand, 1 million."""
    if power < 3:
        return str(10**power)
    group = min(power - power % 3, max(_WORDS))
    return f"{10 ** (power - group):,} {_WORDS[group]}"


def _label_width(canvas: Canvas, growths: Sequence[Growth]) -> float:
    names = canvas.widest((g.name for g in growths), canvas.size.small, bold=True)
    return max(names, canvas.widest((g.detail for g in growths), canvas.size.small))


def _axes(canvas: Canvas, growths: Sequence[Growth]) -> _Plot:
    small, unit, theme = canvas.size.small, canvas.unit, canvas.theme
    counts = np.concatenate([np.asarray(g.counts, float) for g in growths])
    sides = np.concatenate([np.asarray(g.sides, float) for g in growths])
    low, high = math.floor(np.log10(counts.min())), math.ceil(np.log10(counts.max()))
    high = max(high, low + 1)
    every = 3 if high - low > 4 else 1
    powers = [power for power in range(low, high + 1) if power % every == 0]
    texts = [_power_text(power) for power in powers]
    if canvas.widest(texts, small) > 0.12 * canvas.inner_width:
        texts = [f"10{str(power).translate(_SUPERSCRIPT)}" for power in powers]
    left = canvas.left + canvas.widest(texts, small) + 10 * unit
    right = canvas.right - _label_width(canvas, growths) - 46 * unit
    top = canvas.top + small * LINE * 1.5
    bottom = canvas.bottom - small * LINE * 1.3
    x_range = (float(np.log10(sides.min())), float(np.log10(sides.max())))
    grid = tuple(bottom - (power - low) / (high - low) * (bottom - top) for power in powers)
    plot = _Plot(left, top, right, bottom, x_range, (low, high), grid)
    canvas.text(canvas.left, canvas.top, "parameters", px=small, bold=True)
    for y, text in zip(grid, texts, strict=True):
        canvas.line([left, right], [y, y], theme.hairline)
        canvas.note(left - 10 * unit, y, text, "rm")
    name = "side in pixels"
    y = bottom + 0.4 * small
    name_width = canvas.measure(name, small)
    canvas.text(canvas.right, y, name, "rt", px=small)
    end = -math.inf
    for side in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000):
        x, text = plot.at_x(side), f"{side:,}"
        half = canvas.measure(text, small) / 2
        room = x - half > end and x + half < canvas.right - name_width - small
        if sides.min() <= side <= sides.max() and room:
            canvas.line([x, x], [bottom, bottom - 8 * unit], theme.quiet)
            canvas.note(x, y, text, "mt")
            end = x + half + 0.8 * small
    return plot


def _colour(canvas: Canvas, dense: bool) -> str:
    return canvas.theme.input if dense else canvas.theme.window


def _curves(canvas: Canvas, plot: _Plot, growths: Sequence[Growth]) -> None:
    small, unit = canvas.size.small, canvas.unit
    height = 2 * small * LINE
    ends = []
    for growth in growths:
        colour = _colour(canvas, growth.dense)
        xs, ys = plot.at_x(np.asarray(growth.sides)), plot.at_y(np.asarray(growth.counts, float))
        canvas.line(xs, ys, colour, stroke=0.6 * canvas.size.thick)
        ends.append((float(ys[-1]), float(xs[-1]), growth))
    ends.sort(key=lambda end: end[0])
    middles = _spread([y for y, _, _ in ends], height * 1.1, plot.top, plot.bottom)
    x = plot.right + 46 * unit
    for middle, (y, end_x, growth) in zip(middles, ends, strict=True):
        colour = _colour(canvas, growth.dense)
        canvas.line([end_x, x - 8 * unit], [y, middle], colour, stroke=canvas.size.hair)
        canvas.text(x, middle - height / 2, growth.name, px=small, colour=colour, bold=True)
        canvas.text(x, middle - height / 2 + small * LINE, growth.detail, px=small)


def _spread(wished: Sequence[float], step: float, top: float, bottom: float) -> list[float]:
    """Sorted heights, each at least ``step`` below the one before, inside top and bottom."""
    placed: list[float] = []
    for y in wished:
        placed.append(max(y, top + step / 2, placed[-1] + step if placed else -math.inf))
    limit = bottom - step / 2
    for index in reversed(range(len(placed))):
        placed[index] = min(placed[index], limit)
        limit = placed[index] - step
    return placed


# --- examples -------------------------------------------------------------------------------


def _examples(
    canvas: Canvas, plot: _Plot, growths: Sequence[Growth], examples: Sequence[Example]
) -> None:
    small, theme = canvas.size.small, canvas.theme
    along = np.linspace(plot.left, plot.right, 800)
    lines = []  # height of each line at every x of ``along``
    for growth in growths:
        xs, ys = plot.at_x(np.asarray(growth.sides)), plot.at_y(np.asarray(growth.counts, float))
        lines.append(np.interp(along, xs, ys, left=np.nan, right=np.nan))
    dots = [(float(plot.at_x(e.side)), float(plot.at_y(float(e.count)))) for e in examples]
    places = None
    for form in range(max((len(e.texts) for e in examples), default=0)):
        # All in the same form: the longest for which there is room.
        texts = [(f"{e.count:,}", e.texts[min(form, len(e.texts) - 1)]) for e in examples]
        places = _place_all(canvas, plot, np.array(lines), along, dots, texts)
        if places is not None:
            break
    if places is None and examples:
        # Better on a line than not at all.
        places = _place_all(canvas, plot, np.full((1, 800), np.nan), along, dots, texts)
    if places is None:
        if examples:
            raise ShapeError("parameters: expected a larger picture for texts as long as these")
        return
    for (x, y), box in zip(dots, places, strict=True):
        end = _nearest((x, y), box)
        if math.dist(end, (x, y)) > 0.8 * small:
            canvas.line([x, end[0]], [y, end[1]], theme.quiet)
    for example, (x, y), box, (number, text) in zip(examples, dots, places, texts, strict=True):
        canvas.dot(x, y, _colour(canvas, example.dense), 2.4 * canvas.size.thick)
        canvas.text(box[0], box[1], number, px=small, bold=True)
        if text:
            canvas.text(box[0], box[1] + small * LINE, text, px=small)


Box = tuple[float, float, float, float]  # left, top, right, bottom


def _nearest(dot: tuple[float, float], box: Box) -> tuple[float, float]:
    return min(max(dot[0], box[0]), box[2]), min(max(dot[1], box[1]), box[3])


def _place_all(
    canvas: Canvas,
    plot: _Plot,
    lines: NDArray,
    along: NDArray,
    dots: Sequence[tuple[float, float]],
    texts: Sequence[tuple[str, str]],
) -> list[Box] | None:
    """A box for each pair of texts, beside its dot; None where one of them finds no place."""
    small = canvas.size.small
    radius = 1.4 * canvas.size.thick
    taken = [(x - radius, y - radius, x + radius, y + radius) for x, y in dots]
    boxes: list[Box] = []
    for index, (dot, (number, text)) in enumerate(zip(dots, texts, strict=True)):
        width = max(canvas.measure(number, small, bold=True), canvas.measure(text, small))
        extent = (width, (2 if text else 1) * small * LINE)
        others = np.array(taken[:index] + taken[index + 1 :]).reshape(-1, 4)
        box = _place(dot, extent, plot, (along, lines), others, small)
        if box is None:
            return None
        boxes.append(box)
        leader = np.linspace(dot, _nearest(dot, box), 30)
        taken += [box, *((x, y, x, y) for x, y in leader.tolist())]
    return boxes


def _place(
    dot: tuple[float, float],
    extent: tuple[float, float],
    plot: _Plot,
    curves: tuple[NDArray, NDArray],
    taken: NDArray,
    small: float,
) -> Box | None:
    """The best box beside a dot that lies on no line and on nothing that is taken, if any.

    Near is good; a line of the grid behind the text and a leader across a curve are bad.
    """
    best, least = None, math.inf
    pad = 0.35 * small
    along, lines = curves
    for away in 0.5 * small * np.arange(1, 40):
        for angle in np.linspace(0, 2 * np.pi, 24, endpoint=False):
            # The box's border, not its middle, is ``away`` from the dot.
            x = dot[0] + math.cos(angle) * (away + extent[0] / 2)
            y = dot[1] + math.sin(angle) * (away + extent[1] / 2)
            box = (x - extent[0] / 2, y - extent[1] / 2, x + extent[0] / 2, y + extent[1] / 2)
            if (
                box[0] < plot.left
                or box[1] < plot.top
                or box[2] > plot.right
                or box[3] > plot.bottom
                or _covers(box, taken, pad)
            ):
                continue
            under = lines[:, (along > box[0] - pad) & (along < box[2] + pad)]
            if ((under > box[1] - pad) & (under < box[3] + pad)).any():
                continue
            end = _nearest(dot, box)
            leader = np.linspace(dot, end, 30)[3:]  # not at the dot, which lies on a curve
            if any(_covers((x, y, x, y), taken, 0) for x, y in leader):
                continue
            above = leader[:, 1] < np.array([np.interp(leader[:, 0], along, y) for y in lines])
            crossed = np.count_nonzero(above[:, 1:] != above[:, :-1])
            behind = sum(box[1] < y < box[3] for y in plot.grid)
            cost = math.dist(dot, end) + small * (2 * behind + 5 * crossed)
            if cost < least:
                best, least = box, cost
    return best


def _covers(box: Box, taken: NDArray, pad: float) -> bool:
    """Whether a box comes closer than ``pad`` to one of the boxes taken (n, 4)."""
    left, top, right, bottom = taken.T
    meets = (box[0] < right + pad) & (left < box[2] + pad)
    return bool((meets & (box[1] < bottom + pad) & (top < box[3] + pad)).any())
