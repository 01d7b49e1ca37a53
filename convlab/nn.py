"""Layers and networks, with PyTorch's names, arguments and parameter shapes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from convlab import functional as F
from convlab import random, shapes
from convlab.autograd import FLOATS, Tensor
from convlab.checks import (
    FAILURES,
    LARGEST,
    check_calls,
    checked,
    fits_memory,
    instance,
    number,
    real_numbers,
    shown,
    whole,
)
from convlab.errors import ConvlabError, DTypeError, ShapeError, SpecError
from convlab.kernels.dispatch import to_device

IntOrPair = int | Sequence[int]
Field = tuple[shapes.ReceptiveField, shapes.ReceptiveField]


class Parameter(Tensor):
    """A tensor that a module learns."""

    __slots__ = ()

    def __init__(self, array: Any):
        super().__init__(array, requires_grad=True)


class Window(NamedTuple):
    """A window that slides: (rows, columns) of each, padding as (top, bottom, left, right)."""

    kernel: shapes.Pair
    stride: shapes.Pair = (1, 1)
    padding: shapes.Sides = (0, 0, 0, 0)
    dilation: shapes.Pair = (1, 1)


def _check_image(module: Module, shape: tuple[int, ...], channels: int | None = None) -> None:
    if len(shape) != 3 or channels not in (None, shape[0]):
        wanted = "channels" if channels is None else channels
        raise ShapeError(
            f"{type(module).__name__}: expected images of shape ({wanted}, rows, columns),"
            f" got {shown(shape)}"
        )


class Module:
    """A layer or a network: parameters, and modules inside it, found by their attribute names.

    Subclasses define ``forward`` in terms of ``convlab.functional``.
    """

    def __init__(self):
        self.training = True

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def __call__(self, *inputs: Tensor) -> Tensor:
        try:
            return self.forward(*inputs)
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
        """The window that slides over an input of ``shape``; None for a layer that has none."""
        return None

    def field_of(self, field: Field, shape: tuple[int, ...]) -> Field | None:
        """The receptive field of the output's units, where ``field`` is that of the input's.

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
        """Numbers that flow into the outputs, biases among them, for an input of ``shape``.

        Counted as by LeCun et al. 1998, section II.B: an output of a 5 x 5 kernel
        over one map has 26.  Padding counts as input.
        """
        return 0

    def multiply_adds(self, shape: tuple[int, ...]) -> int:
        """Products that are added up for one image of ``shape``."""
        return 0

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

    def _all_parameters(self, prefix: str = "", above: tuple[Module, ...] = ()):
        """(dotted name, parameter, its module), once for each name that leads to it."""
        for name, value in vars(self).items():
            if isinstance(value, Parameter):
                yield prefix + name, value, self
        for name, child in self.named_children():
            if child is not self and child not in above:
                yield from child._all_parameters(f"{prefix}{name}.", (*above, self))

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(dotted name, parameter) of this module and all inside it, each once."""
        seen: set[int] = set()
        for name, parameter, _ in self._all_parameters():
            if id(parameter) not in seen:
                seen.add(id(parameter))
                yield name, parameter

    def parameters(self) -> list[Parameter]:
        """All parameters, in the order of their names in the code."""
        return [parameter for _, parameter in self.named_parameters()]

    def parameter_count(self) -> int:
        """Trainable numbers of this module and all inside it; shared ones count once."""
        counts: dict[int, int] = {}
        for _, parameter, module in self._all_parameters():
            counts[id(parameter)] = module._trainable(parameter)
        return sum(counts.values())

    def own_parameter_count(self) -> int:
        """Trainable numbers of this module alone, without those of the modules inside it."""
        own = {id(p): p for p in vars(self).values() if isinstance(p, Parameter)}
        return sum(map(self._trainable, own.values()))

    def _trainable(self, parameter: Parameter) -> int:
        """How many of the numbers of a parameter of its own a module trains."""
        return parameter.size

    def train(self, mode: bool = True) -> Module:
        """Switch to training (dropout is on), or to evaluation with ``mode=False``."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Switch to evaluation: dropout is off."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Learn all parameters, or none of them."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def astype(self, dtype: Any) -> Module:
        """Turn all parameters into float32 or float64.  Raises DTypeError for another kind."""
        try:
            kind = np.dtype(object if dtype is None else dtype).newbyteorder("=")
        except TypeError:
            kind = np.dtype(object)
        if kind not in FLOATS:
            raise DTypeError(f"astype: expected float32 or float64, got {shown(dtype)}")
        for parameter in self.parameters():
            parameter.data = parameter.data.astype(kind)
        return self

    def to(self, device: str) -> Module:
        """Copy all parameters to ``device``, cpu or cuda.

        Raises DeviceError where there is no such device.
        """
        for parameter in self.parameters():
            parameter.data = to_device(parameter.data, device)
            if parameter.grad is not None:
                parameter.grad = to_device(parameter.grad, device)
        return self

    def state_dict(self) -> dict[str, np.ndarray]:
        """A copy of every parameter on the CPU, in C order, by its dotted name.

        One that several modules share has several names, as in PyTorch.
        """
        return {name: np.array(p.numpy(), order="C") for name, p, _ in self._all_parameters()}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over the parameters of ``state``, all of them or none.

        A parameter that several modules share may be there by any of its names, or by all.
        Raises SpecError for names that are missing or too many and for a shared parameter
        with different numbers, ShapeError for a parameter of another shape, DTypeError for
        one that is not of real numbers.
        """
        if not isinstance(state, Mapping):
            raise SpecError(
                f"load_state_dict: expected arrays by their names, got {type(state).__name__}"
            )
        own = {name: parameter for name, parameter, _ in self._all_parameters()}
        given = {id(own[name]) for name in own.keys() & state.keys()}
        missing = [
            name for name, parameter in self.named_parameters() if id(parameter) not in given
        ]
        extra = sorted(map(str, state.keys() - own.keys()))
        if missing or extra:
            raise SpecError(
                f"load_state_dict: expected the parameters {', '.join(own)}; missing:"
                f" {', '.join(sorted(missing)) or 'none'}; not known: {', '.join(extra) or 'none'}"
            )
        taken: dict[int, tuple[str, np.ndarray]] = {}
        for name, parameter in own.items():
            if name not in state:
                continue
            values = real_numbers(state[name], f"load_state_dict: {name}")
            if values.shape != parameter.shape:
                raise ShapeError(
                    f"load_state_dict: expected {name} of shape {parameter.shape},"
                    f" got {values.shape}"
                )
            first, others = taken.setdefault(id(parameter), (name, values))
            if values is not others and not np.array_equal(values, others, equal_nan=True):
                raise SpecError(
                    f"load_state_dict: expected the same numbers for {first} and {name}, which"
                    " are one parameter, got different ones"
                )
        for _, parameter in self.named_parameters():
            _, values = taken[id(parameter)]
            values = np.array(values, dtype=parameter.dtype, order="C")
            parameter.data = to_device(values, parameter.device)

    def extra_repr(self) -> str:
        """The layer's settings, as its constructor takes them."""
        return ""

    def __repr__(self) -> str:
        lines = [
            f"  ({name}): " + repr(child).replace("\n", "\n  ")
            for name, child in self.named_children()
        ]
        head = f"{type(self).__name__}({self.extra_repr()}"
        return head + "\n" + "\n".join(lines) + "\n)" if lines else head + ")"


