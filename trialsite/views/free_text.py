"""The sentence beside a box of free text, asked for when the box is left."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from trialsite.free_text import may_hold, sentence
from trialsite.http import SignedInRequest


@require_POST
def text_check(request: SignedInRequest) -> HttpResponse:
    """What the box that was left may hold. Nothing is stored, and the text is not repeated."""
    text = request.POST.get(request.headers.get("HX-Trigger-Name", ""), "")
    return HttpResponse(sentence(may_hold(text)), content_type="text/plain; charset=utf-8")
