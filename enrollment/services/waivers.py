"""Waiver of a criterion that is not met: asked for by the site, approved or refused by signature.

It never makes the criterion met. What it allows is registration with the deviation in plain sight.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from enrollment.checklist import criterion_fingerprint
from enrollment.models import Waiver
from enrollment.selectors import checklist_of, facts_of, site_day
from enrollment.services.eligibility import check_in_screening, check_withdrawable
from protocol.vocabulary import CriterionOutcome
from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.mail import people_at
from trialsite.models import Role, Subject
from trialsite.outbox import News, publish
from trialsite.reauthentication import Proof
from trialsite.selectors import protocol_of
from trialsite.services.signatures import Signing, break_signatures_resting_on, sign, signature_under, take_back
from trialsite.services.subjects import Refused, Stale, first_submission, lock_open_subject, note_outcome

RECORD = "waiver"
STATEMENT = "have seen the criterion with its evidence and decide as chosen above."


@dataclass(frozen=True)
class Ruling:
    """What the investigator decides about a waiver, and why."""

    decision: Waiver.Decision
    reason: str


def request_waiver(
    *, by: Actor, at: datetime, token: UUID, subject_id: int, site_id: int, criterion: str, reason: str
) -> Waiver:
    """The site asks for a criterion to be waived that is not met today; the site's investigators are told.

    The same token gives the first request. Refused for a criterion that is met or undecided, without a reason, and
    while another request waits or a waiver holds.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at):
        before = first_submission(token=token, by=by, at=at)
        if before is not None:
            return Waiver.objects.get(pk=int(before))
        subject = lock_open_subject(subject_id, site_id)
        check_in_screening(subject)
        if not reason.strip():
            raise Refused("Say why this subject should take part all the same.")
        waiver = Waiver.objects.create(
            subject=subject,
            site_id=subject.site_id,
            criterion=criterion,
            judgement=_unmet_row(subject, criterion, at),
            fingerprint=criterion_fingerprint(facts_of(subject), protocol_of(subject), criterion),
            reason=reason,
            requested_by_id=by.user_id,
            requested_at=at,
        )
        publish(kind=News.WAIVER_REQUESTED, subject=subject, payload={"waiver": str(waiver.pk)}, at=at)
        note_outcome(token=token, outcome=str(waiver.pk))
        return waiver


def _unmet_row(subject: Subject, criterion: str, at: datetime) -> dict[str, Any]:
    """The checklist's row of a criterion for which a waiver can be asked."""
    now = checklist_of(subject, site_day(at, subject.site))
    row = next((row for row in now.rows if row["criterion"] == criterion), None)
    if row is None:
        raise Refused(f"There is no criterion {criterion}.")
    if row["outcome"] == CriterionOutcome.INDETERMINATE:
        raise Refused(f"{criterion} is not decided yet. What is missing is entered, not waived.")
    if row["outcome"] != CriterionOutcome.NOT_MET:
        raise Refused(f"{criterion} is met. There is nothing to waive.")
    if criterion in now.waived:
        raise Refused(f"{criterion} is waived already.")
    if Waiver.objects.filter(subject=subject, criterion=criterion, decision="").exists():
        raise Refused(f"A waiver of {criterion} is asked for already and waits for an investigator.")
    return row


def decide_waiver(
    *, by: Actor, at: datetime, proof: Proof, subject_id: int, site_id: int, waiver_id: int, ruling: Ruling
) -> Waiver:
    """An investigator approves or refuses by signature over the criterion, its evidence and the reasons.

    Who asked does not decide, unless nobody else at the site can. Stale if the evidence has changed; deciding the
    same again changes nothing. PermissionDenied without the duty or a fresh proof.
    """
    with writing(by=by, duty=Duty.SIGN, site_id=site_id, at=at, reason=ruling.reason):
        subject = lock_open_subject(subject_id, site_id)
        check_in_screening(subject)
        waiver = Waiver.objects.select_for_update().get(pk=waiver_id, subject=subject)
        if waiver.decision:
            return _decided_before(waiver, ruling)
        _check_ruling(by, at, subject, waiver, ruling)
        waiver.signature = sign(
            by=by, at=at, proof=proof, site=subject.site, subject=subject, what=_signing(subject, waiver, ruling)
        )
        waiver.decision, waiver.decision_reason = ruling.decision.value, ruling.reason
        waiver.decided_by_id, waiver.decided_at = by.user_id, at
        waiver.save(update_fields=["decision", "decision_reason", "decided_by", "decided_at", "signature"])
        return waiver


