"""Follow-up of one subject: the ten contacts, their reminders, and the form for one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from followup import selectors, services
from followup.forms import UNCHANGED, ContactForm, ReasonForm
from followup.models import FollowUpContact
from followup.selectors import FollowUpLine, FollowUpSchedule
from followup.views.shared import dated, done, subject_for, who
from followup.vocabulary import METHODS, PUBLIC_RECORDS, step_name
from labs.views.effects import Tried, save_once_shown
from protocol.vocabulary import DueState, Phase
from trialsite import clock
from trialsite.access import Duty
from trialsite.drafting import Drafting, drafting, is_saved
from trialsite.http import SignedInRequest
from trialsite.lock_pages import may_change
from trialsite.models import Subject
from trialsite.services.subjects import Refused, record_visit_not_done

#: The bar spans this many days on either side of the due date.
BAR_DAYS = 45
STATE_WORDS: dict[DueState, str] = {
    DueState.PLANNED: "Planned",
    DueState.DUE: "Due now",
    DueState.OVERDUE: "Overdue",
    DueState.DONE: "Done",
    DueState.NOT_DONE: "Not done",
    DueState.NOT_EXPECTED: "Not expected",
}
PAGE = "subject_follow_up"


@dataclass(frozen=True)
class Bar:
    """The window drawn over BAR_DAYS on either side of the due date; positions in the drawing's units."""

    opens: int
    width: int
    steps: tuple[int, ...]
    today: int | None
    done: int | None
    words: str


@dataclass(frozen=True)
class Row:
    """A contact as the page shows it."""

    line: FollowUpLine
    words: str
    bar: Bar
    reminders: tuple[str, ...]
    attempts: tuple[str, ...]


@require_http_methods(["GET", "POST"])
def follow_up(request: SignedInRequest, key: str) -> HttpResponse:
    """POST `action` says what is done: contact, not_done or in_error."""
    subject = subject_for(request, key, to_write=Duty.ENTER_DATA)
    if request.method == "GET":
        return _show(request, subject)
    action = ACTIONS.get(request.POST.get("action", ""))
    if action is None:
        raise Http404
    return action(request, subject)


def _record(request: SignedInRequest, subject: Subject) -> HttpResponse:
    return _save(request, subject, _posted(request.POST, subject))


def _unchanged(request: SignedInRequest, subject: Subject) -> HttpResponse:
    """One press gives the answers that most contacts bring. Other answers on the page are never overruled."""
    if any(request.POST.get(name, "") not in ("", usual) for name, usual in UNCHANGED.items()):
        form = _posted(request.POST, subject)
        form.add_error(None, "The answers on the page say otherwise. Look at them, then press Record contact.")
    else:
        form = _posted({**request.POST.dict(), **UNCHANGED}, subject)
    return _save(request, subject, form)


def _posted(answers: Mapping[str, Any], subject: Subject) -> ContactForm:
    form = ContactForm(answers, only_records=_only_records(subject))
    dated(form, subject)
    form.full_clean()
    return form


def _save(request: SignedInRequest, subject: Subject, form: ContactForm) -> HttpResponse:
    tried = _try_contact(request, subject, form) if form.is_valid() else Tried()
    if tried.done:
        is_saved(request, subject, f"visit={form.cleaned_data['visit_code']}")
        return _after(request, subject, tried.made)
    return _show(request, subject, contact_form=form, foreseen=tried)


def _try_contact(request: SignedInRequest, subject: Subject, form: ContactForm) -> Tried:
    """A contact may tell of a new therapy or complete follow-up: what follows from it is shown first."""
    act = partial(
        services.record_contact, **who(request, subject), token=form.cleaned_data["token"], contact=form.contact()
    )
    return save_once_shown(request, subject, form, act)


def _after(request: SignedInRequest, subject: Subject, stored: FollowUpContact) -> HttpResponse:
    if stored.alive is False:
        messages.success(request, "The contact was recorded. Record the death now.")
        return HttpResponseRedirect(reverse("subject_departure", args=[subject.key]) + "?kind=DEAD", status=303)
    reached = stored.outcome == FollowUpContact.Outcome.REACHED
    words = "The contact was recorded." if reached else "The attempt was recorded. The contact stays open."
    return done(request, words, PAGE, subject)


def _not_done(request: SignedInRequest, subject: Subject) -> HttpResponse:
    form = ReasonForm(request.POST, auto_id="not_done_%s")
    line = selectors.follow_up_schedule(subject, clock.today(subject.site.time_zone)).line(request.POST.get("code", ""))
    if line is None:
        raise Http404
    if form.is_valid():
        try:
            record_visit_not_done(**who(request, subject), code=line.code, reason=form.cleaned_data["reason"])
            return done(request, f"{line.planned.label} was stated not done.", PAGE, subject)
        except Refused as error:
            form.add_error(None, str(error))
    return _show(request, subject, not_done_form=form, code=line.code)


