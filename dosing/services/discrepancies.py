"""The investigator's word on a signed decision whose basis was corrected."""

from __future__ import annotations

from datetime import datetime

from dosing.models import AssignmentDiscrepancy
from dosing.selectors.reviews import comparison
from dosing.services.subjects import check_evaluated, locked_subject
from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.services.signatures import digest
from trialsite.services.subjects import Refused, Stale

FOLLOWED = "The figures changed since you read them. Compare both anew, then say how the decision stands."


def resolve_discrepancy(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, discrepancy_id: int, shown: str, resolution: str
) -> AssignmentDiscrepancy:
    """The investigator says how a signed decision stands after a correction. It moves nobody; refused if resolved.

    `shown` is the digest of the two sides on the screen. Stale if they are others now, or results wait to be
    evaluated. What was judged stays in the row: a resolved discrepancy follows no further correction.
    """
    with writing(by=by, duty=Duty.SIGN, site_id=site_id, at=at, reason=resolution):
        subject = locked_subject(subject_id, site_id)
        if not resolution.strip():
            raise Refused("Say how the decision stands, and why.")
        found = AssignmentDiscrepancy.objects.select_related("resolved_by").get(pk=discrepancy_id, subject=subject)
        if found.resolved_at is not None and found.resolved_by is not None:
            raise Refused(f"{found.resolved_by.printed_name} resolved this already.")
        check_evaluated(subject)
        if digest(comparison(found)) != shown:
            raise Stale(FOLLOWED)
        found.resolved_at, found.resolved_by_id, found.resolution = at, by.user_id, resolution
        found.save(update_fields=["resolved_at", "resolved_by", "resolution"])
        return found
