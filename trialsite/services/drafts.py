"""Drafts: what a person has typed and not yet saved. Kept for that person alone, gone with the first save.

No rule judges a draft: whatever stands in the boxes is kept, and the same boxes are filled with it later.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import connection

from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.models import Draft, Submission
from trialsite.services.subjects import Refused, first_submission, lock_subject

#: Boxes that are never kept: who signs is proved anew, and the button and the page's own marks are no entries.
NOT_KEPT = frozenset({"csrfmiddlewaretoken", "username", "password", "login", "action", "typed_by", "discard"})
#: Name of each box -> what stands in it; of boxes that share a name, a list.
Typed = Mapping[str, str | list[str]]
#: As much as any form holds many times over.
MOST_CHARACTERS = 60_000


def save_draft(
    *,
    by: Actor,
    at: datetime,
    subject_id: int | None,
    site_id: int,
    page: str,
    typed: Typed,
    duty: Duty = Duty.ENTER_DATA,
    sitting: UUID | None = None,
) -> Draft | None:
    """Keep what stands in the boxes of a form, in the place of what was kept before.

    None if this very form was saved meanwhile (its token, or the sitting in which it was opened, is used): a late
    draft never brings back what has become data. Waits for a save of this form that is under way, also of a subject
    that is not there yet. Refused for more than a form can hold.
    """
    content = {name: words for name, words in typed.items() if name not in NOT_KEPT}
    if sum(len(name) + len(str(words)) for name, words in content.items()) > MOST_CHARACTERS:
        raise Refused("This is more than a form can hold. Save it, or shorten what was typed.")
    with writing(by=by, duty=duty, site_id=site_id, at=at):
        if subject_id is not None:
            lock_subject(subject_id)
        _one_at_a_time(by, page)
        if _is_saved(str(content.get("token", ""))) or _is_saved(str(sitting)):
            return None
        kept, _ = Draft.objects.update_or_create(
            user_id=by.user_id,
            page=page,
            defaults={"subject_id": subject_id, "site_id": site_id, "content": content, "saved_at": at},
        )
        return kept


def end_draft(
    *,
    by: Actor,
    at: datetime,
    site_id: int,
    page: str,
    duty: Duty = Duty.ENTER_DATA,
    sitting: UUID | None = None,
) -> None:
    """The form was saved, or the person throws the draft away. What that sitting still sends is kept no more."""
    with writing(by=by, duty=duty, site_id=site_id, at=at):
        _one_at_a_time(by, page)
        if sitting is not None:
            first_submission(token=sitting, by=by, at=at)
        Draft.objects.filter(user=by.user_id, page=page).update(content={}, saved_at=None)


def _one_at_a_time(by: Actor, page: str) -> None:
    """Hold this person's form until the transaction ends: its draft and its save come one after the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"draft {by.user_id} {page}"])


def _is_saved(token: str) -> bool:
    try:
        return Submission.objects.filter(token=UUID(token)).exists()
    except ValueError:
        return False
