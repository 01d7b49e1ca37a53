"""Arguments of a wrong type for the pictures and the interface: one line, at once."""

import inspect
import shutil

import numpy as np
import pytest

import convlab
from convlab import lessons, pictures
from convlab.errors import ConvlabError, DataError, RunError, ShapeError, SpecError

# For each annotation values that are not of it.
TEXT, WHOLE, NUMBER, TRUTH = [3, b"a", ["a"]], ["8", 1.5, True, [1]], ["a", True, [1.0]], ["yes", 1]
SEVERAL, PATH, PAIR = ["12", 3, None], [3, b"a", ["a"]], ["ab", (1,), (1, 2, 3), ("a", 1)]
NOT_NONE = [None]
WRONG = {
    "Callable[[StyleStep], None] | None": ["print", 3],
    "Convolution": [*NOT_NONE, "a", 3],
    "ImageLike": [*NOT_NONE, 3, ["a"], np.array(["a"])],
    "ImageLike | None": [3, ["a"], np.array(["a"])],
    "Lengths": [*NOT_NONE, "3", 1.5, ["a"]],
    "Lengths | None": ["3", 1.5, ["a"]],
    "NetworkLike": [*NOT_NONE, 3, ["lenet5"]],
    "Pair | None": [3, *PAIR],
    "Run | Folder | None": [3, ["a"]],
    "RunLike": [*NOT_NONE, 3, ["a"]],
    "RunLike | None": [3, ["a"]],
    "Folder": [*NOT_NONE, *PATH],
    "Folder | None": PATH,
    "Sequence[RunLike]": [*SEVERAL, [3]],
    "Sequence[float]": [*SEVERAL, ["a"]],
    "Sequence[int | Pair]": [*SEVERAL, ["a"], [1.5]],
    "Sequence[float] | None": ["12", 3, ["a"]],
    "Sequence[int]": [*SEVERAL, ["a"], [1.5]],
    "Sequence[str]": [*SEVERAL, [3]],
    "Sequence[str] | None": ["relu", 3, [3]],
    "bool": [*NOT_NONE, *TRUTH],
    "bool | None": TRUTH,
    "float": [*NOT_NONE, *NUMBER],
    "float | None": NUMBER,
    "int": [*NOT_NONE, *WHOLE],
    "int | None": WHOLE,
    "int | Pair": [*NOT_NONE, 1.5, *PAIR],
    "int | Pair | None": [1.5, *PAIR],
    "int | str": [*NOT_NONE, 1.5, ["a"]],
    "int | str | None": [1.5, ["a"]],
    "int | tuple[int, int] | None": [1.5, *PAIR],
    "str": [*NOT_NONE, *TEXT],
    "str | Lengths": [*NOT_NONE, 1.5, ["a"]],
    "str | None": TEXT,
    "str | Sequence[float]": [*NOT_NONE, 3, ["a"]],
    "str | int": [*NOT_NONE, 1.5, ["a"]],
    "str | int | tuple[int, ...]": [*NOT_NONE, 1.5, ["a"]],
    "str | int | tuple[int, ...] | None": [1.5, ["a"]],
    "str | os.PathLike": [*NOT_NONE, *PATH],
    "str | os.PathLike | ArrayLike": [*NOT_NONE, {}],
    "str | os.PathLike | ArrayLike | None": [{}],
    "str | os.PathLike | None": PATH,
    "tuple[int, ...] | None": ["12", 3, ("a",)],
    "tuple[int, int]": [*NOT_NONE, 3, *PAIR],
    "tuple[int, int] | None": [3, *PAIR],
    "tuple[int, int, int]": [*NOT_NONE, 3, "abc", (1, 2)],
}
# What an argument without a default is given, while another one is wrong.
GIVEN = {"example": lessons.convolution_example(), "networks": "lenet5"}
FUNCTIONS = [getattr(pictures, name) for name in pictures.__all__ if name != "Picture"]
FUNCTIONS += [convlab.load, convlab.train, convlab.page]


def test_every_annotation_is_tried():
    used = {p.annotation for one in FUNCTIONS for p in inspect.signature(one).parameters.values()}
    assert WRONG.keys() <= used


