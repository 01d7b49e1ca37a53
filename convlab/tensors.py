"""``Tensor``: an array with a gradient, its operators and methods, with PyTorch's names.

Shapes are (N, C, H, W) for images; in memory the batch is innermost, so an array here is often
a transposed view.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from convlab import arithmetic, display, random
from convlab.checks import checked, fits_memory, instance, real_numbers, shown, whole
from convlab.errors import DTypeError, ShapeError
from convlab.kernels.cuda import CudaArray
from convlab.kernels.dispatch import Array, constant, device_of, to_device
from convlab.tape import Recorded

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class Tensor(Recorded):
    """An array of float32 or float64 that can have a gradient.

    ``array`` is a NumPy array, a number or nested lists.  Python's numbers become float32, as do
    integers and booleans; NumPy's floats keep their kind, wider ones become float64.  With
    ``requires_grad`` the operations on it are recorded, and ``backward()`` of their result fills
    ``grad``.
    Raises DTypeError for anything that is not a real number.
    """

    __slots__ = ()
    # NumPy arrays on the left of an operator leave the operation to the tensor.
    __array_ufunc__ = None

    def __init__(self, array: Any, requires_grad: bool = False):
        data: Any = array.data if isinstance(array, Recorded) else array
        if type(data) is not np.ndarray or data.dtype not in FLOATS:
            data = data if isinstance(data, CudaArray) else _floats(data)
        super().__init__(data, requires_grad)

    def result(self, data: Array) -> Tensor:
        return Tensor(data)

    @property
    def device(self) -> str:
        """Where the numbers are: cpu or cuda."""
        return device_of(self.data)

    def to(self, device: str) -> Tensor:
        """This tensor if it is already on ``device``, cpu or cuda, else a copy there.

        Gradients flow back across devices.  Raises DeviceError if there is no such device.
        """
        same = isinstance(device, str) and device == self.device
        return self if same else arithmetic.To.apply(self, device=device)

    def numpy(self) -> np.ndarray:
        """The numbers as a NumPy array: not copied on the CPU; changing it changes the tensor."""
        return to_device(self.data, "cpu")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        return np.array(array, dtype, copy=copy) if copy else np.asarray(array, dtype)

    def item(self) -> float:
        """The number in a tensor of one element.  Raises ShapeError for more."""
        if self.data.size != 1:
            raise ShapeError(f"item(): expected one element, got shape {self.shape}")
        return self.data.item()

    def __float__(self) -> float:
        return self.item()

    def __int__(self) -> int:
        return int(self.item())

    def detach(self) -> Tensor:
        """The same numbers, not copied, without their history."""
        return Tensor(self.data)

    def __len__(self) -> int:
        if not self.shape:
            raise ShapeError("len(): expected at least one axis, got a single number")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        array = np.array2string(self.numpy(), precision=4, separator=", ", prefix="Tensor(")
        tail = f", dtype={self.dtype}"
        tail += ", requires_grad=True" if self.requires_grad else ""
        tail += "" if self.device == "cpu" else f", device={self.device!r}"
        return f"Tensor({array}{tail})"

    def _repr_html_(self) -> str:
        facts = ["requires_grad"] if self.requires_grad else []
        facts += [] if self.device == "cpu" else [self.device]
        return display.array(self.numpy(), facts)

    # --- arithmetic -----------------------------------------------------------------------

    def _operand(self, value: Any) -> Tensor:
        """``value`` as a tensor; plain numbers take this one's kind."""
        if isinstance(value, Tensor):
            return value
        if isinstance(value, numbers.Real):
            value = self.dtype.type(value)
        # What is not yet a tensor is a constant: it goes to the device of the other operand.
        return Tensor(constant(Tensor(value).data, self.device))

    def _broadcast(self, name: str, other: Any, axes: slice = slice(None)) -> Tensor:
        """``other`` as a tensor.  Raises ShapeError if the two do not broadcast."""
        other = self._operand(other)
        try:
            np.broadcast_shapes(self.shape[axes], other.shape[axes])
        except ValueError:
            raise ShapeError(
                f"{name}: expected shapes that broadcast, got {self.shape} and {other.shape}"
            ) from None
        return other

    def __add__(self, other: Any) -> Tensor:
        return arithmetic.Add.apply(self, self._broadcast("add", other))

    __radd__ = __add__

    def __mul__(self, other: Any) -> Tensor:
        return arithmetic.Multiply.apply(self, self._broadcast("multiply", other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Tensor:
        return arithmetic.Divide.apply(self, self._broadcast("divide", other))

    def __rtruediv__(self, other: Any) -> Tensor:
        return self._operand(other) / self

    def __neg__(self) -> Tensor:
        return self * -1

    def __sub__(self, other: Any) -> Tensor:
        return self + -self._operand(other)

    def __rsub__(self, other: Any) -> Tensor:
        return -self + other

    def pow(self, exponent: float) -> Tensor:
        """To a constant ``exponent``.  Raises DTypeError for an exponent that is not a number."""
        if not isinstance(exponent, numbers.Real):
            raise DTypeError(f"pow: expected a number as exponent, got {type(exponent).__name__}")
        return arithmetic.Power.apply(self, exponent=exponent)

    __pow__ = pow

    def exp(self) -> Tensor:
        """e to each element."""
        return arithmetic.Exp.apply(self)

    def log(self) -> Tensor:
        """Natural logarithm of each element; -inf at 0 and NaN below."""
        return arithmetic.Log.apply(self)

    def matmul(self, other: Any) -> Tensor:
        """Matrix product over the last two axes, broadcast over the others.  Raises ShapeError."""
        other = self._operand(other)
        inner = other.shape[-2] if other.ndim > 1 else other.shape[0] if other.ndim else None
        if self.ndim == 0 or inner is None or self.shape[-1] != inner:
            raise ShapeError(
                f"matmul: expected the left's columns to be the right's rows, got {self.shape} and"
                f" {other.shape}"
            )
        return arithmetic.MatMul.apply(self, self._broadcast("matmul", other, slice(-2)))

    __matmul__ = matmul

    def __rmatmul__(self, other: Any) -> Tensor:
        return self._operand(other).matmul(self)

    # --- over axes ------------------------------------------------------------------------

    def _axes(
        self, name: str, axis: int | Sequence[int] | None, keepdims: bool
    ) -> tuple[int, ...] | None:
        instance(keepdims, f"{name}: keepdims", bool)
        if axis is None:
            return None
        axes: Any = axis
        try:
            axes = (axis,) if isinstance(axis, numbers.Integral) else tuple(axes)
            fit = all(-self.ndim <= operator.index(each) < self.ndim for each in axes)
            fit = fit and not any(isinstance(each, bool) for each in axes)
            fit = fit and len({each % self.ndim for each in axes}) == len(axes)
        except TypeError:
            fit = False
        if not fit:
            raise ShapeError(f"{name}: expected an axis of shape {self.shape}, got {shown(axis)}")
        return axes

    def sum(self, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
        """Sum over ``axis``, or of all.  Raises ShapeError for an axis that does not exist."""
        axes = self._axes("sum", axis, keepdims)
        return arithmetic.Sum.apply(self, axis=axes, keepdims=keepdims)

    def mean(self, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
        """Mean over ``axis``, or of all.  Raises ShapeError for an axis that does not exist."""
        axes = self._axes("mean", axis, keepdims)
        count = self.size if axes is None else int(np.prod([self.shape[i] for i in axes]))
        return self.sum(axis, keepdims) / count

    def max(self, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
        """Maximum over ``axis``, or of all; equal maxima share the gradient.  Raises ShapeError."""
        axes = self._axes("max", axis, keepdims)
        if self.size == 0:
            raise ShapeError(f"max: expected at least one element, got shape {self.shape}")
        return arithmetic.Max.apply(self, axis=axes, keepdims=keepdims)

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> np.ndarray | int:
        """The index of the largest element along ``dim``, the first of equal ones: NumPy integers.

        Without ``dim``, the flat index of the largest of all.  Raises ShapeError.
        """
        axes = self._axes("argmax", dim, keepdim)
        if self.size == 0:
            raise ShapeError(f"argmax: expected at least one element, got shape {self.shape}")
        if axes is None:
            return int(self.numpy().argmax())
        return self.numpy().argmax(axis=axes[0], keepdims=keepdim)

    # --- shapes ---------------------------------------------------------------------------

    def numel(self) -> int:
        """Number of elements."""
        return self.size

    def reshape(self, *shape: int | Sequence[int]) -> Tensor:
        """The same elements in another shape; one size may be -1.  Raises ShapeError."""
        one: Any = shape[0] if len(shape) == 1 else 0
        try:
            if not isinstance(one, numbers.Integral):
                shape = tuple(one)
            return arithmetic.Reshape.apply(self, shape=shape)
        except (ValueError, TypeError, OverflowError):
            raise ShapeError(
                f"reshape: expected a shape of {self.size} elements like {self.shape}, got"
                f" {shown(shape)}"
            ) from None

    view = reshape

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """All axes from ``start_dim`` to ``end_dim`` as one.  Raises ShapeError."""
        if not self.ndim:
            return self.reshape(1)
        first, last = (self._one_axis("flatten", dim, self.ndim) for dim in (start_dim, end_dim))
        if first > last:
            raise ShapeError(f"flatten: expected axes in order, got {start_dim} and {end_dim}")
        flat = math.prod(self.shape[first : last + 1])
        return self.reshape(*self.shape[:first], flat, *self.shape[last + 1 :])

    def squeeze(self, dim: int | None = None) -> Tensor:
        """Without the axes of size 1, or without ``dim`` if it is one.  Raises ShapeError."""
        if dim is None:
            return self.reshape(tuple(size for size in self.shape if size != 1))
        axis = self._one_axis("squeeze", dim, self.ndim)
        if self.shape[axis] != 1:
            return self
        return self.reshape(self.shape[:axis] + self.shape[axis + 1 :])

    def unsqueeze(self, dim: int) -> Tensor:
        """With an axis of size 1 at ``dim``.  Raises ShapeError."""
        axis = self._one_axis("unsqueeze", dim, self.ndim + 1)
        return self.reshape((*self.shape[:axis], 1, *self.shape[axis:]))

    def _one_axis(self, name: str, dim: int, axes: int) -> int:
        if (
            isinstance(dim, bool)
            or not isinstance(dim, numbers.Integral)
            or not -axes <= dim < axes
        ):
            raise ShapeError(f"{name}: expected an axis of shape {self.shape}, got {shown(dim)}")
        return int(dim) % axes

    def transpose(self, *axes: int | Sequence[int]) -> Tensor:
        """Axes in another order, or reversed if none is given.  Raises ShapeError."""
        one: Any = axes[0] if len(axes) == 1 else 0
        order: tuple[Any, ...]
        try:
            given: tuple[Any, ...] = axes if isinstance(one, numbers.Integral) else tuple(one)
            axes = given
            bounds = range(-self.ndim, self.ndim)
            order = tuple(i % self.ndim if operator.index(i) in bounds else i for i in given)
        except TypeError:
            order = (None,)
        wrong = axes and set(order) != set(range(self.ndim))
        if wrong or len(order) not in (0, self.ndim):
            raise ShapeError(
                f"transpose: expected each axis of {self.shape} once, got {shown(axes)}"
            )
        return arithmetic.Transpose.apply(self, axes=order or None)

    @property
    def T(self) -> Tensor:
        """Axes reversed."""
        return self.transpose()

    def __getitem__(self, key: Any) -> Tensor:
        key = key.data if isinstance(key, Tensor) else key
        try:
            return arithmetic.Index.apply(self, index=key)
        except (IndexError, ValueError, TypeError, OverflowError) as error:
            raise ShapeError(f"index: expected one inside shape {self.shape}: {error}") from None


def _floats(values: Any) -> np.ndarray:
    """``values`` as float32 or float64.  Raises DTypeError for what is not real."""
    array = real_numbers(values, "Tensor")
    if array.dtype.kind == "f" and not _is_python(values):
        return array.astype(np.float64 if array.dtype.itemsize >= 8 else np.float32, copy=False)
    return array.astype(np.float32)


def _is_python(values: Any) -> bool:
    """Whether all numbers are Python's, whose floats have no deliberately chosen kind."""
    if isinstance(values, list | tuple):
        return all(map(_is_python, values))
    return not isinstance(values, np.ndarray | np.generic) and isinstance(values, numbers.Real)


# --- tensors from nothing ----------------------------------------------------------------------


@checked
def tensor(data: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor with a copy of ``data``: numbers, nested lists, an array or a tensor.

    ``dtype``: float32 or float64; by default that of ``Tensor``.  Raises DTypeError.
    """
    made = Tensor(data).data
    return Tensor(made.astype(made.dtype if dtype is None else _kind(dtype)), requires_grad)


@checked
def zeros(*size: int, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros; ``size`` as numbers or as one tuple.  Raises ShapeError, DTypeError."""
    return Tensor(np.zeros(_size("zeros", size), _kind(dtype)), requires_grad)


@checked
def ones(*size: int, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones; ``size`` as numbers or as one tuple.  Raises ShapeError, DTypeError."""
    return Tensor(np.ones(_size("ones", size), _kind(dtype)), requires_grad)


@checked
def randn(*size: int, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Normal random numbers with mean 0 and standard deviation 1, from the seed of ``manual_seed``.

    Raises ShapeError, DTypeError.
    """
    values = random.generator().standard_normal(_size("randn", size))
    return Tensor(values.astype(_kind(dtype)), requires_grad)


@checked
def arange(start: float, end: float | None = None, step: float = 1, *, dtype: Any = None) -> Tensor:
    """Numbers from ``start``, or 0, up to but excluding ``end``.  Raises ShapeError."""
    if end is None:
        start, end = 0, start
    if step == 0:
        raise ShapeError("arange: expected a step other than 0, got 0")
    return Tensor(np.arange(start, end, step).astype(_kind(dtype)))


def _kind(dtype: Any) -> np.dtype:
    try:
        kind = np.dtype(np.float32 if dtype is None else dtype).newbyteorder("=")
    except TypeError:
        kind = np.dtype(object)
    if kind not in FLOATS:
        raise DTypeError(f"dtype: expected float32 or float64, got {shown(dtype)}")
    return kind


def _size(name: str, size: tuple) -> tuple[int, ...]:
    sizes = tuple(size[0]) if len(size) == 1 and isinstance(size[0], Sequence) else size
    for one in sizes:
        whole(one, f"{name}: size", 0)
    fits_memory(name, *sizes)
    return tuple(map(int, sizes))
