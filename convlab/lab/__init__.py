"""A trained network as one page for a browser: the file is all that is needed to play with it."""

from convlab.lab.description import Laboratory, check_fits, describe
from convlab.lab.page import figure_page, render
from convlab.lab.serve import HOST, server, stamp

__all__ = [
    "HOST",
    "Laboratory",
    "check_fits",
    "describe",
    "figure_page",
    "render",
    "server",
    "stamp",
]
