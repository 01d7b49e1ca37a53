"""From one picture, in a file or in memory, to an array of bytes."""

from __future__ import annotations

import io
import math
import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from convlab.errors import ConvlabError, DataError, DTypeError, ShapeError, SpecError
from convlab.reading import open_file

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MAX_PIXELS, MAX_SIDE = 100_000_000, 65_535
"""The most pixels of a picture that is decoded, and along a side; its header is checked first."""

MAX_IMAGES = 4_000_000_000
"""The most bytes of all images of a data set."""

PICTURE_SUFFIXES = (
    ".bmp",
    ".gif",
    ".jpeg",
    ".jpg",
    ".pgm",
    ".png",
    ".ppm",
    ".tif",
    ".tiff",
    ".webp",
)
"""The endings, in any case, of the files that count as pictures of a class."""

PHOTOGRAPHS = ("china", "flower")

# Only these decoders run on a user's file; others start external programs (EPS).
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
_GREY_MODES = ("1", "L", "LA", "La", "I")
_STRIP = 1 << 22  # pixels converted at once
_ORIENTATION = 0x0112  # the EXIF tag; 5 to 8 swap height and width

PictureSource = str | os.PathLike | bytes | BinaryIO


def check_size_and_channels(size: tuple[int, int] | None, channels: int | None) -> None:
    """Raise SpecError unless size is (H, W) of 1 pixel or more and channels is 1 or 3."""
    if size is not None and not (
        isinstance(size, tuple | list)
        and len(size) == 2
        and all(isinstance(side, int | np.integer) and side >= 1 for side in size)
    ):
        raise SpecError(f"expected an image size (height, width) of 1 pixel or more, got {size!r}")
    if channels not in (None, 1, 3):
        raise SpecError(f"expected 1 channel (grey) or 3 channels (RGB), got {channels!r}")


def check_room(count: int, channels: int, size: tuple[int, int]) -> None:
    """Raise DataError if so many images of a size would take more than MAX_IMAGES bytes."""
    if count * channels * math.prod(size) > MAX_IMAGES:
        raise DataError(
            f"expected images of at most {MAX_IMAGES:,} bytes together, got {count:,} of"
            f" {size[0]} x {size[1]} x {channels}"
        )


def _is_grey(picture: Picture) -> bool:
    return picture.mode in _GREY_MODES or picture.mode.startswith("I;16")


def _named(source: PictureSource) -> tuple[str, BinaryIO | None]:
    """What errors call a picture, and the stream of its bytes, or None for a file given by path."""
    if isinstance(source, bytes | bytearray | memoryview):
        return "the picture", io.BytesIO(source)
    if isinstance(source, str | os.PathLike):
        return os.fspath(source), None
    return getattr(source, "name", "the picture"), source


@contextmanager
def _opened(source: PictureSource) -> Iterator[Picture]:
    """Open a picture, its header read and its size checked.

    Whatever goes wrong until the end of the block becomes a DataError.
    """
    from PIL import Image, UnidentifiedImageError

    name, stream = _named(source)
    limit = (
        f"{name}: expected a picture of at most {MAX_PIXELS:,} pixels and {MAX_SIDE:,} along a side"
    )
    try:
        with warnings.catch_warnings(), ExitStack() as opened:
            # Pillow warns at its own limit and about odd metadata.
            warnings.simplefilter("ignore")
            if stream is None:
                # Not by its path: Pillow memory-maps such a file, in the wrong order if a TIFF is
                # rotated.
                stream = opened.enter_context(open_file(name))
            with Image.open(stream, formats=_FORMATS) as picture:
                width, height = picture.size
                if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
                    raise DataError(f"{limit}, got {width} x {height}")
                if picture.mode == "F":
                    raise DataError(f"{name}: expected pixels of 8 or 16 bits, got 32-bit floats")
                yield picture
    except ConvlabError:
        raise
    except Image.DecompressionBombError:
        raise DataError(f"{limit}, got a larger one") from None
    except UnidentifiedImageError:
        raise DataError(
            f"{name}: expected a picture ({', '.join(_FORMATS)}), got something else"
        ) from None
    except Exception as error:
        if stream is None:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise DataError(f"{name}: cannot be read ({reason})") from None
        # On damaged bytes Pillow's decoders raise nearly any exception (SyntaxError, struct.error,
        # IndexError, ...), but only OSErrors say what is wrong.
        reason = f" ({' '.join(str(error).split())})" if isinstance(error, OSError) else ""
        raise DataError(f"{name}: expected a whole picture, got a damaged one{reason}") from None


