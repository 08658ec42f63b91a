"""What is said of a part of the record that is frozen or locked."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import IntegrityError

from trialsite.days import in_words
from trialsite.refusals import PlaceClosed

#: Name of the rule by which the database refuses (see sql/locks.sql); its detail is place|state|day.
RULE = "place_is_open"
_NAMED = {
    "enrolment": "Consent and eligibility were",
    "course": "The course of treatment was",
    "safety": "Adverse events and medications were",
}
_STATES = {
    "locked": "locked on {on} by data management. Ask for an unlock.",
    "frozen": "frozen on {on} by data management. Nothing can be changed here until the freeze is lifted.",
}


def closed_sentence(place: str, state: str, on: date) -> str:
    """This visit was locked on 2 Mar 2026 by data management. Ask for an unlock."""
    if place.startswith("doses-"):
        year, month = map(int, place.removeprefix("doses-").split("-"))
        named = f"The doses of {date(year, month, 1):%B %Y} were"
    else:
        named = _NAMED.get(place, "This visit was")
    return f"{named} {_STATES[state].format(on=in_words(on))}"


def refusal_of(error: IntegrityError) -> PlaceClosed | None:
    """The refusal behind an error of the database, None if it is another error."""
    told: Any = getattr(error.__cause__, "diag", None)
    if told is None or told.constraint_name != RULE:
        return None
    place, state, on = str(told.message_detail).split("|")
    return PlaceClosed(closed_sentence(place, state, date.fromisoformat(on)))
