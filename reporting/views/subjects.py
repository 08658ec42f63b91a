"""The subject matrix, and the jump box."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from reporting.matrix import COLUMNS, GROUPS, row_of
from reporting.selectors.facts import SubjectFacts
from reporting.selectors.known import Known, known
from reporting.selectors.subjects import sites_with_subjects, subjects_in_reach, subjects_like
from reporting.steps.step import SOON, Step
from reporting.views.door import requires, roles_at
from trialsite import clock
from trialsite.access import Actor, Duty, can, can_anywhere
from trialsite.http import SignedInRequest
from trialsite.segments import Segment
from trialsite.templatetags.edc import mark_of

PAGE = 100
#: Filter of the treatment column: mark -> words.
TREATMENTS = {
    "scr": "Screening and registered",
    "ind": "Induction",
    "cont": "Anakinra alone",
    "ld": "Low-dose dex",
    "hd": "High-dose dex",
    "fu": "Follow-up",
    "off": "Off study",
}
SHOWS = {
    "all": "All",
    "mine": "Needs you",
    "soon": "Due in 7 days",
    "late": "Overdue",
    "queries": "Open queries",
}


@dataclass(frozen=True)
class Seen:
    """A subject with its facts and tasks, as this person sees it."""

    facts: SubjectFacts
    tasks: tuple[Step, ...]
    mine: bool

    def is_in(self, show: str) -> bool:
        return {
            "mine": self.mine,
            "soon": any(_is_soon(step, self.facts.today) for step in self.tasks),
            "late": any(step.urgency == "late" for step in self.tasks),
            "queries": bool(self.facts.open_queries),
        }.get(show, True)


def _is_soon(step: Step, today: date) -> bool:
    """Due within a week and not overdue."""
    return step.urgency != "late" and step.due_on is not None and step.due_on - today <= SOON


def see(actor: Actor, subjects: Iterable[Known]) -> list[Seen]:
    found = []
    for one in subjects:
        roles = roles_at(actor, one.facts.subject.site_id)
        mine = any(step.is_for(roles, actor.user_id) and step.urgency != "soon" for step in one.tasks)
        found.append(Seen(one.facts, one.tasks, mine))
    return found


@require_GET
@requires(Duty.VIEW_SUBJECT)
def subjects(request: SignedInRequest) -> HttpResponse:
    now = clock.now()
    site, treatment, show = (request.GET.get(name, "") for name in ("site", "treatment", "show"))
    wanted = subjects_in_reach().filter(**({"site__code": site} if site else {}))
    listed = [one for one in known(wanted, now) if not treatment or mark_of(one.facts.subject.state) == treatment]
    seen = see(request.actor, listed)
    shown = [one for one in seen if one.is_in(show)]
    page = Paginator(shown, PAGE).get_page(request.GET.get("page"))
    sites = list(sites_with_subjects())
    context = {
        "page_obj": page,
        "rows": [row_of(one.facts, roles_at(request.actor, one.facts.subject.site_id), one.tasks) for one in page],
        "columns": COLUMNS,
        "groups": GROUPS,
        "segments": _segments(seen, site, treatment, show),
        "sites": sites,
        "site": site,
        "treatments": TREATMENTS,
        "treatment": treatment,
        "show": show,
        "filter_words": _filter_words(site, treatment, show),
        "may_screen": can_anywhere(request.actor, Duty.SCREEN_SUBJECT, now),
    }
    return render(request, "reporting/subjects.html", context)


def _segments(seen: Sequence[Seen], site: str, treatment: str, show: str) -> list[Segment]:
    kept = {name: value for name, value in (("site", site), ("treatment", treatment)) if value}
    base = reverse("subjects")
    return [
        Segment(
            label=words,
            url=f"{base}?{urlencode({**kept, 'show': name})}",
            active=name == (show if show in SHOWS else "all"),
            count=sum(1 for one in seen if one.is_in(name)),
        )
        for name, words in SHOWS.items()
    ]


def _filter_words(site: str, treatment: str, show: str) -> str:
    """The filter said in words, for a page on which nothing is left."""
    parts = (
        f"site {site}" if site else "",
        TREATMENTS.get(treatment, treatment).lower() if treatment else "",
        SHOWS.get(show, show).lower() if show and show != "all" else "",
    )
    return ", ".join(part for part in parts if part)


@require_GET
@requires(Duty.VIEW_SUBJECT)
def jump(request: SignedInRequest) -> HttpResponse | HttpResponseRedirect:
    """Straight to the subject with that number, or the few whose number contains what was typed."""
    text = request.GET.get("q", "").strip()
    found = [
        one
        for one in (subjects_like(text)[:PAGE] if text else [])
        if can(request.actor, Duty.VIEW_SUBJECT, one.site_id, clock.now())
    ]
    exact = [one for one in found if text.upper() in (one.subject_number, one.screening_number)]
    if len(found) == 1 or exact:
        return redirect("subject", key=(exact or found)[0].key)
    return render(request, "reporting/jump.html", {"q": text, "found": found})
