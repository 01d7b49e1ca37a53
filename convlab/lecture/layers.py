"""Layers and volumes as notes speak of them: sizes, receptive fields and counts, and mistakes.

All sizes come from the engine's own geometry.  What notes leave open is None or empty; ``scene``
fills it in before anything is computed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from convlab import shapes
from convlab.errors import ConvlabError
from convlab.shapes import ReceptiveField

Sizes = tuple[int, ...]
SAME, FULL = -1, -2
"""Padding by its name."""
DEPTHWISE = 0
"""As many groups as there are channels."""
MOST_SIDE = 10**6


class Volume(NamedTuple):
    """Sides and the number of channels; no sides: the units of a dense layer."""

    sides: Sizes
    depth: int | None = None

    @property
    def values(self) -> int:
        """Numbers in it, with a single channel if that is not said."""
        return math.prod(self.sides) * (self.depth or 1)

    @property
    def terms(self) -> Sizes:
        return (*self.sides, *([self.depth] if self.depth else []))

    @property
    def shown(self) -> str:
        return " × ".join(f"{one:,}" for one in self.terms)


class Wrong(NamedTuple):
    """A usual mistake and the number that it gives."""

    words: str
    value: int | Fraction


@dataclass(frozen=True)
class Layer:
    """A layer: conv, pool, transposed, dense, global (pooling), flatten or keep.

    ``filters`` are its output channels or units; ``times``: how often it is stacked; ``mode``:
    "up" if a window that does not fit still counts.
    """

    kind: str = "conv"
    kernel: Sizes = ()
    stride: Sizes = ()
    padding: int | None = None
    dilation: int | None = None
    filters: int | None = None
    inputs: int | None = None
    groups: int | None = None
    bias: bool | None = None
    times: int = 1
    extra: int = 0
    mode: str = ""

    @property
    def windowed(self) -> bool:
        return self.kind in ("conv", "pool", "transposed")

    @property
    def weighted(self) -> bool:
        return self.kind in ("conv", "transposed", "dense")

    def side(self, axis: int = 0) -> int:
        """The kernel along an axis."""
        return self.kernel[min(axis, len(self.kernel) - 1)]

    def step(self, axis: int = 0) -> int:
        """The stride along an axis: 1, or a pooling's window, if it is not said."""
        if self.stride:
            return self.stride[min(axis, len(self.stride) - 1)]
        return self.side(axis) if self.kind == "pool" else 1

    def span(self, axis: int = 0) -> int:
        return shapes.effective_kernel(self.side(axis), self.dilation or 1)

    def once(self, size: int, axis: int = 0) -> int:
        """Pixels along an axis behind one of these layers."""
        pad, step = self.padding or 0, self.step(axis)
        if self.kind == "transposed":
            if pad == SAME:
                return size * step
            return shapes.conv_transpose_output(
                size, self.side(axis), step, 2 * pad, self.extra, self.dilation or 1
            )
        if pad == SAME:
            return -(-size // step)
        if pad == FULL:
            pad = self.span(axis) - 1
        if self.mode == "up":
            return shapes.pool_output(size, self.side(axis), step, pad, ceil_mode=True)
        return shapes.conv_output(size, self.side(axis), step, 2 * pad, self.dilation or 1)

    def out(self, volume: Volume) -> Volume | None:
        """The volume behind the layer; None if its windows do not fit."""
        if self.kind == "flatten":
            return Volume((volume.values,), None)
        if self.kind == "dense":
            return Volume((), self.filters) if self.filters else None
        if self.kind == "global":
            return Volume((1,) * len(volume.sides), volume.depth)
        if self.kind == "keep":
            return volume
        if not self.kernel or not volume.sides:
            return None
        sides = list(volume.sides)
        for _ in range(min(self.times, 200)):
            try:
                sides = [self.once(side, axis) for axis, side in enumerate(sides)]
            except ConvlabError:
                return None
            if not all(0 < side < MOST_SIDE for side in sides):
                return None
        kept = self.kind == "pool" or self.groups == DEPTHWISE and self.filters is None
        return Volume(tuple(sides), volume.depth if kept else self.filters)

    def relation(self, size: int, axis: int = 0) -> str:
        """How the output along an axis is computed, in symbols that lectures use."""
        pad, step, span = self.padding or 0, self.step(axis), self.span(axis)
        if self.kind == "transposed" and pad != SAME:
            less = f" − 2·{pad}" if pad else ""
            return f"{step}·({size} − 1){less} + {span}" + (
                f" + {self.extra}" if self.extra else ""
            )
        if pad == SAME:
            return f"{step}·{size}" if self.kind == "transposed" else f"⌈{size}/{step}⌉"
        for _ in range(self.times - 1):
            size = self.once(size, axis)
        pad = span - 1 if pad == FULL else pad
        inner = f"{size}{f' + 2·{pad}' if pad else ''} − {span}"
        return f"({inner}) + 1" if step == 1 else f"⌊({inner})/{step}⌋ + 1"

    # --- counts ---------------------------------------------------------------------------------

    def weights(self, sides: int = 2) -> Sizes | None:
        """The factors of the number of weights; None if something is not said.

        ``sides``: of a kernel of which only one is said.
        """
        if self.kind == "dense":
            return (self.inputs, self.filters) if self.inputs and self.filters else None
        if not self.kernel:
            return None
        kernel = self.kernel * sides if len(self.kernel) == 1 else self.kernel
        if self.groups == DEPTHWISE:
            maps = self.inputs or self.filters
            return (*kernel, maps) if maps else None
        if self.inputs is None or self.filters is None or self.inputs % (self.groups or 1):
            return None
        return (*kernel, self.inputs // (self.groups or 1), self.filters)


def side_mistakes(layer: Layer, size: int, axis: int = 0) -> Iterator[Wrong]:
    """Sides that usual mistakes give behind a layer."""
    kernel, step, pad, span = (
        layer.side(axis),
        layer.step(axis),
        layer.padding or 0,
        layer.span(axis),
    )
    if layer.kind == "transposed":
        yield Wrong("the input's size times the stride", size * step)
        yield Wrong("a convolution, not a transposed one", (size + 2 * pad - kernel) // step + 1)
        if pad > 0:
            yield Wrong("without the padding", step * (size - 1) + span)
        return
    pad, same = max(pad, 0), pad == SAME
    inner = size + 2 * pad - span
    if same:
        yield Wrong("without the padding", (size - span) // step + 1)
        if step > 1:
            yield Wrong("without the stride", size)
            yield Wrong("rounded down instead of up", size // step)
        return
    yield Wrong("rounded up instead of down", -(-inner // step) + 1)
    if step > 1:
        yield Wrong("without the stride", inner + 1)
        yield Wrong("the stride alone", size // step)
        yield Wrong("the stride alone, rounded up", -(-size // step))
    if pad:
        yield Wrong("without the padding", (size - span) // step + 1)
        yield Wrong("with padding on one side", (size + pad - span) // step + 1)
    elif kernel > 1:
        yield Wrong("as if it were padded", (size - 1) // step + 1)
    if (layer.dilation or 1) > 1:
        yield Wrong("without the dilation", (size + 2 * pad - kernel) // step + 1)
    yield Wrong("without the + 1", inner // step)
    yield Wrong("off by one", inner // step + 2)
    if step == 1:
        yield Wrong("the kernel's size taken off", size + 2 * pad - kernel)


def field(layers: Sequence[Layer]) -> tuple[str, int]:
    """What one unit sees through layers along the first axis: how it is computed, and pixels."""
    seen, terms = ReceptiveField(), ["1"]
    for layer in layers:
        for _ in range(min(layer.times, 200)):
            span = layer.span()
            terms.append(f"({span} − 1)" + ("" if seen.stride == 1 else f"·{seen.stride}"))
            seen = seen.through(layer.side(), layer.step(), 0, layer.dilation or 1)
    shown = terms if len(terms) < 9 else [*terms[:4], "…", terms[-1]]
    return " + ".join(shown), seen.size


def field_mistakes(layers: Sequence[Layer], right: int) -> Iterator[Wrong]:
    """Sizes that usual mistakes give for a receptive field."""
    flat = [layer for layer in layers for _ in range(min(layer.times, 200))]
    yield Wrong("sizes added up", sum(one.side() for one in flat))
    spans = 1 + sum(one.span() - 1 for one in flat)
    plain = 1 + sum(one.side() - 1 for one in flat)
    yield Wrong("without the strides", spans)
    if any((one.dilation or 1) > 1 for one in flat):
        yield Wrong("without the dilation", plain)
        yield Wrong(
            "kernels times dilations", sum(one.side() * (one.dilation or 1) for one in flat)
        )
        yield Wrong("kernel times dilation", flat[-1].side() * (flat[-1].dilation or 1))
    yield Wrong("sizes multiplied", math.prod(one.side() for one in flat))
    for skipped in range(len(flat)):  # one stride is forgotten, or counts for its own layer
        if flat[skipped].step() > 1:
            without = [*flat]
            without[skipped] = Layer(flat[skipped].kind, flat[skipped].kernel, (1,),
                                     dilation=flat[skipped].dilation)  # fmt: skip
            yield Wrong("a stride forgotten", field(without)[1])
    seen, jump = 1, 1
    for one in flat:
        jump *= one.step()
        seen += (one.span() - 1) * jump
    yield Wrong("a layer's own stride counted", seen)
    if len(flat) > 1:
        yield Wrong("a layer too few", field(flat[:-1])[1])
        yield Wrong("a layer too many", field([*flat, flat[-1]])[1])
    yield Wrong("off by one", right + 1)
    yield Wrong("off by one", right - 1)
