"""Doses given against doses planned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dosing.models import DoseModification, DoseRecord
from protocol.doses import Modification, PlannedDose, intensity
from protocol.vocabulary import DoseAction, DoseStatus, Drug
from trialsite.models import Subject

DoseKey = tuple[date, Drug]


@dataclass(frozen=True)
class Totals:
    """Days of one drug up to and including today, and the mg given on them.

    `rate` is relative dose intensity in percent of mg (D-06).
    """

    drug: Drug
    planned: int
    taken: int
    missed: int
    held: int
    given_mg: Decimal
    rate: Decimal | None

    @property
    def to_record(self) -> int:
        return self.planned - self.taken - self.missed - self.held


def current_doses(subject: Subject) -> dict[DoseKey, DoseRecord]:
    """What stands recorded, by day and drug; superseded versions are left out."""
    rows = DoseRecord.objects.filter(subject=subject, superseded_at=None).select_related("recorded_by")
    return {(row.on, Drug(row.drug)): row for row in rows}


def modifications(subject: Subject) -> list[DoseModification]:
    """Every order about the subject's drugs, the newest first; those entered in error among them."""
    rows = DoseModification.objects.filter(subject=subject).select_related("recorded_by", "event")
    return list(rows.order_by("-starts_on", "-id"))


def standing_orders(subject: Subject) -> tuple[Modification, ...]:
    """Orders that were not entered in error, as the protocol's rules read them."""
    rows = DoseModification.objects.filter(subject=subject, in_error_at=None)
    return tuple(order_of(row) for row in rows)


def order_of(row: DoseModification) -> Modification:
    """One order as the protocol's rules read it."""
    return Modification(Drug(row.drug), DoseAction(row.action), row.starts_on, row.ends_on, row.mg)


def dose_totals(
    planned: Iterable[PlannedDose], recorded: Mapping[DoseKey, DoseRecord], today: date
) -> tuple[Totals, ...]:
    """Totals by drug over the planned days up to today, drugs without a planned day left out.

    A day without a record is planned and not given; it lowers the rate only once its day is over.
    """
    due: dict[Drug, list[tuple[PlannedDose, DoseRecord | None]]] = {}
    for dose in planned:
        record = recorded.get((dose.on, dose.drug))
        if record is not None or dose.on < today:
            due.setdefault(dose.drug, []).append((dose, record))
    return tuple(_totals(drug, due[drug]) for drug in Drug if drug in due)


def _totals(drug: Drug, days: list[tuple[PlannedDose, DoseRecord | None]]) -> Totals:
    states = Counter(DoseStatus(record.status) for _, record in days if record is not None)
    taken, missed, held = (states.get(status, 0) for status in DoseStatus)
    planned_mg = sum((dose.mg for dose, _ in days), Decimal(0))
    given_mg = sum((record.given_mg for _, record in days if record is not None), Decimal(0))
    return Totals(drug, len(days), taken, missed, held, given_mg, intensity(planned_mg, given_mg))
