"""The safety set: treated subjects, and their adverse events since the first dose. Dashboard and files count these.

An event counts from the first dose on: it is left out only if it certainly began before. A day of which only a part
is known is read as the first day that it can have been, and not as one before Day 1. The grade of an event is its
highest; it belongs to the phase in which the event began.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar

from dosing.models import DoseRecord
from dosing.selectors.doses import DoseKey, dose_totals
from dosing.selectors.phases import drawn_out, high_dex_mg
from followup.models import EndOfTreatment
from followup.vocabulary import EndReason
from protocol.derived import round_half_up
from protocol.doses import planned_doses
from protocol.measurements import PhaseInterval
from protocol.vocabulary import TREATMENT_PHASES, Drug, Phase
from safety.models import AdverseEvent
from safety.selectors.events import WITH_DEXAMETHASONE
from safety.vocabulary import RELATED, ActionTaken
from trialsite.models import StatePeriod, Subject, SubjectRecord
from trialsite.selectors import protocol_of

Row = TypeVar("Row", bound=SubjectRecord)

YES, NO = "YES", "NO"
#: Where an event belongs that began after the last dose.
AFTER = Phase.FOLLOW_UP
SEVERE = 3


@dataclass(frozen=True)
class Toxicity:
    """One adverse event of a treated subject. `began_on`: the first day it can have begun, not before Day 1."""

    subject: str
    site: str
    key: str
    event: int
    term: str
    ctcae_version: str
    grade: int
    began_on: date
    phase: str
    on_combination: str
    related_to_anakinra: str
    related_to_dexamethasone: str
    action_anakinra: str
    action_dexamethasone: str
    is_serious: str
    outcome: str

    @property
    def is_related(self) -> bool:
        return YES in (self.related_to_anakinra, self.related_to_dexamethasone)

    @property
    def stopped_a_drug(self) -> bool:
        return ActionTaken.STOPPED in (self.action_anakinra, self.action_dexamethasone)


@dataclass(frozen=True)
class Tolerability:
    """One treated subject. The columns `on_combination` are empty for who never began dexamethasone.

    Intensities: mg given of mg planned in percent, one decimal, up to the last recorded day.
    """

    subject: str
    site: str
    key: str
    day1_on: date
    phases: str
    combination_from: date | None
    end_reason: str
    stopped_for_event: str
    severe_related: str
    stopped_on_combination: str
    severe_related_on_combination: str
    anakinra_actions: str
    dexamethasone_actions: str
    anakinra_intensity: Decimal | None
    dexamethasone_intensity: Decimal | None


@dataclass(frozen=True)
class SafetySet:
    """Treated subjects by number, and their events by subject and number."""

    subjects: tuple[Tolerability, ...]
    events: tuple[Toxicity, ...]


@dataclass(frozen=True)
class _Shelf:
    """What hangs on the subjects, by subject; `high_mg` by protocol version."""

    spans: Mapping[int, list[PhaseInterval]]
    events: Mapping[int, list[AdverseEvent]]
    ends: Mapping[int, EndOfTreatment]
    doses: Mapping[int, dict[DoseKey, DoseRecord]]
    high_mg: Mapping[str, Decimal | None]


def safety_set() -> SafetySet:
    """Every treated subject in reach; five queries, and one for each version of the protocol."""
    treated = Subject.objects.filter(entered_in_error_at=None).exclude(day1_on=None)
    subjects = list(treated.select_related("site").order_by("subject_number"))
    shelf = _shelf(subjects)
    events = {one.pk: _events(one, shelf) for one in subjects}
    return SafetySet(
        tuple(_tolerability(one, shelf, events[one.pk]) for one in subjects),
        tuple(event for one in subjects for event in events[one.pk]),
    )


def _shelf(subjects: Sequence[Subject]) -> _Shelf:
    ids = [one.pk for one in subjects]
    periods = StatePeriod.objects.filter(subject_id__in=ids, state__in=TREATMENT_PHASES).order_by("id")
    spans: dict[int, list[PhaseInterval]] = defaultdict(list)
    stops = {one.pk: min(filter(None, (one.treatment_ended_on, one.died_on)), default=None) for one in subjects}
    for period in periods:
        stop = stops[period.subject_id]
        last = min(filter(None, (period.ends_on, stop)), default=None)
        if last is None or last >= period.starts_on:
            spans[period.subject_id].append(PhaseInterval(Phase(period.state), period.starts_on, last))
    events = AdverseEvent.objects.filter(subject_id__in=ids, in_error=False).order_by("number")
    ends = EndOfTreatment.objects.filter(subject_id__in=ids, in_error_at=None)
    return _Shelf(
        spans=spans,
        events=_grouped(events),
        ends={one.subject_id: one for one in ends},
        doses=_doses(ids),
        high_mg={version: high_dex_mg(version) for version in sorted({one.protocol_version for one in subjects})},
    )


def _grouped(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.subject_id].append(row)
    return found


def _doses(ids: Sequence[int]) -> dict[int, dict[DoseKey, DoseRecord]]:
    """What stands recorded, with the columns that the totals read."""
    rows = DoseRecord.objects.filter(subject_id__in=ids, superseded_at=None).order_by()
    found: dict[int, dict[DoseKey, DoseRecord]] = defaultdict(dict)
    for row in rows.only("subject_id", "drug", "on", "status", "given_mg"):
        found[row.subject_id][row.on, Drug(row.drug)] = row
    return found


# ---------------------------------------------------------------- events
def _events(subject: Subject, shelf: _Shelf) -> tuple[Toxicity, ...]:
    day1 = subject.day1_on
    found = shelf.events.get(subject.pk, [])
    return tuple(_event(subject, shelf, one, day1) for one in found if day1 and one.started_latest >= day1)


def _event(subject: Subject, shelf: _Shelf, event: AdverseEvent, day1: date) -> Toxicity:
    began, spans = max(event.started_earliest, day1), shelf.spans.get(subject.pk, [])
    combination = _combination_from(spans)
    return Toxicity(
        subject=subject.number,
        site=subject.site.code,
        key=subject.key,
        event=event.number,
        term=event.term,
        ctcae_version=event.ctcae_version,
        grade=event.grade,
        began_on=began,
        phase=_phase(spans, began).value,
        on_combination=_yes(combination and began >= combination),
        related_to_anakinra=_yes(event.attribution_anakinra in RELATED),
        related_to_dexamethasone=_yes(event.attribution_dexamethasone in RELATED),
        action_anakinra=event.action_anakinra,
        action_dexamethasone=event.action_dexamethasone,
        is_serious=_yes(event.is_serious),
        outcome=event.outcome,
    )


def _phase(spans: Sequence[PhaseInterval], on: date) -> Phase:
    """The treatment phase that runs on a day; after the last dose FOLLOW_UP."""
    running = [one for one in spans if one.starts_on <= on and (one.ends_on is None or on <= one.ends_on)]
    return running[-1].phase if running else AFTER


def _combination_from(spans: Iterable[PhaseInterval]) -> date | None:
    return min((one.starts_on for one in spans if one.phase in WITH_DEXAMETHASONE), default=None)


def _yes(truth: object) -> str:
    return YES if truth else NO


# ---------------------------------------------------------------- subjects
def _tolerability(subject: Subject, shelf: _Shelf, events: Sequence[Toxicity]) -> Tolerability:
    spans, end = shelf.spans.get(subject.pk, []), shelf.ends.get(subject.pk)
    combination = _combination_from(spans)
    later = [one for one in events if one.on_combination == YES]
    ended_for_toxicity = end is not None and end.reason == EndReason.TOXICITY
    # A phase that would begin after the last dose is cut off: whoever began dexamethasone ended on it.
    stopped_later = ended_for_toxicity or any(one.stopped_a_drug for one in later)
    phases = list(dict.fromkeys(one.phase.value for one in spans))
    if spans and spans[-1].ends_on is not None:
        phases.append(AFTER.value)
    rates = _intensities(subject, spans, shelf)
    return Tolerability(
        subject=subject.number,
        site=subject.site.code,
        key=subject.key,
        day1_on=subject.day1_on or subject.screened_on,
        phases=";".join(phases),
        combination_from=combination,
        end_reason=end.reason if end else "",
        stopped_for_event=_yes(ended_for_toxicity or any(one.stopped_a_drug for one in events)),
        severe_related=_yes(_is_severe(events)),
        stopped_on_combination=_yes(stopped_later) if combination else "",
        severe_related_on_combination=_yes(_is_severe(later)) if combination else "",
        anakinra_actions=_actions(one.action_anakinra for one in events),
        dexamethasone_actions=_actions(one.action_dexamethasone for one in events),
        anakinra_intensity=rates.get(Drug.ANAKINRA),
        dexamethasone_intensity=rates.get(Drug.DEXAMETHASONE),
    )


def _is_severe(events: Iterable[Toxicity]) -> bool:
    return any(one.grade >= SEVERE and one.is_related for one in events)


def _actions(taken: Iterable[str]) -> str:
    """What was done with a drug because of events, each once, in the order of severity."""
    done = set(taken) & {ActionTaken.HELD, ActionTaken.REDUCED, ActionTaken.STOPPED}
    return ";".join(one.value for one in ActionTaken if one.value in done)


def _intensities(subject: Subject, spans: Sequence[PhaseInterval], shelf: _Shelf) -> dict[Drug, Decimal | None]:
    """By drug, up to the last day with a record; none while a high dose is not confirmed, or before any record."""
    recorded, high_mg = shelf.doses.get(subject.pk, {}), shelf.high_mg[subject.protocol_version]
    is_unknown = high_mg is None and any(one.phase is Phase.HIGH_DEX for one in spans)
    if subject.day1_on is None or is_unknown or not recorded:
        return {}
    trial, last = protocol_of(subject), max(on for on, _ in recorded)
    planned = planned_doses(drawn_out(spans, subject.day1_on, last, trial), subject.day1_on, trial, high_mg)
    rates = {one.drug: one.rate for one in dose_totals(planned, recorded, last)}
    return {drug: None if rate is None else round_half_up(rate, 1) for drug, rate in rates.items()}
