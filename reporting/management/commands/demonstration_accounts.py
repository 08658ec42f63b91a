"""Print the accounts of the demonstration trial."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from reporting.demonstration.cast import ADMIN, MEMBERS, PASSWORD


class Command(BaseCommand):
    help = "Print user name, role and site of every demonstration account, and their common password."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Demonstration accounts, all with the password: {PASSWORD}")
        for member in (*MEMBERS, ADMIN):
            place = "all sites" if member.site == "00" else f"site {member.site}"
            self.stdout.write(f"  {member.username:<16} {member.role.label}, {place}")
