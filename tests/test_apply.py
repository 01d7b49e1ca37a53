"""Classic kernels: published coefficients, SciPy's filters, what a picture of them shows."""

import hashlib
import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image
from scipy import ndimage, special

from convlab import lessons, numerals, pictures, viz
from convlab.data.table import numbers_bytes
from convlab.errors import DataError, ShapeError, SpecError
from convlab.pictures._apply import read_image
from convlab.viz import style

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (1, 37, 52)).astype(np.float32)
RGB = RNG.integers(0, 256, (3, 20, 31)).astype(np.float32)

# functional's names of what stands in the padding, and SciPy's.
MODES = {"zeros": "constant", "reflect": "mirror", "replicate": "nearest", "circular": "wrap"}


def kernel(text):
    return lessons.classic_kernel(text)


def output(image, text, **settings):
    """(H, W) of a grey image under one kernel."""
    return lessons.apply_kernel(image, kernel(text), **settings).output[0, 0]


# --- coefficients ---------------------------------------------------------------------

# Gonzalez & Woods, Digital Image Processing, sections 3.6 and 10.2, with x to the right and y
# downwards; Scharr 2000 for 3-10-3; "vertical" and "horizontal" as in lectures on networks.
PUBLISHED = {
    "sobel-x": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "sobel-y": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "scharr-x": [[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]],
    "scharr-y": [[-3, -10, -3], [0, 0, 0], [3, 10, 3]],
    "prewitt-x": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
    "prewitt-y": [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
    "roberts-x": [[-1, 0], [0, 1]],
    "roberts-y": [[0, -1], [1, 0]],
    "laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
    "vertical": [[1, 0, -1], [1, 0, -1], [1, 0, -1]],
    "horizontal": [[1, 1, 1], [0, 0, 0], [-1, -1, -1]],
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "box:2": [[0.25, 0.25], [0.25, 0.25]],
    "motion:4": [[0.25, 0.25, 0.25, 0.25]],
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_coefficients(name):
    assert kernel(name).weights.tolist() == [PUBLISHED[name]]


@pytest.mark.parametrize("name", ["sobel", "scharr", "prewitt", "roberts"])
def test_a_pair_is_its_two_kernels(name):
    both = kernel(name)
    assert both.is_pair and both.is_derivative
    assert both.weights.tolist() == [PUBLISHED[f"{name}-x"], PUBLISHED[f"{name}-y"]]


def test_every_name_is_known():
    for name in lessons.KERNELS:
        weights = kernel(name.replace("SIGMA", "1.5").replace("K", "3")).weights
        assert np.isfinite(weights).all() and weights.any()


def test_gaussian_is_the_normal_density_cut_at_four_sigma():
    weights = kernel("gaussian:1.2").weights[0]
    row, column = np.indices(weights.shape) - 5  # round(4.8)
    expected = np.exp(-(row**2 + column**2) / (2 * 1.2**2))
    assert weights.shape == (11, 11)
    assert weights == pytest.approx(expected / expected.sum(), rel=1e-6)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("1 0 -1; 2 0 -2; 1 0 -1", [[1, 0, -1], [2, 0, -2], [1, 0, -1]]),
        ("-1, 0, 1", [[-1, 0, 1]]),
        ("1/4 .5; \u22121e-1 +2;", [[0.25, 0.5], [-0.1, 2]]),
        ("7", [[7]]),
    ],
)
def test_numbers_of_ones_own(text, rows):
    assert kernel(text).weights == pytest.approx(np.array([rows]))


@pytest.mark.parametrize("text", ["1,0,-1\n2,0,-2\n", "1;0;-1\r\n2;0;-2", "1\t0\t-1\n2 0 -2\n\n"])
def test_a_csv_file(tmp_path, text):
    path = tmp_path / "mine.CSV"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert kernel(str(path)).weights.tolist() == [[[1, 0, -1], [2, 0, -2]]]
    assert "mine.CSV" in kernel(str(path)).title


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sobel-z", "expected one of sobel-x, sobel-y, sobel, .* a .csv file, got 'sobel-z'"),
        ("", "expected one of sobel-x, .*, got ''"),
        ("gaussian", "expected gaussian:SIGMA, such as gaussian:3"),
        ("gaussian:0", "expected a sigma above 0 pixels, got '0'"),
        ("gaussian:nan", "expected a sigma above 0 pixels, got 'nan'"),
        ("gaussian:x", "expected a sigma above 0 pixels, got 'x'"),
        ("gaussian:1e308", "at most 255 rows and columns"),
        ("box:0", "expected a whole number of pixels from 1, got '0'"),
        ("box:2.5", "expected a whole number of pixels from 1, got '2.5'"),
        ("motion:-3", "expected a whole number of pixels from 1, got '-3'"),
        ("box:256", "expected at most 255 rows and columns, got 256"),
        ("1 2; 3", "expected rows of one length, got 2, 1"),
        ("1 2; 3 x", "expected a number of at most 1e\\+30 in row 1, column 1, got 'x'"),
        ("1 1/0", "in row 0, column 1, got '1/0'"),
        ("1e39", "in row 0, column 0, got '1e39'"),
        ("1 nan", "in row 0, column 1, got 'nan'"),
    ],
)
def test_kernels_that_there_are_not(text, message):
    with pytest.raises(SpecError, match=message):
        kernel(text)


