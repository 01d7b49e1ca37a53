"""What lies around a command: environment, streams, folders, compiled loops that are damaged."""

import os
import shutil

from . import cases
from .cases import GARBAGE, Case, damaged, later, put

QUICK = [
    ["summary", "lenet5"],
    ["predict", "run", "digit.png"],
    ["render", "padding-modes", "-o", "out.png"],
    ["explain", "--input", "5"],
    ["render", "filters", "run", "-o", "out.svg"],
    ["devices"],
    ["cache", "info"],
]
NUMBERS = ["", " ", "0", "-1", "x", "1.5", "²", "10000000", "9" * 30, "\udcff", "nan"]
FOLDERS = ["", " ", "/proc", "nowhere", "digit.png", "x" * 300, "\udcff", "~", "~x-y"]
VARIABLES = {
    "CONVLAB_NUM_THREADS": NUMBERS,
    "NUMBA_NUM_THREADS": NUMBERS,
    "OMP_NUM_THREADS": NUMBERS,
    "NUMBA_THREADING_LAYER": ["", "x", "tbb", "omp", "workqueue", "forksafe"],
    "NUMBA_ENABLE_CUDASIM": ["x", "1"],
    "NUMBA_DISABLE_JIT": ["1"],
    "NUMBA_CACHE_DIR": FOLDERS,
    "CONVLAB_CACHE_DIR": ["/proc", "digit.png", "x" * 300],
    "CONVLAB_DATA_DIR": FOLDERS,
    "HOME": [None, *FOLDERS],
    "TMPDIR": [None, *FOLDERS],
    "XDG_CACHE_HOME": FOLDERS,
    "MPLCONFIGDIR": FOLDERS,
    "MPLBACKEND": ["", "x", "TkAgg", "svg"],
    "LC_ALL": ["C", "POSIX", "x", "tr_TR.UTF-8", "C.UTF-8"],
    "PYTHONIOENCODING": ["cp1252", "ascii", "utf-16", "latin-1:strict"],
    "PYTHONUTF8": ["0"],
    "PYTHONWARNINGS": ["error", "default", "x"],
    "PYTHONOPTIMIZE": ["2"],
    "TERM": ["", "dumb"],
    "COLUMNS": ["0", "-1", "x", "1", "9999999"],
    "LINES": ["x"],
    "PATH": [None, ""],
    "SOURCE_DATE_EPOCH": ["x", "-1", "9" * 30],
    "MPLRC": ["x"],
    "CUDA_VISIBLE_DEVICES": ["x", "99"],
}


COMPILING = ("CONVLAB_CACHE_DIR", "NUMBA_DISABLE_JIT", "NUMBA_ENABLE_CUDASIM")


@cases.kind("environment", 90)
def environment(rng):
    turns = [(name, value) for name, known in VARIABLES.items() for value in known]
    while True:
        rng.shuffle(turns)
        for name, value in turns:
            env = {name: value}
            if name in ("LC_ALL", "PYTHONIOENCODING") and rng.random() < 0.5:
                env["PYTHONUTF8"] = env["PYTHONCOERCECLOCALE"] = "0"
            argv = rng.choice(QUICK)
            case = Case(argv, note=f"{name} is {value!r:.40}", env=env)
            case.endless = name in COMPILING
            yield case


STREAMS = [("stdout", "closed"), ("stdout", "gone"), ("stdout", "/dev/full"), ("stdin", "closed")]
STREAMS += [("stderr", "closed"), ("stderr", "/dev/full"), ("stderr", "gone")]
TALKERS = [
    *QUICK[:5],
    ["summary", "lenet5", "--json"],
    ["evaluate", "run"],
    ["evaluate", "run", "--json"],
    ["quiz", "padding"],
    ["predict", "run", "-"],
    ["-h"],
    ["--version"],
    ["train", "--epochs", "1", "--limit", "2", "-o", "new", "--quiet"],
    ["train", "--epochs", "1", "--limit", "2", "-o", "new", "--json", "--quiet"],
    ["train", "--resume", "run"],
    ["render", "x"],
    ["apply", "china", "-o", "out.png", "--alt"],
]


@cases.kind("streams", 60)
def streams(rng):
    """Standard streams that are closed, full, gone, or take few characters."""
    while True:
        case = Case(list(rng.choice(TALKERS)), fresh=True)
        for stream, what in rng.sample(STREAMS, rng.choice([1, 1, 2])):
            setattr(case, stream, what)
            case.note += f"{stream} is {what} "
        if rng.random() < 0.3:
            case.env = {"PYTHONIOENCODING": rng.choice(["cp1252", "ascii"]), "PYTHONUTF8": "0"}
            case.note += f"in {case.env['PYTHONIOENCODING']}"
        yield case


def build_cache(own, folder, case):
    """A copy of the compiled loops, of which some are damaged."""
    from convlab.kernels.cache import own_folder

    here = folder / "cache" / "convlab" / own_folder().name
    shutil.copytree(own_folder(), here)
    files = sorted(path for path in here.rglob("*") if path.is_file())
    how = own.choice(["damaged", "garbage", "special", "names", "lost", "index", "all cut", "old"])
    case.note = how
    picked = own.sample(files, min(len(files), own.choice([1, 3, len(files)])))
    for path in picked:
        content = path.read_bytes()
        if how == "damaged":
            put(path, damaged(own, content))
        elif how == "garbage":
            put(path, own.choice(GARBAGE[:-2]))
        elif how == "special":
            cases.replace_by(path, own.choice(["folder", "loop", "dangling", "null"]))
        elif how == "names":
            path.rename(path.with_name(own.choice(files).name))
        elif how == "lost":
            path.unlink(missing_ok=True)
        elif how == "index" and path.suffix == ".nbi":
            put(path, damaged(own, content))
        elif how == "all cut":
            put(path, content[: len(content) // 2])
        elif how == "old":
            os.utime(path, (0, 0))
    case.env = {"CONVLAB_CACHE_DIR": str(folder / "cache")}


@cases.kind("cache", 25)
def cache(rng):
    """Loops that are compiled again take longer than ten seconds: that is no fault."""
    uses = [QUICK[1], QUICK[3], ["cache", "info"], ["cache", "clear"], ["cache", "clear", "--all"]]
    while True:
        argv, seed = rng.choice(uses), rng.getrandbits(32)
        yield later(argv, seed, build_cache, fresh=True, endless=True)


LIMITS = [
    ["train", "--epochs", "1", "--limit", "2", "--quiet", "-o", "new"],
    ["render", "filters", "run", "-o", "out.png"],
    ["page", "run", "-o", "lab.html"],
    ["apply", "photo.png", "-o", "out.png", "--raw", "out.npy", "--json-file", "out.json"],
    [
        "render",
        "features",
        "run",
        "digit.png",
        "--npz",
        "o.npz",
        "-o",
        "out.png",
        "--json",
        "o.json",
    ],
    ["evaluate", "run", "-o", "tested"],
    ["train", "--resume", "run", "--quiet"],
]


@cases.kind("full", 28)
def full(rng):
    """A disk that takes no more after so many bytes: what is there stays as it was."""
    while True:
        argv, size = rng.choice(LIMITS), rng.choice([0, 100, 4096, 50_000, 300_000])
        case = Case(argv, note=f"files of {size} bytes at most")
        case.largest = size
        if size < 4096:
            case.stderr = "stderr"  # the limit holds for what it says, too
        yield case
