"""Documents that are made from the program: complete, and found out when they are stale."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from reporting.documents.dictionary import dictionary
from reporting.documents.permissions import permissions
from reporting.documents.requirements import UnknownRequirement, marks, requirements
from trialsite.access import DUTIES
from trialsite.models import Role

NAMES = {"permissions.md", "data-dictionary.md", "requirements.md", "protocol.md", "er-diagram.md"}


def test_what_was_written_is_up_to_date_and_a_change_is_found(tmp_path: Path) -> None:
    call_command("generate_docs", "--out", str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == NAMES
    call_command("generate_docs", "--check", "--out", str(tmp_path))
    (tmp_path / "permissions.md").write_text("old")
    (tmp_path / "er-diagram.md").unlink()
    with pytest.raises(CommandError, match=r"permissions\.md, er-diagram\.md") as refused:
        call_command("generate_docs", "--check", "--out", str(tmp_path))
    assert refused.value.returncode == 1


def test_every_duty_and_role_is_in_the_table() -> None:
    text = permissions()
    for duty, held in DUTIES.items():
        line = next(line for line in text.splitlines() if line.startswith(f"| {duty.value} |"))
        assert line.count("yes") == len(held & frozenset(Role))


def test_every_clinical_table_is_in_the_dictionary() -> None:
    text = dictionary()
    for table in ("trialsite_subject", "labs_labresult", "dosing_doserecord", "followup_followupcontact"):
        assert f"(`{table}`)" in text
    assert "| `serum_m` |" in text


SAMPLE = """
import pytest
pytestmark = [pytest.mark.django_db, pytest.mark.req("B1")]

@pytest.mark.req("B2", "B3")
def test_one(): ...

@pytest.mark.req("B4")
class TestTwo:
    @pytest.mark.req("B5")
    def test_inner(self): ...
    def helper(self): ...

def helper(): ...
"""


def test_marks_are_read_from_functions_classes_and_modules(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_sample.py").write_text(SAMPLE)
    found = marks(folder)
    assert found["B2"] == found["B3"] == ["tests/test_sample.py::test_one"]
    assert found["B5"] == ["tests/test_sample.py::TestTwo::test_inner"]
    assert found["B4"] == found["B5"]
    assert len(found["B1"]) == 2


def test_a_mark_that_nobody_knows_is_found_out(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_sample.py").write_text('import pytest\n@pytest.mark.req("Z99")\ndef test_one(): ...\n')
    with pytest.raises(UnknownRequirement, match="Z99"):
        requirements(folder)
