"""Screen a new subject."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from enrollment.forms import ScreenForm, offer
from enrollment.models import Consent
from enrollment.selectors import form_in_force, next_screening_numbers, staff_of, versions_of
from enrollment.services import PossibleDuplicate, screen_subject
from labs.views.visits import put
from trialsite import clock
from trialsite.access import Duty, can
from trialsite.drafting import drafting_of, is_saved, site_to_screen_at, typed_in_draft
from trialsite.http import SignedInRequest
from trialsite.models import Site
from trialsite.services.subjects import Refused


@require_http_methods(["GET", "POST"])
def subject_new(request: SignedInRequest) -> HttpResponse:
    """Consent, year of birth, sex: what makes a subject."""
    site = site_to_screen_at(request.actor)
    unsaved = drafting_of(request, site, None, request.path) if site else None
    typed = typed_in_draft(unsaved)
    form = _form(request, typed)
    ask_twin = bool(request.POST.get("another_person_because") or typed.get("another_person_because"))
    if form.is_bound and form.is_valid():
        try:
            return _screen(request, form)
        except PossibleDuplicate as error:
            ask_twin = True
            form.add_error("another_person_because", str(error))
        except Refused as error:
            put(form, error)
    context = {"form": form, "ask_twin": ask_twin, "drafting": unsaved}
    return render(request, "enrollment/subject_new.html", context, status=422 if form.is_bound else 200)


def _form(request: SignedInRequest, typed: dict[str, Any]) -> ScreenForm:
    sites = [
        site
        for site in Site.objects.filter(closed_on=None, is_coordinating_centre=False)
        if can(request.actor, Duty.SCREEN_SUBJECT, site.pk, clock.now())
    ]
    if not sites:
        raise PermissionDenied("Your role does not include this: screen a new subject.")
    numbers = next_screening_numbers(sites)
    data = request.POST if request.method == "POST" else None
    shown = [(site, numbers[site.pk]) for site in sites]
    today = clock.today(sites[0].time_zone)
    form = ScreenForm(data, sites=shown, today=today, initial={**_initial(request, sites[0], today), **typed})
    offer(form, versions_of(sites), [person for site in sites for person in staff_of(site)])
    return form


def _initial(request: SignedInRequest, site: Site, today: date) -> dict[str, str]:
    """The version in force today, obtained by whoever fills in the form, signed by the subject."""
    in_force = form_in_force(site, today)
    return {
        "site": str(site.pk),
        "form_version": in_force.version if in_force else "",
        "obtained_by": str(request.actor.user_id),
        "signed_by": Consent.Signer.SUBJECT.value,
    }


def _screen(request: SignedInRequest, form: ScreenForm) -> HttpResponse:
    subject = screen_subject(
        by=request.actor,
        at=clock.now(),
        token=form.cleaned_data["token"],
        site_id=int(form.cleaned_data["site"]),
        screening=form.screening(),
        another_person_because=form.cleaned_data["another_person_because"],
    )
    is_saved(request, subject)
    messages.success(request, f"{subject.number} is in screening.")
    return HttpResponseRedirect(reverse("subject_eligibility", args=[subject.key]), status=303)
