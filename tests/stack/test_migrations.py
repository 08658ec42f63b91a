"""Migrating forward keeps every row, every constraint's meaning and the audit trail: digests before and after."""

from __future__ import annotations

import io
from dataclasses import dataclass

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import override_settings

from safety.services import mark_medication_in_error
from tests.fixtures.databases import Database
from tests.trialsite.conftest import built
from trialsite.models import Role
from trialsite.stack.servers import TestServers

#: Safety with a migration more than this version has.
NEXT = {"safety": "tests.stack.next_version"}
FOLDED = ("dosing", "enrollment", "followup", "labs", "safety", "trialsite")
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


@dataclass(frozen=True)
class Snapshot:
    """What a filled database holds at one moment."""

    servers: TestServers
    database: str
    known: Columns
    last_event: int
    digests: dict[str, str]

    def changed(self) -> set[str]:
        """Tables that no longer hold what they held."""
        now = digests(self.servers, self.database, self.known, self.last_event)
        return {table for table, digest in self.digests.items() if now[table] != digest}


@pytest.fixture
def filled(servers: TestServers, bare_db: Database) -> Snapshot:
    """A database with every role, two wards and a changed row."""
    house = built(bare_db)
    world, stored = house.world, house.wards["01"].medication
    mark_medication_in_error(
        by=world.person(Role.COORDINATOR), at=world.at, subject_id=stored.subject_id, site_id=stored.site_id,
        medication_id=stored.pk, reason="Another subject's",
    )  # fmt: skip
    connections["default"].close()
    known = columns(servers, bare_db.name)
    last = int(servers.cluster.sql("select max(id) from audit_event", bare_db.name))
    return Snapshot(servers, bare_db.name, known, last, digests(servers, bare_db.name, known, last))


@pytest.mark.req("G5")
def test_migrating_a_filled_database_forward_keeps_data_and_audit_trail(servers: TestServers, filled: Snapshot) -> None:
    with override_settings(MIGRATION_MODULES=NEXT):
        migrate()
    assert filled.changed() == {"auth_permission", "django_content_type"}, "only the framework lists the new table"
    assert int(filled.digests["trialsite_subject"].partition(":")[0]) > 2
    assert int(filled.digests["audit_event"].partition(":")[0]) > 100
    assert "first_known_at" in columns(servers, filled.database)["safety_concomitantmedication"]
    since = "select count(*) || ' ' || count(*) filter (where m.first_known_at = e.at) || ' ' || count(f.id)"
    since += " from safety_concomitantmedication m join audit_event e on e.row_id = m.id::text and e.op = 'INSERT'"
    since += " and e.table_name = 'safety_concomitantmedication'"
    since += " left join safety_firstknown f on f.subject_id = m.subject_id and f.at = e.at"
    assert servers.cluster.sql(since, filled.database).split() == ["2", "2", "2"]
    written = "select op || ' ' || table_name || ' ' || count(*) from audit_event"
    written += f" where id > {filled.last_event} and system_actor = 'installation' group by op, table_name order by 1"
    assert servers.cluster.sql(written, filled.database).splitlines() == [
        "INSERT safety_firstknown 2",
        "UPDATE safety_concomitantmedication 2",
    ]
    assert_trail_is_whole()


@pytest.mark.req("G5")
def test_a_database_of_every_step_before_the_fold_goes_on_and_one_of_some_is_told(
    servers: TestServers, filled: Snapshot
) -> None:
    new = ", ".join(f"'{name}'" for name in ("0001_user", "0001_tables", "0002_tables", "0002_rules", "0003_rules"))
    forget = f"delete from django_migrations where app in {FOLDED} and name"
    servers.cluster.sql(f"{forget} in ({new})", filled.database)
    migrate()
    assert filled.changed() == set()
    assert_trail_is_whole()
    listed = f"select count(*) from django_migrations where app in {FOLDED} and name in ({new})"
    assert servers.cluster.sql(listed, filled.database).strip() == "13"
    servers.cluster.sql(f"{forget} = '0013_medication_in_error_since'", filled.database)
    with pytest.raises(CommandError, match="development version that this one cannot go on from"):
        migrate()


def assert_trail_is_whole() -> None:
    told = io.StringIO()
    call_command("verify_audit", stdout=told)
    assert "every chain whole" in told.getvalue()
