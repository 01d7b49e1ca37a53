"""Ends trainings at chosen changes of files, as a crash or a full disk would; the tests run it.

    python crashing.py FOLDER SCENARIO HOW COUNT

A change is whatever ``convlab.files`` does to a disk: a file or folder made, a write, a sync,
a rename, a deletion.  COUNT of them, spread evenly, or all for 0, each end one training; then
the same command, or --resume where there is a run, must leave what an undisturbed training
leaves, byte by byte but for the seconds (``seconds`` and ``images_per_second`` of the history,
in history.csv and in the state in last.safetensors).

SCENARIO: new, empty (the run's folder is there) or replace (another run is, and notes).
HOW: before the change; after it, or after half a write; full: from there on the disk is; kill:
as after, in a process of its own that gets SIGKILL.  Several, with commas between, take turns.
"""

import csv
import errno
import functools
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
from convlab_cli.main import convlab
from PIL import Image
from safetensors import safe_open

from convlab import files
from convlab.errors import ConvlabError, RunError

NETWORK = """
input = "8x8x1"
[[layer]]
type = "Conv2d"
out_channels = 2
kernel_size = 3
[[layer]]
type = "ReLU"
[[layer]]
type = "Flatten"
[[layer]]
type = "Linear"
out_features = "classes"
"""
TRAIN = "train --model ../net.toml --data ../images --epochs 2 --batch-size 5 --snapshots"
TRAIN = [*TRAIN.split(), "--page", "--quiet", "-o", "runs/run"]
RESUME = ["train", "--resume", "runs/run", "--quiet"]
SECONDS = ("seconds", "images_per_second")
NEEDS_ROOM = ("open", "mkdir", "write", "fsync")


class Ended(BaseException):
    """The process is dead: whoever catches it can do nothing to a file any more."""


