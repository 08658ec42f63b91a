"""What is shown, and signed or judged, apart from a proposal: a response, a decision to sign again, a discrepancy."""

from __future__ import annotations

from datetime import date

from dosing.models import AssignmentDiscrepancy, PhaseDecision
from dosing.selectors.phases import course_of, site_day
from dosing.selectors.shown import Content, point_at, point_content
from protocol.measurements import Course
from protocol.response import assess
from protocol.schema import Protocol
from protocol.versions import named
from trialsite.models import Subject
from trialsite.selectors import protocol_of


def response_review(
    subject: Subject, code: str, today: date, course: Course | None = None, trial: Protocol | None = None
) -> Content | None:
    """The response at one visit with its trace and results; None if that visit has no time point."""
    course, trial = course or course_of(subject), trial or protocol_of(subject)
    history = assess(course, trial, today)
    point = point_at(history, code)
    if point is None:
        return None
    return {"subject": subject.number, "code": code, **point_content(course, history, point, trial)}


def protocol_signed(decision: PhaseDecision) -> Protocol:
    """The version by which a signed decision was judged, whatever the subject consented to since."""
    return named(decision.snapshot["shown"]["protocol_version"])


def comparison(found: AssignmentDiscrepancy) -> Content:
    """A discrepancy as it is judged: what was signed beside what the rules would have said."""
    return {"discrepancy": found.pk, "was": found.was, "now": found.now}


def reaffirmation(subject: Subject, decision: PhaseDecision, course: Course | None = None) -> Content:
    """A signed decision beside what the rules of its own version say of its day with what is known now."""
    course, trial = course or course_of(subject), protocol_signed(decision)
    history = assess(course, trial, site_day(subject.site, decision.decided_at))
    code = decision.snapshot["shown"]["code"]
    point = point_at(history, code) or history.latest_evaluable
    return {
        "subject": subject.number,
        "decision": decision.snapshot["decision"],
        "shown": {"code": code, **point_content(course, history, point, trial)},
    }
