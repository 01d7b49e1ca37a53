"""Many images as marks in a plane, one kind of mark a class, the mistakes ringed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.lettering import lettering

_TURN = np.linspace(0, 2 * np.pi, 40, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)
_MOST_IMAGES = 300  # a canvas has no room for more
_MOST_NAMED = 16  # mistakes; more names than these hide the points


def _regular(corners: int, turn: float, reach: float) -> NDArray:
    """A regular polygon (corners, 2) around 0; ``turn`` in quarters, y downwards."""
    angles = 2 * np.pi * np.arange(corners) / corners + turn * np.pi / 2
    return reach * np.stack([np.cos(angles), np.sin(angles)], axis=1)


# Of about the same area each.
_SHAPES = (
    _CIRCLE,
    _regular(4, 0.5, 1.27),
    _regular(3, -1, 1.5),
    _regular(4, 0, 1.35),
    _regular(3, 1, 1.5),
    _regular(10, -1, 1.5) * np.tile([1, 0.5], 5)[:, None],  # a star
)


def embedding(
    points: ArrayLike,
    labels: ArrayLike,
    answers: ArrayLike,
    classes: Sequence[str],
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
    images: ArrayLike | None = None,
    ink: bool = False,
    axes: tuple[str, str] | None = None,
) -> Figure:
    """Points (N, 2) of images, each marked by its class, whose name stands at their middle.

    A mark is the class's name where all names have one or two letters, or else a shape; one
    colour and shape belong to one of 24 classes, after which they come again.
    labels, answers: (N,) the true class and the network's answer, indices into ``classes``; where
    they differ the point is ringed in the mistake's colour and, where these are few and there
    is room, named "true → answer".  images: (N, 1 or 3, H, W) bytes, drawn where they cover no
    other point; ``ink`` says that they are bright drawings on black, to be drawn in the colour
    of their class.
    axes: what the two directions are; None where they have no meaning.  Both directions have
    one scale.

    Raises ShapeError for arrays that do not fit each other and points that are not finite,
    SpecError for an unknown theme or size.
    """
    points = np.asarray(points, dtype=float)
    labels, answers = np.asarray(labels), np.asarray(answers)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ShapeError(f"expected points (N, 2), got {points.shape}")
    if not np.isfinite(points).all():
        raise ShapeError("expected finite points, got some that are not")
    for name, array in (("labels", labels), ("answers", answers)):
        if array.shape != (len(points),) or not 0 <= array.min() <= array.max() < len(classes):
            raise ShapeError(
                f"expected {name} ({len(points)},) from 0 to {len(classes) - 1}, got {array.shape}"
                f" from {array.min()} to {array.max()}"
            )
    if images is not None and len(images) != len(points):
        raise ShapeError(f"expected {len(points)} images, got {len(images)}")
    canvas = Canvas(size, theme, aspect=0.85)
    canvas.headline(title, subtitle, canvas.theme.output)
    _Plane(canvas, points, labels, answers, list(classes), images, ink, axes).draw()
    return canvas.figure


class _Taken:
    """Boxes (left, top, right, bottom) that nothing else may touch."""

    def __init__(self) -> None:
        self.boxes = np.zeros((0, 4))

    def free(self, left: float, top: float, right: float, bottom: float) -> bool:
        x0, y0, x1, y1 = self.boxes.T
        return not ((x0 < right) & (left < x1) & (y0 < bottom) & (top < y1)).any()

    def add(self, *box: float) -> None:
        self.boxes = np.vstack([self.boxes, box])


class _Plane:
    """The points on their canvas."""

    def __init__(
        self,
        canvas: Canvas,
        points: NDArray,
        labels: NDArray,
        answers: NDArray,
        classes: list[str],
        images: ArrayLike | None,
        ink: bool,
        axes: tuple[str, str] | None,
    ) -> None:
        self.canvas, self.labels, self.answers = canvas, labels, answers
        self.classes, self.images, self.ink, self.axes = classes, images, ink, axes
        theme = canvas.theme
        hues = (theme.input, theme.window, theme.output, theme.quiet)
        self.colours = [hues[number % len(hues)] for number in range(len(classes))]
        self.written = all(len(name) <= 2 for name in classes)
        self.marks = _written(classes) if self.written else _shapes(len(classes), len(hues))
        self.wrong = np.flatnonzero(labels != answers)
        self.small, self.unit = canvas.size.small, canvas.unit
        self.radius = (5.5 if len(points) <= 1500 else 3.5) * self.unit
        self.right = canvas.right - self._key_width()
        # Few images are shown larger.
        side = math.sqrt(0.1 * (self.right - canvas.left) * canvas.inner_height / len(points))
        self.tile = min(max(side, 26 * self.unit), 64 * self.unit)
        # Below the points: what the axis is, and what a ring is.
        self.bottom = canvas.bottom - self.small * LINE * (2 if axes else 1) - 0.5 * self.small
        self.left = canvas.left + (1.5 * self.small + 0.25 * self.tile if axes else 0.0)
        self.taken = _Taken()
        self._place(points)
        self.beside = max(
            self.x.min() - 0.75 * self.tile - self.small, canvas.left + self.small / 2
        )
        if axes:
            middle = (canvas.top + self.bottom) / 2
            long = min(canvas.measure(axes[1], self.small), self.bottom - canvas.top) / 2
            wide = 0.75 * self.small
            self.taken.add(self.beside - wide, middle - long, self.beside + wide, middle + long)

    def _place(self, points: NDArray) -> None:
        """The points in pixels, with room for a picture at each border."""
        width = self.right - self.left - self.tile - 2 * self.unit
        height = self.bottom - self.canvas.top - self.tile - 2 * self.unit
        low, high = points.min(axis=0), points.max(axis=0)
        span = high - low
        scale = min(width / (span[0] or 1e-300), height / (span[1] or 1e-300))
        if not span.any():
            scale = 1.0
        middle = (low + high) / 2
        self.x = (self.left + self.right) / 2 + (points[:, 0] - middle[0]) * scale
        self.y = (self.canvas.top + self.bottom) / 2 - (points[:, 1] - middle[1]) * scale

    def draw(self) -> None:
        self._key()
        centres = self._centres()
        shown = self._images()
        dots = np.setdiff1d(np.arange(len(self.x)), shown)
        # Mistakes last, so that no other point hides one.
        dots = np.concatenate([np.setdiff1d(dots, self.wrong), np.intersect1d(dots, self.wrong)])
        if len(dots):
            self._mark(self.x[dots], self.y[dots], self.labels[dots])
        for index in shown:
            self._image(index)
        self._rings(set(shown))
        for text, left, top, width, height, label in centres:
            self.canvas.box(
                left,
                top,
                width,
                height,
                edge=self.colours[label],
                fill=self.canvas.theme.ground,
                stroke=2 * self.unit,
            )
            self.canvas.text(
                left + width / 2, top + height / 2, text, "mm", px=self.small, bold=True
            )
        named = self._names(set(shown))
        self._foot(named, len(centres))

    def _mark(self, x: ArrayLike, y: ArrayLike, labels: NDArray) -> None:
        at = np.stack([x, y], axis=1)
        self.canvas.polygons(
            at[:, None] + self.radius * self.marks[labels],
            fill=[self.colours[label] for label in labels],
        )

    # Texts at the points --------------------------------------------------------------------

    def _centres(self) -> list[tuple[str, float, float, float, float, int]]:
        """Each class's name at the middle of its points.

        Moved aside where another stands, and where it would cover more than a fifth of them or
        a mistake.
        """
        canvas, small = self.canvas, self.small
        found = []
        counts = np.bincount(self.labels, minlength=len(self.classes))
        # The largest classes first: theirs are the names that must be there.
        for label in np.argsort(-counts, kind="stable"):
            # A name beside one or two marks that are that name already says nothing.
            if counts[label] < (3 if self.written else 1):
                break
            text, _ = canvas.fit(self.classes[label], 9 * small, small, small, bold=True)
            width = canvas.measure(text, small, bold=True) + 0.8 * small
            height = 1.5 * small
            own = self.labels == label
            x, y = np.median(self.x[own]), np.median(self.y[own])
            place = None
            for turn in range(25):
                # A spiral: the place itself, then 8 places around it, farther and farther.
                reach = math.ceil(turn / 8)
                left = x + reach * 0.8 * width * math.cos(turn * math.pi / 4) - width / 2
                top = y + reach * 1.3 * height * math.sin(turn * math.pi / 4) - height / 2
                left = min(max(left, self.left), self.right - width)
                top = min(max(top, canvas.top), self.bottom - height)
                if not self.taken.free(left, top, left + width, top + height):
                    continue
                place = place or (left, top)
                covered = (np.abs(self.x - left - width / 2) < width / 2) & (
                    np.abs(self.y - top - height / 2) < height / 2
                )
                if covered.sum() <= 0.2 * counts[label] and not covered[self.wrong].any():
                    place = left, top
                    break
            if place is not None:
                left, top = place
                self.taken.add(left, top, left + width, top + height)
                found.append((text, left, top, width, height, int(label)))
        return found

    def _names(self, shown: set[int]) -> int:
        """Name the mistakes that have room near them, over no other point; returns how many."""
        canvas, small, mistake = self.canvas, self.small, self.canvas.theme.mistake
        named = 0
        if len(self.wrong) > _MOST_NAMED:
            return named
        reaches = {index: self._reach(index, shown) + 3 * self.unit for index in self.wrong}
        for index, reach in reaches.items():
            x, y = self.x[index], self.y[index]
            self.taken.add(x - reach, y - reach, x + reach, y + reach)
        for index, reach in reaches.items():
            true, answer = self.classes[self.labels[index]], self.classes[self.answers[index]]
            true, answer = (canvas.fit(name, 7 * small, small, small)[0] for name in (true, answer))
            text = f"{true} {style.ARROW} {answer}"
            width, height = canvas.measure(text, small), 1.35 * small
            x, y = self.x[index], self.y[index]
            # Beside the ring, then above and below it, then farther off with a line to it.
            for turn in range(16):
                away = reach + self.unit + turn // 8 * 2.2 * small
                across = (1, -1, 0, 0, 1, -1, 1, -1)[turn % 8]
                down = (0, 0, -1, 1, -1, -1, 1, 1)[turn % 8]
                left = x + across * away + (across - 1) * width / 2
                top = y + down * (away + height / 2) - height / 2
                right, bottom = left + width, top + height
                inside = (
                    left >= self.left
                    and right <= self.right
                    and top >= canvas.top
                    and bottom <= self.bottom
                )
                covered = (
                    (self.x > left - self.radius)
                    & (self.x < right + self.radius)
                    & (self.y > top - self.radius / 2)
                    & (self.y < bottom + self.radius / 2)
                )
                if not inside or covered.any() or not self.taken.free(left, top, right, bottom):
                    continue
                if turn >= 8:
                    share = self._reach(index, shown) / (away * math.hypot(across, down))
                    line = np.linspace(share, 0.97, 12)[:, None] * (across * away, down * away)
                    near = [(x + dx - 1, y + dy - 1, x + dx + 1, y + dy + 1) for dx, dy in line]
                    outside = [
                        box for box, at in zip(near, line, strict=True) if np.abs(at).max() > reach
                    ]
                    if not all(self.taken.free(*box) for box in outside):
                        continue
                    for box in outside:
                        self.taken.add(*box)
                    ends = line[[0, -1]] + (x, y)
                    canvas.line(ends[:, 0].tolist(), ends[:, 1].tolist(), mistake)
                self.taken.add(left - 0.5 * small, top, right + 0.5 * small, bottom)
                canvas.text(left, top + height / 2, text, "lm", px=small, colour=mistake)
                named += 1
                break
        return named

    def _reach(self, index: int, shown: set[int]) -> float:
        """Radius of the ring around a mistake."""
        if index not in shown:
            return 1.9 * self.radius
        return (0.5 if self.ink else 0.72) * self.tile + 2 * self.unit

    # Images and rings -------------------------------------------------------------------------

    def _images(self) -> list[int]:
        """The points whose images cover neither another point nor a text; mistakes first."""
        if self.images is None:
            return []
        rest = np.setdiff1d(np.arange(len(self.x)), self.wrong)
        shown: list[int] = []
        for index in [*self.wrong.tolist(), *rest.tolist()]:
            x, y = self.x[index], self.y[index]
            # With its ring, if there is one.
            half = self.tile / 2 if index in rest else self._reach(index, {index})
            near = half + self.radius
            covered = (np.abs(self.x - x) < near) & (np.abs(self.y - y) < near)
            box = (x - half, y - half, x + half, y + half)
            if covered.sum() == 1 and self.taken.free(*box):
                self.taken.add(*box)
                shown.append(index)
                if len(shown) == _MOST_IMAGES:
                    break
        return shown

    def _image(self, index: int) -> None:
        canvas, colour = self.canvas, self.colours[self.labels[index]]
        rgb = image_rgb(np.asarray(self.images[index]))
        rows, columns = rgb.shape[:2]
        side = self.tile / max(rows, columns)
        width, height = side * columns, side * rows
        left, top = self.x[index] - width / 2, self.y[index] - height / 2
        if self.ink:
            inked = np.empty((rows, columns, 4), np.uint8)
            inked[..., :3] = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
            inked[..., 3] = rgb[..., 0]
            canvas.picture(inked, left, top, width, height)
        else:
            canvas.picture(rgb, left, top, width, height)
            canvas.box(left, top, width, height, edge=colour, stroke=2.5 * self.unit)
        if len(set(self.colours)) < len(self.classes) and not (self.ink and self.written):
            # Several classes have one colour: the mark at the lower right corner says which.
            x, y = np.array([left + width]), np.array([top + height])
            self._mark(x, y, self.labels[[index]])

    def _rings(self, shown: set[int]) -> None:
        if len(self.wrong):
            reach = [self._reach(index, shown) for index in self.wrong]
            at = np.stack([self.x, self.y], axis=1)[self.wrong]
            self._ring(at, np.array(reach))

    def _ring(self, at: NDArray, reach: NDArray) -> None:
        self.canvas.polygons(
            at[:, None] + reach[:, None, None] * _CIRCLE,
            edge=self.canvas.theme.mistake,
            stroke=1.4 * self.unit,
        )

    # Around the points --------------------------------------------------------------------------

    def _rows(self) -> list[tuple[str, str, str, int]]:
        """(class, its images, its mistakes, its number) for the key."""
        counts = np.bincount(self.labels, minlength=len(self.classes))
        wrong = np.bincount(self.labels[self.wrong], minlength=len(self.classes))
        return [(name, f"{counts[k]:,}", f"{wrong[k]:,}", k) for k, name in enumerate(self.classes)]

    def _widths(self) -> tuple[float, float, float]:
        rows, canvas = self._rows(), self.canvas
        name = min(canvas.widest(["class", *(row[0] for row in rows)], self.small), 9 * self.small)
        numbers = [
            canvas.widest([head, *(row[k] for row in rows)], self.small)
            for k, head in ((1, "images"), (2, "wrong"))
        ]
        return name, *numbers

    def _key_width(self) -> float:
        """Width of the key with the space before it, 0 where a canvas is too narrow for one."""
        needed = sum(self._widths()) + 20 * self.unit + 3 * 1.2 * self.small
        room = self.canvas.inner_width
        return needed if needed < 0.26 * room else 0.0

    def _key(self) -> None:
        """What belongs to each class: its colour, images and mistakes."""
        if not self._key_width():
            return
        canvas, small, theme = self.canvas, self.small, self.canvas.theme
        name, images, wrong = self._widths()
        step = small * LINE * 1.15
        right = canvas.right
        left = right - wrong - images - name - 2 * 1.2 * small - 20 * self.unit
        at_images = right - wrong - 1.2 * small
        rows = self._rows()
        room = math.floor((self.bottom - canvas.top - step) / step)
        shown = rows if len(rows) <= room else rows[: room - 1]
        canvas.note(left + 20 * self.unit, canvas.top, "class")
        for x, text in ((at_images, "images"), (right, "wrong")):
            canvas.note(x, canvas.top, text, "rt")
        for index, (text, count, mistakes, label) in enumerate(shown):
            y = canvas.top + (index + 1.5) * step
            if not self.written:
                self._mark([left + 7 * self.unit], [y], np.array([label]))
            canvas.text(
                left + 20 * self.unit,
                y,
                text,
                "lm",
                px=small,
                colour=self.colours[label] if self.written else None,
                bold=self.written,
                width=name,
            )
            for x, number, colour in (
                (at_images, count, theme.ink),
                (right, mistakes, theme.mistake if mistakes != "0" else theme.quiet),
            ):
                canvas.text(x, y, number, "rm", px=small, colour=colour)
        if len(shown) < len(rows):
            y = canvas.top + (len(shown) + 1.5) * step
            more = f"+{len(rows) - len(shown)} classes"
            canvas.note(left + 20 * self.unit, y, more, "lm")

    def _foot(self, named: int, centres: int) -> None:
        canvas, small = self.canvas, self.small
        if self.axes is not None:
            middle = (self.left + self.right) / 2
            y = canvas.bottom - 2 * small * LINE
            width = self.right - self.left
            canvas.note(middle, y, self.axes[0], "mt", width=width)
            canvas.note(
                self.beside,
                (canvas.top + self.bottom) / 2,
                self.axes[1],
                "mc",
                rotation=90,
                width=self.bottom - canvas.top,
            )
        parts = []
        if len(self.wrong):
            y = canvas.bottom - small * LINE / 2
            self._ring(np.array([[canvas.left + small / 2, y]]), np.array([0.45 * small]))
            mean = f": true class {style.ARROW} answer" if named else ""
            ends = f", {named} of {len(self.wrong)} named" if 0 < named < len(self.wrong) else ""
            parts.append(f"mistake{mean}{ends}")
        present = len(np.unique(self.labels))
        if centres < present and not self.written:
            parts.append(f"{centres} of {present} classes named")
        text = "; ".join(parts) or "no mistakes"
        left = canvas.left + (1.4 * small if len(self.wrong) else 0.0)
        canvas.note(left, canvas.bottom - small * LINE / 2, text, "lm", width=canvas.right - left)


def _shapes(classes: int, hues: int) -> NDArray:
    """A shape for each class (classes, corners, 2), the same for as many as there are colours."""
    return _equally_many([_SHAPES[label // hues % len(_SHAPES)] for label in range(classes)])


def _written(names: Sequence[str]) -> NDArray:
    """Names of one or two letters as outlines (names, corners, 2), y downwards, around 0."""
    outlines = []
    for name in names:
        text, families, bold, _ = lettering(name, bold=True)
        font = FontProperties(family=list(families), weight="bold" if bold else "normal")
        text = text.replace("$", r"\$")  # no mathematics
        rings = TextPath((0, 0), text, size=1, prop=font, usetex=False).to_polygons()
        # One line through all rings: holes run the other way round, so they stay open.
        joined = [part for ring in rings for part in (ring, rings[0][:1])]
        outline = np.concatenate(joined) if joined else np.zeros((1, 2))
        outlines.append((outline - (outline.min(axis=0) + outline.max(axis=0)) / 2) * (1, -1))
    tallest = max(np.ptp(outline[:, 1]) for outline in outlines) or 1.0
    return 2.6 / tallest * _equally_many(outlines)


def _equally_many(outlines: Sequence[NDArray]) -> NDArray:
    """Outlines with the last corner repeated until all have as many as the longest."""
    most = max(map(len, outlines))
    return np.stack([np.pad(line, ((0, most - len(line)), (0, 0)), "edge") for line in outlines])
