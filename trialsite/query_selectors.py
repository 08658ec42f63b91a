"""Reads of queries. Row level security has already hidden other sites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, QuerySet
from django.urls import reverse

from trialsite.access import Actor, Duty, can_anywhere
from trialsite.audit_selectors import RecordPlace
from trialsite.audit_words import analyte_words, label, visit_words
from trialsite.models import Query, QueryMessage, Subject
from trialsite.records import KINDS, Kind

#: Filters of the list, in the order in which they are shown.
SHOW = {"mine": "For me", "open": "Open", "answered": "Answered", "closed": "Closed", "all": "All"}


@dataclass(frozen=True)
class QueryRow:
    """A query as the list shows it. `age_days` runs from the opening to the closing or now."""

    query: Query
    field: str
    age_days: int
    last: QueryMessage | None


def filtered(by: Actor, show: str, at: datetime, *, site_code: str = "") -> QuerySet[Query]:
    """Queries of one filter, the oldest first.

    "mine": what waits for this person. Site staff answer what is open; who asks queries judges what was answered.
    """
    queries = Query.objects.select_related("subject", "site").order_by("opened_at", "id")
    if site_code:
        queries = queries.filter(site__code=site_code)
    if show == "mine":
        answers = can_anywhere(by, Duty.ANSWER_QUERY, at)
        return queries.filter(state=Query.State.OPEN if answers else Query.State.ANSWERED)
    return queries.filter(state=show) if show in Query.State.values else queries


def counts(by: Actor, at: datetime, *, site_code: str = "") -> dict[str, int]:
    """How many queries each filter would show."""
    return {show: filtered(by, show, at, site_code=site_code).count() for show in SHOW if show != "all"}


def of_subject(subject: Subject) -> QuerySet[Query]:
    """Every query of a subject: those not closed first, then by age."""
    found = Query.objects.select_related("subject", "site").filter(subject=subject)
    return found.order_by(F("closed_at").asc(nulls_first=True), "id")


def rows(queries: Sequence[Query], at: datetime) -> list[QueryRow]:
    """The queries with field, age and last message; one more query."""
    last: dict[int, QueryMessage] = {}
    for message in QueryMessage.objects.filter(query__in=[query.pk for query in queries]).order_by("id"):
        last[message.query_id] = message
    return [
        QueryRow(query, field_words(query), ((query.closed_at or at) - query.opened_at).days, last.get(query.pk))
        for query in queries
    ]


def field_words(query: Query) -> str:
    """The field that is asked about: serum M-spike, month 6; first dose."""
    kind = KINDS.get(query.record_type)
    what = analyte_words(query.item)
    if what == query.item and kind is not None:
        what = f"{kind.words}: {label(kind.table, query.item)}" if query.item else kind.words
    return f"{what}, {visit_words(query.visit_code)}" if query.visit_code else what


def page_of(kind: Kind, subject: Subject, visit_code: str, item: str) -> str:
    """The address of the page on which the value stands, at the value where that is known."""
    if not kind.page.startswith("visit"):
        return reverse(kind.page, args=[subject.key])
    if not visit_code:
        return reverse("subject_visits", args=[subject.key])
    return reverse(kind.page, args=[subject.key, visit_code]) + (f"#v_{item}" if item else "")


def next_for(by: Actor, at: datetime) -> Query | None:
    """The oldest query that waits for this person."""
    return filtered(by, "mine", at).first()


def visit_code_of(place: RecordPlace) -> str:
    """The visit that a record belongs to, if its own row says so."""
    return str(place.row.get("visit_code") or place.row.get("code") or "")
