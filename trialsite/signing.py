"""What a signing form asks of the person, and what a wrong answer costs.

The first signature of a session takes user name and password, and the code of who has enrolled an authenticator app;
the next ones take the password (21 CFR 11.200(a)(1)). A session ends with signing out, inactivity and a change of the
password; the next one begins anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from django import forms

from trialsite import clock, second_factor
from trialsite.http import SignedInRequest
from trialsite.models import Signature
from trialsite.reauthentication import Proof, prove_by_password
from trialsite.services import identity
from trialsite.services.subjects import Refused

#: In the session once somebody signed in it.
SIGNED_BEFORE = "signed_before"
F = TypeVar("F", bound=forms.Form)


class WithdrawForm(forms.Form):
    """Why a signer takes back a signature."""

    signature = forms.IntegerField(widget=forms.HiddenInput)
    why = forms.CharField(
        label="Why you withdraw your signature",
        max_length=300,
        error_messages={"required": "Say why you withdraw your signature."},
    )


def ask_identity(form: F, request: SignedInRequest) -> F:
    """The form with the boxes by which the person proves who signs.

    A form of which not every answer is a signature says so in its `signs`; then the boxes may stay empty.
    """
    needed = bool(getattr(form, "signs", True))
    if not request.session.get(SIGNED_BEFORE):
        form.fields["username"] = forms.CharField(
            label="User name",
            required=needed,
            widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
            help_text="Asked at the first signature after signing in.",
            error_messages={"required": "Enter your user name to sign."},
        )
    form.fields["password"] = forms.CharField(
        label="Password",
        required=needed,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Enter your password to sign."},
    )
    if not request.session.get(SIGNED_BEFORE) and second_factor.is_enrolled(request.user):
        form.fields["code"] = forms.CharField(
            label="Code of your authenticator app",
            required=needed,
            max_length=12,
            widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
            help_text="Asked at the first signature after signing in.",
            error_messages={"required": "Enter the code that your authenticator app shows."},
        )
    return form


def prove(request: SignedInRequest, form: forms.Form, now: datetime) -> Proof | None:
    """The signer's proof from a valid form; None if it is wrong or signing is locked, with a sentence at the field."""
    if until := identity.locked_until(request.user, now):
        form.add_error("password", _locked(until))
        return None
    named = form.cleaned_data.get("username", request.user.username)
    proof = prove_by_password(request.user, form.cleaned_data["password"], now)
    if proof is not None and named.strip().lower() == request.user.username.lower():
        proof, at_field, wrong = _with_code(request, form, proof), "code", "This code is not right, or was used before."
    else:
        both = "username" in form.fields
        proof, at_field = None, "password"
        wrong = "The user name or the password is not right." if both else "The password is not right."
    if proof is not None:
        request.session[SIGNED_BEFORE] = True
        return proof
    until = identity.note_failed_signing(by=request.actor, at=now, what=request.path)
    form.add_error(at_field, _locked(until) if until else wrong)
    return None


def _with_code(request: SignedInRequest, form: forms.Form, proof: Proof) -> Proof | None:
    """The proof, with the code where one is asked for; None for a wrong one. A code is used up only by who may sign."""
    if "code" not in form.fields:
        return proof
    taken = second_factor.takes_code(request.user, form.cleaned_data["code"])
    return replace(proof, method="password and code") if taken else None


def signed_line(signature: Signature) -> dict[str, object]:
    """A signature as templates/edc/signed.html prints it: name, meaning, time, and how it ended, if it did."""
    ended = next(iter(signature.events.all()), None)
    return {
        "printed_name": signature.printed_name,
        "meaning": signature.meaning,
        "signed_at": signature.signed_at,
        "broken_at": ended.at if ended else None,
        "broken_because": ended.reason if ended else "",
        "ended": ended.get_kind_display() if ended else "",
    }


def withdraw_form(request: SignedInRequest, signature: Signature | None) -> WithdrawForm | None:
    """The form by which a signer takes back the own signature; None where it does not stand or is another's."""
    if signature is None or signature.signer_id != request.user.pk or signature.events.all():
        return None
    return ask_identity(WithdrawForm(initial={"signature": signature.pk}, auto_id="withdraw_%s"), request)


def withdrawn(request: SignedInRequest, take_back: Callable[[Proof, int, str], object]) -> WithdrawForm | None:
    """Hand a posted withdrawal to `take_back` (proof, signature, reason): None when done, else the form with what is
    wrong.
    """
    form = ask_identity(WithdrawForm(request.POST, auto_id="withdraw_%s"), request)
    proof = prove(request, form, clock.now()) if form.is_valid() else None
    if proof is None:
        return form
    try:
        take_back(proof, form.cleaned_data["signature"], form.cleaned_data["why"])
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return form
    return None


def _locked(until: datetime) -> str:
    return identity.locked_words("Signing", until)
