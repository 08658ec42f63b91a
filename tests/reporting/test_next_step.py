"""The one rule for what comes next, situation by situation, on the roads that users take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse

from enrollment.services import Cause, mark_subject_in_error, record_screen_failure
from followup.models import FollowUpContact
from labs.models import LabResult
from protocol.vocabulary import Analyte, DueState, Phase
from reporting.context_processors import header_of
from reporting.data_quality import visit_lines
from reporting.matrix import visit_state
from reporting.next_step import next_step, tasks
from reporting.progress import progress_of
from reporting.selectors.facts import SubjectFacts, facts_of
from reporting.steps.step import Kind, Step
from tests import world_dosing as treat
from tests import world_enrollment as enrol
from tests import world_followup as follow
from tests.world import World, log_in
from tests.world_labs import morning, record
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Mail, Role, StatePeriod, Subject, Visit
from trialsite.services import queries
from trialsite.services.queries import Anchor


def facts(world: World, subject: Subject) -> SubjectFacts:
    with reading(system_actor("verification"), world.at):
        fresh = Subject.objects.select_related("site").get(pk=subject.pk)
        return facts_of([fresh], world.at)[fresh.pk]


def first(world: World, subject: Subject) -> Step:
    return next_step(facts(world, subject))


def all_words(world: World, subject: Subject) -> list[str]:
    return [step.words for step in tasks(facts(world, subject))]


def newly_screened(world: World) -> Subject:
    return enrol.screened(world)


def answered(world: World) -> Subject:
    return enrol.complete(world)


def sent(world: World) -> Subject:
    subject = enrol.complete(world)
    enrol.sent(world, subject)
    return subject


def signed(world: World) -> Subject:
    subject = enrol.complete(world)
    enrol.signed(world, subject, enrol.sent(world, subject))
    return subject


Road = Callable[[World], Subject]


@pytest.mark.parametrize(
    ("road", "words", "who"),
    [
        (newly_screened, "Enter screening labs", Role.COORDINATOR),
        (answered, "Complete eligibility", Role.COORDINATOR),
        (sent, "Sign eligibility", Role.INVESTIGATOR),
        (signed, "Register the subject", Role.COORDINATOR),
        (enrol.registered, "Record the first dose", Role.COORDINATOR),
    ],
)
def test_before_treatment_the_next_step_is_the_next_station_of_the_road(
    world: World, road: Road, words: str, who: Role
) -> None:
    step = first(world, road(world))
    assert step.words == words
    assert step.who == {who}
    assert step.url


def test_a_visit_is_due_in_its_window_and_overdue_after_it(world: World) -> None:
    subject = treat.on_anakinra(world)
    record(world, subject, "bl", treat.DAY1, {Analyte.HB: "12.9"})
    target = date(2024, 2, 15)
    before, within, after = target - timedelta(days=8), target, target + timedelta(days=9)
    world.at = morning(before)
    assert "Enter Month 1 labs" not in all_words(world, subject)
    world.at = morning(within)
    due = next(step for step in tasks(facts(world, subject)) if step.words == "Enter Month 1 labs")
    assert (due.urgency, due.note, due.due_on) == ("", "due by 22 Feb", date(2024, 2, 22))
    world.at = morning(after)
    late = next(step for step in tasks(facts(world, subject)) if step.words == "Enter Month 1 labs")
    assert (late.urgency, late.note) == ("late", "2 days overdue")


def test_overdue_comes_before_everything_else(world: World) -> None:
    subject = treat.on_anakinra(world)
    world.at = morning(date(2024, 3, 1))
    found = tasks(facts(world, subject))
    assert found[0].urgency == "late"
    assert [step.urgency for step in found] == sorted(
        (step.urgency for step in found), key=("late", "", "soon", "none").index
    )


def test_a_visit_with_some_of_its_results_asks_for_the_rest(world: World) -> None:
    subject = treat.on_anakinra(world)
    treat.month(world, subject, 1, "3.7")
    finish = next(step for step in tasks(facts(world, subject)) if step.words.startswith("Finish Month 1 labs"))
    entered, asked = finish.words.partition("(")[2].rstrip(")").split(" of ")
    assert 0 < int(entered) < int(asked)
    assert (finish.url.endswith("/visits/m01/labs/"), finish.note) == (True, "")
    record(world, subject, "m01", treat.MONTH[1], {Analyte.HS_CRP: "pend"})
    waits = next(step for step in tasks(facts(world, subject)) if step.words.startswith("Finish Month 1 labs"))
    assert waits.note == "1 pending"


def test_nothing_is_to_be_done_for_a_subject_that_was_entered_in_error(world: World) -> None:
    subject = enrol.screened(world)
    assert tasks(facts(world, subject))
    mark_subject_in_error(
        by=world.person(Role.COORDINATOR), at=world.at, subject_id=subject.pk, site_id=subject.site_id,
        reason="Screened twice",
    )  # fmt: skip
    assert tasks(facts(world, subject)) == ()
    assert (first(world, subject).kind, first(world, subject).words) == (Kind.REST, "Entered in error")


def test_a_proposal_is_the_investigators_and_others_read_that_it_waits(world: World) -> None:
    proposal = treat.at_month_6(world)
    step = next(one for one in tasks(facts(world, proposal.subject)) if one.kind is Kind.SIGN)
    assert step.words == "Sign arm decision"
    assert step.url.endswith("/responses/m06/")
    assert step.waiting == "Arm decision: with the investigator"
    assert step.is_for(frozenset({Role.INVESTIGATOR}))
    assert not step.is_for(frozenset({Role.COORDINATOR}))


def test_a_broken_signature_asks_for_a_new_one(world: World) -> None:
    proposal = treat.at_month_6(world)
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    typed = {Analyte.SERUM_M: "3.5", Analyte.URINE_M: "50"}
    assert "Sign arm decision again" not in all_words(world, proposal.subject)
    record(world, proposal.subject, "m06", treat.MONTH[6], typed, reason="Transcription error")
    assert "Sign arm decision again" in all_words(world, proposal.subject)


def test_a_broken_decision_and_its_discrepancy_lead_to_the_page_that_settles_them(world: World) -> None:
    proposal = treat.at_month_6(world)
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    for number in (5, 6):
        typed = {Analyte.SERUM_M: "2.0"}
        record(world, proposal.subject, f"m{number:02d}", treat.MONTH[number], typed, reason="Wrong patient")
    treat.reevaluated(world, proposal.subject)
    place = f"/subjects/{proposal.subject.key}/responses/m06/?proposal={proposal.pk}"
    leads = {one.words: one.url for one in tasks(facts(world, proposal.subject))}
    assert leads["Sign arm decision again"] == leads["Judge the changed arm proposal"] == place
    with reading(system_actor("re-evaluation"), world.at):
        assert f"{place}\n" in Mail.objects.filter(key__startswith="discrepancy:").get().body


def test_what_is_only_coming_is_a_task_and_no_next_step(world: World) -> None:
    """The list says what the subject waits for; preparing a visit is offered beside it."""
    subject = treat.on_anakinra(world)
    opens_on = facts(world, subject).planned["m01"].opens_on
    world.at = morning(opens_on - timedelta(days=1))
    known = facts(world, subject)
    (coming,) = (one for one in tasks(known) if one.urgency == "soon")
    assert coming.words == "Prepare Month 1"
    waits = next_step(known, (coming,))
    assert (waits.kind, waits.words, waits.urgency) == (Kind.REST, "Month 1 visit", "none")


def test_days_without_a_dose_record_are_asked_for_after_two_weeks(world: World) -> None:
    subject = treat.on_anakinra(world)
    world.at = morning(treat.DAY1 + timedelta(days=15))
    assert not [words for words in all_words(world, subject) if words.startswith("Record doses")]
    world.at = morning(treat.DAY1 + timedelta(days=16))
    step = next(one for one in tasks(facts(world, subject)) if one.words.startswith("Record doses"))
    assert step.words == "Record doses of 15 days"
    assert step.url.endswith("/dosing/?day=2024-01-16")
    urgencies = []
    for days_on in (43, 44):
        world.at = morning(treat.DAY1 + timedelta(days=days_on))
        (asked,) = (one for one in tasks(facts(world, subject)) if one.words.startswith("Record doses"))
        urgencies.append(asked.urgency)
    assert urgencies == ["", "late"], "overdue after six weeks"
    world.at = morning(treat.DAY1 + timedelta(days=16))
    treat.fill(world, subject, treat.DAY1 + timedelta(days=1), treat.DAY1 + timedelta(days=15))
    assert not [words for words in all_words(world, subject) if words.startswith("Record doses")]


def test_follow_up_is_recorded_in_its_window_and_awaited_before(world: World) -> None:
    last = date(2025, 6, 13)
    subject = follow.followed_subject(world, last_dose_on=last)
    coming = next(one for one in facts(world, subject).planned.values() if one.code == "fu06")
    world.at = morning(coming.opens_on)
    contact = next(one for one in tasks(facts(world, subject)) if one.url.endswith("/follow-up/"))
    assert contact.words == "Record follow-up month 6 contact"
    world.at = morning(coming.closes_on + timedelta(days=3))
    late = next(one for one in tasks(facts(world, subject)) if one.url.endswith("/follow-up/"))
    assert (late.urgency, late.note) == ("late", "3 days overdue")
    follow.contact(world, subject, follow.reached("fu06", world.at.date()))
    assert not [one for one in tasks(facts(world, subject)) if one.url.endswith("/follow-up/")]


def test_a_screen_failure_rests_with_its_reason(world: World) -> None:
    subject = enrol.screened(world)
    record_screen_failure(
        by=world.person(Role.COORDINATOR),
        at=world.at,
        token=uuid4(),
        subject_id=subject.pk,
        site_id=subject.site_id,
        cause=Cause.CONSENT_WITHDRAWN,
        passive_follow_up_allowed=False,
        failed_on=world.at.date(),
        reason="Changed her mind",
    )
    step = first(world, subject)
    assert (step.words, step.urgency, step.who) == ("Screen failure: Changed her mind", "none", frozenset())
    assert tasks(facts(world, subject)) == ()


def test_every_task_begins_with_a_verb_and_leads_somewhere(world: World) -> None:
    verbs = {"Enter", "Finish", "Sign", "Judge", "Draw", "Record", "Answer", "Close", "Prepare", "Complete", "Register"}
    proposal = treat.at_month_6(world)
    found = tasks(facts(world, proposal.subject))
    assert {step.words.split()[0] for step in found} <= verbs
    assert all(step.url for step in found)


# -- one definition of overdue, everywhere


def said_overdue(world: World, client: Client, subject: Subject, at: datetime) -> dict[str, bool]:
    """Who says that Month 1 is overdue at that moment: rule, work list, matrix, header, data quality, filter."""
    world.at = at
    known = facts(world, subject)
    late = [step for step in tasks(known) if step.urgency == "late" and "Month 1 " in step.words]
    with reading(system_actor("verification"), world.at):
        header = header_of(known.subject, 0).next_visit_note
    log_in(client, world.person(Role.COORDINATOR))
    work = client.get(reverse("my_work")).context["groups"]
    listed = client.get(reverse("subjects") + "?show=late").context["rows"]
    return {
        "rule": bool(late),
        "plan": known.state_of(known.planned["m01"]) is DueState.OVERDUE,
        "work list": any(group.key == "late" and "Month 1 " in task.words for group in work for task in group.tasks),
        "matrix": visit_state(known, "m01") == "late",
        "header": "overdue" in header,
        "filter": bool(listed),
        "quality": [one.group for one in visit_lines([known]) if one.what == "Month 1"] == ["visits-overdue"],
    }


CHICAGO = ZoneInfo("America/Chicago")


@pytest.mark.req("B7")
@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2024, 2, 22, 12, tzinfo=CHICAGO), "not yet"),
        (datetime(2024, 2, 22, 23, 59, 59, tzinfo=CHICAGO), "not yet"),  # 05:59 of the next day in UTC
        (datetime(2024, 2, 23, 0, 0, tzinfo=CHICAGO), "overdue"),
        (datetime(2024, 2, 23, 23, 59, tzinfo=CHICAGO), "overdue"),
    ],
)
def test_complaint_22_overdue_is_the_same_on_every_page_at_the_edge_of_the_window(
    world: World, client: Client, moment: datetime, said: str
) -> None:
    """The window of Month 1 closes with 22 Feb at the site; at midnight there, everybody says overdue at once."""
    subject = treat.on_anakinra(world)
    record(world, subject, "bl", treat.DAY1, {Analyte.HB: "12.9"})
    found = said_overdue(world, client, subject, moment.astimezone(UTC))
    assert found == dict.fromkeys(found, said == "overdue")


def test_what_is_entered_reached_not_done_or_after_the_end_is_never_overdue(world: World) -> None:
    subject = treat.on_anakinra(world)
    world.at = morning(date(2024, 3, 1))
    known = facts(world, subject)
    visit, within = known.planned["m01"], date(2024, 2, 20)
    left = StatePeriod(state=Phase.WITHDRAWN, starts_on=visit.closes_on)
    known_as = {
        DueState.OVERDUE: [known],
        DueState.DONE: [
            replace(known, visits={"m01": Visit(occurred_on=within)}),
            replace(known, contacts={"m01": FollowUpContact(contacted_on=within)}),
        ],
        DueState.NOT_DONE: [replace(known, visits={"m01": Visit(status=Visit.Status.NOT_DONE, recorded_at=world.at)})],
        DueState.NOT_EXPECTED: [replace(known, periods=(*known.periods, left))],
    }
    assert {state: [one.state_of(visit) for one in found] for state, found in known_as.items()} == {
        state: [state] * len(found) for state, found in known_as.items()
    }
    overdue = {
        state: any(line.group == "visits-overdue" and line.what == "Month 1" for line in visit_lines(found))
        for state, found in known_as.items()
    }
    assert overdue == {state: state is DueState.OVERDUE for state in known_as}


def test_a_window_opens_at_midnight_of_the_site(world: World) -> None:
    subject = treat.on_anakinra(world)
    record(world, subject, "bl", treat.DAY1, {Analyte.HB: "12.9"})
    states = {}
    for moment in (datetime(2024, 2, 7, 23, 59, tzinfo=CHICAGO), datetime(2024, 2, 8, 0, 0, tzinfo=CHICAGO)):
        world.at = moment.astimezone(UTC)
        known = facts(world, subject)
        states[moment.day] = known.state_of(known.planned["m01"])
    assert states == {7: DueState.PLANNED, 8: DueState.DUE}


@pytest.mark.req("D8")
def test_the_task_of_a_query_leads_to_its_field_and_counts_days_of_the_site(world: World) -> None:
    """Asked at 22:00 in Chicago, when it is the next day in UTC; one day later at 06:00 it is one day old."""
    subject = treat.on_anakinra(world)
    record(world, subject, "bl", treat.DAY1, {Analyte.SERUM_M: "2.9"})
    with reading(system_actor("verification"), world.at):
        result = LabResult.objects.get(subject=subject, analyte=Analyte.SERUM_M, specimen__visit__code="bl")
    by, at = world.person(Role.DATA_MANAGER), datetime(2024, 1, 20, 22, tzinfo=CHICAGO)
    anchor = Anchor("lab_result", result.pk, "serum_m", "bl")
    made = queries.ask(by=by, at=at, token=uuid4(), subject=subject, anchor=anchor, text="Why?")
    world.at = datetime(2024, 1, 21, 6, tzinfo=CHICAGO)
    step = next(step for step in tasks(facts(world, subject)) if step.kind is Kind.ANSWER)
    assert (step.words, step.note) == ("Answer 1 query", "oldest 1 day old")
    assert step.url == f"/subjects/{subject.key}/visits/bl/labs/?query={made.pk}"


def test_vital_signs_are_waited_for_on_treatment_and_not_in_follow_up(world: World) -> None:
    """A follow-up visit may be a telephone call with results sent in: nobody is reminded of its blood pressure."""
    treated = treat.on_anakinra(world)
    treat.month(world, treated, 1, "3.7")
    followed = follow.followed_subject(world, last_dose_on=date(2024, 8, 20))
    record(world, followed, "fu06", date(2025, 2, 18), {Analyte.SERUM_M: "3.7"})
    assert progress_of(facts(world, treated), "m01").lacks_bedside
    assert not progress_of(facts(world, followed), "fu06").lacks_bedside