def test_csv_files_that_cannot_be(tmp_path):
    with pytest.raises(DataError, match=r"none.csv: cannot be read \(No such file"):
        kernel(str(tmp_path / "none.csv"))
    for name, content, message in [
        ("empty.csv", b"\n\n", "expected rows of numbers, got none"),
        ("gap.csv", b"1,,2\n", "in row 0, column 1, got ''"),
        ("ragged.csv", b"1,2\n3\n", "expected rows of one length, got 2, 1"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SpecError, match=f"{name}.*{message}"):
            kernel(str(tmp_path / name))
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"cannot be read \(not UTF-8 text"):
        kernel(str(tmp_path / "bytes.csv"))


def test_what_is_a_derivative_and_what_is_symmetric():
    derivative = {name for name in PUBLISHED if kernel(name).is_derivative}
    assert derivative == {
        "sobel-x", "sobel-y", "scharr-x", "scharr-y", "prewitt-x", "prewitt-y", "roberts-x",
        "roberts-y", "laplacian", "vertical", "horizontal",
    }  # fmt: skip
    symmetric = {name for name in PUBLISHED if kernel(name).is_symmetric}
    assert symmetric == {"laplacian", "sharpen", "identity", "box:2", "motion:4"}
    assert kernel("gaussian:2.3").is_symmetric


# --- against SciPy ----------------------------------------------------------------------


@pytest.mark.sample(6)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["sobel-x", "emboss", "1 2 3 4 5; 0 -1 0 2 0; 5 0 1 1 9"])
def test_correlation_and_convolution_as_in_scipy(mode, name):
    weights = kernel(name).weights[0].astype(float)
    image = GREY[0].astype(float)
    for flip, reference in ((False, ndimage.correlate), (True, ndimage.convolve)):
        ours = output(GREY, name, padding_mode=mode, flip=flip)
        assert ours == pytest.approx(reference(image, weights, mode=MODES[mode]), rel=1e-5)


@pytest.mark.sample(6)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["roberts-x", "box:4", "1 2; 3 4; 5 6", "motion:6"])
def test_even_kernels_have_the_odd_pixel_of_padding_at_the_end(mode, name):
    weights = kernel(name).weights[0].astype(float)
    # SciPy's centre is the pixel behind the middle; ours the one before it.
    origin = tuple(-1 if length % 2 == 0 else 0 for length in weights.shape)
    theirs = ndimage.correlate(GREY[0].astype(float), weights, mode=MODES[mode], origin=origin)
    assert output(GREY, name, padding_mode=mode) == pytest.approx(theirs, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("sobel-x", lambda x: ndimage.sobel(x, axis=1, mode="nearest")),
        ("sobel-y", lambda x: ndimage.sobel(x, axis=0, mode="nearest")),
        ("prewitt-x", lambda x: ndimage.prewitt(x, axis=1, mode="nearest")),
        ("prewitt-y", lambda x: ndimage.prewitt(x, axis=0, mode="nearest")),
        ("laplacian", lambda x: ndimage.laplace(x, mode="nearest")),
        ("gaussian:1.7", lambda x: ndimage.gaussian_filter(x, 1.7, mode="nearest")),
        ("box:5", lambda x: ndimage.uniform_filter(x, 5, mode="nearest")),
        ("motion:7", lambda x: ndimage.uniform_filter1d(x, 7, axis=1, mode="nearest")),
        ("identity", lambda x: x),
        ("sharpen", lambda x: x - ndimage.laplace(x, mode="nearest")),
    ],
)
def test_named_filters_of_scipy(name, reference):
    expected = reference(GREY[0].astype(float))
    assert output(GREY, name) == pytest.approx(expected, rel=1e-5, abs=1e-3)


