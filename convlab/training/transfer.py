"""Weights from another run, and layers that are not trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from convlab import nn
from convlab.errors import SpecError
from convlab.models import Network

# The words of --freeze for all layers of a kind.
KINDS = {
    "conv": (nn.Family.CONVOLUTION, nn.Family.TRANSPOSED),
    "dense": (nn.Family.DENSE,),
}


class TakenOver(NamedTuple):
    """The layers whose weights were taken, and for each of the others the reason why not."""

    taken: tuple[str, ...]
    left: dict[str, str]


def layers_with_weights(network: Network) -> dict[str, nn.Module]:
    """The layers that have parameters, by their names, in order."""
    return {name: layer for name, layer in network.named_children() if layer.parameters()}


def head(network: Network) -> str:
    """The name of the last layer with weights, which gives the classes' scores."""
    return list(layers_with_weights(network))[-1]


def take_over(
    network: Network, weights: Mapping[str, np.ndarray], *, new_head: bool = False
) -> TakenOver:
    """Give each layer the weights of the layer with its name, if all their shapes agree.

    weights: arrays by dotted names, as ``state_dict`` gives them.  ``new_head`` leaves the
    network's last layer with weights as it is.  Raises SpecError if no layer fits, with nothing
    changed.
    """
    state = network.state_dict()
    taken, left = [], {}
    for name, layer in network.named_children():
        if not layer.named_state():
            continue
        own = {f"{name}.{part}": t.shape for part, t in layer.named_state().items()}
        there = {key: weights[key].shape for key in weights if key.startswith(f"{name}.")}
        if new_head and name == head(network):
            left[name] = "made anew"
        elif not there:
            left[name] = "not there"
        elif own != there:
            key = next(key for key in own if own[key] != there.get(key))
            left[name] = f"{_size(there.get(key))} there, {_size(own[key])} here"
        else:
            taken.append(name)
            state |= {key: weights[key] for key in own}
    if not taken:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left.items())
        raise SpecError(f"expected a layer of the same name and shape to start from: {reasons}")
    network.load_state_dict(state)
    return TakenOver(tuple(taken), left)


def _size(shape: tuple[int, ...] | None) -> str:
    return "nothing" if shape is None else " x ".join(map(str, shape))


def freeze(network: Network, words: str, *, new_head: bool = False) -> tuple[str, ...]:
    """Keep layers from being trained: none of their parameters requires a gradient.

    words: names of layers with weights, or conv and dense for all of a kind, separated by commas;
    with the convolutions go the normalisations of maps, with the dense layers those of vectors.
    With a ``new_head`` a kind does not mean the last layer with weights.
    Returns the names of the layers.  Raises SpecError for other words, and if nothing is left to
    train.
    """
    layers = layers_with_weights(network)
    frozen: set[str] = set()
    for word in (part.strip() for part in words.split(",")):
        found = {word} if word in layers else _of_kind(network, word)
        if new_head and word in KINDS:
            found -= {head(network)}
        if not found:
            kinds = " or ".join(KINDS)
            raise SpecError(
                f"freeze: expected layers with weights, {_listed(layers)}, or {kinds} for all"
                f" of a kind, got {word!r}"
            )
        frozen |= found
    if len(frozen) == len(layers):
        raise SpecError(f"freeze: expected a layer to be left to train, {words} freezes all")
    for name in frozen:
        layers[name].requires_grad_(False)
    return tuple(name for name in layers if name in frozen)


def _of_kind(network: Network, word: str) -> set[str]:
    """The layers with weights of a kind, and what shifts and scales their outputs, if it occurs."""
    maps = {name: len(after) > 1 for name, _, _, after in network.shapes()}
    layers = layers_with_weights(network)
    found = {name for name, layer in layers.items() if layer.family in KINDS.get(word, ())}
    others = {
        name
        for name, layer in layers.items()
        if layer.family in (nn.Family.NORMALISATION, nn.Family.ACTIVATION)
        and maps[name] is (word == "conv")
    }
    return found | others if found else found


def _listed(layers: Mapping[str, nn.Module]) -> str:
    """The names of layers, of many the first and the last."""
    names = list(layers)
    return ", ".join(names if len(names) <= 24 else [*names[:5], "\u2026", *names[-5:]])
