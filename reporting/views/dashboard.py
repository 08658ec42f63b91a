"""The efficacy dashboard, the lists behind its numbers, and the same rows as CSV."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dosing.vocabulary import PHASE_WORDS
from protocol.vocabulary import Phase
from reporting import dashboard
from reporting.selectors.efficacy import EFFICACY, efficacy
from reporting.views.door import requires
from reporting.views.streamed import csv_of, places
from trialsite import clock
from trialsite.access import Duty, can
from trialsite.http import SignedInRequest

PAGE = 100


@require_GET
@requires(Duty.VIEW_DASHBOARD)
def page(request: SignedInRequest) -> HttpResponse:
    rows, population = efficacy(), _population(request)
    curve = dashboard.survival_curve(rows)
    context = {
        "population": population,
        "populations": dashboard.POPULATIONS,
        "kpis": dashboard.headline(rows, population, curve),
        "rates": dashboard.rate_lines(rows, population),
        "phases": dashboard.phase_lines(rows, population),
        "waterfall": dashboard.waterfall_chart(rows),
        "bars": dashboard.bar_table(rows),
        "survival": dashboard.survival_chart(rows, curve),
        "times": len(dashboard.times(rows)),
        "fewest": dashboard.FEWEST,
        "unsigned": dashboard.unsigned_words(rows, population),
        "unsigned_url": dashboard.list_url("unsigned", population),
        "data_cut": clock.now(),
        "versions": dashboard.PLANNED_NOTE,
        "sites": sorted({row.site for row in rows}),
    }
    return render(request, "reporting/efficacy.html", context)


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
        "may_open": any(can(request.actor, Duty.VIEW_SUBJECT, site, clock.now()) for site in places(request.actor)),
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
