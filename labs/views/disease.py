"""The disease-assessment form of a visit."""

from __future__ import annotations

from typing import Any

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
from labs.services.disease import PARTS, in_words, label_of
from labs.views.subjects import may_enter, readable_subject, token_of
from labs.views.visits import put
from trialsite import clock
from trialsite.days import tell_today
from trialsite.http import SignedInRequest
from trialsite.models import Subject, Visit
from trialsite.selectors import visits
from trialsite.services.subjects import Refused

UNPROCESSABLE, CONFLICT = 422, 409


@require_http_methods(["GET", "POST"])
def visit_disease(request: SignedInRequest, key: str, code: str) -> HttpResponse:
    """Immunofixation, marrow, lesions, plasmacytoma and attribution of one visit."""
    subject = readable_subject(request, key)
    visit = visits(subject).get(code)
    if not is_visit_code(code) or (code.startswith("uns") and visit is None):
        raise Http404
    current = current_assessment(visit)
    action = request.POST.get("action", "save") if request.method == "POST" else ""
    form = _form(request, subject, visit, current, action)
    why = ReasonForm(request.POST if action == "save" else None)
    in_error = ErrorReasonForm(request.POST if action == "in_error" else None, prefix="in_error")
    status, conflict = 200, None
    if action:
        status, conflict = _handle(request, subject, code, form, why, in_error, action)
    if status == 303:
        return redirect("visit", key, code)
    context = {
        **_context(subject, code, visit, current, form),
        "why": why,
        "in_error": in_error,
        "conflict": conflict,
        "seen": current.version if current else 0,
        "token": token_of(request),
        "may_enter": may_enter(request, subject),
        "has_errors": status == UNPROCESSABLE,
    }
    return render(request, "labs/visit_disease.html", context, status=status)


def _form(
    request: SignedInRequest, subject: Subject, visit: Visit | None, current: DiseaseAssessment | None, action: str
) -> DiseaseForm:
    form = DiseaseForm(request.POST if action == "save" else None, initial=answers_of(current) if current else None)
    tell_today(form, clock.today(subject.site.time_zone), visit.occurred_on if visit else None)
    return form


def _handle(
    request: SignedInRequest,
    subject: Subject,
    code: str,
    form: DiseaseForm,
    why: ReasonForm,
    in_error: ErrorReasonForm,
    action: str,
) -> tuple[int, dict[str, object] | None]:
    """Do what was asked: 303 when done, else the status of the page and what was saved meanwhile."""
    target = in_error if action == "in_error" else form
    if not (target.is_valid() and (action == "in_error" or why.is_valid())):
        return UNPROCESSABLE, None
    try:
        if action == "in_error":
            mark_disease_assessment_in_error(
                by=request.actor, at=clock.now(), subject_id=subject.pk, site_id=subject.site_id,
                visit_code=code, reason=in_error.cleaned_data["reason"],
            )  # fmt: skip
        else:
            record_disease_assessment(
                by=request.actor, at=clock.now(), subject_id=subject.pk, site_id=subject.site_id,
                visit_code=code, assessed=form.assessed(), reason=why.words(),
                seen_version=_number(request.POST.get("seen", "")), token=token_of(request),
            )  # fmt: skip
    except SavedMeanwhile as refusal:
        return CONFLICT, _conflict(refusal)
    except ReasonMissing as refusal:
        why.add_error("change_reason", f"{refusal} Changed: {', '.join(refusal.changes)}.")
        return UNPROCESSABLE, None
    except Refused as refusal:
        put(target, refusal)
        return UNPROCESSABLE, None
    messages.success(request, "Disease assessment saved." if action == "save" else "Marked as entered in error.")
    return 303, None


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _conflict(refusal: SavedMeanwhile) -> dict[str, object]:
    rows = [{"label": one.label, "theirs": one.theirs, "yours": one.yours} for one in refusal.conflicts]
    return {"by": refusal.by, "at": refusal.at, "rows": rows}


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
