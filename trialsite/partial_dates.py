"""Dates of which only a part may be known: kept as they were said, never completed.

A comparison uses the earliest and the latest day that the words allow, and says so.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from django import forms

from trialsite.days import MONTHS, TWO_READINGS, TwoReadings, in_words, read_day

_UNKNOWN = r"(?:un|unk|uk|nk)"
_MONTH = re.compile(rf"(?:{_UNKNOWN}[\s.-]*)?([a-z]{{3}})[a-z]*[\s.-]*(\d{{4}})")
_MONTH_PLAIN = re.compile(r"(\d{4})-(\d{2})")
_YEAR = re.compile(rf"(?:{_UNKNOWN}[\s.-]*){{0,2}}(\d{{4}})")

HINT = "12 Mar 2026, mar 2026 or 2026."
FIRST_YEAR = 1900


class Precision(StrEnum):
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True)
class PartialDate:
    """What is known of a date.

    earliest, latest: first and last day that it can have been. text: as collected.
    iso: as precise as it is known, 2025-03-12, 2025-03 or 2025.
    """

    earliest: date
    latest: date
    text: str
    iso: str

    @property
    def precision(self) -> Precision:
        return {10: Precision.DAY, 7: Precision.MONTH, 4: Precision.YEAR}[len(self.iso)]

    @property
    def words(self) -> str:
        """12 Mar 2025; Mar 2025, day unknown; 2025, month and day unknown."""
        return in_words_as_known(self.iso)

    def is_surely_before(self, other: PartialDate) -> bool:
        """True only where no reading of the two puts this one on the same day or later."""
        return self.latest < other.earliest


def parse(text: str, today: date) -> PartialDate:
    """What was typed: a day in any way that a whole date is typed, mar 2025, un mar 2025, 2025-03, 2025.

    `today` is the site's. ValueError with a sentence for what cannot be read; nothing is guessed.
    """
    typed = text.strip().lower()
    if match := _YEAR.fullmatch(typed):
        return _of_year(int(match[1]), text.strip())
    if match := _MONTH_PLAIN.fullmatch(typed):
        return _of_month(int(match[1]), int(match[2]), text.strip())
    if match := _MONTH.fullmatch(typed):
        return _of_month(int(match[2]), MONTHS.index(match[1]) + 1 if match[1] in MONTHS else 0, text.strip())
    try:
        day = read_day(typed, today)
    except TwoReadings:
        raise
    except ValueError as error:
        words = str(error)
        unread = words == "Enter a date such as 12 Mar 2026."
        raise ValueError("Enter a date such as 12 Mar 2026, Mar 2026 or 2026." if unread else words) from error
    return PartialDate(day, day, text.strip(), day.isoformat())


def from_iso(iso: str, text: str = "") -> PartialDate:
    """The date that was stored as 2025-03-12, 2025-03 or 2025."""
    if len(iso) == 10:
        day = date.fromisoformat(iso)
        return PartialDate(day, day, text or iso, iso)
    if len(iso) == 7:
        return _of_month(int(iso[:4]), int(iso[5:]), text or iso)
    return _of_year(int(iso), text or iso)


def on_day(day: date) -> PartialDate:
    """A date that is known to the day, where nobody typed it."""
    return PartialDate(day, day, in_words(day), day.isoformat())


def columns(name: str, known: PartialDate | None) -> dict[str, Any]:
    """The four columns that keep a date: `name` and its `_typed`, `_earliest`, `_latest`; empty for None."""
    if known is None:
        return {name: "", f"{name}_typed": "", f"{name}_earliest": None, f"{name}_latest": None}
    return {
        name: known.iso,
        f"{name}_typed": known.text,
        f"{name}_earliest": known.earliest,
        f"{name}_latest": known.latest,
    }


def in_words_as_known(iso: str) -> str:
    """Words for 2025-03-12, 2025-03 or 2025; empty for an empty text."""
    if len(iso) == 10:
        return in_words(date.fromisoformat(iso))
    if len(iso) == 7:
        return f"{MONTHS[int(iso[5:]) - 1].capitalize()} {iso[:4]}, day unknown"
    return f"{iso}, month and day unknown" if iso else ""


def _of_year(year: int, text: str) -> PartialDate:
    _check_year(year)
    return PartialDate(date(year, 1, 1), date(year, 12, 31), text, f"{year:04d}")


def _of_month(year: int, month: int, text: str) -> PartialDate:
    _check_year(year)
    if not 1 <= month <= 12:
        raise ValueError("This month is not in the calendar. Enter a date such as Mar 2026.")
    last = monthrange(year, month)[1]
    return PartialDate(date(year, month, 1), date(year, month, last), text, f"{year:04d}-{month:02d}")


def _check_year(year: int) -> None:
    if year < FIRST_YEAR:
        raise ValueError(f"The year {year} is too long ago. Check it.")


class PartialDayField(forms.CharField):
    """A date in one box, of which the day or the month may be unknown. `tell_today_in_part` says which day it is."""

    def __init__(self, *, label: str, required: bool = True, help_text: str = HINT, words: str = "") -> None:
        missing = words or "Enter a date; a year is enough where no more is known."
        super().__init__(
            label=label,
            required=required,
            help_text=help_text,
            max_length=40,
            error_messages={"required": missing},
            widget=forms.TextInput(attrs={"autocomplete": "off"}),
        )
        self.today = date.min

    def clean(self, value: Any) -> PartialDate | None:
        typed = super().clean(value)
        if not typed:
            return None
        try:
            return parse(typed, self.today)
        except TwoReadings as error:
            raise forms.ValidationError(str(error), code=TWO_READINGS, params={"days": error.days}) from error
        except ValueError as error:
            raise forms.ValidationError(str(error), code="unreadable") from error


def tell_today_in_part(form: forms.BaseForm, today: date) -> None:
    """Tell every partial date box of the form which day it is where the site is."""
    for field in form.fields.values():
        if isinstance(field, PartialDayField):
            field.today = today
