"""Every layer's output for one image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convlab.errors import ShapeError, SpecError
from convlab.models import Network
from convlab.names import meant
from convlab.nn import Module
from convlab.tape import no_grad
from convlab.tensors import Tensor


@dataclass(frozen=True, eq=False)
class Activation:
    """What one layer gives for one image: maps (C, H, W) or a vector (C,)."""

    name: str
    layer: Module
    array: np.ndarray

    @property
    def kind(self) -> str:
        """The layer's class."""
        return type(self.layer).__name__


def trace(network: Network, x: np.ndarray, layer: str | None = None) -> list[Activation]:
    """The output of every layer, in order, or only of ``layer``.

    x: (C, H, W) float32, scaled as the network was trained with.
    Raises ShapeError for an image of another size, SpecError for a layer that
    does not exist.
    """
    if x.shape != network.input_shape:
        raise ShapeError(f"trace: expected an image of shape {network.input_shape}, got {x.shape}")
    names = [name for name, _ in network.named_children()]
    if layer is not None and layer not in names:
        raise SpecError(
            f"layer: expected one of {', '.join(names)}, got {layer!r}{meant(layer, names)}"
        )
    activations = []
    network.eval()
    with no_grad():
        for name, module, value in network.steps(Tensor(x[np.newaxis])):
            if layer in (None, name):
                array = np.ascontiguousarray(value.numpy()[0])
                activations.append(Activation(name, module, array))
            if name == layer:
                break
    return activations
