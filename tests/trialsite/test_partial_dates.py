"""Dates of which a part is unknown."""

from __future__ import annotations

from datetime import date

import pytest

from trialsite.partial_dates import from_iso, parse

TODAY = date(2025, 6, 12)


@pytest.mark.req("D6")
@pytest.mark.parametrize(
    ("typed", "iso", "earliest", "latest", "words"),
    [
        ("12 mar 2025", "2025-03-12", date(2025, 3, 12), date(2025, 3, 12), "12 Mar 2025"),
        ("t", "2025-06-12", TODAY, TODAY, "12 Jun 2025"),
        ("Mar 2025", "2025-03", date(2025, 3, 1), date(2025, 3, 31), "Mar 2025, day unknown"),
        ("un mar 2025", "2025-03", date(2025, 3, 1), date(2025, 3, 31), "Mar 2025, day unknown"),
        ("UNK-FEB-2024", "2024-02", date(2024, 2, 1), date(2024, 2, 29), "Feb 2024, day unknown"),
        ("february 2025", "2025-02", date(2025, 2, 1), date(2025, 2, 28), "Feb 2025, day unknown"),
        ("2025-03", "2025-03", date(2025, 3, 1), date(2025, 3, 31), "Mar 2025, day unknown"),
        ("2025", "2025", date(2025, 1, 1), date(2025, 12, 31), "2025, month and day unknown"),
        ("un un 2025", "2025", date(2025, 1, 1), date(2025, 12, 31), "2025, month and day unknown"),
    ],
)
def test_complaint_29_what_is_known_is_kept_and_nothing_is_completed(
    typed: str, iso: str, earliest: date, latest: date, words: str
) -> None:
    read = parse(typed, TODAY)
    assert (read.iso, read.earliest, read.latest, read.words) == (iso, earliest, latest, words)
    assert read.text == typed
    assert from_iso(read.iso, typed) == read


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("someday", "Enter a date such as 12 Mar 2026, Mar 2026 or 2026."),
        ("mar 25", "Enter a date such as"),
        ("mai 2025", "This month is not in the calendar"),
        ("2025-13", "This month is not in the calendar"),
        ("31 feb 2025", "This day is not in the calendar"),
        ("3/4/2025", "Did you mean"),
        ("1066", "too long ago"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(typed: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse(typed, TODAY)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("feb 2025", "mar 2025", True), ("2025", "mar 2025", False), ("mar 2025", "12 mar 2025", False)],
)
def test_only_what_no_reading_allows_is_before(one: str, other: str, *, expected: bool) -> None:
    assert parse(one, TODAY).is_surely_before(parse(other, TODAY)) is expected
