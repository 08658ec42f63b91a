"""Consent, screening, registration, first dose."""

from __future__ import annotations

from collections.abc import Iterator

from protocol.vocabulary import CriterionOutcome, Phase
from reporting.selectors.facts import SubjectFacts
from reporting.steps.step import ENTERS, SIGNS, SOON, Kind, Step, near, page
from trialsite.query_selectors import site_date


def reconsent(facts: SubjectFacts) -> Iterator[Step]:
    """The newest version that is needed by now; study procedures wait for it."""
    due = [gap for gap in facts.gaps if gap.starts_on <= facts.today]
    coming = [gap for gap in facts.gaps if facts.today < gap.starts_on <= facts.today + SOON]
    if facts.is_over or not (due or coming):
        return
    url, newest = page(facts, "subject_consent"), (due or coming)[-1]
    words = f"Record consent to form version {newest.form_version}"
    if due:
        note = f"study procedures wait since {near(due[0].starts_on, facts.today)}"
        yield Step(Kind.ENTER, words, url, ENTERS, note, "late", due[0].starts_on)
    else:
        yield Step(
            Kind.ENTER, words, url, ENTERS, f"from {near(newest.starts_on, facts.today)}", "soon", newest.starts_on
        )


def screening(facts: SubjectFacts) -> Iterator[Step]:
    if facts.phase is not Phase.SCREENING:
        return
    if "scr" not in facts.visits:
        yield Step(Kind.ENTER, "Enter screening labs", page(facts, "visit_labs", "scr"), ENTERS)
    if (one := _eligibility(facts)) is not None:
        yield one


def _eligibility(facts: SubjectFacts) -> Step | None:
    """None while a waiver waits: it is the step."""
    url = page(facts, "subject_eligibility")
    sent = facts.snapshot
    if sent is None or sent.outcome == CriterionOutcome.INDETERMINATE:
        return Step(
            Kind.ENTER, "Complete eligibility", url, ENTERS, f"{facts.answers} answered" if facts.answers else ""
        )
    if facts.is_unmet:
        return None if facts.waivers else _unmet(facts)
    if sent.signature_id is None:
        return Step(Kind.SIGN, "Sign eligibility", url, SIGNS, waiting="Eligibility: with the investigator")
    if not facts.snapshot_is_intact:
        return Step(Kind.ENTER, "Send eligibility again", url, ENTERS, "evidence changed after signing")
    url = page(facts, "subject_registration")
    return Step(Kind.ENTER, "Register the subject", url, ENTERS, "eligibility is signed")


def _unmet(facts: SubjectFacts) -> Step:
    if facts.has_news:
        url, note = page(facts, "subject_eligibility"), "evidence or a waiver came since it was sent"
        return Step(Kind.ENTER, "Send eligibility again", url, ENTERS, note)
    url = page(facts, "subject_screen_failure")
    return Step(Kind.ENTER, "Record screen failure", url, ENTERS, "a criterion is not met")


def first_dose(facts: SubjectFacts) -> Iterator[Step]:
    if facts.phase is Phase.ENROLLED:
        yield Step(Kind.ENTER, "Record the first dose", page(facts, "subject_dosing"), ENTERS)


def waiver(facts: SubjectFacts) -> Iterator[Step]:
    """A waiver waits for an investigator: not for the one who asked, where another one can decide."""
    if facts.phase is not Phase.SCREENING:
        return
    for one in facts.waivers:
        url = page(facts, "subject_waiver", one.criterion)
        note = f"asked {near(site_date(one.requested_at, facts.subject.site.time_zone), facts.today)}"
        barred = one.requested_by_id if getattr(one, "others_decide", False) else None
        waiting = f"Waiver of {one.criterion}: with the investigator"
        words = f"Decide the waiver of {one.criterion}"
        yield Step(Kind.SIGN, words, url, SIGNS, note, waiting=waiting, not_for=barred)
