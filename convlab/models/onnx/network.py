"""An ONNX file as a network of convlab: its spec, as a TOML file has it, and its weights."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from convlab import nn
from convlab.checks import checked, shown
from convlab.errors import SpecError, require_finite
from convlab.models.onnx.graph import FLOATS, Graph, Input, Node, read_graph
from convlab.models.onnx.merging import merged
from convlab.models.onnx.translation import Flow, Step, Translation
from convlab.models.spec import INFERRED, GraphNetwork, Network, build_from_text
from convlab.models.summary import INPUT
from convlab.shapes import MAX_MAP

_END = ("Softmax", "LogSoftmax")
_WEIGHTS = re.compile(r"(.+)\.(weight|bias|gamma|beta|running_mean|weight_[gv])")


@checked
def from_onnx(
    path: str | os.PathLike, *, input_shape: tuple[int, int, int] | None = None
) -> Network:
    """The network of an .onnx file, with its weights, as one of convlab's own layers.

    ``input_shape`` (channels, rows, columns): for a file that leaves it open, or for another size.
    Softmax or its logarithm at the end is left out: networks of convlab give logits.  What a file
    computes from constants, such as padding, is worked out here; operators that are one layer
    together become one.  Raises SpecError, with the operator and its name in the file, for what is
    not known; for a damaged file; and for more than one input or output.
    """
    path = Path(path)
    graph = read_graph(path)
    try:
        return _network(graph, path.stem, input_shape)
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from None
    except MemoryError:
        raise SpecError(f"{path}: too large for this machine's memory") from None


def _network(graph: Graph, name: str, wanted: tuple[int, int, int] | None) -> Network:
    graph = _channels_first(graph)
    source, shape = _image_input(graph, wanted)
    if len(graph.outputs) != 1:
        got = ", ".join(map(shown, graph.outputs))
        raise SpecError(
            f"expected a network with one output, got {got}; onnx.utils.extract_model writes a file"
            " with one of them"
        )
    translation = Translation(graph, {source: shape})
    (output,) = translation.outputs
    if not isinstance(output, Flow):
        raise SpecError("expected an output that depends on the image")
    steps = _without_softmax(translation.steps, output)
    if not steps:
        raise SpecError("expected a network with layers, got none")
    steps = _only_layers(merged(_reached(steps)))
    if len(steps[-1].shape) > 2 and math.prod(steps[-1].shape[2:]) == 1:
        last = steps[-1]
        flat = Step("flat", "Flatten", {}, {}, (last.name,), last.shape[:2], None, None)
        steps.append(flat)
    names = _names(steps, source)
    classes = steps[-1].shape[1]
    text = _spec(steps, names, shape[1:], classes)
    network = build_from_text(
        text, name=name, source=name, classes=classes, weights=False, backbone=True
    )
    network.load_state_dict(_state(steps, names))
    return network.eval()


def _channels_first(graph: Graph) -> Graph:
    """The graph without a transposition of (N, H, W, C) at its start, as Keras's files have it."""
    inputs, nodes, outputs = dict(graph.inputs), list(graph.nodes), graph.outputs
    for name, image in graph.inputs.items():
        readers = [node for node in nodes if name in node.inputs]
        turned = {node.outputs[0] for node in readers if _turns(node)}
        if not readers or len(turned) < len(readers) or name in outputs or turned & {*outputs}:
            continue
        if image.shape is not None and len(image.shape) == 4:
            batch, rows, columns, channels = image.shape
            inputs[name] = image._replace(shape=(batch, channels, rows, columns))
            nodes = [
                node._replace(inputs=tuple(name if i in turned else i for i in node.inputs))
                for node in nodes
                if not turned & {*node.outputs}
            ]
    return dataclasses.replace(graph, inputs=inputs, nodes=tuple(nodes))


def _turns(node: Node) -> bool:
    return node.op == "Transpose" and list(node.attributes.get("perm", ())) == [0, 3, 1, 2]


