"""End of treatment and departure from the study: show what stands, enter it, take it back."""

from __future__ import annotations

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
from trialsite.access import Duty, can
from trialsite.days import in_words
from trialsite.drafting import drafting, is_saved
from trialsite.http import SignedInRequest
from trialsite.models import Subject
from trialsite.services.subjects import Refused
from trialsite.signing import ask_identity, prove

TAKE_BACK = "take_back"


@require_http_methods(["GET", "POST"])
def end_of_treatment(request: SignedInRequest, key: str) -> HttpResponse:
    subject = subject_for(request, key, to_write=Duty.SIGN)
    if request.POST.get("action") == TAKE_BACK:
        return _take_back_ending(request, subject)
    form = _ending_form(request, subject)
    if form is not None and form.is_valid():
        proof = prove(request, form, clock.now())
        if proof is not None:
            try:
                ended = services.end_treatment(
                    **who(request, subject), proof=proof, token=form.cleaned_data["token"], ending=form.ending()
                )
                is_saved(request, subject)
                return done(request, _ended_words(ended.last_dose_on, ended.reason), "subject_follow_up", subject)
            except Refused as error:
                form.add_error(None, str(error))
    return _ending_page(request, subject, form=form)


def _ended_words(last_dose_on: Any, reason: str) -> str:
    note = " Enter the new therapy under Medications too." if reason == EndReason.NEW_THERAPY else ""
    return f"Treatment ended with the last dose on {in_words(last_dose_on)}. Follow-up begins the day after.{note}"


def _ending_form(request: SignedInRequest, subject: Subject) -> EndingForm | None:
    """The form, for investigators while the subject is under treatment."""
    if subject.state not in TREATMENT_PHASES or not can(request.actor, Duty.SIGN, subject.site_id, clock.now()):
        return None
    data = request.POST if request.method == "POST" else None
    unsaved = drafting(request, subject)
    initial = {"reason": request.GET.get("reason", ""), **(unsaved.typed if unsaved else {})}
    form = ask_identity(EndingForm(data, reasons=services.possible_reasons(subject), initial=initial), request)
    dated(form, subject)
    return form


def _take_back_ending(request: SignedInRequest, subject: Subject) -> HttpResponse:
    form = ReasonForm(request.POST)
    if form.is_valid():
        try:
            services.take_back_end_of_treatment(**who(request, subject), **form.cleaned_data)
            return done(request, "Treatment goes on.", "subject_end_of_treatment", subject)
        except Refused as error:
            form.add_error(None, str(error))
    return _ending_page(request, subject, back_form=form)


def _ending_page(
    request: SignedInRequest, subject: Subject, *, form: EndingForm | None = None, back_form: ReasonForm | None = None
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
        "back_form": back_form or ReasonForm(),
        "may_sign": can(request.actor, Duty.SIGN, subject.site_id, clock.now()),
        "may_leave": bool(services.possible_departures(subject)),
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
    kinds = services.possible_departures(subject)
    if services.is_death_learned_later(subject, Departure.Kind.DEAD):
        kinds = (Departure.Kind.DEAD,)
    if not kinds or not can(request.actor, Duty.ENTER_DATA, subject.site_id, clock.now()):
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
    if form.is_valid():
        try:
            services.take_back_departure(**who(request, subject), **form.cleaned_data)
            return done(request, "The subject is back in the state before.", "subject_departure", subject)
        except Refused as error:
            form.add_error(None, str(error))
    return _departure_page(request, subject, back_form=form)


def _departure_page(
    request: SignedInRequest,
    subject: Subject,
    *,
    form: DepartureForm | None = None,
    back_form: ReasonForm | None = None,
    foreseen: Tried | None = None,
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
        "may_enter": can(request.actor, Duty.ENTER_DATA, subject.site_id, clock.now()),
        "is_screening": subject.state == Phase.SCREENING.value,
        "kinds": Departure.Kind,
        "has_errors": has_errors,
    }
    return render(request, "followup/departure.html", context, status=422 if has_errors else 200)
