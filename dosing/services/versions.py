"""Bringing an amendment into force by signature. It moves nobody: subjects stay on theirs until they consent again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from dosing.selectors.versions import activation_content, effect_of, next_after, unconfirmed_in
from protocol.schema import Protocol
from protocol.versions import named
from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.models import ProtocolActivation, Site
from trialsite.reauthentication import Proof
from trialsite.selectors import protocol_in_force
from trialsite.services.signatures import Signing, digest, sign
from trialsite.services.subjects import Refused, Stale, first_submission, note_outcome

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
            return ProtocolActivation.objects.get(version=version)
        present = protocol_in_force()
        trial = _draft(version, present)
        content = activation_content(trial, present, effect_of(trial))
        if digest(content) != shown:
            raise Stale(CHANGED)
        if not reason.strip():
            raise Refused("Say on what the activation rests.")
        what = Signing(
            record_type="protocol_version",
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
