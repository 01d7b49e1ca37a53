"""The networks that lectures name: their layers and counts, as"
" published or as libraries build them."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import NamedTuple

from convlab import models
from convlab.lecture.code import Net
from convlab.lecture.layers import Layer, Volume
from convlab.models import LayerSummary
from convlab.nn import Family


class Variant(NamedTuple):
    """A count of a network; ``words`` say which version of it has it."""

    words: str
    relation: str
    value: int


# Layers as "name kernel filters stride padding groups", poolings and dense layers likewise.
_LENET = "c1 5 6, s2 pool 2 2, c3 5 16, s4 pool 2 2, c5 5 120, f6 dense 84, output dense 10"
# Krizhevsky, Sutskever & Hinton 2012: two towers, as two groups, and as one.
_ALEXNET = (
    "conv1 11 96 4, pool1 pool 3 2, conv2 5 256 1 2 {0}, pool2 pool"
    " 3 2, conv3 3 384 1 1, conv4 3 384 1 1 {0},"
    " conv5 3 256 1 1 {0}, pool5 pool 3 2, fc6 dense 4096, fc7 dense 4096, fc8 dense 1000"
)
# Krizhevsky 2014, which torchvision has.
_ALEXNET_2014 = (
    "conv1 11 64 4 2, pool1 pool 3 2, conv2 5 192 1 2, pool2 pool 3"
    " 2, conv3 3 384 1 1, conv4 3 256 1 1,"
    " conv5 3 256 1 1, pool5 pool 3 2, fc6 dense 4096, fc7 dense 4096, fc8 dense 1000"
)
# Simonyan & Zisserman 2015, table 1: convolutions in each of five blocks.
_VGG = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_NAMES = [
    ("lenet", r"\blenet(?:[-\s]?5)?\b"),
    ("alexnet", r"\balexnet\b"),
    ("vgg", r"\bvgg[-\s]?(?:net[-\s]?)?(11|13|16|19)\b|\bvgg(?:net)?\b(?=.*\bconfiguration d\b)"),
    ("resnet50", r"\bresnet[-\s]?50\b"),
]


def _vgg(depth: int) -> str:
    blocks = zip(_VGG[depth], (64, 128, 256, 512, 512), strict=True)
    layers = [
        ", ".join(
            [f"conv{block}_{n} 3 {maps} 1 1" for n in range(1, count + 1)]
            + [f"pool{block} pool 2 2"]
        )
        for block, (count, maps) in enumerate(blocks, 1)
    ]
    return ", ".join([*layers, "fc6 dense 4096, fc7 dense 4096, fc8 dense 1000"])


def named(text: str, at: int | None = None) -> str:
    """The network that a plain text names, such as vgg16, last before a place; empty without one.

    With no place, empty also if there are several.
    """
    found = []
    for name, pattern in _NAMES:
        for match in re.finditer(pattern, text.lower()):
            depth = next((group for group in match.groups() if group), "16")
            found.append((match.start(), f"{name}{depth if match.re.groups else ''}"))
    names = {name for _, name in found}
    if at is None or len(names) < 2:
        return names.pop() if len(names) == 1 else ""
    before = [one for one in sorted(found) if one[0] < at]
    return before[-1][1] if before else sorted(found)[0][1]


def _built(spec: str, volume: Volume) -> Net:
    made = Net(input=volume)
    for one in spec.split(", "):
        name, *rest = one.split()
        if rest[0] == "dense":
            made.add(Layer("dense", filters=int(rest[1])), name)
        elif rest[0] == "pool":
            made.add(Layer("pool", (int(rest[1]),) * 2, (int(rest[2]),)), name)
        else:
            kernel, maps, stride, padding, groups = (*map(int, rest), *(1, 0, 1)[len(rest) - 2 :])
            made.add(
                Layer("conv", (kernel,) * 2, (stride,), padding, filters=maps, groups=groups), name
            )
    return made


@lru_cache(maxsize=16)
def _versions(name: str) -> tuple[tuple[str, Net], ...]:
    """A network in its versions, with words that distinguish them."""
    if name.startswith("vgg"):
        return (("1000 classes", _built(_vgg(int(name[3:])), Volume((224, 224), 3))),)
    if name == "alexnet":
        image = Volume((227, 227), 3)
        return (
            ("as published, in two groups", _built(_ALEXNET.format("2"), image)),
            ("without groups", _built(_ALEXNET.format("1"), image)),
            ("as in torchvision", _built(_ALEXNET_2014, Volume((224, 224), 3))),
        )
    if name == "lenet":
        return (
            ("grey input of 32 × 32 or 28 × 28 padded", _built(_LENET, Volume((32, 32), 1))),
            ("input of 32 × 32 × 3", _built(_LENET, Volume((32, 32), 3))),
        )
    return ()


def net(name: str) -> Net | None:
    """The layers of a network that is named, with its usual input; None for ResNet-50."""
    versions = _versions(name)
    return versions[0][1] if versions else None


def variants(name: str, role: str) -> list[Variant]:
    """The numbers of weights, parameters, connections or multiplications of a network."""
    made = [Variant(words, *_total(one, role)) for words, one in _versions(name)]
    if name == "resnet50":
        made += _resnet(role)
    if name == "lenet":
        rows = summary("lenet5-1998", 10)
        counts = [row.connections if role == "connections" else row.parameters for row in rows]
        made.append(Variant("as published in 1998", _sum(counts), sum(counts)))
    return made


def _total(one: Net, role: str) -> tuple[str, int]:
    layers, volumes = one.filled()
    counts = []
    for layer, after in zip(layers, volumes[1:], strict=True):
        factors = layer.weights()
        if factors is None or not layer.weighted:
            continue
        work = math.prod(factors) * math.prod(after.sides if after else ())
        counts.append(work if role == "work" else math.prod(factors) + (layer.filters or 0))
    return _sum(counts), sum(counts)


def _sum(counts: list[int]) -> str:
    """The terms of a sum, the middle ones left out if there are many."""
    shown = [f"{count:,}" for count in counts]
    return " + ".join(shown if len(shown) < 8 else [*shown[:3], "…", *shown[-3:]])


def _resnet(role: str) -> list[Variant]:
    """ResNet-50 by its spec, and with two numbers for each map that is normalised."""
    rows = summary("resnet50", 1000)
    if role == "work":
        return [
            Variant(
                "", "all convolutions and the dense layer", sum(row.multiply_adds for row in rows)
            )
        ]
    total = sum(row.parameters for row in rows)
    maps = sum(row.output_shape[0] for row in rows if row.family is Family.CONVOLUTION)
    plain = total - 2 * maps
    norm = Variant("with batch normalisation", f"{plain:,} + 2·{maps:,}", total)
    return [norm, Variant("without batch normalisation", "all layers", plain)]


@lru_cache(maxsize=8)
def summary(model: str, classes: int) -> tuple[LayerSummary, ...]:
    """The rows of ``models.summarise``, without making weights."""
    return tuple(models.summarise(models.build(model, classes=classes, weights=False)))


def layer(name: str, text: str) -> LayerSummary | None:
    """The layer of LeNet-5 as published in 1998 that a text names, such as C3; None without one."""
    if name != "lenet":
        return None
    words = set(re.findall(r"\b[csf]\d\b", text.lower()))
    found = [row for row in summary("lenet5-1998", 10) if row.name in words]
    return found[0] if len(found) == 1 else None
