"""The disease-assessment form of a visit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from labs.forms import DISEASE_PARTS, DiseaseForm, ErrorReasonForm, ReasonForm, answers_of
from labs.models import DiseaseAssessment
from labs.selectors import assessment_versions, current_assessment, is_visit_code, visit_label
from labs.services import (
    ReasonMissing,
    SavedMeanwhile,
    mark_disease_assessment_in_error,
    record_disease_assessment,
)
from labs.services.answers import in_words
from labs.services.disease import PARTS, corrections, label_of
from labs.views.correcting import LOOK_AT_WHAT_FOLLOWS, LOOK_FIRST, NOT_YET, Correction, correction, once_shown
from labs.views.subjects import readable_subject, token_of, uuid_of
from labs.views.together import conflict_of, with_choices, with_theirs
from labs.views.visits import put
from trialsite import clock
from trialsite.days import tell_today
from trialsite.drafting import Drafting, drafting, is_saved
from trialsite.foresight import Effect, mark_of
from trialsite.http import SignedInRequest
from trialsite.models import Subject, Visit
from trialsite.selectors import visits, was_submitted
from trialsite.services.subjects import Refused
from trialsite.submissions import renewed

UNPROCESSABLE, CONFLICT = 422, 409
#: Answer -> the boxes that it stands in.
BOXES = {name: (name,) for name in DiseaseForm.base_fields}


@require_http_methods(["GET", "POST"])
def visit_disease(request: SignedInRequest, key: str, code: str) -> HttpResponse:
    """Immunofixation, marrow, lesions, plasmacytoma and attribution of one visit."""
    subject = readable_subject(request, key)
    visit = visits(subject).get(code)
    if not is_visit_code(code) or (code.startswith("uns") and visit is None):
        raise Http404
    page = Page(request, subject, code, visit, current_assessment(visit), drafting(request, subject))
    action = request.POST.get("action", "save") if request.method == "POST" else ""
    if action == "in_error":
        return _mark_in_error(page)
    if action != "save":
        return _show(page, _form(page), ReasonForm(initial=page.draft))
    form, why = _form(page, with_choices(page.request.POST, page.stored, BOXES)), ReasonForm(request.POST)
    if not (form.is_valid() and why.is_valid()):
        return _show(page, form, why, status=UNPROCESSABLE)
    return _save(page, form, why)


@dataclass
class Page:
    """The form of one visit: the version that stands, and what the person had typed without saving."""

    request: SignedInRequest
    subject: Subject
    code: str
    visit: Visit | None
    current: DiseaseAssessment | None
    unsaved: Drafting | None
    conflict: SavedMeanwhile | None = None
    correction: Correction = field(default_factory=Correction)

    @property
    def draft(self) -> dict[str, Any]:
        return self.unsaved.typed if self.unsaved else {}

    @property
    def stored(self) -> dict[str, object]:
        return answers_of(self.current) if self.current else {}

    @property
    def seen(self) -> int:
        """The version under the form: the posted one, under a conflict the newer one, which is now shown."""
        now = self.current.version if self.current else 0
        posted = self.request.POST.get("seen", "") if self.conflict is None else ""
        return _number(posted or self.draft.get("seen", "") or str(now))


def _form(page: Page, posted: Mapping[str, str] | None = None) -> DiseaseForm:
    initial = {**page.stored, **page.draft}
    form = DiseaseForm(posted, initial=initial)
    tell_today(form, clock.today(page.subject.site.time_zone), page.visit.occurred_on if page.visit else None)
    return form


def _save(page: Page, form: DiseaseForm, why: ReasonForm) -> HttpResponse:
    try:
        page.correction = _correction(page, form, why)
        if page.correction.needs_an_answer(page.request, why.words()):
            _ask(form, why)
            return _show(page, form, why, status=UNPROCESSABLE)
        _record(page, form, why.words(), token_of(page.request))
    except SavedMeanwhile as refusal:
        page.conflict = refusal
        posted = with_theirs(page.request.POST, page.stored, BOXES, refusal)
        return _show(page, _form(page, posted), why, status=CONFLICT)
    except ReasonMissing as refusal:
        why.add_error("change_reason", f"{refusal} Changed: {', '.join(refusal.changes)}.")
        return _show(page, form, why, status=UNPROCESSABLE)
    except Refused as refusal:
        put(form, refusal)
        return _show(page, form, why, status=UNPROCESSABLE)
    is_saved(page.request, page.subject)
    return _done(page, "Disease assessment saved.")


def _record(page: Page, form: DiseaseForm, reason: str, token: UUID | None) -> object:
    return record_disease_assessment(
        by=page.request.actor, at=clock.now(), subject_id=page.subject.pk, site_id=page.subject.site_id,
        visit_code=page.code, assessed=form.assessed(), reason=reason, seen_version=page.seen, token=token,
    )  # fmt: skip


def _correction(page: Page, form: DiseaseForm, why: ReasonForm) -> Correction:
    """What of the recorded would change, and what would follow. A form that was saved already corrects nothing."""
    if page.current is None or was_submitted(token_of(page.request)):
        return Correction()
    changes = corrections(subject=page.subject, visit_code=page.code, assessed=form.assessed(), seen_version=page.seen)
    return correction(page.subject, changes, lambda: _record(page, form, why.words() or NOT_YET, None))


def _ask(form: DiseaseForm, why: ReasonForm) -> None:
    """Nothing is saved until the effects were on the screen and somebody has said why."""
    if why.words():
        form.add_error(None, LOOK_FIRST)
    else:
        why.add_error("change_reason", "Say why the recorded values change.")


def _mark_in_error(page: Page) -> HttpResponse:
    in_error = ErrorReasonForm(page.request.POST, prefix="in_error")
    effects: tuple[Effect, ...] = ()
    if in_error.is_valid():
        act = partial(
            mark_disease_assessment_in_error,
            by=page.request.actor, at=clock.now(), subject_id=page.subject.pk, site_id=page.subject.site_id,
            visit_code=page.code, reason=in_error.cleaned_data["reason"],
        )  # fmt: skip
        try:
            effects = once_shown(page.request, page.subject, act)
            if not effects:
                return _done(page, "Marked as entered in error.")
            in_error.add_error(None, LOOK_AT_WHAT_FOLLOWS)
        except Refused as refusal:
            put(in_error, refusal)
    return _show(page, _form(page), ReasonForm(), in_error=in_error, effects=effects, status=UNPROCESSABLE)


def _done(page: Page, words: str) -> HttpResponse:
    messages.success(page.request, words)
    return redirect("visit", page.subject.key, page.code)


def _show(
    page: Page,
    form: DiseaseForm,
    why: ReasonForm,
    *,
    in_error: ErrorReasonForm | None = None,
    effects: tuple[Effect, ...] = (),
    status: int = 200,
) -> HttpResponse:
    context = {
        **_context(page.subject, page.code, page.visit, page.current, form),
        "why": why,
        "in_error": in_error or ErrorReasonForm(prefix="in_error"),
        "effects": effects,
        "mark": mark_of(effects),
        "conflict": conflict_of(page.conflict, "assessment", "answer"),
        "correction": page.correction,
        "has_results": page.current is not None,
        "seen": page.seen,
        "token": renewed(uuid_of(page.request.POST.get("token", "") or page.draft.get("token", ""))),
        "drafting": page.unsaved,
        "may_enter": page.unsaved is not None,
        "has_errors": status == UNPROCESSABLE,
    }
    return render(page.request, "labs/visit_disease.html", context, status=status)


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _context(
    subject: Subject, code: str, visit: Visit | None, current: DiseaseAssessment | None, form: DiseaseForm
) -> dict[str, Any]:
    return {
        "subject": subject,
        "code": code,
        "label": visit_label(code),
        "visit": visit,
        "current": current,
        "form": form,
        "parts": [(heading, [form[name] for name in names]) for heading, names in DISEASE_PARTS],
        "answers": _answers(current),
        "versions": [_version(one) for one in assessment_versions(visit)],
    }


def _answers(current: DiseaseAssessment | None) -> list[tuple[str, str]]:
    """What is recorded, for those who only read."""
    if current is None:
        return []
    names = [*PARTS, *(name for _, fields in DISEASE_PARTS for name in fields if name not in PARTS), "comment"]
    return [
        (label_of(name), in_words(getattr(current, name))) for name in names if getattr(current, name) not in (None, "")
    ]


def _version(one: DiseaseAssessment) -> dict[str, object]:
    """One version as a sentence of the history."""
    marrow = f", marrow {in_words(one.bm_pc)} %" if one.bm_pc is not None else ""
    found = ", ".join(
        f"{label_of(name).lower()} {in_words(getattr(one, name)).lower()}"
        for name in ("serum_ife", "urine_ife", "bone_lesions", "plasmacytoma")
        if getattr(one, name)
    )
    words = f"Version {one.version}: {found}{marrow}" if found or marrow else f"Version {one.version}"
    ended = " (entered in error)" if one.in_error else ""
    return {
        "words": f"{words.replace(': ,', ':')}{ended}.",
        "reason": one.reason,
        "at": one.entered_at,
        "by": one.entered_by.printed_name if one.entered_by else "a job",
    }
