"""Words of this room: what the machine's codes mean to a reader."""

from __future__ import annotations

from protocol.vocabulary import DoseAction, Drug, Phase, ProposalKind, Response

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

PHASE_WORDS: dict[Phase, str] = {
    Phase.SCREENING: "Screening",
    Phase.SCREEN_FAILED: "Screen failure",
    Phase.ENROLLED: "Registered",
    Phase.INDUCTION: "Anakinra",
    Phase.ANAKINRA_ONLY: "Anakinra alone",
    Phase.LOW_DEX_7_12: "Anakinra + low-dose dex",
    Phase.LOW_DEX_13_18: "Anakinra + low-dose dex",
    Phase.HIGH_DEX: "Anakinra + high-dose dex",
    Phase.EXTENSION: "Extension",
    Phase.FOLLOW_UP: "Follow-up",
    Phase.COMPLETED: "Completed",
    Phase.WITHDRAWN: "Consent withdrawn",
    Phase.LOST: "Lost to follow-up",
    Phase.DEAD: "Died",
    Phase.OFF_STUDY: "Off study",
}

#: When a phase runs, as it stands above its name.
PHASE_SPAN: dict[Phase, str] = {
    Phase.INDUCTION: "Months 1 to 6",
    Phase.ANAKINRA_ONLY: "Months 7 to 12",
    Phase.LOW_DEX_7_12: "Months 7 to 12",
    Phase.LOW_DEX_13_18: "Months 13 to 18",
    Phase.HIGH_DEX: "Six months of high dose",
    Phase.EXTENSION: "Six months of extension",
    Phase.FOLLOW_UP: "Follow-up",
}

RESPONSE_WORDS: dict[Response, str] = {
    Response.SCR: "Stringent complete response",
    Response.CR: "Complete response",
    Response.VGPR: "Very good partial response",
    Response.PR: "Partial response",
    Response.MR: "Minimal response",
    Response.SD: "Stable disease",
    Response.PD: "Progressive disease",
    Response.NE: "Not evaluable",
}

#: What an order makes of a dose that is not given.
ORDERED = {DoseAction.HOLD: "on hold", DoseAction.STOP: "stopped"}

DRUG_WORDS: dict[Drug, str] = {Drug.ANAKINRA: "Anakinra", Drug.DEXAMETHASONE: "Dexamethasone"}
DRUG_SHORT: dict[Drug, str] = {Drug.ANAKINRA: "Anakinra", Drug.DEXAMETHASONE: "Dex"}
DRUG_ROUTE: dict[Drug, str] = {Drug.ANAKINRA: "SC", Drug.DEXAMETHASONE: "PO"}


def phase_in_words(phase: Phase) -> str:
    """A phase in words, with its months where they tell it from another phase of the same words."""
    span = PHASE_SPAN.get(phase, "")
    return PHASE_WORDS[phase] + (f", {span.lower()}" if span.startswith("Months") else "")


def response_words(value: str) -> str:
    """A response in words; nothing derived yet is said so."""
    return RESPONSE_WORDS[Response(value)] if value else "Not computed yet"
