"""manage.py replay FILE [--check] [--out FILE]: check the protocol engine against a case file."""

import sys
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand

from reporting.replay import add_arguments, replay


class Command(BaseCommand):
    help = "Compute every case of a case file; with --check compare with what it expects. Needs no database."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_arguments(parser)

    def handle(self, file: Path, check: bool, out: Path | None, **options: object) -> None:  # noqa: FBT001
        code = replay(file, out, sys.stdout, sys.stderr, check=check)
        if code:
            sys.exit(code)
