"""Every way of writing, on every audited table: each changed row is one event with exactly what changed.

Played on the demonstration trial, which has rows in every table. Rules that would refuse a made-up value (checks,
uniqueness) are taken down in this copy; the audit, the rights and the row security are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection, models, transaction

from tests.fixtures.databases import Database
from tests.trialsite.test_audit import audited_tables
from trialsite import clock
from trialsite.access import Duty, system_actor
from trialsite.context import writing
from trialsite.models import AuditEvent

Field = models.Field  # type: ignore[type-arg]


@pytest.fixture
def loosened(demonstration: Database) -> Database:
    """A copy in which any value is taken: no checks, no uniqueness but of primary keys, no references, no lock."""
    with demonstration.as_owner() as owner:
        for table, name in owner.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype IN ('c', 'f', 'u')"
            " AND conrelid::regclass::text = ANY(%s)",
            [audited_tables()],
        ).fetchall():
            owner.execute(f'ALTER TABLE {table} DROP CONSTRAINT IF EXISTS "{name}" CASCADE')
        for (index,) in owner.execute(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE indisunique AND NOT indisprimary"
            " AND indrelid::regclass::text = ANY(%s)",
            [audited_tables()],
        ).fetchall():
            owner.execute(f"DROP INDEX IF EXISTS {index} CASCADE")
        closing = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'CLOSED'"
        for (table,) in owner.execute(closing).fetchall():
            owner.execute(f'DROP TRIGGER "CLOSED" ON {table}')
    return demonstration


#: Tables in which the demonstration trial has no row.
EMPTY = {
    "mfa_authenticator",
    "trialsite_failedsigning",
    "trialsite_protocolactivation",
    "safety_clockescalation",
    "safety_vitaljudgement",
}


def audited_models() -> list[type[models.Model]]:
    tables = set(audited_tables())
    return [model for model in apps.get_models(include_auto_created=True) if model._meta.db_table in tables]


def columns_apart(table: str) -> set[str]:
    """Columns whose events are special: silent, secret or bulky ones."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'AUDIT' AND tgrelid = %s::regclass", [table]
        )
        arguments = cursor.fetchone()[0].partition("audit_capture(")[2]
    return {name for name in arguments.replace("'", ",").replace("{", ",").replace("}", ",").split(",") if name.strip()}


def may(right: str, table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(current_user, %s, %s)", [table, right])
        return bool(cursor.fetchone()[0])


def other_value(field: Field, old: object) -> object:
    if isinstance(field, models.CharField | models.TextField):
        return "y" if old == "x" else "x"
    if isinstance(field, models.BooleanField):
        return not old
    if isinstance(field, models.DateField) and not isinstance(field, models.DateTimeField):
        return date(2001, 2, 3) if old != date(2001, 2, 3) else date(2001, 2, 4)
    return 7 if old != 7 else 8


KINDS = (models.CharField, models.TextField, models.BooleanField, models.DateField, models.SmallIntegerField)


def plain_field(model: type[models.Model]) -> Field:
    """A column of text, truth, date or number that is recorded as it is; else a reference to another row."""
    apart = {*columns_apart(model._meta.db_table), "site_id", "subject_id"}
    fields = [field for field in model._meta.concrete_fields if not field.primary_key and field.column not in apart]
    plain = [field for field in fields if isinstance(field, KINDS) and not isinstance(field, models.DateTimeField)]
    return (plain or [field for field in fields if field.is_relation])[0]


def by_save(row: models.Model, field: Field, value: object) -> None:
    setattr(row, field.attname, value)
    row.save()


def by_update(row: models.Model, field: Field, value: object) -> None:
    type(row)._base_manager.filter(pk=row.pk).update(**{field.attname: value})


def by_bulk_update(row: models.Model, field: Field, value: object) -> None:
    setattr(row, field.attname, value)
    type(row)._base_manager.bulk_update([row], [field.name])


def by_sql(row: models.Model, field: Field, value: object) -> None:
    meta = row._meta
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE {meta.db_table} SET "{field.column}" = %s WHERE "{meta.pk.column}" = %s', [value, row.pk]
        )


def new_key(row: models.Model) -> object:
    if isinstance(row._meta.pk, models.AutoField):
        return None
    return uuid4() if isinstance(row._meta.pk, models.UUIDField) else f"t{uuid4().hex[:12]}"


def add_by_save(row: models.Model) -> None:
    row.pk, row._state.adding = new_key(row), True
    row.save()


def add_in_bulk(row: models.Model) -> None:
    row.pk, row._state.adding = new_key(row), True
    type(row)._base_manager.bulk_create([row])


def add_by_sql(row: models.Model) -> None:
    meta = row._meta
    names = [field.column for field in meta.concrete_fields if not field.primary_key]
    key = new_key(row)
    into, values = ", ".join(f'"{name}"' for name in names), ", ".join(f'"{name}"' for name in names)
    given: list[object] = []
    if key is not None:
        into, values, given = f'"{meta.pk.column}", {into}', f"%s, {values}", [key]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {meta.db_table} ({into}) SELECT {values} FROM {meta.db_table}"
            f' WHERE "{meta.pk.column}" = %s', [*given, row.pk],
        )  # fmt: skip


def happened(act: Callable[[], object]) -> list[AuditEvent]:
    """The events of an act, which is then undone."""
    with transaction.atomic():
        last = AuditEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0
        act()
        events = list(AuditEvent.objects.filter(id__gt=last).order_by("id"))
        transaction.set_rollback(True)
    return events


def rows() -> Iterator[models.Model]:
    """One row of every audited table."""
    for model in audited_models():
        row = model._base_manager.order_by("pk").first()
        if row is None:
            assert model._meta.db_table in EMPTY, f"the demonstration trial has no {model.__name__}"
        else:
            yield row


def as_stored(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.req("B2")
def test_every_way_of_changing_every_table_is_one_event(loosened: Database) -> None:
    changed = 0
    with writing(by=system_actor("re-evaluation"), duty=Duty.PROPOSE_PHASE, site_id=None, at=clock.now(), reason="why"):
        for row in rows():
            table = row._meta.db_table
            field = plain_field(type(row))
            if not may("UPDATE", table):
                continue
            changed += 1
            for way in (by_save, by_update, by_bulk_update, by_sql):
                row.refresh_from_db()
                old = getattr(row, field.attname)
                new = other_value(field, old)
                (event,) = happened(lambda way=way, row=row, field=field, new=new: way(row, field, new))
                found = (event.table, event.op, event.row_id, event.old, event.new, event.reason)
                expected = (
                    table,
                    "UPDATE",
                    str(row.pk),
                    {field.column: as_stored(old)},
                    {field.column: as_stored(new)},
                )
                assert found == (*expected, "why"), way
    assert changed > 15


@pytest.mark.req("B2")
def test_every_way_of_adding_to_every_table_is_one_event(loosened: Database) -> None:
    with writing(by=system_actor("re-evaluation"), duty=Duty.PROPOSE_PHASE, site_id=None, at=clock.now()):
        for row in rows():
            field = plain_field(type(row))
            for way in (add_by_save, add_in_bulk, add_by_sql):
                copied = type(row)._base_manager.get(pk=row.pk)
                value = getattr(copied, field.attname)
                (event,) = happened(lambda way=way, copied=copied: way(copied))
                assert (event.table, event.op, event.old) == (row._meta.db_table, "INSERT", None), way
                assert event.new[field.column] == as_stored(value), way
