"""What the pages of this room have in common."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse

from trialsite import clock
from trialsite.access import Duty, check_may
from trialsite.days import tell_today
from trialsite.http import SignedInRequest
from trialsite.models import Subject
from trialsite.selectors import subject_by_key


def subject_for(request: SignedInRequest, key: str, *, to_write: Duty) -> Subject:
    """The subject; PermissionDenied unless the person may see it, and on POST may write."""
    subject = subject_by_key(key)
    duty = to_write if request.method == "POST" else Duty.VIEW_SUBJECT
    check_may(request.actor, duty, subject.site_id, clock.now())
    return subject


def who(request: SignedInRequest, subject: Subject) -> dict[str, Any]:
    """Arguments that every service takes."""
    return {"by": request.actor, "at": clock.now(), "subject_id": subject.pk, "site_id": subject.site_id}


def dated(form: forms.Form, subject: Subject) -> None:
    """Tell the form's date boxes which day it is at the site, and Day 1."""
    tell_today(form, clock.today(subject.site.time_zone))
    if subject.day1_on is not None:
        for field in form.fields.values():
            if "data-date" in field.widget.attrs:
                field.widget.attrs["data-day1"] = subject.day1_on.isoformat()


def done(request: SignedInRequest, words: str, page: str, subject: Subject) -> HttpResponse:
    messages.success(request, words)
    return HttpResponseRedirect(reverse(page, args=[subject.key]), status=303)
