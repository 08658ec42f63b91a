"""The dosing calendar: which drug is planned on which day (D-01 to D-06)."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from protocol.measurements import PhaseInterval
from protocol.months import month_start, month_starts, study_day, study_month
from protocol.schema import Protocol
from protocol.spans import HIGH_DEX_MONTHS, plan_phases
from protocol.trial import HIGH_DEX_DAYS
from protocol.vocabulary import LOW_DEX_PHASES, TREATMENT_PHASES, DoseAction, Drug, Phase

WEEK = timedelta(days=7)
DAY = timedelta(days=1)


class UnconfirmedDose(ValueError):
    """A high-dose calendar was asked for while its dose is not confirmed."""


@dataclass(frozen=True)
class PlannedDose:
    """One planned dose. Months count from Day 1 (`study_month`) and from the start of the phase.

    `regimen` is the phase whose regimen is followed: the phase itself, or the one that an extension carries on (A19).
    """

    on: date
    drug: Drug
    mg: Decimal
    phase: Phase
    study_month: int
    month_in_phase: int
    day_of_month: int
    study_day: int
    regimen: Phase


def planned_doses(
    phases: Sequence[PhaseInterval],
    day1: date,
    trial: Protocol,
    high_dex_mg: Decimal | None = None,
) -> tuple[PlannedDose, ...]:
    """Every planned dose of the treatment phases in order of day and drug; open phases run to their planned end.

    Raises UnconfirmedDose when there is a high-dose phase and `high_dex_mg` is not given.
    """
    if high_dex_mg is None and any(p.phase is Phase.HIGH_DEX for p in phases):
        raise UnconfirmedDose("The high dose of dexamethasone in mg is not confirmed, so no calendar is made.")
    mg = {Phase.HIGH_DEX: high_dex_mg or Decimal(0)} | dict.fromkeys(LOW_DEX_PHASES, trial.config.low_dex_mg)
    daily = trial.config.anakinra_mg
    entries = tuple(_entries(phases, day1, trial))
    last = max((entry.on for entry in entries), default=day1)
    months = {
        anchor: month_starts(anchor, last, trial.config.month_convention)
        for anchor in {day1, *(entry.span.starts_on for entry in entries)}
    }
    doses = (
        _dose(entry, daily if entry.drug is Drug.ANAKINRA else mg[entry.regimen], day1, months) for entry in entries
    )
    return tuple(sorted(doses, key=lambda dose: (dose.on, dose.drug)))


def planned_days(phases: Sequence[PhaseInterval], day1: date, trial: Protocol) -> tuple[tuple[date, Drug], ...]:
    """Days and drugs of the planned doses without their amounts: cheap, and no dose in mg is needed."""
    return tuple((on, drug) for _, _, drug, days in _courses(phases, day1, trial) for on in days)


@dataclass(frozen=True)
class _Entry:
    """A day of the calendar before its dose is known."""

    on: date
    drug: Drug
    span: PhaseInterval
    regimen: Phase


def _entries(phases: Sequence[PhaseInterval], day1: date, trial: Protocol) -> Iterator[_Entry]:
    for span, regimen, drug, days in _courses(phases, day1, trial):
        yield from (_Entry(on, drug, span, regimen) for on in days)


def _courses(
    phases: Sequence[PhaseInterval], day1: date, trial: Protocol
) -> Iterator[tuple[PhaseInterval, Phase, Drug, Iterator[date]]]:
    """Each phase with its regimen, and the days of either drug in it."""
    spans = [p for p in plan_phases(phases, day1, trial) if p.phase in TREATMENT_PHASES]
    for span, regimen in zip(spans, _regimens(spans), strict=True):
        yield span, regimen.phase, Drug.ANAKINRA, _days(span)
        yield span, regimen.phase, Drug.DEXAMETHASONE, _dex_days(span, regimen, spans, trial)


def _regimens(spans: Sequence[PhaseInterval]) -> list[PhaseInterval]:
    """For each phase the one whose regimen it follows; an extension carries on what came before it (A19)."""
    found: list[PhaseInterval] = []
    for span in spans:
        found.append(found[-1] if found and span.phase is Phase.EXTENSION else span)
    return found


def intensity(planned_mg: Decimal, given_mg: Decimal) -> Decimal | None:
    """Relative dose intensity in percent: given / planned x 100; None if nothing was planned."""
    return given_mg / planned_mg * 100 if planned_mg else None


@dataclass(frozen=True)
class Modification:
    """An order about one drug, both days included; `ends_on` None while it lasts. `mg`: what is given instead."""

    drug: Drug
    action: DoseAction
    starts_on: date
    ends_on: date | None = None
    mg: Decimal | None = None

    def covers(self, on: date) -> bool:
        return self.starts_on <= on and (self.ends_on is None or on <= self.ends_on)


def ordered(dose: PlannedDose, modifications: Iterable[Modification]) -> Modification | None:
    """The order in force for a planned dose; of several the one that began last. None: as planned."""
    found = [one for one in modifications if one.drug is dose.drug and one.covers(dose.on)]
    return max(found, key=lambda one: one.starts_on, default=None)


def ordered_mg(dose: PlannedDose, modifications: Iterable[Modification]) -> Decimal:
    """What is to be given: the planned dose, the reduced one, or 0 while the drug is held or stopped."""
    order = ordered(dose, modifications)
    if order is None:
        return dose.mg
    return min(dose.mg, order.mg) if order.action is DoseAction.REDUCE and order.mg is not None else Decimal(0)


def _dose(entry: _Entry, mg: Decimal, day1: date, months: Mapping[date, Sequence[date]]) -> PlannedDose:
    """`months`: first days of the months counted from Day 1 and from the start of each phase."""
    on, in_phase = entry.on, months[entry.span.starts_on]
    month = bisect_right(in_phase, on)
    return PlannedDose(
        on,
        entry.drug,
        mg,
        entry.span.phase,
        bisect_right(months[day1], on),
        month,
        (on - in_phase[month - 1]).days + 1,
        study_day(day1, on),
        entry.regimen,
    )


def _days(span: PhaseInterval) -> Iterator[date]:
    return _every(span.starts_on, _last(span), DAY)


def _every(first: date, last: date, step: timedelta) -> Iterator[date]:
    while first <= last:
        yield first
        first += step


def _last(span: PhaseInterval) -> date:
    return span.ends_on or span.starts_on


def _dex_days(
    span: PhaseInterval,
    regimen: PhaseInterval,
    spans: Sequence[PhaseInterval],
    trial: Protocol,
) -> Iterator[date]:
    """Low doses in one weekly rhythm from the first low-dose day on; high doses by relative month."""
    if regimen.phase in LOW_DEX_PHASES:
        first = next(low.starts_on for low in spans if low.phase in LOW_DEX_PHASES)
        yield from (on for on in _every(first, _last(span), WEEK) if on >= span.starts_on)
    if regimen.phase is Phase.HIGH_DEX:
        days = high_dose_days(regimen.starts_on, trial)
        if span.phase is Phase.EXTENSION:
            days = _pulses(regimen.starts_on, range(HIGH_DEX_MONTHS + 1, _months_to(span, regimen, trial) + 1), trial)
        yield from (on for on in days if span.starts_on <= on <= _last(span))


def _months_to(span: PhaseInterval, regimen: PhaseInterval, trial: Protocol) -> int:
    """The relative month of the regimen in which a phase ends."""
    return study_month(regimen.starts_on, _last(span), trial.config.month_convention)


def high_dose_days(starts_on: date, trial: Protocol) -> list[date]:
    """The 48 high-dose days, counted from the start of the high-dose phase."""
    return _pulses(starts_on, range(1, HIGH_DEX_MONTHS + 1), trial)


def _pulses(starts_on: date, months: Iterable[int], trial: Protocol) -> list[date]:
    convention = trial.config.month_convention
    starts = ((month, month_start(starts_on, month, convention)) for month in months)
    return [first + timedelta(days=day - 1) for month, first in starts for day in HIGH_DEX_DAYS[month % 2]]


def high_dose_months(starts_on: date, trial: Protocol) -> list[date]:
    """First days of the six relative months of high dose."""
    return [month_start(starts_on, month, trial.config.month_convention) for month in range(1, HIGH_DEX_MONTHS + 1)]
