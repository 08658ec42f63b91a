"""The protocol page: what the software computes with, and what of it is confirmed."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from protocol.trial import TRIAL
from protocol.vocabulary import Phase
from tests import world_dosing as treat
from tests.world import World, log_in, new_world
from trialsite.charts.states import NODES, single_roads
from trialsite.models import Role


@pytest.fixture
def world(db: None) -> World:
    return new_world()


@pytest.mark.parametrize("role", list(Role))
def test_everybody_reads_the_protocol(world: World, client: Client, role: Role) -> None:
    answer = log_in(client, world.person(role)).get("/protocol/")
    shown = answer.content.decode()
    assert answer.status_code == 200
    for criterion in TRIAL.criteria:
        assert criterion.id in shown
    for name in TRIAL.parameters:
        assert f"/protocol/parameters/{name}/" in shown


def test_the_states_are_drawn_with_every_road(world: World, client: Client) -> None:
    shown = log_in(client, world.person(Role.COORDINATOR)).get("/protocol/").content.decode()
    wide, narrow = re.findall(r"<svg class=\"chart\".*?</svg>", shown, re.DOTALL)
    for drawing in (wide, narrow):
        boxes = drawing.count('rx="5"')
        assert boxes == len(NODES) == len(Phase)
        for rules in single_roads(TRIAL.transitions).values():
            assert f">{', '.join(rules)}</text>" in drawing
        for rule in ("T14", "T15"):  # out of the frames
            assert f">{rule}</text>" in drawing
    left = [road for road in TRIAL.transitions if (road.source, road.target) not in single_roads(TRIAL.transitions)]
    assert {road.rule for road in left} == {"T14", "T15"}


@pytest.mark.req("E10")
def test_a_confirmed_parameter_says_by_whom(world: World, client: Client) -> None:
    investigator = world.person(Role.INVESTIGATOR)
    log_in(client, investigator)
    assert investigator.printed_name not in client.get("/protocol/").content.decode().split("<main")[1]
    treat.confirm_high_dose(world)
    assert investigator.printed_name in client.get("/protocol/").content.decode().split("<main")[1]


def test_strangers_are_asked_to_sign_in(client: Client, db: None) -> None:
    assert client.get("/protocol/").status_code == 302
