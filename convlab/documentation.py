"""Pages in Markdown: what the rooms of convlab offer, and layers in other libraries' code."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import convlab
from convlab import interface, nn
from convlab.insight.code_lines import code_lines
from convlab.terminal import plain

NAMES = """\
# Names in Python

What each module contains, from its docstrings; [In Python and in notebooks](python.md) shows how
they go together.

In signatures,

- `ArrayLike` is NumPy's: an array, or nested lists of numbers;
- `Box` is a rectangle of pixels: top, left, bottom, right, the last two exclusive;
- `Folder` is a path, as text or `pathlib.Path`;
- `ImageLike` is a picture's file, `"-"` for standard input, `"test:3"` for an image of the test
  set, or pixels (C, H, W) of bytes;
- `IntOrPair` and `Lengths` are a whole number, or a sequence of them, one for each direction;
- `NetworkLike` is a model's name, a `.toml` file, a network, or what `RunLike` is;
- `Line` is a text, or its parts from left to right; a `Block`, such as a `Table`, is lines for a
  width: `convlab.terminal.fitted(lines, width)` makes lines of both;
- `Notations` are a layer in PyTorch, in Keras and in tf.nn: three `Notation`s;
- `Number` is an exact number or a float, as it was computed;
- `Pair` is two whole numbers, for rows and columns, `Sides` four: top, bottom, left, right;
- `RunLike` is a run, or its folder;
- `Shape` is (channels, rows, columns), or (features,).
"""
ROOMS = (
    "interface",
    "tensors",
    "pictures",
    "functional",
    "nn",
    "optim",
    "data",
    "models",
    "training",
    "insight",
    "lecture",
    "lessons",
)


NOTATIONS = """\
# One layer in three notations

The same layers in PyTorch, Keras and `tf.nn`: `convlab shape --code` and `convlab explain --code`
print yours. The tests run the lines of PyTorch and, if it is installed, of Keras with our weights,
and compare every number; for `tf.nn` they compare sizes and padding with its documentation.

| | PyTorch | Keras | tf.nn |
|---|---|---|---|
| images | (N, channels, rows, columns) | (N, rows, columns, channels) | as Keras |
| weights of a convolution | (out, in, rows, columns) | (rows, columns, in, out) | as Keras |
| of a depthwise one | (out, 1, rows, columns) | (rows, columns, in, out / in) | as Keras |
| of a dense layer | (out, in) | (in, out) | (in, out) |
| steps | `stride` | `strides` | `strides` |
| holes | `dilation` | `dilation_rate`, only with strides of 1 | `dilations` |
| padding | numbers; "same" at stride 1 | "valid" or "same" | "VALID", "SAME" or numbers |
| other padding | `nn.ZeroPad2d` | `layers.ZeroPadding2D` | `tf.pad` |
| rows without padding | ⌊(n − k) / s⌋ + 1 | ⌈(n − k + 1) / s⌉, the same number | as Keras |
| rows with "same" | n | ⌈n / s⌉ | ⌈n / s⌉ |
| an odd row of "same" | below | below | below |
| padding in a mean | counted | left out | left out |
| flatten | channel by channel | pixel by pixel | pixel by pixel |

