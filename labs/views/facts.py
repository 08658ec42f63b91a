"""The form of a visit's own facts on its page: entered, corrected, and settled where two people had it open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from labs.forms import ReasonForm
from labs.selectors import VisitLine
from labs.services import FieldsRefused, ReasonMissing, SavedMeanwhile, open_visit_questions, record_visit
from labs.services.answers import Answers
from labs.services.visits import corrections
from labs.views.correcting import LOOK_FIRST, NOT_YET, Correction, correction
from labs.views.together import WAS, conflict_of, laid_under, with_choices, with_theirs
from labs.visit_forms import BOXES, VisitForm, facts_of
from trialsite import clock
from trialsite.days import tell_today, tell_window
from trialsite.drafting import Drafting, drafting, is_saved, typed_in_draft
from trialsite.http import SignedInRequest
from trialsite.models import Subject
from trialsite.services.subjects import Refused

ACTION = "facts"


@dataclass
class FactsPart:
    """The form while a request lasts. `posted` is empty unless it is this form that was sent."""

    request: SignedInRequest
    subject: Subject
    line: VisitLine
    unsaved: Drafting | None
    posted: QueryDict | None = None
    conflict: SavedMeanwhile | None = None
    correction: Correction = field(default_factory=Correction)
    form: VisitForm = field(init=False)
    why: ReasonForm = field(init=False)

    def __post_init__(self) -> None:
        sent = self.request.method == "POST" and self.request.POST.get("action") == ACTION
        if sent:
            self.posted = with_choices(self.request.POST, self.stored, BOXES)
        self.why = ReasonForm(self.posted, initial=typed_in_draft(self.unsaved))
        self.form = self._form(self.posted)

    @property
    def stored(self) -> dict[str, object]:
        """What stands, box by box."""
        return facts_of(self.line.visit)

    def _form(self, posted: QueryDict | None) -> VisitForm:
        questions = open_visit_questions(self.subject, self.line.code) if self.line.visit else ()
        form = VisitForm(posted, initial={**self.stored, **typed_in_draft(self.unsaved)}, questions=questions)
        tell_today(form, clock.today(self.subject.site.time_zone))
        planned = self.line.planned
        tell_window(
            form["occurred_on"], self.subject.day1_on, (planned.opens_on, planned.closes_on) if planned else None
        )
        return form

    @property
    def was(self) -> dict[str, str]:
        """The hidden boxes: what lay under the form; once a conflict is shown, what stands now."""
        given: Mapping[str, Any] = {} if self.conflict else self.posted or typed_in_draft(self.unsaved)
        return laid_under(self.stored, given)

    @property
    def seen(self) -> Answers | None:
        """The same as the service takes it; None if the page that was sent does not say."""
        if self.posted is None or f"{WAS}-occurred_on" not in self.posted:
            return None
        form = VisitForm(self.posted, prefix=WAS)
        tell_today(form, clock.today(self.subject.site.time_zone))
        form.is_valid()
        return form.answers()

    def show_theirs(self, refusal: SavedMeanwhile) -> None:
        """Ask what both changed, and put into the boxes what only the other person did."""
        self.conflict = refusal
        self.form = self._form(with_theirs(self.request.POST, self.stored, BOXES, refusal))

    def context(self) -> dict[str, Any]:
        return {
            "facts": self.form,
            "why": self.why,
            "drafting": self.unsaved,
            "was": self.was,
            "correction": self.correction,
            "conflict": conflict_of(self.conflict, "visit", "answer"),
        }


def facts_part(request: SignedInRequest, subject: Subject, line: VisitLine) -> FactsPart:
    return FactsPart(request, subject, line, drafting(request, subject))


def save_facts(part: FactsPart) -> bool:
    """True if the facts are saved; else the form says why not."""
    if not (part.form.is_valid() and part.why.is_valid()):
        return False
    try:
        part.correction = _correction(part)
        if part.correction.needs_an_answer(part.request, part.why.words()):
            _ask(part)
            return False
        _record(part, part.why.words())
    except Refused as refusal:
        _explain(part, refusal)
        return False
    is_saved(part.request, part.subject)
    return True


def _explain(part: FactsPart, refusal: Refused) -> None:
    if isinstance(refusal, SavedMeanwhile):
        part.show_theirs(refusal)
    elif isinstance(refusal, ReasonMissing):
        part.why.add_error("change_reason", str(refusal))
    else:
        problems = refusal.problems if isinstance(refusal, FieldsRefused) else {"": str(refusal)}
        for name, words in problems.items():
            part.form.add_error(name if name in part.form.fields else None, words)


def _record(part: FactsPart, reason: str) -> object:
    return record_visit(
        by=part.request.actor, at=clock.now(), subject_id=part.subject.pk, site_id=part.subject.site_id,
        code=part.line.code, facts=part.form.facts(), reason=reason, seen=part.seen,
    )  # fmt: skip


def _correction(part: FactsPart) -> Correction:
    """What of the recorded would change, and what would follow."""
    changes = corrections(subject=part.subject, code=part.line.code, facts=part.form.facts(), seen=part.seen)
    return correction(part.subject, changes, lambda: _record(part, part.why.words() or NOT_YET))


def _ask(part: FactsPart) -> None:
    """Nothing is saved until the effects were on the screen and somebody has said why."""
    if part.why.words():
        part.form.add_error(None, LOOK_FIRST)
    else:
        part.why.add_error("change_reason", "Say why the recorded values change.")
