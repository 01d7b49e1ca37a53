"""The images that activate the units of a layer most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from convlab import nn
from convlab.data import Scaling, to_floats
from convlab.errors import ShapeError, SpecError, require_finite
from convlab.insight.attribution import BATCH, at_rest, score_sign
from convlab.insight.units import unit_field
from convlab.models import Network, images_at_once
from convlab.names import meant
from convlab.tape import no_grad
from convlab.tensors import Tensor


def _cuts_off(layer: nn.Module | None) -> bool:
    """Whether a layer gives 0 for everything below 0, as ReLU does."""
    if layer is None or layer.family is not nn.Family.ACTIVATION:
        return False
    with no_grad():
        return not layer.of_numbers(np.array([-100, -1, -0.01], np.float32)).any()


def _keeps_sign(layer: nn.Module | None) -> bool:
    return layer is not None and layer.sign == "kept"


@dataclass(frozen=True)
class Patch:
    """One unit's output for one image, and the pixels that it sees.

    ``image``: its number; ``unit``: (row, column) in the map, None in a vector;
    ``box``: (top, left, bottom, right) in input pixels, half-open, padding included.
    """

    image: int
    unit: tuple[int, int] | None
    box: tuple[int, int, int, int]
    value: float


def default_layer(network: Network) -> str:
    """The last convolution of a network, or otherwise its last layer."""
    layers = dict(network.named_children())
    convolutions = [
        name for name, module in layers.items() if module.family is nn.Family.CONVOLUTION
    ]
    return (convolutions or list(layers))[-1]


def layer_shape(network: Network, layer: str) -> tuple[int, ...]:
    """(maps, rows, columns) or (units,) of a layer.  Raises SpecError if it does not exist."""
    found = {name: after for name, _, _, after in network.shapes()}
    if layer not in found:
        raise SpecError(
            f"layer: expected one of {', '.join(found)}, got {layer!r}{meant(layer, found)}"
        )
    return found[layer]


def behind_relu(network: Network, layer: str) -> bool:
    """Whether other layers read only those outputs of a layer that are above 0.

    A ReLU comes before the layer, or after it wherever it is read, with at most pooling, flattening
    and dropout in between, which preserve signs.
    """
    modules, sources = dict(network.named_children()), network.sources()
    before = layer
    while _keeps_sign(modules.get(before)):
        before = sources[before][0]
    if _cuts_off(modules.get(before)):
        return True

    def cut_off(name: str) -> bool:
        readers = [reader for reader, read in sources.items() if name in read]
        return bool(readers) and all(
            _cuts_off(modules[reader]) or (_keeps_sign(modules[reader]) and cut_off(reader))
            for reader in readers
        )

    return cut_off(layer)


def check_units(network: Network, layer: str, units: Sequence[int]) -> None:
    """Raise SpecError for a layer that does not exist, or has no map or unit with that number."""
    count = layer_shape(network, layer)[0]
    for unit in units:
        if not 0 <= unit < count:
            raise SpecError(f"unit: expected 0 to {count - 1} of {layer}, got {unit}")


def answers(network: Network, layers: Iterable[str], x: Tensor) -> dict[str, Tensor]:
    """The outputs of some layers for images x (N, C, H, W), in one pass up to the last of them.

    Of penalties, where low is good, negated.
    """
    wanted, found = set(layers), {}
    last = list(network.named_children())[-1][0]
    for name, _, value in network.steps(x):
        if name in wanted:
            require_finite(value.numpy(), f"output of {name}")
            found[name] = value * score_sign(network) if name == last else value
            if len(found) == len(wanted):
                break
    return found


def box_of(network: Network, layer: str, unit: tuple[int, int] | None) -> tuple[int, int, int, int]:
    """The input pixels that a unit sees, (top, left, bottom, right); all for None, in a vector."""
    if unit is None:
        return (0, 0, *network.input_shape[1:])
    return unit_field(network, layer, unit).box


def largest(
    network: Network, layer: str, units: Sequence[int], images: np.ndarray, scaling: Scaling
) -> tuple[np.ndarray, np.ndarray]:
    """The largest output of each map or unit of a layer for each image, and its flat index there.

    images: (N, C, H, W) uint8, of the network's input size.  Returns two arrays (N, units).
    """
    return _largest(network, [(layer, unit) for unit in units], images, scaling)


def _largest(
    network: Network, units: Sequence[tuple[str, int]], images: np.ndarray, scaling: Scaling
) -> tuple[np.ndarray, np.ndarray]:
    """``largest`` for units of several layers, (layer, number)."""
    for layer, unit in units:
        check_units(network, layer, [unit])
    values = np.empty((len(images), len(units)), np.float32)
    places = np.empty(values.shape, np.int64)
    size = images_at_once(network, BATCH)
    with at_rest(network), no_grad():
        for start in range(0, len(images), size):
            some = slice(start, start + size)
            x = Tensor(to_floats(images[some], scaling))
            outputs = answers(network, {layer for layer, _ in units}, x)
            found = {layer: output.numpy() for layer, output in outputs.items()}
            for column, (layer, unit) in enumerate(units):
                output = found[layer][:, unit].reshape(len(x.data), -1)
                places[some, column] = output.argmax(axis=1)
                values[some, column] = output.max(axis=1)
    return values, places


def top_patches(
    network: Network,
    layer: str,
    units: Sequence[int],
    images: np.ndarray,
    scaling: Scaling,
    count: int = 9,
) -> list[list[Patch]]:
    """For each unit of a layer the ``count`` patches that activate it most, one per image at most.

    The rest as for ``top_patches_each``.
    """
    check_units(network, layer, units)
    return top_patches_each(network, [(layer, unit) for unit in units], images, scaling, count)


def top_patches_each(
    network: Network,
    units: Sequence[tuple[str, int]],
    images: np.ndarray,
    scaling: Scaling,
    count: int = 9,
) -> list[list[Patch]]:
    """For each unit, (layer, number), the ``count`` patches that activate it most, one per image.

    images: (N, C, H, W) uint8, of the network's input size.  A unit of a convolution is a map: its
    largest output for an image counts, and the position of that says what it saw.  Among equal
    outputs the first image comes first.
    Source: Zeiler & Fergus 2014, section 4, figure 2 (the patches beside their projections).
    Raises SpecError for an unknown layer or unit and a count below 1, ShapeError for
    no images and images of another size.
    """
    if count < 1:
        raise SpecError(f"patches: expected at least 1 a unit, got {count}")
    if images.ndim != 4 or not len(images) or images.shape[1:] != network.input_shape:
        wanted = ", ".join(map(str, network.input_shape))
        raise ShapeError(f"expected at least one image (N, {wanted}), got {images.shape}")
    values, places = _largest(network, units, images, scaling)
    found: list[list[Patch]] = []
    for column, (layer, _) in enumerate(units):
        shape = layer_shape(network, layer)
        order = np.argsort(-values[:, column], kind="stable")[:count]
        found.append([])
        for image in order.tolist():
            unit = None
            if len(shape) == 3:
                row, at = divmod(int(places[image, column]), shape[2])
                unit = row, at
            box = box_of(network, layer, unit)
            found[-1].append(Patch(image, unit, box, float(values[image, column])))
    return found
