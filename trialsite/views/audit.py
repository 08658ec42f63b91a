"""The audit trail as people read it: of a record, of one field, of a subject, of a site. Reading only."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from trialsite import clock
from trialsite.access import Duty, can, can_anywhere, check_may
from trialsite.audit_selectors import (
    RecordPlace,
    entries,
    events_of_record,
    events_of_subject,
    kinds_of_subject,
    of_field,
    place_of,
    recent_events,
    without_shadows,
)
from trialsite.audit_words import Entry, label, named
from trialsite.http import SignedInRequest
from trialsite.models import Subject
from trialsite.selectors import sites_in_reach, subject_by_key

_PAGES = "trialsite/audit"
PER_PAGE = 50
HEADS = (
    "event", "at_utc", "at_site", "person", "role", "record", "field", "old", "new", "reason", "source", "request",
    "software",
)  # fmt: skip


@require_GET
def audit(request: SignedInRequest) -> HttpResponse:
    """/audit/?record=lab_result:17&field=typed; without a record, everything in reach."""
    if "record" in request.GET:
        return _record(request, place_of(request.GET["record"]), request.GET.get("field", ""))
    by, now = request.actor, clock.now()
    if not can_anywhere(by, Duty.VIEW_AUDIT, now):
        raise PermissionDenied(f"Your role does not include this: {Duty.VIEW_AUDIT.value.lower()}.")
    sites = sites_in_reach(by, now)
    wanted = next((one for one in sites if one.code == request.GET.get("site")), None)
    events = recent_events(by, now, wanted.pk if wanted else None)
    page = Paginator(events, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "entries": entries(list(page)),
        "sites": sites,
        "wanted": wanted,
        "sees_subjects": can_anywhere(by, Duty.VIEW_SUBJECT, now),
    }
    return render(request, f"{_PAGES}/recent.html", context)


def _record(request: SignedInRequest, place: RecordPlace, field: str) -> HttpResponse:
    site_id = place.subject.site_id if place.subject else place.row.get("site_id")
    check_may(request.actor, Duty.VIEW_AUDIT, site_id, clock.now())
    if not place.kind.is_administration:
        check_may(request.actor, Duty.VIEW_SUBJECT, site_id, clock.now())
    found = entries(list(without_shadows(events_of_record(place))))
    found = of_field(found, field) if field else found
    if request.GET.get("format") == "csv":
        return _csv(found, _zone(place.subject), f"audit-{place.name}-{place.row_id}")
    what = named(place.kind, place.row)
    context = {
        "place": place,
        "what": what[:1].upper() + what[1:],
        "field_words": label(place.kind.table, field) if field else "",
        "entries": list(reversed(found)),
        "field": field,
        "zone": _zone(place.subject),
        "may_ask": place.subject is not None and can(request.actor, Duty.RAISE_QUERY, site_id, clock.now()),
    }
    return render(request, f"{_PAGES}/record.html", context)


@require_GET
def subject_audit(request: SignedInRequest, key: str) -> HttpResponse:
    subject = subject_by_key(key)
    check_may(request.actor, Duty.VIEW_AUDIT, subject.site_id, clock.now())
    kind, everything = request.GET.get("kind", ""), request.GET.get("all") == "1"
    events = events_of_subject(subject, kind=kind, everything=everything)
    if request.GET.get("format") == "csv":
        return _csv(entries(list(events)), subject.site.time_zone, f"audit-{subject.number}")
    page = Paginator(events, PER_PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "subject": subject,
        "page_obj": page,
        "entries": entries(list(page)),
        "kinds": kinds_of_subject(subject),
        "kind": kind,
        "everything": everything,
        "zone": subject.site.time_zone,
    }
    return render(request, f"{_PAGES}/subject.html", context)


def _zone(subject: Subject | None) -> str:
    return subject.site.time_zone if subject else "UTC"


def _csv(found: Iterable[Entry], zone: str, name: str) -> HttpResponse:
    """One row per changed field. Times in UTC and where the site is."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    writer = csv.writer(response)
    writer.writerow(HEADS)
    for one in found:
        at = (one.at.isoformat(), one.at.astimezone(ZoneInfo(zone)).isoformat())
        for change in one.changes or (None,):
            field = (change.field, change.old, change.new) if change else ("", "", "")
            writer.writerow(
                _harmless(cell)
                for cell in (one.event_id, *at, one.person, one.by, one.record, *field, one.reason, one.source,
                             one.request_id, one.software)
            )  # fmt: skip
    return response


def _harmless(cell: object) -> str:
    """A cell that a spreadsheet would run as a formula gets an apostrophe; negative numbers stay numbers."""
    text = str(cell)
    starts = text[:1] in {"=", "+", "@", "\t", "\r"} or (text[:1] == "-" and not text[1:2].isdigit())
    return f"'{text}" if starts else text
