"""Lists, overview, dashboard, exports and protocol in a real browser on the real server, at both sizes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from protocol.vocabulary import Phase
from tests import world_dosing as treat
from tests import world_enrollment as enrol
from tests.fixtures.browser import Tab
from tests.fixtures.processes import LiveApp
from tests.world import PASSWORD, World, new_world
from tests.world_safety import an_event, reported
from trialsite import clock
from trialsite.access import Actor, system_actor
from trialsite.context import reading
from trialsite.models import Role, User

pytestmark = pytest.mark.browser


def small_trial(world: World) -> str:
    """Six subjects at month 6, most signed; one in screening. Returns the first one's key."""
    treat.confirm_high_dose(world)
    values = (("1.5", "1.4"), ("2.6", "2.5"), ("3.7", "3.6"), ("3.5", "3.6"), ("1.9", "1.8"), ("3.0", "3.1"))
    proposals = [treat.at_month_6(world, "01", pair) for pair in values]
    for proposal, to in zip(proposals[:-1], (Phase.ANAKINRA_ONLY,) * 2 + (Phase.LOW_DEX_7_12,) * 3, strict=True):
        reason = "" if proposal.to_phase == to else "Decided with the subject"
        treat.sign(world, proposal, to, reason=reason)
    enrol.screened(world)
    reported(world, proposals[0].subject, an_event("Injection site reaction", 2, "1 mar 2024"))
    return proposals[0].subject.key


def sign_in(tab: Tab, actor: Actor, world: World) -> None:
    with reading(system_actor("verification"), world.at):
        username = User.objects.get(pk=actor.user_id).username
    tab.page.goto("/accounts/sign-in/")
    tab.page.fill("input[name=login]", username)
    tab.page.fill("input[name=password]", PASSWORD)
    tab.page.click("main button[type=submit]")


def test_the_pages_are_clean_at_both_sizes(
    live_app: LiveApp, open_tab: Callable[..., Tab], sound: Callable[[Tab, str], None]
) -> None:
    world = new_world()
    key = small_trial(world)
    people = {role: world.person(role) for role in (Role.COORDINATOR, Role.STATISTICIAN)}
    clock.set_offset(world.at + timedelta(hours=1) - datetime.now(UTC))
    pages = {
        Role.COORDINATOR: {
            "01-subjects": "/subjects/",
            "03-subject": f"/subjects/{key}/",
            "my-work": "/my-work/",
            "jump": "/jump/?q=01-00",
            "empty-filter": "/subjects/?treatment=hd",
        },
        Role.STATISTICIAN: {
            "06-dashboard": "/dashboards/efficacy/",
            "efficacy-list": "/dashboards/efficacy/subjects/?group=whole-mr&population=signed",
            "safety": "/dashboards/safety/?cause=any",
        },
    }
    for role, actor in people.items():
        tab = open_tab(base_url=live_app.url)
        sign_in(tab, actor, world)
        for name, url in pages[role].items():
            tab.page.goto(url)
            sound(tab, name)


#: Tables that reach beyond their panel, and drawings and choices that are to be seen.
ON_PAPER = """() => {
  const seen = (what) => [...document.querySelectorAll(`main ${what}`)].filter((one) => one.checkVisibility());
  const right = (one) => one.getBoundingClientRect().right;
  return {
    cut: seen('table').filter((one) => right(one) > right(one.closest('.panel')) + 1).map((one) => one.textContent),
    drawings: seen('svg.chart').length,
    choices: seen('.seg').length,
  };
}"""


@pytest.mark.req("D14")
def test_the_dashboards_are_printed_whole(live_app: LiveApp, open_tab: Callable[..., Tab]) -> None:
    """On a landscape A4 page no column is cut off, the drawings stand there, and the ways to other pages do not."""
    world = new_world()
    small_trial(world)
    statistician = world.person(Role.STATISTICIAN)
    clock.set_offset(world.at + timedelta(hours=1) - datetime.now(UTC))
    tab = open_tab(base_url=live_app.url)
    sign_in(tab, statistician, world)
    tab.page.emulate_media(media="print")
    tab.page.set_viewport_size({"width": 1040, "height": 735})
    for name, drawings in (("efficacy", 4), ("safety", 2), ("enrolment", 2), ("data-quality", 0)):
        tab.page.goto(f"/dashboards/{name}/?cause=any")
        assert tab.page.evaluate(ON_PAPER) == {"cut": [], "drawings": drawings, "choices": 0}, name


def test_without_scripting_filters_jump_and_downloads_work(live_app: LiveApp, open_tab: Callable[..., Tab]) -> None:
    world = new_world()
    small_trial(world)
    statistician, monitor = world.person(Role.STATISTICIAN), world.person(Role.MONITOR)
    clock.set_offset(world.at + timedelta(hours=1) - datetime.now(UTC))
    tab = open_tab(scripting=False, base_url=live_app.url)
    sign_in(tab, statistician, world)
    expect(tab.page.get_by_role("heading", name="Efficacy")).to_be_visible()
    tab.page.goto("/exports/")
    with tab.page.expect_download() as started:
        tab.page.get_by_role("link", name="Download everything").click()
    assert started.value.suggested_filename.endswith(".zip")
    tab = open_tab(scripting=False, base_url=live_app.url)
    sign_in(tab, monitor, world)
    tab.page.goto("/subjects/")
    tab.page.select_option("#treatment", "ld")
    tab.page.get_by_role("button", name="Show").click()
    expect(tab.page.get_by_role("rowheader")).to_have_count(3)
    tab.page.fill("#jump", "01-002")
    tab.page.keyboard.press("Enter")
    expect(tab.page.get_by_role("heading", name="Subject 01-002 overview")).to_be_attached()
