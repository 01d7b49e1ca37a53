"""The one place that names colours, sizes, fonts, colour maps and number formats.

A role (input, window, output, mistake) has the same colour in every figure; no other module of
:mod:`convlab.viz` defines a colour or a size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import (
    LinearSegmentedColormap,
    ListedColormap,
    Normalize,
    to_hex,
    to_rgb,
)
from matplotlib.figure import Figure
from matplotlib.typing import ColorType
from numpy.typing import NDArray

from convlab.errors import SpecError
from convlab.numerals import TIMES, number
from convlab.spelling import extent
from convlab.viz import look
from convlab.words import t

# DejaVu Sans ships with matplotlib, so text measures the same on every machine; the generic family
# after it only helps a browser that shows an SVG without it.
FONT = ("DejaVu Sans", "sans-serif")

ARROW = "\u2192"
ELLIPSIS = "\u2026"


@dataclass(frozen=True)
class Theme:
    """The colours of all roles on one ground, as #RRGGBB.

    ``ground`` is also the colour of exactly zero in the diverging map;
    ``transparent`` leaves the ground itself unpainted.
    """

    name: str
    transparent: bool
    ground: str
    ink: str
    quiet: str
    hairline: str
    hairline_fill: str
    input: str
    input_fill: str
    window: str
    window_fill: str
    output: str
    output_fill: str
    mistake: str
    red: str
    green: str
    blue: str
    negative: tuple[str, str]  # half way and at the lower limit of the diverging map
    positive: tuple[str, str]  # half way and at the upper limit

    def channel(self, index: int, count: int) -> tuple[str, str]:
        """Name and colour of one of an image's channels: red, green and blue are three."""
        if count == 3:
            return ((t("red"), self.red), (t("green"), self.green), (t("blue"), self.blue))[index]
        return t("channel {index}", index), self.input


_LIGHT = Theme(
    name="light",
    transparent=False,
    ground="#FFFFFF",
    ink="#1B2430",
    quiet="#5B6673",
    hairline="#C9D0D8",
    hairline_fill="#F6F7F9",
    input="#1031AA",
    input_fill="#E4E9F8",
    window="#B56C01",
    window_fill="#FBE3BC",
    output="#14A06E",
    output_fill="#DBF2E8",
    mistake="#BB0C8A",
    red="#C4161C",
    green="#24761B",
    blue="#2A52E0",
    negative=("#E59B3F", "#7F3B08"),
    positive=("#9389C2", "#2D004B"),
)

_DARK = Theme(
    name="dark",
    transparent=False,
    ground="#12171D",
    ink="#E8EDF2",
    quiet="#A7B3C0",
    hairline="#3A4653",
    hairline_fill="#171D25",
    input="#6F9BEF",
    input_fill="#1D2A44",
    window="#F0C674",
    window_fill="#4A3B1C",
    output="#8BEFE2",
    output_fill="#1C3B3A",
    mistake="#DE5F9F",
    red="#FF7B72",
    green="#7BD67B",
    blue="#7FA9FF",
    negative=("#A15A12", "#FFC680"),
    positive=("#6757B5", "#CBC0FF"),
)

THEMES: dict[str, Theme] = {
    "light": _LIGHT,
    "dark": _DARK,
    "transparent": replace(_LIGHT, name="transparent", transparent=True),
}


@dataclass(frozen=True)
class Size:
    """A canvas: extents, text and strokes in pixels at ``dpi`` dots per inch.

    ``heights`` are the lowest and the highest canvas; a figure says which shape
    it needs and gets the nearest height between them.  A ``margin`` of 0 is a twentieth of
    the width.
    """

    name: str
    dpi: float
    width: float
    heights: tuple[float, float]
    title: float
    subtitle: float
    label: float
    small: float
    hair: float
    thick: float
    margin: float = 0.0

    def __str__(self) -> str:
        return self.name

    @property
    def in_millimetres(self) -> bool:
        """Whether it is that of something printed."""
        return self.name.startswith("paper") or self.name.endswith("mm")


class Sketch(Figure):
    """A figure that knows its theme and its size, and the parts in which it is built up.

    ``parts``: what belongs to each, by its number; 0 is there from the start.
    """

    theme: Theme
    size: Size
    parts: dict[int, list[Artist]]


