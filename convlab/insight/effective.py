"""How much each pixel of a receptive field weighs: the effective receptive field."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from convlab.errors import ShapeError, require_finite
from convlab.insight.units import Box, UnitField, unit_field
from convlab.models import Network
from convlab.tape import gradient_of
from convlab.tensors import Tensor

_BATCH = 16


@dataclass(frozen=True, eq=False)
class EffectiveField:
    """Where the gradient of one unit lies, compared with the box given by theory.

    If no pixel changes the unit, ``gradient`` is 0 everywhere, and everything derived from it is
    None.  ``gradient``: (rows, columns), the mean over ``images`` images of the absolute gradient
    of the unit, summed over its layer's maps, with respect to each pixel, summed over the image's
    channels.  ``share_inside``: the share of its sum within ``theory.box``.  ``centre`` and
    ``deviation``: its mean position and its standard deviation along rows and columns, in pixels.
    ``half``: the box around the
    theoretical box's middle, of the same proportions, that holds half of it, half-open.
    """

    theory: UnitField
    images: int
    gradient: np.ndarray
    share_inside: float | None
    centre: tuple[float, float] | None
    deviation: tuple[float, float] | None
    half: Box | None


def effective_field(
    network: Network, layer: str | None, unit: tuple[int, int] | None, images: np.ndarray
) -> EffectiveField:
    """The effective receptive field of ``unit`` (row, column); None is the middle one.

    images: (N, C, H, W), scaled as the network was trained with.
    Source: Luo, Li, Urtasun & Zemel 2016, "Understanding the effective receptive
    field in deep convolutional neural networks".  Raises ShapeError for images of
    another size, SpecError like ``unit_field``.
    """
    if images.ndim != 4 or images.shape[1:] != network.input_shape or not len(images):
        wanted = ", ".join(str(length) for length in network.input_shape)
        raise ShapeError(
            f"effective field: expected at least one image, (N, {wanted}), got {images.shape}"
        )
    theory = unit_field(network, layer, unit)
    gradient = np.zeros(network.input_shape[1:])
    learned = [p for p in network.parameters() if p.requires_grad]
    network.eval()
    network.requires_grad_(False)  # gradients of the weights are not needed
    try:
        for start in range(0, len(images), _BATCH):
            x = Tensor(images[start : start + _BATCH], requires_grad=True)
            value = next(value for name, _, value in network.steps(x) if name == theory.layer)
            value[:, :, theory.unit[0], theory.unit[1]].sum().backward()
            gradient += np.abs(gradient_of(x)).sum(axis=(0, 1), dtype=float)
    finally:
        for parameter in learned:
            parameter.requires_grad = True
    require_finite(gradient, f"gradient of {theory.layer}")
    gradient /= len(images)
    total = gradient.sum()
    if not total:
        return EffectiveField(theory, len(images), gradient, None, None, None, None)
    top, left, bottom, right = theory.box
    inside = gradient[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)].sum()
    centre, deviation = [], []
    for axis in (0, 1):
        share = gradient.sum(axis=1 - axis) / total
        place = np.arange(len(share))
        centre.append(float(share @ place))
        deviation.append(math.sqrt(share @ (place - centre[-1]) ** 2))
    return EffectiveField(
        theory,
        len(images),
        gradient,
        float(inside / total),
        (centre[0], centre[1]),
        (deviation[0], deviation[1]),
        _half(gradient, theory.box),
    )


def _half(gradient: np.ndarray, box: Box) -> Box:
    """The smallest box within ``box``, shrunk towards its middle, with half of the gradient."""
    top, left, bottom, right = box
    height, width = bottom - top, right - left
    steps = max(height, width)
    for step in range(steps, -1, -1):
        down, across = height * step // (2 * steps), width * step // (2 * steps)
        held = top + down, left + across, bottom - down, right - across
        rows = slice(max(held[0], 0), max(held[2], 0))
        columns = slice(max(held[1], 0), max(held[3], 0))
        if gradient[rows, columns].sum() >= gradient.sum() / 2:
            return held
    return box
