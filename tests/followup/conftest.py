"""The follow-up room's small world."""

from collections.abc import Iterator
from datetime import date

import pytest

from tests.fixtures.kept import Furnish
from tests.world import World
from tests.world_followup import followed_subject
from tests.world_labs import morning, treated_subject
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Subject

DAY1 = date(2024, 3, 4)
LAST_DOSE = date(2024, 3, 10)


def empty(world: World) -> None:
    world.at = morning(date(2023, 1, 2))


def with_treated(world: World) -> Subject:
    empty(world)
    return treated_subject(world, day1=DAY1)


def with_followed(world: World) -> Subject:
    empty(world)
    return followed_subject(world, last_dose_on=LAST_DOSE)


@pytest.fixture
def furnishing(request: pytest.FixtureRequest) -> Furnish:
    if "followed" in request.fixturenames:
        return with_followed
    return with_treated if "treated" in request.fixturenames else empty


@pytest.fixture
def world(kept_world: World) -> Iterator[World]:
    with reading(system_actor("verification"), kept_world.at):
        yield kept_world


@pytest.fixture
def treated(world: World, kept_thing: Subject) -> Subject:
    """In induction since DAY1."""
    return kept_thing


@pytest.fixture
def followed(world: World, kept_thing: Subject) -> Subject:
    """In follow-up since the day after LAST_DOSE."""
    return kept_thing
