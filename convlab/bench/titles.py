"""The titles of the figures of measurements, and the lines below them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from convlab.bench.machine import Roof
from convlab.numerals import duration, measured, ratio
from convlab.words import joined, t

if TYPE_CHECKING:
    from convlab.viz import KernelPoint, LadderStep, Page, ScalingCurve, TrainingBar


def kernel_words(points: Sequence[KernelPoint], roof: Roof, other: str, machine: str) -> Page:
    """``title`` and ``subtitle`` of ``viz.kernel_speed``: in how many passes we are faster.

    Without a comparison, how close to the roof they come.
    """
    ratios = [point.ratio for point in points if point.ratio is not None]
    shares = [point.share(*roof) for point in points]
    note = ""
    if len(ratios) == 1:
        title = f"{ratio(ratios[0])} times as fast as {other}"
    elif ratios:
        faster = sum(value > 1 for value in ratios)
        title = f"Faster than {other} in {_count_of(faster, len(ratios))} passes"
        median = ratio(statistics.median(ratios))
        note = f"; {ratio(min(ratios))} to {ratio(max(ratios))} times as fast, median {median}"
    elif len(shares) == 1:
        title = f"{shares[0]:.0%} of the roof"
    else:
        median = f"{statistics.median(shares):.0%}"
        title = f"From {min(shares):.0%} to {max(shares):.0%} of the roof, median {median}"
        note = f"; {len(shares)} passes"
    return {"title": title, "subtitle": machine + note}


def training_title(bars: Sequence[TrainingBar], other: str) -> str:
    """The title of ``viz.training_speed``: in how many cases we take less time, or the times."""
    compared = [bar for bar in bars if bar.share is not None]
    if len(compared) == 1:
        return f"{compared[0].share_text} of {other}"
    if compared:
        less = sum(bar.share < 1 for bar in compared if bar.share is not None)
        return f"Less time than {other} in {_count_of(less, len(compared))} cases"
    longest = max(bar.high for bar in bars)
    if len(bars) == 1:
        return f"{bars[0].what}: {duration(bars[0].seconds, longest)}"
    least, most = min(bar.seconds for bar in bars), max(bar.seconds for bar in bars)
    return f"From {duration(least, longest)} to {duration(most, longest)}"


def scaling_title(curves: Sequence[ScalingCurve]) -> str:
    """The title of ``viz.scaling``: where the speed falls to less than half, or its range."""
    found = [(curve, at) for curve in curves for at in curve.cliffs]
    if len(found) == 1:
        (curve, at), *_ = found
        where = f"{curve.axis} {curve.values[at - 1]} to {curve.values[at]}"
        return f"One cliff: {curve.speed_left(at):.0%} of the speed from {where}"
    if found:
        names = ", ".join(f"{curve.axis} {curve.values[at]}" for curve, at in found)
        return f"{len(found)} cliffs: {names}"
    speeds = [speed for curve in curves for speed in curve.speeds]
    if len(speeds) == 1:
        return f"{measured(speeds[0])} GF/s"
    return f"No cliff: {measured(min(speeds))} to {measured(max(speeds))} GF/s"


def ladder_words(rungs: Sequence[LadderStep], what: str, machine: str) -> Page:
    """``title`` and ``subtitle`` of ``viz.ladder``: what all ideas together gained.

    ``what`` is convolved.
    """
    title = what
    speeds = [rung.speed or math.nan for rung in rungs]
    if len(rungs) > 1:
        gain = max(speeds) / speeds[0]
        title = t(
            "{count} rungs: {gain} times as fast as {first}",
            *(len(rungs), f"{float(f'{gain:.2g}'):,.10g}", rungs[0].idea),
        )
    return {"title": title, "subtitle": joined([what, machine], "; ")}


def _count_of(count: int, total: int) -> str:
    return f"all {total}" if count == total else f"{count or 'none'} of {total}"
