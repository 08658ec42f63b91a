"""The laboratory grid of a visit: /subjects/<key>/visits/<code>/labs/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, cast
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from labs.entries import Entry, Reading
from labs.forms import ReasonForm
from labs.models import LabResult
from labs.selectors import (
    DuePanel,
    StoredPanel,
    course_for,
    due_panels,
    is_visit_code,
    laboratories_of,
    reference_ranges,
    stored_panels,
    usual_laboratory,
    visit_label,
)
from labs.selectors.background import background_for
from labs.selectors.visits import planned_visits
from labs.services import FieldsRefused, ReasonMissing, RowsRefused, SavedMeanwhile, judge, record_panel
from labs.services.panels import PanelsRecorded
from labs.views.handed import Handed, apart_form, head_form, read_page
from labs.views.preview import preview
from labs.views.rows import Sheet, entries_of, first_empty, grid
from labs.views.subjects import may_enter, readable_subject, token_of
from protocol.checks import check_window
from protocol.visits import PlannedVisit
from protocol.vocabulary import Analyte, PanelCode
from trialsite import clock
from trialsite.http import SignedInRequest
from trialsite.models import Query, Subject, Visit
from trialsite.selectors import visits
from trialsite.services.subjects import Refused

UNPROCESSABLE, CONFLICT = 422, 409


@dataclass
class Page:
    """One visit's grid: what is due, what is stored, and what went wrong with what was posted."""

    request: SignedInRequest
    subject: Subject
    code: str
    visit: Visit | None
    due: tuple[DuePanel, ...]
    stored: Mapping[str, StoredPanel]
    planned: PlannedVisit | None
    today: date
    may_enter: bool
    handed: Handed | None = None
    reason: ReasonForm = field(default_factory=ReasonForm)
    readings: Mapping[Analyte, Reading] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    conflict: SavedMeanwhile | None = None
    reason_for: tuple[str, ...] = ()
    notice: str = ""
    token: UUID = field(default_factory=uuid4)
    status: int = 200

    @property
    def results(self) -> dict[Analyte, LabResult]:
        return {analyte: result for one in self.stored.values() for analyte, result in one.results.items()}

    @property
    def on(self) -> date:
        """The day the samples were drawn, as posted, as stored, or as planned."""
        if self.handed is not None and self.handed.head.is_valid():
            return cast("date", self.handed.head.cleaned_data["collected_on"])
        return self.initial["collected_on"] or self.today

    @cached_property
    def initial(self) -> dict[str, Any]:
        """The head as it was first entered; before that the visit's own date, where there is one."""
        specimens = sorted((one.specimen for one in self.stored.values()), key=lambda one: one.pk)
        if specimens:
            first = specimens[0]
            return {
                "collected_on": first.collected_on,
                "collected_time": first.collected_time,
                "laboratory": first.laboratory_id or "",
                "accession": first.accession,
            }
        return {
            "collected_on": self.visit.occurred_on if self.visit else None,
            "laboratory": usual_laboratory(self.subject) or "",
        }


@require_http_methods(["GET", "POST"])
def visit_labs(request: SignedInRequest, key: str, code: str) -> HttpResponse:
    """Show the grid; on POST check what was typed ("check") or save it."""
    page = _open(request, key, code)
    if request.method != "POST":
        return _show(page)
    page.handed = read_page(request.POST, page.due, page.stored, laboratories_of(page.subject.site_id), page.today)
    page.reason = ReasonForm(request.POST)
    page.reason.is_valid()
    page.token = token_of(request)
    if not page.handed.is_readable():
        page.status = UNPROCESSABLE
        return _show(page)
    panels = page.handed.panels(page.due)
    page.readings = judge(subject=page.subject, visit_code=code, panels=panels)
    if request.POST.get("action") == "check":
        page.notice = "Checked. Nothing is saved yet."
        return _show(page)
    return _save(page)


def _open(request: SignedInRequest, key: str, code: str) -> Page:
    subject = readable_subject(request, key)
    visit = visits(subject).get(code)
    if not is_visit_code(code) or (code.startswith("uns") and visit is None):
        raise Http404
    stored = stored_panels(visit)
    known = {analyte for one in stored.values() for analyte in one.results}
    asked = {one.panel for one in due_panels(code, subject)}
    extra = PanelCode if request.GET.get("panels") == "all" else {PanelCode(panel) for panel in stored} - asked
    due = due_panels(code, subject, extra, known)
    return Page(
        request=request,
        subject=subject,
        code=code,
        visit=visit,
        due=due,
        stored=stored,
        planned=next((one for one in planned_visits(subject) if one.code == code), None),
        today=clock.today(subject.site.time_zone),
        may_enter=may_enter(request, subject),
    )


def _save(page: Page) -> HttpResponse:
    """One call of the service; whatever it refuses is shown beside its field, with all that was typed."""
    if page.handed is None:
        return _show(page)
    try:
        done = record_panel(
            by=page.request.actor,
            at=clock.now(),
            subject_id=page.subject.pk,
            site_id=page.subject.site_id,
            visit_code=page.code,
            panels=page.handed.panels(page.due),
            token=page.token,
            reason=page.reason.words(),
        )
    except Refused as refusal:
        _explain(page, refusal)
        return _show(page)
    messages.success(page.request, _said(done))
    return redirect(page.request.get_full_path(), permanent=False)


def _said(done: PanelsRecorded) -> str:
    if done.repeated:
        return "This form was saved already. Nothing was stored twice."
    if not done.changes:
        return "Saved. Nothing had changed."
    corrected = sum(1 for one in done.changes if one.before is not None)
    new = len(done.changes) - corrected
    parts = [words for count, words in ((new, f"{new} recorded"), (corrected, f"{corrected} corrected")) if count]
    return f"Results saved: {', '.join(parts)}."


