"""How a life of the demonstration unfolds: the days on which people at the site do something, and what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from labs.selectors.visits import requires_disease
from protocol.months import add_months
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte, Phase
from reporting.demonstration import acts, endings, entry
from reporting.demonstration.acts import Someone
from reporting.demonstration.lives import Life, Twist
from reporting.demonstration.stage import Stage
from reporting.demonstration.troubles import troubles

SCREENED_BEFORE = 21
REGISTERED_BEFORE = 8
DECIDES_AFTER = 4
LAST_MONTH = 19
NOT_PUBLISHED = "Not published"
#: Month at whose visit some investigators have judged the laboratory grades.
JUDGED_IN = 3


def enrolled(stage: Stage, life: Life, number: int) -> Iterator[date]:
    """From screening to whatever the life comes to."""
    day1 = stage.anchor - timedelta(days=life.day1)
    one = Someone(stage, life, number)
    yield from entry.registered(one, day1 - timedelta(days=SCREENED_BEFORE), day1 - timedelta(days=REGISTERED_BEFORE))
    if Twist.PROGRESSED_BEFORE_TREATMENT in life.twists:
        yield from endings.progressed_before_treatment(one, day1 - timedelta(days=2))
        return
    yield day1
    _day1(one, day1)
    acts.give_first_dose(one, on=day1)
    if _has_accounts(one):
        acts.hand_out(one, on=day1)
    yield from _treated(one, day1)


def _day1(one: Someone, day1: date) -> None:
    """The samples before the first dose."""
    if one.life.published:
        acts.state_not_done(one, code="bl", on=day1, reason=NOT_PUBLISHED)
        return
    acts.enter_visit(one, code="bl", occurred_on=day1, on=day1)
    acts.enter_labs(one, code="bl", month=0, collected_on=day1, on=day1)


def _treated(one: Someone, day1: date) -> Iterator[date]:
    """Month after month: the visit, its results, the diary, the decision, until treatment ends."""
    diary_from = day1 + timedelta(days=1)
    for month in range(1, LAST_MONTH):
        collected_on = _collected_on(one, day1, month)
        if _skips(one, month):
            yield from _not_published(one, month, collected_on)
            continue
        yield collected_on + timedelta(days=1)
        on = collected_on + timedelta(days=1)
        _visit(one, month, collected_on, on)
        if _brings_diary(one, month):
            _diary(one, diary_from, collected_on, on)
            diary_from = collected_on + timedelta(days=1)
        if month == 3 and _has_accounts(one):
            acts.hand_out(one, on=on, brought_back=2 + one.number % 3)
        yield from _answered(one, month, on)
        yield from _settled(one, month, on)
        if (yield from endings.ended(one, month, on)):
            return


def _has_accounts(one: Someone) -> bool:
    """Drug accountability is kept for those who began within the last seven months."""
    return 0 <= one.life.day1 <= 215 and not one.life.published


def _collected_on(one: Someone, day1: date, month: int) -> date:
    """The planned day, give or take two; the abstract's month 6 and the visits of today stay on their day."""
    target = add_months(day1, month, TRIAL.config.month_convention)
    return target + timedelta(days=(one.number * 3 + month) % 5 - 3)


def _skips(one: Someone, month: int) -> bool:
    """Months without a visit: unpublished ones of the abstract, a missing month 6, the last visit of a late site."""
    if one.life.published:
        return month != 6
    if Twist.NO_MONTH_6 in one.life.twists:
        return month >= 6
    if Twist.LAST_VISIT_MISSED in one.life.twists:
        day1 = one.stage.anchor - timedelta(days=one.life.day1)
        return add_months(day1, month, TRIAL.config.month_convention) > one.stage.anchor - timedelta(days=40)
    return False


def _not_published(one: Someone, month: int, on: date) -> Iterator[date]:
    if one.life.published and month < 6:
        yield on
        acts.state_not_done(one, code=f"m{month:02d}", on=on, reason=NOT_PUBLISHED)


