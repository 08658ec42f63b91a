"""Signing, and the breaking of signatures when what they rest on changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q

from trialsite.access import Actor, Duty, check_may, role_for
from trialsite.context import because
from trialsite.models import Signature, SignatureBasis, SignatureEvent, Site, Subject, User
from trialsite.reauthentication import Proof
from trialsite.services.subjects import Refused


@dataclass(frozen=True)
class Signing:
    """What is signed: exactly what was shown, what it rests on, and what the signature means.

    statement: the sentence as the page has it after "I, NAME,".

    content: plain JSON types, numbers as strings. basis: opaque references of record versions, as they stand in
    `Measurement.source` (for example "lab_result:17").
    """

    record_type: str
    record_id: str
    meaning: str
    statement: str
    content: Mapping[str, Any]
    basis: tuple[str, ...] = ()


#: In the content of a signature that says what an ended one said.
SIGNED_AGAIN_AT = "signed_again_at"
LEGAL_EFFECT = "My electronic signature has the same legal effect as my handwritten one."


def sentence_of(printed_name: str, statement: str) -> str:
    """The whole sentence that stands above a signature, and is kept with it."""
    return f"I, {printed_name}, {statement} {LEGAL_EFFECT}"


def digest(content: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON (sorted keys, no spaces, UTF-8)."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()


def sign(
    *, by: Actor, at: datetime, proof: Proof, site: Site, subject: Subject | None, what: Signing, duty: Duty = Duty.SIGN
) -> Signature:
    """Add a signature. Runs inside the caller's `writing`.

    What the same person signed before, and broke or took back, is told from it by its time.
    PermissionDenied without the duty, a fresh proof, a verified identity and the letter to the agency.
    """
    check_may(by, duty, site.pk, at)
    signer_id = proof.check_for(by, at)
    _check_rights(signer_id)
    role = role_for(by, duty, site.pk, at)
    content = _told_apart(what, signer_id, at)
    signature = Signature.objects.create(
        site=site,
        subject=subject,
        record_type=what.record_type,
        record_id=what.record_id,
        signer_id=signer_id,
        printed_name=by.printed_name,
        role=role.value if role else "",
        meaning=what.meaning,
        statement=sentence_of(by.printed_name, what.statement),
        signed_at=at,
        time_zone=site.time_zone,
        content=content,
        digest=digest(content),
        authenticated_by=proof.method,
    )
    SignatureBasis.objects.bulk_create(
        SignatureBasis(signature=signature, site=site, source=source) for source in sorted(set(what.basis))
    )
    return signature


def _told_apart(what: Signing, signer_id: int, at: datetime) -> dict[str, Any]:
    """The content; with the time if this person signed the very same under this record before."""
    content = dict(what.content)
    same = Signature.objects.filter(
        record_type=what.record_type, record_id=what.record_id, signer_id=signer_id, digest=digest(content)
    )
    return {**content, SIGNED_AGAIN_AT: at.isoformat()} if same.exists() else content


def _check_rights(signer_id: int) -> None:
    """Before anybody signs, the identity is verified and the agency is told (21 CFR 11.100(b), (c))."""
    signer = User.objects.get(pk=signer_id)
    lacking = [
        words
        for words, on in (
            ("your identity was verified", signer.identity_verified_on),
            ("the letter to the agency was recorded", signer.certified_on),
        )
        if on is None
    ]
    if lacking:
        raise PermissionDenied(f"You cannot sign until {' and '.join(lacking)}. Ask an administrator.")


def break_signatures_resting_on(sources: Iterable[str], *, reason: str, at: datetime) -> list[Signature]:
    """Mark broken every standing signature that rests on one of these record versions.

    A casebook rests on every version that it lists in its own content: there are hundreds of them.
    Runs inside the caller's `writing`. The signature itself stays, visible and broken; nothing is re-signed.
    """
    changed = list(sources)
    resting = Q(basis__source__in=changed) | Q(record_type="casebook", content__versions__has_any_keys=changed)
    broken = list(Signature.objects.filter(resting, events=None).distinct()) if changed else []
    break_signatures(broken, reason=reason, at=at)
    return broken


def break_signatures(signatures: Iterable[Signature], *, reason: str, at: datetime) -> None:
    """Mark these standing signatures broken. Runs inside the caller's `writing`."""
    with because(reason):
        SignatureEvent.objects.bulk_create(
            SignatureEvent(
                signature=signature,
                site_id=signature.site_id,
                kind=SignatureEvent.Kind.BROKEN,
                reason=reason,
                at=at,
            )
            for signature in signatures
        )


def supersede(signature: Signature, *, reason: str, at: datetime) -> None:
    """A newer signature takes this one's place; the old one stays listed."""
    if signature.events.exists():
        return
    SignatureEvent.objects.create(
        signature=signature,
        site_id=signature.site_id,
        kind=SignatureEvent.Kind.SUPERSEDED,
        reason=reason,
        at=at,
    )


def withdraw(signature: Signature, *, reason: str, at: datetime) -> None:
    """What was signed turned out to be an entry in error. The signature stays, visible and withdrawn."""
    SignatureEvent.objects.create(
        signature=signature,
        site_id=signature.site_id,
        kind=SignatureEvent.Kind.WITHDRAWN,
        reason=reason,
        at=at,
    )


def take_back(signature: Signature, *, signer_id: int, reason: str, at: datetime) -> Signature:
    """The signer withdraws the own signature, with a reason. Runs inside the caller's `writing`; it stays listed.

    Refused without a reason, for another person's signature, and for one that does not stand any more.
    """
    if not reason.strip():
        raise Refused("Say why you withdraw your signature.")
    if signature.signer_id != signer_id:
        raise Refused(f"Only {signature.printed_name} can withdraw this signature.")
    if signature.events.exists():
        raise Refused("This signature does not stand any more.")
    withdraw(signature, reason=reason.strip(), at=at)
    return signature


def signature_under(record_type: str, record_id: int | str, signature_id: int) -> Signature:
    """A signature under that record and no other; Refused where there is none."""
    found = Signature.objects.filter(pk=signature_id, record_type=record_type, record_id=str(record_id)).first()
    if found is None:
        raise Refused("There is no such signature here.")
    return found


def is_intact(signature: Signature) -> bool:
    """True if the content still matches its digest and no event ended the signature."""
    return digest(signature.content) == signature.digest and not signature.events.exists()
