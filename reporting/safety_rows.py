"""What every figure of the safety dashboard is: a count of rows that one group of one address names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
    """A number with the address of its rows. `beside`: a small number that could be told from this one."""

    n: int
    url: str
    beside: int = 0


def rows_url(group: str, given: Mapping[str, str]) -> str:
    """`given`: what the number was asked for; what is empty is left out."""
    asked = {"group": group, **{name: value for name, value in given.items() if value}}
    return f"{reverse('safety_rows')}?{urlencode(asked)}"
