"""Small numbers point at persons. Who may not see the subjects behind a figure does not see small figures either."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from reporting.statistics import Proportion
from trialsite import clock
from trialsite.access import Actor, Duty, can_anywhere

#: The smallest number of subjects that is told to everybody.
FEWEST = 5


def rows_open(actor: Actor) -> bool:
    """True for who may see the subjects behind the figures."""
    return can_anywhere(actor, Duty.VIEW_DASHBOARD_ROWS, clock.now())


def is_small(number: int) -> bool:
    return 0 < number < FEWEST


def small_one(*numbers: int) -> int:
    """The first number that is small, 0 if none is."""
    return next((number for number in numbers if is_small(number)), 0)


def beside_each(parts: Sequence[int]) -> list[int]:
    """For each part of a whole that is told as well: the small number that it would tell, 0 for a part to be shown.

    A small part is found by taking the others from the whole, unless the smallest of the others is hidden with it.
    """
    small, others = [part for part in parts if is_small(part)], [part for part in parts if part >= FEWEST]
    hidden = parts.index(min(others)) if small and others and sum(small) < 2 * FEWEST else None
    return [small[0] if index == hidden else 0 for index in range(len(parts))]


def told_by_larger(sets: Iterable[frozenset[str]]) -> dict[frozenset[str], int]:
    """Sets of subjects whose numbers stand on one page -> the small number that each would tell, left out where none.

    Of 12 with an event, 10 with a related one tell of 2 others: a number is kept back where a larger set on the page
    holds all of its subjects and only a few more. Numbers that are small are never told, so that they tell nothing.
    """
    family = sorted({one for one in sets if len(one) >= FEWEST}, key=len)
    found = {}
    for place, one in enumerate(family):
        few = (
            len(larger) - len(one)
            for larger in family[place + 1 :]
            if is_small(len(larger) - len(one)) and one < larger
        )
        if (least := next(few, 0)) > 0:
            found[one] = least
    return found


def share_for(share: Proportion, *besides: int, is_open: bool) -> Proportion:
    """Without its percent and interval where they would tell a small number: these, the others, or `besides`."""
    if is_open or not small_one(share.x, share.n - share.x, share.n, *besides):
        return share
    return replace(share, percent=None, low=None, high=None)
