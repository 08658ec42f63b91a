"""What a place held when it was locked, and what reads otherwise now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialsite.models import LockStep, Subject
from trialsite.sdv_selectors import Item
from trialsite.services.signatures import digest

NOT_THERE = "not there"


@dataclass(frozen=True)
class LockedChange:
    """One field that reads otherwise than it was locked. form: the heading under which it stands."""

    form: str
    label: str
    was: str
    now: str


def snapshot_of(subject: Subject, place: str, items: Iterable[Item]) -> dict[str, Any]:
    """Every item of a place as plain JSON: its stored columns, its words as shown, and the event that wrote it."""
    return {"subject": subject.number, "place": place, "items": [_kept(one) for one in items]}


def _kept(item: Item) -> dict[str, Any]:
    return {
        "record": f"{item.record_type}:{item.record_id}",
        "item": item.item,
        "form": item.form.words,
        "label": item.label,
        "stored": dict(item.stored),
        "value": item.value,
        "event": item.version,
    }


def is_intact(step: LockStep) -> bool:
    """True if the snapshot is the one that was locked: its digest, computed anew, is the stored one."""
    return step.snapshot is not None and digest(step.snapshot) == step.digest


def changes_since(step: LockStep, items: Sequence[Item]) -> list[LockedChange]:
    """Field by field what differs from the snapshot, in the order of the record; what was changed back does not."""
    kept = {_key(one): one for one in (step.snapshot or {}).get("items", ())}
    return list(_changes(kept, {(f"{one.record_type}:{one.record_id}", one.item): one for one in items}))


Key = tuple[str, str]


def _key(kept: Mapping[str, Any]) -> Key:
    return str(kept["record"]), str(kept["item"])


def _changes(kept: Mapping[Key, Mapping[str, Any]], now: Mapping[Key, Item]) -> Iterator[LockedChange]:
    for key, item in now.items():
        before = kept.get(key)
        if before is None:
            yield LockedChange(item.form.words, item.label, NOT_THERE, item.value)
        elif before["stored"] != dict(item.stored):
            yield LockedChange(item.form.words, item.label, before["value"], item.value)
    for key, before in kept.items():
        if key not in now:
            yield LockedChange(before["form"], before["label"], before["value"], "entered in error")
