"""Generated scenes: digits of several sizes on one canvas, whose boxes and pixels are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convlab.data.dataset import Dataset
from convlab.errors import DataError, SpecError

CANVAS = (128, 128)
"""Rows and columns of a scene, in pixels."""

FIELDS = (22, 56)
"""Smallest and largest side of the square that a digit's image becomes, in pixels."""

BOX = 24 / 28
"""Side of a digit's box, as a share of its image: MNIST's ink is in the middle."""

BACKGROUND = "background"
"""The name of the eleventh class of crops: a window with no digit in its middle."""

Box = tuple[float, float, float, float]

FRAGMENT = 8
"""Side of a piece of clutter in pixels, as in the cluttered MNIST of Mnih et al. 2014."""

# How far a crop of a digit may be from its place and size: the largest error of a scan with a
# stride of 4 pixels of 28 and sizes a quarter of an octave apart, and a little more.
_NEAR_SHIFT, _NEAR_SIZE = 2.5 / 28, 1.12
# From here on a window counts as background.
_FAR_SHIFT, _FAR_SIZE = 5 / 28, 1.4
_CROPS_OF_A_SCENE = 8
_EDGE = 4  # border pixels that fragments are not cut from, as they are empty


@dataclass(frozen=True, eq=False)
class Scene:
    """An image with several digits.

    image: (1, H, W) uint8, ink bright on black.  boxes: (digits, 4), top, left, bottom and
    right in pixels, squares about the digits' centres.  labels: (digits,) int64.
    mask: (H, W) int64, for each pixel 0 or 1 + the label of the digit whose ink it is.
    """

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    mask: np.ndarray


def scene(
    digits: Dataset,
    number: int,
    *,
    seed: int = 0,
    size: tuple[int, int] = CANVAS,
    fields: tuple[int, int] = FIELDS,
    most: int = 6,
    clutter: int = 0,
) -> Scene:
    """Scene ``number`` of those that ``seed`` gives: 2 to ``most`` of ``digits``, apart.

    digits: grey images, bright on black.  size: (rows, columns); fields: the smallest and
    the largest side of a digit's image in pixels, drawn evenly on a logarithmic scale.
    Boxes do not overlap; a digit that finds no place is left out.  clutter: the number of fragments
    of other digits between the boxes.
    Raises SpecError for a number or seed below 0 and a canvas too small for a digit,
    DataError for colour images, and for images too small to cut fragments from.
    """
    if min(number, seed, clutter) < 0:
        raise SpecError(
            "scene: expected a number, a seed and fragments of at least 0,"
            f" got {number}, {seed} and {clutter}"
        )
    if not FRAGMENT <= fields[0] <= fields[1] <= min(size):
        raise SpecError(
            f"scene: expected digits of {FRAGMENT} to {min(size)} pixels, got {fields[0]} to"
            f" {fields[1]}"
        )
    if not len(digits) or digits.image_shape[0] != 1:
        raise DataError(f"{digits.name}: expected grey images to place in scenes")
    if clutter and min(digits.image_shape[1:]) <= FRAGMENT + 2 * _EDGE:
        raise DataError(
            f"{digits.name}: expected images of more than {FRAGMENT + 2 * _EDGE} pixels to cut"
            f" fragments from, got {digits.image_shape[1]} x {digits.image_shape[2]}"
        )
    rng = np.random.default_rng([seed, number])
    image, mask = np.zeros(size, np.uint8), np.zeros(size, np.int64)
    boxes: list[Box] = []
    labels: list[int] = []
    count = int(rng.integers(2, most, endpoint=True))
    # Large ones first: they need the room.
    least, largest = np.log(fields)
    sides = np.sort(np.exp(rng.uniform(least, largest, count)).round().astype(int))[::-1]
    for side in sides.tolist():
        index = int(rng.integers(len(digits)))
        place = free_place((side, side), boxes, size, rng, BOX)
        if place is None:
            continue
        box = _box_of(*place, side)
        ink = _resized(digits.images[index, 0], side)
        _draw(image, ink, *place)
        _draw(mask, np.where(ink >= 128, 1 + digits.labels[index], 0), *place)
        boxes.append(box)
        labels.append(int(digits.labels[index]))
    for _ in range(clutter):
        _add_fragment(image, digits, boxes, rng)
    return Scene(
        image[None], np.array(boxes, float).reshape(-1, 4), np.array(labels, np.int64), mask
    )


