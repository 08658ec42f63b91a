"""What every page of this room begins with."""

from __future__ import annotations

from typing import Any

from trialsite import clock
from trialsite.access import Duty, check_may
from trialsite.http import SignedInRequest
from trialsite.models import Subject
from trialsite.selectors import subject_by_key


def subject_for(request: SignedInRequest, key: str, *, to_write: Duty = Duty.ENTER_DATA) -> Subject:
    """The subject of the address, if this person may see it, and for a POST also do `to_write`. 404 or 403 if not."""
    subject = subject_by_key(key)
    duty = to_write if request.method == "POST" else Duty.VIEW_SUBJECT
    check_may(request.actor, duty, subject.site_id, clock.now())
    return subject


def who(request: SignedInRequest, subject: Subject) -> dict[str, Any]:
    """Arguments that every service of this room takes."""
    return {"by": request.actor, "at": clock.now(), "subject_id": subject.pk, "site_id": subject.site_id}
