"""Queries to answer and to close, and doses that nobody recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from dosing.selectors.phases import drawn_out
from protocol.doses import planned_days
from reporting.selectors.facts import SubjectFacts
from reporting.steps.step import ENTERS, REVIEWS, Kind, Step, days, near, page
from trialsite.models import Query, Role
from trialsite.query_selectors import at_field, site_date
from trialsite.selectors import protocol_of

#: Diaries come back with the visits: gaps are asked for after two weeks, and are overdue after six.
DIARY_DUE, DIARY_LATE = timedelta(days=14), timedelta(days=42)


def answer(facts: SubjectFacts) -> Iterator[Step]:
    yield from _queries(facts, facts.open_queries, Kind.ANSWER, "Answer", ENTERS)


def close(facts: SubjectFacts) -> Iterator[Step]:
    yield from _queries(facts, facts.answered_queries, Kind.REVIEW, "Close", REVIEWS)


def _queries(
    facts: SubjectFacts, queries: tuple[Query, ...], kind: Kind, verb: str, who: frozenset[Role]
) -> Iterator[Step]:
    if not queries:
        return
    oldest, alone = queries[0], len(queries) == 1
    age = (facts.today - site_date(oldest.opened_at, facts.subject.site.time_zone)).days
    note = f"oldest {days(age)} old" if age > 0 else ""
    oldest.subject = facts.subject  # known already: the address asks for it
    yield Step(kind, f"{verb} {len(queries)} {'query' if alone else 'queries'}", at_field(oldest), who, note)


def unrecorded_days(facts: SubjectFacts) -> list[date]:
    """Past days with a planned dose and no record, oldest first."""
    day1 = facts.subject.day1_on
    if day1 is None or not facts.spans:
        return []
    spans = drawn_out(facts.spans, day1, facts.today, protocol_of(facts.subject))
    missing = set(planned_days(spans, day1, protocol_of(facts.subject))) - facts.doses
    return sorted({on for on, _ in missing if on < facts.today})


def doses(facts: SubjectFacts) -> Iterator[Step]:
    unrecorded = unrecorded_days(facts)
    if not unrecorded or facts.today - unrecorded[0] <= DIARY_DUE:
        return
    first = unrecorded[0]
    url = f"{page(facts, 'subject_dosing')}?day={first.isoformat()}"
    urgency = "late" if facts.today - first > DIARY_LATE else ""
    note = f"since {near(first, facts.today)}"
    yield Step(Kind.ENTER, f"Record doses of {days(len(unrecorded))}", url, ENTERS, note, urgency, first + DIARY_LATE)
