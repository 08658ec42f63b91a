"""Laboratories of the sites and versions of their reference ranges."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from labs.forms import LaboratoryForm, RangeForm, TokenForm
from labs.models import Laboratory, LaboratoryToken, ReferenceRange
from labs.openapi import RESULTS
from labs.services import (
    Limits,
    adopt_typical_ranges,
    make_token,
    revoke_token,
    save_laboratory,
    save_reference_range,
)
from labs.views.visits import put
from labs.words import range_words, unit_words
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte
from trialsite import clock
from trialsite.access import Duty, can_anywhere
from trialsite.days import tell_today
from trialsite.http import SignedInRequest
from trialsite.services.subjects import Refused

UNPROCESSABLE = 422


def _check_reader(request: SignedInRequest) -> None:
    if not can_anywhere(request.actor, Duty.MANAGE_RANGES, clock.now()):
        raise PermissionDenied("Your role does not include this: keep laboratories and reference ranges.")


@require_http_methods(["GET", "POST"])
def laboratories(request: SignedInRequest) -> HttpResponse:
    """Laboratories per site; a new one is added here."""
    _check_reader(request)
    form = LaboratoryForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = save_laboratory(
                by=request.actor, at=clock.now(), site_id=form.cleaned_data["site"].pk,
                name=form.cleaned_data["name"].strip(), is_central=form.cleaned_data["is_central"],
            )  # fmt: skip
        except Refused as refusal:
            put(form, refusal)
        else:
            messages.success(request, f"{made.name} added.")
            return redirect("laboratory", made.pk)
    known = Laboratory.objects.select_related("site").order_by("site__code", "name")
    context = {"laboratories": known, "form": form}
    return render(request, "labs/laboratories.html", context, status=UNPROCESSABLE if form.errors else 200)


@require_http_methods(["GET", "POST"])
def laboratory(request: SignedInRequest, pk: int) -> HttpResponse:
    """One laboratory with every version of its ranges, and the tokens with which it sends results."""
    _check_reader(request)
    lab = get_object_or_404(Laboratory.objects.select_related("site"), pk=pk)
    action = request.POST.get("action", "range") if request.method == "POST" else ""
    form = RangeForm(request.POST if action == "range" else None)
    token_form = TokenForm(request.POST if action == "token" else None)
    tell_today(form, clock.today(lab.site.time_zone))
    secret = _make_token(request, lab, token_form) if action == "token" else ""
    does = {"adopt": _adopt, "revoke": _revoke}.get(action)
    done = does(request, lab) if does else _add(request, lab, form) if action == "range" else ""
    if done:
        messages.success(request, done)
        return redirect("laboratory", lab.pk)
    ranges = ReferenceRange.objects.filter(laboratory=lab).select_related("entered_by")
    context: dict[str, Any] = {
        "laboratory": lab,
        "form": form,
        "ranges": _rows(ranges.order_by("analyte", "sex", "-valid_from")),
        "tokens": LaboratoryToken.objects.filter(laboratory=lab).select_related("made_by", "revoked_by"),
        "token_form": token_form,
        "secret": secret,
        "address": request.build_absolute_uri(RESULTS),
    }
    is_wrong = form.errors or token_form.errors
    return render(request, "labs/laboratory.html", context, status=UNPROCESSABLE if is_wrong else 200)


def _make_token(request: SignedInRequest, lab: Laboratory, form: TokenForm) -> str:
    """The secret of the new token, to be shown on this page and never again."""
    if not form.is_valid():
        return ""
    try:
        made = make_token(
            by=request.actor, at=clock.now(), site_id=lab.site_id, laboratory_id=lab.pk,
            label=form.cleaned_data["label"],
        )  # fmt: skip
    except Refused as refusal:
        put(form, refusal)
        return ""
    return made.secret


def _revoke(request: SignedInRequest, lab: Laboratory) -> str:
    chosen = request.POST.get("token", "")
    token = get_object_or_404(LaboratoryToken, pk=int(chosen) if chosen.isdecimal() else 0, laboratory=lab)
    try:
        revoke_token(by=request.actor, at=clock.now(), site_id=lab.site_id, token_id=token.pk)
    except Refused as refusal:
        return str(refusal)
    return f"The token of {token.label} was revoked. Nothing more is taken with it."


def _adopt(request: SignedInRequest, lab: Laboratory) -> str:
    count = adopt_typical_ranges(
        by=request.actor, at=clock.now(), site_id=lab.site_id, laboratory_id=lab.pk, valid_from=lab.site.opened_on
    )
    return f"{count} typical range{'' if count == 1 else 's'} added. Replace them by the laboratory's own."


def _add(request: SignedInRequest, lab: Laboratory, form: RangeForm) -> str:
    if not form.is_valid():
        return ""
    try:
        added = save_reference_range(
            by=request.actor, at=clock.now(), site_id=lab.site_id, laboratory_id=lab.pk, limits=_limits(form)
        )
    except Refused as refusal:
        put(form, refusal)
        return ""
    return f"{TRIAL.analytes[Analyte(added.analyte)].label}: {range_words(added.low, added.high)} added."


def _limits(form: forms.Form) -> Limits:
    given = form.cleaned_data
    analyte = Analyte(given["analyte"])
    return Limits(
        analyte=analyte,
        low=given["low"],
        high=given["high"],
        unit=given["unit"] or TRIAL.analytes[analyte].unit,
        valid_from=given["valid_from"],
        sex=given["sex"],
        age_from=given["age_from"],
        age_to=given["age_to"],
    )


def _rows(ranges: Any) -> list[dict[str, object]]:
    return [
        {
            "range": one,
            "label": TRIAL.analytes[Analyte(one.analyte)].label,
            "words": f"{range_words(one.low, one.high)} {unit_words(one.unit)}".strip(),
            "sex": one.get_sex_display() if one.sex else "Both",
        }
        for one in ranges
    ]
