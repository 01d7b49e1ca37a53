"""``convlab render architecture``: the classical drawing of a network."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import click
from convlab_cli import options

if TYPE_CHECKING:
    from convlab.models import Network
    from convlab.viz import DrawnLayer, Skip


@click.command()
@click.argument("network", metavar="MODEL|RUN|SPEC.toml")
@options.picture("architecture.png")
def command(network, picture):
    """A network as in papers: its maps as stacked planes, windows with rays, dense columns.

    Sides are drawn to a square-root scale, so that 5 pixels are seen beside 28.  Of branches
    the longest is drawn, the others lead around it as lines.  Where there is too little room
    blocks and stages are folded, and the second line says what is not drawn.
    """
    from convlab import viz
    from convlab.models import summarise

    network, _ = options.network_of(network, weights=False)
    layers = drawn_layers(network)
    rows = summarise(network)
    total = sum(row.parameters for row in rows)
    title = f"Architecture of {network.name}"
    figure = viz.architecture(
        layers,
        title=title,
        subtitle=f"{total:,} parameters",
        unsaid=_in_words(network),
        **picture.look,
    )
    described = ", ".join(
        " ".join(part for part in (layer.name, *layer.head, *map(_around, layer.skips)) if part)
        for layer in layers
    )
    picture.save(
        figure,
        title,
        f"{title}: {described}; {total:,} parameters.",
        parameters={"network": network.name},
        inputs={"input_shape": network.input_shape},
        weights={},
        result={
            "parameters": total,
            "layers": [
                {
                    "layer": row.name,
                    "type": row.kind,
                    "reads": network.sources()[row.name],
                    "output_shape": row.output_shape,
                    "parameters": row.parameters,
                    **({} if row.window is None else row.window._asdict()),
                }
                for row in rows
            ],
        },
    )


def _around(skip: Skip) -> str:
    return f"(with a path from {skip.source}: {skip.label})"


def drawn_layers(network: Network) -> list[DrawnLayer]:
    """What ``viz.architecture`` draws of a network: its input and each layer with a new size.

    Activations, dropout and the like stand as notes below the layer before them.  Of
    a network with branches the longest way is drawn as volumes, what leads around
    them as paths; each place where they meet is a volume of its own.
    Networks whose layers are all called C1, S2 ... as by LeCun et al. 1998 get
    the words of that paper's figure 2.
    """
    from convlab.models import INPUT, summarise
    from convlab.viz import DrawnLayer

    shape = network.input_shape
    modules = dict(network.named_children())
    rows = {row.name: row for row in summarise(network)}
    sources, notes = _own_sources(network)
    published = all(re.fullmatch(r"[csf]\d+|output", name) for name in sources)
    way = _longest_way(sources)
    paths = _paths(sources, way, rows, modules)
    layers = [
        DrawnLayer(shape, (_size(shape),), INPUT, notes=tuple(notes[INPUT]), narrow=_narrow(shape))
    ]
    for name in way:
        row = rows[name]
        head = (_size(row.output_shape),)
        if name == way[-1] and len(row.output_shape) == 1:
            head = (f"{row.output_shape[0]:,} classes",)
        unit, window = _window(row, modules[name], len(layers))
        operation = _operation(row, modules[name])
        layers.append(
            DrawnLayer(
                row.output_shape,
                head,
                name,
                row.parameters,
                notes=() if published else tuple(notes[name]),
                operation=operation,
                unit=unit,
                window=window,
                narrow=_narrow(row.output_shape),
                skips=paths.get(name, ()),
                kind=_kind(row),
                brief=tuple(line for line in operation if not line.startswith("padding")),
            )
        )
    return _as_published(layers) if published else layers


def _is_own(row) -> bool:
    """Whether a layer is drawn as a volume, not as a note below the one before it."""
    return row.family == "join" or row.family in _KINDS


_KINDS = {
    "convolution": "conv",
    "transposed convolution": "conv",
    "pooling": "pool",
    "dense": "dense",
    "distance": "dense",
    "placement": "placement",
}


def _kind(row) -> str:
    return row.layer.words if row.family == "join" else _KINDS[row.family]


def _own_sources(network) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """For each layer with a volume the volumes that it reads; and each volume's notes."""
    from convlab.models import INPUT, summarise

    modules, read = dict(network.named_children()), network.sources()
    readers = [source for names in read.values() for source in names]
    volume = {INPUT: INPUT}
    sources: dict[str, list[str]] = {}
    notes: dict[str, list[str]] = {INPUT: []}
    for row in summarise(network):
        module, before = modules[row.name], read[row.name]
        if _is_own(row):
            volume[row.name] = row.name
            sources[row.name], notes[row.name] = [volume[source] for source in before], []
            continue
        volume[row.name] = volume[before[0]]
        if row.family != "reshape":
            note = f"dropout {module.p:g}" if row.family == "dropout" else row.kind
            note += " on one path" if readers.count(before[0]) > 1 else ""
            notes[volume[row.name]].append(note)
    return sources, notes


