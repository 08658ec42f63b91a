"""One thing to do, and the words that all kinds of work share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from reporting.addresses import address
from reporting.selectors.facts import SubjectFacts
from trialsite.models import Role
from trialsite.templatetags.edc import day, day_short


class Kind(StrEnum):
    """What sort of work a task is; the work list groups by it."""

    CLOCK = "clock"
    ENTER = "enter"
    ANSWER = "answer"
    SIGN = "sign"
    REVIEW = "review"
    REST = "rest"


@dataclass(frozen=True)
class Step:
    """One thing to do. `words` begin with a verb; `note` says how urgent it is; `waiting` is for those who only wait.

    not_for: account of the one person of those roles who may not do it.
    urgency: "late" (overdue), "" (due now), "soon" (opens within a week), "none" (nothing to do).
    """

    kind: Kind
    words: str
    url: str
    who: frozenset[Role]
    note: str = ""
    urgency: str = ""
    due_on: date | None = None
    waiting: str = ""
    not_for: int | None = None

    @property
    def sentence(self) -> str:
        return f"{self.words}, {self.note}" if self.note else self.words

    def is_for(self, roles: frozenset[Role], person: int | None = None) -> bool:
        """True for a person with these roles; `person` is the account, where it is known."""
        is_barred = self.not_for is not None and self.not_for == person
        return self.urgency != "none" and bool(self.who & roles) and not is_barred


ENTERS = frozenset({Role.COORDINATOR})
SIGNS = frozenset({Role.INVESTIGATOR})
REVIEWS = frozenset({Role.DATA_MANAGER, Role.MONITOR})
TELLS = frozenset({Role.DATA_MANAGER})
NOBODY: frozenset[Role] = frozenset()
SOON = timedelta(days=7)
Rule = Callable[[SubjectFacts], Iterator[Step]]


def page(facts: SubjectFacts, name: str, *parts: str) -> str:
    """The address of a page of the subject."""
    return address(name, facts.subject.key, *parts)


def near(on: date, today: date) -> str:
    """12 Mar, with the year where it is another one."""
    return day_short(on) if on.year == today.year else day(on)


def days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
