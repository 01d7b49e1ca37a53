"""Fusion: ReLU and batch normalisation are done in the loop of the layer next to them."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from convlab.nn.activations import ReLU, ReLU6
from convlab.nn.chain import Segment
from convlab.nn.module import Module
from convlab.tape import is_recording
from convlab.tensors import Tensor

Node = tuple[str, Module, tuple[str | None, ...]]
"""A layer of a network: its name, itself, and the names of what it reads, None for the input."""


class Step(NamedTuple):
    """A layer to run, with ``norm`` and ``relu`` of its result; its readers call it ``name``.

    ``last``: those of its sources that no later step reads.  ``relu6``: the ReLU6 of its result.
    """

    name: str
    layer: Any  # a Module, or a Segment of them
    sources: tuple[str | None, ...]
    relu: bool = False
    norm: Any = None  # a normalisation that the layer can do to its results, once trained
    last: frozenset[str | None] = frozenset()
    relu6: Any = None


def fused(nodes: Iterable[Node]) -> list[Step]:
    """The layers of a network, in rows or as a graph, without those that a neighbour can do.

    ReLU of a maximum is the maximum of ReLUs, so it goes to the max pooling that is its only
    reader; otherwise to the layer whose only reader it is, if that layer's ``forward`` takes
    ``relu``: all with the same results.  Batch normalisation goes to the layer whose only reader
    it is, if that one's ``forward`` takes ``norm``; evaluated there, its results differ in the
    last bits.  A ReLU6 behind it is evaluated in place.
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
        norm = hasattr(layer, "scale_and_shift") and is_own(layer)
        six = type(layer) is ReLU6 and is_own(layer)
        if relu and _is_maximum(alone.get(name)):
            left_out[name] = before
        elif relu and alone.get(before) is layer and _can_add("relu", steps.get(before)):
            steps[name] = steps.pop(before)._replace(name=name, relu=True)
        elif six and alone.get(before) is layer and _ends_in_norm(steps.get(before)):
            steps[name] = steps.pop(before)._replace(name=name, relu6=layer)
        elif norm and alone.get(before) is layer and _can_add("norm", steps.get(before)):
            steps[name] = steps.pop(before)._replace(name=name, norm=layer)
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
        steady = len(step.sources) == 1 and said and is_own(step.layer) and step.norm is None
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
    if not rest:  # a plan of one layer saves less than it costs
        return first
    alone = first._replace(sources=(None,), last=frozenset({None}))
    segment = Segment([step.layer for step in row], partial(run, [alone, *rest]))
    return first._replace(name=row[-1].name, layer=segment, relu=False)


def run(steps: Iterable[Step], x: Tensor) -> Tensor:
    """The output of the last step; each result is released after its last reader."""
    values: dict[str | None, Tensor] = {None: x}
    for name, layer, sources, relu, norm, last, relu6 in steps:
        inputs = [values[source] for source in sources]
        taken = norm is not None and norm.is_affine_map and not is_recording()
        in_place = relu6 is not None and taken and x.device == "cpu"
        settings = {"relu": True} if relu or in_place else {}
        if norm is None:
            x = layer(*inputs, **settings)
        elif taken:
            x = layer(*inputs, norm=norm, **settings)
        else:
            x = norm(layer(*inputs), **settings)
        if in_place:
            np.minimum(x.data, 6, out=x.data)
        elif relu6 is not None:
            x = relu6(x)
        values[name] = x
        for source in last:
            del values[source]
    return x


def is_own(layer: Module) -> bool:
    """Whether a layer's ``forward`` is that of its class, and not one set on the instance."""
    return "forward" not in vars(layer)


@cache
def _takes(forward: Any, argument: str) -> bool:
    return argument in inspect.signature(forward).parameters


def _ends_in_norm(step: Step | None) -> bool:
    """Whether a step's result is that of a normalisation, and may have a ReLU."""
    return step is not None and step.norm is not None and _can_add("relu", step)


def _is_maximum(layer: Module | None) -> bool:
    if layer is None or getattr(layer, "reduction", "") != "maximum":
        return False
    return _takes(type(layer).forward, "relu") and is_own(layer)


def _can_add(argument: str, step: Step | None) -> bool:
    """Whether a step's layer can do what ``argument`` says after its own work."""
    if step is None or step.relu or not is_own(step.layer):
        return False
    makers = [step.layer] if step.norm is None else [step.layer, step.norm]
    free = step.relu6 is None and (argument != "norm" or step.norm is None)
    return free and all(_takes(type(maker).forward, argument) for maker in makers)
