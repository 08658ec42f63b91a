"""What this room derives of a subject, in words: for showing what a correction would change."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from dosing.selectors.phases import phases, planned_doses, site_day, uses_unconfirmed_dose
from dosing.selectors.proposals import open_discrepancies, pending_proposal
from trialsite.foresight import Fact
from trialsite.models import Subject


def derived_facts(subject: Subject, at: datetime) -> list[Fact]:
    """The pending proposal, signed decisions whose basis is in question, and the planned doses by drug."""
    return [*_proposal(subject), *_discrepancies(subject), *_doses(subject, at)]


def _proposal(subject: Subject) -> list[Fact]:
    pending = pending_proposal(subject)
    return [Fact("proposal", "Proposed next", pending.words)] if pending else []


def _discrepancies(subject: Subject) -> list[Fact]:
    return [
        Fact(
            f"decision:{one.decision_id}",
            f"Signed decision of {site_day(subject.site, one.decision.decided_at):%-d %b %Y}",
            "Another one would be proposed now",
        )
        for one in open_discrepancies([subject.pk])
    ]


def _doses(subject: Subject, at: datetime) -> list[Fact]:
    if uses_unconfirmed_dose(phases(subject), subject.protocol_version):
        return [Fact("doses", "Planned doses", "Wait for the high dose in mg")]
    planned = planned_doses(subject, site_day(subject.site, at))
    days = Counter(dose.drug for dose in planned)
    last = {dose.drug: dose.on for dose in planned}
    return [
        Fact(f"doses:{drug}", f"Planned doses of {drug.value.lower()}", f"{count} to {last[drug]:%-d %b %Y}")
        for drug, count in days.items()
    ]
