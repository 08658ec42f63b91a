"""Builders for tests of adverse events."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from safety.models import AdverseEvent
from safety.services import Event, correct_adverse_event, report_adverse_event
from safety.vocabulary import ActionTaken, Attribution, Outcome
from tests.world import World
from tests.world_followup import who
from trialsite.models import Role, Subject
from trialsite.partial_dates import parse

TODAY = date(2024, 6, 1)


def an_event(term: str, grade: int, started: str, stopped: str = "", **more: Any) -> Event:
    """An event that lasts unless `stopped` says otherwise; anakinra may have caused it, dexamethasone was not given."""
    ended = parse(stopped, TODAY) if stopped else None
    plain = Event(
        term=term,
        grade=grade,
        started=parse(started, TODAY),
        stopped=ended,
        outcome=Outcome.RECOVERED if ended else Outcome.NOT_RECOVERED,
        attribution_anakinra=Attribution.POSSIBLE,
        attribution_dexamethasone=Attribution.NOT_GIVEN,
        action_anakinra=ActionTaken.NONE,
        action_dexamethasone=ActionTaken.NOT_GIVEN,
    )
    return replace(plain, **more)


def reported(
    world: World, subject: Subject, event: Event, *, token: UUID | None = None, lab_result_id: int | None = None
) -> AdverseEvent:
    return report_adverse_event(**who(world, subject), token=token or uuid4(), event=event, lab_result_id=lab_result_id)


def corrected(
    world: World,
    subject: Subject,
    stored: AdverseEvent,
    event: Event,
    reason: str = "Transcription error",
    seen: Event | None = None,
) -> AdverseEvent:
    given = who(world, subject, Role.COORDINATOR)
    return correct_adverse_event(**given, number=stored.number, event=event, reason=reason, seen=seen)
