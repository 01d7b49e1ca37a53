"""Every error that a user can meet.

Each message is one line that says what was expected and what came.  The
command line prints it and exits with status 1.
"""


class ConvlabError(Exception):
    """Base of all errors that convlab raises on purpose; its message is one line."""

    def __init__(self, *arguments: object):
        super().__init__(*(" ".join(str(a).split()) if "\n" in str(a) else a for a in arguments))


class ShapeError(ConvlabError, ValueError):
    """An array, kernel, stride, padding or index whose shape or size does not fit."""


class DTypeError(ConvlabError, TypeError):
    """An array of a kind of number that an operation does not take."""


class GraphError(ConvlabError, RuntimeError):
    """A backward pass that cannot be run."""


class DeviceError(ConvlabError, RuntimeError):
    """Hardware or threads that were asked for and are not there."""


class CacheError(ConvlabError, OSError):
    """A folder of compiled loops that cannot be written, read or deleted."""


class CacheWarning(UserWarning):
    """Compiled loops that are not kept, or are compiled again: it costs time only."""


class SpecError(ConvlabError, ValueError):
    """A model, layer or setting that does not exist or does not fit."""


class DataError(ConvlabError, ValueError):
    """A data set, picture or file that cannot be found, fetched or read."""


class RunError(ConvlabError, RuntimeError):
    """A run folder or checkpoint that cannot be written, read or resumed."""


class DivergedError(ConvlabError, ArithmeticError):
    """A training loss that is no longer finite."""
