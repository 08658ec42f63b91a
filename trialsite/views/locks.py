"""Freezing and locking: every subject by visit, what is ready to be locked, and what became of one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from trialsite import clock
from trialsite.access import Duty, can, can_anywhere, check_may
from trialsite.http import SignedInRequest
from trialsite.lock_selectors import Place, Standing, places_of, requests, sentence_of, steps_of, unverified_words
from trialsite.lock_snapshots import changes_since, is_intact
from trialsite.models import LockStep, Site, Subject
from trialsite.sdv_selectors import items_of
from trialsite.segments import Segment
from trialsite.selectors import sites_in_reach, subject_by_key
from trialsite.services import locks as service
from trialsite.services.locks import Wanted, lock_places
from trialsite.services.subjects import Refused
from trialsite.source_words import place_words

_PAGES = "trialsite/locks"
UNPROCESSABLE = 422
#: State of a place -> (shape, words).
LOOK: Mapping[Standing, tuple[str, str]] = {
    Standing.OPEN: ("draft", "Open"),
    Standing.CLEAN: ("done", "Clean"),
    Standing.FROZEN: ("held", "Frozen"),
    Standing.LOCKED: ("locked", "Locked"),
}


@dataclass(frozen=True)
class Line:
    """One subject. numbers: how many places stand so. keeps: what keeps most of the others open, with how many."""

    subject: Subject
    places: Sequence[Place]
    numbers: Mapping[str, int]
    ready: int
    keeps: Sequence[tuple[str, int]]


def _line(subject: Subject, places: Sequence[Place]) -> Line:
    numbers = Counter(one.state.value for one in places)
    left = [one for one in places if one.state is not Standing.LOCKED]
    keeps = Counter(words for one in left for words in one.missing).most_common(2)
    unverified = [one.unverified for one in left if one.unverified]
    if unverified:
        keeps.append((unverified_words(sum(unverified)), len(unverified)))
    return Line(subject, places, numbers, sum(one.is_ready for one in places), keeps)


def _chosen(request: SignedInRequest) -> tuple[list[Site], Site | None]:
    """The sites in reach, and the one that is asked for: all of them where none is."""
    sites = [one for one in sites_in_reach(request.actor, clock.now()) if not one.is_coordinating_centre]
    asked = request.POST.get("site", request.GET.get("site"))
    return sites, next((one for one in sites if one.code == asked), None)


def _segments(sites: Sequence[Site], chosen: Site | None) -> list[Segment]:
    if len(sites) < 2:
        return []
    every = Segment("All sites", "?", chosen is None)
    return [every, *(Segment(f"Site {one.code}", f"?site={one.code}", one == chosen) for one in sites)]


def _lines(chosen: Site | None) -> list[Line]:
    found = Subject.objects.filter(entered_in_error_at=None).select_related("site")
    subjects = list(found.filter(site=chosen) if chosen else found)
    places = places_of(subjects, clock.now())
    return [_line(one, places[one.pk]) for one in subjects if places[one.pk]]


@require_GET
def overview(request: SignedInRequest) -> HttpResponse:
    """Every subject by visit: open, clean, frozen or locked, and why; unlocks that are asked for on top."""
    if not can_anywhere(request.actor, Duty.VIEW_SUBJECT, clock.now()):
        raise PermissionDenied(f"Your role does not include this: {Duty.VIEW_SUBJECT.value.lower()}.")
    sites, chosen = _chosen(request)
    lines = _lines(chosen)
    asked = requests().filter(site=chosen) if chosen else requests()
    context = {
        "segments": _segments(sites, chosen),
        "site": chosen,
        "lines": lines,
        "asked": [(one, place_words(one.place)) for one in asked],
        "totals": sum((Counter(one.numbers) for one in lines), Counter()),
        "ready": sum(one.ready for one in lines),
        "may_lock": can_anywhere(request.actor, Duty.LOCK, clock.now()),
        "look": LOOK,
    }
    return render(request, f"{_PAGES}/overview.html", context)


@require_http_methods(["GET", "POST"])
def ready(request: SignedInRequest) -> HttpResponse:
    """Exactly what would be locked, and what stays open and why; sending the list locks it, all or nothing."""
    if not can_anywhere(request.actor, Duty.LOCK, clock.now()):
        raise PermissionDenied(f"Your role does not include this: {Duty.LOCK.value.lower()}.")
    sites, chosen = _chosen(request)
    problem = ""
    if request.method == "POST":
        try:
            made = lock_places(by=request.actor, at=clock.now(), wanted=_wanted(request.POST.getlist("place")))
        except Refused as refusal:
            problem = str(refusal)
        else:
            messages.success(request, f"{len(made)} part{'' if len(made) == 1 else 's'} locked.")
            kept = f"?site={chosen.code}" if chosen else ""
            return HttpResponseRedirect(reverse("locks") + kept, status=303)
    lines = _lines(chosen)
    context = {
        "segments": _segments(sites, chosen),
        "site": chosen,
        "ready": [(one.subject, [place for place in one.places if place.is_ready]) for one in lines if one.ready],
        "number": sum(one.ready for one in lines),
        "left": [(one.subject, _left(one.places)) for one in lines if _left(one.places)],
        "problems": [("", problem)] if problem else [],
        "has_errors": bool(problem),
    }
    return render(request, f"{_PAGES}/ready.html", context, status=UNPROCESSABLE if problem else 200)


def _left(places: Iterable[Place]) -> list[Place]:
    return [one for one in places if one.state is not Standing.LOCKED and one.blockers]


def _wanted(tokens: Iterable[str]) -> list[Wanted]:
    """What a list named. 404 for what no page has made, or is out of reach."""
    named = [token.split(":") for token in tokens]
    if any(len(one) != 3 or not one[2].isdecimal() for one in named):
        raise Http404
    subjects = {one.key: one for one in Subject.objects.filter(key__in={key for key, _, _ in named})}
    if any(key not in subjects for key, _, _ in named):
        raise Http404
    return [Wanted(subjects[key].pk, subjects[key].site_id, place, int(newest)) for key, place, newest in named]


@require_GET
def subject(request: SignedInRequest, key: str) -> HttpResponse:
    """Every visit and part of a subject's record: how it stands and what keeps it from being locked."""
    found = subject_by_key(key)
    check_may(request.actor, Duty.VIEW_SUBJECT, found.site_id, clock.now())
    places = places_of([found], clock.now())[found.pk]
    context = {"subject": found, "places": places, "line": _line(found, places), "look": LOOK}
    return render(request, f"{_PAGES}/subject.html", context)


