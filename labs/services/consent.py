"""What consent covers: procedures that wait for it or came after its end, and questions about those before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db.models import F

from labs.models import DiseaseAssessment, Specimen
from labs.selectors.bedside import BEDSIDE
from protocol.trial import TRIAL
from protocol.vocabulary import TERMINAL_PHASES, PanelCode
from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.days import in_words
from trialsite.models import ConsentGap, Query, QueryMessage, Subject, Visit
from trialsite.services.queries import (
    Anchor,
    Question,
    close_automatic_query,
    confirm_automatic_query,
    raise_automatic_query,
    reopen_automatic_query,
)
from trialsite.services.subjects import lock_open_subject, problem_after_the_end

CHECK = "before_consent"
ORDINARY_CARE = "Ordinary care, not a study procedure."
#: Parts of the disease assessment that are procedures, with what they are called in a question.
DATED = {"immunofixation_on": "Immunofixation", "marrow_on": "Marrow", "imaging_on": "Imaging"}


@dataclass(frozen=True)
class Procedure:
    """One dated procedure, and the field that a question about it hangs on."""

    anchor: Anchor
    words: str
    on: date
    at: time | None = None

    @property
    def question(self) -> str:
        return (
            f"{self.words} is dated {in_words(self.on)}, before consent covers it. Correct the date, or confirm on the "
            "consent page that it was ordinary care."
        )


def consent_problem(subject: Subject, on: date, what: str) -> str:
    """The sentence of a hard finding if consent does not let a new procedure of that day be entered, else empty.

    A newer consent that is due holds back what is dated from then on; a withdrawn one, what came after. Data that
    stand already are not asked about.
    """
    ended = problem_after_the_end(subject, on, what)
    if ended or subject.state in TERMINAL_PHASES:
        return ended
    waits = next((gap for gap in subject.consent_gaps if gap.ends_on is None and gap.covers(on, None)), None)
    if waits is None:
        return ""
    return (
        f"{what}: study procedures from {in_words(waits.starts_on)} wait for consent to version {waits.form_version}. "
        "Record that consent first."
    )


def with_gaps(subjects: Iterable[Subject]) -> None:
    """Read the gaps of consent of many subjects at once; one query."""
    known = {one.pk: one for one in subjects}
    found: dict[int, list[ConsentGap]] = {pk: [] for pk in known}
    for gap in ConsentGap.objects.filter(subject__in=known).exclude(ends_on__lt=F("starts_on")):
        found[gap.subject_id].append(gap)
    for pk, gaps in found.items():
        known[pk].consent_gaps = tuple(gaps)


def ask_about_consent(*, by: Actor, at: datetime, subject: Subject) -> None:
    """Ask about every procedure that consent does not cover, and take back what is asked without cause.

    Runs inside the caller's `writing`, after any change of a date of a procedure or of consent. What the site has
    confirmed as ordinary care is not asked again.
    """
    uncovered = {(one.anchor.visit_code, one.question): one for one in _uncovered(subject)}
    known = {
        (query.visit_code, query.text): query
        for query in Query.objects.filter(subject=subject, check_code=CHECK).order_by("id")
    }
    for key, query in known.items():
        if key not in uncovered and query.state != Query.State.CLOSED:
            close_automatic_query(query=query, at=at, reason="The date was corrected.")
    for key, one in uncovered.items():
        asked = known.get(key)
        if asked is None:
            question = Question(one.question, CHECK)
            raise_automatic_query(by=by, at=at, subject=subject, anchor=one.anchor, question=question)
        elif asked.state == Query.State.CLOSED and closed_itself(asked):
            reopen_automatic_query(query=asked, at=at, reason="The date lies before consent again.")


def closed_itself(query: Query) -> bool:
    """True if a correction closed the question, and no person did."""
    last = query.messages.order_by("id").last()
    return last is not None and last.by_id is None and last.action == QueryMessage.Action.CLOSED


def _uncovered(subject: Subject) -> Iterator[Procedure]:
    """Procedures before the first consent, or in a time for which a newer one was needed."""
    for one in _procedures(subject):
        gap = any(gap.covers(one.on, one.at) for gap in subject.consent_gaps)
        if gap or _is_before(subject, one):
            yield one


def _is_before(subject: Subject, one: Procedure) -> bool:
    if one.on != subject.screened_on:
        return one.on < subject.screened_on
    return one.at is not None and subject.consented_time is not None and one.at < subject.consented_time


def _procedures(subject: Subject) -> Iterator[Procedure]:
    specimens = Specimen.objects.filter(subject=subject, status=Specimen.Status.COMPLETE).select_related("visit")
    for specimen in specimens:
        anchor = Anchor("specimen", specimen.pk, "collected_on", specimen.visit.code)
        label = TRIAL.panels[PanelCode(specimen.panel)].label
        yield Procedure(anchor, label, specimen.collected_on, specimen.collected_time)
    yield from _bedside(subject)
    standing = DiseaseAssessment.objects.filter(subject=subject, superseded_at=None, in_error=False)
    for one in standing.select_related("visit"):
        for name, words in DATED.items():
            on = getattr(one, name)
            if on is not None:
                yield Procedure(Anchor("disease_assessment", one.pk, name, one.visit.code), words, on)


def _bedside(subject: Subject) -> Iterator[Procedure]:
    """Vital signs, weight and ECOG that were measured at visits."""
    took_place = Visit.objects.filter(subject=subject, occurred_on__isnull=False)
    for visit in took_place.exclude(status__in=[Visit.Status.IN_ERROR, Visit.Status.NOT_DONE]).order_by("id"):
        if visit.occurred_on is not None and any(getattr(visit, name) is not None for name in BEDSIDE):
            anchor = Anchor("visit", visit.pk, "occurred_on", visit.code)
            yield Procedure(anchor, "Measurement of vital signs", visit.occurred_on)


def may_lie_before(subject: Subject, visit_code: str) -> bool:
    """True if the dates of that visit can lie where consent does not cover them."""
    return visit_code == "scr" or visit_code.startswith("uns") or bool(subject.consent_gaps)


def settle_as_ordinary_care(*, by: Actor, at: datetime, subject: Subject, visit_code: str) -> None:
    """The site states it of every sample of a visit that is asked about. Runs inside the caller's `writing`."""
    for query in open_questions(subject):
        if (query.record_type, query.visit_code) == ("specimen", visit_code):
            confirm_automatic_query(by=by, query=query, at=at, text=ORDINARY_CARE)


def open_questions(subject: Subject) -> list[Query]:
    """Standing questions about procedures before consent, the oldest first."""
    asked = Query.objects.filter(subject=subject, check_code=CHECK).exclude(state=Query.State.CLOSED)
    return list(asked.order_by("id"))


def confirm_ordinary_care(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, query_ids: Iterable[int], words: str = ""
) -> int:
    """The site states that these procedures before consent were ordinary care; how many questions that settles."""
    with writing(by=by, duty=Duty.ANSWER_QUERY, site_id=site_id, at=at, reason=ORDINARY_CARE):
        subject = lock_open_subject(subject_id, site_id)
        settled = [query for query in open_questions(subject) if query.pk in set(query_ids)]
        for query in settled:
            confirm_automatic_query(by=by, query=query, at=at, text=f"{ORDINARY_CARE} {words}".strip()[:500])
        return len(settled)
