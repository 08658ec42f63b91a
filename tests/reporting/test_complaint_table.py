"""Which test proves that a complaint about other systems is not one about this: by the number of the collection.

Complaints about enrollment, laboratories, imports, queries and sessions; each has a test that is named after it.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
#: Number of the complaint -> what it is about, and the files whose tests prove it.
TABLE: dict[int, tuple[str, tuple[str, ...]]] = {
    3: ("state changes that leave no event", ("reporting/test_complaints.py",)),
    4: ("verification that outlives its value", ("reporting/test_complaints.py",)),
    5: ("an import into a signed event", ("labs/test_import_pages.py",)),
    9: ("computed values that an import leaves behind", ("labs/test_imports.py", "reporting/test_complaints.py")),
    10: ("results that overwrite each other", ("labs/test_imports.py",)),
    11: ("altered duplicates that count twice", ("labs/test_imports.py",)),
    12: ("no account of what an import did", ("labs/test_imports.py", "labs/test_import_pages.py")),
    13: ("never asked and no in one zero", ("reporting/test_complaints.py",)),
    19: ("mail that names the wrong subject", ("reporting/test_complaints.py",)),
    22: ("two definitions of overdue", ("reporting/test_next_step.py",)),
    23: ("planned and actual dates kept by hand", ("labs/test_visit_checks.py",)),
    25: ("eligibility keyed in again at registration", ("enrollment/test_registration.py",)),
    26: ("what was typed is lost", ("reporting/test_complaints.py",)),
    27: ("sessions and conflicts that lose work", ("trialsite/test_drafts.py", "labs/test_together.py")),
    28: ("the mouse is needed", ("browser/test_shortcuts.py",)),
    29: ("hidden answers and completed dates", ("followup/test_pages.py", "trialsite/test_partial_dates.py")),
    30: ("other sites' subjects are seen", ("reporting/test_complaints.py",)),
}


def named_after(path: str) -> set[int]:
    """Numbers of the complaints that test functions of a file are named after."""
    tree = ast.parse((TESTS / path).read_text())
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {int(found[1]) for name in names if (found := re.match(r"test_complaint_(\d+)_", name))}


@pytest.mark.req("H1")
@pytest.mark.parametrize("number", TABLE)
def test_every_complaint_has_a_test_named_after_it(number: int) -> None:
    about, files = TABLE[number]
    assert [one for one in files if number not in named_after(one)] == [], about


def test_no_test_names_a_complaint_that_the_table_leaves_out() -> None:
    told = {(number, one) for number, (_, files) in TABLE.items() for one in files}
    paths = [str(path.relative_to(TESTS)) for path in TESTS.rglob("test_*.py") if "vendor" not in path.parts]
    assert {(number, path) for path in paths for number in named_after(path)} == told
