"""The end of a record: a finished subject is verified, what is clean is locked, the site asks for one part back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from protocol.vocabulary import TERMINAL_PHASES
from reporting.demonstration.chronicle import moment
from reporting.demonstration.stage import Stage
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.lock_selectors import Place, Standing, places_of
from trialsite.models import Role, Subject
from trialsite.sdv_selectors import items_of
from trialsite.services.locks import Wanted, ask_for_unlock, freeze, lock_places
from trialsite.services.source_verification import verify_items

VERIFIED, LOCKED, ASKED = timedelta(days=16), timedelta(days=12), timedelta(days=3)
#: What is frozen of another subject.
FROZEN = "m01"
#: What is asked back: a visit, rather than the doses of a month.
ASKED_BACK = ("fu", "eot", "m")


def locks(stage: Stage, code: str) -> Iterator[date]:
    """The shortest finished record of a site is compared with its chart and locked, as far as nothing is missing."""
    yield stage.anchor - VERIFIED
    subject = _finished(stage, code, stage.anchor - VERIFIED)
    if subject is None:
        return
    _verify(stage, subject, stage.anchor - VERIFIED)
    yield stage.anchor - LOCKED
    made = _lock(stage, subject, stage.anchor - LOCKED)
    _freeze(stage, code, stage.anchor - LOCKED)
    yield stage.anchor - ASKED
    if made:
        ask_for_unlock(
            **_who(stage, stage.who(Role.COORDINATOR, code), subject, stage.anchor - ASKED),
            place=next((one for one in made if one.startswith(ASKED_BACK)), made[-1]),
            reason="The chart shows another date",
        )


def _who(stage: Stage, by: Any, subject: Subject, day: date) -> dict[str, Any]:
    return {"by": by, "at": moment(day), "subject_id": subject.pk, "site_id": subject.site_id}


def _finished(stage: Stage, code: str, day: date) -> Subject | None:
    """The finished subject whose record has the fewest parts."""
    with reading(system_actor("verification"), moment(day)):
        over = Subject.objects.filter(site_id=stage.sites[code].pk, state__in=TERMINAL_PHASES)
        over = over.exclude(subject_number=None).exclude(day1_on=None).select_related("site")
        places = places_of(over, moment(day))
        return min(over, key=lambda one: (len(places[one.pk]), one.pk), default=None)


def _places(subject: Subject, day: date) -> tuple[Place, ...]:
    with reading(system_actor("verification"), moment(day)):
        return places_of([subject], moment(day))[subject.pk]


def _verify(stage: Stage, subject: Subject, day: date) -> None:
    with reading(system_actor("verification"), moment(day)):
        tokens = [one.token for one in items_of(subject) if one.is_critical and not one.is_verified]
    monitor = stage.who(Role.MONITOR, "00")
    verify_items(**_who(stage, monitor, subject, day), tokens=tokens)


def _lock(stage: Stage, subject: Subject, day: date) -> list[str]:
    """Names of what was locked."""
    ready = [one for one in _places(subject, day) if one.is_ready]
    wanted = [Wanted(subject.pk, subject.site_id, one.name, one.newest) for one in ready]
    if wanted:
        lock_places(by=stage.who(Role.DATA_MANAGER, "00"), at=moment(day), wanted=wanted)
    return [one.name for one in ready]


def _freeze(stage: Stage, code: str, day: date) -> None:
    """The first month of one subject is frozen while it is cleaned."""
    with reading(system_actor("verification"), moment(day)):
        at_site = Subject.objects.filter(site_id=stage.sites[code].pk).exclude(state__in=TERMINAL_PHASES)
        subject = at_site.exclude(day1_on=None).select_related("site").order_by("subject_number").last()
        places = places_of([subject], moment(day))[subject.pk] if subject else ()
    if subject is not None and any(one.name == FROZEN and one.state is Standing.OPEN for one in places):
        manager = stage.who(Role.DATA_MANAGER, "00")
        freeze(**_who(stage, manager, subject, day), place=FROZEN, reason="Cleaning before the interim report")
