"""The eligibility checklist: answered, sent to the investigators, signed. A machine judges, a person decides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from enrollment.checklist import Checklist, signed_content
from enrollment.models import EligibilitySnapshot, ScreeningAnswer
from enrollment.questions import Question, questions_for
from enrollment.selectors import checklist_of, current_answers, is_signed, latest_snapshot, site_day, waivers_of
from enrollment.services.answers import Answer, differs, with_theirs
from enrollment.services.contradictions import ask_about_contradictions
from protocol.vocabulary import CriterionOutcome, Phase
from trialsite.access import Actor, Duty
from trialsite.context import because, writing
from trialsite.models import Signature, Subject
from trialsite.outbox import News, publish
from trialsite.reauthentication import Proof
from trialsite.selectors import protocol_of
from trialsite.services.signatures import (
    Signing,
    break_signatures_resting_on,
    sign,
    signature_under,
    supersede,
    take_back,
)
from trialsite.services.subjects import Refused, Stale, check_open_for_data, lock_subject

RECORD = "eligibility"
MEANING = "Eligibility confirmed"
STATEMENT = (
    "have reviewed every criterion with its evidence and confirm that this subject is eligible and needs no "
    "chemotherapy now."
)
REGISTERED = (
    "The subject was registered on this signature, so it cannot be withdrawn. What turned out wrong is corrected at "
    "its source; the page then shows what differs."
)
FIRST_ENTRY = "Changed before the checklist was first sent"


def check_in_screening(subject: Subject) -> None:
    """Refused once the subject is registered or has failed screening: the checklist stands still."""
    check_open_for_data(subject)
    if subject.state != Phase.SCREENING:
        raise Refused("Screening of this subject is closed. The checklist stands as it was.")


def record_screening_answers(
    *,
    by: Actor,
    at: datetime,
    subject_id: int,
    site_id: int,
    answers: Mapping[str, Answer],
    seen: int | None = None,
    reason: str = "",
) -> list[ScreeningAnswer]:
    """Store what is new or changed; the new versions. Items that are not handed in stay as they are.

    seen: the newest answer (primary key, 0 for none) that the page showed. What only another person answered since
    stands; SavedMeanwhile for what both answered, each differently. reason: needed for a change once the checklist
    was sent. Refused for an unknown item or answer. An answer that a recorded medication contradicts is asked about.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=reason or FIRST_ENTRY):
        subject = lock_subject(subject_id)
        check_in_screening(subject)
        _check_answers(subject, answers, site_day(at, subject.site))
        standing = current_answers(subject)
        settled = with_theirs(subject, answers, seen)
        changed = {item: one for item, one in settled.items() if differs(standing.get(item), one)}
        replaced = [standing[item] for item in changed if item in standing]
        if replaced and not reason and latest_snapshot(subject) is not None:
            raise Refused("Say why a saved answer changes.")
        stored = _store(by, at, subject, changed, replaced, reason or FIRST_ENTRY)
        ask_about_contradictions(by=by, at=at, subject=subject)
        return stored


def _check_answers(subject: Subject, answers: Mapping[str, Answer], today: date) -> None:
    known = {question.item: question for question in questions_for(subject.sex, protocol_of(subject))}
    for item, answer in answers.items():
        if item not in known:
            raise Refused(f"There is no question {item} for this subject.")
        _check_answer(known[item], answer, today)


def _check_answer(question: Question, answer: Answer, today: date) -> None:
    if answer.value not in dict(question.choices):
        raise Refused(f"{question.words}: choose one of the answers.")
    if answer.on is not None and answer.on > today:
        raise Refused(f"{question.words}: the date is in the future. Check the year.")


def _store(
    by: Actor,
    at: datetime,
    subject: Subject,
    changed: Mapping[str, Answer],
    replaced: list[ScreeningAnswer],
    reason: str,
) -> list[ScreeningAnswer]:
    versions = {one.item: one.version for one in replaced}
    with because(reason):
        ScreeningAnswer.objects.filter(pk__in=[one.pk for one in replaced]).update(superseded_at=at)
    stored = ScreeningAnswer.objects.bulk_create(
        ScreeningAnswer(
            subject=subject,
            site_id=subject.site_id,
            item=item,
            version=versions.get(item, 0) + 1,
            value=answer.value,
            evidence_on=answer.on,
            reason=reason if item in versions else "",
            entered_by_id=by.user_id,
            entered_at=at,
        )
        for item, answer in changed.items()
    )
    sources = [f"screening_answer:{one.pk}" for one in replaced]
    break_signatures_resting_on(sources, reason=f"An answer under it was changed. {reason}"[:300], at=at)
    return list(stored)


