"""convlab in one line: train a network, load it, put its page into a notebook."""

from __future__ import annotations

import difflib
import html
import os
import shlex
import sys
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any

from convlab import data, lab, session, training
from convlab.checks import number, one_of, shown, typed
from convlab.errors import SpecError
from convlab.files import write_atomically
from convlab.kernels import cuda
from convlab.pictures.sources import INVERTED
from convlab.training import EpochRecord, Run, Settings

__all__ = ["load", "page", "train"]

Folder = str | os.PathLike


@typed
def load(folder: Folder) -> Run:
    """A run by its folder.  Raises RunError if that is not a run, or is damaged."""
    return training.load(Path(folder))


@typed
def train(
    model: str | os.PathLike | None = None,
    data: str | os.PathLike = "digits",
    out: Folder | None = None,
    *,
    start_from: Run | Folder | None = None,
    exist_ok: bool = False,
    snapshots: bool = False,
    data_dir: Folder | None = None,
    device: str = "cpu",
    progress: bool = True,
    **settings: Any,
) -> Run:
    """Train a network as ``convlab train`` does, and return its run.

    ``model``: a name or a .toml file, by default that of the run ``start_from``, whose weights it
    starts with, or else lenet5; ``data``: a data set's name or a folder of images;
    ``out``: the run's folder, runs/MODEL-DATA by default, in which an existing run is replaced only
    with ``exist_ok``; ``snapshots`` keeps the weights of each epoch; ``progress`` reports each
    epoch on standard error; ``settings``: those of ``training.Settings``, such as ``epochs`` and
    ``seed``.

    Raises SpecError, DataError or RunError for what does not fit, DivergedError if training
    diverges, DeviceError if there is no such device.
    """
    _check_names(settings)
    if one_of(device, "device", ("cpu", "cuda")) == "cuda":
        cuda.require()
    start = start_from.folder if isinstance(start_from, Run) else start_from
    with session.begin(
        None if model is None else os.fspath(model),
        os.fspath(data),
        out=None if out is None else Path(out),
        start_from=None if start is None else Path(start),
        data_dir=None if data_dir is None else os.fspath(data_dir),
        device=device,
        exist_ok=exist_ok,
        snapshots=snapshots,
        **settings,
    ) as begun:
        for record in begun.fit():
            if progress and isinstance(record, EpochRecord):
                print(begun.epoch_text(record), file=sys.stderr)
        begun.finish()
    run = load(begun.folder)
    run.network.to(device)
    return run


_SETTINGS = [name.name for name in fields(Settings) if name.name not in ("model", "data")]
_COMMANDS = {"lr": "rate"}
"""Settings by what ``convlab train`` calls them, where these are others."""


def _check_names(settings: dict[str, Any]) -> None:
    """Raise SpecError for a setting that there is not, with the one that may be meant."""
    for name in settings.keys() - _SETTINGS:
        near = [_COMMANDS[name]] if name in _COMMANDS else []
        near += difflib.get_close_matches(name, [*_SETTINGS, *signature(train).parameters], 1)
        meant = f"; did you mean {near[0]}" if near else ""
        raise SpecError(
            f"train: expected settings among {', '.join(_SETTINGS)}, got {shown(name)}{meant}"
        )


class Page:
    """The page of a network, which a notebook shows in a frame.

    ``note``: a remark about the image that it begins with.
    """

    def __init__(self, content: str, name: str, note: str = ""):
        self.content, self.name, self.note = content, name, note

    @property
    def data(self) -> bytes:
        """The content of the file; the name of a data set's folder may contain any bytes."""
        return self.content.encode("utf-8", "replace")

    def save(self, path: Folder) -> None:
        """Write the page to an .html file.  Raises RunError if it cannot be written."""
        with training.locked_for(Path(path)):
            write_atomically(Path(path), self.data)

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{html.escape(self.content)}" title="{html.escape(self.name)}"'
            ' width="100%" height="800" style="border: 0"></iframe>'
        )

    def __repr__(self) -> str:
        return f"Page({self.name}, {len(self.content) / 1e6:.1f} MB)"


@typed
def page(
    run: Run | Folder,
    data_dir: Folder | None = None,
    *,
    image: str | None = None,
    accuracy: float | None = None,
    command: str | None = None,
) -> Page:
    """The lab page of a run: a network to draw on, change and look into.

    ``image``: what it begins with, a file, "-" for standard input, or test:N, by default the
    first of its samples; ``accuracy`` on the test set, if known; ``command``: the command that
    makes the page, for its footer.  Raises RunError, or DataError if the data set or the image is
    missing, and SpecError for a network that no page can hold.
    """
    run = run if isinstance(run, Run) else load(run)
    if accuracy is not None:
        accuracy = number(accuracy, "accuracy", 0, 1)
    # Before the data are loaded: a network that no page can hold must not cost a download.
    lab.check_fits(run.network)
    _, test = data.load(run.settings.data, data_dir=data_dir)
    first, note = None, ""
    if image is not None:
        read = run.image(image, data_dir)
        called, label = read.name, None
        if image.startswith("test:"):
            index = int(image.removeprefix("test:"))
            called, label = f"test:{index}", int(test.labels[index])
        first = "standard input" if image == "-" else called, read.pixels, label
        note = f"{image}: {INVERTED}" if read.inverted else ""
    described = lab.describe(
        run,
        test,
        accuracy=run.evaluate(test).accuracy if accuracy is None else accuracy,
        command=command or shlex.join(["convlab", "page", str(run.folder)]),
        image=first,
    )
    return Page(lab.render(described), f"{run.network.name}, {run.folder.name}", note)
