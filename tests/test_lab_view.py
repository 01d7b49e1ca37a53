"""The network on its page, in a real browser: what a unit sees, its sum, keys, and the layers."""

import base64
import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest

pytest.importorskip("selenium", reason="the page is tested with Selenium")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from convlab import Tensor, data, lab, models, no_grad, numerals, random
from convlab.data import Dataset, Scaling
from convlab.insight import commuting, explain, unit_field
from convlab.lab import page as lab_page_module
from convlab.training import Run, Settings
from convlab.viz import style

COLOURS = """
input = "30x26x3"

[[layer]]
type = "Conv2d"
name = "conv1"
out_channels = 12
kernel_size = 3
stride = 2
padding = 1

[[layer]]
type = "ReLU"

[[layer]]
type = "Conv2d"
name = "conv2"
out_channels = 8
kernel_size = 3
padding = 1
groups = 2

[[layer]]
type = "Sigmoid"

[[layer]]
type = "AdaptiveAvgPool2d"
name = "means"
output_size = [5, 4]

[[layer]]
type = "Flatten"

[[layer]]
type = "Linear"
name = "fc"
out_features = "classes"
"""
SHARES = """
input = "28x28x1"

[[layer]]
type = "Conv2d"
name = "conv1"
out_channels = 12
kernel_size = [9, 3]
stride = 3
dilation = 2

[[layer]]
type = "Softmax"
name = "shares"
dim = 1

[[layer]]
type = "Flatten"

[[layer]]
type = "Linear"
name = "fc"
out_features = "classes"
"""
RESIDUAL = """
input = "28x28x1"
layer = [
    {type="Conv2d", name="conv1", out_channels=6, kernel_size=3, padding=1},
    {type="ReLU", name="relu1"},
    {type="MaxPool2d", name="pool1", kernel_size=2},
    {type="Conv2d", name="conv2", out_channels=6, kernel_size=3, padding=1},
    {type="ReLU", name="relu2"},
    {type="Conv2d", name="conv3", out_channels=6, kernel_size=3, padding=1},
    {type="Add", name="add", inputs=["pool1", "conv3"]},
    {type="ReLU", name="relu3"},
    {type="MaxPool2d", name="pool2", kernel_size=2},
    {type="Flatten", name="flat"},
    {type="Linear", name="fc", out_features="classes"},
]
"""
# One layer with three readers, lines over lines, and strides that differ where branches meet.
BRANCHES = """
input = "28x28x1"
layer = [
    {type="Conv2d", name="conv1", out_channels=4, kernel_size=5, padding=2},
    {type="ReLU", name="relu1"},
    {type="MaxPool2d", name="pool1", kernel_size=2},
    {type="Conv2d", name="one", out_channels=3, kernel_size=1},
    {type="ReLU", name="relu_one"},
    {type="Conv2d", name="three", inputs=["pool1"], out_channels=5, kernel_size=3, padding=1},
    {type="ReLU", name="relu_three"},
    {type="MaxPool2d", name="same", inputs=["pool1"], kernel_size=3, stride=1, padding=1},
    {type="Concat", name="mixed", inputs=["relu_one", "relu_three", "same"]},
    {type="Conv2d", name="large", inputs=["input"], out_channels=12, kernel_size=15},
    {type="Add", name="uneven", inputs=["mixed", "large"]},
    {type="MaxPool2d", name="pool2", kernel_size=2},
    {type="Flatten", name="flat"},
    {type="Linear", name="fc", out_features="classes"},
]
"""
SCREENS = {
    "projector": (1600, 900),
    "laptop": (1280, 720),
    "old": (1024, 768),
    "tablet": (768, 1024),
    "phone": (360, 800),
}


