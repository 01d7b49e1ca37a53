"""Words that pictures and tables share: what was done to which images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from convlab.models import Network
from convlab.numerals import number
from convlab.shapes import size_text
from convlab.training import Run
from convlab.words import t

AMOUNTS: dict[str, tuple[float, ...]] = {
    "shift": (0, 1, 2, 3, 4),
    "rotation": (0.0, 15.0, 45.0, 90.0, 180.0),
    "scale": (0.8, 0.9, 1.0, 1.1, 1.25),
}
"""How far images are transformed where nothing is said."""
HOW = {
    "shift": t("shift to the right in pixels"),
    "rotation": t("rotation anticlockwise in degrees"),
    "scale": t("scaled by a factor"),
}


def amount_text(amount: float, transform: str) -> str:
    """An amount as a column's head: 3, 45° or 0.8 ×."""
    return number(amount, 15) + {"rotation": "°", "scale": " ×"}.get(transform, "")


def maps_text(size: tuple[int, int], stride: tuple[int, int]) -> str:
    """The size of a layer's maps and their effective stride."""
    rows, columns = stride
    steps = str(rows) if rows == columns else size_text(*stride)
    return t("{size}, stride {steps}", size_text(*size), steps)


def transform_words(
    network: Network, run: Run | None, transform: str, border: str, count: int
) -> tuple[str, str]:
    """A network and the transform of its ``count`` images, and which images these are."""
    how = HOW[transform] + (t(", border {border}", border) if transform == "shift" else "")
    if run is None:
        return t("{name}, random weights; {how}", network.name, how), t(
            "{count} random images", count
        )
    return t("{name}; {how}", run.name, how), t("{n} test image", count, several="{n} test images")


_WHERE = {"right": t("right"), "left": t("left"), "up": t("up"), "down": t("down")}


def shift_words(runs: Sequence[Run], count: int, direction: str, border: str) -> str:
    """How ``count`` test images were shifted, and how the runs' training images were varied."""
    name = Path(runs[0].settings.data).name
    where = _WHERE.get(direction, direction)
    if direction == "all":
        where = t("down, up, right and left (mean)")
    return t(
        "{count:,} test images of {name}, shifted {where}, border {border}; trained with"
        " {augmentation}",
        *(count, name, where, border, _augmentation(runs)),
    )


def _augmentation(runs: Sequence[Run]) -> str:
    """How the training images were varied: once, or run by run if that differs."""
    texts = {one.folder.resolve().name: one.settings.augment for one in runs}
    if len(set(texts.values())) > 1:
        return "; ".join(f"{name}: {text}" for name, text in texts.items())
    (text,) = set(texts.values())
    return t("images as they are") if text == "none" else text
