"""What is known about subjects and what waits for them, kept in the memory of the process until something changes.

Lists and the number in the menu would pay for the facts of all subjects on every page. So the facts of a subject are
kept together with how its audit trail ended when they were read, and with all else that they rest on: its site, the day
there, and who could decide a waiver. Nothing about a subject changes without an entry in its trail, so one query tells
whose facts have to be read anew: what is shown follows a save at once, in every process, and nobody has to remember to
drop anything. Only a reporting clock runs by the hour; where one does, the tasks are found anew each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, Concat

from enrollment.selectors import who_decides
from reporting.next_step import tasks
from reporting.selectors.facts import SubjectFacts, facts_of
from reporting.steps.step import Step
from trialsite.models import AuditEvent, AuditLink, SignatureEvent, Subject


class Known(NamedTuple):
    """A subject's facts and tasks; `end`: what they rest on, equal for as long as they hold."""

    end: tuple[object, ...]
    facts: SubjectFacts
    tasks: tuple[Step, ...]


_kept: dict[int, Known] = {}


def known(subjects: QuerySet[Subject], now: datetime) -> list[Known]:
    """Facts and tasks of these subjects, in their order. One query, and those of `facts_of` where something changed."""
    ends = dict(_ends(subjects, now))
    stale = [pk for pk, end in ends.items() if pk not in _kept or _kept[pk].end != end]
    fresh = Subject.objects.filter(pk__in=stale).select_related("site")
    for pk, facts in facts_of(fresh, now).items() if stale else ():
        _kept[pk] = Known(ends[pk], facts, tasks(facts))
    return [_at(_kept[pk], now) for pk in ends]


def _at(one: Known, now: datetime) -> Known:
    """The same a moment later: a clock that runs tells how long it still has."""
    if not any(report.running() for report in one.facts.reports):
        return one
    facts = replace(one.facts, now=now)
    return Known(one.end, facts, tasks(facts))


def _ends(subjects: QuerySet[Subject], now: datetime) -> Iterator[tuple[int, tuple[object, ...]]]:
    """Subject and all that its facts rest on: the last hash and the last event of its trail, and what no trail tells.

    The hash is of what is committed; the event is seen by the transaction that wrote it too.
    """
    chain = Concat(Value("subject:"), Cast(OuterRef("pk"), TextField()))
    parts: dict[str, Any] = {
        "link": Subquery(AuditLink.objects.filter(chain=chain).order_by("-seq").values("hash")[:1]),
        "event": Subquery(AuditEvent.objects.filter(subject_id=OuterRef("pk")).order_by("-id").values("id")[:1]),
        "ended": Subquery(
            SignatureEvent.objects.filter(signature__subject=OuterRef("pk")).order_by("-id").values("id")[:1]
        ),
        "deciders": ArraySubquery(who_decides(now.date()).order_by("user").values("user")),
    }
    rows = subjects.annotate(**parts).values_list("pk", "site__code", "site__time_zone", *parts)
    for pk, site, zone, *told, deciders in rows:
        yield pk, (site, zone, now.astimezone(ZoneInfo(zone)).date(), *told, tuple(deciders))