class Viewer:
    """Somebody before the page of a network with random weights, and what the engine says."""

    def __init__(self, spec, test, folder, driver, dark=True):
        self.driver, self.test = driver, test
        random.manual_seed(1)
        network = models.build(spec, classes=len(test.classes))
        rng = np.random.default_rng(1)
        for parameter in network.parameters():
            noise = rng.standard_normal(parameter.shape).astype(np.float32)
            parameter.data = parameter.data + 0.2 * noise * (parameter.data.ndim == 1)
        channels = test.images.shape[1]
        scaling = (
            Scaling.between(*network.pixels, channels=channels)
            if network.pixels
            else Scaling((0.0155, 0.0158, 0.0161)[:channels], (-1.97, -1.85, -1.64)[:channels])
        )
        run = Run(
            Path("run"),
            Settings(data="pictures"),
            network.eval(),
            tuple(test.classes),
            test.images.shape[1:],
            dark,
            scaling,
            1,
        )
        self.network = run.network
        laboratory = lab.describe(run, test)
        path = folder / f"{network.name}.html"
        path.write_text(lab.render(laboratory), encoding="utf-8")
        self.url = path.as_uri()
        name = laboratory.description["samples"][0]["name"]
        x = run.network_input(test.images[int(name.removeprefix("test:"))])
        with no_grad():
            steps = list(self.network.steps(Tensor(x[np.newaxis])))
            self.names = [name for name, _, _ in steps]
            self.outputs = [value.numpy()[0] for _, _, value in steps]
            self.outputs.append(self.network.probabilities(self.outputs[-1][np.newaxis])[0])

    def open(self, screen="projector", theme="light", motion="no-preference"):
        width, height = SCREENS[screen]
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [("prefers-color-scheme", theme), ("prefers-reduced-motion", motion)]
        asked = [{"name": name, "value": value} for name, value in features]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": asked})
        self.driver.get(self.url)
        self.settle()

    def js(self, script, *arguments):
        prelude = """
            const { store, network } = convlabLab;
            const { state } = store;
            const texts = (selector) => [...document.querySelectorAll(selector)]
                .filter((element) => element.checkVisibility()
                    && [...element.childNodes].some((node) => node.nodeType === 3
                        && node.data.trim()));
            const read = (canvas) => {
                const copy = new OffscreenCanvas(canvas.width, canvas.height);
                const context = copy.getContext("2d", { willReadFrequently: true });
                context.drawImage(canvas, 0, 0);
                return context.getImageData(0, 0, canvas.width, canvas.height).data;
            };
        """
        return self.driver.execute_script(prelude + script, *arguments)

    def settle(self):
        """Wait until the page has drawn what it was told."""
        self.driver.settle()

    def wait(self, condition):
        return WebDriverWait(self.driver, 5, 0.02).until(lambda _: condition())

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector):
        return [element.text for element in self.all(selector)]

    def keys(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()
        self.settle()

    def canvas(self, layer, unit):
        """The selector of the picture in which a unit stands."""
        maps = f'[data-map="{unit[0]}"]' if len(unit) == 3 else ""
        return f'#network canvas[data-layer="{layer}"]{maps}'

    def point(self, layer, unit, click=False):
        """Move the mouse onto a unit of a map, or of a vector of one column."""
        row, column = unit[1:] if len(unit) == 3 else (unit[0], 0)
        x, y = self.js(
            """
            const canvas = document.querySelector(arguments[0]);
            const box = canvas.getBoundingClientRect();
            return [box.left + (arguments[2] + 0.5) * box.width / canvas.width,
                    box.top + (arguments[1] + 0.5) * box.height / canvas.height];
            """,
            self.canvas(layer, unit),
            row,
            column,
        )
        builder = ActionBuilder(self.driver)
        builder.pointer_action.move_to_location(round(x), round(y))
        if click:
            builder.pointer_action.click()
        builder.perform()
        self.settle()

    def show(self, layer, unit):
        self.js("store.set({ unit: { layer: arguments[0], unit: arguments[1] } })", layer, unit)
        self.settle()

    def value(self):
        """(layer, unit, value in full, value in words) of the sum that is shown."""
        return self.js("""
            const sums = document.getElementById("sums");
            const value = sums.querySelector(".value");
            return [Number(sums.dataset.layer), sums.dataset.unit.split(",").map(Number),
                    Number(value.dataset.value), value.querySelector("b").textContent];
        """)

    def boxes(self, layer):
        """{map: [top, left, bottom, right]} of the boxes that are drawn on a layer."""
        drawn = self.js(
            """
            const boxes = `.overlay [data-box][data-layer="${arguments[0]}"]`;
            return Array.from(document.querySelectorAll(boxes), ({ dataset }) =>
                [dataset.map ?? dataset.unit ?? "all", dataset.box.split(",").map(Number)]);
            """,
            layer,
        )
        return {int(name) if name.isdigit() else name: box for name, box in drawn}

    def pixels(self, layer, map_number):
        """The colours of a map, (rows, columns, 4)."""
        return np.array(
            self.js(
                """
                const canvas = document.querySelector(arguments[0]);
                const { width, height } = canvas;
                const data = read(canvas);
                return Array.from({ length: height }, (_, row) =>
                    Array.from({ length: width }, (_, column) => {
                        const at = 4 * (row * width + column);
                        return Array.from(data.slice(at, at + 4));
                    }));
                """,
                self.canvas(layer, [map_number, 0, 0]),
            )
        )


def number_in(text):
    """What a number in the page says, rounded or not: \u2248\u22124.73 \u00d7 10\u207b\u2074."""
    mantissa, _, power = text.removeprefix("\u2248").replace("\u2212", "-").partition(" \u00d7 10")
    plain = power.translate(
        str.maketrans(
            "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079", "-0123456789"
        )
    )
    return float(mantissa) * 10.0 ** int(plain or 0)


@pytest.fixture(scope="module")
def viewers(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    _, digits = data.load("digits")
    pictures = np.random.default_rng(7).uniform(0, 255, (12, 3, 30, 26)).astype(np.uint8)
    coloured = Dataset("pictures", "test", pictures, np.arange(12) % 3, ("ant", "bee", "cat"))
    spec = models.Spec(COLOURS, "coloured", "coloured.toml")
    return {
        "lenet5": Viewer("lenet5", digits, folder, browser),
        "lenet5-1998": Viewer("lenet5-1998", digits, folder, browser),
        "coloured": Viewer(spec, coloured, folder, browser, dark=False),
        "shares": Viewer(models.Spec(SHARES, "shares", "shares.toml"), digits, folder, browser),
        "residual": Viewer(
            models.Spec(RESIDUAL, "residual", "residual.toml"), digits, folder, browser
        ),
        "branches": Viewer(
            models.Spec(BRANCHES, "branches", "branches.toml"), digits, folder, browser
        ),
    }


@pytest.fixture
def silent(browser):
    """Nobody may leave a message in the console."""
    browser.get_log("browser")
    yield
    assert browser.get_log("browser") == []
    browser.execute_script("localStorage.clear()")


@pytest.fixture
def viewer(viewers, silent):
    """LeNet-5 on a projector."""
    viewers["lenet5"].open()
    return viewers["lenet5"]


# --- colours --------------------------------------------------------------------------------


def test_the_page_has_the_colours_of_the_figures():
    text = (lab_page_module.TEMPLATE / "style.css").read_text(encoding="utf-8")
    pairs = re.findall(r"--([a-z-]+): light-dark\((#\w{6}), (#\w{6})\);", text)
    assert len(pairs) == len(re.findall(r"#[0-9A-F]{6}\b", text)) / 2 == 14
    for name, *colours in pairs:
        for theme, colour in zip(("light", "dark"), colours, strict=True):
            role = getattr(style.THEMES[theme], name.replace("-", "_"))
            # Of the four colours of signed numbers, those half way to the ends.
            assert colour == (role[0] if isinstance(role, tuple) else role)


def test_the_maps_have_the_colours_of_the_figures(viewer):
    conv1, relu1 = viewer.outputs[:2]
    signed = style.signed_scale(conv1, style.THEMES["light"]).rgb(conv1[2])
    drawn = viewer.pixels(0, 2)
    assert (drawn[..., 3] == 255).all()
    assert np.abs(drawn[..., :3].astype(int) - signed).max() <= 4
    bright = matplotlib.colormaps["cividis"](relu1[3] / relu1.max(), bytes=True)
    # Between every fifth of its entries, which the page keeps, the scale is up to 6 levels off.
    assert np.abs(viewer.pixels(1, 3).astype(int) - bright).max() <= 6
    # Exactly zero is the ground, in both themes.
    viewer.js("store.set({ off: new Set(['0:2']) })")
    viewer.settle()
    assert (viewer.pixels(0, 2) == (255, 255, 255, 255)).all()
    viewer.find("#theme").click()
    viewer.settle()
    assert (viewer.pixels(0, 2) == (0x12, 0x17, 0x1D, 255)).all()
    assert "off" in viewer.find(viewer.canvas(0, [2, 0, 0])).get_attribute("class")


def test_the_bar_of_the_pixels_has_every_grey(viewer):
    bar = np.array(
        viewer.js("""
        const map = document.querySelector('#network canvas[data-layer="-1"]');
        return Array.from(read(map.closest(".column").querySelector(".bar")));
    """)
    ).reshape(-1, 4)
    assert (bar[:, :3] == bar[:, :1]).all()
    assert sorted(set(bar[:, 0])) == list(range(256))
    assert (np.diff(bar[:, 0]) >= 0).all()


# --- a unit: what it sees, and its sum --------------------------------------------------------


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("layer", "unit", "boxes"),
    [
        # Of the layers before, by hand from kernels, strides and padding: {layer: (maps, box)}.
        (0, [4, 0, 27], {-1: (1, [-2, 25, 3, 30])}),
        (2, [5, 13, 0], {1: (1, [26, 0, 28, 2]), -1: (1, [24, -2, 30, 4])}),
        (
            3,
            [11, 4, 5],
            {2: (6, [4, 5, 9, 10]), 1: (6, [8, 10, 18, 20]), -1: (1, [6, 8, 20, 22])},
        ),
        (5, [0, 2, 4], {4: (1, [4, 8, 6, 10]), 2: (6, [4, 8, 10, 14]), -1: (1, [6, 14, 22, 30])}),
    ],
)
def test_pointing_at_a_unit_shows_its_boxes_and_its_value(viewer, layer, unit, boxes):
    viewer.point(layer, unit)
    shown_layer, shown_unit, value, text = viewer.value()
    assert (shown_layer, shown_unit) == (layer, unit)
    expected = viewer.outputs[layer][tuple(unit)]
    scale = float(np.abs(viewer.outputs[layer]).max())
    assert value == pytest.approx(expected, abs=1e-5 * scale)
    assert text == numerals.measured(value)
    for earlier, (count, box) in boxes.items():
        drawn = viewer.boxes(earlier)
        assert len(drawn) == count
        assert all(one == box for one in drawn.values())
    field = unit_field(viewer.network, viewer.names[layer], tuple(unit[1:]))
    assert viewer.boxes(-1) == {0: list(field.box)}
    assert viewer.boxes(layer) == {}
    # The picture beside the pad shows as much of it as lies within.
    top, left, bottom, right = field.box
    seen = viewer.js("""
        const { x, y, width, height } = document.querySelector(".seen .box").getBBox();
        return [y, x, y + height, x + width];
    """)
    assert seen == [max(top, 0), max(left, 0), min(bottom, 28), min(right, 28)]
    # Where the field leaves the image, its padding is drawn too.
    leaves = min(field.box[:2]) < 0 or max(field.box[2:]) > 28
    assert bool(viewer.all(".overlay .padding")) == leaves


def test_the_sum_of_a_convolution_is_written_out(viewer):
    viewer.point(3, [11, 4, 5])
    weight = viewer.network.state_dict()["conv2.weight"][11].astype(float)
    patch = viewer.outputs[2][:, 4:9, 5:10].astype(float)
    sums = (weight * patch).sum((1, 2))
    strongest = int(np.abs(sums).argmax())
    for number in (strongest, (strongest + 1) % 6):
        if number != strongest:
            viewer.find("[data-opens]").click()
            viewer.find(f'[data-shows="{number}"]').click()
        tables = {
            role: np.array([number_in(text) for text in viewer.texts(f"#sums table.{role} td")])
            for role in ("patch", "kernel", "products")
        }
        expected = {"patch": patch, "kernel": weight, "products": patch * weight}
        for role, cells in tables.items():
            written = expected[role][number].ravel()
            assert np.abs(cells - written).max() <= 0.0051 * np.abs(written).max()
        assert viewer.texts("#sums .chosen .quiet") == [f"map {number}"]
    terms = viewer.js("""
        return Array.from(document.querySelectorAll("[data-shows]"),
            (term) => [Number(term.dataset.shows), term.querySelector("b").textContent]);
    """)
    assert [number for number, _ in terms] == np.argsort(-np.abs(sums)).tolist()
    for place, (number, text) in enumerate(terms):
        shown = sums[number] if place == 0 else abs(sums[number])
        assert number_in(text) == pytest.approx(shown, rel=5.1e-3)
    bias = viewer.network.state_dict()["conv2.bias"][11]
    assert number_in(viewer.find("#sums .bias b").text) == pytest.approx(abs(bias), rel=5.1e-3)


def test_connections_come_from_the_maps_that_are_read_alone(viewers, silent):
    for name, layer, unit, reads in [
        ("lenet5", 3, [2, 3, 3], 6),
        ("lenet5", 2, [2, 3, 3], 1),
        ("coloured", 2, [5, 3, 3], 6),  # of the second group of 12 maps
        ("lenet5-1998", 4, [0, 3, 3], 3),
        ("lenet5-1998", 4, [15, 3, 3], 6),
    ]:
        viewers[name].open()
        viewers[name].show(layer, unit)
        assert len(viewers[name].all(".overlay .connection")) == reads
    viewers["coloured"].open()
    viewers["coloured"].show(2, [5, 3, 3])
    assert set(viewers["coloured"].boxes(1)) == {6, 7, 8, 9, 10, 11}
    # The maps that these read, and all three channels of the picture.
    assert set(viewers["coloured"].boxes(-1)) == {0, 1, 2}


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    ("name", "layer", "unit"),
    [
        ("lenet5", 1, [3, 20, 9]),
        ("lenet5", 7, [100]),
        ("lenet5", 11, [7]),
        ("lenet5", 12, [4]),
        ("lenet5-1998", 2, [1, 5, 6]),
        ("lenet5-1998", 8, [99, 0, 0]),
        ("lenet5-1998", 13, [3]),
        ("lenet5-1998", 14, [3]),
        ("coloured", 2, [3, 0, 12]),
        ("coloured", 4, [3, 4, 3]),
    ],
)
def test_every_kind_of_unit_tells_the_engines_value(viewers, silent, name, layer, unit):
    viewer = viewers[name]
    viewer.open()
    viewer.show(layer, unit)
    shown_layer, shown_unit, value, text = viewer.value()
    assert (shown_layer, shown_unit) == (layer, unit)
    scale = float(np.abs(viewer.outputs[layer]).max())
    assert value == pytest.approx(viewer.outputs[layer][tuple(unit)], abs=1e-5 * scale)
    assert text == numerals.measured(value)


