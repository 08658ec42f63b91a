"""The adverse-event log of a subject, and the page of one event."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from labs.forms import ReasonForm
from labs.selectors import visit_label
from labs.views.effects import save_once_shown
from labs.words import unit_words
from protocol.explain import plain
from safety import selectors, services
from safety.event_forms import EventForm, TermForm, answers_of, criterion_words
from safety.forms import InErrorForm
from safety.models import AdverseEvent, SafetyReport
from safety.selectors import Suggestion, VitalSuggestion
from safety.views.correcting import correct, posted_event, put, under, which
from safety.views.door import subject_for, who
from safety.views.judgements import judged, taken_back
from safety.views.reports import clock_lines
from safety.vocabulary import CTCAE, DRUGS, ON_THE_DOSE, TERMS, Attribution, Seriousness
from trialsite import clock
from trialsite.access import Duty, can, check_may
from trialsite.days import in_words
from trialsite.drafting import drafting, is_saved
from trialsite.http import SignedInRequest
from trialsite.lock_pages import may_change
from trialsite.models import Subject, Visit
from trialsite.partial_dates import in_words_as_known, tell_today_in_part
from trialsite.services.subjects import Refused
from trialsite.signing import signed_line

UNPROCESSABLE, CONFLICT = 422, 409


@require_http_methods(["GET", "POST"])
def adverse_events(request: SignedInRequest, key: str) -> HttpResponse:
    """The log, and the suggested grades that wait for the investigator; a POST judges one of them."""
    subject = subject_for(request, key, to_write=Duty.SIGN)
    problem, refused = "", None
    if request.POST.get("action") == "take_back":
        done, refused = taken_back(request, subject)
        if done is not None:
            return done
    elif request.method == "POST":
        try:
            return _judged(request, subject)
        except Refused as refusal:
            problem = str(refusal)
    now = clock.now()
    may_judge = can(request.actor, Duty.SIGN, subject.site_id, now)
    context = {
        "subject": subject,
        "events": [row(one) for one in selectors.adverse_events(subject)],
        "reports": [(one, clock_lines(one, now)) for one in selectors.safety_reports(subject)],
        "suggestions": [
            *(_suggested(subject, one) for one in selectors.suggestions(subject)),
            *(_vitals(subject, each) for each in selectors.vital_suggestions(subject)),
        ],
        "term_form": TermForm(),
        "ctcae": CTCAE.value,
        "judged": judged(subject, may_judge=may_judge, refused=refused),
        "problem": [("", problem)] if problem else refused,
        "may_enter": may_change(request, Duty.ENTER_DATA, subject),
        "may_judge": may_judge,
        "has_errors": request.method == "POST",
    }
    status = UNPROCESSABLE if context["has_errors"] else 200
    return render(request, "safety/adverse_events.html", context, status=status)


def _judged(request: SignedInRequest, subject: Subject) -> HttpResponse:
    term, given = request.POST.get("term", ""), who(request, subject)
    if request.POST.get("visit"):
        services.judge_vitals_not_significant(**given, term=term, visit_ids=_ids(request, "visit"))
    else:
        services.judge_not_significant(**given, term=term, lab_result_ids=_ids(request, "result"))
    messages.success(request, f"{term} was judged not clinically significant.")
    return redirect("subject_adverse_events", subject.key)


def _ids(request: SignedInRequest, name: str) -> frozenset[int]:
    return frozenset(int(one) for one in request.POST.getlist(name) if one.isascii() and one.isdigit())


def row(event: AdverseEvent) -> dict[str, Any]:
    return {
        "event": event,
        "started": in_words_as_known(event.started),
        "stopped": in_words_as_known(event.stopped),
        "serious": [one.label for one in Seriousness if getattr(event, one.value)],
    }


def signed_lines(event: AdverseEvent) -> list[dict[str, object]]:
    """Signatures under the causes as the partial shows them, the newest first."""
    return [signed_line(one) for one, _ in selectors.causality_signatures(event)]


def _suggested(subject: Subject, one: Suggestion) -> dict[str, Any]:
    """A suggestion with its criterion, its figures, and the address of the event that it would become."""
    worst = one.worst
    specimen = worst.value.result.specimen
    query = urlencode({"term": worst.term, "grade": worst.grade, "result": worst.value.result.pk})
    return {
        "term": worst.term,
        "grade": worst.grade,
        "criterion": criterion_words(worst.term, worst.grade),
        "ask": worst.ask,
        "value": f"{plain(worst.value.value)} {unit_words(worst.value.unit)}".strip(),
        "on": specimen.collected_on,
        "visit": visit_label(specimen.visit.code),
        "labs": reverse("visit_labs", args=[subject.key, specimen.visit.code]),
        "others": len(one.waiting) - 1,
        "kind": "result",
        "records": [waiting.value.result.pk for waiting in one.waiting],
        "event": one.event,
        "address": reverse("adverse_event_new", args=[subject.key]) + f"?{query}",
    }


def _vitals(subject: Subject, one: VitalSuggestion) -> dict[str, Any]:
    """The same of vital signs; they stand on the visit's own page."""
    worst = one.worst
    query = urlencode({"term": worst.found.term, "grade": worst.found.grade, "visit": worst.visit.code})
    return {
        "term": worst.found.term,
        "grade": worst.found.grade,
        "criterion": criterion_words(worst.found.term, worst.found.grade),
        "ask": worst.found.ask,
        "value": worst.found.words,
        "on": worst.on,
        "visit": visit_label(worst.visit.code),
        "labs": reverse("visit", args=[subject.key, worst.visit.code]),
        "others": len(one.waiting) - 1,
        "kind": "visit",
        "records": [waiting.visit.pk for waiting in one.waiting],
        "event": one.event,
        "address": reverse("adverse_event_new", args=[subject.key]) + f"?{query}",
    }


