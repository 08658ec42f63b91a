"""Answers of the checklist that a recorded medication contradicts: the record counts, and the answer is asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime

from enrollment.models import ScreeningAnswer
from enrollment.questions import NO, QUESTIONS, YES
from enrollment.selectors import current_answers, medicines_for, site_day
from labs.services.consent import closed_itself
from protocol.medicines import AGENT, ANTIBIOTIC, Recorded, interacts, is_intravenous, kind_read, was_taken
from protocol.vocabulary import Phase
from trialsite.access import Actor
from trialsite.days import in_words
from trialsite.models import Query, Subject
from trialsite.services.queries import (
    Anchor,
    Question,
    close_automatic_query,
    raise_automatic_query,
    reopen_automatic_query,
)

RECORD = "screening_answer"
CHECK = "answer-against-medication"
#: Of what is told; a query's text has 500 letters.
LENGTH = 450


def ask_about_contradictions(*, by: Actor, at: datetime, subject: Subject) -> None:
    """Ask about every answer that a recorded medication contradicts, and close what the two agree about now.

    As of today in screening, as of the day of registration after it; what came later contradicts no answer. One query
    for each version of an answer: it opens again when another medication contradicts what was settled. Runs inside
    the caller's `writing`.
    """
    as_of = subject.registered_on or site_day(at, subject.site)
    is_judged = subject.state == Phase.SCREENING or subject.registered_on is not None
    medicines = medicines_for([subject])[subject.pk]
    wanted = contradictions(current_answers(subject), medicines, as_of) if is_judged else {}
    before = {one.record_id: one for one in Query.objects.filter(subject=subject, check_code=CHECK)}
    for answer_id, query in before.items():
        if answer_id not in wanted and query.state != Query.State.CLOSED:
            close_automatic_query(
                query=query, at=at, reason="The answer and the medications agree, or one was changed."
            )
    for answer_id, (item, text) in wanted.items():
        asked = before.get(answer_id)
        if asked is None:
            anchor = Anchor(RECORD, answer_id, item)
            raise_automatic_query(by=by, at=at, subject=subject, anchor=anchor, question=Question(text, CHECK))
        elif asked.state == Query.State.CLOSED and (closed_itself(asked) or not _was_asked(asked, text)):
            reopen_automatic_query(query=asked, at=at, reason=text)


def _was_asked(query: Query, text: str) -> bool:
    """True if a person has settled the query with these very medications before the eyes."""
    return text == query.text or query.messages.filter(text=text).exists()


def contradictions(
    answers: Mapping[str, ScreeningAnswer], medicines: Iterable[Recorded], as_of: date
) -> dict[int, tuple[str, str]]:
    """Answer (primary key) -> its item and what is to be asked; empty where answers and medications agree."""
    found = {}
    for item, contradicts in _CONTRADICTS.items():
        answer = answers.get(item)
        against = [] if answer is None else [one for one in medicines if contradicts(one, answer, as_of)]
        if answer is not None and against:
            found[answer.pk] = (item, _text(answer, against))
    return found


def _text(answer: ScreeningAnswer, against: Iterable[Recorded]) -> str:
    question = QUESTIONS[answer.item]
    said = dict(question.choices)[answer.value].lower()
    is_dated = question.day and answer.value == YES
    day = f", last day {in_words(answer.evidence_on)}" if is_dated and answer.evidence_on else ""
    recorded = "; ".join(one.told for one in against)
    told = f"{question.words}: the answer is {said}{day}, and recorded is {recorded}"
    return f"{told[:LENGTH]}. Correct the answer or the medication."


def _is_taken_though_denied(one: Recorded, answer: ScreeningAnswer, as_of: date) -> bool:
    """Answered no, and an agent that may interact is taken on the day, or may be."""
    return answer.value == NO and kind_read(one) == AGENT and interacts(one, as_of) is not False


def _was_given_though_denied(one: Recorded, answer: ScreeningAnswer, as_of: date) -> bool:
    """Answered no or an earlier last day, and an antibiotic was given intravenously after that, or may have been."""
    if kind_read(one) != ANTIBIOTIC or is_intravenous(one.name, one.route) is False:
        return False
    if answer.value == NO:
        return was_taken(one, date.min, as_of) is not False
    last_day = answer.evidence_on
    is_later = one.ended is None or (last_day is not None and one.ended.earliest > last_day)
    return answer.value == YES and last_day is not None and is_later and one.began.earliest <= as_of


_CONTRADICTS: Mapping[str, Callable[[Recorded, ScreeningAnswer, date], bool]] = {
    "tnf_or_thalidomide": _is_taken_though_denied,
    "iv_antibiotics": _was_given_though_denied,
}
