"""Clocks of reports by where they stand, and laboratory grades that wait by term: the counts and their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from labs.selectors.visits import visit_label
from labs.words import unit_words
from protocol.explain import plain
from protocol.safety_clocks import Clock, ClockName, time_words
from reporting.addresses import address
from reporting.safety_rows import Count, Line, rows_url
from reporting.selectors.safety_watch import ReportClock, WaitingGrade
from safety.vocabulary import CLOCK_WORDS
from trialsite.templatetags.edc import day, moment

STATES = {"running": "Running", "overdue": "Overdue", "in-time": "Told in time", "late": "Told late"}
GRADES = (1, 2, 3, 4)


@dataclass(frozen=True)
class StateLine:
    """One clock: how many of it stand where."""

    words: str
    counts: tuple[Count, ...]


@dataclass(frozen=True)
class WaitingLine:
    """One term: results that wait, by grade."""

    term: str
    counts: tuple[Count, ...]
    all: Count


def state_of(clock: Clock, now: datetime) -> str:
    if clock.is_open:
        return "overdue" if clock.is_overdue(now) else "running"
    return "late" if clock.was_late else "in-time"


#: Every list behind a number of clocks.
CLOCK_GROUPS = {
    f"clock-{name.value.lower()}-{state}": f"{CLOCK_WORDS[name][0]}: {words.lower()}"
    for name in ClockName
    for state, words in STATES.items()
} | {"clocks-open": "Reports whose clock runs", "clocks-overdue": "Reports whose clock is overdue"}


def clocks_in(found: Sequence[ReportClock], group: str, now: datetime) -> list[ReportClock]:
    """The clocks behind a number, the one that ends first on top."""
    inside = [one for one in found if _is_in(one.clock, group, now)]
    return sorted(inside, key=lambda one: (one.clock.due_at, one.subject, one.report))


def _is_in(clock: Clock, group: str, now: datetime) -> bool:
    if group == "clocks-open":
        return clock.is_open
    state = state_of(clock, now)
    return state == "overdue" if group == "clocks-overdue" else group == f"clock-{clock.name.value.lower()}-{state}"


def clock_count(found: Sequence[ReportClock], group: str, now: datetime) -> Count:
    return Count(rows_url(group, {}), frozenset(n for n, one in enumerate(found) if _is_in(one.clock, group, now)))


def state_lines(found: Sequence[ReportClock], now: datetime) -> list[StateLine]:
    return [
        StateLine(
            CLOCK_WORDS[name][0],
            tuple(clock_count(found, f"clock-{name.value.lower()}-{state}", now) for state in STATES),
        )
        for name in ClockName
    ]


def clock_lines(found: Sequence[ReportClock], now: datetime) -> list[Line]:
    return [_clock_line(one, now) for one in found]


def _clock_line(one: ReportClock, now: datetime) -> Line:
    words, who = CLOCK_WORDS[one.clock.name]
    left = time_words(one.clock.due_at - now) if one.clock.is_open else STATES[state_of(one.clock, now)].lower()
    detail = f"{words}, due {moment(one.clock.due_at)}: {left}. {who}."
    return Line(one.site, one.subject, one.what, detail, address("subject_safety_report", one.key, one.report))


# ---------------------------------------------------------------- grades that wait
def waiting_count(found: Sequence[WaitingGrade], term: str = "", grade: str = "") -> Count:
    inside = frozenset(n for n, one in enumerate(found) if _waits(one, term, grade))
    return Count(rows_url("waiting", {"term": term, "grade": grade}), inside)


def waiting_in(found: Sequence[WaitingGrade], term: str, grade: str) -> list[WaitingGrade]:
    return [one for one in found if _waits(one, term, grade)]


def _waits(one: WaitingGrade, term: str, grade: str) -> bool:
    return term in ("", one.term) and grade in ("", str(one.grade))


def waiting_lines(found: Sequence[WaitingGrade]) -> list[WaitingLine]:
    """One line per term, those with the highest grade first."""
    highest: dict[str, int] = {}
    for one in found:
        highest[one.term] = max(one.grade, highest.get(one.term, 0))
    return [
        WaitingLine(
            term,
            tuple(waiting_count(found, term, str(grade)) for grade in GRADES),
            waiting_count(found, term),
        )
        for term in sorted(highest, key=lambda term: (-highest[term], term))
    ]


def grade_lines(found: Sequence[WaitingGrade]) -> list[Line]:
    return [
        Line(
            one.site,
            one.subject,
            f"{one.term}, grade {one.grade}",
            f"{plain(one.value)} {unit_words(one.unit)}, {day(one.collected_on)}, {visit_label(one.visit)}",
            address("subject_adverse_events", one.key),
        )
        for one in found
    ]
