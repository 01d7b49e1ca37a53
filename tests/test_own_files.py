"""Data sets from the user's own files: IDX, .npy, .npz and tables of pixels."""

import gzip
import io
import re
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import convlab.data as data
from convlab.data import label_names, own_files, pixel_table
from convlab.data.file_words import Words
from convlab.errors import DataError, SpecError

UBYTE, SHORT, INT, FLOAT = 8, 11, 12, 13  # the third byte of an IDX file
PIXELS = np.random.default_rng(0).integers(0, 256, (12, 6, 5)).astype(np.uint8)
CLASSES = np.arange(12) % 3  # 0, 1, 2, 0, ...


def fails(*words):
    """Expect a DataError of one line with all the words in it."""
    pattern = "".join(f"(?=.*{re.escape(str(word))})" for word in words)
    return pytest.raises(DataError, match=rf"\A{pattern}[^\n]*\Z")


def idx(array, kind=UBYTE):
    """The content of an IDX file: 0, 0, the type, the number of axes, the sizes, the numbers."""
    array = np.asarray(array, {UBYTE: "u1", SHORT: ">i2", INT: ">i4", FLOAT: ">f4"}[kind])
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, kind, array.ndim]) + sizes + array.tobytes()


def write(folder, **contents):
    """Write files, whose names have "__" for a point and "_" for a hyphen; returns the folder."""
    folder.mkdir(exist_ok=True, parents=True)
    for name, content in contents.items():
        name = name.replace("__", ".").replace("_", "-")
        packed = gzip.compress(content) if name.endswith(".gz") else content
        (folder / name).write_bytes(packed)
    return folder


def csv(rows, header=None, separator=","):
    lines = [] if header is None else [separator.join(header)]
    return "\n".join([*lines, *(separator.join(map(str, row)) for row in rows), ""]).encode()


def npy(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def square(pixels):
    """Rows of the first 25 pixels of each image, and these as images of 5 x 5."""
    flat = pixels.reshape(len(pixels), -1)[:, :25]
    return flat, flat.reshape(-1, 5, 5)


def check(parts, pixels, classes=("0", "1", "2"), labels=CLASSES, tests=slice(0, 6)):
    """The training set is these images, and the test set the first half of them."""
    train, test = parts
    assert (train.split, test.split) == ("train", "test")
    for part, chosen in ((train, slice(None)), (test, tests)):
        expected = pixels[chosen] if pixels.ndim == 4 else pixels[chosen, np.newaxis]
        np.testing.assert_array_equal(part.images, expected)
        np.testing.assert_array_equal(part.labels, labels[chosen])
        assert part.classes == classes
    return train


def check_held_out(parts, pixels, labels=CLASSES):
    """Each image is in one of the sets once, under its own label."""
    train, test = parts
    assert (train.split, test.split, len(test)) == ("train", "test", 3)  # a fifth of 12, rounded up
    found = {
        image.tobytes(): label
        for part in parts
        for image, label in zip(part.images, part.labels, strict=True)
    }
    assert found == {image.tobytes(): label for image, label in zip(pixels, labels, strict=True)}


# --- what names say --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("train-images-idx3-ubyte.gz", ("", "train", "images")),
        ("t10k-labels.idx1-ubyte", ("", "test", "labels")),
        ("emnist-byclass-test-labels-idx1-ubyte.gz", ("emnist-byclass", "test", "labels")),
        ("emnist-letters-mapping.txt", ("emnist-letters", "", "names")),
        ("qmnist-train-labels-idx2-int.gz", ("qmnist", "train", "labels")),
        ("kmnist-test-imgs.npz", ("kmnist", "test", "images")),
        ("k49_classmap.csv", ("k49", "", "names")),
        ("x_train", ("", "train", "images")),
        ("val_labels.npy", ("", "validation", "labels")),
        ("arr_0.npy", ("", "", "")),
        ("csvTrainImages 13440x1024.csv", ("", "train", "images")),
        ("sign_mnist_train.csv", ("sign-mnist", "train", "")),
        ("label_names.npy", ("", "", "names")),
    ],
)
def test_words_of_names(name, words):
    assert Words.of(name) == words


# --- IDX -------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["", "__gz"])
def test_files_as_mnist_and_kmnist_have_them(tmp_path, end):
    folder = write(
        tmp_path / "kmnist",
        **{
            f"train_images_idx3_ubyte{end}": idx(PIXELS),
            f"train_labels_idx1_ubyte{end}": idx(CLASSES),
            f"t10k_images_idx3_ubyte{end}": idx(PIXELS[:6]),
            f"t10k_labels_idx1_ubyte{end}": idx(CLASSES[:6]),
        },
    )
    assert check(data.load(folder), PIXELS).name == "kmnist"
    one = folder / f"t10k-labels-idx1-ubyte{end.replace('__', '.')}"
    assert check(data.load(one), PIXELS).name == "kmnist"
    write(
        folder, kmnist_classmap__csv="index,codepoint,char\n0,U+304A,お\n2,x,す\n1,y,き\n".encode()
    )
    check(data.load(folder), PIXELS, ("お", "き", "す"))


