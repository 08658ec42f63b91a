"""Laboratories and their reference ranges: versions by date, kept by admins and data managers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from labs.models import Laboratory, LabResult, ReferenceRange
from labs.selectors.results import reference_ranges
from labs.services.refusals import FieldsRefused
from protocol.trial import TRIAL
from protocol.units import UnknownUnit, convert
from protocol.vocabulary import Analyte
from trialsite.access import Actor, Duty
from trialsite.context import because, writing
from trialsite.models import Subject


@dataclass(frozen=True)
class Limits:
    """One range as the laboratory states it: limits in `unit`, for whom, from when."""

    analyte: Analyte
    low: Decimal | None
    high: Decimal | None
    unit: str
    valid_from: date
    sex: str = ""
    age_from: int = 18
    age_to: int = 120


def save_laboratory(
    *, by: Actor, at: datetime, site_id: int, name: str, is_central: object = False, laboratory_id: int | None = None
) -> Laboratory:
    """Add a laboratory of a site, or rename one. FieldsRefused for a name that the site has already."""
    with writing(by=by, duty=Duty.MANAGE_RANGES, site_id=site_id, at=at, reason="Laboratory details corrected"):
        others = Laboratory.objects.filter(site_id=site_id, name=name).exclude(pk=laboratory_id or 0)
        if others.exists():
            raise FieldsRefused({"name": f"This site has a laboratory named {name} already."})
        if laboratory_id is None:
            return Laboratory.objects.create(site_id=site_id, name=name, is_central=bool(is_central))
        laboratory = Laboratory.objects.select_for_update().get(pk=laboratory_id, site_id=site_id)
        laboratory.name, laboratory.is_central = name, bool(is_central)
        laboratory.save(update_fields=["name", "is_central"])
        return laboratory


def save_reference_range(
    *, by: Actor, at: datetime, site_id: int, laboratory_id: int, limits: Limits
) -> ReferenceRange:
    """Add a range version. The one that it follows ends the day before; results already stored keep theirs.

    FieldsRefused for limits in the wrong order, an unknown unit, or a date not after the version it follows.
    """
    low, high = _canonical(limits)
    with writing(by=by, duty=Duty.MANAGE_RANGES, site_id=site_id, at=at):
        _end_previous(laboratory_id, limits)
        return ReferenceRange.objects.create(
            site_id=site_id,
            laboratory_id=laboratory_id,
            analyte=limits.analyte.value,
            sex=limits.sex,
            age_from=limits.age_from,
            age_to=limits.age_to,
            low=low,
            high=high,
            unit=TRIAL.analytes[limits.analyte].unit,
            valid_from=limits.valid_from,
            entered_by_id=by.user_id,
            entered_at=at,
        )


def adopt_typical_ranges(*, by: Actor, at: datetime, site_id: int, laboratory_id: int, valid_from: date) -> int:
    """Start a laboratory with the protocol's typical adult ranges; how many were added.

    Analytes for which the laboratory has stated a range are left alone.
    """
    with writing(by=by, duty=Duty.MANAGE_RANGES, site_id=site_id, at=at):
        stated = set(ReferenceRange.objects.filter(laboratory_id=laboratory_id).values_list("analyte", flat=True))
        rows = [
            ReferenceRange(
                site_id=site_id, laboratory_id=laboratory_id, analyte=spec.analyte.value, sex=typical.sex,
                low=typical.low, high=typical.high, unit=spec.unit, valid_from=valid_from,
                entered_by_id=by.user_id, entered_at=at,
            )
            for spec in TRIAL.analytes.values()
            for typical in spec.reference
            if spec.analyte.value not in stated
        ]  # fmt: skip
        return len(ReferenceRange.objects.bulk_create(rows))


def _canonical(limits: Limits) -> tuple[Decimal | None, Decimal | None]:
    problems = {}
    if limits.low is None and limits.high is None:
        problems["high"] = "Enter a lower limit, an upper limit, or both."
    if limits.low is not None and limits.high is not None and limits.low > limits.high:
        problems["high"] = "The upper limit is below the lower one."
    if limits.age_from > limits.age_to:
        problems["age_to"] = "The last age is below the first one."
    if problems:
        raise FieldsRefused(problems)
    try:
        low, high = (
            None if one is None else convert(limits.analyte, one, limits.unit) for one in (limits.low, limits.high)
        )
    except UnknownUnit as problem:
        raise FieldsRefused({"unit": str(problem)}) from None
    return low, high


def _end_previous(laboratory_id: int, limits: Limits) -> None:
    previous = (
        ReferenceRange.objects.filter(
            laboratory_id=laboratory_id, analyte=limits.analyte.value, sex=limits.sex,
            age_from=limits.age_from, age_to=limits.age_to, valid_to=None,
        )
        .select_for_update()
        .last()
    )  # fmt: skip
    if previous is None:
        return
    if limits.valid_from <= previous.valid_from:
        words = f"The range before it holds from {previous.valid_from:%-d %b %Y}; a new version begins later."
        raise FieldsRefused({"valid_from": words})
    previous.valid_to = limits.valid_from - timedelta(days=1)
    with because("A newer range follows"):
        previous.save(update_fields=["valid_to"])


def renew_reference_limits(*, subject: Subject, why: str) -> list[int]:
    """Look up the limits of standing results anew after age or sex was corrected. Runs inside the caller's `writing`.

    Keys of the results that have other limits now; what was measured stays.
    """
    standing = LabResult.objects.filter(subject=subject, superseded_at=None).select_related("specimen")
    ranges: dict[tuple[int | None, date], dict[Analyte, ReferenceRange]] = {}
    changed = []
    for result in standing:
        where = (result.specimen.laboratory_id, result.specimen.collected_on)
        if where not in ranges:
            ranges[where] = reference_ranges(where[0], subject, where[1])
        limits = ranges[where].get(Analyte(result.analyte))
        low, high = (limits.low, limits.high) if limits else (None, None)
        if (result.reference_low, result.reference_high) != (low, high):
            result.reference_low, result.reference_high = low, high
            changed.append(result)
    with because(why):
        LabResult.objects.bulk_update(changed, ["reference_low", "reference_high"])
    return [result.pk for result in changed]
