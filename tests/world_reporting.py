"""Builders for pages that read everything: a small trial in which something waits for every role."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count

from protocol.months import add_calendar_months
from protocol.vocabulary import Analyte
from tests.world import World
from tests.world_labs import laboratory, record, treated_subject
from trialsite.models import Subject

_number = count(1)
DAY1 = date(2024, 3, 4)
BASE = {Analyte.SERUM_M: "3.0", Analyte.HS_CRP: "4.2", Analyte.HB: "12.9"}


def after(months: int, day1: date = DAY1) -> date:
    return add_calendar_months(day1, months)


def subject_with_course(world: World, spikes: list[str], *, day1: date = DAY1, site: str = "01") -> Subject:
    """A subject whose M-spike was measured before Day 1 and then every month; the first value is the baseline."""
    lab = laboratory(world, site, name=f"Laboratory {next(_number)}")
    subject = treated_subject(world, day1=day1, site=site)
    record(world, subject, "scr", day1 - timedelta(days=7), {**BASE, Analyte.SERUM_M: spikes[0]}, lab=lab)
    for month, spike in enumerate(spikes[1:], start=1):
        record(world, subject, f"m{month:02d}", after(month, day1), {Analyte.SERUM_M: spike}, lab=lab)
    return subject
