"""Pictures: text that never collides, colours that stay apart, bytes that do not change."""

import itertools
import re
import warnings
import zlib
from fractions import Fraction
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from convlab import numerals, viz
from convlab.errors import ShapeError, SpecError
from convlab.viz import style
from convlab.viz.canvas import Canvas, image_rgb
from convlab.viz.lettering import BOX, lettering
from convlab.viz.matrix import Cells
from convlab.viz.page import Sheet
from convlab.viz.tiles import arrange

LONG = [f"a class with quite a long name, number {index}" for index in range(100)]
SHORT = [str(index) for index in range(100)]
PIXELS = np.random.default_rng(1).integers(0, 256, (3, 32, 32)).astype(np.uint8)
SENTENCE = "a second line that says a good deal about the setting, the data and the epoch"


def signed(*shape):
    return np.random.default_rng(2).normal(size=shape)


def answers(*shape):
    return np.maximum(signed(*shape), 0)


def broken(*shape):
    values = signed(*shape)
    values.flat[:: max(2, values.size // 5)] = np.nan
    values.flat[1] = np.inf
    return values


def counts(classes, each=90):
    random = np.random.default_rng(3)
    return random.poisson(0.4, (classes, classes)) + np.diag(random.integers(0, each, classes))


def history(epochs, *, validation=True, gaps=False):
    epoch = np.arange(1, epochs + 1)
    loss = 2.3 * np.exp(-epoch / 5) + 0.01
    columns = {"epoch": epoch, "train_loss": loss, "train_accuracy": 1 - loss / 3}
    if validation:
        columns["validation_loss"] = loss + 0.001 * epoch
        columns["validation_accuracy"] = 1 - loss / 3 - 0.0005 * epoch
    if gaps:
        for name in columns.keys() - {"epoch"}:
            columns[name][1::3] = np.nan
    return {name: list(values) for name, values in columns.items()}


def network(layers, channels):
    maps = [(f"conv{index}", answers(channels, 14, 14)) for index in range(layers)]
    return [*maps, ("dense", signed(84)), ("output", signed(10))]


def filters(*shape, **more):
    return viz.filters, (signed(*shape),), more


def maps(values):
    return viz.feature_maps, (values,), {}


def journey(layers, classes=SHORT[:10], image=PIXELS):
    chances = np.random.default_rng(4).dirichlet(np.ones(len(classes)) * 0.1)
    return viz.journey, (image, layers), {"classes": classes, "probabilities": chances}


def field(input_size, box, map_size, unit, **more):
    facts = [("receptive field", "14 × 14"), ("stride", "2"), ("padding", "2, at every border")]
    geometry = dict(input_size=input_size, box=box, map_size=map_size, unit=unit, facts=facts)
    return viz.receptive_field, (), geometry | more


def confusion(classes, names, each=90):
    return viz.confusion, (counts(classes, each), names[:classes]), {}


def mistakes(count, names, shape=(1, 28, 28)):
    images = np.random.default_rng(5).integers(0, 256, (count, *shape)).astype(np.uint8)
    return viz.mistakes, (images, names[:count], names[1 : count + 1], np.full(count, 0.98)), {}


SHAPES = {
    "filters": [
        filters(1, 1, 3, 3),
        filters(6, 1, 5, 5),
        filters(64, 1, 3, 3),
        filters(500, 1, 7, 7),
        filters(20, 1, 1, 9),
        filters(20, 1, 9, 1),
        filters(16, 6, 5, 5),
        filters(1, 512, 3, 3),
        filters(512, 2, 1, 1),
        filters(256, 128, 3, 3),
        filters(96, 3, 11, 11, channels=("red", "green", "blue")),
        filters(4, 3, 3, 3, channels=LONG[:3], limit=0.5),
        (viz.filters, (broken(4, 2, 3, 3),), {}),
        (viz.filters, (np.zeros((3, 1, 3, 3)),), {}),
    ],
    "feature_maps": [
        maps(answers(1, 28, 28)),
        maps(answers(6, 28, 28)),
        maps(answers(16, 5, 5)),
        maps(answers(512, 7, 7)),
        maps(answers(8, 4, 60)),
        maps(answers(8, 60, 4)),
        maps(signed(10)),
        maps(signed(1)),
        maps(-answers(12, 1, 1) - 1),
        maps(signed(84)),
        maps(signed(4096) * 1e-7),
        maps(broken(6, 3, 3)),
        maps(broken(7)),
        maps(np.full((2, 2, 2), -3.0)),
    ],
    "journey": [
        journey(network(2, 6)),
        journey(network(4, 64), LONG[:5]),
        journey(network(13, 512), LONG),
        journey([("conv", answers(1, 1, 40)), ("a layer of a very long name", answers(9, 40, 1))]),
        journey([("dense", signed(4096))], image=np.random.default_rng(6).random((1, 9, 60))),
        (viz.journey, (PIXELS, network(1, 3)), {}),
        (viz.journey, (PIXELS, []), {}),
    ],
    "receptive_field": [
        field((28, 28), (-2, 6, 12, 20), (5, 5), (0, 2)),
        field((32, 32), (0, 0, 32, 32), (1, 1), (0, 0), image=PIXELS, map=signed(1, 1)),
        field((32, 32), (-200, -180, 190, 211), (7, 7), (6, 6), image=PIXELS, facts=[]),
        field((4, 40), (0, 3, 4, 9), (2, 20), (1, 19)),
        field((40, 4), (30, 0, 44, 4), (20, 2), (19, 0)),
        field((224, 224), (5, 5, 8, 8), (112, 112), (3, 3), map=signed(112, 112)),
    ],
    "curves": [
        (viz.curves, (history(1),), {}),
        (viz.curves, (history(2),), {}),
        (viz.curves, (history(20),), {}),
        (viz.curves, (history(200, validation=False),), {}),
        (viz.curves, (history(9, gaps=True),), {}),
        (viz.curves, ({"epoch": [1, 2], "train_loss": [np.nan, np.nan]},), {}),
        (viz.curves, ({"epoch": [1, 2], "train_loss": [1e-9, 3e-9]},), {}),
        (viz.curves, ({"epoch": [1, 2, 3], "validation_accuracy": [1.0, 1.0, 1.0]},), {}),
    ],
    "confusion": [
        confusion(2, SHORT),
        confusion(2, LONG),
        confusion(10, SHORT),
        confusion(10, LONG, each=100_000),
        confusion(26, LONG),
        confusion(47, SHORT),
        confusion(100, LONG),
        (viz.confusion, (np.zeros((3, 3), int), ["$5", "a_b", "c^2"]), {}),
    ],
    "mistakes": [
        mistakes(0, SHORT),
        mistakes(1, LONG),
        mistakes(5, LONG, (3, 32, 32)),
        mistakes(12, SHORT),
        mistakes(40, SHORT, (1, 8, 8)),
        mistakes(40, LONG),
        mistakes(60, SHORT),
    ],
}
LOOKS = [("slide", "light"), ("small", "dark"), ("paper", "light"), ("paper-wide", "transparent")]
# Every case on a slide; all others in turn, two a case where a kind has few cases.


def looks(index, count):
    others = [LOOKS[1 + (index + more) % 3] for more in range(1 if count > 12 else 2)]
    return [LOOKS[0], *others]


CASES = [
    pytest.param(case, size, theme, id=f"{kind}-{index}-{size}")
    for kind, cases in SHAPES.items()
    for index, case in enumerate(cases)
    for size, theme in looks(index, len(cases))
]


def draw(case, **look):
    function, arrays, more = case
    return function(*arrays, **({"title": "A headline", "subtitle": SENTENCE} | more | look))


def texts_of(figure):
    """All texts that are drawn; the axes themselves are off, so they have none of their own."""
    assert not any(axes.axison for axes in figure.axes)
    texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    return [text for text in texts if text.get_visible() and text.get_text()]


@pytest.mark.sample(40)
@pytest.mark.parametrize(("case", "size", "theme"), CASES)
def test_text_neither_overlaps_nor_leaves_the_canvas_nor_is_too_small(
    case, size, theme, assert_legible
):
    assert_legible(draw(case, size=size, theme=theme), size)


def test_the_overlap_check_sees_an_overlap(find_collisions):
    canvas = Canvas("slide", "light")
    canvas.text(100, 100, "one text")
    canvas.text(120, 105, "another")
    assert find_collisions(canvas.figure) == [("one text", "another")]


@pytest.mark.parametrize(
    ("size", "width", "heights"),
    [("slide", 1600, (900, 900)), ("small", 500, (281, 375))],
)
def test_canvas_in_pixels(size, width, heights):
    for aspect in (0.1, 9 / 16, 0.7, 2.0):
        drawn = viz.blank_figure(size, "light", aspect).get_size_inches() * 100
        assert drawn[0] == pytest.approx(width)
        assert heights[0] <= round(drawn[1]) <= heights[1]


@pytest.mark.parametrize(("size", "mm"), [("paper", 85), ("paper-wide", 170)])
def test_canvas_in_millimetres(size, mm):
    assert viz.blank_figure(size).get_figwidth() * 25.4 == pytest.approx(mm, abs=0.05)


def test_a_long_headline_is_shortened_in_the_middle(boxes_of, find_collisions):
    canvas = Canvas("small", "light")
    fitted, height = canvas.fit(" ".join(LONG[:4]), 200, 17)
    assert canvas.measure(fitted, height) <= 200
    assert fitted.startswith("a class") and fitted.endswith("3") and "…" in fitted
    case = SHAPES["filters"][0]
    figure = draw(case, size="small", title=" ".join(LONG), subtitle=" ".join(LONG))
    assert find_collisions(figure) == []
    assert max(box.x1 for _, box in boxes_of(figure)) <= 500 - 24


# Bytes -----------------------------------------------------------------------------------------

ONE_OF_EACH = [(kind, cases[1]) for kind, cases in SHAPES.items()]


@pytest.mark.sample(5)
@pytest.mark.parametrize(("kind", "case"), ONE_OF_EACH, ids=[kind for kind, _ in ONE_OF_EACH])
@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_same_figure_gives_the_same_bytes(kind, case, suffix):
    same_bytes(case, suffix)


@pytest.mark.sample(1)
@pytest.mark.parametrize("kind", ["filters", "curves", "confusion"])
def test_the_same_figure_gives_the_same_pdf(kind):
    same_bytes(SHAPES[kind][1], ".pdf")


def same_bytes(case, suffix):
    first, second = (
        viz.figure_bytes(draw(case, size="small"), suffix, title="t", description="d")
        for _ in range(2)
    )
    assert zlib.crc32(first) == zlib.crc32(second)
    start = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix]
    assert first.startswith(start)
    for stamp in (b"20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]T", b"CreationDate", b"Matplotlib v"):
        assert not re.search(stamp, first)


def test_metadata_says_what_the_figure_is_and_how_to_make_it_again():
    words = {"title": "Rows & columns", "description": "What <is> seen", "command": "convlab x"}
    figure = draw(SHAPES["confusion"][0], size="small")
    png = viz.figure_bytes(figure, ".png", **words)
    pdf = viz.figure_bytes(figure, ".pdf", **words)
    svg = viz.figure_bytes(figure, ".svg", **words).decode()
    for part in (b"Rows & columns", b"What <is> seen", b"convlab x"):
        assert part in png and part in pdf
    head = "<title>Rows &amp; columns</title>\n <desc>What &lt;is&gt; seen</desc>"
    assert head in svg and "convlab x" in svg


def test_unknown_suffix():
    with pytest.raises(
        SpecError,
        match=r"^expected a file ending in .png, .* .svg, .pdf or .tex, got '.x'",
    ):
        viz.figure_bytes(viz.blank_figure(), ".x", title="", description="")


@pytest.mark.parametrize(("theme", "alpha"), [("transparent", 0), ("light", 255), ("dark", 255)])
def test_ground(theme, alpha):
    figure = draw(SHAPES["curves"][2], theme=theme, size="small")
    figure.canvas.draw()
    corner = np.asarray(figure.canvas.buffer_rgba())[0, 0]
    assert corner[3] == alpha
    if alpha:
        assert tuple(corner[:3] / 255) == pytest.approx(to_rgb(viz.THEMES[theme].ground))


# Numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", range(22, 36))
def test_numbers_of_one_length_all_fit_their_cells(side):
    canvas = Canvas("slide", "light")
    texts = [str(number) for number in range(10, 100)] + [f"−{digit}" for digit in range(1, 10)]
    px = Cells(canvas, 0, 0, 9, 11, side).size_of(texts)
    assert px is None or canvas.widest(texts, px) <= 0.92 * side


@pytest.mark.smoke
@pytest.mark.parametrize("classes", [2, 10])
def test_numbers_in_the_confusion_are_the_matrix(classes):
    matrix = counts(classes) + np.arange(classes**2).reshape(classes, classes) * 7
    names = [f"class {chr(97 + index)}" for index in range(classes)]
    figure = viz.confusion(matrix, names, title="Confusion")
    svg = viz.figure_bytes(figure, ".svg", title="t", description="d").decode()
    written = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert [int(text) for text in written if re.fullmatch("[0-9]+", text)] == list(matrix.ravel())
    parts = np.diagonal(matrix), matrix.sum(axis=1)
    accuracy = [text for text in written if re.fullmatch(r"≈?[01]\.[0-9]{2}", text)]
    # Only 1 and hundredths are exact.
    exactly = [Fraction(int(n), int(d)) * 100 for n, d in zip(*parts, strict=True)]
    marks = ["" if one.denominator == 1 else "≈" for one in exactly]
    assert accuracy == [f"{mark}{n / d:.2f}" for mark, n, d in zip(marks, *parts, strict=True)]
    assert f"{np.trace(matrix)} of {matrix.sum()} right" in written


def test_filters_write_their_weights_where_cells_are_large():
    figure = viz.filters(np.array([[[[0.5, -0.25], [0.0, 1.5]]]]), title="Kernel")
    texts = {text.get_text() for text in texts_of(figure)}
    assert {"0.50", "−0.25", "0.00", "1.50"} <= texts


def test_figures_say_what_they_leave_out():
    def second_line(case, **look):
        return " ".join(text.get_text() for text in texts_of(draw(case, **look)))

    assert re.search(r"first \d+ of 500 filters", second_line(SHAPES["filters"][3]))
    assert re.search(r"first \d+ of 128 input channels", second_line(SHAPES["filters"][9]))
    assert re.search(r"first \d+ of 512 maps", second_line(SHAPES["feature_maps"][3]))
    assert re.search(r"every \d+\w\w class named", second_line(SHAPES["confusion"][6]))
    assert "first 40 of 60 mistakes" in second_line(SHAPES["mistakes"][6])
    assert "no mistakes" in second_line(SHAPES["mistakes"][0])
    deep = texts_of(draw(SHAPES["journey"][2]))
    left_out = [int(text.get_text()[1:]) for text in deep if text.get_text().startswith("+")]
    assert len(left_out) >= 13 and all(0 < more < 512 for more in left_out)


def test_the_winner_is_the_most_probable_class():
    figure = viz.journey(
        PIXELS, [], title="t", classes=["ant", "bee", "cow"], probabilities=[0.2, 0.7, 0.1]
    )
    bold = {text.get_text() for text in texts_of(figure) if text.get_weight() == "bold"}
    assert {"bee", "0.700"} <= bold and not {"ant", "cow"} & bold


@pytest.mark.parametrize("epoch", [1, 3, 5])
def test_the_best_epoch_is_marked_in_both_panels(epoch):
    texts = [
        text.get_text() for text in texts_of(viz.curves(history(5), title="t", best_epoch=epoch))
    ]
    assert texts.count(f"best epoch {epoch}") == 2


def test_no_epoch_is_marked_unless_it_is_told():
    texts = [text.get_text() for text in texts_of(viz.curves(history(5), title="t"))]
    assert not [text for text in texts if "best" in text]


def test_a_best_epoch_that_the_history_lacks():
    with pytest.raises(ShapeError, match="expected a best epoch of the history, got 6"):
        viz.curves(history(5), title="t", best_epoch=6)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.125, "−0.125"),
        (12.345, "≈12.3"),
        (0.5, "0.5"),
        (1234.5, "≈1234"),
        (0.0000456, "4.56 × 10⁻⁵"),
        (-2e9, "−2 × 10⁹"),
        (0.9999, "≈1"),
        (float("nan"), "NaN"),
    ],
)
def test_number(value, text):
    assert numerals.number(value) == text
    assert numerals.measured(value) == text.removeprefix("≈")


