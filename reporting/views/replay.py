"""A subject as of any day, by both readings side by side: what was true, and what was known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dosing.views.trace import Trace, UsedRow, source_urls, trace_of, used_rows, visit_words
from dosing.vocabulary import PHASE_WORDS, PROPOSAL_WORDS, response_words
from reporting.selectors.replay import Reading, as_known_on, as_true_on
from reporting.views.door import subject_for
from trialsite import clock
from trialsite.access import Duty
from trialsite.days import DayField, in_words, tell_today
from trialsite.http import SignedInRequest
from trialsite.models import Subject
from trialsite.services.access import Access, note_access


class DayForm(forms.Form):
    """The day that is asked for."""

    on = DayField(label="As of", help_text="12 Mar 2026, 12mar, or t for today.")


@dataclass(frozen=True)
class Side:
    """One reading in words."""

    title: str
    words: str
    state: str
    visit: str
    timepoint: str
    confirmed: str
    proposal: str
    reason: str
    trace: Trace | None
    used: list[UsedRow]


@require_GET
def page(request: SignedInRequest, key: str) -> HttpResponse:
    subject, now = subject_for(request.actor, key), clock.now()
    access = Access("Replay", site=subject.site, subject=subject)
    note_access(by=request.actor, at=now, duty=Duty.VIEW_SUBJECT, access=access, request_id=request.request_id)
    today = clock.today(subject.site.time_zone)
    form = DayForm(request.GET if "on" in request.GET else None, initial={"on": in_words(today)})
    tell_today(form, today)
    day = form.cleaned_data["on"] if form.is_bound and form.is_valid() else None
    if day is not None and day > today:
        form.add_error("on", "This day is in the future.")
    failed = form.is_bound and bool(form.errors)
    context = {
        "subject": subject,
        "form": form,
        "day": day,
        "has_errors": failed,
        **(_sides(subject, day) if day is not None and not failed else {}),
    }
    return render(request, "reporting/replay.html", context, status=422 if failed else 200)


def _sides(subject: Subject, day: date) -> dict[str, object]:
    known, true = as_known_on(subject, day), as_true_on(subject, day)
    sides = [
        _side(subject, known, "As known then", "Entries and corrections made by the end of this day."),
        _side(subject, true, "As true then", "Samples dated up to this day, with every value as it stands now."),
    ]
    return {"sides": sides, "differences": list(_differences(*sides))}


def _side(subject: Subject, reading: Reading, title: str, words: str) -> Side:
    state = PHASE_WORDS[reading.state] if reading.state else "Not in the trial yet"
    if reading.result is None:
        return Side(title, words, state, "", "None", "None", "None", "", None, [])
    content, latest = reading.result.content, reading.latest
    urls = source_urls(subject, latest)
    point, kind = latest["point"], reading.result.kind
    return Side(
        title=title,
        words=words,
        state=state,
        visit=visit_words(point["label"].split(" / ")[0]) if point else "",
        timepoint=response_words(point["timepoint"]) if point else "None",
        confirmed=response_words(content["status"]),
        proposal=PROPOSAL_WORDS[kind] if kind else "Nothing to decide",
        reason=f"{content['rule']}: {content['words']}",
        trace=trace_of(latest, urls) if point else None,
        used=used_rows(latest["used"], urls),
    )


#: What is compared, in words.
COMPARED = {
    "state": "the treatment phase",
    "timepoint": "the latest response",
    "confirmed": "the confirmed response",
    "proposal": "the proposal",
    "used": "results",
}


def _differences(one: Side, other: Side) -> list[str]:
    return [words for name, words in COMPARED.items() if getattr(one, name) != getattr(other, name)]
