"""End of treatment and departure from the study: show what stands, enter it, take it back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from followup import selectors, services
from followup.forms import DepartureForm, EndingForm, ReasonForm
from followup.models import Departure
from followup.services.treatment import STATEMENT
from followup.views.shared import dated, done, subject_for, who
from followup.vocabulary import END_REASON_WORDS, PHASE_WORDS, EndReason
from labs.views.effects import Tried, save_once_shown
from protocol.vocabulary import TREATMENT_PHASES, Phase
from trialsite import clock
from trialsite.access import Duty
from trialsite.days import in_words
from trialsite.drafting import drafting, is_saved
from trialsite.foresight import NOTHING, Effect
from trialsite.http import SignedInRequest
from trialsite.lock_pages import may_change
from trialsite.models import Subject
from trialsite.signing import ask_identity, prove

TAKE_BACK = "take_back"


@require_http_methods(["GET", "POST"])
def end_of_treatment(request: SignedInRequest, key: str) -> HttpResponse:
    subject = subject_for(request, key, to_write=Duty.SIGN)
    if request.POST.get("action") == TAKE_BACK:
        return _take_back_ending(request, subject)
    form = _ending_form(request, subject)
    tried = _end(request, subject, form) if form is not None and form.is_valid() else Tried()
    if tried.done:
        is_saved(request, subject)
        words = _ended_words(tried.made.last_dose_on, tried.made.reason)
        return done(request, words, "subject_follow_up", subject)
    return _ending_page(request, subject, form=form, foreseen=tried)


def _end(request: SignedInRequest, subject: Subject, form: EndingForm) -> Tried:
    """Sign it. What of response, signatures and verification changes with it is shown first, then signed again."""
    proof = prove(request, form, clock.now())
    if proof is None:
        return Tried()
    act = partial(
        services.end_treatment,
        **who(request, subject), proof=proof, token=form.cleaned_data["token"], ending=form.ending(),
    )  # fmt: skip
    return save_once_shown(request, subject, form, act, is_listed)


def is_listed(effect: Effect) -> bool:
    """What stops, which the page lists beside the form; and a first signature or response, which takes nothing away."""
    stops = effect.label.startswith(("Planned doses", "Proposed next"))
    first = effect.label.startswith(("Signature of ", "Confirmed response", "Response at "))
    return stops or (first and effect.before == NOTHING)


def _ended_words(last_dose_on: Any, reason: str) -> str:
    note = " Enter the new therapy under Medications too." if reason == EndReason.NEW_THERAPY else ""
    return f"Treatment ended with the last dose on {in_words(last_dose_on)}. Follow-up begins the day after.{note}"


def _ending_form(request: SignedInRequest, subject: Subject) -> EndingForm | None:
    """The form, for investigators while the subject is under treatment."""
    if subject.state not in TREATMENT_PHASES or not may_change(request, Duty.SIGN, subject):
        return None
    data = request.POST if request.method == "POST" else None
    unsaved = drafting(request, subject)
    initial = {"reason": request.GET.get("reason", ""), **(unsaved.typed if unsaved else {})}
    form = ask_identity(EndingForm(data, reasons=services.possible_reasons(subject), initial=initial), request)
    dated(form, subject)
    return form


def _take_back_ending(request: SignedInRequest, subject: Subject) -> HttpResponse:
    form = ReasonForm(request.POST)
    act = partial(services.take_back_end_of_treatment, **who(request, subject))
    tried = _taken_back(request, subject, form, act)
    if tried.done:
        return done(request, "Treatment goes on.", "subject_end_of_treatment", subject)
    return _ending_page(request, subject, back_form=form, back_foreseen=tried)


def _taken_back(request: SignedInRequest, subject: Subject, form: ReasonForm, act: Callable[..., object]) -> Tried:
    """Take an entry back, once the page has shown what comes back and breaks with it."""
    if not form.is_valid():
        return Tried()
    return save_once_shown(request, subject, form, partial(act, reason=form.cleaned_data["reason"]))


def _ending_page(
    request: SignedInRequest,
    subject: Subject,
    *,
    form: EndingForm | None = None,
    back_form: ReasonForm | None = None,
    foreseen: Tried | None = None,
    back_foreseen: Tried | None = None,
) -> HttpResponse:
    today = clock.today(subject.site.time_zone)
    is_treated = subject.state in TREATMENT_PHASES
    ended = selectors.standing_end_of_treatment(subject)
    context: dict[str, Any] = {
        "subject": subject,
        "ended": ended,
        "reason_words": END_REASON_WORDS[EndReason(ended.reason)] if ended else "",
        "is_treated": is_treated,
        "phase_words": PHASE_WORDS.get(Phase(subject.state), ""),
        "stops": selectors.will_stop(subject, today) if is_treated else None,
        "today": today,
        "form": form if form is not None else (_ending_form(request, subject) if request.method == "POST" else None),
        "drafting": drafting(request, subject),
        "statement": STATEMENT,
        "foreseen": foreseen,
        "back_form": back_form or ReasonForm(),
        "back_foreseen": back_foreseen,
        "may_sign": may_change(request, Duty.SIGN, subject),
        "may_leave": bool(services.kinds_to_record(subject)) and may_change(request, Duty.ENTER_DATA, subject),
        "has_errors": bool((form and form.is_bound) or back_form),
    }
    return render(request, "followup/end_of_treatment.html", context, status=422 if context["has_errors"] else 200)


@require_http_methods(["GET", "POST"])
def departure(request: SignedInRequest, key: str) -> HttpResponse:
    subject = subject_for(request, key, to_write=Duty.ENTER_DATA)
    if request.POST.get("action") == TAKE_BACK:
        return _take_back_departure(request, subject)
    form = _departure_form(request, subject)
    if form is not None and form.asks_to_end_treatment():
        return _to_end_of_treatment(request, subject)
    tried = _leave(request, subject, form) if form is not None and form.is_valid() else Tried()
    if tried.done:
        is_saved(request, subject)
        left = tried.made
        words = f"{left.get_kind_display()} on {in_words(left.on)}. Nothing more is planned for this subject."
        return done(request, words, "subject_departure", subject)
    return _departure_page(request, subject, form=form, foreseen=tried)


def _leave(request: SignedInRequest, subject: Subject, form: DepartureForm) -> Tried:
    """Record it, once the page has shown what ends with it."""
    act = partial(
        services.record_departure,
        **who(request, subject), token=form.cleaned_data["token"], leaving=form.leaving(),
    )  # fmt: skip
    return save_once_shown(request, subject, form, act)


def _to_end_of_treatment(request: SignedInRequest, subject: Subject) -> HttpResponse:
    """Who withdraws from treatment alone stays in the study: that is an end of treatment, signed by an investigator."""
    messages.info(request, "Nothing is stored yet: a withdrawal from treatment alone is signed here.")
    address = reverse("subject_end_of_treatment", args=[subject.key])
    return HttpResponseRedirect(f"{address}?reason={EndReason.SUBJECT_DECISION}", status=303)


def _departure_form(request: SignedInRequest, subject: Subject) -> DepartureForm | None:
    kinds = services.kinds_to_record(subject)
    if not kinds or not may_change(request, Duty.ENTER_DATA, subject):
        return None
    asked = request.GET.get("kind", "")
    first = asked if asked in {kind.value for kind in kinds} else (kinds[0].value if len(kinds) == 1 else "")
    unsaved = drafting(request, subject)
    form = DepartureForm(
        request.POST if request.method == "POST" else None,
        kinds=kinds,
        is_treated=subject.state in TREATMENT_PHASES,
        initial={"kind": first, **(unsaved.typed if unsaved else {})},
    )
    dated(form, subject)
    return form


def _take_back_departure(request: SignedInRequest, subject: Subject) -> HttpResponse:
    form = ReasonForm(request.POST)
    tried = _taken_back(request, subject, form, partial(services.take_back_departure, **who(request, subject)))
    if tried.done:
        return done(request, "The subject is back in the state before.", "subject_departure", subject)
    return _departure_page(request, subject, back_form=form, back_foreseen=tried)


def _departure_page(
    request: SignedInRequest,
    subject: Subject,
    *,
    form: DepartureForm | None = None,
    back_form: ReasonForm | None = None,
    foreseen: Tried | None = None,
    back_foreseen: Tried | None = None,
) -> HttpResponse:
    entered = selectors.departures(subject)
    has_errors = bool((form and form.is_bound) or back_form)
    context: dict[str, Any] = {
        "subject": subject,
        "standings": [one for one in reversed(entered) if one.in_error_at is None],
        "in_error": [one for one in entered if one.in_error_at is not None],
        "form": form,
        "drafting": drafting(request, subject),
        "back_form": back_form or ReasonForm(),
        "foreseen": foreseen,
        "back_foreseen": back_foreseen,
        "may_enter": may_change(request, Duty.ENTER_DATA, subject),
        "is_screening": subject.state == Phase.SCREENING.value,
        "kinds": Departure.Kind,
        "has_errors": has_errors,
    }
    return render(request, "followup/departure.html", context, status=422 if has_errors else 200)
