"""Catalogues of the gallery, its manifest, and results of experiments."""

import json

from . import cases
from .cases import EITHER, FAILS, GARBAGE, NO_FILES, WORKS, chosen, damaged, later, put

ENTRY = {
    "id": "one",
    "chapter": "first",
    "concept": "padding",
    "title": "One",
    "idea": "An idea.",
    "command": "convlab render padding-modes -o one.png",
}
HEAD = '[[chapter]]\nid = "first"\ntitle = "First"\n'
COMMANDS = """x|convlab|convlab x -o one.png|convlab render|convlab render padding-modes
convlab render padding-modes -o two.png|convlab render padding-modes -o ../one.png
convlab render padding-modes -o ../g/one.png|convlab render padding-modes -o one.png -o one.png
convlab render padding-modes -o one.png --json-file x.json|convlab render padding-modes -o one.exe
convlab render padding-modes -o one.png --alt|convlab render padding-modes -oone.png
convlab render padding-modes -o one.png; rm x|convlab render padding-modes -o "one.png
convlab render padding-modes --output one.png|convlab render padding-modes -o one.png {x}
convlab render padding-modes --input {photo} -o one.png|convlab --help|convlab cache clear
convlab train -o one.png|convlab gallery|convlab render filters nowhere -o one.png
convlab render filters {lenet} -o one.png|convlab render arithmetic --input 9999 -o one.png
convlab render image nowhere.png -o one.png|convlab render padding-modes -o one.gif
rm -rf x -o one.png|convlab apply photo.png -o one.png --raw ../x.csv
convlab render $(x) -o one.png"""
COMMANDS = COMMANDS.replace("\n", "|").split("|")
ONLY = ["--only", "one"]
USES = [[], [], ONLY, ["--json"], ["--table", "table.md"], ["--force", *ONLY]]


def table(kind, entries) -> str:
    lines = (f"{key} = {value}" for key, value in entries.items())
    return "\n".join([f"[[{kind}]]", *lines]) + "\n"


def texts(entry):
    return {key: json.dumps(value) for key, value in entry.items()}


def catalogue(rng):
    """(note, right, content) of a catalogue with one mistake."""
    entry, key = texts(ENTRY), rng.choice(list(ENTRY))

    def one(**changes):
        return HEAD + table("entry", entry | changes)

    good, command = HEAD + table("entry", entry), rng.choice(COMMANDS)
    value = rng.choice(['""', "3", "[]", "nan", '"x y"', '"../x"', '"ONE"', '"a\\nb"', "'<b>&'"])
    value = rng.choice(
        [value, '"-"', '"one-dark"', '"größe"', '"%s"', '"{x}"', "true", '"\\u0000"']
    )
    missing = {name: text for name, text in entry.items() if name != key}
    long = json.dumps("x" * 100_000)
    run = table("run", {"id": '"lenet"', "command": json.dumps(command)})
    page = texts({"id": "lab", "title": "x", "idea": "x", "command": command})
    return chosen(
        rng,
        *[(f"the command {command}", EITHER, one(command=json.dumps(command)))] * 9,
        *[(f"{key} = {value}", EITHER, one(**{key: value}))] * 5,
        (f"a run of {command}", FAILS, run + good),
        (f"a page of {command}", FAILS, good + table("page", page)),
        (f"no {key}", FAILS, HEAD + table("entry", missing)),
        ("a field more", FAILS, one(more="3")),
        ("a table more", FAILS, good + "[[x]]\na = 1\n"),
        ("an entry twice", FAILS, good + table("entry", entry)),
        ("no entries", FAILS, HEAD),
        ("no chapters", FAILS, table("entry", entry)),
        ("single brackets", FAILS, one().replace("[[", "[").replace("]]", "]")),
        ("entries that are numbers", FAILS, "entry = [1, 2]\n" + HEAD),
        ("claims of nowhere", FAILS, 'claims = "nowhere"\n' + good),
        ("claims that are a number", FAILS, "claims = 3\n" + good),
        ("claims above", EITHER, 'claims = "../.."\n' + good),
        ("a long idea", EITHER, one(idea=long)),
        ("deep lists", FAILS, good + "x = " + "[" * 20_000),
        ("UTF-16", FAILS, good.encode("utf-16")),
        ("a byte-order mark", WORKS, b"\xef\xbb\xbf" + good.encode()),
        ("damaged", EITHER, damaged(rng, good.encode())),
        ("garbage", FAILS, rng.choice(GARBAGE)),
    )  # fmt: skip


