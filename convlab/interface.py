"""convlab in one line: train a network, load it, put its page into a notebook."""

from __future__ import annotations

import html
import os
import shlex
import sys
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any

from convlab import lab, session, training
from convlab.checks import number, one_of, shown, typed
from convlab.errors import RunError, SpecError
from convlab.files import write_atomically
from convlab.kernels import cuda
from convlab.names import meant
from convlab.training import EpochRecord, Run, Settings

__all__ = ["load", "page", "train"]

Folder = str | os.PathLike


@typed
def load(folder: Folder, *, as_is: bool = False) -> Run:
    """A run by its folder.  Raises RunError if that is not a run, or is damaged.

    ``as_is``: a network of digits takes pictures as they are; by default the digit is found, cut
    out and centred.
    """
    return training.load(Path(folder), as_is=as_is)


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
    starts with, or else lenet5; ``data``: a data set's name, or a folder or file of one's own;
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
        say=(lambda line: print(line, file=sys.stderr)) if progress else (lambda line: None),
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
        known = [*_SETTINGS, *signature(train).parameters]
        raise SpecError(
            f"train: expected settings among {', '.join(_SETTINGS)}, got {shown(name)}"
            f"{meant(_COMMANDS.get(name, name), known)}"
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
    run: Run | Folder | None,
    data_dir: Folder | None = None,
    *,
    image: str | None = None,
    accuracy: float | None = None,
    command: str | None = None,
    live: str = "",
    language: str = "en",
) -> Page:
    """The lab page of a run: a network to draw on, change and look into.  None: its playground.

    ``image``: what it begins with, a file, "-" for standard input, or test:N, by default the
    first of its samples; ``accuracy`` on the test set, if known; ``command``: the command that
    makes the page, for its footer; ``live`` and ``language``: see ``lab.render``.
    Raises RunError, or DataError if the data set or the image is missing, and SpecError for a
    network that no page can hold.
    """
    if run is None:
        return Page(lab.render(language=language), "playground")
    run = run if isinstance(run, Run) else load(run)
    if accuracy is not None:
        accuracy = number(accuracy, "accuracy", 0, 1)
    # Before the data are loaded: a network that no page can hold must not cost a download.
    lab.check_fits(run.network)
    train, test = (None, None) if run.is_imported else run.datasets(data_dir)
    first, note = None, ""
    if image is not None:
        read = run.image(image, data_dir)
        called, label = read.name, None
        if test is not None and image.startswith("test:"):
            index = int(image.removeprefix("test:"))
            called, label = f"test:{index}", int(test.labels[index])
        first = "standard input" if image == "-" else called, read.pixels, label
        note = f"{image}: {read.story}" if read.story else ""
    described = lab.describe(
        run,
        test,
        train=train,
        accuracy=run.evaluate(test).accuracy if accuracy is None and test else accuracy,
        command=command or shlex.join(["convlab", "page", str(run.folder)]),
        image=first,
    )
    return Page(
        lab.render(described, live, language), f"{run.network.name}, {run.folder.name}", note
    )


def open_page(path: Folder) -> None:
    """Open a page that was written in a browser.  Raises RunError where there is none."""
    _open(Path(path).resolve().as_uri())


def serve_page(
    run: Run,
    data_dir: Folder | None = None,
    *,
    opened: bool = False,
    said: Callable[[list[str]], None] | None = None,
    **settings: Any,
) -> None:
    """Serve the page of a run on this machine until Ctrl-C, anew when its folder has changed.

    ``opened``: open it in a browser; ``said`` hears the address; ``settings``: of ``page``.
    """
    lab.check_fits(run.network)

    def make(stamp: str) -> bytes:
        return page(load(run.folder), data_dir, live=stamp, **settings).data

    with lab.server(make, lambda: lab.stamp(run.folder)) as server:
        address = f"http://{lab.HOST}:{server.server_port}/"
        if said is not None:
            said([f"serving {address} on this machine alone, until Ctrl-C"])
        if opened:
            _open(address)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


def _open(address: str) -> None:
    if not webbrowser.open(address):
        raise RunError(f"expected a browser to open {address}, found none")
