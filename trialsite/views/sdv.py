"""Source data verification: what changed, one subject, one visit in verify mode, and taking a verification back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from trialsite import clock, sdv_selectors
from trialsite.access import Duty, can, can_anywhere, check_may
from trialsite.http import SignedInRequest
from trialsite.models import SourceVerification, Subject
from trialsite.sdv_counts import PlaceCount, Tally, counts, together
from trialsite.sdv_selectors import Item, State
from trialsite.segments import Segment
from trialsite.selectors import subject_by_key
from trialsite.services.source_verification import verify_items, withdraw_verification
from trialsite.services.subjects import Refused
from trialsite.source_words import Form, place_words

_PAGES = "trialsite/sdv"
UNPROCESSABLE = 422

#: Filter -> words, and the items that it shows.
SHOW: Mapping[str, tuple[str, Callable[[Item], bool]]] = {
    "all": ("All", lambda _: True),
    "left": ("To verify", lambda one: not one.is_verified),
    "changed": ("Changed since verified", lambda one: one.state is State.CHANGED),
    "critical": ("Critical to verify", lambda one: one.is_critical and not one.is_verified),
}


@dataclass(frozen=True)
class SubjectLine:
    """One subject of the work list. changed: the places where something changed since it was verified."""

    subject: Subject
    tally: Tally
    changed: tuple[PlaceCount, ...]


@dataclass(frozen=True)
class SiteLine:
    """The share of a site. `words` name the site, or all together."""

    words: str
    subjects: int
    tally: Tally


@require_GET
def work(request: SignedInRequest) -> HttpResponse:
    """What changed since it was verified, and how much of every subject is verified."""
    if not can_anywhere(request.actor, Duty.VIEW_SUBJECT, clock.now()):
        raise PermissionDenied(f"Your role does not include this: {Duty.VIEW_SUBJECT.value.lower()}.")
    subjects = list(Subject.objects.filter(entered_in_error_at=None).select_related("site"))
    counted = counts([one.pk for one in subjects])
    lines = [_line(one, counted.get(one.pk, ())) for one in subjects]
    context = {
        "changed": [(one.subject, place) for one in lines for place in one.changed],
        "sites": _shares(lines),
        "lines": lines,
    }
    return render(request, f"{_PAGES}/work.html", context)


def _line(subject: Subject, found: Iterable[PlaceCount]) -> SubjectLine:
    places = tuple(found)
    return SubjectLine(
        subject, together(place.tally for place in places), tuple(place for place in places if place.changed)
    )


def _shares(lines: Iterable[SubjectLine]) -> list[SiteLine]:
    """Every site with subjects, then all of them together."""
    by_site: dict[str, list[Tally]] = {}
    for one in lines:
        by_site.setdefault(one.subject.site.code, []).append(one.tally)
    shares = [SiteLine(f"Site {code}", len(own), together(own)) for code, own in sorted(by_site.items())]
    everything = [one for own in by_site.values() for one in own]
    return [*shares, SiteLine("All sites", len(everything), together(everything))] if len(shares) > 1 else shares


@require_GET
def subject(request: SignedInRequest, key: str) -> HttpResponse:
    """Every visit and part of a subject's record with how much of it is verified."""
    found = subject_by_key(key)
    check_may(request.actor, Duty.VIEW_SUBJECT, found.site_id, clock.now())
    places = counts([found.pk]).get(found.pk, ())
    context = {"subject": found, "places": places, "tally": together(one.tally for one in places)}
    return render(request, f"{_PAGES}/subject.html", context)


@require_http_methods(["GET", "POST"])
def place(request: SignedInRequest, key: str, code: str) -> HttpResponse:
    """One visit in verify mode. POST `action`: ticked, form:KEY or place, over the versions that were shown."""
    found = subject_by_key(key)
    duty = Duty.VERIFY_SOURCE if request.method == "POST" else Duty.VIEW_SUBJECT
    check_may(request.actor, duty, found.site_id, clock.now())
    problem = ""
    if request.method == "POST":
        try:
            return _verify(request, found, code)
        except Refused as refusal:
            problem = str(refusal)
    return _place_page(request, found, code, problem)