@require_http_methods(["GET", "POST"])
def adverse_event_new(request: SignedInRequest, key: str) -> HttpResponse:
    """The form of a new event. GET: `term`, and where a laboratory grade led here `grade` and `result`."""
    subject = subject_for(request, key)
    check_may(request.actor, Duty.ENTER_DATA, subject.site_id, clock.now())
    sent = request.POST if request.method == "POST" else request.GET
    term = sent.get("term", "")
    if term not in TERMS:
        messages.error(request, "Choose a term of the list.")
        return redirect("subject_adverse_events", subject.key)
    unsaved = drafting(request, subject, which(term))
    known = {**_prefilled(request, subject, term), **(unsaved.typed if unsaved else {})}
    form = EventForm(request.POST or None, term=term, initial=known)
    tell_today_in_part(form, clock.today(subject.site.time_zone))
    if request.method == "POST" and form.is_valid():
        try:
            data = form.cleaned_data
            made = services.report_adverse_event(
                **who(request, subject), token=data["token"], event=form.event(), lab_result_id=data["lab_result"]
            )
        except Refused as refusal:
            put(form, refusal)
        else:
            is_saved(request, subject, which(term))
            return _reported(request, subject, made)
    context = {"subject": subject, "form": form, "term": term, "term_form": TermForm(initial={"term": term})}
    return _page(request, {**context, "may_enter": may_change(request, Duty.ENTER_DATA, subject), "drafting": unsaved})


def _reported(request: SignedInRequest, subject: Subject, made: AdverseEvent) -> HttpResponse:
    """A serious event leads to its report, whose clock runs already."""
    if not made.is_serious:
        return _done(request, subject, f"Adverse event {made.number}, {made.term}, was added.")
    report = SafetyReport.objects.get(event=made)
    messages.success(
        request, f"Adverse event {made.number} was added. It is serious: tell the sponsor within 24 hours."
    )
    return redirect("subject_safety_report", subject.key, report.number)


