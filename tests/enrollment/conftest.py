"""What every test of enrollment begins with."""

from collections.abc import Iterator

import pytest

from tests.fixtures.kept import Furnish
from tests.world import World
from tests.world_enrollment import complete, form_in_force
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Subject


def with_forms(world: World) -> None:
    for site in ("01", "02"):
        form_in_force(world, site)


def with_subject(world: World) -> Subject:
    with_forms(world)
    return complete(world)


@pytest.fixture
def furnishing(request: pytest.FixtureRequest) -> Furnish:
    return with_subject if "subject" in request.fixturenames else with_forms


@pytest.fixture
def world(kept_today: World) -> World:
    return kept_today


@pytest.fixture
def subject(world: World, kept_thing: Subject) -> Subject:
    """In screening at site 01, with every result and every answer."""
    return kept_thing


@pytest.fixture
def seen(world: World) -> Iterator[None]:
    """Rows of every site are in reach of the test's own queries."""
    with reading(system_actor("verification"), world.at):
        yield
