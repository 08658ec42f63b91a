"""The statements of the abstract at the edges of what they say, on patients made up for it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from protocol.versions import ORIGINAL
from protocol.vocabulary import Analyte
from reporting.abstract import agreement
from reporting.abstract_statements import (
    AGREES,
    DIFFERS,
    OPEN,
    Held,
    Patient,
    Statement,
    share_of,
    statements,
    sum_of,
)

MARROW = "Qualified with an M-protein below 3.0 g/dL, so by marrow of 10% or more"
LABELLING = "Labelling index fell by 75 to 100%"
AT_ENTRY = "Labelling index at entry"
CRP = "hs-CRP fell in the seven"
M_PROTEIN = "Little effect on the M-protein (less than 25% either way)"


def patient(m_protein: str, marrow: str | None, *, six_months: str | None = None, labelling: str = "0.5") -> Patient:
    """Labelling index 2 on study; the M-protein stays unless a value after six months is given."""
    return Patient(
        on_study={Analyte.SERUM_M: Decimal(m_protein), Analyte.PCLI: Decimal(2), Analyte.HS_CRP: Decimal(1)},
        six_months={
            Analyte.SERUM_M: Decimal(six_months or m_protein),
            Analyte.PCLI: Decimal(labelling),
            Analyte.HS_CRP: Decimal("0.5"),
        },
        marrow=None if marrow is None else Decimal(marrow),
        low_dose=False,
    )


#: Three by the M-protein, at its very limit; four by the marrow, at its very limit.
SEVEN = [patient("3.0", None)] * 3 + [patient("2.9", "10")] * 4


def said(words: str, seven: list[Patient]) -> Statement:
    return next(one for one in statements(Held(seven, 7, ORIGINAL)) if one.words == words)


def test_the_limits_themselves_qualify() -> None:
    found = said(MARROW, SEVEN)
    assert found.computed == "4 of 7 below 3.0 g/dL, 4 of them qualify by marrow"
    assert found.verdict == AGREES
    assert said(MARROW, [*SEVEN[:6], patient("2.9", "9.9")]).verdict == DIFFERS


@pytest.mark.parametrize(("after", "verdict"), [("0.5", AGREES), ("0.52", DIFFERS)])
def test_a_fall_of_75_percent_counts_and_less_does_not(after: str, verdict: str) -> None:
    assert said(LABELLING, [*SEVEN[:6], patient("2.9", "10", labelling=after)]).verdict == verdict


@pytest.mark.parametrize(
    ("after", "verdict"), [("2.26", AGREES), ("3.74", AGREES), ("2.25", DIFFERS), ("3.75", DIFFERS)]
)
def test_a_quarter_is_no_little_effect_in_either_direction(after: str, verdict: str) -> None:
    assert said(M_PROTEIN, [*SEVEN[1:], patient("3.0", None, six_months=after)]).verdict == verdict


@pytest.mark.parametrize(
    ("lowest", "highest", "verdict"),
    [("0.2", "4.1", AGREES), ("0.3", "4.1", DIFFERS), ("0.2", "4.0", DIFFERS), ("0.1", "4.1", DIFFERS)],
)
def test_both_ends_of_the_range_at_entry_are_held_against_the_print(lowest: str, highest: str, verdict: str) -> None:
    first, second, *others = SEVEN
    ends = [with_index(first, lowest), with_index(second, highest)]
    assert said(AT_ENTRY, [*ends, *others]).verdict == verdict


def with_index(one: Patient, index: str) -> Patient:
    return replace(one, on_study={**one.on_study, Analyte.PCLI: Decimal(index)})


@pytest.mark.parametrize(
    ("least", "most", "verdict"),
    [
        ("0.57", "0.10", AGREES),
        ("0.58", "0.10", DIFFERS),
        ("0.57", "0.11", DIFFERS),
        ("0.574", "0.104", AGREES),
        ("0.565", "0.10", DIFFERS),
    ],
)
def test_both_ends_of_the_falls_of_hs_crp_are_held_against_the_print(least: str, most: str, verdict: str) -> None:
    first, second, *others = SEVEN
    ends = [with_crp(first, least), with_crp(second, most)]
    assert said(CRP, [*ends, *others]).verdict == verdict


def with_crp(one: Patient, after: str) -> Patient:
    return replace(one, six_months={**one.six_months, Analyte.HS_CRP: Decimal(after)})


def test_of_six_nothing_is_judged_that_is_said_of_seven() -> None:
    for words in (MARROW, LABELLING, AT_ENTRY, CRP, M_PROTEIN):
        found = said(words, SEVEN[:6])
        assert (found.verdict, found.computed, found.because) == (OPEN, "", "Only 6 of the seven are in reach.")


def test_a_regimen_of_another_dose_differs() -> None:
    other = {**ORIGINAL.parameters, "low_dex_mg": replace(ORIGINAL.parameters["low_dex_mg"], value="40")}
    found = {one.words: one for one in statements(Held(SEVEN, 7, replace(ORIGINAL, parameters=other)))}
    daily, weekly = found["Anakinra every day for six months"], found["Dexamethasone once a week"]
    assert (daily.computed, daily.verdict) == ("100 mg", AGREES)
    assert (weekly.computed, weekly.verdict) == ("40 mg", DIFFERS)


@pytest.mark.parametrize(("printed", "verdict"), [("80.0% (95% CI 28.4 to 99.5)", AGREES), ("80.0%", DIFFERS)])
def test_an_interval_that_is_not_the_printed_one_differs(printed: str, verdict: str) -> None:
    assert share_of("Four of five", 4, 5, printed)(Held(SEVEN, 7, ORIGINAL)).verdict == verdict


@pytest.mark.parametrize(("total", "verdict"), [(11, AGREES), (12, DIFFERS)])
def test_groups_that_are_not_the_whole_differ(total: int, verdict: str) -> None:
    assert sum_of("The groups", (7, 3, 1), total)(Held(SEVEN, 7, ORIGINAL)).verdict == verdict


@pytest.mark.parametrize(
    ("printed", "words"), [("-3.571", "differs"), ("-4", "rounded"), ("-3", "truncated"), ("-5", "differs")]
)
def test_a_printed_change_is_rounded_or_cut_off_or_differs(printed: str, words: str) -> None:
    assert agreement(Decimal("2.8"), Decimal("2.7"), Decimal(printed)).words == words


def test_only_those_who_had_low_dose_went_on_to_dexamethasone() -> None:
    seven = [replace(one, low_dose=at < 2) for at, one in enumerate(SEVEN)]
    assert said("Went on to anakinra with dexamethasone", seven).computed == "2 of the 7 found here"
