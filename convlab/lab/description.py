"""A network as numbers and texts: what a page needs to compute and to explain it."""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from convlab import Tensor, nn, no_grad, shapes
from convlab.data import FORMS, Dataset
from convlab.errors import DataError, SpecError
from convlab.lab.epochs import epochs
from convlab.lessons.counts import conv_layer, dense_layer, shape_text
from convlab.lessons.relations import conv_size, conv_transpose_size, pool_size
from convlab.models import INPUT, Network, summarise
from convlab.models.summary import LayerSummary
from convlab.names import listed
from convlab.nn import Family
from convlab.shapes import PoolWindows, ReceptiveField, join_fields, size_text
from convlab.training import Run
from convlab.words import joined as side_by_side
from convlab.words import t

# What a page can hold, and compute while the user is drawing.
LARGEST_INPUT = (224, 224)
MOST_WEIGHTS = 5_000_000
MOST_MULTIPLY_ADDS = 600_000_000
# Up to so many weights a file keeps them as float32, every bit of the engine's.
_EXACT_WEIGHTS = 500_000
_NEAR = 1e-3  # of a probability, where weights are kept as float16

# Families whose layers a page computes by their formulas.
_BY_FORMULA = (Family.ACTIVATION, Family.NORMALISATION)
# What a unit sees of a layer, if that is not a box.
NOTHING, VARIES = "nothing", "varies"
# Networks and data sets as their authors spell them.
_NAMES = {
    "lenet5": "LeNet-5",
    "lenet5-1998": "LeNet-5 of 1998",
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "cifar10": "CIFAR-10",
}
_SAMPLES = 50
_LESSONS = 300  # pictures to learn from
_LESSON_BYTES = 400_000
_MOST_LEARNT = 150_000  # weights, as in learning.js
_ASKED = 8  # of them, whether weights may be rounded
_SAMPLES_OF_A_CLASS = 3, 12  # at least, at most
_SAMPLE_BYTES = 4_000_000  # with more classes than fit there are fewer, or none


@dataclass(frozen=True, eq=False)
class Laboratory:
    """What a page holds.

    ``description``: plain numbers and texts, for JSON.  ``weights``: float32 (count,), those of all
    layers in a row, as the layers' ``weights`` entries say.  ``images``: bytes (samples, C, H, W)
    of the data's size.  ``lessons``: more of them, to learn from.
    """

    description: dict[str, Any]
    weights: np.ndarray
    images: np.ndarray
    lessons: np.ndarray


def check_fits(network: Network) -> None:
    """Raise SpecError for a network that no page can hold: too large, or of unknown layers."""
    rows, columns = network.input_shape[1:]
    if rows > LARGEST_INPUT[0] or columns > LARGEST_INPUT[1]:
        raise SpecError(
            f"page: expected an input of at most {size_text(*LARGEST_INPUT)} pixels,"
            f" {network.name} has {size_text(rows, columns)}"
        )
    layers = network.shapes()
    weights = sum(array.size for _, layer, _, _ in layers for array in layer.arrays().values())
    multiply_adds = sum(layer.multiply_adds(before) for _, layer, before, _ in layers)
    if weights > MOST_WEIGHTS or multiply_adds > MOST_MULTIPLY_ADDS:
        raise SpecError(
            f"page: expected at most {MOST_WEIGHTS:,} weights and {MOST_MULTIPLY_ADDS:,}"
            f" multiply-adds, {network.name} has {weights:,} and {multiply_adds:,}"
        )
    inputs = _inputs(network)
    for name, layer, _, after in layers:
        if len(after) == 2:
            raise SpecError(
                f"page: expected maps or vectors from every layer, {name} of {network.name}"
                f" gives {size_text(*after)} numbers"
            )
        by_formula = layer.family in _BY_FORMULA and not _is_normalised_by_others(layer)
        if by_formula and not _is_formula(layer.formula_of(0)):
            raise SpecError(
                f"page: expected a formula of numbers, x, + − · / and {', '.join(_FUNCTIONS)} from"
                f" {name} of {network.name}, got {layer.formula_of(0)!r}"
            )
        if layer.family is Family.RESIZING and not hasattr(layer, "axes"):
            raise SpecError(
                f"page: expected maps resized from two neighbours along each axis, {name} of"
                f" {network.name} takes more"
            )
        if layer.family is Family.SOFTMAX:
            _softmax_axis(name, layer, after)
        if layer.family is Family.JOIN:
            _joined(name, layer, [shape for _, shape in inputs[name]], after)