def _verify(request: SignedInRequest, found: Subject, code: str) -> HttpResponse:
    made = verify_items(
        by=request.actor, at=clock.now(), subject_id=found.pk, site_id=found.site_id, tokens=_tokens(request)
    )
    messages.success(request, f"{len(made)} value{'' if len(made) == 1 else 's'} verified against the source.")
    show = request.POST.get("show", "all")
    kept = f"?show={show}" if show in SHOW and show != "all" else ""
    return HttpResponseRedirect(reverse("visit_sdv", args=[found.key, code]) + kept, status=303)


def _tokens(request: SignedInRequest) -> list[str]:
    action = request.POST.get("action", "ticked")
    if action == "ticked":
        return request.POST.getlist("item")
    forms_sent = [name for name in request.POST if name.startswith("shown-")]
    wanted = forms_sent if action == "place" else [f"shown-{action.removeprefix('form:')}"]
    return [token for name in wanted for token in request.POST.getlist(name)]


def _place_page(request: SignedInRequest, found: Subject, code: str, problem: str) -> HttpResponse:
    items = [one for one in sdv_selectors.items_of(found) if one.place == code]
    show = request.POST.get("show", request.GET.get("show", "all"))
    show = show if show in SHOW else "all"
    takes = SHOW[show][1]
    shown = sdv_selectors.by_form(one for one in items if takes(one))
    context: dict[str, Any] = {
        "subject": found,
        "code": code,
        "words": _words_of(code),
        "forms": [(form, _page_url(found, form, code), rows, _left(rows)) for form, rows in shown],
        "numbers": {name: sum(map(one_takes, items)) for name, (_, one_takes) in SHOW.items()},
        "left": sum(_left(rows) for _, rows in shown),
        "show": show,
        "may_verify": can(request.actor, Duty.VERIFY_SOURCE, found.site_id, clock.now()),
        "problems": [("", problem)] if problem else [],
        "has_errors": bool(problem),
    }
    context["segments"] = [
        Segment(label, f"?show={name}", name == show, context["numbers"][name]) for name, (label, _) in SHOW.items()
    ]
    return render(request, f"{_PAGES}/place.html", context, status=UNPROCESSABLE if problem else 200)


def _left(rows: Iterable[Item]) -> int:
    return sum(not one.is_verified for one in rows)


def _words_of(code: str) -> str:
    """The words of a place; 404 for an address that no subject could have."""
    try:
        return place_words(code)
    except ValueError:
        raise Http404(code) from None


def _page_url(found: Subject, form: Form, code: str) -> str:
    """Where the form is in the record."""
    by_visit = form.page in ("visit_labs", "visit_disease", "visit")
    return reverse(form.page, args=[found.key, code] if by_visit else [found.key])


class WithdrawForm(forms.Form):
    reason = forms.CharField(
        label="Why is the verification withdrawn?",
        max_length=300,
        error_messages={"required": "Say why the verification is withdrawn."},
    )


@require_http_methods(["GET", "POST"])
def withdraw(request: SignedInRequest, key: str, pk: int) -> HttpResponse:
    """Take one verification back, with a reason."""
    found = subject_by_key(key)
    check_may(request.actor, Duty.VERIFY_SOURCE, found.site_id, clock.now())
    one = get_object_or_404(SourceVerification.objects.select_related("verified_by"), pk=pk, subject=found)
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            withdraw_verification(
                by=request.actor, at=clock.now(), subject_id=found.pk, site_id=found.site_id, verification_id=pk,
                reason=form.cleaned_data["reason"],
            )  # fmt: skip
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "The verification is withdrawn. The value is to be verified again.")
            return HttpResponseRedirect(reverse("visit_sdv", args=[key, one.place]), status=303)
    item = next((item for item in sdv_selectors.items_of(found) if item.key == _key(one)), None)
    context = {"subject": found, "one": one, "item": item, "words": place_words(one.place), "form": form}
    return render(request, f"{_PAGES}/withdraw.html", context, status=UNPROCESSABLE if form.errors else 200)


def _key(one: SourceVerification) -> sdv_selectors.Key:
    return one.record_type, one.record_id, one.item
