"""A site is reminded of a late sample and of a missing confirmation, each step once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from dosing.tasks import reevaluate_everyone
from protocol.vocabulary import Analyte
from tests import world_dosing as treat
from tests.world import World
from tests.world_labs import morning, record
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Mail, Subject

#: Day 1 was 15 Jan 2024, so month 6 ends on 15 Jul and its window two weeks later.
CLOSES = date(2024, 7, 29)


def mails(world: World) -> list[str]:
    with reading(system_actor("re-evaluation"), world.at):
        return [
            key.split(":")[-2]
            for key in Mail.objects.filter(key__startswith="waiting:").values_list("key", flat=True).order_by("id")
        ]


def on_days(world: World, subject: Subject, *days: date) -> list[str]:
    for day in days:
        world.at = morning(day)
        reevaluate_everyone()
        reevaluate_everyone()
    return mails(world)


@pytest.mark.req("E8")
def test_a_late_month_6_sample_is_asked_for_after_7_14_and_28_days(world: World, on_anakinra: Subject) -> None:
    subject = on_anakinra
    treat.month(world, subject, 5, "3.7")
    every_day = [CLOSES + timedelta(days=n) for n in range(-20, 60)]
    assert on_days(world, subject, *every_day) == ["7", "14", "28"]
    with reading(system_actor("re-evaluation"), world.at):
        mail = Mail.objects.filter(key__startswith="waiting:").order_by("id").first()
    assert mail.recipient.username == "coordinator-01"
    assert "treatment decision rests is late: subject 01-001, 7 days by now" in mail.body
    assert "M-spike" not in mail.body


def test_after_a_pause_only_the_newest_goes_out(world: World, on_anakinra: Subject) -> None:
    subject = on_anakinra
    treat.month(world, subject, 5, "3.7")
    assert on_days(world, subject, CLOSES + timedelta(days=30)) == ["28"]


def test_the_sample_ends_the_reminders(world: World, on_anakinra: Subject) -> None:
    subject = on_anakinra
    treat.month(world, subject, 5, "3.7")
    assert on_days(world, subject, CLOSES + timedelta(days=7)) == ["7"]
    record(world, subject, "m06", date(2024, 7, 15), {Analyte.SERUM_M: "3.6", Analyte.URINE_M: "50"})
    assert on_days(world, subject, CLOSES + timedelta(days=14), CLOSES + timedelta(days=28)) == ["7"]


@pytest.mark.req("E8")
def test_a_missing_confirmation_is_asked_for_after_14_days(world: World) -> None:
    subject = treat.on_anakinra(world, baseline="3.0")
    treat.month(world, subject, 2, "3.9")
    drawn = treat.MONTH[2]
    every_day = [drawn + timedelta(days=n) for n in range(1, 40)]
    assert on_days(world, subject, *every_day) == ["14"]
    treat.month(world, subject, 3, "3.0", on=drawn + timedelta(days=41))
    assert on_days(world, subject, drawn + timedelta(days=60)) == ["14"]
