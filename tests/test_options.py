"""The options of all commands are of one kind: names, what "-" is, JSON, settings, completion."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from convlab_cli import command as cli_command
from convlab_cli import main, values
from PIL import Image

from convlab import data, insight, pictures, spelling, training
from convlab.data import sources
from convlab.data.composed import composed_windows
from convlab.errors import SpecError
from convlab.pictures import evaluation

COMMAND = Path(sys.executable).with_name("convlab")


def every(group=main.convlab, words=()):
    """(words, command) of every command."""
    context = click.Context(group)
    for name in group.list_commands(context):
        one = group.get_command(context, name)
        if isinstance(one, click.Group):
            yield from every(one, (*words, name))
        else:
            yield " ".join((*words, name)), one


COMMANDS = dict(every())


def options_of(one):
    return [option for option in one.params if isinstance(option, click.Option)]


# --- the table of all options -------------------------------------------------------------

# Of each name the kind of value, wherever it stands.  "-" is standard output (out), standard input
# (in), refused where a folder is meant (no), or a text like any other (text).
KINDS = {
    "--adaptive": "spelled", "--against": "run", "--all": "flag", "--alt": "flag",
    "--angles": "spelled", "--answers": "flag", "--as-is": "flag", "--at": "spelled|number",
    "--augment": "text", "--axis": "choice", "--background": "text", "--batch": "whole|spelled",
    "--batch-size": "whole", "--before": "flag", "--bias": "number|flag", "--blur": "number",
    "--border": "choice", "--brackets": "flag", "--build": "flag", "--catalog": "in",
    "--ceil-mode": "flag", "--chain": "flag", "--channels": "whole", "--chunks": "whole",
    "--class-names": "in", "--classes": "whole", "--clutter": "whole", "--code": "flag",
    "--col": "whole", "--compile": "flag", "--content-weight": "number", "--convention": "choice",
    "--convolve": "flag", "--count": "whole", "--cuda": "flag", "--dask": "text", "--data": "text",
    "--data-dir": "folder", "--dead": "flag", "--decay": "number", "--deep": "flag",
    "--device": "choice", "--dilation": "spelled", "--dimensions": "choice",
    "--direction": "choice", "--dpi": "whole", "--dropout": "number", "--effective": "flag",
    "--epochs": "whole|flag", "--every": "whole", "--example": "whole", "--exist-ok": "flag",
    "--explain": "flag", "--f": "text", "--farthest": "whole", "--filter": "whole",
    "--films": "flag", "--filters": "whole", "--flip": "flag",
    "--font": "text", "--force": "flag", "--form": "choice",
    "--format": "choice", "--fps": "choice", "--freeze": "text", "--from": "run",
    "--function": "choice", "--g": "text", "--global": "flag", "--grey": "flag",
    "--grid": "spelled", "--groups": "whole", "--halving": "flag", "--image": "text",
    "--images": "whole", "--input": "spelled", "--inputs": "spelled", "--interactive": "flag",
    "--jobs": "whole", "--json": "flag", "--json-file": "out", "--kernel": "text|spelled|whole",
    "--kernel-values": "text", "--key": "out", "--kind": "choice", "--language": "choice",
    "--layer": "text", "--layers": "text|choice", "--layout": "choice", "--limit": "whole|number",
    "--lr": "number", "--map": "whole", "--masks": "whole", "--method": "choice", "--model": "text",
    "--momentum": "number", "--most": "whole", "--network": "run", "--neurons": "whole",
    "--new-head": "flag", "--no-caption": "flag", "--no-padding-in-mean": "flag",
    "--no-title": "flag", "--noise": "number", "--npz": "out", "--numbers": "flag",
    "--only": "text", "--open": "flag", "--optimizer": "choice", "--order": "choice",
    "--others": "flag", "--output": "out|folder written|either", "--output-padding": "spelled",
    "--overlap": "number", "--padding": "spelled|whole", "--padding-mode": "choice",
    "--page": "flag", "--patch": "spelled", "--patches": "whole", "--patience": "whole",
    "--pixels": "whole|spelled", "--playground": "flag", "--pool": "text", "--positive": "text",
    "--preprocessing": "text", "--pyramid": "flag", "--quick": "flag", "--quiet": "flag",
    "--rate": "number", "--raw": "out", "--ranks": "whole", "--reach": "number", "--result": "out",
    "--resume": "folder written", "--rounds": "whole", "--row": "whole", "--samples": "whole",
    "--sanity": "flag", "--scale": "choice", "--scales": "spelled", "--scenes": "whole",
    "--schedule": "choice", "--seconds-per-step": "number", "--seed": "whole", "--seeds": "whole",
    "--serve": "flag", "--set": "text", "--shift": "spelled|whole", "--shifts": "spelled",
    "--show": "choice", "--size": "spelled", "--skip-damaged": "flag", "--snapshots": "flag",
    "--start": "choice", "--step": "spelled|choice|whole", "--steps": "whole",
    "--stride": "spelled", "--student": "text", "--students": "in", "--style": "in",
    "--style-weight": "number", "--table": "out", "--target": "text", "--theme": "choice",
    "--threads": "whole|spelled", "--threshold": "number", "--title": "text", "--to": "spelled",
    "--top": "whole", "--transform": "choice", "--transposed": "flag", "--unit": "spelled|whole",
    "--validation": "number", "--value": "spelled", "--values": "text", "--weight-decay": "number",
    "--weights": "spelled", "--wide": "flag",
}  # fmt: skip


def kind_of(option):
    kind = option.type
    if option.is_flag:
        return "flag"
    if isinstance(kind, values.Written):
        return {True: "folder written", None: "either", False: "out"}[kind.folder]
    if isinstance(kind, values.PathText):
        return "run" if kind.folder else "in"
    if isinstance(kind, click.Path):
        return "folder"
    if isinstance(kind, values.Spelled):
        return "spelled"
    if isinstance(kind, click.Choice):
        return "choice"
    if isinstance(kind, click.IntRange | click.types.IntParamType):
        return "whole"
    return "number" if isinstance(kind, click.types.FloatParamType) else "text"


def test_every_option_of_every_command_stands_in_the_table():
    found = {}
    for one in COMMANDS.values():
        for option in options_of(one):
            found.setdefault(option.opts[-1], set()).add(kind_of(option))
    assert found == {name: set(kinds.split("|")) for name, kinds in KINDS.items()}


@pytest.mark.smoke
@pytest.mark.parametrize("words", COMMANDS)
def test_the_convention(words):
    """-o/--output for what is written, --json with --json-file, and no name of before."""
    names = {option.opts[-1]: option for option in options_of(COMMANDS[words])}
    assert not names.keys() & cli_command.OLD.keys()
    for name, option in names.items():
        short = ["-o", "--output"] if name == "--output" else [name]
        assert option.opts == short
        assert option.help or kind_of(option) not in ("text", "flag", "out")
        if name.startswith("--json"):
            assert {"--json", "--json-file"} <= names.keys()
        if kind_of(option) == "out":  # besides the result itself, each has a name of its own
            assert name in (
                "--output",
                "--json-file",
                "--key",
                "--npz",
                "--raw",
                "--result",
                "--table",
            )
    context = click.Context(COMMANDS[words])
    assert [p.name for p in COMMANDS[words].get_params(context) if p.name == "config"]


# --- old names ----------------------------------------------------------------------------

OLD = [
    ("bench start --plot b.png", None),
    ("quiz pooling --seed 3 --count 1 --students names.txt --format md --out s", "s"),
    ("train --epochs 1 --limit 2 --quiet --out r", "r"),
    ("lecture notes.md --figures f", "f/notes.md"),
    ("bench kernels --layer C1 --rounds 1 --threads 1 --plot b.png", "b.png"),
    ("render costs --json c.json", "c.json"),
    ("render costs --json=c.JSON", "c.JSON"),
    ("receptive-field lenet5 --json r.json", "r.json"),
    ("quiz pooling --seed 3 --json q.json", "q.json"),
]


@pytest.mark.parametrize(("words", "made"), OLD, ids=lambda value: value)
def test_an_old_name_goes_on_with_a_line_that_says_the_new_one(convlab, words, made):
    (convlab.folder / "names.txt").write_text("Ada\n")
    (convlab.folder / "notes.md").write_text("A 3x3 kernel on 6x6 gives 4x4.\n")
    result = convlab(*words.split())
    old = next(
        w for w in words.split() if w[:6] in ("--out", "--plot", "--figu", "--json", "--json=")
    )
    old = old.partition("=")[0]
    if made is None:  # a command that never had it
        assert result.status == 2 and "No such option" in result.err
        return
    new = "--json-file" if old == "--json" else "--output"
    assert result.status == 0, result
    assert result.err.splitlines()[0] == f"note: {old} is now {new}"
    assert (convlab.folder / made).exists()


def test_a_new_name_has_no_note_and_behind_two_dashes_nothing_is_a_name(convlab):
    assert (
        convlab.works("render", "costs", "--json-file", "c.json", "-o", "c.png") == "wrote c.png\n"
    )
    assert convlab.misused("summary", "--", "lenet5", "--out").startswith("Got unexpected extra")


# --- JSON, "-" and folders ----------------------------------------------------------------


def test_json_on_standard_output_and_in_a_file_is_the_same(convlab, run):
    for words in (
        ("summary", "lenet5"),
        ("shape", "28x28x1", "--kernel", "5"),
        ("predict", run, "test:1", "china"),
        ("receptive-field", "lenet5"),
        ("cache", "info"),
        ("experiment", "list"),
        ("evaluate", run),
    ):
        printed = [json.loads(line) for line in convlab.works(*words, "--json").splitlines()]
        assert convlab.works(*words, "--json-file", "-").splitlines() == [
            json.dumps(one) for one in printed
        ]
        said = convlab.works(*words, "--json-file", "n.json")
        assert said.splitlines()[-1] == "wrote n.json"
        text = (convlab.folder / "n.json").read_text(encoding="utf-8")
        whole = words[0] == "receptive-field"
        assert ([json.loads(text)] if whole else [*map(json.loads, text.splitlines())]) == printed


def test_a_picture_on_standard_output(convlab):
    with subprocess.Popen(
        [COMMAND, "render", "costs", "-o", "-"], cwd=convlab.folder, stdout=subprocess.PIPE
    ) as process:
        content = process.stdout.read()
    assert Image.open(io.BytesIO(content)).size == (1600, 900)
    assert process.returncode == 0 and list(convlab.folder.iterdir()) == []
    record = json.loads(convlab.works("render", "costs", "--json"))  # and the picture in its file
    assert record["command"] == "convlab render costs --json"
    assert (convlab.folder / "costs.png").exists()
    both = convlab.misused("render", "costs", "--json", "-o", "-")
    assert both == "expected one thing on standard output, got --json and -o"


@pytest.mark.parametrize(
    "words",
    [
        ("train", "-o", "-"),
        ("evaluate", "RUN", "-o", "-"),
        ("predict", "-", "test:1"),
        ("render", "features", "-", "test:1"),
        ("invariance", "RUN", "--against", "-"),
        ("train", "--from", "-"),
        ("lecture", "n.md", "-o", "-"),
        ("quiz", "pooling", "--students", "n.md", "-o", "-"),
        ("gallery", "-o", "-"),
    ],
    ids=" ".join,
)
def test_a_dash_is_no_folder(convlab, run, words):
    (convlab.folder / "n.md").write_text("Ada")
    (convlab.folder / "-").mkdir()
    refused = convlab.misused(*(run if word == "RUN" else word for word in words))
    assert "expected a folder" in refused and "got -" in refused


def test_a_dash_is_standard_input_wherever_a_file_is_read(convlab, run):
    spec = b'input = "6x6x1"\n[[layer]]\ntype = "Conv2d"\nout_channels = 2\nkernel_size = 3\n'
    assert "4 × 4 × 2" in convlab.works("summary", "-", stdin=spec)
    assert convlab.works("apply", "step", "--kernel", "-", stdin=b"1 0\n0 -1\n").endswith(".png\n")
    convlab.works("render", "arithmetic", "--kernel", 2, "--values", "-", stdin=b"1;2\n3;4\n")
    image = io.BytesIO()
    Image.fromarray(np.zeros((28, 28), np.uint8)).save(image, "PNG")
    for words in (("predict", run, "-"), ("render", "receptive-field", "lenet5", "--image", "-")):
        convlab.works(*words, stdin=image.getvalue())
    made = convlab(
        "quiz", "pooling", "--seed", 4, "--students", "-", *("--format", "md"), stdin=b"Ada"
    )
    assert made.out == "wrote 1 sheets in sheets, the key: sheets-key.md\n"
    twice = convlab.misused("stylize", "-", "-")
    assert twice == "expected standard input, which ends, once, got - as CONTENT and STYLE"


def test_folders_are_made_and_suffixes_count_in_any_case(convlab, run):
    convlab.works("render", "usage", "-o", "a/b/STEP.PNG", "--size", "small")
    convlab.works("page", run, "-o", "c/LAB.HTML")
    convlab.works("apply", "step", "--kernel", "vertical", "--raw", "d/N.CSV", "-o", "d/e.SVG")
    convlab.works("summary", "lenet5", "--json-file", "e/n.json")
    assert Image.open(convlab.folder / "a/b/STEP.PNG").width == 500
    assert (convlab.folder / "c/LAB.HTML").read_text(encoding="utf-8").startswith("<!")
    assert len((convlab.folder / "d/N.CSV").read_text().splitlines()) > 1
    (convlab.folder / "file").write_text("")
    for words in (
        ("render", "usage", "-o", "file/a.png"),
        ("train", "-o", "file/run"),
        ("gallery", "-o", "file/g"),
        ("lecture", "file", "-o", "file/out.md"),
    ):
        assert "file is not a folder" in convlab.fails(*words)


def test_a_model_that_ends_in_maps_and_photographs_everywhere(convlab, run):
    (convlab.folder / "BACK.TOML").write_text(
        'input = "32x32x3"\n[[layer]]\ntype = "Conv2d"\nout_channels = 8\nkernel_size = 3\n'
        '[[layer]]\ntype = "MaxPool2d"\nkernel_size = 2\n'
    )
    assert "15 × 15 × 8" in convlab.works("summary", "BACK.TOML")
    assert "15 × 15 × 8" in convlab.works("receptive-field", "BACK.TOML")
    for words in ("costs", "architecture", "field-growth", "receptive-field --image flower"):
        name, *rest = words.split()
        convlab.works("render", name, "BACK.TOML", *rest)
    refused = convlab.fails("train", "--model", "BACK.TOML")
    assert "one number for each of the 10 classes, got 15 x 15 x 8" in refused
    said = convlab.works("predict", run, "china", "flower").splitlines()
    assert [line.split(":")[0] for line in said] == ["china", "flower"]
    convlab.works("render", "features", run, "china", "--layer", "conv1")


# --- how sizes and places are written -----------------------------------------------------


@pytest.mark.parametrize(
    ("read", "wanted"),
    [
        (lambda: spelling.sizes("28x28x1"), (28, 28, 1)),
        (lambda: spelling.sizes("5 × 7"), (5, 7)),
        (lambda: spelling.sizes("1,28,28"), None),
        (lambda: spelling.lengths("3"), (3, 3)),
        (lambda: spelling.lengths("3", both=False), (3,)),
        (lambda: spelling.padding("1,2,3,4"), (1, 2, 3, 4)),
        (lambda: spelling.padding("2"), (2, 2)),
        (lambda: spelling.padding("same"), "same"),
        (lambda: spelling.unit("0,3,4", (1, 3)), (0, 3, 4)),
        (lambda: spelling.numbers("0.5,-1", "1,2"), (0.5, -1.0)),
        (lambda: spelling.step("all"), "all"),
        (lambda: spelling.grey_level("255"), "255"),
    ],
)
def test_spelling(read, wanted):
    assert read() == wanted


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda: spelling.lengths("1,28,28"), "such as 5x7, each from 1 to 65,535, got '1,28,28'"),
        (lambda: spelling.lengths("0"), "each from 1 to 65,535, got '0'"),
        (lambda: spelling.padding("1x2x3"), "TOP,BOTTOM,LEFT,RIGHT, each from 0"),
        (lambda: spelling.unit("1_0,2"), "expected two whole numbers such as 3,4, got '1_0,2'"),
        (lambda: spelling.numbers("1,2", "1,2,3", count=3), "expected three numbers such as 1,2,3"),
        (lambda: spelling.numbers("nan", "1"), "expected numbers from -65,535 to 65,535 such as 1"),
        (lambda: spelling.numbers("1,1", "1,2", distinct=True), "expected each number once"),
        (lambda: spelling.step("-1"), "expected a number from 0, or all, got '-1'"),
        (lambda: spelling.grey_level("256"), "expected background or a number from 0 to 255"),
    ],
)
def test_what_is_spelled_wrongly(read, message):
    with pytest.raises(SpecError, match=message):
        read()


# --- settings of the user -----------------------------------------------------------------

SETTINGS = """\
theme = "dark"

