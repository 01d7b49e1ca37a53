"""The frozen layers in front of those that are trained: what they make of images is kept.

As long as their weights and the images stay, so do their outputs: they are computed once, by the
network as it is evaluated, and each epoch trains the layers behind them alone.  Where they take
long, the disk keeps them for the next training.  For a new last
layer on the features of a trained network see Donahue et al. 2014, "DeCAF".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from convlab import models, nn
from convlab.data import Augmentation, Batches, Dataset
from convlab.kernels.dispatch import Array, to_device
from convlab.models import GraphNetwork, Network
from convlab.models.summary import INPUT
from convlab.tape import no_grad
from convlab.tensors import Tensor
from convlab.training.kept_outputs import KeptOutputs

MOST_KEPT = 1 << 30
"""The most bytes of outputs that are kept; of more, each epoch computes its own."""
EVALUATION_BATCH = 256
"""Images of one forward pass in evaluation: enough to keep all threads busy."""
_PASS = 64  # images of one forward pass of frozen layers, at most
_LARGEST_MAPS = 1 << 26  # numbers of one layer's maps, of all images of such a pass


def images_at_once(network: Network) -> int:
    """How many images a forward pass in evaluation takes."""
    return models.images_at_once(network, EVALUATION_BATCH, _LARGEST_MAPS)


def last_frozen(network: Network) -> str | None:
    """The layer that gives all that the trained layers read of frozen ones; None without any.

    Up to it nothing is trained, random, or made of a whole batch.
    """
    sources, frozen, names = network.sources(), False, list(network.sources())
    found, before = None, {INPUT}
    for at, (name, layer) in enumerate(network.named_children()):
        by_batch = not getattr(layer, "track_running_stats", True)
        trained = any(parameter.requires_grad for parameter in layer.parameters())
        if trained or by_batch or layer.family is nn.Family.DROPOUT:
            break
        frozen = frozen or bool(layer.parameters())
        rest = {source for other in names[at + 1 :] for source in sources[other]}
        if frozen and rest and not rest & before:
            found = name
        before.add(name)
    return found


class Parts:
    """A network as the frozen layers up to ``after``, and the rest, which reads their outputs.

    Both have the network's own layers.  ``shape``: of the outputs, without the batch.
    """

    def __init__(self, network: Network, after: str):
        layers = dict(network.named_children())
        at = 1 + list(layers).index(after)
        self.after = after
        self.shape = {name: after for name, _, _, after in network.shapes()}[after]
        self.front = _part(network, list(layers.items())[:at], {}, network.input_shape)
        self.rest = _part(network, list(layers.items())[at:], {after: INPUT}, self.shape)
        self._pass = min(_PASS, images_at_once(self.front))
        self._kept: dict[Dataset, np.ndarray] = {}

    def forward(self, x: Array) -> Array:
        """What the frozen layers make of a batch (N, C, H, W).

        On a CPU in passes of one size, the last one filled up: for some shapes another number of
        images has another loop, which adds in another order.
        """
        if not isinstance(x, np.ndarray):
            return self._output(x)
        outputs = np.empty((*self.shape, len(x)), np.float32)
        for start in range(0, len(x), self._pass):
            some = x[start : start + self._pass]
            images = np.zeros((*x.shape[1:], self._pass), x.dtype)
            images[..., : len(some)] = np.moveaxis(some, 0, -1)
            found = self._output(np.moveaxis(images, -1, 0))[: len(some)]
            outputs[..., start : start + len(some)] = np.moveaxis(found, 0, -1)
        return np.moveaxis(outputs, -1, 0)

    def _output(self, x: Array) -> Array:
        with no_grad():
            return self.front.eval()(Tensor(x)).data

    def bytes_of(self, *datasets: Dataset) -> int:
        """How many bytes their outputs take for all images of some data sets."""
        return 4 * math.prod(self.shape) * sum(map(len, datasets))

    def kept(self, batches: Batches) -> np.ndarray:
        """Their outputs for all images of a data set, (..., count), the batch innermost."""
        dataset = batches.dataset
        if dataset not in self._kept:
            how = self.shape, batches.scaling, self._pass, batches.device

            def compute(wanted: np.ndarray) -> np.ndarray:
                outputs = np.empty((math.prod(self.shape), len(wanted)), np.float32).T
                for start in range(0, len(wanted), self._pass):
                    some = slice(start, start + self._pass)
                    found = to_device(self.forward(batches.floats(wanted[some])), "cpu")
                    outputs[some] = found.reshape(len(found), -1)
                return outputs

            flat = KeptOutputs(self.front, *how).of(dataset, compute)
            self._kept[dataset] = np.ascontiguousarray(flat.T).reshape(*self.shape, len(flat))
        return self._kept[dataset]


def _part(
    network: Network, layers: list[tuple[str, nn.Module]], renamed: Mapping[str, str], shape: Any
) -> Network:
    """Some layers of a network in a row, as a network of its own."""
    sources = network.sources()
    branches = {
        name: tuple(renamed.get(source, source) for source in sources[name]) for name, _ in layers
    }
    part = GraphNetwork(dict(layers), branches)
    part.name, part.loss, part.classes = network.name, network.loss, network.classes
    part.input_shape = shape
    return part


def keeps(parts: Parts | None, augmentation: str, *datasets: Dataset) -> bool:
    """Whether the outputs of frozen layers are kept: of unchanged images, where they have room."""
    plain = str(Augmentation.parse(augmentation)) == "none"
    return parts is not None and plain and parts.bytes_of(*datasets) <= MOST_KEPT


class FrontBatches(Batches):
    """Batches of what the frozen layers of a network make of images, kept or computed each time.

    The rest as for ``Batches``.
    """

    def __init__(self, parts: Parts, keep: bool, dataset: Dataset, size: int, **settings: Any):
        super().__init__(dataset, size, **settings)
        self._parts, self._keep = parts, keep

    def _batches(self, number: int, start: int) -> Iterator[tuple[Array, Array]]:
        for x, labels in super()._batches(number, start):
            yield (x if self._keep else self._parts.forward(x)), labels

    def _taken(self, each: Iterable[np.ndarray]) -> Iterator[Array]:
        if not self._keep:
            yield from super()._taken(each)
            return
        outputs = self._parts.kept(self)
        for index in each:
            chosen = np.take(outputs, index, axis=-1)
            yield to_device(np.moveaxis(chosen, -1, 0), self.device)
