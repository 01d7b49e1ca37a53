"""What is shown is exact or says that it is rounded: judged by fractions, from the texts."""

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from convlab import lessons, numerals, viz
from convlab.lessons.window_lines import window_lines
from convlab.quiz import quiz
from convlab.terminal import fitted, plain
from convlab.viz import ChainLink, SumStep

KEPT = settings(max_examples=20, deadline=None, derandomize=True)
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
NUMBER = re.compile(r"≈?−?\d+(\.\d+)?( × 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?")


def reckoned(text):
    """The value of a written expression, from its own digits."""
    text = re.sub("(, )?−∞(, )?", r"\1", text).replace("(, ", "(")
    text = text.replace("≈", "").replace("−", "-").replace("·", "*")
    text = re.sub(r"([\d.]+) × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", r"F('\1e\2')", text).translate(RAISED)
    text = re.sub(r"(?<![\w.'e-])(\d+(?:\.\d+)?)(?![\w.'])", r"F('\1')", text)
    text = re.sub(r"(?<=[(+* /-])-?(\d+(?:\.\d+)?)(?![\w.'])", lambda m: f"F('{m[0]}')", text)
    return Fraction(eval(text, {"F": Fraction, "max": max}))


def check_sum(text, size):
    """A shown sum gives the shown result, or "≈" stands there and it is near."""
    made, sign, result = re.fullmatch(r"(.*) ([=≈]) ([^=≈]*)", text).groups()
    if sign == "=":
        assert "≈" not in made and reckoned(made) == reckoned(result), text
        return
    rounded = [result, *(term[0][1:] for term in re.finditer("≈" + NUMBER.pattern, made))]
    most = sum(map(half_a_step, rounded)) + Fraction(size)
    assert abs(reckoned(made) - reckoned(result)) <= most, text


def half_a_step(text):
    """Half of the last shown digit."""
    if "×" in text:  # three digits and a power of ten
        return abs(reckoned(text)) / 200
    return Fraction(51, 100) / 10 ** len(text.partition(".")[2])


def tables(rows, columns):
    """Tables of texts: whole numbers, decimals, large and small, of either sign, mixed."""
    plain = st.integers(-99, 99).map(str)

    def decimals(largest):
        return st.builds(
            lambda whole, places, sign: (
                f"{sign}{whole // 10**places}"
                + (f".{whole % 10**places:0{places}d}" if places else "")
            ),
            st.integers(0, largest),
            st.integers(0, 6),
            st.sampled_from(["", "-"]),
        )

    mixed = st.one_of(plain, decimals(10**4), decimals(10**12), st.just("1e-12"), st.just("2.5e20"))
    kinds = st.sampled_from([plain, decimals(10**4), decimals(10**9), mixed])

    def of(kind):
        row = st.lists(kind, min_size=columns, max_size=columns)
        return st.lists(row, min_size=rows, max_size=rows)

    return kinds.flatmap(of)


def values(table):
    return np.array(table, float)


def true(table):
    return [[Fraction(text) for text in row] for row in table]


def correlation(x, w, bias):
    rows, columns = len(x) - len(w) + 1, len(x[0]) - len(w[0]) + 1
    return [
        sum(x[r + i][c + j] * w[i][j] for i in range(len(w)) for j in range(len(w[0]))) + bias
        for r in range(rows)
        for c in range(columns)
    ]


def check_cells(figure, *known):
    """Each number that stands alone is one of these, or marked as rounded."""
    texts = [t.get_text() for axes in figure.axes for t in axes.texts] + [
        t.get_text() for t in figure.texts
    ]
    known = {one for part in known for one in part}
    shown = [text for text in texts if NUMBER.fullmatch(text) and not text.startswith("≈")]
    behind = [after for sign, after in zip(texts, texts[1:], strict=False) if sign == "≈"]
    wrong = [text for text in shown if text not in behind and reckoned(text) not in known]
    assert not wrong, texts


def scale(x, w=((1,),), bias=0):
    """What float64 may lose of such sums: of the largest terms."""
    largest = [max(abs(one) for row in table for one in row) for table in (x, w)]
    return (len(w) * len(w[0]) * largest[0] * largest[1] + abs(bias)) * Fraction(1, 10**14)


# --- one path after the other ---------------------------------------------------------------


