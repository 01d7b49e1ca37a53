"""Layers whose outputs are inputs at other places, or 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convlab import functional as F
from convlab import shapes
from convlab.checks import one_of, shown, whole
from convlab.errors import ShapeError, SpecError
from convlab.nn.families import Family, One, Taps, Window
from convlab.nn.module import IntOrPair, Module, check_image, register
from convlab.tensors import Tensor


@register
class Shortcut2d(Module):
    """Every ``stride``-th row and column, between maps of zeros; see ``functional.shortcut2d``."""

    family = Family.PLACEMENT
    words = short = "shortcut"
    formula = "x, or 0 in new maps"
    sign = "kept"

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1):
        super().__init__()
        self.in_channels = whole(in_channels, "Shortcut2d: in_channels")
        self.out_channels = whole(out_channels, "Shortcut2d: out_channels")
        self.stride = whole(stride, "Shortcut2d: stride")
        if out_channels < in_channels:
            raise ShapeError(
                f"Shortcut2d: expected at least as many out_channels as the {in_channels} that come"
                f" in, got {out_channels}"
            )

    def output_shape(self, shape):
        check_image(self, shape, self.in_channels)
        return (self.out_channels, *(-(-size // self.stride) for size in shape[1:]))

    def window(self, shape):
        return Window((1, 1), (self.stride, self.stride))

    def reads(self, shape, unit):
        channel, row, column = unit
        channel -= (self.out_channels - self.in_channels) // 2
        inside = 0 <= channel < self.in_channels
        return One((channel, row * self.stride, column * self.stride) if inside else None)

    def forward(self, x: Tensor) -> Tensor:
        return F.shortcut2d(x, self.out_channels, self.stride)

    def pytorch_arguments(self):
        names = "in_channels", "out_channels", "stride"
        return {name: getattr(self, name) for name in names}  # a slice of a tensor, padded

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, stride={self.stride}"


class _Pad2d(Module):
    """Padding by a mode of ``functional.pad``: of all sides, or (left, right, top, bottom)."""

    family = Family.PLACEMENT
    words = short = "padding"
    formula = "x, or 0 in the padding"
    sign = "kept"
    mode = "zeros"  # as shapes.padding_index has it
    value: float | None = None

    def __init__(self, padding: int | Sequence[int]):
        super().__init__()
        sides = (padding,) * 4 if isinstance(padding, int) else padding
        if not shapes.is_integers(sides, (4,)):
            raise ShapeError(
                f"{type(self).__name__}: expected padding as one number or as (left, right, top,"
                f" bottom), got {shown(padding)}"
            )
        left, right, top, bottom = (int(side) for side in sides)
        self.padding = (left, right, top, bottom)
        if max(self.padding) <= 0 > min(self.padding):
            self.words = self.short = "cropping"

    def output_shape(self, shape):
        check_image(self, shape)
        sizes = tuple(len(index) for index in self._index(shape))
        if min(sizes) < 1:
            raise ShapeError(
                f"{type(self).__name__}: expected at least one pixel to be left of"
                f" {shapes.size_text(*shape[1:])}, got padding {self.padding}"
            )
        return (shape[0], *sizes)

    def _index(self, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """The row, and the column, that each one of the output repeats, -1 for zeros."""
        left, right, top, bottom = self.padding
        return (
            shapes.padding_index(shape[1], top, bottom, self.mode),
            shapes.padding_index(shape[2], left, right, self.mode),
        )

    def window(self, shape):
        left, right, top, bottom = self.padding
        return Window((1, 1), padding=(top, bottom, left, right))

    def reads(self, shape, unit):
        channel, *at = unit
        row, column = (int(index[i]) for index, i in zip(self._index(shape), at, strict=True))
        return One(None if min(row, column) < 0 else (channel, row, column))

    def forward(self, x: Tensor) -> Tensor:
        mode = "constant" if self.mode == "zeros" else self.mode
        return F.pad(x, self.padding, mode, self.value)

    def extra_repr(self) -> str:
        return str(self.padding)


@register
class ZeroPad2d(_Pad2d):
    """Zeros around the maps: on all sides, or (left, right, top, bottom); negative to crop."""

    pytorch = ("padding",)


@register
class ReflectionPad2d(_Pad2d):
    """The maps continued as in a mirror at their outermost pixels, which are not repeated."""

    formula = "x, mirrored"
    mode = "reflect"
    pytorch = ("padding",)


@register
class ReplicationPad2d(_Pad2d):
    """The maps continued by their outermost pixels."""

    formula = "x, repeated"
    mode = "replicate"
    pytorch = ("padding",)


@register
class CircularPad2d(_Pad2d):
    """The maps continued by their opposite sides."""

    formula = "x, from the other side"
    mode = "circular"
    pytorch = ("padding",)


@register
class Slice(Module):
    """Of each axis of the input, the channels first, every ``steps``-th from a start to an end.

    ``ends``: one past the last; both count from 0, and an end may lie beyond the axis.
    """

    family = Family.PLACEMENT
    words = short = "slice"
    formula = "x"
    sign = "kept"

    def __init__(self, starts: Sequence[int], ends: Sequence[int], steps: Sequence[int]):
        super().__init__()
        self.starts, self.ends, self.steps = map(tuple, (starts, ends, steps))
        for step in self.steps:
            whole(step, "Slice: steps")
        for place in (*self.starts, *self.ends):
            whole(place, "Slice: starts and ends", 0)
        if not len(self.starts) == len(self.ends) == len(self.steps):
            raise ShapeError("Slice: expected as many starts, ends and steps as axes")

    def _index(self, shape: tuple[int, ...]) -> list[range]:
        if len(shape) != len(self.starts):
            raise ShapeError(
                f"Slice: expected an input of {len(self.starts)} axes, got {tuple(shape)}"
            )
        said = zip(shape, self.starts, self.ends, self.steps, strict=True)
        return [range(*slice(*cut).indices(size)) for size, *cut in said]

    def output_shape(self, shape):
        sizes = tuple(map(len, self._index(shape)))
        if 0 in sizes:
            raise ShapeError(f"Slice: expected something to be left of {tuple(shape)}, got {sizes}")
        return sizes

    def window(self, shape):
        if len(shape) != 3:
            return None
        rows, columns = (index.start for index in self._index(shape)[1:])
        steps = self.steps[1], self.steps[2]
        # What is cut off before the maps moves their units, as padding does the other way.
        return Window((1, 1), steps, (-rows, 0, -columns, 0))

    def reads(self, shape, unit):
        index = self._index(shape)
        return One(tuple(axis[i] for axis, i in zip(index, unit, strict=True)))

    def forward(self, x: Tensor) -> Tensor:
        self.output_shape(x.shape[1:])
        cuts = zip(self.starts, self.ends, self.steps, strict=True)
        return x[(slice(None), *(slice(*cut) for cut in cuts))]

    def extra_repr(self) -> str:
        return f"starts={self.starts}, ends={self.ends}, steps={self.steps}"


@register
class PixelShuffle(Module):
    """(C r², H, W) as (C, r H, r W): r² maps become the pixels of one (Shi et al. 2016)."""

    family = Family.PLACEMENT
    words = short = "pixel shuffle"
    formula = "x, moved"
    sign = "kept"
    pytorch = ("upscale_factor",)

    def __init__(self, upscale_factor: int):
        super().__init__()
        self.upscale_factor = whole(upscale_factor, "PixelShuffle: upscale_factor")

    def output_shape(self, shape):
        check_image(self, shape)
        r = self.upscale_factor
        if shape[0] % (r * r):
            raise ShapeError(
                f"PixelShuffle: expected channels that {r * r} divides, got {shape[0]}"
            )
        return shape[0] // (r * r), shape[1] * r, shape[2] * r

    def field_of(self, field, shape):
        r = self.upscale_factor
        rows, columns = (axis.through_transposed(r, r, 0, 1) for axis in field)
        return rows, columns

    def reads(self, shape, unit):
        channel, row, column = unit
        r = self.upscale_factor
        return One((channel * r * r + row % r * r + column % r, row // r, column // r))

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(x, self.upscale_factor)


@register
class ChannelShuffle(Module):
    """The maps of all groups in turn: what lets grouped convolutions mix (Zhang et al. 2018)."""

    family = Family.PLACEMENT
    words = short = "channel shuffle"
    formula = "x, of another map"
    sign = "kept"
    pytorch = ("groups",)

    def __init__(self, groups: int):
        super().__init__()
        self.groups = whole(groups, "ChannelShuffle: groups")

    def output_shape(self, shape):
        check_image(self, shape)
        if shape[0] % self.groups:
            raise ShapeError(
                f"ChannelShuffle: expected channels that {self.groups} divides, got {shape[0]}"
            )
        return shape

    def window(self, shape):
        return Window((1, 1))

    def reads(self, shape, unit):
        channel, *at = unit
        group, place = channel % self.groups, channel // self.groups
        return One((group * (shape[0] // self.groups) + place, *at))

    def forward(self, x: Tensor) -> Tensor:
        return F.channel_shuffle(x, self.groups)


@register
class Upsample(Module):
    """Maps resized to ``size``, or by ``scale_factor``; see ``functional.interpolate``."""

    words = short = "resizing"
    sign = "kept"
    pytorch = ("size", "scale_factor", "mode", "align_corners")

    def __init__(
        self,
        size: IntOrPair | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
    ):
        super().__init__()
        self.size, self.scale_factor, self.align_corners = size, scale_factor, align_corners
        self.mode = one_of(mode, "Upsample: mode", ("nearest", "bilinear"))
        if mode == "nearest" and align_corners is not None:
            raise SpecError("Upsample: expected align_corners only with mode bilinear, got nearest")
        shapes.resized((1 << 20, 1 << 20), size, scale_factor)
        nearest = mode == "nearest"
        self.family = Family.PLACEMENT if nearest else Family.RESIZING
        self.formula = "x, repeated" if nearest else ""

    def output_shape(self, shape):
        check_image(self, shape)
        return (shape[0], *shapes.resized((shape[1], shape[2]), self.size, self.scale_factor)[0])

    def axes(self, shape: tuple[int, ...]) -> list[shapes.Resizing]:
        """What gives to each row and to each column of the output."""
        output, scales = shapes.resized((shape[1], shape[2]), self.size, self.scale_factor)
        bilinear, align = self.mode == "bilinear", bool(self.align_corners)
        return [
            shapes.resizing(shape[1 + axis], output[axis], scales[axis], bilinear, align)
            for axis in (0, 1)
        ]

    def weights(self, shape: tuple[int, ...]) -> list[np.ndarray]:
        """What rows, and what columns, of an input make those of the output: (output, input)."""
        found = []
        for size, axis in zip(shape[1:], self.axes(shape), strict=True):
            places = np.arange(len(axis.low))
            weights = np.zeros((len(places), size))
            np.add.at(weights, (places, axis.low), 1 - axis.share)
            np.add.at(weights, (places, axis.high), axis.share)
            found.append(weights)
        return found

    def field_of(self, field, shape):
        found = []
        for axis, one in enumerate(field):
            size, output = shape[1 + axis], self.output_shape(shape)[1 + axis]
            times = output // size
            if output % size or self.align_corners or (self.mode == "bilinear" and times % 2):
                return None  # neighbours do not see the same, a step apart
            bilinear = self.mode == "bilinear"
            kernel, padding = (2 * times, times // 2) if bilinear else (times, 0)
            found.append(one.through_transposed(kernel, times, padding, 1))
        return found[0], found[1]

    def reads(self, shape, unit):
        channel, *at = unit
        pairs = list(zip(self.axes(shape), at, strict=True))
        if self.mode == "nearest":
            return One((channel, *(int(axis.low[i]) for axis, i in pairs)))
        rows, columns = (np.array([axis.low[i], axis.high[i]]) for axis, i in pairs)
        down, right = (
            np.array([1 - axis.share[i], axis.share[i]], np.float32) for axis, i in pairs
        )
        weights = np.outer(down, right)[np.newaxis]
        return Taps(np.array([channel]), rows, columns, np.zeros((2, 2), bool), weights, None)

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, self.size, self.scale_factor, self.mode, self.align_corners)

    def extra_repr(self) -> str:
        given = "size" if self.scale_factor is None else "scale_factor"
        return f"{given}={getattr(self, given)}, mode={self.mode!r}"
