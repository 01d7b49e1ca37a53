"""Films: frames, one after the other, as the bytes of an .mp4 or .webm."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import SpecError
from convlab.names import one_line
from convlab.viz.style import Size

SUFFIXES = (".mp4", ".webm")
INSTALL = "pip install 'convlab[video]'"
# As a slide, with more pixels.
FILM = Size("film", 120.0, 1920, (1080, 1080), 41, 28, 25, 20.5, 1.5, 6.0)

# Sharp edges at a small size; H.264's are the defaults of its encoder for drawings.
_ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    ".mp4": ("libx264", {"crf": "19", "preset": "veryfast", "tune": "animation"}),
    ".webm": ("libvpx-vp9", {"crf": "30", "b": "0", "deadline": "realtime", "cpu-used": "7"}),
}


class Film(NamedTuple):
    """Frames (H, W, 3) of bytes, so many a second."""

    frames: Iterable[NDArray]
    fps: int


def film_bytes(
    film: Film, suffix: str, *, title: str, description: str, command: str | None = None
) -> bytes:
    """A film as the bytes of an .mp4 (H.264) or .webm (VP9), with words in its metadata.

    Raises SpecError for another suffix and where the package that writes films is not installed.
    """
    if suffix not in SUFFIXES:
        raise SpecError(f"expected a file ending in {' or '.join(SUFFIXES)}, got {suffix!r}")
    try:
        import av
    except ImportError:
        raise SpecError(f"{suffix}: expected the packages of {INSTALL}, got none") from None
    codec, options = _ENCODERS[suffix]
    buffer = io.BytesIO()
    settings = {"fflags": "+bitexact"}  # no dates, no versions
    with av.open(buffer, "w", format=suffix[1:], options=settings) as container:
        container.metadata["title"] = one_line(title)
        container.metadata["comment"] = one_line(command or description)
        container.metadata["description"] = one_line(description)
        stream: Any = container.add_stream(codec, rate=film.fps, options=options)
        context = stream.codec_context
        # BT.709, as players expect of films of this size.
        context.colorspace = context.color_primaries = context.color_trc = 1
        context.color_range = 1
        context.pix_fmt = "yuv420p"
        for pixels in film.frames:
            pixels = pixels[: len(pixels) // 2 * 2, : pixels.shape[1] // 2 * 2]
            if not context.is_open:
                stream.height, stream.width = pixels.shape[:2]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def pixels_of(figure: Figure) -> NDArray:
    """A figure as bytes (H, W, 3) that can be drawn over."""
    drawn: Any = figure.canvas
    drawn.draw()
    pixels = np.asarray(drawn.buffer_rgba())
    share = pixels[..., 3:].astype(np.uint16)
    flat = (pixels[..., :3] * share + 255 * (255 - share) + 127) // 255  # white behind nothing
    return flat.astype(np.uint8)
