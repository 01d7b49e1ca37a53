"""A digit that somebody has written: from its sheet to the 28 x 28 bytes of a data set.

``find_ink`` finds the ink of the one digit on a sheet; ``mnist_digit`` and ``optical_digit`` bring
ink to the form of MNIST and of the built-in digits.  The lab page does the same in JavaScript, in
template/ink.js and template/pictures.js: a test holds the two together, to a grey level.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from convlab.errors import DataError

# What counts as ink, and as a digit's.  The limits were chosen on the sheets and photographs of
# tests/brought.
_WINDOW = 0.12  # of the sheet's longer side: half the window that is wider than any stroke
_DARKEST = 64  # a ground darker than this counts as this bright: its noise is no ink
_SMOOTHED = 200  # pixels: a longer side has noise, a shorter one strokes of a single pixel
_FAINTEST = 22  # the least contrast of ink, of 255
_SHORTEST = 8  # pixels of a digit, and a fiftieth of the sheet's longer side
_PART = 0.15  # of the longest mark; shorter ones are specks
_NEAR = 0.25  # of the longest mark: as near to it lie the other strokes of its digit
_LIKE = 0.8  # of the longest mark: one beside it that is as long is another digit
_SHORTEST_STROKES = 3.5  # widths of its strokes that a digit is long
_BROADEST = 0.45  # of its length: a square as broad as this does not fit into strokes
# Of the ink's contrast, on the average: the ground stands out less than _EVEN, and the pixel beside
# an edge less than _SHARP unless the ground is blank, less than _BLANK.
_EVEN, _SHARP, _BLANK = 0.12, 0.18, 0.02
_ON_PAPER = 0.4  # less of what lies around a digit on its paper is like its ink
_BLUR = 0.25  # of a stroke's width: as far from its edge the ground begins

# How it is prepared; for the built-in digits as three networks answered best on 180 of MNIST's
# training images and 20 drawings, each on sheets of 18 kinds.
_SIDE = 20  # pixels of MNIST's digits along their longer side
_MNIST_PEN, _OPTICAL_PEN = 0.1, 0.14  # of the longer side: thinner strokes become as broad
_OPTICAL_SIDE = 24  # likewise, of the built-in digits
_OPTICAL_WIDTH = 16  # the most of them across: wider digits are squeezed
_LEAST = 90  # pixels along the longer side of ink that can be moved upright row by row
_UPRIGHT = 0.6  # of the way to upright that they go
_NO_INK = 31  # the faintest level that shows where a digit lies
_HALF = 127  # levels above it are ink where there is nothing between
_EIGHT = np.ones((3, 3), bool)  # all neighbours


FORMS = {
    "mnist": "longer side 20 pixels, centred by its mass, as the data are",
    "digits": "set nearly upright, 24 pixels high and at most 16 wide, blurred, as the data are",
}
"""The data sets whose form is known, and what brings a digit to it, in words."""


class NoDigit(DataError):
    """Nothing on a sheet looks like one digit; the text says what is there."""


class Ink(NamedTuple):
    """A digit's ink (H, W), bytes up to 255, cropped to it; ``light``: lighter than its ground."""

    levels: np.ndarray
    light: bool


class _Written(NamedTuple):
    """Dark ink: its levels, cropped to it, where it lies on its sheet, and how grey it is there.

    ``thinness``: its length in widths of its strokes.
    """

    levels: np.ndarray
    box: tuple[slice, slice]
    grey: float
    thinness: float

    @property
    def length(self) -> int:
        return max(side.stop - side.start for side in self.box)


class _Mark(NamedTuple):
    """Ink that hangs together: its number, its box, and whether the edge cuts it off."""

    number: int
    box: tuple[slice, slice]
    cut: bool

    @property
    def length(self) -> int:
        return max(side.stop - side.start for side in self.box)

    def is_above_or_below(self, other: _Mark) -> bool:
        """Whether they share more than half of the columns of the narrower one."""
        (_, one), (_, two) = self.box, other.box
        shared = min(one.stop, two.stop) - max(one.start, two.start)
        return 2 * shared > min(one.stop - one.start, two.stop - two.start)

    def distance(self, other: _Mark) -> int:
        """Pixels between the boxes, along the axis where there are more."""
        pairs = zip(self.box, other.box, strict=True)
        return max(max(a.start - b.stop, b.start - a.stop, 0) for a, b in pairs)


def find_ink(sheet: np.ndarray) -> Ink:
    """The ink of the one digit on a sheet: grey bytes (H, W), dark on light or light on dark.

    Raises NoDigit for an empty sheet, for several marks of like size, and for what has no strokes
    on an even ground, as a photograph.
    """
    found, reasons = {}, {}
    for light in (False, True):
        try:
            found[light] = _written(255 - sheet if light else sheet)
        except NoDigit as error:
            reasons[light] = error
    if not found:
        raise reasons[_median(sheet) < 128]
    light = False in reasons if reasons else _is_light(sheet, *found.values())
    return Ink(found[light].levels, light)


