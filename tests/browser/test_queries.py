"""Queries at their fields, and how few clicks the way from sign-in to the work takes, on the real server."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from labs.models import LabResult
from protocol.vocabulary import Analyte
from tests.browser.test_reporting import sign_in
from tests.fixtures.browser import Tab
from tests.fixtures.processes import LiveApp
from tests.world import World, new_world
from tests.world_labs import record, treated_subject
from trialsite import clock
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Query, Role, Subject
from trialsite.services import queries
from trialsite.services.queries import Anchor

pytestmark = pytest.mark.browser

DAY1 = date(2024, 3, 4)
#: Counts what is pressed with the pointer, over all pages of the tab.
COUNT = "addEventListener('pointerdown', () => window.__press(), true)"


def clicks_of(tab: Tab) -> list[int]:
    """A list that grows by one with every click in the tab."""
    counted: list[int] = []
    tab.page.expose_function("__press", lambda: counted.append(1))
    tab.page.add_init_script(COUNT)
    tab.page.evaluate(f"() => {{ {COUNT} }}")
    return counted


def asked_twice(world: World) -> tuple[Subject, list[int]]:
    """A subject on treatment with two questions about results of Day 1; the numbers of the queries."""
    subject = treated_subject(world, day1=DAY1)
    record(world, subject, "bl", DAY1, {Analyte.SERUM_M: "2.9", Analyte.HB: "12.9"})
    manager = world.person(Role.DATA_MANAGER)
    world.person(Role.COORDINATOR)
    numbers = []
    for item, text in (("serum_m", "Is this g/L?"), ("hb", "Which sample?")):
        with reading(system_actor("verification"), world.at):
            result = LabResult.objects.get(subject=subject, analyte=item, superseded_at=None)
        anchor = Anchor("lab_result", result.pk, item, "bl")
        made = queries.ask(by=manager, at=world.at, token=uuid4(), subject=subject, anchor=anchor, text=text)
        numbers.append(made.pk)
    clock.set_offset(world.at + timedelta(hours=1) - datetime.now(UTC))
    return subject, numbers


@pytest.mark.req("D8")
def test_a_query_is_answered_in_two_clicks_and_text_from_my_work(
    live_app: LiveApp,
    open_tab: Callable[..., Tab],
    axe: Callable[[Page], list[str]],
    shot: Callable[[Page, str], object],
) -> None:
    """Peers' journey C7: open it, write, send. The next one stands there, at its own field."""
    world = new_world()
    _, (first, second) = asked_twice(world)
    tab = open_tab(base_url=live_app.url)
    sign_in(tab, world.person(Role.COORDINATOR), world)
    clicks = clicks_of(tab)
    tab.page.get_by_role("link", name=re.compile("^Answer 2 queries")).click()
    expect(tab.page).to_have_url(re.compile(rf"/visits/bl/labs/\?query={first}$"))
    expect(tab.page.get_by_label("Answer", exact=True)).to_be_focused()
    expect(tab.page.locator("tr.asked")).to_have_attribute("data-row", "serum_m")
    assert axe(tab.page) == []
    shot(tab.page, "query-panel-wide")
    tab.page.keyboard.type("It is g/dL, see the report.")
    tab.page.get_by_role("button", name="Send answer").click()
    assert len(clicks) == 2
    expect(tab.page).to_have_url(re.compile(rf"/visits/bl/labs/\?query={second}$"))
    expect(tab.page.get_by_label("Answer", exact=True)).to_be_focused()
    tab.check()
    with reading(system_actor("verification"), world.at):
        assert Query.objects.get(pk=first).state == Query.State.ANSWERED


