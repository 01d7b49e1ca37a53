"""Many images as marks in a plane, one kind of mark per class, with mistakes ringed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.lettering import lettering
from convlab.viz.page import Page, Sheet, Unpack
from convlab.words import joined, t


class FreeRoom:
    """The room between the corners ``low`` and ``high`` (2,), with points ``at`` (n, 2) in it.

    Boxes are (left, top, right, bottom); all in pixels.
    """

    def __init__(self, low: NDArray, high: NDArray, at: NDArray) -> None:
        self.low, self.high, self.at = low, high, at
        self.taken = np.zeros((0, 4))

    def take(self, *boxes: NDArray) -> None:
        """Nothing else may touch these boxes."""
        self.taken = np.vstack([self.taken, *boxes])

    def free(self, box: NDArray) -> bool:
        """Whether a box touches no taken one."""
        left, top, right, bottom = self.taken.T
        apart = (right <= box[0]) | (box[2] <= left) | (bottom <= box[1]) | (box[3] <= top)
        return bool(apart.all())

    def inside(self, box: NDArray) -> bool:
        return bool((box[:2] >= self.low).all() and (box[2:] <= self.high).all())

    def around(self, index: int, reach: float) -> NDArray:
        """The box around a point."""
        return np.concatenate([self.at[index] - reach, self.at[index] + reach])

    def covered(self, box: NDArray, across: float = 0.0, down: float = 0.0) -> NDArray:
        """Which points lie inside a box, or within a distance of it."""
        near = np.array([across, down])
        return ((self.at > box[:2] - near) & (self.at < box[2:] + near)).all(axis=1)

    def spiral(self, middle: NDArray, size: NDArray) -> Iterator[NDArray]:
        """Free boxes of ``size`` (2,) around ``middle``, the nearest first."""
        for turn in range(1 + 3 * 16):
            # The place itself, then 16 places around it, farther and farther.
            angle, reach = turn * math.pi / 8, math.ceil(turn / 16)
            away = reach * np.array([0.8 * math.cos(angle), 1.3 * math.sin(angle)]) * size
            corner = np.clip(middle + away - size / 2, self.low, self.high - size)
            box = np.concatenate([corner, corner + size])
            if self.free(box):
                yield box


_TURN = np.linspace(0, 2 * np.pi, 40, endpoint=False)
CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)


def _regular(corners: int, turn: float, reach: float) -> NDArray:
    """A regular polygon (corners, 2) around 0; ``turn`` in quarters, y downwards."""
    angles = 2 * np.pi * np.arange(corners) / corners + turn * np.pi / 2
    return reach * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _cross(turn: float) -> NDArray:
    """A plus, turned by quarters of a right angle."""
    arms = np.array([(3, 1), (1, 1), (1, 3), (-1, 3), (-1, 1), (-3, 1)])
    angle = turn * np.pi / 4
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return 0.45 * np.concatenate([arms, -arms]) @ rotation


# Each with about the same area.
_SHAPES = (
    CIRCLE,
    _regular(3, -1, 1.5),
    _regular(4, 0.5, 1.27),
    _cross(0),
    _regular(3, 1, 1.5),
    _regular(4, 0, 1.35),
    _cross(1),
    _regular(10, -1, 1.5) * np.tile([1, 0.5], 5)[:, None],  # a star
    _regular(4, 0.5, 1.3) * [1.5, 0.6],
    _regular(4, 0.5, 1.3) * [0.6, 1.5],
)


class ClassMarks:
    """A mark for each class: its name if all have one or two letters, or else a shape.

    Ten classes differ in both colour and shape, a hundred in one of them.
    """

    def __init__(self, canvas: Canvas, classes: Sequence[str], radius: float) -> None:
        self.canvas, self.classes = canvas, classes
        self.colours = style.class_colours(len(classes), canvas.theme)
        self.written = all(len(name) <= 2 for name in classes)
        count = len(_SHAPES)
        shapes = [_SHAPES[(label + label // count) % count] for label in range(len(classes))]
        self.outlines = radius * (_written(classes) if self.written else _equally_many(shapes))

    def draw(self, at: NDArray, labels: NDArray) -> None:
        """The marks of classes (n,) at pixels (n, 2)."""
        fill = [self.colours[label] for label in labels]
        self.canvas.polygons(at[:, None] + self.outlines[labels], fill=fill)


class ClassKey:
    """What belongs to each class: its mark, and how many images and mistakes, (classes,) each.

    Mistakes None: nobody knows what the images show, and there is no column for them.
    ``width`` is its width including the space before it, 0 if a canvas is too narrow for it.
    """

    def __init__(self, marks: ClassMarks, images: NDArray, wrong: NDArray | None) -> None:
        self.marks, canvas, small = marks, marks.canvas, marks.canvas.size.small
        self.heads = t("images"), "" if wrong is None else t("wrong")
        self.numbers = [[f"{count:,}" for count in images], [""] * len(images)]
        if wrong is not None:
            self.numbers[1] = [f"{count:,}" for count in wrong]
        self.name = min(canvas.widest([t("class"), *marks.classes], small), 9 * small)
        self.widths = [
            canvas.widest([head, *texts], small)
            for head, texts in zip(self.heads, self.numbers, strict=True)
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
        canvas.note(left, canvas.top, t("class"))
        canvas.note(images, canvas.top, self.heads[0], "rt")
        canvas.note(right, canvas.top, self.heads[1], "rt")
        if not marks.written:
            xs = np.full(shown, left - 13 * canvas.unit)
            marks.draw(np.stack([xs, ys[:-1]], axis=1), np.arange(shown))
        names = canvas.names(classes[:shown], self.name, small, marks.written)
        for label, (y, count, wrong) in enumerate(zip(ys[:-1], *self.numbers, strict=False)):
            bold, colour = marks.written, marks.colours[label] if marks.written else None
            name = names[label]
            canvas.text(left, y, name, "lm", px=small, width=self.name, bold=bold, colour=colour)
            canvas.text(images, y, count, "rm", px=small)
            ink = theme.quiet if wrong in ("", "0") else theme.mistake
            canvas.text(right, y, wrong, "rm", px=small, colour=ink)
        if shown < len(classes):
            canvas.note(left, ys[-1], t("+{value} classes", len(classes) - shown), "lm")


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
        parts = [part for ring in rings for part in (ring, rings[0][:1])]
        outline = np.concatenate(parts) if parts else np.zeros((1, 2))
        outlines.append((outline - (outline.min(axis=0) + outline.max(axis=0)) / 2) * (1, -1))
    tallest = max(np.ptp(outline[:, 1]) for outline in outlines) or 1.0
    return 2.6 / tallest * _equally_many(outlines)


def _equally_many(outlines: Sequence[NDArray]) -> NDArray:
    """Outlines with the last corner repeated until all have as many as the longest."""
    most = max(map(len, outlines))
    return np.stack([np.pad(line, ((0, most - len(line)), (0, 0)), "edge") for line in outlines])


# To the right and left of a mistake, above and below it, then across its corners.
_AROUND = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1))
_MOST_IMAGES = 300  # no canvas has room for more
_MOST_NAMED = 16  # mistakes; more names than these hide the points


def embedding(
    points: ArrayLike,
    labels: ArrayLike,
    answers: ArrayLike | None,
    classes: Sequence[str],
    *,
    images: ArrayLike | None = None,
    ink: bool = False,
    axes: tuple[str, str] | None = None,
    **page: Unpack[Page],
) -> Figure:
    """Points (N, 2) of images, each marked by its class, whose name is at the centre of its points.

    A mark is the class's name if all names have one or two letters, or else a shape: see
    ``ClassMarks``.
    labels, answers: (N,) the true class and the network's answer, indices into ``classes``, or the
    answers as labels, and None, where nobody knows the true class; where
    they differ the point is ringed in the mistake's colour and, where these are few and there
    is room, named "true → answer".  images: (N, 1 or 3, H, W) bytes, drawn if they cover no other
    point; ``ink`` says that they are bright drawings on black, to be drawn in the colour of their
    class.
    axes: what the two directions are; None if they have no meaning.  Both directions have the same
    scale.

    Raises ShapeError for arrays that do not fit each other and points that are not finite.
    """
    points = np.asarray(points, dtype=float)
    known, labels = answers is not None, np.asarray(labels)
    answers = np.asarray(answers) if known else labels
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
    images = None if images is None else np.asarray(images)
    if images is not None and len(images) != len(points):
        raise ShapeError(f"expected {len(points)} images, got {len(images)}")
    canvas = Sheet(0.85, "output", **page)
    given = labels, answers if known else None
    _Plane(canvas, points, *given, list(classes), images, ink, axes).draw()
    return canvas.figure


class _Plane:
    """The points on their canvas; boxes are (left, top, right, bottom) in pixels."""

    def __init__(self, canvas, points, labels, answers, classes, images, ink, axes):
        known, answers = answers is not None, labels if answers is None else answers
        self.canvas, self.labels, self.answers, self.classes = canvas, labels, answers, classes
        self.known = known
        self.images, self.ink, self.axes = images, ink, axes
        self.small, self.unit = canvas.size.small, canvas.unit
        self.short = canvas.names(classes, 7 * self.small, self.small)
        self.wrong = np.flatnonzero(labels != answers)
        self.radius = (5.5 if len(points) <= 1500 else 3.5) * self.unit
        self.marks = ClassMarks(canvas, classes, self.radius)
        self.counts = np.bincount(labels, minlength=len(classes))
        wrong = np.bincount(labels[self.wrong], minlength=len(classes))
        self.key = ClassKey(self.marks, self.counts, wrong if known else None)
        right = canvas.right - self.key.width
        # Few images are shown larger.
        side = math.sqrt(0.1 * (right - canvas.left) * canvas.inner_height / len(points))
        self.tile = min(max(side, 26 * self.unit), 64 * self.unit)
        # Below the points: what the axis is, and what a ring is.
        bottom = canvas.bottom - self.small * LINE * (2 if axes else 1) - 0.5 * self.small
        left = canvas.left + (1.5 * self.small + 0.25 * self.tile if axes else 0.0)
        self.low, self.high = np.array([left, canvas.top]), np.array([right, bottom])
        self.at = self._placed(points)
        self.room = FreeRoom(self.low, self.high, self.at)

    def _placed(self, points: NDArray) -> NDArray:
        """The points in pixels, with room for a picture at each border."""
        room = self.high - self.low - self.tile - 2 * self.unit
        low, high = points.min(axis=0), points.max(axis=0)
        span = high - low
        scale = (room / np.where(span, span, 1e-300)).min() if span.any() else 1.0
        return (self.low + self.high) / 2 + (points - (low + high) / 2) * scale * (1, -1)

    def draw(self) -> None:
        canvas, small = self.canvas, self.small
        self.key.draw(self.high[1])
        if self.axes:
            self.room.take(self._axes())
        centres = self._centres()
        shown = self._images()
        dots = np.setdiff1d(np.arange(len(self.at)), shown)
        # Mistakes come last, so that no other point hides one.
        dots = np.concatenate([np.setdiff1d(dots, self.wrong), np.intersect1d(dots, self.wrong)])
        if len(dots):
            self.marks.draw(self.at[dots], self.labels[dots])
        for index in shown:
            self._image(index)
        self.reaches = np.full(len(self.at), self._reach(False))
        self.reaches[shown] = self._reach(True)
        self._ring(self.at[self.wrong], self.reaches[self.wrong])
        for label, text, box in centres:
            edge, stroke = self.marks.colours[label], 2 * self.unit
            place = (*box[:2], *(box[2:] - box[:2]))
            canvas.box(*place, edge=edge, fill=canvas.theme.ground, stroke=stroke)
            canvas.text(*(box[:2] + box[2:]) / 2, text, "mm", px=small, bold=True)
        self._foot(sum(map(self._name, self._named())), len(centres))

    def _ring(self, at: NDArray, reach: NDArray) -> None:
        if len(at):
            rings = at[:, None] + reach[:, None, None] * CIRCLE
            self.canvas.polygons(rings, edge=self.canvas.theme.mistake, stroke=1.4 * self.unit)

    def _reach(self, shown: bool) -> float:
        """Radius of the ring around a mistake, whose image may be shown."""
        if not shown:
            return 1.9 * self.radius
        return (0.5 if self.ink else 0.72) * self.tile + 2 * self.unit

    # Texts at the points --------------------------------------------------------------------

    def _centres(self) -> list[tuple[int, str, NDArray]]:
        """(class, name, box) beside each class's points.

        At the nearest place that covers no point and is nearest to one of its class; of up to two
        dozen classes, if there is none, at the one that covers the fewest, and no mistake.
        """
        canvas, small, found = self.canvas, self.small, []
        names = canvas.names(self.classes, 9 * small, small, bold=True)
        # The largest classes first, as their names are the most important.
        for label in np.argsort(-self.counts, kind="stable").tolist():
            # A name beside one or two marks that already are that name adds nothing.
            if self.counts[label] < (3 if self.marks.written else 1):
                break
            text = canvas.fit(names[label], 9 * small, small, small, bold=True)[0]
            size = np.array([canvas.measure(text, small, bold=True) + 0.8 * small, 1.5 * small])
            fewest = math.inf if len(self.classes) <= 24 else 1.0
            best: NDArray | None = None
            for box in self.room.spiral(np.median(self.at[self.labels == label], axis=0), size):
                covered = self.room.covered(box, self.radius, self.radius)
                points = covered.sum() + len(covered) * covered[self.wrong].any()
                away = self.at - np.clip(self.at, box[:2], box[2:])
                points += 3 * (self.labels[(away**2).sum(axis=1).argmin()] != label)
                if points < fewest:
                    fewest, best = points, box
                if not points:
                    break
            if best is not None:
                self.room.take(best)
                found.append((label, text, best))
        return found

    def _named(self) -> list[int]:
        """The mistakes that may get a name, with no other label around them."""
        named = self.wrong.tolist() if len(self.wrong) <= _MOST_NAMED else []
        for index in named:
            self.room.take(self.room.around(index, self.reaches[index] + 3 * self.unit))
        return named

    def _name(self, index: int) -> bool:
        """Name a mistake if there is room near it that covers no other point."""
        canvas, small = self.canvas, self.small
        names = [self.short[self.labels[index]], self.short[self.answers[index]]]
        text = f"{names[0]} {style.ARROW} {names[1]}"
        size = np.array([canvas.measure(text, small), 1.35 * small])
        reach = self.reaches[index] + 3 * self.unit
        # Beside the ring, then above and below it, then farther off with a line to it.
        for turn in range(2 * len(_AROUND)):
            far, direction = turn // len(_AROUND), np.array(_AROUND[turn % len(_AROUND)])
            away = direction * (reach + self.unit + far * 2.2 * small)
            corner = self.at[index] + away + (direction - 1) * size / 2
            box = np.concatenate([corner, corner + size])
            covered = self.room.covered(box, self.radius, self.radius / 2)
            if not self.room.inside(box) or covered.any() or not self.room.free(box):
                continue
            if far and not self._lead(index, away, reach):
                continue
            self.room.take(box + 0.5 * small * np.array([-1, 0, 1, 0]))
            place = box[0], (box[1] + box[3]) / 2
            canvas.text(*place, text, "lm", px=small, colour=canvas.theme.mistake)
            return True
        return False

    def _lead(self, index: int, away: NDArray, reach: float) -> bool:
        """A line from a ring so far away, if nothing is in the way."""
        share = self.reaches[index] / math.hypot(*away)
        line = np.linspace(share, 0.97, 12)[:, None] * away
        ends = self.at[index] + line
        outside = np.abs(line).max(axis=1) > reach
        boxes = np.concatenate([ends - 1, ends + 1], axis=1)[outside]
        if not all(map(self.room.free, boxes)):
            return False
        self.room.take(*boxes)
        self.canvas.line(*ends[[0, -1]].T, self.canvas.theme.mistake)
        return True

    # Images ----------------------------------------------------------------------------------

    def _images(self) -> list[int]:
        """The points whose images cover neither another point nor a text; mistakes first."""
        if self.images is None:
            return []
        rest = np.setdiff1d(np.arange(len(self.at)), self.wrong)
        shown: list[int] = []
        for index in [*self.wrong.tolist(), *rest.tolist()]:
            # With its ring, if there is one.
            half = self.tile / 2 if index in rest else self._reach(True)
            box = self.room.around(index, half)
            if self.room.covered(box, self.radius, self.radius).sum() == 1 and self.room.free(box):
                self.room.take(box)
                shown.append(index)
                if len(shown) == _MOST_IMAGES:
                    break
        return shown

    def _image(self, index: int) -> None:
        canvas, colour = self.canvas, self.marks.colours[self.labels[index]]
        rgb = image_rgb(self.images[index])
        size = self.tile / max(rgb.shape[:2]) * np.array(rgb.shape[1::-1])
        place = (*(self.at[index] - size / 2), *size)
        if self.ink:
            inked = np.empty((*rgb.shape[:2], 4), np.uint8)
            inked[..., :3], inked[..., 3] = style.rgb_bytes(colour), rgb[..., 0]
            canvas.picture(inked, *place)
        else:
            canvas.picture(rgb, *place)
            canvas.box(*place, edge=colour, stroke=2.5 * self.unit)
        if len(set(self.marks.colours)) < len(self.classes) and not (
            self.ink and self.marks.written
        ):
            # Several classes have one colour: the mark at the lower right corner says which.
            self.marks.draw((self.at[index] + size / 2)[None], self.labels[[index]])

    # Around the points --------------------------------------------------------------------------

    def _axes(self) -> NDArray:
        """What the two directions are; returns the box of the upright text."""
        canvas, small, (across, down) = self.canvas, self.small, self.axes
        middle, room = (self.low + self.high) / 2, self.high - self.low
        canvas.note(middle[0], canvas.bottom - 2 * small * LINE, across, "mt", width=room[0])
        left = max(self.at[:, 0].min() - 0.75 * self.tile - small, canvas.left + small / 2)
        canvas.note(left, middle[1], down, "mc", rotation=90, width=room[1])
        wide, long = 0.75 * small, min(canvas.measure(down, small), room[1]) / 2
        return np.array([left - wide, middle[1] - long, left + wide, middle[1] + long])

    def _foot(self, named: int, centres: int) -> None:
        """What a ring is, and what is not named."""
        canvas, small, left, parts = self.canvas, self.small, self.canvas.left, []
        y = canvas.bottom - small * LINE / 2
        if len(self.wrong):
            self._ring(np.array([[left + small / 2, y]]), np.array([0.45 * small]))
            left += 1.4 * small
            mean = t(": true class → answer") if named else ""
            ends = (
                t(", {named} of {n} named", named, len(self.wrong))
                if 0 < named < len(self.wrong)
                else ""
            )
            parts.append(t("mistake{mean}{ends}", mean, ends))
        present = len(np.unique(self.labels))
        if centres < present and not self.marks.written:
            parts.append(t("{centres} of {present} classes named", centres, present))
        if not parts and self.known:  # else nobody can say what is a mistake
            parts.append(t("no mistakes"))
        text = joined(parts, "; ")
        canvas.note(left, y, text, "lm", width=canvas.right - left)
