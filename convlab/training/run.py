"""A run folder: the network, what it was trained with, and all that is needed to go on.

::

    model.safetensors   the weights of the best epoch
    last.safetensors    the weights, the best ones, the optimiser, and the progress, after the last
                        step that was saved
    config.json         settings, network, classes, scaling
    first.safetensors   the weights before training, where they came from another run
    history.csv         a row an epoch
    curves.png          its picture, of a complete run
    lab.html            the network as a page, if wanted
    snapshots/          the weights after each epoch, epoch-0001.safetensors and so on, if wanted

last.safetensors is the state of a run: all other files follow from it and from config.json,
and are made again on resuming where a crash has left them out.  The folder appears in one
rename.  While a process writes to it there is also .lock, with the process's number.  Nothing
is pickled.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import html
import io
import json
import math
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.numpy

import convlab
from convlab import data, display, files, models, random, reading, tensor_files
from convlab.checks import shown
from convlab.data import Scaling, to_floats
from convlab.errors import ConvlabError, DataError, RunError, SpecError
from convlab.files import write_atomically, write_changed
from convlab.names import class_names
from convlab.tape import no_grad
from convlab.tensors import Tensor
from convlab.training.fit import EpochRecord, Evaluation, Trainer, evaluate
from convlab.training.settings import Settings, Task, centred, centred_images

MODEL, LAST, CONFIG, HISTORY = "model.safetensors", "last.safetensors", "config.json", "history.csv"
FIRST = "first.safetensors"
CURVES, PAGE = "curves.png", "lab.html"
SNAPSHOTS = "snapshots"
OWN = (
    CONFIG,
    LAST,
    MODEL,
    FIRST,
    HISTORY,
    CURVES,
    PAGE,
    f"{SNAPSHOTS}/epoch-*.safetensors",
    SNAPSHOTS,
)
"""A run's files, as patterns; those of other names in its folder are the user's."""


def check_free(folder: Path, exist_ok: bool = False) -> None:
    """Raise RunError where the folder holds something already, unless ``exist_ok``."""
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder}: expected a folder to write the run into, got a file")
    if not exist_ok and not files.is_free(folder, OWN, CONFIG):
        raise RunError(
            f"{folder}: exists already; name another folder with --out, go on with --resume, or"
            " replace it with --exist-ok"
        )


def create(
    folder: Path,
    trainer: Trainer,
    *,
    exist_ok: bool = False,
    snapshots: bool = False,
    page: bool = False,
) -> None:
    """Make the run folder, complete, as ``new_run`` does, for others to write to as well."""
    with new_run(folder, trainer, exist_ok=exist_ok, snapshots=snapshots, page=page):
        _replace(folder)


@contextlib.contextmanager
def new_run(
    folder: Path,
    trainer: Trainer,
    *,
    exist_ok: bool = False,
    snapshots: bool = False,
    page: bool = False,
) -> Iterator[None]:
    """Make the run folder with all that is needed to resume, locked until the block ends.

    With ``snapshots`` the run has a folder for them, which is also how ``save`` knows that
    they are wanted: no other byte of the run depends on it.  ``page``: whether one belongs to
    the complete run.  A run that is replaced stays until the first ``save`` of the new one: a
    training that diverges at once, or is killed, costs nothing.
    Raises RunError where the folder holds something already, unless ``exist_ok``, and where it
    cannot be made.
    """
    check_free(folder, exist_ok)
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
        "page": page,
    }
    with files.new_folder(folder, OWN, CONFIG) as new:
        if snapshots:
            files.make_folder(new.path / SNAPSHOTS)
        if trainer.settings.start_from is not None:
            # The seed draws only those that were not taken over.
            first = safetensors.numpy.save(trainer.network.state_dict())
            write_atomically(new.path / FIRST, first)
        save(new.path, trainer)
        write_atomically(new.path / CONFIG, (json.dumps(config, indent=2) + "\n").encode())
        if (folder / CONFIG).exists():
            _replacing[folder] = new
        else:
            new.commit()
        try:
            yield
        finally:
            _replacing.pop(folder, None)


_replacing: dict[Path, files.NewFolder] = {}
"""New runs that have not yet taken the place of old ones, by their folders."""


def _replace(folder: Path) -> None:
    if folder in _replacing:
        _replacing.pop(folder).commit()


@contextlib.contextmanager
def locked(folder: Path | str) -> Iterator[None]:
    """Be the only process that writes to a run.  Raises RunError, see ``files.locked``."""
    _config(Path(folder))
    with files.locked(Path(folder)):
        yield


@contextlib.contextmanager
def locked_for(path: Path) -> Iterator[None]:
    """Be alone in writing ``path`` if it is a run's curves or page.  Raises RunError."""
    own = path.name in (CURVES, PAGE) and (path.parent / CONFIG).is_file()
    with files.locked(path.parent) if own else contextlib.nullcontext():
        yield


