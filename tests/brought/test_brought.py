"""What a network of digits says of pictures that people bring: see sheets.py."""

import io
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convlab import data, training
from convlab.errors import DataError

from . import sheets

WRITTEN = [*sheets.written()]
LIGHT = ("chalk on a board", "white on transparent")


def digit_on(content, form):
    """The bytes (1, 28, 28) of the digit on a picture; raises NoDigit."""
    return data.written_digit(data.read_sheet(content), form)


@pytest.mark.parametrize("way", sheets.WAYS)
def test_a_digit_is_found_whatever_its_sheet(way):
    """On each sheet the same digit is found as on white paper, and which is paper and which ink."""
    likeness = []
    for digit in WRITTEN[::7]:
        plain, _ = digit_on(sheets.sheet(digit, "in the middle"), "mnist")
        found, dark_on_light = digit_on(sheets.sheet(digit, way), "mnist")
        assert dark_on_light == (way not in LIGHT)
        likeness.append(np.corrcoef(plain.ravel(), found.ravel())[0, 1])
    # With another pen, and so another centre of mass, it may lie a pixel further on.
    assert min(likeness) > 0.7


@pytest.mark.parametrize("kind", sheets.EMPTY)
def test_an_empty_sheet_has_no_digit(kind):
    for seed in range(3):
        with pytest.raises(data.NoDigit):
            digit_on(sheets.empty(kind, seed), "mnist")


@pytest.mark.parametrize("name", data.PHOTOGRAPHS)
def test_a_photograph_has_no_digit(name):
    stream = io.BytesIO()
    Image.fromarray(data.photograph(name)).save(stream, "PNG")
    with pytest.raises(data.NoDigit):
        digit_on(stream.getvalue(), "mnist")


def test_two_digits_are_not_one():
    one = np.asarray(Image.open(io.BytesIO(sheets.sheet(WRITTEN[4], "in the middle"))))
    two = np.asarray(Image.open(io.BytesIO(sheets.sheet(WRITTEN[6], "in the middle"))))
    stream = io.BytesIO()
    Image.fromarray(np.hstack([one, two])).save(stream, "PNG")
    with pytest.raises(data.NoDigit, match="2 marks of like size"):
        digit_on(stream.getvalue(), "digits")


@pytest.mark.parametrize(
    "way", ["squared paper", "white on transparent", "28 x 28, off the centre"]
)
@pytest.mark.parametrize("form", data.FORMS)
def test_the_page_finds_what_the_command_finds(pictures, tmp_path, way, form):
    compared(pictures, sheets.sheet(WRITTEN[9], way), form)


@pytest.mark.parametrize("kind", ["white", "photographed, lined"])
def test_the_page_finds_none_where_the_command_finds_none(pictures, kind):
    compared(pictures, sheets.empty(kind), "mnist")


def compared(pictures, content, form):
    """Hold what the page makes of a picture to what the command makes of it."""
    rgba = np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))
    description = {
        "image": {"channels": 1, "rows": 28, "columns": 28},
        "dark_background": True,
        "form": {"name": form, "words": "as the data are"},
    }
    got = pictures("pictureOf", description, rgba, *rgba.shape[:2])
    try:
        expected, dark_on_light = digit_on(content, form)
    except data.NoDigit as error:
        assert got["notes"][0] == f"no digit found: {error}"
        return
    assert got["notes"] == ["digit found: as the data are"]
    assert got["inverted"] == dark_on_light
    np.testing.assert_allclose(np.reshape(got["bytes"], (1, 28, 28)), expected, atol=1)


# --- measured in full ---------------------------------------------------------------------


def mnist_or_skip():
    try:
        return [*sheets.of_mnist()]
    except DataError as error:
        pytest.skip(f"no MNIST here: {error}")


@pytest.fixture(scope="module", params=["digits", "mnist"])
def run_of_digits(request, tmp_path_factory, convlab_in):
    """A run as ``convlab train`` leaves it, of MNIST after three epochs."""
    mnist_or_skip()
    folder = tmp_path_factory.mktemp("runs")
    few = ["--epochs", "3"] if request.param == "mnist" else []
    convlab_in(folder).works(
        *("train", "--data", request.param, *few, "--quiet", "--output", "run"),
        CONVLAB_DATA_DIR=os.environ["CONVLAB_DATA_DIR"],
    )
    return training.load(folder / "run")


@pytest.mark.campaign
def test_sixty_digits_in_all_ways(run_of_digits, tmp_path, record_property):
    """95 % right in each way, and nearly all are found."""
    digits = [*WRITTEN, *mnist_or_skip()]
    assert len(digits) == 60
    right, missed = Counter(), Counter()
    for way in sheets.WAYS:
        for digit in digits:
            path = tmp_path / "sheet"
            path.write_bytes(sheets.sheet(digit, way))
            image = run_of_digits.image(path)
            missed[way] += bool(image.missing)
            if not image.missing:
                answer = next(iter(run_of_digits.predict(image.pixels)[0]))
                right[way] += answer == str(digit.label)
    record_property("right of 60", dict(right))
    record_property("missed of 60", dict(missed))
    # The bits of a training, and so the run on digits, depend on the processor: seeds 0, 1 and 2
    # had 57, 56 and 57 in their worst ways.
    least = 57 if run_of_digits.settings.data == "mnist" else 55
    assert {way: count for way, count in right.items() if count < least} == {}
    assert missed.total() <= 0.02 * 60 * len(sheets.WAYS)


@pytest.mark.slow
def test_of_a_thousand_photographs_nearly_none_is_a_digit():
    folder = Path(os.environ.get("CONVLAB_DATA_DIR", "nowhere"))
    if not (folder / "cats-dogs").is_dir():
        pytest.skip("no photographs of cats and dogs here")
    found, count = [], 0
    for name, content in sheets.photographs(folder):
        count += 1
        try:
            digit_on(content, "mnist")
            found.append(name)
        except data.NoDigit:
            pass
    assert count > 1000 and len(found) < 0.02 * count, found


@pytest.mark.slow
@pytest.mark.parametrize("name", data.FORMS)
def test_of_the_data_themselves_nearly_all_are_found(name):
    try:
        _, test = data.load(name, download=False)
    except DataError as error:
        pytest.skip(f"no {name} here: {error}")
    missed = 0
    for image in test.images[::5, 0]:
        try:
            data.written_digit(image, name)
        except data.NoDigit:
            missed += 1
    assert missed <= 0.02 * len(test.images[::5])
