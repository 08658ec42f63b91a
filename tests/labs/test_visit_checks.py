"""A visit's own facts are asked about where they are unlikely: date outside the window, vital signs, before consent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from labs.selectors import visit_lines
from labs.services import VisitFacts, mark_visit_in_error, record_visit
from protocol.vocabulary import Analyte
from tests import world_dosing as treat
from tests.world import World, log_in
from tests.world_followup import who
from tests.world_labs import record
from trialsite.context import reading
from trialsite.models import Query, QueryMessage, Role, Subject

#: The window of month 1 of a subject whose Day 1 is 4 Mar 2024 is 28 Mar to 11 Apr 2024.
IN_WINDOW, LATE = date(2024, 4, 4), date(2024, 4, 14)
LATE_WORDS = "14 Apr 2024 is 3 d after the window closed."


@pytest.fixture(autouse=True)
def _eyes(world: World) -> Iterator[None]:
    with reading(world.person(Role.DATA_MANAGER), world.at):
        yield


@pytest.fixture(autouse=True)
def _later(world: World, subject: Subject) -> None:
    world.later(60)


def asked(subject: Subject, check: str) -> list[tuple[str, str, str, str]]:
    """Record, item, text and state of every question of that check, the oldest first."""
    found = Query.objects.filter(subject=subject, check_code=check).order_by("id")
    return list(found.values_list("record_type", "item", "text", "state"))


@pytest.mark.req("D3", "D4")
def test_a_visit_outside_its_window_is_asked_about_until_its_date_is_corrected(world: World, subject: Subject) -> None:
    """Asked once of one date, closed by the correction, asked again if the date is so again."""
    given = who(world, subject)
    for _ in range(2):
        record_visit(**given, code="m01", facts=VisitFacts(LATE))
        assert asked(subject, "window") == [("visit", "occurred_on", LATE_WORDS, "open")]
    record_visit(**given, code="m01", facts=VisitFacts(IN_WINDOW), reason="Misread")
    assert asked(subject, "window") == [("visit", "occurred_on", LATE_WORDS, "closed")]
    record_visit(**given, code="m01", facts=VisitFacts(LATE), reason="It was right")
    assert asked(subject, "window") == [("visit", "occurred_on", LATE_WORDS, "open")]
    mark_visit_in_error(**given, code="m01", reason="Wrong subject")
    assert asked(subject, "window") == [("visit", "occurred_on", LATE_WORDS, "closed")]


@pytest.mark.req("D3", "D4")
def test_a_visit_that_the_laboratory_grid_makes_is_asked_about_as_well(world: World, subject: Subject) -> None:
    record(world, subject, "m01", LATE, {Analyte.HB: "12"})
    assert asked(subject, "window") == [("visit", "occurred_on", LATE_WORDS, "open")]
    record(world, subject, "m02", date(2024, 5, 4), {Analyte.HB: "12"})
    assert len(asked(subject, "window")) == 1


@pytest.mark.req("D4")
def test_before_day_1_no_window_is_known_to_be_missed(world: World) -> None:
    """A sample of screening may be drawn on the day of registration."""
    on = world.at.date()
    registered = treat.registered(world, on=on)
    treat.screened_results(world, registered, on=on)
    assert asked(registered, "window") == []


@pytest.mark.req("D3", "D4")
def test_what_the_page_asks_is_confirmed_there_with_one_tick(world: World, subject: Subject) -> None:
    client = log_in(Client(), world.person(Role.COORDINATOR))
    url = reverse("visit", args=[subject.key, "m01"])
    sent = {"action": "facts", "occurred_on": "4 apr 2024", "pulse": "150", "ecog": "0"}
    page = client.post(url, sent, follow=True).content.decode()
    words = "Pulse is 150 per minute; expected between 40 and 140."
    assert asked(subject, "vital_implausible") == [("visit", "pulse", words, "open")]
    assert "Is what the source says" in page
    assert words in page
    assert client.post(url, {**sent, "confirm": "pulse"}).status_code == 302
    assert asked(subject, "vital_implausible") == [("visit", "pulse", words, "closed")]
    last = QueryMessage.objects.order_by("id").last()
    assert last is not None
    assert (last.action, last.by_id) == ("confirmed", world.person(Role.COORDINATOR).user_id)
    assert "Is what the source says" not in client.get(url).content.decode()
    record_visit(**who(world, subject), code="m01", facts=VisitFacts(IN_WINDOW, ecog=0, pulse=150))
    assert len(asked(subject, "vital_implausible")) == 1, "what was confirmed is not asked again"


@pytest.mark.req("D3")
def test_a_weight_is_read_against_the_one_before(world: World, subject: Subject) -> None:
    given = who(world, subject)
    record_visit(**given, code="bl", facts=VisitFacts(date(2024, 3, 4), weight_kg=Decimal(70)))
    facts = VisitFacts(IN_WINDOW, weight_kg=Decimal(78))
    record_visit(**given, code="m01", facts=facts)
    assert [one[2] for one in asked(subject, "weight_jump")] == [
        "Weight went from 70 to 78 kg since it was last measured."
    ]
    record_visit(**given, code="m01", facts=replace(facts, weight_kg=Decimal(72)), reason="Misread")
    assert [one[3] for one in asked(subject, "weight_jump")] == ["closed"]


@pytest.mark.req("D1", "D3")
def test_vital_signs_before_consent_are_asked_about_as_other_procedures(world: World, subject: Subject) -> None:
    """The same question, settled on the consent page in the same way; a visit without a measurement is none."""
    given, before = who(world, subject), subject.screened_on - timedelta(days=2)
    record_visit(**given, code="scr", facts=VisitFacts(before))
    assert asked(subject, "before_consent") == []
    record_visit(**given, code="scr", facts=VisitFacts(before, pulse=70))
    (one,) = asked(subject, "before_consent")
    assert (one[0], one[1], one[3]) == ("visit", "occurred_on", "open")
    assert "Measurement of vital signs is dated" in one[2]
    client = log_in(Client(), world.person(Role.COORDINATOR))
    assert "Measurement of vital signs" in client.get(reverse("subject_consent", args=[subject.key])).content.decode()
    record_visit(**given, code="scr", facts=VisitFacts(subject.screened_on, pulse=70), reason="Misread")
    assert asked(subject, "before_consent")[0][3] == "closed"


@pytest.mark.req("D4")
def test_complaint_23_planned_window_and_actual_dates_stand_beside_each_other_and_follow_the_anchor(
    world: World, subject: Subject
) -> None:
    """When Day 1 is corrected every plan moves with it, and the day on which a visit took place stays."""
    record_visit(**who(world, subject), code="m01", facts=VisitFacts(IN_WINDOW))
    for day1, target in ((date(2024, 3, 4), date(2024, 4, 4)), (date(2024, 3, 6), date(2024, 4, 6))):
        subject.day1_on = day1
        (line,) = [one for one in visit_lines(subject, date(2024, 6, 1)) if one.code == "m01"]
        assert line.planned is not None
        assert line.visit is not None
        window = (line.planned.target_on, line.planned.opens_on, line.planned.closes_on)
        assert window == (target, target - timedelta(days=7), target + timedelta(days=7))
        assert line.visit.occurred_on == IN_WINDOW
