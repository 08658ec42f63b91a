"""One regression test for each thing that users of other systems complain about and that lists, queries, sessions and
derived values could get wrong here. The number is that of the complaint in the project's collection."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from gzip import compress
from html import unescape
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dosing.services.doses import record_doses, undo_doses
from labs.models import LabResult, ResponseAssessment, Specimen
from labs.services import (
    Assessed,
    RowAnswer,
    VisitFacts,
    make_token,
    mark_specimen_in_error,
    record_disease_assessment,
    record_visit,
)
from protocol.vocabulary import Analyte, DoseStatus, Drug
from reporting.datasets import BY_NAME
from reporting.next_step import tasks
from reporting.selectors.facts import facts_of
from reporting.selectors.subjects import subjects_in_reach
from tests import world_dosing as treat
from tests.fixtures.databases import Database
from tests.labs.test_messages import HL7, newest, obx, oru, send
from tests.labs.test_pages import form_data
from tests.world import PASSWORD, World, log_in, new_world
from tests.world_enrollment import central_laboratory
from tests.world_followup import who
from tests.world_imports import accept, csv_of, line, mend, upload
from tests.world_labs import morning, record, treated_subject
from tests.world_safety import an_event, corrected, reported
from trialsite import clock
from trialsite.access import Duty, system_actor
from trialsite.context import reading, writing
from trialsite.models import AuditEvent, Mail, Query, Role, Subject, Visit
from trialsite.sdv_selectors import State, items_of
from trialsite.services import queries
from trialsite.services.queries import Anchor
from trialsite.services.source_verification import verify_items

DAY1 = date(2024, 3, 4)
Verb = Callable[..., Query]


def asked(world: World, subject: Subject, item: str = "serum_m") -> Query:
    with reading(system_actor("verification"), world.at):
        result = LabResult.objects.get(subject=subject, analyte=item, superseded_at=None, specimen__visit__code="bl")
    anchor, by = Anchor("lab_result", result.pk, item, "bl"), world.person(Role.DATA_MANAGER)
    return queries.ask(by=by, at=world.at, token=uuid4(), subject=subject, anchor=anchor, text="Is this so?")


def with_baseline(world: World) -> Subject:
    subject = treated_subject(world, day1=DAY1)
    record(world, subject, "bl", DAY1, {Analyte.SERUM_M: "2.9", Analyte.HB: "12.9"})
    return subject


@pytest.mark.req("B15", "D8")
def test_complaint_3_every_transition_of_a_query_is_an_event_with_its_actor(world: World) -> None:
    """Answering, closing and reopening each leave one change of state in the audit trail, with who did it."""
    subject = with_baseline(world)
    one = asked(world, subject)
    about = {"at": world.at, "query_id": one.pk, "site_id": one.site_id, "text": "Said."}
    steps: list[tuple[Verb, Role, str]] = [
        (queries.answer, Role.COORDINATOR, "answered"),
        (queries.reopen, Role.MONITOR, "open"),
        (queries.close, Role.DATA_MANAGER, "closed"),
        (queries.reopen, Role.MONITOR, "open"),
    ]
    for verb, role, _ in steps:
        verb(by=world.person(role), **about)
    with reading(system_actor("verification"), world.at):
        events = list(
            AuditEvent.objects.filter(table="trialsite_query", row_id=str(one.pk), op="UPDATE").order_by("id")
        )
    told = [(event.actor_name, (event.new or {})["state"]) for event in events]
    assert told == [(world.person(role).printed_name, state) for _, role, state in steps]
    assert all(event.reason for event in events)


@pytest.mark.req("D8", "D4")
def test_complaint_4_a_query_stays_with_the_version_it_was_asked_of(world: World) -> None:
    """A later version is another row: nothing that was asked or answered of the old one passes to it."""
    subject = with_baseline(world)
    one = asked(world, subject)
    record(world, subject, "bl", DAY1, {Analyte.SERUM_M: "2.7"}, reason="Transcription error")
    with reading(system_actor("verification"), world.at):
        now = LabResult.objects.get(subject=subject, analyte="serum_m", superseded_at=None)
        was = LabResult.objects.get(pk=one.record_id)
    assert (was.typed, now.typed) == ("2.9", "2.7")
    assert now.pk != one.record_id
    assert not Query.objects.filter(record_type="lab_result", record_id=now.pk).exists()


def in_state(world: World, subject: Subject, state: State) -> set[str]:
    """Items, each with its place, that stand so towards their source."""
    with reading(system_actor("verification"), world.at):
        return {f"{one.place} {one.name}" for one in items_of(subject) if one.state is state}


def verify_all(world: World, subject: Subject) -> None:
    with reading(system_actor("verification"), world.at):
        tokens = [one.token for one in items_of(subject)]
    verify_items(**who(world, subject, Role.MONITOR), tokens=tokens)
    assert in_state(world, subject, State.CHANGED) | in_state(world, subject, State.UNVERIFIED) == set()


@pytest.mark.req("D11")
def test_complaint_4_a_change_resets_the_verification_whatever_road_it_takes(
    fresh_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Form, file, message, job: the value is to be verified again, and what was not touched stays verified."""
    world = new_world()
    monkeypatch.setattr(clock, "now", lambda: world.at)
    subject = treat.on_anakinra(world)
    on, lab = treat.MONTH[1], central_laboratory(world)
    given = {**who(world, subject), "at": morning(on)}
    bloods = {Analyte.SODIUM: "140", Analyte.POTASSIUM: "4.1", Analyte.CALCIUM: "9.4", Analyte.HB: "12.9"}
    record(world, subject, "m01", on, {Analyte.SERUM_M: "1.5", **bloods}, lab=lab)
    facts = VisitFacts(occurred_on=on, ecog=0, pulse=70)
    record_visit(**given, code="m01", facts=facts)
    assessed = Assessed(marrow_on=on, bm_pc=Decimal(30), bm_clonal="POSITIVE")
    record_disease_assessment(**given, visit_code="m01", assessed=assessed)
    dose = {"drug": Drug.ANAKINRA, "first_on": treat.DAY1, "last_on": treat.DAY1}
    record_doses(**given, **dose, status=DoseStatus.TAKEN)
    event = an_event("Headache", 2, "feb 2024")
    stored = reported(world, subject, event)
    world.at = morning(on + timedelta(days=70))
    given["at"] = world.at
    manager = {"by": world.person(Role.DATA_MANAGER), "at": world.at, "site_id": subject.site_id}
    made = make_token(**manager, laboratory_id=lab.pk, label="LIS")

    def by_file() -> None:
        sodium = line(subject, "Sodium", "144", "mmol/L", on=on.isoformat())
        imported = upload(world, lab, csv_of(sodium))
        mend(world, imported, {1: RowAnswer(decision="replace", reason="Transcription error")})
        accept(world, imported)

    def by_message() -> None:
        send(made, oru(subject, obx("2823-3", "4.5", "mmol/L", "C")).replace("20240404", f"{on:%Y%m%d}"), HL7)
        with reading(system_actor("verification"), world.at):
            imported = newest()
        accept(world, imported)

    def by_job() -> None:
        actor = system_actor("re-evaluation")
        with writing(by=actor, duty=Duty.PROPOSE_PHASE, site_id=None, at=world.at, reason="Repair"):
            Visit.objects.filter(subject=subject, code="m01").update(pulse=72)

    def dose_again() -> None:
        undo_doses(**given, **dose, reason="Wrong line of the diary")
        record_doses(**given, **dose, status=DoseStatus.TAKEN)

    def in_error() -> None:
        with reading(system_actor("verification"), world.at):
            specimen = Specimen.objects.get(subject=subject, visit__code="m01", panel="myeloma")
        mark_specimen_in_error(**given, specimen_id=specimen.pk, reason="Another subject's sample")

    roads: dict[Callable[[], object], set[str]] = {
        lambda: record(world, subject, "m01", on, {Analyte.HB: "12.1"}, reason="Misread", lab=lab): {"m01 hb"},
        by_file: {"m01 sodium"},
        by_message: {"m01 potassium"},
        by_job: {"m01 pulse"},
        lambda: record_visit(**given, code="m01", facts=replace(facts, pulse=72, ecog=1), reason="Misread"): {
            "m01 ecog"
        },
        lambda: record_disease_assessment(
            **given, visit_code="m01", assessed=replace(assessed, bm_pc=Decimal(35)), reason="Misread"
        ): {"m01 bm_pc"},
        dose_again: {"doses-2024-01 given"},
        lambda: corrected(world, subject, stored, replace(event, grade=3)): {"safety grade"},
        in_error: {"m01 serum_m", "m01 collected"},
    }
    for road, changed in roads.items():
        verify_all(world, subject)
        road()
        assert in_state(world, subject, State.CHANGED) == changed
    verify_all(world, subject)


