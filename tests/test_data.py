"""Data sets, splits, pictures, folders, augmentation and batches."""

import ast
import io
import json
import math
import os
import re
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

import convlab.data as data
from convlab import names, training
from convlab.data.pictures import picture_form, picture_size, read_picture
from convlab.errors import ConvlabError, DataError, DTypeError, ShapeError, SpecError

pytestmark = pytest.mark.smoke


def random_bytes(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def make_dataset(count=30, classes=3, shape=(1, 5, 4), seed=0):
    labels = np.random.default_rng(seed + 1).integers(0, classes, count)
    names = tuple("abcdefghij"[:classes])
    return data.Dataset("toy", "train", random_bytes(count, *shape, seed=seed), labels, names)


def fails(error, *words):
    """Expect an error of one line with all the words in it."""
    pattern = "".join(f"(?=.*{re.escape(str(word))})" for word in words)
    return pytest.raises(error, match=rf"\A{pattern}[^\n]*\Z")


def png(array, **options):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG", **options)
    return stream.getvalue()


# The package


@pytest.mark.parametrize(
    "path", sorted(Path(data.__file__).parent.glob("*.py")), ids=lambda path: path.name
)
def test_import_is_light(path):
    """At the top of a module: the standard library, NumPy and convlab's lower floors."""
    tops = {*sys.stdlib_module_names, "numpy"}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            assert {alias.name.partition(".")[0] for alias in node.names} <= tops
        if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] not in tops:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            assert all(
                re.match(r"convlab\.(checks|data|errors|files|names|reading|shapes)\b", name)
                for name in names
            )


def test_public_names_exist_and_are_documented():
    for name in data.__all__:
        assert hasattr(data, name)
        if callable(getattr(data, name)):
            assert getattr(data, name).__doc__


# Dataset


def test_dataset_knows_its_size():
    dataset = make_dataset(count=7, shape=(3, 5, 4))
    assert len(dataset) == 7
    assert dataset.image_shape == (3, 5, 4)


def test_dataset_makes_images_contiguous():
    images = random_bytes(5, 4, 1, 6).transpose(3, 2, 0, 1)
    dataset = data.Dataset("toy", "train", images, np.zeros(6, np.int64), ("a",))
    assert dataset.images.flags.c_contiguous
    np.testing.assert_array_equal(dataset.images, images)


def test_subset_keeps_the_order_asked_for():
    dataset = make_dataset()
    part = dataset.subset([4, 0, 4])
    np.testing.assert_array_equal(part.images, np.stack([dataset.images[i] for i in (4, 0, 4)]))
    assert part.labels.tolist() == [dataset.labels[4], dataset.labels[0], dataset.labels[4]]
    assert len(dataset.subset([])) == 0
    chosen = dataset.labels == 1
    assert (dataset.subset(chosen).labels == 1).all()


@pytest.mark.parametrize("indices", [[30], [-31], [[0]], 3, [0.5]])
def test_subset_refuses_other_indices(indices):
    with fails(ShapeError, "toy (train)", "below 30"):
        make_dataset().subset(indices)


def test_channel_statistics_agree_with_floats():
    dataset = make_dataset(count=50, shape=(3, 9, 7))
    mean, std = dataset.channel_statistics()
    floats = dataset.images.astype(np.float64) / 255
    assert mean.dtype == std.dtype == np.float64
    np.testing.assert_allclose(mean, floats.mean(axis=(0, 2, 3)), rtol=1e-13)
    np.testing.assert_allclose(std, floats.std(axis=(0, 2, 3)), rtol=1e-13)


def test_channel_statistics_are_counted_in_parts(monkeypatch):
    dataset = make_dataset(count=50)
    expected = dataset.channel_statistics()
    monkeypatch.setattr("convlab.data.dataset._COUNTED_AT_ONCE", 3 * 5 * 4 + 1)
    np.testing.assert_array_equal(dataset.channel_statistics(), expected)


def test_channel_statistics_of_one_value_are_exact():
    images = np.full((1000, 1, 20, 20), 51, np.uint8)
    dataset = data.Dataset("flat", "train", images, np.zeros(1000, np.int64), ("a",))
    mean, std = dataset.channel_statistics()
    assert (mean[0], std[0]) == (0.2, 0.0)


def test_channel_statistics_of_nothing():
    with fails(DataError, "toy (train)", "got none"):
        make_dataset().subset([]).channel_statistics()


def test_dataset_refuses_what_does_not_fit():
    images, labels = random_bytes(4, 1, 3, 3), np.zeros(4, np.int64)
    with fails(DTypeError, "toy (test)", "uint8", "float32"):
        data.Dataset("toy", "test", images.astype(np.float32), labels, ("a",))
    with fails(DTypeError, "int64", "uint8"):
        data.Dataset("toy", "test", images, labels.astype(np.uint8), ("a",))
    with fails(ShapeError, "(count, C, H, W)", "(4, 3, 3)"):
        data.Dataset("toy", "test", images[:, 0], labels, ("a",))
    with fails(DataError, "toy (test)", "4 images and 3 labels"):
        data.Dataset("toy", "test", images, labels[:3], ("a",))
    with fails(DataError, "labels 0 to 1", "got 0 to 2"):
        data.Dataset("toy", "test", images, np.array([0, 1, 2, 0]), ("a", "b"))
    with fails(DataError, "labels 0 to 1", "got -1 to 0"):
        data.Dataset("toy", "test", images, np.array([0, -1, 0, 0]), ("a", "b"))


# stratified_split


def numbered(labels, classes):
    """A set whose images hold their own number."""
    images = np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1)
    return data.Dataset("toy", "train", images, np.array(labels), tuple("abcdefghij"[:classes]))


def test_split_is_a_partition_in_proportion():
    whole = numbered([0] * 50 + [1] * 30 + [2] * 20, 3)
    rest, held_out = data.stratified_split(whole, 0.2, seed=3)
    assert np.bincount(held_out.labels).tolist() == [10, 6, 4]
    both = np.concatenate([rest.images, held_out.images]).ravel()
    assert sorted(both) == list(range(100))
    assert (rest.split, held_out.split) == ("train", "validation")
    for part in (rest, held_out):
        np.testing.assert_array_equal(part.labels, whole.labels[part.images.ravel()])


