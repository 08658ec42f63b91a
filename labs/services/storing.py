"""Rows of a visit's panels: specimens, versions of their results, and the questions that soft findings ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True)
class PanelToStore:
    """One panel as it was read beside what is stored of it.

    ranges: the limits that hold at its laboratory on that day. redrawn: its date, time or laboratory was wrong; the
    specimen is replaced as a whole, so that the history shows what was believed at any time.
    """

    entry: PanelEntry
    readings: Mapping[Analyte, Reading]
    stored: StoredPanel | None
    ranges: Mapping[Analyte, ReferenceRange]
    redrawn: bool

    @property
    def standing(self) -> Mapping[Analyte, LabResult]:
        return self.stored.results if self.stored else {}

    @property
    def is_drawn_anew(self) -> bool:
        """True if a new specimen holds it."""
        return self.stored is None or self.redrawn

    @property
    def carried(self) -> Mapping[Analyte, Reading]:
        """What the specimen will hold: a replaced one takes over what stands and was not typed again."""
        kept = self.standing if self.redrawn else {}
        return {**{analyte: _as_read(one) for analyte, one in kept.items()}, **self.readings}


def store_panels(
    *, by: Actor, at: datetime, visit: Visit, subject: Subject, panels: Sequence[PanelToStore], reason: str
) -> list[Change]:
    """Store what is new in the panels of a visit, all specimens in one statement and all results in another.

    Runs inside the caller's `writing`; returns the new versions.
    """
    specimens = _specimens(by, at, visit, panels, reason)
    made = [
        _new_versions(by, at, specimen, one, reason=reason) for one, specimen in zip(panels, specimens, strict=True)
    ]
    changes = [
        Change(after, one.standing.get(Analyte(after.analyte)))
        for one, new in zip(panels, made, strict=True)
        for after in new
    ]
    _supersede([one.before for one in changes if one.before is not None], at, reason)
    LabResult.objects.bulk_create(one.after for one in changes)
    for one, specimen, new in zip(panels, specimens, made, strict=True):
        if new and not one.is_drawn_anew:
            _raise_version(specimen, by, at, reason)
        _ask(by, at, subject, visit, new, one.carried, one.standing)
    return changes


def _specimens(by: Actor, at: datetime, visit: Visit, panels: Sequence[PanelToStore], reason: str) -> list[Specimen]:
    """The specimen of each panel: the one that stands, or a new one, stored."""
    replaced = [one.stored.specimen for one in panels if one.stored is not None and one.redrawn]
    for specimen in replaced:
        _end(specimen, reason)
    found = [
        _new_specimen(by, at, visit, one) if one.stored is None or one.redrawn else one.stored.specimen
        for one in panels
    ]
    Specimen.objects.bulk_create(one for one in found if one.pk is None)
    return found


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


def _new_specimen(by: Actor, at: datetime, visit: Visit, one: PanelToStore) -> Specimen:
    collection = one.entry.collection
    return Specimen(
        subject_id=visit.subject_id,
        site_id=visit.site_id,
        visit=visit,
        panel=one.entry.panel.value,
        laboratory_id=collection.laboratory_id,
        collected_on=collection.on,
        collected_time=collection.time,
        accession=collection.accession,
        method=collection.method,
        status=Specimen.Status.COMPLETE,
        version=one.stored.specimen.version + 1 if one.stored else 1,
        recorded_by_id=by.user_id,
        recorded_at=at,
    )


def _end(specimen: Specimen, reason: str) -> None:
    """Another takes its place."""
    specimen.status = Specimen.Status.IN_ERROR
    specimen.status_reason = f"Collection corrected: {reason}"[:300]
    specimen.save(update_fields=["status", "status_reason"])


def _raise_version(specimen: Specimen, by: Actor, at: datetime, reason: str) -> None:
    """So that a form opened before this save is recognised as older."""
    specimen.version += 1
    specimen.recorded_by_id = by.user_id
    specimen.recorded_at = at
    with because(reason or "Results added"):
        specimen.save(update_fields=["version", "recorded_by", "recorded_at"])


def _new_versions(by: Actor, at: datetime, specimen: Specimen, one: PanelToStore, *, reason: str) -> list[LabResult]:
    """Unsaved rows for all that differs from what stands; on a replaced specimen, for everything."""
    new = []
    for analyte, reading in one.carried.items():
        before = one.standing.get(analyte)
        if reading.is_blank or (before is not None and not one.redrawn and reading.says(before)):
            continue
        limits = one.ranges.get(analyte)
        new.append(
            LabResult(
                **_columns(reading),
                subject_id=specimen.subject_id,
                site_id=specimen.site_id,
                specimen=specimen,
                analyte=analyte.value,
                version=before.version + 1 if before and not one.redrawn else 1,
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
    after: Sequence[LabResult],
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
