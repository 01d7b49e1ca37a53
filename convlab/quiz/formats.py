"""The files of a sheet and of a key, by their suffix."""

from __future__ import annotations

from convlab.quiz.key import Key
from convlab.quiz.moodle import moodle_xml
from convlab.quiz.qti import qti_package
from convlab.quiz.sheet import Sheet
from convlab.viz import pages_bytes

PRINTED = (".pdf", ".md")
"""What a student can be given, and a key; the others hold the answers for a platform."""
FORMATS = (*PRINTED, ".xml", ".zip")


def sheet_bytes(sheet: Sheet, suffix: str, key: Key | None = None) -> bytes:
    """A sheet as a file of one of FORMATS: to print, Markdown, Moodle XML, or a package of QTI.

    Of the first two ``key`` is a part if given; else nothing in them leads to it.  Raises SpecError
    for a name in letters that the font of a .pdf lacks.
    """
    if suffix == ".xml":
        return moodle_xml(sheet)
    if suffix == ".zip":
        return qti_package(sheet)
    if suffix == ".md":
        return (sheet.markdown() + (f"\n{key.markdown()}" if key else "")).encode()
    if key is None:
        return pages_bytes(sheet.pages(), title=sheet.title, description=sheet.alt)
    description, pages = f"{sheet.alt}  {key.alt}", [*sheet.pages(), *key.pages()]
    return pages_bytes(
        pages, title=sheet.title, description=description, command=f"{key.command} --answers"
    )


def key_bytes(key: Key, suffix: str) -> bytes:
    """A key as a file of one of PRINTED.  Raises SpecError as ``sheet_bytes``."""
    if suffix == ".md":
        return key.markdown().encode()
    return pages_bytes(key.pages(), title=key.title, description=key.alt, command=key.command)