[render]
size = "small"

[render.activations]
function = ["relu", "tanh"]
reach = 2

[train]
epochs = 1
limit = 3
quiet = true
lr = 0.01
"""


def test_a_file_of_settings(convlab):
    """The line wins over a variable, a variable over the file, the command's table over others."""
    (convlab.folder / "lab.toml").write_text(SETTINGS)
    words = ("render", "activations", "--json")
    made = json.loads(convlab.works("--config", "lab.toml", *words))
    assert made["parameters"] == {"functions": ["relu", "tanh"], "reach": 2.0}
    with Image.open(convlab.folder / "activations.png") as image:
        assert image.width == 500 and np.asarray(image.convert("L"))[0, 0] < 60
    behind = json.loads(convlab.works(*words, "--config", "lab.toml", "--reach", 3))
    assert behind["parameters"]["reach"] == 3
    variables = {"CONVLAB_CONFIG": "lab.toml", "CONVLAB_RENDER_ACTIVATIONS_REACH": "4"}
    assert json.loads(convlab.works(*words, **variables))["parameters"]["reach"] == 4
    with Image.open(convlab.folder / "activations.png") as image:
        assert image.width == 500
    assert convlab.works("train", "--seed", 2, CONVLAB_CONFIG="lab.toml").startswith("test")
    settings = json.loads((convlab.folder / "runs/lenet5-digits/config.json").read_text())[
        "settings"
    ]
    assert [settings[name] for name in ("epochs", "limit", "rate", "seed")] == [1, 3, 0.01, 2]


