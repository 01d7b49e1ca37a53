"""The sum behind one value as lines of text, each kind of layer in its own form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convlab import numerals
from convlab.insight.explain import (
    BranchSum,
    ConvolutionSum,
    DenseSum,
    Distance,
    Explanation,
    Number,
    Pointwise,
    Pooling,
    SoftmaxShare,
)
from convlab.insight.number_lines import (
    NARROWEST,
    WIDEST,
    Grid,
    at_point,
    common_places,
    result_line,
    signed,
    sum_lines,
    term_lines,
    total_line,
)
from convlab.insight.sum_words import (
    cell_text,
    check_words,
    map_name,
    passes_on,
    source_name,
    unit_name,
    value_text,
    what_text,
)
from convlab.models import Network
from convlab.names import padded, shortened
from convlab.numerals import ALMOST, MINUS
from convlab.terminal import WIDTH, Line, Span, quiet, side_by_side, wrapped

TERMS = 10  # strongest terms shown of either sign
ENDS = 3  # maps shown before and after those left out
TALLEST = 40  # rows of a pooling's window


@dataclass(frozen=True, eq=False)
class _Asked:
    """The network that is explained, its classes, and whether all terms are wanted."""

    network: Network
    classes: Sequence[str]
    complete: bool


def explanation_lines(
    one: Explanation, network: Network, classes: Sequence[str], complete: bool = False
) -> Iterator[Line]:
    """An explanation in full, with all its terms if ``complete``, and whether it agrees."""
    asked = _Asked(network, classes, complete)
    yield (Span(unit_name(one, network, classes), "output", bold=True),)
    yield from _LINES[type(one)](one, asked)
    if one.after is not None:
        layer, _, value = one.after
        yield f"then {layer}: ", Span(value_text(value), "output")
    if not passes_on(one):
        yield ""
        yield from _check_lines(one, network.device)


def _check_lines(one: Explanation, device: str) -> Iterator[Line]:
    order = one.order + ("; as the CPU's loop does" if device == "cuda" else "")
    check = check_words(one, device)
    yield from wrapped(f"Added up again ({order}): {value_text(one.recomputed)}, {check}.")
    if isinstance(one, ConvolutionSum | DenseSum | Distance | SoftmaxShare):
        moved = numerals.number(abs(one.exact - float(one.value)), 2)
        yield from wrapped(
            f"Without rounding it is {numerals.number(one.exact, 12)}: float32 moved it by {moved}."
        )


def _what_lines(one: Explanation, note: str = "") -> Iterator[Line]:
    yield from wrapped(what_text(one) + note)
    yield ""


def left_out(count: int, complete: bool) -> range:
    """Which of ``count`` parts of a sum are not shown individually."""
    return range(0) if complete or count <= 2 * ENDS else range(ENDS, count - ENDS)


# --- windows ----------------------------------------------------------------------------


def _convolution_lines(one: ConvolutionSum, asked: _Asked) -> Iterator[Line]:
    """Map by map the patch, the kernel and their products, then what they add up to."""
    yield from _what_lines(one)
    sums = one.map_sums
    places = common_places([*sums, one.bias or 0.0, one.value])
    hidden = left_out(len(sums), asked.complete)
    shown = [i for i in range(len(sums)) if i not in hidden]
    if one.patch.shape[1:] == (1, 1):
        values, weights = one.patch[:, 0, 0], one.kernel[:, 0, 0]
        rows = [
            (
                map_name(one, one.maps[i], asked.network),
                float(values[i]),
                float(weights[i]),
                float(sums[i]),
            )
            for i in shown
        ]
        heads = f"map of {source_name(one.before)}", "value", "weight", "product"
        yield from term_lines(heads, rows, places)
    else:
        for i in shown:
            adds = f"adds {signed(sums[i], places)}"
            yield map_name(one, one.maps[i], asked.network).ljust(WIDTH - len(adds)) + adds
            yield from _product_lines(one, i)
    if hidden:
        total = signed(sum(sums[i] for i in hidden), places)
        yield f"… {len(hidden)} maps left out (--all prints them) add {total} …"
    transposed, repeats = one.padding_mode == "transposed", _repeats(one)
    if one.outside.any():
        said = "no input there" if transposed else "padding: 0"
        yield quiet(f"' padding: {one.padding_mode}" if repeats else f"· {said}")
    yield ""
    count = f"sum over {len(sums)} map{'s' if len(sums) > 1 else ''}"
    yield from sum_lines(one, [(count, sums.sum())], one.bias)


def _repeats(one: ConvolutionSum) -> bool:
    """Whether the padding has numbers of the map."""
    return one.padding_mode not in ("zeros", "transposed")


def _product_lines(one: ConvolutionSum, number: int) -> Iterator[Line]:
    """Patch × kernel = products for one map, side by side or one below the other."""
    _, height, width = one.patch.shape
    cell = min(31 // width - 1, WIDEST)
    beside = cell > NARROWEST
    if not beside:
        cell = _cell_width(width, WIDEST)
    if cell < NARROWEST:
        yield quiet(f"  {height} × {width} numbers, too many for {WIDTH} columns; see --json")
        return
    marks = {(int(r), int(c)): "'" for r, c in np.argwhere(one.outside)} if _repeats(one) else {}
    dots = None if _repeats(one) else one.outside
    grids = (
        Grid(one.patch[number], cell, "input", marks, dots),
        Grid(one.kernel[number], cell, "window"),
        Grid(one.products[number], cell, dots=dots),
    )
    patch, kernel, _ = (f"{ALMOST} " * grid.is_rounded for grid in grids)
    equal = ALMOST if any(grid.is_rounded for grid in grids) else "="
    heads = [
        Span(name, grid.role, bold=True)
        for name, grid in zip(
            (f"{patch}patch", f"× {kernel}kernel", f"{equal} products"), grids, strict=True
        )
    ]
    if beside:
        room = width * (cell + 1) + 2
        gaps = [" " * (room - len(head.text)) for head in heads]
        yield "  ", heads[0], gaps[0], heads[1], gaps[1], heads[2]
        blocks = [grid.lines() for grid in grids]
        yield from side_by_side(blocks, [" × ", f" {equal} "], (height - 1) // 2)
        return
    for head, grid in zip(heads, grids, strict=True):
        yield "  ", head
        for line in grid.lines():
            yield "  ", *line


def _cell_width(count: int, widest: int) -> int:
    """The characters for a number when ``count`` of them share a line."""
    return min((WIDTH - 1) // count - 1, widest)


def _pooling_lines(one: Pooling, asked: _Asked) -> Iterator[Line]:
    """The window, and the result for it."""
    height, width = one.patch.shape
    yield from _what_lines(one)
    marks = {one.winner: "*"} if one.winner else {}
    grid = Grid(one.patch, _cell_width(width, 12), "input", marks, one.outside)
    if grid.width < NARROWEST + bool(marks) or (height > TALLEST and not asked.complete):
        yield quiet(f"  {height} × {width} numbers; see --json")
    else:
        if grid.is_rounded:
            yield quiet(f"  {ALMOST} rounded to what fits; --json has all digits")
        for line in grid.lines():
            yield "  ", *line
    if one.outside.any():
        yield quiet(f"· padding: {f'{MINUS}∞' if one.reduction == 'maximum' else '0'}")
    yield ""
    if one.reduction == "maximum":
        if one.strongest is not None:
            row, column = one.strongest.place[1:]
            yield total_line(
                f"* largest, row {row}, column {column}", value_text(one.strongest.value)
            )
        yield total_line(f"= {one.layer}", value_text(one.value), "output", bold=True)
        return
    places = common_places([one.total, one.value])
    parts = [("", signed(one.total, places), f"sum of {int((~one.outside).sum())} cells", "")]
    if one.reduction == "mean" and one.divisor is not None:
        parts.append(("÷", value_text(one.divisor), "÷ divisor", "window"))
    elif one.coefficient is not None and one.bias is not None:
        parts.append(("×", value_text(one.coefficient), "× coefficient", "window"))
        parts.append(("+", signed(one.bias, places), "+ bias", "bias"))
    for _, text, label, role in parts:
        yield total_line(label, text, role)
    yield result_line(one, [part[:2] for part in parts])


# --- vectors ----------------------------------------------------------------------------


def _dense_lines(one: DenseSum, asked: _Asked) -> Iterator[Line]:
    kind = f"the {TERMS} largest and the {TERMS} smallest products"
    ends = np.r_[:TERMS, -TERMS:0]
    heads = "value", "weight", "product"
    return _vector_lines(one, asked, one.weights, one.products, heads, kind, ends, one.bias)


def _distance_lines(one: Distance, asked: _Asked) -> Iterator[Line]:
    kind, ends = f"the {TERMS} largest squares", np.arange(TERMS)
    heads = "value", "centre", f"(value {MINUS} centre)²"
    return _vector_lines(one, asked, one.centre, one.squares, heads, kind, ends)


def _vector_lines(
    one: DenseSum | Distance,
    asked: _Asked,
    weights: np.ndarray,
    terms: np.ndarray,
    heads: Sequence[str],
    kind: str,
    ends: np.ndarray,
    bias: Number | None = None,
) -> Iterator[Line]:
    """The terms of inputs and weights, or if many those of one ``kind``, and what they add up to.

    ``ends``: their positions when the terms are sorted, largest first.
    """
    yield from _what_lines(one)
    chosen = np.arange(terms.size)
    if not asked.complete and terms.size > 2 * TERMS:
        chosen = np.argsort(-terms, kind="stable")[ends]
        yield from wrapped(f"{kind} (--all prints all {terms.size}):")
    places = common_places([*terms[chosen], terms.sum(), bias or 0.0, one.value])
    rows = [(f"{i}", float(one.inputs[i]), float(weights[i]), float(terms[i])) for i in chosen]
    yield from term_lines((f"unit of {source_name(one.before)}", *heads), rows, places)
    yield ""
    sums = [(f"sum of these {chosen.size}", terms[chosen].sum())]
    if chosen.size < terms.size:
        others = np.delete(terms, chosen)
        sums.append((f"+ the other {others.size}", others.sum()))
    yield from sum_lines(one, sums, bias)


def _softmax_lines(one: SoftmaxShare, asked: _Asked) -> Iterator[Line]:
    logits, exponentials = one.logits, one.exponentials
    note = f": exp(x {MINUS} largest) / sum of all; taking off the largest changes no share"
    yield from _what_lines(one, note)
    chosen = np.arange(logits.size)
    if not asked.complete and logits.size > 2 * TERMS:
        chosen = np.union1d(np.argsort(-logits, kind="stable")[: 2 * TERMS - 1], [one.index])
        yield from wrapped(
            f"the {chosen.size} largest, with this one (--all prints all {logits.size}):"
        )
    classes = asked.classes if logits.size == len(asked.classes) else None
    heads = "x", f"x {MINUS} largest", f"{ALMOST} exp", f"{ALMOST} share"
    kind = "class" if classes else "unit"
    yield quiet(f"  {kind:<22}" + "".join(f"{'':5}{head:<13}" for head in heads).rstrip())
    largest, total = float(logits.max()), exponentials.sum()
    for k in map(int, chosen):
        named = "" if classes is None or classes[k] == str(k) else f" {classes[k]}"
        numbers = (
            value_text(logits[k]),
            value_text(float(logits[k]) - largest),
            f"{exponentials[k]:.9f}",
            f"{exponentials[k] / total:.9f}",
        )
        text = padded(shortened(f"{k}{named}", 22), 22)
        text += "".join(at_point(number, 6, 12) for number in numbers).rstrip()
        own = k == one.index
        yield "  ", Span(text, "output" if own else "", bold=own)
    yield f"  {f'sum of all {logits.size}':<58}{at_point(f'{total:.9f}', 6)}"
    yield ""
    shown = [("", f"{exponentials[one.index]:.9f}"), ("÷", f"{total:.9f}")]
    yield result_line(one, shown, "exp / sum ")


# --- few numbers ------------------------------------------------------------------------


def _branch_lines(one: BranchSum, asked: _Asked) -> Iterator[Line]:
    yield from _what_lines(one)
    yield from sum_lines(one, [(cell_text(cell), cell.value) for cell in one.cells], None)


def _pointwise_lines(one: Pointwise, asked: _Asked) -> Iterator[Line]:
    yield quiet(f"  {what_text(one)}")
    value = Span(value_text(one.value), "output", bold=True)
    yield "  ", Span(value_text(one.input), "input"), " → ", value


_LINES: dict[type[Explanation], Callable[[Any, _Asked], Iterator[Line]]] = {
    ConvolutionSum: _convolution_lines,
    Pooling: _pooling_lines,
    DenseSum: _dense_lines,
    Distance: _distance_lines,
    SoftmaxShare: _softmax_lines,
    BranchSum: _branch_lines,
    Pointwise: _pointwise_lines,
}