def test_the_winner_of_a_pooling_is_marked(viewer):
    viewer.show(2, [1, 6, 6])
    window = viewer.outputs[1][1, 12:14, 12:14].ravel()
    cells = viewer.all("#sums table.patch td")
    marked = ["winner" in (cell.get_attribute("class") or "") for cell in cells]
    assert marked == (np.arange(4) == window.argmax()).tolist()


def test_the_strongest_inputs_of_a_dense_unit_come_first_and_the_rest_is_summed(viewer):
    viewer.show(7, [17])
    inputs = viewer.outputs[6].astype(float)
    products = inputs * viewer.network.state_dict()["fc1.weight"][17]
    order = np.argsort(-np.abs(products), kind="stable")
    rows = viewer.all("#sums tr[data-input]")
    listed = [int(row.get_attribute("data-input")) for row in rows]
    assert listed == order[: len(rows)].tolist()
    number, row, column = np.unravel_index(order[0], (16, 5, 5))
    assert rows[0].text.startswith(f"pool2, map {number}, row {row}, column {column}")
    rest = products[order[len(rows) :]].sum()
    assert number_in(viewer.texts("#sums .rest .strong")[0]) == pytest.approx(rest, rel=5.1e-3)
    widths = [
        float(bar.get_attribute("style").split("width:")[1].split("%")[0])
        for bar in viewer.all("#sums tr[data-input] .signed span")
    ]
    listed_products = np.abs(products[order[: len(rows)]])
    assert widths == pytest.approx(50 * listed_products / listed_products[0], abs=0.01)
    viewer.find("[data-opens]").click()
    assert len(viewer.all("#sums tr[data-input]")) == 400
    assert viewer.boxes(6).keys() == viewer.boxes(0).keys() == {"all"}


