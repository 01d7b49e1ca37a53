"""Values as JSON that other programs read too: finite numbers, arrays as lists, paths as texts."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

from convlab.errors import NotFiniteError


def json_text(value: Any, *, ensure_ascii: bool = True, indent: int | None = None) -> str:
    """A value as JSON, with arrays as lists and paths as texts.

    A float32 is written with the digits that distinguish it from its neighbours: 0.1.  Raises
    NotFiniteError if a number is NaN or infinite, which JSON cannot express.
    """
    layout: dict[str, Any] = {"ensure_ascii": ensure_ascii, "indent": indent}
    try:
        return json.dumps(value, allow_nan=False, default=_plain, **layout)
    except ValueError:
        raise NotFiniteError(
            "JSON: expected finite numbers to write, got NaN or infinity among them"
        ) from None


def json_bytes(value: Any, indent: int | None = None) -> bytes:
    """The content of a JSON file: UTF-8, with lone surrogates, from names that are not UTF-8, as
    JSON escapes.

    ``indent``: spaces for each level; by default all is on one line.  Raises NotFiniteError.
    """
    text = json_text(value, ensure_ascii=False, indent=indent)
    return f"{text}\n".encode("utf-8", "backslashreplace")


def record_bytes(record: dict[str, Any]) -> bytes:
    """A JSON file of one object with a line for each key.  Raises NotFiniteError."""
    lines = ",\n".join(
        f"{json_text(key)}: {json_text(value, ensure_ascii=False)}" for key, value in record.items()
    )
    return f"{{\n{lines}\n}}\n".encode("utf-8", "backslashreplace")


def picture_record(
    title: str, description: str, numbers: dict[str, dict[str, Any]], command: str
) -> dict[str, Any]:
    """What the JSON of a picture says; ``numbers``: in dicts like those of ``pictures.Picture``."""
    head = {"convlab": version("convlab"), "command": command}
    return {**head, "title": title, "description": description, **numbers}


def _plain(value: Any) -> Any:
    if getattr(value, "dtype", None) == "float32":
        value = value.astype("U").astype(float)
    return value.tolist() if hasattr(value, "tolist") else str(value)
