"""A person's second factor: set up, renewed, used and removed by its owner; revoked by an administrator."""

from __future__ import annotations

from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from trialsite import mail, second_factor
from trialsite.access import Actor, Duty, system_actor
from trialsite.context import own_account, writing
from trialsite.models import User
from trialsite.reauthentication import Proof
from trialsite.services.subjects import Refused

#: How a proof names that the second factor was asked for as well.
BOTH = "password and code"


def enrol(*, by: Actor, at: datetime, proof: Proof, secret: str, code: str, keep: str) -> list[str]:
    """Set up an authenticator app; the recovery codes, which are shown this one time.

    `code` is what the app shows now. The person's other sessions end; `keep` is the key of this one.
    """
    with own_account(by, at=at, reason="Second factor set up by its owner"):
        user = _owner(by, at, proof)
        if second_factor.is_enrolled(user):
            raise Refused("An authenticator app is set up already.")
        app = TOTP.activate(user, secret)
        if not app.validate_code(code.strip().replace(" ", "")):
            raise Refused("This code is not right, or was used before. Wait for the next one.")
        codes = RecoveryCodes.activate(user)
        _end_sessions(user, keep)
        _tell(user, f"factor-set-up:{app.instance.pk}", "Your second factor is set up", at)
        return list(codes.generate_codes())


def renew_codes(*, by: Actor, at: datetime, proof: Proof) -> list[str]:
    """New recovery codes, shown this one time; the earlier ones stop working."""
    with own_account(by, at=at, reason="Recovery codes renewed by their owner"):
        user = _owner(by, at, proof, method=BOTH)
        _retire(user, Authenticator.Type.RECOVERY_CODES)
        codes = RecoveryCodes.activate(user)
        _tell(user, f"recovery-codes:{codes.instance.pk}", "You have new recovery codes", at)
        return list(codes.generate_codes())


def remove(*, by: Actor, at: datetime, proof: Proof, keep: str) -> None:
    """The owner takes the factor away; the other sessions end."""
    with own_account(by, at=at, reason="Second factor removed by its owner"):
        user = _owner(by, at, proof, method=BOTH)
        _tell(user, f"factor-removed:{_retire(user)}", "Your second factor was removed", at)
        _end_sessions(user, keep)


def revoke(*, by: Actor, at: datetime, user_id: int, reason: str) -> User:
    """A lost device: it neither signs in nor signs any more, and every session of the person ends."""
    with writing(by=by, duty=Duty.MANAGE_PEOPLE, site_id=None, at=at, reason=reason):
        if user_id == by.user_id:
            raise Refused("Ask another administrator to revoke your own second factor.")
        user = User.objects.select_for_update().get(pk=user_id)
        if not second_factor.is_enrolled(user):
            raise Refused("This person has no second factor.")
        _tell(user, f"factor-revoked:{_retire(user)}", "An administrator revoked your second factor", at)
        _end_sessions(user)
        return user


def use_code(*, by: Actor, at: datetime, code: str) -> bool:
    """True if this is a code of the person's app, or one of the recovery codes; it is used up by this.

    A recovery code that was used is told to its owner.
    """
    with own_account(by, at=at, reason="Recovery code used"):
        user = User.objects.select_for_update().get(pk=by.user_id or 0)
        if second_factor.takes_code(user, code):
            return True
        if not second_factor.takes_recovery_code(user, code):
            return False
        kept = Authenticator.objects.get(user=user, type=Authenticator.Type.RECOVERY_CODES)
        left = second_factor.codes_left(user)
        _tell(user, f"recovery-code-used:{kept.pk}:{left}", f"A recovery code was used, {left} are left", at)
        return True


def _owner(by: Actor, at: datetime, proof: Proof, method: str = "") -> User:
    """The account, locked; PermissionDenied unless its owner proved who it is by this method."""
    owner = User.objects.select_for_update().get(pk=proof.check_for(by, at))
    if method and proof.method != method:
        raise PermissionDenied("Enter a code of your second factor.")
    return owner


def _retire(user: User, *kinds: str) -> int:
    """Nothing takes these factors any more, and their secrets are gone; the newest row's number."""
    standing = Authenticator.objects.filter(user=user, type__in=kinds or second_factor.KINDS)
    numbers = list(standing.values_list("pk", flat=True))
    standing.update(type=second_factor.REVOKED, data={})
    return max(numbers, default=0)


def _end_sessions(user: User, keep: str = "") -> None:
    """Sign the person out everywhere, except in the session of this key."""
    for session in Session.objects.filter(expire_date__gt=timezone.now()).exclude(session_key=keep):
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            session.delete()


def _tell(user: User, key: str, heading: str, at: datetime) -> None:
    with writing(by=system_actor("guard"), duty=Duty.RAISE_ALERT, site_id=None, at=at):
        mail.queue(
            key=key,
            to=[user],
            heading=heading,
            body=(
                f"{heading}. This concerns the account {user.username}.\n\n"
                "If you know nothing of this, tell an administrator at once.\n"
            ),
            why="Second factor of the own account",
            at=at,
        )
