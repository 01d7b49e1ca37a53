"""Layers in a row that were planned: the same numbers as layer by layer, whatever changes."""

import copy
import gc
import pickle
import threading
import weakref

import numpy as np
import pytest

import convlab
from convlab import Tensor, nn, no_grad
from convlab.errors import ConvlabError, GraphError
from convlab.kernels import memory
from convlab.kernels.calls import do
from convlab.nn import chain

ROWS = {
    "lenet": (
        (2, 16, 16),
        lambda: [
            nn.Conv2d(2, 6, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(72, 20),
            nn.ReLU(),
            nn.Linear(20, 10),
        ],
    ),
    "strides, groups and no bias": (
        (4, 11, 13),
        lambda: [
            nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2, bias=False),
            nn.Tanh(),
            nn.Conv2d(6, 3, 1, bias=False),
            nn.AvgPool2d(2, ceil_mode=True),
            nn.Flatten(),
            nn.Linear(36, 5, bias=False),
        ],
    ),
    "every padding": (
        (2, 7, 8),
        lambda: [
            layer
            for mode in ("reflect", "replicate", "circular", "zeros")
            for layer in (nn.Conv2d(2, 2, 3, padding=(1, 2, 0, 1), padding_mode=mode), nn.Sigmoid())
        ],
    ),
    "transposed": (
        (3, 5, 6),
        lambda: [
            nn.ConvTranspose2d(3, 4, 3, stride=2, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(4, 2, 2, bias=False),
            nn.ScaledTanh(),
        ],
    ),
    "other windows": (
        (3, 9, 9),
        lambda: [
            nn.MaxPool2d(3, 2, padding=1, dilation=1),
            nn.Conv2d(3, 4, 3, dilation=2, padding=2),
            nn.AdaptiveMaxPool2d(3),
            nn.ReLU(),
            nn.AvgPool2d(2, 1, count_include_pad=False, padding=1),
            nn.AdaptiveAvgPool2d(1),
        ],
    ),
    "an odd size halved": (
        (2, 7, 5),
        lambda: [nn.MaxPool2d(2), nn.Conv2d(2, 3, 2), nn.MaxPool2d((1, 1)), nn.ReLU()],
    ),
    "flat in the middle": (
        (2, 4, 6),
        lambda: [nn.Flatten(2, 3), nn.Flatten(), nn.Linear(48, 3), nn.Sigmoid(), nn.Linear(3, 2)],
    ),
}


def network(name, dtype=np.float32):
    convlab.manual_seed(3)
    shape, layers = ROWS[name]
    net = nn.Sequential(*layers()).astype(dtype)
    rng = np.random.default_rng(1)
    for parameter in net.parameters():
        parameter.data[...] = rng.standard_normal(parameter.shape)
    return shape, net


def layer_by_layer(net, x):
    for layer in net:
        x = layer(x)
    return x


def numbers(net, call, x, of_input=True):
    """Output and all gradients, for a gradient that is different everywhere."""
    net.zero_grad()
    tensor = Tensor(x, requires_grad=of_input)
    y = call(tensor)
    y.backward(np.cos(np.arange(y.size, dtype=x.dtype)).reshape(y.shape))
    return [y.data, tensor.grad, *(parameter.grad for parameter in net.parameters())]


def same(ours, theirs):
    return len(ours) == len(theirs) and all(
        a is b is None or (a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True))
        for a, b in zip(ours, theirs, strict=True)
    )


def planned(monkeypatch):
    """The plans that are made from here on."""
    made = []
    plain = chain._Plan.__init__

    def noted(plan, *arguments):
        plain(plan, *arguments)
        made.append(plan)

    monkeypatch.setattr(chain._Plan, "__init__", noted)
    return made


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("images", [1, 3, 16, 33])
@pytest.mark.parametrize("name", ROWS)
def test_the_same_bits_as_layer_by_layer(monkeypatch, name, images, dtype):
    plans = planned(monkeypatch)
    shape, net = network(name, dtype)
    rng = np.random.default_rng(images)
    for _ in range(5):
        x = rng.standard_normal((images, *shape)).astype(dtype)
        want = numbers(net, lambda t: layer_by_layer(net, t), x)
        assert same(numbers(net, net, x), want)
        with no_grad():
            assert np.array_equal(net(Tensor(x)).data, want[0])
    assert len(plans) == 2  # one with gradients, one without