def _image_input(graph: Graph, wanted: tuple[int, int, int] | None) -> tuple[str, tuple[int, ...]]:
    """The name of the input that is an image, and its shape with a batch."""
    read = {name for node in graph.nodes for name in node.inputs}
    images = {name: one for name, one in graph.inputs.items() if name in read}
    if len(images) != 1:
        got = ", ".join(map(shown, images)) or "none"
        raise SpecError(f"expected a network with one input, got {got}")
    ((name, image),) = images.items()
    if image.kind not in FLOATS or image.shape is None or len(image.shape) != 4:
        row = "; a signal is an image of one row here, (N, C, 1, length), for kernels of (1, k)"
        signal = row if image.shape is not None and len(image.shape) == 3 else ""
        raise SpecError(
            f"input {shown(name)}: expected images of floats, (N, C, H, W), got {_said(image)}"
            f"{signal}"
        )
    batch, *sizes = image.shape
    if wanted is not None:
        sizes = list(wanted)
    if not all(isinstance(size, int) and size > 0 for size in sizes):
        raise SpecError(
            f"input {shown(name)}: expected channels, rows and columns in the file, or as"
            f" input_shape, got {_said(image)}"
        )
    shape = tuple(size for size in sizes if isinstance(size, int))
    if math.prod(shape) > MAX_MAP:
        raise SpecError(f"input {shown(name)}: expected at most {MAX_MAP:,} numbers, got {shape}")
    # What a file works out for its own batch is kept; one image if it leaves that open.
    return name, (batch if isinstance(batch, int) and 0 < batch < 4096 else 1, *shape)


def _said(image: Input) -> str:
    if image.shape is None:
        return "no shape"
    return "(" + ", ".join("?" if size is None else str(size)[:40] for size in image.shape) + ")"


def _without_softmax(steps: list[Step], output: Flow) -> list[Step]:
    """The steps up to the output, or to what a softmax at its end reads."""
    names = [step.name for step in steps]
    if output.step not in names:
        return []
    steps = steps[: names.index(output.step) + 1]
    node = steps[-1].node
    while steps and steps[-1].node is not None and steps[-1].node.op in _END:
        before = steps[-1].inputs[0]
        steps = steps[: [step.name for step in steps].index(before) + 1] if node else steps
    return steps


def _reached(steps: list[Step]) -> list[Step]:
    """The steps that the last one needs."""
    by_name = {step.name: step for step in steps}
    needed, waiting = set(), [steps[-1].name]
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in needed:
            needed.add(name)
            waiting += by_name[name].inputs
    return [step for step in steps if step.name in needed]


def _only_layers(steps: list[Step]) -> list[Step]:
    for step in steps:
        if step.function is not None:
            where = step.kind if step.node is None else step.node.where
            raise SpecError(
                f"{where}: expected what a layer can do to each image by itself, got an operation"
                f" on a whole tensor, to {step.shape}; convlab.onnx_backend runs such a file"
            )
    return steps


# --- names ------------------------------------------------------------------------------------


def _names(steps: list[Step], source: str) -> dict[str, str]:
    """A name for each step in a spec: what the file calls it, in letters, digits and dots."""
    names = {source: INPUT}
    numbers: dict[str, int] = {}
    for step in steps:
        parts = [re.sub(r"\W+", "_", part) for part in _called(step).split(".")]
        stem = ".".join(filter(None, parts))[:80].rstrip(".")
        if stem and not re.match("[A-Za-z_]", stem):
            stem = f"{step.kind.lower()}_{stem}"
        number = numbers.get(stem, 1) if stem else numbers.get(step.kind, 0) + 1
        name = stem or f"{step.kind.lower()}{number}"
        while name in names.values() or _is_taken(name):
            number += 1
            name = f"{stem}_{number}" if stem else f"{step.kind.lower()}{number}"
        numbers[stem or step.kind] = number
        names[step.name] = name
    return names


def _is_taken(name: str) -> bool:
    """Whether a network has an attribute of this name itself."""
    return hasattr(_EMPTY, name) or name == "probabilities"


