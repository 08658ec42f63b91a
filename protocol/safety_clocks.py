"""How long a serious adverse event or a pregnancy may wait before the sponsor, and the authority, has been told.

Terms are those of ICH E2A and 21 CFR 312.32 as the clinical specification 4.4 states them: 24 hours from the moment
the site learned of it to the sponsor; from the sponsor's receipt (day 0) to the authority 7 calendar days for an
unexpected reaction that is fatal or life-threatening, 15 for another serious unexpected one. A calendar day is
counted as 24 hours, so that the clock never ends later than the last day. Information that comes after a report was
sent follows it to the authority within 15 days of its receipt.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class ClockName(StrEnum):
    """Who has to be told."""

    SPONSOR = "SPONSOR"
    AUTHORITY = "AUTHORITY"


TO_SPONSOR = timedelta(hours=24)
TO_AUTHORITY_IF_FATAL = timedelta(days=7)
TO_AUTHORITY = timedelta(days=15)
TO_AUTHORITY_WITH_NEWS = timedelta(days=15)
#: Percent of a clock at which those who have to act are reminded.
ESCALATION_STEPS = (50, 90)


@dataclass(frozen=True)
class Clock:
    """One reporting clock: it runs from `starts_at` to `due_at` until `stopped_at`."""

    name: ClockName
    starts_at: datetime
    due_at: datetime
    stopped_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.stopped_at is None

    @property
    def was_late(self) -> bool:
        return self.stopped_at is not None and self.stopped_at > self.due_at

    def is_overdue(self, at: datetime) -> bool:
        return self.is_open and at > self.due_at

    def step_at(self, percent: int) -> datetime:
        """The moment at which so much of the time has passed."""
        return self.starts_at + (self.due_at - self.starts_at) * percent / 100

    def steps_passed(self, at: datetime) -> tuple[int, ...]:
        """Escalation steps that have been reached, in order; none once it is stopped."""
        return tuple(one for one in ESCALATION_STEPS if self.is_open and self.step_at(one) <= at)


def authority_term(*, is_unexpected_reaction: bool, is_fatal_or_life_threatening: bool) -> timedelta | None:
    """How long after the sponsor's receipt the authority is told of a serious event; None if it need not be."""
    if not is_unexpected_reaction:
        return None
    return TO_AUTHORITY_IF_FATAL if is_fatal_or_life_threatening else TO_AUTHORITY


def clocks(
    *, aware_at: datetime, sponsor_at: datetime | None, authority_at: datetime | None, term: timedelta | None
) -> tuple[Clock, ...]:
    """The clocks of one report. The authority's, of length `term`, starts when the sponsor has it."""
    sponsor = Clock(ClockName.SPONSOR, aware_at, aware_at + TO_SPONSOR, sponsor_at)
    if term is None or sponsor_at is None:
        return (sponsor,)
    return sponsor, Clock(ClockName.AUTHORITY, sponsor_at, sponsor_at + term, authority_at)


def news_clock(*, received_at: datetime, authority_at: datetime | None) -> Clock:
    """The clock of follow-up information: day 0 is its receipt."""
    return Clock(ClockName.AUTHORITY, received_at, received_at + TO_AUTHORITY_WITH_NEWS, authority_at)


def time_words(left: timedelta) -> str:
    """5 h left; 3 days 4 h left; 2 h late; under an hour left. Down to the full hour, or up to it when late."""
    words = _hours(abs(left))
    return f"{words} left" if left >= timedelta() else f"{words} late"


def _hours(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    if hours < 1:
        return "under an hour"
    days, rest = divmod(hours, 24)
    if hours < 48:
        return f"{hours} h"
    return f"{days} days {rest} h" if rest else f"{days} days"