@KEPT
@given(x=tables(3, 3), w=tables(2, 2), bias=st.sampled_from(["0", "0.3", "-2"]))
def test_convolutions_show_sums_that_add_up(x, w, bias):
    example = lessons.convolution(
        values(x)[None], values(w)[None, None], np.array([float(bias)]), padding=0
    )
    for step in range(example.steps):
        shown = example.picture(step)
        check_sum(shown.sum_text(), scale(true(x), true(w), Fraction(bias)))
    written = [text for row in x for text in row], shown.inputs().marked()
    for given_text, text in zip(*written, strict=True):
        assert text.startswith("≈") or reckoned(text) == Fraction(given_text)
    exactly = correlation(true(x), true(w), Fraction(bias))
    for value, text in zip(exactly, shown.results().marked(), strict=True):
        assert text.startswith("≈") or reckoned(text) == value
    # The terminal shows the same.
    lines = [plain(line) for line in fitted(window_lines(shown, True))]
    total = next(
        line for line in lines if re.search(r"[=≈] [^ ]+( × 10.*)?$", line) and "+" in line
    )
    check_sum(total.strip(), scale(true(x), true(w)))
    ends = {Fraction(2), Fraction(0)}, *true(x), *true(w)
    check_cells(viz.sliding_window(shown), exactly, *ends, {Fraction(bias)})


@KEPT
@given(x=tables(3, 4), kernel=st.sampled_from([(2, 2), (3, 2), (1, 4), (3, 3)]))
def test_means_show_sums_that_add_up(x, kernel):
    example = lessons.pooling(values(x)[None], "average", kernel=kernel, stride=1)
    exactly = []
    for step in range(example.steps):
        shown = example.picture(step)
        check_sum(shown.sum_text(), scale(true(x)) * 9)
        _, row, column = shown.at
        window = [line[column : column + kernel[1]] for line in true(x)[row : row + kernel[0]]]
        exactly.append(sum(map(sum, window)) / (kernel[0] * kernel[1]))
    for value, text in zip(exactly, shown.results().marked(), strict=True):
        assert text.startswith("≈") or reckoned(text) == value
    whole = {Fraction(n) for n in range(5)}
    check_cells(viz.sliding_window(shown), exactly, whole, [n for row in true(x) for n in row])


@KEPT
@given(x=tables(3, 4))
def test_a_maximum_is_a_number_of_the_table(x):
    example = lessons.pooling(values(x)[None], "max", kernel=2, stride=1)
    for step in range(example.steps):
        check_sum(example.picture(step).sum_text(), 0)


@KEPT
@given(x=tables(4, 4), w=tables(2, 2))
def test_applied_kernels_show_what_was_given_and_what_comes_out(x, w):
    kernel = lessons.classic_kernel("; ".join(" ".join(row) for row in w).replace("1e-12", "0"))
    w = [[text.replace("1e-12", "0") for text in row] for row in w]
    applied = lessons.apply_kernel(values(x), kernel, padding="valid")
    shown = lessons.AppliedView(applied, levels=(0.0, 10.0))
    exactly = correlation(true(x), true(w), 0)
    figure = viz.applied(
        values(x)[None], shown.kernels(), shown.results(), title="t", padded=applied.padded
    )
    reach = max(map(abs, exactly)) or Fraction(1)  # the diverging scale's
    ends = {-reach, reach, Fraction(0), Fraction(10), Fraction(255)}
    check_cells(figure, exactly, *true(x), *true(w), ends)


@KEPT
@given(st.lists(st.floats(-50, 50, width=32), min_size=8, max_size=8))
def test_chains_of_sums_say_what_is_rounded(numbers):
    links = []
    for value, weight, others, bias in (numbers[:4], numbers[4:]):
        steps = [
            SumStep("", "first", value, "input"),
            SumStep("×", "weight", weight, "window"),
            SumStep("+", "others", others),
            SumStep("+", "bias", bias, "mistake"),
        ]
        total = float(np.float32(value * weight + others + bias))
        links.append(ChainLink("layer 0", steps, total, np.arange(4.0).reshape(2, 2), (0, 1)))
    image = np.arange(9.0).reshape(1, 3, 3)
    figure = viz.sum_chain(
        links, image=image, pixel=(0, 0), pixel_name="pixel", pixel_value=0.5, title="t"
    )
    texts = [t.get_text() for t in figure.axes[0].texts]
    kept = [text for text in texts if NUMBER.fullmatch(text) or text in "×+−=≈" and text]
    ends = [at for at, text in enumerate(kept) if text in "=≈"]
    assert len(ends) == 2 and kept[-1].startswith("0.5")
    assert len({len(text.partition(".")[2]) for text in kept if NUMBER.fullmatch(text)}) == 1
    start = 0
    for end, link in zip(ends, links, strict=True):
        parts = [f"({t})" if NUMBER.fullmatch(t) else t for t in kept[start:end]]
        made = "".join(parts).replace("×", "*")
        result = kept[end + 1]
        near = abs(reckoned(made) - reckoned(result))
        exactly = near == 0 and reckoned(result) == Fraction(str(link.value))
        assert kept[end] == ("=" if exactly else "≈")
        assert near <= max(abs(Fraction(link.value)) / 500, Fraction(1, 10**6)), kept
        start = end + 2


