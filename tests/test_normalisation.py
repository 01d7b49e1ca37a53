"""Batch normalisation in a network: from a file to training, evaluation, explanation and page."""

import json

import numpy as np
import pytest
import safetensors.numpy
from click.testing import CliRunner
from convlab_cli.main import convlab as group
from selenium.webdriver.support.ui import WebDriverWait

from convlab import Tensor, data, gradcheck, insight, lab, models, nn, training
from convlab import functional as F
from convlab.errors import ConvlabError, DTypeError, RunError, ShapeError, SpecError
from convlab.nn.fusion import fused
from convlab.pictures._drawn_layers import drawn_layers
from convlab.tape import no_grad

SPEC = """
input = "28x28x1"
layer = [
    {type="Conv2d", name="conv1", out_channels=4, kernel_size=5, stride=2, bias=false},
    {type="BatchNorm2d", name="bn1"},
    {type="ReLU"},
    {type="Conv2d", name="conv2", out_channels=6, kernel_size=3, stride=2},
    {type="BatchNorm2d", name="bn2", momentum="none", eps=0.001},
    {type="Tanh"},
    {type="BatchNorm2d", name="bn3", affine=false},
    {type="Flatten"},
    {type="Linear", name="fc", out_features="classes"},
]
"""
EPS = {"bn1": 1e-5, "bn2": 1e-3, "bn3": 1e-5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("norm")


@pytest.fixture(scope="module")
def command(folder):
    (folder / "norm.toml").write_text(SPEC)

    def works(*words):
        words = [str(folder / w[1:]) if str(w).startswith("@") else str(w) for w in words]
        result = CliRunner().invoke(group, words, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    works("train", "--data", "digits", "--model", "@norm.toml", "--output", "@run", "--epochs", 3)
    return works


@pytest.fixture(scope="module")
def run(command, folder):
    return training.load(folder / "run")


@pytest.fixture(scope="module")
def image(run):
    _, test = data.load("digits")
    return run.network_input(test.images[3])


def by_hand(state, name, x):
    """The layer's formula for maps (C, H, W), in float64."""
    mean, variance, weight, bias = (
        state.get(f"{name}.{part}", np.full(len(x), usual)).astype(float)[:, None, None]
        for part, usual in (("running_mean", 0), ("running_var", 1), ("weight", 1), ("bias", 0))
    )
    return (x - mean) / np.sqrt(variance + EPS[name]) * weight + bias


def test_it_learns_and_keeps_what_evaluation_needs(command, folder, run, image):
    assert json.loads(command("evaluate", "@run", "--json"))["accuracy"] > 0.6  # of ten classes
    saved = safetensors.numpy.load_file(folder / "run" / "model.safetensors")
    assert saved["bn1.num_batches_tracked"].dtype == np.int64
    assert saved["bn1.num_batches_tracked"] == 21 * run.best_epoch  # 1,293 images, 64 at a time
    outputs = {one.name: one.array for one in insight.trace(run.network, image)}
    for name, before in (("bn1", "conv1"), ("bn2", "conv2"), ("bn3", "tanh1")):
        wanted = by_hand(saved, name, outputs[before])
        np.testing.assert_allclose(outputs[name], wanted, rtol=1e-4, atol=1e-5)


def test_a_run_whose_statistics_are_missing_is_refused(folder, run):
    path = folder / "run" / "model.safetensors"
    whole = path.read_bytes()
    arrays = safetensors.numpy.load_file(path)
    del arrays["bn1.running_var"]
    path.write_bytes(safetensors.numpy.save(arrays, {"best_epoch": "1"}))
    with pytest.raises(RunError, match=r"expected bn1.running_var of shape \(4,\), got None$"):
        training.load(folder / "run")
    path.write_bytes(whole)


def test_a_stopped_training_goes_on_with_the_same_bits(folder, command):
    settings = training.Settings(str(folder / "norm.toml"), epochs=2, batch_size=500, seed=3)
    whole = training.Trainer(settings, training.prepare(settings))
    list(whole.fit())
    first = training.Trainer(settings, training.prepare(settings))
    for _, _record in zip(range(2), first.fit(), strict=False):
        pass
    training.create(folder / "stopped", first)
    second = training.resume(folder / "stopped", training.prepare(settings))
    list(second.fit())
    expected, got = whole.arrays(), second.arrays()
    assert expected.keys() == got.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(value, got[name], err_msg=name)


def test_layers_that_start_from_another_run_take_its_statistics(run):
    fresh = models.build_from_text(SPEC, name="norm")
    taken = training.take_over(fresh, run.network.state_dict())
    assert "bn1" in taken.taken and "bn3" not in taken.left
    np.testing.assert_array_equal(fresh["bn1"].running_var, run.network["bn1"].running_var)


# --- folded into the convolution ---------------------------------------------------------------


def test_it_is_folded_into_a_convolution_that_nothing_else_reads():
    layers = {
        "a": nn.Conv2d(1, 2, 3),
        "b": nn.BatchNorm2d(2),
        "c": nn.ReLU(),
        "d": nn.BatchNorm2d(2),
        "e": nn.ReLU(),
        "f": nn.Conv2d(2, 2, 3),
        "g": nn.BatchNorm2d(2),
        "h": nn.BatchNorm2d(2),
    }
    steps = fused(nn.Sequential(layers).nodes())
    assert [(step.name, step.relu, step.norm) for step in steps] == [
        ("c", True, layers["b"]),
        ("e", True, None),
        ("g", False, layers["g"]),
        ("h", False, None),
    ]
    two_readers = [("a", layers["a"], (None,)), ("b", layers["b"], ("a",)), ("s", nn.Add(), "ab")]
    assert [step.norm for step in fused(two_readers)] == [None, None, None]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    "settings", [{}, {"affine": False}, {"track_running_stats": False}], ids=str
)
def test_folded_it_gives_the_same_picture(settings, bias):
    rng = np.random.default_rng(0)
    conv, norm = nn.Conv2d(3, 4, 3, padding=1, bias=bias), nn.BatchNorm2d(4, **settings)
    network = nn.Sequential(conv, norm, nn.ReLU())
    x = Tensor(rng.standard_normal((5, 3, 6, 7)).astype(np.float32))
    for part in network.named_state().values():
        part.data = np.asarray(rng.uniform(0.5, 2, part.shape), part.dtype)
    before = norm.state_dict()
    for mode in (True, False):
        network.train(mode)
        one_by_one = norm(conv(x)).numpy() * (norm(conv(x)).numpy() > 0)
        norm.load_state_dict(before)
        recorded = network(x)
        np.testing.assert_array_equal(recorded.numpy(), one_by_one)
        recorded.sum().backward()
        norm.load_state_dict(before)
        with no_grad():
            largest = np.abs(conv(x).numpy()).max()  # of the sums, which are rounded, then scaled
            close = 2e-6 * largest
            np.testing.assert_allclose(network(x).numpy(), one_by_one, rtol=0, atol=close)
            folded = norm.is_affine_map
            assert np.array_equal(network(x).numpy(), one_by_one) != folded
        norm.load_state_dict(before)


@pytest.mark.parametrize("groups", [1, 2])
def test_every_change_of_its_numbers_is_seen(groups):
    """Arrays that are written to, and arrays that are replaced: nothing is kept from before."""
    rng = np.random.default_rng(0)
    conv, norm = nn.Conv2d(2, 2, 3, groups=groups), nn.BatchNorm2d(2)
    network = nn.Sequential(conv, norm).eval()
    x = Tensor(rng.standard_normal((2, 2, 5, 6)).astype(np.float32))
    tensors = [conv.weight, conv.bias, norm.weight, norm.bias, norm.running_mean, norm.running_var]
    changed: list = []
    for tensor in tensors * 2:
        if len(changed) < len(tensors):
            tensor.data[...] += rng.uniform(0.5, 1, tensor.shape)
        else:
            tensor.data = tensor.data * 2
        changed.append(tensor)
        with no_grad():
            one_by_one = norm(conv(x)).numpy()
            largest = np.abs(one_by_one).max()
            np.testing.assert_allclose(network(x).numpy(), one_by_one, atol=1e-5 * largest)


def test_a_convolution_with_constants_after_it():
    rng = np.random.default_rng(0)
    shapes = (2, 4, 5, 4), (6, 2, 3, 3), (6,)
    x, weight, bias = (Tensor(rng.standard_normal(shape), requires_grad=True) for shape in shapes)
    norm = tuple(rng.uniform(0.5, 2, (2, 6)))
    for relu in (False, True):
        settings = {"padding": 1, "groups": 2, "relu": relu, "norm": norm}
        assert gradcheck(lambda *a, s=settings: F.conv2d(*a, **s), [x, weight, bias])
    for wrong, error in [((norm[0], norm[1][:5]), ShapeError), (np.float32(norm), DTypeError)]:
        with pytest.raises(error, match=r"conv2d: expected a norm of .*, got"):
            F.conv2d(x, weight, bias, groups=2, norm=tuple(wrong))


def test_gradients_in_training_and_in_evaluation():
    network = nn.Sequential(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3, momentum=0.0), nn.ReLU())
    network.astype(np.float64)
    x = Tensor(np.random.default_rng(1).standard_normal((3, 2, 4, 3)), requires_grad=True)
    for mode in (True, False):
        network.train(mode)
        gradcheck(lambda x, *_: network(x), [x, *network.parameters()])


