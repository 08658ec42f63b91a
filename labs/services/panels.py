"""Recording a visit's laboratory grid: one save, one transaction, from the typed text to the derived response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from labs.entries import PanelEntry, Reading
from labs.models import DiseaseAssessment, LabResult, Specimen
from labs.selectors import (
    StoredPanel,
    current_assessment,
    previous_values,
    reference_ranges,
    stored_panels,
    visit_label,
)
from labs.services.beside import ask_about_contradictions, standing_results
from labs.services.consent import ask_about_consent, consent_problem, may_lie_before, settle_as_ordinary_care
from labs.services.dates import check_collection, site_day
from labs.services.merging import collection_of, merge, refuse_conflicts
from labs.services.reading import read_entries
from labs.services.refusals import FieldsRefused, ReasonMissing, RowsRefused
from labs.services.responses import follow_change
from labs.services.storing import Change, PanelToStore, store_panels
from labs.services.visit_checks import visit_with_question
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte, PanelCode
from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.models import Subject, Visit
from trialsite.services.queries import close_automatic_queries
from trialsite.services.signatures import break_signatures_resting_on
from trialsite.services.subjects import (
    Refused,
    check_open_for_data,
    first_submission,
    lock_subject,
    note_outcome,
)


@dataclass(frozen=True)
class Handed:
    """One panel of the form beside what is stored of it. beside: all results that stood for the visit before."""

    entry: PanelEntry
    stored: StoredPanel | None
    readings: Mapping[Analyte, Reading]
    beside: Mapping[Analyte, Decimal | str] = field(default_factory=dict)


@dataclass(frozen=True)
class PanelsRecorded:
    """What a save did. `repeated`: the same form had been received before, and nothing was done again."""

    visit_code: str
    changes: tuple[Change, ...] = ()
    repeated: bool = False


def record_panel(
    *,
    by: Actor,
    at: datetime,
    subject_id: int,
    site_id: int,
    visit_code: str,
    panels: Sequence[PanelEntry],
    token: UUID | None = None,
    reason: str = "",
    visit_reason: str = "",
    ordinary_care: bool = False,
) -> PanelsRecorded:
    """Store the results of one visit, new ones and corrections, and derive the response from them.

    reason: why recorded values change; needed only if some do. token: of the form, so that a double submission
    stores once. visit_reason: why an unscheduled visit took place. ordinary_care: what of this visit was drawn before
    consent was no study procedure, and nobody is asked. Blank entries are no answer and store nothing.
    Raises RowsRefused (hard findings), ReasonMissing, SavedMeanwhile, Refused; then nothing is stored.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=reason):
        if token is not None and first_submission(token=token, by=by, at=at) is not None:
            return PanelsRecorded(visit_code, repeated=True)
        subject = lock_subject(subject_id)
        check_open_for_data(subject)
        handed = _examine(subject, visit_code, panels, at)
        _check_reason(handed, reason)
        changes = _store(by, at, subject, visit_code, visit_reason, handed, reason)
        if changes:
            _follow_up(subject, visit_code, changes, reason, at)
            if any(one.beside for one in handed):
                confirmed = {a for one in handed for a, read in one.readings.items() if read.entry.confirmed}
                ask_about_contradictions(by=by, at=at, subject=subject, visit_code=visit_code, confirmed=confirmed)
            if may_lie_before(subject, visit_code):
                ask_about_consent(by=by, at=at, subject=subject)
        if ordinary_care:
            settle_as_ordinary_care(by=by, at=at, subject=subject, visit_code=visit_code)
        if token is not None:
            note_outcome(token=token, outcome=f"labs {visit_code}")
        return PanelsRecorded(visit_code, changes)


def judge(*, subject: Subject, visit_code: str, panels: Sequence[PanelEntry]) -> dict[Analyte, Reading]:
    """Every entry as it would be understood if it were saved now. Stores nothing, refuses nothing."""
    visit = Visit.objects.filter(subject=subject, code=visit_code).exclude(status=Visit.Status.IN_ERROR).first()
    previous = _previous(subject, visit, panels)
    return judge_against(panels, stored_panels(visit), current_assessment(visit), previous)


def judge_against(
    panels: Sequence[PanelEntry],
    stored: Mapping[str, StoredPanel],
    assessed: DiseaseAssessment | None,
    previous: Mapping[date, Mapping[Analyte, Decimal]],
) -> dict[Analyte, Reading]:
    """The same against what was read before: panels and assessment of the visit, values before each day; no query."""
    handed = _read(panels, stored, previous, standing_results(assessed, stored))
    return {analyte: reading for one in handed for analyte, reading in one.readings.items()}


def corrections(*, subject: Subject, visit_code: str, panels: Sequence[PanelEntry], at: datetime) -> tuple[str, ...]:
    """What of the recorded would change if this were saved, in words. Stores nothing; refuses what a save refuses."""
    return tuple(words for one in _examine(subject, visit_code, panels, at) for words in _changes_in_words(one))


def _examine(subject: Subject, visit_code: str, panels: Sequence[PanelEntry], at: datetime) -> list[Handed]:
    """Every panel with its readings; raises what keeps the form from being stored."""
    visit = Visit.objects.filter(subject=subject, code=visit_code).exclude(status=Visit.Status.IN_ERROR).first()
    if visit is not None and visit.status == Visit.Status.NOT_DONE:
        raise Refused("This visit was stated not done. Enter its date on the visit page first.")
    stored = stored_panels(visit)
    filled = [one for one in panels if one.panel in stored or any(e.typed.strip() for e in one.entries.values())]
    for one in filled:
        check_collection(subject, visit_code, one.collection.on, site_day(subject, at))
        _check_consent(subject, one, stored.get(one.panel))
    beside = standing_results(current_assessment(visit), stored)
    read = _read(filled, stored, _previous(subject, visit, filled), beside)
    merged = [merge(visit, one.entry, one.stored, one.readings) for one in read]
    problems = {a: r.problem for one in merged for a, r in one.readings.items() if r.problem}
    if problems:
        raise RowsRefused(problems)
    refuse_conflicts(merged, stored)
    return [Handed(one.entry, stored.get(one.entry.panel), one.readings, beside) for one in merged]


