"""Detection of classes of one's own: composed scenes, windows of them, boxes in colour and grey."""

import json

import numpy as np
import pytest
from PIL import Image

import convlab as convlab_itself
from convlab import data, insight, models, tasks, training
from convlab.data import sources
from convlab.errors import DataError, RunError, SpecError
from convlab.session import usual_folder

RNG = np.random.default_rng(0)
COLOURS = {"background": (80, 80, 80), "green": (20, 220, 20), "red": (220, 20, 20)}


def pictures(channels=3, each=6, size=(12, 12), split="test"):
    """Plain objects, one colour a class, and backgrounds of noise."""
    images, labels = [], []
    for label, colour in enumerate(COLOURS.values()):
        for _ in range(each):
            image = np.broadcast_to(np.array(colour[:channels])[:, None, None], (channels, *size))
            noise = RNG.integers(-15, 15, (channels, *size)) if label == 0 else 0
            images.append(image + noise)
            labels.append(label)
    return data.Dataset(
        "plain", split, np.array(images, np.uint8), np.array(labels, np.int64), tuple(COLOURS)
    )


@pytest.mark.parametrize(("channels", "size"), [(3, (12, 12)), (1, (12, 12)), (3, (10, 16))])
def test_composed_scenes_hold_whole_objects_apart(channels, size):
    images = pictures(channels, size=size)
    counts, ratios = [], []
    for number in range(30):
        shown = data.composed_scene(images, number, clutter=number % 3)
        counts.append(len(shown.labels))
        assert shown.image.shape == (channels, 4 * size[0], 4 * size[1])
        assert shown.image.dtype == np.uint8
        shares = tasks.overlaps(shown.boxes, shown.boxes)
        assert (shares - np.eye(len(shares)) == 0).all()
        for box, label in zip(shown.boxes.astype(int), shown.labels, strict=True):
            top, left, bottom, right = box
            assert 0 <= top < bottom <= 4 * size[0] and 0 <= left < right <= 4 * size[1]
            inside = shown.image[:, top:bottom, left:right].reshape(channels, -1).T
            assert (inside == np.array(list(COLOURS.values())[label][:channels])).all()
            assert (shown.mask[top:bottom, left:right] == 1 + label).all()
            ratios.append((bottom - top) / size[0])
        # The rest is of backgrounds, none of whose pixels is brighter than 95.
        assert shown.image[:, shown.mask == 0].max() <= 105
    assert set(counts) == {0, 1, 2, 3, 4}
    assert 0.75 <= min(ratios) < 1 < 1.7 < max(ratios) <= 2.1


def test_drawings_let_the_ground_show_through():
    images = np.zeros((4, 1, 8, 8), np.uint8)
    images[:2] = 50  # the ground
    images[2:, :, 3:5, 3:5] = 250
    labels = np.array([0, 0, 1, 1])
    drawn = data.Dataset("d", "test", images, labels, ("background", "dot"))
    assert data.has_dark_background(drawn)
    for number in range(8):
        shown = data.composed_scene(drawn, number)
        assert shown.image.min() >= 45
        assert (shown.image.max() > 200) == (len(shown.labels) > 0)


def test_the_same_seed_composes_the_same_windows():
    images = pictures()
    windows, again = (data.composed_windows(images, 64, seed=2) for _ in range(2))
    assert np.array_equal(windows.images, again.images)
    assert np.array_equal(windows.labels, again.labels)
    assert not np.array_equal(windows.images, data.composed_windows(images, 64, seed=3).images)
    assert (windows.classes, windows.image_shape) == (images.classes, images.image_shape)
    # What is in the middle of a window of an object is that object.
    for label, colour in enumerate(list(COLOURS.values())[1:], 1):
        of_class = windows.images[windows.labels == label]
        assert len(of_class) >= 4
        middle = of_class[:, :, 4:8, 4:8].transpose(0, 2, 3, 1)
        assert (np.abs(middle.astype(int) - colour) <= 2).all()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: data.composed_scene(pictures(), -1), SpecError, "at least 0, got -1, 0 and 0"),
        (
            lambda: data.composed_scene(pictures(), 0, background="sky"),
            DataError,
            "plain: expected a class 'sky', .* got background, green, red",
        ),
        (
            lambda: data.composed_scene(pictures().subset(range(6)), 0),
            DataError,
            r"plain \(test\): expected images of 'background' and of another class, got 6 and 0",
        ),
        (lambda: data.load("scenes:digits"), DataError, "digits: expected a class 'background'"),
        (lambda: data.load("scenes:nowhere"), DataError, "unknown data set 'nowhere'"),
    ],
)
def test_scenes_that_cannot_be_composed(make, error, message):
    with pytest.raises(error, match=message):
        make()