def _in_error(request: SignedInRequest, subject: Subject) -> HttpResponse:
    form = ReasonForm(request.POST, auto_id="error_%s")
    number = request.POST.get("contact", "")
    if not number.isdecimal():
        raise Http404
    tried = Tried()
    if form.is_valid():
        act = partial(
            services.mark_contact_in_error, **who(request, subject), contact_id=int(number), **form.cleaned_data
        )
        tried = save_once_shown(request, subject, form, act)
    if tried.done:
        return done(request, "The contact was marked as entered in error.", PAGE, subject)
    return _show(request, subject, error_form=form, error_foreseen=tried)


ACTIONS = {"contact": _record, "unchanged": _unchanged, "not_done": _not_done, "in_error": _in_error}


def _show(request: SignedInRequest, subject: Subject, *, code: str = "", **bound: Any) -> HttpResponse:
    today = clock.today(subject.site.time_zone)
    schedule = selectors.follow_up_schedule(subject, today)
    may_leave = bool(services.kinds_to_record(subject)) and may_change(request, Duty.ENTER_DATA, subject, "course")
    typed = bound["contact_form"].data.get("visit_code", "") if "contact_form" in bound else code
    only_records = _only_records(subject)
    chosen = _chosen(schedule, typed or request.GET.get("visit", ""), today if only_records else None)
    unsaved = drafting(request, subject, f"visit={chosen.code}" if chosen else "")
    is_open = chosen is not None and may_change(request, Duty.ENTER_DATA, subject, chosen.code)
    can_record = only_records or subject.state in {Phase.FOLLOW_UP, Phase.COMPLETED}
    context: dict[str, Any] = {
        "subject": subject,
        "rows": [_row(line, today) for line in schedule.overdue_first],
        "schedule": schedule,
        "chosen": chosen,
        "chosen_words": STATE_WORDS[chosen.state] if chosen else "",
        "may_leave": may_leave,
        "has_left": not may_leave and selectors.standing_departure(subject) is not None,
        "may_correct": is_open,
        "may_record": bool(is_open and can_record and chosen and chosen.contact is None and not _is_not_done(chosen)),
        "methods": METHODS,
        "contact_form": _contact_form(subject, chosen, unsaved),
        "only_records": only_records,
        "drafting": unsaved,
        "not_done_form": ReasonForm(auto_id="not_done_%s"),
        "error_form": ReasonForm(auto_id="error_%s"),
        "has_errors": bool(bound),
        **bound,
    }
    return render(request, "followup/follow_up.html", context, status=422 if bound else 200)


def _is_not_done(line: FollowUpLine) -> bool:
    return line.state is DueState.NOT_DONE


def _only_records(subject: Subject) -> bool:
    """True for a subject who left and of whom public records may still be read."""
    if subject.state in {Phase.FOLLOW_UP, Phase.COMPLETED} or subject.died_on is not None:
        return False
    return selectors.passive_follow_up(selectors.standing_departure(subject))


def _chosen(schedule: FollowUpSchedule, code: str, records_until: date | None) -> FollowUpLine | None:
    """The contact that was asked for, else what is to be done first, else the next that is planned.

    records_until: for a subject who is not contacted any more, the newest visit whose window has opened by that day.
    """
    if records_until is not None and not code:
        opened = [one for one in schedule.lines if one.contact is None and one.planned.opens_on <= records_until]
        return opened[-1] if opened else None
    planned = next((line for line in schedule.lines if line.state is DueState.PLANNED), None)
    return schedule.line(code) or schedule.next_open or planned


def _contact_form(subject: Subject, chosen: FollowUpLine | None, unsaved: Drafting | None = None) -> ContactForm | None:
    if chosen is None:
        return None
    typed = unsaved.typed if unsaved else {}
    only_records = _only_records(subject)
    method = PUBLIC_RECORDS if only_records else "phone"
    form = ContactForm(initial={"method": method, **typed, "visit_code": chosen.code}, only_records=only_records)
    dated(form, subject)
    return form


def _row(line: FollowUpLine, today: date) -> Row:
    return Row(
        line=line,
        words=STATE_WORDS[line.state],
        bar=_bar(line, today),
        reminders=tuple(_reminder_words(line, step) for step in line.steps),
        attempts=tuple(METHODS.get(one.method, one.method) for one in line.attempts),
    )


def _reminder_words(line: FollowUpLine, step: selectors.StepLine) -> str:
    waits = "planned" if line.needs_reminding else "not needed"
    what = waits if step.reminder is None else step.reminder.get_status_display().lower()
    return f"{step_name(step.days).capitalize()}: {what}"


def _bar(line: FollowUpLine, today: date) -> Bar:
    planned = line.planned
    words = STATE_WORDS[line.state]
    return Bar(
        opens=_place(line, planned.opens_on) or 0,
        width=(planned.closes_on - planned.opens_on).days + 1,
        steps=tuple(place for step in line.steps if (place := _place(line, step.on)) is not None),
        today=_place(line, today),
        done=_place(line, line.done_on) if line.done_on else None,
        words=f"{words}, window from {planned.opens_on:%-d %b %Y} to {planned.closes_on:%-d %b %Y}",
    )


def _place(line: FollowUpLine, day: date) -> int | None:
    """Where a day lies in the drawing, None if outside."""
    place = (day - line.planned.target_on).days + BAR_DAYS
    return place if 0 <= place <= 2 * BAR_DAYS else None
