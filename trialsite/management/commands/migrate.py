"""`manage.py migrate` as the role that owns the schema, because the application's role may not change it."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner" if "owner" in settings.DATABASES else "default")

    def handle(self, *args: Any, **options: Any) -> None:
        if stands_between(options["database"]):
            raise CommandError(
                "The database was made by a development version that this one cannot go on from: "
                "begin again with an empty one (a demonstration: --reset)."
            )
        super().handle(*args, **options)


def stands_between(database: str) -> bool:
    """Whether only some of the migrations that were folded into one are applied; see docs/decisions."""
    applied = MigrationRecorder(connections[database]).applied_migrations()
    folded = MigrationLoader(None).replacements.values()
    return any(0 < sum(old in applied for old in one.replaces) < len(one.replaces) for one in folded)
