"""Every change of a file as the last one of its process, and a disk that is really full."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.campaign

DRIVER = Path(__file__).parents[1] / "crashing.py"


@pytest.mark.parametrize("how", ["before", "after", "full", "kill"])
@pytest.mark.parametrize("scenario", ["new", "empty", "replace"])
def test_a_training_that_ends_anywhere_can_go_on(tmp_path, scenario, how):
    done = subprocess.run(
        [sys.executable, DRIVER, tmp_path, scenario, how, "0"], capture_output=True, text=True
    )
    assert "changes" in done.stdout, done.stderr


def mount(folder, size, *options):
    words = ["mount", "-t", "tmpfs", "-o", ",".join([f"size={size}k", *options]), "tmpfs", folder]
    return subprocess.run(words, capture_output=True).returncode == 0


def test_a_disk_that_is_full(convlab, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if not shutil.which("mount") or not mount(disk, 300):
        pytest.skip("a small disk needs the right to mount one")
    words = ("train", "--epochs", 2, "--quiet")
    try:
        full = convlab.fails(*words, "-o", disk / "run")
        assert full.endswith(": cannot be written: No space left on device")
        assert list(disk.iterdir()) == []
        assert mount(disk, 1100, "remount")  # room for a run, and not for writing all of it anew
        full = convlab.fails(*words, "-o", disk / "run")
        assert full.endswith(": cannot be written: No space left on device")
        assert mount(disk, 9000, "remount")
        convlab.works("train", "--resume", disk / "run", "--quiet")
        convlab.works(*words, "-o", "run")
        model = (disk / "run" / "model.safetensors").read_bytes()
        assert model == (convlab.folder / "run" / "model.safetensors").read_bytes()
    finally:
        subprocess.run(["umount", disk], check=True)
