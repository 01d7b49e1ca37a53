"""Arrays and networks on the device: a GPU, or its simulator (NUMBA_ENABLE_CUDASIM=1).

The kernels themselves are compared in test_kernels.py.
"""

import dataclasses
import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from convlab_cli.main import convlab as commands

from convlab import (
    Tensor,
    bench,
    data,
    empty_cache,
    insight,
    manual_seed,
    models,
    nn,
    optim,
    shapes,
    training,
)
from convlab import functional as F
from convlab.errors import DeviceError
from convlab.insight.sum_words import check_words
from convlab.kernels import conv2d, cuda, cuda_launch, dense, gather, softmax
from convlab.kernels.dispatch import KERNELS, to_device

needs_cuda = pytest.mark.cuda


def close(ours, plain):
    assert ours.shape == plain.shape
    np.testing.assert_allclose(ours.numpy(), plain, rtol=1e-5, atol=1e-6)


@pytest.fixture
def arrays():
    """The same numbers on the host and on the device."""
    plain = np.random.default_rng(0).standard_normal((3, 4, 5)).astype(np.float32)
    return plain, cuda.upload(plain)


def test_every_kernel_has_a_version_for_cuda():
    assert [name for name, kernel in KERNELS.items() if kernel.cuda is None] == []


@needs_cuda
@pytest.mark.parametrize(
    "view",
    [
        lambda a: a.transpose(2, 0, 1),
        lambda a: a.swapaxes(0, 2),
        lambda a: a[1:, ::2, None, 3],
        lambda a: a[..., -1],
        lambda a: a[0],
        lambda a: a.reshape(12, 5),
        lambda a: a.reshape(4, -1),
        lambda a: a.transpose(2, 1, 0).reshape(20, 3),
        lambda a: a.transpose(1, 0, 2).reshape(2, 2, 15),
        lambda a: np.moveaxis(a, 1, 0),
        lambda a: np.expand_dims(a, (0, 2)),
        lambda a: np.broadcast_to(a, (2, 3, 4, 5)),
        lambda a: np.split(a, [1, 3], 1)[1],
        lambda a: np.concatenate([a, a[:, :1]], 1),
        lambda a: a.sum(axis=(0, 2)),
        lambda a: a.sum(),
        lambda a: a.transpose(2, 1, 0).mean(axis=1, keepdims=True),
        lambda a: a.max(axis=-1),
        lambda a: a + a[0],
        lambda a: -a[:, :4, :4] + 2 * a.transpose(0, 2, 1)[:, :4] * 3,
        lambda a: -a / a[:, :1],
        lambda a: np.exp(a),
        lambda a: 1 / np.sqrt(a * a),
        lambda a: np.log(a),
        lambda a: a**2,
        lambda a: np.zeros_like(a, shape=(2,)),
        lambda a: np.ones_like(a),
        lambda a: a.astype(np.float64),
        lambda a: a[[2, 0, 2]],
        lambda a: a.transpose(2, 1, 0)[1:, [3, 0], [[2], [-1]]],
        lambda a: a[..., np.array([True, False, True, True, False])],
    ],
)
def test_an_array_on_the_device_is_numpys(view, arrays):
    plain, there = arrays
    with np.errstate(all="ignore"):
        close(view(there), view(plain))


@needs_cuda
def test_what_is_written_to_a_view_is_in_the_array(arrays):
    plain, there = arrays
    for array in arrays:
        array[:, 1] = 7
        array[..., ::2] *= 3
        array[2] = np.arange(20, dtype=np.float32).reshape(4, 5)
    close(there, plain)


@needs_cuda
def test_sums_of_many_numbers_have_the_same_bits_twice():
    numbers = np.random.default_rng(0).standard_normal((3, 2000)).astype(np.float32)
    there = cuda.upload(numbers)
    first = there.sum(axis=1).numpy()
    np.testing.assert_array_equal(there.sum(axis=1).numpy(), first)
    np.testing.assert_allclose(first, numbers.astype(float).sum(axis=1), rtol=1e-5)


@needs_cuda
def test_few_long_sums_are_shared_by_blocks():
    numbers = np.random.default_rng(0).integers(-9, 9, (2, 3, 5, 67)).astype(np.float32)
    there = cuda.upload(numbers)
    for axis in (None, (1, 2, 3), (0, 2, 3), (1, 3)):
        np.testing.assert_array_equal(there.sum(axis=axis).numpy(), numbers.sum(axis=axis))
        np.testing.assert_array_equal(there.max(axis=axis).numpy(), numbers.max(axis=axis))