class Sequential(Module):
    """Modules one after the other, called "0", "1", ... or by the names of a dict."""

    def __init__(self, *modules: Module | Mapping[str, Module]):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            named = dict(modules[0])
        else:
            named = {str(i): module for i, module in enumerate(modules)}
        for name, module in named.items():
            if not isinstance(module, Module):
                raise SpecError(f"Sequential: expected modules, got {type(module).__name__}")
            if hasattr(self, name):
                raise SpecError(f"Sequential: expected a name that is free, got {name!r}")
            setattr(self, name, module)

    def forward(self, x: Tensor) -> Tensor:
        modules = list(self)
        kinds = [*map(type, modules), None, None]
        i = 0
        while i < len(modules):
            # A ReLU is left to the layer before it or to the pooling behind it: same numbers,
            # a pass over the maps less.
            if kinds[i] is ReLU and kinds[i + 1] is MaxPool2d:
                x = modules[i + 1].forward(x, relu=True)
                i += 2
            elif (
                kinds[i] in (Conv2d, Linear)
                and kinds[i + 1] is ReLU
                and kinds[i + 2] is not MaxPool2d
            ):
                x = modules[i].forward(x, relu=True)
                i += 2
            else:
                x = modules[i](x)
                i += 1
        return x

    def output_shape(self, shape):
        for _, module in self.named_children():
            shape = module.output_shape(shape)
        return shape

    def __len__(self) -> int:
        return sum(1 for _ in self.named_children())

    def __iter__(self) -> Iterator[Module]:
        return (module for _, module in self.named_children())

    def __getitem__(self, key: int | str) -> Module:
        named = dict(self.named_children())
        return list(named.values())[key] if isinstance(key, int) else named[key]


