"""Freezing and locking: what a lock needs, what it refuses, what the database holds still, and what an unlock opens."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from importlib import import_module
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse

from labs.models import LabResult
from labs.services import VisitFacts, add_unscheduled_visit, mark_visit_in_error, record_visit
from protocol.vocabulary import Analyte
from tests import world_dosing as treat
from tests.fixtures.databases import Database
from tests.world import World, log_in, new_world
from tests.world_followup import who, world_in_sight
from tests.world_labs import record
from tests.world_locks import at_place, casebook_signed, lock, locked, place_of, verified, wanted
from tests.world_safety import an_event, reported
from trialsite.access import Duty
from trialsite.context import reading, writing
from trialsite.lock_selectors import Standing
from trialsite.lock_snapshots import changes_since, is_intact
from trialsite.models import AuditEvent, LockStep, Query, Role, Subject
from trialsite.records import BY_TABLE
from trialsite.refusals import PlaceClosed
from trialsite.sdv_selectors import items_of
from trialsite.services import queries
from trialsite.services.locks import ask_for_unlock, decline_unlock, freeze, lift_freeze, lock_places, unlock
from trialsite.services.queries import Anchor
from trialsite.services.source_verification import withdraw_verification
from trialsite.services.subjects import Refused, Stale
from trialsite.source_items import DOSES, SOURCES

PLACES_IN_SQL = import_module("trialsite.migrations.0005_lock_rules").PLACES

SAMPLE = date(2024, 1, 20)
VISIT = "uns1"
SENTENCE = "This visit was locked on 20 Jan 2024 by data management. Ask for an unlock."


@pytest.fixture
def world(db: None) -> Iterator[World]:
    with world_in_sight() as world:
        yield world


@pytest.fixture
def subject(world: World) -> Subject:
    """A subject in induction with an unscheduled visit, which asks for nothing that is not there."""
    treated = treat.on_anakinra(world)
    world.later(5)
    add_unscheduled_visit(**who(world, treated), occurred_on=SAMPLE, reason="Fever", token=uuid4())
    record(world, treated, VISIT, SAMPLE, {Analyte.SERUM_M: "3.7", Analyte.SODIUM: "140"})
    return treated


def correct(world: World, subject: Subject, typed: str = "3.5", code: str = VISIT) -> None:
    record(world, subject, code, SAMPLE, {Analyte.SERUM_M: typed}, reason="Transcription error")


# -- what a lock needs


@pytest.mark.req("C11")
def test_a_place_is_locked_once_everything_is_verified_signed_and_answered(world: World, subject: Subject) -> None:
    before = place_of(world, subject, VISIT)
    assert (before.state, before.blockers) == (
        Standing.OPEN,
        ("The casebook is not signed.", "4 critical values are not verified against the source."),
    )
    with pytest.raises(Refused, match=r"cannot be locked. The casebook is not signed. 4 critical"):
        lock(world, subject, VISIT)
    verified(world, subject, VISIT)
    casebook_signed(world, subject)
    assert place_of(world, subject, VISIT).state is Standing.CLEAN
    (step,) = lock(world, subject, VISIT)
    after = place_of(world, subject, VISIT)
    assert (after.state, after.is_ready, step.by_name) == (Standing.LOCKED, False, "Dr Data_Manager-00")
    with pytest.raises(Refused, match="locked already"):
        lock(world, subject, VISIT)


@pytest.mark.req("C11", "A7")
def test_a_waiting_query_a_broken_signature_and_what_came_later_keep_it_open(world: World, subject: Subject) -> None:
    verified(world, subject, VISIT)
    casebook_signed(world, subject)
    query = ask(world, subject)
    assert place_of(world, subject, VISIT).blockers == ("A query is open: Is this so?",)
    assert place_of(world, subject, "scr").blockers[0] != "A query is open: Is this so?", "of another visit"
    queries.answer(by=world.person(Role.COORDINATOR), at=world.at, query_id=query.pk, site_id=query.site_id, text="Yes")
    assert place_of(world, subject, VISIT).blockers == ("A query is answered and not closed: Is this so?",)
    with pytest.raises(Refused, match="A query is answered and not closed"):
        lock(world, subject, VISIT)
    queries.close(by=world.person(Role.MONITOR), at=world.at, query_id=query.pk, site_id=query.site_id, text="Closed")
    record(world, subject, VISIT, SAMPLE, {Analyte.POTASSIUM: "4.1"})
    assert place_of(world, subject, VISIT).blockers == ("The casebook has entries here that are not signed.",)
    correct(world, subject)
    assert set(place_of(world, subject, VISIT).blockers) == {
        "The signature under the casebook is broken.",
        "1 critical value is not verified against the source.",
    }
    with pytest.raises(Refused, match="signature under the casebook is broken"):
        lock(world, subject, VISIT)
    assert LockStep.objects.count() == 0


def ask(world: World, subject: Subject) -> Query:
    result = LabResult.objects.get(subject=subject, analyte=Analyte.SERUM_M, specimen__visit__code=VISIT)
    anchor = Anchor("lab_result", result.pk, "serum_m", VISIT)
    manager = world.person(Role.DATA_MANAGER)
    return queries.ask(by=manager, at=world.at, token=uuid4(), subject=subject, anchor=anchor, text="Is this so?")


@pytest.mark.req("C11")
def test_a_visit_with_results_to_come_and_a_month_that_goes_on_are_not_locked(world: World, subject: Subject) -> None:
    treat.fill(world, subject, treat.DAY1, treat.DAY1)
    assert "The month has not ended." in place_of(world, subject, "doses-2024-01").blockers
    assert any("results are entered" in words for words in place_of(world, subject, "scr").blockers)
    world.later(30)
    blockers = place_of(world, subject, "doses-2024-01").blockers
    assert "16 days have no record." in blockers
    assert "The month has not ended." not in blockers


@pytest.mark.req("C11")
def test_all_or_nothing_and_nothing_that_changed_since_it_was_shown(world: World, subject: Subject) -> None:
    verified(world, subject, VISIT)
    casebook_signed(world, subject)
    shown = wanted(place_of(world, subject, VISIT), place_of(world, subject, "scr"))
    with pytest.raises(Refused, match="Screening"):
        lock_places(by=world.person(Role.DATA_MANAGER), at=world.at, wanted=shown)
    assert LockStep.objects.count() == 0
    correct(world, subject)
    with pytest.raises(Stale, match="Changed since the list was shown: Unscheduled visit 1"):
        lock_places(by=world.person(Role.DATA_MANAGER), at=world.at, wanted=shown[:1])
    with pytest.raises(Refused, match="Choose"):
        lock_places(by=world.person(Role.DATA_MANAGER), at=world.at, wanted=[])


# -- who


@pytest.mark.req("A7", "A8")
@pytest.mark.parametrize("role", [role for role in Role if role != Role.DATA_MANAGER])
def test_only_data_managers_freeze_lock_and_unlock(world: World, subject: Subject, role: Role) -> None:
    verified(world, subject, VISIT)
    casebook_signed(world, subject)
    person = world.person(role)
    with pytest.raises(PermissionDenied):
        lock(world, subject, VISIT, by=person)
    with pytest.raises(PermissionDenied):
        freeze(**at_place(world, subject, VISIT, role))
    lock(world, subject, VISIT)
    with pytest.raises(PermissionDenied):
        unlock(**at_place(world, subject, VISIT, role), reason="Because")
    if role not in (Role.COORDINATOR, Role.INVESTIGATOR):
        with pytest.raises(PermissionDenied):
            ask_for_unlock(**at_place(world, subject, VISIT, role), reason="Because")


@pytest.mark.req("A8")
def test_who_entered_a_value_does_not_lock_it(world: World, subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """A coordinator who became a data manager: the two roles are never held at one time, but one after the other."""
    verified(world, subject, VISIT)
    casebook_signed(world, subject)
    author = world.person(Role.COORDINATOR).user_id
    manager = world.person(Role.DATA_MANAGER)
    both = type(manager)(manager.printed_name, author, "", manager.grants, manager.protocol_version, manager.trained_on)
    with pytest.raises(PermissionDenied, match="Who entered a value cannot lock it"):
        lock(world, subject, VISIT, by=both)


# -- what is closed stands still


@pytest.mark.req("D10", "B15")
def test_an_unlock_opens_exactly_one_place_and_every_step_is_one_event(world: World, subject: Subject) -> None:
    add_unscheduled_visit(**who(world, subject), occurred_on=SAMPLE, reason="Fever again", token=uuid4())
    locked(world, subject, VISIT, "uns2")
    with pytest.raises(PlaceClosed, match=SENTENCE):
        correct(world, subject)
    with pytest.raises(Refused, match="Say what has to be corrected"):
        ask_for_unlock(**at_place(world, subject, VISIT, Role.COORDINATOR), reason=" ")
    ask_for_unlock(**at_place(world, subject, VISIT, Role.COORDINATOR), reason="The report was misread")
    with pytest.raises(Refused, match="asked for already"):
        ask_for_unlock(**at_place(world, subject, VISIT, Role.INVESTIGATOR), reason="Again")
    with pytest.raises(PlaceClosed):
        correct(world, subject)
    with pytest.raises(Refused, match="Say why it is unlocked"):
        unlock(**at_place(world, subject, VISIT), reason="")
    unlock(**at_place(world, subject, VISIT), reason="Report of 20 Jan shows 3.5")
    correct(world, subject)
    with pytest.raises(PlaceClosed):
        mark_visit_in_error(**who(world, subject), code="uns2", reason="Did not take place")
    steps = LockStep.objects.filter(place=VISIT)
    assert [(one.number, one.act, one.state) for one in steps] == [
        (1, "lock", "locked"), (2, "ask", "locked"), (3, "unlock", "open"),
    ]  # fmt: skip
    events = AuditEvent.objects.filter(table="trialsite_lockstep", subject_id=subject.pk, new__place=VISIT)
    assert [one.new["act"] for one in events.order_by("id")] == ["lock", "ask", "unlock"]
    assert events.order_by("id")[0].new["snapshot"].startswith("sha256:"), "the trail keeps the proof, not a copy"


def test_a_declined_unlock_leaves_the_lock_and_can_be_asked_for_again(world: World, subject: Subject) -> None:
    locked(world, subject, VISIT)
    with pytest.raises(Refused, match="is not asked for"):
        decline_unlock(**at_place(world, subject, VISIT), reason="No")
    ask_for_unlock(**at_place(world, subject, VISIT, Role.COORDINATOR), reason="Misread")
    decline_unlock(**at_place(world, subject, VISIT), reason="The report says the same")
    assert (place_of(world, subject, VISIT).state, place_of(world, subject, VISIT).is_asked) == ("locked", False)
    with pytest.raises(PlaceClosed):
        correct(world, subject)
    ask_for_unlock(**at_place(world, subject, VISIT, Role.COORDINATOR), reason="There is another report")


def test_a_freeze_stops_changes_until_it_is_lifted_with_a_reason(world: World, subject: Subject) -> None:
    freeze(**at_place(world, subject, VISIT))
    with pytest.raises(PlaceClosed, match="This visit was frozen on 20 Jan 2024 by data management"):
        correct(world, subject)
    with pytest.raises(Refused, match="frozen already"):
        freeze(**at_place(world, subject, VISIT))
    ask(world, subject)
    with pytest.raises(Refused, match="is not locked"):
        unlock(**at_place(world, subject, VISIT), reason="Why")
    with pytest.raises(Refused, match="Say why the freeze is lifted"):
        lift_freeze(**at_place(world, subject, VISIT), reason="")
    lift_freeze(**at_place(world, subject, VISIT), reason="The query needs a correction")
    correct(world, subject)
    with pytest.raises(Refused, match="is not frozen"):
        lift_freeze(**at_place(world, subject, VISIT), reason="Again")


def test_what_is_frozen_can_be_locked(world: World, subject: Subject) -> None:
    freeze(**at_place(world, subject, VISIT), reason="Cleaning")
    locked(world, subject, VISIT)
    assert [one.act for one in LockStep.objects.filter(place=VISIT)] == ["freeze", "lock"]


def test_what_may_grow_is_neither_frozen_nor_locked_while_the_subject_takes_part(
    world: World, subject: Subject
) -> None:
    reported(world, subject, an_event("Headache", 2, "jan 2024"))
    with pytest.raises(Refused, match="The subject takes part still"):
        freeze(**at_place(world, subject, "safety"))
    assert "The subject takes part still." in place_of(world, subject, "safety").blockers
    with pytest.raises(Refused, match="Nothing is entered there"):
        freeze(**at_place(world, subject, "m05"))


@pytest.mark.req("D10")
def test_a_locked_place_is_neither_asked_about_nor_verified_and_others_go_on(world: World, subject: Subject) -> None:
    locked(world, subject, VISIT)
    with pytest.raises(PlaceClosed, match=SENTENCE):
        ask(world, subject)
    (check,) = [one.latest for one in items_of(subject) if one.place == VISIT and one.name == "serum_m"]
    assert check is not None
    with pytest.raises(PlaceClosed, match=SENTENCE):
        withdraw_verification(
            **who(world, subject, Role.MONITOR), verification_id=check.verification.pk, reason="Wrong chart"
        )
    record(world, subject, "m01", SAMPLE, {Analyte.SERUM_M: "3.6"})
    assert treat.reevaluated(world, subject) is not None, "what is derived goes on"
    with pytest.raises(PlaceClosed):
        record_visit(**who(world, subject), code=VISIT, facts=VisitFacts(SAMPLE, ecog=2), reason="Read again")


# -- the database itself


Change = Callable[[Subject], object]


def _sql(statement: str) -> Change:
    def change(subject: Subject) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, [subject.pk])

    return change


#: What the application might do to a locked visit without asking any service.
PAST_THE_SERVICES: Mapping[str, Change] = {
    "update a visit": _sql("UPDATE trialsite_visit SET ecog = 3 WHERE subject_id = %s AND code = 'uns1'"),
    "move a visit into the place": _sql(
        "UPDATE trialsite_visit SET code = 'uns1' WHERE subject_id = %s AND code = 'scr'"
    ),
    "move a visit out of it": _sql("UPDATE trialsite_visit SET code = 'uns7' WHERE subject_id = %s AND code = 'uns1'"),
    "update results": _sql("UPDATE labs_labresult SET typed = '1' WHERE subject_id = %s"),
    "add a sample": _sql(
        "INSERT INTO labs_specimen (subject_id, site_id, visit_id, panel, status, collected_on, accession, method,"
        " status_reason, version, recorded_at) SELECT s.subject_id, s.site_id, s.visit_id, 'urine', s.status,"
        " s.collected_on, 'x', s.method, s.status_reason, 1, now() FROM labs_specimen s JOIN trialsite_visit v"
        " ON v.id = s.visit_id WHERE s.subject_id = %s AND v.code = 'uns1' LIMIT 1"
    ),
}


@pytest.mark.req("D10")
@pytest.mark.parametrize("what", PAST_THE_SERVICES)
def test_the_database_refuses_whatever_no_service_asked(world: World, subject: Subject, what: str) -> None:
    change = PAST_THE_SERVICES[what]
    locked(world, subject, VISIT)

    def tried() -> None:
        person = world.person(Role.COORDINATOR)
        with (
            transaction.atomic(),
            writing(by=person, duty=Duty.ENTER_DATA, site_id=subject.site_id, at=world.at, reason="Past it"),
        ):
            change(subject)
            transaction.set_rollback(True)

    with pytest.raises(PlaceClosed, match=SENTENCE):
        tried()
    unlock(**at_place(world, subject, VISIT), reason="To see that it is the lock that refuses")
    with suppress(IntegrityError):
        tried()


@pytest.mark.req("D10", "B15")
def test_the_application_deletes_nothing_and_could_not_where_it_is_closed(fresh_db: Database) -> None:
    """It has the right on no table of source records. Were it given by mistake, what is closed would still stand."""
    world = new_world()
    subject = treat.on_anakinra(world)
    world.later(5)
    for reason in ("Fever", "Fever again"):
        add_unscheduled_visit(**who(world, subject), occurred_on=SAMPLE, reason=reason, token=uuid4())
    freeze(**at_place(world, subject, "uns1"))

    def delete(code: str) -> None:
        by = world.person(Role.COORDINATOR)
        with (
            writing(by=by, duty=Duty.ENTER_DATA, site_id=subject.site_id, at=world.at, reason="Past it"),
            connection.cursor() as cursor,
        ):
            cursor.execute("DELETE FROM trialsite_visit WHERE subject_id = %s AND code = %s", [subject.pk, code])
            assert cursor.rowcount == 1

    with pytest.raises(ProgrammingError, match="permission denied"):
        delete("uns2")
    with fresh_db.as_owner() as owner:
        right = "SELECT has_table_privilege('edc_app', %s, 'DELETE')"
        tables = (*PLACES_IN_SQL, "trialsite_subject")
        assert not [table for table in tables if owner.execute(right, [table]).fetchone() == (True,)]
        owner.execute("GRANT DELETE ON trialsite_visit TO edc_app")
    delete("uns2")
    with pytest.raises(PlaceClosed, match="This visit was frozen on 20 Jan 2024"):
        delete("uns1")


def test_a_step_is_never_changed_and_leads_where_it_says(world: World, subject: Subject) -> None:
    (step,) = locked(world, subject, VISIT)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        LockStep.objects.filter(pk=step.pk).update(state="open")
    manager = world.person(Role.DATA_MANAGER)
    step.pk, step.number, step.state = None, 2, "open"
    with (
        pytest.raises(IntegrityError, match="lockstep_leads_to_its_state"),
        writing(by=manager, duty=Duty.LOCK, site_id=subject.site_id, at=world.at),
    ):
        step.save(force_insert=True)


# -- every kind of source record


def test_every_kind_of_source_record_has_the_rule_with_its_own_place() -> None:
    ruled = {BY_TABLE[table] for table in (*PLACES_IN_SQL, "trialsite_subject")}
    assert ruled == set(SOURCES)
    for table, sql in PLACES_IN_SQL.items():
        fixed = SOURCES[BY_TABLE[table]].place
        assert (fixed in ("", DOSES)) or sql == f"'{fixed}'", table


# -- the snapshot


@pytest.mark.req("F7")
def test_the_snapshot_has_its_digest_and_later_changes_show_field_by_field(world: World, subject: Subject) -> None:
    (step,) = locked(world, subject, VISIT)
    assert is_intact(step)
    held = {(one["label"], one["value"]) for one in step.snapshot["items"]}
    assert held >= {("Serum M-spike", "3.7 g/dL"), ("Sodium", "140 mmol/L"), ("Date of the visit", "20 Jan 2024")}
    assert now(subject, step) == []
    unlock(**at_place(world, subject, VISIT), reason="Misread")
    correct(world, subject)
    record(world, subject, VISIT, SAMPLE, {Analyte.POTASSIUM: "4.1"})
    assert now(subject, step) == [
        ("Potassium", "not there", "4.1 mmol/L"),
        ("Serum M-spike", "3.7 g/dL", "3.5 g/dL"),
    ]
    correct(world, subject, "3.7")
    assert [label for label, _, _ in now(subject, step)] == ["Potassium"], (
        "what was changed back reads as it was locked"
    )
    mark_visit_in_error(**who(world, subject), code=VISIT, reason="Another subject's")
    assert ("Sodium", "140 mmol/L", "entered in error") in now(subject, step)
    step.snapshot["items"][0]["value"] = "something else"
    assert not is_intact(step)


def now(subject: Subject, step: LockStep) -> list[tuple[str, str, str]]:
    items = [one for one in items_of(subject) if one.place == VISIT]
    return sorted((one.label, one.was, one.now) for one in changes_since(step, items))


# -- pages


@pytest.fixture
def clock_of_the_world(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trialsite.clock.now", lambda: world.at)


def seen(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return re.sub(r"\s+", " ", html.unescape(response.content.decode()))


@pytest.mark.req("C11", "D10", "F7")
@pytest.mark.usefixtures("clock_of_the_world")
def test_a_data_manager_locks_what_is_ready_and_answers_the_site(world: World, subject: Subject) -> None:
    verified(world, subject, VISIT)
    casebook_signed(world, subject)
    manager, coordinator = (log_in(Client(), world.person(role)) for role in (Role.DATA_MANAGER, Role.COORDINATOR))
    page = seen(manager, reverse("locks"))
    assert "Lock what is ready (1)" in page
    assert "Lock what is ready" not in seen(coordinator, reverse("locks"))
    listed = seen(manager, reverse("locks_ready"))
    ticked = re.findall(r'name="place" value="([^"]+)" checked', listed)
    assert ticked == [place_of(world, subject, VISIT).token]
    assert "Baseline" in listed or "Screening" in listed, "what stays open is listed with the reason"
    assert "not verified against the source" in listed
    assert manager.post(reverse("locks_ready"), {"place": ["nonsense"]}).status_code == 404
    stale = manager.post(reverse("locks_ready"), {"place": [f"{ticked[0]}9"]})
    assert (stale.status_code, "Nothing was locked" in stale.content.decode()) == (422, True)
    assert manager.post(reverse("locks_ready"), {"place": ticked}).status_code == 303
    address = reverse("place_lock", args=[subject.key, VISIT])
    assert SENTENCE in seen(coordinator, address)
    assert coordinator.post(address, {"action": "ask", "reason": ""}).status_code == 422
    assert coordinator.post(address, {"action": "unlock", "reason": "Mine"}).status_code == 403
    assert coordinator.post(address, {"action": "ask", "reason": "The report was misread"}).status_code == 303
    assert "The report was misread" in seen(manager, reverse("locks"))
    assert manager.post(address, {"action": "unlock", "reason": "Report shows 3.5"}).status_code == 303
    correct(world, subject)
    changed = seen(manager, address)
    assert "3.7 g/dL" in changed
    assert "Changed since the lock of" in changed
    assert "Unlocked" in seen(manager, reverse("subject_locks", args=[subject.key])) or "Open" in changed
    assert manager.post(address, {"action": "freeze"}).status_code == 303
    assert "was frozen on" in seen(coordinator, address)


@pytest.mark.req("A16")
@pytest.mark.usefixtures("clock_of_the_world")
def test_the_investigator_reads_casebook_and_trail_after_the_lock_and_changes_nothing(
    world: World, subject: Subject
) -> None:
    locked(world, subject, VISIT)
    investigator = log_in(Client(), world.person(Role.INVESTIGATOR))
    assert "locked unscheduled visit 1" in seen(investigator, reverse("subject_audit", args=[subject.key]))
    seen(investigator, reverse("subject_casebook", args=[subject.key]))
    for name in ("visit", "visit_labs", "visit_disease"):
        page = seen(investigator, reverse(name, args=[subject.key, VISIT]))
        assert SENTENCE in page, name
        assert 'class="savebar"' not in page, name
    refused = investigator.post(
        reverse("visit", args=[subject.key, VISIT]), {"action": "facts", "occurred_on": "20 jan 2024", "ecog": "2"}
    )
    assert refused.status_code in (403, 422)
    with reading(world.person(Role.INVESTIGATOR), world.at):
        assert LabResult.objects.filter(subject=subject, superseded_at=None).count() > 0
