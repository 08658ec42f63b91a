"""What was mailed to whom and why, what waits, and what was not sent."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from trialsite import clock
from trialsite.access import Duty, can_anywhere
from trialsite.http import SignedInRequest
from trialsite.models import Mail
from trialsite.segments import Segment

PER_PAGE = 50

#: Filter -> words, condition.
SHOW: dict[str, tuple[str, Q]] = {
    "all": ("All", Q()),
    "waiting": ("Waiting", Q(sent_at=None, skipped_at=None)),
    "sent": ("Sent", Q(sent_at__isnull=False)),
    "skipped": ("Not sent", Q(skipped_at__isnull=False)),
}


@require_GET
def mail_list(request: SignedInRequest) -> HttpResponse:
    """Mail of the sites in reach, newest first. Row level security has hidden the others."""
    if not can_anywhere(request.actor, Duty.VIEW_MAIL, clock.now()):
        raise PermissionDenied(f"Your role does not include this: {Duty.VIEW_MAIL.value.lower()}.")
    show = request.GET.get("show", "all")
    show = show if show in SHOW else "all"
    mails = Mail.objects.select_related("site", "subject", "recipient").order_by("-id")
    segments = [
        Segment(words, f"?show={name}", name == show, None if name == "all" else mails.filter(condition).count())
        for name, (words, condition) in SHOW.items()
    ]
    page = Paginator(mails.filter(SHOW[show][1]), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "trialsite/mail/list.html", {"page_obj": page, "mails": list(page), "segments": segments})
