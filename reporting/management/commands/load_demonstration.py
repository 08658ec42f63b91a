"""Live the demonstration trial into an empty database, day by day, through the services that users call."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from reporting.demonstration.trial import load
from trialsite import clock
from trialsite.models import User


class Command(BaseCommand):
    help = "Load the demonstration trial: three sites, all roles, 55 enrolled subjects. Refused where anybody works."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demonstration trial is not loaded in production: its passwords are published.")
        if User.objects.exists():
            raise CommandError("There are accounts in this database: the demonstration is loaded into an empty one.")
        self.year = 0
        load(clock.today(), self.tell)
        self.stdout.write("Demonstration trial: loaded")

    def tell(self, day: date) -> None:
        """Progress: one line per year of the trial."""
        if day.year != self.year:
            self.year = day.year
            self.stdout.write(f"Demonstration trial: {day.year}")
            self.stdout.flush()