@needs_cuda
def test_a_grid_that_no_gpu_has_is_an_error():
    channels = 70_000
    geometry = shapes.conv2d_geometry(channels, channels, (1, 1), (1, 1), groups=channels)
    x = cuda.upload(np.ones((channels, 1, 1, 1), np.float32))
    weight, bias = cuda.zeros((channels, 1, 1, 1)), cuda.zeros(channels)
    with pytest.raises(DeviceError, match=r"^cuda: expected at most 65,535 blocks .*, got 70,000$"):
        conv2d.forward(x, weight, bias, geometry, False)


@needs_cuda
def test_memory_that_is_no_longer_used_is_used_again():
    first = cuda.empty(1000)
    memory = first.memory
    view = first[10:20]
    del first
    assert cuda.empty(1000).memory is not memory  # the view still lies there
    del view
    assert cuda.empty(1000).memory is memory


@needs_cuda
def test_empty_cache_gives_back_what_no_array_lies_in():
    kept, spare = cuda.upload(np.arange(1000.0)), cuda.empty(5000)
    memory = spare.memory
    del spare
    empty_cache()
    assert cuda.empty(5000).memory is not memory
    np.testing.assert_array_equal(kept.numpy(), np.arange(1000.0))


@needs_cuda
def test_what_the_device_does_not_know_is_an_error(arrays):
    _, there = arrays
    for call in (
        lambda: np.asarray(there),
        lambda: np.linalg.norm(there),
        lambda: np.sin(there),
        lambda: there[there],
        lambda: there.__setitem__([0, 1], 3),
    ):
        with pytest.raises(DeviceError, match=r"^cuda: expected .*got "):
            call()


@needs_cuda
def test_mixed_devices_are_an_error():
    a, b = Tensor(np.ones((2, 3))), Tensor(np.ones((2, 3))).to("cuda")
    with pytest.raises(
        DeviceError,
        match=r"^Add: expected tensors on one device, got \(2, 3\) on cpu, \(2, 3\) on cuda;",
    ):
        a + b
    assert (b + 1).device == "cuda"  # numbers and plain arrays go where the tensor is
    close(b * np.full(3, 2.0), np.full((2, 3), 2.0))


@needs_cuda
def test_gradients_go_back_to_the_device_they_came_from():
    x = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    (x.to("cuda") ** 2).sum().backward()
    np.testing.assert_allclose(x.grad, 2 * np.arange(6.0).reshape(2, 3))


def operations():
    """Operations of ``functional`` and of tensors on images (N, C, H, W), by name."""
    table = {
        "add and divide": lambda x: x / (x * x + 2) + x.mean(axis=(2, 3), keepdims=True),
        "max": lambda x: x.max(axis=1),
        "index": lambda x: x[:, 1:, ::2],
        "matmul": lambda x: x[0, 0] @ x[1, 1],
        "sigmoid": F.sigmoid,
        "tanh": F.tanh,
        "scaled tanh": F.scaled_tanh,
        "softmax": lambda x: F.softmax(x, 1),
        "log softmax": lambda x: F.log_softmax(x, -1),
        "max pooling": lambda x: F.max_pool2d(x, 3, 2, 1),
        "average pooling": lambda x: F.avg_pool2d(x, 2, ceil_mode=True),
        "adaptive pooling": lambda x: F.adaptive_avg_pool2d(x, (2, 3)),
        "cat": lambda x: F.cat([x, x * 2]),
        "pad with a value": lambda x: F.pad(x, (1, 2, 0, 1), value=3.0),
        "cross-entropy": lambda x: F.cross_entropy(x.reshape(2, -1), [1, 3]),
        "smoothed cross-entropy": lambda x: F.cross_entropy(
            x.reshape(2, -1), [1, 3], label_smoothing=0.1
        ),
    }
    table |= {mode: lambda x, m=mode: F.pad(x, (1, 1, 2, 1), m) for mode in ("reflect", "circular")}
    return table


