"""Builders for tests of follow-up, safety, queries and the audit trail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.world import World, new_world
from trialsite.access import system_actor
from trialsite.context import reading


@contextmanager
def world_in_sight() -> Iterator[World]:
    """A new world whose rows the test itself may read, at every site. Requests and services see their own sites."""
    world = new_world()
    with reading(system_actor("verification"), world.at):
        yield world
