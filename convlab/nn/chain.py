"""Layers in a row as one operation, planned for inputs of one shape.

A layer checks its arguments, works out its geometry, makes room for its result and has its
operation recorded, which for small images takes as long as its loops.  When inputs of a shape
come for the third time all that is known, and what is left are the calls of the loops: the
same ones, in the same memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import is_not
from typing import Any, NamedTuple

import numpy as np

from convlab.kernels import memory
from convlab.kernels.calls import Call, keepers, recording
from convlab.kernels.device import repeat
from convlab.kernels.dispatch import contiguous, copied
from convlab.nn.module import Module
from convlab.nn.state import Parameter
from convlab.tape import Context, Function, is_recording, listening
from convlab.tensors import Tensor

LARGEST = 1 << 24  # bytes of results; where there is more to do, the loops take the time
MOST = 8  # kinds of inputs that are known; with one more, all are forgotten


class _Link(NamedTuple):
    """An operation; ``places``: which of all parameters it takes besides its input."""

    function: type[Function]
    places: tuple[int, ...]
    settings: dict[str, Any]


class _Slot(NamedTuple):
    """An argument of a call that is a view of the input: at ``offset`` bytes."""

    calls: list[Call]
    call: int
    argument: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int


class _Plan:
    """The calls of a chain's forward and backward, and the memory that they use.

    ``x``: the batch innermost, without gaps; ``needs``: of the input and all parameters.
    """

    def __init__(self, links: list[_Link], x: np.ndarray, parameters: list, needs: tuple):
        contexts = []
        y, wanted = x.transpose(-1, *range(x.ndim - 1)), needs[0]
        with recording() as self.forward:
            for function, places, settings in links:
                own = Context((wanted, *[needs[1 + place] for place in places]))
                y = function.forward(own, y, *[parameters[place] for place in places], **settings)
                wanted = True in own.needs
                contexts.append(own)
        self.y = y
        self.gradient = gradient = np.zeros_like(y)
        gradients: list[np.ndarray | None] = [None] * len(parameters)
        with recording() as self.backward:
            for (function, places, _), own in zip(links[::-1], contexts[::-1], strict=True):
                if True in own.needs:
                    gradient, *parts = function.backward(own, gradient)
                    for place, part in zip(places, parts, strict=True):
                        gradients[place] = part
        self.by_x = gradient if needs[0] else None
        # Parameters' gradients leave as parts of one run of numbers.
        wanted_ones = [g if need else None for g, need in zip(gradients, needs[1:], strict=True)]
        self.runs = [g.reshape(-1) for g in wanted_ones if g is not None]
        ends = iter(np.cumsum([0, *map(len, self.runs)]).tolist())
        self.size = next(ends)
        self.parts: list[tuple | None] = []
        for g in wanted_ones:
            start = self.size
            self.size = self.size if g is None else next(ends)
            self.parts.append(None if g is None else (slice(start, self.size), g.shape))
        self.slots = [
            _Slot(calls, i, j, a.shape, a.strides, _address(a) - _address(x))
            for calls in (self.forward, self.backward)
            for i, (_, arguments) in enumerate(calls)
            for j, a in enumerate(arguments)
            if isinstance(a, np.ndarray) and np.may_share_memory(a, x)
        ]

    def read(self, x: np.ndarray) -> None:
        """Take ``x`` for the input."""
        for calls, i, j, shape, strides, offset in self.slots:
            function, arguments = calls[i]
            view = np.ndarray(shape, x.dtype, x, offset, strides)
            calls[i] = function, (*arguments[:j], view, *arguments[j + 1 :])


def _address(x: np.ndarray) -> int:
    return x.__array_interface__["data"][0]


class _Lease:
    """A plan while its memory is in use: until the last is gone that is to read it."""

    def __init__(self, plan: _Plan, free: list[_Plan]):
        self.plan, self._free = plan, free

    def __del__(self):
        self._free.append(self.plan)


class _Chain(Function):
    fresh = True

    @staticmethod
    def forward(context: Context, x, *parameters, lease: _Lease):
        context.save(lease)
        lease.plan.read(_batch_last(x))
        repeat(lease.plan.forward)
        return copied(lease.plan.y)

    @staticmethod
    def backward(context, gradient):
        (lease,) = context.saved
        plan = lease.plan
        np.copyto(plan.gradient, gradient)
        repeat(plan.backward)
        by_x = None if plan.by_x is None else copied(plan.by_x)
        run = memory.empty((plan.size,), plan.y.dtype)
        if plan.runs:
            np.concatenate(plan.runs, out=run)
        return by_x, *[p and run[p[0]].reshape(p[1]) for p in plan.parts]


def _batch_last(x: np.ndarray) -> np.ndarray:
    return contiguous(x.transpose(*range(1, x.ndim), 0))


class _Known:
    """Inputs of one kind: what the layers do with them, as far as it was heard, and its plan."""

    def __init__(self, x: Tensor, parameters: list[Parameter]):
        self.links: list[_Link] | None = []  # None for what cannot be planned
        self.arrays: list = []  # the numbers of the parameters, when the last such input came
        self.free: list[_Plan] | None = None  # the plan, unless it is in use; None: not made yet
        self._places = {id(parameter): place for place, parameter in enumerate(parameters)}
        self._last: Tensor | None = x
        self._bytes = 0

    def hear(self, function: type[Function], tensors: tuple, settings: dict, result: Any) -> None:
        """An operation that was done: the next link, where it can be one."""
        first, *others = tensors
        self._bytes += result.data.nbytes
        fits = self._bytes <= LARGEST and function.plannable and first is self._last
        if self.links is not None and fits and all(id(p) in self._places for p in others):
            places = tuple([self._places.pop(id(p)) for p in others])
            self.links.append(_Link(function, places, settings))
            self._last = result
        else:
            self.links, self._last = None, None

    def all_heard(self, result: Tensor) -> None:
        """With ``result``, all is done."""
        if result is not self._last:
            self.links = None
        self._last = None

    def lease(self, x: np.ndarray, arrays: list, needs: tuple) -> _Lease | None:
        """The plan for this input, or None where there is none, or it is in use."""
        if self.links is None:
            return None
        before, self.arrays = self.arrays, arrays
        if len(before) != len(arrays) or any(map(is_not, before, arrays)):
            self.free = None
            return None
        free = self.free
        if free is None:
            x = _batch_last(x)
            plan = _Plan(self.links, x, arrays, needs)
            if np.may_share_memory(plan.y, x):
                self.links = None  # nothing but another view of the input
                return None
            self.free = free = [plan]
        try:
            return _Lease(free.pop(), free)
        except IndexError:
            return None


class Segment:
    """Layers in a row that do the same to all inputs of one shape, see ``Module.steady``."""

    def __init__(self, layers: Sequence[Module], run: Callable[[Tensor], Tensor]):
        self._layers, self._run = layers, run
        self._attributes: list[dict[str, Any]] = []  # of the layers, when they were heard
        self._parameters: list[Parameter] = []
        self._overridden = False  # whether one of them has a forward of its own
        self._known: dict[Any, _Known] = {}
        keepers.add(self)

    def __reduce__(self):
        return Segment, (self._layers, self._run)

    def forget(self) -> None:
        """Give the plans' memory back."""
        self._known = {}

    def __call__(self, x: Tensor) -> Tensor:
        if self._changed():
            self._attributes = [dict(vars(layer)) for layer in self._layers]
            self._overridden = any("forward" in kept for kept in self._attributes)
            values = (value for kept in self._attributes for value in kept.values())
            self._parameters = [value for value in values if isinstance(value, Parameter)]
            self.forget()
        if self._overridden or type(x.data) is not np.ndarray:
            return self._run(x)
        recorded = is_recording()
        needs = tuple([recorded and t.requires_grad for t in (x, *self._parameters)])
        kind = x.data.shape, x.data.dtype, needs
        known = self._known.get(kind)
        if known is None:
            known = _Known(x, self._parameters)
            with listening(known.hear):
                result = self._run(x)
            known.all_heard(result)
            if len(self._known) == MOST:
                self.forget()
            self._known[kind] = known
            return result
        lease = known.lease(x.data, [p.data for p in self._parameters], needs)
        if lease is None:
            return self._run(x)
        return _Chain.apply(x, *self._parameters, lease=lease)

    def _changed(self) -> bool:
        try:
            return [vars(layer) for layer in self._layers] != self._attributes
        except ValueError:  # somebody has given a layer another array: which has no truth value
            return True
