"""The tape: gradients against differences, what may be asked of a graph and what not."""

import inspect
import itertools
import re
import threading
import weakref

import numpy as np
import pytest

import convlab
from convlab import functional as F
from convlab import gradcheck, no_grad
from convlab.errors import DTypeError, GraphError, ShapeError
from convlab.tape import Function
from convlab.tensors import Tensor


def leaf(*shape, seed=0, low=None, high=None):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape) if low is None else rng.uniform(low, high, shape)
    return Tensor(np.asarray(values), requires_grad=True)


def spread(*shape, seed=0):
    """Numbers at least 0.1 apart from each other and from 0, so that no maximum has a rival."""
    count = int(np.prod(shape))
    values = np.random.default_rng(seed).permutation(count) * 0.1 - count * 0.05 + 0.03
    return Tensor(values.reshape(shape), requires_grad=True)


# --- gradcheck of everything ------------------------------------------------------------

CENTRES = np.random.default_rng(9).standard_normal((3, 4))
LABELS = np.array([0, 2, 1])


def same_dropout(x):
    convlab.manual_seed(1)  # differences need the same mask each time
    return F.dropout(x, 0.4)


def same_dropout2d(x):
    convlab.manual_seed(1)  # differences need the same mask each time
    return F.dropout2d(x, 0.4)


def statistics(device):
    mean, variance = np.array([0.5, -1.0]), np.array([2.0, 0.3])
    return Tensor(mean).to(device), Tensor(variance).to(device)


