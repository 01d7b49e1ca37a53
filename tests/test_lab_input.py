"""What goes into the page of a network and what comes out: drawings, samples, files, changes."""

import base64
import io
import json
import math

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

pytest.importorskip("selenium", reason="the page is tested with Selenium")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from convlab import Tensor, data, insight, lab, models, no_grad, training
from convlab.data import Dataset, Scaling
from convlab.errors import DataError


class Page:
    """A page in the browser, as a person uses it."""

    def __init__(self, browser, path):
        self.browser, self.url = browser, path.as_uri()

    def open(self, width=1600, height=900):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.browser.get(self.url)
        ready = "return Boolean(globalThis.convlabLab?.store.state.trace)"
        self.until(lambda: self.browser.execute_script(ready))
        return self

    def js(self, script, *arguments):
        return self.browser.execute_script(
            "const { store, network } = convlabLab; const { state } = store;" + script, *arguments
        )

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.find(selector).text

    def button(self, text, inside="body"):
        path = f".//button[normalize-space()='{text}']"
        return self.find(inside).find_element(By.XPATH, path)

    def keys(self, *keys):
        ActionChains(self.browser, duration=0).send_keys(*keys).perform()

    def until(self, condition):
        WebDriverWait(self.browser, 10, 0.02).until(lambda _: condition())

    def settled(self):
        """Wait until what has been drawn is shown."""
        self.browser.settle()

    def draw(self, strokes, kind="mouse", **pressed):
        """Strokes of points (x, y), shares of the pad, with a mouse, a finger or a pen."""
        box = self.find(".pad canvas").rect
        actions = ActionBuilder(self.browser, mouse=PointerInput(kind, f"a {kind}"), duration=0)
        for (x, y), *others in strokes:
            hand = actions.pointer_action
            hand.move_to_location(*self._place(box, x, y)).pointer_down(**pressed)
            for x, y in others:
                hand.move_to_location(*self._place(box, x, y), **pressed)
            hand.pointer_up()
        actions.perform()
        self.settled()

    @staticmethod
    def _place(box, x, y):
        return int(box["x"] + x * box["width"]), int(box["y"] + y * box["height"])

    @property
    def bytes(self):
        """What has been drawn or chosen, (C, H, W)."""
        image = self.js("return state.description.image")
        flat = self.js("return Array.from(state.bytes)")
        shape = image["channels"], image["rows"], image["columns"]
        return np.array(flat, np.uint8).reshape(shape)

    @property
    def answer(self):
        return self.find("#answer").get_attribute("data-answer")

    @property
    def probabilities(self):
        """By class, from the bars."""
        found = self.js("""
            return [...document.querySelectorAll("#answer li")].map(({ dataset }) =>
                [Number(dataset.class), Number(dataset.probability)]);
        """)
        return {number: share for number, share in found}


@pytest.fixture(scope="module")
def digits(browser, lab_page):
    """The page of LeNet-5, trained on the built-in digits."""
    return Page(browser, lab_page)


@pytest.fixture(scope="module")
def digits_run(lab_run):
    return training.load(lab_run)


@pytest.fixture(scope="module")
def mnist(browser, tmp_path_factory):
    """The page of LeNet-5 after a short training on MNIST, or a visible skip."""
    try:
        train, test = data.load("mnist", download=False)
    except DataError as error:
        pytest.skip(f"no MNIST here: {error}")
    settings = training.Settings(data="mnist", epochs=2, limit=500)
    task = training.prepare(settings, datasets=(train, test))
    for _ in training.Trainer(settings, task).fit():
        pass
    run = run_of(task.network.eval(), test, task.scaling, dark=True, source="mnist")
    return write_page(browser, tmp_path_factory, run, test)


def run_of(network, test, scaling, dark, source):
    shape = test.image_shape
    settings = training.Settings(data=source)
    return training.Run("run", settings, network, test.classes, shape, dark, scaling, 1)


def write_page(browser, tmp_path_factory, run, test):
    path = tmp_path_factory.mktemp("page") / "lab.html"
    path.write_text(lab.render(lab.describe(run, test)), encoding="utf-8")
    return Page(browser, path)


