"""One training on several processes: the chunks of a batch, who computes them, and their sum.

A batch is cut into a fixed number of chunks.  The gradient of each is computed by itself, with its
own dropout, and all are added in the order of the chunks, whoever has computed them: the sum has
the same bits for any number of processes.  Batch normalisation sees the whole batch: each chunk
brings its sums, and adds those of all in their order.

The sum goes as an all-reduce does (reduce-scatter, then all-gather; Thakur, Rabenseifner & Gropp
2005): each process is sent one part of every chunk's gradient, adds these, and sends the sum to
all.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn, TypeVar

import numpy as np

from convlab import random
from convlab.errors import ConvlabError, DivergedError, SpecError
from convlab.kernels import memory, softmax
from convlab.kernels.dispatch import copied
from convlab.models import Network
from convlab.optim import Optimizer
from convlab.parts import part_of_batch
from convlab.tape import gradients_apart
from convlab.tensors import Tensor
from convlab.training.executors import ranks_started, world_of_ranks

USUAL_CHUNKS = 4
"""Of a training on several ranks that says nothing else; up to so many ranks have work."""
MOST_CHUNKS = 1024

_T = TypeVar("_T")


class Ranks:
    """The processes of one training; this one has a ``number`` below their ``count``.

    Alone, or under mpiexec; ``world`` is mpi4py's communicator.
    """

    def __init__(self, world: Any = None):
        self._world = world
        self.number: int = 0 if world is None else world.rank
        self.count: int = 1 if world is None else world.size

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.number == 0

    def own(self, chunks: int) -> range:
        """The numbers of the chunks that this process computes."""
        at = self.number
        return range(-(-at * chunks // self.count), -(-(at + 1) * chunks // self.count))

    def gather(self, array: np.ndarray) -> np.ndarray:
        """An array that has zeros where other processes compute: with the numbers of all."""
        if self.count == 1:
            return array
        total = np.empty_like(array)
        self._world.Allreduce(array, total)  # with zeros alone, in any order
        return total

    def sum_in_order(self, parts: np.ndarray, chunks: int) -> np.ndarray:
        """The sum of the gradients of all chunks, in their order.

        parts: (own chunks, numbers) float32.  Returns (numbers,).
        """
        if self.count == 1:
            return _folded(parts)
        size = parts.shape[1]
        ends = self.ends(size)
        counts = [len(each.own(chunks)) for each in Ranks.all_of(self.count)]
        wide = np.diff(ends)
        sent = np.concatenate([parts[:, a:b].ravel() for a, b in zip(ends, ends[1:], strict=False)])
        mine = int(wide[self.number])
        found = np.empty((chunks, mine), np.float32)
        self._world.Alltoallv(
            [sent, [counts[self.number] * int(each) for each in wide]],
            [found, [each * mine for each in counts]],
        )
        total = np.empty(size, np.float32)
        self._world.Allgatherv(_folded(found), [total, wide.tolist()])
        return total

    def collect(self, parts: np.ndarray, chunks: int) -> np.ndarray:
        """The numbers of all chunks, in their order, from those of the chunks computed here.

        parts: (own chunks, ...) float64.  Returns (chunks, ...), or parts for a process alone.
        """
        if self.count == 1:
            return parts
        counts = [len(each.own(chunks)) * parts[0].size for each in Ranks.all_of(self.count)]
        found = np.empty((chunks, *parts.shape[1:]))
        self._world.Allgatherv(parts, [found, counts])
        return found

    def ends(self, size: int) -> list[int]:
        """Where the part of a gradient of so many numbers begins that each process adds, and ends.

        From 0, one more than there are processes.
        """
        return [size * at // self.count for at in range(self.count + 1)]

    @staticmethod
    def all_of(count: int) -> list[Ranks]:
        """So many processes, for what each of them would do; they cannot send anything."""
        ranks = [Ranks() for _ in range(count)]
        for number, each in enumerate(ranks):
            each.number, each.count = number, count
        return ranks

    def agree(self, function: Callable[[], _T]) -> _T:
        """What the function returns here, once it has returned everywhere.

        Raises its error on the first process if it fails on any; the others end.
        """
        if self.count == 1:
            return function()
        found, error = None, None
        try:
            found = function()
        except ConvlabError as caught:
            error = caught
        first = next((each for each in self._world.allgather(error) if each is not None), None)
        if first is None:
            return found  # type: ignore[return-value]
        if self.leads:
            raise first
        raise SystemExit(0)

    @contextlib.contextmanager
    def ended_together(self, finished: Callable[[], bool]) -> Iterator[None]:
        """What goes wrong on one process in this block ends all, with one line.

        Not once all is ``finished``, nor where training diverges, which all of them see.
        """
        try:
            yield
        except BaseException as error:
            if self.count == 1 or isinstance(error, DivergedError | SystemExit) or finished():
                raise
            self._end(error)

    def _end(self, error: BaseException) -> NoReturn:
        status = getattr(error, "exit_code", 1)  # a command that has said why it ends
        if not hasattr(error, "exit_code"):
            said = str(error) or type(error).__name__
            print(f"Error: rank {self.number}: {said}", file=sys.stderr, flush=True)
        self._world.Abort(status or 1)
        raise SystemExit(1)


def started() -> Ranks:
    """All ranks that mpiexec has started, or this process alone."""
    return Ranks(world_of_ranks() if ranks_started() > 1 else None)


def _folded(parts: np.ndarray) -> np.ndarray:
    """The sum of rows, one after the other."""
    total = copied(parts[0])
    for part in parts[1:]:
        total += part
    return total


def _one_by_one(
    compute: Callable[[int], None], chunks: Sequence[int], collect: Callable[..., np.ndarray]
) -> None:
    """Compute chunks that ask nothing of one another; a layer that does says so by ``of_batch``."""

    def exchange(numbers: np.ndarray) -> np.ndarray:
        raise SpecError("chunks: expected layers whose class says of_batch if they ask other parts")

    for chunk in chunks:
        with part_of_batch(exchange, chunk == chunks[0]):
            compute(chunk)


def _in_turns(
    compute: Callable[[int], None], chunks: Sequence[int], collect: Callable[..., np.ndarray]
) -> None:
    """Compute chunks, each in a thread, that stop where they need numbers of all chunks.

    One computes while the others wait.  collect: takes the numbers of these, returns those of all.
    """
    turn, brought, found = threading.Lock(), [np.empty(0)] * len(chunks), [np.empty(0)]

    def meet() -> None:
        found[0] = collect(np.stack(brought))

    meeting = threading.Barrier(len(chunks), meet)

    def work(row: int) -> None:
        def exchange(numbers: np.ndarray) -> np.ndarray:
            brought[row] = numbers
            turn.release()
            try:
                meeting.wait()
            finally:
                turn.acquire()
            return found[0]

        try:
            with turn, np.errstate(all="ignore"), part_of_batch(exchange, row == 0):
                compute(chunks[row])
        except BaseException:
            meeting.abort()
            raise

    if len(chunks) == 1:
        work(0)
        return
    with ThreadPoolExecutor(len(chunks)) as pool:
        try:
            ends = [pool.submit(work, row) for row in range(len(chunks))]
            errors = [end.exception() for end in ends]
        except BaseException:
            meeting.abort()
            raise
    broken = threading.BrokenBarrierError  # where another chunk's error is the cause
    for error in sorted(filter(None, errors), key=lambda error: isinstance(error, broken)):
        raise error


# --- a step ---------------------------------------------------------------------------------


class Chunks:
    """The chunks of each batch of a training, and a step's gradient from them.

    Raises SpecError for fewer chunks than processes.
    """

    def __init__(self, count: int, network: Network, optimizer: Optimizer, ranks: Ranks):
        if count < ranks.count:
            raise SpecError(
                f"chunks: expected at least {ranks.count}, one for each rank, got {count}"
            )
        self.count, self.ranks = count, ranks
        self._network, self._optimizer = network, optimizer
        ends = np.cumsum([parameter.size for parameter in optimizer.parameters]).tolist()
        self._places = [slice(a, b) for a, b in zip([0, *ends], ends, strict=False)]

    def own(self, images: int) -> slice:
        """The images of a batch that this process computes."""
        chunks = self._sharing(images).own(self.count)
        return slice(self._begin(chunks.start, images), self._begin(chunks.stop, images))

    def _begin(self, chunk: int, images: int) -> int:
        return chunk * images // self.count

    def _sharing(self, images: int) -> Ranks:
        """Who shares a batch: each computes one with fewer images than chunks by itself."""
        return self.ranks if images >= self.count else Ranks()

    def gradient(self, x: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
        """Give every parameter its gradient: the mean loss of a batch, and which answers are right.

        x: the images of ``own``, (n, C, H, W); labels: those of the whole batch, (N,).
        """
        images, first = len(labels), self.own(len(labels)).start
        ranks = self._sharing(images)
        own = ranks.own(self.count)
        parts = memory.zeros((len(own), self._places[-1].stop), np.float32)
        losses, right = np.zeros(self.count), np.zeros(images, np.uint8)

        def compute(chunk: int) -> None:
            at, end = self._begin(chunk, images), self._begin(chunk + 1, images)
            part = np.ascontiguousarray(np.moveaxis(x[at - first : end - first], 0, -1))
            share = (end - at) / images
            with random.part(chunk), gradients_apart() as found:
                output = self._network(Tensor(np.moveaxis(part, -1, 0)))
                loss = self._network.loss_of(output, labels[at:end])
                loss.backward(np.full_like(loss.data, share))
            losses[chunk] = loss.item() * share
            scores = -output.data if self._network.loss == "lecun-map" else output.data
            right[at:end] = softmax.right(scores.T, labels[at:end])
            for place, parameter in zip(self._places, self._optimizer.parameters, strict=True):
                if id(parameter) in found:
                    parts[chunk - own.start, place] = found[id(parameter)].ravel()

        some = [c for c in own if self._begin(c, images) < self._begin(c + 1, images)]
        meets = any(m.of_batch and m.training for _, m in self._network.named_modules())
        together = _in_turns if meets else _one_by_one
        together(compute, some, lambda rows: ranks.collect(rows, self.count))
        random.next_key()  # of the step
        self._set_gradients(ranks.sum_in_order(parts, self.count))
        return float(ranks.gather(losses).sum()), ranks.gather(right)

    def _set_gradients(self, total: np.ndarray) -> None:
        for place, parameter in zip(self._places, self._optimizer.parameters, strict=True):
            parameter.grad = total[place].reshape(parameter.shape)
