"""Networks from a small TOML file: the size of the input, then the layers in order.

::

    input = "28x28x1"          # rows x columns x channels

    [[layer]]
    type = "Conv2d"            # any layer of convlab.nn, with its own arguments
    out_channels = 6           # what comes in is known, so it is not said
    kernel_size = 5

    [[layer]]
    type = "Linear"
    out_features = "classes"   # as many as the data set has

A layer reads the one before it, or the layers above it that it names:
``inputs = ["relu1"]``, where "input" is the image; Add, Concat and Mul join several.  With
``tied = { weight = "conv1.weight" }`` it has a parameter of a layer above it for its own.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from convlab import functional as F
from convlab import nn, random, reading, shapes, spelling
from convlab.checks import instance, shortened, shown
from convlab.errors import ConvlabError, ShapeError, SpecError, require_finite
from convlab.models.bitmaps import digits_7x12
from convlab.models.published import PUBLISHED
from convlab.models.summary import INPUT, summarise
from convlab.models.summary_table import SummaryTable
from convlab.names import meant
from convlab.shapes import MAX_MAP, MAX_SIZE, MAX_WEIGHTS
from convlab.tensors import Tensor

MAX_LAYERS = 5_000
"""The most layers of a network from a spec."""

LOSSES = ("cross-entropy", "lecun-map")
_CENTRES = {"digits-7x12": digits_7x12}
# As PyTorch names modules inside others: layer1.0.conv1.
_NAME = r"(?=.{1,100}$)[A-Za-z_]\w*(\.\w+)*"
INFERRED = {
    "in_channels": 0,
    "in_features": 0,
    "channels": 0,
    "num_features": 0,
    "num_channels": 0,
}
"""Arguments that follow from the input, with the axis that they are the size of."""


N = TypeVar("N", bound="Network")


class Network(nn.Sequential):
    """A network from a spec: named layers, and what it takes to train and show it.

    ``name``; ``spec`` (the text that it was read from); ``input_shape`` (channels,
    rows, columns); ``classes`` (their number); ``loss`` (one of LOSSES); ``pixels``
    (values of background and ink, or None for standardised images); ``rate`` (the
    learning rate of SGD that suits its loss, or None for the default).
    """

    def __init__(self, layers: Mapping[str, nn.Module]):
        # Before the layers, so that none can take one of these names.
        self.name = ""
        self.spec = ""
        self.input_shape: tuple[int, int, int] = (0, 0, 0)
        self.classes = 0
        self.loss = LOSSES[0]
        self.pixels: tuple[float, float] | None = None
        self.rate: float | None = None
        super().__init__(layers)

    @property
    def device(self) -> str:
        """Where its parameters are, cpu or cuda; inputs are taken there."""
        found = (tensor for _, tensor, _ in self._all_state() if isinstance(tensor, nn.Parameter))
        return next((parameter.device for parameter in found), "cpu")

    def __call__(self, *inputs: Tensor, **settings: Any) -> Tensor:
        device = self.device
        inputs = tuple(instance(x, "network", Tensor).to(device) for x in inputs)
        return super().__call__(*inputs, **settings)

    def train(self: N, mode: bool = True) -> N:
        """Switch to training, or to evaluation with ``mode=False``, as ``Module.train`` does.

        A normalisation none of whose weights is trained keeps its running statistics.
        """
        super().train(mode)
        for _, module in self.named_modules():
            weights = module.parameters() if module.family is nn.Family.NORMALISATION else []
            if weights and not any(weight.requires_grad for weight in weights):
                module.training = False
        return self

    def nodes(self):
        sources = self.sources()
        for name, layer in self.named_children():
            yield name, layer, tuple(None if s == INPUT else s for s in sources[name])

    def sources(self) -> dict[str, tuple[str, ...]]:
        """The names of the layers that each layer reads; "input" is the image."""
        names = [name for name, _ in self.named_children()]
        return {name: (before,) for before, name in zip([INPUT, *names], names, strict=False)}

    def shapes(self) -> list[tuple[str, nn.Module, tuple[int, ...], tuple[int, ...]]]:
        """(name, layer, input shape, output shape) of each layer, without the batch.

        The input of a layer that joins several is their combined shape.
        """
        rows, sources = [], self.sources()
        shapes = {INPUT: tuple(self.input_shape)}
        for name, layer in self.named_children():
            before = [shapes[source] for source in sources[name]]
            after = shapes[name] = tuple(layer.output_shape(*before))
            joins = layer.family is nn.Family.JOIN
            rows.append((name, layer, after if joins else before[0], after))
        return rows

    def summary(self) -> SummaryTable:
        """What each layer costs and sees, as a table that prints and shows itself."""
        return SummaryTable(self.name, self.input_shape, summarise(self))

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def steps(
        self, x: Tensor, going_on: Mapping[str, int] | None = None
    ) -> Iterator[tuple[str, nn.Module, Tensor]]:
        """(name, layer, output) of each layer in turn, for a batch x: (N, C, H, W).

        ``going_on``: how many of the first images go on after a layer, by its name; by default all.
        """
        sources = self.sources()
        last_reader = {source: name for name, read in sources.items() for source in read}
        values = {INPUT: instance(x, "network", Tensor).to(self.device)}
        for name, layer in self.named_children():
            value = values[name] = layer(*(values[source] for source in sources[name]))
            yield name, layer, value
            for source in set(sources[name]):
                if last_reader[source] == name:
                    del values[source]
            if going_on is not None and name in going_on:
                values = {source: value[: going_on[name]] for source, value in values.items()}

    def loss_of(self, output: Tensor, labels: np.ndarray) -> Tensor:
        """Mean loss of a batch's output (N, classes) for its class numbers (N,)."""
        if self.loss == "lecun-map":
            return F.lecun_map_loss(output, labels)
        return F.cross_entropy(output, labels)

    def probabilities(self, output: np.ndarray) -> np.ndarray:
        """Probabilities (N, classes) from the network's output; the largest gives its answer.

        Distances are penalties, minus the logarithm of a probability up to a
        constant (LeCun et al. 1998, section II.B), so softmax is taken of their negatives.
        Raises NotFiniteError for an output that is not finite.
        """
        require_finite(output, f"output of {self.name}")
        logits = -output if self.loss == "lecun-map" else output
        return F.softmax(Tensor(logits), 1).numpy()


