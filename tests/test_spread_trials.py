"""Trials on several workers: processes, Dask and MPI give one table; deaths cost nothing twice."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from convlab.errors import DeviceError, RunError, SpecError
from convlab.experiments import program, trials
from convlab.experiments.pooling import EXPERIMENT
from convlab.experiments.trials import Trials
from convlab.training import executors

COMMAND = Path(sys.executable).with_name("convlab")
# Twelve trainings of a moment each.
SWEEP = ("sweep", "dense", "--set", "lr=0.01,0.05", "--set", "batch-size=16,64")
SWEEP += ("--set", "epochs=1", "--set", "limit=6", "--seeds", 3, "--threads", 2)


def results(folder):
    """What a sweep has found: all its records but for the seconds, and its table as CSV."""
    content = json.loads((folder / "sweep.json").read_text())
    for record in content["records"]:
        del record["training_seconds"], record["history"]["seconds"]
    kept = [path.name for path in (folder / "trials").iterdir()]
    assert len(kept) == len(content["records"]) and all(n.endswith(".json") for n in kept)
    return content["records"], (folder / "sweep.csv").read_text()


@pytest.fixture(scope="module")
def alone(tmp_path_factory, convlab_in):
    """The folder of that sweep, run by one process."""
    folder = tmp_path_factory.mktemp("alone")
    assert convlab_in(folder)(*SWEEP, "-o", "s").status == 0
    return folder / "s"


def ended(process, status=0):
    """The standard error of a command that has ended."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == status, (out, err)
    assert "Traceback" not in out + err
    return err


def wait_for(count, folder):
    """Wait until so many trials are kept in a folder."""
    end = time.monotonic() + 240
    while len(list(folder.glob("trials/*.json"))) < count:
        assert time.monotonic() < end
        time.sleep(0.02)


def children_of(process, name):
    """The numbers of a process's own processes that were started with a word."""
    text = subprocess.run(
        ["pgrep", "-P", str(process.pid), "-f", name], capture_output=True, text=True
    ).stdout
    return [int(number) for number in text.split()]


# --- processes ----------------------------------------------------------------------------


@pytest.mark.slow
def test_jobs_give_the_same_records_in_the_same_order_though_one_is_killed(
    alone, run_beside, tmp_path
):
    process = run_beside(COMMAND, *SWEEP, "--jobs", 4, "-o", "s")
    wait_for(2, tmp_path / "s")
    os.kill(children_of(process, "spawn_main")[0], signal.SIGKILL)
    said = ended(process)
    assert results(tmp_path / "s") == results(alone)
    assert len(said.splitlines()) == 12 and "kept" not in said


@pytest.mark.slow
def test_two_runs_on_one_folder_do_each_trial_once(alone, run_beside, tmp_path):
    both = [run_beside(COMMAND, *SWEEP, *jobs, "-o", "s") for jobs in ((), ("--jobs", 2))]
    lines = [line for one in both for line in ended(one).splitlines()]
    assert sum("kept" not in line for line in lines) == 12
    assert results(tmp_path / "s") == results(alone)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_who_is_stopped_leaves_no_process_and_goes_on(alone, run_beside, tmp_path, number):
    process = run_beside(COMMAND, *SWEEP, "--jobs", 2, "-o", "s")
    wait_for(3, tmp_path / "s")
    workers = children_of(process, "spawn_main")
    assert len(workers) == 2
    os.killpg(process.pid, number) if number == signal.SIGINT else process.kill()
    _, said = process.communicate(timeout=60)
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert said.splitlines()[-1].endswith("results are kept in s, the same command goes on")
    end = time.monotonic() + 20
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < end
        time.sleep(0.05)
    kept = len(list((tmp_path / "s" / "trials").glob("*.json")))
    lines = ended(run_beside(COMMAND, *SWEEP, "-o", "s")).splitlines()
    assert sum("kept" in line for line in lines) == kept >= 3
    assert results(tmp_path / "s") == results(alone)


