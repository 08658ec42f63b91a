"""Visits: entered, corrected, unscheduled, entered in error. Nothing clinical is ever deleted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from labs.models import DiseaseAssessment, LabResult, Specimen
from labs.selectors import visit_label
from labs.selectors.bedside import BEDSIDE
from labs.services.answers import Answers, changes_in_words, last_save, merged
from labs.services.beside import ask_about_contradictions
from labs.services.consent import ask_about_consent, consent_problem, may_lie_before
from labs.services.dates import date_problem, site_day
from labs.services.refusals import FieldsRefused, ReasonMissing
from labs.services.responses import follow_change
from labs.services.visit_checks import ask_about_visit
from protocol.trial import TRIAL
from protocol.vocabulary import PanelCode
from trialsite.access import Actor, Duty
from trialsite.context import because, writing
from trialsite.models import Subject, Visit
from trialsite.services.queries import close_automatic_queries
from trialsite.services.signatures import break_signatures_resting_on
from trialsite.services.subjects import (
    Refused,
    check_open_for_data,
    first_submission,
    lock_subject,
    next_unscheduled_code,
    note_outcome,
    visit_for,
)


@dataclass(frozen=True)
class VisitFacts:
    """What the visit page asks: the date, and what is measured at the bedside. None is "not recorded".

    temperature_c in degrees Celsius, pulse per minute, pressures in mmHg. bedside_not_done: why the empty ones are.
    """

    occurred_on: date
    ecog: int | None = None
    weight_kg: Decimal | None = None
    temperature_c: Decimal | None = None
    pulse: int | None = None
    systolic: int | None = None
    diastolic: int | None = None
    bedside_not_done: str = ""
    #: Items that the edit checks ask about, and of which the enterer says that the source has them so.
    confirmed: frozenset[str] = frozenset()


def record_visit(
    *,
    by: Actor,
    at: datetime,
    subject_id: int,
    site_id: int,
    code: str,
    facts: VisitFacts,
    reason: str = "",
    seen: Answers | None = None,
) -> Visit:
    """Enter a visit's own facts, or correct them; also when it was stated not done and did take place.

    seen: the facts that lay under the form when it was opened, None if the caller held no older view.
    Raises FieldsRefused for an impossible date, ReasonMissing for a change that nobody explained, SavedMeanwhile for
    what another person changed since then, and differently.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=reason):
        subject = lock_subject(subject_id)
        check_open_for_data(subject)
        standing = _standing(subject, code)
        facts = _merged(standing, facts, seen)
        _check_facts(
            subject, code, facts, at, stands=standing is not None and standing.occurred_on == facts.occurred_on
        )
        entered = {name: value for name, value in answers_of(facts).items() if name != "occurred_on"}
        visit = standing or visit_for(
            by=by, at=at, subject=subject, code=code, occurred_on=facts.occurred_on, facts=entered
        )
        changed = _changed(visit, facts)
        overwrites = [name for name in changed if getattr(visit, name) not in (None, "")]
        if (overwrites or visit.status == Visit.Status.NOT_DONE) and not reason:
            raise ReasonMissing(tuple(_WORDS[name] for name in overwrites) or ("Not done",))
        if changed or visit.status == Visit.Status.NOT_DONE:
            _change(visit, facts, reason or "First entry")
        if overwrites:
            words = f"{visit_label(code)} corrected. {reason}"[:300]
            break_signatures_resting_on([f"visit:{visit.pk}"], reason=words, at=at)
        ask_about_visit(by=by, at=at, subject=subject, visit=visit, confirmed=facts.confirmed)
        _ask(by, at, subject, code)
        return visit


def corrections(*, subject: Subject, code: str, facts: VisitFacts, seen: Answers | None) -> tuple[str, ...]:
    """What of the recorded would change if this were saved, in words; SavedMeanwhile as the save."""
    standing = _standing(subject, code)
    if standing is None:
        return ()
    after = answers_of(_merged(standing, facts, seen))
    before = {name: value for name, value in answers_of(standing).items() if value not in (None, "")}
    return changes_in_words(before, {name: after[name] for name in before}, _WORDS.__getitem__)


