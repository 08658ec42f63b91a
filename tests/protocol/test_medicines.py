"""Recorded medication as eligibility reads it: names, routes, days; and what it does to E01 and E03."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.eligibility import Evidence, judge, record_name
from protocol.explain import Truth
from protocol.medicines import (
    AGENT,
    ANTIBIOTIC,
    ANTIBIOTICS,
    COUNTS,
    INTERACTING,
    Days,
    Recorded,
    interacting,
    is_intravenous,
    kind_read,
    was_taken,
)
from protocol.prohibited import prohibited
from protocol.trial import TRIAL
from protocol.vocabulary import CriterionOutcome, Route
from tests.protocol.test_rules import GOOD

TODAY = date(2026, 6, 1)
MET, NOT_MET, OPEN = CriterionOutcome.MET, CriterionOutcome.NOT_MET, CriterionOutcome.INDETERMINATE
#: Days before registration: first and last possible; a single number is a day that is known.
Ago = int | tuple[int, int]


def days(ago: Ago) -> Days:
    most, least = (ago, ago) if isinstance(ago, int) else ago
    return Days(TODAY - timedelta(days=most), TODAY - timedelta(days=least))


def medicine(name: str, began: Ago, ended: Ago | None = None, route: str = Route.INTRAVENOUS) -> Recorded:
    return Recorded(name, route, days(began), None if ended is None else days(ended), "medication:1", name)


@pytest.mark.parametrize(
    ("name", "kind", "label"),
    [
        ("Thalidomide 50 mg", AGENT, "etanercept, infliximab or thalidomide"),
        ("ENBREL", AGENT, "etanercept, infliximab or thalidomide"),
        ("infliximab-dyyb (Inflectra)", AGENT, "etanercept, infliximab or thalidomide"),
        ("Humira", AGENT, "other TNF blocker"),
        ("rilonacept", AGENT, "other IL-1 blocker"),
        ("Lenalidomide", None, ""),
        ("Ceftriaxone 2 g", ANTIBIOTIC, ""),
        ("ceftriaxon", ANTIBIOTIC, ""),
        ("Ampicillin-sulbactam", ANTIBIOTIC, ""),
        ("Meropenem", ANTIBIOTIC, ""),
        ("levofloxacin 500", ANTIBIOTIC, ""),
        ("Vancomycin", ANTIBIOTIC, ""),
        ("IV antibiotics, name not known", ANTIBIOTIC, ""),
        ("Bleomycin", None, ""),
        ("Acyclovir", None, ""),
        ("Fluconazole", None, ""),
        ("Zoledronic acid", None, ""),
        ("Penicillinase", None, ""),
        ("Decaf", None, ""),
        ("", None, ""),
    ],
)
def test_a_drug_is_known_by_its_name(name: str, kind: str | None, label: str) -> None:
    assert kind_read(medicine(name, 5)) == kind
    found = interacting(name)
    assert (found.label if found else "") == label


def test_the_tables_are_sourced_and_small_and_each_name_is_found_once() -> None:
    tables = (*INTERACTING, ANTIBIOTICS)
    names = [name for table in tables for name in table.names]
    assert len(names) == len(set(names))
    assert names == [name.lower() for name in names]
    assert [table.confirmed for table in INTERACTING] == [True, False, False]
    assert all(table.confirmed or "proposed" in table.source for table in tables)
    assert set(COUNTS) == {kind for criterion in TRIAL.criteria for kind in criterion.records}


def test_what_rules_a_subject_out_is_asked_about_during_treatment_too() -> None:
    assert {name for table in INTERACTING for name in table.names if prohibited(name) is None} == set()


@pytest.mark.parametrize(
    ("name", "route", "expected"),
    [
        ("Cefazolin", Route.INTRAVENOUS, True),
        ("Cefazolin", Route.ORAL, False),
        ("Cefazolin", "", None),
        ("Cefazolin", Route.UNKNOWN, None),
        ("Cefazolin IV", "", True),
        ("Cefazolin i.v.", Route.ORAL, True),
        ("Gentamicin", Route.EYE, False),
        ("Ivermectin", "", None),
    ],
)
def test_the_route_decides_and_a_name_that_says_so_counts(name: str, route: str, expected: Truth) -> None:
    assert is_intravenous(name, route) is expected


#: Antibiotic: began and ended, days before registration; route -> E03. Ongoing without an end.
E03: list[tuple[Ago, Ago | None, str, CriterionOutcome]] = [
    (100, 85, Route.INTRAVENOUS, MET),
    (100, 84, Route.INTRAVENOUS, NOT_MET),
    (100, 0, Route.INTRAVENOUS, NOT_MET),
    (100, None, Route.INTRAVENOUS, NOT_MET),
    (0, None, Route.INTRAVENOUS, NOT_MET),
    (-1, None, Route.INTRAVENOUS, MET),
    (20, 10, Route.ORAL, MET),
    (20, 10, Route.TOPICAL, MET),
    (20, 10, Route.UNKNOWN, OPEN),
    (20, 10, "", OPEN),
    (200, 100, "", MET),
    ((130, 100), (115, 85), Route.INTRAVENOUS, MET),
    ((130, 100), (114, 84), Route.INTRAVENOUS, OPEN),
    ((130, 100), (84, 60), Route.INTRAVENOUS, NOT_MET),
    ((130, 100), (85, 60), Route.INTRAVENOUS, OPEN),
    ((130, 100), (84, 60), "", OPEN),
    ((30, 0), None, Route.INTRAVENOUS, NOT_MET),
    ((10, -20), (10, -20), Route.INTRAVENOUS, OPEN),
]


@pytest.mark.req("D2", "D6")
@pytest.mark.parametrize(("began", "ended", "route", "expected"), E03)
def test_an_intravenous_antibiotic_counts_for_84_days(
    began: Ago, ended: Ago | None, route: str, expected: CriterionOutcome
) -> None:
    assert judged(medicine("Ceftriaxone", began, ended, route))["E03"] is expected
    assert judged(medicine("Ibuprofen", began, ended, route))["E03"] is MET


#: Agent that may interact: began and ended -> E01. It counts on the day of registration, whatever its route.
E01: list[tuple[Ago, Ago | None, CriterionOutcome]] = [
    (300, None, NOT_MET),
    (300, 0, NOT_MET),
    (300, 1, MET),
    (0, None, NOT_MET),
    (-1, None, MET),
    (300, (20, 0), OPEN),
    (300, (20, 1), MET),
    ((300, 0), None, NOT_MET),
    ((20, -10), None, OPEN),
]


@pytest.mark.req("D2", "D6")
@pytest.mark.parametrize("route", [Route.ORAL, ""])
@pytest.mark.parametrize(("began", "ended", "expected"), E01)
def test_an_agent_that_may_interact_counts_while_it_is_taken(
    began: Ago, ended: Ago | None, expected: CriterionOutcome, route: str
) -> None:
    assert judged(medicine("Thalidomide", began, ended, route))["E01"] is expected
    assert judged(medicine("Lenalidomide", began, ended, route))["E01"] is MET


def judged(*medicines: Recorded, **changed: object) -> dict[str, CriterionOutcome]:
    """Outcome by criterion of somebody who is eligible, with these medications recorded beside the answers."""
    evidence = {name: Evidence(value) for name, value in {**GOOD, **changed}.items()}
    for one in medicines:
        if kind := kind_read(one):
            evidence[record_name(kind, one.source)] = Evidence(COUNTS[kind](one, TODAY), None, "", one.source, one.told)
    return {one.criterion_id: one.outcome for one in judge(evidence, TRIAL)}


#: What was answered about E01 and E03, and whether a record counts -> outcome. The record never loses.
TOGETHER = [
    (False, "never", True, NOT_MET),
    (False, "never", None, OPEN),
    (False, "never", False, MET),
    (None, None, True, NOT_MET),
    (None, None, None, OPEN),
    (None, None, False, OPEN),
    (True, 10, True, NOT_MET),
    (True, 10, None, NOT_MET),
    (True, 10, False, NOT_MET),
]


@pytest.mark.req("D2", "D5")
@pytest.mark.parametrize(("taken", "given_days", "counts", "expected"), TOGETHER)
def test_an_answer_never_outweighs_a_record(
    taken: Truth, given_days: str | int | None, counts: Truth, expected: CriterionOutcome
) -> None:
    records = {f"{kind}:medication:1": Evidence(counts, note="X") for kind in (AGENT, ANTIBIOTIC)}
    answers = {**GOOD, "tnf_or_thalidomide": taken, "iv_antibiotic_days": given_days}
    evidence = {name: Evidence(value) for name, value in answers.items()} | records
    found = {one.criterion_id: one for one in judge(evidence, TRIAL)}
    for criterion, kind in (("E01", AGENT), ("E03", ANTIBIOTIC)):
        assert found[criterion].outcome is expected
        assert found[criterion].evidence[-1] == (f"{kind}:medication:1", records[f"{kind}:medication:1"])
        assert "X" in found[criterion].why or found[criterion].why.startswith("Missing: ")


def test_of_several_records_the_one_that_counts_decides() -> None:
    records = {f"{ANTIBIOTIC}:medication:{n}": Evidence(value) for n, value in enumerate((False, None, True, False))}
    evidence = {name: Evidence(value) for name, value in GOOD.items()}
    outcomes = {one.criterion_id: one for one in judge(evidence | records, TRIAL)}
    assert outcomes["E03"].outcome is NOT_MET
    assert len([name for name, _ in outcomes["E03"].evidence if name in records]) == 4


SPANS = st.tuples(st.integers(0, 12), st.integers(0, 6)).map(lambda span: (span[0], span[0] + span[1]))


@pytest.mark.req("D6")
@given(SPANS, SPANS, SPANS)
@settings(max_examples=300, deadline=None)
def test_an_unknown_day_is_decided_only_where_every_reading_agrees(
    began: tuple[int, int], ended: tuple[int, int], asked: tuple[int, int]
) -> None:
    """Against every pair of a first and a last day that the words allow."""
    origin = date(2026, 1, 1)

    def of(span: tuple[int, int]) -> Days:
        return Days(*(origin + timedelta(days=day) for day in span))

    one = Recorded("X", "", of(began), of(ended), "medication:1", "X")
    first, last = (origin + timedelta(days=day) for day in asked)
    readings = {
        start <= asked[1] and stop >= asked[0]
        for start in range(began[0], began[1] + 1)
        for stop in range(max(start, ended[0]), ended[1] + 1)
    }
    found = was_taken(one, first, last)
    if found is not None:
        assert readings <= {found}
    if began[0] == began[1] and ended[0] == ended[1]:
        assert found is not None, "known days leave nothing open"