def send_eligibility(*, by: Actor, at: datetime, subject_id: int, site_id: int) -> EligibilitySnapshot:
    """Freeze the checklist as it stands and tell the site's investigators that it waits for a signature.

    Sending the same checklist again gives the same snapshot and no second mail. Refused while it is undecided.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at):
        subject = lock_subject(subject_id)
        check_in_screening(subject)
        now = checklist_of(subject, site_day(at, subject.site))
        _check_decided(now)
        newest = latest_snapshot(subject)
        if newest is not None and _says_the_same(newest, now):
            return newest
        snapshot = _freeze(by, at, subject, now)
        publish(kind=News.ELIGIBILITY_SENT, subject=subject, payload={"snapshot": str(snapshot.pk)}, at=at)
        return snapshot


def _check_decided(now: Checklist) -> None:
    open_ones = now.with_outcome(CriterionOutcome.INDETERMINATE)
    if open_ones and not now.unmet:
        raise Refused(f"Not decided yet: {', '.join(open_ones)}. Answer what is missing, then send it.")


def _says_the_same(snapshot: EligibilitySnapshot, now: Checklist) -> bool:
    ended = snapshot.signature is not None and not is_signed(snapshot)
    return not ended and (snapshot.fingerprint, snapshot.outcome) == (now.fingerprint, now.outcome.value)


def _freeze(by: Actor, at: datetime, subject: Subject, now: Checklist) -> EligibilitySnapshot:
    return EligibilitySnapshot.objects.create(
        subject=subject,
        site_id=subject.site_id,
        computed_at=at,
        protocol_version=subject.protocol_version,
        fingerprint=now.fingerprint,
        judgements={"as_of": now.as_of.isoformat(), "version": subject.protocol_version, "criteria": now.rows},
        outcome=now.outcome.value,
        sent_by_id=by.user_id,
    )


def sign_eligibility(
    *, by: Actor, at: datetime, proof: Proof, subject_id: int, site_id: int, snapshot_id: int
) -> Signature:
    """The investigator confirms eligibility by signing exactly the checklist that was shown.

    Stale if the evidence has changed since it was sent, or a newer one was sent. Refused unless everything is met,
    also on the day of signing. PermissionDenied without the duty or a fresh proof.
    """
    with writing(by=by, duty=Duty.SIGN, site_id=site_id, at=at, reason="Eligibility signed"):
        subject = lock_subject(subject_id)
        check_in_screening(subject)
        newest = latest_snapshot(subject)
        if newest is None or newest.pk != snapshot_id:
            raise Stale("A newer checklist was sent since you opened this one. Review that one.")
        if is_signed(newest) and newest.signature is not None:
            return newest.signature
        now = checklist_of(subject, site_day(at, subject.site))
        check_signable(newest, now)
        signature = sign(
            by=by, at=at, proof=proof, site=subject.site, subject=subject, what=_signing(subject, newest, now)
        )
        _attach(newest, signature, at)
        return signature


def check_signable(snapshot: EligibilitySnapshot, now: Checklist) -> None:
    """Stale or Refused, with what to do, unless the sent checklist is current and everything is met or waived."""
    if snapshot.fingerprint != now.fingerprint:
        raise Stale("The evidence has changed since this was sent. Review it and send it again.")
    passed = (CriterionOutcome.MET, CriterionOutcome.NOT_APPLICABLE)
    rows = snapshot.judgements["criteria"]
    unmet = [row["criterion"] for row in rows if row["outcome"] not in passed and "waiver" not in row]
    if unmet:
        raise Refused(f"Not every criterion is met ({', '.join(unmet)}), so eligibility cannot be signed.")
    if not now.is_clear:
        open_ones = now.with_outcome(CriterionOutcome.INDETERMINATE) + now.unmet
        raise Stale(f"Too old by now: the evidence for {', '.join(open_ones)}. Enter a newer result and send again.")


def withdraw_eligibility(
    *, by: Actor, at: datetime, proof: Proof, subject_id: int, site_id: int, signature_id: int, reason: str
) -> Signature:
    """The signer takes back the signature under the newest checklist, which waits for an investigator again.

    Refused once the subject was registered on it, without a reason, for another person's signature, and for one that
    does not stand any more.
    """
    with writing(by=by, duty=Duty.SIGN, site_id=site_id, at=at, reason=reason):
        subject = lock_subject(subject_id)
        check_withdrawable(subject)
        signer_id = proof.check_for(by, at)
        snapshot = latest_snapshot(subject)
        signature = signature_under(RECORD, snapshot.pk if snapshot else "", signature_id)
        take_back(signature, signer_id=signer_id, reason=reason, at=at)
        if snapshot is not None:
            snapshot.signature = None
            snapshot.save(update_fields=["signature"])
        return signature


def check_withdrawable(subject: Subject) -> None:
    """Refused, with why, where a signature of screening cannot be taken back any more."""
    check_open_for_data(subject)
    if subject.registered_on is not None:
        raise Refused(REGISTERED)
    check_in_screening(subject)


def statement(snapshot: EligibilitySnapshot) -> str:
    """What the signature says, after "I, name": it names every criterion that is not met and waived."""
    waived = [row["criterion"] for row in snapshot.judgements["criteria"] if "waiver" in row]
    if not waived:
        return STATEMENT
    return (
        f"have reviewed every criterion with its evidence: {', '.join(waived)} {'is' if len(waived) == 1 else 'are'} "
        "not met and waived, all others are met. I confirm that this subject may take part and needs no chemotherapy "
        "now."
    )


def _signing(subject: Subject, snapshot: EligibilitySnapshot, now: Checklist) -> Signing:
    waivers = tuple(f"waiver:{one.pk}" for one in waivers_of(subject) if one.criterion in now.waived)
    return Signing(
        record_type=RECORD,
        record_id=str(snapshot.pk),
        meaning=MEANING,
        statement=statement(snapshot),
        content=signed_content(subject.screening_number, protocol_of(subject).id, snapshot.judgements),
        basis=now.sources + waivers,
    )


def _attach(snapshot: EligibilitySnapshot, signature: Signature, at: datetime) -> None:
    """Bind the signature to its snapshot; an earlier one of this subject stays listed as superseded."""
    earlier = EligibilitySnapshot.objects.filter(subject_id=snapshot.subject_id, signature__isnull=False)
    for one in earlier.exclude(pk=snapshot.pk).select_related("signature"):
        if one.signature is not None:
            supersede(one.signature, reason="A newer eligibility checklist was signed", at=at)
    snapshot.signature = signature
    snapshot.save(update_fields=["signature"])
