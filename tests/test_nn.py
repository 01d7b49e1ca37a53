"""Layers, their state and their sizes; networks from TOML and the mistakes in it."""

import math
import re

import numpy as np
import pytest
import safetensors.numpy

import convlab
from convlab import functional as F
from convlab import models, nn, optim
from convlab.errors import ConvlabError, DTypeError, ShapeError, SpecError
from convlab.kernels.dispatch import to_device
from convlab.tensors import Tensor

pytestmark = pytest.mark.smoke


def one_line(kind, *parts):
    """Expect an error of one line in which all parts stand in this order."""
    assert issubclass(kind, ConvlabError)
    pattern = "[^\n]*".join(re.escape(part) for part in parts)
    return pytest.raises(kind, match=rf"\A[^\n]*{pattern}[^\n]*\Z")


def small_network():
    return nn.Sequential(
        {
            "conv": nn.Conv2d(1, 2, 3),
            "block": nn.Sequential(nn.ReLU(), nn.Conv2d(2, 3, 1, bias=False)),
            "flatten": nn.Flatten(),
            "drop": nn.Dropout(0.5),
            "fc": nn.Linear(12, 4),
        }
    )


# --- modules ---------------------------------------------------------------------------

TABLE = [[1, 0, 1], [0, 1, 1]]
LAYERS = {
    # layer, repr, input shape without the batch, output shape by hand
    "Conv2d(1, 6, kernel_size=(5, 5))": (nn.Conv2d(1, 6, 5), (1, 9, 8), (6, 5, 4)),
    "Conv2d(4, 6, kernel_size=(3, 2), stride=(2, 1), padding=(1, 2), dilation=(2, 2), groups=2)": (
        nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 2), 2, 2),
        (4, 8, 7),
        (6, 3, 9),
    ),
    "Conv2d(2, 3, kernel_size=(4, 4), padding=(1, 2, 1, 2), bias=False, padding_mode='reflect')": (
        nn.Conv2d(2, 3, 4, padding="same", bias=False, padding_mode="reflect"),
        (2, 6, 5),
        (3, 6, 5),
    ),
    "ConvTranspose2d(2, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1),"
    " output_padding=(1, 1))": (
        nn.ConvTranspose2d(2, 4, 3, 2, 1, 1),
        (2, 5, 3),
        (4, 10, 6),
    ),
    "ConvTranspose2d(4, 2, kernel_size=(2, 2), dilation=(3, 3), groups=2, bias=False)": (
        nn.ConvTranspose2d(4, 2, 2, groups=2, bias=False, dilation=3),
        (4, 5, 3),
        (2, 8, 6),
    ),
    "Conv1d(4, 6, kernel_size=3, stride=2, padding=(1, 0), groups=2)": (
        nn.Conv1d(4, 6, 3, 2, (1, 0), groups=2),
        (4, 8),
        (6, 4),
    ),
    "MaxPool1d(kernel_size=3, stride=2, padding=1)": (nn.MaxPool1d(3, 2, 1), (2, 1, 8), (2, 1, 4)),
    "AvgPool1d(kernel_size=3, stride=3)": (nn.AvgPool1d(3), (2, 7), (2, 2)),
    "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)": (
        nn.BatchNorm1d(3),
        (3,),
        (3,),
    ),
    "Permute((0, 2, 3, 1))": (nn.Permute([0, 2, 3, 1]), (2, 3, 4), (3, 4, 2)),
    "Reshape((4, -1))": (nn.Reshape([4, -1]), (2, 3, 4), (4, 6)),
    "Linear(5, 3)": (nn.Linear(5, 3), (5,), (3,)),
    "Linear(5, 3, bias=False)": (nn.Linear(5, 3, bias=False), (5,), (3,)),
    "MaxPool2d(kernel_size=(2, 2), stride=(2, 2))": (nn.MaxPool2d(2), (3, 7, 6), (3, 3, 3)),
    "MaxPool2d(kernel_size=(3, 2), stride=(2, 2), padding=(1, 1), dilation=(2, 1),"
    " ceil_mode=True)": (
        nn.MaxPool2d((3, 2), 2, 1, (2, 1), True),
        (3, 8, 7),
        (3, 4, 4),
    ),
    "AvgPool2d(kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))": (
        nn.AvgPool2d(3, 1, 1),
        (2, 5, 4),
        (2, 5, 4),
    ),
    "AdaptiveAvgPool2d(output_size=1)": (nn.AdaptiveAvgPool2d(1), (3, 7, 6), (3, 1, 1)),
    "AdaptiveMaxPool2d(output_size=(None, 2))": (
        nn.AdaptiveMaxPool2d((None, 2)),
        (3, 7, 6),
        (3, 7, 2),
    ),
    "BatchNorm2d(3, eps=0.01, momentum=None, affine=False, track_running_stats=True)": (
        nn.BatchNorm2d(3, 0.01, None, False),
        (3, 4, 5),
        (3, 4, 5),
    ),
    "GroupNorm(2, 4, eps=1e-05, affine=True)": (nn.GroupNorm(2, 4), (4, 3, 2), (4, 3, 2)),
    "LayerNorm((3, 2), eps=0.1, elementwise_affine=True)": (
        nn.LayerNorm((3, 2), 0.1, bias=False),
        (4, 3, 2),
        (4, 3, 2),
    ),
    "LocalResponseNorm(5, alpha=0.0001, beta=0.75, k=1.0)": (
        nn.LocalResponseNorm(5),
        (3, 4, 5),
        (3, 4, 5),
    ),
    "ZeroPad2d((1, 2, 0, -1))": (nn.ZeroPad2d((1, 2, 0, -1)), (3, 4, 5), (3, 3, 8)),
    "CircularPad2d((1, 0, 0, 2))": (nn.CircularPad2d((1, 0, 0, 2)), (3, 4, 5), (3, 6, 6)),
    "Slice(starts=(1, 0, 1), ends=(3, 9, 4), steps=(1, 2, 1))": (
        nn.Slice((1, 0, 1), (3, 9, 4), (1, 2, 1)),
        (4, 5, 6),
        (2, 3, 3),
    ),
    "Reshape((3, 2, 10))": (nn.Reshape((3, 2, 10)), (3, 4, 5), (3, 2, 10)),
    "Resize2d((6, 2), mode='cubic', coordinates='align_corners')": (
        nn.Resize2d((6, 2), "cubic", "align_corners"),
        (3, 4, 5),
        (3, 6, 2),
    ),
    "Affine((3, 1, 1), weight=True, bias=False)": (
        nn.Affine((3, 1, 1), bias=False),
        (3, 4, 5),
        (3, 4, 5),
    ),
    "Affine((3, 4, 1), weight=True, bias=True)": (nn.Affine((3, 4, 1)), (1, 1, 5), (3, 4, 5)),
    "Rescale(scale=2.0, shift=-1.0)": (nn.Rescale(2, -1), (3, 4, 5), (3, 4, 5)),
    "Hardtanh(min_val=-0.5, max_val=None)": (nn.Hardtanh(-0.5, None), (7,), (7,)),
    "MaxPool2d(kernel_size=(3, 3), stride=(2, 2), padding=(2, 0, 1, 1))": (
        nn.MaxPool2d(3, 2, (2, 0, 1, 1)),
        (2, 5, 5),
        (2, 3, 3),
    ),
    "ReflectionPad2d((1, 1, 1, 1))": (nn.ReflectionPad2d(1), (3, 4, 5), (3, 6, 7)),
    "ReplicationPad2d((0, 3, 0, 0))": (nn.ReplicationPad2d((0, 3, 0, 0)), (3, 4, 5), (3, 4, 8)),
    "PixelShuffle(upscale_factor=2)": (nn.PixelShuffle(2), (8, 3, 2), (2, 6, 4)),
    "ChannelShuffle(groups=3)": (nn.ChannelShuffle(3), (6, 3, 2), (6, 3, 2)),
    "Upsample(scale_factor=2.5, mode='nearest')": (
        nn.Upsample(scale_factor=2.5),
        (3, 4, 5),
        (3, 10, 12),
    ),
    "Upsample(size=(5, 9), mode='bilinear')": (
        nn.Upsample((5, 9), mode="bilinear", align_corners=True),
        (3, 4, 5),
        (3, 5, 9),
    ),
    "Shortcut2d(2, 5, stride=2)": (nn.Shortcut2d(2, 5, 2), (2, 5, 4), (5, 3, 2)),
    "ReLU()": (nn.ReLU(), (3, 4, 5), (3, 4, 5)),
    "LeakyReLU(negative_slope=0.2)": (nn.LeakyReLU(0.2), (3, 4, 5), (3, 4, 5)),
    "PReLU(num_parameters=3)": (nn.PReLU(3), (3, 4, 5), (3, 4, 5)),
    "ELU(alpha=1.0)": (nn.ELU(), (7,), (7,)),
    "SELU()": (nn.SELU(), (7,), (7,)),
    "GELU(approximate='tanh')": (nn.GELU("tanh"), (3, 4, 5), (3, 4, 5)),
    "SiLU()": (nn.SiLU(), (3, 4, 5), (3, 4, 5)),
    "ReLU6()": (nn.ReLU6(), (7,), (7,)),
    "Hardsigmoid()": (nn.Hardsigmoid(), (7,), (7,)),
    "Hardswish()": (nn.Hardswish(), (3, 4, 5), (3, 4, 5)),
    "Softplus(beta=2.0, threshold=20.0)": (nn.Softplus(2), (3, 4, 5), (3, 4, 5)),
    "Identity()": (nn.Identity(), (3, 4, 5), (3, 4, 5)),
    "Dropout2d(p=0.3)": (nn.Dropout2d(0.3), (3, 4, 5), (3, 4, 5)),
    "Sigmoid()": (nn.Sigmoid(), (7,), (7,)),
    "Tanh()": (nn.Tanh(), (3, 4, 5), (3, 4, 5)),
    "ScaledTanh()": (nn.ScaledTanh(), (3, 4, 5), (3, 4, 5)),
    "Softmax(dim=1)": (nn.Softmax(1), (7,), (7,)),
    "Flatten()": (nn.Flatten(), (3, 4, 5), (60,)),
    "Flatten(start_dim=2, end_dim=3)": (nn.Flatten(2, 3), (3, 4, 5), (3, 20)),
    "Dropout(p=0.3)": (nn.Dropout(0.3), (3, 4), (3, 4)),
    "TableConv2d(3, 2, kernel_size=(2, 2))": (
        nn.TableConv2d(3, 2, 2, TABLE),
        (3, 5, 4),
        (2, 4, 3),
    ),
    "Subsample2d(3, kernel_size=(2, 2))": (nn.Subsample2d(3, 2), (3, 6, 5), (3, 3, 2)),
    "EuclideanRBF(4, 3)": (nn.EuclideanRBF(np.ones((3, 4))), (4,), (3,)),
}


