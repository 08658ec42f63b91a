"""The request as views see it: the middleware has added who acts and the request's id."""

from __future__ import annotations

from django.http import HttpRequest

from trialsite.access import Actor
from trialsite.models import User


class SignedInRequest(HttpRequest):
    """A request of a signed-in person."""

    user: User
    actor: Actor
    request_id: str
