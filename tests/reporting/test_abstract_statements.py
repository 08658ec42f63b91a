"""The statements of the abstract at the edges of what they say, on patients made up for it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from protocol.versions import ORIGINAL
from protocol.vocabulary import Analyte
from reporting.abstract_statements import AGREES, DIFFERS, Held, Patient, Statement, statements

MARROW = "Qualified with an M-protein below 3.0 g/dL, so by marrow of 10% or more"
LABELLING = "Labelling index fell by 75 to 100%"
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


def test_only_those_who_had_low_dose_went_on_to_dexamethasone() -> None:
    seven = [replace(one, low_dose=at < 2) for at, one in enumerate(SEVEN)]
    assert said("Went on to anakinra with dexamethasone", seven).computed == "2 of the 7 found here"
