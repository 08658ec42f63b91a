"""What a page with a form needs to keep, show and end its draft: one way for every form of a subject."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.core import signing
from django.http import HttpRequest, QueryDict
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone

from trialsite import clock
from trialsite.access import Duty, can
from trialsite.days import in_words
from trialsite.http import SignedInRequest
from trialsite.models import Draft, Subject
from trialsite.selectors import draft_at
from trialsite.services.drafts import NOT_KEPT, Typed, end_draft

#: Pages whose form keeps drafts, by the name of their address, and what the form is called.
FORMS: Mapping[str, str] = {
    "visit_labs": "laboratory panel",
    "visit_disease": "disease assessment",
    "subject_follow_up": "follow-up contact",
    "subject_end_of_treatment": "end of treatment",
    "subject_departure": "departure from the study",
    "subject_eligibility": "eligibility checklist",
    "subject_medications": "medication",
    "adverse_event_new": "new adverse event",
    "adverse_event": "adverse event",
}
#: What of an address belongs to a draft besides its path: which follow-up contact, which panels, which event's term.
_KEPT_QUERY = re.compile(r"visit=[a-z0-9]{1,6}|panels=all|term=[\w.%+-]{1,120}")
#: Box of a form that says which of several drafts of one address is meant -> its name in the query.
_TOLD_BY = {"visit_code": "visit", "term": "term"}
_SEAL = "draft"


@dataclass(frozen=True)
class Drafting:
    """The draft of one page, as forms and templates read it. `sealed` says whose page it is, also without a session."""

    page: str
    address: str
    sealed: str
    time_zone: str
    draft: Draft | None = None
    typed: dict[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        return saved_words(self.draft.saved_at, self.time_zone) if self.draft and self.draft.saved_at else ""


def drafting(request: SignedInRequest, subject: Subject, query: str = "") -> Drafting | None:
    """The page's draft for who may enter data there; None for all others. A posted form shows what was posted."""
    if not can(request.actor, Duty.ENTER_DATA, subject.site_id, clock.now()):
        return None
    page = page_of(request.path, query)
    draft = draft_at(request.actor, page)
    typed = draft.content if draft is not None and request.method != "POST" else {}
    return Drafting(page, address_for(subject, page), seal(request), subject.site.time_zone, draft, typed)


def page_of(path: str, query: str = "") -> str:
    """The name under which a page's draft is kept."""
    return f"{path}?{query}" if _KEPT_QUERY.fullmatch(query) else path


def address_for(subject: Subject, page: str) -> str:
    return f"{reverse('subject_draft', args=[subject.key])}?{urlencode({'page': page})}"


def key_of(page: str) -> str | None:
    """Of which subject this is a form that keeps drafts; None for any other address."""
    path, mark, query = page.partition("?")
    try:
        found = resolve(path)
    except Resolver404:
        return None
    if found.url_name not in FORMS or (mark and not _KEPT_QUERY.fullmatch(query)):
        return None
    return str(found.kwargs["key"])


def is_saved(request: SignedInRequest, subject: Subject, query: str = "") -> None:
    """The form was saved: its draft has served. Runs in the transaction of the request, so both stand or neither."""
    page = page_of(request.path, query)
    end_draft(by=request.actor, at=clock.now(), site_id=subject.site_id, page=page)


def typed_in(posted: QueryDict) -> dict[str, str | list[str]]:
    """What stands in each box; of boxes that share a name, a list."""
    return {name: words[0] if len(words) == 1 else list(map(str, words)) for name, words in posted.lists()}


def saved_words(at: datetime, zone: str) -> str:
    """Draft saved 09:41, with the day where it was another one."""
    local, today = timezone.localtime(at, ZoneInfo(zone)), clock.today(zone)
    return (
        f"Draft saved {local:%H:%M}" if local.date() == today else f"Draft saved {in_words(local.date())} {local:%H:%M}"
    )


# ---------------------------------------------------------------- past the end of a session


def seal(request: HttpRequest) -> str:
    """Who opened the page, so that after a lost session what was typed goes back to that person only."""
    return signing.dumps(request.user.pk, salt=_SEAL)


def typed_by(sealed: str) -> int | None:
    """The person of a seal, None for one that is not ours."""
    try:
        return int(signing.loads(sealed, salt=_SEAL))
    except (signing.BadSignature, TypeError, ValueError):
        return None


@dataclass(frozen=True)
class Carried:
    """A form that was sent after its session had ended, on its way through the sign-in page."""

    page: str
    sealed: str
    typed: Typed

    def packed(self) -> str:
        return json.dumps({"page": self.page, "sealed": self.sealed, "typed": dict(self.typed)})


def carried_from(request: HttpRequest) -> Carried | None:
    """What a form of a subject's page holds when nobody is signed in any more; None for every other request."""
    found = request.resolver_match
    if request.method != "POST" or found is None or "typed_by" not in request.POST:
        return None
    page = request.GET.get("page", "") if found.url_name == "subject_draft" else _posted_page(request)
    if key_of(page) is None or key_of(page) != found.kwargs.get("key"):
        return None
    typed = {name: words for name, words in typed_in(request.POST).items() if name not in NOT_KEPT}
    return Carried(page, request.POST["typed_by"], typed)


def _posted_page(request: HttpRequest) -> str:
    """The page of a form that posts to its own address; a follow-up contact and an event say which one they are."""
    told = [urlencode({name: code}) for box, name in _TOLD_BY.items() if (code := request.POST.get(box, ""))]
    return page_of(request.path, told[0] if told else request.META.get("QUERY_STRING", ""))


def unpacked(text: str) -> Carried | None:
    """What came back from the sign-in page; None if it is not what was sent there."""
    try:
        found = json.loads(text)
        typed = {
            str(name): [str(one) for one in words] if isinstance(words, list) else str(words)
            for name, words in found["typed"].items()
        }
        return Carried(str(found["page"]), str(found["sealed"]), typed)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
