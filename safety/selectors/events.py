"""The adverse events of a subject."""

from __future__ import annotations

from datetime import date

from protocol.dose_rules import EventOf
from protocol.modifications import DoseSuggestion, Event, Picture, suggestions
from protocol.vocabulary import Phase
from safety.models import AdverseEvent
from safety.vocabulary import ON_THE_DOSE
from trialsite.models import StatePeriod, Subject
from trialsite.selectors import protocol_of

WITH_DEXAMETHASONE = (Phase.LOW_DEX_7_12, Phase.LOW_DEX_13_18, Phase.HIGH_DEX)


def adverse_events(subject: Subject) -> list[AdverseEvent]:
    """Every event entered, the newest first, those in error at the end; one query."""
    found = AdverseEvent.objects.filter(subject=subject).select_related("recorded_by")
    return list(found.order_by("in_error", "-started_earliest", "-number"))


def dexamethasone_was_given(subject: Subject) -> bool:
    """True once a phase with dexamethasone began."""
    phases = [phase.value for phase in WITH_DEXAMETHASONE]
    return StatePeriod.objects.filter(subject=subject, state__in=phases).exists()


def dose_event(event: AdverseEvent, day1: date) -> Event:
    """The event as the rules of dose modification read it."""
    began = max(event.started_earliest, day1)
    source = f"adverse_event:{event.number}"
    return Event(event.term, event.grade, began, bool(event.stopped), event.is_serious, source)


def suggested_for(event: AdverseEvent, today: date) -> list[DoseSuggestion]:
    """What the rules suggest because of this event alone, for drugs with which nothing was done yet.

    Orders stand in a room above and are not looked at: the action that the event names answers for them.
    """
    subject = event.subject
    if subject.day1_on is None or event.in_error or event.started_latest < subject.day1_on:
        return []
    picture = Picture(today, Phase(subject.state), events=(dose_event(event, subject.day1_on),))
    rules = [one for one in protocol_of(subject).dose_rules if isinstance(one.trigger, EventOf)]
    return [
        one for one in suggestions(picture, rules) if getattr(event, f"action_{one.rule.drug.value}") not in ON_THE_DOSE
    ]