def test_every_layer_is_looked_at():
    # Joins read several inputs; test_receptive_field.py has them.
    alone = {kind for kind in nn.LAYERS.values() if not issubclass(kind, nn.Join)}
    assert {type(layer) for layer, _, _ in LAYERS.values()} == alone


@pytest.mark.parametrize("text", LAYERS)
def test_repr_and_output_shape(text):
    layer, before, after = LAYERS[text]
    assert repr(layer) == text
    assert tuple(layer.output_shape(before)) == after
    x = np.random.default_rng(0).standard_normal((2, *before)).astype(np.float32)
    assert layer(Tensor(x)).shape == (2, *after)


COUNTABLE = [
    # without padding, whose zeros are multiplied and would not be seen here
    (nn.Conv2d(1, 6, 5), (1, 9, 8)),
    (nn.Conv2d(4, 6, (3, 2), (2, 1), 0, 2, 2, False), (4, 8, 7)),
    (nn.ConvTranspose2d(4, 2, 3, 2, 0, 1, 2), (4, 5, 3)),
    (nn.ConvTranspose2d(2, 3, 2, bias=False), (2, 5, 3)),
    (nn.TableConv2d(3, 2, 2, TABLE), (3, 5, 4)),
    (nn.Conv1d(4, 6, 3, 2, groups=2), (4, 9)),
    (nn.Conv1d(4, 6, 2, bias=False), (4, 1, 9)),
    (nn.Linear(5, 3), (5,)),
    (nn.Linear(5, 3, bias=False), (5,)),
]


@pytest.mark.parametrize(("layer", "before"), COUNTABLE, ids=repr)
def test_multiply_adds_and_connections_counted_by_ones(layer, before):
    """Where inputs and weights are 1 and biases 0, the outputs add up to the products."""
    layer.load_state_dict(
        {name: np.full(v.shape, "weight" in name) for name, v in layer.state_dict().items()}
    )
    output = layer(Tensor(np.ones((1, *before), np.float32))).numpy()
    assert layer.multiply_adds(before) == output.sum()
    assert layer.connections(before) == output.sum() + (layer.bias is not None) * output.size


def test_repr_of_a_network():
    assert repr(small_network()) == (
        "Sequential(\n"
        "  (conv): Conv2d(1, 2, kernel_size=(3, 3))\n"
        "  (block): Sequential(\n"
        "    (0): ReLU()\n"
        "    (1): Conv2d(2, 3, kernel_size=(1, 1), bias=False)\n"
        "  )\n"
        "  (flatten): Flatten()\n"
        "  (drop): Dropout(p=0.5)\n"
        "  (fc): Linear(12, 4)\n"
        ")"
    )


