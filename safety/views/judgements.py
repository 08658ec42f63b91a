"""Grades that an investigator judged not clinically significant, and taking such a judgement back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect

from labs.selectors import visit_label
from safety import selectors, services
from safety.forms import JudgementForm
from safety.models import GradeJudgement, VitalJudgement
from safety.views.door import who
from trialsite.http import SignedInRequest
from trialsite.models import Subject
from trialsite.services.subjects import Refused


@dataclass(frozen=True)
class Judged:
    """A judgement with what it was about. `form`: takes it back; None where this person may not, or it is done."""

    judgement: GradeJudgement | VitalJudgement
    on: date | None
    visit: str
    form: JudgementForm | None


def judged(subject: Subject, *, may_judge: bool, refused: JudgementForm | None) -> list[Judged]:
    """Every judgement, those of results first; `refused` keeps what was typed into one of the forms."""

    def form(kind: str, one: GradeJudgement | VitalJudgement) -> JudgementForm | None:
        return _form(kind, one, refused) if may_judge and one.withdrawn_at is None else None

    results = [
        Judged(one, specimen.collected_on, visit_label(specimen.visit.code), form("grade_judgement", one))
        for one in selectors.grade_judgements(subject)
        for specimen in [one.lab_result.specimen]
    ]
    signs = [
        Judged(one, one.visit.occurred_on, visit_label(one.visit.code), form("vital_judgement", one))
        for one in selectors.vital_judgements(subject)
    ]
    return [*results, *signs]


def _form(kind: str, one: GradeJudgement | VitalJudgement, refused: JudgementForm | None) -> JudgementForm:
    if refused is not None and (refused["kind"].value(), str(refused["judgement"].value())) == (kind, str(one.pk)):
        return refused
    return JudgementForm(initial={"kind": kind, "judgement": one.pk}, auto_id=f"{kind}_{one.pk}_%s")


def taken_back(request: SignedInRequest, subject: Subject) -> tuple[HttpResponse | None, JudgementForm | None]:
    """The answer to a posted withdrawal: where to go when it is done, else the form with what is wrong."""
    prefix = f"{request.POST.get('kind', '')}_{request.POST.get('judgement', '')}"
    form = JudgementForm(request.POST, auto_id=f"{prefix}_%s")
    if not form.is_valid():
        return None, form
    given = form.cleaned_data
    try:
        services.take_back_judgement(
            **who(request, subject), kind=given["kind"], judgement_id=given["judgement"], reason=given["why"]
        )
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return None, form
    messages.success(request, "The judgement is taken back. It stays listed, and the grade waits to be judged.")
    return redirect("subject_adverse_events", subject.key), None
