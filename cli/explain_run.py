"""``convlab explain RUN IMAGE``: the whole sum behind one value in a trained network."""

from __future__ import annotations

import math
import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from convlab_cli import options

from convlab import numerals
from convlab.numerals import ALMOST, MINUS

if TYPE_CHECKING:
    import numpy as np

    from convlab.insight import Cell, Explanation, Pooling
    from convlab.training import Run

WIDTH = 100
# The roles of the pictures, in a terminal's colours.
INPUT, WINDOW, OUTPUT, BIAS = "blue", "yellow", "green", "magenta"
NARROWEST, WIDEST = 4, 9  # characters of a number in a grid
ENDS = 3  # maps that are shown before and after those left out
TERMS = 10  # of the strongest terms, with either sign


def explain(run, image, layer, unit, deep, complete, data_dir, picture: options.Picture) -> None:
    """Print the sum behind one value, and write what ``picture`` asks for."""
    from convlab import insight, training

    run = options.load_run(run)
    pixels, inverted = options.read_image(run, image, data_dir)
    x = run.network_input(pixels)
    layer = insight.PROBABILITIES if layer is None else layer
    chain = insight.explain(run.network, x, layer, unit, deep=deep)
    shown = training.centred_images(pixels[None], run.network.input_shape[1:])[0]
    source = f"{Path(image).name}{f'; {options.INVERTED}' if inverted else ''}"
    first, *rest = chain
    say(f"{options.title_of(run)}; {source}", dim=True)
    say()
    _print_sum(first, run, complete)
    for one in rest:
        say()
        if deep:
            _print_step(one, run)
        else:  # the layers that only passed a number on
            _print_sum(one, run, complete)
    say()
    _print_pixels(chain if deep else chain[-1:], x, shown)
    if picture.wanted:
        _save(chain, run, image, inverted, x, shown, deep, picture)


# --- words and numbers ------------------------------------------------------------------------


def say(*parts: str, dim: bool = False) -> None:
    """One line; plain where standard output is no terminal, or NO_COLOR is set."""
    text = "".join(parts)
    plain = False if os.environ.get("NO_COLOR") else None
    click.echo(click.style(text, dim=True) if dim else text, color=plain)


def _say_wrapped(text: str, indent: str = "") -> None:
    for line in textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent):
        say(line, dim=True)


def _value(value: float) -> str:
    """A float32 with the digits that tell it from its neighbours."""
    return f"{float(value):.9g}".replace("-", MINUS)


def _short(value: float, plus: bool = False) -> str:
    """Five digits, "≈" where there are more, with a sign before all where ``plus``."""
    text = numerals.number(abs(float(value)), 5)
    sign = MINUS if value < 0 else "+" * plus
    return f"{ALMOST}{sign}{text[1:]}" if text.startswith(ALMOST) else sign + text


def _signed(value: float, places: int) -> str:
    return numerals.fixed(float(value), places, plus=True)


def _at_point(text: str, before: int, behind: int) -> str:
    """A number with its decimal point ``before`` characters from the left."""
    whole, point, rest = text.partition(".")
    return whole.rjust(before) + (point + rest).ljust(behind)


def _places(values: Any) -> int:
    """Decimals with which the largest of some numbers has nine digits."""
    largest = max((abs(float(v)) for v in values if math.isfinite(v)), default=0)
    return min(max(0, 8 - math.floor(math.log10(largest))), 12) if largest else 1


def _place(place: tuple[int, ...]) -> str:
    if len(place) == 3:
        return f"map {place[0]}, row {place[1]}, column {place[2]}"
    return f"unit {','.join(map(str, place))}"


def _name(one: Explanation, run: Run) -> str:
    """The unit in words; one of the answer with its class, where that is more than its number."""
    (*_, (last, _)) = run.network.named_children()
    answer = one.layer in ("probabilities", last) and one.shape == (len(run.classes),)
    name = run.classes[one.unit[0]] if answer else ""
    named = f" ({name})" if name not in ("", str(one.unit[0])) else ""
    return f"{one.layer}, {_place(one.unit)}{named}"


def _what(one: Any) -> str:
    """What is added up, or chosen, and where it lies."""
    from convlab import insight

    source = _source(one.before)
    if isinstance(one, insight.ConvolutionSum | insight.Pooling):
        height, width = one.outside.shape
        where = f"{_span(one.rows, 'row')}, {_span(one.columns, 'column')}"
        if isinstance(one, insight.Pooling):
            window = f"{height} × {width} window on map {one.unit[0]} of {source}"
            return f"the {one.reduction} of a {window}: {where}"
        turned = ", turned," if one.padding_mode == "transposed" else ""
        maps = f"{len(one.maps)} map{'s' if len(one.maps) > 1 else ''} of {source}"
        return f"{height} × {width} kernel{turned} over {maps}: {where}"
    if isinstance(one, insight.DenseSum):
        return f"{one.inputs.size} inputs times weights, all of {source}"
    if isinstance(one, insight.Distance):
        return f"squared distance of {one.inputs.size} inputs, all of {source}, to a centre"
    if isinstance(one, insight.SoftmaxShare):
        kind = f"negative penalties, {MINUS}{source}" if one.penalties else f"logits of {source}"
        return f"softmax of {one.logits.size} {kind}"
    if isinstance(one, insight.BranchSum):
        return f"the sum of {len(one.cells)} branches"
    if one.strongest is None:
        return f"{one.formula}: nothing of {source} stands here"
    return f"{one.formula} with x = {_cell(one.strongest)}"


