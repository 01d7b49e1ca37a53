"""The page from the whole network down to one number: views, links, touch, deep networks."""

import re
import threading
import urllib.request
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("selenium", reason="the page is tested with Selenium")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from convlab import Tensor, functional, lab, load, models, no_grad, pictures, random
from convlab.data import Dataset, Scaling
from convlab.errors import SpecError
from convlab.training import Run, Settings

SCREENS = {
    "projector": (1600, 900, False),
    "desk": (1920, 1080, False),
    "tablet": (820, 1180, True),
    "phone": (390, 844, True),
}


class Reader:
    """Somebody before a page, by mouse, finger or keys."""

    def __init__(self, driver, url):
        self.driver, self.url = driver, url

    def open(self, fragment="", screen="projector", theme="light", motion="reduce"):
        width, height, touch = SCREENS[screen]
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": touch})
        features = [("prefers-color-scheme", theme), ("prefers-reduced-motion", motion)]
        asked = [{"name": name, "value": value} for name, value in features]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": asked})
        self.driver.get("about:blank")
        self.driver.get(self.url + fragment)
        self.wait(lambda: self.js("return !store || state.trace !== null"))
        self.settle()

    def js(self, script, *arguments):
        prelude = "const { store, network, playground } = convlabLab; const state = store?.state;"
        return self.driver.execute_script(prelude + script, *arguments)

    def settle(self):
        self.driver.settle()

    def wait(self, condition):
        return WebDriverWait(self.driver, 20, 0.02).until(lambda _: condition())

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def click(self, selector):
        self.find(selector).click()
        self.settle()

    def keys(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()
        self.settle()

    def tap(self, x, y):
        points = [{"x": x, "y": y}]
        for kind, at in (("touchStart", points), ("touchEnd", [])):
            event = {"type": kind, "touchPoints": at}
            self.driver.execute_cdp_cmd("Input.dispatchTouchEvent", event)
        self.settle()


@pytest.fixture(autouse=True)
def silent(browser):
    """No page may leave a message in the console, and none may leave touch behind."""
    browser.get_log("browser")
    yield
    assert browser.get_log("browser") == []
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


@pytest.fixture(scope="module")
def digits(browser, lab_page):
    return Reader(browser, lab_page.as_uri())


@pytest.fixture(scope="module")
def deep(browser, tmp_path_factory):
    """ResNet-20 with random weights, and what the engine makes of its first picture."""
    random.manual_seed(3)
    network = models.build("resnet20", classes=10)
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (20, 3, 32, 32)).astype(np.uint8)
    names = tuple("abcdefghij")
    scaling = Scaling((0.0155, 0.0158, 0.0161), (-1.97, -1.85, -1.64))
    settings = Settings(data="pictures")
    run = Run("run", settings, network.eval(), names, (3, 32, 32), False, scaling, 1)
    test = Dataset("pictures", "test", images, np.arange(20) % 10, names)
    path = tmp_path_factory.mktemp("deep") / "lab.html"
    path.write_text(lab.render(lab.describe(run, test)), encoding="utf-8")
    reader = Reader(browser, path.as_uri())
    with no_grad():
        x = Tensor(run.network_input(images[0])[np.newaxis])
        reader.probabilities = network.probabilities(network(x).numpy())[0]
    reader.network = network
    return reader


# --- one layer large ----------------------------------------------------------------------------

CELLS = """
return [...document.querySelectorAll(".lens .cells-of-map")].map((canvas) => {
    const box = canvas.getBoundingClientRect();
    return [canvas.dataset.kind, box.width / canvas.width, box.height / canvas.height];
});
"""


def test_every_layer_is_shown_large_with_cells_that_can_be_aimed_at(digits):
    digits.open()
    names = digits.js("return network.layers.map(({ title }) => title)")
    for layer, name in enumerate(names):
        digits.click(f'[data-heading="{layer}"]')
        assert digits.find(".lens h3").text.startswith(f"{name}: ")
        cells = digits.js(CELLS)
        assert {kind for kind, *_ in cells} >= {"reads", "is"}
        assert min(min(sizes) for _, *sizes in cells) >= 6
        assert digits.find(".lens .lesson").get_property("textContent")
    digits.keys(Keys.ESCAPE)
    assert not digits.find(".lens").is_displayed()


