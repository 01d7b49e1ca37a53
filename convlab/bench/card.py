"""What a machine with a GPU is to show in ten minutes: one report, whatever fails on the way.

Each step is a command in its own process, with its own time limit.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import jinja2

from convlab.files import write_atomically

CONVLAB = (sys.executable, "-m", "convlab_cli.main")
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "cuda")
PARITY = ("kernels", "cuda", "functional_torch", "autograd", "nn")
SANITIZED = "grad_weight or max_forward or softmax or update"
ACCURACY = 0.99  # of MNIST's test images, after a few epochs


@dataclass(frozen=True)
class Step:
    """A command, the seconds that it may take, and ``what`` it shows, in words."""

    name: str
    what: str
    command: tuple[str, ...]
    limit: float


@dataclass
class Outcome:
    """The outcome of a step.

    ``status``: passed, failed, timed out or missing (no such program, or no such tests);
    ``result``: what it printed, if that is JSON; ``tail``: its last lines.
    """

    step: Step
    status: str
    seconds: float = 0.0
    returncode: int | None = None
    result: Any = None
    tail: str = ""

    def line(self) -> str:
        """All of it in one line."""
        seconds = f"{self.seconds:.1f} s"
        return f"{self.step.name:14}{self.status:10}{seconds:>9}  {self.step.what}"


@dataclass
class Report:
    """All outcomes so far; rewritten after each step."""

    machine: dict[str, Any]
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def failed(self) -> list[str]:
        """The names of the steps that did not pass."""
        return [outcome.step.name for outcome in self.outcomes if outcome.status != "passed"]

    def run(self, steps: Sequence[Step], folder: Path) -> Iterator[Outcome]:
        """Run one step after another, and yield each outcome once the report has it."""
        for outcome in run_steps(steps, folder):
            self.outcomes.append(outcome)
            self.write(folder)
            yield outcome

    def write(self, folder: Path) -> None:
        """``report.json`` and ``index.html`` in ``folder``."""
        outcomes = [asdict(outcome) for outcome in self.outcomes]
        content = {"machine": self.machine, "failed": self.failed, "steps": outcomes}
        write_atomically(folder / "report.json", json.dumps(content, indent=1).encode())
        template = jinja2.Environment(autoescape=True, trim_blocks=True).from_string(_PAGE)
        page = template.render(machine=self.machine, outcomes=self.outcomes, shown=shlex.join)
        write_atomically(folder / "index.html", page.encode())


def card_steps(
    folder: Path, tests: Path, only: Sequence[str] = (), limit: float = math.inf
) -> list[Step]:
    """What is run on a GPU, in this order.

    ``folder``: of the report, which also holds the trained run; ``tests``: the source tree's;
    ``only``: the names of some steps; ``limit``: seconds that each may take at most.
    """
    return [
        replace(step, limit=min(step.limit, limit))
        for step in _all_steps(folder.resolve(), tests.resolve())
        if not only or step.name in only
    ]


def _all_steps(folder: Path, tests: Path) -> tuple[Step, ...]:
    files = tuple(str(tests / f"test_{name}.py") for name in PARITY)
    some = str(tests / "test_kernels.py"), "-k", SANITIZED

    def sanitize(tool: str) -> tuple[str, ...]:
        return "compute-sanitizer", "--tool", tool, "--error-exitcode", "1", *PYTEST, *some

    on_card = "--device", "cuda", "--json"
    training = "train", "--data", "mnist", "--epochs", "5", "-o", str(folder / "mnist")
    return (
        Step("devices", "The card and its driver", (*CONVLAB, "devices", "--json"), 30),
        Step(
            "parity",
            "Kernels against their definitions, operations against PyTorch, on the card",
            (*PYTEST, *files),
            150,
        ),
        Step("memcheck", "No access outside an array", sanitize("memcheck"), 60),
        Step("racecheck", "No two threads at one place", sanitize("racecheck"), 60),
        Step(
            "kernels",
            "Convolutions beside PyTorch's (cuDNN without TF32)",
            (*CONVLAB, "bench", "kernels", "--rounds", "3", *on_card),
            80,
        ),
        Step(
            "efficientnet",
            "The same for the sizes of EfficientNet-B0",
            (*CONVLAB, "bench", "kernels", "--layers", "efficientnet", "--rounds", "3", *on_card),
            60,
        ),
        Step(
            "train",
            "An epoch of LeNet-5 and 10,000 answers beside PyTorch's",
            (*CONVLAB, "bench", "train", *on_card),
            100,
        ),
        Step(
            "mnist",
            f"MNIST to {ACCURACY:.0%} of right answers",
            (*CONVLAB, *training, "--exist-ok", *on_card),
            60,
        ),
    )


def run_steps(steps: Sequence[Step], folder: Path) -> Iterator[Outcome]:
    """Run one step after another; its output goes to NAME.out and NAME.err in ``folder``."""
    for step in steps:
        begin = time.perf_counter()
        outcome = _run(step, folder)
        outcome.seconds = round(time.perf_counter() - begin, 2)
        yield outcome


def _run(step: Step, folder: Path) -> Outcome:
    out, err = folder / f"{step.name}.out", folder / f"{step.name}.err"
    with out.open("wb") as output, err.open("wb") as errors:
        try:
            process = subprocess.Popen(
                step.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,  # so that all that it starts can be ended
            )
        except OSError as error:
            return Outcome(step, "missing", tail=f"{step.command[0]}: {error.strerror}")
        try:
            process.wait(step.limit)
        except subprocess.TimeoutExpired:
            _end(process)
            return Outcome(step, "timed out", tail=_tail(out, err))
        except BaseException:
            _end(process)
            raise
    result = _json_of(out)
    passed = process.returncode == 0 and _is_good(step, result)
    # pytest's status if no test was chosen, or if their file does not exist.
    missing = step.name in ("parity", "memcheck", "racecheck") and process.returncode in (4, 5)
    status = "passed" if passed else "missing" if missing else "failed"
    return Outcome(step, status, 0.0, process.returncode, result, _tail(out, err))


def _end(process: subprocess.Popen) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _is_good(step: Step, result: Any) -> bool:
    if step.name != "mnist":
        return True
    return isinstance(result, dict) and result.get("test_accuracy", 0) >= ACCURACY


def _json_of(path: Path) -> Any:
    """The last line if it is JSON, or the whole; None for anything else."""
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    for part in (text, text.rpartition("\n")[2]):
        with contextlib.suppress(ValueError):
            return json.loads(part)
    return None


def _tail(*paths: Path, lines: int = 25) -> str:
    """The last printed lines that are not JSON, for the page."""
    kept = []
    for path in paths:
        text = path.read_text(encoding="utf-8", errors="replace")
        kept += [line[:200] for line in text.splitlines() if not line.startswith(("{", "["))][
            -lines:
        ]
    return "\n".join(kept)


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>convlab on a card</title>
<style>
:root { color-scheme: light dark; }
body { margin: 0 auto; max-width: 70rem; padding: 1.5rem 5vw;
  font: 1rem/1.5 "DejaVu Sans", Verdana, system-ui, sans-serif; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8886;
  vertical-align: top; }
td.number { text-align: right; white-space: nowrap; }
pre { overflow: auto; font-size: .8125rem; padding: .8rem; border: 1px solid #8886; }
</style>
<h1>convlab on a card</h1>
<p>{{ machine.processor }}, {{ machine.cores }} cores, {{ machine.system }}.
{% for name, number in machine.versions.items() %}
{{ name }} {{ number }}.
{% endfor %}
</p>
<table>
<tr><th>step<th>what it shows<th>status<th>seconds</tr>
{% for outcome in outcomes %}
<tr><td><a href="#{{ outcome.step.name }}">{{ outcome.step.name }}</a><td>{{ outcome.step.what }}\
<td>{{ outcome.status }}<td class="number">{{ "%.1f"|format(outcome.seconds) }} \
of {{ "%.0f"|format(outcome.step.limit) }}</tr>
{% endfor %}
</table>
{% for outcome in outcomes %}
<h2 id="{{ outcome.step.name }}">{{ outcome.step.name }}: {{ outcome.status }}</h2>
<p><code>{{ shown(outcome.step.command) }}</code></p>
{% if outcome.result is not none %}
<details><summary>what it measured</summary>
<pre>{{ outcome.result|tojson(indent=1) }}</pre></details>
{% endif %}
{% if outcome.tail %}
<pre>{{ outcome.tail }}</pre>
{% endif %}
{% endfor %}
</html>
"""
