"""Layers that give numbers a mean of 0 and a variance of 1."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from convlab import functional as F
from convlab.checks import number, whole
from convlab.errors import ShapeError, SpecError
from convlab.kernels.dispatch import Array
from convlab.nn.families import Block, Family, Neighbours, Standardised
from convlab.nn.formulas import added, decimal
from convlab.nn.module import Module, check_image, register
from convlab.nn.state import Buffer, Parameter
from convlab.parts import is_first
from convlab.tensors import Tensor


@register
class BatchNorm2d(Module):
    """Each map shifted and scaled to mean 0 and variance 1, then by its own weight and bias.

    In training mean and variance are those of the batch, in evaluation the running ones, which
    training moves by the share ``momentum`` for each batch; None makes them the mean over all
    batches.  Without ``track_running_stats`` they are always those of the batch, and without
    ``affine`` there are no weight and bias.  All of shape (num_features,).

    Evaluated after a convolution it takes no pass of its own: the convolution's results are
    stored so.
    Source: Ioffe & Szegedy 2015.
    """

    family = Family.NORMALISATION
    of_batch = True
    words, short = "batch normalisation", "batch norm"
    formula = "weight (x − mean) / √(variance + eps) + bias"
    pytorch = ("num_features", "eps", "momentum", "affine", "track_running_stats")

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ):
        super().__init__()
        name = type(self).__name__
        self.num_features = count = whole(num_features, f"{name}: num_features")
        self.eps = number(eps, name, 0, wanted="a finite eps of at least 0")
        if momentum is not None:
            number(momentum, name, 0, 1, "a momentum between 0 and 1, or None")
        self.momentum, self.affine = momentum, affine
        self.track_running_stats = track_running_stats
        self.weight = Parameter(np.ones(count, np.float32)) if affine else None
        self.bias = Parameter(np.zeros(count, np.float32)) if affine else None
        tracked = track_running_stats
        self.running_mean = Buffer(np.zeros(count, np.float32)) if tracked else None
        self.running_var = Buffer(np.ones(count, np.float32)) if tracked else None
        self.num_batches_tracked = Buffer(np.int64(0)) if tracked else None

    def output_shape(self, shape):
        check_image(self, shape, self.num_features)
        return shape

    @property
    def is_affine_map(self) -> bool:
        """Whether each number is made of one number alone, and not of the batch around it."""
        return self.running_mean is not None and not self.training

    def scale_and_shift(self) -> tuple[Array, Array]:
        """What each map is multiplied with, and what is then added: (num_features,) each.

        Raises SpecError where that depends on the batch.
        """
        if self.running_mean is None or self.running_var is None:
            raise SpecError(
                f"{type(self).__name__}: expected running statistics, which track_running_stats"
                " keeps, got a layer whose outputs depend on the whole batch"
            )
        scale = 1 / np.sqrt(self.running_var.data + self.eps)
        scale = scale if self.weight is None else scale * self.weight.data
        shift = -self.running_mean.data * scale
        return scale, shift if self.bias is None else shift + self.bias.data

    def reads(self, shape, unit):
        self.scale_and_shift()
        arrays = self.arrays()
        one, none = np.ones(self.num_features, np.float32), np.zeros(self.num_features, np.float32)
        return Standardised(
            unit,
            arrays["running_mean"][unit[0]],
            arrays["running_var"][unit[0]],
            self.eps,
            arrays.get("weight", one)[unit[0]],
            arrays.get("bias", none)[unit[0]],
        )

    def formula_of(self, channel):
        _, mean, variance, eps, weight, bias = self.reads((), (channel,))
        root = f"sqrt({decimal(variance)} {added(eps)})"
        return f"{decimal(weight)} · (x {added(-mean)}) / {root} {added(bias)}"

    def forward(self, x: Tensor, relu: bool = False) -> Tensor:
        if x.ndim != 4 or x.shape[1] != self.num_features:
            raise ShapeError(
                f"{type(self).__name__}: expected images of shape (N, {self.num_features}, rows,"
                f" columns), got {x.shape}"
            )
        batches = self.num_batches_tracked if self.training else None
        momentum = self.momentum
        if momentum is None:
            momentum = 0.0 if batches is None else 1 / (batches.data.item() + 1)
        y = F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            momentum,
            self.eps,
            relu=relu,
        )
        if batches is not None and is_first():
            batches.data += 1
        return y

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine},"
            f" track_running_stats={self.track_running_stats}"
        )


@register
class Affine(Module):
    """x times a weight plus a bias, each of ``shape``, which is repeated along the axes of x.

    ``shape``: without the batch, such as (channels, 1, 1) for one of each for every map.  A trained
    batch normalisation is one, and files of other programs have it for shifts and scales.
    """

    family = Family.NORMALISATION
    words, short = "scale and shift", "scale"
    formula = "weight · x + bias"

    def __init__(self, shape: Sequence[int], weight: bool = True, bias: bool = True):
        super().__init__()
        self.shape = tuple(whole(size, "Affine: shape") for size in shape)
        self.weight = Parameter(np.ones(self.shape, np.float32)) if weight else None
        self.bias = Parameter(np.zeros(self.shape, np.float32)) if bias else None

    def output_shape(self, shape):
        try:
            return tuple(map(int, np.broadcast_shapes(shape, self.shape)))
        except ValueError:
            raise ShapeError(
                f"Affine: expected an input that a shape of {self.shape} fits, got {tuple(shape)}"
            ) from None

    @property
    def is_affine_map(self) -> bool:
        """Whether each map has numbers of its own, which a convolution before it can take up."""
        return len(self.shape) == 3 and self.shape[0] > 1 and self.shape[1:] == (1, 1)

    def scale_and_shift(self) -> tuple[Array, Array]:
        """What each map is multiplied with, and what is then added: (channels,) each."""
        weight, bias = self._numbers()
        return weight.reshape(-1), bias.reshape(-1)

    def _numbers(self) -> tuple[Array, Array]:
        given = self.weight if self.bias is None else self.bias
        like = np.zeros(self.shape, np.float32) if given is None else given.data
        weight = np.ones_like(like) if self.weight is None else self.weight.data
        return weight, np.zeros_like(like) if self.bias is None else self.bias.data

    def reads(self, shape, unit):
        place = tuple(
            i if size > 1 else 0
            for i, size in zip(unit[len(unit) - len(shape) :], shape, strict=True)
        )
        weight, bias = (np.broadcast_to(part, self.output_shape(shape)) for part in self._numbers())
        none, one = np.float32(0), np.float32(1)
        return Standardised(place, none, one, 0.0, weight[unit], bias[unit])

    def formula_of(self, channel):
        if not self.is_affine_map:
            return self.formula
        weight, bias = self.scale_and_shift()
        return f"{decimal(weight[channel])} · x {added(bias[channel])}"

    def forward(self, x: Tensor) -> Tensor:
        self.output_shape(x.shape[1:])
        if x.ndim <= len(self.shape):
            raise ShapeError(
                f"Affine: expected an input of at least {len(self.shape) + 1} axes, got {x.shape}"
            )
        x = x if self.weight is None else x * self.weight
        return x if self.bias is None else x + self.bias

    def extra_repr(self) -> str:
        return f"{self.shape}, weight={self.weight is not None}, bias={self.bias is not None}"


class _Rest(Module):
    """What the normalisations have in common whose numbers depend on many others of an image."""

    family = Family.NORMALISATION

    def field_of(self, field, shape):
        return None

    def among(self, shape: tuple[int, ...]) -> Block | Neighbours:
        """Which numbers of an input of a shape, without the batch, one is normalised by."""
        raise NotImplementedError

    def _affine(self, affine: bool, bias: bool, shape: tuple[int, ...]) -> None:
        self.weight = Parameter(np.ones(shape, np.float32)) if affine else None
        self.bias = Parameter(np.zeros(shape, np.float32)) if affine and bias else None


@register
class GroupNorm(_Rest):
    """Each group of an image's maps shifted and scaled to mean 0 and variance 1 (Wu & He 2018).

    weight, bias: (num_channels,), unless ``affine`` is False.
    """

    words, short = "group normalisation", "group norm"
    pytorch = ("num_groups", "num_channels", "eps", "affine")

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True):
        super().__init__()
        self.num_groups = whole(num_groups, "GroupNorm: num_groups")
        self.num_channels = whole(num_channels, "GroupNorm: num_channels")
        if num_channels % num_groups:
            raise ShapeError(
                f"GroupNorm: expected channels that {num_groups} groups divide, got {num_channels}"
            )
        self.eps = number(eps, "GroupNorm", 0, wanted="a finite eps of at least 0")
        self.affine = affine
        self._affine(affine, True, (num_channels,))

    def output_shape(self, shape):
        check_image(self, shape, self.num_channels)
        return shape

    def among(self, shape):
        return Block(math.prod(shape) // self.num_groups, True, self.eps)

    def forward(self, x: Tensor) -> Tensor:
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"


@register
class LayerNorm(_Rest):
    """The last axes, of ``normalized_shape``, shifted and scaled to 0 and 1 (Ba et al. 2016).

    weight, bias: of that shape, unless ``elementwise_affine`` is False.
    """

    words, short = "layer normalisation", "layer norm"
    pytorch = ("normalized_shape", "eps", "elementwise_affine")

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ):
        super().__init__()
        given = normalized_shape
        self.normalized_shape = tuple([given] if isinstance(given, int) else given)
        for size in self.normalized_shape:
            whole(size, "LayerNorm: normalized_shape")
        self.eps = number(eps, "LayerNorm", 0, wanted="a finite eps of at least 0")
        self.elementwise_affine = elementwise_affine
        self._affine(elementwise_affine, bias, self.normalized_shape)

    def output_shape(self, shape):
        if tuple(shape)[-len(self.normalized_shape) :] != self.normalized_shape:
            raise ShapeError(
                f"LayerNorm: expected an input whose last axes are {self.normalized_shape}, got"
                f" {tuple(shape)}"
            )
        return shape

    def pytorch_arguments(self):
        bias = self.bias is not None or not self.elementwise_affine
        return super().pytorch_arguments() | {"bias": bias}

    def among(self, shape):
        return Block(math.prod(self.normalized_shape), False, self.eps)

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        affine = self.elementwise_affine
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={affine}"


@register
class LocalResponseNorm(_Rest):
    """Each number divided by a power of the squares in neighbouring maps at its place.

    See ``functional.local_response_norm``; AlexNet has it.
    """

    words, short = "local response normalisation", "LRN"
    sign = "kept"
    pytorch = ("size", "alpha", "beta", "k")

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0):
        super().__init__()
        self.size = whole(size, "LocalResponseNorm: size")
        self.alpha = number(alpha, "LocalResponseNorm: alpha")
        self.beta, self.k = (
            number(value, f"LocalResponseNorm: {name}")
            for name, value in (("beta", beta), ("k", k))
        )

    def field_of(self, field, shape):
        return field

    def output_shape(self, shape):
        check_image(self, shape)
        return shape

    def among(self, shape):
        return Neighbours(self.size, self.alpha, self.beta, self.k)

    def forward(self, x: Tensor) -> Tensor:
        return F.local_response_norm(x, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