class GraphNetwork(Network):
    """A network with branches: layers in the order of the file, each reading layers above it.

    ``branches``: for each layer the names of what it reads, as ``sources()`` gives them.
    """

    def __init__(self, layers: Mapping[str, nn.Module], branches: Mapping[str, tuple[str, ...]]):
        if not layers or branches.keys() != layers.keys():
            raise SpecError(
                f"GraphNetwork: expected layers, and what each of them reads, got {shown(layers)}"
                f" and {shown(branches)}"
            )
        self.branches = dict(branches)
        super().__init__(layers)

    def sources(self):
        return self.branches


def model_names() -> list[str]:
    """The networks that come with convlab."""
    return sorted([*PUBLISHED, *(path.name.removesuffix(".toml") for path in _specs().iterdir())])


def _specs():
    return resources.files("convlab.models") / "specs"


class Spec(NamedTuple):
    """The text of a network's spec, the network's name, and the name of the text in errors."""

    text: str
    name: str
    source: str


def build(
    model: str | Path | Spec,
    *,
    input_shape: tuple[int, int, int] | None = None,
    classes: int | None = None,
    dropout: float | None = None,
    weights: bool = True,
    backbone: bool = False,
) -> Network:
    """A network by its name, from a TOML file or a Spec, with fresh random weights.

    ``input_shape`` (channels, rows, columns) replaces the spec's own, so that a
    network fits the data; ``classes`` is their number, by default the spec's own
    or else 10; ``dropout`` replaces the
    probability of every Dropout layer.  Without ``weights`` the weights are all
    zero, which takes no time and no memory, and is enough for the geometry of the
    largest network.  A ``backbone`` may end in anything; else the last layer has to give a number,
    or a map, for each class.
    Raises SpecError for an unknown name or a mistake in the file, with its line.
    """
    text, name, source = model if isinstance(model, Spec) else read_spec(model)
    return build_from_text(
        text,
        name=name,
        source=source,
        input_shape=input_shape,
        classes=classes,
        dropout=dropout,
        weights=weights,
        backbone=backbone,
    )


