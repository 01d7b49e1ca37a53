"""The chain of windows behind one unit, one-dimensional: units as dots, a row a layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from convlab.errors import ShapeError
from convlab.numerals import MINUS
from convlab.viz.canvas import LINE, Canvas


@dataclass(frozen=True)
class PyramidLevel:
    """One row of a pyramid.

    ``length``: units of the map along the axis.  ``centres``: for each unit, those
    in the padding among them, where it looks in the image, in pixels.  ``reads``:
    for each unit that the top unit reads, the units of the level below that it reads.
    """

    name: str
    text: str
    length: int
    centres: Mapping[int, float]
    reads: Mapping[int, Sequence[int]]


def pyramid(
    levels: Sequence[PyramidLevel],
    *,
    span: tuple[int, int],
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """What one unit reads, level by level from the image (first, at the foot) to the unit (last).

    Dots lie where their units look; lines lead from a unit to what it reads.  Dots
    in the padding are hollow; those that are not read are pale.  span: the half-open
    pixels of the top unit's receptive field, measured below the image.  The second
    line says what the kinds of dots mean that are there.

    Raises ShapeError for fewer than two levels and for more than fit the size,
    SpecError for an unknown theme or size.
    """
    if len(levels) < 2:
        raise ShapeError(f"expected at least two levels, got {len(levels)}")
    marks = ("a dot a unit", "pale: not read", "hollow: padding")
    for _ in range(3):  # with fewer words there may be more room
        there = marks
        words = "; ".join(filter(None, [subtitle, ", ".join(marks)]))
        place = _Place(Canvas(size, theme, aspect=0.75), levels, span, title, words)
        marks = place.marks()
        if marks == there:
            break
    canvas, x, dots, heights = place.canvas, place.x, place.dots, place.heights
    small, label = canvas.size.small, canvas.size.label
    names, below, column, words = place.names, place.below, place.column, place.words
    for at in range(len(levels) - 1, 0, -1):
        _rays(canvas, levels[at], levels[at - 1], x, heights[at], heights[at - 1], dots[at - 1])
    for at, (level, y, dot) in enumerate(zip(levels, heights, dots, strict=True)):
        colour = canvas.theme.input if at == 0 else canvas.theme.window
        if at == len(levels) - 1:
            colour = canvas.theme.output
        _dots(canvas, level, x, y, dot, colour, (canvas.left + column + label, canvas.right))
        name, note = names[at]
        head = {"colour": colour, "bold": True}
        if below:
            canvas.text(canvas.left, y, name, "lb", width=column, **head)
            if canvas.measure(note, small) > column:
                note = _count(level)
            canvas.note(canvas.left, y + 0.15 * small, note, width=column)
        else:
            canvas.text(canvas.left, y, name, "lm", width=words, **head)
            place, width = canvas.left + words + label, column - words - label
            if canvas.measure(note, small) > width:
                note = _count(level)
            canvas.note(place, y, note, "lm", width=width)
    start, end = span
    _measure(canvas, x(start - 0.5), x(end - 0.5), heights[0] + max(dots[0], 0.25 * small), span)
    return canvas.figure


class _Place:
    """Where everything stands, under a headline."""

    def __init__(
        self,
        canvas: Canvas,
        levels: Sequence[PyramidLevel],
        span: tuple[int, int],
        title: str,
        subtitle: str,
    ) -> None:
        self.canvas, self.levels = canvas, levels
        small, label = canvas.size.small, canvas.size.label
        canvas.headline(title, subtitle, canvas.theme.window)
        foot = 2 * small * LINE
        step = (canvas.bottom - foot - canvas.top - 0.5 * label) / (len(levels) - 0.5)
        if step < 1.3 * small:
            most = int((canvas.bottom - foot - canvas.top - 0.5 * label) / (1.3 * small) + 0.5)
            raise ShapeError(
                f"pyramid: expected at most {most} levels at this size, got {len(levels)}; choose"
                " a layer nearer to the image"
            )
        self.names = [_words(level) for level in levels]
        self.below = step >= (label + small) * LINE + 0.3 * small
        texts = canvas.widest([note for _, note in self.names], small)
        words = canvas.widest([name for name, _ in self.names], label, bold=True)
        self.words = min(words, 0.25 * canvas.inner_width)
        column = max(self.words, texts) if self.below else self.words + label + texts
        self.column = min(column, 0.42 * canvas.inner_width)
        reach = [c for level in levels for u, c in level.centres.items() if u in level.reads]
        low, high = min(span[0], *reach) - 0.5, max(span[1], *reach) + 0.5
        margin = max(1.0, 0.06 * (high - low))
        self.low, self.high = low - margin, high + margin
        self.left = canvas.left + self.column + 2 * label
        self.pixel = (canvas.right - self.left) / (self.high - self.low)
        self.heights = [canvas.bottom - foot - (at + 0.25) * step for at in range(len(levels))]
        self.dots = [_diameter(canvas, level, self.pixel, step) for level in levels]

    def x(self, place: float) -> float:
        return self.left + (place + 0.5 - self.low) * self.pixel

    def marks(self) -> tuple[str, ...]:
        """What the kinds of dots mean that there are."""
        pale = hollow = False
        for level, dot in zip(self.levels, self.dots, strict=True):
            for unit, centre in level.centres.items() if dot else ():
                inside = 0 <= unit < level.length
                hollow = hollow or (unit in level.reads and not inside)
                shown = self.low < centre < self.high - 1
                pale = pale or (unit not in level.reads and inside and shown)
        meanings = {
            "a dot a unit": any(self.dots),
            "pale: not read": pale,
            "hollow: padding": hollow,
        }
        return tuple(text for text, there in meanings.items() if there)


def _words(level: PyramidLevel) -> tuple[str, str]:
    return level.name, f"{level.text} · {_count(level)}" if level.text else _count(level)


def _count(level: PyramidLevel) -> str:
    return f"{sum(0 <= unit < level.length for unit in level.reads)} of {level.length}"


def _diameter(canvas: Canvas, level: PyramidLevel, pixel: float, step: float) -> float:
    """As large as half the distance of two dots; 0 where they would run into each other."""
    places = sorted(set(level.centres.values()))
    nearest = float(np.diff(places).min()) if len(places) > 1 else np.inf
    diameter = min(0.55 * nearest * pixel, 16 * canvas.unit, 0.4 * step)
    return diameter if diameter >= 2.5 * canvas.unit else 0.0


def _rays(canvas: Canvas, above: PyramidLevel, below: PyramidLevel, x, top, foot, dot) -> None:
    """The cone from all units above to all that they read, and a line for each pair."""
    theme = canvas.theme
    pairs = [
        (x(above.centres[unit]), x(below.centres[read]))
        for unit, reads in above.reads.items()
        for read in reads
    ]
    uppers, lowers = zip(*pairs, strict=True)
    cone = [
        (min(uppers), top),
        (max(uppers), top),
        (max(lowers), foot),
        (min(lowers), foot),
    ]
    canvas.polygons(np.array([cone]), fill=theme.window_fill)
    if dot and len(pairs) <= 2000:
        canvas.strokes([((up, top), (low, foot)) for up, low in pairs], theme.window)
    else:
        canvas.strokes([(cone[0], cone[3]), (cone[1], cone[2])], theme.window)


def _dots(canvas: Canvas, level: PyramidLevel, x, y, dot, colour, limits) -> None:
    places = {unit: x(centre) for unit, centre in level.centres.items()}
    shown = {unit: at for unit, at in places.items() if limits[0] + dot <= at <= limits[1] - dot}
    if not dot:
        rest = [at for unit, at in shown.items() if 0 <= unit < level.length]
        read = [
            at for unit, at in shown.items() if unit in level.reads and 0 <= unit < level.length
        ]
        canvas.line([min(rest), max(rest)], [y, y], canvas.theme.hairline, stroke=canvas.size.thick)
        canvas.line([min(read), max(read)], [y, y], colour, stroke=canvas.size.thick)
        return
    for unit, at in shown.items():
        if unit in level.reads:
            padding = not 0 <= unit < level.length
            canvas.dot(at, y, canvas.theme.quiet if padding else colour, dot, hollow=padding)
        elif 0 <= unit < level.length:
            canvas.dot(at, y, canvas.theme.hairline, dot)


def _measure(canvas: Canvas, left: float, right: float, y: float, span: tuple[int, int]) -> None:
    """The receptive field's length, as a dimension line below the image."""
    colour, tick = canvas.theme.window, 0.3 * canvas.size.small
    y += tick
    canvas.strokes(
        [((left, y), (right, y)), ((left, y - tick), (left, y + tick))]
        + [((right, y - tick), (right, y + tick))],
        colour,
    )
    first, last = (str(edge).replace("-", MINUS) for edge in (span[0], span[1] - 1))
    text = f"receptive field {span[1] - span[0]} pixels, {first} to {last}"
    half = canvas.measure(text, canvas.size.small) / 2
    middle = min(max((left + right) / 2, canvas.left + half), canvas.right - half)
    canvas.text(middle, y + 1.5 * tick, text, "mt", px=canvas.size.small, colour=colour)
