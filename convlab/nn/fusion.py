"""A pass that saves passes: ReLU and max pooling in the loop of the layer before them.

The numbers are the same, to the bit.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple

from convlab.nn.activations import ReLU
from convlab.nn.module import Module
from convlab.tensors import Tensor

Node = tuple[str, Module, tuple[str | None, ...]]
"""A layer of a network: its name, itself, and the names of what it reads, None for the input."""


class Step(NamedTuple):
    """A layer to run, with what it ``also`` does; ``name`` is what its readers call it.

    ``also``: "relu" of its result, and then "halve", its maximum over 2 x 2.
    ``last``: those of its sources that no later step reads.
    """

    name: str
    layer: Module
    sources: tuple[str | None, ...]
    also: tuple[str, ...] = ()
    last: frozenset[str | None] = frozenset()


def fused(nodes: Iterable[Node]) -> list[Step]:
    """The layers of a network, in rows or as a graph, without those that a neighbour does.

    ReLU of a maximum is the maximum of ReLUs, so it goes to the max pooling that alone reads
    it; or else to the layer that it alone reads.  A max pooling by 2 x 2 goes, with its ReLU,
    to the layer that it alone reads.  Layers say by the arguments of ``forward`` what they do.
    """
    nodes = list(nodes)
    readers = Counter(source for _, _, sources in nodes for source in sources)
    alone = {
        sources[0]: layer
        for _, layer, sources in nodes
        if len(sources) == 1 and readers[sources[0]] == 1
    }
    steps: dict[str | None, Step] = {}
    left_out: dict[str | None, str | None] = {}  # a ReLU, and what stands before it
    for name, layer, sources in nodes:
        is_relu = type(layer) is ReLU
        if is_relu and _is_maximum(alone.get(name)):
            left_out[name] = sources[0]
            continue
        relu = ("relu",) if is_relu or sources[0] in left_out else ()
        halve = ("halve",) if getattr(layer, "halves", False) else ()
        own = alone.get(sources[0]) is layer
        sources = tuple(left_out.get(source, source) for source in sources)
        before = sources[0]
        own = own and before in alone and (is_relu or bool(halve))
        if own and _can_also(steps.get(before), relu + halve):
            steps[name] = steps.pop(before)._replace(name=name, also=relu + halve)
        else:
            steps[name] = Step(name, layer, sources, () if is_relu else relu)
    last_reader = {source: name for name, step in steps.items() for source in step.sources}
    return [
        step._replace(last=frozenset(s for s in step.sources if last_reader[s] == name))
        for name, step in steps.items()
    ]


def run(steps: Iterable[Step], x: Tensor) -> Tensor:
    """The output of the last step; each result is let go after its last reader."""
    values: dict[str | None, Tensor] = {None: x}
    for name, layer, sources, also, last in steps:
        inputs = [values[source] for source in sources]
        forward: Callable[..., Tensor] = layer.forward  # what it also does is known from fused
        x = forward(*inputs, **dict.fromkeys(also, True)) if also else layer(*inputs)
        values[name] = x
        for source in last:
            del values[source]
    return x


@cache
def _arguments(forward: Callable[..., Tensor]) -> frozenset[str]:
    return frozenset(inspect.signature(forward).parameters)


def _is_maximum(layer: Module | None) -> bool:
    if layer is None or getattr(layer, "reduction", "") != "maximum":
        return False
    return "relu" in _arguments(type(layer).forward)


def _can_also(step: Step | None, also: tuple[str, ...]) -> bool:
    """Whether a layer that does nothing else yet does this too."""
    return step is not None and not step.also and set(also) <= _arguments(type(step.layer).forward)
