"""Answers of the eligibility checklist, and two people who give them at once: what both changed is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from enrollment.models import ScreeningAnswer
from enrollment.questions import QUESTIONS
from enrollment.selectors import answers_at, current_answers
from labs.services.answers import LastSave, merged
from trialsite.days import in_words
from trialsite.models import Subject


@dataclass(frozen=True)
class Answer:
    """One answer: a code of the question's choices, and the date of its evidence."""

    value: str
    on: date | None = None


def differs(stored: ScreeningAnswer | None, answer: Answer) -> bool:
    return stored is None or _read(stored) != answer


def with_theirs(subject: Subject, answers: Mapping[str, Answer], seen: int | None) -> dict[str, Answer]:
    """Mine, with what only another person answered since the page was opened.

    seen: the newest answer that the page showed, None if the caller held no older view. SavedMeanwhile for what both
    answered, each differently. The same choice is the same answer where the question has no date of its own.
    """
    if seen is None:
        return dict(answers)
    rows = current_answers(subject)
    opened = {item: _read(one) for item, one in answers_at(subject, seen).items()}
    theirs = {item: _read(one) for item, one in rows.items()}
    given = {item: answers.get(item, opened.get(item)) for item in theirs.keys() | answers.keys()}
    mine = {item: theirs[item] if _is_same(item, theirs.get(item), one) else one for item, one in given.items()}
    settled = merged(
        opened={item: opened.get(item) for item in mine},
        theirs={item: theirs.get(item) for item in mine},
        mine=mine,
        saved=lambda: _last_save(rows, seen),
        label=lambda item: QUESTIONS[item].words,
        words=_in_words,
    )
    return {item: one for item, one in settled.items() if one is not None}


def _read(stored: ScreeningAnswer) -> Answer:
    return Answer(stored.value, stored.evidence_on)


def _is_same(item: str, theirs: Answer | None, mine: Answer | None) -> bool:
    both = theirs is not None and mine is not None and theirs.value == mine.value
    return both and not QUESTIONS[item].day


def _last_save(rows: Mapping[str, ScreeningAnswer], seen: int) -> LastSave:
    newest = max((one for one in rows.values() if one.pk > seen), key=lambda one: one.pk)
    who = newest.entered_by
    return LastSave(who.printed_name if who else "Somebody", newest.entered_at)


def _in_words(item: str, answer: object) -> str:
    """Yes, 12 Mar 2026."""
    if not isinstance(answer, Answer):
        return ""
    chosen = dict(QUESTIONS[item].choices).get(answer.value, answer.value)
    return f"{chosen}, {in_words(answer.on)}" if answer.on else chosen
