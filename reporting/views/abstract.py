"""The abstract's table: what is printed, what is stored, what is computed, and whether they agree."""

from __future__ import annotations

from collections import Counter

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from reporting.abstract import NOTE
from reporting.abstract_statements import statements
from reporting.selectors.abstract import ABSTRACT_STATEMENTS, ABSTRACT_TABLE, abstract_lines, held
from reporting.views.door import requires
from reporting.views.streamed import csv_of
from trialsite import clock
from trialsite.access import Duty, can_anywhere
from trialsite.http import SignedInRequest


@require_GET
@requires(Duty.VIEW_DASHBOARD)
def page(request: SignedInRequest) -> HttpResponse:
    lines = abstract_lines()
    explained = Counter(line.result.words for line in lines if line.result)
    context = {
        "lines": lines,
        "found": len({line.subject.pk for line in lines if line.subject}),
        "compared": explained.total(),
        "rounded": explained["equal"] + explained["rounded"],
        "truncated": explained["truncated"],
        "differing": explained["differs"],
        "may_open": can_anywhere(request.actor, Duty.VIEW_SUBJECT, clock.now()),
        "note": NOTE,
        "statements": statements(held(lines)),
        "data_cut": clock.now(),
    }
    return render(request, "reporting/abstract.html", context)


@require_GET
@requires(Duty.VIEW_DASHBOARD)
def as_csv(request: SignedInRequest) -> HttpResponseBase:
    """The same lines. Logged like every export."""
    return csv_of(request, ABSTRACT_TABLE)


@require_GET
@requires(Duty.VIEW_DASHBOARD)
def statements_as_csv(request: SignedInRequest) -> HttpResponseBase:
    """The abstract's other counts. Logged like every export."""
    return csv_of(request, ABSTRACT_STATEMENTS)