def _check_consent(subject: Subject, one: PanelEntry, stored: StoredPanel | None) -> None:
    """What stands already may be corrected at any time; new samples need a consent that covers them."""
    on = one.collection.on
    problem = "" if stored and stored.specimen.collected_on == on else consent_problem(subject, on, "Collection date")
    if problem:
        raise FieldsRefused({"collected_on": problem})


def _previous(
    subject: Subject, visit: Visit | None, panels: Sequence[PanelEntry]
) -> dict[date, Mapping[Analyte, Decimal]]:
    """The values before each day on which something of the form was collected."""
    code = visit.code if visit else ""
    return {on: previous_values(subject, on, visit_code=code) for on in {one.collection.on for one in panels}}


def _read(
    panels: Sequence[PanelEntry],
    stored: Mapping[str, StoredPanel],
    previous: Mapping[date, Mapping[Analyte, Decimal]],
    beside: Mapping[Analyte, Decimal | str],
) -> list[Handed]:
    handed = []
    for one in panels:
        known = stored.get(one.panel)
        readings = read_entries(one.entries, previous[one.collection.on], beside)
        handed.append(Handed(one, known, _with_removals(readings, known), beside))
    return handed


def _with_removals(readings: Mapping[Analyte, Reading], stored: StoredPanel | None) -> dict[Analyte, Reading]:
    """An emptied box over a recorded result is a problem: results are corrected, never taken away."""
    recorded = stored.results if stored else {}
    return {
        analyte: replace(reading, problem=_removal(analyte, recorded[analyte]))
        if reading.is_blank and analyte in recorded
        else reading
        for analyte, reading in readings.items()
    }


def _removal(analyte: Analyte, result: LabResult) -> str:
    label = TRIAL.analytes[analyte].label
    return f"{label}: {result.typed} is recorded. Type the right result, or nd and the reason if there is none."


def _check_reason(handed: Sequence[Handed], reason: str) -> None:
    """A change of what is recorded needs a reason; a first entry needs none."""
    changes = tuple(words for one in handed for words in _changes_in_words(one))
    if changes and not reason.strip():
        raise ReasonMissing(changes)


def _changes_in_words(one: Handed) -> list[str]:
    if one.stored is None:
        return []
    changed = [
        f"{TRIAL.analytes[analyte].label}: {one.stored.results[analyte].typed} to {reading.typed}"
        for analyte, reading in one.readings.items()
        if analyte in one.stored.results and not reading.says(one.stored.results[analyte])
    ]
    if is_redrawn(one.stored.specimen, one.entry):
        label = TRIAL.panels[PanelCode(one.entry.panel)].label
        changed.append(f"{label}: date, time, laboratory or accession")
    return changed


def is_redrawn(specimen: Specimen, entry: PanelEntry) -> bool:
    """True if the form says something else about the collection than the specimen does."""
    return entry.collection != collection_of(specimen)


def _store(
    by: Actor,
    at: datetime,
    subject: Subject,
    visit_code: str,
    visit_reason: str,
    handed: Sequence[Handed],
    reason: str,
) -> tuple[Change, ...]:
    if not handed:
        return ()
    first_day: date = min(one.entry.collection.on for one in handed)
    visit = visit_with_question(
        by=by, at=at, subject=subject, code=visit_code, occurred_on=first_day, reason=visit_reason
    )
    draws = {(one.entry.collection.laboratory_id, one.entry.collection.on) for one in handed}
    ranges = {draw: reference_ranges(draw[0], subject, draw[1]) for draw in draws}
    panels = [
        PanelToStore(
            one.entry, one.readings, one.stored,
            ranges=ranges[one.entry.collection.laboratory_id, one.entry.collection.on],
            redrawn=one.stored is not None and is_redrawn(one.stored.specimen, one.entry),
        )
        for one in handed
    ]  # fmt: skip
    return tuple(store_panels(by=by, at=at, visit=visit, subject=subject, panels=panels, reason=reason))


def _follow_up(subject: Subject, visit_code: str, changes: Sequence[Change], reason: str, at: datetime) -> None:
    """What a change of results causes, all of it before anybody can read the new ones."""
    replaced = [change.before for change in changes if change.before is not None]
    for before in replaced:
        close_automatic_queries(
            record_type="lab_result", record_id=before.pk, item=before.analyte, at=at, reason="The value was corrected."
        )
    words = in_words(visit_code, changes)
    if replaced:
        sources = [f"lab_result:{one.pk}" for one in replaced]
        break_signatures_resting_on(sources, reason=f"{words}. {reason}"[:300], at=at)
    follow_change(subject, visit_code=visit_code, at=at, caused_by=words)


def in_words(visit_code: str, changes: Sequence[Change]) -> str:
    """The change that weighs most, named, and how many others came with it."""
    first = next((one for one in changes if one.before is not None), changes[0])
    label = TRIAL.analytes[Analyte(first.after.analyte)].label
    now = f"{first.after.typed} {first.after.typed_unit}".strip()
    words = f"{visit_label(visit_code)}: {label} "
    words += f"changed from {first.before.typed} to {now}" if first.before else f"{now} entered"
    others = len(changes) - 1
    return words + (f", with {others} other result{'' if others == 1 else 's'}" if others else "")
