"""An ONNX file as a graph of checked nodes and constants; nothing in it is ever run.

All that a file claims is checked before memory is taken for it: the sizes of its constants, where
their numbers lie, that each node reads what is computed above it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from convlab.checks import shown
from convlab.errors import SpecError
from convlab.reading import open_file
from convlab.shapes import MAX_WEIGHTS

OPSETS = (6, 10_000)
"""The oldest opset that is read, and a bound for the newest."""
MAX_NODES = 50_000
MAX_BYTES = 2_000_000_000  # of a file: protobuf has no larger messages
_STANDARD = ("", "ai.onnx")

# ONNX's numbers of the kinds of numbers, as NumPy has them; bfloat16 is the upper half of a float.
KINDS = {
    1: np.float32,
    2: np.uint8,
    3: np.int8,
    4: np.uint16,
    5: np.int16,
    6: np.int32,
    7: np.int64,
    9: np.bool_,
    10: np.float16,
    11: np.float64,
    12: np.uint32,
    13: np.uint64,
    16: np.uint16,
}
FLOATS = (1, 10, 11, 16)
_BFLOAT16 = 16


class Node(NamedTuple):
    """An operator at work: what it reads and gives, by name, "" where an input is left out."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    opset: int

    @property
    def where(self) -> str:
        """The node in an error: its operator and name."""
        called = self.name or (self.outputs[0] if self.outputs else "")
        return f"{self.op} ({shown(called)[1:-1]})" if called else self.op


class Input(NamedTuple):
    """An input of a graph: its kind of numbers and sizes, a text or None where one is not said."""

    kind: int
    shape: tuple[int | str | None, ...] | None


@dataclass(frozen=True)
class Graph:
    """A checked graph: nodes in order, each reading what stands above it."""

    name: str
    inputs: dict[str, Input]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    constants: dict[str, np.ndarray]


def package() -> Any:
    """The onnx package.  Raises SpecError, with what to install, where there is none."""
    try:
        import onnx
    except ImportError:
        raise SpecError(
            'ONNX: expected the package onnx, which is not installed; pip install "convlab'
            '[interchange]"'
        ) from None
    return onnx


def read_graph(path: str | os.PathLike) -> Graph:
    """The graph of an .onnx file.  Raises SpecError for one that is damaged or not supported."""
    onnx, path = package(), Path(path)
    try:
        with open_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_BYTES:
                raise SpecError(f"expected at most {MAX_BYTES:,} bytes, got {size:,}")
            content = file.read()
        model = onnx.ModelProto()
        model.ParseFromString(content)
    except OSError as error:
        raise SpecError(f"{path}: cannot be read as ONNX: {error.strerror}") from None
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from None
    except MemoryError:
        raise SpecError(f"{path}: too large for this machine's memory") from None
    except Exception as error:  # protobuf's DecodeError, which has no public home
        reason = " ".join(str(error).split())[:120]
        raise SpecError(f"{path}: cannot be read as ONNX: {reason}") from None
    return checked_graph(model, str(path), path.parent)


def checked_graph(model: Any, source: str, folder: Path | None = None) -> Graph:
    """The graph of a ModelProto.  ``folder``: where external data may lie.  Raises SpecError."""
    try:
        return _graph(model, folder)
    except SpecError as error:
        raise SpecError(f"{source}: {error}") from None
    except MemoryError:
        raise SpecError(f"{source}: too large for this machine's memory") from None
    except (ValueError, TypeError, UnicodeDecodeError, OverflowError) as error:
        reason = " ".join(str(error).split())[:120]
        raise SpecError(f"{source}: cannot be read as ONNX: {reason}") from None


