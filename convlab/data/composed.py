"""Scenes composed of the user's own pictures: objects on backgrounds, whose boxes are known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from convlab.data.dataset import Dataset, has_dark_background
from convlab.data.scenes import (
    BACKGROUND,
    Box,
    Scene,
    Window,
    field_elsewhere,
    field_near,
    free_place,
)
from convlab.errors import DataError, SpecError
from convlab.names import listed

SIDE = 4
"""Rows and columns of a scene, in those of an image."""

SIZES = 0.8, 2.0
"""Smallest and largest enlargement of an object's image."""

MOST = 4
"""The most objects of a scene."""

SHARE = 3 / 4
"""The side of an object in the middle of a window, as a share of it: without the ground around it
nobody can tell an object from a part of a larger one."""

FAR_SIZE = 1.25
"""From so many times the size on, or below its inverse, a window counts as background."""

CLUTTER = 4
"""Pieces of other backgrounds in every second scene that windows are cut from."""

_OF_A_SCENE = 8  # windows


def composed_scene(
    images: Dataset,
    number: int,
    *,
    background: str = BACKGROUND,
    seed: int = 0,
    most: int = MOST,
    clutter: int = 0,
) -> Scene:
    """Scene ``number`` of those that ``seed`` gives: up to ``most`` objects, possibly none.

    images: those of the class ``background`` become the ground, mirrored at their edges until
    they fill it; the others are the objects.  The scene has 4 times the rows and columns of an
    image, an object's image 0.8 to 2 times, drawn evenly on a logarithmic scale.  A box is a whole
    image; boxes do not overlap, and an object that finds no place is left out.  Bright drawings on
    black let the ground show through their black.  clutter: the number of pieces of
    other backgrounds under the objects, of an object's sizes: so a straight edge alone is none.
    Raises SpecError for a number, seed or clutter below 0, DataError if there are no images of the
    background or none of any other class.
    """
    if min(number, seed, clutter) < 0:
        raise SpecError(
            "scene: expected a number, a seed and a clutter of at least 0,"
            f" got {number}, {seed} and {clutter}"
        )
    return _scene(_Parts.of(images, background), number, seed, most, clutter)


def _scene(parts: _Parts, number: int, seed: int, most: int, clutter: int) -> Scene:
    images, grounds, objects, drawn = parts
    rng = np.random.default_rng([seed, number])
    rows, columns = images.image_shape[1:]
    size = SIDE * rows, SIDE * columns
    image = _ground(images.images[rng.choice(grounds)], size, rng)
    for _ in range(clutter):
        piece = resized(images.images[rng.choice(grounds)], _sizes(1, rng)[0])
        top, left = (
            int(rng.integers(0, whole - part, endpoint=True))
            for whole, part in zip(size, piece.shape[1:], strict=True)
        )
        _paste(image, piece, top, left, drawn)
    mask = np.zeros(size, np.int64)
    boxes: list[Box] = []
    labels: list[int] = []
    # Large ones first: they need the room.
    for factor in sorted(_sizes(int(rng.integers(0, most, endpoint=True)), rng), reverse=True):
        chosen = rng.choice(objects)
        piece = resized(images.images[chosen], factor)
        place = free_place(piece.shape[1:], boxes, size, rng)
        if place is None:
            continue
        top, left = place
        bottom, right = top + piece.shape[1], left + piece.shape[2]
        _paste(image, piece, top, left, drawn)
        mask[top:bottom, left:right] = 1 + images.labels[chosen]
        boxes.append((top, left, bottom, right))
        labels.append(int(images.labels[chosen]))
    return Scene(image, np.array(boxes, float).reshape(-1, 4), np.array(labels, np.int64), mask)


