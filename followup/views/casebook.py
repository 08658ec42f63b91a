"""The casebook of one subject, and of several at once: what is signed, what changed since, and the signature."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from followup import services
from followup.casebook_words import FormLine, form_lines
from followup.forms import BatchForm, CasebookForm
from followup.milestones import RECORD, Reading, missing_signatures, readings
from followup.services.casebook import SENTENCE
from followup.views.shared import subject_for
from trialsite import clock
from trialsite.access import Duty, can, can_anywhere
from trialsite.http import SignedInRequest
from trialsite.models import Signature, Subject
from trialsite.services.subjects import Refused
from trialsite.signing import WithdrawForm, ask_identity, prove, signed_line, withdraw_form, withdrawn


@dataclass(frozen=True)
class Listed:
    """One casebook of the list: the reading, and its changes in words."""

    reading: Reading
    lines: list[FormLine]

    @property
    def new(self) -> list[FormLine]:
        return [line for line in self.lines if line.is_new]

    @property
    def altered(self) -> list[FormLine]:
        """Forms that were signed and read otherwise now."""
        return [line for line in self.lines if not line.is_new]

    @property
    def entries(self) -> int:
        return sum(len(line.items) for line in self.lines)


def _listed(reading: Reading) -> Listed:
    return Listed(reading, form_lines(reading.changes))


@require_http_methods(["GET", "POST"])
def casebook(request: SignedInRequest, key: str) -> HttpResponse:
    """One subject: every form since the last signature, and the box to sign."""
    subject = subject_for(request, key, to_write=Duty.SIGN)
    (reading,) = readings([subject])
    if request.POST.get("action") == "withdraw":
        return _withdraw(request, subject, reading)
    form = ask_identity(CasebookForm(_data(request)), request)
    if form.is_bound and form.is_valid():
        book = services.Book(subject.pk, subject.site_id, form.cleaned_data["shown"])
        if _sign(request, form, [book]):
            messages.success(request, "The casebook is signed.")
            return redirect("subject_casebook", key=subject.key)
        (reading,) = readings([subject])
    return _page(request, subject, reading, form)


def _withdraw(request: SignedInRequest, subject: Subject, reading: Reading) -> HttpResponse:
    refused = withdrawn(
        request,
        lambda proof, signature_id, why: services.withdraw_casebook_signature(
            by=request.actor, at=clock.now(), proof=proof, subject_id=subject.pk, site_id=subject.site_id,
            signature_id=signature_id, reason=why,
        ),
    )  # fmt: skip
    if refused is None:
        messages.success(request, "Your signature is withdrawn. It stays listed, and the casebook is due again.")
        return redirect("subject_casebook", key=subject.key)
    return _page(request, subject, reading, ask_identity(CasebookForm(), request), withdrawing=refused)


def _page(
    request: SignedInRequest,
    subject: Subject,
    reading: Reading,
    form: CasebookForm,
    withdrawing: WithdrawForm | None = None,
) -> HttpResponse:
    """`withdrawing`: a withdrawal that was refused, which keeps what was typed."""
    may_sign = can(request.actor, Duty.SIGN, subject.site_id, clock.now())
    signatures = Signature.objects.filter(record_type=RECORD, subject=subject).prefetch_related("events")
    context = {
        "subject": subject,
        "listed": _listed(reading),
        "form": form,
        "sentence": SENTENCE,
        "may_sign": may_sign,
        "withdraw_form": withdrawing or (withdraw_form(request, reading.last) if may_sign else None),
        "missing": missing_signatures(subject) if subject.subject_number else [],
        "signatures": [_signed(one) for one in signatures.order_by("-id")],
    }
    bad = form.errors or withdrawing is not None
    return render(request, "followup/casebook.html", context, status=422 if bad else 200)


def _signed(signature: Signature) -> dict[str, Any]:
    """A signature as templates/edc/signed.html prints it, with its milestones."""
    return {
        **signed_line(signature),
        "meaning": signature.meaning.capitalize(),
        "milestones": ", ".join(signature.content["milestones"]),
        "forms": len(signature.content["forms"]),
    }


@require_http_methods(["GET", "POST"])
def casebooks(request: SignedInRequest) -> HttpResponse:
    """Every casebook that is due, on one page with one signature; `without` leaves subjects out of the list."""
    if not can_anywhere(request.actor, Duty.SIGN, clock.now()):
        raise PermissionDenied(f"Your role does not include this: {Duty.SIGN.value.lower()}.")
    left_out = request.GET.getlist("without")
    form = ask_identity(BatchForm(_data(request)), request)
    if form.is_bound and form.is_valid():
        books = _books(request, form.cleaned_data["shown"])
        if _sign(request, form, books):
            messages.success(request, f"{len(books)} casebook{'s' if len(books) != 1 else ''} signed.")
            return HttpResponseRedirect(reverse("casebooks"), status=303)
    due = [one for one in readings(_own_subjects(request)) if one.due]
    listed = [_listed(one) for one in due if one.subject.key not in left_out]
    shown = {one.reading.subject.key: one.reading.shown for one in listed}
    context = {
        "listed": listed,
        "left_out": [one.subject for one in due if one.subject.key in left_out],
        "query": "".join(f"without={key}&" for key in left_out),
        "form": form,
        "shown": json.dumps(shown),
        "sentence": SENTENCE,
        "button": f"Sign {len(listed)} casebook{'s' if len(listed) != 1 else ''}",
    }
    return render(request, "followup/casebooks.html", context, status=422 if form.errors else 200)


def _own_subjects(request: SignedInRequest) -> list[Subject]:
    """Registered subjects of the sites where this person signs."""
    now = clock.now()
    registered = Subject.objects.exclude(subject_number=None).filter(entered_in_error_at=None)
    found = registered.select_related("site").order_by("subject_number")
    return [one for one in found if can(request.actor, Duty.SIGN, one.site_id, now)]


def _books(request: SignedInRequest, shown: dict[str, str]) -> list[services.Book]:
    """What the page listed. A subject out of reach is none of it: the signature is refused at its site."""
    subjects = Subject.objects.filter(key__in=shown)
    return [services.Book(one.pk, one.site_id, shown[one.key]) for one in subjects]


def _data(request: SignedInRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _sign(request: SignedInRequest, form: forms.Form, books: list[services.Book]) -> bool:
    """True if all of them are signed; else the form says why, and nothing is."""
    now = clock.now()
    proof = prove(request, form, now)
    if proof is None:
        return False
    try:
        services.sign_casebooks(by=request.actor, at=now, proof=proof, token=form.cleaned_data["token"], books=books)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    return True