def test_the_maps_of_a_convolution_stand_with_the_strongest_first_and_are_found_by_number(digits):
    digits.open("#layer=conv2&map=5&row=3&col=4")
    values = np.array(digits.js("return Array.from(state.trace.outputs[3])")).reshape(16, 10, 10)
    thumbs = digits.js("""
        return [...document.querySelectorAll("[data-thumb]")].map(({ dataset }) => +dataset.thumb);
    """)
    assert thumbs == np.argsort(-np.abs(values).mean((1, 2)), kind="stable").tolist()
    # What each map that is read gives here, in words; with the bias it is the number.
    told = digits.js("""
        return network.explain(state.trace, 3, [5, 3, 4]).mapSums;
    """)
    given = [
        float(re.search(r"[\u2212\d.]+(?: \u00d7 10\S+)?", text)[0].replace("\u2212", "-"))
        for text in digits.js("""
            return [...document.querySelectorAll(".lens .row")].map((row) =>
                [...row.querySelectorAll("figcaption")].at(-1).textContent);
        """)
        if "10" not in text
    ]
    for number in given:
        assert min(abs(number - one) for one in told) < 0.006 * max(map(abs, told))
    field = digits.find("#map-number")
    field.clear()
    field.send_keys("11")
    digits.settle()
    assert digits.js("return [state.view.map, state.unit.unit]") == [11, [11, 3, 4]]
    digits.click('[aria-label="The next map"]')
    assert digits.js("return state.view.map") == 12
    assert "map=12&row=3&col=4" in digits.driver.current_url


STATE = """
const shown = document.querySelector("#network").cloneNode(true);
for (const unseen of shown.querySelectorAll("#spoken, .lesson")) unseen.remove();
return [shown.className, state.view, state.layer, state.pinned, state.pinned ? state.unit : null,
        [...shown.querySelectorAll(".lens figcaption")].map(({ textContent }) => textContent),
        document.getElementById("sums").textContent, location.hash];
"""


@pytest.mark.slow
def test_a_link_leads_to_what_clicks_lead_to_and_back_leads_back(digits):
    digits.open(motion="no-preference")
    whole = digits.js(STATE)
    digits.click('[data-heading="3"]')
    digits.js("store.set({ view: { layer: 3, map: 7 } })")
    digits.settle()
    large = digits.js(STATE)
    assert large[-1] == "#layer=conv2&map=7"
    digits.wait(lambda: digits.js("return document.getAnimations().length") == 0)
    box = digits.js("""
        const canvas = document.querySelector('.lens [data-kind="is"]');
        const { left, top, width, height } = canvas.getBoundingClientRect();
        return [left, top, width / canvas.width, height / canvas.height];
    """)
    left, top, wide, high = box
    action = ActionBuilder(digits.driver)
    action.pointer_action.move_to_location(round(left + 3.5 * wide), round(top + 8.5 * high))
    action.pointer_action.click()
    action.perform()
    digits.settle()
    one = digits.js(STATE)
    assert one[-1] == "#layer=conv2&map=7&row=8&col=3"
    for expected in (one, large):
        digits.open(expected[-1])
        assert digits.js(STATE) == expected
    # The browser's back button.
    digits.open(motion="no-preference")
    digits.js("store.set({ view: { layer: 3, map: 7 }, layer: 3 })")
    digits.js("""
        store.set({ view: { layer: 3, map: 7 }, unit: { layer: 3, unit: [7, 8, 3] }, pinned: true,
                    layer: null });
    """)
    digits.settle()
    assert digits.js(STATE)[:5] == one[:5]
    for expected in (large, whole):
        digits.driver.back()
        digits.settle()
        assert digits.js(STATE)[1:4] == expected[1:4]


@pytest.mark.parametrize(
    "fragment", ["#layer=nothing", "#layer=conv2&map=16", "#layer=conv2&map=1&row=10&col=0", "#x"]
)
def test_a_link_that_names_nothing_shows_the_network(digits, fragment):
    digits.open(fragment)
    assert digits.js("return [state.view, state.pinned, state.layer]") == [None, False, None]
    assert digits.find(".viewport .maps").is_displayed()