def test_numbers_share_one_format_and_zero_has_no_sign():
    uneven = numerals.exact(np.array([1.5, -0.001, -2.25]), 3)
    assert uneven.marked() == ["1.50", "≈0.00", "−2.25"]
    assert numerals.exact(np.array([1.5, -0.001, -2.25])).texts == ["1.500", "−0.001", "−2.250"]
    assert numerals.exact(np.array([3.0, -1.0])).texts == ["3", "−1"]
    assert numerals.exact(np.array([])).texts == []


def test_images_are_shown_as_they_are():
    assert np.array_equal(image_rgb(PIXELS), np.moveaxis(PIXELS, 0, -1))
    assert np.array_equal(image_rgb(PIXELS / 255), np.moveaxis(PIXELS, 0, -1))
    assert image_rgb(np.array([[[-1.0, 1.0]]])).tolist() == [[[0, 0, 0], [255, 255, 255]]]


# Colours ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", viz.THEMES.values(), ids=viz.THEMES)
def test_zero_is_exactly_the_ground(theme):
    scale = style.signed_scale(np.array([-0.3, 1.7]), theme)
    assert scale.lowest == -1.7
    ground = [round(255 * part) for part in to_rgb(theme.ground)]
    assert scale.rgb(np.array([0.0])).tolist() == [ground]
    below, above = scale.rgb(np.array([-0.1, 0.1])).astype(int)
    assert (below != ground).any() and (above != ground).any() and (below != above).any()


