"""Forward and backward of every operation, layer and optimiser against PyTorch."""

import inspect
import math

import matplotlib.figure
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with")

import convlab  # noqa: E402
from convlab import functional as F  # noqa: E402
from convlab import nn, optim  # noqa: E402
from convlab.errors import ShapeError, SpecError  # noqa: E402
from convlab.kernels import cuda  # noqa: E402
from convlab.kernels.dispatch import to_device  # noqa: E402
from convlab.tensors import Tensor  # noqa: E402

TF = torch.nn.functional
torch.set_num_threads(1)  # two pools of threads would wait for each other
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
PLACE = ["cpu"]  # where our tensors are
# More than one vector of lanes; in the simulator, which is slow, more than one block of threads.
MANY = 5 if cuda.SIMULATED else 17


@pytest.fixture
def place(device):
    """Our side of a comparison is computed on ``device``."""
    PLACE[0] = device
    yield
    PLACE[0] = "cpu"


ON_EACH_DEVICE = pytest.mark.usefixtures("place")


def thorough(examples):
    examples = 4 if cuda.SIMULATED else examples
    return settings(max_examples=examples, deadline=None, derandomize=True, print_blob=True)


# --- the comparison ---------------------------------------------------------------------


def assert_close(actual, expected, what="values"):
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, what
    assert actual.dtype == expected.dtype, what
    tolerance = 1e-4 if expected.dtype == np.float32 else 1e-10
    finite = expected[np.isfinite(expected)]
    largest = max(1, np.abs(finite).max(initial=0))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * largest, err_msg=what)


def lay_out(array, layout):
    """The same numbers in another order in memory, on the device."""
    if layout == "plain" or array.ndim == 0:
        return to_device(np.array(array, order="C"), PLACE[0])
    if layout == "batch innermost":
        return np.moveaxis(to_device(np.moveaxis(array, 0, -1).copy(), PLACE[0]), -1, 0)
    if layout == "with gaps":
        wide = np.full((*array.shape[:-1], 2 * array.shape[-1]), np.nan, array.dtype)
        wide[..., ::2] = array
        return to_device(wide, PLACE[0])[..., ::2]
    return to_device(array[::-1].copy(), PLACE[0])[::-1]  # backwards


LAYOUTS = ("plain", "batch innermost", "with gaps", "backwards")


def parity(ours, theirs, *arrays, layout="plain", seed=0):
    """Results and the gradients of all arrays agree, for a random gradient of the result."""
    tensors = [Tensor(lay_out(a, layout), requires_grad=True) for a in arrays]
    others = [torch.tensor(np.array(a), requires_grad=True) for a in arrays]
    result, expected = ours(*tensors), theirs(*others)
    assert_close(result.numpy(), expected.detach().numpy(), "result")
    gradient = numbers(result.dtype, *result.shape, seed=seed + 99)
    result.backward(lay_out(gradient, layout))
    expected.backward(torch.tensor(gradient))
    for number, (tensor, other) in enumerate(zip(tensors, others, strict=True)):
        gradient = to_device(tensor.grad, "cpu")
        assert_close(gradient, other.grad.numpy(), f"gradient of argument {number}")


def numbers(dtype, *shape, seed=0, scale=1.0):
    return np.asarray(np.random.default_rng(seed).standard_normal(shape) * scale, dtype)


COVERED = set()


def covers(*names):
    """Say which operations of ``functional`` a test compares with PyTorch."""
    COVERED.update(names)
    return lambda test: test


def public_functions(module):
    return {
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and name[0] != "_"
    }


def test_every_function_is_compared():
    assert public_functions(F) - {"_images"} == COVERED


# --- convolution --------------------------------------------------------------------------

CONVOLUTIONS = {
    # name: (input, weight, settings)
    "plain": ((2, 3, 7, 6), (4, 3, 3, 3), {}),
    "batch of 1": ((1, 2, 5, 5), (5, 2, 3, 3), {}),
    "many images": ((MANY, 2, 6, 5), (4, 2, 3, 2), {"padding": 1}),
    "1 x 1 image": ((3, 4, 1, 1), (6, 4, 1, 1), {}),
    "1 x 1 image, padded": ((2, 2, 1, 1), (3, 2, 3, 3), {"padding": 1}),
    "1 x 1 kernel": ((2, 5, 4, 3), (7, 5, 1, 1), {}),
    "1 x 1 kernel, stride": ((2, 5, 5, 4), (4, 5, 1, 1), {"stride": 2}),
    "stride": ((2, 3, 8, 9), (4, 3, 3, 3), {"stride": (2, 3), "padding": (1, 2)}),
    "stride over the kernel": ((2, 2, 9, 9), (3, 2, 2, 2), {"stride": 4}),
    "rectangular": ((2, 2, 6, 9), (3, 2, 2, 5), {"stride": (1, 2), "padding": (0, 3)}),
    "dilation": ((2, 2, 9, 9), (4, 2, 3, 3), {"dilation": (2, 3), "padding": 2}),
    "dilation and stride": ((2, 2, 9, 9), (4, 2, 3, 3), {"dilation": 2, "stride": 3, "padding": 4}),
    "groups": ((2, 6, 5, 5), (4, 3, 3, 3), {"groups": 2, "padding": 1}),
    "depthwise": ((2, 4, 6, 6), (8, 1, 3, 3), {"groups": 4, "stride": 2, "padding": 1}),
    "padding over the kernel": ((1, 2, 3, 3), (2, 2, 2, 2), {"padding": 5}),
    "same": ((2, 2, 6, 5), (3, 2, 3, 4), {"padding": "same"}),
    "same, dilated": ((2, 2, 6, 7), (3, 2, 3, 4), {"padding": "same", "dilation": (2, 3)}),
    "valid": ((2, 2, 6, 5), (3, 2, 3, 4), {"padding": "valid"}),
    "one image": ((3, 6, 5), (4, 3, 3, 3), {"padding": 1, "stride": 2}),
}


@ON_EACH_DEVICE
@covers("conv2d")
@DTYPES
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_conv2d(case, dtype):
    shape, weight, options = CONVOLUTIONS[case]
    x, w, b = numbers(dtype, *shape), numbers(dtype, *weight, seed=1), numbers(dtype, weight[0])
    parity(lambda *a: F.conv2d(*a, **options), lambda *a: TF.conv2d(*a, **options), x, w, b)
    parity(lambda *a: F.conv2d(*a, **options), lambda *a: TF.conv2d(*a, **options), x, w)


@ON_EACH_DEVICE
@DTYPES
@pytest.mark.parametrize("sides", [(0, 1, 2, 3), (3, 0, 0, 1), (0, 0, 5, 0)], ids=str)
def test_conv2d_with_four_sides_of_padding(sides, dtype):
    top, bottom, left, right = sides
    x, w = numbers(dtype, 2, 2, 5, 4), numbers(dtype, 3, 2, 3, 2, seed=1)
    parity(
        lambda x, w: F.conv2d(x, w, None, 2, sides),
        lambda x, w: TF.conv2d(TF.pad(x, (left, right, top, bottom)), w, None, 2),
        x,
        w,
    )


@ON_EACH_DEVICE
@DTYPES
@pytest.mark.parametrize("layout", LAYOUTS[1:])
@pytest.mark.parametrize("case", ["plain", "stride", "1 x 1 kernel", "depthwise"])
def test_conv2d_of_arrays_that_lie_otherwise(case, layout, dtype):
    shape, weight, options = CONVOLUTIONS[case]
    x, w, b = numbers(dtype, *shape), numbers(dtype, *weight, seed=1), numbers(dtype, weight[0])
    parity(
        lambda *a: F.conv2d(*a, **options),
        lambda *a: TF.conv2d(*a, **options),
        x,
        w,
        b,
        layout=layout,
    )


def small_pairs(least, most):
    return st.tuples(st.integers(least, most), st.integers(least, most))


