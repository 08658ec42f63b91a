"""What every request gets: an id, an actor, a transaction that sees only the actor's sites, and no cache."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import SimpleTemplateResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers

from trialsite import clock
from trialsite.access import Actor, Duty, can_anywhere
from trialsite.actors import actor_for
from trialsite.context import coming_from, reading
from trialsite.free_text import is_free_name, may_hold, sentence
from trialsite.models import Submission, User
from trialsite.second_factor import is_enrolled
from trialsite.submissions import REPEATED, Sent, sent_with

logger = logging.getLogger(__name__)
#: A proxy may name the request; anything but a plain name is replaced, since it is stored with every audit event.
REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
#: Where persons are named on purpose.
ABOUT_STAFF = ("/accounts/", "/admin/")
#: What somebody opens who has to set up a second factor first.
WITHOUT_SECOND_FACTOR = frozenset({"second_factor", "account_login", "account_logout", "account_session", "healthz"})
NOBODY = Actor(printed_name="")
View = Callable[..., HttpResponse]


class RequestContextMiddleware:
    """Runs the view of a signed-in person inside `reading`: one transaction, only the sites in reach.

    The view's exception rolls everything back. Templates that render late are rendered inside as well.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request.request_id = given if REQUEST_ID.fullmatch(given) else uuid4().hex  # type: ignore[attr-defined]
        request.actor = NOBODY  # type: ignore[attr-defined]
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        if not request.path.startswith("/static/"):
            add_never_cache_headers(response)
            response.headers["Cache-Control"] = "no-store, private"
        return response

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse:
        with coming_from("web", request.request_id):  # type: ignore[attr-defined]
            if not isinstance(request.user, User):
                return _rendered(view(request, *args, **kwargs))
            actor = actor_for(request.user)
            request.actor = actor  # type: ignore[attr-defined]
            if "key" in kwargs and not can_anywhere(actor, Duty.VIEW_SUBJECT, clock.now()):
                raise PermissionDenied(f"Your role does not include this: {Duty.VIEW_SUBJECT.value.lower()}.")
            with sent_with(request) as sent, reading(actor, clock.now()):
                return _noted(request, sent, _rendered(view(request, *args, **kwargs)))


class SecondFactorMiddleware:
    """Where a second factor is required, who has none is sent to set one up, from every page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        place = request.resolver_match.view_name if request.resolver_match else ""
        if settings.SECOND_FACTOR != "required" or place in WITHOUT_SECOND_FACTOR:
            return None
        if not isinstance(request.user, User) or is_enrolled(request.user):
            return None
        return HttpResponseRedirect(reverse("second_factor"), status=303)


class FreeTextMiddleware:
    """After a form about subjects was saved, the next page says what its words may hold; see `trialsite.free_text`.

    With scripting the sentence stood beside the box already; without it, this is where it is read.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        saved = request.method == "POST" and response.status_code in (302, 303)
        if saved and request.content_type in FORM_TYPES and not request.path.startswith(ABOUT_STAFF):
            typed = [text for name, text in request.POST.items() if is_free_name(name)]
            words = sentence(dict.fromkeys(what for text in typed for what in may_hold(str(text))))
            if words:
                messages.warning(request, words)
        return response


def _noted(request: HttpRequest, sent: Sent, response: HttpResponse) -> HttpResponse:
    """Remember which page a form led to, and say so where it was saved before."""
    if isinstance(response, HttpResponseRedirect):
        Submission.objects.filter(token__in=sent.claimed).update(led_to=response.url[:300])
        if sent.is_repeated:
            messages.info(request, REPEATED)
    return response


def _rendered(response: HttpResponse) -> HttpResponse:
    if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
        return response.render()
    return response
