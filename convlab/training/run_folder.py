"""A run folder: the network, what it was trained with, and all that is needed to continue.

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

last.safetensors is the state of a run: all other files follow from it and from config.json, and on
resuming are made again if a crash has left them out.  The folder appears in one rename.  While a
process writes to it there is also .lock, with the process's number.  Nothing is pickled.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import json
import math
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import safetensors.numpy

import convlab
from convlab import files, models, reading, tensor_files
from convlab.checks import shown
from convlab.data import IMPORTED, Scaling
from convlab.errors import ConvlabError, DataError, RunError, SpecError
from convlab.files import write_atomically, write_changed
from convlab.json_files import json_bytes
from convlab.names import class_names
from convlab.training.fit import EpochRecord, Trainer
from convlab.training.ranks import Ranks
from convlab.training.settings import Preprocessing, Settings, Task

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
"""A run's files, as patterns; files with other names in its folder are the user's."""


def check_free(folder: Path, exist_ok: bool = False) -> None:
    """Raise RunError if the folder already holds something, unless ``exist_ok``."""
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder}: expected a folder to write the run into, got a file")
    if not exist_ok and not files.is_free(folder, OWN, CONFIG):
        raise RunError(
            f"{folder}: exists already; name another folder with -o, go on with --resume, or"
            " replace it with --exist-ok (in Python: out=, convlab.load, exist_ok=True)"
        )


def create(
    folder: Path,
    trainer: Trainer,
    *,
    exist_ok: bool = False,
    snapshots: bool = False,
    page: bool = False,
) -> None:
    """Make the complete run folder, as ``new_run`` does, for others to write to as well."""
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

    With ``snapshots`` the run has a folder for them, which is also how ``save`` knows that they are
    wanted: no other byte of the run depends on it.  ``page``: whether the complete run has one.  A
    replaced run stays until the first ``save`` of the new one, so training that diverges at once,
    or is killed, costs nothing.
    Raises RunError if the folder already holds something, unless ``exist_ok``, and if it cannot be
    made.
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
        **({} if task.crop is None else {"crop": task.crop}),
    }
    with files.new_folder(folder, OWN, CONFIG) as new:
        if snapshots:
            files.make_folder(new.path / SNAPSHOTS)
        if trainer.settings.start_from is not None:
            # The seed reproduces only those that were not taken over.
            first = safetensors.numpy.save(trainer.network.state_dict())
            write_atomically(new.path / FIRST, first)
        save(new.path, trainer)
        _write_config(new.path, config)
        if (folder / CONFIG).exists():
            _replacing[folder] = new
        else:
            new.commit()
        try:
            yield
        finally:
            _replacing.pop(folder, None)


def _write_config(folder: Path, config: dict) -> None:
    write_atomically(folder / CONFIG, json_bytes(config, indent=2))


_replacing: dict[Path, files.NewFolder] = {}
"""New runs that have not yet replaced old ones, by folder."""


def _replace(folder: Path) -> None:
    if folder in _replacing:
        _replacing.pop(folder).commit()


@contextlib.contextmanager
def locked(folder: Path | str) -> Iterator[None]:
    """Be the only process that writes to a run.  Raises RunError, see ``files.locked``."""
    read_config(Path(folder))
    with files.locked(Path(folder)):
        yield


@contextlib.contextmanager
def locked_for(path: Path) -> Iterator[None]:
    """Be the only writer of ``path`` if it is a run's curves or page.  Raises RunError."""
    own = path.name in (CURVES, PAGE) and (path.parent / CONFIG).is_file()
    with files.locked(path.parent) if own else contextlib.nullcontext():
        yield


def save(folder: Path, trainer: Trainer) -> None:
    """Write the state, then all that follows from it: see ``write_results``.  Raises RunError."""
    with files.locked(folder):
        _replace(folder)
        # One entry: safetensors writes several in a random order.
        state = {"state": json.dumps(trainer.state())}
        write_atomically(folder / LAST, safetensors.numpy.save(trainer.arrays(), state))
        write_results(folder, trainer)


def write_results(folder: Path, trainer: Trainer) -> bool:
    """Write the best weights, a complete epoch's snapshot and the history if they are missing.

    Returns whether anything was written.  Raises RunError.
    """
    progress = trainer.progress
    results = {
        MODEL: safetensors.numpy.save(trainer.best, {"best_epoch": str(progress.best_epoch)}),
        HISTORY: _table(progress.history),
    }
    if (folder / SNAPSHOTS).is_dir() and progress.epoch and not progress.batch:
        state = safetensors.numpy.save(trainer.network.state_dict())
        results[snapshot_name(progress.epoch)] = state
    with files.locked(folder):
        return any([write_changed(folder / name, content) for name, content in results.items()])


