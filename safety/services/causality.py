"""The investigator signs what caused an adverse event, bound to exactly what was shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from safety.models import AdverseEvent
from safety.selectors.reports import CAUSALITY
from safety.services.saved import SavedByAnother
from safety.vocabulary import Seriousness
from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.models import Signature
from trialsite.reauthentication import Proof
from trialsite.services.signatures import Signing, sign, signature_under, take_back
from trialsite.services.subjects import Refused, lock_open_subject

STATEMENT = "have judged what caused this adverse event, as shown."
MEANING = "Judgement of causes"


def shown(event: AdverseEvent) -> dict[str, Any]:
    """What stands on the page and under the signature."""
    return {
        "event": event.number,
        "version": event.version,
        "term": event.term,
        "ctcae_version": event.ctcae_version,
        "grade": event.grade,
        "started": event.started,
        "stopped": event.stopped,
        "outcome": event.outcome,
        "serious": [one.name for one in Seriousness if getattr(event, one.value)],
        "attribution": {
            "anakinra": event.attribution_anakinra,
            "dexamethasone": event.attribution_dexamethasone,
            "disease": event.attribution_disease,
            "other": event.attribution_other,
        },
        "expected": {"anakinra": event.expected_of_anakinra, "dexamethasone": event.expected_of_dexamethasone},
        "reference_list": event.reference_list,
    }


def sign_causality(
    *, by: Actor, at: datetime, proof: Proof, subject_id: int, site_id: int, number: int, version: int
) -> Signature:
    """Sign the causes of an event as they were shown; a second time by the same person gives the first signature.

    Every later correction of the event breaks it. Refused if the event was saved since `version` was shown.
    """
    with writing(by=by, duty=Duty.SIGN, site_id=site_id, at=at, reason="Causes of an adverse event signed"):
        subject = lock_open_subject(subject_id, site_id)
        event = AdverseEvent.objects.filter(subject=subject, number=number, in_error=False).first()
        if event is None:
            raise Refused("There is no such adverse event, or it was marked as entered in error.")
        if event.version != version:
            raise SavedByAnother("The event was changed after this page was opened. Look at it again, then sign.")
        standing = Signature.objects.filter(record_type=CAUSALITY, record_id=str(event.pk), events=None)
        signed: Signature | None = standing.filter(signer_id=by.user_id).first()
        if signed is not None:
            return signed
        what = Signing(CAUSALITY, str(event.pk), MEANING, STATEMENT, shown(event), (f"adverse_event:{event.pk}",))
        return sign(by=by, at=at, proof=proof, site=subject.site, subject=subject, what=what)


def withdraw_causality(
    *, by: Actor, at: datetime, proof: Proof, subject_id: int, site_id: int, number: int, signature_id: int, reason: str
) -> Signature:
    """The signer takes back the own signature under the causes of an event. It stays listed; the causes wait again.

    Refused without a reason, for another person's signature, and for one that does not stand any more.
    """
    with writing(by=by, duty=Duty.SIGN, site_id=site_id, at=at, reason=reason):
        subject = lock_open_subject(subject_id, site_id)
        signer_id = proof.check_for(by, at)
        event = AdverseEvent.objects.get(subject=subject, number=number)
        signature = signature_under(CAUSALITY, event.pk, signature_id)
        return take_back(signature, signer_id=signer_id, reason=reason, at=at)