def _is_normalised_by_others(layer: nn.Module) -> bool:
    """Whether each number of a layer depends on others of the same image."""
    return layer.family is Family.NORMALISATION and not layer.formula


def _is_formula(text: str) -> bool:
    """Whether the page can compute a formula of x: formula.js has the same grammar."""
    signs = re.findall(r"\d+(?:\.\d+)?|[a-z]+|[-−+·/(),]|\S", text)
    python, before = "", ""
    for sign in signs:
        if sign.isalpha() and sign not in ("x", *_FUNCTIONS):
            return False
        factor_follows = sign[0].isalnum() or sign == "("
        if factor_follows and (before == ")" or before[:1].isdigit() or before == "x"):
            python += "*"
        python += sign.translate({ord("−"): "-", ord("·"): "*"})
        before = sign
    try:
        tree = ast.parse(python, mode="eval")
    except SyntaxError:
        return False
    nodes = list(ast.walk(tree))
    called = {id(node.func): len(node.args) for node in nodes if isinstance(node, ast.Call)}
    names = [node for node in nodes if isinstance(node, ast.Name)]
    known = all(called.get(id(name)) == _FUNCTIONS.get(name.id) for name in names)
    known = known and not any(isinstance(node, ast.Tuple) for node in nodes)
    return known and all(name.id == "x" or name.id in _FUNCTIONS for name in names)


# What a formula may call, and with how many numbers.
_FUNCTIONS = {"abs": 1, "erf": 1, "exp": 1, "log": 1, "max": 2, "min": 2, "sqrt": 1, "tanh": 1}


def describe(
    run: Run,
    test: Dataset | None,
    *,
    train: Dataset | None = None,
    accuracy: float | None = None,
    command: str = "",
    image: tuple[str, np.ndarray, int | None] | None = None,
) -> Laboratory:
    """Everything that a page shows about a run.

    ``test``: the run's test set, from which samples are taken, as many of each class as there is
    room for; None for a network that brings no data with it.  ``train``: its training set, from
    which the page's own training takes pictures.
    ``accuracy``: on it, if known.  ``command``: the command that makes the page.
    ``image``: (name, bytes (C, H, W), class or None) to begin with.
    Raises SpecError for a network that no page can hold, DataError for another test set.
    """
    network = run.network
    check_fits(network)
    samples = [] if image is None else [image]
    begun = {name for name, _, _ in samples}
    if test is not None:
        _check_test_set(run, test)
        samples += [
            (name, test.images[index], int(test.labels[index]))
            for index in _chosen(test)
            if (name := f"test:{index}") not in begun
        ]
    arrays: list[np.ndarray] = []
    layers = list(_layers(network, arrays))
    channels, rows, columns = network.input_shape
    lessons = _lessons(network, train)
    title = t("{model} on {data}", _named(network.name), _named(Path(run.settings.data).name))
    title = run.name if run.is_imported else title
    description = {
        "convlab": version("convlab"),
        "title": title,
        "command": command,
        "classes": list(run.classes),
        "accuracy": accuracy,
        "penalties": network.loss == "lecun-map",
        "parameters": network.parameter_count(),
        "bits": 32,
        "input": {"channels": channels, "rows": rows, "columns": columns},
        "image": dict(zip(("channels", "rows", "columns"), run.image_shape, strict=True)),
        "dark_background": run.dark_background,
        "crop": run.crop,
        "form": _form(run.settings.data),
        # As float32, which is what bytes are multiplied with.
        "scaling": {
            "factor": np.array(run.scaling.scale, np.float32).tolist(),
            "offset": np.array(run.scaling.offset, np.float32).tolist(),
        },
        "layers": layers,
        "epochs": epochs(run),
        "learning": [] if lessons is None else lessons.labels.tolist(),
        "samples": [{"name": name, "label": label} for name, _, label in samples],
    }
    weights = np.concatenate([np.empty(0, np.float32), *arrays])
    if weights.size > _EXACT_WEIGHTS and _halves_suffice(run, [image for _, image, _ in samples]):
        description["bits"] = 16
    images = np.array([pixels for _, pixels, _ in samples], np.uint8)
    images = images.reshape(-1, *run.image_shape)
    learnt = images[:0] if lessons is None else np.asarray(lessons.images)
    return Laboratory(description, weights, images, learnt)