def _prefilled(request: SignedInRequest, subject: Subject, term: str) -> dict[str, object]:
    """What is known before anything is typed: the term, the suggestion, and that dexamethasone was never given."""
    filled: dict[str, object] = {"term": term, "grade": request.GET.get("grade", "")}
    if not selectors.dexamethasone_was_given(subject):
        filled |= {"attribution_dexamethasone": Attribution.NOT_GIVEN, "action_dexamethasone": Attribution.NOT_GIVEN}
    result = request.GET.get("result", "")
    waiting = (graded for one in selectors.suggestions(subject) if one.worst.term == term for graded in one.waiting)
    for one in waiting if result else ():
        if str(one.value.result.pk) == result:
            on = one.value.collected_on
            filled |= {"lab_result": result, "started": in_words(on)}
    measured = Visit.objects.filter(subject=subject, code=request.GET.get("visit", "")).exclude(occurred_on=None).last()
    return filled | ({"started": in_words(measured.occurred_on)} if measured and measured.occurred_on else {})


@require_http_methods(["GET", "POST"])
def adverse_event(request: SignedInRequest, key: str, number: int) -> HttpResponse:
    """One event: read, corrected with a reason (POST `action` correct) or entered in error (in_error)."""
    subject = subject_for(request, key)
    event = get_object_or_404(AdverseEvent.objects.select_related("recorded_by"), subject=subject, number=number)
    event.subject = subject  # known already, with its site
    action = request.POST.get("action", "") if request.method == "POST" else ""
    posted = posted_event(request, event) if action == "correct" else None
    term = (posted or request.GET).get("term", "")
    term = term if term in TERMS else event.term
    unsaved = drafting(request, subject, which(term))
    typed = unsaved.typed if unsaved else {}
    form = EventForm(posted, term=term, initial={**answers_of(event), **typed, "term": term})
    tell_today_in_part(form, clock.today(subject.site.time_zone))
    context: dict[str, Any] = {
        "subject": subject,
        "event": event,
        "row": row(event),
        "was": under(request, event, typed),
        "form": form,
        "why": ReasonForm(request.POST if action == "correct" else None, initial=typed),
        "drafting": unsaved,
        "error_form": InErrorForm(request.POST if action == "in_error" else None),
        "term": term,
        "term_form": TermForm(initial={"term": term}),
        "may_enter": may_change(request, Duty.ENTER_DATA, subject) and not event.in_error,
        "signatures": signed_lines(event),
        "report": SafetyReport.objects.filter(event=event).first(),
        "suggested": selectors.suggested_for(event, clock.today(subject.site.time_zone)),
        "acted_on": [drug for drug in DRUGS if getattr(event, f"action_{drug.value}") in ON_THE_DOSE],
    }
    save = SAVES.get(action)
    said = save(request, context) if save else ""
    return _done(request, subject, said) if said else _page(request, context)


def _in_error(request: SignedInRequest, context: dict[str, Any]) -> str:
    form, event = context["error_form"], context["event"]
    if not form.is_valid():
        return ""
    act = partial(
        services.mark_adverse_event_in_error,
        **who(request, context["subject"]), number=event.number, reason=form.cleaned_data["reason"],
    )  # fmt: skip
    context["error_foreseen"] = tried = save_once_shown(request, context["subject"], form, act)
    if not tried.done:
        return ""
    return f"Adverse event {event.number} was marked as entered in error."


SAVES = {"correct": correct, "in_error": _in_error}


def _page(request: SignedInRequest, context: dict[str, Any]) -> HttpResponse:
    is_refused = request.method == "POST"
    context |= {"ctcae": CTCAE.value, "has_errors": is_refused}
    status = CONFLICT if "conflict" in context else UNPROCESSABLE if is_refused else 200
    return render(request, "safety/adverse_event.html", context, status=status)


def _done(request: SignedInRequest, subject: Subject, words: str) -> HttpResponse:
    messages.success(request, words)
    return redirect("subject_adverse_events", subject.key)
