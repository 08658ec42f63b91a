"""The investigator's part: sign a decision or a response, sign again, ask the site.

What a signature asks of the person is settled in trialsite.signing; services take the proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from dosing import selectors
from dosing.models import PhaseDecision, PhaseProposal
from dosing.selectors.reviews import reaffirmation, response_review
from dosing.selectors.shown import OVERRIDABLE, Computed, basis_of, computed
from dosing.selectors.standing import RESPONSE_RECORD
from dosing.services.overrides import tell_data_managers
from dosing.services.subjects import check_evaluated, locked_subject, words
from dosing.vocabulary import ACTIONABLE, PHASE_WORDS
from labs.models import ResponseAssessment, ResponseSignature
from labs.services import derive_response
from protocol.phases import roads_from
from protocol.vocabulary import TREATMENT_PHASES, Phase, ProposalKind, Response
from trialsite.access import Actor, Duty
from trialsite.context import because, writing
from trialsite.models import Query, Signature, Subject
from trialsite.outbox import News, publish
from trialsite.reauthentication import Proof
from trialsite.selectors import protocol_of
from trialsite.services.queries import Anchor, open_query
from trialsite.services.signatures import Signing, digest, sign, take_back
from trialsite.services.subjects import Refused, Stale, first_submission, move_subject, note_outcome

DECISION_MEANING = "approval of response and treatment"
RESPONSE_MEANING = "approval of response"
DECISION_SENTENCE = "have reviewed this response and approve this treatment."
RESPONSE_SENTENCE = "have reviewed this response and approve it."
CHANGED = "Results changed since this was computed. Read the new computation, then sign."


@dataclass(frozen=True)
class Verdict:
    """What the investigator decides. `response` None: as computed. A reason is needed wherever it differs."""

    to_phase: Phase
    starts_on: date
    response: Response | None = None
    reason: str = ""


def sign_phase_decision(
    *,
    by: Actor,
    at: datetime,
    proof: Proof,
    subject_id: int,
    site_id: int,
    token: UUID,
    proposal_id: int,
    shown: str,
    verdict: Verdict,
) -> PhaseDecision:
    """Sign the decision on a proposal: store it with its signature, start the phase, publish the news. All or nothing.

    `shown` is the fingerprint of what was on the screen. Stale if that is not what the rules say now, while results
    wait to be evaluated, or if somebody decided first. Refused for a phase without a road to it, a start outside
    today .. 14 days ahead, a missing reason, and for high dose while its dose in mg is not confirmed. The same
    `token` twice gives the first decision.
    """
    with writing(by=by, duty=Duty.SIGN, site_id=site_id, at=at, reason="Phase decision signed"):
        subject = locked_subject(subject_id, site_id)
        if first_submission(token=token, by=by, at=at) is not None:
            return PhaseDecision.objects.get(proposal_id=proposal_id)
        check_evaluated(subject)
        proposal, now = _still_shown(subject, proposal_id, shown, at)
        choice = _check_verdict(subject, now, verdict, at)
        content = _content(now, verdict, choice)
        what = Signing(
            record_type=selectors.DECISION_RECORD,
            record_id=str(proposal.pk),
            meaning=DECISION_MEANING,
            statement=DECISION_SENTENCE,
            content=content,
            basis=basis_of(content),
        )
        signature = sign(by=by, at=at, proof=proof, site=subject.site, subject=subject, what=what)
        assessment = _derived(subject, at, "phase decision signed")
        if verdict.response is None:
            _sign_response_too(assessment, signature.pk)
        decision = PhaseDecision.objects.create(
            subject=subject,
            site_id=site_id,
            proposal=proposal,
            choice=choice,
            to_phase=verdict.to_phase.value,
            starts_on=verdict.starts_on,
            response=content["decision"]["response"],
            reason=verdict.reason,
            snapshot=content,
            decided_by_id=signature.signer_id,
            decided_at=at,
            signature=signature,
        )
        _start(subject, proposal, decision, at)
        if choice == PhaseDecision.Choice.OVERRIDE:
            tell_data_managers(subject, decision, at)
        note_outcome(token=token, outcome=f"phase_decision:{decision.pk}")
        return decision


def _still_shown(subject: Subject, proposal_id: int, shown: str, at: datetime) -> tuple[PhaseProposal, Computed]:
    pending = selectors.pending_proposal(subject)
    now = computed(subject, selectors.site_day(subject.site, at))
    if pending is None or pending.pk != proposal_id or not pending.fingerprint == shown == now.fingerprint:
        raise Stale(CHANGED)
    return pending, now


def _check_verdict(subject: Subject, now: Computed, verdict: Verdict, at: datetime) -> PhaseDecision.Choice:
    if now.kind not in ACTIONABLE and now.kind not in OVERRIDABLE:
        raise Refused("There is nothing to decide yet.")
    if verdict.to_phase not in possible_phases(subject):
        raise Refused(f"{PHASE_WORDS[verdict.to_phase]} cannot follow {PHASE_WORDS[Phase(subject.state)].lower()}.")
    today = selectors.site_day(subject.site, at)
    latest = today + timedelta(days=int(protocol_of(subject).parameters["start_ahead_days"].value))
    if not today <= verdict.starts_on <= latest:
        raise Refused(f"The phase can start from {words(today)}, the day of your signature, to {words(latest)}.")
    if verdict.to_phase is Phase.HIGH_DEX and selectors.high_dex_mg(subject.protocol_version) is None:
        raise Refused("The high dose of dexamethasone in mg is not confirmed by signature. Confirm it first.")
    choice = PhaseDecision.Choice.AGREE if agrees(now, verdict) else PhaseDecision.Choice.OVERRIDE
    if choice == PhaseDecision.Choice.OVERRIDE and not verdict.reason.strip():
        raise Refused("Say why you decide otherwise.")
    return choice


def possible_phases(subject: Subject) -> tuple[Phase, ...]:
    """Treatment phases that a signature can start from here. Treatment ends on the page of its own."""
    roads = dict.fromkeys(road.target for road in roads_from(Phase(subject.state), protocol_of(subject)))
    return tuple(target for target in roads if target in TREATMENT_PHASES)


def offered_phase(kind: ProposalKind | None, phase: Phase | None) -> Phase | None:
    """The phase that agreeing starts; None where agreeing ends treatment or nothing can be agreed to."""
    if kind is ProposalKind.END_OF_PROTOCOL_THERAPY_DECISION:
        return Phase.EXTENSION
    return phase if kind in ACTIONABLE and phase in TREATMENT_PHASES else None


def agrees(now: Computed, verdict: Verdict) -> bool:
    """True if the investigator does what was offered and takes the response as computed."""
    same_response = verdict.response is None or verdict.response.value == now.content["status"]
    return same_response and verdict.to_phase is offered_phase(now.kind, now.phase)


def _content(now: Computed, verdict: Verdict, choice: PhaseDecision.Choice) -> dict[str, Any]:
    """Exactly what was shown, and what was decided on it.

    Not the counts of days and visits: they follow from phase and start, and the page counts them for a start today.
    """
    return {
        "shown": now.content,
        "decision": {
            "choice": choice.value,
            "to_phase": verdict.to_phase.value,
            "starts_on": verdict.starts_on.isoformat(),
            "response": verdict.response.value if verdict.response else now.content["status"],
            "reason": verdict.reason,
        },
    }


def _start(subject: Subject, proposal: PhaseProposal, decision: PhaseDecision, at: datetime) -> None:
    why = f"Phase decision signed by {decision.signature.printed_name}"
    with because(why):
        proposal.status = PhaseProposal.Status.DECIDED
        proposal.save(update_fields=["status"])
    move_subject(subject=subject, to=Phase(decision.to_phase), on=decision.starts_on, why=why, at=at)
    derive_response(subject, at=at, caused_by="phase started")
    publish(kind=News.PHASE_STARTED, subject=subject, payload={"phase": decision.to_phase}, at=at)


def _derived(subject: Subject, at: datetime, caused_by: str) -> ResponseAssessment:
    """The response as it stands in this very transaction. Refused before the first dose: there is none."""
    assessment = derive_response(subject, at=at, caused_by=caused_by)
    if assessment is None:
        raise Refused("There is no response before the first dose.")
    return assessment


def _sign_response_too(assessment: ResponseAssessment, signature_id: int) -> None:
    ResponseSignature.objects.create(
        subject_id=assessment.subject_id,
        site_id=assessment.site_id,
        assessment=assessment,
        signature_id=signature_id,
    )


def sign_response(
    *, by: Actor, at: datetime, proof: Proof, subject_id: int, site_id: int, token: UUID, code: str, shown: str
) -> ResponseSignature:
    """Sign the response at one visit without deciding on a phase. Stale, and repeated, as `sign_phase_decision`."""
    with writing(by=by, duty=Duty.SIGN, site_id=site_id, at=at, reason="Response signed"):
        subject = locked_subject(subject_id, site_id)
        outcome = first_submission(token=token, by=by, at=at)
        if outcome is not None:
            return ResponseSignature.objects.get(pk=int(outcome.partition(":")[2]))
        check_evaluated(subject)
        assessment = _derived(subject, at, "response signed")
        content = response_review(subject, code, selectors.site_day(subject.site, at))
        if content is None or digest(content) != shown:
            raise Stale(CHANGED)
        what = Signing(
            record_type=RESPONSE_RECORD,
            record_id=str(assessment.pk),
            meaning=RESPONSE_MEANING,
            statement=RESPONSE_SENTENCE,
            content=content,
            basis=basis_of(content),
        )
        signature = sign(by=by, at=at, proof=proof, site=subject.site, subject=subject, what=what)
        _sign_response_too(assessment, signature.pk)
        signed = ResponseSignature.objects.get(signature=signature)
        note_outcome(token=token, outcome=f"response_signature:{signed.pk}")
        return signed


def reaffirm_decision(
    *,
    by: Actor,
    at: datetime,
    proof: Proof,
    subject_id: int,
    site_id: int,
    token: UUID,
    decision_id: int,
    shown: str,
    response: Response | None = None,
    reason: str = "",
) -> PhaseDecision:
    """Sign a decision again whose signature was broken by a change; the broken one stays listed.

    `response` None: as computed now; else the one decided on, with a reason, where the rules say otherwise now.
    Refused while a signature stands. Stale, and repeated, as `sign_phase_decision`.
    """
    with writing(by=by, duty=Duty.SIGN, site_id=site_id, at=at, reason="Phase decision signed again"):
        subject = locked_subject(subject_id, site_id)
        decision = PhaseDecision.objects.select_related("proposal", "signature").get(pk=decision_id, subject=subject)
        if first_submission(token=token, by=by, at=at) is not None:
            return decision
        if selectors.standing_signature(decision) is not None:
            raise Refused("The signature under this decision stands. There is nothing to sign again.")
        check_evaluated(subject)
        content = reaffirmation(subject, decision)
        if digest(content) != shown:
            raise Stale(CHANGED)
        stated = _stated(decision, content, response, reason)
        what = Signing(
            record_type=selectors.DECISION_RECORD,
            record_id=str(decision.proposal_id),
            meaning=DECISION_MEANING,
            statement=DECISION_SENTENCE,
            content={**content, "decision": stated, "signed_again_at": at.isoformat()},
            basis=basis_of(content),
        )
        signature = sign(by=by, at=at, proof=proof, site=subject.site, subject=subject, what=what)
        if stated["response"] == content["shown"]["status"]:
            _sign_response_too(_derived(subject, at, "decision signed again"), signature.pk)
        note_outcome(token=token, outcome=f"phase_decision:{decision.pk}")
        return decision


def _stated(decision: PhaseDecision, content: dict[str, Any], response: Response | None, reason: str) -> dict[str, Any]:
    """The decision as it is signed again: on the response as computed now, or on the one that it was made on."""
    computed_now = content["shown"]["status"]
    if response is None or response.value == computed_now:
        return {**content["decision"], "response": computed_now}
    if response.value != decision.response:
        raise Refused("Approve the response as it is computed now, or the one that was decided on.")
    if not reason.strip():
        raise Refused("Say why the response stays as decided.")
    return {**content["decision"], "response": response.value, "reason": reason.strip()}


def withdraw_signature(
    *, by: Actor, at: datetime, proof: Proof, subject_id: int, site_id: int, signature_id: int, reason: str
) -> Signature:
    """The signer takes back a signature under a response or a decision, with a reason. It stays listed.

    Nobody is moved: the decision waits to be signed again. Refused without a reason, for another person's signature,
    and for one that does not stand any more.
    """
    with writing(by=by, duty=Duty.SIGN, site_id=site_id, at=at, reason=reason):
        subject = locked_subject(subject_id, site_id)
        signer_id = proof.check_for(by, at)
        records = (selectors.DECISION_RECORD, RESPONSE_RECORD)
        signature = Signature.objects.get(pk=signature_id, subject=subject, record_type__in=records)
        return take_back(signature, signer_id=signer_id, reason=reason, at=at)


def ask_for_data(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, token: UUID, proposal_id: int, text: str
) -> Query:
    """Not yet: the investigator asks the site for more before deciding. A query; the proposal stays pending."""
    with writing(by=by, duty=Duty.SIGN, site_id=site_id, at=at, reason="Investigator asks the site"):
        subject = locked_subject(subject_id, site_id)
        outcome = first_submission(token=token, by=by, at=at)
        if outcome is not None:
            return Query.objects.get(pk=int(outcome.partition(":")[2]))
        if not text.strip():
            raise Refused("Say what you need from the site.")
        proposal = PhaseProposal.objects.get(pk=proposal_id, subject=subject)
        anchor = Anchor("phase_proposal", proposal.pk, "response", proposal.detail["code"])
        query = open_query(by=by, at=at, subject=subject, anchor=anchor, text=text)
        note_outcome(token=token, outcome=f"query:{query.pk}")
        return query
