"""Words that pictures and tables share: what was done to which images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from convlab import insight
from convlab.models import Network
from convlab.numerals import number
from convlab.shapes import size_text
from convlab.training import Run

AMOUNTS: dict[str, tuple[float, ...]] = {
    "shift": (0, 1, 2, 3, 4),
    "rotation": (0.0, 15.0, 45.0, 90.0, 180.0),
    "scale": (0.8, 0.9, 1.0, 1.1, 1.25),
}
"""How far images are transformed where nothing is said."""
HOW = {
    "shift": "shift to the right in pixels",
    "rotation": "rotation anticlockwise in degrees",
    "scale": "scaled by a factor",
}


def amount_text(amount: float, transform: str) -> str:
    """An amount as a column's head: 3, 45° or 0.8 ×."""
    return number(amount, 15) + {"rotation": "°", "scale": " ×"}.get(transform, "")


def maps_text(size: tuple[int, int], stride: tuple[int, int]) -> str:
    """The size of a layer's maps and their effective stride."""
    rows, columns = stride
    steps = str(rows) if rows == columns else size_text(*stride)
    return f"{size_text(*size)}, stride {steps}"


def transform_words(
    network: Network, run: Run | None, transform: str, border: str, count: int
) -> tuple[str, str]:
    """A network and the transform of its ``count`` images, and which images these are."""
    how = HOW[transform] + (f", border {border}" if transform == "shift" else "")
    if run is None:
        return f"{network.name}, random weights; {how}", f"{count} random images"
    return f"{run.name}; {how}", f"{count} test image{'s' * (count != 1)}"


def shift_words(runs: Sequence[Run], count: int, direction: str, border: str) -> str:
    """How ``count`` test images were shifted, and how the runs' training images were varied."""
    name = Path(runs[0].settings.data).name
    where = direction
    if direction == "all":
        *names, last = insight.DIRECTIONS
        where = f"{', '.join(names)} and {last} (mean)"
    return (
        f"{count:,} test images of {name}, shifted {where}, border {border};"
        f" trained with {_augmentation(runs)}"
    )


def _augmentation(runs: Sequence[Run]) -> str:
    """How the training images were varied: once, or run by run if that differs."""
    texts = {one.folder.resolve().name: one.settings.augment for one in runs}
    if len(set(texts.values())) > 1:
        return "; ".join(f"{name}: {text}" for name, text in texts.items())
    (text,) = set(texts.values())
    return "images as they are" if text == "none" else text
