"""All results of a subject: analytes by visit, and the history of each value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from labs.entries import MISSING_WORDS
from labs.models import LabResult
from labs.selectors import all_versions, visit_label
from labs.views.rows import flag_of
from labs.views.subjects import readable_subject
from labs.words import CODED, unit_words
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte, MissingReason
from trialsite import clock
from trialsite.http import SignedInRequest


@dataclass(frozen=True)
class Cell:
    """One value of the table; `is_changed` if older versions are in the history below."""

    words: str
    flag: str
    is_changed: bool


@dataclass(frozen=True)
class Version:
    """One version of one value, for the history."""

    visit: str
    words: str
    result: LabResult
    stands: bool


@dataclass(frozen=True)
class AnalyteRow:
    """One analyte over all visits. Its history holds every version, the newest first."""

    analyte: str
    label: str
    unit: str
    cells: tuple[Cell | None, ...]
    versions: tuple[Version, ...]


@require_GET
def subject_labs(request: SignedInRequest, key: str) -> HttpResponse:
    """The cumulative table, panel by panel, with superseded values below each panel."""
    subject = readable_subject(request, key)
    versions = all_versions(subject)
    columns = _columns(versions)
    context = {
        "subject": subject,
        "columns": [
            (code, visit_label(code), reverse("visit_labs", args=[subject.key, code]), on) for code, on in columns
        ],
        "groups": _groups(versions, [code for code, _ in columns]),
        "at": clock.now(),
    }
    return render(request, "labs/subject_labs.html", context)


def _columns(versions: Iterable[LabResult]) -> list[tuple[str, object]]:
    """Visits with a standing result, by their first collection date."""
    first: dict[str, object] = {}
    for one in sorted(versions, key=lambda one: (one.specimen.collected_on, one.pk)):
        if one.superseded_at is None:
            first.setdefault(one.specimen.visit.code, one.specimen.collected_on)
    return list(first.items())


def _groups(versions: Iterable[LabResult], codes: list[str]) -> list[dict[str, object]]:
    by_analyte: dict[Analyte, list[LabResult]] = defaultdict(list)
    for one in versions:
        by_analyte[Analyte(one.analyte)].append(one)
    groups: list[dict[str, object]] = [
        {"label": panel.label, "rows": [_row(a, by_analyte[a], codes) for a in panel.analytes if a in by_analyte]}
        for panel in TRIAL.panels.values()
    ]
    return [group for group in groups if group["rows"]]


def _row(analyte: Analyte, versions: list[LabResult], codes: list[str]) -> AnalyteRow:
    spec = TRIAL.analytes[analyte]
    at_visit: dict[str, list[LabResult]] = defaultdict(list)
    for one in versions:
        at_visit[one.specimen.visit.code].append(one)
    return AnalyteRow(
        analyte=analyte.value,
        label=spec.label,
        unit=unit_words(spec.unit),
        cells=tuple(_cell(at_visit.get(code, [])) for code in codes),
        versions=tuple(
            Version(visit_label(one.specimen.visit.code), in_words(one), one, one.superseded_at is None)
            for one in reversed(versions)
        ),
    )


def _cell(versions: list[LabResult]) -> Cell | None:
    standing = [one for one in versions if one.superseded_at is None]
    if not standing:
        return None
    one = standing[-1]
    shown = (
        one.typed if one.typed_unit == one.unit or one.value is None else f"{one.comparator}{one.value.normalize():f}"
    )
    words = MISSING_WORDS[MissingReason(one.missing)] if one.missing else CODED.get(one.coded, shown)
    return Cell(words, flag_of(one.value, one.reference_low, one.reference_high), len(versions) > 1)


def in_words(one: LabResult) -> str:
    """A result as the report said it: value and unit as typed, a code, or a gap with its reason."""
    if one.missing:
        words = MISSING_WORDS[MissingReason(one.missing)]
        return f"{words}: {one.missing_reason}" if one.missing_reason else words
    return CODED.get(one.coded, f"{one.typed} {unit_words(one.typed_unit)}".strip())
