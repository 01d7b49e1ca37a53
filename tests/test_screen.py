"""Commands in terminals of 60, 80 and 200 columns: what is on the screen in the end, and before."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convlab import bench, experiments
from convlab.bench.convolutions import KernelRow
from convlab.bench.machine import Machine, Roof
from convlab.bench.measure import Timing
from convlab.names import columns
from convlab.terminal import fitted, plain

WIDTHS = (60, 80, 200)
COMMAND = Path(sys.executable).with_name("convlab")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Screen:
    """What a terminal of ``width`` columns shows, and all that its last line has shown."""

    def __init__(self, text, width):
        self.lines, self.wrapped, self.drawn = [""], [], []
        place = 0
        for letter in COLOURS.sub("", text):
            if letter == "\n":
                self.lines.append("")
                place = 0
            elif letter == "\r":
                self.drawn.append(self.lines[-1].rstrip())
                place = 0
            else:
                assert letter.isprintable(), f"a control character: {letter!r}"
                if place + columns(letter) > width:
                    self.wrapped.append(self.lines[-1])
                    self.lines.append("")
                    place = 0
                line = self.lines[-1]
                self.lines[-1] = line[:place] + letter + line[place + 1 :]
                place += 1
        self.lines = [line.rstrip() for line in self.lines]
        assert self.lines.pop() == "", "a last line without an end"


def opened(width):
    """Both ends of a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    settings = termios.tcgetattr(theirs)
    settings[1] &= ~termios.ONLCR  # "\n" arrives as it was written
    termios.tcsetattr(theirs, termios.TCSANOW, settings)
    return ours, theirs


def read(ours):
    parts = []
    while True:
        try:
            parts.append(os.read(ours, 65_536))
        except OSError:  # the other end is closed
            break
        if not parts[-1]:
            break
    os.close(ours)
    return b"".join(parts)


def screen(convlab, width, *words):
    """The screen after a command, whose three streams are the terminal."""
    ours, theirs = opened(width)
    with ThreadPoolExecutor() as pool:
        text = pool.submit(read, ours)
        status = convlab.in_terminal(theirs, *words)
        shown = Screen(text.result().decode(), width)
    assert status == 0, shown.lines
    return shown


LAYERS = "conv 5x5 6 padding 2, pool 2, conv 3x7 16, flatten, dense 10"
TABLES = {
    "summary": ("summary", "lenet5"),
    "summary of branches": ("summary", "resnet50-slim"),
    "shape of layers": ("shape", "28x28", "--layers", LAYERS),
    "receptive-field": ("receptive-field", "resnet50-slim"),
    "compare-conventions": ("compare-conventions",),
    "equivariance": ("equivariance", "lenet5", "--images", "2"),
    "experiment list": ("experiment", "list"),
    "devices": ("devices",),
    "evaluate": ("evaluate", "RUN", "--positive", "3", "--output", "evaluation"),
    "invariance": ("invariance", "RUN"),
    "explain an example": ("explain", "--input", "9x12", "--kernel", "5x7", "--channels", "4"),
    **{
        f"explain {layer}": ("explain", "RUN", "test:3", "--layer", layer)
        for layer in ("probabilities", "fc1", "relu2", "pool1")
    },
    "explain down to a pixel": ("explain", "RUN", "test:3", "--deep"),
    "explain all": ("explain", "RUN", "test:3", "--layer", "conv2", "--all"),
}
SLOW = ("evaluate", "invariance", "equivariance")  # tables like the others, at one width
WIDE = ("summary", "receptive-field", "explain all")  # at all widths


@pytest.mark.parametrize("name", TABLES)
def test_no_line_is_wider_than_the_terminal(convlab, run, name):
    words = [run if word == "RUN" else word for word in TABLES[name]]
    for width in WIDTHS[: 1 if name in SLOW else 3 if name in WIDE else 2]:
        shown = screen(convlab, width, *words)
        assert not shown.wrapped, shown.wrapped
        assert max(map(columns, shown.lines)) <= width
        assert len(shown.lines) > 2
        if width == 80 and name.startswith("explain") and "all" not in name:
            assert len(shown.lines) < 24, shown.lines


def test_wide_has_all_columns_and_a_pipe_too(convlab):
    narrow = screen(convlab, 80, "summary", "lenet5")
    wide = screen(convlab, 1000, "summary", "lenet5")
    asked = screen(convlab, 80, "summary", "lenet5", "--wide")
    assert narrow.lines[0].split()[:3] == wide.lines[0].split()[:3]
    assert "dense" not in narrow.lines[0] and "dense" in narrow.lines[-1] + narrow.lines[-2]
    assert "".join(asked.lines).replace(" ", "") == "".join(wide.lines).replace(" ", "")
    assert convlab.works("summary", "lenet5").splitlines() == wide.lines


