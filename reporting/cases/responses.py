"""What the engine says about a scenario's responses: per assessment, as of a date, and per epoch."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from protocol.baseline import number, ratio_of
from protocol.explain import to_json
from protocol.mde import corrected
from protocol.measurements import Course, Measurement, PhaseInterval
from protocol.months import add_months
from protocol.phases import find_discrepancies, propose
from protocol.response import EpochHistory, TimePoint, assess, assess_against
from protocol.schema import Protocol
from protocol.vocabulary import TREATMENT_PHASES, Analyte, Flag, Phase
from reporting.cases.reader import Malformed, Object, as_list, as_object, day, member, need, objects, text
from reporting.cases.subject import Subject, add_assessment

Computed = dict[str, object]


def responses(subject: Subject, expected: Object) -> list[Computed]:
    """Time-point and confirmed response of each assessment asked for; of every one if nothing is asked."""
    points = {t.on: t for t in assess(subject.course, subject.trial).time_points}
    return [_response(name, points.get(subject.seen_on[name])) for name in _asked(subject, expected, "responses")]


def _asked(subject: Subject, expected: Object, key: str) -> list[str]:
    if key not in expected:
        return list(subject.seen_on)
    names = [text(row, "assessment", subject.where) for row in objects(expected, key, subject.where)]
    for name in names:
        if name not in subject.seen_on:
            raise Malformed(f"{subject.where}: {key} names assessment {name!r}, which is not listed.")
    return names


def _response(name: str, point: TimePoint | None) -> Computed:
    if point is None:
        return {"assessment": name, "timepoint": None, "confirmed": None}
    return {
        "assessment": name,
        "timepoint": point.timepoint.value,
        "confirmed": point.confirmed.value,
        "missing_critical": to_json(point.missing_critical),
        "pd_reasons": to_json(point.pd_reasons),
        "mde": to_json(point.mde),
        "mde_candidates": to_json(point.mde_candidates),
    }


def derived(subject: Subject, expected: Object) -> list[Computed]:
    """Values derived from the labs of an assessment."""
    return [_derived(name, subject) for name in _asked(subject, expected, "derived")]


def _derived(name: str, subject: Subject) -> Computed:
    on = subject.seen_on[name]
    values = {m.analyte: m for m in subject.course.current().measurements if m.collected_on == on and m.has_value}
    calcium = corrected(values)
    return {
        "assessment": name,
        "corrected_calcium_mg_dl": calcium.mg_dl if calcium else None,
        "flc_ratio": ratio_of(values),
        "dflc_mg_l": _chain_difference(values),
    }


def _chain_difference(values: Mapping[Analyte, Measurement]) -> Decimal | None:
    kappa, lam = number(values, Analyte.FLC_KAPPA), number(values, Analyte.FLC_LAMBDA)
    return None if kappa is None or lam is None else abs(kappa - lam)


def as_of(subject: Subject, expected: Object, *, by_knowledge: bool) -> list[Computed]:
    """Status, phase and proposal as of each date asked for."""
    days = [day(row, "as_of", subject.where) for row in objects(expected, "as_of", subject.where)]
    return [_as_of(subject, on, by_knowledge=by_knowledge) for on in days]


def _as_of(subject: Subject, on: date, *, by_knowledge: bool) -> Computed:
    course = subject.course.known_by(on) if by_knowledge else subject.course
    now = course.phase_on(on)
    treated = now is not None and now.phase in TREATMENT_PHASES
    before = _before_decisions_of(course, on) if treated else course
    state = before.phase_on(on) or now
    history = assess(before, subject.trial, on)
    proposal = propose(state.phase if state else Phase.ENROLLED, before, history, on, subject.trial)
    changed = find_discrepancies(subject.course, on, subject.trial)
    flags = [*proposal.flags, *([Flag.ASSIGNMENT_DISCREPANCY] if changed else [])]
    return {
        "as_of": on.isoformat(),
        "phase": now.phase.value if now else None,
        "phase_start": now.starts_on.isoformat() if now else None,
        "confirmed_status": history.confirmed_status.value,
        "latest_timepoint": history.latest.timepoint.value if history.latest else None,
        "proposal": proposal.kind.value if proposal.kind else None,
        "proposal_rule": proposal.rule,
        "flags": to_json(flags),
    }


def _before_decisions_of(course: Course, on: date) -> Course:
    """The course as a decision of that day found it: a phase that starts today is not running yet."""
    kept = [p for p in course.phases if p.starts_on < on or p.phase is Phase.INDUCTION]
    ends = [replace(p, ends_on=None) if p.ends_on is not None and p.starts_on < on <= _next(p) else p for p in kept]
    return replace(course, phases=tuple(ends))


def _next(span: PhaseInterval) -> date:
    return date.fromordinal(span.ends_on.toordinal() + 1) if span.ends_on else span.starts_on


def epoch(case: Object, trial: Protocol, where: str) -> tuple[list[Computed], Computed]:
    """Responses against study and phase baseline, and what follows from them."""
    phase = member(Phase, need(case, "phase", where), f"{where}: phase")
    starts_on = day(case, "phase_start", where)
    subject = Subject(trial, where)
    reference_on = _baselines(subject, case)
    subject.day1 = _day1_for(phase, starts_on, reference_on, trial)
    for row in objects(case, "assessments", where):
        add_assessment(subject, row)
    subject.phases = [PhaseInterval(Phase.INDUCTION, subject.day1), PhaseInterval(phase, starts_on)]
    study = assess(replace(subject.course, phases=()), trial).epochs[0]
    own = assess_against(subject.course, trial, starts_on)
    names = _asked_epoch(case, subject)
    rows = [_epoch_row(name, subject.seen_on[name], study, own) for name in names]
    last = max(subject.seen_on.values())
    proposal = propose(phase, subject.course, assess(subject.course, trial, last), last, trial)
    return rows, {
        "expected_study_confirmed": study.confirmed_status.value,
        "expected_phase_confirmed": own.confirmed_status.value if own else None,
        "expected_proposal": proposal.kind.value if proposal.kind else None,
    }


def _baselines(subject: Subject, case: Object) -> date:
    """Study and phase baseline as assessments of their own; the date of the study baseline."""
    for name in ("study_baseline", "phase_baseline"):
        row = as_object(need(case, name, subject.where), f"{subject.where}: {name}")
        add_assessment(subject, {**row, "id": name})
    return subject.seen_on["study_baseline"]


def _day1_for(phase: Phase, starts_on: date, reference_on: date, trial: Protocol) -> date:
    """Day 1 is not given: the day that puts the phase at its place, but not before the study baseline."""
    months = {Phase.ANAKINRA_ONLY: -6, Phase.LOW_DEX_7_12: -6, Phase.LOW_DEX_13_18: -12}.get(phase)
    placed = add_months(starts_on, months, trial.config.month_convention) if months else reference_on
    return max(reference_on, placed)


def _asked_epoch(case: Object, subject: Subject) -> list[str]:
    if "expected" in case:
        return _asked(subject, {"expected": as_list(case["expected"], subject.where)}, "expected")
    return [name for name in subject.seen_on if not name.endswith("_baseline")]


def _epoch_row(name: str, on: date, study: EpochHistory, own: EpochHistory | None) -> Computed:
    def said(history: EpochHistory | None) -> str | None:
        found = [t.timepoint.value for t in history.time_points if t.on == on] if history else []
        return found[0] if found else None

    return {"assessment": name, "vs_study_baseline": said(study), "vs_phase_baseline": said(own)}
