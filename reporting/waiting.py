"""How many tasks wait for a person: the number beside "My work", on every page and without scripting.

Every page would pay for the work of all subjects, so what waits for a subject is kept in the memory of the process,
together with how the subject's audit trail ended when it was found. Nothing about a subject changes without an
entry there, so one query tells whose work has to be found anew: the number follows a save at once, in every process,
and nobody has to remember to drop it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import OuterRef, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, Concat

from reporting.next_step import tasks
from reporting.selectors.facts import facts_of
from reporting.selectors.subjects import subjects_in_reach
from reporting.steps.step import Step
from trialsite.access import Actor
from trialsite.models import AuditEvent, AuditLink, Role, SignatureEvent, Subject

#: What no trail of a subject tells, days that pass and staff that come and go, is looked at as often as this; at
#: midnight in every time zone.
LOOKED_AT_EVERY = timedelta(minutes=15)


class Kept(NamedTuple):
    """What waits for a subject; `end`: the turn, and how the trail ended when it was found."""

    end: tuple[object, ...]
    tasks: tuple[Step, ...]


_kept: dict[int, Kept] = {}


def tasks_waiting(by: Actor, at: datetime) -> int:
    """Tasks that /my-work/ shows this person, without those that wait for others."""
    by_site: dict[int, frozenset[Role]] = {}
    found = 0
    for site_id, steps in _tasks_in_reach(at):
        roles = by_site.setdefault(site_id, by.roles(site_id, at.date()))
        found += sum(step.is_for(roles, by.user_id) for step in steps)
    return found


def _tasks_in_reach(at: datetime) -> Iterator[tuple[int, tuple[Step, ...]]]:
    """Site and tasks of every subject in reach; those whose trail has grown since they were kept are found anew."""
    turn = int(at.timestamp() // LOOKED_AT_EVERY.total_seconds())
    ends = {pk: (site_id, (turn, *trail)) for site_id, pk, *trail in _ends()}
    stale = [pk for pk, (_, end) in ends.items() if pk not in _kept or _kept[pk].end != end]
    for pk, facts in facts_of(subjects_in_reach().filter(pk__in=stale), at).items() if stale else ():
        _kept[pk] = Kept(ends[pk][1], tasks(facts))
    return ((site_id, _kept[pk].tasks) for pk, (site_id, _) in ends.items() if pk in _kept)


def _ends() -> QuerySet[Subject, tuple[int, int, str | None, int | None, int | None]]:
    """Site, subject, and its trail's last hash and last event, and the last event of its signatures.

    The hash is of what is committed; the event is seen by the transaction that wrote it too.
    """
    chain = Concat(Value("subject:"), Cast(OuterRef("pk"), TextField()))
    links = AuditLink.objects.filter(chain=chain).order_by("-seq").values("hash")[:1]
    events = AuditEvent.objects.filter(subject_id=OuterRef("pk")).order_by("-id").values("id")[:1]
    ended = SignatureEvent.objects.filter(signature__subject=OuterRef("pk")).order_by("-id").values("id")[:1]
    subjects = Subject.objects.filter(entered_in_error_at=None).order_by()
    return subjects.values_list("site_id", "pk", Subquery(links), Subquery(events), Subquery(ended))