class ReasonForm(forms.Form):
    """The service says it if a reason is missing where one is needed: everywhere but for a freeze."""

    reason = forms.CharField(label="Why", max_length=300, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, data: Mapping[str, Any] | None, *, is_needed: bool) -> None:
        super().__init__(data)
        self.fields["reason"].required = is_needed


#: Action -> duty, service, words of the button, what is said afterwards.
ACTIONS: Mapping[str, tuple[Duty, Callable[..., LockStep], str, str]] = {
    "ask": (Duty.ASK_UNLOCK, service.ask_for_unlock, "Ask for an unlock", "Data management is asked for an unlock."),
    "unlock": (Duty.LOCK, service.unlock, "Unlock", "Unlocked. The site can change it again."),
    "decline": (Duty.LOCK, service.decline_unlock, "Decline", "The place stays locked."),
    "freeze": (Duty.LOCK, service.freeze, "Freeze", "Frozen. Nothing can be changed until the freeze is lifted."),
    "release": (Duty.LOCK, service.lift_freeze, "Lift the freeze", "The site can change it again."),
}


@require_http_methods(["GET", "POST"])
def place(request: SignedInRequest, key: str, code: str) -> HttpResponse:
    """One place: its state, what changed since it was locked, every step. POST `action`: one of ACTIONS, or lock."""
    found, problem = subject_by_key(key), ""
    check_may(request.actor, Duty.VIEW_SUBJECT, found.site_id, clock.now())
    if request.method == "POST":
        try:
            return _act(request, found, code)
        except Refused as refusal:
            problem = str(refusal)
    return _show(request, found, code, problem)


def _act(request: SignedInRequest, found: Subject, code: str) -> HttpResponse:
    action = request.POST.get("action", "")
    if action == "lock":
        lock_places(by=request.actor, at=clock.now(), wanted=_wanted(request.POST.getlist("place")))
        said = "Locked."
    elif action in ACTIONS:
        _, do, _, said = ACTIONS[action]
        do(
            by=request.actor, at=clock.now(), subject_id=found.pk, site_id=found.site_id, place=code,
            reason=request.POST.get("reason", ""),
        )  # fmt: skip
    else:
        raise Http404
    messages.success(request, said)
    return HttpResponseRedirect(reverse("place_lock", args=[found.key, code]), status=303)


def _show(request: SignedInRequest, found: Subject, code: str, problem: str) -> HttpResponse:
    place = next((one for one in places_of([found], clock.now())[found.pk] if one.name == code), None)
    if place is None:
        raise Http404
    steps = steps_of(found, code)
    locked = next((one for one in steps if one.act == LockStep.Act.LOCK), None)
    items = [one for one in items_of(found) if one.place == code] if locked else []
    context: dict[str, Any] = {
        "subject": found,
        "place": place,
        "look": LOOK[place.state],
        "sentence": sentence_of(steps),
        "steps": steps,
        "locked": locked,
        "is_intact": locked is None or is_intact(locked),
        "changes": changes_since(locked, items) if locked else [],
        "actions": [
            (name, ACTIONS[name][2])
            for name in _possible(place)
            if can(request.actor, ACTIONS[name][0], found.site_id, clock.now())
        ],
        "may_lock": place.is_ready and can(request.actor, Duty.LOCK, found.site_id, clock.now()),
        "form": ReasonForm(request.POST if problem else None, is_needed="freeze" not in _possible(place)),
        "problems": [("", problem)] if problem else [],
        "has_errors": bool(problem),
    }
    return render(request, f"{_PAGES}/place.html", context, status=UNPROCESSABLE if problem else 200)


def _possible(place: Place) -> tuple[str, ...]:
    """What can be done with a place as it stands, whoever may."""
    if place.state is Standing.LOCKED:
        return ("unlock", "decline") if place.is_asked else ("unlock", "ask")
    return ("release",) if place.state is Standing.FROZEN else ("freeze",)
