"""Targets of the coordinator's desk: clicks, screens and estimated seconds of whole tasks, on the real server.

A click is an action with the pointer; typing is none, and a subject is found by its number in the jump box. Seconds are
the keystroke-level estimate of what was really done (`Acts.seconds`), not what a clock shows.

| Target | At most | Asserted by |
| --- | --- | --- |
| Screen a subject and reach the first form; register it and reach the first dose | 3 clicks, 2 screens, 10 s | here |
| Complete eligibility | 90 s | tests/journeys/test_road.py |
| Sign eligibility | 2 clicks and the password | here |
| A result: keys; a panel of 25 by keyboard | 4.5 keys, 100 s | tests/browser/test_labs.py |
| Import 25 results | 4 clicks, 20 s | tests/browser/test_imports.py |
| Import 42 rows with 4 errors | 180 s | tests/browser/test_imports.py |
| A value out of range is saved, then confirmed | 1 click, 6 s | here |
| Correct a value | 2 clicks, 8 s | here |
| Answer a query | 2 clicks | tests/browser/test_queries.py |
| Answer a query and correct the value | 20 s, 1 page | here |
| What is due at the site | 0 clicks | here |
| From sign-in to the first empty field | 2 clicks, it has the focus | tests/browser/test_queries.py |
| Print the dosing sheet; download the calendar | 2 clicks | here |
| Dispense and take back, with the balance | 3 clicks | here |
| Record 30 taken doses | 8 actions | tests/browser/test_dosing.py |
| Record an adverse event | 60 s | tests/browser/test_safety.py |
| Record an uneventful follow-up contact | 2 clicks, 45 s | here |
| Sign the arm decision from the task | 60 s, no other page | tests/browser/test_dosing.py |
| Sign all casebooks that are due | 2 clicks and the password | here |
| Lost work after a time-out | nothing | tests/browser/test_drafts.py |
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from dosing.services.supplies import Delivery, receive_drug
from labs.models import LabResult
from protocol.vocabulary import Analyte, Drug
from tests.browser.test_followup import sign_in, stand_at
from tests.browser.test_queries import asked_twice
from tests.fixtures.browser import Tab, count_actions
from tests.fixtures.processes import LiveApp
from tests.world import PASSWORD, World, new_world
from tests.world_enrollment import answered, form_in_force, sent, with_labs
from tests.world_followup import followed_subject
from tests.world_labs import morning, treated_subject
from trialsite import clock
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Query, Role, Subject

pytestmark = pytest.mark.browser


def jump(page: Page, number: str) -> None:
    """Find a subject by its number, by keys, once the page has read its scripts in."""
    page.wait_for_load_state()
    page.keyboard.press("/")
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Subject {number} overview")).to_be_attached()


def whoever_is_there(world: World) -> Subject:
    with reading(system_actor("verification"), world.at):
        return Subject.objects.select_related("site").get()


@pytest.mark.req("D14")
def test_from_consent_to_the_first_dose(live_app: LiveApp, open_tab: Callable[..., Tab]) -> None:
    world = new_world(clock.now())
    form_in_force(world)
    coordinator, investigator = open_tab(base_url=live_app.url), open_tab(base_url=live_app.url)
    page = sign_in(coordinator, world, Role.COORDINATOR)
    acts = count_actions(coordinator)
    page.get_by_role("link", name="Screen a new subject").click()
    page.get_by_label("Date of consent").fill("t")
    page.get_by_label("Time of consent").fill("00:00")
    page.get_by_label("Year of birth").fill("1958")
    for question, answer in (("18 or older", "Yes"), ("Sex", "Female")):
        page.get_by_role("group", name=re.compile(question)).get_by_role("radio", name=answer, exact=True).focus()
        page.keyboard.press("Space")
    page.get_by_role("button", name="Start screening").click()
    expect(page.get_by_role("group", name="NYHA")).to_be_visible()
    assert acts.clicks <= 3
    assert len(set(acts.pages)) <= 2
    subject = whoever_is_there(world)
    with_labs(world, subject)
    answered(world, subject)
    sent(world, subject)
    signer = sign_in(investigator, world, Role.INVESTIGATOR)
    signed = count_actions(investigator)
    signer.get_by_role("link", name="Sign eligibility").click()
    signer.get_by_label("User name").fill("investigator-01")
    signer.get_by_label("Password").fill(PASSWORD)
    signer.get_by_role("button", name="Sign eligibility").click()
    expect(signer.get_by_text("Eligibility is signed.")).to_be_visible()
    assert signed.clicks <= 2
    page.goto("/my-work/")
    acts.clear()
    page.get_by_role("link", name="Register the subject").click()
    page.get_by_role("button", name="Register subject").click()
    expect(page.get_by_text("01-S001 is registered as 01-001.")).to_be_visible()
    expect(page.get_by_label("First dose of anakinra given on")).to_be_visible()
    assert acts.clicks <= 3
    assert len(set(acts.pages)) <= 2
    assert acts.seconds <= 10


def stored(world: World, analyte: Analyte) -> LabResult:
    with reading(system_actor("verification"), world.at):
        return LabResult.objects.get(analyte=analyte, superseded_at=None)


@pytest.mark.req("D8")
def test_results_are_confirmed_and_corrected(live_app: LiveApp, open_tab: Callable[..., Tab]) -> None:
    world = new_world()
    _, (first, _) = asked_twice(world)
    tab = open_tab(base_url=live_app.url)
    page = sign_in(tab, world, Role.COORDINATOR)
    acts = count_actions(tab)
    page.get_by_role("link", name=re.compile("^Answer 2 queries")).click()
    page.fill("#v_serum_m", "3.1")
    page.get_by_label("Reason for change").select_option("Transcription error")
    page.get_by_role("button", name="Save results").click()
    expect(page.get_by_text("Results saved: 1 corrected.")).to_be_visible()
    page.get_by_role("button", name="Corrected", exact=True).click()
    expect(page.get_by_text(f"Query {first} was answered.")).to_be_visible()
    assert acts.seconds <= 20
    assert len(set(acts.pages)) == 1
    assert stored(world, Analyte.SERUM_M).typed == "3.1"
    # A value out of range is stored at once; the amber line stands beside it.
    page.goto(page.url.partition("?")[0])
    page.fill("#v_wbc", "40000")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Results saved: 1 recorded.")).to_be_visible()
    assert stored(world, Analyte.WBC).typed == "40000"
    acts.clear()
    page.get_by_label(re.compile("is what the report says")).check()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_label(re.compile("is what the report says"))).to_have_count(0)
    assert acts.clicks <= 1
    assert acts.seconds <= 6
    with reading(system_actor("verification"), world.at):
        assert Query.objects.get(record_id=stored(world, Analyte.WBC).pk).state == Query.State.CLOSED
    acts.clear()
    page.fill("#v_wbc", "4.1")
    page.get_by_label("Reason for change").select_option("Transcription error")
    page.get_by_role("button", name="Save results").click()
    expect(page.get_by_text("Results saved: 1 corrected.")).to_be_visible()
    assert acts.clicks <= 2
    assert acts.seconds <= 8
    tab.check()


def delivered(world: World) -> None:
    """A lot of anakinra on the shelf of site 01."""
    on = world.at.date()
    lot = Delivery(Drug.ANAKINRA, "A17", Decimal(100), date(2027, 1, 1), 100, on)
    given = {"by": world.person(Role.COORDINATOR), "at": world.at, "site_id": world.sites["01"].pk}
    receive_drug(**given, token=uuid4(), delivery=lot)


@pytest.mark.req("E7", "E8", "C9")
def test_from_what_is_due_to_a_contact_a_sheet_and_a_syringe(
    live_app: LiveApp, open_tab: Callable[..., Tab], axe: Callable[[Page], list[str]]
) -> None:
    world = new_world(morning(date(2023, 1, 2)))
    followed = followed_subject(world, last_dose_on=date(2024, 3, 10))
    treated = treated_subject(world, day1=date(2024, 3, 4))
    stand_at(world, date(2024, 9, 12))
    delivered(world)
    tab = open_tab(base_url=live_app.url)
    page = sign_in(tab, world, Role.COORDINATOR)
    acts = count_actions(tab)
    due = page.get_by_role("link", name=re.compile("^Record follow-up month 6 contact"))
    expect(due).to_be_visible()
    assert acts == [], "what is due stands on the first page"
    due.click()
    page.get_by_label("Date of the contact or attempt").fill("t")
    assert axe(page) == []
    page.get_by_role("button", name="Reached: alive, no progression, no new therapy").click()
    expect(page.get_by_text("The contact was recorded.")).to_be_visible()
    assert acts.clicks <= 2
    assert acts.seconds <= 45
    assert treated.number
    jump(page, treated.number)
    acts.clear()
    page.get_by_role("link", name="Dosing", exact=True).click()
    with page.expect_download() as calendar:
        page.get_by_role("link", name="Calendar file").click()
    assert calendar.value.suggested_filename.endswith(".ics")
    assert acts.clicks <= 2
    page.get_by_role("link", name="Sheet for the subject").click()
    expect(page.get_by_text("Tick each box when you have taken it.")).to_be_visible()
    assert acts.clicks <= 3, "the sheet instead of the file is two clicks as well"
    jump(page, treated.number)
    acts.clear()
    page.get_by_role("link", name="Dispensing").click()
    for button, units in (("Dispense to", "30"), ("Record a return", "2")):
        form = page.locator("form", has=page.get_by_role("button", name=button))
        form.get_by_label("Syringes or tablets").fill(units)
        form.get_by_role("button", name=button).click()
    expect(page.get_by_role("row", name=re.compile(r"Anakinra.* 30 2 "))).to_be_visible()
    assert acts.clicks <= 3
    tab.check()
    tab = open_tab(base_url=live_app.url)
    page = sign_in(tab, world, Role.INVESTIGATOR)
    acts = count_actions(tab)
    page.get_by_role("link", name=re.compile("^Sign [0-9]+ casebook")).click()
    page.get_by_label("User name").fill("investigator-01")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name=re.compile("^Sign")).click()
    expect(page.get_by_text("No casebook is due.")).to_be_visible()
    assert acts.clicks <= 2
    assert followed.number
