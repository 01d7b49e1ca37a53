"""How classes are distinguished in a plane: each by a colour and an outline, with a key to both."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from numpy.typing import NDArray

from convlab.viz.canvas import LINE, Canvas
from convlab.viz.lettering import lettering

_TURN = np.linspace(0, 2 * np.pi, 40, endpoint=False)
CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)


def _regular(corners: int, turn: float, reach: float) -> NDArray:
    """A regular polygon (corners, 2) around 0; ``turn`` in quarters, y downwards."""
    angles = 2 * np.pi * np.arange(corners) / corners + turn * np.pi / 2
    return reach * np.stack([np.cos(angles), np.sin(angles)], axis=1)


# Each with about the same area.
_SHAPES = (
    CIRCLE,
    _regular(4, 0.5, 1.27),
    _regular(3, -1, 1.5),
    _regular(4, 0, 1.35),
    _regular(3, 1, 1.5),
    _regular(10, -1, 1.5) * np.tile([1, 0.5], 5)[:, None],  # a star
)


class ClassMarks:
    """A mark for each class: its name if all have one or two letters, or else a shape.

    Colour and shape are unique among 24 classes, after which they repeat.
    """

    def __init__(self, canvas: Canvas, classes: Sequence[str], radius: float) -> None:
        theme = canvas.theme
        hues = (theme.input, theme.window, theme.output, theme.quiet)
        self.canvas, self.classes = canvas, classes
        self.colours = [hues[number % len(hues)] for number in range(len(classes))]
        self.written = all(len(name) <= 2 for name in classes)
        shapes = [_SHAPES[label // len(hues) % len(_SHAPES)] for label in range(len(classes))]
        self.outlines = radius * (_written(classes) if self.written else _equally_many(shapes))

    def draw(self, at: NDArray, labels: NDArray) -> None:
        """The marks of classes (n,) at pixels (n, 2)."""
        fill = [self.colours[label] for label in labels]
        self.canvas.polygons(at[:, None] + self.outlines[labels], fill=fill)


class ClassKey:
    """What belongs to each class: its mark, and how many images and mistakes, (classes,) each.

    ``width`` is its width including the space before it, 0 if a canvas is too narrow for it.
    """

    def __init__(self, marks: ClassMarks, images: NDArray, wrong: NDArray) -> None:
        self.marks, canvas, small = marks, marks.canvas, marks.canvas.size.small
        self.numbers = [[f"{count:,}" for count in counts] for counts in (images, wrong)]
        self.name = min(canvas.widest(["class", *marks.classes], small), 9 * small)
        self.widths = [
            canvas.widest([head, *texts], small)
            for head, texts in zip(("images", "wrong"), self.numbers, strict=True)
        ]
        needed = self.name + sum(self.widths) + 20 * canvas.unit + 3 * 1.2 * small
        self.width = needed if needed < 0.26 * canvas.inner_width else 0.0

    def draw(self, bottom: float) -> None:
        """At the canvas's right, from its top down to ``bottom``; the last classes are counted."""
        if not self.width:
            return
        marks, canvas, small = self.marks, self.marks.canvas, self.marks.canvas.size.small
        theme, classes, right = canvas.theme, marks.classes, canvas.right
        step = small * LINE * 1.15
        images = right - self.widths[1] - 1.2 * small
        left = images - self.widths[0] - 1.2 * small - self.name
        room = math.floor((bottom - canvas.top - step) / step)
        shown = len(classes) if len(classes) <= room else room - 1
        ys = canvas.top + (np.arange(shown + 1) + 1.5) * step
        canvas.note(left, canvas.top, "class")
        canvas.note(images, canvas.top, "images", "rt")
        canvas.note(right, canvas.top, "wrong", "rt")
        if not marks.written:
            xs = np.full(shown, left - 13 * canvas.unit)
            marks.draw(np.stack([xs, ys[:-1]], axis=1), np.arange(shown))
        for label, (y, count, wrong) in enumerate(zip(ys[:-1], *self.numbers, strict=False)):
            bold, colour = marks.written, marks.colours[label] if marks.written else None
            name = classes[label]
            canvas.text(left, y, name, "lm", px=small, width=self.name, bold=bold, colour=colour)
            canvas.text(images, y, count, "rm", px=small)
            ink = theme.quiet if wrong == "0" else theme.mistake
            canvas.text(right, y, wrong, "rm", px=small, colour=ink)
        if shown < len(classes):
            canvas.note(left, ys[-1], f"+{len(classes) - shown} classes", "lm")


def _written(names: Sequence[str]) -> NDArray:
    """Names of one or two letters as outlines (names, corners, 2), y downwards, around 0."""
    outlines = []
    for name in names:
        text, families, bold, _ = lettering(name, bold=True)
        font = FontProperties(family=list(families), weight="bold" if bold else "normal")
        text = text.replace("$", r"\$")  # not as mathematics
        path = TextPath((0, 0), text, size=1, prop=font, usetex=False)
        rings = [np.asarray(ring) for ring in path.to_polygons()]
        # One line through all rings; holes run in the opposite direction, so they stay open.
        joined = [part for ring in rings for part in (ring, rings[0][:1])]
        outline = np.concatenate(joined) if joined else np.zeros((1, 2))
        outlines.append((outline - (outline.min(axis=0) + outline.max(axis=0)) / 2) * (1, -1))
    tallest = max(np.ptp(outline[:, 1]) for outline in outlines) or 1.0
    return 2.6 / tallest * _equally_many(outlines)


def _equally_many(outlines: Sequence[NDArray]) -> NDArray:
    """Outlines with the last corner repeated until all have as many as the longest."""
    most = max(map(len, outlines))
    return np.stack([np.pad(line, ((0, most - len(line)), (0, 0)), "edge") for line in outlines])
