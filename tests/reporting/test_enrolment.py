"""The enrolment dashboard: every number is the number that its list and its file give; small numbers stay inside."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import fields
from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from enrollment.services import record_screen_failure
from enrollment.services.registration import Cause
from followup.services import Leaving, take_back_end_of_treatment
from followup.services.departure import Kind
from followup.vocabulary import EndReason
from protocol.trial import TRIAL
from protocol.vocabulary import Phase
from reporting import enrolment as figures
from reporting.selectors.enrolment import COLUMNS, ENROLMENT, Enrolment, enrolment
from tests import world_dosing as treat
from tests.world import World, log_in
from tests.world_enrollment import registered, screened
from tests.world_followup import end, leave, who
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role

URL = "/dashboards/enrolment/"


def row(**known: object) -> Enrolment:
    """A screened subject of whom only this is known."""
    empty: dict[str, object] = {one.name: "" for one in fields(Enrolment)}
    empty |= {"registered_on": None, "day1_on": None, "failed_on": None, "screened_on": date(2024, 1, 1)}
    return Enrolment(**{**empty, **known})  # type: ignore[arg-type]


def page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def links(text: str) -> dict[str, int]:
    found = re.findall(r'href="(/dashboards/enrolment/subjects/\?[^"]+)">([0-9]+)</a>', text)
    return {url.replace("&amp;", "&"): int(number) for url, number in found}


def rows(world: World) -> list[Enrolment]:
    with reading(system_actor("verification"), world.at):
        return enrolment()


def furnish(world: World) -> None:
    """Both sites: one in screening, one in induction, one in a branch. Site 01 besides: a failure and all the rest."""
    for site in ("01", "02"):
        world.person(Role.COORDINATOR, site)
    for site in ("01", "02"):
        treat.on_anakinra(world, site)
    for site, values, to in (
        ("01", ("3.7", "3.6"), Phase.LOW_DEX_7_12),
        ("02", ("3.7", "3.6"), Phase.LOW_DEX_7_12),
        ("01", ("1.5", "1.4"), Phase.ANAKINRA_ONLY),
    ):
        treat.sign(world, treat.at_month_6(world, site, values), to)
    for site in ("01", "02"):
        screened(world, site, birth_year=1950)
    failed = screened(world, "01", birth_year=1951)
    record_screen_failure(
        by=world.person(Role.COORDINATOR),
        at=world.at,
        token=uuid4(),
        subject_id=failed.pk,
        site_id=failed.site_id,
        cause=Cause.CONSENT_WITHDRAWN,
        passive_follow_up_allowed=False,
        failed_on=treat.today(world, failed),
        reason="Changed their mind",
    )
    registered(world, "01", birth_year=1952)


@pytest.fixture
def trial(kept_world: World) -> World:
    return kept_world


def test_every_number_is_the_length_of_its_list(trial: World, client: Client) -> None:
    log_in(client, trial.person(Role.STATISTICIAN))
    found = links(page(client, URL))
    assert len(found) >= 20
    for url, number in found.items():
        listed = page(client, url)
        assert f'<span class="muted">{number} subject' in listed, url
        assert listed.count('scope="row"') == number, url


@pytest.mark.parametrize("role", [Role.STATISTICIAN, Role.INVESTIGATOR])
def test_each_chart_leads_to_its_rows(trial: World, client: Client, role: Role) -> None:
    shown = page(log_in(client, trial.person(role)), URL)
    for title, group in (("Flow of subjects", "screened"), ("Accrual", "registered")):
        words = f'Subjects<span class="visually-hidden"> of {title}<'
        link = f'<a class="small noprint" href="{URL}subjects/?group={group}">{words}'
        assert shown.count(link) == 1, title
        number = links(shown)[f"{URL}subjects/?group={group}"]
        assert f'<span class="muted">{number} subject' in page(client, f"{URL}subjects/?group={group}")


def test_each_subject_stands_where_it_is(trial: World) -> None:
    table = rows(trial)
    assert Counter((row.site, row.outcome) for row in table) == {
        ("01", "IN_SCREENING"): 1,
        ("01", "SCREEN_FAILED"): 1,
        ("01", "REGISTERED"): 4,
        ("02", "IN_SCREENING"): 1,
        ("02", "REGISTERED"): 2,
    }
    assert Counter(row.branch for row in table) == {"": 4, "INDUCTION": 2, "LOW_DEX_7_12": 2, "ANAKINRA_ONLY": 1}
    assert Counter(row.not_treated for row in table) == {"": 8, "WAITING": 1}
    assert {row.treatment for row in table if row.day1_on} == {"ON"}


def test_who_progressed_before_the_first_dose_is_told_from_who_left_otherwise(world: World) -> None:
    for progressed in (True, False):
        subject = treat.registered(world)
        why = Leaving(Kind.OFF_STUDY, treat.today(world, subject), "Off study", progression_before_treatment=progressed)
        leave(world, subject, why)
    assert sorted(row.not_treated for row in rows(world)) == ["OFF_STUDY", "PROGRESSED"]


def test_the_first_branch_counts_and_an_end_that_was_taken_back_does_not(world: World) -> None:
    """From low dose to high dose; and a treatment whose end was entered in error."""
    treat.confirm_high_dose(world)
    changed, returned = treat.at_month_6(world), treat.at_month_6(world)
    for proposal in (changed, returned):
        treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    for number, value, on in ((8, "5.2", date(2024, 9, 13)), (9, "5.4", date(2024, 10, 11))):
        treat.month(world, changed.subject, number, value, on=on)
    progressed = treat.reevaluated(world, changed.subject)
    assert progressed is not None
    treat.sign(world, progressed, Phase.HIGH_DEX)
    end(world, returned.subject, treat.today(world, returned.subject), EndReason.SUBJECT_DECISION)
    ended = {row.subject: (row.branch, row.treatment, row.end_reason) for row in rows(world)}
    back = who(world, returned.subject, Role.INVESTIGATOR)
    take_back_end_of_treatment(**back, reason="Another subject")
    stands = {row.subject: (row.branch, row.treatment, row.end_reason) for row in rows(world)}
    assert stands[changed.subject.number] == ("LOW_DEX_7_12", "ON", "")
    assert ended[returned.subject.number] == ("LOW_DEX_7_12", "ENDED", EndReason.SUBJECT_DECISION)
    assert stands[returned.subject.number] == ("LOW_DEX_7_12", "ON", "")


def test_who_leaves_treatment_in_induction_came_to_no_branch(world: World) -> None:
    subject = treat.on_anakinra(world)
    before = {row.subject: row.branch for row in rows(world)}
    end(world, subject, treat.today(world, subject), EndReason.SUBJECT_DECISION)
    after = rows(world)
    assert before == {subject.number: "INDUCTION"}
    assert [(row.branch, row.treatment) for row in after] == [("NONE", "ENDED")]
    counted = {name: figures.count(after, name) for name in ("induction", "no-branch", "treated", "on-treatment")}
    assert counted == {"induction": 0, "no-branch": 1, "treated": 1, "on-treatment": 0}


def test_the_file_has_a_column_for_every_cell_and_names_nobody_by_address(trial: World) -> None:
    with reading(system_actor("verification"), trial.at):
        table = list(ENROLMENT.rows())
    assert {len(cells) for cells in table} == {len(COLUMNS)}
    keys = {row.key for row in rows(trial)}
    assert len(keys) == len(table) == 9
    assert not keys & {str(cell) for cells in table for cell in cells}


def test_a_site_sees_its_own_and_no_plan(trial: World, client: Client) -> None:
    shown = page(log_in(client, trial.person(Role.INVESTIGATOR, "02")), URL)
    assert links(shown)[f"{URL}subjects/?group=screened"] == 3
    assert "planned" not in shown
    everywhere = page(log_in(client, trial.person(Role.MONITOR)), URL)
    assert links(everywhere)[f"{URL}subjects/?group=screened"] == 9
    assert f"of {TRIAL.config.accrual_subjects} planned" in everywhere


@pytest.mark.usefixtures("menu_without_number")
def test_the_number_of_queries_does_not_grow_with_the_subjects(trial: World, client: Client) -> None:
    log_in(client, trial.person(Role.STATISTICIAN))
    client.get(URL)
    with CaptureQueriesContext(connection) as before:
        client.get(URL)
    for year in range(1953, 1957):
        screened(trial, "01", birth_year=year)
    with CaptureQueriesContext(connection) as after:
        client.get(URL)
    assert len(after) == len(before)


# -- rows to lines and drawings


def test_the_boxes_of_the_flow_add_up() -> None:
    failed = [row(outcome="SCREEN_FAILED", failed_criteria="E03;I05")] * 2 + [row(outcome="SCREEN_FAILED")]
    waits = [row(outcome="REGISTERED", not_treated="PROGRESSED"), row(outcome="REGISTERED", not_treated="WAITING")]
    day = date(2024, 2, 1)
    treated = [
        row(outcome="REGISTERED", day1_on=day, branch=branch, treatment=treatment)
        for branch, treatment in (
            ("INDUCTION", "ON"), ("NONE", "ENDED"), ("HIGH_DEX", "ENDED"), ("HIGH_DEX", "ON"), ("ANAKINRA_ONLY", "ON"),
        )
    ]  # fmt: skip
    table = {
        stage: (number, parts)
        for stage, number, parts in figures.flow_chart([*failed, row(outcome="IN_SCREENING"), *waits, *treated]).rows
    }
    assert table["Screened"][0] == "11"
    assert table["Not registered"] == ("4", "Screen failures: 3; In screening: 1")
    assert table["Registered"][0] == "7"
    assert table["Not treated"] == ("2", "Waiting for the first dose: 1; Progressed before the first dose: 1")
    assert table["Treated"][0] == "5"
    assert table["No branch"] == ("2", "In induction: 1; Left before a branch: 1")
    assert table["Anakinra + high-dose dex"] == ("2", "On treatment: 1; Ended: 1")
    assert table["Anakinra + low-dose dex"][0] == "0"


def test_a_subject_counts_under_each_criterion_that_it_fails() -> None:
    found = [row(outcome="SCREEN_FAILED", failed_criteria=one) for one in ("E03;I05", "E03", "")]
    lines = [(line.label.split()[0], line.number) for line in figures.failure_lines(found)]
    assert lines == [("E03", 2), ("I05", 1), ("Screen", 1)]


def test_accrual_counts_up_to_the_end_of_each_month_and_the_plan_is_even() -> None:
    found = [row(registered_on=day) for day in (date(2024, 1, 31), date(2024, 3, 1), date(2024, 3, 31))]
    chart = figures.accrual_chart(found, date(2024, 4, 2), date(2024, 1, 15))
    assert chart is not None
    assert [line[:2] for line in chart.rows] == [("Jan 24", "1"), ("Feb 24", "1"), ("Mar 24", "3"), ("Apr 24", "3")]
    assert [figures.planned_after(months) for months in (31, 62, 99)] == [Decimal("27.5"), Decimal(55), Decimal(55)]
    alone = figures.accrual_chart(found, date(2024, 4, 2), None)
    assert alone is not None
    assert alone.heads == ("Month", "Enrolled")
    assert figures.accrual_chart([row()], date(2024, 4, 2), None) is None


# -- small numbers
