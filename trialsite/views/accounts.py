"""A person's own account: the first password, a new one, and what roles it holds."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from trialsite import clock, people_selectors
from trialsite.actors import actor_for
from trialsite.models import Invitation, User
from trialsite.people_forms import ChangePasswordForm, PasswordForm
from trialsite.reauthentication import Proof, prove_by_password
from trialsite.services import people
from trialsite.services.subjects import Refused

_PAGES = "trialsite/administration"


@sensitive_post_parameters()
@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """Set a password by a single-use link; the only page besides sign-in that needs no account."""
    invitation = people.standing_invitation(token, clock.now())
    if invitation is None:
        return render(request, f"{_PAGES}/link_used.html", status=404)
    form = PasswordForm(_data(request), person=invitation.user)
    if request.method == "POST" and form.is_valid():
        return _set_by_link(request, invitation, token, form.cleaned_data["password"])
    joins = invitation.purpose == Invitation.Purpose.JOIN
    context = {"form": form, "account": invitation.user, "joins": joins}
    return render(request, f"{_PAGES}/welcome.html", context, status=422 if form.is_bound else 200)


def _data(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _set_by_link(request: HttpRequest, invitation: Invitation, token: str, password: str) -> HttpResponse:
    own = actor_for(invitation.user)
    try:
        people.set_password_by_link(at=clock.now(), token=token, password=password, own=own)
    except Refused:
        return render(request, f"{_PAGES}/link_used.html", status=404)
    messages.success(request, "Your password is set. Sign in with it.")
    return HttpResponseRedirect(reverse("account_login"), status=303)


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """The person's own roles, the shortcuts, and a change of the own password."""
    person: User = request.user  # type: ignore[assignment]
    if request.method == "POST" and request.POST.get("action") == "shortcuts":
        return _switch(request, "single_keys" in request.POST)
    form = ChangePasswordForm(_data(request), person=person)
    proof = _proof(form, person)
    if proof is not None:
        return _change(request, proof, form.cleaned_data["password"])
    context = {"form": form, "account": person, "lines": people_selectors.lines_of(person, clock.today())}
    return render(request, f"{_PAGES}/profile.html", context, status=422 if form.is_bound else 200)


def _switch(request: HttpRequest, on: bool) -> HttpResponse:  # noqa: FBT001  (it is what the box says)
    people.choose_shortcuts(by=request.actor, at=clock.now(), single_keys=on)  # type: ignore[attr-defined]
    messages.success(request, f"Shortcuts of one key are {'on' if on else 'off'}.")
    return HttpResponseRedirect(reverse("profile"), status=303)


def _proof(form: ChangePasswordForm, person: User) -> Proof | None:
    if not (form.is_bound and form.is_valid()):
        return None
    proof = prove_by_password(person, form.cleaned_data["present"], clock.now())
    if proof is None:
        form.add_error("present", "This is not your present password.")
    return proof


def _change(request: HttpRequest, proof: Proof, password: str) -> HttpResponse:
    actor = request.actor  # type: ignore[attr-defined]
    changed = people.change_own_password(by=actor, at=clock.now(), proof=proof, password=password)
    update_session_auth_hash(request, changed)
    messages.success(request, "Your password was changed. Other sessions of yours were signed out.")
    return HttpResponseRedirect(reverse("profile"), status=303)
