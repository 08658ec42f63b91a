"""What was entered about a subject, or stopped to stand, since an instant."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from django.db.models import Q

from labs.models import DiseaseAssessment, LabResult
from trialsite.models import Subject

#: Dates of a disease assessment's parts; each becomes known with the whole.
_PARTS = ("immunofixation_on", "marrow_on", "imaging_on", "attribution_on", "visit__occurred_on")


class Late(NamedTuple):
    """A change of what is known. about: the earliest day that it says something of."""

    about: date
    instant: datetime


def entries_since(subject: Subject, since: datetime) -> list[Late]:
    """Results and disease assessments entered or superseded after `since`: all by which what is known now differs
    from what was known then. Two queries.
    """
    changed = Q(subject=subject) & (Q(entered_at__gt=since) | Q(superseded_at__gt=since))
    instants = ("entered_at", "superseded_at")
    results = LabResult.objects.filter(changed).order_by().values_list("specimen__collected_on", *instants)
    assessed = DiseaseAssessment.objects.filter(changed).order_by().values_list(*instants, *_PARTS)
    return [Late(on, ended or entered) for on, entered, ended in results] + [
        Late(min(filter(None, days), default=date.min), ended or entered) for entered, ended, *days in assessed
    ]
