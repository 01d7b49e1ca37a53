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
        title = t("{ratio} times as fast as {other}", ratio(ratios[0]), other)
    elif ratios:
        faster = sum(value > 1 for value in ratios)
        title = t("Faster than {other} in {count} passes", other, _count_of(faster, len(ratios)))
        median = ratio(statistics.median(ratios))
        note = t(
            "; {least} to {most} times as fast, median {median}",
            *(ratio(min(ratios)), ratio(max(ratios)), median),
        )
    elif len(shares) == 1:
        title = t("{share} of the roof", f"{shares[0]:.0%}")
    else:
        median = f"{statistics.median(shares):.0%}"
        title = t(
            "From {least} to {most} of the roof, median {median}",
            *(f"{min(shares):.0%}", f"{max(shares):.0%}", median),
        )
        note = t("; {count} passes", len(shares))
    return {"title": title, "subtitle": machine + note}


def training_title(bars: Sequence[TrainingBar], other: str) -> str:
    """The title of ``viz.training_speed``: in how many cases we take less time, or the times."""
    compared = [bar for bar in bars if bar.share is not None]
    if len(compared) == 1:
        return t("{share} of {other}", compared[0].share_text, other)
    if compared:
        less = sum(bar.share < 1 for bar in compared if bar.share is not None)
        return t("Less time than {other} in {count} cases", other, _count_of(less, len(compared)))
    longest = max(bar.high for bar in bars)
    if len(bars) == 1:
        return t("{what}: {time}", bars[0].what, duration(bars[0].seconds, longest))
    least, most = min(bar.seconds for bar in bars), max(bar.seconds for bar in bars)
    return t("From {least} to {most}", duration(least, longest), duration(most, longest))


def scaling_title(curves: Sequence[ScalingCurve]) -> str:
    """The title of ``viz.scaling``: where the speed falls to less than half, or its range."""
    found = [(curve, at) for curve in curves for at in curve.cliffs]
    if len(found) == 1:
        (curve, at), *_ = found
        return t(
            "One cliff: {share} of the speed from {axis} {before} to {after}",
            *(f"{curve.speed_left(at):.0%}", curve.name, *curve.values[at - 1 : at + 1]),
        )
    if found:
        names = [t("{axis} {value}", c.name, c.values[at]) for c, at in found]
        return t("{count} cliffs: {names}", len(found), joined(names))
    speeds = [speed for curve in curves for speed in curve.speeds]
    if len(speeds) == 1:
        return f"{measured(speeds[0])} GF/s"
    return t("No cliff: {least} to {most} GF/s", measured(min(speeds)), measured(max(speeds)))


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
    if count == total:
        return t("all {total}", total)
    return t("{count} of {total}", count, total) if count else t("none of {total}", total)