def test_a_softmax_shows_the_share_of_each_class(viewer):
    viewer.show(12, [4])
    logits = viewer.outputs[11].astype(float)
    shares = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    shown = [number_in(text) for text in viewer.texts("#sums tr[data-class] .strong")]
    assert shown == pytest.approx(shares, rel=5.1e-3)


def test_a_softmax_of_maps_shares_out_to_maps(viewers, silent):
    viewer = viewers["shares"]
    viewer.open()
    viewer.show(1, [11, 2, 3])
    assert viewer.texts("#sums thead th")[0] == "map"
    # The ten largest and this one are listed, or it is one of the ten.
    values = viewer.outputs[0][:, 2, 3]
    strongest = set(np.argsort(-values)[:10])
    expected = strongest if 11 in strongest else {*np.argsort(-values)[:9], 11}
    *maps, rest = viewer.texts("#sums tbody th")
    assert {int(text) for text in maps} == expected
    assert rest == "2 other maps take part in the sum"
    assert viewer.texts("#sums .value") == [f"map 11\n{numerals.measured(viewer.value()[2])}"]


def test_the_words_above_a_sum_tell_of_dilation(viewers, silent):
    viewer = viewers["shares"]
    viewer.open()
    viewer.show(0, [2, 1, 4])
    (words,) = viewer.texts("#sums > .quiet")
    assert words == (
        "9 \u00d7 3 kernel over one map of the input: rows 3 to 19, columns 12 to 16, 2 apart"
    )
    # Too large for numbers: its cells are squares.
    sizes = [canvas.size for canvas in viewer.all("#sums .shades canvas")]
    assert len(sizes) == 3
    assert all(size["height"] == pytest.approx(3 * size["width"], abs=1) for size in sizes)


@pytest.mark.slow
def test_without_a_picture_the_maps_are_empty(viewer):
    viewer.js("store.set({ bytes: null })")
    viewer.settle()
    assert (viewer.pixels(0, 2)[..., 3] == 0).all()
    assert viewer.all(".overlay *") == viewer.all("#sums .value") == []
    assert "Draw or choose a picture" in viewer.find("#sums").text
    viewer.js("store.set({ bytes: state.description.samples[0].bytes })")
    viewer.settle()
    assert (viewer.pixels(0, 2)[..., 3] == 255).all()
    assert viewer.value()[0] == 3


# --- pinning, keys, playing -------------------------------------------------------------------


def test_a_click_pins_and_a_second_one_releases(viewer):
    viewer.point(3, [2, 4, 4], click=True)
    viewer.point(5, [2, 1, 1])
    assert viewer.value()[:2] == [3, [2, 4, 4]]
    viewer.point(3, [2, 4, 4], click=True)
    viewer.point(5, [2, 1, 1])
    assert viewer.value()[:2] == [5, [2, 1, 1]]


@pytest.mark.slow
def test_the_network_is_read_with_the_keyboard_alone(viewer):
    viewer.js("document.querySelector('[data-heading=\"2\"]').focus()")
    viewer.keys(Keys.TAB)
    focused = "return [document.activeElement.dataset.layer, document.activeElement.dataset.map]"
    assert viewer.js(focused) == ["2", "0"]
    assert viewer.value()[:2] == [2, [0, 7, 7]]
    viewer.keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_UP, "]", Keys.PAGE_DOWN)
    assert viewer.value()[:2] == [2, [2, 6, 9]]
    assert viewer.js(focused) == ["2", "2"]
    viewer.keys("[", Keys.END, Keys.ARROW_RIGHT)  # the last leads nowhere
    assert viewer.value()[:2] == [2, [1, 6, 13]]
    said = numerals.number(float(viewer.outputs[2][1, 6, 13]))
    viewer.wait(
        lambda: (
            viewer.find("#spoken").get_property("textContent")
            == f"pool1, map 1, row 6, column 13: {said}"
        )
    )
    viewer.keys(Keys.ENTER)
    assert viewer.js("return state.pinned")
    # A pinned unit stays when the focus goes on, and moves with the arrows.
    viewer.keys(Keys.ARROW_DOWN)
    assert viewer.value()[:2] == [2, [1, 7, 13]]
    viewer.keys(Keys.TAB, Keys.TAB)
    assert viewer.js(focused)[0] == "3"
    assert viewer.value()[:2] == [2, [1, 7, 13]]
    viewer.keys(Keys.ESCAPE)
    assert not viewer.js("return state.pinned")
    viewer.keys(Keys.ESCAPE)
    assert viewer.js("return state.unit") is None
    assert viewer.all(".overlay *") == []
    # One stop for each layer's maps: the one that was left.
    back = ActionChains(viewer.driver).key_down(Keys.SHIFT).send_keys(Keys.TAB, Keys.TAB)
    back.key_up(Keys.SHIFT).perform()
    assert viewer.js(focused) == ["2", "1"]


