"""One response beside another: against which reference, as signed and as it is known now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from dosing.models import AssignmentDiscrepancy, PhaseDecision
from dosing.views.trace import Tested, UsedRow, trace_of, used_rows
from dosing.vocabulary import PROPOSAL_WORDS, response_words
from protocol.vocabulary import ProposalKind
from trialsite.days import in_words


@dataclass(frozen=True)
class ReadingLine:
    """One sample against one reference, in words."""

    against: str
    since: str
    response: str
    confirmed: str


def readings_of(content: Mapping[str, Any]) -> list[ReadingLine]:
    """The references of a time point; what was signed before there were several has none."""
    return [
        ReadingLine(
            one["against"],
            in_words(date.fromisoformat(one["since"])),
            response_words(one["timepoint"]),
            response_words(one["confirmed"]),
        )
        for one in content.get("readings", [])
    ]


@dataclass(frozen=True)
class Side:
    """One side of a comparison: what was signed, or what the rules say now."""

    title: str
    response: str
    proposal: str
    used: list[UsedRow]
    tested: list[Tested]


def _side(title: str, shown: Mapping[str, Any], proposal: str, urls: Mapping[str, str]) -> Side:
    tested = trace_of({"point": shown.get("point")}, urls).categories
    return Side(title, response_words(shown["status"]), proposal, used_rows(shown["used"], urls), tested)


def signed_side(decision: PhaseDecision, shown: Mapping[str, Any], urls: Mapping[str, str]) -> Side:
    """What the last signature under a decision covered."""
    return _side("As signed", shown, PROPOSAL_WORDS[ProposalKind(decision.proposal.kind)], urls)


def sides_of(found: AssignmentDiscrepancy, urls: Mapping[str, str]) -> list[Side]:
    """Old and new side by side."""
    return [
        _side(title, side, PROPOSAL_WORDS[ProposalKind(side["kind"])] if side["kind"] else "Nothing to decide", urls)
        for title, side in (("As signed", found.was), ("With what is known now", found.now))
    ]