# --- the detector ---------------------------------------------------------------------------

SIZED = """
input = "12x12x{channels}"
[[layer]]
type = "Conv2d"
name = "conv"
out_channels = 16
kernel_size = 4
stride = 2
[[layer]]
type = "ReLU"
[[layer]]
type = "Flatten"
[[layer]]
type = "Linear"
out_features = 64
[[layer]]
type = "ReLU"
[[layer]]
type = "Linear"
name = "fc"
out_features = "classes"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures of plain objects on noise as folders, in colour."""
    root = tmp_path_factory.mktemp("own") / "plain"
    for split in ("train", "test"):
        images = pictures(each=8, split=split)
        for number, (image, label) in enumerate(zip(images.images, images.labels, strict=True)):
            place = root / split / images.classes[label]
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.transpose(1, 2, 0)).save(place / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def own(folder, tmp_path_factory):
    """A run on windows of scenes of them."""
    place = tmp_path_factory.mktemp("trained")
    (place / "net.toml").write_text(SIZED.format(channels=3))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sources, "_WINDOWS", (5000, 200))
        run = convlab_itself.train(
            place / "net.toml", f"scenes:{folder}", place / "run", epochs=8, progress=False
        )
        assert run.evaluate().accuracy > 0.9
    return run


def test_a_scan_in_colour_gives_every_window_s_answer():
    network = models.spec.build_from_text(SIZED.format(channels=3), name="sized").eval()
    moved = insight.fully_convolutional(network)
    scaling = data.Scaling.between(0, 1, 3)
    image = RNG.integers(0, 256, (1, 3, 20, 26), dtype=np.uint8)
    (level,) = insight.scan(moved, image, scaling, 1.0, mirrored=True)
    around = np.pad(image, ((0, 0), (0, 0), (6, 6), (6, 6)), "symmetric")
    assert level.probabilities.shape[1:] == (11, 14)
    for row, column in ((0, 0), (3, 5), (10, 13)):
        part = around[:, :, 2 * row : 2 * row + 12, 2 * column : 2 * column + 12]
        expected = insight.probabilities(network, data.to_floats(part, scaling))[0]
        np.testing.assert_allclose(level.probabilities[:, row, column], expected, atol=1e-5)
        assert level.windows[row, column].tolist() == [
            2 * row - 6,
            2 * column - 6,
            2 * row + 6,
            2 * column + 6,
        ]


def test_objects_of_two_classes_are_found_and_counted(convlab, own):
    # Two green squares and a red one, of other sizes than the window, on noise.
    scene = RNG.integers(65, 95, (64, 90, 3)).astype(np.uint8)
    truth = [(4, 6, 18, 20), (30, 60, 50, 80), (40, 10, 54, 24)]
    for (top, left, bottom, right), name in zip(truth, ("green", "green", "red"), strict=True):
        scene[top:bottom, left:right] = COLOURS[name]
    Image.fromarray(scene).save(convlab.folder / "photo.png")
    words = "detect", own.folder, "--threshold", 0.8
    out = convlab.works(*words, "photo.png", "--json-file", "n.json", "-o", "found.png")
    result = json.loads((convlab.folder / "n.json").read_text())["result"]
    assert result["counts"] == {"green": 2, "red": 1}
    assert "3 (green: 2, red: 1)" in out
    shares = tasks.overlaps(truth, result["boxes"])
    assert (shares.max(axis=1) > 0.5).all()
    named = [result["classes"][at] for at in shares.argmax(axis=1)]
    assert named == ["green", "green", "red"]
    # And nothing where nothing is.
    Image.fromarray(np.full((64, 90, 3), 80, np.uint8)).save(convlab.folder / "empty.png")
    assert "nothing" in convlab.works(*words, "empty.png", "-o", "none.png")


