"""The dosing calendar of one subject: days, strip of the phase, totals. Planned doses are derived, records are read."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from dosing.models import DoseRecord
from dosing.selectors.doses import DoseKey, Totals, current_doses, dose_totals, standing_orders
from dosing.selectors.phases import drawn_out, phases, planned_doses, planned_visits, uses_unconfirmed_dose
from protocol.doses import Modification, PlannedDose, ordered, ordered_mg
from protocol.measurements import PhaseInterval
from protocol.months import month_start, study_month
from protocol.vocabulary import DoseAction, Drug
from trialsite.models import Subject, Visit
from trialsite.selectors import protocol_of
from trialsite.selectors import visits as visits_done

DAY = timedelta(days=1)
SUNDAY = 6


@dataclass(frozen=True)
class DayDose:
    """One planned drug on one day and what is recorded of it. state: taken, missed, held, due, to_record, planned."""

    planned: PlannedDose
    record: DoseRecord | None
    state: str
    order: Modification | None = None

    @property
    def mg(self) -> Decimal:
        """What is to be given: the planned dose, or a reduced one."""
        return ordered_mg(self.planned, [self.order]) if self.order else self.planned.mg

    @property
    def is_withheld(self) -> bool:
        """The drug is held or stopped on this day."""
        return self.order is not None and self.order.action is not DoseAction.REDUCE


@dataclass(frozen=True)
class CalendarDay:
    """One day of the calendar. `month` and `day_of_month` count from Day 1; 0 before it."""

    on: date
    month: int
    day_of_month: int
    doses: tuple[DayDose, ...]
    visit: str


@dataclass(frozen=True)
class StudyMonth:
    """One study month of the present phase, day by day."""

    number: int
    days: tuple[CalendarDay, ...]


class Calendar:
    """Everything the dosing page needs about one subject, read in a constant number of queries."""

    def __init__(self, subject: Subject, today: date) -> None:
        self.subject = subject
        self.today = today
        self.lived = phases(subject)
        self.is_blocked = uses_unconfirmed_dose(self.lived, subject.protocol_version)
        planned = () if self.is_blocked else planned_doses(subject, today)
        self.planned: tuple[PlannedDose, ...] = planned
        self.recorded: dict[DoseKey, DoseRecord] = current_doses(subject)
        self.orders = standing_orders(subject)

    @cached_property
    def spans(self) -> tuple[PhaseInterval, ...]:
        """Treatment phases with their ends, planned where they are open."""
        if self.subject.day1_on is None:
            return ()
        return drawn_out(self.lived, self.subject.day1_on, self.today, protocol_of(self.subject))

    @cached_property
    def _planned_by_day(self) -> dict[date, list[PlannedDose]]:
        found: dict[date, list[PlannedDose]] = {}
        for dose in self.planned:
            found.setdefault(dose.on, []).append(dose)
        return found

    @cached_property
    def _visits(self) -> dict[date, str]:
        """Visits by the day on which they took place, else are planned."""
        done = visits_done(self.subject)
        marked: dict[date, str] = {}
        for visit in planned_visits(self.subject):
            row = done.get(visit.code)
            if row is None:
                marked.setdefault(visit.target_on, f"{visit.label} visit")
            elif row.status != Visit.Status.NOT_DONE and row.occurred_on is not None:
                marked[row.occurred_on] = f"{visit.label} visit"
        return marked

    def day(self, on: date) -> CalendarDay:
        """One day with its doses."""
        month, day_of_month = self._protocol_day(on)
        doses = tuple(self._dose(dose) for dose in self._planned_by_day.get(on, []))
        return CalendarDay(on, month, day_of_month, doses, self._visits.get(on, ""))

    def _protocol_day(self, on: date) -> tuple[int, int]:
        day1 = self.subject.day1_on
        if day1 is None or on < day1:
            return 0, 0
        convention = protocol_of(self.subject).config.month_convention
        month = study_month(day1, on, convention)
        return month, (on - month_start(day1, month, convention)).days + 1

    def _dose(self, dose: PlannedDose) -> DayDose:
        record, order = self.recorded.get((dose.on, dose.drug)), ordered(dose, self.orders)
        if record is not None:
            return DayDose(dose, record, record.status.lower(), order)
        if dose.on == self.today:
            return DayDose(dose, None, "due", order)
        return DayDose(dose, None, "planned" if dose.on > self.today else "to_record", order)

    def weeks(self, year: int, month: int) -> list[list[CalendarDay]]:
        """The weeks of one calendar month, from Sunday; days of the months beside it are included."""
        return [[self.day(on) for on in week] for week in calendar.Calendar(SUNDAY).monthdatescalendar(year, month)]

    def present_span(self) -> PhaseInterval | None:
        """The phase in force today; before or after treatment the nearest one."""
        begun = [span for span in self.spans if span.starts_on <= self.today]
        return begun[-1] if begun else next(iter(self.spans), None)

    def strip(self) -> list[StudyMonth]:
        """Study months of the present phase; days outside the phase are left out."""
        span, day1 = self.present_span(), self.subject.day1_on
        if span is None or day1 is None or span.ends_on is None:
            return []
        days = [self.day(on) for on in _every(span.starts_on, span.ends_on)]
        numbers = sorted({day.month for day in days})
        return [StudyMonth(number, tuple(day for day in days if day.month == number)) for number in numbers]

    def totals(self) -> tuple[Totals, ...]:
        """Totals by drug over the whole treatment up to today."""
        return dose_totals(self.planned, self.recorded, self.today)

    def oldest_to_record(self) -> date | None:
        """The first day up to today on which something planned has no record."""
        return next(
            (dose.on for dose in self.planned if dose.on <= self.today and (dose.on, dose.drug) not in self.recorded),
            None,
        )

    def drugs_on(self, on: date) -> tuple[Drug, ...]:
        return tuple(dose.drug for dose in self._planned_by_day.get(on, []))


def _every(first: date, last: date) -> Sequence[date]:
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
