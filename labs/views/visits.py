"""The schedule of a subject and the page of one visit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from labs.forms import ErrorReasonForm, NotDoneForm, UnscheduledForm
from labs.selectors import VisitLine, asks_for_disease, asks_for_events, is_visit_code, stored_panels, visit_lines
from labs.services import (
    FieldsRefused,
    add_unscheduled_visit,
    mark_specimen_in_error,
    mark_visit_in_error,
)
from labs.views.correcting import LOOK_AT_WHAT_FOLLOWS, once_shown
from labs.views.facts import FactsPart, facts_part, save_facts
from labs.views.subjects import may_enter, readable_subject, token_of, uuid_of
from protocol.trial import TRIAL
from protocol.vocabulary import PanelCode
from trialsite import clock
from trialsite.access import Duty, can
from trialsite.days import tell_today
from trialsite.drafting import drafting, is_saved, typed_in_draft
from trialsite.foresight import Effect, mark_of
from trialsite.http import SignedInRequest
from trialsite.models import Query, Subject, Visit
from trialsite.selectors import protocol_of
from trialsite.services.subjects import Refused, record_visit_not_done, withdraw_not_done
from trialsite.submissions import renewed

UNPROCESSABLE, CONFLICT = 422, 409
#: Actions that say why something should never have been entered.
IN_ERROR = ("in_error", "panel_in_error", "due_again")


@require_http_methods(["GET", "POST"])
def subject_visits(request: SignedInRequest, key: str) -> HttpResponse:
    """Every visit with target, window, date and forms; an unscheduled visit is added here."""
    subject = readable_subject(request, key)
    today = clock.today(subject.site.time_zone)
    unsaved = drafting(request, subject)
    form = UnscheduledForm(request.POST if request.method == "POST" else None, initial=typed_in_draft(unsaved))
    tell_today(form, today)
    if request.method == "POST" and form.is_valid():
        try:
            code = add_unscheduled_visit(
                by=request.actor, at=clock.now(), subject_id=subject.pk, site_id=subject.site_id,
                token=token_of(request), **form.cleaned_data,
            )  # fmt: skip
        except Refused as refusal:
            put(form, refusal)
        else:
            is_saved(request, subject)
            messages.success(request, "Unscheduled visit added. Enter its results.")
            return redirect("visit_labs", subject.key, code)
    context = {
        "subject": subject,
        "lines": [_with_addresses(subject, line) for line in visit_lines(subject, today)],
        "form": form,
        "token": renewed(uuid_of(request.POST.get("token", "") or typed_in_draft(unsaved).get("token", ""))),
        "drafting": unsaved,
        "may_enter": may_enter(request, subject),
    }
    return render(request, "labs/subject_visits.html", context, status=UNPROCESSABLE if form.errors else 200)


def put(form: forms.Form, refusal: Refused) -> None:
    """A service's refusal beside the fields it names, else above the form."""
    if isinstance(refusal, FieldsRefused):
        for name, words in refusal.problems.items():
            form.add_error(name if name in form.fields else None, words)
    else:
        form.add_error(None, str(refusal))


def _with_addresses(subject: Subject, line: VisitLine) -> dict[str, Any]:
    page = reverse("visit", args=[subject.key, line.code])
    addresses = {
        "labs": reverse("visit_labs", args=[subject.key, line.code]),
        "disease": reverse("visit_disease", args=[subject.key, line.code]),
        "bedside": f"{page}#facts",
    }
    return {"line": line, "url": page, "forms": [(one, addresses[one.name]) for one in line.forms]}


@dataclass
class Hub:
    """One visit's page with its forms; `bad` names the form that was refused."""

    subject: Subject
    line: VisitLine
    facts: FactsPart
    not_done: NotDoneForm
    in_error: ErrorReasonForm
    bad: str = ""
    effects: tuple[Effect, ...] = ()

    @property
    def status(self) -> int:
        refused = CONFLICT if self.facts.conflict else UNPROCESSABLE
        return refused if self.bad else 200


@require_http_methods(["GET", "POST"])
def visit(request: SignedInRequest, key: str, code: str) -> HttpResponse:
    """The forms of a visit in order, its date, and what to do if it did not take place or is wrong."""
    hub = _hub(request, key, code)
    if request.method == "POST":
        action = ACTIONS.get(request.POST.get("action", ""))
        if action is None:
            raise Http404
        done = action(request, hub)
        if done:
            messages.success(request, done)
            return redirect("visit", key, code)
    return render(request, "labs/visit.html", _hub_context(request, hub), status=hub.status)


