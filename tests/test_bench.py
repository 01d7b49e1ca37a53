"""The bench: what it counts, what it compares with, and its commands as processes."""

import json
import time

import numpy as np
import pytest
from PIL import Image

from convlab import bench, data, models, shapes
from convlab.bench import im2col, measure
from convlab.bench.convolutions import KernelRow
from convlab.bench.machine import Machine, Roof
from convlab.bench.measure import Timing
from convlab.bench.scaling import Curve
from convlab.bench.training import TrainingRow, Worker
from convlab.errors import DataError, DeviceError
from convlab.kernels import conv2d, peak

# --- what is measured --------------------------------------------------------------------


def test_functions_run_in_turn():
    calls = []

    def named(name, seconds):
        def run():
            calls.append(name)
            time.sleep(seconds)

        return run

    timings = bench.alternate([named("a", 0.012), named("b", 0.02)], 3)
    # Twice before the clock counts: once to warm up, once to see how long a call takes.
    assert "".join(calls) == "aabb" + "ab" * 3
    assert [t.median >= s for t, s in zip(timings, (0.012, 0.02), strict=True)] == [True, True]


def test_short_functions_are_repeated():
    calls = []
    bench.alternate([lambda: calls.append(time.sleep(0.001))], 1)
    # Three of them do not count: two before, and one at the beginning of the only turn.
    assert 2 <= len(calls) - 3 <= measure.SHORTEST / 0.001


def test_the_time_of_many_calls_is_told_of_one():
    (timing,) = bench.alternate([lambda: None], 3, [lambda function, count: 0.0005 * count])
    assert timing == pytest.approx((0.0005, 0.0005, 0.0005))


def test_median_and_quartiles():
    assert bench.Timing.of([5.0, 1.0, 2.0, 4.0, 3.0]) == (3.0, 2.0, 4.0)


def test_layers_count_products_and_bytes():
    first = bench.LAYERS[0]
    # 25 weights of 6 maps over 28 x 28 places, a product and a sum each, for 64 images.
    assert first.flops == 2 * 25 * 6 * 28 * 28 * 64
    assert first.bytes == 4 * ((784 + 6 * 784) * 64 + 150)
    outputs = {layer.name: layer.geometry.output for layer in bench.LAYERS}
    assert outputs["64→64 3×3 stride 2"] == (13, 13)
    assert outputs["1→64 7×7"] == (28, 28)
    assert outputs["32→32 3×3 dilation 2"] == (24, 24)
    assert outputs["Sobel, 12 megapixels"] == (2998, 3998)
    assert len(outputs) == 13