@pytest.mark.req("E1")
def test_complaint_9_what_is_computed_is_there_when_the_value_is_whoever_wrote_it(world: World) -> None:
    """The response is derived in the transaction that stores the result, without a page and without a worker."""
    subject = treat.on_anakinra(world)
    counts = []
    for month, m_spike in ((1, "1.5"), (2, "1.2")):
        treat.month(world, subject, month, m_spike)
        with reading(system_actor("verification"), world.at):
            counts.append(ResponseAssessment.objects.filter(subject=subject).count())
    assert counts == sorted(set(counts))
    assert counts[0] > 0


@pytest.mark.req("D5", "D16")
def test_complaint_13_never_asked_and_unchecked_do_not_leave_as_zero(world: World) -> None:
    """A query that nobody closed has no closing time; an entry has no query; neither is a zero."""
    subject = with_baseline(world)
    asked(world, subject)
    timeliness = BY_NAME["timeliness"]
    names = [one.name for one in timeliness.columns]
    with reading(system_actor("verification"), world.at):
        rows = [dict(zip(names, row, strict=True)) for row in timeliness.rows()]  # type: ignore[union-attr]
    assert {row["measure"] for row in rows} == {"ENTRY", "QUERY"}, "not answered and not closed: no row"
    assert [row["query"] for row in rows if row["measure"] == "ENTRY"] == [None]


