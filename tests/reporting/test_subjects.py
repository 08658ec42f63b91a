"""The matrix, the work list and the jump box: right, for the right people, at a constant price."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from protocol.vocabulary import Phase
from reporting.matrix import COLUMNS, GROUPS, row_of, visit_state
from reporting.selectors.facts import SubjectFacts, facts_of
from reporting.selectors.subjects import subjects_in_reach
from tests import world_dosing as treat
from tests.world import World, log_in
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role
from trialsite.services.queries import Anchor, ask

LISTS = ("/subjects/", "/my-work/")


def all_facts(world: World) -> list[SubjectFacts]:
    with reading(system_actor("verification"), world.at):
        return list(facts_of(subjects_in_reach(), world.at).values())


def page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.INVESTIGATOR, Role.DATA_MANAGER, Role.MONITOR])
@pytest.mark.parametrize("url", LISTS)
def test_those_who_see_subjects_see_the_lists(world: World, client: Client, role: Role, url: str) -> None:
    treat.on_anakinra(world)
    assert "01-001" in page(log_in(client, world.person(role)), url)


@pytest.mark.parametrize("url", [*LISTS, "/jump/?q=01"])
def test_administrators_see_no_subjects(world: World, client: Client, url: str) -> None:
    treat.on_anakinra(world)
    assert log_in(client, world.admin).get(url).status_code == 403


@pytest.mark.parametrize("url", [*LISTS, "/", "/jump/?q=01"])
def test_strangers_are_asked_to_sign_in(client: Client, db: None, url: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/sign-in/")


@pytest.mark.req("A5")
@pytest.mark.parametrize("url", LISTS)
def test_subjects_of_another_site_are_neither_listed_nor_counted(world: World, client: Client, url: str) -> None:
    mine, foreign = treat.on_anakinra(world, "01"), treat.on_anakinra(world, "02")
    shown = page(log_in(client, world.person(Role.COORDINATOR, "01")), url)
    assert mine.number in shown
    assert foreign.number not in shown
    assert foreign.key not in shown
    assert "Site 02" not in shown
    if url == "/subjects/":
        assert "All <b>1</b>" in shown


@pytest.mark.req("A5")
def test_the_jump_box_does_not_find_another_sites_subject(world: World, client: Client) -> None:
    mine, foreign = treat.on_anakinra(world, "01"), treat.on_anakinra(world, "02")
    log_in(client, world.person(Role.COORDINATOR, "01"))
    found = client.get("/jump/", {"q": mine.number})
    assert found.headers["Location"] == f"/subjects/{mine.key}/"
    hidden, absent = page(client, f"/jump/?q={foreign.number}"), page(client, "/jump/?q=02-999")
    assert "No subject in your reach has this number" in hidden
    assert foreign.key not in hidden
    # Another site's subject and one that does not exist read alike.
    assert bare(hidden, foreign.number) == bare(absent, "02-999")


def bare(text: str, number: str) -> str:
    """The page without what was asked for and without the form tokens."""
    return re.sub(r'value="[A-Za-z0-9]{64}"', "", text.replace(number, ""))


def test_the_jump_box_offers_the_choice_among_several(world: World, client: Client) -> None:
    treat.on_anakinra(world)
    treat.on_anakinra(world)
    shown = page(log_in(client, world.person(Role.COORDINATOR)), "/jump/?q=01-00")
    assert "01-001" in shown
    assert "01-002" in shown


@pytest.mark.parametrize("url", LISTS)
@pytest.mark.usefixtures("menu_without_number")
def test_the_number_of_queries_does_not_grow_with_the_subjects(world: World, client: Client, url: str) -> None:
    """Nor with how many of them changed since somebody looked."""
    treat.at_month_6(world)
    log_in(client, world.person(Role.COORDINATOR))
    client.get(url)
    treat.at_month_6(world)
    with CaptureQueriesContext(connection) as few:
        client.get(url)
    for _ in range(3):
        treat.at_month_6(world)
    with CaptureQueriesContext(connection) as many:
        client.get(url)
    assert len(many) == len(few)
    assert len(many) < 45


def test_the_matrix_has_a_cell_for_every_column(world: World) -> None:
    treat.at_month_6(world)
    (facts,) = all_facts(world)
    row = row_of(facts, frozenset({Role.COORDINATOR}))
    assert len(row.cells) == len(COLUMNS) == sum(group.span for group in GROUPS)
    assert all(cell.url for cell in row.cells if cell.state != "none")


def test_states_are_computed_from_what_was_entered(world: World) -> None:
    proposal = treat.at_month_6(world)
    (facts,) = all_facts(world)
    assert visit_state(facts, "m06") == "draft"
    assert visit_state(facts, "m04") == "late"
    assert visit_state(facts, "m07") == "planned"
    before = {column.code: cell.state for column, cell in zip(COLUMNS, row_of(facts, frozenset()).cells, strict=True)}
    assert (before["resp"], before["arm"], before["late"]) == ("done", "due", "none")
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    (facts,) = all_facts(world)
    after = {column.code: cell.state for column, cell in zip(COLUMNS, row_of(facts, frozenset()).cells, strict=True)}
    assert (after["resp"], after["arm"], after["late"]) == ("signed", "signed", "planned")


@pytest.mark.req("D8")
def test_a_cell_that_rolls_visits_up_counts_the_open_queries_of_all_of_them(world: World, client: Client) -> None:
    proposal = treat.at_month_6(world)
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    manager = world.person(Role.DATA_MANAGER)
    for code in ("m13", "m18", "m06", "fu06"):
        anchor = Anchor("subject", proposal.subject_id, "", code)
        ask(by=manager, at=world.at, token=uuid4(), subject=proposal.subject, anchor=anchor, text="Is this so?")
    (facts,) = all_facts(world)
    cells = {column.code: cell for column, cell in zip(COLUMNS, row_of(facts, frozenset()).cells, strict=True)}
    assert (cells["late"].queries, cells["late"].total, cells["fu"].queries, cells["m07"].queries) == (2, 6, 1, 0)
    shown = page(log_in(client, world.person(Role.COORDINATOR)), "/subjects/")
    assert re.search(r"Months 13 to 18: 0 of 6 visits complete, [^,<]+, 2 open queries<", shown)


def test_filters_live_in_the_address(world: World, client: Client) -> None:
    treat.on_anakinra(world, "01")
    treat.on_anakinra(world, "02")
    log_in(client, world.person(Role.MONITOR))
    both = page(client, "/subjects/?treatment=ind")
    assert "01-001" in both
    assert "02-001" in both
    only = page(client, "/subjects/?site=02")
    assert "02-001" in only
    assert "01-001" not in only
    none = page(client, "/subjects/?treatment=hd&site=02")
    assert "No subject matches: site 02, high-dose dex" in none
    assert "Clear filters" in none


def test_needs_you_counts_what_this_person_can_do(world: World, client: Client) -> None:
    treat.at_month_6(world)
    for role, words in ((Role.INVESTIGATOR, "Sign arm decision"), (Role.COORDINATOR, "Enter Day 1 labs")):
        shown = page(log_in(client, world.person(role)), "/my-work/")
        mine = shown.split("Waiting for others")[0]
        assert words in mine, role
    assert "Sign arm decision" not in mine


@pytest.mark.parametrize(
    ("role", "lands"),
    [
        (Role.COORDINATOR, "/my-work/"),
        (Role.INVESTIGATOR, "/my-work/"),
        (Role.MONITOR, "/my-work/"),
        (Role.DATA_MANAGER, "/queries/"),
        (Role.ADMIN, "/admin/"),
        (Role.STATISTICIAN, "/dashboards/efficacy/"),
    ],
)
def test_each_role_lands_on_its_page(world: World, client: Client, role: Role, lands: str) -> None:
    assert log_in(client, world.person(role)).get("/").headers["Location"] == lands


def test_an_empty_list_offers_the_first_step_to_those_who_may_take_it(world: World, client: Client) -> None:
    assert "Screen the first one" in page(log_in(client, world.person(Role.COORDINATOR)), "/subjects/")
    assert "Screen the first one" not in page(log_in(client, world.person(Role.MONITOR)), "/subjects/")
    assert "Nothing to do." in page(log_in(client, world.person(Role.COORDINATOR)), "/my-work/")
