"""A person at a screen: small verbs, so that a walk through the product reads as its users would tell it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from playwright.sync_api import Locator

from tests.fixtures.browser import Tab
from trialsite import clock

PASSWORD = "a long sentence of words"


@dataclass
class Desk:
    """One person's browser. `look` inspects the page that is open; `counted` is the number of actions so far."""

    tab: Tab
    inspect: Callable[[Tab, str], None]
    counted: int = field(default=0, init=False)

    def open(self, address: str) -> None:
        self.tab.page.goto(address)

    def look(self, name: str) -> None:
        self.inspect(self.tab, name)

    def sign_in(self, name: str) -> None:
        self.open("/accounts/sign-in/")
        self.fill({"User name": name, "Password": PASSWORD})
        self.press("Sign in")

    def set_password(self, link: str) -> None:
        """Follow a single-use link to the person's first password."""
        self.open(link)
        self.fill({"New password": PASSWORD, "The same once more": PASSWORD})
        self.press("Set password")

    def fill(self, answers: Mapping[str, str]) -> None:
        for label, text in answers.items():
            self.counted += 1
            box = self.box(label)
            if box.evaluate("box => box.tagName") == "SELECT":
                box.select_option(label=text)
            else:
                box.fill(text)

    def box(self, label: str) -> Locator:
        """The box under this label, in the page's main part."""
        words = re.compile(rf"^\s*{re.escape(label)}(\s+optional)?\s*$")
        return self.tab.page.locator("main").get_by_label(words).locator("visible=true").first

    def choose(self, answers: Mapping[str, str]) -> None:
        """Answer questions that offer a few answers side by side."""
        for question, answer in answers.items():
            self.counted += 1
            group = self.tab.page.get_by_role("group", name=re.compile(rf"^{re.escape(question)}"))
            group.get_by_role("radio", name=answer, exact=True).check(force=True)

    def enter(self, results: Mapping[str, str]) -> None:
        """Type results into the laboratory grid."""
        for analyte, text in results.items():
            box = self.tab.page.locator(f"#v_{analyte}")
            if box.evaluate("box => box.tagName") == "SELECT":
                box.select_option(label=text)
            else:
                box.fill(text)

    def press(self, button: str) -> None:
        self.counted += 1
        self.tab.page.get_by_role("button", name=button, exact=True).click()

    def follow(self, link: str) -> None:
        self.counted += 1
        self.tab.page.get_by_role("link", name=link, exact=True).first.click()

    def unfold(self, summary: str) -> None:
        self.counted += 1
        self.tab.page.locator("summary", has_text=summary).click()

    def read(self, *sentences: str) -> None:
        """Every sentence stands on the page."""
        for words in sentences:
            self.tab.page.locator("body", has_text=words).wait_for()

    @property
    def address(self) -> str:
        return self.tab.page.url


def it_is(moment: str) -> None:
    """Step the clock of web server, worker and test to this minute, UTC."""
    clock.set_offset(datetime.fromisoformat(moment).replace(tzinfo=UTC) - datetime.now(UTC))


@dataclass(frozen=True)
class Letters:
    """The mailboxes of everybody: mail is delivered as files."""

    directory: Path

    def to(self, address: str) -> list[EmailMessage]:
        """What was delivered to this address, oldest first."""
        return [one for one in self._all() if one["To"] == address]

    def link_in_last(self, address: str) -> str:
        found = re.findall(r"https?://\S+", self.to(address)[-1].get_content())
        return str(found[-1])

    def _all(self) -> list[EmailMessage]:
        files = sorted(self.directory.glob("*.log"), key=lambda one: one.stat().st_mtime_ns)
        return [message for one in files for message in _messages(one)]


def _messages(file: Path) -> list[EmailMessage]:
    """The mails of one file; a line of dashes follows each."""
    parts = re.split(rb"\n-{70,}\n", file.read_bytes())
    read = [message_from_bytes(part.lstrip(), policy=policy.default) for part in parts if part.strip()]
    return [one for one in read if isinstance(one, EmailMessage)]