@pytest.mark.parametrize("function", FUNCTIONS, ids=[one.__name__ for one in FUNCTIONS])
def test_wrong_types(function):
    parameters = inspect.signature(function).parameters.values()
    needed = {p.name: GIVEN.get(p.name, "none") for p in parameters if p.default is p.empty}
    for parameter in parameters:
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        name = parameter.name
        for value in WRONG[parameter.annotation]:
            with pytest.raises(ConvlabError) as caught:
                if parameter.kind is parameter.VAR_POSITIONAL:
                    function("lenet5", value)
                else:
                    others = {key: kept for key, kept in needed.items() if key != "settings"}
                    function(**others | {name: value})
            text = str(caught.value)
            assert text.startswith(f"{function.__name__}: expected {name} "), (name, value)
            assert ", got " in text and "\n" not in text and len(text) < 400, (name, value)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda run: pictures.invariance(run, "runs/lenet5-digits"),
            "invariance: expected against to be a list of runs or their folders, got"
            " 'runs/lenet5-digits'",
        ),
        (
            lambda run: pictures.curves(None),
            "curves: expected run to be a run or its folder, got None",
        ),
        (
            lambda run: pictures.features(run, 3),
            "features: expected image to be a picture's file, test:N or uint8 of shape (channels,"
            " rows, columns), got 3",
        ),
        (
            lambda run: pictures.filters(run, number="a"),
            "filters: expected number of type int | None, got 'a'",
        ),
        (
            lambda run: pictures.usage(kernel="a"),
            "usage: expected kernel to be a whole number or (rows, columns), got 'a'",
        ),
        (
            lambda run: run.image(3),
            "Run.image: expected source to be a picture's file, test:N or uint8 of shape"
            " (channels, rows, columns), got 3",
        ),
    ],
)
def test_the_words(call, text, tiny):
    with pytest.raises(ConvlabError) as caught:
        call(tiny)
    assert str(caught.value) == text


def test_what_is_given_but_empty_is_not_the_default(tiny):
    for picture in (
        pictures.filters,
        pictures.filters_by_epoch,
        pictures.top_patches,
        pictures.embedding,
        lambda run, layer: pictures.two_ways(run, "test:0", layer),
    ):
        with pytest.raises(SpecError, match="expected"):
            picture(tiny, layer="")
    with pytest.raises(SpecError, match="^functions: expected some of relu, .*got none$"):
        pictures.activations([])


def test_arrays_and_lists_do_for_tuples():
    made = pictures.usage(np.array([6, 6]), [3, 3], np.int64(2))
    assert made.inputs == pictures.usage((6, 6), (3, 3), 2).inputs


def test_a_missing_folder_is_still_said(tmp_path):
    with pytest.raises(RunError, match="nowhere"):
        convlab.load(tmp_path / "nowhere")


def test_a_kernel_may_be_an_array():
    """The same numbers by three ways; the sums are counted by hand."""
    image = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    rows = [[1, 0.5], [0, -1]]
    made = [
        pictures.apply(image, kernel, padding="valid")
        for kernel in ("1 0.5; 0 -1", rows, np.array(rows, np.float32))
    ]
    # x + (x + 1) / 2 - (x + 5) for the pixels x at the upper left of the nine windows.
    expected = np.array([[0, 1, 2], [4, 5, 6], [8, 9, 10]]) / 2 - 4.5
    for picture in made:
        np.testing.assert_array_equal(np.squeeze(picture.result["output"]), expected)
        assert picture.parameters["kernel"] == "'1 0.5; 0 -1'"
        assert picture.alt == made[0].alt
    for wrong, text in (
        (np.ones(3), "kernel: expected rows of numbers, got an array (3,)"),
        (np.ones((1, 2, 2)), "kernel: expected rows of numbers, got an array (1, 2, 2)"),
        ([[np.nan]], "kernel: expected numbers of at most 1e+30"),
    ):
        with pytest.raises(ConvlabError) as caught:
            pictures.apply("step", wrong)
        assert str(caught.value) == text


