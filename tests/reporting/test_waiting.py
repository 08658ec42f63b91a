"""The number beside "My work" in the menu: on every page the very number of tasks that the page lists."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from http.client import OK

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from followup.services import withdraw_casebook_signature
from reporting.selectors.facts import SubjectFacts
from reporting.selectors.facts import facts_of as really_facts_of
from reporting.steps.step import Kind
from tests.fixtures.databases import Database
from tests.trialsite.conftest import House, built
from tests.world_everything import furnish
from tests.world_locks import casebook_signed
from trialsite import clock
from trialsite.context import reading
from trialsite.models import Query, Role, Signature, Subject
from trialsite.services import queries

PAGES = ("subjects", "queries", "protocol", "profile")


def in_menu(client: Client, name: str) -> list[int]:
    """The number in the menu of wide and of narrow screens; empty where there is none."""
    page = client.get(reverse(name)).content.decode()
    return [int(found) for found in re.findall(r'>My work <span class="count">(\d+)<', page)]


def listed(client: Client) -> int:
    """Rows of /my-work/ without those that wait for others."""
    groups = client.get(reverse("my_work")).context["groups"]
    return sum(len(group.tasks) for group in groups if group.key != "wait")


@pytest.fixture
def found_anew(monkeypatch: pytest.MonkeyPatch) -> list[set[int]]:
    """Subjects whose work was found anew, look by look."""
    looks: list[set[int]] = []

    def facts_of(subjects: QuerySet[Subject], now: datetime) -> dict[int, SubjectFacts]:
        found = really_facts_of(subjects, now)
        looks.append(set(found))
        return found

    monkeypatch.setattr("reporting.selectors.known.facts_of", facts_of)
    return looks


def answer(house: House, query: Query) -> None:
    coordinator = house.world.person(Role.COORDINATOR)
    queries.answer(by=coordinator, at=clock.now(), query_id=query.pk, site_id=query.site_id, text="Checked")


def test_the_menu_says_what_my_work_lists_on_every_page_and_to_every_role(fresh_db: Database) -> None:
    house = built(fresh_db)
    told = {}
    for role in Role:
        client = house.client(role)
        if client.get(reverse("my_work")).status_code != OK:
            assert in_menu(client, "profile") == []
            continue
        told[role] = listed(client)
        for page in (*PAGES, "my_work"):
            assert in_menu(client, page) == ([told[role]] * 2 if told[role] else []), (role, page)
    assert told[Role.COORDINATOR] > told[Role.INVESTIGATOR] > 0
    assert told[Role.STATISTICIAN] == 0


def test_the_number_follows_a_save_at_once_and_only_its_subject_is_looked_at(
    fresh_db: Database, found_anew: list[set[int]]
) -> None:
    house = built(fresh_db)
    coordinator, manager, elsewhere = (
        house.client(Role.COORDINATOR), house.client(Role.DATA_MANAGER), house.client(Role.COORDINATOR, "02")
    )  # fmt: skip
    before, to_close, other = (in_menu(one, "profile") for one in (coordinator, manager, elsewhere))
    assert to_close == [], "no number where nothing waits"
    found_anew.clear()
    assert in_menu(coordinator, "subjects") == before == [listed(coordinator)] * 2
    assert found_anew == []
    query = house.wards["01"].query
    answer(house, query)
    assert in_menu(coordinator, "protocol") == [before[0] - 1] * 2 == [listed(coordinator)] * 2
    assert in_menu(manager, "profile") == [1, 1] == [listed(manager)] * 2
    assert in_menu(elsewhere, "profile") == other
    assert found_anew == [{query.subject_id}]


def test_the_number_follows_the_days_and_a_signature_taken_back(
    fresh_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day passes, and a signature ends, and no row of the subject tells it."""
    house = built(fresh_db)
    world, subject = house.world, house.wards["01"].followed
    monkeypatch.setattr(clock, "now", lambda: world.at)
    coordinator = house.client(Role.COORDINATOR)
    before = in_menu(coordinator, "profile")
    world.later(200)
    assert in_menu(coordinator, "profile") == [listed(coordinator)] * 2 != before
    investigator = house.client(Role.INVESTIGATOR)
    waits = in_menu(investigator, "profile")[0]
    casebook_signed(world, subject)
    assert in_menu(investigator, "profile") == [waits - 1] * 2 == [listed(investigator)] * 2
    by = world.person(Role.INVESTIGATOR)
    with reading(by, world.at):
        signature = Signature.objects.get(record_type="casebook", subject=subject)
    withdraw_casebook_signature(
        by=by, at=world.at, proof=world.proof(by), subject_id=subject.pk, site_id=subject.site_id,
        signature_id=signature.pk, reason="Too early",
    )  # fmt: skip
    assert in_menu(investigator, "profile") == [waits] * 2 == [listed(investigator)] * 2


def test_the_clock_alone_makes_nothing_be_looked_at_again_before_midnight_at_the_site(
    fresh_db: Database, found_anew: list[set[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only how long a reporting clock still runs is told by the hour, from what is kept."""
    house = built(fresh_db, sites=("01",))
    world = house.world
    monkeypatch.setattr(clock, "now", lambda: world.at)
    coordinator = house.client(Role.COORDINATOR)
    world.at = world.at.replace(hour=14)
    before, left = listed(coordinator), hours_left(coordinator)
    found_anew.clear()
    world.at += timedelta(hours=3)
    assert in_menu(coordinator, "protocol") == [before] * 2 == [listed(coordinator)] * 2
    assert found_anew == []
    assert hours_left(coordinator) != left
    assert found_anew == []
    world.at += timedelta(days=1)
    listed(coordinator)
    assert len(found_anew) == 1


def hours_left(client: Client) -> list[str]:
    """What the reporting clocks on /my-work/ say."""
    groups = client.get(reverse("my_work")).context["groups"]
    return [task.step.note for group in groups for task in group.tasks if task.step.kind is Kind.CLOCK]


def test_what_is_kept_costs_one_statement_however_many_subjects(fresh_db: Database) -> None:
    house = built(fresh_db, sites=("01",))
    client = house.client(Role.DATA_MANAGER)

    def asked() -> list[str]:
        in_menu(client, "protocol")
        with CaptureQueriesContext(connection) as statements:
            in_menu(client, "protocol")
        return [one["sql"] for one in statements.captured_queries]

    few = asked()
    furnish(house.world, "01")
    assert len(asked()) == len(few)
    assert sum("audit_link" in sql for sql in few) == 1
