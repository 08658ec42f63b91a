"""How many subjects each site has registered, for those who may not see the subjects: in full fives."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from reporting.enrolment import registered_in_fives
from reporting.selectors.enrolment import enrolment
from reporting.views.door import requires
from trialsite import clock
from trialsite.access import Duty
from trialsite.http import SignedInRequest
from trialsite.models import Site


@require_GET
@requires(Duty.VIEW_ACCRUAL)
def page(request: SignedInRequest) -> HttpResponse:
    sites = Site.objects.exclude(code="00").order_by("code")
    lines = registered_in_fives(enrolment(), [one.code for one in sites])
    names = {one.code: str(one) for one in sites}
    context = {"lines": [(names[code], words) for code, words in lines], "data_cut": clock.now()}
    return render(request, "reporting/accrual.html", context)
