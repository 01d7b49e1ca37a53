"""Random changes of training images that keep their class."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from convlab.errors import DTypeError, ShapeError, SpecError

SIGMA = 4.0
"""Standard deviation in pixels of the Gaussian that smooths elastic fields."""

# Pixels processed at once, so that the intermediate arrays stay in the cache.
_PIXELS_AT_ONCE = 1 << 17

_ALLOWED = "shift=PIXELS, rotate=DEGREES, scale=FRACTION, flip and elastic=ALPHA"


@dataclass(frozen=True)
class Augmentation:
    """Which random changes are made to each training image; all are off by default.

    shift: each axis is moved by a whole number of pixels from -shift to shift.
    rotate: rotated about the centre by -rotate to rotate degrees.
    scale: enlarged about the centre by a factor from 1 - scale to 1 + scale.
    flip: mirrored left to right with probability 1/2.
    elastic: alpha of elastic distortion (Simard, Steinkraus, Platt 2003,
        section 2), in pixels: both displacement fields are uniform noise
        between -1 and 1, smoothed by a Gaussian of standard deviation SIGMA,
        times alpha.  Their choice for MNIST, 34, moves a pixel by about 1.4
        pixels along each axis.  Towards the border, where the Gaussian covers
        less noise, the field is scaled to the variance that it has inside.

    All draws are uniform and independent for each image.  Images are sampled
    once, bilinearly; outside the image the nearest edge value is used.

    Raises SpecError for a number outside its range.
    """

    shift: int = 0
    rotate: float = 0.0
    scale: float = 0.0
    flip: bool = False
    elastic: float = 0.0

    def __post_init__(self) -> None:
        limits = {
            "shift": (0, 1_000_000, "a whole number of pixels from 0 to 1,000,000"),
            "rotate": (0, 180, "degrees from 0 to 180"),
            "scale": (0, math.nextafter(1, 0), "a fraction from 0 to below 1"),
            "elastic": (0, math.inf, "an alpha in pixels from 0"),
        }
        for name, (low, high, expected) in limits.items():
            value = getattr(self, name)
            whole = name != "shift" or float(value).is_integer()
            if not (low <= value <= high and math.isfinite(value) and whole):
                raise SpecError(f"augmentation: expected {name} as {expected}, got {value}")
        # Plain numbers, so that str gives the same words for NumPy's numbers.
        object.__setattr__(self, "shift", int(self.shift))
        object.__setattr__(self, "flip", bool(self.flip))
        for name in ("rotate", "scale", "elastic"):
            object.__setattr__(self, name, float(getattr(self, name)))

    @classmethod
    def parse(cls, text: str) -> Augmentation:
        """Parse words such as "shift=2,rotate=10,flip"; "none" and "" turn everything off.

        Raises SpecError for an unknown word, a missing or superfluous number
        and a word that comes twice.
        """
        settings: dict[str, Any] = {}
        words = [] if text.strip() in ("", "none") else text.split(",")
        for word in words:
            name, equals, number = (part.strip() for part in word.partition("="))
            if name not in {field.name for field in fields(cls)}:
                raise SpecError(
                    f"augmentation: expected words of {_ALLOWED}, or none, got {word.strip()!r}"
                )
            if name in settings:
                raise SpecError(f"augmentation: expected {name} once, got it twice in {text!r}")
            if name == "flip":
                if equals:
                    raise SpecError(f"augmentation: expected flip alone, got {word.strip()!r}")
                settings[name] = True
                continue
            try:
                settings[name] = float(number)
            except ValueError:
                raise SpecError(
                    f"augmentation: expected {name}=NUMBER, got {word.strip()!r}"
                ) from None
        return cls(**settings)

    def __str__(self) -> str:
        """The words that parse reads, or "none"."""
        words = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value:
                number = repr(value).removesuffix(".0")
                words.append(field.name if value is True else f"{field.name}={number}")
        return ",".join(words) or "none"

    def apply(
        self, images: np.ndarray, rng: np.random.Generator, part: slice | None = None
    ) -> np.ndarray:
        """Change each image at random.

        images: (N, C, H, W) uint8.  Returns a new array of that shape and
        type, or images itself if all is off.  The result depends only on the
        images and on the state of rng, from which it draws.  ``part``: only these
        of the images are changed, as among all, and returned.

        Raises DTypeError and ShapeError for another array.
        """
        if images.dtype != np.uint8:
            raise DTypeError(f"augmentation: expected images of uint8, got {images.dtype}")
        if images.ndim != 4:
            raise ShapeError(f"augmentation: expected images (N, C, H, W), got {images.shape}")
        first, end, _ = (part or slice(None)).indices(len(images))
        if self == Augmentation():
            return images if part is None else images[first:end]
        count, _, height, width = images.shape
        matrix, offset = self.draw(count, rng).affine()
        out = np.empty((end - first, *images.shape[1:]), np.uint8)
        step = max(1, _PIXELS_AT_ONCE // (height * width))
        for at in range(0, count, step):
            own = slice(max(at, first), min(at + step, end))
            if self.elastic:
                drawn = rng.random((2, min(step, count - at), height, width), np.float32)
            if own.start >= own.stop:
                continue
            rows, columns = _coordinates(matrix[own], offset[own], height, width)
            if self.elastic:
                noise = drawn[:, own.start - at : own.stop - at] * 2 - 1
                down, right = _smooth(noise) * np.float32(self.elastic)
                rows += down
                columns += right
            _sample(images[own], rows, columns, out[own.start - first : own.stop - first])
        return out

    def draw(self, count: int, rng: np.random.Generator) -> Changes:
        """Draw the changes of ``count`` images: what ``apply`` does to them first.

        From a generator in the same state these are the changes that ``apply`` makes; the noise of
        elastic distortion is drawn after them.
        """
        angle, factor = np.zeros(count), np.ones(count)
        offset, mirrored = np.zeros((count, 2), int), np.zeros(count, bool)
        if self.shift:
            offset[:] = rng.integers(-self.shift, self.shift, (count, 2), endpoint=True)
        if self.rotate:
            angle = rng.uniform(-self.rotate, self.rotate, count)
        if self.scale:
            factor = rng.uniform(1 - self.scale, 1 + self.scale, count)
        if self.flip:
            mirrored = rng.choice([-1.0, 1.0], count) < 0
        return Changes(offset, angle, factor, mirrored)


@dataclass(frozen=True, eq=False)
class Changes:
    """What is done to each of N images, in this order: mirrored, enlarged and turned, moved.

    shift: (N, 2) whole pixels, down and to the right.  angle: (N,) degrees, clockwise.
    factor: (N,), the enlargement.  mirrored: (N,) bool, left to right.
    """

    shift: np.ndarray
    angle: np.ndarray
    factor: np.ndarray
    mirrored: np.ndarray

    def affine(self) -> tuple[np.ndarray, np.ndarray]:
        """Where each output pixel comes from: source = matrix @ (pixel - offset).

        Both are measured from the centre of the image, as (row, column).
        matrix: (N, 2, 2), offset: (N, 2), float32.
        """
        angle, mirror = np.radians(self.angle), np.where(self.mirrored, -1.0, 1.0)
        cos, sin = np.cos(angle) / self.factor, np.sin(angle) / self.factor
        matrix = np.array([[cos, -sin], [mirror * sin, mirror * cos]])
        return matrix.transpose(2, 0, 1).astype(np.float32), self.shift.astype(np.float32)


def _coordinates(
    matrix: np.ndarray, offset: np.ndarray, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns (N, H, W) float32 of the source of each output pixel."""
    middle = np.float32((height - 1) / 2), np.float32((width - 1) / 2)
    rows = np.arange(height, dtype=np.float32) - middle[0] - offset[:, :1]
    columns = np.arange(width, dtype=np.float32) - middle[1] - offset[:, 1:]
    source = (
        matrix[:, axis, 0, np.newaxis, np.newaxis] * rows[:, :, np.newaxis]
        + matrix[:, axis, 1, np.newaxis, np.newaxis] * columns[:, np.newaxis]
        + middle[axis]
        for axis in (0, 1)
    )
    return next(source), next(source)


