"""Sentences of the audit trail, one table of events and what people read."""

from __future__ import annotations

from typing import Any

import pytest

from trialsite.audit_words import analyte_words, entry, shown, visit_words
from trialsite.models import AuditEvent

LAB, DOSE, ANSWER = "labs_labresult", "dosing_doserecord", "enrollment_screeninganswer"
RESULT = {"analyte": "serum_m", "typed": "2.9", "typed_unit": "g/dL", "version": 1}
TAKEN = {"drug": "ANAKINRA", "on": "2024-03-03", "status": "TAKEN", "version": 1}
MISSED = {**TAKEN, "status": "MISSED", "version": 2, "reason": "Diary misread"}


def read(table: str, op: str, new: Any = None, old: Any = None, before: Any = None, row: Any = None) -> str:
    event = AuditEvent(id=1, table=table, row_id="7", op=op, new=new, old=old, actor_name="Mary", role="", reason="Why")
    return entry(event, before, row or new or {}).words.removeprefix("Mary ").removesuffix(".")


@pytest.mark.req("B12")
@pytest.mark.parametrize(
    ("found", "words"),
    [
        (read(LAB, "INSERT", RESULT), "entered serum M-spike 2.9 g/dL"),
        (
            read(LAB, "INSERT", {**RESULT, "typed": "nd", "typed_unit": "", "version": 2}, before=RESULT),
            "changed serum M-spike from 2.9 g/dL to nd",
        ),
        (
            read(LAB, "UPDATE", {"superseded_at": "2024-03-04T10:00"}, {"superseded_at": None}, row=RESULT),
            "set serum M-spike 2.9 g/dL aside",
        ),
        (read(DOSE, "INSERT", TAKEN), "entered anakinra on 3 Mar 2024 Taken"),
        (read(DOSE, "INSERT", MISSED, before=TAKEN), "changed anakinra on 3 Mar 2024 from Taken to Missed"),
        (
            read(ANSWER, "INSERT", {"item": "self_inject", "value": "yes", "version": 1}),
            "entered the answer to self inject yes",
        ),
        (read("trialsite_visit", "INSERT", {"code": "m06", "ecog": 0}), "recorded visit Month 6: code m06, ecog 0"),
        (
            read("trialsite_visit", "UPDATE", {"status": "in_error"}, {"status": "complete"}, row={"code": "uns2"}),
            "changed visit Unscheduled visit 2: status from Complete to Entered in error",
        ),
        (read("labs_specimen", "UPDATE", {"version": 2}, {"version": 1}, row={"panel": "urine"}),
         "saved specimen urine again"),
        (read("trialsite_querymessage", "INSERT", {"action": "answered", "text": "So it is."}),
         "answered a query: So it is"),
        (read("trialsite_signature", "INSERT", {"record_type": "phase_decision", "meaning": "approval"}),
         "signed phase decision as approval"),
        (read("trialsite_signatureevent", "INSERT", {"kind": "broken"}), "marked a signature as broken"),
        (read("trialsite_subject", "DELETE", old={"id": 1}, row={}), "deleted subject"),
        (read("unknown_table", "INSERT", {"thing": True}), "recorded unknown table: thing yes"),
        (
            read(
                "labs_importmapping",
                "INSERT",
                {"mapping": {"date_format": "%d.%m.%Y", "tests": {"Urate": "urate"}, "units": {}}, "saved_by_id": 2},
            ),
            "recorded matched columns of a laboratory: mapping date format %d.%m.%Y, tests (Urate urate), units empty",
        ),
    ],
)  # fmt: skip
def test_an_event_in_words(found: str, words: str) -> None:
    assert found == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "empty"), ("", "empty"), (True, "yes"), (False, "no"), ("2024-03-04", "4 Mar 2024"),
        ("2024-03-04T10:15:00+00:00", "4 Mar 2024 10:15 UTC"), ({"phase": "INDUCTION"}, "phase INDUCTION"),
        (["I03", "E01"], "I03, E01"), (3, "3"),
    ],
)  # fmt: skip
def test_a_value_in_words(value: object, words: str) -> None:
    assert shown("unknown_table", "thing", value) == words


@pytest.mark.req("B12")
def test_the_reason_of_a_correction_is_its_own_and_a_first_entry_has_none() -> None:
    first = AuditEvent(id=1, table=DOSE, row_id="7", op="INSERT", new=TAKEN, actor_name="Mary", role="", reason="Dose")
    later = AuditEvent(id=2, table=DOSE, row_id="8", op="INSERT", new=MISSED, actor_name="Mary", role="", reason="X")
    assert (entry(first, None, TAKEN).reason, entry(later, TAKEN, MISSED).reason) == ("", "Diary misread")
    assert [change.field for change in entry(later, TAKEN, MISSED).changes] == ["status"]


def test_labels() -> None:
    assert analyte_words("hb") == "haemoglobin"
    assert analyte_words("something_else") == "something_else"
    assert [visit_words(code) for code in ("m06", "fu12", "uns3", "zz")] == [
        "Month 6", "Follow-up month 12", "Unscheduled visit 3", "zz",
    ]  # fmt: skip
