"""The campaign's server, the inputs that its cases break, and the table at the end."""

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from convlab.kernels.cache import own_folder

from .cases import DEVICES, Case
from .judge import PROBLEMS, Outcome, judge, snapshot

HERE = Path(__file__).parent
RGB_MODEL = """
input = "12x12x3"
[[layer]]
type = "Conv2d"
name = "conv1"
out_channels = 4
kernel_size = 3
[[layer]]
type = "ReLU"
[[layer]]
type = "MaxPool2d"
name = "pool1"
kernel_size = 2
[[layer]]
type = "Flatten"
[[layer]]
type = "Linear"
name = "fc1"
out_features = "classes"
"""


def pytest_ignore_collect(collection_path, config):
    """Nothing here is read unless the campaign is asked for."""
    marks = config.option.markexpr
    return True if "campaign" not in marks or "not campaign" in marks else None


def make_base(folder: Path) -> None:
    """What cases take copies of: two small runs, pictures, a folder of pictures, a model."""
    from PIL import Image

    rng = np.random.default_rng(0)
    digit = np.zeros((28, 28), np.uint8)
    digit[4:24, 12:16] = 255
    Image.fromarray(digit).save(folder / "digit.png")
    Image.fromarray(rng.integers(0, 256, (60, 80, 3), np.uint8)).save(folder / "photo.png")
    Image.fromarray(digit[:, ::2]).save(folder / "out.png")
    for name, number in itertools.product(("cat", "dog"), range(10)):
        path = folder / "images" / name / f"{number:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8)).save(path)
    (folder / "small.toml").write_text(RGB_MODEL)
    common = ("--epochs", "1", "--quiet")
    train = [Path(sys.executable).with_name("convlab"), "train", *common]
    for arguments in (
        ("--limit", "10", "--snapshots", "-o", "run"),
        ("--data", "images", "--model", "small.toml", "-o", "rgb"),
    ):
        subprocess.run([*train, *arguments], cwd=folder, check=True, capture_output=True)


def opened(path: Path, number: int) -> int:
    """The file of a standard stream; a pipe that nobody reads where its name is "gone"."""
    if path.name == "gone":
        reader, writer = os.pipe()
        os.close(reader)
        return writer
    if path.name == "closed":
        path = Path(os.devnull)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC if number else os.O_RDONLY, 0o666)


class Campaign:
    """Runs cases, each in a folder of its own."""

    def __init__(self, folder: Path, environment, server_with):
        self.folder, self.base = folder, folder / "base"
        self.base.mkdir()
        make_base(self.base)
        self.env = environment(CONVLAB_NUM_THREADS=1)
        self.env["CONVLAB_CACHE_DIR"] = str(own_folder().parent.parent)
        self.env.pop("PYTEST_CURRENT_TEST", None)
        self.server = server_with(self.env)

    def __call__(self, case: Case) -> tuple[Outcome, Path]:
        folder = self.folder / case.id
        folder.mkdir()
        for name in {word.partition("/")[0] for word in (*case.argv, *case.needs)}:
            source = self.base / name if name and "\0" not in name and len(name) < 200 else None
            if source is not None and name not in (".", "..") and source.exists():
                (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
        case.make(folder)
        before = snapshot(folder)
        outcome = self.ask(case, folder)
        for name in DEVICES:
            if not Path(f"/dev/{name}").is_char_device():
                pytest.exit(f"{case.id} has replaced /dev/{name}: make it again", 3)
        for name in ("out", "err"):
            path = folder / f"std{name}"
            text = path.read_bytes()[:1_000_000].decode("utf-8", "replace") if path.exists() else ""
            setattr(outcome, name, text)
        judge(case, outcome, folder, before)
        return outcome, folder

    def ask(self, case: Case, folder: Path) -> Outcome:
        changed = {k: v for k, v in (self.env | case.env).items() if v is not None}
        threads = any(word.startswith("--thread") for word in case.argv)
        request = {
            "argv": case.argv,
            "cwd": str(folder),
            "env": changed,
            "code": case.code,
            # Numba reads the environment when it is imported.
            "fresh": case.fresh or threads or bool(case.env),
            "largest": case.largest,
        }
        names = (case.stdin, case.stdout or "stdout", case.stderr or "stderr")
        request["closed"] = [number for number, name in enumerate(names) if name == "closed"]
        streams = [opened(folder / name, number) for number, name in enumerate(names)]
        return Outcome(**self.server(request, *streams))


@pytest.fixture(scope="session")
def campaign(tmp_path_factory, environment_with, server_with):
    """A function that runs a case: its outcome, and the folder that it was run in."""
    running = Campaign(tmp_path_factory.mktemp("campaign"), environment_with, server_with)
    yield running
    running.server.close()


def pytest_terminal_summary(terminalreporter):
    """What was tried and what was wrong, by kind; then the failing cases."""
    stats = terminalreporter.stats
    reports = [r for name in ("passed", "failed") for r in stats.get(name, []) if r.when == "call"]
    said = [dict(report.user_properties) for report in reports]
    records = [properties["case"] for properties in said if "case" in properties]
    if not records:
        return
    write = terminalreporter.write_line
    terminalreporter.section("campaign")
    headings = ["kind", "tried", *PROBLEMS.values(), "failing"]
    rows = []
    for kind in [*dict.fromkeys(record["kind"] for record in records), "all"]:
        mine = [record for record in records if kind in (record["kind"], "all")]
        counts = [sum(name in record["problems"] for record in mine) for name in PROBLEMS]
        rows.append([kind, len(mine), *counts, sum(bool(record["problems"]) for record in mine)])
    widths = [max(len(str(row[i])) for row in (headings, *rows)) for i in range(len(headings))]
    for row in (headings, *rows):
        write("  ".join(str(cell).rjust(width) for cell, width in zip(row, widths, strict=True)))
    slowest = max(records, key=lambda record: record["wall"])
    largest = max(records, key=lambda record: record["peak_mb"])
    write(f"{sum(record['cpu'] for record in records):.0f} s of the CPU")
    write(f"longest: {slowest['wall']:.1f} s ({slowest['id']})")
    write(f"most memory: {largest['peak_mb']:.0f} MB ({largest['id']})")
