"""A figure as TikZ: lines, cells and words that a lecturer edits, in the fonts of the document.

What is written is what the canvas drew, in its order.  The colours have the names of their roles.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_hex, to_rgba
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from convlab.errors import SpecError, UndrawnLetters
from convlab.viz.style import Sketch, Theme

MOST_CELLS = 4096  # of an array of shades; TeX takes a second for so many
_LABEL = 2.1  # millimetres of a label on a slide 160 mm wide
_LONG = 40  # letters of what is fitted into the width that it was measured to have
_TALLER = 1.15  # Computer Modern is narrower and lower than the font that was measured

_SIGNS = {
    **{sign: f"\\{sign}" for sign in "{}$&#%_"},
    "\\": r"$\backslash$",
    "^": r"\^{}",
    "~": r"$\sim$",
    **{sign: f"${sign}$" for sign in "<>|"},
    '"': "''",
    "\u2212": "$-$",
    "×": r"$\times$",
    "÷": r"$\div$",
    "±": r"$\pm$",
    "·": r"$\cdot$",
    "∗": r"$\ast$",
    "→": r"$\to$",
    "←": r"$\gets$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "≈": r"$\approx$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≠": r"$\neq$",
    "∞": r"$\infty$",
    "√": r"$\surd$",
    "∂": r"$\partial$",
    "∑": r"$\sum$",
    "⌊": r"$\lfloor$",
    "⌋": r"$\rfloor$",
    "⌈": r"$\lceil$",
    "⌉": r"$\rceil$",
    "°": r"$^\circ$",
    "½": r"$\frac12$",
    "…": r"\ldots{}",
    "–": "--",
    "—": "---",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "„": ",,",
    "«": r"$\ll$",
    "»": r"$\gg$",
    "\u00a0": "~",
    "\u202f": r"\,",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "γ": r"$\gamma$",
    "δ": r"$\delta$",
    "ε": r"$\varepsilon$",
    "η": r"$\eta$",
    "θ": r"$\theta$",
    "λ": r"$\lambda$",
    "μ": r"$\mu$",
    "σ": r"$\sigma$",
    "φ": r"$\varphi$",
    "Δ": r"$\Delta$",
    "Σ": r"$\Sigma$",
    "Φ": r"$\Phi$",
}
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_TOKEN = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+|[₀-₉]+|.")
_ACROSS = {"left": "west", "center": "", "right": "east"}
_DOWN = {"top": "north", "center_baseline": "", "center": "", "baseline": "base", "bottom": "south"}

# It compiles by itself; in a document, which has begun, it is only the picture.
_DOCUMENT = r"""% {title}
% {description}
{command}% pdflatex makes a page of it; \input puts it into a document with \usepackage{{tikz}}.
% A colour that the document has defined before by one of these names is kept.
\expandafter\ifx\csname @nodocument\endcsname\relax
  \let\convlabends\relax
\else
  \RequirePackage{{fix-cm}}
  \documentclass{{article}}
  \usepackage{{tikz}}
  \usepackage[paperwidth={width}mm,paperheight={height}mm,margin=0pt]{{geometry}}
  \renewcommand\familydefault{{\sfdefault}}
  \pagestyle{{empty}} \topskip=0pt \parindent=0pt
  \def\convlabends{{\vss\egroup\end{{document}}}}
  \begin{{document}}\vbox to 0pt\bgroup
