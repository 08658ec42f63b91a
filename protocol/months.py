"""Study days and study months. Every month is counted from the anchor, never from the month before (D-05)."""

from calendar import monthrange
from datetime import date, timedelta

from protocol.vocabulary import MonthConvention

_DAYS = {MonthConvention.D28: 28, MonthConvention.D30: 30}


def add_calendar_months(anchor: date, months: int) -> date:
    """`anchor` moved by calendar months, clamped to the end of a shorter month."""
    year, month0 = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    return date(year, month0 + 1, min(anchor.day, monthrange(year, month0 + 1)[1]))


def add_months(anchor: date, months: int, convention: MonthConvention) -> date:
    """`anchor` moved by study months of the given convention."""
    if convention is MonthConvention.CALENDAR:
        return add_calendar_months(anchor, months)
    return anchor + timedelta(days=_DAYS[convention] * months)


def month_start(anchor: date, month: int, convention: MonthConvention) -> date:
    """First day of month `month`; month 1 starts on the anchor itself."""
    return add_months(anchor, month - 1, convention)


def month_starts(anchor: date, through: date, convention: MonthConvention) -> list[date]:
    """First days of the months that begin on or before `through`, in order; empty before the anchor."""
    starts: list[date] = []
    while (first := month_start(anchor, len(starts) + 1, convention)) <= through:
        starts.append(first)
    return starts


def study_month(day1: date, on: date, convention: MonthConvention) -> int:
    """The study month a day lies in: 1 from Day 1 on, 0 before it."""
    if on < day1:
        return 0
    month = (on - day1).days // 31 + 1
    while month_start(day1, month + 1, convention) <= on:
        month += 1
    return month


def study_day(day1: date, on: date) -> int:
    """Study day: Day 1 is the first dose, the day before is -1; there is no Day 0."""
    days = (on - day1).days
    return days + 1 if days >= 0 else days
