"""The efficacy dashboard, the lists behind its numbers, and the same rows as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dosing.vocabulary import PHASE_WORDS
from protocol.vocabulary import Phase
from reporting import dashboard
from reporting.courses import spider_chart, swimmer_chart
from reporting.selectors.efficacy import Efficacy, efficacy, studied
from reporting.selectors.efficacy_file import EFFICACY
from reporting.time_endpoints import (
    ENDPOINTS,
    FEWEST,
    SIX_MONTHS,
    Endpoint,
    EndpointLine,
    MarkerLine,
    SixMonthLine,
    SixMonths,
    curve_of,
    endpoint_lines,
    free_at_six_months,
    marker_lines,
    survival_chart,
    times,
)
from reporting.views.dashboards import dashboard_segments
from reporting.views.door import requires
from reporting.views.streamed import csv_of
from trialsite import clock
from trialsite.access import Duty
from trialsite.http import SignedInRequest
from trialsite.segments import Segment

PAGE = 100


@require_GET
@requires(Duty.VIEW_DASHBOARD)
def page(request: SignedInRequest) -> HttpResponse:
    found, population = studied(), _population(request)
    rows = efficacy(found)
    endpoint = ENDPOINTS.get(request.GET.get("endpoint", ""), dashboard.PFS)
    context = {
        "population": population,
        "populations": dashboard.POPULATIONS,
        "dashboards": dashboard_segments("efficacy"),
        "kpis": dashboard.headline(rows, population, curve_of(rows, dashboard.PFS)),
        "rates": dashboard.rate_lines(rows, population),
        "phases": dashboard.phase_lines(rows, population),
        "waterfall": dashboard.waterfall_chart(rows),
        "bars": dashboard.bar_table(rows),
        "endpoint": endpoint,
        "endpoints": [_segment(one, endpoint, population) for one in ENDPOINTS.values()],
        "survival": survival_chart(rows, endpoint),
        "times": len(times(rows, endpoint)),
        "lines": [_with_urls(line, population) for line in endpoint_lines(rows)],
        "six_months": [line for reading in SIX_MONTHS for line in _six_months(rows, reading, population)],
        "markers": [_marker_with_urls(line, population) for line in marker_lines(rows)],
        "chart_urls": {
            "waterfall": dashboard.list_url("waterfall", population),
            "curve": dashboard.list_url(f"{endpoint.name}-all", population),
            "treated": dashboard.list_url("treated", population),
        },
        "swimmer": swimmer_chart(found, clock.today()),
        "spider": spider_chart(found),
        "fewest": FEWEST,
        "unsigned": dashboard.unsigned_words(rows, population),
        "unsigned_url": dashboard.list_url("unsigned", population),
        "data_cut": clock.now(),
        "versions": dashboard.versions_words(rows),
        "sites": sorted({row.site for row in rows}),
    }
    return render(request, "reporting/efficacy.html", context)


def _segment(one: Endpoint, chosen: Endpoint, population: str) -> Segment:
    return Segment(one.short, f"?{urlencode({'population': population, 'endpoint': one.name})}#curve", one is chosen)


def _with_urls(line: EndpointLine, population: str) -> tuple[EndpointLine, str, str, str]:
    parts = ("all", "events", "censored")
    everyone, events, censored = (dashboard.list_url(f"{line.endpoint.name}-{part}", population) for part in parts)
    return line, everyone, events, censored


def _marker_with_urls(line: MarkerLine, population: str) -> tuple[MarkerLine, str, str, str]:
    both, fell, by_15 = (dashboard.list_url(f"{line.name}-{part}", population) for part in ("both", "fell", "fell-15"))
    return line, both, fell, by_15


def _six_months(rows: Sequence[Efficacy], reading: SixMonths, population: str) -> list[SixMonthLine]:
    """Of all whose month 6 has come, and of those of whom it is known; both lines have the same who are free."""
    due, known = free_at_six_months(rows, reading)
    urls = {which: dashboard.list_url(f"{which}-{reading.name}", population) for which in ("due", "known", "free")}
    return [
        SixMonthLine(reading.words, "All whose month 6 has come", due, urls["due"], urls["free"]),
        SixMonthLine(reading.words, reading.known, known, urls["known"], urls["free"]),
    ]


@require_GET
@requires(Duty.VIEW_DASHBOARD)
def subjects(request: SignedInRequest) -> HttpResponse:
    """The rows behind one number."""
    name, population = request.GET.get("group", "enrolled"), _population(request)
    try:
        words, test = dashboard.group(name, population)
    except (KeyError, StopIteration, ValueError) as error:
        raise Http404(name) from error
    rows = [row for row in efficacy() if test(row)]
    context = {
        "words": words,
        "population_words": dashboard.POPULATIONS[population],
        "population": population,
        "number": len(rows),
        "page_obj": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "phase_words": {phase.value: PHASE_WORDS[phase] for phase in Phase},
    }
    return render(request, "reporting/efficacy_subjects.html", context)


@require_GET
@requires(Duty.VIEW_DASHBOARD)
def as_csv(request: SignedInRequest) -> HttpResponseBase:
    """Every row that the dashboard counts. Logged like every export."""
    return csv_of(request, EFFICACY)


def _population(request: SignedInRequest) -> str:
    asked = request.GET.get("population", "signed")
    return asked if asked in dashboard.POPULATIONS else "signed"
