"""Small numbers point at persons. Who may not see the subjects behind a figure does not learn small numbers either.

One rule for every page: its numbers are taken in order, and one is told only if all that is told so far still cuts the
subjects into groups of FEWEST or more. Whatever is added and subtracted of what is told then counts whole groups, so
that it comes to none or to FEWEST at least. What is not told has one sign, 0 among it: the same page would stand for a
trial in which the subjects of each group are alike, and nothing on it says that this one is another.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from trialsite import clock
from trialsite.access import Actor, Duty, can_anywhere

#: The smallest number of subjects that is told to everybody.
FEWEST = 5
NOT_TOLD = "—"

#: A number of a page: the address of its list, and what is counted in it.
Number = tuple[str, frozenset[Hashable]]


@dataclass(frozen=True)
class Telling:
    """What the reader of one page is told: everything, or the numbers with these addresses."""

    is_open: bool
    urls: frozenset[str] = frozenset()

    def tells(self, *urls: str) -> bool:
        """Also what can be computed from these numbers."""
        return self.is_open or self.urls.issuperset(urls)


#: For somebody who may see the subjects.
EVERYTHING = Telling(is_open=True)
NOTHING = Telling(is_open=False)


def rows_open(actor: Actor) -> bool:
    """True for who may see the subjects behind the figures."""
    return can_anywhere(actor, Duty.VIEW_DASHBOARD_ROWS, clock.now())


def told_together(numbers: Iterable[Number]) -> Telling:
    """The numbers that may stand on one page, the first ones before the later ones."""
    groups: list[frozenset[Hashable]] = []
    urls = set()
    for url, counted in numbers:
        finer = _cut(groups, counted)
        if counted and all(len(group) >= FEWEST for group in finer):
            groups = finer
            urls.add(url)
    return Telling(is_open=False, urls=frozenset(urls))


def _cut(groups: Sequence[frozenset[Hashable]], counted: frozenset[Hashable]) -> list[frozenset[Hashable]]:
    """The groups, each cut into those who are counted and those who are not, and whoever is in none of them yet."""
    pieces = [piece for group in groups for piece in (group & counted, group - counted)]
    return [piece for piece in (*pieces, counted.difference(*groups)) if piece]
