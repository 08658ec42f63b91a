"""A negative immunofixation beside an M-protein above 0: asked of the result, whichever was entered first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from labs.models import DiseaseAssessment
from labs.selectors import CODES, StoredPanel, current_assessment, stored_panels
from labs.services.consent import closed_itself
from labs.services.reading import ASKED_OF
from protocol.checks import check_panel
from protocol.vocabulary import Analyte
from trialsite.access import Actor
from trialsite.models import Query, Subject, Visit
from trialsite.services.queries import (
    Anchor,
    Question,
    close_automatic_query,
    raise_automatic_query,
    reopen_automatic_query,
)

CHECKS = ("ife_serum", "ife_urine")
#: Results of the disease assessment that a laboratory result can contradict.
ANSWERS = {Analyte.SERUM_IFE: "serum_ife", Analyte.URINE_IFE: "urine_ife"}


def standing_results(
    assessed: DiseaseAssessment | None, stored: Mapping[str, StoredPanel]
) -> dict[Analyte, Decimal | str]:
    """Results that stand for a visit already, immunofixation among them."""
    values: dict[Analyte, Decimal | str] = {}
    for panel in stored.values():
        values |= {a: r.coded if r.value is None else r.value for a, r in panel.results.items() if not r.missing}
    for analyte, name in ANSWERS.items():
        if assessed is not None and getattr(assessed, name):
            values[analyte] = CODES[DiseaseAssessment.Finding(getattr(assessed, name))]
    return values


def ask_about_immunofixation(*, by: Actor, at: datetime, subject: Subject, visit_code: str) -> None:
    """Ask what the immunofixation gives cause to ask of the visit's results, and close what it no longer does.

    Runs inside the caller's `writing`, after a change of the disease assessment; the grid asks when it is saved.
    """
    visit = Visit.objects.filter(subject=subject, code=visit_code).exclude(status=Visit.Status.IN_ERROR).first()
    stored = stored_panels(visit)
    results = {analyte: result for panel in stored.values() for analyte, result in panel.results.items()}
    found = {one.code: one.message for one in check_panel(standing_results(current_assessment(visit), stored))}
    for check in CHECKS:
        result = results.get(ASKED_OF[check])
        if result is not None:
            anchor = Anchor("lab_result", result.pk, result.analyte, visit_code)
            _settle(by, at, subject, anchor, check, found.get(check))


def _settle(by: Actor, at: datetime, subject: Subject, anchor: Anchor, check: str, words: str | None) -> None:
    asked = Query.objects.filter(record_type=anchor.record_type, record_id=anchor.record_id, check_code=check).first()
    if words is None:
        if asked is not None and asked.state != Query.State.CLOSED:
            close_automatic_query(query=asked, at=at, reason="The immunofixation was corrected.")
    elif asked is None:
        raise_automatic_query(by=by, at=at, subject=subject, anchor=anchor, question=Question(words, check))
    elif asked.state == Query.State.CLOSED and closed_itself(asked):
        reopen_automatic_query(query=asked, at=at, reason="It is so again.")
