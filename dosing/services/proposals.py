"""What the machine may do: propose, supersede its own proposal, tell the investigators. It never moves a subject."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from dosing import selectors
from dosing.models import AssignmentDiscrepancy, PhaseDecision, PhaseProposal
from dosing.selectors.reviews import protocol_signed, reaffirmation
from dosing.selectors.shown import Computed, computed
from dosing.selectors.standing import outrun
from dosing.services.waiting import remind_of_waiting
from dosing.vocabulary import ACTIONABLE
from labs.services import derive_response_from
from protocol.measurements import Course
from protocol.phases import Discrepancy, find_discrepancies
from protocol.vocabulary import TREATMENT_PHASES, Phase, ProposalKind
from trialsite import mail
from trialsite.access import Duty, system_actor
from trialsite.context import writing
from trialsite.models import Role, Subject
from trialsite.services.signatures import break_signatures
from trialsite.services.subjects import lock_subject

CAUSE = "Re-evaluated by the machine"


def reevaluate_subject(*, subject_id: int, at: datetime, caused_by: str) -> PhaseProposal | None:
    """Bring proposal, discrepancies and signatures of one subject up to date; the pending proposal, if there is one.

    A result that was added after a signature breaks it, as a correction does, if it changes what was shown.

    One transaction that begins with the subject's lock: run twice, at once or again after a crash between any two
    writes, it ends in one proposal and one mail.
    """
    why = f"{CAUSE}: {caused_by}"
    with writing(by=system_actor("re-evaluation"), duty=Duty.PROPOSE_PHASE, site_id=None, at=at, reason=why):
        subject = lock_subject(subject_id)
        if subject.entered_in_error_at is not None or subject.day1_on is None:
            return None
        signed = selectors.decisions(subject)
        course = selectors.course_of(subject, signed)
        assessment = derive_response_from(course, subject, at=at, caused_by=caused_by)
        for one in list(outrun(subject, course, signed)):
            break_signatures([one.signature], reason=one.words[:300], at=at)
        if signed:
            _note_discrepancies(subject, course, signed, at)
        return _renew_proposal(subject, course, assessment.pk, at)


def _renew_proposal(subject: Subject, course: Course, assessment_id: int, at: datetime) -> PhaseProposal | None:
    today = selectors.site_day(subject.site, at)
    pending = selectors.pending_proposal(subject)
    found = computed(subject, today, course) if Phase(subject.state) in TREATMENT_PHASES else None
    if found is None or found.kind is None:
        _supersede(pending)
        return None
    remind_of_waiting(subject, found, today, at)
    if pending is not None and pending.fingerprint == found.fingerprint:
        return pending
    _supersede(pending)
    proposal = PhaseProposal.objects.create(
        subject=subject,
        site_id=subject.site_id,
        made_at=at,
        as_of=today,
        assessment_id=assessment_id,
        from_state=subject.state,
        kind=found.kind.value,
        to_phase=found.phase.value if found.phase else "",
        rule=found.rule,
        words=found.words,
        detail=found.content,
        fingerprint=found.fingerprint,
        status=PhaseProposal.Status.PENDING,
    )
    if found.kind in ACTIONABLE and not _asks_the_same(pending, found):
        _tell(subject, proposal, at)
    return proposal


def _supersede(pending: PhaseProposal | None) -> None:
    if pending is not None:
        pending.status = PhaseProposal.Status.SUPERSEDED
        pending.save(update_fields=["status"])


def _asks_the_same(pending: PhaseProposal | None, found: Computed) -> bool:
    """New figures under the same question: the mail that went out leads to the page that shows them."""
    if pending is None or found.kind is None:
        return False
    phase = found.phase.value if found.phase else ""
    return (pending.kind, pending.to_phase, pending.from_state) == (found.kind.value, phase, found.content["from"])


def _tell(subject: Subject, proposal: PhaseProposal, at: datetime) -> None:
    """One mail per investigator and proposal. It says that something waits, and where; no clinical data."""
    place = reverse("subject_response", kwargs={"key": subject.key, "code": proposal.detail["code"]})
    mail.queue(
        key=f"proposal:{proposal.pk}",
        to=mail.people_at(subject.site, Role.INVESTIGATOR, at),
        heading=f"A treatment decision waits for your review: subject {subject.number}",
        body=(
            f"A treatment decision for subject {subject.number} waits for an investigator of site "
            f"{subject.site.code}.\n\nRead what it rests on, and sign or decline:\n{settings.PUBLIC_URL}{place}\n"
        ),
        why="A new proposal waits for the investigator's signature",
        at=at,
        site=subject.site,
        subject=subject,
    )


def _note_discrepancies(subject: Subject, course: Course, signed: Sequence[PhaseDecision], at: datetime) -> None:
    """Open, or keep up to date, one discrepancy for each signed decision that would now be proposed otherwise."""
    today = selectors.site_day(subject.site, at)
    different = {found.decision.source: found for found in _changed(course, signed, today)}
    rows = AssignmentDiscrepancy.objects.filter(subject=subject).order_by("id")
    standing = {row.decision_id: row for row in rows}
    for decision in signed:
        found = different.get(f"phase_decision:{decision.pk}")
        if found is not None or decision.pk in standing:
            now = _present_side(subject, course, decision, found)
            _note_discrepancy(subject, decision, standing.get(decision.pk), now, at)


def _changed(course: Course, signed: Sequence[PhaseDecision], today: date) -> Iterator[Discrepancy]:
    """Decisions that would be proposed otherwise now, each judged by the protocol version that it was signed under."""
    for trial in {one.version: one for one in map(protocol_signed, signed)}.values():
        own = {f"phase_decision:{one.pk}" for one in signed if protocol_signed(one).version == trial.version}
        decided = tuple(one for one in course.decisions if one.source in own)
        yield from find_discrepancies(replace(course, decisions=decided), today, trial)


def _note_discrepancy(
    subject: Subject,
    decision: PhaseDecision,
    standing: AssignmentDiscrepancy | None,
    now: dict[str, Any],
    at: datetime,
) -> None:
    """`now` is what the rules would have said, with figures. An open discrepancy follows it; a resolved one stays."""
    if standing is not None and standing.resolved_at is None:
        _follow(standing, now)
        return
    judged = decision.proposal.kind if standing is None else standing.now["kind"]
    if now["kind"] not in {decision.proposal.kind, judged}:
        opened = AssignmentDiscrepancy.objects.create(
            subject=subject,
            site_id=subject.site_id,
            decision=decision,
            found_at=at,
            was=_signed_side(decision),
            now=now,
        )
        _tell_of_discrepancy(subject, opened, at)


def _follow(standing: AssignmentDiscrepancy, now: dict[str, Any]) -> None:
    if standing.now != now:
        standing.now = now
        standing.save(update_fields=["now"])


def _signed_side(decision: PhaseDecision) -> dict[str, Any]:
    return {**_side(decision.proposal.kind, decision.snapshot["shown"]), "to": decision.to_phase}


def _present_side(
    subject: Subject, course: Course, decision: PhaseDecision, found: Discrepancy | None
) -> dict[str, Any]:
    """What the rules would have said on the day of the decision, with what is known now."""
    kind = decision.proposal.kind if found is None else _kind(found.proposed_now)
    return _side(kind, reaffirmation(subject, decision, course)["shown"])


def _side(kind: str, shown: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "status": shown["status"], "point": shown["point"], "used": shown["used"]}


def _kind(kind: ProposalKind | None) -> str:
    return kind.value if kind else ""


def _tell_of_discrepancy(subject: Subject, opened: AssignmentDiscrepancy, at: datetime) -> None:
    signed = opened.decision.proposal
    place = reverse("subject_response", kwargs={"key": subject.key, "code": signed.detail["code"]})
    mail.queue(
        key=f"discrepancy:{opened.pk}",
        to=mail.people_at(subject.site, Role.INVESTIGATOR, at),
        heading=f"A correction touches a signed decision: subject {subject.number}",
        body=(
            f"A correction changed what a signed decision for subject {subject.number} rests on. Nothing was moved.\n\n"
            f"Compare both and say how it stands:\n{settings.PUBLIC_URL}{place}?proposal={signed.pk}\n"
        ),
        why="A correction changed what a signed decision rests on",
        at=at,
        site=subject.site,
        subject=subject,
    )
