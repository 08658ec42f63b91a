"""Reports of serious events and pregnancies, and what the investigator signed about causes."""

from __future__ import annotations

from collections.abc import Iterable

from safety.models import AdverseEvent, SafetyReport
from trialsite.models import Signature, SignatureEvent, Subject

#: `record_type` of a signature under the causes of an event; its `record_id` is the event's.
CAUSALITY = "causality"


def safety_reports(subject: Subject) -> list[SafetyReport]:
    """Every report, the newest first, with its event; one query."""
    found = SafetyReport.objects.filter(subject=subject).select_related("event", "follows__event")
    return list(found.order_by("-number"))


def running_reports(subject: Subject) -> list[SafetyReport]:
    """Those whose clock runs, the one that ends first on top; one query."""
    ending = [(clock.due_at, report.pk, report) for report in safety_reports(subject) if (clock := report.running())]
    return [report for _, _, report in sorted(ending, key=lambda one: one[:2])]


def causality_signatures(event: AdverseEvent) -> list[tuple[Signature, SignatureEvent | None]]:
    """Every signature under the event's causes, the newest first, each with what ended it; two queries."""
    found = Signature.objects.filter(record_type=CAUSALITY, record_id=str(event.pk)).prefetch_related("events")
    return [(one, next(iter(one.events.all()), None)) for one in found.order_by("-id")]


def causes_signed(subject_ids: Iterable[int]) -> dict[int, bool]:
    """Event -> whether its causes stand under a signature; events that nobody signed are not named. One query."""
    rows = Signature.objects.filter(record_type=CAUSALITY, subject_id__in=list(subject_ids)).values_list(
        "record_id", "events"
    )
    found: dict[int, bool] = {}
    for record_id, ended in rows:
        found[int(record_id)] = found.get(int(record_id), False) or ended is None
    return found
