"""What the rules of dose modification read of one subject, and what they suggest today. Nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from dosing.models import DoseRecord
from dosing.selectors.doses import standing_orders
from dosing.selectors.phases import phases as phases_lived
from dosing.selectors.phases import planned_doses, uses_unconfirmed_dose
from labs.models import SPECIMEN_STANDS, LabResult
from labs.selectors.bedside import last_weight
from labs.selectors.course import BEFORE_FIRST_DOSE
from labs.words import unit_words
from protocol.derived import cockcroft_gault, round_half_up
from protocol.doses import PlannedDose
from protocol.medicines import is_intravenous
from protocol.modifications import (
    DoseSuggestion,
    Medicine,
    MissedDose,
    Picture,
    Reading,
    suggestions,
)
from protocol.units import canonical_unit
from protocol.vocabulary import TREATMENT_PHASES, Analyte, DoseStatus, Drug, Phase
from safety.models import AdverseEvent, ConcomitantMedication
from safety.selectors.events import dose_event
from trialsite.models import Subject
from trialsite.selectors import protocol_of

#: How far back a missed dose may matter.
RECENT = timedelta(days=7)
READ = (Analyte.ANC, Analyte.CRCL, Analyte.CREATININE)


def dose_suggestions(subject: Subject, today: date) -> tuple[DoseSuggestion, ...]:
    """What stands for the subject on a day of the site; none outside treatment. A constant number of queries."""
    if subject.day1_on is None or Phase(subject.state) not in TREATMENT_PHASES:
        return ()
    return suggestions(picture_of(subject, subject.day1_on, today), protocol_of(subject).dose_rules)


def picture_of(subject: Subject, day1: date, today: date) -> Picture:
    """Everything that the rules read, as it stands recorded."""
    now = _doses_now(subject, today)
    return Picture(
        today=today,
        phase=now[0].regimen if now else Phase(subject.state),
        readings=tuple(_readings(subject, day1)),
        events=tuple(
            dose_event(one, day1)
            for one in AdverseEvent.objects.filter(subject=subject, in_error=False, started_latest__gte=day1)
        ),
        medicines=tuple(
            Medicine(
                one.name,
                one.started_earliest,
                one.stopped_latest,
                f"medication:{one.pk}",
                is_intravenous=is_intravenous(one.name, one.route) is True,
            )
            for one in ConcomitantMedication.objects.filter(subject=subject, in_error=False)
        ),
        missed=tuple(
            MissedDose(Drug(drug), on, f"day:{on.isoformat()}")
            for drug, on in DoseRecord.objects.filter(
                subject=subject, superseded_at=None, status=DoseStatus.MISSED.value, on__range=(today - RECENT, today)
            ).values_list("drug", "on")
        ),
        orders=standing_orders(subject),
        planned_mg=tuple({one.drug: one.mg for one in reversed(now)}.items()),
    )


def _doses_now(subject: Subject, today: date) -> list[PlannedDose]:
    """Planned doses from today on, in order; none while the high dose is not confirmed."""
    if uses_unconfirmed_dose(phases_lived(subject), subject.protocol_version):
        return []
    return [one for one in planned_doses(subject, today) if one.on >= today]


def _readings(subject: Subject, day1: date) -> Iterator[Reading]:
    """Results after the first dose; where clearance was not measured, Cockcroft-Gault of the visit's creatinine."""
    rows = LabResult.objects.filter(
        SPECIMEN_STANDS, subject=subject, superseded_at=None,
        specimen__collected_on__gte=day1, analyte__in=[one.value for one in READ],
    ).exclude(value=None).exclude(specimen__visit__code__in=BEFORE_FIRST_DOSE)  # fmt: skip
    found = list(rows.select_related("specimen__visit").order_by("specimen__collected_on", "id"))
    measured = {one.specimen.visit_id for one in found if one.analyte == Analyte.CRCL}
    weight = last_weight(subject, found[-1].specimen.collected_on) if found else None
    for one in found:
        analyte, value = Analyte(one.analyte), one.value or Decimal(0)
        on, source = one.specimen.collected_on, f"visit:{one.specimen.visit.code}"
        if analyte is not Analyte.CREATININE:
            yield Reading(analyte, value.normalize(), unit_words(canonical_unit(analyte)), on, source)
        elif weight is not None and one.specimen.visit_id not in measured:
            clearance = cockcroft_gault(on.year - subject.birth_year, weight, value, subject.sex)
            if clearance is not None:
                yield Reading(Analyte.CRCL, round_half_up(clearance, 0), canonical_unit(Analyte.CRCL), on, source)