def test_names_and_order_of_modules_and_parameters():
    network = small_network()
    names = ["", "conv", "block", "block.0", "block.1", "flatten", "drop", "fc"]
    assert [name for name, _ in network.named_modules()] == names
    assert [name for name, _ in network.named_children()] == names[1:3] + names[5:]
    shapes = {
        "conv.weight": (2, 1, 3, 3),
        "conv.bias": (2,),
        "block.1.weight": (3, 2, 1, 1),
        "fc.weight": (4, 12),
        "fc.bias": (4,),
    }
    named = list(network.named_parameters())
    assert [(name, p.shape) for name, p in named] == list(shapes.items())
    assert [id(p) for p in network.parameters()] == [id(p) for _, p in named]
    assert list(network.state_dict()) == list(shapes)
    assert network.parameter_count() == 18 + 2 + 6 + 48 + 4
    assert network.own_parameter_count() == 0


def test_sequential_is_a_sequence():
    network = small_network()
    assert len(network) == 5
    assert [type(m).__name__ for m in network] == [
        "Conv2d",
        "Sequential",
        "Flatten",
        "Dropout",
        "Linear",
    ]
    assert network[0] is network.conv is network["conv"]
    assert network[-1] is network.fc
    assert network.output_shape((1, 4, 4)) == (4,)


def test_layer_that_is_used_twice_is_learned_once():
    layer = nn.Linear(2, 2)
    network = nn.Sequential(layer, nn.Tanh(), layer)
    assert [name for name, _ in network.named_parameters()] == ["0.weight", "0.bias"]
    assert network.parameter_count() == 6
    network(Tensor(np.ones((1, 2), np.float32))).sum().backward()
    before, gradient = layer.bias.numpy().copy(), layer.bias.grad.copy()
    optim.SGD(network.parameters(), lr=0.5).step()
    np.testing.assert_allclose(layer.bias.numpy(), before - 0.5 * gradient, rtol=1e-6)


def test_modules_inside_one_another_are_learned_once():
    one, other = nn.Linear(2, 3), nn.Linear(3, 2)
    one.next, other.next = other, one
    names = ["weight", "bias", "next.weight", "next.bias"]
    assert [name for name, _ in one.named_parameters()] == names
    assert one.parameter_count() == 2 * 3 + 3 + 3 * 2 + 2


def test_sequential_takes_modules_with_free_names():
    with one_line(SpecError, "Sequential: expected modules, got function"):
        nn.Sequential(nn.ReLU(), F.relu)
    for name in ("forward", "training", "parameters"):
        with one_line(SpecError, "Sequential: expected a name that is free, got", repr(name)):
            nn.Sequential({name: nn.ReLU()})


def test_module_of_ones_own():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 2, 3, padding="same")
            self.scale = nn.Parameter(np.ones(1, np.float32))

        def forward(self, x):
            return x + self.conv(x) * self.scale

    module = Residual()
    assert [name for name, _ in module.named_parameters()] == ["scale", "conv.weight", "conv.bias"]
    assert module.parameter_count() == 1 + 36 + 2
    x = np.ones((1, 2, 3, 3), np.float32)
    module.scale.data[:] = 0
    np.testing.assert_array_equal(module(Tensor(x)).numpy(), x)
    assert (
        repr(module) == "Residual(\n  (conv): Conv2d(2, 2, kernel_size=(3, 3), padding=(1, 1))\n)"
    )
    with pytest.raises(NotImplementedError):
        nn.Module()(Tensor(x))


# --- state -----------------------------------------------------------------------------


def test_state_dict_is_a_copy_and_comes_back():
    network = small_network()
    state = network.state_dict()
    for array in state.values():
        array += 1
    assert all((network.state_dict()[name] != state[name]).all() for name in state)
    network.load_state_dict(state)
    for name, parameter in network.named_parameters():
        np.testing.assert_array_equal(parameter.numpy(), state[name])
        assert not np.shares_memory(parameter.numpy(), state[name])


@pytest.mark.parametrize("kind", [np.float32, np.float64, ">f4", ">f8"])
def test_state_of_an_array_in_another_order_is_written_as_it_is(kind):
    """safetensors writes memory as it lies; what is read back has each number in its place."""
    numbers = np.arange(6, dtype=kind).reshape(2, 3) + np.array(1, kind) / 3
    layer = nn.Module()
    layer.rows, layer.columns = nn.Parameter(numbers), nn.Parameter(numbers.T)
    layer.fortran, layer.parts = (
        nn.Parameter(np.asfortranarray(numbers)),
        nn.Parameter(numbers[:, ::2]),
    )
    written = safetensors.numpy.load(safetensors.numpy.save(layer.state_dict()))
    native = np.dtype(kind).newbyteorder("=")
    expected = {"rows": numbers, "columns": numbers.T, "fortran": numbers, "parts": numbers[:, ::2]}
    for name, array in expected.items():
        np.testing.assert_array_equal(written[name], array)
        assert written[name].dtype == native
    layer.load_state_dict(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(getattr(layer, name).numpy(), array)
        assert getattr(layer, name).dtype == native
    assert layer.astype(kind).rows.dtype == native


def test_load_state_dict_keeps_the_kind_of_float_and_c_order():
    layer = nn.Linear(3, 2)
    layer.load_state_dict({"weight": np.asfortranarray(np.ones((2, 3))), "bias": np.zeros(2)})
    assert layer.weight.dtype == np.float32
    assert layer.weight.numpy().flags.c_contiguous


def test_load_state_dict_mistakes_change_nothing():
    network = small_network()
    good = {name: array + 1 for name, array in network.state_dict().items()}
    before = network.state_dict()
    missing = {name: array for name, array in good.items() if name != "fc.bias"}
    names = "conv.weight, conv.bias, block.1.weight, fc.weight, fc.bias"
    with one_line(
        SpecError,
        f"load_state_dict: expected the parameters {names}; missing: fc.bias; not known: none",
    ):
        network.load_state_dict(missing)
    with one_line(SpecError, "missing: fc.bias; not known: fc2.bias, other"):
        network.load_state_dict(
            missing | {"other": good["conv.bias"], "fc2.bias": before["fc.bias"]}
        )
    with one_line(ShapeError, "load_state_dict: expected fc.weight of shape (4, 12), got (12, 4)"):
        network.load_state_dict(good | {"fc.weight": good["fc.weight"].T})
    for name, array in network.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_astype():
    network = small_network().astype(np.float64)
    assert {p.dtype for p in network.parameters()} == {np.dtype(np.float64)}
    assert network.eval()(Tensor(np.zeros((1, 1, 4, 4)))).dtype == np.float64


def test_requires_grad():
    network = small_network().eval().requires_grad_(False)
    x = Tensor(np.zeros((1, 1, 4, 4), np.float32))
    assert not network(x).requires_grad
    network.fc.requires_grad_()
    network(x).sum().backward()
    assert network.fc.weight.grad is not None
    assert network.conv.weight.grad is None
    network.zero_grad()
    assert network.fc.weight.grad is None


def test_train_and_eval_switch_dropout():
    network = small_network()
    assert network.training
    assert network.drop.training
    network.block = nn.Sequential(nn.ReLU(), nn.Conv2d(2, 3, 1))
    network.block[1].bias.data[:] = 1  # something to drop, whatever the weights are
    x = Tensor(np.ones((20, 1, 4, 4), np.float32))
    first, second = network(x).numpy(), network(x).numpy()
    assert (first != second).any()
    assert network.eval() is network
    assert not network.block[0].training
    np.testing.assert_array_equal(network(x).numpy(), network(x).numpy())
    assert network.train().drop.training


# --- initial weights --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "layer", "variance"),
    [
        # fan_in 8 * 9 = 72, fan_out 64 * 9 = 576
        ("he", lambda s: nn.Conv2d(8, 64, 3, initialisation=s), 2 / 72),
        ("lecun", lambda s: nn.Conv2d(8, 64, 3, initialisation=s), 1 / 72),
        ("glorot", lambda s: nn.Conv2d(8, 64, 3, initialisation=s), 2 / (72 + 576)),
        ("he", lambda s: nn.Conv2d(16, 64, 3, groups=2, initialisation=s), 2 / 72),
        ("he", lambda s: nn.Linear(100, 50, initialisation=s), 2 / 100),
        ("lecun", lambda s: nn.Linear(100, 50, initialisation=s), 1 / 100),
        ("glorot", lambda s: nn.Linear(100, 50, initialisation=s), 2 / 150),
    ],
)
def test_variance_of_initial_weights(scheme, layer, variance):
    convlab.manual_seed(0)
    layer = layer(scheme)
    weights = layer.weight.numpy().astype(float)
    count = weights.size
    # Five standard deviations of the mean and of the variance of that many normal numbers
    assert abs(weights.mean()) < 5 * math.sqrt(variance / count)
    assert abs(weights.var() / variance - 1) < 5 * math.sqrt(2 / count)
    kurtosis = ((weights - weights.mean()) ** 4).mean() / weights.var() ** 2
    assert abs(kurtosis - 3) < 5 * math.sqrt(24 / count)  # normal, not uniform (1.8)
    assert not layer.bias.numpy().any()
    assert layer.weight.dtype == np.float32


