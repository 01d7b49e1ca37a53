"""A classic kernel on an image."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from convlab import data, lessons, viz
from convlab.data.pictures import given_name, given_picture, picture_form
from convlab.errors import DataError, SpecError
from convlab.pictures.picture import Picture
from convlab.pictures.sources import check_pixels
from convlab.shapes import Pair, size_text
from convlab.training import ImageLike
from convlab.words import t

ERRORS = t("direction: largest error, on a soft edge turned by 0° to 45°")


def apply(
    image: ImageLike = "china",
    kernel: str | os.PathLike | ArrayLike = "sobel",
    *,
    grey: bool | None = None,
    padding: str | int | tuple[int, ...] | None = None,
    padding_mode: str = "replicate",
    stride: int | Pair = 1,
    convolve: bool = False,
    threshold: float | None = None,
) -> Picture:
    """The effect of a kernel on an image: before, kernel, after.

    ``image``: a photograph (china, flower), a test pattern (step, checkerboard, 6x6-edge),
    a picture's file, "-" for standard input, or uint8 (C, H, W); ``kernel``: a name, rows such
    as "1 0; 0 -1" or an array, as in ``lessons.classic_kernel``; ``grey``: the luma of a colour
    picture, by default for edges;
    ``padding``: same by default, valid for 6x6-edge; ``convolve``: also true convolution, and
    the difference; ``threshold``: the least magnitude whose direction is shown, by default a
    tenth of the largest.  Raises DataError, ShapeError, SpecError.
    """
    chosen = lessons.classic_kernel(kernel)
    if chosen.is_pair and grey is False:
        raise SpecError(f"grey: expected one kernel such as {chosen.name}-x for colours")
    pixels, luma, name = read_image(image, chosen.is_derivative if grey is None else grey)
    is_pattern = isinstance(image, str) and image in lessons.PATTERNS
    if padding is None:
        padding = "valid" if is_pattern and name == "6x6-edge" else "same"
    slide = partial(
        lessons.apply_kernel,
        pixels,
        chosen,
        stride=stride,
        padding=padding,
        padding_mode=padding_mode,
    )
    applied = slide()
    shown = lessons.AppliedView(
        applied,
        slide(flip=True) if convolve else None,
        levels=(0.0, 10.0) if is_pattern else (0.0, 255.0),
        unit="" if is_pattern else t("grey levels"),
        threshold=threshold,
    )
    called = name if isinstance(image, np.ndarray) else str(image)
    words = t(", grey (BT.601 luma)") if luma else ""
    return _picture(shown, pixels, called, name, words)


def _picture(
    shown: lessons.AppliedView, pixels: np.ndarray, image: str, name: str, luma: str
) -> Picture:
    """``image`` as requested, ``name`` as it is called."""
    applied = shown.applied
    kernel = applied.kernel
    channels, *size = pixels.shape
    subtitle = f"{name}, {size_text(*size, *([channels] if channels > 1 else []))}"
    subtitle += t("{luma}; {setting}", luma, applied.setting())
    facts = shown.facts()
    words = dict([*facts, shown.values()])
    described = "; ".join(f"{label}: {text}" for label, text in words.items())
    said = {"image": subtitle, **words}
    errors = lessons.direction_errors() if kernel.is_pair else None
    return Picture(
        t("{title} on {name}", kernel.title, name),
        f"{kernel.title} on {subtitle}. {described}.",
        partial(
            viz.applied,
            pixels,
            shown.kernels(),
            shown.results(),
            title=kernel.title,
            subtitle=subtitle,
            facts=facts,
            levels=shown.levels,
            padded=applied.padded,
            sides=applied.padding,
            at=shown.strongest(),
            errors=viz.Errors(ERRORS, errors) if errors else None,
        ),
        facts=said,
        lines=lambda: [f"{label}: {text}" for label, text in said.items()],
        parameters={
            "image": image,
            "grey": channels == 1,
            "kernel": kernel.name,
            "stride": applied.stride,
            "padding": applied.padding,
            "padding_mode": applied.padding_mode,
            "convolve": shown.convolved is not None,
            **({"threshold": shown.least} if kernel.is_pair else {}),
        },
        inputs={"image": pixels},
        weights={"kernel": kernel.weights},
        result={
            "output": shown.numbers(),
            **words,
            **({"direction_errors": errors} if errors else {}),
        },
    )


def summarised(made: Picture) -> Picture:
    """The picture, its image and its result summarised where a photograph would be megabytes."""
    image, output = made.inputs["image"], made.result["output"]
    return replace(
        made,
        inputs={"image": lessons.record(image)},
        result={**made.result, "output": lessons.record(output)},
    )


def read_image(image: ImageLike, grey: bool) -> tuple[np.ndarray, bool, str]:
    """(pixels (C, H, W), whether they are the luma of a colour picture, the image's name)."""
    if isinstance(image, np.ndarray):
        check_pixels(image)
        luma = grey and len(image) == 3
        return data.fit_images(image[None], channels=1)[0] if luma else image, luma, t("an image")
    source = str(image)
    if source in lessons.PATTERNS:
        return lessons.pattern(source)[None], False, source
    if source in data.PHOTOGRAPHS:
        pixels = data.photograph(source).transpose(2, 0, 1)[None]
        return (data.fit_images(pixels, channels=1) if grey else pixels)[0], grey, source
    if source != "-" and not Path(source).exists():
        names = ", ".join([*data.PHOTOGRAPHS, *lessons.PATTERNS])
        raise DataError(
            f"{source}: expected a picture file or one of {names}; there is no such file"
        )
    given = given_picture(source)
    size, is_grey = picture_form(given)
    pixels = data.read_picture(given, size=size, channels=1 if grey or is_grey else 3)
    return pixels, grey and not is_grey, given_name(source)