# --- initial weights --------------------------------------------------------------------

INITIALISATIONS = ("lecun", "glorot", "he")


@checked
def initial_weight(shape: tuple[int, ...], scheme: str | None = "he") -> np.ndarray:
    """Random float32 weights of ``shape`` (outputs, inputs, ...), normal with mean 0.

    Standard deviation sqrt(1 / fan_in) for ``lecun`` (LeCun, Bottou, Orr & Müller
    1998, section 4.6), sqrt(2 / (fan_in + fan_out)) for ``glorot`` (Glorot &
    Bengio 2010, equation 16), sqrt(2 / fan_in) for ``he`` (He et al. 2015,
    equation 10).  None leaves zeros, which cost neither time nor memory until they
    are touched.  Raises SpecError for another scheme.
    """
    for size in shape:
        whole(size, "weights")
    if scheme is None:
        return np.zeros(shape, np.float32)
    fits_memory("weights", *shape)
    receptive = math.prod(shape[2:])
    fan_in, fan_out = shape[1] * receptive, shape[0] * receptive
    variances = {"lecun": 1 / fan_in, "glorot": 2 / (fan_in + fan_out), "he": 2 / fan_in}
    if scheme not in variances:
        raise SpecError(
            f"initialisation: expected one of {', '.join(INITIALISATIONS)}, got {scheme!r}"
        )
    weight = random.generator().standard_normal(shape) * math.sqrt(variances[scheme])
    return weight.astype(np.float32)


# --- layers with parameters ----------------------------------------------------------------


def _check_channels(name: str, in_channels: int, out_channels: int, groups: int) -> None:
    for count in (in_channels, out_channels, groups):
        whole(count, f"{name}: channels and groups", -LARGEST)
    if min(in_channels, out_channels, groups) < 1 or in_channels % groups + out_channels % groups:
        raise ShapeError(
            f"{name}: expected channels of at least 1 that groups divides, got {in_channels}"
            f" and {out_channels} channels in {groups} groups"
        )


