"""The safety room's small world: a file says with `furnish` which subject stands there where a test asks for one."""

from collections.abc import Iterator

import pytest

from tests.fixtures.kept import Furnish, nothing
from tests.world import World
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Subject


@pytest.fixture
def furnishing(request: pytest.FixtureRequest) -> Furnish:
    furnish: Furnish = request.module.furnish if "subject" in request.fixturenames else nothing
    return furnish


@pytest.fixture
def world(kept_today: World) -> Iterator[World]:
    """The test itself may read at every site."""
    with reading(system_actor("verification"), kept_today.at):
        yield kept_today


@pytest.fixture
def subject(world: World, kept_thing: Subject) -> Subject:
    return kept_thing
