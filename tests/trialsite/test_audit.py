"""The audit trail: complete whatever the code path, unalterable by the application, and verifiable."""

from __future__ import annotations

import psycopg
import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.db.models import F

from tests.world import new_world
from trialsite import clock
from trialsite.access import Duty, system_actor
from trialsite.context import coming_from, reading, writing
from trialsite.models import AuditEvent, AuditLink, Role, Site, Subject, User
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


@pytest.mark.req("B2", "B3")
def test_every_code_path_is_captured(fresh_db: object) -> None:
    world = new_world()
    subjects = [world.subject() for _ in range(3)]
    coordinator = world.person(Role.COORDINATOR)
    site_id = world.sites["01"].pk
    before = AuditEvent.objects.using("default")
    with reading(system_actor("verification"), world.at):
        start = before.count()
    with (
        coming_from("test", "req-7"),
        writing(by=coordinator, duty=Duty.ENTER_DATA, site_id=site_id, at=world.at, reason="Typing error"),
    ):
        subjects[0].birth_year = 1960
        subjects[0].save()
        Subject.objects.filter(pk=subjects[1].pk).update(birth_year=F("birth_year") + 1)
        subjects[2].birth_year = 1961
        Subject.objects.bulk_update(subjects[2:], ["birth_year"])
        with connection.cursor() as cursor:
            cursor.execute("UPDATE trialsite_subject SET sex = 'M' WHERE id = %s", [subjects[0].pk])
    with reading(system_actor("verification"), world.at):
        new = list(AuditEvent.objects.order_by("id")[start:])
        assert [(event.row_id, event.old, event.new) for event in new] == [
            (str(subjects[0].pk), {"birth_year": 1958}, {"birth_year": 1960}),
            (str(subjects[1].pk), {"birth_year": 1958}, {"birth_year": 1959}),
            (str(subjects[2].pk), {"birth_year": 1958}, {"birth_year": 1961}),
            (str(subjects[0].pk), {"sex": "F"}, {"sex": "M"}),
        ]
        event = new[0]
        assert (event.table, event.op, event.reason) == ("trialsite_subject", "UPDATE", "Typing error")
        assert (event.user_id, event.actor_name) == (coordinator.user_id, coordinator.printed_name)
        assert (event.role, event.site_id, event.subject_id) == ("coordinator", site_id, subjects[0].pk)
        assert (event.request_id, event.source) == ("req-7", "test")
        assert event.transaction_id == new[3].transaction_id
        assert event.software


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