def _source(layer: str | None) -> str:
    return "the input" if layer is None else layer


COLOURS = ("red", "green", "blue")


def _map_name(one: Explanation, number: int, run: Run) -> str:
    """A map that a layer reads: its number, or its colour where it is one of an RGB image."""
    if one.before is None and run.network.input_shape[0] == len(COLOURS):
        return COLOURS[number]
    return f"map {number}"


def _cell(cell: Cell) -> str:
    if cell.layer is None:
        return f"pixel {cell.place[1]},{cell.place[2]} of channel {cell.place[0]}"
    return f"{cell.layer} {','.join(map(str, cell.place))}"


def _span(indices: np.ndarray, name: str) -> str:
    inside = [int(i) for i in indices if i >= 0]
    if not inside:
        return f"no {name}"
    if len(inside) == 1:
        return f"{name} {inside[0]}"
    if len({b - a for a, b in zip(inside, inside[1:], strict=False)} - {1}) == 0:
        return f"{name}s {inside[0]} to {inside[-1]}"
    return f"{name}s {', '.join(map(str, inside))}"


def _grid_texts(values: np.ndarray, width: int) -> list[str]:
    """Numbers with as many decimals as fit ``width``; without a leading zero if that gives one."""
    finite = [float(v) for v in values.ravel()]
    whole = all(v == round(v) for v in finite if math.isfinite(v))
    for bare in (False, True):
        for places in (0,) if whole else range(6, 1, -1):
            texts = [numerals.fixed(v, places) for v in finite]
            if bare:
                texts = [
                    t.replace("0.", ".", 1) if t.lstrip(MINUS)[:2] == "0." else t for t in texts
                ]
            seen = whole or any(text.strip(f"{MINUS}0.") for text in texts)
            if max(map(len, texts)) <= width and seen and (places > 2 or bare or whole):
                return texts
    # Very large or uneven numbers: the magnitude at least.
    return [f"{v:.0e}".replace("e+0", "e").replace("e-0", "e-").replace("-", MINUS) for v in finite]


def _loses(values: np.ndarray, width: int) -> bool:
    """Whether a grid of numbers of that width rounds any."""
    texts = _grid_texts(values, width)
    return not all(
        "e" not in text and numerals.says(text, value)
        for text, value in zip(texts, values.ravel(), strict=True)
    )


def _grid(
    values: np.ndarray,
    width: int,
    colour: str | None,
    marks: dict[tuple[int, int], str] | None = None,
    zeros: np.ndarray | None = None,
) -> list[str]:
    """Lines of a grid (H, W) of numbers, each ``width`` wide and one apart.

    ``zeros``: cells that are no numbers of the map, shown as a dot.  ``marks``: a
    character behind the number of some cells.
    """
    marks = marks or {}
    room = width - 1 if marks else width
    texts, lines = _grid_texts(values, room), []
    rows, columns = values.shape
    for row in range(rows):
        cells = []
        for column in range(columns):
            text = texts[row * columns + column]
            mark = marks.get((row, column), " " if marks else "")
            if zeros is not None and zeros[row, column]:
                cells.append(click.style("·".rjust(width), dim=True))
            else:
                bold = mark == "*"
                cells.append(click.style((text + mark).rjust(width), fg=colour, bold=bold or None))
        lines.append(" ".join(cells))
    return lines


# --- the sum of one unit ------------------------------------------------------------------------


def _print_sum(one: Explanation, run: Run, complete: bool) -> None:
    from convlab import insight

    printers = {
        insight.ConvolutionSum: _print_convolution,
        insight.Pooling: _print_pooling,
        insight.DenseSum: _print_dense,
        insight.Distance: _print_distance,
        insight.SoftmaxShare: _print_softmax,
        insight.BranchSum: _print_branches,
        insight.Pointwise: _print_pointwise,
    }
    printers[type(one)](one, run, complete)
    if one.after is not None:
        layer, _, value = one.after
        say(f"then {layer}: ", click.style(_value(value), fg=OUTPUT))
    chosen = isinstance(one, insight.Pooling) and one.reduction == "maximum"
    if not (chosen or isinstance(one, insight.Pointwise)):
        _print_check(one, run)


def _heading(one: Explanation, run: Run, note: str = "") -> None:
    say(click.style(_name(one, run), fg=OUTPUT, bold=True))
    _say_wrapped(_what(one) + note)
    say()


def _total(label: str, text: str, colour: str | None = None, bold: bool = False) -> None:
    say(
        f"  {label:<30}", click.style(_at_point(text, 8, 12).rstrip(), fg=colour, bold=bold or None)
    )


