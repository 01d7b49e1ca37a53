"""What each idea buys: one convolution as a ladder of loops, under the roofs of the machine."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from convlab.checks import above_zero
from convlab.errors import SpecError
from convlab.viz.canvas import Canvas
from convlab.viz.ladder_rows import LadderStep, Rows


def ladder(
    rungs: Sequence[LadderStep],
    others: Sequence[LadderStep],
    roofs: tuple[float, float],
    *,
    title: str,
    subtitle: str = "",
    size: str = "slide",
    theme: str = "light",
) -> Figure:
    """A bar for each rung, on a logarithmic scale, whose strong part is what its idea bought.

    ``others``: other ways to convolve, below the rungs; ``roofs``: FLOP/s at the peak of
    multiply-adds, and at which memory alone would limit this convolution (Williams, Waterman &
    Patterson, Communications of the ACM 52(4), 2009).  A rung that is slower than the one before,
    by a twentieth or more, has its loss in the colour of a mistake.
    Canvases too narrow for all columns have two lines a row.  All sizes have room for ten rungs
    and three other ways.

    Raises SpecError without rungs, for rungs without a speed, for numbers that are not above
    0, and for an unknown theme or size.
    """
    if not rungs:
        raise SpecError("expected at least one rung, got none")
    for step in (*rungs, *(way for way in others if way.speed is not None)):
        above_zero(step.speed, f"a speed of {step.idea}")
    for roof, name in zip(roofs, ("a peak", "a roof of memory"), strict=True):
        above_zero(roof, name)
    canvas = Canvas(size, theme, aspect=1.4)
    canvas.headline(title, subtitle, canvas.theme.ink)
    Rows(canvas, rungs, others, roofs).draw()
    return canvas.figure