def test_split_depends_on_the_seed_alone():
    whole = numbered([0, 1] * 40, 2)
    first, again, other = (data.stratified_split(whole, 0.3, seed)[1] for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.images, again.images)
    assert not np.array_equal(first.images, other.images)


def test_split_rounds_to_the_whole():
    # The quota of each class is 3.5, and they add up to 14.
    _, held_out = data.stratified_split(numbered([0, 1, 2, 3] * 14, 4), 0.25, seed=0)
    assert len(held_out) == 14
    assert sorted(np.bincount(held_out.labels)) == [3, 3, 4, 4]


@pytest.mark.parametrize("fraction", [0.001, 0.5, 0.999])
def test_split_leaves_each_class_on_both_sides(fraction):
    rest, held_out = data.stratified_split(numbered([0] * 9 + [1] * 2 + [2], 3), fraction, seed=1)
    for part in (rest, held_out):
        assert {0, 1} <= set(part.labels)
    assert 2 in rest.labels


@pytest.mark.parametrize("fraction", [0, 1, -0.1, math.nan])
def test_split_refuses_a_fraction(fraction):
    with fails(SpecError, "between 0 and 1", f"got {fraction}"):
        data.stratified_split(make_dataset(), fraction, seed=0)


def test_split_refuses_a_seed():
    with fails(SpecError, "seed of 0 or more", "got -1"):
        data.stratified_split(make_dataset(), 0.5, seed=-1)


# Pictures


def test_picture_of_the_right_size_comes_through_unchanged(tmp_path):
    array = random_bytes(6, 9, 3)
    content = png(array)
    (tmp_path / "a.png").write_bytes(content)
    sources = [tmp_path / "a.png", str(tmp_path / "a.png"), content, io.BytesIO(content)]
    for source in sources:
        image = data.read_picture(source, size=(6, 9), channels=3)
        assert image.dtype == np.uint8
        np.testing.assert_array_equal(image, array.transpose(2, 0, 1))


def test_grey_of_a_colour_is_its_luma():
    array = np.zeros((2, 2, 3), np.uint8)
    array[...] = (200, 100, 50)
    image = data.read_picture(png(array), size=(2, 2), channels=1)
    assert (image == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)).all()


def test_grey_picture_in_three_channels():
    array = random_bytes(4, 4)
    image = data.read_picture(png(array), size=(4, 4), channels=3)
    np.testing.assert_array_equal(image, np.stack([array] * 3))


def test_transparent_parts_are_white():
    array = np.zeros((1, 3, 4), np.uint8)
    array[0, :, 3] = (0, 255, 128)  # black ink: none, full, half
    image = data.read_picture(png(array), size=(1, 3), channels=1)
    assert image[0, 0].tolist() == pytest.approx([255, 0, 127], abs=1)


def test_transparent_entry_of_a_palette_is_white():
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.putdata([0, 1])
    stream = io.BytesIO()
    picture.save(stream, "PNG", transparency=0)
    image = data.read_picture(stream.getvalue(), size=(1, 2), channels=3)
    assert image[:, 0].T.tolist() == [[255, 255, 255], [40, 50, 60]]


def test_sixteen_bits_become_eight():
    array = np.array([[0, 257, 32768, 65535]], np.uint16)
    image = data.read_picture(png(array), size=(1, 4), channels=1)
    assert image[0, 0].tolist() == [0, 1, 128, 255]


def test_sixteen_bits_with_a_clear_grey():
    """PNG, tRNS: pixels of exactly that grey are transparent, here those that are black."""
    array = np.array([[0, 1, 32768, 65535]], np.uint16)
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG", transparency=0)
    image = data.read_picture(stream.getvalue(), size=(1, 4), channels=1)
    assert image[0, 0].tolist() == [255, 0, 128, 255]


@pytest.mark.parametrize("pen, paper", [(255, 0), (200, 0), (190, 255), (0, 255)])
def test_light_ink_on_a_transparent_ground_is_seen(pen, paper):
    array = np.full((9, 9, 4), pen, np.uint8)
    array[..., 3] = 0
    array[3:6, 3:6, 3] = 255
    image = data.read_picture(png(array), size=(9, 9), channels=1)
    expected = np.full((9, 9), paper)
    expected[3:6, 3:6] = pen
    np.testing.assert_array_equal(image[0], expected)


def test_a_sheet_is_reduced_by_the_means_of_squares():
    array = random_bytes(40, 33)
    expected = array.reshape(20, 2, 33)[:, :, :32].reshape(20, 2, 16, 2).mean(axis=(1, 3))
    sheet = data.read_sheet(png(array), 20)
    assert sheet.shape == (20, 17)
    np.testing.assert_allclose(sheet[:, :16], expected, atol=0.51)
    np.testing.assert_array_equal(data.read_sheet(png(array), 40), array)


def test_one_bit_becomes_black_and_white():
    array = np.array([[True, False]])
    assert data.read_picture(png(array), size=(1, 2), channels=1)[0, 0].tolist() == [255, 0]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_orientation_is_respected(kind):
    array = np.zeros((8, 16), np.uint8)
    array[:, 8:] = 255  # dark left, bright right
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise: dark on top
    stream = io.BytesIO()
    Image.fromarray(array).convert("RGB").save(stream, kind, exif=exif)
    content = stream.getvalue()
    assert picture_size(content) == (16, 8)
    image = data.read_picture(content, size=(16, 8), channels=1)
    assert image[0, :6].max() < 40
    assert image[0, 10:].min() > 215


def test_other_aspect_is_letterboxed_with_the_border_colour():
    array = np.zeros((10, 20, 3), np.uint8)
    array[...] = (10, 200, 90)
    array[3:7, 5:15] = (255, 0, 0)
    image = data.read_picture(png(array), size=(20, 20), channels=3)
    np.testing.assert_array_equal(image[:, 5:15], array.transpose(2, 0, 1))
    for rows in (slice(0, 5), slice(15, 20)):
        assert (image[:, rows] == np.array([10, 200, 90]).reshape(3, 1, 1)).all()


def test_a_thread_of_a_picture_keeps_a_pixel():
    image = data.read_picture(png(np.full((1, 500), 255, np.uint8)), size=(8, 8), channels=1)
    assert image.shape == (1, 8, 8)
    assert (image == 255).all()


