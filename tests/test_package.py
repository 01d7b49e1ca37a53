"""What users install: the wheel, the source distribution, and the oldest versions they allow."""

import ast
import configparser
import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SETTINGS = configparser.ConfigParser()
SETTINGS.read(ROOT / "setup.cfg", encoding="utf-8")
SOURCES = {"convlab": "convlab", "convlab_cli": "cli", "convlab_gallery": "gallery"}
# What is made here and belongs to no distribution.
MADE = re.compile(
    r"(^|/)(\.git|\.venv|build|dist|runs|[^/]*\.egg-info|__pycache__|\.[^/]*_cache|\.hypothesis)(/|$)"
)
PART = ("tests/test_shapes.py", "tests/test_own_files.py", "tests/test_session.py")


def lines(section, name):
    return SETTINGS[section][name].split("\n")[1:]


def files(*folders):
    """The files of the project below some of its folders, with "/"."""
    found = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    names = [path.relative_to(ROOT).as_posix() for path in found]
    return {name for name in names if not MADE.search(name)}


# --- what setup.cfg says -------------------------------------------------------------------


def test_every_package_and_every_file_of_data_is_listed():
    listed = {name.replace(".", "/") for name in lines("options", "packages")}
    packages = {
        f"{package}/{path.parent.relative_to(ROOT / folder).as_posix()}".removesuffix("/.")
        for package, folder in SOURCES.items()
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert listed == packages
    matched = set()
    for package, patterns in SETTINGS["options.package_data"].items():
        top, *rest = package.split(".")
        folder = Path(SOURCES[top], *rest)
        for pattern in patterns.split(", "):
            found = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).glob(pattern)}
            assert found, pattern
            matched |= found
    others = {name for name in files(*SOURCES.values()) if not name.endswith(".py")} - matched
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    shown = {*re.findall(r"!\[[^\]]*\]\((?:\.\./)?(gallery/[^)]*)\)", text)}
    assert {name for name in others if not name.startswith("gallery/experiments/")} == shown


def test_the_pythons_are_those_that_are_allowed():
    classifiers = lines("metadata", "classifiers")
    named = [int(line.rpartition("3.")[2]) for line in classifiers if "3." in line]
    least = int(SETTINGS["options"]["python_requires"].removeprefix(">=3."))
    assert named == list(range(least, least + len(named)))
    assert sys.version_info[1] in named
    workflow = (ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8")
    tried = ast.literal_eval(re.search(r"python: (\[.*\])", workflow)[1])
    assert tried == [f"3.{minor}" for minor in named]


def test_an_index_shows_a_text_that_stands_alone(tmp_path):
    """There, links into the repository lead nowhere, and its pictures are not."""
    page = ROOT / SETTINGS["metadata"]["long_description"].removeprefix("file: ")
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"\]\(|<img|\]:", text)
    ((code, printed),) = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", text, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == (printed, "")


def test_the_image_runs_the_two_commands_of_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first, second = re.findall(r"```sh\n(.*)\n```", readme)
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"RUN {first}\n" in image
    assert ast.literal_eval(re.search(r"CMD (.*)", image)[1]) == second.split()


# --- what is installed ---------------------------------------------------------------------


def run(*command, cwd, **variables):
    """Run a command in a folder; what it printed.  It must succeed."""
    variables |= {"PYTHONPATH": "", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=1500,
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def environment(folder):
    """A fresh virtual environment; its folder of programs."""
    venv.create(folder, with_pip=True)
    return folder / "bin"


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """(wheel, source distribution), built from a copy of the project's files."""
    folder = tmp_path_factory.mktemp("project")
    for name in files("."):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((ROOT / name).read_bytes())
    programs = environment(tmp_path_factory.mktemp("builder"))
    run(programs / "pip", "install", "-q", "setuptools>=77", cwd=folder)
    for kind in ("sdist", "wheel"):
        code = f"import setuptools.build_meta as b; b.build_{kind}('dist')"
        run(programs / "python", "-c", code, cwd=folder)
    (wheel,), (source,) = (folder / "dist").glob("*.whl"), (folder / "dist").glob("*.tar.gz")
    return wheel, source


@pytest.mark.slow
def test_what_the_distributions_contain(distributions):
    wheel, source = distributions
    with zipfile.ZipFile(wheel) as archive:
        installed = archive.namelist()
        (metadata,) = [name for name in installed if name.endswith(".dist-info/METADATA")]
        text = archive.read(metadata).decode()
    assert {name.split("/")[0] for name in installed} == {*SOURCES, metadata.split("/")[0]}
    modules = {
        name.replace(folder, package, 1)
        for package, folder in SOURCES.items()
        for name in files(folder)
        if name.endswith(".py")
    }
    assert modules == {name for name in installed if name.endswith(".py")}
    assert "Programming Language :: Python :: 3.10" in text and "(gallery/" not in text
    with tarfile.open(source) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert files(".") - packed <= {".gitignore"}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\((?!http)([^)#]+)", readme)) - packed <= {"docs", "examples"}


@pytest.mark.slow
def test_the_wheel_works_by_itself(distributions, tmp_path):
    wheel, _ = distributions
    programs = environment(tmp_path / "venv")
    run(programs / "pip", "install", "-q", wheel, cwd=tmp_path)
    work = tmp_path / "work"
    work.mkdir()
    run(programs / "convlab", "train", "--epochs", 1, "--quiet", cwd=work)
    command = ("render", "features", "runs/lenet5-digits", "test:3", "-o", "features.png")
    run(programs / "convlab", *command, cwd=work)
    run(programs / "convlab", "page", "runs/lenet5-digits", "-o", "lab.html", cwd=work)
    run(programs / "convlab", "gallery", "--only", "stride-2-steps", "-o", "gallery", cwd=work)
    assert (work / "features.png").stat().st_size > 10_000
    run(programs / "pip", "check", cwd=work)


@pytest.mark.slow
def test_the_tests_run_from_the_source_distribution(distributions, tmp_path):
    _, source = distributions
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    programs = environment(tmp_path / "venv")
    run(programs / "pip", "install", "-q", f"{folder}[test]", cwd=tmp_path)
    out = run(programs / "pytest", "-q", "-p", "no:cacheprovider", *PART, cwd=folder)
    assert re.search(r"(?m)^\d{3} passed", out)


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info >= (3, 13), reason="the oldest SciPy is not made for it")
def test_the_oldest_versions_that_are_allowed(distributions, tmp_path):
    """Each dependency in exactly the version that setup.cfg gives as its least."""
    wheel, _ = distributions
    oldest = [line.replace(">=", "==") for line in lines("options", "install_requires")]
    programs = environment(tmp_path / "venv")
    tools = [line for line in lines("options.extras_require", "test") if "selenium" not in line]
    run(programs / "pip", "install", "-q", wheel, *oldest, *tools, cwd=tmp_path)
    out = run(programs / "pytest", "-q", "-p", "no:cacheprovider", *PART, cwd=ROOT)
    assert re.search(r"(?m)^\d{3} passed", out)
