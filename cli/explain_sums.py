"""The sums of ``convlab explain RUN IMAGE``, each kind of layer in its own form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import numpy as np
from convlab_cli.explain_text import (
    INPUT,
    OUTPUT,
    at_point,
    places_of,
    say,
    say_heading,
    say_result,
    say_sums,
    say_terms,
    say_wrapped,
)
from convlab_cli.explain_windows import print_convolution, print_pooling

from convlab import insight, numerals
from convlab.insight.sum_words import (
    cell_text,
    check_words,
    passes_on,
    source_name,
    unit_name,
    value_text,
    what_text,
)
from convlab.names import padded, shortened
from convlab.numerals import ALMOST, MINUS

if TYPE_CHECKING:
    from convlab.insight import Explanation
    from convlab.training import Run

TERMS = 10  # of the strongest terms, with either sign


def print_sum(one: Explanation, run: Run, complete: bool) -> None:
    """An explanation in full, all its terms where ``complete``, and whether it agrees."""
    printers = {
        insight.ConvolutionSum: print_convolution,
        insight.Pooling: print_pooling,
        insight.DenseSum: _print_dense,
        insight.Distance: _print_distance,
        insight.SoftmaxShare: _print_softmax,
        insight.BranchSum: _print_branches,
        insight.Pointwise: _print_pointwise,
    }
    printers[type(one)](one, run, complete)
    if one.after is not None:
        layer, _, value = one.after
        say(f"then {layer}: ", click.style(value_text(value), fg=OUTPUT))
    if not passes_on(one):
        _print_check(one, run)


def _print_dense(one: Any, run: Run, complete: bool) -> None:
    products = one.products
    say_heading(one, run)
    order = np.argsort(-products, kind="stable")
    chosen = np.arange(products.size)
    if not complete and products.size > 2 * TERMS:
        chosen = np.concatenate([order[:TERMS], order[-TERMS:]])
        kind = f"the {TERMS} largest and the {TERMS} smallest products"
        say_wrapped(f"{kind} (--all prints all {products.size}):")
    places = places_of([*products[chosen], products.sum(), one.bias or 0.0, one.value])
    rows = [
        (f"{i}", float(one.inputs[i]), float(one.weights[i]), float(products[i])) for i in chosen
    ]
    say_terms((f"unit of {source_name(one.before)}", "value", "weight", "product"), rows, places)
    say()
    sums = [(f"sum of these {chosen.size}", products[chosen].sum())]
    if chosen.size < products.size:
        others = np.delete(products, chosen)
        sums.append((f"+ the other {others.size}", others.sum()))
    say_sums(one, sums, one.bias)


def _print_distance(one: Any, run: Run, complete: bool) -> None:
    squares = one.squares
    say_heading(one, run)
    order = np.argsort(-squares, kind="stable")
    chosen = np.arange(squares.size)
    if not complete and squares.size > 2 * TERMS:
        chosen = order[:TERMS]
        say_wrapped(f"the {TERMS} largest squares (--all prints all {squares.size}):")
    places = places_of([*squares[chosen], one.value])
    rows = [(f"{i}", float(one.inputs[i]), float(one.centre[i]), float(squares[i])) for i in chosen]
    say_terms(
        (f"unit of {source_name(one.before)}", "value", "centre", "(value − centre)²"), rows, places
    )
    say()
    sums = [(f"sum of these {chosen.size}", squares[chosen].sum())]
    if chosen.size < squares.size:
        others = np.delete(squares, chosen)
        sums.append((f"+ the other {others.size}", others.sum()))
    say_sums(one, sums, None)


def _print_softmax(one: Any, run: Run, complete: bool) -> None:
    logits, exponentials = one.logits, one.exponentials
    say_heading(
        one, run, f": exp(x {MINUS} largest) / sum of all; taking off the largest changes no share"
    )
    chosen = np.arange(logits.size)
    if not complete and logits.size > 2 * TERMS:
        chosen = np.union1d(np.argsort(-logits, kind="stable")[: 2 * TERMS - 1], [one.index])
        say_wrapped(f"the {chosen.size} largest, with this one (--all prints all {logits.size}):")
    classes = run.classes if logits.size == len(run.classes) else None
    heads = ("x", f"x {MINUS} largest", f"{ALMOST} exp", f"{ALMOST} share")
    kind = "class" if classes else "unit"
    say(f"  {kind:<22}", "".join(f"     {head:<13}" for head in heads).rstrip(), dim=True)
    largest, total = float(logits.max()), exponentials.sum()
    for k in chosen:
        label = f"{k}" if classes is None or classes[k] == str(k) else f"{k} {classes[k]}"
        own = k == one.index
        numbers = (value_text(logits[k]), value_text(float(logits[k]) - largest))
        numbers += tuple(f"{v:.9f}" for v in (exponentials[k], exponentials[k] / total))
        line = padded(shortened(label, 22), 22)
        line += "".join(at_point(text, 6, 12) for text in numbers).rstrip()
        say("  ", click.style(line, fg=OUTPUT if own else None, bold=own or None))
    summed = at_point(f"{total:.9f}", 6, 12).rstrip()
    say("  ", f"{f'sum of all {logits.size}':<58}", summed)
    say()
    own = f"{exponentials[one.index]:.9f}"
    say_result(one, [("", own), ("÷", f"{total:.9f}")], "exp / sum ")


def _print_branches(one: Any, run: Run, complete: bool) -> None:
    say_heading(one, run)
    say_sums(one, [(cell_text(cell), float(cell.value)) for cell in one.cells], None)


def _print_pointwise(one: Any, run: Run, complete: bool) -> None:
    say(click.style(unit_name(one, run.network, run.classes), fg=OUTPUT, bold=True))
    say(f"  {what_text(one)}", dim=True)
    say(
        "  ",
        click.style(value_text(one.input), fg=INPUT),
        " → ",
        click.style(value_text(one.value), fg=OUTPUT, bold=True),
    )


def _print_check(one: Explanation, run: Run) -> None:
    say()
    device = run.network.device
    order = one.order + ("; as the CPU's loop does" if device == "cuda" else "")
    check = check_words(one, device)
    say_wrapped(f"Added up again ({order}): {value_text(one.recomputed)}, {check}.")
    if isinstance(
        one, insight.ConvolutionSum | insight.DenseSum | insight.Distance | insight.SoftmaxShare
    ):
        exact, moved = numerals.number(one.exact, 12), abs(one.exact - float(one.value))
        say_wrapped(
            f"Without rounding it is {exact}: float32 moved it by {numerals.number(moved, 2)}."
        )
