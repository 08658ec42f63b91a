"""The audit trail: complete whatever the code path, unalterable by the application, and verifiable."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import psycopg
import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.db.models import F

from tests.world import day_before, new_world
from trialsite import clock
from trialsite.access import Duty, system_actor
from trialsite.audit_selectors import entries
from trialsite.context import coming_from, reading, writing
from trialsite.models import AuditEvent, AuditLink, Role, Site, Subject, User, Visit
from trialsite.services.subjects import visit_for
from trialsite.verification import bad_rows

EXEMPT = {
    "django_session": "comes and goes with the browser",
    "django_content_type": "written by migrations only",
    "auth_permission": "not used: rights are in trialsite.access",
    "auth_group": "not used",
    "auth_group_permissions": "not used",
    "account_emailaddress": "not used: accounts come by invitation; the application may not write it",
    "account_emailconfirmation": "not used",
    "trialsite_submission": "single-use form tokens, no data",
    "trialsite_draft": "no record: seen by its author only, never exported, and saving it is audited",
    "trialsite_accessentry": "is itself an append-only log",
    "audit_event": "is the audit trail",
    "audit_link": "is the audit trail",
}


def audited_tables() -> list[str]:
    """From the catalogue: every table that carries the audit trigger."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'AUDIT' AND NOT tgisinternal ORDER BY 1"
        )
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.req("B1")
def test_every_table_is_audited_or_exempt_with_a_reason(db: None) -> None:
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    assert tables - set(audited_tables()) == set(EXEMPT)


def the_databases(expression: str) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {expression}")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


def write_by_every_road(rows: Sequence[Subject | Visit], column: str, *values: object) -> None:
    """One value for a save, an update, a bulk update and raw SQL; the last falls on the first row again."""
    first, second, third = rows
    table = first._meta.db_table
    setattr(first, column, values[0])
    first.save()
    type(second)._base_manager.filter(pk=second.pk).update(**{column: values[1]})
    setattr(third, column, values[2])
    type(third)._base_manager.bulk_update([third], [column])
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", [values[3], first.pk])


@pytest.mark.req("B2", "B3")
def test_every_code_path_is_captured(fresh_db: object) -> None:
    world = new_world()
    subjects = [world.subject() for _ in range(3)]
    coordinator = world.person(Role.COORDINATOR)
    site_id = world.sites["01"].pk
    with writing(by=coordinator, duty=Duty.ENTER_DATA, site_id=site_id, at=world.at):
        visits = [
            visit_for(by=coordinator, at=world.at, subject=subjects[0], code=code, occurred_on=day_before(world.at))
            for code in ("bl", "m01", "m02")
        ]
    with reading(system_actor("verification"), world.at):
        last = AuditEvent.objects.order_by("id").last()
    began = the_databases("clock_timestamp()")
    with (
        coming_from("test", "req-7"),
        writing(by=coordinator, duty=Duty.ENTER_DATA, site_id=site_id, at=world.at, reason="Typing error"),
    ):
        transaction_began = the_databases("now()")
        write_by_every_road(subjects, "birth_year", 1960, F("birth_year") + 1, 1961, 1962)
        write_by_every_road(visits, "pulse", 60, 61, 62, 63)
    ended = the_databases("clock_timestamp()")
    with writing(by=world.admin, duty=Duty.MANAGE_PEOPLE, site_id=None, at=world.at, reason="Married"):
        User.objects.filter(pk=coordinator.user_id).update(printed_name="Dr Somebody Else")
    with reading(system_actor("verification"), world.at):
        found = list(AuditEvent.objects.filter(id__gt=last.pk).order_by("id"))  # type: ignore[union-attr]
        new, renamed = found[:-1], found[-1]
        words = [one.words.partition(f"{coordinator.printed_name} changed ")[2] for one in entries(new)]
    year, pulse = ("trialsite_subject", "birth_year"), ("trialsite_visit", "pulse")
    assert [(one.table, next(iter(one.old)), one.row_id, one.old, one.new) for one in new] == [
        (*year, str(subjects[0].pk), {"birth_year": 1958}, {"birth_year": 1960}),
        (*year, str(subjects[1].pk), {"birth_year": 1958}, {"birth_year": 1959}),
        (*year, str(subjects[2].pk), {"birth_year": 1958}, {"birth_year": 1961}),
        (*year, str(subjects[0].pk), {"birth_year": 1960}, {"birth_year": 1962}),
        (*pulse, str(visits[0].pk), {"pulse": None}, {"pulse": 60}),
        (*pulse, str(visits[1].pk), {"pulse": None}, {"pulse": 61}),
        (*pulse, str(visits[2].pk), {"pulse": None}, {"pulse": 62}),
        (*pulse, str(visits[0].pk), {"pulse": 60}, {"pulse": 63}),
    ]
    assert [sentence.partition(":")[0] for sentence in words[4:]] == [
        "visit Day 1", "visit Month 1", "visit Month 2", "visit Day 1",
    ]  # fmt: skip
    of_subject = [*(subjects[index].pk for index in (0, 1, 2, 0)), *[subjects[0].pk] * 4]
    for event, subject_id in zip(new, of_subject, strict=True):
        assert (event.op, event.reason) == ("UPDATE", "Typing error")
        assert (event.user_id, event.system_actor) == (coordinator.user_id, None)
        assert event.actor_name == coordinator.printed_name != "Dr Somebody Else", "as it was then"
        assert (event.role, event.site_id, event.subject_id) == ("coordinator", site_id, subject_id)
        assert (event.request_id, event.source) == ("req-7", "test")
        assert event.transaction_id == new[0].transaction_id != renamed.transaction_id
        assert event.transaction_at == transaction_began
        assert event.software
    times = [began, transaction_began, *(event.at for event in new), ended]
    assert times == sorted(times), "by the clock of the database"
    assert renamed.new == {"printed_name": "Dr Somebody Else"}


