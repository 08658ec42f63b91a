"""Site isolation in the database: what a view forgets, row level security still refuses."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection

from tests.world import LONG_BEFORE, new_world
from trialsite.access import Duty
from trialsite.context import reading, writing
from trialsite.models import AuditEvent, Role, Subject, Visit

SCOPED = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind = 'r' AND a.attname = 'site_id' AND NOT a.attisdropped AND c.relnamespace = 'public'::regnamespace
ORDER BY 1
"""
UNPROTECTED = """
SELECT relname FROM pg_class WHERE oid = ANY(%s::regclass[]) AND NOT (relrowsecurity AND relforcerowsecurity)
"""
UNTIED = """
SELECT c.conrelid::regclass::text, a.attname
FROM pg_constraint c
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
WHERE c.contype = 'f' AND cardinality(c.conkey) = 1 AND a.attname <> 'site_id'
  AND c.conrelid::regclass::text = ANY(%s) AND c.confrelid::regclass::text = ANY(%s)
  AND NOT EXISTS (
    SELECT 1 FROM pg_constraint two
    WHERE two.contype = 'f' AND two.conrelid = c.conrelid AND two.confrelid = c.confrelid
      AND cardinality(two.conkey) = 2 AND c.conkey[1] = ANY(two.conkey))
"""


def scoped_tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(SCOPED)
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.req("A6")
def test_every_table_with_a_site_has_forced_row_security(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(UNPROTECTED, [scoped_tables()])
        assert cursor.fetchall() == []


@pytest.mark.req("A6")
def test_every_reference_between_site_scoped_tables_is_tied_to_the_site(db: None) -> None:
    tables = scoped_tables()
    assert len(tables) > 20
    with connection.cursor() as cursor:
        cursor.execute(UNTIED, [tables, tables])
        assert cursor.fetchall() == []


@pytest.mark.req("A6")
def test_an_empty_context_sees_nothing_and_a_context_only_its_sites(fresh_db) -> None:
    world = new_world()
    own, foreign = world.subject("01"), world.subject("02")
    with fresh_db.as_app() as app:
        assert app.execute("SELECT count(*) FROM trialsite_subject").fetchone() == (0,)
        with app.transaction():
            app.execute("SELECT set_config('app.sites', %s, true)", [str(own.site_id)])
            assert app.execute("SELECT id FROM trialsite_subject").fetchall() == [(own.pk,)]
            assert app.execute("SELECT count(*) FROM audit_event WHERE subject_id = %s", [foreign.pk]).fetchone() == (
                0,
            )
        assert app.execute("SELECT count(*) FROM trialsite_subject").fetchone() == (0,)


@pytest.mark.req("A6")
def test_a_row_cannot_be_added_to_or_moved_to_another_site(fresh_db: object) -> None:
    world = new_world()
    own, foreign = world.subject("01"), world.subject("02")
    coordinator = world.person(Role.COORDINATOR, "01")
    entering = {"by": coordinator, "duty": Duty.ENTER_DATA, "site_id": own.site_id, "at": world.at, "reason": "Test"}
    with pytest.raises(DatabaseError, match="row-level security"), writing(**entering):
        Visit.objects.create(
            subject=foreign,
            site_id=foreign.site_id,
            code="m01",
            status="entered",
            occurred_on=world.at.date(),
            recorded_at=world.at,
        )
    with pytest.raises(DatabaseError, match="row-level security"), writing(**entering):
        Subject.objects.filter(pk=own.pk).update(site_id=foreign.site_id)
    with pytest.raises(DatabaseError, match="same_site"), writing(**entering):
        Visit.objects.create(
            subject_id=foreign.pk,
            site_id=own.site_id,
            code="m01",
            status="entered",
            occurred_on=world.at.date(),
            recorded_at=world.at,
        )


@pytest.mark.req("A5", "A6")
def test_a_person_of_one_site_reads_neither_rows_nor_audit_of_another(fresh_db: object) -> None:
    world = new_world()
    own, foreign = world.subject("01"), world.subject("02")
    with reading(world.person(Role.INVESTIGATOR, "01"), world.at):
        assert list(Subject.objects.values_list("pk", flat=True)) == [own.pk]
        assert not AuditEvent.objects.filter(subject_id=foreign.pk).exists()
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert Subject.objects.count() == 2


@pytest.mark.req("A3")
def test_authority_ends_with_the_delegation(fresh_db: object) -> None:
    world = new_world()
    coordinator = world.person(Role.COORDINATOR, "01")
    with (
        pytest.raises(PermissionDenied),
        writing(by=coordinator, duty=Duty.ENTER_DATA, site_id=world.sites["02"].pk, at=world.at),
    ):
        pass
    before = LONG_BEFORE - timedelta(days=30)
    with (
        pytest.raises(PermissionDenied),
        writing(by=coordinator, duty=Duty.ENTER_DATA, site_id=world.sites["01"].pk, at=before),
    ):
        pass


@pytest.mark.req("A6", "F5")
def test_the_application_role_owns_nothing_and_bypasses_nothing(fresh_db) -> None:
    with fresh_db.as_app() as app:
        owned = app.execute("SELECT relname FROM pg_class WHERE relowner = 'edc_app'::regrole").fetchall()
        rights = app.execute("SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = 'edc_app'")
        assert owned == []
        assert rights.fetchone() == (False, False, False)
        deletable = app.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            " AND has_table_privilege('edc_app', oid, 'DELETE, TRUNCATE') ORDER BY 1"
        ).fetchall()
        assert deletable == [("cache_entry",), ("django_session",)]


@pytest.mark.req("A6")
def test_readonly_role_follows_the_same_rule(fresh_db) -> None:
    world = new_world()
    world.subject("01")
    with psycopg.connect(fresh_db.environment["DATABASE_READONLY_URL"], autocommit=True) as reader:
        assert reader.execute("SELECT count(*) FROM trialsite_subject").fetchone() == (0,)
        with pytest.raises(psycopg.Error):
            reader.execute("UPDATE trialsite_subject SET sex = 'M'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("SELECT * FROM django_session")
