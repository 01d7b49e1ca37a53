"""Fusion: ReLU is done in the loop of the layer next to it, with the same results."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple

from convlab.nn.activations import ReLU
from convlab.nn.chain import Segment
from convlab.nn.module import Module
from convlab.tensors import Tensor

Node = tuple[str, Module, tuple[str | None, ...]]
"""A layer of a network: its name, itself, and the names of what it reads, None for the input."""


class Step(NamedTuple):
    """A layer to run, with ``relu`` of its result; ``name`` is what its readers call it.

    ``last``: those of its sources that no later step reads.
    """

    name: str
    layer: Any  # a Module, or a Segment of them
    sources: tuple[str | None, ...]
    relu: bool = False
    last: frozenset[str | None] = frozenset()


def fused(nodes: Iterable[Node]) -> list[Step]:
    """The layers of a network, in rows or as a graph, without each ReLU that a neighbour can do.

    ReLU of a maximum is the maximum of ReLUs, so it goes to the max pooling that is its only
    reader; otherwise to the layer whose only reader it is, if that layer's ``forward`` takes
    ``relu``.
    """
    nodes = list(nodes)
    readers = Counter(source for _, _, sources in nodes for source in sources)
    alone = {
        sources[0]: layer
        for _, layer, sources in nodes
        if len(sources) == 1 and readers[sources[0]] == 1
    }
    steps: dict[str | None, Step] = {}
    left_out: dict[str | None, str | None] = {}  # a ReLU, and what comes before it
    for name, layer, sources in nodes:
        before = sources[0]
        relu = type(layer) is ReLU and is_own(layer)
        if relu and _is_maximum(alone.get(name)):
            left_out[name] = before
        elif relu and alone.get(before) is layer and _can_add_relu(steps.get(before)):
            steps[name] = steps.pop(before)._replace(name=name, relu=True)
        else:
            sources = tuple(left_out.get(source, source) for source in sources)
            steps[name] = Step(name, layer, sources, before in left_out)
    last_reader = {source: name for name, step in steps.items() for source in step.sources}
    return [
        step._replace(last=frozenset(s for s in step.sources if last_reader[s] == name))
        for name, step in steps.items()
    ]


def in_segments(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps, with steady ones in a row merged into one."""
    row: list[Step] = []
    for step in steps:
        said = vars(type(step.layer)).get("steady", False)
        steady = len(step.sources) == 1 and said and is_own(step.layer)
        if row and not (steady and step.last == {row[-1].name}):
            yield _segment(row)
            row = []
        if steady:
            row.append(step)
        else:
            yield step
    if row:
        yield _segment(row)


def _segment(row: list[Step]) -> Step:
    first, *rest = row
    alone = first._replace(sources=(None,), last=frozenset({None}))
    segment = Segment([step.layer for step in row], partial(run, [alone, *rest]))
    return first._replace(name=row[-1].name, layer=segment, relu=False)


def run(steps: Iterable[Step], x: Tensor) -> Tensor:
    """The output of the last step; each result is released after its last reader."""
    values: dict[str | None, Tensor] = {None: x}
    for name, layer, sources, relu, last in steps:
        inputs = [values[source] for source in sources]
        x = values[name] = layer(*inputs, relu=True) if relu else layer(*inputs)
        for source in last:
            del values[source]
    return x


def is_own(layer: Module) -> bool:
    """Whether a layer's ``forward`` is that of its class, and not one set on the instance."""
    return "forward" not in vars(layer)


@cache
def _takes_relu(forward: Any) -> bool:
    return "relu" in inspect.signature(forward).parameters


def _is_maximum(layer: Module | None) -> bool:
    if layer is None or getattr(layer, "reduction", "") != "maximum":
        return False
    return _takes_relu(type(layer).forward) and is_own(layer)


def _can_add_relu(step: Step | None) -> bool:
    if step is None or step.relu or not is_own(step.layer):
        return False
    return _takes_relu(type(step.layer).forward)