@st.composite
def convolutions(draw):
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    inputs, outputs = (groups * draw(st.integers(1, 5)) for _ in range(2))
    kernel, dilation, stride = (draw(small_pairs(1, most)) for most in (5, 3, 5))
    padding = draw(small_pairs(0, 6))
    size = [
        draw(st.integers(least, least + 5))
        for least in (
            max(1, (k - 1) * d + 1 - 2 * p)
            for k, d, p in zip(kernel, dilation, padding, strict=True)
        )
    ]
    batch = draw(st.sampled_from([1, 2, 3, MANY]))
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return (batch, inputs, *size), (outputs, inputs // groups, *kernel), options


@ON_EACH_DEVICE
@thorough(150)
@given(convolutions(), st.integers(0, 2**32 - 1), st.sampled_from(LAYOUTS))
def test_conv2d_of_any_kind(case, seed, layout):
    shape, weight, options = case
    parity(
        lambda *a: F.conv2d(*a, **options),
        lambda *a: TF.conv2d(*a, **options),
        numbers(np.float64, *shape, seed=seed),
        numbers(np.float64, *weight, seed=seed + 1),
        numbers(np.float64, weight[0], seed=seed + 2),
        layout=layout,
    )


TRANSPOSED = {
    "plain": ((2, 3, 4, 5), (3, 4, 3, 3), {}),
    "stride": ((2, 3, 4, 3), (3, 2, 3, 3), {"stride": 2, "padding": 1}),
    "output padding": ((2, 3, 4, 3), (3, 2, 3, 3), {"stride": (2, 3), "output_padding": (1, 2)}),
    "output padding by dilation": (
        (1, 2, 3, 3),
        (2, 2, 2, 2),
        {"dilation": 3, "output_padding": 2},
    ),
    "groups": ((2, 4, 3, 3), (4, 3, 2, 2), {"groups": 2, "stride": 2}),
    "depthwise": ((2, 3, 3, 4), (3, 2, 3, 2), {"groups": 3, "stride": 2, "padding": 1}),
    "dilation": ((2, 2, 4, 4), (2, 3, 3, 2), {"dilation": (2, 3), "stride": 2, "padding": (1, 2)}),
    "stride over the kernel": ((2, 2, 3, 3), (2, 3, 1, 2), {"stride": 3, "output_padding": 2}),
    "many images": (
        (MANY, 2, 3, 3),
        (2, 5, 3, 3),
        {"stride": 2, "padding": 1, "output_padding": 1},
    ),
    "1 x 1 image": ((2, 3, 1, 1), (3, 4, 4, 4), {}),
    "1 x 1 kernel": ((2, 3, 4, 4), (3, 5, 1, 1), {}),
    "one image": ((3, 4, 5), (3, 4, 3, 3), {"stride": 2}),
}


@ON_EACH_DEVICE
@covers("conv_transpose2d")
@DTYPES
@pytest.mark.parametrize("layout", ["plain", "batch innermost", "with gaps"])
@pytest.mark.parametrize("case", TRANSPOSED)
def test_conv_transpose2d(case, layout, dtype):
    shape, weight, options = TRANSPOSED[case]
    outputs = weight[1] * options.get("groups", 1)
    x, w, b = numbers(dtype, *shape), numbers(dtype, *weight, seed=1), numbers(dtype, outputs)
    ours, theirs = F.conv_transpose2d, TF.conv_transpose2d
    for arrays in ((x, w, b), (x, w)):
        parity(
            lambda *a: ours(*a, **options),
            lambda *a: theirs(*a, **options),
            *arrays,
            layout=layout,
        )


# --- padding ------------------------------------------------------------------------------


@ON_EACH_DEVICE
@covers("pad")
@DTYPES
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (MANY, 1, 4, 4), (3, 4, 5)], ids=str)
@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
@pytest.mark.parametrize(
    "sides", [(1, 2, 3, 0), (3, 3, 2, 3), (-1, 2, 0, -2), (-1, -1, -1, -2), (2, -2, -1, 3)], ids=str
)
def test_pad(sides, mode, shape, dtype):
    parity(
        lambda x: F.pad(x, sides, mode), lambda x: TF.pad(x, sides, mode), numbers(dtype, *shape)
    )


@ON_EACH_DEVICE
@DTYPES
@pytest.mark.parametrize("value", [0.0, 2.5, -1.0])
@pytest.mark.parametrize("sides", [(1, 2), (3, 0, 0, 2), (-1, 2)], ids=str)
def test_pad_with_a_value(sides, value, dtype):
    x = numbers(dtype, 2, 3, 4, 5)
    parity(
        lambda x: F.pad(x, sides, "constant", value),
        lambda x: TF.pad(x, sides, "constant", value),
        x,
        layout="batch innermost",
    )


RESIZED = [
    {"size": (3, 9)},
    {"size": 7},
    {"scale_factor": 2},
    {"scale_factor": (2.5, 0.6)},
    {"size": (1, 6), "mode": "bilinear"},
    {"scale_factor": 2, "mode": "bilinear"},
    {"scale_factor": (1.7, 0.4), "mode": "bilinear", "align_corners": False},
    {"size": (7, 1), "mode": "bilinear", "align_corners": True},
    {"scale_factor": 3.0, "mode": "bilinear", "align_corners": True},
]


@ON_EACH_DEVICE
@covers("interpolate")
@DTYPES
@pytest.mark.parametrize("options", RESIZED, ids=str)
def test_interpolate(options, dtype):
    for shape in ((2, 3, 4, 5), (1, 1, 3, 3), (1, 2, 5, 3)):
        parity(
            lambda x: F.interpolate(x, **options),
            lambda x: TF.interpolate(x, **options),
            numbers(dtype, *shape),
        )


@ON_EACH_DEVICE
@covers("pixel_shuffle", "channel_shuffle")
@DTYPES
def test_shuffles(dtype):
    for factor in (1, 2, 3):
        x = numbers(dtype, 2, 36, 3, 2)
        parity(
            lambda x, f=factor: F.pixel_shuffle(x, f), lambda x, f=factor: TF.pixel_shuffle(x, f), x
        )
        ours = F.channel_shuffle(Tensor(lay_out(x, "plain")), factor).numpy()
        assert_close(ours, torch.nn.ChannelShuffle(factor)(torch.tensor(x)).numpy())
    with pytest.raises(
        ShapeError, match="^pixel_shuffle: expected channels that 25 divides, got 36"
    ):
        F.pixel_shuffle(Tensor(x), 5)
    with pytest.raises(
        ShapeError, match="^channel_shuffle: expected channels that 5 divides, got 36"
    ):
        F.channel_shuffle(Tensor(x), 5)


@ON_EACH_DEVICE
@covers("layer_norm", "group_norm", "local_response_norm")
@DTYPES
@pytest.mark.parametrize("layout", ["plain", "batch innermost"])
def test_other_normalisations(layout, dtype):
    x, w, b = numbers(dtype, 3, 4, 3, 2) + dtype(2), numbers(dtype, 4), numbers(dtype, 4, seed=1)
    for groups in (1, 2, 4):
        settings = {"num_groups": groups, "eps": 0.01}
        for affine in ((), (w, b)):
            parity(
                lambda x, *a, s=settings: F.group_norm(
                    x, weight=a[0] if a else None, bias=a[1] if a else None, **s
                ),
                lambda x, *a, s=settings: TF.group_norm(
                    x, weight=a[0] if a else None, bias=a[1] if a else None, **s
                ),
                *(x, *affine),
                layout=layout,
            )
    for shape in ((2,), (3, 2), (4, 3, 2)):
        affine = numbers(dtype, *shape), numbers(dtype, *shape, seed=1)
        parity(
            lambda x, *a, s=shape: F.layer_norm(x, s, *a),
            lambda x, *a, s=shape: TF.layer_norm(x, s, *a),
            *(x, *affine),
            layout=layout,
        )
    for size in (1, 2, 3, 5):
        parity(
            lambda x, n=size: F.local_response_norm(x, n, 0.5, 0.6, 1.5),
            lambda x, n=size: TF.local_response_norm(x, n, 0.5, 0.6, 1.5),
            x,
            layout=layout,
        )


@ON_EACH_DEVICE
@covers("shortcut2d")
@DTYPES
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("channels", [3, 4, 6])
def test_shortcut2d(channels, stride, dtype):
    before, behind = (channels - 3) // 2, channels - 3 - (channels - 3) // 2
    parity(
        lambda x: F.shortcut2d(x, channels, stride),
        lambda x: TF.pad(x[..., ::stride, ::stride], (0, 0, 0, 0, before, behind)),
        numbers(dtype, 2, 3, 5, 4),
    )
    with pytest.raises(ShapeError, match="^shortcut2d: expected out_channels of at least the inpu"):
        F.shortcut2d(Tensor(np.zeros((2, 3, 4, 4), dtype)), 2)


@ON_EACH_DEVICE
@covers("cat")
@DTYPES
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dim", [0, 1, 2, 3, -1])
def test_cat(dim, layout, dtype):
    shapes = [[2, 3, 4, 5] for _ in range(3)]
    for shape, length in zip(shapes, (1, 4, 2), strict=True):
        shape[dim] = length
    parity(
        lambda *tensors: F.cat(tensors, dim),
        lambda *tensors: torch.cat(tensors, dim),
        *(numbers(dtype, *shape, seed=at) for at, shape in enumerate(shapes)),
        layout=layout,
    )


# --- pooling ------------------------------------------------------------------------------

