"""The whole demonstration trial in one function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from django.db import connections

from reporting.demonstration.aftermath import casebooks, morning_jobs, unfinished_entry
from reporting.demonstration.chronicle import Story, live
from reporting.demonstration.entry import screened_only
from reporting.demonstration.importing import SITE, laboratory_file, laboratory_message
from reporting.demonstration.lives import LIVES, SCREENINGS
from reporting.demonstration.monitoring import monitoring_visit
from reporting.demonstration.serious import serious_event, severe_event
from reporting.demonstration.stage import Stage, new_consent_form, passwords_set, set_up
from reporting.demonstration.stories import enrolled
from trialsite.context import serving
from trialsite.stack.children import fork

#: The sites live side by side, in one process each; about as much happens at the first as at the others together.
HALVES: tuple[tuple[str, ...], ...] = (("01",), ("02", "03"))


class LoadFailed(Exception):
    """A half of the trial came to no end; its cause was printed."""


def load(anchor: date, tell: Callable[[date], None], side_by_side: Sequence[tuple[str, ...]] = HALVES) -> None:
    """Live every story up to the day before `anchor`; `tell` hears of each day on which something happens.

    The same anchor gives the same trial, but for the opaque keys of the subjects and the row numbers.
    `side_by_side`: the sites whose stories are lived, a process for each group.
    """
    stage = Stage(anchor)
    live([set_up(stage)], anchor, tell)
    here, *elsewhere = side_by_side
    connections.close_all()
    others = [fork(_live_at, stage, codes, _unheard) for codes in elsewhere]
    _live_at(stage, here, tell)
    for other in others:
        other.join()
    if any(other.exitcode for other in others):
        raise LoadFailed("One of the sites could not be loaded; its cause is printed above.")


def _live_at(stage: Stage, codes: tuple[str, ...], tell: Callable[[date], None]) -> None:
    stories: list[Story] = [
        enrolled(stage, life, number) for number, life in enumerate(LIVES, start=1) if life.site in codes
    ]
    stories += [
        screened_only(stage, one, number)
        for number, one in enumerate(SCREENINGS, start=len(LIVES) + 1)
        if one.site in codes
    ]
    # A password is slow to hash, so each half hashes those of its own people.
    stories.append(passwords_set(stage, (*codes, "00") if "01" in codes else codes))
    if SITE in codes:
        stories += [laboratory_file(stage), laboratory_message(stage)]
    if "01" in codes:
        stories += [serious_event(stage), severe_event(stage)]
    stories += [casebooks(stage, code) for code in codes]
    stories += [monitoring_visit(stage, code) for code in codes]
    stories.append(morning_jobs(stage))
    if "03" in codes:
        stories.append(new_consent_form(stage))
    stories += [unfinished_entry(stage, code) for code in codes]
    with serving(stage.sites[code].pk for code in codes):
        live(stories, stage.anchor - timedelta(days=1), tell)


def _unheard(day: date) -> None:
    """Progress is told by one process only."""
