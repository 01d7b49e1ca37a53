"""Steps that are one layer in convlab, though ONNX's files have them as several operators.

Each function looks at one step and the steps before it, and gives the layers in their place, or
None.  What is merged has no other reader, so nothing else changes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from convlab import shapes
from convlab.models.onnx.operators import short
from convlab.models.onnx.translation import Step


class Steps:
    """The steps of a network by name, in order."""

    def __init__(self, steps: Iterable[Step]):
        self.by_name = {step.name: step for step in steps}
        self.readers = Counter(name for step in self.by_name.values() for name in step.inputs)

    def before(self, step: Step, kind: str = "", place: int = 0) -> Step | None:
        """The step that ``step`` reads, if it is of a kind and has no other reader."""
        if place >= len(step.inputs):
            return None
        found = self.by_name.get(step.inputs[place])
        if found is None or self.readers[found.name] != 1 or kind not in ("", found.kind):
            return None
        return found

    def merge(self, old: Iterable[Step], new: Step) -> None:
        """Replace steps that follow each other by one with the last one's readers."""
        gone = [step.name for step in old]
        place = {name: self.by_name[name] for name in self.by_name}
        self.by_name = {
            name: new if name == gone[-1] else step
            for name, step in place.items()
            if name == gone[-1] or name not in gone
        }
        self.readers = Counter(name for step in self.by_name.values() for name in step.inputs)


Merge = Callable[[Steps, Step], "tuple[list[Step], Step] | None"]


def merged(steps: Iterable[Step]) -> list[Step]:
    """The steps with all merges done."""
    found = Steps(steps)
    for merge in _MERGES:
        for name in list(found.by_name):
            step = found.by_name.get(name)
            done = None if step is None else merge(found, step)
            if done is not None:
                found.merge(*done)
    return list(found.by_name.values())


def _made(last: Step, first: Step, kind: str, settings: dict[str, Any], **state: Any) -> Step:
    """A layer in the place of steps from ``first`` to ``last``; where it has weights, so named."""
    numbers = {name: value for name, value in state.items() if value is not None}
    nodes = [step.node for step in (last, first) if step.node is not None and step.node.name]
    node = min(nodes, key=lambda node: len(node.name), default=last.node)
    node = first.node if first.state else node
    return last._replace(
        kind=kind, settings=settings, state=numbers, inputs=first.inputs, function=None, node=node
    )


def _padded_convolution(steps: Steps, step: Step):
    """Zeros around a convolution's input, as its own padding."""
    pad = steps.before(step, "ZeroPad2d") if step.kind == "Conv2d" else None
    if pad is None or min(pad.settings["padding"]) < 0:
        return None
    left, right, top, bottom = pad.settings["padding"]
    own = shapes.padding_sides(step.settings.get("padding", 0), (1, 1))
    sides = [a + b for a, b in zip((top, bottom, left, right), own, strict=True)]
    settings = {**step.settings, "padding": short(sides)}
    return [pad, step], step._replace(settings=settings, inputs=pad.inputs)


def _channel_shuffle(steps: Steps, step: Step):
    """(C, H, W) as (groups, C / groups, H, W), both axes exchanged, and back."""
    turn = steps.before(step, "Permute") if step.kind == "Reshape" else None
    apart = None if turn is None else steps.before(turn, "Reshape")
    if turn is None or apart is None or turn.settings["dims"] != [0, 2, 1, 3, 4]:
        return None
    groups, each, *size = apart.settings["shape"]
    if step.settings["shape"] != [groups * each, *size]:
        return None
    return [apart, turn, step], _made(step, apart, "ChannelShuffle", {"groups": groups})


def _shortcut(steps: Steps, step: Step):
    """Every so many rows and columns, then maps of zeros."""
    cut = steps.before(step, "Slice") if step.kind == "Shortcut2d" else None
    if cut is None or any(cut.settings["starts"]) or "stride" in step.settings:
        return None
    one, stride, other = cut.settings["steps"]
    before = steps.by_name.get(cut.inputs[0])
    size = cut.settings["ends"] if before is None else before.shape[1:]
    whole = all(end > n - stride for end, n in zip(cut.settings["ends"][1:], size[1:], strict=True))
    if one != 1 or stride != other or not whole or cut.shape[1] != step.settings["in_channels"]:
        return None
    return [cut, step], _made(step, cut, "Shortcut2d", {**step.settings, "stride": stride})


def _pixel_shuffle(steps: Steps, step: Step):
    """(C r², H, W) as (C, r H, r W), by two changes of shape around a transposition."""
    turn = steps.before(step, "Permute") if step.kind == "Reshape" else None
    apart = None if turn is None else steps.before(turn, "Reshape")
    if turn is None or apart is None or turn.settings["dims"] != [0, 1, 4, 2, 5, 3]:
        return None
    maps, r, other, rows, columns = apart.settings["shape"]
    if r != other or step.settings["shape"] != [maps, rows * r, columns * r]:
        return None
    return [apart, turn, step], _made(step, apart, "PixelShuffle", {"upscale_factor": r})


