"""The sum behind one value as lines of text, each kind of layer in its own form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convlab import numerals
from convlab.insight.code_lines import code_lines
from convlab.insight.explain import (
    BranchProduct,
    BranchSum,
    Cell,
    ConvolutionSum,
    DenseSum,
    Distance,
    Explanation,
    Number,
    Pointwise,
    Pooling,
    SoftmaxShare,
    Standardised,
)
from convlab.insight.number_lines import (
    NARROWEST,
    WIDEST,
    Grid,
    at_points,
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
from convlab.names import shortened
from convlab.numerals import ALMOST, MINUS, TIMES
from convlab.terminal import (
    Arranged,
    Block,
    Line,
    Paragraph,
    Span,
    Table,
    quiet,
    side_by_side,
)

TERMS = 3  # strongest terms of either sign, unless all are wanted
CLASSES = 10  # largest shares, likewise
ROWS = 6  # of a kernel that is shown whole, likewise
TALLEST = 40  # rows of a pooling's window


@dataclass(frozen=True, eq=False)
class _Asked:
    """The network that is explained, its classes, and whether all terms are wanted."""

    network: Network
    classes: Sequence[str]
    complete: bool


def explanation_lines(
    one: Explanation,
    network: Network,
    classes: Sequence[str],
    complete: bool = False,
    code: bool = False,
) -> Iterator[Line | Block]:
    """An explanation, with all its terms if ``complete``, and whether it agrees.

    With ``code`` the layer in other libraries' code, too.
    """
    asked = _Asked(network, classes, complete)
    yield (Span(unit_name(one, network, classes), "output", bold=True),)
    yield from _LINES[type(one)](one, asked)
    if one.after is not None:
        layer, _, value = one.after
        yield f"then {layer}: ", Span(value_text(value), "output")
    if not passes_on(one):
        yield ""
        yield from _check_lines(one, asked)
    if code:
        yield ""
        found = [(layer, shape) for name, layer, shape, _ in network.shapes() if name == one.layer]
        yield from code_lines(found[0][0].notations(found[0][1]) if found else ())


def _check_lines(one: Explanation, asked: _Asked) -> Iterator[Block]:
    device = asked.network.device
    order = one.order + ("; as the CPU's loop does" if device == "cuda" else "")
    check = f"{value_text(one.recomputed)}, {check_words(one, device)}."
    if not asked.complete:
        yield Paragraph(f"Added up again: {check}")
        return
    yield Paragraph(f"Added up again ({order}): {check}")
    if isinstance(one, ConvolutionSum | DenseSum | Distance | SoftmaxShare | Standardised):
        moved = numerals.number(abs(one.exact - float(one.value)), 2)
        exact = numerals.number(one.exact, 12)
        yield Paragraph(f"Without rounding it is {exact}: float32 moved it by {moved}.")


def _what_lines(one: Explanation, note: str = "") -> Iterator[Line | Block]:
    yield Paragraph(what_text(one) + note)
    yield ""


def strongest(sums: np.ndarray, complete: bool, most: int = 1) -> list[int]:
    """Which parts of a sum are shown individually: the ``most`` largest by size, or all."""
    count = len(sums) if complete else most
    return sorted(np.argsort(-np.abs(sums), kind="stable")[:count].tolist())


# --- windows ----------------------------------------------------------------------------


def _convolution_lines(one: ConvolutionSum, asked: _Asked) -> Iterator[Line | Block]:
    """Map by map the patch, the kernel and their products, then what they add up to."""
    yield from _what_lines(one)
    sums = one.map_sums
    yield Arranged(lambda width: _map_lines(one, asked, width))
    transposed, repeats = one.padding_mode == "transposed", _repeats(one)
    if one.outside.any():
        said = "no input there" if transposed else "padding: 0"
        yield quiet(f"' padding: {one.padding_mode}" if repeats else f"· {said}")
    yield ""
    count = f"sum over {len(sums)} map{'s' if len(sums) > 1 else ''}"
    yield from sum_lines(one, [(count, sums.sum())], one.bias)


def _map_lines(one: ConvolutionSum, asked: _Asked, width: int) -> Iterator[Line]:
    """The maps, or of many numbers those that add most, and what the others add."""
    sums, names = one.map_sums, [map_name(one, i, asked.network) for i in one.maps]
    places = common_places([*sums, one.bias or 0.0, one.value])
    _, height, columns = one.patch.shape
    shown = strongest(sums, asked.complete)
    fits = height <= ROWS and all(grid.fits for i in shown for grid in _grids_beside(one, i, width))
    if (height, columns) == (1, 1) or not (asked.complete or fits):
        yield from _strongest_lines(one, names, asked.complete, places, width)
        return
    for i in shown:
        yield f"{names[i]} adds {signed(sums[i], places)}"
        yield from _product_lines(one, i, width)
    if len(shown) < len(sums):
        total = signed(np.delete(sums, shown).sum(), places)
        rest = len(sums) - len(shown)
        maps = f"{rest} other map{'s' if rest > 1 else ''} add{'s' if rest == 1 else ''}"
        yield f"… {maps} {total} (--all prints all) …"


def _strongest_lines(
    one: ConvolutionSum, names: Sequence[str], complete: bool, places: int, width: int
) -> Iterator[Line]:
    """The products of the largest sizes, or all."""
    count, chosen = one.products.size, strongest(one.products.ravel(), complete, 2 * TERMS)
    if len(chosen) < count:
        yield from Paragraph(
            f"the {len(chosen)} products furthest from 0 (--all prints all {count:,}):"
        ).lines(width)
    rows = []
    for at in zip(*np.unravel_index(chosen, one.products.shape), strict=True):
        place = names[at[0]]
        if one.patch.shape[1:] != (1, 1):
            place = f"{one.maps[at[0]]},{one.rows[at[1]]},{one.columns[at[2]]}"
        values = (float(part[at]) for part in (one.patch, one.kernel, one.products))
        rows.append((place, *values))
    heads = f"place in {source_name(one.before)}", "value", "weight", "product"
    yield from term_lines(heads, rows, places).lines(width)


def _repeats(one: ConvolutionSum) -> bool:
    """Whether the padding has numbers of the map."""
    return one.padding_mode not in ("zeros", "transposed")


def _grids(one: ConvolutionSum, number: int, cell: int) -> tuple[Grid, Grid, Grid]:
    """Patch, kernel and products of one map, with so many characters for a number."""
    marks = {(int(r), int(c)): "'" for r, c in np.argwhere(one.outside)} if _repeats(one) else {}
    dots = None if _repeats(one) else one.outside
    return (
        Grid(one.patch[number], cell, "input", marks, dots),
        Grid(one.kernel[number], cell, "window"),
        Grid(one.products[number], cell, dots=dots),
    )


def _grids_beside(one: ConvolutionSum, number: int, room: int) -> tuple[Grid, Grid, Grid]:
    """The same with as many characters as there are if all three share a line."""
    return _grids(one, number, min((room - 5) // 3 // one.patch.shape[2] - 1, WIDEST))


def _product_lines(one: ConvolutionSum, number: int, room: int) -> Iterator[Line]:
    """Patch × kernel = products for one map, side by side or one below the other."""
    _, height, width = one.patch.shape
    grids = _grids_beside(one, number, room)
    beside = all(grid.fits for grid in grids)
    if not beside:
        grids = _grids(one, number, _cell_width(width, WIDEST, room))
    if grids[0].width < NARROWEST:
        yield quiet(f"  {height} × {width} numbers, too many for {room} columns; see --json")
        return
    patch, kernel, _ = (f"{ALMOST} " * grid.is_rounded for grid in grids)
    equal = ALMOST if any(grid.is_rounded for grid in grids) else "="
    heads = [
        Span(name, grid.role, bold=True)
        for name, grid in zip(
            (f"{patch}patch", f"× {kernel}kernel", f"{equal} products"), grids, strict=True
        )
    ]
    if beside:
        gaps = [" " * (width * (grids[0].width + 1) + 2 - len(head.text)) for head in heads]
        yield "  ", heads[0], gaps[0], heads[1], gaps[1], heads[2]
        blocks = [grid.lines() for grid in grids]
        yield from side_by_side(blocks, [" × ", f" {equal} "], (height - 1) // 2)
        return
    for head, grid in zip(heads, grids, strict=True):
        yield "  ", head
        for line in grid.lines():
            yield "  ", *line


def _cell_width(count: int, widest: int, width: int) -> int:
    """The characters for a number when ``count`` of them share a line."""
    return min((width - 1) // count - 1, widest)


def _pooling_lines(one: Pooling, asked: _Asked) -> Iterator[Line | Block]:
    """The window, and the result for it."""
    yield from _what_lines(one)
    yield Arranged(lambda width: _window_lines(one, asked, width))
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


def _window_lines(one: Pooling, asked: _Asked, room: int) -> Iterator[Line]:
    height, width = one.patch.shape
    marks = {one.winner: "*"} if one.winner else {}
    grid = Grid(one.patch, _cell_width(width, 12, room), "input", marks, one.outside)
    if not asked.complete and height > 2 * ROWS:
        yield quiet(f"  {height} × {width} numbers (--all prints them)")
    elif grid.width < NARROWEST + bool(marks) or height > TALLEST:
        yield quiet(f"  {height} × {width} numbers; see --json")
    else:
        if grid.is_rounded:
            yield quiet(f"  {ALMOST} rounded to what fits; --json has all digits")
        for line in grid.lines():
            yield "  ", *line


# --- vectors ----------------------------------------------------------------------------


def _dense_lines(one: DenseSum, asked: _Asked) -> Iterator[Line | Block]:
    kind = f"the {TERMS} largest and the {TERMS} smallest products"
    ends = np.r_[:TERMS, -TERMS:0]
    heads = "value", "weight", "product"
    return _vector_lines(one, asked, one.weights, one.products, heads, kind, ends, one.bias)


def _distance_lines(one: Distance, asked: _Asked) -> Iterator[Line | Block]:
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
) -> Iterator[Line | Block]:
    """The terms of inputs and weights, or if many those of one ``kind``, and what they add up to.

    ``ends``: their positions when the terms are sorted, largest first.
    """
    yield from _what_lines(one)
    chosen = np.arange(terms.size)
    if not asked.complete and terms.size > 2 * TERMS:
        chosen = np.argsort(-terms, kind="stable")[ends]
        yield Paragraph(f"{kind} (--all prints all {terms.size}):")
    places = common_places([*terms[chosen], terms.sum(), bias or 0.0, one.value])
    rows = [(f"{i}", float(one.inputs[i]), float(weights[i]), float(terms[i])) for i in chosen]
    yield term_lines((f"unit of {source_name(one.before)}", *heads), rows, places)
    yield ""
    sums = [(f"sum of these {chosen.size}", terms[chosen].sum())]
    if chosen.size < terms.size:
        others = np.delete(terms, chosen)
        sums.append((f"+ the other {others.size}", others.sum()))
    yield from sum_lines(one, sums, bias)


def _softmax_lines(one: SoftmaxShare, asked: _Asked) -> Iterator[Line | Block]:
    logits, exponentials = one.logits, one.exponentials
    note = f": exp(x {MINUS} largest) / sum of all; taking off the largest changes no share"
    yield from _what_lines(one, note)
    chosen = np.arange(logits.size)
    if not asked.complete and logits.size > CLASSES:
        chosen = np.union1d(np.argsort(-logits, kind="stable")[: CLASSES - 1], [one.index])
        yield Paragraph(
            f"the {chosen.size} largest, with this one (--all prints all {logits.size}):"
        )
    classes = asked.classes if logits.size == len(asked.classes) else None
    largest, total = float(logits.max()), exponentials.sum()
    names = []
    for k in map(int, chosen):
        named = "" if classes is None or classes[k] == str(k) else f" {classes[k]}"
        names.append(f"  {shortened(f'{k}{named}', 22)}")
    columns = (
        [*names, f"  sum of all {logits.size}"],
        [*at_points([value_text(x) for x in logits[chosen]]), ""],
        [*at_points([value_text(float(x) - largest) for x in logits[chosen]]), ""],
        at_points([f"{x:.9f}" for x in (*exponentials[chosen], total)]),
        [*at_points([f"{x / total:.9f}" for x in exponentials[chosen]]), ""],
    )
    kind = "  class" if classes else "  unit"
    heads = kind, "x", f"x {MINUS} largest", f"{ALMOST} exp", f"{ALMOST} share"
    rows = [[Span(head, quiet=True) for head in heads]]
    for k, cells in zip([*chosen, -1], zip(*columns, strict=True), strict=True):
        own = k == one.index
        rows.append([Span(cell, "output" if own else "", bold=own) for cell in cells])
    yield Table(rows, range(1, 5), (1, 2))
    yield ""
    shown = [("", f"{exponentials[one.index]:.9f}"), ("÷", f"{total:.9f}")]
    yield result_line(one, shown, "exp / sum ")


# --- few numbers ------------------------------------------------------------------------


def _branch_lines(one: BranchSum, asked: _Asked) -> Iterator[Line | Block]:
    yield from _what_lines(one)
    yield from sum_lines(one, [(cell_text(cell), cell.value) for cell in one.cells], None)


def _factor_lines(one: BranchProduct, asked: _Asked) -> Iterator[Line | Block]:
    yield from _what_lines(one)
    parts = [("", *_told(one.cells[0])), *((TIMES, *_told(cell)) for cell in one.cells[1:])]
    for sign, label, text in parts:
        yield total_line(f"{sign} {label}".strip(), text, "input")
    yield result_line(one, [(sign, text) for sign, _, text in parts])


def _told(cell: Cell) -> tuple[str, str]:
    return cell_text(cell), value_text(cell.value)


def _standardised_lines(one: Standardised, asked: _Asked) -> Iterator[Line | Block]:
    """The input and, one below the other, what is done to it."""
    yield from _what_lines(one)
    inside = f"{value_text(one.variance)} + {numerals.number(one.eps)}"
    parts = [
        ("", one.input, "input", "input"),
        (MINUS, one.mean, f"{MINUS} mean", "window"),
        ("÷", one.deviation, f"÷ √({inside})", "window"),
        (TIMES, one.weight, f"{TIMES} weight", "window"),
        ("+", one.bias, "+ bias", "bias"),
    ]
    for _, value, label, role in parts:
        yield total_line(label, value_text(value), role)
    yield result_line(one, [(sign, value_text(value)) for sign, value, *_ in parts])
    yield ""
    yield from _check_lines(one, asked)


def _pointwise_lines(one: Pointwise, asked: _Asked) -> Iterator[Line | Block]:
    yield quiet(f"  {what_text(one)}")
    value = Span(value_text(one.value), "output", bold=True)
    yield "  ", Span(value_text(one.input), "input"), " → ", value


_LINES: dict[type[Explanation], Callable[[Any, _Asked], Iterator[Line | Block]]] = {
    ConvolutionSum: _convolution_lines,
    Pooling: _pooling_lines,
    DenseSum: _dense_lines,
    Distance: _distance_lines,
    SoftmaxShare: _softmax_lines,
    BranchSum: _branch_lines,
    BranchProduct: _factor_lines,
    Pointwise: _pointwise_lines,
    Standardised: _standardised_lines,
}