class Disk:
    """``os`` as ``convlab.files`` sees it, which ends at change number ``at``, from 1."""

    def __init__(self, at=0, how="before"):
        self.at, self.how, self.changes = at, how, []

    def __getattr__(self, name):
        function = getattr(os, name)
        changing = ("mkdir", "replace", "rename", "unlink", "rmdir", "fsync", "ftruncate", "write")
        if name in changing:
            return lambda *a, **k: self.change(name, lambda: function(*a, **k))
        return function

    def open(self, path, flags, *mode):
        make = functools.partial(os.open, path, flags, *mode)
        return self.change("open", make) if flags & os.O_CREAT else make()

    def fdopen(self, *arguments):
        file = os.fdopen(*arguments)
        write = file.write

        class Watched:
            def __enter__(_):
                return _

            def __exit__(_, *error):
                file.close()

            def __getattr__(_, name):
                return getattr(file, name)

            def write(_, content):
                half = functools.partial(write, content[: len(content) // 2])
                return self.change("write", lambda: write(content), half)

        return Watched()

    def rmtree(self, path, **options):
        self.change("rmtree", lambda: shutil.rmtree(path, **options))

    def change(self, name, do, half=None):
        self.changes.append(name)
        now, over = len(self.changes) == self.at, self.at and len(self.changes) > self.at
        if self.how == "full":
            if (now or over) and name in NEEDS_ROOM:
                (half or (lambda: None))()
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return do()
        if over or (now and self.how == "before"):
            raise Ended
        if not now:
            return do()
        try:
            (half or do)()
        finally:  # what cannot be done, such as deleting a folder with files, ends it as well
            if self.how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
        raise Ended


def run(words, disk):
    """The exit status and the error of a command; None where its process has ended in it."""
    files.os, files.shutil, sys.argv = disk, disk, ["convlab", *words]
    standard, sys.stdout = sys.stdout, io.StringIO()
    try:
        return convlab.main(list(words), "convlab", standalone_mode=False) or 0, ""
    except click.UsageError as error:
        return 2, error.format_message()
    except ConvlabError as error:
        return 1, str(error)
    except Ended:
        return None, ""
    finally:
        sys.stdout, files.os, files.shutil = standard, os, shutil
        assert not files._held, "a lock that a dead process still has"


def content(folder):
    """All files in a folder by name, without the seconds."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = str(path.relative_to(folder))
        found[name] = path.read_bytes()
        if path.name == "history.csv":
            rows = csv.DictReader(io.StringIO(found[name].decode()))
            found[name] = [{k: v for k, v in r.items() if k not in SECONDS} for r in rows]
        if path.name == "last.safetensors":
            with safe_open(path, framework="np") as file:
                state = json.loads(file.metadata()["state"])
                arrays = {key: file.get_tensor(key).tobytes() for key in file.keys()}  # noqa: SIM118
            for record in (state["progress"], *state["progress"]["history"]):
                for key in SECONDS:
                    record.pop(key, None)
            found[name] = state, arrays
    return found


def prepare(folder):
    """The images and the network of all trainings."""
    chance = np.random.default_rng(0)
    for kind in ("dark", "light"):
        (folder / "images" / kind).mkdir(parents=True)
        for number in range(10):
            image = chance.integers(0, 200, (8, 8)) + 50 * (kind == "light")
            Image.fromarray(image.astype(np.uint8)).save(folder / f"images/{kind}/{number}.png")
    (folder / "net.toml").write_text(NETWORK)
    os.chdir(folder)


def start(name, scenario):
    """A folder to train in, as the scenario wants it; the command."""
    Path(name).mkdir()
    os.chdir(name)
    if scenario == "new":
        return TRAIN
    Path("runs/run/snapshots").mkdir(parents=True)
    if scenario == "empty":
        Path("runs/run/snapshots").rmdir()
        return TRAIN
    shutil.copytree("../other/runs/run", "runs/run", dirs_exist_ok=True)
    for notes in ("notes.txt", "snapshots/notes.txt"):
        Path("runs/run", notes).write_text("the user's")
    return [*TRAIN, "--exist-ok"]


def check(number, words, expected, how):
    """End a training at a change, go on, and compare."""
    disk = Disk(number, how)
    if how == "kill":
        child = [sys.executable, __file__, "--child", str(number), *words]
        assert subprocess.run(child).returncode == -signal.SIGKILL, number
        status, error = None, ""
    else:
        status, error = run(words, disk)
    what = f"{how} change {number} ({disk.changes[number - 1] if disk.changes else 'in a child'})"
    if how == "full":  # where only what tidies up found no room, nothing is lost
        assert status == 1 or (status == 0 and error == ""), (what, status)
        assert "\n" not in error and (status == 0 or "No space left on device" in error), error
    else:
        assert status is None, what
    again = RESUME if Path("runs/run/config.json").exists() and status != 0 else None
    if again is None and status != 0:
        again = words
    if again == RESUME and "--exist-ok" in words and not same_settings():
        again = words  # it ended before it replaced anything
    if again is not None:
        status, error = run(again, Disk())
        assert status == 0 or "nothing to resume, the run is complete" in error, (what, error)
    got = content(Path())
    assert got.keys() == expected.keys(), (what, got.keys() ^ expected.keys())
    for name in got:
        assert got[name] == expected[name], (what, name)


def same_settings():
    return json.loads(Path("runs/run/config.json").read_text())["settings"]["epochs"] == 2


def main(folder, scenario, how, count):
    prepare(Path(folder))
    if scenario == "replace":
        start("other", "new")
        assert run([*TRAIN, "--epochs", "1"], Disk())[0] == 0
        os.chdir("..")
    words = start("whole", scenario)
    disk = Disk()
    assert run(words, disk) == (0, "")
    expected = content(Path())
    assert {"open", "write", "fsync", "replace", "unlink", "mkdir"} <= set(disk.changes)
    total = len(disk.changes)
    points = np.unique(np.linspace(1, total, int(count) or total).round().astype(int)).tolist()
    hows = how.split(",")
    for turn, number in enumerate(points):
        how = hows[turn % len(hows)]
        os.chdir("..")
        words = start(f"{how}-{number}", scenario)
        check(number, words, expected, how)
        os.chdir("..")
        shutil.rmtree(f"{how}-{number}")
        os.chdir("whole")
    print(f"{len(points)} of {total} changes")


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        run(sys.argv[3:], Disk(int(sys.argv[2]), "kill"))
        raise RunError("expected to be killed")
    main(*sys.argv[1:])
