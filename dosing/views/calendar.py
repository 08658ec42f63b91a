"""The dosing calendar: look at a month, record a day, fill a range, take a record back, enter the first dose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from dosing import services
from dosing.forms import ON_INSTRUCTION, OTHER, REASONS, DayForm, FillForm, FirstDoseForm, UndoForm
from dosing.selectors.calendar import Calendar, CalendarDay
from dosing.selectors.suggestions import dose_suggestions
from dosing.services.treatment import first_dose_days
from dosing.views.door import subject_for
from dosing.views.month import drug_line, month_context
from dosing.views.suggestions import suggestion_lines
from labs.views.effects import save_at_once, save_once_shown
from protocol.vocabulary import Drug, Phase
from trialsite import clock
from trialsite.access import Duty
from trialsite.days import in_words, plain_day
from trialsite.drafting import Drafting, drafting, is_saved, typed_in_draft
from trialsite.http import SignedInRequest
from trialsite.lock_pages import doses_of, may_change
from trialsite.models import Subject
from trialsite.services.subjects import Refused
from trialsite.templatetags.edc import day as day_words

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Desk:
    """One visit to the calendar: who looks at which day of whose calendar."""

    request: SignedInRequest
    subject: Subject
    today: date
    calendar: Calendar
    chosen: CalendarDay

    @property
    def may_record(self) -> bool:
        return may_change(self.request, Duty.RECORD_DOSE, self.subject, doses_of(self.chosen.on))

    @property
    def who(self) -> dict[str, Any]:
        """Arguments that every service of this page takes."""
        return {
            "by": self.request.actor,
            "at": clock.now(),
            "subject_id": self.subject.pk,
            "site_id": self.subject.site_id,
        }

    def draft(self, form: str) -> Drafting | None:
        """The draft of one of the page's forms; of the day's form, that of the chosen day."""
        return drafting(self.request, self.subject, self.which(form))

    def which(self, form: str) -> str:
        """What of the address belongs to a draft."""
        return f"form=day&day={self.chosen.on.isoformat()}" if form == "day" else f"form={form}"

    def is_saved(self, form: str) -> None:
        is_saved(self.request, self.subject, self.which(form))


@require_http_methods(["GET", "POST"])
def dosing(request: SignedInRequest, key: str) -> HttpResponse:
    """One month of the dosing calendar with the form of one day."""
    desk = _desk(request, subject_for(request, key, to_write=Duty.RECORD_DOSE))
    if request.method != "POST":
        return _show(desk)
    action = ACTIONS.get(request.POST.get("action", ""))
    if action is None:
        raise Http404
    return action(desk)


def _desk(request: SignedInRequest, subject: Subject) -> Desk:
    today = clock.today(subject.site.time_zone)
    calendar = Calendar(subject, today)
    asked = plain_day(request.POST.get("day", "")) or plain_day(request.GET.get("day", ""))
    month = plain_day(f"{request.GET.get('month', '')}-01")
    return Desk(request, subject, today, calendar, calendar.day(asked or month or _first_shown(calendar)))


def _first_shown(calendar: Calendar) -> date:
    """Today, while treatment runs; the last planned day once it is over."""
    last = calendar.planned[-1].on if calendar.planned else calendar.today
    return min(calendar.today, last)


def _show(desk: Desk, status: int = 200, **forms_: Any) -> HttpResponse:
    context: dict[str, Any] = {
        "subject": desk.subject,
        "today": desk.today,
        "may_record": desk.may_record,
        "is_blocked": desk.calendar.is_blocked,
        "confirm_url": reverse("protocol_parameter", kwargs={"name": "high_dex_mg"}),
        "has_errors": status != 200,
        **(_before_day1(desk) if desk.subject.day1_on is None else _treated(desk)),
        **forms_,
    }
    if context.get("day_form"):
        context["day_lines"] = _lines(desk, context["day_form"])
    name = "dosing/first_dose.html" if desk.subject.day1_on is None else "dosing/calendar.html"
    return render(desk.request, name, context, status=status)


def _before_day1(desk: Desk) -> dict[str, Any]:
    registered_on = desk.subject.registered_on
    ready = desk.subject.state == Phase.ENROLLED.value and registered_on is not None
    allowed = first_dose_days(desk.subject)
    late = registered_on is not None and desk.today > registered_on + timedelta(days=allowed)
    form = FirstDoseForm(today=desk.today) if ready and desk.may_record else None
    return {"first_form": form, "ready": ready, "may_be_late": late, "allowed_days": allowed}


def _treated(desk: Desk) -> dict[str, Any]:
    context = month_context(desk.calendar, desk.chosen.on)
    context["suggested"] = suggestion_lines(desk.subject, dose_suggestions(desk.subject, desk.today))
    if not desk.may_record:
        return context
    return {**context, **_forms(desk)}


def _forms(desk: Desk) -> dict[str, Any]:
    chosen = desk.chosen
    first = desk.calendar.oldest_to_record()
    range_ = {
        "drug": Drug.ANAKINRA.value,
        "first_on": day_words(first) if first else "",
        "last_on": day_words(desk.today),
        "status": "taken",
    }
    single = {"drug": Drug.ANAKINRA.value, "first_on": day_words(chosen.on), "last_on": day_words(chosen.on)}
    fill, undo = desk.draft("fill"), desk.draft("undo")
    return {
        "day_form": _day_form(desk) if chosen.doses and chosen.on <= desk.today else None,
        "is_future": chosen.on > desk.today,
        "is_recorded": any(dose.record for dose in chosen.doses),
        "day_draft": desk.draft("day"),
        "fill_draft": fill,
        "undo_draft": undo,
        "fill_form": FillForm(initial={**range_, **typed_in_draft(fill)}, today=desk.today, auto_id="fill_%s"),
        "undo_form": UndoForm(initial={**single, **typed_in_draft(undo)}, today=desk.today, auto_id="undo_%s"),
    }


def _lines(desk: Desk, form: DayForm) -> list[dict[str, Any]]:
    """One block of the day form per drug."""
    return [
        {
            "words": drug_line(dose),
            "row": dose.record.pk if dose.record else None,
            "status": form[dose.planned.drug.value],
            "reason": form[f"{dose.planned.drug.value}_reason"],
            "detail": form[f"{dose.planned.drug.value}_detail"],
        }
        for dose in desk.chosen.doses
    ]


def _day_form(desk: Desk, data: Any = None) -> DayForm:
    initial: dict[str, Any] = {"day": desk.chosen.on.isoformat()}
    for dose in desk.chosen.doses:
        if dose.record is not None:
            initial[dose.planned.drug.value] = dose.record.status.lower()
            initial |= _reason_initial(dose.planned.drug, dose.record.status, dose.record.reason)
        elif dose.is_withheld:
            initial |= {dose.planned.drug.value: "held", f"{dose.planned.drug.value}_reason": ON_INSTRUCTION}
    initial |= typed_in_draft(desk.draft("day"))
    return DayForm(data, initial=initial, drugs=desk.calendar.drugs_on(desk.chosen.on))


def _reason_initial(drug: Drug, status: str, reason: str) -> dict[str, str]:
    if status == "TAKEN":
        return {}
    chosen, _, detail = reason.partition(": ")
    known = chosen in REASONS
    return {f"{drug.value}_reason": chosen if known else OTHER, f"{drug.value}_detail": detail if known else reason}


# ---------------------------------------------------------------- what a post does


def _refused(desk: Desk, name: str, form: forms.Form, refusal: Refused) -> HttpResponse:
    form.add_error(None, str(refusal))
    return _show(desk, 422, **{name: form})


def _record(desk: Desk) -> HttpResponse:
    form = _day_form(desk, desk.request.POST)
    if not form.is_valid():
        return _show(desk, 422, day_form=form)
    act = partial(
        services.record_day,
        **desk.who,
        on=desk.chosen.on,
        entries=[services.DoseEntry(*answer) for answer in form.answered()],
        change_reason=form.cleaned_data["change_reason"],
    )
    changes = any(dose.record for dose in desk.chosen.doses)
    tried = save_once_shown(desk.request, desk.subject, form, act) if changes else save_at_once(form, act)
    if not tried.done:
        return _show(desk, 422, day_form=form, day_foreseen=tried)
    desk.is_saved("day")
    messages.success(desk.request, f"{in_words(desk.chosen.on)} is recorded.")
    following = desk.chosen.on + DAY
    return _to_day(desk, min(following, desk.today))


def _fill(desk: Desk) -> HttpResponse:
    form = FillForm(desk.request.POST, today=desk.today, auto_id="fill_%s")
    if not form.is_valid():
        return _show(desk, 422, fill_form=form)
    asked = form.cleaned_data
    try:
        filled = services.record_doses(
            **desk.who,
            drug=Drug(asked["drug"]),
            first_on=asked["first_on"],
            last_on=asked["last_on"],
            status=form.dose_status,
            reason=form.reason_given,
        )
    except Refused as refusal:
        return _refused(desk, "fill_form", form, refusal)
    desk.is_saved("fill")
    messages.success(desk.request, _filled_words(filled, asked["status"]))
    return _to_day(desk, asked["last_on"])


def _filled_words(filled: services.Filled, status: str) -> str:
    said = f"{filled.recorded} day{'' if filled.recorded == 1 else 's'} recorded as {status}."
    if not filled.kept:
        return said
    return f"{said} {filled.kept} recorded before stay as they are."


def _undo(desk: Desk) -> HttpResponse:
    form = UndoForm(desk.request.POST, today=desk.today, auto_id="undo_%s")
    if not form.is_valid():
        return _show(desk, 422, undo_form=form)
    asked = form.cleaned_data
    act = partial(
        services.undo_doses,
        **desk.who,
        drug=Drug(asked["drug"]),
        first_on=asked["first_on"],
        last_on=asked["last_on"],
        reason=asked["why"],
    )
    tried = save_once_shown(desk.request, desk.subject, form, act)
    if not tried.done:
        return _show(desk, 422, undo_form=form, undo_foreseen=tried)
    count = tried.made
    desk.is_saved("undo")
    messages.success(desk.request, f"{count} day{'' if count == 1 else 's'} taken back; to record again.")
    return _to_day(desk, asked["first_on"])


def _start(desk: Desk) -> HttpResponse:
    form = FirstDoseForm(desk.request.POST, today=desk.today)
    if not form.is_valid():
        return _show(desk, 422, first_form=form)
    try:
        services.start_treatment(
            **desk.who, first_dose_on=form.cleaned_data["first_dose_on"], confirmed=form.cleaned_data["confirmed"]
        )
    except Refused as refusal:
        return _refused(desk, "first_form", form, refusal)
    messages.success(desk.request, "Treatment has begun. Day 1 is the day of the first dose.")
    return redirect("subject_dosing", key=desk.subject.key)


def _to_day(desk: Desk, on: date) -> HttpResponse:
    place = reverse("subject_dosing", kwargs={"key": desk.subject.key})
    return redirect(f"{place}?day={on.isoformat()}#calendar")


ACTIONS: dict[str, Callable[[Desk], HttpResponse]] = {
    "record": _record,
    "fill": _fill,
    "undo": _undo,
    "start": _start,
}
