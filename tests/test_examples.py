"""The examples run as a user runs them, cell after cell."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted(Path(__file__).parent.parent.joinpath("examples").glob("*.py"))

WRITTEN = {
    "faint_blobs": ["scans/test/blob/0099.png", "roc.png", "runs/lenet5-scans/model.safetensors"],
    "first_convolution": ["convolution.gif", "convolution.pdf", "sobel.png"],
    "lenet5": ["grad-cam.png", "lab.html", "runs/lenet5-digits/curves.png"],
    "your_own": ["shapes/disc/00.png", "small.toml", "runs/small-shapes/model.safetensors"],
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example(tmp_path, example):
    assert example.read_text().count("\n# %% ") >= 5
    done = subprocess.run(
        [sys.executable, example],
        cwd=tmp_path,
        env=os.environ | {"PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for name in WRITTEN[example.stem]:
        assert (tmp_path / name).stat().st_size > 100