def build(own, folder, case):
    special, content = None, None
    if own.random() < 0.1:
        special = case.note = own.choice(NO_FILES)
        case.right = FAILS
    else:
        case.note, case.right, content = catalogue(own)
    cases.written_as(folder / "c.toml", content, special)
    put(
        folder / "table.md",
        own.choice(["<!-- gallery -->\n<!-- /gallery -->\n", "", "<!-- gallery -->"]),
    )
    if "table.md" in case.argv:
        case.right = EITHER


@cases.kind("catalogs", 70)
def catalogs(rng):
    while True:
        argv = ["gallery", "--catalog", "c.toml", "-o", "g", *rng.choice(USES)]
        yield later(argv, rng.getrandbits(32), build, env={"CONVLAB_NUM_THREADS": "1"})


# --- what the gallery and the experiments have written ------------------------------------------


VALUES = [None, True, -1, 10**30, 1.5, "", "x", "../../x.png", "/x.png", [], {}, [[]], "\n"]
VALUES += [float("nan"), float("inf"), "a" * 3000, "\u0000", "<script>", "$\\frac{"]


def places(value, above=()):
    """The way to each value of JSON, through objects and lists."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield (*above, key)
        yield from places(value[key], (*above, key))


def other_json(rng, content: str):
    """(note, content): one value of a JSON file is another, or missing."""
    record = json.loads(content)
    way, value = rng.choice(list(places(record))), rng.choice(VALUES)
    part = record
    for key in way[:-1]:
        part = part[key]
    if rng.random() < 0.25:
        del part[way[-1]]
        return f"{way} is missing", json.dumps(record).encode()
    part[way[-1]] = value
    return f"{way} is {value!r:.40}", json.dumps(record).encode()


def build_json(own, folder, case):
    from convlab_gallery.catalog import CATALOG

    put(folder / "c.toml", 'claims = "results"\n' + HEAD + table("entry", texts(ENTRY)))
    results = sorted((CATALOG.parent / "experiments/quick").glob("*.json"))
    result, how = own.choice(results), own.randrange(10)
    case.argv += ["--only", result.stem]
    case.note, content = other_json(own, result.read_text(encoding="utf-8"))
    path, special = folder / "results" / result.name, None
    if how < 3:  # the manifest instead
        record = {"hash": "x", "file": "lab.html", "picture": "pictures/one.png"}
        manifest = {"convlab": "0.1.0", "data": "digits", "runs": {}, "photo": "x"}
        manifest |= {"entries": {"one": record}, "films": {}, "pages": {}, "claims": {}}
        put(path, result.read_bytes())
        path = folder / "g" / "gallery.json"
        case.note, content = other_json(own, json.dumps(manifest))
    if how == 9:
        content, case.note = own.choice([damaged(own, content), *GARBAGE]), "damaged or garbage"
    elif how == 8:
        special = case.note = own.choice(NO_FILES)
        path.parent.mkdir(exist_ok=True)
    case.note = f"{path.name}: {case.note}"
    cases.written_as(path, content, special)


@cases.kind("json", 60)
def results(rng):
    while True:
        argv = ["gallery", "--catalog", "c.toml", "-o", "g"]
        yield later(argv, rng.getrandbits(32), build_json, env={"CONVLAB_NUM_THREADS": "1"})
