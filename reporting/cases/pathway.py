"""What the engine plans for a scenario: phases, doses, follow-up visits and the reminders sent."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from protocol.doses import PlannedDose, high_dose_months, intensity, planned_doses
from protocol.measurements import PhaseInterval
from protocol.months import month_start
from protocol.spans import plan_phases
from protocol.visits import PlannedVisit, follow_up_visits, reminder_due, reminder_steps
from protocol.vocabulary import LOW_DEX_PHASES, TREATMENT_PHASES, Drug, Phase
from reporting.cases.reader import Object, as_object, day, objects, part, whole
from reporting.cases.responses import Computed
from reporting.cases.subject import Subject

DAY = timedelta(days=1)
_STUDY_MONTHS = 18


def phases(subject: Subject) -> list[Computed]:
    """Phases with inclusive ends; an open last phase ends as planned."""
    if subject.day1 is None:
        return []
    return [_phase(span) for span in plan_phases(subject.phases, subject.day1, subject.trial)]


def _phase(span: PhaseInterval) -> Computed:
    row: Computed = {
        "phase": span.phase.value,
        "start": span.starts_on.isoformat(),
        "end": span.ends_on.isoformat() if span.ends_on else None,
    }
    if span.phase in TREATMENT_PHASES and span.ends_on is not None:
        row["anakinra_days"] = (span.ends_on - span.starts_on).days + 1
    return row


def doses_of(subject: Subject) -> tuple[PlannedDose, ...]:
    """Planned doses; the high dose in mg is the configured one, which is not confirmed."""
    if subject.day1 is None:
        return ()
    treatment = [p for p in subject.phases if p.phase in TREATMENT_PHASES]
    return planned_doses(treatment, subject.day1, subject.trial, subject.trial.config.high_dex_mg)


def dosing(subject: Subject) -> Computed:
    """The dosing calendar in the words of a case file."""
    doses = doses_of(subject)
    anakinra = [d for d in doses if d.drug is Drug.ANAKINRA]
    dex = [d for d in doses if d.drug is Drug.DEXAMETHASONE]
    low = [d for d in dex if d.regimen in LOW_DEX_PHASES]
    high = [d for d in dex if d.regimen is Phase.HIGH_DEX]
    strengths = {d.mg for d in dex}
    held = sum(1 for d in anakinra if any(first <= d.on <= last for first, last in subject.holds))
    return {
        "anakinra_total_days": len(anakinra),
        "anakinra_total_mg": sum((d.mg for d in anakinra), Decimal(0)),
        "anakinra_planned_days": len(anakinra),
        "anakinra_held_days": held,
        "anakinra_expected_given": len(anakinra) - held,
        "relative_dose_intensity_pct": intensity(Decimal(len(anakinra)), Decimal(len(anakinra) - held)),
        "dex_dates": _dates(dex),
        "dex_dose_count": len(dex),
        "dex_mg_per_dose": strengths.pop() if len(strengths) == 1 else None,
        "dex_total_mg": sum((d.mg for d in dex), Decimal(0)),
        "low_dex_dates": _dates(low),
        "low_dex_count": len(low),
        "low_dex_total_mg": sum((d.mg for d in low), Decimal(0)),
        "high_dex_dates": _dates(high),
        "high_dex_count": len(high),
        "high_dex_total_mg": sum((d.mg for d in high), Decimal(0)),
        "high_dex_first_month": _dates([d for d in high if d.phase is Phase.HIGH_DEX and d.month_in_phase == 1]),
        "high_dex_month_starts": _high_dex_months(subject),
        "unconfirmed": ["high_dex_mg"] if high else [],
    }


def _dates(doses: Sequence[PlannedDose]) -> list[str]:
    return [d.on.isoformat() for d in doses]


def _high_dex_months(subject: Subject) -> list[str]:
    starts = [p.starts_on for p in subject.phases if p.phase is Phase.HIGH_DEX]
    return [on.isoformat() for on in high_dose_months(starts[0], subject.trial)] if starts else []


def checks(subject: Subject, expected: Object) -> Computed:
    """Further facts about the calendar and the analysis sets."""
    dex = [d for d in doses_of(subject) if d.drug is Drug.DEXAMETHASONE]
    gaps = [(later.on - earlier.on).days for earlier, later in pairwise(dex)]
    months = expected.get("study_month_starts")
    return {
        "min_days_between_dex": min(gaps, default=None),
        "doses_in_7_12": sum(1 for d in dex if d.phase is Phase.LOW_DEX_7_12),
        "doses_in_13_18": sum(1 for d in dex if d.phase is Phase.LOW_DEX_13_18),
        "doses_in_high_dex": sum(1 for d in dex if d.phase is Phase.HIGH_DEX),
        "study_month_starts": _month_starts(subject, len(months) if isinstance(months, list) else _STUDY_MONTHS),
        "in_enrolled": subject.registered_on is not None or subject.day1 is not None,
        "in_safety_population": subject.day1 is not None,
        "in_efficacy_population": subject.day1 is not None,
    }


def _month_starts(subject: Subject, count: int) -> list[str]:
    if subject.day1 is None:
        return []
    convention = subject.trial.config.month_convention
    return [month_start(subject.day1, month, convention).isoformat() for month in range(1, count + 1)]


def follow_up(subject: Subject, expected: Object) -> Computed | None:
    """Follow-up visits from the end of treatment; None while there is none."""
    if subject.ended_on is None:
        return None
    visits = follow_up_visits(subject.ended_on, subject.trial, subject.registered_on)
    asked = [whole(row, "k", subject.where) for row in objects(expected, "visits", subject.where)]
    reminded = part(expected, "reminders", subject.where)
    asked_of = reminded.keys() or {str(v.number) for v in visits}
    return {
        "origin": subject.ended_on.isoformat(),
        "count": len(visits),
        "due_dates": [v.target_on.isoformat() for v in visits],
        "visits": [_visit(v, subject) for v in visits if v.number in (asked or range(1, len(visits) + 1))],
        "reminders": {str(v.number): _reminders(v, subject) for v in visits if str(v.number) in asked_of},
        "sent": _sent(subject, visits, expected),
    }


def _visit(visit: PlannedVisit, subject: Subject) -> Computed:
    return {
        "k": visit.number,
        "due": visit.target_on.isoformat(),
        "open": visit.opens_on.isoformat(),
        "close": visit.closes_on.isoformat(),
        "reminders": _reminders(visit, subject),
    }


def _reminders(visit: PlannedVisit, subject: Subject) -> list[str]:
    return [step.on.isoformat() for step in reminder_steps(visit, subject.trial)]


def _sent(subject: Subject, visits: Sequence[PlannedVisit], expected: Object) -> Computed | None:
    """The reminders that a daily sweep sends up to a day, with the days on which it was down."""
    if expected.get("sent") is None or subject.ended_on is None:
        return None
    until = day(as_object(expected["sent"], f"{subject.where}: sent"), "until", f"{subject.where}: sent")
    settled: dict[int, frozenset[int]] = {v.number: frozenset() for v in visits}
    sent: list[list[object]] = []
    for today in _working_days(subject, subject.ended_on, until):
        for visit in visits:
            done_on = subject.visits_done.get(visit.number)
            due = reminder_due(visit, today, settled[visit.number], subject.trial, done_on, subject.stopped_on)
            if due.send is not None:
                sent.append([today.isoformat(), visit.number])
                settled[visit.number] |= {due.send.offset, *(step.offset for step in due.skipped)}
    return {"until": until.isoformat(), "sent": sent}


def _working_days(subject: Subject, first: date, last: date) -> Iterator[date]:
    today = first
    while today <= last:
        if not any(start <= today <= end for start, end in subject.worker_down):
            yield today
        today += DAY
