"""The fixtures that every other test rests on keep their promises."""

import shutil
import tempfile
import urllib.request
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from tests.fixtures.databases import Database
from tests.fixtures.processes import LiveApp, Process
from tests.world import World
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Subject
from trialsite.stack import servers


def current_user() -> str:
    with connection.cursor() as cursor:
        cursor.execute("select current_user || ' in ' || current_database()")
        return str(cursor.fetchone()[0])


def test_ordinary_tests_are_the_application(db: None) -> None:
    assert current_user() == "edc_app in shared"


def test_a_fresh_database_is_dropped_afterwards(fresh_db: Database) -> None:
    assert current_user() == f"edc_app in {fresh_db.name}"
    with fresh_db.as_owner() as owner:
        owner.execute("create table kept (number int)")
    with connection.cursor() as cursor:
        cursor.execute("insert into kept values (1)")
    with fresh_db.as_app() as app:
        assert app.execute("select number from kept").fetchall() == [(1,)]


def test_the_next_fresh_database_is_empty_again(fresh_db: Database) -> None:
    with fresh_db.as_app() as app, pytest.raises(psycopg.errors.UndefinedTable):
        app.execute("select number from kept")


def test_the_application_owns_nothing(fresh_db: Database) -> None:
    with fresh_db.as_owner() as owner:
        owned = owner.execute("select relname from pg_class where relowner = 'edc_app'::regrole").fetchall()
    assert owned == []


@pytest.mark.worker
def test_processes_work_on_the_fresh_database(live_app: LiveApp, worker: Process) -> None:
    with urllib.request.urlopen(f"{live_app.url}/healthz") as answer:
        assert answer.read() == b"ok"
    assert worker.said("trialsite.tasks.drain_outbox")


@pytest.mark.parametrize(("free", "there"), [(2**33, "memory"), (2**26, "disk"), (None, "disk")])
def test_databases_lie_in_memory_where_there_is_plenty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int | None, there: str
) -> None:
    """A container that was given little, and a machine that has no such place, use the disk."""
    memory = tmp_path / "memory"
    if free:
        memory.mkdir()
    usage = shutil.disk_usage(tmp_path)._replace(free=free or 0)
    monkeypatch.setattr(servers, "MEMORY", memory)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert servers.forgetful_place() == {"memory": memory, "disk": Path(tempfile.gettempdir())}[there]


def furnish(world: World) -> Subject:
    return world.subject()


def subjects(world: World) -> int:
    with reading(system_actor("verification"), world.at):
        return Subject.objects.count()


@pytest.mark.parametrize("time", ["first", "second"])
def test_a_kept_world_is_as_it_was_for_every_test(kept_world: World, time: str) -> None:
    assert subjects(kept_world) == 1, time
    kept_world.subject()
    kept_world.later(days=30)
    assert subjects(kept_world) == 2


@pytest.mark.parametrize("time", ["first", "second"])
def test_what_was_made_in_it_is_handed_out_as_it_was(kept_world: World, kept_thing: Subject, time: str) -> None:
    assert kept_thing.birth_year == 1958, time
    kept_thing.birth_year = 1900
    with reading(system_actor("verification"), kept_world.at):
        assert Subject.objects.get() == kept_thing


@pytest.mark.parametrize("time", ["first", "second"])
def test_a_copy_of_it_is_the_test_s_own(kept_database: tuple[Database, World], time: str) -> None:
    database, world = kept_database
    assert current_user() == f"edc_app in {database.name}"
    assert subjects(world) == 1, time
    world.subject()
    assert subjects(world) == 2


def test_others_work_where_nothing_was_kept(db: None) -> None:
    assert current_user() == "edc_app in shared"
