"""Rows of one panel: the specimen, versions of its results, and the questions that soft findings ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from labs.entries import Entry, PanelEntry, Reading
from labs.models import LabResult, ReferenceRange, Specimen
from labs.selectors import StoredPanel
from protocol.checks import Finding
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte
from trialsite.access import Actor
from trialsite.context import because
from trialsite.models import Subject, Visit
from trialsite.services.queries import (
    Anchor,
    Question,
    confirm_automatic_queries,
    raise_automatic_query,
)

#: Which table of factors the canonical values were computed with.
CONVERSION_VERSION = f"{TRIAL.id} {TRIAL.version}"[:20]


@dataclass(frozen=True)
class Change:
    """One new result version, and the one that it took the place of."""

    after: LabResult
    before: LabResult | None = None


def store_panel(
    *,
    by: Actor,
    at: datetime,
    visit: Visit,
    subject: Subject,
    entry: PanelEntry,
    readings: Mapping[Analyte, Reading],
    stored: StoredPanel | None,
    ranges: Mapping[Analyte, ReferenceRange],
    redrawn: bool,
    reason: str,
) -> list[Change]:
    """Store what is new in one panel. Runs inside the caller's `writing`; returns the new versions.

    ranges: the limits that hold at that laboratory on that day. A specimen whose date, time or laboratory was wrong
    is replaced as a whole, so that the history shows what was believed at any time.
    """
    if redrawn and stored is not None:
        readings = {**{analyte: _as_read(one) for analyte, one in stored.results.items()}, **readings}
    if stored is None:
        specimen = _new_specimen(by, at, visit, entry, version=1)
    elif redrawn:
        specimen = _replace_specimen(by, at, visit, entry, stored, reason)
    else:
        specimen = stored.specimen
    standing = stored.results if stored else {}
    after = _new_versions(by, at, specimen, readings, standing, ranges, redrawn=redrawn, reason=reason)
    _supersede([standing[Analyte(one.analyte)] for one in after if one.analyte in standing], at, reason)
    LabResult.objects.bulk_create(after)
    if stored is not None and not redrawn and after:
        _raise_version(specimen, by, at, reason)
    _ask(by, at, subject, visit, after, readings, standing)
    return [Change(one, standing.get(Analyte(one.analyte))) for one in after]


def _as_read(result: LabResult) -> Reading:
    """A stored result as a reading, to carry it over to a specimen that takes another's place."""
    return Reading(
        analyte=Analyte(result.analyte),
        entry=Entry(result.typed, result.typed_unit),
        unit=result.typed_unit,
        comparator=result.comparator,
        value=result.value,
        coded=result.coded,
        missing=result.missing,
        missing_reason=result.missing_reason,
    )


def _new_specimen(by: Actor, at: datetime, visit: Visit, entry: PanelEntry, *, version: int) -> Specimen:
    collection = entry.collection
    return Specimen.objects.create(
        subject_id=visit.subject_id,
        site_id=visit.site_id,
        visit=visit,
        panel=entry.panel.value,
        laboratory_id=collection.laboratory_id,
        collected_on=collection.on,
        collected_time=collection.time,
        accession=collection.accession,
        method=collection.method,
        status=Specimen.Status.COMPLETE,
        version=version,
        recorded_by_id=by.user_id,
        recorded_at=at,
    )


def _replace_specimen(
    by: Actor, at: datetime, visit: Visit, entry: PanelEntry, stored: StoredPanel, reason: str
) -> Specimen:
    old = stored.specimen
    old.status = Specimen.Status.IN_ERROR
    old.status_reason = f"Collection corrected: {reason}"[:300]
    old.save(update_fields=["status", "status_reason"])
    return _new_specimen(by, at, visit, entry, version=old.version + 1)


def _raise_version(specimen: Specimen, by: Actor, at: datetime, reason: str) -> None:
    """So that a form opened before this save is recognised as older."""
    specimen.version += 1
    specimen.recorded_by_id = by.user_id
    specimen.recorded_at = at
    with because(reason or "Results added"):
        specimen.save(update_fields=["version", "recorded_by", "recorded_at"])


def _new_versions(
    by: Actor,
    at: datetime,
    specimen: Specimen,
    readings: Mapping[Analyte, Reading],
    standing: Mapping[Analyte, LabResult],
    ranges: Mapping[Analyte, ReferenceRange],
    *,
    redrawn: bool,
    reason: str,
) -> list[LabResult]:
    """Unsaved rows for all that differs from what stands; on a replaced specimen, for everything."""
    new = []
    for analyte, reading in readings.items():
        before = standing.get(analyte)
        if reading.is_blank or (before is not None and not redrawn and reading.says(before)):
            continue
        limits = ranges.get(analyte)
        new.append(
            LabResult(
                **_columns(reading),
                subject_id=specimen.subject_id,
                site_id=specimen.site_id,
                specimen=specimen,
                analyte=analyte.value,
                version=before.version + 1 if before and not redrawn else 1,
                reference_low=limits.low if limits else None,
                reference_high=limits.high if limits else None,
                conversion_version=CONVERSION_VERSION,
                reason=reason if before else "",
                entered_by_id=by.user_id,
                entered_at=at,
            )
        )
    return new


def _columns(reading: Reading) -> dict[str, object]:
    measured = reading.value is not None
    return {
        "typed": reading.typed,
        "typed_unit": reading.unit if measured else "",
        "comparator": reading.comparator,
        "value": reading.value,
        "unit": TRIAL.analytes[reading.analyte].unit if measured else "",
        "coded": reading.coded,
        "missing": reading.missing,
        "missing_reason": reading.missing_reason,
    }


def _supersede(results: list[LabResult], at: datetime, reason: str) -> None:
    """Close old versions; they stay readable for ever."""
    for result in results:
        result.superseded_at = at
    if results:
        with because(reason):
            LabResult.objects.filter(pk__in=[one.pk for one in results]).update(superseded_at=at)


def _ask(
    by: Actor,
    at: datetime,
    subject: Subject,
    visit: Visit,
    after: list[LabResult],
    readings: Mapping[Analyte, Reading],
    standing: Mapping[Analyte, LabResult],
) -> None:
    """One query per soft finding on a new version; a ticked one is stored as answered by the person who typed."""
    for result in after:
        reading = readings[Analyte(result.analyte)]
        for finding in reading.findings:
            raise_automatic_query(
                by=by, at=at, subject=subject,
                anchor=Anchor("lab_result", result.pk, result.analyte, visit.code),
                question=Question(_question(finding), finding.code, reading.entry.confirmed),
            )  # fmt: skip
    fresh = {one.analyte for one in after}
    for analyte, reading in readings.items():
        if reading.entry.confirmed and analyte in standing and analyte.value not in fresh:
            confirm_automatic_queries(
                by=by, record_type="lab_result", record_id=standing[analyte].pk, item=analyte.value, at=at,
                text="Is what the report says.",
            )  # fmt: skip


def _question(finding: Finding) -> str:
    return f"{finding.message} {finding.suggestion}".strip()[:500]
