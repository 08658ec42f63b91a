"""This room's small world."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.world import World, new_world
from trialsite import clock


@pytest.fixture
def world(db: None) -> World:
    return new_world()


@pytest.fixture
def at(settings: Any, tmp_path: Path) -> Iterator[object]:
    """Hold the clock of the pages: `at(moment)`."""
    settings.CLOCK_FILE = str(tmp_path / "clock")
    holders = []

    def hold(moment: datetime) -> None:
        holder = clock.holding(moment)
        holder.__enter__()
        holders.append(holder)

    yield hold
    for holder in reversed(holders):
        holder.__exit__(None, None, None)
