"""Concomitant medication of a subject."""

from __future__ import annotations

from datetime import date, datetime

from django.db.models import Min, Q

from safety.models import ConcomitantMedication
from trialsite.models import Subject


def medications(subject: Subject) -> list[ConcomitantMedication]:
    """Every medication entered, those in error at the end."""
    found = ConcomitantMedication.objects.filter(subject=subject).select_related("recorded_by")
    return list(found.order_by("in_error", "started_on", "id"))


def first_new_therapy_on(subject: Subject, *, known_at: datetime | None = None) -> date | None:
    """First day of any other anti-myeloma therapy that stands; None without one.

    `known_at`: of those that stood at that instant, also where an entry was marked as entered in error since.
    """
    entered = ConcomitantMedication.objects.filter(subject=subject, is_anti_myeloma=True)
    standing = (
        entered.filter(in_error=False)
        if known_at is None
        else entered.filter(recorded_at__lte=known_at).exclude(in_error_at__lte=known_at)
    )
    first: date | None = standing.aggregate(first=Min("started_on"))["first"]
    return first


def therapies_since(subject: Subject, since: datetime) -> list[datetime]:
    """When other anti-myeloma therapies were recorded, or marked as entered in error, after `since`; one query."""
    changed = Q(recorded_at__gt=since) | Q(in_error_at__gt=since)
    found = ConcomitantMedication.objects.filter(changed, subject=subject, is_anti_myeloma=True).order_by()
    return [ended or recorded for recorded, ended in found.values_list("recorded_at", "in_error_at")]
