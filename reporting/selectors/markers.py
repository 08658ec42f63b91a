"""Markers that are no response: hs-CRP and the labelling index, at baseline and at month 6."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from protocol.derived import pct_change, round_half_up
from protocol.measurements import Course, Measurement
from protocol.months import add_months
from protocol.schema import Protocol
from protocol.vocabulary import Analyte

MARKERS = frozenset({Analyte.HS_CRP, Analyte.PCLI})


@dataclass(frozen=True)
class MarkerChange:
    """Canonical units; `change` in percent with one decimal, None where a value is missing or the baseline is 0."""

    baseline: Decimal | None = None
    month_6: Decimal | None = None
    change: Decimal | None = None


def six_months(day1: date, trial: Protocol) -> date:
    """The milestone of progression-free survival at six months, and the target of the month-6 visit."""
    return add_months(day1, 6, trial.config.month_convention)


def month_6_window(day1: date, trial: Protocol) -> tuple[date, date]:
    """First and last day of the month-6 window."""
    first, last = trial.config.month6_window_days
    return six_months(day1, trial) + timedelta(days=first), six_months(day1, trial) + timedelta(days=last)


def marker_change(course: Course, analyte: Analyte, trial: Protocol) -> MarkerChange:
    """The last value before the first dose, and the one nearest to month 6 inside its window."""
    if course.day1 is None:
        return MarkerChange()
    values = [m for m in course.current().measurements if m.analyte is analyte and m.value is not None]
    baseline = max((m for m in values if _is_before(m, course)), key=lambda m: m.collected_on, default=None)
    target = six_months(course.day1, trial)
    opens, closes = month_6_window(course.day1, trial)
    inside = [m for m in values if not _is_before(m, course) and opens <= m.collected_on <= closes]
    then = min(inside, key=lambda m: abs(m.collected_on - target), default=None)
    return _changed(baseline.value if baseline else None, then.value if then else None)


def _changed(baseline: Decimal | None, month_6: Decimal | None) -> MarkerChange:
    exact = pct_change(baseline, month_6) if baseline is not None and month_6 is not None else None
    return MarkerChange(
        None if baseline is None else baseline.normalize(),
        None if month_6 is None else month_6.normalize(),
        None if exact is None else round_half_up(exact, 1),
    )


def _is_before(m: Measurement, course: Course) -> bool:
    day1 = course.day1
    return day1 is not None and (m.collected_on < day1 or (m.collected_on == day1 and not m.after_first_dose))
