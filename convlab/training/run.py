"""A run folder: the network, what it was trained with, and all that is needed to go on.

::

    model.safetensors   the weights of the best epoch
    last.safetensors    the weights and the optimiser after the last step, and the progress
    config.json         settings, network, classes, scaling
    first.safetensors   the weights before training, where they came from another run
    history.csv         a row an epoch
    lab.html            the network as a page, if wanted
    snapshots/          the weights after each epoch, epoch-0001.safetensors and so on, if wanted

Every file is written beside its place, synced and renamed: a crash leaves the
old file or the new one.  Nothing is pickled.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

import convlab
from convlab import models, random
from convlab.data import Scaling, to_floats
from convlab.errors import ConvlabError, DataError, RunError, SpecError, require_finite
from convlab.names import class_names
from convlab.training.fit import Trainer
from convlab.training.settings import Settings, Task, centred_images

MODEL, LAST, CONFIG, HISTORY = "model.safetensors", "last.safetensors", "config.json", "history.csv"
FIRST = "first.safetensors"
PAGE = "lab.html"
SNAPSHOTS = "snapshots"


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file beside its place, sync it and rename it.  Raises RunError."""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes private files; a result is as readable as the user's other files.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise RunError(f"{path}: cannot be written: {error.strerror}") from None
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def check_free(folder: Path, exist_ok: bool = False) -> None:
    """Raise RunError where the folder holds something already, unless ``exist_ok``."""
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder}: expected a folder to write the run into, got a file")
    if folder.is_dir() and any(folder.iterdir()) and not exist_ok:
        raise RunError(
            f"{folder}: exists already; name another folder with --out, go on with --resume, or"
            " replace it with --exist-ok"
        )


