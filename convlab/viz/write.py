"""Figures to bytes: the same figure gives the same bytes, today and tomorrow."""

from __future__ import annotations

import io
from xml.sax.saxutils import escape

import matplotlib
from matplotlib.figure import Figure

from convlab.errors import SpecError

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
            metadata = {
                "Title": title,
                "Subject": description,
                "Creator": "convlab",
                "Producer": "convlab",
                "CreationDate": None,
                "ModDate": None,
            }
            if command is not None:
                metadata["Keywords"] = command
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
