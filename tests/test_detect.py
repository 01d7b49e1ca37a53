"""Detection: dense layers as convolutions, boxes, their precision, scenes, the command."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from convlab_cli import detect, train
from PIL import Image

from convlab import Tensor, data, insight, models, no_grad, tasks, training, viz
from convlab.data.scenes import scene, scene_crops
from convlab.errors import DataError, SpecError

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")[1]


# --- dense layers as convolutions -----------------------------------------------------------


@pytest.mark.parametrize("name", ["lenet5", "lenet5-1998", "dense", "fashion-cnn"])
def test_on_its_own_input_the_network_answers_the_same(name):
    network = models.build(name).eval()
    converted = insight.fully_convolutional(network).eval()
    x = Tensor(RNG.standard_normal((3, *network.input_shape)).astype(np.float32))
    with no_grad():
        before, after = network(x).numpy(), converted(x).numpy()
    assert after.shape == (*before.shape, 1, 1)
    np.testing.assert_allclose(after[:, :, 0, 0], before, rtol=1e-5, atol=1e-5)


def test_without_padding_a_larger_picture_gives_every_window_s_answer():
    # LeNet-5 of 1998 has no padding: what a window sees is its own pixels alone.
    network = models.build("lenet5-1998").eval()
    converted = insight.fully_convolutional(network).eval()
    assert insight.scan_stride(converted) == (4, 4)
    picture = RNG.standard_normal((1, 1, 44, 40)).astype(np.float32)
    with no_grad():
        maps = converted(Tensor(picture)).numpy()
        assert maps.shape == (1, 10, 4, 3)
        for row in range(4):
            for column in range(3):
                part = picture[:, :, 4 * row : 4 * row + 32, 4 * column : 4 * column + 32]
                answer = network(Tensor(part)).numpy()[0]
                np.testing.assert_allclose(maps[0, :, row, column], answer, rtol=1e-4)


GLOBAL = """
input = "12x12x1"
[[layer]]
type = "Conv2d"
out_channels = 4
kernel_size = 3
[[layer]]
type = "AdaptiveAvgPool2d"
output_size = {output}
[[layer]]
type = "Flatten"
[[layer]]
type = "Linear"
out_features = "classes"
"""


@pytest.mark.parametrize("output", [1, 5])
def test_even_adaptive_pooling_is_a_window(output):
    network = models.spec.build_from_text(GLOBAL.format(output=output), name="global")
    converted = insight.fully_convolutional(network)
    x = Tensor(RNG.standard_normal((2, 1, 12, 12)).astype(np.float32))
    with no_grad():
        np.testing.assert_allclose(
            converted(x).numpy()[:, :, 0, 0], network(x).numpy(), rtol=1e-5, atol=1e-6
        )


# Branches of maps and of vectors, without padding.
BRANCHES = """
input = "20x18x1"
layer = [
    {type="Conv2d", name="conv1", out_channels=4, kernel_size=3},
    {type="ReLU", name="relu1"},
    {type="Conv2d", name="three", out_channels=3, kernel_size=3, stride=2},
    {type="MaxPool2d", name="pool", inputs=["relu1"], kernel_size=3, stride=2},
    {type="Concat", name="both", inputs=["three", "pool"]},
    {type="Conv2d", name="one", out_channels=7, kernel_size=1},
    {type="Add", name="sum", inputs=["both", "one"]},
    {type="Flatten", name="flat"},
    {type="Linear", name="fc1", out_features=12},
    {type="ReLU", name="relu2"},
    {type="Linear", name="fc2", out_features=12},
    {type="Concat", name="vectors", inputs=["relu2", "fc2"]},
    {type="Linear", name="fc3", out_features="classes"},
]
"""


def test_branches_give_every_window_s_answer():
    network = models.spec.build_from_text(BRANCHES, name="branches").eval()
    converted = insight.fully_convolutional(network).eval()
    assert insight.scan_stride(converted) == (2, 2)
    picture = RNG.standard_normal((1, 1, 26, 22)).astype(np.float32)
    with no_grad():
        maps = converted(Tensor(picture)).numpy()
        assert maps.shape == (1, 10, 4, 3)
        for row in range(4):
            for column in range(3):
                part = picture[:, :, 2 * row : 2 * row + 20, 2 * column : 2 * column + 18]
                answer = network(Tensor(part)).numpy()[0]
                np.testing.assert_allclose(maps[0, :, row, column], answer, rtol=1e-4, atol=1e-5)


def test_networks_that_cannot_be_moved_over_a_picture():
    uneven = models.spec.build_from_text(GLOBAL.format(output=3), name="uneven")
    with pytest.raises(SpecError, match="uneven: cannot .* even windows, got adaptiveavgpool2d1"):
        insight.fully_convolutional(uneven)
    # Windows of one branch are 2 pixels apart, of the other 1.
    strides = BRANCHES.replace("kernel_size=3, stride=2}", "kernel_size=[11, 10]}", 1)
    # Maps that are flat before they are joined.
    flat = BRANCHES.replace(
        '{type="Add", name="sum", inputs=["both", "one"]},\n    {type="Flatten", name="flat"}',
        '{type="Flatten", name="one_flat"}, {type="Flatten", name="both_flat", inputs=["both"]},\n'
        '    {type="Add", name="flat", inputs=["one_flat", "both_flat"]}',
    )
    for text, came in ((strides, "branches of several strides"), (flat, "flat of flat maps")):
        branches = models.spec.build_from_text(text, name="branches")
        with pytest.raises(SpecError, match=f"branches: cannot be made fully .*{came}"):
            insight.fully_convolutional(branches)


# --- boxes --------------------------------------------------------------------------------


def test_intersection_over_union_by_counting_pixels():
    boxes = RNG.integers(0, 12, (40, 2, 2))
    boxes = np.concatenate([boxes.min(axis=1), boxes.max(axis=1) + 1], axis=1)
    drawn = np.zeros((len(boxes), 14, 14), bool)
    for canvas, (top, left, bottom, right) in zip(drawn, boxes, strict=True):
        canvas[top:bottom, left:right] = True
    both = (drawn[:, None] & drawn).sum(axis=(2, 3))
    either = (drawn[:, None] | drawn).sum(axis=(2, 3))
    np.testing.assert_allclose(tasks.overlaps(boxes, boxes), both / either)


def test_suppression_worked_by_hand():
    # 0 and 1 share 80 of 120 pixels (2/3), 1 and 2 share 20 of 180 (1/9), 3 is alone.
    boxes = [[0, 0, 10, 10], [0, 2, 10, 12], [0, 10, 10, 20], [50, 50, 60, 60]]
    scores = [0.8, 0.9, 0.7, 0.1]
    assert tasks.non_maximum_suppression(boxes, scores, 0.5).tolist() == [1, 2, 3]
    assert tasks.non_maximum_suppression(boxes, scores, 0.1).tolist() == [1, 3]
    assert tasks.non_maximum_suppression(boxes, scores, 0.7).tolist() == [1, 0, 2, 3]
    assert tasks.non_maximum_suppression(np.zeros((0, 4)), [], 0.5).tolist() == []
    with pytest.raises(SpecError, match="share from 0 to 1, got 2"):
        tasks.non_maximum_suppression(boxes, scores, 2)


def test_a_true_box_is_hit_once():
    truth = np.array([[0, 0, 10, 10], [20, 20, 30, 30]])
    # The second overlaps the same true box, the third by exactly a half: not above it.
    found = np.array([[0, 0, 10, 9], [0, 0, 10, 10], [20, 20, 30, 25], [80, 80, 90, 90]])
    assert tasks.matched(found, truth).tolist() == [True, False, False, False]
    assert tasks.matched(found, np.zeros((0, 4))).tolist() == [False] * 4


def test_average_precision_worked_by_hand():
    # Hits at ranks 1, 3 and 4 of 5; four to find.  Precision 1, 1/2, 2/3, 3/4, 3/5; the highest
    # at that recall or a larger one: 1 up to 1/4, then 3/4 up to 3/4, then nothing.
    scores, hits = [0.9, 0.8, 0.7, 0.6, 0.5], [True, False, True, True, False]
    expected = 1 / 4 * 1 + 2 / 4 * 3 / 4
    assert tasks.average_precision(scores, hits, 4) == pytest.approx(expected)
    shuffled = [3, 0, 4, 1, 2]
    assert tasks.average_precision(
        [scores[k] for k in shuffled], [hits[k] for k in shuffled], 4
    ) == pytest.approx(expected)
    assert tasks.average_precision([], [], 3) == 0
    assert np.isnan(tasks.average_precision([0.5], [False], 0))


def test_average_precision_over_pictures_ranks_them_together():
    box, far = [0.0, 0, 10, 10], [50.0, 50, 60, 60]

    def found(boxes, support):
        count = len(boxes)
        return tasks.Detections(
            np.array(boxes), np.zeros(count, int), np.ones(count), np.array(support)
        )

    # Ranks: a miss in the second picture, then a hit in each: precision 0, 1/2, 2/3.
    pictures = [found([box], [2.0]), found([far, box], [3.0, 1.0])]
    truth = [(np.array([box]), np.array([0]))] * 2
    values = tasks.average_precisions(pictures, truth, 2)
    assert values[0] == pytest.approx(2 / 3)
    assert np.isnan(values[1])


def test_windows_become_boxes_by_their_support():
    # 3 x 4 windows of 28 pixels, 4 apart; class 2 is the background.
    windows = np.zeros((3, 4, 4))
    windows[..., 0] = 4 * np.arange(3)[:, None]
    windows[..., 1] = 4 * np.arange(4)
    windows[..., 2:] = windows[..., :2] + 28
    chances = np.zeros((3, 3, 4))
    chances[2] = 1
    for (row, column), chance in {(0, 0): 0.6, (0, 1): 0.9, (0, 2): 0.6, (2, 3): 0.4}.items():
        chances[:, row, column] = [chance, 0, 1 - chance]
    level = insight.Level(1.0, chances, windows)
    answers = tasks.detect([level], ["a", "b", data.BACKGROUND], (40, 40))
    assert answers.labels.tolist() == [0]
    assert answers.probabilities == pytest.approx([0.9])
    assert answers.support == pytest.approx([0.6 + 0.9 + 0.6])
    # The weighted mean of three, cut to 24 of 28 pixels: from 2 to 26, and from 6 to 30.
    np.testing.assert_allclose(answers.boxes, [[2, 6, 26, 30]])


# --- scenes ---------------------------------------------------------------------------------


def test_scenes_follow_their_seed(digits):
    first, again = (scene(digits, 3, seed=4) for _ in range(2))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.boxes, again.boxes)
    assert not np.array_equal(first.image, scene(digits, 4, seed=4).image)
    assert not np.array_equal(first.image, scene(digits, 3, seed=5).image)


def test_scenes_keep_their_digits_apart_and_inside(digits):
    sides = []
    for number in range(40):
        shown = scene(digits, number, clutter=4)
        assert 2 <= len(shown.labels) <= 6
        assert shown.image.shape == (1, 128, 128)
        shares = tasks.overlaps(shown.boxes, shown.boxes)
        assert (shares - np.eye(len(shares)) == 0).all()
        assert shown.boxes.min() >= 0 and shown.boxes.max() <= 128
        sides += (shown.boxes[:, 2] - shown.boxes[:, 0]).tolist()
        # Ink where the mask says so, of the labels' classes and of no others.
        assert set(np.unique(shown.mask)) - {0} == {1 + label for label in shown.labels}
        assert (shown.image[0][shown.mask > 0] >= 128).all()
    assert min(sides) < 24 and max(sides) > 40


def test_crops_are_of_digits_and_of_background(digits):
    crops = scene_crops(digits, 60, seed=1)
    assert crops.classes == (*digits.classes, "background")
    assert (crops.labels == 10).sum() == 30
    assert np.array_equal(crops.images, scene_crops(digits, 60, seed=1).images)
    middle = crops.images[crops.labels < 10][:, 0, 4:24, 4:24]
    assert (middle.max(axis=(1, 2)) > 128).all()


def test_scenes_of_what_is_none(digits):
    with pytest.raises(SpecError, match="digits of 8 to 20 pixels, got 22 to 56"):
        scene(digits, 0, size=(20, 20))
    with pytest.raises(SpecError, match="at least 0, got -1"):
        scene(digits, -1)
    small = data.Dataset(
        "s", "test", np.zeros((1, 1, 12, 12), np.uint8), np.zeros(1, np.int64), ("a",)
    )
    with pytest.raises(DataError, match="more than 16 pixels .* got 12 x 12"):
        scene(small, 0, clutter=1)
    colour = data.Dataset(
        "c", "test", np.zeros((1, 3, 8, 8), np.uint8), np.zeros(1, np.int64), ("a",)
    )
    with pytest.raises(DataError, match="expected grey images"):
        scene(colour, 0)


# --- the picture and the command ------------------------------------------------------------


@pytest.mark.parametrize("size", ["slide", "small", "animation", "paper", "paper-wide"])
@pytest.mark.parametrize("theme, shape", [("light", (128, 128)), ("dark", (60, 200))])
def test_the_picture_is_legible(assert_legible, size, theme, shape):
    places = RNG.uniform(0, 0.8, (9, 2)) * shape
    boxes = np.concatenate([places, places + 0.2 * np.array(shape)], axis=1)
    figure = viz.detections(
        RNG.integers(0, 255, (1, *shape), dtype=np.uint8),
        boxes,
        [f"{k} 0.9{k}" for k in range(9)],
        ["found", "wrong", "missed"] * 3,
        [(str(k), RNG.random(shape)) for k in range(10)],
        facts=[("found", "3 of 6 digits, 3 wrong boxes"), ("scan", "many windows " * 12)],
        title="Detection in scene:3",
        subtitle="run lenet5-scenes, lenet5 trained on scenes; 128 × 128",
        theme=theme,
        size=size,
    )
    assert_legible(figure, size)


LARGER = """
input = "32x32x1"
[[layer]]
type = "Conv2d"
out_channels = 2
kernel_size = 32
stride = 32
[[layer]]
type = "Flatten"
[[layer]]
type = "Linear"
out_features = "classes"
"""


def test_detect_in_a_scene_and_in_a_file(convlab, run):
    out = convlab("detect", run, "scene:3", "--json-file", "n.json", "-o", "seen.png")
    assert out.status == 0 and "knows no class 'background'" in out.err
    with Image.open(convlab.folder / "seen.png") as picture:
        assert picture.size == (1600, 900)
    numbers = json.loads((convlab.folder / "n.json").read_text())
    result = numbers["result"]
    shown = scene(data.load("digits")[1], 3)
    np.testing.assert_allclose(result["true boxes"], shown.boxes)
    assert result["truth"] == [str(label) for label in shown.labels]
    assert len(result["boxes"]) == len(result["classes"]) == len(result["right"]) > 0
    assert min(result["probabilities"]) >= 0.5


def test_images_in_a_larger_input_have_boxes_of_their_own_size(tmp_path, monkeypatch):
    # Images of 28 pixels in the middle of 32: a digit's box has 24, as in windows of 28.
    monkeypatch.chdir(tmp_path)
    Path("net.toml").write_text(LARGER)
    small = "--model net.toml --epochs 1 --limit 2 --validation 0.5 --quiet -o run"
    scan = "run scene:3 --scales 1 --threshold 0 --json-file n.json"
    for command, words in ((train.command, small), (detect.command, scan)):
        result = CliRunner().invoke(command, words.split(), catch_exceptions=False)
        assert result.exit_code == 0, result.output
    boxes = np.array(json.loads(Path("n.json").read_text())["result"]["boxes"])
    whole = boxes[((boxes > 0) & (boxes < 128)).all(axis=1)]
    assert len(whole) == 9  # the windows lie side by side
    np.testing.assert_allclose(whole[:, 2:] - whole[:, :2], 24)


def test_detect_refuses(convlab, run):
    assert convlab.misused("detect", run) == "expected either IMAGE or --scenes"
    assert "cannot be read" in convlab("detect", run, "nosuch.png").err
    assert list(convlab.folder.iterdir()) == []


@pytest.mark.slow
def test_a_network_that_knows_background_finds_the_digits(digits):
    # The digits of scikit-learn, so that no file is needed.
    train, _ = data.load("digits")
    crops, test = scene_crops(train, 12_000), scene_crops(digits, 500, seed=1)
    rest, validation = data.stratified_split(crops, 0.1, 0)
    network = models.build("lenet5", classes=11)
    scaling = data.Scaling.standardise(rest)
    task = training.Task(rest, validation, test, network, scaling, (1, 28, 28), True)
    trainer = training.Trainer(training.Settings(epochs=5), task)
    for _ in trainer.fit():
        pass
    network.load_state_dict(trainer.best)
    converted = insight.fully_convolutional(network.eval())
    shown = [scene(digits, number, seed=9) for number in range(50)]
    images = np.stack([one.image for one in shown])
    scales = insight.usual_scales(converted, (128, 128))
    levels = [insight.scan(converted, images, scaling, scale) for scale in scales]
    found = [tasks.detect(one, crops.classes, (128, 128)) for one in zip(*levels, strict=True)]
    values = tasks.average_precisions(found, [(s.boxes, s.labels) for s in shown], 10)
    assert np.nanmean(values) > 0.85
