"""Keeping a draft: asked for by the page's script while somebody types, or by the button "Save draft"."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.views.decorators.http import require_POST

from trialsite import clock
from trialsite.access import Duty, check_may
from trialsite.drafting import key_of, saved_words, typed_in
from trialsite.http import SignedInRequest
from trialsite.selectors import subject_by_key
from trialsite.services.drafts import end_draft, save_draft
from trialsite.services.subjects import Refused

UNPROCESSABLE = 422


@require_POST
def draft(request: SignedInRequest, key: str) -> HttpResponse:
    """Keep what was posted as the draft of `?page=`, or throw it away (`discard`). The script is answered in JSON."""
    subject = subject_by_key(key)
    check_may(request.actor, Duty.ENTER_DATA, subject.site_id, clock.now())
    page = request.GET.get("page", "")
    if key_of(page) != key:
        return _said("This page keeps no draft.")
    if "discard" in request.POST:
        end_draft(by=request.actor, at=clock.now(), site_id=subject.site_id, page=page)
        messages.success(request, "The draft was discarded.")
        return HttpResponseRedirect(page, status=303)
    try:
        kept = save_draft(
            by=request.actor, at=clock.now(), subject_id=subject.pk, site_id=subject.site_id,
            page=page, typed=typed_in(request.POST),
        )  # fmt: skip
    except Refused as error:
        return _said(str(error))
    saved_at = kept.saved_at if kept else None
    words = saved_words(saved_at, subject.site.time_zone) if saved_at else "Saved already"
    if request.headers.get("X-Draft"):
        return JsonResponse({"words": words})
    messages.success(request, f"{words}. Others see it when you save the form.")
    return HttpResponseRedirect(page, status=303)


def _said(words: str) -> HttpResponse:
    return HttpResponse(words, status=UNPROCESSABLE, content_type="text/plain; charset=utf-8")
