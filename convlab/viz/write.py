"""Figures to bytes: the same figure gives the same bytes, today and tomorrow."""

from __future__ import annotations

import io
from collections.abc import Iterable
from xml.sax.saxutils import escape

import matplotlib
import numpy as np
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from PIL import Image

from convlab.errors import SpecError

FRAME = 500  # milliseconds of one step
PAUSE = 1500  # of the last one

_SETTINGS = {
    "svg.hashsalt": "convlab",  # element names without chance
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
    """A figure as the bytes of a .png, .svg or .pdf file.

    Byte-stable: no dates, no version, no chance.  ``title`` and ``description``
    go into the file's metadata, in SVG also as ``<title>`` and ``<desc>`` (what
    a screen reader reads); ``command`` is the command that makes the figure
    again.  Raises SpecError for another suffix.
    """
    if suffix not in (".png", ".svg", ".pdf"):
        raise SpecError(f"expected a file ending in .png, .svg or .pdf, got {suffix!r}")
    buffer = io.BytesIO()
    with matplotlib.rc_context(_SETTINGS):
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


def pages_bytes(
    figures: Iterable[Figure], *, title: str, description: str, command: str | None = None
) -> bytes:
    """Figures as the pages of one .pdf file; byte-stable, with metadata as in figure_bytes."""
    buffer = io.BytesIO()
    metadata = _pdf_metadata(title, description, command)
    with matplotlib.rc_context(_SETTINGS), PdfPages(buffer, metadata=metadata) as pages:
        for figure in figures:
            pages.savefig(figure)
    return buffer.getvalue()


def _pdf_metadata(title: str, description: str, command: str | None) -> dict[str, str | None]:
    metadata = {
        "Title": title,
        "Subject": description,
        "Creator": "convlab",
        "Producer": "convlab",
        "CreationDate": None,
        "ModDate": None,
    }
    return metadata if command is None else metadata | {"Keywords": command}


def animation_bytes(
    figures: Iterable[Figure], suffix: str, *, description: str, command: str | None = None
) -> bytes:
    """Figures as the frames of an endless .gif or .webp: half a second each, then a pause.

    All frames of a GIF share one palette, made from the last, which shows most.
    ``command`` and ``description`` stand in the GIF's comment or the WebP's EXIF
    description.  Raises SpecError for another suffix.
    """
    if suffix not in (".gif", ".webp"):
        raise SpecError(f"expected a file ending in .gif or .webp, got {suffix!r}")
    with matplotlib.rc_context(_SETTINGS):
        frames = [_pixels(figure) for figure in figures]
    durations = [FRAME] * (len(frames) - 1) + [PAUSE]
    text = description if command is None else f"{command}\n{description}"
    buffer = io.BytesIO()
    if suffix == ".webp":
        exif = Image.Exif()
        exif[0x010E] = text  # ImageDescription
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
    palette = _palette(flat[-1])
    shown = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in flat]
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


def _palette(frame: Image.Image) -> Image.Image:
    """255 colours: those that cover most of the frame as they are, the others by their median."""
    exact = sorted(frame.getcolors(frame.width * frame.height), reverse=True)[:127]
    rest = frame.quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    colours = [part for _, colour in exact for part in colour] + rest.getpalette()[: 3 * 128]
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours + [0] * (768 - len(colours)))
    return palette


def _pixels(figure: Figure) -> Image.Image:
    """The figure's pixels: RGBA on a transparent ground, RGB otherwise."""
    figure.canvas.draw()
    frame = Image.fromarray(np.asarray(figure.canvas.buffer_rgba()).copy())
    return frame if figure.get_facecolor()[3] == 0 else frame.convert("RGB")


def _opaque(frame: Image.Image) -> Image.Image:
    """Edges of a transparent frame against white, as a slide usually is."""
    ground = Image.new("RGBA", frame.size, "white")
    return Image.alpha_composite(ground, frame).convert("RGB")