def check_classifies(network: Network) -> None:
    """Raise SpecError for a network whose output is not one number for each class."""
    output = network.shapes()[-1][3]
    if len(output) != 1:
        raise SpecError(
            f"{network.name}: expected a network that gives one number for each class, got"
            f" {_shape_text(output)}"
        )


def input_shape(model: str | Path | Spec) -> tuple[int, int, int]:
    """(channels, rows, columns) of the input that a network's spec names.  Raises SpecError."""
    text, _, source = model if isinstance(model, Spec) else read_spec(model)
    return _input_shape(_parse(text, source).get("input"), source)


def read_spec(model: str | Path) -> Spec:
    """The spec of a network that comes with convlab, or of a TOML file; "-" is standard input.

    Raises DataError for nothing on standard input, else SpecError.
    """
    if str(model) in PUBLISHED:
        return Spec(PUBLISHED[str(model)](), str(model), str(model))
    if str(model) in model_names():
        text = (_specs() / f"{model}.toml").read_text(encoding="utf-8")
        return Spec(text, str(model), f"{model}.toml")
    path = Path(model)
    if path.suffix.lower() != ".toml" and str(model) != "-":
        raise SpecError(
            f"model: expected one of {', '.join(model_names())} or a .toml file, got"
            f" {str(model) or repr('')}{meant(model, model_names())}"
        )
    try:
        name = "network" if str(model) == "-" else path.stem
        return Spec(reading.read_text(path, reading.MAX_TOML), name, str(path))
    except OSError as error:
        raise SpecError(f"{path}: cannot be read as a model: {error.strerror}") from None


def _parse(text: str, source: str) -> dict[str, Any]:
    try:
        return reading.parse_toml(text)
    except ValueError as error:
        raise SpecError(f"{source}: {error}") from None


def build_from_text(
    text: str,
    *,
    name: str,
    source: str = "spec",
    input_shape: tuple[int, int, int] | None = None,
    classes: int | None = None,
    dropout: float | None = None,
    weights: bool = True,
    backbone: bool = False,
) -> Network:
    """A network from the text of a spec; see ``build``.  ``source`` names it in errors."""
    spec = _parse(text, source)
    lines = text.splitlines()
    known = {"classes", "input", "layer", "loss", "pixels", "rate"}
    _check_keys(spec, known, source, lines, 0, "at the top")
    own_classes = _classes(spec.get("classes", 10), source)
    classes = own_classes if classes is None else classes
    own_shape = _input_shape(spec.get("input"), source)
    # A wrong length is a caller's mistake, reported by the first layer.
    shape: Any = own_shape if input_shape is None else tuple(input_shape)
    entries = _entries(spec.get("layer"), lines, source)
    layers: dict[str, nn.Module] = {}
    sources: dict[str, tuple[str, ...]] = {}
    shapes_of: dict[str, tuple[int, ...]] = {INPUT: shape}
    names = [entry.said.get("name") for entry in entries]
    numbers: dict[str, int] = {}
    room, before = MAX_WEIGHTS, INPUT
    for number, entry in enumerate(entries):
        layer_name = _layer_name(entry, shapes_of, numbers)
        read = _inputs(entry.said, layer_name, before, shapes_of, names[number:], entry.where)
        incoming = [shapes_of[name] for name in read]
        layer, after = _fitting(entry, incoming, classes, dropout, weights, room)
        _tie(entry, layer, layers)
        room -= layer.parameter_count()
        layers[layer_name], sources[layer_name] = layer, read
        shapes_of[layer_name], before = after, layer_name
    network = _network(layers, sources, shapes_of, None if backbone else classes, source)
    network.name, network.spec = name, text
    network.input_shape, network.classes = shape, classes
    network.loss = _loss(spec.get("loss", LOSSES[0]), source)
    network.rate = _rate(spec.get("rate"), source)
    network.pixels = _pixels(spec.get("pixels"), source)
    return network


