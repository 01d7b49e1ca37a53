"""What the drawing of a network says about its layers, and how it folds them if there are many."""

from __future__ import annotations

import itertools
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from convlab.words import joined, t

Pair = tuple[int, int]

ELLIPSIS = "\u2026"


@dataclass(frozen=True)
class Skip:
    """A path around layers: from the layer called ``source`` to the one that holds it.

    label: what is in it, or what it is called.  parameters: of the layers in it.
    """

    source: str
    label: str
    parameters: int = 0

    @property
    def text(self) -> str:
        """The label, with the parameters if there are any."""
        number = t(", {parameters:,} parameters", self.parameters) if self.parameters else ""
        return f"{self.label}{number}"


@dataclass(frozen=True)
class DrawnLayer:
    """One layer of the drawing, and how it follows from the one to its left.

    shape: (C, H, W) for maps, (N,) for a column of units.  head: lines above it,
    such as its size.  name: goes below it, above its number of ``parameters``
    (None: no line) and the quiet lines of ``notes``.  operation: lines below the
    rays that lead to it.  ``narrow`` and ``narrow_operation`` say the same as head
    and operation in less width, for small canvases.  unit: (row, column) of the
    unit that the rays reach; window: (top, left, bottom, right), half-open, in
    pixels of the layer to the left: what that unit reads; both are None if a unit
    reads everything.  skips: other paths that end here.

    What folding needs: kind ("conv", "pool", "sum", "concatenation" or "dense") and brief, the
    operation as a list says it, without its padding.
    """

    shape: tuple[int, ...]
    head: tuple[str, ...]
    name: str = ""
    parameters: int | None = None
    notes: tuple[str, ...] = ()
    operation: tuple[str, ...] = ()
    unit: Pair | None = None
    window: tuple[int, int, int, int] | None = None
    narrow: tuple[str, ...] = ()
    narrow_operation: tuple[str, ...] = ()
    skips: tuple[Skip, ...] = ()
    kind: str = ""
    brief: tuple[str, ...] = ()

    @property
    def is_column(self) -> bool:
        """Whether it is drawn as single units: one number per map has no sides."""
        return bool(self.shape) and math.prod(self.shape[1:]) == 1


@dataclass(frozen=True)
class ShownLayer(DrawnLayer):
    """What is drawn for a layer, or for several folded into one; without a shape, for a gap.

    count: how many layers it stands for; each: how many of them come in a row ``repeats`` times;
    inside: their names; run: the names of the equal
    blocks or layers.  Without ``named`` nothing is written below it; ``short``: its operation
    leaves out some of what is folded.
    """

    count: int = 1
    each: int = 1
    inside: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    named: bool = True
    short: bool = False

    @property
    def repeats(self) -> int:
        """How many times in a row what is written at the layer comes."""
        return self.count // self.each

    @property
    def folded(self) -> bool:
        """Whether it is a block or a stage."""
        return self.kind in ("block", "stage")

    @property
    def below(self) -> list[tuple[str, bool]]:
        """Lines below the drawing, and whether each is bold."""
        if not self.named:
            return []
        lines = [(self.name, True)] if self.name else []
        if self.parameters is not None:
            lines.append((f"{self.parameters:,}", False))
        return lines + [(note, False) for note in self.notes]


def foldings(layers: Sequence[DrawnLayer]) -> Iterator[tuple[list[ShownLayer], float]]:
    """What may be drawn of a network, from all layers down to three in a few words.

    Each comes with the smallest size of its volumes, as a share of the wanted size.
    """
    whole = [ShownLayer(**vars(layer)) for layer in layers]
    yield whole, 1.0
    units = _units(whole)
    if len(units) < len(whole):
        yield units, 1.0
    if len(units) < len(whole) and _nested(units):
        # As in U-Net: small in a row is better than all in one block.
        yield [_plain(layer) for layer in units], 0.3
    yield _blocks(units), 1.0
    stages = _stages(units)
    yield stages, 1.0
    short = [_short(layer) for layer in stages]
    yield short, 1.0
    yield [replace(layer, named=False) for layer in short], 0.5
    for kept in range(len(stages) - 1, 2, -1):
        yield _elided(stages, kept), 1.0
    yield [_clipped(layer) for layer in _elided(stages, min(3, len(stages)))], 0.0


def details(layers: list[ShownLayer]) -> list[tuple[list[ShownLayer], bool, float]]:
    """The layers with more and with fewer words, if these have the notes, and what they are worth.

    Folded layers have no notes.
    """
    bare = [replace(layer, notes=()) for layer in layers]
    found = [(bare, False, 0.8), (_narrow(bare), False, 0.75)]
    if any(layer.folded for layer in layers):
        return found
    return [(layers, True, 1.0), (_narrow(layers), True, 0.95), *found]


