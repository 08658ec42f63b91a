"""The second factor: the page on which a person sets it up, renews or removes it, and the code at signing in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from allauth.account.stages import LoginStageController
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.totp.internal.auth import clear_totp_secret, get_totp_secret
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from trialsite import clock, second_factor
from trialsite.http import SignedInRequest
from trialsite.models import User
from trialsite.people_forms import CodeForm, EnrolForm, FactorForm
from trialsite.reauthentication import Proof, prove_by_password
from trialsite.services import identity
from trialsite.services import second_factor as services
from trialsite.services.subjects import Refused
from trialsite.views.administration import posted
from trialsite.views.sign_in import CARRIED, NOT_RIGHT, hand_back, note, wrong_code

_PAGES = "trialsite/administration"


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def page(request: SignedInRequest) -> HttpResponse:
    """Set up an authenticator app, or renew the recovery codes, or remove the app."""
    enrolled = second_factor.is_enrolled(request.user)
    form = FactorForm(posted(request)) if enrolled else EnrolForm(posted(request))
    if form.is_bound and form.is_valid():
        answer = _changed(request, form) if enrolled else _set_up(request, form)
        if answer is not None:
            return answer
    required = settings.SECOND_FACTOR == "required"
    context: dict[str, Any] = {"form": form, "enrolled": enrolled, "required": required}
    if enrolled:
        context["left"] = second_factor.codes_left(request.user)
    else:
        context["key"] = second_factor.key_of(request.user, get_totp_secret())
    return render(request, f"{_PAGES}/second_factor.html", context, status=422 if form.is_bound else 200)


def _set_up(request: SignedInRequest, form: forms.Form) -> HttpResponse | None:
    proof = _proof(request, form)
    if proof is None:
        return None
    try:
        codes = services.enrol(
            by=request.actor, at=clock.now(), proof=proof, secret=get_totp_secret(),
            code=form.cleaned_data["code"], keep=request.session.session_key or "",
        )  # fmt: skip
    except Refused as refusal:
        form.add_error("code", str(refusal))
        return None
    clear_totp_secret(request)
    return _show_codes(request, codes)


def _changed(request: SignedInRequest, form: forms.Form) -> HttpResponse | None:
    proof = _proof(request, form)
    if proof is None:
        return None
    if request.POST.get("action") != "remove":
        return _show_codes(request, services.renew_codes(by=request.actor, at=clock.now(), proof=proof))
    services.remove(by=request.actor, at=clock.now(), proof=proof, keep=request.session.session_key or "")
    messages.success(request, "The authenticator app was removed. Your other sessions were signed out.")
    return HttpResponseRedirect(reverse("second_factor"), status=303)


def _show_codes(request: SignedInRequest, codes: list[str]) -> HttpResponse:
    """The one time that recovery codes are shown, so there is nothing to redirect to."""
    return render(request, f"{_PAGES}/recovery_codes.html", {"codes": codes})


def _proof(request: SignedInRequest, form: forms.Form) -> Proof | None:
    """Password, and the code of who has one; None with a sentence at the field. Wrong ones count like at signing."""
    now = clock.now()
    if until := identity.locked_until(request.user, now):
        form.add_error("password", identity.locked_words("This", until))
        return None
    proof = prove_by_password(request.user, form.cleaned_data["password"], now)
    if proof is None:
        note(request.actor, request.path, form, "password", "This is not your password.")
        return None
    if not isinstance(form, FactorForm):
        return proof
    if services.use_code(by=request.actor, at=now, code=form.cleaned_data["code"]):
        return replace(proof, method=services.BOTH)
    note(request.actor, request.path, form, "code", NOT_RIGHT)
    return None


@sensitive_post_parameters()
@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """The second step of signing in; who comes without the first begins there."""
    stage = LoginStageController.enter(request, AuthenticateStage.key)
    if stage is None:
        return redirect("account_login")
    person: User = stage.login.user
    if request.POST.get("action") == "cancel" or not second_factor.is_enrolled(person):
        return stage.abort()  # type: ignore[no-any-return]
    form = CodeForm(posted(request))
    status = 422 if form.is_bound else 200
    if form.is_bound and form.is_valid() and (status := wrong_code(person, request.path, form)) == 0:
        return _come_in(request, stage)
    return render(request, "trialsite/sign_in_code.html", {"form": form, "account": person}, status=status)


def _come_in(request: HttpRequest, stage: Any) -> HttpResponse:
    came_along = request.session.pop(CARRIED, "")
    response: HttpResponse = stage.exit()
    if isinstance(request.user, User):
        hand_back(request, request.user, came_along)
    return response
