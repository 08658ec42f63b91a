"""What a page with a form needs to keep, show and end its draft: one way for every form."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.core import signing
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils import timezone

from trialsite import clock
from trialsite.access import Actor, Duty, can
from trialsite.days import in_words
from trialsite.draft_forms import form_of, page_of, site_of, subject_of
from trialsite.http import SignedInRequest
from trialsite.lock_pages import closed_here, place_of_page
from trialsite.models import Draft, Site, Subject
from trialsite.selectors import draft_at, sites_in_reach, was_submitted
from trialsite.services.drafts import NOT_KEPT, Typed, end_draft

_SEAL = "draft"
#: Duties whose forms change the record itself, and are not shown on a part of it that is frozen or locked.
_CHANGES = (Duty.ENTER_DATA, Duty.RECORD_DOSE)


@dataclass(frozen=True)
class Drafting:
    """The draft of one form, as forms and templates read it. `sealed` says whose form it is, also without a session."""

    page: str
    address: str
    sealed: str
    time_zone: str
    draft: Draft | None = None
    typed: dict[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        return saved_words(self.draft.saved_at, self.time_zone) if self.draft and self.draft.saved_at else ""


@dataclass(frozen=True)
class Place:
    """Where a draft belongs. No subject: the form is about to make one, or of a site."""

    site: Site
    subject: Subject | None
    duty: Duty


def drafting(request: SignedInRequest, subject: Subject, query: str = "") -> Drafting | None:
    """The draft of a form on this page, for who may fill it in; None for all others."""
    return drafting_of(request, subject.site, subject, page_of(request.path, query))


def drafting_of(request: SignedInRequest, site: Site, subject: Subject | None, page: str) -> Drafting | None:
    """The draft of any form. The form that was posted shows what was posted, every other its draft."""
    form = form_of(page)
    if form is None or not can(request.actor, form.duty, site.pk, clock.now()):
        return None
    if subject is not None and form.duty in _CHANGES and closed_here(request, subject.key, place_of_page(request)):
        return None
    draft = draft_at(request.actor, page)
    posted = unsealed(request.POST.get("typed_by", ""))
    is_posted = posted is not None and posted.page == page
    typed = draft.content if draft is not None and not is_posted else {}
    goes_on = is_posted and posted is not None and _goes_on(posted, request.actor)
    sealed = request.POST["typed_by"] if goes_on else seal(request, page)
    return Drafting(page, address_for(subject, page), sealed, site.time_zone, draft, typed)


def _goes_on(posted: Seal, by: Actor) -> bool:
    """The same person goes on with a form that was refused; after a save a new sitting begins."""
    return posted.person == by.user_id and not was_submitted(posted.sitting)


def typed_in_draft(unsaved: Drafting | None) -> dict[str, Any]:
    """What the person had typed and not saved, box by box; empty where nothing is."""
    return unsaved.typed if unsaved else {}


def address_for(subject: Subject | None, page: str) -> str:
    to = reverse("subject_draft", args=[subject.key]) if subject else reverse("draft")
    return f"{to}?{urlencode({'page': page})}"


def place_of(page: str, by: Actor) -> Place | None:
    """Where the draft of a form belongs; None for an address without one, or of what this person does not see."""
    form = form_of(page)
    if form is None:
        return None
    if page == reverse("subject_new"):
        site = site_to_screen_at(by)
        return Place(site, None, form.duty) if site else None
    if form.site_of:
        site = site_of(page)
        return Place(site, None, form.duty) if site else None
    subject = subject_of(page)
    return Place(subject.site, subject, form.duty) if subject else None


def site_to_screen_at(by: Actor) -> Site | None:
    """Where the draft of a new subject is kept, until a site is chosen by saving it."""
    sites = sites_in_reach(by, clock.now())
    return next((one for one in sites if can(by, Duty.SCREEN_SUBJECT, one.pk, clock.now())), None)


def is_saved(request: SignedInRequest, subject: Subject, query: str = "", *, page: str = "") -> None:
    """The form was saved: its draft has served. Runs in the transaction of the request, so both stand or neither."""
    is_saved_at(request, subject.site_id, page or page_of(request.path, query))


def is_saved_at(request: SignedInRequest, site_id: int, page: str) -> None:
    """The same for any form."""
    form, posted = form_of(page), unsealed(request.POST.get("typed_by", ""))
    end_draft(
        by=request.actor, at=clock.now(), site_id=site_id, page=page,
        duty=form.duty if form else Duty.ENTER_DATA, sitting=posted.sitting if posted else None,
        saved=typed_in(request.POST),
    )  # fmt: skip


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


@dataclass(frozen=True)
class Seal:
    """Who opened which form. `sitting` is another one each time a form is opened."""

    person: int
    page: str
    sitting: UUID


def seal(request: HttpRequest, page: str) -> str:
    """Who opened the form, so that after a lost session what was typed goes back to that person only."""
    return signing.dumps([request.user.pk, page, uuid4().hex], salt=_SEAL)


def unsealed(sealed: str) -> Seal | None:
    """What a seal says, None for one that is not ours."""
    try:
        person, page, sitting = signing.loads(sealed, salt=_SEAL)
        return Seal(int(person), str(page), UUID(sitting))
    except (signing.BadSignature, TypeError, ValueError):
        return None


@dataclass(frozen=True)
class Carried:
    """A form that was sent after its session had ended, on its way through the sign-in page."""

    page: str
    sealed: str
    typed: Typed

    def packed(self) -> str:
        return json.dumps({"sealed": self.sealed, "typed": dict(self.typed)})


def carried_from(request: HttpRequest) -> Carried | None:
    """What a form that keeps drafts holds when nobody is signed in any more; None for every other request."""
    found = unsealed(request.POST.get("typed_by", "")) if request.method == "POST" else None
    if found is None or form_of(found.page) is None:
        return None
    typed = {name: words for name, words in typed_in(request.POST).items() if name not in NOT_KEPT}
    return Carried(found.page, request.POST["typed_by"], typed)


def unpacked(text: str) -> Carried | None:
    """What came back from the sign-in page; None if it is not what was sent there."""
    try:
        found = json.loads(text)
        sealed = str(found["sealed"])
        typed = {
            str(name): [str(one) for one in words] if isinstance(words, list) else str(words)
            for name, words in found["typed"].items()
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    known = unsealed(sealed)
    return Carried(known.page if known else "", sealed, typed)
