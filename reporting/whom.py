"""As whom a command reads: a person named on the command line, or a named system actor."""

from __future__ import annotations

from django.core.management.base import CommandError

from trialsite.access import Actor, system_actor
from trialsite.actors import actor_for
from trialsite.models import User


def acting(username: str | None, otherwise: str) -> Actor:
    """The person with that user name; without one, the system actor `otherwise`. CommandError for nobody."""
    if username is None:
        return system_actor(otherwise)
    user = User.objects.filter(username__iexact=username, is_active=True).first()
    if user is None:
        raise CommandError(f"There is no active account {username}.")
    return actor_for(user)
