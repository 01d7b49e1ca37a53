"""Digits as people bring them: sixty digits, each on a sheet in many ways; and sheets without any.

Forty are the strokes of MNIST's test set drawn large, the first four of each class; twenty are
lines between points that were written down by hand, two of each class.  What is drawn depends on
the digit, the way and nothing else.
"""

import io
import zlib
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from convlab import data

HEIGHT = 300  # pixels of a digit before it is put on a sheet

# Points (x, y) from the upper left corner of a box two wide and three high.
_WRITTEN = {
    "0": (
        [[(1, 0), (0.3, 0.5), (0.1, 1.5), (0.3, 2.5), (1, 3), (1.7, 2.5), (1.9, 1.5), (1.7, 0.5),
          (1, 0)]],
        [[(1.3, 0.1), (0.5, 0.6), (0.2, 1.7), (0.6, 2.8), (1.2, 2.9), (1.7, 2.1), (1.8, 1),
          (1.4, 0.2), (1.1, 0.1)]],
    ),
    "1": ([[(1, 0), (1, 3)]], [[(1.3, 0), (1.1, 1.5), (0.8, 3)]]),
    "2": (
        [[(0.2, 0.7), (0.6, 0.1), (1.3, 0), (1.8, 0.6), (1.6, 1.3), (0.9, 2.1), (0.1, 3),
          (1.9, 3)]],
        [[(0.3, 0.4), (0.9, 0), (1.6, 0.3), (1.7, 1), (1.2, 1.8), (0.4, 2.6), (0.2, 2.9),
          (0.9, 2.8), (1.8, 2.9)]],
    ),
    "3": (
        [[(0.2, 0.4), (0.9, 0), (1.6, 0.3), (1.7, 0.9), (1.3, 1.3), (0.7, 1.4), (1.4, 1.6),
          (1.8, 2.2), (1.5, 2.8), (0.8, 3), (0.1, 2.6)]],
        [[(0.3, 0.1), (1.5, 0.1), (1.7, 0.6), (1.4, 1.2), (0.8, 1.4), (1.5, 1.5), (1.7, 2.1),
          (1.3, 2.8), (0.3, 2.9)]],
    ),
    "4": (
        [[(0.4, 0), (0.1, 1.6), (1.8, 1.5)], [(1.5, 0.1), (1.3, 3)]],
        [[(0.3, 0.1), (0.2, 1.3), (0.6, 1.7), (1.6, 1.6)], [(1.7, 0), (1.6, 1.5), (1.4, 3)]],
    ),
    "5": (
        [[(1.7, 0), (0.4, 0), (0.3, 1.2), (1, 1.1), (1.6, 1.5), (1.7, 2.2), (1.2, 2.9),
          (0.3, 2.9)]],
        [[(0.5, 0.1), (0.3, 1.3), (1.1, 1.3), (1.5, 1.9), (1.3, 2.7), (0.6, 3), (0.1, 2.7)],
         [(0.5, 0.1), (1.8, 0)]],
    ),
    "6": (
        [[(1.5, 0), (0.7, 0.8), (0.2, 2), (0.5, 2.8), (1.2, 3), (1.7, 2.4), (1.3, 1.8), (0.6, 1.9),
          (0.3, 2.3)]],
        [[(1.2, 0), (0.4, 1.2), (0.2, 2.2), (0.7, 3), (1.4, 2.9), (1.7, 2.2), (1.2, 1.6),
          (0.5, 1.8), (0.2, 2.2)]],
    ),
    "7": (
        [[(0.1, 0.1), (1.8, 0), (1.3, 1.2), (0.8, 3)]],
        [[(0.2, 0.3), (0.9, 0.2), (1.8, 0.2), (1.4, 1), (1, 1.9), (0.7, 3)]],
    ),
    "8": (
        [[(1.6, 0.4), (0.9, 0), (0.3, 0.5), (0.7, 1.2), (1.4, 1.8), (1.7, 2.5), (1, 3), (0.3, 2.5),
          (0.6, 1.8), (1.4, 1), (1.6, 0.4)]],
        [[(1, 1.4), (0.4, 0.9), (0.5, 0.2), (1.2, 0), (1.6, 0.5), (1.3, 1.1), (0.7, 1.7),
          (0.3, 2.4), (0.8, 3), (1.5, 2.8), (1.6, 2.1), (1, 1.4)]],
    ),
    "9": (
        [[(1.6, 0.5), (1, 0.1), (0.4, 0.5), (0.4, 1.1), (0.9, 1.5), (1.5, 1.1), (1.6, 0.5),
          (1.5, 1.7), (1.3, 3)]],
        [[(1.7, 0.3), (0.9, 0), (0.3, 0.6), (0.5, 1.3), (1.1, 1.4), (1.6, 0.9), (1.7, 0.2),
          (1.6, 1.6), (1, 2.8)]],
    ),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Digit:
    """A digit: its class, what it is called, and where its ink is, (rows, columns) from 0 to 1."""

    label: int
    name: str
    ink: np.ndarray


def written():
    """The twenty that are lines between points."""
    for label, both in _WRITTEN.items():
        for number, strokes in enumerate(both):
            yield Digit(int(label), f"written {label}.{number}", _stroked(strokes))


def of_mnist(data_dir=None):
    """The first four of each class of MNIST's test set, in its order."""
    _, test = data.load("mnist", data_dir=data_dir, download=False)
    for label in range(10):
        for number in np.flatnonzero(test.labels == label)[:4]:
            yield Digit(label, f"test:{number}", _enlarged(test.images[number, 0]))


def _stroked(strokes):
    fine, width, margin = HEIGHT // 3 * 2, 44, 60  # drawn at twice the size
    image = Image.new("L", (2 * fine + 2 * margin, 3 * fine + 2 * margin))
    pen = ImageDraw.Draw(image)
    for stroke in strokes:
        points = [(margin + x * fine, margin + y * fine) for x, y in stroke]
        pen.line(points, 255, width, joint="curve")
        for x, y in points:
            pen.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], 255)
    return _cropped(np.asarray(image.reduce(2)) / 255)


