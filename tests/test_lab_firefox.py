"""The page in Firefox, by WebDriver BiDi: it computes, is drawn on, follows keys and fingers."""

import json
import os
import subprocess
import time

import numpy as np
import pytest

pytest.importorskip("websocket", reason="Firefox is spoken to by websocket-client")
import websocket

from convlab import Tensor, data, no_grad, training

FIREFOX = "/usr/bin/firefox-esr"
SECONDS = 120  # a first start on a busy machine
SPACE, RIGHT, DOWN, ENTER = " ", "\ue014", "\ue015", "\ue007"

pytestmark = pytest.mark.slow


class Firefox:
    """A window of Firefox without a screen, with one page in it (W3C, WebDriver BiDi)."""

    def __init__(self, folder, width, height):
        folder.mkdir()
        log = folder / "said.txt"
        words = [FIREFOX, "--headless", "--no-remote", "--remote-debugging-port=0"]
        words += ["--profile", folder, "about:blank"]
        with log.open("w") as said:
            self.process = subprocess.Popen(
                [*map(str, words)],
                stdout=said,
                stderr=said,
                env={**os.environ, "HOME": str(folder), "MOZ_HEADLESS": "1"},
            )
        address = self._address(log)
        self.socket = websocket.create_connection(
            f"{address}/session", timeout=SECONDS, suppress_origin=True
        )
        self.asked = 0
        self("session.new", capabilities={})
        self.context = self("browsingContext.getTree")["contexts"][0]["context"]
        size = {"width": width, "height": height}
        self("browsingContext.setViewport", context=self.context, viewport=size)

    def _address(self, log):
        marked = "WebDriver BiDi listening on "
        for _ in range(10 * SECONDS):
            lines = log.read_text(errors="replace").splitlines()
            found = [line.partition(marked)[2] for line in lines if marked in line]
            if found:
                return found[0].strip()
            assert self.process.poll() is None, lines
            time.sleep(0.1)
        raise AssertionError(f"Firefox did not say where it listens: {lines}")

    def __call__(self, method, **params):
        self.asked += 1
        self.socket.send(json.dumps({"id": self.asked, "method": method, "params": params}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.asked:
                assert answer["type"] == "success", answer
                return answer["result"]

    def open(self, path):
        self("browsingContext.navigate", context=self.context, url=path.as_uri(), wait="complete")

    def js(self, expression):
        """What an expression is in the page, once it is settled, by way of JSON."""
        found = self(
            "script.evaluate",
            expression=f"Promise.resolve({expression}).then((it) => JSON.stringify(it ?? null))",
            target={"context": self.context},
            awaitPromise=True,
        )
        assert found["type"] == "success", found
        return json.loads(found["result"]["value"])

    def pointer(self, kind, *actions):
        source = {"type": "pointer", "id": kind, "parameters": {"pointerType": kind}}
        self("input.performActions", context=self.context, actions=[{**source, "actions": actions}])
        self.rest()

    def keys(self, keys):
        turns = [{"type": each, "value": key} for key in keys for each in ("keyDown", "keyUp")]
        source = {"type": "key", "id": "keys", "actions": turns}
        self("input.performActions", context=self.context, actions=[source])
        self.rest()

    def rest(self):
        """Until the page has nothing left to do: what waits for the hand included."""
        self.js("new Promise((done) => setTimeout(() => requestAnimationFrame(done), 400))")

    def middle(self, selector, x=0.5, y=0.5):
        """Whole pixels of the window at these shares of an element, brought into sight."""
        return self.js(
            f"""(() => {{
                const element = document.querySelector({json.dumps(selector)});
                element.scrollIntoView({{ block: "center" }});
                const {{ left, top, width, height }} = element.getBoundingClientRect();
                return [Math.round(left + {x} * width), Math.round(top + {y} * height)];
            }})()"""
        )

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    if not os.access(FIREFOX, os.X_OK):
        pytest.skip(f"no firefox: the page is not tested in it, there is no {FIREFOX}")
    made = Firefox(tmp_path_factory.mktemp("firefox") / "profile", 1400, 900)
    yield made
    made.close()


@pytest.fixture
def page(firefox, lab_page):
    firefox.open(lab_page)
    firefox.js("convlabLab.store.set({ pinned: false, view: null, layer: null })")
    firefox.rest()
    return firefox


def test_firefox_computes_what_the_engine_computes(page, lab_run):
    run = training.load(lab_run)
    _, test = data.load("digits")
    names = page.js("convlabLab.store.state.description.samples.map(({ name }) => name)")
    for at, name in enumerate(names[:10]):
        page.js(
            f"(() => {{ const {{ store }} = convlabLab;"
            f" const {{ bytes, name, label }} = store.state.description.samples[{at}];"
            ' store.set({ bytes, source: { kind: "sample", name }, label }); })()'
        )
        index = int(name.removeprefix("test:"))
        image = Tensor(run.network_input(test.images[index])[np.newaxis])
        with no_grad():
            wanted = run.network.probabilities(run.network(image).numpy())[0]
        got = page.js("Array.from(convlabLab.store.state.trace.probabilities)")
        assert got == pytest.approx(wanted, abs=1e-4)


def test_firefox_writes_the_sum_out(page):
    page.js("convlabLab.store.set({ unit: { layer: 3, unit: [2, 4, 4] }, pinned: true })")
    page.rest()
    total, terms, bias = page.js(
        """(() => {
            const { store, network } = convlabLab;
            const told = network.explain(store.state.trace, 3, [2, 4, 4]);
            return [network.value(store.state.trace, 3, [2, 4, 4]), Array.from(told.mapSums),
                network.layers[3].values.bias[2]];
        })()"""
    )
    assert total == pytest.approx(sum(terms) + bias, abs=1e-4)
    assert page.js("document.querySelector('#sums h2').textContent") == (
        "conv2, map 2, row 4, column 4"
    )
    assert page.js("document.querySelectorAll('#sums td').length") >= 25


def stroke(page, kind, places):
    points = [page.middle(".pad canvas", *place) for place in places]
    first, *others = [{"type": "pointerMove", "x": x, "y": y} for x, y in points]
    others = [{**move, "duration": 60} for move in others]
    down, up = {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}
    page.pointer(kind, first, down, *others, up)


@pytest.mark.parametrize("kind", ["mouse", "touch"])
def test_firefox_reads_a_one_and_undoes_it(page, kind):
    stroke(page, kind, [(0.5, 0.15), (0.5, 0.4), (0.5, 0.6), (0.5, 0.85)])
    answer = "[convlabLab.store.state.source.kind, convlabLab.store.state.trace.answer]"
    assert page.js(answer) == ["drawing", 1]
    assert page.js("document.querySelector('#answer .says strong').textContent") == "1"
    inked = "convlabLab.store.state.bytes.some((byte) => byte > 127)"
    assert page.js(inked)
    # The maps follow the drawing.
    shown = page.js(
        """(() => {
            const canvas = document.querySelector('#network canvas[data-layer="-1"]');
            const { width, height } = canvas;
            const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
            return Array.from({ length: width * height }, (_, at) => data[4 * at]);
        })()"""
    )
    bytes_ = page.js("Array.from(convlabLab.store.state.shown)")
    assert np.corrcoef(shown, bytes_)[0, 1] > 0.99
    page.js("document.querySelector('[aria-label=\"Undo the last stroke\"]').click()")
    page.rest()
    assert not page.js(inked)


def test_firefox_is_drawn_on_and_walked_through_with_keys(page):
    page.js("document.querySelector('.pad').focus()")
    page.keys([SPACE, *[DOWN] * 9, SPACE])
    state = (
        "[convlabLab.store.state.source.kind, convlabLab.store.state.bytes.some((b) => b > 127)]"
    )
    assert page.js(state) == ["drawing", True]
    page.js("document.querySelector('#network canvas[data-layer=\"3\"]').focus()")
    page.keys([RIGHT, DOWN, ENTER])
    layer, before = page.js("[convlabLab.store.state.unit.layer, convlabLab.store.state.unit.unit]")
    assert (layer, page.js("convlabLab.store.state.pinned")) == (3, True)
    page.keys([RIGHT])
    assert page.js("convlabLab.store.state.unit.unit") == [before[0], before[1], before[2] + 1]


def test_firefox_pins_what_a_finger_taps(page):
    # Cell (2, 3) of 10 x 10.
    x, y = page.middle('#network canvas[data-layer="3"][data-map="1"]', 0.35, 0.25)
    tap = [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
    page.pointer("touch", {"type": "pointerMove", "x": x, "y": y}, *tap)
    got = page.js("[convlabLab.store.state.pinned, convlabLab.store.state.unit]")
    assert got == [True, {"layer": 3, "unit": [1, 2, 3]}]
