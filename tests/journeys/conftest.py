"""What walks share: desks and letters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.browser import Tab
from tests.fixtures.databases import Database
from tests.fixtures.processes import LiveApp
from tests.journeys.desk import Desk, Letters


@pytest.fixture
def fresh_db(bare_db: Database) -> Database:
    """A road begins where nobody is hired yet."""
    return bare_db


@pytest.fixture
def letters(stage: dict[str, str]) -> Letters:
    return Letters(Path(stage["MAIL_DIRECTORY"]))


@pytest.fixture
def sit_down(open_tab: Callable[..., Tab], live_app: LiveApp, sound: Callable[[Tab, str], None]) -> Callable[..., Desk]:
    """A desk of one's own: sit_down() or sit_down(scripting=False)."""

    def make(*, scripting: bool = True) -> Desk:
        tab = open_tab(base_url=live_app.url, scripting=scripting)
        tab.page.set_default_timeout(20_000)
        return Desk(tab, sound)

    return make