def test_initial_weights_follow_the_seed():
    convlab.manual_seed(5)
    first, second = nn.Linear(3, 3).weight.numpy(), nn.Linear(3, 3).weight.numpy()
    convlab.manual_seed(5)
    np.testing.assert_array_equal(first, nn.Linear(3, 3).weight.numpy())
    assert (first != second).all()


def test_weights_of_pairs_that_are_not_connected_stay_zero(device):
    layer = nn.TableConv2d(3, 2, 2, TABLE).to(device)
    assert layer.parameter_count() == 4 * 4 + 2
    apart = ~np.array(TABLE, bool)
    optimiser = optim.SGD(layer.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    x = Tensor(np.random.default_rng(0).standard_normal((2, 3, 4, 4)).astype(np.float32))
    x = x.to(device)
    for _ in range(3):
        layer.zero_grad()
        (layer(x) ** 2).sum().backward()
        optimiser.step()
    assert not layer.weight.numpy()[apart].any()
    assert layer.weight.numpy()[~apart].all()


def test_subsampling_adds_up_multiplies_and_adds_a_bias(device):
    layer = nn.Subsample2d(2, 2).to(device)
    layer.load_state_dict({"weight": np.array([3.0, -1]), "bias": np.array([0.5, 2])})
    x = np.arange(16.0, dtype=np.float32).reshape(1, 2, 2, 4)
    expected = [[[[3 * (0 + 1 + 4 + 5) + 0.5, 3 * (2 + 3 + 6 + 7) + 0.5]]]]
    expected[0].append([[-(8 + 9 + 12 + 13) + 2, -(10 + 11 + 14 + 15) + 2]])
    np.testing.assert_array_equal(layer(Tensor(x).to(device)).numpy(), expected)


# --- a ReLU that its neighbour does -----------------------------------------------------


@pytest.mark.parametrize(
    "modules",
    [
        [nn.Conv2d(2, 7, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)],
        [nn.Conv2d(2, 7, 3), nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.ReLU()],
        [nn.Conv2d(2, 3, 3, stride=2), nn.ReLU(), nn.Conv2d(3, 2, 1), nn.ReLU(), nn.ReLU()],
        [nn.ReLU(), nn.MaxPool2d(2), nn.ReLU(), nn.AvgPool2d(2)],
        [nn.Flatten(), nn.Linear(162, 9), nn.ReLU(), nn.Linear(9, 4), nn.ReLU()],
        [nn.ConvTranspose2d(2, 3, 2), nn.ReLU(), nn.Tanh(), nn.ReLU(), nn.MaxPool2d(3)],
    ],
    ids=lambda modules: "-".join(type(module).__name__ for module in modules),
)
def test_relu_left_to_its_neighbour_gives_the_same_bits(modules, device):
    numbers = np.random.default_rng(3).standard_normal((5, 2, 9, 9)).astype(np.float32)

    def answer(apply):
        network = nn.Sequential(*modules).to(device)
        network.zero_grad()
        x = Tensor(numbers, requires_grad=True)
        y = apply(network, x.to(device))
        y.backward(np.cos(np.arange(y.size, dtype=np.float32)).reshape(y.shape))
        gradients = (to_device(p.grad, "cpu") for p in network.parameters())
        return [y.numpy(), x.grad, *gradients]

    def one_by_one(network, x):
        for module in network:
            x = module(x)
        return x

    for together, apart in zip(answer(lambda n, x: n(x)), answer(one_by_one), strict=True):
        np.testing.assert_array_equal(together, apart)


def test_pooling_after_relu_names_no_winner_where_nothing_is_above_zero(device):
    x = Tensor([[[[-1.0, -2.0, 3.0, 1.0], [-3.0, 0.0, 2.0, 4.0]]]]).to(device)
    pooled, winners = F.max_pool2d(x, 2, return_indices=True, relu=True)
    assert pooled.numpy().tolist() == [[[[0.0, 4.0]]]]
    assert winners.tolist() == [[[[-1, 7]]]]


# --- optimisers hold the parameters -------------------------------------------------------


def test_optimiser_goes_on_with_numbers_that_a_parameter_was_given(device):
    layer = nn.Linear(2, 1).to(device)
    optimiser = optim.SGD(layer.parameters(), lr=0.5, momentum=0.5)
    for weight in ([[1.0, 2.0]], [[5.0, 7.0]]):
        layer.load_state_dict({"weight": weight, "bias": [3.0]})
        for parameter in layer.parameters():
            parameter.grad = np.ones_like(parameter.data)
        optimiser.step()
        # velocity 1, then 0.5 * 1 + 1
        step = 0.5 * (1 if weight[0][0] == 1 else 1.5)
        np.testing.assert_allclose(layer.weight.numpy(), np.array(weight) - step, rtol=1e-6)
        np.testing.assert_allclose(layer.bias.numpy(), [3 - step], rtol=1e-6)


def test_optimiser_takes_a_parameter_once_and_one_kind_of_numbers():
    layer = nn.Linear(2, 1)
    layer.weight.grad, layer.bias.grad = np.ones((1, 2), np.float32), np.ones(1, np.float32)
    before = layer.weight.numpy().copy()
    optim.SGD([*layer.parameters(), layer.weight], lr=0.25).step()
    np.testing.assert_array_equal(layer.weight.numpy(), before - np.float32(0.25))
    other = nn.Linear(1, 1).astype(np.float64)
    with one_line(DTypeError, "optimiser", "one dtype", "float32 and float64"):
        optim.SGD([*layer.parameters(), *other.parameters()], lr=0.1)


# --- mistakes in the use of layers, optimisers and operations -------------------------------


def image(*shape):
    return Tensor(np.zeros(shape, np.float32))


MISTAKES = [
    (lambda: nn.Conv2d(3, 4, 3, groups=2), ShapeError, "Conv2d: expected channels of at least 1"),
    (lambda: nn.Conv2d(0, 4, 3), ShapeError, "Conv2d: expected channels of at least 1"),
    (lambda: nn.Conv2d(1, 1, 0), ShapeError, "kernel_size: expected at least 1, got 0"),
    (lambda: nn.Conv2d(1, 1, 3, padding=-1), ShapeError, "padding: expected at least 0"),
    (lambda: nn.Conv2d(1, 1, 3, 2, "same"), ShapeError, "padding 'same': expected stride 1"),
    (
        lambda: nn.Conv2d(1, 1, 3, padding_mode="mirror"),
        SpecError,
        "Conv2d: expected padding_mode zeros, reflect, replicate, circular, got 'mirror'",
    ),
    (
        lambda: nn.Conv2d(1, 1, 3, initialisation="xavier"),
        SpecError,
        "initialisation: expected one of lecun, glorot, he, got 'xavier'",
    ),
    (
        lambda: nn.ConvTranspose2d(3, 4, 3, groups=2),
        ShapeError,
        "ConvTranspose2d: expected channels",
    ),
    (lambda: nn.Linear(0, 3), ShapeError, "Linear: expected at least one feature, got 0 and 3"),
    (
        lambda: nn.Dropout(1.5),
        SpecError,
        "Dropout: expected a probability between 0 and 1, got 1.5",
    ),
    (
        lambda: nn.TableConv2d(3, 2, 2, [[1, 0, 1]]),
        ShapeError,
        "TableConv2d: expected a table of shape (2, 3) with at least one input map in each row",
    ),
    (
        lambda: nn.TableConv2d(3, 2, 2, [[1, 0, 1], [0, 0, 0]]),
        ShapeError,
        "TableConv2d: expected a table of shape (2, 3)",
    ),
    (
        lambda: nn.Conv2d(3, 4, 3).output_shape((1, 8, 8)),
        ShapeError,
        "Conv2d: expected images of shape (3, rows, columns), got (1, 8, 8)",
    ),
    (
        lambda: nn.MaxPool2d(2).output_shape((8,)),
        ShapeError,
        "MaxPool2d: expected images of shape (channels, rows, columns), got (8,)",
    ),
    (
        lambda: nn.ConvTranspose2d(1, 1, 1, padding=1).output_shape((1, 2, 2)),
        ShapeError,
        "ConvTranspose2d: expected less padding than the output has, got an output of 0 × 0",
    ),
    (
        lambda: nn.Linear(5, 3).output_shape((3, 4, 5)),
        ShapeError,
        "Linear: expected an input of shape (5,), got (3, 4, 5)",
    ),
    (
        lambda: nn.EuclideanRBF(np.ones((3, 4))).output_shape((5,)),
        ShapeError,
        "EuclideanRBF: expected an input of shape (4,), got (5,)",
    ),
    (
        lambda: nn.Flatten(5)(image(2, 3, 4, 4)),
        ShapeError,
        "Flatten: expected start_dim and end_dim in order and inside 4 axes, batch first,"
        " got 5 and",
    ),
    (
        lambda: nn.Flatten(3, 1).output_shape((3, 4, 4)),
        ShapeError,
        "Flatten: expected start_dim and end_dim in order",
    ),
    (
        lambda: nn.Conv2d(3, 4, 3)(image(1, 1, 8, 8)),
        ShapeError,
        "conv2d: expected a weight of shape (4, 1, 3, 3) for 1 input channels in 1 group(s), got",
    ),
    (
        lambda: nn.Conv2d(3, 4, 3)(image(8, 8)),
        ShapeError,
        "conv2d: expected an input of shape (N, C, H, W) or (C, H, W), got (8, 8)",
    ),
    (
        lambda: nn.Conv2d(3, 4, 3)(image(1, 3, 0, 8)),
        ShapeError,
        "conv2d: expected an input that is not empty, got (1, 3, 0, 8)",
    ),
    (
        lambda: F.conv2d(image(1, 1, 3, 3), Tensor(np.zeros((1, 1, 2, 2)))),
        convlab.errors.DTypeError,
        "conv2d: expected one dtype for all, got input float32, weight float64",
    ),
    (
        lambda: F.conv2d(image(1, 1, 3, 3), image(2, 1, 2, 2), image(3)),
        ShapeError,
        "conv2d: expected a bias of shape (2,), got (3,)",
    ),
    (
        lambda: F.conv2d(np.zeros((1, 1, 3, 3)), image(1, 1, 2, 2)),
        convlab.errors.DTypeError,
        "conv2d: expected a Tensor as input, got ndarray",
    ),
    (
        lambda: F.conv2d(image(1, 1, 3, 3), image(1, 1, 2)),
        ShapeError,
        "conv2d: expected a weight of four axes, none of them empty, got (1, 1, 2)",
    ),
    (
        lambda: F.conv_transpose2d(image(1, 2, 3, 3), image(3, 1, 2, 2)),
        ShapeError,
        "conv_transpose2d: expected a weight for 2 input channels, (2, O / groups, KH, KW), got",
    ),
    (
        lambda: F.conv_transpose2d(image(1, 1, 3, 3), image(1, 1, 2, 2), output_padding=1),
        ShapeError,
        "conv_transpose2d: expected output_padding smaller than stride or dilation (1), got 1",
    ),
    (
        lambda: F.linear(image(2, 3), image(4, 5)),
        ShapeError,
        "linear: expected an input of shape (..., 5), got (2, 3)",
    ),
    (
        lambda: F.pad(image(1, 1, 3, 3), (1, 2, 3)),
        ShapeError,
        "pad: expected (left, right) or (left, right, top, bottom) in pixels, got (1, 2, 3)",
    ),
    (
        lambda: F.pad(image(1, 1, 3, 3), (1.5, 2)),
        ShapeError,
        "pad: expected (left, right) or (left, right, top, bottom) in pixels, got (1.5, 2)",
    ),
    (
        lambda: F.pad(image(1, 1, 3, 3), (-2, -1)),
        ShapeError,
        "pad: expected at least one pixel to be left of 3 × 3, got pad (-2, -1)",
    ),
    (
        lambda: F.pad(image(1, 1, 3, 3), (1, 1), "zeros"),
        SpecError,
        "pad: expected mode constant, reflect, replicate, circular, got 'zeros'",
    ),
    (
        lambda: F.avg_pool2d(image(1, 1, 3, 3), 2, divisor_override=0),
        ShapeError,
        "avg_pool2d: expected a divisor_override that is not zero, got 0",
    ),
    (
        lambda: F.dropout(image(3), -0.1),
        SpecError,
        "dropout: expected a probability between 0 and 1, got -0.1",
    ),
    (
        lambda: F.softmax(image(2, 3), 2),
        ShapeError,
        "softmax: expected an axis of shape (2, 3) that is not empty, got 2",
    ),
    (
        lambda: F.cross_entropy(image(2, 3), [0, 3]),
        ShapeError,
        "cross_entropy: expected labels from 0 to 2, got 3",
    ),
    (
        lambda: F.cross_entropy(image(2, 3), [0, 1, 2]),
        ShapeError,
        "cross_entropy: expected labels of shape (2,) for logits of shape (2, 3), got (3,)",
    ),
    (
        lambda: F.cross_entropy(image(2, 3), [0.5, 1.0]),
        convlab.errors.DTypeError,
        "cross_entropy: expected integer class labels of shape (2,), or probabilities of shape",
    ),
    (
        lambda: F.cross_entropy(image(3), 1),
        ShapeError,
        "cross_entropy: expected logits of shape (N, K) that are not empty, got (3,)",
    ),
    (
        lambda: F.cross_entropy(image(2, 3), [0, 1], reduction="average"),
        SpecError,
        "cross_entropy: expected reduction mean, sum or none, got 'average'",
    ),
    (
        lambda: F.cross_entropy(image(2, 3), [0, 1], label_smoothing=2),
        SpecError,
        "cross_entropy: expected label_smoothing in 0 to 1, got 2",
    ),
    (
        lambda: F.cross_entropy(image(2, 3), [0, 1], weight=[1, 2]),
        ShapeError,
        "cross_entropy: expected a weight of shape (3,), got (2,)",
    ),
    (
        lambda: F.squared_distance(image(2, 3), np.zeros((5, 4))),
        ShapeError,
        "squared_distance: expected an input of shape (N, 4), got (2, 3)",
    ),
    (
        lambda: F.lecun_map_loss(image(2, 3), [0, -1]),
        ShapeError,
        "lecun_map_loss: expected labels from 0 to 2, got -1",
    ),
    (
        lambda: F.lecun_map_loss(image(2, 3, 4), np.zeros((2, 4), int)),
        ShapeError,
        "lecun_map_loss: expected distances of shape (N, K) that are not empty, got (2, 3, 4)",
    ),
    (lambda: optim.SGD([]), SpecError, "optimiser: expected at least one parameter, got none"),
    (
        lambda: optim.SGD(nn.Linear(1, 1).parameters(), lr=-1),
        SpecError,
        "optimiser: expected a finite rate of at least 0, got -1",
    ),
    (
        lambda: optim.Adam(nn.Linear(1, 1).parameters(), weight_decay=math.nan),
        SpecError,
        "optimiser: expected a finite weight_decay of at least 0, got nan",
    ),
    (
        lambda: optim.SGD(nn.Linear(1, 1).parameters(), momentum=2),
        SpecError,
        "SGD: expected a momentum between 0 and 1, got 2",
    ),
    (
        lambda: optim.SGD(nn.Linear(1, 1).parameters(), nesterov=True),
        SpecError,
        "SGD: expected a momentum above 0 for Nesterov's form, got 0",
    ),
    (
        lambda: optim.Adam(nn.Linear(1, 1).parameters(), betas=(0.9, 1)),
        SpecError,
        "Adam: expected betas between 0 and 1, got (0.9, 1)",
    ),
    (
        lambda: optim.scheduled_rate("linear", 0.1, 0, 10),
        SpecError,
        "schedule: expected one of constant, step, cosine, one-cycle, got 'linear'",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), MISTAKES, ids=[m[2][:50] for m in MISTAKES])
def test_mistake(call, kind, message):
    with one_line(kind, message):
        call()


# --- rates ------------------------------------------------------------------------------


def test_rates_that_pytorch_has_no_match_for():
    rates = [optim.scheduled_rate("step", 0.3, step, 9) for step in range(10)]
    np.testing.assert_allclose(rates, [0.3] * 3 + [0.03] * 3 + [0.003] * 4)
    assert optim.scheduled_rate("constant", 0.3, 7, 9) == 0.3


def test_optimiser_leaves_a_parameter_without_gradient_alone(device):
    a, b = (nn.Parameter(to_device(np.ones(2), device)) for _ in range(2))
    for kind in (optim.SGD, optim.Adam):
        optimiser = kind([a, b], lr=0.1)
        a.grad = to_device(np.array([1, -99, 2, -99.0]), device)[::2]
        before = a.numpy().copy()
        optimiser.step()
        assert (a.numpy() < before).all()
        np.testing.assert_array_equal(b.numpy(), [1, 1])
        optimiser.zero_grad()
        assert a.grad is None


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_optimiser_changes_parameters_in_any_order_of_memory(kind, device):
    parameter = nn.Parameter(to_device(np.ones((2, 3)).T, device))
    parameter.grad = to_device(np.ones((3, 2)), device)
    kind([parameter], lr=0.25).step()
    np.testing.assert_allclose(parameter.numpy(), 0.75)


# --- networks from TOML -----------------------------------------------------------------

GOOD = """\
input = "12x10x2"
loss = "cross-entropy"

[[layer]]
type = "Conv2d"
name = "conv"
out_channels = 4
kernel_size = [3, 2]
padding = "same"

[[layer]]
type = "ReLU"

[[layer]]
type = "ReLU"

[[layer]]
type = "MaxPool2d"
kernel_size = 2

[[layer]]
type = "Flatten"

[[layer]]
type = "Dropout"
p = 0.25

[[layer]]
type = "Linear"
out_features = "classes"
"""


def test_network_from_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD, encoding="utf-8")
    network = models.build(path, classes=7)
    assert (network.name, network.spec, network.classes) == ("mine", GOOD, 7)
    assert network.input_shape == (2, 12, 10)
    assert [name for name, *_ in network.shapes()] == [
        "conv",
        "relu1",
        "relu2",
        "maxpool2d1",
        "flatten1",
        "dropout1",
        "linear1",
    ]
    assert [after for *_, after in network.shapes()] == [
        (4, 12, 10),
        (4, 12, 10),
        (4, 12, 10),
        (4, 6, 5),
        (120,),
        (120,),
        (7,),
    ]
    assert network.parameter_count() == 4 * 2 * 6 + 4 + 120 * 7 + 7
    assert network.eval()(image(3, 2, 12, 10)).shape == (3, 7)
    assert models.input_shape(path) == (2, 12, 10)


