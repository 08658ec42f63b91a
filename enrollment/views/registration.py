"""The two ends of screening: registration, and screen failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from enrollment import selectors
from enrollment.forms import FailureForm, TokenForm
from enrollment.services import Cause, record_screen_failure, register_subject
from protocol.vocabulary import CriterionOutcome
from trialsite import clock
from trialsite.access import Duty, check_may
from trialsite.drafting import drafting, is_saved, typed_in_draft
from trialsite.http import SignedInRequest
from trialsite.models import Subject
from trialsite.selectors import free_number, protocol_of, subject_by_key
from trialsite.services.subjects import Refused
from trialsite.templatetags.edc import day


@require_http_methods(["GET", "POST"])
def subject_registration(request: SignedInRequest, key: str) -> HttpResponse:
    subject = subject_by_key(key)
    check_may(request.actor, Duty.REGISTER_SUBJECT, subject.site_id, clock.now())
    form = TokenForm(_data(request))
    today = clock.today(subject.site.time_zone)

    def save(given: dict[str, Any]) -> str:
        stored = register_subject(
            by=request.actor, at=clock.now(), token=given["token"], subject_id=subject.pk, site_id=subject.site_id
        )
        return f"{stored.screening_number} is registered as {stored.number}. Day 1 is the day of the first dose."

    context = {
        "number": free_number(subject.site, screening=False),
        "today": today,
        "first_dose_days": protocol_of(subject).parameters["first_dose_days"].value,
        "snapshot": selectors.latest_snapshot(subject),
        "ready": selectors.may_register(selectors.latest_snapshot(subject), selectors.checklist_of(subject, today)),
    }
    # What comes next is the first dose: its form stands there.
    return _answer(request, subject, form, "enrollment/registration.html", save, context, done="subject_dosing")


@require_http_methods(["GET", "POST"])
def subject_screen_failure(request: SignedInRequest, key: str) -> HttpResponse:
    subject = subject_by_key(key)
    check_may(request.actor, Duty.SCREEN_SUBJECT, subject.site_id, clock.now())
    today = clock.today(subject.site.time_zone)
    now = selectors.checklist_of(subject, today)
    unmet = [row for row in now.rows if row["outcome"] == CriterionOutcome.NOT_MET]
    cause = Cause.CRITERION if unmet else Cause.CONSENT_WITHDRAWN
    unsaved = drafting(request, subject)
    initial = {"failed_on": day(today), "cause": cause, **typed_in_draft(unsaved)}
    form = FailureForm(_data(request), today=today, initial=initial)

    def save(given: dict[str, Any]) -> str:
        record_screen_failure(
            by=request.actor,
            at=clock.now(),
            token=given["token"],
            subject_id=subject.pk,
            site_id=subject.site_id,
            cause=Cause(given["cause"]),
            failed_on=given["failed_on"],
            reason=given["reason"],
            passive_follow_up_allowed=given["scope"] == "visits" if given["scope"] else None,
        )
        is_saved(request, subject)
        return f"Screening of {subject.number} is closed. Nothing was deleted."

    context = {"unmet": unmet, "drafting": unsaved}
    return _answer(request, subject, form, "enrollment/screen_failure.html", save, context)


def _data(request: SignedInRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _answer(
    request: SignedInRequest,
    subject: Subject,
    form: forms.Form,
    template: str,
    save: Callable[[dict[str, Any]], str],
    context: dict[str, Any],
    done: str = "subject_eligibility",
) -> HttpResponse:
    """Show the form; on POST save and go to the page `done`, or say beside the form why not."""
    if form.is_bound and form.is_valid():
        try:
            messages.success(request, save(form.cleaned_data))
            return HttpResponseRedirect(reverse(done, args=[subject.key]), status=303)
        except Refused as error:
            form.add_error(None, str(error))
    status = 422 if form.is_bound else 200
    return render(request, template, {**context, "form": form, "subject": subject}, status=status)
