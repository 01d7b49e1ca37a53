"""A lecturer's notes with a picture beside each claim that has one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from convlab import models, pictures
from convlab.errors import ConvlabError
from convlab.files import make_folder, write_atomically
from convlab.lecture import UNKNOWN, Verdict
from convlab.lecture.judge import Worked
from convlab.lecture.layers import FULL, SAME, field
from convlab.pictures.picture import Picture
from convlab.shapes import size_text

MOST = 32
"""The longest side of an input that is drawn cell by cell."""


class Illustrated(NamedTuple):
    """Notes with pictures: the Markdown ``text``, and the pictures by the names it links to."""

    text: str
    pictures: dict[str, Picture]


def illustrated(text: str, verdicts: Sequence[Verdict], folder: str) -> Illustrated:
    """The notes with, below each paragraph, its claims: their relations and pictures.

    ``verdicts``: of ``lecture.check(text)``; ``folder``: where the pictures' files will be, as the
    text links to them.
    """
    made: dict[str, Picture] = {}
    names: dict[str, str] = {}
    below: dict[int, list[str]] = {}
    lines = text.split("\n")
    for verdict in verdicts:
        if verdict.mark == UNKNOWN:
            continue
        words = f"*Line {verdict.line}, {verdict.mark}: {verdict.said()}.*"
        parts = below.setdefault(_end(lines, verdict.line), [])
        chosen = picture_of(verdict.worked) if verdict.worked else None
        if chosen is not None:
            key, picture = chosen
            name = names.setdefault(key, f"claim-{len(names) + 1}.png")
            made[name] = picture
            link = f"![{_escaped(picture.alt)}]({folder}/{name})"
            parts += [] if link in parts else [link]
        parts.append(words)
    written = []
    for number, line in enumerate(lines, 1):
        written.append(line)
        for part in below.get(number, ()):
            written += ["", part]
    return Illustrated("\n".join(written), made)


def save_illustrated(path: Path, text: str, verdicts: Sequence[Verdict], **look: Any) -> int:
    """Write the illustrated notes, and their pictures into a folder beside them.

    ``look``: theme and size, as of ``Picture.content``.  Returns how many pictures there are.
    Raises RunError for what cannot be written.
    """
    folder = path.parent / f"{path.stem}-figures"
    made = illustrated(text, verdicts, folder.name)
    content = {name: one.content(".png", **look) for name, one in made.pictures.items()}
    make_folder(folder if content else path.parent)
    for name, picture in content.items():
        write_atomically(folder / name, picture)
    write_atomically(path, made.text.encode())
    return len(content)


def _end(lines: Sequence[str], line: int) -> int:
    """The last line of the paragraph, list or table that a line belongs to."""
    while line < len(lines) and lines[line].strip():
        line += 1
    return line


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("[", "(").replace("]", ")")


def picture_of(worked: Worked) -> tuple[str, Picture] | None:
    """What tells a computation's picture from others, and the picture; None if there is none."""
    try:
        chosen = _CHOICES[worked.kind](worked)
        if chosen is None:
            return None
        function, settings = chosen
        picture = function(**settings)
    except ConvlabError:  # more than can be drawn
        return None
    return f"{picture.title} {picture.alt}", picture


Chosen = tuple[Callable[..., Picture], dict[str, Any]] | None


def _size(worked: Worked) -> Chosen:
    if len(worked.layers) != 1 or worked.volume is None or len(worked.volume.sides) != 2:
        return None
    (layer,), sides = worked.layers, worked.volume.sides
    if not layer.windowed or max(sides) > MOST or len(layer.kernel) != 2 or layer.times > 1:
        return None
    stride = (layer.step(0), layer.step(1))
    padding = {SAME: "same", FULL: "full"}.get(layer.padding or 0, (layer.padding or 0,) * 2)
    if layer.kind == "pool":
        if isinstance(padding, str):
            return None
        return pictures.pooling, {
            "input": sides, "kernel": layer.kernel, "stride": stride, "padding": padding,
        }  # fmt: skip
    settings: dict[str, Any] = {
        "input": sides, "kernel": layer.kernel, "stride": stride, "padding": padding,
        "dilation": (layer.dilation or 1,) * 2,
    }  # fmt: skip
    if layer.kind == "transposed":
        settings |= {"transposed": True, "output_padding": (layer.extra,) * 2}
    elif padding == "same":
        settings["convention"] = "tensorflow"
    return pictures.arithmetic, settings


def _padding(worked: Worked) -> Chosen:
    kernel = worked.layers[0].kernel
    return pictures.usage, {"size": max(6, max(kernel) + 1), "kernel": kernel}


def _field(worked: Worked) -> Chosen:
    layers = [layer for layer in worked.layers for _ in range(layer.times)]
    side = layers[0].span() + 2
    if len(layers) == 1 and (layers[0].dilation or 1) > 1 and side <= MOST:
        kernel, dilation = layers[0].kernel, layers[0].dilation
        return pictures.arithmetic, {"input": side, "kernel": kernel, "dilation": dilation}
    if len(layers) > 12:
        return None
    tables = [
        f'[[layer]]\ntype = "Conv2d"\nname = "layer{number}"\nout_channels = 1\n'
        f"kernel_size = {layer.side()}\nstride = {layer.step()}\n"
        f"dilation = {layer.dilation or 1}\n"
        for number, layer in enumerate(layers, 1)
    ]
    side = field(layers)[1] + 4 * max(layer.step() for layer in layers)
    last = '[[layer]]\ntype = "Flatten"\n\n[[layer]]\ntype = "Linear"\nout_features = "classes"\n'
    text = f'input = "{side}x{side}x1"\n\n' + "\n".join([*tables, last])
    sizes = dict.fromkeys(size_text(layer.side(), layer.side()) for layer in layers)
    name = f"{len(layers)} layers of {', '.join(sizes)}"
    network = models.build_from_text(text, name=name, weights=False)
    return pictures.receptive_field_chain, {"network": network, "layer": f"layer{len(layers)}"}


def _weights(worked: Worked) -> Chosen:
    (layer,) = worked.layers
    kernel, filters, channels = layer.kernel, layer.filters or 1, layer.inputs or 1
    if len(kernel) != 2:
        return None
    if max(kernel) > 11 or channels > 4 or filters > MOST * MOST:
        return pictures.parameters, {"kernel": kernel, "filters": filters}
    shown = {"input": max(kernel) + 2, "kernel": kernel, "channels": channels}
    return pictures.arithmetic, shown


def _dense(worked: Worked) -> Chosen:
    return pictures.parameters, {"neurons": worked.layers[0].filters}


def _network(worked: Worked) -> Chosen:
    known = {"lenet": ("lenet5", 10), "vgg16": ("vgg16", 1000), "resnet50": ("resnet50", 1000)}
    if worked.network not in known:
        return None
    model, classes = known[worked.network]
    return pictures.costs, {"network": models.build(model, classes=classes, weights=False)}


_CHOICES: dict[str, Callable[[Worked], Chosen]] = {
    "size": _size,
    "padding": _padding,
    "field": _field,
    "weights": _weights,
    "dense": _dense,
    "network": _network,
}