def save(folder: Path, trainer: Trainer) -> None:
    """Write the state, then all that follows from it: see ``write_results``.  Raises RunError."""
    with files.locked(folder):
        _replace(folder)
        # One entry: safetensors writes several in an order that chance decides.
        state = {"state": json.dumps(trainer.state())}
        write_atomically(folder / LAST, safetensors.numpy.save(trainer.arrays(), state))
        write_results(folder, trainer)


def write_results(folder: Path, trainer: Trainer) -> bool:
    """Write the best weights, a complete epoch's snapshot and the history where they are not there.

    Returns whether anything was written.  Raises RunError.
    """
    progress = trainer.progress
    results = {
        MODEL: safetensors.numpy.save(trainer.best, {"best_epoch": str(progress.best_epoch)}),
        HISTORY: _table(progress.history),
    }
    if (folder / SNAPSHOTS).is_dir() and progress.epoch and not progress.batch:
        state = safetensors.numpy.save(trainer.network.state_dict())
        results[_snapshot_name(progress.epoch)] = state
    with files.locked(folder):
        return any([write_changed(folder / name, content) for name, content in results.items()])


def _table(history: list[dict]) -> bytes:
    text = io.StringIO()
    if history:
        writer = csv.DictWriter(text, list(history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
    return text.getvalue().encode()


ImageLike = np.ndarray | str | os.PathLike
"""Pixels (C, H, W) of bytes, a picture's file, "-" for standard input, or test:N of a test set."""


class Image(NamedTuple):
    """An image as a run takes it: bytes (C, H, W), whether they were inverted, and their source."""

    pixels: np.ndarray
    inverted: bool
    source: str

    @property
    def name(self) -> str:
        """The image, for titles."""
        return Path(self.source).name


@dataclass(frozen=True, eq=False)
class Run:
    """A trained network as it lies in a run folder, which answers for images."""

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

    @property
    def name(self) -> str:
        """The run in words, for a picture's subtitle."""
        folder = self.folder.resolve().name
        return f"run {folder}, {self.network.name} trained on {Path(self.settings.data).name}"

    def image(self, source: ImageLike, data_dir: str | os.PathLike | None = None) -> Image:
        """An image as the run's data are: of their size, and light on dark where they are.

        Raises DataError for a number that the test set does not have, for a file that is no
        picture, and for bytes of another shape than ``image_shape``.
        """
        if isinstance(source, np.ndarray):
            if source.dtype != np.uint8 or source.shape != self.image_shape:
                raise DataError(
                    f"image: expected bytes of shape {self.image_shape}, got {source.dtype} of"
                    f" shape {source.shape}"
                )
            return Image(source, False, "an image")
        source = os.fspath(source)
        if source.startswith("test:"):
            _, test = data.load(self.settings.data, data_dir=data_dir)
            number = source.removeprefix("test:")
            if not number.isdecimal() or len(number) > 18 or int(number) >= len(test):
                raise DataError(
                    f"image {source}: expected test:0 to test:{len(test) - 1} of {test.name}"
                )
            return Image(test.images[int(number)], False, source)
        channels, rows, columns = self.image_shape
        given = reading.read_standard_input() if source == "-" else Path(source)
        pixels = data.read_picture(given, size=(rows, columns), channels=channels)
        if self.dark_background:
            return Image(*data.as_dark_background(pixels), source)
        return Image(pixels, False, source)

    def predict(
        self, *images: ImageLike, data_dir: str | os.PathLike | None = None
    ) -> list[dict[str, float]]:
        """For each image the probability of every class, the likeliest first.

        Raises as ``image``; all are read before the first answer.
        """
        read = [self.image(image, data_dir).pixels for image in images]
        x = np.stack([self.network_input(pixels) for pixels in read])
        with no_grad():
            chances = self.network.probabilities(self.network(Tensor(x)).numpy())
        return [
            {self.classes[k]: float(row[k]) for k in np.argsort(-row, kind="stable")}
            for row in chances
        ]

    def evaluate(
        self, test: data.Dataset | None = None, data_dir: str | os.PathLike | None = None
    ) -> Evaluation:
        """The network's answers to images of the data's size, by default those of its test set.

        Raises DataError where that is not there.
        """
        if test is None:
            _, test = data.load(self.settings.data, data_dir=data_dir)
        return evaluate(self.network, centred(test, self.network.input_shape[1:]), self.scaling)

    def summary(self) -> models.SummaryTable:
        """What each layer costs and sees."""
        return self.network.summary()

    def __repr__(self) -> str:
        return f"Run({self.name}, best epoch {self.best_epoch})"

    def _repr_html_(self) -> str:
        accuracy = [float(value) for value in history(self.folder)["validation_accuracy"]]
        best = accuracy[self.best_epoch - 1]
        said = (
            f"{self.name}; validation accuracy {100 * best:.2f} % in epoch {self.best_epoch} of"
            f" {len(accuracy)}"
        )
        drawn = display.curve(accuracy, "validation accuracy by epoch")
        return f"<div>{html.escape(said)}</div>{drawn}{self.summary()._repr_html_()}"


def _snapshot_name(epoch: int) -> str:
    return f"{SNAPSHOTS}/epoch-{epoch:04}.safetensors"


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
    folder = Path(folder)
    config = _config(folder)
    return _weights(folder, _snapshot_name(epoch), config, _settings(folder, config))[0]


def initial_weights(folder: Path | str) -> dict[str, np.ndarray]:
    """The weights that a run began with, by name: kept, or drawn again from its seed.

    Raises RunError.
    """
    folder = Path(folder)
    config = _config(folder)
    settings = _settings(folder, config)
    if settings.start_from is not None:
        return _weights(folder, FIRST, config, settings)[0]
    before = random.get_state()
    try:
        random.manual_seed(settings.seed)
        _weights(folder, MODEL, config, settings)
        return _network(folder, config, settings).state_dict()
    finally:
        random.set_state(before)


def _network(
    folder: Path, config: dict, settings: Settings, weights: bool = True
) -> models.Network:
    """The network of a run with first weights from the random numbers as they stand.

    Without ``weights`` they are all zero, which takes no memory.
    """
    try:
        return models.build(
            _spec(folder, config),
            input_shape=_sizes(folder, config["network"], "input_shape"),
            classes=len(_classes(folder, config)),
            dropout=settings.dropout,
            weights=weights,
        )
    except RunError:
        raise
    except (ConvlabError, MemoryError) as error:
        raise RunError(f"{folder}: the network cannot be built: {error}") from None


def _weights(
    folder: Path, name: str, config: dict, settings: Settings
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """A file of the run's weights, which are the network's by their names and shapes.

    What a damaged config.json has made too large is found here, before there is memory for it.
    """
    path = folder / name
    arrays, metadata = tensor_files.read_tensors(path)
    network = _network(folder, config, settings, weights=False)
    wanted = {name: p.shape for name, p in network.named_parameters()}
    got = {name: array.shape for name, array in arrays.items() if array.dtype.kind == "f"}
    for name in sorted(wanted.keys() | got.keys()):
        if wanted.get(name) != got.get(name):
            raise RunError(
                f"{path}: the network does not fit its weights: expected {name} of shape"
                f" {wanted.get(name)}, got {got.get(name)}"
            )
    return {name: arrays[name] for name in wanted}, metadata


def _config(folder: Path) -> dict:
    path = folder / CONFIG
    if not folder.is_dir() or not path.exists():
        raise RunError(f"{folder}: expected the folder of a run with a {CONFIG}, there is none")
    try:
        config = reading.read_json(path)
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read: {reading.reason(error)}") from None
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


def _flag(folder: Path, entries: dict, name: str) -> bool:
    return _entry(folder, entries, name, "true or false", lambda value: isinstance(value, bool))


def _sizes(folder: Path, entries: dict, name: str) -> tuple[int, int, int]:
    """Channels, rows and columns."""

    def fits(value):
        whole = isinstance(value, list) and all(type(size) is int for size in value)
        return whole and len(value) == 3 and min(value) > 0 and math.prod(value) < 1 << 31

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
    arrays, metadata = _weights(folder, MODEL, config, settings)
    best_epoch = metadata.get("best_epoch", "0")
    if not re.fullmatch(r"[0-9]{1,9}", best_epoch) or int(best_epoch) > settings.epochs:
        raise RunError(
            f"{folder / MODEL}: expected the number of its epoch, got {best_epoch!r:.40}"
        )
    network = _network(folder, config, settings)
    image_shape = _sizes(folder, config, "image_shape")
    try:
        network.load_state_dict(arrays)
        numbers: Any = config.get("scaling")  # None where there is none: refused as well
        scaling = Scaling.from_dict(numbers)
    except ConvlabError as error:
        raise RunError(f"{folder}: the network does not fit its weights: {error}") from None
    fits = (len(scaling.scale), *image_shape[1:])
    if image_shape[0] != network.input_shape[0] or any(
        small > large for small, large in zip(fits, network.input_shape, strict=True)
    ):
        raise RunError(
            f"{folder / CONFIG}: expected images and a scaling for the network's input"
            f" {network.input_shape}, got {image_shape} and {len(scaling.scale)} channels"
        )
    return Run(
        folder,
        settings,
        network.eval(),
        _classes(folder, config),
        image_shape,
        _flag(folder, config, "dark_background"),
        scaling,
        int(best_epoch),
    )


def load_settings(folder: Path | str) -> Settings:
    """The settings of a run.  Raises RunError."""
    folder = Path(folder)
    return _settings(folder, _config(folder))


def load_spec(folder: Path | str) -> models.Spec:
    """The spec of a run's network, as it was when the run was started.  Raises RunError."""
    folder = Path(folder)
    return _spec(folder, _config(folder))


def wants_page(folder: Path | str) -> bool:
    """Whether a page belongs to the run when it is complete.  Raises RunError."""
    folder = Path(folder)
    return _flag(folder, {"page": False} | _config(folder), "page")  # once it was not said


def discard(folder: Path) -> None:
    """Remove a run's own files, and the folder if nothing else is in it.  Raises RunError."""
    if folder not in _replacing:
        files.discard(folder, OWN)


def resume(folder: Path, task: Task, device: str = "cpu") -> Trainer:
    """A trainer that stands where the run stopped, to the bit.  Raises RunError.

    Nothing is written: ``write_results`` makes what a crash may have left out.
    """
    config = _config(folder)
    trainer = Trainer(_settings(folder, config), task, device)
    if config.get("data_digest") != task.digest():
        raise RunError(
            f"{folder}: expected the images that the run was started with; those of"
            f" {trainer.settings.data} are others"
        )
    arrays, metadata = tensor_files.read_tensors(folder / LAST)
    try:
        trainer.restore(arrays, reading.parse_json(metadata.get("state", ""), finite=False))
    except (ValueError, ConvlabError) as error:
        raise RunError(f"{folder / LAST}: does not fit the run's settings: {error}") from None
    return trainer


def history(folder: Path | str) -> dict[str, list[float]]:
    """The columns of history.csv.  Raises RunError where there is no epoch yet."""
    path = Path(folder) / HISTORY
    try:
        text = reading.read_text(path, reading.MAX_JSON)
        if text and not text.endswith("\n"):
            raise ValueError("expected a whole last line")
        rows = [_record(row, number) for number, row in enumerate(_rows(text), 1)]
    except FileNotFoundError:
        raise RunError(f"{path}: expected a run with this file, there is none") from None
    except (OSError, TypeError, ValueError, csv.Error, RunError) as error:
        reason = reading.reason(error)
        raise RunError(f"{path}: cannot be read as a table of numbers: {reason}") from None
    if not rows:
        raise RunError(f"{path}: expected at least one complete epoch, got none")
    return {
        field.name: [float(getattr(row, field.name)) for row in rows]
        for field in dataclasses.fields(EpochRecord)
    }


def _rows(text: str) -> Iterator[dict[str, str]]:
    return csv.DictReader(io.StringIO(text, newline=""))


def _record(row: dict[str, str], number: int) -> EpochRecord:
    values = {}
    for name, text in row.items():
        try:
            values[name] = int(text) if name == "epoch" else float(text)
        except (TypeError, ValueError):
            raise RunError(
                f"epoch {number}: expected a number as {name}, got {shown(text)}"
            ) from None
    return EpochRecord.read(values, number)
