"""What commands print: where the terminal lacks characters, and where nothing can be written."""

import codecs
import io
import json
import math
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from convlab_cli import output
from convlab_cli.main import convlab as group
from convlab_cli.main import main
from PIL import Image

from convlab.errors import NotFiniteError
from convlab.json_files import json_bytes, json_text, record_bytes

COMMAND = Path(sys.executable).with_name("convlab")
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.is_char_device(), reason="this system has no /dev/full")
NO_SPACE = "Error: standard output cannot be written: No space left on device\n"

# Names that are no UTF-8, as Python reads them.
LATIN = os.fsdecode(b"caf\xe9")
IMAGE = f"{LATIN}.png"
WRITE = ("-o", f"{LATIN}-out.png", "--json-file", f"{LATIN}-out.json", "--alt")


def every_command(command=group, words=()):
    """The words of every command and group."""
    yield words
    context = None
    for name in getattr(command, "list_commands", lambda _: ())(context):
        yield from every_command(command.get_command(context, name), (*words, name))


# Commands at work, with every character beyond ASCII that they print; status 0.
WORK = [
    ("evaluate", "RUN", "-o", LATIN),
    ("predict", "RUN", IMAGE, "test:0"),
    ("predict", "RUN", IMAGE, "--json"),
    ("explain", "RUN", IMAGE, *WRITE),
    ("explain", "RUN", IMAGE, "--layer", "conv2", "--unit", "1,2,3"),
    ("explain", "RUN", IMAGE, "--deep", "-o", f"{LATIN}.pdf"),
    ("explain", "--input", "5x5", "--row", "0", "--col", "1", "-o", f"{LATIN}.svg"),
    ("page", "RUN", IMAGE, "-o", f"{LATIN}.html"),
    ("summary", "RUN"),
    ("receptive-field", "RUN", "--explain"),
    ("equivariance", "RUN"),
    ("shape", "28x28", "--layers", "conv 5x5 6 padding 2, pool 2, flatten, dense 10"),
    ("compare-conventions",),
    ("render", "image", IMAGE, *WRITE),
    ("render", "pooling", "-o", f"{LATIN}.gif"),
    ("render", "features", "RUN", IMAGE, *WRITE),
    ("render", "saliency", "RUN", IMAGE, *WRITE),
    ("render", "curves", "RUN", *WRITE),
    ("experiment", "list"),
    ("apply", IMAGE, "--kernel", "sobel-x", *WRITE),
    ("quiz", "all", "--seed", "0", "--answers"),
    ("devices",),
    ("cache", "info"),
]
# What they refuse, with a name in the message.
REFUSED = [
    (2, (LATIN,)),
    (2, ("render", LATIN)),
    (2, ("train", f"--{LATIN}")),
    (2, ("train", "--device", LATIN)),
    (1, ("summary", f"{LATIN}.toml")),
    (1, ("predict", LATIN, IMAGE)),
    (1, ("train", "--data", LATIN)),
    (1, ("render", "curves", "RUN", "-o", f"/dev/null/{LATIN}/a.png")),
]


@pytest.fixture
def say(monkeypatch, tmp_path, run, digit):
    """A function that runs the command here: (status, bytes on stdout, bytes on stderr)."""
    monkeypatch.chdir(tmp_path)
    Image.open(digit).save(os.fsencode(IMAGE), "PNG")
    named = f"{LATIN}-run"
    os.symlink(run, named)

    def say(words, encoding, out=None):
        streams = out or io.BytesIO(), io.BytesIO()
        with monkeypatch.context() as here:
            here.setattr(sys, "argv", ["convlab", *(w.replace("RUN", named) for w in words)])
            for name, stream in zip(("stdout", "stderr"), streams, strict=True):
                here.setattr(sys, name, io.TextIOWrapper(stream, encoding))
            here.setattr(warnings, "showwarning", warnings.showwarning)
            status = 0
            try:
                main()
            except SystemExit as end:
                status = end.code or 0
            sys.stdout.flush()
            return status, *(None if s is out else s.getvalue() for s in streams)

    return say


@pytest.fixture(scope="module")
def digit(tmp_path_factory):
    path = tmp_path_factory.mktemp("digit") / "digit.png"
    picture = Image.new("L", (28, 28))
    picture.paste(255, (10, 6, 14, 22))
    picture.save(path)
    return path


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8"])
def test_every_command_prints_in_every_encoding(say, encoding):
    for words in every_command():
        status, out, err = say([*words, "--help"], encoding)
        assert (status, err) == (0, b"") and out.decode(encoding).startswith("Usage: convlab")
    for expected, words in REFUSED:
        status, out, err = say(words, encoding)
        assert (status, out) == (expected, b"") and b"Traceback" not in err, words
        assert err.decode(encoding).splitlines()[-1].startswith("Error: ")


@pytest.mark.sample(5)
@pytest.mark.parametrize("words", WORK, ids=lambda words: " ".join(words[:2]).replace(LATIN, "x"))
def test_work_in_ascii_says_the_same_as_in_utf_8(say, words):
    status, full, _ = say(words, "utf-8")
    assert status == 0 and full
    status, plain, err = say(words, "ascii")
    assert status == 0 and b"Traceback" not in err
    # What is ASCII stays, and everything else has something better than "?".
    ascii_words = [word for word in full.split() if word.isascii()]
    assert [word for word in ascii_words if word not in plain] == []
    assert plain.count(b"?") == full.count(b"?"), plain