def _smooth(noise: np.ndarray) -> np.ndarray:
    """noise: (..., H, W), smoothed along H and W by the Gaussian of SIGMA.

    SciPy's loop rather than a matrix product: with BLAS the last bits depend on
    the number of threads.
    """
    from scipy.ndimage import gaussian_filter, gaussian_filter1d

    options = {"sigma": SIGMA, "mode": "constant", "truncate": 3.0}
    smooth = gaussian_filter(noise, axes=(-2, -1), **options)
    # Far from the border the weights have this norm; scaled to it, smoothed
    # noise has the same variance everywhere.
    norm = math.sqrt(1 / (2 * SIGMA * math.sqrt(math.pi)))
    height, width = (
        norm / np.linalg.norm(gaussian_filter1d(np.eye(length), axis=0, **options), axis=1)
        for length in noise.shape[-2:]
    )
    smooth *= np.multiply.outer(height, width).astype(np.float32)
    return smooth


def _sample(images: np.ndarray, rows: np.ndarray, columns: np.ndarray, out: np.ndarray) -> None:
    """Bilinear values of images (N, C, H, W) at rows and columns (N, H, W), into out."""
    count, channels, height, width = images.shape
    corner = np.arange(count, dtype=np.intp)[:, np.newaxis, np.newaxis] * (height * width)
    weights = []
    for position, length, stride in ((rows, height, width), (columns, width, 1)):
        np.clip(position, 0, length - 1, out=position)
        # The last cell takes its far edge too, so that its neighbour exists.
        cell = np.minimum(position.astype(np.intp), max(length - 2, 0))
        weights.append(position - cell.astype(np.float32))
        corner = corner + cell * stride
    down, right = (width if height > 1 else 0), (1 if width > 1 else 0)
    for channel in range(channels):
        plane = images[:, channel].astype(np.float32).ravel()
        upper, lower = plane.take(corner), plane.take(corner + down)
        upper += weights[1] * (plane.take(corner + right) - upper)
        lower += weights[1] * (plane.take(corner + (down + right)) - lower)
        upper += weights[0] * (lower - upper)
        upper += 0.5  # the cast to bytes truncates
        out[:, channel] = upper.astype(np.uint8)