# --- what it says about itself -------------------------------------------------------------------


def test_summary_and_picture_count_its_weights(command):
    rows = {
        row["layer"]: row
        for row in map(json.loads, command("summary", "@norm.toml", "--json").splitlines())
    }
    assert [rows[name]["parameters"] for name in EPS] == [8, 12, 0]
    assert [rows["bn2"][key] for key in ("connections", "multiply_adds", "dense_parameters")] == [
        0
    ] * 3
    assert rows["bn2"]["output_shape"] == [6, 5, 5]
    assert rows["bn2"]["receptive_field"] == rows["conv2"]["receptive_field"] == [9, 9]
    drawn = drawn_layers(models.build_from_text(SPEC, name="norm"))
    assert drawn[1].notes == ("BatchNorm2d", "ReLU")
    assert drawn[2].notes == ("BatchNorm2d", "Tanh", "BatchNorm2d")
    # Its weights are counted where it stands, so that all numbers add up to the total.
    assert [layer.parameters for layer in drawn] == [None, 100 + 8, 222 + 12, 1510]


def test_resnet20_is_as_published():
    network = models.build("resnet20")
    assert network.parameter_count() == 269_722
    rows = {row.name: row for row in network.summary().layers}
    of_stages = 442_368 + 6 * 2_359_296, *(1_179_648 + 5 * 2_359_296,) * 2
    assert sum(row.multiply_adds for row in rows.values()) == sum(of_stages) + 640
    assert rows["stage1_unit3"].output_shape == (16, 32, 32)
    assert rows["stage2_unit1_shortcut"].output_shape == (32, 16, 16)
    assert rows["pool"].receptive_field[0].size == 109
    counted = [layer.parameters or 0 for layer in drawn_layers(network)]
    assert sum(counted) == 269_722


