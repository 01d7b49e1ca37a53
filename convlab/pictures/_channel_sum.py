"""One map of a trained convolution as the sum over its input channels."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlab import functional as F
from convlab import insight, viz
from convlab.checks import whole
from convlab.errors import ShapeError, SpecError
from convlab.models import INPUT
from convlab.numerals import number
from convlab.pictures.picture import Picture, said
from convlab.pictures.sources import RunLike, run_of
from convlab.shapes import Pair, size_text
from convlab.tape import no_grad
from convlab.tensors import Tensor
from convlab.training import ImageLike
from convlab.viz import ChannelRow, style
from convlab.words import t

MOST_ROWS = 6


def channel_sum(
    run: RunLike,
    image: ImageLike,
    layer: str | None = None,
    filter: int = 0,
    at: Pair | None = None,
    *,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """What a filter makes of each channel, and how that adds up, with the bias, to one map.

    ``layer``: a convolution, by default the second, which reads several maps; ``filter``: one of
    its maps, from 0; ``at``: row and column of the unit that is worked out, by default the
    strongest.  Of more than six channels the five that add most there are drawn, and the others
    together.  Raises the errors of ``Run.image``, SpecError for another layer or filter, and
    ShapeError for a unit outside the map.
    """
    run = run_of(run)
    subject = run.image(image, data_dir)
    x = run.network_input(subject.pixels)
    found = {one.name: one for one in insight.trace(run.network, x)}
    names = [name for name, one in found.items() if one.layer.family == "convolution"]
    if layer is None and names:
        layer = names[min(1, len(names) - 1)]
    if layer not in names:
        known = ", ".join(names) or "none is there"
        raise SpecError(f"layer: expected a convolution ({known}), got {layer!r}")
    convolution: Any = found[layer].layer
    result = found[layer].array
    filter = whole(filter, "filter", 0, len(result) - 1, SpecError)
    source = run.network.sources()[layer][0]
    read = x if source == INPUT else found[source].array
    channels, added = _added(convolution, read, filter)
    result = result[filter]
    at = _unit(result, at)
    bias = None if convolution.bias is None else float(convolution.bias.numpy()[filter])
    title = t("Map {filter} of {layer}, summed over its channels", filter, layer)
    subtitle = t(
        "{image}, {run}{aside}; {n} channel of {size}, before the activation",
        *(subject.name, run.name, subject.aside, len(channels), size_text(*read.shape[1:])),
        several="{image}, {run}{aside}; {n} channels of {size}, before the activation",
    )
    kernel = convolution.weight.numpy()[filter]
    rows, few = _rows(read, channels, kernel, added, at)
    facts = _facts(rows, bias, result, at)
    if not few:
        few_of = MOST_ROWS - 1, len(channels)
        facts.append((t("channels"), t("the {few} of {count} that add most there", *few_of)))
    facts.append((t("shades"), _shades(rows, source == INPUT)))
    return Picture(
        title,
        f"{title}: {subtitle}. {said(dict(facts))}.",
        partial(
            viz.channel_sum,
            rows,
            bias,
            result,
            at,
            result_name=t("map {number}", filter),
            image=source == INPUT,
            title=title,
            subtitle=subtitle,
            facts=facts,
        ),
        parameters={
            "run": run.folder,
            "image": subject.source,
            "layer": layer,
            "filter": filter,
            "at": at,
        },
        inputs={"image": subject.pixels, "channels": channels, "maps": read[channels]},
        weights={"kernel": kernel, "bias": bias},
        result={"added": added, "map": result, "value": float(result[at])},
        facts=dict(facts),
    )


def _added(convolution: Any, read: NDArray, filter: int) -> tuple[list[int], NDArray]:
    """The channels that a filter reads, and the map (OH, OW) that each of them adds."""
    filters, each = convolution.weight.shape[:2]
    first = filter // (filters // convolution.groups) * each
    kernel, maps = convolution.weight.numpy()[filter], []
    setting = convolution.stride, convolution.padding, convolution.dilation
    if convolution.padding_mode != "zeros":
        raise SpecError(f"layer: expected padding mode zeros, got {convolution.padding_mode}")
    with no_grad():
        for at in range(each):
            part = Tensor(np.ascontiguousarray(read[None, first + at : first + at + 1]))
            weight = Tensor(np.ascontiguousarray(kernel[None, at : at + 1]))
            maps.append(F.conv2d(part, weight, None, *setting).numpy()[0, 0])
    return list(range(first, first + each)), np.stack(maps)


def _unit(result: NDArray, at: Pair | None) -> Pair:
    """The unit, by default the strongest.  Raises ShapeError for one outside the map."""
    if at is None:
        row, column = np.unravel_index(int(np.argmax(np.abs(result))), result.shape)
        return int(row), int(column)
    if not all(0 <= one < length for one, length in zip(at, result.shape, strict=True)):
        raise ShapeError(
            f"at: expected a row and a column within {size_text(*result.shape)}, from 0, got"
            f" {at[0]},{at[1]}"
        )
    return at


def _rows(
    read: NDArray, channels: list[int], kernel: NDArray, added: NDArray, at: Pair
) -> tuple[list[ChannelRow], bool]:
    """A row for each channel, and whether these are all; the others are together in the last."""
    few = len(channels) <= MOST_ROWS
    order = np.argsort(-np.abs(added[:, at[0], at[1]]), kind="stable")
    kept = sorted(order[: len(channels) if few else MOST_ROWS - 1].tolist())
    rows = [
        ChannelRow(
            t("channel {index}", channels[one]), added[one], read[channels[one]], kernel[one]
        )
        for one in kept
    ]
    if not few:
        rest = [one for one in range(len(channels)) if one not in kept]
        rows.append(ChannelRow(t("{count} others", len(rest)), added[rest].sum(axis=0)))
    return rows, few


def _facts(
    rows: list[ChannelRow], bias: float | None, result: NDArray, at: Pair
) -> list[tuple[str, str]]:
    """The sum of a unit, written out."""
    terms = [*(float(row.added[at]) for row in rows), *([] if bias is None else [bias])]
    value = number(float(result[at])).removeprefix("≈")
    return [(t("row {row}, column {column}", *at), f"{_written(terms)} ≈ {value}")]


def _shades(rows: list[ChannelRow], image: bool) -> str:
    """What the ends of the scales without a bar are."""
    theme = viz.THEMES["light"]  # of any the words are the same
    seen = np.stack([row.values for row in rows if row.values is not None])
    kernels = np.stack([row.kernel for row in rows if row.kernel is not None])
    reads = style.value_scale(seen, theme).words
    if image:
        reads = t("black {low}, white {high}", number(seen.min()), number(seen.max()))
    words = style.signed_scale(kernels, theme).words
    return t("what is read: {reads}; kernels: {kernels}", reads, words)


def _written(terms: list[float]) -> str:
    """A sum of rounded numbers."""
    texts = [number(term).removeprefix("≈") for term in terms]
    return " + ".join(f"({text})" if text.startswith("−") else text for text in texts)