With a stride of 2 and a kernel of 3, PyTorch's `padding=1` puts a row above and one below; "same"
puts one below and none above if the rows are even in number. The size that comes out is the same,
the numbers are not: weights moved from one framework to the other then need the padding as a layer
of its own.
"""
_EXAMPLES: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "A convolution": (nn.Conv2d(3, 6, 5), (3, 32, 32)),
    "With padding that keeps the size": (nn.Conv2d(3, 16, 3, padding=1), (3, 32, 32)),
    "With a stride": (nn.Conv2d(3, 16, 3, stride=2), (3, 32, 32)),
    'With a stride and "same"': (nn.Conv2d(3, 16, 3, 2, (0, 1, 0, 1)), (3, 32, 32)),
    "The first layer of ResNet": (nn.Conv2d(3, 64, 7, 2, 3, bias=False), (3, 224, 224)),
    "Dilated": (nn.Conv2d(8, 16, 3, padding=2, dilation=2), (8, 28, 28)),
    "Depthwise": (nn.Conv2d(8, 8, 3, padding=1, groups=8), (8, 28, 28)),
    "Pointwise": (nn.Conv2d(8, 16, 1), (8, 28, 28)),
    "Max pooling": (nn.MaxPool2d(2), (16, 28, 28)),
    "The pooling of ResNet": (nn.MaxPool2d(3, 2, 1), (64, 112, 112)),
    "Average pooling": (nn.AvgPool2d(2), (16, 28, 28)),
    "Global average pooling": (nn.AdaptiveAvgPool2d(1), (512, 7, 7)),
    "Adaptive average pooling": (nn.AdaptiveAvgPool2d(7), (512, 9, 9)),
    "Flatten": (nn.Flatten(), (16, 5, 5)),
    "A dense layer": (nn.Linear(400, 120), (400,)),
}


def notations_page() -> str:
    """Layers in the code of PyTorch, Keras and tf.nn, in Markdown."""
    parts = [NOTATIONS]
    for title, (layer, shape) in _EXAMPLES.items():
        lines = "\n".join(plain(line).rstrip() for line in code_lines(layer.notations(shape)))
        parts.append(f"## {title}\n\n```\n{lines}\n```\n")
    return "\n".join(parts)


def names_page() -> str:
    """The public functions, classes and methods of ROOMS with their docstrings, in Markdown."""
    modules = [importlib.import_module(f"convlab.{room}") for room in ROOMS]
    shown = [value for module in modules for value in _public(module).values()]
    parts = [NAMES]
    for module in modules:
        heading = "convlab" if module is interface else module.__name__
        parts.append(f"## {heading}\n\n{inspect.getdoc(module)}\n")
        for name, value in _public(module).items():
            at = "convlab" if getattr(convlab, name, None) is value else module.__name__
            parts.append(_block(f"### {at}.{name}", _typed(name, value), value))
            for part, signature, documented in _members(value, shown):
                parts.append(_block(f"#### {name}.{part}", signature, documented))
    return "\n".join(parts)


def _public(module: ModuleType) -> dict[str, Any]:
    """The documented functions and classes of a module, by name."""
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and _is_of(value, module.__name__)
    ]
    names = sorted({*own, *getattr(module, "__all__", own)})
    return {
        name: value
        for name in names
        if callable(value := getattr(module, name))
        and inspect.getdoc(value)
        and inspect.getmodule(value)
    }


def _members(value: Any, shown: list) -> Iterator[tuple[str, str, Any]]:
    """(name, signature, itself) of the methods and properties that a class documents.

    Those of its bases in convlab are among them, up to one that is ``shown`` itself.
    """
    for base in inspect.getmro(value) if inspect.isclass(value) else ():
        if base is not value and (base in shown or not base.__module__.startswith("convlab.")):
            break
        for name, part in vars(base).items():
            is_value = isinstance(part, (property, functools.cached_property))
            called = getattr(value, name)  # a class method without its first argument
            if (
                not name.startswith("_")
                and part.__doc__
                and (is_value or inspect.isroutine(called))
            ):
                yield name, name if is_value else _typed(name, called), part


def _block(heading: str, signature: str, documented: Any) -> str:
    """A heading, and below it a signature and its docstring."""
    return f"{heading}\n\n```\n{signature}\n\n{inspect.getdoc(documented)}\n```\n"


class _Plain(str):
    """A type in words; a signature shows it without quotes."""

    __repr__ = str.__str__


def _plain(annotation: Any) -> Any:
    text = getattr(annotation, "__forward_arg__", annotation)  # that of a NamedTuple's field
    return _Plain(text) if isinstance(text, str) else annotation


def _is_of(value: Any, module: str) -> bool:
    """Whether a value is a function or class that a module defines."""
    defined = inspect.isfunction(value) or inspect.isclass(value)
    return defined and value.__module__ == module


def _typed(name: str, value: Any) -> str:
    """A call as a signature without ``self``, with one argument per line where it is long."""
    try:
        signature = inspect.signature(value)
    except ValueError:
        return name
    parameters = [p for p in signature.parameters.values() if p.name != "self"]
    plain = [p.replace(annotation=_plain(p.annotation)) for p in parameters]
    back = _plain(signature.return_annotation)
    signature = signature.replace(parameters=plain, return_annotation=back)
    line = f"{name}{signature}"
    if len(line) <= 90:
        return line
    arguments = []
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    for at, parameter in enumerate(signature.parameters.values()):
        named = parameter.kind is inspect.Parameter.KEYWORD_ONLY
        if named and (not at or kinds[at - 1] is inspect.Parameter.POSITIONAL_OR_KEYWORD):
            arguments.append("    *,")
        arguments.append(f"    {parameter},")
    returned = "" if back is inspect.Signature.empty else f" -> {back}"
    return "\n".join([f"{name}(", *arguments, f"){returned}"])
