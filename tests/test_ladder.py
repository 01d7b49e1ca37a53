"""The ladder of loops: every rung and every other way against the definition, and its command."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from convlab_cli.bench import command
from convlab_cli.bench_ladder import SHOWN
from PIL import Image
from scipy.signal import correlate

from convlab import bench, ladder, shapes
from convlab.bench import fourier, measure, winograd
from convlab.bench.convolutions import Layer
from convlab.bench.ladder import MOST_BYTES, other_ways
from convlab.errors import ShapeError, SpecError
from convlab.kernels import cuda
from convlab.ladder import CUDA_RUNGS, RUNGS, CudaTask, Task, difference
from convlab.ladder.rungs import PART

# Sizes that fill no block: 3 channels to 6, a map of odd sides, two tiles of lanes.
WIDE = shapes.conv2d_geometry(3, 6, (7, 33), (2, 3), padding=(0, 0, 2, 1))
ODD = shapes.conv2d_geometry(3, 5, (5, 8), (3, 3), padding=(1, 1, 0, 1))
FIVE = shapes.conv2d_geometry(2, 4, (9, 7), (5, 5))


def arrays(g, batch):
    rng = np.random.default_rng(7)
    x = rng.standard_normal((batch, g.in_channels, *g.input), dtype=np.float32)
    return x, rng.standard_normal(g.weight_shape, dtype=np.float32)


def by_scipy(x, weight, g):
    """The output in float64."""
    top, bottom, left, right = g.padding
    padded = np.pad(x.astype(float), ((0, 0), (0, 0), (top, bottom), (left, right)))
    rows = [
        [correlate(image, kernel.astype(float), "valid", "direct")[0] for kernel in weight]
        for image in padded
    ]
    return np.array(rows)


@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.idea)
def test_every_rung_is_the_convolution(rung):
    # 17 images, so that a row has 34 * 17 lanes: more than a tile, and no whole vectors.
    x, weight = arrays(WIDE, 17)
    task, expected = Task(rung, x, weight, WIDE), by_scipy(x, weight, WIDE)
    if task.share < 1:  # plain Python
        x, weight = x[:1], weight[:1]
        task, expected = Task(rung, x, weight, WIDE), expected[:1, :1]
    out = task.output()
    rows, columns = out.shape[2:]
    assert rows >= 5 and out.dtype == np.float32
    np.testing.assert_allclose(out, expected[:, :, :rows, :columns], rtol=0, atol=2e-5)


def test_plain_python_does_a_part_and_says_which():
    g = bench.LAYERS[1].geometry  # C3
    x, weight = arrays(g, 64)
    task = Task(RUNGS[0], x, weight, g)
    out = task.output()
    # A window of C3 has 150 numbers: 3 rows of 10 cells for 11 kernels are 49,500 products.
    assert task.share == pytest.approx(out.size / (64 * 16 * 10 * 10))
    assert PART / 2 < out.size * 150 <= PART
    expected = by_scipy(x[:1], weight[: out.shape[1]], g)
    np.testing.assert_allclose(out, expected[:, :, : out.shape[2]], rtol=0, atol=1e-4)


def test_a_window_of_more_products_than_the_part_is_cut():
    g = shapes.conv2d_geometry(60, 1, (50, 50), (50, 50))
    x, weight = arrays(g, 1)
    task = Task(RUNGS[0], x, weight, g)
    # 20 of the 60 channels make 50,000 products.
    assert task.share == pytest.approx(20 / 60)
    expected = by_scipy(x[:, :20], weight[:, :20], shapes.conv2d_geometry(20, 1, *[(50, 50)] * 2))
    np.testing.assert_allclose(task.output(), expected, rtol=0, atol=1e-2)


def test_the_loops_have_stride_1_alone():
    g = shapes.conv2d_geometry(1, 1, (5, 5), (3, 3), (2, 1))
    with pytest.raises(ShapeError, match=r"^ladder: expected stride 1, .*, got stride \(2, 1\), "):
        Task(RUNGS[1], *arrays(g, 1), g)


@pytest.mark.cuda
@pytest.mark.parametrize("rung", CUDA_RUNGS, ids=lambda rung: rung.idea)
def test_every_cuda_rung_is_the_convolution(rung):
    # More channels than a tile has, and lanes that fill no block.
    g = shapes.conv2d_geometry(2, 9, (3, 4), (2, 3), padding=(1, 0, 0, 1))
    x, weight = arrays(g, 3)
    out = CudaTask(rung, x, weight, g).output()
    np.testing.assert_allclose(out, by_scipy(x, weight, g), rtol=0, atol=1e-5)


@pytest.mark.parametrize("g", [WIDE, ODD, FIVE])
def test_other_ways_are_the_convolution(g):
    x, weight = arrays(g, 3)
    ways = other_ways(x, weight, g)
    for way in ways:
        if way.note:
            assert (way.name, way.note) == ("Winograd F(2×2, 3×3)", "3 × 3 only")
        else:
            np.testing.assert_allclose(way.run(), by_scipy(x, weight, g), rtol=0, atol=2e-5)
    assert [bool(way.note) for way in ways] == [False, False, g.kernel != (3, 3)]


def test_winograd_has_the_16_products_of_a_tile():
    """In float64 it is exact, and the transforms are as large as the paper's counts say."""
    x, weight = (a.astype(float) for a in arrays(ODD, 3))
    out = winograd.forward(np.ascontiguousarray(x.transpose(1, 2, 3, 0)), weight, ODD)
    np.testing.assert_allclose(out.transpose(3, 0, 1, 2), by_scipy(x, weight, ODD), atol=1e-12)
    # Output 5 x 7 is 3 x 4 tiles of 3 images for 3 + 5 maps, and 15 kernels: 16 floats each.
    assert winograd.memory(ODD, 3) == 16 * 4 * (3 * 4 * 3 * 8 + 15)


