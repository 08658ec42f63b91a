"""The decision and the dosing calendar in a real browser on the real server: clean, by keyboard, without scripting."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from dosing.selectors import planned_doses
from protocol.vocabulary import Drug, Phase
from tests import world_dosing as treat
from tests.fixtures.browser import Tab, count_actions
from tests.fixtures.processes import LiveApp
from tests.world import PASSWORD, World, new_world
from trialsite import clock
from trialsite.access import Actor, system_actor
from trialsite.context import reading
from trialsite.days import in_words
from trialsite.models import Role, Subject, User

Clean = Callable[[Tab, str], None]


def stand_at(world: World) -> None:
    """Web and test share the world's time."""
    clock.set_offset(world.at - datetime.now(UTC))


def sign_in(tab: Tab, actor: Actor, world: World) -> None:
    with reading(system_actor("re-evaluation"), world.at):
        username = User.objects.get(pk=actor.user_id).username
    tab.page.goto("/accounts/sign-in/")
    tab.page.fill("input[name=login]", username)
    tab.page.fill("input[name=password]", PASSWORD)
    tab.page.click("main button[type=submit]")


@pytest.fixture
def clean(axe: Callable[[Page], list[str]], no_sideways_scroll: Callable[[Page], None]) -> Clean:
    def check(tab: Tab, name: str) -> None:
        assert axe(tab.page) == [], name
        no_sideways_scroll(tab.page)
        tab.check()

    return check


@pytest.mark.worker
@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_signing_a_decision(
    live_app: LiveApp, open_tab: Callable[..., Tab], clean: Clean, shot: Callable[[Page, str], object], size: str
) -> None:
    world = new_world()
    proposal = treat.at_month_6(world)
    stand_at(world)
    tab = open_tab(size, base_url=live_app.url)
    sign_in(tab, world.person(Role.INVESTIGATOR), world)
    tab.page.goto("/my-work/")
    acts = count_actions(tab)
    tab.page.get_by_role("link", name="Sign arm decision").first.click()
    expect(tab.page.get_by_role("button", name="Sign phase decision")).to_be_visible()
    clean(tab, "decision")
    shot(tab.page, f"04-decision-{size}")
    tab.page.fill("input[name=username]", "investigator-01")
    tab.page.fill("input[name=password]", PASSWORD)
    tab.page.get_by_role("button", name="Sign phase decision").click()
    expect(tab.page.get_by_text("Signed. Anakinra + low-dose dex starts on")).to_be_visible()
    assert sorted(acts) == ["fill", "fill", "press", "press"], "from the task to the signed decision"
    assert acts.seconds <= 60
    assert set(acts.pages) == {f"/subjects/{proposal.subject.key}/responses/m06/"}, "without another page"
    clean(tab, "signed decision")
    tab.page.goto(f"/subjects/{proposal.subject.key}/responses/")
    clean(tab, "history")


@pytest.mark.worker
def test_signing_without_scripting(live_app: LiveApp, open_tab: Callable[..., Tab]) -> None:
    world = new_world()
    proposal = treat.at_month_6(world)
    stand_at(world)
    tab = open_tab(scripting=False, base_url=live_app.url)
    sign_in(tab, world.person(Role.INVESTIGATOR), world)
    tab.page.goto(f"/subjects/{proposal.subject.key}/responses/m06/")
    tab.page.fill("input[name=username]", "investigator-01")
    tab.page.fill("input[name=password]", PASSWORD)
    tab.page.get_by_role("button", name="Sign phase decision").click()
    expect(tab.page.get_by_text("Signed. Anakinra + low-dose dex starts on")).to_be_visible()


def both_drugs_on(world: World, subject: Subject) -> date:
    """The first day with dexamethasone beside anakinra."""
    with reading(system_actor("re-evaluation"), world.at):
        doses = planned_doses(Subject.objects.select_related("site").get(pk=subject.pk))
    return next(dose.on for dose in doses if dose.drug is Drug.DEXAMETHASONE)


def on_high_dose(world: World) -> Subject:
    proposal = treat.at_month_6(world, values=("4.9", "5.2"))
    treat.sign(world, proposal, Phase.HIGH_DEX)
    world.at += timedelta(days=20)
    stand_at(world)
    return proposal.subject


