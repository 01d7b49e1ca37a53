"""The windows of ``convlab explain RUN IMAGE``: patches, kernels and products as grids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from convlab_cli.explain_text import (
    BIAS,
    INPUT,
    OUTPUT,
    WIDTH,
    WINDOW,
    grid_lines,
    loses_digits,
    places_of,
    say,
    say_heading,
    say_result,
    say_sums,
    say_terms,
    say_total,
    signed,
)

from convlab.insight.sum_words import map_name, source_name, value_text
from convlab.numerals import ALMOST, MINUS

if TYPE_CHECKING:
    from convlab.insight import Pooling
    from convlab.training import Run

NARROWEST, WIDEST = 4, 9  # characters of a number in a grid
ENDS = 3  # maps that are shown before and after those left out


def print_convolution(one: Any, run: Run, complete: bool) -> None:
    """Map by map the patch, the kernel and their products, then what they add up to."""
    count, height, width = one.patch.shape
    transposed = one.padding_mode == "transposed"
    say_heading(one, run)
    sums, places = one.map_sums, places_of([*one.map_sums, one.bias or 0.0, one.value])
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
                map_name(one, m, run.network),
                float(one.patch[i, 0, 0]),
                float(one.kernel[i, 0, 0]),
                float(sums[i]),
            )
            for i, m in enumerate(one.maps)
            if i not in left_out
        ]
        say_terms((f"map of {source_name(one.before)}", "value", "weight", "product"), rows, places)
    else:
        for i, m in enumerate(one.maps):
            if i in left_out:
                continue
            adds = f"adds {signed(sums[i], places)}"
            say(map_name(one, m, run.network).ljust(WIDTH - len(adds)), adds)
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
        left = f"{len(left_out)} maps left out (--all prints them) add {signed(total, places)}"
        say(f"… {left} …")
    if dots.any():
        say("· " + ("no input there" if transposed else "padding: 0"), dim=True)
    if marks:
        say(f"' padding: {one.padding_mode}", dim=True)
    say()
    say_sums(one, [(f"sum over {count} map{'s' if count > 1 else ''}", sums.sum())], one.bias)


def _print_product(arrays, cell: int, marks, dots, beside: bool) -> None:
    """Patch × kernel = products, side by side or below each other."""
    lost = [
        loses_digits(values, cell - bool(marks and not part)) for part, values in enumerate(arrays)
    ]
    mark = [f"{ALMOST} " * one for one in lost]
    equal = ALMOST if any(lost) else "="
    roles = (
        (f"{mark[0]}patch", INPUT),
        (f"× {mark[1]}kernel", WINDOW),
        (f"{equal} products", None),
    )
    grids = [
        grid_lines(
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


def print_pooling(one: Pooling, run: Run, complete: bool) -> None:
    """The window, and what is made of it."""
    height, width = one.patch.shape
    say_heading(one, run)
    cell = min((WIDTH - 2 + 1) // width - 1, 12)
    marks = {one.winner: "*"} if one.winner else None
    if cell < NARROWEST + bool(marks) or (height > 40 and not complete):
        say(f"  {height} × {width} numbers; see --json", dim=True)
    else:
        if loses_digits(one.patch, cell - bool(marks)):
            say(f"  {ALMOST} rounded to what fits; --json has all digits", dim=True)
        for line in grid_lines(one.patch, cell, INPUT, marks, one.outside):
            say("  ", line)
    if one.outside.any():
        meaning = f"{MINUS}∞" if one.reduction == "maximum" else "0"
        say(f"· padding: {meaning}", dim=True)
    say()
    if one.reduction == "maximum":
        if one.winner is not None and one.strongest is not None:
            row, column = one.strongest.place[1:]
            say_total(f"* largest, row {row}, column {column}", value_text(one.strongest.value))
        say_total(f"= {one.layer}", value_text(one.value), OUTPUT, bold=True)
    else:
        places = places_of([one.total, one.value])
        shown = [("", signed(one.total, places))]
        say_total(f"sum of {int((~one.outside).sum())} cells", shown[0][1])
        if one.reduction == "mean":
            shown.append(("÷", value_text(one.divisor)))
            say_total("÷ divisor", shown[1][1], WINDOW)
        elif one.coefficient is not None:
            shown += [("×", value_text(one.coefficient)), ("+", signed(one.bias, places))]
            say_total("× coefficient", shown[1][1], WINDOW)
            say_total("+ bias", shown[2][1], BIAS)
        say_result(one, shown)
