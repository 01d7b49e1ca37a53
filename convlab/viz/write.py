"""Figures to bytes: the same figure gives the same bytes, today and tomorrow."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray
from PIL import Image

from convlab.errors import SpecError, UndrawnLetters
from convlab.names import one_line
from convlab.viz.lettering import packages
from convlab.viz.tikz import tikz

FRAME = 500  # milliseconds of one step
PAUSE = 1500  # of the last one
MOST_NAMED = 12  # letters named in a warning
STILL = (".png", ".jpg", ".webp", ".svg", ".pdf", ".tex")
MOVING = (".gif", ".webp")
_DESCRIPTION = 0x010E  # ImageDescription in EXIF data

_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "convlab",  # element names without randomness
    "svg.fonttype": "none",  # text stays text: it can be searched, edited and read aloud
    "svg.image_inline": True,
    "pdf.fonttype": 42,
    "pdf.compression": 6,
    "savefig.facecolor": "auto",
    "savefig.bbox": None,
    # DejaVu Sans is what was measured; Verdana has nearly the same widths.
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Geneva", "sans-serif"],
}


def figure_bytes(
    figure: Figure,
    suffix: str,
    *,
    title: str,
    description: str,
    command: str | None = None,
) -> bytes:
    """A figure as the bytes of a .png, .jpg, .webp, .svg, .pdf or .tex file.

    Byte-stable: no dates, no version, no randomness.  ``title`` and ``description`` go into the
    file's metadata, in SVG also as ``<title>`` and ``<desc>`` (which a screen reader reads);
    ``command`` is the command that reproduces the figure.  Raises SpecError for another suffix, and
    for a .tex of a picture that has too many pixels.
    """
    if suffix not in STILL:
        listed = f"{', '.join(STILL[:-1])} or {STILL[-1]}"
        raise SpecError(f"expected a file ending in {listed}, got {suffix!r}")
    title, description = one_line(title), one_line(description)
    command = None if command is None else one_line(command)
    if suffix == ".tex":
        return tikz(figure, title=title, description=description, command=command).encode()
    _warn_of(_undrawn(figure))
    buffer = io.BytesIO()
    with matplotlib.rc_context(_SETTINGS):
        metadata: dict[str, str | None]
        if suffix in (".jpg", ".webp"):
            return _compressed(
                figure, suffix, "\n".join(filter(None, (command, title, description)))
            )
        if suffix == ".png":
            metadata = {"Title": title, "Description": description, "Software": "convlab"}
            if command is not None:
                metadata["Comment"] = command
            figure.savefig(buffer, format="png", dpi=figure.dpi, metadata=metadata)
            return buffer.getvalue()
        if suffix == ".pdf":
            metadata = _pdf_metadata(title, description, command)
            figure.savefig(buffer, format="pdf", dpi=300, metadata=metadata)
            return buffer.getvalue()
        metadata = {"Title": title, "Description": description, "Creator": "convlab", "Date": None}
        if command is not None:
            metadata["Source"] = command
        figure.savefig(buffer, format="svg", dpi=300, metadata=metadata)
    # matplotlib writes the title as an element but the description only as RDF.
    element = f"<title>{escape(title)}</title>"
    svg = buffer.getvalue().decode("utf-8")
    return svg.replace(element, f"{element}\n <desc>{escape(description)}</desc>", 1).encode()


def _compressed(figure: Figure, suffix: str, words: str) -> bytes:
    """A .jpg, on white if it is transparent, or a lossless .webp, with words in its EXIF data."""
    exif, buffer, frame = Image.Exif(), io.BytesIO(), _pixels(figure)
    exif[_DESCRIPTION] = words
    if suffix == ".webp":
        frame.save(buffer, "WEBP", lossless=True, method=4, exif=exif)
    else:
        frame = _opaque(frame) if frame.mode == "RGBA" else frame
        dpi = (round(figure.dpi), round(figure.dpi))
        frame.save(buffer, "JPEG", quality=92, subsampling=0, optimize=True, exif=exif, dpi=dpi)
    return buffer.getvalue()


def pages_bytes(
    figures: Iterable[Figure], *, title: str, description: str, command: str | None = None
) -> bytes:
    """Figures as the pages of one .pdf file; byte-stable, with metadata as in figure_bytes."""
    buffer, undrawn = io.BytesIO(), ""
    metadata = _pdf_metadata(title, description, command)
    with matplotlib.rc_context(_SETTINGS), PdfPages(buffer, metadata=metadata) as pages:
        for figure in figures:
            pages.savefig(figure)
            undrawn += _undrawn(figure)
    _warn_of(undrawn)
    return buffer.getvalue()


def _undrawn(figure: Figure) -> str:
    """The letters of a figure that are replaced by boxes."""
    return "".join(getattr(text, "undrawn", "") for text in figure.findobj(Text))


def _warn_of(undrawn: str) -> None:
    """Warn of letters that no font has, in one line."""
    letters = sorted(set(undrawn))
    if letters:
        more = f" and {len(letters) - MOST_NAMED} more" if len(letters) > MOST_NAMED else ""
        found = " and ".join(packages("".join(letters)))
        warnings.warn(
            f"no installed font has {' '.join(letters[:MOST_NAMED])}{more}: the picture has boxes"
            f" in their place{f'; the package {found} has fonts' if found else ''}",
            UndrawnLetters,
            stacklevel=3,
        )


def _pdf_metadata(title: str, description: str, command: str | None) -> dict[str, str | None]:
    metadata: dict[str, str | None] = {
        "Title": one_line(title),
        "Subject": one_line(description),
        "Creator": "convlab",
        "Producer": "convlab",
        "CreationDate": None,
        "ModDate": None,
    }
    return metadata if command is None else metadata | {"Keywords": one_line(command)}


def animation_bytes(
    figures: Iterable[Figure], suffix: str, *, description: str, command: str | None = None
) -> bytes:
    """Figures as the frames of an endless .gif or .webp: half a second each, then a pause.

    All frames of a GIF share one palette, made from the last, which shows the most.  ``command``
    and ``description`` go into the GIF's comment or the WebP's EXIF description.  Raises SpecError
    for another suffix.
    """
    if suffix not in MOVING:
        raise SpecError(f"expected a file ending in .gif or .webp, got {suffix!r}")
    frames, undrawn = [], ""
    with matplotlib.rc_context(_SETTINGS):
        for figure in figures:
            frames.append(_pixels(figure))
            undrawn += _undrawn(figure)
    _warn_of(undrawn)
    durations = [FRAME] * (len(frames) - 1) + [PAUSE]
    description = one_line(description)
    text = description if command is None else f"{one_line(command)}\n{description}"
    buffer = io.BytesIO()
    if suffix == ".webp":
        exif = Image.Exif()
        exif[_DESCRIPTION] = text
        settings = {"lossless": True, "method": 2, "exif": exif}
        frames[0].save(
            buffer,
            "WEBP",
            save_all=True,
            append_images=frames[1:],
            duration=durations,
            loop=0,
            **settings,
        )
        return buffer.getvalue()
    seen_through = frames[0].mode == "RGBA"
    flat = [_opaque(frame) for frame in frames] if seen_through else frames
    shown = _indexed(flat, _palette(flat[-1]))
    settings = {}
    if seen_through:
        for frame, full in zip(shown, frames, strict=True):
            clear = np.asarray(full.getchannel("A")) < 64  # thin strokes are kept
            indices = np.array(frame)
            indices[clear] = 255
            frame.putdata(indices.reshape(-1).tolist())
        settings = {"transparency": 255, "disposal": 2}
    shown[0].save(
        buffer,
        "GIF",
        save_all=True,
        append_images=shown[1:],
        duration=durations,
        loop=0,
        comment=text.encode(),
        optimize=False,
        **settings,
    )
    return buffer.getvalue()


def _palette(frame: Image.Image) -> NDArray:
    """255 colours (255, 3) of a frame: the most common unchanged, the others by their median.

    A colour counts by the square root of its number of pixels, so that thin strokes keep theirs.
    """
    found = frame.getcolors(frame.width * frame.height)
    assert found is not None, "there are no more colours than pixels"
    counted = sorted(found, reverse=True)
    exact = [colour for _, colour in counted[:64]]
    colours = np.array([colour for _, colour in counted], np.uint8)
    times = np.ceil(np.sqrt([count for count, _ in counted])).astype(int)
    sample = Image.fromarray(np.repeat(colours, times, axis=0)[None])
    rest = sample.quantize(255 - len(exact), method=Image.Quantize.MEDIANCUT).getpalette()
    assert rest is not None, "quantize makes one"
    palette = np.array([*exact, *np.reshape(rest, (-1, 3))], np.uint8)[:255]
    return np.concatenate([palette, np.zeros((255 - len(palette), 3), np.uint8)])


def _indexed(frames: list[Image.Image], palette: NDArray) -> list[Image.Image]:
    """Each frame with every pixel as the nearest colour of the palette."""
    known = np.full(1 << 24, -1, np.int16)  # by red, green and blue; few of them occur
    indexed = []
    for frame in frames:
        pixels = np.asarray(frame).astype(np.int32)
        packed = (pixels[..., 0] << 16) | (pixels[..., 1] << 8) | pixels[..., 2]
        new = np.unique(packed[known[packed] < 0])
        for part in np.array_split(new, len(new) // 4096 + 1):
            colours = np.stack([part >> 16, (part >> 8) & 255, part & 255], axis=1)
            apart = colours[:, None] - palette.astype(np.int32)
            known[part] = (apart * apart).sum(axis=2).argmin(axis=1)
        image = Image.fromarray(known[packed].astype(np.uint8), "P")
        image.putpalette([*palette.reshape(-1).tolist(), 0, 0, 0])
        indexed.append(image)
    return indexed


def _pixels(figure: Figure) -> Image.Image:
    """The figure's pixels: RGBA on a transparent background, RGB otherwise."""
    canvas = figure.canvas
    canvas.draw()
    assert isinstance(canvas, FigureCanvasAgg), "figures that move are drawn as pixels"
    frame = Image.fromarray(np.asarray(canvas.buffer_rgba()).copy())
    return frame if to_rgba(figure.get_facecolor())[3] == 0 else frame.convert("RGB")


def _opaque(frame: Image.Image) -> Image.Image:
    """Edges of a transparent frame against white, as a slide usually is."""
    ground = Image.new("RGBA", frame.size, "white")
    return Image.alpha_composite(ground, frame).convert("RGB")
