"""Bringing an amendment into force by signature. It moves nobody: subjects stay on theirs until they consent again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from dosing.selectors.versions import activation_content, effect_of, next_after, unconfirmed_in
from enrollment.models import ConsentForm
from protocol.schema import Protocol
from protocol.versions import named
from trialsite.access import Actor, Duty, system_actor
from trialsite.context import reading, writing
from trialsite.models import ProtocolActivation, ProtocolPeriod, Site
from trialsite.reauthentication import Proof
from trialsite.selectors import protocol_in_force
from trialsite.services.signatures import Signing, digest, sign, signature_under, take_back
from trialsite.services.subjects import Refused, Stale, first_submission, note_outcome

RECORD = "protocol_version"
MEANING = "activation of a protocol version"
CHANGED = "What this version would change is no longer what was shown. Read it again, then sign."


def sentence(version: str) -> str:
    """What the signer states, as it stands above the signature."""
    return f"have read what protocol version {version} changes and whom it would judge otherwise, and activate it."


def activate_protocol(
    *,
    by: Actor,
    at: datetime,
    proof: Proof,
    site_id: int,
    token: UUID,
    version: str,
    shown: str,
    reason: str,
) -> ProtocolActivation:
    """Activate the next version by signature: whoever is screened from now on consents to it.

    `site_id` is the site at which the investigator signs; `shown` the fingerprint of what was on the screen. Stale if
    that is not so any more. Refused for any other version than the next draft, without a reason, and while a parameter
    that is confirmed for the present version is not confirmed for this one. The same token gives the first activation.
    """
    with writing(by=by, duty=Duty.ACTIVATE_PROTOCOL, site_id=site_id, at=at, reason=reason):
        Site.objects.select_for_update().get(is_coordinating_centre=True)  # one activation after the other
        if first_submission(token=token, by=by, at=at) is not None:
            return ProtocolActivation.objects.filter(version=version).latest("id")
        present = protocol_in_force()
        trial = _draft(version, present)
        content = activation_content(trial, present, effect_of(trial, at))
        if digest(content) != shown:
            raise Stale(CHANGED)
        if not reason.strip():
            raise Refused("Say on what the activation rests.")
        what = Signing(
            record_type=RECORD,
            record_id=version,
            meaning=MEANING,
            statement=sentence(version),
            content={**content, "reason": reason},
        )
        site = Site.objects.get(pk=site_id)
        activation = ProtocolActivation.objects.create(
            version=version,
            replaces=present.version,
            reason=reason,
            activated_at=at,
            activated_by_name=by.printed_name,
            signature=sign(by=by, at=at, proof=proof, site=site, subject=None, what=what, duty=Duty.ACTIVATE_PROTOCOL),
        )
        note_outcome(token=token, outcome=f"/protocol/{version}/")
        return activation


def withdraw_activation(
    *, by: Actor, at: datetime, proof: Proof, site_id: int, version: str, reason: str
) -> ProtocolActivation:
    """The signer takes back an activation that nobody follows yet: the version is a draft again.

    It stays listed with its signature. Refused for a version that is not in force, once a subject or a consent form of
    any site follows it, without a reason, and for another person's signature.
    """
    with writing(by=by, duty=Duty.ACTIVATE_PROTOCOL, site_id=site_id, at=at, reason=reason):
        activation = ProtocolActivation.objects.filter(version=version, withdrawn_at=None).last()
        if activation is None or protocol_in_force().version != version:
            raise Refused(f"Protocol version {version} is not in force.")
        if words := bound_because(activation, at):
            raise Refused(words)
        signer_id = proof.check_for(by, at)
        signature = signature_under(RECORD, version, activation.signature_id)
        take_back(signature, signer_id=signer_id, reason=reason, at=at)
        activation.withdrawn_at, activation.withdrawn_reason = at, reason.strip()
        activation.save(update_fields=["withdrawn_at", "withdrawn_reason"])
        return activation


def bound_because(activation: ProtocolActivation, at: datetime) -> str:
    """Why an activation cannot be taken back; empty while nobody at any site follows it. Numbers, no names."""
    version = activation.version
    with reading(system_actor("verification"), at):
        subjects = ProtocolPeriod.objects.filter(version=version).values("subject").distinct().count()
        forms = ConsentForm.objects.filter(protocol_version=version, in_error_at=None).count()
    if subjects:
        who = "1 subject follows" if subjects == 1 else f"{subjects} subjects follow"
        return f"{who} version {version}, so its activation cannot be withdrawn. A further amendment can replace it."
    if forms:
        what = "1 consent form names" if forms == 1 else f"{forms} consent forms name"
        return f"{what} version {version}, so its activation cannot be withdrawn. Take the form back first."
    return ""


def _draft(version: str, present: Protocol) -> Protocol:
    """The next version, if it is that one and nothing stands in its way."""
    following = next_after(present)
    if following is None or following.version != version:
        raise Refused(f"Protocol version {version} cannot be activated; version {present.version} is in force.")
    missing = unconfirmed_in(following, present)
    if missing:
        words = ", ".join(named(version).parameters[name].label for name in missing)
        raise Refused(f"Confirmed for version {present.version} and not yet for {version}: {words}. Confirm it first.")
    return following
