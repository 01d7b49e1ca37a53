"""The page in other languages: no text is missing, none is left in English, numbers are theirs."""

import re
from pathlib import Path

import pytest

from convlab import lab, nn, words
from convlab.data import FORMS
from convlab.errors import SpecError
from convlab.interface import page as page_of
from convlab.lab import page, translation
from convlab.words import LANGUAGES

OTHERS = [language for language in LANGUAGES if language != "en"]
# What is called the same everywhere.
NAMES = """
    ReLU sigmoid tanh softmax leaky PReLU ELU SELU GELU SiLU ReLU6 hard swish softplus dropout
    RBF LRN sum product scale
"""
VISITED = """
    input flatten1 conv1 relu1 pool1 conv2 relu2 pool2 flatten fc1 relu3 fc2 relu4 fc3 conv3 relu5
    LeNet-5 LeNet digits MNIST convlab test bit ReLU tanh softmax exp log sigmoid Tab Esc Enter Home
    End Page Up Down JavaScript ms float16 max x
"""


def sources():
    """The forms of all texts of the page: of its scripts, its frame and what stands above it."""
    found = set()
    for path in page.TEMPLATE.glob("*.js"):
        found |= {*translation.forms(path.read_text("utf-8"))}
    frame = page.TEMPLATE.joinpath("index.html").read_text("utf-8")
    marked = re.findall(r"""\bt\((?:"([^"]*)"|'([^']*)')\)""", frame)
    found |= {one or other for one, other in marked}
    return found | {*re.findall(r'\bsay\("([^"]*)"', Path(page.__file__).read_text("utf-8"))}


def kinds(layer=nn.Module):
    """How layers call themselves, but for those that other tests define."""
    formula = layer.formula if str(layer.formula).startswith("x, ") else ""
    own = {layer.words, layer.short, formula} if layer.__module__.startswith("convlab.") else set()
    return own.union(*map(kinds, layer.__subclasses__())) - {""}


def places(form):
    return sorted(re.findall(r"\{\d+\}", form))


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_has_every_text_of_the_page_and_no_other(language):
    known = translation.catalogue(language)
    own = kinds() | {"cropping", *FORMS.values()}
    assert {form for form in sources() if re.search("[A-Za-z]", re.sub(r"{\d}", "", form))} <= {
        *known
    }
    assert {form for form in own if not {*form.split()} <= {*NAMES.split()}} <= {*known}
    assert {*known} <= sources() | own
    for form, text in known.items():
        assert text and places(form) == places(text), form


def test_a_text_is_put_in_with_its_places_where_they_belong(monkeypatch):
    known = {"{0} of {1}": "из {1}: {0}", "a $ and a ` mark": "$`", "none": "нет"}
    monkeypatch.setattr(translation, "catalogue", lambda language: known)
    source = 'f(t`${one("}")} of ${two ? t`none` : `${2}`}`, t`none`, t`other "text"`);'
    made = 'f(`из ${two ? "нет" : `${2}`}: ${one("}")}`, "нет", "other \\"text\\"");'
    assert translation.translated(source, "de") == made


def test_an_unknown_language_is_named():
    with pytest.raises(SpecError, match="expected a language among en, de, fr, es, zh, got 'it'"):
        lab.render(language="it")


# --- in a browser ------------------------------------------------------------------------------

LEFT = """
    const own = new Set(arguments[0].split(/\\s+/));
    const texts = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const parent = walk.currentNode.parentElement;
        if (!parent.closest("script, style, noscript, .samples")) texts.push(walk.currentNode.data);
    }
    for (const element of document.querySelectorAll("[aria-label], [title], [aria-valuetext]"))
        if (!element.closest(".samples button"))
            for (const name of ["aria-label", "title", "aria-valuetext"])
                texts.push(element.getAttribute(name) ?? "");
    const foreign = (text) =>
        (text.replaceAll(/[\\u00ad\\u200b]/g, "").match(/[A-Za-z][A-Za-z0-9]+/g) ?? [])
            .some((word) => !own.has(word));
    return [...new Set(texts.filter(foreign))];
"""


@pytest.fixture
def foreign(browser, lab_run, tmp_path, monkeypatch):
    """The page with each letter of its texts replaced by one that is not Latin."""

    class EveryText(dict):
        def get(self, form, used):
            # "x, moved": what stands before the comma is computed.
            return re.sub(r"(^x, |\{.*?\})|[A-Za-z]", lambda found: found[1] or "ж", used)

    for module in (translation, page, words):
        monkeypatch.setattr(module, "catalogue", lambda language: EveryText())
    path = tmp_path / "foreign.html"
    path.write_bytes(page_of(lab_run, accuracy=0.5, language="de").data)
    browser.get(path.as_uri())
    browser.settle()
    return browser


def test_no_text_of_any_view_is_left_in_english(foreign):
    def left():
        foreign.settle()
        return foreign.execute_script(LEFT, VISITED)

    def go(script):
        foreign.execute_script(f"const {{ store, network }} = convlabLab; {script}")
        return left()

    seen = {"overview": left()}
    for layer in range(-1, foreign.execute_script("return convlabLab.network.layers.length")):
        large = f"store.set({{ layer: {layer}, view: {{ layer: {layer}, map: null }} }})"
        seen[f"layer {layer}"] = go(large)
        unit = f"network.shape({layer}).map(() => 0)"
        one = f"store.set({{ layer: null, view: null, unit: {{ layer: {layer}, unit: {unit} }} }})"
        seen[f"unit {layer}"] = go(one)
    seen["what if"] = go("store.set({ shift: [1, -2], off: new Set(['0:1']), pinned: true })")
    seen["no picture"] = go("store.set({ bytes: null, unit: null, pinned: false })")
    for tab in ("training", "playground"):
        seen[tab] = go(f"document.querySelector('[data-tab={tab}]').click()")
    for operation in ("transposed convolution", "maximum", "mean"):
        seen[operation] = go(
            "const field = document.getElementById('play-operation');"
            f"field.value = '{operation}'; field.dispatchEvent(new Event('change'))"
        )
    assert {view: texts for view, texts in seen.items() if texts} == {}


def test_a_page_in_german_says_so_and_has_decimal_commas(browser, lab_run, tmp_path):
    path = tmp_path / "german.html"
    path.write_bytes(page_of(lab_run, accuracy=0.9876, language="de").data)
    assert path.stat().st_size < 800_000
    browser.get(path.as_uri())
    browser.settle()
    said = browser.execute_script("""
        const { store } = convlabLab;
        store.set({ unit: { layer: 0, unit: [0, 3, 3] } });
        return [document.documentElement.lang, document.querySelector("header p").textContent,
                document.querySelector("#answer .verdict").textContent, document.title];
    """)
    browser.settle()
    value = browser.execute_script(
        "const value = document.querySelector('#sums .value');"
        "return [value.dataset.value, value.querySelector('b').textContent];"
    )
    assert said[0] == "de"
    assert "Testgenauigkeit 98,76 %" in said[1] and "61\u202f706 Parameter" in said[1]
    assert said[2].startswith("sagt ") and " auf " in said[3]
    exact, shown = float(value[0]), value[1]
    assert float(shown.replace("\u2212", "-").replace(",", ".")) == pytest.approx(exact, rel=0.01)
    assert "," in shown and "." not in shown
