"""Adverse events and vital signs in a real browser: at both sizes, by keyboard alone, and without scripting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import expect

from protocol.vocabulary import Analyte
from tests.browser.test_followup import sign_in, stand_at
from tests.fixtures.browser import Tab, count_actions
from tests.fixtures.processes import LiveApp
from tests.world import World, new_world
from tests.world_labs import laboratory, limits, morning, record, treated_subject
from tests.world_safety import an_event, reported
from trialsite.models import Role, Subject

DAY1 = date(2025, 6, 2)


@pytest.fixture
def world(live_app: LiveApp) -> World:
    return new_world(morning(date(2023, 1, 2)))


def with_events(world: World) -> Subject:
    """A lasting and an ended event, and a neutrophil count that waits for a judgement."""
    subject = treated_subject(world, day1=DAY1)
    lab = laboratory(world)
    limits(world, lab, Analyte.ANC, "1.7", "7.0")
    record(world, subject, "bl", DAY1, {Analyte.ANC: "3.1"}, lab=lab)
    record(world, subject, "m01", date(2025, 7, 2), {Analyte.ANC: "1.2"}, lab=lab)
    world.person(Role.INVESTIGATOR)
    stand_at(world, date(2025, 7, 3))
    reported(world, subject, an_event("Injection site reaction", 2, "10 jun 2025", reported_as="Red, itching spot"))
    reported(world, subject, an_event("Headache", 1, "jun 2025", "jun 2025"))
    return subject


@pytest.mark.worker
@pytest.mark.req("D14")
def test_the_pages_are_clean_at_both_sizes(
    world: World, live_app: LiveApp, open_tab: Callable[..., Tab], sound: Callable[[Tab, str], None]
) -> None:
    subject = with_events(world)
    tab = open_tab(base_url=live_app.url)
    page = sign_in(tab, world, Role.INVESTIGATOR)
    log = f"/subjects/{subject.key}/adverse-events/"
    pages = {
        "adverse-events": log,
        "adverse-event": f"{log}1/",
        "adverse-event-new": f"{log}new/?term=Neutrophil+count+decreased&grade=2",
        "visit": f"/subjects/{subject.key}/visits/m01/",
    }
    for name, address in pages.items():
        page.goto(address)
        sound(tab, name)


@pytest.mark.worker
@pytest.mark.req("D14")
def test_a_laboratory_grade_becomes_an_event_by_keyboard_alone(
    world: World, live_app: LiveApp, open_tab: Callable[..., Tab]
) -> None:
    """From the log to the stored event: one link, then only what nobody but a person can know."""
    subject = with_events(world)
    tab = open_tab(base_url=live_app.url)
    page = sign_in(tab, world, Role.COORDINATOR)
    page.goto(f"/subjects/{subject.key}/adverse-events/")
    acts = count_actions(tab)
    page.get_by_role("link", name="Make an event").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Neutrophil count decreased", level=1)).to_be_visible()
    expect(page.get_by_label("2, moderate: below 1.5 to 1.0 ×10⁹/L")).to_be_checked()
    expect(page.get_by_label("First day")).to_have_value("2 Jul 2025")
    for label, first_letters in (
        ("Outcome", "not"),
        ("Caused by anakinra", "pos"),
        ("Action taken with anakinra", "h"),
    ):
        page.get_by_label(label, exact=True).focus()
        page.keyboard.type(first_letters)
    page.get_by_role("button", name="Save event").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Adverse event 3, Neutrophil count decreased, was added.")).to_be_visible()
    expect(page.get_by_text("Grades to judge")).to_have_count(0)
    assert 0 < acts.seconds <= 60
    tab.check()


@pytest.mark.worker
@pytest.mark.req("D14")
def test_vital_signs_and_an_event_are_saved_without_scripting(
    world: World, live_app: LiveApp, open_tab: Callable[..., Tab]
) -> None:
    subject = with_events(world)
    page = sign_in(open_tab(scripting=False, base_url=live_app.url), world, Role.COORDINATOR)
    page.goto(f"/subjects/{subject.key}/visits/m01/")
    for label, value in (("Temperature, °C", "36.8"), ("Pulse, per minute", "72"), ("Weight, kg", "71.5")):
        page.get_by_label(label).fill(value)
    page.get_by_label("What is empty was not done, because").select_option("Declined")
    page.get_by_role("button", name="Save visit").click()
    expect(page.get_by_text("Complete, 3 not done: Declined")).to_be_visible()
    page.goto(f"/subjects/{subject.key}/adverse-events/")
    page.get_by_label("CTCAE term").select_option("Headache")
    page.get_by_role("button", name="Add event").click()
    page.get_by_label("First day").fill("someday")
    page.get_by_role("button", name="Save event").click()
    expect(page.get_by_role("link", name="First day: Enter a date such as")).to_be_visible()
    expect(page.get_by_label("First day")).to_have_value("someday")
