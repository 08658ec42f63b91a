"""Subjects in reach, in the order of their numbers."""

from __future__ import annotations

from django.db.models import F, QuerySet
from django.db.models.functions import Upper

from trialsite.models import Site, Subject


def subjects_in_reach() -> QuerySet[Subject]:
    """Registered subjects by number, then those in screening; without those entered in error. Row security applies."""
    ordered = Subject.objects.order_by(F("subject_number").asc(nulls_last=True), "screening_number")
    return ordered.filter(entered_in_error_at=None).select_related("site")


def sites_with_subjects() -> QuerySet[Site]:
    return Site.objects.filter(pk__in=Subject.objects.values("site_id"))


def subjects_like(text: str) -> QuerySet[Subject]:
    """Subjects whose number contains the text, whatever the case; at most what a page can show."""
    wanted = text.strip().upper()
    found = subjects_in_reach().annotate(
        number_upper=Upper("subject_number"), screening_upper=Upper("screening_number")
    )
    return found.filter(number_upper__contains=wanted) | found.filter(screening_upper__contains=wanted)