def test_colours_of_the_design():
    text = """
        ground #FFFFFF #12171D   ink #1B2430 #E8EDF2   quiet #5B6673 #A7B3C0
        hairline #C9D0D8 #3A4653   hairline_fill #F6F7F9 #171D25
        input #1031AA #6F9BEF   input_fill #E4E9F8 #1D2A44
        window #B56C01 #F0C674   window_fill #FBE3BC #4A3B1C
        output #14A06E #8BEFE2   output_fill #DBF2E8 #1C3B3A   mistake #BB0C8A #DE5F9F
    """
    table = text.split()
    for role, light, dark in zip(table[::3], table[1::3], table[2::3], strict=True):
        assert getattr(viz.THEMES["light"], role) == light
        assert getattr(viz.THEMES["dark"], role) == dark


ROLES = ("input", "window", "output", "mistake")


@pytest.mark.parametrize("name", ["light", "dark"])
def test_contrast(name):
    theme = viz.THEMES[name]
    assert style.contrast("#000000", "#FFFFFF") == pytest.approx(21)
    for role in ROLES:
        assert style.contrast(getattr(theme, role), theme.ground) >= 3
    for role in ("ink", "quiet", "red", "green", "blue"):
        assert style.contrast(getattr(theme, role), theme.ground) >= 4.5
    for fill in ("input_fill", "window_fill", "output_fill"):
        assert style.contrast(theme.ink, getattr(theme, fill)) >= 4.5


