"""Signing in and out, through allauth; only these of its views are mounted."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm
from allauth.account.internal.stagekit import clear_login
from allauth.account.stages import LoginStageController
from allauth.account.views import LoginView
from allauth.mfa.stages import AuthenticateStage
from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from trialsite import clock
from trialsite.access import Actor, can
from trialsite.actors import actor_for
from trialsite.context import coming_from, reading
from trialsite.drafting import Carried, place_of, unpacked, unsealed
from trialsite.models import User
from trialsite.people_forms import CodeForm
from trialsite.services import identity, second_factor
from trialsite.services.drafts import save_draft
from trialsite.services.subjects import Refused

TEMPLATE = "trialsite/sign_in.html"
UNAUTHORISED = 401
LOCKED = 429
NOT_RIGHT = "This code is not right, or was used before."
#: In the session between password and code: what was typed before the last session ended.
CARRIED = "carried"


class SignIn(LoginView):  # type: ignore[misc]  # allauth ships no types
    template_name = TEMPLATE

    def _redirect_to_pending_stage(self, request: HttpRequest, stage: Any) -> Any:
        """A new password begins anew: nobody is asked for the code of who stopped half way."""
        if request.method == "POST":
            clear_login(request)
            return None
        return super()._redirect_to_pending_stage(request, stage)

    def get_form(self, form_class: Any = None) -> Any:
        return _worded(super().get_form(form_class))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "carried": self.request.POST.get("carried", "")}

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        stage = LoginStageController.enter(self.request, AuthenticateStage.key)
        if stage is not None and self.request.POST.get("code"):  # the dialog on a page asks for all at once
            if not self._takes_code(stage.login.user, form):
                clear_login(self.request)
                return self.form_invalid(form)
            response = stage.exit()
        came_along = self.request.POST.get("carried", "")
        if isinstance(self.request.user, User):
            hand_back(self.request, self.request.user, came_along)
        else:
            self.request.session[CARRIED] = came_along
        return response

    def _takes_code(self, person: User, form: Any) -> bool:
        code = CodeForm(self.request.POST)
        if code.is_valid() and not wrong_code(person, self.request.path, code):
            return True
        form.add_error(None, code.errors["code"][0])
        return False

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)
        response.status_code = 422
        return response


def wrong_code(person: User, where: str, form: forms.Form) -> int:
    """0 for a right code, which is used up by this; else the status of the answer, with the sentence at the field."""
    own, now = actor_for(person), clock.now()
    if until := identity.locked_until(person, now):
        form.add_error("code", identity.locked_words("Signing in", until))
        return LOCKED
    if second_factor.use_code(by=own, at=now, code=form.cleaned_data["code"]):
        return 0
    return LOCKED if note(own, where, form, "code", NOT_RIGHT) else 422


def note(by: Actor, where: str, form: forms.Form, at_field: str, wrong: str) -> bool:
    """Count what was wrong, and say it; True if it locks."""
    until = identity.note_failed_signing(by=by, at=clock.now(), what=where)
    form.add_error(at_field, identity.locked_words("This", until) if until else wrong)
    return until is not None


def _worded(form: Any) -> Any:
    """The form in this site's words."""
    form.fields["login"].label = "User name"
    form.fields["login"].widget.attrs = {"autocomplete": "username", "autocapitalize": "none", "autofocus": True}
    form.fields["password"].label = "Password"
    form.fields["password"].help_text = ""
    form.fields["password"].widget.attrs = {"autocomplete": "current-password"}
    return form


def ask_again(request: HttpRequest, carried: Carried) -> HttpResponse:
    """The sign-in page for a form that came after its session had ended; it carries what was typed along."""
    context = {
        "form": _worded(LoginForm(request=request)),
        "carried": carried.packed(),
        "redirect_field_name": "next",
        "redirect_field_value": carried.page,
        "was_typing": True,
    }
    return render(request, TEMPLATE, context, status=UNAUTHORISED)


def hand_back(request: HttpRequest, person: User, came_along: str) -> None:
    """Make a draft of what was typed, for the person who typed it and who may still fill in that form."""
    carried = unpacked(came_along)
    if carried is None:
        return
    actor, now = actor_for(person), clock.now()
    known = unsealed(carried.sealed)
    if known is None or known.person != actor.user_id:
        messages.warning(request, "What another person had typed before the session ended was not kept.")
        return
    with coming_from("web", request.request_id), reading(actor, now):  # type: ignore[attr-defined]
        place = place_of(carried.page, actor)
        if place is None or not can(actor, place.duty, place.site.pk, now):
            return
        try:
            save_draft(
                by=actor, at=now, subject_id=place.subject.pk if place.subject else None, site_id=place.site.pk,
                page=carried.page, typed=carried.typed, duty=place.duty, sitting=known.sitting,
            )  # fmt: skip
        except Refused as error:
            messages.error(request, str(error))


@require_http_methods(["GET", "POST"])
@login_not_required
def session(request: HttpRequest) -> JsonResponse:
    """Who is signed in, for the page's script. GET only looks; POST is "Stay signed in"."""
    return JsonResponse({"person": request.user.pk, "csrf": get_token(request)})


@require_POST
def sign_out(request: HttpRequest) -> HttpResponseRedirect:
    logout(request)
    return redirect("account_login")


@require_GET
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """200 when the application reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")