def _longest_way(sources: dict[str, list[str]]) -> list[str]:
    """The volumes on the longest way from the input to the last one."""
    if not sources:
        return []
    depth = {source: 0 for names in sources.values() for source in names}
    before = {}
    for name, read in sources.items():
        # Of ways of one length the one that is said last.
        before[name] = max(reversed(read), key=lambda source: depth[source])
        depth[name] = depth[before[name]] + 1
    way = [list(sources)[-1]]
    while before[way[-1]] in sources:
        way.append(before[way[-1]])
    return way[::-1]


def _paths(sources, way, rows, modules) -> dict[str, tuple[Skip, ...]]:
    """For each volume on ``way`` the paths around others that end there."""
    from convlab.viz import Skip

    paths: dict[str, list[Skip]] = {}
    previous = dict(zip(way, ["input", *way], strict=False))
    counted: set[str] = set()
    for name in way:
        others = list(sources[name])
        others.remove(previous[name])
        for source in others:
            inner, stack = [], [source]
            while stack:  # what is not on the way, back to where it leaves it
                at = stack.pop()
                if at in sources and at not in way and at not in inner:
                    inner.append(at)
                    stack += sources[at]
            inner.sort(key=list(sources).index)
            starts = dict.fromkeys(
                start for at in inner for start in sources[at] if start not in inner
            )
            label = "identity" if _kind(rows[name]) == "sum" else "copy"
            if inner and all(len(sources[at]) == 1 for at in inner):
                label = " → ".join(
                    ", ".join(
                        line
                        for line in _operation(rows[at], modules[at])
                        if not line.startswith("padding")
                    )
                    for at in inner
                )
            elif inner:
                label = f"{len(inner)} layers"
            parameters = sum(rows[at].parameters for at in inner if at not in counted)
            counted.update(inner)
            for start in starts or [source]:
                paths.setdefault(name, []).append(Skip(start, label, parameters))
                parameters = 0
    return {name: tuple(skips) for name, skips in paths.items()}


def _in_words(network: Network) -> str:
    """After which layers activations and the like stand: ReLU after every convolution."""
    from convlab.models import summarise

    sources, notes = _own_sources(network)
    kinds = {row.name: _kind(row) for row in summarise(network) if _is_own(row)}
    phrases = []
    for note in dict.fromkeys(text for texts in notes.values() for text in texts):
        places = []
        for kind, (one, several) in _WORDS.items():
            every = [name for name in sources if kinds[name] == kind]
            noted = [name for name in every if note in notes[name]]
            if noted and noted == every and len(every) > 1:
                places.append(f"every {one}")
            elif noted and len(", ".join(noted)) < 24:
                places += noted
            elif noted:
                places.append(f"{len(noted)} of {len(every)} {several}")
        if note in notes["input"]:
            places.append("the input")
        text = " and ".join(filter(None, [", ".join(places[:-1]), places[-1]]))
        phrases.append(f"{note} after {text}")
    return ", ".join(phrases)


