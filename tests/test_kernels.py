"""Every kernel's fast loop against its reference, on arguments that hypothesis draws."""

import copy
import importlib
import pkgutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convlab.kernels
from convlab import shapes
from convlab.errors import DeviceError
from convlab.kernels import conv2d, cuda, dense, lanes_plan, memory, pointwise, pool2d, softmax
from convlab.kernels.dispatch import KERNELS, Kernel

for _module in pkgutil.iter_modules(convlab.kernels.__path__):
    importlib.import_module(f"convlab.kernels.{_module.name}")

DTYPES = (np.float32, np.float64)
BATCHES = (1, 2, 16, 17)
SPECIALS = (np.nan, np.inf, -np.inf)
# The references are plain Python: products that one example may ask of them.
MOST_PRODUCTS = 16_000


def thorough(examples):
    return settings(max_examples=examples, deadline=None, derandomize=True, print_blob=True)


@pytest.fixture(autouse=True)
def memory_that_is_not_zero(monkeypatch):
    """What a loop leaves unwritten is seen: new memory holds NaN, or the least whole number."""

    plain = memory.empty

    def full(shape, dtype):
        array = plain(shape, dtype)
        array[...] = np.nan if array.dtype.kind == "f" else np.iinfo(array.dtype).min
        return array

    monkeypatch.setattr(memory, "empty", full)


# --- arguments ------------------------------------------------------------------------


@st.composite
def generators(draw):
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1)))


def numbers(rng, shape, dtype):
    return np.asarray(rng.standard_normal(shape)).astype(dtype)


def dtypes():
    return st.sampled_from(DTYPES)


def pairs(least, most):
    return st.tuples(st.integers(least, most), st.integers(least, most))


