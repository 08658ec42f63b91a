"""Reads of the spine. Row level security has already hidden other sites."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.db.models import F, QuerySet
from django.shortcuts import get_object_or_404

from protocol.schema import Protocol
from protocol.versions import ORIGINAL, named
from trialsite.access import ALL_SITES, Actor
from trialsite.models import (
    Draft,
    ParameterConfirmation,
    ProtocolActivation,
    ProtocolPeriod,
    Site,
    StatePeriod,
    Subject,
    Submission,
    Visit,
)


def subject_by_key(key: str) -> Subject:
    """The subject behind an address; 404 for one that is not in reach or does not exist."""
    return get_object_or_404(Subject.objects.select_related("site"), key=key)


def sites_in_reach(by: Actor, at: datetime) -> list[Site]:
    """Sites whose rows the person sees on that day, by code. (Sites themselves are no secret.)"""
    reach = by.site_ids(at.date())
    sites = Site.objects.order_by("code")
    return list(sites if ALL_SITES in reach else sites.filter(pk__in=reach))


def state_periods(subject: Subject) -> list[StatePeriod]:
    """The subject's states in the order in which they began, without those entered in error (they cover no day)."""
    return list(StatePeriod.objects.filter(subject=subject).exclude(ends_on__lt=F("starts_on")).order_by("id"))


def visits(subject: Subject) -> dict[str, Visit]:
    """Visits with data or stated not done, by code; those entered in error are left out."""
    return {visit.code: visit for visit in Visit.objects.filter(subject=subject).exclude(status=Visit.Status.IN_ERROR)}


def confirmed_parameter(name: str, protocol_version: str) -> ParameterConfirmation | None:
    """The newest confirmation of a protocol parameter, for every site; None if nobody signed one or it is withdrawn.

    An older value does not come back by the withdrawal of a newer one: nobody means it any more.
    """
    newest = ParameterConfirmation.objects.filter(name=name, protocol_version=protocol_version).last()
    return newest if newest is not None and newest.withdrawn_at is None else None


def protocol_of(subject: Subject) -> Protocol:
    """The protocol that this subject is judged by: the version that was consented to."""
    return named(subject.protocol_version)


def protocol_in_force() -> Protocol:
    """The newest version that was activated; whoever is screened now consents to it. One query."""
    newest = ProtocolActivation.objects.filter(withdrawn_at=None).last()
    return named(newest.version) if newest else ORIGINAL


def protocol_on(subject: Subject, day: date) -> Protocol:
    """The protocol by which the subject was to be judged on that day."""
    return _newest(subject, ProtocolPeriod.objects.filter(subject=subject, starts_on__lte=day))


def protocol_known_before(subject: Subject, moment: datetime) -> Protocol:
    """The protocol by which the subject was judged just before that instant."""
    return _newest(subject, ProtocolPeriod.objects.filter(subject=subject, recorded_at__lt=moment))


def _newest(subject: Subject, periods: QuerySet[ProtocolPeriod]) -> Protocol:
    """Before the first period the version of that period, which is the one of the first consent."""
    found = periods.last() or ProtocolPeriod.objects.filter(subject=subject).first()
    return named(found.version) if found else protocol_of(subject)


def protocol_periods(subject: Subject) -> list[ProtocolPeriod]:
    """Every version that the subject consented to, oldest first."""
    return list(ProtocolPeriod.objects.filter(subject=subject))


def visit_date(subject: Subject, code: str) -> date | None:
    """When the visit took place, None if it did not or is not entered."""
    visit = visits(subject).get(code)
    return visit.occurred_on if visit else None


def free_number(site: Site, *, screening: bool) -> str:
    """The number that the next subject of the site would get ("01-S004" or "01-004"); nothing is held."""
    column = "screening_number" if screening else "subject_number"
    prefix = f"{site.code}-S" if screening else f"{site.code}-"
    taken = Subject.objects.filter(site=site).exclude(**{column: None}).values_list(column, flat=True)
    highest = max((int(number.removeprefix(prefix)) for number in taken), default=0)
    return f"{prefix}{highest + 1:03d}"


def draft_at(by: Actor, page: str) -> Draft | None:
    """What this person has typed on that page and not saved. Nobody sees another person's."""
    return Draft.objects.filter(user=by.user_id, page=page).exclude(saved_at=None).first()


def own_drafts(by: Actor) -> list[Draft]:
    """Every standing draft of this person with its subject, the newest first; one query."""
    standing = Draft.objects.filter(user=by.user_id).exclude(saved_at=None).select_related("subject", "site")
    return list(standing.order_by("-saved_at"))


def was_submitted(token: UUID) -> bool:
    """True if the form with this token was saved already."""
    return Submission.objects.filter(token=token).exists()