def test_its_sum_is_written_out(command, run, image):
    outputs = {one.name: one.array for one in insight.trace(run.network, image)}
    told, below, *_ = insight.explain(run.network, image, "bn2", (2, 3, 1), deep=True)
    wanted = by_hand(run.network.state_dict(), "bn2", outputs["conv2"])[2, 3, 1]
    assert told.exact == pytest.approx(wanted, abs=1e-6)
    assert insight.ulps(told.value, told.recomputed) <= 2
    assert (below.layer, below.unit) == ("conv2", (2, 3, 1)) and told.sees == below.sees
    said = command("explain", "@run", "test:3", "--layer", "bn2", "--unit", "2,3,1")
    state = run.network.state_dict()
    for label, part in (("− mean", "running_mean"), ("× weight", "weight"), ("+ bias", "bias")):
        line = next(line for line in said.splitlines() if line.strip().startswith(label))
        number = line.split()[-1].replace("−", "-")
        assert np.float32(number) == state[f"bn2.{part}"][2]
    assert f"÷ √({state['bn2.running_var'][2]:.9g} + 0.001)" in said and "then tanh1" in said
    command("explain", "@run", "test:3", "--layer", "bn2", "--unit", "2,3,1", "-o", "@sum.png")


def test_the_page_computes_it(command, folder, run, image, browser):
    command("page", "@run", "test:3", "-o", "@page.html")
    browser.get_log("browser")
    browser.get((folder / "page.html").as_uri())
    WebDriverWait(browser, 5).until(
        lambda page: page.execute_script("return convlabLab.store.state.trace !== null")
    )
    found = browser.execute_script("""
        const { trace } = convlabLab.store.state;
        const told = convlabLab.network.explain(trace, 4, [2, 3, 1]);
        return [trace.outputs.map((values) => [...values]), told.kind, told.input, told.total];
    """)
    values, kind, given, total = found
    traced = insight.trace(run.network, image)
    for one, there in zip(traced, values, strict=False):
        np.testing.assert_allclose(there, one.array.ravel(), rtol=1e-4, atol=1e-4, err_msg=one.name)
    assert kind == "pointwise" and given == pytest.approx(traced[3].array[2, 3, 1], abs=1e-4)
    assert total == pytest.approx(traced[4].array[2, 3, 1], abs=1e-4)
    assert browser.get_log("browser") == []


