"""Bring a database up to this version; on request with the demonstration trial in it."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from trialsite.stack.children import fork

SCHEMA = Path(__file__).resolve().parents[2] / "sql" / "schema.sql"
# Written as the comment of the schema: whose database this is, and how far the first load came.
LOADING = "trialsite demonstration, being loaded"
LOADED = "trialsite demonstration"
EMPTY = ""


class Command(BaseCommand):
    help = "Migrate as the owner and create the cache table; --demonstration also loads the demonstration trial once."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demonstration", action="store_true", help="load the demonstration trial if it is new")
        parser.add_argument("--reset", action="store_true", help="empty a demonstration database first")
        parser.add_argument(
            "--forget", type=Path, nargs="+", default=[], help="and remove these, once it may be emptied"
        )
        parser.add_argument("--static", action="store_true", help="collect the static files")
        parser.add_argument("--accounts", type=Path, help="write the demonstration accounts to this file")

    def handle(self, *args: Any, **options: Any) -> None:
        if "owner" not in connections.settings:
            raise CommandError("DATABASE_OWNER_URL is not set: give the database as role edc_owner, who migrates it.")
        state = found()
        if options["reset"]:
            state = self.emptied(state)
            forget(options["forget"])
        first = options["demonstration"] and self.is_new(state)
        self.say("Database: bringing its tables up to date")
        with beside(*([_collect_static] if options["static"] else [])):
            call_command("migrate", database="owner", interactive=False, verbosity=0)
            call_command("createcachetable", database="owner", verbosity=0)
            if first:
                self.say("Demonstration trial: loading it, once")
                call_command("load_demonstration", stdout=self.stdout)
                take_stock()
                label(LOADED)
        if options["accounts"] and found() == LOADED:
            with options["accounts"].open("w") as accounts:
                call_command("demonstration_accounts", stdout=accounts)

    def emptied(self, state: str) -> str:
        """Empty a demonstration; refuse a database that is somebody's."""
        if state not in {EMPTY, LOADING, LOADED}:
            raise CommandError(f"The database {state} and holds no demonstration: it is not emptied, name another.")
        if state != EMPTY:
            self.say("Database: emptying it")
            empty()
        return EMPTY

    def is_new(self, state: str) -> bool:
        """Whether the demonstration has to be loaded; a load that was interrupted begins again."""
        if state == LOADED:
            return False
        if state not in {EMPTY, LOADING}:
            raise CommandError(f"The database {state} and holds no demonstration: name an empty one, or use --empty.")
        self.emptied(state)
        label(LOADING)
        return True

    def say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()


@contextmanager
def beside(*works: Callable[[], None]) -> Iterator[None]:
    """Meanwhile another process does these works, one after the other.

    A first start has a processor to spare while tables are made.
    """
    connections.close_all()  # a connection belongs to one process
    other = fork(_in_turn, *works)
    yield
    other.join()
    if other.exitcode:
        raise CommandError("A work beside the tables failed; its cause is printed above.")


def _in_turn(*works: Callable[[], None]) -> None:
    for work in works:
        work()


def _collect_static() -> None:
    call_command("collectstatic", interactive=False, verbosity=0)


def found() -> str:
    """LOADING, LOADED or EMPTY; anything else says in words what is in the way."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("select obj_description('public'::regnamespace)")
        comment = str(cursor.fetchone()[0])
        if comment in {LOADING, LOADED}:
            return comment
        cursor.execute("select count(*) from pg_class where relnamespace = 'public'::regnamespace")
        tables = int(cursor.fetchone()[0])
    return f"has {tables} relations already" if tables else EMPTY


def forget(kept: Iterable[Path]) -> None:
    """Remove files and directories that belonged to the data."""
    for path in kept:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def label(comment: str) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("comment on schema public is %s", [comment])


def take_stock() -> None:
    """Count what the tables hold, so that the first pages are planned for it; autovacuum would come a minute later."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("analyze")


def empty() -> None:
    """Drop everything and open the schema anew for the roles."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("drop schema public cascade; create schema public")
        cursor.execute(SCHEMA.read_text())
