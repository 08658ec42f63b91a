"""One choice of a row of choices: what `edc/segments.html` draws."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Segment:
    """`count`: how many there are behind it; None draws no number."""

    label: str
    url: str
    active: bool
    count: int | None = None
