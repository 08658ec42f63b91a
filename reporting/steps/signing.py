"""What waits for the investigator: decisions, discrepancies, casebooks."""

from __future__ import annotations

from collections.abc import Iterator

from dosing.models import PhaseProposal
from dosing.vocabulary import ACTIONABLE
from labs.selectors import visit_label
from protocol.vocabulary import ProposalKind
from reporting.selectors.facts import SubjectFacts
from reporting.steps.step import ENTERS, SIGNS, Kind, Step, near, page


def sign_again(facts: SubjectFacts) -> Iterator[Step]:
    if facts.broken:
        url = _decided(facts, facts.broken[0].proposal)
        note = "results under the signature changed"
        yield Step(Kind.SIGN, "Sign arm decision again", url, SIGNS, note, waiting="Arm decision: to be signed again")


def _decided(facts: SubjectFacts, proposal: PhaseProposal) -> str:
    """The page of a signed decision; a newer proposal may stand at the same visit."""
    return f"{page(facts, 'subject_response', proposal.detail['code'])}?proposal={proposal.pk}"


def response_again(facts: SubjectFacts) -> Iterator[Step]:
    """A response that was signed alone, and whose signature was broken or withdrawn."""
    for code in (one for one in facts.responses_unsigned if one in facts.visits):
        words = f"Sign response at {visit_label(code)} again"
        url, note = page(facts, "subject_response", code), "the signature does not stand"
        yield Step(Kind.SIGN, words, url, SIGNS, note, waiting=f"Response at {visit_label(code)}: to be signed again")


def discrepancy(facts: SubjectFacts) -> Iterator[Step]:
    if facts.discrepancy is not None:
        url = _decided(facts, facts.discrepancy.decision.proposal)
        words = "Judge the changed arm proposal"
        yield Step(Kind.SIGN, words, url, SIGNS, waiting="Changed arm proposal: with the investigator")


def decision(facts: SubjectFacts) -> Iterator[Step]:
    if facts.proposal is None or facts.proposal.kind not in ACTIONABLE:
        return
    if facts.proposal.kind == ProposalKind.OFF_TREATMENT_PD:
        url = page(facts, "subject_end_of_treatment")
        yield Step(Kind.SIGN, "Sign end of treatment", url, SIGNS, waiting="End of treatment: with the investigator")
        return
    url = page(facts, "subject_response", facts.decided_at_visit)
    note = f"computed {near(facts.proposal.as_of, facts.today)}"
    yield Step(Kind.SIGN, "Sign arm decision", url, SIGNS, note, waiting="Arm decision: with the investigator")


def confirmation(facts: SubjectFacts) -> Iterator[Step]:
    if facts.proposal is not None and facts.proposal.kind == ProposalKind.AWAIT_CONFIRMATION and not facts.is_over:
        yield Step(Kind.ENTER, "Draw the confirming sample", page(facts, "subject_visits"), ENTERS)


def casebook(facts: SubjectFacts) -> Iterator[Step]:
    """Signed at milestones; one task for all that the subject has reached."""
    if facts.casebook_due:
        ended = facts.casebook.ended if facts.casebook else ""
        words = "Sign casebook again" if ended else "Sign casebook"
        note = _ENDED.get(ended, "") or ", ".join(facts.casebook_due)
        url = page(facts, "subject_casebook")
        yield Step(Kind.SIGN, words, url, SIGNS, note, waiting="Casebook: with the investigator")


_ENDED = {"broken": "what was signed changed", "withdrawn": "the signature was withdrawn"}
