"""The bar on top of every page of a subject, and its tabs: seven queries, whatever the page. And the menu's number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from dosing.vocabulary import PHASE_WORDS
from followup.models import FollowUpContact
from labs.models import ResponseAssessment
from labs.selectors import latest_response
from labs.selectors.visits import anchors_of, stopped_on
from protocol.months import study_day, study_month
from protocol.safety_clocks import time_words
from protocol.visits import PlannedVisit, due_state, schedule
from protocol.vocabulary import TERMINAL_PHASES, DueState, Phase
from reporting.addresses import address
from reporting.selectors.facts import site_day
from reporting.waiting import tasks_waiting
from safety.selectors import running_reports
from safety.vocabulary import CLOCK_WORDS
from trialsite import clock
from trialsite.access import Duty, can
from trialsite.models import Query, StatePeriod, Subject
from trialsite.selectors import protocol_of, state_periods, visits
from trialsite.templatetags.edc import day_short


@dataclass(frozen=True)
class Header:
    """Fields of templates/edc/subject_base.html."""

    subject_number: str
    site: str
    sex: str
    age: str
    phase: Phase
    phase_words: str
    on_study: str
    on_study_note: str
    last_response: str
    last_response_note: str
    next_visit: str
    next_visit_note: str
    open_queries: int
    consent_needed: str
    clocks: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Tab:
    label: str
    url: str
    active: bool
    count: int | None = None
    is_query: bool = False


#: Tabs in order: words, URL name.
TABS = (
    ("Overview", "subject"),
    ("Eligibility", "subject_eligibility"),
    ("Visits", "subject_visits"),
    ("Labs", "subject_labs"),
    ("Response and arm", "subject_responses"),
    ("Dosing", "subject_dosing"),
    ("Adverse events", "subject_adverse_events"),
    ("Medications", "subject_medications"),
    ("Follow-up", "subject_follow_up"),
    ("Casebook", "subject_casebook"),
    ("Queries", "subject_queries"),
    ("SDV", "subject_sdv"),
    ("Locks", "subject_locks"),
    ("Audit trail", "subject_audit"),
)


def work_shell(request: HttpRequest) -> dict[str, object]:
    """`tasks_waiting` for the menu: counted once, where a page shows the menu; a part of a page does not."""
    actor = getattr(request, "actor", None)
    if actor is None or actor.user_id is None:
        return {}
    return {"tasks_waiting": SimpleLazyObject(lambda: tasks_waiting(actor, clock.now()))}


def subject_shell(request: HttpRequest) -> dict[str, object]:
    """`header` and `tabs` for a page whose address has a subject's key; nothing for any other page."""
    match = request.resolver_match
    actor = getattr(request, "actor", None)
    if match is None or "key" not in match.kwargs or actor is None or actor.user_id is None:
        return {}
    subject = Subject.objects.select_related("site").filter(key=match.kwargs["key"]).first()
    if subject is None or not can(actor, Duty.VIEW_SUBJECT, subject.site_id, clock.now()):
        return {}
    open_queries = Query.objects.filter(subject=subject, state=Query.State.OPEN).count()
    tabs = _tabs(subject, request.path, open_queries)
    if not can(actor, Duty.VIEW_AUDIT, subject.site_id, clock.now()):
        tabs = [tab for tab in tabs if tab.url != address("subject_audit", subject.key)]
    return {"header": header_of(subject, open_queries), "tabs": tabs}


def header_of(subject: Subject, open_queries: int) -> Header:
    today, periods, phase = site_day(subject, clock.now()), state_periods(subject), Phase(subject.state)
    response = latest_response(subject)
    coming = _coming(subject, periods, today)
    return Header(
        subject_number=subject.number,
        site=f"Site {subject.site.code}",
        sex=subject.get_sex_display().lower(),
        age=f"{subject.screened_on.year - subject.birth_year} y at screening, approximate",
        phase=phase,
        phase_words=PHASE_WORDS[phase],
        on_study=_month(subject, today),
        on_study_note=f"day {study_day(subject.day1_on, today)}" if subject.day1_on and _is_on(subject, today) else "",
        last_response=response.latest_timepoint if response else "",
        last_response_note=_response_note(response),
        next_visit=coming.label if coming else "",
        next_visit_note=_window(coming, today) if coming else "",
        open_queries=open_queries,
        consent_needed=_consent_needed(subject, today),
        clocks=_clocks(subject),
    )


def _clocks(subject: Subject) -> tuple[tuple[str, str, str], ...]:
    """Words, address and look of each report whose clock runs."""
    now, found = clock.now(), []
    for report in running_reports(subject):
        running = report.running()
        if running is not None:
            words, acts = CLOCK_WORDS[running.name]
            url = address("subject_safety_report", subject.key, report.number)
            level = "err" if running.is_overdue(now) else "warn"
            left = time_words(running.due_at - now)
            found.append((f"{report.words}. {words}: {left}. {acts} acts.", url, level))
    return tuple(found)


def _consent_needed(subject: Subject, today: date) -> str:
    """The newest version of the consent form that study procedures wait for today, empty if they wait for none."""
    if Phase(subject.state) in TERMINAL_PHASES:
        return ""
    waits = [gap for gap in subject.consent_gaps if gap.ends_on is None and gap.covers(today, None)]
    return waits[-1].form_version if waits else ""


def _is_on(subject: Subject, today: date) -> bool:
    ended = subject.treatment_ended_on
    return subject.day1_on is not None and subject.day1_on <= today and (ended is None or today <= ended)


def _month(subject: Subject, today: date) -> str:
    if subject.day1_on is None or today < subject.day1_on:
        return ""
    if not _is_on(subject, today):
        return "Treatment ended"
    return f"Month {study_month(subject.day1_on, today, protocol_of(subject).config.month_convention)}"


def _response_note(response: ResponseAssessment | None) -> str:
    if response is None or not response.latest_timepoint:
        return ""
    return "confirmed" if response.confirmed == response.latest_timepoint else f"confirmed {response.confirmed}"


def _coming(subject: Subject, periods: list[StatePeriod], today: date) -> PlannedVisit | None:
    """The first visit that is due, overdue or planned."""
    if Phase(subject.state) in TERMINAL_PHASES:
        return None
    reached = FollowUpContact.objects.filter(
        subject=subject, in_error_at=None, outcome=FollowUpContact.Outcome.REACHED
    ).values_list("visit_code", flat=True)
    done = {*visits(subject), *reached}
    stopped = stopped_on(periods)
    waiting = (DueState.PLANNED, DueState.DUE, DueState.OVERDUE)
    planned = schedule(anchors_of(subject, periods), protocol_of(subject))
    left = (one for one in planned if one.code not in done and one.code != "scr")
    return next((one for one in left if due_state(one, today, stopped_on=stopped) in waiting), None)


def _window(visit: PlannedVisit, today: date) -> str:
    if today > visit.closes_on:
        return f"overdue since {day_short(visit.closes_on)}"
    return f"by {day_short(visit.closes_on)}" if today >= visit.opens_on else f"from {day_short(visit.opens_on)}"


def _tabs(subject: Subject, path: str, open_queries: int) -> list[Tab]:
    overview = address("subject", subject.key)
    made = []
    for label, name in TABS:
        url = address(name, subject.key)
        active = path == url if url == overview else path.startswith(url)
        is_query = name == "subject_queries"
        made.append(Tab(label, url, active, open_queries if is_query else None, is_query))
    return made
