"""What the rules of dose modification suggest for one subject today. A person decides; nothing here changes a dose.

A suggestion stands as long as its reason stands and no order answers it: of an event until it has ended, of a result
until the next one. What was not measured suggests nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from protocol.dose_rules import DoseRule, EventOf, Intravenous, LabBelow, Missed, Recovered, Trigger
from protocol.doses import Modification
from protocol.explain import plain
from protocol.vocabulary import TREATMENT_PHASES, Advice, Analyte, DoseAction, Drug, Phase


@dataclass(frozen=True)
class Evidence:
    """What a suggestion rests on: in words, with its day, and the reference of the record ("adverse_event:3")."""

    words: str
    on: date
    source: str


@dataclass(frozen=True)
class Reading:
    """A result after the first dose in the canonical unit."""

    analyte: Analyte
    value: Decimal
    unit: str
    on: date
    source: str


@dataclass(frozen=True)
class Event:
    """An adverse event since the first dose. `is_over`: it has certainly ended."""

    term: str
    grade: int
    began_on: date
    is_over: bool
    is_serious: bool
    source: str


@dataclass(frozen=True)
class Medicine:
    """A concomitant medication: `ended_on` None while it is taken. Of days known in part, those that make it longest.

    is_intravenous: stated as its route, or said by its name.
    """

    name: str
    started_on: date
    ended_on: date | None
    source: str
    is_intravenous: bool


@dataclass(frozen=True)
class MissedDose:
    drug: Drug
    on: date
    source: str


@dataclass(frozen=True)
class Picture:
    """What the rules read of a subject. `phase`: the one whose regimen is followed. `planned_mg`: dose by drug."""

    today: date
    phase: Phase
    readings: tuple[Reading, ...] = ()
    events: tuple[Event, ...] = ()
    medicines: tuple[Medicine, ...] = ()
    missed: tuple[MissedDose, ...] = ()
    orders: tuple[Modification, ...] = ()
    planned_mg: tuple[tuple[Drug, Decimal], ...] = ()


@dataclass(frozen=True)
class DoseSuggestion:
    """One rule that is met. `mg`: the next lower dose of a reduction; `is_lowest`: a lower one is not listed."""

    rule: DoseRule
    evidence: tuple[Evidence, ...]
    mg: Decimal | None = None
    is_lowest: bool = False

    @property
    def words(self) -> str:
        if self.mg is not None:
            return f"{self.rule.words}, to {plain(self.mg)} mg"
        return f"{self.rule.words}: no lower one is listed" if self.is_lowest else self.rule.words


def suggestions(picture: Picture, rules: Sequence[DoseRule]) -> tuple[DoseSuggestion, ...]:
    """Every rule that is met and that no order answers yet, in the order of the rules; none outside treatment."""
    return tuple(_standing(picture, rules))


def _standing(picture: Picture, rules: Sequence[DoseRule]) -> Iterator[DoseSuggestion]:
    if picture.phase not in TREATMENT_PHASES:
        return
    for rule in rules:
        if picture.phase not in rule.phases or _is_answered(rule, picture):
            continue
        evidence = _met(rule.trigger, rule, picture, rules)
        if evidence:
            given = _given_mg(rule.drug, picture)
            mg = max((Decimal(step) for step in rule.steps if given is not None and step < given), default=None)
            yield DoseSuggestion(rule, evidence, mg, is_lowest=bool(rule.steps) and given is not None and mg is None)


# ---------------------------------------------------------------- what answers a suggestion
#: Advice -> orders that answer it. To resume, a hold has to stand; notes are answered by nothing.
ANSWERS: dict[Advice, frozenset[DoseAction]] = {
    Advice.HOLD: frozenset({DoseAction.HOLD, DoseAction.STOP}),
    Advice.STOP: frozenset({DoseAction.STOP}),
    Advice.REDUCE: frozenset({DoseAction.HOLD, DoseAction.STOP}),
    Advice.CONSIDER: frozenset(DoseAction),
    Advice.RESUME: frozenset({DoseAction.STOP}),
    Advice.NOTE: frozenset(),
}


def _open_orders(picture: Picture, drug: Drug) -> list[Modification]:
    """Orders about a drug that are in force today, or begin later."""
    return [one for one in picture.orders if one.drug is drug and (one.ends_on is None or one.ends_on >= picture.today)]


def _is_answered(rule: DoseRule, picture: Picture) -> bool:
    return any(one.action in ANSWERS[rule.advice] for one in _open_orders(picture, rule.drug))


def _given_mg(drug: Drug, picture: Picture) -> Decimal | None:
    """The planned dose, or the lowest to which it is reduced."""
    reduced = [one.mg for one in _open_orders(picture, drug) if one.mg is not None]
    return min((*reduced, *(mg for one, mg in picture.planned_mg if one is drug)), default=None)


# ---------------------------------------------------------------- the triggers
def _met(trigger: Trigger, rule: DoseRule, picture: Picture, rules: Sequence[DoseRule]) -> tuple[Evidence, ...]:
    """The evidence of a trigger that is met; empty if it is not."""
    if isinstance(trigger, Recovered):
        return _recovered(trigger, rule, picture, rules)
    return _FINDERS[type(trigger)](trigger, rule, picture)


def _newest(analyte: Analyte, picture: Picture) -> Reading | None:
    found = [one for one in picture.readings if one.analyte is analyte and one.on <= picture.today]
    return max(found, key=lambda one: one.on, default=None)


def _below(trigger: LabBelow, _: DoseRule, picture: Picture) -> tuple[Evidence, ...]:
    newest = _newest(trigger.analyte, picture)
    return (_of_reading(newest),) if newest is not None and newest.value < trigger.limit else ()


def _of_reading(one: Reading) -> Evidence:
    return Evidence(f"{_NAMES.get(one.analyte, one.analyte.value)} {plain(one.value)} {one.unit}", one.on, one.source)


_NAMES = {Analyte.ANC: "Neutrophils", Analyte.CRCL: "Creatinine clearance"}


def _event(trigger: EventOf, rule: DoseRule, picture: Picture) -> tuple[Evidence, ...]:
    """Events that count; for a reduction, those that no lower dose has answered since they began."""
    found = [one for one in picture.events if _counts(trigger, one)]
    if rule.advice is Advice.REDUCE:
        reduced = [one.starts_on for one in _open_orders(picture, rule.drug)]
        found = [one for one in found if not any(on >= one.began_on for on in reduced)]
    return tuple(_of_event(one) for one in found)


def _counts(trigger: EventOf, event: Event) -> bool:
    return (
        event.term in trigger.terms
        and event.grade >= trigger.from_grade
        and (event.is_serious or not trigger.is_serious)
        and not (trigger.is_lasting and event.is_over)
    )


def _of_event(one: Event) -> Evidence:
    return Evidence(f"{one.term}, grade {one.grade}", one.began_on, one.source)


def _intravenous(trigger: Intravenous, _: DoseRule, picture: Picture) -> tuple[Evidence, ...]:
    infections = [one for one in picture.events if one.term in trigger.terms and not one.is_over]
    infused = [
        one
        for one in picture.medicines
        if one.is_intravenous and one.started_on <= picture.today and (one.ended_on or picture.today) >= picture.today
    ]
    if not (infections and infused):
        return ()
    return *map(_of_event, infections), *(Evidence(one.name, one.started_on, one.source) for one in infused)


def _missed(trigger: Missed, rule: DoseRule, picture: Picture) -> tuple[Evidence, ...]:
    first, last = trigger.days
    return tuple(
        Evidence("Missed", one.on, one.source)
        for one in picture.missed
        if one.drug is rule.drug and first <= (picture.today - one.on).days <= last
    )


_FINDERS: dict[type[Trigger], Callable[..., tuple[Evidence, ...]]] = {
    LabBelow: _below,
    EventOf: _event,
    Intravenous: _intravenous,
    Missed: _missed,
}


def _recovered(trigger: Recovered, rule: DoseRule, picture: Picture, rules: Sequence[DoseRule]) -> tuple[Evidence, ...]:
    """A hold stands, the newest result since it began is high enough, and no rule would hold or stop the drug now."""
    holds = [
        one for one in _open_orders(picture, rule.drug) if one.action is DoseAction.HOLD and one.covers(picture.today)
    ]
    newest = _newest(trigger.analyte, picture)
    began = min((one.starts_on for one in holds), default=None)
    if began is None or newest is None or newest.on < began or newest.value < trigger.limit:
        return ()
    against = [one for one in rules if one.drug is rule.drug and one.advice in (Advice.HOLD, Advice.STOP)]
    if suggestions(replace(picture, orders=()), against):
        return ()
    return (_of_reading(newest),)
