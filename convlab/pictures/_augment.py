"""What training sees: images changed at random, as its own code changes them."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from convlab import data, viz
from convlab.checks import whole
from convlab.data import Augmentation, Changes
from convlab.data.sources import SCENES_OF
from convlab.errors import DataError, SpecError
from convlab.numerals import to_places
from convlab.pictures.picture import Picture, said
from convlab.pictures.sources import image_bytes
from convlab.shapes import size_text
from convlab.training import ImageLike
from convlab.training.settings import DIGITS_AUGMENTATION
from convlab.words import joined, t

MOST, USUAL, USUAL_IN_ROWS = 100, 11, 7  # versions of an image
CAPTIONED = 4  # rows; of more the images would become too small
LARGEST = 640  # pixels along a side; larger pictures are shrunk


def augment(
    source: ImageLike = "digits",
    augment: str = DIGITS_AUGMENTATION,
    count: int | None = None,
    *,
    seed: int = 0,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """What training sees instead of an image: the original beside versions changed at random.

    ``source``: pixels, a picture's file, "-", a photograph (china, flower), a training image of a
    data set or folder, such as digits:3, or a data set, a folder, or scenes:FOLDER, of which the
    first training image of each class has a row.  ``augment``: the changes, as in ``train``;
    ``count``: versions of each image, by default 11, or 7 of each class.  They are drawn and made
    by the code of training, with the generator of the first batch of a training with this ``seed``;
    below each is what was done, unless there are more than 4 rows.
    Raises SpecError for changes that there are not, or none, and for settings out of range,
    DataError for an image or data set that does not exist.
    """
    if count is not None:
        whole(count, "count", 1, MOST, SpecError)
    whole(seed, "seed", 0, 2**63 - 1, SpecError)
    changes = Augmentation.parse(augment)
    if changes == Augmentation():
        raise SpecError(
            f"augment: expected a change such as {DIGITS_AUGMENTATION}, got {augment!r}"
        )
    given = _given(source, data_dir)
    rows, (channels, *size) = len(given.images), given.images.shape[1:]
    captioned = rows <= CAPTIONED
    count = count or (USUAL if rows == 1 else USUAL_IN_ROWS)
    repeated = np.repeat(given.images, count, axis=0)
    first_batch = [seed, 0, 1]
    made = changes.apply(repeated, np.random.default_rng(first_batch))
    drawn = changes.draw(len(repeated), np.random.default_rng(first_batch))
    versions = made.reshape(rows, count, channels, *size)
    every = np.concatenate([given.images[:, None], versions], axis=1)
    texts = [_caption(changes, drawn, at) for at in range(len(repeated))]
    captions = [texts[at : at + count] for at in range(0, len(texts), count)]
    title = t(
        "What training sees instead of an image"
        if rows == 1
        else "What training sees instead of its images"
    )
    shape = size_text(*size, *([channels] if channels > 1 else []))
    subtitle = t("{name}, {shape}; {listed}", given.name, shape, ", ".join(str(changes).split(",")))
    facts = _facts(changes, seed, captioned)
    return Picture(
        title,
        f"{title}: {subtitle}. {_told(given.names, captions)}. {said(dict(facts))}.",
        partial(
            viz.augmented,
            every,
            captions if captioned else None,
            given.names,
            facts=facts,
            title=title,
            subtitle=subtitle,
        ),
        parameters={
            "source": given.name if isinstance(source, np.ndarray) else str(source),
            "augment": str(changes),
            "count": count,
            "seed": seed,
        },
        inputs={"images": given.images},
        result={"images": versions, **_numbers(drawn, rows)},
        facts=dict(facts),
    )


class _Given(NamedTuple):
    """Images (rows, C, H, W), a name for each, and one for all."""

    images: np.ndarray
    names: list[str]
    name: str


def _given(source: ImageLike, data_dir: str | os.PathLike | None) -> _Given:
    text = None if isinstance(source, np.ndarray) else str(source)
    if text is not None and (not text or _is_data(text)):
        train = _training(text, data_dir, _has_all_classes)
        labels, first = np.unique(train.labels, return_index=True)
        return _Given(train.images[first], [train.classes[k] for k in labels], train.name)
    before, _, at = (text or "").rpartition(":")
    if _is_data(before):
        number = int(at) if at.isdecimal() and len(at) < 19 else -1
        train = _training(before, data_dir, lambda some: 0 <= number < len(some))
        if not 0 <= number < len(train):
            raise DataError(f"image {text}: expected {before}:0 to {before}:{len(train) - 1}")
        return _Given(
            train.images[[number]], [at], t("training image {at} of {name}", at, train.name)
        )
    pixels, name = image_bytes(source, "digits", data_dir)
    longest = max(pixels.shape[1:])
    if longest > LARGEST:
        size = [max(1, round(side * LARGEST / longest)) for side in pixels.shape[1:]]
        pixels, name = (
            data.fit_images(pixels[None], size=(size[0], size[1]))[0],
            t("{name}, shrunk", name),
        )
    return _Given(pixels[None], [name], name)


def _has_all_classes(some: data.Dataset) -> bool:
    return len(np.unique(some.labels)) == len(some.classes)


def _training(
    source: str, data_dir: str | os.PathLike | None, enough: Callable[[data.Dataset], bool]
) -> data.Dataset:
    """The training images; of windows of scenes, which are composed, as few as are ``enough``."""
    composed = source == "scenes" or source.startswith(SCENES_OF)
    for windows in (100, 1_000) if composed else ():
        train, _ = data.load(data.located(source), data_dir=data_dir, windows=windows)
        if enough(train):
            return train
    return data.load(data.located(source), data_dir=data_dir)[0]


def _is_data(text: str) -> bool:
    """Whether it names a data set, a folder, or scenes of the classes of one of them."""
    classes = text.removeprefix(SCENES_OF)
    if classes != text and classes.isdecimal():
        return False  # a number: an image of the scenes
    return data.is_source(classes)


def _caption(changes: Augmentation, drawn: Changes, at: int) -> list[str]:
    """What was done to a version, in one or two lines."""
    down, right = drawn.shift[at].tolist()
    turned = ["mirrored"] if drawn.mirrored[at] else []
    if changes.scale:
        turned.append(f"×{to_places(drawn.factor[at], 2)}")
    if changes.rotate:
        angle = drawn.angle[at]
        turned.append(f"{'↻' if angle >= 0 else '↺'}{to_places(abs(angle), 0)}°")
    moved = []
    if down:
        moved.append(f"{'↓' if down > 0 else '↑'}{abs(down)}")
    if right:
        moved.append(f"{'→' if right > 0 else '←'}{abs(right)}")
    lines = [" ".join(turned)] if changes.flip or changes.scale or changes.rotate else []
    lines += [" ".join(moved)] if changes.shift or not lines else []
    if not any(lines):
        return [t("distorted") if changes.elastic else t("unchanged"), *lines[1:]]
    return sorted(lines, key=lambda line: not line)  # empty ones last


def _told(names: list[str], captions: list[list[list[str]]]) -> str:
    """The first three captions of each row."""
    rows = [", ".join(" ".join(filter(None, text)) for text in row[:3]) for row in captions]
    said = "; ".join(f"{name}: {row}" for name, row in zip(names, rows, strict=True))
    return f"The first versions: {said}"


def _facts(changes: Augmentation, seed: int, captioned: bool) -> list[tuple[str, str]]:
    """How the changes were drawn, and what the signs of the captions mean."""
    signs = []
    if changes.scale:
        signs.append(t("× enlarged"))
    if changes.rotate:
        signs.append(t("↻ turned clockwise"))
    if changes.shift:
        signs.append(t("↓ → moved by pixels"))
    if changes.elastic:
        signs.append(t("all distorted elastically"))
    facts = [(t("below each"), joined(signs))] if signs and captioned else []
    if not captioned:
        facts = [(t("in each row"), t("the original, then its versions"))]
    drawn = t(
        "anew for each version, uniformly, by the code of training (seed {seed}); outside the"
        " image its nearest pixel",
        seed,
    )
    return [*facts, (t("drawn"), drawn)]


def _numbers(drawn: Changes, rows: int) -> dict[str, Any]:
    numbers = {
        "pixels down and right": drawn.shift,
        "degrees clockwise": drawn.angle,
        "enlargement": drawn.factor,
        "mirrored": drawn.mirrored,
    }
    return {name: part.reshape(rows, -1, *part.shape[1:]) for name, part in numbers.items()}
