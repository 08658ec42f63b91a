"""Reads of freezing and locking: how every place of a subject stands, and what keeps it from being locked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.module_loading import import_string

from protocol.vocabulary import TERMINAL_PHASES, Phase
from trialsite.lock_words import closed_sentence
from trialsite.models import AuditEvent, LockStep, Subject
from trialsite.records import KINDS
from trialsite.refusals import PlaceClosed
from trialsite.sdv_counts import PlaceCount, counts
from trialsite.source_items import DOSES, PLACES, SOURCES

Act, Lasting = LockStep.Act, LockStep.State
#: Parts to which something may be added as long as the subject takes part: a new consent, an order, an adverse event.
#: They are closed after the subject has left, so that no lock ever stands between a site and a serious event.
LASTING_PARTS = frozenset(PLACES)
STILL_HERE = "The subject takes part still."


class Standing(StrEnum):
    """How a place stands. Clean is open, with nothing that keeps it from being locked."""

    OPEN = "open"
    CLEAN = "clean"
    FROZEN = "frozen"
    LOCKED = "locked"


@dataclass(frozen=True)
class Blocker:
    """Why a place cannot be locked, in a sentence. place: empty where it keeps every place of the subject."""

    subject_id: int
    place: str
    words: str


Check = Callable[[Sequence[Subject], datetime], Iterable[Blocker]]
#: Who can say what is missing; the rooms above are named as text, so that imports fall downwards.
CHECKS: tuple[str, ...] = (
    "trialsite.lock_selectors.taking_part",
    "reporting.lock_blockers.unfinished",
)


@dataclass(frozen=True)
class Place:
    """One part of a subject's record. newest: the event that wrote the newest of its items.

    step: the newest step, None where it was never closed. missing: sentences; of a locked place what came up since.
    unverified: critical values that nobody compared with their source as they stand.
    """

    subject: Subject
    name: str
    words: str
    newest: int
    step: LockStep | None
    missing: tuple[str, ...]
    unverified: int

    @property
    def blockers(self) -> tuple[str, ...]:
        """What keeps it from being locked."""
        return (*self.missing, unverified_words(self.unverified)) if self.unverified else self.missing

    @property
    def state(self) -> Standing:
        lasting = self.step.state if self.step else Lasting.OPEN
        if lasting != Lasting.OPEN:
            return Standing(lasting)
        return Standing.OPEN if self.blockers else Standing.CLEAN

    @property
    def is_ready(self) -> bool:
        """True if it can be locked now."""
        return self.state is not Standing.LOCKED and not self.blockers

    @property
    def is_asked(self) -> bool:
        """True while the site asks for an unlock."""
        return self.step is not None and self.step.act == Act.ASK

    @property
    def token(self) -> str:
        """What a form hands back: the place in the state that was shown."""
        return f"{self.subject.key}:{self.name}:{self.newest}"


def places_of(subjects: Iterable[Subject], at: datetime) -> dict[int, tuple[Place, ...]]:
    """Subject -> its places with data, in order. The number of queries does not grow with the subjects."""
    wanted = list(subjects)
    ids = [one.pk for one in wanted]
    counted, steps, blockers = counts(ids), newest_steps(ids), _blockers(wanted, at)
    return {
        one.pk: tuple(
            _place(one, count, steps.get((one.pk, count.name)), blockers[one.pk]) for count in counted.get(one.pk, ())
        )
        for one in wanted
    }


def _place(subject: Subject, count: PlaceCount, step: LockStep | None, blockers: Sequence[Blocker]) -> Place:
    missing = dict.fromkeys(one.words for one in blockers if one.place in ("", count.name))
    return Place(subject, count.name, count.words, count.newest, step, tuple(missing), count.tally.critical_left)


def unverified_words(number: int) -> str:
    return f"{number} critical value{' is' if number == 1 else 's are'} not verified against the source."


def newest_steps(subject_ids: Sequence[int]) -> dict[tuple[int, str], LockStep]:
    """(Subject, place) -> its newest step, without the snapshot. One query."""
    found = LockStep.objects.filter(subject_id__in=subject_ids).order_by("subject_id", "place", "-number")
    return {(one.subject_id, one.place): one for one in found.distinct("subject_id", "place").defer("snapshot")}


def requests() -> QuerySet[LockStep]:
    """Unlocks that were asked for and not answered, the oldest first."""
    newest = LockStep.objects.filter(subject=OuterRef("subject"), place=OuterRef("place")).order_by("-number")
    asked = LockStep.objects.filter(act=Act.ASK, number=Subquery(newest.values("number")[:1]))
    return asked.select_related("subject__site").defer("snapshot").order_by("at", "id")


def steps_of(subject: Subject, place: str) -> list[LockStep]:
    """Every step of a place, the newest first."""
    return list(LockStep.objects.filter(subject=subject, place=place).select_related("site").order_by("-number"))


def closed_places(subject_ids: Iterable[int], *states: LockStep.State) -> dict[int, dict[str, str]]:
    """Subject -> place -> frozen or locked, or only what is in these states. One query."""
    found: dict[int, dict[str, str]] = {}
    for (subject_id, place), step in newest_steps(list(subject_ids)).items():
        if step.state in (states or (Lasting.FROZEN, Lasting.LOCKED)):
            found.setdefault(subject_id, {})[place] = step.state
    return found


# ---------------------------------------------------------------- for pages with a form


def closed_words(key: str, place: str) -> str:
    """The sentence for a place of the subject with this key, empty while it is open. One query."""
    found = LockStep.objects.filter(subject__key=key, place=place).order_by("-number")
    return sentence_of(list(found.select_related("site").defer("snapshot")))


def sentence_of(steps: Sequence[LockStep]) -> str:
    """The same of the steps of one place, the newest first."""
    if not steps or steps[0].state == Lasting.OPEN:
        return ""
    closing = next(one for one in steps if one.act in (Act.FREEZE, Act.LOCK))
    on = closing.at.astimezone(ZoneInfo(closing.site.time_zone)).date()
    return closed_sentence(steps[0].place, steps[0].state, on)


def check_not_locked(subject: Subject, place: str) -> None:
    """Refuse a question or a verification, which change no data, on a locked place; a frozen one is open to them."""
    if place and place in closed_places([subject.pk], Lasting.LOCKED).get(subject.pk, {}):
        raise PlaceClosed(closed_words(subject.key, place))


# ---------------------------------------------------------------- what keeps a place from being locked


def _blockers(subjects: Sequence[Subject], at: datetime) -> Mapping[int, list[Blocker]]:
    found: dict[int, list[Blocker]] = defaultdict(list)
    for name in CHECKS:
        check: Check = import_string(name)
        for one in check(subjects, at):
            found[one.subject_id].append(one)
    return found


def takes_part(subject: Subject) -> bool:
    return Phase(subject.state) not in TERMINAL_PHASES


def taking_part(subjects: Sequence[Subject], at: datetime) -> Iterable[Blocker]:
    """What may still grow is not locked."""
    for subject in subjects:
        if takes_part(subject):
            yield from (Blocker(subject.pk, part, STILL_HERE) for part in sorted(LASTING_PARTS))


class Anchored(Protocol):
    """What a question is about, as a query and as the anchor of one to come have it."""

    @property
    def record_type(self) -> str: ...
    @property
    def record_id(self) -> int: ...
    @property
    def visit_code(self) -> str: ...


def place_of_anchor(anchor: Anchored) -> str:
    """Where the value stands that is asked about; empty where nothing tells. At most one query."""
    return places_of_anchors([anchor])[0]


def places_of_anchors(anchors: Sequence[Anchored]) -> list[str]:
    """The same for many, in their order. At most one query."""
    days = _days_of_doses([one.record_id for one in anchors if one.record_type == "dose"])
    return [_place_at(one, days) for one in anchors]


def _place_at(anchor: Anchored, days: Mapping[int, str]) -> str:
    fixed = SOURCES[anchor.record_type].place if anchor.record_type in SOURCES else ""
    if fixed == DOSES:
        return f"{DOSES}{days[anchor.record_id][:7]}" if anchor.record_id in days else ""
    return fixed or anchor.visit_code


def _days_of_doses(row_ids: Sequence[int]) -> dict[int, str]:
    """Row of a dose -> its day; doses are kept in a room above, so the trail is asked."""
    events = AuditEvent.objects.filter(
        Q(table=KINDS["dose"].table, op="INSERT"), row_id__in=[str(one) for one in row_ids]
    )
    return {int(row_id): str(on) for row_id, on in events.values_list("row_id", "new__on")}