class Conv2d(Module):
    """Two-dimensional convolution; see ``functional.conv2d``.

    ``padding_mode`` is zeros, reflect, replicate or circular.  weight:
    (out_channels, in_channels / groups, kernel rows, kernel columns).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair,
        stride: IntOrPair = 1,
        padding: int | str | Sequence[int] = 0,
        dilation: IntOrPair = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        initialisation: str = "he",
    ):
        super().__init__()
        self.kernel_size = shapes.pair(kernel_size, "kernel_size")
        self.stride = shapes.pair(stride, "stride")
        self.dilation = shapes.pair(dilation, "dilation")
        # Four sides: top, bottom, left, right.
        self.padding = shapes.padding_sides(padding, self.kernel_size, self.stride, self.dilation)
        if padding_mode not in shapes.PADDING_MODES:
            raise SpecError(
                f"Conv2d: expected padding_mode {', '.join(shapes.PADDING_MODES)},"
                f" got {padding_mode!r}"
            )
        _check_channels("Conv2d", in_channels, out_channels, groups)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.padding_mode = padding_mode
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = Parameter(initial_weight(shape, initialisation))
        self.bias = Parameter(np.zeros(out_channels, np.float32)) if bias else None

    def output_shape(self, shape):
        _check_image(self, shape, self.in_channels)
        geometry = shapes.conv2d_geometry(
            self.in_channels,
            self.out_channels,
            tuple(shape[1:]),
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
        )
        return (self.out_channels, *geometry.output)

    def window(self, shape):
        return Window(self.kernel_size, self.stride, self.padding, self.dilation)

    def connections(self, shape):
        return self.own_parameter_count() * math.prod(self.output_shape(shape)[1:])

    def multiply_adds(self, shape):
        return self.weight.size * math.prod(self.output_shape(shape)[1:])

    def forward(self, x: Tensor, relu: bool = False) -> Tensor:
        return self._convolve(x, self.weight, relu)

    def _convolve(self, x: Tensor, weight: Tensor, relu: bool = False) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            top, bottom, left, right = padding
            x = F.pad(x, (left, right, top, bottom), self.padding_mode)
            padding = 0
        settings = self.stride, padding, self.dilation, self.groups
        return F.conv2d(x, weight, self.bias, *settings, relu=relu)

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, {_convolution_repr(self)}" + (
            "" if self.padding_mode == "zeros" else f", padding_mode={self.padding_mode!r}"
        )


def _convolution_repr(module: Module) -> str:
    top, bottom, left, right = module.padding
    symmetric = (top, left) == (bottom, right)
    settings = [("stride", module.stride, (1, 1))]
    settings.append(("padding", (top, left) if symmetric else module.padding, (0, 0)))
    settings.append(("dilation", module.dilation, (1, 1)))
    settings.append(("groups", module.groups, 1))
    settings.append(("bias", module.bias is not None, True))
    text = [f"kernel_size={module.kernel_size}"]
    return ", ".join(
        text + [f"{name}={value}" for name, value, usual in settings if value != usual]
    )


class ConvTranspose2d(Module):
    """Transposed convolution; see ``functional.conv_transpose2d``.

    weight: (in_channels, out_channels / groups, kernel rows, kernel columns).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair,
        stride: IntOrPair = 1,
        padding: IntOrPair = 0,
        output_padding: IntOrPair = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: IntOrPair = 1,
        initialisation: str = "he",
    ):
        super().__init__()
        self.kernel_size = shapes.pair(kernel_size, "kernel_size")
        self.stride = shapes.pair(stride, "stride")
        self.dilation = shapes.pair(dilation, "dilation")
        self.padding = shapes.padding_sides(padding, self.kernel_size, self.stride, self.dilation)
        self.output_padding = shapes.pair(output_padding, "output_padding", least=0)
        _check_channels("ConvTranspose2d", in_channels, out_channels, groups)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        shape = (in_channels, out_channels // groups, *self.kernel_size)
        self.weight = Parameter(initial_weight(shape, initialisation))
        self.bias = Parameter(np.zeros(out_channels, np.float32)) if bias else None

    def output_shape(self, shape):
        _check_image(self, shape, self.in_channels)
        size = tuple(
            shapes.conv_transpose_output(
                shape[1 + axis],
                self.kernel_size[axis],
                self.stride[axis],
                self.padding[2 * axis] + self.padding[2 * axis + 1],
                self.output_padding[axis],
                self.dilation[axis],
            )
            for axis in (0, 1)
        )
        if min(size) < 1:
            raise ShapeError(
                f"ConvTranspose2d: expected less padding than the output has, got an output of"
                f" {shapes.size_text(*size)}"
            )
        return (self.out_channels, *size)

    def field_of(self, field, shape):
        rows, columns = (
            axis_field.through_transposed(
                self.kernel_size[axis],
                self.stride[axis],
                self.padding[2 * axis],
                self.dilation[axis],
            )
            for axis, axis_field in enumerate(field)
        )
        return rows, columns

    def multiply_adds(self, shape):
        return self.weight.size * math.prod(shape[1:])

    def connections(self, shape):
        biases = 0 if self.bias is None else math.prod(self.output_shape(shape))
        return self.multiply_adds(shape) + biases

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )

    def extra_repr(self) -> str:
        extra = "" if self.output_padding == (0, 0) else f", output_padding={self.output_padding}"
        return f"{self.in_channels}, {self.out_channels}, {_convolution_repr(self)}{extra}"


