"""The treatment room's small worlds: the subject with which most tests begin stands there already."""

import pytest

from dosing.models import PhaseDecision, PhaseProposal
from protocol.vocabulary import Phase
from tests import world_dosing as treat
from tests.fixtures.kept import Furnish, nothing
from tests.world import World
from trialsite.models import Subject


def signed(world: World) -> PhaseDecision:
    """The investigator agreed to what was proposed at month 6."""
    return treat.sign(world, treat.at_month_6(world), Phase.LOW_DEX_7_12)


#: What stands in the world of a test that asks for such a thing.
BEGINNINGS: dict[str, Furnish] = {
    "on_anakinra": treat.on_anakinra,
    "proposal": treat.at_month_6,
    "month_6_decision": signed,
}


@pytest.fixture
def furnishing(request: pytest.FixtureRequest) -> Furnish:
    return next((furnish for name, furnish in BEGINNINGS.items() if name in request.fixturenames), nothing)


@pytest.fixture
def world(kept_world: World) -> World:
    return kept_world


@pytest.fixture
def on_anakinra(world: World, kept_thing: Subject) -> Subject:
    """In induction with a baseline, on Day 1."""
    return kept_thing


@pytest.fixture
def proposal(world: World, kept_thing: PhaseProposal) -> PhaseProposal:
    """Stable disease at month 6: low dose is proposed."""
    return kept_thing


@pytest.fixture
def month_6_decision(world: World, kept_thing: PhaseDecision) -> PhaseDecision:
    """Signed as it was proposed."""
    return kept_thing
