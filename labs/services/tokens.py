"""Tokens with which laboratories send results: made once, shown once, kept as a digest, revoked by people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from secrets import token_urlsafe

from labs.models import Laboratory, LaboratoryToken
from labs.services.refusals import FieldsRefused
from trialsite.access import Actor, Duty, system_actor
from trialsite.context import because, reading, serving, writing
from trialsite.services.subjects import Refused

#: Who acts when a laboratory sends: it takes in what goes to quarantine, and nothing else.
INTERFACE = "laboratory interface"
_PREFIX = "lab_"


@dataclass(frozen=True)
class NewToken:
    """secret: what the laboratory is told. It can be read here only, and only now."""

    token: LaboratoryToken
    secret: str


def make_token(*, by: Actor, at: datetime, site_id: int, laboratory_id: int, label: str) -> NewToken:
    """A new token of a laboratory. FieldsRefused where no label says which system holds it."""
    if not label.strip():
        raise FieldsRefused({"label": "Say which system of the laboratory will hold the token."})
    with writing(by=by, duty=Duty.MANAGE_RANGES, site_id=site_id, at=at):
        laboratory = Laboratory.objects.select_for_update().get(pk=laboratory_id, site_id=site_id)
        if laboratory.closed_on is not None:
            raise Refused("This laboratory is closed.")
        secret = _PREFIX + token_urlsafe(32)
        token = LaboratoryToken.objects.create(
            site_id=site_id, laboratory=laboratory, label=label.strip()[:60], token_digest=_digest(secret),
            made_by_id=by.user_id, made_at=at,
        )  # fmt: skip
        return NewToken(token, secret)


def revoke_token(*, by: Actor, at: datetime, site_id: int, token_id: int) -> LaboratoryToken:
    """From now on nothing is taken with this token; what came with it stays."""
    with writing(by=by, duty=Duty.MANAGE_RANGES, site_id=site_id, at=at, reason="Token revoked"):
        token = LaboratoryToken.objects.select_for_update().get(pk=token_id, site_id=site_id)
        if token.revoked_at is not None:
            raise Refused("This token was revoked already.")
        token.revoked_by_id, token.revoked_at = by.user_id, at
        token.save(update_fields=["revoked_by", "revoked_at"])
        return token


def check_token(*, secret: str, at: datetime) -> LaboratoryToken | None:
    """The token that was shown, noted as used; None for one that is unknown, revoked, or of a closed laboratory."""
    with reading(system_actor(INTERFACE), at):
        token = (
            LaboratoryToken.objects.select_related("laboratory__site")
            .filter(token_digest=_digest(secret), revoked_at=None, laboratory__closed_on=None)
            .first()
        )
    if token is None:
        return None
    with (
        serving([token.site_id]),
        writing(by=system_actor(INTERFACE), duty=Duty.IMPORT_LABS, site_id=token.site_id, at=at),
        because("Token used"),
    ):
        LaboratoryToken.objects.filter(pk=token.pk).update(last_used_at=at)
    return token


def _digest(secret: str) -> str:
    """Of 32 random bytes: nothing that a slow hash would protect better."""
    return sha256(secret.encode()).hexdigest()
