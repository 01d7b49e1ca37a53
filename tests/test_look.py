"""How a lecturer's own slides look: size, title, words, font, colours, kinds of files."""

import io
import re
import shutil
import subprocess
import warnings
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from matplotlib.image import AxesImage
from matplotlib.text import Text
from PIL import Image

from convlab import pictures, viz
from convlab.errors import HardToSee, SpecError
from convlab.spelling import CANVASES
from convlab.viz import legible, lettering, roles, style
from convlab.viz.look import Look, used

LIGHT, DARK = viz.THEMES["light"], viz.THEMES["dark"]


@pytest.fixture(scope="module")
def step():
    return pictures.arithmetic(5, 3)


@pytest.fixture(scope="module")
def modes():
    return pictures.padding_modes((6, 4), 2)


def opened(content):
    return Image.open(io.BytesIO(content))


def drawn(figure):
    return [text for text in figure.findobj(Text) if text.get_text()]


def texts(svg):
    return re.findall(r">([^<>\n]+)</text>", svg.decode())


# --- size --------------------------------------------------------------------------------------


def test_pixels_and_millimetres(step):
    assert opened(step.content(".png", size="1920x1080")).size == (1920, 1080)
    assert opened(step.content(".png", size="85mmx60mm")).size == (1004, 709)  # at 300 dots an inch
    assert opened(step.content(".jpg", size="85 mm × 60 mm", dpi=150)).size == (502, 354)
    pdf = step.content(".pdf", size="127mmx71mm")
    width, height = map(float, re.search(rb"MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", pdf).groups())
    assert (width, height) == pytest.approx((127 / 25.4 * 72, 71 / 25.4 * 72), abs=0.3)
    assert tuple(viz.SIZES) == CANVASES


@pytest.mark.parametrize("size", ["1600x900", "1920x1080", "3200x1800", "4000x2250"])
def test_the_smallest_text_grows_with_a_slide(step, size):
    width = int(size.partition("x")[0])
    figure = step.draw(theme="light", size=style.size_named(size))
    heights = [text.get_fontsize() * figure.dpi / 72 for text in drawn(figure)]
    assert min(heights) >= 16 * width / 1600


def test_text_on_paper_has_seven_to_nine_points(step):
    figure = step.draw(theme="light", size=style.size_named("120mmx68mm"))
    points = [text.get_fontsize() for text in drawn(figure)]
    assert min(points) >= 7 - 1e-9 and max(points) <= 9 + 1e-9


@pytest.mark.parametrize(
    "size", ["300x200", "500x500", "640x360", "1200x1600", "1000x1000", "85mmx60mm", "210mmx297mm"]
)
@pytest.mark.parametrize("make", [pictures.padding_modes, pictures.arithmetic, pictures.usage])
def test_texts_have_room_or_the_size_that_they_need_is_named(make, size, find_collisions):
    picture = make((6, 4))
    try:
        picture.content(".png", size=size)
    except SpecError as error:
        found = re.fullmatch(
            rf"size: expected at least (\S+) for this picture, got {size}", str(error)
        )
        size = found[1]
    figure = picture.draw(theme="light", size=style.size_named(size))
    assert find_collisions(figure) == [] and legible.legible(figure)


def test_what_is_not_legible_is_seen(step):
    figure = step.draw(theme="light", size="slide")
    assert legible.legible(figure)
    first, *_ = drawn(figure)
    before = first.get_position()
    for place in ((-20, 300), drawn(figure)[-1].get_position()):
        first.set_position(place)
        assert not legible.legible(figure)
    first.set_position(before)
    first.cut = True
    assert not legible.legible(figure)


@pytest.mark.parametrize(
    ("size", "more", "message"),
    [
        (
            "huge",
            {},
            r"^size: expected slide, .*, or width and height such as 1920x1080 or 85mmx60mm",
        ),
        ("20x10", {}, "^size: expected sides from 100 to 8,192 px, got '20x10'"),
        ("5mmx5mm", {}, "^size: expected sides from 20 to 1,200 mm, got '5mmx5mm'"),
        ("85mmx60", {}, "^size: expected slide"),
        ("1920x1080", {"dpi": 300}, "^dpi: expected a size in millimetres, .* got 1920x1080"),
        ("slide", {"language": "it"}, "^language: expected one of en, de, fr, es, zh, got 'it'"),
        (
            "slide",
            {"font": "DejaVu Sanz"},
            "^font: expected the name of an installed font.*DejaVu Sans",
        ),
    ],
)
def test_errors(step, size, more, message):
    with pytest.raises(SpecError, match=message):
        step.content(".png", size=size, **more)