def test_one_layer_is_read_with_the_keyboard_alone(digits):
    digits.open()
    digits.js("document.querySelector('[data-heading=\"2\"]').focus()")
    digits.keys(Keys.ENTER)
    assert digits.js("return state.view.layer") == 2
    digits.js("document.querySelector('.lens [data-kind=is]').focus()")
    map_ = digits.js("return state.view.map")
    digits.keys(Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert digits.js("return state.unit.unit") == [map_, 1, 2]
    assert digits.js("return document.activeElement.dataset.kind") == "is"
    digits.keys(Keys.ENTER)
    assert digits.js("return [state.pinned, state.layer]") == [True, None]
    assert digits.find("#sums .value").is_displayed()
    digits.keys(Keys.ESCAPE)
    assert digits.js("return [state.pinned, state.layer, state.view.layer]") == [False, 2, 2]
    digits.keys(Keys.ESCAPE)
    assert digits.js("return [state.view, document.activeElement.dataset.heading]") == [None, "2"]


# --- touch --------------------------------------------------------------------------------------

CHOOSE = """
const [turn, height, large] = arguments;
const kinds = large ? ".lens .cells-of-map:not([data-kind=reads])" : ".viewport canvas[data-layer]";
const list = [...document.querySelectorAll(kinds)];
const canvas = list[(turn * 7) % list.length];
const before = canvas.getBoundingClientRect();
scrollBy(0, before.top + before.height / 2 - innerHeight * height);
const { left, top, width, height: tall } = canvas.getBoundingClientRect();
const [x, y] = [left + 0.4 * width, top + 0.45 * tall];
return [x, y, document.elementFromPoint(x, y) === canvas];
"""
SEEN = """
const [turn, large] = arguments;
const kinds = ".lens .cells-of-map:not([data-kind=reads])";
const list = [...document.querySelectorAll(kinds)];
const mark = large
    ? list[(turn * 7) % list.length].parentElement.querySelector(".unit")
    : document.querySelector(".viewport .overlay .unit");
const { top, bottom } = mark.getBoundingClientRect();
const panel = document.getElementById("panel").getBoundingClientRect().top;
return [state.pinned, top, Math.min(panel, innerHeight) - bottom];
"""


@pytest.mark.slow
@pytest.mark.parametrize("fragment", ["", "#layer=conv2&map=7"], ids=["whole", "large"])
@pytest.mark.parametrize("screen", ["phone", "tablet"])
def test_what_was_tapped_is_seen_above_the_panel(digits, screen, fragment):
    digits.open(fragment, screen)
    large = bool(fragment)
    for turn in range(20):
        digits.js(
            "store.set({ pinned: false, unit: null, layer: null,"
            " view: arguments[0] ? { layer: 3, map: 7 } : null })",
            large,
        )
        digits.settle()
        x, y, hit = digits.js(CHOOSE, turn, 0.1 + 0.8 * turn / 19, large)
        assert hit
        digits.tap(x, y)
        digits.settle()
        pinned, above, below = digits.js(SEEN, turn, large)
        assert pinned and above >= 0 and below >= 0, (turn, above, below)


@pytest.mark.parametrize("screen", ["phone", "tablet"])
def test_targets_are_large_enough_and_the_answer_is_seen_with_the_pad(digits, screen):
    for fragment in ("", "#layer=conv2&map=7&row=4&col=8", "#playground", "#training"):
        digits.open(fragment, screen)
        small = digits.js("""
            const all = document.querySelectorAll("button, a, input, select, summary");
            return [...all].filter((each) => each.checkVisibility()).map((each) => {
                const box = (each.closest("label") ?? each).getBoundingClientRect();
                return [each.className || each.textContent, box.width, box.height];
            }).filter(([, width, height]) => width > 1 && Math.min(width, height) < 24);
        """)
        assert small == []
        assert digits.js("return document.documentElement.scrollWidth - innerWidth") <= 0
    digits.open("", screen)
    pad, answer, height = digits.js("""
        const box = (name) => document.querySelector(name).getBoundingClientRect();
        return [box(".pad").top, box("#answer .says").bottom, innerHeight];
    """)
    assert answer - pad < height  # both are seen at once


# --- deep networks ------------------------------------------------------------------------------


def test_a_deep_network_fits_the_screen_and_opens_where_it_is_clicked(deep):
    deep.open()
    fits = "const v = document.querySelector('.viewport'); return v.scrollWidth - v.clientWidth;"
    assert deep.js(fits) <= 0
    layers = len(deep.network.shapes()) + 2  # with the input and the probabilities
    shown = deep.js("return document.querySelectorAll('.column').length")
    assert 8 <= shown < layers
    # Every layer is in just one column or block.
    parts = deep.js("""
        return [...document.querySelectorAll("#network .name")].map(({ dataset }) =>
            dataset.open ?? `${dataset.heading}-${dataset.heading}`);
    """)
    spans = [tuple(map(int, re.fullmatch(r"(-?\d+)-(-?\d+)", part).groups())) for part in parts]
    assert spans[0][0] == -1 and spans[-1][1] == layers - 2
    assert all(end + 1 == start for (_, end), (start, _) in zip(spans, spans[1:], strict=False))
    deep.click(".name[data-open]:not([data-open$='0'])")
    assert deep.js("return document.querySelectorAll('[data-fold]').length") >= 1
    first = deep.js("return document.querySelector('[data-fold]').dataset.fold")
    deep.click("[data-fold]")
    assert deep.js("return document.querySelector(`.name[data-open='${arguments[0]}']`)", first)
    # A link into a folded block opens it.
    deep.open("#layer=stage2_unit1_conv2&map=3&row=4&col=5")
    assert deep.js("return state.unit") == {
        "layer": list(deep.network.sources()).index("stage2_unit1_conv2"),
        "unit": [3, 4, 5],
    }
    assert deep.find(".lens h3").text.startswith("stage2_unit1_conv2: convolution")
    deep.click(".back")
    lines = deep.js("return document.querySelectorAll('.rail .line').length")
    assert lines > deep.js("return document.querySelectorAll('.column').length") - 1  # a shortcut


def test_a_large_network_is_computed_beside_the_page(deep):
    deep.open()
    told = deep.driver.execute_async_script("""
        const done = arguments[0];
        const { store } = convlabLab;
        const { state } = store;
        (async () => {
            const times = [];
            for (const by of [1, 2, 3, 0]) {
                const before = state.trace;
                const begin = performance.now();
                store.set({ shift: [0, by] });
                const held = performance.now() - begin;
                const same = state.trace === before;
                await store.settled();
                times.push([held, state.milliseconds, same, state.trace !== before,
                            (state.baseline === state.trace) === (by === 0)]);
            }
            done([times, Array.from(state.trace.probabilities)]);
        })();
    """)
    times, probabilities = told
    held, took, *truths = zip(*times, strict=True)
    assert all(map(all, truths))
    assert min(held) < min(took) / 3  # the page is not held up by the forward pass
    np.testing.assert_allclose(probabilities, deep.probabilities, atol=1e-4)


def test_weights_are_halved_only_where_the_answers_stay(tmp_path):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (8, 3, 32, 32)).astype(np.uint8)
    names = tuple("abcd")
    test = Dataset("pictures", "test", images, np.arange(8) % 4, names)
    for scale, bits in ((1.0, 16), (1e6, 32)):  # beyond 65,504 there is no float16
        random.manual_seed(2)
        network = models.build("dense", classes=4, input_shape=(3, 32, 32))
        parameters = list(network.parameters())
        parameters[0].data = parameters[0].data * np.float32(scale)
        scaling = Scaling((0.01,) * 3, (-1.0,) * 3)
        settings = Settings(data="pictures")
        run = Run("run", settings, network.eval(), names, (3, 32, 32), False, scaling, 1)
        before = {name: array.copy() for name, array in network.state_dict().items()}
        made = lab.describe(run, test)
        assert made.description["bits"] == bits
        page = lab.render(made)
        assert ("weights as float16" in page) == (bits == 16)
        for name, array in network.state_dict().items():
            np.testing.assert_array_equal(array, before[name])


