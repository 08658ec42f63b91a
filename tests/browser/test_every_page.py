"""Every page of the table of addresses in one browser: axe, the content policy, the width at both sizes, its files,
and a walk by Tab alone.

The pages are fetched first, by people who may fill them in; a server in memory then gives the browser what was
answered, so that one window shows them all and nobody signs in.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Page

from tests.browser.walking import walked
from tests.fixtures import axe
from tests.fixtures.browser import AXE_TAGS, ROOT, SIZES, Tab
from tests.fixtures.databases import Database
from tests.trialsite.conftest import House, built
from tests.trialsite.test_every_page import PAGES, looker
from tests.trialsite.test_every_url import LETTERS, TABLE
from trialsite.models import Role

pytestmark = pytest.mark.browser

STATIC = "/static/"
#: Rules of axe whose answer hangs on the size of the window; the others were run on the same page at the other size.
OF_SIZE = [
    "scrollable-region-focusable", "target-size",  # where things lie
    "button-name", "empty-heading", "heading-order", "link-name", "page-has-heading-one",  # words may be hidden
]  # fmt: skip
#: Without the style sheets as text, which one rule (no locked orientation) reads and the other walks have.
RUN = """([rules, at]) => axe.run(at ?? document, {runOnly: rules, resultTypes: ['violations'], preload: false})
  .then(found => found.violations.map(one => `${one.id}: ${one.nodes.map(node => node.html).join(' ')}`))"""
#: What one size shows alone is looked at with every rule: the first call keeps what is seen, the second finds the rest.
ONLY_HERE = """rules => {
  const seen = [...document.body.querySelectorAll('*')].filter((one) => one.checkVisibility());
  const before = window.__seen ?? new Set(seen), added = seen.filter((one) => !before.has(one));
  window.__seen = new Set(seen);
  return added.length ? RUN([rules, {include: added}]) : [];
}""".replace("RUN", f"({RUN})")
#: A first visit asks for the page and at most so many files together.
MOST_REQUESTS = 10
FOR_ALL = ("my_work", "subjects", "subject", "visit", "visit_labs")
Answer = tuple[dict[str, str], bytes]


def writer(name: str) -> Role:
    """Who sees the most of the page: somebody who may send its form, else who has the widest view."""
    letters = TABLE[name][1]
    return LETTERS[letters[0]] if letters else looker(name)


def fetched(house: House) -> dict[str, Answer]:
    """Head and body of every page, by its address."""
    return {address: answer for name in PAGES for address, answer in page_for(house, name, writer(name))}


def fetched_for_all(house: House) -> dict[str, Answer]:
    """The same of pages on which every role finds something else to do, by address and role."""
    looks = [(name, role) for name in FOR_ALL for role in Role]
    return {f"{at}?{role}": answer for name, role in looks for at, answer in page_for(house, name, role)}


def page_for(house: House, name: str, role: Role) -> Iterator[tuple[str, Answer]]:
    """The page as this role sees it; nothing where it is refused or no page."""
    address = house.address(name)
    answer = house.client(role).get(address)
    if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
        yield address, (dict(answer.headers), answer.content)


@contextmanager
def served(pages: Mapping[str, Answer]) -> Iterator[str]:
    """The address of a server that gives these pages, and static files that a browser keeps."""

    class Shelf(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith((STATIC, axe.PLACE)):
                path = axe.FILE if self.path == axe.PLACE else ROOT / "static" / self.path.removeprefix(STATIC)
                kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
                head, body = {"Content-Type": kind, "Cache-Control": "max-age=3600"}, path.read_bytes()
            else:
                head, body = pages.get(self.path, ({}, b""))
            self.send_response(200 if body else 204)
            for name, value in {**head, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is written."""

    server = ThreadingHTTPServer(("localhost", 0), Shelf)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.long
@pytest.mark.req("D14")
def test_every_page_is_clean_at_both_sizes(
    fresh_db: Database,
    open_tab: Callable[..., Tab],
    no_sideways_scroll: Callable[[Page], None],
) -> None:
    house = built(fresh_db, sites=("01",))
    pages, others = fetched(house), fetched_for_all(house)
    assert len(pages) > 80
    assert len(others) == 5 * len(FOR_ALL), "all roles but administrators, who see no subject"
    wrong: dict[str, list[str]] = {}
    with served(pages | others) as place:
        tab = open_tab(base_url=place)
        keys = tab.page.context.new_cdp_session(tab.page)
        requests: set[str] = set()
        tab.page.on("request", lambda request: requests.add(request.url))
        for address in pages:
            requests.clear()
            found = looked_at(tab, address, no_sideways_scroll)
            found += walked(tab.page, keys, shell=address == next(iter(pages)))
            asked = sorted(one.removeprefix(place) for one in requests if not one.endswith(axe.PLACE))
            found += [f"{len(asked)} requests: {asked}"] if len(asked) > MOST_REQUESTS else []
            if found:
                wrong[address] = found
        for address in others:
            tab.page.goto(address)
            if found := walked(tab.page, keys, shell="/my-work/" in address):
                wrong[address] = found
    assert wrong == {}


def looked_at(tab: Tab, address: str, no_sideways_scroll: Callable[[Page], None]) -> list[str]:
    """What is wrong with a page: everything at the wide size; at the narrow one what hangs on it, or is only there."""
    page = tab.page
    page.goto(address, wait_until="domcontentloaded")
    page.add_script_tag(url=axe.PLACE)  # the browser keeps it; handing it over on every page takes a quarter of all
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")  # at the end a bar that sticks covers nothing
    found = [*page.evaluate(RUN, [AXE_TAGS, None]), *page.evaluate(ONLY_HERE, AXE_TAGS)]
    page.set_viewport_size(dict(zip(("width", "height"), SIZES["narrow"], strict=True)))
    narrow = [*page.evaluate(RUN, [OF_SIZE, None]), *page.evaluate(ONLY_HERE, AXE_TAGS)]
    found += [f"narrow: {one}" for one in narrow]
    found += [*sideways(tab, no_sideways_scroll), *tab.errors, *tab.refused()]
    tab.errors.clear()
    page.set_viewport_size(dict(zip(("width", "height"), SIZES["wide"], strict=True)))
    return found


def sideways(tab: Tab, check: Callable[[Page], None]) -> list[str]:
    try:
        check(tab.page)
    except AssertionError as problem:
        return [str(problem)]
    return []