class Linear(Module):
    """Dense layer; weight: (out_features, in_features), bias: (out_features,)."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        initialisation: str = "he",
    ):
        super().__init__()
        for count in (in_features, out_features):
            whole(count, "Linear: features", -LARGEST)
        if min(in_features, out_features) < 1:
            raise ShapeError(
                f"Linear: expected at least one feature, got {in_features} and {out_features}"
            )
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(initial_weight((out_features, in_features), initialisation))
        self.bias = Parameter(np.zeros(out_features, np.float32)) if bias else None

    def output_shape(self, shape):
        if tuple(shape) != (self.in_features,):
            raise ShapeError(
                f"Linear: expected an input of shape ({self.in_features},), got {tuple(shape)}"
            )
        return (self.out_features,)

    def connections(self, shape):
        return self.own_parameter_count()

    def multiply_adds(self, shape):
        return self.weight.size

    def forward(self, x: Tensor, relu: bool = False) -> Tensor:
        return F.linear(x, self.weight, self.bias, relu=relu)

    def extra_repr(self) -> str:
        bias = "" if self.bias is not None else ", bias=False"
        return f"{self.in_features}, {self.out_features}{bias}"


# --- layers without parameters -------------------------------------------------------------


class _Pool2d(Module):
    """What maximum and average pooling have in common: a window of ``kernel_size``."""

    dilation = (1, 1)
    count_include_pad = True
    divisor_override: int | None = None

    def windows(self, shape) -> shapes.PoolWindows:
        """The windows over an input of shape (C, H, W).  Raises ShapeError."""
        _check_image(self, shape)
        return shapes.pool_windows(
            tuple(shape[1:]),
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def output_shape(self, shape):
        return (shape[0], *self.windows(shape).output)

    def window(self, shape):
        rows, columns = self.padding
        return Window(self.kernel_size, self.stride, (rows, rows, columns, columns), self.dilation)

    def connections(self, shape):
        return math.prod(self.kernel_size) * math.prod(self.output_shape(shape))

    def extra_repr(self) -> str:
        text = f"kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0, 0):
            text += f", padding={self.padding}"
        if self.dilation != (1, 1):
            text += f", dilation={self.dilation}"
        return text + (", ceil_mode=True" if self.ceil_mode else "")


class MaxPool2d(_Pool2d):
    """Maximum over windows; see ``functional.max_pool2d``."""

    def __init__(
        self,
        kernel_size: IntOrPair,
        stride: IntOrPair | None = None,
        padding: IntOrPair = 0,
        dilation: IntOrPair = 1,
        ceil_mode: bool = False,
    ):
        super().__init__()
        self.kernel_size = shapes.pair(kernel_size, "kernel_size")
        self.stride = self.kernel_size if stride is None else shapes.pair(stride, "stride")
        self.padding = shapes.pair(padding, "padding", least=0)
        self.dilation = shapes.pair(dilation, "dilation")
        self.ceil_mode = ceil_mode

    def forward(self, x: Tensor, relu: bool = False) -> Tensor:
        settings = self.stride, self.padding, self.dilation, self.ceil_mode
        return F.max_pool2d(x, self.kernel_size, *settings, relu=relu)


class AvgPool2d(_Pool2d):
    """Mean over windows; see ``functional.avg_pool2d``."""

    def __init__(
        self,
        kernel_size: IntOrPair,
        stride: IntOrPair | None = None,
        padding: IntOrPair = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ):
        super().__init__()
        self.kernel_size = shapes.pair(kernel_size, "kernel_size")
        self.stride = self.kernel_size if stride is None else shapes.pair(stride, "stride")
        self.padding = shapes.pair(padding, "padding", least=0)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(
            x,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AdaptiveAvgPool2d(Module):
    """Mean over as many even windows as asked for; 1 is global pooling."""

    def __init__(self, output_size: int | None | Sequence[int | None]):
        super().__init__()
        self.output_size = output_size

    def windows(self, shape) -> shapes.PoolWindows:
        """The windows over an input of shape (C, H, W).  Raises ShapeError."""
        _check_image(self, shape)
        return shapes.adaptive_pool_windows(
            tuple(shape[1:]), shapes.adaptive_output(tuple(shape[1:]), self.output_size)
        )

    def output_shape(self, shape):
        return (shape[0], *self.windows(shape).output)

    def window(self, shape):
        """The window where all are alike, else None."""
        windows = self.windows(shape)
        if any(i % o for i, o in zip(windows.input, windows.output, strict=True)):
            return None
        size = tuple(i // o for i, o in zip(windows.input, windows.output, strict=True))
        return Window(size, size)

    def field_of(self, field, shape):
        output = self.windows(shape).output
        rows, columns = (
            axis_field.through_adaptive(shape[1 + axis], output[axis])
            for axis, axis_field in enumerate(field)
        )
        return rows, columns

    def connections(self, shape):
        return shape[0] * int(self.windows(shape).divisor.sum())

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(x, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool2d(AdaptiveAvgPool2d):
    """Maximum over as many even windows as asked for; 1 is global pooling."""

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_max_pool2d(x, self.output_size)


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x)


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, x: Tensor) -> Tensor:
        return F.sigmoid(x)


class Tanh(Module):
    """Hyperbolic tangent."""

    def forward(self, x: Tensor) -> Tensor:
        return F.tanh(x)


class ScaledTanh(Module):
    """1.7159 tanh(2 x / 3) of LeNet-5 as published."""

    def forward(self, x: Tensor) -> Tensor:
        return F.scaled_tanh(x)


class Softmax(Module):
    """Probabilities along ``dim``."""

    def __init__(self, dim: int = -1):
        super().__init__()
        self.dim = dim

    def field_of(self, field, shape):
        # Across the channels a unit sees its own place; along another axis all places.
        return field if len(shape) == 3 and self.dim in (1, -3) else None

    def forward(self, x: Tensor) -> Tensor:
        return F.softmax(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Flatten(Module):
    """All axes from ``start_dim`` to ``end_dim`` as one; by default all but the batch."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def _axes(self, shape: tuple[int, ...]) -> tuple[int, int]:
        axes = tuple(i + len(shape) if i < 0 else i for i in (self.start_dim, self.end_dim))
        if not 0 <= axes[0] <= axes[1] < len(shape):
            raise ShapeError(
                f"Flatten: expected start_dim and end_dim in order and inside {len(shape)} axes,"
                f" batch first, got {self.start_dim} and {self.end_dim}"
            )
        return axes

    def output_shape(self, shape):
        # ``shape`` lacks the batch, which is axis 0.
        whole = (1, *shape)
        first, last = self._axes(whole)
        return (*whole[1:first], math.prod(whole[first : last + 1]), *whole[last + 1 :])

    def forward(self, x: Tensor) -> Tensor:
        first, last = self._axes(instance(x, "Flatten", Tensor).shape)
        flat = math.prod(x.shape[first : last + 1])
        return x.reshape(*x.shape[:first], flat, *x.shape[last + 1 :])

    def extra_repr(self) -> str:
        usual = (self.start_dim, self.end_dim) == (1, -1)
        return "" if usual else f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Dropout(Module):
    """In training, each element is zero with probability ``p``; see ``functional.dropout``."""

    def __init__(self, p: float = 0.5):
        super().__init__()
        self.p = number(p, "Dropout", 0, 1, "a probability between 0 and 1")

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}"