def answers_of(one: Visit | VisitFacts) -> dict[str, Any]:
    """The facts of a stored visit, or as they were entered, by name."""
    return {name: getattr(one, name) for name in _WORDS}


def _standing(subject: Subject, code: str) -> Visit | None:
    """The visit, if it took place."""
    ended = (Visit.Status.NOT_DONE, Visit.Status.IN_ERROR)
    return Visit.objects.filter(subject=subject, code=code).exclude(status__in=ended).first()


def _merged(standing: Visit | None, mine: VisitFacts, seen: Answers | None) -> VisitFacts:
    if standing is None or seen is None:
        return mine
    settled = merged(
        opened=seen, theirs=answers_of(standing), mine=answers_of(mine),
        saved=lambda: last_save("visit", standing.pk), label=_WORDS.__getitem__,
    )  # fmt: skip
    return replace(mine, **settled)


_WORDS = {"occurred_on": "Visit date", **BEDSIDE, "bedside_not_done": "Why not done"}
#: What a measurement can be at all, in the unit of its column: lowest, highest, sentence.
_POSSIBLE: dict[str, tuple[Decimal, Decimal, str]] = {
    "ecog": (Decimal(0), Decimal(5), "ECOG is a grade from 0 to 5."),
    "weight_kg": (Decimal(20), Decimal(400), "Weight is between 20 and 400 kg."),
    "temperature_c": (Decimal(30), Decimal(45), "Temperature is between 30 and 45 °C."),
    "pulse": (Decimal(20), Decimal(250), "Pulse is between 20 and 250 per minute."),
    "systolic": (Decimal(50), Decimal(300), "Systolic pressure is between 50 and 300 mmHg."),
    "diastolic": (Decimal(20), Decimal(200), "Diastolic pressure is between 20 and 200 mmHg."),
}


def _check_facts(subject: Subject, code: str, facts: VisitFacts, at: datetime, *, stands: bool) -> None:
    problem = date_problem(subject, code, facts.occurred_on, site_day(subject, at), "Visit date")
    if not problem and not stands:
        problem = consent_problem(subject, facts.occurred_on, "Visit date")
    problems = {"occurred_on": problem} if problem else {}
    for name, (lowest, highest, sentence) in _POSSIBLE.items():
        value = getattr(facts, name)
        if value is not None and not lowest <= value <= highest:
            problems[name] = sentence
    high, low = facts.systolic, facts.diastolic
    if (high is None) != (low is None):
        problems["systolic" if high is None else "diastolic"] = "Enter both pressures, or neither."
    elif high is not None and low is not None and low >= high:
        problems.setdefault("diastolic", "Diastolic pressure is lower than systolic.")
    if problems:
        raise FieldsRefused(problems)


def _changed(visit: Visit, facts: VisitFacts) -> list[str]:
    return [name for name in _WORDS if getattr(visit, name) != getattr(facts, name)]


def _change(visit: Visit, facts: VisitFacts, reason: str) -> None:
    for name in _WORDS:
        setattr(visit, name, getattr(facts, name))
    visit.status = Visit.Status.ENTERED
    with because(reason):
        visit.save(update_fields=[*_WORDS, "status"])


def add_unscheduled_visit(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, occurred_on: date, reason: str, token: UUID
) -> str:
    """A visit outside the schedule, for example a sample to confirm a response; returns its code (uns1 ...)."""
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at):
        before = first_submission(token=token, by=by, at=at)
        if before is not None:
            return before
        subject = lock_subject(subject_id)
        check_open_for_data(subject)
        problem = date_problem(subject, "uns", occurred_on, site_day(subject, at), "Visit date")
        problem = problem or consent_problem(subject, occurred_on, "Visit date")
        problems = {"occurred_on": problem} if problem else {}
        if not reason.strip():
            problems["reason"] = "Say why the visit took place."
        if problems:
            raise FieldsRefused(problems)
        code = next_unscheduled_code(subject)
        visit_for(by=by, at=at, subject=subject, code=code, occurred_on=occurred_on, reason=reason)
        note_outcome(token=token, outcome=code)
        return code