def test_precision_and_recall_are_counted_box_by_box(own):
    detector = tasks.detector(own, threshold=0.8)
    scores = tasks.measure_detector(detector, 12, seed=5)
    images, right, answered, objects = detector.images(), 0, 0, 0
    for number in range(12):
        shown = data.composed_scene(images, number, seed=5)
        levels = detector.scan(shown.image[None], detector.scales(shown.image.shape[1:]))[0]
        found = detector.found(levels, shown.image.shape[1:])
        taken = set()
        for box, label in zip(found.boxes, found.labels, strict=True):
            shares = tasks.overlaps([box], shown.boxes)[0] * (shown.labels == label)
            if shares.size and shares.max() > 0.5 and shares.argmax() not in taken:
                taken.add(shares.argmax())
                right += 1
        answered, objects = answered + len(found), objects + len(shown.labels)
    assert (scores.classes, scores.found) == (("green", "red"), answered)
    assert scores.precision == right / answered and scores.recall == right / objects
    assert scores.recall > 0.8
    assert f"{right} of {objects} objects are found" in "\n".join(scores.lines())


def test_a_background_has_any_name_and_has_to_be_one(convlab, own, folder):
    detector = tasks.detector(own, background="red")
    assert detector.settings["background"] == "red" and detector.objects == "objects"
    error = convlab.fails("detect", own.folder, "scene:0", "--background", "sky")
    assert error.endswith("background, green, red, got 'sky'")
    one = convlab.fails("detect", own.folder, "--scenes", 1, "--seed", 3)
    assert one == "scenes: expected some with an object, got 1 without any"
    assert convlab("detect", own.folder, "scene:3", "--clutter", 2).status == 0


def test_a_run_without_background_in_colour_is_refused(tmp_path, folder):
    network = models.spec.build_from_text(SIZED.format(channels=3), name="sized")
    settings = training.Settings(data=str(folder))
    scaling = data.Scaling.between(0, 1, 3)
    classes = tuple("abcdefghij")
    run = training.Run(
        tmp_path, settings, network, classes, (3, 12, 12), False, scaling, best_epoch=1
    )
    with pytest.raises(RunError, match="a class of pictures without an object, called background"):
        tasks.detector(run)
    smaller = training.Run(
        tmp_path, settings, network, classes, (3, 9, 9), False, scaling, best_epoch=1
    )
    with pytest.raises(RunError, match="expected images of the network's size"):
        tasks.detector(smaller, background="a")


def test_the_folder_of_a_run_on_scenes_says_so(folder):
    settings = training.Settings(data=data.located(f"scenes:{folder}"))
    assert settings.data == f"scenes:{folder.resolve()}"
    assert usual_folder(settings).name == "lenet5-plain-scenes"


def test_suppression_of_parts_worked_by_hand():
    # 1 lies in 0, 2 shares a quarter of its area with 0, 3 covers 0 wholly and is the largest.
    boxes = [[0, 0, 10, 10], [0, 0, 3, 3], [5, 5, 15, 15], [0, 0, 90, 90]]
    scores = [0.9, 0.8, 0.7, 0.6]
    assert tasks.non_maximum_suppression(boxes, scores, 0.5).tolist() == [0, 1, 2, 3]
    assert tasks.non_maximum_suppression(boxes, scores, 0.5, within=0.5).tolist() == [0, 2]
    assert tasks.non_maximum_suppression(boxes, scores, 0.5, within=0.2).tolist() == [0]
    with pytest.raises(SpecError, match="within: expected a share from 0 to 1, got 2"):
        tasks.non_maximum_suppression(boxes, scores, 0.5, within=2)