GEOMETRIES = [
    shapes.conv2d_geometry(3, 4, (6, 7), (3, 2)),
    shapes.conv2d_geometry(4, 6, (9, 8), (3, 3), (2, 3), (1, 2, 0, 1), (1, 2), 2),
    shapes.conv2d_geometry(5, 5, (4, 5), (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 5),
]


@pytest.mark.parametrize("g", GEOMETRIES)
def test_im2col_is_convolution(g):
    rng = np.random.default_rng(0)
    x, weight = (
        rng.standard_normal((2, g.in_channels, *g.input)),
        rng.standard_normal(g.weight_shape),
    )
    bias, grad = (
        rng.standard_normal(g.out_channels),
        rng.standard_normal((2, g.out_channels, *g.output)),
    )

    def last(a):
        return a.transpose(1, 2, 3, 0)

    for ours, plain, part in [
        (last(im2col.forward(x, weight, bias, g)), (conv2d.forward, last(x), weight, bias), ...),
        (last(im2col.grad_input(grad, weight, g)), (conv2d.grad_input, last(grad), weight), ...),
        (im2col.grad_weight(grad, x, g), (conv2d.grad_weight, last(grad), last(x)), 0),
    ]:
        kernel, *arguments = plain
        np.testing.assert_allclose(ours, kernel.reference(*arguments, g)[part], rtol=0, atol=1e-12)


def test_loops_for_the_peak_do_what_is_counted():
    x = np.random.default_rng(0).standard_normal((2, peak.RUN)).astype(np.float32)
    factors, term = tuple(np.float32(f) for f in (0.1, 0.2, 0.3, 0.4)), np.float32(0.25)
    chains = []
    for factor in factors:
        a = x.astype(np.float64)
        for _ in range(8):
            a = a * factor + term
        chains.append(a)
    expected = (chains[0] * chains[1] + chains[2]) * chains[3] + term
    assert 8 * len(factors) + 2 == peak.CHAIN
    peak.multiply_add(x, 1, factors, term)
    np.testing.assert_allclose(x, expected, rtol=1e-5)
    out = np.empty(5, np.float32)
    peak.scale_add(np.arange(5, dtype=np.float32), np.ones(5, np.float32), out)
    assert out.tolist() == [3, 4, 5, 6, 7]


def test_cliffs_are_where_half_of_the_speed_is_lost():
    timings = tuple(bench.Timing(s, s, s) for s in (1.0, 1.0, 1.0, 5.0))
    curve = bench.Curve("batch", (1, 2, 4, 8), timings, (100, 200, 100, 260))
    assert curve.speeds == (100, 200, 100, 52)
    assert curve.cliffs() == []
    assert bench.Curve("batch", (1, 2), timings[:2], (100, 49)).cliffs() == [2]


def test_digits_stand_in_for_mnist(monkeypatch, tmp_path):
    monkeypatch.delenv("CONVLAB_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CONVLAB_CACHE_DIR", str(tmp_path))
    with pytest.raises(DataError, match="^train-images-idx3-ubyte of mnist is not here$"):
        data.load("mnist", download=False)
    name, arrays = bench.training_images(3000)
    train, _ = data.load("digits")
    assert name == "digits"
    assert arrays["images"].shape == (3000, 1, 28, 28)
    assert arrays["test_images"].shape == (3000, 1, 28, 28)
    np.testing.assert_array_equal(arrays["images"][len(train)], train.images[0])
    np.testing.assert_array_equal(arrays["labels"][: len(train)], train.labels)


def test_worker_that_ends_is_one_line(tmp_path, capfd):
    with Worker("ours", tmp_path / "missing.npz", 1) as worker:
        expected = "^bench: expected the ours process to answer, but it ended with status 1$"
        with pytest.raises(DeviceError, match=expected):
            worker("train", batch=8)
    assert "missing.npz" in capfd.readouterr().err


# --- the commands ------------------------------------------------------------------------


def measured(convlab, *arguments):
    """Standard output of a command that may find the machine busy, and then says so."""
    result = convlab("bench", *arguments)
    assert result.status == 0, result
    assert not result.err or result.err.startswith("warning: other programs use ")
    assert result.err.count("\n") <= 1
    return result.out


def test_kernels(convlab):
    out = measured(convlab, "kernels", "--layer", "LeNet C1", "--rounds", 1)
    lines = out.splitlines()
    assert lines[0].endswith(" vectors, threads by omp") or "threads by" in lines[0]
    assert [line.split("  ")[0] for line in lines[5:8]] == ["LeNet C1"] * 3
    assert "geometric mean" in lines[-1]


MACHINE = Machine("a processor", 2, 2, 512, "omp", "Linux", {"convlab": "1"})


def texts_of(report):
    (axes,) = report.figure().axes
    return " ".join(text.get_text() for text in axes.texts)


def test_what_is_told_of_kernels():
    report = bench.KernelsReport(bench.LAYERS[:1])
    report.machine, report.roof = MACHINE, Roof(1e12, 1e11)
    ours, other = Timing(1e-3, 1e-3, 1e-3), Timing(3e-3, 2e-3, 4e-3)
    report.rows = [KernelRow(bench.LAYERS[0], "forward", ours, {"PyTorch 2": other})]
    told = report.to_dict()
    assert told.keys() == {
        *("machine", "peak_flops", "bandwidth", "other", "geometric_mean", "rows")
    }
    assert told["rows"][0].keys() == {
        *("layer", "pass", "batch", "flops", "bytes", "seconds", "flops_per_second"),
        *("others", "ratio", "share_of_peak"),
    }
    assert (told["other"], told["rows"][0]["ratio"]) == ("PyTorch 2", pytest.approx(3))
    assert "3.0 times as fast as PyTorch 2" in texts_of(report)


def test_what_is_told_of_training_and_of_sizes():
    network = models.build("dense")
    report = bench.TrainingReport(network, 64)
    report.machine = MACHINE
    ours, other = Timing(1.0, 0.9, 1.1), Timing(4.0, 3.9, 4.1)
    settings, memory = ("batch innermost",), (1_000_000, None)
    report.rows = [TrainingRow("epoch", 2, 64, 10**9, 1e11, ours, other, settings, memory)]
    told = report.to_dict()
    assert told.keys() == {"machine", "gpu", "model", "data", "rows"}
    assert told["rows"][0].keys() == {
        *("what", "threads", "images", "flops", "peak_flops", "share_of_peak", "seconds"),
        *("pytorch_seconds", "ratio", "settings", "memory"),
    }
    assert (told["rows"][0]["ratio"], told["rows"][0]["share_of_peak"]) == (0.25, 0.01)
    assert "0.25 of the time" in texts_of(report)
    sizes = bench.ScalingReport()
    sizes.machine = MACHINE
    sizes.curves = [Curve("batch", (1, 2), (Timing(1, 1, 1), Timing(4, 4, 4)), (10**9, 10**9))]
    assert sizes.to_dict()["curves"][0].keys() == {"axis", "values", "seconds", "flops", "cliffs"}
    assert "One cliff: 25% of the speed from batch 1 to 2" in texts_of(sizes)


@pytest.mark.slow
def test_kernels_in_json_and_as_a_picture(convlab):
    arguments = ("--layer", "C1", "--rounds", 1, "--threads", 1, "-o", "roof.png")
    result = json.loads(measured(convlab, "kernels", "--json", *arguments))
    assert result["machine"]["threads"] == 1
    assert [row["pass"] for row in result["rows"]] == list(bench.GRADIENTS)
    for row in result["rows"]:
        other = row["others"][result["other"]]["median"]
        assert row["ratio"] == pytest.approx(other / row["seconds"]["median"])
        assert row["flops_per_second"] == pytest.approx(row["flops"] / row["seconds"]["median"])
        share = row["flops_per_second"] / result["peak_flops"]
        assert row["share_of_peak"] == pytest.approx(share)
    product = np.prod([row["ratio"] for row in result["rows"]])
    assert result["geometric_mean"] == pytest.approx(product ** (1 / 3))
    with Image.open(convlab.folder / "roof.png") as picture:
        assert picture.size == (1600, 900)


@pytest.mark.slow
def test_train(convlab):
    arguments = ("--images", 300, "--batch", 30, "--threads", 1, "--rounds", 1)
    result = json.loads(measured(convlab, "train", "--json", *arguments))
    epoch, answers = result["rows"]
    assert (epoch["what"], epoch["images"]) == ("epoch, batch 30", 300)
    # Products of LeNet-5: C1 25 * 6 * 784, C3 150 * 16 * 100, dense 400 * 120, 120 * 84, 84 * 10;
    # each in the forward pass, by its weights and, but for the first, by its input.
    first, rest = 117_600, 240_000 + 48_000 + 10_080 + 840
    assert epoch["flops"] == 2 * 300 * (2 * first + 3 * rest)
    assert (answers["what"], answers["images"]) == ("300 answers", 300)
    assert answers["flops"] == 2 * 300 * (first + rest)
    if bench.other_name().startswith("PyTorch"):
        both = epoch["seconds"]["median"], epoch["pytorch_seconds"]["median"]
        assert epoch["ratio"] == pytest.approx(both[0] / both[1])
        assert len(epoch["memory"]) == len(answers["settings"]) == 2


@pytest.mark.slow
def test_scale(convlab):
    result = json.loads(measured(convlab, "scale", "--rounds", 1, "--json"))
    assert [c["axis"] for c in result["curves"]] == ["batch", "channels", "image size", "threads"]
    batch = result["curves"][0]
    # 3 x 3 kernels, 32 maps to 32, 28 x 28.
    assert batch["flops"] == [2 * 9 * 32 * 32 * 784 * n for n in batch["values"]]


@pytest.mark.slow
def test_start(convlab):
    result = json.loads(measured(convlab, "start", "--rounds", 1, "--json"))
    seconds = {name: timing["median"] for name, timing in result["seconds"].items()}
    helps, empty, full = seconds.values()
    assert list(seconds) == [
        "convlab --help",
        "first batch, empty kernel cache",
        "first batch, full kernel cache",
    ]
    assert 0 < helps < full < empty


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["kernels", "--layer", "nothing"], "layer: expected a part of one of LeNet C1, "),
        (["kernels", "--layer", ""], "layer: expected a part of one of LeNet C1, "),
        (["train", "--model", "nothing"], "model: expected one of alexnet, "),
        (["answers", "--model", "missing.toml"], "missing.toml: cannot be read as a model: "),
        (
            ["train", "--model", "lenet5-1998"],
            "lenet5-1998: expected a network with cross-entropy, got lecun-map",
        ),
    ],
)
def test_error(convlab, arguments, message):
    assert convlab.fails("bench", *arguments).startswith(message)


@pytest.mark.parametrize(
    "arguments",
    [
        ["kernels", "--rounds", "0"],
        ["kernels", "-o", "roof.txt"],
        ["train", "--batch", "0"],
        ["train", "--threads", "no"],
        ["train", "--classes", "0"],
        ["answers", "--batch", "1,0"],
        ["answers", "--batch", "1,,2"],
        ["answers", "--threads", "two"],
        ["start", "-o", "start.png"],
        ["scale", "extra"],
        ["speed"],
    ],
)
def test_misuse(convlab, arguments):
    assert convlab.misused("bench", *arguments)
