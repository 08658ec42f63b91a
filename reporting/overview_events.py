"""The adverse events of the overview: bars below the course, and the newest in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reporting.addresses import address
from reporting.overview import horizon, month_of
from reporting.selectors.facts import SubjectFacts
from safety.models import AdverseEvent
from safety.vocabulary import RELATED
from trialsite.charts import Chart, EventLane, event_lanes
from trialsite.partial_dates import in_words_as_known

#: Bars that are drawn and events that are listed; the log has all.
DRAWN, LISTED = 12, 3


@dataclass(frozen=True)
class EventLine:
    """One adverse event as the overview lists it."""

    words: str
    when: str
    is_serious: bool
    url: str


@dataclass(frozen=True)
class EventPanel:
    """`chart` None before the first dose, or without an event; `more`: events that are in the log alone."""

    chart: Chart | None
    lines: tuple[EventLine, ...]
    total: int
    more: int


def event_panel(facts: SubjectFacts) -> EventPanel:
    """Events that stand, the newest first."""
    newest = sorted(facts.events, key=lambda one: (one.started_earliest, one.number), reverse=True)
    lines = tuple(_line(facts, one) for one in newest[:LISTED])
    return EventPanel(_chart(facts), lines, len(newest), len(newest) - len(lines))


def _line(facts: SubjectFacts, one: AdverseEvent) -> EventLine:
    until = f"to {in_words_as_known(one.stopped)}" if one.stopped else "ongoing"
    drugs = (("anakinra", one.attribution_anakinra), ("dexamethasone", one.attribution_dexamethasone))
    causes = [f"{drug} {str(judged).lower()}" for drug, judged in drugs if judged in RELATED]
    when = f"{in_words_as_known(one.started)}, {until}. {', '.join(causes).capitalize() or 'No study drug as cause'}."
    url = address("adverse_event", facts.subject.key, one.number)
    return EventLine(f"{one.term}, grade {one.grade}", when, one.is_serious, url)


def _chart(facts: SubjectFacts) -> Chart | None:
    """The newest events that began within the months that the course shows, in the order in which they began."""
    day1 = facts.subject.day1_on
    if day1 is None:
        return None
    limit = horizon(facts)
    began = sorted(facts.events, key=lambda one: (one.started_earliest, one.number))
    inside = [lane for one in began if (lane := _lane(one, day1)).start <= limit]
    return event_lanes(inside[-DRAWN:], now=month_of(day1, facts.today), months=limit) if inside else None


def _lane(one: AdverseEvent, day1: date) -> EventLane:
    """What began before the first dose begins in the part of the axis that stands for screening."""
    start = month_of(day1, one.started_earliest) if one.started_earliest >= day1 else Decimal(-1)
    end = month_of(day1, one.stopped_latest) if one.stopped_latest else None
    return EventLane(one.term, one.grade, start, end, one.is_serious)