def test_qmnist_has_labels_of_eight_columns(tmp_path):
    labels = np.arange(96).reshape(12, 8)  # series, writer, ... in columns 1 to 7
    labels[:, 0] = CLASSES
    folder = write(
        tmp_path / "q",
        qmnist_train_images_idx3_ubyte__gz=idx(PIXELS),
        qmnist_train_labels_idx2_int__gz=idx(labels, INT),
        qmnist_train_labels__tsv__gz=csv(labels, ["class", *"abcdefg"], "\t"),
        qmnist_test_images_idx3_ubyte__gz=idx(PIXELS[:6]),
        qmnist_test_labels_idx2_int__gz=idx(labels[:6], INT),
        qmnist_test_labels_idx1_ubyte__gz=idx(CLASSES[:6]),
    )
    assert check(data.load(folder), PIXELS).name == "q"
    assert check(data.load(folder / "qmnist-train-images-idx3-ubyte.gz"), PIXELS).name == "qmnist"
    write(folder, qmnist_train_labels_idx2_int__gz=idx(labels[:, :7], INT))
    with fails("qmnist-train-labels-idx2-int.gz", "expected labels (count,), got (12, 7)"):
        data.load(folder)


EMNIST = {  # the published mappings: a label, then the code points of its letters
    "letters": ("1 65 97\n2 66 98\n3 67 99\n", 1, ("A/a", "B/b", "C/c")),
    "byclass": ("0 48\n1 65\n2 97\n", 0, ("0", "A", "a")),
}


@pytest.mark.parametrize("kind", ["idx", "csv"])
def test_emnist_is_transposed_and_its_mappings_are_names(tmp_path, kind):
    """Cohen et al. 2017; a mark in the first row of the drawing stands in the first column."""
    images = PIXELS[:, :, :5] if kind == "idx" else square(PIXELS)[1]
    for name, (mapping, first, _) in EMNIST.items():
        write(tmp_path / "gzip", **{f"emnist_{name}_mapping__txt": mapping.encode()})
        for split, part in (("train", slice(None)), ("test", slice(0, 6))):
            labels = first + CLASSES[part]
            stored = images[part].swapaxes(1, 2)
            rows = np.column_stack([labels, stored.reshape(len(stored), -1)])
            contents = {
                "csv": {f"emnist_{name}_{split}__csv": csv(rows)},
                "idx": {
                    f"emnist_{name}_{split}_images_idx3_ubyte__gz": idx(stored),
                    f"emnist_{name}_{split}_labels_idx1_ubyte__gz": idx(labels),
                },
            }
            write(tmp_path / "gzip", **contents[kind])
    end = {"idx": "-images-idx3-ubyte.gz", "csv": ".csv"}[kind]
    for name, (_, _, classes) in EMNIST.items():
        file = tmp_path / "gzip" / f"emnist-{name}-train{end}"
        if kind == "idx":
            assert check(data.load(file), images, classes).name == f"emnist-{name}"
        else:  # a table is a set by itself
            check_held_out(data.load(file), images)
    with fails("those of 2, emnist-byclass, emnist-letters; name a file of one"):
        data.load(tmp_path / "gzip")
    write(tmp_path / "gzip", emnist_letters_mapping__txt=b"1 65 97\n2 66 98\n")
    with fails("expected a name for each label, got none for 3"):
        data.load(tmp_path / "gzip" / f"emnist-letters-train{end}")


