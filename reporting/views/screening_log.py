"""The screening log of a site or of all sites, and the same rows as CSV."""

from __future__ import annotations

from collections import Counter
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from reporting.selectors.screening_log import OUTCOMES, screening_file, screening_log
from reporting.selectors.subjects import sites_with_subjects
from reporting.views.door import requires
from reporting.views.streamed import csv_of
from trialsite import clock
from trialsite.access import Duty, can_anywhere
from trialsite.http import SignedInRequest
from trialsite.segments import Segment

PAGE = 100


@require_GET
@requires(Duty.VIEW_SUBJECT)
def page(request: SignedInRequest) -> HttpResponse:
    site = _site(request)
    show = request.GET.get("show", "")
    show = show if show in OUTCOMES else ""
    lines = screening_log(site)
    tally = Counter(line.outcome for line in lines)
    chosen = [line for line in lines if show in {"", line.outcome}]
    context = {
        "page_obj": Paginator(chosen, PAGE).get_page(request.GET.get("page")),
        "segments": [
            Segment("All", _query(site, ""), not show, len(lines)),
            *(
                Segment(words, _query(site, code), code == show, tally[code])
                for code, words in OUTCOMES.items()
                if tally[code]
            ),
        ],
        "sites": sites_with_subjects(),
        "site": site,
        "show": show,
        "may_screen": can_anywhere(request.actor, Duty.SCREEN_SUBJECT, clock.now()),
    }
    return render(request, "reporting/screening_log.html", context)


def _site(request: SignedInRequest) -> str:
    """The code of the site that is asked for, empty for all in reach."""
    return next((one.code for one in sites_with_subjects() if one.code == request.GET.get("site")), "")


def _query(site: str, show: str) -> str:
    given = {name: value for name, value in (("site", site), ("show", show)) if value}
    return f"?{urlencode(given)}"


@require_GET
@requires(Duty.VIEW_SUBJECT)
def as_csv(request: SignedInRequest) -> HttpResponseBase:
    return csv_of(request, screening_file(_site(request)), Duty.VIEW_SUBJECT)
