"""Crashes, full disks and second writers cost no run and no file; see crashing.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from convlab_cli.commands import COMMANDS
from convlab_gallery import build, catalog

from convlab import files, training
from convlab.errors import RunError

DRIVER = Path(__file__).with_name("crashing.py")

HOLDER = """
import sys, time
from pathlib import Path
from convlab import files

folder = Path(sys.argv[1])
with files.locked(folder), files.replacing(folder / "file") as file:
    file.write(b"half")
    file.flush()
    print("holds", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """(folder, process) where another process holds the lock and is writing a file."""
    folder = tmp_path / "held"
    folder.mkdir()
    words = [sys.executable, "-c", HOLDER, folder]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "holds\n"
    yield folder, process
    process.kill()
    process.wait()


def test_a_training_that_ends_anywhere_can_go_on(tmp_path):
    done = subprocess.run(
        [sys.executable, DRIVER, tmp_path, "new", "before,after,full", "12"],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.stdout.startswith("12 of "), done.stderr


def test_a_folder_has_one_writer_until_that_dies(holder, convlab, run):
    folder, process = holder
    config = (run / "config.json").read_bytes()
    (folder / "config.json").write_bytes(config)
    message = f"{folder}: expected to write to it alone, process {process.pid} is writing to it"
    assert convlab.fails("train", "--resume", folder) == message
    assert convlab.fails("train", "-o", folder, "--exist-ok", "--quiet") == message
    for lock in (
        files.locked(folder),
        training.locked(folder),
        training.locked_for(folder / "lab.html"),
        training.locked_for(folder / "curves.png"),
        files.new_folder(folder, (), "config.json"),
    ):
        with pytest.raises(RunError) as caught, lock:
            pass
        assert str(caught.value) == message
    with pytest.raises(RunError, match=f"process {process.pid} is writing to it"):
        next(build.build(catalog.read(COMMANDS), folder))
    (temporary,) = folder.glob(".convlab-*")
    with training.locked_for(folder / "other.png"):
        files.write_atomically(folder / "other.png", b"")
    assert temporary.read_bytes() == b"half"  # of one that lives
    assert (folder / "config.json").read_bytes() == config
    process.kill()
    process.wait()
    with files.locked(folder), files.locked(folder):  # in one another
        assert sorted(p.name for p in folder.iterdir()) == [".lock", "config.json", "other.png"]
    assert sorted(p.name for p in folder.iterdir()) == ["config.json", "other.png"]


def test_what_a_dead_process_was_making_of_a_folder_is_free(tmp_path):
    own, last = ("config.json", "model", "parts/*.part", "parts"), "config.json"

    def free(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        return files.is_free(tmp_path, own, last)

    assert files.is_free(tmp_path / "none", own, last)
    assert free(".convlab-0123456789abcdef")
    assert free(".lock", "model", "parts/1.part")
    assert not free("config.json")
    (tmp_path / "config.json").unlink()
    assert not free("notes.txt")
    (tmp_path / "notes.txt").unlink()
    (tmp_path / ".lock").unlink()
    assert not free()  # a model that the user has put there


def test_a_replaced_folder_keeps_the_users_files(tmp_path):
    folder, own = tmp_path / "folder", ("last", "old", "parts/*.part", "parts")
    for content in (b"first", b"second"):
        with files.new_folder(folder, own, "last") as new:
            files.make_folder(new.path / "parts")
            for name in ("last", "parts/1.part"):
                files.write_atomically(new.path / name, content)
            if content == b"second":
                assert (folder / "last").read_bytes() == b"first"
            new.commit()
        for name in ("last", "parts/1.part"):
            assert (folder / name).read_bytes() == content
        for name in ("old", "notes", "parts/2.part", "parts/notes"):
            (folder / name).touch()
    with files.new_folder(folder, own, "last") as new:
        files.write_atomically(new.path / "last", b"third")
    assert (folder / "last").read_bytes() == b"second"  # no commit, no change
    files.discard(folder, own)
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))
    assert names == ["notes", "parts", "parts/notes"]


@pytest.mark.parametrize("done", range(3))
def test_a_folder_that_is_half_replaced_is_not_complete(tmp_path, monkeypatch, done):
    places, replace = [], os.replace

    def until_the_end(source, place):
        if len(places) == done:
            raise KeyboardInterrupt
        places.append(place)
        replace(source, place)

    names = ("a", "last", "z")
    for name in names:
        (tmp_path / name).write_bytes(b"first")
    with (
        pytest.raises(KeyboardInterrupt),
        files.new_folder(tmp_path, names, "last") as new,
    ):
        for name in names:
            (new.path / name).write_bytes(b"second")
        monkeypatch.setattr(os, "replace", until_the_end)
        new.commit()
    assert len(places) == done and not (tmp_path / "last").exists()