@pytest.mark.req("E8")
def test_complaint_19_mail_names_the_subject_that_it_is_about(world: World) -> None:
    """Heading and body of a mail say the same subject, and no other."""
    first, second = treat.at_month_6(world), treat.at_month_6(world)
    treat.settle_outbox(world.at)
    numbers = {proposal.subject_id: proposal.subject.number for proposal in (first, second)}
    with reading(system_actor("verification"), world.at):
        mails = list(Mail.objects.filter(subject_id__in=numbers))
    assert {mail.subject_id for mail in mails} == set(numbers)
    for mail in mails:
        own = numbers[mail.subject_id or 0]
        other = next(number for number in numbers.values() if number != own)
        assert own in mail.heading
        assert own in mail.body
        assert other not in mail.heading + mail.body


@pytest.mark.req("D8", "D12")
def test_complaint_26_a_note_that_is_refused_is_not_lost(world: World, client: Client) -> None:
    """Somebody else answered first: the words come back in the box, with the reason."""
    subject = with_baseline(world)
    one = asked(world, subject)
    log_in(client, world.person(Role.DATA_MANAGER))
    about = {"at": world.at, "query_id": one.pk, "site_id": one.site_id}
    queries.close(by=world.person(Role.MONITOR), text="Closed.", **about)
    page = client.post(reverse("query", args=[one.pk]), {"action": "close", "text": "A long remark.", "at": "field"})
    assert page.status_code == 422
    shown = page.content.decode()
    assert "A long remark." in shown
    assert "closed already" in shown


@pytest.mark.req("D3", "D12")
def test_complaint_26_what_is_required_and_missing_costs_nothing_that_was_typed(world: World, client: Client) -> None:
    """A visit without a readable date: refused beside the box, everything stands there, and the draft holds it too."""
    subject = with_baseline(world)
    log_in(client, world.person(Role.COORDINATOR))
    page = reverse("visit", args=[subject.key, "m01"])
    typed = {"occurred_on": "", "ecog": "1", "weight_kg": "71,5 kg", "not_done_words": "No cuff"}
    keep = reverse("subject_draft", args=[subject.key]) + f"?page={page}"
    client.post(keep, {**form_data(client.get(page).content.decode()), **typed})
    refused = client.post(page, {**form_data(client.get(page).content.decode()), **typed, "action": "facts"})
    for answer, status in ((refused, 422), (client.get(page), 200)):
        html = answer.content.decode()
        assert answer.status_code == status
        assert ('"71,5 kg"' in html, '"No cuff"' in html, 'value="1" selected' in html) == (True, True, True)


@pytest.mark.req("A12", "D3")
def test_an_ended_session_leads_back_to_the_form_with_what_was_typed(world: World, client: Client) -> None:
    """Once round, not in a circle: sign in, and the second of two forms of a page has its words again."""
    subject = treat.on_anakinra(world)
    log_in(client, world.person(Role.COORDINATOR))
    page = reverse("subject_dosing", args=[subject.key])
    fields = form_data(client.get(page).content.decode())
    client.post(reverse("account_logout"))
    asked = client.post(page, {**fields, "action": "undo", "why": "Other subject"})
    assert asked.status_code == 401
    carried = unescape(re.search(r'name="carried" value="([^"]*)"', asked.content.decode())[1])  # type: ignore[index]
    sent = {"login": "coordinator-01", "password": PASSWORD, "carried": carried, "next": page}
    back = client.post(reverse("account_login"), sent, follow=True)
    assert [url for url, _ in back.redirect_chain] == [page]
    assert 'value="Other subject"' in back.content.decode()


