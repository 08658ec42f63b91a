"""Versions of the consent form, kept per site; a version that needs a new consent makes study procedures wait."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from enrollment.models import Consent, ConsentForm
from enrollment.selectors import consent_forms, site_day
from enrollment.services.consent_gaps import refresh_gaps
from labs.services import FieldsRefused
from protocol.versions import VERSIONS, is_later
from protocol.vocabulary import TERMINAL_PHASES
from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.days import in_words
from trialsite.models import Site, Subject
from trialsite.selectors import protocol_in_force
from trialsite.services.subjects import Refused


@dataclass(frozen=True)
class FormVersion:
    """A version as the site's ethics committee approved it.

    effective_on: first day on which it is used. needs_reconsent: who signed an older one signs again.
    protocol_version: to which consent to it agrees; empty where the protocol has not changed.
    """

    version: str
    approved_on: date
    effective_on: date
    needs_reconsent: bool
    changes: str
    protocol_version: str = ""


def add_consent_form(*, by: Actor, at: datetime, site_id: int, new: FormVersion) -> ConsentForm:
    """Add a version at one site; where it needs a new consent, the site's subjects are asked for it.

    The same version again gives the first one. FieldsRefused for dates that cannot be, for another version of that
    number or from that day.
    """
    with writing(by=by, duty=Duty.MANAGE_CONSENT, site_id=site_id, at=at):
        site = Site.objects.select_for_update().get(pk=site_id)
        known = consent_forms(site)
        same = next((one for one in known if one.version == new.version and _says(one, new)), None)
        if same is not None:
            return same
        _check(site, known, new, at)
        added = ConsentForm.objects.create(
            site=site,
            version=new.version,
            approved_on=new.approved_on,
            effective_on=new.effective_on,
            needs_reconsent=new.needs_reconsent,
            changes=new.changes,
            protocol_version=new.protocol_version,
            entered_by_id=by.user_id,
            entered_at=at,
        )
        _refresh_site(by, at, site, f"Version {new.version} of the consent form was added")
        return added


def _says(one: ConsentForm, new: FormVersion) -> bool:
    stored = FormVersion(
        one.version, one.approved_on, one.effective_on, one.needs_reconsent, one.changes, one.protocol_version
    )
    return stored == new


def _check(site: Site, known: Iterable[ConsentForm], new: FormVersion, at: datetime) -> None:
    problems = {}
    if site.is_coordinating_centre:
        problems["site"] = "Consent forms belong to treating sites, not to the coordinating centre."
    if new.approved_on > site_day(at, site):
        problems["approved_on"] = "The approval is in the future. Check the year."
    if new.effective_on < new.approved_on:
        problems["effective_on"] = f"A version is used only after its approval on {in_words(new.approved_on)}."
    if problem := _protocol_problem(new.protocol_version):
        problems["protocol_version"] = problem
    problems |= _beside(site, known, new)
    if problems:
        raise FieldsRefused(problems)


def _beside(site: Site, known: Iterable[ConsentForm], new: FormVersion) -> dict[str, str]:
    """What the versions that are listed already leave no room for."""
    problems = {}
    for one in known:
        if one.version == new.version:
            problems["version"] = f"Version {one.version} of site {site.code} is in the list already."
        elif one.effective_on == new.effective_on:
            problems["effective_on"] = f"Version {one.version} of site {site.code} is in force from that day."
    return problems


def _protocol_problem(version: str) -> str:
    """A form can agree to a version that is in force, for whoever signs it is judged by it from then on."""
    if version and version not in VERSIONS:
        return f"There is no protocol version {version}."
    if not version or not is_later(version, protocol_in_force().version):
        return ""
    return f"Protocol version {version} is not in force. An investigator activates it by signature first."


def take_back_consent_form(*, by: Actor, at: datetime, site_id: int, form_id: int, reason: str) -> ConsentForm:
    """A version was listed in error: what waited for it waits no more. Refused once somebody has consented to it."""
    with writing(by=by, duty=Duty.MANAGE_CONSENT, site_id=site_id, at=at, reason=reason):
        if not reason.strip():
            raise FieldsRefused({"reason": "Say why this version was listed in error."})
        form = ConsentForm.objects.select_for_update().select_related("site").get(pk=form_id, site_id=site_id)
        if form.in_error_at is not None:
            return form
        signed = Consent.objects.filter(site_id=site_id, form_version=form.version).count()
        if signed:
            people = "1 subject has" if signed == 1 else f"{signed} subjects have"
            raise Refused(f"{people} consented to version {form.version}. It stays in the list.")
        form.in_error_at, form.in_error_reason = at, reason
        form.save(update_fields=["in_error_at", "in_error_reason"])
        _refresh_site(by, at, form.site, reason)
        return form


def _refresh_site(by: Actor, at: datetime, site: Site, why: str) -> None:
    """Every subject of the site that is still in the study, one after the other."""
    present = Subject.objects.select_for_update().filter(site=site, entered_in_error_at=None)
    for subject in present.exclude(state__in=[phase.value for phase in TERMINAL_PHASES]).order_by("pk"):
        refresh_gaps(by=by, at=at, subject=subject, why=why)
