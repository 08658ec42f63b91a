"""The subject matrix: one row per subject, every cell's state computed, never chosen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from dosing.vocabulary import ACTIONABLE, PHASE_WORDS
from protocol.vocabulary import DueState, Phase
from reporting.addresses import address
from reporting.next_step import next_step
from reporting.progress import is_unfinished
from reporting.selectors.facts import SubjectFacts
from reporting.steps.step import Step
from trialsite.models import LockStep, Role, Visit
from trialsite.templatetags.edc import STATES


@dataclass(frozen=True)
class Group:
    label: str
    span: int


@dataclass(frozen=True)
class Column:
    """One column. `first` begins a group; `tile` is the label on phones, where there is no head."""

    code: str
    short: str
    long: str
    first: bool = False
    tile: str = ""


@dataclass(frozen=True)
class Cell:
    """State and address of one cell; `done` of `total` for a roll-up. queries: open ones of all that it stands for."""

    state: str
    url: str = ""
    words: str = ""
    queries: int = 0
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class Row:
    label: str
    url: str
    phase: Phase
    phase_words: str
    next_words: str
    next_url: str
    next_urgency: str
    cells: tuple[Cell, ...]


def _month(number: int) -> Column:
    return Column(f"m{number:02d}", f"M{number}", f"Month {number}", first=number in (1, 7))


MONTHS_13_18 = tuple(f"m{number:02d}" for number in range(13, 19))
FOLLOW_UP_VISITS = 10
COLUMNS = (
    Column("scr", "Scr", "Screening", first=True),
    Column("elig", "Elig", "Eligibility"),
    Column("bl", "Base", "Day 1"),
    *(_month(number) for number in range(1, 7)),
    Column("resp", "Resp", "Month 6 response", first=True),
    Column("arm", "Arm", "Arm decision"),
    *(_month(number) for number in range(7, 13)),
    Column("late", "All", "Months 13 to 18", first=True, tile="13–18"),
    Column("fu", "All", "Follow-up", first=True, tile="FU"),
)
GROUPS = (
    Group("Screening", 3),
    Group("Induction", 6),
    Group("Decision", 2),
    Group("Months 7 to 12", 6),
    Group("13–18", 1),
    Group("Follow-up", 1),
)
NONE = Cell("none")
LOCKED = LockStep.State.LOCKED.value
#: Rolling up many visits into one shape: the first of these that occurs stands for all.
PRECEDENCE = ("late", "draft", "due", "planned", "missed", "done", LOCKED)
STATE_OF_DUE = {
    DueState.PLANNED: "planned",
    DueState.DUE: "due",
    DueState.OVERDUE: "late",
    DueState.DONE: "done",
    DueState.NOT_DONE: "missed",
    DueState.NOT_EXPECTED: "none",
}


def row_of(facts: SubjectFacts, roles: frozenset[Role], tasks: tuple[Step, ...] | None = None) -> Row:
    """One subject as a row, in the words of somebody with these roles. `tasks`: those of it, where they are known."""
    step = next_step(facts, tasks)
    return Row(
        label=facts.subject.number,
        url=address("subject", facts.subject.key),
        phase=facts.phase,
        phase_words=PHASE_WORDS[facts.phase],
        next_words=words_for(step, roles),
        next_url=step.url,
        next_urgency=step.urgency if step.urgency in ("late", "none") else "",
        cells=tuple(_cell(facts, column) for column in COLUMNS),
    )


def words_for(step: Step, roles: frozenset[Role]) -> str:
    """The step as a sentence; those who cannot do it read for whom it waits."""
    return step.sentence if step.is_for(roles) or not step.waiting else step.waiting


def _cell(facts: SubjectFacts, column: Column) -> Cell:
    special = SPECIAL.get(column.code)
    return special(facts) if special else visit_cell(facts, column.code)


def _made(facts: SubjectFacts, state: str, page: str, *parts: str, words: str = "") -> Cell:
    if state == "none":
        return NONE
    return Cell(state, address(page, facts.subject.key, *parts), words or STATES[state][2])


def visit_cell(facts: SubjectFacts, code: str) -> Cell:
    """One visit: what was entered, or where the plan stands. A query never hides the state."""
    made = _made(facts, visit_state(facts, code), "visit", code)
    return replace(made, queries=_asked(facts, {code})) if made.url else made


def _asked(facts: SubjectFacts, codes: Collection[str]) -> int:
    """How many open queries there are about these visits."""
    return sum(query.visit_code in codes for query in facts.open_queries)


def visit_state(facts: SubjectFacts, code: str) -> str:
    if facts.closed.get(code) == LOCKED:
        return LOCKED
    entered, planned = facts.visits.get(code), facts.planned.get(code)
    if entered is not None and entered.status == Visit.Status.NOT_DONE:
        return "missed"
    if entered is not None:
        return "draft" if is_unfinished(facts, entered) else "done"
    if code == "scr" and facts.phase is Phase.SCREENING:
        return "due"
    if planned is not None and code != "scr":
        return STATE_OF_DUE[facts.state_of(planned)]
    return "planned" if _may_come(facts, code) else "none"


def _may_come(facts: SubjectFacts, code: str) -> bool:
    """True for a visit that is not dated yet because a date or a decision is still to come."""
    if facts.is_over or facts.subject.treatment_ended_on is not None or facts.subject.registered_on is None:
        return False
    if code in MONTHS_13_18:
        return facts.phase in (Phase.LOW_DEX_7_12, Phase.LOW_DEX_13_18)
    return code != "scr" and not facts.decisions


def _eligibility(facts: SubjectFacts) -> Cell:
    return _made(facts, _eligibility_state(facts), "subject_eligibility")


def _eligibility_state(facts: SubjectFacts) -> str:
    if facts.closed.get("enrolment") == LOCKED:
        return LOCKED
    if facts.snapshot_is_intact:
        return "signed"
    if facts.failure is not None:
        return "missed"
    if facts.phase is not Phase.SCREENING:
        return "done"
    return "done" if facts.snapshot else "draft" if facts.answers else "due"


def _first_decision(facts: SubjectFacts) -> bool:
    return any(one.proposal.from_state == Phase.INDUCTION for one in facts.decisions)


def _response(facts: SubjectFacts) -> Cell:
    return _made(facts, _decision_state(facts, waiting="done"), "subject_responses")


def _arm(facts: SubjectFacts) -> Cell:
    return _made(facts, _decision_state(facts, waiting="due"), "subject_responses")


def _decision_state(facts: SubjectFacts, waiting: str) -> str:
    """The month 6 response and the decision on it; `waiting` is the state while the signature is asked for."""
    if any(one.proposal.from_state == Phase.INDUCTION for one in facts.broken):
        return "late"
    if _first_decision(facts):
        return "signed"
    if facts.phase is Phase.INDUCTION and facts.proposal is not None and facts.proposal.kind in ACTIONABLE:
        return waiting
    return "planned" if _may_come(facts, "m06") else "none"


def _late_months(facts: SubjectFacts) -> Cell:
    if not any(code in facts.visits or code in facts.planned for code in MONTHS_13_18) and not _may_come(facts, "m13"):
        return NONE
    return _roll_up(facts, MONTHS_13_18, "subject_visits")


def _follow_up(facts: SubjectFacts) -> Cell:
    codes = tuple(f"fu{6 * number:02d}" for number in range(1, FOLLOW_UP_VISITS + 1))
    begun = any(code in facts.contacts or code in facts.visits for code in codes)
    if facts.subject.day1_on is None or (facts.is_over and not begun):
        return NONE
    return _roll_up(facts, codes, "subject_follow_up")


def _roll_up(facts: SubjectFacts, codes: Sequence[str], page: str) -> Cell:
    states = [_rolled_state(facts, code) for code in codes]
    done = sum(1 for state in states if state in ("done", LOCKED))
    shown = next((state for state in PRECEDENCE if state in states), "planned")
    made = _made(facts, shown, page)
    return replace(made, queries=_asked(facts, codes) if made.url else 0, done=done, total=len(codes))


def _rolled_state(facts: SubjectFacts, code: str) -> str:
    state = visit_state(facts, code)
    return "done" if code in facts.contacts and state != LOCKED else state


SPECIAL = {"elig": _eligibility, "resp": _response, "arm": _arm, "late": _late_months, "fu": _follow_up}