def test_variables(convlab):
    words = ("render", "activations", "--json")
    variables = {"CONVLAB_RENDER_ACTIVATIONS_FUNCTION": "relu sigmoid", "CONVLAB_SIZE": "small"}
    made = json.loads(convlab.works(*words, **variables))
    assert made["parameters"]["functions"] == ["relu", "sigmoid"]
    with Image.open(convlab.folder / "activations.png") as image:
        assert image.width == 500
    refused = convlab.misused("render", "activations", CONVLAB_SIZE="huge")
    assert refused.startswith("Invalid value for CONVLAB_SIZE: size: expected slide, animation")
    assert "no-such" in convlab.fails("train", CONVLAB_TRAIN_MODEL="no-such")


def test_threads_of_a_file_are_those_of_the_loops(convlab):
    """They have to be known before the loops are loaded."""
    (convlab.folder / "lab.toml").write_text("[train]\nthreads = 2\nepochs = 1\nlimit = 2\n")
    result = convlab("--config", "lab.toml", "train", CONVLAB_NUM_THREADS="1")
    assert result.status == 0 and "; 2 threads (" in result.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("epoch = 3", "expected the name of an option, got 'epoch'; did you mean epochs?"),
        ("[trian]\nepochs = 3", "expected the name of a command, got [trian]"),
        ("[train]\nreach = 3", "lab.toml: [train]: expected the name of an option, got 'reach'"),
        ("[train]\nquiet = 'yes'", "lab.toml: quiet: expected true or false, got 'yes'"),
        ("[train]\nepochs = [1, 2]", "lab.toml: epochs: expected a text or a number, got [1, 2]"),
        ("[train]\nepochs = 'many'", "Invalid value for lab.toml: epochs: 'many' is not a valid"),
    ],
)
def test_settings_that_are_none(convlab, content, message):
    (convlab.folder / "lab.toml").write_text(content)
    assert message in convlab.misused("--config", "lab.toml", "train")
    assert not (convlab.folder / "runs").exists()


