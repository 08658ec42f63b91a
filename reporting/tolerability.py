"""Tolerability: who stopped a drug for an event, whose event of grade 3 or higher a drug may have caused, and doses.

For the combination it counts from the first day with dexamethasone, in those who began it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dosing.vocabulary import DRUG_WORDS
from protocol.vocabulary import Drug
from reporting.addresses import address
from reporting.safety_rows import Count, Line, rows_url
from reporting.selectors.timeliness import median
from reporting.selectors.toxicity import SEVERE, YES, Tolerability
from reporting.statistics import Proportion, proportion
from safety.vocabulary import ON_THE_DOSE, ActionTaken
from trialsite.templatetags.edc import day, percent

Test = Callable[[Tolerability], bool]
#: What is read: words, who is judged, and the columns that say so.
READINGS: dict[str, tuple[str, Test, str, str]] = {
    "combination": (
        "Combination, from the first day with dexamethasone",
        lambda one: one.combination_from is not None,
        "stopped_on_combination",
        "severe_related_on_combination",
    ),
    "whole": ("All treatment, from the first dose", lambda one: True, "stopped_for_event", "severe_related"),
}
SIGNS = {
    "stopped": "Stopped a drug, or treatment, for an event",
    "severe": f"Event of grade {SEVERE} or higher, related: possible or more",
    "either": "Either of them",
}
ACTIONS = tuple(one for one in ActionTaken if one in ON_THE_DOSE)


@dataclass(frozen=True)
class SignLine:
    """One line: what, of how many, how many, and the share with its exact interval."""

    reading: str
    words: str
    n: Count
    x: Count
    share: Proportion


@dataclass(frozen=True)
class DrugLine:
    """One drug: who was given it, whose doses were changed because of an event, and its intensity."""

    words: str
    n: Count
    actions: tuple[Count, ...]
    measured: int
    median: str
    lowest: str


def _judged(reading: str) -> Test:
    return READINGS[reading][1]


def _shows(reading: str, sign: str) -> Test:
    _, _, stopped, severe = READINGS[reading]
    columns = {"stopped": (stopped,), "severe": (severe,), "either": (stopped, severe)}[sign]
    return lambda one: any(getattr(one, column) == YES for column in columns)


def _given(drug: Drug) -> Test:
    return lambda one: drug is Drug.ANAKINRA or one.combination_from is not None


def _acted(drug: Drug, action: str) -> Test:
    return lambda one: action in getattr(one, f"{drug.value}_actions").split(";")


#: Every list behind a number of this part: words and who is in it.
GROUPS: dict[str, tuple[str, Test]] = {
    **{reading: (words, judged) for reading, (words, judged, _, _) in READINGS.items()},
    **{
        f"{reading}-{sign}": (f"{READINGS[reading][0]}: {words[0].lower()}{words[1:]}", _shows(reading, sign))
        for reading in READINGS
        for sign, words in SIGNS.items()
    },
    **{f"given-{drug.value}": (f"{DRUG_WORDS[drug]} was given", _given(drug)) for drug in Drug},
    **{
        f"{drug.value}-{action.value.lower()}": (
            f"{DRUG_WORDS[drug]}: {action.label.lower()} because of an event", _acted(drug, action.value),
        )
        for drug in Drug
        for action in ACTIONS
    },
}  # fmt: skip


def count(rows: Sequence[Tolerability], group: str) -> int:
    _, test = GROUPS[group]
    return sum(1 for row in rows if test(row))


def counted(rows: Sequence[Tolerability], group: str) -> Count:
    _, test = GROUPS[group]
    return Count(rows_url(group, {}), frozenset(one.key for one in rows if test(one)))


def sign_lines(rows: Sequence[Tolerability]) -> list[SignLine]:
    found = []
    for reading, (words, *_) in READINGS.items():
        n = counted(rows, reading)
        for sign, told in SIGNS.items():
            x = counted(rows, f"{reading}-{sign}")
            found.append(SignLine(words, told, n, x, proportion(x.n, n.n)))
    return found


def drug_lines(rows: Sequence[Tolerability]) -> list[DrugLine]:
    return [_drug_line(rows, drug) for drug in Drug if count(rows, f"given-{drug.value}")]


def _drug_line(rows: Sequence[Tolerability], drug: Drug) -> DrugLine:
    rates: list[Decimal] = [
        rate for row in rows if (rate := getattr(row, f"{drug.value}_intensity")) is not None
    ]  # fmt: skip
    middle = median(rates)
    return DrugLine(
        DRUG_WORDS[drug],
        counted(rows, f"given-{drug.value}"),
        tuple(counted(rows, f"{drug.value}-{action.value.lower()}") for action in ACTIONS),
        len(rates),
        percent(middle) if middle is not None else "—",
        percent(min(rates)) if rates else "—",
    )


def lines_of(rows: Sequence[Tolerability], group: str) -> list[Line]:
    return [_line(row) for row in rows if GROUPS[group][1](row)]


def _line(row: Tolerability) -> Line:
    facts = [f"from {day(row.day1_on)}"]
    if row.combination_from:
        facts.append(f"dexamethasone from {day(row.combination_from)}")
    for drug in Drug:
        actions = getattr(row, f"{drug.value}_actions")
        facts += [f"{drug.value} {actions.replace(';', ' and ').lower()} for an event"] if actions else []
        rate = getattr(row, f"{drug.value}_intensity")
        facts += [f"{drug.value} {percent(rate)} of planned"] if rate is not None else []
    return Line(row.site, row.subject, "Adverse events", ", ".join(facts), address("subject_adverse_events", row.key))
