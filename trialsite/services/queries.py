"""The life of a query: open, answered, closed, reopened. Answering changes no data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trialsite.access import Actor, Duty
from trialsite.context import because, writing
from trialsite.lock_selectors import check_not_locked, place_of_anchor
from trialsite.models import Query, QueryMessage, Subject
from trialsite.services.subjects import Refused, first_submission, note_outcome


class QueryRefused(Refused):
    """The query is not in a state that allows this. The message is fit for the user."""


@dataclass(frozen=True)
class Anchor:
    """The field and version that is asked about."""

    record_type: str
    record_id: int
    item: str
    visit_code: str = ""


@dataclass(frozen=True)
class Question:
    """What is asked. `check_code` is empty when a person asks. `confirmed`: the enterer says that it is so."""

    text: str
    check_code: str = ""
    confirmed: bool = False


def raise_automatic_query(*, by: Actor, at: datetime, subject: Subject, anchor: Anchor, question: Question) -> Query:
    """A soft check fired. Runs inside the caller's `writing`; a confirmed one is stored already closed."""
    state = Query.State.CLOSED if question.confirmed else Query.State.OPEN
    query = Query.objects.create(
        subject=subject,
        site_id=subject.site_id,
        visit_code=anchor.visit_code,
        record_type=anchor.record_type,
        record_id=anchor.record_id,
        item=anchor.item,
        check_code=question.check_code,
        text=question.text,
        state=state,
        opened_by_id=by.user_id,
        opened_at=at,
        closed_at=at if question.confirmed else None,
    )
    _say(query, QueryMessage.Action.OPENED, question.text, at=at, by_name="Edit check")
    if question.confirmed:
        _say(query, QueryMessage.Action.CONFIRMED, "Is what the report says.", at=at, by=by)
    return query


def confirm_automatic_queries(
    *, by: Actor, record_type: str, record_id: int, item: str, at: datetime, text: str
) -> int:
    """The enterer says that the value is so: its automatic queries close, confirmed by that person.

    Runs inside the caller's `writing`.
    """
    standing = _automatic(record_type, record_id, item)
    for query in standing:
        confirm_automatic_query(by=by, query=query, at=at, text=text)
    return len(standing)


def _automatic(record_type: str, record_id: int, item: str) -> list[Query]:
    asked = Query.objects.filter(record_type=record_type, record_id=record_id, item=item).exclude(check_code="")
    return list(asked.exclude(state=Query.State.CLOSED))


def close_automatic_queries(*, record_type: str, record_id: int, item: str, at: datetime, reason: str) -> int:
    """The value was corrected: its automatic queries close themselves. Runs inside the caller's `writing`."""
    automatic = _automatic(record_type, record_id, item)
    for query in automatic:
        close_automatic_query(query=query, at=at, reason=reason)
    return len(automatic)


def reopen_automatic_query(*, query: Query, at: datetime, reason: str) -> None:
    """What a check asked, and took back by itself, is so again. Runs inside the caller's `writing`."""
    with because(reason):
        _move(query, Query.State.OPEN, at)
        _say(query, QueryMessage.Action.REOPENED, reason, at=at, by_name="Edit check")


def ask_automatic_query_anew(*, query: Query, at: datetime, text: str) -> None:
    """What a check asks has changed: the question says it from now on, open; what it said before stays in the thread.

    Runs inside the caller's `writing`.
    """
    action = QueryMessage.Action.ASKED if query.state == Query.State.OPEN else QueryMessage.Action.REOPENED
    with because("What the check asks has changed"):
        query.text = text
        query.save(update_fields=["text"])
        if query.state != Query.State.OPEN:
            _move(query, Query.State.OPEN, at)
        _say(query, action, text, at=at, by_name="Edit check")


def close_automatic_query(*, query: Query, at: datetime, reason: str) -> None:
    """What a check asked is settled by a correction elsewhere. Runs inside the caller's `writing`."""
    with because(reason):
        _move(query, Query.State.CLOSED, at)
        _say(query, QueryMessage.Action.CLOSED, reason, at=at, by_name="Edit check")


def confirm_automatic_query(*, by: Actor, query: Query, at: datetime, text: str) -> None:
    """The site says that it is so, which settles the question. Runs inside the caller's `writing`."""
    with because("Confirmed by the site"):
        _move(query, Query.State.CLOSED, at)
        _say(query, QueryMessage.Action.CONFIRMED, text, at=at, by=by)