def test_without_running_statistics_nothing_is_said_about_a_single_image():
    spec = SPEC.replace('name="bn1"', 'name="bn1", track_running_stats=false')
    network = models.build_from_text(spec, name="norm")
    with pytest.raises(
        SpecError, match="bn1.*expected running statistics, which track_running_stats"
    ):
        insight.explain(network, np.zeros((1, 28, 28), np.float32), "bn1")
    with pytest.raises(SpecError, match="expected running statistics"):
        lab.check_fits(network)


# --- wrong arguments -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("momentum=2", "layer 2 (bn1): BatchNorm2d: expected a momentum between 0 and 1"),
        ('momentum="all"', "expected momentum to be a number, got 'all'"),
        ("eps=-1", "BatchNorm2d: expected a finite eps of at least 0, got -1"),
        ("affine=1", "expected affine to be true or false, got 1"),
        ("num_features=4", "'num_features' is not known for BatchNorm2d"),
    ],
)
def test_a_wrong_setting_is_one_line(settings, said):
    with pytest.raises(SpecError) as error:
        models.build_from_text(SPEC.replace('name="bn1"', f'name="bn1", {settings}'), name="norm")
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: nn.BatchNorm2d(0), "BatchNorm2d: num_features: expected"),
        (
            lambda: nn.BatchNorm2d(3)(Tensor(np.zeros((2, 4, 5, 5)))),
            r"\(N, 3, rows, columns\), got",
        ),
        (lambda: nn.BatchNorm2d(3)(Tensor(np.zeros((3, 5, 5)))), r"got \(3, 5, 5\)"),
        (lambda: nn.BatchNorm2d(3)(Tensor(np.zeros((2, 3, 5, 5)))), "expected one dtype for all"),
        (lambda: nn.BatchNorm2d(3).output_shape((4, 5, 5)), r"expected images of shape \(3, rows"),
    ],
)
def test_wrong_inputs_are_one_line(call, said):
    with pytest.raises(ConvlabError, match=said):
        call()