def test_reduction_averages_rather_than_skips():
    board = np.indices((64, 64)).sum(axis=0) % 2 * 255
    image = data.read_picture(png(board.astype(np.uint8)), size=(8, 8), channels=1)
    assert abs(image.astype(int) - 127).max() <= 12


def png_of_size(width, height):
    """A PNG that claims a size and holds nearly nothing."""

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def test_too_many_pixels_are_refused_before_decoding(tmp_path, recwarn):
    path = tmp_path / "large.png"
    path.write_bytes(png_of_size(10_001, 10_000))
    with fails(DataError, path, "at most 100,000,000 pixels", "got 10001 x 10000"):
        data.read_picture(path, size=(8, 8), channels=1)
    path.write_bytes(png_of_size(60_000, 60_000))  # above Pillow's own limit
    with fails(DataError, path, "at most 100,000,000 pixels", "got a larger one"):
        data.read_picture(path, size=(8, 8), channels=1)
    assert not recwarn.list


@pytest.mark.parametrize("content", [b"", b"no picture at all", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_no_picture(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with fails(DataError, path, "expected a picture (PNG, JPEG", "got something else"):
        data.read_picture(path, size=(8, 8), channels=1)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM"])
def test_truncated_picture(tmp_path, kind):
    path = tmp_path / "half"
    stream = io.BytesIO()
    Image.fromarray(random_bytes(40, 40, 3)).save(stream, kind)
    path.write_bytes(stream.getvalue())
    data.read_picture(path, size=(40, 40), channels=3)
    path.write_bytes(stream.getvalue()[: len(stream.getvalue()) // 2])
    with fails(DataError, path, "got"):
        data.read_picture(path, size=(40, 40), channels=3)


def test_any_damage_is_a_data_error():
    content = bytearray(png(random_bytes(20, 20, 3)))
    generator = np.random.default_rng(0)
    refused = 0
    for _ in range(200):
        damaged = bytearray(content)
        for place in generator.integers(0, len(content), 3):
            damaged[place] = generator.integers(256)
        try:
            data.read_picture(bytes(damaged), size=(8, 8), channels=1)
        except DataError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 100


def test_missing_picture_and_floats(tmp_path):
    with fails(DataError, tmp_path / "none.png", "cannot be read"):
        data.read_picture(tmp_path / "none.png", size=(8, 8), channels=1)
    with fails(DataError, tmp_path, "cannot be read"):
        data.read_picture(tmp_path, size=(8, 8), channels=1)
    path = tmp_path / "floats.tif"
    Image.fromarray(np.zeros((4, 4), np.float32)).save(path)
    with fails(DataError, path, "8 or 16 bits", "32-bit floats"):
        data.read_picture(path, size=(8, 8), channels=1)


@pytest.mark.parametrize("size", [(0, 8), (8,), 8, (8.0, 8), (8, 8, 8)])
def test_wrong_size(size):
    with fails(SpecError, "(height, width)", f"got {size!r}"):
        data.read_picture(png(random_bytes(4, 4)), size=size, channels=1)


@pytest.mark.parametrize("channels", [0, 2, 4, "rgb"])
def test_wrong_channels(channels):
    with fails(SpecError, "1 channel (grey) or 3", f"got {channels!r}"):
        data.read_picture(png(random_bytes(4, 4)), size=(4, 4), channels=channels)


def test_fit_images_is_read_picture_for_many():
    images = random_bytes(3, 3, 10, 6)
    fitted = data.fit_images(images, (5, 9), 1)
    assert fitted.shape == (3, 1, 5, 9)
    for image, expected in zip(fitted, images, strict=True):
        read = data.read_picture(png(expected.transpose(1, 2, 0)), size=(5, 9), channels=1)
        np.testing.assert_array_equal(image, read)
    assert data.fit_images(images) is images
    with fails(ShapeError, "1 or 3 channels", "got 2"):
        data.fit_images(images[:, :2], (4, 4))


def test_drawing_on_paper_is_inverted():
    drawing = np.full((1, 9, 9), 250, np.uint8)
    drawing[0, 2:7, 4] = 10
    image, inverted = data.as_dark_background(drawing)
    assert inverted is True
    assert image[0, 0, 0] == 5
    assert image[0, 4, 4] == 245
    same, inverted = data.as_dark_background(image)
    assert inverted is False
    np.testing.assert_array_equal(same, image)


def test_only_the_border_decides_what_is_background():
    image = np.full((1, 9, 9), 255, np.uint8)
    image[0, [0, -1]] = image[0, :, [0, -1]] = 127
    assert data.as_dark_background(image)[1] is False
    image[0, [0, -1]] = image[0, :, [0, -1]] = 128
    assert data.as_dark_background(image)[1] is True


def test_dark_background_refuses_other_arrays():
    with fails(DTypeError, "uint8", "float64"):
        data.as_dark_background(np.zeros((1, 4, 4)))
    with fails(ShapeError, "(C, H, W)", "(4, 4)"):
        data.as_dark_background(np.zeros((4, 4), np.uint8))


@pytest.mark.parametrize("name", data.PHOTOGRAPHS)
def test_photograph(name):
    image = data.photograph(name)
    assert image.shape == (427, 640, 3)
    assert image.dtype == np.uint8
    assert image.std() > 30


def test_unknown_photograph():
    with fails(DataError, "'cat'", "china or flower"):
        data.photograph("cat")


# Folders of pictures


def write(root, name, array, **options):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)
    return path


def make_folder(root, count=10, size=(12, 10), channels=3):
    shape = size if channels == 1 else (*size, channels)
    for label, name in enumerate(("ash", "oak")):
        for number in range(count):
            write(root, f"{name}/{number}.png", random_bytes(*shape, seed=2 * number + label))


def test_folder_of_classes_is_split(tmp_path):
    make_folder(tmp_path / "trees")
    train, test = data.load(tmp_path / "trees")
    assert (train.name, train.split, test.split) == ("trees", "train", "test")
    assert train.classes == test.classes == ("ash", "oak")
    assert np.bincount(train.labels).tolist() == [8, 8]
    assert np.bincount(test.labels).tolist() == [2, 2]
    assert train.image_shape == (3, 12, 10)
    # Each picture is there once, under its own class.
    seen = {
        image.tobytes(): label
        for part in (train, test)
        for image, label in zip(part.images, part.labels, strict=True)
    }
    expected = {
        random_bytes(12, 10, 3, seed=seed).transpose(2, 0, 1).tobytes(): seed % 2
        for seed in range(20)
    }
    assert seen == expected
    again = data.load(str(tmp_path / "trees"))
    for first, second in zip((train, test), again, strict=True):
        np.testing.assert_array_equal(first.images, second.images)


def test_folder_with_train_and_test_keeps_the_order_of_names(tmp_path):
    for part in ("train", "test"):
        for name in ("b", "a"):
            for number in ("10", "2", "1"):
                value = int(number) + (100 if name == "b" else 0)
                write(tmp_path, f"{part}/{name}/{number}.png", np.full((4, 4), value, np.uint8))
    (tmp_path / "validation").mkdir()
    train, test = data.load(tmp_path)
    for part in (train, test):
        assert part.classes == ("a", "b")
        assert part.images[:, 0, 0, 0].tolist() == [1, 10, 2, 101, 110, 102]
        assert part.labels.tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("train", "test", "other"),
    [
        ("Train", "Test", "val"),
        ("training", "TESTING", "extra"),
        ("train", "val", None),
        ("TRAINING", "Validation", None),
        ("train", "valid", "__MACOSX"),
    ],
)
def test_folders_of_parts_by_their_usual_names(tmp_path, train, test, other):
    for part, value in ((train, 50), (test, 100), (other, 150)):
        for name in ("a", "b") if part else ():
            write(tmp_path, f"{part}/{name}/1.png", np.full((4, 4), value, np.uint8))
            (tmp_path / part / name / "._1.png").write_text("what macOS writes beside a picture")
    (tmp_path / train / ".DS_Store").touch()
    parts = data.load(tmp_path)
    assert [part.split for part in parts] == ["train", "test"]
    assert [np.unique(part.images).tolist() for part in parts] == [[50], [100]]
    assert parts[0].classes == ("a", "b")


def test_folders_that_are_parts_or_classes(tmp_path):
    """A training part alone is split; without one, val and test are classes like others."""
    make_folder(tmp_path / "one" / "train")
    (tmp_path / "one" / "__MACOSX").mkdir()
    assert [len(part) for part in data.load(tmp_path / "one")] == [16, 4]
    for name in ("test/1", "test/2", "val/1", "val/2", "other/1", "other/2"):
        write(tmp_path / "classes", f"{name}.png", random_bytes(4, 4))
    assert data.load(tmp_path / "classes")[0].classes == ("other", "test", "val")
    for name in ("train", "Training", "test"):
        make_folder(tmp_path / "three" / name, count=1)
    with fails(DataError, "expected one folder of the train set, got Training, train"):
        data.load(tmp_path / "three")


def test_folder_is_grey_only_if_all_pictures_are(tmp_path):
    make_folder(tmp_path, channels=1)
    assert data.load(tmp_path)[0].image_shape == (1, 12, 10)
    assert data.load(tmp_path, channels=3)[0].image_shape == (3, 12, 10)
    write(tmp_path, "ash/deep.png", random_bytes(12, 10).astype(np.uint16) * 257)
    assert data.load(tmp_path)[0].image_shape == (1, 12, 10)
    write(tmp_path, "ash/colour.png", random_bytes(12, 10, 3))
    assert data.load(tmp_path)[0].image_shape == (3, 12, 10)
    assert data.load(tmp_path, channels=1)[0].image_shape == (1, 12, 10)


def test_folder_chooses_the_size(tmp_path):
    make_folder(tmp_path, size=(64, 64))
    assert data.load(tmp_path)[0].image_shape == (3, 64, 64)
    assert data.load(tmp_path, image_size=(7, 9))[0].image_shape == (3, 7, 9)
    write(tmp_path, "oak/other.png", random_bytes(64, 63, 3))
    assert data.load(tmp_path)[0].image_shape == (3, 32, 32)
    make_folder(tmp_path / "large", size=(65, 64))
    assert data.load(tmp_path / "large")[0].image_shape == (3, 32, 32)


def test_folder_leaves_out_hidden_and_other_files(tmp_path):
    make_folder(tmp_path)
    (tmp_path / ".cache").mkdir()
    (tmp_path / "README.md").write_text("trees")
    (tmp_path / "ash/.hidden.png").write_text("no picture")
    for name in ("ash/notes.txt", "ash/b.TXT", "oak/c.heic", "oak/no_ending"):
        (tmp_path / name).write_text("no picture")
    (tmp_path / "oak/folder.png").mkdir()
    said = r"4 left out, whose endings no picture .*: \.heic \(1\), \.txt \(2\), none \(1\)$"
    with pytest.warns(UserWarning, match=said):
        train, test = data.load(tmp_path)
    assert len(train) + len(test) == 20


def test_a_run_among_class_folders_is_no_class(tmp_path):
    make_folder(tmp_path)
    for run in ("lenet", "runs/later"):
        write(tmp_path, f"{run}/filters.png", random_bytes(8, 8))
        (tmp_path / run / "model.safetensors").write_bytes(b"weights")
    with pytest.warns(UserWarning, match="left out lenet, runs: .*not a class$"):
        train, _ = data.load(tmp_path)
    assert train.classes == ("ash", "oak")


@pytest.mark.parametrize("split", [False, True])
def test_a_limit_reads_no_other_pictures(tmp_path, split):
    """The same images as if all were read and then limited, and the whole test set."""
    for part in ("train", "test") if split else ("",):
        for number in range(20):
            write(tmp_path / part, f"ash/{number}.png", random_bytes(8, 8))
            write(tmp_path / part, f"oak/{number}.png", random_bytes(8, 8))
    seen = []

    def read(path):
        seen.append(path)
        return read_picture(path, size=(8, 8), channels=1)

    whole, test = data.load(tmp_path)
    expected = data.limit_per_class(whole, 3, 5)
    found, other = data.load(tmp_path, image_size=(8, 8), channels=1, read=read, limit=(3, 5))
    assert len(seen) == len({*seen}) == 6 + (40 if split else 8)
    for mine, theirs in ((data.limit_per_class(found, 3, 5), expected), (other, test)):
        assert (mine.images == theirs.images).all() and (mine.labels == theirs.labels).all()
        assert (mine.split, mine.classes) == (theirs.split, theirs.classes)
    for path in {*tmp_path.rglob("*.png")} - {*seen}:
        path.write_text("no picture, and not looked at")
    task = training.prepare(training.Settings(data=str(tmp_path), limit=3, seed=5))
    together = np.concatenate([task.train.images, task.validation.images])
    middle = together[:, :, 10:18, 10:18]  # of LeNet-5's 28 x 28
    assert {*map(bytes, middle)} == {*map(bytes, expected.images)}


def test_folder_names_all_damaged_pictures_and_can_go_on(tmp_path):
    make_folder(tmp_path)
    whole = data.load(tmp_path, image_size=(8, 8), channels=1)
    for number in range(25):
        (tmp_path / f"oak/{number:02}.jpg").write_text("no picture")
    with fails(DataError, "25 pictures cannot be read", "oak/00.jpg", "oak/19.jpg", "; and 5 more"):
        data.load(tmp_path)
    with pytest.warns(UserWarning, match=r"left out 25 damaged: .*oak/00\.jpg.*; and 5 more$"):
        parts = data.load(tmp_path, image_size=(8, 8), channels=1, skip_damaged=True)
    for part, expected in zip(parts, whole, strict=True):
        np.testing.assert_array_equal(part.images, expected.images)
        np.testing.assert_array_equal(part.labels, expected.labels)


def test_a_grey_picture_kept_as_a_palette_is_grey(tmp_path):
    """A GIF, and a PNG with an unused colour and a clear one, do not make a set one of colours."""
    grey = Image.fromarray(random_bytes(8, 8) // 2)
    palette = grey.quantize(64)
    entries = palette.getpalette()
    used = len(entries) // 3
    palette.putpalette([*entries, 255, 0, 0, 0, 0, 255])
    palette.putpixel((0, 0), used)
    palette.save(tmp_path / "clear.png", transparency=used)
    grey.save(tmp_path / "grey.gif")
    for name in ("clear.png", "grey.gif"):
        assert picture_form(tmp_path / name) == ((8, 8), True)
    palette.save(tmp_path / "red.png")
    assert picture_form(tmp_path / "red.png") == ((8, 8), False)


def test_a_grey_picture_kept_in_colours_is_grey(tmp_path):
    """Grey bytes as RGB, with alpha or as JPEG; a colour counts only where it is seen."""
    grey = Image.fromarray(random_bytes(12, 10))
    for name in ("ash/rgb.png", "ash/photo.jpg", "oak/rgba.png", "oak/print.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        kind = {"rgba.png": "RGBA"}.get(name[4:], "RGB")
        grey.convert(kind).save(tmp_path / name)
    clear = grey.convert("RGBA")
    clear.putpixel((3, 4), (255, 0, 0, 0))
    clear.save(tmp_path / "ash/clear.png")
    assert picture_form(tmp_path / "ash/clear.png") == ((12, 10), True)
    assert data.load(tmp_path)[0].image_shape == (1, 12, 10)
    clear.putpixel((3, 4), (9, 9, 8, 255))
    clear.save(tmp_path / "oak/zebra.png")
    assert data.load(tmp_path)[0].image_shape == (3, 12, 10)


# Of the formats that Pillow reads, those that it writes as well.
SUFFIXES = [
    ".apng", ".avif", ".bmp", ".dds", ".dib", ".gif", ".icns", ".ico", ".im", ".j2k", ".jfif",
    ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pcx", ".pgm", ".png", ".pnm", ".ppm", ".sgi", ".tga",
    ".tif", ".tiff", ".webp",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:IM image format:DeprecationWarning")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_folder_reads_each_suffix(tmp_path, suffix):
    if suffix == ".avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    array = np.full((16, 16, 3) if suffix in (".icns", ".dds") else (16, 16), 200, np.uint8)
    for name in ("a/1", "a/2", "b/1", "b/2"):
        write(tmp_path, name + suffix.upper(), array)
    train, test = data.load(tmp_path, image_size=(8, 8), channels=1)
    assert (len(train), len(test)) == (2, 2)
    assert abs(train.images.astype(int) - 200).max() <= 2


def test_folder_names_the_file_that_is_no_picture(tmp_path):
    make_folder(tmp_path)
    (tmp_path / "oak/zz.jpg").write_text("no picture")
    with fails(DataError, tmp_path / "oak/zz.jpg", "expected a picture"):
        data.load(tmp_path)
    with fails(DataError, tmp_path / "oak/zz.jpg", "expected a picture"):
        data.load(tmp_path, image_size=(8, 8), channels=1)


def test_folder_layouts_that_do_not_fit(tmp_path):
    layout = "ROOT/train/CLASS"
    root = tmp_path / "root"
    root.mkdir()
    with fails(DataError, root, "no class folders", layout):
        data.load(root)
    write(root, "a/1.png", random_bytes(4, 4))
    with fails(DataError, root, "two classes or more", "only 'a'"):
        data.load(root)
    (root / "b").mkdir()
    with fails(DataError, root / "b", "got none", layout):
        data.load(root)
    write(root, "b/1.png", random_bytes(4, 4))
    with fails(DataError, root, "two pictures or more", "one picture in each"):
        data.load(root)
    write(root, "b/2.png", random_bytes(4, 4))
    assert len(data.load(root)[1]) == 1


def test_classes_of_train_and_test_must_agree(tmp_path):
    for name in ("train/a", "train/b", "test/a", "test/c"):
        write(tmp_path, f"{name}/1.png", random_bytes(4, 4))
    with fails(DataError, tmp_path, "same class folders", "got b, c in only one"):
        data.load(tmp_path)


def test_names_of_folders_are_text_of_one_form(tmp_path):
    folders = [b"train/caf\xe9", "train/na\u00efve".encode(), b"train/ bell\x07\n "]
    folders += ["test/caf\u00e9".encode(), "test/nai\u0308ve".encode(), b"test/bell\x07"]
    for name in folders:
        folder = os.fsencode(tmp_path) + b"/" + name
        os.makedirs(folder)
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(os.fsdecode(folder + b"/1.png"))
    train, test = data.load(tmp_path)
    assert train.classes == test.classes == ("bell\ufffd", "caf\u00e9", "na\u00efve")
    for name in ("nai\u0308ve", "na\u00efve"):
        write(tmp_path / "two", f"{name}/1.png", random_bytes(4, 4))
    with fails(DataError, tmp_path / "two", "got two that are both na\u00efve"):
        data.load(tmp_path / "two")


def test_names_are_one_line():
    turned = names.one_line("\u202ea\u2066 \t b\x1b[2J \ud800\udce9")
    assert turned == "\ufffda\ufffd b\ufffd[2J \ufffd\u00e9"
    for same in ("$5", "a_b^{2}\\", "<b>", "\u65e5\u672c", "\u0645\u0631", "\U0001f600", "100 %"):
        assert names.one_line(same) == same
    with fails(DataError, "net: expected a name that can be seen for class 1, got '\\u200b '"):
        names.class_names(["a", "\u200b "], "net")
    with fails(DataError, "net: expected classes of different names, got 'a b' twice"):
        names.class_names(["a b", "a  b"], "net")
    assert names.shortened("a" * 2500 + "b" * 2500, 6) == "aaa\u2026bb"
    assert names.shortened("\u65e5" * 5, 10) == "\u65e5" * 5
    assert names.padded("\u65e5e\u0301", 6) + "|" == "\u65e5e\u0301   |"


def test_folder_checks_the_settings_first(tmp_path):
    with fails(SpecError, "1 channel (grey) or 3", "got 2"):
        data.read_folder(tmp_path, channels=2)
    with fails(DataError, tmp_path / "none", "cannot be read"):
        data.read_folder(tmp_path / "none")


# Augmentation

EVERYTHING = "shift=2,rotate=10,scale=0.1,flip,elastic=34"


def test_augmentation_words():
    augmentation = data.Augmentation.parse("shift=2, rotate=10 ,flip")
    assert augmentation == data.Augmentation(shift=2, rotate=10, flip=True)
    assert str(augmentation) == "shift=2,rotate=10,flip"
    assert data.Augmentation.parse("") == data.Augmentation.parse("none") == data.Augmentation()
    assert str(data.Augmentation()) == "none"
    assert str(data.Augmentation.parse(EVERYTHING)) == EVERYTHING
    exact = data.Augmentation(rotate=np.float64(1 / 3), elastic=np.float32(34))
    assert data.Augmentation.parse(str(exact)) == exact


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("shear=3", ("'shear=3'", "shift=PIXELS", "elastic=ALPHA")),
        ("shift=2,,flip", ("got ''",)),
        ("shift", ("shift=NUMBER", "'shift'")),
        ("shift=two", ("shift=NUMBER", "'shift=two'")),
        ("flip=1", ("flip alone", "'flip=1'")),
        ("flip,flip", ("flip once", "twice")),
        ("shift=1.5", ("whole number", "1.5")),
        ("shift=-1", ("whole number of pixels from 0", "-1")),
        ("shift=inf", ("whole number", "inf")),
        ("rotate=181", ("0 to 180", "181")),
        ("rotate=nan", ("0 to 180", "nan")),
        ("scale=1", ("0 to below 1", "1")),
        ("elastic=-1", ("alpha in pixels", "-1")),
    ],
)
def test_augmentation_refuses(text, words):
    with fails(SpecError, "augmentation", *words):
        data.Augmentation.parse(text)


def test_nothing_on_changes_and_draws_nothing():
    images, rng = random_bytes(3, 1, 8, 8), np.random.default_rng(1)
    before = rng.bit_generator.state
    assert data.Augmentation().apply(images, rng) is images
    assert rng.bit_generator.state == before


@pytest.mark.parametrize("words", [*EVERYTHING.split(","), EVERYTHING])
def test_augmentation_is_deterministic_and_keeps_the_form(words):
    images = random_bytes(300, 3, 28, 20)
    original = images.copy()
    augmentation = data.Augmentation.parse(words)
    first, again, other = (
        augmentation.apply(images, np.random.default_rng(seed)) for seed in (7, 7, 8)
    )
    assert first.shape == images.shape
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(images, original)


def shifted(image, down, right):
    """image (H, W) moved by whole pixels, its edge values drawn out."""
    height, width = image.shape
    wide = np.pad(image, 10, mode="edge")
    return wide[10 - down : 10 - down + height, 10 - right : 10 - right + width]


def test_shift_is_by_whole_pixels_of_each_axis():
    images = random_bytes(200, 2, 6, 7)
    out = data.Augmentation(shift=2).apply(images, np.random.default_rng(0))
    seen = set()
    for image, changed in zip(images, out, strict=True):
        found = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-2, 3)
            if all(
                np.array_equal(shifted(plane, down, right), result)
                for plane, result in zip(image, changed, strict=True)
            )
        ]
        assert len(found) == 1
        seen.add(found[0])
    assert len(seen) == 25


def test_flip_mirrors_about_half_of_the_images():
    images = random_bytes(400, 1, 5, 6)
    out = data.Augmentation(flip=True).apply(images, np.random.default_rng(0))
    same = (out == images).all(axis=(1, 2, 3))
    mirrored = (out == images[..., ::-1]).all(axis=(1, 2, 3))
    assert (same ^ mirrored).all()
    assert 150 < mirrored.sum() < 250


def centroids(images):
    """Row and column of the centre of mass, from the centre of the image."""
    weights = images[:, 0].astype(float)
    rows, columns = (np.arange(size) - (size - 1) / 2 for size in weights.shape[1:])
    total = weights.sum(axis=(1, 2))
    return (
        np.einsum("nhw,h->n", weights, rows) / total,
        np.einsum("nhw,w->n", weights, columns) / total,
    )


def spot(height, width, row, column, sigma=2.0):
    rows, columns = np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2
    bump = np.exp(-((rows[:, None] - row) ** 2 + (columns[None] - column) ** 2) / (2 * sigma**2))
    return np.rint(255 * bump).astype(np.uint8)


def test_rotation_turns_about_the_centre_within_the_angle():
    images = np.stack([spot(41, 61, 0, 12)] * 300)[:, None]
    out = data.Augmentation(rotate=30).apply(images, np.random.default_rng(0))
    row, column = centroids(out)
    np.testing.assert_allclose(np.hypot(row, column), 12, atol=0.1)
    angles = np.degrees(np.arctan2(row, column))
    assert angles.min() >= -30.5
    assert angles.max() <= 30.5
    assert angles.min() < -27
    assert angles.max() > 27
    assert abs(angles.mean()) < 4


def test_scale_moves_along_the_ray_within_the_factor():
    images = np.stack([spot(61, 61, 9, 12)] * 300)[:, None]
    out = data.Augmentation(scale=0.2).apply(images, np.random.default_rng(0))
    row, column = centroids(out)
    factors = np.hypot(row, column) / 15
    np.testing.assert_allclose(row / column, 9 / 12, atol=0.01)
    assert 0.79 < factors.min() < 0.83
    assert 1.17 < factors.max() < 1.21


def test_bilinear_value_by_hand():
    # Scaled by s about the centre of two pixels: sampled at 0.5 -/+ 0.5 / s.
    image = np.array([10, 210], np.uint8).reshape(1, 1, 1, 2)
    augmentation = data.Augmentation(scale=0.5)
    out = augmentation.apply(np.repeat(image, 200, axis=0), np.random.default_rng(0))
    factor = np.random.default_rng(0).uniform(0.5, 1.5, 200)
    position = np.clip(0.5 - 0.5 / factor, 0, 1)
    np.testing.assert_allclose(out[:, 0, 0, 0], 10 + 200 * position, atol=0.51)
    np.testing.assert_allclose(out[:, 0, 0, 1], 210 - 200 * position, atol=0.51)


def test_elastic_fields_are_as_large_as_published_and_smooth():
    # A ramp shows the column displacement itself, in steps of its slope.
    slope = 4
    ramp = np.tile(np.arange(60) * slope, (60, 1)).astype(np.uint8)
    images = np.stack([ramp] * 200)[:, None]
    out = data.Augmentation(elastic=34).apply(images, np.random.default_rng(0))
    moved = (out.astype(float) - images)[:, 0, :, 10:50] / slope
    # Uniform noise has variance 1/3; a Gaussian's squares sum to 1 / (4 pi sigma^2).
    expected = 34 * math.sqrt(1 / 3 / (4 * math.pi * 16))
    assert moved.std() == pytest.approx(expected, rel=0.05)
    # The same at the upper border as in the middle.
    assert moved[:, :3].std() == pytest.approx(expected, rel=0.1)
    assert abs(moved.mean()) < 0.1
    # Correlation of Gaussian-smoothed noise at distance d: exp(-d^2 / (4 sigma^2)).
    middle = moved[:, 20:40]
    near = (middle[:, :, :-4] * middle[:, :, 4:]).mean() / (middle**2).mean()
    assert near == pytest.approx(math.exp(-16 / 64), abs=0.05)


def test_constant_images_stay_constant():
    images = np.full((5, 1, 9, 9), 255, np.uint8)
    out = data.Augmentation.parse(EVERYTHING).apply(images, np.random.default_rng(0))
    assert (out == 255).all()


def test_images_of_one_pixel_or_row():
    for shape in ((4, 1, 1, 1), (4, 1, 1, 6), (4, 1, 6, 1), (0, 1, 6, 6)):
        out = data.Augmentation.parse(EVERYTHING).apply(
            random_bytes(*shape), np.random.default_rng(0)
        )
        assert out.shape == shape


def test_augmentation_refuses_other_arrays():
    rng = np.random.default_rng(0)
    with fails(DTypeError, "uint8", "float64"):
        data.Augmentation(shift=1).apply(np.zeros((1, 1, 4, 4)), rng)
    with fails(ShapeError, "(N, C, H, W)", "(4, 4)"):
        data.Augmentation(shift=1).apply(np.zeros((4, 4), np.uint8), rng)


# Scaling and floats


def test_standardise_gives_mean_0_and_variance_1():
    dataset = make_dataset(count=60, shape=(3, 8, 8))
    x = data.to_floats(dataset.images, data.Scaling.standardise(dataset)).astype(np.float64)
    np.testing.assert_allclose(x.mean(axis=(0, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(x.var(axis=(0, 2, 3)), 1, atol=1e-6)


def test_standardise_a_channel_of_one_value():
    images = np.full((4, 1, 3, 3), 77, np.uint8)
    dataset = data.Dataset("flat", "train", images, np.zeros(4, np.int64), ("a",))
    x = data.to_floats(images, data.Scaling.standardise(dataset))
    np.testing.assert_allclose(x, 0, atol=1e-6)


def test_between_is_that_of_lenet5():
    scaling = data.Scaling.between(-0.1, 1.175)
    x = data.to_floats(np.array([0, 255], np.uint8).reshape(2, 1, 1, 1), scaling)
    np.testing.assert_allclose(x.ravel(), [-0.1, 1.175], atol=1e-6)
    assert data.Scaling.between(0, 1, channels=3).scale == (1 / 255,) * 3


def test_scaling_goes_through_json():
    scaling = data.Scaling.standardise(make_dataset(shape=(3, 4, 4)))
    assert data.Scaling.from_dict(json.loads(json.dumps(scaling.to_dict()))) == scaling


@pytest.mark.parametrize(
    "numbers", [{}, {"scale": [1.0]}, {"scale": 1.0, "offset": 0.0}, {"scale": "a", "offset": "b"}]
)
def test_scaling_refuses_other_dicts(numbers):
    with fails(SpecError, "scaling: expected", "scale and offset", numbers):
        data.Scaling.from_dict(numbers)


def test_scaling_refuses_numbers_that_do_not_fit():
    with fails(SpecError, "one scale and one offset", "got 2 and 1"):
        data.Scaling((1.0, 1.0), (0.0,))
    with fails(SpecError, "got 0 and 0"):
        data.Scaling((), ())
    with fails(SpecError, "finite", "nan"):
        data.Scaling((math.nan,), (0.0,))


@pytest.mark.parametrize("shape", [(5, 1, 4, 3), (5, 3, 4, 2), (1, 3, 1, 1), (0, 1, 2, 2)])
def test_floats_are_scaled_bytes_with_the_batch_innermost(shape):
    images = random_bytes(*shape)
    scaling = data.Scaling((0.5, 0.25, 2.0)[: shape[1]], (1.0, -3.0, 0.0)[: shape[1]])
    x = data.to_floats(images, scaling)
    assert x.shape == shape
    assert x.dtype == np.float32
    assert x.transpose(1, 2, 3, 0).flags.c_contiguous
    for channel in range(shape[1]):
        expected = images[:, channel] * scaling.scale[channel] + scaling.offset[channel]
        np.testing.assert_array_equal(x[:, channel], expected)


def test_floats_of_an_index():
    images, index = random_bytes(9, 2, 3, 3), np.array([8, 0, 0, 5])
    scaling = data.Scaling.between(0, 1, channels=2)
    np.testing.assert_array_equal(
        data.to_floats(images, scaling, index), data.to_floats(images[index], scaling)
    )


def test_floats_refuse_what_does_not_fit():
    scaling = data.Scaling.between(0, 1)
    with fails(DTypeError, "uint8", "float32"):
        data.to_floats(np.zeros((1, 1, 2, 2), np.float32), scaling)
    with fails(ShapeError, "(N, 1, H, W)", "(2, 3, 4, 4)"):
        data.to_floats(random_bytes(2, 3, 4, 4), scaling)
    with fails(ShapeError, "below 2", "[2]"):
        data.to_floats(random_bytes(2, 1, 4, 4), scaling, np.array([2]))


# Batches


def make_batches(batch_size=4, count=10, **options):
    scaling = data.Scaling((1.0,), (0.0,))
    return data.Batches(make_dataset(count), batch_size, scaling=scaling, **options)


def content(batches, number, start=0):
    return [(x.tobytes(), labels.tobytes()) for x, labels in batches.epoch(number, start)]


def test_batches_in_order():
    batches = make_batches(shuffle=False)
    dataset = batches.dataset
    assert len(batches) == 3
    for number in (0, 1):
        xs, labels = zip(*batches.epoch(number), strict=True)
        assert [len(x) for x in xs] == [4, 4, 2]
        np.testing.assert_array_equal(np.concatenate(xs), dataset.images.astype(np.float32))
        np.testing.assert_array_equal(np.concatenate(labels), dataset.labels)
    assert xs[0].dtype == np.float32
    assert labels[0].dtype == np.int64
    assert xs[0].transpose(1, 2, 3, 0).flags.c_contiguous


def test_an_epoch_is_a_permutation_with_its_labels():
    batches = make_batches(count=50)
    expected = sorted(
        (image.astype(np.float32).tobytes(), label)
        for image, label in zip(batches.dataset.images, batches.dataset.labels, strict=True)
    )
    got = [
        (np.ascontiguousarray(image).tobytes(), label)
        for x, labels in batches.epoch(0)
        for image, label in zip(x, labels, strict=True)
    ]
    assert got != expected
    assert sorted(got) == expected


@pytest.mark.parametrize("words", ["none", EVERYTHING])
def test_order_depends_on_seed_and_epoch_alone(words):
    augmentation = data.Augmentation.parse(words)
    batches = make_batches(seed=1, augmentation=augmentation)
    expected = content(batches, 3)
    assert content(batches, 4) != expected
    assert content(make_batches(seed=2, augmentation=augmentation), 3) != expected
    assert content(make_batches(seed=1, augmentation=augmentation), 3) == expected


@pytest.mark.parametrize("words", ["none", EVERYTHING])
def test_resuming_in_the_middle_gives_the_same_bits(words):
    batches = make_batches(seed=1, augmentation=data.Augmentation.parse(words))
    whole = content(batches, 2)
    for start in range(4):
        assert content(batches, 2, start) == whole[start:]


def test_each_batch_and_epoch_is_augmented_differently():
    images = np.repeat(random_bytes(1, 1, 12, 12), 8, axis=0)
    dataset = data.Dataset("same", "train", images, np.zeros(8, np.int64), ("a",))
    batches = data.Batches(
        dataset,
        2,
        shuffle=False,
        augmentation=data.Augmentation(rotate=90),
        scaling=data.Scaling.between(0, 1),
    )
    seen = {x.tobytes() for number in (0, 1) for x, _ in batches.epoch(number)}
    assert len(seen) == 8


def test_batches_refuse_what_does_not_fit():
    dataset, scaling = make_dataset(), data.Scaling.between(0, 1)
    with fails(SpecError, "batch size of 1 or more", "got 0"):
        data.Batches(dataset, 0, scaling=scaling)
    with fails(SpecError, "data set with images", "toy (train)"):
        data.Batches(dataset.subset([]), 4, scaling=scaling)
    with fails(SpecError, "seed of 0 or more", "got -1"):
        data.Batches(dataset, 4, seed=-1, scaling=scaling)
    with fails(SpecError, "scaling of 1 channels as in toy (train)", "got one of 3"):
        data.Batches(dataset, 4, scaling=data.Scaling.between(0, 1, channels=3))
    batches = data.Batches(dataset, 4, scaling=scaling)
    with fails(SpecError, "epoch of 0 or more", "got -1"):
        batches.epoch(-1)
    with fails(SpecError, "start from 0 to 8", "got 9"):
        batches.epoch(0, 9)


def test_errors_are_of_the_family():
    for error in (DataError, DTypeError, ShapeError, SpecError):
        assert issubclass(error, ConvlabError)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_tiff_by_its_path(tmp_path, orientation):
    """An uncompressed grey TIFF: EXIF 2.3, section 4.6.4 A, says where its first row lies."""
    stored = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
    upright = {
        1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1],
        5: stored.T, 6: stored[::-1].T, 7: stored[::-1, ::-1].T, 8: stored.T[::-1],
    }[orientation]  # fmt: skip
    path = tmp_path / "scan.tif"
    Image.fromarray(stored).save(path, tiffinfo={0x0112: orientation})
    for source in (path, path.read_bytes()):
        read = data.read_picture(source, size=upright.shape, channels=1)
        np.testing.assert_array_equal(read[0], upright)
    assert picture_form(path) == (upright.shape, True)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "I;16", "1", "CMYK"])
def test_strips_make_no_seams(monkeypatch, mode):
    """Converted in strips of two rows, a picture has the same bytes as in one piece."""
    noise = np.random.default_rng(0).integers(0, 256, (9, 5, 4), np.uint8)
    picture = Image.fromarray(noise).convert("L" if mode == "I;16" else mode)
    stream = io.BytesIO()
    picture.convert(mode).save(stream, "TIFF" if mode == "CMYK" else "PNG")
    whole = data.read_picture(stream.getvalue(), size=(9, 5), channels=3)
    monkeypatch.setattr(data.pictures, "_STRIP", 10)
    np.testing.assert_array_equal(
        data.read_picture(stream.getvalue(), size=(9, 5), channels=3), whole
    )