@pytest.mark.slow
def test_playing_fills_the_map_cell_by_cell(viewer):
    viewer.show(3, [6, 5, 5])
    viewer.js("document.getElementById('speed').value = 7")
    viewer.find(".play").click()
    assert viewer.js("return state.playing")
    viewer.wait(lambda: viewer.value()[1][1] >= 2)
    viewer.find(".play").click()  # pause: then all is shown
    viewer.settle()
    assert not viewer.js("return state.playing")
    paused = viewer.value()[1]
    assert paused[0] == 6
    assert (viewer.pixels(3, 6)[..., 3] == 255).all()
    viewer.js("document.getElementById('speed').value = 0")
    viewer.find(".play").click()
    viewer.settle()
    filled = viewer.pixels(3, 6)[..., 3].ravel() == 255
    index = paused[1] * 10 + paused[2]
    assert filled.tolist() == (np.arange(100) <= index).tolist()
    assert (viewer.pixels(3, 7)[..., 3] == 255).all()
    viewer.keys(Keys.ESCAPE)
    assert not viewer.js("return state.playing")
    viewer.find("[aria-label='One unit on']").click()
    viewer.settle()
    assert viewer.value()[1] == [6, (index + 1) // 10, (index + 1) % 10]


@pytest.mark.slow
def test_playing_ends_at_the_last_cell(viewers, silent):
    viewer = viewers["coloured"]
    viewer.open()
    viewer.show(4, [2, 0, 0])
    viewer.js("document.getElementById('speed').value = 7")
    viewer.find(".play").click()
    viewer.wait(lambda: not viewer.js("return state.playing"))
    viewer.settle()
    assert viewer.value()[1] == [2, 4, 3]
    assert (viewer.pixels(4, 2)[..., 3] == 255).all()


@pytest.mark.slow
def test_who_wants_no_motion_steps(viewers, silent):
    viewer = viewers["lenet5"]
    viewer.open(motion="reduce")
    viewer.show(3, [6, 0, 9])
    assert not viewer.find(".play").is_displayed()
    viewer.find("[aria-label='One unit on']").click()
    viewer.settle()
    assert viewer.value()[1] == [6, 1, 0]
    viewer.find("[aria-label='One unit back']").click()
    viewer.settle()
    assert viewer.value()[1] == [6, 0, 9]


def test_steps_lead_along_maps_of_one_cell(viewers, silent):
    viewer = viewers["lenet5-1998"]
    viewer.open()
    viewer.show(8, [118, 0, 0])
    for unit in ([119, 0, 0], [119, 0, 0]):  # the last leads nowhere
        viewer.find("[aria-label='One unit on']").click()
        viewer.settle()
        assert viewer.value()[:2] == [8, unit]


# --- the panel of a layer ---------------------------------------------------------------------


def test_the_panel_of_a_layer_says_what_the_summary_says(viewer):
    for layer, row in enumerate(models.summarise(viewer.network)):
        viewer.find(f'[data-heading="{layer}"]').click()
        facts = viewer.js("""
            return Object.fromEntries(Array.from(document.querySelectorAll("#layer [data-fact]"),
                (fact) => [fact.dataset.fact, fact.querySelector("dd").textContent]));
        """)
        assert viewer.find("#layer h2").text == row.name == viewer.names[layer]
        assert facts["parameters"] == f"{row.parameters:,}"
        assert facts["multiply-adds"] == f"{row.multiply_adds:,}"
        if row.connections:
            assert facts["connections"] == f"{row.connections:,}"
        if row.receptive_field:
            rows, columns = row.receptive_field
            assert facts["receptive-field"] == f"{rows.size} \u00d7 {columns.size}"
            assert facts["stride"] == str(rows.stride)
        counts = viewer.js("""
            return Array.from(document.querySelectorAll("#layer .histogram rect"),
                (bar) => Number(bar.dataset.count));
        """)
        assert counts == np.histogram(viewer.outputs[layer].astype(float), len(counts))[0].tolist()
    assert not viewer.find("#sums").is_displayed()
    viewer.keys(Keys.ESCAPE)
    assert viewer.find("#sums").is_displayed()
    last = str(len(viewer.names) - 1)
    assert viewer.js("return document.activeElement.dataset.heading") == last


def test_a_layers_filters_are_its_weights(viewer):
    viewer.find('[data-heading="3"]').click()
    weight = viewer.network.state_dict()["conv2.weight"]
    pictures = viewer.js("""
        return Array.from(document.querySelectorAll("#layer .kernel-picture"), (canvas) =>
            Array.from(read(canvas)));
    """)
    assert len(pictures) == 16 * 6
    scale = style.signed_scale(weight, style.THEMES["light"])
    drawn = np.array(pictures).reshape(16, 6, 5, 5, 4)[..., :3]
    assert np.abs(drawn - scale.rgb(weight)).max() <= 4
    ends = viewer.texts("#layer .filters .range")
    assert [number_in(text) for text in ends] == pytest.approx(
        [-np.abs(weight).max(), np.abs(weight).max()], rel=5.1e-3
    )


def test_the_filters_of_a_table_are_as_deep_as_it_says(viewers, silent):
    viewer = viewers["lenet5-1998"]
    viewer.open()
    viewer.find('[data-heading="4"]').click()
    # Of LeCun et al. 1998, table I: a map of C3 reads 3, 4 or all 6 of S2.
    assert viewer.texts("#layer .filters h3") == ["16 filters of 5 \u00d7 5 \u00d7 3 to 6"]


def test_a_filter_is_switched_off_and_on(viewer):
    before = viewer.js("return Array.from(state.trace.probabilities)")
    viewer.find('[data-heading="0"]').click()
    switch = viewer.find('[data-switch="0:2"]')
    assert switch.is_selected()
    switch.click()
    viewer.settle()
    assert viewer.js("return [...state.off]") == ["0:2"]
    assert viewer.js("return Array.from(state.trace.probabilities)") != before
    viewer.keys(Keys.ESCAPE)
    viewer.point(0, [2, 9, 9], click=True)
    value = viewer.find("#sums .value")
    assert float(value.get_attribute("data-value")) == 0
    expected = viewer.outputs[0][2, 9, 9]
    assert float(value.get_attribute("data-total")) == pytest.approx(expected, rel=1e-5)
    assert viewer.texts("#sums .term.off") == ["switched off\n0"]
    viewer.find('[data-heading="0"]').click()
    viewer.find('[data-switch="0:2"]').click()
    assert viewer.js("return Array.from(state.trace.probabilities)") == before


# --- branches ---------------------------------------------------------------------------------


def reads_of(network):
    """{(layer, what it reads)} by their numbers, -1 for the input."""
    numbers = {name: number for number, name in enumerate(["input", *network.sources()], -1)}
    pairs = {
        (numbers[name], numbers[source])
        for name, sources in network.sources().items()
        for source in sources
    }
    return pairs | {(len(numbers) - 1, len(numbers) - 2)}  # the probabilities


RAIL = """
    const box = (element) => {
        const { left, top, right, bottom } = element.getBoundingClientRect();
        return [left, top, right, bottom];
    };
    const { left, top } = document.querySelector(".rail").getBoundingClientRect();
    return {
        lines: Array.from(document.querySelectorAll(".rail .line"), (line) => {
            const length = line.getTotalLength();
            const points = Array.from({ length: 200 }, (_, k) => {
                const { x, y } = line.getPointAtLength((length * k) / 199);
                return [left + x, top + y];
            });
            return [Number(line.dataset.to), Number(line.dataset.from), points];
        }),
        knots: Array.from(document.querySelectorAll(".rail .knot"), box),
        headings: Array.from(document.querySelectorAll("#network .heading"), box),
        viewport: box(document.querySelector("#network .viewport")),
    };
"""


@pytest.mark.sample(2)
@pytest.mark.parametrize("screen", ["projector", "phone"])
@pytest.mark.parametrize("name", ["residual", "branches"])
def test_a_line_leads_from_every_layer_to_its_readers(viewers, silent, name, screen):
    viewer = viewers[name]
    viewer.open(screen)
    drawn = viewer.js(RAIL)
    pairs = [(to, source) for to, source, _ in drawn["lines"]]
    assert sorted(pairs) == sorted(reads_of(viewer.network))
    knots, headings = np.array(drawn["knots"]), np.array(drawn["headings"])
    assert len(knots) == len(headings) == len(viewer.names) + 2
    along, across = (1, 0) if screen == "phone" else (0, 1)
    # Each knot stands beside its layer's name, and apart from it.
    assert (knots[:, 2 + across] <= headings[:, across]).all()
    assert (knots[:, along] >= headings[:, along] - 1).all()
    assert (knots[:, 2 + along] <= headings[:, 2 + along] + 1).all()
    runs = {}
    for to, source, points in drawn["lines"]:
        points = np.array(points)
        start, end = knots[source + 1], knots[to + 1]
        # An arrow's length from its reader's knot; where several ways part, on the longest.
        assert np.abs(np.clip(points[-1], end[:2], end[2:]) - points[-1]).max() <= 6.5
        first = max(reader for reader, read in pairs if read == source) == to or to == source + 1
        if first:
            assert np.abs(np.clip(points[0], start[:2], start[2:]) - points[0]).max() <= 0.5
        if to > source + 1:
            # At its farthest it runs along the layers, outside their knots.
            lane = points[:, across].min()
            assert lane < knots[:, across].min() - 2
            assert lane >= drawn["viewport"][across]
            flat = points[np.abs(points[:, across] - lane) < 0.5, along]
            low, high = runs.get((source, lane), (np.inf, -np.inf))
            runs[source, lane] = min(low, flat.min()), max(high, flat.max())
        else:
            assert np.ptp(points[:, across]) < 0.01
    # All ways of one layer share a lane, and no two layers' run over each other.
    assert len({source for source, _ in runs}) == len(runs)
    for (source, lane), (low, high) in runs.items():
        for (other, beside), (other_low, other_high) in runs.items():
            if source != other and abs(lane - beside) < 5:
                assert high < other_low or other_high < low


@pytest.mark.slow
def test_lines_above_take_no_room_from_the_maps(viewers, silent):
    viewer = viewers["branches"]
    viewer.open("laptop")
    heights = viewer.js("""
        const edges = (selector) => {
            const found = document.querySelectorAll(selector);
            return found[found.length - 1].getBoundingClientRect();
        };
        return [edges("#network .labels li").bottom, edges("#network .scale").top,
                edges("#sums .sum-line").bottom];
    """)
    last, scale, sums = heights
    assert last <= scale
    assert sums <= 720


def test_layers_in_a_row_have_no_lines_above_them(viewer):
    assert viewer.all(".rail") == []
    assert viewer.all("#network .reads") == []


def test_layers_stand_in_the_order_of_the_file_and_say_what_they_read(viewers, silent):
    viewer = viewers["branches"]
    viewer.open("phone")
    names = [text.replace("\u00ad", "") for text in viewer.texts("#network .name")]
    assert names == ["input", *viewer.names, "probabilities"]
    assert viewer.texts("#network .reads") == [
        "reads pool1",
        "reads pool1",
        "reads relu_one, relu_three, same",
        "reads input",
        "reads mixed, large",
    ]
    said = viewer.js("""
        const body = document.querySelector('[data-layer="8"]').closest(".maps");
        return body.getAttribute("aria-label");
    """)
    assert said == "mixed, 12 maps of 14 \u00d7 14, reads relu_one, relu_three, same"


def test_the_sum_of_branches_is_written_out_and_leads_to_them(viewers, silent):
    viewer = viewers["residual"]
    viewer.open()
    viewer.point(6, [4, 7, 9], click=True)
    pool1, conv3 = viewer.outputs[2][4, 7, 9], viewer.outputs[5][4, 7, 9]
    value = viewer.value()
    assert value[:2] == [6, [4, 7, 9]]
    assert value[2] == pytest.approx(pool1 + conv3, abs=1e-5)
    buttons = viewer.all("#sums [data-goes]")
    assert [button.text.split("\n")[0] for button in buttons] == [
        "pool1, map 4, row 7, column 9",
        "conv3, map 4, row 7, column 9",
        "relu3",
    ]
    numbers = [number_in(button.text.split("\n")[1]) for button in buttons]
    relu3 = max(pool1 + conv3, 0)
    assert numbers == pytest.approx([pool1, abs(conv3), relu3], rel=5.1e-3)
    signs = viewer.texts("#sums .sum-line .sign")
    assert signs[0] == ("+" if conv3 >= 0 else "\u2212")
    assert viewer.texts("#sums > .quiet") == ["the sum of 2 branches: one number of each"]
    # From either branch a line leads to the sum.
    ways = viewer.js("""
        return Array.from(document.querySelectorAll(".overlay .connection"), (line) =>
            line.getPointAtLength(0).x);
    """)
    columns = viewer.js("""
        const { left } = document.querySelector(".layers").getBoundingClientRect();
        return [2, 5].map((layer) => {
            const box = document.querySelector(
                `#network canvas[data-layer="${layer}"][data-map="4"]`).getBoundingClientRect();
            return [box.left - left, box.right - left];
        });
    """)
    assert len(ways) == 2
    assert all(low <= x <= high for x, (low, high) in zip(ways, columns, strict=True))
    buttons[0].click()
    viewer.settle()
    assert viewer.value()[:2] == [2, [4, 7, 9]]


@pytest.mark.slow
def test_the_second_branch_keeps_the_focus_while_the_picture_changes(viewers, silent):
    viewer = viewers["residual"]
    viewer.open()
    viewer.show(6, [4, 7, 9])
    viewer.js("document.querySelectorAll('#sums [data-goes]')[1].focus()")
    viewer.js("store.set({ shift: [0, 1] })")
    viewer.settle()
    assert viewer.js("return document.activeElement.dataset.goes") == "5:4,7,9"


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("name", "layer", "unit", "taking"),
    [
        ("residual", 6, [0, 0, 13], {-1, 0, 1, 2, 3, 4, 5}),
        ("residual", 8, [5, 6, 0], {-1, 0, 1, 2, 3, 4, 5, 6, 7}),
        ("branches", 8, [1, 4, 5], {-1, 0, 1, 2, 3, 4}),
        ("branches", 8, [6, 4, 5], {-1, 0, 1, 2, 5, 6}),
        ("branches", 8, [11, 13, 5], {-1, 0, 1, 2, 7}),
        ("branches", 10, [6, 0, 13], {-1, 0, 1, 2, 5, 6, 8, 9}),
        # Behind strides of 2 and of 1 no one box is what all units see of the image.
        ("branches", 11, [6, 3, 3], {0, 1, 2, 5, 6, 8, 9, 10}),
    ],
)
def test_boxes_lie_on_the_branches_that_take_part(viewers, silent, name, layer, unit, taking):
    viewer = viewers[name]
    viewer.open()
    viewer.show(layer, unit)
    drawn = viewer.js("""
        return Array.from(document.querySelectorAll(".overlay [data-box]"),
            ({ dataset }) => Number(dataset.layer));
    """)
    assert set(drawn) == taking
    x = np.array(viewer.js("return Array.from(state.input)"), np.float32).reshape(1, 28, 28)
    told, *_ = explain(viewer.network, x, viewer.names[layer], unit)
    if told.sees:
        assert viewer.boxes(-1) == {0: list(told.sees)}
    elif layer == 10:
        # Map 6 of mixed sees rows from -4 to 5 and columns from 22 to 31; large rows from 0 to
        # 14 and columns from 13 to 27.
        assert viewer.boxes(-1) == {0: [-4, 13, 15, 32]}
    # The picture beside the pad has a box where there is one.
    assert len(viewer.all(".seen .box")) == (-1 in taking)


