"""What must stay true of the house: which way imports point, and the same bits for all threads."""

import ast
import graphlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# A module may import from its own row and from the rows below it.
LAYERS = [
    ("cli", "convlab.__main__"),
    ("gallery",),
    ("convlab.documentation", "convlab.interface"),
    ("convlab.session",),
    ("convlab.pictures",),
    ("convlab.experiments",),
    ("convlab.bench",),
    ("convlab.lecture", "convlab.quiz"),
    ("convlab.lessons", "convlab.lab", "convlab.tasks"),
    ("convlab.training",),
    ("convlab.insight", "convlab.viz", "convlab.ladder"),
    ("convlab.models", "convlab.onnx_backend"),
    ("convlab.data",),
    ("convlab.nn", "convlab.optim"),
    ("convlab.functional",),
    ("convlab.tensors",),
    ("convlab.arithmetic",),
    ("convlab.tape", "convlab.random", "convlab.parts"),
    ("convlab.kernels",),
    ("convlab.tensor_files",),
    ("convlab.reading",),
    ("convlab.terminal",),
    (
        *("convlab.comparison", "convlab.equations", "convlab.folding", "convlab.histograms"),
        *("convlab.spread", "convlab.window_step", "convlab.wiring"),
    ),
    (
        *("convlab.shapes", "convlab.numerals", "convlab.files"),
        *("convlab.json_files", "convlab.leases", "convlab.markdown", "convlab.display"),
        "convlab.spelling",
    ),
    ("convlab.errors", "convlab.checks", "convlab.names", "convlab.words"),
]
VIZ_MAY_IMPORT = {
    *("convlab.viz", "convlab.shapes", "convlab.names", "convlab.numerals", "convlab.errors"),
    *("convlab.checks", "convlab.spelling", "convlab.words"),
    *("convlab.comparison", "convlab.equations", "convlab.folding", "convlab.histograms"),
    *("convlab.spread", "convlab.window_step", "convlab.wiring"),
    *("numpy", "matplotlib", "PIL", "av"),
}


def sources() -> list[Path]:
    return [p for folder in ("convlab", "cli", "gallery") for p in (ROOT / folder).rglob("*.py")]


def imports(path: Path, top_level: bool = False) -> set[str]:
    """Dotted names that a file imports; ``from convlab import nn`` counts as convlab.nn."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = set()
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names.add(node.module)
            if node.module == "convlab":
                names |= {f"convlab.{alias.name}" for alias in node.names}
    return names


def modules_imported(path: Path, known: set[str]) -> set[str]:
    """The modules that a file imports when loaded; ``from a import b`` is a.b if that is one."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & known
            if names - known:
                found.add(node.module)
    return found & known


def layer_of(name: str) -> int | None:
    name = name.replace("convlab_cli", "cli").replace("convlab_gallery", "gallery")
    for depth, row in enumerate(LAYERS):
        if any(name == member or name.startswith(f"{member}.") for member in row):
            return depth
    return None


def own_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def installed_name(path: Path) -> str:
    top, *rest = own_name(path).split(".")
    return ".".join([{"cli": "convlab_cli", "gallery": "convlab_gallery"}.get(top, top), *rest])


def test_every_source_file_has_a_layer():
    without = {own_name(path) for path in sources() if layer_of(own_name(path)) is None}
    assert without == {"convlab"}


@pytest.mark.smoke
def test_no_modules_import_each_other_in_a_circle():
    paths = {installed_name(path): path for path in sources()}
    graph = {name: modules_imported(path, paths.keys()) for name, path in paths.items()}
    assert graph["convlab.nn.sequential"] >= {"convlab.nn.fusion", "convlab.tensors"}
    list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError


def test_the_rows_are_those_of_contributing():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = [line.strip() for line in text.splitlines() if line.startswith("    ")][: len(LAYERS)]
    own = [", ".join(name.removeprefix("convlab.") for name in row) for row in LAYERS]
    assert rows == own


@pytest.mark.smoke
@pytest.mark.parametrize("path", sources(), ids=own_name)
def test_imports_point_down(path):
    depth = layer_of(own_name(path))
    if depth is None:  # convlab/__init__.py names the public ones
        return
    depths = {name: layer_of(name) for name in imports(path)}
    assert {name for name, other in depths.items() if other is not None and other < depth} == set()


@pytest.mark.parametrize("path", sources(), ids=own_name)
def test_only_the_command_line_imports_itself_and_click(path):
    own = path.is_relative_to(ROOT / "cli") or path.name == "__main__.py"
    assert own or not {name.split(".")[0] for name in imports(path)} & {"convlab_cli", "click"}


@pytest.mark.parametrize("path", sources(), ids=own_name)
def test_only_kernels_and_the_ladder_import_numba(path):
    compiled = {n for n in imports(path) if n.split(".")[0] in ("numba", "llvmlite")}
    own = f"{own_name(path)}."
    assert not compiled or own.startswith(("convlab.kernels.", "convlab.ladder."))


def test_no_function_is_longer_than_80_lines():
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    long = [
        (own_name(path), node.name, length)
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, functions) and (length := node.end_lineno - node.lineno + 1) > 80
    ]
    assert long == []