def test_what_replaces_the_specs_own():
    network = models.build_from_text(GOOD, name="x", input_shape=(1, 8, 8), dropout=0.75)
    assert network.conv.in_channels == 1
    assert network.dropout1.p == 0.75
    assert network.shapes()[-1][3] == (10,)


@pytest.mark.parametrize("name", ["dense", "fashion-cnn", "lenet5", "lenet5-1998"])
def test_shapes_of_every_model_are_those_of_its_outputs(name):
    network = models.build(name).eval()
    x = image(2, *network.input_shape)
    for layer_name, layer, before, after in network.shapes():
        assert x.shape == (2, *before), layer_name
        x = layer(x)
        assert x.shape == (2, *after), layer_name
    probabilities = network.probabilities(x.numpy())
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert network.loss_of(x, np.array([0, 1])).shape == ()


def test_probabilities_of_distances_favour_the_smallest():
    network = models.build("lenet5-1998")
    probabilities = network.probabilities(np.array([[3.0, 1.0, 2.0]]))
    weights = np.exp(-np.array([3.0, 1.0, 2.0]))
    np.testing.assert_allclose(probabilities, [weights / weights.sum()], rtol=1e-12)


def spec(layers, top='input = "8x8x1"'):
    return f"{top}\n\n{layers}\n"


