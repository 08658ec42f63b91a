"""Pages of the room: every role, the foreign site, saving without scripting, refusals beside their fields."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labs.models import DiseaseAssessment, LabResult
from labs.selectors.visits import requires_bedside
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte
from tests.world import World, log_in
from tests.world_labs import laboratory, limits, record
from trialsite.context import reading
from trialsite.models import AuditEvent, Query, Role, Subject, Visit

MONTH1 = date(2024, 4, 4)
READERS = (Role.COORDINATOR, Role.INVESTIGATOR, Role.DATA_MANAGER, Role.MONITOR, Role.STATISTICIAN)


def addresses(subject: Subject, code: str = "m01") -> dict[str, str]:
    return {
        "subject_visits": reverse("subject_visits", args=[subject.key]),
        "visit": reverse("visit", args=[subject.key, code]),
        "visit_labs": reverse("visit_labs", args=[subject.key, code]),
        "visit_disease": reverse("visit_disease", args=[subject.key, code]),
        "subject_labs": reverse("subject_labs", args=[subject.key]),
    }


#: Pages, and the words of the button that only those who enter data see.
BUTTONS = {
    "subject_visits": b"Add visit",
    "visit": b"Save visit",
    "visit_labs": b"Save results",
    "visit_disease": b"Save disease assessment",
}
NAMES = (*BUTTONS, "subject_labs")


def form_data(html: str) -> dict[str, str]:
    """Hidden fields of the page, as a browser would send them."""
    found = {}
    for tag in re.findall(r"<input type=\"hidden\"[^>]*>", html):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and value and name[1] != "csrfmiddlewaretoken":
            found[name[1]] = value[1]
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("role", READERS)
def test_each_role_reads(world: World, subject: Subject, client: Client, role: Role, name: str) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.SERUM_M: "2.9", Analyte.HB: "26"})
    log_in(client, world.person(role))
    page = client.get(addresses(subject)[name])
    assert page.status_code == 200
    if name in BUTTONS:
        assert (BUTTONS[name] in page.content) == (role in (Role.COORDINATOR, Role.INVESTIGATOR))


@pytest.mark.parametrize("name", NAMES)
def test_another_site_does_not_exist(world: World, subject: Subject, client: Client, name: str) -> None:
    log_in(client, world.person(Role.COORDINATOR, "02"))
    assert client.get(addresses(subject)[name]).status_code == 404


@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_sent_to_log_in(subject: Subject, client: Client, name: str) -> None:
    page = client.get(addresses(subject)[name])
    assert (page.status_code, "sign-in" in page["Location"]) == (302, True)


def test_an_administrator_sees_no_clinical_data(world: World, subject: Subject, client: Client) -> None:
    log_in(client, world.admin)
    assert client.get(addresses(subject)["visit_labs"]).status_code == 403


def opened(client: Client, url: str) -> dict[str, str]:
    return form_data(client.get(url).content.decode())


def sent_twice(client: Client, url: str, sent: dict[str, str]) -> bytes:
    """What follows, if anything does, is shown first; sent again from that page, it is done."""
    shown = client.post(url, sent, follow=True)
    if shown.status_code == 200:
        return bytes(shown.content)
    assert "From that follows:" in shown.content.decode()
    mark = form_data(shown.content.decode())["foreseen"]
    return bytes(client.post(url, {**sent, "foreseen": mark}, follow=True).content)


@pytest.fixture
def coordinator(world: World, client: Client) -> Client:
    return log_in(client, world.person(Role.COORDINATOR))


@pytest.mark.req("D3", "B6")
def test_the_grid_is_saved_as_a_browser_without_scripting_sends_it(
    subject: Subject, coordinator: Client, world: World
) -> None:
    url = addresses(subject)["visit_labs"]
    sent = {**opened(coordinator, url), "collected_on": "4 apr 24", "serum_m": "2.9", "hb": "118", "hb-unit": "g/L"}
    answer = coordinator.post(url, {**sent, "plt": "nd clotted", "action": "save"}, follow=True)
    assert answer.redirect_chain[0][1] == 302
    assert b"Results saved: 3 recorded." in answer.content
    with reading(world.person(Role.DATA_MANAGER), world.at):
        stored = {one.analyte: one for one in LabResult.objects.filter(subject=subject)}
    assert (stored["hb"].typed, str(stored["hb"].value.normalize())) == ("118", "11.8")
    assert (stored["plt"].missing, stored["plt"].missing_reason) == ("ND", "clotted")


@pytest.mark.req("D13")
def test_the_same_page_sent_twice_stores_once(subject: Subject, coordinator: Client, world: World) -> None:
    url = addresses(subject)["visit_labs"]
    sent = {**opened(coordinator, url), "collected_on": "2024-04-04", "serum_m": "2.9", "action": "save"}
    coordinator.post(url, sent)
    again = coordinator.post(url, sent, follow=True)
    assert b"saved already" in again.content
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert LabResult.objects.count() == 1


@pytest.mark.req("D3")
def test_a_problem_stands_beside_its_field_and_nothing_typed_is_lost(subject: Subject, coordinator: Client) -> None:
    url = addresses(subject)["visit_labs"]
    sent = {**opened(coordinator, url), "collected_on": "4 apr 2024", "serum_m": "two", "hb": "11.8", "action": "save"}
    answer = coordinator.post(url, sent)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "<title>Error:" in html
    assert 'href="#v_serum_m"' in html
    assert 'name="serum_m" value="two"' in html
    assert 'name="hb" value="11.8"' in html


@pytest.mark.parametrize(("typed", "words"), [("4 apr 2099", "in the future"), ("soon", "Enter a date"), ("", "Enter")])
def test_a_date_that_cannot_be_is_refused(subject: Subject, coordinator: Client, typed: str, words: str) -> None:
    url = addresses(subject)["visit_labs"]
    answer = coordinator.post(url, {**opened(coordinator, url), "collected_on": typed, "hb": "11.8", "action": "save"})
    assert answer.status_code == 422
    assert words in answer.content.decode()


@pytest.mark.req("E10")
def test_checking_stores_nothing_and_shows_what_saving_would_lead_to(
    subject: Subject, coordinator: Client, world: World
) -> None:
    record(world, subject, "bl", date(2024, 3, 1), {Analyte.SERUM_M: "3.0"})
    url = addresses(subject)["visit_labs"]
    sent = {**opened(coordinator, url), "collected_on": "4 apr 2024", "serum_m": "2.0", "hb": "26", "action": "check"}
    html = coordinator.post(url, sent).content.decode()
    for words in (
        "Nothing is saved yet",
        "Minimal response",
        "−33.3%",
        "3 → 2 g/dL",
        "IMWG 2016",
        "is what the report says",
    ):
        assert words in html
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert not Visit.objects.filter(code="m01").exists()


@pytest.mark.req("B6")
def test_a_correction_asks_for_its_reason_and_shows_the_old_value(
    subject: Subject, coordinator: Client, world: World
) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.HB: "11.8"})
    url = addresses(subject)["visit_labs"]
    sent = {**opened(coordinator, url), "collected_on": "4 apr 2024", "hb": "12.8", "action": "save"}
    asked = coordinator.post(url, sent)
    assert asked.status_code == 422
    assert "Haemoglobin: 11.8 to 12.8" in asked.content.decode()
    done = coordinator.post(url, {**sent, "change_reason": "Transcription error"}, follow=True)
    assert b"1 corrected" in done.content
    history = coordinator.get(addresses(subject)["subject_labs"]).content.decode()
    assert "<s>11.8 g/dL</s>" in history
    assert "Reason: Transcription error." in history


@pytest.mark.req("D12")
def test_a_conflict_shows_both_values_and_is_settled_by_choosing(
    subject: Subject, coordinator: Client, world: World
) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.HB: "11.8", Analyte.WBC: "5.2"})
    url = addresses(subject)["visit_labs"]
    stale = {**opened(coordinator, url), "collected_on": "4 apr 2024", "wbc": "5.2", "action": "save"}
    record(world, subject, "m01", MONTH1, {Analyte.HB: "12.8"}, reason="Misread")
    mine = {**stale, "hb": "13.8", "change_reason": "Transcription error"}
    answer = coordinator.post(url, mine)
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "12.8 g/dL" in html
    assert 'name="hb" value="13.8"' in html
    settled = coordinator.post(url, {**mine, **form_data(html), "keep-hb": "yours"}, follow=True)
    assert b"1 corrected" in settled.content


@pytest.mark.req("D3")
def test_a_stored_question_is_answered_by_its_tick(subject: Subject, coordinator: Client, world: World) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.HB: "26"})
    url = addresses(subject)["visit_labs"]
    assert b'name="hb-ok"' in coordinator.get(url).content
    sent = {**opened(coordinator, url), "collected_on": "4 apr 2024", "hb": "26", "hb-ok": "1", "action": "save"}
    coordinator.post(url, sent)
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert Query.objects.get().state == "closed"


@pytest.mark.parametrize(("tick", "state"), [({}, "open"), ({"ordinary_care": "on"}, "closed")])
def test_what_was_drawn_before_consent_is_stated_as_ordinary_care_with_a_tick(
    subject: Subject, coordinator: Client, world: World, tick: dict[str, str], state: str
) -> None:
    url = addresses(subject, "scr")["visit_labs"]
    assert "as ordinary care" not in coordinator.get(addresses(subject)["visit_labs"]).content.decode()
    before = subject.screened_on - timedelta(days=2)
    sent = {**opened(coordinator, url), "collected_on": before.isoformat(), "hb": "11", "action": "save", **tick}
    assert "as ordinary care" in coordinator.get(url).content.decode()
    assert coordinator.post(url, sent).status_code == 302
    with reading(world.person(Role.DATA_MANAGER), world.at):
        asked = Query.objects.get(subject=subject, check_code="before_consent")
        last = asked.messages.latest("id")
    assert asked.state == state
    assert (last.action == "confirmed") is bool(tick)


def test_a_monitor_cannot_post_results(subject: Subject, client: Client, world: World) -> None:
    log_in(client, world.person(Role.MONITOR))
    for name in ("visit_labs", "visit_disease"):
        assert client.post(addresses(subject)[name], {"collected_on": "4 apr 2024", "hb": "11"}).status_code == 403


def test_an_unscheduled_visit_is_added_once_and_opens_its_grid(
    subject: Subject, coordinator: Client, world: World
) -> None:
    url = addresses(subject)["subject_visits"]
    sent = {**opened(coordinator, url), "occurred_on": "20 apr 2024", "reason": "Confirm the response"}
    first, second = coordinator.post(url, sent), coordinator.post(url, sent)
    assert first["Location"] == second["Location"] == addresses(subject, "uns1")["visit_labs"]
    assert coordinator.get(first["Location"]).status_code == 200
    assert coordinator.get(addresses(subject, "uns2")["visit_labs"]).status_code == 404
    assert coordinator.post(url, {**opened(coordinator, url), "occurred_on": "20 apr 2024"}).status_code == 422


def test_a_visit_is_stated_not_done_and_entered_after_all(subject: Subject, coordinator: Client, world: World) -> None:
    url = addresses(subject)["visit"]
    assert coordinator.post(url, {"action": "not_done"}).status_code == 422
    assert (
        b"stated not done"
        in coordinator.post(url, {"action": "not_done", "not_done-reason": "Subject travelled"}, follow=True).content
    )
    labs = addresses(subject)["visit_labs"]
    refused = coordinator.post(
        labs, {**opened(coordinator, labs), "collected_on": "4 apr 2024", "hb": "11", "action": "save"}
    )
    assert refused.status_code == 422
    facts = {"action": "facts", "occurred_on": "4 apr 2024", "ecog": "0", "weight_kg": "71.5"}
    assert coordinator.post(url, facts).status_code == 422
    coordinator.post(url, {**facts, "change_reason": "Other", "change_words": "She came late"})
    with reading(world.person(Role.DATA_MANAGER), world.at):
        visit = Visit.objects.get(code="m01")
    assert (visit.status, visit.occurred_on, visit.ecog) == ("entered", MONTH1, 0)


BEDSIDE = {
    "action": "facts", "occurred_on": "4 apr 2024", "ecog": "0", "weight_kg": "71.5", "temperature_c": "36.8",
    "pulse": "72", "systolic": "128", "diastolic": "76",
}  # fmt: skip


@pytest.mark.req("B5")
def test_vital_signs_are_recorded_and_corrected_with_a_reason(
    subject: Subject, coordinator: Client, world: World
) -> None:
    url = addresses(subject)["visit"]
    page = coordinator.post(url, BEDSIDE, follow=True).content.decode()
    assert re.search(r"Vital signs and ECOG</a><small>Complete<", page)
    assert coordinator.post(url, {**BEDSIDE, "pulse": "74"}).status_code == 422
    coordinator.post(url, {**BEDSIDE, "pulse": "74", "change_reason": "Transcription error"})
    with reading(world.person(Role.DATA_MANAGER), world.at):
        visit = Visit.objects.get(code="m01")
        event = AuditEvent.objects.filter(table="trialsite_visit", op="UPDATE").latest("id")
    assert (visit.temperature_c, visit.pulse, visit.systolic, visit.diastolic) == (Decimal("36.8"), 74, 128, 76)
    assert (event.old["pulse"], event.new["pulse"], event.reason) == (72, 74, "Transcription error")


def test_vital_signs_that_were_not_done_say_why_and_are_complete(
    subject: Subject, coordinator: Client, world: World
) -> None:
    url = addresses(subject)["visit"]
    empty = {**BEDSIDE, "temperature_c": "", "pulse": ""}
    assert "4 of 6 entered" in coordinator.post(url, empty, follow=True).content.decode()
    refused = coordinator.post(url, {**empty, "not_done": "Other"})
    assert "Say in your own words why it was not done." in refused.content.decode()
    page = coordinator.post(url, {**empty, "not_done": "Declined"}, follow=True).content.decode()
    assert "Complete, 2 not done: Declined" in page
    assert re.search(r'value="Declined" selected', page)


@pytest.mark.req("D3")
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"temperature_c": "96"}, "Temperature is between 30 and 45 °C."),
        ({"pulse": "720"}, "Pulse is between 20 and 250 per minute."),
        ({"systolic": "12"}, "Systolic pressure is between 50 and 300 mmHg."),
        ({"diastolic": ""}, "Enter both pressures, or neither."),
        ({"systolic": "70"}, "Diastolic pressure is lower than systolic."),
        ({"pulse": "x"}, "Enter a whole number."),
        ({"temperature_c": "98,6"}, "Enter a number such as 36.8."),
    ],
)
def test_impossible_vital_signs_are_refused_beside_their_box(
    subject: Subject, coordinator: Client, wrong: dict[str, str], words: str
) -> None:
    response = coordinator.post(addresses(subject)["visit"], BEDSIDE | wrong)
    assert response.status_code == 422
    assert words in response.content.decode()


def test_the_page_leads_to_adverse_events_and_medications(subject: Subject, coordinator: Client) -> None:
    events, medications = (
        reverse(name, args=[subject.key]) for name in ("subject_adverse_events", "subject_medications")
    )
    page = coordinator.get(addresses(subject)["visit"]).content.decode()
    asked = f'<a href="{events}">adverse events</a> and <a href="{medications}">medications</a>'
    assert asked in page
    assert asked not in coordinator.get(addresses(subject, "scr")["visit"]).content.decode()


def test_an_unscheduled_visit_asks_for_no_vital_signs() -> None:
    assert requires_bedside("m01", TRIAL)
    assert requires_bedside("fu06", TRIAL)
    assert not requires_bedside("uns1", TRIAL)


def test_a_panel_and_a_visit_are_marked_as_entered_in_error(
    subject: Subject, coordinator: Client, world: World
) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.HB: "11.8", Analyte.SERUM_M: "2.9"})
    url = addresses(subject)["visit"]
    html = coordinator.get(url).content.decode()
    specimen = re.search(r'name="specimen" value="(\d+)"', html)[1]
    sent = {"action": "panel_in_error", "specimen": specimen, "in_error-reason": "Wrong subject"}
    assert b"stand no more" in sent_twice(coordinator, url, sent)
    sent_twice(coordinator, url, {"action": "in_error", "in_error-reason": "Wrong subject"})
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert LabResult.objects.filter(superseded_at=None).count() == 0
        assert Visit.objects.get(code="m01").status == "in_error"
    assert b"Wrong subject" in coordinator.get(addresses(subject)["subject_labs"]).content


@pytest.mark.req("D12", "B6")
def test_the_disease_assessment_is_entered_corrected_and_guarded(
    subject: Subject, coordinator: Client, world: World
) -> None:
    url = addresses(subject)["visit_disease"]
    sent = {**opened(coordinator, url), "immunofixation_on": "4 apr 2024", "serum_ife": "NEGATIVE"}
    assert coordinator.post(url, {**sent, "bm_pc": "4"}).status_code == 422
    assert coordinator.post(url, sent).status_code == 302
    stale = coordinator.post(url, {**sent, "token": "5f0b8fd1-5b0c-4b83-9f0f-0d3e6a3a3a55", "serum_ife": "POSITIVE"})
    assert stale.status_code == 409
    fresh = {**sent, **opened(coordinator, url), "serum_ife": "POSITIVE"}
    assert coordinator.post(url, fresh).status_code == 422
    assert coordinator.post(url, {**fresh, "change_reason": "Transcription error"}).status_code == 302
    with reading(world.person(Role.DATA_MANAGER), world.at):
        versions = list(DiseaseAssessment.objects.order_by("version").values_list("serum_ife", "superseded_at"))
    assert [one for one, _ in versions] == ["NEGATIVE", "POSITIVE"]
    assert versions[1][1] is None
    gone = sent_twice(coordinator, url, {"action": "in_error", "in_error-reason": "Wrong subject"})
    assert b"Marked as entered in error." in gone
    assert b"entered in error" in coordinator.get(url).content


@pytest.mark.parametrize("name", NAMES)
def test_the_number_of_queries_does_not_grow_with_the_data(
    subject: Subject, client: Client, world: World, name: str, django_assert_max_num_queries: Any
) -> None:
    log_in(client, world.person(Role.DATA_MANAGER))
    record(world, subject, "bl", date(2024, 3, 1), {Analyte.SERUM_M: "3.0"})
    record(world, subject, "m01", MONTH1, {Analyte.SERUM_M: "2.9"})
    with CaptureQueriesContext(connection) as few:
        client.get(addresses(subject)[name])
    for month in range(2, 6):
        typed = {Analyte.SERUM_M: "2.9", Analyte.HB: "12", Analyte.WBC: "5", Analyte.IGG: "3000"}
        record(world, subject, f"m0{month}", date(2024, 3 + month, 4), typed)
    with django_assert_max_num_queries(len(few)):
        client.get(addresses(subject)[name])


@pytest.mark.parametrize("role", list(Role))
def test_laboratories_are_kept_by_admins_and_data_managers(world: World, client: Client, role: Role) -> None:
    log_in(client, world.person(role))
    may = role in (Role.ADMIN, Role.DATA_MANAGER)
    assert client.get(reverse("laboratories")).status_code == (200 if may else 403)
    sent = {"site": world.sites["01"].pk, "name": "Central laboratory", "is_central": "on"}
    answer = client.post(reverse("laboratories"), sent, follow=True)
    assert answer.status_code == (200 if may else 403)
    if not may:
        return
    url = answer.redirect_chain[-1][0]
    assert client.post(reverse("laboratories"), sent).status_code == 422
    limits = {"analyte": "hb", "age_from": "18", "age_to": "120", "low": "120", "high": "155", "unit": "g/L"}
    assert b"12 to 15.5 added" in client.post(url, {**limits, "valid_from": "1 jan 2020"}, follow=True).content
    assert b"begins later" in client.post(url, {**limits, "valid_from": "1 jan 2019"}).content
    assert b"below the lower" in client.post(url, {**limits, "high": "1", "valid_from": "1 jan 2024"}).content
    assert b"not a unit" in client.post(url, {**limits, "unit": "mg/L", "valid_from": "1 jan 2024"}).content
    assert b"typical range" in client.post(url, {"action": "adopt"}, follow=True).content


@pytest.mark.req("D4", "D14")
def test_a_row_says_that_the_nadir_was_measured_by_another_laboratory_or_method(
    world: World, subject: Subject, coordinator: Client
) -> None:
    central, local = laboratory(world), laboratory(world, name="Hospital laboratory", central=False)
    record(world, subject, "bl", date(2024, 3, 1), {Analyte.SERUM_M: "3.0", Analyte.HB: "12"}, lab=central)
    url = addresses(subject)["visit_labs"]
    sent = {**opened(coordinator, url), "collected_on": "4 apr 2024", "serum_m": "4.0", "hb": "12", "action": "check"}
    same = coordinator.post(url, {**sent, "laboratory": str(central.pk)}).content.decode()
    assert "was measured by" not in same
    other = coordinator.post(url, {**sent, "laboratory": str(local.pk)}).content.decode()
    words = "The lowest result so far, 3 g/dL of 1 Mar 2024, was measured by Central laboratory; this one by Hospital"
    assert other.count("was measured by") == 1
    assert words in other
    assert "the proposal waits for a pair of samples measured the same way" in other


@pytest.mark.req("D2")
def test_a_result_is_shown_with_the_limits_of_the_laboratory_that_measured_it_or_with_none(
    world: World, subject: Subject, coordinator: Client
) -> None:
    central, local = laboratory(world), laboratory(world, name="Hospital laboratory", central=False)
    limits(world, central, Analyte.HB, "11", "17")
    for code, on, measured_by in (("m01", date(2024, 4, 4), central), ("m02", date(2024, 5, 4), local)):
        record(world, subject, code, on, {Analyte.SERUM_M: "2.9"}, lab=central)
        record(world, subject, code, on, {Analyte.HB: "11.8"}, lab=measured_by)

    def shown(code: str) -> str:
        html = coordinator.get(addresses(subject, code)["visit_labs"]).content.decode()
        return str(re.findall(r'name="hb".*?class="ref opt">([^<]*)<', html, re.DOTALL)[0])

    assert shown("m01") == "11 to 17"
    assert shown("m02").startswith("("), "what is usual, in brackets"


@pytest.mark.req("B5", "B7")
def test_a_visit_stated_not_done_by_mistake_is_due_again_with_one_action(
    world: World, subject: Subject, coordinator: Client
) -> None:
    url = addresses(subject)["visit"]
    coordinator.post(url, {"action": "not_done", "not_done-reason": "Subject travelled"})
    refused = coordinator.post(url, {"action": "due_again"})
    assert (refused.status_code, b"Say why." in refused.content) == (422, True)
    done = coordinator.post(url, {"action": "due_again", "in_error-reason": "It was month 2"}, follow=True)
    assert "Month 1 is asked for again." in done.content.decode()
    assert b"If it did not take place" in done.content
    with reading(world.person(Role.DATA_MANAGER), world.at):
        kept = Visit.objects.get(subject=subject, code="m01")
    assert (kept.status, kept.reason) == ("in_error", "Subject travelled. Stated not done by mistake: It was month 2")
    again = coordinator.post(url, {"action": "due_again", "in_error-reason": "Once more"})
    assert b"This visit is not stated not done." in again.content


@pytest.mark.req("D6", "D14", "B7")
def test_figures_that_can_be_two_days_are_asked_about_with_two_buttons(
    world: World, subject: Subject, coordinator: Client
) -> None:
    """Without scripting: the button sends the form again, and its day comes after the box's own words."""
    url = addresses(subject)["visit_labs"]
    sent = {**opened(coordinator, url), "hb": "11.8", "action": "check"}
    asked = coordinator.post(url, {**sent, "collected_on": "4/5/2024"})
    html = asked.content.decode()
    assert (asked.status_code, "Did you mean 4 May 2024 or 5 Apr 2024?" in html) == (422, True)
    for day in ("4 May 2024", "5 Apr 2024"):
        assert f'name="collected_on" value="{day}" data-means="id_collected_on">{day}</button>' in html
    assert '<input type="hidden" name="action" value="check">' in html
    answered = coordinator.post(url, {**sent, "collected_on": ["4/5/2024", "5 Apr 2024"]})
    assert "Checked. Nothing is saved yet." in answered.content.decode()
    assert 'name="collected_on" value="5 Apr 2024"' in answered.content.decode()


