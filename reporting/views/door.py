"""Who may come in: asked before a page reads anything."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Concatenate, ParamSpec

from django.core.exceptions import PermissionDenied
from django.http import HttpResponseBase

from trialsite import clock
from trialsite.access import Actor, Duty, can_anywhere, check_may
from trialsite.http import SignedInRequest
from trialsite.models import Role, Subject
from trialsite.selectors import subject_by_key

P = ParamSpec("P")
View = Callable[Concatenate[SignedInRequest, P], HttpResponseBase]


def requires(duty: Duty) -> Callable[[View[P]], View[P]]:
    """The page is for those who hold `duty` at any site; others get 403."""

    def wrap(view: View[P]) -> View[P]:
        def guarded(request: SignedInRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not can_anywhere(request.actor, duty, clock.now()):
                raise PermissionDenied(f"Your role does not include this: {duty.value.lower()}.")
            return view(request, *args, **kwargs)

        update_wrapper(guarded, view)
        return guarded

    return wrap


def subject_for(actor: Actor, key: str) -> Subject:
    """The subject behind an address: 404 outside the person's sites, 403 without the duty to see it."""
    subject = subject_by_key(key)
    check_may(actor, Duty.VIEW_SUBJECT, subject.site_id, clock.now())
    return subject


def roles_at(actor: Actor, site_id: int | None) -> frozenset[Role]:
    return actor.roles(site_id, clock.now().date())


def all_roles(actor: Actor) -> frozenset[Role]:
    """Every role that the person holds today, wherever."""
    today = clock.now().date()
    return frozenset(grant.role for grant in actor.grants if grant.covers(grant.site_id, today))
