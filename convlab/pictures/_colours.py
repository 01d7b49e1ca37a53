"""What a convolution does with colours, against a layer for each colour."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from convlab import lessons, viz
from convlab.data import fit_images
from convlab.errors import ShapeError, SpecError
from convlab.numerals import number
from convlab.pictures import sources
from convlab.pictures.picture import Picture, said
from convlab.shapes import size_text
from convlab.training import ImageLike
from convlab.words import t

BINOMIAL = "1 2 1; 2 4 2; 1 2 1"
MOST = 1_000_000  # pixels; larger pictures are made smaller
ARROW = "\u2192"
KINDS = ("convolution", "depthwise", "pointwise")


def colours(
    image: ImageLike = "flower",
    kernel: str | os.PathLike | ArrayLike = BINOMIAL,
    weights: Sequence[float] = (2, -1, -1),
    *,
    filters: int = 64,
    data: str = "digits",
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """One kernel over all colours, against a kernel for each: convolution, depthwise, pointwise.

    ``image`` as in ``image``, in colour; ``kernel``: a single one, as in
    ``lessons.classic_kernel``; ``weights``: its factors for red, green and blue, so that the
    convolution's kernel is the kernel three times, times these.  A depthwise convolution has the
    kernel for each colour and adds nothing; the pointwise convolution behind it, of the three
    ``weights``, makes the same map.  ``filters``: the maps of what is counted.  Raises DataError,
    ShapeError, SpecError.
    """
    chosen = lessons.classic_kernel(kernel)
    if chosen.is_pair:
        raise SpecError(f"colours: expected one kernel such as {chosen.name}-x, got {chosen.name}")
    pixels, name = sources.image_bytes(image, data, data_dir)
    channels, rows, columns = pixels.shape
    if channels != 3:
        raise ShapeError(
            f"colours: expected an image in colour, got {size_text(rows, columns, channels)}"
        )
    shown = size_text(rows, columns)
    if rows * columns > MOST:
        factor = math.sqrt(MOST / (rows * columns))
        smaller = max(1, int(factor * rows)), max(1, int(factor * columns))
        pixels = fit_images(pixels[None], smaller)[0]
        shown = t("{size} of {shown}", size_text(*smaller), shown)
    (spatial,) = chosen.weights
    found = lessons.colour_convolution(pixels, spatial, weights)
    facts = _facts(found, filters)
    title = t("Three layers in parallel, one for each colour?")
    subtitle = t("No: a kernel reads all channels; {name}, {shown}", name, shown)
    return Picture(
        title,
        f"{title} {subtitle}. {said(dict(facts))}.",
        partial(viz.colours, pixels, _ways(found), facts=facts, title=title, subtitle=subtitle),
        parameters={
            "image": name if isinstance(image, np.ndarray) else str(image),
            "kernel": chosen.name,
            "weights": found.colours,
            "filters": filters,
        },
        inputs={"image": lessons.record(pixels)},
        weights={"kernel": found.kernel, "depthwise": found.spatial, "pointwise": found.colours},
        result={
            "convolution": lessons.record(found.summed),
            "depthwise": lessons.record(found.apart),
            "pointwise": lessons.record(found.mixed),
            "difference": found.difference,
            "counts": {
                kind: {
                    "weights": count.parameters.value,
                    "multiply_adds": count.multiply_adds.value,
                }
                for kind, count in zip(KINDS, found.counts(filters), strict=True)
            },
        },
        facts=dict(facts),
    )


def _ways(found: lessons.ColourConvolution) -> list[viz.ColourRow]:
    """The rows of the picture: one kernel over all colours, and one for each."""
    size, factors = found.spatial.shape, found.colours
    return [
        viz.ColourRow(
            t("Convolution: one {size} kernel, one map", size_text(*size, 3)),
            found.kernel,
            found.parts,
            ("", "+", "+", "="),
            found.summed,
        ),
        viz.ColourRow(
            t("Depthwise: three {size} kernels, three maps", size_text(*size)),
            np.repeat(found.spatial[None], 3, axis=0),
            found.apart,
            ("", "", "", ARROW),
            found.mixed,
            t("then pointwise: {listed}", ", ".join(number(float(weight)) for weight in factors)),
            outputs=True,
        ),
    ]


def _facts(found: lessons.ColourConvolution, filters: int) -> list[tuple[str, str]]:
    """What the ways cost for so many maps, and how far apart their maps are."""
    full, depthwise, pointwise = found.counts(filters)
    maps = t("{n:,} map", filters, several="{n:,} maps")
    apart = t("differ by rounding, at most {number}", number(found.difference))
    apart = apart if found.difference else t("are equal")
    pattern = t(
        "one pattern times a number for each colour; a convolution's may have others in each"
    )
    separable = t(
        "depthwise {parameters} and pointwise {parameters2}",
        *(depthwise.parameters, pointwise.parameters),
    )
    return [
        (
            t("weights, {maps}", maps),
            t("convolution {parameters}; {separable}", full.parameters, separable),
        ),
        (t("the results"), t("{apart}: this kernel is {pattern}", apart, pattern)),
    ]