@pytest.mark.parametrize("name", ["sobel", "scharr", "prewitt"])
def test_magnitude_and_direction_of_a_gradient(name):
    applied = lessons.apply_kernel(GREY, kernel(name))
    x, y = (
        ndimage.correlate(GREY[0].astype(float), weights.astype(float), mode="nearest")
        for weights in kernel(name).weights
    )
    assert applied.magnitude[0] == pytest.approx(np.hypot(x, y), rel=1e-5)
    assert applied.direction[0] == pytest.approx(np.degrees(np.arctan2(y, x)), abs=1e-3)


def ramp(degrees, size=9):
    """(size, size): brightness grows by 10 a pixel towards an angle from right to down."""
    row, column = np.indices((size, size))
    angle = np.radians(degrees)
    return 10 * (column * np.cos(angle) + row * np.sin(angle)) + 200


@pytest.mark.parametrize("name", ["sobel", "scharr", "prewitt", "roberts"])
@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 135, 170, -60, -90, -135])
def test_direction_is_where_brightness_grows(name, degrees):
    applied = lessons.apply_kernel(ramp(degrees), kernel(name), padding="valid")
    assert applied.direction == pytest.approx(np.full_like(applied.direction, degrees), abs=0.01)
    # A slope of 10 a pixel, times the pixels between the two sides, times the weights of one.
    gain = {"sobel": 8, "scharr": 32, "prewitt": 6, "roberts": 2**0.5}[name]
    assert applied.magnitude == pytest.approx(np.full_like(applied.magnitude, 10 * gain), rel=1e-4)


def test_direction_to_the_left_is_180_and_of_nothing_0():
    for name in ("sobel", "roberts"):
        left = lessons.apply_kernel(ramp(180), kernel(name), padding="valid")
        assert np.abs(left.direction) == pytest.approx(np.full_like(left.direction, 180), abs=0.01)
        assert (left.direction > -180).all()
        flat = lessons.apply_kernel(np.ones((5, 5)), kernel(name))
        assert not flat.direction.any() and not flat.magnitude.any()


def test_channels_stay_apart():
    together = lessons.apply_kernel(RGB, kernel("emboss")).output
    alone = [lessons.apply_kernel(channel, kernel("emboss")).output[0, 0] for channel in RGB]
    assert together.shape == (1, 3, 20, 31) and together.dtype == np.float32
    assert np.array_equal(together[0], np.stack(alone))


@pytest.mark.parametrize("stride", [2, 3, (1, 4)])
def test_a_stride_keeps_every_so_manieth_value(stride):
    rows, columns = (stride, stride) if isinstance(stride, int) else stride
    applied = lessons.apply_kernel(GREY, kernel("sobel-x"), stride=stride)
    assert np.array_equal(applied.output[0, 0], output(GREY, "sobel-x")[::rows, ::columns])
    assert [relation.value for relation in applied.relations] == list(applied.output.shape[2:])


@pytest.mark.parametrize(
    ("padding", "size"),
    [("valid", (33, 50)), ("full", (41, 54)), (3, (39, 56)), ((0, 1), (33, 52))],
)
def test_padding_in_words_and_numbers(padding, size):
    applied = lessons.apply_kernel(
        GREY, kernel("1 2 3; 0 0 0; 1 1 1; 0 0 0; 5 5 5"), padding=padding
    )
    assert applied.output.shape == (1, 1, *size)


def test_the_6x6_edge_of_lectures():
    image = lessons.pattern("6x6-edge")
    assert image.tolist() == [[10, 10, 10, 0, 0, 0]] * 6
    for text in ("vertical", "1 0 -1; 1 0 -1; 1 0 -1"):
        assert output(image, text, padding="valid").tolist() == [[0, 30, 30, 0]] * 4
    # From dark to bright the sign changes.
    assert output(image[:, ::-1], "vertical", padding="valid").tolist() == [[0, -30, -30, 0]] * 4


def test_the_other_patterns():
    assert lessons.pattern("step").tolist() == [[0, 0, 0, 0, 10, 10, 10, 10]] * 8
    board = lessons.pattern("checkerboard")
    assert board[:4, :4].tolist() == [[0, 0, 10, 10]] * 2 + [[10, 10, 0, 0]] * 2
    assert np.array_equal(board[4:, 4:], board[:4, :4]) and board.sum() == 320
    with pytest.raises(SpecError, match="expected a pattern among step, checkerboard, 6x6-edge"):
        lessons.pattern("noise")


