"""Dates as people type them: one box, read generously, never guessed where two readings are possible."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WORDED = re.compile(r"(\d{1,2})[\s.-]*([a-z]{3})[a-z]*[\s.-]*(\d{4}|\d{2})?")
_PLAIN = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})")
_SHIFT = re.compile(r"[+-]\d{1,3}")

TWO_READINGS = "two_readings"
HINT = "12 Mar 2026, 12mar, or t for today."


def day_at(at: datetime, time_zone: str) -> date:
    """The date that it is in that time zone: a site's day, where the zone is the site's."""
    return at.astimezone(ZoneInfo(time_zone)).date()


def plain_day(text: str) -> date | None:
    """The day of an address, 2026-03-12; None for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def in_words(day: date) -> str:
    """12 Mar 2026."""
    return f"{day.day} {MONTHS[day.month - 1].capitalize()} {day.year}"


def read_day(text: str, today: date, visit: date | None = None) -> date:
    """The day that was typed: 12mar, 12 mar 26, 2026-03-12, t, y, v (visit date), -3, +1.

    Two figures and a year are taken only where one reading is possible. ValueError with a sentence otherwise.
    """
    typed = text.strip().lower()
    shifted = _relative(typed, today, visit)
    if shifted is not None:
        return shifted
    if match := _PLAIN.fullmatch(typed):
        return _make(int(match[1]), int(match[2]), int(match[3]))
    if match := _WORDED.fullmatch(typed):
        year = today.year if match[3] is None else int(match[3]) + (2000 if len(match[3]) == 2 else 0)
        return _make(year, MONTHS.index(match[2]) + 1 if match[2] in MONTHS else 0, int(match[1]))
    if match := _SLASHED.fullmatch(typed):
        return _unambiguous(int(match[1]), int(match[2]), int(match[3]))
    raise ValueError("Enter a date such as 12 Mar 2026.")


def _relative(typed: str, today: date, visit: date | None) -> date | None:
    if typed == "v":
        return visit
    if typed in {"t", "y"}:
        return today - timedelta(days=int(typed == "y"))
    return today + timedelta(days=int(typed)) if _SHIFT.fullmatch(typed) else None


def _make(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        raise ValueError("This day is not in the calendar. Enter a date such as 12 Mar 2026.") from error


def _unambiguous(first: int, second: int, year: int) -> date:
    """Day and month in either order, if only one order makes a day."""
    orders = {(month, day) for month, day in ((first, second), (second, first)) if month <= 12}
    possible = sorted(_make(year, month, day) for month, day in orders)
    if len(possible) == 1:
        return possible[0]
    if not possible:
        raise ValueError("This day is not in the calendar. Enter a date such as 12 Mar 2026.")
    raise TwoReadings(possible[1], possible[0])


class TwoReadings(ValueError):
    """Figures that are one day in one country and another day in the next; a person chooses."""

    def __init__(self, *days: date) -> None:
        super().__init__(f"Did you mean {' or '.join(in_words(day) for day in days)}?")
        self.days = days


class DayField(forms.DateField):
    """A date in one box. A form that is given `today` hands it on with `tell_today`."""

    widget = forms.DateInput(format="%-d %b %Y", attrs={"data-date": "", "autocomplete": "off"})

    def __init__(self, *, label: str, required: bool = True, help_text: str = HINT, words: str = "") -> None:
        missing = words or "Enter a date."
        super().__init__(label=label, required=required, help_text=help_text, error_messages={"required": missing})
        self.today = date.min
        self.visit: date | None = None

    def to_python(self, value: Any) -> date | None:
        if value in self.empty_values or isinstance(value, date):
            return value or None
        try:
            return read_day(str(value), self.today, self.visit)
        except TwoReadings as error:
            raise forms.ValidationError(str(error), code=TWO_READINGS, params={"days": error.days}) from error
        except ValueError as error:
            raise forms.ValidationError(str(error), code="unreadable") from error

    def bound_data(self, data: Any, initial: Any) -> Any:
        return data


def tell_today(form: forms.BaseForm, today: date, visit: date | None = None) -> None:
    """Tell every date box of the form which day it is where the site is, and when the visit was."""
    for field in form.fields.values():
        if isinstance(field, DayField):
            field.today, field.visit = today, visit
            field.widget.attrs["data-today"] = today.isoformat()
            if visit is not None:
                field.widget.attrs["data-visit"] = visit.isoformat()


def two_readings(bound: forms.BoundField) -> tuple[str, ...]:
    """The days that a refused box could have meant, in words; empty where nothing is to be chosen."""
    found = [error for error in bound.errors.as_data() if error.code == TWO_READINGS]
    return tuple(in_words(day) for error in found for day in (error.params or {})["days"])


def tell_window(bound: forms.BoundField, day1: date | None, window: tuple[date, date] | None) -> None:
    """Tell a date box the first day of treatment and the visit's window, which are shown beside what is typed."""
    marks = {"data-day1": day1, "data-opens": window and window[0], "data-closes": window and window[1]}
    bound.field.widget.attrs.update({name: day.isoformat() for name, day in marks.items() if day is not None})
