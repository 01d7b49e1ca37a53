"""A trained network as one page for a browser: nothing but the file is needed to play with it."""

from convlab.lab.description import Laboratory, check_fits, describe
from convlab.lab.page import render

__all__ = ["Laboratory", "check_fits", "describe", "render"]
