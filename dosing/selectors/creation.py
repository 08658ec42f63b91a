"""What a signature would create, in counts: days of each drug and visits. Shown before signing, for a start today."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from dosing.selectors.phases import high_dex_mg, phases, planned_end_on, planned_visits
from protocol import doses
from protocol.doses import PlannedDose
from protocol.measurements import PhaseInterval
from protocol.vocabulary import Drug, Phase
from trialsite.models import Subject
from trialsite.selectors import protocol_of


@dataclass(frozen=True)
class Creation:
    """Counts for one phase from one day on; the visits are those that the present phase does not have yet."""

    phase: Phase
    starts_on: date
    ends_on: date | None
    anakinra_days: int
    dexamethasone_days: int
    visits: int
    first_visit_on: date | None


def creation(subject: Subject, to: Phase, starts_on: date) -> Creation | None:
    """What starting phase `to` on that day creates; None before Day 1."""
    if subject.day1_on is None:
        return None
    lived = phases(subject)
    coming = (*_closed_before(lived, starts_on), PhaseInterval(to, starts_on))
    planned = [dose for dose in _planned(subject, coming) if dose.on >= starts_on and dose.phase is to]
    known = {visit.code for visit in planned_visits(subject, lived)}
    new = [visit for visit in planned_visits(subject, coming) if visit.code not in known]
    return Creation(
        phase=to,
        starts_on=starts_on,
        ends_on=planned_end_on(coming, subject),
        anakinra_days=_days(planned, Drug.ANAKINRA),
        dexamethasone_days=_days(planned, Drug.DEXAMETHASONE),
        visits=len(new),
        first_visit_on=new[0].target_on if new else None,
    )


def _closed_before(lived: tuple[PhaseInterval, ...], starts_on: date) -> tuple[PhaseInterval, ...]:
    eve = starts_on - timedelta(days=1)
    return tuple(replace(span, ends_on=max(span.starts_on, eve)) if span.ends_on is None else span for span in lived)


def _planned(subject: Subject, coming: tuple[PhaseInterval, ...]) -> tuple[PlannedDose, ...]:
    if subject.day1_on is None:
        return ()
    trial = protocol_of(subject)
    # While the dose in mg is not confirmed days are counted, and no dose is planned.
    mg = high_dex_mg(subject.protocol_version) or trial.config.high_dex_mg
    return doses.planned_doses(coming, subject.day1_on, trial, mg)


def _days(planned: list[PlannedDose], drug: Drug) -> int:
    return sum(1 for dose in planned if dose.drug is drug)