def second_line(
    layers: list[ShownLayer],
    noted: bool,
    *,
    subtitle: str,
    unsaid: tuple[str, str],
    settings: set[str],
) -> tuple[str, str, str]:
    """The second line of the drawing, ``subtitle`` and what is not drawn, in full and shorter.

    The shortest names what is not drawn without the places where it is.

    unsaid: the words for all notes, in case they are not drawn (``noted``), with and without their
    places.  settings: the first words of the lines of all operations, such as "stride" and
    "padding".
    """
    missing: list[str] = []
    folded = any(layer.folded for layer in layers)
    if folded:
        short = any(layer.short for layer in layers)
        left_out = (t("stride"), t("padding")) if short else (t("padding"),)
        missing = [word for word in left_out if word in settings]
    kinds = list(missing)
    if any(unsaid) and (folded or not noted):
        missing.append(unsaid[0])
        kinds.append(unsaid[1])
    counted = any(layer.parameters is not None and layer.named for layer in layers)
    own = t(", each layer's own below it") if subtitle and counted else ""
    said, shorter = (
        ("; " if subtitle else "") + t("not drawn: {listed}", joined(words)) if words else ""
        for words in (missing, kinds)
    )
    return subtitle + own + said, subtitle + said, subtitle + shorter


# --- rows and paths -------------------------------------------------------------------------


@dataclass(frozen=True)
class Arc:
    """A path around layers: its start and end in a row, and how many others it lies above."""

    start: int
    end: int
    lane: int
    skip: Skip


def arcs(row: Sequence[DrawnLayer]) -> list[Arc]:
    """The paths around layers of a row, the longer above the shorter."""
    number = {layer.name: at for at, layer in enumerate(row)}
    found = [
        (number[skip.source], at, skip)
        for at, layer in enumerate(row)
        for skip in layer.skips
        if skip.source in number
    ]
    placed: list[Arc] = []
    for start, end, skip in sorted(found, key=lambda arc: (arc[1] - arc[0], arc[0])):
        below = [arc.lane for arc in placed if arc.start < end and start < arc.end]
        placed.append(Arc(start, end, max(below, default=-1) + 1, skip))
    return placed


def parted(layers: list[ShownLayer], count: int) -> list[list[ShownLayer]] | None:
    """The layers in ``count`` rows, each beginning with the last one of the row before.

    None if paths around layers leave no place to split them.
    """
    paths = arcs(layers)
    last = len(layers) - 1
    free = [at for at in range(1, last) if not any(arc.start < at < arc.end for arc in paths)]
    breaks = [0]
    for number in range(1, count):
        wished = number * last / count
        later = [at for at in free if at > breaks[-1]]
        if not later:
            return None
        breaks.append(min(later, key=lambda at: abs(at - wished)))
    return [layers[start : end + 1] for start, end in itertools.pairwise([*breaks, last])]


def _nested(layers: list[ShownLayer]) -> bool:
    """Whether a path goes around another."""
    paths = [(arc.start, arc.end) for arc in arcs(layers)]
    return any(a < c and d < b for a, b in paths for c, d in paths)


# --- blocks and stages ------------------------------------------------------------------------


def _units(layers: list[ShownLayer]) -> list[ShownLayer]:
    """Merge neighbours that are parts of one module by their names: down1.conv1 and down1.conv2.

    A module in which paths lead to several layers is left to ``_blocks``.
    """
    found = []
    # Layers without names, as in published drawings, are parts of nothing.
    for unit, group in itertools.groupby(layers, lambda layer: _unit_of(layer.name) or id(layer)):
        members = list(group)
        several = len(members) > 1 and sum(bool(layer.skips) for layer in members) < 2
        found += [replace(_block(members), name=str(unit))] if several else members
    return _leading_to(found)


def _unit_of(name: str) -> str:
    """The first numbered module that a layer is inside, or is: features.2 for features.2.conv.0."""
    numbered = re.match(r"(.*?\d\w*)(\.|$)", name)
    return name if numbered is None else numbered[1]


