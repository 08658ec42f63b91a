"""Does by hand what the beat does each day."""

from typing import Any

from django.core.management.base import BaseCommand

from followup.tasks import sweep_reminders


class Command(BaseCommand):
    help = "Send the follow-up reminders that are due today, and complete follow-up that is over."

    def handle(self, *args: Any, **options: Any) -> None:
        swept = sweep_reminders()
        self.stdout.write(
            f"{swept['sent']} reminders sent, {swept['skipped']} skipped, "
            f"{swept['completed']} subjects completed, {swept['failed']} failed."
        )
