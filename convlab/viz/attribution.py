"""Maps of what an answer depends on: of the trained network and of one that learned nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import number, plus_minus
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.style import Scale
from convlab.viz.tiles import whole_cells

COVER = 0.85  # of the image, where a map that is drawn over it has its largest value
DIMMED = (14, 0.36)  # the grey of black under such a map, and the share that is left of contrast


def attribution(
    image: ArrayLike,
    maps: Sequence[tuple[str, ArrayLike]],
    *,
    signed: bool,
    over: bool = False,
    ends: tuple[str, str] = ("", ""),
    notes: Sequence[tuple[str, bool]] = (),
    facts: Sequence[tuple[str, str]] = (),
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """An image and maps of its pixels side by side, each map on its own scale.

    image: (1, H, W) or (3, H, W), uint8.  maps: names with arrays (H, W); the first
    is that of the trained network, others stand quietly beside it.  signed:
    diverging colours with symmetric limits; else magnitudes from 0, in cividis.
    over: the magnitudes lie as a glow over the image, grey and dimmed, the more the
    larger.  ends: what the lower and the upper end of a scale mean.  A map that is
    the same everywhere has no scale, but its number.  notes: one for the image and
    one for each map, a text below the heading and whether it tells a mistake.
    facts: (label, text) pairs that stand below.

    Raises ShapeError for no map, for maps of another size than the image and for
    another number of notes, SpecError for an unknown theme or size.
    """
    rgb = image_rgb(np.asarray(image))
    arrays = [np.asarray(values, dtype=float) for _, values in maps]
    if not arrays:
        raise ShapeError("expected at least one map, got none")
    for array in arrays:
        if array.shape != rgb.shape[:2]:
            raise ShapeError(f"expected maps {rgb.shape[:2]} as the image, got {array.shape}")
    if notes and len(notes) != 1 + len(maps):
        raise ShapeError(f"expected {1 + len(maps)} notes, got {len(notes)}")
    canvas = Canvas(size, theme, aspect=0.9)
    if len(maps) > 1 and not all(_constant(array) for array in arrays):
        subtitle = "; ".join(part for part in (subtitle, "each map on its own scale") if part)
    canvas.headline(title, subtitle, canvas.theme.output)
    small, unit = canvas.size.small, canvas.unit
    head = canvas.size.label * LINE + (small * LINE if notes else 0.0) + 0.3 * small
    strip, gap = 14 * unit, 10 * unit
    below = gap + strip + 0.3 * small + small * LINE * (2 if any(ends) else 1)
    between = 26 * unit
    width = (canvas.inner_width - len(maps) * between) / (1 + len(maps))
    rows, columns = rgb.shape[:2]

    def cell_above(facts: Sequence[tuple[str, str]]) -> float:
        height = room_above(canvas, facts) - canvas.top - head - below
        return whole_cells(width, height, rows, columns)

    # On a small canvas the picture comes before the last facts.
    while len(facts) > 1 and cell_above(facts) < 0.75 * cell_above(facts[:1]):
        facts = facts[:-1]
    cell, foot = cell_above(facts), facts_at_foot(canvas, facts)
    across, tall = cell * columns, cell * rows
    # Panels of narrow images stand as far apart as their headings need, and a little more.
    names = ["input", *(name for name, _ in maps)]
    widest = max(
        canvas.widest(names, canvas.size.label, bold=True),
        canvas.widest([text for text, _ in notes], small),
    )
    slot = min(width, max(across, widest, 11 * small))
    step = min(width + between, slot + 6 * between)
    spare = foot - canvas.top - head - tall - below
    top = canvas.top + min(max(spare, 0.0) / 2, 1.5 * canvas.size.label)
    colours = [canvas.theme.input, canvas.theme.output, *[canvas.theme.quiet] * len(maps)]
    for index, name in enumerate(names):
        left = canvas.left + index * step
        canvas.text(left, top, name, colour=colours[index], bold=True, width=slot)
        if notes:
            text, mistake = notes[index]
            colour = canvas.theme.mistake if mistake else canvas.theme.ink
            y = top + canvas.size.label * LINE
            canvas.text(left, y, text, px=small, colour=colour, width=slot)
        if index == 0:
            canvas.picture(rgb, left, top + head, across, tall)
            canvas.box(left, top + head, across, tall, edge=canvas.theme.input)
            continue
        array = arrays[index - 1]
        scale = _scale(array, signed, canvas)
        if over:
            canvas.picture(_glowing(array, scale, rgb), left, top + head, across, tall)
        else:
            canvas.array(array, scale, left, top + head, across, tall)
        canvas.box(left, top + head, across, tall, edge=canvas.theme.hairline)
        long = max(across, min(slot, 11 * small))
        y = top + head + tall + gap
        if _constant(array):
            finite = array[np.isfinite(array)]
            text = f"{number(finite[0])} everywhere" if finite.size else "no finite number"
            canvas.text(left, y, text, px=small, width=long)
            continue
        shades = np.linspace(scale.lowest, scale.highest, 257)[None]
        if over:
            # A glow looks different over white and over black.
            for level, at in ((255, y), (0, y + strip / 2)):
                ground = np.full((1, 257, 3), level)
                canvas.picture(_glowing(shades, scale, ground), left, at, long, strip / 2)
        else:
            canvas.picture(scale.rgb(shades), left, y, long, strip)
        canvas.box(left, y, long, strip, edge=canvas.theme.hairline)
        _limits(canvas, scale, ends, left, y + strip + 0.3 * small, long)
    return canvas.figure


def _constant(values: NDArray) -> bool:
    """Whether a map has no two numbers that differ, so that there is no scale to it."""
    finite = values[np.isfinite(values)]
    return not finite.size or bool(finite.min() == finite.max())


def _scale(values: NDArray, signed: bool, canvas: Canvas) -> Scale:
    if signed:
        return style.signed_scale(values, canvas.theme)
    return style.activation_scale(np.append(values, 0.0))


def _glowing(values: NDArray, scale: Scale, rgb: NDArray) -> NDArray:
    """An image, grey and dimmed, under the scale's highest colour, as bytes (H, W, 3)."""
    share = COVER * np.nan_to_num(values / scale.highest).clip(0, 1)[..., None]
    darkest, contrast = DIMMED
    grey = darkest + contrast * rgb.mean(axis=2, keepdims=True)
    glow = scale.rgb(np.array([scale.highest]))
    return np.round(share * glow + (1 - share) * grey).astype(np.uint8)


