"""`manage.py verify_signatures`: is every signature over what was signed, and every decision what the rules gave?"""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from dosing.models import PhaseDecision
from reporting.selectors.replay import faulty_decisions
from reporting.selectors.signature_check import altered_signatures
from trialsite import clock
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Signature


class Command(BaseCommand):
    help = (
        "Hold every signature against the audit trail (name, meaning, time and all else), its digest and the record "
        "under it, and derive every signed decision again from its stored inputs and from the records as known when it "
        "was signed; exit 1 and name what differs, and any kind of signature that is not known here. What is signed "
        "is compared to the letter; of what is derived again, figures, categories, outcomes and identifiers, not the "
        "words that explain."
    )

    def handle(self, *args: object, **options: object) -> None:
        with reading(system_actor("verification"), clock.now()):
            found = [*altered_signatures(), *faulty_decisions()]
            signatures, decisions = Signature.objects.count(), PhaseDecision.objects.count()
        for fault in found:
            self.stdout.write(str(fault))
        if found:
            raise CommandError(f"{len(found)} faults in {signatures} signatures and {decisions} decisions.")
        self.stdout.write(f"{signatures} signatures verified, {decisions} decisions derived again.")