POOLINGS = {
    "plain": ((2, 3, 6, 8), {"kernel_size": 2}),
    "what is left over": ((2, 3, 7, 5), {"kernel_size": 2}),
    "overlapping": ((2, 3, 7, 8), {"kernel_size": 3, "stride": 2}),
    "padding": ((2, 2, 6, 7), {"kernel_size": 3, "stride": 2, "padding": 1}),
    "rectangular": ((2, 2, 6, 9), {"kernel_size": (2, 5), "stride": (3, 2), "padding": (1, 2)}),
    "ceil": ((2, 2, 6, 8), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    "ceil and padding": (
        (2, 2, 7, 8),
        {"kernel_size": 4, "stride": 3, "padding": 2, "ceil_mode": True},
    ),
    "ceil would start outside": (
        (1, 1, 5, 5),
        {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True},
    ),
    "kernel over the image, ceil": ((1, 2, 2, 3), {"kernel_size": 4, "ceil_mode": True}),
    "stride over the kernel": ((2, 2, 9, 9), {"kernel_size": 2, "stride": 4}),
    "1 x 1 image": ((3, 2, 1, 1), {"kernel_size": 1}),
    "many images": ((MANY, 2, 5, 5), {"kernel_size": 2, "stride": 1}),
    "one image": ((2, 6, 7), {"kernel_size": 3, "stride": 2, "padding": 1}),
}
DILATED = {
    "dilation": ((2, 2, 9, 9), {"kernel_size": 3, "stride": 2, "dilation": 2}),
    "dilation and padding": (
        (2, 2, 9, 8),
        {"kernel_size": (2, 3), "stride": 1, "padding": 1, "dilation": (3, 2)},
    ),
    "dilation, padding and ceil": (
        (2, 2, 8, 9),
        {"kernel_size": 4, "stride": 3, "padding": 2, "dilation": 2, "ceil_mode": True},
    ),
}


@ON_EACH_DEVICE
@covers("max_pool2d")
@DTYPES
@pytest.mark.parametrize("layout", ["plain", "batch innermost", "with gaps"])
@pytest.mark.parametrize("case", POOLINGS | DILATED)
def test_max_pool2d(case, layout, dtype):
    shape, options = (POOLINGS | DILATED)[case]
    x = numbers(dtype, *shape)
    parity(
        lambda x: F.max_pool2d(x, **options),
        lambda x: TF.max_pool2d(x, **options),
        x,
        layout=layout,
    )
    ties = np.random.default_rng(1).integers(-1, 2, shape).astype(dtype)
    parity(lambda x: F.max_pool2d(x, **options), lambda x: TF.max_pool2d(x, **options), ties)
    for array in (x, ties):
        here = Tensor(lay_out(array, "plain"))
        ours, winners = F.max_pool2d(here, **options, return_indices=True)
        theirs, expected = TF.max_pool2d(torch.tensor(array), **options, return_indices=True)
        assert_close(ours.numpy(), theirs.numpy())
        assert winners.dtype == np.int32
        np.testing.assert_array_equal(winners, expected.numpy())


@ON_EACH_DEVICE
@pytest.mark.parametrize("at", [(0, 0), (1, 2), (3, 3)])
def test_max_pool2d_of_nan(at):
    x = numbers(np.float64, 2, 2, 5, 5)
    x[(0, 1, *at)] = np.nan
    ours = F.max_pool2d(Tensor(lay_out(x, "plain")), 3, 2).numpy()
    theirs = TF.max_pool2d(torch.tensor(x), 3, 2).numpy()
    assert np.isnan(theirs).any()
    np.testing.assert_array_equal(ours, theirs)


@ON_EACH_DEVICE
@covers("avg_pool2d")
@DTYPES
@pytest.mark.parametrize("divisor", [None, 1, 7, -2])
@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize("case", POOLINGS)
def test_avg_pool2d(case, count_include_pad, divisor, dtype):
    shape, options = POOLINGS[case]
    options = options | {"count_include_pad": count_include_pad, "divisor_override": divisor}
    x = numbers(dtype, *shape)
    parity(lambda x: F.avg_pool2d(x, **options), lambda x: TF.avg_pool2d(x, **options), x)


@ON_EACH_DEVICE
@DTYPES
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_pooling_padded_on_each_side_by_itself(ceil_mode, dtype):
    """As of maps that were padded before, (left, right, top, bottom) in PyTorch."""
    x = numbers(dtype, 2, 3, 8, 7)
    options = {"kernel_size": (3, 4), "stride": 2, "ceil_mode": ceil_mode}
    sides = {"padding": (1, 0, 2, 1)}  # top, bottom, left, right

    def padded(x, value):
        return TF.pad(x, (2, 1, 1, 0), value=value)

    parity(
        lambda x: F.max_pool2d(x, **options, **sides),
        lambda x: TF.max_pool2d(padded(x, -math.inf), **options),
        x,
    )
    if not ceil_mode:
        parity(
            lambda x: F.avg_pool2d(x, **options, **sides),
            lambda x: TF.avg_pool2d(padded(x, 0), **options),
            x,
        )
    parity(
        lambda x: F.avg_pool2d(x, **options, **sides, count_include_pad=False),
        lambda x: (
            TF.avg_pool2d(padded(x, 0), **options, divisor_override=1)
            / TF.avg_pool2d(padded(torch.ones_like(x), 0), **options, divisor_override=1)
        ),
        x,
    )


@ON_EACH_DEVICE
@covers("avg_pool2d")
@DTYPES
def test_average_with_dilation_is_a_convolution(dtype):
    x = numbers(dtype, MANY, 3, 9, 8)
    ones = torch.ones((3, 1, 3, 2), dtype=getattr(torch, np.dtype(dtype).name)) / 6
    settings = {"stride": (1, 2), "padding": 1, "dilation": (2, 3)}
    parity(
        lambda x: F.avg_pool2d(x, (3, 2), **settings),
        lambda x: TF.conv2d(x, ones, groups=3, **settings),
        x,
    )


@st.composite
def poolings(draw):
    kernel, stride, dilation = (draw(small_pairs(1, most)) for most in (5, 5, 3))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    size = []
    for k, d, p in zip(kernel, dilation, padding, strict=True):
        # PyTorch writes outside its array where a dilated window steps over the whole image.
        least = max(1, (k - 1) * d + 1 - (p if d == 1 else 0))
        size.append(draw(st.integers(least, least + 8)))
    shape = (draw(st.sampled_from([1, 2, MANY])), draw(st.integers(1, 3)), *size)
    return shape, kernel, stride, padding, dilation, draw(st.booleans())


@ON_EACH_DEVICE
@thorough(150)
@given(poolings(), st.booleans(), st.booleans(), st.sampled_from(LAYOUTS))
def test_pooling_of_any_kind(case, whole_numbers, count_include_pad, layout):
    shape, kernel, stride, padding, dilation, ceil_mode = case
    x = numbers(np.float64, *shape)
    x = np.round(x) if whole_numbers else x
    arguments = (kernel, stride, padding)
    parity(
        lambda x: F.max_pool2d(x, *arguments, dilation, ceil_mode),
        lambda x: TF.max_pool2d(x, *arguments, dilation, ceil_mode),
        x,
        layout=layout,
    )
    parity(
        lambda x: F.avg_pool2d(x, *arguments, ceil_mode, count_include_pad),
        lambda x: TF.avg_pool2d(x, *arguments, ceil_mode, count_include_pad),
        x,
        layout=layout,
    )


@ON_EACH_DEVICE
@covers("adaptive_avg_pool2d", "adaptive_max_pool2d")
@DTYPES
@pytest.mark.parametrize(
    "output", [1, 2, 3, 6, (3, 4), (1, 6), (None, 2), (5, None), (7, 9)], ids=str
)
@pytest.mark.parametrize("shape", [(2, 3, 5, 6), (MANY, 2, 5, 5), (2, 1, 1), (2, 7, 4)], ids=str)
def test_adaptive_pooling(shape, output, dtype):
    x = numbers(dtype, *shape)
    for name in ("adaptive_avg_pool2d", "adaptive_max_pool2d"):
        ours, theirs = getattr(F, name), getattr(TF, name)
        for layout in ("plain", "batch innermost"):
            parity(lambda x: ours(x, output), lambda x: theirs(x, output), x, layout=layout)  # noqa: B023
    here = Tensor(lay_out(x, "plain"))
    _, winners = F.adaptive_max_pool2d(here, output, return_indices=True)
    _, expected = TF.adaptive_max_pool2d(torch.tensor(x), output, return_indices=True)
    np.testing.assert_array_equal(winners, expected.numpy())


# --- dense layers and activations ------------------------------------------------------------


@ON_EACH_DEVICE
@covers("batch_norm")
@DTYPES
@pytest.mark.parametrize("layout", ["plain", "batch innermost"])
@pytest.mark.parametrize("shape", [(MANY, 3, 4, 3), (1, 2, 5, 4), (2, 3, 1, 1), (4, 2), (3, 2, 5)])
@pytest.mark.parametrize("kept", ["both", "statistics", "affine", "neither"])
def test_batch_norm(kept, shape, layout, dtype):
    """In training and in evaluation, with what moves the running statistics."""
    x, weight, bias = (
        numbers(dtype, *shape, scale=3) + dtype(5),
        *(numbers(dtype, shape[1], seed=seed) for seed in (1, 2)),
    )
    mean, variance = numbers(dtype, shape[1], seed=3), np.abs(numbers(dtype, shape[1], seed=4))
    affine = (weight, bias) if kept in ("both", "affine") else ()
    tracked = (mean, variance) if kept in ("both", "statistics") else ()
    for training in (True, False) if tracked else (True,):
        ours = [Tensor(lay_out(a, "plain")) for a in tracked] or [None, None]
        theirs = [torch.tensor(a) for a in tracked] or [None, None]
        options = {"training": training, "momentum": 0.3, "eps": 0.01}
        parity(
            lambda x, *a, ours=ours, options=options: F.batch_norm(x, *ours, *a, **options),
            lambda x, *a, theirs=theirs, options=options: TF.batch_norm(x, *theirs, *a, **options),
            *(x, *affine),
            layout=layout,
        )
        for own, other, before in zip(ours, theirs, tracked, strict=False):
            assert_close(own.numpy(), other.numpy(), "running")
            assert training != np.array_equal(own.numpy(), before)


@ON_EACH_DEVICE
@DTYPES
@pytest.mark.parametrize("momentum", [0.1, None])
def test_batch_norm_trained_for_twenty_steps(momentum, dtype):
    ours, theirs = nn.BatchNorm2d(3, momentum=momentum), torch.nn.BatchNorm2d(3, momentum=momentum)
    ours.astype(dtype).to(PLACE[0])
    theirs = theirs.to(torch.tensor(np.zeros(0, dtype)).dtype)
    rates = optim.SGD(ours.parameters(), 0.1), torch.optim.SGD(theirs.parameters(), 0.1)
    for step in range(20):
        x = numbers(dtype, 4, 3, 2, 5, seed=step, scale=2) + dtype(step)
        wanted = numbers(dtype, *x.shape, seed=step + 100)
        for layer, optimizer, tensor in zip(
            (ours, theirs), rates, (Tensor, torch.tensor), strict=True
        ):
            optimizer.zero_grad()
            away = layer(tensor(to_device(x, PLACE[0]) if layer is ours else x)) - (
                Tensor(to_device(wanted, PLACE[0])) if layer is ours else torch.tensor(wanted)
            )
            (away * away).mean().backward()
            optimizer.step()
    own, other = ours.state_dict(), theirs.state_dict()
    assert list(own) == list(other) and own["num_batches_tracked"] == 20
    for name, value in own.items():
        assert_close(value, other[name].numpy(), name)
    x = numbers(dtype, 2, 3, 4, 4)
    parity(ours.eval(), theirs.eval(), x)
    theirs.load_state_dict({name: torch.tensor(value) for name, value in own.items()})
    ours.load_state_dict({name: value.numpy() for name, value in other.items()})


@DTYPES
def test_batch_norm_where_numbers_are_few_or_far_from_0(dtype):
    one = np.zeros((1, 3, 1, 1), dtype)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        torch.nn.BatchNorm2d(3)(torch.tensor(one))
    layer = nn.BatchNorm2d(3).astype(dtype)
    with pytest.raises(ShapeError, match=r"^batch_norm: expected more than one number per channel"):
        layer(Tensor(one))
    assert layer.num_batches_tracked.item() == 0  # nothing has happened
    parity(layer.eval(), lambda x: x / math.sqrt(1 + 1e-5), one + 1)
    for count, layer in ((0, nn.BatchNorm2d(3)), (0, torch.nn.BatchNorm2d(3))):
        tensor = Tensor if isinstance(layer, nn.Module) else torch.tensor
        assert layer(tensor(np.zeros((count, 3, 2, 2), np.float32))).shape == (0, 3, 2, 2)
        np.testing.assert_array_equal(np.asarray(layer.running_mean), 0)
        assert layer.num_batches_tracked.item() == 1
    # Digits that a sum of squares would lose: the spread is a millionth of the mean.
    far = 1000 + 1e-3 * np.random.default_rng(0).standard_normal((8, 1, 30, 30))
    y = F.batch_norm(Tensor(far.astype(dtype)), None, None, training=True, eps=0).numpy()
    given = far.astype(dtype).astype(float)
    np.testing.assert_allclose(y, (given - given.mean()) / given.std(), atol=0.05)


@ON_EACH_DEVICE
@covers("linear")
@DTYPES
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "shape", [(3, 5), (1, 5), (MANY, 5), (5,), (2, 3, 5), (2, 1, 4, 5)], ids=str
)
def test_linear(shape, layout, dtype):
    x, w, b = numbers(dtype, *shape), numbers(dtype, 6, 5, seed=1), numbers(dtype, 6, seed=2)
    parity(F.linear, TF.linear, x, w, b, layout=layout)
    parity(F.linear, TF.linear, x, w, layout=layout)