def test_a_kernel_larger_than_the_image_says_the_relation():
    with pytest.raises(ShapeError, match=r"6 \+ 2·0 − 7 < 0: kernel larger than padded input"):
        output(lessons.pattern("6x6-edge"), "box:7", padding="valid")
    with pytest.raises(ShapeError, match=r"6 \+ 2·1 − 9 < 0"):
        output(lessons.pattern("6x6-edge"), "box:9", padding=1)
    with pytest.raises(ShapeError, match="reflect padding: expected less than the input's 6"):
        output(lessons.pattern("6x6-edge"), "box:15", padding_mode="reflect")
    with pytest.raises(ShapeError, match=r"expected an image .* got \(2, 2, 2, 2\)"):
        lessons.apply_kernel(np.zeros((2, 2, 2, 2)), kernel("identity"))


# --- true convolution ---------------------------------------------------------------------


def compared(image, text, **more):
    return lessons.AppliedView(
        lessons.apply_kernel(image, kernel(text)),
        lessons.apply_kernel(image, kernel(text), flip=True),
        **more,
    )


@pytest.mark.parametrize("name", ["gaussian:2", "box:3", "motion:5", "laplacian", "sharpen"])
def test_symmetric_kernels_agree_exactly(name):
    both = compared(GREY, name)
    assert both.agree and not both.differences()[0].any()
    assert dict(both.facts())["difference"].endswith("the same, so both agree exactly")


def test_an_antisymmetric_kernel_changes_its_sign():
    both = compared(GREY, "sobel-x", unit="grey levels")
    (difference,) = both.differences()
    expected = 2 * ndimage.sobel(GREY[0].astype(float), axis=1, mode="nearest")
    assert not both.agree
    assert difference[0] == pytest.approx(expected)
    row, column = np.unravel_index(np.abs(expected).argmax(), expected.shape)
    text = f"at most {np.abs(expected).max():.4g} grey levels, at row {row}, column {column}"
    assert dict(both.facts())["difference"] == text


def test_kernels_that_agree_on_this_image_only():
    both = compared(np.full((5, 5), 3.0), "sobel-x")
    assert both.agree
    assert "another, but both agree exactly here" in dict(both.facts())["difference"]


def test_the_gradient_of_a_turned_pair_points_back():
    both = compared(lessons.pattern("step"), "sobel")
    magnitude, direction = both.differences()
    assert not magnitude.any()
    assert set(np.unique(direction)) == {0, 180}
    assert dict(both.facts())["difference"] == (
        "magnitude none; direction at most 180°, at row 0, column 3"
    )


def test_turned_by_takes_the_short_way():
    from convlab.lessons.classic import turned_by

    first, second = np.array([170.0, -170, 90, -90, 0]), np.array([-170.0, 170, -90, 90, 0])
    assert turned_by(first, second).tolist() == [-20, 20, 180, 180, 0]


# --- what is written ------------------------------------------------------------------------


def test_numbers_have_one_axis_for_what_there_is():
    def shape(image, text, flip=False):
        applied = lessons.apply_kernel(image, kernel(text))
        turned = lessons.apply_kernel(image, kernel(text), flip=True) if flip else None
        return lessons.AppliedView(applied, turned).numbers().shape

    assert shape(GREY, "sobel-x") == (37, 52)
    assert shape(RGB, "sharpen") == (3, 20, 31)
    assert shape(GREY, "sobel") == (2, 37, 52)
    assert shape(GREY, "sobel", flip=True) == (2, 2, 37, 52)


def test_large_images_are_recorded_by_their_digest():
    small = RNG.random((3, 64, 64)).astype(np.float32)
    assert lessons.record(small) is small
    large = RNG.random((2, 65, 3)).astype(np.float32)
    assert lessons.record(large) == {
        "shape": (2, 65, 3),
        "dtype": "float32",
        "smallest": float(large.min()),
        "largest": float(large.max()),
        "sha256": hashlib.sha256(large.tobytes()).hexdigest(),
    }


def test_the_setting_in_words():
    def setting(text, **more):
        return lessons.apply_kernel(GREY, kernel(text), **more).setting()

    assert setting("sobel-x") == "padding 1, replicate"
    assert setting("sobel-x", padding="valid", stride=2) == "no padding, stride 2"
    assert setting("motion:4", padding_mode="zeros", stride=(1, 2)) == (
        "padding 0, 0, 1, 2 (top, bottom, left, right), zeros, stride 1 × 2"
    )


