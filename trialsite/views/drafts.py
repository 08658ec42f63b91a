"""Keeping a draft: asked for by the page's script while somebody types, or by the button "Save draft"."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.views.decorators.http import require_POST

from trialsite import clock
from trialsite.access import Duty, check_may
from trialsite.drafting import Place, place_of, saved_words, site_to_screen_at, typed_in, unsealed
from trialsite.http import SignedInRequest
from trialsite.selectors import subject_by_key
from trialsite.services.drafts import end_draft, save_draft
from trialsite.services.subjects import Refused

UNPROCESSABLE = 422


@require_POST
def draft(request: SignedInRequest, key: str) -> HttpResponse:
    """Keep what was posted as the draft of `?page=`, or throw it away (`discard`). The script is answered in JSON."""
    subject = subject_by_key(key)
    place = place_of(request.GET.get("page", ""), request.actor)
    if place is None or place.subject != subject:
        check_may(request.actor, Duty.ENTER_DATA, subject.site_id, clock.now())
        return _said("This page keeps no draft.")
    return _kept(request, place)


@require_POST
def draft_of_no_subject(request: SignedInRequest) -> HttpResponse:
    """The same for the form that makes a subject, and for forms of a site."""
    place = place_of(request.GET.get("page", ""), request.actor)
    if place is None or place.subject:
        site = site_to_screen_at(request.actor)
        check_may(request.actor, Duty.SCREEN_SUBJECT, site.pk if site else None, clock.now())
        return _said("This page keeps no draft.")
    return _kept(request, place)


def _kept(request: SignedInRequest, place: Place) -> HttpResponse:
    page, site = request.GET["page"], place.site
    check_may(request.actor, place.duty, site.pk, clock.now())
    posted = unsealed(request.POST.get("typed_by", ""))
    sitting = posted.sitting if posted else None
    if "discard" in request.POST:
        end_draft(by=request.actor, at=clock.now(), site_id=site.pk, page=page, duty=place.duty, sitting=sitting)
        messages.success(request, "The draft was discarded.")
        return HttpResponseRedirect(page, status=303)
    try:
        kept = save_draft(
            by=request.actor, at=clock.now(), subject_id=place.subject.pk if place.subject else None,
            site_id=site.pk, page=page, typed=typed_in(request.POST), duty=place.duty, sitting=sitting,
        )  # fmt: skip
    except Refused as error:
        return _said(str(error))
    saved_at = kept.saved_at if kept else None
    words = saved_words(saved_at, site.time_zone) if saved_at else "Saved already"
    if request.headers.get("X-Draft"):
        return JsonResponse({"words": words})
    messages.success(request, f"{words}. Others see it when you save the form.")
    return HttpResponseRedirect(page, status=303)


def _said(words: str) -> HttpResponse:
    return HttpResponse(words, status=UNPROCESSABLE, content_type="text/plain; charset=utf-8")