# --- the playground -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def playground(browser, tmp_path_factory):
    path = tmp_path_factory.mktemp("play") / "play.html"
    path.write_text(lab.render(), encoding="utf-8")
    return Reader(browser, path.as_uri())


def test_the_playground_computes_what_the_engine_computes(playground):
    playground.open()
    rng = np.random.default_rng(4)
    done = 0
    while done < 60:
        operation = ["convolution", "transposed convolution", "maximum", "mean"][done % 4]
        asked = {
            "operation": operation,
            "size": int(rng.integers(3, 12)),
            "kernel": int(rng.integers(1, 6)),
            "stride": int(rng.integers(1, 4)),
            "padding": int(rng.integers(0, 3)),
            "dilation": 1 if operation == "mean" else int(rng.integers(1, 3)),
        }
        size, kernel, stride = asked["size"], asked["kernel"], asked["stride"]
        padding, dilation = asked["padding"], asked["dilation"]
        told = playground.js("return playground.sizeOf(arguments[0])", asked)
        x = rng.integers(0, 10, (1, 1, size, size)).astype(np.float32)
        w = rng.standard_normal((1, 1, kernel, kernel)).astype(np.float32)
        try:
            if operation == "convolution":
                expected = functional.conv2d(Tensor(x), Tensor(w), None, stride, padding, dilation)
            elif operation == "transposed convolution":
                expected = functional.conv_transpose2d(
                    Tensor(x), Tensor(w), None, stride, padding, dilation=dilation
                )
            elif operation == "maximum":
                expected = functional.max_pool2d(Tensor(x), kernel, stride, padding, dilation)
            else:
                expected = functional.avg_pool2d(Tensor(x), kernel, stride, padding)
        except Exception as error:
            assert "wrong" in told, (asked, error)
            done += 1
            continue
        wanted = expected.numpy()[0, 0]
        assert told["size"] == len(wanted), (asked, told)
        assert told["line"].endswith(f"= {len(wanted)}")
        got = playground.js(
            "return playground.compute(arguments[0], arguments[1], arguments[2])",
            asked,
            x.ravel().tolist(),
            w.ravel().tolist(),
        )
        np.testing.assert_allclose(np.reshape(got, wanted.shape), wanted, atol=1e-4)
        done += 1


