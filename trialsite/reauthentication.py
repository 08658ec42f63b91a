"""Proof that the person at the keyboard is the signer: asked for in the signing form itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied

from trialsite.access import Actor
from trialsite.models import User

#: A proof serves one signing, made at once.
VALID_FOR = timedelta(minutes=5)


@dataclass(frozen=True)
class Proof:
    """Identity was proved for this person, at this time, by this method."""

    user_id: int
    at: datetime
    method: str

    def check_for(self, by: Actor, at: datetime) -> int:
        """The signer's id; PermissionDenied unless the proof is this person's own and fresh."""
        if self.user_id != by.user_id or not timedelta(0) <= at - self.at <= VALID_FOR:
            raise PermissionDenied("Enter your password again to sign.")
        return self.user_id


def prove_by_password(user: User, password: str, at: datetime) -> Proof | None:
    """A proof if the password is right, else None."""
    return Proof(user_id=user.pk, at=at, method="password") if user.check_password(password) else None