@pytest.fixture(scope="module")
def noises(tmp_path_factory):
    """A folder of small pictures of three classes, one with a name of wide letters."""
    folder = tmp_path_factory.mktemp("data") / "noises"
    generator = np.random.default_rng(0)
    for name in ("dots", "\u96e8\u5929", "stripes"):
        (folder / name).mkdir(parents=True)
        for number in range(40):
            pixels = generator.integers(0, 255, (12, 12), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.mark.parametrize("width", WIDTHS)
def test_training_is_one_line_that_is_redrawn_and_a_line_for_each_epoch(convlab, noises, width):
    words = ("train", "--data", noises, "--epochs", 3, "--batch-size", 8, "--output", "r")
    shown = screen(convlab, width, *words)
    assert not shown.wrapped, shown.wrapped
    epochs = [line for line in shown.lines if line.startswith("epoch")]
    assert [line.split("  ")[0] for line in epochs] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    for line in epochs:
        assert re.search(r"  loss \d+\.\d{4}  train \S+ %  validation \S+ %", line), line
    bars = [line for line in shown.drawn if "[" in line]
    assert bars and all(re.match(r"epoch \d/3  \[#*-*\]   *\d+%", line) for line in bars)
    assert not any(re.search(r"\[#*-*\]", line) for line in shown.lines)  # none is left
    (result,) = [at for at, line in enumerate(shown.lines) if line.startswith("test accuracy")]
    assert shown.lines[result - 1] == epochs[-1] or "nothing was learned" in "".join(shown.lines)


def test_the_bars_of_other_commands(convlab):
    (convlab.folder / "names.txt").write_text("Ada\n\u96e8\nGrace\n", encoding="utf-8")
    words = ("quiz", "pooling", "--students", "names.txt", "--format", "md", "--seed", "1")
    shown = screen(convlab, 60, *words)
    assert not shown.wrapped and any(line.startswith("sheets  [") for line in shown.drawn)
    assert shown.lines[0].startswith("wrote 3 sheets in sheets")


def test_a_line_an_epoch_without_control_characters_in_a_pipe(convlab, noises):
    done = convlab("train", "--data", noises, "--epochs", 2, "-o", "r")
    assert done.status == 0
    assert done.err.replace("\n", "").isprintable()
    assert [line[:9] for line in done.err.splitlines()[1:3]] == ["epoch 1/2", "epoch 2/2"]
    assert done.out.splitlines()[-2:] == [
        "next: convlab evaluate r, convlab predict r test:0,",
        "      convlab render features r test:0, convlab page r",
    ]


@pytest.mark.parametrize(
    "encoding, words",
    [
        ("cp1252", ("receptive-field", "resnet50-slim")),
        ("cp437", ("explain", "RUN", "test:3", "--deep", "--all")),
        ("ascii", ("explain", "RUN", "test:3", "--deep")),
    ],
)
def test_other_encodings_fit_as_well(convlab, run, encoding, words):
    """Windows' encodings lack signs of ours; what stands for them may be longer."""
    ours, theirs = opened(60)
    process = subprocess.Popen(
        [COMMAND, *(run if word == "RUN" else word for word in words)],
        cwd=convlab.folder,
        env=convlab.environment(TERM="xterm", PYTHONIOENCODING=encoding),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    text = read(ours).decode(encoding)
    assert process.wait() == 0, text
    shown = Screen(text, 60)
    assert not shown.wrapped, shown.wrapped
    assert "?" not in text


# --- tables whose commands measure for minutes ----------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
def test_tables_of_experiments_fit(width):
    folder = Path(__file__).parent.parent / "gallery" / "experiments" / "quick"
    for path in sorted(folder.glob("*.json")):
        result = experiments.read_result(path)
        lines = [plain(line) for line in fitted(result.lines(), width)]
        assert max(map(columns, lines)) <= width, path.name
        assert json.loads(path.read_text())["claim"].split()[0] in lines[0]


@pytest.mark.parametrize("width", WIDTHS)
def test_rows_of_the_bench_fit_and_stand_below_each_other(monkeypatch, width):
    timing = Timing(0.012345, 0.011, 0.013)
    rows = [
        KernelRow(layer, gradient, timing, {"PyTorch": timing, "scipy.ndimage": timing})
        for layer in bench.LAYERS[:3]
        for gradient in ("forward", "gradient of weight")
    ]
    machine = Machine("A processor with a long name @ 2.40GHz", 8, 4, 512, "omp", "Linux", {})
    monkeypatch.setattr("convlab.bench.reports.measure_kernels", lambda *_: iter(rows))
    monkeypatch.setattr("convlab.bench.reports.machine", lambda: machine)
    monkeypatch.setattr("convlab.bench.reports.roof", lambda: Roof(1e11, 1e10))
    lines = [plain(line) for line in fitted(bench.KernelsReport(bench.LAYERS).lines(), width)]
    assert max(map(columns, lines)) <= width
    table = [line for line in lines if line.startswith(("layer", *(r.layer.name for r in rows)))]
    assert len(table) == 7 and len({line.find("12.3") for line in table[1:]}) == 1
