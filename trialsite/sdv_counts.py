"""How much of every subject is verified: the numbers of the work list.

Counting reads every event of a subject. Nothing it depends on changes without a new event, so a process counts a
subject again only when there is one: by the number of its events, the newest of them, and when that was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Max

from trialsite.models import AuditEvent
from trialsite.sdv_selectors import Check, Key, State, checks_of, known_by_row, rank, records_of, standing, state_of
from trialsite.source_fold import Record
from trialsite.source_words import is_critical, item_words, place_of, place_words


@dataclass(frozen=True)
class Tally:
    """How many items there are, and how many of them are verified, changed since, critical and not verified."""

    items: int = 0
    verified: int = 0
    changed: int = 0
    critical_left: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.items + other.items,
            self.verified + other.verified,
            self.changed + other.changed,
            self.critical_left + other.critical_left,
        )

    @property
    def share(self) -> Decimal | None:
        """Percent verified; None where there is nothing to verify."""
        return Decimal(100) * self.verified / self.items if self.items else None


@dataclass(frozen=True)
class PlaceCount:
    """A visit or another part of a subject's record. changed: labels of what changed since it was verified.

    newest: number of the event that wrote the newest of its items, which tells one state of the place from another.
    """

    name: str
    words: str
    tally: Tally
    changed: tuple[str, ...]
    newest: int = 0


_Stamp = tuple[int, int, datetime]
_counted: dict[int, tuple[_Stamp, tuple[PlaceCount, ...]]] = {}


def counts(subject_ids: Sequence[int]) -> dict[int, tuple[PlaceCount, ...]]:
    """Subject -> its places in order, for subjects with data. Two queries, and two more if anything happened."""
    stamps = _stamps(subject_ids)
    old = [subject for subject, stamp in stamps.items() if _counted.get(subject, (None,))[0] != stamp]
    if old:
        checks = checks_of(old)
        for subject, records in records_of(old).items():
            _counted[subject] = stamps[subject], _places(records, checks.get(subject, {}))
    return {subject: _counted[subject][1] for subject in stamps if subject in _counted}


def _stamps(subject_ids: Sequence[int]) -> dict[int, _Stamp]:
    found = AuditEvent.objects.filter(subject_id__in=subject_ids).order_by().values("subject_id")
    newest = {row["subject_id"]: (row["n"], row["last"]) for row in found.annotate(n=Count("id"), last=Max("id"))}
    at = dict(AuditEvent.objects.filter(id__in=[last for _, last in newest.values()]).values_list("id", "at"))
    return {subject: (n, last, at[last]) for subject, (n, last) in newest.items()}


def _places(records: Sequence[Record], checks: Mapping[Key, list[Check]]) -> tuple[PlaceCount, ...]:
    known = known_by_row(records)
    tallies: dict[str, Tally] = {}
    changed: dict[str, list[str]] = {}
    newest: dict[str, int] = {}
    for record, item, made in standing(records, checks):
        version = record.version_of(item).number
        place, state = place_of(record, known), state_of(version, made)
        tallies[place] = tallies.get(place, Tally()) + _one(record, item, state)
        newest[place] = max(version, newest.get(place, 0))
        if state is State.CHANGED:
            changed.setdefault(place, []).append(item_words(record, item))
    return tuple(
        PlaceCount(place, place_words(place), tallies[place], tuple(changed.get(place, ())), newest[place])
        for place in sorted(tallies, key=rank)
    )


def _one(record: Record, item: str, state: State) -> Tally:
    is_left = state is not State.VERIFIED
    return Tally(1, int(not is_left), int(state is State.CHANGED), int(is_left and is_critical(record, item)))


def together(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())