@pytest.fixture(scope="module")
def photographs(browser, tmp_path_factory):
    """The page of a network of 12 classes for RGB pictures, with random weights."""
    spec = models.Spec(
        """
        input = "16x20x3"
        layer = [
            {type = "Conv2d", name = "conv1", out_channels = 4, kernel_size = 3, stride = 2},
            {type = "ReLU"},
            {type = "Flatten"},
            {type = "Linear", out_features = "classes"},
        ]
        """,
        "photographs",
        "photographs.toml",
    )
    rng = np.random.default_rng(5)
    classes = tuple(f"class <b>{number}</b>" for number in range(12))
    pictures = rng.integers(0, 256, (36, 3, 16, 20)).astype(np.uint8)
    test = Dataset("photographs", "test", pictures, np.arange(36) % 12, classes)
    scaling = Scaling((0.004, 0.005, 0.006), (-0.5, -0.4, -0.3))
    run = run_of(models.build(spec, classes=12).eval(), test, scaling, False, "photographs")
    page = write_page(browser, tmp_path_factory, run, test)
    page.run, page.test = run, test
    return page


def probabilities_of(run, image):
    """What the engine says of bytes (C, H, W)."""
    with no_grad():
        output = run.network(Tensor(run.network_input(image)[None])).numpy()
    return run.network.probabilities(output)[0]


# --- drawings -----------------------------------------------------------------------------


def arc(x, y, width, height, start, end, steps=7):
    """Points of an arc about (x, y); degrees, clockwise as y points down."""
    angles = np.radians(np.linspace(start, end, steps))
    return [(x + width * math.cos(a), y + height * math.sin(a)) for a in angles]


HANDWRITING = {
    "0": [arc(0.5, 0.5, 0.2, 0.33, -80, 285, 10)],
    "1": [[(0.53, 0.16), (0.5, 0.5), (0.47, 0.84)]],
    "3": [arc(0.46, 0.33, 0.17, 0.16, -150, 90) + arc(0.46, 0.66, 0.2, 0.17, -90, 150)],
    "7": [[(0.28, 0.2), (0.5, 0.19), (0.72, 0.2), (0.6, 0.45), (0.5, 0.65), (0.44, 0.85)]],
}


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", ["mnist", "digits"])
def test_the_page_reads_what_is_drawn(name, request):
    page = request.getfixturevalue(name).open()
    hands = {"3": "mouse", "1": "touch", "0": "pen", "7": "mouse"}
    for digit in hands if name == "mnist" else ("3", "1"):
        page.draw(HANDWRITING[digit], hands[digit])
        assert page.answer == digit
        assert page.probabilities[int(digit)] > 0.5
        assert page.js("return [state.source.kind, state.label]") == ["drawing", None]
        if name == "mnist":
            (ink,) = page.bytes
            rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
            assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
            # Whole pixels: the centre of mass lies within half of one of (14, 14).
            assert np.abs(np.array(ndimage.center_of_mass(ink)) - 14).max() <= 0.51
            assert "20 pixels" in page.text(".got")
        page.button("Clear").click()
    assert page.find(".pad .hint").is_displayed()
    assert page.bytes.max() == 0


@pytest.mark.slow
def test_a_pen_that_is_pressed_draws_a_broader_line(digits):
    page = digits.open()
    inked = []
    for pressure in (0.1, 0.9):
        page.draw([[(0.2, 0.5), (0.8, 0.5)]], "pen", pressure=pressure)
        inked.append(
            page.js("""
            const canvas = document.querySelector(".pad canvas");
            const { width, height } = canvas;
            const { data } = canvas.getContext("2d").getImageData(width / 2, 0, 1, height);
            return data.filter((_, i) => i % 4 === 3 && data[i] > 127).length;
        """)
        )
        page.button("Clear").click()
    # 1.4 times the brush against 0.6 times.
    assert inked[1] / inked[0] == pytest.approx(1.4 / 0.6, rel=0.1)