# --- joints of branches ----------------------------------------------------------------------


class Join(Module):
    """A layer that makes one of several inputs.  Raises ShapeError for a single one."""

    def __call__(self, *inputs: Tensor) -> Tensor:
        if len(inputs) < 2:
            raise ShapeError(
                f"{type(self).__name__}: expected at least two inputs, got {len(inputs)}"
            )
        return super().__call__(*inputs)

    def output_shape(self, *inputs: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the output for inputs of these shapes, all without the batch.

        Raises ShapeError for shapes that do not go together.
        """
        raise NotImplementedError


class Add(Join):
    """The sum of maps or vectors of one shape, as where a shortcut meets its branch."""

    def output_shape(self, *inputs):
        if len(set(inputs)) != 1:
            raise ShapeError(f"Add: expected inputs of one shape, got {_listed_shapes(inputs)}")
        return inputs[0]

    def forward(self, *inputs: Tensor) -> Tensor:
        total = inputs[0]
        for x in inputs[1:]:
            if x.shape != total.shape:
                raise ShapeError(f"Add: expected a shape {total.shape}, got {x.shape}")
            total = total + x
        return total


class Concat(Join):
    """Maps of one size one behind the other, along the channels."""

    def output_shape(self, *inputs):
        if len({shape[1:] for shape in inputs}) != 1:
            raise ShapeError(
                f"Concat: expected inputs that differ in channels alone,"
                f" got {_listed_shapes(inputs)}"
            )
        return (sum(shape[0] for shape in inputs), *inputs[0][1:])

    def forward(self, *inputs: Tensor) -> Tensor:
        return F.cat(inputs, 1)


def _listed_shapes(inputs: Sequence[tuple[int, ...]]) -> str:
    return " and ".join(str(tuple(shape)) for shape in inputs)


# --- the layers of LeNet-5 as published --------------------------------------------------


class TableConv2d(Conv2d):
    """A convolution in which each output map reads only some of the input maps.

    ``connections_table``: (out_channels, in_channels) booleans; weights of pairs
    that are not connected stay zero and do not count as parameters.
    Source: layer C3 of LeCun, Bottou, Bengio & Haffner 1998, table I.
    Raises ShapeError for a table of another shape.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair,
        connections_table: Any,
        initialisation: str = "he",
    ):
        super().__init__(in_channels, out_channels, kernel_size, initialisation=initialisation)
        table = np.asarray(connections_table, dtype=bool)
        if table.shape != (out_channels, in_channels) or not table.any(axis=1).all():
            raise ShapeError(
                f"TableConv2d: expected a table of shape ({out_channels}, {in_channels}) with at"
                f" least one input map in each row, got shape {table.shape}"
            )
        self.connections_table = table
        self.weight.data *= table[:, :, None, None]

    def _trainable(self, parameter: Parameter) -> int:
        if parameter is not self.weight:
            return parameter.size
        return int(self.connections_table.sum()) * math.prod(self.kernel_size)

    def multiply_adds(self, shape):
        return self._trainable(self.weight) * math.prod(self.output_shape(shape)[1:])

    def forward(self, x: Tensor) -> Tensor:
        table = self.connections_table[:, :, None, None]
        return self._convolve(x, self.weight * table.astype(self.weight.dtype))


