"""Administration: sites, accounts, links, delegation. Every page asks for the duty first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from trialsite import clock, people_selectors
from trialsite.access import Duty, check_may
from trialsite.days import tell_today
from trialsite.failures import failures
from trialsite.models import Delegation, Invitation, Role, Site, User
from trialsite.people_forms import (
    DelegationForm,
    EndForm,
    InviteForm,
    ReasonForm,
    SigningRightsForm,
    SiteChangeForm,
    SiteForm,
)
from trialsite.second_factor import is_enrolled
from trialsite.selectors import protocol_in_force
from trialsite.services import people, second_factor
from trialsite.services.subjects import Refused

_PAGES = "trialsite/administration"


@dataclass(frozen=True)
class Page:
    """The words around one form."""

    heading: str
    button: str
    back: str
    back_words: str
    danger: bool = False
    note: str = ""


def check(request: HttpRequest, duty: Duty) -> None:
    check_may(request.actor, duty, None, clock.now())  # type: ignore[attr-defined]


def form_page(
    request: HttpRequest, form: forms.Form, page: Page, save: Callable[[dict[str, Any]], HttpResponse]
) -> HttpResponse:
    """Show the form; on POST hand clean data to `save`. Refusals come back beside what was typed."""
    tell_today(form, clock.today())
    if request.method == "POST" and form.is_valid():
        try:
            return save(form.cleaned_data)
        except Refused as error:
            form.add_error(None, str(error))
    status = 422 if form.is_bound else 200
    return render(request, f"{_PAGES}/form.html", {"form": form, "page": page}, status=status)


def done(request: HttpRequest, words: str, address: str) -> HttpResponse:
    messages.success(request, words)
    return HttpResponseRedirect(address, status=303)


def posted(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    check(request, Duty.MANAGE_PEOPLE)
    known = people_selectors.accounts(clock.today())
    context = {
        "sites": people_selectors.sites(),
        "accounts": known,
        "day": clock.today(),
        "failures": len(failures()),
    }
    return render(request, f"{_PAGES}/overview.html", context)


@require_GET
def site_list(request: HttpRequest) -> HttpResponse:
    check(request, Duty.MANAGE_SITES)
    return render(request, f"{_PAGES}/sites.html", {"sites": people_selectors.sites()})


@require_http_methods(["GET", "POST"])
def site_new(request: HttpRequest) -> HttpResponse:
    check(request, Duty.MANAGE_SITES)
    page = Page("Add a site", "Add site", reverse("sites"), "Sites")

    def save(data: dict[str, Any]) -> HttpResponse:
        site = people.open_site(by=request.actor, at=clock.now(), **data)  # type: ignore[attr-defined]
        return done(request, f"Site {site.code} was added.", reverse("site", args=[site.code]))

    return form_page(request, SiteForm(posted(request)), page, save)


@require_GET
def site(request: HttpRequest, code: str) -> HttpResponse:
    check(request, Duty.MANAGE_SITES)
    one = get_object_or_404(Site, code=code)
    in_force = protocol_in_force().version
    staff = people_selectors.staff_of(one, clock.today(), in_force)
    context = {"site": one, "staff": staff, "protocol_version": in_force}
    return render(request, f"{_PAGES}/site.html", context)


@require_http_methods(["GET", "POST"])
def site_change(request: HttpRequest, code: str) -> HttpResponse:
    check(request, Duty.MANAGE_SITES)
    one = get_object_or_404(Site, code=code)
    back = reverse("site", args=[code])
    page = Page(f"Change site {code}", "Save changes", back, f"Site {code}")

    def save(data: dict[str, Any]) -> HttpResponse:
        people.change_site(by=request.actor, at=clock.now(), site_id=one.pk, **data)  # type: ignore[attr-defined]
        return done(request, f"Site {code} was changed.", back)

    present = {name: getattr(one, name) for name in ("name", "time_zone", "phone", "closed_on")}
    return form_page(request, SiteChangeForm(posted(request), initial=present), page, save)


@require_GET
def user_list(request: HttpRequest) -> HttpResponse:
    check(request, Duty.MANAGE_PEOPLE)
    return render(request, f"{_PAGES}/users.html", {"accounts": people_selectors.accounts(clock.today())})


@require_http_methods(["GET", "POST"])
def user_invite(request: HttpRequest) -> HttpResponse:
    check(request, Duty.MANAGE_PEOPLE)
    note = "The person sets the password with a link that works once. Nobody else ever sees it."
    page = Page("Invite a person", "Make the account", reverse("users"), "People", note=note)

    def save(data: dict[str, Any]) -> HttpResponse:
        link = people.invite(by=request.actor, at=clock.now(), person=people.Person(**data))  # type: ignore[attr-defined]
        return _show_link(request, link)

    return form_page(request, InviteForm(posted(request)), page, save)


def _show_link(request: HttpRequest, link: people.Link) -> HttpResponse:
    """The one time that a link is shown: it is not stored, so there is nothing to redirect to."""
    address = settings.PUBLIC_URL + reverse("welcome", args=[link.token])
    mailed = people.mail_link(by=request.actor, at=clock.now(), link=link, address=address)  # type: ignore[attr-defined]
    context = {"link": link, "address": address, "mailed": mailed, "user": link.invitation.user}
    return render(request, f"{_PAGES}/link.html", context)


@require_GET
def user(request: HttpRequest, pk: int) -> HttpResponse:
    check(request, Duty.MANAGE_PEOPLE)
    one = get_object_or_404(User, pk=pk)
    context = {
        "account": one,
        "state": people_selectors.account_state(one),
        "lines": people_selectors.lines_of(one, clock.today()),
        "has_factor": is_enrolled(one),
        "trainings": people_selectors.trainings_of(one),
        "protocol_version": protocol_in_force().version,
        "open_link": people_selectors.open_link(one, clock.now()),
        "joins": Invitation.Purpose.JOIN,
    }
    return render(request, f"{_PAGES}/user.html", context)


@require_http_methods(["GET", "POST"])
def user_link(request: HttpRequest, pk: int) -> HttpResponse:
    """A new single-use link: for a forgotten password, or where the first one was lost."""
    check(request, Duty.MANAGE_PEOPLE)
    one = get_object_or_404(User, pk=pk)
    note = "Earlier links of this person stop working. The present password stays until a new one is set."
    page = Page(f"New link for {one.printed_name}", "Make the link", reverse("user", args=[pk]), str(one), note=note)

    def save(data: dict[str, Any]) -> HttpResponse:
        link = people.send_reset_link(by=request.actor, at=clock.now(), user_id=pk)  # type: ignore[attr-defined]
        return _show_link(request, link)

    return form_page(request, forms.Form(posted(request)), page, save)


@require_http_methods(["GET", "POST"])
def user_delegate(request: HttpRequest, pk: int) -> HttpResponse:
    check(request, Duty.MANAGE_PEOPLE)
    one = get_object_or_404(User, pk=pk)
    back = reverse("user", args=[pk])
    page = Page(f"Give {one.printed_name} a role", "Add to the delegation log", back, str(one))

    def save(data: dict[str, Any]) -> HttpResponse:
        line = people.delegate(
            by=request.actor,  # type: ignore[attr-defined]
            at=clock.now(),
            user_id=pk,
            site_id=data["site"].pk,
            role=Role(data["role"]),
            starts_on=data["starts_on"],
            ends_on=data["ends_on"],
        )
        return done(request, f"{one.printed_name} is {line.get_role_display().lower()} at {line.site}.", back)

    return form_page(request, DelegationForm(posted(request), initial={"starts_on": clock.today()}), page, save)


@require_http_methods(["GET", "POST"])
def user_signing(request: HttpRequest, pk: int) -> HttpResponse:
    """Identity and certification: without both the person cannot sign."""
    check(request, Duty.MANAGE_PEOPLE)
    one = get_object_or_404(User, pk=pk)
    back = reverse("user", args=[pk])
    note = "A person signs only once both are recorded. The role of investigator at a site is given apart from this."
    page = Page(f"Signing rights of {one.printed_name}", "Record", back, str(one), note=note)

    def save(data: dict[str, Any]) -> HttpResponse:
        people.record_signing_rights(by=request.actor, at=clock.now(), user_id=pk, **data)  # type: ignore[attr-defined]
        return done(request, f"{one.printed_name} may sign where an investigator's role is held.", back)

    known = {"identity_verified_on": one.identity_verified_on, "certified_on": one.certified_on}
    return form_page(request, SigningRightsForm(posted(request), initial=known), page, save)


@require_http_methods(["GET", "POST"])
def delegation_end(request: HttpRequest, pk: int) -> HttpResponse:
    check(request, Duty.MANAGE_PEOPLE)
    line = get_object_or_404(Delegation.objects.select_related("user", "site"), pk=pk)
    back = reverse("user", args=[line.user_id])
    words = f"{line.get_role_display()} at {line.site}"
    page = Page(f"End a role of {line.user}", "End this role", back, str(line.user), note=f"{words}.")

    def save(data: dict[str, Any]) -> HttpResponse:
        people.end_delegation(by=request.actor, at=clock.now(), delegation_id=pk, **data)  # type: ignore[attr-defined]
        return done(request, f"{words} ends.", back)

    return form_page(request, EndForm(posted(request), initial={"ends_on": _latest_end(line)}), page, save)


def _latest_end(line: Delegation) -> date:
    return line.ends_on or max(line.starts_on, clock.today())


@require_http_methods(["GET", "POST"])
def user_deactivate(request: HttpRequest, pk: int) -> HttpResponse:
    check(request, Duty.MANAGE_PEOPLE)
    one = get_object_or_404(User, pk=pk)
    back = reverse("user", args=[pk])
    note = "The person is signed out at once and cannot come back. The name stays under what it signed."
    page = Page(f"Deactivate {one.printed_name}", "Deactivate account", back, str(one), danger=True, note=note)

    def save(data: dict[str, Any]) -> HttpResponse:
        people.deactivate(by=request.actor, at=clock.now(), user_id=pk, reason=data["reason"])  # type: ignore[attr-defined]
        return done(request, f"The account of {one.printed_name} was deactivated.", back)

    return form_page(request, ReasonForm(posted(request)), page, save)


@require_http_methods(["GET", "POST"])
def user_factor(request: HttpRequest, pk: int) -> HttpResponse:
    """A lost device."""
    check(request, Duty.MANAGE_PEOPLE)
    one = get_object_or_404(User, pk=pk)
    back = reverse("user", args=[pk])
    note = (
        "Make sure first that it is this person who asks. The device and the recovery codes stop working, and the "
        "person is signed out everywhere. The password alone signs in until a new second factor is set up."
    )
    page = Page(f"Revoke the second factor of {one.printed_name}", "Revoke", back, str(one), danger=True, note=note)

    def save(data: dict[str, Any]) -> HttpResponse:
        second_factor.revoke(by=request.actor, at=clock.now(), user_id=pk, reason=data["reason"])  # type: ignore[attr-defined]
        return done(request, f"The second factor of {one.printed_name} was revoked.", back)

    return form_page(request, ReasonForm(posted(request)), page, save)
