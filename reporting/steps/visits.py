"""Visits and contacts that are due, and forms that are not finished."""

from __future__ import annotations

from collections.abc import Iterator

from labs.selectors.visits import visit_label
from protocol.visits import PlannedVisit
from protocol.vocabulary import DueState
from reporting.progress import Progress, progress_by_visit
from reporting.selectors.facts import SubjectFacts
from reporting.steps.step import ENTERS, SOON, Kind, Step, days, near, page


def visits(facts: SubjectFacts) -> Iterator[Step]:
    for code, planned in facts.planned.items():
        state = facts.state_of(planned)
        if code in facts.visits or code == "scr" or code.startswith("fu"):
            continue
        if state in (DueState.DUE, DueState.OVERDUE):
            yield _visit(facts, planned, f"Enter {planned.label} labs", page(facts, "visit_labs", code))
        elif state is DueState.PLANNED and planned.opens_on - facts.today <= SOON:
            yield _coming(facts, planned)


def _visit(facts: SubjectFacts, planned: PlannedVisit, words: str, url: str) -> Step:
    if facts.state_of(planned) is DueState.OVERDUE:
        late = (facts.today - planned.closes_on).days
        return Step(Kind.ENTER, words, url, ENTERS, f"{days(late)} overdue", "late", planned.closes_on)
    until = near(planned.closes_on, facts.today)
    return Step(Kind.ENTER, words, url, ENTERS, f"due by {until}", "", planned.closes_on)


def _coming(facts: SubjectFacts, planned: PlannedVisit) -> Step:
    url, opens = page(facts, "visit", planned.code), near(planned.opens_on, facts.today)
    return Step(Kind.ENTER, f"Prepare {planned.label}", url, ENTERS, f"from {opens}", "soon", planned.opens_on)


def unfinished(facts: SubjectFacts) -> Iterator[Step]:
    for code, progress in progress_by_visit(facts):
        if progress.lacks_labs:
            yield _finish(facts, code, progress)
        elif progress.lacks_disease:
            words = f"Enter {visit_label(code)} disease assessment"
            yield Step(Kind.ENTER, words, page(facts, "visit_disease", code), ENTERS)
        elif progress.lacks_bedside:
            yield Step(Kind.ENTER, f"Enter {visit_label(code)} vital signs", page(facts, "visit", code), ENTERS)


def _finish(facts: SubjectFacts, code: str, progress: Progress) -> Step:
    words = f"Finish {visit_label(code)} labs ({progress.entered} of {progress.asked})"
    note = f"{progress.pending} pending" if progress.pending else ""
    return Step(Kind.ENTER, words, page(facts, "visit_labs", code), ENTERS, note)


def follow_up(facts: SubjectFacts) -> Iterator[Step]:
    for code, planned in facts.planned.items():
        if not code.startswith("fu"):
            continue
        state = facts.state_of(planned)
        if state in (DueState.DUE, DueState.OVERDUE):
            yield _visit(facts, planned, f"Record {planned.label.lower()} contact", page(facts, "subject_follow_up"))