@needs_cuda
@pytest.mark.parametrize("name", operations())
def test_operations_and_their_gradients_are_those_of_the_cpu(name):
    images = np.random.default_rng(1).standard_normal((2, 3, 5, 5)).astype(np.float32)
    results = []
    for device in ("cpu", "cuda"):
        x = Tensor(images.copy(), requires_grad=True)
        y = operations()[name](x.to(device))
        assert y.device == device
        y.backward(np.linspace(-1, 1, y.size, dtype=np.float32).reshape(y.shape))
        results.append((y.numpy(), x.grad))
    for ours, plain in zip(results[1], results[0], strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-4, atol=1e-5)


@needs_cuda
@pytest.mark.filterwarnings("ignore:overflow")  # of numbers that wrap around on purpose
def test_dropout_has_the_mask_of_the_cpu():
    x = Tensor(np.ones((3, 50), np.float32))
    outputs = []
    for device in ("cpu", "cuda"):
        manual_seed(5)
        outputs.append(F.dropout(x.to(device), 0.4).numpy())
    np.testing.assert_array_equal(*outputs)


def two_steps(network, device, images, labels, optimizer):
    """Losses of two steps of training, and the parameters after them."""
    network = network.to(device)
    steps = optimizer(network.parameters())
    losses = []
    for _ in range(2):
        loss = F.cross_entropy(network(Tensor(images).to(device)), labels)
        steps.zero_grad()
        loss.backward()
        steps.step()
        losses.append(loss.item())
    return losses, network.state_dict()


@needs_cuda
@pytest.mark.parametrize("optimizer", [lambda p: optim.SGD(p, 0.1, 0.9), optim.Adam])
def test_two_steps_of_a_small_network(optimizer):
    rng = np.random.default_rng(2)
    images = rng.standard_normal((3, 2, 6, 6)).astype(np.float32)
    both = []
    for device in ("cpu", "cuda"):
        manual_seed(0)
        network = nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1, groups=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(36, 5),
            nn.Tanh(),
            nn.Linear(5, 3),
        )
        both.append(two_steps(network, device, images, np.array([0, 2, 1]), optimizer))
    np.testing.assert_allclose(both[1][0], both[0][0], rtol=1e-5)
    for name, values in both[0][1].items():
        np.testing.assert_allclose(both[1][1][name], values, atol=1e-5)


@needs_cuda
@pytest.mark.slow
def test_a_step_of_lenet5_from_bytes_to_new_weights():
    train, _ = data.load("digits")
    scaling = data.Scaling.standardise(train)
    both = []
    for device in ("cpu", "cuda"):
        manual_seed(0)
        network = models.build("lenet5").to(device)
        steps = optim.SGD(network.parameters(), 0.05, 0.9)
        images = training.centred(train, network.input_shape[1:])
        small = data.Batches(images, 2, scaling=scaling, device=device)
        x, labels = next(small.epoch(0))
        assert Tensor(x).device == device
        loss = network.loss_of(network(Tensor(x)), labels)
        loss.backward()
        steps.step()
        both.append((loss.item(), network.state_dict()))
    assert both[1][0] == pytest.approx(both[0][0], rel=1e-5)
    for name, values in both[0][1].items():
        np.testing.assert_allclose(both[1][1][name], values, atol=1e-5)


PUBLISHED = """\
input = "8x8x1"
loss = "lecun-map"

[[layer]]
type = "Conv2d"
out_channels = 2
kernel_size = 3

[[layer]]
type = "ScaledTanh"

[[layer]]
type = "Subsample2d"
kernel_size = 2

[[layer]]
type = "Flatten"

[[layer]]
type = "Linear"
out_features = 84

[[layer]]
type = "EuclideanRBF"
centres = "digits-7x12"
"""


@pytest.fixture
def published(tmp_path):
    """A small network with the layers and the loss of 1998, and a few images for it."""
    path = tmp_path / "published.toml"
    path.write_text(PUBLISHED)
    train, _ = data.load("digits")
    few = dataclasses.replace(
        train, images=train.images[:6, :, 8:16, 8:16], labels=train.labels[:6]
    )
    return models.build(str(path)), few


