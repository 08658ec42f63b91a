"""One scenario of a case file as a subject's course: assessments, actions and corrections."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from protocol.measurements import Course, Decision, DiseaseFinding, Measurement, PhaseInterval
from protocol.schema import Protocol
from protocol.vocabulary import TREATMENT_PHASES, Analyte, Phase
from reporting.cases.labs import corrected_finding, is_finding, measurement, read_labs
from reporting.cases.reader import (
    Malformed,
    Object,
    as_object,
    configured,
    day,
    member,
    need,
    objects,
    optional_day,
    part,
    text,
    truth,
    whole,
)

DAY = timedelta(days=1)


@dataclass
class Subject:
    """A scenario while it is read. `seen_on` maps assessment ids to collection dates."""

    trial: Protocol
    where: str
    day1: date | None = None
    registered_on: date | None = None
    ended_on: date | None = None
    stopped_on: date | None = None
    death_on: date | None = None
    death_due_to_myeloma: bool = False
    new_therapy_on: date | None = None
    phases: list[PhaseInterval] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    findings: list[DiseaseFinding] = field(default_factory=list)
    seen_on: dict[str, date] = field(default_factory=dict)
    holds: list[tuple[date, date]] = field(default_factory=list)
    visits_done: dict[int, date] = field(default_factory=dict)
    worker_down: list[tuple[date, date]] = field(default_factory=list)
    transfusions: list[date] = field(default_factory=list)
    esa_doses: list[date] = field(default_factory=list)
    serum_measure: Analyte = Analyte.SERUM_M

    @property
    def course(self) -> Course:
        return Course(
            day1=self.day1,
            measurements=tuple(self.measurements),
            findings=tuple(self.findings),
            phases=tuple(self.phases),
            decisions=tuple(self.decisions),
            registered_on=self.registered_on,
            ended_treatment_on=self.ended_on,
            new_therapy_on=self.new_therapy_on,
            death_on=self.death_on,
            death_due_to_myeloma=self.death_due_to_myeloma,
            transfusions=tuple(self.transfusions),
            esa_doses=tuple(self.esa_doses),
            serum_measure=self.serum_measure,
        )


def read_subject(case: Object, trial: Protocol, where: str) -> Subject:
    """The subject of a response or pathway scenario, with the case's own switches.

    Two of them belong to the subject, not to the protocol: the day of registration, and what was chosen at baseline
    to follow the serum by (serum_m, or iga where electrophoresis is unreliable).
    """
    settings = dict(part(case, "config", where))
    registered = optional_day(settings, "registration", where)
    measure = _serum_measure(settings.get("serum_measure", Analyte.SERUM_M), where)
    own = {name: value for name, value in settings.items() if name not in ("registration", "serum_measure")}
    subject = Subject(configured(trial, own, where), where, registered_on=registered, serum_measure=measure)
    if case.get("day1") is not None:
        _first_dose(subject, day(case, "day1", where), case)
    for row in objects(case, "assessments", where):
        add_assessment(subject, row)
    subject.new_therapy_on = optional_day(case, "new_anticancer_therapy", where) or optional_day(
        case, "new_therapy", where
    )
    for action in sorted(objects(case, "actions", where), key=lambda a: day(a, "date", where)):
        _act(subject, action)
    return subject


def _serum_measure(value: object, where: str) -> Analyte:
    measure = member(Analyte, value, f"{where}: config serum_measure")
    if measure not in (Analyte.SERUM_M, Analyte.IGA):
        raise Malformed(f"{where}: config serum_measure is neither serum_m nor iga.")
    return measure


def add_assessment(subject: Subject, row: Object) -> None:
    """One assessment with its labs."""
    name = text(row, "id", f"{subject.where}: assessment")
    where = f"{subject.where}: {name}"
    if name in subject.seen_on:
        raise Malformed(f"{where} is listed twice.")
    on = day(row, "date", where)
    results, finding = read_labs(as_object(need(row, "labs", where), f"{where}: labs"), on, name, where)
    subject.seen_on[name] = on
    subject.measurements.extend(results)
    subject.findings.extend([finding] if finding else [])


def _act(subject: Subject, action: Object) -> None:
    kind = text(action, "type", f"{subject.where}: action")
    if kind not in ACTIONS:
        raise Malformed(f"{subject.where}: action {kind!r} is not one of {', '.join(ACTIONS)}.")
    ACTIONS[kind](subject, day(action, "date", f"{subject.where}: {kind}"), action)


def _register(subject: Subject, on: date, action: Object) -> None:
    subject.registered_on = on


def _first_dose(subject: Subject, on: date, action: Object) -> None:
    if subject.day1 == on:
        return
    if subject.day1 is not None:
        raise Malformed(f"{subject.where}: Day 1 is {subject.day1.isoformat()}, the first dose {on.isoformat()}.")
    subject.day1 = on
    subject.phases.append(PhaseInterval(Phase.INDUCTION, on))


def _start_phase(subject: Subject, on: date, action: Object) -> None:
    phase = member(Phase, need(action, "phase", subject.where), f"{subject.where}: phase")
    if subject.phases:
        subject.decisions.append(Decision(on, subject.phases[-1].phase, phase, None))
    _move(subject, phase, on)


def _move(subject: Subject, phase: Phase, on: date) -> None:
    _close(subject, on - DAY)
    subject.phases.append(PhaseInterval(phase, on))


def _close(subject: Subject, last: date) -> None:
    if subject.phases and subject.phases[-1].ends_on is None:
        subject.phases[-1] = replace(subject.phases[-1], ends_on=last)


def _end_treatment(subject: Subject, on: date, action: Object) -> None:
    subject.ended_on = on
    if subject.phases:
        _move(subject, Phase.FOLLOW_UP, on + DAY)


def _stop(phase: Phase) -> Callable[[Subject, date, Object], None]:
    """Death, withdrawal, loss or leaving the study: the subject is in `phase` from that day on."""

    def stop(subject: Subject, on: date, action: Object) -> None:
        subject.stopped_on = subject.stopped_on or on
        if phase is Phase.DEAD:
            subject.death_on = on
            due = truth(action.get("due_to_myeloma", action.get("death_due_to_myeloma")), subject.where)
            subject.death_due_to_myeloma = bool(due)
        if subject.phases:
            in_treatment = subject.phases[-1].phase in TREATMENT_PHASES
            _close(subject, on if in_treatment else on - DAY)
            subject.phases.append(PhaseInterval(phase, on + DAY if in_treatment else on))

    return stop


def _correct(subject: Subject, on: date, action: Object) -> None:
    """A correction supersedes the current version and keeps it; null makes the result missing."""
    name = text(action, "assessment", subject.where)
    where = f"{subject.where}: correction of {name}"
    if name not in subject.seen_on:
        raise Malformed(f"{where}: there is no such assessment.")
    key = text(action, "analyte", where)
    if is_finding(key):
        _correct_finding(subject, on, name, {key: action.get("value")}, where)
        return
    corrected = replace(measurement(key, action.get("value"), subject.seen_on[name], name, where), entered_on=on)
    subject.measurements = [
        replace(m, superseded_on=on) if _is_replaced(m, corrected) else m for m in subject.measurements
    ]
    subject.measurements.append(corrected)


def _correct_finding(subject: Subject, on: date, name: str, labs: Object, where: str) -> None:
    seen_on = subject.seen_on[name]
    current = next((f for f in subject.findings if f.visit == name and f.superseded_on is None), None)
    subject.findings = [replace(f, superseded_on=on) if f is current else f for f in subject.findings]
    corrected = corrected_finding(current, labs, seen_on, name, where)
    subject.findings.append(replace(corrected, entered_on=on))


def _is_replaced(m: Measurement, corrected: Measurement) -> bool:
    same = m.analyte is corrected.analyte and m.visit == corrected.visit
    return same and m.superseded_on is None


def _hold(subject: Subject, on: date, action: Object) -> None:
    until = optional_day(action, "until", subject.where) or on
    if action.get("drug", "anakinra") == "anakinra":
        subject.holds.append((on, until))


def _visit_done(subject: Subject, on: date, action: Object) -> None:
    subject.visits_done[whole(action, "k", subject.where)] = on


def _worker_down(subject: Subject, on: date, action: Object) -> None:
    subject.worker_down.append((on, day(action, "until", subject.where)))


def _new_therapy(subject: Subject, on: date, action: Object) -> None:
    subject.new_therapy_on = min(on, subject.new_therapy_on or on)


def _late_assessment(subject: Subject, on: date, action: Object) -> None:
    """An assessment entered late: collected on its own date, known from the day of the action."""
    results, findings = len(subject.measurements), len(subject.findings)
    add_assessment(subject, as_object(need(action, "assessment", subject.where), subject.where))
    subject.measurements[results:] = [replace(m, entered_on=on) for m in subject.measurements[results:]]
    subject.findings[findings:] = [replace(f, entered_on=on) for f in subject.findings[findings:]]


def _transfusion(subject: Subject, on: date, action: Object) -> None:
    subject.transfusions.append(on)


def _esa(subject: Subject, on: date, action: Object) -> None:
    subject.esa_doses.append(on)


ACTIONS: Mapping[str, Callable[[Subject, date, Object], None]] = {
    "REGISTER": _register,
    "FIRST_DOSE": _first_dose,
    "START_PHASE": _start_phase,
    "END_TREATMENT": _end_treatment,
    "OFF_STUDY": _stop(Phase.OFF_STUDY),
    "DEATH": _stop(Phase.DEAD),
    "WITHDRAW_CONSENT": _stop(Phase.WITHDRAWN),
    "LOST": _stop(Phase.LOST),
    "LOST_TO_FOLLOW_UP": _stop(Phase.LOST),
    "LOST_TO_FOLLOWUP": _stop(Phase.LOST),
    "CORRECT_LAB": _correct,
    "ADD_ASSESSMENT": _late_assessment,
    "HOLD": _hold,
    "MISSED": _hold,
    "FU_VISIT_DONE": _visit_done,
    "WORKER_DOWN": _worker_down,
    "NEW_THERAPY": _new_therapy,
    "NEW_ANTICANCER_THERAPY": _new_therapy,
    "TRANSFUSION": _transfusion,
    "ESA": _esa,
}
