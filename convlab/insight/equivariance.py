"""Whether layers follow a shift of the image, and how much accuracy a shift costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convlab.data.batches import Scaling, to_floats
from convlab.errors import ShapeError, SpecError, require_finite
from convlab.models import Network, summarise
from convlab.nn import Field
from convlab.tape import no_grad
from convlab.tensors import Tensor

TRANSFORMS = ("shift", "rotation", "scale")
BORDERS = ("circular", "zeros")
DIRECTIONS = {"down": (1, 0), "up": (-1, 0), "right": (0, 1), "left": (0, -1)}
BATCH, MOST_FLOATS = 64, 1 << 25  # images at a time, and numbers in all their maps


@dataclass(frozen=True, eq=False)
class LayerEquivariance:
    """How far a layer is from following a transform of the image.

    ``map_size`` (rows, columns); ``stride``: effective strides in input pixels
    (rows, columns).  For each amount ``errors`` has the mean over images of
    ||f(T x) - T' f(x)|| / ||f(x)||, NaN where no cell is left to compare; ``cells`` says by how
    many cells T' shifts the maps, and ``rounded`` whether that is only the nearest whole number
    (both are None for rotations and scales).  ``inner`` has the errors over only those cells whose
    receptive fields lie within the image, away from what the shift brings in, so that zero padding
    has no effect on them.  None for rotations and scales.
    """

    name: str
    kind: str
    map_size: tuple[int, int]
    stride: tuple[int, int]
    errors: NDArray
    cells: NDArray | None = None
    rounded: NDArray | None = None
    inner: NDArray | None = None


@dataclass(frozen=True, eq=False)
class Commuting:
    """One image in both orders: f(T x) and T' f(x), maps (C, h, w).

    ``cells`` (rows, columns) is how far T' shifts; ``rounded`` whether that is only
    the nearest whole number.  ``compared`` (h, w) marks the cells that ``error``
    counts; ``maps`` is f(x).  ``inner`` is the error of only those cells whose receptive fields lie
    within the image, away from what the shift brings in; NaN if there are none.
    """

    layer: str
    shifted_image: NDArray
    maps: NDArray
    maps_of_shifted: NDArray
    shifted_maps: NDArray
    cells: tuple[int, int]
    rounded: bool
    compared: NDArray
    error: float
    inner: float


def shift(
    x: NDArray, rows: int, columns: int, border: str = "circular", background: ArrayLike = 0
) -> NDArray:
    """Images or maps (..., H, W) moved down by ``rows`` and right by ``columns`` cells.

    ``circular``: what leaves on one side comes back on the other.  ``zeros``: what leaves is lost
    and replaced by ``background``, a number or an array that broadcasts.  Negative numbers move up
    and left.  Raises SpecError for another border.
    """
    if border not in BORDERS:
        raise SpecError(f"border: expected one of {', '.join(BORDERS)}, got {border!r}")
    moved = np.roll(x, (rows, columns), (-2, -1))
    if border == "circular":
        return moved
    return np.where(_covered(x.shape[-2:], rows, columns), moved, np.asarray(background, x.dtype))


def _covered(size: tuple[int, int], rows: int, columns: int) -> NDArray:
    """(H, W) booleans: where a shift that does not wrap around leaves part of the image."""
    height, width = size
    row, column = np.arange(height)[:, None] - rows, np.arange(width) - columns
    return (row >= 0) & (row < height) & (column >= 0) & (column < width)


def rotate(x: NDArray, degrees: float, background: ArrayLike = 0) -> NDArray:
    """Images or maps (..., H, W) rotated anticlockwise about their centre.

    Exact for multiples of 90 degrees, which need square images; else bilinear
    (scipy.ndimage), with ``background`` outside the image.
    """
    if degrees % 90 == 0 and (x.shape[-1] == x.shape[-2] or degrees % 180 == 0):
        return np.rot90(x, int(degrees // 90), (-2, -1))
    angle = math.radians(degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    return _resample(x, np.array([[cosine, sine], [-sine, cosine]]), background)


def rescale(x: NDArray, factor: float, background: ArrayLike = 0) -> NDArray:
    """Images or maps (..., H, W) enlarged about their centre, bilinearly; 1 changes nothing."""
    return x if factor == 1 else _resample(x, np.eye(2) / factor, background)


def _resample(x: NDArray, matrix: NDArray, background: ArrayLike) -> NDArray:
    """The value at ``matrix`` times each position, both measured from the centre of (H, W)."""
    from scipy import ndimage

    size = np.array(x.shape[-2:])
    offset = (size - 1) / 2 - matrix @ ((size - 1) / 2)
    background = np.broadcast_to(np.asarray(background, x.dtype), (*x.shape[:-2], 1, 1))
    planes = (x - background).reshape(-1, *size)
    moved = np.stack([ndimage.affine_transform(p, matrix, offset, order=1) for p in planes])
    return moved.reshape(x.shape) + background


def _away_from_border(
    field: Field, size: tuple[int, int], image: tuple[int, int], by, cells
) -> NDArray:
    """(h, w) booleans: cells whose fields lie within the image before and after a shift.

    ``by`` (rows, columns) pixels of the image, ``cells`` of the maps.  Such cells have read neither
    padding nor what the shift brought in.
    """
    free = []
    for axis, length, pixels, amount, moved in zip(field, size, image, by, cells, strict=True):
        first, last = max(amount, 0), pixels + min(amount, 0)
        inside = np.zeros(length, bool)
        for unit in range(max(moved, 0), length + min(moved, 0)):
            (start, end), (start_before, end_before) = axis.span(unit), axis.span(unit - moved)
            inside[unit] = start >= first and end <= last
            inside[unit] &= start_before >= 0 and end_before <= pixels
        free.append(inside)
    return free[0][:, None] & free[1]


def _nearest(shift_by: int, stride: int) -> int:
    return math.floor(shift_by / stride + 0.5)


def equivariance(
    network: Network,
    x: NDArray,
    amounts: Sequence[float],
    *,
    transform: str = "shift",
    border: str = "circular",
    layers: Sequence[str] | None = None,
    background: ArrayLike = 0,
) -> list[LayerEquivariance]:
    """For each layer with feature maps and each amount, how far f(T x) is from T' f(x).

    x: (N, C, H, W) float32 as the network takes it.  A ``shift`` moves the image
    right by a whole number of pixels and T' the maps by that divided by the
    layer's effective stride, to the nearest whole cell (a half: up); a
    ``rotation`` is in degrees anticlockwise and a ``scale`` a factor, for image
    and maps alike.  If the transform brings in ``background`` (``border`` zeros, rotations,
    scales), only the cells that it takes from inside the maps are compared.

    Circular padding and stride 1 are exactly equivariant to circular shifts, stride
    2 to even ones only; max pooling, strided convolution and average pooling
    each break it (Zhang 2019, section 3).  Raises SpecError for an unknown transform,
    border or layer and for an amount that does not fit, ShapeError for images of another size.
    """
    if transform not in TRANSFORMS:
        raise SpecError(f"transform: expected one of {', '.join(TRANSFORMS)}, got {transform!r}")
    if border not in BORDERS:
        raise SpecError(f"border: expected one of {', '.join(BORDERS)}, got {border!r}")
    if x.ndim != 4 or not len(x) or x.shape[1:] != tuple(network.input_shape):
        raise ShapeError(
            f"expected images of shape (N, {', '.join(map(str, network.input_shape))}), got"
            f" {x.shape}"
        )
    _check_amounts(transform, amounts, x.shape[-1])
    shown = _with_maps(network, layers)
    background = np.asarray(background, x.dtype).reshape(-1, 1, 1)
    transformed = partial(_transformed, transform, border)
    sums = {row.name: np.zeros(len(amounts)) for row in shown}
    inner = {row.name: np.zeros(len(amounts)) for row in shown}
    # All maps of a batch are kept, so fewer images at a time if they are large.
    floats = sum(math.prod(row.output_shape) for row in shown)
    size = max(1, min(BATCH, MOST_FLOATS // floats))
    for start in range(0, len(x), size):
        batch = x[start : start + size]
        plain = _maps(network, batch, sums.keys())
        for index, amount in enumerate(amounts):
            moved = _maps(network, transformed(batch, amount, fill=background), sums.keys())
            for row in shown:
                stride, maps = row.receptive_field[1].stride, plain[row.name]
                # What comes in from outside is zero, so ones mark where nothing did.
                inside = transformed(np.ones(maps.shape[2:]), amount, stride) > 1 - 1e-6
                after = transformed(maps, amount, stride)
                sums[row.name][index] += _errors(moved[row.name], after, inside).sum()
                if transform == "shift":
                    by, cells = (0, int(amount)), (0, _nearest(int(amount), stride))
                    sizes = maps.shape[2:], x.shape[2:]
                    away = _away_from_border(row.receptive_field, *sizes, by, cells)
                    inner[row.name][index] += _errors(moved[row.name], after, away).sum()
    results = []
    for row in shown:
        _, columns = stride = tuple(field.stride for field in row.receptive_field)
        result = LayerEquivariance(
            row.name, row.kind, tuple(row.output_shape[1:]), stride, sums[row.name] / len(x)
        )
        if transform == "shift":
            moves = np.array([_nearest(int(amount), columns) for amount in amounts])
            rounded = moves * columns != np.asarray(amounts)
            result = replace(result, cells=moves, rounded=rounded, inner=inner[row.name] / len(x))
        results.append(result)
    return results


def _check_amounts(transform: str, amounts: Sequence[float], width: int) -> None:
    if not len(amounts):
        raise SpecError(f"{transform}: expected at least one amount, got none")
    for amount in amounts:
        if transform == "shift" and (amount != int(amount) or abs(amount) >= width):
            raise SpecError(
                f"shift: expected whole pixels, less than the {width} of the image, got {amount:g}"
            )
        if transform == "scale" and not 0 < amount < math.inf:
            raise SpecError(f"scale: expected a factor above 0, got {amount:g}")
        if transform == "rotation" and not math.isfinite(amount):
            raise SpecError(f"rotation: expected degrees, got {amount:g}")


def _transformed(
    transform: str,
    border: str,
    values: NDArray,
    amount: float,
    stride: int = 1,
    fill: ArrayLike = 0,
) -> NDArray:
    """Images, or maps of an effective ``stride``, after a transform of the image."""
    if transform == "rotation":
        return rotate(values, amount, fill)
    if transform == "scale":
        return rescale(values, amount, fill)
    return shift(values, 0, _nearest(int(amount), stride), border, fill)


def _with_maps(network: Network, layers: Sequence[str] | None):
    """Summaries of the layers with maps that have an effective stride.  Raises SpecError."""
    fitting = {
        row.name: row
        for row in summarise(network)
        if row.receptive_field is not None and len(row.output_shape) == 3
    }
    if not fitting:
        raise SpecError(f"equivariance: {network.name} has no layer with feature maps")
    for layer in layers or ():
        if layer not in fitting:
            raise SpecError(
                f"layer: expected one with feature maps, {', '.join(fitting)}, got {layer!r}"
            )
    return [row for name, row in fitting.items() if not layers or name in layers]


def _maps(network: Network, x: NDArray, names) -> dict[str, NDArray]:
    """The output of each named layer for a batch (N, C, H, W)."""
    network.eval()
    with no_grad():
        steps = network.steps(Tensor(np.ascontiguousarray(x)))
        maps = {name: value.numpy() for name, _, value in steps if name in names}
    for name, values in maps.items():
        require_finite(values, f"output of {name}")
    return maps


def _errors(one: NDArray, two: NDArray, compared: NDArray) -> NDArray:
    """||one - two|| / ||two|| of each image over the cells that are compared; (N,).

    NaN where there are none.
    """
    if not compared.any():
        return np.full(len(one), np.nan)
    one, two = (maps[..., compared].astype(np.float64) for maps in (one, two))
    difference = np.sqrt(np.square(one - two).sum(axis=(1, 2)))
    norm = np.sqrt(np.square(two).sum(axis=(1, 2)))
    # If all maps are zero, any difference is infinitely large, and no difference is 0.
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference == 0, 0.0, difference / norm)


def commuting(
    network: Network,
    x: NDArray,
    layer: str,
    by: tuple[int, int],
    *,
    border: str = "circular",
    background: ArrayLike = 0,
) -> Commuting:
    """One image (C, H, W), shifted before a layer and after it.

    ``by``: (rows, columns) pixels down and right.  See ``equivariance``; raises the same errors.
    """
    if x.shape != tuple(network.input_shape):
        raise ShapeError(f"expected an image of shape {network.input_shape}, got {x.shape}")
    for amount, length in zip(by, x.shape[1:], strict=True):
        if abs(amount) >= length:
            raise SpecError(
                f"shift: expected less than the {length} pixels of the image, got {amount}"
            )
    (row,) = _with_maps(network, [layer])
    strides = [field.stride for field in row.receptive_field]
    down, right = (_nearest(amount, stride) for amount, stride in zip(by, strides, strict=True))
    cells = down, right
    rounded = any(
        cell * stride != amount for cell, stride, amount in zip(cells, strides, by, strict=True)
    )
    background = np.asarray(background, x.dtype).reshape(-1, 1, 1)
    image = shift(x, *by, border, background)
    maps = _maps(network, x[None], {layer})[layer]
    first = _maps(network, image[None], {layer})[layer]
    second = shift(maps, down, right, border)
    size = maps.shape[2:]
    compared = np.ones(size, bool) if border == "circular" else _covered(size, *cells)
    error = float(_errors(first, second, compared)[0])
    away = _away_from_border(row.receptive_field, size, x.shape[1:], by, cells)
    inner = float(_errors(first, second, away)[0])
    return Commuting(
        layer, image, maps[0], first[0], second[0], cells, rounded, compared, error, inner
    )


def accuracy_under_shift(
    network: Network,
    images: NDArray,
    labels: NDArray,
    scaling: Scaling,
    shifts: Sequence[int],
    *,
    border: str = "zeros",
    directions: Sequence[str] = tuple(DIRECTIONS),
) -> NDArray:
    """Share of right answers (len(shifts), len(directions)) for shifted images.

    images: (N, C, H, W) bytes of the network's size, shifted before they are
    scaled, with byte 0 as the background of ``border`` zeros.
    Raises SpecError for a shift that is negative or as long as the image.
    """
    least = min(images.shape[2:])
    for amount in shifts:
        if not 0 <= amount < least or amount != int(amount):
            raise SpecError(f"shift: expected whole pixels from 0 to {least - 1}, got {amount:g}")
    network.eval()
    shares = np.empty((len(shifts), len(directions)))
    for row, amount in enumerate(shifts):
        for column, direction in enumerate(directions):
            if amount == 0 and column:
                shares[row, column] = shares[row, 0]
                continue
            down, right = DIRECTIONS[direction]
            moved = shift(images, down * amount, right * amount, border)
            shares[row, column] = (_answers(network, moved, scaling) == labels).mean()
    return shares


def _answers(network: Network, images: NDArray, scaling: Scaling) -> NDArray:
    """(N,) the class of each image."""
    parts = []
    with no_grad():
        for start in range(0, len(images), 4 * BATCH):
            output = network(Tensor(to_floats(images[start : start + 4 * BATCH], scaling)))
            parts.append(network.probabilities(output.numpy()).argmax(axis=1))
    return np.concatenate(parts)
