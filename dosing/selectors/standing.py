"""Signatures under a response or a decision, and whether what became known since changes what they were given to.

Both readings are computed by the same rules from samples collected by the day of the signature: once from the results
and therapies that were recorded by then, once from those recorded now. So only data tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.db.models import Exists, OuterRef
from django.db.models.fields.json import KT

from dosing.models import PhaseDecision, PhaseProposal
from dosing.selectors.phases import site_day
from dosing.selectors.proposals import DECISION_RECORD
from dosing.selectors.reviews import protocol_signed, reaffirmation, response_review
from dosing.selectors.shown import Content, computed
from labs.selectors import Late, course_for, entries_since, visit_label
from protocol.measurements import Course, DiseaseFinding, Measurement
from protocol.trial import TRIAL
from protocol.versions import named
from protocol.vocabulary import Phase
from safety.selectors import first_new_therapy_on, therapies_since
from trialsite.models import Signature, SignatureEvent, Subject
from trialsite.services.signatures import digest

RESPONSE_RECORD = "response"


def responses_to_sign_again(subject_ids: Iterable[int]) -> dict[int, list[str]]:
    """Subject -> visits whose response was signed alone and stands under no signature any more; one query.

    A visit at which something was proposed since is signed with the decision on it.
    """
    proposed = PhaseProposal.objects.annotate(at=KT("detail__code")).filter(
        subject_id=OuterRef("subject_id"), at=OuterRef("code")
    )
    rows = (
        Signature.objects.filter(record_type=RESPONSE_RECORD, subject_id__in=list(subject_ids))
        .annotate(code=KT("content__code"), ended=Exists(SignatureEvent.objects.filter(signature=OuterRef("pk"))))
        .exclude(Exists(proposed))
        .order_by("id")
        .values_list("subject_id", "code", "ended")
    )
    stands: dict[tuple[int, str], bool] = {}
    for subject_id, code, ended in rows:
        if subject_id is not None:
            stands[subject_id, code] = stands.get((subject_id, code), False) or not ended
    found: dict[int, list[str]] = {}
    for (subject_id, code), holds in stands.items():
        if not holds:
            found.setdefault(subject_id, []).append(code)
    return found


@dataclass(frozen=True)
class Outrun:
    """A standing signature, and in words what was entered since that changes what it was given to."""

    signature: Signature
    words: str


def outrun(subject: Subject, course: Course, decided: Sequence[PhaseDecision]) -> Iterator[Outrun]:
    """Standing signatures under which another content would be shown now. `course` and `decided` as they stand now.

    Each is judged by what was known when it was given, which is read again only where something was entered since.
    """
    given = Signature.objects.filter(subject=subject, record_type__in=(DECISION_RECORD, RESPONSE_RECORD), events=None)
    standing = list(given.order_by("id"))
    late = _changes_since(subject, min(one.signed_at for one in standing)) if standing else []
    by_proposal = {str(one.proposal_id): one for one in decided}
    for signature in standing:
        decision = by_proposal.get(signature.record_id) if signature.record_type == DECISION_RECORD else None
        on = site_day(subject.site, decision.decided_at if decision else signature.signed_at)
        if not any(one.instant > signature.signed_at and one.about <= on for one in late):
            continue
        then, now = _as_known(subject, course, signature).collected_by(on), course.collected_by(on)
        if then != now and _differ(subject, signature, decision, then, now):
            yield Outrun(signature, _words(then, now))


def _changes_since(subject: Subject, since: datetime) -> list[Late]:
    """A therapy counts from whichever day it began, so it says something of every day."""
    return [*entries_since(subject, since), *(Late(date.min, when) for when in therapies_since(subject, since))]


def _as_known(subject: Subject, course: Course, signature: Signature) -> Course:
    """The course with the results and therapies that were recorded when it was signed."""
    known = course_for(subject, known_at=signature.signed_at)
    therapy_on = first_new_therapy_on(subject, known_at=signature.signed_at)
    return replace(course, measurements=known.measurements, findings=known.findings, new_therapy_on=therapy_on)


def _differ(subject: Subject, signature: Signature, decision: PhaseDecision | None, then: Course, now: Course) -> bool:
    before, after = (digest(_shown(subject, signature, decision, course)) for course in (then, now))
    return before != after


def _shown(subject: Subject, signature: Signature, decision: PhaseDecision | None, course: Course) -> Content:
    """What the page of this signature shows from these data: the decision, the decision signed again, the response."""
    if decision is None:
        content = signature.content
        on = site_day(subject.site, signature.signed_at)
        return response_review(subject, content["code"], on, course, named(content["protocol_version"])) or {}
    if signature.pk != decision.signature_id:
        return reaffirmation(subject, decision, course)
    on, state = site_day(subject.site, decision.decided_at), Phase(decision.proposal.from_state)
    return computed(subject, on, _until(course, decision, on), state, protocol_signed(decision)).content


def _until(course: Course, decision: PhaseDecision, on: date) -> Course:
    """As it was lived when the decision was made: without the phase that it started."""
    return replace(
        course,
        phases=tuple(span for span in course.phases if span.starts_on < decision.starts_on),
        decisions=tuple(one for one in course.decisions if one.on < on),
    )


def _words(then: Course, now: Course) -> str:
    """The first result that was not there, and how many others came with it."""
    known = {one.source for one in _entries(then)}
    late = [one for one in _entries(now) if one.source not in known]
    if not late:
        return "What was entered since changes what was signed"
    words = f"{visit_label(late[0].visit)}: {_value(late[0])} entered after the signature"
    others = len(late) - 1
    return words + (f", with {others} other result{'' if others == 1 else 's'}" if others else "")


def _entries(course: Course) -> list[Measurement | DiseaseFinding]:
    return [*course.measurements, *course.findings]


def _value(one: Measurement | DiseaseFinding) -> str:
    if isinstance(one, DiseaseFinding):
        return "disease assessment"
    analyte = TRIAL.analytes[one.analyte]
    return f"{analyte.label} {one.typed_value or one.coded or one.value} {one.typed_unit}".strip()