def test_numbers_read_on_every_shade():
    shades = np.linspace(-1, 1, 200)
    for theme in viz.THEMES.values():
        scales = [style.signed_scale(shades, theme), style.activation_scale(shades)]
        for rgb in np.concatenate([scale.rgb(shades) for scale in scales]) / 255:
            assert style.contrast(style.ink_on(rgb), rgb) >= 4.5


def lab(linear):
    """CIE L*a*b* (1976, white D65) of linear sRGB."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    ratio = to_xyz @ linear / (0.9505, 1.0, 1.089)
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


# Full severity, Machado, Oliveira and Fernandes 2009, table of matrices.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    "deuteranopia": [
        [0.3673, 0.8606, -0.2280],
        [0.2801, 0.6726, 0.0473],
        [-0.0118, 0.0429, 0.9689],
    ],
    "tritanopia": [
        [1.2555, -0.0767, -0.1788],
        [-0.0784, 0.9308, 0.1476],
        [0.0047, 0.6914, 0.3039],
    ],
}


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHT)
def test_roles_stay_apart(name, sight):
    seen = []
    for role in ROLES:
        rgb = np.array(to_rgb(getattr(viz.THEMES[name], role)))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        seen.append(lab(np.clip(np.array(SIGHT[sight]) @ linear, 0, 1)))
    least = min(np.linalg.norm(one - two) for one, two in itertools.combinations(seen, 2))
    assert least >= 20  # twice what is told apart at a glance, whatever the model of sight


# Errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: viz.filters(signed(3, 3), title=""), ShapeError, r"\(O, I, kH, kW\).*\(3, 3\)"),
        (
            lambda: viz.filters(signed(1, 2, 3, 3), title="", channels=["red"]),
            ShapeError,
            "expected 2 names of input channels, got 1",
        ),
        (
            lambda: viz.filters(signed(1, 1, 3, 3), title="", limit=0),
            SpecError,
            "limit above 0, got 0",
        ),
        (lambda: viz.feature_maps(signed(3, 3), title=""), ShapeError, r"\(C, H, W\).*\(3, 3\)"),
        (lambda: viz.journey(signed(2, 3, 3), [], title=""), ShapeError, r"got \(2, 3, 3\)"),
        (
            lambda: viz.journey(PIXELS, [("conv1", signed(2, 2))], title=""),
            ShapeError,
            r"expected layer conv1 as \(C, H, W\) or \(C,\), got \(2, 2\)",
        ),
        (
            lambda: viz.journey(PIXELS, [], title="", classes=["a"], probabilities=[0.5, 0.5]),
            ShapeError,
            "expected 2 class names, got 1",
        ),
        (
            lambda: draw(field((8, 8), (3, 3, 3, 5), (4, 4), (0, 0))),
            ShapeError,
            r"with pixels in it, got \(3, 3, 3, 5\)",
        ),
        (
            lambda: draw(field((8, 8), (0, 0, 3, 3), (4, 4), (0, 4))),
            ShapeError,
            r"a unit inside the 4 × 4 map, got \(0, 4\)",
        ),
        (
            lambda: draw(field((8, 8), (0, 0, 3, 3), (4, 4), (0, 0), image=PIXELS)),
            ShapeError,
            r"expected an image of \(8, 8\) pixels, got \(32, 32\)",
        ),
        (lambda: viz.curves({"train_loss": [1.0]}, title=""), SpecError, "with the key epoch"),
        (lambda: viz.curves({"epoch": [1]}, title=""), SpecError, "a loss or an accuracy"),
        (
            lambda: viz.curves({"epoch": [1, 2], "train_loss": [1.0]}, title=""),
            ShapeError,
            "expected 2 values of train_loss, one an epoch, got 1",
        ),
        (lambda: viz.confusion(signed(2, 3), SHORT, title=""), ShapeError, r"\(K, K\), got"),
        (lambda: viz.confusion(np.eye(3), SHORT[:2], title=""), ShapeError, "expected 3 class"),
        (lambda: viz.confusion(np.eye(2) / 2, SHORT[:2], title=""), ShapeError, "whole counts"),
        (
            lambda: viz.mistakes(PIXELS[None], ["a"], ["b", "c"], [0.5], title=""),
            ShapeError,
            "expected 1 predicted names, one an image, got 2",
        ),
        (
            lambda: viz.blank_figure("poster"),
            SpecError,
            "slide, animation, small, paper, paper-wide, or width and height such as 1920x1080",
        ),
        (
            lambda: viz.blank_figure("slide", "sepia"),
            SpecError,
            "light, dark, transparent, got 'sepia'",
        ),
    ],
)
def test_errors_say_what_was_expected_and_what_came(call, error, message):
    with pytest.raises(error, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)


# --- names and numbers that pictures meet -----------------------------------------------------


def test_letters_are_drawn_by_a_font_that_has_them(boxes_of):
    # U+29BF is in STIX, which comes with matplotlib, and not in DejaVu Sans; nothing has U+10FFFD.
    assert "STIXGeneral" in lettering("\u29bf").families
    assert lettering("plain").families == style.FONT
    drawn = lettering("a\U0010fffd", bold=True)
    assert (drawn.text, drawn.undrawn) == (f"a{BOX}", "\U0010fffd")
    # What stands beside a word from right to left keeps its place.
    assert lettering("\u2192 \u0645\u0631 3").text == "\u2192 \u200e\u0645\u0631\u200e 3"
    canvas = Canvas("slide", "light")
    name = "$x_1$ \U0010fffd \u0645\u0631 3\x07" + "n" * 5000
    canvas.text(100, 100, name, width=600)
    ((text, box),) = boxes_of(canvas.figure)
    assert box.width <= 600 and "\u2026" in text.get_text() and "$x_1$" in text.get_text()
    texts = {"title": name, "description": "\ud800", "command": "\x01"}
    for suffix in (".svg", ".png", ".pdf"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            content = viz.figure_bytes(canvas.figure, suffix, **texts)
        (warning,) = caught
        assert str(warning.message).startswith("no installed font has \U0010fffd: ")
        if suffix == ".svg":
            ElementTree.fromstring(content)


def test_a_scale_without_two_numbers_says_so(boxes_of):
    light = style.theme_named("light")
    assert style.signed_scale(np.zeros(4), light).only == 0
    assert style.signed_scale(np.zeros(4), light, limit=2).only is None
    assert style.activation_scale(np.full(3, -1.5)).only == -1.5
    assert style.activation_scale(np.array([np.nan])).only is None
    assert style.activation_scale(np.array([0, 1e-9])).only is None
    for figure in (
        viz.filters(np.zeros((1, 1, 3, 3)), title="t"),
        viz.effective_field(gradient=np.zeros((9, 9)), box=(1, 1, 4, 4), half=None, title="t"),
    ):
        texts = [text.get_text() for text, _ in boxes_of(figure)]
        assert "everywhere" in texts and "0" in texts and "1" not in texts


@pytest.mark.parametrize("count, shape", [(1, (5, 5)), (6, (24, 24)), (7, (40, 3)), (64, (9, 14))])
@pytest.mark.parametrize("beside, need", [(0, 0), (60, 0), (0, 70), (60, 90)])
def test_tiles_keep_their_room_inside_their_place(count, shape, beside, need):
    look = {"gap": 10, "label": 20, "beside": beside, "need": need}
    grid = arrange(count, 1000, 700, shape, **look)
    assert grid.columns * grid.rows >= count and grid.total_height <= 700
    assert grid.width / shape[1] == grid.height / shape[0]
    assert grid.total_width + max(beside, need - grid.width) <= 1000
    assert grid.columns == 1 or grid.gap_x >= max(beside, need - grid.width) + 10
    left, top, *size = grid.place(count - 1, 3, 4)
    assert (left - 3, top - 4) == grid.corner(count - 1) and size == [grid.width, grid.height]


def test_facts_give_way_until_there_is_enough_room(boxes_of):
    facts = [("one", "a " * 200), ("two", "b"), ("three", "c")]
    for keep, shown in ((0, {"one", "two", "three"}), (0.58, {"one", "two"}), (2, {"one"})):
        sheet = Sheet(9 / 16, "ink", keep, title="t", subtitle="s", facts=facts)
        kept = [fact for fact in facts if fact[0] in shown]
        assert sheet.bottom == Sheet(9 / 16, keep=0, facts=kept).bottom
        texts = [text.get_text() for text, _ in boxes_of(sheet.figure)]
        assert texts[:2] == ["t", "s"] and {*texts} & {"one", "two", "three"} == shown
    sheet = Sheet(9 / 16)
    assert sheet.bottom == sheet.height - sheet.margin and not boxes_of(sheet.figure)
