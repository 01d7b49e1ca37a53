"""One network on images of several sizes: what its maps become as a vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convlab import nn
from convlab.errors import ShapeError, SpecError
from convlab.models import Network
from convlab.nn import Family
from convlab.shapes import Pair, size_text
from convlab.tape import no_grad
from convlab.tensors import Tensor


@dataclass(frozen=True, eq=False)
class SizedVectors:
    """What a network makes of an image of ``size``.

    ``maps`` (C, H, W): what it flattens; ``flat`` (C·H·W,): flattened; ``refusal``: the dense
    layer's error for ``flat``, empty if it takes it; ``pooled`` (C,): the mean of each map;
    ``grid`` (C·rows·columns,): the means of an adaptive pooling, map by map.
    """

    size: Pair
    maps: np.ndarray
    flat: np.ndarray
    refusal: str
    pooled: np.ndarray
    grid: np.ndarray


@dataclass(frozen=True)
class Reader:
    """The dense layer that reads the flattened maps: its name and how many numbers it takes."""

    name: str
    features: int


def reader(network: Network) -> Reader:
    """The dense layer behind a network's maps.

    Raises SpecError for a network that has none behind convolutions, and for one that pools its
    maps to one size before.
    """
    for name, layer, before, _ in network.shapes():
        if layer.family is Family.POOLING and layer.adaptive:
            raise SpecError(
                f"any size: expected a network that flattens its maps as they come, got"
                f" {network.name}, whose {name} pools them to one size"
            )
        if layer.family is Family.RESHAPE and len(before) < 3:
            break
        if layer.family is Family.DENSE and _convolves(network, name):
            return Reader(name, layer.in_features)
    raise SpecError(
        f"any size: expected a network with a dense layer behind convolutions, got {network.name}"
    )


def _convolves(network: Network, name: str) -> bool:
    """Whether a convolution stands before a layer."""
    names = [one for one, _ in network.named_children()]
    layers = [layer for _, layer in network.named_children()][: names.index(name)]
    return any(layer.family is Family.CONVOLUTION for layer in layers)


def any_size(network: Network, x: np.ndarray, grid: Pair = (2, 2)) -> SizedVectors:
    """The vectors of an image x (C, H, W) of any size, scaled as the network was trained with.

    Raises the errors of :func:`reader`, and ShapeError for an image too small for the layers.
    """
    reader(network)
    maps, flat, refusal = np.asarray(x), None, ""
    network.eval()
    with no_grad():
        steps = network.steps(Tensor(x[np.newaxis]))
        try:
            for _, layer, value in steps:
                array = np.ascontiguousarray(value.numpy()[0])
                if layer.family is Family.RESHAPE:
                    flat = array
                elif flat is None:
                    maps = array
        except ShapeError as error:
            if flat is None:
                size = size_text(*x.shape[1:])
                raise ShapeError(f"any size: {size} is too small: {error}") from None
            refusal = str(error)
        batch = Tensor(maps[np.newaxis])
        pooled, cells = (
            nn.Flatten()(nn.AdaptiveAvgPool2d(output)(batch)).numpy()[0] for output in (1, grid)
        )
    given: Any = flat
    rows, columns = x.shape[1:]
    return SizedVectors((rows, columns), maps, given, refusal, pooled, cells)