def on_low_dose(world: World) -> Subject:
    proposal = treat.at_month_6(world)
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    world.at += timedelta(days=20)
    stand_at(world)
    return proposal.subject


@pytest.mark.worker
@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_the_calendar_by_keyboard(
    live_app: LiveApp, open_tab: Callable[..., Tab], clean: Clean, shot: Callable[[Page, str], object], size: str
) -> None:
    world = new_world()
    subject = on_low_dose(world)
    tab = open_tab(size, base_url=live_app.url)
    sign_in(tab, world.person(Role.COORDINATOR), world)
    page = tab.page
    page.goto(f"/subjects/{subject.key}/dosing/?day=2024-07-22#calendar")
    clean(tab, "calendar")
    chosen = page.locator("a.day[aria-current]")
    expect(chosen).to_be_focused()
    acts = count_actions(tab)
    page.keyboard.press("t")
    expect(page.get_by_text("22 Jul 2024 is recorded.")).to_be_visible()
    assert acts == ["t"], "one key records a day"
    assert "day=2024-07-23" in page.url
    expect(chosen).to_be_focused()
    page.keyboard.press("ArrowLeft")
    focused = page.evaluate("document.activeElement.textContent")
    assert re.search(r"Monday 22 July.*Anakinra 100 mg SC taken", focused)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("m")
    page.select_option("select[name=anakinra_reason]", "Forgot")
    page.get_by_role("button", name="Save and go to next day").click()
    expect(page.get_by_text("23 Jul 2024 is recorded.")).to_be_visible()
    clean(tab, "calendar with records")
    shot(page, f"05-dosing-{size}")
    two = both_drugs_on(world, subject)
    page.goto(f"/subjects/{subject.key}/dosing/?day={two}#calendar")
    expect(chosen).to_be_focused()
    acts.clear()
    page.keyboard.press("t")
    expect(page.get_by_text(f"{in_words(two)} is recorded.")).to_be_visible()
    assert acts == ["t"], "one key records both drugs"
    expect(chosen).to_be_focused()
    page.keyboard.press("ArrowLeft")
    focused = page.evaluate("document.activeElement.textContent")
    assert re.search(r"Anakinra 100 mg SC taken.*Dexamethasone 20 mg .*taken", focused)
    page.keyboard.press("ArrowRight")
    acts.clear()
    page.keyboard.press("h")
    expect(page.locator("select[name=anakinra_reason]")).to_be_focused()
    expect(page.locator("input[name=anakinra][value=held]")).to_be_checked()
    assert acts == ["h"], "one key holds the day and stands at the reason, which nobody but a person knows"
    page.select_option("select[name=anakinra_reason]", index=1)
    page.get_by_role("button", name="Save and go to next day").click()
    expect(page.get_by_text(f"{in_words(two + timedelta(days=1))} is recorded.")).to_be_visible()


@pytest.mark.worker
def test_thirty_days_take_at_most_eight_actions(live_app: LiveApp, open_tab: Callable[..., Tab]) -> None:
    world = new_world()
    subject = on_low_dose(world)
    tab = open_tab(base_url=live_app.url)
    sign_in(tab, world.person(Role.COORDINATOR), world)
    page = tab.page
    page.goto(f"/subjects/{subject.key}/dosing/")
    acts = count_actions(tab)
    page.get_by_text("Fill a range of days").click()
    page.fill("#fill_last_on", "14feb")
    page.get_by_role("button", name="Record these days").click()
    expect(page.get_by_text("30 days recorded as taken.")).to_be_visible()
    assert 0 < len(acts) <= 8, acts


@pytest.mark.worker
def test_the_month_prints_on_one_page(live_app: LiveApp, open_tab: Callable[..., Tab]) -> None:
    """Also a month of six weeks, and one with high dose, which has most lines."""
    world = new_world()
    treat.confirm_high_dose(world)
    subject = on_high_dose(world)
    tab = open_tab(base_url=live_app.url)
    sign_in(tab, world.person(Role.COORDINATOR), world)
    for page in ("", "print/", "print/?month=2024-06", "print/?month=2024-08"):
        tab.page.goto(f"/subjects/{subject.key}/dosing/{page}")
        printed = tab.page.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1, page
