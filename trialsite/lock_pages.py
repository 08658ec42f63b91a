"""What pages with forms show of a part of the record that is frozen or locked: the sentence, and no form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from trialsite import clock
from trialsite.access import Duty, can
from trialsite.http import SignedInRequest
from trialsite.lock_selectors import closed_words
from trialsite.models import Subject
from trialsite.source_items import DOSES

#: Page -> the part of the record that its form changes; "code": the visit of the address. Calendars and lists of
#: contacts show several parts: their views say which.
PAGES: Mapping[str, str] = {
    "visit": "code", "visit_labs": "code", "visit_disease": "code",
    "subject_consent": "enrolment", "subject_identity": "enrolment", "subject_eligibility": "enrolment",
    "subject_modifications": "course", "subject_end_of_treatment": "course", "subject_departure": "course",
    "subject_adverse_events": "safety", "adverse_event_new": "safety", "adverse_event": "safety",
    "pregnancy_new": "safety", "subject_safety_report": "safety", "subject_medications": "safety",
    "medication": "safety",
}  # fmt: skip
_KEPT = "closed_parts"


def doses_of(day: date) -> str:
    """The part of the record that the doses of a day belong to."""
    return f"{DOSES}{day:%Y-%m}"


def place_of_page(request: HttpRequest) -> str:
    """The part of the record that this page changes; empty where it changes none, or several."""
    match = request.resolver_match
    place = PAGES.get(match.url_name or "", "") if match else ""
    return str(match.kwargs["code"]) if match and place == "code" else place


def closed_here(request: HttpRequest, key: str, place: str) -> str:
    """The sentence for this part, empty while it is open. One query for each part that a page asks about."""
    known: dict[str, str] = vars(request).setdefault(_KEPT, {})
    if place and place not in known:
        known[place] = closed_words(key, place)
    return known.get(place, "")


def may_change(request: SignedInRequest, duty: Duty, subject: Subject, place: str = "") -> bool:
    """True if the person may write here and the part of the record (that of the page, if none is named) is open."""
    may = can(request.actor, duty, subject.site_id, clock.now())
    return may and not closed_here(request, subject.key, place or place_of_page(request))


def beside(request: HttpRequest) -> dict[str, object]:
    """Context of every page: `closed_parts`, the sentences for what it could have changed, asked for by the shell."""
    match, actor = request.resolver_match, getattr(request, "actor", None)
    if match is None or "key" not in match.kwargs or actor is None or actor.user_id is None:
        return {}
    return {_KEPT: SimpleLazyObject(lambda: _sentences(request, match.kwargs["key"]))}


def _sentences(request: HttpRequest, key: str) -> list[tuple[str, str]]:
    """Part and sentence of everything closed that the page asked about."""
    closed_here(request, key, place_of_page(request))
    return [(place, words) for place, words in vars(request).get(_KEPT, {}).items() if words]
