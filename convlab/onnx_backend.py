"""convlab as a backend of ONNX: ``prepare`` a model, then ``run`` it with arrays.

As the package onnx describes backends, so that its own tests run on this module.  Here a model's
operators may do anything with whole tensors; a network for pictures is ``models.from_onnx``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from convlab.errors import DeviceError, SpecError
from convlab.models.onnx.graph import Graph, checked_graph, package
from convlab.models.onnx.translation import Flow, NotConstant, Translation, made
from convlab.nn import Module
from convlab.tape import no_grad
from convlab.tensors import Tensor


class BackendRep:
    """A model that is ready to run."""

    def __init__(self, graph: Graph):
        self._graph = graph
        self._prepared: tuple[Any, Translation, dict[str, Module]] | None = None
        self._bound: set[str] = set()  # inputs that have to be known before layers are made

    def run(self, inputs: Any, **settings: Any) -> tuple[np.ndarray, ...]:
        """The model's outputs for its inputs: arrays in order, or by name.

        Raises SpecError for an operator that is not known, and the errors of layers.
        """
        names = list(self._graph.inputs)
        given = self._named(names, inputs)
        translation, layers = self._translated(given)
        values = {n: Tensor(v) for n, v in given.items() if n in translation.flows}
        with no_grad():
            for step in translation.steps:
                function = step.function or layers[step.name]
                values[step.name] = function(*(values[source] for source in step.inputs))
        return tuple(
            values[one.step].numpy() if isinstance(one, Flow) else one
            for one in translation.outputs
        )

    def _named(self, names: Sequence[str], inputs: Any) -> dict[str, np.ndarray]:
        if isinstance(inputs, Mapping):
            given = {str(name): np.asarray(value) for name, value in inputs.items()}
            count = len(given)
        else:
            arrays = inputs if isinstance(inputs, list | tuple) else [inputs]
            count = len(arrays)
            given = {n: np.asarray(one) for n, one in zip(names, arrays, strict=False)}
        if count != len(names) or given.keys() != set(names):
            raise SpecError(f"run: expected {len(names)} inputs, {', '.join(names)}, got {count}")
        return given

    def _translated(self, given: dict[str, np.ndarray]) -> tuple[Translation, dict[str, Module]]:
        """The steps for inputs of these shapes, made again only where these or numbers differ."""
        while True:
            bound = {n: v for n, v in given.items() if v.dtype.kind != "f" or n in self._bound}
            flowing = {name: v.shape for name, v in given.items() if name not in bound}
            key = flowing, {name: value.tobytes() for name, value in bound.items()}
            if self._prepared is not None and self._prepared[0] == key:
                return self._prepared[1:]
            try:
                translation = Translation(self._graph, flowing, bound)
            except NotConstant as error:
                if error.name not in flowing:
                    raise
                self._bound.add(error.name)
                continue
            layers = {s.name: _layer(s) for s in translation.steps if s.function is None}
            self._prepared = key, translation, layers
            return translation, layers


def _layer(step: Any) -> Module:
    layer = made(step.kind, step.settings)
    layer.load_state_dict(step.state)
    return layer.eval()


def supports_device(device: str) -> bool:
    """Whether a model can run on a device: CPU."""
    return device.partition(":")[0] == "CPU"


def prepare(model: Any, device: str = "CPU", **settings: Any) -> BackendRep:
    """A model, an onnx.ModelProto, made ready to run.  Raises SpecError, DeviceError."""
    if not supports_device(device):
        raise DeviceError(f"ONNX: expected the device CPU, got {device!r}")
    return BackendRep(checked_graph(model, "model"))


def run_model(model: Any, inputs: Any, device: str = "CPU", **settings: Any) -> tuple:
    """A model's outputs for its inputs.  Raises the errors of ``prepare`` and ``run``."""
    return prepare(model, device).run(inputs)


def run_node(
    node: Any, inputs: Any, device: str = "CPU", outputs_info: Any = None, **settings: Any
) -> tuple:
    """One node's outputs for its inputs: an onnx.NodeProto by itself, of the newest opset."""
    helper = package().helper
    arrays = [np.asarray(one) for one in inputs]
    kinds = [helper.np_dtype_to_tensor_dtype(one.dtype) for one in arrays]
    names = [name for name in node.input if name]
    values = [
        helper.make_tensor_value_info(name, kind, one.shape)
        for name, kind, one in zip(names, kinds, arrays, strict=True)
    ]
    outputs = [helper.make_tensor_value_info(name, 1, None) for name in node.output if name]
    graph = helper.make_graph([node], "node", values, outputs)
    return run_model(helper.make_model(graph), arrays, device)
