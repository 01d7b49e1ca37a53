"""From one picture, in a file or in memory, to an array of bytes."""

from __future__ import annotations

import importlib.util
import io
import math
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from convlab.errors import ConvlabError, DataError, DTypeError, ShapeError, SpecError
from convlab.reading import open_file, read_standard_input

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MAX_PIXELS, MAX_SIDE = 100_000_000, 65_535
"""The most pixels of a picture that is decoded, and along a side; its header is checked first."""

SHEET_SIDE = 640
"""The pixels along a side to which a larger sheet is reduced before ink is looked for."""

MAX_IMAGES = 4_000_000_000
"""The most bytes of all images of a data set."""

PHOTOGRAPHS = ("china", "flower")

_COMMON = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")  # tried first
# They start an external program, or Pillow knows them only by name.
_NOT_READ = ("EPS", "WMF", "MPEG", "BUFR", "GRIB", "HDF5", "FPX", "MIC")
_GREY_MODES = ("1", "L", "LA", "La", "I")
_LIGHT = 192  # of 255: if all that is seen is as light as this, white paper would hide it
_FEW = 0.01  # of what is seen
_STRIP = 1 << 22  # pixels converted at once
_ORIENTATION = 0x0112  # the EXIF tag; 5 to 8 swap height and width

PictureSource = str | os.PathLike | bytes | BinaryIO


@cache
def _formats() -> tuple[str, ...]:
    """The formats that are read: all that Pillow itself decodes, the common ones first."""
    from PIL import Image

    Image.init()
    others = sorted(set(Image.OPEN) - {*_COMMON, *_NOT_READ})
    return *_COMMON, *others


@cache
def picture_suffixes() -> tuple[str, ...]:
    """The endings, in lower case, of the files that count as pictures of a class."""
    from PIL import Image

    formats = _formats()
    known = Image.registered_extensions().items()
    return tuple(sorted(suffix for suffix, kind in known if kind in formats))


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
    """Whether all that is seen of a picture is grey, however it is kept."""
    if picture.mode in _GREY_MODES or picture.mode.startswith("I;16"):
        return True
    if picture.mode != "P":
        rgba = (np.asarray(strip.convert("RGBA")) for strip, _ in _strips(picture))
        return all((one[..., :3] == one[..., :1])[one[..., 3] > 0].all() for one in rgba)
    # Grey is often kept as a palette: only the entries that are seen count.
    used = np.flatnonzero(picture.histogram())
    used = used[used != picture.info.get("transparency")]
    palette = np.reshape(picture.getpalette("RGB") or [], (-1, 3))[used]
    return bool((palette == palette[:, :1]).all())


def _named(source: PictureSource) -> tuple[str, BinaryIO | None]:
    """What errors call a picture, and the stream of its bytes, or None for a file given by path."""
    if isinstance(source, bytes | bytearray | memoryview):
        return "the picture", io.BytesIO(source)
    if isinstance(source, str | os.PathLike):
        name = os.fspath(source)
        return str(_photograph_file(name)) if name in PHOTOGRAPHS else name, None
    return getattr(source, "name", "the picture"), source


def given_picture(source: str) -> PictureSource:
    """What a user names: "-" is standard input, china and flower are photographs, others files.

    Raises DataError for no name, for an address, and for nothing on standard input.
    """
    if not source:
        raise DataError(
            f"image: expected a picture file or one of {', '.join(PHOTOGRAPHS)}, got ''"
        )
    if "://" in source:
        raise DataError(f"{source}: expected a picture file, got an address; download it first")
    return read_standard_input() if source == "-" else Path(source)


def given_name(source: str) -> str:
    """What titles call it."""
    return "standard input" if source == "-" else Path(source).name


class _Quiet:
    """Without the warnings of Pillow, at its own limit and about odd metadata, in any thread.

    Python's filters are those of all threads: the first to come keeps them, the last to go gives
    them back.
    """

    def __init__(self) -> None:
        self._lock, self._users, self._filters = threading.Lock(), 0, warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if not self._users:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("ignore")
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._filters.__exit__(None, None, None)


_QUIET = _Quiet()


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
        with _QUIET, ExitStack() as opened:
            if stream is None:
                # Not by its path: Pillow memory-maps such a file, in the wrong order if a TIFF is
                # rotated.
                stream = opened.enter_context(open_file(name))
            with Image.open(stream, formats=_formats()) as picture:
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
            f"{name}: expected a picture ({', '.join(_COMMON)} or another format that Pillow"
            " reads), got something else"
        ) from None
    except Exception as error:
        if stream is None:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise DataError(f"{name}: cannot be read ({reason})") from None
        # On damaged bytes Pillow's decoders raise nearly any exception (SyntaxError, struct.error,
        # IndexError, ...), but only OSErrors say what is wrong.
        reason = f" ({' '.join(str(error).split())})" if isinstance(error, OSError) else ""
        raise DataError(f"{name}: expected a whole picture, got a damaged one{reason}") from None


def picture_size(source: PictureSource) -> tuple[int, int]:
    """Size (H, W) in pixels as seen upright; only the header is read.

    Raises DataError as read_picture does.
    """
    with _opened(source) as picture:
        return _upright_size(picture)


def picture_form(source: PictureSource) -> tuple[tuple[int, int], bool]:
    """Size (H, W) in pixels as seen upright, and whether all that is seen of a picture is grey.

    A picture that is kept in colours is read for that.  Raises DataError as read_picture does.
    """
    with _opened(source) as picture:
        return _upright_size(picture), _is_grey(picture)