@pytest.mark.req("D12")
def test_two_people_at_one_form_are_told_and_asked(world: World, client: Client) -> None:
    """Who saved meanwhile, when, and both values stand above the form; nothing of either is lost or overwritten."""
    subject = with_baseline(world)
    world.at = morning(date(2024, 4, 10))
    log_in(client, world.person(Role.COORDINATOR))
    page = reverse("visit", args=[subject.key, "m01"])
    fields = form_data(client.get(page).content.decode())
    other = {**who(world, subject, Role.INVESTIGATOR), "code": "m01"}
    record_visit(**other, facts=VisitFacts(date(2024, 4, 4), ecog=2))
    typed = {"action": "facts", "occurred_on": "4 apr 2024", "ecog": "1", "change_reason": "Wrong date"}
    answer = client.post(page, {**fields, **typed})
    html = answer.content.decode()
    assert answer.status_code == 409
    assert f"{world.person(Role.INVESTIGATOR).printed_name} saved this visit at" in html
    assert 'name="keep-ecog" value="theirs"> 2' in html
    assert 'name="keep-ecog" value="yours" checked> 1' in html
    with reading(system_actor("verification"), world.at):
        assert Visit.objects.get(subject=subject, code="m01").ecog == 2


@pytest.mark.req("A5", "D8")
def test_complaint_30_a_query_of_another_site_shows_nowhere(world: World, client: Client) -> None:
    """Not in the list, not beside a page of one's own, not in counts, whatever the address asks for."""
    subject, other = with_baseline(world), treated_subject(world, day1=DAY1, site="02")
    one = asked(world, subject)
    log_in(client, world.person(Role.COORDINATOR, "02"))
    beside = client.get(reverse("subject_visits", args=[other.key]) + f"?query={one.pk}")
    assert beside.context["query_panel"] is None
    assert beside.context["query_marks"] == []
    listed = client.get(reverse("queries") + "?show=all&site=01")
    assert listed.context["rows"] == []
    assert {part.count for part in listed.context["segments"]} <= {0, None}


def test_a_query_opens_only_beside_its_own_subject(world: World, client: Client) -> None:
    subject, other = with_baseline(world), with_baseline(world)
    one = asked(world, subject)
    log_in(client, world.person(Role.MONITOR))
    pages = {key: client.get(reverse("visit_labs", args=[key, "bl"]) + f"?query={one.pk}") for key in
             (subject.key, other.key)}  # fmt: skip
    assert pages[subject.key].context["query_panel"].query == one
    assert pages[other.key].context["query_panel"] is None
    assert [mark.number for mark in pages[subject.key].context["query_marks"]] == [one.pk]
    assert pages[other.key].context["query_marks"] == []
    for odd in ("", "x", "²", "9" * 30, "-1"):
        page = client.get(reverse("visit_labs", args=[subject.key, "bl"]) + f"?query={odd}")
        assert (page.status_code, page.context["query_panel"]) == (200, None), odd


# -- lists stay quick when the trial grows


#: Bytes of the matrix of 100 subjects: as the browser holds it, and as it is sent.
LARGEST_PAGE, SMALL_ENOUGH = 900_000, 60_000


def screened(world: World, number: int) -> None:
    for _ in range(number):
        world.subject()


def statements(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as told:
        assert client.get(address).status_code == 200
    return len(told.captured_queries)


def test_lists_ask_the_database_as_often_for_200_subjects_as_for_2(world: World, client: Client) -> None:
    pages = ("my_work", "subjects", "queries", "data_quality")
    coordinator, manager = world.person(Role.COORDINATOR), world.person(Role.DATA_MANAGER)
    world.at = morning(DAY1)
    screened(world, 2)
    counts: dict[int, dict[str, int]] = {}
    for number, more in ((2, 198), (200, 0)):
        for name in pages:
            log_in(client, manager if name in ("queries", "data_quality") else coordinator)
            client.get(reverse(name))
            counts.setdefault(number, {})[name] = statements(client, reverse(name))
        screened(world, more)
    assert counts[200] == counts[2]
    log_in(client, coordinator)
    first, second = (client.get(reverse("subjects") + f"?page={page}").context["rows"] for page in (1, 2))
    assert (len(first), len(second)) == (100, 100)
    sent = client.get(reverse("subjects")).content
    assert (len(sent) < LARGEST_PAGE, len(compress(sent)) < SMALL_ENOUGH) == (True, True), (
        len(sent),
        len(compress(sent)),
    )


def test_list_page_and_work_list_say_the_same_next_step(world: World, client: Client) -> None:
    """One rule: the matrix, the subject's page and the work list take the words from it."""
    subject = treat.at_month_6(world).subject
    follow_up = with_baseline(world)
    log_in(client, world.person(Role.COORDINATOR))
    with reading(system_actor("verification"), world.at):
        known = facts_of(subjects_in_reach(), world.at)
    rows = {row.label: row for row in client.get(reverse("subjects")).context["rows"]}
    work = client.get(reverse("my_work")).content.decode()
    for one in (subject, follow_up):
        mine = [step for step in tasks(known[one.pk]) if step.is_for(frozenset({Role.COORDINATOR}))]
        assert all(step.url in work for step in mine)
        assert (
            rows[known[one.pk].subject.number].next_url
            in client.get(reverse("subject", args=[one.key])).content.decode()
        )
