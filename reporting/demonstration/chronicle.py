"""Living the trial day by day: every life is a generator of days, and the earliest day of all comes first.

So numbers are given, jobs run and reminders fall due in the order in which they would have.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from itertools import count

from trialsite import clock
from trialsite.context import coming_from
from trialsite.outbox import drained_by_hand
from trialsite.tasks import drain_everything

#: Yields the day on which it wants to go on; what it does between two yields happens on the day it asked for.
Story = Iterator[date]
WORKING_HOUR = time(20, 0, tzinfo=UTC)


def live(stories: list[Story], until: date, tell: Callable[[date], None]) -> None:
    """Run every story up to and including the day `until`; `tell` hears of each day on which something happens.

    The jobs of a day run after all that happened on it.
    """
    order = count()
    waiting: list[tuple[date, int, Story]] = []
    for story in stories:
        _queue(waiting, story, next(order))
    while waiting and waiting[0][0] <= until:
        today = waiting[0][0]
        tell(today)
        with clock.holding(moment(today)), coming_from("demonstration"), drained_by_hand() as calls:
            while waiting and waiting[0][0] == today:
                _, _, story = heapq.heappop(waiting)
                _queue(waiting, story, next(order))
            if calls.waiting:  # nothing was published on the other days
                drain_everything()


def moment(day: date) -> datetime:
    """The hour of that day at which the demonstration's people work."""
    return datetime.combine(day, WORKING_HOUR)


def _queue(waiting: list[tuple[date, int, Story]], story: Story, order: int) -> None:
    day = next(story, None)
    if day is not None:
        heapq.heappush(waiting, (day, order, story))
