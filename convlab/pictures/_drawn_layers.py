"""The volumes and paths of a network's drawing."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from convlab.models import INPUT, LayerSummary, Network, summarise
from convlab.shapes import ReceptiveField, as_image, size_text
from convlab.viz import DrawnLayer, Skip
from convlab.words import t


def drawn_layers(network: Network) -> list[DrawnLayer]:
    """What ``viz.architecture`` draws of a network: its input and each layer with a new size.

    Activations, dropout and the like are notes below the layer before them.  In a network with
    branches the longest way is drawn as volumes, and what goes around them as paths; each place
    where they meet is a separate volume.  Networks whose layers are all called C1, S2 ... as in
    LeCun et al. 1998 get the words of that paper's figure 2.
    """
    shape = network.input_shape
    rows = {row.name: _of_images(row) for row in summarise(network)}
    sources, notes, counts = volumes(network)
    published = all(re.fullmatch(r"[csf]\d+|output", name) for name in sources)
    way = _longest_way(sources)
    paths = _paths(sources, way, rows, counts)
    layers = [
        DrawnLayer(
            shape, (_size(shape),), t("input"), notes=tuple(notes[INPUT]), narrow=_narrow(shape)
        )
    ]
    for name in way:
        row = rows[name]
        head = (_size(row.output_shape),)
        if name == way[-1] and len(row.output_shape) == 1:
            head = (t("{output_shape:,} classes", row.output_shape[0]),)
        unit, window = _window(row, len(layers))
        operation = _operation(row)
        layers.append(
            DrawnLayer(
                row.output_shape,
                head,
                name,
                counts[name],
                notes=() if published else tuple(notes[name]),
                operation=operation,
                unit=unit,
                window=window,
                narrow=_narrow(row.output_shape),
                skips=paths.get(name, ()),
                kind=kind_of(row),
                brief=_brief(operation),
            )
        )
    return _as_published(layers) if published else layers


def _of_images(row: LayerSummary) -> LayerSummary:
    """A layer of signals as one of images with one row."""
    before, after = as_image(row.input_shape), as_image(row.output_shape)
    return replace(row, input_shape=before, output_shape=after)


_KINDS: dict[Any, str] = {
    "convolution": "conv",
    "transposed convolution": "conv",
    "pooling": "pool",
    "dense": "dense",
    "distance": "dense",
    "placement": "placement",
    "resizing": "placement",
    "reshape": "flatten",
}


def kind_of(row: LayerSummary) -> str:
    """The kind of a layer's volume: conv, pool, dense, placement, or how a join joins."""
    return row.layer.words if row.family == "join" else _KINDS[row.family]


def volumes(
    network: Network,
) -> tuple[dict[str, list[str]], dict[str, list[str]], dict[str, int]]:
    """For each layer drawn as a volume the volumes that it reads; each volume's notes; and its
    parameters, with those of the layers in its notes."""
    read = network.sources()
    readers = [source for names in read.values() for source in names]
    volume = {INPUT: INPUT}
    sources: dict[str, list[str]] = {}
    notes: dict[str, list[str]] = {INPUT: []}
    counts = {INPUT: 0}
    for row in summarise(network):
        layer: Any = row.layer
        before = read[row.name]
        # Maps that are flattened keep their volume; an image becomes its row of numbers.
        flattens_maps = row.family == "reshape" and volume[before[0]] != INPUT
        # So does what pools them to the size that they have.
        kept = getattr(layer, "adaptive", False) and row.output_shape == row.input_shape
        if row.family == "join" or (row.family in _KINDS and not flattens_maps and not kept):
            volume[row.name] = row.name
            sources[row.name], notes[row.name] = [volume[source] for source in before], []
            counts[row.name] = row.parameters
            continue
        volume[row.name] = volume[before[0]]
        counts[volume[row.name]] += row.parameters
        if not flattens_maps and not kept:
            note = t("dropout {p:g}", layer.p) if row.family == "dropout" else row.kind
            note += t(" on one path") if readers.count(before[0]) > 1 else ""
            notes[volume[row.name]].append(note)
    return sources, notes, counts


def _longest_way(sources: dict[str, list[str]]) -> list[str]:
    """The volumes on the longest way from the input to the last one."""
    if not sources:
        return []
    depth = {source: 0 for names in sources.values() for source in names}
    before = {}
    for name, read in sources.items():
        # Among ways of equal length the last one.
        before[name] = max(reversed(read), key=lambda source: depth[source])
        depth[name] = depth[before[name]] + 1
    way = [list(sources)[-1]]
    while before[way[-1]] in sources:
        way.append(before[way[-1]])
    return way[::-1]


def _paths(
    sources: dict[str, list[str]],
    way: list[str],
    rows: dict[str, LayerSummary],
    counts: dict[str, int],
) -> dict[str, tuple[Skip, ...]]:
    """For each volume on ``way`` the paths around others that end there."""
    paths: dict[str, list[Skip]] = {}
    previous = dict(zip(way, [INPUT, *way], strict=False))
    counted: set[str] = set()
    for name in way:
        others = list(sources[name])
        others.remove(previous[name])
        for source in others:
            inner = _beside(source, sources, way)
            starts = dict.fromkeys(
                start for at in inner for start in sources[at] if start not in inner
            )
            label = "identity" if kind_of(rows[name]) == "sum" else "copy"
            if inner and all(len(sources[at]) == 1 for at in inner):
                label = " → ".join(", ".join(_brief(_operation(rows[at]))) for at in inner)
            elif inner:
                label = t("{n} layers", len(inner))
            parameters = sum(counts[at] for at in inner if at not in counted)
            counted.update(inner)
            for start in starts or [source]:
                paths.setdefault(name, []).append(Skip(start, label, parameters))
                parameters = 0
    return {name: tuple(skips) for name, skips in paths.items()}


