"""The laboratory room's small world: one site at work, one subject under treatment."""

from datetime import date

import pytest

from tests.world import World, new_world
from tests.world_labs import treated_subject
from trialsite.models import Subject

DAY1 = date(2024, 3, 4)


@pytest.fixture
def world(db: None) -> World:
    return new_world()


@pytest.fixture
def subject(world: World) -> Subject:
    return treated_subject(world, day1=DAY1)