@pytest.mark.slow
def test_undo_and_clear(digits):
    page = digits.open()
    undo, clear = page.button("Undo"), page.button("Clear")
    assert not undo.is_enabled() and not clear.is_enabled()
    page.draw([[(0.3, 0.2), (0.3, 0.8)]])
    one = page.bytes
    page.draw([[(0.7, 0.2), (0.7, 0.8)]])
    two = page.bytes
    assert not np.array_equal(one, two)
    undo.click()
    np.testing.assert_array_equal(page.bytes, one)
    clear.click()
    assert page.bytes.max() == 0 and not clear.is_enabled()
    ActionChains(page.browser).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()
    np.testing.assert_array_equal(page.bytes, one)
    # Another input puts the drawing away; nothing of it is lost.
    page.find(".samples button").click()
    assert page.find(".pad .hint").is_displayed()
    undo.click()
    np.testing.assert_array_equal(page.bytes, one)
    undo.click()
    assert page.bytes.max() == 0 and not undo.is_enabled()


@pytest.mark.slow
def test_one_draws_and_chooses_with_keys_alone(digits):
    page = digits.open()
    page.js("document.body.tabIndex = -1; document.body.focus();")
    for _ in range(9):
        page.keys(Keys.TAB)
        if page.js("return document.activeElement.classList.contains('pad')"):
            break
    assert "space puts it down" in page.text(".message")
    page.keys(*[Keys.ARROW_UP] * 9, " ", *[Keys.ARROW_DOWN] * 18, " ", Keys.ARROW_RIGHT)
    page.settled()
    assert page.answer == "1"
    assert "lifted" in page.text(".message")
    page.keys(Keys.DELETE)
    page.settled()
    assert page.bytes.max() == 0
    # The samples are one stop, and the arrows go from one to the next.
    page.js("document.querySelector('.samples button').focus()")
    page.keys(Keys.ARROW_RIGHT, Keys.ENTER)
    first, second = page.browser.find_elements(By.CSS_SELECTOR, ".samples button")[:2]
    assert [first.get_attribute("tabindex"), second.get_attribute("tabindex")] == ["-1", "0"]
    assert second.get_attribute("aria-pressed") == "true"
    assert page.js("return state.source.kind") == "sample"


# --- preparation ------------------------------------------------------------------------------


def scrawl(seed, rows=90, columns=120):
    """Ink of the pad: a few soft blobs and a line, away from the border."""
    rng = np.random.default_rng(seed)
    ink = np.zeros((rows, columns))
    for _ in range(6):
        row, column = rng.integers(12, rows - 12), rng.integers(12, columns - 12)
        ink[row - 7 : row + 8, column - 5 : column + 11] = 255
    return np.rint(ndimage.uniform_filter(ink, 3)).astype(np.uint8)


def means(values, count):
    """Along the first axis, the means over ``count`` equal parts, by the integral."""
    integral = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    edges = np.linspace(0, len(values), count + 1)
    known = np.arange(len(integral))
    at_edges = np.stack([np.interp(edges, known, column) for column in integral.T], axis=1)
    return np.diff(at_edges, axis=0) * count / len(values)


def drawn(pictures, ink, form):
    """What the page makes of ink on its pad for a data set of ``data.FORMS``."""
    image = {"channels": 1, "rows": 28, "columns": 28}
    description = {"image": image, "samples": [], "form": {"name": form, "words": form}}
    made = pictures("drawingOf", description, ink, *ink.shape)
    assert made["notes"] == [form]
    return np.reshape(made["bytes"], (28, 28))


@pytest.mark.parametrize("seed", range(4))
def test_a_drawing_is_prepared_as_mnist_was(pictures, seed):
    """LeCun et al. 1998, section III.A: 20 x 20, the aspect kept, centred by mass in 28 x 28."""
    ink = scrawl(seed)
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    cropped = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(float)
    height, width = (round(side * 20 / max(cropped.shape)) for side in cropped.shape)
    small = means(means(cropped, height).T, width).T
    top, left = (round(14 - centre) for centre in ndimage.center_of_mass(small))
    expected = np.zeros((28, 28))
    expected[top : top + height, left : left + width] = small
    got = drawn(pictures, ink, "mnist")
    np.testing.assert_allclose(got, expected, atol=0.501)


