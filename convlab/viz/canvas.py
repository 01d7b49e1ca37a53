"""A figure as one sheet of pixels with y downwards, and everything that is drawn on it.

Text is measured with the figure's renderer before it is placed: it is shrunk to
the smallest legible size, then shortened in the middle, never left to run over.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any, Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from convlab.errors import ShapeError
from convlab.names import one_line, told_apart
from convlab.viz import look, style
from convlab.viz.lettering import lettering
from convlab.viz.style import Scale, Size
from convlab.words import Said, Shown, shown

LINE = 1.35  # from one line of text to the next, in text heights
Segment = tuple[tuple[float, float], tuple[float, float]]
Place = tuple[float, float, float, float]  # left, top, width and height in pixels
_ACROSS: dict[str, Literal["left", "center", "right"]] = {"l": "left", "m": "center", "r": "right"}
_DOWN: dict[str, Literal["top", "center_baseline", "center", "baseline", "bottom"]] = {
    "t": "top",
    "m": "center_baseline",
    "c": "center",
    "s": "baseline",
    "b": "bottom",
}
# What is never divided: a word, or one Chinese or Japanese letter with the sign after it.
_PIECE = re.compile("( *(?:[\u3040-\u9fff][\u3001-\u3011\uff01-\uff1f]*|[^ \u3040-\u9fff]+))")
LONGEST = 300  # letters in a line; no canvas has room for more


@cache
def _font(px: float, dpi: float, bold: bool, families: tuple[str, ...]) -> FontProperties:
    return FontProperties(
        family=list(families), size=px * 72 / dpi, weight="bold" if bold else "normal"
    )


@cache
def _ruler(dpi: float) -> RendererAgg:
    """A renderer that only measures: the width of a text does not depend on the figure."""
    return RendererAgg(1, 1, dpi)


@lru_cache(maxsize=50_000)
def _width(text: str, px: float, dpi: float, bold: bool, family: str) -> float:
    text, families, bold, _ = lettering(text, bold, family)
    font = _font(px, dpi, bold, families)
    return _ruler(dpi).get_text_width_height_descent(text, font, ismath=False)[0]


def checked_image(image: ArrayLike) -> NDArray:
    """An image (1, H, W) or (3, H, W) as an array.  Raises ShapeError for another shape."""
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[0] not in (1, 3) or 0 in image.shape:
        raise ShapeError(f"expected an image (1, H, W) or (3, H, W), got {image.shape}")
    return image


def image_rgb(image: ArrayLike) -> NDArray:
    """An image (1, H, W) or (3, H, W) as bytes (H, W, 3).

    uint8 is shown unchanged, and so are floats from 0 to 1; other floats are stretched from their
    smallest to their largest value.  Raises ShapeError.
    """
    shown = checked_image(image)
    if shown.dtype != np.uint8:
        shown = np.nan_to_num(shown.astype(float))
        lowest, highest = shown.min(), shown.max()
        if lowest < 0 or highest > 1:
            shown = (shown - lowest) / ((highest - lowest) or 1.0)
        shown = np.round(255 * shown).astype(np.uint8)
    return np.broadcast_to(np.moveaxis(shown, 0, -1), (*shown.shape[1:], 3))


class _Letters(Text):
    """A text of a figure as it was ``written``, those of its letters that boxes stand for, whether
    it is cut, and the pieces that follow it on its line."""

    written = ""
    undrawn = ""
    cut = False
    pieces: Sequence[_Letters] = ()


class Canvas:
    """One figure being drawn; all positions and lengths in pixels from the upper left corner."""

    def __init__(self, size: str | Size, theme: str, aspect: float = 9 / 16) -> None:
        self.size, self.look = style.size_named(size), look.current()
        self.theme = style.theme_named(theme)
        self.figure = style.blank_figure(size, theme, aspect)
        self.width = self.figure.get_figwidth() * self.size.dpi
        self.height = self.figure.get_figheight() * self.size.dpi
        self.margin = self.size.margin or self.width / 20
        self.left, self.right = self.margin, self.width - self.margin
        self.top, self.bottom = self.margin, self.height - self.margin
        self.unit = self.size.small / 17  # a pixel of the slide, at this size
        self._axes = self.figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._axes.set_xlim(0, self.width)
        self._axes.set_ylim(self.height, 0)
        self._axes.autoscale(False)
        self._layer = self._part = 0

    @property
    def inner_width(self) -> float:
        """Pixels from ``left`` to ``right``."""
        return self.right - self.left

    @property
    def inner_height(self) -> float:
        """Pixels from ``top`` to ``bottom``."""
        return self.bottom - self.top

    # Text ---------------------------------------------------------------------------------

    def measure(self, text: str, px: float, bold: bool = False) -> float:
        """Width of one line of text in pixels, at most that of a drawable line."""
        text = _shortened(self.said(text), LONGEST)
        return _width(text, px, self.size.dpi, bold, self.look.font)

    def said(self, text: str) -> str:
        """A text in the language of the figure."""
        return shown(text, self.look.language)

    def widest(self, texts: Iterable[str], px: float, bold: bool = False) -> float:
        """Width of the widest of several texts, 0 for none."""
        return max((self.measure(text, px, bold) for text in texts), default=0.0)

    def fit(
        self, text: str, width: float, px: float, smallest: float | None = None, bold: bool = False
    ) -> tuple[str, float]:
        """Text and height that stay within ``width``: shrunk to ``smallest``, then shortened.

        A shortened text keeps its beginning and its end around "…".
        """
        own = isinstance(text, Said) or text == self.look.title
        text = Shown(_shortened(one_line(self.said(text)), LONGEST))
        smallest = min(px, self.size.small if smallest is None else smallest)
        full = self.measure(text, px, bold)
        if full <= width:
            return text, px
        # Because of hinting, widths are not quite proportional, hence the second check.
        for height in (max(smallest, px * width / full * 0.98), smallest):
            if self.measure(text, height, bold) <= width:
                return text, height
        kept_low, kept_high = 0, len(text) - 1
        while kept_low < kept_high:
            kept = (kept_low + kept_high + 1) // 2
            if self.measure(Shown(_shortened(text, kept)), smallest, bold) <= width:
                kept_low = kept
            else:
                kept_high = kept - 1
        short = Shown(_shortened(text, kept_low))
        short.cut = own
        return short, smallest

    def names(self, texts: Sequence[str], width: float, px: float, bold: bool = False) -> list[str]:
        """Names that stand beside each other, each in ``width``; see :func:`told_apart`.

        Words of ours among them stay as they are.
        """
        px = min(px, self.size.small)
        own = [not isinstance(text, Said | Shown) for text in texts]
        given = [one_line(text) for text, mine in zip(texts, own, strict=True) if mine]
        short = iter(told_apart(given, lambda text: self.measure(text, px, bold) <= width))
        return [next(short) if mine else text for text, mine in zip(texts, own, strict=True)]

    def text(
        self,
        x: float,
        y: float,
        text: str,
        anchor: str = "lt",
        *,
        px: float | None = None,
        colour: str | None = None,
        bold: bool = False,
        rotation: float = 0,
        width: float = math.inf,
    ) -> _Letters:
        """One line of text at (x, y), fitted into ``width`` along its own direction.

        ``anchor`` says which point of the text is there, as in Pillow: its left, middle or right
        (l, m, r), then its top, the middle of its letters, its centre, baseline or bottom (t, m, c,
        s, b).
        """
        fitted, height = self.fit(text, width, px or self.size.label, bold=bold)
        cut = getattr(fitted, "cut", False) or getattr(text, "cut", False)
        drawn, families, bold, undrawn = lettering(fitted, bold, self.look.font)
        artist = _Letters(
            x,
            y,
            drawn,
            color=colour or self.theme.ink,
            fontproperties=_font(height, self.size.dpi, bold, families),
            horizontalalignment=_ACROSS[anchor[0]],
            verticalalignment=_DOWN[anchor[1]],
            rotation=rotation,
            parse_math=False,  # a class may be called $5
        )
        # Looked at when the figure is written.
        artist.written, artist.undrawn, artist.cut = fitted, undrawn, cut
        self._add(artist)
        return artist

    def note(self, x: float, y: float, text: str, anchor: str = "lt", **look: Any) -> None:
        """A small line, quiet unless it has a ``colour``, otherwise as by :meth:`text`."""
        look["colour"] = look.get("colour") or self.theme.quiet
        self.text(x, y, text, anchor, px=self.size.small, **look)

    def paragraph(
        self, x: float, y: float, lines: Iterable[str], px: float | None = None, **look: Any
    ) -> float:
        """Lines of text from (x, y) downwards, as by :meth:`text`; returns where the next one
        would go."""
        px = px or self.size.label
        for line in lines:
            self.text(x, y, line, px=px, **look)
            y += px * LINE
        return y

    def heading(
        self,
        x: float,
        name: str,
        notes: Iterable[str] = (),
        *,
        colour: str | None = None,
        width: float = math.inf,
    ) -> float:
        """A bold name at ``top``, and quiet notes below it; returns where they end."""
        self.text(x, self.top, name, colour=colour, bold=True, width=width)
        y = self.top + self.size.label * LINE
        quiet = self.theme.quiet
        return self.paragraph(x, y, notes, px=self.size.small, colour=quiet, width=width)

    def run(
        self, x: float, y: float, parts: Sequence[tuple[str, str, bool]], px: float, down: str = "t"
    ) -> None:
        """Pieces (text, colour, bold) in a row on one line; the caller has made them fit."""
        space, drawn = self.measure("n n", px) - self.measure("nn", px), []
        for text, colour, bold in parts:
            drawn.append(self.text(x, y, text, f"l{down}", px=px, colour=colour, bold=bold))
            drawn[0].pieces = drawn[1:]
            x += self.measure(text, px, bold) + space

    def run_width(self, parts: Sequence[tuple[str, str, bool]], px: float) -> float:
        """Width that :meth:`run` needs."""
        space = self.measure("n n", px) - self.measure("nn", px)
        widths = [self.measure(text, px, bold) for text, _, bold in parts]
        return sum(widths) + space * (len(parts) - 1)

    def titled(self) -> None:
        """The title that a user gave a figure that has none of its own."""
        if self.look.title:
            self.headline(self.look.title, "", self.theme.ink)

    def headline(self, title: str, subtitle: str, colour: str, notes: Iterable[str] = ()) -> None:
        """The title in its role's colour and the quiet line below it; moves ``top`` below both.

        The quiet line may take a second line if the figure is narrow, and so may each of the
        ``notes`` below it.
        """
        room, size = self.inner_width, self.size
        y = self.top
        title = title if self.look.title is None else self.look.title
        if not self.look.caption:
            subtitle, notes = "", ()
        if title.strip():
            least = max(size.subtitle, size.small)
            fitted, px = self.fit(title, room, size.title, least, True)
            lines = [fitted]
            if self.look.title and style.ELLIPSIS in fitted:  # a user's own is not cut, but divided
                lines = self.lines(title, room, px, bold=True)
            for line in lines:
                self.text(self.left, y, line, px=px, colour=colour, bold=True, width=room)
                y += (size.title if len(lines) == 1 else px) * LINE
        px, quiet = size.subtitle, self.theme.quiet
        lines = self.lines(subtitle, room, px)
        y = self.paragraph(self.left, y, lines, px=px, colour=quiet, width=room)
        y = self.paragraph(self.left, y, self._notes(notes), px=px, width=room)
        self.top = y + 0.7 * size.label

    def headline_lines(self, subtitle: str) -> int:
        """How many lines this text takes below the title of :meth:`headline`."""
        if not self.look.caption:
            return 0
        return len(self.lines(subtitle, self.inner_width, self.size.subtitle))

    def _notes(self, notes: Iterable[str]) -> list[str]:
        px = self.size.subtitle
        return [line for note in notes for line in self.lines(note, self.inner_width, px)]

    def headline_height(self, lines: int = 2, notes: Iterable[str] = ()) -> float:
        """How far :meth:`headline` moves ``top`` with a title and ``lines`` below it, at most 2."""
        size = self.size
        lines += len(self._notes(notes))
        return (size.title + lines * size.subtitle) * LINE + 0.7 * size.label

    def lines(self, text: str, width: float, px: float, bold: bool = False) -> list[str]:
        """A text as one line, or as two if ``width`` is less than it needs."""
        lines: list[str] = []
        for piece in _PIECE.findall(" ".join(self.said(text).split())):
            longer = Shown(lines[-1] + piece) if lines else Shown(piece)
            if lines and (len(lines) == 2 or self.measure(longer, px, bold) <= width):
                lines[-1] = longer
            elif piece.strip():
                lines.append(Shown(piece.lstrip(" ")))
        return lines

    def wrapped(self, text: str, width: float, px: float) -> list[str]:
        """A text in as many lines as ``width`` requires; no line ends at a no-break space."""
        lines: list[str] = []
        for piece in _PIECE.findall(self.said(text)):
            longer = Shown(lines[-1] + piece) if lines else Shown(piece)
            if lines and self.measure(longer, px) <= width:
                lines[-1] = longer
            elif piece.strip(" "):
                lines.append(Shown(piece.lstrip(" ")))
        return lines

    # Lines and boxes ------------------------------------------------------------------------

    @contextmanager
    def part(self, number: int) -> Iterator[None]:
        """What is drawn meanwhile is that part of the figure when it is built up: 1, then 2, ..."""
        before, self._part = self._part, number
        yield
        self._part = before

    def _add(self, artist: Artist) -> None:
        self._axes.add_artist(artist)
        self._own(artist)

    def _own(self, artist: Artist) -> None:
        self._layer += 1  # later drawings lie on top
        artist.set_zorder(self._layer)
        self.figure.parts.setdefault(self._part, []).append(artist)

    def _points(self, px: float | None) -> float:
        """A stroke in points; None is a hairline."""
        return (self.size.hair if px is None else px) * 72 / self.size.dpi

    def box(
        self,
        left: float,
        top: float,
        width: float,
        height: float,
        *,
        edge: str | None = None,
        fill: str | None = None,
        stroke: float | None = None,
        dashed: bool = False,
    ) -> None:
        """A rectangle, its edge centred on its border."""
        self._add(
            Rectangle(
                (left, top),
                width,
                height,
                facecolor=fill or "none",
                edgecolor=edge or "none",
                linewidth=self._points(stroke) if edge else 0,
                linestyle=(0, (3, 2)) if dashed else "solid",
                joinstyle="miter",
            )
        )

    def line(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        colour: str,
        *,
        stroke: float | None = None,
        dashes: tuple[float, ...] | None = None,
    ) -> None:
        """A line through points; NaN breaks it.  ``dashes`` are in strokes."""
        self._add(
            Line2D(
                xs,
                ys,
                color=colour,
                linewidth=self._points(stroke),
                linestyle=(0, dashes) if dashes else "solid",
                dash_capstyle="butt",
                solid_capstyle="round",
                solid_joinstyle="round",
            )
        )

    def dot(self, x: float, y: float, colour: str, diameter: float, hollow: bool = False) -> None:
        """A round mark; hollow ones are filled with the background colour."""
        self._add(
            Line2D(
                [x],
                [y],
                linestyle="none",
                marker="o",
                markersize=self._points(diameter),
                markerfacecolor=self.theme.ground if hollow else colour,
                markeredgecolor=colour,
                markeredgewidth=self._points(diameter / 5),
            )
        )

    def strokes(
        self,
        segments: Sequence[Segment],
        colour: str,
        *,
        stroke: float | None = None,
        dashed: bool = False,
    ) -> None:
        """Many separate straight lines of one colour."""
        self._add(
            LineCollection(
                segments,
                colors=colour,
                linewidths=self._points(stroke),
                linestyles=(0, (3, 2)) if dashed else "solid",
            )
        )

    def polygons(
        self,
        corners: NDArray,
        *,
        edge: str | None = None,
        fill: str | Sequence[str] | None = None,
        stroke: float | None = None,
        dashed: bool = False,
    ) -> None:
        """Polygons (any, corners, 2) with one outline; ``fill`` is one colour or one for each."""
        self._add(
            PolyCollection(
                corners,  # type: ignore[arg-type]  # an array is what it draws fastest
                facecolors=fill or "none",
                edgecolors=edge or "none",
                linewidths=self._points(stroke) if edge else 0,
                linestyles=(0, (3, 2)) if dashed else "solid",
                joinstyle="round",
            )
        )

    # Arrays -----------------------------------------------------------------------------------

    def picture(
        self,
        rgb: NDArray,
        left: float,
        top: float,
        width: float,
        height: float,
        edge: str | None = None,
    ) -> None:
        """Bytes (H, W, 3) as H × W equal cells; smoothed only where cells are below 2 pixels."""
        whole = width / rgb.shape[1] >= 2 and height / rgb.shape[0] >= 2
        # For a photograph far larger than its place, means of blocks: matplotlib takes 50 bytes per
        # number.
        block = int(min(rgb.shape[1] / width, rgb.shape[0] / height) / 2)
        if block >= 2:
            rgb = np.asarray(Image.fromarray(np.ascontiguousarray(rgb)).reduce(block))
        shown = self._axes.imshow(
            rgb,
            extent=(left, left + width, top + height, top),
            origin="upper",
            aspect="auto",
            interpolation="nearest" if whole else "hanning",
            interpolation_stage="rgba",
            resample=True,
        )
        self._own(shown)
        if edge:
            self.box(left, top, width, height, edge=edge)

    def array(
        self,
        values: NDArray,
        scale: Scale,
        left: float,
        top: float,
        width: float,
        height: float,
        edge: str | None = None,
    ) -> None:
        """Numbers (H, W) as shades; cells that are not finite are hatched."""
        rgb = scale.rgb(values)
        broken = ~np.isfinite(values)
        rgb = np.where(broken[..., None], style.rgb_bytes(self.theme.ground), rgb).astype(np.uint8)
        self.picture(rgb, left, top, width, height)
        rows, columns = values.shape
        wide, tall = width / columns, height / rows
        slants = [
            slant
            for row, column in np.argwhere(broken)
            for slant in _slants(left + column * wide, top + row * tall, wide, tall)
        ]
        if slants:
            self.strokes(slants, self.theme.mistake)
        if edge:
            self.box(left, top, width, height, edge=edge)

    def contours(
        self,
        values: NDArray,
        levels: Sequence[float],
        place: Place,
        colour: str,
    ) -> None:
        """Lines through equal numbers of a grid (H, W), whose first and last are on the borders of
        ``place`` (left, top, width, height)."""
        left, top, width, height = place
        rows, columns = values.shape
        lines = self._axes.contour(
            np.linspace(left, left + width, columns),
            np.linspace(top, top + height, rows),
            values,
            levels=levels,
            colors=colour,
            linewidths=self._points(self.size.hair),
        )
        self._own(lines)

    def hatch(self, left: float, top: float, width: float, height: float) -> None:
        """A cell whose number does not exist: three slanted strokes in the mistake's colour."""
        self.strokes(_slants(left, top, width, height), self.theme.mistake)


def _slants(left: float, top: float, width: float, height: float) -> list[Segment]:
    """Three slanted strokes across a cell."""
    right, bottom = left + width, top + height
    x, y = left + width / 2, top + height / 2
    return [((left, y), (x, top)), ((left, bottom), (right, top)), ((x, bottom), (right, y))]


def _shortened(text: str, kept: int) -> str:
    if len(text) <= kept:
        return text
    head = (kept + 1) // 2
    tail = kept - head
    return text[:head].rstrip() + style.ELLIPSIS + (text[-tail:].lstrip() if tail else "")
