"""The words of figures in other languages: each is there, and numbers are written as there."""

import ast
import copy
import json
import pickle
import re
import shlex
import shutil
import string
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from convlab_cli import commands, drawing
from convlab_gallery import catalog
from matplotlib.text import Text
from PIL import Image

import convlab
from convlab import pictures, viz, words
from convlab.bench import titles
from convlab.bench.machine import Roof
from convlab.errors import SpecError, UndrawnLetters
from convlab.quiz import TOPICS, Key, Sheet
from convlab.viz import style
from convlab.viz.legible import legible
from convlab.viz.look import Look, used
from convlab.words import joined, shown, t

PACKAGE = Path(convlab.__file__).parent
OTHERS = [language for language in words.LANGUAGES if language != "en"]
THIN = "\u202f"


# --- texts and numbers -----------------------------------------------------------------------


def test_a_text_is_its_english_text_and_knows_its_values():
    text = t("{n} map of {layer}", 3, t("the input"), several="{n} maps of {layer}")
    assert text == "3 maps of the input" and isinstance(text, str)
    assert json.dumps({text: text}) == '{"3 maps of the input": "3 maps of the input"}'
    assert pickle.loads(pickle.dumps(text)) == copy.deepcopy(text) == text
    assert t("{n} map", 1, several="{n} maps") == "1 map"
    with pytest.raises(ValueError, match="zip"):
        t("{one} and {other}", 1)


def test_texts_stay_translatable_when_they_are_joined():
    row = t("row {row}, column {column}", 1, 2)
    assert shown(joined(["3 × 3", "", row]), "de") == "3 × 3, Zeile 1, Spalte 2"
    assert shown("5 × 5: " + row, "de") == "5 × 5: Zeile 1, Spalte 2"
    assert shown(row + " (0)", "fr") == "ligne 1, colonne 2 (0)"


# Duden and DIN 1333; Lexique des règles typographiques en usage à l'Imprimerie nationale;
# Ortografía de la lengua española; GB/T 15835.
NUMBERS = [
    ("0.25", "0,25", "0.25"),
    ("−1.5", "−1,5", "−1.5"),
    ("≈4.56 × 10⁻⁵", "≈4,56 × 10⁻⁵", "≈4.56 × 10⁻⁵"),
    ("1,234,567", f"1{THIN}234{THIN}567", "1,234,567"),
    ("12,345.5", f"12{THIN}345,5", "12,345.5"),
    ("0.5, −0.25", "0,5; −0,25", "0.5, −0.25"),
    ("3, 4", "3, 4", "3, 4"),
    ("98.6 %", "98,6 %", "98.6 %"),
    ("1234", "1234", "1234"),
]


@pytest.mark.parametrize(("english", "comma", "point"), NUMBERS)
def test_numbers(english, comma, point):
    for language in ("de", "fr", "es"):
        assert shown(english, language) == comma
        assert shown(shown(english, language), language) == comma  # not twice
    assert shown(english, "zh") == point and shown(english, "en") == english


def test_names_are_left_as_they_are():
    for name in ("conv2.1", "v1.5", "input", "a 1,234.5 b", "row 1, column 2"):
        assert shown(name, "de") == name
    said = t("a handwritten {digit}", "0.5 input")
    assert shown(said, "de") == "handgeschriebene 0.5 input"


def test_plurals():
    """One and several in German and Spanish; in French 0 is one; Chinese has no plural."""
    texts = [t("{n:,} weight", n, several="{n:,} weights") for n in (0, 1, 2, 1000)]
    assert [shown(x, "de") for x in texts] == [
        *("0 Gewichte", "1 Gewicht", "2 Gewichte", f"1{THIN}000 Gewichte")
    ]
    maps = [t("{n:,} map", n, several="{n:,} maps") for n in (0, 1, 2)]
    assert [shown(x, "fr") for x in maps] == ["0 carte", "1 carte", "2 cartes"]
    assert [shown(x, "es") for x in maps] == ["0 mapas", "1 mapa", "2 mapas"]
    assert [shown(x, "zh") for x in maps] == ["0 个特征图", "1 个特征图", "2 个特征图"]


def test_an_unknown_language():
    with pytest.raises(SpecError, match="expected a language among en, de, fr, es, zh, got 'it'"):
        shown(t("row {at}", 1), "it")


# --- the catalogues --------------------------------------------------------------------------


def places(form):
    return {name for _, name, _, _ in string.Formatter().parse(form) if name is not None}


def has_letters(form):
    return re.search("[A-Za-z]", re.sub(r"\{.*?\}", "", form)) is not None


def constants(node):
    if isinstance(node, ast.IfExp):
        return constants(node.body) | constants(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) else set()


