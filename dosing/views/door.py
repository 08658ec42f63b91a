"""Who may open the pages of treatment: asked before anything of a subject is read."""

from __future__ import annotations

from trialsite import clock
from trialsite.access import Duty, check_may
from trialsite.http import SignedInRequest
from trialsite.models import Subject
from trialsite.selectors import subject_by_key


def subject_for(request: SignedInRequest, key: str, *, to_write: Duty) -> Subject:
    """The subject; 404 outside the person's sites, 403 unless the person may see it, and on POST may write."""
    subject = subject_by_key(key)
    duty = to_write if request.method == "POST" else Duty.VIEW_SUBJECT
    check_may(request.actor, duty, subject.site_id, clock.now())
    return subject