def _blocks(layers: list[ShownLayer]) -> list[ShownLayer]:
    """Merge each run of layers that paths go around, and then equal neighbours."""
    number = {layer.name: at for at, layer in enumerate(layers)}
    spans: list[list[int]] = []  # first and last layer of each block
    for end, layer in enumerate(layers):
        for skip in layer.skips:
            start = number[skip.source] + 1
            while spans and spans[-1][1] >= start:
                start = min(start, spans.pop()[0])
            spans.append([start, end])
    folded, at = [], 0
    for start, end in spans:
        block = layers[start : end + 1]
        is_one = len(block) == 1 and block[0].folded
        folded += [*layers[at:start], block[0] if is_one else _block(block)]
        at = end + 1
    folded += layers[at:]
    alike = [list(group) for _, group in itertools.groupby(folded, _looks)]
    return _leading_to([_repeated(group) if len(group) > 1 else group[0] for group in alike])


def _looks(layer: ShownLayer) -> tuple:
    """What equal neighbours have in common; a layer without words equals nothing."""
    labels = [skip.label for skip in layer.skips]
    return layer.shape, layer.operation, layer.notes, labels, not layer.brief and layer.name


def _repeated(layers: list[ShownLayer]) -> ShownLayer:
    run = tuple(layer.name for layer in layers)
    one = _as_one(layers[0], layers, name=_span(run), run=run)
    return replace(one, operation=(t("{repeats} times", one.repeats), *one.operation))


def _as_one(like: ShownLayer, layers: list[ShownLayer], **more) -> ShownLayer:
    """One layer for several, otherwise as ``like``: with all their parameters and no window."""
    inside = tuple(name for layer in layers for name in (*layer.inside, layer.name))
    count = sum(layer.count for layer in layers)
    more = {"parameters": sum(layer.parameters or 0 for layer in layers)} | more
    return replace(like, unit=None, window=None, inside=inside, count=count, **more)


def _leading_to(folded: list[ShownLayer]) -> list[ShownLayer]:
    """The layers, with each path starting at what its first layer is folded into."""
    owner = {name: layer.name for layer in folded for name in (*layer.inside, layer.name)}

    def moved(skip: Skip) -> Skip:
        return replace(skip, source=owner[skip.source])

    return [replace(layer, skips=tuple(map(moved, layer.skips))) for layer in folded]


def _span(run: Sequence[str]) -> str:
    """conv1_1 and conv1_2 as conv1_1–2."""
    first, last = run[0], run[-1]
    common = len(os.path.commonprefix([first, last]))
    while common and first[common - 1].isdigit():
        common -= 1
    return first if first == last else f"{first}–{last[common:]}"


def _block(layers: list[ShownLayer]) -> ShownLayer:
    """Layers and the paths around them as one; paths from inside it are counted."""
    inside = {layer.name for layer in layers}
    skips = [skip for layer in layers for skip in layer.skips]
    outer = [skip for skip in skips if skip.source not in inside]
    lines: list[str] = []
    brief: list[str] = []
    for layer in layers:
        if layer.folded:
            brief += layer.brief
            lines += layer.operation
        elif layer.kind == "concatenation":
            brief.append("concat")
            lines.append(brief[-1])
        elif layer.kind != "sum":
            first, *settings = layer.brief
            brief.append(f"{first}, {layer.shape[0]}")
            lines += [brief[-1], *settings]
    within = [skip.label for skip in skips if skip.source in inside]
    if within:
        several = t("{value} paths inside", len(within))
        lines.append(several if within[1:] else t("beside {path}", within[0]))
    name = os.path.commonprefix([layer.name for layer in layers]).rstrip("_.")
    parameters = sum(layer.parameters or 0 for layer in layers)
    plus = "+ " if layers[-1].kind == "sum" else ""
    return _as_one(
        layers[-1],
        layers,
        name=name if len(name) > 2 else layers[-1].name,
        parameters=parameters + sum(skip.parameters for skip in skips),
        notes=(),
        operation=tuple(lines),
        narrow_operation=(),
        skips=tuple(replace(skip, label=f"{plus}{skip.label}", parameters=0) for skip in outer),
        kind="block",
        brief=tuple(brief),
        each=sum(layer.count for layer in layers),
    )


def _stages(layers: list[ShownLayer]) -> list[ShownLayer]:
    """Merge layers with equally many maps, up to a pooling; blocks and layers become a list."""
    shown = _blocks(layers)
    groups = [[layer] for layer in shown[:2]]
    for layer in shown[2:]:
        before = groups[-1][-1]
        alike = before.shape[0] == layer.shape[0] and before.kind != "pool"
        alike = alike and (before.kind == "block") == (layer.kind == "block")
        # Dense blocks: what is concatenated grows.
        grows = before.kind == layer.kind == "block" and before.brief == layer.brief
        alike = alike or (grows and before.shape[1:] == layer.shape[1:])
        if alike and not layer.is_column and not before.is_column:
            groups[-1].append(layer)
        else:
            groups.append([layer])
    found = []
    for group in groups:
        others = {name for one in shown if one not in group for name in (one.name, *one.inside)}
        found.append(_stage(group, others) if len(group) > 1 else group[0])
    return _leading_to(found)


