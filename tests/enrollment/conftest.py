"""What every test of enrollment begins with."""

from collections.abc import Iterator

import pytest

from tests.world import World, new_world
from tests.world_enrollment import form_in_force
from trialsite.access import system_actor
from trialsite.context import reading


@pytest.fixture
def world(db: None) -> World:
    made = new_world()
    for site in ("01", "02"):
        form_in_force(made, site)
    return made


@pytest.fixture
def seen(world: World) -> Iterator[None]:
    """Rows of every site are in reach of the test's own queries."""
    with reading(system_actor("verification"), world.at):
        yield
