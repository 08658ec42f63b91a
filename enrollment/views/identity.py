"""Year of birth and sex of one subject corrected, or the subject marked as entered in error."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from enrollment import services
from enrollment.forms import IdentityForm, SubjectInErrorForm
from enrollment.questions import YES
from labs.views.effects import Tried, save_once_shown
from labs.views.visits import put
from trialsite import clock
from trialsite.access import Duty, check_may
from trialsite.drafting import drafting, is_saved, typed_in_draft
from trialsite.http import SignedInRequest
from trialsite.lock_pages import may_change
from trialsite.models import Subject
from trialsite.selectors import subject_by_key
from trialsite.services.subjects import Refused


@require_http_methods(["GET", "POST"])
def subject_identity(request: SignedInRequest, key: str) -> HttpResponse:
    """What the trial knows of the person, and its corrections."""
    subject = subject_by_key(key)
    duty = Duty.ENTER_DATA if request.method == "POST" else Duty.VIEW_SUBJECT
    check_may(request.actor, duty, subject.site_id, clock.now())
    if request.method != "POST":
        return _show(request, subject)
    action = _ACTIONS.get(request.POST.get("action", ""))
    if action is None:
        raise Http404
    return action(request, subject)


def _correct(request: SignedInRequest, subject: Subject) -> HttpResponse:
    form, tried = IdentityForm(request.POST), Tried()
    if form.is_valid():
        act = partial(
            services.correct_identity,
            **_who(request, subject), identity=form.identity(), reason=form.cleaned_data["reason"],
        )  # fmt: skip
        tried = save_once_shown(request, subject, form, act)
    if tried.done:
        is_saved(request, subject)
        return _done(request, subject, "Corrected. What stood before is in the audit trail.")
    return _show(request, subject, form=form, foreseen=tried)


def _in_error(request: SignedInRequest, subject: Subject) -> HttpResponse:
    form = SubjectInErrorForm(request.POST)
    if form.is_valid():
        try:
            services.mark_subject_in_error(**_who(request, subject), reason=form.cleaned_data["error_reason"])
            return _done(request, subject, f"{subject.number} is marked as entered in error. Nothing was deleted.")
        except Refused as refusal:
            put(form, refusal)
    return _show(request, subject, error_form=form)


_ACTIONS = {"correct": _correct, "in_error": _in_error}


def _who(request: SignedInRequest, subject: Subject) -> dict[str, Any]:
    return {"by": request.actor, "at": clock.now(), "subject_id": subject.pk, "site_id": subject.site_id}


def _done(request: SignedInRequest, subject: Subject, words: str) -> HttpResponse:
    messages.success(request, words)
    return HttpResponseRedirect(reverse("subject_identity", args=[subject.key]), status=303)


def _show(
    request: SignedInRequest,
    subject: Subject,
    *,
    form: IdentityForm | None = None,
    error_form: SubjectInErrorForm | None = None,
    foreseen: Tried | None = None,
) -> HttpResponse:
    now = services.identity_of(subject)
    is_open = subject.entered_in_error_at is None
    may_enter = is_open and may_change(request, Duty.ENTER_DATA, subject)
    unsaved = drafting(request, subject)
    initial = {"birth_year": now.birth_year, "sex": now.sex, "is_adult": YES if now.is_adult else "no"}
    failed = bool((form and form.is_bound) or (error_form and error_form.is_bound))
    context = {
        "subject": subject,
        "now": now,
        "may_enter": may_enter,
        "drafting": unsaved,
        "foreseen": foreseen,
        "form": form or IdentityForm(initial={**initial, **typed_in_draft(unsaved)}),
        "error_form": error_form or SubjectInErrorForm(),
        "may_mark": may_enter and subject.registered_on is None,
        "has_errors": failed,
    }
    return render(request, "enrollment/identity.html", context, status=422 if failed else 200)
