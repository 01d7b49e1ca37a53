"""How a network's answer to one image spreads when dropout sets some of its units to 0."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from convlab import nn, random
from convlab.checks import number, whole
from convlab.errors import ShapeError, SpecError
from convlab.insight.attribution import BATCH, at_rest, probabilities
from convlab.insight.patches import default_layer, layer_shape
from convlab.models import GraphNetwork, Network
from convlab.nn import Dropout, Family
from convlab.tape import no_grad
from convlab.tensors import Tensor

RATE = 0.5  # Srivastava et al. 2014, for hidden units
KEPT = 8  # masks whose numbers are kept
MOST = 1_000  # masks


@dataclass(frozen=True, eq=False)
class DropoutAnswers:
    """The answers to one image with dropout drawn again and again.

    ``layer``: a layer of dropout, or the one that dropout of ``rate`` was put behind; ``behind``:
    the layer whose output is dropped, ``layer``'s activation if it has one.  ``own``: the network's
    own layers of dropout that are at work, if ``layer`` is one of them.
    ``values``: that output, (units,) or (C, H, W), without dropout.
    ``masks`` (M, ...): for the first masks what each unit is multiplied by, 0 or 1 / (1 - rate);
    ``outputs``: the same shape, what goes on.  ``dropped`` (N,): how many units each of all masks
    sets to 0.  ``probabilities`` (N, classes) with them, ``without`` (classes,): without dropout.
    """

    layer: str
    behind: str
    rate: float
    own: tuple[str, ...]
    values: np.ndarray
    masks: np.ndarray
    outputs: np.ndarray
    dropped: np.ndarray
    probabilities: np.ndarray
    without: np.ndarray


def dropout(
    network: Network,
    x: np.ndarray,
    layer: str | None = None,
    rate: float | None = None,
    masks: int = 100,
    seed: int = 0,
) -> DropoutAnswers:
    """The answers to the image x (C, H, W) with ``masks`` masks drawn from ``seed``.

    The masks are those of the engine's own Dropout, as in training; everything else is at rest.
    ``layer``: a layer of dropout of the network, whose layers of dropout then all work, with
    ``rate`` in place of their own if it is given; or any other layer, behind which (and behind its
    activation) dropout of ``rate``, by default 0.5, is put and all others rest.  None: the first
    layer of dropout, or else the first hidden dense layer, or the last convolution.

    Source: Srivastava et al. 2014; of the spread of the answers, Gal & Ghahramani 2016.
    Raises SpecError for a layer that does not exist or is the last and for settings out of range,
    ShapeError for an image of another size.
    """
    if x.shape != network.input_shape:
        raise ShapeError(f"expected an image of shape {network.input_shape}, got {x.shape}")
    whole(masks, "masks", 1, MOST, SpecError)
    whole(seed, "seed", 0, sys.maxsize, SpecError)
    if rate is not None:
        number(rate, "rate", np.nextafter(0, 1), np.nextafter(1, 0), "a number between 0 and 1")
    own = [n for n, module in network.named_children() if module.family is Family.DROPOUT]
    layer = _usual_layer(network, own) if layer is None else layer
    layer_shape(network, layer)
    if layer not in own:
        own = []
    before = random.get_state()
    try:
        random.manual_seed(seed)
        with at_rest(network), no_grad():
            return _answers(network, x, layer, rate, masks, own)
    finally:
        random.set_state(before)


def _usual_layer(network: Network, own: list[str]) -> str:
    if own:
        return own[0]
    *hidden, _ = network.named_children()
    dense = [name for name, module in hidden if module.family is Family.DENSE]
    return (dense or [default_layer(network)])[0]


def _answers(
    network: Network, x: np.ndarray, layer: str, rate: float | None, masks: int, own: list[str]
) -> DropoutAnswers:
    without = probabilities(network, x[None])[0]
    dropping, drawn, read = _dropping(network, layer, rate, own)
    values = next(v for name, _, v in network.steps(Tensor(x[None])) if name == read).numpy()[0]
    kept, outputs, dropped, found = [], [], [], []
    for start in range(0, masks, BATCH):
        images = Tensor(np.repeat(x[None], min(BATCH, masks - start), axis=0))
        state = random.get_state()
        for name, module, value in dropping.steps(images):
            if name == drawn:
                mask = _mask_of(module, value.shape, state)
                dropped.append((mask == 0).reshape(len(mask), -1).sum(axis=1))
                room = max(0, KEPT - start)
                kept.append(mask[:room])
                outputs.append(value.numpy()[:room])
            state = random.get_state()
        found.append(dropping.probabilities(value.numpy()))
    return DropoutAnswers(
        layer,
        read,
        dict(dropping.named_children())[drawn].p,
        tuple(own),
        values,
        np.concatenate(kept),
        np.concatenate(outputs),
        np.concatenate(dropped),
        np.concatenate(found),
        without,
    )


def _mask_of(module: nn.Module, shape: tuple[int, ...], state: dict) -> np.ndarray:
    """What a layer of dropout multiplied by, when the random numbers were in ``state``."""
    after = random.get_state()
    random.set_state(state)
    mask = module(Tensor(np.ones(shape, np.float32))).numpy()
    random.set_state(after)
    return mask


def _dropping(
    network: Network, layer: str, rate: float | None, own: list[str]
) -> tuple[Network, str, str]:
    """The network with dropout at work, the layer of dropout in question, and what it reads.

    Its other layers are those of ``network`` itself.
    """
    layers, sources = dict(network.named_children()), network.sources()
    if own:
        rates = {name: getattr(layers[name], "p", RATE) if rate is None else rate for name in own}
        drawn, read = layer, sources[layer][0]
        layers |= {name: Dropout(p) for name, p in rates.items()}
    else:
        read = _with_activation(network, layer)
        drawn = "dropout"
        while drawn in layers or hasattr(network, drawn):
            drawn += "_"
        if read == list(layers)[-1]:
            raise SpecError(f"layer: expected a hidden one, got {layer}, the last")
        sources = {n: tuple(drawn if s == read else s for s in r) for n, r in sources.items()}
        made: dict[str, nn.Module] = {}
        for name, module in layers.items():
            made[name] = module
            if name == read:
                made[drawn] = Dropout(RATE if rate is None else rate)
        layers, sources = made, sources | {drawn: (read,)}
    dropping = GraphNetwork(layers, {name: sources[name] for name in layers})
    dropping.name, dropping.loss = network.name, network.loss
    return dropping, drawn, read


def _with_activation(network: Network, layer: str) -> str:
    """A layer, or the activation that alone reads it."""
    readers = [name for name, read in network.sources().items() if layer in read]
    modules = dict(network.named_children())
    if len(readers) == 1 and modules[readers[0]].family is Family.ACTIVATION:
        return readers[0]
    return layer
