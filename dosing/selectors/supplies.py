"""Drug accountability: where every unit of every lot is, and what a subject used beside what was recorded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum

from dosing.models import DoseRecord, DrugLot, DrugMovement
from protocol.vocabulary import Drug
from trialsite.models import Subject

Kind = DrugMovement.Kind
#: What one unit is called.
UNIT_WORDS: dict[Drug, tuple[str, str]] = {
    Drug.ANAKINRA: ("syringe", "syringes"),
    Drug.DEXAMETHASONE: ("tablet", "tablets"),
}


@dataclass(frozen=True)
class Balance:
    """Units of one lot by where they are; they always add up to what was received."""

    received: int = 0
    with_subjects: int = 0
    on_hand: int = 0
    returned: int = 0
    destroyed: int = 0


@dataclass(frozen=True)
class LotLine:
    """A lot with its balance."""

    lot: DrugLot
    balance: Balance


@dataclass(frozen=True)
class Use:
    """One drug of one subject, in units. `recorded`: what the recorded doses amount to, None where it cannot be told.

    `held`: dispensed and not returned: used, or still with the subject.
    """

    drug: Drug
    dispensed: int
    returned: int
    recorded: Decimal | None

    @property
    def held(self) -> int:
        return self.dispensed - self.returned

    @property
    def left(self) -> Decimal | None:
        """Units that should still be with the subject; below zero, more was recorded than was handed out."""
        return None if self.recorded is None else self.held - self.recorded


def balance(moved: Mapping[str, int]) -> Balance:
    """The balance of units moved, by kind."""
    received, dispensed, returned, destroyed, return_destroyed = (moved.get(kind, 0) for kind in Kind.values)
    return Balance(
        received=received,
        with_subjects=dispensed - returned,
        on_hand=received - dispensed - destroyed,
        returned=returned - return_destroyed,
        destroyed=destroyed + return_destroyed,
    )


def lot_lines(site_ids: Iterable[int]) -> list[LotLine]:
    """Every lot of the sites with its balance; two queries."""
    lots = list(
        DrugLot.objects.filter(site_id__in=list(site_ids))
        .select_related("site")
        .order_by("site__code", "drug", "expires_on", "id")
    )
    moved = _moved(DrugMovement.objects.filter(lot__in=lots, in_error_at=None).values_list("lot_id", "kind"))
    return [LotLine(lot, balance(moved[lot.pk])) for lot in lots]


def lot_balance(lot: DrugLot) -> Balance:
    moved = _moved(DrugMovement.objects.filter(lot=lot, in_error_at=None).values_list("lot_id", "kind"))
    return balance(moved[lot.pk])


def _moved(rows: object) -> dict[int, dict[str, int]]:
    moved: dict[int, dict[str, int]] = defaultdict(dict)
    for lot_id, kind, units in rows.order_by().annotate(total=Sum("units")):  # type: ignore[attr-defined]
        moved[lot_id][kind] = units
    return moved


def units_with(subject: Subject, lot: DrugLot) -> int:
    """Units of the lot that the subject had and did not bring back."""
    rows = DrugMovement.objects.filter(subject=subject, lot=lot, in_error_at=None)
    by_kind = dict(rows.order_by().values_list("kind").annotate(total=Sum("units")))
    return int(by_kind.get(Kind.DISPENSED, 0)) - int(by_kind.get(Kind.RETURNED, 0))


def movements(subject: Subject) -> list[DrugMovement]:
    """What the subject was given and brought back, the newest first; entries in error among them."""
    rows = DrugMovement.objects.filter(subject=subject).select_related("lot", "recorded_by")
    return list(rows.order_by("-on", "-id"))


def site_movements(site_ids: Iterable[int], newest: int = 50) -> list[DrugMovement]:
    """What happened with the stock of the sites, the newest first."""
    rows = DrugMovement.objects.filter(site_id__in=list(site_ids)).select_related(
        "lot", "subject", "recorded_by", "site"
    )
    return list(rows.order_by("-on", "-id")[:newest])


def uses(subject: Subject) -> list[Use]:
    """By drug: dispensed, returned, and what the recorded doses amount to in units of the lots dispensed."""
    rows = [one for one in movements(subject) if one.in_error_at is None]
    given = dict(
        DoseRecord.objects.filter(subject=subject, superseded_at=None)
        .order_by()
        .values_list("drug")
        .annotate(total=Sum("given_mg"))
    )
    return [
        _use(drug, [one for one in rows if one.lot.drug == drug], given.get(drug.value))
        for drug in Drug
        if _any(rows, drug)
    ]


def _any(rows: Iterable[DrugMovement], drug: Drug) -> bool:
    return any(one.lot.drug == drug for one in rows)


def _use(drug: Drug, rows: list[DrugMovement], given_mg: Decimal | None) -> Use:
    """Units can only be told where every lot that was dispensed holds the same amount per unit."""
    strengths = {one.lot.unit_mg for one in rows}
    recorded = None
    if len(strengths) == 1:
        recorded = (given_mg or Decimal(0)) / strengths.pop()
    return Use(
        drug,
        dispensed=sum(one.units for one in rows if one.kind == Kind.DISPENSED),
        returned=sum(one.units for one in rows if one.kind == Kind.RETURNED),
        recorded=recorded,
    )
