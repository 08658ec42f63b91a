"""Concomitant medication of a subject: the list, the form, and the end or withdrawal of an entry."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from labs.views.effects import Tried, save_at_once, save_once_shown
from protocol.prohibited import PROHIBITED, prohibited
from safety import selectors, services
from safety.forms import EndMedicationForm, InErrorForm, MedicationForm
from safety.models import ConcomitantMedication
from safety.views.door import subject_for, who
from trialsite import clock
from trialsite.access import Duty, check_may
from trialsite.drafting import drafting, is_saved
from trialsite.http import SignedInRequest
from trialsite.lock_pages import may_change
from trialsite.models import Subject
from trialsite.partial_dates import tell_today_in_part


@require_http_methods(["GET", "POST"])
def medications(request: SignedInRequest, key: str) -> HttpResponse:
    subject = subject_for(request, key)
    unsaved = drafting(request, subject)
    form = MedicationForm(
        request.POST if request.method == "POST" else None, initial=unsaved.typed if unsaved else None
    )
    tell_today_in_part(form, clock.today(subject.site.time_zone))
    tried = _add(request, subject, form) if form.is_valid() else Tried()
    if tried.done:
        is_saved(request, subject)
        return _done(request, subject, _added(tried.made))
    context = {
        "subject": subject,
        "medications": [(one, prohibited(one.name)) for one in selectors.medications(subject)],
        "form": form,
        "prohibited": PROHIBITED,
        "drafting": unsaved,
        "foreseen": tried,
        "may_enter": may_change(request, Duty.ENTER_DATA, subject),
    }
    return render(request, "safety/medications.html", context, status=422 if form.is_bound else 200)


def _add(request: SignedInRequest, subject: Subject, form: MedicationForm) -> Tried:
    """Only a therapy of the myeloma changes what is derived; its effects are shown first."""
    given = form.medication()
    act = partial(
        services.record_medication, **who(request, subject), token=form.cleaned_data["token"], medication=given
    )
    return save_once_shown(request, subject, form, act) if given.is_anti_myeloma else save_at_once(form, act)


def _added(stored: ConcomitantMedication) -> str:
    found = prohibited(stored.name)
    asked = f" It is a {found.label}, which the protocol does not allow: see the query." if found else ""
    return f"{stored.name} was added.{asked}"


@require_http_methods(["GET", "POST"])
def medication(request: SignedInRequest, key: str, pk: int) -> HttpResponse:
    """State the last day, or mark the entry as entered in error. POST `action` says which."""
    subject = subject_for(request, key)
    check_may(request.actor, Duty.ENTER_DATA, subject.site_id, clock.now())
    if not may_change(request, Duty.ENTER_DATA, subject):
        return HttpResponseRedirect(reverse("subject_medications", args=[subject.key]))
    one = get_object_or_404(ConcomitantMedication, pk=pk, subject=subject)
    action = request.POST.get("action", "")
    end = EndMedicationForm(request.POST if action == "end" else None)
    in_error = InErrorForm(request.POST if action == "in_error" else None)
    tell_today_in_part(end, clock.today(subject.site.time_zone))
    context = {"subject": subject, "medication": one, "end_form": end, "error_form": in_error}
    for form, save in ((end, services.end_medication), (in_error, services.mark_medication_in_error)):
        if form.is_valid():
            act = partial(save, **who(request, subject), medication_id=one.pk, **form.cleaned_data)
            tried = save_once_shown(request, subject, form, act)
            if tried.done:
                return _done(request, subject, f"{one.name} was changed.")
            context["end_foreseen" if form is end else "error_foreseen"] = tried
    return _change_page(request, context)


def _change_page(request: SignedInRequest, context: dict[str, Any]) -> HttpResponse:
    bound = [form for form in context.values() if isinstance(form, forms.Form) and form.is_bound]
    context["has_errors"] = bool(bound)
    return render(request, "safety/medication.html", context, status=422 if bound else 200)


def _done(request: SignedInRequest, subject: Subject, words: str) -> HttpResponse:
    messages.success(request, words)
    return HttpResponseRedirect(reverse("subject_medications", args=[subject.key]), status=303)
