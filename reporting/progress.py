"""How far one visit is entered: what its forms ask for, and what is there. One definition for every page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from labs.selectors.visits import due_panels, requires_disease
from protocol.vocabulary import Analyte
from reporting.selectors.facts import NOTHING_ENTERED, SubjectFacts
from trialsite.models import Subject, Visit
from trialsite.selectors import protocol_of


@dataclass(frozen=True)
class Progress:
    """Required results entered of those asked for, results pending, and whether the disease form is missing."""

    entered: int
    asked: int
    pending: int
    lacks_disease: bool

    @property
    def lacks_labs(self) -> bool:
        return self.entered < self.asked or self.pending > 0

    @property
    def is_complete(self) -> bool:
        return not self.lacks_labs and not self.lacks_disease


@cache
def required_analytes(code: str, sex: str, version: str) -> frozenset[Analyte]:
    """Results that the visit must have; an unscheduled visit demands none."""
    if code.startswith("uns"):
        return frozenset()
    panels = due_panels(code, Subject(sex=sex, protocol_version=version))
    return frozenset(analyte for panel in panels if panel.required for analyte in panel.analytes)


def progress_of(facts: SubjectFacts, code: str) -> Progress:
    asked = required_analytes(code, facts.subject.sex, facts.subject.protocol_version)
    there = facts.entered.get(code, NOTHING_ENTERED)
    wants_disease = requires_disease(code, protocol_of(facts.subject)) and not code.startswith("fu")
    return Progress(
        len(asked & there.analytes), len(asked), there.pending, wants_disease and code not in facts.assessed
    )


def is_unfinished(facts: SubjectFacts, visit: Visit) -> bool:
    """True for a visit that took place while something its forms ask for is missing."""
    return visit.status != Visit.Status.NOT_DONE and not progress_of(facts, visit.code).is_complete
