"""``convlab lecture``: what a lecturer's notes claim of sizes and counts, computed again."""

import sys
from pathlib import Path

import click
from convlab_cli import drawing, options
from convlab_cli.values import STANDARD, PathText, Written


@options.command()
@click.argument("notes", metavar="NOTES", type=PathText(path_type=str))
@options.valued(
    "-o",
    "--output",
    type=Written(folder=None),
    metavar="DIR|OUT.md",
    help="Also write the notes with a picture below each claim, into a folder or a file.",
)
@drawing.look
@options.json_options("One JSON object per line, one for each claim.")
def command(notes, output, look, record):
    """What NOTES, in Markdown or plain text, claim of sizes and counts, computed again.

    Each claim is marked true, false or not understood, with its line and the worked relation;
    "-" reads standard input.  What lectures usually leave out is assumed: stride 1, no padding,
    with or without biases.  Exit status 1 if a claim is false.
    """
    from convlab import lecture
    from convlab.files import check_place
    from convlab.lecture.report import verdict_lines

    if output == STANDARD:
        raise click.UsageError("-o: expected a folder or a file, got -, which is standard output")
    if output is not None:
        check_place(output, output.suffix.lower() != ".md")
    text = lecture.read(notes)
    verdicts = lecture.check(text)
    if output is not None:
        _write(text, verdicts, output, notes, look)
    record.show((verdict.record() for verdict in verdicts), verdict_lines(verdicts))
    if any(verdict.mark == lecture.FALSE for verdict in verdicts):
        sys.exit(1)


def _write(text, verdicts, path: Path, notes: str, look: dict) -> None:
    """The notes with their pictures, and a line that says so on stderr."""
    from convlab.names import counted
    from convlab.pictures.lecture import save_illustrated

    name = "notes" if notes == "-" else Path(notes).stem
    out = path if path.suffix.lower() == ".md" else path / f"{name}.md"
    if notes != "-" and out.exists() and out.samefile(notes):
        raise click.UsageError(f"-o: expected another file than the notes, got {out}")
    count = save_illustrated(out, text, verdicts, **look)
    click.echo(f"wrote {out} with {counted(count, 'picture')}", err=True)
