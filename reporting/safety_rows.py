"""What every figure of the safety dashboard is: a count of rows that one group of one address names."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.urls import reverse


@dataclass(frozen=True)
class Line:
    """One row behind a number: about whom, what it is, and where it leads."""

    site: str
    subject: str
    what: str
    detail: str
    url: str


@dataclass(frozen=True)
class Count:
    """A number with the address of its rows, and what it counts: subjects by their keys, or other rows."""

    url: str
    who: frozenset[Hashable] = field(compare=False)

    @property
    def n(self) -> int:
        return len(self.who)


def rows_url(group: str, given: Mapping[str, str]) -> str:
    """`given`: what the number was asked for; what is empty is left out."""
    asked = {"group": group, **{name: value for name, value in given.items() if value}}
    return f"{reverse('safety_rows')}?{urlencode(asked)}"