def test_the_playground_is_set_by_hand_and_by_its_address(playground):
    playground.open("#playground&operation=convolution&size=7&kernel=2&stride=2&weights=ones")
    assert playground.find(".formula.large").text == (
        "rows and columns: \u230a(7 + 2\u00b71 \u2212 2) / 2\u230b + 1 = 4"
    )
    # The window is an outline: the numbers under it are seen.
    filling = "return getComputedStyle(document.querySelector('.numbers rect.near')).fill"
    assert playground.js(filling) == "none"
    weight = playground.find('[aria-label="Weight, row 0, column 1"]')
    weight.clear()
    weight.send_keys("-2.5")
    playground.settle()
    assert playground.js("return playground.settings.weights") == "own"
    cells = playground.driver.find_elements(By.CSS_SELECTOR, ".cells.kernel td")
    assert [cell.text for cell in cells] == ["1.00", "\u22122.50", "1.00", "1.00"]
    playground.js("""
        const slider = document.getElementById("play-kernel");
        slider.value = 7;
        slider.dispatchEvent(new Event("input"));
        const padding = document.getElementById("play-padding");
        padding.value = 0;
        padding.dispatchEvent(new Event("input"));
        const size = document.getElementById("play-size");
        size.value = 5;
        size.dispatchEvent(new Event("input"));
    """)
    assert playground.find("#playground .message").text == (
        "expected a kernel that fits into 5, got one that reaches over 7"
    )
    assert "kernel=7" in playground.driver.current_url


FIGURES = [
    {"input": 7, "stride": 2, "padding": 1},
    {"input": 6, "dilation": 2, "flip": True, "bias": -3.0},
    {"input": 4, "stride": 2, "transposed": True, "values": "floats", "seed": 3},
]


