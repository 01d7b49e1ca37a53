"""Pooling of a picture, beside the same picture made smaller."""

from __future__ import annotations

from functools import partial

import numpy as np

from convlab import lessons, viz
from convlab.numerals import number
from convlab.pictures._apply import read_image
from convlab.pictures.picture import Picture, said
from convlab.shapes import size_text
from convlab.training import ImageLike
from convlab.words import t

_HEADS = {"average": t("Average pooling"), "max": t("Max pooling")}


def pooled(image: ImageLike = "china", pool: str = "average:8", *, grey: bool = False) -> Picture:
    """Pooling of a picture, beside the same picture made smaller by Pillow.

    ``image`` as in ``apply``; ``pool``: average:K or max:K, blocks of K × K; ``grey``: the luma of
    a colour picture.  The mean of a block is what Pillow's BOX takes, so that average pooling
    differs from it only by rounding.  Raises DataError, ShapeError, SpecError.
    """
    kind, length = lessons.read_pool(pool)
    pixels, luma, name = read_image(image, grey)
    pixels = np.asarray(pixels, np.uint8)
    found = lessons.downsizing(pixels, kind, length)
    channels, *size = pixels.shape
    small = size_text(*found.pooled.shape[1:], *([channels] if channels > 1 else []))
    whole = size_text(*size, *([channels] if channels > 1 else []))
    what, block = lessons.POOLS[kind], size_text(length, length)
    ours, before = number(float(found.pooled.mean())), number(float(pixels.mean()))
    heads = _HEADS[kind], (small, t("mean {ours}", ours))
    results = [viz.SmallImage(*heads, _bytes(found.pooled), ours=True)]
    facts = []
    for filter, resized in found.resized.items():
        mean, most = found.difference(filter)
        notes = (t("differs by {number}", number(mean)), t("at most {number}", number(most)))
        results.append(viz.SmallImage(filter, notes, resized))
        facts.append((t("{what} and {filter}", what, filter), ", ".join(notes)))
    box = number(float(found.resized["BOX"].mean()))
    why = t(
        "BOX takes the mean of a block, too, and rounds it, first along rows, then along columns"
    )
    if kind == "max":
        why = t(
            "the largest of a block is never below its mean: {ours} against {box} with BOX",
            *(ours, box),
        )
    title = t("Pooling is like making a picture smaller")
    grey_words = t(", grey (BT.601 luma)") if luma else ""
    subtitle = t(
        "{what} {block} on {name}{grey_words}, and Pillow's filters; in grey levels",
        *(what, block, name, grey_words),
    )
    return Picture(
        title,
        f"{title}: {subtitle}; {whole} becomes {small}. {said(dict(facts))}; {why}.",
        partial(
            viz.downsized,
            pixels,
            results,
            notes=(whole, t("mean {before}", before)),
            facts=[(t("why"), why)],
            title=title,
            subtitle=subtitle,
        ),
        parameters={
            "image": name if isinstance(image, np.ndarray) else str(image),
            "pool": pool,
            "grey": channels == 1,
        },
        inputs={"image": pixels},
        result={
            "output": found.pooled,
            "resized": {name: lessons.record(one) for name, one in found.resized.items()},
            "differences": {filter: found.difference(filter) for filter in found.resized},
        },
        facts=dict(facts),
        lines=lambda: [f"{label}: {text}" for label, text in (*facts, ("why", why))],
    )


def _bytes(values: np.ndarray) -> np.ndarray:
    """Grey levels as bytes, to be seen."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