def _graph(model: Any, folder: Path | None) -> Graph:
    if not model.ir_version or not model.HasField("graph"):
        raise SpecError("expected an ONNX model with a graph, got none")
    if model.functions:
        raise SpecError(
            f"expected operators of ONNX alone, got functions of the file's own, such as"
            f" {shown(model.functions[0].name)}"
        )
    opset = _opset(model)
    graph = model.graph
    if graph.sparse_initializer:
        raise SpecError("expected dense constants, got sparse ones")
    if len(graph.node) > MAX_NODES:
        raise SpecError(f"expected at most {MAX_NODES:,} nodes, got {len(graph.node):,}")
    room = _Room(MAX_WEIGHTS)
    constants = {one.name: array_of(one, folder, room) for one in graph.initializer}
    inputs = {one.name: _input(one) for one in graph.input if one.name not in constants}
    outputs = tuple(one.name for one in graph.output)
    if not outputs:
        raise SpecError("expected a graph with an output, got none")
    nodes = tuple(_node(node, opset, folder, room) for node in graph.node)
    nodes = _needed(nodes, outputs, {*constants, *inputs})
    return Graph(graph.name, inputs, outputs, nodes, constants)


def _opset(model: Any) -> int:
    found = [one.version for one in model.opset_import if one.domain in _STANDARD]
    least, most = OPSETS
    if len(found) != 1 or not least <= found[0] <= most:
        got = ", ".join(map(str, found)) or "none"
        raise SpecError(f"expected an opset of ONNX from {least} on, got {got}")
    return int(found[0])


class _Room:
    """How many numbers a file's constants may still have."""

    def __init__(self, left: int):
        self.left = left

    def take(self, name: str, sizes: Iterable[int]) -> None:
        sizes = list(sizes)
        if len(sizes) > 32 or any(size < 0 for size in sizes) or math.prod(sizes) > self.left:
            raise SpecError(
                f"constant {shown(name)}: expected constants of at most {MAX_WEIGHTS:,} numbers in"
                f" all, got sizes {shown(tuple(sizes))}"
            )
        self.left -= math.prod(sizes)


def _input(value: Any) -> Input:
    tensor = value.type.tensor_type
    if value.type.WhichOneof("value") != "tensor_type":
        raise SpecError(f"input {shown(value.name)}: expected a tensor, got another kind of value")
    if not tensor.HasField("shape"):
        return Input(tensor.elem_type, None)
    sizes: list[int | str | None] = []
    for dim in tensor.shape.dim:
        kind = dim.WhichOneof("value")
        sizes.append(None if kind is None else getattr(dim, kind))
    return Input(tensor.elem_type, tuple(sizes))


def _node(node: Any, opset: int, folder: Path | None, room: _Room) -> Node:
    op = node.op_type if node.domain in _STANDARD else f"{node.domain}.{node.op_type}"
    attributes = {one.name: _attribute(one, folder, room) for one in node.attribute}
    texts = (op, node.name, *node.input, *node.output, *attributes)
    if not all(isinstance(text, str) for text in texts):  # protobuf gives bytes for other texts
        raise SpecError(f"{shown(op)}: expected names in UTF-8")
    return Node(op, node.name, tuple(node.input), tuple(node.output), attributes, opset)


def _attribute(attribute: Any, folder: Path | None, room: _Room) -> Any:
    """A number, a text, an array, or a list of numbers; None for what no operator here takes."""
    kinds = type(attribute)
    if attribute.type == kinds.FLOAT:
        return float(attribute.f)
    if attribute.type == kinds.INT:
        return int(attribute.i)
    if attribute.type == kinds.STRING:
        return attribute.s.decode("utf-8")
    if attribute.type == kinds.TENSOR:
        return array_of(attribute.t, folder, room)
    if attribute.type == kinds.FLOATS:
        return [float(value) for value in attribute.floats]
    if attribute.type == kinds.INTS:
        return [int(value) for value in attribute.ints]
    return None


