"""Treatment phases as lived, and what follows from them: planned doses and planned visits. Nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from dosing.models import PhaseDecision
from labs.selectors import course_for
from protocol import doses, spans, visits
from protocol.doses import PlannedDose
from protocol.measurements import Course, Decision, PhaseInterval
from protocol.schema import Protocol
from protocol.vocabulary import TREATMENT_PHASES, Phase, ProposalKind
from trialsite.models import Site, Subject
from trialsite.selectors import confirmed_parameter, protocol_of, state_periods


def site_day(site: Site, at: datetime) -> date:
    """The date at the site at that instant."""
    return at.astimezone(ZoneInfo(site.time_zone)).date()


def phases(subject: Subject) -> tuple[PhaseInterval, ...]:
    """Treatment phases in order, cut off at the last dose or at death. Only the present one may be open."""
    spans_ = (
        PhaseInterval(Phase(period.state), period.starts_on, period.ends_on)
        for period in state_periods(subject)
        if Phase(period.state) in TREATMENT_PHASES
    )
    stop = min((day for day in (subject.treatment_ended_on, subject.died_on) if day), default=None)
    return tuple(spans_) if stop is None else tuple(_cut(span, stop) for span in spans_ if span.starts_on <= stop)


def _cut(span: PhaseInterval, stop: date) -> PhaseInterval:
    return replace(span, ends_on=stop if span.ends_on is None else min(span.ends_on, stop))


def course_of(subject: Subject, signed: Sequence[PhaseDecision] | None = None) -> Course:
    """Everything the rules read about one subject, with the signed phase decisions (those given, else all)."""
    if signed is None:
        signed = list(PhaseDecision.objects.filter(subject=subject).select_related("proposal"))
    return replace(course_for(subject), decisions=tuple(as_decision(one, subject) for one in signed))


def as_decision(decision: PhaseDecision, subject: Subject) -> Decision:
    return Decision(
        on=site_day(subject.site, decision.decided_at),
        from_phase=Phase(decision.proposal.from_state),
        to_phase=Phase(decision.to_phase),
        proposed=ProposalKind(decision.proposal.kind),
        source=f"phase_decision:{decision.pk}",
    )


def high_dex_mg(protocol_version: str) -> Decimal | None:
    """The high dose of dexamethasone in mg as confirmed by signature, None until somebody signed it."""
    confirmation = confirmed_parameter("high_dex_mg", protocol_version)
    return Decimal(confirmation.value) if confirmation else None


def uses_unconfirmed_dose(spans_: Sequence[PhaseInterval], protocol_version: str) -> bool:
    """True if a high-dose phase is there while its dose in mg is not confirmed: no calendar can be made."""
    return any(span.phase is Phase.HIGH_DEX for span in spans_) and high_dex_mg(protocol_version) is None


def planned_doses(subject: Subject, through: date | None = None) -> tuple[PlannedDose, ...]:
    """Every planned dose from Day 1 to the planned end of the present phase, in order of day and drug.

    A phase whose planned end has passed without a decision runs on to `through`, usually today (A16). Empty before
    Day 1. Raises protocol.doses.UnconfirmedDose for a high-dose phase while the dose in mg is not confirmed.
    """
    if subject.day1_on is None:
        return ()
    lived = drawn_out(phases(subject), subject.day1_on, through, protocol_of(subject))
    return doses.planned_doses(lived, subject.day1_on, protocol_of(subject), high_dex_mg(subject.protocol_version))


def drawn_out(
    spans_: Sequence[PhaseInterval], day1: date, through: date | None, trial: Protocol
) -> tuple[PhaseInterval, ...]:
    """The same phases; an open one whose planned end lies before `through` ends then."""
    planned = spans.plan_phases(spans_, day1, trial)
    return tuple(
        replace(plan, ends_on=through)
        if span.ends_on is None and through is not None and plan.ends_on is not None and plan.ends_on < through
        else plan
        for span, plan in zip(sorted(spans_, key=lambda one: one.starts_on), planned, strict=True)
    )


def planned_end_on(spans_: Sequence[PhaseInterval], subject: Subject) -> date | None:
    """Last planned day of treatment, None before Day 1."""
    day1 = subject.day1_on
    if day1 is None or not spans_:
        return None
    return spans.plan_phases(spans_, day1, protocol_of(subject))[-1].ends_on


def planned_visits(subject: Subject, spans_: Sequence[PhaseInterval] | None = None) -> tuple[visits.PlannedVisit, ...]:
    """Planned visits of a subject; `spans_` stands for phases other than those lived (a preview)."""
    lived = phases(subject) if spans_ is None else spans_
    anchors = visits.Anchors(
        registered_on=subject.registered_on,
        day1=subject.day1_on,
        planned_end_on=planned_end_on(lived, subject),
        ended_treatment_on=subject.treatment_ended_on,
    )
    return visits.schedule(anchors, protocol_of(subject))
