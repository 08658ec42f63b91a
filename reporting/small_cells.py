"""Small numbers point at persons. Who may not see the subjects behind a figure does not see small figures either."""

from __future__ import annotations

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


def share_for(share: Proportion, *, is_open: bool) -> Proportion:
    """Without its percent and interval where they would tell a small number, of these or of the others."""
    if is_open or not (is_small(share.x) or is_small(share.n - share.x) or is_small(share.n)):
        return share
    return replace(share, percent=None, low=None, high=None)
