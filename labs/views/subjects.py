"""Finding the subject of a page for a person who may read it."""

from __future__ import annotations

from uuid import UUID, uuid4

from trialsite import clock
from trialsite.access import Duty, check_may
from trialsite.http import SignedInRequest
from trialsite.lock_pages import may_change
from trialsite.models import Subject
from trialsite.selectors import subject_by_key


def readable_subject(request: SignedInRequest, key: str) -> Subject:
    """The subject behind an address: 404 outside the person's sites, 403 without the duty (on POST to enter data)."""
    subject = subject_by_key(key)
    duty = Duty.ENTER_DATA if request.method == "POST" else Duty.VIEW_SUBJECT
    check_may(request.actor, duty, subject.site_id, clock.now())
    return subject


def may_enter(request: SignedInRequest, subject: Subject) -> bool:
    return may_change(request, Duty.ENTER_DATA, subject)


def token_of(request: SignedInRequest) -> UUID:
    """The form's token; a new one where it is missing or garbled, so that the form still counts once."""
    return uuid_of(request.POST.get("token", ""))


def uuid_of(text: str) -> UUID:
    """The token that a form or a draft carries; a new one where it is missing or garbled."""
    try:
        return UUID(text)
    except ValueError:
        return uuid4()