def test_viz_takes_arrays_alone():
    for path in (ROOT / "convlab" / "viz").glob("*.py"):
        foreign = {
            name
            for name in imports(path)
            if name.split(".")[0] not in sys.stdlib_module_names
            and not any(name == ok or name.startswith(f"{ok}.") for ok in VIZ_MAY_IMPORT)
        }
        assert foreign == set(), path


def test_the_group_of_commands_imports_click_alone():
    for file in ("main.py", "lazy.py", "command.py", "values.py", "render/__init__.py"):
        outside = {
            name
            for name in imports(ROOT / "cli" / file, top_level=True)
            if name not in ("convlab_cli.lazy", "convlab_cli.command", "convlab_cli.values")
        }
        assert {n.split(".")[0] for n in outside} - set(sys.stdlib_module_names) == {"click"}


# --- in fresh processes -----------------------------------------------------------------


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess:
    kept = {k: v for k, v in os.environ.items() if k not in ("NUMBA_NUM_THREADS",)}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=kept | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_all_of_the_processors_vectors_are_used():
    """Those of Intel's servers from Ice Lake on, which the compiler would use half of."""
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    code = "from convlab.kernels.peak import vector_bits; print(vector_bits())"
    done = run_python(code)
    # A program started from here may have another compiler, which knows other processors.
    left = "import os; print([name for name in os.environ if 'FEATURES' in name])"
    assert run_python(f"{code}; {left}").stdout == f"{done.stdout}[]\n"
    least = 512 if "avx512_vbmi2" in flags else 256 if "avx2" in flags else 128
    assert int(done.stdout) >= least, done.stderr
    if least > 128:  # what somebody else has chosen stays
        assert run_python(code, NUMBA_CPU_FEATURES="+avx2,+fma,-avx512f").stdout == "256\n"


BITS = """
import hashlib
import numpy as np
import convlab
from convlab import Tensor, functional as F, nn
print(convlab.get_num_threads())
convlab.manual_seed(3)
model = nn.Sequential(
    nn.Conv2d(3, 10, (5, 3), stride=(1, 2), padding=(2, 1)), nn.ReLU(), nn.BatchNorm2d(10),
    nn.PReLU(10), nn.MaxPool2d(2),
    nn.Conv2d(10, 12, 3, padding=1, groups=2, padding_mode="reflect"), nn.Tanh(),
    nn.AvgPool2d(3, 2, padding=1), nn.Dropout(0.3), nn.Conv2d(12, 9, 3, dilation=2, padding=2),
    nn.AdaptiveAvgPool2d((2, 3)), nn.Flatten(), nn.Linear(54, 33), nn.Sigmoid(), nn.Linear(33, 7),
)
rng = np.random.default_rng(5)
x = Tensor(rng.standard_normal((19, 3, 30, 26)).astype(np.float32), requires_grad=True)
output = model(x)
F.cross_entropy(output, rng.integers(0, 7, 19)).backward()
digest = hashlib.sha256(np.ascontiguousarray(output.numpy()))
for gradient in [x.grad, *(p.grad for p in model.parameters())]:
    assert np.isfinite(gradient).all() and gradient.any()
    digest.update(np.ascontiguousarray(gradient))
print(digest.hexdigest())
"""


@pytest.mark.slow
def test_a_loop_that_was_just_compiled_has_the_bits_of_the_kept_one(tmp_path):
    runs = [run_python(BITS, CONVLAB_CACHE_DIR=str(tmp_path)) for _ in range(2)]
    assert runs[0].stdout and runs[0].stdout == runs[1].stdout, runs[0].stderr


def test_the_same_bits_for_1_2_3_and_8_threads():
    lines = {}
    for threads in (1, 2, 3, 8):
        done = run_python(BITS, CONVLAB_NUM_THREADS=str(threads))
        assert done.returncode == 0, done.stderr
        used, lines[threads] = done.stdout.split()
        assert used == str(threads)
    assert len(set(lines.values())) == 1


def test_a_home_that_cannot_be_written_costs_time_only():
    code = """
import numpy as np
from convlab import Tensor, functional as F
from convlab.kernels import device
print(device.cache_folder(), F.relu(Tensor([-1.0, 2.0])).numpy().tolist())
"""
    done = run_python(code, HOME="/dev/null/home", XDG_CACHE_HOME="", CONVLAB_CACHE_DIR="")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "None [0.0, 2.0]\n"


@pytest.mark.parametrize("wanted", ["many", "0", "-2", "²"])
def test_a_number_of_threads_that_is_none(wanted):
    done = run_python("import convlab", CONVLAB_NUM_THREADS=wanted)
    assert done.returncode == 1
    assert "convlab.errors.DeviceError" in done.stderr.splitlines()[-1]
    assert wanted in done.stderr.splitlines()[-1]


@pytest.mark.smoke
def test_public_names_are_not_those_of_modules():
    """Once every module is imported, which puts its name into its package."""
    code = """
import importlib, inspect, pkgutil, sys
import convlab
for found in pkgutil.walk_packages(convlab.__path__, "convlab."):
    importlib.import_module(found.name)
packages = [module for name, module in sys.modules.items() if name.split(".")[0] == "convlab"]
for package in packages:
    for name in getattr(package, "__all__", []):
        if inspect.ismodule(getattr(package, name)):
            print(f"{package.__name__}.{name}")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rooms = "data experiments functional insight lecture lessons models nn optim pictures tasks"
    assert done.stdout.split() == [f"convlab.{room}" for room in [*rooms.split(), "training"]]
