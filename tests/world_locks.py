"""Builders for tests of freezing and locking: what a place needs before it can be locked, and locking it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from followup.milestones import readings
from followup.services import Book, sign_casebooks
from tests.world import World
from tests.world_followup import who
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.lock_selectors import Place, places_of
from trialsite.models import LockStep, Role, Subject
from trialsite.sdv_selectors import items_of
from trialsite.services.locks import Wanted, lock_places
from trialsite.services.source_verification import verify_items


def place_of(world: World, subject: Subject, name: str) -> Place:
    """The place as it stands now."""
    with reading(system_actor("verification"), world.at):
        fresh = Subject.objects.select_related("site").get(pk=subject.pk)
        return next(one for one in places_of([fresh], world.at)[subject.pk] if one.name == name)


def verified(world: World, subject: Subject, place: str) -> None:
    """The monitor compares everything that stands there with its source."""
    with reading(system_actor("verification"), world.at):
        tokens = [one.token for one in items_of(subject) if one.place == place and not one.is_verified]
    if tokens:
        verify_items(**who(world, subject, Role.MONITOR), tokens=tokens)


def casebook_signed(world: World, subject: Subject) -> None:
    with reading(system_actor("verification"), world.at):
        (found,) = readings([Subject.objects.select_related("site").get(pk=subject.pk)])
    given = who(world, subject, Role.INVESTIGATOR)
    sign_casebooks(
        by=given["by"], at=world.at, proof=world.proof(given["by"]), token=uuid4(),
        books=[Book(subject.pk, subject.site_id, found.shown)],
    )  # fmt: skip


def wanted(*places: Place) -> list[Wanted]:
    return [Wanted(one.subject.pk, one.subject.site_id, one.name, one.newest) for one in places]


def lock(world: World, subject: Subject, *names: str, by: Any = None) -> list[LockStep]:
    """The data manager locks what the list shows now."""
    shown = wanted(*(place_of(world, subject, name) for name in names))
    return lock_places(by=by or world.person(Role.DATA_MANAGER), at=world.at, wanted=shown)


def locked(world: World, subject: Subject, *names: str) -> list[LockStep]:
    """Everything that is needed, then the lock."""
    for name in names:
        verified(world, subject, name)
    casebook_signed(world, subject)
    return lock(world, subject, *names)


def at_place(world: World, subject: Subject, name: str, role: Role = Role.DATA_MANAGER) -> dict[str, Any]:
    """Arguments of the services that change one place."""
    return {**who(world, subject, role), "place": name}
