"""From a class back to the pixels: in each layer the unit that adds most to the one above it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convlab.errors import ShapeError, SpecError, require_finite
from convlab.insight.attribution import at_rest, score_sign
from convlab.insight.patches import box_of
from convlab.insight.units import Box, unit_field
from convlab.kernels.dispatch import to_device
from convlab.models import Network, receptive_fields
from convlab.nn import Family, Module
from convlab.tensors import Tensor

_BENDS = (Family.DISTANCE, Family.SOFTMAX)


@dataclass(frozen=True, eq=False)
class Link:
    """A unit of the chain, and what it adds to the unit of the next link.

    ``unit``: (map, row, column), or (number,) for the class; ``box``: the pixels that it sees,
    (top, left, bottom, right), half-open; ``value``: its output, for a penalty negated.
    ``added``: its value times the gradient of the next link's value by it.  ``sum``: the same,
    over all units of its layer.  ``adds_up``: ``sum`` and what the biases in between add give the
    next link's value, since everything in between is linear, a maximum or a ReLU.  All three are
    None for the class.
    """

    layer: str
    unit: tuple[int, ...]
    box: Box
    value: float
    added: float | None = None
    sum: float | None = None
    adds_up: bool | None = None


def hierarchy(
    network: Network, x: np.ndarray, target: int, layers: Sequence[str] = ()
) -> list[Link]:
    """The chain of units behind a class, from the first layer to the class.

    It is built from the class downwards: of each layer the unit is chosen, among those above 0,
    that adds most to the unit chosen above it.  A layer of which none adds anything is left out.
    x: (C, H, W), scaled as the network was trained with.  ``layers``: with feature maps; by default
    all convolutions.

    Source: gradient × input (Shrikumar et al. 2016) for units; for networks of ReLUs it is a
    decomposition by Euler's theorem for homogeneous functions.
    Raises ShapeError for an image of another size; SpecError for a class and a layer that do not
    exist, for units without a single box, and if no layer is left.
    """
    if x.shape != network.input_shape:
        raise ShapeError(f"expected an image of shape {network.input_shape}, got {x.shape}")
    if not 0 <= target < network.classes:
        raise SpecError(f"class: expected 0 to {network.classes - 1}, got {target}")
    names = [name for name, _ in network.named_children()]
    for name in layers:
        unit_field(network, name, None)
    wanted = list(layers) or convolutions(network)
    above, unit = names[-1], tuple([target])
    value = _contributions(network, x, None, above, unit)[0]
    chain = [Link(above, unit, box_of(network, above, None), value)]
    for name in sorted(set(wanted) - {above}, key=names.index, reverse=True):
        _, values, added = _contributions(network, x, name, above, unit)
        active = np.where(values > 0, added, 0.0)
        if not active.max(initial=0.0) > 0:
            continue
        linear = all(map(_keeps_sums, _between(network, name, above)))
        place = np.unravel_index(active.argmax(), added.shape)
        above, unit = name, tuple(int(at) for at in place)
        box = box_of(network, name, (unit[1], unit[2]))
        numbers = float(values[place]), float(added[place]), float(added.sum())
        chain.append(Link(name, unit, box, *numbers, linear))
    if len(chain) == 1:
        listed = ", ".join(wanted) or "no convolution"
        raise SpecError(f"hierarchy: expected layers that add to class {target}, got {listed}")
    return chain[::-1]


def convolutions(network: Network) -> list[str]:
    """The convolutions of a network whose units have a single box each, in its order."""
    return [
        row.name
        for row in receptive_fields(network)
        if row.family is Family.CONVOLUTION and row.field
    ]


def _contributions(
    network: Network, x: np.ndarray, layer: str | None, above: str, unit: tuple[int, ...]
) -> tuple[float, np.ndarray, np.ndarray]:
    """The value of a unit, a layer's outputs below it, and what each of them adds to it."""
    last = list(network.named_children())[-1][0]
    sign = score_sign(network) if above == last else 1
    below = None
    with at_rest(network):
        for name, _, output in network.steps(Tensor(x[np.newaxis])):
            if name == layer:
                # Nothing is recorded before this layer, so gradients end at its outputs.
                below, output.requires_grad = output, True
            if name == above:
                break
        require_finite(output.numpy(), f"output of {above}")
        value = sign * float(output.numpy()[(0, *unit)])
        if below is None:
            return value, np.zeros(0), np.zeros(0)
        if output.requires_grad:
            weights = np.zeros(output.shape, output.dtype)
            weights[(0, *unit)] = sign
            output.backward(weights)
    values = below.numpy()[0].astype(np.float64)
    if below.grad is None:  # on another branch
        return value, values, np.zeros_like(values)
    gradient = to_device(below.grad, "cpu")[0]
    require_finite(gradient, f"gradient by {layer}")
    return value, values, values * gradient


def _between(network: Network, layer: str, above: str) -> list[Module]:
    """The layers behind one, up to another."""
    modules = dict(network.named_children())
    names = list(modules)
    return [modules[name] for name in names[names.index(layer) + 1 : names.index(above) + 1]]


def _keeps_sums(module: Module) -> bool:
    """Whether a layer is linear, but for its biases, as long as its ReLUs and maxima stay.

    An activation is if it doubles where its input does.
    """
    if module.family is Family.ACTIVATION:
        x = np.array([-7, -0.3, 0.1, 2, 50], np.float32)
        once, twice = (module.of_numbers(part) for part in (x, 2 * x))
        return np.array_equal(2 * once, twice)
    return module.family not in _BENDS