def _upright_size(picture: Picture) -> tuple[int, int]:
    width, height = picture.size
    # Pillow rotates the header of a TIFF itself.
    if picture.format != "TIFF" and picture.getexif().get(_ORIENTATION, 1) >= 5:
        return width, height
    return height, width


def _strips(picture: Picture) -> Iterator[tuple[Picture, tuple[int, int, int, int]]]:
    """A picture in strips, each with its box, 16 bits as 8: a conversion of all takes 400 MB."""
    rows = max(1, _STRIP // picture.width)
    for top in range(0, picture.height, rows):
        box = (0, top, picture.width, min(top + rows, picture.height))
        strip = picture.crop(box)
        deep = strip.mode == "I" or strip.mode.startswith("I;16")
        yield _eight_bits(strip) if deep else strip, box


def _eight_bits(picture: Picture) -> Picture:
    """A picture of 16 bits, which Pillow would clip at 255, with alpha if it has a clear grey."""
    from PIL import Image

    deep = np.clip(np.asarray(picture).astype(np.int64), 0, 65535)
    grey = Image.fromarray(((deep * 255 + 32767) // 65535).astype(np.uint8))
    clear = picture.info.get("transparency")
    if clear is not None:
        grey.putalpha(Image.fromarray(np.where(deep == clear, 0, 255).astype(np.uint8)))
    return grey


def _to_channels(picture: Picture, channels: int) -> Picture:
    """The picture in 8 bits, grey or RGB, with paper behind transparent parts.

    The paper is white, or black if all that is seen is light, as white ink is.
    """
    from PIL import Image

    picture.load()
    mode = "L" if channels == 1 else "RGB"
    clear = picture.has_transparency_data
    if picture.mode == mode and not clear:
        return picture
    paper = (0, 0, 0, 255) if clear and _is_light(picture) else (255, 255, 255, 255)
    out = Image.new(mode, picture.size)
    for strip, box in _strips(picture):
        if clear:
            strip = strip.convert("RGBA")
            strip = Image.alpha_composite(Image.new("RGBA", strip.size, paper), strip)
            strip = strip.convert("RGB")
        out.paste(strip.convert(mode), box)
    return out


def _is_light(picture: Picture) -> bool:
    """Whether all that is seen of a picture with transparency, but for a little, is light."""
    seen = dark = 0
    for strip, _ in _strips(picture):
        rgba = strip.convert("RGBA")
        opaque = np.asarray(rgba.getchannel("A")) > 127
        luma = np.asarray(rgba.convert("RGB").convert("L"))
        seen += int(opaque.sum())
        dark += int((luma[opaque] < _LIGHT).sum())
    return seen > 0 and dark <= _FEW * seen


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


def _central(picture: Picture, size: tuple[int, int]) -> Picture:
    """The largest part in the middle of a picture that has the shape of size (H, W)."""
    height, width = size
    wide = min(picture.width, max(1, round(picture.height * width / height)))
    high = min(picture.height, max(1, round(picture.width * height / width)))
    left, top = (picture.width - wide) // 2, (picture.height - high) // 2
    return picture.crop((left, top, left + wide, top + high))


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


def read_picture(
    source: PictureSource, *, size: tuple[int, int], channels: int, crop: bool = False
) -> np.ndarray:
    """Read one picture as bytes (C, H, W) uint8.

    source: a path, the bytes of a file, or a file opened for reading bytes.
    size: (H, W) in pixels.  The picture is resized (bicubic) with its aspect
        kept; where the aspect differs, the rest is filled with the median
        colour of the picture's border, or with crop what is beyond the middle
        part of the right aspect is left out.
    channels: 1 for grey (ITU-R 601 luma), 3 for RGB.

    Transparent parts show white paper, or black if all that is seen is light; the orientation in
    EXIF counts.

    Raises DataError for a file that cannot be read, is not a picture, is damaged
    or has more than MAX_PIXELS pixels or MAX_SIDE along a side, and SpecError for a wrong size or
    number of channels.
    """
    check_size_and_channels(size, channels)
    from PIL import ImageOps

    with _opened(source) as picture:
        ImageOps.exif_transpose(picture, in_place=True)
        picture = _to_channels(picture, channels)
        picture = _central(picture, size) if crop else picture
        return np.ascontiguousarray(_fit(picture, size))


def read_sheet(source: PictureSource, most: int = SHEET_SIDE) -> np.ndarray:
    """One picture as grey bytes (H, W), reduced by a whole factor to sides of ``most`` pixels.

    Each pixel is the mean of a square.  Raises DataError as read_picture does.
    """
    from PIL import ImageOps

    with _opened(source) as picture:
        ImageOps.exif_transpose(picture, in_place=True)
        grey = _to_channels(picture, 1)
        return np.asarray(grey.reduce(math.ceil(max(grey.size) / most)))


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
    pixels = read_picture(name, size=(427, 640), channels=3)
    return np.ascontiguousarray(pixels.transpose(1, 2, 0))


def _photograph_file(name: str) -> Path:
    # Its package is found without being imported, which takes a second.
    found = importlib.util.find_spec("sklearn")
    if found is None or found.origin is None:
        raise DataError(f"photograph {name}: expected scikit-learn, which has it")
    return Path(found.origin).parent / "datasets" / "images" / f"{name}.jpg"


def is_picture_name(path: Path) -> bool:
    """Whether a file has a picture's suffix and is not hidden."""
    return path.suffix.lower() in picture_suffixes() and not path.name.startswith(".")
