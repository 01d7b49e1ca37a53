"""Each broken input gets one line, soon, in little memory, and nothing is lost.

    python -m pytest -m campaign tests/campaign -n 2
    python -m pytest -m campaign tests/campaign -k weights-017

The second repeats one case; its folder is kept where it fails.
"""

import shlex
import shutil

import pytest

from . import (  # noqa: F401
    api,
    catalogs,
    datasets,
    folders,
    matrices,
    models,
    options,
    pictures,
    runs,
    surroundings,
    weights,
)
from .cases import SEED, all_cases

pytestmark = pytest.mark.campaign


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in all_cases()])
def test_case(case, campaign, record_property):
    outcome, folder = campaign(case)
    figures = {name: getattr(outcome, name) for name in ("wall", "cpu", "peak_mb", "problems")}
    record_property("case", {"id": case.id, "kind": case.kind} | figures)
    if not outcome.problems:
        shutil.rmtree(folder)
        return
    command = shlex.join(["convlab", *case.argv]) if case.code is None else "in Python"
    wrong = "\n".join(f"    {name}: {why}" for name, why in outcome.problems.items())
    pytest.fail(
        f"{case.id}, seed {SEED}: {case.note}\n    {command[:500]!s}\n{wrong}\n"
        f"    status {outcome.status}, {outcome.wall:.1f} s, {outcome.peak_mb:.0f} MB\n"
        f"    {folder}\n"
        f"{outcome.err[-1500:]}",
        pytrace=False,
    )
