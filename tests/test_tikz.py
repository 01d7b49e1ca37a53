"""Figures as TikZ: what is in them, and that pdflatex makes one page of them."""

import re
import shutil
import subprocess

import numpy as np
import pytest

from convlab import pictures, viz
from convlab.errors import SpecError, UndrawnLetters
from convlab.viz.canvas import Canvas
from convlab.viz.style import theme_named

STEP = {"input": (5, 7), "stride": 2, "padding": 1}
HOST = r"""\documentclass{article}
\usepackage{tikz}
\pdfcompresslevel=0
\definecolor{convlab-input}{HTML}{FF0000}
\begin{document}
\resizebox{50mm}{!}{\input{figure}}
\end{document}
"""
BEAMER = r"""\documentclass{beamer}
\usepackage{standalone}
\usepackage{tikz}
\begin{document}
\begin{frame}
\only<1>{\resizebox{\linewidth}{!}{\input{part-1}}}%
\only<2>{\includestandalone[width=\linewidth]{part-2}}
\end{frame}
\end{document}
"""


def tex(picture, **settings):
    return picture.content(".tex", **settings).decode()


def texts(content):
    return re.findall(r"\\node\[.*?\] at \(.*?\) \{(.*)\};", content)


def test_the_numbers_of_a_step_are_nodes_in_the_places_of_the_picture():
    made = pictures.arithmetic(**STEP)
    content = tex(made)
    numbers = [*np.pad(made.inputs["input"][0], 1).flat, *made.weights["kernel"][0, 0].flat]
    written = [text.replace("$-$", "-") for text in texts(content)]
    cells = [int(text) for text in written if re.fullmatch(r"-?\d+", text)]
    assert cells[: len(numbers)] == numbers
    # Every text of the figure stands at its own point, in pixels from the upper left corner.
    for text in made.figure.axes[0].texts:
        x, y = (f"{place:.1f}".removesuffix(".0") for place in text.get_position())
        follows = any(text in getattr(other, "pieces", ()) for other in made.figure.axes[0].texts)
        assert follows or f"at ({x},{y})" in content
    assert r"{=} \textcolor{convlab-output}{\textbf{3}}" in content


def test_colours_are_those_of_roles_and_a_size_in_millimetres_is_kept():
    content = tex(pictures.arithmetic(**STEP), theme="dark", size="85mmx60mm")
    theme = theme_named("dark")
    for role in ("ground", "ink", "input", "window_fill", "output"):
        name = f"convlab-{role.replace('_', '-')}"
        assert rf"\providecolor{{{name}}}{{HTML}}{{{getattr(theme, role)[1:]}}}" in content
    assert "paperwidth=85.005mm" in content and r"\path[fill=convlab-window-fill]" in content
    own = tex(pictures.arithmetic(**STEP), style={"input": "#112233"})
    assert r"\providecolor{convlab-input}{HTML}{112233}" in own


def test_what_tex_cannot_hold_is_said():
    photograph = Canvas("slide", "light")
    photograph.picture(np.zeros((100, 100, 3), np.uint8), 0, 0, 900, 900)
    words = {"title": "t", "description": "d"}
    with pytest.raises(
        SpecError, match=r"^\.tex: expected at most 4096 cells of colour, got a pic"
    ):
        viz.figure_bytes(photograph.figure, ".tex", **words)
    signs = Canvas("slide", "light")
    signs.text(9, 9, "50 % of $x_1$ & {a} \\ #2 ≈ 10⁻⁵ x₁₂ Größe 卷")
    with pytest.warns(UndrawnLetters, match="^pdflatex has no 卷: it takes xelatex or lualatex"):
        content = viz.figure_bytes(signs.figure, ".tex", **words).decode()
    expected = r"50 \% of \$x\_1\$ \& \{a\} $\backslash$ \#2 $\approx$ 10$^{-5}$ x$_{12}$ Größe 卷"
    assert expected in content


def has(*files):
    """Whether LaTeX has these files."""
    found = shutil.which("kpsewhich") and all(
        subprocess.run(["kpsewhich", file], capture_output=True).stdout for file in files
    )
    return bool(found)


def compiled(folder, name, pages="1 page"):
    """The log and the bytes of the page that pdflatex makes of a file."""
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=120)
    log = (folder / f"{name}.log").read_text(errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert f"({pages}," in log and "Missing character" not in log and "Overfull" not in log
    return log, (folder / f"{name}.pdf").read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here")
def test_pdflatex_makes_one_page_and_a_document_changes_a_role(tmp_path):
    figures = {
        "step": pictures.arithmetic(channels=3, filters=2, values="floats"),
        "slanted": pictures.arithmetic(**STEP, layout="isometric"),
        "shades": pictures.arithmetic(40, 3),
        "columns": pictures.architecture("lenet5"),
        "volumes": pictures.architecture("lenet5", layout="volumes"),
    }
    for name, made in figures.items():
        for language in ("en", "fr") if name == "step" else ("en",):
            made.save(tmp_path / f"{name}.tex", language=language)
            compiled(tmp_path, name)
    pictures.arithmetic(**STEP).save(tmp_path / "figure.tex")
    (tmp_path / "host.tex").write_text(HOST)
    _, pdf = compiled(tmp_path, "host")
    assert b"\n1 0 0 RG" in pdf or b" 1 0 0 RG" in pdf  # the strokes of the role, now red
    assert b"0.06274 0.19215 0.66666 RG" not in pdf


@pytest.mark.slow
@pytest.mark.skipif(not has("beamer.cls", "standalone.sty"), reason="no beamer or standalone here")
def test_slides_of_beamer_take_parts_one_after_the_other(tmp_path):
    first, *_, last = pictures.arithmetic(**STEP).build(".tex")
    for number, content in ((1, first), (2, last)):
        (tmp_path / f"part-{number}.tex").write_bytes(content)
    (tmp_path / "slides.tex").write_text(BEAMER)
    compiled(tmp_path, "slides", "2 pages")
