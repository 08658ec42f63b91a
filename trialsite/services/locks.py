"""Freeze, lock, unlock: a data manager closes parts of a subject's record and opens them again, each with a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.lock_selectors import LASTING_PARTS, STILL_HERE, Place, Standing, places_of, takes_part
from trialsite.lock_snapshots import snapshot_of
from trialsite.models import LockStep, Subject
from trialsite.sdv_selectors import Item, items_of
from trialsite.services.signatures import digest
from trialsite.services.subjects import Refused, Stale, check_open_for_data, lock_open_subject, lock_subject

Act, Lasting = LockStep.Act, LockStep.State
#: Act -> how the place stands after it.
LEADS_TO: Mapping[LockStep.Act, LockStep.State] = {
    Act.FREEZE: Lasting.FROZEN,
    Act.RELEASE: Lasting.OPEN,
    Act.LOCK: Lasting.LOCKED,
    Act.UNLOCK: Lasting.OPEN,
    Act.ASK: Lasting.LOCKED,
    Act.DECLINE: Lasting.LOCKED,
}


@dataclass(frozen=True)
class Wanted:
    """A place to lock in the state in which it was shown: the number of the event that wrote its newest item."""

    subject_id: int
    site_id: int
    place: str
    newest: int


@transaction.atomic
def lock_places(*, by: Actor, at: datetime, wanted: Sequence[Wanted]) -> list[LockStep]:
    """Lock places, all of them or none, each with a snapshot of what it holds.

    Stale, naming them, if something was entered after the list was shown. Refused where a place is locked already or
    something is missing: an open query, a required signature, an item of a form, a critical value that nobody
    verified. PermissionDenied without the duty at each site, and for a value that the person entered.
    """
    if not wanted:
        raise Refused("Choose what to lock.")
    made: list[LockStep] = []
    in_order = sorted(wanted, key=lambda one: (one.site_id, one.subject_id))
    for site_id, of_site in groupby(in_order, key=lambda one: one.site_id):
        with writing(by=by, duty=Duty.LOCK, site_id=site_id, at=at, reason="Locked"):
            made += _lock_at_site(by, at, site_id, list(of_site))
    return made


def _lock_at_site(by: Actor, at: datetime, site_id: int, wanted: Sequence[Wanted]) -> list[LockStep]:
    subjects = [_of_site(pk, site_id) for pk in dict.fromkeys(one.subject_id for one in wanted)]
    found = {(pk, one.name): one for pk, places in places_of(subjects, at).items() for one in places}
    places = [_there(found.get((one.subject_id, one.place))) for one in wanted]
    _check_unchanged(places, wanted)
    for place in places:
        _check_ready(place)
    items = {subject.pk: items_of(subject) for subject in subjects}
    return [
        _lock(by, at, place, [one for one in items[place.subject.pk] if one.place == place.name]) for place in places
    ]


def _of_site(subject_id: int, site_id: int) -> Subject:
    subject = lock_subject(subject_id)
    if subject.site_id != site_id:
        raise PermissionDenied("This subject belongs to another site.")
    check_open_for_data(subject)
    return subject


def _there(place: Place | None) -> Place:
    if place is None:
        raise Refused("Nothing is entered there.")
    return place


def _named(place: Place) -> str:
    return f"{place.words} of {place.subject.number}"


def _check_unchanged(places: Sequence[Place], wanted: Sequence[Wanted]) -> None:
    stale = [_named(place) for place, one in zip(places, wanted, strict=True) if place.newest != one.newest]
    if stale:
        raise Stale(f"Changed since the list was shown: {', '.join(stale)}. Nothing was locked. Look at it again.")


def _check_ready(place: Place) -> None:
    if place.state is Standing.LOCKED:
        raise Refused(f"{_named(place)}: locked already. Nothing was locked.")
    if place.blockers:
        raise Refused(f"{_named(place)} cannot be locked. {' '.join(place.blockers)} Nothing was locked.")


def _lock(by: Actor, at: datetime, place: Place, items: Iterable[Item]) -> LockStep:
    held = [one for one in items if one.place == place.name]
    if any(one.author_id == by.user_id for one in held):
        raise PermissionDenied("Who entered a value cannot lock it.")
    snapshot = snapshot_of(place.subject, place.name, held)
    return _step(by, at, place, Act.LOCK, snapshot=snapshot)


def _step(
    by: Actor,
    at: datetime,
    place: Place,
    act: LockStep.Act,
    reason: str = "",
    *,
    snapshot: dict[str, Any] | None = None,
) -> LockStep:
    """One step more. Runs inside the caller's `writing`, which holds the subject's row."""
    if by.user_id is None:
        raise PermissionDenied("A person freezes and locks.")
    return LockStep.objects.create(
        subject=place.subject,
        site_id=place.subject.site_id,
        place=place.name,
        number=place.step.number + 1 if place.step else 1,
        act=act,
        state=LEADS_TO[act],
        reason=reason,
        snapshot=snapshot,
        digest=digest(snapshot) if snapshot else "",
        by_id=by.user_id,
        by_name=by.printed_name,
        at=at,
    )


def freeze(*, by: Actor, at: datetime, subject_id: int, site_id: int, place: str, reason: str = "") -> LockStep:
    """Stop every change of a place while it is cleaned. Refused unless it is open, and where it may still grow."""
    with writing(by=by, duty=Duty.LOCK, site_id=site_id, at=at, reason="Frozen"):
        found = _place(subject_id, site_id, place, at)
        if found.state not in (Standing.OPEN, Standing.CLEAN):
            raise Refused(f"{_named(found)} is {found.state.value} already.")
        if found.name in LASTING_PARTS and takes_part(found.subject):
            raise Refused(f"{STILL_HERE} Something may have to be entered here at any hour.")
        return _step(by, at, found, Act.FREEZE, reason.strip())


def lift_freeze(*, by: Actor, at: datetime, subject_id: int, site_id: int, place: str, reason: str) -> LockStep:
    """The site may change the place again. Refused without a reason, and unless it is frozen."""
    return _answer(by, at, Act.RELEASE, subject_id, site_id, place, reason)


def unlock(*, by: Actor, at: datetime, subject_id: int, site_id: int, place: str, reason: str) -> LockStep:
    """Open exactly this place again; the snapshot stays. Refused without a reason, and unless it is locked."""
    return _answer(by, at, Act.UNLOCK, subject_id, site_id, place, reason)


def decline_unlock(*, by: Actor, at: datetime, subject_id: int, site_id: int, place: str, reason: str) -> LockStep:
    """The place stays locked, and the site reads why. Refused without a reason, and unless the site asks."""
    return _answer(by, at, Act.DECLINE, subject_id, site_id, place, reason)


def ask_for_unlock(*, by: Actor, at: datetime, subject_id: int, site_id: int, place: str, reason: str) -> LockStep:
    """The site says what has to be corrected. Refused without a reason, unless it is locked, and while it asks."""
    return _answer(by, at, Act.ASK, subject_id, site_id, place, reason)


@dataclass(frozen=True)
class Rule:
    """Who may take a step, when it applies, and what is said where it does not or where the reason is missing."""

    duty: Duty
    applies: Callable[[Place], bool]
    otherwise: str
    say_why: str


def _is_locked(place: Place) -> bool:
    return place.state is Standing.LOCKED


RULES: Mapping[LockStep.Act, Rule] = {
    Act.RELEASE: Rule(
        Duty.LOCK, lambda place: place.state is Standing.FROZEN, "is not frozen.", "Say why the freeze is lifted."
    ),
    Act.UNLOCK: Rule(Duty.LOCK, _is_locked, "is not locked.", "Say why it is unlocked."),
    Act.DECLINE: Rule(Duty.LOCK, lambda place: place.is_asked, "is not asked for.", "Say why it stays locked."),
    Act.ASK: Rule(
        Duty.ASK_UNLOCK,
        lambda place: _is_locked(place) and not place.is_asked,
        "is not locked, or an unlock was asked for already.",
        "Say what has to be corrected.",
    ),
}


def _answer(
    by: Actor, at: datetime, act: LockStep.Act, subject_id: int, site_id: int, place: str, reason: str
) -> LockStep:
    rule = RULES[act]
    with writing(by=by, duty=rule.duty, site_id=site_id, at=at, reason=reason.strip()):
        found = _place(subject_id, site_id, place, at)
        if not rule.applies(found):
            raise Refused(f"{_named(found)} {rule.otherwise}")
        if not reason.strip():
            raise Refused(rule.say_why)
        return _step(by, at, found, act, reason.strip())


def _place(subject_id: int, site_id: int, name: str, at: datetime) -> Place:
    subject = lock_open_subject(subject_id, site_id)
    return _there(next((one for one in places_of([subject], at)[subject.pk] if one.name == name), None))