@needs_cuda
def test_loss_of_1998_takes_labels_where_they_are():
    distances = np.random.default_rng(3).uniform(0, 9, (5, 4)).astype(np.float32)
    labels = np.array([3, 0, 1, 1, 2])
    both = []
    for on in (lambda array: array, cuda.upload):
        x = Tensor(on(distances.copy()), requires_grad=True)
        loss = F.lecun_map_loss(x, on(labels))
        loss.backward()
        both.append((loss.item(), to_device(x.grad, "cpu")))
    assert both[1][0] == pytest.approx(both[0][0], rel=1e-6)
    np.testing.assert_allclose(both[1][1], both[0][1], atol=1e-6)


@needs_cuda
def test_steps_after_the_first_neither_upload_nor_wait(published, monkeypatch):
    network, few = published
    network.to("cuda")
    steps = optim.SGD(network.parameters(), 0.01, 0.9)
    scaling = data.Scaling.standardise(few)
    moved, counted = [], []
    for name in ("upload", "download"):
        before = getattr(cuda_launch._Device, name)
        monkeypatch.setattr(
            cuda_launch._Device,
            name,
            lambda *arguments, name=name, before=before: (
                moved.append(name),
                before(*arguments),
            )[1],
        )
    batches = data.Batches(few, 2, scaling=scaling, device="cuda").epoch(0)
    for _ in range(3):
        x, labels = next(batches)
        loss = network.loss_of(network(Tensor(x)), labels)
        steps.zero_grad()
        loss.backward()
        steps.step()
        counted.append(len(moved))
    assert 0 < counted[0] == counted[1] == counted[2], moved


@needs_cuda
def test_a_second_evaluation_does_not_upload_its_images_again(published, monkeypatch):
    network, few = published
    scaling = data.Scaling.standardise(few)
    fit = sys.modules["convlab.training.fit"]
    monkeypatch.setattr(sys.modules["convlab.training.frozen"], "EVALUATION_BATCH", 3)
    expected = training.evaluate(network, few, scaling)
    batches = fit.in_order(network.to("cuda"), few, scaling)
    uploaded = []

    def upload(self, array, memory):
        uploaded.append(array.size)
        memory[: array.size].copy_to_device(array)

    monkeypatch.setattr(cuda_launch._Device, "upload", upload)
    result = training.evaluate(network, few, scaling, batches)
    assert uploaded and few.images.size not in uploaded
    assert result.loss == pytest.approx(expected.loss, rel=1e-5)
    np.testing.assert_allclose(result.probabilities, expected.probabilities, atol=1e-5)


@needs_cuda
def test_a_value_of_the_device_is_explained(published):
    network, _ = published
    image = np.random.default_rng(4).standard_normal((1, 8, 8)).astype(np.float32)
    on_cpu = insight.explain(network, image, "linear1", [5], deep=True)
    on_cuda = insight.explain(network.to("cuda"), image, "linear1", [5], deep=True)
    assert [one.layer for one in on_cuda] == [one.layer for one in on_cpu]
    for there, here in zip(on_cuda, on_cpu, strict=True):
        assert there.value == pytest.approx(here.value, rel=1e-5)
        assert there.recomputed == pytest.approx(there.value, rel=1e-5)
        assert there.exact == pytest.approx(here.exact, rel=1e-5)
        told = check_words(there, "cuda")
        step, apart = there.value, 0
        while step != there.recomputed:
            step, apart = np.nextafter(step, there.recomputed), apart + 1
        if apart:
            assert f"they differ by {apart} unit" in told and "a GPU adds in another order" in told
        else:
            assert told == "the network's value to the last bit"


@needs_cuda
def test_out_of_memory_says_what_batch_would_fit(monkeypatch):
    def full(self, count, dtype):
        raise cuda.OutOfMemoryError(count * dtype.itemsize, 2 << 20, 8 << 20)

    train, test = data.load("digits")
    settings = training.Settings("lenet5", "digits", epochs=1, batch_size=64)
    trainer = training.Trainer(settings, training.prepare(settings), "cuda")
    monkeypatch.setattr(cuda_launch._Device, "_ask", full)
    with pytest.raises(
        DeviceError,
        match=r"^cuda: expected .* of memory on the device, got 2\.0 MiB free beside 8\.0 MiB in"
        r" use here; of 64 images a batch, about [1-9]\d* would fit \(--batch-size\)$",
    ):
        list(trainer.fit())