def layer(*lines):
    return "\n".join(["[[layer]]", *lines, ""])


FLAT = layer('type = "Flatten"')
LAST = layer('type = "Linear"', 'out_features = "classes"')

SPEC_MISTAKES = {
    # what is wrong: (text, what the error says, in this order)
    "unknown key": (
        spec(layer('type = "Conv2d"', "out_channels = 2", "kernel_size = 3", "strides = 2")),
        ("mine.toml, line 7: 'strides' is not known for Conv2d; expected ", "stride"),
    ),
    "unknown key of a later layer": (
        spec(FLAT + layer('type = "ReLU"') + layer('type = "Linear"', "units = 3")),
        ("mine.toml, line 9: 'units' is not known for Linear; expected ", "out_features"),
    ),
    "unknown key at the top": (
        spec(FLAT + LAST, 'input = "8x8x1"\noutputs = 3'),
        ("mine.toml, line 2: 'outputs' is not known at the top; expected classes, input",),
    ),
    "unknown type": (
        spec(FLAT + layer('type = "Dense"', "out_features = 3")),
        (
            "mine.toml, line 5, layer 2 (Dense): expected type to be one of AdaptiveAvgPool2d,",
            "got 'Dense'",
        ),
    ),
    "type in another case": (
        spec(FLAT + layer('type = "linear"', "out_features = 3")),
        ("layer 2 (linear): expected type to be one of", "got 'linear'; did you mean Linear?"),
    ),
    "no type": (
        spec(layer('name = "first"')),
        ("mine.toml, line 3, layer 1 (first): expected type to be one of", "got None"),
    ),
    "type that is no text": (
        spec(layer('type = ["Conv2d"]', 'name = "first"')),
        ("mine.toml, line 3, layer 1 (first): expected type to be one of", "got ['Conv2d']"),
    ),
    "linear without flatten": (
        spec(LAST),
        ("mine.toml, line 3, layer 1 (Linear): expected a Flatten layer before it, got 8 x 8 x 1",),
    ),
    "convolution behind flatten": (
        spec(FLAT + layer('type = "Conv2d"', "out_channels = 2", "kernel_size = 3")),
        ("mine.toml, line 5, layer 2 (Conv2d): expected an image, got 64 numbers",),
    ),
    "kernel too large": (
        spec(layer('type = "Conv2d"', 'name = "big"', "out_channels = 2", "kernel_size = 9")),
        (
            "mine.toml, line 3, layer 1 (big): kernel larger than padded input: a kernel of 9 × 9",
            "what comes in is 8 x 8 x 1",
        ),
    ),
    "window too large": (
        spec(layer('type = "MaxPool2d"', "kernel_size = 9")),
        ("mine.toml, line 3, layer 1 (MaxPool2d): kernel larger than padded input",),
    ),
    "missing argument": (
        spec(layer('type = "Conv2d"', "kernel_size = 3")),
        ("mine.toml, line 3, layer 1 (Conv2d): expected out_channels, which Conv2d needs",),
    ),
    "wrong last layer": (
        spec(FLAT),
        (
            "mine.toml: expected the last layer to give one number for each of the 10 classes,"
            " got 64 numbers",
        ),
    ),
    "last layer is an image": (
        spec(layer('type = "ReLU"')),
        ("mine.toml: expected the last layer to give", "got 8 x 8 x 1"),
    ),
    "name used twice": (
        spec(layer('type = "ReLU"', 'name = "a"') * 2),
        ("mine.toml, line 6, layer 2 (a): expected a name of letters, digits and dots that is",),
    ),
    "number of classes": (
        spec(FLAT + LAST, 'input = "8x8x1"\nclasses = 0'),
        ("mine.toml: expected classes to be a whole number from 1 to 65,535, got 0",),
    ),
    "name with a dot at its end": (
        spec(layer('type = "ReLU"', 'name = "a.b."')),
        ("mine.toml, line 3, layer 1 (a.b.): expected a name of letters, digits and dots",),
    ),
    "name that is no text": (
        spec(layer('type = "ReLU"', 'name = ["a"]')),
        ("mine.toml, line 3, layer 1", "expected a name of letters, digits and dots"),
    ),
    "name of a method": (
        spec(layer('type = "ReLU"', 'name = "forward"') + FLAT + LAST),
        ("'forward'",),
    ),
    "name of an attribute of the network": (
        spec(layer('type = "ReLU"', 'name = "loss"') + FLAT + LAST),
        ("'loss'",),
    ),
    "argument of another kind": (
        spec(FLAT + layer('type = "Linear"', "out_features = 2.5")),
        ("mine.toml, line 5, layer 2 (Linear): ",),
    ),
    "text for a number": (
        spec(layer('type = "Dropout"', 'p = "half"')),
        ("mine.toml, line 3, layer 1 (Dropout): ",),
    ),
    "text for an axis": (
        spec(layer('type = "Flatten"', 'start_dim = "first"')),
        ("mine.toml, line 3, layer 1 (Flatten): ",),
    ),
    "axis that is not there": (
        spec(layer('type = "Flatten"', "start_dim = 7")),
        ("mine.toml, line 3, layer 1 (Flatten): Flatten: expected start_dim and end_dim in order",),
    ),
    "groups that do not divide": (
        spec(layer('type = "Conv2d"', "out_channels = 2", "kernel_size = 3", "groups = 2")),
        ("mine.toml, line 3, layer 1 (Conv2d): Conv2d: expected channels", "what comes in is"),
    ),
    "no layers": (spec(""), ("mine.toml: expected at least one [[layer]], got none",)),
    "layers that are no tables": (spec("layer = [1, 2]"), ("mine.toml: expected at least one",)),
    "no input": (
        spec(FLAT + LAST, "rate = 0.1"),
        ('mine.toml: expected input = "ROWSxCOLUMNSxCHANNELS" such as "28x28x1", got None',),
    ),
    "input without channels": (
        spec(FLAT + LAST, 'input = "28x28"'),
        ("mine.toml: expected input = ", "got '28x28'"),
    ),
    "empty input": (spec(FLAT + LAST, 'input = "28x0x1"'), ("expected input = ", "got '28x0x1'")),
    "unknown loss": (
        spec(FLAT + LAST, 'input = "8x8x1"\nloss = "hinge"'),
        ("mine.toml: expected loss to be one of cross-entropy, lecun-map, got 'hinge'",),
    ),
    "rate below zero": (
        spec(FLAT + LAST, 'input = "8x8x1"\nrate = -0.1'),
        ("mine.toml: expected rate to be a number above 0, got -0.1",),
    ),
    "pixels": (
        spec(FLAT + LAST, 'input = "8x8x1"\npixels = [0]'),
        ("mine.toml: expected pixels = [background, ink], two numbers, got [0]",),
    ),
    "connections of maps that are not there": (
        spec(layer('type = "TableConv2d"', "kernel_size = 3", "connections = [[0, 1]]")),
        ("layer 1 (TableConv2d): expected connections", "from 0 to 0, got [[0, 1]]"),
    ),
    "unknown centres": (
        spec(FLAT + layer('type = "EuclideanRBF"', 'centres = "letters"')),
        ("layer 2 (EuclideanRBF): expected centres to be one of digits-7x12, got 'letters'",),
    ),
    "centres that are no text": (
        spec(FLAT + layer('type = "EuclideanRBF"', 'centres = ["letters"]')),
        ("layer 2 (EuclideanRBF): expected centres to be one of digits-7x12",),
    ),
    "a size of a billion": (
        spec(layer('type = "Conv2d"', "out_channels = 1000000000", "kernel_size = 3")),
        ("layer 1 (Conv2d): expected out_channels of at most 65,535, got 1,000,000,000",),
    ),
    "a billion cells": (
        spec(layer('type = "AdaptiveAvgPool2d"', "output_size = 65535")),
        ("output size: expected at most 30,000,000 numbers, got 65535 × 65535",),
    ),
    "a billion weights": (
        spec(
            FLAT
            + layer('type = "Linear"', "out_features = 60000")
            + layer('type = "Linear"', "out_features = 60000")
        ),
        ("layer 3 (Linear): expected a network of at most 200,000,000 weights",),
    ),
    "an input of a billion rows": (
        spec(FLAT + LAST, 'input = "1000000000x8x1"'),
        ("an input of at most 65,535 a side and 30,000,000 in all, got '1000000000x8x1'",),
    ),
    "too many layers": (
        spec(layer('type = "ReLU"') * 5001),
        ("mine.toml: expected at most 5,000 layers, got 5,001",),
    ),
    "a rate beyond floats": (
        spec(FLAT + LAST, f'input = "8x8x1"\nrate = 1{"0" * 400}'),
        ("mine.toml: expected whole numbers of 64 bits, got a larger one",),
    ),
    "a list for a number": (
        spec(layer('type = "MaxPool2d"', "kernel_size = 2", "ceil_mode = [[1]]")),
        ("layer 1 (MaxPool2d): expected ceil_mode to be a number, got [[1]]",),
    ),
    "a name that is no text": (
        spec(layer('type = "ReLU"', "name = true")),
        ("layer 1 (True): expected a name of letters, digits and dots that is used once",),
    ),
    "not TOML": (spec("[[layer]\ntype = 3"), ("mine.toml: not TOML: ", "line 3")),
    "empty": ("", ("mine.toml: expected ",)),
}


