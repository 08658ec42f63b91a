"""The follow-up room's small world."""

from collections.abc import Iterator
from datetime import date

import pytest

from tests.world import World
from tests.world_followup import followed_subject, world_in_sight
from tests.world_labs import morning, treated_subject
from trialsite.models import Subject

DAY1 = date(2024, 3, 4)
LAST_DOSE = date(2024, 3, 10)


@pytest.fixture
def world(db: None) -> Iterator[World]:
    with world_in_sight(morning(date(2023, 1, 2))) as world:
        yield world


@pytest.fixture
def treated(world: World) -> Subject:
    """In induction since DAY1."""
    return treated_subject(world, day1=DAY1)


@pytest.fixture
def followed(world: World) -> Subject:
    """In follow-up since the day after LAST_DOSE."""
    return followed_subject(world, last_dose_on=LAST_DOSE)
