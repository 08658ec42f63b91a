"""The adverse events of a subject."""

from __future__ import annotations

from protocol.vocabulary import Phase
from safety.models import AdverseEvent
from trialsite.models import StatePeriod, Subject

WITH_DEXAMETHASONE = (Phase.LOW_DEX_7_12, Phase.LOW_DEX_13_18, Phase.HIGH_DEX)


def adverse_events(subject: Subject) -> list[AdverseEvent]:
    """Every event entered, the newest first, those in error at the end; one query."""
    found = AdverseEvent.objects.filter(subject=subject).select_related("recorded_by")
    return list(found.order_by("in_error", "-started_earliest", "-number"))


def dexamethasone_was_given(subject: Subject) -> bool:
    """True once a phase with dexamethasone began."""
    phases = [phase.value for phase in WITH_DEXAMETHASONE]
    return StatePeriod.objects.filter(subject=subject, state__in=phases).exists()
