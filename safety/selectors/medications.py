"""Concomitant medication of a subject."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import Min, Q

from protocol.medicines import Days, Recorded
from safety.models import ConcomitantMedication
from trialsite.days import day_at
from trialsite.models import Subject
from trialsite.partial_dates import in_words_as_known


def medications(subject: Subject) -> list[ConcomitantMedication]:
    """Every medication entered, those in error at the end."""
    found = ConcomitantMedication.objects.filter(subject=subject).select_related("recorded_by")
    return list(found.order_by("in_error", "started_earliest", "id"))


def recorded_for(subjects: Iterable[Subject]) -> dict[int, tuple[Recorded, ...]]:
    """Medications that stand, as eligibility reads them, by subject; one query. The subjects come with their site.

    A first day that is not known lies on the day of the entry at the latest: nobody records what has not begun.
    """
    zones = {one.pk: one.site.time_zone for one in subjects}
    standing = ConcomitantMedication.objects.filter(subject_id__in=zones, in_error=False)
    found: dict[int, list[Recorded]] = {pk: [] for pk in zones}
    for one in standing.order_by("started_earliest", "id"):
        entered_on = day_at(one.recorded_at, zones[one.subject_id])
        found[one.subject_id].append(_as_read(one, entered_on))
    return {pk: tuple(rows) for pk, rows in found.items()}


def _as_read(one: ConcomitantMedication, entered_on: date) -> Recorded:
    ended = Days(one.stopped_earliest, one.stopped_latest) if one.stopped_earliest and one.stopped_latest else None
    return Recorded(
        name=one.name,
        route=one.route,
        began=Days(one.started_earliest, min(one.started_latest, max(entered_on, one.started_earliest))),
        ended=ended,
        source=f"medication:{one.pk}",
        told=in_words(one),
    )


def in_words(one: ConcomitantMedication) -> str:
    """Ceftriaxone 2 g, intravenous, 3 Feb 2026 to Feb 2026, day unknown."""
    route = f"{one.get_route_display().lower()}" if one.route else "route not stated"
    until = f"to {in_words_as_known(one.stopped)}" if one.stopped else "and ongoing"
    return f"{one.name}, {route}, {in_words_as_known(one.started)} {until}"


def first_new_therapy_on(subject: Subject, *, known_at: datetime | None = None) -> date | None:
    """First day of any other anti-myeloma therapy that stands; None without one.

    Of a first day of which a part is unknown the earliest possible one: no response counts that may have come after.
    `known_at`: of those that stood at that instant, also where an entry was marked as entered in error since.
    """
    entered = ConcomitantMedication.objects.filter(subject=subject, is_anti_myeloma=True)
    standing = (
        entered.filter(in_error=False)
        if known_at is None
        else entered.filter(recorded_at__lte=known_at).exclude(in_error_at__lte=known_at)
    )
    first: date | None = standing.aggregate(first=Min("started_earliest"))["first"]
    return first


def therapies_since(subject: Subject, since: datetime) -> list[datetime]:
    """When other anti-myeloma therapies were recorded, or marked as entered in error, after `since`; one query."""
    changed = Q(recorded_at__gt=since) | Q(in_error_at__gt=since)
    found = ConcomitantMedication.objects.filter(changed, subject=subject, is_anti_myeloma=True).order_by()
    return [ended or recorded for recorded, ended in found.values_list("recorded_at", "in_error_at")]