@needs_cuda
@pytest.mark.slow
def test_a_command_answers_on_the_device_as_on_the_cpu(run):
    answers = []
    for device in ("cpu", "cuda"):
        arguments = ["predict", str(run), "test:0", "--json", "--device", device]
        result = CliRunner().invoke(commands, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        answers.append(result.stdout)
    on_cpu, on_cuda = (json.loads(answer)["probabilities"] for answer in answers)
    assert on_cuda == pytest.approx(on_cpu, rel=1e-4)


@pytest.mark.skipif(cuda.why_not() is None, reason="there is a GPU, or its simulator")
def test_without_a_gpu_the_error_says_what_to_install():
    with pytest.raises(DeviceError, match=r"^device cuda: expected an NVIDIA GPU.*convlab\[cuda\]"):
        Tensor(np.ones(2)).to("cuda")
    with pytest.raises(DeviceError, match=r"^device: expected cpu or cuda, got 'tpu'$"):
        Tensor(np.ones(2)).to("tpu")


def test_the_device_of_an_example_is_not_asked_for(convlab):
    told = convlab.misused("explain", "--row", 1, "--device", "cuda")
    assert told == "--device: expected RUN and IMAGE before them"


@needs_cuda
def test_bench_compares_with_the_cpu_before_it_measures(monkeypatch):
    def seconds(function, count):  # the simulator has no clock
        function()
        return 1.0

    monkeypatch.setattr(cuda, "seconds", seconds)
    small = bench.Layer("small", 2, 5, (4, 4), 3, batch=1)
    rows = list(bench.measure_kernels_on_cuda([small], rounds=1))
    assert [row.gradient for row in rows] == list(bench.GRADIENTS)
    assert all(row.ours.median == 1.0 and row.layer == small for row in rows)
    monkeypatch.setattr(cuda.CudaArray, "numpy", lambda array: np.full(array.shape, 0.5))
    with pytest.raises(DeviceError, match=r"^small, forward: expected the numbers of the CPU's"):
        list(bench.measure_kernels_on_cuda([small], rounds=1))


@needs_cuda
def test_a_class_that_is_ignored_does_not_count_where_the_labels_are_on_the_device():
    logits = Tensor([[0.0, 0.0, 0.0], [5.0, 0.0, 0.0]]).to("cuda")
    loss = F.cross_entropy(logits, cuda.upload(np.array([1, 2])), ignore_index=2)
    np.testing.assert_allclose(loss.numpy(), np.log(3), rtol=1e-6)


@needs_cuda
def test_nan_and_infinity_are_kept_apart():
    for weight in (np.ones((8, 3), np.float32), np.ones((1, 3), np.float32)):
        x = np.array([[np.nan, 1], [0, -np.inf], [0, 0]], np.float32)
        bias = np.zeros(len(weight), np.float32)
        there = (cuda.upload(array) for array in (x, weight, bias))
        np.testing.assert_array_equal(
            dense.forward(*there, True).numpy(), [[np.nan, 0]] * len(weight)
        )


@needs_cuda
def test_a_label_that_no_class_has_writes_nowhere_else():
    x = cuda.upload(np.zeros((3, 2), np.float32))
    loss, gradient = softmax.cross_entropy(x, cuda.upload(np.array([-100, 1])))
    np.testing.assert_allclose(loss.numpy(), [np.nan, np.log(3)], rtol=1e-6)
    np.testing.assert_allclose(gradient.numpy()[:, 1], [1 / 3, -2 / 3, 1 / 3], rtol=1e-6)


@needs_cuda
def test_images_are_counted_from_the_end_as_on_the_cpu():
    images = np.arange(12, dtype=np.uint8).reshape(3, 1, 2, 2)
    index = np.array([-1, 0])
    there = gather.floats(cuda.upload(images), index, (1.0,), (0.0,))
    np.testing.assert_array_equal(there.numpy(), gather.floats(images, index, (1.0,), (0.0,)))


@needs_cuda
def test_a_constant_in_use_outlives_a_thousand_others():
    cuda.constant(np.array([0.5, 1.5, 2.5]))
    for number in range(1100):
        kept = cuda.constant(np.array([0.5, 1.5, 2.5]))
        cuda.constant(np.array([number, number, number]))
    np.testing.assert_array_equal(kept.numpy(), [0.5, 1.5, 2.5])
    assert cuda.constant(np.array([0.5, 1.5, 2.5])) is kept