def _beside(end: str, sources: dict[str, list[str]], way: list[str]) -> list[str]:
    """The volumes from where a path leaves ``way`` to its ``end``, in the network's order."""
    found, waiting = set(), [end]
    while waiting:
        at = waiting.pop()
        if at in sources and at not in way and at not in found:
            found.add(at)
            waiting += sources[at]
    return [name for name in sources if name in found]


def _size(shape: tuple[int, ...]) -> str:
    return size_text(*shape[1:], shape[0]) if len(shape) == 3 else f"{shape[0]:,}"


def _narrow(shape: tuple[int, ...]) -> tuple[str, ...]:
    """The size of maps on two lines, () for units."""
    return (_size(shape).rpartition(" ×")[0], f"× {shape[0]}") if len(shape) == 3 else ()


def _window(row: LayerSummary, number: int) -> tuple[Any, Any]:
    """A unit of a layer's maps and the window that it reads; (None, None): it reads all.

    The places alternate, so that a map's window does not lie on the unit that is reached.
    """
    alone = ReceptiveField(), ReceptiveField()
    # A join reads each map at the unit's own place.
    fields = alone if row.family == "join" else row.layer.field_of(alone, row.input_shape)
    if len(row.output_shape) != 3 or fields is None:
        return None, None
    share = 0.68 if number % 2 else 0.27
    unit, spans = [], []
    for field, pixels, units in zip(fields, row.input_shape[1:], row.output_shape[1:], strict=True):
        # The nearest unit whose window crosses no border and is not empty, if there is one.
        inside = [u for u in range(units) if 0 <= field.span(u)[0] < field.span(u)[1] <= pixels]
        unit.append(min(inside or range(units), key=lambda u: abs(u - share * (units - 1))))
        spans.append(field.span(unit[-1]))
    (top, bottom), (left, right) = spans
    return tuple(unit), (top, left, bottom, right)


def _operation(row: LayerSummary) -> tuple[str, ...]:
    """The operation that leads to a layer, in a line or two."""
    module: Any = row.layer
    window: Any = row.window
    if row.family == "dense":
        return (t("dense"),)
    if row.family == "join":
        return (t(kind_of(row)),)
    if row.family == "distance":
        return (t("distances"),)
    if row.family in ("placement", "resizing", "reshape"):
        return (module.short,)
    if row.family == "pooling":
        word = {"maximum": t("max"), "mean": t("average"), "sum": t("sum")}[module.reduction]
        if module.adaptive:
            whole = math.prod(row.output_shape[1:]) == 1
            return (
                (t("global"), word)
                if whole
                else (word, t("to {size}", size_text(*row.output_shape[1:])))
            )
        text = t("{word} {size}", word, size_text(*window.kernel))
        return (text, *_settings(window, usual=window.kernel))
    if row.family == "transposed convolution":
        return (t("transposed"), size_text(*module.kernel_size), *_settings(module))
    text = size_text(*window.kernel)
    groups = module.groups
    if groups == row.input_shape[0] and groups > 1:
        text += t(" depthwise")
    elif groups > 1:
        text += t(" in {groups} groups", groups)
    return (text, *_settings(window))


def _brief(operation: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(line for line in operation if not line.startswith("padding"))


def _settings(window: Any, usual: tuple[int, int] = (1, 1)) -> list[str]:
    """Stride, padding and dilation that differ from the defaults, one per line."""
    top, bottom, left, right = window.padding
    if (top, left) == (bottom, right):
        padding = _pair((top, left))
    else:
        padding = f"{top},{bottom},{left},{right}"
    lines = []
    if tuple(window.stride) != tuple(usual):
        lines.append(t("stride {pair}", _pair(window.stride)))
    if any(window.padding):
        lines.append(t("padding {padding}", padding))
    if tuple(window.dilation) != (1, 1):
        lines.append(t("dilation {pair}", _pair(window.dilation)))
    return lines


def _pair(values: Sequence[int]) -> str:
    return str(values[0]) if values[0] == values[1] else size_text(*values)


def _as_published(layers: list[DrawnLayer]) -> list[DrawnLayer]:
    """The words of figure 2 of LeCun et al. 1998, and the sizes in its notation."""
    words = {"c": "Convolutions", "s": "Subsampling", "f": "Full connection"}
    shown = []
    head: tuple[str, ...]
    operation: tuple[str, ...]
    for index, layer in enumerate(layers):
        channels, *size = layer.shape
        name = layer.name.upper()
        if index == 0:
            head, operation = (name, size_text(*size)), ()
        elif name == "OUTPUT":
            head, operation = (name, str(channels)), ("Gaussian", "connections")
        elif layer.is_column:
            head, operation = (f"{name}: layer", str(channels)), ("Full", "connection")
        else:
            kind = "feature maps" if index == 1 else "f. maps"
            head = (f"{name}: {kind}", f"{channels}@{size_text(*size)}")
            operation = (words[layer.name[0]], *layer.operation[:1])
        narrow, narrow_operation = head, operation
        if index and not layer.is_column:
            narrow = (f"{name}: {channels}@", size_text(*size))
            narrow_operation = operation[1:]
        shown.append(
            replace(
                layer,
                head=head,
                name="",
                operation=operation,
                narrow=narrow,
                narrow_operation=narrow_operation,
            )
        )
    return shown