@pytest.mark.parametrize("topic", ["output-value", "pooling", "spot-the-mistake"])
@pytest.mark.parametrize("seed", range(4))
def test_keys_of_exercises_add_up(topic, seed):
    for exercise in quiz(topic, seed, 6):
        for line in exercise.solution:
            if sums := re.search(r"column \d+: (.*[=≈].*)", line):
                check_sum(sums[1], 0)
                assert " = " in sums[1]


# --- the writer itself ----------------------------------------------------------------------


def test_ordinary_decimals_are_never_rounded():
    rng = np.random.default_rng(0)
    for places in range(7):
        x = rng.integers(-(10**6), 10**6, (1, 4, 4)) / 10**places
        w = rng.integers(-999, 1000, (1, 1, 3, 3)) / 1000
        shown = lessons.convolution(x, w).picture(0)
        assert shown.results().sign == shown.equals() == "="
        assert lessons.pooling(x, "average").picture(0).results().sign == "="


def test_the_reported_tables():
    example = lessons.convolution([[[8, 3.5, 1000000]]], [[[[0.12345]]]])
    shown = example.picture(1)
    assert shown.inputs().marked() == ["8.0", "3.5", "1000000.0"]
    assert shown.sum_text() == "3.5·0.12345 = 0.432075"
    assert example.output.dtype == np.float64
    assert lessons.convolution([[[0.12345]]], [[[[1000]]]]).picture(0).sum_text() == (
        "0.12345·1000 = 123.45"
    )
    total = lessons.convolution([[[100000033, 100000033, 100000034]]], np.ones((1, 1, 1, 3)))
    assert total.picture(0).value() == "300000100"
    thirds = lessons.pooling([[[1, 1, 2]]], "average", kernel=(1, 3)).picture(0)
    assert thirds.sum_text() == "(1 + 1 + 2) / 3 ≈ 1.33" and thirds.result() == "≈1.33"
    assert lessons.convolution([[[3e300]]], [[[[2]]]]).picture(0).terms() == ["(3 × 10³⁰⁰)·2"]
    assert lessons.convolution([[[np.inf]]], [[[[2]]]]).picture(0).sum_text() == "∞·2 = ∞"


@settings(deadline=None, derandomize=True)
@given(
    st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.floats(-(10**7), 10**7)),
    st.integers(1, 15),
)
@example(11.0, 1)
@example(-1234.5, 3)
@example(999_999.7, 3)
def test_a_number_is_read_back(value, digits):
    text = numerals.number(value, digits)
    assert text.startswith("≈") == (numerals.read(text) != Fraction(str(value)))
    expected = Fraction(f"{value:.{digits - 1}e}")
    if 10**digits <= abs(expected) < 10**6:  # no digit before the point becomes a zero
        expected = round(Fraction(value))
    assert numerals.read(text) == expected


def test_ratios_have_two_digits_unless_they_would_hide_which_side_of_1_they_lie_on():
    texts = [numerals.ratio(value) for value in (0.698, 0.998, 1, 1.001, 1.04, 2, 9.96, 26.4, 318)]
    assert texts == ["0.70", "0.998", "1.00", "1.00", "1.04", "2.0", "10", "26", "318"]


def test_durations_have_the_unit_of_the_longest():
    assert numerals.duration(0.25, 0.75) == "250 ms" and numerals.duration(0.01, 10) == "0.01 s"


def test_powers_of_ten():
    assert [numerals.power_of_ten(power) for power in (6, -2)] == ["10⁶", "10⁻²"]
    in_words = [numerals.power_of_ten(power, in_words=True) for power in (0, 2, 4, 9, 19)]
    assert in_words == ["1", "100", "10 thousand", "1 billion", "10,000 quadrillion"]
