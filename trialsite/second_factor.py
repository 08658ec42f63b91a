"""The second factor of who has one: an authenticator app (TOTP), and recovery codes. A code serves once.

A factor that was removed or revoked stays as a row of the kind REVOKED, without its secret: nothing takes it any more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.fernet import InvalidToken

from trialsite.models import User

REVOKED = "revoked"
KINDS = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)


@dataclass(frozen=True)
class Key:
    """The secret of an app that is being set up: as a QR code (view box and path of an SVG), and in groups to type."""

    box: str
    path: str
    typed: str


def is_enrolled(user: User) -> bool:
    return bool(_of(user, Authenticator.Type.TOTP).exists())


def takes_code(user: User, code: str) -> bool:
    """True if the app's code is right now and was not used before; it is used up by this."""
    return _takes(_of(user, Authenticator.Type.TOTP).first(), TOTP, code)


def takes_recovery_code(user: User, code: str) -> bool:
    """True for a recovery code that was not used before; it is used up by this. Runs inside the caller's writing."""
    return _takes(_of(user, Authenticator.Type.RECOVERY_CODES).first(), RecoveryCodes, code)


def codes_left(user: User) -> int:
    kept = _of(user, Authenticator.Type.RECOVERY_CODES).first()
    if kept is None:
        return 0
    try:
        return len(RecoveryCodes(kept).get_unused_codes())
    except InvalidToken:
        return 0


def key_of(user: User, secret: str) -> Key:
    """The secret as the person hands it to the app."""
    adapter = get_adapter()
    image = adapter.build_totp_svg(adapter.build_totp_url(user, secret))
    box, path = (re.search(f' {name}="([^"]+)"', image) for name in ("viewBox", "d"))
    groups = re.findall(".{1,4}", secret)
    return Key(box[1] if box else "", path[1] if path else "", " ".join(groups))


def _takes(kept: Authenticator | None, kind: type[TOTP] | type[RecoveryCodes], code: str) -> bool:
    if kept is None:
        return False
    try:
        return bool(kind(kept).validate_code(code.strip().replace(" ", "")))
    except InvalidToken:  # encrypted with a SECRET_KEY that is gone
        return False


def _of(user: User, kind: str):  # type: ignore[no-untyped-def]  # allauth ships no types
    return Authenticator.objects.filter(user=user, type=kind)