def _limits(
    canvas: Canvas, scale: Scale, ends: tuple[str, str], left: float, y: float, width: float
) -> None:
    """The ends of a flat bar with their meaning, and zero in its middle, as far as they fit."""
    small = canvas.size.small
    low, high = number(scale.lowest), number(scale.highest)
    sides = [canvas.widest(pair, small) for pair in ((low, ends[0]), (high, ends[1]))]
    if sum(sides) + small > width:
        # Too narrow for both side by side: one below the other.
        lines = [f"{low} {ends[0]}".strip(), f"{high} {ends[1]}".strip()]
        if not any(ends):
            lines = [plus_minus(scale.highest) if scale.lowest < 0 else f"{low} to {high}"]
        for line, text in enumerate(lines):
            canvas.text(left, y + line * small * LINE, text, px=small, width=width)
        return
    for x, anchor, text, word in (
        (left, "lt", low, ends[0]),
        (left + width, "rt", high, ends[1]),
    ):
        canvas.text(x, y, text, anchor, px=small)
        if word:
            canvas.note(x, y + small * LINE, word, anchor)
    if scale.lowest < 0 and 2 * canvas.widest([low, high], small) + 3 * small < width:
        canvas.text(left + width / 2, y, "0", "mt", px=small)


def facts_at_foot(canvas: Canvas, facts: Sequence[tuple[str, str]]) -> float:
    """Facts as lines at the foot, labels in a column; returns where the room above them ends."""
    small = canvas.size.small
    labels, lines = _fact_lines(canvas, facts)
    top = canvas.bottom - len(lines) * small * LINE
    for index, (name, line) in enumerate(lines):
        y = top + index * small * LINE
        left = canvas.left + labels
        canvas.note(canvas.left, y, name, width=labels)
        canvas.text(left, y, line, px=small, width=canvas.right - left)
    return room_above(canvas, facts)


def room_above(canvas: Canvas, facts: Sequence[tuple[str, str]]) -> float:
    """Where the room above facts ends."""
    if not facts:
        return canvas.bottom
    lines = _fact_lines(canvas, facts)[1]
    return canvas.bottom - len(lines) * canvas.size.small * LINE - canvas.size.label


def _fact_lines(
    canvas: Canvas, facts: Sequence[tuple[str, str]]
) -> tuple[float, list[tuple[str, str]]]:
    """Width of the facts' labels and the space after them, and (label, text) of each line."""
    labels = canvas.widest([name for name, _ in facts], canvas.size.small) + canvas.size.small
    return labels, [
        (name if not number else "", line)
        for name, text in facts
        for number, line in enumerate(_wrapped(canvas, text, canvas.inner_width - labels))
    ]


def _wrapped(canvas: Canvas, text: str, width: float) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and canvas.measure(longer, canvas.size.small) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
