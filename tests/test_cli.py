"""Every command as a user runs it: the installed program, in a process of its own."""

import csv
import io
import itertools
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import numpy as np
import pytest
import safetensors.numpy
from convlab_cli import main, options, reference
from PIL import Image
from safetensors import safe_open

from convlab import data, kernels, shapes, training
from convlab.errors import DataError, SpecError

COMMAND = Path(sys.executable).with_name("convlab")
COMMANDS = [typed.split()[1:] for typed, _ in reference.helps()]

# A network that is quick to train, with random numbers beyond those of its first weights.
NETWORK = """\
input = "28x28x1"

[[layer]]
type = "Conv2d"
name = "first"
out_channels = 3
kernel_size = 5
stride = 2

[[layer]]
type = "ReLU"

[[layer]]
type = "Flatten"

[[layer]]
type = "Dropout"
p = 0.25

[[layer]]
type = "Linear"
out_features = "classes"
"""


def bytes_of(folder):
    """The content of every file in a folder, by name."""
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def weights(folder):
    """The bytes of a run's best network."""
    return (Path(folder) / "model.safetensors").read_bytes()


def both(function, *arguments):
    """What the function gives for each argument; processes of their own run two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(function, arguments))


def draw_classes(root, mode="L", count=10, size=12):
    """A folder of pictures of two classes, dark and light noise; returns it."""
    generator = np.random.default_rng(0)
    for name, level in (("dark", 70), ("light", 170)):
        (root / name).mkdir(parents=True)
        for number in range(count):
            shape = (size, size) if mode == "L" else (size, size, 3)
            noise = np.clip(generator.normal(level, 20, shape), 0, 255).astype(np.uint8)
            Image.fromarray(noise).save(root / name / f"{number:02}.png")
    return root


@pytest.fixture(scope="session")
def own(tmp_path_factory):
    """A folder of the user's own grey pictures, of two classes."""
    return draw_classes(tmp_path_factory.mktemp("own") / "noises")


# --- help and usage ----------------------------------------------------------------------


@pytest.mark.smoke
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_of_every_command(convlab, words):
    out = convlab.works(*words, "--help")
    assert out.startswith(f"Usage: {' '.join(['convlab', *words])} ")
    assert max(map(len, out.splitlines())) <= 80


def test_help_names_every_command(convlab):
    out = convlab.works("--help")
    assert [line.split()[0] for line in out.split("Commands:\n")[1].splitlines()] == [
        words[0] for words in COMMANDS if len(words) == 1
    ]


def test_help_loads_neither_numba_nor_matplotlib_nor_the_library():
    script = """
import sys
from convlab_cli.main import main
for words in sys.argv[1].split("/"):
    sys.argv = ["convlab", *words.split(), "--help"]
    try:
        main()
    except SystemExit as stop:
        assert not stop.code, stop.code
heavy = {"numba", "numpy", "matplotlib", "convlab", "scipy", "sklearn", "PIL"}
print("loaded:", sorted(heavy & set(sys.modules)))
"""
    words = "/".join(" ".join(words) for words in COMMANDS)
    done = subprocess.run(
        [sys.executable, "-c", script, words], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Usage:") == len(COMMANDS)
    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_version_is_that_of_the_package(convlab):
    from importlib.metadata import version

    assert convlab.works("--version").split()[-1] == version("convlab")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["nosuch"], "No such command 'nosuch'. See 'convlab --help'."),
        (["trian"], "No such command 'trian'. Did you mean 'train'?"),
        (["render", "featres"], "No such command 'featres'. Did you mean 'features'?"),
        (["experiment", "rnu"], "No such command 'rnu'. Did you mean 'run'?"),
        (["train", "--optimizer", "sgdd"], "'nesterov', 'adam'. Did you mean 'sgd'?"),
        (["train", "--qqq"], "No such option '--qqq'. See 'convlab train --help'."),
        (["train", "--epochs", "many"], "'many' is not a valid integer."),
        (["quiz", "pooling", "--count", "many"], "'many' is not a valid integer."),
        (["train", "--threads", "0"], "0 is not in the range 1<=x<=1024."),
        (["train", "--optimizer", "lbfgs"], "'lbfgs' is not one of 'sgd', 'nesterov', 'adam'."),
        (["predict", "somewhere"], "Missing argument 'IMAGE...'."),
        (["train", "mnist"], "extra argument (mnist). See 'convlab train --help'."),
        (["render", "curves", "x", "-o", "x.bmp"], ".webp, .svg, .pdf or .tex, got 'x.bmp'"),
        (["render", "curves", "x", "-o", "x"], ".webp, .svg, .pdf or .tex, got 'x'"),
        (["render", "curves", "x", "--theme", "sepia"], "'light', 'dark', 'transparent'"),
        (["render", "receptive-field", "lenet5", "--unit", "3"], "such as 3,4, got '3'"),
        (["render", "receptive-field", "lenet5", "--unit", "a,b"], "such as 3,4, got 'a,b'"),
    ],
)
def test_wrong_usage(convlab, arguments, message):
    assert message in convlab.misused(*arguments)
    assert list(convlab.folder.iterdir()) == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_missing_argument_is_named(convlab, words):
    """By the name that stands without brackets in the line of usage."""
    usage = " ".join(convlab.works(*words, "--help").split("\n\n")[0].split())
    needed = re.findall(r"(?<= )([A-Z][A-Z|x.]*\w*[.]*)(?= |$)", usage.partition("[OPTIONS]")[2])
    if "COMMAND" in needed or not needed:
        return
    error = convlab.misused(*words)
    assert error == f"Missing argument '{needed[0]}'. See 'convlab {' '.join(words)} --help'."


def test_output_into_a_closed_pipe_is_quiet(convlab):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [COMMAND, "summary", "lenet5"], stdout=writer, stderr=subprocess.PIPE, timeout=60
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_ctrl_c_while_reading(convlab, run):
    process = convlab.start("predict", run, "-", stdin=subprocess.PIPE)
    process.stdin.write("x" * (1 << 17))  # more than a pipe holds: written when it is read
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (130, "", "stopped\n")


# --- train -------------------------------------------------------------------------------

EPOCH_FIELDS = {
    "type",
    "epoch",
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "rate",
    "seconds",
    "images_per_second",
}


def test_too_few_pictures_to_hold_some_out(convlab):
    """Of two in a class one is to test with, and none is left to choose the epoch by."""
    draw_classes(convlab.folder / "few", count=2)
    assert convlab.fails("train", "--data", "few").endswith(
        "few: expected two images or more of a class to train with, one of which is held out to"
        " choose the best epoch, got one in each class"
    )
    assert [path.name for path in convlab.folder.iterdir()] == ["few"]


def test_train_makes_a_run_in_its_usual_folder(run):
    assert run.parts[-2:] == ("runs", "lenet5-digits")
    assert sorted(path.name for path in run.iterdir()) == [
        "config.json",
        "curves.png",
        "history.csv",
        "last.safetensors",
        "model.safetensors",
    ]
    with Image.open(run / "curves.png") as picture:
        picture.load()
        assert picture.size == (1600, 900)
    config = json.loads((run / "config.json").read_text())
    assert config["settings"]["augment"] == "shift=2,rotate=15,scale=0.15"
    assert config["settings"]["epochs"] == 2
    assert config["classes"] == list("0123456789")