class _Entry(NamedTuple):
    """A layer in a spec: its entries, and how errors say where it is."""

    said: dict[str, Any]
    where: str
    lines: list[str]
    start: int


def _entries(entries: Any, lines: list[str], source: str) -> list[_Entry]:
    if (
        not isinstance(entries, list)
        or not all(isinstance(e, dict) for e in entries)
        or not entries
    ):
        raise SpecError(f"{source}: expected at least one [[layer]], got none")
    if len(entries) > MAX_LAYERS:
        raise SpecError(f"{source}: expected at most {MAX_LAYERS:,} layers, got {len(entries):,}")
    starts = [i for i, line in enumerate(lines) if re.match(r"\s*\[\[\s*layer\s*\]\]", line)]
    found = []
    for number, said in enumerate(entries):
        start = starts[number] if number < len(starts) else 0
        called = said.get("name", said.get("type", "no type"))
        called = called if isinstance(called, str) and called.isprintable() else shown(called)
        where = f"{source}, line {start + 1}, layer {number + 1} ({called:.80})"
        found.append(_Entry(said, where, lines, start))
    return found


def _layer_name(entry: _Entry, taken: Mapping[str, Any], numbers: dict[str, int]) -> str:
    name, kind = entry.said.get("name"), entry.said.get("type")
    if name is None:
        stem = kind if isinstance(kind, str) and kind in nn.LAYERS else "layer"
        return _free_name(stem, taken, numbers)
    if not isinstance(name, str) or not re.fullmatch(_NAME, name) or name in taken:
        raise SpecError(
            f"{entry.where}: expected a name of letters, digits and dots that is used once,"
            f" got {shown(name)}"
        )
    return name


def _fitting(
    entry: _Entry,
    incoming: list[tuple[int, ...]],
    classes: int,
    dropout: float | None,
    weights: bool,
    room: int,
) -> tuple[nn.Module, tuple[int, ...]]:
    """A layer for its inputs, with at most ``room`` weights, and the shape of its output."""
    current = incoming[0]
    try:
        # Without weights first: a layer that is too large is found before it takes any memory.
        layer = _layer(entry, current, classes, dropout, False)
        if layer.parameter_count() > room:
            raise ShapeError(f"expected a network of at most {MAX_WEIGHTS:,} weights")
        if hasattr(layer, "output_size"):
            size: Any = current[-2:]
            shapes.check_numbers("output size", shapes.adaptive_output(size, layer.output_size))
        after = tuple(layer.output_shape(*incoming))
        shapes.check_numbers("output", after)
        if weights:
            layer = _layer(entry, current, classes, dropout, True)
    except SpecError:
        raise
    except ConvlabError as error:
        came = "" if len(incoming) > 1 else f"; what comes in is {_shape_text(current)}"
        raise SpecError(f"{entry.where}: {error}{came}") from None
    except (MemoryError, ValueError):  # NumPy's, for sizes beyond any address
        raise SpecError(
            f"{entry.where}: too large for this machine's memory; what comes in is"
            f" {_shape_text(current)}"
        ) from None
    return layer, after


