"""Rules of dose modification: each with a case that meets it and one that does not; they suggest and never act."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import document
from protocol.ctcae_terms import ALLOWED_GRADES
from protocol.dose_rules import Trigger
from protocol.doses import Modification, ordered_mg, planned_doses
from protocol.measurements import PhaseInterval
from protocol.medicines import is_intravenous
from protocol.modifications import Event, Medicine, MissedDose, Picture, Reading, suggestions
from protocol.trial import DOSE_RULES, INFECTIONS, OF_DEXAMETHASONE, TRIAL
from protocol.vocabulary import TREATMENT_PHASES, Advice, Analyte, DoseAction, Drug, Phase

TODAY = date(2024, 9, 10)
ANAKINRA, DEX = Drug.ANAKINRA, Drug.DEXAMETHASONE
LOW, HIGH = Phase.LOW_DEX_7_12, Phase.HIGH_DEX
PLAIN = Picture(TODAY, Phase.INDUCTION, planned_mg=((ANAKINRA, Decimal(100)), (DEX, Decimal(20))))


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def anc(value: str, days: int = 2) -> Reading:
    return Reading(Analyte.ANC, Decimal(value), "10*9/L", days_ago(days), "visit:m06")


def clearance(value: int) -> Reading:
    return Reading(Analyte.CRCL, Decimal(value), "mL/min", days_ago(2), "visit:m06")


def event(term: str, grade: int, *, over: bool = False, serious: bool = False) -> Event:
    return Event(term, grade, days_ago(10), over, serious, "adverse_event:1")


def infusion(name: str = "Ceftriaxone 2 g intravenously", ended: int | None = None) -> Medicine:
    until = None if ended is None else days_ago(ended)
    return Medicine(name, days_ago(9), until, "medication:1", is_intravenous(name, "") is True)


def missed(drug: Drug, days: int) -> MissedDose:
    return MissedDose(drug, days_ago(days), f"day:{days_ago(days)}")


def order(action: DoseAction, drug: Drug = ANAKINRA, days: int = 8, mg: int | None = None) -> Modification:
    return Modification(drug, action, days_ago(days), None, Decimal(mg) if mg else None)


HELD = order(DoseAction.HOLD)
#: Rule -> what is so, and what has to be different so that it is not met.
MET: dict[str, dict[str, object]] = {
    "M-A1": {"readings": (anc("0.99"),)},
    "M-A2": {"events": (event("Sinusitis", 3),)},
    "M-A3": {"events": (event("Skin infection", 2),), "medicines": (infusion(),)},
    "M-A4": {"events": (event("Shingles", 2, serious=True),)},
    "M-A5": {"events": (event("Anaphylaxis", 3, over=True),)},
    "M-A6": {"readings": (anc("1.5"),), "orders": (HELD,)},
    "M-A7": {"readings": (clearance(29),)},
    "M-D1": {"phase": LOW, "events": (event("Hyperglycemia", 3),)},
    "M-D2": {"phase": HIGH, "events": (event("Psychosis", 3),), "planned_mg": ((DEX, Decimal(40)),)},
    "M-M1": {"missed": (missed(ANAKINRA, 1),)},
    "M-M2": {"phase": LOW, "missed": (missed(DEX, 3),)},
    "M-M3": {"phase": LOW, "missed": (missed(DEX, 4),)},
}
NOT_MET: list[tuple[str, dict[str, object]]] = [
    ("M-A1", {"readings": (anc("1.0"),)}),
    ("M-A1", {"readings": (anc("0.5", 30), anc("1.2"))}),
    ("M-A1", {"readings": (anc("0.5"),), "orders": (HELD,)}),
    ("M-A1", {"readings": (anc("0.5"),), "orders": (order(DoseAction.STOP),)}),
    ("M-A1", {"readings": (anc("0.5"),), "phase": Phase.FOLLOW_UP}),
    ("M-A1", {}),
    ("M-A2", {"events": (event("Sinusitis", 2),)}),
    ("M-A2", {"events": (event("Sinusitis", 3, over=True),)}),
    ("M-A2", {"events": (event("Headache", 3),)}),
    ("M-A3", {"events": (event("Skin infection", 2),), "medicines": (infusion("Ivermectin"),)}),
    ("M-A3", {"events": (event("Skin infection", 2),), "medicines": (infusion(ended=3),)}),
    ("M-A3", {"events": (event("Skin infection", 2, over=True),), "medicines": (infusion(),)}),
    ("M-A4", {"events": (event("Shingles", 2),)}),
    ("M-A4", {"events": (event("Shingles", 2, serious=True),), "orders": (order(DoseAction.STOP),)}),
    ("M-A5", {"events": (event("Allergic reaction", 3),)}),
    ("M-A6", {"readings": (anc("1.4"),), "orders": (HELD,)}),
    ("M-A6", {"readings": (anc("2.0", 20),), "orders": (HELD,)}),
    ("M-A6", {"readings": (anc("2.0"),), "orders": (HELD,), "events": (event("Sepsis", 3),)}),
    ("M-A6", {"readings": (anc("2.0"),)}),
    ("M-A6", {"orders": (HELD,)}),
    ("M-A7", {"readings": (clearance(30),)}),
    ("M-A7", {"readings": (clearance(20),), "orders": (order(DoseAction.REDUCE, mg=50),)}),
    ("M-D1", {"phase": HIGH, "events": (event("Hyperglycemia", 3),)}),
    ("M-D1", {"phase": LOW, "events": (event("Hyperglycemia", 2),)}),
    ("M-D1", {"phase": LOW, "events": (event("Mania", 3),), "orders": (order(DoseAction.REDUCE, DEX, 8, 12),)}),
    ("M-D2", {"phase": LOW, "events": (event("Psychosis", 3),)}),
    ("M-M1", {"missed": (missed(ANAKINRA, 2),)}),
    ("M-M2", {"phase": LOW, "missed": (missed(DEX, 4),)}),
    ("M-M2", {"phase": HIGH, "missed": (missed(DEX, 1),)}),
    ("M-M3", {"phase": LOW, "missed": (missed(DEX, 3),)}),
    ("M-M3", {"phase": LOW, "missed": (missed(DEX, 7),)}),
]


def found(**so: object) -> set[str]:
    return {one.rule.id for one in suggestions(replace(PLAIN, **so), DOSE_RULES)}  # type: ignore[arg-type]


def test_every_rule_has_a_case_and_says_that_nobody_confirmed_it() -> None:
    assert list(MET) == [rule.id for rule in DOSE_RULES]
    assert {name for name, _ in NOT_MET} == set(MET)
    assert TRIAL.dose_rules == DOSE_RULES
    assert not any(rule.confirmed for rule in DOSE_RULES)
    assert all(rule.source and rule.when and rule.words for rule in DOSE_RULES)


@pytest.mark.req("E10")
@pytest.mark.parametrize("rule", list(MET))
def test_a_rule_is_met_and_names_what_it_rests_on(rule: str) -> None:
    met = [one for one in suggestions(replace(PLAIN, **MET[rule]), DOSE_RULES) if one.rule.id == rule]  # type: ignore[arg-type]
    assert len(met) == 1
    assert met[0].evidence
    assert all(each.words and each.source and each.on <= TODAY for each in met[0].evidence)


@pytest.mark.req("E10")
@pytest.mark.parametrize(("rule", "so"), NOT_MET)
def test_a_rule_is_not_met(rule: str, so: dict[str, object]) -> None:
    assert rule not in found(**so)


def test_steps_go_down_from_what_is_given_now() -> None:
    def mg(phase: Phase, *orders: Modification, planned: int = 20) -> tuple[Decimal | None, bool, str]:
        picture = replace(
            PLAIN, phase=phase, events=(event("Mania", 3),), orders=orders, planned_mg=((DEX, Decimal(planned)),)
        )
        (one,) = suggestions(picture, DOSE_RULES)
        return one.mg, one.is_lowest, one.words

    assert mg(LOW)[0] == 12
    before = order(DoseAction.REDUCE, DEX, 30, 12)  # of an earlier event
    assert mg(LOW, before)[0] == 8
    assert mg(LOW, before, order(DoseAction.REDUCE, DEX, 20, 4))[1:] == (
        True, "Reduce weekly dexamethasone by a step: no lower one is listed",
    )  # fmt: skip
    assert [mg(HIGH, planned=planned)[0] for planned in (40, 20, 10)] == [20, 10, None]


def test_an_unknown_dose_is_no_lowest_one() -> None:
    (one,) = suggestions(replace(PLAIN, phase=HIGH, events=(event("Mania", 3),), planned_mg=()), DOSE_RULES)
    assert (one.mg, one.is_lowest, one.words) == (None, False, "Reduce high-dose dexamethasone by a step")


@pytest.mark.parametrize(
    ("name", "is_so"),
    [("Ceftriaxone IV", True), ("i.v. fluids", True), ("Intravenous immunoglobulin", True), ("Amoxicillin", False),
     ("Ivermectin", False), ("Divalproex", False), ("antibiotic infusion", True)],
)  # fmt: skip
def test_what_is_given_intravenously_is_known_by_its_name(name: str, *, is_so: bool) -> None:
    assert infusion(name).is_intravenous is is_so


def test_terms_are_those_that_are_offered_and_every_kind_of_trigger_is_used() -> None:
    assert set(ALLOWED_GRADES) >= INFECTIONS | OF_DEXAMETHASONE | {"Anaphylaxis"}
    assert {type(rule.trigger) for rule in DOSE_RULES} == set(get_args(Trigger))
    assert {rule.advice for rule in DOSE_RULES} == set(Advice)


def test_the_document_shows_every_row_with_its_mark() -> None:
    section = next(one for one in document.sections(TRIAL) if one.heading == "Dose modification")
    assert [row[0] for row in section.rows] == [rule.id for rule in DOSE_RULES]
    assert {row[-1] for row in section.rows} == {"not confirmed"}


TERMS = sorted(INFECTIONS | OF_DEXAMETHASONE | {"Anaphylaxis", "Headache"})
PICTURES = st.builds(
    Picture,
    today=st.just(TODAY),
    phase=st.sampled_from(Phase),
    readings=st.tuples(st.builds(anc, st.sampled_from(["0.2", "0.9", "1.5", "3.0"]), st.integers(0, 40)),
                       st.builds(clearance, st.integers(5, 90))),
    events=st.lists(st.builds(event, st.sampled_from(TERMS), st.integers(1, 5), over=st.booleans(),
                              serious=st.booleans()), max_size=3).map(tuple),
    medicines=st.lists(st.builds(infusion, ended=st.sampled_from([None, 1])), max_size=1).map(tuple),
    missed=st.lists(st.builds(missed, st.sampled_from(Drug), st.integers(0, 9)), max_size=2).map(tuple),
    orders=st.lists(st.builds(order, st.sampled_from(DoseAction), st.sampled_from(Drug), st.integers(0, 30),
                              st.sampled_from([None, 4, 8, 12, 50])), max_size=2).map(tuple),
    planned_mg=st.just(PLAIN.planned_mg),
)  # fmt: skip


@pytest.mark.req("E10")
@given(PICTURES)
def test_whatever_is_so_the_suggestions_do_not_contradict_what_is_ordered_or_each_other(picture: Picture) -> None:
    met = suggestions(picture, DOSE_RULES)
    assert met == suggestions(picture, DOSE_RULES)
    if picture.phase not in TREATMENT_PHASES:
        assert met == ()
    advice = {(one.rule.drug, one.rule.advice) for one in met}
    for drug in Drug:
        actions = {one.action for one in picture.orders if one.drug is drug}
        assert not (DoseAction.STOP in actions and advice & {(drug, one) for one in Advice if one is not Advice.NOTE})
        assert not (DoseAction.HOLD in actions and (drug, Advice.HOLD) in advice)
        assert not ((drug, Advice.RESUME) in advice and (drug, Advice.STOP) in advice)
    for one in met:
        assert one.evidence
        assert one.mg is None or one.mg < max(mg for drug, mg in picture.planned_mg if drug is one.rule.drug)


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        (DoseAction.REDUCE, DoseAction.HOLD, ["50", "0", "50"]),
        (DoseAction.HOLD, DoseAction.REDUCE, ["0", "50", "0"]),
    ],
)
def test_of_two_orders_the_one_that_began_last_is_in_force(
    first: DoseAction, second: DoseAction, wanted: list[str]
) -> None:
    """The second stands within the first, from the second to the fourth; in whatever order they are listed."""
    dose = planned_doses([PhaseInterval(Phase.INDUCTION, date(2024, 2, 1))], date(2024, 2, 1), TRIAL)[0]
    orders = [
        Modification(Drug.ANAKINRA, action, date(2024, 2, start), date(2024, 2, end), Decimal(50))
        for action, start, end in ((first, 1, 9), (second, 2, 4))
    ]
    for listed in (orders, orders[::-1]):
        amounts = [ordered_mg(replace(dose, on=date(2024, 2, day)), listed) for day in (1, 3, 5)]
        assert [str(one) for one in amounts] == wanted


def test_an_order_never_raises_a_dose() -> None:
    dose = planned_doses([PhaseInterval(Phase.INDUCTION, date(2024, 2, 1))], date(2024, 2, 1), TRIAL)[0]
    order = Modification(Drug.ANAKINRA, DoseAction.REDUCE, dose.on, mg=dose.mg + 50)
    assert ordered_mg(dose, [order]) == dose.mg
