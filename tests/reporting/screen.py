"""A dashboard as it is read: every figure on top, every table by its name, and the words that are left."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = ("input", "br", "meta", "link", "hr", "img")
SILENT = ("svg", "form", "nav", "script", "style", "template")


@dataclass
class Screen(HTMLParser):
    """What stands in `main`, drawings left out. `tables`: by the name that is read aloud; rows below the head."""

    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    tops: list[tuple[str, str]] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    rest: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self._name, self._text, self._row, self._is_body = "", "", list[str](), False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in VOID:
            return
        self._open.append(tag)
        if given.get("role") == "region":
            self._name = (given.get("aria-label") or "").removesuffix(", table")
        elif tag == "table":
            self._is_body = False
        elif tag == "tbody":
            self._is_body = True
            assert self._name not in self.tables, f"two tables are named {self._name}"
            self.tables[self._name] = []
        elif tag == "tr":
            self._row = []
        elif tag in ("td", "th", "caption", "dt", "dd", "li"):
            self._text = ""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Closed where it opens: a shape of a drawing."""

    def handle_endtag(self, tag: str) -> None:
        text = " ".join(self._text.split())
        if tag in ("td", "th"):
            self._row.append(text)
        elif tag == "tr" and self._is_body:
            self.tables[self._name].append(self._row)
        elif tag == "table":
            self._name, self._is_body = "", False
        else:
            self._leave(tag, text)
        while self._open and self._open.pop() != tag:
            pass

    def _leave(self, tag: str, text: str) -> None:
        if "main" not in self._open:
            return
        if tag == "caption":
            self._name = text
        elif tag == "dt":
            self._row = [text]
        elif tag == "dd":
            self.tops.append((self._row[0], text))
        elif tag == "li":
            self.items.append(text)

    def handle_data(self, data: str) -> None:
        if "main" not in self._open or any(one in self._open for one in SILENT):
            return
        if any(one in self._open for one in ("table", "dl", "li")):
            self._text += f" {data}" if self._open[-1] in ("small", "a") else data
        else:
            self.rest += f" {data.strip()}"


def read(page: str) -> Screen:
    screen = Screen()
    screen.feed(page)
    return screen
