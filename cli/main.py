"""``convlab``: the group of all commands.

Each command's module is imported when the command is run, so that ``--help``
needs neither Numba nor matplotlib.
"""

from __future__ import annotations

import importlib
import os
import sys

import click


class LazyGroup(click.Group):
    """A group whose commands are given as ``{name: (module, one line of help)}``."""

    def __init__(self, *arguments, lazy: dict[str, tuple[str, str]], **settings):
        super().__init__(*arguments, **settings)
        self.lazy = lazy

    def list_commands(self, context):
        return list(self.lazy)

    def invoke(self, context):
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            # Click would say "Aborted!" and exit with 1; 130 is what shells know for Ctrl-C.
            click.echo("stopped", err=True)
            context.exit(130)

    def get_command(self, context, name):
        if name not in self.lazy:
            return None
        return importlib.import_module(self.lazy[name][0]).command

    def format_commands(self, context, formatter):
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.lazy.items()])


@click.group(
    cls=LazyGroup,
    lazy={
        "train": ("convlab_cli.train", "Train a network; LeNet-5 on digits by default."),
        "evaluate": (
            "convlab_cli.evaluate",
            "Accuracy, confusion matrix and worst mistakes of a run.",
        ),
        "predict": ("convlab_cli.predict", "What a trained network says of your own images."),
        "summary": (
            "convlab_cli.summary",
            "Shapes, parameters and receptive fields, layer by layer.",
        ),
        "render": (
            "convlab_cli.render",
            "Pictures: filters, feature maps, receptive fields, curves.",
        ),
        "bench": ("convlab_cli.bench", "How fast it is on this machine, beside PyTorch."),
        "cache": ("convlab_cli.cache", "The compiled loops: list, delete or make them."),
    },
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="convlab")
def convlab():
    """A laboratory for convolutional networks.

    Train one with "convlab train", then look inside it with "convlab render".
    """


def main() -> None:
    """Run the command; an error that a user can meet is one line and exit status 1."""
    try:
        convlab(prog_name="convlab")
    except BrokenPipeError:
        # Whoever read our output has gone; Python must not try to flush it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        from convlab.errors import ConvlabError

        if not isinstance(error, ConvlabError):
            raise
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