@pytest.mark.req("D14")
def test_a_date_box_knows_the_first_day_and_the_window(subject: Subject, coordinator: Client) -> None:
    for name in ("visit", "visit_labs"):
        html = coordinator.get(addresses(subject)[name]).content.decode()
        assert 'data-day1="2024-03-04"' in html
        assert 'data-opens="2024-03-28" data-closes="2024-04-11"' in html


@pytest.mark.req("E10")
def test_calculated_values_show_formula_figures_and_rule(world: World, subject: Subject, coordinator: Client) -> None:
    visit = addresses(subject)["visit"]
    coordinator.post(
        visit, {"action": "facts", "occurred_on": "4 Apr 2024", "weight_kg": "71.5", "not_done": "Declined"}
    )
    url = addresses(subject)["visit_labs"]
    sent = {**opened(coordinator, url), "collected_on": "4 apr 2024", "action": "check"}
    figures = {"creatinine": "97.24", "creatinine-unit": "umol/L", "flc_kappa": "48.2", "flc_lambda": "9.1"}
    html = coordinator.post(url, {**sent, **figures}).content.decode()
    assert "48.2 ÷ 9.1 = 5.30" in html
    assert f"(140 − {2024 - subject.birth_year}) × 71.5 ÷ (72 × 1.1)" in html
    assert "Cockcroft-Gault, with the age of the year of birth (one year too high at most)" in html
    assert "Protocol version" in html
