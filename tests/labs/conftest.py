"""The laboratory room's small world: one site at work, one subject under treatment."""

from datetime import date

import pytest

from tests.fixtures.kept import Furnish, nothing
from tests.world import World
from tests.world_labs import treated_subject
from trialsite.models import Subject

DAY1 = date(2024, 3, 4)


def furnish(world: World) -> Subject:
    return treated_subject(world, day1=DAY1)


@pytest.fixture
def furnishing(request: pytest.FixtureRequest) -> Furnish:
    return furnish if "subject" in request.fixturenames else nothing


@pytest.fixture
def world(kept_today: World) -> World:
    return kept_today


@pytest.fixture
def subject(world: World, kept_thing: Subject) -> Subject:
    """In induction since DAY1."""
    return kept_thing