def picture_header(source: PictureSource) -> tuple[tuple[int, int], bool]:
    """Size (H, W) in pixels as seen upright, and whether the picture is grey.

    Only the header is read.  Raises DataError as read_picture does.
    """
    with _opened(source) as picture:
        width, height = picture.size
        # Pillow rotates the header of a TIFF itself.
        if picture.format != "TIFF" and picture.getexif().get(_ORIENTATION, 1) >= 5:
            width, height = height, width
        return (height, width), _is_grey(picture)


def _to_channels(picture: Picture, channels: int) -> Picture:
    """The picture in 8 bits, grey or RGB, with white behind transparent parts."""
    from PIL import Image

    picture.load()
    mode = "L" if channels == 1 else "RGB"
    if picture.mode == mode and not picture.has_transparency_data:
        return picture
    # Strip by strip: each step of the conversion is a copy, of 400 MB for the largest picture.
    out = Image.new(mode, picture.size)
    rows = max(1, _STRIP // picture.width)
    for top in range(0, picture.height, rows):
        box = (0, top, picture.width, min(top + rows, picture.height))
        out.paste(_strip_to_channels(picture.crop(box), mode), box)
    return out


def _strip_to_channels(picture: Picture, mode: str) -> Picture:
    from PIL import Image

    if picture.mode == "I" or picture.mode.startswith("I;16"):
        # Pillow clips 16 bits at 255, but their range is 0 to 65535.
        deep = np.clip(np.asarray(picture).astype(np.int64), 0, 65535)
        picture = Image.fromarray(((deep * 255 + 32767) // 65535).astype(np.uint8))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        paper = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(paper, picture).convert("RGB")
    return picture.convert(mode)


def _border(image: np.ndarray) -> np.ndarray:
    """image: (H, W, C).  Its border pixels (count, C), each once or twice."""
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])


def _border_colour(picture: Picture) -> np.ndarray:
    """The median colour (C,) of the border of an L or RGB picture."""
    width, height = picture.size
    edges = (
        (0, 0, width, 1),
        (0, height - 1, width, height),
        (0, 0, 1, height),
        (width - 1, 0, width, height),
    )
    pixels = [_bytes(picture.crop(edge)) for edge in edges]
    return np.median(np.concatenate([p.reshape(-1, p.shape[-1]) for p in pixels]), axis=0).round()


def _bytes(picture: Picture) -> np.ndarray:
    """The pixels of an L or RGB picture, (H, W, C)."""
    return np.asarray(picture).reshape(picture.height, picture.width, -1)


def _fit(picture: Picture, size: tuple[int, int]) -> np.ndarray:
    """An L or RGB picture as bytes (C, H, W), letterboxed to size (H, W)."""
    from PIL import Image

    height, width = size
    factor = min(height / picture.height, width / picture.width)
    inner = max(1, round(picture.width * factor)), max(1, round(picture.height * factor))
    resized = picture
    if inner != picture.size:
        resized = picture.resize(inner, Image.Resampling.BICUBIC)
    image = _bytes(resized).transpose(2, 0, 1)
    if inner == (width, height):
        return image
    colour = _border_colour(picture)
    out = np.empty((len(image), height, width), np.uint8)
    out[:] = colour.astype(np.uint8)[:, np.newaxis, np.newaxis]
    top, left = (height - inner[1]) // 2, (width - inner[0]) // 2
    out[:, top : top + inner[1], left : left + inner[0]] = image
    return out


def read_picture(source: PictureSource, *, size: tuple[int, int], channels: int) -> np.ndarray:
    """Read one picture as bytes (C, H, W) uint8.

    source: a path, the bytes of a file, or a file opened for reading bytes.
    size: (H, W) in pixels.  The picture is resized (bicubic) with its aspect
        kept; where the aspect differs, the rest is filled with the median
        colour of the picture's border.
    channels: 1 for grey (ITU-R 601 luma), 3 for RGB.

    Transparent parts show white paper, and the orientation in EXIF counts.

    Raises DataError for a file that cannot be read, is not a picture, is damaged
    or has more than MAX_PIXELS pixels or MAX_SIDE along a side, and SpecError for a wrong size or
    number of channels.
    """
    check_size_and_channels(size, channels)
    from PIL import ImageOps

    with _opened(source) as picture:
        ImageOps.exif_transpose(picture, in_place=True)
        picture = _to_channels(picture, channels)
        return np.ascontiguousarray(_fit(picture, size))


def picture_bytes(pixels: np.ndarray, suffix: str) -> bytes:
    """The content of a .png, .jpg or .webp file with the bytes (3, H, W) uint8."""
    from PIL import Image

    stream = io.BytesIO()
    kind = {".png": "PNG", ".jpg": "JPEG", ".webp": "WEBP"}[suffix]
    Image.fromarray(pixels.transpose(1, 2, 0)).save(stream, kind, quality=95)
    return stream.getvalue()


def fit_images(
    images: np.ndarray, size: tuple[int, int] | None = None, channels: int | None = None
) -> np.ndarray:
    """Bring images (N, C, H, W) uint8 to size (H, W) and channels, as read_picture does.

    None keeps what is there.  Raises ShapeError for images that have neither 1
    nor 3 channels, and SpecError for a wrong size or number of channels.
    """
    check_size_and_channels(size, channels)
    count, have, *have_size = images.shape
    size = tuple(size or have_size)
    channels = channels or have
    if have not in (1, 3):
        raise ShapeError(f"expected images of 1 or 3 channels, got {have}")
    if (channels, size) == (have, tuple(have_size)):
        return images
    from PIL import Image

    check_room(count, channels, size)
    out = np.empty((count, channels, *size), np.uint8)
    for index, image in enumerate(images):
        pixels = image[0] if have == 1 else np.ascontiguousarray(image.transpose(1, 2, 0))
        out[index] = _fit(_to_channels(Image.fromarray(pixels), channels), size)
    return out


def as_dark_background(image: np.ndarray) -> tuple[np.ndarray, bool]:
    """Turn a drawing on light paper into one on a dark background.

    image: (C, H, W) uint8.  Returns it unchanged, or inverted (255 - image) if
    the median of its border pixels is above 127, and whether it was inverted.
    MNIST and its relatives have bright ink on a dark background, a photographed
    drawing the opposite.

    Raises DTypeError and ShapeError for another array.
    """
    if image.dtype != np.uint8:
        raise DTypeError(f"expected an image of uint8, got {image.dtype}")
    if image.ndim != 3:
        raise ShapeError(f"expected an image (C, H, W), got {image.shape}")
    inverted = bool(np.median(_border(image.transpose(1, 2, 0))) > 127)
    return (255 - image if inverted else image), inverted


def photograph(name: str) -> np.ndarray:
    """A photograph from scikit-learn, (427, 640, 3) uint8: "china" or "flower".

    Raises DataError for another name.
    """
    if name not in PHOTOGRAPHS:
        raise DataError(f"unknown photograph {name!r}: expected {' or '.join(PHOTOGRAPHS)}")
    from sklearn.datasets import load_sample_image

    return np.ascontiguousarray(load_sample_image(f"{name}.jpg"))


def is_picture_name(path: Path) -> bool:
    """Whether a file has a picture's suffix and is not hidden."""
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
