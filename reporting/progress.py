"""How far one visit is entered: what its forms ask for, and what is there. One definition for every page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from labs.selectors.bedside import bedside_missing
from labs.selectors.visits import due_panels, requires_bedside, requires_disease
from protocol.vocabulary import Analyte
from reporting.selectors.facts import NOTHING_ENTERED, SubjectFacts
from trialsite.models import Subject, Visit
from trialsite.selectors import protocol_of


@dataclass(frozen=True)
class Progress:
    """Required results entered of those asked for, results pending, and which other forms are missing."""

    entered: int
    asked: int
    pending: int
    lacks_disease: bool
    lacks_bedside: bool

    @property
    def lacks_labs(self) -> bool:
        return self.entered < self.asked or self.pending > 0

    @property
    def is_complete(self) -> bool:
        return not (self.lacks_labs or self.lacks_disease or self.lacks_bedside)


@cache
def required_analytes(code: str, sex: str, version: str) -> frozenset[Analyte]:
    """Results that the visit must have; an unscheduled visit demands none."""
    if code.startswith("uns"):
        return frozenset()
    panels = due_panels(code, Subject(sex=sex, protocol_version=version))
    return frozenset(analyte for panel in panels if panel.required for analyte in panel.awaited)


def progress_of(facts: SubjectFacts, code: str) -> Progress:
    asked = required_analytes(code, facts.subject.sex, facts.subject.protocol_version)
    there = facts.entered.get(code, NOTHING_ENTERED)
    trial, visit = protocol_of(facts.subject), facts.visits.get(code)
    # A follow-up visit is often a telephone call: what is seen or measured there is welcome and not waited for.
    is_seen = not code.startswith("fu")
    wants_disease = is_seen and requires_disease(code, trial)
    wants_bedside = is_seen and visit is not None and requires_bedside(code, trial)
    return Progress(
        entered=len(asked & there.analytes),
        asked=len(asked),
        pending=there.pending,
        lacks_disease=wants_disease and code not in facts.assessed,
        lacks_bedside=wants_bedside and visit is not None and bedside_missing(visit) > 0,
    )


def progress_by_visit(facts: SubjectFacts) -> Iterator[tuple[str, Progress]]:
    """Code and progress of every visit whose forms are waited for."""
    for code, visit in facts.visits.items():
        if visit.status == Visit.Status.NOT_DONE:
            continue
        progress = progress_of(facts, code)
        if code.startswith("fu") and not progress.entered:
            continue  # a contact by telephone brings no results
        yield code, progress


def is_unfinished(facts: SubjectFacts, visit: Visit) -> bool:
    """True for a visit that took place while something its forms ask for is missing."""
    return visit.status != Visit.Status.NOT_DONE and not progress_of(facts, visit.code).is_complete
