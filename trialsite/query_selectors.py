"""Reads of queries. Row level security has already hidden other sites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Case, Count, F, IntegerField, QuerySet, When
from django.urls import reverse

from trialsite.access import Actor, Duty, can_anywhere
from trialsite.audit_selectors import RecordPlace
from trialsite.audit_words import analyte_words, label, visit_words
from trialsite.models import Query, QueryMessage, Subject
from trialsite.records import KINDS, Kind

WEEK = timedelta(days=7)
#: Filters of the list, in the order in which they are shown.
SHOW = {"mine": "For me", "open": "Open", "answered": "Answered", "closed": "Closed", "all": "All"}


@dataclass(frozen=True)
class QueryRow:
    """A query as the list shows it. `url` opens it beside the field that it asks about."""

    query: Query
    field: str
    age_days: int
    last: QueryMessage | None
    url: str


def filtered(by: Actor, show: str, at: datetime, *, site_code: str = "", subject_key: str = "") -> QuerySet[Query]:
    """Queries of one filter: those not closed first, then the oldest.

    "mine": what waits for this person. Site staff answer what is open; who asks queries judges what was answered.
    """
    queries = Query.objects.select_related("subject", "site").order_by(
        F("closed_at").asc(nulls_first=True), "opened_at", "id"
    )
    if site_code:
        queries = queries.filter(site__code=site_code)
    if subject_key:
        queries = queries.filter(subject__key=subject_key)
    if show == "mine":
        return queries.filter(state=_state_for(by, at))
    return queries.filter(state=show) if show in Query.State.values else queries


def _state_for(by: Actor, at: datetime) -> Query.State:
    """The state in which a query waits for this person."""
    return Query.State.OPEN if can_anywhere(by, Duty.ANSWER_QUERY, at) else Query.State.ANSWERED


def counts(by: Actor, at: datetime, *, site_code: str = "", subject_key: str = "") -> dict[str, int]:
    """How many queries each filter would show."""
    found = filtered(by, "all", at, site_code=site_code, subject_key=subject_key).order_by()
    by_state = dict(found.values_list("state").annotate(n=Count("pk")))
    mine = by_state.get(_state_for(by, at), 0)
    return {"mine": mine, **{state: by_state.get(state, 0) for state in Query.State.values}}


def answered_lately(at: datetime, *, site_code: str = "", subject_key: str = "") -> int:
    """How many answers were given in the last seven days, in reach of whoever asks."""
    said = QueryMessage.objects.filter(action=QueryMessage.Action.ANSWERED, at__gt=at - WEEK, at__lte=at)
    if site_code:
        said = said.filter(site__code=site_code)
    return said.filter(query__subject__key=subject_key).count() if subject_key else said.count()


def rows(queries: Sequence[Query], at: datetime) -> list[QueryRow]:
    """The queries with field, age and last message; one more query."""
    last: dict[int, QueryMessage] = {}
    for message in QueryMessage.objects.filter(query__in=[query.pk for query in queries]).order_by("id"):
        last[message.query_id] = message
    return [
        QueryRow(
            query, field_words(query), age_on(query, query.site.time_zone, at), last.get(query.pk), at_field(query)
        )
        for query in queries
    ]


def age_on(query: Query, zone: str, at: datetime) -> int:
    """Days from the opening to the closing, or to now: the one definition of a query's age, in days of the site."""
    return (site_date(query.closed_at or at, zone) - site_date(query.opened_at, zone)).days


def site_date(at: datetime, zone: str) -> date:
    """The day that an instant falls on at a site."""
    return at.astimezone(ZoneInfo(zone)).date()


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
    place = "div_id" if kind.page == "visit" else "v"
    return reverse(kind.page, args=[subject.key, visit_code]) + (f"#{place}_{item}" if item else "")


def at_field(query: Query) -> str:
    """The page on which the value stands, with the query open beside it; its own page if it stands on none."""
    kind = KINDS.get(query.record_type)
    if kind is None:
        return reverse("query", args=[query.pk])
    page = page_of(kind, query.subject, query.visit_code, query.item).partition("#")[0]
    return f"{page}?query={query.pk}"


def value_page(query: Query) -> str:
    """The page on which the value stands, at the value; empty if it stands on none."""
    kind = KINDS.get(query.record_type)
    return page_of(kind, query.subject, query.visit_code, query.item) if kind else ""


def on_page(key: str, page: str, visit_code: str) -> list[Query]:
    """The standing queries about values of one page of a subject, in the order in which they were asked."""
    kinds = [name for name, kind in KINDS.items() if kind.page == page]
    standing = Query.objects.filter(subject__key=key, record_type__in=kinds).exclude(state=Query.State.CLOSED)
    return list(standing.filter(visit_code=visit_code) if visit_code else standing)


def next_for(by: Actor, at: datetime, *, after: Query | None = None) -> Query | None:
    """The oldest query that waits for this person: of the subject in hand first, then of any other."""
    waiting = filtered(by, "mine", at)
    if after is None:
        return waiting.first()
    in_hand = Case(When(subject_id=after.subject_id, then=0), default=1, output_field=IntegerField())
    return waiting.exclude(pk=after.pk).order_by(in_hand, "opened_at", "id").first()


def visit_code_of(place: RecordPlace) -> str:
    """The visit that a record belongs to, if its own row says so."""
    return str(place.row.get("visit_code") or place.row.get("code") or "")