ACTIVATIONS = {
    "relu": (F.relu, torch.relu),
    "sigmoid": (F.sigmoid, torch.sigmoid),
    "tanh": (F.tanh, torch.tanh),
    # 1.7159 tanh(2 x / 3): LeCun et al. 1998, appendix A
    "scaled_tanh": (F.scaled_tanh, lambda x: 1.7159 * torch.tanh(x * (2 / 3))),
}


@ON_EACH_DEVICE
@covers("relu", "sigmoid", "tanh", "scaled_tanh")
@DTYPES
@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (2, 3, 4, 5), (0, 3)], ids=str)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name, shape, dtype):
    ours, theirs = ACTIVATIONS[name]
    for layout in LAYOUTS:
        parity(ours, theirs, numbers(dtype, *shape, scale=3), layout=layout)


@ON_EACH_DEVICE
@DTYPES
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_of_large_small_and_special_numbers(name, dtype):
    ours, theirs = ACTIVATIONS[name]
    x = np.array(
        [0, -0.0, 1e-8, -1e-8, 20, -20, 80, -80, 1e4, -1e4, np.inf, -np.inf, np.nan], dtype
    )
    tensor = Tensor(lay_out(x, "plain"), requires_grad=True)
    other = torch.tensor(x, requires_grad=True)
    result, expected = ours(tensor), theirs(other)
    result.backward(np.ones_like(x))
    expected.backward(torch.ones_like(other))
    # Each number by itself: sigmoid(-20) is 2e-9, not 0.
    tolerance = {"rtol": 1e-5, "atol": np.finfo(np.float32).tiny}
    np.testing.assert_allclose(result.numpy(), expected.detach().numpy(), **tolerance)
    gradient = to_device(tensor.grad, "cpu")
    np.testing.assert_allclose(gradient, other.grad.numpy(), rtol=1e-5, atol=1e-6)


@covers("dropout")
@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_dropout(p):
    convlab.manual_seed(3)
    x = Tensor(np.ones((100, 20, 10, 10), np.float32), requires_grad=True)
    y = F.dropout(x, p)
    values, counts = np.unique(y.numpy(), return_counts=True)
    np.testing.assert_allclose(values, [0, 1 / (1 - p)], rtol=1e-6)
    # 200,000 independent draws: five standard deviations
    assert abs(counts[0] / x.size - p) < 5 * math.sqrt(p * (1 - p) / x.size)
    y.backward(np.ones(x.shape, np.float32))
    np.testing.assert_array_equal(x.grad, y.numpy())
    for axis in range(4):  # no place is preferred, neighbours are independent
        dropped = y.numpy() == 0
        others = tuple(i for i in range(4) if i != axis)
        assert np.ptp(dropped.mean(axis=others)) < 0.06
        pairs = dropped & np.roll(dropped, 1, axis)
        assert abs(pairs.mean() - p * p) < 0.005


def test_dropout_masks_depend_on_the_seed_and_the_call_alone():
    x = Tensor(np.ones((6, 3, 5, 5)))
    convlab.manual_seed(7)
    first, second = F.dropout(x).numpy(), F.dropout(x).numpy()
    convlab.manual_seed(7)
    again = F.dropout(x).numpy()
    convlab.manual_seed(8)
    other = F.dropout(x).numpy()
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()
    assert (first != other).any()
    convlab.manual_seed(7)
    laid_otherwise = F.dropout(Tensor(lay_out(x.numpy(), "batch innermost"))).numpy()
    np.testing.assert_array_equal(first, laid_otherwise)


@ON_EACH_DEVICE
@DTYPES
def test_dropout_without_chance(dtype):
    x = numbers(dtype, 3, 4)
    for p, training in [(0.0, True), (0.5, False), (1.0, False), (1.0, True)]:
        parity(
            lambda x: F.dropout(x, p, training) * 1.0,  # noqa: B023
            lambda x: TF.dropout(x, p, training) * 1.0,  # noqa: B023
            x,
        )


# --- softmax and losses -------------------------------------------------------------------


@ON_EACH_DEVICE
@covers("softmax", "log_softmax")
@DTYPES
@pytest.mark.parametrize("scale", [1, 30, 1e4])
@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4, 2)], ids=str)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(name, shape, scale, dtype):
    ours, theirs = getattr(F, name), getattr(TF, name)
    x = numbers(dtype, *shape, scale=scale)
    for dim in range(-len(shape), len(shape)):
        parity(lambda x: ours(x, dim), lambda x: theirs(x, dim), x)  # noqa: B023


