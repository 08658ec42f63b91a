"""Drug accountability: every movement of study drug is one call, under the lot's lock, and never below zero."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from dosing.models import DrugLot, DrugMovement
from dosing.selectors.supplies import UNIT_WORDS, lot_balance, units_with
from dosing.services.subjects import locked_subject, words
from protocol.vocabulary import Drug
from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.models import Site, Subject
from trialsite.services.subjects import Refused, first_submission, note_outcome

Kind = DrugMovement.Kind


@dataclass(frozen=True)
class Delivery:
    """What came to a site: lot as printed, mg in one unit, units, the day it came."""

    drug: Drug
    lot: str
    unit_mg: Decimal
    expires_on: date
    units: int
    on: date
    note: str = ""


@dataclass(frozen=True)
class Movement:
    """Units of a lot on one day."""

    lot_id: int
    units: int
    on: date
    note: str = ""


def receive_drug(*, by: Actor, at: datetime, token: UUID, site_id: int, delivery: Delivery) -> DrugMovement:
    """Take a delivery into stock; a known lot grows. Refused if expired, in the future, or with another expiry date."""
    with writing(by=by, duty=Duty.KEEP_SUPPLY, site_id=site_id, at=at):
        if (done := _repeated(token, by, at)) is not None:
            return done
        site = Site.objects.get(pk=site_id)
        _check_day(site, delivery.on, at)
        if delivery.expires_on < delivery.on:
            raise Refused(f"This lot expired on {words(delivery.expires_on)}: it cannot be taken into stock.")
        known = DrugLot.objects.select_for_update().filter(
            site=site, drug=delivery.drug.value, lot__iexact=delivery.lot.strip(), unit_mg=delivery.unit_mg
        )
        lot = known.first() or DrugLot.objects.create(
            site=site, drug=delivery.drug.value, lot=delivery.lot.strip(), unit_mg=delivery.unit_mg,
            expires_on=delivery.expires_on, recorded_by_id=by.user_id, recorded_at=at,
        )  # fmt: skip
        if lot.expires_on != delivery.expires_on:
            raise Refused(f"Lot {lot.lot} is known with the expiry date {words(lot.expires_on)}. Check the package.")
        return _move(by, at, token, lot, Kind.RECEIVED, Movement(lot.pk, delivery.units, delivery.on, delivery.note))


def dispense_drug(
    *, by: Actor, at: datetime, token: UUID, subject_id: int, site_id: int, movement: Movement
) -> DrugMovement:
    """Hand units out to a subject. Refused beyond what is on hand, before registration, and from an expired lot."""
    with writing(by=by, duty=Duty.KEEP_SUPPLY, site_id=site_id, at=at):
        subject = locked_subject(subject_id, site_id)
        if (done := _repeated(token, by, at)) is not None:
            return done
        lot = _locked_lot(movement, subject.site, at)
        if subject.registered_on is None or movement.on < subject.registered_on:
            raise Refused("Study drug is dispensed from registration on.")
        if movement.on > lot.expires_on:
            raise Refused(f"Lot {lot.lot} expired on {words(lot.expires_on)}. Choose another one.")
        _check_enough(lot, movement.units, lot_balance(lot).on_hand, "are on hand")
        return _move(by, at, token, lot, Kind.DISPENSED, movement, subject)


def take_back_drug(
    *, by: Actor, at: datetime, token: UUID, subject_id: int, site_id: int, movement: Movement
) -> DrugMovement:
    """Record what a subject brought back, also after leaving. Refused beyond what the subject has.

    It is never handed out again.
    """
    with writing(by=by, duty=Duty.KEEP_SUPPLY, site_id=site_id, at=at):
        subject = locked_subject(subject_id, site_id)
        if (done := _repeated(token, by, at)) is not None:
            return done
        lot = _locked_lot(movement, subject.site, at)
        _check_enough(lot, movement.units, units_with(subject, lot), "are with the subject")
        return _move(by, at, token, lot, Kind.RETURNED, movement, subject)


def destroy_drug(
    *, by: Actor, at: datetime, token: UUID, site_id: int, movement: Movement, returned: str
) -> DrugMovement:
    """Record the destruction of units, from stock or of what came back (`returned`: "stock" or "returned")."""
    with writing(by=by, duty=Duty.KEEP_SUPPLY, site_id=site_id, at=at):
        if (done := _repeated(token, by, at)) is not None:
            return done
        if not movement.note.strip():
            raise Refused("Say why, and under which certificate, they were destroyed.")
        lot = _locked_lot(movement, Site.objects.get(pk=site_id), at)
        now = lot_balance(lot)
        if returned == "returned":
            _check_enough(lot, movement.units, now.returned, "came back and are still here")
            return _move(by, at, token, lot, Kind.RETURN_DESTROYED, movement)
        _check_enough(lot, movement.units, now.on_hand, "are on hand")
        return _move(by, at, token, lot, Kind.DESTROYED, movement)


def mark_movement_in_error(*, by: Actor, at: datetime, site_id: int, movement_id: int, reason: str) -> DrugMovement:
    """The entry was wrong: it stays, struck through, and counts no more. Refused if a balance would fall below zero."""
    with writing(by=by, duty=Duty.KEEP_SUPPLY, site_id=site_id, at=at, reason=reason):
        if not reason.strip():
            raise Refused("Say why this entry is wrong.")
        found = DrugMovement.objects.filter(pk=movement_id, site_id=site_id).select_related("lot", "subject").first()
        if found is None or found.in_error_at is not None:
            raise Refused("There is no such entry, or it was marked as entered in error already.")
        lot = DrugLot.objects.select_for_update().get(pk=found.lot_id)
        found.in_error_at, found.in_error_reason = at, reason
        found.save(update_fields=["in_error_at", "in_error_reason"])
        now = lot_balance(lot)
        theirs = units_with(found.subject, lot) if found.subject else 0
        if min(now.on_hand, now.with_subjects, now.returned, theirs) < 0:
            raise Refused("Without this entry a balance would fall below zero. Correct the later entries first.")
        return found


def _repeated(token: UUID, by: Actor, at: datetime) -> DrugMovement | None:
    outcome = first_submission(token=token, by=by, at=at)
    return None if outcome is None else DrugMovement.objects.get(pk=int(outcome.partition(":")[2]))


def _locked_lot(movement: Movement, site: Site, at: datetime) -> DrugLot:
    lot = DrugLot.objects.select_for_update().filter(Q(pk=movement.lot_id, site=site)).first()
    if lot is None:
        raise Refused("Choose a lot of this site.")
    _check_day(site, movement.on, at)
    return lot


def _check_day(site: Site, on: date, at: datetime) -> None:
    if on > at.astimezone(ZoneInfo(site.time_zone)).date():
        raise Refused(f"{words(on)} is in the future. Check the year.")


def _check_enough(lot: DrugLot, wanted: int, there: int, where: str) -> None:
    if wanted > there:
        raise Refused(f"Only {there} {UNIT_WORDS[Drug(lot.drug)][there != 1]} of lot {lot.lot} {where}.")


def _move(
    by: Actor, at: datetime, token: UUID, lot: DrugLot, kind: Kind, movement: Movement, subject: Subject | None = None
) -> DrugMovement:
    stored = DrugMovement.objects.create(
        site_id=lot.site_id,
        lot=lot,
        subject=subject,
        kind=kind,
        units=movement.units,
        on=movement.on,
        note=movement.note.strip(),
        recorded_by_id=by.user_id,
        recorded_at=at,
    )
    note_outcome(token=token, outcome=f"drug_movement:{stored.pk}")
    return stored
