"""The code of an authenticator app (TOTP), for who has enrolled one. A code serves once."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP

from trialsite.models import User


def is_enrolled(user: User) -> bool:
    return bool(_apps(user).exists())


def takes_code(user: User, code: str) -> bool:
    """True if the code is right now and was not used before; it is used up by this."""
    app = _apps(user).first()
    return app is not None and bool(TOTP(app).validate_code(code.strip().replace(" ", "")))


def _apps(user: User):  # type: ignore[no-untyped-def]  # allauth ships no types
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP)
