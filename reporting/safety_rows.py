"""What every figure of the safety dashboard is: a count of rows that one group of one address names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from django.urls import reverse

from reporting.small_cells import small_one


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
    """A number with the address of its rows. `beside`: a small number that could be told from this one.

    `who`: keys of the subjects that it counts, where it counts subjects.
    """

    n: int
    url: str
    beside: int = 0
    who: frozenset[str] = field(default=frozenset(), compare=False)

    def kept_back(self, told: Mapping[frozenset[str], int]) -> Count:
        """Also where a larger number on the page would tell a small one from this one."""
        return replace(self, beside=small_one(self.beside, told.get(self.who, 0)))


def rows_url(group: str, given: Mapping[str, str]) -> str:
    """`given`: what the number was asked for; what is empty is left out."""
    asked = {"group": group, **{name: value for name, value in given.items() if value}}
    return f"{reverse('safety_rows')}?{urlencode(asked)}"
