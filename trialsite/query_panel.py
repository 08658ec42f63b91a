"""One query as it is shown: on its own page, and in the panel beside the field that it asks about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django import forms
from django.http import Http404, HttpRequest
from django.urls import reverse

from trialsite import clock, query_selectors
from trialsite.access import Actor, Duty, can
from trialsite.audit_selectors import entries, events_of_record, place_of, without_shadows
from trialsite.audit_words import EMPTY, Entry
from trialsite.drafting import Drafting, drafting_of, typed_in_draft
from trialsite.http import SignedInRequest
from trialsite.models import AuditEvent, Query, QueryMessage
from trialsite.query_forms import AnswerForm, CloseForm
from trialsite.records import KINDS


@dataclass(frozen=True)
class QueryOnPage:
    """Fields of templates/trialsite/queries/thread.html. `reference` is empty if the anchor is not a row."""

    query: Query
    zone: str
    field: str
    thread: tuple[QueryMessage, ...]
    form: forms.Form
    may_answer: bool
    may_close: bool
    may_reopen: bool
    reference: str
    history: tuple[Entry, ...]
    #: The value as it stood when the question was asked, in words; empty where none did or nobody can tell.
    asked_of: str
    value_page: str
    drafting: Drafting | None


def page_with(query: Query, *, answer: bool) -> str:
    """The name under which the draft of an answer, or of a closing remark, is kept."""
    return f"{reverse('query', args=[query.pk])}?form={'answer' if answer else 'close'}"


def shown(request: SignedInRequest, query: Query, at: datetime, form: forms.Form | None = None) -> QueryOnPage:
    """The query as this person sees it; `form` is a refused one, which keeps what was typed."""
    by = request.actor
    may_answer = query.state == Query.State.OPEN and can(by, Duty.ANSWER_QUERY, query.site_id, at)
    may_close = can(by, Duty.CLOSE_QUERY, query.site_id, at)
    unsaved = drafting_of(request, query.site, query.subject, page_with(query, answer=may_answer))
    typed = typed_in_draft(unsaved)
    reference, history = _value(query)
    return QueryOnPage(
        query=query,
        zone=query.site.time_zone,
        field=query_selectors.field_words(query),
        thread=tuple(query.messages.all()),
        form=form if form is not None else (AnswerForm if may_answer else CloseForm)(initial=typed),
        may_answer=may_answer,
        may_close=may_close and query.state != Query.State.CLOSED,
        may_reopen=may_close and query.state != Query.State.OPEN,
        reference=reference,
        history=history,
        asked_of=_asked_of(query, history),
        value_page=query_selectors.value_page(query) if reference else "",
        drafting=unsaved,
    )


def _value(query: Query) -> tuple[str, tuple[Entry, ...]]:
    """The value's reference and history, newest first; nothing if the anchor is not a row."""
    reference = f"{query.record_type}:{query.record_id}"
    try:
        place = place_of(reference)
    except Http404:
        return "", ()
    return reference, tuple(reversed(entries(list(without_shadows(events_of_record(place))))))


def _asked_of(query: Query, history: Sequence[Entry]) -> str:
    """What the field held before the event that wrote the query; `history` is newest first."""
    asked = AuditEvent.objects.filter(table=Query._meta.db_table, row_id=str(query.pk), op="INSERT").first()
    kind = KINDS.get(query.record_type)
    if asked is None or kind is None:
        return ""
    written = kind.value or (query.item,)
    changes = [change for one in history if one.event_id < asked.id for change in one.changes]
    held = (next((one.new for one in changes if one.field == column), EMPTY) for column in written)
    return " ".join(one for one in held if one != EMPTY)


@dataclass(frozen=True)
class Mark:
    """A standing query about a value of this page."""

    number: int
    words: str
    item: str
    is_open: bool


def beside(request: HttpRequest) -> dict[str, object]:
    """Context of every page of a subject: the query open beside it (?query=17), and those that stand on it."""
    match, actor = request.resolver_match, getattr(request, "actor", None)
    if match is None or "key" not in match.kwargs or actor is None or actor.user_id is None:
        return {}
    found = query_selectors.on_page(match.kwargs["key"], match.url_name or "", match.kwargs.get("code", ""))
    marks = [Mark(one.pk, query_selectors.field_words(one), one.item, one.state == Query.State.OPEN) for one in found]
    return {"query_marks": marks, "query_panel": _opened(request, match.kwargs["key"], actor)}


def _opened(request: HttpRequest, key: str, actor: Actor) -> QueryOnPage | None:
    number = request.GET.get("query", "")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        return None
    query = Query.objects.select_related("subject__site", "site").filter(pk=int(number), subject__key=key).first()
    if query is None or not can(actor, Duty.VIEW_SUBJECT, query.site_id, clock.now()):
        return None
    return shown(cast("SignedInRequest", request), query, clock.now())
