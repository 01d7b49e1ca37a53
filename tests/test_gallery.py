"""The gallery: its catalogue, what is made again and what is kept, its page and its table."""

import json
import re
import shlex
import shutil
import signal
import xml.etree.ElementTree as ET
from html import unescape
from pathlib import Path

import click
import numpy as np
import pytest
from convlab_cli import values
from convlab_cli.commands import COMMANDS
from convlab_cli.main import convlab
from convlab_gallery import build, catalog, site
from convlab_gallery.build import Outcome
from convlab_gallery.making import Made
from PIL import Image

from convlab import data, get_num_threads, set_num_threads
from convlab.errors import DataError, RunError, SpecError

ROOT = Path(__file__).parent.parent

HEAD = """
[[chapter]]
id = "first"
title = "The first | chapter"

[[run]]
id = "lenet5"
command = "convlab train --epochs 1"
"""


def entry(name, command, **changes):
    """An entry's table, with other fields as ``changes`` say; None leaves one out."""
    fields = {
        "id": name,
        "chapter": "first",
        "concept": "convolution",
        "title": f"The title of {name}",
        "idea": 'An idea with <b> & "quotes".',
        "command": command,
    }
    lines = (f"{k} = {json.dumps(v)}" for k, v in (fields | changes).items() if v is not None)
    return "\n[[entry]]\n" + "\n".join(lines) + "\n"


STEP = "convlab render arithmetic --input 4 --kernel 3 -o step.png"
ENTRIES = {
    "step": STEP,
    "moving": "convlab render arithmetic --input 3 --kernel 2 -o moving.gif",
    "drawing": "convlab render architecture lenet5 -o drawing.svg",
    "filters": "convlab render filters {lenet5} -o filters.png",
    "edges": "convlab apply {photo} --kernel sobel -o edges.png",
}
SMALL = HEAD + "".join(entry(name, command) for name, command in ENTRIES.items())

PAGE = """
[[page]]
id = "lab"
title = "The <i>lab</i> page"
idea = "Draw a digit."
command = "convlab page {lenet5} test:0 -o lab.html"
"""


FILM = """
[[film]]
id = "sliding"
concept = "convolution"
title = "A kernel slides"
idea = "It glides."
command = "convlab render arithmetic --input 2x3 --kernel 2 --size 480x270 -o sliding.mp4"
"""


def results(accuracies):
    """What an experiment has written, with the test accuracies of its networks by seed."""
    costs = {
        "LeNet-5": (61_706, 416_520),
        "dense, as many parameters": (61_500, 61_376),
        "dense, as many multiply-adds": (415_495, 414_900),
        "dense 300-100": (266_610, 266_200),
    }
    records = [
        {
            "network": name,
            "seed": seed,
            "parameters": parameters,
            "multiply_adds": multiply_adds,
            "test_accuracy": accuracy,
            "test_loss": 1 - accuracy,
        }
        for (name, (parameters, multiply_adds)), seeds in zip(
            costs.items(), accuracies, strict=True
        )
        for seed, accuracy in enumerate(seeds)
    ]
    content = {"experiment": "dense-vs-conv", "scale": "quick", "seconds": 3.2, "records": records}
    content |= {"data": ["digits"], "contents": {"digits": "0123456789abcdef"}}
    return json.dumps(content)


def read(folder, text):
    path = folder / "catalog.toml"
    path.write_text(text, encoding="utf-8")
    return catalog.read(COMMANDS, path)


