"""A person of site 02 alone sees nothing of site 01: not in the list of subjects, not in any file taken away."""

from __future__ import annotations

import pytest
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse

from reporting.datasets import datasets_for
from tests import world_dosing as treat
from tests.fixtures.databases import Database
from tests.world import World, hire, log_in, new_world
from trialsite import clock
from trialsite.models import Role


@pytest.fixture
def world(fresh_db: Database, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two sites with a subject each, both after month 6. Streams read in a transaction of their own."""
    assert fresh_db.name
    world = new_world()
    monkeypatch.setattr(clock, "now", lambda: world.at)
    treat.at_month_6(world, "01")
    treat.at_month_6(world, "02")
    return world


@pytest.mark.req("A5")
def test_a_coordinator_lists_and_finds_the_own_site_only(world: World) -> None:
    client = log_in(Client(), world.person(Role.COORDINATOR, "02"))
    shown = client.get(reverse("subjects")).content.decode()
    assert "02-001" in shown
    assert "01-001" not in shown
    found = client.get(reverse("jump"), {"q": "01-001"}).content.decode()
    assert "No subject in your reach has this number." in found


@pytest.mark.req("A5")
def test_a_data_manager_of_one_site_takes_away_that_site_only(world: World) -> None:
    person = hire(world, "data-manager-02", Role.DATA_MANAGER, "02")
    client = log_in(Client(), person)
    files = {one.name: _read(client, one.name) for one in datasets_for(person, world.at)}
    assert "02-001" in files["subjects"]
    assert [name for name, text in files.items() if "01-001" in text or "01-S001" in text] == []


def _read(client: Client, name: str) -> str:
    answer = client.get(reverse("export", args=[name]))
    assert answer.status_code == 200, name
    assert isinstance(answer, StreamingHttpResponse)
    return b"".join(answer).decode()
