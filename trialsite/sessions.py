"""How long a session lasts: 30 minutes without activity, 12 hours in all; and what then becomes of what was typed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from trialsite.drafting import carried_from
from trialsite.views.sign_in import ask_again

BEGAN, ACTIVE = "began_at", "active_at"


class SessionLimitsMiddleware:
    """Ends a session that was idle, or is as old as one may become. Real time, whatever the trial's clock says.

    The page's own look at the session is no activity, or two forgotten windows would keep each other open.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = timezone.now()
            if is_over(request, now):
                logout(request)
            else:
                _note(request, now)
        return self.get_response(request)


def is_over(request: HttpRequest, now: datetime) -> bool:
    """True for a session past either limit."""
    began = _moment(request, BEGAN, now)
    active = _moment(request, ACTIVE, now)
    idle, whole = timedelta(minutes=settings.IDLE_MINUTES), timedelta(hours=settings.SESSION_HOURS)
    return now - active >= idle or now - began >= whole


def _note(request: HttpRequest, now: datetime) -> None:
    request.session.setdefault(BEGAN, now.timestamp())
    if not (request.method == "GET" and request.path == reverse("account_session")):
        request.session[ACTIVE] = now.timestamp()


def _moment(request: HttpRequest, name: str, now: datetime) -> datetime:
    return datetime.fromtimestamp(request.session.get(name, now.timestamp()), tz=now.tzinfo)


class SignInRequired(LoginRequiredMiddleware):
    """Nobody comes in without signing in, and what somebody typed before the session ended is not lost over it."""

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., Any],
        view_args: tuple[Any, ...],
        view_kwargs: dict[str, Any],
    ) -> Any:
        answer = super().process_view(request, view_func, view_args, view_kwargs)
        carried = carried_from(request) if answer is not None else None
        return ask_again(request, carried) if carried is not None else answer
