"""The whole demonstration trial in one function."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from reporting.demonstration import aftermath
from reporting.demonstration.chronicle import Story, live
from reporting.demonstration.entry import screened_only
from reporting.demonstration.lives import LIVES, SCREENINGS
from reporting.demonstration.stage import Stage, set_up
from reporting.demonstration.stories import enrolled


def load(anchor: date, tell: Callable[[date], None]) -> None:
    """Live every story up to the day `anchor`; `tell` hears of each day on which something happens.

    The same anchor gives the same trial, but for the opaque keys of the subjects.
    """
    stage = Stage(anchor)
    stories: list[Story] = [set_up(stage)]
    stories += [enrolled(stage, life, number) for number, life in enumerate(LIVES, start=1)]
    stories += [screened_only(stage, one, number) for number, one in enumerate(SCREENINGS, start=len(LIVES) + 1)]
    stories.append(aftermath.morning_jobs(stage))
    live(stories, anchor - timedelta(days=1), tell)
