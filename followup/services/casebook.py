"""The investigator signs casebooks: one, or several at once, each as it was shown or none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from django.db import transaction

from followup.milestones import RECORD, Reading, readings
from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.models import Signature, Subject
from trialsite.reauthentication import Proof
from trialsite.services.signatures import Signing, sign, supersede, take_back
from trialsite.services.subjects import (
    Refused,
    Stale,
    check_open_for_data,
    first_submission,
    lock_subject,
    note_outcome,
)

MEANING = "approval of the casebook"
SENTENCE = "have reviewed the forms listed and confirm that they are complete and correct."


@dataclass(frozen=True)
class Book:
    """One casebook to sign, and the digest of what was on the screen."""

    subject_id: int
    site_id: int
    shown: str


@transaction.atomic
def sign_casebooks(*, by: Actor, at: datetime, proof: Proof, token: UUID, books: Sequence[Book]) -> list[Signature]:
    """One signature per casebook, all of them or none; the former ones are superseded and stay listed.

    Stale, naming the subjects, if a form of any changed since it was shown. Refused without a casebook, and where a
    signature covers everything already. PermissionDenied without the duty to sign at each of the sites. The same
    token twice gives the first signatures.
    """
    if not books:
        raise Refused("There is no casebook to sign.")
    signed: list[Signature] = []
    stale: list[str] = []
    in_order = sorted(books, key=lambda book: (book.site_id, book.subject_id))
    for site_id, at_site in groupby(in_order, key=lambda book: book.site_id):
        with writing(by=by, duty=Duty.SIGN, site_id=site_id, at=at, reason="Casebook signed"):
            shown = {book.subject_id: book.shown for book in at_site}
            found = readings([_locked(pk, site_id) for pk in shown])
            if site_id == in_order[0].site_id and first_submission(token=token, by=by, at=at) is not None:
                return [one.last for one in readings(_subjects(books)) if one.last is not None]
            stale += [one.subject.number for one in found if one.shown != shown[one.subject.pk]]
            signed += [_sign(by, at, proof, one) for one in found if not stale]
            if len(signed) == len(books):
                note_outcome(token=token, outcome=f"casebooks:{len(signed)}")
    if stale:
        raise Stale(f"Forms of {', '.join(stale)} changed since they were listed. Nothing was signed. Read them again.")
    return signed


def _locked(subject_id: int, site_id: int) -> Subject:
    subject = lock_subject(subject_id)
    if subject.site_id != site_id:
        raise Refused("This subject belongs to another site.")
    check_open_for_data(subject)
    return subject


def _subjects(books: Sequence[Book]) -> list[Subject]:
    return list(Subject.objects.select_related("site").filter(pk__in=[book.subject_id for book in books]))


def _sign(by: Actor, at: datetime, proof: Proof, reading: Reading) -> Signature:
    if not reading.can_be_signed:
        raise Refused(f"The casebook of {reading.subject.number} is signed. Nothing changed since.")
    subject = reading.subject
    what = Signing(
        record_type=RECORD,
        record_id=str(subject.pk),
        meaning=MEANING,
        statement=SENTENCE,
        content=reading.content,
    )
    signature = sign(by=by, at=at, proof=proof, site=subject.site, subject=subject, what=what)
    if reading.last is not None:
        supersede(reading.last, reason="The casebook was signed again", at=at)
    return signature


def withdraw_casebook_signature(
    *, by: Actor, at: datetime, proof: Proof, subject_id: int, site_id: int, signature_id: int, reason: str
) -> Signature:
    """The signer takes back the signature under a casebook, with a reason. It stays listed, and the casebook is due.

    Refused without a reason, for another person's signature, and for one that does not stand any more.
    """
    with writing(by=by, duty=Duty.SIGN, site_id=site_id, at=at, reason=reason):
        subject = _locked(subject_id, site_id)
        signer_id = proof.check_for(by, at)
        signature = Signature.objects.get(pk=signature_id, subject=subject, record_type=RECORD)
        return take_back(signature, signer_id=signer_id, reason=reason, at=at)
