"""Follow-up, queries, the audit trail and mail in a real browser on the real server, at both sizes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from followup.services import Contact, sweep_reminders
from labs.models import LabResult
from protocol.vocabulary import Analyte
from safety.services import Medication, record_medication
from tests.fixtures.browser import Tab
from tests.fixtures.processes import LiveApp
from tests.world import PASSWORD, World, new_world
from tests.world_followup import Outcome, contact, followed_subject, reached, who
from tests.world_labs import morning, record, treated_subject
from trialsite import clock, mail
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role, Subject, User
from trialsite.partial_dates import on_day
from trialsite.services import queries
from trialsite.services.queries import Anchor

START = morning(date(2023, 1, 2))
LAST_DOSE = date(2024, 3, 10)


@pytest.fixture
def world(live_app: LiveApp) -> World:
    return new_world(START)


def stand_at(world: World, on: date) -> None:
    """Web and test share the world's time."""
    world.at = morning(on)
    clock.set_offset(world.at - datetime.now(UTC))


def sign_in(tab: Tab, world: World, role: Role) -> Page:
    with reading(system_actor("verification"), world.at):
        username = User.objects.get(pk=world.person(role).user_id).username
    tab.page.goto("/accounts/sign-in/")
    tab.page.get_by_label("User name").fill(username)
    tab.page.get_by_label("Password").fill(PASSWORD)
    tab.page.get_by_role("button", name="Sign in").click()
    tab.page.wait_for_load_state()
    return tab.page


def in_follow_up(world: World) -> Subject:
    """One contact made, one overdue after a failed attempt, one whose window is open, reminders for all."""
    subject = followed_subject(world, last_dose_on=LAST_DOSE)
    for on in (date(2024, 8, 11), date(2024, 9, 3)):
        sweep_reminders(morning(on))
    contact(world, subject, reached("fu06", date(2024, 9, 12)))
    for on in (date(2025, 2, 8), date(2025, 3, 12), date(2025, 4, 10)):
        sweep_reminders(morning(on))
    contact(world, subject, Contact("fu12", date(2025, 3, 11), Outcome.NOT_REACHED, comment="No answer"))
    sweep_reminders(morning(date(2025, 8, 12)))
    mail.send_waiting(world.at)
    stand_at(world, date(2025, 9, 4))
    return subject


def with_a_query(world: World) -> tuple[Subject, int, int]:
    """A corrected result and a question about it: subject, number of the query, number of the result."""
    subject = treated_subject(world, day1=date(2025, 6, 2))
    record(world, subject, "bl", date(2025, 6, 2), {Analyte.SERUM_M: "2.9"})
    record(world, subject, "bl", date(2025, 6, 2), {Analyte.SERUM_M: "2.7"}, reason="Transcription error")
    with reading(system_actor("verification"), world.at):
        result = LabResult.objects.get(subject=subject, superseded_at=None)
    manager = world.person(Role.DATA_MANAGER)
    anchor = Anchor("lab_result", result.pk, "serum_m", "bl")
    text = "The report of 2 Jun says 2.9 g/dL. Which value is right?"
    asked = queries.ask(by=manager, at=world.at, token=uuid4(), subject=subject, anchor=anchor, text=text)
    given = who(world, subject)
    for medication in (
        Medication("Ibuprofen 400 mg", "Back pain", on_day(date(2025, 5, 2)), on_day(date(2025, 5, 9))),
        Medication("Thalidomide", "Myeloma", on_day(date(2025, 6, 2)), is_anti_myeloma=True),
    ):
        record_medication(**given, token=uuid4(), medication=medication)
    return subject, asked.pk, result.pk


@pytest.mark.long
@pytest.mark.worker
@pytest.mark.req("D14")
def test_every_page_looks_right(
    world: World, live_app: LiveApp, open_tab: Callable[..., Tab], sound: Callable[[Tab, str], None]
) -> None:
    """In states of their own; as they are found by their address alone they are in test_every_page.py."""
    followed = in_follow_up(world)
    treated, asked, result = with_a_query(world)
    stand_at(world, date(2025, 9, 4))
    pages = {
        Role.COORDINATOR: {
            "follow-up": f"/subjects/{followed.key}/follow-up/",
            "follow-up-done": f"/subjects/{followed.key}/follow-up/?visit=fu06",
            "departure": f"/subjects/{treated.key}/departure/",
            "medications": f"/subjects/{treated.key}/medications/",
            "query": f"/queries/{asked}/",
        },
        Role.INVESTIGATOR: {
            "end-of-treatment": f"/subjects/{treated.key}/off-study/",
            "treatment-ended": f"/subjects/{followed.key}/off-study/",
        },
        Role.DATA_MANAGER: {"audit-record": f"/audit/?record=lab_result:{result}"},
    }
    for role, addresses in pages.items():
        tab = open_tab(base_url=live_app.url)
        page = sign_in(tab, world, role)
        for name, address in addresses.items():
            page.goto(address)
            sound(tab, name)


@pytest.mark.worker
@pytest.mark.req("E8")
@pytest.mark.parametrize("scripting", [True, False], ids=["with scripting", "without"])
def test_a_contact_is_recorded_in_one_page(
    world: World, live_app: LiveApp, open_tab: Callable[..., Tab], scripting: object
) -> None:
    subject = in_follow_up(world)
    page = sign_in(open_tab(scripting=bool(scripting), base_url=live_app.url), world, Role.COORDINATOR)
    page.goto(f"/subjects/{subject.key}/follow-up/")
    expect(page.get_by_role("heading", name="Follow-up month 12", exact=True)).to_be_visible()
    page.get_by_label("Date of the contact or attempt").fill("3sep")
    page.get_by_label("Reached", exact=True).check()
    for legend in ("Alive", "Myeloma progressed"):
        answer = "Yes" if legend == "Alive" else "No"
        page.get_by_role("group", name=legend).get_by_label(answer, exact=True).check(force=True)
    page.get_by_role("button", name="Record contact").click()
    expect(page.get_by_text("The contact was recorded.")).to_be_visible()
    expect(page.get_by_text("2 of 10 contacts done")).to_be_visible()


@pytest.mark.worker
@pytest.mark.req("C1")
def test_treatment_ends_by_signature_without_scripting(
    world: World, live_app: LiveApp, open_tab: Callable[..., Tab]
) -> None:
    subject = treated_subject(world, day1=date(2024, 3, 4))
    stand_at(world, date(2024, 5, 20))
    page = sign_in(open_tab(scripting=False, base_url=live_app.url), world, Role.INVESTIGATOR)
    page.goto(f"/subjects/{subject.key}/off-study/")
    page.get_by_role("textbox", name="Last dose").fill("19 May 2024")
    page.get_by_role("combobox", name="Reason").select_option("TOXICITY")
    page.get_by_label("User name").fill("investigator-01")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign end of treatment").click()
    expect(page.get_by_text("Treatment ended with the last dose on 19 May 2024.")).to_be_visible()
    expect(page.get_by_text("0 of 10 contacts done")).to_be_visible()


@pytest.mark.worker
@pytest.mark.req("D8")
def test_a_query_is_answered_with_one_press(world: World, live_app: LiveApp, open_tab: Callable[..., Tab]) -> None:
    _, asked, _ = with_a_query(world)
    clock.set_offset(world.at + timedelta(days=1) - datetime.now(UTC))
    page = sign_in(open_tab(base_url=live_app.url), world, Role.COORDINATOR)
    page.goto(f"/queries/{asked}/")
    page.get_by_role("button", name="Correct as entered").click()
    expect(page.get_by_text(f"Query {asked} was answered.")).to_be_visible()