# --- the figure -------------------------------------------------------------------------------


def picture(image, text, *, flip=False, levels=(0.0, 255.0), look=("slide", "light"), **more):
    applied = lessons.apply_kernel(image, kernel(text), **more)
    turned = lessons.apply_kernel(image, kernel(text), flip=True, **more) if flip else None
    shown = lessons.AppliedView(applied, turned, levels=levels)
    return viz.applied(
        applied.image,
        shown.kernels(),
        shown.results(),
        title=kernel(text).title,
        subtitle=f"an image of some name, {applied.setting()}",
        facts=shown.facts(),
        levels=levels,
        padded=applied.padded,
        sides=applied.padding,
        size=look[0],
        theme=look[1],
    )


def noise(*shape):
    return RNG.integers(0, 256, shape).astype(np.float32)


TENS = (0.0, 10.0)
FIGURES = {
    "edge": (lessons.pattern("6x6-edge"), "vertical", {"padding": "valid", "levels": TENS}),
    "edge padded": (lessons.pattern("6x6-edge"), "sobel-x", {"levels": TENS}),
    "edge both": (lessons.pattern("6x6-edge"), "vertical", {"flip": True, "levels": TENS}),
    "step": (lessons.pattern("step"), "laplacian", {"levels": TENS, "flip": True}),
    "step pair": (lessons.pattern("step"), "prewitt", {"levels": TENS, "flip": True}),
    "step stride": (lessons.pattern("step"), "box:3", {"levels": TENS, "stride": 2}),
    "board": (lessons.pattern("checkerboard"), "scharr", {"levels": TENS}),
    "board gaussian": (lessons.pattern("checkerboard"), "gaussian:1", {"levels": TENS}),
    "one pixel": (noise(1, 1, 1), "identity", {}),
    "pair": (noise(1, 70, 100), "sobel", {}),
    "pair both": (noise(1, 90, 100), "roberts", {"flip": True}),
    "pair tall": (noise(1, 300, 60), "scharr", {}),
    "pair wide": (noise(1, 40, 400), "prewitt", {}),
    "signed": (noise(1, 80, 80), "sobel-x", {}),
    "signed both": (noise(1, 70, 100), "sobel-x", {"flip": True}),
    "signed colours": (noise(3, 70, 100), "laplacian", {"flip": True}),
    "colours": (noise(3, 90, 60), "gaussian:4", {}),
    "colours both": (noise(3, 60, 90), "emboss", {"flip": True}),
    "colours small": (noise(3, 5, 7), "sharpen", {}),
    "very wide": (noise(3, 20, 600), "motion:31", {}),
    "very tall": (noise(1, 600, 8), "box:5", {"flip": True}),
    "large numbers": (noise(1, 30, 30), "123456 -98765.4321; 1e-7 1e20", {}),
    "nothing": (np.zeros((1, 30, 30), np.float32), "sobel", {"flip": True}),
    "wide kernel": (noise(1, 40, 40), " ".join("7" * 60), {"padding": "same"}),
}
LOOKS = [("small", "dark"), ("paper", "light"), ("paper-wide", "transparent")]
CASES = [
    pytest.param(case, look, id=f"{name}-{look[0]}")
    for index, (name, case) in enumerate(FIGURES.items())
    for look in [("slide", "light"), LOOKS[index % 3]]
]


@pytest.mark.sample(20)
@pytest.mark.parametrize(("case", "look"), CASES)
def test_texts_neither_overlap_nor_leave_the_canvas(case, look, assert_legible):
    image, text, more = case
    assert_legible(picture(image, text, look=look, **more), look[0])


def texts_of(figure):
    return [t.get_text() for axes in figure.axes for t in axes.texts if t.get_text()]


def test_small_images_are_cells_with_their_numbers():
    texts = texts_of(picture(*FIGURES["edge"][:2], padding="valid", levels=TENS))
    assert texts.count("10") == 18 and texts.count("30") == 8
    assert texts.count("1") == texts.count("−1") == 3
    assert {"Input", "Kernel", "Output", "6 × 6", "3 × 3", "4 × 4", "∗", "="} <= set(texts)
    padded = texts_of(picture(*FIGURES["edge padded"][:2], levels=TENS))
    assert padded.count("10") == 18 + 3 * 2 + 8  # and the rows and columns of padding
    assert padded.count("−40") == 2 * 6