def ask(*, by: Actor, at: datetime, token: UUID, subject: Subject, anchor: Anchor, text: str) -> Query:
    """A data manager or monitor asks the site about one value. The same token again gives the first query."""
    with writing(by=by, duty=Duty.RAISE_QUERY, site_id=subject.site_id, at=at, reason="Query asked"):
        outcome = first_submission(token=token, by=by, at=at)
        if outcome is not None:
            return Query.objects.get(pk=int(outcome))
        check_not_locked(subject, place_of_anchor(anchor))
        query = open_query(by=by, at=at, subject=subject, anchor=anchor, text=text)
        note_outcome(token=token, outcome=str(query.pk))
        return query


def open_query(*, by: Actor, at: datetime, subject: Subject, anchor: Anchor, text: str) -> Query:
    """A person's question, where the caller has judged that this person may ask. Runs inside its `writing`."""
    query = Query.objects.create(
        subject=subject,
        site_id=subject.site_id,
        visit_code=anchor.visit_code,
        record_type=anchor.record_type,
        record_id=anchor.record_id,
        item=anchor.item,
        text=text,
        state=Query.State.OPEN,
        opened_by_id=by.user_id,
        opened_at=at,
    )
    _say(query, QueryMessage.Action.OPENED, text, at=at, by=by)
    return query


def answer(*, by: Actor, at: datetime, query_id: int, site_id: int, text: str) -> Query:
    """The site answers; the value stays as it is."""
    with writing(by=by, duty=Duty.ANSWER_QUERY, site_id=site_id, at=at, reason="Query answered"):
        query = _locked(query_id, Query.State.OPEN)
        _move(query, Query.State.ANSWERED, at)
        _say(query, QueryMessage.Action.ANSWERED, text, at=at, by=by)
        return query


def confirm(*, by: Actor, at: datetime, query_id: int, site_id: int, text: str) -> Query:
    """The site says that the value is as its source has it. That settles what a check asked; a person is answered."""
    with writing(by=by, duty=Duty.ANSWER_QUERY, site_id=site_id, at=at, reason="Confirmed by the site"):
        query = _locked(query_id, Query.State.OPEN)
        if query.check_code:
            confirm_automatic_query(by=by, query=query, at=at, text=text)
        else:
            _move(query, Query.State.ANSWERED, at)
            _say(query, QueryMessage.Action.ANSWERED, text, at=at, by=by)
        return query


def close(*, by: Actor, at: datetime, query_id: int, site_id: int, text: str) -> Query:
    with writing(by=by, duty=Duty.CLOSE_QUERY, site_id=site_id, at=at, reason="Query closed"):
        query = _locked(query_id, Query.State.OPEN, Query.State.ANSWERED)
        _move(query, Query.State.CLOSED, at)
        _say(query, QueryMessage.Action.CLOSED, text, at=at, by=by)
        return query


def reopen(*, by: Actor, at: datetime, query_id: int, site_id: int, text: str) -> Query:
    with writing(by=by, duty=Duty.CLOSE_QUERY, site_id=site_id, at=at, reason="Query reopened"):
        query = _locked(query_id, Query.State.ANSWERED, Query.State.CLOSED)
        check_not_locked(query.subject, place_of_anchor(query))
        _move(query, Query.State.OPEN, at)
        _say(query, QueryMessage.Action.REOPENED, text, at=at, by=by)
        return query


def _locked(query_id: int, *allowed: Query.State) -> Query:
    query = Query.objects.select_for_update().get(pk=query_id)
    if query.state not in allowed:
        raise QueryRefused(f"This query is {query.get_state_display().lower()} already.")
    return query


def _move(query: Query, state: Query.State, at: datetime) -> None:
    query.state = state
    query.closed_at = at if state == Query.State.CLOSED else None
    query.save(update_fields=["state", "closed_at"])


def _say(
    query: Query, action: QueryMessage.Action, text: str, *, at: datetime, by: Actor | None = None, by_name: str = ""
) -> None:
    QueryMessage.objects.create(
        query=query,
        site_id=query.site_id,
        action=action,
        text=text,
        by_id=by.user_id if by else None,
        by_name=by.printed_name if by else by_name,
        at=at,
    )
