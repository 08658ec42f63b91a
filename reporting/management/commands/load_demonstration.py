"""Live the demonstration trial into an empty database, day by day, through the services that users call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from reporting.demonstration.trial import load
from trialsite import clock
from trialsite.garbage import collect_seldom
from trialsite.models import User


class Command(BaseCommand):
    help = "Load the demonstration trial: three sites, all roles, 55 enrolled subjects. Refused where anybody works."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demonstration trial is not loaded in production: its passwords are published.")
        if User.objects.exists():
            raise CommandError("There are accounts in this database: the demonstration is loaded into an empty one.")
        self.year = 0
        collect_seldom()
        with unhurried():
            load(clock.today(), self.tell)
        self.stdout.write("Demonstration trial: loaded")

    def tell(self, day: date) -> None:
        """Progress: one line per year of the trial."""
        if day.year != self.year:
            self.year = day.year
            self.stdout.write(f"Demonstration trial: {day.year}")
            self.stdout.flush()


@contextmanager
def unhurried() -> Iterator[None]:
    """Inside, no commit of this process, or of one it forks, waits for the disk.

    A load that is cut off begins again anyway. The mark of a finished one is the owner's commit, which does wait, and
    the log is written in order: once it is there, so is all before it.
    """
    options = connection.settings_dict["OPTIONS"]
    connection.close()
    connection.settings_dict["OPTIONS"] = {**options, "options": "-c synchronous_commit=off"}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["OPTIONS"] = options