@pytest.mark.parametrize(
    "content", [b"\xff", b"a = ", b"x = [" * 5000, b"#" * 300_000, None], ids=str.__class__
)
def test_a_file_that_is_no_settings(convlab, content):
    if content is None:
        (convlab.folder / "lab.toml").mkdir()
    else:
        (convlab.folder / "lab.toml").write_bytes(content)
    refused = convlab.fails("--config", "lab.toml", "summary", "lenet5")
    assert refused.startswith("lab.toml: cannot be read as settings: ")


def test_a_gallery_follows_from_its_catalogue_alone(convlab):
    (convlab.folder / "lab.toml").write_text('[render.padding-modes]\npadding = "1"\n')
    words = ("gallery", "--only", "padding-modes", "--threads", 1, "-o")
    settings = {"CONVLAB_CONFIG": "lab.toml", "CONVLAB_RENDER_SIZE": "small"}
    assert convlab(*words, "with", **settings).status == convlab(*words, "without").status == 0
    one, other = (convlab.folder / name / "pictures" for name in ("with", "without"))
    names = sorted(path.name for path in one.iterdir())
    assert names and all((one / n).read_bytes() == (other / n).read_bytes() for n in names)


# --- completion ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("convlab summary len", ["lenet5", "lenet5-1998"]),
        ("convlab train --model vg", ["vgg16"]),
        ("convlab train --data fash", ["fashion-mnist"]),
        ("convlab train --opti", ["--optimizer"]),
        ("convlab train --optimizer ne", ["nesterov"]),
        ("convlab apply --kernel sob", ["sobel", "sobel-x", "sobel-y"]),
        ("convlab quiz rec", ["receptive-field"]),
        ("convlab experiment run poo", ["pooling"]),
        ("convlab predict ru", ["runs/mine"]),
        ("convlab render features runs/mine chi", ["china"]),
        ("convlab render features runs/mine test:1 --layer conv", ["conv1", "conv2"]),
        ("convlab render feat", ["features"]),
    ],
)
def test_the_tab_key_in_bash(convlab, run, typed, offered):
    """As bash asks it: the words so far in COMP_WORDS, the answer in COMPREPLY."""
    (convlab.folder / "runs").mkdir()
    (convlab.folder / "runs/mine").symlink_to(run)
    script = f"""
eval "$(_CONVLAB_COMPLETE=bash_source convlab)"
COMP_WORDS=({typed}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_convlab_completion convlab
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    path = f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=convlab.folder,
        env=convlab.environment(PATH=path),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert sorted(done.stdout.split()) == offered, done.stderr


# --- before the work ------------------------------------------------------------------------


def test_what_is_wrong_is_said_before_images_are_evaluated(run, monkeypatch):
    def too_late(*arguments, **settings):
        raise AssertionError("evaluated before the values were checked")

    monkeypatch.setattr(training.Run, "evaluate", too_late)
    monkeypatch.setattr(insight, "accuracy_under_shift", too_late)
    with pytest.raises(SpecError, match="positive: expected one of 0, 1, .*, got 'ten'"):
        evaluation.evaluated(run, positive="ten")
    with pytest.raises(SpecError, match="against: expected folders of different names"):
        pictures.invariance(run, [run])


def test_a_sheet_of_scenes_composes_only_what_it_shows(tmp_path, monkeypatch):
    """Windows are the same however many are composed; all of them are kept for the next time."""
    train, test = data.load("digits")
    names = [f"{number}" for number in range(3)]
    for part, images in (("train", train), ("test", test)):
        for number, name in enumerate(["background", *names[1:]]):
            folder = tmp_path / "own" / part / name
            folder.mkdir(parents=True)
            for at in np.flatnonzero(images.labels == number)[:12]:
                Image.fromarray(images.images[at, 0]).save(folder / f"{at}.png")
    counts = []

    def composed(images, count, *, seed):
        counts.append(count)
        return composed_windows(images, count, seed=seed)

    monkeypatch.setattr(sources, "composed_windows", composed)
    monkeypatch.setattr(sources, "_WINDOWS", (1_200, 160))
    monkeypatch.setattr(sources, "cache_folder", lambda: tmp_path / "kept")
    source = f"scenes:{tmp_path / 'own'}"
    shown = pictures.augment(source).inputs["images"]
    assert counts == [100, 100] and len(shown) == 3
    assert len(pictures.augment(f"{source}:140").inputs["images"]) == 1
    assert counts[2:] == [100, 100, 1_000, 160]
    whole = data.load(source)
    again = data.load(source)
    assert counts[6:] == [1_200, 160]  # the second time they were read
    for one, other in zip(whole, again, strict=True):
        assert (one.name, one.split, one.classes) == (other.name, other.split, other.classes)
        assert (one.images == other.images).all() and (one.labels == other.labels).all()
    first = [np.flatnonzero(whole[0].labels == label)[0] for label in range(3)]
    assert (whole[0].images[first] == shown).all()
    for path in (tmp_path / "kept" / "scenes").iterdir():
        path.write_bytes(path.read_bytes()[:-100])
    assert (data.load(source)[0].images == whole[0].images).all()  # damaged: composed again
    assert counts[8:] == [1_200, 160]
    next((tmp_path / "own/train/1").iterdir()).unlink()
    data.load(source)
    assert counts[10:] == [1_200]  # the test images are as before


def test_a_key_of_another_seed_is_not_replaced(convlab):
    (convlab.folder / "names.txt").write_text("Ada\n")
    words = ("quiz", "pooling", "--count", 1)
    sets = ("--students", "names.txt", "--format", "md", "-o", "s")
    convlab.works(*words, "--seed", 77, *sets)
    key = (convlab.folder / "s-key.md").read_bytes()
    refused = convlab.fails(*words, "--seed", 7, *sets)
    assert refused.startswith("s-key.md: expected no key there yet, or one of seed 7; name another")
    convlab.works(*words, "--seed", 77, *sets)
    assert (convlab.folder / "s-key.md").read_bytes() == key
    for name in ("k.pdf", "K.MD"):
        convlab.works(*words, "--seed", 8, "--key", name)
        convlab.works(*words, "--seed", 8, "--key", name)
        assert "or one of seed 80;" in convlab.fails(*words, "--seed", 80, "--key", name)
        assert "there yet; name" in convlab.fails(*words, "--key", name)


@pytest.mark.parametrize("name", ["descent", "image", "flatten", "colours"])
def test_no_name_is_no_picture(convlab, name):
    refused = convlab.fails("render", name, "")
    assert refused == "image: expected a picture file or one of china, flower, got ''"


# --- the size of the command line ---------------------------------------------------------


def test_the_command_line_stays_thin():
    """4,500 lines, those of ten commands since (import, export, sweep, bench ranks, all-reduce,
    backward, channel-sum, groups, im2col, stamping: 262), and 126 for how pictures look, films,
    pictures part by part, pages, networks to start from and a window on a photograph."""
    files = (Path(__file__).parent.parent / "cli").rglob("*.py")
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files) <= 4_891
