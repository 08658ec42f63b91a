"""Reads of the audit trail. Row level security has already hidden other sites."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404

from trialsite.access import Actor, Duty, can
from trialsite.audit_words import Entry, Row, entry
from trialsite.models import AuditEvent, Subject
from trialsite.records import ADMINISTRATION, BOOKKEEPING, BY_TABLE, KINDS, Kind
from trialsite.selectors import sites_in_reach


@dataclass(frozen=True)
class RecordPlace:
    """One row that somebody points at: its kind, its number, the row as first written, and its subject."""

    name: str
    kind: Kind
    row_id: int
    row: Row
    subject: Subject | None


def place_of(reference: str) -> RecordPlace:
    """What "lab_result:17" points at; 404 if there is no such row in reach."""
    name, _, number = reference.partition(":")
    kind = KINDS.get(name)
    if kind is None or not number.isdecimal():
        raise Http404("There is no such record.")
    first = AuditEvent.objects.filter(table=kind.table, row_id=number, op="INSERT").first()
    if first is None:
        raise Http404("There is no such record.")
    subject = Subject.objects.select_related("site").filter(pk=first.subject_id).first() if first.subject_id else None
    return RecordPlace(name, kind, int(number), first.new or {}, subject)


def last_event(name: str, row_id: int) -> AuditEvent:
    """The last event of one row of a kind, for example of "visit" 17, which somebody wrote."""
    return AuditEvent.objects.filter(table=KINDS[name].table, row_id=str(row_id)).order_by("-id")[0]


def _identity(kind: Kind, row: Row) -> dict[str, Any]:
    return {column: row.get(column) for column in kind.identity}


def events_of_record(place: RecordPlace) -> QuerySet[AuditEvent]:
    """Every event of every version of the record, oldest first."""
    rows = [str(place.row_id)]
    if place.kind.identity:
        same = AuditEvent.objects.filter(
            table=place.kind.table,
            op="INSERT",
            subject_id=place.subject.pk if place.subject else None,
            new__contains=_identity(place.kind, place.row),
        )
        rows = list(same.values_list("row_id", flat=True))
    return AuditEvent.objects.filter(table=place.kind.table, row_id__in=rows).order_by("id")


def without_shadows(events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
    """Leave out "set aside" where the same transaction wrote the version that replaced it."""
    newer = AuditEvent.objects.filter(
        table=OuterRef("table"), transaction_id=OuterRef("transaction_id"), op="INSERT", new__version__gt=1
    )
    return events.exclude(Q(op="UPDATE", old__has_key="superseded_at") & Exists(newer))


def _without_bookkeeping(events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
    return events.exclude(Q(table__in=BOOKKEEPING) & ~Q(table="trialsite_outboxmessage", op="UPDATE"))


def events_of_subject(subject: Subject, *, kind: str = "", everything: bool = False) -> QuerySet[AuditEvent]:
    """Every event about a subject, newest first; messages and mail only if `everything` is asked for."""
    events = AuditEvent.objects.filter(subject_id=subject.pk).order_by("-id")
    if kind in KINDS:
        return without_shadows(events.filter(table=KINDS[kind].table))
    return events if everything else without_shadows(_without_bookkeeping(events))


def recent_events(by: Actor, at: datetime, site_id: int | None = None) -> QuerySet[AuditEvent]:
    """Every event that the person may read, newest first, of one site if asked."""
    events = _without_bookkeeping(AuditEvent.objects.filter(_readable(by, at)).order_by("-id"))
    return without_shadows(events if site_id is None else events.filter(site_id=site_id))


def _readable(by: Actor, at: datetime) -> Q:
    """Everything of the sites whose subjects the person sees; elsewhere only what is administered.

    Row level security knows sites and no roles: an administrator reaches every site and sees no subject.
    """
    reach = sites_in_reach(by, at)
    sees = [site.pk for site in reach if can(by, Duty.VIEW_SUBJECT, site.pk, at)]
    if len(sees) == len(reach):
        return Q()
    tried_again = Q(table="trialsite_outboxmessage", op="UPDATE")
    return Q(table__in=ADMINISTRATION) | tried_again | Q(site_id__in=sees)


def kinds_of_subject(subject: Subject) -> list[tuple[str, str]]:
    """(name, words) of the kinds of records that have events, by words."""
    tables = AuditEvent.objects.filter(subject_id=subject.pk).order_by().values_list("table", flat=True).distinct()
    names = [BY_TABLE[table] for table in tables if table in BY_TABLE and table not in BOOKKEEPING]
    return sorted(((name, KINDS[name].words) for name in names), key=lambda pair: pair[1])


def entries(events: Sequence[AuditEvent]) -> list[Entry]:
    """The events in words; two more queries, for the versions replaced and for rows changed later."""
    before, rows = _replaced(events), _first_written(events)
    return [entry(event, before.get(event.id), rows.get((event.table, event.row_id), {})) for event in events]


def _replaced(events: Iterable[AuditEvent]) -> dict[int, Row]:
    """For each event that wrote a later version: the version before it."""
    wanted = {
        event.id: (event.table, {**_identity(kind, event.new), "version": event.new["version"] - 1})
        for event in events
        if (kind := _versioned(event)) is not None and event.new is not None and event.new.get("version", 1) > 1
    }
    if not wanted:
        return {}
    conditions = [Q(table=table, op="INSERT", new__contains=identity) for table, identity in wanted.values()]
    found = list(AuditEvent.objects.filter(reduce(or_, conditions)))
    return {
        event_id: match.new or {}
        for event_id, (table, identity) in wanted.items()
        for match in found
        if match.table == table and identity.items() <= (match.new or {}).items()
    }


def _versioned(event: AuditEvent) -> Kind | None:
    kind = KINDS.get(BY_TABLE.get(event.table, ""))
    return kind if kind is not None and kind.identity and event.op == "INSERT" else None


def _first_written(events: Iterable[AuditEvent]) -> dict[tuple[str, str], Row]:
    """Rows as first written, by table and row number."""
    own = {(event.table, event.row_id): event.new or {} for event in events if event.op == "INSERT"}
    missing = [event for event in events if (event.table, event.row_id) not in own]
    if not missing:
        return own
    condition = reduce(or_, [Q(table=event.table, row_id=event.row_id) for event in missing])
    for event in AuditEvent.objects.filter(condition, op="INSERT"):
        own[event.table, event.row_id] = event.new or {}
    return own


def of_field(found: Iterable[Entry], field: str) -> list[Entry]:
    """Only the entries in which that field was written or changed."""
    return [one for one in found if any(change.field == field for change in one.changes)]
