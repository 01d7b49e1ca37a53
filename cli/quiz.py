"""``convlab quiz``: exercises whose answers the engine works out, for one reader or a class."""

from pathlib import Path

import click
from convlab_cli import completion, options, progress, quiz_interactive
from convlab_cli.output import write
from convlab_cli.terminal import say
from convlab_cli.values import FILE, STANDARD, Written

PRINTED = (".pdf", ".md")
FORMATS = (*PRINTED, ".xml", ".zip")
SHEET = Written(*FORMATS)


def _check_student(context, parameter, value):
    if value is None:
        return None
    from convlab.errors import DataError
    from convlab.quiz import student_name

    try:
        return student_name(value)
    except DataError as error:
        raise click.BadParameter(str(error)) from None


@options.command()
@click.argument("topic", required=False, shell_complete=completion.topics)
@options.seed(
    "What makes the exercises; the same seed, the same sheets.  By default a random one, which"
    " nobody can find by trying; small ones can be found.",
    default=None,
)
@options.whole("--count", most=100, default=5)
@options.valued(
    "--student",
    callback=_check_student,
    metavar="NAME",
    help="Print the name, and make a sheet that nobody else gets.",
)
@options.valued(
    "--students",
    type=FILE,
    metavar="FILE",
    help="A sheet for each name in a text file, one a line: the same kinds of exercises with other"
    " numbers, and one key.",
)
@options.flag("--answers", help="Add the key, with the way to each answer.")
@options.also(
    "--key",
    suffixes=PRINTED,
    help="Write the key by itself, .pdf or .md: seed, codes of the sheets, answers and the way to"
    " each.  [default with --students: beside the folder]",
)
@options.flag("--interactive", help="Ask in the terminal, check and keep the score.")
@click.option(
    "-o",
    "--output",
    type=Written(folder=None),
    help="Write a sheet instead of text: A4 to print (.pdf), Markdown (.md, and for -), or with"
    " answers for a learning platform, Moodle XML (.xml) or a package of QTI 2.1 (.zip).  With"
    " --students the folder of the sheets, by default sheets.",
)
@options.choice(
    *("--format", "pdf", "md"),
    default=None,
    help="Of the sheets of --students.  [default: pdf]",
)
@options.choice("--language", "en", "de", "fr", "es", "zh", help="Of the exercises and the key.")
@options.json_options("Print the exercises as JSON, with answers and solutions.")
@options.flag("--alt", help="Print the alternative text of the sheet of -o.")
@click.pass_context
def command(context, topic, seed, count, students, format, language, **wanted):
    """Exercises on TOPIC: output-size, output-value, parameters, receptive-field, pooling,
    backpropagation, spot-the-mistake or all.  Without TOPIC: what they are about.

    A sheet has a code, by which the key finds it, and nothing that leads to the key.

    \b
    convlab quiz pooling --interactive
    convlab quiz spot-the-mistake --seed 7 --student Ada --answers -o ada.pdf
    convlab quiz all --students names.txt -o sheets
    """
    _check_usage(context, topic, students, format, **wanted)
    if topic is None:
        from convlab.quiz import topic_lines

        say(topic_lines())
    elif students is not None:
        folder, suffix = wanted["output"] or Path("sheets"), f".{format or 'pdf'}"
        _for_class(topic, seed, count, students, folder, suffix, wanted["key"], language)
    else:
        if wanted["output"] is not None:
            (place,) = (one for one in context.command.params if one.name == "output")
            SHEET.checked(wanted["output"], place, context)
        _for_one(topic, seed, count, language, **wanted)


def _check_usage(
    context, topic, students, format, student, key, answers, interactive, output, record, alt
):
    alone = student or answers or record.wanted
    if topic is None and (alone or output or students or key or interactive or format or alt):
        raise click.UsageError("expected a TOPIC, got none")
    if interactive and (students or key or output or answers or record.wanted):
        raise click.UsageError(
            "--interactive: expected no --answers, --key, --output, --json or --students with it"
        )
    if alt and (output is None or students):
        raise click.UsageError("--alt: expected --output with it, and no --students")
    if students and alone:
        raise click.UsageError("--students: expected no --student, --answers or --json with it")
    if students and output is not None and (output == STANDARD or _is_sheet(output)):
        raise click.UsageError(f"-o: expected a folder with --students, got {output}")
    if not students and format:
        raise click.UsageError("--format: expected --students with it")
    if answers and output is not None and output.suffix.lower() in FORMATS[2:]:
        raise click.UsageError(f"--answers: expected none with {output.suffix}, which has them")


def _is_sheet(path: Path) -> bool:
    return path.suffix.lower() in FORMATS and not path.is_dir()


def _for_one(topic, seed, count, language, student, key, answers, interactive, output, record, alt):
    from convlab.quiz import Key, Sheet, check_key, file_contents

    if key is not None:
        check_key(key, seed)
    sheet = Sheet.of(topic, seed, count, student, language)
    if interactive:
        quiz_interactive.ask_all(sheet.exercises)
        return
    answer_key = Key.of(sheet)
    files = file_contents(sheet, answer_key, output, key, answers)
    if record.wanted:
        record.put(sheet.record(), by_key=True)
    for path, content in files.items():
        write(path, content)
    if output is None:
        say([sheet.text() + (f"\n\n{answer_key.text()}" if answers else "")])
    else:
        say([sheet.alt if alt else f"wrote {', '.join(map(str, files))}"])
    if seed is None and not (answers or key):
        click.echo(f"the key: the same command with --seed {sheet.seed} --answers", err=True)


def _for_class(topic, seed, count, students, folder, suffix, key, language):
    from convlab.quiz import ClassSet, class_places, save_class

    names, key = class_places(students, folder, suffix, key, seed)
    with progress.bar(2 * len(names), label="sheets") as bar:
        made = ClassSet.of(topic, students, seed, count, bar.step, names, language)
        save_class(made, folder, suffix, key, bar.step)
    say([f"wrote {len(names)} sheets in {folder}, the key: {key}"])
