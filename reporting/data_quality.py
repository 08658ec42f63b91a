"""What a data manager watches: ageing of queries, timeliness of entry, adherence to visit windows; by site.

Every number is the count of the lines that `is_in` picks for its list, so a page and its list cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from urllib.parse import urlencode

from django.urls import reverse

from labs.selectors.visits import visit_label
from protocol.vocabulary import DueState
from reporting.addresses import address
from reporting.selectors.facts import SubjectFacts
from reporting.selectors.timeliness import MEASURES, Stretch, timeliness
from trialsite.models import Query, Visit
from trialsite.query_selectors import age_on, at_field, field_words
from trialsite.templatetags.edc import day, number

#: Ages of standing queries, in days of the site: name -> words, from, to.
AGES: dict[str, tuple[str, int, int]] = {
    "age7": ("Up to 7 days", 0, 7),
    "age14": ("8 to 14 days", 8, 14),
    "age30": ("15 to 30 days", 15, 30),
    "older": ("Over 30 days", 31, 100_000),
}
STATES = {"open": "Open", "answered": "Answered"}
ADHERENCE = {
    "inside": "In the window",
    "outside": "Outside the window",
    "not-done": "Not done",
    "overdue": "Overdue",
}
GROUPS = {
    **{f"{state}-{age}": f"{words} queries, {told.lower()}" for state, words in STATES.items()
       for age, (told, _, _) in AGES.items()},
    **{f"time-{name}": words for name, words in MEASURES.items()},
    **{f"visits-{name}": f"Visits: {words.lower()}" for name, words in ADHERENCE.items()},
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One row behind a number: of which group, about whom, what it is, and where it leads."""

    group: str
    site: str
    subject: str
    what: str
    detail: str
    url: str


@dataclass(frozen=True)
class Count:
    """A number with the address of its rows; `words` are shown beside it."""

    n: int
    url: str
    words: str = ""


@dataclass(frozen=True)
class Table:
    """Sites down, groups across; the first row is all sites together."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Count, ...]], ...]


def list_url(group: str, site: str) -> str:
    return f"{reverse('data_quality_rows')}?{urlencode({'group': group, **({'site': site} if site else {})})}"


def query_lines(queries: Iterable[Query], at: datetime) -> list[Line]:
    """Standing queries by state and age."""
    return [_query_line(one, age_on(one, one.site.time_zone, at)) for one in queries]


def _query_line(one: Query, age: int) -> Line:
    bucket = next(name for name, (_, low, high) in AGES.items() if low <= age <= high)
    words = f"Query {one.pk}: {field_words(one)}"
    return Line(f"{one.state}-{bucket}", one.site.code, one.subject.number, words, _days(age), at_field(one))


def time_lines(found: Iterable[Stretch]) -> list[Line]:
    return [
        Line(f"time-{one.measure}", one.site, one.subject, _of_what(one),
             f"{day(one.from_on)} to {day(one.to_on)}: {_days(one.days)}", _where(one))
        for one in found
    ]  # fmt: skip


def _of_what(one: Stretch) -> str:
    visit = visit_label(one.visit) if one.visit else ""
    return visit if one.query is None else f"Query {one.query}" + (f", {visit}" if visit else "")


def _where(one: Stretch) -> str:
    return address("visit", one.key, one.visit) if one.query is None else address("query", one.query)


def visit_lines(facts: Iterable[SubjectFacts]) -> list[Line]:
    """Planned visits that were due: in or outside their window, not done, or overdue by the one definition."""
    return [line for one in facts for line in _visits_of(one)]


def _visits_of(facts: SubjectFacts) -> list[Line]:
    found = []
    for code, planned in facts.planned.items():
        entered, contact = facts.visits.get(code), facts.contacts.get(code)
        happened = entered.occurred_on if entered else contact.contacted_on if contact else None
        if entered is not None and entered.status == Visit.Status.NOT_DONE:
            group = "not-done"
        elif happened is not None:
            group = "inside" if planned.opens_on <= happened <= planned.closes_on else "outside"
        elif facts.state_of(planned) is DueState.OVERDUE:
            group = "overdue"
        else:
            continue
        window = f"window {day(planned.opens_on)} to {day(planned.closes_on)}"
        subject = facts.subject
        found.append(Line(f"visits-{group}", subject.site.code, subject.number, visit_label(code),
                          f"{_happened(happened)}, {window}", address("visit", subject.key, code)))  # fmt: skip
    return found


def _happened(on: date | None) -> str:
    return day(on) if on else "no visit"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def table(groups: dict[str, str], lines: Sequence[Line], sites: Sequence[str]) -> Table:
    """How many rows each group has, together and by site. `groups`: name of the group -> head of the column."""
    return _table(
        tuple(groups.values()), [[_count(name, site, lines) for name in groups] for site in ("", *sites)], sites
    )


def _table(heads: tuple[str, ...], counts: Sequence[Sequence[Count]], sites: Sequence[str]) -> Table:
    return Table(heads, tuple((_named(site), tuple(row)) for site, row in zip(("", *sites), counts, strict=True)))


def _count(group: str, site: str, lines: Sequence[Line]) -> Count:
    return Count(sum(1 for one in lines if is_in(one, group, site)), list_url(group, site))


def is_in(line: Line, group: str, site: str) -> bool:
    return line.group == group and site in ("", line.site)


def _named(site: str) -> str:
    return f"Site {site}" if site else "All sites"


def ageing(lines: Sequence[Line], sites: Sequence[str]) -> list[tuple[str, Table]]:
    """Open queries, then answered ones."""
    return [
        (f"{words} queries by age", table({f"{state}-{age}": told for age, (told, _, _) in AGES.items()}, lines, sites))
        for state, words in STATES.items()
    ]


def adherence(lines: Sequence[Line], sites: Sequence[str]) -> Table:
    return table({f"visits-{name}": words for name, words in ADHERENCE.items()}, lines, sites)


def medians(found: Sequence[Stretch], sites: Sequence[str]) -> Table:
    """Exact medians in days beside how many they rest on and the longest."""
    lines = {(one.measure, one.site): one for one in timeliness(found, sites)}

    def cell(measure: str, site: str) -> Count:
        one = lines[measure, site]
        words = f"median {_plain(one.median)}, longest {one.longest}" if one.n else "none yet"
        return Count(one.n, list_url(f"time-{measure}", site), words)

    counts = [[cell(measure, site) for measure in MEASURES] for site in ("", *sites)]
    return _table(tuple(MEASURES.values()), counts, sites)


def _plain(value: Decimal | None) -> str:
    return number(value.normalize() if value % 1 else value.quantize(Decimal(1)), None) if value is not None else "—"
