"""The monitor's visit to a site: values are compared with their sources, one is taken back, one changes afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from labs.services import VisitFacts, record_visit
from reporting.demonstration.chronicle import moment
from reporting.demonstration.stage import Stage
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role, SourceVerification, Subject, Visit
from trialsite.sdv_selectors import items_of
from trialsite.services.source_verification import verify_items, withdraw_verification

VISITED, CORRECTED = timedelta(days=40), timedelta(days=30)
SUBJECTS = 2
#: Parts of the record that a monitor compares in full; of the later ones the critical items.
IN_FULL = ("enrolment", "scr", "bl")
CRITICAL = ("m01", "m02", "safety")


def monitoring_visit(stage: Stage, code: str) -> Iterator[date]:
    """The first subjects of a site that were treated for a month are compared with their charts."""
    day = stage.anchor - VISITED
    yield day
    monitor, site_id = stage.who(Role.MONITOR, "00"), stage.sites[code].pk
    with reading(system_actor("verification"), moment(day)):
        begun = Visit.objects.filter(site_id=site_id, code="m01", pulse__isnull=False).values("subject_id")
        subjects = list(Subject.objects.filter(pk__in=begun).order_by("subject_number")[:SUBJECTS])
    given: dict[str, Any] = {"by": monitor, "at": moment(day), "site_id": site_id}
    for subject in subjects:
        made = verify_items(**given, subject_id=subject.pk, tokens=_compared(subject, day))
        if subject is subjects[-1]:
            _take_back(given, subject, made[-1])
    yield stage.anchor - CORRECTED
    for subject in subjects[:1]:
        _correct_pulse(stage, code, subject)


def _compared(subject: Subject, day: date) -> list[str]:
    with reading(system_actor("verification"), moment(day)):
        items = items_of(subject)
    return [one.token for one in items if one.place in IN_FULL or (one.is_critical and one.place in CRITICAL)]


def _take_back(given: dict[str, Any], subject: Subject, one: SourceVerification) -> None:
    reason = "Compared with the page of another subject"
    withdraw_verification(**given, subject_id=subject.pk, verification_id=one.pk, reason=reason)


def _correct_pulse(stage: Stage, code: str, subject: Subject) -> None:
    """The site finds that a pulse was misread on Day 1, after the monitor had been there."""
    day = stage.anchor - CORRECTED
    with reading(system_actor("verification"), moment(day)):
        visit = Visit.objects.exclude(status=Visit.Status.IN_ERROR).filter(subject=subject, code="bl").first()
    if visit is None or visit.occurred_on is None or visit.pulse is None:
        return
    facts = VisitFacts(
        occurred_on=visit.occurred_on, ecog=visit.ecog, weight_kg=visit.weight_kg, temperature_c=visit.temperature_c,
        pulse=visit.pulse + 6, systolic=visit.systolic, diastolic=visit.diastolic,
        bedside_not_done=visit.bedside_not_done,
    )  # fmt: skip
    record_visit(
        by=stage.who(Role.COORDINATOR, code), at=moment(day), subject_id=subject.pk, site_id=subject.site_id, code="bl",
        facts=facts, reason="Transcription error",
    )  # fmt: skip
