"""What a student can find out from a sheet, and the sheets of a class with their one key."""

import itertools
import re
import secrets
import zlib
from dataclasses import replace

import pytest

from convlab.errors import DataError, SpecError
from convlab.quiz import (
    ClassSet,
    Key,
    Sheet,
    key_bytes,
    quiz,
    read_students,
    sheet_bytes,
    sheet_files,
    student_name,
)
from convlab.quiz.saving import check_folder
from convlab.quiz.selection import SECRET, secret_seed

SEED = 8_765_432_109_876_543_210 >> 1
NAMES = ("Ada Lovelace", "Émilie du Châtelet", "Bo / Li")


@pytest.fixture(scope="module")
def one():
    return Sheet.of("all", SEED, 7, "Ada Lovelace")


@pytest.fixture(scope="module")
def names_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("class") / "names.txt"
    path.write_text("\n".join(NAMES), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def some(names_file):
    return ClassSet.of("all", names_file, SEED, 7)


# --- secrets -----------------------------------------------------------------------------------


def everything_in(content: bytes) -> bytes:
    """A file with its compressed streams, and its texts of two bytes a letter as plain ones."""
    parts = [content]
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", content, re.S):
        try:
            parts.append(zlib.decompressobj().decompress(stream))
        except zlib.error:
            continue
    found = b"\n".join(parts)
    return found + found.replace(b"\0", b"")


def words_of(figures) -> str:
    return "\n".join(t.get_text() for f in figures for axes in f.axes for t in axes.texts)


def test_nothing_on_a_sheet_leads_to_its_key(one):
    key = Key.of(one)
    clues = str(SEED), "--seed", "convlab quiz"
    for given, kept in [
        (everything_in(sheet_bytes(one, ".pdf")), everything_in(key_bytes(key, ".pdf"))),
        (sheet_bytes(one, ".md"), key_bytes(key, ".md")),
        (one.text().encode(), key.text().encode()),
        (words_of(one.pages()).encode(), words_of(key.pages()).encode()),
    ]:
        assert [clue for clue in clues if clue.encode() in given] == []
        assert [clue for clue in clues if clue.encode() not in kept] == []
        assert one.code.encode() in given and one.code.encode() in kept
    assert not any(str(SEED) in name for name in sheet_files(NAMES, ".pdf"))


def test_the_code_follows_from_what_is_printed_alone(one):
    assert re.fullmatch(r"[A-Z2-7]{4}-[A-Z2-7]{4}", one.code)
    assert replace(one, seed=1, count=99).code == one.code
    # Not from the answers either, which are not printed.
    first = one.exercises[0]
    unknown = replace(first, parts=(), solution=(), data={})
    assert replace(one, exercises=(unknown, *one.exercises[1:])).code == one.code
    others = [replace(one, student="Bo"), replace(one, exercises=one.exercises[1:])]
    others.append(Sheet.of("all", SEED + 1, 7, "Ada Lovelace"))
    assert len({one.code, *(other.code for other in others)}) == 4


def test_a_seed_that_is_drawn_is_large_and_a_small_one_is_warned_of(monkeypatch):
    monkeypatch.setattr(secrets, "randbelow", lambda count: 0)
    assert secret_seed() == SECRET == Sheet.of("pooling", count=1).seed
    monkeypatch.setattr(secrets, "randbelow", lambda count: count - 1)
    assert secret_seed() == 2**63 - 1
    for seed, warned in ((SECRET, False), (SECRET - 1, True), (7, True)):
        key = Key.of(Sheet.of("pooling", seed, 1))
        assert ("small seeds" in key.text()) == ("small seeds" in key.markdown()) == warned


def test_without_a_seed_the_teacher_is_told_the_one_that_was_drawn(convlab):
    drawn = convlab("quiz", "pooling", "--count", 2, "-o", "a.md")
    assert (drawn.status, drawn.out) == (0, "wrote a.md\n")
    (seed,) = re.findall(r"^the key: the same command with --seed (\d+) --answers\n$", drawn.err)
    assert int(seed) >= SECRET
    convlab.works("quiz", "pooling", "--count", 2, "--seed", seed, "--answers", "-o", "b.md")
    sheet, both = ((convlab.folder / name).read_text("utf-8") for name in ("a.md", "b.md"))
    assert both.startswith(sheet) and f"Seed: {seed}" in both and seed not in sheet
    assert convlab.works("quiz", "pooling", "--count", 2, "-o", "a.md", "--key", "k.md")
    assert (convlab.folder / "a.md").read_text("utf-8") != sheet


# --- a class -----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [5, 16])
def test_a_class_gets_the_same_kinds_with_other_numbers(count):
    sheets = [quiz("all", SEED, count, name) for name in NAMES]
    for exercises in zip(*sheets, strict=True):
        assert len({(one.kind, one.level, one.form) for one in exercises}) == 1
        assert all(a.data != b.data for a, b in itertools.combinations(exercises, 2))


def test_the_key_has_every_name_code_and_answer(some):
    assert [sheet.student for sheet in some.sheets] == list(NAMES)
    key = some.key
    text, markdown, printed = key.text(), key.markdown(), words_of(key.pages())
    for sheet in some.sheets:
        assert all(sheet.head in found for found in (text, markdown, printed))
        for exercise in sheet.exercises:
            assert exercise.answer() in text and exercise.answer() in printed
    assert f"--seed {SEED} --count 7 --students" in text


def test_a_class_again_from_the_seed_in_its_key(convlab):
    (convlab.folder / "names.txt").write_text("\n".join(NAMES), encoding="utf-8")
    words = ["quiz", "output-size", "--count", 2, "--students", "names.txt", "--format", "md"]
    said = convlab.works(*words)
    assert said == "wrote 3 sheets in sheets, the key: sheets-key.md\n"
    key = (convlab.folder / "sheets-key.md").read_text("utf-8")
    folder = convlab.folder / "sheets"
    assert sorted(path.name for path in folder.iterdir()) == [
        *("1 Ada Lovelace.md", "2 Émilie du Châtelet.md", "3 Bo - Li.md")
    ]
    for path in folder.iterdir():
        text = path.read_text("utf-8")
        assert re.search(r"Sheet: (\S+)", text)[1] in key and "Seed" not in text
    # A second seed would leave the sheets without their key.
    assert convlab.fails(*words).startswith("sheets-key.md: expected no key there yet")
    seed = re.search(r"Seed: (\d+)", key)[1]
    convlab.works(*words, "--seed", seed, "-o", "again", "--key", "key.md")
    for path in folder.iterdir():
        assert (convlab.folder / "again" / path.name).read_bytes() == path.read_bytes()


def test_what_would_be_given_out_by_mistake(convlab):
    (convlab.folder / "names.txt").write_text("Ada\n")
    words = ["quiz", "output-size", "--count", 1, "--students", "names.txt", "-o", "s"]
    (convlab.folder / "s").mkdir()
    inside = convlab.fails(*words, "--key", "s/key.pdf")
    assert inside == "s/key.pdf: expected a key outside the folder of the sheets"
    (convlab.folder / "s" / "notes.txt").write_text("")
    assert convlab.fails(*words) == "s: expected a folder for the sheets alone, got notes.txt in it"
    assert not (convlab.folder / "s-key.pdf").exists()
    assert convlab.fails(*words[:-1], "/").startswith("/: expected a folder for the sheets alone")


def test_what_cannot_be_made_is_said_before_the_work(convlab):
    for name, text in (("names.md", "Ada\n"), ("three.txt", "Ada\n三\n")):
        (convlab.folder / name).write_text(text, encoding="utf-8")
    made = ["quiz", "pooling", "--seed", 3, "--students", "names.md", "--format", "md"]
    taken = convlab.fails(*made, "--key", "names.md")
    assert taken == "names.md: expected another file for the key than that of the names"
    assert (convlab.folder / "names.md").read_text() == "Ada\n"
    file = convlab.fails(*made, "-o", "three.txt")
    assert file == "three.txt: cannot be written: expected a folder, got a file"
    assert len(list(convlab.folder.iterdir())) == 2
    with pytest.raises(SpecError, match="letters that DejaVu Sans has, got 三 in 三"):
        check_folder(convlab.folder / "none", ("Ada", "三"), ".pdf")


def test_files_of_names_that_no_file_could_have():
    assert sheet_files(["a/b", "..", "é" * 80, "x\\y:*?"], ".pdf") == (
        *("1 a-b.pdf", "2 .pdf", f"3 {'é' * 80}.pdf", "4 x-y---.pdf"),
    )
    assert sheet_files(["A"] * 10, ".md")[:2] == ("01 A.md", "02 A.md")


# --- the file of names -------------------------------------------------------------------------


def test_names_are_read_as_people_write_them(tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes("\ufeffAda  Lovelace \r\n\r\n\t\nE\u0301milie\r\n明".encode())
    assert read_students(path) == ("Ada Lovelace", "\u00c9milie", "明")
    assert student_name(" Ada\u00a0 Lovelace") == "Ada Lovelace"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Ada\nBo\n\n Ada\n", "names.txt: expected each name once, got Ada on lines 1 and 4$"),
        ("É\nE\u0301".encode(), "expected each name once, got É on lines 1 and 2$"),
        (b"\n \n", "expected 1 to 500 names, got 0$"),
        ("\n".join(f"A{i}" for i in range(501)).encode(), "expected 1 to 500 names, got 501$"),
        (b"\xc9milie", "not UTF-8 text$"),
        ("Ada".encode("utf-16"), "not UTF-8 text but UTF-16$"),
        (b"Ada\nB\x07o", "names.txt, line 2: expected a name of 1 to 80 letters, got 'B.x07o'$"),
        (b"x" * 81, "line 1: expected a name of 1 to 80 letters"),
    ],
)
def test_files_without_usable_names(tmp_path, content, message):
    path = tmp_path / "names.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_students(path)


def test_no_file_of_names(tmp_path, convlab):
    with pytest.raises(DataError, match="No such file"):
        read_students(tmp_path / "none.txt")
    assert convlab.fails("quiz", "all", "--students", ".") == ".: Is a directory"
    assert list(convlab.folder.iterdir()) == []
