"""A subject as of any day: as true then (samples dated up to the day, with all that is known now), and as known then
(entries and corrections made up to the end of the day). Stored decisions are replayed with the second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dosing.models import PhaseDecision
from dosing.selectors import course_of, site_day
from dosing.selectors.phases import as_decision
from dosing.selectors.shown import Computed, Content, computed, point_content
from followup.models import Departure, EndOfTreatment
from labs.selectors import course_for
from protocol.measurements import Course
from protocol.phases import propose
from protocol.response import assess
from protocol.schema import Protocol
from protocol.stored import NotReadable, course_from_json
from protocol.versions import UnknownVersion, named
from protocol.vocabulary import Phase
from safety.selectors import first_new_therapy_on
from trialsite.models import Subject
from trialsite.selectors import protocol_known_before, protocol_on

MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Reading:
    """What the rules say of one day. `state` None: the subject was not in the trial yet.

    `latest`: the latest time point with its trace and results, whether or not there was anything to decide.
    """

    state: Phase | None
    result: Computed | None = None
    latest: Content = field(default_factory=dict)


def as_true_on(subject: Subject, day: date) -> Reading:
    """From samples and events dated on or before the day, with every value as it stands now."""
    course = course_of(subject).collected_by(day)
    running = course.phase_on(day)
    return _reading(subject, course, running.phase if running else None, day, protocol_on(subject, day))


def as_known_on(subject: Subject, day: date) -> Reading:
    """From what had been entered at the site by the end of that day."""
    zone = ZoneInfo(subject.site.time_zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    course = course_known_before(subject, end)
    state = Phase(course.phases[-1].phase) if course.phases else None
    return _reading(subject, course, state, day, protocol_known_before(subject, end))


def _reading(subject: Subject, course: Course, state: Phase | None, day: date, trial: Protocol) -> Reading:
    if state is None or course.day1 is None or course.day1 > day:
        return Reading(state)
    result = computed(subject, day, course, state, trial)
    history = result.history
    return Reading(state, result, point_content(course, history, history.latest_evaluable or history.latest, trial))


def course_known_before(subject: Subject, moment: datetime) -> Course:
    """Everything the rules read, as it stood just before that instant."""
    known_at = moment - MOMENT
    course = course_for(subject, known_at=known_at)
    signed = PhaseDecision.objects.filter(subject=subject, decided_at__lte=known_at).select_related("proposal")
    ended = EndOfTreatment.objects.filter(subject=subject, recorded_at__lte=known_at).exclude(in_error_at__lte=known_at)
    left = Departure.objects.filter(subject=subject, recorded_at__lte=known_at).exclude(in_error_at__lte=known_at)
    death = left.filter(kind=Departure.Kind.DEAD).first()
    newest_end = ended.last()
    return replace(
        course,
        day1=_since_known(subject, course, subject.day1_on, Phase.INDUCTION),
        registered_on=_since_known(subject, course, subject.registered_on, Phase.ENROLLED),
        decisions=tuple(as_decision(one, subject) for one in signed),
        ended_treatment_on=newest_end.last_dose_on if newest_end else None,
        new_therapy_on=first_new_therapy_on(subject, known_at=known_at),
        death_on=death.on if death else None,
        death_due_to_myeloma=bool(death and death.death_due_to_progression),
    )


def _since_known(subject: Subject, course: Course, day: date | None, state: Phase) -> date | None:
    """A date of the subject that is entered together with the move into a state."""
    return day if any(span.phase is state for span in course.phases) else None


# ---------------------------------------------------------------- every signed decision


@dataclass(frozen=True)
class Fault:
    """A signature or a decision that is not what its stored content says."""

    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


def faulty_decisions() -> Iterator[Fault]:
    """Signed decisions that the rules, fed with what was stored then, would not propose again."""
    decisions = PhaseDecision.objects.select_related("proposal__assessment", "subject__site", "signature").order_by(
        "id"
    )
    for decision in decisions.iterator(chunk_size=100):
        for why in _faults(decision):
            yield Fault(f"decision {decision.pk} of subject {decision.subject.number}", why)


def _faults(decision: PhaseDecision) -> Iterator[str]:
    if decision.snapshot != decision.signature.content:
        yield "the stored snapshot is not the signed content"
    shown = decision.snapshot["shown"]
    try:
        trial = named(shown["protocol_version"])
    except UnknownVersion as error:
        yield str(error)
        return
    stored = decision.proposal.assessment
    if stored is not None:
        yield from _from_inputs(decision, stored.inputs, trial)
    today = site_day(decision.subject.site, decision.decided_at)
    course = course_known_before(decision.subject, decision.decided_at)
    again = computed(decision.subject, today, course, Phase(decision.proposal.from_state), trial)
    if essence(again.content) != essence(shown):
        yield "the records as known at the signature do not give what was shown: " + _first_difference(
            essence(shown), essence(again.content)
        )


def _from_inputs(decision: PhaseDecision, inputs: dict[str, object], trial: Protocol) -> Iterator[str]:
    """The proposal again from the inputs that were stored with the derived response."""
    proposal = decision.proposal
    try:
        course = course_from_json(inputs)
    except NotReadable as error:
        yield f"the stored inputs cannot be read: {error}"
        return
    history = assess(course, trial, proposal.as_of)
    found = propose(Phase(proposal.from_state), course, history, proposal.as_of, trial)
    now = {
        "kind": found.kind.value if found.kind else "",
        "rule": found.rule,
        "status": history.confirmed_status.value,
    }
    for name, value in now.items():
        if proposal.detail[name] != value:
            yield f"the stored inputs give another {name}: {value} instead of {proposal.detail[name]}"


#: Texts that explain: a newer software may word them otherwise. Of the second kind the numbers are compared.
EXPLAINING = frozenset({"words", "notes", "waits_for", "missing"})
WITH_FIGURES = frozenset({"figures", "thresholds"})
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def essence(content: Any) -> Any:
    """Figures, categories, outcomes and identifiers of a content, without the words that explain them."""
    if isinstance(content, Mapping):
        kept = {name: value for name, value in content.items() if not _explains(name, content)}
        return {name: _numbers(value) if name in WITH_FIGURES else essence(value) for name, value in kept.items()}
    return [essence(one) for one in content] if isinstance(content, list) else content


def _explains(name: str, beside: Mapping[str, Any]) -> bool:
    """The label of an analyte is words; that of a time point is its visit."""
    return name in EXPLAINING or (name == "label" and "analyte" in beside)


def _numbers(text: Any) -> list[str]:
    """The numbers in a text or in a list of texts, whatever stands around them."""
    return sorted(_NUMBER.findall(" ".join(text) if isinstance(text, list) else str(text)))


def _first_difference(shown: dict[str, object], again: dict[str, object]) -> str:
    return next((name for name in shown if shown[name] != again.get(name)), "a field that was not shown")