def test_large_images_have_scales_and_no_numbers():
    texts = texts_of(picture(noise(1, 70, 100), "sobel"))
    assert {"magnitude", "direction", "0°", "90°", "Kernel x", "Kernel y", "→"} <= set(texts)
    assert sum(text == "−2" for text in texts) == 2  # of the two kernels
    assert len(texts) < 60
    assert any(text.startswith("≥ ") for text in texts)  # the scale ends below the largest


def test_red_green_and_blue_results_say_which_they_are():
    texts = texts_of(picture(noise(3, 70, 100), "sobel-x"))
    assert {"red channel", "green channel", "blue channel"} <= set(texts)


def test_wide_kernels_are_shades_with_their_range():
    texts = texts_of(picture(noise(3, 90, 60), "gaussian:4"))
    largest = kernel("gaussian:4").weights.max()
    assert any(text.endswith(f" to {numerals.number(float(largest))}") for text in texts)


def test_drawn_pixels_are_means_of_the_colours_below_them():
    from convlab.viz.style import reduced, shades

    rgb = RNG.integers(0, 256, (13, 17, 3)).astype(np.uint8)
    exact = rgb[:12, :15].reshape(4, 3, 5, 3, 3).mean(axis=(1, 3))
    assert np.abs(reduced(rgb, 3) - exact).max() <= 0.5
    values = RNG.normal(size=(40, 50)).astype(np.float32)
    scale = style.signed_scale(values, viz.THEMES["light"], limit=1.5)
    slow = scale.rgb(values).astype(int)
    assert np.abs(shades(values, scale) - slow).max() <= 4  # half a step of 256
    assert (shades(np.zeros((2, 2), np.float32), scale) == 255).all()


def test_a_figure_of_what_does_not_fit():
    kernels = [[viz.ShownKernel("k", np.ones((3, 3)))]]
    fine = viz.ShownResult("r", np.ones((4, 4)), "signed")
    with pytest.raises(ShapeError, match=r"image \(1, H, W\) or \(3, H, W\), got \(4, 4\)"):
        viz.applied(np.ones((4, 4)), kernels, [[fine]], title="")
    wrong = viz.ShownResult("r", np.ones((3, 4, 4)), "signed")
    with pytest.raises(ShapeError, match=r"result \(H, W\).* got \(3, 4, 4\)"):
        viz.applied(np.ones((1, 4, 4)), kernels, [[wrong]], title="")
    with pytest.raises(ShapeError, match="room for 61 pictures, got small"):
        viz.applied(np.ones((1, 40, 40)), kernels, [[fine] * 3] * 20, title="", size="small")
    with pytest.raises(SpecError, match="expected a kind among image, .* got 'loud'"):
        loud = viz.ShownResult("r", np.ones((4, 4)), "loud")
        viz.applied(np.ones((1, 4, 4)), kernels, [[loud]], title="")


@pytest.mark.parametrize("name", ["light", "dark"])
def test_directions_come_back_and_stand_off_the_ground(name):
    theme = viz.THEMES[name]
    colours = style.cyclic_map(theme)(np.linspace(0, 1, 256))[:, :3]
    steps = np.linalg.norm(np.diff(colours, axis=0, append=colours[:1]), axis=1)
    assert steps.max() <= 0.03  # no jump, also not from the end to the beginning
    assert min(style.contrast(tuple(colour), theme.ground) for colour in colours) >= 2
    luminance = colours @ (0.2126, 0.7152, 0.0722)
    # Left and right differ in lightness, which every eye sees; up and down in blue and red.
    assert abs(luminance[0] - luminance[128]) > 0.35
    assert colours[64, 2] > colours[64, 0] and colours[192, 0] > colours[192, 2]
    assert to_rgb(theme.ground) not in [tuple(colour) for colour in colours]


# --- the command --------------------------------------------------------------------------------


def test_the_command_on_the_edge(convlab):
    out = convlab.works(
        "apply", "6x6-edge", "--kernel", "1 0 -1; 1 0 -1; 1 0 -1", "-o", "edge.svg",
        "--json-file", "edge.json", "--raw", "edge.csv",
    )  # fmt: skip
    assert "image: 6x6-edge, 6 × 6; no padding" in out
    assert "output size: rows (6 − 3) + 1 = 4, columns (6 − 3) + 1 = 4" in out
    assert out.endswith("wrote edge.csv\nwrote edge.svg\n")
    assert (convlab.folder / "edge.csv").read_text() == "0,30,30,0\n" * 4
    record = json.loads((convlab.folder / "edge.json").read_text())
    assert record["parameters"]["padding"] == [0, 0, 0, 0]
    assert record["inputs"]["image"] == [[[10, 10, 10, 0, 0, 0]] * 6]
    assert record["weights"]["kernel"] == [[[1, 0, -1]] * 3]
    assert record["result"]["output"] == [[0, 30, 30, 0]] * 4
    svg = (convlab.folder / "edge.svg").read_text()
    assert re.findall(r"<text[^>]*>([^<]*)</text>", svg).count("30") == 8


