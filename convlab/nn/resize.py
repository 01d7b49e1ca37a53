"""Maps of another size, by any of ONNX's rules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convlab import shapes
from convlab.checks import number, one_of
from convlab.errors import ShapeError
from convlab.nn.families import Family, Taps
from convlab.nn.module import IntOrPair, Module, check_image, register
from convlab.tensors import Tensor


@register
class Resize2d(Module):
    """Maps resized to ``size``; each pixel is a weighted sum of pixels of the same map.

    ``mode``: nearest, linear or cubic; ``coordinates``, ``nearest`` and ``cubic``: where a pixel
    lies in the input, which of two pixels is the nearest, and the slope of the cubic kernel, by the
    names of ONNX's operator Resize, where they are explained.  ``scales``: (rows, columns), by
    default those of the sizes.  ``antialias``: the kernel widens with the step of a smaller
    output.  ``region``: for coordinates tf_crop_and_resize, first and last row, first and last
    column, as shares of the sizes; what lies outside the input is ``outside``.

    Source: Open Neural Network Exchange, operator Resize, version 19.
    """

    family = Family.RESIZING
    words = short = "resizing"

    def __init__(
        self,
        size: IntOrPair,
        mode: str = "nearest",
        coordinates: str = "half_pixel",
        nearest: str = "round_prefer_floor",
        cubic: float = -0.75,
        scales: Sequence[float] | None = None,
        antialias: bool = False,
        exclude_outside: bool = False,
        region: Sequence[float] = (0, 1, 0, 1),
        outside: float = 0.0,
    ):
        super().__init__()
        self.size = shapes.pair(size, "size")
        self.mode = one_of(mode, "Resize2d: mode", shapes.RESIZE_MODES)
        self.coordinates = one_of(coordinates, "Resize2d: coordinates", shapes.RESIZE_COORDINATES)
        self.nearest = one_of(nearest, "Resize2d: nearest", shapes.RESIZE_NEAREST)
        self.cubic = number(cubic, "Resize2d: cubic")
        self.scales = None if scales is None else tuple(map(float, scales))
        if self.scales is not None and (len(self.scales) != 2 or not 0 < min(self.scales) < np.inf):
            raise ShapeError(f"Resize2d: expected two scales above 0, got {self.scales}")
        self.antialias, self.exclude_outside = antialias, exclude_outside
        self.region = tuple(number(value, "Resize2d: region") for value in region)
        if len(self.region) != 4:
            raise ShapeError(f"Resize2d: expected a region of four numbers, got {self.region}")
        self.outside = number(outside, "Resize2d: outside")

    def output_shape(self, shape):
        check_image(self, shape)
        return (shape[0], *self.size)

    def weights(self, shape: tuple[int, ...]) -> list[np.ndarray]:
        """What rows, and what columns, of the input make those of the output: (output, input).

        A row or column that lies outside is all zeros.
        """
        return [
            shapes.resize_weights(
                shape[1 + axis],
                self.size[axis],
                None if self.scales is None else self.scales[axis],
                mode=self.mode,
                coordinates=self.coordinates,
                nearest=self.nearest,
                cubic=self.cubic,
                antialias=self.antialias,
                exclude_outside=self.exclude_outside,
                region=(self.region[2 * axis], self.region[2 * axis + 1]),
            )
            for axis in (0, 1)
        ]

    def field_of(self, field, shape):
        return None  # neighbours may see windows of different sizes

    def reads(self, shape, unit):
        channel, *at = unit
        rows, columns = (weights[i] for weights, i in zip(self.weights(shape), at, strict=True))
        down, right = np.flatnonzero(rows), np.flatnonzero(columns)
        weights = np.outer(rows[down], columns[right]).astype(np.float32)[np.newaxis]
        none = np.zeros(weights.shape[1:], bool)
        missing = not (rows.any() and columns.any())
        bias = np.float32(self.outside) if missing else None
        return Taps(np.array([channel]), down, right, none, weights, bias)

    def forward(self, x: Tensor) -> Tensor:
        self.output_shape(x.shape[1:])
        rows, columns = self.weights(x.shape[1:])
        y = x.matmul(Tensor(columns.T.astype(x.dtype)).to(x.device))
        y = Tensor(rows.astype(x.dtype)).to(x.device).matmul(y)
        if self.outside:
            missing = ~np.outer(rows.any(1), columns.any(1))
            y = y + Tensor((missing * self.outside).astype(x.dtype)).to(x.device)
        return y

    def extra_repr(self) -> str:
        text = f"{self.size}, mode={self.mode!r}, coordinates={self.coordinates!r}"
        return text + (", antialias=True" if self.antialias else "")
