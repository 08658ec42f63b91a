"""Screening, the checklist, registration and administration in a real browser, at both sizes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from enrollment.models import Consent
from protocol.vocabulary import Analyte
from tests.fixtures.browser import Tab
from tests.fixtures.processes import LiveApp
from tests.world import PASSWORD, World, new_world
from tests.world_enrollment import answered, complete, form_in_force, new_form, screened, sent, with_labs
from tests.world_labs import record
from trialsite import clock
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role, Subject, User

Check = Callable[[Page], None]
Axe = Callable[[Page], list[str]]
Shot = Callable[[Page, str], object]


@pytest.fixture
def world(live_app: LiveApp) -> World:
    made = new_world(clock.now())
    form_in_force(made)
    return made


def sign_in(tab: Tab, world: World, role: Role) -> Page:
    actor = world.person(role)
    tab.page.goto("/accounts/sign-in/")
    tab.page.get_by_label("User name").fill(User.objects.get(pk=actor.user_id).username)
    tab.page.get_by_label("Password").fill(PASSWORD)
    tab.page.get_by_role("button", name="Sign in").click()
    tab.page.wait_for_load_state()
    return tab.page


@pytest.mark.long
@pytest.mark.req("D14")
def test_every_page_looks_right(
    live_app: LiveApp, world: World, open_tab: Callable[..., Tab], sound: Callable[[Tab, str], None]
) -> None:
    """In states of their own; as they are found by their address alone they are in test_every_page.py."""
    half = screened(world)
    with_labs(world, half)
    answered(world, half, {"nyha": "", "self_inject": "", "caregiver": "", "needs_chemo": ""})
    whole = complete(world, birth_year=1970)
    sent(world, whole)
    record(world, half, "uns1", half.screened_on - timedelta(days=1), {Analyte.WBC: "5.1"})
    form = new_form(world)
    with reading(system_actor("verification"), world.at):
        consent = Consent.objects.get(subject=half)
    pages = {
        Role.COORDINATOR: {
            "screening-log": "/screening-log/",
            "consent": f"/subjects/{half.key}/consent/",
            "consent-correct": f"/subjects/{half.key}/consent/?correct={consent.pk}",
            "eligibility-answering": f"/subjects/{half.key}/eligibility/",
            "screen-failure": f"/subjects/{half.key}/screen-failure/",
            "registration": f"/subjects/{whole.key}/registration/",
        },
        Role.INVESTIGATOR: {"eligibility-review": f"/subjects/{whole.key}/eligibility/"},
        Role.ADMIN: {"consent-forms": "/consent-forms/", "consent-form": f"/consent-forms/{form.pk}/"},
    }
    for role, addresses in pages.items():
        tab = open_tab(base_url=live_app.url)
        sign_in(tab, world, role)
        for name, address in addresses.items():
            tab.page.goto(address)
            sound(tab, name)


def test_an_answer_that_rules_out_is_told_while_answering(
    live_app: LiveApp, world: World, open_tab: Callable[..., Tab]
) -> None:
    subject = screened(world)
    tab = open_tab(base_url=live_app.url)
    page = sign_in(tab, world, Role.COORDINATOR)
    page.goto(f"/subjects/{subject.key}/eligibility/")
    row = page.locator("tr", has_text="NYHA class III or IV")
    expect(row.get_by_text("Rules the subject out")).to_be_hidden()
    row.get_by_role("radio", name="IV", exact=True).check(force=True)
    expect(row.get_by_text("Rules the subject out")).to_be_visible()
    row.get_by_role("radio", name="None").check(force=True)
    expect(row.get_by_text("Rules the subject out")).to_be_hidden()


def test_the_keys_answer_the_question_that_has_the_focus(
    live_app: LiveApp, world: World, open_tab: Callable[..., Tab]
) -> None:
    subject = screened(world)
    page = sign_in(tab := open_tab(base_url=live_app.url), world, Role.COORDINATOR)
    page.goto(f"/subjects/{subject.key}/eligibility/")
    second = page.get_by_role("group", name="Has a caregiver who can")
    second.get_by_role("radio", name="Yes", exact=True).focus()
    page.keyboard.press("n")
    expect(second.get_by_role("radio", name="No", exact=True)).to_be_checked()
    first = page.get_by_role("group", name="Can inject the drug")
    expect(first.get_by_role("radio", name="No", exact=True)).not_to_be_checked()
    tab.check()


def test_from_consent_to_registration_without_scripting(
    live_app: LiveApp, world: World, open_tab: Callable[..., Tab]
) -> None:
    coordinator, investigator = (open_tab(base_url=live_app.url, scripting=False) for _ in range(2))
    page = sign_in(coordinator, world, Role.COORDINATOR)
    page.goto("/subjects/new/")
    page.get_by_label("Date of consent").fill("t")
    page.get_by_label("Time of consent").fill("00:00")
    page.get_by_label("Year of birth").fill("1958")
    page.get_by_role("radio", name="Yes").check(force=True)
    page.get_by_role("radio", name="Female").check(force=True)
    page.get_by_role("button", name="Start screening").click()
    expect(page.get_by_text("01-S001 is in screening.")).to_be_visible()
    address = page.url
    subject = whoever_was_screened(world)
    with_labs(world, subject)
    answered(world, subject, {"nyha": ""})
    page.goto(address)
    page.get_by_role("group", name="NYHA").get_by_role("radio", name="II", exact=True).check(force=True)
    page.get_by_role("button", name="Save and send to investigator").click()
    expect(page.get_by_text("Sent. The site's investigators are told by mail.")).to_be_visible()
    signer = sign_in(investigator, world, Role.INVESTIGATOR)
    signer.goto(address)
    signer.get_by_label("User name").fill("investigator-01")
    signer.get_by_label("Password").fill(PASSWORD)
    signer.get_by_role("button", name="Sign eligibility").click()
    expect(signer.get_by_text("Eligibility is signed.")).to_be_visible()
    page.goto(address)
    page.get_by_role("link", name="Register subject").click()
    page.get_by_role("button", name="Register subject").click()
    expect(page.get_by_text("01-S001 is registered as 01-001.")).to_be_visible()


def whoever_was_screened(world: World) -> Subject:
    with reading(system_actor("verification"), world.at):
        return Subject.objects.select_related("site").get()