class Subsample2d(Module):
    """Sum over windows, times one trainable coefficient a map, plus one trainable bias a map.

    weight, bias: (channels,).  Windows do not overlap.
    Source: layers S2 and S4 of LeCun, Bottou, Bengio & Haffner 1998, section II.B.
    """

    def __init__(self, channels: int, kernel_size: IntOrPair):
        super().__init__()
        self.channels = whole(channels, "Subsample2d: channels")
        self.kernel_size = shapes.pair(kernel_size, "kernel_size")
        # A mean at first: what the coefficient multiplies is the sum.
        scale = 1 / math.prod(self.kernel_size)
        self.weight = Parameter(np.full(channels, scale, np.float32))
        self.bias = Parameter(np.zeros(channels, np.float32))

    def windows(self, shape) -> shapes.PoolWindows:
        """The windows over an input of shape (C, H, W).  Raises ShapeError."""
        _check_image(self, shape, self.channels)
        return shapes.pool_windows(tuple(shape[1:]), self.kernel_size, self.kernel_size)

    def output_shape(self, shape):
        return (shape[0], *self.windows(shape).output)

    def window(self, shape):
        return Window(self.kernel_size, self.kernel_size)

    def connections(self, shape):
        return (math.prod(self.kernel_size) + 1) * math.prod(self.output_shape(shape))

    def multiply_adds(self, shape):
        return math.prod(self.output_shape(shape))

    def forward(self, x: Tensor) -> Tensor:
        total = F.avg_pool2d(x, self.kernel_size, divisor_override=1)
        return total * self.weight.reshape(1, -1, 1, 1) + self.bias.reshape(1, -1, 1, 1)

    def extra_repr(self) -> str:
        return f"{self.channels}, kernel_size={self.kernel_size}"


class EuclideanRBF(Module):
    """Squared distance of the input to one fixed centre for each class.

    ``centres``: (classes, features), not trained.
    Source: LeCun, Bottou, Bengio & Haffner 1998, equation 7.
    """

    def __init__(self, centres: np.ndarray):
        super().__init__()
        self.centres = real_numbers(centres, "EuclideanRBF: centres").astype(np.float32)
        if self.centres.ndim != 2:
            raise ShapeError(
                f"EuclideanRBF: expected centres (classes, features), got {self.centres.shape}"
            )

    def output_shape(self, shape):
        if tuple(shape) != self.centres.shape[1:]:
            raise ShapeError(
                f"EuclideanRBF: expected an input of shape {self.centres.shape[1:]}, got {shape}"
            )
        return self.centres.shape[:1]

    def connections(self, shape):
        return self.centres.size

    def multiply_adds(self, shape):
        return self.centres.size

    def forward(self, x: Tensor) -> Tensor:
        return F.squared_distance(x, self.centres)

    def extra_repr(self) -> str:
        return f"{self.centres.shape[1]}, {self.centres.shape[0]}"


_CLASSES = [
    name
    for name, value in vars().items()
    if value is Module or Module in getattr(value, "__mro__", ())
]
check_calls(globals(), _CLASSES, "__init__", "output_shape", "load_state_dict", "to", "__getitem__")
