"""What waits for the investigator: proposals, broken signatures, discrepancies; and what was decided."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import CharField, Exists, OuterRef, QuerySet
from django.db.models.functions import Cast

from dosing.models import AssignmentDiscrepancy, PhaseDecision, PhaseProposal
from dosing.vocabulary import ACTIONABLE
from trialsite.failures import Failure, failures
from trialsite.models import OutboxMessage, Signature, SignatureEvent, Subject
from trialsite.outbox import ROUTES, News
from trialsite.templatetags.edc import moment

DECISION_RECORD = "phase_decision"


def pending_proposal(subject: Subject) -> PhaseProposal | None:
    """What the machine proposes now, None if it has nothing to propose."""
    return (
        PhaseProposal.objects.filter(subject=subject, status=PhaseProposal.Status.PENDING)
        .select_related("subject__site")
        .first()
    )


def being_evaluated_since(subject: Subject) -> datetime | None:
    """When the first results arrived that the machine has not looked at yet; None if it has looked at all of them."""
    waiting = OutboxMessage.objects.filter(subject=subject, kind=News.LABS_RECORDED, done_at=None)
    return waiting.order_by("id").values_list("published_at", flat=True).first()


def evaluation_failure(subject: Subject) -> Failure | None:
    """Why the machine cannot look at what arrived, and who was told; None while it only waits for its turn."""
    found = (one for one in failures(subject) if ROUTES[News(one.message.kind)] == ROUTES[News.LABS_RECORDED])
    return next(found, None)


def why_not_evaluated(subject: Subject) -> str:
    """What failed, what it blocks and who was told, for whoever would sign; empty while it only waits for its turn."""
    since, failure = being_evaluated_since(subject), evaluation_failure(subject)
    if since is None or failure is None:
        return ""
    zone = subject.site.time_zone
    names = ", ".join(failure.told)
    told = f"{names} (administration) {'was' if len(failure.told) == 1 else 'were'} told at "
    return (
        f"Results that arrived at {moment(since, zone)} could not be evaluated: it was tried "
        f"{failure.message.attempts} times. Nothing can be signed for this subject until it works. "
        + (f"{told}{moment(failure.told_at, zone)}; you need not report it." if names else "Tell the administrator.")
        + " The results themselves are saved."
    )


def pending_proposals(*, actionable: bool) -> QuerySet[PhaseProposal]:
    """Pending proposals in reach with their subjects: those that wait for a signature, or all others."""
    pending = PhaseProposal.objects.filter(status=PhaseProposal.Status.PENDING).select_related("subject__site")
    return pending.filter(kind__in=ACTIONABLE) if actionable else pending.exclude(kind__in=ACTIONABLE)


def decisions(subject: Subject) -> list[PhaseDecision]:
    """Signed decisions of a subject, oldest first."""
    return list(
        PhaseDecision.objects.filter(subject=subject)
        .select_related("proposal", "signature", "decided_by")
        .order_by("id")
    )


def signatures_of(decision: PhaseDecision) -> list[Signature]:
    """Every signature under a decision, oldest first: the first one, and those given again after a change."""
    return list(
        Signature.objects.filter(record_type=DECISION_RECORD, record_id=str(decision.proposal_id))
        .prefetch_related("events")
        .order_by("id")
    )


def standing_signature(decision: PhaseDecision) -> Signature | None:
    """The signature that holds, None if every one is broken or superseded."""
    return next((one for one in reversed(signatures_of(decision)) if not one.events.all()), None)


def broken_decisions(subject_ids: Iterable[int] | None = None) -> QuerySet[PhaseDecision]:
    """Decisions in reach under which no signature stands: they wait to be signed again."""
    ended = SignatureEvent.objects.filter(signature=OuterRef("pk"))
    standing = Signature.objects.filter(record_type=DECISION_RECORD, record_id=OuterRef("record")).exclude(
        Exists(ended)
    )
    found = (
        PhaseDecision.objects.annotate(record=Cast("proposal_id", CharField()))
        .exclude(Exists(standing))
        .select_related("subject__site", "proposal")
    )
    return found if subject_ids is None else found.filter(subject_id__in=list(subject_ids))


def open_discrepancies(subject_ids: Iterable[int] | None = None) -> QuerySet[AssignmentDiscrepancy]:
    """Signed decisions in reach whose basis was corrected so that another one would be proposed."""
    found = AssignmentDiscrepancy.objects.filter(resolved_at=None).select_related("subject__site", "decision__proposal")
    return found if subject_ids is None else found.filter(subject_id__in=list(subject_ids))
