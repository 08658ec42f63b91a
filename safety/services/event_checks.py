"""Checks of an adverse event: contradictions, beside the field they concern, and what is only odd.

Dates of which a part is unknown are compared by their earliest and latest possible day: only what no reading allows
is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from protocol.toxicity import allowed_grades
from safety.vocabulary import (
    CTCAE,
    ENDED,
    LASTING,
    RELATED,
    TERMS,
    ActionTaken,
    Attribution,
    Outcome,
    Seriousness,
)
from trialsite.days import in_words
from trialsite.models import Subject
from trialsite.partial_dates import PartialDate

#: How long after the last dose an event belongs to the treatment (clinical specification 4.4, proposed).
PERIOD = timedelta(days=30)


@dataclass(frozen=True)
class Event:
    """What the form says of one event. `stopped` None: it lasts. `serious`: the criteria that are met."""

    term: str
    grade: int
    started: PartialDate
    outcome: Outcome
    attribution_anakinra: Attribution
    attribution_dexamethasone: Attribution
    action_anakinra: ActionTaken
    action_dexamethasone: ActionTaken
    stopped: PartialDate | None = None
    attribution_disease: str = ""
    attribution_other: str = ""
    serious: frozenset[Seriousness] = frozenset()
    reported_as: str = ""


@dataclass(frozen=True)
class Odd:
    """Something that may be so and is asked about."""

    item: str
    code: str
    text: str


def problems_of(subject: Subject, event: Event, today: date) -> dict[str, str]:
    """Field -> sentence for what cannot be."""
    return {**_of_dates(subject, event, today), **_of_outcome(event), **_of_grade(event)}


def grade_words(term: str) -> str:
    """1 to 3; 1 and 3: the grades that exist for a term."""
    grades = allowed_grades(term)
    if len(grades) == 1:
        return f"only grade {grades[0]}"
    if grades[-1] - grades[0] + 1 == len(grades):
        return f"grades {grades[0]} to {grades[-1]}"
    return f"grades {', '.join(map(str, grades[:-1]))} and {grades[-1]}"


def _of_grade(event: Event) -> dict[str, str]:
    if event.term not in TERMS:
        return {"term": "Choose a term of the list."}
    if event.grade not in allowed_grades(event.term):
        return {"grade": f"{event.term} has {grade_words(event.term)} in CTCAE {CTCAE.value}."}
    is_death = (event.grade == 5, event.outcome == Outcome.FATAL, Seriousness.DEATH in event.serious)
    if any(is_death) and not all(is_death):
        words = "A fatal event has grade 5, the outcome fatal, and the criterion results in death: all three or none."
        return {"grade": words}
    return {}


def _of_dates(subject: Subject, event: Event, today: date) -> dict[str, str]:
    problems = {}
    for name, day in (("started", event.started), ("stopped", event.stopped)):
        if day is None:
            continue
        if day.earliest > today:
            problems[name] = f"{day.words} is in the future. Check the year."
        elif day.latest.year < subject.birth_year:
            problems[name] = f"{day.words} is before the subject was born. Check the year."
        elif subject.died_on is not None and day.earliest > subject.died_on:
            problems[name] = f"{day.words} is after the subject died on {in_words(subject.died_on)}."
    if event.stopped is not None and event.stopped.is_surely_before(event.started):
        problems.setdefault(
            "stopped", f"The last day, {event.stopped.words}, lies before the first, {event.started.words}."
        )
    return problems


def _of_outcome(event: Event) -> dict[str, str]:
    if event.outcome in ENDED and event.stopped is None:
        return {"stopped": "Enter the day on which it ended; a year is enough where no more is known."}
    if event.outcome in LASTING and event.stopped is not None:
        return {
            "outcome": "The event has a last day. Choose the outcome that it ended with, or leave the last day empty."
        }
    return {}


def odd_things(subject: Subject, event: Event) -> list[Odd]:
    """What is saved and asked about."""
    found = []
    if event.started.latest < subject.screened_on:
        text = (
            f"{event.term} began {event.started.words}, before the subject gave consent on "
            f"{in_words(subject.screened_on)}. Is it medical history?"
        )
        found.append(Odd("started", "event-before-consent", text))
    ended = subject.treatment_ended_on
    if ended is not None and event.started.earliest > ended + PERIOD and not _is_related(event):
        text = (
            f"{event.term} began {event.started.words}, more than {PERIOD.days} days after the last dose on "
            f"{in_words(ended)}, and is not related to a study drug. Is it to be recorded?"
        )
        found.append(Odd("started", "event-after-period", text))
    if event.grade == 4 and not event.serious:
        text = f"{event.term} has grade 4, and no criterion of seriousness is marked. Is that so?"
        found.append(Odd("grade", "grade-4-not-serious", text))
    return found


def _is_related(event: Event) -> bool:
    return event.attribution_anakinra in RELATED or event.attribution_dexamethasone in RELATED
