"""The work list, and where each role lands."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from reporting.drafts import draft_lines
from reporting.next_step import next_step
from reporting.selectors.facts import SubjectFacts
from reporting.selectors.known import known
from reporting.selectors.subjects import subjects_in_reach
from reporting.steps.step import SOON, Kind, Step
from reporting.views.door import all_roles, requires, roles_at
from reporting.views.subjects import Seen, see
from trialsite import clock
from trialsite.access import Actor, Duty, can, can_anywhere
from trialsite.http import SignedInRequest
from trialsite.models import Role

#: Landing page by role; a person with several roles lands on the first that matches.
LANDING: tuple[tuple[Role, str], ...] = (
    (Role.COORDINATOR, "my_work"),
    (Role.INVESTIGATOR, "my_work"),
    (Role.MONITOR, "my_work"),
    (Role.DATA_MANAGER, "queries"),
    (Role.ADMIN, "administration"),
    (Role.STATISTICIAN, "efficacy"),
)


@dataclass(frozen=True)
class Task:
    """One line of the work list: a step, for which subject, in words for this person."""

    step: Step
    subject: str
    words: str


@dataclass(frozen=True)
class WorkGroup:
    key: str
    label: str
    state: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class _Place:
    """A task with the roles that this person holds where it is."""

    facts: SubjectFacts
    step: Step
    mine: bool


#: Groups in order: key, heading, shape. A task goes into the first group that takes it.
GROUPS = (
    ("late", "Overdue", "late"),
    ("clock", "Reporting clocks", "due"),
    ("sign", "To sign", "signed"),
    ("answer", "Queries to answer", "query"),
    ("review", "Queries to close", "query"),
    ("soon", "Due in 7 days", "due"),
    ("open", "When you can", "due"),
    ("wait", "Waiting for others", "planned"),
)


@require_GET
def home(request: SignedInRequest) -> HttpResponseRedirect:
    held = all_roles(request.actor)
    return redirect(next((page for role, page in LANDING if role in held), "protocol"))


@require_GET
@requires(Duty.VIEW_SUBJECT)
def my_work(request: SignedInRequest) -> HttpResponse:
    seen = see(request.actor, known(subjects_in_reach(), clock.now()))
    groups = work_groups(request.actor, seen)
    context = {
        "groups": groups,
        "drafts": draft_lines(request.actor),
        "mine": sum(len(group.tasks) for group in groups if group.key != "wait"),
        "first": next((group.tasks[0] for group in groups if group.key != "wait"), None),
        "coming": _coming(seen),
        "may_screen": can_anywhere(request.actor, Duty.SCREEN_SUBJECT, clock.now()),
        "casebooks": sum(bool(one.facts.casebook_due) for one in seen if _signs(request.actor, one)),
    }
    return render(request, "reporting/my_work.html", context)


def _signs(actor: Actor, one: Seen) -> bool:
    return can(actor, Duty.SIGN, one.facts.subject.site_id, clock.now())


def work_groups(actor: Actor, seen: list[Seen]) -> list[WorkGroup]:
    """The groups that hold anything, in order."""
    places = [place for one in seen for place in _places(actor, one)]
    sorted_in: dict[str, list[_Place]] = {key: [] for key, _, _ in GROUPS}
    for place in places:
        sorted_in[_group_of(place)].append(place)
    return [
        WorkGroup(key, label, state, tuple(_task(place) for place in sorted_in[key]))
        for key, label, state in GROUPS
        if sorted_in[key]
    ]


def _places(actor: Actor, one: Seen) -> list[_Place]:
    """What this person can do for a subject, and the first thing that somebody else has to do."""
    roles = roles_at(actor, one.facts.subject.site_id)
    mine = [_Place(one.facts, step, mine=True) for step in one.tasks if step.is_for(roles, actor.user_id)]
    others = [step for step in one.tasks if not step.is_for(roles, actor.user_id) and step.urgency != "soon"]
    return [*mine, *(_Place(one.facts, step, mine=False) for step in others[:1])]


def _group_of(place: _Place) -> str:
    step, today = place.step, place.facts.today
    if not place.mine:
        return "wait"
    if step.urgency == "late":
        return "late"
    if step.kind in BY_KIND:
        return BY_KIND[step.kind]
    return "soon" if step.due_on and step.due_on - today <= SOON else "open"


BY_KIND = {Kind.CLOCK: "clock", Kind.SIGN: "sign", Kind.ANSWER: "answer", Kind.REVIEW: "review"}


def _task(place: _Place) -> Task:
    subject = place.facts.subject
    words = place.step.words if place.mine or not place.step.waiting else place.step.waiting
    return Task(place.step, subject.number, words)


def _coming(seen: list[Seen]) -> str:
    """What comes next when nothing is to be done: the nearest planned visit in words."""
    steps = [(next_step(one.facts), one.facts) for one in seen if not one.tasks]
    rests = [(step.due_on, step.sentence, facts) for step, facts in steps if step.due_on]
    if not rests:
        return ""
    _, sentence, facts = min(rests, key=lambda rest: (rest[0], rest[2].subject.number))
    return f"Next: {sentence} for {facts.subject.number}."