@st.composite
def geometries(draw):
    """Convolutions of all kinds, each with a batch size."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    inputs = groups * draw(st.integers(1, 4 // groups or 1))
    outputs = groups * draw(st.sampled_from([1, 2, 3, 4, 5, 8] if groups == 1 else [1, 2, 4, 5]))
    kernel, dilation = draw(pairs(1, 4)), draw(pairs(1, 3))
    stride = draw(st.one_of(st.just((1, 1)), pairs(1, 5)))
    padding = draw(st.one_of(st.just((0, 0, 0, 0)), st.tuples(*[st.integers(0, 5)] * 4)))
    size = []
    for axis in (0, 1):
        span = (kernel[axis] - 1) * dilation[axis] + 1
        least = max(1, span - padding[2 * axis] - padding[2 * axis + 1])
        size.append(draw(st.integers(least, max(least, 7))))
    geometry = shapes.conv2d_geometry(
        inputs, outputs, tuple(size), kernel, stride, padding, dilation, groups
    )
    products = np.prod(geometry.output) * np.prod(geometry.weight_shape)
    batch = draw(st.sampled_from([n for n in BATCHES if n * products <= MOST_PRODUCTS] or [1]))
    return geometry, batch


@st.composite
def conv_forward(draw):
    (g, batch), rng, dtype = draw(geometries()), draw(generators()), draw(dtypes())
    x = numbers(rng, (g.in_channels, *g.input, batch), dtype)
    weight, bias = numbers(rng, g.weight_shape, dtype), numbers(rng, g.out_channels, dtype)
    norm = tuple(numbers(rng, (2, g.out_channels), dtype)) if draw(st.booleans()) else None
    return x, weight, bias, g, draw(st.booleans()), norm


@st.composite
def conv_grad_input(draw):
    (g, batch), rng, dtype = draw(geometries()), draw(generators()), draw(dtypes())
    grad = numbers(rng, (g.out_channels, *g.output, batch), dtype)
    return grad, numbers(rng, g.weight_shape, dtype), g


@st.composite
def conv_grad_weight(draw):
    (g, batch), rng, dtype = draw(geometries()), draw(generators()), draw(dtypes())
    grad = numbers(rng, (g.out_channels, *g.output, batch), dtype)
    return grad, numbers(rng, (g.in_channels, *g.input, batch), dtype), g


@st.composite
def conv_grad_bias(draw):
    rng = draw(generators())
    rest = draw(st.one_of(st.just(()), pairs(1, 5)))
    return (numbers(rng, (draw(st.integers(1, 5)), *rest, draw(batches())), draw(dtypes())),)


def batches():
    return st.sampled_from(BATCHES)


@st.composite
def dense_sizes(draw):
    return draw(st.integers(1, 9)), draw(st.integers(1, 9)), draw(batches())


@st.composite
def dense_forward(draw):
    (i, o, n), rng, dtype = draw(dense_sizes()), draw(generators()), draw(dtypes())
    arrays = numbers(rng, (i, n), dtype), numbers(rng, (o, i), dtype), numbers(rng, o, dtype)
    return *arrays, draw(st.booleans())


@st.composite
def dense_grad_input(draw):
    (i, o, n), rng, dtype = draw(dense_sizes()), draw(generators()), draw(dtypes())
    return numbers(rng, (o, n), dtype), numbers(rng, (o, i), dtype)


@st.composite
def dense_grad_weight(draw):
    (i, o, n), rng, dtype = draw(dense_sizes()), draw(generators()), draw(dtypes())
    return numbers(rng, (o, n), dtype), numbers(rng, (i, n), dtype)


@st.composite
def windows(draw):
    """Plain, padded, dilated, overhanging and adaptive pooling."""
    if draw(st.integers(0, 3)) == 0:
        return shapes.adaptive_pool_windows(draw(pairs(1, 7)), draw(pairs(1, 7)))
    kernel, stride, padding = (2, 2), (2, 2), (0, 0, 0, 0)  # which has a loop of its own
    usual = draw(st.booleans())
    if not usual:
        kernel, stride = draw(pairs(1, 4)), draw(pairs(1, 5))
        padding = tuple(draw(st.integers(0, k // 2)) for k in kernel for _ in "ab")
    dilation = (1, 1) if usual else draw(pairs(1, 3))
    size = []
    for k, d, p in zip(kernel, dilation, (sum(padding[:2]), sum(padding[2:])), strict=True):
        least = max(1, (k - 1) * d + 1 - p)
        size.append(draw(st.integers(least, max(least, 7))))
    divisor = draw(st.one_of(st.none(), st.sampled_from([1, 3, -2])))
    ceil_mode, count_include_pad = draw(st.booleans()), draw(st.booleans())
    return shapes.pool_windows(
        tuple(size), kernel, stride, padding, dilation, ceil_mode, count_include_pad, divisor
    )


@st.composite
def pool_arguments(draw, backward=False):
    w, rng, dtype = draw(windows()), draw(generators()), draw(dtypes())
    shape = (draw(st.integers(1, 3)), *(w.output if backward else w.input), draw(batches()))
    if draw(st.booleans()):
        return numbers(rng, shape, dtype), w
    return rng.integers(-2, 3, shape).astype(dtype), w  # equal ones: the first has to win


@st.composite
def max_forward(draw):
    return *draw(pool_arguments()), draw(st.booleans())


@st.composite
def max_backward(draw):
    x, w, relu = draw(max_forward())
    out, index = KERNELS["pool2d.max_forward"].reference(x, w, relu)
    return numbers(draw(generators()), out.shape, x.dtype), index, w


@st.composite
def gather(draw, backward=False):
    rng, dtype, size = draw(generators()), draw(dtypes()), draw(pairs(1, 6))
    picked = [rng.integers(-1, i, draw(st.integers(1, 9))) for i in size]
    channels, batch = draw(st.integers(1, 3)), draw(batches())
    if backward:
        shape = (channels, len(picked[0]), len(picked[1]), batch)
        return numbers(rng, shape, dtype), *picked, size
    return numbers(rng, (channels, *size, batch), dtype), *picked


@st.composite
def floats(draw):
    rng, size = draw(generators()), draw(pairs(1, 5))
    count, channels = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    images = rng.integers(0, 256, (count, channels, *size)).astype(np.uint8)
    index = rng.integers(0, count, draw(batches()))
    return images, index, tuple(rng.uniform(0, 2, channels)), tuple(rng.normal(size=channels))


@st.composite
def laid_out(draw, arrays, low=None, high=None):
    """Arrays of one shape whose memory has no gaps, its axes in any order."""
    rng, dtype = draw(generators()), draw(dtypes())
    shape = tuple(draw(st.lists(st.integers(0, 6), max_size=4)))
    order = draw(st.permutations(range(len(shape))))
    scale = draw(st.sampled_from([1, 30]))
    made = []
    for _ in range(arrays):
        array = np.asarray(numbers(rng, shape, dtype) * dtype(scale))
        if low is not None:
            array = np.asarray(rng.uniform(low, high, shape)).astype(dtype)
        made.append(array.transpose(order))
    return tuple(made)


@st.composite
def with_setting(draw, arrays, setting):
    return (*draw(laid_out(arrays)), draw(setting))


@st.composite
def backward_from_output(draw, low, high):
    grad, y = draw(laid_out(2, low, high))
    return np.asarray(grad * grad.dtype.type(3)), y


@st.composite
def relu_backward(draw):
    grad, y = draw(laid_out(2))
    return grad, np.asarray(np.maximum(y, 0))


@st.composite
def weights_and_zeros(draw):
    x, weight = draw(laid_out(2))
    return x, np.asarray(np.where(weight < 0, x.dtype.type(0), weight))


@st.composite
def dropout_mask(draw):
    shape = tuple(draw(st.lists(st.integers(0, 6), max_size=4)))
    like = np.zeros(shape, draw(dtypes()))
    return like, draw(st.floats(0, 0.99)), draw(st.integers(0, 2**64 - 1))


@st.composite
def logits(draw):
    rng, dtype = draw(generators()), draw(dtypes())
    rest = draw(st.lists(st.integers(1, 5), max_size=3))
    scale = draw(st.sampled_from([1, 30, 1e4]))
    return (numbers(rng, (draw(st.integers(1, 6)), *rest), dtype) * dtype(scale),)


@st.composite
def cross_entropy(draw):
    rng, dtype = draw(generators()), draw(dtypes())
    classes, batch = draw(st.integers(1, 6)), draw(batches())
    scale = draw(st.sampled_from([1, 30, 1e4]))
    x = numbers(rng, (classes, batch), dtype) * dtype(scale)
    return x, rng.integers(0, classes, batch)


@st.composite
def one_hot(draw):
    classes = draw(st.integers(1, 6))
    return draw(generators()).integers(0, classes, draw(batches())), classes, draw(dtypes())


@st.composite
def channels(draw, arrays, of_channels, *others):
    """Arrays (C, ...), some of them longer than a block of a run, then as many of (C,)."""
    rng, dtype = draw(generators()), draw(dtypes())
    many = (2, 9) if cuda.SIMULATED else (45, 97)
    shape = draw(st.integers(1, 3)), *draw(st.one_of(st.just(many), pairs(1, 5))), 2
    offset = dtype(draw(st.sampled_from([0, 0, 100])))
    numbers_of = [numbers(rng, shape, dtype) + offset for _ in range(arrays)]
    numbers_of += [numbers(rng, shape[0], dtype) for _ in range(of_channels)]
    return (*numbers_of, *map(draw, others))


@st.composite
def sgd(draw):
    rng, dtype = draw(generators()), draw(dtypes())
    shape = tuple(draw(st.lists(st.integers(1, 4), max_size=4)))
    arrays = (numbers(rng, shape, dtype) for _ in range(3))
    factor = st.sampled_from([0.0, 0.1, 0.9])
    return (
        *arrays,
        draw(st.sampled_from([0.0, 0.01, 1.0])),
        draw(factor),
        draw(factor),
        draw(st.booleans()),
    )


@st.composite
def adam(draw):
    rng, dtype = draw(generators()), draw(dtypes())
    shape = tuple(draw(st.lists(st.integers(1, 4), max_size=4)))
    parameter, gradient, mean, square = (numbers(rng, shape, dtype) for _ in range(4))
    betas = draw(st.sampled_from([(0.9, 0.999), (0.0, 0.0), (0.5, 0.99)]))
    eps, weight_decay = draw(st.sampled_from([1e-8, 0.1])), draw(st.sampled_from([0.0, 0.1]))
    step = draw(st.sampled_from([1, 2, 10, 10_000]))
    rate = draw(st.sampled_from([0.001, 0.1]))
    return (
        parameter,
        gradient,
        mean,
        np.abs(square, out=square),
        rate,
        betas,
        eps,
        weight_decay,
        step,
    )


@st.composite
def rmsprop(draw):
    rng, dtype = draw(generators()), draw(dtypes())
    shape = tuple(draw(st.lists(st.integers(1, 4), max_size=4)))
    parameter, gradient, mean, velocity = (numbers(rng, shape, dtype) for _ in range(4))
    square = np.asarray(mean * mean + dtype(1))  # more than the square of the mean
    settings = draw(st.sampled_from([(0.1, 0.99, 1e-8, 0.0, 0.0), (0.01, 0.5, 0.1, 0.1, 0.9)]))
    return parameter, gradient, square, mean, velocity, *settings, draw(st.booleans())


# Of an activation: 0 where it has none, and numbers for the channels of a leaky ReLU.
SETTINGS = {
    **dict.fromkeys(("gelu", "gelu_tanh", "silu"), st.just(0.0)),
    **dict.fromkeys(("leaky", "elu"), st.sampled_from([0.01, -0.5, 2.0])),
    **dict.fromkeys(
        ("capped", "hardsigmoid", "hardswish", "softplus"), st.sampled_from([1.0, 3.0])
    ),
}
ARGUMENTS = {
    **{
        f"activations.{name}_{way}": with_setting(1 + backward, setting)
        for name, setting in SETTINGS.items()
        for way, backward in (("forward", False), ("backward", True))
    },
    "activations.below": laid_out(2),
    "conv2d.forward": conv_forward(),
    "conv2d.grad_input": conv_grad_input(),
    "conv2d.grad_weight": conv_grad_weight(),
    "conv2d.grad_bias": conv_grad_bias(),
    "dense.forward": dense_forward(),
    "dense.grad_input": dense_grad_input(),
    "dense.grad_weight": dense_grad_weight(),
    "gather.floats": floats(),
    "gather.gather2d": gather(),
    "gather.gather2d_grad": gather(backward=True),
    "normalise.moments": channels(1, 0),
    "normalise.sums": channels(2, 2),
    "normalise.forward": channels(1, 3, st.booleans()),
    "normalise.backward": channels(2, 4),
    "pointwise.relu_forward": laid_out(1),
    "pointwise.relu_backward": relu_backward(),
    "pointwise.sigmoid_forward": laid_out(1),
    "pointwise.sigmoid_backward": backward_from_output(0, 1),
    "pointwise.tanh_forward": laid_out(1),
    "pointwise.tanh_backward": backward_from_output(-1, 1),
    "pointwise.scaled_tanh_forward": laid_out(1),
    "pointwise.scaled_tanh_backward": backward_from_output(-1.7159, 1.7159),
    "pointwise.dropout_mask": dropout_mask(),
    "pointwise.weigh": weights_and_zeros(),
    "pool2d.max_forward": max_forward(),
    "pool2d.max_backward": max_backward(),
    "pool2d.average_forward": pool_arguments(),
    "pool2d.average_backward": pool_arguments(backward=True),
    "softmax.log_softmax": logits(),
    "softmax.softmax": logits(),
    "softmax.cross_entropy": cross_entropy(),
    "softmax.one_hot": one_hot(),
    "softmax.right": cross_entropy(),
    "update.sgd": sgd(),
    "update.adam": adam(),
    "update.rmsprop": rmsprop(),
}
IN_PLACE = {"update.sgd": {0, 2}, "update.adam": {0, 2, 3}, "update.rmsprop": {0, 2, 3, 4}}
# One number at a time: each has to be right by itself, however small beside the others.
ONE_BY_ONE = {
    "pointwise.relu_forward",
    "pointwise.relu_backward",
    "pointwise.sigmoid_forward",
    "pointwise.tanh_forward",
    "pointwise.scaled_tanh_forward",
    "pointwise.dropout_mask",
}
# The arguments in which NaN and infinity are put.  A gradient of infinity meets the zeros
# of the padding in the gradient of the weights, and 0 times infinity is not skipped there.
SPECIAL_ARGUMENT = {"conv2d.grad_weight": 1, "update.sgd": 1, "update.adam": 1, "update.rmsprop": 1}
# The first's array is only asked for its shape, the others' have whole numbers.
WITHOUT_SPECIAL_NUMBERS = {"pointwise.dropout_mask", "gather.floats", "softmax.one_hot"}


# --- comparison -----------------------------------------------------------------------


def assert_same_numbers(actual, expected, one_by_one=False):
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    if actual.dtype.kind != "f":
        np.testing.assert_array_equal(actual, expected)
        return
    tolerance = 1e-4 if actual.dtype == np.float32 else 1e-10
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.where(finite, 0, actual), np.where(finite, 0, expected))
    actual, expected = actual[finite], expected[finite]
    if one_by_one:
        tiny = np.finfo(expected.dtype).tiny
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tiny)
    elif expected.size:
        # Sums of numbers around 1 may cancel: their error is one of 1.
        largest = max(1, np.abs(expected).max())
        np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * largest)


def as_tuple(result):
    return result if isinstance(result, tuple) else () if result is None else (result,)


def on_cpu(kernel, arguments):
    """The result, and the arguments as the kernel left them."""
    return as_tuple(kernel.cpu(*arguments)), arguments


def on_cpu_plainly(kernel, arguments):
    """The same by the plain compiled loop."""
    return as_tuple(kernel.plain(*arguments)), arguments


def on_cuda(kernel, arguments):
    """The same through the device; indices and labels come from the host."""

    def moved(a):
        if type(a) is tuple:
            return tuple(map(moved, a))
        wanted = isinstance(a, np.ndarray) and (a.dtype.kind in "fu" or a.dtype == np.int32)
        return cuda.upload(a) if wanted else a

    on_device = [moved(a) for a in arguments]
    result = as_tuple(kernel.cuda(*on_device))
    back = [a.numpy() if isinstance(a, cuda.CudaArray) else a for a in on_device]
    return tuple(array.numpy() for array in result), back


def compare(kernel, arguments, run=on_cpu):
    given_to_cpu, given_to_reference = copy.deepcopy(arguments), copy.deepcopy(arguments)
    with np.errstate(all="ignore"):
        actual, given_to_cpu = run(kernel, given_to_cpu)
        expected = as_tuple(kernel.reference(*given_to_reference))
    changed = IN_PLACE.get(kernel.name, set())
    assert len(actual) == len(expected)
    assert bool(actual) != bool(changed), "a kernel returns its result or changes an argument"
    one_by_one = kernel.name in ONE_BY_ONE
    for ours, theirs in zip(actual, expected, strict=True):
        assert_same_numbers(np.asarray(ours), np.asarray(theirs), one_by_one)
    for number, before in enumerate(arguments):
        if number in changed:
            assert_same_numbers(given_to_cpu[number], given_to_reference[number])
        elif isinstance(before, np.ndarray):
            np.testing.assert_array_equal(given_to_cpu[number], before)


def strategy_of(name):
    if name not in ARGUMENTS:
        pytest.fail(f"kernel {name} has no strategy in ARGUMENTS: add one, so that it is compared")
    return ARGUMENTS[name]


# --- the tests ------------------------------------------------------------------------


@pytest.mark.smoke
def test_every_kernel_has_a_strategy_and_every_strategy_a_kernel():
    assert sorted(KERNELS) == sorted(ARGUMENTS)


ON_CPU = [(name, on_cpu) for name in sorted(KERNELS)]
ON_CPU += [(name, on_cpu_plainly) for name in sorted(KERNELS) if KERNELS[name].plain is not None]


def test_loops_that_are_not_plain_have_a_plain_one_beside_them():
    assert [name for name, run in ON_CPU if run is on_cpu_plainly] == [
        "conv2d.forward",
        "conv2d.grad_bias",
        "conv2d.grad_input",
        "conv2d.grad_weight",
        "dense.forward",
        "dense.grad_input",
        "dense.grad_weight",
        "gather.gather2d",
        "pool2d.max_backward",
        "pool2d.max_forward",
    ]


@pytest.mark.parametrize("examples", [60, pytest.param(300, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("name", "run"), ON_CPU)
def test_cpu_agrees_with_reference(name, run, examples):
    @thorough(examples)
    @given(strategy_of(name))
    def agrees(arguments):
        compare(KERNELS[name], arguments, run)

    agrees()


@pytest.mark.cuda
@pytest.mark.filterwarnings("ignore:overflow")  # of numbers that wrap around on purpose
@pytest.mark.parametrize("name", sorted(KERNELS))
def test_cuda_agrees_with_reference(name):
    @thorough(12 if cuda.SIMULATED else 300)
    @given(strategy_of(name))
    def agrees(arguments):
        compare(KERNELS[name], arguments, on_cuda)

    agrees()


@pytest.mark.parametrize(
    ("name", "run"), [case for case in ON_CPU if case[0] not in WITHOUT_SPECIAL_NUMBERS]
)
def test_nan_and_infinity_reach_what_the_reference_says(name, run):
    reached = []

    @thorough(60)
    @given(strategy_of(name), st.lists(st.sampled_from(SPECIALS), min_size=1, max_size=3))
    def agrees(arguments, specials):
        array = arguments[SPECIAL_ARGUMENT.get(name, 0)]
        if array.size:
            places = np.linspace(0, array.size - 1, len(specials)).astype(int)
            array.flat[places] = specials
            reached.append(True)
        compare(KERNELS[name], arguments, run)

    agrees()
    assert len(reached) >= 30


def taps_of(g):
    """Each kernel cell with the part of the padded input that it reads, as slices."""
    for kh, kw in np.ndindex(g.kernel):
        rows = slice(kh * g.dilation[0], None, g.stride[0])
        columns = slice(kw * g.dilation[1], None, g.stride[1])
        yield kh, kw, rows, columns


def assert_convolution_is_plain(g, batch, dtype=np.float64):
    """All passes of a convolution against sums of slices in NumPy."""
    rng = np.random.default_rng(batch)
    x, weight = (
        numbers(rng, (g.in_channels, *g.input, batch), dtype),
        rng.normal(size=g.weight_shape),
    )
    grad, bias = (
        numbers(rng, (g.out_channels, *g.output, batch), dtype),
        rng.normal(size=weight.shape[0]),
    )
    weight, bias = weight.astype(dtype), bias.astype(dtype)
    top, bottom, left, right = g.padding
    padded = np.pad(x.astype(np.float64), ((0, 0), (top, bottom), (left, right), (0, 0)))
    out = np.zeros(grad.shape) + bias[:, None, None, None]
    by_input, by_weight = np.zeros(padded.shape), np.zeros(weight.shape)
    for kh, kw, rows, columns in taps_of(g):
        seen = padded[:, rows, columns][:, : g.output[0], : g.output[1]]
        out += np.einsum("oc,chwn->ohwn", weight[:, :, kh, kw], seen)
        by_weight[:, :, kh, kw] = np.einsum("ohwn,chwn->oc", grad, seen)
        part = by_input[:, rows, columns][:, : g.output[0], : g.output[1]]
        part += np.einsum("oc,ohwn->chwn", weight[:, :, kh, kw], grad)
    by_input = by_input[:, top : top + g.input[0], left : left + g.input[1]]
    assert_same_numbers(conv2d.forward(x, weight, bias, g), out.astype(dtype))
    assert_same_numbers(conv2d.grad_input(grad, weight, g), by_input.astype(dtype))
    ours = conv2d.grad_weight(grad, x, g)
    for actual, expected in zip(ours, (by_weight, grad.sum(axis=(1, 2, 3))), strict=True):
        assert_same_numbers(actual, expected.astype(dtype))


@pytest.mark.parametrize("batch", [1, 3, 48, 50])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("outputs", [1, 3, 7, 12])
def test_rows_of_many_lanes(batch, stride, outputs):
    """More lanes than one turn takes, with all that is left over at the ends."""
    width = 1337 if batch < 16 else 31
    assert_convolution_is_plain(
        shapes.conv2d_geometry(3, outputs, (5, width), (3, 5), (1, stride), (1, 1, 3, 2)), batch
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("padding", [(0, 0, 0, 0), (0, 0, 1, 1)])
@pytest.mark.parametrize("outputs", [1, 4])
def test_rows_of_any_number_of_lanes(outputs, padding, dtype):
    """Around one vector, two of them, and one and two tiles: every remainder."""
    for width in (*range(3, 37), *range(316, 326), 641):
        g = shapes.conv2d_geometry(2, outputs, (2, width), (1, 3), (1, 1), padding)
        assert_convolution_is_plain(g, 1, dtype)
    pointwise = shapes.conv2d_geometry(2, outputs, (5, 5), (1, 1), (1, 1))
    for batch in (1, 3, 12, 13):
        assert_convolution_is_plain(pointwise, batch, dtype)


@pytest.mark.parametrize("outputs", [2, 8])
@pytest.mark.parametrize("batch", [1, 3])
def test_whole_maps_as_one_run(outputs, batch):
    """Of several tiles, with kernel rows that reach none of the padding; the last one is narrow."""
    for size, kernel, stride, padding in (
        ((30, 20), (3, 3), (1, 1), (1, 1, 1, 1)),
        ((40, 19), (5, 3), (2, 2), (2, 1, 0, 1)),
        ((30, 16), (3, 5), (3, 1), (1, 2, 3, 2)),
        ((6, 1), (7, 7), (1, 1), (3, 3, 3, 3)),
    ):
        g = shapes.conv2d_geometry(8, outputs, size, kernel, stride, padding)
        assert lanes_plan.whole_map_fits(g, batch)
        assert_convolution_is_plain(g, batch)


def test_dense_weights_with_gaps_in_memory():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 7))
    for weight in (
        rng.standard_normal((3, 8))[:, ::2],
        rng.standard_normal((6, 4))[::-2],
        np.broadcast_to(rng.standard_normal(4), (3, 4)),
        rng.standard_normal((4, 3)).T,
    ):
        np.testing.assert_allclose(dense.forward(x, weight, np.zeros(3)), weight @ x, atol=1e-12)
        back = dense.grad_input(np.ones((3, 7)), weight)
        np.testing.assert_allclose(back, weight.T @ np.ones((3, 7)), atol=1e-12)


@pytest.mark.parametrize("lanes", [1, 15, 16, 513, 1100])
def test_dense_with_many_images_and_inputs(lanes):
    rng = np.random.default_rng(lanes)
    x, weight, bias = (rng.standard_normal(shape) for shape in [(530, lanes), (11, 530), (11,)])
    grad = rng.standard_normal((11, lanes))
    close = dict(rtol=0, atol=1e-10)
    np.testing.assert_allclose(dense.forward(x, weight, bias), weight @ x + bias[:, None], **close)
    np.testing.assert_allclose(dense.grad_input(grad, weight), weight.T @ grad, **close)
    by_weight, by_bias = dense.grad_weight(grad, x)
    np.testing.assert_allclose(by_weight, grad @ x.T, **close)
    np.testing.assert_allclose(by_bias, grad.sum(axis=1), **close)


def test_more_numbers_than_one_turn_of_a_pointwise_loop():
    x = np.random.default_rng(0).standard_normal(2 * pointwise.CHUNK + 77)
    y = np.maximum(x, 0)
    np.testing.assert_array_equal(pointwise.relu_forward(x), y)
    np.testing.assert_array_equal(pointwise.relu_backward(x, y), np.where(x > 0, x, 0))
    mask = pointwise.dropout_mask
    np.testing.assert_array_equal(mask.cpu(x, 0.3, 12345), mask.reference(x, 0.3, 12345))


def test_dropout_numbers_are_splitmix64():
    """The first outputs of SplitMix64 from seed 1234567, as published with its C code."""
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    for i, output in enumerate(published):
        assert pointwise._uniform(1234567, i) == (output >> 40) / 2**24


def test_kernel_without_a_version_for_the_device():
    name = "test.only_cpu"
    try:
        kernel = Kernel(name, lambda x: x, lambda x: x)
        with pytest.raises(
            DeviceError,
            match=r"^test\.only_cpu: expected a NumPy array, got list; this kernel has no version"
            r" for it$",
        ):
            kernel([1.0])
    finally:
        del KERNELS[name]


def test_kernel_picks_its_version_by_where_the_array_lives():
    name = "test.three_versions"
    try:
        kernel = Kernel(name, lambda x: "reference", lambda x: "cpu", lambda x: "cuda")
        assert kernel(np.zeros(1)) == "cpu"
        with cuda.CompileOnly([]):
            assert kernel(cuda.empty(1)) == "cuda"
    finally:
        del KERNELS[name]


@pytest.mark.sample(1)
@pytest.mark.parametrize("side", [(1 << 15) - 1, 1 << 16])
def test_places_of_more_cells_than_an_int32_counts(side):
    """A map of side + 1 rows and side columns, of which one row or number is in memory."""
    places = side + 1, side
    last = np.array([side]), np.array([side + 1]), np.array([side - 1]), np.array([side])
    one = shapes.PoolWindows(places, (1, 1), *last, (1, 1), np.ones((1, 1)))
    x = np.broadcast_to(np.float32(3), (1, *places, 1))
    for version in ("reference", "cpu"):
        out, index = getattr(KERNELS["pool2d.max_forward"], version)(x, one)
        assert index.item() == side * side + side - 1  # just below 2^30, and above 2^32
        assert out.item() == 3
    gradient = np.full((1, 1, 1, 1), 2, np.float32)
    row = np.zeros(side, np.float32)
    columns = one.column_start, one.column_end, 1
    shared = np.lib.stride_tricks.as_strided(row, (1, *places, 1), (0, 0, 4, 0))
    pool2d._max_backward_loop(gradient, index, one.row_first, one.row_last, *columns, shared)
    assert row.sum() == row[-1] == 2
    assert index.dtype == (np.int32 if side < 1 << 15 else np.int64)


@pytest.mark.parametrize("kernel", ["softmax", "log_softmax"])
def test_an_answer_does_not_depend_on_the_images_beside_it(kernel):
    x = np.random.default_rng(0).standard_normal((10, 50)).astype(np.float32)
    of_all = getattr(softmax, kernel)(x)
    for array in (np.asfortranarray(x), np.concatenate([x, x], 1)):
        np.testing.assert_array_equal(getattr(softmax, kernel)(array)[:, :50], of_all)
    for column in range(50):
        alone = getattr(softmax, kernel)(x[:, column : column + 1].copy())
        np.testing.assert_array_equal(alone[:, 0], of_all[:, column])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize(("outputs", "inputs"), [(1, 1), (7, 33), (8, 5), (9, 400), (300, 784)])
def test_a_dense_layer_gives_an_image_the_same_bits_alone_as_among_others(
    outputs, inputs, relu, dtype
):
    rng = np.random.default_rng(0)
    x, weight, bias = (
        numbers(rng, shape, dtype) for shape in ((inputs, 37), (outputs, inputs), (outputs,))
    )
    many = dense.forward(x, weight, bias, relu)
    for image in (0, 36):
        alone = dense.forward(np.ascontiguousarray(x[:, image : image + 1]), weight, bias, relu)
        assert np.array_equal(alone[:, 0], many[:, image])


@pytest.mark.parametrize(
    ("channels", "outputs", "groups", "kernel", "stride"),
    [(6, 6, 6, 3, 1), (6, 12, 6, 5, 2), (1, 2, 1, 3, 1), (4, 8, 1, 3, 2), (4, 8, 1, 1, 2)],
)
def test_a_convolution_gives_an_image_the_same_bits_alone_as_among_others(
    channels, outputs, groups, kernel, stride
):
    # Depthwise; a filter; strides, for which whole maps of few images are one run; all normalised.
    sides = (kernel // 2,) * 4
    g = shapes.conv2d_geometry(
        channels, outputs, (23, 19), (kernel,) * 2, (stride,) * 2, sides, (1, 1), groups
    )
    rng = np.random.default_rng(0)
    x, weight, bias = (
        numbers(rng, shape, np.float32)
        for shape in ((channels, 23, 19, 37), g.weight_shape, (outputs,))
    )
    norm = tuple(numbers(rng, (2, outputs), np.float32))
    many = conv2d.forward(x, weight, bias, g, True, norm)
    for image in (0, 36):
        one = np.ascontiguousarray(x[..., image : image + 1])
        alone = conv2d.forward(one, weight, bias, g, True, norm)
        assert np.array_equal(alone[..., 0], many[..., image])


@pytest.mark.parametrize(("channels", "outputs", "side", "kernel"), [(3, 8, 14, 3), (32, 64, 7, 5)])
def test_where_bits_of_an_image_alone_differ_they_are_the_last_ones(
    channels, outputs, side, kernel
):
    """Stride 1, padding and several channels: docs/speed.md says by how much."""
    ends = (kernel // 2,) * 4
    g = shapes.conv2d_geometry(channels, outputs, (side,) * 2, (kernel,) * 2, (1, 1), ends)
    rng = np.random.default_rng(0)
    arrays = [
        numbers(rng, shape, np.float32)
        for shape in ((channels, side, side, 64), g.weight_shape, (outputs,))
    ]
    many, magnitudes = (
        conv2d.forward(*each, g, False)[..., 0] for each in (arrays, [np.abs(a) for a in arrays])
    )
    alone = conv2d.forward(np.ascontiguousarray(arrays[0][..., :1]), *arrays[1:], g, False)[..., 0]
    assert (np.abs(alone - many) <= 6 * np.spacing(magnitudes)).all()


@pytest.mark.parametrize("pool", [pool2d.max_forward, pool2d.average_forward])
def test_a_pooled_image_has_the_same_bits_alone_as_among_others(pool):
    x = numbers(np.random.default_rng(0), (5, 7, 7, 37), np.float32)
    windows = shapes.adaptive_pool_windows((7, 7), (1, 3))
    many, alone = (pool(a, windows) for a in (x, np.ascontiguousarray(x[..., 36:])))
    if pool is pool2d.max_forward:  # and where it was
        assert np.array_equal(alone[1][..., 0], many[1][..., 36])
        many, alone = many[0], alone[0]
    assert np.array_equal(alone[..., 0], many[..., 36])
