"""Exercises as a package of IMS Question and Test Interoperability 2.1.

A .zip with ``imsmanifest.xml`` and an ``assessmentItem`` for each exercise.  Source: IMS Global,
"Question and Test Interoperability: Assessment Test, Section and Item Information Model", version
2.1 (2012), and "Integration Guide" of the same version for the manifest.
"""

from __future__ import annotations

import io
import zipfile
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from convlab.quiz.exercise import Exercise
from convlab.quiz.markup import TOLERANCE, Field, body, fields, solution
from convlab.quiz.sheet import Sheet
from convlab.viz.quiz_sheet import LETTERS

QTI = "http://www.imsglobal.org/xsd/imsqti_v2p1"
PACKAGE = "http://www.imsglobal.org/xsd/imscp_v1p1"
MATCH_CORRECT = "http://www.imsglobal.org/question/qti_v2p1/rptemplates/match_correct"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMAS = {
    QTI: "http://www.imsglobal.org/xsd/qti/qtiv2p1/imsqti_v2p1.xsd",
    PACKAGE: "http://www.imsglobal.org/xsd/qti/qtiv2p1/qtiv2p1_imscpv1p2_v1p0.xsd",
}
_DATE = (1980, 1, 1, 0, 0, 0)  # of every file, so that the same sheet gives the same bytes


def qti_package(sheet: Sheet) -> bytes:
    """The exercises of a sheet with their answers.

    An exercise with one box is marked by the standard template match_correct, one with several gets
    a point for each; the worked solution is a block that scorers see.
    """
    manifest = _root("manifest", PACKAGE, identifier=f"convlab-{sheet.code}")
    metadata = SubElement(manifest, "metadata")
    SubElement(metadata, "schema").text = "QTIv2.1 Package"
    SubElement(metadata, "schemaversion").text = "1.0.0"
    SubElement(manifest, "organizations")
    resources = SubElement(manifest, "resources")
    files = {}
    for number, exercise in enumerate(sheet.exercises, 1):
        name = f"items/{number:02d}-{exercise.kind}.xml"
        identifier = f"item-{sheet.code}-{number:02d}"
        kind = {"identifier": identifier, "type": "imsqti_item_xmlv2p1", "href": name}
        SubElement(SubElement(resources, "resource", kind), "file", href=name)
        files[name] = _document(_item(identifier, f"{sheet.title}, {number}", exercise))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in {"imsmanifest.xml": _document(manifest), **files}.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), data, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _root(name: str, namespace: str, **attributes: str) -> Element:
    # The names inside have no prefix: the namespace is the default one.
    where = {"xmlns": namespace, "xmlns:xsi": _INSTANCE}
    where["xsi:schemaLocation"] = f"{namespace} {_SCHEMAS[namespace]}"
    return Element(name, where | attributes)


def _document(root: Element) -> bytes:
    indent(root)
    return tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"


def _item(identifier: str, title: str, exercise: Exercise) -> Element:
    boxes = fields(exercise)
    names = [f"RESPONSE_{at}" for at in range(1, len(boxes) + 1)]
    if len(boxes) == 1:  # the name that the standard template reads
        names = ["RESPONSE"]
    fixed = {"adaptive": "false", "timeDependent": "false"}
    item = _root("assessmentItem", QTI, identifier=identifier, title=title, **fixed)
    for name, field in zip(names, boxes, strict=True):
        _declare(item, name, field)
    score = {"identifier": "SCORE", "cardinality": "single", "baseType": "float"}
    outcome = SubElement(item, "outcomeDeclaration", score, normalMaximum=str(len(boxes)))
    SubElement(SubElement(outcome, "defaultValue"), "value").text = "0"
    rest = iter(names)
    content = SubElement(item, "itemBody")
    content.extend(body(exercise, lambda field: _box(next(rest), field)))
    worked_out = SubElement(content, "rubricBlock", view="scorer")
    worked_out.extend(solution(exercise))
    if len(boxes) == 1 and not boxes[0].decimal:
        SubElement(item, "responseProcessing", template=MATCH_CORRECT)
    else:
        processing = SubElement(item, "responseProcessing")
        for name, field in zip(names, boxes, strict=True):
            _mark(processing, name, field)
    return item


def _declare(item: Element, name: str, field: Field) -> None:
    """The answer of a box: its type and its right value."""
    base = "identifier" if field.choices else "float" if field.decimal else "integer"
    kind = {"identifier": name, "cardinality": "single", "baseType": base}
    declaration = SubElement(item, "responseDeclaration", kind)
    SubElement(SubElement(declaration, "correctResponse"), "value").text = str(field)


def _box(name: str, field: Field) -> Element:
    if not field.choices:
        return Element("textEntryInteraction", responseIdentifier=name, expectedLength="8")
    choices = Element("choiceInteraction", responseIdentifier=name, shuffle="false", maxChoices="1")
    SubElement(choices, "prompt").text = field.label
    for letter, text in zip(LETTERS, field.choices, strict=False):
        SubElement(choices, "simpleChoice", identifier=letter).text = text
    return choices


def _mark(processing: Element, name: str, field: Field) -> None:
    """A point if the answer is right; numbers with decimals may be a little off."""
    condition = SubElement(SubElement(processing, "responseCondition"), "responseIf")
    if field.decimal:
        near = {"toleranceMode": "absolute", "tolerance": f"{TOLERANCE} {TOLERANCE}"}
        test = SubElement(condition, "equal", near)
    else:
        test = SubElement(condition, "match")
    SubElement(test, "variable", identifier=name)
    SubElement(test, "correct", identifier=name)
    total = SubElement(SubElement(condition, "setOutcomeValue", identifier="SCORE"), "sum")
    SubElement(total, "variable", identifier="SCORE")
    SubElement(total, "baseValue", baseType="float").text = "1"