def test_memory_is_that_of_the_arrays_that_are_made():
    g = bench.LAYERS[1].geometry
    x, weight = arrays(g, 64)
    for way in other_ways(x, weight, g)[:2]:
        tracemalloc.start()
        out = way.run()
        peak = tracemalloc.get_traced_memory()[1] - out.nbytes
        tracemalloc.stop()
        assert 0.5 * way.bytes < peak < 1.5 * way.bytes, way.name
    # Input 14 x 14 is transformed as 14 x 15 numbers, 14 x 8 complex ones.
    assert fourier.memory(g, 64) == 2 * 8 * (64 * 22 + 96) * 14 * 8


def test_a_way_that_needs_too_much_memory_is_not_run():
    g = shapes.conv2d_geometry(300, 400, (120, 120), (1, 1))
    x, weight = np.zeros((1, 300, 120, 120), np.float32), np.zeros(g.weight_shape, np.float32)
    way = other_ways(x, weight, g)[1]
    spectrum = 8 * 120 * 61 * (300 + 400 + 120_000)
    assert way.bytes == 2 * spectrum > MOST_BYTES
    assert way.note == f"needs {2 * spectrum / 1e9:.1f} GB"


def test_a_ladder_is_measured():
    layer = Layer("small", 2, 3, (6, 6), 3, batch=2)
    rungs, others, roof = bench.measure_ladder(layer, rounds=1)
    assert 1e9 < roof.flops < 1e14 and 1e8 < roof.bandwidth < 1e13
    flops = 2 * 9 * 2 * 3 * 16 * 2
    assert [row.idea for row in rungs] == [rung.idea for rung in RUNGS]
    assert {row.flops for row in rungs + others} == {layer.flops} == {flops}
    for row in rungs:
        assert row.speed == pytest.approx(flops / row.seconds.median)
        assert row.error < 1e-6 and row.memory is None
    for row in others:
        assert row.error < 1e-5 and row.memory > 0


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Layer("", 64, 128, (56, 56), 3), r"at most 2 GFLOP, got 27\.5; a smaller --batch"),
        (Layer("", 1, 1, (9000, 9000), 1, batch=1), "at most 134,217,728 numbers .* 162,000,001"),
        (Layer("", 65_535, 65_535, (65_535,) * 2, 255), "."),
    ],
)
def test_too_much_work_is_refused(layer, message):
    with pytest.raises((SpecError, ShapeError), match=message):
        bench.check_ladder(layer)


# --- the text ----------------------------------------------------------------------------


def test_each_rung_is_a_short_loop():
    for rung in RUNGS:
        assert 3 <= len(rung.lines) <= 40
        assert "def convolve(" in rung.source
        assert rung.text.partition("\n")[0].endswith(".")


def test_a_difference_is_what_changed():
    compiled = difference(2).splitlines()
    assert [line for line in compiled if line.startswith("+")][1:] == ["+@loop(parallel=False)"]
    threads = [line[1:].strip() for line in difference(3).splitlines() if line.startswith("+")]
    assert threads[2:4] == [
        "for turn in prange(batch * outputs):",
        "n, o = turn // outputs, turn % outputs",
    ]
    assert difference(1) == difference(len(RUNGS)) == ""


def test_the_page_in_docs_is_what_the_command_prints(convlab, request):
    """Written by ``convlab bench ladder --show all > docs/ladder.md``."""
    kept = (request.config.rootpath / "docs" / "ladder.md").read_text(encoding="utf-8")
    assert convlab.works("bench", "ladder", "--show", "all") == kept


def test_show_one_rung(convlab):
    out = convlab.works("bench", "ladder", "--show", 4)
    assert out.startswith("# 4. The batch lies innermost\n")
    assert "\n+++ batch_innermost.py\n" in out


# --- the command -------------------------------------------------------------------------

SMALL = ("ladder", "--input", "6x6x2", "--filters", "3", "--batch", "2", "--rounds", "1")


def in_this_process(*arguments):
    """Standard output of the command, run where the loops are compiled already."""
    result = CliRunner().invoke(command, [*SMALL, *map(str, arguments)])
    assert result.exit_code == 0, result
    return result.stdout


def check_json(found):
    assert found["flops"] == 2 * 9 * 2 * 3 * 16 * 2
    assert [row["rung"] for row in found["rungs"]] == list(range(1, 10))
    first, second = found["rungs"][:2]
    assert first["gain"] is None
    assert second["gain"] == pytest.approx(second["flops_per_second"] / first["flops_per_second"])
    assert [row["note"] for row in found["others"]] == ["", "", ""]


