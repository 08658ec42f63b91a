"""A form's token and what it was sent with: the same page again is the same record, a changed one is told so.

A browser without scripting restores a saved page from its memory, token and all. Changed and sent again, it must
neither pass for the save it is not, nor make a second record that nobody asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.http import HttpRequest

from trialsite.refusals import Refused

#: Not what somebody entered: marks of the session and of the page, and the proof of who signs.
NOT_ENTERED = frozenset({"csrfmiddlewaretoken", "typed_by", "foreseen", "username", "password", "code"})
REPEATED = "This form was saved already. Nothing was stored twice."
CHANGED = (
    "This page was already sent and saved. What you changed since is not saved; it stands below. "
    "Save again if it is to be recorded as well."
)


class SentAlready(Refused):
    """The form was saved before with other content."""

    def __init__(self) -> None:
        super().__init__(CHANGED)


@dataclass
class Sent:
    """The form of one request. `refused`: tokens that were used with other content, and where those led."""

    digest: str = ""
    claimed: list[UUID] = field(default_factory=list)
    refused: dict[UUID, str] = field(default_factory=dict)
    is_repeated: bool = False


_sent: ContextVar[Sent | None] = ContextVar("sent", default=None)


def sent_now() -> Sent:
    """What the request that runs has sent; nothing outside a request."""
    return _sent.get() or Sent()


@contextmanager
def sent_with(request: HttpRequest) -> Iterator[Sent]:
    """Inside, tokens are compared with what this request sent."""
    sent = Sent(_digest(request))
    token = _sent.set(sent)
    try:
        yield sent
    finally:
        _sent.reset(token)


def renewed(token: UUID) -> UUID:
    """The token with which a page is shown again: another one after it was told that it was sent before."""
    return uuid4() if token in sent_now().refused else token


def led_to() -> str:
    """The page that the first submission led to, where this request was told that it was not the first."""
    return next(iter(sent_now().refused.values()), "")


class TokenField(forms.UUIDField):
    """The hidden token of a form that is stored once, however often it is sent."""

    def __init__(self) -> None:
        super().__init__(widget=forms.HiddenInput, initial=uuid4)

    def bound_data(self, data: Any, initial: Any) -> Any:
        given = super().bound_data(data, initial)
        refused = {str(token) for token in sent_now().refused}
        return uuid4() if str(given).lower() in refused else given


def _digest(request: HttpRequest) -> str:
    """What the form holds; empty for a request without a form's token."""
    if request.method != "POST" or "token" not in request.POST:
        return ""
    entered = {name: words for name, words in request.POST.lists() if name not in NOT_ENTERED}
    return sha256(json.dumps(entered, sort_keys=True).encode()).hexdigest()
