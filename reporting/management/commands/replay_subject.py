"""`manage.py replay_subject NUMBER --on DATE [--as USER]`: one subject as of a day, by both readings, as JSON."""

from __future__ import annotations

import argparse
import json
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from reporting.selectors.replay import Reading, as_known_on, as_true_on
from reporting.whom import acting
from trialsite import clock
from trialsite.access import Duty, check_may
from trialsite.context import coming_from, reading
from trialsite.models import Subject
from trialsite.services.access import Access, note_access


class Command(BaseCommand):
    help = "Print what the rules say of a subject on a day: as known then, and as true with what is known now."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("number", help="subject or screening number, for example 01-004")
        parser.add_argument("--on", type=date.fromisoformat, help="the day, as 2026-03-12 (today)")
        parser.add_argument(
            "--as", dest="user", metavar="USER", help="sees what this person sees; else the system actor 'verification'"
        )

    def handle(self, *args: Any, number: str, on: date | None, user: str | None, **options: Any) -> None:
        by, now = acting(user, "verification"), clock.now()
        with coming_from("command replay_subject"), reading(by, now):
            wanted = Q(subject_number=number) | Q(screening_number=number)
            subject = Subject.objects.select_related("site").filter(wanted).first()
            if subject is None:
                raise CommandError(f"There is no subject {number} in reach.")
            check_may(by, Duty.VIEW_SUBJECT, subject.site_id, now)
            day = on or clock.today(subject.site.time_zone)
            access = Access("Replay", site=subject.site, subject=subject)
            note_access(by=by, at=now, duty=Duty.VIEW_SUBJECT, access=access)
            found = {
                "subject": subject.number,
                "on": day.isoformat(),
                "as_known_then": _plain(as_known_on(subject, day)),
                "as_true_then": _plain(as_true_on(subject, day)),
            }
        self.stdout.write(json.dumps(found, indent=2, ensure_ascii=False))


def _plain(one: Reading) -> dict[str, Any]:
    return {
        "state": one.state.value if one.state else None,
        "computed": one.result.content if one.result else None,
        "latest": one.latest or None,
    }
