"""Compiled loops: kept and found again, and ``convlab cache`` by real processes."""

import errno
import json
import os
import pickle
import re
import subprocess
import sys
import warnings

import numba
import numpy as np
import pytest

from convlab.errors import CacheWarning
from convlab.kernels import cache

OLD = "kernels-0123456789abcdef"
OLDER = "kernels-fedcba9876543210"
# Not folders of compiled loops, whatever they look like.
OTHERS = ["mnist", "kernels-", "kernels-0123", "kernels-0123456789ABCDEF", f"{OLD}0", f"my-{OLD}"]

COMPILED = re.compile(r"compiled (\d+) functions? in (\d+\.\d) s: (\d+) in (.+)\n")


def fill(folder, sizes):
    """A folder with files of so many bytes each, in a folder of their own as Numba has them."""
    inner = folder / "kernels_0123"
    inner.mkdir(parents=True)
    for number, size in enumerate(sizes):
        (inner / f"loop-{number}.nbc").write_bytes(b"x" * size)


@pytest.fixture
def root(tmp_path):
    """A cache folder with compiled loops of two other versions, 300 bytes, and things to keep."""
    root = tmp_path / "cache" / "convlab"
    fill(root / OLD, [100, 50])
    fill(root / OLDER, [150])
    for name in OTHERS:
        fill(root / name, [1000])
    (root / "kernels-00000000000000ff").write_bytes(b"a file")
    return root


def info(convlab, root, **settings):
    return json.loads(convlab.works("cache", "info", "--json", CONVLAB_CACHE_DIR=root, **settings))


def keeps(root):
    """Whether everything that is not a folder of compiled loops is there."""
    files = [root / name / "kernels_0123" / "loop-0.nbc" for name in OTHERS]
    return all(file.stat().st_size == 1000 for file in files) and (
        (root / "kernels-00000000000000ff").read_bytes() == b"a file"
    )


# --- one loop ----------------------------------------------------------------------------


def double(x):
    return x + x


def pick(x, index):
    return x[index]


def call(function, folder, *arguments):
    """(what a fresh loop answers, whether its compiled version was found in the folder)."""
    loop = numba.njit(function)
    loop._cache = cache.LoopCache(function, folder)
    return loop(*arguments), sum(loop.stats.cache_hits.values()) == 1


