"""Pictures of the demonstration trial for docs/, at both sizes, each as the person whose page it is.

`python -m tests.journeys.pictures` starts a demonstration of its own, takes the pictures and ends it;
`--url http://localhost:8000` uses one that runs. docs/pictures.md shows them beside their design sketches.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.fixtures.browser import ROOT, SIZES, find_chromium
from trialsite.stack.broker import free_port

FOLDER = ROOT / "docs" / "pictures"
QUALITY = 72
LOADING_SECONDS = 600
COORDINATOR, ANOTHER_COORDINATOR, INVESTIGATOR, STATISTICIAN = (
    "mary.okafor", "tom.becker", "anna.lindqvist", "lena.hart",
)  # fmt: skip


def subjects(page: Page) -> None:
    page.goto("/subjects/")


def lab_entry(page: Page) -> None:
    """The first panel that waits, with its first results typed."""
    page.goto("/my-work/")
    page.locator("main a", has_text="Enter Month").first.click()
    page.fill("[name=collected_on]", "t")
    for box, value in (("serum_m", "2.9"), ("igg", "3420"), ("iga", "45"), ("igm", "31")):
        page.fill(f"#v_{box}", value)
    page.evaluate("scrollTo(0, 0)")


def overview(page: Page) -> None:
    page.goto("/subjects/?treatment=ld")
    page.locator("table.matrix tbody th a").first.click()


def decision(page: Page) -> None:
    page.goto("/my-work/")
    page.locator("main a[href*='/responses/m']").first.click()


def dosing_of(mark: str) -> Callable[[Page], None]:
    def go(page: Page) -> None:
        page.goto(f"/subjects/?treatment={mark}")
        address = page.locator("table.matrix tbody th a").first.get_attribute("href")
        page.goto(f"{address}dosing/")

    return go


def dashboard(page: Page) -> None:
    page.goto("/dashboards/efficacy/")


def eligibility(page: Page) -> None:
    page.goto("/subjects/?treatment=scr")
    row = page.locator("table.matrix tbody tr", has_text="Complete eligibility").first
    address = row.locator("th a").get_attribute("href")
    page.goto(f"{address}eligibility/")


def laboratory_file(page: Page) -> None:
    """The file whose rows wait to be reviewed."""
    page.goto("/labs/imports/")
    page.locator("main table a").first.click()


#: Name of the picture, who looks, how the page is found.
PICTURES: tuple[tuple[str, str, Callable[[Page], None]], ...] = (
    ("01-subjects", COORDINATOR, subjects),
    ("02-lab-entry", COORDINATOR, lab_entry),
    ("03-subject", INVESTIGATOR, overview),
    ("04-decision", INVESTIGATOR, decision),
    ("05-dosing", COORDINATOR, dosing_of("ld")),
    ("06-dashboard", STATISTICIAN, dashboard),
    ("07-eligibility", ANOTHER_COORDINATOR, eligibility),
    ("08-lab-import", COORDINATOR, laboratory_file),
    ("09-dosing-hd", COORDINATOR, dosing_of("hd")),
)


def take_all(browser: Browser, url: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    password = demonstration_password()
    for width, height in SIZES.values():
        viewport = {"width": width, "height": height}
        pages = {
            name: signed_in(browser.new_context(base_url=url, viewport=viewport).new_page(), name, password)
            for name in sorted({who for _, who, _ in PICTURES})
        }
        for name, who, find in PICTURES:
            find(pages[who])
            pages[who].wait_for_load_state("networkidle")
            pages[who].screenshot(path=FOLDER / f"{name}-{width}.jpg", type="jpeg", quality=QUALITY)


def demonstration_password() -> str:
    """As the command that lists the accounts prints it."""
    command = [sys.executable, "manage.py", "demonstration_accounts"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return listed.splitlines()[0].partition("password: ")[2]


def signed_in(page: Page, name: str, password: str) -> Page:
    page.goto("/accounts/sign-in/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "sign-in" not in address)
    return page


@contextmanager
def own_demonstration() -> Iterator[str]:
    """A demonstration on a free port, in a directory that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="pictures-") as home:
        Path(home).chmod(0o711)
        port = free_port()
        command = [sys.executable, "-m", "trialsite.stack", "--home", home, "--port", str(port)]
        running = subprocess.Popen(command, cwd=ROOT)
        try:
            wait_for(f"http://localhost:{port}/healthz", running)
            yield f"http://localhost:{port}"
        finally:
            running.terminate()
            running.wait(60)


def wait_for(address: str, running: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + LOADING_SECONDS
    while time.monotonic() < deadline and running.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(1)
    raise SystemExit("The demonstration did not start.")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.journeys.pictures", description=__doc__)
    parser.add_argument("--url", help="address of a demonstration that runs already")
    given = parser.parse_args().url
    with sync_playwright() as play:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = play.chromium.launch(executable_path=find_chromium(), args=arguments)
        if given:
            take_all(browser, given)
        else:
            with own_demonstration() as url:
                take_all(browser, url)
        browser.close()


if __name__ == "__main__":
    main()
