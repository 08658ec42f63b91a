"""The keys of every page: work and lists without the mouse (complaint 28), the list of keys, and the off switch."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_queries import asked_twice, clicks_of
from tests.fixtures.browser import Tab
from tests.fixtures.processes import LiveApp
from tests.labs.test_import_pages import panel_of_25
from tests.world import PASSWORD, new_world
from tests.world_imports import upload
from tests.world_labs import laboratory
from trialsite import clock

pytestmark = pytest.mark.browser
#: More than any page has places to stop at on the way.
MANY = 150


def tab_to(page: Page, what: Locator) -> None:
    """Press Tab until the focus stands there."""
    expect(what).to_be_visible()
    for _ in range(MANY):
        if what.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab does not reach {what}")


def arrive(page: Page, where: str) -> None:
    """Wait for the page of that address and for its scripts: a key struck before them is nobody's."""
    expect(page).to_have_url(re.compile(where))
    page.wait_for_load_state()


@pytest.mark.req("D14", "D8", "G1")
def test_complaint_28_lists_and_tasks_are_reached_without_a_mouse(
    live_app: LiveApp, open_tab: Callable[..., Tab], axe: Callable[[Page], list[str]]
) -> None:
    """From sign-in through My work to answered queries, a saved panel and an imported file, by keys alone."""
    world = new_world()
    subject, _ = asked_twice(world)
    upload(world, laboratory(world), panel_of_25(subject, accession="A9", on="2024-03-20"))
    clock.set_offset(world.at + timedelta(hours=1) - datetime.now(UTC))
    tab = open_tab(base_url=live_app.url)
    keys, clicks = tab.page.keyboard, clicks_of(tab)
    tab.page.goto("/accounts/sign-in/")
    tab_to(tab.page, tab.page.locator("input[name=login]"))
    keys.type("coordinator-01")
    tab_to(tab.page, tab.page.locator("input[name=password]"))
    keys.type(PASSWORD)
    keys.press("Enter")
    arrive(tab.page, "/my-work/$")
    keys.type("gs")
    arrive(tab.page, "/subjects/$")
    keys.press("?")
    expect(tab.page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    assert axe(tab.page) == []
    keys.type("gw")  # an open list takes no other key
    keys.press("Escape")
    expect(tab.page.get_by_role("dialog")).to_be_hidden()
    arrive(tab.page, "/subjects/$")
    keys.press("/")
    keys.type(subject.number)
    keys.press("Enter")
    arrive(tab.page, f"/subjects/{subject.key}/$")
    keys.type("gw")
    arrive(tab.page, "/my-work/$")
    keys.press("n")
    arrive(tab.page, "/visits/bl/labs/")
    for words in ("It is g/dL, see the report.", "Of the morning."):
        expect(tab.page.get_by_label("Answer", exact=True)).to_be_focused()
        keys.type(words)
        with tab.page.expect_navigation():
            keys.press("Control+Enter")
    tab_to(tab.page, tab.page.locator("#v_plt"))
    keys.type("212")
    tab_to(tab.page, tab.page.get_by_role("button", name=re.compile("^Save results")))
    keys.press("Enter")
    expect(tab.page.get_by_text("Results saved: 1 recorded.")).to_be_visible()
    tab_to(tab.page, tab.page.get_by_role("link", name="Lab import", exact=True))
    keys.press("Enter")
    tab_to(tab.page, tab.page.locator("#id_file"))
    with tab.page.expect_file_chooser() as chooser:
        keys.press("Enter")
    file = {"name": "chemistry.csv", "mimeType": "text/csv", "buffer": panel_of_25(subject)}
    chooser.value.set_files(file)
    tab_to(tab.page, tab.page.get_by_role("button", name="Upload", exact=True))
    keys.press("Enter")
    tab_to(tab.page, tab.page.get_by_role("button", name="Import 25 good rows"))
    keys.press("Enter")
    expect(tab.page.get_by_text("25 rows imported.")).to_be_visible()
    assert clicks == []
    tab.page.goto("/accounts/profile/")
    tab.page.get_by_label("Shortcuts of one key are on").uncheck()
    tab.page.get_by_role("button", name="Save shortcuts").click()
    expect(tab.page.get_by_text("Shortcuts of one key are off.")).to_be_visible()
    keys.type("gs?")
    tab.page.wait_for_timeout(300)
    arrive(tab.page, "/accounts/profile/$")
    expect(tab.page.get_by_role("dialog")).to_be_hidden()
    tab.check()
