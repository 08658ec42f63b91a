"""The laboratory grid of a visit: /subjects/<key>/visits/<code>/labs/."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from labs.calculated import Person
from labs.forms import ReasonForm
from labs.models import ReferenceRange
from labs.selectors import (
    course_for,
    due_panels,
    every_laboratory,
    is_visit_code,
    laboratories_of,
    reference_ranges,
    stored_panels,
    visit_label,
)
from labs.selectors.background import background_for
from labs.selectors.bedside import last_weight
from labs.selectors.visits import planned_visits
from labs.services import FieldsRefused, RowsRefused, SavedMeanwhile, judge, record_panel
from labs.services.consent import may_lie_before
from labs.services.panels import PanelsRecorded, corrections
from labs.views.correcting import LOOK_FIRST, NOT_YET, Correction, correction
from labs.views.handed import Handed, put_collection, put_entry, read_page, with_choices
from labs.views.page import Page
from labs.views.preview import preview
from labs.views.rows import Sheet, first_empty, grid
from labs.views.subjects import readable_subject, token_of, uuid_of
from labs.views.together import conflict_of
from protocol.checks import check_window
from protocol.vocabulary import Analyte, PanelCode
from trialsite import clock
from trialsite.days import tell_window
from trialsite.drafting import drafting, is_saved
from trialsite.http import SignedInRequest
from trialsite.models import Query
from trialsite.selectors import protocol_of, visits, was_submitted
from trialsite.services.subjects import Refused
from trialsite.submissions import renewed

UNPROCESSABLE, CONFLICT = 422, 409


@require_http_methods(["GET", "POST"])
def visit_labs(request: SignedInRequest, key: str, code: str) -> HttpResponse:
    """Show the grid; on POST check what was typed ("check") or save it."""
    page = _open(request, key, code)
    if request.method != "POST":
        return _show(page)
    _read(page, with_choices(request.POST, page.stored))
    page.token = token_of(request)
    if page.handed is None or not page.handed.is_readable():
        page.status = UNPROCESSABLE
        return _show(page)
    if request.POST.get("action") == "check":
        _check(page, page.handed)
        return _show(page)
    return _save(page, page.handed)


def _open(request: SignedInRequest, key: str, code: str) -> Page:
    subject = readable_subject(request, key)
    visit = visits(subject).get(code)
    if not is_visit_code(code) or (code.startswith("uns") and visit is None):
        raise Http404
    stored = stored_panels(visit)
    known = {analyte for one in stored.values() for analyte in one.results}
    asked = {one.panel for one in due_panels(code, subject)}
    shows_all = request.GET.get("panels") == "all"
    extra = PanelCode if shows_all else {PanelCode(panel) for panel in stored} - asked
    unsaved = drafting(request, subject, "panels=all" if shows_all else "")
    draft = unsaved.typed if unsaved else {}
    return Page(
        request=request,
        subject=subject,
        code=code,
        visit=visit,
        due=due_panels(code, subject, extra, known),
        stored=stored,
        planned=next((one for one in planned_visits(subject) if one.code == code), None),
        today=clock.today(subject.site.time_zone),
        unsaved=unsaved,
        reason=ReasonForm(initial=draft),
        token=uuid_of(draft.get("token", "")),
    )


def _read(page: Page, posted: Mapping[str, str]) -> None:
    """The page as it was posted, with every entry judged where its date can be read."""
    page.handed = read_page(posted, page.due, laboratories_of(page.subject.site_id), page.today)
    page.reason = ReasonForm(posted)
    page.reason.is_valid()
    if page.handed.is_readable():
        panels = page.handed.panels(page.due)
        page.readings = judge(subject=page.subject, visit_code=page.code, panels=panels)


def _check(page: Page, handed: Handed) -> None:
    """Say what a save would lead to; what it would refuse stands beside its field already."""
    page.notice = "Checked. Nothing is saved yet."
    with suppress(Refused):
        page.correction = _correction(page, handed)


def _save(page: Page, handed: Handed) -> HttpResponse:
    """One call of the service; whatever it refuses is shown beside its field, with all that was typed."""
    try:
        page.correction = _correction(page, handed)
        if page.correction.needs_an_answer(page.request, page.reason.words()):
            _ask(page)
            return _show(page)
        done = _record(page, handed, page.reason.words(), page.token)
    except Refused as refusal:
        _explain(page, refusal)
        return _show(page)
    is_saved(page.request, page.subject, "panels=all" if page.request.GET.get("panels") == "all" else "")
    if not done.repeated:
        messages.success(page.request, _said(done))
    return redirect(page.request.get_full_path(), permanent=False)


def _record(page: Page, handed: Handed, reason: str, token: UUID | None) -> PanelsRecorded:
    return record_panel(
        by=page.request.actor,
        at=clock.now(),
        subject_id=page.subject.pk,
        site_id=page.subject.site_id,
        visit_code=page.code,
        panels=handed.panels(page.due),
        token=token,
        reason=reason,
        ordinary_care=handed.head.cleaned_data["ordinary_care"],
    )


def _correction(page: Page, handed: Handed) -> Correction:
    """What of the recorded would change, and what would follow. A form that was saved already corrects nothing."""
    if not page.stored or was_submitted(page.token):
        return Correction()
    changes = corrections(subject=page.subject, visit_code=page.code, panels=handed.panels(page.due), at=clock.now())
    return correction(page.subject, changes, lambda: _record(page, handed, page.reason.words() or NOT_YET, None))


def _ask(page: Page) -> None:
    """Nothing is saved until the effects were on the screen and somebody has said why."""
    page.status = UNPROCESSABLE
    if not page.reason.words():
        page.reason.add_error("change_reason", "Say why the recorded values change.")
    else:
        page.problems = [("why", LOOK_FIRST)]


def _said(done: PanelsRecorded) -> str:
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
    elif isinstance(refusal, SavedMeanwhile):
        page.status, page.conflict = CONFLICT, refusal
        _read(page, _with_theirs(with_choices(page.request.POST, page.stored), refusal))
    else:
        page.problems = [("", str(refusal))]


def _with_theirs(posted: QueryDict, refusal: SavedMeanwhile) -> QueryDict:
    """What was posted, with the other person's entries in the boxes that only that person changed."""
    merged = posted.copy()
    for name, entry in refusal.taken.items():
        put_entry(merged, name, entry)
    for panel, drawn in refusal.collections.items():
        put_collection(merged, panel, drawn)
    return merged


