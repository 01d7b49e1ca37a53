"""What training sees: versions of an image, beside SciPy's and those of a first batch."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import map_coordinates

from convlab import data, pictures, viz
from convlab.errors import DataError, ShapeError, SpecError

PHOTO = data.photograph("china").transpose(2, 0, 1)[:, 100:131, 200:240]


def test_the_drawn_changes_are_those_that_are_made():
    augmentation = data.Augmentation.parse("shift=3,rotate=40,scale=0.3,flip")
    images = np.repeat(PHOTO[None], 12, axis=0)
    made = augmentation.apply(images, np.random.default_rng(4))
    drawn = augmentation.draw(12, np.random.default_rng(4))
    assert 0 < drawn.mirrored.sum() < 12
    rows, columns = PHOTO.shape[1:]
    middle = np.array([rows - 1, columns - 1])[:, None] / 2
    places = np.indices((rows, columns)).reshape(2, -1)
    for k, image in enumerate(made):
        angle = np.radians(drawn.angle[k])
        # Clockwise: what is above the middle comes to its right.
        turn = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
        mirror = np.diag([1, -1 if drawn.mirrored[k] else 1])
        forward = drawn.factor[k] * np.array(turn) @ mirror
        source = np.linalg.inv(forward) @ (places - middle - drawn.shift[k][:, None]) + middle
        for channel, expected in zip(image, PHOTO, strict=True):
            values = map_coordinates(expected.astype(float), source, order=1, mode="nearest")
            assert np.abs(channel.ravel() - values).max() < 0.6


def test_they_are_those_of_the_first_batch_of_training():
    made = pictures.augment(PHOTO, "shift=2,rotate=15,elastic=34", 5, seed=9)
    images = np.repeat(PHOTO[None], 5, axis=0)
    copies = data.Dataset("copies", "train", images, np.zeros(5, np.int64), ("a", "b"))
    batches = data.Batches(
        copies,
        5,
        shuffle=False,
        seed=9,
        augmentation=data.Augmentation(shift=2, rotate=15, elastic=34),
        scaling=data.Scaling.between(0, 255, 3),
    )
    ((x, _),) = batches.epoch(0)
    assert np.array_equal(made.result["images"][0], np.rint(x))


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("shift=2", {"↓2", "↑2", "→1", "←1", "↓1", "unchanged"}),
        ("flip", {"mirrored", "unchanged"}),
        ("flip,elastic=9", {"mirrored", "distorted"}),
        ("elastic=9", {"distorted"}),
    ],
)
def test_what_is_said_below(words, first):
    said = pictures.augment(PHOTO, words, 40).alt.split("The first versions: an image: ")[1]
    assert {part.split()[0] for part in said.split(". ")[0].split(", ")} <= first


def test_numbers_and_words_agree():
    made = pictures.augment("digits:3", "rotate=30,scale=0.2,shift=2", 3, seed=1)
    train, _ = data.load("digits")
    assert np.array_equal(made.inputs["images"], train.images[[3]])
    angle, factor = made.result["degrees clockwise"][0, 0], made.result["enlargement"][0, 0]
    down, right = made.result["pixels down and right"][0, 0]
    sign, across = "↻" if angle > 0 else "↺", "→" if right > 0 else "←"
    assert f"×≈{factor:.2f} {sign}≈{abs(angle):.0f}°" in made.alt
    assert right == 0 or f"{across}{abs(right)}" in made.alt


def test_a_row_for_each_class(tmp_path):
    train, _ = data.load("digits")
    made = pictures.augment("digits", count=2)
    assert made.result["images"].shape == (10, 2, 1, 28, 28)
    firsts = [np.flatnonzero(train.labels == k)[0] for k in range(10)]
    assert np.array_equal(made.inputs["images"], train.images[firsts])
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(2):
            Image.fromarray(PHOTO[0] + number).save(tmp_path / name / f"{number}.png")
    assert "cat: " in pictures.augment(tmp_path, "flip").alt


def test_large_pictures_are_shrunk(tmp_path):
    Image.new("L", (1600, 400), 7).save(tmp_path / "wide.png")
    made = pictures.augment(tmp_path / "wide.png", count=1)
    assert made.inputs["images"].shape == (1, 1, 160, 640)
    assert "wide.png, shrunk, 160 × 640" in made.alt


def test_what_names_a_data_set_is_loaded_as_one(tmp_path, monkeypatch):
    """A folder, and scenes of its classes; behind the last colon the number of an image."""
    (tmp_path / "objects").mkdir()
    monkeypatch.chdir(tmp_path)
    asked = []

    def load(source, **_):
        asked.append(source)
        raise DataError("not now")

    monkeypatch.setattr(data, "load", load)
    folder = tmp_path / "objects"
    expected = {
        "scenes:objects": f"scenes:{folder}",
        "scenes:objects:2": f"scenes:{folder}",
        "objects:2": str(folder),
        "scenes:2": "scenes",
    }
    for given in expected:
        with pytest.raises(DataError, match="not now"):
            pictures.augment(given)
    assert asked == list(expected.values())


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"augment": "none"}, SpecError, "augment: expected a change such as shift=2"),
        ({"augment": "shift=0"}, SpecError, "augment: expected a change such as shift=2"),
        ({"augment": "blur=2"}, SpecError, "expected words of shift=PIXELS"),
        ({"source": "digits:9999"}, DataError, "expected digits:0 to digits:1436"),
        ({"source": "digits:-1"}, DataError, "expected digits:0 to digits:1436"),
        ({"source": "nosuch.png"}, DataError, "there is no such file"),
        ({"source": ""}, DataError, "expected digits, mnist"),
        ({"count": 0}, SpecError, "count: expected at least 1"),
        ({"count": 101}, SpecError, "count: expected at most 100"),
        ({"seed": -1}, SpecError, "seed: expected at least 0"),
    ],
)
def test_what_there_is_not(given, error, message):
    with pytest.raises(error, match=message):
        pictures.augment(**given)


@pytest.mark.parametrize(
    ("shape", "captions", "names"),
    [
        ((2, 2, 5, 5), [[["a"]]], ["b"]),
        ((1, 2, 1, 5, 5), [[["a"]]], []),
        ((1, 2, 1, 5, 5), [[["a"], ["b"]]], ["b"]),
        ((1, 3, 1, 5, 5), [[["a"], ["b", "c"]]], ["b"]),
    ],
)
def test_arrays_that_do_not_fit(shape, captions, names):
    with pytest.raises(ShapeError, match="expected (images|1 captions|captions of)"):
        viz.augmented(np.zeros(shape, np.uint8), captions, names, title="t")