def _needed(nodes: tuple[Node, ...], outputs: tuple[str, ...], known: set[str]) -> tuple[Node, ...]:
    """The nodes that the outputs need.  Raises SpecError where one reads what is not above it."""
    made: dict[str, Node] = {}
    for node in nodes:
        for name in node.inputs:
            if name and name not in known and name not in made:
                later = any(name in other.outputs for other in nodes)
                raise SpecError(
                    f"{node.where}: expected to read what is computed above it, got"
                    f" {shown(name)}{', which follows: a cycle' if later else ''}"
                )
        for name in filter(None, node.outputs):
            if name in made or name in known:
                raise SpecError(f"{node.where}: expected a name that is free, got {shown(name)}")
            made[name] = node
    lost = [name for name in outputs if name not in made and name not in known]
    if lost:
        raise SpecError(f"output {shown(lost[0])}: expected a node that computes it, there is none")
    needed, waiting = set(), list(outputs)
    while waiting:
        node_or_none = made.get(waiting.pop())
        if node_or_none is not None and id(node_or_none) not in needed:
            needed.add(id(node_or_none))
            waiting += node_or_none.inputs
    return tuple(node for node in nodes if id(node) in needed)


# --- constants --------------------------------------------------------------------------------


def array_of(tensor: Any, folder: Path | None = None, room: _Room | None = None) -> np.ndarray:
    """The numbers of a TensorProto; halves become float32.  Raises SpecError."""
    name, sizes, kind = tensor.name, tuple(tensor.dims), tensor.data_type
    (room or _Room(MAX_WEIGHTS)).take(name, sizes)
    if kind not in KINDS:
        raise SpecError(
            f"constant {shown(name)}: expected plain numbers, got ONNX's kind {kind} of them"
        )
    dtype = np.dtype(KINDS[kind]).newbyteorder("<")
    count = math.prod(sizes)
    if tensor.data_location == tensor.EXTERNAL:
        values = _external(tensor, folder, dtype, count)
    elif tensor.HasField("raw_data"):
        if len(tensor.raw_data) != count * dtype.itemsize:
            raise SpecError(
                f"constant {shown(name)}: expected {count * dtype.itemsize:,} bytes for sizes"
                f" {sizes}, got {len(tensor.raw_data):,}"
            )
        values = np.frombuffer(tensor.raw_data, dtype)
    else:
        values = _listed(tensor, kind, dtype, count)
    values = values.astype(dtype.newbyteorder("="), copy=False).reshape(sizes)
    if kind == _BFLOAT16:
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values.astype(np.float32) if values.dtype == np.float16 else values


def _listed(tensor: Any, kind: int, dtype: np.dtype, count: int) -> np.ndarray:
    """Numbers that stand in the fields of a TensorProto; small kinds share the one of int32."""
    field = {1: "float_data", 11: "double_data", 7: "int64_data", 12: "uint64_data"}
    field |= {13: "uint64_data"}
    listed = getattr(tensor, field.get(kind, "int32_data"))
    if len(listed) != count:
        raise SpecError(
            f"constant {shown(tensor.name)}: expected {count:,} numbers, got {len(listed):,}"
        )
    if kind == 10:  # their bits
        return np.array(listed, np.uint16).view(np.float16)
    return np.array(listed, dtype)


def _external(tensor: Any, folder: Path | None, dtype: np.dtype, count: int) -> np.ndarray:
    """Numbers in a file beside the model's, in its folder or below it."""
    said = {entry.key: entry.value for entry in tensor.external_data}
    where = f"constant {shown(tensor.name)}"
    location = said.get("location", "")
    if folder is None or not location:
        raise SpecError(f"{where}: expected its numbers, got a reference to another file")
    root = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(root, location))
    if os.path.isabs(location) or not path.startswith(root + os.sep):
        raise SpecError(
            f"{where}: expected its numbers in the folder of the file, got {shown(location)}"
        )
    offset, length = said.get("offset", "0"), said.get("length", str(count * dtype.itemsize))
    if not (offset.isdecimal() and length.isdecimal()) or int(length) != count * dtype.itemsize:
        raise SpecError(
            f"{where}: expected {count * dtype.itemsize:,} bytes from an offset on, got"
            f" {shown(length)} from {shown(offset)}"
        )
    try:
        with open_file(path) as file:
            if os.fstat(file.fileno()).st_size < int(offset) + int(length):
                raise SpecError(f"{where}: expected {location} to have its numbers, it is shorter")
            file.seek(int(offset))
            return np.fromfile(file, dtype, count)
    except OSError as error:
        raise SpecError(f"{where}: {shown(location)} cannot be read: {error.strerror}") from None