def _print_total(one: Explanation, sums: list[tuple[str, float]], bias: float | None) -> None:
    """The sums that make the value, each with as many decimals, and the value itself."""
    known = [value for _, value in sums] + [bias or 0.0]
    places = _places([*known, one.value])
    shown = [_signed(value, places) for _, value in sums]
    for (label, _), text in zip(sums, shown, strict=True):
        _total(label, text)
    if bias is not None:
        shown.append(_signed(bias, places))
        _total("+ bias", shown[-1], BIAS)
    _print_result(one, [("", text) for text in shown])


def _print_result(one: Explanation, shown: list[tuple[str, str]], name: str = "") -> None:
    """The value; "=" before it where the shown numbers make it to the last digit, else "≈"."""
    text = _value(one.value)
    made = numerals.worked_out(shown)
    sign = "=" if made is None or made == numerals.read(text) else ALMOST
    _total(f"{name}{sign} {one.layer}", text, OUTPUT, bold=True)


def _print_convolution(one: Any, run: Run, complete: bool) -> None:
    count, height, width = one.patch.shape
    transposed = one.padding_mode == "transposed"
    _heading(one, run)
    sums, places = one.map_sums, _places([*one.map_sums, one.bias or 0.0, one.value])
    left_out = range(0) if complete or count <= 2 * ENDS else range(ENDS, count - ENDS)
    cell = min((30 + 1) // width - 1, WIDEST)
    beside = cell >= NARROWEST + 1
    if not beside:
        cell = min((WIDTH - 2 + 1) // width - 1, WIDEST)
    repeated = one.outside & (one.padding_mode not in ("zeros", "transposed"))
    marks = {(int(r), int(c)): "'" for r, c in zip(*repeated.nonzero(), strict=True)}
    dots = one.outside & ~repeated
    if height == width == 1:
        rows = [
            (
                _map_name(one, m, run),
                float(one.patch[i, 0, 0]),
                float(one.kernel[i, 0, 0]),
                float(sums[i]),
            )
            for i, m in enumerate(one.maps)
            if i not in left_out
        ]
        _terms((f"map of {_source(one.before)}", "value", "weight", "product"), rows, places)
    else:
        for i, m in enumerate(one.maps):
            if i in left_out:
                continue
            adds = f"adds {_signed(sums[i], places)}"
            say(_map_name(one, m, run).ljust(WIDTH - len(adds)), adds)
            arrays = (one.patch[i], one.kernel[i], one.products[i])
            if cell < NARROWEST:
                say(
                    f"  {height} × {width} numbers, too many for {WIDTH} columns; see --json",
                    dim=True,
                )
            else:
                _print_product(arrays, cell, marks, dots, beside)
    if len(left_out):
        total = sum(sums[i] for i in left_out)
        left = f"{len(left_out)} maps left out (--all prints them) add {_signed(total, places)}"
        say(f"… {left} …")
    if dots.any():
        say("· " + ("no input there" if transposed else "padding: 0"), dim=True)
    if marks:
        say(f"' padding: {one.padding_mode}", dim=True)
    say()
    _print_total(one, [(f"sum over {count} map{'s' if count > 1 else ''}", sums.sum())], one.bias)


def _print_product(arrays, cell: int, marks, dots, beside: bool) -> None:
    """Patch × kernel = products, side by side or below each other."""
    lost = [_loses(values, cell - bool(marks and not part)) for part, values in enumerate(arrays)]
    mark = [f"{ALMOST} " * one for one in lost]
    equal = ALMOST if any(lost) else "="
    roles = (
        (f"{mark[0]}patch", INPUT),
        (f"× {mark[1]}kernel", WINDOW),
        (f"{equal} products", None),
    )
    grids = [
        _grid(
            values,
            cell,
            colour,
            None if part else marks,
            None if part == 1 else dots,
        )
        for part, (values, (_, colour)) in enumerate(zip(arrays, roles, strict=True))
    ]
    if not beside:
        for (name, colour), lines in zip(roles, grids, strict=True):
            say(click.style(f"  {name}", fg=colour, bold=True))
            for line in lines:
                say("  ", line)
        return
    span = arrays[0].shape[1] * (cell + 1) - 1
    heads = [click.style(name, fg=colour, bold=True) for name, colour in roles]
    gaps = [" " * (span + 3 - len(name)) for name, _ in roles[:-1]]
    say("  ", heads[0], gaps[0], heads[1], gaps[1], heads[2])
    for row, lines in enumerate(zip(*grids, strict=True)):
        middle = row == (len(grids[0]) - 1) // 2
        times, equals = (" × ", f" {equal} ") if middle else ("   ", "   ")
        say("  ", lines[0], times, lines[1], equals, lines[2])


def _terms(
    heads: tuple[str, str, str, str], rows: list[tuple[str, float, float, float]], places: int
) -> None:
    """A table of terms: what it is, value, weight, product."""
    colours = (INPUT, WINDOW, None)
    if not all(numerals.says(_signed(row[3], places).lstrip("+"), row[3]) for row in rows):
        heads = (*heads[:3], f"{ALMOST} {heads[3]}")
    say(
        f"  {heads[0]:<30}",
        "".join(f"{' ' * 6}{head:<14}" for head in heads[1:]).rstrip(),
        dim=True,
    )
    for label, value, weight, product in rows:
        texts = (_value(value), _value(weight), _signed(product, places))
        line = [
            click.style(_at_point(text, 8, behind), fg=colour)
            for text, colour, behind in zip(texts, colours, (12, 12, 0), strict=True)
        ]
        say(f"  {label:<30}", *line)


def _print_dense(one: Any, run: Run, complete: bool) -> None:
    import numpy as np

    products = one.products
    _heading(one, run)
    order = np.argsort(-products, kind="stable")
    chosen = np.arange(products.size)
    if not complete and products.size > 2 * TERMS:
        chosen = np.concatenate([order[:TERMS], order[-TERMS:]])
        kind = f"the {TERMS} largest and the {TERMS} smallest products"
        _say_wrapped(f"{kind} (--all prints all {products.size}):")
    places = _places([*products[chosen], products.sum(), one.bias or 0.0, one.value])
    rows = [
        (f"{i}", float(one.inputs[i]), float(one.weights[i]), float(products[i])) for i in chosen
    ]
    _terms((f"unit of {_source(one.before)}", "value", "weight", "product"), rows, places)
    say()
    sums = [(f"sum of these {chosen.size}", products[chosen].sum())]
    if chosen.size < products.size:
        others = np.delete(products, chosen)
        sums.append((f"+ the other {others.size}", others.sum()))
    _print_total(one, sums, one.bias)


def _print_distance(one: Any, run: Run, complete: bool) -> None:
    import numpy as np

    squares = one.squares
    _heading(one, run)
    order = np.argsort(-squares, kind="stable")
    chosen = np.arange(squares.size)
    if not complete and squares.size > 2 * TERMS:
        chosen = order[:TERMS]
        _say_wrapped(f"the {TERMS} largest squares (--all prints all {squares.size}):")
    places = _places([*squares[chosen], one.value])
    rows = [(f"{i}", float(one.inputs[i]), float(one.centre[i]), float(squares[i])) for i in chosen]
    _terms((f"unit of {_source(one.before)}", "value", "centre", "(value − centre)²"), rows, places)
    say()
    sums = [(f"sum of these {chosen.size}", squares[chosen].sum())]
    if chosen.size < squares.size:
        others = np.delete(squares, chosen)
        sums.append((f"+ the other {others.size}", others.sum()))
    _print_total(one, sums, None)


def _print_softmax(one: Any, run: Run, complete: bool) -> None:
    import numpy as np

    from convlab.names import padded, shortened

    logits, exponentials = one.logits, one.exponentials
    _heading(
        one, run, f": exp(x {MINUS} largest) / sum of all; taking off the largest changes no share"
    )
    chosen = np.arange(logits.size)
    if not complete and logits.size > 2 * TERMS:
        chosen = np.union1d(np.argsort(-logits, kind="stable")[: 2 * TERMS - 1], [one.index])
        _say_wrapped(f"the {chosen.size} largest, with this one (--all prints all {logits.size}):")
    classes = run.classes if logits.size == len(run.classes) else None
    heads = ("x", f"x {MINUS} largest", f"{ALMOST} exp", f"{ALMOST} share")
    kind = "class" if classes else "unit"
    say(f"  {kind:<22}", "".join(f"     {head:<13}" for head in heads).rstrip(), dim=True)
    largest, total = float(logits.max()), exponentials.sum()
    for k in chosen:
        label = f"{k}" if classes is None or classes[k] == str(k) else f"{k} {classes[k]}"
        own = k == one.index
        numbers = (_value(logits[k]), _value(float(logits[k]) - largest))
        numbers += tuple(f"{v:.9f}" for v in (exponentials[k], exponentials[k] / total))
        line = padded(shortened(label, 22), 22)
        line += "".join(_at_point(text, 6, 12) for text in numbers).rstrip()
        say("  ", click.style(line, fg=OUTPUT if own else None, bold=own or None))
    summed = _at_point(f"{total:.9f}", 6, 12).rstrip()
    say("  ", f"{f'sum of all {logits.size}':<58}", summed)
    say()
    own = f"{exponentials[one.index]:.9f}"
    _print_result(one, [("", own), ("÷", f"{total:.9f}")], "exp / sum ")


def _print_branches(one: Any, run: Run, complete: bool) -> None:
    _heading(one, run)
    _print_total(one, [(_cell(cell), float(cell.value)) for cell in one.cells], None)


def _print_pooling(one: Pooling, run: Run, complete: bool) -> None:
    height, width = one.patch.shape
    _heading(one, run)
    cell = min((WIDTH - 2 + 1) // width - 1, 12)
    marks = {one.winner: "*"} if one.winner else None
    if cell < NARROWEST + bool(marks) or (height > 40 and not complete):
        say(f"  {height} × {width} numbers; see --json", dim=True)
    else:
        if _loses(one.patch, cell - bool(marks)):
            say(f"  {ALMOST} rounded to what fits; --json has all digits", dim=True)
        for line in _grid(one.patch, cell, INPUT, marks, one.outside):
            say("  ", line)
    if one.outside.any():
        meaning = f"{MINUS}∞" if one.reduction == "maximum" else "0"
        say(f"· padding: {meaning}", dim=True)
    say()
    if one.reduction == "maximum":
        if one.winner is not None and one.strongest is not None:
            row, column = one.strongest.place[1:]
            _total(f"* largest, row {row}, column {column}", _value(one.strongest.value))
        _total(f"= {one.layer}", _value(one.value), OUTPUT, bold=True)
    else:
        places = _places([one.total, one.value])
        shown = [("", _signed(one.total, places))]
        _total(f"sum of {int((~one.outside).sum())} cells", shown[0][1])
        if one.reduction == "mean":
            shown.append(("÷", _value(one.divisor)))
            _total("÷ divisor", shown[1][1], WINDOW)
        elif one.coefficient is not None:
            shown += [("×", _value(one.coefficient)), ("+", _signed(one.bias, places))]
            _total("× coefficient", shown[1][1], WINDOW)
            _total("+ bias", shown[2][1], BIAS)
        _print_result(one, shown)


def _print_pointwise(one: Any, run: Run, complete: bool) -> None:
    say(click.style(_name(one, run), fg=OUTPUT, bold=True))
    say(f"  {_what(one)}", dim=True)
    say(
        "  ",
        click.style(_value(one.input), fg=INPUT),
        " → ",
        click.style(_value(one.value), fg=OUTPUT, bold=True),
    )


def _check_words(one: Explanation, device: str = "cpu") -> str:
    """Whether the sum in the loop's order gives the network's bits, or by how much it does not."""
    from convlab.insight import ulps

    apart = ulps(one.value, one.recomputed)
    if apart == 0:
        return "the network's value to the last bit"
    units = f"{apart} unit{'s' if apart > 1 else ''} in the last place"
    reason = "this processor's loop adds in another order or with other roundings"
    if device == "cuda":
        reason = "a GPU adds in another order, so a few are expected, more where terms cancel"
    return f"the network's: {_value(one.value)}; they differ by {units}: {reason}"


def _print_check(one: Explanation, run: Run) -> None:
    from convlab import insight

    say()
    device = run.network.device
    order = one.order + ("; as the CPU's loop does" if device == "cuda" else "")
    check = _check_words(one, device)
    _say_wrapped(f"Added up again ({order}): {_value(one.recomputed)}, {check}.")
    if isinstance(
        one, insight.ConvolutionSum | insight.DenseSum | insight.Distance | insight.SoftmaxShare
    ):
        exact, moved = numerals.number(one.exact, 12), abs(one.exact - float(one.value))
        _say_wrapped(
            f"Without rounding it is {exact}: float32 moved it by {numerals.number(moved, 2)}."
        )


# --- the chain down to a pixel ------------------------------------------------------------------


def _print_step(one: Any, run: Run) -> None:
    """One unit of the chain in a few lines: its strongest term, what all others add, its value."""
    from convlab import insight
    from convlab.insight import ulps

    exact = "" if ulps(one.value, one.recomputed) else "  to the last bit"
    say(
        "↓ ",
        click.style(f"{_name(one, run)} = {_value(one.value)}", fg=OUTPUT, bold=True),
        click.style(f"  {one.kind}{exact}", dim=True),
    )
    cell = one.strongest
    if cell is None:
        say("    its window lies in the padding: the chain ends here")
        return
    if isinstance(one, insight.ConvolutionSum | insight.DenseSum):
        terms, contribution = _strongest_product(one)
        weight = contribution / float(cell.value) if cell.value else None
        factor = f" × {_short(weight)}" if weight is not None else ""
        product = _short(contribution, plus=True)
        sign = ALMOST if ALMOST in f"{_short(cell.value)}{factor}{product}" else "="
        product = product.removeprefix(ALMOST)
        say(
            f"    strongest of {terms} terms: {_cell(cell)}, ",
            click.style(_short(cell.value), fg=INPUT),
            click.style(factor, fg=WINDOW),
            f" {sign} {product}",
        )
        others = one.exact - contribution - (one.bias or 0.0)
        bias = "" if one.bias is None else f", bias {_short(one.bias, plus=True)}"
        say(f"    all others {_short(others, plus=True)}{bias}")
    elif isinstance(one, insight.Distance):
        contribution = float(one.squares.max())
        say(f"    largest of {one.squares.size} squares: {_cell(cell)}, {_short(contribution)}")
    elif isinstance(one, insight.Pooling):
        cells = int((~one.outside).sum())
        what = "winner" if one.reduction == "maximum" else f"{one.reduction}; largest"
        say(
            f"    {what} of {cells} cells: {_cell(cell)}, ",
            click.style(_short(cell.value), fg=INPUT),
        )
    elif isinstance(one, insight.BranchSum):
        say(f"    largest of {len(one.cells)} branches: {_cell(cell)}, {_short(cell.value)}")
    elif isinstance(one, insight.SoftmaxShare):
        say(f"    softmax of {_cell(cell)}, ", click.style(_short(cell.value), fg=INPUT))
    else:
        say(f"    {_what(one)}, ", click.style(_short(cell.value), fg=INPUT))


def _strongest_product(one: Any) -> tuple[int, float]:
    """How many terms a sum has, and the one of its strongest cell."""
    import numpy as np

    products = np.asarray(one.products)
    if products.ndim == 3:
        inside = np.broadcast_to((one.rows[:, None] >= 0) & (one.columns >= 0), products.shape)
        products = products[inside]
    return products.size, float(products[np.abs(products).argmax()])


def _print_pixels(chain: list[Explanation], x: np.ndarray, shown: np.ndarray) -> None:
    """The part of the image that the first unit sees, and the pixel at the chain's end."""
    sees, (_, height, width) = chain[0].sees, shown.shape
    unit = f"{chain[0].layer}, {_place(chain[0].unit)}," if len(chain) > 1 else "This unit"
    if sees is None and chain[0].strongest is None:
        _say_wrapped(f"{unit} sees nothing: it is 0 whatever the image.")
    elif sees is None:
        _say_wrapped(
            "The pixels that this unit sees are not the same box for every unit of the layer."
        )
    elif sees == (0, 0, height, width):
        _say_wrapped(f"{unit} sees the whole image, {height} × {width} pixels.")
    else:
        top, left, bottom, right = sees
        inside = f"rows {max(top, 0)} to {min(bottom, height) - 1}"
        inside += f", columns {max(left, 0)} to {min(right, width) - 1}"
        padding = (
            " with padding" if (min(top, left) < 0 or bottom > height or right > width) else ""
        )
        _say_wrapped(
            f"{unit} sees {bottom - top} × {right - left} pixels{padding}: {inside} of the image"
        )
        _print_bytes(shown[:, max(top, 0) : bottom, max(left, 0) : right])
    cell = chain[-1].strongest
    if cell is not None and cell.layer is None:
        channel, row, column = cell.place
        colour = f", {COLOURS[channel]}" if len(shown) == 3 else ""
        say(
            "↓ " if len(chain) > 1 else "strongest: ",
            click.style(f"pixel row {row}, column {column}{colour}", fg=INPUT, bold=True),
            f": byte {shown[channel, row, column]},"
            f" {_value(x[channel, row, column])} for the network",
        )


def _print_bytes(part: np.ndarray) -> None:
    """Pixels (C, H, W) as their bytes where they fit in a line, else as shades."""
    channels, height, width = part.shape
    if channels == 1 and 4 * width + 2 <= WIDTH:
        for row in part[0]:
            say("  ", click.style("".join(f"{byte:4}" for byte in row), fg=INPUT))
        return
    if 2 * width + 2 > WIDTH or not height:
        return
    for row in part.mean(axis=0):
        say("  ", "".join(" ░▒▓█"[min(int(byte / 51.2), 4)] * 2 for byte in row).rstrip())


# --- files ----------------------------------------------------------------------------------------


def _numbers(one: Explanation) -> dict[str, Any]:
    """All numbers of an explanation by their names."""
    from convlab.insight import ulps

    names = [*vars(one), "exact", "products", "map_sums", "squares", "exponentials"]
    numbers = {name: getattr(one, name) for name in names if hasattr(one, name)}
    strongest = None if one.strongest is None else vars(one.strongest)
    apart = ulps(one.value, one.recomputed)
    return numbers | {"strongest": strongest, "units in the last place apart": apart}


def _save(chain, run, image, inverted, x, shown, deep, picture) -> None:
    from convlab import insight, viz

    first = chain[0]
    # Pictures are of sums: what only passes a number on has none.
    sums = [one for one in chain if not isinstance(one, insight.Pointwise)] or [first]
    note = f" ({options.INVERTED})" if inverted else ""
    source = f"{Path(image).name}{note}, {options.title_of(run)}"
    summed = sums[0]
    title, subtitle = _heads(summed, run, source)
    description = f"{title}, {subtitle}: recomputed in float32 {_value(summed.recomputed)},"
    description += f" {_check_words(summed, run.network.device)}."
    links = [one for one in chain if not _passes_on(one)] if deep else []
    if links:
        names = ", ".join(_cell_name(one) for one in links)
        description += f"  Its strongest terms, sum by sum: {names}."
    record = {
        "parameters": {
            "run": run.folder,
            "image": image,
            "inverted": inverted,
            "layer": first.layer,
            "unit": first.unit,
        },
        "inputs": {"image": shown, "network input": x},
        "weights": run.network.state_dict(),
        "result": {"explanations": [_numbers(one) for one in chain]},
    }
    if links:
        # The chain draws the maps that its units stand in.
        record["result"]["outputs"] = _outputs(run, x)
    if picture.path is None:
        picture.write(b"", title, description, **record)
        return

    def of_sum(one: Explanation):
        title, subtitle = _heads(one, run, source)
        drawn = _drawn(one, run)
        look = {"title": title, "subtitle": subtitle, **picture.look}
        return viz.unit_sum(**drawn, image=shown, box=one.sees, **look)

    if not links:
        picture.save(of_sum(summed), title, description, **record)
        return
    figure = viz.sum_chain(
        **_chain_drawn(chain, run, x, shown, record["result"]["outputs"]),
        image=shown,
        title=_name(first, run),
        subtitle=f"and its strongest terms down to a pixel; {source}",
        **picture.look,
    )
    if picture.path.suffix != ".pdf":
        picture.save(figure, title, description, **record)
        return
    content = viz.pages_bytes(
        [figure, *map(of_sum, sums)],
        title=title,
        description=description,
        command=options.command_line(),
    )
    picture.write(content, title, description, **record)


def _heads(one: Explanation, run: Run, source: str) -> tuple[str, str]:
    """Title and second line of a sum's picture."""
    from convlab import insight

    value, what = _value(one.value), _what(one)
    if isinstance(one, insight.SoftmaxShare):
        value = numerals.to_places(one.value, _decimals(one))
        what += f", exp(x {MINUS} max) / sum of all"
    return f"{_name(one, run)}: {value}", f"{what}; {source}"


def _decimals(one: Any) -> int:
    """Decimals of a softmax's numbers: four, and more where the share is small."""
    share = float(one.value)
    return min(8, max(4, 1 - math.floor(math.log10(share)))) if share > 0 else 4


def _passes_on(one: Explanation) -> bool:
    """Whether a layer hands one number on as it is, or made into another, without a sum."""
    from convlab import insight

    chosen = isinstance(one, insight.Pooling) and one.reduction == "maximum"
    return chosen or isinstance(one, insight.Pointwise)


def _cell_name(one: Explanation) -> str:
    return f"{one.layer} {','.join(map(str, one.unit))}"


def _outputs(run: Run, x: np.ndarray) -> dict[str, np.ndarray]:
    """What every layer gives, and the probabilities behind the last."""
    from convlab import insight

    outputs = {a.name: a.array for a in insight.trace(run.network, x)}
    last = list(outputs.values())[-1]
    return {insight.PROBABILITIES: run.network.probabilities(last[None])[0], **outputs}


def _chain_drawn(chain, run: Run, x, shown, outputs: dict[str, np.ndarray]) -> dict[str, Any]:
    """What the figure of the chain shows: its sums, each with the layers behind it, and the pixel.

    A layer that only hands a number on belongs to the sum before it in the network,
    which the chain reaches later.
    """
    from convlab.viz import ChainLink

    links, passed = [], []
    for one in chain:
        if _passes_on(one):
            passed.insert(0, one.layer)
            continue
        output = outputs[one.layer]
        values, at = (output[one.unit[0]], one.unit[1:]) if output.ndim == 3 else (output, one.unit)
        steps = _chain_steps(one, run)
        links.append(ChainLink(_cell_name(one), steps, float(one.value), values, at, passed))
        passed = []
    cell = chain[-1].strongest
    if cell is None or cell.layer is not None:
        return {"links": links, "pixel": None, "pixel_name": "", "pixel_value": 0.0}
    return {
        "links": links,
        "pixel": cell.place[1:],
        "pixel_name": _pixel_name(cell, len(shown)),
        "pixel_value": float(x[cell.place]),
        "passed": passed,
    }


def _pixel_name(cell: Cell, channels: int) -> str:
    colour = f"{COLOURS[cell.place[0]]} " if channels == len(COLOURS) else ""
    return f"pixel {colour}{cell.place[1]},{cell.place[2]}"


def _coefficient(one: Any) -> list:
    """What a sum of a window is multiplied with, where there is something."""
    from convlab.viz import SumStep

    given = one.coefficient
    return [] if given is None else [SumStep("×", "coefficient", float(given), "window")]


def _chain_steps(one: Any, run: Run) -> list:
    """A sum in a few terms: the strongest by value and weight, all others together, the bias."""
    from convlab import insight
    from convlab.viz import SumStep

    if isinstance(one, insight.SoftmaxShare):
        own, total = float(one.exponentials[one.index]), float(one.exponentials.sum())
        return [
            SumStep("", f"exp({one.before} {one.index} {MINUS} max)", own, "input"),
            SumStep("÷", f"sum of all {one.logits.size}", total),
        ]
    bias = getattr(one, "bias", None)
    ending = [] if bias is None else [SumStep("+", "bias", float(bias), "mistake")]
    if isinstance(one, insight.Pooling):
        cells = SumStep("", f"sum of {int((~one.outside).sum())} cells", one.total, "input")
        if one.reduction == "mean":
            return [cells, SumStep("÷", "divisor", float(one.divisor))]
        return [cells, *_coefficient(one), *ending]
    cell = one.strongest
    if cell is None:
        return [SumStep("", "all in the padding", one.exact - (bias or 0.0)), *ending]
    pixel = cell.layer is None
    name = _pixel_name(cell, run.network.input_shape[0]) if pixel else _cell(cell)
    if isinstance(one, insight.Distance):
        largest = float(one.squares.max())
        others = SumStep("+", f"{one.squares.size - 1} others", one.exact - largest)
        return [SumStep("", f"({name} {MINUS} centre)²", largest, "input"), others]
    if isinstance(one, insight.BranchSum):
        others = [other for other in one.cells if other is not cell]
        rest = [SumStep("+", _cell(other), float(other.value)) for other in others]
        return [SumStep("", _cell(cell), float(cell.value), "input"), *rest]
    terms, product = _strongest_product(one)
    value = float(cell.value)
    weight = [SumStep("×", "weight", product / value, "window")] if value else []
    others = one.exact - product - (bias or 0.0)
    noun = "other" if terms == 2 else "others"
    rest = [SumStep("+", f"{terms - 1} {noun}", others)] if terms > 1 else []
    return [SumStep("", name, value, "input"), *weight, *rest, *ending]


def _drawn(one: Any, run: Run) -> dict[str, Any]:
    """What the figure of an explanation shows: its terms, strongest first, and the steps."""
    import numpy as np

    from convlab import insight
    from convlab.viz import SumStep, SumTerm

    result = [(one.layer, float(one.value))]
    if one.after is not None:
        result.append((one.after[0], float(one.after[2])))
    bias = getattr(one, "bias", None)
    steps = [] if bias is None else [SumStep("+", "bias", float(bias), "mistake")]
    drawn: dict[str, Any] = {"adds": True, "steps": steps, "result": result}
    if isinstance(one, insight.ConvolutionSum):
        sums = one.map_sums
        order = np.argsort(-np.abs(sums), kind="stable")
        if one.patch[0].size > 1:
            parts = list(zip(one.patch, one.kernel, one.products, strict=True))
            heads = [("patch", "input"), ("kernel", "window"), ("products", "ink")]
        else:
            parts = [(p.item(), k.item()) for p, k in zip(one.patch, one.kernel, strict=True)]
            heads = [("value", "input"), ("weight", "window"), ("product", "ink")]
        terms = [SumTerm(_map_name(one, one.maps[i], run), parts[i], float(sums[i])) for i in order]
        hidden = one.outside if one.padding_mode in ("zeros", "transposed") else None
        empty = "" if one.padding_mode == "transposed" else "0"
        drawn |= {"outside": hidden, "outside_text": empty}
        return drawn | {"terms": terms, "heads": heads, "noun": "map"}
    if isinstance(one, insight.DenseSum):
        products = one.products
        order = np.argsort(-np.abs(products), kind="stable")
        terms = [
            SumTerm(f"unit {i}", (one.inputs[i], one.weights[i]), float(products[i])) for i in order
        ]
        heads = [("value", "input"), ("weight", "window"), ("product", "ink")]
        return drawn | {"terms": terms, "heads": heads, "noun": "unit"}
    if isinstance(one, insight.Distance):
        squares = one.squares
        order = np.argsort(-squares, kind="stable")
        terms = [
            SumTerm(f"unit {i}", (one.inputs[i], one.centre[i]), float(squares[i])) for i in order
        ]
        heads = [("value", "input"), ("centre", "window"), ("square", "ink")]
        return drawn | {"terms": terms, "heads": heads, "noun": "unit"}
    if isinstance(one, insight.BranchSum):
        steps = [
            SumStep("+" if number else "", _cell(cell), float(cell.value), "input")
            for number, cell in enumerate(one.cells)
        ]
        return drawn | {"terms": [], "heads": [], "noun": "", "adds": False, "steps": steps}
    if isinstance(one, insight.SoftmaxShare):
        exponentials = one.exponentials
        total = float(exponentials.sum())
        named = len(run.classes) == exponentials.size
        order = np.argsort(-exponentials, kind="stable")
        terms = [
            SumTerm(
                run.classes[i] if named else f"unit {i}",
                (one.logits[i], exponentials[i]),
                float(exponentials[i] / total),
                chosen=i == one.index,
            )
            for i in order
        ]
        largest = f"exp(x {MINUS} max)"
        return drawn | {
            "terms": terms,
            "heads": [("x", "input"), ("exp", "ink"), ("share", "output")],
            "noun": "unit",
            "adds": False,
            "decimals": _decimals(one),
            "steps": [
                SumStep("", largest, float(exponentials[one.index])),
                SumStep("÷", f"sum of all {exponentials.size}", total),
            ],
        }
    if isinstance(one, insight.Pooling):
        label = f"map {one.unit[0]} of {_source(one.before)}"
        if one.reduction == "maximum":
            steps = [SumStep("", "the largest", float(one.recomputed))]
        elif one.reduction == "mean":
            steps = [SumStep("", "sum", one.total), SumStep("÷", "divisor", one.divisor)]
        else:
            steps = [SumStep("", "sum", one.total), *_coefficient(one), *steps]
        return drawn | {
            "terms": [SumTerm(label, (one.patch,), one.total)],
            "heads": [("window", "input")],
            "noun": "window",
            "adds": False,
            "steps": steps,
            "outside": one.outside,
            "outside_text": f"{MINUS}∞" if one.reduction == "maximum" else "0",
            "winner": one.winner,
        }
    steps = [SumStep("", one.formula, float(one.input), "input")]
    return drawn | {"terms": [], "heads": [], "noun": "", "adds": False, "steps": steps}
