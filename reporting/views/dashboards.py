"""The dashboards beside each other, as the row of choices on top of each."""

from __future__ import annotations

from django.urls import reverse

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
