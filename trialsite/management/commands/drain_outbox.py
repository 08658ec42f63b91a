"""Do by hand what the beat does every few seconds."""

from django.core.management.base import BaseCommand

from trialsite.tasks import drain_everything


class Command(BaseCommand):
    help = "Handle every waiting outbox message and send every waiting mail."

    def handle(self, *args: object, **options: object) -> None:
        done = drain_everything()
        self.stdout.write(f"{done['handled']} messages handled, {done['sent']} mails sent.")
