"""Reads of source data verification. Row level security has already hidden other sites.

Whatever says how much is verified counts the same items: the page of a visit, a subject's page, the work list, the
share of a site, the export.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from typing import Any

from trialsite.foresight import Fact
from trialsite.models import AuditEvent, SourceVerification, SourceVerificationWithdrawal, Subject
from trialsite.records import KINDS
from trialsite.source_fold import Event, Record, fold
from trialsite.source_items import DOSES, PLACES, SOURCES
from trialsite.source_words import Form, form_of, is_critical, item_words, place_of, place_words, value_words

Key = tuple[str, int, str]


class State(StrEnum):
    """How an item stands towards its source."""

    VERIFIED = "Verified"
    CHANGED = "Changed since verified"
    UNVERIFIED = "Not verified"


@dataclass(frozen=True)
class Check:
    """One verification with its withdrawal, if it was taken back."""

    verification: SourceVerification
    withdrawal: SourceVerificationWithdrawal | None

    @property
    def person(self) -> str:
        return self.verification.verified_by.printed_name


@dataclass(frozen=True)
class Item:
    """One item with its present value.

    version: number of the event that wrote the value. written_by: printed name; author_id is None for a job.
    row_id: the row that holds the record now; record_id: the row as which it was first written.
    latest: the newest verification, of whatever version; None if there never was one. name: of the field on a form;
    number: of the record among those of its kind, where it has one. stored: its columns; empty once the record stands
    no more.
    """

    record_type: str
    record_id: int
    row_id: int
    item: str
    version: int
    place: str
    form: Form
    label: str
    name: str
    number: int | None
    value: str
    stored: Mapping[str, Any]
    is_critical: bool
    written_at: datetime
    written_by: str
    author_id: int | None
    state: State
    latest: Check | None

    @property
    def key(self) -> Key:
        return self.record_type, self.record_id, self.item

    @property
    def token(self) -> str:
        """What a form hands back: the item in the version that was shown."""
        return f"{self.record_type}:{self.record_id}:{self.item}:{self.version}"

    @property
    def is_verified(self) -> bool:
        return self.state is State.VERIFIED


def items_of(subject: Subject) -> list[Item]:
    """Every item of the subject. Two queries."""
    checks = checks_of([subject.pk]).get(subject.pk, {})
    return [item for records in records_of([subject.pk]).values() for item in _items(records, checks)]


def verified_items(subject: Subject, kinds: Iterable[str] = SOURCES) -> list[Item]:
    """Items of these kinds of records that were verified at any time. The trail is read only if there are any."""
    checks = checks_of([subject.pk]).get(subject.pk, {})
    if not any(kind in set(kinds) for kind, _, _ in checks):
        return []
    found = (item for records in records_of([subject.pk], kinds).values() for item in _items(records, checks))
    return [one for one in found if one.latest is not None]


def records_of(subject_ids: Sequence[int], kinds: Iterable[str] = SOURCES) -> dict[int, list[Record]]:
    """Subject -> its records as they stand. `kinds` holds what leads to the visit too. One query."""
    return {subject: fold(map(_event, rows)) for subject, rows in groupby(_rows(subject_ids, kinds), key=itemgetter(0))}


_Row = tuple[Any, ...]


def _rows(subject_ids: Sequence[int], kinds: Iterable[str]) -> Iterator[_Row]:
    """The audit events of the subjects' source records, subject by subject, in their order."""
    tables = [KINDS[kind].table for kind in kinds]
    found = AuditEvent.objects.filter(subject_id__in=subject_ids, table__in=tables, new__isnull=False)
    yield from found.order_by("subject_id", "id").values_list(
        "subject_id", "id", "table", "row_id", "op", "new", "at", "actor_name", "user_id", "transaction_id"
    )


def _event(row: _Row) -> Event:
    _, number, table, row_id, op, new, at, person, user_id, transaction = row
    return Event(number, table, row_id, op == "INSERT", new, at, person, user_id, transaction)


