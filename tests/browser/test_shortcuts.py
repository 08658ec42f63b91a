"""The keys of every page: work and lists without the mouse (complaint 28), the list of keys, and the off switch."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_reporting import sign_in
from tests.fixtures.browser import Tab
from tests.fixtures.processes import LiveApp
from tests.world import new_world
from tests.world_labs import treated_subject
from trialsite import clock
from trialsite.models import Role

pytestmark = pytest.mark.browser


@pytest.mark.req("D14")
def test_complaint_28_lists_and_tasks_are_reached_without_a_mouse(
    live_app: LiveApp, open_tab: Callable[..., Tab], axe: Callable[[Page], list[str]]
) -> None:
    world = new_world()
    subject = treated_subject(world, day1=date(2024, 3, 4))
    coordinator = world.person(Role.COORDINATOR)
    clock.set_offset(world.at + timedelta(hours=1) - datetime.now(UTC))
    tab = open_tab(base_url=live_app.url)
    sign_in(tab, coordinator, world)
    keys = tab.page.keyboard
    expect(tab.page).to_have_url(re.compile("/my-work/$"))
    keys.type("gs")
    expect(tab.page).to_have_url(re.compile("/subjects/$"))
    keys.press("?")
    expect(tab.page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    assert axe(tab.page) == []
    keys.type("gw")  # an open list takes no other key
    keys.press("Escape")
    expect(tab.page.get_by_role("dialog")).to_be_hidden()
    expect(tab.page).to_have_url(re.compile("/subjects/$"))
    keys.press("/")
    keys.type(subject.number)
    keys.press("Enter")
    expect(tab.page).to_have_url(re.compile(f"/subjects/{subject.key}/$"))
    keys.type("gw")
    expect(tab.page).to_have_url(re.compile("/my-work/$"))
    keys.press("n")
    expect(tab.page).to_have_url(re.compile("/visits/bl/labs/"))
    tab.page.goto("/accounts/profile/")
    tab.page.get_by_label("Shortcuts of one key are on").uncheck()
    tab.page.get_by_role("button", name="Save shortcuts").click()
    expect(tab.page.get_by_text("Shortcuts of one key are off.")).to_be_visible()
    keys.type("gs?")
    tab.page.wait_for_timeout(300)
    expect(tab.page).to_have_url(re.compile("/accounts/profile/$"))
    expect(tab.page.get_by_role("dialog")).to_be_hidden()
    tab.check()
