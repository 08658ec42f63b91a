"""Answers of the checklist that a recorded medication contradicts: the record counts, and the answer is asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
    ask_automatic_query_anew,
    close_automatic_query,
    raise_automatic_query,
)

RECORD = "screening_answer"
CHECK = "answer-against-medication"
#: Of what is told; a query's text has 500 letters.
LENGTH = 450


@dataclass(frozen=True)
class Contradiction:
    """One answer against what is recorded: item of the checklist, the medications in words, and what is asked."""

    item: str
    told: tuple[str, ...]
    text: str


def ask_about_contradictions(*, by: Actor, at: datetime, subject: Subject) -> None:
    """Ask about every answer that a recorded medication contradicts, and close what the two agree about now.

    As of today in screening, as of the day of registration after it; what came later contradicts no answer. One query
    for each version of an answer: it names all that contradict now, and opens again when another medication
    contradicts what was settled. Runs inside the caller's `writing`.
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
    for answer_id, one in wanted.items():
        asked = before.get(answer_id)
        if asked is None:
            anchor, question = Anchor(RECORD, answer_id, one.item), Question(one.text, CHECK)
            raise_automatic_query(by=by, at=at, subject=subject, anchor=anchor, question=question)
        elif _is_to_ask(asked, one):
            ask_automatic_query_anew(query=asked, at=at, text=one.text)


def _is_to_ask(query: Query, one: Contradiction) -> bool:
    """An open question names what contradicts now; a settled one is asked again for what nobody had before the eyes."""
    if query.state == Query.State.OPEN:
        return query.text != one.text
    if query.state == Query.State.CLOSED and closed_itself(query):
        return True
    asked = query.messages.values_list("text", flat=True)
    return not any(text == one.text or all(told in text for told in one.told) for text in asked)


def contradictions(
    answers: Mapping[str, ScreeningAnswer], medicines: Iterable[Recorded], as_of: date
) -> dict[int, Contradiction]:
    """Answer (primary key) -> what is to be asked about it; empty where answers and medications agree."""
    found = {}
    for item, contradicts in _CONTRADICTS.items():
        answer = answers.get(item)
        against = [] if answer is None else [one for one in medicines if contradicts(one, answer, as_of)]
        if answer is not None and against:
            told = tuple(one.told for one in against)
            found[answer.pk] = Contradiction(item, told, _text(answer, told))
    return found


def _text(answer: ScreeningAnswer, told: Sequence[str]) -> str:
    question = QUESTIONS[answer.item]
    said = dict(question.choices)[answer.value].lower()
    is_dated = question.day and answer.value == YES
    day = f", last day {in_words(answer.evidence_on)}" if is_dated and answer.evidence_on else ""
    begins = f"{question.words}: the answer is {said}{day}, and recorded is "
    return f"{begins}{_listed(told, LENGTH - len(begins))}. Correct the answer or the medication."


def _listed(told: Sequence[str], room: int) -> str:
    """As many as there is room for, at least the first, and how many more there are."""
    for named in range(len(told), 0, -1):
        more = f" and {len(told) - named} more" if named < len(told) else ""
        words = "; ".join(told[:named]) + more
        if len(words) <= room:
            return words
    return f"{told[0][: room - 12]} …{more}"


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