def trained(monkeypatch, name="lenet", images=4):
    """A network whose plan is made, its input's shape and the plans that were made."""
    plans = planned(monkeypatch)
    shape, net = network(name)
    for _ in range(3):
        numbers(net, net, np.ones((images, *shape), np.float32))
    assert len(plans) == 1
    return net, (images, *shape), plans


def check(net, shape, seed=5):
    x = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    for _ in range(4):
        want = numbers(net, lambda t: layer_by_layer(net, t), x)
        assert same(numbers(net, net, x), want)
        x = x + 1


def test_results_that_are_kept_are_not_overwritten(monkeypatch):
    net, shape, _ = trained(monkeypatch)
    kept = []
    for seed in range(4):
        x = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
        kept.append((numbers(net, net, x), numbers(net, lambda t: layer_by_layer(net, t), x)))
    for ours, theirs in kept:
        assert same(ours, theirs)


def test_several_graphs_at_once(monkeypatch):
    net, shape, plans = trained(monkeypatch)
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal(shape).astype(np.float32) for _ in range(3)]
    gradients = []
    for call in (net, lambda t: layer_by_layer(net, t)):
        net.zero_grad()
        outputs = [call(Tensor(x)) for x in inputs]
        for output in (outputs[1], outputs[0], outputs[2]):  # gradients add up
            (output * output).sum().backward()
        gradients.append([p.grad for p in net.parameters()])
    assert same(*gradients)
    assert len(plans) == 2  # this input needs no gradient, the first ones did


def change_numbers_in_place(net):
    for parameter in net.parameters():
        parameter.data *= 0.5


def load_other_numbers(net):
    net.load_state_dict({name: 2 * values for name, values in net.state_dict().items()})


def take_another_layer(net):
    setattr(net, "0", nn.Conv2d(2, 6, 5, padding=2, bias=False))


def pad_less_and_stride(net):
    net[0].padding, net[0].stride = (7, 7, 7, 7), (2, 2)
    net[0].dilation = (1, 3)
    net[3].padding = (1, 1, 1, 1)
    net[5].kernel_size = net[5].stride = (3, 3)
    net[7].weight.data = net[7].weight.data[:, :16].copy()


def freeze_the_first(net):
    net[0].requires_grad_(False)


def freeze_all_but_the_last(net):
    net.requires_grad_(False)
    net[9].requires_grad_()


def share_a_weight(net):
    net[7].weight = nn.Parameter(np.ones((72, 72), np.float32))
    net[9].weight = net[7].weight
    net[7].bias = net[9].bias = None


def turn_into_doubles_and_back(net):
    net.astype(np.float64).astype(np.float32)


def note_arrays(net):
    for value in range(4):
        net[3].note = np.full(3, value)
        net(Tensor(np.ones((1, 2, 16, 16), np.float32)))


def give_a_layer_its_own_forward(net):
    calls = []

    def forward(x, plain=net[0].forward):
        calls.append(1)
        return plain(x) * float(len(calls) % 2)

    net[0].forward = forward


@pytest.mark.parametrize(
    "change",
    [
        change_numbers_in_place,
        load_other_numbers,
        take_another_layer,
        pad_less_and_stride,
        freeze_the_first,
        freeze_all_but_the_last,
        share_a_weight,
        turn_into_doubles_and_back,
        lambda net: net.eval(),
        lambda net: convlab.set_num_threads(1),
        lambda net: convlab.empty_cache(),
        note_arrays,
    ],
)
def test_what_changes_is_seen(monkeypatch, change):
    threads = convlab.get_num_threads()
    net, shape, _ = trained(monkeypatch)
    try:
        change(net)
        check(net, shape)
    finally:
        convlab.set_num_threads(threads)


def test_a_layer_with_a_forward_of_its_own_is_called(monkeypatch):
    net, shape, _ = trained(monkeypatch)
    give_a_layer_its_own_forward(net)
    x = Tensor(np.ones(shape, np.float32))
    outputs = [net(x).data for _ in range(6)]
    assert not np.array_equal(outputs[0], outputs[1])
    assert np.array_equal(outputs[0], outputs[2]) and np.array_equal(outputs[1], outputs[3])


