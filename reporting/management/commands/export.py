"""`manage.py export --all --out DIR [--as USER]`: the same files as /exports/, on disk."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError

from reporting.datasets import BY_NAME, datasets_for
from reporting.exporting.archive import MANIFEST, Made, manifest
from reporting.exporting.streams import Tally, one_state, pieces
from reporting.whom import acting
from trialsite import clock
from trialsite.access import Duty, check_may
from trialsite.context import coming_from, reading
from trialsite.services.access import Access, note_access


class Command(BaseCommand):
    help = "Write data sets as CSV with a manifest, from one state of the database."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--all", action="store_true", help="every data set")
        which.add_argument("--only", nargs="+", metavar="NAME", choices=sorted(BY_NAME), help="these data sets")
        parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="directory, made if it is not there")
        parser.add_argument(
            "--as", dest="user", metavar="USER", help="sees what this person sees; else the system actor 'export'"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        by, at = acting(options["user"], "export"), clock.now()
        allowed = datasets_for(by, at)
        wanted = allowed if options["all"] else tuple(one for one in allowed if one.name in options["only"])
        out: Path = options["out"]
        out.mkdir(parents=True, exist_ok=True)
        with coming_from("command export"):
            try:
                check_may(by, Duty.EXPORT, None, at)
            except PermissionDenied as error:
                raise CommandError(str(error)) from error
            with one_state(by, at):
                made = [_write(out / f"{dataset.name}.csv", dataset) for dataset in wanted]
                (out / MANIFEST).write_bytes(manifest(made, by, at))
            with reading(by, at):
                for one in made:
                    access = Access(f"Export: {one.dataset.name}.csv", rows=one.rows, sha256=one.sha256)
                    note_access(by=by, at=at, duty=Duty.EXPORT, access=access)
        for one in made:
            self.stdout.write(f"{one.rows:>8} rows  {one.sha256[:12]}  {one.dataset.name}.csv")
        self.stdout.write(f"{len(made)} files and {MANIFEST} in {out}")


def _write(path: Path, dataset: Any) -> Made:
    tally = Tally()
    with path.open("wb") as file:
        for piece in pieces(dataset, tally):
            file.write(piece)
    return Made(dataset, tally.rows, tally.size, tally.sha256)
