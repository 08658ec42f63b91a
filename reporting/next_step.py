"""THE rule for what happens next with a subject. The list, the subject's page and the work list all ask here.

`tasks(facts)` gives everything that somebody has to do, the most urgent first; `next_step(facts)` the first of
them, or what the subject waits for. A task is one sentence that begins with a verb, and leads to the exact form.
What each kind of work asks for stands in `reporting.steps`.
"""

from __future__ import annotations

from dosing.vocabulary import PHASE_WORDS
from protocol.vocabulary import DueState
from reporting.selectors.facts import SubjectFacts
from reporting.steps import before_treatment, queries_and_doses, safety, signing, visits
from reporting.steps.step import NOBODY, Kind, Rule, Step, near, page
from trialsite.templatetags.edc import day

#: The order among tasks of one urgency.
RULES: tuple[Rule, ...] = (
    safety.clocks,
    before_treatment.reconsent,
    before_treatment.screening,
    before_treatment.waiver,
    before_treatment.first_dose,
    signing.sign_again,
    signing.response_again,
    signing.discrepancy,
    signing.decision,
    safety.causes,
    safety.death,
    safety.orders,
    signing.confirmation,
    queries_and_doses.answer,
    visits.unfinished,
    visits.visits,
    visits.follow_up,
    queries_and_doses.doses,
    queries_and_doses.close,
    signing.casebook,
)


def tasks(facts: SubjectFacts) -> tuple[Step, ...]:
    """Everything that waits to be done for a subject: overdue first, then in the order of RULES."""
    if facts.subject.entered_in_error_at is not None:
        return ()
    found = [step for rule in RULES for step in rule(facts)]
    return tuple(sorted(found, key=lambda step: URGENCIES.index(step.urgency)))


def next_step(facts: SubjectFacts, found: tuple[Step, ...] | None = None) -> Step:
    """The most urgent task; without one, what the subject waits for. `found`: its tasks, where they are known."""
    steps = tasks(facts) if found is None else found
    return next((step for step in steps if step.urgency != "soon"), None) or _rest(facts)


URGENCIES = ("late", "", "soon", "none")


def _rest(facts: SubjectFacts) -> Step:
    if facts.subject.entered_in_error_at is not None:
        return Step(Kind.REST, "Entered in error", page(facts, "subject"), NOBODY, urgency="none")
    if facts.is_over:
        return Step(Kind.REST, _ending(facts), page(facts, "subject"), NOBODY, urgency="none")
    coming = next((one for one in facts.planned.values() if facts.state_of(one) is DueState.PLANNED), None)
    if coming is None:
        return Step(Kind.REST, "Nothing is due", page(facts, "subject"), NOBODY, urgency="none")
    is_contact = coming.code.startswith("fu")
    url = page(facts, "subject_follow_up") if is_contact else page(facts, "visit", coming.code)
    what = coming.label if is_contact else f"{coming.label} visit"
    when = f"from {near(coming.opens_on, facts.today)}" if is_contact else near(coming.target_on, facts.today)
    return Step(Kind.REST, what, url, NOBODY, when, "none", coming.opens_on)


def _ending(facts: SubjectFacts) -> str:
    if facts.failure is not None:
        return f"Screen failure: {facts.failure.reason}"
    return f"{PHASE_WORDS[facts.phase]} {day(facts.since())}"
