"""Markdown and LaTeX within a sentence as plain text: 5 × 5, ⌊(n + 2p − f)/s⌋ + 1."""

from __future__ import annotations

import re
import unicodedata

_COMMANDS = {
    "times": "×",
    "cdot": "·",
    "ast": "∗",
    "star": "∗",
    "circledast": "∗",
    "div": "/",
    "pm": "±",
    "approx": "≈",
    "simeq": "≈",
    "sim": "≈",
    "lfloor": "⌊",
    "rfloor": "⌋",
    "lceil": "⌈",
    "rceil": "⌉",
    "rightarrow": "→",
    "longrightarrow": "→",
    "Rightarrow": "→",
    "implies": "→",
    "mapsto": "→",
    "to": "→",
    "neq": "≠",
    "ne": "≠",
    "le": "≤",
    "leq": "≤",
    "ge": "≥",
    "geq": "≥",
    "ldots": "…",
    "cdots": "…",
    "dots": "…",
    "quad": " ",
    "qquad": " ",
    "%": "%",
    "#": "#",
    "&": "&",
    "_": "_",
    "{": "{",
    "}": "}",
    ",": " ",
    ";": " ",
    ":": " ",
    "!": "",
    " ": " ",
}
_SPELLED = re.compile(
    r"\\(?:text(?:bf|it|rm|tt|sf|sc)?|math(?:rm|bf|it|cal|sf|tt)|operatorname|mbox|hbox|boldsymbol"
    r"|emph|underbrace|overbrace|boxed)\*?\s*\{([^{}]*)\}"
)
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}|\\[dt]?frac\s*(\d)\s*(\d)")
_THOUSANDS = re.compile(r"(?<=\d)(?:\{,\}|\\,|\{\\,\}|\\ |~|[\u00a0\u2009\u202f'’])(?=\d{3}(?!\d))")
_LAYER = re.compile(r"\^\s*(?:\{\s*)?[\[(]\s*[\w+\-−]+\s*[\])](?:\s*\})?")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def plain(text: str) -> str:
    """A sentence in which formulas read like text, with single spaces.

    A layer's number at a symbol, as in n_H^{[l-1]}, is left out: sizes are those of one layer.
    """
    text = _markdown(text)
    text = _latex(text)
    text = re.sub(r"(?<![\w)\]])[⁰¹²³⁴⁵⁶⁷⁸⁹]+", " ", text)  # a footnote
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: "^" + found[0].translate(_SUPERSCRIPTS), text)
    text = re.sub(r"(?<=[\d)\]])\s*[–—]\s*(?=[\d(])", " − ", text)  # a dash for a minus sign
    text = unicodedata.normalize("NFKC", text.replace("…", " … ").replace("ﬁ", "fi"))
    text = text.replace("−", "-").replace("⋅", "·").replace("∙", "·").replace("•", "·")
    text = re.sub(r"[-─—–]{1,3}[>►▶]|={1,2}>|⟶|⇒|↦|➔|➜|⟹", "→", text)
    text = re.sub(r"(?<=\w)[‐‑](?=\w)", "-", text)
    text = re.sub(
        r"\b(stride|padding|dilation|rate|size|length|width)-(?=\d)",
        r"\1 ",
        text,
        flags=re.IGNORECASE,
    )
    text = re.sub(r"[\"'“”‘’](same|valid|full)[\"'“”‘’]", r"\1", text, flags=re.IGNORECASE)
    text = re.sub(
        r"(?:torch\.Size\()?[\[(](?:None|\?|-1|batch(?:_size)?|N|B), ?(\d+(?:, ?\d+)*)[\])]\)?",
        r"(\1)",
        text,
    )
    text = re.sub(r"torch\.Size\(\[([\d, ]+)\]\)", r"(\1)", text)
    return " ".join(text.split())


def _markdown(text: str) -> str:
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)  # links and pictures: their words
    text = re.sub(r"!?\[([^\]]*)\]\[[^\]]*\]", r"\1", text)
    text = re.sub(r"<(?:https?|mailto):[^>]*>|https?://\S+", " ", text)
    text = re.sub(r"</?[a-zA-Z][^<>]*>", " ", text)
    for entity, character in (("&times;", "×"), ("&nbsp;", " "), ("&rarr;", "→"), ("&minus;", "−")):
        text = text.replace(entity, character)
    text = re.sub(r"\[\^[^\]]+\]:?", " ", text)  # footnotes
    text = re.sub(r"`+([^`]*)`+", r" \1 ", text)
    text = re.sub(r"\*\*(?=\S)(.+?)(?<=\S)\*\*", r"\1", text)
    text = re.sub(r"(?<![\w_])__(?=\S)(.+?)(?<=\S)__(?![\w_])", r"\1", text)
    # Emphasis, not a product: no space inside, none outside a digit.
    text = re.sub(r"(?<![\w*)\d])\*(?=[^\s*])([^*]+?)(?<=[^\s*])\*(?![\w*(])", r"\1", text)
    text = re.sub(r"(?<![\w_])_(?=[^\s_])([^_]+?)(?<=[^\s_])_(?![\w_])", r"\1", text)
    return text.replace("~~", "")


def _latex(text: str) -> str:
    text = _THOUSANDS.sub("", text)
    text = re.sub(r"(?<=\d)\\[,;]\s*(?=\()", "", text)  # a product: 10 (5·5 + 1)
    for _ in range(4):  # what is inside a fraction may be one
        text = _SPELLED.sub(r" \1 ", text)
        text = _LAYER.sub("", text)
        text = re.sub(r"_\s*\{\s*([\w,]+)\s*\}", r"_\1", text)
        text = _FRACTION.sub(_fraction, text)
    text = re.sub(r"\^\s*\{\s*([\w\s]+?)\s*\}", r"^\1", text)
    text = re.sub(
        r"\\(?:left|right|bigl|bigr|Bigl|Bigr|big|Big|displaystyle|limits)(?![a-zA-Z])",
        "",
        text,
    )
    text = re.sub(
        r"\\([a-zA-Z]+|[^a-zA-Z])",
        lambda found: f" {_COMMANDS[found[1]]} " if found[1] in _COMMANDS else f" {found[1]} ",
        text,
    )
    return text.replace("$", " ").replace("{", " ").replace("}", " ")


def _fraction(found: re.Match) -> str:
    above, below = (found[1], found[2]) if found[3] is None else (found[3], found[4])
    return f"({above})/({below})"
