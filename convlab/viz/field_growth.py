"""The receptive field by depth for several networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from convlab.errors import ShapeError
from convlab.viz.axes import apart
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.line_plot import DASHES, line_plot


@dataclass(frozen=True)
class FieldLine:
    """One network: fields (n,) in pixels at depths (n,), ascending, and where strides grow.

    ``downsampled`` are the indices of layers whose effective stride is larger than the layer
    before's.
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

    Raises ShapeError for no line or more than four, and if depths and fields differ in length or
    are fewer than 2; SpecError for an unknown theme or size.
    """
    _check(lines)
    canvas = Canvas(size, theme, aspect=0.72)
    canvas.headline(title, subtitle, canvas.theme.ink)
    small, unit, roles = canvas.size.small, canvas.unit, canvas.theme
    colours = (roles.window, roles.output, roles.mistake, roles.ink)
    notes = [f"{line.fields[-1]} pixels, depth {line.depths[-1]}" for line in lines]
    names = canvas.widest((line.name for line in lines), small, bold=True)
    label = min(max(names, canvas.widest(notes, small)), 0.4 * canvas.inner_width)
    width = canvas.inner_width - label - 50 * unit
    plot = line_plot(
        canvas,
        (canvas.left, canvas.top, width, canvas.inner_height),
        (0, max(line.depths[-1] for line in lines)),
        (0, max(input_side or 0, *(max(line.fields) for line in lines))),
        x_label="convolutions and poolings",
        y_label="receptive field in pixels",
        whole=True,
    )
    if input_side is not None:
        x, y = plot.left + 6 * unit, plot.at_y(input_side)
        canvas.line([plot.left, plot.right], [y, y], roles.input, stroke=0.3 * canvas.size.thick)
        said = f"side of the image: {input_side}"
        canvas.text(x, y - 0.3 * small, said, "lb", px=small, colour=roles.input)
    ends = []
    for line, note, colour, dashes in zip(lines, notes, colours, DASHES, strict=False):
        xs, ys = plot.at_x(np.array(line.depths)), plot.at_y(np.array(line.fields, float))
        canvas.line(xs, ys, colour, stroke=0.6 * canvas.size.thick, dashes=dashes)
        for index in line.downsampled:
            canvas.dot(xs[index], ys[index], colour, 2 * canvas.size.thick, hollow=True)
        ends.append((ys[-1], xs[-1], line.name, note, colour))
    ends.sort(key=lambda end: end[:2])
    height, x = 2 * small * LINE, canvas.right - label
    first, last = plot.top + height / 2, plot.bottom - height / 2
    middles = apart([end[0] for end in ends], 1.1 * height, first, last)
    for middle, (y, end, name, note, colour) in zip(middles, ends, strict=True):
        xs, ys = [end + 6 * unit, plot.right + 8 * unit, x - 10 * unit], [y, y, middle]
        canvas.line(xs, ys, roles.quiet, dashes=(2, 3))
        top = middle - height / 2
        canvas.text(x, top, name, px=small, colour=colour, bold=True, width=label)
        canvas.text(x, top + small * LINE, note, px=small, width=label)
    return canvas.figure


def _check(lines: Sequence[FieldLine]) -> None:
    if not 1 <= len(lines) <= len(DASHES):
        raise ShapeError(f"expected 1 to {len(DASHES)} networks, got {len(lines)}")
    for line in lines:
        if len(line.depths) != len(line.fields) or len(line.depths) < 2:
            raise ShapeError(
                f"{line.name}: expected as many fields as depths, at least 2, got"
                f" {len(line.fields)} and {len(line.depths)}"
            )