def _explain(page: Page, refusal: Refused) -> None:
    """Turn a refusal into the sentences of the page."""
    page.status = UNPROCESSABLE
    if isinstance(refusal, RowsRefused):
        page.problems = [(f"v_{analyte}", words) for analyte, words in refusal.problems.items()]
    elif isinstance(refusal, FieldsRefused) and page.handed is not None:
        for name, words in refusal.problems.items():
            page.handed.head.add_error(name, words)
    elif isinstance(refusal, ReasonMissing):
        page.reason_for = refusal.changes
        page.reason.add_error("change_reason", str(refusal))
    elif isinstance(refusal, SavedMeanwhile):
        page.status, page.conflict = CONFLICT, refusal
    else:
        page.problems = [("", str(refusal))]


def _show(page: Page) -> HttpResponse:
    sheet = _sheet(page)
    empty = first_empty(sheet)
    return render(page.request, "labs/visit_labs.html", _context(page, sheet, empty), status=page.status)


def _sheet(page: Page) -> Sheet:
    typed: Mapping[Analyte, Entry] = page.handed.entries if page.handed else entries_of(page.results)
    background = background_for(course_for(page.subject), page.code, page.on)
    first = laboratories_of(page.subject.site_id)[:1]
    laboratory = page.initial.get("laboratory") or (first[0].pk if first else None)
    return Sheet(
        panels=page.due,
        typed=typed,
        results=page.results,
        background=background,
        limits=reference_ranges(laboratory, page.subject, page.on),
        sex=page.subject.sex,
        history_url=reverse("subject_labs", args=[page.subject.key]),
        read_only=not page.may_enter,
        readings=page.readings,
        questions=_questions(page),
    )


def _questions(page: Page) -> dict[Analyte, Query]:
    """Open automatic queries of the stored results, by analyte."""
    by_id = {result.pk: analyte for analyte, result in page.results.items()}
    standing = Query.objects.filter(record_type="lab_result", record_id__in=by_id, state=Query.State.OPEN)
    return {by_id[query.record_id]: query for query in standing.exclude(check_code="")}


def _context(page: Page, sheet: Sheet, empty: Analyte | None) -> dict[str, Any]:
    asked = [analyte for panel in page.due for analyte in panel.analytes]
    entered = sum(1 for one in asked if one in sheet.typed and sheet.typed[one].typed.strip())
    dates = page.handed.dates(page.due) if page.handed and page.handed.is_readable() else {}
    return {
        "subject": page.subject,
        "code": page.code,
        "label": visit_label(page.code),
        "visit": page.visit,
        "planned": page.planned,
        "window": _window(page),
        "head": page.handed.head if page.handed else _head(page),
        "apart": [page.handed.apart[one.panel] for one in page.due] if page.handed else _apart(page),
        "groups": grid(sheet),
        "previous_label": sheet.background.previous_label,
        "first_empty": f"v_{empty}" if empty else "",
        "entered": entered,
        "asked": len(asked),
        "may_enter": page.may_enter,
        "has_results": bool(page.results),
        "reason": page.reason,
        "reason_for": page.reason_for,
        "problems": page.problems,
        "has_errors": page.status == UNPROCESSABLE,
        "conflict": _conflict(page),
        "notice": page.notice,
        "token": page.token,
        "seen": [(one.panel.value, _version(page, one)) for one in page.due],
        "preview": preview(page.subject, page.code, page.today, page.readings, dates),
    }


def _head(page: Page) -> Any:
    return head_form(None, laboratories_of(page.subject.site_id), page.today, page.initial)


def _apart(page: Page) -> list[Any]:
    """Panels that were drawn on another day than the first show it."""
    return [apart_form(None, one, page.today, _apart_initial(page, one)) for one in page.due]


def _apart_initial(page: Page, due: DuePanel) -> dict[str, object]:
    known = page.stored.get(due.panel)
    if known is None:
        return {}
    head, specimen = page.initial, known.specimen
    return {
        "on": specimen.collected_on if specimen.collected_on != head["collected_on"] else None,
        "accession": specimen.accession if specimen.accession != head["accession"] else "",
        "method": specimen.method,
    }


def _window(page: Page) -> str:
    """The visit window, or how far outside it the samples were drawn."""
    if page.planned is None:
        return ""
    opens, closes = page.planned.opens_on, page.planned.closes_on
    span = f"{opens:%-d %b %Y} to {closes:%-d %b %Y}"
    collected = page.handed is not None or bool(page.stored)
    outside = check_window(page.on, opens, closes) if collected else ()
    if not outside:
        return f"Visit window {span}."
    days, side = ((opens - page.on).days, "before") if page.on < opens else ((page.on - closes).days, "after")
    return f"This is {days} day{'' if days == 1 else 's'} {side} the window ({span}). It is listed as a deviation."


def _conflict(page: Page) -> dict[str, object] | None:
    if page.conflict is None:
        return None
    rows = [
        {"label": one.label, "theirs": one.theirs, "yours": one.yours, "name": f"keep-{one.field}"}
        for one in page.conflict.conflicts
    ]
    return {"by": page.conflict.by, "at": page.conflict.at, "rows": rows}


def _version(page: Page, due: DuePanel) -> str:
    """Under a conflict the newer version, so that the next save rests on what has now been shown."""
    known = page.stored.get(due.panel)
    if page.handed is not None and page.conflict is None:
        seen = page.handed.seen[due.panel]
        return f"{seen.specimen_id}:{seen.version}"
    return f"{known.specimen.pk}:{known.specimen.version}" if known else "0:0"
