"""The receptive field over the depth of several networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from convlab.errors import ShapeError
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.line_plot import apart, line_plot

DASHES = (None, (5.0, 2.5), (1.5, 1.5), (6.0, 2.0, 1.5, 2.0))


@dataclass(frozen=True)
class FieldLine:
    """One network: fields (n,) in pixels at depths (n,), ascending, and where strides grow.

    ``downsampled`` are the indices of layers with a larger effective stride than the layer
    before.
    """

    name: str
    depths: Sequence[int]
    fields: Sequence[int]
    downsampled: Sequence[int] = ()


def field_growth(
    lines: Sequence[FieldLine],
    *,
    title: str,
    subtitle: str = "",
    input_side: int | None = None,
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """Receptive field in pixels by the number of convolutions and poolings passed.

    Each line ends at the network's name and its last field; rings mark where the effective
    stride grows.  ``input_side``: the image's side, a line across.

    Raises ShapeError for no line or more than four, and where depths and fields are not as
    long or fewer than 2; SpecError for an unknown theme or size.
    """
    if not 1 <= len(lines) <= len(DASHES):
        raise ShapeError(f"expected 1 to {len(DASHES)} networks, got {len(lines)}")
    for line in lines:
        if len(line.depths) != len(line.fields) or len(line.depths) < 2:
            raise ShapeError(
                f"{line.name}: expected as many fields as depths, at least 2, got"
                f" {len(line.fields)} and {len(line.depths)}"
            )
    canvas = Canvas(size, theme, aspect=0.72)
    canvas.headline(title, subtitle, canvas.theme.ink)
    small, unit, theme = canvas.size.small, canvas.unit, canvas.theme
    texts = [(line.name, f"{line.fields[-1]} pixels, depth {line.depths[-1]}") for line in lines]
    label = min(
        max(
            canvas.widest((name for name, _ in texts), small, bold=True),
            canvas.widest((text for _, text in texts), small),
        ),
        0.4 * canvas.inner_width,
    )
    deepest = max(line.depths[-1] for line in lines)
    largest = max(max(line.fields) for line in lines)
    if input_side is not None:
        largest = max(largest, input_side)
    width = canvas.inner_width - label - 50 * unit
    plot = line_plot(
        canvas,
        (canvas.left, canvas.top, width, canvas.inner_height),
        (0, deepest),
        (0, largest),
        x_label="convolutions and poolings",
        y_label="receptive field in pixels",
        whole=True,
    )
    if input_side is not None:
        y = plot.at_y(input_side)
        canvas.line([plot.left, plot.right], [y, y], theme.input, stroke=0.3 * canvas.size.thick)
        canvas.text(
            plot.left + 6 * unit,
            y - 0.3 * small,
            f"side of the image: {input_side}",
            "lb",
            px=small,
            colour=theme.input,
        )
    colours = (theme.window, theme.output, theme.mistake, theme.ink)
    ends = []
    for at, line in enumerate(lines):
        colour, dashes = colours[at], DASHES[at]
        xs, ys = plot.at_x(np.array(line.depths)), plot.at_y(np.array(line.fields, float))
        canvas.line(xs, ys, colour, stroke=0.6 * canvas.size.thick, dashes=dashes)
        for index in line.downsampled:
            canvas.dot(xs[index], ys[index], colour, 2 * canvas.size.thick, hollow=True)
        ends.append((ys[-1], xs[-1], at))
    ends.sort()
    height = 2 * small * LINE
    middles = apart(
        [y for y, _, _ in ends], 1.1 * height, plot.top + height / 2, plot.bottom - height / 2
    )
    x = canvas.right - label
    for middle, (y, end, at) in zip(middles, ends, strict=True):
        canvas.line(
            [end + 6 * unit, plot.right + 8 * unit, x - 10 * unit],
            [y, y, middle],
            theme.quiet,
            stroke=canvas.size.hair,
            dashes=(2, 3),
        )
        name, text = texts[at]
        top = middle - height / 2
        canvas.text(x, top, name, px=small, colour=colours[at], bold=True, width=label)
        canvas.text(x, top + small * LINE, text, px=small, width=label)
    return canvas.figure