def test_table_and_picture(tmp_path):
    out = in_this_process("--kernel", 3, "-o", tmp_path / "ladder.png")
    lines = out.splitlines()
    assert lines[2].startswith("6 × 6 × 2 to 3 maps, 3 × 3, padding 0, batch 2: 0.0 MFLOP")
    assert lines[3].startswith("peak of multiply-adds ")
    assert [line.split()[0] for line in lines[6:15]] == [*"123456789"]
    assert [line.split()[0] for line in lines[17:20]] == ["im2col,", "FFT", "Winograd"]
    assert all(line.endswith(" MB") for line in lines[17:20])
    with Image.open(tmp_path / "ladder.png") as picture:
        assert picture.size == (1600, 900)


def test_json():
    check_json(json.loads(in_this_process("--kernel", 3, "--json")))


@pytest.mark.slow
def test_as_a_user_runs_it(convlab):
    result = convlab("bench", *SMALL, "--kernel", 3, "--json")
    assert result.status == 0, result
    check_json(json.loads(result.out))
    result = convlab("bench", *SMALL, "--kernel", 2, "--threads", 1)
    assert result.status == 0, result
    assert result.out.splitlines()[19].split("  ")[-1].strip() == "3 × 3 only"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--kernel", 15], "kernel larger than padded input: a kernel of 15 × 15 does not fit"),
        (["--batch", 60_000], "ladder: expected a convolution of at most 2 GFLOP, got 28.8;"),
        (["--input", "14x14"], "Invalid value for '--input': expected whole numbers such as 14x"),
        (["--show", "10"], "Invalid value for '--show': '10' is not one of '1', "),
        (["--kernel", 0], "Invalid value for '--kernel': 0 is not in the range 1<=x<=65535"),
    ],
)
def test_misuse(convlab, arguments, message):
    assert convlab.misused("bench", "ladder", *arguments).startswith(message)


@pytest.mark.cuda
def test_rungs_of_a_gpu(monkeypatch):
    if cuda.SIMULATED:  # whose clock stands still
        monkeypatch.setattr(cuda, "seconds", measure.seconds)
    sizes = ("--input", "3x3x1", "--filters", 1, "--batch", 1, "--kernel", 3)
    found = json.loads(in_this_process(*sizes, "--cuda", "--json"))
    assert [row["idea"] for row in found["rungs"]] == [rung.idea for rung in CUDA_RUNGS]
    assert all(row["error"] < 1e-6 for row in found["rungs"])


def test_without_a_gpu_cuda_is_one_line(convlab):
    if cuda.why_not() is None:
        pytest.skip("there is one")
    message = convlab.fails("bench", "ladder", "--cuda")
    assert message.startswith("device cuda: expected an NVIDIA GPU with its driver, got none: ")


def test_shown_rungs_are_all():
    assert (*(str(number) for number in range(1, len(RUNGS) + 1)), "all") == SHOWN


# --- the picture of what was measured before -----------------------------------------------


def measured():
    return json.loads(Path(ladder.__file__).with_name("measured.json").read_text())


def test_the_picture_shows_what_the_file_says(convlab, tmp_path):
    out = tmp_path / "ladder.png"
    convlab.works("render", "ladder", "-o", out, "--json-file", tmp_path / "kept.json")
    assert json.loads((tmp_path / "kept.json").read_text())["result"] == measured()
    text = convlab.works("render", "ladder", "-o", out, "--alt")
    for row in measured()["rungs"]:
        assert f"{row['idea']}: {row['flops_per_second'] / 1e9:.3g} GF/s" in text


def test_what_bench_writes_can_be_drawn(convlab, tmp_path):
    (tmp_path / "own.json").write_text(in_this_process("--json"))
    convlab.works("render", "ladder", tmp_path / "own.json", "-o", tmp_path / "own.svg")
    assert "6 × 6 × 2 to 3 maps" in (tmp_path / "own.svg").read_text()


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.pop("others"),
        lambda record: record.update(rungs=3),
        lambda record: record.update(rungs=[]),
        lambda record: record.update(rungs=record["rungs"] * 2),
        lambda record: record.update(bytes=0),
        lambda record: record["machine"].update(cheese=1),
        lambda record: record["layer"].update(name=None),
        lambda record: record["rungs"][0].update(share_timed=0),
        lambda record: record["rungs"][3].update(flops_per_second="fast"),
        lambda record: record["rungs"][3].update(flops_per_second=-1),
        lambda record: record["others"][0].update(extra_memory="much"),
        lambda record: record["others"][0].update(idea="a" * 5000),
    ],
)
def test_another_file_is_refused(convlab, tmp_path, change):
    record = measured()
    change(record)
    path = tmp_path / "other.json"
    path.write_text(json.dumps(record))
    message = convlab.fails("render", "ladder", path, "-o", tmp_path / "ladder.png")
    wanted = "expected what convlab bench ladder --json wrote, got something else"
    assert message == f"{path}: {wanted}"