def scene_crops(digits: Dataset, count: int, *, seed: int = 0) -> Dataset:
    """Windows of scenes as a data set of the digits' classes and one more, BACKGROUND.

    count: images of 28 x 28, half of them centred on digits, as closely as a scan of the scene
    would be, half elsewhere: beside a digit, on a part of it, around several, on nothing.  Every
    second scene has clutter.  The same seed gives the same crops.
    Raises the same errors as ``scene``.
    """
    from PIL import Image

    background = len(digits.classes)
    images, labels = np.empty((count, 1, 28, 28), np.uint8), np.empty(count, np.int64)
    margin = 2 * FIELDS[1]
    for first in range(0, count, _CROPS_OF_A_SCENE):
        number = first // _CROPS_OF_A_SCENE
        shown = scene(digits, number, seed=seed, clutter=8 * (number % 2))
        rng = np.random.default_rng([seed, number, 1])
        canvas = Image.fromarray(np.pad(shown.image[0], margin))
        fields = [_field_of(box) for box in shown.boxes]
        for at in range(first, min(first + _CROPS_OF_A_SCENE, count)):
            digit = int(rng.integers(len(fields)))
            if at % 2:
                window, labels[at] = field_near(fields[digit], rng), shown.labels[digit]
            else:
                canvas_size = shown.image.shape[1:]
                window = field_elsewhere(fields, fields[digit], canvas_size, rng)
                labels[at] = background
            row, column, side = window
            corner = column - side / 2 + margin, row - side / 2 + margin
            box = (*corner, corner[0] + side, corner[1] + side)
            crop = canvas.resize((28, 28), Image.Resampling.BICUBIC, box=box)
            images[at, 0] = np.asarray(crop)
    return Dataset("scenes", digits.split, images, labels, (*digits.classes, BACKGROUND))


# --- placing ----------------------------------------------------------------------------

Window = tuple[float, float, float]  # row and column of the centre, side


def _box_of(top: int, left: int, side: int) -> Box:
    edge = side * (1 - BOX) / 2
    return top + edge, left + edge, top + side - edge, left + side - edge


def _field_of(box: np.ndarray) -> Window:
    top, left, bottom, right = box.tolist()
    return (top + bottom) / 2, (left + right) / 2, (bottom - top) / BOX


def free_place(
    sides: tuple[int, int],
    boxes: list[Box],
    size: tuple[int, int],
    rng: np.random.Generator,
    inner: float = 1.0,
) -> tuple[int, int] | None:
    """Top and left of a field of ``sides`` whose box, the share ``inner`` of it, overlaps no other.

    None if a hundred tries find no such place.
    """
    down, right = (side * (1 - inner) / 2 for side in sides)
    for _ in range(100):
        top, left = (
            int(rng.integers(0, length - side, endpoint=True))
            for length, side in zip(size, sides, strict=True)
        )
        box = top + down, left + right, top + sides[0] - down, left + sides[1] - right
        if not any(_meet(box, other) for other in boxes):
            return top, left
    return None


def _meet(one: tuple, other: tuple) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _resized(image: np.ndarray, side: int) -> np.ndarray:
    from PIL import Image

    shrunk = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(shrunk)


def _draw(canvas: np.ndarray, drawing: np.ndarray, top: int, left: int) -> None:
    """The brighter pixel stays, so that fields may overlap where they are empty."""
    rows, columns = drawing.shape
    part = canvas[top : top + rows, left : left + columns]
    np.maximum(part, drawing.astype(canvas.dtype), out=part)


def _add_fragment(
    image: np.ndarray, digits: Dataset, boxes: list[Box], rng: np.random.Generator
) -> None:
    source = digits.images[int(rng.integers(len(digits))), 0]
    # From the middle, where the ink is.
    row, column = (int(rng.integers(_EDGE, length - _EDGE - FRAGMENT)) for length in source.shape)
    place = [int(rng.integers(0, length - FRAGMENT)) for length in image.shape]
    box = (*place, place[0] + FRAGMENT, place[1] + FRAGMENT)
    if not any(_meet(box, other) for other in boxes):
        _draw(image, source[row : row + FRAGMENT, column : column + FRAGMENT], *place)


def field_near(field: Window, rng: np.random.Generator) -> Window:
    """A window in which a scan may find what fills ``field``."""
    row, column, side = field
    down, right = rng.uniform(-_NEAR_SHIFT, _NEAR_SHIFT, 2) * side
    reach = np.log(_NEAR_SIZE)
    return row + down, column + right, side * float(np.exp(rng.uniform(-reach, reach)))


def field_elsewhere(
    fields: list[Window],
    near: Window,
    size: tuple[int, int],
    rng: np.random.Generator,
    ratio: float = _FAR_SIZE,
) -> Window:
    """A window that none of ``fields`` fills: around a part of ``near``, beside it, or anywhere.

    ``ratio``: how many times as large as a field, or as small, it is at least if it is not
    elsewhere.
    """
    while True:
        if rng.random() < 0.7:
            row, column, side = near
            down, right = rng.uniform(-0.6, 0.6, 2) * side
            row, column = row + down, column + right
        else:
            row, column = rng.uniform(0, size[0]), rng.uniform(0, size[1])
            side = near[2]
        side *= float(np.exp(rng.uniform(-1, 1)))
        if all(_is_far((row, column, side), field, ratio) for field in fields):
            return row, column, side


def _is_far(window: Window, field: Window, least: float) -> bool:
    shift = max(abs(window[0] - field[0]), abs(window[1] - field[1])) / field[2]
    ratio = max(window[2] / field[2], field[2] / window[2])
    return shift > _FAR_SHIFT or ratio > least
