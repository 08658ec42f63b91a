"""Medication of which a day is not known: kept as it was said; what may fall beside the treatment counts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from labs.services import FieldsRefused
from protocol.vocabulary import Route
from safety.exports import CONCOMITANT_MEDICATIONS
from safety.models import ConcomitantMedication
from safety.services import Medication, end_medication
from safety.vocabulary import ROUTES
from tests.safety.test_medications import DAY1, add, coordinator, form, furnish, in_error
from tests.world import World
from trialsite.access import Duty
from trialsite.context import writing
from trialsite.models import AuditEvent, Query, Role, Subject
from trialsite.partial_dates import on_day, parse
from trialsite.sdv_selectors import items_of

__all__ = ["coordinator", "furnish"]

TODAY = date(2024, 4, 2)


def dated(started: str, stopped: str = "", name: str = "Ibuprofen", **more: Any) -> Medication:
    given = {"started": parse(started, TODAY), "stopped": parse(stopped, TODAY) if stopped else None, **more}
    return Medication(name=name, indication="Pain", **given)


def test_every_route_has_its_words() -> None:
    assert [code for code, _ in ROUTES] == [one.value for one in Route]
    assert len({words for _, words in ROUTES}) == len(ROUTES)


@pytest.mark.req("D6")
def test_a_date_known_in_part_is_kept_as_it_was_said(world: World, subject: Subject) -> None:
    stored = add(world, subject, dated("un mar 2024", "2024", route=Route.ORAL))
    assert (stored.started, stored.started_typed, stored.stopped, stored.stopped_typed, stored.route) == (
        "2024-03", "un mar 2024", "2024", "2024", "ORAL",
    )  # fmt: skip
    assert (stored.started_earliest, stored.started_latest) == (date(2024, 3, 1), date(2024, 3, 31))
    assert (stored.stopped_earliest, stored.stopped_latest) == (date(2024, 1, 1), date(2024, 12, 31))


@pytest.mark.req("D6")
@pytest.mark.parametrize(
    ("medication", "field", "words"),
    [
        (dated("apr 2024"), "", ""),
        (dated("may 2024"), "started", "May 2024, day unknown is in the future"),
        (dated("mar 2024", "may 2024"), "stopped", "in the future"),
        (dated("mar 2024", "feb 2024"), "stopped", "Feb 2024, day unknown, lies before the first, Mar 2024"),
        (dated("31 mar 2024", "mar 2024"), "", ""),
        (dated("1901"), "started", "before the subject was born"),
    ],
)
def test_only_what_no_reading_allows_is_refused(
    world: World, subject: Subject, medication: Medication, field: str, words: str
) -> None:
    if not field:
        assert add(world, subject, medication).pk
        return
    with pytest.raises(FieldsRefused) as refused:
        add(world, subject, medication)
    assert list(refused.value.problems) == [field]
    assert words in refused.value.problems[field]


@pytest.mark.req("D6")
def test_the_last_day_may_be_known_in_part(world: World, subject: Subject) -> None:
    stored = add(world, subject)
    who = {"by": world.person(Role.COORDINATOR), "subject_id": subject.pk, "site_id": subject.site_id}
    end_medication(at=world.at, medication_id=stored.pk, stopped=parse("mar 2024", TODAY), **who)
    stored.refresh_from_db()
    assert (stored.stopped, stored.stopped_earliest, stored.stopped_latest) == (
        "2024-03", date(2024, 3, 1), date(2024, 3, 31),
    )  # fmt: skip


@pytest.mark.req("D6", "E2")
def test_of_a_therapy_the_earliest_possible_day_counts_and_the_day_is_asked_for(world: World, subject: Subject) -> None:
    stored = add(world, subject, dated("mar 2024", name="Carfilzomib", is_anti_myeloma=True))
    subject.refresh_from_db()
    assert subject.new_therapy_on == date(2024, 3, 1)
    asked = Query.objects.get(check_code="therapy-day-unknown")
    assert "Responses after 1 Mar 2024, the earliest day that it can have begun, do not count" in asked.text
    in_error(world, stored)
    asked.refresh_from_db()
    assert asked.state == Query.State.CLOSED
    add(world, subject, dated("20 mar 2024", name="Carfilzomib", is_anti_myeloma=True))
    subject.refresh_from_db()
    assert subject.new_therapy_on == date(2024, 3, 20)
    assert Query.objects.filter(check_code="therapy-day-unknown").count() == 1


def test_a_therapy_from_before_consent_is_no_new_one(world: World, subject: Subject) -> None:
    consent = subject.screened_on
    earlier = {"name": "Melphalan", "is_anti_myeloma": True, "started": parse("2019", TODAY)}
    with pytest.raises(FieldsRefused, match="an earlier therapy is entered without the tick"):
        add(world, subject, dated("2019", stopped="2020", name="Melphalan", is_anti_myeloma=True))
    add(world, subject, dated("2019", stopped="2020", name="Melphalan"))
    lasting = add(world, subject, Medication(indication="Myeloma", stopped=on_day(consent), **earlier))
    assert lasting.is_anti_myeloma
    stored = add(world, subject, Medication(indication="Myeloma", **earlier))
    with pytest.raises(FieldsRefused, match="before consent"):
        end_medication(
            by=world.person(Role.COORDINATOR), at=world.at, subject_id=subject.pk, site_id=subject.site_id,
            medication_id=stored.pk, stopped=on_day(consent - timedelta(days=1)),
        )  # fmt: skip


#: First and last day of a prohibited medication, against treatment from 4 Mar to 20 Mar 2024 -> how often it is asked.
BESIDE = [
    ("2023", "", 1),
    ("2023", "3 mar 2024", 0),
    ("2023", "feb 2024", 0),
    ("2023", "4 mar 2024", 1),
    ("2023", "mar 2024", 1),
    ("20 mar 2024", "", 1),
    ("21 mar 2024", "", 0),
    ("mar 2024", "", 1),
    ("apr 2024", "", 0),
]


@pytest.mark.req("D3", "D6")
@pytest.mark.parametrize(("started", "stopped", "asked"), BESIDE)
def test_what_may_lie_beside_the_treatment_is_asked_about(
    world: World, subject: Subject, started: str, stopped: str, asked: int
) -> None:
    by = world.person(Role.COORDINATOR)
    assert subject.day1_on == DAY1
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=subject.site_id, at=world.at, reason="Treatment ended"):
        subject.treatment_ended_on = date(2024, 3, 20)
        subject.save(update_fields=["treatment_ended_on"])
    add(world, subject, dated(started, stopped, name="Prednisone"))
    assert Query.objects.filter(check_code="prohibited-medication").count() == asked


@pytest.mark.req("D6")
def test_the_pages_take_and_tell_a_date_known_in_part(coordinator: Client, subject: Subject) -> None:
    address = reverse("subject_medications", args=[subject.key])
    assert coordinator.post(address, form(started="mar 2024", route="")).status_code == 422
    assert coordinator.post(address, form(started="mar 2024", route="INTRAVENOUS")).status_code == 303
    stored = ConcomitantMedication.objects.get()
    one = reverse("medication", args=[subject.key, stored.pk])
    assert "since Mar 2024, day unknown" in coordinator.get(one).content.decode()
    assert coordinator.post(one, {"action": "end", "stopped": "2024"}).status_code == 303
    shown = coordinator.get(address).content.decode()
    assert all(words in shown for words in ("Mar 2024, day unknown", "2024, month and day unknown", "Intravenous"))
    refused = coordinator.post(address, form(started="may 2024")).content.decode()
    assert "is in the future. Check the year." in refused
    assert 'value="may 2024"' in refused


@pytest.mark.req("D6", "F2")
def test_trail_export_and_source_items_say_it_as_it_was_said(world: World, subject: Subject) -> None:
    stored = add(world, subject, dated("un mar 2024", route=Route.SUBCUTANEOUS))
    written = AuditEvent.objects.filter(table="safety_concomitantmedication").get().new or {}
    assert (written["started"], written["started_typed"], written["route"]) == (
        "2024-03",
        "un mar 2024",
        "SUBCUTANEOUS",
    )
    items = {one.item: one.value for one in items_of(subject) if one.record_type == "medication"}
    assert (items["started_typed"], items["route"]) == ("un mar 2024", "Subcutaneous")
    with connection.cursor() as cursor:
        cursor.execute(CONCOMITANT_MEDICATIONS.sql)
        row = dict(zip((column.name for column in CONCOMITANT_MEDICATIONS.columns), cursor.fetchone(), strict=True))
    told = {name: row[name] for name in ("medication", "route", "started", "started_latest", "stopped", "status")}
    assert told == {
        "medication": stored.pk, "route": "SUBCUTANEOUS", "started": "2024-03", "started_latest": date(2024, 3, 31),
        "stopped": None, "status": "ONGOING",
    }  # fmt: skip