@pytest.mark.parametrize("picture", [pictures.occlusion, pictures.saliency, pictures.grad_cam])
def test_a_class_by_its_number(picture, tiny):
    by_name = picture(tiny, "test:0", target=tiny.classes[7], sanity=False)
    by_number = picture(tiny, "test:0", target=np.int64(7), sanity=False)
    assert by_number.parameters["target"] == tiny.classes[7]
    assert by_number.alt == by_name.alt
    for wrong in (10, -1):
        with pytest.raises(SpecError, match=f"^target: expected at (most 9|least 0), got {wrong}$"):
            picture(tiny, "test:0", target=wrong)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((28, 28), np.uint8),
        np.zeros((28, 28, 3), np.uint8),
        np.zeros((2, 28, 28), np.uint8),
        np.zeros((1, 0, 28), np.uint8),
        np.zeros((1, 28, 28)),
    ],
)
@pytest.mark.parametrize("picture", [pictures.apply, pictures.image, pictures.flatten])
def test_arrays_that_are_no_images_fail_at_once(picture, image):
    kind = r"image: expected uint8 of shape \(1 or 3, rows, columns\), got \w+ of shape \("
    with pytest.raises(DataError, match=f"^{kind}"):
        picture(image)


@pytest.mark.parametrize("count", [0, 5])
def test_field_growth_counts_its_networks_at_once(count):
    with pytest.raises(ShapeError, match=f"^expected 1 to 4 networks, got {count}$"):
        pictures.field_growth(*["lenet5"] * count)


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("lr", "got 'lr'; did you mean rate?"),
        ("epoch", "got 'epoch'; did you mean epochs?"),
        ("exists_ok", "got 'exists_ok'; did you mean exist_ok?"),
        ("xyz", "got 'xyz'"),
    ],
)
def test_settings_that_there_are_not(name, ending):
    with pytest.raises(SpecError) as caught:
        convlab.train(**{name: 3})
    settings = (
        "epochs, batch_size, rate, optimizer, momentum, weight_decay, schedule, dropout, augment,"
        " patience, validation, seed, limit, start_from, new_head, freeze, skip_damaged, chunks"
    )
    assert str(caught.value) == f"train: expected settings among {settings}, {ending}"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda run: pictures.arithmetic(padding="Full"),
            "padding: expected valid, same, full or integers, got 'Full'",
        ),
        (
            lambda run: pictures.apply("step", padding="Full"),
            "padding: expected valid, same, full or integers, got 'Full'",
        ),
        (
            lambda run: pictures.arithmetic(values=[[1, 2], [3]]),
            "values: expected rows of one length, got [[1, 2], [3]]",
        ),
        (
            lambda run: convlab.tensor([[1, 2], [3]]),
            "Tensor: expected rows of one length, got [[1, 2], [3]]",
        ),
        (
            lambda run: run.image(np.zeros((8, 8))),
            "image: expected uint8 of shape (1, 28, 28), got float64 of shape (8, 8)",
        ),
        (lambda run: pictures.arithmetic(step=99), "step: expected 0 to 8 or all, got 99"),
        (lambda run: pictures.pooling(step=-1), "step: expected 0 to 8 or all, got -1"),
    ],
)
def test_messages_say_all_that_is_allowed(call, text, tiny):
    with pytest.raises(ConvlabError) as caught:
        call(tiny)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "call",
    [
        lambda run, folder: convlab.train(epochs=1, limit=2, out=run.folder, progress=False),
        lambda run, folder: pictures.filters_by_epoch(folder),
        lambda run, folder: pictures.arithmetic(input=2, values=np.ones((3, 3))),
        lambda run, folder: pictures.arithmetic(stride=2, padding="same"),
        lambda run, folder: pictures.explain_example(GIVEN["example"], at=(9, 9, 9)),
        lambda run, folder: pictures.features(run, "test:0", scale="map"),
        lambda run, folder: pictures.stylize("china", "flower", pixels=1),
    ],
)
def test_no_option_of_the_command_is_all_that_is_said(call, tiny, tmp_path):
    """A word with dashes stands only beside the way that Python has."""
    bare = shutil.copytree(tiny.folder, tmp_path / "bare")
    shutil.rmtree(bare / "snapshots")
    with pytest.raises(ConvlabError) as caught:
        call(tiny, bare)
    assert ("--" in str(caught.value)) == ("(in Python: " in str(caught.value))