def check_cross_entropy(x, target, **options):
    other = torch.tensor(np.asarray(target))
    theirs = {k: torch.tensor(v) if k == "weight" else v for k, v in options.items()}
    parity(
        lambda x: F.cross_entropy(x, target, **options),
        lambda x: TF.cross_entropy(x, other, **theirs),
        x,
    )


@ON_EACH_DEVICE
@covers("cross_entropy")
@DTYPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("shape", [(6, 4), (1, 4), (MANY, 4), (2, 4, 3, 2)], ids=str)
def test_cross_entropy(shape, weighed, smoothing, reduction, dtype):
    rng = np.random.default_rng(5)
    options = {"reduction": reduction, "label_smoothing": smoothing}
    if weighed:
        options["weight"] = rng.uniform(0.2, 3, 4).astype(dtype)
    labels = rng.integers(0, 4, (shape[0], *shape[2:]))
    probabilities = np.moveaxis(rng.dirichlet(np.ones(4), labels.shape), -1, 1).astype(dtype)
    for scale in (1, 1e4):
        x = numbers(dtype, *shape, scale=scale)
        check_cross_entropy(x, labels, **options)
        check_cross_entropy(x, probabilities, **options)
    for ignored in (0, 2, -100):
        some = labels.copy()
        some.flat[::2] = ignored
        some.flat[-1] = 1
        x = numbers(dtype, *shape)
        check_cross_entropy(x, some, ignore_index=ignored, **options)


@ON_EACH_DEVICE
@DTYPES
def test_cross_entropy_of_logits_of_ten_thousand(dtype):
    x = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 0], [0, 0, -1e4]], dtype)
    check_cross_entropy(x, np.array([0, 0, 2]))
    check_cross_entropy(x, np.array([0, 0, 2]), reduction="none", label_smoothing=0.1)


@ON_EACH_DEVICE
@DTYPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy_where_a_class_is_ruled_out(reduction, dtype):
    x = np.array([[0.5, -np.inf, 1], [2, 0, -np.inf]], dtype)
    weight = np.array([1, 2, 3], dtype)
    for options in ({}, {"weight": weight}, {"ignore_index": 1}):
        check_cross_entropy(x, np.array([2, 1]), reduction=reduction, **options)


@ON_EACH_DEVICE
@DTYPES
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weight", [None, [1.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
@pytest.mark.parametrize("labels", [[-100, -100], [1, 1], [-100, 1], [0, -100]], ids=str)
def test_cross_entropy_where_targets_do_not_count(labels, weight, smoothing, dtype):
    """Ignored, of weight zero, or both: value and gradient as in PyTorch, NaN where it has NaN."""
    for shape in ((2, 3), (2, 3, 2)):
        for reduction in ("mean", "sum", "none"):
            x = numbers(dtype, *shape)
            target = np.array(labels) if len(shape) == 2 else np.array([labels, labels[::-1]])
            weights = None if weight is None else np.array(weight, dtype)
            mine = Tensor(lay_out(x, "plain"), requires_grad=True)
            other = torch.tensor(x, requires_grad=True)
            options = {"reduction": reduction, "label_smoothing": smoothing}
            ours = F.cross_entropy(mine, target, weights, **options)
            theirs = TF.cross_entropy(
                other,
                torch.tensor(target),
                None if weight is None else torch.tensor(weights),
                **options,
            )
            ours.sum().backward()
            theirs.sum().backward()
            close = {"rtol": 1e-5, "atol": 1e-6, "equal_nan": True}
            np.testing.assert_allclose(ours.numpy(), theirs.detach().numpy(), **close)
            gradient = to_device(mine.grad, "cpu")
            np.testing.assert_allclose(gradient, other.grad.numpy(), **close)


NEWER_ACTIVATIONS = {
    "leaky_relu": {},
    "leaky_relu, negative": {"negative_slope": -0.5},
    "elu": {},
    "elu, other": {"alpha": 0.3},
    "selu": {},
    "gelu": {},
    "gelu, by tanh": {"approximate": "tanh"},
    "silu": {},
    "relu6": {},
    "hardsigmoid": {},
    "hardswish": {},
    "softplus": {},
    "softplus, other": {"beta": 2.5, "threshold": 5},
}


@ON_EACH_DEVICE
@covers(*{case.partition(",")[0] for case in NEWER_ACTIVATIONS})
@DTYPES
@pytest.mark.parametrize("case", NEWER_ACTIVATIONS)
def test_activation_of_today(case, dtype):
    """Where its parts meet, too, and far from 0."""
    name, options = case.partition(",")[0], NEWER_ACTIVATIONS[case]
    ours, theirs = getattr(F, name), getattr(TF, name)
    if name == "hardsigmoid" and dtype == np.float64:  # PyTorch's sixth is a float32 there

        def theirs(x):
            return TF.relu6(x + 3) / 6

    bends = np.array([0.0, -0.0, 3, -3, 6, 2, -2, 20, 9, 30, -30, 1e4, -1e4], dtype)
    for x in (numbers(dtype, 3, 4, 2, 5, scale=3), numbers(dtype, 7, scale=3), bends):
        parity(lambda x: ours(x, **options), lambda x: theirs(x, **options), x)
    x = numbers(dtype, MANY, 2, 3, 3, scale=3)
    for layout in LAYOUTS:
        parity(lambda x: ours(x, **options), lambda x: theirs(x, **options), x, layout=layout)
    with np.errstate(all="ignore"):
        special = ours(Tensor(np.array([np.nan, np.inf], dtype)), **options).numpy()
    expected = theirs(torch.tensor([np.nan, 1e30]), **options).numpy()
    assert np.isnan(special[0]) and (special[1] > 1e29 or special[1] == expected[1])


@ON_EACH_DEVICE
@covers("prelu")
@DTYPES
@pytest.mark.parametrize("layout", ["plain", "batch innermost"])
@pytest.mark.parametrize("shape", [(MANY, 3, 4, 3), (2, 3), (5,), (1, 3, 2)])
def test_prelu(shape, layout, dtype):
    x = numbers(dtype, *shape)
    x.flat[0] = 0
    for count in {1, shape[1] if len(shape) > 1 else 1}:
        parity(F.prelu, TF.prelu, x, numbers(dtype, count, seed=5), layout=layout)


@ON_EACH_DEVICE
@covers("dropout2d")
def test_dropout2d():
    """Whole maps: each is dropped or scaled, and so is its gradient."""
    x = Tensor(to_device(np.ones((40, 5, 2, 3), np.float32), PLACE[0]), requires_grad=True)
    convlab.manual_seed(0)
    y = F.dropout2d(x, 0.25)
    maps = y.numpy().reshape(200, 6)
    assert (maps == maps[:, :1]).all() and {*maps[:, 0].tolist()} == {0, np.float32(1 / 0.75)}
    assert 0.15 < (maps[:, 0] == 0).mean() < 0.35
    y.backward(np.ones(y.shape, np.float32))
    np.testing.assert_array_equal(to_device(x.grad, "cpu"), y.numpy())
    assert F.dropout2d(x, 0.25, training=False) is x
    assert F.dropout2d(x[0], 0.25).shape == (5, 2, 3)
    assert not F.dropout2d(x, 1.0).numpy().any()


@ON_EACH_DEVICE
@covers("squared_distance")
@DTYPES
@pytest.mark.parametrize("layout", ["plain", "batch innermost"])
def test_squared_distance(layout, dtype):
    x, centres = numbers(dtype, 5, 7), numbers(dtype, 3, 7, seed=1)
    other = torch.tensor(centres)
    parity(
        lambda x: F.squared_distance(x, centres),
        lambda x: ((x[:, None] - other) ** 2).sum(2),
        x,
        layout=layout,
    )


@ON_EACH_DEVICE
@covers("lecun_map_loss")
@DTYPES
@pytest.mark.parametrize("margin", [0.1, 2.0])
def test_lecun_map_loss(margin, dtype):
    """Equation 9 of LeCun et al. 1998: y_target + log(exp(-j) + sum exp(-y))."""
    distances, labels = np.abs(numbers(dtype, 6, 4, scale=3)), np.array([0, 3, 1, 2, 2, 0])

    def published(y):
        inside = math.exp(-margin) + torch.exp(-y).sum(1)
        return (y[torch.arange(6), torch.tensor(labels)] + torch.log(inside)).mean()

    parity(lambda y: F.lecun_map_loss(y, labels, margin), published, distances)


# --- operators and methods of a tensor --------------------------------------------------------

