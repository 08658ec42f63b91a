"""What keeps parts of a subject's record from being locked: forms that are not finished, signatures that are missing.

Asked by `trialsite.lock_selectors` through its table of checks. What each form asks for, and which signature stands,
is said elsewhere once; here it is only laid out by the place that it belongs to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime

from django.db.models import Exists, OuterRef

from dosing.vocabulary import ACTIONABLE
from followup.casebook import FormChange
from followup.milestones import Reading, readings
from followup.models import EndOfTreatment
from protocol.vocabulary import Phase
from reporting.progress import progress_by_visit
from reporting.selectors.facts import SubjectFacts
from reporting.selectors.known import Known, known
from reporting.steps.queries_and_doses import unrecorded_days
from trialsite.lock_selectors import Blocker, places_of_anchors
from trialsite.models import SignatureEvent, Subject
from trialsite.source_items import DOSES

Said = Iterator[tuple[str, str]]
EVERYWHERE = ""


def unfinished(subjects: Sequence[Subject], at: datetime) -> Iterator[Blocker]:
    """Blockers of these subjects; the number of queries does not grow with them."""
    found = known(Subject.objects.filter(pk__in=[one.pk for one in subjects]), at)
    for one in found:
        key = one.facts.subject.pk
        yield from (Blocker(key, place, words) for rule in RULES for place, words in rule(one.facts))
    yield from _queries([one.facts for one in found])
    yield from _endings(subjects)
    yield from _casebooks(found)


def _enrolment(facts: SubjectFacts) -> Said:
    if facts.phase is Phase.SCREENING:
        yield "enrolment", "Screening has not ended."
    if facts.subject.registered_on is not None and not facts.snapshot_is_intact:
        yield "enrolment", "The signature under eligibility does not stand."
    if facts.waivers:
        yield "enrolment", "A waiver waits for a decision."
    for gap in facts.gaps:
        if gap.starts_on <= facts.today and not facts.is_over:
            yield "enrolment", f"Consent to form version {gap.form_version} is missing."


def _visits(facts: SubjectFacts) -> Said:
    for code, progress in progress_by_visit(facts):
        if progress.lacks_labs:
            pending = f", {progress.pending} pending" if progress.pending else ""
            yield code, f"{progress.entered} of {progress.asked} results are entered{pending}."
        if progress.lacks_disease:
            yield code, "The disease assessment is not entered."
        if progress.lacks_bedside:
            yield code, "Vital signs or ECOG are not entered."


def _signing(facts: SubjectFacts) -> Said:
    for code in facts.responses_unsigned:
        yield code, "The signature under the response does not stand."
    if facts.proposal is not None and facts.proposal.kind in ACTIONABLE:
        for place in (facts.decided_at_visit, "course"):
            yield place, "The decision on the treatment phase is not signed."
    for decision in facts.broken:
        for place in (decision.proposal.detail["code"], "course"):
            yield place, "The signature under the treatment phase does not stand."
    if facts.discrepancy is not None:
        yield "course", "A changed proposal waits for the investigator."


def _doses(facts: SubjectFacts) -> Said:
    for month, days in sorted(Counter(_month(on) for on in unrecorded_days(facts)).items()):
        yield month, f"{days} day{' has' if days == 1 else 's have'} no record."
    if not facts.is_over and facts.subject.treatment_ended_on is None:
        yield _month(facts.today), "The month has not ended."


def _month(on: date) -> str:
    return f"{DOSES}{on:%Y-%m}"


def _safety(facts: SubjectFacts) -> Said:
    for event in facts.events:
        signed = facts.causes_signed.get(event.pk)
        if signed is False or (signed is None and event.is_serious):
            yield "safety", f"The causes of event {event.number} are not signed."
    for report in facts.reports:
        if report.running():
            yield "safety", f"The clock of report {report.number} runs."


RULES: tuple[Callable[[SubjectFacts], Said], ...] = (_enrolment, _visits, _signing, _doses, _safety)


def _queries(known: Sequence[SubjectFacts]) -> Iterator[Blocker]:
    """Queries that nobody closed; one that tells no place keeps everything. At most one query."""
    asked = [("open", one) for facts in known for one in facts.open_queries]
    asked += [("answered and not closed", one) for facts in known for one in facts.answered_queries]
    for (state, query), place in zip(asked, places_of_anchors([one for _, one in asked]), strict=True):
        yield Blocker(query.subject_id, place, f"A query is {state}: {query.text}")


def _endings(subjects: Sequence[Subject]) -> Iterator[Blocker]:
    """Ends of treatment whose signature broke or was taken back. One query."""
    ended = SignatureEvent.objects.filter(signature=OuterRef("signature"))
    standing = EndOfTreatment.objects.filter(subject_id__in=[one.pk for one in subjects], in_error_at=None)
    for subject_id in standing.filter(Exists(ended)).values_list("subject_id", flat=True):
        yield Blocker(subject_id, "course", "The signature under the end of treatment does not stand.")


# ---------------------------------------------------------------- the casebook


#: Subject -> what its facts rested on when its signed casebook was read, and what came of it.
_read: dict[int, tuple[tuple[object, ...], tuple[Blocker, ...]]] = {}


def _casebooks(found: Sequence[Known]) -> Iterator[Blocker]:
    """The casebook of every registered subject: a signature over the whole of it, or over the form in question.

    Only where the newest signature stands and none is due is the casebook itself read, which is most of the work, and
    only if anything about the subject has changed since.
    """
    registered = [one for one in found if one.facts.subject.subject_number is not None]
    signed = []
    for one in registered:
        words = _unsigned(one.facts)
        if words:
            yield Blocker(one.facts.subject.pk, EVERYWHERE, words)
        else:
            signed.append(one)
    ends = {one.facts.subject.pk: one.end for one in signed}
    for reading in readings(one.facts.subject for one in signed if not _is_read(one)):
        _read[reading.subject.pk] = ends[reading.subject.pk], tuple(_since_signed(reading))
    for pk in ends:
        yield from _read[pk][1]


def _unsigned(facts: SubjectFacts) -> str:
    """What the newest signature under the casebook lacks, as far as that is seen without reading it."""
    if facts.casebook is None:
        return "The casebook is not signed."
    if facts.casebook.ended:
        return f"The signature under the casebook is {facts.casebook.ended}."
    due = ", ".join(facts.casebook_due)
    return f"The casebook is due to be signed: {due}." if due else ""


def _is_read(one: Known) -> bool:
    pk = one.facts.subject.pk
    return pk in _read and _read[pk][0] == one.end


def _since_signed(reading: Reading) -> Iterator[Blocker]:
    """What was entered since the newest signature, place by place."""
    if reading.is_broken:
        yield Blocker(reading.subject.pk, EVERYWHERE, f"The signature under the casebook is {reading.ended_words}.")
        return
    for place in dict.fromkeys(map(_place_of, reading.changes)):
        yield Blocker(reading.subject.pk, place, "The casebook has entries here that are not signed.")


#: Section of the casebook -> place; those of a visit or a month name it themselves.
PLACE_OF_SECTION = {
    "consent": "enrolment", "screening": "enrolment", "registration": "enrolment",
    "dose_modification": "course", "end_of_treatment": "course", "departure": "course",
    "adverse_event": "safety", "grade_judgement": "safety", "vital_judgement": "safety", "medication": "safety",
}  # fmt: skip


def _place_of(change: FormChange) -> str:
    section, _, identity = change.form.partition(":")
    if section in ("visit", "labs", "disease"):
        return identity
    if section == "doses":
        return f"{DOSES}{identity}"
    if section == "contact":
        return next((str(one.new) for one in change.items if one.item == "contact/visit_code"), EVERYWHERE)
    return PLACE_OF_SECTION[section]
