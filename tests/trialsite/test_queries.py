"""Queries: their life, who may do what, and the pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from labs.models import LabResult
from labs.services import VisitFacts, record_visit
from protocol.vocabulary import Analyte
from tests.world import World, log_in
from tests.world_followup import world_in_sight
from tests.world_labs import record, treated_subject
from trialsite.models import Query, Role, Subject
from trialsite.query_selectors import age_on, field_words, next_for, on_page, page_of
from trialsite.records import KINDS
from trialsite.services import queries
from trialsite.services.queries import Anchor, QueryRefused
from trialsite.services.subjects import Refused

DAY1 = date(2024, 3, 4)
SITE_STAFF = (Role.COORDINATOR, Role.INVESTIGATOR)
OVERSIGHT = (Role.DATA_MANAGER, Role.MONITOR)


@pytest.fixture
def world(db: None) -> Iterator[World]:
    with world_in_sight() as world:
        yield world


@pytest.fixture
def subject(world: World) -> Subject:
    treated = treated_subject(world, day1=DAY1)
    record(world, treated, "bl", DAY1, {Analyte.SERUM_M: "2.9"})
    return treated


@pytest.fixture
def result(subject: Subject) -> LabResult:
    return LabResult.objects.get(subject=subject, analyte=Analyte.SERUM_M)


@pytest.fixture
def asked(world: World, subject: Subject, result: LabResult) -> Query:
    return ask(world, subject, result)


def ask(world: World, subject: Subject, result: LabResult, text: str = "Is this g/L?") -> Query:
    manager = world.person(Role.DATA_MANAGER)
    anchor = Anchor("lab_result", result.pk, "serum_m", "bl")
    return queries.ask(by=manager, at=world.at, token=uuid4(), subject=subject, anchor=anchor, text=text)


def page(client: Client, world: World, role: Role, address: str, site: str = "01") -> str:
    response = log_in(client, world.person(role, site)).get(address)
    assert response.status_code == 200
    return str(response.content.decode())


# -- the life of a query


@pytest.mark.req("D8")
def test_a_query_is_asked_answered_reopened_answered_and_closed(world: World, asked: Query) -> None:
    coordinator, monitor = world.person(Role.COORDINATOR), world.person(Role.MONITOR)
    about = {"query_id": asked.pk, "site_id": asked.site_id}
    queries.answer(by=coordinator, at=world.at, text="Correct as entered.", **about)
    queries.reopen(by=monitor, at=world.at, text="Send the report.", **about)
    queries.answer(by=coordinator, at=world.at, text="Sent.", **about)
    queries.close(by=monitor, at=world.at, text="Closed.", **about)
    asked.refresh_from_db()
    assert (asked.state, asked.closed_at) == ("closed", world.at)
    actions = ["opened", "answered", "reopened", "answered", "closed"]
    assert [message.action for message in asked.messages.all()] == actions
    queries.reopen(by=monitor, at=world.at, text="Once more.", **about)
    asked.refresh_from_db()
    assert (asked.state, asked.closed_at) == ("open", None)


@pytest.mark.req("D8")
def test_a_query_grows_older_until_it_is_closed_in_days_of_the_site(world: World, asked: Query) -> None:
    zone, about = asked.site.time_zone, {"query_id": asked.pk, "site_id": asked.site_id}
    world.later(3)
    assert age_on(asked, zone, world.at) == 3
    closed = queries.close(by=world.person(Role.MONITOR), at=world.at, text="Closed.", **about)
    assert age_on(closed, zone, world.later(7)) == 3
    midnight = asked.opened_at.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0) + timedelta(days=1)
    assert [age_on(asked, zone, midnight + timedelta(minutes=one)) for one in (-1, 0)] == [0, 1]


@pytest.mark.req("D8")
def test_answering_changes_no_data(world: World, asked: Query, result: LabResult) -> None:
    before = LabResult.objects.values().get(pk=result.pk)
    coordinator = world.person(Role.COORDINATOR)
    queries.answer(by=coordinator, at=world.at, query_id=asked.pk, site_id=asked.site_id, text="Corrected.")
    assert LabResult.objects.values().get(pk=result.pk) == before


@pytest.mark.req("D8")
def test_only_an_open_query_is_answered_and_only_a_closed_or_answered_one_reopened(world: World, asked: Query) -> None:
    coordinator, monitor = world.person(Role.COORDINATOR), world.person(Role.MONITOR)
    about = {"query_id": asked.pk, "site_id": asked.site_id}
    with pytest.raises(QueryRefused, match="open already"):
        queries.reopen(by=monitor, at=world.at, text="Again.", **about)
    queries.close(by=monitor, at=world.at, text="Closed.", **about)
    with pytest.raises(Refused, match="closed already"):
        queries.answer(by=coordinator, at=world.at, text="Late.", **about)


@pytest.mark.req("D8")
def test_a_corrected_value_closes_its_automatic_query(world: World, subject: Subject) -> None:
    record(world, subject, "m01", date(2024, 4, 3), {Analyte.SERUM_M: "29"})
    automatic = Query.objects.exclude(check_code="").get(state="open", item="serum_m")
    record(world, subject, "m01", date(2024, 4, 3), {Analyte.SERUM_M: "2.9"}, reason="Unit misread")
    automatic.refresh_from_db()
    assert automatic.state == "closed"
    assert automatic.messages.last().by_name == "Edit check"


@pytest.mark.req("D13")
def test_the_same_form_asks_once(world: World, subject: Subject, result: LabResult) -> None:
    token, anchor = uuid4(), Anchor("lab_result", result.pk, "serum_m", "bl")
    manager = world.person(Role.DATA_MANAGER)
    first, second = (
        queries.ask(by=manager, at=world.at, token=token, subject=subject, anchor=anchor, text="Is this g/L?")
        for _ in range(2)
    )
    assert first == second
    assert Query.objects.count() == 1


@pytest.mark.req("D8", "D9")
@pytest.mark.parametrize("role", [*SITE_STAFF, Role.STATISTICIAN])
def test_only_data_managers_and_monitors_ask_and_close(
    world: World, subject: Subject, result: LabResult, role: Role
) -> None:
    asked = ask(world, subject, result)
    by = world.person(role)
    anchor = Anchor("lab_result", result.pk, "serum_m", "bl")
    with pytest.raises(PermissionDenied):
        queries.ask(by=by, at=world.at, token=uuid4(), subject=subject, anchor=anchor, text="Why?")
    with pytest.raises(PermissionDenied):
        queries.close(by=by, at=world.at, query_id=asked.pk, site_id=asked.site_id, text="Closed.")


@pytest.mark.req("D8", "D9")
@pytest.mark.parametrize("role", OVERSIGHT)
def test_only_site_staff_answer(world: World, asked: Query, role: Role) -> None:
    with pytest.raises(PermissionDenied):
        queries.answer(by=world.person(role), at=world.at, query_id=asked.pk, site_id=asked.site_id, text="Mine.")


# -- the list


@pytest.mark.req("D8")
def test_the_list_shows_what_waits_for_each_person(world: World, client: Client, asked: Query) -> None:
    address = reverse("queries")
    assert f"Query {asked.pk}" in page(client, world, Role.COORDINATOR, address)
    assert "No query waits for you" in page(client, world, Role.DATA_MANAGER, address)
    coordinator = world.person(Role.COORDINATOR)
    queries.answer(by=coordinator, at=world.at, query_id=asked.pk, site_id=asked.site_id, text="So it is.")
    assert "No query waits for you" in page(client, world, Role.COORDINATOR, address)
    assert f"Query {asked.pk}" in page(client, world, Role.DATA_MANAGER, address)


def test_the_filters_are_in_the_address(world: World, client: Client, asked: Query) -> None:
    address = reverse("queries")
    name = f"Query {asked.pk}"
    assert name in page(client, world, Role.DATA_MANAGER, f"{address}?show=open&site=01")
    assert name not in page(client, world, Role.DATA_MANAGER, f"{address}?show=open&site=02")
    assert name not in page(client, world, Role.DATA_MANAGER, f"{address}?show=closed")
    assert name in page(client, world, Role.DATA_MANAGER, f"{address}?show=all")


@pytest.mark.req("B1")
def test_another_site_sees_nothing_of_a_query(world: World, client: Client, asked: Query, subject: Subject) -> None:
    assert f"Query {asked.pk}" not in page(client, world, Role.COORDINATOR, reverse("queries") + "?show=all", "02")
    for address in (reverse("query", args=[asked.pk]), reverse("subject_queries", args=[subject.key])):
        assert client.get(address).status_code == 404


@pytest.mark.usefixtures("menu_without_number")
def test_the_number_of_database_queries_does_not_grow(
    world: World, client: Client, subject: Subject, result: LabResult, django_assert_max_num_queries: object
) -> None:
    log_in(client, world.person(Role.MONITOR))
    for number in range(3):
        ask(world, subject, result, f"Question {number}")
    client.get(reverse("queries"))
    with django_assert_max_num_queries(32) as few:  # type: ignore[operator]
        client.get(reverse("queries") + "?show=all")
    for number in range(12):
        ask(world, subject, result, f"More {number}")
    with django_assert_max_num_queries(len(few)):  # type: ignore[operator]
        client.get(reverse("queries") + "?show=all")


# -- one query


@pytest.mark.req("D8", "B12")
def test_the_page_shows_value_history_and_thread(world: World, client: Client, subject: Subject, asked: Query) -> None:
    record(world, subject, "bl", DAY1, {Analyte.SERUM_M: "2.7"}, reason="Transcription error")
    shown = page(client, world, Role.COORDINATOR, reverse("query", args=[asked.pk]))
    assert "Is this g/L?" in shown
    assert "changed serum M-spike from 2.9 g/dL to 2.7 g/dL" in shown
    assert "Reason: Transcription error" in shown


@pytest.mark.req("D8")
@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"quick": "as_entered"}, "Correct as entered."),
        ({"quick": "corrected", "text": "The unit was wrong."}, "Corrected. The unit was wrong."),
        ({"text": "See the report."}, "See the report."),
    ],
)
def test_quick_replies_and_words(world: World, client: Client, asked: Query, data: dict[str, str], said: str) -> None:
    log_in(client, world.person(Role.COORDINATOR))
    response = client.post(reverse("query", args=[asked.pk]), data)
    assert (response.status_code, response["Location"]) == (303, reverse("queries"))
    asked.refresh_from_db()
    last = asked.messages.last()
    assert (last.text, last.action, asked.state) == (said, "answered", "answered"), "who asked judges the answer"


@pytest.mark.req("D8")
def test_what_a_check_asked_is_settled_when_the_site_confirms_it(
    world: World, client: Client, subject: Subject
) -> None:
    """Nobody has to close by hand what the site says is so; the person who said it is named."""
    record(world, subject, "m01", world.at.date(), {Analyte.HB: "26"})
    raised = Query.objects.exclude(check_code="").get(item=Analyte.HB.value)
    log_in(client, world.person(Role.COORDINATOR))
    done = client.post(reverse("query", args=[raised.pk]), {"quick": "as_entered"}, follow=True)
    assert "was answered and is closed" in done.content.decode()
    raised.refresh_from_db()
    said = raised.messages.latest("id")
    assert (raised.state, said.action) == ("closed", "confirmed")
    assert said.by_name == world.person(Role.COORDINATOR).printed_name


def test_the_next_query_is_of_the_subject_in_hand_before_an_older_one_of_another(
    world: World, subject: Subject, result: LabResult, asked: Query
) -> None:
    other = treated_subject(world, day1=DAY1)
    record(world, other, "bl", DAY1, {Analyte.SERUM_M: "3.1"})
    elsewhere = ask(world, other, LabResult.objects.get(subject=other))
    world.later(1)
    here = ask(world, subject, result, "And the method?")
    by = world.person(Role.COORDINATOR)
    assert (next_for(by, world.at, after=asked), next_for(by, world.at, after=here)) == (here, asked)
    about = {"by": world.person(Role.MONITOR), "at": world.at, "site_id": subject.site_id, "text": "Closed."}
    for one in (asked, here):
        queries.close(**about, query_id=one.pk)
    assert next_for(by, world.at, after=here) == elsewhere


def test_a_page_of_a_visit_shows_the_queries_of_that_visit(world: World, subject: Subject, asked: Query) -> None:
    grid = KINDS["lab_result"].page
    assert [on_page(subject.key, grid, code) for code in ("bl", "m01")] == [[asked], []]


def test_answering_leads_to_the_next_query(
    world: World, client: Client, subject: Subject, result: LabResult, asked: Query
) -> None:
    second = ask(world, subject, result, "And the method?")
    log_in(client, world.person(Role.COORDINATOR))
    response = client.post(reverse("query", args=[asked.pk]), {"quick": "as_entered"})
    assert response["Location"] == reverse("query", args=[second.pk])


def test_an_empty_answer_comes_back_with_a_sentence(world: World, client: Client, asked: Query) -> None:
    log_in(client, world.person(Role.COORDINATOR))
    response = client.post(reverse("query", args=[asked.pk]), {"action": "answer", "text": ""})
    assert response.status_code == 422
    assert "Write an answer, or use a quick reply." in response.content.decode()


def test_reopening_needs_words_and_closing_does_not(world: World, client: Client, asked: Query) -> None:
    log_in(client, world.person(Role.MONITOR))
    address = reverse("query", args=[asked.pk])
    assert client.post(address, {"action": "close"}).status_code == 303
    response = client.post(address, {"action": "reopen", "text": ""})
    assert response.status_code == 422
    assert "Say what is still open." in response.content.decode()


def test_two_people_answer_and_the_second_is_told(world: World, client: Client, asked: Query) -> None:
    by = world.person(Role.INVESTIGATOR)
    queries.answer(by=by, at=world.at, query_id=asked.pk, site_id=asked.site_id, text="Yes.")
    log_in(client, world.person(Role.COORDINATOR))
    response = client.post(reverse("query", args=[asked.pk]), {"action": "answer", "text": "No."})
    assert response.status_code == 422
    assert asked.messages.count() == 2


# -- asking


@pytest.mark.req("D8")
def test_a_data_manager_asks_at_a_value(world: World, client: Client, subject: Subject, result: LabResult) -> None:
    log_in(client, world.person(Role.DATA_MANAGER))
    address = f"{reverse('query_new')}?record=lab_result:{result.pk}&visit=bl"
    assert "2.9 g/dL" in client.get(address).content.decode()
    assert client.post(address, {"text": "", "token": str(uuid4())}).status_code == 422
    response = client.post(address, {"text": "Which method?", "token": str(uuid4())})
    made = Query.objects.get()
    assert response["Location"] == reverse("query", args=[made.pk])
    assert (made.subject, made.item, made.visit_code, made.state) == (subject, "serum_m", "bl", "open")


@pytest.mark.req("D8")
def test_a_monitor_asks_about_one_field_of_a_visit_from_its_page(
    world: World, client: Client, subject: Subject
) -> None:
    """The road from the page to the field; and the query keeps to the value that it was asked of."""
    facts = {"at": world.at, "subject_id": subject.pk, "site_id": subject.site_id, "code": "bl"}
    by = world.person(Role.COORDINATOR)
    day = world.at.date()
    visit = record_visit(by=by, facts=VisitFacts(occurred_on=day, pulse=140), **facts)
    log_in(client, world.person(Role.MONITOR))
    address = f"{reverse('query_new')}?record=visit:{visit.pk}"
    client.post(address, {"text": "140 in the source?", "item": "pulse", "token": str(uuid4())})
    record_visit(by=by, facts=VisitFacts(occurred_on=day, pulse=150), reason="Misread", **facts)
    assert address in client.get(reverse("visit", args=[subject.key, "bl"])).content.decode()
    trail = client.get(f"{reverse('audit')}?record=visit:{visit.pk}").content.decode()
    assert f"{address}&amp;item=pulse" in trail
    form = client.get(f"{address}&item=pulse").content.decode()
    assert '<option value="pulse" selected>' in form
    assert client.post(address, {"text": "?", "item": "height", "token": str(uuid4())}).status_code == 422
    client.post(address, {"text": "150 in the source?", "item": "pulse", "token": str(uuid4())})
    made = Query.objects.get(text="150 in the source?")
    assert (made.record_type, made.item, made.visit_code) == ("visit", "pulse", "bl")
    record_visit(by=by, facts=VisitFacts(occurred_on=day, pulse=72), reason="Misread", **facts)
    panel = client.get(reverse("query", args=[made.pk])).content.decode()
    assert "Asked of: <b>150</b>" in panel, "neither as it was first, nor as an earlier query found it"
    assert "pulse from 150 to 72" in panel


@pytest.mark.parametrize("reference", ["", "lab_result:999999", "nothing:1", "lab_result:x"])
def test_nothing_is_asked_about_nothing(world: World, client: Client, reference: str) -> None:
    log_in(client, world.person(Role.DATA_MANAGER))
    assert client.get(f"{reverse('query_new')}?record={reference}").status_code == 404


@pytest.mark.parametrize("role", SITE_STAFF)
def test_site_staff_do_not_ask(world: World, client: Client, result: LabResult, role: Role) -> None:
    log_in(client, world.person(role))
    assert client.get(f"{reverse('query_new')}?record=lab_result:{result.pk}").status_code == 403


def test_pages_of_queries_are_closed_to_strangers(client: Client, asked: Query, subject: Subject) -> None:
    for address in (reverse("queries"), reverse("query", args=[asked.pk]), reverse("query_new")):
        assert client.get(address).status_code == 302
    assert client.get(reverse("subject_queries", args=[subject.key])).status_code == 302


def test_an_administrator_has_no_queries(world: World, client: Client, asked: Query) -> None:
    log_in(client, world.admin)
    assert client.get(reverse("queries")).status_code == 403
    assert client.get(reverse("query", args=[asked.pk])).status_code == 403


def test_the_subject_tab_lists_open_ones_first(
    world: World, client: Client, subject: Subject, result: LabResult, asked: Query
) -> None:
    monitor = world.person(Role.MONITOR)
    queries.close(by=monitor, at=world.at, query_id=asked.pk, site_id=asked.site_id, text="Closed.")
    second = ask(world, subject, result, "And the method?")
    shown = page(client, world, Role.MONITOR, reverse("subject_queries", args=[subject.key]))
    assert shown.index(f"Query {second.pk}<") < shown.index(f"Query {asked.pk}<")


# -- where a value stands


@pytest.mark.parametrize("name", list(KINDS))
@pytest.mark.parametrize("visit", ["", "m06"])
def test_every_kind_of_record_has_a_page(name: str, visit: str) -> None:
    address = page_of(KINDS[name], Subject(key="abc2345678"), visit, "serum_m")
    assert address.startswith("/subjects/abc2345678/")
    assert (visit in address) is (visit == "" or KINDS[name].page.startswith("visit"))


def test_a_query_about_something_that_is_not_a_row_still_opens(world: World, client: Client, subject: Subject) -> None:
    manager, anchor = world.person(Role.DATA_MANAGER), Anchor("diary", 1, "page")
    asked = queries.ask(by=manager, at=world.at, token=uuid4(), subject=subject, anchor=anchor, text="Where is it?")
    shown = page(client, world, Role.COORDINATOR, reverse("query", args=[asked.pk]))
    assert "Where is it?" in shown
    assert "Open the page with this value" not in shown


def test_a_query_about_a_field_names_it(world: World, subject: Subject) -> None:
    assert field_words(Query(record_type="departure", item="on")) == "departure from the study: on"
    assert field_words(Query(record_type="contact", item="", visit_code="fu12")) == (
        "follow-up contact, Follow-up month 12"
    )