@pytest.mark.req("B2")
def test_a_cascade_of_the_owner_is_captured(fresh_db) -> None:
    world = new_world()
    subject = world.subject()
    with fresh_db.as_owner() as owner, owner.transaction():
        owner.execute("SELECT set_config('app.system_actor', 'test', true), set_config('app.reason', 'test', true)")
        owner.execute("ALTER TABLE trialsite_stateperiod DROP CONSTRAINT trialsitestateperiod_subject_id_same_site")
        owner.execute(
            "ALTER TABLE trialsite_stateperiod ADD CONSTRAINT cascade_for_test FOREIGN KEY (subject_id)"
            " REFERENCES trialsite_subject (id) ON DELETE CASCADE"
        )
        owner.execute(
            "DO $$ DECLARE c text; BEGIN FOR c IN SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid ="
            " 'trialsite_stateperiod'::regclass AND confrelid = 'trialsite_subject'::regclass"
            " AND confdeltype <> 'c' LOOP EXECUTE format("
            "'ALTER TABLE trialsite_stateperiod DROP CONSTRAINT %I', c); END LOOP; END $$"
        )
        owner.execute("DELETE FROM trialsite_protocolperiod WHERE subject_id = %s", [subject.pk])
        owner.execute("DELETE FROM trialsite_subject WHERE id = %s", [subject.pk])
    with reading(system_actor("verification"), world.at):
        deleted = AuditEvent.objects.filter(op="DELETE", subject_id=subject.pk).values_list("table", flat=True)
        assert sorted(deleted) == ["trialsite_protocolperiod", "trialsite_stateperiod", "trialsite_subject"]


@pytest.mark.req("B4", "B5")
def test_a_write_without_actor_or_a_change_without_reason_is_refused(fresh_db: object) -> None:
    world = new_world()
    subject = world.subject()
    with (
        pytest.raises(DatabaseError, match="needs exactly one actor"),
        reading(system_actor("verification"), world.at),
    ):
        Subject.objects.filter(pk=subject.pk).update(birth_year=1950)
    coordinator = world.person(Role.COORDINATOR)
    with (
        pytest.raises(DatabaseError, match="needs a reason"),
        writing(by=coordinator, duty=Duty.ENTER_DATA, site_id=subject.site_id, at=world.at),
    ):
        Subject.objects.filter(pk=subject.pk).update(birth_year=1950)


@pytest.mark.req("B8", "B9", "F5")
def test_the_application_can_neither_write_nor_silence_the_trail(fresh_db) -> None:
    new_world()
    refused = [
        "INSERT INTO audit_event (chain) VALUES ('x')",
        "UPDATE audit_event SET reason = 'x'",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event",
        "UPDATE audit_link SET hash = 'x'",
        "DELETE FROM audit_link",
        "UPDATE audit_head SET hash = 'x'",
        "SET session_replication_role = replica",
        "ALTER TABLE audit_event DISABLE TRIGGER ALL",
        "DROP FUNCTION audit_capture() CASCADE",
        "SET ROLE edc_audit",
        "SET ROLE edc_owner",
    ]
    for table in audited_tables():
        refused += [
            f'ALTER TABLE {table} DISABLE TRIGGER "AUDIT"',
            f'DROP TRIGGER "AUDIT" ON {table}',
            f"TRUNCATE {table} CASCADE",
            f"DELETE FROM {table}",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        ]
    with fresh_db.as_app() as app:
        for statement in refused:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement)