_EMPTY = GraphNetwork({"one": nn.Identity()}, {"one": (INPUT,)})


def _called(step: Step) -> str:
    """What a file calls a layer: by its weights, the module it is in, or its output."""
    node = step.node
    if node is None:
        return ""
    if step.state:
        for name in node.inputs[1:]:
            found = _WEIGHTS.fullmatch(name)
            if found and "::" not in name:
                return found[1]
    if not node.name:
        output = node.outputs[0].split("/")[-1]
        return output if re.match(r"[A-Za-z]", output) and "::" not in output else ""
    *modules, last = [part for part in node.name.split("/") if part] or [""]
    number = re.fullmatch(rf"(?:node_)?{node.op}(?:_(\d+))?", last)
    if number is None and not modules:
        return "" if re.fullmatch(r"node_\w+", last) else last
    if not modules:
        return ""
    path = [
        part
        for part, after in zip(modules, [*modules[1:], ""], strict=True)
        if not after.startswith(f"{part}.")
    ]
    joins = nn.LAYERS[step.kind].family is nn.Family.JOIN
    return ".".join([*path, node.op.lower()] if joins else path)


# --- the spec and its weights -----------------------------------------------------------------


def _spec(steps: list[Step], names: Mapping[str, str], shape: tuple[int, ...], classes: int) -> str:
    """The steps as the text of a spec."""
    channels, rows, columns = shape
    lines = [f'input = "{rows}x{columns}x{channels}"']
    ties = _ties(steps, names)
    head = _head(steps, classes)
    before = INPUT
    for step in steps:
        settings = {key: v for key, v in step.settings.items() if key not in INFERRED}
        if step.name == head:
            key = "out_features" if step.kind == "Linear" else "out_channels"
            settings[key] = "classes"
        name, read = names[step.name], [names[source] for source in step.inputs]
        lines += ["", "[[layer]]", f'type = "{step.kind}"', f'name = "{name}"']
        lines += [] if read == [before] else [f"inputs = {json.dumps(read)}"]
        lines += [f"{key} = {_toml(value)}" for key, value in settings.items()]
        lines += [f"tied = {_toml(ties[name])}"] if name in ties else []
        before = name
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if value is None:
        return '"none"'
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)


def _head(steps: list[Step], classes: int) -> str:
    """The step that gives a number for each class: the last with weights, if nothing follows it."""
    by_name = {step.name: step for step in steps}
    step: Step | None = steps[-1]
    while step is not None and not step.state and len(step.inputs) == 1:
        step = by_name.get(step.inputs[0])
    if step is None or step.kind not in ("Linear", "Conv2d") or len(steps[-1].shape) != 2:
        return ""
    return step.name if classes == len(step.state["weight"]) else ""


def _ties(steps: list[Step], names: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """For each layer the parameters that another above it has too, by its attributes."""
    first: dict[tuple, str] = {}
    ties: dict[str, dict[str, str]] = {}
    for step in steps:
        inputs = () if step.node is None else step.node.inputs[1:]
        for (key, array), source in zip(_weights(step), inputs, strict=False):
            known = (source, key, array.shape, array.tobytes() if array.size < 4096 else b"")
            full = f"{names[step.name]}.{key}"
            if source and first.setdefault(known, full) != full:
                ties.setdefault(names[step.name], {})[key] = first[known]
    return ties


def _weights(step: Step) -> list[tuple[str, np.ndarray]]:
    """The parameters of a step in the order of its node's inputs."""
    if step.kind not in ("Conv2d", "ConvTranspose2d", "Linear"):
        return []
    return [(key, step.state[key]) for key in ("weight", "bias") if key in step.state]


def _state(steps: list[Step], names: Mapping[str, str]) -> dict[str, np.ndarray]:
    state = {}
    for step in steps:
        for key, values in step.state.items():
            name = f"{names[step.name]}.{key}"
            require_finite(values, name, SpecError)
            state[name] = values
    return state
