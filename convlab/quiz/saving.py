"""The folder of a class: its sheets, and the key beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from convlab.errors import RunError
from convlab.files import check_place, made_folder, write_atomically
from convlab.quiz.class_set import ClassSet, read_students, sheet_files
from convlab.quiz.formats import key_bytes, sheet_bytes
from convlab.quiz.key import Key
from convlab.quiz.sheet import Sheet
from convlab.reading import MAX_JSON, read_bytes
from convlab.viz.quiz_sheet import check_letters


def check_key(key: Path, seed: int | None) -> None:
    """Raise RunError if another file would be replaced, such as the only copy of another seed.

    ``seed``: that of the new key, None for one that is to be drawn.
    """
    if key.is_file() and not (seed is not None and _has_seed(key, seed)):
        wanted = "yet" if seed is None else f"yet, or one of seed {seed}"
        raise RunError(
            f"{key}: expected no key there {wanted}; name another file, or the seed of that one"
        )


def _has_seed(key: Path, seed: int) -> bool:
    """Whether a file is a key with this seed: all keys say by which command they are made."""
    try:
        content = read_bytes(key, MAX_JSON)
    except OSError:
        return False
    return re.search(rb"convlab quiz [a-z-]+ --seed %d\D" % seed, content) is not None


def key_place(folder: Path, key: Path | None, suffix: str, seed: int | None, names: Path) -> Path:
    """Where the key of the sheets in ``folder`` goes: by default beside it.

    ``seed``: as in ``check_key``; ``names``: the file of the students.  Raises RunError for a
    file among the sheets, and if the names or another file would be replaced.
    """
    own = folder.resolve()
    beside = own if folder.name in ("", "..") else folder
    key = key or beside.with_name(f"{own.name}-key{suffix}")
    if own in key.resolve().parents:
        raise RunError(f"{key}: expected a key outside the folder of the sheets")
    if key.exists() and names.exists() and key.samefile(names):
        raise RunError(f"{key}: expected another file for the key than that of the names")
    check_key(key, seed)
    return key


def check_folder(folder: Path, students: Sequence[str], suffix: str) -> None:
    """Whether the sheets can be made, before the work.

    Raises RunError for other files among them, which would be given out with them; SpecError for a
    name in letters that the font of a .pdf lacks.
    """
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder}: expected a folder for the sheets, got a file")
    found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    others = found - {*sheet_files(students, suffix)}
    if others:
        raise RunError(f"{folder}: expected a folder for the sheets alone, got {min(others)} in it")
    if suffix == ".pdf":
        for name in students:
            check_letters(name)


def class_places(
    students: Path, folder: Path, suffix: str, key: Path | None, seed: int | None
) -> tuple[tuple[str, ...], Path]:
    """The names in a file of students and the place of the key, checked before any work.

    Raises the errors of ``check_place``, ``read_students``, ``check_folder`` and ``key_place``.
    """
    check_place(folder, True)
    names = read_students(students)
    check_folder(folder, names, suffix)
    return names, key_place(folder, key, suffix, seed, names=students)


def file_contents(
    sheet: Sheet, answers: Key, place: Path | None, key: Path | None, with_answers: bool = False
) -> dict[Path, bytes]:
    """What goes into the files of a sheet and of its key, each of them if it has a path.

    ``with_answers``: whether the key stands on the sheet as well.  A path without a suffix, such as
    "-", is Markdown.
    """
    files = {}
    if place is not None:
        shown = answers if with_answers else None
        files[place] = sheet_bytes(sheet, place.suffix.lower() or ".md", shown)
    if key is not None:
        files[key] = key_bytes(answers, key.suffix.lower() or ".md")
    return files


def save_class(
    made: ClassSet, folder: Path, suffix: str, key: Path, tick: Callable[[], object]
) -> None:
    """Write the key, and each sheet into a file of its student's name.

    ``tick`` is called after each sheet is drawn.  Raises RunError, and SpecError as
    ``sheet_bytes``, before anything is written.
    """
    names = sheet_files([sheet.student or "" for sheet in made.sheets], suffix)
    contents = []
    for sheet in made.sheets:
        contents.append(sheet_bytes(sheet, suffix))
        tick()
    answers = key_bytes(made.key, key.suffix.lower())
    with made_folder(folder):
        write_atomically(key, answers)  # first, since it alone has the seed
        for name, content in zip(names, contents, strict=True):
            write_atomically(folder / name, content)