def composed_windows(images: Dataset, count: int, *, seed: int = 0) -> Dataset:
    """Windows of composed scenes as a data set of the same classes, BACKGROUND among them.

    count: images of the same size, up to half of them around objects, whose sides are SHARE of
    theirs, as closely as a scan of the scene would be, the others elsewhere: beside an object, on a
    part of it, around several, on background alone.  Every second scene has clutter.
    The same seed gives the same windows.
    Raises the errors of ``composed_scene``.
    """
    from PIL import Image

    channels, rows, columns = images.image_shape
    windows = np.empty((count, channels, rows, columns), np.uint8)
    parts = _Parts.of(images, BACKGROUND)
    labels = np.full(count, images.classes.index(BACKGROUND), np.int64)
    margin = SIDE * max(rows, columns)
    for first in range(0, count, _OF_A_SCENE):
        number = first // _OF_A_SCENE
        shown = _scene(parts, number, seed, MOST, CLUTTER * (number % 2))
        rng = np.random.default_rng([seed, number, 1])
        edges = ((0, 0), (margin, margin), (margin, margin))
        canvas = np.pad(shown.image, edges, "symmetric")
        layers = [Image.fromarray(layer) for layer in canvas]
        fields: list[Window] = [
            ((top + bottom) / 2, (left + right) / 2, (bottom - top) / SHARE)
            for top, left, bottom, right in shown.boxes.tolist()
        ]
        for at in range(first, min(first + _OF_A_SCENE, count)):
            if at % 2 and fields:
                chosen = int(rng.integers(len(fields)))
                window, labels[at] = field_near(fields[chosen], rng), shown.labels[chosen]
            else:
                around = fields or [(0.0, 0.0, rows * _sizes(1, rng)[0])]
                chosen = int(rng.integers(len(around)))
                window = field_elsewhere(
                    fields, around[chosen], shown.image.shape[1:], rng, FAR_SIZE
                )
            row, column, height = window
            width = height * columns / rows
            corner = column - width / 2 + margin, row - height / 2 + margin
            box = (*corner, corner[0] + width, corner[1] + height)
            for target, layer in zip(windows[at], layers, strict=True):
                cut = layer.resize((columns, rows), Image.Resampling.BICUBIC, box=box)
                target[...] = np.asarray(cut)
    return Dataset(f"scenes of {images.name}", images.split, windows, labels, images.classes)


def resized(image: np.ndarray, factor: float) -> np.ndarray:
    """An image of bytes (C, H, W), enlarged (bicubic) to at least one pixel."""
    from PIL import Image

    rows, columns = (max(1, round(length * factor)) for length in image.shape[1:])
    layers = [
        Image.fromarray(layer).resize((columns, rows), Image.Resampling.BICUBIC) for layer in image
    ]
    return np.stack([np.asarray(layer) for layer in layers])


class _Parts(NamedTuple):
    """Images, the numbers of those of the background and of the others, and if they are drawings
    on black."""

    images: Dataset
    grounds: np.ndarray
    objects: np.ndarray
    drawn: bool

    @classmethod
    def of(cls, images: Dataset, background: str) -> _Parts:
        """The parts of a data set; raises DataError unless there are both."""
        if background not in images.classes:
            raise DataError(
                f"{images.name}: expected a class {background!r}, pictures without an object, got"
                f" {listed(images.classes)}"
            )
        is_ground = images.labels == images.classes.index(background)
        if is_ground.all() or not is_ground.any():
            raise DataError(
                f"{images.name} ({images.split}): expected images of {background!r} and of another"
                f" class, got {int(is_ground.sum())} and {int((~is_ground).sum())}"
            )
        grounds, objects = np.flatnonzero(is_ground), np.flatnonzero(~is_ground)
        return cls(images, grounds, objects, has_dark_background(images))


def _sizes(count: int, rng: np.random.Generator) -> list[float]:
    least, largest = np.log(SIZES)
    return np.exp(rng.uniform(least, largest, count)).tolist()


def _ground(tile: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A canvas of ``size`` from one image, enlarged and mirrored at its edges."""
    tile = resized(tile, _sizes(1, rng)[0])
    edges = [(0, whole - part) for whole, part in zip(size, tile.shape[1:], strict=True)]
    return np.pad(tile, [(0, 0), *edges], "symmetric")


def _paste(image: np.ndarray, piece: np.ndarray, top: int, left: int, drawn: bool) -> None:
    """Lay a piece over an image; of a drawing only what is brighter."""
    part = image[:, top : top + piece.shape[1], left : left + piece.shape[2]]
    part[...] = np.maximum(part, piece) if drawn else piece
