"""The back button after a save, in a real browser: nothing is stored twice, nothing newer is written over unseen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import Page, Route, expect

from labs.models import LabResult
from protocol.vocabulary import Analyte
from safety.models import AdverseEvent
from tests.browser.test_labs import sign_in
from tests.fixtures.browser import Tab
from tests.fixtures.processes import LiveApp
from tests.world import World, new_world
from tests.world_labs import laboratory, record, treated_subject
from trialsite.context import reading
from trialsite.models import Role, Subject
from trialsite.submissions import CHANGED, REPEATED

SCRIPTING = pytest.mark.parametrize("scripting", [True, False], ids=["scripts", "without scripts"])


def a_subject(world: World) -> Subject:
    laboratory(world)
    world.person(Role.COORDINATOR)
    return treated_subject(world, day1=date(2024, 3, 4))


def results(world: World) -> list[tuple[str, str]]:
    """Every result ever stored, with those that were replaced."""
    with reading(world.person(Role.DATA_MANAGER), world.at):
        return list(LabResult.objects.order_by("id").values_list("analyte", "typed"))


@SCRIPTING
@pytest.mark.req("D3")
def test_back_to_a_saved_grid_shows_what_is_stored_now(
    live_app: LiveApp, open_tab: Callable[..., Tab], *, scripting: bool
) -> None:
    """A value is saved, and corrected elsewhere: pages that Back leads to hold the correction and send nothing old."""
    world = new_world()
    subject = a_subject(world)
    tab = open_tab(scripting=scripting, base_url=live_app.url)
    page, main = tab.page, tab.page.locator("main")
    sign_in(page)
    tab.errors.clear()
    address = f"/subjects/{subject.key}/visits/m06/labs/"
    page.goto(address)
    page.fill("[name=collected_on]", "4 Sep 2024")
    page.fill("#v_serum_m", "2.9")
    page.click("text=Save results")
    expect(main).to_contain_text("Results saved: 1 recorded.")
    if scripting:  # a page that says what is wrong is an answer to a form: Back must not ask to send that form again
        page.fill("#v_serum_m", "two")
        page.click("text=Save results")
        expect(main).to_contain_text("There is a problem with 1 answer")
        page.goto(address)
    record(world, subject, "m06", date(2024, 9, 4), {Analyte.SERUM_M: "3.2"}, reason="Read from the wrong line")
    steps = 0
    while page.go_back() and page.url.endswith(address):
        steps += 1
        assert page.input_value("#v_serum_m") == "3.2"
    assert steps >= 1
    page.go_forward()
    assert page.input_value("#v_serum_m") == "3.2"
    page.click("text=Save results")
    expect(main).to_contain_text("Saved. Nothing had changed.")
    assert results(world) == [("serum_m", "2.9"), ("serum_m", "3.2")]
    tab.check()


@SCRIPTING
@pytest.mark.req("D3")
def test_back_to_a_form_that_made_a_record_makes_no_second_one(
    live_app: LiveApp, open_tab: Callable[..., Tab], *, scripting: bool
) -> None:
    world = new_world()
    subject = a_subject(world)
    tab = open_tab(scripting=scripting, base_url=live_app.url)
    page = tab.page
    sign_in(page)
    tab.errors.clear()
    page.goto(f"/subjects/{subject.key}/adverse-events/new/?term=Headache&grade=1")
    page.get_by_label("1, mild").check()
    page.fill("[name=started]", "5 mar 2024")
    page.get_by_label("Outcome").select_option("Not recovered")
    for name in ("attribution_anakinra", "action_anakinra"):
        page.select_option(f"[name={name}]", index=1)
    page.click("text=Save event")
    expect(page.locator("main")).to_contain_text("Adverse event 1, Headache, was added.")
    page.go_back()
    # An empty form, of which nothing is filled in from the browser's memory: sent again it says what is missing.
    assert [page.input_value(f"[name={name}]") for name in ("started", "outcome", "attribution_anakinra")] == [
        "",
        "",
        "",
    ]
    page.click("text=Save event")
    expect(page.locator("main")).to_contain_text("There is a problem with")
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert AdverseEvent.objects.count() == 1
    tab.check()


def headache(page: Page, grade: str) -> None:
    """Fill the form in and send it."""
    page.get_by_label(grade).check()
    page.fill("[name=started]", "5 mar 2024")
    page.get_by_label("Outcome").select_option("Not recovered")
    for name in ("attribution_anakinra", "action_anakinra"):
        page.select_option(f"[name={name}]", index=1)
    page.click("text=Save event")


@pytest.mark.req("D3", "D13")
def test_a_page_that_the_browser_remembered_is_told_that_it_was_sent(
    live_app: LiveApp, open_tab: Callable[..., Tab]
) -> None:
    """Without scripting a browser may show a saved page from its memory, token and all; this one is handed the same.

    Unchanged it is the same event; changed it is told, shows what was typed, leads to what was saved, and is a second
    event only if it is sent once more.
    """
    world = new_world()
    subject = a_subject(world)
    tab = open_tab(scripting=False, base_url=live_app.url)
    page, main = tab.page, tab.page.locator("main")
    sign_in(page)
    tab.errors.clear()
    address = f"/subjects/{subject.key}/adverse-events/new/?term=Headache&grade=1"
    remembered = page.request.get(address).text()

    def from_memory(route: Route) -> None:
        if route.request.method == "GET":
            route.fulfill(body=remembered, content_type="text/html")
        else:
            route.continue_()

    page.route(f"**{address}", from_memory)
    page.goto(address)
    headache(page, "1, mild")
    expect(main).to_contain_text("Adverse event 1, Headache, was added.")
    page.goto(address)
    headache(page, "1, mild")
    expect(main).to_contain_text(REPEATED)
    page.goto(address)
    headache(page, "2, moderate")
    expect(main).to_contain_text(CHANGED)
    assert page.get_by_label("2, moderate").is_checked()
    assert page.input_value("[name=started]") == "5 mar 2024"
    way = page.get_by_role("link", name="See and correct what was saved")
    assert way.get_attribute("href") == f"/subjects/{subject.key}/adverse-events/"
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert list(AdverseEvent.objects.values_list("grade", flat=True)) == [1]
    page.click("text=Save event")
    expect(main).to_contain_text("Adverse event 2, Headache, was added.")
    tab.check()
