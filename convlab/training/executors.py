"""Who does independent pieces of work: this process, others beside it, Dask's workers, MPI's ranks.

All four are ``Workers``: something with the ``submit`` of ``concurrent.futures`` and a ``result``
that knows what the death of a worker looks like there.  Each worker is a process that does one
piece at a time on its own share of the machine's threads.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from convlab.errors import DeviceError, RunError, SpecError
from convlab.kernels import MOST_THREADS, device

MOST_JOBS = 1024
"""The most processes on one machine, as for threads."""
LOST = 3
"""How often in a row all workers may die before that is an error."""
LOCAL = "local"
"""The address of Dask's workers on this machine, which are started and ended with the command."""
_WAIT = 15  # seconds for a scheduler and its first worker
_KEPT = "what is done is kept, and the same command goes on"


class Workers:
    """Who does the work, ``count`` at once; ``name`` is what errors call them."""

    name, count = "this process", 1

    def submit(self, function: Callable, *arguments: Any) -> Future:
        """Begin ``function(*arguments)``; both have to be picklable unless this process does it."""
        future: Future = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    def result(self, future: Future) -> Any:
        """What the function returned or raised; None if its worker has died, to be done again.

        Raises RunError if no workers are left.
        """
        return future.result()


def alone() -> Workers:
    """This process, which does the work when it is submitted."""
    return Workers()


