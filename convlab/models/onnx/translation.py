"""From a graph of ONNX's nodes to layers of convlab: what is known, what flows, what was made.

A value is either a constant, which is worked out while reading, or it flows: it depends on the
input.  An operator of flowing values becomes a layer; one that no network of layers can have,
because it mixes images of a batch or has a shape of its own, becomes a function of whole tensors,
which the backend runs and a network refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from convlab import nn
from convlab.checks import shown
from convlab.errors import ConvlabError, SpecError
from convlab.models.onnx.constants import CONSTANTS, computed, shape_of, whole_numbers
from convlab.models.onnx.graph import Graph, Node
from convlab.names import meant
from convlab.tensors import Tensor


class NotConstant(SpecError):
    """An input of a node that has to be a constant is not; ``name`` is the value's."""

    def __init__(self, text: str, name: str):
        super().__init__(text)
        self.name = name


class Flow(NamedTuple):
    """A value that depends on the input: the step that makes it, and its shape, batch included."""

    step: str
    shape: tuple[int, ...]


class Step(NamedTuple):
    """A layer with its settings and numbers, or a function of tensors with a reason for it.

    ``inputs``: the steps that it reads, by name; the graph's inputs have theirs.
    """

    name: str
    kind: str
    settings: dict[str, Any]
    state: dict[str, np.ndarray]
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    function: Callable[..., Tensor] | None = None
    node: Node | None = None


Operand = Flow | np.ndarray
Operator = Callable[["Translation", Node], Any]
"""From a node to what it computes: an Operand, or a list of its outputs."""
OPERATORS: dict[str, Operator] = {}
"""What makes a layer of each operator, by its name."""


def operator(*names: str) -> Callable[[Operator], Operator]:
    """Register the function that makes layers of these operators."""

    def register(function: Operator) -> Operator:
        OPERATORS.update(dict.fromkeys(names, function))
        return function

    return register


def known_operators() -> list[str]:
    """The names of all operators that are read."""
    return sorted({*OPERATORS, *CONSTANTS})


