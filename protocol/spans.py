"""How long each phase is planned to run (clinical specification 0.8)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from protocol.measurements import PhaseInterval
from protocol.months import add_months
from protocol.schema import Protocol
from protocol.vocabulary import Phase

DAY = timedelta(days=1)
HIGH_DEX_MONTHS = 6
#: Phases that end with a study month counted from Day 1, also when the decision was signed late.
ENDS_WITH_STUDY_MONTH = {
    Phase.INDUCTION: 6,
    Phase.ANAKINRA_ONLY: 12,
    Phase.LOW_DEX_7_12: 12,
    Phase.LOW_DEX_13_18: 18,
}
#: Phases that last a number of months from their own start.
LASTS_MONTHS = {Phase.HIGH_DEX: HIGH_DEX_MONTHS, Phase.EXTENSION: 6}


def planned_end(phase: Phase, starts_on: date, day1: date, trial: Protocol) -> date | None:
    """Last planned day of a phase, inclusive; None for phases without a planned end."""
    convention = trial.config.month_convention
    if phase in ENDS_WITH_STUDY_MONTH:
        return max(starts_on, add_months(day1, ENDS_WITH_STUDY_MONTH[phase], convention) - DAY)
    if phase in LASTS_MONTHS:
        return add_months(starts_on, LASTS_MONTHS[phase], convention) - DAY
    return None


def plan_phases(phases: Sequence[PhaseInterval], day1: date, trial: Protocol) -> tuple[PhaseInterval, ...]:
    """Phases in date order; an open one ends the day before its successor, the last with its planned end."""
    ordered = sorted(phases, key=lambda p: p.starts_on)
    return tuple(_closed(p, after, day1, trial) for p, after in zip(ordered, [*ordered[1:], None], strict=True))


def _closed(span: PhaseInterval, after: PhaseInterval | None, day1: date, trial: Protocol) -> PhaseInterval:
    if span.ends_on is not None:
        return span
    if after is not None:
        return replace(span, ends_on=after.starts_on - DAY)
    return replace(span, ends_on=planned_end(span.phase, span.starts_on, day1, trial))
