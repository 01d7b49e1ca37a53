"""Classic kernels of image processing, and their effect on an image.

All kernels are written for cross-correlation, which is what convolutional
networks compute: the kernel lies on the image as it is printed.  x points to
the right and y downwards, and a derivative is positive where brightness grows
that way.  (Gonzalez & Woods print the same masks with x pointing down.)
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convlab import functional as F
from convlab import shapes
from convlab.checks import shortened, shown
from convlab.data import MAX_PIXELS, table
from convlab.errors import DataError, ShapeError, SpecError
from convlab.lessons.convolution import resolve_padding
from convlab.lessons.example import own_numbers
from convlab.lessons.relations import SizeRelation, conv_size
from convlab.names import meant
from convlab.numerals import Grain, grain, number, summing_type, sums
from convlab.shapes import Pair, Sides
from convlab.tape import no_grad
from convlab.tensors import Tensor
from convlab.viz import ShownKernel, ShownResult
from convlab.words import joined, t

MAX_KERNEL = 255
"""The most rows or columns of a kernel."""

_FULL_RECORD = 64  # images up to this many rows and columns are recorded in full

_TO_THE_RIGHT = t("positive where brightness grows to the right")
_DOWNWARDS = t("positive where brightness grows downwards")
_GRADIENT = t("magnitude and direction of the gradient")


@dataclass(frozen=True)
class ClassicKernel:
    """A kernel, or the two kernels of a gradient.

    weights: (1, KH, KW), or (2, KH, KW) for a pair (x, y), float64.  ``turn``:
    degrees from x to the direction of the first kernel, 45 for Roberts' cross.
    ``meaning`` says what the values mean, ``source`` who published it.
    """

    name: str
    title: str
    weights: np.ndarray
    meaning: str = ""
    source: str = ""
    turn: float = 0.0

    @property
    def is_pair(self) -> bool:
        """Whether it gives a gradient: magnitude and direction."""
        return len(self.weights) == 2

    @property
    def is_derivative(self) -> bool:
        """Whether its weights add up to zero, so that a uniform area becomes zero."""
        sums = self.weights.astype(float).sum(axis=(1, 2))
        return bool(np.all(np.abs(sums) <= 1e-6 * np.abs(self.weights).sum(axis=(1, 2))))

    @property
    def is_symmetric(self) -> bool:
        """Whether rotating it by 180 degrees changes nothing."""
        return np.array_equal(self.weights, self.weights[:, ::-1, ::-1])


@dataclass(frozen=True)
class _Fixed:
    """A kernel without a parameter; ``rows`` are for one kernel or a pair."""

    title: str
    kernels: Sequence[Sequence[Sequence[float]]]
    meaning: str
    source: str = ""
    turn: float = 0.0


def _transposed(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _gradients(
    name: str, title: str, x: Sequence[Sequence[float]], source: str
) -> dict[str, _Fixed]:
    """A derivative to the right, the same downwards, and both as a pair."""
    y = _transposed(x)
    return {
        f"{name}-x": _Fixed(t("{title}, x", title), [x], _TO_THE_RIGHT, source),
        f"{name}-y": _Fixed(t("{title}, y", title), [y], _DOWNWARDS, source),
        name: _Fixed(title, [x, y], _GRADIENT, source),
    }


_ROBERTS = "Roberts 1963"
_CHANNELS = {"red": t("red channel"), "green": t("green channel"), "blue": t("blue channel")}
_ROBERTS_X, _ROBERTS_Y = [[-1, 0], [0, 1]], [[0, -1], [1, 0]]
_VERTICAL = [[1, 0, -1]] * 3

_FIXED: dict[str, _Fixed] = {
    **_gradients("sobel", "Sobel", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], "Sobel & Feldman 1968"),
    **_gradients("scharr", "Scharr", [[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]], "Scharr 2000"),
    **_gradients("prewitt", "Prewitt", [[-1, 0, 1]] * 3, "Prewitt 1970"),
    "roberts-x": _Fixed(
        t("{title}, x", "Roberts"),
        [_ROBERTS_X],
        t("positive where brightness grows to the lower right"),
        _ROBERTS,
    ),
    "roberts-y": _Fixed(
        t("{title}, y", "Roberts"),
        [_ROBERTS_Y],
        t("positive where brightness grows to the lower left"),
        _ROBERTS,
    ),
    "roberts": _Fixed("Roberts", [_ROBERTS_X, _ROBERTS_Y], _GRADIENT, _ROBERTS, turn=45.0),
    "laplacian": _Fixed(
        "Laplacian",
        [[[0, 1, 0], [1, -4, 1], [0, 1, 0]]],
        t("second derivatives along x and y added; 0 on even slopes"),
        "Gonzalez & Woods, section 3.6",
    ),
    "sharpen": _Fixed(
        t("Sharpen"),
        [[[0, -1, 0], [-1, 5, -1], [0, -1, 0]]],
        t("the image less its Laplacian"),
        "Gonzalez & Woods, section 3.6",
    ),
    "emboss": _Fixed(
        t("Emboss"),
        [[[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]],
        t("the image and its slope to the lower right"),
    ),
    "vertical": _Fixed(
        t("Vertical edges"), [_VERTICAL], t("positive where brightness falls to the right")
    ),
    "horizontal": _Fixed(
        t("Horizontal edges"),
        [_transposed(_VERTICAL)],
        t("positive where brightness falls downwards"),
    ),
    "identity": _Fixed(t("Identity"), [[[0, 0, 0], [0, 1, 0], [0, 0, 0]]], t("the image itself")),
}

KERNELS = (*_FIXED, "gaussian:SIGMA", "box:K", "motion:K")
"""The named kernels, as users write them."""


def _gaussian(text: str) -> ClassicKernel:
    try:
        sigma = float(text)
    except ValueError:
        sigma = math.nan
    if not 0 < sigma < math.inf:
        raise SpecError(f"kernel gaussian:SIGMA: expected a sigma above 0 pixels, got {text!r}")
    # Cut off where SciPy does, at four standard deviations.
    reach = int(min(4 * sigma + 0.5, 1e7))
    _check_size(f"gaussian:{text}", 2 * reach + 1)
    axis = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    axis /= axis.sum()
    return ClassicKernel(
        name=f"gaussian:{sigma:.15g}",
        title=f"Gaussian, σ = {number(sigma, 15)}",
        weights=np.outer(axis, axis)[None],
        meaning=t("weighted mean, cut at 4σ = {reach} pixels", reach),
    )


def _length(name: str, text: str) -> int:
    length = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
    if length < 1:
        raise SpecError(f"kernel {name}:K: expected a whole number of pixels from 1, got {text!r}")
    _check_size(f"{name}:{text}", length)
    return length


def _box(text: str) -> ClassicKernel:
    length = _length("box", text)
    return ClassicKernel(
        name=f"box:{length}",
        title=f"Box, {shapes.size_text(length, length)}",
        weights=np.full((1, length, length), 1 / length**2),
        meaning=t("mean of {value} pixels", length**2),
    )


def _motion(text: str) -> ClassicKernel:
    length = _length("motion", text)
    return ClassicKernel(
        name=f"motion:{length}",
        title=t("Motion over {length} pixels", length),
        weights=np.full((1, 1, length), 1 / length),
        meaning=t("mean of {length} pixels side by side", length),
    )


_WITH_PARAMETER = {"gaussian": ("SIGMA", _gaussian), "box": ("K", _box), "motion": ("K", _motion)}


def _check_size(name: str, side: int) -> None:
    if side > MAX_KERNEL:
        raise SpecError(
            f"kernel {name}: expected at most {MAX_KERNEL} rows and columns, got {side}"
        )


def _own_kernel(name: str, title: str, rows: list[list[str]]) -> ClassicKernel:
    name, rows = shortened(name), [row for row in rows if row]
    if not rows:
        raise SpecError(f"kernel {name}: expected rows of numbers, got none")
    lengths = [len(row) for row in rows]
    if len(set(lengths)) > 1:
        raise SpecError(
            f"kernel {name}: expected rows of one length, got"
            f" {', '.join(map(str, lengths[:8]))}{', ...' if len(lengths) > 8 else ''}"
        )
    _check_size(name, max(len(rows), lengths[0]))
    weights = np.empty((1, len(rows), lengths[0]))
    for index, text in enumerate(cell for row in rows for cell in row):
        try:
            weights.flat[index] = table.number(text)
        except ValueError:
            row, column = divmod(index, lengths[0])
            raise SpecError(
                f"kernel {name}: expected a number of at most {table.LARGEST:g} in row {row},"
                f" column {column}, got {shown(text)}"
            ) from None
    return ClassicKernel(name=name, title=title, weights=weights)


def _csv_kernel(name: str) -> ClassicKernel:
    try:
        rows = table.read_rows(name)
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror})") from None
    return _own_kernel(name, t("Kernel of {name}", Path(name).name), rows)


def _array_kernel(values: ArrayLike) -> ClassicKernel:
    numbers = own_numbers(values, "kernel", 2)
    _check_size("array", max(numbers.shape))
    rows = [[repr(number).removesuffix(".0") for number in row] for row in numbers.tolist()]
    return _own_kernel(repr("; ".join(map(" ".join, rows))), t("Own kernel"), rows)


def classic_kernel(kernel: str | os.PathLike | ArrayLike) -> ClassicKernel:
    """The kernel that a text names, spells or points to, or that an array of rows is.

    A name of KERNELS; rows of numbers such as "1 0 -1; 2 0 -2; 1 0 -1" (also
    with commas, and fractions such as 1/9); the path of a .csv file; or an array
    (rows, columns).  The numbers are those of a cross-correlation.

    Sobel: 1-2-1, Sobel & Feldman 1968.  Prewitt: 1-1-1, Prewitt 1970.  Scharr:
    3-10-3, Scharr 2000.  Roberts' cross, 1963.  Laplacian with four neighbours
    and sharpening by it: Gonzalez & Woods, "Digital Image Processing", section
    3.6; their section 10.2 has the masks of all these gradients.  A Gaussian is
    cut at 4 sigma, and like box and motion divided by its sum.

    Raises SpecError for an unknown name, a parameter or numbers that do not
    fit, DataError for a file that cannot be read, and ShapeError or DTypeError
    for an array that is no rows of numbers.
    """
    if not isinstance(kernel, str | os.PathLike):
        return _array_kernel(kernel)
    text = str(kernel).strip()
    if text in _FIXED:
        fixed = _FIXED[text]
        return ClassicKernel(
            name=text,
            title=fixed.title,
            weights=np.array(fixed.kernels, float),
            meaning=fixed.meaning,
            source=fixed.source,
            turn=fixed.turn,
        )
    if text.lower().endswith(".csv") or text == "-":
        return _csv_kernel(text)
    name, colon, parameter = text.partition(":")
    if name in _WITH_PARAMETER:
        word, build = _WITH_PARAMETER[name]
        if not colon:
            raise SpecError(f"kernel {name}: expected {name}:{word}, such as {name}:3")
        return build(parameter)
    if text[:1] in tuple("0123456789+-.\u2212"):
        rows = [row.replace(",", " ").split() for row in text.split(";")]
        return _own_kernel(repr(text), t("Own kernel"), rows)
    raise SpecError(
        f"kernel: expected one of {', '.join(KERNELS)}, rows such as '1 0 -1; 2 0 -2; 1 0 -1',"
        f" or a .csv file, got {text!r}{meant(text, KERNELS)}"
    )


# --- the effect of a kernel on an image -----------------------------------------------


@dataclass(frozen=True)
class Applied:
    """An image under a kernel, with everything that led there.

    image (C, H, W) and padded (C, PH, PW) in the image's units, grey levels for
    pictures; taps (K, KH, KW), the kernels as they lie on the image, rotated with ``flip``; output
    (K, C, OH, OW), all float32, or float64 if a small image's sums need it; ``grain`` is what is
    known about them.  ``padding`` is (top, bottom, left, right) in pixels.
    """

    image: np.ndarray
    padded: np.ndarray
    kernel: ClassicKernel
    taps: np.ndarray
    output: np.ndarray
    grain: Grain
    stride: Pair
    padding: Sides
    padding_mode: str
    flip: bool
    relations: tuple[SizeRelation, SizeRelation]

    def setting(self) -> str:
        """Padding and stride in words: "padding 1, replicate"."""
        if not any(self.padding):
            text = t("no padding")
        elif len(set(self.padding)) == 1:
            text = t("padding {padding}, {padding_mode}", self.padding[0], self.padding_mode)
        else:
            sides = ", ".join(map(str, self.padding))
            text = t(
                "padding {sides} (top, bottom, left, right), {padding_mode}",
                *(sides, self.padding_mode),
            )
        if self.stride == (1, 1):
            return text
        down, across = self.stride
        return t(
            "{text}, stride {value}",
            *(text, down if down == across else shapes.size_text(down, across)),
        )

    @cached_property
    def magnitude(self) -> np.ndarray:
        """(C, OH, OW): length of the gradient; only for a pair."""
        x, y = self.output
        return np.hypot(x, y)

    @cached_property
    def direction(self) -> np.ndarray:
        """(C, OH, OW): where brightness grows most, in degrees above -180 up to 180.

        0 is to the right and 90 downwards; also 0 where the gradient is 0.  Only for a pair.
        """
        x, y = self.output
        degrees = np.degrees(np.arctan2(y, x))
        if self.kernel.turn:
            degrees += np.float32(self.kernel.turn)
            degrees[degrees > 180] -= 360
        # atan2 distinguishes a negative zero, which is the same direction.
        degrees[degrees == -180] = 180
        degrees[self.magnitude == 0] = 0
        return degrees


def apply_kernel(
    image: np.ndarray,
    kernel: ClassicKernel,
    *,
    stride: int | Pair = 1,
    padding: str | int | tuple[int, ...] = "same",
    padding_mode: str = "replicate",
    flip: bool = False,
) -> Applied:
    """Slide a kernel over each channel of an image, in float32.

    Sums of a small image, whose numbers are shown, are computed in float64 if float32 loses digits.

    image: (H, W) or (C, H, W).  ``padding``: "same" (half padding, o = ceil(i /
    s) for stride s), "valid", "full", or numbers as in ``shapes.padding_sides``;
    ``padding_mode``: one of ``shapes.PADDING_MODES``.  ``flip`` rotates the kernel by 180 degrees:
    true convolution.

    Raises ShapeError, with the relation, for a kernel larger than the padded
    image, and for padding that the mode cannot give; SpecError for another mode.
    """
    image = np.asarray(image, np.float32)
    image = image[None] if image.ndim == 2 else image
    if image.ndim != 3 or 0 in image.shape:
        raise ShapeError(f"expected an image (H, W) or (C, H, W), got {image.shape}")
    stride = shapes.pair(stride, "stride")
    channels, *size = image.shape
    window = kernel.weights.shape[1:]
    # Without the stride, as half padding gives ceil(i / s) pixels for every stride s.
    sides = resolve_padding(padding, tuple(size), window)
    relations = shapes.on_axes(
        lambda axis: conv_size(size[axis], window[axis], stride[axis], *shapes.along(sides, axis))
    )
    padded = [size[axis] + sum(shapes.along(sides, axis)) for axis in (0, 1)]
    shapes.check_numbers("padded image", padded, MAX_PIXELS)
    terms = kernel.weights[0].size
    small = max(size) <= _FULL_RECORD
    dtype = summing_type(terms, image, kernel.weights) if small else np.dtype(np.float32)
    image, weights = image.astype(dtype), kernel.weights.astype(dtype)
    taps = weights[:, ::-1, ::-1] if flip else weights
    top, bottom, left, right = sides
    with no_grad():
        x = Tensor(image[None])
        if any(sides):
            mode = "constant" if padding_mode == "zeros" else padding_mode
            x = F.pad(x, (left, right, top, bottom), mode)
        # Each channel is its own group, with all kernels.
        weight = Tensor(np.tile(taps[:, None], (channels, 1, 1, 1)))
        output = F.conv2d(x, weight, stride=stride, groups=channels).numpy()[0]
    output = output.reshape(channels, len(taps), *output.shape[1:]).swapaxes(0, 1)
    return Applied(
        image=image,
        padded=x.numpy()[0],
        kernel=kernel,
        taps=taps,
        output=output,
        grain=grain(terms, image, weights) if small else Grain(None),
        stride=stride,
        padding=sides,
        padding_mode=padding_mode,
        flip=flip,
        relations=relations,
    )


def turned_by(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Degrees from directions ``second`` to directions ``first``, above -180 up to 180."""
    difference = first - second
    difference[difference > 180] -= 360
    difference[difference <= -180] += 360
    return difference