def test_no_ink_is_lost_at_the_edge(pictures):
    """A long tail of little mass: centred by it, the tail would leave the field."""
    ink = np.zeros((100, 100), np.uint8)
    ink[40:60, 5:25] = 255
    ink[49:51, 5:95] = 255
    got = drawn(pictures, ink, "mnist")
    columns = np.flatnonzero(got.any(axis=0))
    assert (columns[0], columns[-1]) == (8, 27)


def test_a_drawing_is_prepared_as_the_built_in_digits_lie(pictures):
    """A ring: 24 pixels high in the middle of 28 x 28, blurred by 1 2 1 in both directions."""
    y, x = np.mgrid[:160, :160] - 79.5
    radius = np.hypot(x / 35, y / 55)
    ink = (np.abs(radius - 0.75) < 0.25).astype(np.uint8) * 255
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    cropped = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(float)
    width = round(24 * cropped.shape[1] / cropped.shape[0])
    left = (28 - width) // 2
    expected = np.zeros((28, 28))
    expected[2:26, left : left + width] = means(means(cropped, 24).T, width).T
    blur = np.outer((1, 2, 1), (1, 2, 1)) / 16
    expected = ndimage.convolve(expected, blur, mode="constant")
    np.testing.assert_allclose(drawn(pictures, ink, "digits"), expected, atol=1)


def test_a_slanted_line_is_set_nearly_upright_for_the_built_in_digits(pictures):
    y, x = np.mgrid[:200, :200] - 99.5
    ink = ((np.abs(x + 0.5 * y) < 12) & (np.abs(y) < 80)).astype(np.uint8) * 255
    got = drawn(pictures, ink, "digits")
    middles = [ndimage.center_of_mass(row)[0] for row in got[4:24]]
    # It leaned over half a pixel in each row, and six tenths of the way are gone.
    assert np.ptp(middles) == pytest.approx(0.4 * 0.5 * 19, abs=0.5)


CASES = [((28, 28), 1, True), ((90, 41), 1, True), ((37, 83), 3, False), ((9, 13), 3, False)]


