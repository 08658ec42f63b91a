"""Confirming by signature what no public source of the trial states."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from uuid import UUID

from protocol.versions import ORIGINAL, named
from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.models import ParameterConfirmation, Site
from trialsite.reauthentication import Proof
from trialsite.services.signatures import Signing, sign
from trialsite.services.subjects import Refused, first_submission, note_outcome

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
            record_type="parameter",
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