def _lessons(network: Network, train: Dataset | None) -> Dataset | None:
    """Training pictures for a page that can train its network: a few hundred, of every class."""
    if train is None or network.parameter_count() > _MOST_LEARNT:
        return None
    classes, size = len(train.classes), math.prod(train.image_shape)
    count = max(1, min(_LESSONS, _LESSON_BYTES // size) // classes)
    chosen = [np.flatnonzero(train.labels == label)[:count] for label in range(classes)]
    return train.subset(np.sort(np.concatenate(chosen)))


def _halves_suffice(run: Run, images: Sequence[np.ndarray] | np.ndarray) -> bool:
    """Whether weights rounded to float16 leave the answers to some images as they are.

    Where there are no images, to noise.
    """
    network = run.network
    if not len(images):
        images = np.random.default_rng(0).integers(0, 256, (_ASKED, *run.image_shape), np.uint8)
    x = Tensor(np.stack([run.network_input(image) for image in images[:_ASKED]]))
    kept = network.state_dict()
    with no_grad():
        exact = network.probabilities(network(x).numpy())
        with np.errstate(over="ignore"):
            halves = {
                name: array.astype(np.float16).astype(array.dtype)
                for name, array in kept.items()
                if np.issubdtype(array.dtype, np.floating)
            }
        if not all(np.isfinite(array).all() for array in halves.values()):
            return False
        try:
            network.load_state_dict(kept | halves)
            rounded = network.probabilities(network(x).numpy())
        finally:
            network.load_state_dict(kept)
    return bool(np.abs(rounded - exact).max() < _NEAR)


def _form(source: str) -> dict[str, str] | None:
    """What drawings and pictures of digits are brought to, if that is known of the data."""
    return {"name": source, "words": FORMS[source]} if source in FORMS else None


def _named(name: str) -> str:
    return _NAMES.get(name, name)


def _check_test_set(run: Run, test: Dataset) -> None:
    classes, shape = test.classes, test.image_shape
    for what, agree, expected, came in (
        ("classes", run.classes == classes, listed(run.classes), listed(classes)),
        ("images", run.image_shape == shape, size_text(*run.image_shape), size_text(*shape)),
    ):
        if not agree:
            raise DataError(
                f"{run.settings.data}: expected the run's {what} {expected}, got {came}"
            )


def _chosen(test: Dataset) -> list[int]:
    """The first images of each class, equally many of each: one of each class, then the next."""
    least, most = _SAMPLES_OF_A_CLASS
    classes = len(test.classes)
    count = min(most, max(least, _SAMPLES // classes))
    members = [np.flatnonzero(test.labels == label)[:count].tolist() for label in range(classes)]
    chosen = [indices[turn] for turn in range(count) for indices in members if turn < len(indices)]
    return chosen[: max(1, _SAMPLE_BYTES // math.prod(test.image_shape))]


# --- layers --------------------------------------------------------------------------------


def _layers(network: Network, arrays: list[np.ndarray]) -> Iterator[dict[str, Any]]:
    """The entry of each layer; what its ``weights`` point to is appended to ``arrays``."""
    fields, inputs = _fields(network), _inputs(network)
    numbers = {name: number for number, name in enumerate([INPUT, *inputs], -1)}
    rows = zip(network.shapes(), summarise(network), fields, strict=True)
    for (name, layer, before, after), summary, seen in rows:
        weights = {}
        for kind, array in layer.arrays().items():
            offset = sum(values.size for values in arrays)
            weights[kind] = [offset, array.size, list(array.shape)]
            arrays.append(np.ascontiguousarray(array, np.float32).ravel())
        assert layer.family is not None, "the layers of a network say theirs"
        yield {
            "name": name,
            "kind": type(layer).__name__,
            "family": layer.family.value,
            "words": layer.words or type(layer).__name__,
            "short": layer.short or type(layer).__name__,
            "sign": layer.sign,
            "title": name,
            "shape": list(after),
            "input_shape": list(before),
            "parameters": summary.parameters,
            "multiply_adds": summary.multiply_adds,
            "connections": summary.connections,
            "formula": _formula(layer, summary),
            "receptive_field": _receptive_field(summary),
            **_settings(name, layer, before, after),
            **_branches(name, layer, inputs[name], after, numbers),
            "weights": weights,
            "fields": seen,
        }


def _receptive_field(summary: LayerSummary) -> dict[str, Any] | None:
    if summary.receptive_field is None:
        return None
    rows, columns = summary.receptive_field
    stride = [float(axis.stride) for axis in (rows, columns)]
    return {"rows": rows.size, "columns": columns.size, "stride": stride}


def _fields(network: Network) -> list[list[dict[str, Any] | str | None]]:
    """For each layer, what one unit sees of the input, of the first layer's maps and so on.

    None: all of it; NOTHING: no branch leads there; VARIES: not the same for all units.
    """
    layers, sources = network.shapes(), network.sources()
    shapes_of = {INPUT: network.input_shape} | {name: after for name, _, _, after in layers}
    seen: list[list[dict[str, Any] | str | None]] = [[] for _ in layers]
    for first, origin in enumerate([INPUT, *sources][:-1]):
        whole = len(shapes_of[origin]) == 3
        found: dict[str, nn.Field | str | None] = {
            origin: (ReceptiveField(), ReceptiveField()) if whole else None
        }
        for entries, (name, layer, before, after) in zip(seen[first:], layers[first:], strict=True):
            fields = [found.get(source, NOTHING) for source in sources[name]]
            field = _hull([field for field in fields if field != NOTHING])
            if isinstance(field, tuple) and layer.family is not Family.JOIN:
                field = layer.field_of(field, before)
            if len(after) != 3 and field != NOTHING:
                field = None  # a unit of a vector has no row and column
            found[name] = field
            entries.append(
                {"rows": _axis_field(field[0]), "columns": _axis_field(field[1])}
                if isinstance(field, tuple)
                else field
            )
    return seen


def _hull(fields: Sequence[nn.Field | str | None]) -> nn.Field | str | None:
    """What is seen by units that read units with these fields."""
    if len(fields) < 2:
        return fields[0] if fields else NOTHING
    if None in fields:
        return None
    known = [field for field in fields if isinstance(field, tuple)]
    if len(known) < len(fields):
        return VARIES
    rows, columns = (join_fields(axis) for axis in zip(*known, strict=True))
    return VARIES if rows is None or columns is None else (rows, columns)


def _axis_field(field: ReceptiveField) -> dict[str, Any]:
    """A ReceptiveField; the unit one ``period`` further on sees the same, moved by ``shift``."""
    return {
        "size": field.size,
        "stride": float(field.stride),
        "padding": field.padding,
        "period": [list(span) for span in field.period],
        "shift": int(field.stride * max(1, len(field.period))),
    }


def _settings(
    name: str, layer: nn.Module, before: tuple[int, ...], after: tuple[int, ...]
) -> dict[str, Any]:
    """What is needed to compute a layer, in whole numbers."""
    family = layer.family
    if family in (Family.CONVOLUTION, Family.TRANSPOSED):
        settings = {
            "kernel": list(layer.kernel_size),
            "stride": list(layer.stride),
            "padding": list(layer.padding),
            "dilation": list(layer.dilation),
            "groups": layer.groups,
        }
        if family is Family.TRANSPOSED:
            return settings | {"output_padding": list(layer.output_padding)}
        settings |= {"padding_mode": layer.padding_mode, "padded": _padded(layer, before)}
        table = layer.connections_table
        if table is not None:
            settings["table"] = [np.flatnonzero(row).tolist() for row in table]
        return settings
    if family is Family.POOLING:
        windows = _windows(layer.windows(before))
        settings = {"reduction": layer.reduction, "windows": windows}
        window = layer.window(before)
        if window is not None:
            kernel, stride, padding, _ = (list(values) for values in window)
            settings |= {"kernel": kernel, "stride": stride, "padding": padding}
        return settings
    if family is Family.SOFTMAX:
        return {"axis": _softmax_axis(name, layer, after)}
    if _is_normalised_by_others(layer) or family is Family.RESIZING:
        return _among(layer, before)
    settings = {"computes": _formulas(layer, after[0])} if layer.formula else {}
    if family is Family.PLACEMENT:
        settings["places"] = [_place(layer, before, unit) for unit in np.ndindex(after)]
    elif family is Family.RESHAPE:
        layer.reads(before, (0,) * len(after))  # whose numbers are those of its input
    return settings


def _among(layer: nn.Module, before: tuple[int, ...]) -> dict[str, Any]:
    """What each number of a layer is normalised by, or resized from."""
    if layer.family is Family.RESIZING:
        rows, columns = (
            np.stack([axis.low, axis.high, axis.share], 1).tolist() for axis in layer.axes(before)
        )
        return {"resizes": {"rows": rows, "columns": columns}}
    others = layer.among(before)
    if isinstance(others, nn.Block):
        each = "channel" if others.by_channel else "place"
        return {"standardises": {"block": others.size, "each": each, "eps": others.eps}}
    return {"respond": others._asdict()}


def _formulas(layer: nn.Module, channels: int) -> list[str]:
    """The formula of each channel, or the one of all."""
    formulas = [layer.formula_of(channel) for channel in range(channels)]
    return formulas if len(set(formulas)) > 1 else formulas[:1]


def _place(layer: nn.Module, before: tuple[int, ...], unit: tuple[int, ...]) -> int:
    """The index, in memory order, of the input that an output repeats; -1 if there is none."""
    reads = layer.reads(before, unit)
    assert isinstance(reads, nn.One), "a layer that only puts numbers elsewhere computes none"
    return -1 if reads.place is None else int(np.ravel_multi_index(reads.place, before))


# --- branches ------------------------------------------------------------------------------


def _inputs(network: Network) -> dict[str, list[tuple[str, tuple[int, ...]]]]:
    """For each layer what it reads, name and shape."""
    shapes_of: dict[str, tuple[int, ...]] = {INPUT: network.input_shape}
    shapes_of |= {name: after for name, _, _, after in network.shapes()}
    return {
        name: [(source, shapes_of[source]) for source in sources]
        for name, sources in network.sources().items()
    }


def _branches(
    name: str,
    layer: nn.Module,
    inputs: Sequence[tuple[str, tuple[int, ...]]],
    after: tuple[int, ...],
    numbers: Mapping[str, int],
) -> dict[str, Any]:
    """The numbers of the layers that a layer reads, if that is not just the one before it."""
    sources = [numbers[source] for source, _ in inputs]
    if sources == [numbers[name] - 1]:
        return {}
    settings: dict[str, Any] = {"sources": sources}
    if layer.family is Family.JOIN:
        joined = _joined(name, layer, [shape for _, shape in inputs], after)
        settings |= {"joined": joined, "formula": _join_formula(layer, joined, inputs, after)}
        if layer.product:
            plane = math.prod(after[1:])
            gates = [n for n, (_, shape) in enumerate(inputs) if math.prod(shape[1:]) < plane]
            settings |= {"product": True, "gates": gates}
    return settings


def _joined(
    name: str, layer: nn.Module, inputs: Sequence[tuple[int, ...]], after: tuple[int, ...]
) -> list[list[list[int]]]:
    """For each map of a join, or unit of a vector, [number of the input, map of it] of its terms.

    Raises SpecError for a join whose terms are elsewhere in their maps.
    """
    first = (0,) * (len(after) - 1)
    last = tuple(size - 1 for size in after[1:])
    found = []
    for channel in range(after[0]):
        terms = layer.summands(inputs, (channel, *first))
        # A map of one number has no other place.
        ends = [tuple(size - 1 for size in shape[1:]) for shape in inputs]
        stays = [
            (number, (place[0], *(ends[number] if math.prod(inputs[number][1:]) == 1 else last)))
            for number, place in terms
        ]
        if layer.summands(inputs, (channel, *last)) != stays:
            raise SpecError(
                f"page: {name}: expected a join that leaves numbers at their rows and columns"
            )
        found.append([[number, place[0]] for number, place in terms])
    return found


def _join_formula(
    layer: nn.Module,
    joined: Sequence[Sequence[Sequence[int]]],
    inputs: Sequence[tuple[str, tuple[int, ...]]],
    after: tuple[int, ...],
) -> list[str]:
    """What a join adds up, or which of its maps come from which input."""
    if all(len(terms) == len(inputs) for terms in joined):
        sign = " · " if layer.product else " + "
        return [t("each number: {sum}", sign.join(source for source, _ in inputs))]
    if all(len(terms) == 1 for terms in joined):
        counts = Counter(number for ((number, _),) in joined)
        parts = [t("{n} of {source}", counts[at], source) for at, (source, _) in enumerate(inputs)]
        total = side_by_side(parts, " + ")
        if len(after) == 3:
            return [t("maps: {total} = {n}", total, after[0])]
        return [t("units: {total} = {n}", total, after[0])]
    return []


def _padded(layer: nn.Module, before: tuple[int, ...]) -> dict[str, list[int]]:
    """For each row and column of the padded input the one that it repeats, -1 for zeros."""
    top, bottom, left, right = layer.padding
    mode = layer.padding_mode
    return {
        "rows": shapes.padding_index(before[1], top, bottom, mode).tolist(),
        "columns": shapes.padding_index(before[2], left, right, mode).tolist(),
    }


def _windows(windows: PoolWindows) -> dict[str, Any]:
    divisor = windows.divisor
    same = divisor.min() == divisor.max()
    return {
        "rows": np.stack([windows.row_start, windows.row_end], 1).tolist(),
        "columns": np.stack([windows.column_start, windows.column_end], 1).tolist(),
        "dilation": list(windows.dilation),
        "divisor": int(divisor[0, 0]) if same else divisor.tolist(),
    }


def _softmax_axis(name: str, layer: nn.Module, shape: tuple[int, ...]) -> int:
    """The axis of a softmax in its output, which has no batch.  Raises SpecError for the batch."""
    try:
        return layer.axis(len(shape))
    except SpecError as error:
        raise SpecError(f"page: {name}: {error}") from None


# --- how sizes and counts follow --------------------------------------------------------------


def _formula(layer: nn.Module, summary: LayerSummary) -> list[str]:
    """The shape, the parameters and the costs of a layer, step by step."""
    before, after = summary.input_shape, summary.output_shape
    family = layer.family
    if family is Family.CONVOLUTION:
        return _convolution_formula(layer, before, summary)
    if family is Family.DENSE:
        count = dense_layer(before, layer.out_features, bias=layer.bias is not None)
        return _costs(count)
    if family is Family.RESHAPE:
        return [t("{shape} numbers in a row: {n:,}", shape_text(before), math.prod(after))]
    if family is Family.TRANSPOSED:
        return _axes(before, lambda axis, size: str(_transposed_size(layer, axis, size)))
    if family is Family.POOLING:
        window = layer.window(before)
        if layer.adaptive or window is None:
            return _axes(
                before,
                lambda axis, size: t("{size} shared out among {n}", size, after[1 + axis]),
            )
        ceil = getattr(layer, "ceil_mode", False)
        lines = _axes(
            before,
            lambda axis, size: str(
                pool_size(
                    size,
                    window.kernel[axis],
                    window.stride[axis],
                    window.padding[2 * axis],
                    window.dilation[axis],
                    ceil,
                )
            ),
        )
        if summary.parameters:
            lines.append(
                t(
                    "parameters: {maps} · (1 coefficient + 1 bias) = {n:,}",
                    before[0],
                    summary.parameters,
                )
            )
        return lines
    if family is Family.DISTANCE:
        classes, features = layer.centres.shape
        form = "connections: {features:,} · {classes:,} = {n:,}"
        return [t(form, features, classes, summary.connections)]
    return []


def _axes(before: Sequence[int], line: Any) -> list[str]:
    sizes = before[1:]
    return [t("rows: {line}", line(0, sizes[0])), t("columns: {line}", line(1, sizes[1]))]


def _costs(count: Any) -> list[str]:
    return [
        t("parameters: {count}", count.parameters),
        t("multiply-adds: {count}", count.multiply_adds),
    ]


def _transposed_size(layer: nn.Module, axis: int, size: int):
    return conv_transpose_size(
        size,
        layer.kernel_size[axis],
        layer.stride[axis],
        *shapes.along(layer.padding, axis),
        output_padding=layer.output_padding[axis],
        dilation=layer.dilation[axis],
    )


def _convolution_formula(
    layer: nn.Module, before: tuple[int, ...], summary: LayerSummary
) -> list[str]:
    lines = _axes(
        before,
        lambda axis, size: str(
            conv_size(
                size,
                layer.kernel_size[axis],
                layer.stride[axis],
                *shapes.along(layer.padding, axis),
                dilation=layer.dilation[axis],
            )
        ),
    )
    if layer.connections_table is not None:
        pairs = int(layer.connections_table.sum())
        rows, columns = layer.kernel_size
        return [
            *lines,
            t(
                "parameters: {pairs} connected pairs of maps · {rows}·{columns} + {maps} = {n:,}",
                pairs,
                rows,
                columns,
                layer.out_channels,
                summary.parameters,
            ),
        ]
    count = conv_layer(
        before,
        layer.kernel_size,
        layer.out_channels,
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        groups=layer.groups,
        bias=layer.bias is not None,
    )
    return [*lines, *_costs(count)]