def test_a_joined_number_is_passed_on_from_its_branch(viewers, silent):
    viewer = viewers["branches"]
    viewer.open()
    viewer.show(8, [6, 4, 5])
    assert viewer.value()[2] == pytest.approx(viewer.outputs[6][3, 4, 5], abs=1e-6)
    (button,) = viewer.all("#sums [data-goes]")
    assert button.text.startswith("relu_three, map 3, row 4, column 5\n")
    assert len(viewer.all(".overlay .connection")) == 1
    button.click()
    viewer.settle()
    assert viewer.value()[:2] == [6, [3, 4, 5]]


def test_the_panel_of_a_join_says_whose_maps_are_which(viewers, silent):
    viewer = viewers["branches"]
    viewer.open()
    summary = {row.name: row for row in models.summarise(viewer.network)}
    told = {
        "mixed": ("maps: 3 of relu_one + 5 of relu_three + 4 of same = 12", "10 \u00d7 10"),
        "uneven": ("each number: mixed + large", "differs between units"),
    }
    for name, (formula, field) in told.items():
        viewer.find(f'[data-heading="{viewer.names.index(name)}"]').click()
        assert viewer.texts("#layer .formula") == [formula]
        assert viewer.texts('#layer [data-fact="receptive-field"] dd') == [field]
        assert (summary[name].receptive_field is None) == (field == "differs between units")
        assert len(viewer.all("#layer [data-switch]")) == 12
    assert summary["mixed"].receptive_field[0].size == 10
    before = viewer.js("return Array.from(state.trace.probabilities)")
    viewer.find('#layer [data-switch="10:3"]').click()
    assert viewer.js("return Array.from(state.trace.probabilities)") != before