FUNCTIONS = {
    # name: [(function, inputs)]
    "conv2d": [
        (lambda x, w, b: F.conv2d(x, w, b, 1, 1), [(2, 2, 4, 3), (3, 2, 3, 3), (3,)]),
        (
            lambda x, w: F.conv2d(x, w, None, (2, 1), (0, 1, 2, 1), (1, 2), 2),
            [(2, 4, 5, 4), (6, 2, 2, 2)],
        ),
    ],
    "conv_transpose2d": [
        (
            lambda x, w, b: F.conv_transpose2d(x, w, b, 2, 1, 1, 2),
            [(2, 4, 3, 2), (4, 1, 3, 3), (2,)],
        ),
        (
            lambda x, w: F.conv_transpose2d(x, w, dilation=2, output_padding=1),
            [(1, 2, 2, 2), (2, 1, 2, 2)],
        ),
    ],
    "cat": [
        (lambda a, b: F.cat([a, b]), [(2, 1, 3, 2), (2, 3, 3, 2)]),
        (lambda a, b: F.cat([a, a, b], -1), [(2, 3), (2, 1)]),
    ],
    "pad": [
        (lambda x: F.pad(x, (1, -1, 2, 0)), [(2, 1, 3, 4)]),
        (lambda x: F.pad(x, (1, 2, 2, 1), "reflect"), [(2, 1, 3, 4)]),
        (lambda x: F.pad(x, (1, 2, 3, 4), "replicate"), [(2, 1, 2, 3)]),
        (lambda x: F.pad(x, (1, 2, 2, 0), "circular"), [(1, 3, 4)]),
    ],
    "max_pool2d": [(lambda x: F.max_pool2d(x, 3, 2, 1), [spread(2, 2, 5, 4)])],
    "avg_pool2d": [(lambda x: F.avg_pool2d(x, 3, 2, 1, True, False), [(2, 2, 4, 4)])],
    "adaptive_avg_pool2d": [(lambda x: F.adaptive_avg_pool2d(x, (2, 3)), [(2, 2, 5, 4)])],
    "adaptive_max_pool2d": [(lambda x: F.adaptive_max_pool2d(x, 2), [spread(2, 2, 5, 3)])],
    "linear": [
        (F.linear, [(3, 4), (2, 4), (2,)]),
        (F.linear, [(2, 3, 4), (5, 4)]),
        (F.linear, [(4,), (5, 4), (5,)]),
    ],
    "relu": [(F.relu, [spread(3, 4)])],
    "sigmoid": [(F.sigmoid, [(3, 4)])],
    "tanh": [(F.tanh, [(3, 4)])],
    "scaled_tanh": [(F.scaled_tanh, [(3, 4)]), (F.scaled_tanh, [()])],
    "leaky_relu": [(lambda x: F.leaky_relu(x, 0.2), [spread(3, 4)])],
    "prelu": [(F.prelu, [spread(2, 3, 2), leaf(3, low=0.1, high=0.5)])],
    "relu6": [(F.relu6, [spread(3, 4)])],
    "elu": [(lambda x: F.elu(x, 1.5), [(3, 4)])],
    "selu": [(F.selu, [(3, 4)])],
    "gelu": [(F.gelu, [(3, 4)]), (lambda x: F.gelu(x, "tanh"), [(3, 4)])],
    "silu": [(F.silu, [(3, 4)])],
    "softplus": [(lambda x: F.softplus(x, 2.0), [(3, 4)])],
    "hardsigmoid": [(F.hardsigmoid, [spread(3, 4)])],
    "hardswish": [(F.hardswish, [spread(3, 4)])],
    "batch_norm": [
        (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), [(3, 2, 2, 2), (2,), (2,)]),
        (lambda x: F.batch_norm(x, *statistics(x.device)), [(3, 2, 2, 2)]),
    ],
    "group_norm": [(lambda x, w, b: F.group_norm(x, 2, w, b), [(2, 4, 2, 3), (4,), (4,)])],
    "layer_norm": [(lambda x, w, b: F.layer_norm(x, (2, 3), w, b), [(2, 4, 2, 3), (2, 3), (2, 3)])],
    "local_response_norm": [(lambda x: F.local_response_norm(x, 3, 0.5), [(2, 5, 2, 2)])],
    "channel_shuffle": [(lambda x: F.channel_shuffle(x, 2) ** 2, [(2, 4, 2, 1)])],
    "pixel_shuffle": [(lambda x: F.pixel_shuffle(x, 2) ** 2, [(2, 4, 2, 3)])],
    "shortcut2d": [(lambda x: F.shortcut2d(x, 4, 2) ** 2, [(2, 2, 4, 3)])],
    "interpolate": [
        (lambda x: F.interpolate(x, scale_factor=2) ** 2, [(2, 2, 2, 3)]),
        (lambda x: F.interpolate(x, (5, 4), mode="bilinear"), [(2, 2, 2, 3)]),
        (lambda x: F.interpolate(x, (5, 4), mode="bilinear", align_corners=True), [(1, 2, 3, 3)]),
    ],
    "dropout": [(same_dropout, [(3, 4)])],
    "dropout2d": [(same_dropout2d, [(2, 3, 2, 2)])],
    "softmax": [(lambda x: F.softmax(x, 1), [(3, 4)]), (lambda x: F.softmax(x, 0), [(2, 3, 2)])],
    "log_softmax": [(lambda x: F.log_softmax(x, -1), [(3, 4)])],
    "cross_entropy": [
        (lambda x: F.cross_entropy(x, LABELS), [(3, 4)]),
        (lambda x: F.cross_entropy(x, LABELS, [1, 2, 0.5, 3], label_smoothing=0.1), [(3, 4)]),
        (lambda x: F.cross_entropy(x, LABELS, ignore_index=2, reduction="none"), [(3, 4)]),
    ],
    "squared_distance": [(lambda x: F.squared_distance(x, CENTRES), [(2, 4)])],
    "lecun_map_loss": [
        (lambda y: F.lecun_map_loss(y, LABELS), [leaf(3, 4, low=0.1, high=3)]),
    ],
}

