"""Leases: one holder at a time, whoever dies, is slow, or comes back."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from convlab import leases
from convlab.errors import RunError
from convlab.leases import Leases


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_one_has_it_until_it_is_given_back(tmp_path):
    one, other = Leases(tmp_path), Leases(tmp_path)
    lease = one.take("work")
    assert lease.held and names(tmp_path) == ["work.0"]
    assert one.take("work") is None and other.take("work") is None
    assert other.take("more") is not None
    lease.release()
    lease.release()  # twice is once
    assert names(tmp_path) == ["more.0"]
    assert other.take("work").held


HOLDER = """
import sys, time
from pathlib import Path
from convlab.leases import Leases
lease = Leases(Path(sys.argv[1])).take("work")
print(lease.held, flush=True)
time.sleep(600)
"""


def test_what_a_killed_process_had_is_free_at_once(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "True\n"
        own = Leases(tmp_path)
        assert own.take("work") is None
        process.kill()
        process.wait()
    lease = own.take("work")
    assert names(tmp_path) == ["work.0", "work.1"]
    assert lease.held and Leases(tmp_path).take("work") is None
    lease.release()
    assert names(tmp_path) == []


def test_a_zombie_and_a_number_given_again_have_ended():
    """A killed process that nobody has waited for is dead; so is a number that another one has."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert leases._started(process.pid) == ""
    process.wait()
    machine, number, started = leases._own_name().split()
    assert not leases._has_ended(f"{machine} {number} {started}")
    assert leases._has_ended(f"{machine} {number} {int(started) + 1}")
    assert not leases._has_ended(f"elsewhere {number} {int(started) + 1}")  # it may live there
    assert not leases._has_ended("")


def test_one_on_another_machine_is_dead_when_it_is_silent(tmp_path, monkeypatch):
    """As long as the watcher's own clock says, whatever the times of files are."""
    now = [100.0]
    monkeypatch.setattr(leases.time, "monotonic", lambda: now[0])
    path = tmp_path / "work.3"
    path.write_text("000000000000 elsewhere/boot 17 99\n")
    os.utime(path, (0, 0))
    watcher = Leases(tmp_path)
    assert watcher.take("work") is None
    now[0] += leases.PATIENCE - 1
    assert watcher.take("work") is None
    path.write_text("000000000001 elsewhere/boot 17 99\n")  # a sign of life
    now[0] += 2
    assert watcher.take("work") is None
    now[0] += leases.PATIENCE - 1
    assert watcher.take("work") is None
    now[0] += 2
    lease = watcher.take("work")
    assert lease.held and names(tmp_path) == ["work.3", "work.4"]
    lease.release()


def test_who_slept_too_long_knows_that_it_has_lost_it(tmp_path, monkeypatch):
    slow = Leases(tmp_path).take("work")
    monkeypatch.setattr(leases, "_machine", lambda: "elsewhere")
    monkeypatch.setattr(leases, "PATIENCE", -1.0)
    other = Leases(tmp_path)
    assert other.take("work") is None  # it looks at it first
    taken = other.take("work")
    assert taken.held and not slow.held
    slow.release()
    assert taken.held and names(tmp_path) == ["work.1"]
    taken.release()


def test_signs_of_life_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(leases, "BEAT", 0.01)
    lease = Leases(tmp_path).take("work")
    before = (tmp_path / "work.0").read_text()
    end = time.monotonic() + 20
    while (tmp_path / "work.0").read_text() == before and time.monotonic() < end:
        time.sleep(0.01)
    after = (tmp_path / "work.0").read_text()
    assert int(before.split()[0]) == 0 < int(after.split()[0])
    assert before.split()[1:] == after.split()[1:]
    lease.release()


def test_a_full_disk_and_a_missing_folder(tmp_path, monkeypatch):
    assert Leases(tmp_path / "gone").take("work") is None

    def full(handle, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(leases.os, "write", full)
    with pytest.raises(RunError, match=r"work\.0: cannot be written: No space left on device$"):
        Leases(tmp_path).take("work")
    assert names(tmp_path) == []


def test_two_that_take_over_what_is_given_back_are_never_both_holders(tmp_path, monkeypatch):
    """Whoever sees a dead holder's file vanish in the middle of taking it over lets go."""
    (tmp_path / "work.0").write_text("000000000000 elsewhere/boot 17 99\n")
    watcher = Leases(tmp_path)
    monkeypatch.setattr(leases, "PATIENCE", -1.0)
    assert watcher.take("work") is None
    opened = os.open

    def given_back(path, *arguments):
        (tmp_path / "work.0").unlink()
        return opened(path, *arguments)

    monkeypatch.setattr(leases.os, "open", given_back)
    assert watcher.take("work") is None
    monkeypatch.setattr(leases.os, "open", opened)
    assert names(tmp_path) == []
    first = watcher.take("work")
    assert first.held and names(tmp_path) == ["work.0"]
    first.release()


# --- a storm ------------------------------------------------------------------------------


def work_through(folder, number, tasks):
    """One worker: every task that nobody has done yet, in an order of its own; some are killed."""
    rng = random.Random(number)
    own, left = Leases(folder / "leases"), list(range(tasks))
    rng.shuffle(left)
    while left:
        waiting = []
        for task in left:
            done = folder / "done" / str(task)
            lease = None if done.exists() else own.take(str(task))
            if lease is None:
                waiting += [] if done.exists() else [task]
                continue
            if not done.exists():
                if number < 9 or rng.random() < 0.05:
                    os.kill(os.getpid(), signal.SIGKILL)
                handle = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.write(handle, b"%d\n" % task)
                os.close(handle)
                done.touch()
            lease.release()
        left = waiting
        time.sleep(rng.random() if left else 0)


@pytest.mark.parametrize(
    ("workers", "tasks"), [(60, 40), pytest.param(1000, 200, marks=pytest.mark.slow)]
)
def test_a_storm_of_workers_does_nothing_twice_and_leaves_nothing(tmp_path, workers, tasks):
    for name in ("leases", "done"):
        (tmp_path / name).mkdir()
    children = []
    for number in range(workers):
        child = os.fork()
        if not child:
            try:
                work_through(tmp_path, number, tasks)
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    ends = Counter(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
    assert set(ends) <= {0, -signal.SIGKILL}  # of the killed ones the work was taken over
    assert Counter(map(int, (tmp_path / "log").read_text().split())) == Counter(range(tasks))
    assert names(tmp_path / "leases") == []