@pytest.mark.parametrize("what", SPEC_MISTAKES)
def test_mistake_in_a_spec(what, tmp_path, monkeypatch):
    text, says = SPEC_MISTAKES[what]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    with one_line(SpecError, *says):
        models.build("mine.toml")


def test_the_limit_of_weights_is_that_of_all_layers_together():
    def conv(filters, groups=1):
        sizes = f"out_channels = {filters}\nkernel_size = 1\ngroups = {groups}"
        return layer('type = "Conv2d"', sizes)

    # 150 and 105 million, between them few.
    layers = conv(10_000) + conv(15_000) + conv(15_000, 15_000) + conv(7_000)
    with one_line(SpecError, "layer 4 (Conv2d): expected a network of at most 200,000,000 weights"):
        models.build_from_text(spec(layers), name="x", weights=False)


def test_good_parts_of_the_mistakes_are_good():
    """The frame around the mistakes above builds, so that only the mistake can fail."""
    assert models.build_from_text(spec(FLAT + LAST), name="x").parameter_count() == 650
    whole = models.build_from_text(spec(FLAT + LAST, 'input = "8x8x1"\nrate = 1'), name="x")
    assert whole.rate == 1


def test_a_byte_order_mark_is_no_part_of_a_spec(tmp_path):
    path = tmp_path / "bom.toml"
    path.write_bytes(b"\xef\xbb\xbf" + spec(FLAT + LAST).encode())
    assert models.build(path).parameter_count() == 650


