"""Versions of the consent form at every site."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from enrollment.forms import FormVersionForm, TakeBackForm
from enrollment.models import ConsentForm
from enrollment.services import add_consent_form, take_back_consent_form
from labs.views.visits import put
from trialsite import clock
from trialsite.access import Duty, can, can_anywhere
from trialsite.http import SignedInRequest
from trialsite.models import Site
from trialsite.selectors import sites_in_reach
from trialsite.services.subjects import Refused


@require_http_methods(["GET", "POST"])
def consent_forms(request: SignedInRequest) -> HttpResponse:
    """The list, for everybody; who keeps it adds a version for one site or several."""
    kept = _kept(request)
    if request.method == "POST" and not kept:
        raise PermissionDenied(f"Your role does not include this: {Duty.MANAGE_CONSENT.value.lower()}.")
    data = request.POST if request.method == "POST" else None
    only = [str(site.pk) for site in kept] if len(kept) == 1 else []
    form = FormVersionForm(data, sites=kept, today=clock.today("UTC"), initial={"site": only})
    if request.method == "POST" and form.is_valid():
        try:
            words = _add(request, form)
        except Refused as refusal:
            put(form, refusal)
        else:
            messages.success(request, words)
            return redirect("consent_forms")
    listed = ConsentForm.objects.select_related("site", "entered_by").order_by("site__code", "-effective_on", "-id")
    context = {"listed": listed, "form": form if kept else None, "may_keep": bool(kept)}
    return render(request, "enrollment/consent_forms.html", context, status=422 if form.errors else 200)


def _kept(request: SignedInRequest) -> list[Site]:
    """Treating sites whose consent forms this person keeps."""
    now = clock.now()
    sites = [one for one in sites_in_reach(request.actor, now) if not one.is_coordinating_centre]
    return [one for one in sites if can(request.actor, Duty.MANAGE_CONSENT, one.pk, now)]


def _add(request: SignedInRequest, form: FormVersionForm) -> str:
    """The version at every site that was ticked, or at none."""
    codes = []
    with transaction.atomic():
        for site_id in form.cleaned_data["site"]:
            added = add_consent_form(by=request.actor, at=clock.now(), site_id=int(site_id), new=form.new())
            codes.append(added.site.code)
    return f"Version {form.new().version} is in the list of site {', '.join(codes)}."


@require_http_methods(["GET", "POST"])
def consent_form(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take a version back that was listed in error."""
    if not can_anywhere(request.actor, Duty.MANAGE_CONSENT, clock.now()):
        raise PermissionDenied(f"Your role does not include this: {Duty.MANAGE_CONSENT.value.lower()}.")
    one = get_object_or_404(ConsentForm.objects.select_related("site", "entered_by"), pk=pk)
    form = TakeBackForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            take_back_consent_form(
                by=request.actor, at=clock.now(), site_id=one.site_id, form_id=one.pk, **form.cleaned_data
            )
        except Refused as refusal:
            put(form, refusal)
        else:
            messages.success(request, f"Version {one.version} of site {one.site.code} is marked as listed in error.")
            return redirect("consent_forms")
    context: dict[str, Any] = {"one": one, "form": form}
    return render(request, "enrollment/consent_form.html", context, status=422 if form.is_bound else 200)