class Translation:
    """A graph as steps, for inputs of given shapes.

    ``shapes``: of the inputs that flow, batch included; ``known``: the others' numbers.  Raises
    SpecError, with the node, for what is not known or does not fit, and NotConstant.
    """

    def __init__(
        self,
        graph: Graph,
        shapes: Mapping[str, tuple[int, ...]],
        known: Mapping[str, np.ndarray] | None = None,
    ):
        self.constants = {**graph.constants, **(known or {})}
        self.flows = {name: Flow(name, tuple(shape)) for name, shape in shapes.items()}
        self.steps: list[Step] = []
        self.inputs = frozenset(shapes)
        self.taken = set(shapes)
        for node in graph.nodes:
            self._take(node)
        self.outputs = [self.value(name) for name in graph.outputs]

    def value(self, name: str) -> Operand:
        """What is known of a value.  Raises SpecError for one that no operator here gives."""
        if name not in self.flows and name not in self.constants:
            raise SpecError(f"{shown(name)}: expected an output that convlab computes, got another")
        return self.flows[name] if name in self.flows else self.constants[name]

    def _take(self, node: Node) -> None:
        read = [name for name in node.inputs if name]
        for name in read:
            self.value(name)
        result: Operand | list[Operand] | None = None
        if all(name in self.constants for name in read):
            arrays = [self.constants[name] if name else None for name in node.inputs]
            result = computed(node, arrays)
        if result is None:
            result = self._translated(node)
        if not node.outputs:
            raise SpecError(f"{node.where}: expected an output, got none")
        results = result if isinstance(result, list) else [result]
        for name, one in zip(node.outputs, results, strict=False):
            if isinstance(one, Flow):
                self.flows[name] = one
            else:
                self.constants[name] = one

    def _translated(self, node: Node) -> Operand | list[Operand]:
        if node.op in ("Shape", "Size"):
            shape = self.flow(node, 0).shape
            return shape_of(node, shape) if node.op == "Shape" else np.array(np.prod(shape))
        if node.op in CONSTANTS and node.op not in OPERATORS:
            for place, name in enumerate(node.inputs):
                if name in self.flows:
                    self.constant(node, place)
        if node.op not in OPERATORS:
            known = known_operators()
            alike = [name for name in known if name.lower() == node.op.lower()]
            near = f"; did you mean {alike[0]}?" if alike else meant(node.op, known)
            raise SpecError(
                f"{node.where}: expected an operator that convlab knows, got {shown(node.op)}"
                f"{near}; known are {', '.join(known)}"
            )
        try:
            return OPERATORS[node.op](self, node)
        except NotConstant:
            raise
        except ConvlabError as error:
            text = str(error)
            raise SpecError(text if text.startswith(node.op) else f"{node.where}: {text}") from None
        except (KeyError, IndexError, TypeError, ValueError, ArithmeticError) as error:
            reason = " ".join(str(error).split())[:120]
            raise SpecError(f"{node.where}: attributes that do not fit: {reason}") from None

    # --- what a node reads --------------------------------------------------------------------

    def has(self, node: Node, place: int) -> bool:
        """Whether a node reads anything at ``place``."""
        return place < len(node.inputs) and node.inputs[place] != ""

    def operand(self, node: Node, place: int) -> Operand:
        if not self.has(node, place):
            raise SpecError(f"{node.where}: expected at least {place + 1} inputs")
        return self.value(node.inputs[place])

    def flow(self, node: Node, place: int) -> Flow:
        """An input that depends on the image.  Raises SpecError for a constant."""
        found = self.operand(node, place)
        if isinstance(found, Flow):
            return found
        raise SpecError(f"{node.where}: expected input {place} to depend on the image")

    def flows_of(self, node: Node) -> list[Operand]:
        return [self.operand(node, place) for place in range(len(node.inputs))]

    def constant(self, node: Node, place: int) -> np.ndarray:
        """An input that is a constant.  Raises NotConstant for one that depends on the image."""
        found = self.operand(node, place)
        if isinstance(found, Flow):
            raise NotConstant(
                f"{node.where}: expected input {place} to be a constant, got one that depends on"
                " the image",
                node.inputs[place],
            )
        return found

    def floats(self, node: Node, place: int) -> np.ndarray:
        """A constant of weights, as float32."""
        array = self.constant(node, place)
        if array.dtype.kind not in "fiu":
            raise SpecError(f"{node.where}: expected numbers as input {place}, got {array.dtype}")
        return array.astype(np.float32, copy=False)

    def setting(self, node: Node, place: int, attribute: str, default: Any) -> Any:
        """A number, by an input of newer opsets or an attribute of older ones."""
        if self.has(node, place):
            return self.constant(node, place).item()
        return node.attributes.get(attribute, default)

    def axes(self, node: Node, place: int, attribute: str = "axes") -> list[int] | None:
        """Whole numbers, by an input of newer opsets or an attribute of older ones."""
        if self.has(node, place):
            return whole_numbers(self.constant(node, place))
        return node.attributes.get(attribute)

    # --- what is made of it -------------------------------------------------------------------

    def layer(
        self,
        node: Node,
        kind: str,
        settings: Mapping[str, Any],
        *inputs: Flow,
        state: Mapping[str, np.ndarray | None] | None = None,
    ) -> Flow:
        """A layer of convlab.nn by its name.  Raises the layer's own errors for what is wrong."""
        numbers = {name: value for name, value in (state or {}).items() if value is not None}
        layer = made(kind, settings)
        first, *others = (flow.shape for flow in inputs)
        if layer.family in (nn.Family.ACTIVATION, nn.Family.DROPOUT):
            shape = first  # of any number of axes
        else:
            rest = layer.output_shape(first[1:], *(other[1:] for other in others))
            shape = (*first[:1], *rest)
        return self._add(node, kind, dict(settings), numbers, inputs, shape, None)

    def function(
        self,
        node: Node,
        function: Callable[..., Tensor],
        shape: Sequence[int],
        *inputs: Flow,
        **settings: Any,
    ) -> Flow:
        """A function of whole tensors, for what no layer can do; ``settings`` say what it does."""
        return self._add(node, node.op, settings, {}, inputs, tuple(map(int, shape)), function)

    def _add(self, node, kind, settings, state, inputs, shape, function) -> Flow:
        name = self.free_name(node)
        sources = tuple(flow.step for flow in inputs)
        self.steps.append(Step(name, kind, settings, state, sources, shape, function, node))
        return Flow(name, shape)

    def free_name(self, node: Node) -> str:
        """A name for a step that no other has."""
        stem = node.name or node.outputs[0]
        name, number = stem, 1
        while name in self.taken:
            number += 1
            name = f"{stem}_{number}"
        self.taken.add(name)
        return name


def made(kind: str, settings: Mapping[str, Any]) -> nn.Module:
    """A layer by name, with weights of zeros, which take no memory yet."""
    layer = nn.LAYERS[kind]
    drawn = {"initialisation": None} if kind in _DRAWN else {}
    return layer(**settings, **drawn)


_DRAWN = ("Conv2d", "ConvTranspose2d", "Linear")