@pytest.mark.parametrize(
    "text, shown",
    [
        ("−3 · 5×5 ≈ 0.1 ± 2 → …", "-3 * 5x5 ~ 0.1 +/- 2 -> ..."),
        ("10⁻⁵, 45°, ⌊7 ÷ 2⌋ ≤ ∞", "10^-5, 45deg, floor(7 / 2) <= inf"),
        ("✓ ∗ 猫 \udce9", "ok * ? ?"),
    ],
)
def test_characters_in_ascii(text, shown):
    codecs.register_error("test.ascii", output._in_ascii)
    assert text.encode("ascii", "test.ascii").decode() == shown
    mixed = text.encode("cp1252", "test.ascii").decode("cp1252")
    assert ("×" in mixed) == ("×" in text) and "→" not in mixed


@needs_full
def test_a_full_disk_behind_every_command(say):
    for words in [*((*words, "--help") for words in every_command()), *WORK[:4], *WORK[8:9]]:
        with FULL.open("wb") as full:
            status, _, err = say(words, "utf-8", full)
        assert (status, err.decode()) == (1, NO_SPACE), words


@pytest.mark.sample(4)
@needs_full
@pytest.mark.parametrize(
    "words, redirected, status, err",
    [
        ("summary lenet5", ">/dev/full", 1, NO_SPACE),
        ("summary lenet5", ">/dev/full 2>/dev/full", 1, ""),
        ("summary lenet5", ">&-", 0, ""),
        ("summary lenet5", "<&- >&- 2>&-", 0, ""),
        ("summary no.toml", "2>/dev/full", 1, ""),
        ("nosuch", "2>&-", 2, ""),
        ("predict nosuch -", "<&-", 1, None),
        ("train --epochs 1 --model dense", "2>/dev/full >/dev/null", 0, ""),
    ],
)
def test_streams_that_are_full_or_closed(convlab, words, redirected, status, err):
    done = subprocess.run(
        f"'{COMMAND}' {words} {redirected}",
        shell=True,
        cwd=convlab.folder,
        env=convlab.environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == status and done.stdout == ""
    assert "Traceback" not in done.stderr and err in (None, done.stderr)


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_terminals_of_other_encodings(convlab, variables):
    done = subprocess.run(
        [COMMAND, "summary", "lenet5", b"caf\xe9"],
        env=convlab.environment(**variables),
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 2 and b"(caf?)" in done.stderr
    done = subprocess.run(
        [COMMAND, "shape", "28x28", "--kernel", "5"],
        env=convlab.environment(**variables),
        capture_output=True,
        timeout=60,
    )
    sign = b"\xd7" if "cp1252" in variables.values() else b"x"
    assert (done.returncode, done.stderr) == (0, b"") and b"24" + sign + b"24" in (
        done.stdout.replace(b" ", b"").replace(b"*", b"x")
    )


# --- files -------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_pipe_and_a_link_stay_what_they_are(convlab):
    pipe, kept, link = (convlab.folder / name for name in ("pipe", "kept.json", "link.json"))
    os.mkfifo(pipe)
    kept.write_text("old")
    link.symlink_to(kept)
    picture = ("render", "pooling", "-o", "a.png", "--json-file")
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        convlab.works(*picture, "pipe")
        written = reader.stdout.read()
    assert pipe.is_fifo() and written.startswith(b'{\n"convlab": ')
    convlab.works(*picture, "link.json")
    assert link.is_symlink() and kept.read_bytes().startswith(b'{\n"convlab": ')


@pytest.mark.parametrize(
    "words",
    ["render pooling -o", "render pooling --json-file", "apply step --raw", "bench kernels -o"],
)
def test_a_folder_that_cannot_be_made_costs_no_computing(convlab, words):
    suffix = {"--json-file": "json", "--raw": "csv"}.get(words.split()[-1], "png")
    (convlab.folder / "no").write_text("")
    message = convlab.fails(*words.split(), f"no/b/a.{suffix}")
    place = convlab.folder / "no"
    assert message == f"no/b/a.{suffix}: cannot be written: {place} is not a folder"
    assert list(convlab.folder.iterdir()) == [place]


def test_each_option_has_a_file_of_its_own(convlab):
    words = "apply", "6x6-edge", "--kernel", "vertical", "-o", "a.png", "--json-file"
    message = (
        "Invalid value for '--json-file': expected another file than a.png, which is written"
        " already"
    )
    assert convlab.misused(*words, "a.png").endswith(message)
    assert not (convlab.folder / "a.png").exists()
    assert '"convlab"' in convlab.works(*words, "/dev/stdout")


def test_a_name_that_no_file_can_have(convlab):
    name = "x" * 300
    assert convlab.fails("render", "connection-table", name) == f"{name}: File name too long"


def test_a_date_that_is_none_is_not_asked_for(convlab):
    convlab.works("render", "activations", "-o", "a.svg", SOURCE_DATE_EPOCH="x")


def test_json_has_no_word_for_nan():
    for value in (math.nan, [1.0, math.inf], {"a": np.array([1, np.nan], np.float32)}):
        for write in (
            json_text,
            json_bytes,
            lambda value: record_bytes({"a": value}),
        ):
            with pytest.raises(NotFiniteError, match="expected finite numbers to write, got NaN"):
                write(value)


def test_json_of_arrays_paths_and_half_characters():
    value = {"array": np.array([[0.1, 2]], np.float32), "path": Path("a"), "half": "\udce9×"}
    wanted = {"array": [[0.1, 2]], "path": "a", "half": "\udce9×"}
    assert json.loads(json_text(value)) == wanted
    for content in (json_bytes(value), record_bytes(value)):
        assert json.loads(content.decode()) == wanted and "×" in content.decode()
