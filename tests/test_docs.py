"""The documentation: pages that commands make, links that lead somewhere, code that runs."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from convlab_cli import commands

from convlab import experiments
from convlab.bench.tables import ranks_table, tables
from convlab.errors import RunError
from convlab.quiz import TOPICS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
PAGES += sorted((ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("page", ["commands", "names", "notations", "claims"])
def test_pages_that_are_made(page):
    """Written by ``python -m convlab_cli.reference PAGE > docs/PAGE.md``."""
    made = subprocess.run(
        [sys.executable, "-m", "convlab_cli.reference", page],
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    kept = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert made.stdout.split() == kept.split()  # where lines end is Click's affair


def test_the_tables_on_speed_are_those_of_what_was_measured():
    """Written by ``python -m convlab_cli.reference speed``, from docs/measured."""
    text = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")
    kept = re.findall(r"(?m)(?:^\|.*\n)+", text)
    made = tables(ROOT / "docs" / "measured")
    assert kept[1:] == [f"{part}\n" for part in made.rstrip().split("\n\n")]
    # The first row once more, by hand.
    row = json.loads((ROOT / "docs/measured/training.json").read_text(encoding="utf-8"))["rows"][0]
    ours, theirs = row["seconds"]["median"], row["pytorch_seconds"]["median"]
    share = row["flops"] / ours / row["peak_flops"]
    cells = [f"{ours:.2f} s", f"{theirs:.2f} s", f"{ours / theirs:.2f}", f"{100 * share:.0f} %"]
    assert made.splitlines()[2].split(" | ")[1:5] == cells


def test_the_table_of_ranks_is_that_of_what_was_measured():
    """Written by ``python -m convlab_cli.reference ranks``, from docs/measured."""
    text = (ROOT / "docs" / "distributed.md").read_text(encoding="utf-8")
    made = ranks_table(ROOT / "docs" / "measured")
    assert made in re.findall(r"(?m)(?:^\|.*\n)+", text)
    # The row of two ranks once more, by hand.
    kept = json.loads((ROOT / "docs/measured/ranks.json").read_text(encoding="utf-8"))
    one, two = kept["measured"]["1"]["step"], kept["measured"]["2"]["step"]
    cells = [f"{1000 * two:.2f} ms", f"{kept['batch'] / two:,.0f}", f"{one / two:.2f}"]
    row = next(line for line in made.splitlines() if line.startswith("| 2 ranks, measured |"))
    assert row.split(" | ")[1:4] == cells


def test_a_measurement_that_is_none_is_one_line(tmp_path):
    with pytest.raises(RunError, match="training.json: cannot be read: No such file"):
        tables(tmp_path)
    (tmp_path / "training.json").write_text('{"rows": []}')
    with pytest.raises(RunError, match="training.json: expected a kept measurement, got"):
        tables(tmp_path)


def test_names_have_their_methods_and_their_types_are_explained():
    text = (ROOT / "docs" / "names.md").read_text(encoding="utf-8")
    assert {"Page.save", "Picture.save", "Run.predict", "Run.evaluate", "Tensor.backward"} <= set(
        re.findall(r"(?m)^#### (.*)$", text)
    )
    assert "## convlab.lessons\n" in text
    before, *parts = text.split("\n## ")
    signatures = [
        block.split("\n\n")[0] for block in re.findall(r"```\n(.*?)```", "".join(parts), re.S)
    ]
    used = {name for line in signatures for name in re.findall(r"\w+", line)}
    explained = {name for name in re.findall(r"`(\w+)`", before) if name[0].isupper()}
    assert explained <= used
    assert {name for name in used if name.endswith("Like")} <= explained | {"PathLike"}


@pytest.mark.parametrize("words", [[], ["render", "features"]], ids=" ".join)
def test_the_commands_are_shown_as_the_program_shows_them(words):
    convlab = Path(sys.executable).with_name("convlab")
    done = subprocess.run(
        [convlab, *words, "--help"], capture_output=True, encoding="utf-8", check=True
    )
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    kept = {
        heading: block.split("\n```\n")[0].split()
        for heading, block in re.findall(r"(?ms)^## ([^\n]*)\n\n```\n(.*?\n```\n)", text)
    }
    looks = "How pictures look"
    own, _, look = done.stdout.partition(f"\n{looks}:\n")
    assert own.split() == kept[" ".join(["convlab", *words])]
    assert look.split() == (kept[looks] if words else [])


def test_another_page_is_refused_in_one_line():
    for words in ([], ["pages"]):
        done = subprocess.run(
            [sys.executable, "-m", "convlab_cli.reference", *words], capture_output=True, text=True
        )
        assert done.returncode == 2
        assert "\nError: " in done.stderr
        assert "Traceback" not in done.stderr


def anchors(text):
    """The headings of a page as links name them."""
    headings = re.findall(r"(?m)^#+ (.*)$", text)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


def test_the_readme_is_short_and_its_expression_prints_what_it_says(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.encode()) <= 5_600
    (code,) = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", text, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code[0]], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == (code[1], "")


def test_the_network_in_python_learns_as_well_as_its_text_says(tmp_path):
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    ((code, printed),) = re.findall(r"```python\n((?:(?!```).)*)```\n\n```\n(.*?)```", text, re.S)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    # Another kind of processor adds in another order.
    assert float(done.stdout) == pytest.approx(float(printed), abs=0.02)


def test_the_readme_counts_the_pictures_of_the_gallery():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = (ROOT / "docs" / "gallery.md").read_text("utf-8")
    rows = re.findall(r"(?m)^\| [^|]* \| `(convlab [^`]*)`", table)
    films = sum(row.endswith(".mp4") for row in rows)
    assert f"Each of the {len(rows)} pictures of " in readme
    assert f", {films} of them films, " in readme


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name not in ("commands.md", "names.md", "notations.md")],
    ids=lambda path: path.name,
)
def test_commands_in_texts_are_commands(page):
    text = page.read_text(encoding="utf-8")
    typed = re.findall(r"`(convlab [^`]+)`", text) + re.findall(r"(?m)^(?:\$ )?(convlab .+)$", text)
    groups = {"convlab --help", "convlab bench"}
    for command in {" ".join(command.split()) for command in typed} - groups:
        commands.parse(command.split(" > ")[0])


def test_each_lesson_has_all_its_parts():
    text = (ROOT / "docs" / "course.md").read_text(encoding="utf-8")
    lessons = re.findall(r"(?ms)^## (\d+)\. .+?\n\n(.+?)(?=^## )", text)
    assert [number for number, _ in lessons] == [str(number) for number in range(1, 11)]
    for _, lesson in lessons:
        (typed,) = re.findall(r"```sh\n(.*?)```", lesson, re.S)
        assert len(re.findall(r"(?m)^convlab ", typed)) == 3
        figure, experiment, exercises = re.split(r"(?m)^- ", lesson)[1:]
        assert figure.startswith("Figure: ")
        assert re.match(r"Experiment: .+\?\s", experiment, re.S)
        names = re.findall(r"`convlab experiment run ([\w-]+)`", experiment)
        assert names and {*names} <= {*experiments.NAMES}
        (topic,) = re.findall(r"`convlab quiz ([\w-]+)", exercises)
        assert topic in {*TOPICS, "all"}


def test_the_rooms_are_those_that_there_are():
    text = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
    rooms = set(re.findall(r"(?m)^\| `([\w/]+)` \|", text))
    folders = {f"convlab/{file.parent.name}" for file in ROOT.glob("convlab/*/__init__.py")}
    assert rooms == folders | {"cli", "gallery"}


def test_the_variables_are_those_that_are_read():
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    said = set(re.findall(r"(?m)^\| `(CONVLAB_\w+)` \|", text))
    sources = [*ROOT.glob("convlab/**/*.py"), *ROOT.glob("cli/**/*.py")]
    read = {
        name
        for source in sources
        for name in re.findall(r"\"(CONVLAB_[A-Z_]+)\"", source.read_text(encoding="utf-8"))
    }
    assert said == read


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("convlab rend", "render"),
        ("convlab render feat", "features"),
        ("convlab train --mod", "--model"),
    ],
)
def test_the_tab_key_completes(words, found):
    environment = os.environ | {
        "_CONVLAB_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    convlab = Path(sys.executable).parent / "convlab"
    done = subprocess.run([convlab], env=environment, capture_output=True, text=True)
    assert f"plain,{found}" in done.stdout.splitlines()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_lines_for_shells_make_their_completion(shell):
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert f"_CONVLAB_COMPLETE={shell}_source convlab" in text
    environment = os.environ | {"_CONVLAB_COMPLETE": f"{shell}_source"}
    convlab = Path(sys.executable).parent / "convlab"
    done = subprocess.run([convlab], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "_convlab_completion" in done.stdout