def checks_of(subject_ids: Sequence[int]) -> dict[int, dict[Key, list[Check]]]:
    """Subject -> item -> its verifications, oldest first. One query."""
    found: dict[int, dict[Key, list[Check]]] = {}
    made = SourceVerification.objects.filter(subject_id__in=subject_ids)
    for one in made.select_related("verified_by", "withdrawal__withdrawn_by").order_by("id"):
        check = Check(one, getattr(one, "withdrawal", None))
        key = (one.record_type, one.record_id, one.item)
        found.setdefault(one.subject_id, {}).setdefault(key, []).append(check)
    return found


Known = Mapping[tuple[str, int], Record]


def standing(
    records: Sequence[Record], checks: Mapping[Key, list[Check]]
) -> Iterator[tuple[Record, str, Sequence[Check]]]:
    """What counts as an item, with its verifications: what holds something or ever did.

    Of a record that stands no more only what was verified counts: that it was an error is to be verified, too.
    """
    for record in records:
        for item in SOURCES[record.kind].items:
            made = checks.get((record.kind, record.record_id, item), [])
            if item in record.written and (record.ended is None or made):
                yield record, item, made


def _items(records: Sequence[Record], checks: Mapping[Key, list[Check]]) -> Iterator[Item]:
    known = known_by_row(records)
    return (_item(record, item, known, made) for record, item, made in standing(records, checks))


def known_by_row(records: Iterable[Record]) -> Known:
    return {(one.kind, one.record_id): one for one in records}


def _item(record: Record, item: str, known: Known, made: Sequence[Check]) -> Item:
    version = record.version_of(item)
    return Item(
        record_type=record.kind,
        record_id=record.record_id,
        row_id=int(record.row_id),
        item=item,
        version=version.number,
        place=place_of(record, known),
        form=form_of(record, known),
        label=item_words(record, item),
        name=str(record.row.get("analyte") or record.row.get("item") or item.removesuffix("_typed")),
        number=record.row.get("number"),
        value=value_words(record, item),
        stored={} if record.ended else {name: record.row.get(name) for name in SOURCES[record.kind].columns(item)},
        is_critical=is_critical(record, item),
        written_at=version.at,
        written_by=version.person,
        author_id=version.user_id,
        state=state_of(version.number, made),
        latest=made[-1] if made else None,
    )


def state_of(version: int, made: Sequence[Check]) -> State:
    """A version that nobody verified is not verified, whatever was verified before it."""
    upheld = [one for one in made if one.withdrawal is None]
    if any(one.verification.event_number == version for one in upheld):
        return State.VERIFIED
    is_taken_back = bool(made) and made[-1].verification.event_number == version
    return State.CHANGED if upheld and not is_taken_back else State.UNVERIFIED


# ---------------------------------------------------------------- by place


def rank(place: str) -> tuple[int, str]:
    """Order of places: consent, visits as the protocol counts them, unscheduled ones, the rest, doses by month."""
    if place in PLACES:
        return (0 if place == "enrolment" else 8), place
    if place.startswith(DOSES):
        return 9, place
    return _SLOTS.get(place, 7 if place.startswith("uns") else 6 if place.startswith("fu") else 5), place


_SLOTS = {"scr": 1, "bl": 2}


def by_form(items: Iterable[Item]) -> list[tuple[Form, list[Item]]]:
    """The items of one place form by form as they were entered, the critical ones first in each."""
    grouped: dict[Form, list[Item]] = {}
    for one in items:
        grouped.setdefault(one.form, []).append(one)
    return [(form, sorted(found, key=lambda one: not one.is_critical)) for form, found in grouped.items()]


# ---------------------------------------------------------------- before a correction is saved


def verification_facts(subject: Subject, at: datetime) -> list[Fact]:
    """What is verified, for whoever is about to change it."""
    return [
        Fact(f"source:{one.token.rpartition(':')[0]}", f"{one.label}, {place_words(one.place)}", _FACTS[one.state])
        for one in verified_items(subject)
    ]


_FACTS = {
    State.VERIFIED: "Verified against the source",
    State.CHANGED: "Verified value will need verifying again",
    State.UNVERIFIED: "Not verified",
}