@pytest.mark.parametrize("number", [0, 1])
def test_so_is_one_that_is_fused_with_its_neighbour(number):
    net = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
    x = Tensor(-np.ones((2, 3), np.float32))
    for _ in range(4):
        net(x)
    net[number].forward = lambda x: x * 0.0 - 1.0
    for _ in range(4):
        assert (net(x).data == (0 if number == 0 else -1)).all()  # ReLU comes after the first


class Noise(nn.Linear):
    """A layer of a user, who has not said that it does the same each time."""

    def forward(self, x, relu=False):
        return super().forward(x, relu) + float(self.draw())

    def draw(self):
        self.drawn = getattr(self, "drawn", 0) + 1
        return self.drawn


def test_layers_that_nobody_calls_steady_are_asked_each_time():
    net = nn.Sequential(nn.Linear(3, 3), Noise(3, 3), nn.Linear(3, 3), nn.Dropout(0.5), nn.ReLU())
    x = Tensor(np.ones((2, 3), np.float32))
    outputs = [net(x).data for _ in range(6)]
    assert net[1].drawn == 6
    assert len({output.tobytes() for output in outputs}) == 6


@pytest.mark.parametrize("layers", [[nn.Flatten()], [nn.Flatten(2, 3), nn.Flatten(1, 2)]])
def test_a_view_stays_a_view(layers):
    net = nn.Sequential(*layers)
    for value in range(5):
        x = Tensor(np.full((2, 3, 4, 5), value, np.float32))
        assert (net(x).data == value).all()


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copy_has_numbers_of_its_own(monkeypatch, twin):
    net, shape, _ = trained(monkeypatch)
    other = twin(net)
    change_numbers_in_place(other)
    check(other, shape)
    check(net, shape)
    x = Tensor(np.ones(shape, np.float32))
    assert not np.array_equal(net(x).data, other(x).data)


def test_threads_that_compute_at_once(monkeypatch):
    net, shape, _ = trained(monkeypatch)
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal(shape).astype(np.float32) for _ in range(4)]
    want = [layer_by_layer(net, Tensor(x)).data for x in inputs]
    wrong = []

    def ask(x, answer):
        for _ in range(30):
            if not np.array_equal(net(Tensor(x)).data, answer):
                wrong.append(1)

    threads = [threading.Thread(target=ask, args=pair) for pair in zip(inputs, want, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_graph_that_nobody_goes_back_through_gives_its_plan_back(monkeypatch):
    net, shape, plans = trained(monkeypatch)
    x = Tensor(np.ones(shape, np.float32), requires_grad=True)
    for _ in range(3):
        output = net(x)
        del output
        gc.collect()
    assert same(numbers(net, net, x.data), numbers(net, lambda t: layer_by_layer(net, t), x.data))
    assert len(plans) == 1


def test_plans_give_their_memory_back_and_large_ones_are_not_kept(monkeypatch):
    net, shape, plans = trained(monkeypatch)
    plan = weakref.ref(plans.pop())
    convlab.empty_cache()
    gc.collect()
    assert plan() is None
    monkeypatch.setattr(chain, "LARGEST", 20_000)  # a result of the first layer has 24,576
    check(net, shape)
    assert not plans


def test_many_shapes_are_not_all_kept(monkeypatch):
    net, (images, *shape), _ = trained(monkeypatch)
    (segment,) = (step.layer for step in net._steps)
    for images in range(1, 3 * chain.MOST):
        net(Tensor(np.zeros((images, *shape), np.float32)))
        assert len(segment._known) <= chain.MOST


# --- other numbers, other layers, other errors ----------------------------------------------


def test_weights_of_another_shape_are_another_layer(monkeypatch):
    net = nn.Sequential(nn.Conv2d(1, 4, 3))
    x = Tensor(np.ones((2, 1, 8, 8), np.float32))
    for _ in range(4):
        net(x)
    net[0].weight.data = np.ones((8, 1, 5, 5), np.float32)
    net[0].bias.data = np.zeros(8, np.float32)
    for _ in range(4):
        assert net(x).shape == (2, 8, 4, 4)


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: layer.astype(np.float64),
        lambda layer: setattr(layer.weight, "data", np.ones((4, 5), np.float32)),
        lambda layer: setattr(layer.bias, "data", np.ones(7, np.float32)),
        lambda layer: setattr(layer.weight, "data", np.ones((4, 6), np.float16)),
    ],
)
def test_weights_that_do_not_fit_are_refused_each_time(change):
    net = nn.Sequential(nn.Linear(6, 4))
    x = Tensor(np.ones((2, 6), np.float32))
    for _ in range(4):
        net(x)
    change(net[0])
    for _ in range(5):
        with pytest.raises(ConvlabError):
            net(x)


