"""The overview of a subject: what it shows, who may open it, and the line in the access log."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dosing.services.modifications import Order, modify_dose
from protocol.vocabulary import Analyte, DoseAction, Drug, Phase
from reporting import overview
from reporting.selectors.facts import facts_of
from safety.services import mark_adverse_event_in_error
from tests import world_dosing as treat
from tests import world_enrollment as enrol
from tests.world import World, log_in
from tests.world_followup import who
from tests.world_labs import record
from tests.world_safety import an_event, reported
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import AccessEntry, Role, Subject

READERS = (Role.COORDINATOR, Role.INVESTIGATOR, Role.DATA_MANAGER, Role.MONITOR, Role.STATISTICIAN)


def opened(client: Client, subject: Subject, query: str = "") -> str:
    answer = client.get(f"/subjects/{subject.key}/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def log(world: World) -> list[AccessEntry]:
    with reading(system_actor("verification"), world.at):
        return list(AccessEntry.objects.order_by("id"))


@pytest.mark.req("B14")
@pytest.mark.parametrize("role", READERS)
def test_opening_a_subject_is_logged(world: World, client: Client, role: Role) -> None:
    subject = treat.on_anakinra(world)
    opened(log_in(client, world.person(role)), subject)
    (entry,) = log(world)
    assert (entry.user_id, entry.role, entry.subject_id) == (world.person(role).user_id, role, subject.pk)
    assert entry.what == "Subject overview"
    assert entry.at == world.at


@pytest.mark.req("A5", "B14")
def test_another_sites_subject_is_not_found_and_nothing_is_logged(world: World, client: Client) -> None:
    foreign = treat.on_anakinra(world, "02")
    log_in(client, world.person(Role.COORDINATOR, "01"))
    hidden, absent = client.get(f"/subjects/{foreign.key}/"), client.get("/subjects/nosuchkey9/")
    assert hidden.status_code == absent.status_code == 404
    assert foreign.number not in hidden.content.decode()
    assert log(world) == []


def test_administrators_may_not_open_a_subject(world: World, client: Client) -> None:
    subject = treat.on_anakinra(world)
    assert log_in(client, world.admin).get(f"/subjects/{subject.key}/").status_code == 403
    assert log(world) == []


@pytest.mark.req("J6")
def test_browsers_do_not_keep_the_page_and_the_address_names_nobody(world: World, client: Client) -> None:
    subject = treat.on_anakinra(world)
    answer = log_in(client, world.person(Role.COORDINATOR)).get(f"/subjects/{subject.key}/")
    assert "no-store" in answer.headers["Cache-Control"]
    assert subject.number not in answer.wsgi_request.get_full_path()


@pytest.mark.req("E10")
def test_responses_show_their_rule_version_and_lead_to_their_reasons(world: World, client: Client) -> None:
    proposal = treat.at_month_6(world)
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    shown = opened(log_in(client, world.person(Role.MONITOR)), proposal.subject)
    assert "IMWG2016" in shown
    assert "Stable disease" in shown
    assert f"/subjects/{proposal.subject.key}/responses/m06/" in shown
    assert "Signed by" in shown


def test_the_chart_has_its_thresholds_and_its_values_as_a_table(world: World, client: Client) -> None:
    proposal = treat.at_month_6(world)
    shown = opened(log_in(client, world.person(Role.COORDINATOR)), proposal.subject)
    assert "baseline 3.8" in shown
    assert "MR −25% 2.85" in shown
    assert "PR −50% 1.9" in shown
    assert "PD from nadir" in shown
    assert "best −5.3% (Month 6)" in shown
    assert re.search(r">3\.6<", shown)


@pytest.mark.parametrize(("lowest", "level"), [("1.0", "1.5"), ("2.8", "3.5")])
def test_progression_begins_a_quarter_above_the_nadir_and_half_a_gram_at_least(
    world: World, client: Client, lowest: str, level: str
) -> None:
    subject = treat.on_anakinra(world)
    treat.month(world, subject, 1, lowest)
    shown = opened(log_in(client, world.person(Role.COORDINATOR)), subject)
    assert f"PD from nadir {level}<" in shown


def high_dose_from_month_3(world: World) -> Subject:
    """5.2 g/dL at the start of high dose, after 3.0 at baseline and 2.6 as the lowest."""
    subject = treat.on_anakinra(world, baseline="3.0")
    for number, value in ((1, "2.6"), (2, "5.0"), (3, "5.2")):
        treat.month(world, subject, number, value)
    proposal = treat.reevaluated(world, subject)
    assert proposal is not None
    treat.confirm_high_dose(world)
    treat.sign(world, proposal, Phase.HIGH_DEX)
    treat.month(world, subject, 5, "3.9")
    return subject


def test_under_high_dose_everything_is_measured_against_its_start(world: World, client: Client) -> None:
    subject = high_dose_from_month_3(world)
    shown = opened(log_in(client, world.person(Role.COORDINATOR)), subject)
    assert "best −25.0% (Month 5), against the start of high dose" in shown
    assert "at high dose 5.2" in shown
    with reading(system_actor("verification"), world.at):
        facts = facts_of([subject], world.at)[subject.pk]
    chart = overview.course_chart(facts)
    assert chart is not None
    (high,) = [row for row in chart.rows if "high-dose" in row[0]]
    assert Decimal(high[2]) - Decimal(high[1]) == pytest.approx(Decimal(6), abs=Decimal("0.1")), "six months from then"


@pytest.mark.parametrize(
    ("action", "mg", "words"),
    [
        (DoseAction.HOLD, None, "on hold since 1 Jul 2024 (planned 100 mg once daily)"),
        (DoseAction.STOP, None, "stopped since 1 Jul 2024 (planned 100 mg once daily)"),
        (DoseAction.REDUCE, Decimal(50), "50 mg SC once daily, reduced since 1 Jul 2024 (planned 100 mg once daily)"),
    ],
)
def test_treatment_now_says_what_is_ordered(
    world: World, client: Client, action: DoseAction, mg: Decimal | None, words: str
) -> None:
    subject = treat.at_month_6(world).subject
    order = Order(Drug.ANAKINRA, action, date(2024, 7, 1), "ANC 0.8", mg=mg)
    coordinator = world.person(Role.COORDINATOR)
    modify_dose(by=coordinator, at=world.at, token=uuid4(), subject_id=subject.pk, site_id=subject.site_id, order=order)
    assert words in opened(log_in(client, coordinator), subject)


def test_a_broken_signature_is_not_drawn_as_signed(world: World, client: Client) -> None:
    proposal = treat.at_month_6(world)
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    reader = log_in(client, world.person(Role.COORDINATOR))
    assert "SD, signed" in opened(reader, proposal.subject)
    record(world, proposal.subject, "m06", treat.MONTH[6], {Analyte.SERUM_M: "3.5"}, reason="Transcription error")
    assert "SD, signature broken" in opened(reader, proposal.subject)


@pytest.mark.parametrize(("marker", "words"), [("flc", "kappa"), ("pcli", "No result to draw yet"), ("odd", "M-spike")])
def test_the_marker_is_chosen_in_the_address(world: World, client: Client, marker: str, words: str) -> None:
    subject = treat.on_anakinra(world)
    shown = opened(log_in(client, world.person(Role.COORDINATOR)), subject, f"?marker={marker}")
    assert words.lower() in shown.lower()


BANDED = {"hs-crp": "high sensitivity", "flc": "kappa", "hb": "Haemoglobin"}


@pytest.mark.parametrize(("marker", "words"), BANDED.items())
def test_every_marker_is_chosen_on_the_page_and_drawn_with_its_reference_band(
    world: World, client: Client, marker: str, words: str
) -> None:
    subject = treat.on_anakinra(world)
    treat.month(world, subject, 1, "3.7")
    values = {Analyte.HS_CRP: "2.0", Analyte.FLC_KAPPA: "14.0", Analyte.HB: "12.5"}
    record(world, subject, "m01", treat.MONTH[1], values)
    reader = log_in(client, world.person(Role.COORDINATOR))
    choices = re.findall(r'href="[^"]*\?marker=([\w-]+)#trend"', opened(reader, subject))
    assert choices == ["m-spike", "pcli", "hs-crp", "flc", "hb"]
    shown = opened(reader, subject, f"?marker={marker}")
    panel = shown.partition('id="trend"')[2].partition("</section>")[0]
    assert words in panel
    assert 'class="rng"' in panel


def test_adverse_events_stand_below_the_course_and_lead_to_their_pages(world: World, client: Client) -> None:
    subject = treat.on_anakinra(world)
    world.at += timedelta(days=60)
    reported(world, subject, an_event("Headache", 1, "20 jan 2024", "22 jan 2024"))
    for day in range(1, 9):
        reported(world, subject, an_event("Injection site reaction", 2, f"{day} feb 2024"))
    wrong = reported(world, subject, an_event("Fever", 1, "1 mar 2024"))
    by = {**who(world, subject), "number": wrong.number}
    mark_adverse_event_in_error(**by, reason="Another subject")
    shown = opened(log_in(client, world.person(Role.MONITOR)), subject)
    assert "Adverse events on study" in shown
    assert '<th scope="row">Headache</th><td class="num">1</td><td class="num">0.2</td>' in shown
    assert f'<a href="/subjects/{subject.key}/adverse-events/9/">Injection site reaction, grade 2</a>' in shown
    assert "6 more in the log" in shown
    assert "Fever" not in shown


def test_before_treatment_the_page_says_so(world: World, client: Client) -> None:
    subject = enrol.screened(world)
    shown = opened(log_in(client, world.person(Role.COORDINATOR)), subject)
    assert "Treatment has not started." in shown
    assert "Enter screening labs" in shown


def test_the_button_is_the_next_step_of_who_can_take_it(world: World, client: Client) -> None:
    proposal = treat.at_month_6(world)
    treat.fill(world, proposal.subject, treat.DAY1, world.at.date())
    button = '<a class="btn btn-primary" href="'
    assert button in opened(log_in(client, world.person(Role.COORDINATOR)), proposal.subject)
    assert button not in opened(log_in(client, world.person(Role.MONITOR)), proposal.subject)


@pytest.mark.usefixtures("menu_without_number")
def test_the_number_of_queries_does_not_depend_on_the_course(world: World, client: Client) -> None:
    subject = treat.on_anakinra(world)
    log_in(client, world.person(Role.COORDINATOR))
    opened(client, subject)
    with CaptureQueriesContext(connection) as few:
        opened(client, subject)
    for number, value in ((1, "3.7"), (2, "3.6"), (3, "3.7"), (5, "3.6"), (6, "3.5")):
        treat.month(world, subject, number, value)
    with CaptureQueriesContext(connection) as many:
        opened(client, subject)
    assert len(many) <= len(few) + 1


def test_every_page_of_a_subject_has_the_bar_and_the_tabs(world: World, client: Client) -> None:
    subject = treat.on_anakinra(world)
    shown = opened(log_in(client, world.person(Role.COORDINATOR)), subject)
    assert "day 1</small>" in shown
    for tab in ("Overview", "Visits", "Labs", "Response and arm", "Dosing", "Follow-up", "Queries", "Audit trail"):
        assert f">{tab}" in shown, tab