def _common(layers: list[ShownLayer]) -> tuple[Skip, ...]:
    """The paths around the first of some layers; one stands for all if others have more or less."""
    skips = layers[0].skips
    return skips if len({len(layer.skips) for layer in layers}) == 1 else skips[:1]


def _kind_of_stage(layer: ShownLayer) -> tuple[str, tuple[str, ...]]:
    """What layers have in common that are one line, or one list, of a stage."""
    if layer.kind != "block":
        return layer.kind, layer.brief
    return layer.kind, tuple(text.partition(",")[0] for text in layer.brief)


def _stage(layers: list[ShownLayer], others: set[str]) -> ShownLayer:
    """Layers as one, called after the module that holds them and none of the ``others``."""
    lines: list[str] = []
    short: list[str] = []
    for (kind, kinds), group in itertools.groupby(layers, _kind_of_stage):
        alike = list(group)
        times, brief = sum(layer.repeats for layer in alike), alike[0].brief
        if kind == "block":
            brief = brief if len({layer.brief for layer in alike}) == 1 else kinds
            lines += [t("{times} blocks of", times), *brief] if times > 1 else brief
            short.append(t("{times} blocks", times) if times > 1 else t("block"))
        else:
            word = f"{kind} " if kind == "conv" else ""
            short.append(f"{f'{times} ' if times > 1 else ''}{word}{brief[0]}")
            lines += [short[-1], *brief[1:]]
    labels = {skip.label for layer in layers for skip in layer.skips}
    label = labels.pop() if len(labels) == 1 else t("+ shortcuts")
    run = [name for layer in layers for name in layer.run or (layer.name,)]
    module = os.path.commonprefix(run).rpartition(".")[0]
    alone = module and not any(name.startswith(f"{module}.") for name in others)
    return _as_one(
        layers[-1],
        layers,
        name=module if alone else _span(run),
        notes=(),
        operation=tuple(lines),
        narrow_operation=(),
        skips=tuple(replace(skip, label=label) for skip in _common(layers)),
        kind="stage",
        brief=tuple(short),
    )


# --- fewer words --------------------------------------------------------------------------------


def _narrow(layers: list[ShownLayer]) -> list[ShownLayer]:
    def narrow(layer: ShownLayer) -> ShownLayer:
        operation = layer.narrow_operation or layer.operation
        return replace(layer, head=layer.narrow or layer.head, operation=operation)

    return [narrow(layer) for layer in layers]


def _plain(layer: ShownLayer) -> ShownLayer:
    """A folded layer whose operations go without their numbers of maps."""
    return replace(layer, operation=_kind_of_stage(layer)[1], short=True) if layer.folded else layer


def _short(layer: ShownLayer) -> ShownLayer:
    """A folded layer in a few words, without the paths around it."""
    if not layer.folded:
        return layer
    paths, several = len(layer.skips), layer.repeats > 1
    operation = layer.brief
    if layer.kind == "block" and (several or paths or len(layer.brief) > 2):
        operation = (t("{repeats} blocks", layer.repeats) if several else t("block"),)
    if paths > 1:
        operation += (t("of {value} paths", paths + 1),)
    elif paths:
        operation += (
            t("with shortcuts") if several or layer.kind == "stage" else t("with shortcut"),
        )
    return replace(layer, operation=operation, skips=(), short=True)


def _clipped(layer: ShownLayer) -> ShownLayer:
    """The layer with texts that always fit: long ones lose their middle."""

    def clipped(text: str) -> str:
        return text if len(text) < 10 else f"{text[:4]}{ELLIPSIS}{text[-4:]}"

    # A size without its middle would be a different size.
    return replace(
        layer,
        head=layer.narrow or layer.head,
        name=clipped(layer.name),
        notes=(),
        operation=tuple(map(clipped, layer.narrow_operation or layer.operation)),
        narrow_operation=(),
        skips=(),
    )


def _elided(layers: list[ShownLayer], kept: int) -> list[ShownLayer]:
    """The first and the last layers, ``kept`` in all, around one that counts the others."""
    if kept == len(layers):
        return layers
    head = (kept + 1) // 2
    first, between, last = layers[:head], layers[head : head - kept], layers[head - kept :]
    left_out = sum(layer.count for layer in between)
    words = t("layer") if left_out == 1 else t("layers")
    gap = ShownLayer((), (t("… {left_out}", left_out), words + " …"))
    return [*first, gap, replace(last[0], unit=None, window=None), *last[1:]]