@dataclass(frozen=True)
class AppliedView:
    """What a picture of an applied kernel shows: the results, their differences, and words.

    ``convolved`` is the same with the kernel rotated, None to show only the cross-correlation.
    ``levels``: the image's values from black to white; ``unit``: their unit, in words, empty for
    none.  ``threshold``: the least magnitude whose direction is shown, None for a tenth of the
    largest.
    """

    applied: Applied
    convolved: Applied | None = None
    levels: tuple[float, float] = (0.0, 255.0)
    unit: str = ""
    threshold: float | None = None

    @cached_property
    def least(self) -> float:
        """The least magnitude whose direction is shown."""
        if self.threshold is None:
            return float(self.applied.magnitude.max()) / 10
        return self.threshold

    def _turned(self) -> Applied:
        """The result of convolution.  Raises SpecError where only cross-correlation is shown."""
        if self.convolved is None:
            raise SpecError("differences: expected the convolution beside the cross-correlation")
        return self.convolved

    @property
    def agree(self) -> bool:
        """Whether both results are the same numbers; only with ``convolved``."""
        return np.array_equal(self.applied.output, self._turned().output)

    def differences(self) -> list[np.ndarray]:
        """Cross-correlation minus convolution, each (C, OH, OW); only with ``convolved``.

        For one kernel that of the output; for a pair that of the magnitude, and of the direction in
        degrees.
        """
        ours, turned = self.applied, self._turned()
        if not ours.kernel.is_pair:
            return [ours.output[0] - turned.output[0]]
        turn = turned_by(ours.direction, turned.direction)
        turn[~(self._known(ours) & self._known(turned))] = 0
        return [ours.magnitude - turned.magnitude, turn]

    def _known(self, applied: Applied) -> np.ndarray:
        return (applied.magnitude >= self.least) & (applied.magnitude > 0)

    def numbers(self) -> np.ndarray:
        """All results as one array.

        (H, W), or (3, H, W) for an RGB image; (2, H, W) for a pair, magnitude and direction.  With
        ``convolved`` (2, ...): cross-correlation, then convolution.
        """
        each = []
        for applied in (self.applied, self.convolved):
            if applied is not None and applied.kernel.is_pair:
                each.append(np.concatenate([applied.magnitude, applied.direction]))
            elif applied is not None:
                each.append(applied.output[0] if len(applied.image) > 1 else applied.output[0, 0])
        return each[0] if len(each) == 1 else np.stack(each)

    # For a figure -------------------------------------------------------------------------

    def kernels(self) -> list[list[ShownKernel]]:
        """Rows of kernels: x above y for a pair, and beside them the rotated ones."""
        names = [t("Kernel x"), t("Kernel y")] if self.applied.kernel.is_pair else [t("Kernel")]
        rows = [
            [ShownKernel(name, taps)] for name, taps in zip(names, self.applied.taps, strict=True)
        ]
        if self.convolved is not None:
            for row, taps in zip(rows, self.convolved.taps, strict=True):
                row.append(ShownKernel(t("Turned"), taps))
        return rows

    def results(self) -> list[list[ShownResult]]:
        """Rows of maps: one, or magnitude and direction, and beside them those of convolution."""
        if self.applied.kernel.is_pair:
            return self._gradient()
        shown = [self.applied, *([self.convolved] if self.convolved is not None else [])]
        titles = (
            [t("Cross-correlation"), t("Convolution")]
            if self.convolved is not None
            else [t("Output")]
        )
        levels = self._image_levels
        if levels is not None:
            maps = [a.output[0] if len(a.image) > 1 else a.output[0, 0] for a in shown]
            row = [
                ShownResult(title, values, "image", levels, grain=self.applied.grain)
                for title, values in zip(titles, maps, strict=True)
            ]
            if self.convolved is not None:
                row.append(self._difference())
            return [row]
        rows = []
        for channel in range(len(self.applied.image)):
            name = ("red", "green", "blue")[channel] if len(self.applied.image) > 1 else None
            note = _CHANNELS[name] if name else ""
            row = [
                ShownResult(
                    title, a.output[0, channel], "signed", note=note, channel=name, grain=a.grain
                )
                for title, a in zip(titles, shown, strict=True)
            ]
            if self.convolved is not None:
                values = self.differences()[0][channel]
                row.append(self._subtracted(values, note))
            rows.append(row)
        return rows

    def _subtracted(self, values: np.ndarray, note: str = "") -> ShownResult:
        ours = self.applied.grain
        return ShownResult(
            t("Difference"),
            values,
            "signed",
            note=note,
            difference=True,
            grain=Grain(ours.places, 3 * ours.error),
        )

    def _difference(self) -> ShownResult:
        (values,) = self.differences()
        if len(values) == 1:
            return self._subtracted(values[0])
        largest = np.abs(values).max(axis=0)
        note = "largest of the channels"
        return ShownResult(t("Difference"), largest, "magnitude", note=note, difference=True)

    def _gradient(self) -> list[list[ShownResult]]:
        magnitudes, directions = [], []
        shown = [(self.applied, "cross-correlation"), (self.convolved, "convolution")]
        for applied, word in shown:
            if applied is None:
                continue
            note = word if self.convolved is not None else ""
            # float64 tells whether a length is a whole number.
            lengths = np.hypot(*applied.output[:, 0].astype(float))
            magnitudes.append(ShownResult(t("Magnitude"), lengths, "magnitude", note=note))
            directions.append(
                ShownResult(
                    t("Direction"),
                    applied.direction[0],
                    "direction",
                    known=self._known(applied)[0],
                    note=note,
                )
            )
        if self.convolved is not None:
            length, turn = (values[0].astype(float) for values in self.differences())
            known = (self._known(self.applied) & self._known(self.convolved))[0]
            magnitudes.append(
                ShownResult(
                    t("Difference"), length, "signed", note=t("of magnitudes"), difference=True
                )
            )
            directions.append(
                ShownResult(
                    t("Difference"),
                    turn,
                    "direction",
                    known=known,
                    note=t("of directions"),
                    difference=True,
                )
            )
        return [magnitudes, directions]

    def strongest(self) -> Pair | None:
        """Row and column of the largest result whose window has pixels around it.

        Of what is shown as an image that which changes its pixel most.  None for another stride
        than 1 and for images that have none.
        """
        rows, columns = self.applied.taps.shape[1:]
        top, _, left, _ = self.applied.padding
        image, output = self.applied.image, self.applied.output
        _, _, high, wide = output.shape
        down, across = max(1, rows // 2), max(2, columns)
        # Results whose windows, and as much again, are inside the image.
        first, last = top + down, high - 1 - down - max(0, top)
        start, end = left + across, wide - 1 - across - max(0, left)
        if self.applied.stride != (1, 1) or first > last or start > end:
            return None
        inside = output[:, :, first : last + 1, start : end + 1]
        if self._image_levels is not None:
            row, column = first - top + rows // 2, start - left + columns // 2
            height, width = inside.shape[2:]
            inside = inside - image[:, row : row + height, column : column + width]
        strength = np.sqrt((inside.astype(float) ** 2).sum(axis=(0, 1)))
        row, column = np.unravel_index(strength.argmax(), strength.shape)
        return int(row) + first, int(column) + start

    def facts(self) -> list[tuple[str, str]]:
        """(label, text) of the difference, the output's size, the directions and the kernel."""
        kernel, (rows, columns) = self.applied.kernel, self.applied.relations
        facts = []
        if self.convolved is not None:
            facts.append((t("difference"), self._difference_text()))
        facts.append((t("output size"), t("rows {rows}, columns {columns}", rows, columns)))
        if kernel.is_pair:
            least = t("where the magnitude is at least {number}", number(self.least, 4))
            share = t(", a tenth of the largest") if self.threshold is None else ""
            facts.append(
                (t("direction"), t("{least}{share}; 0° to the right, 90° downwards", least, share))
            )
        if kernel.meaning:
            facts.append((t("kernel"), joined([kernel.meaning, kernel.source], "; ")))
        return facts

    def values(self) -> tuple[str, str]:
        """(label, text) of the smallest and largest value, or of the gradient's magnitude.

        Of what is shown as an image also how values beyond its levels are.
        """
        kernel = self.applied.kernel
        values = self.applied.magnitude if kernel.is_pair else self.applied.output
        known = None if kernel.is_pair else self.applied.grain
        name = t("magnitude") if kernel.is_pair else t("values")
        return name, joined([_range(values, known), self._unit(), self._cut_off()], "")

    @property
    def _image_levels(self) -> tuple[float, float] | None:
        """What black and white are of a result that is an image, as without a derivative."""
        kernel = self.applied.kernel
        total = float(kernel.weights.sum(dtype=float))
        if kernel.is_pair or kernel.is_derivative or total <= 0:
            return None
        low, high = self.levels
        # Weights that add up to 1, apart from rounding, keep the levels unchanged.
        gain = 1.0 if math.isclose(total, 1, rel_tol=1e-5) else total
        return low * gain, high * gain

    def _cut_off(self) -> str:
        """How values are shown that are darker than black or lighter than white."""
        if self._image_levels is None:
            return ""
        low, high = self._image_levels
        values, rounding = self.applied.output, 1e-5 * (high - low)
        parts = []
        if values.min() < low - rounding:
            parts.append(t("below {number} as black", number(low)))
        if values.max() > high + rounding:
            parts.append(t("above {number} as white", number(high)))
        return t(", shown {how}", joined(parts, " and ")) if parts else ""

    def _unit(self) -> str:
        return t(" {unit}", self.unit) if self.unit else ""

    def _difference_text(self) -> str:
        if self.agree and self.applied.kernel.is_symmetric:
            return t("none: the kernel turned by 180° is the same, so both agree exactly")
        if self.agree:
            return t("none: the kernel turned by 180° is another, but both agree exactly here")
        words = (t("magnitude "), t("direction ")) if self.applied.kernel.is_pair else ("",)
        parts = []
        for values, word, unit in zip(self.differences(), words, (self._unit(), "°"), strict=False):
            _, row, column = np.unravel_index(np.abs(values).argmax(), values.shape)
            largest = float(np.abs(values).max())
            where = t(
                "at most {number}{unit}, at row {row}, column {column}",
                *(number(largest, 4), unit, row, column),
            )
            parts.append(joined([word, where if largest else t("none")], ""))
        return joined(parts, "; ")


def _range(values: np.ndarray, known: Grain | None = None) -> str:
    ends = np.array([values.min(), values.max()])
    if known is not None and known.holds():
        return " to ".join(sums(ends, known).marked())
    return " to ".join(number(end, 4) for end in ends)


def record(values: np.ndarray) -> Any:
    """An image or result for a file of numbers.

    Up to 64 × 64 the array itself; for a larger one only its shape, smallest and largest value, and
    the SHA-256 of its bytes in row order, since a photograph would be megabytes of digits.
    """
    if max(values.shape[-2:]) <= _FULL_RECORD:
        return values
    return {
        "shape": values.shape,
        "dtype": str(values.dtype),
        "smallest": float(values.min()),
        "largest": float(values.max()),
        "sha256": hashlib.sha256(np.ascontiguousarray(values).data).hexdigest(),
    }


# --- how exact the direction of a gradient is ---------------------------------------------------

GRADIENTS = ("roberts", "prewitt", "sobel", "scharr")
_TURNS = np.arange(0.0, 45.5, 0.5)  # what is beyond 45 degrees is the same, mirrored


@cache
def direction_errors() -> dict[str, float]:
    """The largest error in degrees of each gradient's direction, by the kernels' titles.

    The image is an edge from 0 to 255, blurred by a Gaussian of 1 pixel, through the middle of the
    pixel that is looked at (for an even kernel its corner), turned from 0 to 45 degrees in steps
    of half a degree.
    """
    found = {}
    for name in GRADIENTS:
        kernel = classic_kernel(name)
        rows, columns = kernel.weights.shape[1:]
        y, x = np.mgrid[:rows, :columns] - (np.array([rows, columns]) - 1)[:, None, None] / 2
        turns = np.radians(_TURNS)[:, None, None]
        across = x * np.cos(turns) + y * np.sin(turns)
        edges = 127.5 * (1 + np.vectorize(math.erf)(across / math.sqrt(2)))
        seen = apply_kernel(edges, kernel, padding="valid").direction[:, 0, 0]
        found[kernel.title] = float(np.abs(turned_by(seen.astype(float), _TURNS)).max())
    return found
