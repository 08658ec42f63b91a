"""Recording what happened with the planned doses: taken, missed or held. Nothing is ever assumed taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Max

from dosing import selectors
from dosing.models import DoseRecord
from dosing.selectors.doses import standing_orders
from dosing.services.subjects import locked_subject, words
from dosing.vocabulary import DRUG_WORDS
from protocol.doses import Modification, PlannedDose, UnconfirmedDose, ordered_mg
from protocol.vocabulary import DoseAction, DoseStatus, Drug
from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.models import Subject
from trialsite.services.signatures import break_signatures_resting_on
from trialsite.services.subjects import Refused

FIRST_ENTRY = "Doses recorded"


@dataclass(frozen=True)
class DoseEntry:
    """What happened with one drug on one day. A reason is needed for missed and held."""

    drug: Drug
    status: DoseStatus
    reason: str = ""


@dataclass(frozen=True)
class Filled:
    """Days that a range newly recorded, and days in it that were recorded before and stand as they are."""

    recorded: int
    kept: int


def record_doses(
    *,
    by: Actor,
    at: datetime,
    subject_id: int,
    site_id: int,
    drug: Drug,
    first_on: date,
    last_on: date,
    status: DoseStatus,
    reason: str = "",
) -> Filled:
    """Record one drug over a range of days, both ends included; days recorded before stay as they are.

    Only planned days are recorded. Refused for future days, for a range without a planned dose, and for missed or
    held doses without a reason. Sent twice, the second finds every day recorded.
    """
    with writing(by=by, duty=Duty.RECORD_DOSE, site_id=site_id, at=at, reason=FIRST_ENTRY):
        subject = locked_subject(subject_id, site_id)
        entry = DoseEntry(drug, status, reason)
        _check_reason(entry)
        _check_days(subject, first_on, last_on, at)
        planned = _planned(subject, drug, first_on, last_on, at)
        standing = _standing(subject, drug, first_on, last_on)
        open_days = [dose for dose in planned if dose.on not in standing]
        _add(subject, [(dose, entry) for dose in open_days], by=by, at=at)
        return Filled(recorded=len(open_days), kept=len(planned) - len(open_days))


def record_day(
    *,
    by: Actor,
    at: datetime,
    subject_id: int,
    site_id: int,
    on: date,
    entries: Sequence[DoseEntry],
    change_reason: str = "",
) -> list[DoseRecord]:
    """Record or correct the doses of one day; the rows that are new.

    An entry equal to what stands changes nothing. A different one supersedes it and needs `change_reason`. Refused
    as `record_doses`.
    """
    with writing(by=by, duty=Duty.RECORD_DOSE, site_id=site_id, at=at, reason=change_reason or FIRST_ENTRY):
        subject = locked_subject(subject_id, site_id)
        _check_days(subject, on, on, at)
        made: list[DoseRecord] = []
        for entry in entries:
            _check_reason(entry)
            (dose,) = _planned(subject, entry.drug, on, on, at)
            standing = _standing(subject, entry.drug, on, on).get(on)
            if standing is not None and _same(standing, entry):
                continue
            if standing is not None:
                _supersede([standing], change_reason, at)
            made += _add(subject, [(dose, _with_reason(entry, standing, change_reason))], by=by, at=at)
        return made


def undo_doses(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, drug: Drug, first_on: date, last_on: date, reason: str
) -> int:
    """Take back what was recorded, with a reason; the days are "to record" again. The number of days.

    The records stay, superseded. Refused without a reason or where nothing is recorded.
    """
    with writing(by=by, duty=Duty.RECORD_DOSE, site_id=site_id, at=at, reason=reason):
        subject = locked_subject(subject_id, site_id)
        standing = list(_standing(subject, drug, first_on, last_on).values())
        if not standing:
            raise Refused(f"No {drug.value} dose is recorded {_span(first_on, last_on)}.")
        _supersede(standing, reason, at)
        return len(standing)


def given_mg(dose: PlannedDose, status: DoseStatus, orders: Iterable[Modification]) -> Decimal:
    """What a dose amounts to: taken as ordered for that day, else nothing.

    Taken although the drug was held or stopped, it is the planned dose: what happened is recorded, not what should.
    """
    if status is not DoseStatus.TAKEN:
        return Decimal(0)
    return ordered_mg(dose, [one for one in orders if one.action is DoseAction.REDUCE])


def _same(standing: DoseRecord, entry: DoseEntry) -> bool:
    same_reason = entry.status is DoseStatus.TAKEN or standing.reason == entry.reason
    return standing.status == entry.status.value and same_reason


def _with_reason(entry: DoseEntry, standing: DoseRecord | None, change_reason: str) -> DoseEntry:
    """A corrected "taken" carries why it was changed; missed and held carry why they were."""
    if standing is None or entry.status is not DoseStatus.TAKEN:
        return entry
    return DoseEntry(entry.drug, entry.status, change_reason)


def _check_reason(entry: DoseEntry) -> None:
    if entry.status is not DoseStatus.TAKEN and not entry.reason:
        raise Refused(f"Say why {entry.drug.value} was {entry.status.value.lower()}.")


def _check_days(subject: Subject, first_on: date, last_on: date, at: datetime) -> None:
    today = selectors.site_day(subject.site, at)
    if last_on < first_on:
        raise Refused(f"The last day, {words(last_on)}, lies before the first, {words(first_on)}.")
    if last_on > today:
        raise Refused(f"{words(last_on)} is in the future. Record a dose on its day or later.")
    if subject.day1_on is None:
        raise Refused("No dose can be recorded before the first dose is entered.")


def _planned(subject: Subject, drug: Drug, first_on: date, last_on: date, at: datetime) -> list[PlannedDose]:
    try:
        doses = selectors.planned_doses(subject, selectors.site_day(subject.site, at))
    except UnconfirmedDose as missing:
        raise Refused(str(missing)) from missing
    found = [dose for dose in doses if dose.drug is drug and first_on <= dose.on <= last_on]
    if not found:
        raise Refused(f"No {DRUG_WORDS[drug].lower()} dose is planned {_span(first_on, last_on)}.")
    return found


def _span(first_on: date, last_on: date) -> str:
    return f"on {words(first_on)}" if first_on == last_on else f"from {words(first_on)} to {words(last_on)}"


def _standing(subject: Subject, drug: Drug, first_on: date, last_on: date) -> dict[date, DoseRecord]:
    rows = DoseRecord.objects.filter(
        subject=subject, drug=drug.value, on__range=(first_on, last_on), superseded_at=None
    )
    return {row.on: row for row in rows}


def _supersede(standing: Iterable[DoseRecord], reason: str, at: datetime) -> None:
    if not reason:
        raise Refused("Say why the recorded dose is changed.")
    ids = [row.pk for row in standing]
    DoseRecord.objects.filter(pk__in=ids).update(superseded_at=at)
    break_signatures_resting_on([f"dose:{pk}" for pk in ids], reason=f"Doses corrected. {reason}"[:300], at=at)


def _add(
    subject: Subject, entries: Sequence[tuple[PlannedDose, DoseEntry]], *, by: Actor, at: datetime
) -> list[DoseRecord]:
    orders = standing_orders(subject)
    days = {dose.on for dose, _ in entries}
    drugs = {dose.drug.value for dose, _ in entries}
    earlier = DoseRecord.objects.filter(subject=subject, drug__in=drugs, on__in=days).values_list("drug", "on")
    version = {(drug, on): latest for drug, on, latest in earlier.annotate(latest=Max("version")).order_by()}
    return DoseRecord.objects.bulk_create(
        DoseRecord(
            subject=subject,
            site_id=subject.site_id,
            drug=dose.drug.value,
            on=dose.on,
            status=entry.status.value,
            planned_mg=dose.mg,
            given_mg=given_mg(dose, entry.status, orders),
            reason=entry.reason,
            version=version.get((dose.drug.value, dose.on), 0) + 1,
            recorded_by_id=by.user_id,
            recorded_at=at,
        )
        for dose, entry in entries
    )
