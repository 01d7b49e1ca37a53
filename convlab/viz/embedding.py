"""Many images as marks in a plane, one kind of mark per class, with mistakes ringed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.class_marks import CIRCLE, ClassKey, ClassMarks
from convlab.viz.free_room import FreeRoom

# To the right and left of a mistake, above and below it, then across its corners.
_AROUND = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1))
_MOST_IMAGES = 300  # no canvas has room for more
_MOST_NAMED = 16  # mistakes; more names than these hide the points


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
    """Points (N, 2) of images, each marked by its class, whose name is at the centre of its points.

    A mark is the class's name if all names have one or two letters, or else a shape; colour and
    shape are unique among 24 classes, after which they repeat.
    labels, answers: (N,) the true class and the network's answer, indices into ``classes``; where
    they differ the point is ringed in the mistake's colour and, where these are few and there
    is room, named "true → answer".  images: (N, 1 or 3, H, W) bytes, drawn if they cover no other
    point; ``ink`` says that they are bright drawings on black, to be drawn in the colour of their
    class.
    axes: what the two directions are; None if they have no meaning.  Both directions have the same
    scale.

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
    images = None if images is None else np.asarray(images)
    if images is not None and len(images) != len(points):
        raise ShapeError(f"expected {len(points)} images, got {len(images)}")
    canvas = Canvas(size, theme, aspect=0.85)
    canvas.headline(title, subtitle, canvas.theme.output)
    _Plane(canvas, points, labels, answers, list(classes), images, ink, axes).draw()
    return canvas.figure


class _Plane:
    """The points on their canvas; boxes are (left, top, right, bottom) in pixels."""

    def __init__(self, canvas, points, labels, answers, classes, images, ink, axes):
        self.canvas, self.labels, self.answers, self.classes = canvas, labels, answers, classes
        self.images, self.ink, self.axes = images, ink, axes
        self.small, self.unit = canvas.size.small, canvas.unit
        self.wrong = np.flatnonzero(labels != answers)
        self.radius = (5.5 if len(points) <= 1500 else 3.5) * self.unit
        self.marks = ClassMarks(canvas, classes, self.radius)
        self.counts = np.bincount(labels, minlength=len(classes))
        wrong = np.bincount(labels[self.wrong], minlength=len(classes))
        self.key = ClassKey(self.marks, self.counts, wrong)
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
        """(class, name, box) at the centre of each class's points.

        Moved aside if another is there, or if it would cover more than a fifth of them or a
        mistake.
        """
        canvas, small, found = self.canvas, self.small, []
        # The largest classes first, as their names are the most important.
        for label in np.argsort(-self.counts, kind="stable").tolist():
            # A name beside one or two marks that already are that name adds nothing.
            if self.counts[label] < (3 if self.marks.written else 1):
                break
            text = canvas.fit(self.classes[label], 9 * small, small, small, bold=True)[0]
            size = np.array([canvas.measure(text, small, bold=True) + 0.8 * small, 1.5 * small])
            boxes = self.room.spiral(np.median(self.at[self.labels == label], axis=0), size)
            if boxes:
                box = next((box for box in boxes if self._covers_little(box, label)), boxes[0])
                self.room.take(box)
                found.append((label, text, box))
        return found

    def _covers_little(self, box: NDArray, label: int) -> bool:
        covered = self.room.covered(box)
        return covered.sum() <= 0.2 * self.counts[label] and not covered[self.wrong].any()

    def _named(self) -> list[int]:
        """The mistakes that may get a name, with no other label around them."""
        named = self.wrong.tolist() if len(self.wrong) <= _MOST_NAMED else []
        for index in named:
            self.room.take(self.room.around(index, self.reaches[index] + 3 * self.unit))
        return named

    def _name(self, index: int) -> bool:
        """Name a mistake if there is room near it that covers no other point."""
        canvas, small = self.canvas, self.small
        pair = self.classes[self.labels[index]], self.classes[self.answers[index]]
        names = [canvas.fit(name, 7 * small, small, small)[0] for name in pair]
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
            mean = f": true class {style.ARROW} answer" if named else ""
            ends = f", {named} of {len(self.wrong)} named" if 0 < named < len(self.wrong) else ""
            parts.append(f"mistake{mean}{ends}")
        present = len(np.unique(self.labels))
        if centres < present and not self.marks.written:
            parts.append(f"{centres} of {present} classes named")
        text = "; ".join(parts) or "no mistakes"
        canvas.note(left, y, text, "lm", width=canvas.right - left)
