"""The dosing calendar: which drug is planned on which day (D-01 to D-06)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from protocol.measurements import PhaseInterval
from protocol.months import month_start, study_day, study_month
from protocol.schema import Protocol
from protocol.spans import HIGH_DEX_MONTHS, plan_phases
from protocol.trial import HIGH_DEX_DAYS
from protocol.vocabulary import LOW_DEX_PHASES, TREATMENT_PHASES, Drug, Phase

WEEK = timedelta(days=7)
DAY = timedelta(days=1)


class UnconfirmedDose(ValueError):
    """A high-dose calendar was asked for while its dose is not confirmed."""


@dataclass(frozen=True)
class PlannedDose:
    """One planned dose. Months count from Day 1 (`study_month`) and from the start of the phase."""

    on: date
    drug: Drug
    mg: Decimal
    phase: Phase
    study_month: int
    month_in_phase: int
    day_of_month: int
    study_day: int


def planned_doses(
    phases: Sequence[PhaseInterval],
    day1: date,
    trial: Protocol,
    high_dex_mg: Decimal | None = None,
) -> tuple[PlannedDose, ...]:
    """Every planned dose of the treatment phases in order of day and drug; open phases run to their planned end.

    Raises UnconfirmedDose when there is a high-dose phase and `high_dex_mg` is not given.
    """
    spans = [p for p in plan_phases(phases, day1, trial) if p.phase in TREATMENT_PHASES]
    if high_dex_mg is None and any(p.phase is Phase.HIGH_DEX for p in spans):
        raise UnconfirmedDose("The high dose of dexamethasone in mg is not confirmed, so no calendar is made.")
    mg = {Phase.HIGH_DEX: high_dex_mg or Decimal(0)} | dict.fromkeys(LOW_DEX_PHASES, trial.config.low_dex_mg)
    daily = trial.config.anakinra_mg
    doses = [
        *(_dose(on, Drug.ANAKINRA, daily, span, day1, trial) for span in spans for on in _days(span)),
        *(_dose(on, Drug.DEXAMETHASONE, mg[span.phase], span, day1, trial) for span, on in _dex_days(spans, trial)),
    ]
    return tuple(sorted(doses, key=lambda dose: (dose.on, dose.drug)))


def planned_days(phases: Sequence[PhaseInterval], day1: date, trial: Protocol) -> tuple[tuple[date, Drug], ...]:
    """Days and drugs of the planned doses without their amounts: cheap, and no dose in mg is needed."""
    spans = [p for p in plan_phases(phases, day1, trial) if p.phase in TREATMENT_PHASES]
    return (
        *((on, Drug.ANAKINRA) for span in spans for on in _days(span)),
        *((on, Drug.DEXAMETHASONE) for _, on in _dex_days(spans, trial)),
    )


def intensity(planned: int, given: int) -> Decimal | None:
    """Relative dose intensity in percent: given / planned x 100; None if nothing was planned."""
    return Decimal(given) / Decimal(planned) * 100 if planned else None


def _dose(on: date, drug: Drug, mg: Decimal, span: PhaseInterval, day1: date, trial: Protocol) -> PlannedDose:
    convention = trial.config.month_convention
    month = study_month(span.starts_on, on, convention)
    first = month_start(span.starts_on, month, convention)
    return PlannedDose(
        on,
        drug,
        mg,
        span.phase,
        study_month(day1, on, convention),
        month,
        (on - first).days + 1,
        study_day(day1, on),
    )


def _days(span: PhaseInterval) -> Iterator[date]:
    return _every(span.starts_on, _last(span), DAY)


def _every(first: date, last: date, step: timedelta) -> Iterator[date]:
    while first <= last:
        yield first
        first += step


def _last(span: PhaseInterval) -> date:
    return span.ends_on or span.starts_on


def _dex_days(spans: Sequence[PhaseInterval], trial: Protocol) -> Iterator[tuple[PhaseInterval, date]]:
    """Low doses in one weekly rhythm from the first low-dose day on; high doses by relative month."""
    low = [span for span in spans if span.phase in LOW_DEX_PHASES]
    for span in low:
        weeks = _every(low[0].starts_on, _last(span), WEEK)
        yield from ((span, on) for on in weeks if on >= span.starts_on)
    for span in spans:
        if span.phase is Phase.HIGH_DEX:
            yield from ((span, on) for on in high_dose_days(span.starts_on, trial) if on <= _last(span))


def high_dose_days(starts_on: date, trial: Protocol) -> list[date]:
    """The 48 high-dose days, counted from the start of the high-dose phase."""
    months = enumerate(high_dose_months(starts_on, trial), start=1)
    return [first + timedelta(days=day - 1) for month, first in months for day in HIGH_DEX_DAYS[month % 2]]


def high_dose_months(starts_on: date, trial: Protocol) -> list[date]:
    """First days of the six relative months of high dose."""
    return [month_start(starts_on, month, trial.config.month_convention) for month in range(1, HIGH_DEX_MONTHS + 1)]