def _group_norm(steps: Steps, step: Step):
    """Groups normalised as the instances of a tensor of another shape; then scale and shift."""
    norm = steps.before(step, "InstanceNormalization") if step.kind == "Reshape" else None
    apart = None if norm is None else steps.before(norm, "Reshape")
    if norm is None or apart is None or len(apart.shape) != 3 or len(step.shape) != 4:
        return None
    weight, bias, eps = (norm.settings[name] for name in ("weight", "bias", "eps"))
    if np.any(weight != 1) or np.any(bias != 0):
        return None
    groups, channels = apart.shape[1], step.shape[1]
    settings: dict[str, Any] = {"num_groups": groups, "num_channels": channels}
    settings |= {} if eps == 1e-5 else {"eps": float(str(np.float32(eps)))}
    ones, none = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    made = _made(step, apart, "GroupNorm", settings, weight=ones, bias=none)
    return [apart, norm, step], made


def _scaled_group_norm(steps: Steps, step: Step):
    norm = steps.before(step, "GroupNorm") if step.kind == "Affine" else None
    if norm is None or step.settings["shape"] != [norm.settings["num_channels"], 1, 1]:
        return None
    state = _together(norm.state, step.state)
    return [norm, step], _made(step, step, "GroupNorm", norm.settings, **state)._replace(
        inputs=norm.inputs
    )


def _together(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> dict[str, Any]:
    """Scale and shift of two that follow each other."""
    weight, bias = first.get("weight"), first.get("bias")
    by, plus = (second.get(n) for n in ("weight", "bias"))
    by = None if by is None or weight is None else by.reshape(weight.shape)
    if by is not None:
        weight = by if weight is None else weight * by
        bias = None if bias is None else bias * by
    if plus is not None:
        plus = plus if bias is None else plus.reshape(bias.shape)
        bias = plus if bias is None else bias + plus
    return {"weight": weight, "bias": bias}


def _scale_and_shift(steps: Steps, step: Step):
    """A product and a sum with constants of one shape, as files from Caffe have them."""
    first = steps.before(step, "Affine") if step.kind == "Affine" else None
    if first is None or first.settings["shape"] != step.settings["shape"]:
        return None
    if set(first.state) != {"weight"} or set(step.state) != {"bias"}:
        return None
    state = {**first.state, **step.state}
    return [first, step], _made(step, first, "Affine", {"shape": step.settings["shape"]}, **state)


def _dense_bias(steps: Steps, step: Step):
    """A product with a matrix, then a vector added."""
    dense = steps.before(step, "Linear") if step.kind == "Affine" else None
    if dense is None or dense.state.keys() != {"weight"} or step.state.keys() != {"bias"}:
        return None
    bias = step.state["bias"].reshape(-1)
    if len(bias) != dense.settings["out_features"]:
        return None
    settings = {name: value for name, value in dense.settings.items() if name != "bias"}
    return [dense, step], _made(step, dense, "Linear", settings, bias=bias, **dense.state)


def _gated(steps: Steps, step: Step, kind: str):
    """For x times a gate that is made of x itself: the gate."""
    if step.kind != "Mul" or len(step.inputs) != 2:
        return None
    for place in (0, 1):
        gate = steps.before(step, kind, place)
        if gate is not None and gate.inputs == (step.inputs[1 - place],):
            return gate
    return None


def _silu(steps: Steps, step: Step):
    gate = _gated(steps, step, "Sigmoid")
    return None if gate is None else ([gate, step], _made(step, gate, "SiLU", {}))


def _hardswish(steps: Steps, step: Step):
    gate = _gated(steps, step, "Hardsigmoid")
    return None if gate is None else ([gate, step], _made(step, gate, "Hardswish", {}))


def _hardsigmoid(steps: Steps, step: Step):
    """(x + 3, cut off at 0 and 6) / 6."""
    cut = steps.before(step, "ReLU6") if step.kind == "Rescale" else None
    shift = None if cut is None else steps.before(cut, "Rescale")
    if cut is None or shift is None or shift.settings != {"shift": 3.0}:
        return None
    scale = step.settings.get("scale", 1.0)
    if not math.isclose(scale, 1 / 6, rel_tol=1e-6) or "shift" in step.settings:
        return None
    return [shift, cut, step], _made(step, shift, "Hardsigmoid", {})


def _rescaled_twice(steps: Steps, step: Step):
    """a (c x + d) + b."""
    first = steps.before(step, "Rescale") if step.kind == "Rescale" else None
    if first is None:
        return None
    scale, shift = step.settings.get("scale", 1.0), step.settings.get("shift", 0.0)
    settings = {
        "scale": first.settings.get("scale", 1.0) * scale,
        "shift": first.settings.get("shift", 0.0) * scale + shift,
    }
    return [first, step], _made(step, first, "Rescale", settings)


_MERGES: tuple[Merge, ...] = (
    _padded_convolution,
    _channel_shuffle,
    _shortcut,
    _pixel_shuffle,
    _group_norm,
    _scaled_group_norm,
    _scaled_group_norm,
    _scale_and_shift,
    _dense_bias,
    _silu,
    _hardsigmoid,
    _hardswish,
    _rescaled_twice,
)
