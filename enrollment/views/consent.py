"""The consents of one subject: given again, corrected, and what was done before them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from enrollment import selectors, services
from enrollment.forms import BOXES, CorrectConsentForm, ReconsentForm, offer
from enrollment.models import Consent
from labs.services import SavedMeanwhile, confirm_ordinary_care, open_questions
from labs.views.effects import Tried, save_once_shown
from labs.views.together import WAS, conflict_of, laid_under, with_choices, with_theirs
from labs.views.visits import put
from protocol.vocabulary import TERMINAL_PHASES
from trialsite import clock
from trialsite.access import Duty, check_may
from trialsite.days import tell_today
from trialsite.drafting import drafting, is_saved, typed_in_draft
from trialsite.http import SignedInRequest
from trialsite.lock_pages import may_change
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
            is_saved(request, subject)
            return _done(request, subject, f"Consent to version {stored.form_version} is recorded.")
        except Refused as refusal:
            put(form, refusal)
    return _show(request, subject, form=form)


def _correct(request: SignedInRequest, subject: Subject) -> HttpResponse:
    consent = _consent(subject, request.POST.get("consent", ""))
    posted, versions = with_choices(request.POST, _as_stored(consent), BOXES), _versions(subject)
    form = _offered(CorrectConsentForm(posted), subject, versions)
    if not form.is_valid():
        return _show(request, subject, corrected=consent, correct_form=form)
    act = partial(
        services.correct_consent, **_who(request, subject), consent_id=consent.pk, given=form.given(),
        reason=form.cleaned_data["reason"], seen=_seen(posted, subject),
    )  # fmt: skip
    try:
        tried = save_once_shown(request, subject, form, act)
    except SavedMeanwhile as refusal:
        theirs = with_theirs(request.POST, _as_stored(consent), BOXES, refusal)
        form = _offered(CorrectConsentForm(theirs), subject, versions)
        return _show(request, subject, corrected=consent, correct_form=form, conflict=refusal)
    if tried.done:
        is_saved(request, subject, _which(consent))
        return _done(request, subject, "The consent is corrected.")
    return _show(request, subject, corrected=consent, correct_form=form, foreseen=tried)


def _seen(posted: QueryDict, subject: Subject) -> dict[str, Any] | None:
    """The answers that lay under the form when it was opened; None if the page that was sent does not say."""
    if f"{WAS}-consented_on" not in posted:
        return None
    form = _offered(CorrectConsentForm(posted, prefix=WAS), subject, _versions(subject))
    form.is_valid()
    answers: dict[str, Any] = form.answers()
    return answers


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


def _which(consent: Consent) -> str:
    """What of the address belongs to a draft: each consent has one of its own."""
    return f"correct={consent.pk}"


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
    conflict: SavedMeanwhile | None = None,
    foreseen: Tried | None = None,
) -> HttpResponse:
    may_enter = may_change(request, Duty.ENTER_DATA, subject)
    if may_enter and corrected is None and request.method == "GET" and "correct" in request.GET:
        corrected = _consent(subject, request.GET["correct"])
    unsaved = drafting(request, subject, _which(corrected) if corrected else "")
    typed = typed_in_draft(unsaved)
    under = {} if conflict else request.POST if request.method == "POST" else typed
    if corrected is not None and correct_form is None:
        initial = {**_as_stored(corrected), **typed}
        correct_form = _offered(CorrectConsentForm(initial=initial), subject, _versions(subject))
    unsigned = _not_signed(subject)
    here = subject.state not in TERMINAL_PHASES and subject.entered_in_error_at is None
    consents = selectors.consents_of(subject)
    if form is None and may_enter and here and consents and unsigned and corrected is None:
        initial = {"obtained_by": str(request.actor.user_id), "signed_by": Consent.Signer.SUBJECT.value, **typed}
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
        "drafting": unsaved,
        "was": laid_under(_as_stored(corrected), under) if corrected else {},
        "conflict": conflict_of(conflict, "consent", "answer"),
        "foreseen": foreseen,
        "care_words": request.POST.get("words", ""),
        "problem": problem,
        "has_errors": failed,
        "versions": _versions(subject),
    }
    return render(request, "enrollment/consent.html", context, status=409 if conflict else 422 if failed else 200)
