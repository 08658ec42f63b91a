"""Words of this room: what the machine's codes mean to a reader."""

from __future__ import annotations

from protocol.vocabulary import DoseAction, Drug, ProposalKind, Response
from protocol.words import DRUG_WORDS, PHASE_SPAN, PHASE_WORDS, RESPONSE_WORDS, phase_in_words

__all__ = [
    "ACTIONABLE",
    "DRUG_ROUTE",
    "DRUG_SHORT",
    "DRUG_WORDS",
    "ORDERED",
    "PHASE_SPAN",
    "PHASE_WORDS",
    "PROPOSAL_WORDS",
    "RESPONSE_WORDS",
    "phase_in_words",
    "response_words",
]

#: Proposals that an investigator can sign; the others wait for something.
ACTIONABLE = (
    ProposalKind.ASSIGN_ANAKINRA_ONLY,
    ProposalKind.ASSIGN_LOW_DEX,
    ProposalKind.ASSIGN_HIGH_DEX,
    ProposalKind.CONTINUE_LOW_DEX_13_18,
    ProposalKind.END_OF_PROTOCOL_THERAPY_DECISION,
    ProposalKind.OFF_TREATMENT_PD,
)

PROPOSAL_WORDS: dict[ProposalKind, str] = {
    ProposalKind.AWAIT_MONTH6: "Wait for month 6",
    ProposalKind.AWAIT_DATA: "Wait for results",
    ProposalKind.AWAIT_CONFIRMATION: "Wait for the confirming sample",
    ProposalKind.ASSIGN_ANAKINRA_ONLY: "Anakinra alone",
    ProposalKind.ASSIGN_LOW_DEX: "Anakinra + low-dose dex",
    ProposalKind.ASSIGN_HIGH_DEX: "Anakinra + high-dose dex",
    ProposalKind.CONTINUE_LOW_DEX_13_18: "Anakinra + low-dose dex",
    ProposalKind.END_OF_PROTOCOL_THERAPY_DECISION: "Extend or end treatment",
    ProposalKind.OFF_TREATMENT_PD: "End of treatment",
}

#: What an order makes of a dose that is not given.
ORDERED = {DoseAction.HOLD: "on hold", DoseAction.STOP: "stopped"}

DRUG_SHORT: dict[Drug, str] = {Drug.ANAKINRA: "Anakinra", Drug.DEXAMETHASONE: "Dex"}
DRUG_ROUTE: dict[Drug, str] = {Drug.ANAKINRA: "SC", Drug.DEXAMETHASONE: "PO"}


def response_words(value: str) -> str:
    """A response in words; nothing derived yet is said so."""
    return RESPONSE_WORDS[Response(value)] if value else "Not computed yet"