def test_an_input_that_is_a_weight():
    layer = nn.Linear(4, 1, bias=False)
    net = nn.Sequential(layer)
    for _ in range(5):
        net(layer.weight)
    w, x = layer.weight.data.copy(), np.arange(4, dtype=np.float32)[None]
    for _ in range(5):
        assert net(Tensor(x)).data == pytest.approx(w @ x.T)


@pytest.mark.parametrize("twin", [copy.deepcopy, pickle.dumps])
def test_a_graph_is_not_copied(monkeypatch, twin):
    net, shape, _ = trained(monkeypatch)
    x = Tensor(np.ones(shape, np.float32))
    for _ in range(2):
        net(x)
    output = net(x)
    with pytest.raises(GraphError, match="^copy: expected a tensor without a graph"):
        twin(output)
    assert np.array_equal(copy.deepcopy(output.detach()).data, output.data)


class Inside(nn.Module):
    """A steady layer of a user, with another one in it."""

    steady = True

    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool2d(2)

    def forward(self, x):
        return self.pool(x)


class Frozen(nn.Module):
    steady = True

    def forward(self, x):
        with no_grad():
            return convlab.functional.tanh(x)


def test_changes_that_the_layer_itself_does_not_show(monkeypatch):
    x = Tensor(np.arange(64, dtype=np.float32).reshape(1, 1, 8, 8))
    net = nn.Sequential(Inside(), nn.Tanh())
    for _ in range(4):
        net(x)
    net[0].pool.kernel_size = net[0].pool.stride = (4, 4)
    assert net(x).shape == net(x).shape == (1, 1, 2, 2)
    monkeypatch.setattr(nn.Tanh, "forward", lambda layer, x: x * 0.0)
    for _ in range(4):
        assert not net(x).data.any()
    sizes = [2, 2]
    net = nn.Sequential(nn.AdaptiveAvgPool2d(sizes))
    sizes[0] = 4
    for _ in range(4):
        assert net(x).shape == (1, 1, 2, 2)


def test_a_layer_that_records_nothing_passes_no_gradient():
    net = nn.Sequential(nn.Linear(3, 3), Frozen(), nn.Linear(3, 2))
    for _ in range(6):
        net.zero_grad()
        net(Tensor(np.ones((2, 3), np.float32))).sum().backward()
        assert net[0].weight.grad is None and net[2].weight.grad is not None


class _Turned(convlab.Function):
    """x W, whose gradient of W comes as a view."""

    plannable = True

    @staticmethod
    def forward(context, x, weight):
        out = memory.empty((len(x), len(weight)), x.dtype)
        do(np.matmul, x, weight.T, out)
        context.save(x, weight)
        return out

    @staticmethod
    def backward(context, gradient):
        x, weight = context.saved
        by_x, by_weight = memory.empty(x.shape, x.dtype), memory.empty(weight.T.shape, x.dtype)
        do(np.matmul, gradient, weight, by_x)
        do(np.matmul, x.T, gradient, by_weight)
        return by_x, by_weight.T


class _Aside(_Turned):
    """The same, computed where a plan does not see it."""

    @staticmethod
    def forward(context, x, weight):
        context.save(x, weight)
        return do(np.matmul, x, weight.T)


class _Same(convlab.Function):
    plannable = True

    @staticmethod
    def forward(context, x, weight, again):
        return x + weight.sum() + again.sum()

    @staticmethod
    def backward(context, gradient):
        return gradient, gradient.sum(), gradient.sum()


