"""The page's text: one file with the network, the style and the script in it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from numpy.typing import NDArray

from convlab.errors import SpecError
from convlab.lab.description import Laboratory
from convlab.lab.translation import catalogue, translated
from convlab.words import Said, shown

TEMPLATE = Path(__file__).with_name("template")
LIMITS = {
    "size": (3, 32),
    "kernel": (1, 7),
    "stride": (1, 4),
    "padding": (0, 6),
    "dilation": (1, 3),
}
"""What the playground's sliders reach."""
LOCALES = {"en": "en-GB", "zh": "zh-Hans"}
"""Languages whose names in HTML say more."""
STYLES = ("style.css", "input.css")
_START = "main.js"
_COMMENT = re.compile(r"(?<=[\w;,{}()\]]) // [^`\"]*$")
_IMPORT = re.compile(r'import \{[^}]*\} from "\./(\w+\.js)";\n')
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.MULTILINE)


def modules() -> list[str]:
    """The files of the script, each after those that it imports."""
    ordered: list[str] = []
    met: set[str] = set()

    def visit(name: str) -> None:
        if name not in met:
            met.add(name)
            for needed in _IMPORT.findall(_text(name)):
                visit(needed)
            ordered.append(name)

    visit(_START)
    return ordered


def script(language: str = "en") -> str:
    """All modules as one, without imports, exports and comments; their top-level names are unique.

    No text in them goes over the end of a line, so that lines can be put flush left.
    """
    joined = "\n".join(_EXPORT.sub("", _IMPORT.sub("", _text(name))) for name in modules())
    lines = (_COMMENT.sub("", line.strip()) for line in translated(joined, language).splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def style() -> str:
    """The style sheets as one, flush left and without comments."""
    text = re.sub(r"/\*.*?\*/", "", "".join(map(_text, STYLES)), flags=re.DOTALL)
    return "\n".join(filter(None, map(str.strip, text.splitlines())))


def render(laboratory: Laboratory | None = None, live: str = "", language: str = "en") -> str:
    """The page as HTML in a language, without a network its playground.

    It computes everything itself and contacts no server.  ``live``: the stamp of a page that is
    served; it asks its own server for a newer one.  Raises SpecError for an unknown language.
    """
    if laboratory is None:
        say = _saying(language)
        title, summary = say("Convolution playground"), say("one layer of your own")
        return _playground(title, summary, language=language)
    description = _in_language(laboratory.description, language)
    return _rendered(
        language=language,
        title=description["title"],
        summary=_summary(description, language),
        live=live,
        description=_json(description),
        weights=_base64(laboratory.weights.astype(f"<f{description['bits'] // 8}")),
        images=_base64(laboratory.images),
        lessons=_base64(np.frombuffer(zlib.compress(laboratory.lessons.tobytes(), 9), np.uint8)),
        figure="",
    )


def figure_page(
    title: str,
    summary: str,
    settings: dict[str, Any],
    values: NDArray,
    weights: NDArray,
    bias: float,
) -> str:
    """The playground that begins with a figure's layer and numbers.

    ``settings``: operation, and size, kernel, stride, padding and dilation, whole numbers within
    LIMITS; ``values`` (size, size), ``weights`` (kernel, kernel).  Raises SpecError for others.
    """
    for name, (low, high) in LIMITS.items():
        if not low <= settings[name] <= high:
            got = settings[name]
            raise SpecError(f".html: expected a {name} from {low} to {high}, got {got}")
    darkest, brightest = min(0.0, float(values.min())), float(values.max())
    figure = {
        "settings": settings,
        "values": values.reshape(-1).tolist(),
        "weights": weights.reshape(-1).tolist(),
        "bias": bias,
        "range": [darkest, brightest if brightest > darkest else darkest + 1],
    }
    return _playground(title, summary, _json(figure))


def _playground(title: str, summary: str, figure: str = "", language: str = "en") -> str:
    texts = {"title": title, "summary": summary, "description": "", "live": "", "figure": figure}
    return _rendered(language=language, **texts)


def _saying(language: str) -> Callable[..., str]:
    """What says a form of the page's catalogue in a language."""
    known = catalogue(language)
    return lambda form, *values: known.get(form, form).format(*values)


def _in_language(description: dict[str, Any], language: str) -> dict[str, Any]:
    """A description with its words in a language: names of layers are what they are."""
    known = catalogue(language)

    def said(value: Any) -> Any:
        if isinstance(value, Said):
            return str(shown(value, language))
        if isinstance(value, dict):
            return {key: said(each) for key, each in value.items()}
        return [*map(said, value)] if isinstance(value, list) else value

    described = said(description)
    for words in [*described["layers"], described["form"] or {}]:
        for key in {"words", "short"} & words.keys():
            words[key] = known.get(words[key], words[key])
        if "computes" in words:
            # Of a layer that only passes numbers on: "x, moved into one row".
            told = (each if "(" in each else known.get(each, each) for each in words["computes"])
            words["computes"] = [*told]
    return described


def _json(values: dict) -> str:
    """Values inside their own element, which only "<" could end."""
    return json.dumps(values, separators=(",", ":")).replace("<", "\\u003c")


def _rendered(language: str, **texts: str) -> str:
    own = {"style": style(), "script": script(language)}
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("index.html").render(
        **own,
        **texts,
        t=_saying(language),
        locale=LOCALES.get(language, language),
        # A worker is made of the page's own script.
        policy=content_security_policy(
            **own,
            images="data: blob:",
            extra="; worker-src blob:" + ("; connect-src 'self'" if texts["live"] else ""),
        ),
    )


def _text(name: str) -> str:
    return TEMPLATE.joinpath(name).read_text(encoding="utf-8")


def _summary(description: dict, language: str) -> str:
    """One line under the title."""
    say = _saying(language)
    classes, parameters = len(description["classes"]), description["parameters"]
    parts = [say("{0} classes", classes), say("{0} parameters", shown(f"{parameters:,}", language))]
    if description["bits"] == 16:
        parts.append(say("weights as float16, answers within {0}", shown("0.001", language)))
    if description["accuracy"] is not None:
        accuracy = shown(f"{100 * description['accuracy']:.2f}", language)
        parts.append(say("test accuracy {0} %", accuracy))
    return " · ".join(parts)


def content_security_policy(style: str, script: str, images: str, extra: str = "") -> str:
    """The policy of a page: its own style and script, ``images``, ``extra``, and nothing else."""
    return (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}';"
        f" img-src {images}; base-uri 'none'; form-action 'none'{extra}"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).data).decode()
