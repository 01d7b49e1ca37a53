"""What layers cost as lines of text: a single one line by line, several as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from convlab.insight.code_lines import code_lines
from convlab.lessons.counts import Count, LayerCount, shape_text
from convlab.lessons.relations import SizeRelation
from convlab.terminal import Block, Line, Span, Table

TOTALLED = ("parameters", "multiply_adds", "connections")


def layer_code_lines(counts: Sequence[LayerCount]) -> Iterator[Line]:
    """The layers of ``conv_layer`` or ``count_layers`` as other libraries write them."""
    for name, layer in zip(_names(counts), counts, strict=True):
        if layer.notations:
            yield ""
            yield (Span(f"{name}: {layer.text}", "output", bold=True),)
            yield from code_lines(layer.notations)


def count_lines(counts: Sequence[LayerCount]) -> list[Line | Block]:
    """The layers of ``conv_layer`` or ``count_layers`` with what they cost."""
    if len(counts) == 1:
        return list(Table(_worked_out(counts[0])).lines(None))
    names = _names(counts)
    return [
        Table(_size_rows(names, counts), spare=(3, 2)),
        "",
        Table(_count_rows(names, counts), right=range(1, 5), spare=(4, 3)),
    ]


def _worked_out(layer: LayerCount) -> list[tuple[str, str]]:
    """What is counted, and how."""
    width = max((len(str(relation)) for relation in layer.relations), default=0)
    rows = [("input", shape_text(layer.input_shape)), ("layer", layer.text)]
    for axis, relation in zip(("rows", "columns"), layer.relations, strict=False):
        number = _number(relation)
        rows.append((axis, f"{relation!s:{width}}{f'  {number}' if number else ''}"))
    rows.append(("output", shape_text(layer.output_shape)))
    if layer.per_unit is not None:
        unit = "filter" if layer.kind == "conv" else "neuron"
        rows.append((f"weights a {unit}", _text(layer.per_unit)))
        if layer.kind == "dense":
            rows.append(("weights", str(layer.dense)))
        rows.append(("parameters", str(layer.parameters)))
        rows.append(("multiply-adds", str(layer.multiply_adds)))
    if layer.connections is not None:
        rows.append(("connections", str(layer.connections)))
    if layer.kind == "conv":
        rows.append(("if it were dense", f"{layer.dense} weights"))
    return rows


def _text(count: Count) -> str:
    """A count, without its expression if that is the number itself."""
    value = f"{count.value:,}"
    return value if count.expression == value else str(count)


def _number(relation: SizeRelation) -> str:
    return "" if relation.number is None else f"relation {relation.number}"


def _names(counts: Sequence[LayerCount]) -> list[str]:
    """conv1, conv2, pool1, ..., as a summary calls them."""
    seen: Counter[str] = Counter()
    names = []
    for layer in counts:
        seen[layer.kind] += 1
        names.append(f"{layer.kind}{seen[layer.kind]}")
    return names


def _size_rows(names: Sequence[str], counts: Sequence[LayerCount]) -> list[tuple[str, ...]]:
    """The layers and their output sizes, with an extra row if those of the axes differ."""
    sized = any(layer.relations for layer in counts)
    rows: list[tuple[str, ...]] = [
        ("", "layer", "output size on each axis" if sized else "", "", "output"),
        ("input", "", "", "", shape_text(counts[0].input_shape)),
    ]
    for name, layer in zip(names, counts, strict=True):
        relations = list(dict.fromkeys(layer.relations))
        first, number = (str(relations[0]), _number(relations[0])) if relations else ("", "")
        rows.append((name, layer.text, first, number, shape_text(layer.output_shape)))
        rows += [("", "", str(other), number, "") for other in relations[1:]]
    return rows


def _count_rows(names: Sequence[str], counts: Sequence[LayerCount]) -> list[tuple[str, ...]]:
    """The counts of each layer that has any, and the totals."""
    rows: list[tuple[str, ...]] = [
        ("", "parameters", "multiply-adds", "connections", "weights if dense")
    ]
    for name, layer in zip(names, counts, strict=True):
        values = [getattr(layer, key) for key in (*TOTALLED, "dense")]
        if any(value is not None for value in values):
            parameters = "" if values[0] is None else str(values[0])
            others = ("" if value is None else f"{value.value:,}" for value in values[1:])
            rows.append((name, parameters, *others))
    totals = (
        sum(count.value for layer in counts if (count := getattr(layer, key)) is not None)
        for key in TOTALLED
    )
    rows.append(("total", *(f"{total:,}" for total in totals), ""))
    return rows