ROWS = np.array([0, 2, 2, 1])
OPERATORS = {
    # name: [(ours, theirs or None for the same, shapes)]
    "__add__": [
        (lambda a, b: a + b, None, [(3, 4), (3, 4)]),
        (lambda a, b: a + b, None, [(2, 3, 4), (3, 1)]),
        (lambda a: a + 2, None, [(3,)]),
        (lambda a: a + a, None, [(3,)]),
    ],
    "__radd__": [(lambda a: 2.5 + a, None, [(3, 4)])],
    "__mul__": [
        (lambda a, b: a * b, None, [(3, 4), (3, 4)]),
        (lambda a, b: a * b, None, [(1, 4), (5, 3, 1)]),
        (lambda a, b: a * b, None, [(2, 2), ()]),
        (lambda a: a * a * a, None, [(3,)]),
    ],
    "__rmul__": [(lambda a: -2 * a, None, [(3, 4)])],
    "__truediv__": [
        (lambda a, b: a / (b * b + 1), None, [(3, 4), (4,)]),
        (lambda a: a / 3, None, [(3, 4)]),
    ],
    "__rtruediv__": [(lambda a: 2 / (a * a + 1), None, [(3, 4)])],
    "__neg__": [(lambda a: -a, None, [(3, 4)])],
    "__sub__": [
        (lambda a, b: a - b, None, [(3, 4), (3, 1)]),
        (lambda a: a - 1.5, None, [(3, 4)]),
    ],
    "__rsub__": [(lambda a: 1.5 - a, None, [(3, 4)])],
    "__pow__": [
        (lambda a: a**2, None, [(3, 4)]),
        (lambda a: a**3.0, None, [(3, 4)]),
        (lambda a: a**1, None, [(3, 4)]),
        (lambda a: a**0, None, [(3, 4)]),
        (lambda a: (a * a + 1) ** -0.5, None, [(3, 4)]),
    ],
    "pow": [(lambda a: (a * a + 1).pow(1.5), None, [(3, 4)])],
    "__matmul__": [
        (lambda a, b: a @ b, None, [(3, 4), (4, 5)]),
        (lambda a, b: a @ b, None, [(4,), (4,)]),
        (lambda a, b: a @ b, None, [(3, 4), (4,)]),
        (lambda a, b: a @ b, None, [(4,), (4, 2)]),
        (lambda a, b: a @ b, None, [(2, 3, 4), (4, 5)]),
        (lambda a, b: a @ b, None, [(3, 4), (2, 4, 5)]),
        (lambda a, b: a @ b, None, [(5, 1, 3, 4), (2, 4, 2)]),
        (lambda a, b: a @ b, None, [(4,), (2, 3, 4, 5)]),
        (lambda a, b: a @ b, None, [(2, 3, 4), (4,)]),
    ],
    "__rmatmul__": [
        (
            lambda a: np.arange(6.0).reshape(2, 3).astype(a.dtype) @ a,
            lambda a: torch.arange(6, dtype=a.dtype).reshape(2, 3) @ a,
            [(3, 4)],
        )
    ],
    "matmul": [(lambda a, b: a.matmul(b), None, [(3, 4), (4, 5)])],
    "__getitem__": [
        (lambda a: a[1], None, [(3, 4)]),
        (lambda a: a[-1, 2], None, [(3, 4)]),
        (lambda a: a[1:, ::2], None, [(3, 4)]),
        (lambda a: a[..., None, 0], None, [(3, 4)]),
        (lambda a: a[ROWS], None, [(3, 4)]),
        (lambda a: a[ROWS, [0, 1, 1, 3]], None, [(3, 4)]),
        (lambda a: a[[0, 0, 0]], None, [(3, 4)]),
        (lambda a: a[np.array([True, False, True])], None, [(3, 4)]),
    ],
    "__iter__": [(lambda a: [row * i for i, row in enumerate(a)][2], None, [(3, 4)])],
    "T": [
        (lambda a: a.T, None, [(3, 4)]),
        (lambda a: a.T, lambda a: a.permute(2, 1, 0), [(2, 3, 4)]),
    ],
    "exp": [(lambda a: a.exp(), None, [(3, 4)])],
    "log": [(lambda a: (a * a + 0.1).log(), None, [(3, 4)])],
    "max": [
        (lambda a: a.max(), lambda a: a.amax(), [(3, 4)]),
        (lambda a: a.max(0), lambda a: a.amax(0), [(3, 4)]),
        (lambda a: a.max(-1, keepdims=True), lambda a: a.amax(-1, keepdim=True), [(3, 4)]),
        (lambda a: a.max((0, 2)), lambda a: a.amax((0, 2)), [(3, 4, 2)]),
    ],
    "mean": [
        (lambda a: a.mean(), None, [(3, 4)]),
        (lambda a: a.mean(1), None, [(3, 4)]),
        (lambda a: a.mean((0, -1), keepdims=True), None, [(3, 4, 2)]),
    ],
    "reshape": [
        (lambda a: a.reshape(2, 6), None, [(3, 4)]),
        (lambda a: a.reshape((-1, 2, 3)), None, [(3, 4)]),
        (lambda a: a.reshape(-1), None, [(3, 4)]),
    ],
    "view": [(lambda a: a.view(2, -1), lambda a: a.reshape(2, -1), [(3, 4)])],
    "flatten": [
        (lambda a: a.flatten(), None, [(3, 4)]),
        (lambda a: a.flatten(1), None, [(2, 3, 4)]),
        (lambda a: a.flatten(-3, 1), None, [(2, 3, 4)]),
        (lambda a: a.sum().flatten(), None, [(2, 3)]),
    ],
    "squeeze": [
        (lambda a: a.squeeze(), None, [(1, 3, 1, 4)]),
        (lambda a: a.squeeze(-2), None, [(1, 3, 1, 4)]),
        (lambda a: a.squeeze(1), None, [(1, 3, 1, 4)]),
    ],
    "unsqueeze": [
        (lambda a: a.unsqueeze(0), None, [(3, 4)]),
        (lambda a: a.unsqueeze(-1), None, [(3, 4)]),
        (lambda a: a.unsqueeze(1), None, [(3, 4)]),
    ],
    "sum": [
        (lambda a: a.sum(), None, [(3, 4)]),
        (lambda a: a.sum(0), None, [(3, 4)]),
        (lambda a: a.sum(axis=(0, -1)), None, [(3, 4, 2)]),
        (lambda a: a.sum(1, keepdims=True), None, [(3, 4)]),
    ],
    "transpose": [
        (lambda a: a.transpose(2, 0, 1), lambda a: a.permute(2, 0, 1), [(3, 4, 2)]),
        (lambda a: a.transpose((0, -1, 1)), lambda a: a.permute(0, 2, 1), [(3, 4, 2)]),
    ],
}


def test_what_is_no_operation():
    x = np.random.default_rng(0).standard_normal((2, 1, 3, 1)).astype(np.float32)
    x[1, 0, 0] = x[1, 0, 2] = x.max() + 1
    ours, theirs = Tensor(x), torch.tensor(x)
    assert ours.numel() == theirs.numel() and ours.argmax() == theirs.argmax().item()
    for dim in (0, 2, -1):
        np.testing.assert_array_equal(ours.argmax(dim), theirs.argmax(dim).numpy())
        assert ours.argmax(dim, True).shape == theirs.argmax(dim, keepdim=True).shape
    for dim in (4, -5, 1.5):
        with pytest.raises(ShapeError):
            ours.argmax(dim)


def test_tensors_from_nothing_are_those_of_pytorch():
    for ours, theirs in (
        (convlab.zeros(2, 3), torch.zeros(2, 3)),
        (convlab.ones((2, 3), dtype="float64"), torch.ones((2, 3), dtype=torch.float64)),
        (convlab.zeros(()), torch.zeros(())),
        (convlab.arange(5), torch.arange(5, dtype=torch.float32)),
        (convlab.arange(1, 2.5, 0.5), torch.arange(1, 2.5, 0.5)),
        (convlab.tensor(1.5), torch.tensor(1.5)),
        (convlab.tensor([[1.5, 2], [3, 4]]), torch.tensor([[1.5, 2], [3, 4]])),
        (convlab.tensor(np.ones(2)), torch.tensor(np.ones(2))),
        (convlab.tensor([np.float64(1)]), torch.tensor([np.float64(1)])),
        (Tensor([1.5, 2]), torch.tensor([1.5, 2])),
        (Tensor(np.float64(2)), torch.tensor(np.float64(2))),
    ):
        assert str(ours.dtype) == str(theirs.dtype).removeprefix("torch.")
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
        assert ours.shape == tuple(theirs.shape)
    array = np.ones(3, np.float32)
    assert convlab.tensor(array, requires_grad=True).requires_grad
    assert not np.shares_memory(convlab.tensor(array).data, array)
    convlab.manual_seed(3)
    values = convlab.randn(4, 500).numpy()
    assert values.dtype == np.float32 and abs(values.mean()) < 0.1 and 0.9 < values.std() < 1.1
    convlab.manual_seed(3)
    np.testing.assert_array_equal(convlab.randn(4, 500).numpy(), values)