def share(jobs: int) -> int:
    """Threads for each of so many processes on this machine: all of its cores, one at least."""
    return max(1, device.get_num_threads() // jobs)


@contextlib.contextmanager
def workers(jobs: int | None = None, dask: str | None = None) -> Iterator[Workers | None]:
    """Who does the work: MPI's ranks under mpiexec, else as asked for, else this process alone.

    ``jobs``: processes on this machine; ``dask``: the address of a scheduler, or ``LOCAL``.
    Under MPI the ranks from 1 do their work in here, and then get None.
    Raises SpecError for both a number of jobs and others to do them, DeviceError where Dask or
    mpi4py is not installed, RunError where no scheduler answers.
    """
    if jobs is not None and not 1 <= jobs <= MOST_JOBS:
        raise SpecError(f"jobs: expected 1 to {MOST_JOBS}, got {jobs}")
    ranks = ranks_started()
    if ranks > 1 and (jobs is not None or dask is not None):
        raise SpecError(f"workers: expected MPI's {ranks} ranks alone, got others as well")
    if jobs is not None and dask not in (None, LOCAL):
        raise SpecError(f"jobs: expected those of the scheduler {dask}, got {jobs}")
    if dask not in (None, LOCAL) and not re.fullmatch(r"[a-z]+://[^/]+:[0-9]+", str(dask)):
        raise SpecError(
            f"dask: expected {LOCAL}, or an address as tcp://HOST:8786, got {dask!r:.60}"
        )
    if ranks > 1:
        with _of_mpi() as found:
            yield found
    elif dask is not None:
        with _of_dask(dask, jobs) as scheduled:
            yield scheduled
    elif jobs is not None and jobs > 1:
        with _processes(jobs) as pool:
            yield pool
    else:
        yield alone()


# --- processes on this machine --------------------------------------------------------------


class _Processes(Workers):
    """A pool of processes, which is made again when one of them has died."""

    def __init__(self, jobs: int):
        self.name, self.count = f"{jobs} jobs", jobs
        self._threads, self._lost = share(jobs), 0
        self._others = set(multiprocessing.active_children())
        self._pool = self._new()

    def _new(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")  # the loops' threads do not survive a fork
        return ProcessPoolExecutor(self.count, context, _begin_worker)

    def submit(self, function: Callable, *arguments: Any) -> Future:
        with _variable("CONVLAB_NUM_THREADS", str(self._threads)):
            try:
                return self._pool.submit(function, *arguments)
            except BrokenProcessPool:
                self._again()
                return self._pool.submit(function, *arguments)

    def result(self, future: Future) -> Any:
        try:
            result = future.result()
        except BrokenProcessPool:
            return None
        self._lost = 0
        return result

    def _again(self) -> None:
        self._lost += 1
        if self._lost > LOST:
            raise RunError(
                f"jobs: expected processes that live, got {self._lost} in a row that were killed;"
                f" if the memory is used up, try fewer --jobs; {_KEPT}"
            )
        self.end()
        self._pool = self._new()

    def end(self) -> None:
        """End all processes, with what they are doing."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        own = set(multiprocessing.active_children()) - self._others
        for process in own:
            process.terminate()
        for process in own:
            process.join()


@contextlib.contextmanager
def _processes(jobs: int) -> Iterator[Workers]:
    pool = _Processes(jobs)
    try:
        yield pool
    finally:
        pool.end()


def _begin_worker() -> None:
    """In a new process: Ctrl-C is for the process that started it, whose end is its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


@contextlib.contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    """A variable of the environment, for processes that are started in the block."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


# --- Dask -----------------------------------------------------------------------------------


class _Dask(Workers):
    """The workers of a scheduler, as many as there are now."""

    def __init__(self, client: Any, address: str):
        self.name = f"dask: {address}"
        self._client = client
        self._executor: Executor = client.get_executor(pure=False)

    @property
    def count(self) -> int:  # type: ignore[override]
        known = self._client.scheduler_info(n_workers=-1)
        if "workers" not in known:  # a client without its scheduler knows nothing
            raise RunError(f"{self.name}: the scheduler has gone; {_KEPT}")
        return max(1, len(known["workers"]))

    def submit(self, function: Callable, *arguments: Any) -> Future:
        with self._errors():
            return self._executor.submit(_on_dask, function, *arguments)

    def result(self, future: Future) -> Any:
        with self._errors():
            return future.result()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        from distributed import KilledWorker
        from distributed.comm.core import CommClosedError

        try:
            yield
        except (CancelledError, CommClosedError, TimeoutError):
            raise RunError(f"{self.name}: the scheduler has gone; {_KEPT}") from None
        except KilledWorker:
            raise RunError(
                f"{self.name}: expected workers that live, got several that died of the same work;"
                f" if their memory is used up, give them more; {_KEPT}"
            ) from None


@contextlib.contextmanager
def _of_dask(address: str, jobs: int | None) -> Iterator[Workers]:
    try:
        import distributed
    except ImportError:
        raise DeviceError(_missing("Dask", "dask")) from None
    for name in list(logging.root.manager.loggerDict):  # what is wrong, we say
        if name.split(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)
    with contextlib.ExitStack() as stack:
        place: Any = address
        if address == LOCAL:
            jobs = jobs or device.get_num_threads()
            stack.enter_context(_variable("CONVLAB_NUM_THREADS", str(share(jobs))))
            place = stack.enter_context(
                distributed.LocalCluster(
                    jobs, 1, dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL
                )
            )
        try:
            client = distributed.Client(place, timeout=_WAIT, set_as_default=False)
            stack.enter_context(client)
            client.wait_for_workers(1, timeout=_WAIT)
        except (OSError, TimeoutError, ValueError) as error:
            reason = str(error).splitlines()[0] if str(error) else "no answer"
            raise RunError(
                f"dask: expected a scheduler with workers at {address}, got {reason}"
            ) from None
        yield _Dask(client, address)


def _on_dask(function: Callable, *arguments: Any) -> Any:
    """In a worker: with as many threads as it was given."""
    from distributed import get_worker

    given = get_worker().state.nthreads
    device.set_num_threads(min(given, device.get_num_threads()))
    return function(*arguments)


# --- MPI ------------------------------------------------------------------------------------


def ranks_started() -> int:
    """How many ranks mpiexec has started, this process being one; 1 without it."""
    return _number_in("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE")


def _number_in(*variables: str) -> int:
    texts = (os.environ.get(name, "") for name in variables)
    return next((int(text) for text in texts if text.isdigit()), 1)


class _Ranks(Workers):
    """MPI's ranks but the first, which hands out the work."""

    def __init__(self, executor: Any, count: int):
        self.name, self.count, self._executor = "mpi", count, executor

    def submit(self, function: Callable, *arguments: Any) -> Future:
        return self._executor.submit(function, *arguments)


@contextlib.contextmanager
def _of_mpi() -> Iterator[Workers | None]:
    world = world_of_ranks()
    from mpi4py.futures import MPICommExecutor

    with MPICommExecutor(world, root=0) as executor:
        if executor is not None:
            yield _Ranks(executor, world.size - 1)
    if executor is None:  # its part is done
        yield None


def world_of_ranks() -> Any:
    """mpi4py's communicator of all ranks, each with its share of this machine's threads.

    Raises DeviceError where mpi4py is not installed or finds no MPI.
    """
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError):
        raise DeviceError(_missing("mpi4py", "mpi")) from None
    here = _number_in("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "MV2_COMM_WORLD_LOCAL_SIZE")
    cores = min(os.cpu_count() or 1, MOST_THREADS)
    device.set_num_threads(min(device.get_num_threads(), max(1, cores // here)))
    return MPI.COMM_WORLD


def _missing(what: str, extra: str) -> str:
    return f'{extra}: expected {what}, which is not installed: pip install "convlab[{extra}]"'