def _enlarged(pixels):
    """The strokes of 28 x 28 bytes with the edge of a pen."""
    factor = HEIGHT / 20
    size = round(28 * factor)
    large = Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC)
    return _cropped(np.clip((np.asarray(large) / 255 - 0.45) * 8 + 0.5, 0, 1))


def _cropped(ink):
    rows, columns = (np.flatnonzero((ink > 0.02).any(axis=axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


# --- pens ---------------------------------------------------------------------------------


def _disc(radius):
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return np.hypot(x, y) <= radius


def _drawn_with(ink, width):
    """The same strokes with a pen that is ``width`` pixels wide at HEIGHT."""
    lines = np.reshape(np.frombuffer(_thinned(ink.shape, (ink > 0.5).tobytes()), bool), ink.shape)
    padded = np.pad(lines, int(width))
    wide = ndimage.binary_dilation(padded, _disc(width / 2)).astype(float)
    return _cropped(ndimage.gaussian_filter(wide, 0.7))


def _broader(ink, by):
    wide = ndimage.binary_dilation(np.pad(ink > 0.5, by + 2), _disc(by))
    return _cropped(ndimage.gaussian_filter(wide.astype(float), 0.7))


@cache
def _thinned(shape, content):
    """Lines of one pixel (Zhang, Suen 1984), as bytes: once for all ways of a digit."""
    on = np.pad(np.reshape(np.frombuffer(content, bool), shape), 2)
    while True:
        before = on.sum()
        for first in (True, False):
            # The eight neighbours, clockwise from the one above.
            steps = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
            p = [np.roll(on, (-y, -x), (0, 1)) for y, x in steps]
            count = np.sum(p, axis=0)
            rises = np.sum([~one & two for one, two in zip(p, [*p[1:], p[0]], strict=True)], axis=0)
            up, right, down, left = p[0], p[2], p[4], p[6]
            if first:
                free = ~(up & right & down) & ~(right & down & left)
            else:
                free = ~(up & right & left) & ~(up & down & left)
            on &= ~((count >= 2) & (count <= 6) & (rises == 1) & free)
        if on.sum() == before:
            return on[2:-2, 2:-2].tobytes()


# --- sheets -------------------------------------------------------------------------------

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def _paper(rows, columns, colour):
    return np.broadcast_to(np.array(colour, float), (rows, columns, 3)).copy()


def _put(sheet, ink, height, place, pen):
    """The ink, so many pixels high, at a place (down, across), 0 to 1, of where it can lie."""
    factor = min(
        height / HEIGHT, 0.9 * sheet.shape[0] / len(ink), 0.9 * sheet.shape[1] / len(ink.T)
    )
    size = max(1, round(ink.shape[1] * factor)), max(1, round(ink.shape[0] * factor))
    scaled = Image.fromarray((255 * ink).astype(np.uint8)).resize(size, Image.Resampling.LANCZOS)
    part = np.asarray(scaled)[..., None] / 255
    top, left = (
        round(share * (have - need))
        for share, have, need in zip(place, sheet.shape, part.shape, strict=False)
    )
    where = sheet[top : top + len(part), left : left + part.shape[1]]
    where[...] = (1 - part) * where + part * np.array(pen, float)
    return sheet


def _file(sheet, kind="PNG", alpha=None):
    pixels = np.clip(np.rint(sheet), 0, 255).astype(np.uint8)
    if alpha is not None:
        pixels = np.dstack([pixels, np.clip(np.rint(alpha), 0, 255).astype(np.uint8)])
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **({"quality": 85} if kind == "JPEG" else {}))
    return stream.getvalue()


def _noise(sheet, rng, strength):
    return sheet + rng.normal(0, strength, sheet.shape[:2])[..., None]


def _lit(sheet, rng):
    """A photograph of it: light from one side, a soft shadow over a part, a little blur, noise."""
    rows, columns = sheet.shape[:2]
    y, x = np.mgrid[:rows, :columns] / max(rows, columns)
    angle = rng.uniform(0, 2 * np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    light = 0.72 + 0.28 * (along - along.min()) / np.ptp(along)
    turn = rng.uniform(0, 2 * np.pi)
    across = x * np.cos(turn) + y * np.sin(turn)
    edge = np.quantile(across, rng.uniform(0.35, 0.65))
    shadow = 1 - 0.38 / (1 + np.exp((edge - across) / 0.012))
    seen = ndimage.gaussian_filter(sheet * (light * shadow)[..., None], (0.8, 0.8, 0))
    return _noise(seen, rng, 4)


def _lines(sheet, colour, step, width=1, columns=False):
    for at in range(step, sheet.shape[0], step):
        sheet[at : at + width] = colour
    for at in range(step, sheet.shape[1] if columns else 0, step):
        sheet[:, at : at + width] = colour
    return sheet


def _anywhere(rng):
    return rng.uniform(0.05, 0.95, 2)


def _desk(rng):
    """Wood with a sheet on it, and where the sheet is."""
    rows, columns = 600, 800
    grain = ndimage.gaussian_filter(rng.normal(0, 1, (rows, columns)), (1, 40))
    wood = _paper(rows, columns, (112, 78, 52)) + 90 * grain[..., None]
    turned = Image.new("L", (columns, rows))
    corners = np.array([(-230, -200), (230, -200), (230, 200), (-230, 200)])
    angle = np.radians(rng.uniform(-6, 6))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = corners @ turn.T + (columns / 2, rows / 2)
    ImageDraw.Draw(turned).polygon([tuple(point) for point in points], 255)
    where = np.asarray(turned)[..., None] / 255
    return wood * (1 - where) + np.array((236, 234, 228)) * where


def _board(rng):
    clouds = ndimage.gaussian_filter(rng.normal(0, 1, (480, 640)), 30)
    return _paper(480, 640, (38, 62, 52)) + 9 * (clouds / clouds.std())[..., None]


def _chalk(ink, rng):
    grain = ndimage.gaussian_filter(rng.uniform(0, 1, ink.shape), 1)
    return ink * (0.55 + 0.45 * (grain > np.quantile(grain, 0.3)))


def _transparent(ink, rng, pen):
    alpha = _put(_paper(400, 400, BLACK), ink, 260, _anywhere(rng), WHITE)[..., 0]
    return _file(_paper(400, 400, pen), alpha=alpha)


def _framed(sheet):
    for inset in (12, 16):
        side = slice(inset, -inset)
        sheet[inset, side] = sheet[-inset, side] = sheet[side, inset] = sheet[side, -inset] = 0
        sheet[inset : inset + 4, side] = sheet[side, inset : inset + 4] = 0
        sheet[-inset - 4 : -inset, side] = sheet[side, -inset - 4 : -inset] = 0
    return sheet


_BLUE, _PENCIL, _RULED = (38, 58, 150), (58, 58, 66), (168, 198, 232)
_MIDDLE = (0.5, 0.5)


def _pen(ink, rng, sheet, width, height, colour, finish=lambda sheet: sheet, kind="PNG"):
    """Lines of a pen anywhere on a sheet."""
    drawn = _drawn_with(ink, width) if width else ink
    return _file(finish(_put(sheet, drawn, height, _anywhere(rng), colour)), kind)


WAYS = {
    "in the middle": lambda ink, rng: _file(
        _put(_paper(400, 400, WHITE), ink, 280, _MIDDLE, BLACK)
    ),
    "in a corner": lambda ink, rng: _file(
        _put(_paper(400, 400, WHITE), ink, 110, rng.choice([0.04, 0.96], 2), BLACK)
    ),
    "small": lambda ink, rng: _pen(ink, rng, _paper(600, 600, WHITE), 0, 60, BLACK),
    "thin": lambda ink, rng: _pen(ink, rng, _paper(400, 400, WHITE), 3, 260, BLACK),
    "broad": lambda ink, rng: _file(
        _put(_paper(400, 400, WHITE), _broader(ink, 6), 280, _MIDDLE, BLACK)
    ),
    "dim": lambda ink, rng: _pen(
        ink, rng, _paper(400, 400, (235, 235, 235)), 0, 240, (192, 192, 192),
        lambda sheet: _noise(sheet, rng, 2),
    ),
    "framed": lambda ink, rng: _file(
        _put(_framed(_paper(400, 400, WHITE)), ink, 220, rng.uniform(0.2, 0.8, 2), BLACK)
    ),
    "blue pen": lambda ink, rng: _pen(
        ink, rng, _paper(480, 640, (250, 247, 235)), 9, 250, _BLUE,
        lambda sheet: _noise(sheet, rng, 3), "JPEG",
    ),
    "chalk on a board": lambda ink, rng: _pen(
        _chalk(ink, rng), rng, _board(rng), 0, 260, (228, 230, 222),
        lambda sheet: _noise(sheet, rng, 3), "JPEG",
    ),
    "white on transparent": lambda ink, rng: _transparent(ink, rng, WHITE),
    "black on transparent": lambda ink, rng: _transparent(ink, rng, BLACK),
    "tall sheet": lambda ink, rng: _pen(ink, rng, _paper(800, 200, WHITE), 0, 150, BLACK),
    "wide sheet": lambda ink, rng: _pen(ink, rng, _paper(250, 900, WHITE), 0, 170, BLACK),
    "photographed, with a shadow": lambda ink, rng: _pen(
        ink, rng, _paper(600, 800, (228, 225, 216)), 12, 260, _PENCIL,
        lambda sheet: _lit(sheet, rng), "JPEG",
    ),
    "squared paper": lambda ink, rng: _pen(
        ink, rng, _lines(_paper(500, 500, WHITE), _RULED, 25, 1, columns=True), 10, 220, _BLUE
    ),
    "lined paper": lambda ink, rng: _pen(
        ink, rng, _lines(_paper(500, 700, WHITE), _RULED, 42, 2), 10, 200, _PENCIL,
        lambda sheet: _noise(sheet, rng, 2), "JPEG",
    ),
    "a sheet on a desk": lambda ink, rng: _file(
        _lit(_put(_desk(rng), _drawn_with(ink, 14), 220, rng.uniform(0.4, 0.6, 2), _PENCIL), rng),
        "JPEG",
    ),
    "28 x 28, off the centre": lambda ink, rng: _pen(
        ink, rng, _paper(28, 28, WHITE), 0, 15, BLACK
    ),
}  # fmt: skip
"""A sheet (the bytes of a file) for each way in which a digit is brought."""

EMPTY = {
    "white": lambda rng: _file(_paper(300, 300, WHITE)),
    "black": lambda rng: _file(_paper(28, 28, BLACK)),
    "grey": lambda rng: _file(_paper(300, 400, (128, 128, 128))),
    "transparent": lambda rng: _file(_paper(300, 300, WHITE), alpha=np.zeros((300, 300))),
    "transparent black": lambda rng: _file(_paper(300, 300, BLACK), alpha=np.zeros((300, 300))),
    "lined": lambda rng: _file(_lines(_paper(500, 700, WHITE), _RULED, 42, 2)),
    "squared": lambda rng: _file(_lines(_paper(500, 500, WHITE), _RULED, 25, 1, columns=True)),
    "framed": lambda rng: _file(_framed(_paper(400, 400, WHITE))),
    "noise": lambda rng: _file(_noise(_paper(400, 400, (235, 235, 235)), rng, 2)),
    "photographed": lambda rng: _file(_lit(_paper(600, 800, (228, 225, 216)), rng), "JPEG"),
    "photographed, lined": lambda rng: _file(
        _lit(_lines(_paper(600, 800, (228, 225, 216)), _RULED, 42, 2), rng), "JPEG"
    ),
    "board": lambda rng: _file(_noise(_board(rng), rng, 3), "JPEG"),
    "sheet on a desk": lambda rng: _file(_lit(_desk(rng), rng), "JPEG"),
}
"""Sheets on which nothing is written."""


def sheet(digit, way):
    """The bytes of a picture of a digit."""
    return WAYS[way](digit.ink, np.random.default_rng(zlib.crc32(f"{digit.name} {way}".encode())))


def empty(kind, seed=0):
    """The bytes of a picture of an empty sheet."""
    return EMPTY[kind](np.random.default_rng(zlib.crc32(f"{seed} {kind}".encode())))


def photographs(data_dir):
    """(name, bytes): the two of scikit-learn, whole and in parts, in colour and grey; pets."""
    for name in data.PHOTOGRAPHS:
        whole = data.photograph(name)
        yield name, _file(whole, "JPEG")
        yield f"{name}, grey", _file(np.repeat(whole.mean(axis=2, keepdims=True), 3, axis=2))
        for top in range(0, 400, 200):
            for left in range(0, 600, 200):
                part = whole[top : top + 200, left : left + 200]
                yield f"{name} at {top}, {left}", _file(part)
    for path in sorted(data_dir.glob("cats-dogs/test/*/*.jpg")):
        yield f"{path.parent.name}/{path.name}", path.read_bytes()