OPERATORS = {
    "__add__": [(lambda a, b: a + b, [(3, 4), (4,)])],
    "__radd__": [(lambda a: np.ones((2, 1, 1)) + a, [(3, 4)])],
    "__mul__": [(lambda a, b: a * b, [(3, 1), (2, 1, 4)]), (lambda a: a * a, [(3,)])],
    "__rmul__": [(lambda a: np.arange(4.0) * a, [(3, 4)])],
    "__truediv__": [(lambda a, b: a / b, [(3, 4), leaf(4, low=1, high=2)])],
    "__rtruediv__": [(lambda a: 2 / a, [leaf(3, low=1, high=2)])],
    "__neg__": [(lambda a: -a, [(3,)])],
    "__sub__": [(lambda a, b: a - b, [(3, 4), (3, 1)])],
    "__rsub__": [(lambda a: 1 - a, [(3,)])],
    "__pow__": [(lambda a: a**3, [(3,)]), (lambda a: a**-0.5, [leaf(3, low=1, high=2)])],
    "pow": [(lambda a: a.pow(2), [(3,)])],
    "__matmul__": [
        (lambda a, b: a @ b, [(3, 4), (4, 2)]),
        (lambda a, b: a @ b, [(2, 1, 3, 4), (3, 4, 2)]),
        (lambda a, b: a @ b, [(4,), (2, 4, 3)]),
        (lambda a, b: a @ b, [(2, 3, 4), (4,)]),
    ],
    "__rmatmul__": [(lambda a: CENTRES @ a, [(4, 2)])],
    "matmul": [(lambda a, b: a.matmul(b), [(4,), (4,)])],
    "__getitem__": [
        (lambda a: a[1:, ::-1], [(3, 4)]),
        (lambda a: a[[0, 2, 0, 0]], [(3, 2)]),
        (lambda a: a[np.array([[0, 1], [1, 1]]), [0, 1]], [(3, 2)]),
    ],
    "__iter__": [(lambda a: [row * i for i, row in enumerate(a)][2], [(3, 2)])],
    "T": [(lambda a: a.T * CENTRES.T, [(3, 4)])],
    "exp": [(lambda a: a.exp(), [(3,)])],
    "log": [(lambda a: a.log(), [leaf(3, low=1, high=2)])],
    "max": [
        (lambda a: a.max(), [spread(3, 4)]),
        (lambda a: a.max(1), [spread(3, 4)]),
        (lambda a: a.max((0, -1), keepdims=True), [spread(3, 4, 2)]),
    ],
    "mean": [(lambda a: a.mean(), [(3, 4)]), (lambda a: a.mean((0, 2)), [(3, 4, 2)])],
    "reshape": [(lambda a: a.reshape(2, -1) ** 2, [(3, 4)])],
    "view": [(lambda a: a.view(2, -1) ** 2, [(3, 4)])],
    "flatten": [(lambda a: a.flatten(1) ** 2, [(2, 3, 4)])],
    "squeeze": [(lambda a: a.squeeze() ** 2, [(2, 1, 4)])],
    "unsqueeze": [(lambda a: a.unsqueeze(1) ** 2, [(2, 4)])],
    "sum": [(lambda a: a.sum(), [(3, 4)]), (lambda a: a.sum((0, -1), True) ** 2, [(3, 4, 2)])],
    "transpose": [(lambda a: a.transpose(1, 2, 0) ** 2, [(3, 4, 2)])],
}


def inputs_of(shapes):
    return [
        shape if isinstance(shape, Tensor) else leaf(*shape, seed=i)
        for i, shape in enumerate(shapes)
    ]


def test_every_function_is_checked():
    public = {
        name
        for name, value in vars(F).items()
        if inspect.isfunction(value) and value.__module__ == F.__name__ and name[0] != "_"
    }
    assert public == FUNCTIONS.keys()


# What of a tensor is no operation with a gradient of its own.
OTHERS = {"device", "numpy", "__array__", "item", "__float__", "__int__", "detach", "argmax"}
OTHERS |= {"result", "to", "numel", "__len__", "__repr__", "__init__"}


def test_every_operator_is_checked():
    operations = {
        name
        for name, value in vars(Tensor).items()
        if inspect.isfunction(value) or isinstance(value, property)
    }
    private = {name for name in operations if name[0] == "_" and name[1] != "_"}
    assert operations - private - OTHERS == OPERATORS.keys()


@pytest.mark.smoke
@pytest.mark.parametrize("name", FUNCTIONS | OPERATORS)
def test_gradcheck(name, device):
    for function, shapes in (FUNCTIONS | OPERATORS)[name]:
        # The first call is the one whose gradient is checked; differences are the CPU's.
        places = itertools.chain([device], itertools.repeat("cpu"))

        def placed(*tensors, function=function, places=places):
            place = next(places)
            result = function(*(tensor.to(place) for tensor in tensors))
            assert result.device == place
            return result.to("cpu")

        assert gradcheck(placed, inputs_of(shapes))


# --- gradcheck itself -------------------------------------------------------------------


class WrongSquare(Function):
    @staticmethod
    def forward(context, a):
        context.save(a)
        return a * a

    @staticmethod
    def backward(context, gradient):
        (a,) = context.saved
        return (gradient * a,)  # lacks the 2


class Forgetful(Function):
    @staticmethod
    def forward(context, a):
        return a * 3

    @staticmethod
    def backward(context, gradient):
        return (None,)


@pytest.mark.parametrize(("function", "share"), [(WrongSquare, 1 / 2), (Forgetful, 0)])
def test_gradcheck_finds_a_wrong_gradient(function, share):
    message = r"^gradcheck: input 0 at \(0, 0\): expected (\S+) \(central difference\), got (\S+)$"
    with pytest.raises(GraphError, match=message) as caught:
        gradcheck(function.apply, [Tensor(np.ones((1, 2)), requires_grad=True)])
    expected, got = (float(number) for number in re.match(message, str(caught.value)).groups())
    assert expected > 0.9  # at least 2 times the smallest weight, 0.5
    assert got == pytest.approx(share * expected, rel=1e-6)