def withdraw_waiver_decision(
    *, by: Actor, at: datetime, proof: Proof, subject_id: int, site_id: int, waiver_id: int, reason: str
) -> Waiver:
    """The signer takes back the decision on a waiver: it waits to be decided again, and what rested on it breaks.

    The signature stays listed. Refused once the subject is registered, while a newer request for the criterion waits,
    without a reason, and for another person's decision.
    """
    with writing(by=by, duty=Duty.SIGN, site_id=site_id, at=at, reason=reason):
        subject = lock_open_subject(subject_id, site_id)
        check_withdrawable(subject)
        signer_id = proof.check_for(by, at)
        waiver = Waiver.objects.select_for_update().get(pk=waiver_id, subject=subject)
        if Waiver.objects.filter(subject=subject, criterion=waiver.criterion, decision="").exists():
            raise Refused(f"A newer request to waive {waiver.criterion} waits. Decide that one.")
        signature = signature_under(RECORD, waiver.pk, waiver.signature_id or 0)
        take_back(signature, signer_id=signer_id, reason=reason, at=at)
        words = f"The decision on the waiver of {waiver.criterion} was withdrawn. {reason}"
        break_signatures_resting_on([f"{RECORD}:{waiver.pk}"], reason=words[:300], at=at)
        waiver.decision, waiver.decision_reason, waiver.signature = "", "", None
        waiver.decided_by, waiver.decided_at = None, None
        waiver.save(update_fields=["decision", "decision_reason", "decided_by", "decided_at", "signature"])
        return waiver


def _decided_before(waiver: Waiver, ruling: Ruling) -> Waiver:
    if waiver.decision != ruling.decision:
        raise Stale(f"This waiver was {waiver.get_decision_display().lower()} since you opened the page.")
    return waiver


def _check_ruling(by: Actor, at: datetime, subject: Subject, waiver: Waiver, ruling: Ruling) -> None:
    if not ruling.reason.strip():
        raise Refused("Say why.")
    if own_request(by, at, waiver):
        raise Refused("You asked for this waiver. Another investigator of the site decides.")
    now = criterion_fingerprint(facts_of(subject), protocol_of(subject), waiver.criterion)
    if ruling.decision == Waiver.Decision.APPROVED and waiver.fingerprint != now:
        raise Stale(f"The evidence for {waiver.criterion} has changed since the waiver was asked for. Refuse it.")


def own_request(by: Actor, at: datetime, waiver: Waiver) -> bool:
    """True if this person asked for it and somebody else at the site can decide."""
    others = [one for one in people_at(waiver.subject.site, Role.INVESTIGATOR, at) if one.pk != by.user_id]
    return waiver.requested_by_id == by.user_id and bool(others)


def _signing(subject: Subject, waiver: Waiver, ruling: Ruling) -> Signing:
    sources = {piece["source"] for piece in waiver.judgement["evidence"] if piece["source"]}
    return Signing(
        record_type=RECORD,
        record_id=str(waiver.pk),
        meaning=f"Waiver {ruling.decision.label.lower()}",
        statement=STATEMENT,
        content={
            "subject": subject.screening_number,
            "criterion": waiver.judgement,
            "asked_because": waiver.reason,
            "asked_by": waiver.requested_by.printed_name if waiver.requested_by else "",
            "decision": ruling.decision.value,
            "reason": ruling.reason,
        },
        basis=tuple(sorted(sources)),
    )