# --- title and caption -------------------------------------------------------------------------


def test_title_and_caption(modes):
    usual = texts(modes.content(".svg"))
    assert usual[:2] == ["What stands in the padding", "input 6 × 4, padding 2"]
    svg = modes.content(".svg", title="Am Rand")
    assert texts(svg)[:2] == ["Am Rand", usual[1]] and b"<title>Am Rand</title>" in svg
    assert texts(modes.content(".svg", title="")) == usual[1:]
    assert texts(modes.content(".svg", title="", caption=False)) == usual[2:]


def test_a_title_where_there_is_none(step):
    usual = texts(step.content(".svg"))
    assert texts(step.content(".svg", title="One step"))[0] == "One step"
    bare = texts(step.content(".svg", caption=False))
    assert {*bare} < {*usual} and "output size" not in bare


def test_a_long_title_has_two_lines(step):
    title = " ".join(["A title that is as long as no title should ever be"] * 3)
    said = texts(step.content(".svg", title=title))
    assert " ".join(said[:2]) == title


def test_the_subject_takes_the_room_of_what_is_left_out():
    """A tall image is as large as the height allows."""
    picture = pictures.image(np.zeros((3, 400, 100), np.uint8))

    def height(**look):
        with used(Look(**look)):
            figure = picture.draw(theme="light", size="slide")
        boxes = [image.get_window_extent() for image in figure.findobj(AxesImage)]
        return max(box.height for box in boxes)

    assert height(title="", caption=False) > height()


# --- colours -----------------------------------------------------------------------------------


def test_colour_space():
    """sRGB red, green and blue in CIELAB (D65), after Lindbloom's calculator."""
    known = {"#FF0000": (53.24, 80.09, 67.20), "#00FF00": (87.73, -86.18, 83.18)}
    for colour, lab in known.items():
        assert roles._lab(colour, np.eye(3)) == pytest.approx(lab, abs=0.1)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_our_own_colours_leave_no_doubt(theme):
    assert list(roles.doubts(theme)) == []


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_ten_classes_are_told_apart_with_all_kinds_of_sight(theme):
    colours = style.class_colours(10, theme)
    assert style.class_colours(20, theme) == 2 * colours
    assert min(style.contrast(colour, theme.ground) for colour in colours) >= 3
    for seen in roles._SEEN.values():
        pairs = combinations([*colours, theme.mistake][: 10 + np.array_equal(seen, np.eye(3))], 2)
        assert min(roles._distance(*pair, seen) for pair in pairs) > roles._APART


def test_colours_that_are_hard_to_see():
    named = {
        "input": "#C00000",
        "output": "#5A6E00",
    }  # red and olive are one for red-green blindness
    assert any(
        "input and output look alike with" in doubt
        for doubt in roles.doubts(replace(LIGHT, **named))
    )
    (pale,) = [d for d in roles.doubts(replace(LIGHT, output="#FFF3B0")) if "contrast" in d]
    assert re.fullmatch(r"output has a contrast of 1\.\d with the ground, less than 3", pale)
    # Every pair of the roles is looked at.
    for one, other in combinations(("input", "window", "output", "mistake"), 2):
        same = replace(LIGHT, **{one: "#1031AA", other: "#1031AA"})
        assert f"{one} and {other} look alike with" in " ".join(roles.doubts(same))