def _hub(request: SignedInRequest, key: str, code: str) -> Hub:
    subject = readable_subject(request, key)
    today = clock.today(subject.site.time_zone)
    line = next((one for one in visit_lines(subject, today) if one.code == code), None)
    if line is None or not is_visit_code(code):
        raise Http404
    action = request.POST.get("action", "") if request.method == "POST" else ""
    return Hub(
        subject=subject,
        line=line,
        facts=facts_part(request, subject, line),
        not_done=NotDoneForm(request.POST if action == "not_done" else None, prefix="not_done"),
        in_error=ErrorReasonForm(request.POST if action in IN_ERROR else None, prefix="in_error"),
    )


def _save_facts(request: SignedInRequest, hub: Hub) -> str:
    hub.bad = "facts"
    return f"{hub.line.label} saved." if save_facts(hub.facts) else ""


def _state_not_done(request: SignedInRequest, hub: Hub) -> str:
    hub.bad = "not_done"
    if not hub.not_done.is_valid():
        return ""
    try:
        record_visit_not_done(**_who(request, hub), code=hub.line.code, reason=hub.not_done.cleaned_data["reason"])
    except Refused as refusal:
        put(hub.not_done, refusal)
        return ""
    return f"{hub.line.label} is stated not done."


def _ask_again(request: SignedInRequest, hub: Hub) -> str:
    hub.bad = "in_error"
    if not hub.in_error.is_valid():
        return ""
    try:
        withdraw_not_done(**_who(request, hub), code=hub.line.code, reason=hub.in_error.cleaned_data["reason"])
    except Refused as refusal:
        put(hub.in_error, refusal)
        return ""
    return f"{hub.line.label} is asked for again."


def _who(request: SignedInRequest, hub: Hub) -> dict[str, Any]:
    return {"by": request.actor, "at": clock.now(), "subject_id": hub.subject.pk, "site_id": hub.subject.site_id}


def _state_in_error(request: SignedInRequest, hub: Hub) -> str:
    said = f"{hub.line.label} was entered in error. Its results stand no more and stay readable."
    return _take_back(request, hub, partial(mark_visit_in_error, **_who(request, hub), code=hub.line.code), said)


def _state_panel_in_error(request: SignedInRequest, hub: Hub) -> str:
    specimens = [one.specimen for one in stored_panels(hub.line.visit).values()]
    chosen = next((one for one in specimens if str(one.pk) == request.POST.get("specimen")), None)
    if chosen is None and hub.in_error.is_valid():
        hub.in_error.add_error(None, "Choose the panel that was entered in error.")
    said = "The panel was entered in error. Its results stand no more and stay readable."
    return _take_back(
        request,
        hub,
        partial(mark_specimen_in_error, **_who(request, hub), specimen_id=chosen.pk if chosen else 0),
        said,
    )


def _take_back(request: SignedInRequest, hub: Hub, act: Callable[..., object], said: str) -> str:
    """Nothing is taken back before the page has shown what follows: response, proposal, doses, signatures."""
    hub.bad = "in_error"
    if not hub.in_error.is_valid():
        return ""
    try:
        hub.effects = once_shown(request, hub.subject, partial(act, reason=hub.in_error.cleaned_data["reason"]))
    except Refused as refusal:
        put(hub.in_error, refusal)
        return ""
    if hub.effects:
        hub.in_error.add_error(None, LOOK_AT_WHAT_FOLLOWS)
        return ""
    return said


ACTIONS = {
    "facts": _save_facts,
    "not_done": _state_not_done,
    "due_again": _ask_again,
    "in_error": _state_in_error,
    "panel_in_error": _state_panel_in_error,
}


def _hub_context(request: SignedInRequest, hub: Hub) -> dict[str, Any]:
    known = hub.line.visit
    specimens = [one.specimen for one in stored_panels(known).values()] if known else []
    queries = Query.objects.filter(subject=hub.subject, visit_code=hub.line.code, state=Query.State.OPEN).count()
    return {
        **vars(hub),
        **hub.facts.context(),
        "visit": known,
        "forms": _with_addresses(hub.subject, hub.line)["forms"],
        "disease_url": reverse("visit_disease", args=[hub.subject.key, hub.line.code]),
        "asks_for_disease": asks_for_disease(hub.line.code, protocol_of(hub.subject)),
        "asks_for_events": asks_for_events(hub.line.code, protocol_of(hub.subject)),
        "specimens": [(one, TRIAL.panels[PanelCode(one.panel)].label) for one in specimens],
        "queries": queries,
        "is_not_done": bool(known and known.status == Visit.Status.NOT_DONE),
        "may_enter": may_enter(request, hub.subject),
        "may_ask": can(request.actor, Duty.RAISE_QUERY, hub.subject.site_id, clock.now()),
        "mark": mark_of(hub.effects),
        "chosen_specimen": request.POST.get("specimen", ""),
        "has_errors": bool(hub.bad),
    }
