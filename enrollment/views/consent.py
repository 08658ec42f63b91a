"""The consents of one subject: given again, corrected, and what was done before them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from enrollment import selectors, services
from enrollment.forms import CorrectConsentForm, ReconsentForm, offer
from enrollment.models import Consent
from labs.services import confirm_ordinary_care, open_questions
from labs.views.visits import put
from protocol.vocabulary import TERMINAL_PHASES
from trialsite import clock
from trialsite.access import Duty, can, check_may
from trialsite.days import tell_today
from trialsite.http import SignedInRequest
from trialsite.models import Subject
from trialsite.selectors import subject_by_key
from trialsite.services.subjects import Refused


@require_http_methods(["GET", "POST"])
def subject_consent(request: SignedInRequest, key: str) -> HttpResponse:
    subject = subject_by_key(key)
    duty = Duty.ENTER_DATA if request.method == "POST" else Duty.VIEW_SUBJECT
    check_may(request.actor, duty, subject.site_id, clock.now())
    if request.method != "POST":
        return _show(request, subject)
    action = request.POST.get("action", "again")
    if action not in _ACTIONS:
        raise Http404
    return _ACTIONS[action](request, subject)


def _again(request: SignedInRequest, subject: Subject) -> HttpResponse:
    form = _offered(ReconsentForm(request.POST), subject, _not_signed(subject))
    if form.is_valid():
        try:
            stored = services.record_reconsent(
                **_who(request, subject), token=form.cleaned_data["token"], given=form.given()
            )
            return _done(request, subject, f"Consent to version {stored.form_version} is recorded.")
        except Refused as refusal:
            put(form, refusal)
    return _show(request, subject, form=form)


def _correct(request: SignedInRequest, subject: Subject) -> HttpResponse:
    consent = _consent(subject, request.POST.get("consent", ""))
    form = _offered(CorrectConsentForm(request.POST), subject, _versions(subject))
    if form.is_valid():
        try:
            services.correct_consent(
                **_who(request, subject), consent_id=consent.pk, given=form.given(), reason=form.cleaned_data["reason"]
            )
            return _done(request, subject, "The consent is corrected.")
        except Refused as refusal:
            put(form, refusal)
    return _show(request, subject, corrected=consent, correct_form=form)


def _ordinary_care(request: SignedInRequest, subject: Subject) -> HttpResponse:
    chosen = [int(one) for one in request.POST.getlist("query") if one.isdecimal()]
    if not chosen:
        return _show(request, subject, problem="Tick the procedures that were ordinary care.")
    words = request.POST.get("words", "").strip()[:300]
    try:
        settled = confirm_ordinary_care(**_who(request, subject), query_ids=chosen, words=words)
    except Refused as refusal:
        return _show(request, subject, problem=str(refusal))
    return _done(request, subject, f"{settled} confirmed as ordinary care.")


_ACTIONS = {"again": _again, "correct": _correct, "ordinary_care": _ordinary_care}


def _who(request: SignedInRequest, subject: Subject) -> dict[str, Any]:
    return {"by": request.actor, "at": clock.now(), "subject_id": subject.pk, "site_id": subject.site_id}


def _done(request: SignedInRequest, subject: Subject, words: str) -> HttpResponse:
    messages.success(request, words)
    return HttpResponseRedirect(reverse("subject_consent", args=[subject.key]), status=303)


def _consent(subject: Subject, number: str) -> Consent:
    """The consent of this subject that the form names; 404 for another."""
    found = next((one for one in selectors.consents_of(subject) if str(one.pk) == number), None)
    if found is None:
        raise Http404
    return found


def _versions(subject: Subject) -> list[Any]:
    return selectors.consent_forms(subject.site)


def _not_signed(subject: Subject) -> list[Any]:
    signed = {one.form_version for one in selectors.consents_of(subject)}
    return [form for form in _versions(subject) if form.version not in signed]


def _offered(form: Any, subject: Subject, versions: Sequence[Any]) -> Any:
    offer(form, versions, selectors.staff_of(subject.site))
    tell_today(form, clock.today(subject.site.time_zone))
    return form


def _as_stored(consent: Consent) -> dict[str, Any]:
    return {
        "consented_on": consent.consented_on,
        "consented_time": consent.consented_time,
        "form_version": consent.form_version,
        "obtained_by": str(consent.obtained_by_id or ""),
        "signed_by": consent.signed_by,
    }


def _show(
    request: SignedInRequest,
    subject: Subject,
    *,
    form: ReconsentForm | None = None,
    corrected: Consent | None = None,
    correct_form: CorrectConsentForm | None = None,
    problem: str = "",
) -> HttpResponse:
    may_enter = can(request.actor, Duty.ENTER_DATA, subject.site_id, clock.now())
    if may_enter and corrected is None and request.method == "GET" and "correct" in request.GET:
        corrected = _consent(subject, request.GET["correct"])
        correct_form = _offered(CorrectConsentForm(initial=_as_stored(corrected)), subject, _versions(subject))
    unsigned = _not_signed(subject)
    here = subject.state not in TERMINAL_PHASES and subject.entered_in_error_at is None
    consents = selectors.consents_of(subject)
    if form is None and may_enter and here and consents and unsigned and corrected is None:
        initial = {"obtained_by": str(request.actor.user_id), "signed_by": Consent.Signer.SUBJECT.value}
        form = _offered(ReconsentForm(initial=initial), subject, unsigned)
    failed = bool(problem or (form and form.is_bound) or (correct_form and correct_form.is_bound))
    context = {
        "subject": subject,
        "consents": consents,
        "waits": [gap for gap in subject.consent_gaps if gap.ends_on is None] if here else [],
        "form": form,
        "corrected": corrected,
        "correct_form": correct_form,
        "questions": open_questions(subject),
        "may_enter": may_enter,
        "problem": problem,
        "has_errors": failed,
        "versions": _versions(subject),
    }
    return render(request, "enrollment/consent.html", context, status=422 if failed else 200)
