"""Layers in a row as one operation, planned for inputs of one shape.

A layer checks its arguments, works out its geometry, allocates its result and has its operation
recorded, which for small images takes as long as its loops. When an input of the same shape arrives
for the third time, all that is known, and only the calls of the loops are left: the same ones, in
the same memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import is_not
from typing import Any, NamedTuple

import numpy as np

from convlab.errors import GraphError
from convlab.kernels import memory
from convlab.kernels.calls import Call, NotRecorded, keepers, recording
from convlab.kernels.device import repeat
from convlab.kernels.dispatch import contiguous, copied
from convlab.nn.module import Module
from convlab.nn.state import Parameter
from convlab.tape import Context, Function, is_recording, listening
from convlab.tensors import Tensor

LARGEST = 1 << 24  # bytes of results and weights; beyond that, the loops take most of the time
MOST = 4  # kinds of inputs that a row of layers remembers; one more, and all are forgotten


class _Link(NamedTuple):
    """An operation; ``places``: the chain's parameters that it takes besides its input."""

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

    ``x`` has no gaps in memory; ``parameters``: their numbers; ``needs``: of all of these;
    ``cost``: roughly the bytes that it keeps.  Raises NotRecorded where an operation computes what
    cannot be called again.
    """

    held = 0  # bytes of all plans

    def __init__(
        self, links: list[_Link], x: np.ndarray, parameters: list, needs: tuple, cost: int
    ):
        self.cost = cost
        _Plan.held += cost
        contexts = []
        y, wanted = x, needs[0]
        with recording() as self.forward:
            for function, places, settings in links:
                own = Context((wanted, *[needs[1 + place] for place in places]))
                y = function.forward(own, y, *[parameters[place] for place in places], **settings)
                wanted = True in own.needs
                contexts.append(own)
        self.y = y
        self.gradient = gradient = np.zeros_like(y)
        self.parts: list[np.ndarray | None] = [None] * len(parameters)
        with recording() as self.backward:
            for (function, places, _), own in zip(links[::-1], contexts[::-1], strict=True):
                if True in own.needs:
                    gradient, *parts = function.backward(own, gradient)
                    for place, part in zip(places, parts, strict=True):
                        self.parts[place] = contiguous(part) if needs[1 + place] else None
        self.by_x = gradient if needs[0] else None
        start = _address(x)
        self._slots = [
            _Slot(calls, i, j, a.shape, a.strides, _address(a) - start)
            for calls in (self.forward, self.backward)
            for i, (_, arguments) in enumerate(calls)
            for j, a in enumerate(arguments)
            if isinstance(a, np.ndarray) and np.may_share_memory(a, x)
        ]

    def __del__(self):
        _Plan.held -= self.cost

    def read(self, x: np.ndarray | None) -> None:
        """Take ``x`` as the input, or release the last one."""
        memory_of_x = None if x is None else _in_order(x)
        for calls, i, j, shape, strides, offset in self._slots:
            function, arguments = calls[i]
            view = None
            if memory_of_x is not None:
                view = np.ndarray(shape, memory_of_x.dtype, memory_of_x, offset, strides)
            calls[i] = function, (*arguments[:j], view, *arguments[j + 1 :])


def _address(x: np.ndarray) -> int:
    return x.__array_interface__["data"][0]


def _in_order(x: np.ndarray) -> np.ndarray | None:
    """``x`` with its axes in memory order, by the first axis or with the batch last.

    None for any other order.
    """
    if x.flags.c_contiguous:
        return x
    turned = x.transpose(*range(1, x.ndim), 0)
    return turned if turned.flags.c_contiguous else None


class _Lease:
    """A plan while its memory is in use, until the last reader of it is gone.

    Raises IndexError where the plan is in use already.
    """

    def __init__(self, free: list[_Plan]):
        self._free = free
        self.plan = free.pop()

    def __del__(self):
        if hasattr(self, "plan"):
            self.plan.read(None)
            self._free.append(self.plan)

    def __reduce__(self):
        raise GraphError(
            "copy: expected a tensor without a graph, such as that of detach(), got"
            " the output of layers whose gradient may still be asked for"
        )


class _Chain(Function):
    fresh = True

    @staticmethod
    def forward(context: Context, x, *parameters, lease: _Lease):
        context.save(lease)
        lease.plan.read(x)
        repeat(lease.plan.forward)
        return copied(lease.plan.y)

    @staticmethod
    def backward(context, gradient):
        (lease,) = context.saved
        plan = lease.plan
        np.copyto(plan.gradient, gradient)
        repeat(plan.backward)
        return _fresh(plan.by_x), *map(_fresh, plan.parts)


def _fresh(part: np.ndarray | None) -> np.ndarray | None:
    return None if part is None else copied(part)


class _Known:
    """Inputs of one kind: the operations heard so far, and the plan made of them."""

    def __init__(self, x: Tensor, parameters: list[Parameter], recorded: bool):
        self.parameters: list[Parameter] = []  # those used by the operations
        self._links: list[_Link] | None = []  # None for what cannot be planned
        self._arrays: list = []  # the parameters' arrays at the last such input
        self._free: list[_Plan] | None = None  # the plan, unless in use; None: not made yet
        self._own = {id(parameter) for parameter in parameters}
        self._recorded = recorded
        self._last: Tensor | None = x
        self._bytes = sum(parameter.data.nbytes for parameter in parameters)

    def hear(self, function: type[Function], tensors: tuple, settings: dict, result: Any) -> None:
        """Take an operation just done as the next link, where it can be one."""
        first, *others = tensors
        self._bytes += result.data.nbytes
        wanted = self._recorded and any(tensor.requires_grad for tensor in tensors)
        fits = (
            self._links is not None
            and function.plannable
            and first is self._last
            and self._bytes <= LARGEST
            and result.requires_grad == wanted
            and len({id(p) for p in others} & self._own) == len(others)
        )
        if self._links is None or not fits:
            self._links, self._last = None, None
            return
        self._own -= {id(p) for p in others}
        count = len(self.parameters)
        self.parameters += others
        places = tuple(range(count, count + len(others)))
        self._links.append(_Link(function, places, settings))
        self._last = result

    def all_heard(self, result: Tensor) -> None:
        """All operations are done, with ``result``."""
        if result is not self._last:
            self._links = None
        self._last = None

    def lease(self, x: Tensor, recorded: bool) -> _Lease | None:
        """The plan for this input, or None where there is none, or it is in use."""
        if self._links is None:
            return None
        arrays = [parameter.data for parameter in self.parameters]
        before, self._arrays = self._arrays, arrays
        if len(before) != len(arrays) or any(map(is_not, before, arrays)):
            self._free = None
            if arrays:
                return None
        free = self._free
        if free is None:
            cost = 4 * self._bytes
            alike = any(np.may_share_memory(x.data, array) for array in arrays)
            if alike or _Plan.held + cost > memory.LIMIT:
                return None
            needs = tuple([recorded and t.requires_grad for t in (x, *self.parameters)])
            try:
                plan = _Plan(self._links, x.data, arrays, needs, cost)
            except (NotRecorded, MemoryError):
                self._links = None
                return None
            if np.may_share_memory(plan.y, x.data):
                self._links = None  # just another view of the input
                return None
            self._free = free = [plan]
        try:
            return _Lease(free)
        except IndexError:
            return None


class Segment:
    """Layers in a row that do the same to all inputs of one shape, see ``Module.steady``."""

    def __init__(self, layers: Sequence[Module], run: Callable[[Tensor], Tensor]):
        self._layers, self._run = layers, run
        self._modules: list[Module] = []  # the layers and those inside them
        self._attributes: list[Any] = []  # their attributes when they were heard
        self._parameters: list[Parameter] = []
        self._known: dict[Any, _Known] = {}
        keepers.add(self)

    def __reduce__(self):
        return Segment, (self._layers, self._run)

    def forget(self) -> None:
        """Give the plans' memory back."""
        self._known = {}

    def __call__(self, x: Tensor) -> Tensor:
        if self._changed():
            self._look()
        numbers = x.data
        kinds = [
            (type(p.data), getattr(p.data, "shape", None), getattr(p.data, "dtype", None))
            for p in self._parameters
        ]
        plain = type(numbers) is np.ndarray and all(kind[0] is np.ndarray for kind in kinds)
        if not plain or not numbers.ndim or _in_order(numbers) is None:
            return self._run(x)
        recorded, known_of = is_recording(), self._known
        needs = tuple([recorded and t.requires_grad for t in (x, *self._parameters)])
        kind = numbers.shape, numbers.strides, numbers.dtype, needs, *kinds
        known = known_of.get(kind)
        if known is None:
            known = _Known(x, self._parameters, recorded)
            with listening(known.hear):
                result = self._run(x)
            known.all_heard(result)
            if len(known_of) >= MOST:
                known_of.clear()
            known_of[kind] = known
            return result
        lease = known.lease(x, recorded)
        if lease is None:
            return self._run(x)
        return _Chain.apply(x, *known.parameters, lease=lease)

    def _changed(self) -> bool:
        try:
            return _attributes(self._modules) != self._attributes or not self._modules
        except Exception:  # attributes that cannot be compared, such as arrays, count as changed
            return True

    def _look(self) -> None:
        """Look at the layers as they are now, and forget what was known."""
        modules = [module for layer in self._layers for _, module in layer.named_modules()]
        attributes = [(kind, dict(values)) for kind, values in _attributes(modules)]
        found = (value for _, values in attributes for value in values.values())
        parameters = {id(value): value for value in found if isinstance(value, Parameter)}
        self._modules, self._parameters = modules, list(parameters.values())
        self.forget()
        self._attributes = attributes  # last: another thread may be asking


def _attributes(modules: Sequence[Module]) -> list[tuple[Callable, dict[str, Any]]]:
    """What each module is and what attributes it has."""
    return [(type(module).forward, vars(module)) for module in modules]
