"""What each idea buys: one convolution as a ladder of loops, under the roofs of the machine."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from convlab.errors import SpecError
from convlab.viz.canvas import Canvas
from convlab.viz.ladder_rows import LadderStep, Rows


def ladder(
    rungs: Sequence[LadderStep],
    others: Sequence[LadderStep],
    roofs: tuple[float, float],
    *,
    what: str,
    machine: str,
    size: str = "slide",
    theme: str = "light",
) -> Figure:
    """A bar for each rung, on a logarithmic scale, whose strong part is what its idea bought.

    ``others``: other ways to convolve, below the rungs; ``roofs``: FLOP/s at the peak of
    multiply-adds, and at which memory alone would limit this convolution (Williams, Waterman &
    Patterson, Communications of the ACM 52(4), 2009); ``what`` is convolved, ``machine`` says
    where.  A rung that is slower than the one before, by a twentieth or more, has its loss in the
    colour of a mistake.
    Canvases too narrow for all columns have two lines a row.  All sizes have room for ten rungs
    and three other ways.

    Raises SpecError without rungs, for rungs without a speed, for numbers that are not above
    0, and for an unknown theme or size.
    """
    _check(rungs, others, roofs)
    canvas = Canvas(size, theme, aspect=1.4)
    speeds = [rung.speed for rung in rungs if rung.speed is not None]
    gain = float(f"{max(speeds) / speeds[0]:.2g}")
    title = f"{len(rungs)} rungs: {gain:,.0f} times as fast as {rungs[0].idea}"
    canvas.headline(title if len(rungs) > 1 else what, f"{what}; {machine}", canvas.theme.ink)
    Rows(canvas, rungs, others, roofs).draw()
    return canvas.figure


def _check(
    rungs: Sequence[LadderStep], others: Sequence[LadderStep], roofs: tuple[float, float]
) -> None:
    if not rungs:
        raise SpecError("expected at least one rung, got none")
    numbers = {f"a speed of {rung.idea}": rung.speed for rung in rungs}
    numbers |= {f"a speed of {way.idea}": way.speed for way in others if way.speed is not None}
    numbers |= {"a peak": roofs[0], "a roof of memory": roofs[1]}
    for name, value in numbers.items():
        if value is None or not (math.isfinite(value) and value > 0):
            raise SpecError(f"expected {name} above 0, got {value}")