@pytest.mark.parametrize(
    ("images", "kind", "expected"),
    [
        (PIXELS.astype(int), SHORT, PIXELS),
        (PIXELS.astype(int), INT, PIXELS),
        (PIXELS / 255, FLOAT, PIXELS),
        (PIXELS.reshape(12, 1, 6, 5), UBYTE, PIXELS),
        (np.stack([PIXELS, PIXELS // 2, 255 - PIXELS], 3), UBYTE, None),
    ],
    ids=["short", "int", "float", "four axes", "colour"],
)
def test_idx_of_other_types_and_axes(tmp_path, images, kind, expected):
    write(tmp_path, my_images_idx3=idx(images, kind), my_labels_idx1=idx(CLASSES))
    if expected is None:
        expected = images.transpose(0, 3, 1, 2)
    check_held_out(data.load(tmp_path / "my-images-idx3"), expected)


# --- .npy and .npz ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (PIXELS, PIXELS),
        (PIXELS.astype(np.int64), PIXELS),
        (PIXELS.astype(np.float64), PIXELS),
        ((PIXELS / 255).astype(np.float16), PIXELS),
        (np.asfortranarray(PIXELS), PIXELS),
        (PIXELS > 127, np.where(PIXELS > 127, 255, 0)),
        ((PIXELS > 127).astype(np.uint8), np.where(PIXELS > 127, 255, 0)),
        (PIXELS[..., np.newaxis], PIXELS),
        (square(PIXELS)[0], square(PIXELS)[1]),
        (np.stack([PIXELS] * 3, 1), np.stack([PIXELS] * 3, 1)),
        (np.stack([PIXELS] * 3, 3), np.stack([PIXELS] * 3, 1)),
    ],
)
def test_arrays_of_pixels(tmp_path, images, expected):
    """As .npy files, and both in one .npz without names."""
    folder = write(tmp_path / "mine", X__npy=npy(images), y__npy=npy(CLASSES))
    check_held_out(data.load(folder), expected.astype(np.uint8))
    np.savez(tmp_path / "all.npz", images, CLASSES[:, np.newaxis])
    check_held_out(data.load(tmp_path / "all.npz"), expected.astype(np.uint8))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_one_npz_with_all_parts(tmp_path, save):
    """As MedMNIST (Yang et al. 2023) and Keras have them."""
    colour = np.stack([PIXELS, PIXELS // 2, 255 - PIXELS], 3)
    column = CLASSES[:, np.newaxis].astype(np.uint8)
    parts = {"train": slice(None), "val": slice(6, 12), "test": slice(0, 6)}
    of_split = [(f"{name}_images", f"{name}_labels", part) for name, part in parts.items()]
    arrays = {x: colour[part] for x, _, part in of_split}
    arrays |= {y: column[part] for _, y, part in of_split}
    save(tmp_path / "pathmnist.npz", **arrays, mean=np.zeros(3))
    train = check(data.load(tmp_path / "pathmnist.npz"), colour.transpose(0, 3, 1, 2))
    assert (train.name, train.image_shape) == ("pathmnist", (3, 6, 5))
    del arrays["test_images"], arrays["test_labels"]
    save(tmp_path / "without.npz", **arrays)
    check(data.load(tmp_path / "without.npz"), colour.transpose(0, 3, 1, 2), tests=slice(6, 12))
    keras = {"x_train": PIXELS, "y_train": CLASSES, "x_test": PIXELS[:6], "y_test": CLASSES[:6]}
    save(tmp_path / "mnist.npz", **keras, class_names=np.array(["nil", "one", "two"]))
    check(data.load(str(tmp_path / "mnist.npz")), PIXELS, ("nil", "one", "two"))
    save(tmp_path / "bytes.npz", **keras, classes=np.array([b"nil", b"one", b"two"]))
    check(data.load(tmp_path / "bytes.npz"), PIXELS, ("nil", "one", "two"))


def test_kmnist_in_four_npz(tmp_path):
    for split, part in (("train", slice(None)), ("test", slice(0, 6))):
        np.savez_compressed(tmp_path / f"kmnist-{split}-imgs.npz", PIXELS[part])
        np.savez_compressed(tmp_path / f"kmnist-{split}-labels.npz", CLASSES[part])
    names = "index,codepoint,char\n0,U+304A,お\n1,U+304D,き\n2,U+3059,す\n"
    write(tmp_path, kmnist_classmap__csv=names.encode())
    for source in (tmp_path, tmp_path / "kmnist-test-labels.npz"):
        check(data.load(source), PIXELS, ("お", "き", "す"))


@pytest.mark.parametrize(
    ("labels", "classes", "numbers"),
    [
        (CLASSES.astype(float), ("0", "1", "2"), CLASSES),
        (CLASSES * 4 + 3, ("3", "7", "11"), CLASSES),
        (CLASSES == 1, ("0", "1"), CLASSES == 1),
        (np.array(["oak", "ash", "elm"])[CLASSES], ("ash", "elm", "oak"), (2 - CLASSES + 3) % 3),
        (np.array([b"10", b"9", b"8"])[CLASSES], ("8", "9", "10"), 2 - CLASSES),
    ],
    ids=["floats", "not from 0", "bool", "words", "bytes"],
)
def test_labels(tmp_path, labels, classes, numbers):
    if classes[0] == "ash":
        numbers = np.array([2, 0, 1])[CLASSES]
    write(tmp_path, x__npy=npy(PIXELS), y__npy=npy(labels))
    check_held_out(data.load(tmp_path), PIXELS, np.asarray(numbers, int))
    assert data.load(tmp_path)[0].classes == classes


# --- tables ----------------------------------------------------------------------------------

ROWS = square(PIXELS)[0]
NAMED = [f"pixel{at}" for at in range(25)]


@pytest.mark.parametrize(
    "content",
    [
        csv(np.column_stack([CLASSES, ROWS])),
        csv(np.column_stack([CLASSES, ROWS]), ["label", *NAMED]),
        csv(np.column_stack([CLASSES, ROWS]), ["label", *map(str, range(25))]),
        csv(np.column_stack([ROWS, CLASSES]), [*NAMED, "Class"]),
        csv(np.column_stack([np.arange(12), ROWS, CLASSES]), ["", *NAMED, '"target"']),
        csv(np.column_stack([CLASSES, ROWS]), ["y", *NAMED], ";"),
        csv(np.column_stack([CLASSES, ROWS]), None, "\t").replace(b"\n", b"\r\n\r\n"),
        b"\xef\xbb\xbf"
        + csv([[f'"{cell}"' for cell in row] for row in np.column_stack([CLASSES, ROWS])]),
        csv(np.column_stack([CLASSES, np.round(ROWS / 255, 4)]), ["label", *NAMED]),
        csv(np.column_stack([CLASSES, np.round(ROWS / 255, 4)]), None, ";").replace(b".", b","),
    ],
    ids=[
        "plain",
        "named",
        "counted",
        "last",
        "index",
        "semicolons",
        "tabs",
        "quotes",
        "floats",
        "commas",
    ],
)
@pytest.mark.parametrize("name", ["digits__csv", "digits__csv__gz"])
def test_tables(tmp_path, content, name):
    write(tmp_path, **{name: content})
    images = square(PIXELS)[1]
    check_held_out(data.load(tmp_path), images)
    check_held_out(data.load(tmp_path / name.replace("__", ".")), images)


def test_tables_of_words_and_of_two_parts(tmp_path):
    words = np.array(["oak", "ash", "elm tree"])[CLASSES]
    rows = [[word, *row] for word, row in zip(words, ROWS.tolist(), strict=True)]
    write(tmp_path, trees_train__csv=csv(rows), trees_test__csv=csv(rows[:6]))
    labels = np.array([2, 0, 1])[CLASSES]
    images = square(PIXELS)[1]
    check(data.load(tmp_path), images, ("ash", "elm tree", "oak"), labels)
    check_held_out(data.load(tmp_path / "trees-train.csv"), images, labels)
    apart = write(
        tmp_path / "apart",
        **{
            "csvTrainImages 12x25__csv": csv(ROWS),
            "csvTrainLabel 12x1__csv": csv(CLASSES[:, None]),
        },
    )
    check_held_out(data.load(apart), images)
    write(apart, classes__txt=b"ash\nelm tree\noak\n")
    assert data.load(apart)[0].classes == ("ash", "elm tree", "oak")


def test_long_tables_are_read_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(pixel_table, "_AT_ONCE", 5)
    write(tmp_path, digits__csv=csv(np.column_stack([CLASSES, ROWS])))
    check_held_out(data.load(tmp_path), square(PIXELS)[1])
    monkeypatch.setattr(pixel_table, "MAX_ROWS", 11)
    with fails("digits.csv", "expected at most 11 rows, got more"):
        data.load(tmp_path)


def test_size_and_channels_as_of_pictures(tmp_path):
    large = np.random.default_rng(1).integers(0, 256, (12, 70, 65)).astype(np.uint8)
    write(tmp_path, x__npy=npy(large), y__npy=npy(CLASSES))
    train, test = data.load(tmp_path)
    assert train.image_shape == test.image_shape == (1, 32, 32)
    train, _ = data.load(tmp_path, image_size=(7, 9), channels=3)
    assert train.image_shape == (3, 7, 9)
    np.testing.assert_array_equal(
        data.load(tmp_path, image_size=(70, 65))[1].images.shape, (3, 1, 70, 65)
    )
    with pytest.raises(SpecError, match="expected 1 channel"):
        data.read_files(tmp_path, channels=2)


# --- folders -----------------------------------------------------------------------------------


def test_pictures_come_before_files(tmp_path):
    """A folder of pictures may have tables beside them, one of arrays other folders."""
    from PIL import Image

    for name in ("a/1.png", "a/2.png", "b/1.png", "b/2.png"):
        (tmp_path / "pictures" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(PIXELS[0]).save(tmp_path / "pictures" / name)
    write(tmp_path / "pictures", digits__csv=csv(np.column_stack([CLASSES, ROWS])))
    assert data.load(tmp_path / "pictures")[0].classes == ("a", "b")
    write(tmp_path / "arrays", x__npy=npy(PIXELS), y__npy=npy(CLASSES), _secret__npy=b"?")
    (tmp_path / "arrays" / "notes").mkdir()
    (tmp_path / "arrays" / ".hidden.npy").write_bytes(b"?")
    (tmp_path / "arrays" / "-secret.npy").unlink()
    assert data.load(tmp_path / "arrays")[0].classes == ("0", "1", "2")
    with fails("expected a file of arrays or a table, got a picture"):
        data.load(tmp_path / "pictures/a/1.png")


def test_names_of_sources(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, my_digits_train__csv=b"", x_train__npy=b"")
    (tmp_path / "seven.png").touch()
    names = {"digits": "digits", ".": tmp_path.name, "my-digits-train.csv": "my-digits"}
    for source, name in names.items():
        assert data.is_source(source)
        assert data.short_name(data.located(source)) == name
    assert data.short_name(data.located("x-train.npy")) == tmp_path.name
    assert not any(map(data.is_source, ("seven.png", "seven", "", "~nobody/x", "\0", "a" * 5000)))


# --- what does not fit -------------------------------------------------------------------------

LABELS_FILE = {"my_labels_idx1": idx(CLASSES)}
WHOLE = np.column_stack([CLASSES, ROWS])
UNFIT = {  # the files of a set (the first is loaded), and what the line says
    "no such kind": (
        {"my_images_idx3": b"\0\0\x07\3"},
        ["expected an IDX, .npy or .npz file, got something else"],
    ),
    "a page": ({"my_images_idx3_ubyte": b"<!DOCTYPE html>"}, ["got something else"]),
    "short header": ({"my_images_idx3": idx(PIXELS)[:15]}, ["header of 16 bytes, got 15 bytes"]),
    "short": ({"my_images_idx3": idx(PIXELS)[:-1]}, ["12 × 6 × 5", "360 bytes after it, got 359"]),
    "long": ({"my_images_idx3": idx(PIXELS) + b"?"}, ["360 bytes after it, got 361"]),
    "short, packed": (
        {"my_images_idx3__gz": idx(PIXELS)[:-1], **LABELS_FILE},
        ["expected 360 bytes after it, got 359"],
    ),
    "long, packed": (
        {"my_images_idx3__gz": idx(PIXELS) + b"?", **LABELS_FILE},
        ["expected 360 bytes after it, got more"],
    ),
    "vast": (
        {"my_images_idx3": b"\0\0\x08\3" + b"\xff" * 12},
        ["the header says 4294967295 × 4294967295 × 4294967295", "bytes after it, got 0"],
    ),
    "nearly vast": (
        {"my_images_idx3__gz": b"\0\0\x08\3" + struct.pack(">3I", 12, 12000, 12000)},
        ["expected labels for the images"],
    ),
    "nearly vast, with labels": (
        {"my_images_idx3__gz": b"\0\0\x08\3" + struct.pack(">3I", 12, 12000, 12000), **LABELS_FILE},
        ["expected 1728000000 bytes after it, got 0"],
    ),
    "unlike numbers": (
        {"my_images_idx3": idx(PIXELS[:11]), **LABELS_FILE},
        ["one label for each image, got 11 images in", "and 12 labels in"],
    ),
    "no labels": (
        {"my_images_idx3": idx(PIXELS)},
        ["expected labels for the images", "got none"],
    ),
    "no images": (LABELS_FILE, ["expected images for the labels in", "got none"]),
    "no numbers": (
        {"x_my__npy": npy(np.array([None, {}, []], object)), "y_my__npy": npy(CLASSES)},
        ["expected an array of numbers or texts, got one of Python objects"],
    ),
    "structs": ({"x__npy": npy(np.zeros(3, "i4,f4"))}, ["numbers or texts, got one of"]),
    "complex": ({"x__npy": npy(np.zeros((3, 4, 4), complex))}, ["got one of complex128"]),
    "damaged npy": ({"x__npy": npy(PIXELS)[:40]}, ["header of an .npy file, got a damaged one"]),
    "deep npy": (
        {"x__npy": b"\x93NUMPY\1\0" + struct.pack("<H", 9000) + b"(" * 9000},
        ["header of an .npy file, got a damaged one"],
    ),
    "negative npy": (
        {"x__npy": npy(PIXELS).replace(b"(12, 6, 5)", b"(-2, 6, 5)")},
        ["sizes of at least 0, got (-2, 6, 5)"],
    ),
    "vast npy": (
        {"x__npy": npy(PIXELS).replace(b"(12, 6, 5), }     ", b"(12000, 600, 500),}")},
        ["the header says 12000 × 600 × 500, expected 3600000000 bytes"],
    ),
    "short npy": ({"x__npy": npy(PIXELS)[:-9]}, ["expected 360 bytes after it, got 351"]),
    "nan": (
        {"x__npy": npy(np.where(PIXELS == 255, np.nan, PIXELS)), "y__npy": npy(CLASSES)},
        ["expected finite numbers, got", "the first nan at index"],
    ),
    "above": (
        {"x__npy": npy(PIXELS * 2.0), "y__npy": npy(CLASSES)},
        ["expected pixels from 0 to 255, or from 0 to 1, got 0 to"],
    ),
    "below": (
        {"x__npy": npy(PIXELS / 127.5 - 1), "y__npy": npy(CLASSES)},
        ["expected pixels from 0 to 255, or from 0 to 1, got -1 to 1"],
    ),
    "words as pixels": (
        {"x__npy": npy(np.full((12, 4, 4), "a")), "y__npy": npy(CLASSES)},
        ["expected pixels as numbers, got <U1"],
    ),
    "five channels": (
        {"x__npy": npy(np.zeros((12, 5, 4, 5))), "y__npy": npy(CLASSES)},
        ["expected images (count, H, W), (count, H, W, C)", "got (12, 5, 4, 5)"],
    ),
    "no square": (
        {"x__npy": npy(np.zeros((12, 24))), "y__npy": npy(CLASSES)},
        ["rows of a square number of pixels, got (12, 24)"],
    ),
    "nothing": (
        {"x__npy": npy(PIXELS[:0]), "y__npy": npy(CLASSES[:0])},
        ["expected images of 1 to 65,535 pixels along a side, got (0, 6, 5)"],
    ),
    "one-hot": (
        {"x__npy": npy(PIXELS), "y__npy": npy(np.eye(3)[CLASSES])},
        ["expected labels (count,), got (12, 3)"],
    ),
    "halves": (
        {"x__npy": npy(PIXELS), "y__npy": npy(CLASSES / 2)},
        ["expected labels as whole numbers, got"],
    ),
    "nan as label": (
        {"x__npy": npy(PIXELS), "y__npy": npy(np.where(CLASSES, CLASSES, np.nan))},
        ["expected labels as whole numbers, got"],
    ),
    "below 0": (
        {"x__npy": npy(PIXELS), "y__npy": npy(CLASSES - 1)},
        ["expected labels from 0, got -1"],
    ),
    "one class": (
        {"x__npy": npy(PIXELS), "y__npy": npy(CLASSES * 0)},
        ["expected 2 to 5,000 classes, got 1"],
    ),
    "only tests": (
        {"x_test__npy": npy(PIXELS), "y_test__npy": npy(CLASSES)},
        ["expected images and labels to train with, got only test"],
    ),
    "other classes": (
        {
            **{"x_train__npy": npy(PIXELS), "y_train__npy": npy(CLASSES)},
            **{"x_test__npy": npy(PIXELS), "y_test__npy": npy(CLASSES + 1)},
        },
        ["expected labels of the training set in the test set, got also 3"],
    ),
    "numbers and words": (
        {
            **{"x_train__npy": npy(PIXELS), "y_train__npy": npy(CLASSES)},
            **{"x_test__npy": npy(PIXELS), "y_test__npy": npy(np.array(["a"] * 12))},
        },
        ["expected labels of one kind, got numbers and texts"],
    ),
    "twice": (
        {"x_a0__npy": npy(PIXELS), "y_a0__npy": npy(CLASSES), "y_a0__npz": b"PK\3\4"},
        ["expected a whole .npz file, got a damaged one (File is not a zip file)"],
    ),
    "no table": ({"my__csv": b""}, ["expected rows of pixels, got none"]),
    "names alone": ({"my__csv": csv([], ["label", *NAMED])}, ["expected rows below the names"]),
    "unlike rows": (
        {"my__csv": csv([*WHOLE.tolist(), [1, 2]])},
        ["expected 26 cells in each row, as in the first, got 2 in line 13"],
    ),
    "no number": (
        {"my__csv": csv([*WHOLE.tolist(), [1] * 25 + ["many"]])},
        ["expected pixels as numbers, got 'many' in line 13, column 26"],
    ),
    "no cell": (
        {"my__csv": csv([*WHOLE.tolist(), ["", *[1] * 24, ""]], ["label", *NAMED])},
        ["expected pixels as numbers, got '' in line 14, column 26"],
    ),
    "no column of labels": (
        {"my__csv": csv(ROWS, NAMED)},
        ["expected one column called label, class, target or y, got 0 among pixel0, pixel1"],
    ),
    "no square table": (
        {"my__csv": csv(WHOLE[:, :25])},
        ["a square number of pixels in a row, such as 28 x 28 = 784, got 24 cells beside the"],
    ),
    "nan in a table": ({"my__csv": csv([*WHOLE.tolist(), [0, *["nan"] * 25]])}, ["finite numbers"]),
    "too large": ({"my__csv": csv([*WHOLE.tolist(), [0, *[256] * 25]])}, ["got 0 to 256"]),
    "no text": ({"my__csv": b"\xff\xfe1\0"}, ["expected a table in UTF-8 text"]),
    "endless line": ({"my__csv__gz": b"0," * 3_000_000}, ["lines of at most 4,000,000 characters"]),
    "endless label": (
        {"my__csv": csv([["a" * 101, 0], ["b", 1]])},
        ["expected labels of at most 100 characters, got 101 in line 1"],
    ),
    "all different": (
        {"my__csv": csv([[at, 0] for at in range(5001)])},
        ["expected 2 to 5,000 classes, got 5,001"],
    ),
    "no gzip": ({"my__csv": b"\x1f\x8b" + bytes(20)}, ["expected a gzip file, got a damaged one"]),
}


@pytest.mark.parametrize("case", UNFIT)
def test_files_that_do_not_fit(tmp_path, case):
    files, words = UNFIT[case]
    write(tmp_path, **files)
    name = next(iter(files)).replace("__", ".").replace("_", "-")
    with fails(*words):
        data.load(tmp_path / name)


def test_npz_that_do_not_fit(tmp_path):
    np.savez(tmp_path / "all.npz", x=PIXELS, y=CLASSES)
    whole = (tmp_path / "all.npz").read_bytes()
    place = whole.index(PIXELS.tobytes())
    cases = {
        whole[:-10]: ["expected a whole .npz file, got a damaged one"],
        whole[:place] + b"?" + whole[place + 1 :]: ["all.npz", "got a damaged one"],
    }
    for content, words in cases.items():
        write(tmp_path, all__npz=content)
        with fails(*words):
            data.load(tmp_path / "all.npz")
    for count in (0, 101):
        with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
            for at in range(count):
                archive.writestr(f"{at}.npy", npy(CLASSES))
            archive.writestr("notes.txt", "")
        with fails(f"expected an .npz file of 1 to 100 arrays, got {count + 1} files in it"):
            data.load(tmp_path / "other.npz")
    np.savez(tmp_path / "object.npz", x=PIXELS, y=np.array([None] * 12))
    with fails("object.npz: y: expected an array of numbers or texts, got one of Python objects"):
        data.load(tmp_path / "object.npz")
    np.savez(tmp_path / "two.npz", x=PIXELS, images=PIXELS, y=CLASSES)
    with fails("two.npz: images: expected one array of images, got also", "two.npz: x"):
        data.load(tmp_path / "two.npz")


def test_tables_of_names_that_do_not_fit(tmp_path):
    path = tmp_path / "classes.txt"
    for content, words in {
        b"0,a\n0,b\n": ["each label once, got '0 b'"],
        b"0,a\nb\n": ["expected a label and its name in each line", "got 'b'"],
        b"\xff": ["cannot be read (not UTF-8 text)"],
    }.items():
        path.write_bytes(content)
        with fails(path, *words):
            label_names.read_label_names(path)
    path.write_bytes(b"0 48\n1 1114112\n2 97\n")  # beyond the last code point
    assert label_names.read_label_names(path)[1] == chr(0x10FFFF)


def test_folders_of_files_that_do_not_fit(tmp_path, monkeypatch):
    write(tmp_path / "alone", x__npy=npy(PIXELS))
    with fails("expected files with images and labels, got", "alone/x.npy"):
        data.load(tmp_path / "alone")
    with fails("expected files with images and labels, got none of them"):
        data.read_files(write(tmp_path / "empty"))
    monkeypatch.setattr(own_files, "MOST_FILES", 1)
    write(tmp_path / "alone", y__npy=npy(CLASSES))
    with fails(tmp_path / "alone", "expected at most 1 files, got 2"):
        data.load(tmp_path / "alone")


@pytest.mark.skipif(sys.platform != "linux", reason="the memory is read from /proc")
def test_what_does_not_fit_is_refused_at_once_and_in_little_memory(tmp_path):
    """All files above, and one that would unpack to 1.7 GB if it were whole, in one process."""
    paths = []
    for case, (files, _) in UNFIT.items():
        write(tmp_path / case, **files)
        paths.append(tmp_path / case / next(iter(files)).replace("__", ".").replace("_", "-"))
    bomb = write(tmp_path / "bomb", my_labels_idx1__gz=idx(CLASSES))
    with gzip.open(bomb / "my-images-idx3.gz", "wb", 1) as file:
        file.write(b"\0\0\x08\3" + struct.pack(">3I", 12, 12000, 12000))
        for _ in range(100):
            file.write(bytes(1 << 20))
    code = """if True:
        import sys, time
        import convlab.data as data
        from convlab.errors import DataError

        def most():  # not ru_maxrss, which a new process takes over from the one that started it
            lines = open("/proc/self/status").readlines()
            return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

        imported = most()
        for path in sys.argv[1:]:
            begin = time.process_time()  # others may be busy here
            try:
                data.load(path)
            except DataError as error:
                print(f"{time.process_time() - begin:.3f} {error}")
        print(most() - imported)
    """
    paths.append(bomb / "my-images-idx3.gz")
    command = [sys.executable, "-c", code, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    *lines, most = done.stdout.splitlines()
    assert (done.stderr, len(lines)) == ("", len(paths))
    assert max(float(line.split()[0]) for line in lines) < 1
    # KiB, 102,400 of them for what the last file has of its 1.7 GB.
    assert "got 104857600" in lines[-1] and int(most) < 160_000


# --- the command line --------------------------------------------------------------------------


def own_sets():
    """A set of each kind: noise, dark, medium and light, of 12 x 12 pixels."""
    generator = np.random.default_rng(2)
    labels = np.arange(60) % 3
    images = np.clip(generator.normal(60 + 70 * labels[:, None, None], 15, (60, 12, 12)), 0, 255)
    images = images.astype(np.uint8)
    packed = io.BytesIO()
    np.savez_compressed(packed, x_train=images, y_train=labels, x_test=images, y_test=labels)
    rows = np.column_stack([labels, images.reshape(60, -1)])
    eight = np.column_stack([labels] * 8)
    return {
        "kmnist": {
            "train_images_idx3_ubyte__gz": idx(images),
            "train_labels_idx1_ubyte__gz": idx(labels),
            "t10k_images_idx3_ubyte__gz": idx(images),
            "t10k_labels_idx1_ubyte__gz": idx(labels),
        },
        "emnist-letters-train-images-idx3-ubyte": {
            "emnist_letters_train_images_idx3_ubyte": idx(images),
            "emnist_letters_train_labels_idx1_ubyte": idx(labels + 1),
            "emnist_letters_mapping__txt": b"1 65 97\n2 66 98\n3 67 99\n",
        },
        "qmnist": {
            "qmnist_train_images_idx3_ubyte__gz": idx(images),
            "qmnist_train_labels_idx2_int__gz": idx(eight, INT),
        },
        "noise.npz": {"noise__npz": packed.getvalue()},
        "arrays": {"x__npy": npy(images / 255), "y__npy": npy(labels)},
        "noise.csv": {"noise__csv": csv(rows, ["label", *(f"p{at}" for at in range(144))])},
    }


OWN = own_sets()


@pytest.mark.sample(3)
@pytest.mark.parametrize("source", OWN)
def test_an_epoch_on_each_kind(convlab, source):
    where = "." if "." in source or "-" in source else source
    write(convlab.folder / where, **OWN[source])
    out = convlab.works("train", "--data", source, "--epochs", 1, "--batch-size", 8, "--quiet")
    name = {"noise.npz": "noise", "noise.csv": "noise"}.get(source, source)
    name = name.removesuffix("-train-images-idx3-ubyte")
    assert f"runs/lenet5-{name}" in out
    labels = {"emnist-letters": ["A/a", "B/b", "C/c"]}.get(name, ["0", "1", "2"])
    table = convlab.works("evaluate", f"runs/lenet5-{name}")
    assert all(label in table for label in labels)


def test_commands_that_take_a_data_set_take_a_file(convlab):
    """Trained on a folder's arrays, measured on a table."""
    write(convlab.folder, **OWN["noise.csv"])
    write(convlab.folder / "arrays", **OWN["arrays"])
    train = ("train", "--data", "arrays", "--epochs", 4, "--batch-size", 4, "--quiet")
    convlab.works(*train, "--output", "run")
    assert "12 test images of noise" in convlab.works("evaluate", "run", "--data", "noise.csv")
    convlab.works("render", "augment", "noise.csv", "-o", "augmented.png")
    convlab.works("render", "features", "run", "test:3", "--layer", "conv1", "-o", "features.png")
    error = convlab.fails("train", "--data", "nosuch.csv")
    assert error.startswith("unknown data set 'nosuch.csv': expected digits, mnist,")
    assert error.endswith(", a folder of pictures or a file of arrays")
    (convlab.folder / "noise.csv").write_bytes(csv([[1, 2, 3]]))
    error = convlab.fails("evaluate", "run", "--data", "noise.csv")
    assert "expected a square number of pixels in a row" in error


@pytest.mark.slow
def test_an_experiment_on_a_table(convlab):
    write(convlab.folder, **OWN["noise.csv"])
    out = convlab.works("experiment", "run", "pooling", "--quick", "--data", "noise.csv", "--quiet")
    assert "noise.csv" in out
