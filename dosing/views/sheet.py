"""What a subject takes home: one month to print and tick, and a file for the own calendar. No disease, no response."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from icalendar import Calendar as ICalendar
from icalendar import Event

from dosing.selectors.agenda import Agenda, Entry, agenda
from dosing.selectors.calendar import Calendar, CalendarDay
from dosing.views.door import subject_for
from dosing.views.month import WEEKDAYS, drug_line
from trialsite import clock
from trialsite.access import Duty, check_may
from trialsite.http import SignedInRequest
from trialsite.models import Subject
from trialsite.services.access import Access, note_access

DAY = timedelta(days=1)


@dataclass(frozen=True)
class SheetDose:
    """What to take, or what not: a drug on hold is said and has nothing to tick."""

    words: str
    is_withheld: bool


@dataclass(frozen=True)
class SheetDay:
    """One box of the sheet: the day, what to take, whether there is a visit."""

    outside: bool
    number: int
    doses: tuple[SheetDose, ...]
    visit: str


def _taken_away(request: SignedInRequest, subject: Subject, what: str) -> None:
    """Only who treats the subject hands these out, and it is noted."""
    now = clock.now()
    check_may(request.actor, Duty.RECORD_DOSE, subject.site_id, now)
    access = Access(what, site=subject.site, subject=subject)
    note_access(by=request.actor, at=now, duty=Duty.RECORD_DOSE, access=access, request_id=request.request_id)


@require_GET
def sheet(request: SignedInRequest, key: str) -> HttpResponse:
    """One month on one page, with a box to tick beside each dose."""
    subject = subject_for(request, key, to_write=Duty.RECORD_DOSE)
    _taken_away(request, subject, "Dosing sheet")
    today = clock.today(subject.site.time_zone)
    first = _month(request.GET.get("month", ""), today)
    weeks = Calendar(subject, today).weeks(first.year, first.month)
    context = {
        "subject": subject,
        "month_words": f"{first:%B} {first.year}",
        "before": f"{first - DAY:%Y-%m}",
        "after": f"{first + timedelta(days=31):%Y-%m}",
        "weekdays": WEEKDAYS,
        "weeks": [[_day(one, first) for one in week] for week in weeks],
    }
    return render(request, "dosing/sheet.html", context)


def _month(typed: str, today: date) -> date:
    try:
        return date.fromisoformat(f"{typed}-01")
    except ValueError:
        return today.replace(day=1)


def _day(one: CalendarDay, first: date) -> SheetDay:
    outside = one.on.month != first.month
    doses = () if outside else tuple(SheetDose(drug_line(dose), dose.is_withheld) for dose in one.doses)
    return SheetDay(outside, one.on.day, doses, "" if outside or not one.visit else "Clinic")


@require_GET
def calendar_file(request: SignedInRequest, key: str) -> HttpResponse:
    """Dexamethasone days and visits as an iCalendar file; taken in again it moves and cancels, and never doubles."""
    subject = subject_for(request, key, to_write=Duty.RECORD_DOSE)
    _taken_away(request, subject, "Calendar file")
    body = as_ics(agenda(subject), subject.site.phone)
    answer = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="calendar.ics"'
    return answer


def as_ics(of: Agenda, phone: str) -> bytes:
    """RFC 5545. Words name neither disease nor study, and no person."""
    made = ICalendar()
    made.add("prodid", "-//Dosing calendar//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    for entry in of.entries:
        made.add_component(_event(entry, of, phone))
    return bytes(made.to_ical())


def _event(entry: Entry, of: Agenda, phone: str) -> Event:
    event = Event()
    event.add("uid", f"{entry.identity}@{settings.MAIL_DOMAIN}")
    event.add("dtstamp", of.changed_at)
    event.add("sequence", of.revision)
    event.add("dtstart", entry.on)
    event.add("dtend", entry.on + DAY)
    event.add("summary", entry.words)
    event.add("description", f"As on your sheet. Questions: {phone}" if phone else "As on your sheet.")
    event.add("status", "CANCELLED" if entry.is_cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    return event
