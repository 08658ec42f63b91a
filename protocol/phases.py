"""What the protocol proposes next (T-M6, T7 to T13). A machine proposes; only a signature moves a subject (T-LOCK)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from protocol.explain import spoken
from protocol.measurements import Course, Decision
from protocol.months import add_months
from protocol.response import ResponseHistory, TimePoint, assess
from protocol.schema import Protocol, Transition
from protocol.spans import plan_phases, planned_end
from protocol.vocabulary import (
    RESPONDING,
    TREATMENT_PHASES,
    Flag,
    Month6Basis,
    PdAction,
    Phase,
    ProposalKind,
    Response,
)

__all__ = [
    "Discrepancy",
    "Proposal",
    "find_discrepancies",
    "may_move",
    "plan_phases",
    "planned_end",
    "propose",
    "roads_from",
]
Kind = ProposalKind
Window = tuple[date, date]


@dataclass(frozen=True)
class Proposal:
    """What is proposed and why. `kind` None: nothing to decide. `phase`: where a signature would lead."""

    kind: ProposalKind | None
    phase: Phase | None
    rule: str
    words: str
    target_on: date | None = None
    window: Window | None = None
    flags: tuple[Flag, ...] = ()
    waits_for: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Discrepancy:
    """A signed decision whose proposal would read differently with what is known now."""

    decision: Decision
    proposed_then: ProposalKind | None
    proposed_now: ProposalKind | None


@dataclass(frozen=True)
class Situation:
    """Everything a decision rule looks at."""

    state: Phase
    course: Course
    history: ResponseHistory
    as_of: date
    trial: Protocol
    target: date
    window: Window

    @property
    def in_window(self) -> TimePoint | None:
        """The last evaluable sample in the window, or a late one accepted by a signed deviation."""
        opens, closes = self.window
        latest = closes + timedelta(days=self.trial.config.late_sample_days)
        points = [t for t in self.history.time_points if t.evaluable]
        inside = [t for t in points if opens <= t.on <= closes]
        late = [t for t in points if closes < t.on <= latest and t.on in self.course.accepted_late_samples]
        return inside[-1] if inside else late[0] if late else None

    @property
    def responding(self) -> bool:
        return self.history.confirmed_status in RESPONDING


def propose(state: Phase, course: Course, history: ResponseHistory, as_of: date, trial: Protocol) -> Proposal:
    """The proposal for a subject in phase `state` on a day. `history` is `assess(course, trial, as_of)`."""
    if state not in TREATMENT_PHASES or course.day1 is None:
        return Proposal(None, None, "T-LOCK", "No treatment decision is open in this phase.", flags=history.flags)
    situation = _situation(state, course, history, as_of, trial, course.day1)
    proposal = next(p for rule in RULES if (p := rule(situation)) is not None)
    return replace(
        proposal,
        target_on=situation.target,
        window=situation.window,
        flags=(*_discordant(situation, proposal), *history.flags),
        notes=_notes(situation),
    )


def _situation(
    state: Phase,
    course: Course,
    history: ResponseHistory,
    as_of: date,
    trial: Protocol,
    day1: date,
) -> Situation:
    config = trial.config
    if state is Phase.INDUCTION:
        target, days = add_months(day1, 6, config.month_convention), config.month6_window_days
    else:
        starts_on = max((p.starts_on for p in course.phases if p.phase is state), default=day1)
        target, days = planned_end(state, starts_on, day1, trial) or as_of, config.phase_end_window_days
    window = target + timedelta(days=days[0]), target + timedelta(days=days[1])
    return Situation(state, course, history, as_of, trial, target, window)


def _progression(s: Situation) -> Proposal | None:
    """A confirmed progression or active myeloma comes before everything else."""
    epoch = s.history.current
    if epoch is None or not (epoch.first_pd_on or epoch.active_mm_on):
        return None
    if not epoch.active_mm_on and _rests_on_method_change(s):
        words = "Progression was measured by another laboratory or method than the nadir."
        return Proposal(
            Kind.AWAIT_CONFIRMATION, None, "R-PD", words, waits_for="a same-method pair or a signed override"
        )
    what = "Active myeloma" if epoch.active_mm_on else "Confirmed progression"
    first = min(on for on in (epoch.first_pd_on, epoch.active_mm_on) if on)
    return _after_progression(s, f"{what}, first seen on {spoken(first)}")


def _rests_on_method_change(s: Situation) -> bool:
    pds = [t for t in s.history.time_points if t.timepoint is Response.PD]
    return not s.course.method_change_accepted and bool(pds) and all(t.method_changed for t in pds)


def _after_progression(s: Situation, found: str) -> Proposal:
    rule = PD_RULES[s.state]
    if s.state is Phase.INDUCTION and s.as_of < s.window[0]:
        rule = "T7"
    had_high_dose = any(p.phase is Phase.HIGH_DEX for p in s.course.phases if p.starts_on <= s.as_of)
    config = s.trial.config
    stops = (
        (had_high_dose and config.pd_on_high_dex is PdAction.OFF_TREATMENT)
        or (s.state is Phase.EXTENSION and had_high_dose)
        or (rule == "T7" and config.early_pd is PdAction.OFF_TREATMENT)
    )
    if stops:
        return Proposal(Kind.OFF_TREATMENT_PD, Phase.FOLLOW_UP, rule, f"{found}: off protocol therapy.")
    return Proposal(Kind.ASSIGN_HIGH_DEX, Phase.HIGH_DEX, rule, f"{found}: high-dose dexamethasone.")


PD_RULES = {
    Phase.INDUCTION: "T6",
    Phase.ANAKINRA_ONLY: "T8",
    Phase.LOW_DEX_7_12: "T9b",
    Phase.LOW_DEX_13_18: "T11b",
    Phase.HIGH_DEX: "T12",
    Phase.EXTENSION: "T13",
}


def _unconfirmed_progression(s: Situation) -> Proposal | None:
    latest = s.history.latest_evaluable
    epoch = s.history.current
    if latest is None or epoch is None or latest.epoch != epoch.number or latest.timepoint is not Response.PD:
        return None
    words = f"Progression on {spoken(latest.on)} is not confirmed."
    return Proposal(Kind.AWAIT_CONFIRMATION, None, "R-CONF", words, waits_for="a second sample")


def _no_baseline(s: Situation) -> Proposal | None:
    if s.history.baseline_ok:
        return None
    return Proposal(
        Kind.AWAIT_DATA, None, "R-BASE", "There is no valid baseline, so nothing is proposed.", waits_for="a baseline"
    )


def _before_window(s: Situation) -> Proposal | None:
    if s.as_of >= s.window[0]:
        return None
    words = f"The window opens on {spoken(s.window[0])}."
    kind = Kind.AWAIT_MONTH6 if s.state is Phase.INDUCTION else None
    return Proposal(kind, None, "T-M6" if kind else "T-END", words)


def _no_sample(s: Situation) -> Proposal | None:
    if s.in_window is not None:
        return None
    words = f"No evaluable sample from {spoken(s.window[0])} to {spoken(s.window[1])}."
    return Proposal(Kind.AWAIT_DATA, None, "T-M6", words, waits_for="an evaluable sample in the window")


def _month_6(s: Situation) -> Proposal | None:
    if s.state is not Phase.INDUCTION:
        return None
    if s.trial.config.month6_basis is Month6Basis.TIMEPOINT:
        responds = s.in_window is not None and s.in_window.timepoint in RESPONDING
        return _branch("The month-6 sample", responds=responds)
    latest = s.history.latest_evaluable
    if not s.responding and latest is not None and latest.timepoint in RESPONDING:
        words = f"{latest.timepoint.value} on {spoken(latest.on)} is not confirmed; anakinra goes on alone."
        return Proposal(Kind.AWAIT_CONFIRMATION, None, "T-M6", words, waits_for="a repeat sample")
    return _branch("The confirmed status", responds=s.responding)


def _branch(basis: str, *, responds: bool) -> Proposal:
    if responds:
        words = f"{basis} is minimal response or better: anakinra alone, months 7-12."
        return Proposal(Kind.ASSIGN_ANAKINRA_ONLY, Phase.ANAKINRA_ONLY, "T4", words)
    words = f"{basis} is below minimal response, without progression: low-dose dexamethasone."
    return Proposal(Kind.ASSIGN_LOW_DEX, Phase.LOW_DEX_7_12, "T5", words)


def _end_of_phase(s: Situation) -> Proposal:
    if s.state is Phase.LOW_DEX_7_12:
        words = "Month 12 ends without progression: low dose goes on through months 13-18."
        return Proposal(Kind.CONTINUE_LOW_DEX_13_18, Phase.LOW_DEX_13_18, "T10", words)
    words = "The phase ends without progression: the investigator extends therapy or ends it."
    return Proposal(Kind.END_OF_PROTOCOL_THERAPY_DECISION, None, END_RULES[s.state], words)


END_RULES = {
    Phase.ANAKINRA_ONLY: "T9",
    Phase.LOW_DEX_13_18: "T11",
    Phase.HIGH_DEX: "T12b",
    Phase.EXTENSION: "T13",
}
#: Tried in order; the last one always answers.
RULES: tuple[Callable[[Situation], Proposal | None], ...] = (
    _progression,
    _unconfirmed_progression,
    _before_window,
    _no_baseline,
    _no_sample,
    _month_6,
    _end_of_phase,
)


def _discordant(s: Situation, proposal: Proposal) -> tuple[Flag, ...]:
    """Confirmed response, but the month-6 sample itself is only stable disease; under either basis."""
    decided = proposal.kind in (Kind.ASSIGN_ANAKINRA_ONLY, Kind.ASSIGN_LOW_DEX)
    sample = s.in_window
    if decided and s.responding and sample is not None and sample.timepoint is Response.SD:
        return (Flag.DISCORDANT_TIMEPOINT,)
    return ()


def _notes(s: Situation) -> tuple[str, ...]:
    """Remarks beside the proposal: a lost response (T8b), a late sample that a signed deviation could admit."""
    latest = s.history.latest_evaluable
    notes = []
    if s.state is Phase.ANAKINRA_ONLY and s.responding and latest and latest.timepoint is Response.SD:
        notes.append("The response is lost without progression: the subject stays on anakinra alone.")
    closes = s.window[1]
    limit = closes + timedelta(days=s.trial.config.late_sample_days)
    late = [t.on for t in s.history.time_points if t.evaluable and closes < t.on <= limit]
    if s.in_window is None and late:
        notes.append(f"The sample of {spoken(late[0])} is late; it counts with a signed deviation.")
    return tuple(notes)


def find_discrepancies(course: Course, as_of: date, trial: Protocol) -> tuple[Discrepancy, ...]:
    """Signed decisions up to `as_of` whose proposal changed through what became known afterwards.

    Both sides look at samples collected by the day of the decision; the first as known then, the second as known
    by `as_of`. The phase is never moved.
    """
    known = course.known_by(as_of)
    found = []
    for decision in (d for d in course.decisions if d.on <= as_of):
        then = decision.proposed or _proposed_on(course.known_by(decision.on), decision, trial)
        now = _proposed_on(known, decision, trial)
        if now is not then:
            found.append(Discrepancy(decision, then, now))
    return tuple(found)


def _proposed_on(course: Course, decision: Decision, trial: Protocol) -> ProposalKind | None:
    """What is proposed on the day of a decision, in the phase that it left."""
    before = replace(course, phases=tuple(p for p in course.phases if p.starts_on < decision.on))
    history = assess(before, trial, decision.on)
    return propose(decision.from_phase, before, history, decision.on, trial).kind


def roads_from(source: Phase, trial: Protocol) -> tuple[Transition, ...]:
    """Every transition that leaves a phase."""
    return tuple(t for t in trial.transitions if t.source is source)


def may_move(source: Phase, target: Phase, trial: Protocol) -> bool:
    return any(t.target is target for t in roads_from(source, trial))
