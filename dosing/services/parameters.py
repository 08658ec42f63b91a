"""Confirming by signature what no public source of the trial states."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from uuid import UUID

from protocol.versions import ORIGINAL, named
from protocol.vocabulary import Phase
from trialsite.access import Actor, Duty, system_actor
from trialsite.context import reading, writing
from trialsite.models import ParameterConfirmation, Site, StatePeriod
from trialsite.reauthentication import Proof
from trialsite.selectors import confirmed_parameter
from trialsite.services.signatures import Signing, sign, signature_under, take_back
from trialsite.services.subjects import Refused, first_submission, note_outcome

RECORD = "parameter"
MEANING = "confirmation of a protocol parameter"
#: Parameters that a signature sets in the running trial; the others are fixed in the protocol version.
CONFIRMABLE = ("high_dex_mg",)
_HIGHEST_MG = Decimal(1000)


def sentence(version: str) -> str:
    """What the signer states, as it stands above the signature."""
    return f"confirm this value under protocol version {version}."


def confirm_parameter(
    *,
    by: Actor,
    at: datetime,
    proof: Proof,
    site_id: int,
    name: str,
    value: str,
    reason: str,
    version: str = ORIGINAL.version,
    token: UUID | None = None,
) -> ParameterConfirmation:
    """Confirm a parameter of a protocol version by signature; the newest confirmation holds at every site.

    `site_id` is the site at which the investigator signs. Refused for a parameter that is fixed in the protocol, a
    value that is no positive number, and without a reason.
    """
    with writing(by=by, duty=Duty.CONFIRM_PARAMETER, site_id=site_id, at=at, reason=reason):
        if token is not None and first_submission(token=token, by=by, at=at) is not None:
            return ParameterConfirmation.objects.filter(name=name, protocol_version=version).latest("id")
        _check(name, value, reason)
        parameter = named(version).parameters[name]
        site = Site.objects.get(pk=site_id)
        content = {
            "name": name,
            "value": value,
            "unit": parameter.unit,
            "protocol_version": version,
            "reason": reason,
            "confirmed_at": at.isoformat(),
        }
        what = Signing(
            record_type=RECORD,
            record_id=name,
            meaning=MEANING,
            statement=sentence(version),
            content=content,
        )
        confirmation = ParameterConfirmation.objects.create(
            name=name,
            value=value,
            unit=parameter.unit,
            protocol_version=version,
            reason=reason,
            confirmed_at=at,
            confirmed_by_name=by.printed_name,
            signature=sign(by=by, at=at, proof=proof, site=site, subject=None, what=what, duty=Duty.CONFIRM_PARAMETER),
        )
        if token is not None:
            note_outcome(token=token, outcome=f"/protocol/parameters/{name}/?version={version}")
        return confirmation


def withdraw_confirmation(
    *, by: Actor, at: datetime, proof: Proof, site_id: int, confirmation_id: int, reason: str
) -> ParameterConfirmation:
    """The signer takes back the confirmation that holds: until a new one, nothing that depends on it can start.

    It stays listed with its signature. Refused once a subject is planned by it, for one that holds no more, without a
    reason, and for another person's.
    """
    with writing(by=by, duty=Duty.CONFIRM_PARAMETER, site_id=site_id, at=at, reason=reason):
        found = ParameterConfirmation.objects.filter(pk=confirmation_id).first()
        newest = found and confirmed_parameter(found.name, found.protocol_version)
        if found is None or newest != found:
            raise Refused("This confirmation does not hold any more.")
        if words := bound_because(found, at):
            raise Refused(words)
        signer_id = proof.check_for(by, at)
        signature = signature_under(RECORD, found.name, found.signature_id)
        take_back(signature, signer_id=signer_id, reason=reason, at=at)
        found.withdrawn_at, found.withdrawn_reason = at, reason.strip()
        found.save(update_fields=["withdrawn_at", "withdrawn_reason"])
        return found


def bound_because(confirmation: ParameterConfirmation, at: datetime) -> str:
    """Why a confirmation cannot be taken back: empty where nobody at any site is planned by it. A number, no names."""
    with reading(system_actor("verification"), at):
        lived = StatePeriod.objects.filter(
            state=Phase.HIGH_DEX.value, subject__protocol_version=confirmation.protocol_version
        )
        planned = lived.values("subject").distinct().count()
    if not planned:
        return ""
    who = "1 subject is" if planned == 1 else f"{planned} subjects are"
    return f"{who} planned by this value, so it cannot be withdrawn. Confirm the right value; it takes its place."


def _check(name: str, value: str, reason: str) -> None:
    if name not in CONFIRMABLE:
        raise Refused("This parameter is fixed in the protocol version and cannot be confirmed here.")
    if not reason.strip():
        raise Refused("Say on what the confirmation rests.")
    try:
        number = Decimal(value)
    except InvalidOperation as unreadable:
        raise Refused("Enter a number, for example 40.") from unreadable
    if not (number.is_finite() and 0 < number <= _HIGHEST_MG):
        raise Refused("Enter a dose above 0 and up to 1000 mg.")