\fi
{colours}
\begin{{tikzpicture}}[x={unit}mm, y=-{unit}mm, inner sep=0pt, outer sep=0pt,
  letters/.style={{font={{\fontsize{{#1}}{{#1}}\selectfont}},
    text height=0.7*#1pt, text depth=0.2*#1pt}},
  centred/.style={{letters=#1, text depth=0pt}}]
\def\within#1#2{{\setbox0=\hbox{{#2}}%
  \ifdim\wd0>#1mm \resizebox{{#1mm}}{{!}}{{\box0}}\else\box0 \fi}}
\useasboundingbox (0,0) rectangle ({across},{down});
{body}
\end{{tikzpicture}}%
\convlabends
"""


def tikz(figure: Figure, *, title: str, description: str, command: str | None = None) -> str:
    """The figure as a document for pdflatex, which is a picture when it is \\input into another.

    Colours of the theme have the names of their roles: convlab-input, convlab-window-fill.  A slide
    is 160 mm wide, what has a size in millimetres has that.  Raises SpecError for a figure with
    more than a few thousand pixels in it, such as a photograph.
    """
    written = _Written(figure)
    body = "\n".join(written.statements())
    _warn_of(written.letters)
    width, height = figure.get_size_inches() * figure.dpi
    unit = written.unit
    return _DOCUMENT.format(
        title=title,
        description=description,
        command=f"% {command}\n" if command else "",
        width=_number(width * unit, 3),
        height=_number(height * unit, 3),
        colours="\n".join(
            f"\\providecolor{{{name}}}{{HTML}}{{{colour[1:]}}}"
            for colour, name in written.colours.items()
            if name in written.used
        ),
        unit=_number(unit, 5),
        across=_number(width),
        down=_number(height),
        body=body,
    )


def _warn_of(letters: set[str]) -> None:
    if letters:
        named = " ".join(sorted(letters)[:12])
        warnings.warn(
            f"pdflatex has no {named}: it takes xelatex or lualatex, and a font that has them",
            UndrawnLetters,
            stacklevel=4,
        )


def _number(value: float, digits: int = 1) -> str:
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _at(point: Any) -> str:
    return f"({_number(point[0])},{_number(point[1])})"


class _Written:
    """The statements of a figure, and the names of the colours that they use."""

    def __init__(self, figure: Figure) -> None:
        self.figure, self.unit = figure, 25.4 / figure.dpi  # millimetres of a pixel
        self.colours: dict[str, str] = {}
        self.used, self.letters = set[str](), set[str]()
        if isinstance(figure, Sketch):
            self.colours = _roles(figure.theme)
            if not figure.size.in_millimetres:
                self.unit = _LABEL / figure.size.label

    def statements(self) -> Iterator[str]:
        """One for each thing drawn, from below to above."""
        ground = self.figure.get_facecolor()
        if to_rgba(ground)[3] and to_hex(ground) != "#ffffff":
            width, height = self.figure.get_size_inches() * self.figure.dpi
            yield f"\\fill[{self.colour(ground)}] (0,0) rectangle {_at((width, height))};"
        drawn = [
            artist
            for axes in self.figure.axes
            for artist in axes.get_children()
            if isinstance(artist, tuple(_KINDS))
            and artist is not axes.patch
            and artist.get_visible()
        ]
        drawn.sort(key=lambda each: each.get_zorder())
        followers = {piece for each in drawn for piece in getattr(each, "pieces", ())}
        for artist in drawn:
            if artist not in followers:
                kind = next(kind for kind in _KINDS if isinstance(artist, kind))
                yield from _KINDS[kind](self, artist)

    def colour(self, colour: Any) -> str:
        """The name of a colour: its role's, or its six digits."""
        known = to_hex(colour).upper()
        name = self.colours.setdefault(known, f"convlab-{known[1:]}")
        self.used.add(name)
        return name

    def options(self, edge: Any, fill: Any, stroke: float, dashes: Any) -> str:
        """Of a path: what is drawn, what is filled; nothing for what is neither."""
        found = []
        if fill is not None and to_rgba(fill)[3]:
            found.append(f"fill={self.colour(fill)}")
        if stroke and edge is not None and to_rgba(edge)[3]:
            found += [f"draw={self.colour(edge)}", f"line width={self._points(stroke)}pt"]
            if dashes and dashes[1]:
                lengths = zip(("on", "off") * len(dashes[1]), dashes[1], strict=False)
                pattern = " ".join(f"{way} {self._points(length)}pt" for way, length in lengths)
                found.append(f"dash pattern={pattern}")
        return ", ".join(found)

    def _points(self, length: float) -> str:
        """Points of the figure as TeX's, at the size of the picture."""
        return _number(length * self.figure.dpi / 72 * self.unit * 72.27 / 25.4, 2)

    def path(self, options: str, steps: str) -> Iterator[str]:
        if options and steps:
            yield f"\\path[{options}] {steps};"

    # What a canvas draws; the types of artists do not say all that they have -----------------

    def rectangle(self, box: Any) -> Iterator[str]:
        x, y = box.get_xy()
        look = box.get_edgecolor(), box.get_facecolor(), box.get_linewidth(), box._dash_pattern
        far = x + box.get_width(), y + box.get_height()
        yield from self.path(self.options(*look), f"{_at((x, y))} rectangle {_at(far)}")

    def line(self, line: Any) -> Iterator[str]:
        points = np.column_stack(line.get_data()).astype(float)
        if line.get_marker() == "o":
            radius = line.get_markersize() * self.figure.dpi / 144
            stroke = line.get_markeredgewidth()
            look = line.get_markeredgecolor(), line.get_markerfacecolor(), stroke
            for point in points:
                circle = f"{_at(point)} circle[radius={_number(radius)}]"
                yield from self.path(self.options(*look, None), circle)
            return
        options = self.options(line.get_color(), None, line.get_linewidth(), line._dash_pattern)
        for part in _unbroken(points):
            yield from self.path(f"{options}, line cap=round, line join=round", _polyline(part))

    def strokes(self, lines: Any) -> Iterator[str]:
        dashes = lines.get_linestyle()[0]
        options = self.options(lines.get_color()[0], None, lines.get_linewidth()[0], dashes)
        yield from self.path(options, " ".join(map(_polyline, lines.get_segments())))

    def polygons(self, polygons: Any) -> Iterator[str]:
        fills, edges = polygons.get_facecolor(), polygons.get_edgecolor()
        stroke, dashes = polygons.get_linewidth()[0], polygons.get_linestyle()[0]
        for at, path in enumerate(polygons.get_paths()):
            fill = fills[at % len(fills)] if len(fills) else None
            options = self.options(edges[0] if len(edges) else None, fill, stroke, dashes)
            corners = path.vertices[:-1] if path.codes is not None else path.vertices
            yield from self.path(options, f"{_polyline(corners)} -- cycle")

    def contours(self, lines: Any) -> Iterator[str]:
        look = lines.get_edgecolor()[0], None, lines.get_linewidth()[0], None
        for path in lines.get_paths():
            for part in path.to_polygons(closed_only=False):
                yield from self.path(self.options(*look), _polyline(part))

    def picture(self, image: AxesImage) -> Iterator[str]:
        """Its cells, those of one colour beside each other as one."""
        pixels = np.asarray(image.get_array())
        rows, columns = pixels.shape[:2]
        if rows * columns > MOST_CELLS:
            raise SpecError(
                f".tex: expected at most {MOST_CELLS} cells of colour, got a picture of"
                f" {rows} × {columns} pixels; .pdf holds it"
            )
        left, right, bottom, top = image.get_extent()
        wide, tall = (right - left) / columns, (bottom - top) / rows
        for row in range(rows):
            changes = (pixels[row, 1:] != pixels[row, :-1]).any(axis=-1)
            ends = [0, *(np.flatnonzero(changes) + 1), columns]
            for start, end in zip(ends[:-1], ends[1:], strict=True):
                corner = left + start * wide, top + row * tall
                other = left + end * wide, top + (row + 1) * tall
                fill = self.colour(pixels[row, start] / 255)
                yield f"\\fill[{fill}] {_at(corner)} rectangle {_at(other)};"

    def text(self, text: Text) -> Iterator[str]:
        if not text.get_text().strip():
            return
        px = float(text.get_fontsize()) * self.figure.dpi / 72
        points = _number(px * self.unit * 72.27 / 25.4 * _TALLER, 2)
        down, across = text.get_verticalalignment(), text.get_horizontalalignment()
        (x, y), turned = text.get_position(), text.get_rotation()
        anchor = " ".join(filter(None, (_DOWN[down], _ACROSS[across])))
        style = "centred" if turned or not _DOWN[down] else "letters"
        options = [f"{style}={points}", f"text={self.colour(text.get_color())}"]
        if turned:
            # A turned text stands where its box stands, whatever point of it that is.
            (x, y), anchor = self._middle(text), ""
            options.append(f"rotate={_number(turned)}")
        if anchor:
            options.append(f"anchor={anchor}")
        written = self.letters_of(text)
        if len(written) > _LONG:
            # Another font may be wider than the one that was measured.
            width = self._width(text) * self.unit
            written = f"\\within{{{_number(width)}}}{{{written}}}"
        yield f"\\node[{', '.join(options)}] at {_at((x, y))} {{{written}}};"

    def _middle(self, text: Text) -> tuple[float, float]:
        box = self._box(text)
        height = self.figure.get_figheight() * self.figure.dpi
        return (box.x0 + box.x1) / 2, height - (box.y0 + box.y1) / 2

    def _width(self, text: Text) -> float:
        """Of a text and the pieces that follow it, as they were measured."""
        boxes = [self._box(piece) for piece in (text, *getattr(text, "pieces", ()))]
        return boxes[-1].x1 - boxes[0].x0

    def _box(self, text: Text) -> Bbox:
        return text.get_window_extent(self.figure.canvas.get_renderer())  # type: ignore[attr-defined]

    def letters_of(self, text: Text) -> str:
        """A text for TeX, and the pieces that follow it on its line."""
        written = _escaped(getattr(text, "written", text.get_text()))
        self.letters |= {letter for letter in written if ord(letter) > 0x17F}
        if text.get_fontweight() == "bold":
            written = f"\\textbf{{{written}}}"
        for piece in getattr(text, "pieces", ()):
            colour = self.colour(piece.get_color())
            written += f" \\textcolor{{{colour}}}{{{self.letters_of(piece)}}}"
        return written


_KINDS: dict[type, Any] = {
    Rectangle: _Written.rectangle,
    Line2D: _Written.line,
    LineCollection: _Written.strokes,
    PolyCollection: _Written.polygons,
    ContourSet: _Written.contours,
    AxesImage: _Written.picture,
    Text: _Written.text,
}


def _roles(theme: Theme) -> dict[str, str]:
    """Names by colours, the first role first where two have one."""
    roles: dict[str, str] = {}
    for role in fields(theme):
        colour = getattr(theme, role.name)
        if isinstance(colour, str) and colour.startswith("#"):
            roles.setdefault(colour.upper(), f"convlab-{role.name.replace('_', '-')}")
    return roles


def _polyline(points: NDArray) -> str:
    return " -- ".join(map(_at, points))


def _unbroken(points: NDArray) -> list[NDArray]:
    """Points between those that are not numbers."""
    broken = np.flatnonzero(~np.isfinite(points).all(axis=1))
    parts = np.split(points, broken)
    parts = [part[np.isfinite(part).all(axis=1)] for part in parts]
    return [part for part in parts if len(part) > 1]


def _escaped(text: str) -> str:
    """A text in TeX's letters and signs; those that it has no sign for stay."""

    def sign(found: re.Match[str]) -> str:
        raised, lowered = (found[0].translate(table) for table in (_RAISED, _LOWERED))
        if raised != found[0]:
            return f"$^{{{raised}}}$"
        return _SIGNS.get(found[0], f"$_{{{lowered}}}$" if lowered != found[0] else found[0])

    return _TOKEN.sub(sign, text)