@pytest.mark.slow
def test_joins_of_what_is_never_negative_have_the_scale_of_activations(viewers, silent):
    for name, layer, signed in [
        ("branches", 8, False),  # of two ReLUs, and a pooling behind one
        ("branches", 10, True),
        ("residual", 6, True),
        ("residual", 8, False),
    ]:
        viewers[name].open()
        column = viewers[name].js(
            "return document.querySelector(arguments[0]).closest('.column').innerText",
            viewers[name].canvas(layer, [0, 0, 0]),
        )
        assert ("\u00b1" in column) == signed


def test_shifts_of_branches_have_the_equivariance_that_insight_measures(viewers, silent):
    viewer = viewers["branches"]
    viewer.open()
    x = np.array(viewer.js("return Array.from(state.input)"), np.float32).reshape(1, 28, 28)
    viewer.js("store.set({ shift: [2, -3] })")
    viewer.settle()
    rows = viewer.js("""
        return [...document.querySelectorAll("#whatif tbody tr")].map(({ dataset }) =>
            [dataset.layer, Number(dataset.error), Number(dataset.inner)]);
    """)
    # Where the units have no one field, and so no one stride, maps have no shift of their own.
    assert [name for name, _, _ in rows] == viewer.names[: viewer.names.index("uneven")]
    black = (-1.97,)
    for name, *got in rows:
        wanted = commuting(viewer.network, x, name, (2, -3), border="zeros", background=black)
        assert got == pytest.approx([wanted.error, wanted.inner], rel=1e-4, abs=1e-6)


# --- screens ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_lenet5_stands_on_one_screen_of_a_projector(viewers, silent):
    for name in ("lenet5", "lenet5-1998"):
        viewer = viewers[name]
        viewer.open()
        for unit in (
            (3, [2, 4, 4]),
            (len(viewer.outputs) - 1, [3]),
            (len(viewer.outputs) - 2, [3]),
        ):
            viewer.show(*unit)
            *ends, hidden = viewer.js("""
                const parts = ["#network", "#sums .sum-line", "#answer ol", ".pad"];
                const viewport = document.querySelector("#network .viewport");
                return [...parts.map((selector) =>
                            document.querySelector(selector).getBoundingClientRect().bottom),
                        viewport.scrollWidth - viewport.clientWidth];
            """)
            assert max(ends) <= 900
            assert hidden <= 0


