"""Concomitant medication of a subject: the list, the form, and the end or withdrawal of an entry."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from protocol.prohibited import PROHIBITED, prohibited
from safety import selectors, services
from safety.forms import EndMedicationForm, InErrorForm, MedicationForm
from safety.models import ConcomitantMedication
from safety.views.door import subject_for, who
from trialsite import clock
from trialsite.access import Duty, can, check_may
from trialsite.days import tell_today
from trialsite.drafting import drafting, is_saved
from trialsite.http import SignedInRequest
from trialsite.models import Subject
from trialsite.services.subjects import Refused


@require_http_methods(["GET", "POST"])
def medications(request: SignedInRequest, key: str) -> HttpResponse:
    subject = subject_for(request, key)
    unsaved = drafting(request, subject)
    form = MedicationForm(
        request.POST if request.method == "POST" else None, initial=unsaved.typed if unsaved else None
    )
    tell_today(form, clock.today(subject.site.time_zone))
    if form.is_valid():
        try:
            stored = services.record_medication(
                **who(request, subject), token=form.cleaned_data["token"], medication=form.medication()
            )
            is_saved(request, subject)
            return _done(request, subject, _added(stored))
        except Refused as error:
            form.add_error(None, str(error))
    context = {
        "subject": subject,
        "medications": [(one, prohibited(one.name)) for one in selectors.medications(subject)],
        "form": form,
        "prohibited": PROHIBITED,
        "drafting": unsaved,
        "may_enter": can(request.actor, Duty.ENTER_DATA, subject.site_id, clock.now()),
    }
    return render(request, "safety/medications.html", context, status=422 if form.is_bound else 200)


def _added(stored: ConcomitantMedication) -> str:
    found = prohibited(stored.name)
    asked = f" It is a {found.label}, which the protocol does not allow: see the query." if found else ""
    return f"{stored.name} was added.{asked}"


@require_http_methods(["GET", "POST"])
def medication(request: SignedInRequest, key: str, pk: int) -> HttpResponse:
    """State the last day, or mark the entry as entered in error. POST `action` says which."""
    subject = subject_for(request, key)
    check_may(request.actor, Duty.ENTER_DATA, subject.site_id, clock.now())
    one = get_object_or_404(ConcomitantMedication, pk=pk, subject=subject)
    action = request.POST.get("action", "")
    end = EndMedicationForm(request.POST if action == "end" else None)
    in_error = InErrorForm(request.POST if action == "in_error" else None)
    tell_today(end, clock.today(subject.site.time_zone))
    for form, save in ((end, services.end_medication), (in_error, services.mark_medication_in_error)):
        if form.is_valid():
            try:
                save(**who(request, subject), medication_id=one.pk, **form.cleaned_data)
                return _done(request, subject, f"{one.name} was changed.")
            except Refused as error:
                form.add_error(None, str(error))
    return _change_page(request, {"subject": subject, "medication": one, "end_form": end, "error_form": in_error})


def _change_page(request: SignedInRequest, context: dict[str, Any]) -> HttpResponse:
    bound = [form for form in context.values() if isinstance(form, forms.Form) and form.is_bound]
    context["has_errors"] = bool(bound)
    return render(request, "safety/medication.html", context, status=422 if bound else 200)


def _done(request: SignedInRequest, subject: Subject, words: str) -> HttpResponse:
    messages.success(request, words)
    return HttpResponseRedirect(reverse("subject_medications", args=[subject.key]), status=303)