def test_shares_and_what_does_not_go_together(monkeypatch):
    monkeypatch.setattr(executors.device, "get_num_threads", lambda: 8)
    assert [executors.share(jobs) for jobs in (1, 2, 3, 8, 20)] == [8, 4, 2, 1, 1]
    for settings, said in (
        ({"dask": "x"}, "dask: expected local, or an address as tcp://HOST:8786, got 'x'"),
        ({"jobs": 0}, "jobs: expected 1 to 1024, got 0"),
        ({"jobs": 2, "dask": "tcp://a:1"}, "jobs: expected those of the scheduler tcp://a:1, got"),
    ):
        with pytest.raises(SpecError, match=said), executors.workers(**settings):
            pass
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "4")
    with pytest.raises(SpecError, match="expected MPI's 4 ranks alone"), executors.workers(2):
        pass
    for name in ("mpi4py", "distributed"):
        monkeypatch.setitem(sys.modules, name, None)
    missing = r'expected {}, which is not installed: pip install "convlab\[{}\]"'
    refused = pytest.raises(DeviceError, match=missing.format("mpi4py", "mpi"))
    with refused, executors.workers():
        pass
    monkeypatch.delenv("OMPI_COMM_WORLD_SIZE")
    refused = pytest.raises(DeviceError, match=missing.format("Dask", "dask"))
    with refused, executors.workers(dask="local"):
        pass


class Dying(executors.Workers):
    """Workers of which each dies with its first piece of work."""

    count = 2

    def __init__(self):
        self.begun = []

    def submit(self, function, *arguments):
        self.begun.append(arguments[1]["seed"])
        return super().submit(function, *arguments)

    def result(self, future):
        seed = future.result()[0]["seed"]
        return future.result() if self.begun.count(seed) > 1 else None


def echo(trial):
    return {"seed": trial["seed"]}


def test_what_dies_is_done_again(tmp_path):
    some = Trials("some", [{"seed": seed} for seed in range(5)], echo, tmp_path)
    workers = Dying()
    done = list(some.run(workers))
    assert sorted(workers.begun) == sorted([*range(5)] * 2)
    assert sorted(one.number for one in done) == [*range(5)]
    assert len(list((tmp_path / "trials").iterdir())) == 5


def test_workers_with_another_program_are_refused(tmp_path, monkeypatch):
    def other(measure, trial):
        return {"seed": 0}, 1.0, {}, "0123456789abcdef"

    monkeypatch.setattr(trials, "measured", other)
    with pytest.raises(RunError, match=r"expected workers with this version .*got 0123456789ab"):
        list(Trials("some", [{"seed": 0}], echo, tmp_path).run())
    assert list(tmp_path.iterdir()) == []


