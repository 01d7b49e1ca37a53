"""Pictures that are cut, far too large, of odd kinds, or no files at all."""

import io
import struct
import zlib

import numpy as np

from .cases import EITHER, FAILS, GARBAGE, NO_FILES, WORKS, damaged, kind, later, written_as

USES = [
    ["predict", "run"],
    ["predict", "rgb"],
    ["apply"],
    ["render", "image"],
    ["render", "image", "--numbers"],
    ["render", "features", "run"],
    ["render", "occlusion", "run"],
    ["render", "grad-cam", "rgb"],
    ["explain", "run", "--layer", "conv1", "--unit", "0,3,3"],
    ["page", "run"],
    ["render", "receptive-field", "vgg16", "--chain", "--image"],
    ["render", "receptive-field", "run", "--layer", "pool2", "--unit", "0,1", "--image"],
    ["render", "equivariance", "run", "--layer", "conv1"],
    ["detect", "run"],
]


def chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def squeezed(content: bytes) -> bytes:
    return zlib.compress(content, 1 if len(content) > 1 << 20 else 6)


def png(width, height, depth=8, colour=0, rows=b"", more=b"") -> bytes:
    """A PNG whose header may lie; ``rows`` are its unpacked bytes."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", head) + more + chunk(b"IDAT", squeezed(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def packed(name: bytes, size: int) -> bytes:
    """A chunk of text or colours that is far larger when it is unpacked."""
    return chunk(name, b"a\0\0" + squeezed(bytes(size)))


def saved(array, format="PNG", mode=None, **settings) -> bytes:
    from PIL import Image

    picture = Image.fromarray(array)
    out = io.BytesIO()
    (picture.convert(mode) if mode else picture).save(out, format, **settings)
    return out.getvalue()


def small(rng, *shape):
    return np.random.default_rng(rng.getrandbits(32)).integers(0, 256, shape or (20, 24), np.uint8)


def odd_modes(rng):
    """(what it is, suffix, content) of whole pictures that are rarely met."""
    from PIL import Image

    grey, colour, alpha = small(rng), small(rng, 20, 24, 3), small(rng, 20, 24, 4)
    deep, exif = grey.astype(np.uint16) * 257, Image.Exif()
    exif[0x0112] = turn = rng.choice([*range(1, 9), 0, 9, 65535])
    moving = {"save_all": True, "append_images": [Image.fromarray(small(rng)) for _ in range(3)]}
    what, suffix, *how = rng.choice(
        [
            ("16 bits", ".png", deep),
            ("16 bits", ".tif", deep, "TIFF"),
            ("16 bits", ".pgm", deep, "PPM"),
            ("32 bits", ".tif", grey.astype(np.int32) * 9999, "TIFF"),
            ("floats", ".tif", grey.astype(np.float32), "TIFF"),
            ("CMYK", ".jpg", colour, "JPEG", "CMYK"),
            ("YCbCr", ".jpg", colour, "JPEG", "YCbCr"),
            ("YCbCr", ".tif", colour, "TIFF", "YCbCr"),
            ("palette", ".png", colour, "PNG", "P"),
            ("1 bit", ".png", colour, "PNG", "1"),
            ("grey with alpha", ".png", colour, "PNG", "LA"),
            ("alpha", ".png", alpha),
            ("all transparent", ".png", alpha * 0),
            (f"turned {turn}", ".jpg", colour, "JPEG", None, {"exif": exif}),
            (f"turned {turn}", ".tif", grey, "TIFF", None, {"exif": exif}),
            (f"turned {turn}", ".png", grey, "PNG", None, {"exif": exif}),
            ("WebP", ".webp", colour, "WEBP"),
            ("moving", ".gif", grey, "GIF", None, moving),
            ("moving", ".webp", grey, "WEBP", None, moving),
            ("moving", ".png", grey, "PNG", None, moving),
            ("pages", ".tif", grey, "TIFF", None, moving),
            ("BMP by another name", ".png", colour, "BMP"),
            ("DDS", ".png", colour, "DDS"),
            ("1 x 1", ".png", grey[:1, :1]),
            ("1 x 4000", ".png", np.zeros((1, 4000), np.uint8)),
            ("white", ".png", np.full((28, 28), 255, np.uint8)),
            ("black", ".png", np.zeros((28, 28, 3), np.uint8)),
        ]
    )
    array, format, mode, settings = (*how, *("PNG", None, {})[len(how) - 1 :])
    return what, suffix, saved(array, format, mode, **settings)


def liars(rng):
    """(what it is, suffix, content) of pictures whose headers lie, and of bombs."""
    zeros, big = bytes(1000), (1 << 31) - 1
    huge = rng.choice([(99_000_000, 1), (1, 99_000_000), (9949, 9949), (10_001, 10_000)])
    windows = struct.pack("<IHHIIiiHHIIiiII", 0, 0, 0, 54, 40, -9, 9, 1, 24, *[0] * 6)
    what, suffix, content = rng.choice(
        [
            (f"header of {huge}", ".png", lambda: png(*huge, rows=zeros)),
            (f"full {huge}", ".png", lambda: png(*huge, rows=bytes((huge[0] + 1) * huge[1]))),
            ("147 MB of colours", ".png", lambda: png(7000, 7000, 8, 2, bytes(7000 * 21_001))),
            ("297 MB of colours", ".png", lambda: png(9949, 9949, 8, 2, bytes(9949 * 29_848))),
            ("a broad JPEG", ".jpg", lambda: saved(np.zeros((1500, 65_000), np.uint8), "JPEG")),
            ("16 bits of RGBA, cut", ".png", lambda: png(7000, 7000, 16, 6, bytes(9))),
            ("as large as can be", ".png", lambda: png(big, big, rows=zeros)),
            ("0 x 0", ".png", lambda: png(0, 0)),
            ("10 x 0", ".png", lambda: png(10, 0, rows=zeros)),
            ("3 bits", ".png", lambda: png(20, 20, 3, 0, zeros)),
            ("colour type 9", ".png", lambda: png(20, 20, 8, 9, zeros)),
            ("no palette", ".png", lambda: png(20, 20, 8, 3, zeros)),
            ("rows are missing", ".png", lambda: png(20, 20, rows=zeros[:50])),
            ("too many rows", ".png", lambda: png(20, 20, rows=zeros * 99)),
            ("a text bomb", ".png", lambda: png(9, 9, rows=zeros, more=packed(b"zTXt", 90 << 20))),
            (
                "a colour bomb",
                ".png",
                lambda: png(9, 9, rows=zeros, more=packed(b"iCCP", 50 << 20)),
            ),
            ("PGM of 10^11", ".pgm", lambda: b"P5 99999999999 9 255 "),
            ("PGM with a large maximum", ".pgm", lambda: b"P5 9 9 99999999 " + zeros),
            ("PGM of letters", ".pgm", lambda: b"P2 2 2 255 1 2 x 4"),
            ("PPM of -4", ".ppm", lambda: b"P6 -4 4 255 " + zeros),
            ("BMP of -9", ".bmp", lambda: b"BM" + windows + zeros),
            ("EPS", ".png", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
            ("SVG", ".png", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ]
    )
    return what, suffix, content()


FORMATS = {"PNG": ".png", "JPEG": ".jpg", "GIF": ".gif", "TIFF": ".tif", "WEBP": ".webp"}


def build(own, folder, case):
    how, content, special, suffix = own.randrange(10), None, None, ".png"
    if how < 3:
        format, suffix = own.choice(list(FORMATS.items()))
        content, note = damaged(own, saved(small(own, 40, 50, 3), format)), f"damaged {format}"
    elif how < 6:
        note, suffix, content = odd_modes(own)
        if note not in ("floats", "DDS", "1 x 1", "LAB", "32 bits", "1 x 4000"):
            case.right = EITHER if "--numbers" in case.argv or "detect" in case.argv else WORKS
    elif how < 8:
        note, suffix, content = liars(own)
    elif how < 9:
        content, note, case.right = own.choice(GARBAGE), "garbage", FAILS
    else:
        special = note = own.choice(NO_FILES)
    name = "broken" + suffix
    place = case.argv.index("PICTURE")
    case.argv[place] = name
    if own.random() < 0.1 and special is None:
        case.argv[place], case.stdin = "-", name
    case.note = f"{note}, {name}"
    written_as(folder / name, content, special)


@kind("pictures", 160)
def pictures(rng):
    while True:
        use = rng.choice(USES)
        output = {"page": ["-o", "lab.html"], "predict": []}.get(use[0], ["-o", "out.png"])
        yield later([*use, "PICTURE", *output], rng.getrandbits(32), build)
