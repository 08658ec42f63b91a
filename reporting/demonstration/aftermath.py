"""The jobs that run every morning, on the mornings that leave a trace."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from dosing.tasks import reevaluate_everyone
from followup.tasks import sweep_reminders
from reporting.demonstration.stage import OPENED_BEFORE, Stage

#: Reminders sleep between these mornings; what fell due meanwhile is settled as after a holiday: the newest goes out.
SELDOM = timedelta(days=90)
LAST_DAYS = 8


def morning_jobs(stage: Stage) -> Iterator[date]:
    """Reminders every three months, then on each of the last days; windows that opened or closed on the very last."""
    last_days = [stage.anchor - timedelta(days=days) for days in range(LAST_DAYS, 0, -1)]
    morning = stage.anchor - OPENED_BEFORE + SELDOM
    while morning < last_days[0]:
        yield morning
        sweep_reminders()
        morning += SELDOM
    for morning in last_days:
        yield morning
        sweep_reminders()
    reevaluate_everyone()