# --- Dask and MPI -------------------------------------------------------------------------


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.mark.slow
def test_dask_over_tcp_and_when_its_scheduler_goes(alone, run_beside, tmp_path):
    pytest.importorskip("distributed", reason="Dask is not installed")
    address = f"tcp://127.0.0.1:{free_port()}"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    dask += ["--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--no-dashboard"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", 2]
    worker += ["--no-dashboard"]
    scheduler = run_beside(*dask)
    workers = [run_beside(*worker) for _ in range(2)]
    process = run_beside(COMMAND, *SWEEP, "--dask", address, "-o", "s")
    wait_for(2, tmp_path / "s")
    os.killpg(workers[0].pid, signal.SIGKILL)  # the other does its work again
    assert len(ended(process).splitlines()) == 12
    assert results(tmp_path / "s") == results(alone)

    process = run_beside(COMMAND, *SWEEP, "--dask", address, "-o", "t")
    wait_for(2, tmp_path / "t")
    os.killpg(scheduler.pid, signal.SIGKILL)
    last = ended(process, 1).splitlines()[-1]
    assert last.startswith(f"Error: dask: {address}: the scheduler has gone; what is done is kept")
    for each in workers:
        os.killpg(each.pid, signal.SIGKILL)
    assert "kept" in ended(run_beside(COMMAND, *SWEEP, "-o", "t"))
    assert results(tmp_path / "t") == results(alone)


@pytest.mark.slow
def test_dask_here_without_a_scheduler(alone, run_beside, tmp_path):
    pytest.importorskip("distributed", reason="Dask is not installed")
    ended(run_beside(COMMAND, *SWEEP, "--dask", "local", "--jobs", 2, "-o", "s"))
    assert results(tmp_path / "s") == results(alone)
    nobody = run_beside(COMMAND, *SWEEP, "--dask", f"tcp://127.0.0.1:{free_port()}", "-o", "t")
    said = ended(nobody, 1)
    assert said.startswith("Error: dask: expected a scheduler with workers at tcp://127.0.0.1:")
    assert said.count("\n") == 1


@pytest.mark.slow
def test_ranks_of_mpi(alone, run_beside, tmp_path):
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    if shutil.which("mpiexec") is None:
        pytest.skip("there is no mpiexec")
    words = ["mpiexec", "-n", 3, "--oversubscribe", COMMAND, *SWEEP, "-o", "s"]
    process = run_beside(*words)
    wait_for(3, tmp_path / "s")
    # A rank that is killed ends all; the same command goes on.
    os.kill(children_of(process, "convlab")[-1], signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode != 0
    said = ended(run_beside(*words)).splitlines()
    assert sum("kept" in line for line in said) >= 3 and len(said) == 12
    assert results(tmp_path / "s") == results(alone)


# --- which program has measured -----------------------------------------------------------


@pytest.fixture
def changed(monkeypatch):
    """A function: the digest of pooling's trials with a text of a module replaced."""
    sources, whole = program._source, program._module

    def digest(module="", old="", new=""):
        def source(name):
            text = sources(name)
            if name == module:
                assert old in text
                text = text.replace(old, new, 1)
            return text

        def own(name):  # what is parsed once need not be parsed again
            return program._module.__wrapped__(name) if name == module else whole(name)

        with monkeypatch.context() as patched:
            patched.setattr(program, "_source", source)
            if module:
                program._tree.cache_clear()
                read = program.digest.__wrapped__
                own.__wrapped__ = whole.__wrapped__
                patched.setattr(program, "_module", own)
                found = read(EXPERIMENT.measure)
                program._tree.cache_clear()
                return found
        return program.digest(EXPERIMENT.measure)

    return digest


def test_a_digest_is_that_of_what_a_trial_runs(changed):
    own = changed()
    for module, old, new in (
        ("convlab.experiments.learning", '"""Train to the end;', '"""Train until the end;'),
        ("convlab.experiments.learning", "    task = ", "    # a comment\n    task = "),
        ("convlab.experiments.learning", "last: bool = False", "last: object = False"),
        ("convlab.experiments.pooling", "    return viz.", "    return 1 + viz."),
        ("convlab.viz.curves", "import", "import math\nimport"),
        ("convlab.experiments.dropout", "RUNS = 3", "RUNS = 4"),
    ):
        assert changed(module, old, new) == own, (module, new)
    for module, old, new in (
        ("convlab.experiments.learning", '"epochs": 20', '"epochs": 21'),
        ("convlab.kernels.lanes", "TILE = 320", "TILE = 336"),
        ("convlab.nn.convolution", "def forward(", "def forward_("),
        ("convlab.optim", "def step(", "def step_("),
        ("convlab.data.batches", "1 + batch", "2 + batch"),
    ):
        assert changed(module, old, new) != own, (module, new)
    assert changed() == own


def test_stale_results_are_said_and_measured_again_when_forced(tmp_path, monkeypatch):
    some = [{"seed": seed} for seed in range(3)]
    list(Trials("some", some[:2], echo, tmp_path).run())
    monkeypatch.setattr(program, "digest", lambda measure: "another")
    done = list(Trials("some", some, echo, tmp_path).run())
    assert [(one.kept, one.stale) for one in done] == [(True, True)] * 2 + [(False, False)]
    (note,) = trials.stale_text(done)
    assert note.startswith("note: 2 of 3 results are stale: ") and "--force" in note
    forced = list(Trials("some", some, echo, tmp_path, force=True).run())
    assert [(one.kept, one.stale) for one in forced] == [(False, False)] * 2 + [(True, False)]
    assert trials.stale_text(forced) == []
