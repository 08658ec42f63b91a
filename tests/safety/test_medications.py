"""Concomitant medication: what is entered, what it does to the response, and the pages."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.urls import reverse

from labs.models import ResponseAssessment
from protocol.vocabulary import Analyte
from safety.exports import CONCOMITANT_MEDICATIONS
from safety.models import ConcomitantMedication
from safety.services import Medication, end_medication, mark_medication_in_error, record_medication
from tests.world import World, log_in
from tests.world_labs import morning, record, treated_subject
from trialsite import clock
from trialsite.access import Duty
from trialsite.context import writing
from trialsite.models import OutboxMessage, Query, Role, Subject
from trialsite.partial_dates import on_day
from trialsite.services.subjects import Refused

DAY1 = date(2024, 3, 4)
IBUPROFEN = Medication("Ibuprofen", "Back pain", on_day(date(2024, 3, 6)))
BORTEZOMIB = Medication("Bortezomib", "Myeloma", on_day(date(2024, 3, 20)), is_anti_myeloma=True)


def furnish(world: World) -> Subject:
    treated = treated_subject(world, day1=DAY1)
    record(world, treated, "bl", DAY1, {Analyte.SERUM_M: "2.9"})
    world.at = morning(date(2024, 4, 2))
    return treated


def add(world: World, subject: Subject, medication: Medication = IBUPROFEN, **more: Any) -> ConcomitantMedication:
    given = {"by": world.person(Role.COORDINATOR), "token": uuid4(), "site_id": subject.site_id, **more}
    return record_medication(at=world.at, subject_id=subject.pk, medication=medication, **given)


def in_error(world: World, stored: ConcomitantMedication, reason: str = "Another subject's") -> ConcomitantMedication:
    by = world.person(Role.COORDINATOR)
    return mark_medication_in_error(
        by=by,
        at=world.at,
        subject_id=stored.subject_id,
        site_id=stored.site_id,
        medication_id=stored.pk,
        reason=reason,
    )


def test_a_medication_is_recorded(world: World, subject: Subject) -> None:
    stored = add(world, subject)
    assert (stored.name, stored.started, stored.started_latest, stored.stopped, stored.in_error) == (
        "Ibuprofen",
        "2024-03-06",
        date(2024, 3, 6),
        "",
        False,
    )
    subject.refresh_from_db()
    assert subject.new_therapy_on is None


@pytest.mark.req("D13")
def test_the_same_form_records_once(world: World, subject: Subject) -> None:
    token = uuid4()
    assert add(world, subject, token=token) == add(world, subject, token=token)
    assert ConcomitantMedication.objects.count() == 1


def test_a_new_therapy_is_noted_derived_and_published(world: World, subject: Subject) -> None:
    before = ResponseAssessment.objects.filter(subject=subject).count()
    add(world, subject, BORTEZOMIB)
    subject.refresh_from_db()
    assert subject.new_therapy_on == date(2024, 3, 20)
    assert ResponseAssessment.objects.filter(subject=subject).count() == before + 1
    assert OutboxMessage.objects.filter(subject=subject, kind="THERAPY_STARTED").count() == 1


def test_the_earliest_therapy_counts_and_a_later_one_changes_nothing(world: World, subject: Subject) -> None:
    add(world, subject, BORTEZOMIB)
    add(world, subject, Medication("Lenalidomide", "Myeloma", on_day(date(2024, 3, 28)), is_anti_myeloma=True))
    subject.refresh_from_db()
    assert subject.new_therapy_on == date(2024, 3, 20)
    assert OutboxMessage.objects.filter(kind="THERAPY_STARTED").count() == 1
    add(world, subject, Medication("Melphalan", "Myeloma", on_day(date(2024, 3, 10)), is_anti_myeloma=True))
    subject.refresh_from_db()
    assert subject.new_therapy_on == date(2024, 3, 10)


def test_a_therapy_entered_in_error_counts_no_more(world: World, subject: Subject) -> None:
    stored = add(world, subject, BORTEZOMIB)
    in_error(world, stored)
    subject.refresh_from_db()
    assert subject.new_therapy_on is None
    assert OutboxMessage.objects.filter(kind="THERAPY_STARTED").count() == 2
    with pytest.raises(Refused, match="already"):
        in_error(world, stored)


def test_an_error_needs_a_reason(world: World, subject: Subject) -> None:
    stored = add(world, subject)
    with pytest.raises(Refused, match="Say why"):
        in_error(world, stored, " ")


def test_the_last_day_is_stated_once(world: World, subject: Subject) -> None:
    stored = add(world, subject)
    who = {"by": world.person(Role.COORDINATOR), "subject_id": subject.pk, "site_id": subject.site_id}
    with pytest.raises(Refused, match="before the first"):
        end_medication(at=world.at, medication_id=stored.pk, stopped=on_day(date(2024, 3, 1)), **who)
    end_medication(at=world.at, medication_id=stored.pk, stopped=on_day(date(2024, 3, 9)), **who)
    with pytest.raises(Refused, match="stated already: 9 Mar 2024"):
        end_medication(at=world.at, medication_id=stored.pk, stopped=on_day(date(2024, 3, 10)), **who)
    with pytest.raises(Refused, match="no such"):
        end_medication(at=world.at, medication_id=10**6, stopped=on_day(date(2024, 3, 10)), **who)


@pytest.mark.req("D3")
@pytest.mark.parametrize(
    ("medication", "words"),
    [
        (Medication("Ibuprofen", "Pain", on_day(date(2024, 4, 3))), "in the future"),
        (Medication("Ibuprofen", "Pain", on_day(date(2024, 3, 6)), on_day(date(2024, 4, 3))), "in the future"),
        (Medication("Ibuprofen", "Pain", on_day(date(2024, 3, 6)), on_day(date(2024, 3, 5))), "before the first"),
    ],
)
def test_impossible_dates_are_refused(world: World, subject: Subject, medication: Medication, words: str) -> None:
    with pytest.raises(Refused, match=words):
        add(world, subject, medication)
    assert not ConcomitantMedication.objects.exists()


@pytest.mark.req("D3")
@pytest.mark.parametrize(
    ("name", "asked"),
    [("Thalidomide 50 mg", 1), ("etanercept", 1), ("Remicade", 1), ("canakinumab", 1), ("prednisone", 1),
     ("Ibuprofen", 0), ("Methotrexatex", 0)],
)  # fmt: skip
def test_prohibited_drugs_raise_a_query_and_are_saved(world: World, subject: Subject, name: str, asked: int) -> None:
    stored = add(world, subject, Medication(name, "Arthritis", on_day(date(2024, 3, 6))))
    raised = Query.objects.filter(check_code="prohibited-medication", record_id=stored.pk, state="open")
    assert raised.count() == asked
    in_error(world, stored)
    assert raised.count() == 0


def test_after_the_last_dose_nothing_is_prohibited(world: World, subject: Subject) -> None:
    by = world.person(Role.COORDINATOR)
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=subject.site_id, at=world.at, reason="Treatment ended"):
        subject.treatment_ended_on = date(2024, 3, 20)
        subject.save(update_fields=["treatment_ended_on"])
    add(world, subject, Medication("Lenalidomide", "Myeloma", on_day(date(2024, 3, 21)), is_anti_myeloma=True))
    assert not Query.objects.exists()
    add(world, subject, Medication("Lenalidomide", "Myeloma", on_day(date(2024, 3, 19))))
    assert "enter it as other anti-myeloma therapy" in Query.objects.get().text


def test_the_list_marks_what_is_prohibited(coordinator: Client, subject: Subject) -> None:
    address = reverse("subject_medications", args=[subject.key])
    shown = coordinator.post(address, form(name="Enbrel 50 mg"), follow=True).content.decode()
    assert "Check: TNF blocker" in shown
    assert "which the protocol does not allow: see the query" in shown


@pytest.mark.req("D9")
@pytest.mark.parametrize("role", [Role.DATA_MANAGER, Role.MONITOR, Role.ADMIN, Role.STATISTICIAN])
def test_only_the_site_enters(world: World, client: Client, subject: Subject, role: Role) -> None:
    with pytest.raises(PermissionDenied):
        add(world, subject, by=world.person(role))
    log_in(client, world.person(role))
    assert client.post(reverse("subject_medications", args=[subject.key]), {"name": "X"}).status_code == 403


@pytest.mark.req("B1")
def test_another_site_neither_sees_nor_enters(world: World, client: Client, subject: Subject) -> None:
    stranger = world.person(Role.COORDINATOR, "02")
    with pytest.raises(PermissionDenied):
        add(world, subject, by=stranger)
    stored = add(world, subject)
    log_in(client, stranger)
    assert client.get(reverse("subject_medications", args=[subject.key])).status_code == 404
    assert client.get(reverse("medication", args=[subject.key, stored.pk])).status_code == 404


@pytest.fixture
def coordinator(world: World, client: Client, subject: Subject, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(clock, "now", lambda: world.at)
    return log_in(client, world.person(Role.COORDINATOR))


def form(**more: str) -> dict[str, str]:
    return {
        "name": "Ibuprofen",
        "indication": "Pain",
        "route": "ORAL",
        "started": "6mar",
        "token": str(uuid4()),
        **more,
    }


def test_the_page_adds_and_lists(coordinator: Client, subject: Subject) -> None:
    address = reverse("subject_medications", args=[subject.key])
    assert coordinator.post(address, form()).status_code == 303
    shown = coordinator.get(address).content.decode()
    assert "Ibuprofen" in shown
    assert "6 Mar 2024" in shown


def test_what_was_typed_comes_back_with_a_sentence(coordinator: Client, subject: Subject) -> None:
    response = coordinator.post(
        reverse("subject_medications", args=[subject.key]), form(started="someday", indication="")
    )
    shown = response.content.decode()
    assert response.status_code == 422
    assert "Enter a date such as 12 Mar 2026, Mar 2026 or 2026." in shown
    assert "Say what it is for." in shown
    assert 'value="someday"' in shown


def test_the_page_of_one_ends_it_and_marks_it_wrong(coordinator: Client, world: World, subject: Subject) -> None:
    stored = add(world, subject)
    address = reverse("medication", args=[subject.key, stored.pk])
    assert coordinator.post(address, {"action": "end", "stopped": "1 Mar 2024"}).status_code == 422
    assert coordinator.post(address, {"action": "end", "stopped": "t"}).status_code == 303
    assert coordinator.post(address, {"action": "in_error", "reason": ""}).status_code == 422
    assert coordinator.post(address, {"action": "in_error", "reason": "Wrong subject"}).status_code == 303
    shown = coordinator.get(reverse("subject_medications", args=[subject.key])).content.decode()
    assert "Entered in error: Wrong subject" in shown


@pytest.mark.parametrize("role", [Role.DATA_MANAGER, Role.MONITOR, Role.STATISTICIAN, Role.INVESTIGATOR])
def test_others_read(world: World, client: Client, subject: Subject, role: Role) -> None:
    add(world, subject)
    shown = log_in(client, world.person(role)).get(reverse("subject_medications", args=[subject.key]))
    assert shown.status_code == 200
    assert ("Add medication" in shown.content.decode()) is (role is Role.INVESTIGATOR)


def test_the_export_has_its_columns(world: World, subject: Subject) -> None:
    add(world, subject, BORTEZOMIB)
    dataset = CONCOMITANT_MEDICATIONS
    with connection.cursor() as cursor:
        cursor.execute(dataset.sql)
        assert [column.name for column in cursor.description] == [column.name for column in dataset.columns]
        row = dict(zip((column.name for column in dataset.columns), cursor.fetchone(), strict=True))
    assert (row["name"], row["is_anti_myeloma"], row["status"]) == ("Bortezomib", "Y", "ONGOING")
