"""Matrices as CSV: separators, decimal marks, long fields, rows that differ, no text."""

from . import cases
from .cases import EITHER, FAILS, GARBAGE, NO_FILES, WORKS, chosen, damaged, later

USES = [
    ["apply", "photo.png", "--kernel", "m.csv", "-o", "out.png"],
    ["render", "arithmetic", "--values", "m.csv", "-o", "out.png"],
    ["render", "arithmetic", "--input", "6", "--kernel-values", "m.csv", "-o", "out.png"],
    ["render", "pooling", "--values", "m.csv", "--kernel", "1", "-o", "out.png"],
    ["explain", "--values", "m.csv"],
    ["explain", "--input", "6", "--kernel-values", "m.csv", "--json-file", "out.json"],
]
ROWS = "1,0,-1\n2,0,-2\n1,0,-1\n"
NUMBERS = 'nan inf -inf 1e400 1e-400 1e38 -1e300 0x10 1_000 ² ٣ −1 1,5 x True 1+2j 1/3 =A1 \'1 "1"'


def whole(rng):
    number = rng.choice(NUMBERS.split(" "))
    return chosen(
        rng,
        *[(f"a number {number}", EITHER, ROWS.replace("2", number, 1))] * 6,
        ("semicolons", WORKS, ROWS.replace(",", ";")),
        ("tabulators", EITHER, ROWS.replace(",", "\t")),
        ("spaces", EITHER, ROWS.replace(",", " ")),
        ("decimal commas", WORKS, "1,5;0;-1,5\n2;0;-2\n1;0;-1\n"),
        ("mixed separators", EITHER, "1;0;-1,5\n2,0;-2\n1;0;-1\n"),
        ("ragged", FAILS, "1,0,-1\n2,0\n1,0,-1\n"),
        ("commas at the ends", EITHER, ROWS.replace("\n", ",\n")),
        ("a header", EITHER, "a,b,c\n" + ROWS),
        ("empty lines", EITHER, "\n\n" + ROWS + "\n\n\n"),
        ("a byte-order mark", WORKS, b"\xef\xbb\xbf" + ROWS.encode()),
        ("UTF-16", EITHER, ROWS.encode("utf-16")),
        ("CRLF", WORKS, ROWS.replace("\n", "\r\n")),
        ("CR", EITHER, ROWS.replace("\n", "\r")),
        ("no end of line", WORKS, ROWS.rstrip()),
        ("a long field", FAILS, "9" * 200_000 + ",1\n2,3\n"),
        ("a quote that does not end", FAILS, '"' + "1" * 150_000 + "\n"),
        ("100,000 columns", EITHER, ",".join(["1"] * 100_000) + "\n"),
        ("100,000 rows", EITHER, "1\n" * 100_000),
        ("2000 x 2000", EITHER, lambda: (",".join(["1"] * 2000) + "\n") * 2000),
        ("one number", EITHER, "1\n"),
        ("no numbers", FAILS, ",,\n,,\n,,\n"),
        ("blank", FAILS, "   \n"),
        ("a comment", EITHER, "#1,2\n3,4\n"),
        ("NUL", FAILS, "1,2\0,3\n"),
        ("sums overflow", EITHER, "1e308,1e308\n1e308,1e308\n"),
        ("an escape", FAILS, "\x1b[31m,1\n2,3\n"),
    )


def build(rng, folder, case):
    how, special, content = rng.randrange(10), None, None
    if how < 7:
        case.note, case.right, content = whole(rng)
    elif how < 8:
        case.note, content = "damaged", damaged(rng, ROWS.encode())
    elif how < 9:
        case.note, case.right, content = "garbage", FAILS, rng.choice(GARBAGE)
    else:
        special = case.note = rng.choice(NO_FILES)
        case.right = FAILS
    cases.written_as(folder / "m.csv", content, special)


@cases.kind("matrices", 90)
def matrices(rng):
    while True:
        yield later(rng.choice(USES), rng.getrandbits(32), build)