@pytest.mark.parametrize(("size", "channels", "dark"), CASES)
@pytest.mark.parametrize(("level", "crop"), [(40, False), (215, False), (215, True)])
def test_a_picture_is_fitted_as_the_command_does_it(pictures, size, channels, dark, level, crop):
    """For data that are no digits."""
    rng = np.random.default_rng(level)
    pixels = np.clip(rng.normal(level, 30, (*size, 3)), 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    expected = data.read_picture(stream.getvalue(), size=(28, 28), channels=channels, crop=crop)
    inverted = False
    if dark:
        expected, inverted = data.as_dark_background(expected)
    image = {"channels": channels, "rows": 28, "columns": 28}
    rgba = np.dstack([pixels, np.full(size, 255, np.uint8)])
    told = {"image": image, "dark_background": dark, "crop": crop}
    got = pictures("pictureOf", told, rgba, *size)
    # Pillow may go along the columns first, and there are bytes after either direction.
    steps = 0 if size == (28, 28) else 1
    np.testing.assert_allclose(np.reshape(got["bytes"], expected.shape), expected, atol=steps)
    assert got["inverted"] == inverted
    assert ("inverted" in " ".join(got["notes"])) == inverted


# --- samples and files -------------------------------------------------------------------------


def test_samples_show_their_class_and_what_the_engine_says(digits, digits_run):
    page = digits.open()
    _, test = data.load("digits")
    buttons = page.browser.find_elements(By.CSS_SELECTOR, ".samples button")
    assert len(buttons) == 50
    for button in buttons[::11]:
        button.click()
        name, _, label = button.get_attribute("aria-label").partition(", class ")
        index = int(name.removeprefix("test:"))
        assert int(label) == test.labels[index]
        expected = probabilities_of(digits_run, test.images[index])
        assert page.answer == str(expected.argmax())
        shown = page.probabilities
        np.testing.assert_allclose([shown[k] for k in range(10)], expected, atol=1e-4)
        verdict = page.text(".verdict")
        assert f"is {label}" in verdict and f"says {expected.argmax()} " in verdict
        pressed = page.browser.find_elements(By.CSS_SELECTOR, ".samples [aria-pressed='true']")
        assert pressed == [button]


DROP = """
    const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], arguments[1]));
    const target = document.getElementById("network");
    const kind = arguments[2];
    const given = { bubbles: true, cancelable: true };
    if (kind === "paste") target.dispatchEvent(
        new ClipboardEvent("paste", { ...given, clipboardData: transfer }));
    else for (const name of ["dragover", "drop"]) target.dispatchEvent(
        new DragEvent(name, { ...given, dataTransfer: transfer }));
"""


def hand(page, path, way):
    """Give a file to the page: chosen, dropped or pasted."""
    if way == "choose":
        page.find("#input input[type=file]").send_keys(str(path))
    else:
        page.js(DROP, base64.b64encode(path.read_bytes()).decode(), path.name, way)


def test_files_get_the_answer_of_the_command(digits, lab_run, convlab, tmp_path):
    _, test = data.load("digits")
    paper = 255 - np.kron(test.images[5, 0], np.ones((5, 5), np.uint8))
    wide = np.full((140, 220), 250, np.uint8)
    wide[:, 40:180] = paper
    Image.fromarray(wide).save(tmp_path / "paper.png")
    Image.fromarray(test.images[8, 0]).resize((61, 90)).save(tmp_path / "photo.jpg", quality=95)
    ink = np.zeros((140, 140, 4), np.uint8)
    ink[..., 3] = 255 - paper
    Image.fromarray(ink).save(tmp_path / "transparent.png")
    # Bytes of an opaque PNG are the same everywhere; decoders of JPEG and the rounding of what
    # is transparent may differ by a byte's step or two.
    ways = {
        "paper.png": ("choose", 1e-4),
        "photo.jpg": ("drop", 0.02),
        "transparent.png": ("paste", 0.02),
    }
    lines = convlab.works("predict", lab_run, *(tmp_path / name for name in ways), "--json")
    page = digits.open()
    for line, (name, (way, tolerance)) in zip(lines.splitlines(), ways.items(), strict=True):
        answer = json.loads(line)
        hand(page, tmp_path / name, way)
        page.until(lambda name=name: page.js("return state.source.name") == name)
        assert page.js("return state.source.kind") == "file"
        shown = page.probabilities
        expected = [answer["probabilities"][str(k)] for k in range(10)]
        np.testing.assert_allclose([shown[k] for k in range(10)], expected, atol=tolerance)
        assert answer["prepared"] in page.text(".got")


def test_what_is_no_picture_changes_nothing_and_says_so(digits, tmp_path):
    page = digits.open()
    page.draw([[(0.3, 0.2), (0.3, 0.8)]])
    before = page.bytes
    for way, content in (("choose", b"no picture"), ("drop", b"\x89PNG\r\n\x1a\n"), ("paste", b"")):
        path = tmp_path / f"<b>{way}.png"
        path.write_bytes(content)
        hand(page, path, way)
        expected = f"{path.name}: expected a picture that the browser can read, got something else"
        page.until(lambda expected=expected: page.text(".message") == expected)
    np.testing.assert_array_equal(page.bytes, before)
    assert page.js("return state.source.kind") == "drawing"
    assert page.find("#input").find_elements(By.CSS_SELECTOR, ".message b") == []


# --- other networks ----------------------------------------------------------------------------


def test_photographs_have_no_pad_and_of_many_classes_ten_are_shown(photographs):
    page = photographs.open()
    assert page.browser.find_elements(By.CSS_SELECTOR, ".pad") == []
    page.find(".samples button").click()
    expected = probabilities_of(photographs.run, photographs.test.images[0])
    order = np.argsort(-expected, kind="stable")[:10]
    shown = page.probabilities
    assert list(shown) == order.tolist()
    np.testing.assert_allclose(list(shown.values()), expected[order], atol=1e-4)
    assert "10 most probable of 12 classes" in page.text("#answer")
    # Names are texts, whatever stands in them.
    assert page.text("#answer li .name").startswith("class <b>")
    got = page.js("""
        const canvas = document.querySelector(".got canvas");
        return Array.from(canvas.getContext("2d").getImageData(0, 0, 20, 16).data);
    """)
    pixels = np.reshape(got, (16, 20, 4))[..., :3].transpose(2, 0, 1)
    np.testing.assert_array_equal(pixels, photographs.test.images[0])


# --- what if ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_answer_stands_beside_the_class_and_the_answer_before(digits):
    page = digits.open()
    # With all its first maps off, the network says the same of every picture.
    page.js("store.set({ off: new Set([0, 1, 2, 3, 4, 5].map((map) => `0:${map}`)) })")
    blind = page.answer
    for label in ("3", "7"):
        if label == blind:
            continue
        page.find(f".samples button[aria-label$='class {label}']").click()
        assert page.js("return state.baseline.answer") == int(label)
        assert page.answer == blind
        assert page.text(".truth") == f"✗ is {label}, said {label} before the change"
        assert "wrong" in page.find(".truth").get_attribute("class")
    page.button("All on").click()
    assert page.text(".truth") == f"✓ is {page.answer}"


def test_a_filter_that_is_off_moves_the_answer_until_it_is_on_again(digits):
    page = digits.open()
    page.find(".samples button").click()
    before = page.probabilities
    page.js("store.set({ off: new Set(['0:1', '3:2', '3:0']) })")
    assert page.text("#whatif .silent").split("\n") == [
        "conv1, map 1 ✕",
        "conv2, map 0 ✕",
        "conv2, map 2 ✕",
    ]
    after = page.probabilities
    changes = page.js("""
        return [...document.querySelectorAll("#answer .change")].map((span) => span.textContent);
    """)
    for number, change in enumerate(changes):
        points = 100 * (after[number] - before[number])
        given = float(change.replace("−", "-").replace("±", ""))
        assert given == pytest.approx(points, abs=0.051)
    page.button("conv2, map 0 ✕").click()
    assert page.js("return [...state.off].sort()") == ["0:1", "3:2"]
    page.button("All on").click()
    assert page.probabilities == before
    assert not page.find("#answer .change").is_displayed()


@pytest.mark.sample(2)
@pytest.mark.parametrize("by", [(1, 0), (-3, 3), (0, 4)])
def test_shifts_have_the_equivariance_that_insight_measures(digits, digits_run, by):
    page = digits.open()
    page.find(".samples button").click()
    x = digits_run.network_input(page.bytes)
    plain = probabilities_of(digits_run, page.bytes)
    for steps, (back, forth) in zip(by, (("↑", "↓"), ("←", "→")), strict=True):
        for _ in range(abs(steps)):
            page.button(forth if steps > 0 else back, "#input").click()
    assert page.js("return state.shift") == list(by)
    moved = insight.shift(page.bytes, *by, "zeros")
    np.testing.assert_array_equal(
        np.reshape(page.js("return Array.from(state.shown)"), (28, 28)), moved[0]
    )
    rows = page.js("""
        const rows = document.querySelectorAll("#whatif tbody tr");
        return [...rows].map(({ dataset }) => ({ ...dataset }));
    """)
    names = ["conv1", "relu1", "pool1", "conv2", "relu2", "pool2"]
    assert [row["layer"] for row in rows] == names
    black = digits_run.scaling.offset
    for row in rows:
        expected = insight.commuting(
            digits_run.network, x, row["layer"], by, border="zeros", background=black
        )
        got = float(row["error"]), float(row["inner"])
        assert got == pytest.approx((expected.error, expected.inner), rel=1e-4, abs=1e-6)
    after = probabilities_of(digits_run, moved)
    first = plain.argmax()
    turned = "stays" if after.argmax() == first else "turns"
    change = 100 * (after[first] - plain[first])
    told = page.text("#whatif .shift > .quiet")
    assert f"the answer {turned}" in told
    number = told.rpartition(": ")[2].split()[0].replace("−", "-").replace("±", "")
    assert float(number) == pytest.approx(change, abs=0.051)


def test_a_picture_is_shifted_by_four_pixels_at_most_and_back(digits):
    page = digits.open()
    left, back = page.button("←", "#input"), page.button("0", "#input")
    assert back.get_attribute("aria-disabled") == "true"
    for _ in range(6):
        left.click()
    assert page.js("return state.shift") == [0, -4]
    assert left.get_attribute("aria-disabled") == "true"
    assert "4 left" in page.text(".got")
    back.click()
    assert page.js("return [state.shift, state.trace === state.baseline]") == [[0, 0], True]


def test_occlusion_is_that_of_insight(digits, digits_run):
    page = digits.open()
    page.browser.find_elements(By.CSS_SELECTOR, ".samples button")[6].click()
    image = page.bytes
    start = page.button("Cover patches")
    # A change of the input ends the work under way.
    start.click()
    page.js("store.set({ shift: [0, 0] })")
    page.settled()
    assert start.is_displayed()
    start.click()
    page.until(lambda: page.js("return state.occlusion !== null"))
    level = np.array(digits_run.scaling.offset, np.float32)  # the border is black: byte 0
    assert np.median(image[0][[0, -1]]) == np.median(image[0][:, [0, -1]]) == 0
    x = digits_run.network_input(image)
    target = int(probabilities_of(digits_run, image).argmax())
    expected = insight.occlusion(digits_run.network, x, target, (4, 4), (2, 2), level)
    got = np.reshape(page.js("return Array.from(state.occlusion)"), (28, 28))
    np.testing.assert_allclose(got, expected.map, atol=1e-4)
    most = 100 * np.abs(expected.map).max()
    assert page.text("#whatif .ends").split("\n") == [
        f"rises by {float(f'{most:.3g}'):g}",
        f"drops by {float(f'{most:.3g}'):g} points",
    ]
    page.button("→", "#input").click()
    assert not page.find("#whatif .covered").is_displayed()


@pytest.mark.slow
def test_occlusion_can_be_cancelled(digits):
    page = digits.open()
    started = page.js("""
        const button = (text) => [...document.querySelectorAll("#whatif button")].find(
            ({ textContent }) => textContent === text);
        button("Cover patches").click();
        const shown = !document.querySelector("#whatif progress").hidden;
        button("Cancel").click();
        return [shown, document.querySelector("#whatif progress").hidden];
    """)
    assert started == [True, True]
    page.settled()
    assert page.js("return state.occlusion") is None


# --- places ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_on_a_projector_the_drawing_and_the_answer_are_seen_at_once(digits):
    page = digits.open(1600, 900)
    for selector in (".pad", ".got", ".samples", "#answer ol"):
        box = page.js(
            "return document.querySelector(arguments[0]).getBoundingClientRect().toJSON()", selector
        )
        assert box["top"] >= 0 and box["bottom"] <= 900, selector
    for size in [(1600, 900), (1280, 720), (1024, 768)]:
        digits.open(*size)
        # All classes stand side by side: none is out of sight.
        beyond = page.js("""
            const { scrollWidth, clientWidth } = document.querySelector(".samples");
            return scrollWidth - clientWidth;
        """)
        assert beyond <= 0
    page = digits.open(1600, 900)
    # What the network gets stands still, whatever is drawn or chosen.
    top = page.find(".samples").rect["y"]
    page.draw(HANDWRITING["1"])
    assert page.find(".samples").rect["y"] == top


@pytest.mark.slow
def test_on_a_phone_nothing_is_wider_than_the_screen(digits):
    page = digits.open(360, 800)
    page.find(".samples button").click()
    page.js("store.set({ shift: [1, 1] })")
    for selector in ("#input", "#answer", "#whatif"):
        inside = page.js(
            """
            const section = document.querySelector(arguments[0]);
            const parts = section.querySelectorAll("button:not([hidden]), p, canvas, table, ol");
            return [...parts].filter((part) => part.getBoundingClientRect().right > 360
                && !part.closest(".samples")).length;
            """,
            selector,
        )
        assert inside == 0, selector
    # What it says stands next to what is drawn, before the many maps.
    assert page.find("#answer").rect["y"] < page.find("#network").rect["y"]
    page.js("document.querySelector('.pad').scrollIntoView({ block: 'center' })")
    box = page.js("return document.querySelector('.pad').getBoundingClientRect().toJSON()")
    assert box["width"] >= 240