@pytest.mark.slow
def test_texts_are_large_enough_for_the_last_row(viewer):
    viewer.point(3, [2, 4, 4])
    smallest = viewer.js("""
        return Math.min(...texts("#network *, #sums *, body > header *")
            .map((element) => parseFloat(getComputedStyle(element).fontSize)));
    """)
    assert smallest >= 15.8  # a scroll bar takes a hundredth


CONTRASTS = """
    const parts = (colour) => colour.match(/[\\d.]+/g).map(Number)
        .map((part, index) => (colour.startsWith("color(") && index < 3 ? 255 * part : part));
    const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const made = parts(getComputedStyle(at).backgroundColor);
            if (made.length === 3 || made[3] > 0) return made;
        }
        return parts(getComputedStyle(document.body).backgroundColor);
    };
    const light = (colour) => {
        const [red, green, blue] = colour.slice(0, 3).map((part) => part / 255)
            .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    return texts("#network *, #panel *, body > header *")
        .map((element) => {
            const colours = [parts(getComputedStyle(element).color), ground(element)];
            const [low, high] = colours.map(light).sort((one, other) => one - other);
            return [(high + 0.05) / (low + 0.05), element.textContent, element.className];
        }).filter(([contrast]) => contrast < 4.5);
"""


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_stand_against_their_ground(viewers, silent, theme):
    viewer = viewers["lenet5"]
    viewer.open(theme=theme)
    viewer.point(0, [2, 0, 0], click=True)  # with padding, a bias and a value
    assert viewer.js(CONTRASTS) == []
    viewer.show(12, [3])
    assert viewer.js(CONTRASTS) == []
    viewer.find('[data-heading="3"]').click()
    viewer.settle()
    assert viewer.js(CONTRASTS) == []


@pytest.mark.slow
@pytest.mark.parametrize("screen", ["laptop", "tablet", "phone"])
@pytest.mark.parametrize("name", ["lenet5", "coloured", "residual"])
def test_no_screen_is_too_narrow(viewers, silent, name, screen):
    viewer = viewers[name]
    viewer.open(screen)
    for layer, unit in [(2, [0, 1, 1]), (len(viewer.outputs) - 1, [0]), (0, [0, 0, 0])]:
        viewer.show(layer, unit)
        viewer.js("store.set({ pinned: true })")
        viewer.settle()
        wide, there = viewer.js("""
            const { scrollWidth, clientWidth } = document.documentElement;
            return [scrollWidth, clientWidth];
        """)
        assert wide <= there
        # Nor is a number of a sum out of sight, at the side of its panel.
        hidden = viewer.js("""
            const panel = document.getElementById("sums").getBoundingClientRect().right;
            return Array.from(document.querySelectorAll("#sums td"),
                (cell) => cell.getBoundingClientRect().right - panel).filter((over) => over > 1);
        """)
        assert hidden == []
    # No map leaves the screen, and none lies over another.
    boxes = viewer.js("""
        return Array.from(document.querySelectorAll("#network canvas[data-layer]"), (canvas) => {
            const { left, top, right, bottom } = canvas.getBoundingClientRect();
            return [left, top, right, bottom];
        });
    """)
    left, top, right, bottom = np.array(boxes).T
    assert left.min() >= 0 and right.max() <= SCREENS[screen][0]
    over = (np.minimum(right[:, None], right) - np.maximum(left[:, None], left) > 0.5) & (
        np.minimum(bottom[:, None], bottom) - np.maximum(top[:, None], top) > 0.5
    )
    assert over.sum() == len(boxes)  # each with itself
    assert min((right - left).min(), (bottom - top).min()) >= 12


@pytest.mark.slow
def test_ranges_below_slim_layers_stand_apart(viewers, silent):
    for name in viewers:
        viewers[name].open("old")
        viewers[name].js("""
            for (const values of state.trace.outputs) {
                const most = Math.max(...values.map(Math.abs));
                values.forEach((value, index) => { values[index] = value * 0.617 / most; });
            }
            store.set({ trace: state.trace });
        """)
        viewers[name].settle()
        spans = viewers[name].js("""
            return Array.from(document.querySelectorAll("#network .range"), (range) => {
                const { left, right } = range.getBoundingClientRect();
                return [left, right];
            });
        """)
        left, right = np.array(spans).T
        assert (left[1:] - right[:-1] >= 2).all(), name


@pytest.mark.slow
def test_the_network_is_printed_as_it_stands(viewer):
    rules = "return Array.from(document.styleSheets[0].cssRules, (rule) => rule.cssText)"
    before = viewer.js(rules)
    settings = {"preferCSSPageSize": True}
    printed = viewer.driver.execute_cdp_cmd("Page.printToPDF", settings)["data"]
    boxes = re.findall(rb"/MediaBox \[([\d. ]+)\]", base64.b64decode(printed))
    # 72 points are 96 pixels; below the first sheet stands what if.
    width = viewer.js("return document.documentElement.clientWidth")
    assert len(boxes) == 2
    for box in boxes:
        size = [float(number) for number in box.split()]
        assert size == pytest.approx([0, 0, 0.75 * width, 0.75 * 900], abs=1)
    assert viewer.js(rules) == before
    assert viewer.js("return document.documentElement.dataset.theme ?? null") is None


@pytest.mark.slow
def test_a_tap_shows_and_pins(viewers, silent):
    viewer = viewers["lenet5"]
    viewer.open("phone")
    viewer.js("document.querySelector('#network canvas[data-layer=\"3\"]').scrollIntoView()")
    x, y = viewer.js("""
        const canvas = document.querySelector('#network canvas[data-layer="3"]');
        const box = canvas.getBoundingClientRect();
        return [box.left + 3.5 * box.width / 10, box.top + 2.5 * box.height / 10];
    """)
    touch = {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]}
    viewer.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    viewer.driver.execute_cdp_cmd("Input.dispatchTouchEvent", touch)
    viewer.driver.execute_cdp_cmd(
        "Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []}
    )
    viewer.wait(lambda: viewer.js("return state.pinned"))
    viewer.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    viewer.settle()
    assert viewer.value()[:2] == [3, [0, 2, 3]]
    # The sum comes to where one looks.
    panel = viewer.js("return document.getElementById('panel').getBoundingClientRect().bottom")
    assert panel == pytest.approx(800, abs=1)