def states(outcomes):
    return {outcome.id: outcome.state for outcome in outcomes}


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A catalogue of one run and five entries."""
    return read(tmp_path_factory.mktemp("catalog"), SMALL)


@pytest.fixture(scope="module")
def first(small, tmp_path_factory):
    """(folder, outcomes) of the small catalogue, built; nobody may change the folder."""
    out = tmp_path_factory.mktemp("gallery") / "made" / "here"
    outcomes = list(build.build(small, out))
    site.write(small, out)
    return out, outcomes


@pytest.fixture
def one_process():
    """Builds in one process: the start of a second costs more than it brings to few pictures."""
    before = get_num_threads()
    set_num_threads(1)
    yield
    set_num_threads(before)


@pytest.fixture
def copy(first, tmp_path):
    """A copy of the built folder that a test may change."""
    return Path(shutil.copytree(first[0], tmp_path / "copy"))


# --- the catalogue --------------------------------------------------------------------------


def test_the_catalogue_in_order(small):
    assert [chapter.title for chapter in small.chapters] == ["The first | chapter"]
    assert [entry.id for entry in small.entries] == list(ENTRIES)
    assert [entry.animated for entry in small.entries] == [False, True, False, False, False]
    assert [run.id for run in small.needed(small.entries)] == ["lenet5"]
    assert small.needed(small.chosen(["step", "edges"])) == ()


@pytest.mark.parametrize(
    ("name", "data_set", "expected"),
    [
        ("filters", "digits", "convlab render filters runs/lenet5-digits -o filters.png"),
        ("filters", "my/own set", "convlab render filters 'runs/lenet5-own set' -o filters.png"),
        ("edges", "mnist", "convlab apply photo.png --kernel sobel -o edges.png"),
    ],
)
def test_commands_as_they_are_typed(small, name, data_set, expected):
    assert small.typed(small.chosen([name])[0], data_set) == expected


@pytest.mark.parametrize(
    ("run", "command", "data_set", "expected"),
    [
        ("lenet5", "convlab train", "digits", "convlab train"),
        ("lenet5", "convlab train", "mnist", "convlab train --data mnist"),
        ("lenet5", "convlab train --data mnist", "digits", "{} -o runs/lenet5-digits"),
        ("flat", "convlab train --model dense", "digits", "{} -o runs/flat-digits"),
        ("dense", "convlab train --model dense", "digits", "convlab train --model dense"),
    ],
)
def test_trainings_as_they_are_typed(tmp_path, run, command, data_set, expected):
    text = SMALL.replace('"convlab train --epochs 1"', json.dumps(command))
    text = text.replace('id = "lenet5"', f'id = "{run}"').replace("{lenet5}", f"{{{run}}}")
    known = read(tmp_path, text)
    assert known.training(known.runs[0], data_set) == expected.format(command)


FILTERS = "convlab render filters {lenet5}"
MISTAKES = {
    "no TOML": ("[[chapter", "not TOML"),
    "no entry": (HEAD, "expected at least one entry"),
    "another table": (SMALL + "\n[[picture]]\n", "expected tables chapter, run, entry, film, page"),
    "one bracket": (SMALL.replace("[[run]]", "[run]"), "two brackets each, got a single run"),
    "not a table": ("entry = [3]", "entry 1: expected a table, got 3"),
    "a chapter twice": (SMALL + '[[chapter]]\nid = "first"\ntitle = "x"\n', "chapter first: this"),
    "an entry twice": (SMALL + entry("step", STEP), "entry step: this id is used already"),
    "a run called photo": (SMALL.replace('"lenet5"', '"photo"'), "run photo: this id is used"),
    "no title": (HEAD + entry("step", STEP, title=None), "entry step: .* there is no title"),
    "an empty idea": (HEAD + entry("step", STEP, idea=" "), "a text as its idea, got ' '"),
    "a number": (HEAD + entry("step", STEP, concept=3), "a text as its concept, got 3"),
    "another field": (HEAD + entry("step", STEP, alt="x"), "entry step: .* got 'alt'"),
    "an id with a blank": (HEAD + entry("a step", STEP), "expected an id of small letters"),
    "an id like a file": (HEAD + entry("step-dark", STEP), "does not end in -dark"),
    "unknown chapter": (
        HEAD + entry("step", STEP, chapter="last"),
        "entry step: unknown chapter 'last': expected one of first",
    ),
    "unknown run": (
        HEAD + entry("x", "convlab render filters {alexnet} -o x.png"),
        "entry x: unknown {alexnet} in the command: expected one of {lenet5}, {photo}, {data}",
    ),
    "another program": (HEAD + entry("x", "python x.py -o x.png"), "that begins with convlab"),
    "an open quote": (HEAD + entry("x", "convlab render 'a -o x.png"), "as a shell takes it"),
    "no command": (HEAD + entry("x", "convlab paint -o x.png"), "No such command 'paint'"),
    "a group": (HEAD + entry("x", "convlab render"), "there is no command after the group's name"),
    "no option": (HEAD + entry("x", f"{FILTERS} --colour -o x.png"), "No such option"),
    "a bad value": (HEAD + entry("x", STEP.replace("4", "four")), "expected whole numbers such"),
    "help": (HEAD + entry("x", "convlab render filters --help"), "a command that makes a picture"),
    "no picture": (HEAD + entry("x", "convlab summary lenet5"), "a command that makes a picture"),
    "no -o": (HEAD + entry("x", FILTERS), "expected -o x.png, x.svg or x.gif in its command"),
    "another file": (HEAD + entry("x", f"{FILTERS} -o y.png"), "expected -o x.png, x.svg"),
    "a folder": (HEAD + entry("x", f"{FILTERS} -o a/x.png"), "expected -o x.png, x.svg"),
    "two files": (HEAD + entry("x", f"{FILTERS} -o y.png -o x.png"), "expected -o x.png, x.svg"),
    "a document": (HEAD + entry("x", f"{FILTERS} -o x.pdf"), "expected -o x.png, x.svg"),
    "its own numbers": (
        HEAD + entry("x", f"{FILTERS} -o x.png --json=x.json"),
        "a command without --json",
    ),
    "a page called as an entry": (
        SMALL + PAGE.replace("lab", "step"),
        "page step: this id is used already",
    ),
    "a page that is none": (
        SMALL + PAGE.replace("convlab page {lenet5}", "convlab render filters {lenet5}"),
        "page lab: .* is no command of convlab",
    ),
    "a page of another name": (SMALL + PAGE.replace("-o lab", "-o x"), "with -o lab.html"),
    "no folder of claims": ('claims = "none"' + SMALL, "claims: expected a folder of results"),
    "a run that is none": (
        SMALL.replace("convlab train --epochs 1", "convlab summary lenet5"),
        "run lenet5: expected a convlab train command",
    ),
    "a page that is written twice": (
        SMALL + PAGE.replace("-o lab.html", "-o lab.html --output ../lab.html"),
        "page lab: expected a convlab page command with -o lab.html",
    ),
    "a page with another name first": (
        SMALL + PAGE.replace("-o lab.html", "--output=/tmp/lab.html -o lab.html"),
        "page lab: expected a command without -o",
    ),
    "a run with a folder": (
        SMALL.replace("--epochs 1", "-o x"),
        "run lenet5: expected a command without -o",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_catalogue_is_one_line(tmp_path, mistake):
    text, expected = MISTAKES[mistake]
    with pytest.raises(SpecError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'catalog.toml'}: ")
    assert "\n" not in message
    assert re.search(expected.replace("{", r"\{").replace("}", r"\}"), message)


WRITES = ["--raw x.npy", "--raw=/tmp/x.csv", "--json-file ../x.json", "--output x.png", "-ox.png"]


@pytest.mark.parametrize("more", WRITES)
def test_a_command_of_a_catalogue_writes_its_picture_alone(tmp_path, more):
    """Whatever is spelled where: what comes first is overruled by the -o that is looked at."""
    command = f"convlab apply 6x6-edge {more} -o edge.png"
    text = f"""
        [[chapter]]
        id = "a"
        title = "A"
        [[entry]]
        id = "edge"
        chapter = "a"
        concept = "edges"
        title = "<script>alert(1)</script> | a"
        idea = "b"
        command = "{command}"
        """
    option = {"--output": "-o", "-ox.png": "-o"}.get(more.split()[0], more.split("=")[0].split()[0])
    with pytest.raises(SpecError, match=f"entry edge: expected a command without {option}, got"):
        read(tmp_path, text)
    table = site.table(read(tmp_path, text.replace(f" {more}", "")))
    assert "| &lt;script&gt;alert(1)&lt;/script&gt; \\| a |" in table


def test_every_option_that_writes_is_known_to_the_catalogue():
    """A path is either one that a command reads or one that no catalogue may choose."""
    reads = {"run", "data_dir", "against", "start", "start_from", "network", "catalog_file"}
    reads |= {"file", "notes", "students"}  # of render ladder, lecture and quiz
    reads |= {"class_names", "style_file"}  # of import, and how pictures look

    def commands(command):
        if not isinstance(command, click.Group):
            return [command]
        context = click.Context(command)
        found = (command.get_command(context, name) for name in command.list_commands(context))
        return [inner for one in found for inner in commands(one)]

    paths = [
        (parameter.name, isinstance(parameter.type, values.Written))
        for command in commands(convlab)
        for parameter in command.params
        if isinstance(parameter.type, click.Path)
    ]
    assert {name for name, written in paths if not written} <= reads
    assert {name for name, written in paths if written}.isdisjoint(reads)


@pytest.mark.parametrize("link", ["pictures", "data", "runs", ".making"])
def test_a_link_in_the_gallerys_folder_is_refused(tmp_path, small, link):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    (out / link).symlink_to(elsewhere)
    (out / build.MANIFEST).write_text('{"data": "digits", "runs": {}}')
    with pytest.raises(RunError, match=f"{link}: expected a folder of the gallery's own, got a l"):
        list(build.build(small, out))
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("file", ["../victim.html", "/etc/victim.html", "pictures/../../v.html"])
def test_a_manifest_that_names_other_folders_is_refused(tmp_path, file):
    pages = {"lab": {"file": file, "hash": ""}}
    manifest = {"data": "digits", "runs": {}, "pages": pages}
    (tmp_path / build.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(RunError, match="expected what convlab gallery wrote, got something else"):
        build.read_manifest(tmp_path)


def test_a_catalogue_that_is_not_there(tmp_path):
    with pytest.raises(SpecError, match="cannot be read as a catalogue: No such file"):
        catalog.read(COMMANDS, tmp_path / "none.toml")


@pytest.mark.slow
def test_a_film_is_made_only_if_wanted_and_kept(tmp_path, browser):
    shown = read(tmp_path, HEAD + entry("step", STEP) + FILM)
    out = tmp_path / "out"
    assert states(build.build(shown, out)) == {"step": "made"}
    assert "<video" not in site.write(shown, out).read_text(encoding="utf-8")
    assert states(build.build(shown, out, films=True)) == {"step": "kept", "sliding": "made"}
    assert states(build.build(shown, out, only=["sliding"])) == {"sliding": "kept"}
    page = site.write(shown, out)
    browser.get(page.as_uri())
    played = browser.execute_async_script("""
        const done = arguments[0], film = document.querySelector("#sliding video");
        film.addEventListener("timeupdate", () => film.currentTime && done(
            [film.videoWidth, film.videoHeight, film.currentTime < film.duration]));
        film.addEventListener("error", () => done(film.error.message));
        film.play();
    """)
    assert played == [480, 270, True] and browser.get_log("browser") == []
    assert Image.open(out / "pictures" / "sliding-still.png").size == (480, 270)
    # A film that the catalogue no longer has goes, with its still.
    list(build.build(read(tmp_path, HEAD + entry("step", STEP)), out))
    assert not [*(out / "pictures").glob("sliding*")]


@pytest.mark.parametrize(
    "command", ["convlab page --playground -o sliding.mp4", "convlab train", STEP]
)
def test_a_film_has_a_command_that_makes_it(tmp_path, command):
    film = re.sub("command = .*", f"command = {json.dumps(command)}", FILM)
    with pytest.raises(SpecError, match="film sliding: "):
        read(tmp_path, HEAD + entry("step", STEP) + film)


def test_the_catalogue_that_is_shipped():
    shipped = catalog.read(COMMANDS)
    assert {entry.chapter for entry in shipped.entries} == {c.id for c in shipped.chapters}
    assert shipped.needed(shipped.entries) == shipped.runs
    assert any(entry.animated for entry in shipped.entries)


# --- building -------------------------------------------------------------------------------


def test_everything_is_there(small, first):
    out, outcomes = first
    assert states(outcomes) == dict.fromkeys(["lenet5", *ENTRIES], "made")
    manifest = build.read_manifest(out)
    for item in small.entries:
        record = manifest["entries"][item.id]
        suffix = Path(item.picture).suffix
        assert record["picture"] == f"pictures/{item.id}{suffix}"
        assert record["picture_dark"] == f"pictures/{item.id}-dark{suffix}"
        light, dark = (out / record[kind] for kind in ("picture", "picture_dark"))
        numbers = json.loads((out / record["numbers"]).read_text())
        assert numbers["command"] == small.typed(item)
        assert numbers["parameters"]
        assert record["alt"]
        if suffix == ".svg":
            texts = {ET.parse(path).getroot().find("{*}desc").text for path in (light, dark)}
            box = ET.parse(light).getroot().get("viewBox").split()
            assert record["width"] / record["height"] == pytest.approx(
                float(box[2]) / float(box[3]), rel=0.01
            )
        else:
            with Image.open(light) as one, Image.open(dark) as two:
                assert one.size == two.size == (record["width"], record["height"])
                said = [one.info, two.info]
            if suffix == ".gif":
                texts = {info["comment"].decode().partition("\n")[2] for info in said}
            else:
                texts = {info["Description"] for info in said}
        assert texts == {record["alt"]}
        assert light.read_bytes() != dark.read_bytes()


def test_the_still_is_the_first_frame(first):
    record = build.read_manifest(first[0])["entries"]["moving"]
    for kind, moving in (("still", "picture"), ("still_dark", "picture_dark")):
        with (
            Image.open(first[0] / record[moving]) as frames,
            Image.open(first[0] / record[kind]) as still,
        ):
            assert frames.n_frames > 1
            assert np.array_equal(np.asarray(frames.convert("RGB")), np.asarray(still))
    assert build.read_manifest(first[0])["entries"]["step"]["still"] is None


def test_the_photograph_is_the_one_of_scikit_learn(first):
    with Image.open(first[0] / "photo.png") as image:
        assert np.array_equal(np.asarray(image), data.photograph("china"))
        assert "CC BY" in image.info["Copyright"]


def test_the_command_that_is_shown_makes_the_same_bytes(convlab_in, small, first, tmp_path):
    out, _ = first
    typed = shlex.split(small.typed(small.chosen(["step"])[0]))
    convlab_in(tmp_path).works(*typed[1:])
    assert (tmp_path / "step.png").read_bytes() == (out / "pictures/step.png").read_bytes()


def test_nothing_is_made_twice(small, first, copy):
    before = contents(copy)
    times = {path: path.stat().st_mtime_ns for path in (copy / "pictures").iterdir()}
    outcomes = list(build.build(small, copy))
    site.write(small, copy)
    assert states(outcomes) == dict.fromkeys(["lenet5", *ENTRIES], "kept")
    assert contents(copy) == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


@pytest.mark.slow
def test_force_makes_it_again_and_the_bytes_are_the_same(small, first, copy, one_process):
    chosen = ["step", "moving", "drawing"]
    times = {path: path.stat().st_mtime_ns for path in (copy / "pictures").iterdir()}
    outcomes = list(build.build(small, copy, only=chosen, force=True))
    assert states(outcomes) == dict.fromkeys(chosen, "made")
    again = {path for path in times if path.stat().st_mtime_ns != times[path]}
    assert len(again) == 8  # three light, three dark and two stills
    assert all(path.name.split(".")[0].split("-")[0] in chosen for path in again)
    for path in times:
        assert path.read_bytes() == (first[0] / path.relative_to(copy)).read_bytes(), path


def test_what_has_changed_is_made_again(tmp_path, copy, one_process):
    # A command, the photograph and a file that is gone; one entry is in the catalogue no more.
    text = SMALL.replace(ENTRIES["step"], ENTRIES["step"].replace("4", "5"))
    text = text.replace(entry("moving", ENTRIES["moving"]), "")
    changed = read(tmp_path, text)
    Image.fromarray(data.photograph("flower")).save(copy / "photo.png")
    (copy / "pictures/drawing-dark.svg").unlink()
    before = contents(copy)
    outcomes = list(build.build(changed, copy))
    assert states(outcomes) == {
        "lenet5": "kept",
        "step": "made",
        "drawing": "made",
        "filters": "kept",
        "edges": "made",
    }
    after = contents(copy)
    different = {str(path) for path in after if after[path] != before.get(path)}
    assert different == {
        "gallery.json",
        "data/step.json",
        "data/edges.json",
        "pictures/step.png",
        "pictures/step-dark.png",
        "pictures/edges.png",
        "pictures/edges-dark.png",
        "pictures/drawing-dark.svg",
    }
    assert {path.name.partition(".")[0] for path in before.keys() - after.keys()} == {
        *("moving", "moving-dark", "moving-still", "moving-dark-still")
    }


@pytest.mark.slow
def test_one_that_fails_stops_no_other(convlab_in, tmp_path, copy):
    wrong = "convlab render filters {lenet5} --layer none -o filters.png"
    text = SMALL.replace(ENTRIES["filters"], wrong)
    read(tmp_path, text + entry("new", wrong.replace("filters.png", "new.png")))
    before = contents(copy)
    (copy / "pictures/drawing.svg").unlink()
    words = ("gallery", "--catalog", "catalog.toml", "-o", copy, "--json", "--threads", 1)
    done = convlab_in(tmp_path)(*words)
    assert done.status == 1
    summary = json.loads(done.out)
    assert {outcome["id"]: outcome["state"] for outcome in summary["outcomes"]} == {
        **dict.fromkeys(["lenet5", "step", "moving", "edges"], "kept"),
        "drawing": "made",
        "filters": "failed",
        "new": "failed",
    }
    assert summary["page"] is None
    lines = done.err.splitlines()
    assert lines[0].startswith("entry drawing: ")
    assert sorted(line.partition(": ")[2].partition(":")[0] for line in lines[1:]) == [
        "entry filters",
        "entry new",
        "no page written",
    ]
    assert lines[-1] == "Error: no page written: there is no picture of new"
    after = contents(copy)
    del before[Path("gallery.json")], after[Path("gallery.json")]
    assert after == before  # the older picture, and the older page


def test_a_run_that_fails_fails_its_entries(tmp_path):
    text = SMALL.replace("--epochs 1", "--epochs 0")
    outcomes = list(build.build(read(tmp_path, text), tmp_path / "out", only=["filters"]))
    assert states(outcomes) == {"lenet5": "failed", "filters": "failed"}
    errors = {outcome.id: outcome.error for outcome in outcomes}
    assert "epochs" in errors["lenet5"]
    assert errors["filters"] == "the run lenet5 that it needs was not trained"


def test_what_cannot_be_built(small, first, tmp_path):
    out, _ = first
    before = contents(out)
    with pytest.raises(SpecError, match="unknown entry 'nine': expected one of step, moving"):
        list(build.build(small, out, only=["nine"]))
    with pytest.raises(DataError, match="unknown data set 'nine': expected digits, mnist"):
        list(build.build(small, out, data="nine"))
    with pytest.raises(RunError, match="holds the gallery of digits; name another folder"):
        list(build.build(small, out, data="mnist"))
    assert contents(out) == before
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(RunError, match="expected an empty folder or one of convlab gallery"):
        list(build.build(small, tmp_path))
    (tmp_path / "gallery.json").write_text('{"data": "digits", "runs": {}, "entries": {"a": {}}}')
    with pytest.raises(RunError, match="gallery.json: expected what convlab gallery wrote"):
        list(build.build(small, tmp_path))
    with pytest.raises(RunError, match="cannot be made: Not a directory"):
        list(build.build(small, tmp_path / "mine.txt"))


# --- pages of networks, and claims ----------------------------------------------------------


@pytest.fixture
def with_claims(tmp_path):
    """A catalogue with a page of a network and the results of an experiment."""
    (tmp_path / "results").mkdir()
    accuracies = [(0.91, 0.93), (0.8, 0.82), (0.7, 0.72), (0.6, 0.62)]
    (tmp_path / "results" / "dense-vs-conv.json").write_text(results(accuracies))
    text = 'claims = "results"\n' + HEAD + entry("step", STEP) + PAGE
    return read(tmp_path, text)


def test_pages_and_claims_are_made_linked_and_kept(with_claims, copy, one_process):
    outcomes = list(build.build(with_claims, copy))
    made = {"lenet5": "kept", "step": "kept", "lab": "made", "dense-vs-conv": "made"}
    assert states(outcomes) == made
    assert not (copy / "pictures/drawing.svg").exists()  # no longer in the catalogue
    record = build.read_manifest(copy)["claims"]["dense-vs-conv"]
    for kind in ("picture", "picture_dark"):
        with Image.open(copy / record[kind]) as image:
            assert image.size == (1600, 900) == (record["width"], record["height"])
            assert image.info["Description"] == record["alt"]
    assert json.loads((copy / record["numbers"]).read_text())["seconds"] == 3.2
    html = site.render(site.context(with_claims, copy))
    assert '<a href="lab.html">The &lt;i&gt;lab&lt;/i&gt; page</a>' in html
    assert "LeNet-5" in (copy / "lab.html").read_text(encoding="utf-8")
    # 92 ± sqrt(2) percent, as statistics define it.
    cells = re.findall(r"<td>([^<]*)</td>", html)
    assert cells[:4] == ["61,706", "416,520", "92.0 ± 1.4 %", "0.080 ± 0.014"]
    assert "<strong>Holds.</strong>" in html
    assert "<td>+11.00 points</td>" not in html  # a text, not a number
    assert '<td class="text">+11.00 points</td>' in html  # 92 % and 81 %
    assert "<span>convlab</span> <span>experiment</span> <span>run</span>" in html
    assert states(build.build(with_claims, copy)) == dict.fromkeys(made, "kept")
    assert "| `convlab experiment run dense-vs-conv` |" in site.table(with_claims)


@pytest.mark.slow
def test_a_claim_is_drawn_again_when_its_results_change(with_claims, copy, one_process):
    list(build.build(with_claims, copy, only=["dense-vs-conv"]))
    with_claims.claims[0].path.write_text(results([(0.5, 0.7)] + [(0.4, 0.45)] * 3))
    again = build.build(with_claims, copy, only=["dense-vs-conv"])
    assert states(again) == {"dense-vs-conv": "made"}
    html = site.render(site.context(with_claims, copy))
    # 17.5 points with a deviation of 10.6: a t interval of two seeds holds 0.
    assert "<strong>Undecided.</strong>" in html


def test_results_that_are_none_are_one_line(with_claims, tmp_path):
    (tmp_path / "results" / "other.json").write_text("{}")
    with pytest.raises(SpecError, match="other.json: expected the results of an experiment, got"):
        catalog.read(COMMANDS, tmp_path / "catalog.toml")


# --- the page and the table -----------------------------------------------------------------


def test_what_the_page_shows(small, first):
    shown = site.context(small, first[0])
    assert (shown["data"], shown["version"]) == ("digits", "0.1.0")
    assert shown["runs"] == [{"command": "convlab train --epochs 1"}]
    (chapter,) = shown["chapters"]
    assert [entry["id"] for entry in chapter["entries"]] == list(ENTRIES)
    assert [entry["animated"] for entry in chapter["entries"]] == [False, True, *[False] * 3]
    for shown_entry in chapter["entries"]:
        for kind in ("picture", "picture_dark", "numbers"):
            assert (first[0] / shown_entry[kind]).is_file()
    html = (first[0] / "index.html").read_text(encoding="utf-8")
    assert html == site.render(shown)
    alternatives = [unescape(text) for text in re.findall(r'<img[^>]* alt="([^"]+)"', html)]
    assert alternatives == [entry["alt"] for entry in chapter["entries"]]
    assert "<b>" not in html and "An idea with &lt;b&gt; &amp;" in html


def test_only_what_is_there_is_shown(small, copy):
    manifest = build.read_manifest(copy)
    for name in ("filters", "edges"):
        del manifest["entries"][name]
    (copy / "gallery.json").write_text(json.dumps(manifest))
    shown = site.context(small, copy)
    assert [entry["id"] for entry in shown["chapters"][0]["entries"]] == [*ENTRIES][:3]
    assert shown["runs"] == []


def test_the_table(small, tmp_path):
    path = tmp_path / "text.md"
    path.write_text("before\r\n<!-- gallery -->\nold\n<!-- /gallery -->\nafter\n", newline="")
    assert site.write_table(small, path)
    lines = path.read_bytes().decode().split("\n")
    assert lines[0] == "before\r"
    assert lines[1:6] == [
        "<!-- gallery -->",
        "",
        "| picture | the command |",
        "|---|---|",
        "| **The first \\| chapter** | |",
    ]
    assert lines[6] == f"| The title of step | `{STEP}` |"
    assert lines[-4:] == ["", "<!-- /gallery -->", "after", ""]
    assert len(lines) == 6 + len(ENTRIES) + 4
    assert not site.write_table(small, path)


def test_the_table_in_docs_is_the_catalogue(tmp_path):
    path = Path(shutil.copy(ROOT / "docs" / "gallery.md", tmp_path))
    assert not site.write_table(catalog.read(COMMANDS), path), (
        "run: convlab gallery --table docs/gallery.md"
    )


@pytest.mark.parametrize(
    "text",
    [
        "no marks",
        "<!-- gallery -->",
        "<!-- /gallery --><!-- gallery -->",
        "<!-- gallery --><!-- /gallery --><!-- gallery -->",
    ],
)
def test_a_file_without_the_marks_stays_as_it_was(small, tmp_path, text):
    path = tmp_path / "text.md"
    path.write_text(text)
    with pytest.raises(DataError, match="expected one <!-- gallery --> and after it one"):
        site.write_table(small, path)
    assert path.read_text() == text
    with pytest.raises(DataError, match="none.md: cannot be read: No such file"):
        site.write_table(small, tmp_path / "none.md")


# --- the command ----------------------------------------------------------------------------


@pytest.mark.slow
def test_what_is_done_stays_after_ctrl_c(convlab_in, tmp_path):
    # So many that the signal comes before the last of them.
    names = ["step", *(f"pooling-{number}" for number in range(12))]
    more = [
        entry(name, f"convlab render pooling --input 6 --kernel 2 -o {name}.png")
        for name in names[1:]
    ]
    read(tmp_path, HEAD + entry("step", STEP) + "".join(more))
    command = convlab_in(tmp_path)
    words = ["gallery", "--catalog", "catalog.toml", "--threads", "1"]
    process = command.start(*words)
    assert process.stderr.readline().startswith("entry step: ")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err.endswith("stopped\n")
    folder = tmp_path / "gallery-digits"
    kept = set(build.read_manifest(folder)["entries"])
    assert "step" in kept and kept < set(names)
    files = {"gallery.json", "pictures", "data"}
    assert {path.name for path in folder.iterdir()} == files

    done = command(*words)
    assert done.status == 0
    assert len(done.err.splitlines()) == len(names) - len(kept)
    counts = re.fullmatch(
        r"(\d+) pictures? made, (\d+) kept, in [\d.]+ s\npage: gallery-digits/index.html\n",
        done.out,
    )
    assert (int(counts[1]), int(counts[2])) == (len(names) - len(kept), len(kept))
    assert {path.name for path in folder.iterdir()} == files | {"index.html"}


def test_the_command_that_is_misused(convlab_in, tmp_path):
    command = convlab_in(tmp_path)
    message = command.misused("gallery", "--table", "README.md", "--only", "step")
    assert message == "--table only writes the table; it takes --data and --catalog"
    message = command.fails("gallery", "--only", "nine")
    assert message.startswith("unknown entry 'nine'") and len(message) < 300
    assert list(tmp_path.iterdir()) == []


def test_what_was_made_is_counted_in_pictures(tmp_path):
    states = [("run", "made"), ("entry", "made"), ("entry", "kept"), ("claim", "kept")]
    outcomes = tuple(Outcome(kind, str(at), state) for at, (kind, state) in enumerate(states))
    page = tmp_path / "index.html"
    assert Made(tmp_path, page, 1.25, outcomes, ()).lines() == [
        "1 picture made, 2 kept, in 1.2 s",
        f"page: {page}",
    ]
    assert Made(tmp_path, None, 1.25, outcomes, ("a",)).errors() == [
        "no page written: there is no picture of a"
    ]