def _table(history: list[dict]) -> bytes:
    text = io.StringIO()
    if history:
        writer = csv.DictWriter(text, list(history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
    return text.getvalue().encode()


def discard(folder: Path) -> None:
    """Remove a run's own files, and the folder if nothing else is in it.  Raises RunError."""
    if folder not in _replacing:
        files.discard(folder, OWN)


def resume(
    folder: Path,
    task: Task,
    device: str = "cpu",
    epochs: int | None = None,
    ranks: Ranks | None = None,
) -> Trainer:
    """A trainer in the state in which the run stopped, to the bit.  Raises RunError.

    ``epochs``: how many a complete run is to have from now on, which config.json then says.
    Nothing else is written: ``write_results`` makes what a crash may have left out.
    """
    config = read_config(folder)
    trainer = Trainer(settings_of(folder, config), task, device, ranks)
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
    if epochs is not None:
        trainer.extend(epochs)
        if ranks is None or ranks.leads:
            _write_config(folder, {**config, "settings": trainer.settings.to_dict()})
    return trainer


def load_settings(folder: Path | str) -> Settings:
    """The settings of a run.  Raises RunError."""
    folder = Path(folder)
    return settings_of(folder, read_config(folder))


def load_spec(folder: Path | str) -> models.Spec:
    """The spec of a run's network, as it was when the run started.  Raises RunError."""
    folder = Path(folder)
    return spec_of(folder, read_config(folder))


def brought_preprocessing(folder: Path | str) -> Preprocessing | None:
    """What a run's network takes, if that came with a network that was trained elsewhere.

    Raises RunError.
    """
    folder = Path(folder)
    config = read_config(folder)
    return preprocessing_of(folder, config) if "crop" in config else None


def preprocessing_of(folder: Path, config: dict) -> Preprocessing:
    """What a run's network takes, as its config says.  Raises RunError and SpecError."""
    numbers: Any = config.get("scaling")  # None if missing: refused as well
    scaling, crop = Scaling.from_dict(numbers), {"crop": False} | config
    shape = sizes_of(folder, config, "image_shape")
    return Preprocessing(shape, scaling, flag_of(folder, crop, "crop"))


def wants_page(folder: Path | str) -> bool:
    """Whether the complete run has a page.  Raises RunError."""
    folder = Path(folder)
    return flag_of(folder, {"page": False} | read_config(folder), "page")  # older runs lack it


def history(folder: Path | str) -> dict[str, list[float]]:
    """The columns of history.csv.  Raises RunError if there is no epoch yet."""
    path = Path(folder) / HISTORY
    if not path.exists() and load_settings(folder).data == IMPORTED:
        raise RunError(f"{folder}: expected a run that was trained here, got an imported network")
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


def read_config(folder: Path) -> dict:
    """The content of a run's config.json.  Raises RunError if it is not a run's."""
    path = folder / CONFIG
    if not folder.is_dir() or not path.exists():
        raise RunError(f"{folder}: expected the folder of a run{_instead(folder)}")
    try:
        config = reading.read_json(path)
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read: {reading.reason(error)}") from None
    if not isinstance(config, dict):
        raise RunError(f"{path}: expected an object with the settings, got {config!r:.40}")
    return config


def _instead(folder: Path) -> str:
    """What there is in place of a run: often the model or the spec that is to be trained first."""
    source = str(folder)
    if not folder.exists() and source in models.model_names():
        kind = "a network's name"
    elif folder.is_file() and folder.suffix.lower() == ".toml":
        kind = "a network's spec"
    else:
        inside = sorted(path.parent for path in folder.glob(f"*/{CONFIG}"))
        runs = f", got a folder of runs, such as {inside[0]}" if inside else ""
        return runs or f" with a {CONFIG}, there is none"
    return f", got {kind}; train it first: convlab train --model {shlex.quote(source)}"


def settings_of(folder: Path, config: dict) -> Settings:
    """The settings in a run's config.  Raises RunError for those from another version."""
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
    """The entry ``name`` of config.json, or of its "network".  Raises RunError unless it fits."""
    value = entries.get(name)
    if not fits(value):
        raise RunError(
            f"{folder / CONFIG}: expected an entry for {name!r}, {wanted}, got {value!r:.40}"
        )
    return value


def flag_of(folder: Path, entries: dict, name: str) -> bool:
    """Whether the config says true.  Raises RunError if it says neither true nor false."""
    return _entry(folder, entries, name, "true or false", lambda value: isinstance(value, bool))


def sizes_of(folder: Path, entries: dict, name: str) -> tuple[int, int, int]:
    """Channels, rows and columns that the config lists under ``name``.  Raises RunError."""

    def fits(value):
        whole = isinstance(value, list) and all(type(size) is int for size in value)
        return whole and len(value) == 3 and min(value) > 0 and math.prod(value) < 1 << 31

    return tuple(_entry(folder, entries, name, "[channels, rows, columns]", fits))


def classes_of(folder: Path, config: dict) -> tuple[str, ...]:
    """The names of the classes in a run's config.  Raises RunError."""

    def fits(value):
        return isinstance(value, list) and value and all(isinstance(name, str) for name in value)

    names = _entry(folder, config, "classes", "a list of names", fits)
    try:
        return class_names(names, str(folder / CONFIG))
    except DataError as error:
        raise RunError(str(error)) from None


def spec_of(folder: Path, config: dict) -> models.Spec:
    """The spec of the network in a run's config.  Raises RunError."""
    network = _entry(folder, config, "network", "an object", lambda value: isinstance(value, dict))
    text, name = (
        _entry(folder, network, part, "a text", lambda value: isinstance(value, str))
        for part in ("spec", "name")
    )
    return models.Spec(text, name, str(folder / CONFIG))


def snapshot_name(epoch: int) -> str:
    """The file of an epoch's weights, from the run's folder."""
    return f"{SNAPSHOTS}/epoch-{epoch:04}.safetensors"
