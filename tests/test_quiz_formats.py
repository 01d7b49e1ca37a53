"""Sheets in Markdown, and as Moodle and QTI 2.1 document what they import."""

import io
import re
import zipfile
from fractions import Fraction
from xml.etree import ElementTree

import numpy as np
import pytest
from convlab_cli import quiz as command

from convlab.quiz import FORMATS, PRINTED, Key, Sheet, key_bytes, sheet_bytes

COUNT = 21  # three rounds of all topics, with every level


@pytest.fixture(scope="module")
def sheet():
    return Sheet.of("all", 2, COUNT, "A*d_a <b>")


def wanted(exercise) -> list[Fraction | str]:
    """All numbers and letters of an exercise's answer, in the order in which it asks for them."""
    found = []
    for part in exercise.parts:
        if part.kind == "choice":
            found.append(part.value)
        else:
            found += [Fraction(value) for value in np.ravel(part.value).tolist()]
    return found


def test_the_formats_are_those_of_the_command():
    assert (command.PRINTED, command.FORMATS) == (PRINTED, FORMATS)


# --- Markdown ----------------------------------------------------------------------------------


def test_markdown_has_all_exercises_and_its_key_all_answers(sheet):
    given = sheet_bytes(sheet, ".md").decode()
    both = sheet_bytes(sheet, ".md", Key.of(sheet)).decode()
    key = key_bytes(Key.of(sheet), ".md").decode()
    assert both == f"{given}\n{key}"
    assert r"Name: A\*d\_a \<b\>  " in given and f"Sheet: {sheet.code}" in given
    assert re.findall(r"(?m)^## (\d+)$", given) == [str(n) for n in range(1, COUNT + 1)]
    assert given.count("```") == 2 * sum(bool(one.grids) for one in sheet.exercises)
    for number, exercise in enumerate(sheet.exercises, 1):
        assert exercise.question in given
        assert all(f"- {part.ask}: ____" in given for part in exercise.parts)
        assert f"**{number}.** {exercise.answer()}\n" in key
        assert all(f"- {line}\n" in key for line in exercise.solution)


# --- Moodle ------------------------------------------------------------------------------------

CLOZE = re.compile(r"\{(\d*):([A-Z_]+):([^{}]*)\}")
# What the importer reads of a question, by its type.
READ = {
    "numerical": {"name", "questiontext", "generalfeedback", "defaultgrade", "penalty", "hidden"}
    | {"answer", "tags"},
    "cloze": {"name", "questiontext", "generalfeedback", "penalty", "hidden", "tags"},
}


@pytest.fixture(scope="module")
def moodle(sheet):
    """Each question with its category and exercise, in the order of the file."""
    content = sheet_bytes(sheet, ".xml")
    assert content.startswith(b"<?xml version='1.0' encoding='UTF-8'?>\n<quiz>")
    category, found = None, []
    for question in ElementTree.fromstring(content):
        assert question.tag == "question"
        if question.get("type") == "category":
            category = question.findtext("category/text")
        else:
            number = int(question.findtext("name/text").rsplit(" ", 1)[1])
            found.append((category, question, sheet.exercises[number - 1]))
    return found


def text_of(question, name):
    """The XHTML of a part of a question, which must be well-formed, as one text."""
    part = question.find(name)
    assert part.get("format") == "html"
    text = part.findtext("text")
    return text, "".join(ElementTree.fromstring(f"<div>{text}</div>").itertext())


def test_moodle_gets_each_exercise_once_by_topic_and_level(sheet, moodle):
    assert len(moodle) == len({id(exercise) for _, _, exercise in moodle}) == COUNT
    for category, question, exercise in moodle:
        assert category == f"$course$/top/convlab/{exercise.kind}/level {exercise.level}"
        assert {child.tag for child in question} == READ[question.get("type")]
        assert question.findtext("penalty") == "0.3333333"
        assert sheet.code in question.findtext("name/text")
        _, text = text_of(question, "questiontext")
        assert exercise.question in text
        _, feedback = text_of(question, "generalfeedback")
        assert all(line in feedback for line in (exercise.answer(), *exercise.solution))
    assert {q.get("type") for _, q, _ in moodle} == {"numerical", "cloze"}


