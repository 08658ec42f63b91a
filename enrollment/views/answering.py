"""What the page of the eligibility checklist stands on, and its form: as opened, and as two people answered it."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict

from enrollment import selectors
from enrollment.checklist import Checklist, checklist
from enrollment.evidence import Facts
from enrollment.forms import ChecklistForm
from enrollment.models import EligibilitySnapshot
from enrollment.questions import Question, questions_for
from enrollment.rows import questions_left
from labs.services import SavedMeanwhile
from labs.views.together import with_choices, with_theirs
from protocol.vocabulary import Phase
from trialsite import clock
from trialsite.access import Duty, can
from trialsite.drafting import Drafting, drafting
from trialsite.http import SignedInRequest
from trialsite.lock_pages import may_change
from trialsite.models import Subject
from trialsite.selectors import protocol_of


@dataclass(frozen=True)
class Page:
    """What the page stands on: the subject, the checklist today, and the one that was sent last."""

    subject: Subject
    facts: Facts
    now: Checklist
    snapshot: EligibilitySnapshot | None
    may_answer: bool
    may_sign: bool
    unsaved: Drafting | None

    @property
    def in_screening(self) -> bool:
        return self.subject.state == Phase.SCREENING

    @property
    def is_current(self) -> bool:
        """The sent checklist says what the evidence says today."""
        return self.snapshot is not None and self.snapshot.fingerprint == self.now.fingerprint

    @property
    def frozen(self) -> EligibilitySnapshot | None:
        """The sent checklist, while it is what counts: current in screening, for good after it."""
        return self.snapshot if self.is_current or not self.in_screening else None


def page_of(request: SignedInRequest, subject: Subject) -> Page:
    facts = selectors.facts_of(subject)
    now = clock.now()
    return Page(
        subject=subject,
        facts=facts,
        now=checklist(facts, protocol_of(subject), selectors.site_day(now, subject.site)),
        snapshot=selectors.latest_snapshot(subject),
        may_answer=may_change(request, Duty.ENTER_DATA, subject) and subject.state == Phase.SCREENING,
        may_sign=can(request.actor, Duty.SIGN, subject.site_id, now) and subject.state == Phase.SCREENING,
        unsaved=drafting(request, subject),
    )


def checklist_form(page: Page, posted: QueryDict | None = None) -> ChecklistForm:
    """The form. What was posted is read against the answers that its page had shown."""
    seen = posted.get("seen", "") if posted is not None else ""
    standing = selectors.answers_at(page.subject, int(seen)) if seen.isdecimal() else page.facts.answers
    return ChecklistForm(
        posted,
        questions=_questions(page),
        standing=standing,
        today=page.now.as_of,
        was_sent=page.snapshot is not None,
        typed=page.unsaved.typed if page.unsaved else {},
    )


def posted_answers(request: SignedInRequest, page: Page) -> QueryDict:
    """What was posted; where a question was settled for the other person, with their answer."""
    return with_choices(request.POST, _stored(page), _boxes(page))


def asking_form(request: SignedInRequest, page: Page, refusal: SavedMeanwhile) -> ChecklistForm:
    """The form beside the question: mine, with what only the other person answered. It rests on what stands now."""
    posted = with_theirs(posted_answers(request, page), _stored(page), _boxes(page), refusal)
    posted["seen"] = str(max(one.pk for one in page.facts.answers.values()))
    return checklist_form(page, posted)


def _questions(page: Page) -> list[Question]:
    return questions_left(page.now.rows, questions_for(page.subject.sex, protocol_of(page.subject)))


def _boxes(page: Page) -> dict[str, tuple[str, ...]]:
    """The boxes of each question that has an answer by now."""
    dated = {one.item: (one.item, f"{one.item}_on") if one.day else (one.item,) for one in _questions(page)}
    return {item: dated.get(item, ()) for item in page.facts.answers}


def _stored(page: Page) -> dict[str, object]:
    """What stands, box by box."""
    answers = page.facts.answers.items()
    boxes: dict[str, object] = {item: one.value for item, one in answers}
    return boxes | {f"{item}_on": one.evidence_on for item, one in answers}
