"""The disease-assessment form: immunofixation, marrow, lesions, plasmacytoma, attribution. Versions, never edits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from labs.models import DiseaseAssessment
from labs.selectors import current_assessment, visit_label
from labs.services.answers import LastSave, changes_in_words, merged
from labs.services.beside import ANSWERS, ask_about_contradictions
from labs.services.consent import ask_about_consent, consent_problem, may_lie_before
from labs.services.dates import date_problem, site_day
from labs.services.refusals import FieldsRefused, ReasonMissing
from labs.services.responses import follow_change
from labs.services.visit_checks import visit_with_question
from labs.services.visits import void_assessments
from trialsite.access import Actor, Duty
from trialsite.context import because, writing
from trialsite.models import Subject, Visit
from trialsite.services.signatures import break_signatures_resting_on
from trialsite.services.subjects import (
    Refused,
    check_open_for_data,
    first_submission,
    lock_subject,
    note_outcome,
)


@dataclass(frozen=True)
class Assessed:
    """The answers of one form. Empty text or None is "not done"; each part carries its own date."""

    immunofixation_on: date | None = None
    serum_ife: str = ""
    urine_ife: str = ""
    marrow_on: date | None = None
    bm_pc: Decimal | None = None
    bm_clonal: str = ""
    circulating_pc_per_ul: Decimal | None = None
    imaging_on: date | None = None
    imaging_method: str = ""
    bone_lesions: str = ""
    focal_mri_lesions: int | None = None
    plasmacytoma: str = ""
    plasmacytoma_spd_mm2: Decimal | None = None
    attribution_on: date | None = None
    calcium_attributed: bool | None = None
    renal_attributed: bool | None = None
    anaemia_attributed: bool | None = None
    bone_attributed: bool | None = None
    comment: str = ""


#: Each part of the form: its date, what the date is called, and the answers that need it.
PARTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "immunofixation_on": ("Date of immunofixation", ("serum_ife", "urine_ife")),
    "marrow_on": ("Date of marrow", ("bm_pc", "bm_clonal")),
    "imaging_on": ("Date of imaging", ("bone_lesions", "focal_mri_lesions", "plasmacytoma", "plasmacytoma_spd_mm2")),
    "attribution_on": (
        "Date of the sample judged",
        ("calcium_attributed", "renal_attributed", "anaemia_attributed", "bone_attributed"),
    ),
}


def record_disease_assessment(
    *,
    by: Actor,
    at: datetime,
    subject_id: int,
    site_id: int,
    visit_code: str,
    assessed: Assessed,
    seen_version: int | None = None,
    token: UUID | None = None,
    reason: str = "",
) -> DiseaseAssessment | None:
    """Store the form as a new version, and derive the response from it.

    seen_version: the version that lay under the form (0 for none), None if the caller held no older view.
    Returns the current version; the old one if nothing changed. Raises FieldsRefused, ReasonMissing,
    SavedMeanwhile, Refused; then nothing is stored.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=reason):
        if token is not None and first_submission(token=token, by=by, at=at) is not None:
            return DiseaseAssessment.objects.filter(subject_id=subject_id, visit__code=visit_code).last()
        subject = lock_subject(subject_id)
        check_open_for_data(subject)
        _check(subject, visit_code, assessed, at)
        visit = _visit(by, at, subject, visit_code, assessed)
        before = current_assessment(visit)
        assessed = _merged(visit, before, seen_version, assessed)
        _check(subject, visit_code, assessed, at)
        changed = _changed(before, assessed)
        if not changed:
            return before
        if before is not None and not reason.strip():
            raise ReasonMissing(tuple(label_of(name) for name in changed))
        after = _append(by, at, visit, before, assessed, reason)
        if not set(ANSWERS.values()).isdisjoint(changed):
            ask_about_contradictions(by=by, at=at, subject=subject, visit_code=visit_code)
        _follow_up(by, subject, visit_code, before, changed, reason, at)
        if token is not None:
            note_outcome(token=token, outcome=f"disease {visit_code}")
        return after


def label_of(name: str) -> str:
    """What the form calls a field."""
    if name in PARTS:
        return PARTS[name][0]
    return LABELS.get(name) or name.replace("_", " ").capitalize()


LABELS = {
    "serum_ife": "Serum immunofixation",
    "urine_ife": "Urine immunofixation",
    "bm_pc": "Marrow plasma cells",
    "bm_clonal": "Clonal plasma cells",
    "circulating_pc_per_ul": "Circulating plasma cells",
    "focal_mri_lesions": "Focal MRI lesions",
    "plasmacytoma_spd_mm2": "Plasmacytoma, sum of products",
    "calcium_attributed": "High calcium due to myeloma",
    "renal_attributed": "Renal insufficiency due to myeloma",
    "anaemia_attributed": "Anaemia due to myeloma",
    "bone_attributed": "Bone lesions due to myeloma",
}


def _check(subject: Subject, visit_code: str, assessed: Assessed, at: datetime) -> None:
    today = site_day(subject, at)
    problems = _check_parts(subject, visit_code, assessed, today)
    for name, most in (("bm_pc", Decimal(100)), ("plasmacytoma_spd_mm2", None), ("circulating_pc_per_ul", None)):
        value = getattr(assessed, name)
        if value is not None and (value < 0 or (most is not None and value > most)):
            problems[name] = f"{label_of(name)} is {'between 0 and 100' if most else '0 or more'}."
    if all(value in (None, "") for name, value in asdict(assessed).items() if name != "comment"):
        problems["__all__"] = "Nothing is entered. Fill at least one part."
    if problems:
        raise FieldsRefused(problems)


