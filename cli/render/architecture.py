"""``convlab render architecture``: the classical drawing of a network."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import click
from convlab_cli import options

if TYPE_CHECKING:
    from convlab.models import Network
    from convlab.viz import DrawnLayer


@click.command()
@click.argument("network", metavar="MODEL|RUN|SPEC.toml")
@options.picture("architecture.png")
def command(network, picture):
    """A network as in papers: its maps as stacked planes, windows with rays, dense columns.

    Sides are drawn to a square-root scale, so that 5 pixels are seen beside 28.
    """
    from convlab import viz
    from convlab.models import summarise

    network, _ = options.network_of(network, weights=False)
    layers = drawn_layers(network)
    rows = summarise(network)
    total = sum(row.parameters for row in rows)
    title = f"Architecture of {network.name}"
    subtitle = f"{total:,} parameters, each layer's own below it"
    figure = viz.architecture(layers, title=title, subtitle=subtitle, **picture.look)
    described = ", ".join(
        " ".join(part for part in (layer.name, *layer.head) if part) for layer in layers
    )
    picture.save(
        figure,
        title,
        f"{title}: {described}; {total:,} parameters.",
        parameters={"network": network.name},
        inputs={"input_shape": network.input_shape},
        weights={},
        result={
            "parameters": total,
            "layers": [
                {
                    "layer": row.name,
                    "type": row.kind,
                    "output_shape": row.output_shape,
                    "parameters": row.parameters,
                    **({} if row.window is None else row.window._asdict()),
                }
                for row in rows
            ],
        },
    )


def drawn_layers(network: Network) -> list[DrawnLayer]:
    """What ``viz.architecture`` draws of a network: its input and each layer with a new size.

    Activations, dropout and the like stand as notes below the layer before them.
    Networks whose layers are all called C1, S2 ... as by LeCun et al. 1998 get
    the words of that paper's figure 2.  Raises SpecError for a network with branches.
    """
    from convlab import nn
    from convlab.errors import SpecError
    from convlab.models import summarise
    from convlab.viz import DrawnLayer

    shape = network.input_shape
    layers = [DrawnLayer(shape, (_size(shape),), "input", narrow=_narrow(shape))]
    modules = dict(network.named_children())
    rows = summarise(network)
    before = "input"
    for name, read in network.sources().items():
        if read != (before,):
            raise SpecError(
                f"architecture: expected a network whose layers stand in a row, got"
                f" {network.name}, where {name} reads {' and '.join(read)}"
            )
        before = name
    own = [row for row in rows if row.window is not None or row.kind in _SIZED]
    published = all(re.fullmatch(r"[csf]\d+|output", row.name) for row in own)
    for row in rows:
        module = modules[row.name]
        if row not in own:
            if not isinstance(module, nn.Flatten) and not published:
                note = f"dropout {module.p:g}" if isinstance(module, nn.Dropout) else row.kind
                layers[-1] = _noted(layers[-1], note)
            continue
        head = (_size(row.output_shape),)
        if row is own[-1] and len(row.output_shape) == 1:
            head = (f"{row.output_shape[0]:,} classes",)
        unit, window = _window(row, len(layers))
        layers.append(
            DrawnLayer(
                row.output_shape,
                head,
                row.name,
                row.parameters,
                operation=_operation(row, module),
                unit=unit,
                window=window,
                narrow=_narrow(row.output_shape),
            )
        )
    return _as_published(layers) if published else layers


_SIZED = ("Linear", "EuclideanRBF", "ConvTranspose2d", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d")


def _size(shape: tuple[int, ...]) -> str:
    from convlab.shapes import size_text

    return size_text(*shape[1:], shape[0]) if len(shape) == 3 else f"{shape[0]:,}"


def _narrow(shape: tuple[int, ...]) -> tuple[str, ...]:
    """The size of maps on two lines, () for units."""
    return (_size(shape).rpartition(" ×")[0], f"× {shape[0]}") if len(shape) == 3 else ()


def _noted(layer: DrawnLayer, note: str) -> DrawnLayer:
    from dataclasses import replace

    return replace(layer, notes=(*layer.notes, note))


def _window(row, number: int):
    """A unit of a layer's maps and the window that it reads; (None, None): it reads all.

    The places alternate, so that a map's window does not lie on the unit that is reached.
    """
    from convlab.shapes import ReceptiveField

    if row.window is None or len(row.output_shape) != 3:
        return None, None
    share = 0.68 if number % 2 else 0.27
    unit, spans = [], []
    for axis in (0, 1):
        pixels, units = row.input_shape[1 + axis], row.output_shape[1 + axis]
        field = ReceptiveField().through(
            row.window.kernel[axis],
            row.window.stride[axis],
            row.window.padding[2 * axis],
            row.window.dilation[axis],
        )
        # The nearest unit whose window hangs over no border, where there is one.
        inside = [u for u in range(units) if field.span(u)[0] >= 0 and field.span(u)[1] <= pixels]
        unit.append(min(inside or range(units), key=lambda u: abs(u - share * (units - 1))))
        spans.append(field.span(unit[-1]))
    (top, bottom), (left, right) = spans
    return tuple(unit), (top, left, bottom, right)


def _operation(row, module) -> tuple[str, ...]:
    """What leads to a layer, in a line or two."""
    from convlab.shapes import size_text

    if row.kind == "Linear":
        return ("dense",)
    if row.kind == "EuclideanRBF":
        return ("distances",)
    if row.kind.startswith("Adaptive"):
        word = "max" if "Max" in row.kind else "average"
        whole = math.prod(row.output_shape[1:]) == 1
        return ("global", word) if whole else (word, f"to {size_text(*row.output_shape[1:])}")
    if row.window is None:
        return ("transposed", size_text(*module.kernel_size), *_settings(module))
    word = {"MaxPool2d": "max ", "AvgPool2d": "average ", "Subsample2d": "sum "}.get(row.kind, "")
    text = f"{word}{size_text(*row.window.kernel)}"
    if word:
        return (text, *_settings(row.window, usual=row.window.kernel))
    groups = module.groups
    if groups == row.input_shape[0] and groups > 1:
        text += " depthwise"
    elif groups > 1:
        text += f" in {groups} groups"
    return (text, *_settings(row.window))


def _settings(window, usual: tuple[int, int] = (1, 1)) -> list[str]:
    """Stride, padding and dilation that are not the usual ones, a line each."""
    top, bottom, left, right = window.padding
    if (top, left) == (bottom, right):
        padding = _pair((top, left))
    else:
        padding = f"{top},{bottom},{left},{right}"
    lines = []
    if tuple(window.stride) != tuple(usual):
        lines.append(f"stride {_pair(window.stride)}")
    if any(window.padding):
        lines.append(f"padding {padding}")
    if tuple(window.dilation) != (1, 1):
        lines.append(f"dilation {_pair(window.dilation)}")
    return lines


def _pair(values) -> str:
    from convlab.shapes import size_text

    return str(values[0]) if values[0] == values[1] else size_text(*values)


def _as_published(layers: list[DrawnLayer]) -> list[DrawnLayer]:
    """The words of figure 2 of LeCun et al. 1998, and the sizes as it writes them."""
    from dataclasses import replace

    from convlab.shapes import size_text

    words = {"c": "Convolutions", "s": "Subsampling", "f": "Full connection"}
    shown = []
    for index, layer in enumerate(layers):
        channels, *size = layer.shape
        name = layer.name.upper()
        if index == 0:
            head, operation = (name, size_text(*size)), ()
        elif name == "OUTPUT":
            head, operation = (name, str(channels)), ("Gaussian", "connections")
        elif layer.is_column:
            head, operation = (f"{name}: layer", str(channels)), ("Full", "connection")
        else:
            kind = "feature maps" if index == 1 else "f. maps"
            head = (f"{name}: {kind}", f"{channels}@{size_text(*size)}")
            operation = (words[layer.name[0]], *layer.operation[:1])
        narrow, narrow_operation = head, operation
        if index and not layer.is_column:
            narrow = (f"{name}: {channels}@", size_text(*size))
            narrow_operation = operation[1:]
        shown.append(
            replace(
                layer,
                head=head,
                name="",
                operation=operation,
                narrow=narrow,
                narrow_operation=narrow_operation,
            )
        )
    return shown