def test_a_tensor_is_an_array_to_others():
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    for ours in (Tensor(x), Tensor(x, requires_grad=True)):
        assert np.asarray(ours) is ours.data and np.asarray(ours, float).dtype == float
        assert not np.shares_memory(np.array(ours), x)
        np.testing.assert_array_equal(np.stack([ours, ours]), np.stack([x, x]))
    assert float(Tensor([2.5])) == 2.5 and int(Tensor(7)) == 7
    with pytest.raises(ShapeError, match="expected one element"):
        float(Tensor(x))
    assert repr(Tensor([1.0], True)) == "Tensor([1.], dtype=float32, requires_grad=True)"
    assert repr(Tensor(np.ones(1))) == "Tensor([1.], dtype=float64)"
    figure = matplotlib.figure.Figure()
    shown = figure.add_subplot().imshow(Tensor(x)).get_array()
    np.testing.assert_array_equal(shown, x)


EMPTY = {
    "conv2d": (lambda f, x: f.conv2d(x, x.new_ones((4, 2, 3, 3))), (0, 2, 8, 8)),
    "conv_transpose2d": (
        lambda f, x: f.conv_transpose2d(x, x.new_ones((2, 4, 3, 3))),
        (0, 2, 8, 8),
    ),
    "max_pool2d": (lambda f, x: f.max_pool2d(x, 2), (0, 2, 8, 8)),
    "avg_pool2d": (lambda f, x: f.avg_pool2d(x, 2), (0, 2, 8, 8)),
    "adaptive_avg_pool2d": (lambda f, x: f.adaptive_avg_pool2d(x, 3), (0, 2, 8, 8)),
    "pad": (lambda f, x: f.pad(x, (1, 2, 0, 1)), (0, 2, 8, 8)),
    "linear": (lambda f, x: f.linear(x, x.new_ones((4, 5))), (0, 5)),
    "relu": (lambda f, x: f.relu(x), (0, 5)),
    "dropout": (lambda f, x: f.dropout(x, 0.5), (0, 5)),
    "softmax": (lambda f, x: f.softmax(x, 1), (0, 5)),
    "log_softmax": (lambda f, x: f.log_softmax(x, 1), (0, 5)),
    "sum": (lambda f, x: x.sum(0), (0, 5)),
    "matmul": (lambda f, x: x @ x.new_ones((5, 2)), (0, 5)),
    "flatten": (lambda f, x: x.flatten(1), (0, 2, 8, 8)),
}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_batch_gives_an_empty_result(name):
    operation, shape = EMPTY[name]

    class Ours(Tensor):
        __slots__ = ()
        new_ones = staticmethod(lambda shape: convlab.ones(shape))

    theirs = torch.zeros(shape, requires_grad=True)
    wanted = operation(torch.nn.functional, theirs)
    wanted.sum().backward()
    ours = Ours(np.zeros(shape, np.float32), requires_grad=True)
    got = operation(F, ours)
    assert got.shape == tuple(wanted.shape)
    got.sum().backward()
    assert ours.grad.shape == tuple(theirs.grad.shape)


def test_every_operator_is_compared():
    operations = {
        name
        for name, value in vars(Tensor).items()
        if inspect.isfunction(value) or isinstance(value, property)
    }
    private = {name for name in operations if name[0] == "_" and name[1] != "_"}
    others = {"device", "numpy", "__array__", "item", "__float__", "__int__", "detach", "argmax"}
    others |= {"result", "to", "numel", "__len__", "__repr__", "__init__"}
    assert operations - private - others == OPERATORS.keys()


@ON_EACH_DEVICE
@DTYPES
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", OPERATORS)
def test_operator(name, layout, dtype):
    for ours, theirs, shapes in OPERATORS[name]:
        arrays = [numbers(dtype, *shape, seed=i) for i, shape in enumerate(shapes)]
        parity(ours, theirs or ours, *arrays, layout=layout)


@ON_EACH_DEVICE
@pytest.mark.parametrize("axis", [0, 1, (0, 1)])
def test_equal_maxima_share_the_gradient(axis):
    ties = np.array([[2.0, 2, 1, 2], [0, 0, 0, 0], [1, 2, 2, 0]])
    parity(lambda a: a.max(axis), lambda a: a.amax(axis), ties)


@ON_EACH_DEVICE
def test_operators_on_numbers_that_have_no_finite_result():
    x = np.array([0.0, -1.0, np.inf])
    here = Tensor(lay_out(x, "plain"))
    for name in ("exp", "log"):
        ours = getattr(here, name)().numpy()
        np.testing.assert_array_equal(ours, getattr(torch.tensor(x), name)().numpy())
    ours = (here / Tensor(lay_out(np.zeros(3), "plain"))).numpy()
    np.testing.assert_array_equal(ours, (torch.tensor(x) / torch.zeros(3)).numpy())


@ON_EACH_DEVICE
def test_each_tensor_keeps_its_own_kind_of_float():
    a, b = numbers(np.float32, 3), numbers(np.float64, 3, seed=1)
    ours = [Tensor(lay_out(array, "plain"), requires_grad=True) for array in (a, b)]
    theirs = [torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)]
    (ours[0] * ours[1]).sum().backward()
    (theirs[0] * theirs[1]).sum().backward()
    for mine, other in zip(ours, theirs, strict=True):
        assert_close(to_device(mine.grad, "cpu"), other.grad.numpy())


# --- networks and optimisers --------------------------------------------------------------


def lenet(layers):
    return [
        ("conv1", layers.Conv2d(1, 6, 5, padding=2)),
        ("relu1", layers.ReLU()),
        ("pool1", layers.MaxPool2d(2)),
        ("conv2", layers.Conv2d(6, 16, 5)),
        ("relu2", layers.ReLU()),
        ("pool2", layers.AvgPool2d(2)),
        ("flatten", layers.Flatten()),
        ("fc1", layers.Linear(400, 120)),
        ("relu3", layers.ReLU()),
        ("fc2", layers.Linear(120, 84)),
        ("relu4", layers.ReLU()),
        ("fc3", layers.Linear(84, 10)),
    ]


def test_state_of_a_lenet_carries_over():
    torch.manual_seed(0)
    theirs = torch.nn.Sequential()
    for name, layer in lenet(torch.nn):
        theirs.add_module(name, layer)
    ours = nn.Sequential(dict(lenet(nn)))
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    assert [(name, value.shape) for name, value in ours.state_dict().items()] == [
        (name, value.shape) for name, value in state.items()
    ]
    ours.load_state_dict(state)
    x, labels = numbers(np.float32, 5, 1, 28, 28), np.array([3, 1, 4, 1, 5])
    output, expected = ours(Tensor(x)), theirs(torch.tensor(x))
    assert_close(output.numpy(), expected.detach().numpy())
    F.cross_entropy(output, labels).backward()
    TF.cross_entropy(expected, torch.tensor(labels)).backward()
    gradients = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        assert_close(parameter.grad, gradients[name].grad.numpy(), name)
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})


LAYERS = {
    "Conv2d": ((4, 6, (3, 2)), {"stride": 2, "padding": (1, 2), "dilation": 2, "groups": 2}),
    "Conv2d, circular": ((4, 2, 3), {"padding": (1, 2), "padding_mode": "circular"}),
    "Conv2d, reflect": ((4, 2, 3), {"padding": 2, "padding_mode": "reflect", "bias": False}),
    "Conv2d, same": ((4, 2, (4, 3)), {"padding": "same", "padding_mode": "replicate"}),
    "ConvTranspose2d": ((4, 6, 3), {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2}),
    "ConvTranspose2d, dilated": ((4, 3, (2, 3), 1, 0, 0, 1, False, 2), {}),
    "MaxPool2d": ((3, 2, 1), {"ceil_mode": True}),
    "MaxPool2d, dilated": ((2,), {"dilation": 2}),
    "AvgPool2d": ((3, 2, 1, True, False), {}),
    "AvgPool2d, divisor": ((2,), {"divisor_override": 3}),
    "AdaptiveAvgPool2d": (((2, None),), {}),
    "AdaptiveMaxPool2d": ((3,), {}),
    "BatchNorm2d": ((4,), {}),
    "BatchNorm2d, plain": ((4, 0.1, None, False, False), {}),
    "GroupNorm": ((2, 4), {"eps": 0.1}),
    "GroupNorm, plain": ((4, 4), {"affine": False}),
    "LayerNorm": ((9,), {"bias": False}),
    "LayerNorm, plain": (((9,), 0.1, False), {}),
    "LocalResponseNorm": ((3, 0.1), {}),
    "ZeroPad2d": (((1, 2, 0, -1),), {}),
    "ReflectionPad2d": ((2,), {}),
    "ReplicationPad2d": (((1, 2, 3, 0),), {}),
    "PixelShuffle": ((2,), {}),
    "Upsample": ((), {"scale_factor": 2}),
    "Upsample, bilinear": (((3, 11),), {"mode": "bilinear", "align_corners": True}),
    "ReLU": ((), {}),
    "LeakyReLU": ((0.3,), {}),
    "PReLU": ((4,), {"init": 0.1}),
    "PReLU, one": ((), {}),
    "ELU": ((0.7,), {}),
    "SELU": ((), {}),
    "GELU": ((), {}),
    "GELU, by tanh": (("tanh",), {}),
    "SiLU": ((), {}),
    "ReLU6": ((), {}),
    "Hardswish": ((), {}),
    "Softplus": ((2, 3), {}),
    "Identity": ((), {}),
    "Sigmoid": ((), {}),
    "Tanh": ((), {}),
    "Softmax": ((1,), {}),
    "Flatten": ((), {}),
    "Flatten, some axes": ((1, 2), {}),
    "Linear": ((9, 5), {}),
    "Linear, no bias": ((9, 5, False), {}),
}
SIGNALS = {
    "Conv1d": ((4, 6, 3), {"stride": 2, "padding": (2,), "dilation": 2, "groups": 2}),
    "Conv1d, same": ((4, 2, 4), {"padding": "same", "padding_mode": "replicate", "bias": False}),
    "MaxPool1d": ((3, 2, 1), {"ceil_mode": True}),
    "MaxPool1d, dilated": (((2,),), {"dilation": 3}),
    "AvgPool1d": ((3, 2), {"padding": 1, "ceil_mode": True, "count_include_pad": False}),
    "BatchNorm1d": ((4,), {}),
    "BatchNorm1d, units": ((4, 0.1, None, False), {}),
}


