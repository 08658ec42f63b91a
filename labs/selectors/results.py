"""Stored results: what a panel form, the cumulative table and a field's history show."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Q

from labs.models import DiseaseAssessment, Laboratory, LabResult, ReferenceRange, Specimen
from protocol.schema import ReferenceRange as TypicalRange
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte
from trialsite.models import Subject, Visit


@dataclass(frozen=True)
class StoredPanel:
    """The specimen of one panel of a visit with its current results by analyte."""

    specimen: Specimen
    results: dict[Analyte, LabResult]


def stored_panels(visit: Visit | None) -> dict[str, StoredPanel]:
    """Current specimens of a visit by panel, with their current results; at most two queries."""
    if visit is None:
        return {}
    complete = Specimen.objects.filter(visit=visit, status=Specimen.Status.COMPLETE)
    specimens = list(complete.select_related("laboratory", "recorded_by"))
    if not specimens:
        return {}
    results: dict[int, dict[Analyte, LabResult]] = defaultdict(dict)
    standing = LabResult.objects.filter(specimen__visit=visit, superseded_at=None).select_related("entered_by")
    for result in standing:
        results[result.specimen_id][Analyte(result.analyte)] = result
    return {specimen.panel: StoredPanel(specimen, results[specimen.pk]) for specimen in specimens}


def all_versions(subject: Subject) -> list[LabResult]:
    """Every version of every result of a subject, in the order of entry; one query."""
    return list(
        LabResult.objects.filter(subject=subject).select_related("specimen__visit", "entered_by").order_by("id")
    )


def previous_values(subject: Subject, before: date, *, visit_code: str) -> dict[Analyte, Decimal]:
    """The newest value of each analyte collected before a day at another visit, canonical unit; one query."""
    newest = (
        LabResult.objects.filter(subject=subject, superseded_at=None, specimen__collected_on__lt=before)
        .exclude(value=None)
        .exclude(specimen__visit__code=visit_code)
        .order_by("analyte", "-specimen__collected_on", "-specimen__collected_time", "-id")
        .distinct("analyte")
        .values_list("analyte", "value")
    )
    return {Analyte(analyte): value for analyte, value in newest if value is not None}


def laboratories_of(site_id: int) -> list[Laboratory]:
    """Open laboratories of a site, the central one first."""
    return list(Laboratory.objects.filter(site_id=site_id, closed_on=None).order_by("-is_central", "name"))


def every_laboratory(site_id: int) -> list[Laboratory]:
    """Laboratories of a site, closed ones too, to name what was measured before."""
    return list(Laboratory.objects.filter(site_id=site_id))


def usual_laboratory(subject: Subject) -> int | None:
    """The laboratory of the subject's newest specimen; before the first one the only laboratory of the site."""
    newest = Specimen.objects.filter(subject=subject, status=Specimen.Status.COMPLETE).order_by("-collected_on", "-id")
    found = newest.values_list("laboratory_id", flat=True).first()
    if found is not None:
        return found
    of_site = laboratories_of(subject.site_id)
    return of_site[0].pk if len(of_site) == 1 else None


def reference_ranges(laboratory_id: int | None, subject: Subject, on: date) -> dict[Analyte, ReferenceRange]:
    """The laboratory's limits that hold for this subject on that day, by analyte; one query.

    A range for the subject's sex goes before one for both, a later version before an earlier one.
    Age is the year of the day less the year of birth, so it may be one too high before the birthday.
    """
    if laboratory_id is None:
        return {}
    age = on.year - subject.birth_year
    ranges = (
        ReferenceRange.objects.filter(laboratory_id=laboratory_id, sex__in=["", subject.sex])
        .filter(age_from__lte=age, age_to__gte=age, valid_from__lte=on)
        .filter(Q(valid_to=None) | Q(valid_to__gte=on))
        .order_by("sex", "valid_from", "id")
    )
    return {Analyte(one.analyte): one for one in ranges}


def typical_range(analyte: Analyte, sex: str) -> TypicalRange | None:
    """The protocol's typical adult range, for display where the laboratory has stated none."""
    fitting = [one for one in TRIAL.analytes[analyte].reference if one.sex in ("", sex)]
    return fitting[-1] if fitting else None


def current_assessment(visit: Visit | None) -> DiseaseAssessment | None:
    """The current version of a visit's disease assessment."""
    if visit is None:
        return None
    return DiseaseAssessment.objects.filter(visit=visit, superseded_at=None).select_related("entered_by").first()


def assessment_versions(visit: Visit | None) -> list[DiseaseAssessment]:
    """Every version of a visit's disease assessment, the newest first."""
    if visit is None:
        return []
    return list(DiseaseAssessment.objects.filter(visit=visit).select_related("entered_by").order_by("-version"))
