"""Reports with a deadline: the page of one, a new pregnancy, and what the sponsor tells the authority."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from labs.views.visits import put
from protocol.safety_clocks import Clock, ClockName, time_words
from safety import services
from safety.models import SafetyReport
from safety.report_forms import (
    InErrorForm,
    NewsForm,
    PregnancyForm,
    ReportForm,
    SentForm,
    TakeBackForm,
    answers_of,
    to_the_minute,
    told,
)
from safety.services import Told
from safety.services.escalation import page_of
from safety.views.door import subject_for, who
from safety.vocabulary import CLOCK_WORDS, WhoIsPregnant
from trialsite import clock
from trialsite.access import Duty, can, can_anywhere, check_may
from trialsite.days import tell_today
from trialsite.drafting import drafting, is_saved, typed_in_draft
from trialsite.http import SignedInRequest
from trialsite.lock_pages import may_change
from trialsite.services.subjects import Refused

UNPROCESSABLE = 422
#: What of the address belongs to the draft of new information, which stands beside the report.
NEWS = "form=news"


@dataclass(frozen=True)
class ClockLine:
    """A clock as the pages show it. `state`: late, due or done."""

    name: str
    words: str
    who: str
    clock: Clock
    state: str
    left: str
    late_because: str


def clock_lines(report: SafetyReport, now: datetime) -> list[ClockLine]:
    lines = []
    for one in report.clocks():
        words, acts = CLOCK_WORDS[one.name]
        late_because = getattr(report, f"{one.name.value.lower()}_late_because")
        lines.append(ClockLine(one.name.value, words, acts, one, _state(one, now), _left(one, now), late_because))
    return lines


def _state(one: Clock, now: datetime) -> str:
    if not one.is_open:
        return "done"
    return "late" if one.is_overdue(now) else "due"


def _left(one: Clock, now: datetime) -> str:
    if one.is_open:
        return time_words(one.due_at - now)
    return "received late" if one.was_late else "received in time"


@require_http_methods(["GET", "POST"])
def report(request: SignedInRequest, key: str, number: int) -> HttpResponse:
    """One report: its clocks, what happened, and what was sent. POST `action`: save, sent, take_back or news."""
    subject = subject_for(request, key)
    found = get_object_or_404(
        SafetyReport.objects.select_related("event", "follows__event"), subject=subject, number=number
    )
    found.subject = subject
    action = request.POST.get("action", "")
    zone = subject.site.time_zone
    unsaved, news_draft = drafting(request, subject), drafting(request, subject, NEWS)
    known = {**answers_of(found, zone), **typed_in_draft(unsaved)}
    context = _context(request, found) | {
        "form": ReportForm(request.POST if action == "save" else None, report=found, initial=known),
        "drafting": unsaved,
        "news_draft": news_draft,
        "error_form": InErrorForm(request.POST if action == "in_error" else None),
        "sent_form": SentForm(request.POST if action == "sent" else None),
        "back_form": TakeBackForm(request.POST if action == "take_back" else None),
        "news_form": NewsForm(
            request.POST if action == "news" else None, auto_id="news_%s", initial=typed_in_draft(news_draft)
        ),
        "news": found.news.order_by("number"),
        "may_enter": may_change(request, Duty.ENTER_DATA, subject),
        "authority": page_of(found, ClockName.AUTHORITY)
        if can(request.actor, Duty.REPORT_TO_AUTHORITY, subject.site_id, clock.now())
        else "",
    }
    for name in ("form", "sent_form", "news_form"):
        tell_today(context[name], clock.today(zone))
    save = SAVES.get(action)
    said = _tried(context[save[0]], lambda: save[1](request, found, context[save[0]])) if save else ""
    if said:
        messages.success(request, said)
        return redirect("subject_safety_report", subject.key, found.number)
    is_refused = request.method == "POST"
    context["has_errors"] = is_refused
    return render(request, "safety/report.html", context, status=UNPROCESSABLE if is_refused else 200)


def _context(request: SignedInRequest, found: SafetyReport) -> dict[str, Any]:
    return {
        "subject": found.subject,
        "report": found,
        "event": found.about,
        "told": told(found),
        "clocks": clock_lines(found, clock.now()),
        "escalations": found.escalations.all(),
    }


def _tried(form: forms.Form, save: Any) -> str:
    """What was done in words; empty if the form or the service refused, with the sentence in the form."""
    if not form.is_valid():
        return ""
    try:
        return str(save())
    except Refused as refusal:
        put(form, refusal)
        return ""


def _save(request: SignedInRequest, found: SafetyReport, form: ReportForm) -> str:
    data = form.cleaned_data
    services.correct_report(
        **who(request, found.subject), number=found.number, version=data["version"],
        aware_at=to_the_minute(form.moment(found.subject.site.time_zone), found.aware_at),
        details=form.answers(), reason=data["reason"],
    )  # fmt: skip
    is_saved(request, found.subject)
    return "The report was saved."


def _sent(request: SignedInRequest, found: SafetyReport, form: SentForm) -> str:
    told = _told(ClockName.SPONSOR, found, form)
    services.record_report_sent(**who(request, found.subject), number=found.number, told=told)
    return "The clock is stopped: the sponsor has the report."


def _told(name: ClockName, found: SafetyReport, form: SentForm) -> Told:
    at = form.moment(found.subject.site.time_zone)
    starts = [one.starts_at for one in found.clocks() if one.name is name]
    return Told(name, to_the_minute(at, starts[0]) if starts else at, form.cleaned_data["late_because"])


def _take_back(request: SignedInRequest, found: SafetyReport, form: TakeBackForm) -> str:
    services.take_back_report_sent(
        **who(request, found.subject), number=found.number, clock=ClockName.SPONSOR, **form.cleaned_data
    )
    return "The clock runs again."


def _in_error(request: SignedInRequest, found: SafetyReport, form: InErrorForm) -> str:
    services.mark_report_in_error(**who(request, found.subject), number=found.number, reason=form.cleaned_data["why"])
    return "The report is marked as entered in error. It stays listed."


def _news(request: SignedInRequest, found: SafetyReport, form: NewsForm) -> str:
    data = form.cleaned_data
    services.report_news(
        **who(request, found.subject), token=data["token"], number=found.number,
        received_at=form.moment(found.subject.site.time_zone), narrative=data["narrative"],
    )  # fmt: skip
    is_saved(request, found.subject, NEWS)
    return "The information was added. The data manager tells the authority within 15 days."


SAVES: dict[str, tuple[str, Any]] = {
    "save": ("form", _save),
    "sent": ("sent_form", _sent),
    "take_back": ("back_form", _take_back),
    "in_error": ("error_form", _in_error),
    "news": ("news_form", _news),
}


@require_http_methods(["GET", "POST"])
def pregnancy_new(request: SignedInRequest, key: str) -> HttpResponse:
    """A pregnancy of the subject or of a partner: reported to the sponsor within 24 hours."""
    subject = subject_for(request, key)
    check_may(request.actor, Duty.ENTER_DATA, subject.site_id, clock.now())
    if not may_change(request, Duty.ENTER_DATA, subject):
        return redirect("subject_adverse_events", subject.key)
    unsaved = drafting(request, subject)
    form = PregnancyForm(request.POST or None, initial=typed_in_draft(unsaved))
    tell_today(form, clock.today(subject.site.time_zone))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = services.report_pregnancy(
                **who(request, subject), token=data["token"], pregnant=WhoIsPregnant(data["pregnant"]),
                aware_at=form.moment(subject.site.time_zone), narrative=data["narrative"],
            )  # fmt: skip
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            is_saved(request, subject)
            messages.success(request, "The pregnancy was added. Tell the sponsor within 24 hours.")
            return redirect("subject_safety_report", subject.key, made.number)
    is_refused = request.method == "POST"
    context = {"subject": subject, "form": form, "drafting": unsaved, "has_errors": is_refused}
    return render(request, "safety/pregnancy.html", context, status=UNPROCESSABLE if is_refused else 200)


@require_http_methods(["GET", "POST"])
def authority_report(request: SignedInRequest, pk: int) -> HttpResponse:
    """For the data managers: a serious event as the authority is told of it. POST `action`: sent or take_back."""
    if not can_anywhere(request.actor, Duty.REPORT_TO_AUTHORITY, clock.now()):
        raise PermissionDenied(f"Your role does not include this: {Duty.REPORT_TO_AUTHORITY.value.lower()}.")
    found = get_object_or_404(SafetyReport.objects.select_related("event", "follows__event", "subject__site"), pk=pk)
    check_may(request.actor, Duty.REPORT_TO_AUTHORITY, found.site_id, clock.now())
    action = request.POST.get("action", "")
    sent, back = (
        SentForm(request.POST if action == "sent" else None),
        TakeBackForm(request.POST if action == "take_back" else None),
    )
    tell_today(sent, clock.today(found.subject.site.time_zone))
    given = {**who(request, found.subject), "number": found.number}
    said = ""
    if action == "sent":
        said = _tried(sent, lambda: _authority_told(given, found, sent))
    elif action == "take_back":
        said = _tried(back, lambda: _authority_not_told(given, back))
    if said:
        messages.success(request, said)
        return redirect("authority_report", found.pk)
    context = _context(request, found) | {"sent_form": sent, "back_form": back, "has_errors": request.method == "POST"}
    context["line"] = next((one for one in context["clocks"] if one.name == ClockName.AUTHORITY), None)
    return render(request, "safety/authority.html", context, status=UNPROCESSABLE if request.method == "POST" else 200)


def _authority_told(given: dict[str, Any], found: SafetyReport, form: SentForm) -> str:
    services.record_report_sent(**given, told=_told(ClockName.AUTHORITY, found, form))
    return "The clock is stopped: the authority has the report."


def _authority_not_told(given: dict[str, Any], form: TakeBackForm) -> str:
    services.take_back_report_sent(**given, clock=ClockName.AUTHORITY, **form.cleaned_data)
    return "The clock runs again."