def test_train_json(run, trained):
    records = [json.loads(line) for line in trained[1].out.splitlines()]
    assert [record["type"] for record in records] == ["epoch", "epoch", "summary"]
    for number, record in enumerate(records[:2], 1):
        assert set(record) == EPOCH_FIELDS
        assert record["epoch"] == number
        # 1,797 digits: 360 are the test set, a tenth of 1,437 is validation (sklearn, split.py).
        assert record["train_accuracy"] * 1293 == pytest.approx(
            round(record["train_accuracy"] * 1293), abs=1e-6
        )
        assert record["images_per_second"] == pytest.approx(1293 / record["seconds"])
    with (run / "history.csv").open() as file:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    assert rows == [{k: v for k, v in r.items() if k != "type"} for r in records[:2]]
    summary = records[2]
    # Of 144 validation images one more or less does not decide; then the last epoch counts.
    first, second = (round(row["validation_accuracy"] * 144) for row in rows)
    best = 1 if second >= first - 1 else 0
    assert summary["best_epoch"] == best + 1
    assert summary["validation_accuracy"] == rows[best]["validation_accuracy"]
    assert summary["epochs"] == 2
    assert summary["run"] == "runs/lenet5-digits"
    assert summary["seconds"] == pytest.approx(sum(row["seconds"] for row in rows))
    assert 0.5 < summary["test_accuracy"] <= 1


def test_train_progress_on_stderr(trained):
    lines = trained[1].err.splitlines()
    # Of what is so on some machines only.
    lines = [line for line in lines if not line.startswith(("compiling ", "note: "))]
    assert lines[0].startswith("lenet5, 61,706 parameters, on digits: 1,293 training,")
    assert [line.split("  ")[0] for line in lines[1:]] == ["epoch 1/2", "epoch 2/2"]


def test_train_quiet(convlab, own):
    out = convlab.works("train", "--data", own, "--epochs", 1, "--quiet")
    first, second, *more = out.splitlines()
    assert first.startswith("test accuracy ") and "best of 1 epochs: 1" in first
    assert second == "run: runs/lenet5-noises"
    assert more == [
        "next: convlab evaluate runs/lenet5-noises, convlab predict runs/lenet5-noises test:0,",
        "      convlab render features runs/lenet5-noises test:0, convlab page runs/lenet5-noises",
    ]


def test_train_progress_bar_in_a_terminal(convlab, own):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, "train", "--data", own, "--epochs", "2"],
        cwd=convlab.folder,
        env=convlab.environment(TERM="xterm", COLUMNS="120"),
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the terminal's other end is closed
            break
        if not part:
            break
        shown += part
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0, shown
    assert out.startswith(b"test accuracy")
    assert re.search(rb"epoch 2/2  \[#+\]  100%", shown)
    assert b"images/s" in shown and b"Traceback" not in shown


def test_an_existing_run_is_refused_and_stays_as_it_was(convlab, run, own):
    before = bytes_of(run)
    error = convlab.fails("train", "--data", own, "--epochs", 1, "-o", run)
    assert error == (
        f"{run}: exists already; name another folder with -o, go on with --resume, or replace"
        " it with --exist-ok (in Python: out=, convlab.load, exist_ok=True)"
    )
    assert bytes_of(run) == before


def test_exist_ok_replaces_a_run(convlab, run, own):
    folder = shutil.copytree(run, convlab.folder / "copy")
    before = bytes_of(folder)
    (folder / "lab.html").write_text("the page of the old run")
    convlab.works("train", "--data", own, "--epochs", 1, "-o", "copy", "--exist-ok", "--quiet")
    after = bytes_of(folder)
    assert after.keys() == before.keys()
    assert all(after[name] != before[name] for name in before)
    assert len(after["history.csv"].splitlines()) == 2
    assert json.loads(after["config.json"])["classes"] == ["dark", "light"]


def test_out_is_a_file(convlab, own):
    (convlab.folder / "taken").write_text("mine")
    error = convlab.fails("train", "--data", own, "-o", "taken", "--exist-ok")
    assert error == "taken: cannot be written: expected a folder, got a file"
    assert (convlab.folder / "taken").read_text() == "mine"


def test_patience_stops_early(convlab, own):
    # At rate 0 the validation loss never falls after the first epoch.
    out = convlab.works(
        *("train", "--data", own, "--lr", 0, "--schedule", "constant", "--patience", 2),
        *("--epochs", 9, "--quiet"),
    )
    assert "best of 3 epochs: 3, stopped early; " in out
    history = (convlab.folder / "runs/lenet5-noises/history.csv").read_text()
    assert len(history.splitlines()) == 1 + 3


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--augment", "wobble=3"], ["augmentation", "shift=PIXELS", "got 'wobble=3'"]),
        (["--augment", "shift=many"], ["shift", "'shift=many'"]),
        (["--epochs", "0"], ["epochs: expected at least 1, got 0"]),
        (["--batch-size", "0"], ["batch size: expected at least 1, got 0"]),
        (["--seed", "-1"], ["seed: expected at least 0, got -1"]),
        (["--patience", "0"], ["patience: expected at least 1, got 0"]),
        (["--validation", "1"], ["validation: expected a share between 0 and 1, got 1.0"]),
        (["--lr", "-1"], ["expected a finite rate of at least 0, got -1.0"]),
        (["--lr", "nan"], ["rate: expected a finite number, got nan"]),
        (["--momentum", "2"], ["expected a momentum between 0 and 1, got 2.0"]),
        (
            ["--dropout", "0.5"],
            ["dropout: expected a network with Dropout layers, lenet5 has none"],
        ),
        (["--model", "nosuch"], ["model: expected one of", "lenet5-1998", "got nosuch"]),
        (["--model", "nosuch.toml"], ["nosuch.toml: cannot be read", "No such file"]),
        (["--data", "nosuch"], ["unknown data set 'nosuch'", "digits, mnist, fashion-mnist"]),
        (["--data-dir", "nosuch", "--data", "mnist"], ["expected an existing folder, got nosuch"]),
        (["--device", "cuda"], ["device cuda: expected an NVIDIA GPU with its driver, got none"]),
        (["--resume", "nosuch"], ["nosuch: expected the folder of a run with a config.json"]),
    ],
)
def test_what_train_refuses(convlab, arguments, words):
    error = convlab.fails("train", *arguments)
    assert all(word in error for word in words), error
    assert list(convlab.folder.iterdir()) == []