def _show(page: Page) -> HttpResponse:
    sheet = _sheet(page)
    empty = first_empty(sheet)
    return render(page.request, "labs/visit_labs.html", _context(page, sheet, empty), status=page.status)


def _sheet(page: Page) -> Sheet:
    background = background_for(course_for(page.subject), page.code, page.on)
    return Sheet(
        panels=page.due,
        typed=page.typed,
        results=page.results,
        background=background,
        limits=_limits(page),
        sex=page.subject.sex,
        person=Person(
            age=page.on.year - page.subject.birth_year,
            sex=page.subject.sex,
            weight_kg=last_weight(page.subject, page.on),
            baseline_ratio=background.baseline.get(Analyte.FLC_RATIO),
        ),
        drawn=page.drawn,
        laboratories={str(one.pk): one.name for one in every_laboratory(page.subject.site_id)},
        history_url=reverse("subject_labs", args=[page.subject.key]),
        read_only=not page.may_enter,
        readings=page.readings,
        questions=_questions(page),
    )


def _limits(page: Page) -> dict[Analyte, ReferenceRange]:
    """For each result the limits of the laboratory that measured it, as chosen in the form or as stored."""
    first = laboratories_of(page.subject.site_id)[:1]
    usual = page.initial.get("laboratory") or (first[0].pk if first else None)
    drawn = page.drawn
    places = {(one.laboratory_id, one.on) for one in drawn.values()} | {(usual, page.on)}
    known = {place: reference_ranges(place[0], page.subject, place[1]) for place in places}
    found = dict(known[usual, page.on])
    for analyte, one in drawn.items():
        found.pop(analyte, None)
        if analyte in known[one.laboratory_id, one.on]:
            found[analyte] = known[one.laboratory_id, one.on][analyte]
    return found


def _questions(page: Page) -> dict[Analyte, Query]:
    """Open automatic queries of the stored results, by analyte."""
    by_id = {result.pk: analyte for analyte, result in page.results.items()}
    standing = Query.objects.filter(record_type="lab_result", record_id__in=by_id, state=Query.State.OPEN)
    return {by_id[query.record_id]: query for query in standing.exclude(check_code="")}


def _context(page: Page, sheet: Sheet, empty: Analyte | None) -> dict[str, Any]:
    asked = [analyte for panel in page.due for analyte in panel.awaited]
    entered = sum(1 for one in asked if one in sheet.typed and sheet.typed[one].typed.strip())
    head, planned = page.head, page.planned
    window = (planned.opens_on, planned.closes_on) if planned else None
    tell_window(head["collected_on"], page.subject.day1_on, window)
    return {
        "subject": page.subject,
        "code": page.code,
        "protocol_version": protocol_of(page.subject).version,
        "label": visit_label(page.code),
        "visit": page.visit,
        "planned": planned,
        "window": _window(page),
        "asks_about_consent": may_lie_before(page.subject, page.code),
        "head": head,
        "apart": page.apart,
        "groups": grid(sheet),
        "previous_label": sheet.background.previous_label,
        "first_empty": f"v_{empty}" if empty else "",
        "entered": entered,
        "asked": len(asked),
        "may_enter": page.may_enter,
        "has_results": bool(page.results),
        "drafting": page.unsaved,
        "why": page.reason,
        "correction": page.correction,
        "problems": page.problems,
        "has_errors": page.status == UNPROCESSABLE,
        "conflict": conflict_of(page.conflict, "panel", "result"),
        "notice": page.notice,
        "token": renewed(page.token),
        "seen": [(one.panel.value, page.version(one)) for one in page.due],
        "preview": preview(page.subject, page.code, page.today, page.readings, page.handed_in),
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
    return f"This is {days} day{'' if days == 1 else 's'} {side} the window ({span})."
