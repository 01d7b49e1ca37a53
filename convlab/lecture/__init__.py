"""A lecturer's notes: what they claim of sizes and counts, computed again.

``notes`` finds sentences, rows of tables and programs, ``mentions`` what the numbers in them are,
``code`` what programs build.  ``scene`` keeps what has been said; from it ``sizes`` and ``counts``
compute a claimed number in every usual way, and ``judge`` decides which explains it best.
"""

from convlab.checks import check_calls
from convlab.lecture.verdict import FALSE, TRUE, UNKNOWN, Verdict, check, read

__all__ = ["FALSE", "TRUE", "UNKNOWN", "Verdict", "check", "read"]

check_calls(globals(), ["check", "read"])