def test_train_from_another_run(convlab, own, run):
    """Weights of the digits' network for pictures of two classes, smaller ones, few of them."""
    arguments = ["--data", own, "--limit", 4, "--epochs", 1, "--from", run, "--new-head"]
    made = convlab("train", *arguments, "--freeze", "conv1", "--freeze", "conv2")
    assert made.status == 0, made
    assert "on " in made.err and ": 6 training, 2 validation" in made.err
    assert f"weights of {run}: conv1, conv2, fc1, fc2 taken; fc3 is not (made anew)" in made.err
    assert "frozen (conv1,conv2): 2,572 parameters" in made.err
    folder = convlab.folder / "runs" / "lenet5-noises"
    settings = json.loads((folder / "config.json").read_text())["settings"]
    expected = {"start_from": str(run), "new_head": True, "freeze": "conv1,conv2", "limit": 4}
    assert {name: settings[name] for name in expected} == expected
    before, after = (safe_open(f / "model.safetensors", framework="np") for f in (run, folder))
    for name in ("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias"):
        assert before.get_tensor(name).tobytes() == after.get_tensor(name).tobytes()
    assert after.get_tensor("fc3.weight").shape == (2, 84)
    assert not np.array_equal(before.get_tensor("fc1.weight"), after.get_tensor("fc1.weight"))


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--from", "nothing"], "nothing: expected the folder of a run with a config.json"),
        (["--new-head"], "new head: expected a run to start from, got none"),
        (["--freeze", "pool1"], "freeze: expected layers with weights, conv1, conv2, fc1, fc2"),
        (["--limit", "1"], "limit: expected at least 2, got 1"),
        (["--from", "RUN", "--model", "dense"], "expected a layer of the same name and shape"),
    ],
)
def test_what_train_cannot_start_from(convlab, run, arguments, message):
    words = [str(run) if word == "RUN" else word for word in arguments]
    assert message in convlab.fails("train", *words)
    assert not (convlab.folder / "runs").exists()