def sources():
    """(forms in calls of t with their plurals, all constant texts) of modules that use words."""
    forms, texts = {}, set()
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if "from convlab.words import" not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "t":
                several = {k.value.value for k in node.keywords if k.arg == "several"}
                forms |= {form: several for form in constants(node.args[0])}
    return forms, texts


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_has_every_text_and_no_other(language):
    forms, texts = sources()
    known = words.catalogue(language)
    assert {form for form in forms if has_letters(form)} - known.keys() == set()
    assert known.keys() - texts == set()
    for form, said in known.items():
        two = isinstance(said, list)
        assert two == (bool(forms.get(form)) and language != "zh"), form
        for each in said if two else [said]:
            assert each and places(form) - places(each) <= {"ordinal", "plural"}, form
            assert places(each) <= places(form), form
            assert not two or "n" in places(form)


# --- pictures ----------------------------------------------------------------------------------

# Names: of networks, layers, weights, data, files, functions, methods; symbols in formulas; the
# names of kinds of padding in PyTorch; and LeNet-5's layers as they were published.
NAMES = """
    lenet5 lenet5-1998 vgg16 alexnet resnet50 dense lenet5-unshifted dense-unshifted
    digits photo photo.png china Prewitt Roberts
    flower PCA Sobel Scharr Laplacian Gaussian ReLU sigmoid tanh exp max box ramp Conv2d BOX
    BILINEAR NEAREST PyTorch TensorFlow ceil sgd one-cycle shift rotate scale zeros reflect
    replicate circular same valid probabilities INPUT OUTPUT Convolutions Subsampling Full
    connection connections feature maps f. layer x6-edge x d dτ
    im2col FFT Winograd F AMD EPYC omp MB GF s Python bit
"""
LAYERS = (
    r"(conv|pool|relu|fc|flatten|[CFScs])\d+(_\d+)?(–\d+)?"  # ours, and LeNet-5's
    r"|[a-z]+\d?(\.\w+)+(–\d+)?"  # of published networks
    r"|w\d+|w[₁₂]|[bfgtyLW]|w"
)
ENTRIES = catalog.read(commands.COMMANDS, catalog.CATALOG).entries


class EveryText(dict):
    """A catalogue in which each text has every letter replaced by one that is not Latin."""

    def get(self, form, used):
        return re.sub(r"(\{.*?\})|[A-Za-z]", lambda found: found[1] or "ж", used)


@pytest.fixture(scope="session")
def materials(tmp_path_factory, tiny):
    """A folder with a photograph, and what stands in commands for it, a run and a data set."""
    folder = tmp_path_factory.mktemp("materials")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (427, 640, 3), np.uint8)).save(
        folder / "photo.png"
    )
    named = {"photo": "photo.png", "data": "digits"}

    def filled(found):
        name = found[1]
        if name not in named:  # a run, of which none may have the name of another
            named[name] = str(shutil.copytree(tiny.folder, folder / name))
        return named[name]

    return folder, filled


@pytest.fixture
def made(materials, monkeypatch):
    """A function that makes the picture of an entry and returns it."""
    folder, filled = materials
    monkeypatch.chdir(folder)
    found = []
    monkeypatch.setattr(drawing.Picture, "finish", lambda _, made, before=None: found.append(made))

    def make(entry):
        typed = shlex.split(re.sub(r"\{([\w-]+)\}", filled, entry.command))
        monkeypatch.setattr(sys, "argv", typed)
        commands.run(typed)
        return found[-1]

    return make


def left_over(figure):
    """The words of a figure that are in Latin letters and no names."""
    texts = [text.get_text() for text in figure.findobj(Text)]
    found = {word for text in texts for word in re.findall(r"[A-Za-z][\w.–₁₂-]*", text)}
    return {word for word in found - {*NAMES.split()} if not re.fullmatch(LAYERS, word)}