def _is_light(sheet: np.ndarray, dark: _Written, light: _Written) -> bool:
    """Which of two inks is the digit's; the other is its paper, or lies between its strokes.

    Paper is longer than its digit.  It is broader for its length, and around the digit, as far as
    half of its length, there is little else.
    """
    short, long = sorted((dark, light), key=lambda ink: ink.length)
    reach = short.length // 2
    around = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in short.box)
    is_dark = 2 * sheet[around].astype(int) < dark.grey + 255 - light.grey
    like = is_dark if short is dark else ~is_dark
    on_paper = short.thinness > long.thinness and like.mean() < _ON_PAPER
    return (short if on_paper else long) is light


def written_digit(sheet: np.ndarray, name: str) -> tuple[np.ndarray, bool]:
    """The digit on a sheet, grey bytes (H, W), as the images of a data set of FORMS are.

    Returns bytes (1, 28, 28), light on dark, and whether it was dark on light.  Raises NoDigit.
    """
    ink = find_ink(sheet)
    form = {"mnist": mnist_digit, "digits": optical_digit}[name]
    return form(ink.levels)[np.newaxis], not ink.light


def is_in_form(image: np.ndarray) -> bool:
    """Whether a picture (28, 28), light on dark, lies as the images of those data sets do."""
    on = image > _NO_INK
    if not on.any():
        return False
    rows, columns = _box(on)
    (top, bottom), (left, right) = (
        (side.start, size - side.stop) for side, size in zip((rows, columns), on.shape, strict=True)
    )
    length = max(rows.stop - rows.start, columns.stop - columns.start)
    off_centre = max(abs(top - bottom), abs(left - right))
    return length >= _SIDE - 2 and off_centre < 6 and min(top, bottom, left, right) > 0


def _written(sheet: np.ndarray) -> _Written:
    """Dark ink on a light ground.  Raises NoDigit."""
    smoothed = max(sheet.shape) >= _SMOOTHED
    grey = sheet.astype(np.int32)
    contrast, ground = _contrast(grey, smoothed)
    labels, marks = _marks(_sum_of_nine(contrast) if smoothed else 9 * contrast)
    reason = NoDigit("nothing but lines")
    for cut in (False, True):
        candidates = [mark for mark in marks if mark.cut is cut]
        if candidates:
            try:
                strokes = _strokes(candidates, max(grey.shape))
                ink = np.isin(labels, [mark.number for mark in strokes])
                return _levels(grey, contrast, ground, ink, smoothed)
            except NoDigit as error:
                reason = error
    raise reason