def test_a_rate_that_diverges(convlab):
    error = convlab.fails("train", "--lr", "1e6", "--quiet")
    assert error.startswith("the loss is ") and " in epoch 1, batch " in error
    assert error.endswith(": try a smaller one, such as --lr 0.05")
    # Nothing stands in the way of the next try.
    assert not (convlab.folder / "runs/lenet5-digits").exists()
    # A run that was to be replaced is still there.
    folder = convlab.folder / "runs/lenet5-digits"
    convlab.works("train", "--epochs", 1, "--limit", 20, "--quiet")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert convlab.fails("train", "--lr", "1e6", "--quiet", "--exist-ok") == error
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    convlab.works("train", "--epochs", 2, "--limit", 30, "--quiet", "--exist-ok")
    assert json.loads((folder / "config.json").read_text())["settings"]["epochs"] == 2
    assert len((folder / "history.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    "change, message",
    [
        (("stride = 2", "strides = 2"), "net.toml, line 8: 'strides' is not known for Conv2d"),
        (("kernel_size = 5", "kernel_size = 55"), "net.toml, line 3, layer 1 (first): kernel"),
        (("out_channels = 3", 'out_channels = "3"'), "net.toml, line 3, layer 1 (first): "),
        (("p = 0.25", "p = 25"), "net.toml, line 16, layer 4 (Dropout): "),
        (('"ReLU"', '"Relu"'), "net.toml, line 10, layer 2 (Relu): expected type to be one of"),
        (('"ReLU"', '["ReLU"]'), "net.toml, line 10, layer 2 (['ReLU']): expected "),
        (('type = "Flatten"', 'type = "Tanh"'), "net.toml, line 20, layer 5 (Linear): expected"),
        (('"first"', '"loss"'), "expected a name that is free, got 'loss'"),
        (
            ("out_channels = 3", "out_channels = 1000000000000"),
            "(first): expected out_channels of at most 65,535",
        ),
        (("[[layer]]\n", "[[layer]\n"), "net.toml: not TOML: "),
        (("28x28x1", "28x28"), 'expected input = "ROWSxCOLUMNSxCHANNELS"'),
    ],
    ids=lambda change: change[1] if isinstance(change, tuple) else "",
)
def test_a_mistake_in_a_model_file_is_named_with_its_line(convlab, change, message):
    assert NETWORK.count(change[0]) >= 1
    (convlab.folder / "net.toml").write_text(NETWORK.replace(*change, 1))
    assert message in convlab.fails("summary", "net.toml")


def test_train_refuses_a_model_file_with_a_mistake(convlab):
    (convlab.folder / "net.toml").write_text(NETWORK.replace("stride", "strides"))
    error = convlab.fails("train", "--model", "net.toml")
    assert error.startswith("net.toml, line 8: 'strides' is not known for Conv2d; expected bias,")
    assert not (convlab.folder / "runs").exists()


def test_train_on_own_pictures_in_colour(convlab):
    draw_classes(convlab.folder / "mine", "RGB")
    convlab.works("train", "--data", "mine", "--epochs", 6, "--batch-size", 4, "--quiet")
    run = convlab.folder / "runs/lenet5-mine"
    config = json.loads((run / "config.json").read_text())
    assert config["classes"] == ["dark", "light"]
    assert config["image_shape"] == [3, 12, 12]
    assert config["network"]["input_shape"] == [3, 28, 28]
    assert not config["dark_background"]
    answer = convlab.works("predict", run, "mine/light/00.png", "mine/dark/01.png", "--json")
    records = [json.loads(line) for line in answer.splitlines()]
    # Noise around 170 and around 70: whoever has learned anything can tell them apart.
    assert [max(r["probabilities"], key=r["probabilities"].get) for r in records] == [
        "light",
        "dark",
    ]


def test_pictures_that_are_damaged_are_named_or_skipped(convlab):
    folder = draw_classes(convlab.folder / "mine")
    broken = [folder / "light" / "03.png", folder / "dark" / "01.png"]
    for path in broken:
        path.write_bytes(path.read_bytes()[:60])
    error = convlab.fails("train", "--data", "mine")
    assert error.startswith(f"{folder}: 2 pictures cannot be read, --skip-damaged")
    assert all(str(path) in error for path in broken)
    short = ("--skip-damaged", "--epochs", 1, "--batch-size", 4, "--quiet")
    result = convlab("train", "--data", "mine", *short)
    assert result.status == 0
    assert result.err.startswith(
        f"note: {folder}: left out 2 damaged: {broken[1]}: expected a whole"
    )
    assert result.err.count("\n") == 1
    # What was skipped is skipped again.
    again = convlab("evaluate", "runs/lenet5-mine", "--json")
    assert (again.status, again.err) == (0, result.err)
    shutil.rmtree(folder / "dark")
    (folder / "dark").mkdir()
    (folder / "dark" / "a.png").write_text("not a picture")
    error = convlab.fails("train", "--data", "mine", *short, "--exist-ok")
    assert error == f"{folder}/dark: expected pictures of a class, got only damaged ones"


def test_without_a_network_the_error_says_what_to_do(convlab):
    cache = convlab.folder / "cache"
    error = convlab.fails(
        *("train", "--data", "mnist", "--quiet"),
        CONVLAB_DATA_DIR=convlab.folder,
        XDG_CACHE_HOME=cache,
        HOME=convlab.folder,
    )
    for part in (
        "train-images-idx3-ubyte.gz of mnist",
        "https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz",
        "https://storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz",
        "CONVLAB_DATA_DIR",
    ):
        assert part in error
    assert f"put it into {convlab.folder}" in error
    assert not (convlab.folder / "runs").exists()


# --- the same bits -----------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_threads(convlab, run):
    usual = ("train", "--epochs", 2, "--quiet", "-o")

    def train(words):
        convlab.works(*usual, *words)
        return weights(convlab.folder / words[0])

    one, two = both(train, ("one", "--threads", 1), ("two", "--threads", 2))
    assert one == two == weights(run)


def test_another_seed_gives_other_bytes(convlab, run):
    convlab.works("train", "--epochs", 2, "--quiet", "--seed", 1, "-o", "other")
    assert weights(convlab.folder / "other") != weights(run)


LONG = ("train", "--model", "net.toml", "--epochs", 4, "--batch-size", 8, "--seed", 3)


@pytest.fixture(scope="module")
def uninterrupted(convlab_in, tmp_path_factory):
    """The files of a training that nobody stopped."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    (folder / "net.toml").write_text(NETWORK)
    convlab_in(folder).works(*LONG, "--quiet", "-o", "run")
    return bytes_of(folder / "run")


def without_seconds(content):
    """The rows of a history.csv without what differs from day to day."""
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    return [{k: v for k, v in r.items() if k not in ("seconds", "images_per_second")} for r in rows]


def check_same_run(folder, expected):
    files = bytes_of(folder)
    assert files.keys() == expected.keys()
    assert files["model.safetensors"] == expected["model.safetensors"]
    assert without_seconds(files["history.csv"]) == without_seconds(expected["history.csv"])


def progress_of(folder):
    """What a run's last.safetensors says of where the training stands."""
    with safe_open(folder / "last.safetensors", framework="np") as file:
        return json.loads(file.metadata()["state"])["progress"]


@pytest.mark.slow
def test_ctrl_c_saves_and_resume_gives_the_bytes_of_an_uninterrupted_run(convlab, uninterrupted):
    model = convlab.folder / "net.toml"
    model.write_text(NETWORK)
    run = convlab.folder / "run"
    arguments = (*LONG, "-o", "run")
    for epoch in (1, 2):
        process = convlab.start(*arguments)
        for line in process.stderr:
            if line.startswith(f"epoch {epoch}/4"):
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert out == ""
        assert err.splitlines()[-1] == ("stopped and saved; go on with: convlab train --resume run")
        progress = progress_of(run)
        assert epoch <= progress["epoch"] < 4
        assert len(progress["history"]) == progress["epoch"]
        assert sorted(path.name for path in run.iterdir()) == [
            "config.json",
            "history.csv",
            "last.safetensors",
            "model.safetensors",
        ]
        # The run holds all that is needed: its model's file may change or go.
        model.unlink(missing_ok=True)
        arguments = ("train", "--resume", "run")
    out = convlab.works("train", "--resume", "run", "--quiet")
    assert out.startswith("test accuracy ")
    check_same_run(run, uninterrupted)


def test_ctrl_c_in_the_middle_of_an_epoch(convlab, uninterrupted):
    (convlab.folder / "net.toml").write_text(NETWORK)
    run = convlab.folder / "run"
    ours, theirs = pty.openpty()  # in a terminal every batch is shown
    process = subprocess.Popen(
        [COMMAND, *map(str, LONG), "-o", "run"],
        cwd=convlab.folder,
        env=convlab.environment(TERM="xterm", COLUMNS="120"),
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while b"epoch 2/4" not in shown:
        shown += os.read(ours, 256)
    process.send_signal(signal.SIGINT)
    while True:
        try:
            shown += os.read(ours, 4096)
        except OSError:
            break
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert (process.returncode, out) == (130, b""), shown
    assert b"stopped and saved; go on with: convlab train --resume run" in shown
    progress = progress_of(run)
    assert 0 < progress["batch"] < 162, "expected a stop inside an epoch"
    convlab.works("train", "--resume", "run", "--quiet")
    check_same_run(run, uninterrupted)


def test_a_killed_training_can_be_resumed(convlab, uninterrupted):
    (convlab.folder / "net.toml").write_text(NETWORK)
    process = convlab.start(*LONG, "--quiet", "--json", "-o", "run")
    lines = [process.stdout.readline() for _ in range(2)]
    process.kill()
    process.communicate(timeout=60)
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]
    assert progress_of(convlab.folder / "run")["epoch"] >= 2
    convlab.works("train", "--resume", "run", "--quiet")
    check_same_run(convlab.folder / "run", uninterrupted)


def test_resume_takes_no_settings(convlab, run):
    for words, option in ((["--lr", 0.1], "--lr"), (["--seed", 2], "--seed")):
        message = convlab.misused("train", "--resume", run, *words)
        assert message == f"--resume goes on with the run's own settings; drop {option}"


def test_resume_of_a_complete_run(convlab, run):
    before = bytes_of(run)
    message = convlab.misused("train", "--resume", run)
    assert message == f"{run}: nothing to resume, the run is complete; --epochs lets it go on"
    assert bytes_of(run) == before


def test_more_epochs_give_the_bytes_of_as_many_in_one_go(convlab, run, own):
    words = ("train", "--data", own, "--schedule", "constant", "--lr", 0.01, "--quiet")
    convlab.works(*words, "--epochs", 3, "--output", "three")
    convlab.works(*words, "--epochs", 1, "--output", "one")
    convlab.works("train", "--resume", "one", "--epochs", 3, "--quiet")
    three = bytes_of(convlab.folder / "three")
    check_same_run(convlab.folder / "one", three)
    assert bytes_of(convlab.folder / "one")["config.json"] == three["config.json"]
    for epochs in (2, 3):
        message = convlab.fails("train", "--resume", "one", "--epochs", epochs)
        assert message == f"epochs: expected more than the run's 3, got {epochs}"


def test_more_epochs_of_another_schedule_say_what_differs(convlab, run):
    shutil.copytree(run, convlab.folder / "copy")
    result = convlab("train", "--resume", "copy", "--epochs", 3)
    assert result.status == 0 and "best of 3 epochs" in result.out
    note = "note: rates by one-cycle depend on the number of epochs, so those up to 2 had others"
    assert f"{note} than in 3 epochs in one go\n" in result.err
    assert [line[:9] for line in result.err.splitlines() if line[:5] == "epoch"] == ["epoch 3/3"]


def test_a_network_of_ones_own_gets_a_rate_by_a_trial(convlab, own):
    (convlab.folder / "net.toml").write_text(NETWORK)
    words = ("train", "--model", "net.toml", "--data", own, "--epochs", 20, "--output", "run")
    result = convlab(*words)
    assert result.status == 0
    settings = json.loads((convlab.folder / "run" / "config.json").read_text())["settings"]
    assert 0 < settings["rate"] <= 0.05
    assert "trying learning rates on a few batches of " in result.err
    assert f"largest learning rate {settings['rate']:g}, from that trial" in result.err


def test_python_m_convlab_is_the_command(convlab):
    words = [sys.executable, "-m", "convlab", "trian"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=convlab.folder, timeout=60)
    assert done.returncode == 2
    assert done.stderr == "Error: No such command 'trian'. Did you mean 'train'?\n"


def test_resume_of_a_complete_run_for_its_page(convlab, run):
    folder = shutil.copytree(run, convlab.folder / "copy")
    convlab.works("train", "--resume", "copy", "--page", "--quiet")
    assert {path.name for path in folder.iterdir()} == {*bytes_of(run), "lab.html"}
    assert weights(folder) == weights(run)


# --- evaluate ----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def test_images():
    """The digits' test set, of which each run of them is tested."""
    return data.load("digits")[1]


@pytest.fixture(scope="session")
def digit(test_images, tmp_path_factory):
    """One of them as a file."""
    path = tmp_path_factory.mktemp("image") / "digit.png"
    Image.fromarray(test_images.images[3, 0]).save(path)
    return path


@pytest.mark.smoke
def test_evaluate(convlab, run, trained, test_images):
    folder = shutil.copytree(run, convlab.folder / "copy")
    table, answer = both(
        lambda words: convlab.works("evaluate", "copy", *words), (), ("--json", "-o", "again")
    )
    answer = json.loads(answer)
    evaluation = folder / "evaluation"
    assert sorted(path.name for path in evaluation.iterdir()) == [
        "confusion.csv",
        "confusion.png",
        "mistakes.png",
    ]
    assert (
        bytes_of(convlab.folder / "again")["confusion.csv"]
        == (evaluation / "confusion.csv").read_bytes()
    )
    for name in ("confusion.png", "mistakes.png"):
        with Image.open(evaluation / name) as picture:
            picture.load()
            assert picture.size == (1600, 900)
    head, *rows = csv.reader((evaluation / "confusion.csv").open())
    assert head[1:] == list("0123456789") == [row[0] for row in rows]
    matrix = np.array([row[1:] for row in rows], int)
    np.testing.assert_array_equal(matrix.sum(1), np.bincount(test_images.labels))
    assert matrix.sum() == answer["images"] == 360
    wrong = 360 - matrix.trace()
    assert wrong > 40, "more than the picture shows"
    with Image.open(evaluation / "mistakes.png") as picture:
        assert picture.info["Description"].endswith(f"; {wrong} of 360 test images wrong.")
    assert answer["accuracy"] == matrix.trace() / 360
    # What train said of the same weights.
    summary = json.loads(trained[1].out.splitlines()[-1])
    assert answer["accuracy"] == summary["test_accuracy"]
    assert answer["loss"] == pytest.approx(summary["test_loss"])
    assert answer["confusion"] == matrix.tolist()
    for k, row in enumerate(answer["classes"]):
        assert row["class"] == str(k)
        assert (row["images"], row["right"]) == (matrix[k].sum(), matrix[k, k])
        assert row["recall"] == pytest.approx(matrix[k, k] / matrix[k].sum())
        answered = matrix[:, k].sum()
        assert row["precision"] == (pytest.approx(matrix[k, k] / answered) if answered else None)
    lines = table.splitlines()
    assert lines[0].split() == ["class", "images", "right", "precision", "recall"]
    for k, line in enumerate(lines[1:11]):
        assert line.split()[:3] == [str(k), str(matrix[k].sum()), str(matrix[k, k])]
    assert lines[11].startswith(f"accuracy {100 * answer['accuracy']:.2f} %, loss ")
    assert lines[12:] == [
        "wrote copy/evaluation/confusion.png",
        "wrote copy/evaluation/mistakes.png",
    ]


def test_evaluate_with_other_classes(convlab, run, own):
    error = convlab.fails("evaluate", run, "--data", own)
    assert (
        error == f"{own}: expected the run's classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, got dark, light"
    )


def test_evaluate_reads_a_folder_as_predict_does(convlab, run, corner):
    """The digit is found on each sheet; where there is none, the whole of it is taken."""
    for split, label in itertools.product(("train", "test"), range(10)):
        folder = convlab.folder / "drawn" / split / str(label)
        folder.mkdir(parents=True)
        for number, turns in enumerate((0, 1)):
            sheet = np.rot90(np.roll(corner, 9 * label, axis=0), turns)
            Image.fromarray(sheet).convert("RGB").save(folder / f"{number}.png")
    Image.new("L", (90, 60), 255).save(convlab.folder / "drawn/test/1/white.png")
    for words in ((), ("--as-is",)):
        told = convlab.works("predict", run, "drawn/test", "--json", *words).splitlines()
        expected = np.zeros((10, 10), int)
        for line in map(json.loads, told):
            if line["probabilities"]:
                expected[
                    int(line["image"].split("/")[2]), int(next(iter(line["probabilities"])))
                ] += 1
        text = convlab.works("evaluate", run, "--data", "drawn", "-o", "kept", *words)
        with (convlab.folder / "kept/confusion.csv").open() as file:
            got = np.array([row[1:] for row in [*csv.reader(file)][1:]], int)
        # Where predict gives no answer, evaluate has one for the whole sheet.
        assert got.sum() == 21 and (got - expected >= 0).all()
        assert ("digit found on 40 of 41 pictures: " in text) == (not words)
        assert ("no digit found on 1 of 41 pictures, which are taken whole" in text) == (not words)
        assert ("41 of 41 pictures dark on light" in text) == bool(words)


@pytest.mark.parametrize(
    "damage, words",
    [
        ({"model.safetensors": b"\x00" * 50}, ["model.safetensors: cannot be read as safetensors"]),
        ({"model.safetensors": 5000}, ["model.safetensors: cannot be read as safetensors"]),
        ({"model.safetensors": None}, ["model.safetensors: expected a run with this file"]),
        ({"config.json": b"{"}, ["config.json: cannot be read"]),
        ({"config.json": b"[]"}, ["config.json: expected an object with the settings, got []"]),
        ({"config.json": b"{}"}, ["config.json: expected the settings of convlab"]),
        ({"config.json": None}, ["expected the folder of a run with a config.json"]),
    ],
)
def test_damaged_runs(convlab, run, damage, words):
    folder = shutil.copytree(run, convlab.folder / "copy")
    for name, content in damage.items():
        if content is None:
            (folder / name).unlink()
        elif isinstance(content, int):
            (folder / name).write_bytes((folder / name).read_bytes()[:content])
        else:
            (folder / name).write_bytes(content)
    error = convlab.fails("predict", "copy", "test:0")
    assert all(word in error for word in words), error


@pytest.mark.smoke
def test_a_folder_that_is_no_run(convlab):
    for command in (["evaluate"], ["render", "curves"], ["render", "filters"]):
        assert convlab.fails(*command, convlab.folder) == (
            f"{convlab.folder}: expected the folder of a run with a config.json, there is none"
        )


def test_the_folder_around_a_run_is_no_run(convlab, run):
    error = convlab.fails("predict", run.parent, "test:0")
    instead = f"got a folder of runs, such as {run}"
    assert error == f"{run.parent}: expected the folder of a run, {instead}"


# --- predict -----------------------------------------------------------------------------


@pytest.fixture
def altered(run, tmp_path):
    """Copies of the run with other weights or names: ``altered(change, classes)``."""

    def make(change=lambda arrays: None, classes=None):
        folder = tmp_path / "altered"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(run, folder)
        path = folder / "model.safetensors"
        with safe_open(path, framework="np") as file:
            arrays, metadata = {k: file.get_tensor(k) for k in file.keys()}, file.metadata()  # noqa: SIM118
        change(arrays)
        path.write_bytes(safetensors.numpy.save(arrays, metadata))
        if classes is not None:
            config = json.loads((folder / "config.json").read_text())
            (folder / "config.json").write_text(json.dumps(config | {"classes": classes}))
        return folder

    return make


def test_weights_that_are_not_finite_or_too_large(convlab, altered):
    def broken(arrays):
        arrays["conv2.weight"].flat[7] = np.nan

    folder = altered(broken)
    for command in (["predict"], ["render", "features"]):
        error = convlab.fails(*command, folder, "test:0")
        assert error == (
            f"{folder}/model.safetensors: conv2.weight: expected finite numbers, got 1 of 2,400"
            " that are not, the first nan at index 0, 0, 1, 2"
        )

    def huge(arrays):
        for array in arrays.values():
            array *= np.float32(1e30)

    folder = altered(huge)
    error = convlab.fails("predict", folder, "test:0")
    assert error.startswith("output of lenet5: expected finite numbers, got 10 of 10 that are not")
    error = convlab.fails("explain", folder, "test:0")
    assert error.startswith("output of conv2: expected finite numbers, got 1,600 of 1,600 that")


def test_maps_that_are_empty_say_so(convlab, run, altered):
    Image.new("L", (28, 28)).save(convlab.folder / "black.png")
    said = convlab.works("render", "occlusion", run, "black.png", "--alt")
    assert "; 0 everywhere; " in said and "; all are 0; " in said

    def dead(arrays):
        for array in arrays.values():
            array[...] = 0

    folder = altered(dead)
    said = convlab.works(
        *f"render receptive-field {folder} --layer pool2 --effective --alt".split()
    )
    assert "gradient 0 everywhere: no pixel of 32 images changes the unit" in said
    said = convlab.works("render", "embedding", folder, "--method", "tsne", "--alt")
    assert "one point: all images have the same 84 numbers" in said


def test_names_of_classes_that_no_font_has(convlab, altered):
    folder = altered(classes=["\U0010fffd", *"123456789"])
    result = convlab("render", "confusion", folder)
    assert result.err == (
        "note: no installed font has \U0010fffd: the picture has boxes in their place\n"
    )
    assert (result.status, result.out) == (0, "wrote confusion.png\n")
    error = convlab.fails(
        "predict", altered(classes=["caf\u00e9", "cafe\u0301", *"23456789"]), "test:0"
    )
    assert "config.json: expected classes of different names, got 'caf\u00e9' twice" in error


@pytest.mark.smoke
def test_predict(convlab, run, test_images):
    """The same image as a number of the test set, a file, a drawing, and on standard input."""
    pixels = test_images.images[7, 0]
    Image.fromarray(pixels).save(convlab.folder / "light on dark.png")
    Image.fromarray(255 - pixels).save(convlab.folder / "drawing.png")
    sources = ("test:7", "light on dark.png", "drawing.png", "-")
    standard_input = (convlab.folder / "drawing.png").read_bytes()
    full, short = both(
        lambda words: convlab.works("predict", run, *sources, *words, stdin=standard_input),
        ["--json"],
        ["--top", 2],
    )
    answers = [json.loads(line) for line in full.splitlines()]
    assert [answer["image"] for answer in answers] == list(sources)
    assert [answer["inverted"] for answer in answers] == [False, False, True, True]
    for answer in answers:
        chances = answer["probabilities"]
        assert sorted(chances) == list("0123456789")
        assert sum(chances.values()) == pytest.approx(1, abs=1e-5)
        assert list(chances.values()) == sorted(chances.values(), reverse=True)
        assert chances == answers[0]["probabilities"]

    first, second = list(answers[0]["probabilities"].items())[:2]
    text = f"{first[0]} {100 * first[1]:.2f} %  {second[0]} {100 * second[1]:.2f} %"
    note = "  (dark on light, as drawings are: inverted to light on dark)"
    assert short.splitlines() == [
        f"{source}: {text}{note if answer['inverted'] else ''}"
        for source, answer in zip(sources, answers, strict=True)
    ]


@pytest.mark.parametrize(
    "image, message",
    [
        ("nosuch.png", "nosuch.png: cannot be read (No such file or directory)"),
        ("text.png", "text.png: expected a picture (PNG, JPEG"),
        ("test:360", "image test:360: expected test:0 to test:359 of digits"),
        ("test:99999", "image test:99999: expected test:0 to test:359 of digits"),
        ("test:-1", "image test:-1: expected test:0 to test:359 of digits"),
        ("test:", "image test:: expected test:0 to test:359 of digits"),
        (
            "https://example.com/7.png",
            "https://example.com/7.png: expected a picture file, got an address; download it",
        ),
        ("test:²", "image test:²: expected test:0 to test:359 of digits"),
        ("-", "-: expected a picture on standard input, got nothing"),
    ],
)
def test_a_bad_image_of_many_is_named_at_the_end(convlab, run, digit, image, message):
    (convlab.folder / "text.png").write_text("not a picture")
    assert convlab.fails("predict", run, image).startswith(message)
    result = convlab("predict", run, digit, image, "test:3")
    assert result.status == 1
    assert [line.partition(": ")[0] for line in result.out.splitlines()] == [str(digit), "test:3"]
    assert result.err.startswith(f"Error: {message}") and result.err.count("\n") == 1


@pytest.fixture
def corner(convlab):
    """A sheet with a 1 drawn small in its corner: a bar, 40 pixels high."""
    sheet = np.full((300, 200), 255, np.uint8)
    sheet[10:50, 180:187] = 0
    Image.fromarray(sheet).save(convlab.folder / "corner.png")
    return sheet


def test_predict_finds_the_digit_on_its_sheet(convlab, run, corner):
    answer = json.loads(convlab.works("predict", run, "corner.png", "--json"))
    assert next(iter(answer["probabilities"])) == "1"
    assert answer["inverted"] and answer["prepared"] and answer["missing"] == ""
    line = convlab.works("predict", run, "corner.png")
    assert line.endswith(f"  (digit found: {answer['prepared']})\n")
    whole = json.loads(convlab.works("predict", run, "corner.png", "--json", "--as-is"))
    assert (whole["prepared"], whole["inverted"]) == ("", True)
    assert whole["probabilities"] != answer["probabilities"]
    # Pictures of the network see the same.
    for words, asides in (((), "; digit found and centred"), (["--as-is"], "; inverted")):
        for command in (["features"], ["saliency", "--no-sanity"]):
            said = convlab.works("render", *command, run, "corner.png", "--alt", *words)
            assert asides in said
    explained = convlab.works("explain", run, "corner.png")
    assert f"digit found: {answer['prepared']}" in explained
    from_pixels = pictures_of(run, "corner.png", convlab.folder)
    assert max(from_pixels, key=from_pixels.get) == "1"


def pictures_of(run, name, folder):
    """What Python says."""
    return training.load(run).predict(folder / name)[0]


def test_predict_says_that_there_is_no_digit(convlab, run):
    Image.new("L", (90, 60), 255).save(convlab.folder / "white.png")
    line = convlab.works("predict", run, "white.png")
    said = "no digit found: nothing stands out from the ground"
    assert line == f"white.png: {said}\n"
    answer = json.loads(convlab.works("predict", run, "white.png", "--json"))
    assert (answer["missing"], answer["probabilities"]) == (said, {})
    assert " %" in convlab.works("predict", run, "white.png", "--as-is")
    assert "; no digit found" in convlab.works("render", "features", run, "white.png", "--alt")
    with pytest.raises(DataError, match=f"white.png: {said}"):
        pictures_of(run, "white.png", convlab.folder)


def test_predict_of_a_folder(convlab, run, corner):
    """All pictures below it; other files are counted, and damaged ones named at the end."""
    folder = convlab.folder / "sheets"
    (folder / "more").mkdir(parents=True)
    for name in ("A.PNG", "more/b.jfif", "c.gif"):
        Image.fromarray(corner).save(folder / name, {".jfif": "JPEG"}.get(Path(name).suffix))
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden").write_text("no picture")
    (folder / "broken.png").write_bytes((folder / "A.PNG").read_bytes()[:60])
    result = convlab("predict", run, "sheets")
    names = [line.partition(": ")[0] for line in result.out.splitlines()]
    assert names == ["sheets/A.PNG", "sheets/c.gif", "sheets/more/b.jfif"]
    note, error = result.err.splitlines()
    assert note == "note: sheets: 1 left out, whose endings no picture has that is read: .txt (1)"
    assert error.startswith("Error: sheets/broken.png: expected a whole picture")
    assert result.status == 1
    (convlab.folder / "empty").mkdir()
    assert convlab.fails("predict", run, "empty") == "empty: expected pictures, got none"


# --- summary -----------------------------------------------------------------------------

# LeCun, Bottou, Bengio & Haffner 1998, section II.B: trainable parameters, connections;
# receptive field and stride after each layer (Araujo, Norris & Sim 2019, by hand).
LENET5_1998 = {
    "c1": (156, 122_304, 5, 1),
    "s2": (12, 5_880, 6, 2),
    "c3": (1_516, 151_600, 14, 2),
    "s4": (32, 2_000, 16, 4),
    "c5": (48_120, 48_120, 32, 4),
    "f6": (10_164, 10_164, None, None),
    "output": (0, 840, None, None),
}


@pytest.mark.smoke
def test_summary_of_lenet5_as_published(convlab):
    rows = [
        json.loads(line) for line in convlab.works("summary", "lenet5-1998", "--json").splitlines()
    ]
    by_name = {row["layer"]: row for row in rows}
    for name, (parameters, connections, field, stride) in LENET5_1998.items():
        row = by_name[name]
        assert (row["parameters"], row["connections"]) == (parameters, connections), name
        if field is None:
            assert row["receptive_field"] is row["effective_stride"] is None
        else:
            assert row["receptive_field"] == [field, field], name
            assert row["effective_stride"] == [stride, stride], name
    others = [row for row in rows if row["layer"] not in LENET5_1998]
    assert all(row["parameters"] == 0 for row in others)
    assert sum(row["parameters"] for row in rows) == 60_000
    assert sum(row["connections"] for row in rows) == 340_908

    lines = convlab.works("summary", "lenet5-1998").splitlines()
    assert lines[-1].split()[:3] == ["total", "60,000", "340,908"]
    table = {line.split()[0]: line for line in lines}
    assert " 28 × 28 × 6 " in table["c1"] and " 5 × 5 " in table["c1"]
    assert " 10 × 10 × 16 " in table["c3"] and " 1,516 " in table["c3"]
    assert " all" in table["f6"]


def test_summary_of_the_modern_lenet5_and_of_a_run_of_it(convlab, run):
    by_name, by_run = both(lambda source: convlab.works("summary", source), "lenet5", run)
    assert by_name == by_run
    lines = by_name.splitlines()
    assert lines[-1].split()[:2] == ["total", "61,706"]
    # A full C3, and a dense layer between the same numbers: 1176 + 1 inputs, 1600 outputs.
    row = next(line for line in lines if line.startswith("conv2")).split()
    assert "2,416" in row and row[-1] == f"{1177 * 1600:,}"


def test_summary_of_a_file(convlab):
    (convlab.folder / "net.toml").write_text(NETWORK)
    rows = [
        json.loads(line) for line in convlab.works("summary", "net.toml", "--json").splitlines()
    ]
    # 28 pixels, kernel 5, stride 2: floor(23 / 2) + 1 = 12; 3 (25 + 1) = 78 parameters.
    assert rows[0]["layer"] == "first"
    assert rows[0]["output_shape"] == [3, 12, 12]
    assert rows[0]["parameters"] == 78
    assert rows[0]["multiply_adds"] == 3 * 12 * 12 * 25
    assert rows[-1]["parameters"] == (3 * 12 * 12 + 1) * 10


def test_summary_of_something_unknown(convlab):
    assert convlab.fails("summary", "lenet6") == (
        "expected the folder of a run, one of alexnet, alexnet-slim, dense, densenet121,"
        " efficientnet-lite0, fashion-cnn, googlenet, lenet5, lenet5-1998, mobilenet-v2, resnet18,"
        " resnet20, resnet34, resnet50, resnet50-slim, squeezenet1-1, unet, vgg16, or a .toml"
        " file, got lenet6; did you mean"
        " lenet5?"
    )


# --- render ------------------------------------------------------------------------------

# The pictures: the command's words after "render" for a run, and what the picture must say.
PICTURES = {
    "filters": (["filters", "{run}", "--layer", "conv2"], ["conv2", "5 × 5 × 6"]),
    "features": (["features", "{run}", "{image}", "--layer", "pool1"], ["pool1", "14 × 14 × 6"]),
    "journey": (["features", "{run}", "{image}"], ["conv1", "28 × 28 × 6", "fc2"]),
    # r = 14, S = 2, P = 2: centre at 3 · 2 − 2 + 6.5 = 10.5 and 4 · 2 − 2 + 6.5 = 12.5.
    "field": (
        ["receptive-field", "{run}", "--layer", "conv2", "--unit", "3,4", "--image", "{image}"],
        ["conv2", "14 × 14", "2 × 2", "row 10.5, column 12.5", "28 × 28 × 1"],
    ),
    "curves": (["curves", "{run}"], ["lenet5 on digits"]),
    "confusion": (["confusion", "{run}"], ["lenet5 trained on digits", "of 360"]),
}
SIZES = {
    "slide": (1600, 900),
    "small": (500, None),
    "paper": (1004, None),
    "paper-wide": (2008, None),
}
# Each picture as PNG, SVG and PDF, and every theme in every size at least once.
COMBINATIONS = [
    ("filters", ".png", "light", "slide"),
    ("features", ".png", "dark", "small"),
    ("journey", ".png", "transparent", "slide"),
    ("field", ".png", "light", "paper"),
    ("curves", ".png", "transparent", "paper-wide"),
    ("confusion", ".png", "dark", "paper"),
    ("filters", ".svg", "dark", "slide"),
    ("features", ".svg", "transparent", "paper"),
    ("journey", ".svg", "light", "paper-wide"),
    ("field", ".svg", "light", "small"),
    ("curves", ".svg", "dark", "paper-wide"),
    ("confusion", ".svg", "transparent", "small"),
    ("filters", ".pdf", "light", "paper"),
    ("features", ".pdf", "light", "slide"),
    ("journey", ".pdf", "dark", "small"),
    ("field", ".pdf", "transparent", "slide"),
    ("curves", ".pdf", "light", "small"),
    ("confusion", ".pdf", "light", "paper-wide"),
]
GROUNDS = {"light": (255, 255, 255, 255), "dark": (0x12, 0x17, 0x1D, 255)}


def test_the_combinations_cover_every_theme_in_every_size():
    covered = {(theme, size) for _, _, theme, size in COMBINATIONS}
    assert covered == {(t, s) for t in ("light", "dark", "transparent") for s in SIZES}


@pytest.mark.sample(4)
@pytest.mark.parametrize("kind, suffix, theme, size", COMBINATIONS)
def test_render(convlab, convlab_in, run, digit, kind, suffix, theme, size):
    words, said = PICTURES[kind]
    words = [word.format(run=run, image=digit) for word in words]
    arguments = [*words, "-o", f"picture{suffix}", "--theme", theme, "--size", size]

    def render(name):
        folder = convlab.folder / name
        folder.mkdir()
        out = convlab_in(folder).works("render", *arguments)
        assert out == f"wrote picture{suffix}\n"
        return (folder / f"picture{suffix}").read_bytes()

    if suffix == ".png":
        with Image.open(io.BytesIO(render("once"))) as picture:
            width, height = SIZES[size]
            assert picture.size == (width, height or picture.height)
            corner = picture.convert("RGBA").getpixel((0, 0))
            if theme == "transparent":
                assert corner[3] == 0
            else:
                assert corner == GROUNDS[theme]
            assert len(picture.convert("RGBA").getcolors(1 << 24)) > 20
            assert picture.info["Comment"].startswith(f"convlab render {words[0]} ")
        return
    once, again = both(render, "once", "again")
    assert once == again, "the same command line, other bytes"
    if suffix == ".svg":
        root = ET.fromstring(once)
        texts = ["".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text")]
        for words in said:
            assert any(words in text for text in texts), (words, texts)
        assert root.find("{http://www.w3.org/2000/svg}title").text
        assert root.find("{http://www.w3.org/2000/svg}desc").text
    else:
        assert once.startswith(b"%PDF-") and once.rstrip().endswith(b"%%EOF")
        assert b"/CreationDate" not in once


@pytest.mark.parametrize(
    "words, message",
    [
        (
            ["filters", "{run}", "--layer", "conv9"],
            "expected a convolution, conv1, conv2, got 'conv9'",
        ),
        (["filters", "{run}", "--layer", "fc1"], "expected a convolution, conv1, conv2, got 'fc1'"),
        (
            ["features", "{run}", "test:0", "--layer", "conv9"],
            "layer: expected one of conv1, relu1, pool1, conv2, relu2, pool2, flatten1, fc1, relu3,"
            " fc2, relu4, fc3, got 'conv9'",
        ),
        (["features", "{run}", "nosuch.png"], "nosuch.png: cannot be read (No such file"),
        (
            ["receptive-field", "{run}", "--layer", "fc1"],
            "expected one with feature maps, conv1, relu1, pool1, conv2, relu2, pool2, got 'fc1'",
        ),
        (
            ["receptive-field", "lenet5", "--layer", "conv2", "--unit", "10,0"],
            "unit: expected a row and column inside the 10 × 10 maps of conv2, from 0, got 10,0",
        ),
        (["receptive-field", "lenet5", "--unit", "-1,0"], "inside the 5 × 5 maps of pool2, from 0"),
        (["receptive-field", "dense"], "dense has no layer with feature maps"),
        (
            ["filters", "{run}", "-o", "/dev/null/f.png"],
            "cannot be written: /dev/null is not a folder",
        ),
    ],
)
def test_what_render_refuses(convlab, run, words, message):
    error = convlab.fails("render", *[word.replace("{run}", str(run)) for word in words])
    assert message in error
    assert list(convlab.folder.iterdir()) == []


def test_a_damaged_history_cannot_be_drawn(convlab, run):
    folder = shutil.copytree(run, convlab.folder / "copy")
    (folder / "history.csv").write_text("epoch,train_loss\n1,much\n")
    error = convlab.fails("render", "curves", "copy")
    assert error.startswith("copy/history.csv: cannot be read as a table of numbers")


def all_options():
    def walk(command, path):
        if not isinstance(command, click.Group):
            return [(f"{path} {option.opts[-1]}", option) for option in command.params]
        context = click.Context(command)
        names = command.list_commands(context)
        return [o for n in names for o in walk(command.get_command(context, n), f"{path} {n}")]

    return walk(main.convlab, "convlab")


def test_no_number_of_a_command_is_without_a_limit():
    """Those of training have theirs in its settings, which files have too."""
    assert (options.MOST, options.MOST_THREADS) == (shapes.MAX_SIZE, kernels.MOST_THREADS)
    for name, option in all_options():
        kind = option.type
        if name.startswith("convlab train ") or option.name == "seed" or kind is click.STRING:
            continue
        if isinstance(kind, click.IntRange | click.FloatRange):
            assert kind.max is not None, name
            assert not isinstance(kind, click.FloatRange) or isinstance(kind, options.Number), name
        for value in ("1" + "0" * 31, "1000000000x10000000000", "1e400", "nan"):
            if isinstance(kind, click.Choice | click.Path | click.types.BoolParamType):
                continue
            with pytest.raises(click.UsageError):
                pytest.fail(f"{name} takes {kind.convert(value, option, None)}")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 10**9}, "epochs: expected at most 65,535, got 1000000000"),
        ({"batch_size": 10**9}, "batch size: expected at most 65,535"),
        ({"seed": 2**64}, "seed: expected at most 9,223,372,036,854,775,807, got 1844"),
        ({"limit": 10**9}, "limit: expected at most 65,535"),
        ({"rate": float("inf")}, "rate: expected a finite number, got inf"),
        ({"momentum": float("nan")}, "momentum: expected a finite number, got nan"),
    ],
)
def test_no_setting_of_training_is_without_a_limit(settings, message):
    with pytest.raises(SpecError, match=message):
        training.Settings(**settings)


@pytest.mark.parametrize(
    "words",
    [
        ("train", "-o", ""),
        ("train", "--resume", ""),
        ("train", "--data", "", "--epochs", 1),
        ("train", "--model", "", "--epochs", 1),
        ("train", "--freeze", "", "--epochs", 1),
        ("predict", "", "test:1"),
        ("evaluate", ""),
        ("explain", "--layer", ""),
    ],
    ids=str,
)
def test_an_empty_text_is_no_name_and_no_place(convlab, words):
    result = convlab(*words)
    assert result.status in (1, 2)
    assert re.search(r"(?m)^Error: [^\n]+$", result.err)
    assert not (convlab.folder / "config.json").exists()


def test_a_network_with_as_many_classes_as_asked_for(convlab):
    """Of VGG-16's 138,357,544 parameters 990 times 4,097 are those of 990 classes."""
    total = [
        convlab.works("summary", "vgg16", *more).splitlines()[-1].split()[1]
        for more in ((), ("--classes", "10"))
    ]
    assert total == ["138,357,544", f"{138_357_544 - 990 * 4097:,}"]