def _check_parts(subject: Subject, visit_code: str, assessed: Assessed, today: date) -> dict[str, str]:
    problems: dict[str, str] = {}
    standing = DiseaseAssessment.objects.filter(subject=subject, visit__code=visit_code, superseded_at=None).first()
    for name, (words, answers) in PARTS.items():
        on = getattr(assessed, name)
        if on is not None:
            problem = date_problem(subject, visit_code, on, today, words)
            if on != getattr(standing, name, None):
                problem = problem or consent_problem(subject, on, words)
        elif any(getattr(assessed, answer) not in (None, "") for answer in answers):
            problem = f"{words} is needed for the answers beside it."
        else:
            problem = ""
        if problem:
            problems[name] = problem
    return problems


def _visit(by: Actor, at: datetime, subject: Subject, code: str, assessed: Assessed) -> Visit:
    dates = [on for on in (getattr(assessed, name) for name in PARTS) if on is not None]
    occurred_on = min(dates, default=site_day(subject, at))
    visit = visit_with_question(by=by, at=at, subject=subject, code=code, occurred_on=occurred_on)
    if visit.status == Visit.Status.NOT_DONE:
        raise Refused("This visit was stated not done. Enter its date on the visit page first.")
    return visit


def _changed(before: DiseaseAssessment | None, assessed: Assessed) -> list[str]:
    answers = asdict(assessed)
    if before is None:
        return [name for name, value in answers.items() if value not in (None, "")]
    return [name for name, value in answers.items() if getattr(before, name) != value]


def _merged(visit: Visit, before: DiseaseAssessment | None, seen_version: int | None, mine: Assessed) -> Assessed:
    """What only the other person changed since the form was opened is theirs; SavedMeanwhile for what both changed."""
    if before is None or seen_version is None or seen_version == before.version:
        return mine
    seen = DiseaseAssessment.objects.filter(visit=visit, version=seen_version).first()
    by = before.entered_by.printed_name if before.entered_by else "A job"
    settled = merged(
        opened=_answers_of(seen), theirs=_answers_of(before), mine=asdict(mine),
        saved=lambda: LastSave(by, before.entered_at), label=label_of,
    )  # fmt: skip
    return Assessed(**settled)


def _answers_of(one: DiseaseAssessment | None) -> dict[str, Any]:
    """The answers of a stored version; of an empty form where there is none."""
    empty = asdict(Assessed())
    return {name: getattr(one, name) for name in empty} if one else empty


def corrections(*, subject: Subject, visit_code: str, assessed: Assessed, seen_version: int | None) -> tuple[str, ...]:
    """What of the recorded would change if this were saved: "Serum immunofixation: Negative to Positive"."""
    visit = Visit.objects.filter(subject=subject, code=visit_code).exclude(status=Visit.Status.IN_ERROR).first()
    before = current_assessment(visit)
    if visit is None or before is None:
        return ()
    after = asdict(_merged(visit, before, seen_version, assessed))
    return changes_in_words(_answers_of(before), after, label_of)


def _append(
    by: Actor, at: datetime, visit: Visit, before: DiseaseAssessment | None, assessed: Assessed, reason: str
) -> DiseaseAssessment:
    last = DiseaseAssessment.objects.filter(visit=visit).order_by("-version").first()
    if before is not None:
        with because(reason):
            DiseaseAssessment.objects.filter(pk=before.pk).update(superseded_at=at)
    return DiseaseAssessment.objects.create(
        **asdict(assessed),
        subject_id=visit.subject_id,
        site_id=visit.site_id,
        visit=visit,
        version=last.version + 1 if last else 1,
        reason=reason or ("Entered again" if last else ""),
        entered_by_id=by.user_id,
        entered_at=at,
    )


def mark_disease_assessment_in_error(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, visit_code: str, reason: str
) -> None:
    """An assessment that should never have been entered stands no more; it stays readable."""
    if not reason.strip():
        raise FieldsRefused({"reason": "Say why this was entered in error."})
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=reason):
        subject = lock_subject(subject_id)
        standing = DiseaseAssessment.objects.filter(subject=subject, visit__code=visit_code, superseded_at=None)
        sources = void_assessments(standing, at)
        if not sources:
            raise Refused("Nothing was entered for this visit.")
        ask_about_contradictions(by=by, at=at, subject=subject, visit_code=visit_code)
        words = f"{visit_label(visit_code)}: disease assessment entered in error"
        _spread(by, subject, visit_code, sources, words, reason, at)


def _follow_up(
    by: Actor,
    subject: Subject,
    code: str,
    before: DiseaseAssessment | None,
    changed: list[str],
    reason: str,
    at: datetime,
) -> None:
    what = label_of(changed[0])
    words = f"{visit_label(code)}: disease assessment {'corrected' if before else 'entered'} ({what.lower()})"
    sources = [f"disease_assessment:{before.pk}"] if before else []
    _spread(by, subject, code, sources, words, reason, at)


def _spread(by: Actor, subject: Subject, code: str, sources: list[str], words: str, reason: str, at: datetime) -> None:
    break_signatures_resting_on(sources, reason=f"{words}. {reason}"[:300], at=at)
    follow_change(subject, visit_code=code, at=at, caused_by=words)
    if may_lie_before(subject, code):
        ask_about_consent(by=by, at=at, subject=subject)