def _contrast(grey: np.ndarray, smoothed: bool) -> tuple[np.ndarray, np.ndarray]:
    """How much darker each pixel is than its ground, of 255; and the ground.

    The ground is the closing with a square wider than strokes: it follows light and shadow.
    """
    from scipy import ndimage

    size = 2 * _rounded(_WINDOW * max(grey.shape)) + 1
    even = (_sum_of_nine(grey) + 4) // 9 if smoothed else grey
    ground = ndimage.minimum_filter(ndimage.maximum_filter(even, size), size)
    bright = np.maximum(ground, _DARKEST)
    return np.maximum(0, (510 * (ground - grey) + bright) // (2 * bright)), ground


def _sum_of_nine(values: np.ndarray) -> np.ndarray:
    """Of each number (H, W) and its neighbours; at the edge it stands for those outside."""
    padded = np.pad(values, 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]


def _marks(contrast: np.ndarray) -> tuple[np.ndarray, list[_Mark]]:
    """The numbers of all that is ink, by nine times its contrast; and marks that may be strokes.

    Raises NoDigit where nothing stands out.
    """
    from scipy import ndimage

    peak = int(contrast.max())  # of which ink has two fifths
    if peak < 9 * _FAINTEST:
        raise NoDigit("nothing stands out from the ground")
    labels, _ = ndimage.label((contrast >= 9 * _FAINTEST) & (5 * contrast >= 2 * peak), _EIGHT)
    marks = []
    for number, box in enumerate(ndimage.find_objects(labels), 1):
        sides = list(zip(box, labels.shape, strict=True))
        cut = any(side.start == 0 or side.stop == size for side, size in sides)
        if not _is_frame(labels, number, box):
            marks.append(_Mark(number, box, cut))
    return labels, marks


def _is_frame(labels: np.ndarray, number: int, box: tuple[slice, slice]) -> bool:
    """Whether a mark is a line from edge to edge of the sheet, or has ink all around most of it."""
    shares = [(side.stop - side.start) / size for side, size in zip(box, labels.shape, strict=True)]
    rows, columns = (side.stop - side.start for side in box)
    edge = max(1, _rounded(0.04 * max(rows, columns)))
    if min(rows, columns) <= edge:
        return max(shares) > 0.9
    if min(shares) <= 0.5:
        return False
    mark = labels[box] == number
    sides = (mark[:edge], mark[-edge:], mark[:, :edge].T, mark[:, -edge:].T)
    return all(10 * side.any(axis=0).sum() > 9 * side.shape[1] for side in sides)


def _strokes(marks: list[_Mark], side: int) -> list[_Mark]:
    """The marks that make the longest one a digit.  Raises NoDigit for specks and several marks."""
    longest = max(marks, key=lambda mark: mark.length)
    if longest.length < max(_SHORTEST, side // 50):
        raise NoDigit("nothing but specks")
    strokes, others = [longest], 0
    for mark in marks:
        if mark is longest or mark.length < _PART * longest.length:
            continue
        like = mark.length >= _LIKE * longest.length
        near = mark.distance(longest) <= _NEAR * longest.length
        if near and (not like or mark.is_above_or_below(longest)):
            strokes.append(mark)
        elif like:
            others += 1
    if others:
        raise NoDigit(f"{1 + others} marks of like size")
    return strokes


def _levels(
    grey: np.ndarray, contrast: np.ndarray, ground: np.ndarray, ink: np.ndarray, smoothed: bool
) -> _Written:
    """What ``_written`` returns, of ink (H, W).  Raises NoDigit where it is no strokes."""
    from scipy import ndimage

    box = _box(ink)
    length = max(side.stop - side.start for side in box)
    level = _median(contrast[ink & (contrast >= _FAINTEST)])  # smoothed ink has paper in it
    margin = max(3, length // 4)
    around = tuple(slice(max(0, side.start - margin), side.stop + margin) for side in box)
    width = _stroke_width(ink)
    # Smoothed ink is broader by a pixel than it was, and a broad stroke may be blurred.
    sharp = _grown(ink[around], int(smoothed))
    blurred = _grown(ink[around], max(int(smoothed), _rounded(_BLUR * width)))
    near = _grown(blurred, 1)
    at_edge = _mean(contrast[around][_grown(sharp, 1) & ~sharp]) / level
    beside = _mean(contrast[around][~near]) / level
    square = 2 * _rounded(_BROADEST * length / 2) + 1
    usual = _median(grey[around])
    if (
        length < _SHORTEST_STROKES * width
        or beside > _EVEN
        or (at_edge > _SHARP and beside > _BLANK)
        or abs(usual - _mean(ground[ink])) >= abs(usual - _mean(grey[ink]))
        or ndimage.minimum_filter(ink[box], square, mode="constant").any()
    ):
        raise NoDigit("no strokes on an even ground, as in a photograph")
    levels = np.clip((10 * contrast[around] - 2 * level) * 255 // (6 * level), 0, 255) * near
    levels = levels.astype(np.uint8)
    return _Written(levels[_box(levels)], box, _mean(grey[ink]), length / width)


def _grown(ink: np.ndarray, pixels: int) -> np.ndarray:
    """Ink with all that is so near to it, in rows and in columns."""
    from scipy import ndimage

    return ndimage.maximum_filter(ink, 2 * pixels + 1, mode="constant")


def _box(ink: np.ndarray) -> tuple[slice, slice]:
    """Where there is any ink."""
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _median(values: np.ndarray) -> int:
    """The lower one of two."""
    return int(np.sort(values, axis=None)[(values.size - 1) // 2])


def _mean(values: np.ndarray) -> float:
    """Zero for none."""
    return values.sum() / max(1, values.size)


def _rounded(value: float) -> int:
    """To the nearest whole number, a half upwards, as JavaScript does."""
    return math.floor(value + 0.5)


def _stroke_width(ink: np.ndarray) -> float:
    """The mean width of strokes (H, W) in pixels: their area over half of their outline.

    The sides of pixels along an outline of all directions are 4 / pi as long as itself.
    """
    padded = np.pad(ink, 1)
    sides = sum((np.diff(padded, axis=axis) != 0).sum() for axis in (0, 1))
    return 2 * ink.sum() / (sides * math.pi / 4)


def broadened(ink: np.ndarray, pen: float) -> np.ndarray:
    """Ink (H, W) with strokes no thinner than ``pen``, a share of its longer side."""
    from scipy import ndimage

    missing = pen * max(ink.shape) - _stroke_width(ink > _HALF)
    radius = _rounded(missing / 2)
    if radius < 1:
        return ink
    padded = np.pad(ink, radius)
    out = np.zeros_like(padded)
    # Row by row of a disc: with all its pixels at once it would take seconds.
    for down in range(-radius, radius + 1):
        across = math.isqrt(radius * (radius + 1) - down * down)
        wide = ndimage.maximum_filter1d(padded, 2 * across + 1, axis=1, mode="constant")
        start, end = max(0, down), len(out) + min(0, down)
        np.maximum(out[start:end], wide[start - down : end - down], out=out[start:end])
    return out


def mnist_digit(ink: np.ndarray, size: tuple[int, int] = (28, 28)) -> np.ndarray:
    """Ink (H, W) as MNIST's digits are, bytes of ``size`` (LeCun et al. 1998, section III.A).

    Scaled to fit 20 x 20 pixels, the aspect kept and anti-aliased, then moved by whole pixels so
    that its centre of mass comes to the centre.  What would leave the field stays at its edge.
    """
    small = _scaled(broadened(ink, _MNIST_PEN), _SIDE)
    moments = (small.sum(axis=1 - axis) @ np.arange(small.shape[axis]) for axis in (0, 1))
    places = (
        min(max(0, _rounded(field / 2 - moment / small.sum())), field - length)
        for field, moment, length in zip(size, moments, small.shape, strict=True)
    )
    return _placed(np.floor(small + 0.5), places, size)


def optical_digit(ink: np.ndarray) -> np.ndarray:
    """Ink (H, W) much as the built-in digits are, bytes (28, 28).

    Those were set upright, and are counts of ink in 8 x 8 cells, enlarged (Alpaydin & Kaynak
    1998).  So a digit is moved most of the way upright, scaled to 24 pixels along its longer side
    and at most 16 across, set in the middle and blurred; with its ink counted in cells as well,
    networks answer no better.
    """
    drawn = _upright(broadened(_enlarged(ink), _OPTICAL_PEN) > _HALF)
    small = _scaled(255 * drawn, _OPTICAL_SIDE, _OPTICAL_WIDTH)
    places = ((28 - length) // 2 for length in small.shape)
    placed = _placed(np.floor(small + 0.5), places, (28, 28)).astype(np.int32)
    padded = np.pad(placed, 1)
    rows = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    return ((rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:] + 8) // 16).astype(np.uint8)


def _enlarged(ink: np.ndarray) -> np.ndarray:
    """Ink (H, W) of few pixels, larger by a whole factor, bilinearly, and cropped to its middle."""
    factor = -(-_LEAST // max(ink.shape))
    if factor < 2:
        return ink
    large = np.pad(ink, 1).astype(np.int64)
    for _ in range(2):
        # In halves of a pixel of the larger one, from the middle of the first pixel on.
        place = 2 * np.arange(factor * len(large)) + 1 - factor
        place = np.clip(place, 0, 2 * factor * (len(large) - 1))
        first = np.minimum(place // (2 * factor), len(large) - 2)
        after = (place - 2 * factor * first)[:, np.newaxis]
        large = (large[first] * (2 * factor - after) + large[first + 1] * after).T
    large = ((large + 2 * factor**2) // (4 * factor**2)).astype(np.uint8)
    return large[_box(large > _HALF)]


def _scaled(ink: np.ndarray, side: int, widest: int | None = None) -> np.ndarray:
    """Ink with a longer side of ``side`` pixels, the aspect kept: the means of equal parts of it.

    Not kept where more than ``widest`` columns would be left.
    """
    rows, columns = (max(1, _rounded(length * side / max(ink.shape))) for length in ink.shape)
    return _means(_means(ink.astype(float).T, min(columns, widest or columns)).T, rows)


def _placed(ink: np.ndarray, places: Iterable[int], size: tuple[int, int]) -> np.ndarray:
    """Ink on black, its first row and column at ``places``."""
    out = np.zeros(size, np.uint8)
    top, left = places
    out[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return out


def _upright(on: np.ndarray) -> np.ndarray:
    """Ink with each row moved sideways, until its axis (second moments) is nearly upright."""
    down, across = np.nonzero(on)
    below, beside = down - down.mean(), across - across.mean()
    tall = (below**2).sum()
    # No more than the diagonal: a lying line has no upright.
    slant = _UPRIGHT * np.clip((below * beside).sum() / tall, -1, 1) if tall else 0
    moved = across - np.floor(slant * below + 0.5).astype(int)
    out = np.zeros((len(on), np.ptp(moved) + 1), bool)
    out[down, moved - moved.min()] = True
    return out[_box(out)]


def _means(values: np.ndarray, count: int) -> np.ndarray:
    """The means over ``count`` equal parts of the first axis; a pixel counts as far as covered."""
    step = len(values) / count
    edges = np.arange(count + 1) * step
    starts = np.arange(len(values))
    covered = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    return np.maximum(covered, 0) / step @ values
