"""How long data take: from the visit to its entry, from entry to a query, from the query to its answer and closure.

Every stretch is counted in calendar days of the site, so that a number can be checked with a calendar; a median is
exact (the middle one, or half the sum of the two in the middle). A query that the person confirmed while typing was
never waited for and is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import F, Min

from reporting.selectors.computed import Cell, Computed
from trialsite.exporting import Column
from trialsite.models import Query, QueryMessage, Visit
from trialsite.query_selectors import site_date

#: Stretch -> words, in the order in which they follow one another.
MEASURES = {
    "entry": "Visit to entry",
    "query": "Entry to query",
    "answer": "Query to answer",
    "closure": "Query to closure",
}
ANSWERS = (QueryMessage.Action.ANSWERED, QueryMessage.Action.CONFIRMED)


@dataclass(frozen=True)
class Stretch:
    """One stretch of one visit or query. Both days are the site's; `query` is None for an entry."""

    measure: str
    subject: str
    key: str
    site: str
    visit: str
    query: int | None
    from_on: date
    to_on: date

    @property
    def days(self) -> int:
        return (self.to_on - self.from_on).days


@dataclass(frozen=True)
class Timeliness:
    """One line: how many stretches, their exact median and the longest, in days; None where there is none."""

    measure: str
    site: str
    n: int
    median: Decimal | None
    longest: int | None


def stretches() -> list[Stretch]:
    """Every stretch that has ended, of subjects in reach; three queries."""
    visits = _visits()
    return [*_entries(visits), *_of_queries({(one.subject_id, one.code): one for one in visits})]


def timeliness(found: Iterable[Stretch], sites: Sequence[str]) -> list[Timeliness]:
    """All sites together (site ""), then each, by measure."""
    every = list(found)
    return [
        _line(measure, site, [one.days for one in every if one.measure == measure and site in ("", one.site)])
        for measure in MEASURES
        for site in ("", *sites)
    ]


def _line(measure: str, site: str, days: list[int]) -> Timeliness:
    return Timeliness(measure, site, len(days), median(days), max(days, default=None))


def median(values: Sequence[int] | Sequence[Decimal]) -> Decimal | None:
    """The middle one, or half the sum of the two in the middle; exact."""
    if not values:
        return None
    ordered, middle = sorted(map(Decimal, values)), len(values) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def _visits() -> list[Visit]:
    taken = Visit.objects.filter(occurred_on__isnull=False, subject__entered_in_error_at=None)
    standing = taken.exclude(status__in=[Visit.Status.NOT_DONE, Visit.Status.IN_ERROR])
    return list(standing.select_related("subject", "site").order_by("subject__screening_number", "occurred_on", "id"))


def _entries(visits: Iterable[Visit]) -> Iterator[Stretch]:
    for one in visits:
        if one.occurred_on is not None:
            entered = site_date(one.recorded_at, one.site.time_zone)
            yield _stretch("entry", one, one.code, None, (one.occurred_on, entered))


def _of_queries(visits: dict[tuple[int, str], Visit]) -> Iterator[Stretch]:
    first = QueryMessage.objects.filter(action__in=ANSWERS).values_list("query_id").annotate(at=Min("at"))
    answered: dict[int, datetime] = dict(first)
    found = Query.objects.filter(subject__entered_in_error_at=None).exclude(closed_at=F("opened_at"))
    for one in found.select_related("subject", "site").order_by("id"):
        zone, visit = one.site.time_zone, visits.get((one.subject_id, one.visit_code))
        opened = site_date(one.opened_at, zone)
        if visit is not None:
            entered = site_date(visit.recorded_at, zone)
            yield _stretch("query", one, one.visit_code, one.pk, (entered, opened))
        if one.pk in answered:
            yield _stretch("answer", one, one.visit_code, one.pk, (opened, site_date(answered[one.pk], zone)))
        if one.closed_at is not None:
            yield _stretch("closure", one, one.visit_code, one.pk, (opened, site_date(one.closed_at, zone)))


def _stretch(measure: str, row: Visit | Query, visit: str, query: int | None, days: tuple[date, date]) -> Stretch:
    subject = row.subject
    return Stretch(measure, subject.number, subject.key, row.site.code, visit, query, *days)


def _rows() -> Iterator[Sequence[Cell]]:
    for one in stretches():
        yield (
            one.subject,
            one.site,
            one.visit or None,
            one.query,
            one.measure.upper(),
            one.from_on,
            one.to_on,
            one.days,
        )


TIMELINESS = Computed(
    name="timeliness",
    title="Timeliness: from visit to entry, to query, to answer and to closure, one row per stretch that has ended",
    columns=(
        Column("subject", "Subject number, before registration the screening number"),
        Column("site", "Site code"),
        Column("visit", "Visit it belongs to; empty if none"),
        Column("query", "Number of the query; empty where measure is ENTRY"),
        Column(
            "measure",
            "ENTRY (visit to entry), QUERY (entry to query), ANSWER (query to first answer) or CLOSURE (to closure)",
        ),
        Column("from_on", "First day, at the site"),
        Column("to_on", "Last day, at the site"),
        Column("days", "Days between them"),
    ),
    rows=_rows,
)