def test_the_command_on_a_picture_of_the_users(convlab):
    pixels = RNG.integers(0, 256, (90, 70, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(convlab.folder / "mine.png")
    out = convlab.works(
        "apply",
        "mine.png",
        "--convolve",
        "--raw",
        "g.npy",
        "--json-file",
        "g.json",
        "--size",
        "small",
    )
    assert "mine.png, 90 × 70, grey (BT.601 luma); padding 1, replicate" in out
    assert "difference: magnitude none; direction at most 180°" in out
    luma = np.asarray(Image.fromarray(pixels).convert("L")).astype(float)
    x, y = (ndimage.sobel(luma, axis=axis, mode="nearest") for axis in (1, 0))
    numbers = np.load(convlab.folder / "g.npy")
    assert numbers.shape == (2, 2, 90, 70)
    assert numbers[:, 0] == pytest.approx(np.stack([np.hypot(x, y)] * 2), rel=1e-5)
    record = json.loads((convlab.folder / "g.json").read_text())
    digest = hashlib.sha256(luma.astype(np.uint8).tobytes()).hexdigest()
    assert record["inputs"]["image"]["sha256"] == digest
    assert record["inputs"]["image"]["shape"] == [1, 90, 70]
    assert len(json.dumps(record)) < 5000


@pytest.mark.slow
def test_the_default_is_the_gradient_of_china_in_grey(convlab):
    out = convlab.works("apply", "--alt", "--raw", "china.npy")
    assert out.startswith("Sobel on china, 427 × 640, grey (BT.601 luma); padding 1, replicate.")
    # The largest of its gradients, by SciPy on Pillow's luma.
    luma = np.asarray(Image.open(photographs() / "china.jpg").convert("L")).astype(float)
    x, y = (ndimage.sobel(luma, axis=axis, mode="nearest") for axis in (1, 0))
    assert np.load(convlab.folder / "china.npy")[0] == pytest.approx(np.hypot(x, y), rel=1e-5)


def photographs():
    """scikit-learn's folder of photographs, without its import, which takes a second."""
    return Path(importlib.util.find_spec("sklearn").origin).parent / "datasets" / "images"


def test_smoothing_keeps_the_colours_of_a_picture(tmp_path):
    pixels = RNG.integers(0, 256, (12, 9, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "mine.png")
    colour, luma, _ = read_image(str(tmp_path / "mine.png"), grey=False)
    assert np.array_equal(colour, pixels.transpose(2, 0, 1)) and not luma
    grey, luma, _ = read_image(str(tmp_path / "mine.png"), grey=True)
    expected = pixels @ (0.299, 0.587, 0.114)  # ITU-R BT.601
    assert luma and np.abs(grey[0] - expected).max() <= 0.51
    Image.fromarray(pixels[..., 0]).save(tmp_path / "grey.png")
    grey, luma, _ = read_image(str(tmp_path / "grey.png"), grey=True)
    assert np.array_equal(grey[0], pixels[..., 0]) and not luma


def test_images_that_there_are_not(tmp_path):
    with pytest.raises(DataError, match="^nowhere.png: expected a picture file or one of china"):
        read_image("nowhere.png", grey=True)
    (tmp_path / "bad.png").write_bytes(b"hello")
    with pytest.raises(DataError, match=r"bad.png: expected a picture \(PNG"):
        read_image(str(tmp_path / "bad.png"), grey=True)


def test_several_maps_are_no_csv_file():
    with pytest.raises(DataError, match="^r.csv: expected one map .* got 2 × 8 × 8 numbers"):
        numbers_bytes(np.zeros((2, 8, 8)), "r.csv")


def test_commands_that_cannot_be_leave_nothing_behind(convlab):
    assert "expected one of sobel-x" in convlab.fails("apply", "--kernel", "sobble")
    error = convlab.misused("apply", "--colour", "--kernel", "sobel")
    assert error.startswith("--colour: expected one kernel such as sobel-x, got the pair sobel")
    assert list(convlab.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("kernel", "text"),
    [
        # One light pixel on black: 5 · 200 there, and -200 beside it.
        ("sharpen", "−200 to 1000 grey levels, shown below 0 as black and above 255 as white"),
        (
            "0 0 0; 0 2 -1; 0 0 0",
            "−200 to 400 grey levels, shown below 0 as black and above 255 as white",
        ),
        ("identity", "0 to 200 grey levels"),
        ("1 1; 1 1", "0 to 200 grey levels"),
        ("laplacian", "−800 to 200 grey levels"),
    ],
)
def test_values_beyond_black_and_white_are_said(kernel, text):
    image = np.zeros((1, 5, 5), np.uint8)
    image[0, 2, 2] = 200
    picture = pictures.apply(image, kernel)
    assert picture.facts["values"] == text
    assert f"values: {text}." in picture.alt


# --- photographs enlarged -----------------------------------------------------------------------


def test_how_exact_directions_are():
    """Against the angle of two differences of the blurred edge, worked out pixel by pixel."""
    weights = {"Prewitt": (1, 1), "Sobel": (1, 2), "Scharr": (3, 10)}
    found = lessons.direction_errors()
    for name, (side, middle) in weights.items():
        worst = 0.0
        for turn in np.arange(0, 45.5, 0.5):
            angle = np.radians(turn)

            def edge(y, x, angle=angle):
                return blurred_edge(x * np.cos(angle) + y * np.sin(angle))

            rows = [(side, -1), (middle, 0), (side, 1)]
            across = sum(w * (edge(y, 1) - edge(y, -1)) for w, y in rows)
            down = sum(w * (edge(1, x) - edge(-1, x)) for w, x in rows)
            worst = max(worst, abs(np.degrees(np.arctan2(down, across)) - turn))
        assert found[name] == pytest.approx(worst, rel=1e-3)
    # As Scharr 2000 has it: an optimum among 3 x 3 kernels.
    assert found["Scharr"] < 0.1 * found["Sobel"] < 0.1 * found["Prewitt"]


def blurred_edge(x):
    """127.5 (1 + erf(x / √2)): an edge blurred by a Gaussian of 1 pixel."""
    return 127.5 * (1 + special.erf(x / np.sqrt(2)))


def test_the_place_that_is_enlarged_is_where_the_result_is_largest():
    image = np.random.default_rng(5).integers(0, 50, (40, 60)).astype(np.float32)
    image[0, 0], image[21, 33] = 255, 255  # windows at the corner have no pixels around them
    for name in ("laplacian", "sobel"):
        kernel = lessons.classic_kernel(name)
        view = lessons.AppliedView(lessons.apply_kernel(image, kernel))
        inside = np.zeros(image.shape)
        for weights in kernel.weights:
            reference = ndimage.correlate(image.astype(float), weights, mode="nearest")
            inside[3:-3, 5:-5] += reference[3:-3, 5:-5] ** 2
        assert view.strongest() == np.unravel_index(inside.argmax(), inside.shape)
    applied = lessons.apply_kernel(image, kernel, stride=2)
    assert lessons.AppliedView(applied).strongest() is None
    small = lessons.AppliedView(lessons.apply_kernel(image[:5, :5], kernel))
    assert small.strongest() is None


@pytest.mark.parametrize("kernel", ["sobel", "scharr", "laplacian", "sobel-x"])
def test_photographs_are_larger_than_their_kernels(kernel, assert_legible):
    made = pictures.apply("china", kernel, convolve=kernel == "sobel-x")
    figure = made.draw(theme="light", size="slide")
    assert_legible(figure, "slide")
    said = [text.get_text() for text in figure.axes[0].texts]
    row, column = made_place(kernel)
    assert f"Enlarged: from row {row}, column {column}" in said
    sides = [abs(np.diff(image.get_extent())[0]) for image in figure.axes[0].images]
    assert max(sides) > 300


def made_place(kernel):
    """First row and column of what is enlarged of the photograph, by SciPy."""
    pixels = read_image("china", True)[0][0].astype(float)
    chosen = lessons.classic_kernel(kernel)
    strength = sum(ndimage.correlate(pixels, w, mode="nearest") ** 2 for w in chosen.weights)
    inside = np.zeros(pixels.shape)
    inside[3:-3, 5:-5] = strength[3:-3, 5:-5]
    row, column = np.unravel_index(inside.argmax(), inside.shape)
    return row - 2, column - (3 if kernel == "laplacian" else 2)
