"""Data quality: ageing of queries, timeliness of entry and adherence to windows, and the rows behind each number."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from reporting import data_quality
from reporting.data_quality import GROUPS, Line
from reporting.selectors.facts import facts_of
from reporting.selectors.subjects import sites_with_subjects, subjects_in_reach
from reporting.selectors.timeliness import TIMELINESS, stretches
from reporting.views.dashboards import dashboard_segments
from reporting.views.door import requires
from reporting.views.streamed import csv_of
from trialsite import clock
from trialsite.access import Duty
from trialsite.http import SignedInRequest
from trialsite.models import Query

PAGE = 100


@require_GET
@requires(Duty.VIEW_DASHBOARD)
def page(request: SignedInRequest) -> HttpResponse:
    found, queries, visits = stretches(), _ageing(), _visits()
    sites = [site.code for site in sites_with_subjects()]
    context = {
        "dashboards": dashboard_segments("data_quality"),
        "medians": data_quality.medians(found, sites),
        "ageing": data_quality.ageing(queries, sites),
        "adherence": data_quality.adherence(visits, sites),
        "sites": sites,
        "data_cut": clock.now(),
    }
    return render(request, "reporting/data_quality.html", context)


@require_GET
@requires(Duty.VIEW_DASHBOARD)
def rows(request: SignedInRequest) -> HttpResponse:
    """The rows behind one number."""
    group, site = request.GET.get("group", ""), request.GET.get("site", "")
    if group not in GROUPS:
        raise Http404(group)
    lines = [one for one in _lines(group) if data_quality.is_in(one, group, site)]
    context = {
        "words": GROUPS[group],
        "site": site,
        "number": len(lines),
        "page_obj": Paginator(lines, PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "reporting/data_quality_rows.html", context)


@require_GET
@requires(Duty.VIEW_DASHBOARD)
def as_csv(request: SignedInRequest) -> HttpResponseBase:
    """Every stretch that the medians rest on. Logged like every export."""
    return csv_of(request, TIMELINESS)


def _lines(group: str) -> list[Line]:
    if group.startswith("time-"):
        return data_quality.time_lines(stretches())
    return _visits() if group.startswith("visits-") else _ageing()


def _ageing() -> list[Line]:
    standing = Query.objects.filter(subject__entered_in_error_at=None).exclude(state=Query.State.CLOSED)
    found = standing.select_related("subject", "site").order_by("opened_at", "id")
    return data_quality.query_lines(found, clock.now())


def _visits() -> list[Line]:
    return data_quality.visit_lines(facts_of(subjects_in_reach(), clock.now()).values())