def mark_specimen_in_error(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, specimen_id: int, reason: str
) -> Specimen:
    """A specimen that should never have been entered (wrong person, wrong visit): its results stand no more."""
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=_needed(reason)):
        subject = lock_subject(subject_id)
        specimen = Specimen.objects.select_related("visit").get(pk=specimen_id, subject=subject)
        if specimen.status == Specimen.Status.IN_ERROR:
            raise Refused("This panel was entered in error already.")
        sources = _void_specimens([specimen], at, reason)
        panel = TRIAL.panels[PanelCode(specimen.panel)].label
        words = f"{visit_label(specimen.visit.code)}: {panel} entered in error"
        _follow_up(subject, specimen.visit.code, sources, words, reason, at)
        ask_about_contradictions(by=by, at=at, subject=subject, visit_code=specimen.visit.code)
        _ask(by, at, subject, specimen.visit.code)
        return specimen


def mark_visit_in_error(*, by: Actor, at: datetime, subject_id: int, site_id: int, code: str, reason: str) -> Visit:
    """A visit that should never have been entered: its panels and its disease assessment go with it."""
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=_needed(reason)):
        subject = lock_subject(subject_id)
        visit = Visit.objects.filter(subject=subject, code=code).exclude(status=Visit.Status.IN_ERROR).first()
        if visit is None or visit.occurred_on is None:
            raise Refused("Nothing was entered for this visit.")
        sources = _void_specimens(Specimen.objects.filter(visit=visit, status=Specimen.Status.COMPLETE), at, reason)
        sources += void_assessments(DiseaseAssessment.objects.filter(visit=visit, superseded_at=None), at)
        sources.append(f"visit:{visit.pk}")
        visit.status, visit.reason = Visit.Status.IN_ERROR, reason
        visit.save(update_fields=["status", "reason"])
        _follow_up(subject, code, sources, f"{visit_label(code)} entered in error", reason, at)
        ask_about_visit(by=by, at=at, subject=subject, visit=visit)
        _ask(by, at, subject, code)
        return visit


def _ask(by: Actor, at: datetime, subject: Subject, code: str) -> None:
    if may_lie_before(subject, code):
        ask_about_consent(by=by, at=at, subject=subject)


def _needed(reason: str) -> str:
    if not reason.strip():
        raise FieldsRefused({"reason": "Say why this was entered in error."})
    return reason.strip()


def _void_specimens(specimens: Iterable[Specimen], at: datetime, reason: str) -> list[str]:
    """Mark specimens in error and close their results; the references of what no longer stands."""
    sources: list[str] = []
    for specimen in specimens:
        standing = list(LabResult.objects.filter(specimen=specimen, superseded_at=None))
        LabResult.objects.filter(pk__in=[one.pk for one in standing]).update(superseded_at=at)
        for one in standing:
            close_automatic_queries(
                record_type="lab_result", record_id=one.pk, item=one.analyte, at=at, reason="Entered in error."
            )
        specimen.status, specimen.status_reason = Specimen.Status.IN_ERROR, reason
        specimen.save(update_fields=["status", "status_reason"])
        sources += [f"lab_result:{one.pk}" for one in standing]
    return sources


def void_assessments(assessments: Iterable[DiseaseAssessment], at: datetime) -> list[str]:
    """Close assessments that were entered in error; the references of what no longer stands."""
    voided = list(assessments)
    for one in voided:
        one.in_error, one.superseded_at = True, at
        one.save(update_fields=["in_error", "superseded_at"])
    return [f"disease_assessment:{one.pk}" for one in voided]


def _follow_up(subject: Subject, code: str, sources: list[str], words: str, reason: str, at: datetime) -> None:
    if not sources:
        return
    break_signatures_resting_on(sources, reason=f"{words}. {reason}"[:300], at=at)
    follow_change(subject, visit_code=code, at=at, caused_by=words)