def largest_empty(figure):
    """The share of a figure, without its margins, that the largest rectangle without ink has."""
    figure.canvas.draw()
    rgb = np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)
    ink, step = np.abs(rgb - rgb[0, 0]).max(axis=2) > 4, rgb.shape[1] // 80
    ink = ink[4 * step : -4 * step, 4 * step : -4 * step]
    rows, columns = (length // step for length in ink.shape)
    free = ~ink[: rows * step, : columns * step].reshape(rows, step, columns, step).any((1, 3))
    best, heights = 0, np.zeros(columns, int)
    for row in free:
        heights = np.where(row, heights + 1, 0)
        for height in {*heights.tolist()}:
            wide = "".join("x" if tall >= height else " " for tall in heights).split()
            best = max(best, height * max(map(len, wide), default=0))
    return best / free.size


def looks_as_it_should(picture, monkeypatch):
    """What holds for each slide: room for its words, no large void, one meaning of each colour."""
    scales, shade = [], style.Scale.rgb

    def rgb(scale, values):
        scales.append((scale, style.has_both_signs(np.asarray(values, float))))
        return shade(scale, values)

    monkeypatch.setattr(style.Scale, "rgb", rgb)
    figure = picture.draw(theme="light", size="slide")
    for scale, both_signs in scales:
        signed = scale.colours.name.startswith("signed")
        assert scale.lowest == -scale.highest if signed or both_signs else True
        assert signed or not both_signs or scale.colours.name.startswith("cyclic")
    assert legible(figure)  # no number of an axis is under its name either
    assert largest_empty(figure) < 1 / 3
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    assert min(text.get_fontsize() * figure.dpi / 72 for text in texts) >= 16
    said = " ".join(text.get_text() for text in texts)
    assert not re.search(r"test:\d|\bruns?/", said)


@pytest.mark.sample(6)
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_every_word_of_a_picture_is_translated_and_has_its_room(entry, made, monkeypatch):
    picture = made(entry)
    if not entry.animated:
        looks_as_it_should(picture, monkeypatch)
    monkeypatch.setattr(words, "catalogue", lambda language: EveryText())
    with used(Look(language="de")):
        figure = picture.draw(theme="light", size="slide")
    assert not left_over(figure)


@pytest.mark.parametrize("language", OTHERS)
def test_a_picture_says_its_words_in_a_language(language, tmp_path):
    """The terms of textbooks, in a picture that was made before its language was chosen."""
    picture = pictures.arithmetic(5, 3, 2, 1)
    terms = {
        "de": ("Eingabe", "3 × 3, Schrittweite 2", "5 × 5, Null-Padding 1"),
        "fr": ("Entrée", "3 × 3, pas 2", "5 × 5, remplissage par zéros 1"),
        "es": ("Entrada", "3 × 3, paso 2", "5 × 5, relleno de ceros 1"),
        "zh": ("输入", "3 × 3, 步幅 2", "5 × 5，零填充 1"),
    }
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        svg = picture.content(".svg", language=language).decode()
    expected = terms[language]
    if any(one.category is UndrawnLetters for one in said):  # no font here has them
        assert language == "zh"
        expected = [re.sub("[，\u4e00-\u9fff]", "□", term) for term in expected]
    assert all(f">{term}<" in svg for term in expected)
    assert ">Input<" in picture.content(".svg").decode()
    assert "Convolution" in svg.partition("</desc>")[0]  # the description is English


@pytest.mark.parametrize("language", OTHERS)
def test_every_word_of_an_exercise_is_translated(language, monkeypatch):
    """On the sheets and in their key, as pages and in Markdown; only names and symbols are left."""
    monkeypatch.setattr(words, "catalogue", lambda language: EveryText())
    sheet = Sheet.of("all", 1, 3 * len(TOPICS), language=language)
    answers = Key.of(sheet)
    allowed = {*NAMES.split(), *sheet.command.replace("--", "").split(), *"abcdefghrS", "ж"}
    for figure in [*sheet.pages(), *answers.pages()]:
        left = {word for word in left_over(figure) if word not in sheet.code}
        assert left - allowed == set()
    text = (sheet.markdown() + answers.markdown()).replace(sheet.code, "")
    text = re.sub(r"convlab quiz .*|--seed", "", text)
    found = re.findall(r"[A-Za-z]+", text)
    assert {*found} - allowed - {"L"} == set()


def speeds():
    """The figures of measurements, with and without another library and with cliffs."""
    passes = ("forward", "gradient of input", "gradient of weight")
    for other in (1e9, None):
        points = [
            viz.KernelPoint(layer, name, 4.0 + at, (3 + at) * 1e9, other)
            for at, name in enumerate(passes)
            for layer in ("s1", "s2")
        ]
        found = titles.kernel_words(points, Roof(20e9, 3e9), "NumPy", "omp")
        yield viz.kernel_speed(points, 20e9, bandwidth=3e9, other="NumPy", **found)
    rows = [(t("epoch, batch {size}", 64), 1.0), (t("{count:,} answers", 10_000), 0.01)]
    bars = [viz.TrainingBar(name, s, s, 1.5 * s, s, s, s) for name, s in rows]
    yield viz.training_speed(bars, other="NumPy", title=titles.training_title(bars, "NumPy"))
    axes = ("batch", "channels", "image size", "threads")
    for last in (1.0, 9.0):
        curves = [viz.ScalingCurve(axis, (1, 2), (1.0, last), (1e9, 2e9)) for axis in axes]
        yield viz.scaling(curves, title=titles.scaling_title(curves), subtitle="omp")


def test_every_word_of_a_measured_speed_is_translated(monkeypatch):
    monkeypatch.setattr(words, "catalogue", lambda language: EveryText())
    with used(Look(language="de")):
        for figure in speeds():
            assert left_over(figure) - {"NumPy", "convlab", "FLOP", "GB", "GF", "s1", "s2"} == set()
