"""A person's own drafts on the work list: what was typed and not saved, and the way back to it."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import resolve

from labs.selectors import visit_label
from trialsite.access import Actor
from trialsite.drafting import FORMS, saved_words
from trialsite.models import Draft
from trialsite.selectors import own_drafts


@dataclass(frozen=True)
class DraftLine:
    """Month 6 laboratory panel for 01-003, Draft saved 09:41."""

    url: str
    words: str
    subject: str
    saved: str


def draft_lines(by: Actor) -> list[DraftLine]:
    """The newest first; one query however many."""
    return [_line(one) for one in own_drafts(by)]


def _line(draft: Draft) -> DraftLine:
    path, _, query = draft.page.partition("?")
    found = resolve(path)
    code = found.kwargs.get("code") or (query.removeprefix("visit=") if query.startswith("visit=") else "")
    words = f"{visit_label(code)} {FORMS[str(found.url_name)]}" if code else FORMS[str(found.url_name)].capitalize()
    saved = saved_words(draft.saved_at, draft.subject.site.time_zone) if draft.saved_at else ""
    return DraftLine(draft.page, words, draft.subject.number, saved)
