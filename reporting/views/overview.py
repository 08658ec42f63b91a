"""The overview of one subject. Opening it is written into the access log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from dosing.models import DoseRecord
from dosing.selectors import planned_doses
from dosing.selectors.suggestions import dose_suggestions
from labs.selectors import course_for
from protocol.doses import PlannedDose, UnconfirmedDose
from protocol.modifications import DoseSuggestion
from protocol.response import assess
from protocol.vocabulary import Drug
from reporting import overview
from reporting.next_step import next_step, tasks
from reporting.overview_events import event_panel
from reporting.selectors.facts import SubjectFacts, facts_of
from reporting.selectors.signed import signed_responses
from reporting.steps.step import Step
from reporting.views.door import roles_at, subject_for
from trialsite import clock
from trialsite.access import Duty
from trialsite.http import SignedInRequest
from trialsite.models import Role, Subject
from trialsite.segments import Segment
from trialsite.selectors import protocol_of
from trialsite.services.access import Access, note_access
from trialsite.templatetags.edc import day, moment

MARKER_WORDS = {"m-spike": "M-spike", "pcli": "PCLI", "hs-crp": "hs-CRP", "flc": "FLC", "hb": "Hb"}
#: How a kind of task looks in "Needs attention".
SHAPES = {"answer": "query", "review": "query", "sign": "signed"}


@dataclass(frozen=True)
class Attention:
    state: str
    words: str
    note: str
    url: str


@require_GET
def subject(request: SignedInRequest, key: str) -> HttpResponse:
    found, now = subject_for(request.actor, key), clock.now()
    access = Access("Subject overview", site=found.site, subject=found)
    note_access(by=request.actor, at=now, duty=Duty.VIEW_SUBJECT, access=access, request_id=request.request_id)
    facts = facts_of([found], now)[found.pk]
    course = course_for(found)
    history = assess(course, protocol_of(found), facts.today)
    roles = roles_at(request.actor, found.site_id)
    marker = request.GET.get("marker", "m-spike")
    marker = marker if marker in overview.MARKERS else "m-spike"
    step = next_step(facts)
    context = {
        "facts": facts,
        "step": step,
        "is_mine": step.is_for(roles, request.actor.user_id),
        "course_chart": overview.course_chart(facts),
        "events": event_panel(facts),
        "trend": overview.trend(facts, course, history, marker),
        "markers": _markers(found, marker),
        "small": overview.small_charts(facts, course, history),
        "attention": [
            *(_attention(one, roles, request.actor.user_id) for one in tasks(facts) if one.urgency != "soon"),
            *(_suggested(found, one) for one in dose_suggestions(found, facts.today)),
        ],
        "treatment": overview.treatment_now(facts, _planned(found, facts), _statuses(found, facts)),
        "responses": overview.response_history(history, _signed(found)),
        "criteria_version": history.criteria_version,
    }
    return render(request, "reporting/overview.html", context)


def _markers(subject_: Subject, marker: str) -> list[Segment]:
    base = reverse("subject", args=[subject_.key])
    return [Segment(words, f"{base}?marker={name}#trend", name == marker) for name, words in MARKER_WORDS.items()]


def _attention(step: Step, roles: frozenset[Role], person: int | None) -> Attention:
    state = "late" if step.urgency == "late" else SHAPES.get(step.kind, "due")
    words = step.words if step.is_for(roles, person) or not step.waiting else step.waiting
    return Attention(state, words, step.note, step.url)


def _suggested(subject_: Subject, one: DoseSuggestion) -> Attention:
    """A rule of dose modification that is met: it is no task, a person decides."""
    evidence = "; ".join(f"{each.words}, {day(each.on)}" for each in one.evidence)
    url = f"{reverse('subject_dosing', args=[subject_.key])}#suggested"
    return Attention("due", f"Suggested: {one.words[0].lower()}{one.words[1:]}", f"{evidence}. Rule {one.rule.id}", url)


def _planned(subject_: Subject, facts: SubjectFacts) -> tuple[PlannedDose, ...]:
    """Planned doses; none while a high-dose calendar waits for its dose in mg to be confirmed."""
    try:
        return planned_doses(subject_, facts.today)
    except UnconfirmedDose:
        return ()


def _statuses(subject_: Subject, facts: SubjectFacts) -> dict[tuple[date, Drug], str]:
    rows = DoseRecord.objects.filter(subject=subject_, superseded_at=None, on__gte=facts.today - overview.RECENT)
    return {(on, Drug(drug)): status for on, drug, status in rows.values_list("on", "drug", "status")}


def _signed(subject_: Subject) -> dict[str, str]:
    """Visit code -> "Signed by ..., when", for responses under a standing signature."""
    return {
        one.visit: f"Signed by {one.printed_name}, {moment(one.signed_at, one.time_zone)}"
        for one in signed_responses([subject_.pk])
    }
