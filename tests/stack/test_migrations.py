"""Migrating forward keeps every row, every constraint's meaning and the audit trail: digests before and after."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.db import connections

from safety.services import mark_medication_in_error
from tests.fixtures.databases import Database
from tests.trialsite.conftest import built
from trialsite.models import Role
from trialsite.stack.servers import TestServers

#: An earlier version of the database. What it did not have yet is the declared change: it comes back empty.
EARLIER = {
    "dosing": "0004_supplies_guards",
    "followup": "0002_guards",
    "safety": "0012_judgements_taken_back",
    "trialsite": "0006_failed_signing",
}
#: The list of migrations itself changes; sessions and caches hold nothing that must be kept.
UNSTEADY = {"django_migrations", "django_session", "cache_entry"}
#: What a migration writes is audited too: of the trail, what was there before is compared. The heads follow from it.
HEADS = "audit_head"
TRAIL = {"audit_event": "id", "audit_link": "event_id"}
Columns = dict[str, list[str]]


def columns(servers: TestServers, database: str) -> Columns:
    """Table -> its columns."""
    asked = (
        "select c.table_name || ' ' || string_agg(c.column_name, ',' order by c.column_name)"
        " from information_schema.columns c join pg_tables t on t.tablename = c.table_name and t.schemaname = 'public'"
        " where c.table_schema = 'public' group by c.table_name"
    )
    found = (line.split() for line in servers.cluster.sql(asked, database).splitlines())
    return {table: names.split(",") for table, names in found if table not in UNSTEADY}


def digests(servers: TestServers, database: str, wanted: Columns, last_event: int) -> dict[str, str]:
    """Table -> number of rows and digest of these columns; of the audit trail up to `last_event`."""
    one = "select '{0} ' || count(*) || ':' || coalesce(md5(string_agg(t::text, '' order by t::text)), '')"
    one += " from (select {1} from {0} where {2}) t"
    told = {table: ", ".join(f'"{name}"' for name in names) for table, names in wanted.items() if table != HEADS}
    kept = {table: f"{TRAIL[table]} <= {last_event}" if table in TRAIL else "true" for table in told}
    asked = " union all ".join(one.format(table, names, kept[table]) for table, names in told.items())
    return dict(line.split() for line in servers.cluster.sql(asked, database).splitlines())


def migrate(*target: str) -> None:
    """As the owner, with no connection left open."""
    call_command("migrate", *target, database="owner", verbosity=0, interactive=False)
    connections["owner"].close()
    connections["default"].close()


@pytest.mark.req("G5")
def test_migrating_a_filled_database_forward_keeps_data_and_audit_trail(
    servers: TestServers, fresh_db: Database
) -> None:
    house = built(fresh_db)
    world, stored = house.world, house.wards["01"].medication
    mark_medication_in_error(
        by=world.person(Role.COORDINATOR), at=world.at, subject_id=stored.subject_id, site_id=stored.site_id,
        medication_id=stored.pk, reason="Another subject's",
    )  # fmt: skip
    connections["default"].close()
    for room, name in EARLIER.items():
        migrate(room, name)
    known = columns(servers, fresh_db.name)
    last = int(servers.cluster.sql("select max(id) from audit_event", fresh_db.name))
    before = digests(servers, fresh_db.name, known, last)
    migrate()
    after = digests(servers, fresh_db.name, known, last)
    assert {table for table in before if before[table] != after[table]} == set()
    assert int(before["trialsite_subject"].partition(":")[0]) > 2
    assert int(before["audit_event"].partition(":")[0]) > 100
    newer = {table: set(names) - set(known.get(table, ())) for table, names in columns(servers, fresh_db.name).items()}
    assert newer["trialsite_user"], "something did migrate"
    since = "select count(*) from safety_concomitantmedication m join audit_event e on e.row_id = m.id::text"
    since += " and e.table_name = 'safety_concomitantmedication' and e.new ->> 'in_error' = 'true' and e.op = 'UPDATE'"
    assert servers.cluster.sql(f"{since} where m.in_error_at = e.at", fresh_db.name).strip() == "1"
    told = io.StringIO()
    call_command("verify_audit", stdout=told)
    assert "rows" in told.getvalue() or "events" in told.getvalue(), told.getvalue()
