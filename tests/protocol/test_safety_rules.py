"""Expectedness, prohibited medication and the words of a grade's criterion."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from protocol.ctcae import ROWS
from protocol.ctcae_terms import ALLOWED_GRADES
from protocol.ctcae_words import criterion
from protocol.expectedness import LISTS, expectedness, list_in_force
from protocol.prohibited import PROHIBITED, prohibited
from protocol.vocabulary import CtcaeVersion, Drug

CASES = Path(__file__).parent / "cases" / "clinical_cases.json"
BEFORE, AFTER = date(2025, 9, 30), date(2025, 10, 1)


@pytest.mark.parametrize(
    ("term", "grade", "drug", "on", "expected"),
    [
        ("Injection site reaction", 3, Drug.ANAKINRA, BEFORE, True),
        ("Injection site reaction", 2, Drug.DEXAMETHASONE, BEFORE, False),
        ("Insomnia", 2, Drug.DEXAMETHASONE, BEFORE, True),
        ("Insomnia", 2, Drug.ANAKINRA, BEFORE, False),
        ("Sepsis", 4, Drug.ANAKINRA, BEFORE, True),
        ("Sepsis", 5, Drug.ANAKINRA, BEFORE, False),
        ("Amyloidosis", 3, Drug.ANAKINRA, BEFORE, False),
        ("Amyloidosis", 3, Drug.ANAKINRA, AFTER, True),
    ],
)
def test_an_event_is_expected_by_the_list_in_force(
    term: str, grade: int, drug: Drug, on: date, *, expected: bool
) -> None:
    found = expectedness(term, grade, drug, on)
    assert found.is_expected is expected
    assert found.list_version == list_in_force(on).version in found.words


def test_lists_are_in_order_and_name_terms_that_are_offered() -> None:
    assert [one.in_force_from for one in LISTS] == sorted(one.in_force_from for one in LISTS)
    assert list_in_force(date(1999, 1, 1)) is LISTS[0]
    assert list_in_force(BEFORE) is not list_in_force(AFTER)
    offered = set(ALLOWED_GRADES) | {"Amyloidosis"}
    assert {term for one in LISTS for terms in one.terms.values() for term in terms} <= offered


@pytest.mark.parametrize(
    ("term", "grade", "drug", "expected"),
    [
        ("Headache", 1, Drug.ANAKINRA, True),
        ("Headache", 2, Drug.ANAKINRA, False),
        ("Sepsis", 2, Drug.ANAKINRA, True),
        ("Sepsis", 4, Drug.DEXAMETHASONE, True),
        ("Sepsis", 5, Drug.DEXAMETHASONE, False),
    ],
)
def test_a_list_can_give_a_term_its_own_highest_grade(term: str, grade: int, drug: Drug, *, expected: bool) -> None:
    """Of one drug; other terms keep the grade of the list, and death is listed by none."""
    own = {(Drug.ANAKINRA, "Headache"): 1, (Drug.DEXAMETHASONE, "Sepsis"): 5}
    graded = replace(LISTS[0], grades=own)
    assert expectedness(term, grade, drug, BEFORE, (graded,)).is_expected is expected


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Etanercept 50 mg weekly", "TNF"),
        ("REMICADE", "TNF"),
        ("canakinumab", "IL1"),
        ("Thalidomide", "ANTI_MYELOMA"),
        ("Prednisone 5 mg", "STEROID"),
        ("MMR booster", "LIVE_VACCINE"),
        ("methotrexate", "IMMUNOSUPPRESSANT"),
        ("Paracetamol", ""),
        ("Methylprednisolonex", ""),
        ("", ""),
    ],
)
def test_a_prohibited_medication_is_known_by_its_name(name: str, code: str) -> None:
    found = prohibited(name)
    assert (found.code if found else "") == code


def test_no_name_stands_in_two_classes() -> None:
    names = [name for one in PROHIBITED for name in one.names]
    assert len(names) == len(set(names))
    assert names == [name.lower() for name in names]


@pytest.mark.parametrize(
    ("term", "grade", "words"),
    [
        ("Neutrophil count decreased", 1, "below lower limit to 1.5 10*9/L"),
        ("Neutrophil count decreased", 2, "below 1.5 to 1.0 10*9/L"),
        ("Neutrophil count decreased", 4, "below 0.5 10*9/L"),
        ("Creatinine increased", 2, "above 1.5 x baseline or 1.5 x upper limit to 3 x baseline or 3 x upper limit"),
        ("Fever", 1, "from 38.0 to 39.0 Cel"),
        ("Anemia", 4, ""),
        ("Headache", 2, ""),
        ("Neutrophil count decreased", 5, ""),
    ],
)
def test_the_criterion_of_a_grade_is_told_in_words(term: str, grade: int, words: str) -> None:
    assert criterion(term, CtcaeVersion.V5, grade) == words


@pytest.mark.req("D3")
def test_ninety_terms_are_offered_with_exactly_the_grades_that_the_list_of_the_agency_has() -> None:
    """The list among the clinical cases was taken from the published table independently of the one that is shipped."""
    listed = json.loads(CASES.read_text())["vectors"]["ctcae_v5_allowed_grades"]
    assert len(listed) == len(ALLOWED_GRADES) == 90
    assert {term: list(grades) for term, grades in ALLOWED_GRADES.items()} == listed


@pytest.mark.req("D3")
def test_a_grade_that_a_result_suggests_exists_for_its_term() -> None:
    """Of the terms that results are graded by; a grade without a limit is judged by a person."""
    suggested = {
        (row.term, number)
        for row in ROWS
        if CtcaeVersion.V5 in row.versions and row.term in ALLOWED_GRADES
        for number, limbs in enumerate(row.grades, 1)
        if limbs
    }
    assert len({term for term, _ in suggested}) >= 15
    assert [one for one in suggested if one[1] not in ALLOWED_GRADES[one[0]]] == []