def built(figure: Figure) -> Iterator[Figure]:
    """A figure with its first part, with the next one, and at last with all of them.

    Raises SpecError if it is one whole.
    """
    parts = figure.parts if isinstance(figure, Sketch) else {}
    order = sorted(parts.keys() - {0})
    if len(order) < 2:
        raise SpecError("build: expected a picture that has parts, got one whole")
    for last in order:
        for part in order:
            for artist in parts[part]:
                artist.set_visible(part <= last)
        yield figure


def _paper(
    name: str, width_mm: float, lowest_mm: float, highest_mm: float, dpi: float = 300.0
) -> Size:
    mm = dpi / 25.4
    # Text of 7 to 9 points, larger only on what is larger than a page.
    pt = dpi / 72.0 * max(1.0, min(width_mm / 250, highest_mm / 180))
    return Size(
        name=name,
        dpi=dpi,
        width=round(width_mm * mm),
        heights=(round(lowest_mm * mm), round(highest_mm * mm)),
        title=9 * pt,
        subtitle=7.5 * pt,
        label=7.5 * pt,
        small=7 * pt,
        hair=0.5 * pt,
        thick=1.6 * pt,
    )


SIZES: dict[str, Size] = {
    "slide": Size("slide", 100.0, 1600, (900, 900), 34, 23, 21, 17, 1.2, 5.0),
    "animation": Size("animation", 100.0, 800, (450, 450), 19, 13, 12, 10, 0.8, 2.8),
    "small": Size("small", 100.0, 500, (281, 375), 17, 12, 12, 11, 0.8, 2.4),
    "paper": _paper("paper", 85, 48, 120),
    "paper-wide": _paper("paper-wide", 170, 80, 120),
}


def _pixels(name: str, width: int, height: int) -> Size:
    """A size whose text is in proportion to its shorter side, and never too small to read."""
    slide = SIZES["slide"]
    scale = min(width / slide.width, height / slide.heights[0])
    small = max(10.0, slide.small * scale)
    return Size(
        name=name,
        dpi=slide.dpi,
        width=width,
        heights=(height, height),
        title=max(1.5 * small, slide.title * scale),
        subtitle=max(1.15 * small, slide.subtitle * scale),
        label=max(1.1 * small, slide.label * scale),
        small=small,
        hair=max(0.8, slide.hair * scale),
        thick=max(2.4, slide.thick * scale),
        margin=min(width, height * 16 / 9) / 20,
    )


def theme_named(name: str) -> Theme:
    """The theme called ``light``, ``dark`` or ``transparent``, in the colours of a user's style.

    Raises SpecError for another name.
    """
    if name not in THEMES:
        raise SpecError(f"expected a theme among {', '.join(THEMES)}, got {name!r}")
    roles = look.current().roles
    return replace(THEMES[name], **roles) if roles else THEMES[name]


def size_named(name: str | Size, dpi: float | None = None) -> Size:
    """The size called by a name in SIZES, one such as 1920x1080 or 85mmx60mm, or the size itself.

    ``dpi``: of a size in millimetres, by default 300.  Raises SpecError for another.
    """
    if isinstance(name, Size):
        return name
    if dpi is not None and "mm" not in name:
        raise SpecError(f"dpi: expected a size in millimetres, such as 85mmx60mm, got {name}")
    if name in SIZES:
        return SIZES[name]
    width, height, unit = extent(name)
    if unit == "mm":
        return _paper(f"{width}mmx{height}mm", width, height, height, dpi or 300.0)
    return _pixels(f"{width}x{height}", width, height)


def blank_figure(
    size: str | Size = "slide", theme: str = "light", aspect: float = 9 / 16
) -> Sketch:
    """An empty figure of one of our sizes on the background of one of our themes.

    ``aspect`` is the wanted height / width; sizes that are not fixed follow it within their limits.
    Raises SpecError for an unknown size or theme.
    """
    chosen, colours = size_named(size), theme_named(theme)
    lowest, highest = chosen.heights
    height = min(max(round(chosen.width * aspect), lowest), highest)
    figure = Sketch(
        figsize=(chosen.width / chosen.dpi, height / chosen.dpi),
        dpi=chosen.dpi,
        facecolor="none" if colours.transparent else colours.ground,
    )
    figure.theme, figure.size, figure.parts = colours, chosen, {}
    FigureCanvasAgg(figure)  # gives the figure a renderer to measure text with
    return figure


