"""Doses given against doses planned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dosing.models import DoseRecord
from protocol.doses import PlannedDose, intensity
from protocol.vocabulary import DoseStatus, Drug
from trialsite.models import Subject

DoseKey = tuple[date, Drug]


@dataclass(frozen=True)
class Totals:
    """Days of one drug up to and including today. `rate` is relative dose intensity in percent (D-06)."""

    drug: Drug
    planned: int
    taken: int
    missed: int
    held: int
    rate: Decimal | None

    @property
    def to_record(self) -> int:
        return self.planned - self.taken - self.missed - self.held


def current_doses(subject: Subject) -> dict[DoseKey, DoseRecord]:
    """What stands recorded, by day and drug; superseded versions are left out."""
    rows = DoseRecord.objects.filter(subject=subject, superseded_at=None).select_related("recorded_by")
    return {(row.on, Drug(row.drug)): row for row in rows}


def dose_totals(
    planned: Iterable[PlannedDose], recorded: Mapping[DoseKey, DoseRecord], today: date
) -> tuple[Totals, ...]:
    """Totals by drug over the planned days up to today, drugs without a planned day left out.

    A day without a record is planned and not given; it lowers the rate only once its day is over.
    """
    due: Counter[Drug] = Counter()
    states: Counter[tuple[Drug, DoseStatus]] = Counter()
    for dose in planned:
        record = recorded.get((dose.on, dose.drug))
        if record is not None or dose.on < today:
            due[dose.drug] += 1
        if record is not None:
            states[dose.drug, DoseStatus(record.status)] += 1
    return tuple(_totals(drug, due[drug], states) for drug in Drug if due[drug])


def _totals(drug: Drug, planned: int, states: Mapping[tuple[Drug, DoseStatus], int]) -> Totals:
    taken, missed, held = (states.get((drug, status), 0) for status in DoseStatus)
    return Totals(drug, planned, taken, missed, held, intensity(planned, taken))