def test_models_that_cannot_be_read(tmp_path):
    names = ", ".join(models.model_names())
    with one_line(SpecError, f"model: expected one of {names} or a .toml file, got resnet"):
        models.build("resnet")
    with one_line(SpecError, "gone.toml: cannot be read as a model: No such file or directory"):
        models.build(tmp_path / "gone.toml")
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    with one_line(SpecError, "folder.toml: cannot be read as a model: Is a directory"):
        models.build(folder)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with one_line(SpecError, "binary.toml: cannot be read as a model: not UTF-8 text"):
        models.build(binary)
    with one_line(SpecError, "mine.toml: expected input = "):
        (tmp_path / "mine.toml").write_text("rate = 1.0")
        models.input_shape(tmp_path / "mine.toml")


def test_too_many_classes_for_the_bitmaps():
    with one_line(SpecError, "lenet5-1998.toml", "(output): ", "10", "12"):
        models.build("lenet5-1998", classes=12)


@pytest.mark.parametrize("family", [nn.Family.RESHAPE, nn.Family.PLACEMENT])
def test_a_layer_that_puts_numbers_elsewhere_says_itself_where(family):
    class Halved(nn.Module):
        def output_shape(self, shape):
            return (shape[0] // 2, *shape[1:])

    layer = Halved()
    layer.family = family
    with pytest.raises(SpecError, match=r"^Halved: expected reads\(\) of its own .* 8 .* of 16$"):
        layer.reads((4, 2, 2), (0, 0, 0))
