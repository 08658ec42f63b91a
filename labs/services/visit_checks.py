"""What a visit's own facts are asked about: a date outside its window, vital signs and a weight that are unlikely."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal

from labs.selectors import planned_visits
from labs.selectors.bedside import last_weight
from labs.services.consent import closed_itself
from protocol.checks import Finding, check_vitals, check_window
from protocol.vitals import PLAUSIBLE
from trialsite.access import Actor
from trialsite.models import Query, Subject, Visit
from trialsite.services.queries import (
    Anchor,
    Question,
    close_automatic_query,
    confirm_automatic_query,
    raise_automatic_query,
    reopen_automatic_query,
)
from trialsite.services.subjects import visit_for

RECORD, DATE = "visit", "occurred_on"
CHECKS = ("window", "vital_implausible", "weight_jump")
CONFIRMED = "Is what the source says."


def visit_with_question(
    *, by: Actor, at: datetime, subject: Subject, code: str, occurred_on: date, reason: str = ""
) -> Visit:
    """The visit of that slot; where this entry makes it, its date is asked about as on the visit's own page."""
    standing = Visit.objects.filter(subject=subject, code=code).exclude(status=Visit.Status.IN_ERROR).first()
    if standing is not None:
        return standing
    visit = visit_for(by=by, at=at, subject=subject, code=code, occurred_on=occurred_on, reason=reason)
    ask_about_visit(by=by, at=at, subject=subject, visit=visit)
    return visit


def ask_about_visit(
    *, by: Actor, at: datetime, subject: Subject, visit: Visit, confirmed: Collection[str] = ()
) -> None:
    """Ask what the visit's facts give cause to ask, and close what they no longer do.

    confirmed: items asked about of which the enterer says that the source has them so; a value that changes at the
    same time is asked about anew. Nothing is asked twice of one value, nor where the same date was asked about with
    the contact of the visit. Runs inside the caller's `writing`.
    """
    found = _findings(subject, visit)
    known = Query.objects.filter(subject=subject, visit_code=visit.code, check_code__in=CHECKS)
    asked = {(query.check_code, query.text): query for query in known.order_by("id")}
    wanted = {(finding.code, finding.message): item for item, finding in found}
    for key, query in asked.items():
        if query.record_type != RECORD or query.state == Query.State.CLOSED:
            continue
        if key not in wanted:
            close_automatic_query(query=query, at=at, reason="The value was corrected.")
        elif query.item in confirmed:
            confirm_automatic_query(by=by, query=query, at=at, text=CONFIRMED)
    for (check, text), item in wanted.items():
        before = asked.get((check, text))
        if before is None:
            anchor = Anchor(RECORD, visit.pk, item, visit.code)
            raise_automatic_query(by=by, at=at, subject=subject, anchor=anchor, question=Question(text, check))
        elif before.state == Query.State.CLOSED and closed_itself(before):
            reopen_automatic_query(query=before, at=at, reason="The value is so again.")


def open_visit_questions(subject: Subject, code: str) -> list[Query]:
    """What is asked about the facts of a visit and waits for an answer; one query."""
    standing = Query.objects.filter(subject=subject, visit_code=code, record_type=RECORD, check_code__in=CHECKS)
    return list(standing.filter(state=Query.State.OPEN).order_by("id"))


def _findings(subject: Subject, visit: Visit) -> list[tuple[str, Finding]]:
    """Items of the visit with what is to be asked of each; nothing for a visit that stands no more."""
    if visit.occurred_on is None or visit.status in {Visit.Status.IN_ERROR, Visit.Status.NOT_DONE}:
        return []
    # Before Day 1 the window of screening is a guess from the day of registration: nothing is asked.
    known = planned_visits(subject) if subject.day1_on is not None else ()
    planned = next((one for one in known if one.code == visit.code), None)
    window = check_window(visit.occurred_on, planned.opens_on, planned.closes_on) if planned else ()
    measured = {name: getattr(visit, name) for name in PLAUSIBLE}
    values = {name: Decimal(value) for name, value in measured.items() if value is not None}
    before = last_weight(subject, visit.occurred_on, besides=visit) if visit.weight_kg is not None else None
    return [*((DATE, finding) for finding in window), *check_vitals(values, before)]
