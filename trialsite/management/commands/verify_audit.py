"""Walk every audit chain and name the first bad row of each."""

from django.core.management.base import BaseCommand, CommandError

from trialsite import clock
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import AuditLink
from trialsite.verification import bad_rows


class Command(BaseCommand):
    help = "Recompute the hash chains of the audit trail; exit 1 and name the first bad row of each broken chain."

    def handle(self, *args: object, **options: object) -> None:
        with reading(system_actor("verification"), clock.now()):
            found = bad_rows()
            links = AuditLink.objects.count()
        for row in found:
            self.stdout.write(str(row))
        if found:
            raise CommandError(f"{len(found)} of the audit chains are not as they were written.")
        self.stdout.write(f"{links} audit events verified, every chain whole.")