def _visit(one: Someone, month: int, collected_on: date, on: date) -> None:
    code = f"m{month:02d}"
    acts.enter_visit(one, code=code, occurred_on=collected_on, on=on)
    odd = bool({Twist.OPEN_QUERY, Twist.ANSWERED_QUERY} & one.life.twists) and _is_latest(one, month)
    acts.enter_labs(one, code=code, month=month, collected_on=collected_on, on=on, asked_about=odd)
    if requires_disease(code, TRIAL) and not one.life.published:
        acts.assess_disease(one, code=code, month=month, assessed_on=collected_on, on=on)
    for trouble in troubles(one.life, one.number, month):
        acts.report_trouble(one, trouble=trouble, visit_on=collected_on, on=on)
    if month == JUDGED_IN and one.number % 4 == 0:
        acts.judge_grades(one, on=on)


def _brings_diary(one: Someone, month: int) -> bool:
    """Diaries come in every third month, and at the last visits before the anchor."""
    return month % 3 == 0 or month >= one.life.day1 // 31 - 1 or month == one.life.leaves_after


def _diary(one: Someone, first_on: date, last_on: date, on: date) -> None:
    if Twist.HELD_DOSES in one.life.twists:
        held_from = first_on + timedelta(days=5)
        acts.hold_doses(
            one, first_on=held_from, last_on=held_from + timedelta(days=6), on=on,
            why="Neutrophils below 1.0, until they recovered",
        )  # fmt: skip
    acts.record_diary(one, first_on=first_on, last_on=last_on, on=on)


def _answered(one: Someone, month: int, on: date) -> Iterator[date]:
    if Twist.ANSWERED_QUERY in one.life.twists and _is_latest(one, month):
        yield on + timedelta(days=1)
        acts.answer_queries(one, on=on + timedelta(days=1))


def _is_latest(one: Someone, month: int) -> bool:
    """The last month that lies wholly before the anchor."""
    return one.life.day1 // 31 == month


def _settled(one: Someone, month: int, on: date) -> Iterator[date]:
    """A repeat sample where something has to be confirmed; then the investigator decides what is proposed."""
    if _needs_confirming(one, month):
        on = on + timedelta(days=12)
        yield on
        acts.enter_labs(
            one, code=acts.unscheduled(one, on), month=month, collected_on=on - timedelta(days=1), on=on,
            why="Confirmation sample",
        )  # fmt: skip
    on = on + timedelta(days=DECIDES_AFTER)
    yield on
    found = acts.proposed(one, on)
    if found is None or Twist.UNDECIDED in one.life.twists:
        return
    proposal_id, _, phase, shown = found
    if phase is None or (phase is Phase.EXTENSION and Twist.EXTENDS not in one.life.twists):
        return
    acts.decide(one, on=on, proposal_id=proposal_id, phase=phase, shown=shown)
    if month == 6:
        yield from _corrected(one, on + timedelta(days=10))


def _corrected(one: Someone, on: date) -> Iterator[date]:
    """A correction after the signed decision: one that would change it, or one that only breaks the signature."""
    corrections = {
        Twist.CORRECTED_AFTER_DECISION: {"m05": {Analyte.SERUM_M: "2.4"}, "m06": {Analyte.SERUM_M: "2.4"}},
        Twist.SIGNATURE_BROKEN: {"m06": {Analyte.HB: "12.4"}},
    }
    for twist, by_visit in corrections.items():
        if twist in one.life.twists:
            yield on
            for code, typed in by_visit.items():
                acts.correct_results(one, code=code, typed=typed, on=on, reason="Transcription error")


def _needs_confirming(one: Someone, month: int) -> bool:
    """A rise of the M-spike by a fifth or more within a month, where it is progression."""
    before, now = one.life.percent(month - 1), one.life.percent(month)
    return len(one.life.course) > month + 1 and now - before >= 20
