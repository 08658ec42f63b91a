"""Drafts: what a person has typed and not yet saved. Kept for that person alone, gone with the first save.

No rule judges a draft: whatever stands in the boxes is kept, and the same boxes are filled with it later.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import F

from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.draft_forms import form_of
from trialsite.models import Draft, Submission
from trialsite.services.subjects import Refused, claim, lock_subject

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
    _check_size(content)
    with writing(by=by, duty=duty, site_id=site_id, at=at):
        if subject_id is not None:
            lock_subject(subject_id)
        _one_at_a_time(by, page)
        if _is_saved(str(content.get("token", ""))) or _is_saved(str(sitting)):
            return None
        content = {**_of_other_rows(by, page, content), **content}
        _check_size(content)
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
    saved: Typed | None = None,
) -> None:
    """The form was saved, or the person throws the draft away. What that sitting still sends is kept no more.

    saved: of a form with rows, what was sent; what the draft holds of other rows stays.
    """
    with writing(by=by, duty=duty, site_id=site_id, at=at):
        _one_at_a_time(by, page)
        if sitting is not None:
            claim(token=sitting, by=by, at=at)
        left = _of_other_rows(by, page, saved) if saved is not None else {}
        standing = Draft.objects.filter(user=by.user_id, page=page)
        standing.update(content=left, saved_at=F("saved_at") if left else None)


def _check_size(content: Typed) -> None:
    if sum(len(name) + len(str(words)) for name, words in content.items()) > MOST_CHARACTERS:
        raise Refused("This is more than a form can hold. Save it, or shorten what was typed.")


def _of_other_rows(by: Actor, page: str, typed: Typed) -> dict[str, str | list[str]]:
    """What the draft of a form with rows holds of rows that are not among those typed; of any other form, nothing."""
    form, draft = form_of(page), Draft.objects.filter(user=by.user_id, page=page).first()
    if form is None or not form.has_rows or draft is None:
        return {}
    here = {_row_of(name) for name in typed}
    return {name: words for name, words in draft.content.items() if (row := _row_of(name)) and row not in here}


def _row_of(name: str) -> str:
    """12 of 12-unit; empty for a box of no row."""
    row, dash, _ = name.partition("-")
    return row if dash and row.isdigit() else ""


def _one_at_a_time(by: Actor, page: str) -> None:
    """Hold this person's form until the transaction ends: its draft and its save come one after the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"draft {by.user_id} {page}"])


def _is_saved(token: str) -> bool:
    try:
        return Submission.objects.filter(token=UUID(token)).exists()
    except ValueError:
        return False
