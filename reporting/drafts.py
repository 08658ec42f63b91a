"""A person's own drafts on the work list: what was typed and not saved, and the way back to it."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict
from django.urls import resolve

from labs.selectors import visit_label
from labs.selectors.imports import settled_files
from trialsite.access import Actor
from trialsite.days import in_words, plain_day
from trialsite.draft_forms import form_of
from trialsite.drafting import saved_words
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
    """The newest first, without those of files that are settled by now; two queries however many."""
    found = [(one, _file_of(one.page)) for one in own_drafts(by)]
    settled = settled_files({file for _, file in found if file is not None})
    return [_line(one) for one, file in found if file not in settled]


def _file_of(page: str) -> int | None:
    """The laboratory's file that a form is about; None for a form of anything else."""
    found = resolve(page.partition("?")[0])
    return found.kwargs["pk"] if (found.url_name or "").startswith("lab_import_") else None


def _line(draft: Draft) -> DraftLine:
    saved = saved_words(draft.saved_at, draft.site.time_zone) if draft.saved_at else ""
    return DraftLine(draft.page, _words(draft.page), draft.subject.number if draft.subject else "", saved)


def _words(page: str) -> str:
    """Month 6 laboratory panel; Doses of a day, 4 Mar 2024."""
    path, _, asked = page.partition("?")
    form, found, query = form_of(page), resolve(path), QueryDict(asked)
    words = form.words if form else ""
    code = found.kwargs.get("code", "") or ("" if found.url_name == "query_new" else query.get("visit", ""))
    if code:
        return f"{visit_label(code)} {words}"
    day = plain_day(query.get("day", ""))
    return words[:1].upper() + words[1:] + (f", {in_words(day)}" if day else "")
