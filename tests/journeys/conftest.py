"""What walks share: desks, letters, and what every page that is looked at must stand."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.fixtures.browser import SIZES, Tab
from tests.fixtures.processes import LiveApp
from tests.journeys.desk import Desk, Letters, resize


@pytest.fixture
def album(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Where the pictures of this walk go: a folder in JOURNEY_SHOTS, else beside the test's other files."""
    folder = Path(os.environ.get("JOURNEY_SHOTS", tmp_path)) / re.sub(r"\W+", "-", request.node.name).strip("-")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def inspect(
    album: Path, axe: Callable[[Page], list[str]], no_sideways_scroll: Callable[[Page], None]
) -> Callable[..., None]:
    """Check the open page at both sizes and keep a picture of each.

    axe is a script: a tab without scripting shows the same page, whose frame and width are checked all the same.
    """

    def check(tab: Tab, name: str, *, scripting: bool) -> None:
        number = len(list(album.iterdir())) // len(SIZES) + 1
        for size in reversed(SIZES):
            resize(tab, size)
            picture = album / f"{number:02d}-{name}-{size}.jpg"
            tab.page.screenshot(path=picture, type="jpeg", quality=60, full_page=True)
            assert not scripting or axe(tab.page) == [], f"{name}, {size}"
            no_sideways_scroll(tab.page)
        tab.check()

    return check


@pytest.fixture
def letters(stage: dict[str, str]) -> Letters:
    return Letters(Path(stage["MAIL_DIRECTORY"]))


@pytest.fixture
def sit_down(open_tab: Callable[..., Tab], live_app: LiveApp, inspect: Callable[..., None]) -> Callable[..., Desk]:
    """A desk of one's own: sit_down() or sit_down(scripting=False)."""

    def make(*, scripting: bool = True) -> Desk:
        tab = open_tab(base_url=live_app.url, scripting=scripting)
        tab.page.set_default_timeout(20_000)
        return Desk(tab, partial(inspect, scripting=scripting))

    return make
