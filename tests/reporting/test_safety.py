"""The safety dashboard: every number is the number that its rows and its file give; small numbers stay inside."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from followup.vocabulary import EndReason
from protocol.safety_clocks import ClockName
from protocol.vocabulary import Analyte, Phase
from reporting import tolerability, toxicity
from reporting.selectors.safety_files import SAFETY_FILES, TOLERABILITY, TOXICITY
from reporting.selectors.toxicity import AFTER, SafetySet, Tolerability, Toxicity, safety_set
from reporting.toxicity import CAUSES, GRADES, PHASES, Choice
from safety.models import AdverseEvent
from safety.services import Told, record_report_sent
from safety.vocabulary import CTCAE, ActionTaken, Attribution, Seriousness
from tests import world_dosing as treat
from tests.world import World, log_in
from tests.world_followup import end, who
from tests.world_labs import laboratory, limits, record
from tests.world_safety import an_event, reported
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role, Subject

URL = "/dashboards/safety/"
DEX = {"attribution_dexamethasone": Attribution.PROBABLE, "action_dexamethasone": ActionTaken.NONE}
UNRELATED = {"attribution_anakinra": Attribution.UNLIKELY}


# ---------------------------------------------------------------- a small trial


def on_low_dose(world: World, site: str, events: list[tuple[str, int, str, dict[str, Any]]]) -> Subject:
    """A subject who began dexamethasone on 12 July 2024, with these events."""
    proposal = treat.at_month_6(world, site)
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    world.at += timedelta(days=60)
    for term, grade, started, more in events:
        reported(world, proposal.subject, an_event(term, grade, started, **{**DEX, **more}))
    return proposal.subject


def furnish(world: World) -> None:
    """Two sites: two on the combination with events before and in it, two in induction: one unrelated event, none."""
    world.person(Role.COORDINATOR, "01")
    first = on_low_dose(world, "01", [
        ("Injection site reaction", 1, "1 feb 2024", {"attribution_dexamethasone": Attribution.UNRELATED}),
        ("Injection site reaction", 3, "20 mar 2024", {"attribution_dexamethasone": Attribution.UNRELATED,
                                                       "action_anakinra": ActionTaken.HELD}),
        ("Insomnia", 2, "1 aug 2024", UNRELATED),
    ])  # fmt: skip
    on_low_dose(world, "02", [
        ("Hyperglycemia", 3, "2 aug 2024", {**UNRELATED, "action_dexamethasone": ActionTaken.STOPPED}),
        ("Headache", 1, "3 aug 2024", {**UNRELATED, "attribution_dexamethasone": Attribution.UNLIKELY}),
    ])  # fmt: skip
    serious = reported(
        world, first, an_event("Lung infection", 3, "10 aug 2024", serious=frozenset({Seriousness.HOSPITAL}), **DEX)
    )
    told = Told(ClockName.SPONSOR, world.at, "")
    record_report_sent(**who(world, first), number=serious.report.number, told=told)
    unrelated = treat.on_anakinra(world, "02")
    world.at += timedelta(days=10)
    reported(world, unrelated, an_event("Headache", 3, "20 jan 2024", **UNRELATED))
    lab = laboratory(world)
    limits(world, lab, Analyte.ANC, "1.7", "7.0")
    alone = treat.on_anakinra(world, "01")
    record(world, alone, "bl", treat.DAY1, {Analyte.ANC: "3.1"}, lab=lab)
    record(world, alone, "m01", treat.MONTH[1], {Analyte.ANC: "0.9"}, lab=lab)
    world.at += timedelta(days=220)


@pytest.fixture
def trial(kept_world: World) -> World:
    return kept_world


def found(world: World) -> SafetySet:
    with reading(system_actor("verification"), world.at):
        return safety_set()


def files(world: World) -> dict[str, list[dict[str, Any]]]:
    """The rows of every file of the dashboard, by its name."""
    with reading(system_actor("verification"), world.at):
        return {
            one.name: [dict(zip([column.name for column in one.columns], row, strict=True)) for row in one.rows()]
            for one in SAFETY_FILES
        }


def page(client: Client, url: str = URL) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def links(text: str) -> dict[str, int]:
    found_ = re.findall(r'href="(/dashboards/safety/rows/\?[^"]+)">([0-9]+)</a>', text)
    return {url.replace("&amp;", "&"): int(number) for url, number in found_}


def test_every_number_is_the_number_of_its_rows(trial: World, client: Client) -> None:
    log_in(client, trial.person(Role.STATISTICIAN))
    shown = links(page(client)) | links(page(client, f"{URL}?cause=dexamethasone&phase=LOW_DEX_7_12"))
    assert len(shown) > 80
    assert sum(shown.values()) > 40
    for url, number in shown.items():
        listed = page(client, url)
        assert f"{number} row" in listed, url
        assert listed.count('role="rowheader"') == number, url


def test_every_number_equals_the_exported_files(trial: World, client: Client) -> None:
    """Counted again from the cells of the files, by another way than the page counts."""
    data = files(trial)
    subjects, events = data["tolerability"], data["toxicity"]
    assert (len(subjects), len(events)) == (4, 7)
    log_in(client, trial.person(Role.STATISTICIAN))
    column = {"anakinra": ["related_to_anakinra"], "dexamethasone": ["related_to_dexamethasone"]}
    column["drug"] = column["anakinra"] + column["dexamethasone"]
    for cause in CAUSES:
        shown = links(page(client, f"{URL}?cause={cause}"))
        for phase in PHASES:
            people = [
                one["subject"] for one in subjects
                if (not phase or phase in one["phases"]) and (cause != "dexamethasone" or one["combination_from"])
            ]  # fmt: skip
            if not people:
                continue
            worst = {
                person: max((
                    one["grade"] for one in events
                    if one["subject"] == person and phase in ("", one["phase"])
                    and (cause == "any" or any(one[name] == "YES" for name in column[cause]))
                ), default=0)
                for person in people
            }  # fmt: skip
            given = Choice(CTCAE.value, cause, phase).given()

            def number(group: str, asked: dict[str, str] = given, at: dict[str, int] = shown) -> int:
                return at[toxicity.rows_url(group, asked)]

            assert number("population") == len(people)
            assert number("any") == sum(grade > 0 for grade in worst.values())
            assert [number(f"grade-{grade}") for grade in GRADES] == [list(worst.values()).count(g) for g in GRADES]
            assert number("severe") == sum(grade >= 3 for grade in worst.values())
        for term in {one["term"] for one in events}:
            mine = [one for one in events if one["term"] == term]
            having = {
                one["subject"] for one in mine
                if cause == "any" or any(one[name] == "YES" for name in column[cause])
            }  # fmt: skip
            url = toxicity.rows_url("any", Choice(CTCAE.value, cause).given(term))
            assert shown.get(url, 0) == len(having), (cause, term)
    for name, yes in (
        ("whole-stopped", "stopped_for_event"),
        ("combination-stopped", "stopped_on_combination"),
        ("whole-severe", "severe_related"),
        ("combination-severe", "severe_related_on_combination"),
    ):
        assert shown[f"{URL}rows/?group={name}"] == sum(one[yes] == "YES" for one in subjects), name
    assert shown[f"{URL}rows/?group=anakinra-held"] == sum("HELD" in one["anakinra_actions"] for one in subjects) == 1
    running = [one for one in data["report_clocks"] if one["stopped_at"] is None]
    assert shown[f"{URL}rows/?group=clocks-open"] == len(running)
    assert shown[f"{URL}rows/?group=waiting"] == len(data["grades_waiting"]) == 1
    waiting = data["grades_waiting"][0]
    assert (waiting["term"], waiting["grade"], waiting["value"]) == ("Neutrophil count decreased", 3, Decimal("0.9"))


def test_phases_and_combination_follow_from_the_day_on_which_it_began(trial: World) -> None:
    events = {(one.subject, one.term, one.grade): one for one in found(trial).events}
    assert events["01-001", "Injection site reaction", 3].phase == Phase.INDUCTION
    insomnia = events["01-001", "Insomnia", 2]
    assert (insomnia.phase, insomnia.on_combination) == (Phase.LOW_DEX_7_12, "YES")
    assert events["02-001", "Headache", 1].is_related is False
    people = {one.subject: one for one in found(trial).subjects}
    assert people["01-001"].stopped_on_combination == "NO"
    assert people["01-001"].severe_related_on_combination == "YES"
    assert people["02-001"].dexamethasone_actions == "STOPPED"
    assert people["02-002"].combination_from is None
    assert people["02-002"].severe_related == "NO"
    assert people["02-002"].stopped_on_combination == ""


def test_an_end_for_toxicity_is_one_on_the_combination_for_who_had_begun_it(trial: World) -> None:
    for number in ("01-001", "01-002"):
        with reading(system_actor("verification"), trial.at):
            subject = Subject.objects.select_related("site").get(subject_number=number)
        end(trial, subject, trial.at.date() - timedelta(days=1), EndReason.TOXICITY)
    people = {one.subject: one for one in found(trial).subjects}
    ended = [(people[number].stopped_for_event, people[number].stopped_on_combination) for number in sorted(people)]
    assert ended == [("YES", "YES"), ("YES", ""), ("YES", "YES"), ("NO", "")]


def test_dose_intensity_is_what_was_given_of_what_was_planned_up_to_the_last_record(world: World) -> None:
    subject = treat.on_anakinra(world)
    first = treat.DAY1 + timedelta(days=1)
    world.at += timedelta(days=30)
    treat.fill(world, subject, first, first + timedelta(days=6))
    (one,) = found(world).subjects
    assert (one.anakinra_intensity, one.dexamethasone_intensity) == (Decimal("100.0"), None)
    last = first + timedelta(days=15)
    treat.fill(world, subject, last, last)
    assert found(world).subjects[0].anakinra_intensity == Decimal("52.9")  # 9 of 17 days


def test_an_event_counts_unless_it_certainly_began_before_the_first_dose(world: World) -> None:
    subject = treat.on_anakinra(world)
    world.at += timedelta(days=60)
    for started in ("12 jan 2024", "jan 2024", "15 jan 2024"):
        reported(world, subject, an_event("Headache", 1, started))
    assert [(one.event, one.began_on) for one in found(world).events] == [(2, treat.DAY1), (3, treat.DAY1)]
    with reading(system_actor("verification"), world.at):
        assert AdverseEvent.objects.count() == 3


@pytest.mark.req("A5", "F3")
def test_an_investigator_sees_the_own_site_alone(trial: World, client: Client) -> None:
    log_in(client, trial.person(Role.INVESTIGATOR, "02"))
    shown = page(client, f"{URL}?cause=any")
    assert links(shown)[f"{URL}rows/?group=whole"] == 2
    assert "01-001" not in shown + page(client, f"{URL}rows/?group=whole")
    assert "Lung infection" not in shown


@pytest.mark.parametrize("asked", ["rows/?group=nothing", "rows/?group=any&term=Nonsense", "nothing.csv"])
def test_what_no_number_leads_to_is_not_found(world: World, client: Client, asked: str) -> None:
    log_in(client, world.person(Role.STATISTICIAN))
    assert client.get(URL + asked).status_code == 404


def test_an_empty_trial_says_so(world: World, client: Client) -> None:
    shown = page(log_in(client, world.person(Role.STATISTICIAN)))
    assert "No such event is recorded." in shown
    assert "Nobody is treated yet." in shown


@pytest.mark.usefixtures("menu_without_number")
def test_the_number_of_queries_does_not_grow(trial: World, client: Client) -> None:
    log_in(client, trial.person(Role.STATISTICIAN))
    client.get(URL)
    with CaptureQueriesContext(connection) as few:
        client.get(URL)
    at = trial.at
    on_low_dose(trial, "02", [("Insomnia", 2, "1 aug 2024", {})])
    trial.at = at
    with CaptureQueriesContext(connection) as many:
        client.get(URL)
    assert len(many) == len(few)


# ---------------------------------------------------------------- rules without a database


def event(subject: str, grade: int, **more: Any) -> Toxicity:
    plain = Toxicity(
        subject=subject, site="01", key=subject, event=1, term="Headache", ctcae_version="5.0", grade=grade,
        began_on=date(2024, 2, 1), phase=Phase.INDUCTION.value, on_combination="NO", related_to_anakinra="YES",
        related_to_dexamethasone="NO", action_anakinra="NONE", action_dexamethasone="NOT_GIVEN", is_serious="NO",
        outcome="RECOVERED",
    )  # fmt: skip
    return replace(plain, **more)


def person(subject: str, **more: Any) -> Tolerability:
    empty: dict[str, Any] = {one.name: "" for one in fields(Tolerability)} | {
        "subject": subject, "key": subject, "site": "01", "phases": "INDUCTION", "day1_on": date(2024, 1, 15),
        "combination_from": None, "anakinra_intensity": None, "dexamethasone_intensity": None,
    }  # fmt: skip
    return Tolerability(**{**empty, **more})


def test_versions_of_the_criteria_are_never_pooled() -> None:
    both = SafetySet((person("a"),), (event("a", 2), event("a", 4, ctcae_version="3.0")))
    assert toxicity.versions(both, "5.0") == ["5.0", "3.0"]
    for version, grade in (("5.0", 2), ("3.0", 4)):
        line = toxicity.grade_line(both, Choice(version), "")
        assert [count.n for count in line.grades] == [int(one == grade) for one in GRADES]


def test_a_subject_counts_once_with_the_worst_grade_and_the_parts_add_up() -> None:
    people = tuple(person(name) for name in "abcd")
    one = SafetySet(people, (event("a", 1), event("a", 3), event("b", 3), event("c", 5)))
    line = toxicity.grade_line(one, Choice("5.0"), "")
    assert (line.n.n, line.any.n, line.severe.n) == (4, 3, 3)
    assert [count.n for count in line.grades] == [0, 0, 2, 0, 1]
    assert [row.subject for row in toxicity.lines_of(one, Choice("5.0"), "none")] == ["d"]


def test_every_phase_of_treatment_has_words_and_a_phase_without_subjects_no_line() -> None:
    assert len(set(PHASES.values())) == len(PHASES)
    assert AFTER.value in PHASES
    one = SafetySet((person("a", phases="INDUCTION;FOLLOW_UP"),), ())
    assert [line.label for line in toxicity.by_phase(one, Choice("5.0"))] == [
        "Since the first dose", "Anakinra, months 1 to 6", "After the last dose",
    ]  # fmt: skip


def test_tolerability_gives_shares_with_exact_intervals_of_those_who_are_judged() -> None:
    people = [person("a", combination_from=date(2024, 7, 15), stopped_on_combination="YES",
                     severe_related_on_combination="NO"),
              person("b", combination_from=date(2024, 7, 15), stopped_on_combination="NO",
                     severe_related_on_combination="YES"),
              person("c", severe_related="YES")]  # fmt: skip
    lines = [(line.n.n, line.x.n) for line in tolerability.sign_lines(people)]
    assert lines == [(2, 1), (2, 1), (2, 2), (3, 0), (3, 1), (3, 1)]
    share = tolerability.sign_lines(people)[2].share
    assert (share.percent, round(share.low or 0, 1), share.high) == (100, Decimal("15.8"), 100)


def test_the_files_have_a_column_for_every_cell() -> None:
    for row, file in ((Toxicity, TOXICITY), (Tolerability, TOLERABILITY)):
        assert [one.name for one in file.columns] == [one.name for one in fields(row) if one.name != "key"]
