"""How long one has to wait: for the help text, and for the first training batch."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

from convlab.bench.measure import Timing
from convlab.errors import DeviceError

HELP = "from convlab_cli.main import main; main()"
FIRST_BATCH = """
from convlab import training
settings = training.Settings(augment="none")
next(training.Trainer(settings, training.prepare(settings)).fit())
"""


def measure_start(rounds: int = 5) -> dict[str, Timing]:
    """Seconds from the start of a process to its end, including Python's own start.

    ``convlab --help``; the first training batch of LeNet-5 on digits with an empty
    kernel cache (once: everything is compiled) and with a full one.
    Raises DeviceError if a process fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"CONVLAB_CACHE_DIR": folder}
        empty = _seconds([sys.executable, "-c", FIRST_BATCH], environment)
        helps, full = [], []
        _seconds([sys.executable, "-c", HELP, "--help"], environment)
        for _ in range(rounds):
            helps.append(_seconds([sys.executable, "-c", HELP, "--help"], environment))
            full.append(_seconds([sys.executable, "-c", FIRST_BATCH], environment))
    return {
        "convlab --help": Timing.of(helps),
        "first batch, empty kernel cache": Timing(empty, empty, empty),
        "first batch, full kernel cache": Timing.of(full),
    }


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    begin = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise DeviceError(f"bench: expected the process to end well, but it said: {last}")
    return time.perf_counter() - begin