@ON_EACH_DEVICE
@DTYPES
@pytest.mark.parametrize("case", LAYERS | SIGNALS)
def test_layer_with_pytorchs_arguments(case, dtype):
    kind, (arguments, options) = case.partition(",")[0], (LAYERS | SIGNALS)[case]
    ours, theirs = getattr(nn, kind)(*arguments, **options), getattr(torch.nn, kind)
    theirs = theirs(*arguments, **options).to(torch.tensor(np.zeros(0, dtype)).dtype)
    ours.astype(dtype)
    assert {k: v.shape for k, v in ours.state_dict().items()} == {
        k: v.shape for k, v in theirs.state_dict().items()
    }
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    ours.to(PLACE[0])
    if case in LAYERS:
        parity(ours, theirs, numbers(dtype, 3, 4, *((5, 9) if cuda.SIMULATED else (8, 9))))
        return
    signals = (3, 4) if "units" in case else (3, 4, 9)
    for training in (True, False):
        x = numbers(dtype, *signals)
        parity(ours.train(training), theirs.train(training), x)
        if len(signals) == 3:  # an image of one row is the same signal
            row = x[:, :, np.newaxis]
            parity(ours, lambda x: theirs(x.squeeze(2)).unsqueeze(2), row)
    for key, value in theirs.state_dict().items():
        assert_close(ours.state_dict()[key], value.numpy(), key)


def test_state_of_shared_parameters_carries_over():
    """An encoder and a decoder of the same weights: one parameter, which has two names."""

    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)
            self.second.weight = self.first.weight

    class Theirs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
            self.second.weight = self.first.weight

    ours, theirs = Tied(), Theirs()
    assert ours.parameter_count() == sum(p.numel() for p in theirs.parameters()) == 9 + 3 + 3
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    assert ours.first.weight is ours.second.weight
    saved = safetensors.numpy.load(safetensors.numpy.save(ours.state_dict()))
    theirs.load_state_dict({k: torch.tensor(v) for k, v in saved.items()})
    ours.load_state_dict(saved)
    one_name = {k: v for k, v in saved.items() if k != "first.weight"}
    ours.load_state_dict({k: v + 1 for k, v in one_name.items()})
    np.testing.assert_array_equal(ours.first.weight.numpy(), saved["second.weight"] + 1)
    with pytest.raises(SpecError, match="first.weight and second.weight, which are one param"):
        ours.load_state_dict(saved | {"second.weight": saved["second.weight"] + 1})


OPTIMISERS = {
    "SGD": [
        {"lr": 0.1},
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True},
        {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.1},
        {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1, "nesterov": True},
    ],
    "Adam": [
        {},
        {"lr": 0.1, "betas": (0.5, 0.9)},
        {"lr": 0.01, "weight_decay": 0.1, "eps": 1e-3},
    ],
    "AdamW": [{}, {"lr": 0.1, "betas": (0.5, 0.9), "weight_decay": 0.3}],
    "RMSprop": [
        {},
        {"lr": 0.1, "alpha": 0.5, "momentum": 0.9},
        {"weight_decay": 0.1, "eps": 1e-3, "centered": True},
    ],
}


@ON_EACH_DEVICE
@DTYPES
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    ("name", "options"),
    [(name, options) for name, cases in OPTIMISERS.items() for options in cases],
    ids=str,
)
def test_optimiser(name, options, order, dtype):
    starts = [numbers(dtype, 3, 4), numbers(dtype, 2, 3, 2, 2, seed=1), numbers(dtype, 5, seed=2)]

    def here(array):
        return to_device(np.array(array, order=order), PLACE[0])

    ours = [nn.Parameter(here(a)) for a in starts]
    theirs = [torch.nn.Parameter(torch.tensor(a)) for a in starts]
    mine = getattr(optim, name)(ours, **options)
    other = getattr(torch.optim, name)(theirs, **options)
    for step in range(8):
        if step == 5:  # a rate that changes on the way
            mine.rate = other.param_groups[0]["lr"] = 0.02
        for number, (p, q) in enumerate(zip(ours, theirs, strict=True)):
            gradient = numbers(dtype, *p.shape, seed=100 * step + number)
            p.grad, q.grad = here(gradient), torch.tensor(gradient)
        mine.step()
        other.step()
    for p, q, start in zip(ours, theirs, starts, strict=True):
        assert np.abs(p.numpy() - start).min() > 0
        # of the way that was gone
        way = np.abs(q.detach().numpy() - start).max()
        error = np.abs(p.numpy() - q.detach().numpy()).max()
        assert error < way * (1e-5 if dtype == np.float32 else 1e-12) + 4 * np.finfo(dtype).eps


@ON_EACH_DEVICE
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Adam", {}),
        ("Adam", {"weight_decay": 0.1}),
        ("AdamW", {"weight_decay": 0.1}),
        ("RMSprop", {"momentum": 0.5, "centered": True}),
        *[("SGD", o) for o in OPTIMISERS["SGD"]],
    ],
    ids=str,
)
def test_optimiser_where_gradients_are_missing(name, options):
    """A parameter's first steps are its own, whatever the others have done before."""
    starts = [numbers(np.float64, 3, seed=seed) for seed in range(4)]
    ours = [nn.Parameter(to_device(a, PLACE[0])) for a in starts]
    theirs = [torch.nn.Parameter(torch.tensor(a)) for a in starts]
    mine, other = (
        getattr(optim, name)(ours, **options),
        getattr(torch.optim, name)(theirs, **options),
    )
    for step in range(12):
        for number, (p, q) in enumerate(zip(ours, theirs, strict=True)):
            p.grad = q.grad = None
            if step >= 3 * (number % 3) and step != 8 + number:
                gradient = numbers(np.float64, 3, seed=100 * step + number)
                p.grad, q.grad = to_device(gradient, PLACE[0]), torch.tensor(gradient)
        mine.step()
        other.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=1e-12)


@ON_EACH_DEVICE
@DTYPES
@pytest.mark.parametrize("norm_type", [2.0, 1.0, math.inf])
@pytest.mark.parametrize("max_norm", [0.0, 0.5, 100.0])
def test_clip_grad_norm(max_norm, norm_type, dtype):
    ours, theirs = ([], [])
    for seed in range(3):
        gradient = numbers(dtype, 3, 4, seed=seed)
        ours.append(nn.Parameter(to_device(gradient, PLACE[0])))
        theirs.append(torch.nn.Parameter(torch.tensor(gradient)))
        if seed < 2:  # the last has none
            ours[-1].grad = to_device(gradient.copy(), PLACE[0])
            theirs[-1].grad = torch.tensor(gradient)
    norm = optim.clip_grad_norm_(iter(ours), max_norm, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    assert norm == pytest.approx(expected.item(), rel=1e-5)
    for p, q in zip(ours[:2], theirs, strict=False):
        assert_close(to_device(p.grad, "cpu"), q.grad.numpy())
    assert ours[2].grad is None
    assert optim.clip_grad_norm_([], 1.0) == 0
    for wrong in ({"max_norm": -1.0}, {"max_norm": 1.0, "norm_type": 0.0}):
        with pytest.raises(SpecError, match="^clip_grad_norm_: expected a"):
            optim.clip_grad_norm_(ours, **wrong)


@pytest.mark.parametrize("total", [2, 3, 4, 10, 33, 1000])
@pytest.mark.parametrize("schedule", ["one-cycle", "cosine"])
def test_schedule(schedule, total):
    other = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    if schedule == "one-cycle":
        scheduler = torch.optim.lr_scheduler.OneCycleLR(
            other, 0.3, total_steps=total, cycle_momentum=False
        )
    else:
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(other, total)
    for step in range(total):
        expected = scheduler.get_last_lr()[0]
        actual = optim.scheduled_rate(schedule, 0.3, step, total)
        assert actual == pytest.approx(expected, rel=1e-9, abs=1e-12), f"step {step} of {total}"
        other.step()
        if step < total - 1:
            scheduler.step()
