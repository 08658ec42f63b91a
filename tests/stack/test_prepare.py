"""Preparing a database: what is somebody's is refused, what was interrupted begins again."""

from io import StringIO
from pathlib import Path
from time import sleep

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from reporting.management.commands.load_demonstration import unhurried
from tests.fixtures.databases import Database
from trialsite.management.commands import prepare


def sites(database: Database) -> list[tuple[object, ...]]:
    with database.as_owner() as owner:
        return owner.execute("select relname from pg_class where relname in ('trialsite_site', 'mine')").fetchall()


@pytest.mark.parametrize("option", ["demonstration", "reset"])
def test_a_database_that_is_not_ours_is_refused(bare_db: Database, option: str) -> None:
    with bare_db.as_owner() as owner:
        owner.execute("create table mine (number int)")
    with pytest.raises(CommandError, match=r"^The database has \d+ relations already and holds no demonstration: "):
        call_command("prepare", **{option: True}, stdout=StringIO())
    assert ("mine",) in sites(bare_db)


def test_a_reset_begins_with_nothing_and_the_same_rights(bare_db: Database) -> None:
    prepare.label(prepare.LOADED)
    with bare_db.as_owner() as owner:
        owner.execute("create table mine (number int)")
        before = rights(owner)
    connections["owner"].close()
    call_command("prepare", reset=True, stdout=StringIO())
    assert sites(bare_db) == [("trialsite_site",)]
    with bare_db.as_owner() as owner:
        assert rights(owner) == [row for row in before if row[0] != "mine"]
    with bare_db.as_app() as app:
        assert app.execute("select count(*) from trialsite_site").fetchone() == (0,)


def rights(owner: object) -> list[tuple[object, ...]]:
    """Table, owner and grants of everything in the schema, the order of grants aside."""
    return owner.execute(  # type: ignore[attr-defined]
        "select relname, relowner::regrole::text, relrowsecurity, relforcerowsecurity,"
        " array(select unnest(relacl)::text order by 1)"
        " from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'S', 'v') order by 1"
    ).fetchall()


def test_what_is_done_beside_the_tables_is_waited_for_and_its_failure_told(tmp_path: Path) -> None:
    done = tmp_path / "done"

    def slow() -> None:
        sleep(0.2)
        done.touch()

    def broken() -> None:
        raise OSError("The disk is full.")

    with prepare.beside(slow):
        assert not done.exists()
    assert done.exists()
    with pytest.raises(CommandError, match="beside the tables failed"), prepare.beside(broken, slow):
        pass


def test_states_are_told_apart(bare_db: Database) -> None:
    assert prepare.found().startswith("has ")
    for state in (prepare.LOADING, prepare.LOADED):
        prepare.label(state)
        assert prepare.found() == state
    prepare.empty()
    assert prepare.found() == prepare.EMPTY


def test_a_finished_load_is_not_repeated_and_an_interrupted_one_begins_again(bare_db: Database) -> None:
    command = prepare.Command(stdout=StringIO())
    assert command.is_new(prepare.LOADED) is False
    prepare.label(prepare.LOADING)
    assert command.is_new(prepare.found()) is True
    assert sites(bare_db) == []
    assert prepare.found() == prepare.LOADING


def test_preparing_twice_changes_nothing(bare_db: Database) -> None:
    with bare_db.as_owner() as owner:
        before = rights(owner)
        call_command("prepare", stdout=StringIO())
        assert rights(owner) == before


def commits_wait_as_told_by() -> str:
    with connections["default"].cursor() as cursor:
        cursor.execute("select source || ' ' || setting from pg_settings where name = 'synchronous_commit'")
        return str(cursor.fetchone()[0])


def test_only_the_load_does_not_wait_for_the_disk(bare_db: Database) -> None:
    before = commits_wait_as_told_by()
    with unhurried():
        assert commits_wait_as_told_by() == "client off"
    assert commits_wait_as_told_by() == before != "client off"


def test_the_tables_are_counted_once_they_are_filled(bare_db: Database) -> None:
    """Without figures of a table's size the first pages would be planned as if it were empty."""
    prepare.take_stock()
    with bare_db.as_owner() as owner:
        counted = owner.execute("select count(*) from pg_stat_user_tables where last_analyze is not null").fetchone()
        tables = owner.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
    assert counted == tables
