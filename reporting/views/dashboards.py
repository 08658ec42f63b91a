"""The dashboards beside each other, as the row of choices on top of each."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse

from reporting.small_cells import Telling
from trialsite.models import Site
from trialsite.segments import Segment

#: Words and URL names, in order.
DASHBOARDS = (
    ("Efficacy", "efficacy"),
    ("Safety", "safety"),
    ("Enrolment", "enrolment"),
    ("Data quality", "data_quality"),
)


def dashboard_segments(name: str) -> list[Segment]:
    """`name`: the URL name of the one that is shown."""
    return [Segment(words, reverse(one), one == name) for words, one in DASHBOARDS]


def sites_named(with_subjects: Iterable[str], telling: Telling) -> list[str]:
    """Codes of the sites that the figures are of. Where small numbers are not told, also those without subjects."""
    if telling.is_open:
        return sorted(set(with_subjects))
    return list(Site.objects.exclude(code="00").order_by("code").values_list("code", flat=True))
