"""Suggestions of the rules of dose modification on the pages: with evidence, and without writing anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from dosing.models import DoseModification
from dosing.selectors.suggestions import dose_suggestions
from dosing.services import DoseEntry, record_day
from dosing.services.modifications import Order, modify_dose
from labs.services import VisitFacts, record_visit
from protocol.vocabulary import Analyte, DoseAction, DoseStatus, Drug
from safety.services import Medication, mark_medication_in_error, record_medication
from safety.vocabulary import ActionTaken
from tests import world_dosing as treat
from tests.world import World, log_in
from tests.world_followup import who, world_in_sight
from tests.world_labs import morning, record
from tests.world_safety import an_event, reported
from trialsite import clock
from trialsite.models import Role, Subject
from trialsite.partial_dates import on_day

NOW = date(2024, 3, 20)


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world_in_sight() as world:
        monkeypatch.setattr(clock, "now", lambda: world.at)
        yield world


@pytest.fixture
def subject(world: World) -> Subject:
    """On anakinra since 15 January; neutrophils of 0.8 on 14 February; today is 20 March."""
    subject = treat.on_anakinra(world)
    record(world, subject, "m01", treat.MONTH[1], {Analyte.ANC: "0.80", Analyte.CREATININE: "0.9"})
    world.at = morning(NOW)
    return subject


def rules(subject: Subject) -> list[str]:
    return [one.rule.id for one in dose_suggestions(subject, NOW)]


def hold(world: World, subject: Subject) -> DoseModification:
    wanted = Order(Drug.ANAKINRA, DoseAction.HOLD, NOW - timedelta(days=5), "Neutrophils 0.8")
    return modify_dose(**who(world, subject), token=uuid4(), order=wanted)


def show(client: Client, subject: Subject, name: str, *parts: object, query: str = "") -> str:
    answer = client.get(reverse(name, args=[subject.key, *parts]) + query)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.req("E4")
def test_a_result_suggests_a_hold_and_a_recovery_its_end(world: World, subject: Subject) -> None:
    assert rules(subject) == ["M-A1"]
    (one,) = dose_suggestions(subject, NOW)
    assert [(each.words, each.on, each.source) for each in one.evidence] == [
        ("Neutrophils 0.8 ×10⁹/L", treat.MONTH[1], "visit:m01")
    ]
    hold(world, subject)
    assert rules(subject) == []
    record(world, subject, "uns1", NOW - timedelta(days=1), {Analyte.ANC: "1.6"})
    assert rules(subject) == ["M-A6"]


@pytest.mark.req("E4")
def test_events_medication_clearance_and_missed_doses_are_read(world: World, subject: Subject) -> None:
    record(world, subject, "m02", treat.MONTH[2], {Analyte.ANC: "2.0", Analyte.CRCL: "25"})
    reported(world, subject, an_event("Skin infection", 2, "mar 2024"))
    record_medication(
        **who(world, subject), token=uuid4(), medication=Medication("Cefazolin IV", "Skin infection", on_day(NOW))
    )
    treat.fill(world, subject, NOW - timedelta(days=1), NOW - timedelta(days=1), DoseStatus.MISSED)
    assert rules(subject) == ["M-A3", "M-A7", "M-M1"]


@pytest.mark.req("E4")
def test_clearance_is_reckoned_from_creatinine_only_where_it_was_not_measured(world: World, subject: Subject) -> None:
    """Creatinine of 4.5 mg/dL at 70 kg means less than 30 mL/min by the formula; the laboratory measured 60."""
    record_visit(**who(world, subject), code="m02", facts=VisitFacts(treat.MONTH[2], weight_kg=Decimal(70)))
    values = {Analyte.ANC: "2.0", Analyte.CREATININE: "4.5"}
    record(world, subject, "m02", treat.MONTH[2], values)
    assert rules(subject) == ["M-A7"]
    record(world, subject, "m02", treat.MONTH[2], {**values, Analyte.CRCL: "60"}, reason="Was measured")
    assert rules(subject) == []


@pytest.mark.req("E4")
def test_what_was_corrected_or_entered_in_error_is_not_read(world: World, subject: Subject) -> None:
    record(world, subject, "m02", treat.MONTH[2], {Analyte.ANC: "2.0"})
    reported(world, subject, an_event("Skin infection", 2, "mar 2024"))
    given = record_medication(
        **who(world, subject), token=uuid4(), medication=Medication("Cefazolin IV", "Skin infection", on_day(NOW))
    )
    yesterday = NOW - timedelta(days=1)
    treat.fill(world, subject, yesterday, yesterday, DoseStatus.MISSED)
    assert rules(subject) == ["M-A3", "M-M1"]
    mark_medication_in_error(**who(world, subject), medication_id=given.pk, reason="Another subject's")
    assert rules(subject) == ["M-M1"]
    taken = DoseEntry(Drug.ANAKINRA, DoseStatus.TAKEN)
    record_day(**who(world, subject), on=yesterday, entries=[taken], change_reason="Was taken")
    assert rules(subject) == []


def test_what_happened_before_the_first_dose_suggests_nothing(world: World) -> None:
    subject = treat.registered(world)
    treat.screened_results(world, subject)
    record(world, subject, "bl", treat.DAY1, {Analyte.ANC: "0.8"})
    reported(world, subject, an_event("Anaphylaxis", 3, "11 jan 2024", "11 jan 2024"))
    assert dose_suggestions(subject, NOW) == ()
    treat.start(world, subject)
    subject.refresh_from_db()
    assert rules(subject) == []


@pytest.mark.req("E4")
def test_looking_shows_evidence_and_writes_nothing(world: World, client: Client, subject: Subject) -> None:
    reported(world, subject, an_event("Lung infection", 3, "10 mar 2024"))
    log_in(client, world.person(Role.COORDINATOR))
    with connection.cursor() as cursor:
        before = written(cursor)
        for name, parts in (("subject_dosing", ()), ("subject_modifications", ()), ("adverse_event", (1,))):
            shown = show(client, subject, name, *parts)
            assert "Hold anakinra" in shown, name
            assert "not confirmed by the study owner" in shown.lower()
        labs = reverse("visit_labs", args=[subject.key, "m01"])
        assert f'<a href="{labs}">Neutrophils 0.8 ×10⁹/L, 14 Feb 2024</a>' in show(client, subject, "subject_dosing")
        overview = show(client, subject, "subject")
        assert "Suggested: hold anakinra" in overview
        assert f"{reverse('subject_dosing', args=[subject.key])}#suggested" in overview
        assert written(cursor) == before


def written(cursor: object) -> list[tuple[int, ...]]:
    """How many rows of treatment, events and proposals there are."""
    counts = []
    for table in ("dosing_dosemodification", "dosing_doserecord", "dosing_phaseproposal", "safety_adverseevent",
                  "trialsite_query", "trialsite_stateperiod", "trialsite_outboxmessage"):  # fmt: skip
        cursor.execute(f"SELECT count(*) FROM {table}")  # type: ignore[attr-defined]
        counts.append(cursor.fetchone())  # type: ignore[attr-defined]
    return counts


@pytest.mark.req("E4")
def test_the_form_is_filled_in_and_a_person_records(world: World, client: Client, subject: Subject) -> None:
    log_in(client, world.person(Role.COORDINATOR))
    shown = show(client, subject, "subject_modifications", query="?rule=M-A1")
    assert 'value="Neutrophils 0.8 ×10⁹/L, 14 Feb 2024 (rule M-A1)"' in shown
    assert re.search(r'<input type="radio"[^>]*value="HOLD"[^>]* checked', shown)
    assert not DoseModification.objects.exists()
    for unmet in ("?rule=M-A5", "?rule=nonsense"):
        assert "M-A5" not in show(client, subject, "subject_modifications", query=unmet)


def test_an_event_that_says_what_was_done_suggests_nothing_on_its_page(
    world: World, client: Client, subject: Subject
) -> None:
    reported(world, subject, an_event("Lung infection", 3, "10 mar 2024", action_anakinra=ActionTaken.HELD))
    log_in(client, world.person(Role.COORDINATOR))
    assert "Suggested for the dose" not in show(client, subject, "adverse_event", 1)


def test_who_may_not_record_sees_the_suggestion_without_the_form(
    world: World, client: Client, subject: Subject
) -> None:
    log_in(client, world.person(Role.MONITOR))
    shown = show(client, subject, "subject_dosing")
    assert "Hold anakinra" in shown
    assert "?rule=" not in shown