@pytest.mark.req("B4", "B8")
def test_every_audited_table_refuses_a_raw_write_without_an_actor(fresh_db) -> None:
    """As the application role, sites in reach but nobody named: an insert of defaults never passes."""
    new_world()
    tables = audited_tables()
    with fresh_db.as_owner() as owner:
        for table, name in owner.execute(CHECKS, [tables]).fetchall():  # else a check would speak first
            owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    with fresh_db.as_app() as app:
        for table in tables:
            with app.transaction(force_rollback=True):
                app.execute("SELECT set_config('app.sites', 'all', true)")
                columns = app.execute(COLUMNS, [table]).fetchall()
                names = ", ".join(f'"{name}"' for name, _ in columns)
                values = ", ".join(SAMPLE[kind] for _, kind in columns)
                with pytest.raises(psycopg.errors.InsufficientPrivilege, match="needs exactly one actor"):
                    app.execute(f"INSERT INTO {table} ({names}) VALUES ({values})")


CHECKS = """
SELECT conrelid::regclass::text, conname FROM pg_constraint
WHERE contype = 'c' AND conrelid::regclass::text = ANY(%s)
"""
COLUMNS = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s AND is_identity = 'NO'"
SAMPLE = {
    "bigint": "1",
    "integer": "1",
    "smallint": "1",
    "numeric": "1",
    "character varying": "'x'",
    "text": "'x'",
    "boolean": "false",
    "date": "'2024-01-01'",
    "timestamp with time zone": "now()",
    "time without time zone": "'10:00'",
    "jsonb": "'{}'",
    "uuid": "gen_random_uuid()",
}


@pytest.mark.req("B8")
def test_not_even_the_owner_of_the_tables_writes_the_trail(fresh_db) -> None:
    new_world()
    with fresh_db.as_owner() as owner:
        for statement in ("UPDATE audit_event SET reason = 'x'", "DELETE FROM audit_link", "TRUNCATE audit_event"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                owner.execute(statement)


@pytest.mark.req("B10")
@pytest.mark.parametrize(
    ("tampering", "finding"),
    [
        ("UPDATE audit_event SET new = '{}' WHERE id = {middle}", "the event was altered"),
        ("DELETE FROM audit_event WHERE id = {middle}", "the event is gone"),
        ("DELETE FROM audit_link WHERE event_id = {middle}", "is missing"),
        ("DELETE FROM audit_link WHERE event_id = {last}", "the end of the chain is cut off"),
        ("UPDATE audit_link SET previous = 'x' WHERE event_id = {middle}", "does not follow"),
    ],
)
def test_tampering_by_a_superuser_is_named(fresh_db, servers, tampering: str, finding: str) -> None:
    world = new_world()
    subject = world.subject()
    for year in (1950, 1951, 1952):
        coordinator = world.person(Role.COORDINATOR)
        with writing(by=coordinator, duty=Duty.ENTER_DATA, site_id=subject.site_id, at=world.at, reason="Corrected"):
            Subject.objects.filter(pk=subject.pk).update(birth_year=year)
    with reading(system_actor("verification"), world.at):
        assert bad_rows() == []
        links = AuditLink.objects.filter(chain=f"subject:{subject.pk}").order_by("seq")
        middle, last = links[2].event_id, links.last().event_id
    servers.cluster.sql(
        "SET session_replication_role = replica; "
        + tampering.replace("{middle}", str(middle)).replace("{last}", str(last)),
        fresh_db.name,
    )
    with reading(system_actor("verification"), world.at):
        found = bad_rows()
    assert finding in str(found[0])
    assert f"subject:{subject.pk}" in str(found[0])


@pytest.mark.req("A1", "F5")
def test_accounts_and_subjects_are_never_deleted(fresh_db: object) -> None:
    world = new_world()
    user = User.objects.get(pk=world.admin.user_id)
    with pytest.raises(DatabaseError), transaction.atomic():
        user.delete()
    site = Site.objects.get(code="01")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM trialsite_site WHERE id = %s", [site.pk])


def test_the_trail_says_that_a_password_changed_and_never_what_it_is(fresh_db: object) -> None:
    world = new_world()
    world.person(Role.COORDINATOR)
    with reading(system_actor("verification"), world.at):
        changes = AuditEvent.objects.filter(table="trialsite_user", op="UPDATE", new__has_key="password")
        assert {str(event.new["password"]) for event in changes} == {"(not shown)"}
        users = AuditEvent.objects.filter(table__in=["trialsite_user", "trialsite_invitation"])
        assert not [event for event in users if "$" in str(event.new) + str(event.old)]


def test_a_bulky_derived_value_is_proved_by_its_digest(demonstration: object) -> None:
    with reading(system_actor("verification"), clock.now()), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE e.new ->> 'result' = audit_digest(r.result)"
            " AND e.new ->> 'inputs' = audit_digest(r.inputs))"
            " FROM labs_responseassessment r JOIN audit_event e"
            " ON e.table_name = 'labs_responseassessment' AND e.row_id = r.id::text"
        )
        total, proved = cursor.fetchone()
    assert total == proved > 100
