"""One training on several processes: the chunks of a batch, who computes them, and their sum.

A batch is cut into a fixed number of chunks.  The gradient of each is computed by itself, with its
own dropout, and all are added in the order of the chunks, whoever has computed them: the sum has
the same bits for any number of processes.  Batch normalisation sees a chunk ("ghost batch
normalisation", Hoffer, Hubara & Soudry 2017, section 4); its running statistics move chunk by
chunk.

The sum goes as an all-reduce does (reduce-scatter, then all-gather; Thakur, Rabenseifner & Gropp
2005): each process is sent one part of every chunk's gradient, adds these, and sends the sum to
all.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

import numpy as np

from convlab import random
from convlab.errors import ConvlabError, DivergedError, SpecError
from convlab.kernels import softmax
from convlab.models import Network
from convlab.optim import Optimizer
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
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    return total


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
        chunks = self.ranks.own(self.count)
        return slice(self._begin(chunks.start, images), self._begin(chunks.stop, images))

    def _begin(self, chunk: int, images: int) -> int:
        return chunk * images // self.count

    def gradient(self, x: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
        """Give every parameter its gradient: the mean loss of a batch, and which answers are right.

        x: the images of ``own``, (n, C, H, W); labels: those of the whole batch, (N,).
        """
        images, first = len(labels), self.own(len(labels)).start
        parameters = self._optimizer.parameters
        own = self.ranks.own(self.count)
        parts = np.zeros((len(own), self._places[-1].stop), np.float32)
        losses, right = np.zeros(self.count), np.zeros(images, np.uint8)
        moved = self._statistics()
        for row, chunk in enumerate(own):
            at, end = self._begin(chunk, images), self._begin(chunk + 1, images)
            if at == end:
                continue
            part = np.ascontiguousarray(np.moveaxis(x[at - first : end - first], 0, -1))
            self._optimizer.zero_grad()
            with random.part(chunk), self._watched(moved, chunk):
                output = self._network(Tensor(np.moveaxis(part, -1, 0)))
                loss = self._network.loss_of(output, labels[at:end]) * ((end - at) / images)
            loss.backward()
            losses[chunk] = loss.item()
            scores = -output.data if self._network.loss == "lecun-map" else output.data
            right[at:end] = softmax.right(scores.T, labels[at:end])
            for place, parameter in zip(self._places, parameters, strict=True):
                if parameter.grad is not None:
                    parts[row, place] = parameter.grad.ravel()
        random.next_key()  # of the step
        self._set_gradients(self.ranks.sum_in_order(parts, self.count))
        self._move(self.ranks.gather(moved), images)
        return float(self.ranks.gather(losses).sum()), self.ranks.gather(right)

    def _set_gradients(self, total: np.ndarray) -> None:
        for place, parameter in zip(self._places, self._optimizer.parameters, strict=True):
            parameter.grad = total[place].reshape(parameter.shape)

    # --- running statistics ---------------------------------------------------------------

    @property
    def _normalised(self) -> list[Any]:
        """The layers whose running statistics move: not those that are frozen."""
        modules = [module for _, module in self._network.named_modules()]
        return [m for m in modules if m.training and "running_mean" in m.arrays()]

    def _statistics(self) -> np.ndarray:
        """Room for what each chunk adds to all running means and variances."""
        return np.zeros((self.count, sum(2 * m.num_features for m in self._normalised)), np.float32)

    @contextlib.contextmanager
    def _watched(self, moved: np.ndarray, chunk: int) -> Iterator[None]:
        """Running statistics begin at zero in the block, so that they say what a chunk adds."""
        kept = [(b, b.data.copy()) for m in self._normalised for b in self._buffers(m)]
        counts = [(m.num_batches_tracked, m.num_batches_tracked.item()) for m in self._normalised]
        for buffer, _ in kept:
            buffer.data[...] = 0
        for tracked, before in counts:
            tracked.data[...] = before + chunk
        yield
        if kept:
            moved[chunk] = np.concatenate([buffer.data for buffer, _ in kept])
        for buffer, before in kept:
            buffer.data[...] = before
        for tracked, before in counts:
            tracked.data[...] = before

    def _buffers(self, module: Any) -> tuple[Any, Any]:
        return module.running_mean, module.running_var

    def _move(self, moved: np.ndarray, images: int) -> None:
        """Move all running statistics by what each chunk adds, in the order of the chunks."""
        for chunk in range(self.count):
            if self._begin(chunk, images) == self._begin(chunk + 1, images):
                continue
            at = 0
            for module in self._normalised:
                share = module.momentum
                if share is None:
                    share = 1 / (module.num_batches_tracked.data.item() + 1)
                for buffer in self._buffers(module):
                    added = moved[chunk, at : at + module.num_features]
                    buffer.data[...] = np.float32(1 - share) * buffer.data + added
                    at += module.num_features
                module.num_batches_tracked.data[...] += 1
