"""This room's small world: pages live at the world's own time."""

import pytest

from tests.world import World, new_world
from trialsite import clock


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    world = new_world()
    monkeypatch.setattr(clock, "now", lambda: world.at)
    return world