@pytest.mark.parametrize("settings", FIGURES, ids=lambda settings: ",".join(settings))
def test_the_page_of_a_figure_shows_its_numbers(browser, tmp_path, settings):
    made = pictures.arithmetic(**settings)
    made.save(tmp_path / "step.html")
    text = (tmp_path / "step.html").read_text(encoding="utf-8")
    assert text.count("<script") == 2 and "http:" not in text.replace("http://www.w3.org", "")
    reader = Reader(browser, (tmp_path / "step.html").as_uri())
    reader.open()
    rows, columns = made.result["output"].shape[1:]
    canvas = browser.find_elements(By.CSS_SELECTOR, ".maps-at-work canvas")[1]
    for row, column in np.ndindex(rows, columns):
        # Onto the middle of the cell; (0, 0) is the middle of the map.
        cell = canvas.rect["width"] / columns
        at = [
            round((place - (count - 1) / 2) * cell)
            for place, count in ((column, columns), (row, rows))
        ]
        ActionChains(browser).move_to_element_with_offset(canvas, *at).perform()
        heading = reader.find(".told h3").text
        place, told = heading.split(": ")
        assert place == f"Output at row {row}, column {column}"
        value = float(told.removeprefix("\u2248").replace("\u2212", "-"))
        assert value == pytest.approx(
            float(made.result["output"][0, row, column]), rel=5e-3, abs=1e-6
        )
    assert reader.js("return getComputedStyle(document.querySelector('rect.box')).fill") == "none"
    for name, (low, high) in lab.page.LIMITS.items():
        slider = reader.find(f"#play-{name}")
        assert (slider.get_attribute("min"), slider.get_attribute("max")) == (str(low), str(high))
    # A kernel of another size is made of the same numbers; Reset brings all back.
    reader.js(
        "const k = document.getElementById('play-kernel'); k.value = 2;"
        "k.dispatchEvent(new Event('input'));"
    )
    assert len(browser.find_elements(By.CSS_SELECTOR, ".own-kernel input")) == 4
    reader.click(".tools button:last-child")
    assert reader.js("return [playground.settings.kernel, playground.settings.weights]") == [
        3,
        "the figure's",
    ]


def test_a_figure_that_the_playground_has_not_is_refused_in_one_line():
    for settings, words in (
        ({"input": (5, 7)}, "the same size on all sides, got 5 \u00d7 7"),
        ({"padding": (1, 0, 0, 0)}, "the same padding on all sides, got 1, 0, 0, 0"),
        ({"channels": 2}, "one channel and one filter, got 2 and 1"),
        ({"input": 9, "kernel": 8}, "a kernel from 1 to 7, got 8"),
        ({"values": "none"}, "numbers, padding with zeros and no output padding"),
    ):
        with pytest.raises(SpecError, match=f"^.html: expected {words}"):
            pictures.arithmetic(**settings).content(".html")


# --- the page around ----------------------------------------------------------------------------


def test_the_tour_is_followed_with_the_keyboard(digits):
    digits.open()
    digits.find("#tour").send_keys(Keys.ENTER)
    digits.settle()
    seen = []
    for _ in range(8):
        seen.append((digits.find(".tour h2").text, digits.js("return [state.view, state.pinned]")))
        digits.keys(Keys.ARROW_RIGHT)
    assert len({name for name, _ in seen}) == 8
    assert [bool(view) for _, (view, _) in seen] == [False] * 3 + [True] * 3 + [False] * 2
    assert [pinned for _, (_, pinned) in seen] == [False] * 4 + [True] * 2 + [False] * 2
    assert not digits.find(".tour").is_displayed()
    assert digits.js("return document.activeElement.id") == "tour"


