"""A network that classifies every pixel: down to coarse maps, and up again."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from convlab import nn
from convlab.models.spec import INPUT, GraphNetwork
from convlab.shapes import pair

DOWN, UP = (8, 24, 64), (32, 16)
"""Maps at the full size, at a half and at a quarter of it; and on the way back."""


def encoder_decoder(
    size: tuple[int, int], classes: int, down: Sequence[int] = DOWN, up: Sequence[int] = UP
) -> GraphNetwork:
    """Logits (classes, rows, columns) for a grey image of ``size`` (rows, columns).

    Down: convolutions of 5 x 5 with ReLU as in LeNet-5, a pooling between them, and one
    more of 3 x 3.  Up: transposed convolutions of 2 x 2 with stride 2 and ReLU, one for each
    pooling.  One skip connection by concatenation brings the first maps, of the full size, to the
    last convolution, since coarse maps have lost the position of edges.  The sides must be
    divisible by 2 for each pooling.

    Source: Long, Shelhamer & Darrell 2015, section 4; the concatenation is that of
    Ronneberger, Fischer & Brox 2015, figure 1.
    """
    size = pair(size, "size")
    layers: dict[str, nn.Module] = {}
    reads: dict[str, tuple[str, ...]] = {}

    def add(name: str, layer: nn.Module, *inputs: str) -> None:
        reads[name] = inputs or ((list(layers) or [INPUT])[-1],)
        layers[name] = layer

    before = 1
    for number, width in enumerate(down, 1):
        if number > 1:
            add(f"pool{number - 1}", nn.MaxPool2d(2))
        add(f"down{number}", nn.Conv2d(before, width, 5, padding="same"))
        add(f"relu{number}", nn.ReLU())
        before = width
    add("middle", nn.Conv2d(before, before, 3, padding="same"))
    add("relu_middle", nn.ReLU())
    for number, width in enumerate(up, 1):
        layer = nn.ConvTranspose2d(before, width, 2, stride=2)
        # Windows that do not overlap: an output reads a single cell of each map.
        layer.weight.data *= np.float32(math.sqrt(4 * width / before))
        add(f"up{number}", layer)
        add(f"relu_up{number}", nn.ReLU())
        before = width
    add("skip", nn.Concat(), f"relu_up{len(up)}", "relu1")
    last = nn.Conv2d(before + down[0], classes, 3, padding="same", initialisation="glorot")
    add("last", last)
    network = GraphNetwork(layers, reads)
    network.name, network.classes = "encoder-decoder", classes
    network.input_shape = (1, *size)
    return network
