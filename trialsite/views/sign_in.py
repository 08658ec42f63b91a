"""Signing in and out, through allauth; only these of its views are mounted."""

from __future__ import annotations

from typing import Any

from allauth.account.views import LoginView
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST


class SignIn(LoginView):  # type: ignore[misc]  # allauth ships no types
    template_name = "trialsite/sign_in.html"

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        form.fields["login"].label = "User name"
        form.fields["login"].widget.attrs = {"autocomplete": "username", "autocapitalize": "none", "autofocus": True}
        form.fields["password"].label = "Password"
        form.fields["password"].help_text = ""
        form.fields["password"].widget.attrs = {"autocomplete": "current-password"}
        return form

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)
        response.status_code = 422
        return response


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