def _tie(entry: _Entry, layer: nn.Module, layers: Mapping[str, nn.Module]) -> None:
    """Let a layer take parameters of a layer above it for its own, as ``tied`` says."""
    tied = entry.said.get("tied", {})
    for own, name in tied.items() if isinstance(tied, dict) else [("", tied)]:
        source, _, attribute = name.rpartition(".") if isinstance(name, str) else ("", "", "")
        taken = vars(layers.get(source, nn.Module())).get(attribute)
        before = vars(layer).get(own)
        both = isinstance(taken, nn.Parameter) and isinstance(before, nn.Parameter)
        if not both or getattr(taken, "shape", None) != getattr(before, "shape", None):
            raise SpecError(
                f"{entry.where}: expected tied to name a parameter of a layer above it, of the same"
                f' shape, such as {{ weight = "conv1.weight" }}, got {shown(tied)}'
            )
        setattr(layer, own, taken)


def _network(
    layers: dict[str, nn.Module],
    sources: dict[str, tuple[str, ...]],
    shapes_of: dict[str, tuple[int, ...]],
    classes: int | None,
    source: str,
) -> Network:
    """The network of all layers, the last of which must be the only one that no layer reads."""
    *_, last = shapes_of
    unread = shapes_of.keys() - {source for read in sources.values() for source in read}
    if unread != {last}:
        lost = next(name for name in shapes_of if name in unread)
        raise SpecError(f"{source}: expected every layer to be read by another, {lost} is not")
    if classes is not None and (shapes_of[last][0] != classes or len(shapes_of[last]) == 2):
        raise SpecError(
            f"{source}: expected the last layer to give one number for each of the {classes}"
            f" classes, got {_shape_text(shapes_of[last])}"
        )
    in_a_row = list(sources.values()) == [(name,) for name in [INPUT, *layers][:-1]]
    try:
        return Network(layers) if in_a_row else GraphNetwork(layers, sources)
    except SpecError as error:  # a name that the network itself has
        raise SpecError(f"{source}: {error}") from None


def _loss(value: Any, source: str) -> str:
    if value not in LOSSES:
        raise SpecError(
            f"{source}: expected loss to be one of {', '.join(LOSSES)}, got {shown(value)}"
        )
    return value