def create(
    folder: Path, trainer: Trainer, *, exist_ok: bool = False, snapshots: bool = False
) -> None:
    """Make the run folder with its config.json.

    With ``snapshots`` the run has a folder for them, which is also how ``save`` knows that
    they are wanted: no other byte of the run depends on it.
    Raises RunError where the folder holds something already, unless ``exist_ok``.
    """
    check_free(folder, exist_ok)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (MODEL, LAST, HISTORY, FIRST, PAGE):
            (folder / name).unlink(missing_ok=True)
        _discard_snapshots(folder)
        if snapshots:
            (folder / SNAPSHOTS).mkdir(exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be made: {error.strerror}") from None
    task = trainer.task
    config = {
        "convlab": convlab.__version__,
        "settings": trainer.settings.to_dict(),
        "network": {
            "name": task.network.name,
            "input_shape": list(task.network.input_shape),
            "spec": task.network.spec,
        },
        "classes": list(task.train.classes),
        "image_shape": list(task.image_shape),
        "dark_background": task.dark_background,
        "data_digest": task.digest(),
        "scaling": task.scaling.to_dict(),
    }
    if trainer.settings.start_from is not None:
        # The seed draws only those that were not taken over.
        first = safetensors.numpy.save(trainer.network.state_dict())
        write_atomically(folder / FIRST, first)
    write_atomically(folder / CONFIG, (json.dumps(config, indent=2) + "\n").encode())


def save(folder: Path, trainer: Trainer) -> None:
    """Write weights, optimiser, progress and history, and a complete epoch's snapshot.

    Raises RunError.
    """
    progress = trainer.progress
    if (folder / SNAPSHOTS).is_dir() and progress.epoch and not progress.batch:
        # Before the progress: a crash in between trains this epoch again, none is left out.
        state = safetensors.numpy.save(trainer.network.state_dict())
        write_atomically(_snapshot_path(folder, progress.epoch), state)
    # One entry each: safetensors writes several in an order that chance decides.
    metadata = {"best_epoch": str(trainer.progress.best_epoch)}
    write_atomically(folder / MODEL, safetensors.numpy.save(trainer.best, metadata))
    state = json.dumps(trainer.state())
    write_atomically(folder / LAST, safetensors.numpy.save(trainer.arrays(), {"state": state}))
    text = io.StringIO()
    if trainer.progress.history:
        writer = csv.DictWriter(text, list(trainer.progress.history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(trainer.progress.history)
    write_atomically(folder / HISTORY, text.getvalue().encode())


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays of a .safetensors file by name, and its metadata.

    Raises RunError where it is not one, and for numbers that are not finite.
    """
    try:
        with safe_open(path, framework="np") as file:
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    except FileNotFoundError:
        raise RunError(f"{path}: expected a run with this file, there is none") from None
    except (SafetensorError, OSError) as error:
        raise RunError(f"{path}: cannot be read as safetensors: {error}") from None
    for name, values in arrays.items():
        require_finite(values, f"{path}: {name}", RunError)
    return arrays, metadata


@dataclass(frozen=True, eq=False)
class Run:
    """A trained network as it lies in a run folder."""

    folder: Path
    settings: Settings
    network: models.Network
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]  # of the data; the network's input may be larger
    dark_background: bool
    scaling: Scaling
    best_epoch: int

    def network_input(self, image: np.ndarray) -> np.ndarray:
        """An image of bytes (C, H, W) of the data's size as the network takes it, in floats."""
        x = centred_images(image[np.newaxis], self.network.input_shape[1:])
        return np.ascontiguousarray(to_floats(x, self.scaling)[0])


def _snapshot_path(folder: Path, epoch: int) -> Path:
    return folder / SNAPSHOTS / f"epoch-{epoch:04}.safetensors"


def _discard_snapshots(folder: Path) -> None:
    for path in (folder / SNAPSHOTS).glob("*epoch-*.safetensors*"):
        path.unlink()
    with contextlib.suppress(OSError):
        (folder / SNAPSHOTS).rmdir()


def snapshot_epochs(folder: Path | str) -> list[int]:
    """The epochs, from 1, whose weights the run has kept.  Raises RunError where it has none."""
    names = [path.name for path in (Path(folder) / SNAPSHOTS).glob("epoch-*.safetensors")]
    found = [re.fullmatch(r"epoch-(\d+)\.safetensors", name) for name in names]
    epochs = sorted(int(match[1]) for match in found if match)
    if not epochs:
        raise RunError(
            f"{folder}: expected a run with the weights of each epoch, it has no snapshots;"
            " train it with convlab train --snapshots"
        )
    return epochs


def snapshot(folder: Path | str, epoch: int) -> dict[str, np.ndarray]:
    """The weights after an epoch of a run with snapshots, by name; before training for epoch 0.

    Raises RunError where the run has not kept them.
    """
    if epoch == 0:
        return initial_weights(folder)
    arrays, _ = read_arrays(_snapshot_path(Path(folder), epoch))
    return arrays


def initial_weights(folder: Path | str) -> dict[str, np.ndarray]:
    """The weights that a run began with, by name: kept, or drawn again from its seed.

    Raises RunError.
    """
    folder = Path(folder)
    config = _config(folder)
    settings = _settings(folder, config)
    if settings.start_from is not None:
        return read_arrays(folder / FIRST)[0]
    before = random.get_state()
    try:
        random.manual_seed(settings.seed)
        return _network(folder, config, settings).state_dict()
    finally:
        random.set_state(before)


def _network(folder: Path, config: dict, settings: Settings) -> models.Network:
    """The network of a run with first weights from the random numbers as they stand."""
    spec = _spec(folder, config)
    input_shape = _sizes(folder, config["network"], "input_shape")
    classes = len(_classes(folder, config))
    try:
        return models.build(
            spec, input_shape=input_shape, classes=classes, dropout=settings.dropout
        )
    except ConvlabError as error:
        raise RunError(f"{folder}: the network cannot be built: {error}") from None


def _config(folder: Path) -> dict:
    path = folder / CONFIG
    if not folder.is_dir() or not path.exists():
        raise RunError(f"{folder}: expected the folder of a run with a {CONFIG}, there is none")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path}: cannot be read: {error}") from None
    if not isinstance(config, dict):
        raise RunError(f"{path}: expected an object with the settings, got {config!r:.40}")
    return config


def _settings(folder: Path, config: dict) -> Settings:
    try:
        return Settings(**config["settings"])
    except (KeyError, TypeError):
        raise RunError(
            f"{folder / CONFIG}: expected the settings of convlab {convlab.__version__},"
            f" got those of {config.get('convlab', 'another program')}"
        ) from None
    except SpecError as error:
        raise RunError(f"{folder / CONFIG}: {error}") from None


def _entry(folder: Path, entries: dict, name: str, wanted: str, fits: Callable) -> Any:
    """What config.json, or its "network", has under ``name``.  Raises RunError unless it fits."""
    value = entries.get(name)
    if not fits(value):
        raise RunError(
            f"{folder / CONFIG}: expected an entry for {name!r}, {wanted}, got {value!r:.40}"
        )
    return value


def _sizes(folder: Path, entries: dict, name: str) -> tuple[int, int, int]:
    """Channels, rows and columns."""

    def fits(value):
        whole = isinstance(value, list) and all(type(size) is int for size in value)
        return whole and len(value) == 3 and min(value) > 0

    return tuple(_entry(folder, entries, name, "[channels, rows, columns]", fits))


def _classes(folder: Path, config: dict) -> tuple[str, ...]:
    def fits(value):
        return isinstance(value, list) and value and all(isinstance(name, str) for name in value)

    names = _entry(folder, config, "classes", "a list of names", fits)
    try:
        return class_names(names, str(folder / CONFIG))
    except DataError as error:
        raise RunError(str(error)) from None


def _spec(folder: Path, config: dict) -> models.Spec:
    network = _entry(folder, config, "network", "an object", lambda value: isinstance(value, dict))
    text, name = (
        _entry(folder, network, part, "a text", lambda value: isinstance(value, str))
        for part in ("spec", "name")
    )
    return models.Spec(text, name, str(folder / CONFIG))


def load(folder: Path | str) -> Run:
    """The best network of a run.  Raises RunError where the folder is not one, or is damaged."""
    folder = Path(folder)
    config = _config(folder)
    settings = _settings(folder, config)
    arrays, metadata = read_arrays(folder / MODEL)
    network = _network(folder, config, settings)
    try:
        network.load_state_dict(arrays)
        scaling = Scaling.from_dict(config["scaling"])
        dark_background = bool(config["dark_background"])
        best_epoch = int(metadata.get("best_epoch", 0))
    except KeyError as error:
        raise RunError(f"{folder / CONFIG}: expected an entry for {error}") from None
    except ConvlabError as error:
        raise RunError(f"{folder}: the network does not fit its weights: {error}") from None
    except ValueError as error:
        raise RunError(f"{folder / MODEL}: expected the number of its epoch: {error}") from None
    return Run(
        folder,
        settings,
        network.eval(),
        _classes(folder, config),
        _sizes(folder, config, "image_shape"),
        dark_background,
        scaling,
        best_epoch,
    )


def load_settings(folder: Path | str) -> Settings:
    """The settings of a run.  Raises RunError."""
    folder = Path(folder)
    return _settings(folder, _config(folder))


def load_spec(folder: Path | str) -> models.Spec:
    """The spec of a run's network, as it was when the run was started.  Raises RunError."""
    folder = Path(folder)
    return _spec(folder, _config(folder))


def discard(folder: Path) -> None:
    """Remove a run's own files, and the folder if nothing else is in it."""
    for name in (MODEL, LAST, HISTORY, FIRST, CONFIG):
        (folder / name).unlink(missing_ok=True)
    _discard_snapshots(folder)
    with contextlib.suppress(OSError):
        folder.rmdir()


def resume(folder: Path, task: Task, device: str = "cpu") -> Trainer:
    """A trainer that stands where the run stopped, to the bit.  Raises RunError."""
    config = _config(folder)
    trainer = Trainer(_settings(folder, config), task, device)
    if config.get("data_digest") != task.digest():
        raise RunError(
            f"{folder}: expected the images that the run was started with; those of"
            f" {trainer.settings.data} are others"
        )
    arrays, metadata = read_arrays(folder / LAST)
    best, _ = read_arrays(folder / MODEL)
    try:
        trainer.restore(arrays, json.loads(metadata["state"]), best)
    except (KeyError, TypeError, ValueError, ConvlabError) as error:
        raise RunError(f"{folder / LAST}: does not fit the run's settings: {error}") from None
    return trainer


def history(folder: Path | str) -> dict[str, list[float]]:
    """The columns of history.csv.  Raises RunError where there is no epoch yet."""
    path = Path(folder) / HISTORY
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        columns = {k: [float(row[k]) for row in rows] for k in rows[0]} if rows else {}
    except FileNotFoundError:
        raise RunError(f"{path}: expected a run with this file, there is none") from None
    except (OSError, TypeError, ValueError) as error:
        raise RunError(f"{path}: cannot be read as a table of numbers: {error}") from None
    if not columns:
        raise RunError(f"{path}: expected at least one complete epoch, got none")
    return columns
