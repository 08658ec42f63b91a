"""Source data verification: versions of items, who verifies, what resets a verification, and its pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from dosing.services import DoseEntry, record_day
from protocol.vocabulary import Analyte, DoseStatus, Drug
from tests import world_dosing as treat
from tests.world import World, log_in
from tests.world_enrollment import screened
from tests.world_followup import contact, followed_subject, reached, who, world_in_sight
from tests.world_labs import record, treated_subject
from tests.world_safety import an_event, reported
from trialsite.audit_words import QUIET
from trialsite.foresight import foresee
from trialsite.models import Role, SourceVerification, Subject, SubjectRecord
from trialsite.records import BY_TABLE, KINDS
from trialsite.sdv_counts import counts, together
from trialsite.sdv_selectors import Item, State, items_of
from trialsite.services.source_verification import verify_items, withdraw_verification
from trialsite.services.subjects import Refused, Stale
from trialsite.source_fold import Event, Record, fold
from trialsite.source_items import CRITICAL_ANALYTES, DOSES, NO_ITEM, PLACES, SOURCES, WITHOUT_SOURCE

DAY1 = date(2024, 3, 4)
DOSED = treat.DAY1
AT = datetime(2024, 3, 4, 12, tzinfo=UTC)


# -- the version of an item is the event that wrote it


def events(table: str, *steps: tuple[str, bool, dict[str, Any], int]) -> list[Event]:
    return [
        Event(number, table, row, is_insert, new, AT, "Mary", 7, transaction)
        for number, (row, is_insert, new, transaction) in enumerate(steps, start=1)
    ]


def only(found: list[Record]) -> Record:
    (record,) = found
    return record


def versions(found: Record) -> dict[str, int]:
    return {item: found.version_of(item).number for item in found.written}


def test_a_change_is_a_new_version_of_that_item_and_of_no_other() -> None:
    visit = {"id": 5, "code": "m01", "status": "complete", "occurred_on": "2024-04-04", "ecog": 0, "pulse": None}
    steps = ("5", True, visit, 1), ("5", False, {"ecog": 1}, 2), ("5", False, {"ecog": 0}, 3)
    assert versions(only(fold(events("trialsite_visit", *steps[:1])))) == {"occurred_on": 1, "ecog": 1}
    assert versions(only(fold(events("trialsite_visit", *steps[:2])))) == {"occurred_on": 1, "ecog": 2}
    back = only(fold(events("trialsite_visit", *steps)))
    assert versions(back) == {"occurred_on": 1, "ecog": 3}, "changed and changed back is another version"


def test_a_later_row_of_the_same_record_changes_what_differs() -> None:
    first = {"visit_id": 5, "bm_pc": 30.0, "bm_clonal": "POSITIVE", "superseded_at": None}
    steps = (
        ("8", True, first, 1), ("8", False, {"superseded_at": "now"}, 2), ("9", True, {**first, "bm_pc": 35.0}, 2),
    )  # fmt: skip
    found = only(fold(events("labs_diseaseassessment", *steps)))
    assert (found.record_id, versions(found)) == (8, {"bm_pc": 3, "bm_clonal": 1})


def test_what_was_taken_back_and_entered_anew_is_new() -> None:
    dose = {"subject_id": 1, "drug": "ANAKINRA", "on": "2024-03-05", "status": "TAKEN", "given_mg": 100.0}
    undone = ("4", False, {"superseded_at": "now"}, 2)
    assert only(fold(events("dosing_doserecord", ("4", True, dose, 1), undone))).ended is not None
    again = only(fold(events("dosing_doserecord", ("4", True, dose, 1), undone, ("6", True, dose, 3))))
    assert (again.ended, versions(again)) == (None, {"given": 3})


def test_every_record_of_a_subject_is_compared_with_its_source_or_says_why_not() -> None:
    models = [Subject, *(one for one in apps.get_models() if issubclass(one, SubjectRecord))]
    kinds = {BY_TABLE.get(one._meta.db_table, one._meta.db_table) for one in models}
    assert kinds == set(SOURCES) | set(WITHOUT_SOURCE)
    for kind, source in SOURCES.items():
        model = next(one for one in models if one._meta.db_table == KINDS[kind].table)
        columns = {field.column for field in model._meta.concrete_fields}
        items = {column for item in source.items for column in source.columns(item)}
        assert items <= columns, kind
        assert columns - items - QUIET - set(NO_ITEM) == set(), kind
        assert source.place in {"", DOSES, *PLACES}
    assert Analyte.SERUM_M in CRITICAL_ANALYTES
    assert Analyte.SODIUM not in CRITICAL_ANALYTES


# -- services


@pytest.fixture
def world(db: None) -> Iterator[World]:
    with world_in_sight() as world:
        yield world


@pytest.fixture
def subject(world: World) -> Subject:
    treated = treated_subject(world, day1=DAY1)
    record(world, treated, "bl", DAY1, {Analyte.SERUM_M: "2.9", Analyte.HB: "12.9", Analyte.SODIUM: "140"})
    return treated


def at(subject: Subject, analyte: str) -> Item:
    return next(one for one in items_of(subject) if one.name == analyte)


def verify(world: World, subject: Subject, *items: Item) -> list[SourceVerification]:
    return verify_items(**who(world, subject, Role.MONITOR), tokens=[one.token for one in items])


@pytest.mark.req("D11")
def test_a_monitor_verifies_once_and_a_change_resets_only_what_changed(world: World, subject: Subject) -> None:
    spike, sodium = at(subject, "serum_m"), at(subject, "sodium")
    assert (spike.value, spike.is_critical, spike.state) == ("2.9 g/dL", True, State.UNVERIFIED)
    assert sodium.is_critical is False
    (made, _) = verify(world, subject, spike, sodium)
    assert (made.value, made.place, made.verified_by_id) == ("2.9 g/dL", "bl", world.person(Role.MONITOR).user_id)
    assert verify(world, subject, spike) == [], "a second time changes nothing"
    record(world, subject, "bl", DAY1, {Analyte.SERUM_M: "2.7"}, reason="Transcription error")
    states = {name: at(subject, name).state for name in ("serum_m", "sodium", "hb")}
    assert states == {"serum_m": State.CHANGED, "sodium": State.VERIFIED, "hb": State.UNVERIFIED}
    with pytest.raises(Stale, match="Serum M-spike"):
        verify(world, subject, spike, at(subject, "hb"))
    assert at(subject, "hb").state is State.UNVERIFIED, "all or nothing"
    record(world, subject, "bl", DAY1, {Analyte.SERUM_M: "2.9"}, reason="It was right")
    assert at(subject, "serum_m").state is State.CHANGED, "changed back is a version that nobody verified"


@pytest.mark.req("D11", "A8")
@pytest.mark.parametrize("role", [role for role in Role if role != Role.MONITOR])
def test_nobody_else_verifies(world: World, subject: Subject, role: Role) -> None:
    with pytest.raises(PermissionDenied):
        verify_items(**who(world, subject, role), tokens=[at(subject, "hb").token])


def test_nothing_and_what_is_not_there_is_refused(world: World, subject: Subject) -> None:
    with pytest.raises(Refused, match="Choose"):
        verify(world, subject)
    for token in ("lab_result:1:value:x", "", "visit:999:ecog:1"):
        with pytest.raises(Stale):
            verify_items(**who(world, subject, Role.MONITOR), tokens=[token])


@pytest.mark.req("D11", "B1")
def test_a_verification_is_withdrawn_with_a_reason_and_stays(world: World, subject: Subject) -> None:
    (made,) = verify(world, subject, at(subject, "hb"))
    given = {**who(world, subject, Role.MONITOR), "verification_id": made.pk}
    with pytest.raises(Refused, match="Say why"):
        withdraw_verification(**given, reason=" ")
    with pytest.raises(PermissionDenied):
        withdraw_verification(**{**given, "by": world.person(Role.COORDINATOR)}, reason="No")
    withdraw_verification(**given, reason="Wrong subject's chart")
    now = at(subject, "hb")
    assert now.state is State.UNVERIFIED
    assert now.latest is not None
    assert now.latest.withdrawal is not None
    assert now.latest.withdrawal.reason == "Wrong subject's chart"
    with pytest.raises(Refused, match="already"):
        withdraw_verification(**given, reason="Again")
    (again,) = verify(world, subject, now)
    assert (again.attempt, at(subject, "hb").state) == (2, State.VERIFIED)


@pytest.mark.req("D11")
def test_who_corrects_is_told_before_that_it_will_need_verifying_again(world: World, subject: Subject) -> None:
    verify(world, subject, at(subject, "serum_m"), at(subject, "hb"))

    def act() -> None:
        record(world, subject, "bl", DAY1, {Analyte.SERUM_M: "2.7"}, reason="Transcription error")

    effects = foresee(subject_id=subject.pk, at=world.at, act=act)
    told = [(one.label, one.after) for one in effects if "erif" in one.after]
    assert told == [("Serum M-spike, Day 1", "Verified value will need verifying again")]
    assert at(subject, "serum_m").state is State.VERIFIED, "looking keeps nothing"


@pytest.mark.req("D11")
def test_counts_follow_every_event(world: World, subject: Subject) -> None:
    before = together(one.tally for one in counts([subject.pk])[subject.pk])
    verify(world, subject, at(subject, "serum_m"))
    after = together(one.tally for one in counts([subject.pk])[subject.pk])
    assert (after.items, after.verified) == (before.items, before.verified + 1)
    assert after.critical_left == before.critical_left - 1
    assert before.items == len(items_of(subject))
    record(world, subject, "bl", DAY1, {Analyte.SERUM_M: "2.7"}, reason="Transcription error")
    (day1,) = (one for one in counts([subject.pk])[subject.pk] if one.name == "bl")
    assert (day1.tally.changed, day1.changed) == (1, ("Serum M-spike",))


# -- pages


@pytest.mark.req("D11")
def test_a_monitor_verifies_a_form_and_then_the_visit_on_its_page(
    world: World, subject: Subject, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trialsite.clock.now", lambda: world.at)
    address = reverse("visit_sdv", args=[subject.key, "bl"])
    monitor = log_in(client, world.person(Role.MONITOR))
    form = at(subject, "hb").form.key
    tokens = [one.token for one in items_of(subject) if one.place == "bl"]
    shown: dict[str, list[str]] = {}
    for one in items_of(subject):
        if one.place == "bl":
            shown.setdefault(f"shown-{one.form.key}", []).append(one.token)
    assert all(token in monitor.get(address).content.decode() for token in tokens)
    assert monitor.post(address, {**shown, "action": f"form:{form}"}).status_code == 303
    assert at(subject, "hb").state is State.VERIFIED
    assert at(subject, "serum_m").state is State.UNVERIFIED
    monitor.post(address, {**shown, "action": "place"})
    assert {one.state for one in items_of(subject) if one.place == "bl"} == {State.VERIFIED}
    record(world, subject, "bl", DAY1, {Analyte.SERUM_M: "2.7"}, reason="Transcription error")
    refused = monitor.post(address, {"action": "ticked", "item": shown[f"shown-{at(subject, 'serum_m').form.key}"]})
    assert refused.status_code == 422
    assert "Changed since you opened this page: Serum M-spike" in refused.content.decode()
    assert f"{address}?show=changed" in monitor.get(reverse("sdv")).content.decode()
    changed = monitor.get(f"{address}?show=changed").content.decode()
    assert "2.9 g/dL was verified by" in changed
    assert "Haemoglobin" not in changed
    grid = log_in(Client(), world.person(Role.COORDINATOR)).get(reverse("visit_labs", args=[subject.key, "bl"]))
    assert grid.content.decode().count("Verified against the source; a change") == 2
    assert grid.content.decode().count("Changed since verified") == 1


@pytest.mark.req("D11")
def test_a_field_of_an_adverse_event_says_that_it_was_verified(
    world: World, subject: Subject, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trialsite.clock.now", lambda: world.at)
    first, second = (reported(world, subject, an_event(term, 2, "feb 2024")) for term in ("Headache", "Nausea"))
    verify(world, subject, *(one for one in items_of(subject) if one.number == first.number))
    coordinator = log_in(client, world.person(Role.COORDINATOR))
    told = {
        one.number: coordinator.get(reverse("adverse_event", args=[subject.key, one.number])).content.decode()
        for one in (first, second)
    }
    assert told[first.number].count("Verified by Dr Monitor-00") > 5
    assert "Verified by" not in told[second.number]


def shown_to(role: Role, world: World, subject: Subject, page: str, query: str = "") -> str:
    client = log_in(Client(), world.person(role, subject.site.code))
    return client.get(f"{reverse(page, args=[subject.key])}{query}").content.decode()


@pytest.mark.req("D11")
def test_consents_and_contacts_say_what_of_them_was_verified(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trialsite.clock.now", lambda: world.at)
    asked = screened(world)
    consented = [one for one in items_of(asked) if one.record_type == "consent"]
    verify(world, asked, *consented[:2])
    page = shown_to(Role.COORDINATOR, world, asked, "subject_consent")
    assert page.count("Verified by Dr Monitor-00") == 1, "what stands alike is told once"
    assert ", ".join(one.label for one in consented[:2]) in page
    assert "Verified by" not in shown_to(Role.COORDINATOR, world, asked, "subject_follow_up")
    followed = followed_subject(world, last_dose_on=date(2024, 8, 20))
    made = contact(world, followed, reached("fu06", date(2025, 2, 18)))
    verify(world, followed, *(one for one in items_of(followed) if one.record_type == "contact"))
    page = shown_to(Role.MONITOR, world, followed, "subject_follow_up", f"?visit={made.visit_code}")
    assert page.count("Verified by Dr Monitor-00") == 1


@pytest.mark.req("D11")
def test_a_day_of_doses_says_that_it_was_verified_until_it_changes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trialsite.clock.now", lambda: world.at)
    subject = treat.on_anakinra(world)
    world.later(5)
    treat.fill(world, subject, DOSED, DOSED + timedelta(days=3))
    doses = sorted((one for one in items_of(subject) if one.record_type == "dose"), key=lambda one: one.record_id)
    verify(world, subject, *doses[:2])
    for role in (Role.MONITOR, Role.COORDINATOR):
        days = [shown_to(role, world, subject, "subject_dosing", f"?day={DOSED + timedelta(days=n)}") for n in (0, 2)]
        assert [day.count("Verified by Dr Monitor-00") for day in days] == [1, 0]
    correct = who(world, subject)
    day = {"on": DOSED, "entries": [DoseEntry(Drug.ANAKINRA, DoseStatus.MISSED, "Forgot")]}
    record_day(**correct, **day, change_reason="The diary says so")
    changed = shown_to(Role.COORDINATOR, world, subject, "subject_dosing", f"?day={DOSED}")
    assert "Changed since verified: to be verified again." in changed