def test_gradcheck_finds_one_wrong_number_among_many():
    class OneWrong(WrongSquare):
        @staticmethod
        def backward(context, gradient):
            (a,) = context.saved
            result = 2 * gradient * a
            result[1, 2] *= 1 + 1e-4
            return (result,)

    with pytest.raises(GraphError, match=r"^gradcheck: input 0 at \(1, 2\): expected "):
        gradcheck(OneWrong.apply, [leaf(3, 4, low=1, high=2)])


def test_gradcheck_finds_a_nan():
    class NotANumber(WrongSquare):
        @staticmethod
        def backward(context, gradient):
            return (gradient * np.nan,)

    with pytest.raises(GraphError, match=r"^gradcheck: input 0 at \(0,\): .*, got nan$"):
        gradcheck(NotANumber.apply, [leaf(2)])


def test_gradcheck_checks_only_what_requires_a_gradient():
    a, b = leaf(2), Tensor(np.array([1.0, 2.0]))
    assert gradcheck(lambda a, b: a * b, [a, b])
    assert b.grad is None


def test_gradcheck_wants_float64():
    x = Tensor(np.zeros(2, np.float32), requires_grad=True)
    with pytest.raises(DTypeError, match=r"^gradcheck: expected float64, got float32 in input 0$"):
        gradcheck(lambda a: a * a, [x])


# --- backward -------------------------------------------------------------------------


def test_gradients_accumulate_until_they_are_forgotten():
    x = Tensor([1.0, 2.0], requires_grad=True)
    (x * 3).sum().backward()
    np.testing.assert_array_equal(x.grad, [3, 3])
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad, [5, 7])
    x.zero_grad()
    assert x.grad is None
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 4])


def test_accumulated_gradient_is_the_leafs_own():
    given = np.ones(2)
    x = Tensor(np.zeros(2), requires_grad=True)
    x.backward(given)
    given[:] = 100
    np.testing.assert_array_equal(x.grad, [1, 1])
    first = x.grad
    x.backward(np.ones(2))
    np.testing.assert_array_equal(first, [1, 1])
    np.testing.assert_array_equal(x.grad, [2, 2])


def test_two_leaves_do_not_share_a_gradient():
    a, b = leaf(3), leaf(3, seed=1)
    (a + b).backward(np.ones(3))
    a.grad[:] = 7
    np.testing.assert_array_equal(b.grad, [1, 1, 1])


def test_tensor_used_several_times():
    x = Tensor([2.0, 3.0], requires_grad=True)
    y = x * x
    z = y * x + y + x  # x³ + x² + x
    z.sum().backward()
    np.testing.assert_array_equal(x.grad, [3 * 4 + 2 * 2 + 1, 3 * 9 + 2 * 3 + 1])


def test_diamond_is_walked_once_a_node():
    calls = []

    class Counted(Function):
        @staticmethod
        def forward(context, a):
            return a + 0

        @staticmethod
        def backward(context, gradient):
            calls.append(gradient.copy())
            return (gradient,)

    x = Tensor([1.0], requires_grad=True)
    y = Counted.apply(x)
    for _ in range(20):  # a million paths
        y = y + y
    y.backward()
    assert [c.tolist() for c in calls] == [[2.0**20]]
    np.testing.assert_array_equal(x.grad, [2.0**20])


def test_indexing_with_repeated_indices_adds_up():
    x = Tensor(np.zeros((3, 2)), requires_grad=True)
    x[[0, 0, 2, 0]].backward(np.array([[1, 2], [3, 4], [5, 6], [7, 8]]))
    np.testing.assert_array_equal(x.grad, [[11, 14], [0, 0], [5, 6]])


def test_broadcasting_gives_gradients_of_the_operands_shapes():
    a, b, c = leaf(3, 1), leaf(2, 1, 4, seed=1), leaf(seed=2)
    gradient = np.random.default_rng(3).standard_normal((2, 3, 4))
    (a * b + c).backward(gradient)
    np.testing.assert_allclose(a.grad, (gradient * b.data).sum((0, 2))[:, None], atol=1e-12)
    np.testing.assert_allclose(b.grad, (gradient * a.data).sum(1, keepdims=True), atol=1e-12)
    np.testing.assert_allclose(c.grad, gradient.sum(), atol=1e-12)


