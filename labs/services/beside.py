"""Results of one visit that contradict each other: asked of one of them, whichever was entered first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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


def ask_about_contradictions(
    *, by: Actor, at: datetime, subject: Subject, visit_code: str, confirmed: Collection[Analyte] = ()
) -> None:
    """Ask what the visit's results give cause to ask of each other, and close what they no longer do.

    confirmed: results of which the enterer says that they are so; what is asked of them is answered.
    Runs inside the caller's `writing`, after a change of any of them. The grid asks by itself about what it stores;
    this finds what stood there already, and what another form entered.
    """
    visit = Visit.objects.filter(subject=subject, code=visit_code).exclude(status=Visit.Status.IN_ERROR).first()
    stored = stored_panels(visit)
    results = {analyte: result for panel in stored.values() for analyte, result in panel.results.items()}
    found = {one.code: one.message for one in check_panel(standing_results(current_assessment(visit), stored))}
    asked = _asked(result.pk for result in results.values())
    for check, analyte in ASKED_OF.items():
        result = results.get(analyte)
        query = asked.get((check, result.pk)) if result else None
        if result is not None and (check in found or query is not None):
            anchor = Anchor("lab_result", result.pk, result.analyte, visit_code)
            words = found.get(check)
            question = Question(words, check, confirmed=analyte in confirmed) if words else None
            _settle(by, at, subject, anchor, query, question)


def _asked(result_ids: Iterable[int]) -> dict[tuple[str, int], Query]:
    asked = Query.objects.filter(record_type="lab_result", record_id__in=list(result_ids), check_code__in=ASKED_OF)
    return {(one.check_code, one.record_id): one for one in asked.order_by("id")}


def _settle(
    by: Actor, at: datetime, subject: Subject, anchor: Anchor, asked: Query | None, question: Question | None
) -> None:
    if question is None:
        if asked is not None and asked.state != Query.State.CLOSED:
            close_automatic_query(query=asked, at=at, reason="The results no longer contradict each other.")
    elif asked is None:
        raise_automatic_query(by=by, at=at, subject=subject, anchor=anchor, question=question)
    elif asked.state == Query.State.CLOSED and closed_itself(asked):
        reopen_automatic_query(query=asked, at=at, reason="It is so again.")
