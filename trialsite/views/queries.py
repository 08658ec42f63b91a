"""Queries: the list, one query with its value and thread, asking, and the list of one subject."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from trialsite import clock, query_panel, query_selectors
from trialsite.access import Duty, can, can_anywhere, check_may
from trialsite.audit_selectors import RecordPlace, entries, events_of_record, place_of, without_shadows
from trialsite.audit_words import fields_of, named
from trialsite.drafting import drafting, is_saved, typed_in_draft
from trialsite.http import SignedInRequest
from trialsite.models import Query
from trialsite.query_forms import AS_ENTERED, AnswerForm, AskForm, CloseForm
from trialsite.segments import Segment
from trialsite.selectors import sites_in_reach, subject_by_key
from trialsite.services import queries as service
from trialsite.services.queries import Anchor
from trialsite.services.subjects import Refused

_PAGES = "trialsite/queries"
PER_PAGE = 50


@dataclass(frozen=True)
class Verb:
    """What can be done with a query, by whom, and how it is said."""

    do: Callable[..., Query]
    duty: Duty
    words: str


_VERBS = {
    "answer": Verb(service.answer, Duty.ANSWER_QUERY, "was answered"),
    "confirm": Verb(service.confirm, Duty.ANSWER_QUERY, "was answered"),
    "close": Verb(service.close, Duty.CLOSE_QUERY, "was closed"),
    "reopen": Verb(service.reopen, Duty.CLOSE_QUERY, "was opened again"),
}


@require_GET
def query_list(request: SignedInRequest) -> HttpResponse:
    _check_clinical(request)
    sites = [one for one in sites_in_reach(request.actor, clock.now()) if not one.is_coordinating_centre]
    site = next((one.code for one in sites if one.code == request.GET.get("site")), "")
    context = _listed(request, "mine", site_code=site)
    may_watch = can_anywhere(request.actor, Duty.VIEW_DASHBOARD, clock.now())
    return render(request, f"{_PAGES}/list.html", {**context, "sites": sites, "site": site, "may_watch": may_watch})


def _listed(
    request: SignedInRequest, shown_first: str, *, site_code: str = "", subject_key: str = ""
) -> dict[str, Any]:
    """The rows of one filter with the filters beside it; every filter is in the address."""
    now, by = clock.now(), request.actor
    show = request.GET.get("show", shown_first)
    show = show if show in query_selectors.SHOW else shown_first
    found = query_selectors.filtered(by, show, now, site_code=site_code, subject_key=subject_key)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    counted = query_selectors.counts(by, now, site_code=site_code, subject_key=subject_key)
    kept = f"&site={site_code}" if site_code else ""
    return {
        "page_obj": page,
        "rows": query_selectors.rows(list(page), now),
        "segments": [
            Segment(words, f"?show={name}{kept}", name == show, counted.get(name))
            for name, words in query_selectors.SHOW.items()
        ],
        "show": show,
        "show_words": query_selectors.SHOW[show],
        "total": counted["open"] + counted["answered"] + counted["closed"],
        "answered_lately": query_selectors.answered_lately(now, site_code=site_code, subject_key=subject_key),
    }


def _check_clinical(request: SignedInRequest) -> None:
    if not can_anywhere(request.actor, Duty.VIEW_SUBJECT, clock.now()):
        raise PermissionDenied(f"Your role does not include this: {Duty.VIEW_SUBJECT.value.lower()}.")


@require_GET
def subject_queries(request: SignedInRequest, key: str) -> HttpResponse:
    subject = subject_by_key(key)
    check_may(request.actor, Duty.VIEW_SUBJECT, subject.site_id, clock.now())
    may_ask = can(request.actor, Duty.RAISE_QUERY, subject.site_id, clock.now())
    context = _listed(request, "all", subject_key=subject.key)
    return render(request, f"{_PAGES}/subject.html", {**context, "subject": subject, "may_ask": may_ask})


@require_http_methods(["GET", "POST"])
def query(request: SignedInRequest, pk: int) -> HttpResponse:
    """One query, or as a fragment its panel beside the field. POST `action`: answer, close or reopen."""
    one = get_object_or_404(Query.objects.select_related("subject__site", "site"), pk=pk)
    check_may(request.actor, Duty.VIEW_SUBJECT, one.site_id, clock.now())
    if request.method == "GET":
        return _show(request, one, None)
    action = request.POST.get("action", "answer")
    if action not in _VERBS:
        raise Http404
    check_may(request.actor, _VERBS[action].duty, one.site_id, clock.now())
    if action == "answer" and request.POST.get("quick") == AS_ENTERED:
        action = "confirm"
    form = AnswerForm(request.POST) if action in ("answer", "confirm") else CloseForm(request.POST)
    if form.is_valid():
        try:
            return _act(request, one, action, form.cleaned_data["text"])
        except Refused as error:
            form.add_error(None, str(error))
    return _show(request, one, form)


def _act(request: SignedInRequest, one: Query, action: str, text: str) -> HttpResponse:
    done = _VERBS[action].do(by=request.actor, at=clock.now(), query_id=one.pk, site_id=one.site_id, text=text)
    following = query_selectors.next_for(request.actor, clock.now(), after=one)
    is_saved(request, one.subject, page=query_panel.page_with(one, answer=action in ("answer", "confirm")))
    is_settled = action == "confirm" and done.state == Query.State.CLOSED
    said = f"Query {one.pk} {_VERBS[action].words}{' and is closed' if is_settled else ''}."
    if _is_fragment(request):
        # The form beside the panel may hold what is not saved yet: it stays, and the next query is a link.
        url = query_selectors.at_field(following) if following else ""
        return render(request, f"{_PAGES}/done.html", {"said": said, "following": following, "url": url})
    messages.success(request, said + (" Here is the next one." if following else " No other query waits for you."))
    return HttpResponseRedirect(_onwards(request, one, following), status=303)


def _onwards(request: SignedInRequest, one: Query, following: Query | None) -> str:
    """Where to go after a query: who came from a field goes to the field of the next one, or back."""
    beside = request.POST.get("at") == "field"
    if following is not None:
        return query_selectors.at_field(following) if beside else reverse("query", args=[following.pk])
    return (query_selectors.value_page(one) if beside else "") or reverse("queries")


def _is_fragment(request: SignedInRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def _show(request: SignedInRequest, one: Query, form: forms.Form | None) -> HttpResponse:
    asked = query_panel.shown(request, one, clock.now(), form)
    beside = "field" in (request.GET.get("at"), request.POST.get("at"))
    context = {"asked": asked, "query": one, "subject": one.subject, "form": asked.form, "beside": beside}
    page = "fragment" if _is_fragment(request) else "query"
    return render(request, f"{_PAGES}/{page}.html", context, status=422 if form is not None else 200)


@require_http_methods(["GET", "POST"])
def query_new(request: SignedInRequest) -> HttpResponse:
    """Ask about one value: /queries/new/?record=lab_result:17&item=serum_m."""
    place = place_of(request.GET.get("record", ""))
    if place.subject is None:
        raise Http404("A query belongs to a subject.")
    check_may(request.actor, Duty.RAISE_QUERY, place.subject.site_id, clock.now())
    unsaved = drafting(request, place.subject, _which(request, place))
    form = AskForm(
        request.POST if request.method == "POST" else None, fields=fields_of(place.kind, place.row),
        initial={"item": request.GET.get("item", ""), **typed_in_draft(unsaved)},
    )  # fmt: skip
    if form.is_valid():
        try:
            return _ask(request, place, form.cleaned_data)
        except Refused as error:
            form.add_error(None, str(error))
    context = {
        "form": form,
        "drafting": unsaved,
        "subject": place.subject,
        "zone": place.subject.site.time_zone,
        "what": named(place.kind, place.row),
        "history": list(reversed(entries(list(without_shadows(events_of_record(place)))))),
    }
    return render(request, f"{_PAGES}/new.html", context, status=422 if form.is_bound else 200)


def _which(request: SignedInRequest, place: RecordPlace) -> str:
    """What of the address belongs to a draft: the value that is asked about."""
    told = {name: request.GET[name] for name in ("item", "visit") if request.GET.get(name)}
    return urlencode({"record": f"{place.name}:{place.row_id}", **told})


def _ask(request: SignedInRequest, place: RecordPlace, data: dict[str, Any]) -> HttpResponse:
    if place.subject is None:
        raise Http404("A query belongs to a subject.")
    own = str(place.row.get("analyte", "") or place.row.get("item", ""))
    item = data["item"] if "item" in data else own or request.GET.get("item", "")
    visit = request.GET.get("visit", "") or query_selectors.visit_code_of(place)
    asked = service.ask(
        by=request.actor,
        at=clock.now(),
        token=data["token"],
        subject=place.subject,
        anchor=Anchor(place.name, place.row_id, item[:40], visit[:6]),
        text=data["text"],
    )
    is_saved(request, place.subject, _which(request, place))
    messages.success(request, f"Query {asked.pk} was sent to site {place.subject.site.code}.")
    return HttpResponseRedirect(reverse("query", args=[asked.pk]), status=303)
