"""Builders for tests of follow-up, safety, queries and the audit trail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from followup.models import Departure, EndOfTreatment, FollowUpContact
from followup.services import (
    Contact,
    Ending,
    Leaving,
    end_treatment,
    record_contact,
    record_departure,
)
from followup.vocabulary import EndReason
from tests.world import START, World, new_world
from tests.world_labs import morning, treated_subject
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role, Subject

Outcome = FollowUpContact.Outcome


@contextmanager
def world_in_sight(at: datetime = START) -> Iterator[World]:
    """A new world whose rows the test itself may read, at every site. Requests and services see their own sites."""
    world = new_world(at)
    with reading(system_actor("verification"), world.at):
        yield world


def who(world: World, subject: Subject, role: Role = Role.COORDINATOR) -> dict[str, Any]:
    """Arguments that every service of this room takes, as the site's person of that role."""
    by = world.person(role, subject.site.code)
    return {"by": by, "at": world.at, "subject_id": subject.pk, "site_id": subject.site_id}


def end(
    world: World,
    subject: Subject,
    last_dose_on: date,
    reason: EndReason = EndReason.COMPLETED,
    *,
    detail: str = "",
    token: UUID | None = None,
) -> EndOfTreatment:
    """The site's investigator signs the end of treatment, on the day of the last dose unless it is later."""
    world.at = max(world.at, morning(last_dose_on))
    given = who(world, subject, Role.INVESTIGATOR)
    ending = Ending(last_dose_on, reason, detail)
    return end_treatment(**given, proof=world.proof(given["by"]), token=token or uuid4(), ending=ending)


def followed_subject(world: World, *, last_dose_on: date, site: str = "01") -> Subject:
    """A subject in follow-up since the day after `last_dose_on`; the site has its coordinator."""
    subject = treated_subject(world, day1=last_dose_on - timedelta(days=200), site=site)
    end(world, subject, last_dose_on)
    with reading(system_actor("verification"), world.at):
        return Subject.objects.select_related("site").get(pk=subject.pk)


def leave(world: World, subject: Subject, leaving: Leaving, *, token: UUID | None = None) -> Departure:
    world.at = max(world.at, morning(leaving.on))
    return record_departure(**who(world, subject), token=token or uuid4(), leaving=leaving)


def reached(code: str, on: date, **more: Any) -> Contact:
    """A contact that reached the subject, alive and without progression unless stated otherwise."""
    return Contact(code, on, Outcome.REACHED, **{"alive": True, "progressed": False, **more})


def contact(world: World, subject: Subject, one: Contact, *, token: UUID | None = None) -> FollowUpContact:
    world.at = max(world.at, morning(one.contacted_on))
    return record_contact(**who(world, subject), token=token or uuid4(), contact=one)