@pytest.mark.req("D8")
def test_a_query_opens_beside_a_form_and_keeps_what_is_typed_in_it(
    live_app: LiveApp, open_tab: Callable[..., Tab], axe: Callable[[Page], list[str]]
) -> None:
    """The panel opens at the field by keyboard, is answered, and the unsaved value is still there."""
    world = new_world()
    subject, (first, second) = asked_twice(world)
    tab = open_tab(base_url=live_app.url)
    sign_in(tab, world.person(Role.COORDINATOR), world)
    tab.page.goto(f"/subjects/{subject.key}/visits/bl/labs/")
    tab.page.fill("#v_plt", "212")
    tab.page.locator("[data-row=serum_m] .at-field").focus()
    tab.page.keyboard.press("Enter")
    expect(tab.page.get_by_label("Answer", exact=True)).to_be_focused()
    tab.page.keyboard.press("Control+Enter")
    expect(tab.page.get_by_text("Write an answer, or use a quick reply.").first).to_be_visible()
    tab.page.get_by_label("Answer", exact=True).fill("It is g/dL.")
    tab.page.wait_for_timeout(1600)  # the guard against a double click
    tab.page.keyboard.press("Control+Enter")
    expect(tab.page.get_by_text(f"Query {first} was answered.")).to_be_visible()
    expect(tab.page.get_by_role("link", name=re.compile(f"^Next: query {second}"))).to_be_visible()
    assert tab.page.input_value("#v_plt") == "212"
    assert axe(tab.page) == []
    tab.check()


def test_without_scripting_the_query_has_its_page_and_leads_back_to_the_field(
    live_app: LiveApp, open_tab: Callable[..., Tab], no_sideways_scroll: Callable[[Page], None]
) -> None:
    world = new_world()
    subject, (first, second) = asked_twice(world)
    tab = open_tab("narrow", scripting=False, base_url=live_app.url)
    sign_in(tab, world.person(Role.COORDINATOR), world)
    tab.page.goto(f"/subjects/{subject.key}/visits/bl/labs/")
    tab.page.get_by_role("link", name=re.compile(f"^Query {first}")).click()
    expect(tab.page).to_have_url(re.compile(rf"/queries/{first}/\?at=field$"))
    tab.page.get_by_role("button", name="Correct as entered").click()
    expect(tab.page).to_have_url(re.compile(rf"/visits/bl/labs/\?query={second}$"))
    tab.page.get_by_role("button", name="Correct as entered").click()
    expect(tab.page).to_have_url(re.compile(r"/visits/bl/labs/#v_hb$"))
    expect(tab.page.get_by_text(f"Query {second} was answered.")).to_be_visible()


def test_the_panel_fits_beside_the_grid(
    live_app: LiveApp, open_tab: Callable[..., Tab], sound: Callable[[Tab, str], None]
) -> None:
    world = new_world()
    subject, (first, _) = asked_twice(world)
    own = {
        "panel": f"/subjects/{subject.key}/visits/bl/labs/?query={first}",
        "query-list": "/queries/?show=open",
        "query-none": "/queries/?show=closed",
        "query-page": f"/queries/{first}/",
    }
    watched = {
        "quality": "/dashboards/data-quality/",
        "quality-rows": "/dashboards/data-quality/rows/?group=time-entry",
    }
    for role, pages in ((Role.COORDINATOR, own), (Role.DATA_MANAGER, {**own, **watched})):
        tab = open_tab(base_url=live_app.url)
        sign_in(tab, world.person(role), world)
        for name, url in pages.items():
            tab.page.goto(url)
            sound(tab, f"{name}-{role.value}")


def test_at_most_two_clicks_from_sign_in_to_the_first_empty_field(
    live_app: LiveApp, open_tab: Callable[..., Tab]
) -> None:
    """After signing in: one click opens the most urgent form, and its first empty field has the focus."""
    world = new_world()
    subject = treated_subject(world, day1=DAY1)
    record(world, subject, "bl", DAY1, {Analyte.SERUM_M: "2.9"})
    coordinator = world.person(Role.COORDINATOR)
    clock.set_offset(world.at + timedelta(days=100) - datetime.now(UTC))
    tab = open_tab(base_url=live_app.url)
    sign_in(tab, coordinator, world)
    clicks = clicks_of(tab)
    expect(tab.page).to_have_url(re.compile(r"/my-work/$"))
    tab.page.locator("[data-next-task]").click()
    expect(tab.page).to_have_url(re.compile(r"/visits/[a-z0-9]+/labs/"))
    assert len(clicks) <= 2
    expect(tab.page.locator("input:focus")).to_have_count(1)
    assert tab.page.evaluate("document.activeElement.value") == ""
    tab.check()
