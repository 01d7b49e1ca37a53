"""``convlab bench card``: a report of all steps, whatever fails on the way."""

import json
import sys
import time

import pytest

from convlab import bench
from convlab.bench.card import Step
from convlab.kernels import cuda


def python(code):
    return sys.executable, "-c", code


def test_each_step_has_a_process_and_a_limit_of_its_own(tmp_path):
    child = "import subprocess; subprocess.run(['sleep', '60'])"
    steps = [
        Step("kernels", "numbers", python("print('a line'); print('{\"ratio\": 2}')"), 60),
        Step("train", "an error <b>", python("raise SystemExit('no <card>')"), 60),
        Step("devices", "too long", python(f"print('begun', flush=True); {child}"), 2),
        Step("memcheck", "no program", ("no-such-program-here",), 60),
        Step("parity", "no tests", python("raise SystemExit(5)"), 60),
        Step("mnist", "too few", python("print('{\"test_accuracy\": 0.98}')"), 60),
        Step("racecheck", "the last", python("pass"), 60),
    ]
    report = bench.Report(vars(bench.machine()))
    begin = time.perf_counter()
    for outcome in bench.run_steps(steps, tmp_path):
        report.outcomes.append(outcome)
        report.write(tmp_path)
        written = json.loads((tmp_path / "report.json").read_text())
        assert len(written["steps"]) == len(report.outcomes)
    assert time.perf_counter() - begin < 40  # what a step has started ends with it
    assert [step["status"] for step in written["steps"]] == [
        *("passed", "failed", "timed out", "missing", "missing", "failed", "passed")
    ]
    assert written["failed"] == ["train", "devices", "memcheck", "parity", "mnist"]
    assert written["steps"][0]["result"] == {"ratio": 2}
    assert written["steps"][0]["tail"] == "a line"
    assert written["steps"][1]["tail"] == "no <card>"
    assert written["steps"][2]["tail"] == "begun"
    page = (tmp_path / "index.html").read_text()
    assert "no &lt;card&gt;" in page and "<card>" not in page
    assert page.count("<tr><td>") == len(steps)


def test_the_steps_fit_into_ten_minutes(tmp_path):
    steps = bench.card_steps(tmp_path, tmp_path)
    assert sum(step.limit for step in steps) <= 600
    assert len({step.name for step in steps}) == len(steps)


def test_what_the_steps_run_is_there(convlab, tmp_path):
    """Each command, with --help in place of its work."""
    for step in bench.card_steps(tmp_path, tmp_path):
        if step.command[2] == "convlab_cli.main":
            convlab.works(*step.command[3:], "--help")


@pytest.mark.skipif(cuda.why_not() is None, reason="there is a card, or its simulator")
def test_without_a_card_it_is_one_line(convlab):
    message = convlab.fails("bench", "card", "-o", "report")
    assert message.startswith("device cuda: expected an NVIDIA GPU")
    assert not (convlab.folder / "report").exists()


def test_a_report_of_one_step(convlab):
    done = convlab.works(
        *("bench", "card", "--step", "devices", "-o", "report"), NUMBA_ENABLE_CUDASIM="1"
    )
    assert done.splitlines()[0].split()[:2] == ["devices", "passed"]
    step = json.loads((convlab.folder / "report" / "report.json").read_text())["steps"][0]
    assert step["result"]["cuda"][0]["name"] == "Numba's simulator"
    message = convlab.misused("bench", "card", "--step", "all")
    assert "'all' is not one of 'devices'" in message
