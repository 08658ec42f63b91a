"""A real browser for tests: pages at two sizes, with and without scripting, and what they must never do.

Without Chromium the tests of this folder are skipped with the reason; where CI is set they fail instead.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
AXE = ROOT / "tests" / "vendor" / "axe-core" / "4.14.1" / "axe.min.js"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SIZES = {"wide": (1366, 768), "narrow": (390, 844)}
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# Runs before the page's own scripts: what the content policy refused is kept for the test.
LISTEN = """window.__refused = [];
document.addEventListener('securitypolicyviolation', (event) => {
  window.__refused.push(event.violatedDirective + ' ' + event.blockedURI);
});"""


def find_chromium() -> str | None:
    """Path of the browser: CHROMIUM of the environment, else the usual names."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named if Path(named).exists() else None
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip (or, where CI is set, fail) every test of this folder when there is no browser."""
    here = [item for item in items if Path(item.path).is_relative_to(Path(__file__).parent)]
    for item in here:
        item.add_marker(pytest.mark.browser)
    if find_chromium() or os.environ.get("CI"):
        return
    reason = f"{len(here)} browser tests not run: no Chromium found (set CHROMIUM or install it)"
    for item in here:
        item.add_marker(pytest.mark.skip(reason=reason))


@dataclass
class Tab:
    """One page of the browser and everything that went wrong on it."""

    page: Page
    errors: list[str] = field(default_factory=list)

    def refused(self) -> list[str]:
        """What the content security policy has refused on the page that is open now."""
        return list(self.page.evaluate("window.__refused || []"))

    def check(self) -> None:
        """No console error, no script error, nothing refused."""
        assert self.errors == []
        assert self.refused() == []


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser of the run."""
    path = find_chromium()
    if path is None:
        pytest.fail("no Chromium found, and CI is set: install it or set CHROMIUM")
    with sync_playwright() as play:
        made = play.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield made
        made.close()


@pytest.fixture
def open_tab(browser: Browser) -> Iterator[Callable[..., Tab]]:
    """Open a tab: open_tab(), open_tab(size="narrow"), open_tab(scripting=False), open_tab(base_url=live_app.url)."""
    contexts: list[BrowserContext] = []

    def make(size: str = "wide", *, scripting: bool = True, base_url: str | None = None) -> Tab:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height}, java_script_enabled=scripting, base_url=base_url
        )
        contexts.append(context)
        context.add_init_script(LISTEN)
        tab = Tab(context.new_page())
        tab.page.on("console", lambda message: _note(tab, message.type, message.text))
        tab.page.on("pageerror", lambda error: tab.errors.append(str(error)))
        return tab

    yield make
    for context in contexts:
        context.close()


def _note(tab: Tab, kind: str, words: str) -> None:
    # The browser itself reports every answer of 400 and more; a refused form is no error of the page.
    if kind == "error" and not re.match(r"Failed to load resource: the server responded with a status of 4\d\d", words):
        tab.errors.append(words)


@pytest.fixture
def axe() -> Callable[[Page], list[str]]:
    """What axe finds on a page, one line each. The debugger runs it, so the content policy stays as it is."""
    source = AXE.read_text(encoding="utf-8")

    def run(page: Page) -> list[str]:
        page.evaluate(source)
        found = page.evaluate("tags => axe.run(document, {runOnly: tags})", AXE_TAGS)
        return [
            f"{one['id']}: {node['target']} {node['failureSummary']}"
            for one in found["violations"]
            for node in one["nodes"]
        ]

    return run


@pytest.fixture
def no_sideways_scroll() -> Callable[[Page], None]:
    """The page itself never scrolls sideways (tables may, inside their own frame)."""

    def run(page: Page) -> None:
        width, shown = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width <= shown, f"{page.url} is {width} px wide in a window of {shown}"

    return run


@pytest.fixture
def shot() -> Callable[[Page, str], Path]:
    """Keep a picture of what is on the screen: shot(page, "subjects-1366"). They lie in var/shots or in SHOTS."""
    folder = Path(os.environ.get("SHOTS", ROOT / "var" / "shots"))

    def run(page: Page, name: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{name}.png"
        page.screenshot(path=target)
        return target

    return run
