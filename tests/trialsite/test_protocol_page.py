"""The protocol page: what the software computes with, and what of it is confirmed."""

from __future__ import annotations

import pytest
from django.test import Client

from protocol.trial import TRIAL
from tests import world_dosing as treat
from tests.world import World, log_in, new_world
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


@pytest.mark.req("E10")
def test_a_confirmed_parameter_says_by_whom(world: World, client: Client) -> None:
    investigator = world.person(Role.INVESTIGATOR)
    log_in(client, investigator)
    assert investigator.printed_name not in client.get("/protocol/").content.decode().split("<main")[1]
    treat.confirm_high_dose(world)
    assert investigator.printed_name in client.get("/protocol/").content.decode().split("<main")[1]


def test_strangers_are_asked_to_sign_in(client: Client, db: None) -> None:
    assert client.get("/protocol/").status_code == 302