def test_a_style_file(step, tmp_path):
    path = tmp_path / "slides.toml"
    path.write_text('[light]\ninput = "#0b2e9c"\n[dark]\nground = "#101010"\n', encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error", HardToSee)
        light = step.content(".svg", style=path).decode()
        dark = step.content(".svg", style=path, theme="dark").decode()
    assert "#0b2e9c" in light and LIGHT.input.lower() not in light
    assert "#101010" in dark and DARK.ground.lower() not in dark
    with pytest.warns(HardToSee, match=r"^slides: .*|^style: output has a contrast of"):
        step.content(".svg", style={"output": "#FFF3B0"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('inputs = "#000000"', "expected roles among ground, .* got 'inputs'; did you mean input"),
        ('input = "blue"', "expected input = \"#RRGGBB\", got 'blue'"),
        ('negative = "#000000"', r'expected negative = \["#RRGGBB", "#RRGGBB"\], got'),
        (
            '[sepia]\ninput = "#000000"',
            "table: expected one of light, dark, transparent, got 'sepia'",
        ),
        ("input =", "not TOML"),
    ],
)
def test_a_style_that_is_none(step, tmp_path, text, message):
    path = tmp_path / "slides.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=message):
        step.content(".svg", style=path)


# --- fonts -------------------------------------------------------------------------------------


def test_a_font(step):
    svg = step.content(".svg", font="dejavu serif").decode()
    assert "'DejaVu Serif'" in svg and "'DejaVu Serif'" not in step.content(".svg").decode()
    found = lettering.lettering("a", False, "DejaVu Serif")
    assert found.families[0] == "DejaVu Serif" and found.undrawn == ""


def test_packages_with_fonts():
    """As Debian names them: Chinese, Japanese and Korean letters, and all others."""
    assert lettering.packages("卷한カ") == ["fonts-noto-cjk"]
    assert lettering.packages("ꦲ") == ["fonts-noto-core"]
    assert lettering.packages("卷ꦲ") == ["fonts-noto-cjk", "fonts-noto-core"]


# --- kinds of files ----------------------------------------------------------------------------


@pytest.mark.parametrize(("suffix", "kind"), [(".jpg", "JPEG"), (".webp", "WEBP")])
def test_stills(step, suffix, kind):
    content = step.content(suffix, command="convlab render x")
    image = opened(content)
    assert (image.format, image.size) == (kind, (1600, 900))
    assert image.getexif()[0x010E].startswith("convlab render x\nConvolution\n")
    assert content == step.content(suffix, command="convlab render x")
    png = np.asarray(opened(step.content(".png")).convert("RGB"), float)
    assert np.abs(np.asarray(image.convert("RGB"), float) - png).mean() < 1
    clear = opened(step.content(suffix, theme="transparent"))
    assert clear.mode == ("RGB" if suffix == ".jpg" else "RGBA")
    assert suffix == ".webp" or clear.getpixel((2, 2)) == (255, 255, 255)


# --- the command line --------------------------------------------------------------------------


def test_on_the_command_line(convlab):
    (convlab.folder / "slides.toml").write_text('output = "#FFF3B0"\n', encoding="utf-8")
    command = ("render", "padding-modes", "--input", 4, "--padding", 1, "-o", "x.svg")
    wishes = ("--title", "Am Rand", "--size", "1200x675", "--font", "DejaVu Sans")
    result = convlab(*command, *wishes, "--language", "de", "--style", "slides.toml")
    assert result.status == 0
    assert result.err.startswith("note: slides.toml: output has a contrast of 1.1 with the ground")
    said = texts((convlab.folder / "x.svg").read_bytes())
    assert said[:2] == ["Am Rand", "Eingabe 4 × 4, Padding 1"] and "ringsum nur 0" in said
    convlab.works(*command, "--no-title", "--no-caption")
    assert texts((convlab.folder / "x.svg").read_bytes())[0] == "zeros"
    assert convlab.misused(*command, "--title", "a", "--no-title") == (
        "expected --title or --no-title, got both"
    )
    small = convlab(*command, "--size", "120x100")
    assert small.status == 1 and "size: expected at least" in small.err


@pytest.mark.slow
def test_a_page_of_beamer(step, tmp_path):
    """Pictures of the width of a slide, set without scaling: their text has its size."""
    find = shutil.which("kpsewhich")
    if (
        find is None
        or subprocess.run([find, "beamer.cls", "pgf.sty"], capture_output=True).returncode
    ):
        pytest.skip("a page of beamer is set with pdflatex and pgf, and they are not there")
    step.save(tmp_path / "step.pdf", size="108mmx60mm", language="de", title="Ein Schritt")
    step.save(tmp_path / "step.jpg", size="108mmx60mm", dpi=150)
    (tmp_path / "slides.tex").write_text(
        r"\documentclass[aspectratio=169]{beamer}\begin{document}"
        r"\begin{frame}\includegraphics{step.pdf}\end{frame}"
        r"\begin{frame}\includegraphics{step.jpg}\end{frame}\end{document}",
        encoding="utf-8",
    )
    words = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "slides.tex"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Output written on slides.pdf (2 pages" in done.stdout
    # 108 mm are 307.3 of TeX's points: neither picture is wider than the text.
    assert not [float(x) for x in re.findall(r"Overfull \\hbox \(([\d.]+)pt", done.stdout)]
