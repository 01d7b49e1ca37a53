"""Maps of what an answer depends on: of the trained network and of one that learned nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.viz import style
from convlab.viz.page import LINE, Page, image_rgb, whole_cells
from convlab.viz.style import Scale

COVER = 0.9  # of the image, where a map that is drawn over it has its largest value


def attribution(
    image: ArrayLike,
    maps: Sequence[tuple[str, ArrayLike]],
    *,
    signed: bool,
    over: bool = False,
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
    over: magnitudes cover the grey image with the window's colour, the more the
    larger.  facts: (label, text) pairs that stand below.

    Raises ShapeError for no map and for maps of another size than the image,
    SpecError for an unknown theme or size.
    """
    rgb = image_rgb(np.asarray(image))
    arrays = [np.asarray(values, dtype=float) for _, values in maps]
    if not arrays:
        raise ShapeError("expected at least one map, got none")
    for array in arrays:
        if array.shape != rgb.shape[:2]:
            raise ShapeError(f"expected maps {rgb.shape[:2]} as the image, got {array.shape}")
    page = Page(size, theme, aspect=0.9)
    page.headline(title, subtitle, page.theme.output)
    small, unit = page.size.small, page.unit
    foot = facts_at_foot(page, facts)
    head = page.size.label * LINE + 0.3 * small
    strip, gap = 14 * unit, 10 * unit
    below = gap + strip + 0.3 * small + small * LINE
    between = 26 * unit
    width = (page.right - page.left - len(maps) * between) / (1 + len(maps))
    rows, columns = rgb.shape[:2]
    cell = whole_cells(width, foot - page.top - head - below, rows, columns)
    across, tall = cell * columns, cell * rows
    # Panels of narrow images stand as far apart as their headings need, and a little more.
    names = ["input", *(name for name, _ in maps)]
    slot = min(width, max(across, page.widest(names, page.size.label, bold=True), 9 * small))
    step = min(width + between, slot + 6 * between)
    spare = foot - page.top - head - tall - below
    top = page.top + min(max(spare, 0.0) / 2, 1.5 * page.size.label)
    colours = [page.theme.input, page.theme.output, *[page.theme.quiet] * len(maps)]
    for index, name in enumerate(names):
        left = page.left + index * step
        page.text(left, top, name, colour=colours[index], bold=True, width=slot)
        if index == 0:
            page.picture(rgb, left, top + head, across, tall)
            page.box(left, top + head, across, tall, edge=page.theme.input)
            continue
        array = arrays[index - 1]
        scale = _scale(array, signed, page)
        shades = np.linspace(scale.lowest, scale.highest, 257)[None]
        if over:
            covered = _covered(array, scale, rgb, page)
            page.picture(covered, left, top + head, across, tall)
            strip_rgb = _covered(shades, scale, np.full((1, 257, 3), 127), page)
        else:
            page.array(array, scale, left, top + head, across, tall)
            strip_rgb = scale.rgb(shades)
        page.box(left, top + head, across, tall, edge=page.theme.hairline)
        long = max(across, min(slot, 9 * small))
        y = top + head + tall + gap
        page.picture(strip_rgb, left, y, long, strip)
        page.box(left, y, long, strip, edge=page.theme.hairline)
        _limits(page, scale, left, y + strip + 0.3 * small, long)
    return page.figure


def _scale(values: NDArray, signed: bool, page: Page) -> Scale:
    if signed:
        return style.signed_scale(values, page.theme)
    return style.activation_scale(np.append(values, 0.0))


def _covered(values: NDArray, scale: Scale, rgb: NDArray, page: Page) -> NDArray:
    """The grey of an image under the window's colour, as bytes (H, W, 3)."""
    share = COVER * np.nan_to_num(values / scale.highest).clip(0, 1)[..., None]
    # Neither black nor white: on both of them the colour would hardly be seen.
    grey = 55 + 0.6 * rgb.mean(axis=2, keepdims=True)
    colour = 255 * np.array(to_rgb(page.theme.window))
    return np.round(share * colour + (1 - share) * grey).astype(np.uint8)


def _limits(page: Page, scale: Scale, left: float, y: float, width: float) -> None:
    """The ends of a flat bar, and zero in its middle, as far as they fit."""
    small = page.size.small
    low, high = style.number(scale.lowest), style.number(scale.highest)
    ends = page.measure(low, small) + page.measure(high, small)
    if scale.lowest < 0 and ends + small > width:
        middle = f"±{high}"
        page.text(left + width / 2, y, middle, px=small, ha="center", width=width)
        return
    page.text(left, y, low, px=small)
    page.text(left + width, y, high, px=small, ha="right")
    longest = max(page.measure(low, small), page.measure(high, small))
    if scale.lowest < 0 and 2 * longest + 3 * small < width:
        page.text(left + width / 2, y, "0", px=small, ha="center")


def facts_at_foot(page: Page, facts: Sequence[tuple[str, str]]) -> float:
    """Facts as lines at the foot, labels in a column; returns where the room above them ends."""
    if not facts:
        return page.bottom
    small, gap = page.size.small, page.size.small
    labels = page.widest([name for name, _ in facts], small)
    room = page.right - page.left - labels - gap
    lines = [
        (name if not number else "", line)
        for name, text in facts
        for number, line in enumerate(_wrapped(page, text, room))
    ]
    top = page.bottom - len(lines) * small * LINE
    for index, (name, line) in enumerate(lines):
        y = top + index * small * LINE
        page.text(page.left, y, name, px=small, colour=page.theme.quiet, width=labels)
        page.text(page.left + labels + gap, y, line, px=small, width=room)
    return top - page.size.label


def _wrapped(page: Page, text: str, width: float) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and page.measure(longer, page.size.small) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