def test_gradient_takes_the_tensors_own_kind_of_float():
    single = Tensor(np.ones(2, np.float32), requires_grad=True)
    double = Tensor(np.ones(2), requires_grad=True)
    hidden = single * 2
    (hidden * double).sum().backward()
    assert single.grad.dtype == np.float32
    assert double.grad.dtype == np.float64


def in_small_stack(work):
    """Run in a thread with a stack of 512 KB, where a deep recursion cannot succeed."""
    failures = []

    def run():
        try:
            work()
        except BaseException as error:
            failures.append(error)

    before = threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    if failures:
        raise failures[0]


def chain(x, length):
    for _ in range(length):
        x = x + 1
    return x


def test_chain_of_100_000_operations_goes_backward_and_is_freed():
    def work():
        x = Tensor([1.0], requires_grad=True)
        y = chain(x, 100_000)
        y.backward()
        np.testing.assert_array_equal(x.grad, [1])
        np.testing.assert_array_equal(y.numpy(), [100_001])

    in_small_stack(work)


def test_chain_of_100_000_operations_is_freed_without_backward():
    def work():
        y = chain(Tensor([1.0], requires_grad=True), 100_000)
        del y

    in_small_stack(work)


def test_backward_frees_the_graph():
    x = Tensor([1.0], requires_grad=True)
    hidden = x * 2
    result = hidden * 3
    watched = weakref.ref(hidden)
    del hidden
    assert watched() is not None
    result.backward()
    assert watched() is None


# --- what cannot be asked ---------------------------------------------------------------


def test_second_backward():
    x = Tensor([1.0], requires_grad=True)
    hidden = x * 2
    result = hidden * 3
    result.backward()
    message = (
        r"^backward: expected a graph that was not used yet; this one was freed by an earlier"
        r" backward\(\): compute the value again$"
    )
    for again in (result, hidden, hidden * 5, x * 2 + hidden):
        with pytest.raises(GraphError, match=message):
            again.backward()
    np.testing.assert_array_equal(x.grad, [6])  # nothing was added on the way to the error


def test_backward_of_several_numbers():
    x = Tensor(np.zeros((2, 3)), requires_grad=True)
    message = (
        r"^backward: expected a gradient for a tensor of shape \(2, 3\); only a single number"
        r" has one by itself$"
    )
    with pytest.raises(GraphError, match=message):
        (x * 2).backward()
    assert x.grad is None


@pytest.mark.parametrize("shape", [(3,), (3, 2), (1, 3), ()], ids=str)
def test_backward_with_a_gradient_of_another_shape(shape):
    x = Tensor(np.zeros((2, 3)), requires_grad=True)
    with pytest.raises(ShapeError, match=r"^backward: expected a gradient of shape \(2, 3\), got "):
        (x * 2).backward(np.ones(shape))


def test_backward_without_a_graph():
    message = (
        r"^backward: expected a tensor made from one with requires_grad=True, got one that has no"
        r" graph behind it$"
    )
    x = Tensor([1.0])
    for without in (x, x * 2, Tensor([1.0], requires_grad=True).detach()):
        with pytest.raises(GraphError, match=message):
            without.backward()


def test_no_grad():
    x = Tensor([1.0], requires_grad=True)
    with no_grad():
        inside = x * 2
        with no_grad():
            pass
        still_inside = x * 2
    after = x * 2
    assert (inside.requires_grad, still_inside.requires_grad, after.requires_grad) == (
        False,
        False,
        True,
    )


def test_no_grad_ends_with_an_error_inside():
    x = Tensor([1.0], requires_grad=True)
    with pytest.raises(ZeroDivisionError), no_grad():
        raise ZeroDivisionError
    assert (x * 2).requires_grad


def test_no_grad_holds_in_its_own_thread_only():
    x, seen = Tensor([1.0], requires_grad=True), []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_detach_shares_the_numbers_and_stops_the_gradient():
    x = Tensor([2.0], requires_grad=True)
    y = x * 3
    (y.detach() * x).backward()
    np.testing.assert_array_equal(x.grad, [6])
    assert y.detach().numpy() is y.numpy()


def test_gradient_only_where_it_is_wanted():
    x, w = leaf(2, 2, 4, 4), Tensor(np.ones((3, 2, 2, 2)))
    F.conv2d(x, w).sum().backward()
    assert x.grad is not None
    assert w.grad is None