def silent(*arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return call(*arguments)


class Planted:
    """Unpickled, it makes a folder."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def put_folder(file):
    file.unlink()
    (file / "inner").mkdir(parents=True)


def put_link(file):
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("elsewhere")


def put_other(file):
    call(pick, file.parent, np.arange(3.0), 1)
    (other,) = file.parent.glob("pick-*")
    other.replace(file)


DAMAGES = {
    "cut": lambda file: file.write_bytes(file.read_bytes()[:-100]),
    "empty": lambda file: file.write_bytes(b""),
    "one bit": lambda file: file.write_bytes(
        (content := file.read_bytes())[:5000] + bytes([content[5000] ^ 1]) + content[5001:]
    ),
    "another version's": lambda file: file.write_bytes(pickle.dumps("0.1.0") + file.read_bytes()),
    "planted": lambda file: file.write_bytes(
        bytes(32) + pickle.dumps(Planted(file.with_name("made")))
    ),
    "another loop's": put_other,
    "a folder": put_folder,
    "a link": put_link,
    "anybody's": lambda file: file.chmod(0o666),
    "a pipe": lambda file: (file.unlink(), os.mkfifo(file)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_compiled_again_and_replaced(tmp_path, damage):
    assert silent(double, tmp_path, 2.5) == (5.0, False)
    assert silent(double, tmp_path, 2.5) == (5.0, True)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    DAMAGES[damage](file)
    with pytest.warns(CacheWarning) as said:
        assert call(double, tmp_path, 2.5) == (5.0, False)
    assert [str(warning.message) for warning in said] == [
        f"damaged files in {tmp_path}: their loops are compiled again"
    ]
    assert not (tmp_path / "made").exists()
    assert silent(double, tmp_path, 2.5) == (5.0, True)


def test_a_bounds_checked_loop_is_another_one(tmp_path, monkeypatch):
    x = np.arange(3.0)
    assert silent(pick, tmp_path, x, 1) == (1.0, False)
    for name, value in {"OPT": 1, "DEBUGINFO_DEFAULT": 1, "BOUNDSCHECK": 1}.items():
        with monkeypatch.context() as changed:
            changed.setattr(numba.config, name, value)
            assert silent(pick, tmp_path, x, 1) == (1.0, False), name
            assert silent(pick, tmp_path, x, 1) == (1.0, True), name
            if name == "BOUNDSCHECK":
                with pytest.raises(IndexError):
                    call(pick, tmp_path, x, 3)
    assert silent(pick, tmp_path, x, 1) == (1.0, True)


@pytest.mark.parametrize("function", ["tempfile.mkstemp", "os.replace"])
def test_a_full_disk_costs_time_only(tmp_path, monkeypatch, function):
    def fail(*arguments, **settings):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(function, fail)
    with pytest.warns(CacheWarning, match="not kept in .*: No space left on device"):
        assert call(double, tmp_path, 2) == (4, False)
    assert list(tmp_path.iterdir()) == []


# --- whose folder it is ------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows has other rights")
def test_the_folder_is_the_users_alone(tmp_path, monkeypatch):
    folder = tmp_path / "above" / "kernels"
    before = os.umask(0)
    try:
        cache._make(folder)
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (folder, folder.parent)] == [0o700] * 2

    def why(path, own=folder):
        monkeypatch.setattr(cache, "own_folder", lambda: own)
        cache._unsafe.cache_clear()
        reason = cache._unsafe()
        assert reason is None or str(path) in reason
        return reason

    link = tmp_path / "link"
    link.symlink_to(folder)
    others = "can be written by others"
    for path, mode, reason in [
        (folder, 0o755, None),
        (folder, 0o777, others),
        (folder, 0o1777, others),  # sticky: others can make files in it
        (folder, 0o772, others),
        (folder, 0o770, others),
        (folder.parent, 0o777, others),
        (folder.parent, 0o1777, None),  # but cannot rename what is the user's
        (folder.parent, 0o755, None),
    ]:
        path.chmod(mode)
        for way in (folder, link, tmp_path / "above" / ".." / "above" / "kernels"):
            found = why(tmp_path, way)
            assert (found is None) == (reason is None) and (reason or "") in (found or ""), path
        path.chmod(0o700)
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "link").symlink_to(folder)
    (tmp_path / "open").chmod(0o777)
    assert others in why(tmp_path / "open", tmp_path / "open" / "link")
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    assert "belongs to another user" in why(folder)


def test_a_folder_that_others_can_write_is_one_line(tmp_path, convlab):
    folder = json.loads(convlab.works("cache", "info", "--json", CONVLAB_CACHE_DIR=tmp_path))
    folder = folder["in_use"]["folder"]
    os.chmod(folder, 0o777)
    script = """
import numpy as np
from convlab_cli import output
from convlab.kernels import device
output.prepare()
print(device.aligned(8, np.float32).shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"CONVLAB_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.startswith("(")
    assert done.stderr == (
        "note: compiled loops are not kept: expected a folder that only you can write to, but"
        f" {folder} can be written by others\n"
    )
    assert os.listdir(folder) == []
    assert f"{folder} can be written by others" in convlab.fails(
        "cache", "warm", CONVLAB_CACHE_DIR=tmp_path
    )


# --- info --------------------------------------------------------------------------------


def test_info_counts_every_folder_of_compiled_loops(convlab, root):
    found = info(convlab, root.parent)
    assert found["others"] == [
        {"folder": str(root / OLD), "files": 2, "bytes": 150},
        {"folder": str(root / OLDER), "files": 1, "bytes": 150},
    ]
    own = found["in_use"]
    assert re.fullmatch("kernels-[0-9a-f]{16}", os.path.basename(own.pop("folder")))
    assert own == {"files": 0, "bytes": 0}


def test_info_as_text(convlab, root):
    own = info(convlab, root.parent)["in_use"]["folder"]
    assert convlab.works("cache", "info", CONVLAB_CACHE_DIR=root.parent).splitlines() == [
        f"in use: {own}, 0 files, 0.0 MB",
        "others: 2 folders, 3 files, 0.0 MB",
        "delete the others with: convlab cache clear --others",
    ]


def test_info_without_a_folder_that_can_be_written(convlab):
    first, second = convlab.works("cache", "info", CONVLAB_CACHE_DIR=os.devnull).splitlines()
    assert first.startswith(f"in use: none, since {os.devnull}/convlab/kernels-")
    assert first.endswith(" cannot be written: every process compiles its loops anew")
    assert second == "others: 0 folders, 0 files, 0.0 MB"
    assert info(convlab, os.devnull) == {"in_use": None, "others": []}


# --- clear -------------------------------------------------------------------------------


def test_clear_can_delete_the_others_alone(convlab, root):
    own = info(convlab, root.parent)["in_use"]["folder"]
    out = convlab.works("cache", "clear", "--others", CONVLAB_CACHE_DIR=root.parent)
    assert out == "deleted 2 folders: 300 bytes freed\n"
    assert not (root / OLD).exists() and not (root / OLDER).exists()
    assert os.path.isdir(own) and keeps(root)
    out = convlab.works("cache", "clear", "--others", CONVLAB_CACHE_DIR=root.parent)
    assert out == "deleted 0 folders: 0 bytes freed\n"


def test_clear_deletes_the_one_in_use_too(convlab, root):
    own = info(convlab, root.parent)["in_use"]["folder"]
    with open(os.path.join(own, "loop.nbc"), "wb") as file:
        file.write(b"x" * 1234)
    out = convlab.works("cache", "clear", CONVLAB_CACHE_DIR=root.parent)
    assert out == "deleted 3 folders: 1,534 bytes freed\n"
    assert not os.path.exists(own) and keeps(root)
    root.joinpath(own).write_text("a file in the folder's place")
    convlab.works("cache", "clear", CONVLAB_CACHE_DIR=root.parent)
    assert not os.path.exists(own)


def test_clear_follows_no_symbolic_link(convlab, root, tmp_path):
    fill(tmp_path / "elsewhere", [10])
    (root / "kernels-00000000000000aa").symlink_to(tmp_path / "elsewhere")
    (root / OLD / "link").symlink_to(tmp_path / "elsewhere")
    (root / OLD / "file").symlink_to(tmp_path / "elsewhere" / "kernels_0123" / "loop-0.nbc")
    assert len(info(convlab, root.parent)["others"]) == 2
    out = convlab.works("cache", "clear", "--others", CONVLAB_CACHE_DIR=root.parent)
    assert out.startswith("deleted 2 ")
    assert not (root / OLD).exists()
    assert (root / "kernels-00000000000000aa").is_symlink()
    assert (tmp_path / "elsewhere" / "kernels_0123" / "loop-0.nbc").stat().st_size == 10


def test_two_that_delete_at_once(convlab, root):
    for number in range(20):
        fill(root / f"kernels-{number:016x}", [1] * 200)
    processes = [convlab.start("cache", "clear", CONVLAB_CACHE_DIR=root.parent) for _ in range(2)]
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, ""), err
        assert re.fullmatch(r"deleted \d+ folders?: [\d,]+ bytes freed\n", out)
    assert info(convlab, root.parent)["others"] == [] and keeps(root)


def test_clear_where_there_is_nothing(convlab):
    out = convlab.works("cache", "clear", CONVLAB_CACHE_DIR=os.devnull)
    assert out == "deleted 0 folders: 0 bytes freed\n"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may delete all")
def test_clear_of_a_folder_that_cannot_be_deleted(convlab, root):
    (root / OLD / "kernels_0123").chmod(0o500)
    message = convlab.fails("cache", "clear", CONVLAB_CACHE_DIR=root.parent)
    assert message == f"{root / OLD}: cannot be deleted: Permission denied"


# --- warm --------------------------------------------------------------------------------


def warm(convlab, **settings):
    """(compiled now, seconds, compiled in all, folder) as ``convlab cache warm`` says."""
    line = convlab.works("cache", "warm", **settings)
    now, seconds, total, folder = COMPILED.fullmatch(line).groups()
    return int(now), float(seconds), int(total), folder


def test_warm_finds_what_is_compiled(convlab):
    warm(convlab)
    # What another process compiles at the same time is counted too.
    for _ in range(3):
        now, _, total, folder = warm(convlab)
        if now == 0:
            break
    assert now == 0 and total > 10
    found = json.loads(convlab.works("cache", "info", "--json"))["in_use"]
    assert found["folder"] == folder and found["files"] >= total and found["bytes"] > 100_000


def test_warm_without_a_folder_that_can_be_written(convlab):
    message = convlab.fails("cache", "warm", CONVLAB_CACHE_DIR=os.devnull)
    start = "cache: expected a folder that only you can write to, but"
    start = f"{start} {os.devnull}/convlab/kernels-"
    assert message.startswith(start) and message.endswith("; CONVLAB_CACHE_DIR names another")


@pytest.mark.slow
def test_two_that_compile_at_once_into_an_empty_folder(convlab, tmp_path_factory):
    cache = {"CONVLAB_CACHE_DIR": tmp_path_factory.mktemp("cache")}
    processes = [convlab.start("cache", "warm", **cache) for _ in range(2)]
    for process in processes:
        out, err = process.communicate(timeout=300)
        assert (process.returncode, err) == (0, ""), err
        assert COMPILED.fullmatch(out)
    now, _, total, _ = warm(convlab, **cache)
    assert now == 0
    # And the first training, with batches of another size, compiles nothing.
    for model in ("lenet5", "lenet5-1998", "dense"):
        result = convlab("train", "--model", model, "--epochs", 1, **cache)
        assert result.status == 0 and "compiling" not in result.err, result
    assert warm(convlab, **cache)[2] == total


# --- usage -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["nosuch"], "No such command 'nosuch'."),
        (["info", "extra"], "Got unexpected extra argument (extra)"),
        (["clear", "--nosuch"], "No such option"),
        (["warm", "--json"], "No such option"),
    ],
)
def test_wrong_usage(convlab, arguments, message):
    assert message in convlab.misused("cache", *arguments)