def test_moodle_accepts_the_right_answers_and_no_others(moodle):
    types = set()
    for _, question, exercise in moodle:
        text, _ = text_of(question, "questiontext")
        boxes = CLOZE.findall(text)
        assert text.count("{") == text.count("}") == len(boxes)
        if question.get("type") == "numerical":
            answer = question.find("answer")
            assert (answer.get("fraction"), boxes) == ("100", [])
            assert [Fraction(answer.findtext("text"))] == wanted(exercise)
            assert answer.findtext("tolerance") == "0"
            continue
        found = []
        for weight, kind, content in boxes:
            types.add(kind)
            assert weight == "1"
            if kind == "NUMERICAL":
                value, tolerance = re.fullmatch(r"=(-?\d+(?:\.\d+)?):([\d.]+)", content).groups()
                found.append(Fraction(value))
                # Less than the last place of what is asked for; whole numbers are exact.
                assert (tolerance == "0") == (found[-1].denominator == 1)
                assert float(tolerance) < 0.005
            else:
                choices = content.split("~")
                (right,) = (i for i, choice in enumerate(choices) if choice.startswith("="))
                assert tuple(choice.removeprefix("=") for choice in choices) == exercise.choices
                assert not re.search(r'[~=#%\\/"]', "".join(exercise.choices))
                found.append("abcd"[right])
        assert found == wanted(exercise)
    assert types == {"NUMERICAL", "MULTICHOICE_V"}


# --- QTI ---------------------------------------------------------------------------------------

QTI = "{http://www.imsglobal.org/xsd/imsqti_v2p1}"
CP = "{http://www.imsglobal.org/xsd/imscp_v1p1}"
TEMPLATE = "http://www.imsglobal.org/question/qti_v2p1/rptemplates/match_correct"
ORDER = ["responseDeclaration", "outcomeDeclaration", "itemBody", "responseProcessing"]
BLOCKS = {"p", "table", "choiceInteraction", "rubricBlock"}


@pytest.fixture(scope="module")
def package(sheet):
    return zipfile.ZipFile(io.BytesIO(sheet_bytes(sheet, ".zip")))


@pytest.fixture(scope="module")
def items(package):
    manifest = ElementTree.fromstring(package.read("imsmanifest.xml"))
    found = manifest.findall(f"{CP}resources/{CP}resource")
    return [ElementTree.fromstring(package.read(resource.get("href"))) for resource in found]


def test_the_manifest_lists_every_file(sheet, package):
    assert package.testzip() is None
    manifest = ElementTree.fromstring(package.read("imsmanifest.xml"))
    assert [child.tag for child in manifest] == [
        f"{CP}{name}" for name in ("metadata", "organizations", "resources")
    ]
    assert manifest.findtext(f"{CP}metadata/{CP}schema") == "QTIv2.1 Package"
    resources = manifest.findall(f"{CP}resources/{CP}resource")
    assert {one.get("type") for one in resources} == {"imsqti_item_xmlv2p1"}
    hrefs = [one.get("href") for one in resources]
    assert hrefs == [one.find(f"{CP}file").get("href") for one in resources]
    assert {"imsmanifest.xml", *hrefs} == set(package.namelist()) and len(hrefs) == COUNT
    identifiers = [one.get("identifier") for one in resources]
    assert len(set(identifiers)) == COUNT
    assert all(re.fullmatch(r"[A-Za-z_][\w.-]*", name) for name in identifiers)
    assert sheet_bytes(sheet, ".zip") == sheet_bytes(sheet, ".zip")  # without the time of day


def test_items_are_built_as_the_schema_says(sheet, items):
    for item, exercise in zip(items, sheet.exercises, strict=True):
        assert item.tag == f"{QTI}assessmentItem"
        assert item.attrib.keys() >= {"identifier", "title", "adaptive", "timeDependent"}
        names = [child.tag.removeprefix(QTI) for child in item]
        assert list(dict.fromkeys(names)) == ORDER and names.count("itemBody") == 1
        body = item.find(f"{QTI}itemBody")
        assert {child.tag.removeprefix(QTI) for child in body} <= BLOCKS
        for entry in body.iter(f"{QTI}textEntryInteraction"):  # inside of lines and cells alone
            parents = [parent.tag for parent in body.iter() if entry in list(parent)]
            assert parents in ([f"{QTI}p"], [f"{QTI}td"])
        for table in body.iter(f"{QTI}table"):
            assert [child.tag for child in table] == [f"{QTI}caption", f"{QTI}tbody"]
        asked = [
            element.get("responseIdentifier")
            for element in body.iter()
            if element.tag.endswith("Interaction")
        ]
        declared = [one.get("identifier") for one in item.iter(f"{QTI}responseDeclaration")]
        assert asked == declared == list(dict.fromkeys(declared))
        (rubric,) = body.iter(f"{QTI}rubricBlock")
        assert rubric.get("view") == "scorer"  # students do not see it
        told = "".join(rubric.itertext())
        assert all(line in told for line in (exercise.answer(), *exercise.solution))
        body.remove(rubric)
        shown = "".join(body.itertext())
        assert exercise.question in shown and exercise.solution[-1] not in shown


