"""Never lose work, in a real browser: drafts while typing, a lost connection, and a session that ends in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from playwright.sync_api import Page, expect

from labs.models import LabResult
from tests.browser.test_labs import sign_in
from tests.fixtures.browser import Tab
from tests.fixtures.processes import LiveApp
from tests.world import PASSWORD, World, new_world
from tests.world_labs import treated_subject
from trialsite.context import reading
from trialsite.models import Draft, Role, Subject


@dataclass
class Desk:
    world: World
    subject: Subject
    labs: str
    page: Page
    tab: Tab

    def draft(self) -> dict[str, str]:
        with reading(self.world.person(Role.COORDINATOR), self.world.at):
            return dict(Draft.objects.values_list("content", flat=True).first() or {})

    def stored(self) -> dict[str, str]:
        with reading(self.world.person(Role.DATA_MANAGER), self.world.at):
            return dict(LabResult.objects.values_list("analyte", "typed"))


@pytest.fixture
def desk(live_app: LiveApp, open_tab: Callable[..., Tab]) -> Desk:
    world = new_world()
    subject = treated_subject(world, day1=date(2024, 3, 4))
    world.person(Role.COORDINATOR)
    tab = open_tab(base_url=live_app.url)
    sign_in(tab.page)
    tab.errors.clear()
    labs = f"/subjects/{subject.key}/visits/m06/labs/"
    tab.page.goto(labs)
    return Desk(world, subject, labs, tab.page, tab)


Axe, Fits = Callable[[Page], list[str]], Callable[[Page], None]


def recovery_code(desk: Desk, axe: Axe, no_sideways_scroll: Fits) -> str:
    """The person sets up an authenticator app in another window, as narrow as a telephone; one of the codes."""
    page = desk.page.context.new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/accounts/second-factor/")
    expect(page.get_by_role("img", name="QR code of the key below")).to_be_visible()
    assert axe(page) == []
    no_sideways_scroll(page)
    secret = page.locator("form code").inner_text().replace(" ", "")
    page.get_by_label("Code that the app shows").fill(
        format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    )
    page.get_by_label("Your password").fill(PASSWORD)
    page.click("text=Set up the app")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    assert axe(page) == []
    code = page.locator("main li code").first.inner_text()
    page.click("text=I have kept them")
    expect(page.locator("main")).to_contain_text("Recovery codes left: 10")
    assert axe(page) == []
    no_sideways_scroll(page)
    page.close()
    return code


def buttons(desk: Desk) -> list[object]:
    """Where the save bar and its buttons stand in the window."""
    return [one.bounding_box() for one in desk.page.locator(".savebar, .savebar button").all()]


@pytest.mark.req("A11", "A12", "D3")
def test_what_is_typed_is_kept_while_typing_and_comes_back_after_the_session(
    desk: Desk, axe: Axe, no_sideways_scroll: Fits
) -> None:
    """A draft by itself, one by Ctrl+S, one refused by the network, and a session of two factors: nothing is lost."""
    page, line = desk.page, desk.page.locator("[data-save-state]")
    save = page.get_by_role("button", name="Save results", exact=True)
    expect(line).to_have_text("No draft yet")
    place = save.bounding_box()
    page.fill("[name=collected_on]", "4sep24")
    page.fill("#v_serum_m", "2.9")
    expect(line).to_contain_text("Draft saved")
    assert save.bounding_box() == place, "a button that moves while it is pressed is missed"
    assert desk.draft()["serum_m"] == "2.9"
    page.fill("#v_hb", "two")
    page.keyboard.press("Control+s")
    expect(line).to_contain_text("Draft saved")
    assert desk.draft()["hb"] == "two"
    page.reload()
    assert (page.input_value("#v_serum_m"), page.input_value("#v_hb")) == ("2.9", "two")
    desk.tab.check()
    # the network fails: the page says so, keeps trying, and says when it worked
    places = buttons(desk)
    page.route("**/draft/**", lambda route: route.abort())
    page.fill("#v_wbc", "5.2")
    page.keyboard.press("Control+s")
    expect(line).to_contain_text("Your entries are still here. Trying again.")
    assert buttons(desk) == places, "the longest words move no button"
    desk.tab.resize("narrow")
    places = buttons(desk)
    page.unroute("**/draft/**")
    page.keyboard.press("Control+s")
    expect(line).to_contain_text("Draft saved")
    assert buttons(desk) == places
    desk.tab.resize("wide")
    # the session ends, of a person with a second factor
    code = recovery_code(desk, axe, no_sideways_scroll)
    desk.page.context.clear_cookies(name="sessionid")
    page.fill("#v_hb", "10.1")
    page.keyboard.press("Control+s")
    dialog = page.locator("dialog[open]")
    expect(dialog).to_be_visible()
    dialog.get_by_label("User name").fill("coordinator-01")
    dialog.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("is not right")
    dialog.get_by_label("Password").fill(PASSWORD)
    # The same words stand there already: it is the answer that is waited for.
    with page.expect_response(lambda answer: answer.request.method == "POST" and "/accounts/sign-in/" in answer.url):
        page.keyboard.press("Enter")
    expect(dialog).to_contain_text("is not right")
    other = desk.page.context.new_page()
    other.goto("/accounts/sign-in/code/")
    expect(other.get_by_role("heading", name="Second factor")).to_be_visible()
    assert axe(other) == []
    other.close()
    dialog.get_by_label("Code").fill(code)
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(line).to_contain_text("Draft saved")
    assert page.input_value("#v_serum_m") == "2.9"
    page.keyboard.press("Control+Enter")
    expect(page.locator("main")).to_contain_text("Results saved: 3 recorded.")
    assert desk.stored() == {"serum_m": "2.9", "hb": "10.1", "wbc": "5.2"}
    assert desk.draft() == {}


@pytest.mark.req("A12")
def test_a_note_comes_five_minutes_before_the_end_and_one_click_stays(desk: Desk) -> None:
    desk.page.clock.install()
    desk.page.goto(desk.labs)
    desk.page.clock.fast_forward("25:01")
    note = desk.page.locator("#session-note")
    expect(note).to_be_visible()
    desk.page.fill("#v_serum_m", "2.9")
    desk.page.click("text=Stay signed in")
    expect(note).to_be_hidden()
    assert desk.page.input_value("#v_serum_m") == "2.9"


@pytest.mark.req("A12", "D3")
def test_forms_beside_each_other_keep_what_is_typed_in_each(desk: Desk) -> None:
    """On the dosing page, by typing alone; opened again, both stand open with their words."""
    page = desk.page
    page.goto(f"/subjects/{desk.subject.key}/dosing/")
    for summary, box, words in (
        ("Fill a range of days", "#fill_detail", "On the road"),
        ("Take a record back", "#undo_why", "Other subject"),
    ):
        page.get_by_text(summary, exact=True).click()
        page.locator(box).evaluate("(box, words) => { box.value = words; }", words)
        page.locator(box).dispatch_event("input")
        expect(page.locator("form", has=page.locator(box)).locator("[data-save-state]")).to_contain_text("Draft saved")
    page.reload()
    assert (page.input_value("#fill_detail"), page.input_value("#undo_why")) == ("On the road", "Other subject")
    expect(page.locator("#undo_why")).to_be_visible()
    desk.tab.check()
