"""What all layers and networks have: parameters, submodules, a state to save."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from convlab import shapes
from convlab.checks import FAILURES, check_calls, shown
from convlab.errors import ConvlabError, DTypeError, ShapeError, SpecError
from convlab.kernels.dispatch import to_device
from convlab.nn.families import PASSES_ON, Family, One, Reads, Window
from convlab.nn.notations import Notations
from convlab.nn.state import Buffer, Keys, Parameter, checked_state
from convlab.tensors import FLOATS, Tensor

M = TypeVar("M", bound="Module")
IntOrPair = int | Sequence[int]
Field = tuple[shapes.ReceptiveField, shapes.ReceptiveField]
_CHECKED = ("__init__", "output_shape", "load_state_dict", "to", "__getitem__")


class Module:
    """A layer or a network: parameters, and modules inside it, found by their attribute names.

    Subclasses define ``forward`` in terms of ``convlab.functional``, and say about themselves
    what figures, tables and pages ask: ``family``, ``words`` and ``short`` (what the layer is
    called in a text and over a column), ``formula`` (what it makes of x, where that is one
    number of one; ``formula_of`` has the numbers of a channel), ``sign`` ("kept" where an output
    of 0 or above comes from such an input, "positive" where there is no other output), the methods
    for geometry and counts, ``reads``, ``steady``: whether ``forward`` does the same operations for
    all inputs of a shape as long as no attribute of the layer changes, ``of_batch``: whether in
    training it asks for sums over the whole batch, see ``convlab.parts``, and ``pytorch``: the
    arguments of PyTorch's layer of the same name, where it has one.  ``steady`` and ``pytorch``
    are not inherited.
    """

    family: Family | None = None
    words = ""
    short = ""
    formula = ""
    sign = ""
    pytorch: tuple[str, ...] | None = None
    steady = False
    of_batch = False
    signal_axes: tuple[int, ...] = (3,)  # of the inputs whose channels a layer has to know

    if TYPE_CHECKING:
        # A kernel_size or groups: code that found a layer by its family may use what that family
        # has.
        def __getattr__(self, name: str) -> Any: ...

    def __init__(self):
        self.training = True

    def __init_subclass__(cls, **settings: Any):
        super().__init_subclass__(**settings)
        check_calls({"layer": cls}, ["layer"], *_CHECKED)

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def __call__(self, *inputs: Tensor, **settings: Any) -> Tensor:
        try:
            return self.forward(*inputs, **settings)
        except ConvlabError:
            raise
        except FAILURES as error:
            wrong = [x for x in inputs if not isinstance(x, Tensor)]
            if not wrong:
                raise
            name, got = type(self).__name__, type(wrong[0]).__name__
            raise DTypeError(f"{name}: expected a Tensor, got {got}") from error

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the output, without the batch, for an input of ``shape`` without the batch.

        Raises ShapeError for an input that does not fit.
        """
        return shape

    def window(self, shape: tuple[int, ...]) -> Window | None:
        """The window that slides over an input of ``shape``; None for a layer without one."""
        return None

    def field_of(self, field: Field, shape: tuple[int, ...]) -> Field | None:
        """The receptive field of the output's units, if ``field`` is that of the input's.

        (rows, columns) of an input of ``shape``; None where a unit sees everything.
        """
        window = self.window(shape)
        if window is None:
            return None if self.connections(shape) else field
        rows, columns = (
            axis_field.through(
                window.kernel[axis],
                window.stride[axis],
                window.padding[2 * axis],
                window.dilation[axis],
            )
            for axis, axis_field in enumerate(field)
        )
        return rows, columns

    def connections(self, shape: tuple[int, ...]) -> int:
        """Numbers that flow into the outputs, including biases, for an input of ``shape``.

        Counted as by LeCun et al. 1998, section II.B: an output of a 5 x 5 kernel
        over one map has 26.  Padding counts as input.
        """
        return 0

    def multiply_adds(self, shape: tuple[int, ...]) -> int:
        """Products that are added up for one image of ``shape``."""
        return 0

    def reads(self, shape: tuple[int, ...], unit: tuple[int, ...]) -> Reads | None:
        """What the output at ``unit`` is made of, for one input of ``shape``; None: unknown.

        Neither has a batch.
        """
        if self.family not in (Family.ACTIVATION, Family.PLACEMENT, *PASSES_ON):
            return None
        output = self.output_shape(shape)
        if self.family is Family.PLACEMENT or math.prod(output) != math.prod(shape):
            raise SpecError(
                f"{type(self).__name__}: expected reads() of its own in a layer that makes"
                f" {math.prod(output):,} numbers of {math.prod(shape):,}"
            )
        flat = np.ravel_multi_index(unit, output)
        return One(tuple(int(i) for i in np.unravel_index(flat, shape)))

    def formula_of(self, channel: int) -> str:
        """``formula`` with the numbers that the layer has for a channel of its output."""
        return self.formula

    def notations(self, shape: tuple[int, ...]) -> Notations:
        """The layer in other libraries' code, for an input of ``shape``; empty if unknown."""
        return ()

    def arrays(self) -> dict[str, np.ndarray]:
        """The numbers on the CPU that the layer computes with, by name."""
        own = {k: v for k, v in vars(self).items() if isinstance(v, Parameter | Buffer)}
        return {k: v.numpy() for k, v in own.items() if v.dtype in FLOATS}

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(name, module) of every module directly inside this one."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """(dotted name, module) of this module and all inside it, each once."""
        seen: set[int] = set()
        stack: list[tuple[str, Module]] = [(prefix, self)]
        while stack:
            path, module = stack.pop()
            if id(module) not in seen:
                seen.add(id(module))
                yield path, module
                children = list(module.named_children())
                stack += ((f"{path}.{name}" if path else name, m) for name, m in children[::-1])

    def _all_state(self, prefix: str = "", above: tuple[Module, ...] = ()):
        """(dotted name, parameter or buffer, its module), once for each name that leads to it."""
        for kind in (Parameter, Buffer):
            for name, value in vars(self).items():
                if isinstance(value, kind):
                    yield prefix + name, value, self
        for name, child in self.named_children():
            if child is not self and child not in above:
                yield from child._all_state(f"{prefix}{name}.", (*above, self))

    def named_state(self) -> dict[str, Tensor]:
        """Every parameter and buffer of this module and all inside it, by its dotted name.

        One that several modules share has several names, as in PyTorch.
        """
        return {name: tensor for name, tensor, _ in self._all_state()}

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(dotted name, parameter) of this module and all inside it, each once."""
        seen: set[int] = set()
        for name, tensor, _ in self._all_state():
            if isinstance(tensor, Parameter) and id(tensor) not in seen:
                seen.add(id(tensor))
                yield name, tensor

    def parameters(self) -> list[Parameter]:
        """All parameters, in the order of their names in the code."""
        return [parameter for _, parameter in self.named_parameters()]

    def parameter_count(self) -> int:
        """Trainable numbers of this module and all inside it; shared ones count once."""
        counts: dict[int, int] = {}
        for _, tensor, module in self._all_state():
            if isinstance(tensor, Parameter):
                counts[id(tensor)] = module._trainable(tensor)
        return sum(counts.values())

    def own_parameter_count(self) -> int:
        """Trainable numbers of this module alone, without those of the modules inside it."""
        own = {id(p): p for p in vars(self).values() if isinstance(p, Parameter)}
        return sum(map(self._trainable, own.values()))

    def _trainable(self, parameter: Parameter) -> int:
        """How many numbers of one of its own parameters a module trains."""
        return parameter.size

    def train(self: M, mode: bool = True) -> M:
        """Switch to training, or to evaluation with ``mode=False``.

        In training dropout is on, and batch normalisation takes the statistics of each batch.
        """
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self: M) -> M:
        """Switch to evaluation: dropout is off, batch normalisation has its running statistics."""
        return self.train(False)

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Make all parameters trainable, or none of them."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def astype(self: M, dtype: Any) -> M:
        """Convert all parameters, and buffers of floats, to float32 or float64.

        Raises DTypeError for another kind.
        """
        try:
            kind = np.dtype(object if dtype is None else dtype).newbyteorder("=")
        except TypeError:
            kind = np.dtype(object)
        if kind not in FLOATS:
            raise DTypeError(f"astype: expected float32 or float64, got {shown(dtype)}")
        for tensor in self._floats():
            tensor.data = tensor.data.astype(kind)
        return self

    def _floats(self) -> Iterator[Tensor]:
        """Each parameter, and each buffer of floats; whole numbers stay what and where they are."""
        shared = {id(tensor): tensor for tensor in self.named_state().values()}
        return (tensor for tensor in shared.values() if tensor.dtype in FLOATS)

    def to(self: M, device: str) -> M:
        """Copy all parameters, and buffers of floats, to ``device``, cpu or cuda.

        Raises DeviceError where there is no such device.
        """
        for tensor in self._floats():
            tensor.data = to_device(tensor.data, device)
            if tensor.grad is not None:
                tensor.grad = to_device(tensor.grad, device)
        return self

    def state_dict(self) -> dict[str, np.ndarray]:
        """A copy of every parameter and buffer on the CPU, in C order, by its dotted name.

        One that several modules share has several names, as in PyTorch.
        """
        return {name: np.array(t.numpy(), order="C") for name, t in self.named_state().items()}

    def load_state_dict(self, state: Mapping[str, np.ndarray], strict: bool = True) -> Keys:
        """Load the parameters and buffers of ``state``, all of them or none.

        A parameter that several modules share may be given by any of its names, or by all.  With
        ``strict=False`` only those whose names are known are loaded.  Returns the names that were
        missing and those that were not known, as PyTorch does; with ``strict`` there are none.
        Raises SpecError for such names unless not ``strict``, and for a shared parameter with
        different numbers, ShapeError for a parameter of another shape, DTypeError for one that is
        not of real numbers.
        """
        own = self.named_state()
        values, keys = checked_state(own, state, strict)
        for tensor in {id(tensor): tensor for tensor in own.values()}.values():
            if id(tensor) in values:
                taken = np.array(values[id(tensor)], dtype=tensor.dtype, order="C")
                tensor.data = to_device(taken, tensor.device)
        return keys

    def pytorch_arguments(self) -> dict[str, Any]:
        """The arguments with which PyTorch's layer of the same name does the same.

        Raises SpecError where PyTorch has no such layer.
        """
        names = vars(type(self)).get("pytorch")
        if names is None:
            raise SpecError(f"expected a layer that PyTorch has, got {type(self).__name__}")
        return {name: getattr(self, name) for name in names}

    def extra_repr(self) -> str:
        """The layer's settings, as its constructor takes them: those that PyTorch has too."""
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in self.pytorch or ())

    def __repr__(self) -> str:
        lines = [
            f"  ({name}): " + repr(child).replace("\n", "\n  ")
            for name, child in self.named_children()
        ]
        head = f"{type(self).__name__}({self.extra_repr()}"
        return head + "\n" + "\n".join(lines) + "\n)" if lines else head + ")"


check_calls(globals(), ["Module"], *_CHECKED)

LAYERS: dict[str, type[Module]] = {}
"""The layers that files may name, by their classes' names: those with ``register``."""

Layer = TypeVar("Layer", bound=type[Module])


def register(layer: Layer) -> Layer:
    """Make a layer available to network files by its name."""
    LAYERS[layer.__name__] = layer
    return layer


def check_image(module: Module, shape: tuple[int, ...], channels: int | None = None) -> None:
    """Raise ShapeError for any shape other than (channels, rows, columns)."""
    if len(shape) != 3 or channels not in (None, shape[0]):
        wanted = "channels" if channels is None else channels
        raise ShapeError(
            f"{type(module).__name__}: expected images of shape ({wanted}, rows, columns),"
            f" got {shown(shape)}"
        )