_WORDS = {
    "conv": ("convolution", "convolutions"),
    "pool": ("pooling", "poolings"),
    "sum": ("sum", "sums"),
    "concatenation": ("concatenation", "concatenations"),
    "dense": ("dense layer", "dense layers"),
    "placement": ("placement", "placements"),
}


def _size(shape: tuple[int, ...]) -> str:
    from convlab.shapes import size_text

    return size_text(*shape[1:], shape[0]) if len(shape) == 3 else f"{shape[0]:,}"


def _narrow(shape: tuple[int, ...]) -> tuple[str, ...]:
    """The size of maps on two lines, () for units."""
    return (_size(shape).rpartition(" ×")[0], f"× {shape[0]}") if len(shape) == 3 else ()


def _noted(layer: DrawnLayer, note: str) -> DrawnLayer:
    from dataclasses import replace

    return replace(layer, notes=(*layer.notes, note))


def _window(row, module, number: int):
    """A unit of a layer's maps and the window that it reads; (None, None): it reads all.

    The places alternate, so that a map's window does not lie on the unit that is reached.
    """
    from convlab.shapes import ReceptiveField

    alone = ReceptiveField(), ReceptiveField()
    # A join reads each map at the unit's own place.
    fields = alone if row.family == "join" else module.field_of(alone, row.input_shape)
    if len(row.output_shape) != 3 or fields is None:
        return None, None
    share = 0.68 if number % 2 else 0.27
    unit, spans = [], []
    for field, pixels, units in zip(fields, row.input_shape[1:], row.output_shape[1:], strict=True):
        # The nearest unit whose window hangs over no border and is not empty, where there is one.
        inside = [u for u in range(units) if 0 <= field.span(u)[0] < field.span(u)[1] <= pixels]
        unit.append(min(inside or range(units), key=lambda u: abs(u - share * (units - 1))))
        spans.append(field.span(unit[-1]))
    (top, bottom), (left, right) = spans
    return tuple(unit), (top, left, bottom, right)


def _operation(row, module) -> tuple[str, ...]:
    """What leads to a layer, in a line or two."""
    from convlab.shapes import size_text

    if row.family in ("join", "dense"):
        return (_kind(row),)
    if row.family == "distance":
        return ("distances",)
    if row.family == "placement":
        return (module.short,)
    if row.family == "pooling":
        word = {"maximum": "max", "mean": "average"}.get(module.reduction, module.reduction)
        if module.adaptive:
            whole = math.prod(row.output_shape[1:]) == 1
            return ("global", word) if whole else (word, f"to {size_text(*row.output_shape[1:])}")
        text = f"{word} {size_text(*row.window.kernel)}"
        return (text, *_settings(row.window, usual=row.window.kernel))
    if row.family == "transposed convolution":
        return ("transposed", size_text(*module.kernel_size), *_settings(module))
    text = size_text(*row.window.kernel)
    groups = module.groups
    if groups == row.input_shape[0] and groups > 1:
        text += " depthwise"
    elif groups > 1:
        text += f" in {groups} groups"
    return (text, *_settings(row.window))


def _settings(window, usual: tuple[int, int] = (1, 1)) -> list[str]:
    """Stride, padding and dilation that are not the usual ones, a line each."""
    top, bottom, left, right = window.padding
    if (top, left) == (bottom, right):
        padding = _pair((top, left))
    else:
        padding = f"{top},{bottom},{left},{right}"
    lines = []
    if tuple(window.stride) != tuple(usual):
        lines.append(f"stride {_pair(window.stride)}")
    if any(window.padding):
        lines.append(f"padding {padding}")
    if tuple(window.dilation) != (1, 1):
        lines.append(f"dilation {_pair(window.dilation)}")
    return lines


def _pair(values) -> str:
    from convlab.shapes import size_text

    return str(values[0]) if values[0] == values[1] else size_text(*values)


def _as_published(layers: list[DrawnLayer]) -> list[DrawnLayer]:
    """The words of figure 2 of LeCun et al. 1998, and the sizes as it writes them."""
    from dataclasses import replace

    from convlab.shapes import size_text

    words = {"c": "Convolutions", "s": "Subsampling", "f": "Full connection"}
    shown = []
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
