"""The record of operations, and gradients back through it.

The tape knows neither the operations nor a tensor's methods: an operation is a ``Function`` with a
forward and a backward, see ``arithmetic`` and ``functional``; ``tensors`` has the methods.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np

from convlab.checks import checked, real_numbers
from convlab.errors import DeviceError, DTypeError, GraphError, ShapeError
from convlab.kernels.cuda import CudaArray
from convlab.kernels.dispatch import Array, copied, device_of, to_device
from convlab.kernels.memory import elementwise


class _Recording(threading.local):
    on = True
    listener: Callable[..., None] | None = None
    apart: dict[int, Array] | None = None


_recording = _Recording()


@contextlib.contextmanager
def no_grad() -> Iterator[None]:
    """Within this context no operation is recorded, and results require no gradient."""
    before, _recording.on = _recording.on, False
    try:
        yield
    finally:
        _recording.on = before


def is_recording() -> bool:
    """Whether operations of this thread are recorded: not within ``no_grad``."""
    return _recording.on


@contextlib.contextmanager
def listening(listener: Callable[..., None]) -> Iterator[None]:
    """Within this context, ``listener`` is told of each operation performed by this thread.

    It is called with the ``Function``, its tensors, its settings and the result.
    """
    before, _recording.listener = _recording.listener, listener
    try:
        yield
    finally:
        _recording.listener = before


@contextlib.contextmanager
def gradients_apart() -> Iterator[dict[int, Array]]:
    """Within this context ``backward`` of this thread adds gradients here, by the tensor's ``id``.

    Those of the tensors stay as they are.
    """
    before, _recording.apart = _recording.apart, {}
    try:
        yield _recording.apart
    finally:
        _recording.apart = before


T = TypeVar("T", bound="Recorded")


class Recorded:
    """An array with the operation that made it, and a gradient once requested."""

    __slots__ = ("data", "grad", "requires_grad", "_node", "__weakref__")

    def __init__(self, data: Array, requires_grad: bool = False):
        self.data = data
        self.grad: Array | None = None
        self.requires_grad = requires_grad
        self._node: Node | None = None

    def result(self: T, data: Array) -> T:
        """The result, with numbers ``data``, of an operation on this tensor."""
        raise NotImplementedError

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of each axis."""
        return self.data.shape

    @property
    def dtype(self) -> np.dtype:
        """float32 or float64."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.data.size

    @property
    def device(self) -> str:
        """Where the numbers are: cpu or cuda."""
        return device_of(self.data)

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self.grad = None

    def backward(self, gradient: Any = None) -> None:
        """Add to ``grad`` of every tensor behind this one the gradient with respect to it.

        ``gradient``: the gradient of the final value with respect to this tensor,
        of its shape; 1 if this tensor is a single number.  The graph is freed on
        the way.
        Raises GraphError if there is no graph, if it was already freed, and for
        more than one number without ``gradient``; ShapeError for a gradient of
        another shape.
        """
        if not self.requires_grad:
            raise GraphError(
                "backward: expected a tensor made from one with requires_grad=True, got one"
                " that has no graph behind it"
            )
        if gradient is None:
            if self.data.size != 1:
                raise GraphError(
                    f"backward: expected a gradient for a tensor of shape {self.shape};"
                    " only a single number has one by itself"
                )
            gradient = np.ones_like(self.data)
        else:
            gradient = gradient.data if isinstance(gradient, Recorded) else gradient
            if not isinstance(gradient, CudaArray):
                gradient = to_device(real_numbers(gradient, "backward"), self.device)
            if gradient.shape != self.shape:
                raise ShapeError(
                    f"backward: expected a gradient of shape {self.shape}, got {gradient.shape}"
                )
            gradient = gradient.astype(self.dtype, copy=False)
        _run_backward(self, gradient)


class Context:
    """What a forward leaves for its backward.

    ``needs`` says for each tensor argument whether its gradient is needed.
    """

    def __init__(self, needs: tuple[bool, ...]):
        self.needs = needs
        self.saved: tuple = ()

    def save(self, *values: Any) -> None:
        """Keep ``values`` for the backward pass, as ``saved``."""
        self.saved = values


_NOTHING = Context(())


class Node:
    """One recorded operation: where its gradient comes from and where it goes."""

    __slots__ = ("function", "context", "parents", "freed")

    def __init__(self, function: type[Function], context: Context, parents: tuple[Recorded, ...]):
        self.function = function
        self.context = context
        self.parents = parents
        self.freed = False

    def free(self) -> None:
        self.context, self.parents = _NOTHING, ()
        self.freed = True


class Function:
    """An operation: a forward on arrays, and the backward that belongs to it.

    ``forward(context, *arrays, **settings)`` returns an array;
    ``backward(context, gradient)`` returns one gradient, or None where it is not
    needed, for each array.  ``fresh``: whether these are arrays that nothing else refers to.
    ``plannable``: whether both compute everything by kernels or ``calls.do``, with the same calls
    for arrays of the same shapes, so that the calls can be repeated.
    """

    forward: ClassVar[Callable[..., Any]]
    backward: ClassVar[Callable[..., Sequence[Any]]]
    fresh: ClassVar[bool] = False
    plannable: ClassVar[bool] = False

    @classmethod
    def apply(cls, *tensors: T, **settings: Any) -> T:
        """Run the forward, and record it if a gradient may be requested."""
        for tensor in tensors:
            if not isinstance(tensor, Recorded):
                raise DTypeError(
                    f"{cls.__name__.strip('_')}: expected a Tensor, got {type(tensor).__name__}"
                )
        arrays = [tensor.data for tensor in tensors]
        if len({*map(type, arrays)}) > 1:
            where = ", ".join(f"{tensor.shape} on {tensor.device}" for tensor in tensors)
            raise DeviceError(
                f"{cls.__name__.strip('_')}: expected tensors on one device, got {where};"
                " Tensor.to and Module.to copy"
            )
        recording = _recording.on
        needs = tuple([tensor.requires_grad and recording for tensor in tensors])
        context = Context(needs)
        try:
            data = cls.forward(context, *arrays, **settings)
        except MemoryError as error:
            raise ShapeError(
                f"{cls.__name__.strip('_')}: expected a result that fits into memory: {error}"
            ) from error
        result = tensors[0].result(data)
        if True in needs:
            result.requires_grad = True
            result._node = Node(cls, context, tensors)
        if _recording.listener is not None:
            _recording.listener(cls, tensors, settings, result)
        return result


def _order(root: Recorded) -> list[tuple[Recorded, Node]]:
    """Every tensor behind ``root`` that has a node, with that node, each before its parents.

    A depth-first walk with its own stack: a graph may be deeper than Python's.
    """
    done: list[tuple[Recorded, Node]] = []
    seen: set[int] = set()
    stack: list[tuple[Recorded, bool]] = [(root, False)]
    while stack:
        tensor, parents_done = stack.pop()
        node = tensor._node
        if node is None:
            continue
        if parents_done:
            done.append((tensor, node))
            continue
        if id(tensor) in seen:
            continue
        if node.freed:
            raise GraphError(
                "backward: expected a graph that was not used yet; this one was freed by an"
                " earlier backward(): compute the value again"
            )
        seen.add(id(tensor))
        stack.append((tensor, True))
        stack.extend((p, False) for p in node.parents if p.requires_grad)
    return done[::-1]


def _run_backward(root: Recorded, gradient: np.ndarray) -> None:
    pending = {id(root): gradient}
    order = _order(root)
    if root._node is None:
        _accumulate(root, copied(gradient))
    for tensor, node in order:
        gradient = pending.pop(id(tensor))
        for parent, part in zip(
            node.parents, node.function.backward(node.context, gradient), strict=True
        ):
            if part is None or not parent.requires_grad:
                continue
            # A parent with the other kind of float keeps it.
            part = part.astype(parent.dtype, copy=False)
            if parent._node is None:
                _accumulate(parent, part if node.function.fresh else copied(part))
            elif id(parent) in pending:
                pending[id(parent)] = elementwise(np.add, pending[id(parent)], part)
            else:
                pending[id(parent)] = part
    # Freed from the result backwards, one node at a time: releasing the result
    # alone would free the chain recursively.
    for _, node in order:
        node.free()


def _accumulate(leaf: Recorded, gradient: np.ndarray) -> None:
    apart = _recording.apart
    grad = leaf.grad if apart is None else apart.get(id(leaf))
    total = gradient if grad is None else elementwise(np.add, grad, gradient)
    if apart is None:
        leaf.grad = total
    else:
        apart[id(leaf)] = total


def gradient_of(leaf: Recorded) -> Array:
    """The gradient left by ``backward``.  Raises GraphError if there is none."""
    if leaf.grad is None:
        raise GraphError("gradient: expected a tensor that backward() has led to, got another")
    return leaf.grad


@checked
def gradcheck(
    function: Callable[..., Recorded],
    inputs: Sequence[Recorded],
    *,
    step: float = 1e-6,
    tolerance: float = 1e-6,
) -> bool:
    """Compare the gradients of ``function(*inputs)`` with central differences.

    ``inputs``: float64 tensors; those with ``requires_grad`` are checked, for a
    random weighting of the outputs.  Returns True, or raises GraphError naming
    the first number that is off by more than ``tolerance`` (relative to the
    larger of 1 and the gradient).  Raises DTypeError for float32, which is too
    coarse for differences.
    """
    for number, tensor in enumerate(inputs):
        if tensor.dtype != np.float64:
            raise DTypeError(f"gradcheck: expected float64, got {tensor.dtype} in input {number}")
    output = function(*inputs)
    weights = np.random.default_rng(0).uniform(0.5, 1.5, output.shape)
    for tensor in inputs:
        tensor.zero_grad()
    output.backward(weights)
    for number, tensor in enumerate(inputs):
        if not tensor.requires_grad:
            continue
        analytic = np.zeros(tensor.shape) if tensor.grad is None else tensor.grad
        for index in np.ndindex(tensor.shape):
            value = tensor.data[index]
            with no_grad():
                tensor.data[index] = value + step
                above = (function(*inputs).data * weights).sum()
                tensor.data[index] = value - step
                below = (function(*inputs).data * weights).sum()
                tensor.data[index] = value
            numeric = (above - below) / (2 * step)
            if not abs(numeric - analytic[index]) <= tolerance * max(1, abs(numeric)):
                raise GraphError(
                    f"gradcheck: input {number} at {index}: expected {numeric:.9g} (central"
                    f" difference), got {analytic[index]:.9g}"
                )
    return True