# --- a tensor by itself -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([1, 2], np.float32),
        (True, np.float32),
        (np.arange(3, dtype=np.uint8), np.float32),
        (np.zeros(2, np.float16), np.float32),
        (np.zeros(2, ">f8"), np.float64),
        (np.zeros(2, ">f4"), np.float32),
        (np.zeros(2, ">i8"), np.float32),
        (np.zeros(2, np.longdouble), np.float64),
        (1.5, np.float32),
        ([[1.5], [2]], np.float32),
        ([np.float64(1.5)], np.float64),
        (np.float64(1.5), np.float64),
        (np.zeros(2, np.float32), np.float32),
        (np.zeros(2), np.float64),
    ],
    ids=str,
)
def test_kind_of_number(given, expected):
    assert Tensor(given).dtype == expected
    assert Tensor(given).dtype.isnative


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        *((given, "real numbers") for given in (1j, "text", [None], [10**400, 1.0], {})),
        (np.array(["2020"], "datetime64[Y]"), "real numbers"),
        ([[1], [2, 3]], "rows of one length"),
    ],
    ids=str,
)
def test_not_a_real_number(given, wanted):
    with pytest.raises(DTypeError, match=rf"^Tensor: expected {wanted}, got [^\n]+$"):
        Tensor(given)


def test_tensor_of_numpy_is_not_copied():
    array = np.zeros(3)
    assert Tensor(array).numpy() is array
    assert Tensor(Tensor(array)).numpy() is array


def test_attributes_of_a_tensor():
    x = Tensor(np.zeros((2, 3)), requires_grad=True)
    assert (x.shape, x.ndim, x.size, len(x)) == ((2, 3), 2, 6, 2)
    assert [row.shape for row in x] == [(3,), (3,)]
    assert repr(Tensor([1.0, 2.5])) == "Tensor([1. , 2.5], dtype=float32)"
    assert (
        repr(Tensor([1.0], requires_grad=True)) == "Tensor([1.], dtype=float32, requires_grad=True)"
    )
    assert Tensor([[3.5]]).item() == 3.5


def test_errors_of_a_tensor():
    x = Tensor(np.zeros((2, 3)))
    errors = [
        (lambda: x.item(), ShapeError, r"^item\(\): expected one element, got shape \(2, 3\)$"),
        (lambda: len(Tensor(1.0)), ShapeError, r"^len\(\): expected at least one axis, got a sin"),
        (
            lambda: x + np.zeros(4),
            ShapeError,
            r"^add: expected shapes that broadcast, got \(2, 3\)",
        ),
        (lambda: x * np.zeros(2), ShapeError, r"^multiply: expected .* \(2, 3\) and \(2,\)$"),
        (lambda: x / np.zeros(2), ShapeError, r"^divide: expected .* \(2, 3\) and \(2,\)$"),
        (lambda: x @ x, ShapeError, r"^matmul: expected the left's columns to be the right's rows"),
        (
            lambda: Tensor(np.zeros((2, 1, 3))) @ np.zeros((4, 3, 1)),
            ShapeError,
            r"^matmul: expected shapes that broadcast, got \(2, 1, 3\) and \(4, 3, 1\)$",
        ),
        (lambda: x**x, DTypeError, r"^pow: expected a number as exponent, got Tensor$"),
        (lambda: x.sum(2), ShapeError, r"^sum: expected an axis of shape \(2, 3\), got 2$"),
        (lambda: x.mean((0, -3)), ShapeError, r"^mean: expected an axis of shape"),
        (lambda: x.max(5), ShapeError, r"^max: expected an axis of shape \(2, 3\), got 5$"),
        (lambda: Tensor(np.zeros(0)).max(), ShapeError, r"^max: expected at least one element"),
        (lambda: x.reshape(4, 2), ShapeError, r"^reshape: expected a shape of 6 elements like"),
        (lambda: x.transpose(0, 0), ShapeError, r"^transpose: expected each axis of \(2, 3\) once"),
        (lambda: x.transpose(0, 2), ShapeError, r"^transpose: expected each axis of \(2, 3\) once"),
        (lambda: x[2], ShapeError, r"^index: expected one inside shape \(2, 3\): index 2 is out"),
        (lambda: F.relu(np.zeros(3)), DTypeError, r"^ReLU: expected a Tensor, got ndarray$"),
    ]
    for call, kind, message in errors:
        with pytest.raises(kind, match=message):
            call()
