"""The transactional outbox: what happened is published with the data, and handled after commit.

ROUTES is the one page that says what causes what. A handler and the mark that it is done share one transaction,
so a worker that dies between any two writes leaves the message as it was.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from enum import StrEnum

from celery import Task
from django.db import transaction

from trialsite.access import system_actor
from trialsite.celery import app
from trialsite.context import coming_from, reading
from trialsite.models import OutboxMessage, Subject

logger = logging.getLogger(__name__)


class News(StrEnum):
    """Kinds of messages."""

    LABS_RECORDED = "LABS_RECORDED"
    TREATMENT_STARTED = "TREATMENT_STARTED"
    PHASE_STARTED = "PHASE_STARTED"
    TREATMENT_ENDED = "TREATMENT_ENDED"
    SUBJECT_LEFT = "SUBJECT_LEFT"
    THERAPY_STARTED = "THERAPY_STARTED"
    ELIGIBILITY_SENT = "ELIGIBILITY_SENT"
    WAIVER_REQUESTED = "WAIVER_REQUESTED"
    LAB_FILE_WAITS = "LAB_FILE_WAITS"
    PROTOCOL_ADOPTED = "PROTOCOL_ADOPTED"


#: What causes what: news -> name of the task that handles it (called with message_id and subject_id; that
#: is None for news of a whole site).
ROUTES: dict[News, str] = {
    News.LABS_RECORDED: "dosing.tasks.reevaluate",
    News.TREATMENT_STARTED: "dosing.tasks.reevaluate",
    News.PHASE_STARTED: "dosing.tasks.reevaluate",
    News.TREATMENT_ENDED: "dosing.tasks.reevaluate",
    News.SUBJECT_LEFT: "dosing.tasks.reevaluate",
    News.THERAPY_STARTED: "dosing.tasks.reevaluate",
    News.PROTOCOL_ADOPTED: "dosing.tasks.reevaluate",
    News.ELIGIBILITY_SENT: "enrollment.tasks.announce_eligibility",
    News.WAIVER_REQUESTED: "enrollment.tasks.announce_waiver",
    News.LAB_FILE_WAITS: "labs.tasks.go_on_with_file",
}

#: Handlers that need no more than the subject's id: one run settles all that waits for the subject.
LOOKS_AT_PRESENT_STATE = frozenset({"dosing.tasks.reevaluate"})

#: After a failed wake-up the web process leaves the waking to the beat for this long, in seconds.
SILENCE_AFTER_FAILURE = 30
_RETRY_MINUTES = (1, 5, 15, 60, 240)
_wake_again_at = 0.0
_nobody_to_wake: ContextVar[bool] = ContextVar("nobody_to_wake", default=False)


def publish(*, kind: News, subject: Subject, payload: dict[str, str], at: datetime) -> OutboxMessage:
    """Add a message inside the caller's transaction; the worker is woken only after commit."""
    return _add(kind, subject.site_id, subject, payload, at)


def publish_for_site(*, kind: News, site_id: int, payload: dict[str, str], at: datetime) -> OutboxMessage:
    """The same for news that is of no single subject."""
    return _add(kind, site_id, None, payload, at)


def _add(kind: News, site_id: int, subject: Subject | None, payload: dict[str, str], at: datetime) -> OutboxMessage:
    message = OutboxMessage.objects.create(
        site_id=site_id,
        subject=subject,
        kind=kind.value,
        payload=payload,
        published_at=at,
        next_attempt_at=at,
    )
    transaction.on_commit(wake)
    return message


def wake() -> None:
    """Tell a worker that something waits. Best effort: the beat drains what a lost wake leaves behind."""
    global _wake_again_at
    if _nobody_to_wake.get() or time.monotonic() < _wake_again_at:
        return
    try:
        app.send_task("trialsite.tasks.drain_outbox")
    except Exception as error:  # any broker failure: the data is safe, the beat will come
        _wake_again_at = time.monotonic() + SILENCE_AFTER_FAILURE
        logger.warning("The broker did not take a wake-up (%s); the beat will drain the outbox.", error)


@contextmanager
def drained_by_hand() -> Iterator[None]:
    """Inside, nobody is woken: whoever publishes drains as well, as the loading of the demonstration does."""
    token = _nobody_to_wake.set(True)
    try:
        yield
    finally:
        _nobody_to_wake.reset(token)


def handler(kind: News) -> Task:
    """The task that handles this news. Where no worker runs, every room's tasks are loaded at the first."""
    if ROUTES[kind] not in app.tasks:  # loading runs every system check as well, a tenth of a second each time
        app.loader.import_default_modules()
    return app.tasks[ROUTES[kind]]


def drain(at: datetime) -> int:
    """Handle every waiting message, oldest first; the number handled. A failing one never holds the others."""
    handled = 0
    tried: set[int] = set()
    while (message_id := _next(at, tried)) is not None:
        tried.add(message_id)
        handled += _handle(message_id, at)
    return handled


def _next(at: datetime, tried: set[int]) -> int | None:
    with reading(system_actor("re-evaluation"), at):
        return (
            OutboxMessage.objects.filter(done_at=None, next_attempt_at__lte=at)
            .exclude(id__in=tried)
            .order_by("id")
            .values_list("id", flat=True)
            .first()
        )


def _handle(message_id: int, at: datetime) -> int:
    try:
        with coming_from(f"outbox {message_id}"), reading(system_actor("re-evaluation"), at):
            message = (
                OutboxMessage.objects.select_for_update(skip_locked=True).filter(id=message_id, done_at=None).first()
            )
            if message is None:
                return 0
            settled = [message.pk, *_settled_with(message)]
            handler(News(message.kind)).run(message_id=message.pk, subject_id=message.subject_id)
            OutboxMessage.objects.filter(id__in=settled).update(done_at=at, last_error="")
    except Exception as error:  # one poisoned message is put aside, with its cause, and tried again later
        logger.exception("Outbox message %s failed.", message_id)
        _postpone(message_id, at, str(error))
        return 0
    return len(settled)


def _settled_with(message: OutboxMessage) -> list[int]:
    """Other news of the subject that the same run settles, since the handler looks at the present state."""
    if message.subject_id is None or ROUTES[News(message.kind)] not in LOOKS_AT_PRESENT_STATE:
        return []
    kinds = [kind.value for kind in News if ROUTES[kind] == ROUTES[News(message.kind)]]
    others = OutboxMessage.objects.filter(subject_id=message.subject_id, kind__in=kinds, done_at=None)
    waiting = others.exclude(id=message.pk).select_for_update(skip_locked=True)
    return list(waiting.values_list("id", flat=True))


def _postpone(message_id: int, at: datetime, error: str) -> None:
    with reading(system_actor("re-evaluation"), at):
        message = OutboxMessage.objects.select_for_update().get(id=message_id)
        wait = _RETRY_MINUTES[min(message.attempts, len(_RETRY_MINUTES) - 1)]
        OutboxMessage.objects.filter(id=message_id).update(
            attempts=message.attempts + 1,
            last_error=error[:500],
            next_attempt_at=at + timedelta(minutes=wait),
        )


def settle_for(subject_id: int) -> None:
    """Do at once, inside the caller's transaction, what waits for one subject; for a preview that is undone again."""
    waiting = OutboxMessage.objects.filter(subject_id=subject_id, done_at=None).order_by("id")
    for message in list(waiting):
        handler(News(message.kind)).run(message_id=message.pk, subject_id=subject_id)
        OutboxMessage.objects.filter(pk=message.pk).update(done_at=message.published_at)