def marked(item, given):
    """The score for answers, as QTI 2.1 defines these rules."""
    processing = item.find(f"{QTI}responseProcessing")
    right = {
        one.get("identifier"): one.findtext(f"{QTI}correctResponse/{QTI}value")
        for one in item.iter(f"{QTI}responseDeclaration")
    }
    types = {
        one.get("identifier"): one.get("baseType") for one in item.iter(f"{QTI}responseDeclaration")
    }
    if processing.get("template") is not None:
        assert processing.get("template") == TEMPLATE and not len(processing)
        assert right.keys() == {"RESPONSE"} and types["RESPONSE"] != "float"
        return float(given["RESPONSE"] == right["RESPONSE"])
    score = float(item.findtext(f"{QTI}outcomeDeclaration/{QTI}defaultValue/{QTI}value"))
    for condition in processing:
        (rule,) = condition
        test, outcome = rule
        name = test.find(f"{QTI}variable").get("identifier")
        assert test.find(f"{QTI}correct").get("identifier") == name
        if test.tag == f"{QTI}match":
            assert types[name] != "float"  # for which it is not defined
            holds = given[name] == right[name]
        else:
            assert (test.tag, test.get("toleranceMode")) == (f"{QTI}equal", "absolute")
            below, above = map(float, test.get("tolerance").split())
            holds = -below <= float(given[name]) - float(right[name]) <= above
        assert outcome.get("identifier") == "SCORE"
        (total,) = outcome
        assert [child.tag for child in total] == [f"{QTI}variable", f"{QTI}baseValue"]
        score += holds * float(total[1].text)
    return score


def test_items_give_all_points_for_the_right_answers_alone(sheet, items):
    used = set()
    for item, exercise in zip(items, sheet.exercises, strict=True):
        answers = wanted(exercise)
        names = [one.get("identifier") for one in item.iter(f"{QTI}responseDeclaration")]
        texts = [one if isinstance(one, str) else f"{float(one):g}" for one in answers]
        given = dict(zip(names, texts, strict=True))
        most = float(item.find(f"{QTI}outcomeDeclaration").get("normalMaximum"))
        assert marked(item, given) == most == len(answers)
        for name in names:
            wrong = "z" if given[name].isalpha() else f"{float(given[name]) + 0.5:g}"
            assert marked(item, given | {name: wrong}) == most - 1
        used |= {one.get("baseType") for one in item.iter(f"{QTI}responseDeclaration")}
        for interaction in item.iter(f"{QTI}choiceInteraction"):
            offered = {
                one.get("identifier"): one.text for one in interaction.iter(f"{QTI}simpleChoice")
            }
            assert offered == dict(zip("abcd", exercise.choices, strict=False))
    assert used == {"integer", "float", "identifier"}


# --- the command -------------------------------------------------------------------------------


def test_every_format_is_written(convlab):
    for suffix in FORMATS:
        words = ["quiz", "output-value", "--count", 2, "--seed", 3, "-o", f"sheet{suffix}"]
        assert convlab.works(*words) == f"wrote sheet{suffix}\n"
        content = (convlab.folder / f"sheet{suffix}").read_bytes()
        assert content == sheet_bytes(Sheet.of("output-value", 3, 2), suffix)
    said = convlab.works("quiz", "pooling", "--seed", 3, "-o", "s.md", "--key", "k.pdf", "--alt")
    assert said.startswith("Exercises: pooling. 5 exercises, sheet ")
    assert (convlab.folder / "k.pdf").read_bytes().startswith(b"%PDF")
