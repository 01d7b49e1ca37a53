"""Weights of other programs: read from .safetensors and .pt files, and matched to a network."""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.numpy

from convlab import nn, tensor_files
from convlab.checks import shown
from convlab.errors import RunError, SpecError, require_finite
from convlab.files import write_atomically
from convlab.names import counted
from convlab.reading import open_file

SUFFIXES = (".safetensors", ".pt", ".pth")
MAX_BYTES = 4_000_000_000
_COUNT = "num_batches_tracked"  # files that are not of PyTorch lack it
_INSIDE = ("state_dict", "model_state_dict", "model")
_PREFIX = re.compile(r"(module|model|_orig_mod|net|network|backbone|encoder)\.")


class Matched(NamedTuple):
    """Arrays by a network's own names, and in words how the file's names were matched."""

    state: dict[str, np.ndarray]
    how: str


def read_weights(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The arrays of a .safetensors, .pt or .pth file by name; halves become float32.

    A .pt is read by PyTorch, which is told to run nothing that is in it (``weights_only``).
    Raises SpecError for a file that cannot be read, or that holds anything else.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise SpecError(f"{path}: expected weights, {' or '.join(SUFFIXES)}")
    try:
        with open_file(path) as file:
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}") from None
    if size > MAX_BYTES:
        raise SpecError(f"{path}: expected at most {MAX_BYTES:,} bytes, got {size:,}")
    if path.suffix.lower() != ".safetensors":
        return _from_pytorch(path)
    try:
        return tensor_files.read_tensors(path)[0]
    except RunError as error:
        raise SpecError(str(error)) from None


def _from_pytorch(path: Path) -> dict[str, np.ndarray]:
    torch = _torch(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickles that it then refuses
            content = torch.load(os.fspath(path), map_location="cpu", weights_only=True)
    except MemoryError:
        raise SpecError(f"{path}: too large for this machine's memory") from None
    except Exception as error:  # PyTorch raises many kinds, all about the file
        reason = " ".join(str(error).split()).split(". ")[0][:120] or type(error).__name__
        raise SpecError(f"{path}: cannot be read as weights alone: {reason}") from None
    for key in _INSIDE:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise SpecError(f"{path}: expected tensors by name, got {type(content).__name__}")
    arrays = {}
    for name, value in content.items():
        if not isinstance(value, torch.Tensor) or not isinstance(name, str):
            raise SpecError(
                f"{path}: expected tensors by name, got {shown(name)} of type"
                f" {type(value).__name__}"
            )
        _check_plain(path, name, value)
        if value.is_floating_point():
            value = value.to(torch.float64 if value.dtype == torch.float64 else torch.float32)
        array = value.numpy()
        require_finite(array, f"{path}: {name}", SpecError)
        arrays[name] = array
    return arrays


def _check_plain(path: Path, name: str, value: Any) -> None:
    """Raise SpecError for a tensor that NumPy has no array for, or none that fits in memory."""
    if str(value.layout) != "torch.strided" or value.is_quantized or value.is_meta:
        raise SpecError(f"{path}: expected plain tensors, got {shown(name)} of another layout")
    if 4 * value.numel() > MAX_BYTES:  # a small file can say a number many times
        raise SpecError(
            f"{path}: expected at most {MAX_BYTES // 4:,} numbers, got {value.numel():,} in"
            f" {shown(name)}"
        )


def _torch(path: Path) -> Any:
    try:
        import torch
    except ImportError:
        raise SpecError(
            f"{path}: expected PyTorch, which reads such files (pip install torch); or a file that"
            " it has written by safetensors.torch.save_file(model.state_dict(),"
            ' "net.safetensors")'
        ) from None
    return torch


def save_weights(state: Mapping[str, np.ndarray], path: str | os.PathLike) -> None:
    """Write arrays by name as .safetensors, or as .pt, which takes PyTorch.

    Raises SpecError for another ending, and RunError for a file that cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() == ".safetensors":
        content = safetensors.numpy.save(dict(state))
    elif path.suffix.lower() in (".pt", ".pth"):
        torch = _torch(path)
        stream = io.BytesIO()
        torch.save({name: torch.tensor(value) for name, value in state.items()}, stream)
        content = stream.getvalue()
    else:
        raise SpecError(f"{path}: expected weights, {' or '.join(SUFFIXES)}")
    write_atomically(path, content)


def matched(network: nn.Module, state: Mapping[str, np.ndarray]) -> Matched:
    """Arrays under a network's own names: as they are, without a prefix, or by order and shape.

    Raises SpecError where neither the names nor the shapes in order are those of the network.
    """
    own = network.named_state()
    for prefix, named in _without_prefixes(state):
        known = {name for name in own if not name.endswith(_COUNT)}
        if known <= named.keys() and named.keys() <= own.keys():
            how = "by name" if not prefix else f"by name, without {prefix!r} before each"
            return _checked(network, named, how)
    return _by_order(network, state)


def _without_prefixes(state: Mapping[str, np.ndarray]):
    """(what was taken off, the arrays) for a state and its names without a prefix that all have."""
    prefix, named = "", dict(state)
    while True:
        yield prefix, named
        first = _PREFIX.match(next(iter(named), ""))
        if first is None or not all(name.startswith(first[0]) for name in named):
            return
        prefix += first[0]
        named = {name.removeprefix(first[0]): array for name, array in named.items()}


def _checked(network: nn.Module, named: Mapping[str, np.ndarray], how: str) -> Matched:
    for name, tensor in network.named_state().items():
        if name in named and named[name].shape != tensor.shape:
            raise SpecError(
                f"{name}: expected shape {tensor.shape}, got {named[name].shape}; the names fit"
            )
    counts = {n: np.array(0) for n in network.named_state() if n not in named}
    return Matched({**named, **counts}, f"{counted(len(named), 'array')} {how}")


def _by_order(network: nn.Module, state: Mapping[str, np.ndarray]) -> Matched:
    own = {n: t.shape for n, t in network.named_state().items() if not n.endswith(_COUNT)}
    there = {n: a for n, a in state.items() if not n.endswith(_COUNT)}
    for (name, shape), (other, array) in zip(own.items(), there.items(), strict=False):
        if shape != array.shape:
            raise SpecError(
                f"expected the network's weights by name, or by order and shape: {name} of shape"
                f" {shape}, got {shown(other)} of {array.shape}"
            )
    if len(own) != len(there):
        raise SpecError(
            f"expected {counted(len(own), 'array')} of weights for the network, got {len(there)}"
        )
    named = dict(zip(own, there.values(), strict=True))
    return _checked(network, named, "by order and shape")


def classes_in(network_head: str, state: Mapping[str, np.ndarray]) -> int | None:
    """How many classes weights are for: the outputs of the layer of a name, or of the last one."""
    for _, named in _without_prefixes(state):
        if f"{network_head}.weight" in named:
            return len(named[f"{network_head}.weight"])
    weights = [array for array in state.values() if array.ndim in (2, 4)]
    return len(weights[-1]) if weights else None