class Own(nn.Module):
    steady = True

    def __init__(self, function, times=1):
        super().__init__()
        self.function, self.times = function, times
        self.weight = nn.Parameter(np.arange(6, dtype=np.float32).reshape(2, 3))

    def forward(self, x):
        return self.function.apply(x, *[self.weight] * self.times)


@pytest.mark.parametrize("layer", [Own(_Turned), Own(_Aside), Own(_Same, 2)], ids=repr)
def test_functions_of_users(layer):
    net = nn.Sequential(layer)
    for value in range(1, 6):
        x = np.full((4, 3), value, np.float32)
        x[0] = value + 1
        if layer.function is _Same:
            assert net(Tensor(x)).data == pytest.approx(x + 30)
            continue
        ours = numbers(net, net, x)
        assert ours[0] == pytest.approx(x @ layer.weight.data.T)
        turned = np.cos(np.arange(8, dtype=np.float32)).reshape(4, 2)
        assert ours[1] == pytest.approx(turned @ layer.weight.data, abs=1e-5)
        assert ours[2] == pytest.approx(turned.T @ x, abs=1e-5)


def test_a_single_number():
    net = nn.Sequential(nn.ReLU())
    assert [net(Tensor(-float(k))).item() + net(Tensor(float(k))).item() for k in range(5)] == [
        *range(5)
    ]


class Strange:
    """Something that is not to be compared."""

    def __eq__(self, other):
        raise RuntimeError

    __hash__ = None


def test_attributes_that_cannot_be_compared(monkeypatch):
    net, shape, _ = trained(monkeypatch)
    for _ in range(2):
        net[0].note = Strange()
        check(net, shape)


def test_no_memory_for_a_plan(monkeypatch):
    net, shape, _ = trained(monkeypatch)
    convlab.empty_cache()

    def none(*arguments):
        raise MemoryError

    monkeypatch.setattr(chain, "_Plan", none)
    monkeypatch.setattr(none, "held", 0, raising=False)
    check(net, shape)


@pytest.mark.parametrize("turn", [lambda x: x, lambda x: x.transpose(1, 2, 3, 0).copy()])
def test_results_lie_in_memory_as_layer_by_layer(turn):
    x = turn(np.random.default_rng(0).standard_normal((3, 4, 5, 6)).astype(np.float32))
    x = x if x.shape[0] == 3 else x.transpose(3, 0, 1, 2)
    net = nn.Sequential(nn.Sigmoid(), nn.Tanh())
    want = layer_by_layer(net, Tensor(x)).data
    for _ in range(5):
        assert net(Tensor(x)).data.strides == want.strides


@pytest.mark.parametrize(
    "change", [np.flip, lambda x: x[:, :, ::2], lambda x: np.asfortranarray(x)]
)
def test_inputs_that_lie_otherwise(change):
    net = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.Tanh())
    rng = np.random.default_rng(0)
    for _ in range(5):
        x = change(rng.standard_normal((3, 2, 8, 6)).astype(np.float32))
        want = numbers(net, lambda t: layer_by_layer(net, t), x)
        assert same(numbers(net, net, x), want)


def test_one_gradient_that_is_kept_keeps_no_others(monkeypatch):
    net, shape, _ = trained(monkeypatch)
    net(Tensor(np.ones(shape, np.float32))).sum().backward()
    small = net[9].bias.grad
    assert (small if small.base is None else small.base).nbytes < 1000


def test_the_input_is_not_kept(monkeypatch):
    net, shape, _ = trained(monkeypatch)
    x = np.ones((*shape[1:], shape[0]), np.float32)
    gone = weakref.ref(x)
    net(Tensor(x.transpose(3, 0, 1, 2), requires_grad=True)).sum().backward()
    del x
    gc.collect()
    assert gone() is None


def test_layers_with_many_weights_are_not_planned(monkeypatch):
    plans = planned(monkeypatch)
    net = nn.Sequential(nn.Linear(2100, 2000))  # 16.8 MB
    for _ in range(5):
        net(Tensor(np.ones((1, 2100), np.float32)))
    assert not plans
