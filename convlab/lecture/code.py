"""Programs in notes: the layers that PyTorch or Keras calls build, and what each line's value is.

Nothing is run: an expression is evaluated if it is arithmetic, builds a layer, applies one to a
volume or counts its parameters; small functions of arithmetic are followed for a bounded number
of steps.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from convlab.lecture.layers import DEPTHWISE, SAME, Layer, Volume

MOST_STEPS = 5000
MOST_NUMBER = 10**15
_CLASS = re.compile(
    r"(?P<base>Conv|ConvTranspose|Convolution|MaxPool|AvgPool|MaxPooling|AveragePooling|LPPool"
    r"|DepthwiseConv|SeparableConv|GlobalAveragePooling|GlobalMaxPooling|AdaptiveAvgPool"
    r"|AdaptiveMaxPool)(?P<axes>[123])(?P<d>[dD])(?P<turned>Transpose)?$|(?P<dense>Linear|Dense)$"
    r"|(?P<flat>Flatten)$"
    r"|(?P<keep>ReLU|Activation|BatchNorm\w*|BatchNormalization|Dropout\w*|Softmax|Sigmoid|Tanh"
    r"|LeakyReLU|GELU|Identity|LayerNorm\w*)$"
)
_FUNCTIONS = re.compile(
    r"(?:max|avg)_pool[12]d$|(?:relu|tanh|sigmoid|softmax|dropout\w*)$|flatten$"
)
_TENSORS = ("rand", "randn", "zeros", "ones", "empty", "Input", "InputLayer", "normal", "randint")
_NAMES = {
    "conv": ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation",
             "groups", "bias"),
    "transposed": ("in_channels", "out_channels", "kernel_size", "stride", "padding",
                   "output_padding", "groups", "bias", "dilation"),
    "pool": ("kernel_size", "stride", "padding"),
    "dense": ("in_features", "out_features", "bias"),
}  # fmt: skip
_KERAS = {
    "conv": ("filters", "kernel_size", "strides", "padding"),
    "dense": ("units",),
    "pool": ("pool_size", "strides", "padding"),
}


@dataclass
class Net:
    """Layers in a row, each with the names by which notes call it, and the input if it is said."""

    layers: list[Layer] = field(default_factory=list)
    names: list[frozenset[str]] = field(default_factory=list)
    input: Volume | None = None
    first: bool = False
    """Whether code writes channels first."""

    def add(self, layer: Layer, *names: str) -> None:
        self.layers.append(layer)
        self.names.append(frozenset(name.lower() for name in names if name))

    def filled(self, volume: Volume | None = None) -> tuple[list[Layer], list[Volume | None]]:
        """The layers with the channels that they read, and the volume before each and at the end.

        ``volume``: the input, where the net does not say it.
        """
        now = self.input or volume
        depth = now.depth if now else None
        filled: list[Layer] = []
        volumes = [now]
        for layer in self.layers:
            reads = now.values if layer.kind == "dense" and now else depth
            if (
                layer.kind == "dense"
                and now is None
                and not (filled and filled[-1].kind == "dense")
            ):
                reads = None
            if layer.weighted and layer.inputs is None and reads:
                layer = replace(layer, inputs=reads)
            filled.append(layer)
            now = layer.out(now) if now else None
            if layer.weighted:
                depth = layer.filters if layer.filters else depth
            if layer.kind == "dense" and now is None and layer.filters:
                now = layer.out(Volume(()))
            volumes.append(now)
        return filled, volumes


@dataclass(frozen=True)
class Counted:
    """The parameters, or the weights without biases, of a layer or a net."""

    of: Layer | Net
    biases: bool = True


@dataclass
class Line:
    """A line of a program: its comment, if any, and the values that end on it."""

    number: int
    text: str
    comment: str = ""
    values: list[Any] = field(default_factory=list)


_COMMENT = re.compile(r"(?:^|\s)(?:#|//)\s*|(?<=\))\s+(?:->|→|=>|⇒)\s*(?=[\[(\d])")


def _commented(number: int, text: str) -> Line:
    quotes = re.sub(r"\"[^\"]*\"|'[^']*'", lambda found: " " * len(found[0]), text)
    found = _COMMENT.search(quotes)
    if found is None:
        return Line(number, text)
    return Line(number, text[: found.start()], text[found.end() :].strip())


class Program:
    """A program with the values of its lines; ``nets`` as they are built, the last one last."""

    def __init__(self, lines: tuple[tuple[int, str], ...], given: dict[str, Any]):
        self.lines = [
            _commented(number, re.sub(r"^(\s*)(?:>>>|\.\.\.) ?", r"\1", text))
            for number, text in lines
        ]
        self.known: dict[str, Any] = dict(given)
        self.loose = Net()
        """Layers that are built one by one."""
        self.nets: list[Net] = []
        self.steps = 0
        self.keras = any(re.search(r"\d[D]\(|keras|Dense\(", text) for _, text in lines)
        self.volume: Volume | None = None
        for line in self.lines:
            found = re.search(r"def (?:forward|call)\(self, *(\w+)", line.text)
            sizes = [int(one) for one in re.findall(r"\d+", line.comment)] if found else []
            if found and len(sizes) in (3, 4):
                self.known[found[1]] = Volume(tuple(sizes[-2:]), sizes[-3])
        self.read = self._run()
        if self.loose.layers:
            self.loose.input = self.loose.input or self.volume
            self.nets.insert(0, self.loose)
        for net in self.nets:
            net.first = not self.keras

    def _run(self) -> set[int]:
        """Evaluate statements; the places of the lines that could be read."""
        read: set[int] = set()
        at = 0
        while at < len(self.lines):
            end = self._end(at)
            text = "\n".join(re.sub(r"\?\?+", "None", one.text) for one in self.lines[at:end])
            tree = _parsed(text)
            if tree is None:
                at += 1
                continue
            for statement in tree.body:
                self._statement(statement, at)
            if not all(
                isinstance(one, ast.Expr) and isinstance(one.value, (ast.Name, ast.Constant))
                for one in tree.body
            ):
                read |= set(range(at, end))
            at = end
        return read

    def _end(self, at: int) -> int:
        """The line behind the statement that begins on a line: brackets closed, blocks whole."""
        depth, end = 0, at
        while end < len(self.lines) and end - at < 400:
            text = self.lines[end].text
            depth += sum(text.count(one) for one in "([{") - sum(text.count(one) for one in ")]}")
            end += 1
            if depth <= 0:
                break
        if depth > 0:
            return at + 1
        indent = len(self.lines[at].text) - len(self.lines[at].text.lstrip())
        if self.lines[end - 1].text.rstrip().endswith(":"):
            while end < len(self.lines) and (
                not self.lines[end].text.strip()
                or len(self.lines[end].text) - len(self.lines[end].text.lstrip()) > indent
            ):
                end += 1
        return end

    def _statement(self, node: ast.stmt, offset: int) -> None:
        if isinstance(node, ast.FunctionDef):
            self.known[node.name] = node
            if node.name in ("__init__", "forward", "call", "build"):
                if node.name != "__init__" and len(node.args.args) > 1:
                    self.known.setdefault(node.args.args[1].arg, self.volume or self.known.get("x"))
                for inner in node.body:
                    self._statement(inner, offset)
        elif isinstance(node, (ast.ClassDef, ast.With, ast.For, ast.If)):
            for inner in node.body:
                self._statement(inner, offset)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            value = self._value(node.value, offset)
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Tuple):
                    _assign(target, value, self.known)
                name = target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")
                if name:
                    self.known[name] = value
                    self._name(value, name)
            self._note(node, offset, value)
        elif isinstance(node, (ast.Expr, ast.Return)) and node.value is not None:
            value = self._value(node.value, offset)
            if isinstance(value, Layer) and isinstance(node, ast.Expr):
                before = self.volume
                self.volume = value.out(before) if before else None
                if self.loose.input is None:
                    self.loose.input = before
                self._note(node, offset, value)
                value = self.volume
            elif isinstance(value, Volume) and self.loose.input is None:
                self.volume = self.volume or value
            self._note(node, offset, value)

    def _name(self, value: Any, name: str) -> None:
        for net in (self.loose, *self.nets):
            for at, layer in enumerate(net.layers):
                if layer is value:
                    net.names[at] |= {name.lower()}

    def _note(self, node: ast.AST, offset: int, value: Any) -> None:
        at = offset + (getattr(node, "end_lineno", None) or 1) - 1
        if value is not None and at < len(self.lines):
            self.lines[at].values.append(value)

    # --- expressions ----------------------------------------------------------------------------

    def _value(self, node: ast.expr, offset: int = 0, local: dict[str, Any] | None = None) -> Any:
        self.steps += 1
        if self.steps > MOST_STEPS:
            return None
        known = self.known if local is None else local
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, (ast.Tuple, ast.List)):
            return tuple(self._value(one, offset, local) for one in node.elts[:300])
        if isinstance(node, ast.Name):
            return known.get(node.id)
        if isinstance(node, ast.Attribute):
            base = node.value
            if isinstance(base, ast.Name) and base.id == "self":
                return known.get(node.attr)
            value = self._value(base, offset, local)
            if node.attr in ("shape", "output_shape", "output"):
                return value
            return Counted(value, False) if node.attr == "weight" and _counts(value) else None
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value = self._value(node.operand, offset, local)
            return -value if isinstance(value, (int, float)) else None
        if isinstance(node, ast.BinOp):
            return self._operation(node, offset, local)
        if isinstance(node, ast.Call):
            return self._call(node, offset, local)
        return None

    def _operation(self, node: ast.BinOp, offset: int, local: dict[str, Any] | None) -> Any:
        one, two = self._value(node.left, offset, local), self._value(node.right, offset, local)
        if isinstance(one, tuple) and type(two) is int and isinstance(node.op, ast.Mult):
            return one * min(two, 100)
        work = _OPERATIONS.get(type(node.op))
        if work is None or not all(type(v) in (int, float) for v in (one, two)):
            return None
        try:
            if isinstance(node.op, ast.Pow) and abs(two) > 12:
                return None
            value = work(one, two)
            return value if abs(value) < MOST_NUMBER else None
        except (ArithmeticError, ValueError, TypeError):
            return None

    def _call(self, node: ast.Call, offset: int, local: dict[str, Any] | None) -> Any:
        if isinstance(node.func, ast.Call):  # Conv2D(…)(x)
            layer = self._value(node.func, offset, local)
            return self._applied(layer, node, offset, local)
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        made = self._layer(name, node, offset, local)
        if made is not None:
            return made
        if name in _TENSORS:
            return self._tensor(name, node, offset, local)
        if name == "Sequential":
            return self._net(node, offset)
        if name == "add" and isinstance(node.func, ast.Attribute):
            net = self._value(node.func.value, offset, local)
            layer = self._value(node.args[0], offset, local) if node.args else None
            if isinstance(net, Net):
                self._put(net, layer, "")
            return layer
        if name in ("print", "int", "float", "len", "round", "list", "tuple", "str"):
            value = self._value(node.args[0], offset, local) if node.args else None
            return int(value) if name == "int" and isinstance(value, float) else value
        if name in ("floor", "ceil") and node.args:
            value = self._value(node.args[0], offset, local)
            return getattr(math, name)(value) if isinstance(value, (int, float)) else None
        if name in ("numel", "count_params", "nelement", "parameters") or name == "sum":
            return self._counted(name, node, offset, local)
        if _FUNCTIONS.match(name):
            return self._function(name, node, offset, local)
        target = self.known.get(name)
        if isinstance(target, ast.FunctionDef):
            return self._follow(
                target, [self._value(one, offset, local) for one in node.args], node
            )
        return self._applied(target, node, offset, local)

    def _applied(self, layer: Any, node: ast.Call, offset: int, local: Any) -> Any:
        volume = self._value(node.args[0], offset, local) if node.args else None
        if not isinstance(volume, Volume):
            return None
        if isinstance(layer, Layer):
            if self.loose.layers and self.loose.layers[0] is layer and self.loose.input is None:
                self.loose.input = volume
            return layer.out(volume)
        if isinstance(layer, Net):
            layer.input = layer.input or volume
            return layer.filled(volume)[1][-1]
        return None

    def _counted(self, name: str, node: ast.Call, offset: int, local: Any) -> Any:
        if name == "sum":
            inner = node.args[0] if node.args else None
            if not isinstance(inner, (ast.GeneratorExp, ast.ListComp)):
                return None
            source = inner.generators[0].iter
            return self._value(source, offset, local)
        if not isinstance(node.func, ast.Attribute):
            return None
        base = self._value(node.func.value, offset, local)
        if isinstance(base, Counted):
            return base
        if isinstance(base, Volume):
            return base.values
        return Counted(base) if _counts(base) else None

    def _function(self, name: str, node: ast.Call, offset: int, local: Any) -> Any:
        values = [self._value(one, offset, local) for one in node.args]
        if not values and isinstance(node.func, ast.Attribute):
            values = [self._value(node.func.value, offset, local)]
        volume = values[0] if values else None
        if isinstance(node.func, ast.Attribute) and name == "flatten":
            own = self._value(node.func.value, offset, local)
            volume = own if isinstance(own, Volume) else volume
        if not isinstance(volume, Volume):
            return None
        if name == "flatten":
            return Layer("flatten").out(volume)
        if "pool" not in name:
            return volume
        names = dict(zip(("x", "kernel_size", "stride", "padding"), values, strict=False))
        names |= {
            one.arg: self._value(one.value, offset, local) for one in node.keywords if one.arg
        }
        return _built("pool", names, 2).out(volume)

    def _tensor(self, name: str, node: ast.Call, offset: int, local: Any) -> Volume | None:
        values = [self._value(one, offset, local) for one in node.args]
        named = {one.arg: self._value(one.value, offset, local) for one in node.keywords}
        shape = named.get("shape", named.get("size", named.get("input_shape")))
        if shape is None and values and isinstance(values[0], tuple):
            shape = values[0]
        sizes = tuple(shape if isinstance(shape, tuple) else values)
        last = name in ("Input", "InputLayer") or self.keras
        if len(sizes) == 3 and sizes[0] != sizes[1] == sizes[2]:
            last = False
        sizes = sizes if len(sizes) < 4 else sizes[1:]
        if len(sizes) not in (2, 3) or not all(type(one) is int and one > 0 for one in sizes):
            return None
        made = Volume(sizes[:-1], sizes[-1]) if last else Volume(sizes[1:], sizes[0])
        if self.volume is None and name in ("Input", "InputLayer"):
            self.volume = made
        return made

    def _layer(self, name: str, node: ast.Call, offset: int, local: Any) -> Layer | None:
        found = _CLASS.match(name)
        if found is None:
            return None
        if found["flat"] or found["keep"]:
            made = Layer("flatten" if found["flat"] else "keep")
        elif found["base"] and re.match("Global|Adaptive", found["base"]):
            made = Layer("global")
        else:
            made = self._weighted(found, node, offset, local)
        shape = [one for one in node.keywords if one.arg == "input_shape"]
        sizes = self._value(shape[0].value, offset, local) if shape else None
        if isinstance(sizes, tuple) and len(sizes) > 1 and all(type(s) is int for s in sizes):
            self.volume = Volume(sizes[:-1], sizes[-1])
        self._put(self.loose, made, "")
        return made

    def _weighted(self, found: re.Match, node: ast.Call, offset: int, local: Any) -> Layer:
        base, keras = found["base"] or "", found["d"] == "D" or found["dense"] == "Dense"
        kind = "dense" if found["dense"] else "pool" if "Pool" in base else "conv"
        if "Transpose" in base or found["turned"]:
            kind = "transposed"
        names = _KERAS["conv" if kind == "transposed" else kind] if keras else _NAMES[kind]
        if keras and "Depthwise" in base:
            names = ("kernel_size", "strides", "padding")
        values = [self._value(one, offset, local) for one in node.args]
        given = dict(zip(names, values, strict=False))
        given |= {
            one.arg: self._value(one.value, offset, local) for one in node.keywords if one.arg
        }
        if "Depthwise" in base:
            given["groups"] = DEPTHWISE
        elif kind != "pool":
            given.setdefault("groups", 1)
        given.setdefault("bias", given.get("use_bias", True))
        return _built(kind, given, int(found["axes"] or 2))

    def _net(self, node: ast.Call, offset: int) -> Net:
        before, volume = self.loose, self.volume
        self.loose, self.volume = Net(), None
        net = Net()
        elements: list[ast.expr] = []
        for one in node.args:
            elements += one.elts if isinstance(one, (ast.List, ast.Tuple)) else [one]
        for element in elements[:300]:
            value = self._value(element, offset)
            at = offset + (element.end_lineno or 1) - 1
            label = ""
            if at < len(self.lines):
                found = re.match(r"\(?([a-z]|\d{1,2})\)?[.:]?$", self.lines[at].comment)
                label = f"({found[1]})" if found else ""
                self.lines[at].values.append(value)
            if isinstance(value, Volume):
                net.input = value
            elif isinstance(value, Net):
                for layer, names in zip(value.layers, value.names, strict=True):
                    net.add(layer, *names)
            else:
                self._put(net, value, label)
        net.input = net.input or self.volume
        self.loose, self.volume = before, volume
        self.nets.append(net)
        return net

    def _put(self, net: Net, layer: Any, label: str) -> None:
        if isinstance(layer, Layer):
            net.add(layer, label)

    # --- functions of arithmetic ----------------------------------------------------------------

    def _follow(self, function: ast.FunctionDef, values: list[Any], node: ast.Call) -> Any:
        names = [one.arg for one in function.args.args]
        defaults = function.args.defaults
        local: dict[str, Any] = {}
        for name, one in zip(names[len(names) - len(defaults) :], defaults, strict=False):
            local[name] = self._value(one)
        local |= dict(zip(names, values, strict=False))
        local |= {one.arg: self._value(one.value) for one in node.keywords if one.arg}
        returned = list(self._body(function.body, local, 0))
        return returned[0] if returned else None

    def _body(self, body: list[ast.stmt], local: dict[str, Any], depth: int) -> Iterator[Any]:
        """What a body returns, if it does; assignments go to ``local``."""
        for node in body:
            self.steps += 1
            if self.steps > MOST_STEPS or depth > 4:
                return
            if isinstance(node, ast.Return) and node.value is not None:
                yield self._value(node.value, 0, local)
                return
            if isinstance(node, ast.Assign):
                _assign(node.targets[0], self._value(node.value, 0, local), local)
            elif isinstance(node, ast.AugAssign):
                whole = ast.BinOp(_load(node.target), node.op, node.value)
                _assign(node.target, self._value(whole, 0, local), local)
            elif isinstance(node, ast.For):
                for value in self._iterated(node.iter, local):
                    _assign(node.target, value, local)
                    if found := list(self._body(node.body, local, depth + 1)):
                        yield found[0]
                        return

    def _iterated(self, node: ast.expr, local: dict[str, Any]) -> tuple[Any, ...]:
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "range":
            values = [self._value(one, 0, local) for one in node.args]
            if (
                values
                and all(type(one) is int and abs(one) < 1000 for one in values)
                and (len(values) < 3 or values[2])
            ):
                return tuple(range(*values[:3]))
        value = self._value(node, 0, local)
        return value if isinstance(value, tuple) else ()


def _load(node: ast.expr) -> ast.expr:
    return ast.Name(node.id, ast.Load()) if isinstance(node, ast.Name) else ast.Constant(None)


def _assign(target: ast.expr, value: Any, local: dict[str, Any]) -> None:
    if isinstance(target, ast.Name):
        local[target.id] = value
    elif isinstance(target, ast.Tuple) and isinstance(value, tuple):
        for one, part in zip(target.elts, value, strict=False):
            _assign(one, part, local)


_OPERATIONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}  # fmt: skip


def _counts(value: Any) -> bool:
    return isinstance(value, (Layer, Net))


def _parsed(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what students write, such as 3x3
            body = ast.parse(textwrap.dedent(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return body if body.body else None


def _built(kind: str, given: dict[str, Any], axes: int) -> Layer:
    """A layer from the arguments of a call."""

    def sizes(*names: str) -> tuple[int, ...]:
        value = next((given[name] for name in names if given.get(name) is not None), None)
        values = value if isinstance(value, tuple) else (value,)
        return values if values and all(type(one) is int and one > 0 for one in values) else ()

    def one(*names: str) -> int | None:
        value = next((given[name] for name in names if name in given), None)
        value = value[0] if isinstance(value, tuple) and value else value
        return value if type(value) is int and value >= 0 else None

    kernel = sizes("kernel_size", "pool_size")
    if kind == "pool" and not kernel:
        kernel = (2,)
    padding = given.get("padding")
    padding = SAME if padding == "same" else 0 if padding == "valid" else one("padding") or 0
    bias = given.get("bias")
    return Layer(
        kind,
        kernel * axes if len(kernel) == 1 else kernel,
        sizes("stride", "strides"),
        padding,
        one("dilation", "dilation_rate"),
        one("out_channels", "filters", "out_features", "units"),
        one("in_channels", "in_features"),
        one("groups"),
        bias if isinstance(bias, bool) else None,
        extra=one("output_padding") or 0,
        mode="up" if given.get("ceil_mode") is True else "",
    )
