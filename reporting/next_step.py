"""THE rule for what happens next with a subject. The list, the subject's page and the work list all ask here.

`tasks(facts)` gives everything that somebody has to do, the most urgent first; `next_step(facts)` the first of
them, or what the subject waits for. A task is one sentence that begins with a verb, and leads to the exact form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from dosing.selectors.phases import drawn_out
from dosing.vocabulary import ACTIONABLE, PHASE_WORDS
from followup.models import Departure
from followup.services import possible_departures
from labs.selectors.visits import visit_label
from protocol.doses import planned_days
from protocol.safety_clocks import ClockName, time_words
from protocol.visits import PlannedVisit
from protocol.vocabulary import TREATMENT_PHASES, CriterionOutcome, DueState, Phase, ProposalKind
from reporting.addresses import address
from reporting.progress import Progress, progress_of
from reporting.selectors.facts import SubjectFacts
from safety.vocabulary import DRUGS, ON_THE_DOSE, ActionTaken
from trialsite.models import Query, Role, Visit
from trialsite.query_selectors import at_field, site_date
from trialsite.selectors import protocol_of
from trialsite.templatetags.edc import day, day_short


class Kind(StrEnum):
    """What sort of work a task is; the work list groups by it."""

    CLOCK = "clock"
    ENTER = "enter"
    ANSWER = "answer"
    SIGN = "sign"
    REVIEW = "review"
    REST = "rest"


@dataclass(frozen=True)
class Step:
    """One thing to do. `words` begin with a verb; `note` says how urgent it is; `waiting` is for those who only wait.

    urgency: "late" (overdue), "" (due now), "soon" (opens within a week), "none" (nothing to do).
    """

    kind: Kind
    words: str
    url: str
    who: frozenset[Role]
    note: str = ""
    urgency: str = ""
    due_on: date | None = None
    waiting: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.words}, {self.note}" if self.note else self.words

    def is_for(self, roles: frozenset[Role]) -> bool:
        return self.urgency != "none" and bool(self.who & roles)


ENTERS = frozenset({Role.COORDINATOR})
SIGNS = frozenset({Role.INVESTIGATOR})
REVIEWS = frozenset({Role.DATA_MANAGER, Role.MONITOR})
TELLS = frozenset({Role.DATA_MANAGER})
NOBODY: frozenset[Role] = frozenset()
#: Diaries come back with the visits: gaps are asked for after two weeks, and are overdue after six.
DIARY_DUE, DIARY_LATE = timedelta(days=14), timedelta(days=42)
SOON = timedelta(days=7)
Rule = Callable[[SubjectFacts], Iterator[Step]]


def tasks(facts: SubjectFacts) -> tuple[Step, ...]:
    """Everything that waits to be done for a subject: overdue first, then in the order of RULES."""
    if facts.subject.entered_in_error_at is not None:
        return ()
    found = [step for rule in RULES for step in rule(facts)]
    return tuple(sorted(found, key=lambda step: URGENCIES.index(step.urgency)))


def next_step(facts: SubjectFacts) -> Step:
    """The most urgent task; without one, what the subject waits for."""
    return next((step for step in tasks(facts) if step.urgency != "soon"), None) or _rest(facts)


URGENCIES = ("late", "", "soon", "none")


def _page(facts: SubjectFacts, name: str, *parts: str) -> str:
    return address(name, facts.subject.key, *parts)


def _near(on: date, today: date) -> str:
    return day_short(on) if on.year == today.year else day(on)


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


# -- consent -----------------------------------------------------------------------------------------


def _reconsent(facts: SubjectFacts) -> Iterator[Step]:
    """The newest version that is needed by now; study procedures wait for it."""
    due = [gap for gap in facts.gaps if gap.starts_on <= facts.today]
    coming = [gap for gap in facts.gaps if facts.today < gap.starts_on <= facts.today + SOON]
    if facts.is_over or not (due or coming):
        return
    url, newest = _page(facts, "subject_consent"), (due or coming)[-1]
    words = f"Record consent to form version {newest.form_version}"
    if due:
        note = f"study procedures wait since {_near(due[0].starts_on, facts.today)}"
        yield Step(Kind.ENTER, words, url, ENTERS, note, "late", due[0].starts_on)
    else:
        yield Step(
            Kind.ENTER, words, url, ENTERS, f"from {_near(newest.starts_on, facts.today)}", "soon", newest.starts_on
        )


# -- before treatment --------------------------------------------------------------------------------


def _screening(facts: SubjectFacts) -> Iterator[Step]:
    if facts.phase is not Phase.SCREENING:
        return
    if "scr" not in facts.visits:
        yield Step(Kind.ENTER, "Enter screening labs", _page(facts, "visit_labs", "scr"), ENTERS)
    yield _eligibility(facts)


def _eligibility(facts: SubjectFacts) -> Step:
    url = _page(facts, "subject_eligibility")
    sent = facts.snapshot
    if sent is None or sent.outcome == CriterionOutcome.INDETERMINATE:
        return Step(
            Kind.ENTER, "Complete eligibility", url, ENTERS, f"{facts.answers} answered" if facts.answers else ""
        )
    if sent.outcome == CriterionOutcome.NOT_MET:
        url = _page(facts, "subject_screen_failure")
        return Step(Kind.ENTER, "Record screen failure", url, ENTERS, "a criterion is not met")
    if sent.signature_id is None:
        return Step(Kind.SIGN, "Sign eligibility", url, SIGNS, waiting="Eligibility: with the investigator")
    if not facts.snapshot_is_intact:
        return Step(Kind.ENTER, "Send eligibility again", url, ENTERS, "evidence changed after signing")
    url = _page(facts, "subject_registration")
    return Step(Kind.ENTER, "Register the subject", url, ENTERS, "eligibility is signed")


def _first_dose(facts: SubjectFacts) -> Iterator[Step]:
    if facts.phase is Phase.ENROLLED:
        yield Step(Kind.ENTER, "Record the first dose", _page(facts, "subject_dosing"), ENTERS)


# -- decisions ---------------------------------------------------------------------------------------


def _sign_again(facts: SubjectFacts) -> Iterator[Step]:
    if facts.broken:
        url = _page(facts, "subject_responses")
        note = "results under the signature changed"
        yield Step(Kind.SIGN, "Sign arm decision again", url, SIGNS, note, waiting="Arm decision: to be signed again")


def _discrepancy(facts: SubjectFacts) -> Iterator[Step]:
    if facts.discrepancy is not None:
        url = _page(facts, "subject_responses")
        words = "Judge the changed arm proposal"
        yield Step(Kind.SIGN, words, url, SIGNS, waiting="Changed arm proposal: with the investigator")


def _decision(facts: SubjectFacts) -> Iterator[Step]:
    if facts.proposal is None or facts.proposal.kind not in ACTIONABLE:
        return
    if facts.proposal.kind == ProposalKind.OFF_TREATMENT_PD:
        url = _page(facts, "subject_end_of_treatment")
        yield Step(Kind.SIGN, "Sign end of treatment", url, SIGNS, waiting="End of treatment: with the investigator")
        return
    url = _page(facts, "subject_response", facts.decided_at_visit)
    note = f"computed {_near(facts.proposal.as_of, facts.today)}"
    yield Step(Kind.SIGN, "Sign arm decision", url, SIGNS, note, waiting="Arm decision: with the investigator")


def _confirmation(facts: SubjectFacts) -> Iterator[Step]:
    if facts.proposal is not None and facts.proposal.kind == ProposalKind.AWAIT_CONFIRMATION and not facts.is_over:
        yield Step(Kind.ENTER, "Draw the confirming sample", _page(facts, "subject_visits"), ENTERS)


def _casebook(facts: SubjectFacts) -> Iterator[Step]:
    """Signed at milestones; one task for all that the subject has reached."""
    if facts.casebook_due:
        is_broken = facts.casebook is not None and facts.casebook.ended
        words = "Sign casebook again" if is_broken else "Sign casebook"
        note = "what was signed changed" if is_broken else ", ".join(facts.casebook_due)
        url = _page(facts, "subject_casebook")
        yield Step(Kind.SIGN, words, url, SIGNS, note, waiting="Casebook: with the investigator")


# -- visits ------------------------------------------------------------------------------------------


def _visits(facts: SubjectFacts) -> Iterator[Step]:
    for code, planned in facts.planned.items():
        state = facts.state_of(planned)
        if code in facts.visits or code == "scr" or code.startswith("fu"):
            continue
        if state in (DueState.DUE, DueState.OVERDUE):
            yield _visit(facts, planned, f"Enter {planned.label} labs", _page(facts, "visit_labs", code))
        elif state is DueState.PLANNED and planned.opens_on - facts.today <= SOON:
            yield _coming(facts, planned)


def _visit(facts: SubjectFacts, planned: PlannedVisit, words: str, url: str) -> Step:
    if facts.state_of(planned) is DueState.OVERDUE:
        late = (facts.today - planned.closes_on).days
        return Step(Kind.ENTER, words, url, ENTERS, f"{_days(late)} overdue", "late", planned.closes_on)
    until = _near(planned.closes_on, facts.today)
    return Step(Kind.ENTER, words, url, ENTERS, f"due by {until}", "", planned.closes_on)


def _coming(facts: SubjectFacts, planned: PlannedVisit) -> Step:
    url, opens = _page(facts, "visit", planned.code), _near(planned.opens_on, facts.today)
    return Step(Kind.ENTER, f"Prepare {planned.label}", url, ENTERS, f"from {opens}", "soon", planned.opens_on)


def _unfinished(facts: SubjectFacts) -> Iterator[Step]:
    for code, visit in facts.visits.items():
        if visit.status == Visit.Status.NOT_DONE:
            continue
        progress = progress_of(facts, code)
        if code.startswith("fu") and not progress.entered:
            continue  # a contact by telephone brings no results
        if progress.lacks_labs:
            yield _finish(facts, code, progress)
        elif progress.lacks_disease:
            words = f"Enter {visit_label(code)} disease assessment"
            yield Step(Kind.ENTER, words, _page(facts, "visit_disease", code), ENTERS)
        elif progress.lacks_bedside:
            yield Step(Kind.ENTER, f"Enter {visit_label(code)} vital signs", _page(facts, "visit", code), ENTERS)


def _finish(facts: SubjectFacts, code: str, progress: Progress) -> Step:
    words = f"Finish {visit_label(code)} labs ({progress.entered} of {progress.asked})"
    note = f"{progress.pending} pending" if progress.pending else ""
    return Step(Kind.ENTER, words, _page(facts, "visit_labs", code), ENTERS, note)


def _follow_up(facts: SubjectFacts) -> Iterator[Step]:
    for code, planned in facts.planned.items():
        if not code.startswith("fu"):
            continue
        state = facts.state_of(planned)
        if state in (DueState.DUE, DueState.OVERDUE):
            yield _visit(facts, planned, f"Record {planned.label.lower()} contact", _page(facts, "subject_follow_up"))


# -- queries and doses -------------------------------------------------------------------------------


def _answer(facts: SubjectFacts) -> Iterator[Step]:
    yield from _queries(facts, facts.open_queries, Kind.ANSWER, "Answer", ENTERS)


def _close(facts: SubjectFacts) -> Iterator[Step]:
    yield from _queries(facts, facts.answered_queries, Kind.REVIEW, "Close", REVIEWS)


def _queries(
    facts: SubjectFacts, queries: tuple[Query, ...], kind: Kind, verb: str, who: frozenset[Role]
) -> Iterator[Step]:
    if not queries:
        return
    oldest, alone = queries[0], len(queries) == 1
    age = (facts.today - site_date(oldest.opened_at, facts.subject.site.time_zone)).days
    note = f"oldest {_days(age)} old" if age > 0 else ""
    oldest.subject = facts.subject  # known already: the address asks for it
    yield Step(kind, f"{verb} {len(queries)} {'query' if alone else 'queries'}", at_field(oldest), who, note)


def unrecorded_days(facts: SubjectFacts) -> list[date]:
    """Past days with a planned dose and no record, oldest first."""
    day1 = facts.subject.day1_on
    if day1 is None or not facts.spans:
        return []
    spans = drawn_out(facts.spans, day1, facts.today, protocol_of(facts.subject))
    return sorted(
        {
            on
            for on, drug in planned_days(spans, day1, protocol_of(facts.subject))
            if on < facts.today and (on, drug) not in facts.doses
        }
    )


def _doses(facts: SubjectFacts) -> Iterator[Step]:
    days = unrecorded_days(facts)
    if not days or facts.today - days[0] <= DIARY_DUE:
        return
    first = days[0]
    url = f"{_page(facts, 'subject_dosing')}?day={first.isoformat()}"
    urgency = "late" if facts.today - first > DIARY_LATE else ""
    note = f"since {_near(first, facts.today)}"
    yield Step(Kind.ENTER, f"Record doses of {_days(len(days))}", url, ENTERS, note, urgency, first + DIARY_LATE)


# -- safety ------------------------------------------------------------------------------------------


def _clocks(facts: SubjectFacts) -> Iterator[Step]:
    """Reports whose clock runs, the one that ends first on top."""
    running = [(clock, report) for report in facts.reports if (clock := report.running())]
    for clock, report in sorted(running, key=lambda pair: pair[0].due_at):
        note = time_words(clock.due_at - facts.now)
        what = "pregnancy" if report.is_pregnancy else "serious event"
        due_on = clock.due_at.date()
        urgency = "late" if clock.is_overdue(facts.now) else ""
        url = _page(facts, "subject_safety_report", str(report.number))
        if clock.name is ClockName.SPONSOR:
            words = f"Report the {what} to the sponsor"
            yield Step(Kind.CLOCK, words, url, ENTERS | SIGNS, note, urgency, due_on)
        else:
            words = f"Report the {what} to the authority"
            waiting = f"Report of the {what} to the authority: with the data manager"
            yield Step(Kind.CLOCK, words, url, TELLS, note, urgency, due_on, waiting)


def _causes(facts: SubjectFacts) -> Iterator[Step]:
    """Causes of serious events that nobody signed, and of any event whose signature broke."""
    for event in facts.events:
        signed = facts.causes_signed.get(event.pk)
        if signed or (signed is None and not event.is_serious):
            continue
        url = _page(facts, "adverse_event_causality", str(event.number))
        again = " again" if signed is False else ""
        words, note = f"Sign causes of event {event.number}{again}", "the event was corrected" if again else ""
        waiting = f"Causes of event {event.number}: with the investigator"
        yield Step(Kind.SIGN, words, url, SIGNS, note, waiting=waiting)


def _death(facts: SubjectFacts) -> Iterator[Step]:
    """A fatal event and the death of the subject go together: where one was entered, the other is asked for.

    Death of progression is an endpoint and needs no event.
    """
    fatal = next((event for event in facts.events if event.is_fatal), None)
    died = facts.subject.died_on
    if fatal is not None and died is None and Departure.Kind.DEAD in possible_departures(facts.subject):
        url = f"{_page(facts, 'subject_departure')}?kind=DEAD"
        yield Step(Kind.ENTER, "Record the death", url, ENTERS, f"event {fatal.number} is fatal")
    elif died is not None and fatal is None and not facts.subject.died_of_progression:
        url = _page(facts, "subject_adverse_events")
        yield Step(Kind.ENTER, "Enter the fatal event", url, ENTERS, f"died {_near(died, facts.today)}")


def _orders(facts: SubjectFacts) -> Iterator[Step]:
    """A lasting event for which a drug was held, reduced or stopped, and no order since it began says so."""
    if facts.phase not in TREATMENT_PHASES:
        return
    for event in facts.events:
        for drug in DRUGS if not event.stopped else ():
            action = getattr(event, f"action_{drug.value}")
            ordered = any(one.drug == drug.value and one.starts_on >= event.started_earliest for one in facts.orders)
            if action in ON_THE_DOSE and not ordered:
                url = f"{_page(facts, 'subject_modifications')}?event={event.number}&drug={drug.value}"
                note = f"event {event.number} says it was {ActionTaken(action).label.lower()}"
                yield Step(Kind.ENTER, f"Enter the order for {drug.value}", url, ENTERS, note)


#: The order among tasks of one urgency.
RULES: tuple[Rule, ...] = (
    _clocks,
    _reconsent,
    _screening,
    _first_dose,
    _sign_again,
    _discrepancy,
    _decision,
    _causes,
    _death,
    _orders,
    _confirmation,
    _answer,
    _unfinished,
    _visits,
    _follow_up,
    _doses,
    _close,
    _casebook,
)


# -- nothing to do -----------------------------------------------------------------------------------


def _rest(facts: SubjectFacts) -> Step:
    if facts.subject.entered_in_error_at is not None:
        return Step(Kind.REST, "Entered in error", _page(facts, "subject"), NOBODY, urgency="none")
    if facts.is_over:
        return Step(Kind.REST, _ending(facts), _page(facts, "subject"), NOBODY, urgency="none")
    coming = next((one for one in facts.planned.values() if facts.state_of(one) is DueState.PLANNED), None)
    if coming is None:
        return Step(Kind.REST, "Nothing is due", _page(facts, "subject"), NOBODY, urgency="none")
    is_contact = coming.code.startswith("fu")
    url = _page(facts, "subject_follow_up") if is_contact else _page(facts, "visit", coming.code)
    what = coming.label if is_contact else f"{coming.label} visit"
    when = f"from {_near(coming.opens_on, facts.today)}" if is_contact else _near(coming.target_on, facts.today)
    return Step(Kind.REST, what, url, NOBODY, when, "none", coming.opens_on)


def _ending(facts: SubjectFacts) -> str:
    if facts.failure is not None:
        return f"Screen failure: {facts.failure.reason}"
    return f"{PHASE_WORDS[facts.phase]} {day(facts.since())}"
