"""The transactional outbox: what happened is published with the data, and handled after commit.

ROUTES is the one page that says what causes what. A handler and the mark that it is done share one transaction,
so a worker that dies between any two writes leaves the message as it was.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from celery import Task
from django.conf import settings
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


@dataclass
class Calls:
    """Whether something was published that nobody was woken for."""

    waiting: bool = False


#: After a failed wake-up the web process leaves the waking to the beat for this long, in seconds.
SILENCE_AFTER_FAILURE = 30
_RETRY_MINUTES = (1, 5, 15, 60, 240)
_wake_again_at = 0.0
_by_hand: ContextVar[Calls | None] = ContextVar("drained_by_hand", default=None)


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
    if (calls := _by_hand.get()) is not None:
        calls.waiting = True
        return
    if time.monotonic() < _wake_again_at:
        return
    try:
        app.send_task("trialsite.tasks.drain_outbox")
    except Exception as error:  # any broker failure: the data is safe, the beat will come
        _wake_again_at = time.monotonic() + SILENCE_AFTER_FAILURE
        logger.warning("The broker did not take a wake-up (%s); the beat will drain the outbox.", error)


@contextmanager
def drained_by_hand() -> Iterator[Calls]:
    """Inside, nobody is woken: whoever publishes drains as well, as the loading of the demonstration does."""
    calls = Calls()
    token = _by_hand.set(calls)
    try:
        yield calls
    finally:
        _by_hand.reset(token)


def handler(kind: News) -> Task:
    """The task that handles this news. Where no worker runs, every room's tasks are loaded at the first."""
    if ROUTES[kind] not in app.tasks:
        app.autodiscover_tasks(force=True)
    return app.tasks[ROUTES[kind]]


def drain(at: datetime) -> int:
    """Handle every waiting message, oldest first; the number handled. A failing one never holds the others."""
    handled = 0
    tried: set[int] = set()
    while (settled := _handle_next(at, tried)) is not None:
        handled += settled
    return handled


def _handle_next(at: datetime, tried: set[int]) -> int | None:
    """Handle the oldest message that is not tried yet; the number that it settled, None where nothing waits."""
    message = None
    try:
        with reading(system_actor("re-evaluation"), at):
            message = _oldest(at, tried)
            if message is None:
                return None
            with coming_from(f"outbox {message.pk}"):
                settled = [message.pk, *_settled_with(message)]
                handler(News(message.kind)).run(message_id=message.pk, subject_id=message.subject_id)
                OutboxMessage.objects.filter(id__in=settled).update(done_at=at, last_error="")
    except Exception as error:  # one poisoned message is put aside, with its cause, and tried again later
        if message is None:
            raise
        logger.exception("Outbox message %s failed.", message.pk)
        _postpone(message.pk, at, _origin(error))
        return 0
    finally:
        if message is not None:
            tried.add(message.pk)
    return len(settled)


def _oldest(at: datetime, tried: set[int]) -> OutboxMessage | None:
    """Held until the transaction ends; what another worker holds is left to it."""
    waiting = OutboxMessage.objects.filter(done_at=None, next_attempt_at__lte=at).exclude(id__in=tried)
    return waiting.select_for_update(skip_locked=True).order_by("id").first()


def _settled_with(message: OutboxMessage) -> list[int]:
    """Other news of the subject that the same run settles, since the handler looks at the present state."""
    if message.subject_id is None or ROUTES[News(message.kind)] not in LOOKS_AT_PRESENT_STATE:
        return []
    kinds = [kind.value for kind in News if ROUTES[kind] == ROUTES[News(message.kind)]]
    others = OutboxMessage.objects.filter(subject_id=message.subject_id, kind__in=kinds, done_at=None)
    waiting = others.exclude(id=message.pk).select_for_update(skip_locked=True)
    return list(waiting.values_list("id", flat=True))


def _origin(error: Exception) -> str:
    """The kind of an error and the line of ours that met it. Its words may name a value: only the log has them."""
    lines = traceback.extract_tb(error.__traceback__)
    ours = [line for line in lines if "site-packages" not in line.filename]
    within = [line for line in ours if Path(line.filename).is_relative_to(settings.BASE_DIR)]
    file = Path(within[-1].filename).relative_to(settings.BASE_DIR)
    return f"{type(error).__name__} in {file}, line {within[-1].lineno}"


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