def rgb_bytes(colour: str) -> NDArray:
    """#RRGGBB as three bytes."""
    return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)], dtype=np.uint8)


def blend(start: str, end: str, share: float) -> str:
    """The colour ``share`` (0 to 1) of the way from ``start`` to ``end``, as #RRGGBB."""
    mixed = np.asarray(to_rgb(start)) * (1 - share) + np.asarray(to_rgb(end)) * share
    return "#" + "".join(f"{round(255 * part):02X}" for part in mixed)


def contrast(first: ColorType, second: ColorType) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.2, definition of contrast ratio)."""

    def luminance(colour: ColorType) -> float:
        parts: NDArray = np.array(to_rgb(colour))
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def ink_on(fill: ColorType) -> str:
    """A text colour with a contrast of at least 4.5 on ``fill``: our ink, white or black."""
    for ink in (_LIGHT.ink, "#FFFFFF"):
        if contrast(ink, fill) >= 4.5:
            return ink
    return "#000000"  # only on middle tones, where white misses 4.5 and black cannot


def diverging_map(theme: Theme) -> LinearSegmentedColormap:
    """Colours for signed numbers; exactly ``theme.ground`` in the middle.

    An odd number of entries, so that under symmetric limits zero falls on the middle entry and not
    between two.
    """
    stops = [
        theme.negative[1],
        theme.negative[0],
        theme.ground,
        theme.positive[0],
        theme.positive[1],
    ]
    return LinearSegmentedColormap.from_list(f"signed {theme.name}", stops, N=257)


def cyclic_map(theme: Theme) -> ListedColormap:
    """Cyclic colours for directions.

    Twilight distinguishes opposite directions by lightness, and blue and red halves by hue, even
    with colour blindness; a share of ink sets it off from both backgrounds.
    """
    steps = matplotlib.colormaps["twilight"](np.linspace(0, 1, 256))[:, :3]
    return ListedColormap(0.7 * steps + 0.3 * np.array(to_rgb(theme.ink)), f"cyclic {theme.name}")


# Found by a search: at least 22 apart (CIE76) for normal sight and all three kinds of colour
# blindness, with a contrast of 3 and more, and far from the colours of channels and mistakes.
_CLASSES = {
    "light": "#3B149D #D87600 #B1769D #009D62 #760027 #624E00 #FF004E #3B62B1 #B176FF #621462",
    "dark": "#FFB1FF #D80014 #00EBB1 #7662FF #FF8900 #3B9D9D #D8D876 #C48962 #C40062 #C400B1",
}


def class_colours(count: int, theme: Theme) -> list[str]:
    """Colours of so many classes, as #RRGGBB: ten, after which they repeat."""
    ten = _CLASSES["dark" if theme.name == "dark" else "light"].split()
    return [ten[label % len(ten)] for label in range(count)]


def shared_colours(count: int, theme: Theme) -> list[str]:
    """``count`` colours, one for each weight that several units share, as #RRGGBB.

    Even steps through plasma, which is uniform in lightness and so works with colour blindness,
    without its blue start and without colours whose contrast with the background is below 3.
    """
    steps = matplotlib.colormaps["plasma"](np.linspace(0.12, 1, 256))[:, :3]
    seen = [step for step in steps if contrast(step, theme.ground) >= 3]
    return [to_hex(seen[round(at)]).upper() for at in np.linspace(0, len(seen) - 1, count)]


@dataclass(frozen=True)
class Scale:
    """How numbers become colours in one figure: limits, map, and the ends that were cut off.

    ``only`` is the value of all numbers if they are equal and the limits are made up.
    """

    lowest: float
    highest: float
    colours: matplotlib.colors.Colormap
    cut_low: bool = False
    cut_high: bool = False
    only: float | None = None

    @property
    def words(self) -> str:
        """What the ends are, for a picture without a bar."""
        if self.only is not None:
            return t("{number} everywhere", number(self.only))
        if self.lowest < 0 < self.highest:
            return t("orange {number}, violet {number2}", number(self.lowest), number(self.highest))
        return t("dark {number}, bright {number2}", number(self.lowest), number(self.highest))

    def rgb(self, values: NDArray) -> NDArray:
        """Values of any shape to bytes (..., 3); numbers that are not finite get the middle."""
        middle = (self.lowest + self.highest) / 2
        known = np.where(np.isfinite(values), values, middle).astype(float)
        shades = self.colours(Normalize(self.lowest, self.highest)(known))[..., :3]
        # matplotlib's own bytes are truncated, not rounded: zero would miss the background by one.
        return np.round(255 * shades).astype(np.uint8)


