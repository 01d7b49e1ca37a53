"""Grouped, depthwise and separable convolutions beside the full one."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from convlab import nn, viz
from convlab.checks import whole
from convlab.errors import ShapeError, SpecError
from convlab.pictures.picture import Picture, said
from convlab.shapes import Pair, pair, size_text
from convlab.viz import GroupedLayers
from convlab.words import t

MOST_CHANNELS = 32


def groups(
    channels: int = 8,
    filters: int = 8,
    groups: int = 2,
    kernel: int | Pair = 3,
    input: int | Pair = 32,
) -> Picture:
    """Which channels each filter reads, and what that costs, in four kinds of convolution.

    A full one reads all; one in ``groups`` those of its group (Krizhevsky et al. 2012, section
    3.5); a depthwise one a single channel; a separable one is a depthwise one, then one of 1 × 1
    (Howard et al. 2017, section 3.1).  ``input``: rows and columns, which padding keeps, for an
    odd ``kernel``.  Weights and multiply-adds are those of the layers, without biases.  Raises
    ShapeError for channels or filters that the groups do not divide, SpecError.
    """
    channels = whole(channels, "channels", 1, MOST_CHANNELS, SpecError)
    filters = whole(filters, "filters", 1, MOST_CHANNELS, SpecError)
    groups = whole(groups, "groups", 1, MOST_CHANNELS, SpecError)
    kernel, size = pair(kernel, "kernel"), pair(input, "input")
    for name, count in (("channels", channels), ("filters", filters)):
        if count % groups:
            raise ShapeError(f"{name}: expected a multiple of the {groups} groups, got {count}")
    if filters % channels:
        raise ShapeError(f"filters: expected a multiple of the {channels} channels, got {filters}")
    rows, columns = kernel
    text = size_text(*kernel)
    full, one = (channels, filters, kernel), (channels, filters, (1, 1))
    deep = (channels, channels, kernel)
    grouped = t("{groups} groups", groups)
    ways = {
        t("full"): [(*full, 1)],
        grouped: [(*full, groups)],
        t("depthwise"): [(*full, channels)],
        t("separable"): [(*deep, channels), (*one, 1)],
    }
    found = {name: [_layer(*layer) for layer in layers] for name, layers in ways.items()}
    numbers = {name: _costs(layers, channels, size) for name, layers in found.items()}
    most = max(products for _, products in numbers.values())
    formulas = {
        "full": f"{rows}·{columns}·{channels}·{filters}",
        grouped: f"{rows}·{columns}·{channels // groups}·{filters}",
        "depthwise": f"{rows}·{columns}·1·{filters}",
        "separable": f"{rows}·{columns}·1·{channels} + {channels}·{filters}",
    }
    panels = [
        GroupedLayers(
            name,
            [formulas[name], t("= {count:,} weights", numbers[name][0])],
            [_reads(layer) for layer in layers],
            [size_text(*layer.kernel_size) for layer in layers],
            numbers[name][1] / most,
            (f"{numbers[name][1]:,}", t("multiply-adds")),
        )
        for name, layers in found.items()
    ]
    title = t("Filters that read all channels, or some")
    subtitle = t(
        "{channels} channels of {size}, {filters} filters, kernel {kernel}",
        *(channels, size_text(*size), filters, text),
    )
    costs = {n: f"{w:,} weights, {p:,} multiply-adds" for n, (w, p) in numbers.items()}
    return Picture(
        title,
        f"{title}: {subtitle}. {said(costs)}.",
        partial(viz.groups, panels, title=title, subtitle=subtitle),
        parameters={
            "channels": channels,
            "filters": filters,
            "groups": groups,
            "kernel": kernel,
            "input": size,
        },
        result={
            name: {"weights": weights, "multiply-adds": products}
            for name, (weights, products) in numbers.items()
        },
    )


def _layer(channels: int, filters: int, kernel: Pair, groups: int) -> nn.Conv2d:
    return nn.Conv2d(channels, filters, kernel, padding="same", groups=groups, bias=False)


def _costs(layers: list[nn.Conv2d], channels: int, size: Pair) -> tuple[int, int]:
    """Weights and multiply-adds of layers in a row."""
    shape: tuple[int, ...] = (channels, *size)
    weights = products = 0
    for layer in layers:
        weights += layer.weight.numpy().size
        products += layer.multiply_adds(shape)
        shape = layer.output_shape(shape)
    return weights, products


def _reads(layer: nn.Conv2d) -> NDArray:
    """(filters, channels) bool: which channels each filter of a layer reads."""
    filters, each = layer.weight.shape[:2]
    group = np.arange(filters) // (filters // layer.groups)
    source = np.arange(each * layer.groups) // each
    return group[:, None] == source
