"""The enrolment dashboard, the lists behind its numbers, and the same rows as CSV."""

from __future__ import annotations

from datetime import date

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dosing.vocabulary import PHASE_WORDS
from followup.vocabulary import END_REASON_WORDS
from protocol.vocabulary import Phase
from reporting import enrolment as figures
from reporting.selectors.enrolment import BRANCHES, ENROLMENT, enrolment
from reporting.views.dashboards import dashboard_segments
from reporting.views.door import requires
from reporting.views.streamed import csv_of, places
from trialsite import clock
from trialsite.access import Duty
from trialsite.http import SignedInRequest
from trialsite.models import Site

PAGE = 100


@require_GET
@requires(Duty.VIEW_DASHBOARD)
def page(request: SignedInRequest) -> HttpResponse:
    rows = enrolment()
    reasons = [
        ("failures", "Why screening failed", "criteria not met; one subject may fail several",
         figures.failure_lines(rows)),
        ("ends", "Why treatment ended", "", figures.end_lines(rows)),
        ("left", "Why subjects left the study", "", figures.left_lines(rows)),
    ]  # fmt: skip
    opened_on = _trial_opened_on() if None in places(request.actor) else None
    context = {
        "dashboards": dashboard_segments("enrolment"),
        "headline": figures.headline(rows, with_plan=opened_on is not None),
        "flow": figures.flow_chart(rows) if rows else None,
        "accrual": figures.accrual_chart(rows, clock.today(), opened_on),
        "has_plan": opened_on is not None,
        "chart_urls": {"flow": figures.list_url("screened"), "accrual": figures.list_url("registered")},
        "site_columns": [figures.GROUPS[name][0] for name in figures.SITE_COLUMNS],
        "site_lines": figures.site_lines(rows),
        "reasons": reasons,
        "data_cut": clock.now(),
        "sites": sorted({row.site for row in rows}),
    }
    return render(request, "reporting/enrolment.html", context)


def _trial_opened_on() -> date | None:
    """The first day of the first site with subjects' numbers of its own; the coordinating centre is none."""
    return Site.objects.exclude(code="00").order_by("opened_on").values_list("opened_on", flat=True).first()


@require_GET
@requires(Duty.VIEW_DASHBOARD)
def subjects(request: SignedInRequest) -> HttpResponse:
    """The rows behind one number, of one site where the number was."""
    name, site = request.GET.get("group", "screened"), request.GET.get("site", "")
    try:
        words, test = figures.group(name)
    except (KeyError, ValueError) as error:
        raise Http404(name) from error
    rows = [row for row in enrolment() if test(row) and site in ("", row.site)]
    context = {
        "words": f"{words}, site {site}" if site else words,
        "number": len(rows),
        "page_obj": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "phase_words": {phase.value: PHASE_WORDS[phase] for phase in Phase},
        "end_words": {reason.value: words for reason, words in END_REASON_WORDS.items()},
        "left_words": figures.LEFT_WORDS,
        "branch_words": {phase.value: PHASE_WORDS[phase] for phase in BRANCHES},
    }
    return render(request, "reporting/enrolment_subjects.html", context)


@require_GET
@requires(Duty.VIEW_DASHBOARD)
def as_csv(request: SignedInRequest) -> HttpResponseBase:
    """Every row that the dashboard counts. Logged like every export."""
    return csv_of(request, ENROLMENT)