def _classes(value: Any, source: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_SIZE:
        raise SpecError(
            f"{source}: expected classes to be a whole number from 1 to {MAX_SIZE:,}, got"
            f" {shown(value)}"
        )
    return value


def _rate(value: Any, source: str) -> float | None:
    if value is not None and not (_is_number(value) and value > 0):
        raise SpecError(f"{source}: expected rate to be a number above 0, got {shown(value)}")
    return value


def _check_setting(key: str, value: Any, where: str) -> None:
    """Raise SpecError for a size or step beyond MAX_SIZE."""
    for size in value if isinstance(value, list) else [value]:
        if isinstance(size, int) and abs(size) > MAX_SIZE:
            raise SpecError(f"{where}: expected {key} of at most {MAX_SIZE:,}, got {size:,}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _pixels(value: Any, source: str) -> tuple[float, float] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2 or not all(_is_number(v) for v in value):
        raise SpecError(
            f"{source}: expected pixels = [background, ink], two numbers, got {shown(value)}"
        )
    return float(value[0]), float(value[1])


def _input_shape(value: Any, source: str) -> tuple[int, int, int]:
    sizes = (spelling.sizes(value) if isinstance(value, str) else None) or (0,)
    if len(sizes) != 3 or min(sizes) < 1:
        raise SpecError(
            f'{source}: expected input = "ROWSxCOLUMNSxCHANNELS" such as "28x28x1", got'
            f" {shown(value)}"
        )
    if max(sizes) > MAX_SIZE or math.prod(sizes) > MAX_MAP:
        raise SpecError(
            f"{source}: expected an input of at most {MAX_SIZE:,} a side and {MAX_MAP:,} in all,"
            f" got {shown(value)}"
        )
    rows, columns, channels = sizes
    return channels, rows, columns


def _shape_text(shape: tuple[int, ...]) -> str:
    if len(shape) == 3:
        return f"{shape[1]} x {shape[2]} x {shape[0]} (rows x columns x channels)"
    if len(shape) == 2:
        return f"{shape[1]} x {shape[0]} (length x channels)"
    return " x ".join(str(size) for size in shape) + " numbers"


def _free_name(kind: str, taken: Mapping[str, Any], numbers: dict[str, int]) -> str:
    """A name for a layer that has none: relu1, relu2, ...; ``numbers`` are the last ones used."""
    stem = kind.lower()
    number = numbers.get(stem, 0) + 1
    while f"{stem}{number}" in taken:
        number += 1
    numbers[stem] = number
    return f"{stem}{number}"


def _check_keys(
    entry: Mapping, allowed: set[str], source: str, lines: list[str], start: int, what: str
) -> None:
    for key in entry:
        if key in allowed:
            continue
        line = next(
            (
                i
                for i in range(start, len(lines))
                if re.match(rf'\s*"?{re.escape(key)}"?\s*=', lines[i])
            ),
            start,
        )
        raise SpecError(
            f"{source}, line {line + 1}: {shown(key)} is not known {what};"
            f" expected {', '.join(sorted(allowed))}"
        )


def _layer(
    entry: _Entry, shape: tuple[int, ...], classes: int, dropout: float | None, weights: bool
) -> nn.Module:
    kind, where = entry.said.get("type"), entry.where
    if not isinstance(kind, str) or kind not in nn.LAYERS:
        raise SpecError(
            f"{where}: expected type to be one of {', '.join(sorted(nn.LAYERS))}, got {shown(kind)}"
            f"{meant(kind, nn.LAYERS)}"
        )
    layer = nn.LAYERS[kind]
    parameters = inspect.signature(layer.__init__).parameters
    settings = _settings(entry, parameters, shape, classes)
    if layer.family is nn.Family.DROPOUT and dropout is not None:
        settings["p"] = dropout
    for key, value in settings.items():
        annotation = inspect.formatannotation(parameters[key].annotation).strip("'")
        settings[key] = _setting(key, value, annotation, classes, where)
    if not weights and "initialisation" in parameters:
        settings["initialisation"] = None
    settings |= _inferred(nn.LAYERS[kind], parameters, shape, where)
    missing = [
        name
        for name in parameters
        if name != "self"
        and parameters[name].default is inspect.Parameter.empty
        and name not in settings
    ]
    if missing:
        raise SpecError(f"{where}: expected {', '.join(missing)}, which {kind} needs")
    before = random.get_state()
    try:
        return layer(**settings)
    except (SpecError, TypeError) as error:
        raise SpecError(f"{where}: {error}") from None
    finally:
        if not weights:
            random.set_state(before)  # a layer may draw weights on its own


def _settings(
    entry: _Entry, parameters: Mapping[str, Any], shape: tuple[int, ...], classes: int
) -> dict[str, Any]:
    """What a spec says about a layer, as arguments of the layer."""
    where = entry.where
    settings = {
        key: value
        for key, value in entry.said.items()
        if key not in ("type", "name", "inputs", "tied")
    }
    known = set(parameters) - {"self", *INFERRED}
    if "connections_table" in parameters:  # a file lists what each output map reads
        known = (known - {"connections_table", "out_channels"}) | {"connections"}
    source, kind = where.split(", line")[0], entry.said["type"]
    _check_keys(settings, known, source, entry.lines, entry.start, f"for {kind}")
    if "connections_table" in parameters:
        settings |= _table(settings.pop("connections", None), shape, where)
    if "centres" in parameters:  # a file names them
        settings["centres"] = _centres(settings.get("centres"), classes, where)
    return settings


def _setting(key: str, value: Any, annotation: str, classes: int, where: str) -> Any:
    """The value of a layer's argument, as ``annotation`` requires it."""
    if isinstance(value, np.ndarray):
        return value
    _check_setting(key, value, where)
    if isinstance(value, str) and value == "classes":
        return classes
    if value == "none" and annotation.endswith("None"):  # which TOML has no word for
        return None
    if isinstance(value, list) and ("Sequence" in annotation or "Pair" in annotation):
        return tuple(value) if all(isinstance(v, int) for v in value) else value
    if "str" in annotation:
        return value
    if not isinstance(value, int | float):
        raise SpecError(f"{where}: expected {key} to be a number, got {shown(value)}")
    flag = annotation.startswith("bool")
    if isinstance(value, bool) != flag:
        wanted = "true or false" if flag else "a number"
        raise SpecError(f"{where}: expected {key} to be {wanted}, got {shown(value)}")
    if annotation in ("int", "int | None") and not isinstance(value, int):
        raise SpecError(f"{where}: expected {key} to be a whole number, got {shown(value)}")
    return value


def _inferred(
    layer: type[nn.Module], parameters: Mapping[str, Any], shape: tuple[int, ...], where: str
) -> dict[str, int]:
    """The arguments that follow from the input's shape."""
    found = {}
    for argument, axis in INFERRED.items():
        if argument in parameters:
            dense = argument == "in_features"
            if len(shape) not in ((1,) if dense else layer.signal_axes):
                fits = "a Flatten layer before it" if dense else "an image"
                raise SpecError(f"{where}: expected {fits}, got {_shape_text(shape)}")
            found[argument] = shape[axis]
    return found


def _inputs(
    entry: Mapping[str, Any],
    own_name: str,
    before: str,
    defined: Mapping[str, Any],
    later: list[str | None],
    where: str,
) -> tuple[str, ...]:
    """What a layer reads: the names in its ``inputs``, or the layer before it."""
    names = entry.get("inputs", [before])
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise SpecError(
            f'{where}: expected inputs to list names of layers, such as ["conv1"], got'
            f" {shown(names)}"
        )
    for name in names:
        if name == own_name:
            raise SpecError(f"{where}: expected inputs above the layer, got itself: a cycle")
        if name not in defined:
            below = ", which stands below it" if name in later else ""
            raise SpecError(
                f'{where}: expected inputs among the layers above it or "input", got'
                f" {shown(name)}{below}"
            )
    kind = entry.get("type")
    joins = isinstance(kind, str) and nn.LAYERS.get(kind, nn.Module).family is nn.Family.JOIN
    if joins and len(names) < 2:
        raise SpecError(
            f"{where}: expected at least two inputs for {kind} to join, got {shortened(names[0])}"
        )
    if not joins and len(names) > 1:
        raise SpecError(
            f"{where}: expected one input, got {shortened(', '.join(names))};"
            " Add, Concat and Mul join several"
        )
    return tuple(names)


def _table(connections: Any, shape: tuple[int, ...], where: str) -> dict[str, Any]:
    channels = shape[0] if len(shape) == 3 else 0
    lists = connections if isinstance(connections, list) else []
    flat = [c for maps in lists for c in (maps if isinstance(maps, list) else [None])]
    if not flat or not all(isinstance(c, int) and 0 <= c < channels for c in flat):
        raise SpecError(
            f"{where}: expected connections to list, for each output map, input maps from 0 to"
            f" {channels - 1}, got {shown(connections)}"
        )
    table = np.zeros((len(lists), channels), bool)
    for o, maps in enumerate(lists):
        table[o, maps] = True
    return {"out_channels": len(lists), "connections_table": table}


def _centres(name: Any, classes: int, where: str) -> np.ndarray:
    if not isinstance(name, str) or name not in _CENTRES:
        raise SpecError(
            f"{where}: expected centres to be one of {', '.join(_CENTRES)}, got {shown(name)}"
        )
    centres = _CENTRES[name]()
    if classes > len(centres):
        raise ShapeError(f"centres {name} have {len(centres)} classes, the data set has {classes}")
    return centres[:classes]
