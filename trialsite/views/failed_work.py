"""Work that failed again and again: the cause, what it holds up, and "Try again"."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from trialsite import clock
from trialsite.access import Duty
from trialsite.failures import failures, try_again
from trialsite.models import OutboxMessage
from trialsite.views.administration import check, done


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    check(request, Duty.RETRY_WORK)
    if request.method == "POST":
        return _again(request)
    return render(request, "trialsite/administration/failed_work.html", {"failures": failures()})


def _again(request: HttpRequest) -> HttpResponse:
    number = request.POST.get("message", "")
    asked = int(number) if number.isdecimal() else 0
    try:
        tried = try_again(by=request.actor, at=clock.now(), message_id=asked)  # type: ignore[attr-defined]
    except OutboxMessage.DoesNotExist:
        return done(request, "Nothing waits there any more: it was done in the meantime.", reverse("failed_work"))
    about = tried.subject.number if tried.subject else f"site {tried.site.code}"
    words = f"It is tried again now for {about}. Load the page again in a moment: what worked is gone from the list."
    return done(request, words, reverse("failed_work"))
