"""Reports with a clock, causes to sign, deaths and orders that an event asks for."""

from __future__ import annotations

from collections.abc import Iterator

from followup.models import Departure
from followup.services import possible_departures
from protocol.safety_clocks import ClockName, time_words
from protocol.vocabulary import TREATMENT_PHASES
from reporting.selectors.facts import SubjectFacts
from reporting.steps.step import ENTERS, SIGNS, TELLS, Kind, Step, near, page
from safety.vocabulary import DRUGS, ON_THE_DOSE, ActionTaken


def clocks(facts: SubjectFacts) -> Iterator[Step]:
    """Reports whose clock runs, the one that ends first on top."""
    running = [(clock, report) for report in facts.reports if (clock := report.running())]
    for clock, report in sorted(running, key=lambda pair: pair[0].due_at):
        note = time_words(clock.due_at - facts.now)
        what = "follow-up" if report.follows_id else "pregnancy" if report.is_pregnancy else "serious event"
        due_on = clock.due_at.date()
        urgency = "late" if clock.is_overdue(facts.now) else ""
        url = page(facts, "subject_safety_report", str(report.number))
        if clock.name is ClockName.SPONSOR:
            words = f"Report the {what} to the sponsor"
            yield Step(Kind.CLOCK, words, url, ENTERS | SIGNS, note, urgency, due_on)
        else:
            words = f"Report the {what} to the authority"
            waiting = f"Report of the {what} to the authority: with the data manager"
            yield Step(Kind.CLOCK, words, url, TELLS, note, urgency, due_on, waiting)


def causes(facts: SubjectFacts) -> Iterator[Step]:
    """Causes of serious events that nobody signed, and of any event whose signature broke."""
    for event in facts.events:
        signed = facts.causes_signed.get(event.pk)
        if signed or (signed is None and not event.is_serious):
            continue
        url = page(facts, "adverse_event_causality", str(event.number))
        again = " again" if signed is False else ""
        words, note = (
            f"Sign causes of event {event.number}{again}",
            "the signature does not stand" if again else "",
        )
        waiting = f"Causes of event {event.number}: with the investigator"
        yield Step(Kind.SIGN, words, url, SIGNS, note, waiting=waiting)


def death(facts: SubjectFacts) -> Iterator[Step]:
    """A fatal event and the death of the subject go together: where one was entered, the other is asked for.

    Death of progression is an endpoint and needs no event.
    """
    fatal = next((event for event in facts.events if event.is_fatal), None)
    died = facts.subject.died_on
    if fatal is not None and died is None and Departure.Kind.DEAD in possible_departures(facts.subject):
        url = f"{page(facts, 'subject_departure')}?kind=DEAD"
        yield Step(Kind.ENTER, "Record the death", url, ENTERS, f"event {fatal.number} is fatal")
    elif died is not None and fatal is None and not facts.subject.died_of_progression:
        url = page(facts, "subject_adverse_events")
        yield Step(Kind.ENTER, "Enter the fatal event", url, ENTERS, f"died {near(died, facts.today)}")


def orders(facts: SubjectFacts) -> Iterator[Step]:
    """A lasting event for which a drug was held, reduced or stopped, and no order for this event and drug says so."""
    if facts.phase not in TREATMENT_PHASES:
        return
    for event in facts.events:
        for drug in DRUGS if not event.stopped else ():
            action = getattr(event, f"action_{drug.value}")
            ordered = any((one.drug, one.event_id) == (drug.value, event.pk) for one in facts.orders)
            if action in ON_THE_DOSE and not ordered:
                url = f"{page(facts, 'subject_modifications')}?event={event.number}&drug={drug.value}"
                note = f"event {event.number} says it was {ActionTaken(action).label.lower()}"
                yield Step(Kind.ENTER, f"Enter the order for {drug.value}", url, ENTERS, note)
