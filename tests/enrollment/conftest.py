"""What every test of enrollment begins with."""

from collections.abc import Iterator

import pytest

from tests.world import World, new_world
from trialsite.access import system_actor
from trialsite.context import reading


@pytest.fixture
def world(db: None) -> World:
    return new_world()


@pytest.fixture
def seen(world: World) -> Iterator[None]:
    """Rows of every site are in reach of the test's own queries."""
    with reading(system_actor("verification"), world.at):
        yield