VIEWS = [
    ("digits", "", "projector", "light"),
    ("digits", "#layer=conv2&map=7&row=4&col=8", "projector", "dark"),
    ("digits", "#layer=fc1&map=3", "phone", "light"),
    ("digits", "#training", "projector", "light"),
    ("deep", "", "projector", "dark"),
    ("playground", "", "phone", "light"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("page", "fragment", "screen", "theme"), VIEWS)
def test_no_view_breaks_a_rule_of_accessibility(request, page, fragment, screen, theme):
    folder = Path(pytest.importorskip("axe_playwright_python").__file__).parent
    reader = request.getfixturevalue(page)
    reader.open(fragment, screen, theme)
    source = folder.joinpath("axe.min.js").read_text(encoding="utf-8")
    reader.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": source})
    broken = reader.driver.execute_async_script("""
        const done = arguments[0];
        axe.run().then(({ violations }) => done(violations.map(({ id, nodes }) =>
            [id, nodes.map(({ html }) => html)])));
    """)
    assert broken == []


def test_a_page_without_a_run_is_a_playground(convlab, lab_run):
    out = convlab.works("page", "--playground", "-o", "play.html")
    assert out.startswith("wrote play.html, ")
    text = (convlab.folder / "play.html").read_text(encoding="utf-8")
    assert "Convolution playground" in text and 'id="weights"' not in text
    for words in ([], [lab_run, "--playground"], ["--playground", "--serve"]):
        assert "expected a RUN, or --playground without --serve" in convlab.misused("page", *words)


def test_a_page_is_served_on_this_machine_alone_and_made_anew(tmp_path):
    made, now = [], ["1"]

    def make(stamp):
        made.append(stamp)
        return f"page {stamp}".encode()

    with lab.server(make, lambda: now[0]) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host, port = server.server_address[:2]
        assert host == "127.0.0.1"

        def get(path, **headers):
            asked = urllib.request.Request(f"http://{host}:{port}{path}", headers=headers)
            try:
                with urllib.request.urlopen(asked) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, ""

        assert get("/") == get("/") == (200, "page 1")
        assert get("/stamp") == (200, "1")
        now[0] = "2"
        assert get("/") == (200, "page 2")
        assert made == ["1", "2"]
        assert get("/other")[0] == 404
        assert get("/", Host="example.org")[0] == 403
        server.shutdown()


def test_a_served_page_asks_its_own_server_alone(browser, lab_run):
    from convlab import interface

    run = load(lab_run)
    stamps = ["1"]
    make = lambda stamp: interface.page(run, live=stamp).data  # noqa: E731
    with lab.server(make, lambda: stamps[0]) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host, port = server.server_address[:2]
        reader = Reader(browser, f"http://{host}:{port}/")
        reader.open()
        policy = reader.js("return document.querySelector('meta[http-equiv]').content")
        assert "connect-src 'self'" in policy
        stamps[0] = "2"
        newer = "return document.querySelector('meta[name=live]').content"
        reader.wait(lambda: reader.js(newer) == "2")
        reader.driver.get("about:blank")
        server.shutdown()


def test_shares_are_never_all_of_it_while_others_have_some(digits):
    digits.open()
    texts = digits.js("""
        const make = (shares) => {
            const { trace } = state;
            store.set({ trace: { ...trace, probabilities: Float32Array.from(shares),
                answer: shares.indexOf(Math.max(...shares)) } });
            const spans = document.querySelectorAll("#answer .chance");
            return [...spans].map(({ textContent }) => textContent);
        };
        const none = new Array(9).fill(0);
        return [make([1, ...none]), make([1, 1e-12, ...none.slice(1)])];
    """)
    assert texts[0][:2] == ["100.00 %", "0.00 %"]
    assert texts[1][:2] == ["> 99.99 %", "< 0.01 %"]


def test_a_fall_of_next_to_nothing_has_no_full_colour(digits):
    digits.open()
    told = digits.driver.execute_async_script("""
        const done = arguments[0];
        const { store, network } = convlabLab;
        // A network that is sure whatever is covered: its last layer has one large bias.
        const { values } = network.layers.at(-2);
        values.weight.fill(0);
        values.bias.fill(0);
        values.bias[4] = 12;
        values.weight[0] = 1e-3;
        store.set({ bytes: store.state.bytes.slice() });
        document.querySelector('[aria-label^="Cover the picture"]').click();
        const wait = () => {
            if (!store.state.occlusion) return setTimeout(wait, 20);
            const ends = document.querySelector(".occlusion .ends").innerText;
            const words = document.querySelector(".occlusion .legend [role=status]").textContent;
            const canvas = document.querySelector(".occlusion .over");
            const context = canvas.getContext("2d");
            const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
            return done([ends, words, Math.min(...data)]);
        };
        wait();
    """)
    ends, words, darkest = told
    assert "rises by 1" in ends and "drops by 1 points" in ends
    assert "no pixel changes it by a whole point" in words
    assert darkest > 240  # nearly the ground's white
