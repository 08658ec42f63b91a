"""`manage.py generate_docs [--check]`: write the documents that are made from the program, or see whether they are."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from protocol.document import markdown
from protocol.trial import TRIAL
from reporting.documents.diagram import diagram
from reporting.documents.dictionary import dictionary
from reporting.documents.permissions import permissions
from reporting.documents.requirements import UnknownRequirement, requirements

DOCUMENTS: dict[str, Callable[[], str]] = {
    "permissions.md": permissions,
    "data-dictionary.md": dictionary,
    "requirements.md": lambda: requirements(settings.BASE_DIR / "tests"),
    "protocol.md": lambda: markdown(TRIAL),
    "er-diagram.md": diagram,
}


class Command(BaseCommand):
    help = "Write docs/*.md that are made from the program; --check only compares."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="exit 1 with the names of stale files")
        parser.add_argument("--out", type=Path, default=settings.BASE_DIR / "docs", metavar="DIR")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["out"]
        try:
            made = {folder / name: write() for name, write in DOCUMENTS.items()}
        except UnknownRequirement as error:
            raise CommandError(str(error)) from error
        stale = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
        if options["check"]:
            if stale:
                names = ", ".join(path.name for path in stale)
                raise CommandError(f"Not up to date: {names}. Run manage.py generate_docs.", returncode=1)
            return
        folder.mkdir(parents=True, exist_ok=True)
        for path in stale:
            path.write_text(made[path])
        self.stdout.write(f"{len(stale)} of {len(made)} documents written.")