def signed_scale(values: NDArray, theme: Theme, limit: float | None = None) -> Scale:
    """Symmetric limits around zero in the diverging map.

    ``limit`` is the largest magnitude shown; None takes the largest finite one
    of ``values``.  Raises SpecError for a limit that is not above zero.
    """
    finite = values[np.isfinite(values)]
    reach = float(np.abs(finite).max()) if finite.size else 0.0
    only = None
    if limit is None:
        limit = reach or 1.0
        only = 0.0 if finite.size and not reach else None
    elif not (math.isfinite(limit) and limit > 0):
        raise SpecError(f"expected a limit above 0, got {limit}")
    return Scale(
        -float(limit),
        float(limit),
        diverging_map(theme),
        cut_low=bool(finite.size and finite.min() < -limit),
        cut_high=bool(finite.size and finite.max() > limit),
        only=only,
    )


def activation_scale(values: NDArray) -> Scale:
    """Limits at the smallest and largest finite value, in cividis."""
    finite = values[np.isfinite(values)]
    lowest = float(finite.min()) if finite.size else 0.0
    highest = float(finite.max()) if finite.size else 1.0
    only = None
    if lowest == highest:
        only = lowest
        # A constant map keeps its number at one end of the bar.
        lowest, highest = (lowest, 0.0) if lowest < 0 else (0.0, highest or 1.0)
    return Scale(lowest, highest, matplotlib.colormaps["cividis"], only=only)


def has_both_signs(values: NDArray) -> bool:
    """Whether there are finite numbers below and above 0."""
    finite = values[np.isfinite(values)]
    return bool((finite < 0).any() and (finite > 0).any())


def value_scale(values: NDArray, theme: Theme, signed: bool | None = None) -> Scale:
    """Dark to bright; around 0, with equal ends, if there are both signs, or as ``signed`` says."""
    signed = has_both_signs(values) if signed is None else signed
    return signed_scale(values, theme) if signed else activation_scale(values)


def grey_scale(values: NDArray) -> Scale:
    """Limits at the smallest and largest finite value, from black to white: images."""
    return replace(activation_scale(values), colours=matplotlib.colormaps["gray"])


def size_text(*lengths: int) -> str:
    """Sizes as rows × columns × channels: 28 × 28 × 6."""
    return f" {TIMES} ".join(str(int(length)) for length in lengths)


_STEPS = 256


def shades(values: NDArray, scale: Scale) -> NDArray:
    """Values (H, W) as bytes (H, W, 3): ``scale.rgb`` by a table."""
    table = scale.rgb(np.linspace(scale.lowest, scale.highest, _STEPS + 1))
    factor = np.float32(_STEPS / (scale.highest - scale.lowest))
    place = (values - np.float32(scale.lowest)) * factor + np.float32(0.5)
    return table.take(np.clip(place, 0, _STEPS).astype(np.uint16), axis=0)


def colours(image: NDArray, levels: tuple[float, float]) -> NDArray:
    """An RGB image (3, H, W) over ``levels`` as bytes (H, W, 3)."""
    low, high = (np.float32(level) for level in levels)
    share = np.clip((image - low) * (np.float32(255) / (high - low)) + np.float32(0.5), 0, 255)
    return np.moveaxis(share.astype(np.uint8), 0, -1)


def reduced(rgb: NDArray, factor: int) -> NDArray:
    """Means over blocks of factor × factor; the remainder at the end is less than one pixel."""
    rows, columns = (length // factor * factor for length in rgb.shape[:2])
    rgb, steps = rgb[:rows, :columns], range(factor)
    tall: NDArray = sum((rgb[step::factor] for step in steps), np.zeros((), np.uint32))
    total: NDArray = sum((tall[:, step::factor] for step in steps), np.zeros((), np.uint32))
    return ((total + factor**2 // 2) // factor**2).astype(np.uint8)
