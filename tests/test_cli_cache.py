"""``convlab cache``: compiled loops listed, deleted and made, by real processes."""

import json
import os
import re

import pytest

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
        "delete the others with: convlab cache clear",
    ]


def test_info_without_a_folder_that_can_be_written(convlab):
    first, second = convlab.works("cache", "info", CONVLAB_CACHE_DIR=os.devnull).splitlines()
    assert first.startswith(f"in use: none, since {os.devnull}/convlab/kernels-")
    assert first.endswith(" cannot be written: every process compiles its loops anew")
    assert second == "others: 0 folders, 0 files, 0.0 MB"
    assert info(convlab, os.devnull) == {"in_use": None, "others": []}


# --- clear -------------------------------------------------------------------------------


def test_clear_deletes_the_others_alone(convlab, root):
    own = info(convlab, root.parent)["in_use"]["folder"]
    out = convlab.works("cache", "clear", CONVLAB_CACHE_DIR=root.parent)
    assert out == "deleted 2 folders: 300 bytes freed\n"
    assert not (root / OLD).exists() and not (root / OLDER).exists()
    assert os.path.isdir(own) and keeps(root)
    out = convlab.works("cache", "clear", CONVLAB_CACHE_DIR=root.parent)
    assert out == "deleted 0 folders: 0 bytes freed\n"


def test_clear_all_deletes_the_one_in_use_too(convlab, root):
    own = info(convlab, root.parent)["in_use"]["folder"]
    with open(os.path.join(own, "loop.nbc"), "wb") as file:
        file.write(b"x" * 1234)
    out = convlab.works("cache", "clear", "--all", CONVLAB_CACHE_DIR=root.parent)
    assert out == "deleted 3 folders: 1,534 bytes freed\n"
    assert not os.path.exists(own) and keeps(root)


def test_clear_follows_no_symbolic_link(convlab, root, tmp_path):
    fill(tmp_path / "elsewhere", [10])
    (root / "kernels-00000000000000aa").symlink_to(tmp_path / "elsewhere")
    (root / OLD / "link").symlink_to(tmp_path / "elsewhere")
    (root / OLD / "file").symlink_to(tmp_path / "elsewhere" / "kernels_0123" / "loop-0.nbc")
    assert len(info(convlab, root.parent)["others"]) == 2
    assert convlab.works("cache", "clear", CONVLAB_CACHE_DIR=root.parent).startswith("deleted 2 ")
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
    out = convlab.works("cache", "clear", "--all", CONVLAB_CACHE_DIR=os.devnull)
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
    now, _, total, folder = warm(convlab)
    assert now == 0 and total > 10
    found = json.loads(convlab.works("cache", "info", "--json"))["in_use"]
    assert found["folder"] == folder and found["files"] >= total and found["bytes"] > 100_000


def test_warm_without_a_folder_that_can_be_written(convlab):
    message = convlab.fails("cache", "warm", CONVLAB_CACHE_DIR=os.devnull)
    start = f"cache: expected a folder that can be written, got {os.devnull}/convlab/kernels-"
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
