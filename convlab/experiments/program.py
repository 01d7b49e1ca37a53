"""Which program made a figure: a digest of the code that a trial runs, without what only reads."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

_ROOT = "convlab"
_DRAWN = ("convlab.viz", "convlab.pictures")  # figures are drawn from results, not in trials
_BY_NAME = "convlab.nn"  # its layers are found by their names, so no import says which
_LEFT_OUT = {"lineno", "col_offset", "end_lineno", "end_col_offset", "type_comment", "kind"}
_ANNOTATIONS = {"annotation", "returns"}


@lru_cache(maxsize=64)
def digest(measure: Callable) -> str:
    """A digest of the code that ``measure`` runs, BLAKE2b, 8 bytes in hexadecimal.

    Of its own module it takes what it calls, of all modules of convlab that these import
    everything; comments, docstrings, annotations and the way that lines are broken do not count.
    The digest is the same in every version of Python whose syntax trees say the same.
    """
    total = hashlib.blake2b(digest_size=8)
    bodies = _needed(_tree(measure.__module__), measure.__name__)
    total.update(_text(bodies).encode())
    known: set[str] = set()
    wanted = set(_imported(bodies))
    while wanted:
        name = wanted.pop()
        known.add(name)
        wanted |= set(_module(name)[1]) - known
    if any(name.startswith(_BY_NAME) for name in known):
        known |= {_home(_BY_NAME, name) for name in importlib.import_module(_BY_NAME).__all__}
    for name in sorted(known):
        total.update(f"{name} {_module(name)[0]}\n".encode())
    return total.hexdigest()


@lru_cache(maxsize=1024)
def _module(name: str) -> tuple[str, tuple[str, ...]]:
    """A module's own digest, and the modules of convlab that it imports."""
    body = _tree(name).body
    text = hashlib.blake2b(_text(body).encode(), digest_size=8)
    return text.hexdigest(), _imported(body)


@lru_cache(maxsize=1024)
def _source(name: str) -> str | None:
    """The text of a module, None if there is no such module."""
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    if found is None or found.origin is None or not found.origin.endswith(".py"):
        return None
    return Path(found.origin).read_text(encoding="utf-8")


def _needed(tree: ast.Module, name: str) -> list[ast.stmt]:
    """The statements of a module that a function in it needs, in their order."""
    makers: dict[str, list[ast.stmt]] = {}
    for statement in tree.body:
        for made in _made_by(statement):
            makers.setdefault(made, []).append(statement)
    needed: set[int] = set()
    wanted = [name]
    while wanted:
        for statement in makers.get(wanted.pop(), ()):
            if id(statement) not in needed:
                needed.add(id(statement))
                wanted += _names(statement)
    return [statement for statement in tree.body if id(statement) in needed]


def _made_by(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement of a module defines."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.split(".")[0] for alias in statement.names)
    else:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id


def _names(tree: ast.AST) -> Iterator[str]:
    return (node.id for node in _walk(tree) if isinstance(node, ast.Name))


def _walk(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but annotations, and what is there for type checkers."""
    if isinstance(tree, ast.If) and ast.unparse(tree.test) == "TYPE_CHECKING":
        return
    yield tree
    for field, value in ast.iter_fields(tree):
        if field not in _ANNOTATIONS:
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, ast.AST):
                    yield from _walk(part)


def _imported(body: list[ast.stmt]) -> tuple[str, ...]:
    """The modules of convlab that these statements use, wherever they import them.

    Of what a package only passes on, that is the module where it is made.
    """
    nodes = [node for statement in body for node in _walk(statement)]
    parts: dict[str, set[str]] = {}  # by name: which attributes of it are used
    whole = {node.id for node in nodes if isinstance(node, ast.Name)}
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            parts.setdefault(node.value.id, set()).add(node.attr)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == _ROOT:
            for alias in node.names:
                name, inner = alias.asname or alias.name, f"{node.module}.{alias.name}"
                if name not in whole:
                    continue
                if _source(inner) is None:
                    found.add(_home(str(node.module), alias.name))
                else:
                    found |= {_home(inner, part) for part in parts.get(name, ())}
        elif isinstance(node, ast.Import) and _ROOT in parts:
            found |= {_home(_ROOT, part) for part in parts[_ROOT]}
    return tuple(sorted(name for name in found if not name.startswith(_DRAWN)))


@lru_cache(maxsize=4096)
def _home(module: str, name: str) -> str:
    """The module that makes what ``module`` has under a name."""
    if _source(f"{module}.{name}") is not None:
        return f"{module}.{name}"
    for node in _tree(module).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == _ROOT:
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    return _home(str(node.module), alias.name)
    return module


@lru_cache(maxsize=1024)
def _tree(name: str) -> ast.Module:
    return ast.parse(_source(name) or "")


def _text(body: list[ast.stmt]) -> str:
    return "\n".join(_parts(statement) for statement in body)


def _parts(node: object) -> str:
    """A syntax tree as a text, without what does not change what it does."""
    if isinstance(node, list):
        return f"[{' '.join(map(_parts, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = []
    for name, value in ast.iter_fields(node):
        if name in _LEFT_OUT or name in _ANNOTATIONS or value is None or value == []:
            continue
        if name == "body" and isinstance(value, list) and _is_text(value[0]):
            value = value[1:]
        fields.append(f"{name}={_parts(value)}")
    return f"{type(node).__name__}({' '.join(fields)})"


def _is_text(statement: object) -> bool:
    """Whether a statement is a docstring."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
