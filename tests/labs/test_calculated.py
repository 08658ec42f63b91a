"""Values that follow from others: formula, figures and rule; None, never 0, where a source is missing."""

from __future__ import annotations

from decimal import Decimal

import pytest

from labs.calculated import Calculated, Person, calculated
from protocol.samples import RELEVANT
from protocol.vocabulary import Analyte

KAPPA, LAMBDA = Analyte.FLC_KAPPA, Analyte.FLC_LAMBDA
PROTEIN, SHARE = Analyte.URINE_PROTEIN, Analyte.URINE_M_SHARE
CONC, VOLUME = Analyte.URINE_M_CONC, Analyte.URINE_VOLUME
MAN, WOMAN = Person(66, "M", Decimal("71.5")), Person(66, "F", Decimal("71.5"))


def made(values: dict[Analyte, str], person: Person = MAN) -> dict[str, tuple[str, str]]:
    """Key -> value rounded as shown, and the figures."""
    known = {analyte: Decimal(text) for analyte, text in values.items()}
    return {one.key: (shown(one), one.figures(known)) for one in calculated(known, person)}


def shown(one: Calculated) -> str:
    return "" if one.value is None else str(round(one.value, one.places))


@pytest.mark.req("E10")
@pytest.mark.parametrize(
    ("values", "person", "key", "value", "figures"),
    [
        ({KAPPA: "48.2", LAMBDA: "9.1"}, MAN, "flc_ratio", "5.30", "48.2 ÷ 9.1"),
        ({KAPPA: "48.2", LAMBDA: "0"}, MAN, "flc_ratio", "", "48.2 ÷ 0"),
        ({KAPPA: "48.2"}, MAN, "flc_ratio", "", ""),
        ({KAPPA: "48.2", LAMBDA: "9.1"}, MAN, "dflc", "39.10", "48.2 − 9.1"),
        ({KAPPA: "9.1", LAMBDA: "48.2"}, MAN, "dflc", "39.10", "48.2 − 9.1"),
        ({KAPPA: "9", LAMBDA: "48"}, Person(66, "M", None, Decimal(5)), "dflc", "0.00", "9 − 48"),
        ({Analyte.CALCIUM: "10", Analyte.ALBUMIN: "3.5"}, MAN, "calcium_corrected", "10.40", "10 + 0.8 × (4.0 − 3.5)"),
        ({Analyte.CREATININE: "1.1"}, MAN, "crcl_calculated", "67", "(140 − 66) × 71.5 ÷ (72 × 1.1)"),
        ({Analyte.CREATININE: "1.1"}, WOMAN, "crcl_calculated", "57", "(140 − 66) × 71.5 ÷ (72 × 1.1) × 0.85"),
        ({PROTEIN: "1800", SHARE: "30"}, MAN, "urine_m_of_share", "540", "1800 × 30 ÷ 100"),
        ({CONC: "36", VOLUME: "1500"}, MAN, "urine_m_of_volume", "540", "36 × 1500 ÷ 100"),
        ({CONC: "36", PROTEIN: "1800"}, MAN, "urine_m_of_volume", "", ""),
        ({PROTEIN: "1800", SHARE: "0"}, MAN, "urine_m_of_share", "0", "1800 × 0 ÷ 100"),
    ],
)
def test_a_value_is_made_with_its_figures(
    values: dict[Analyte, str], person: Person, key: str, value: str, figures: str
) -> None:
    assert made(values, person)[key] == (value, figures)


@pytest.mark.req("E10")
@pytest.mark.parametrize("person", [MAN, WOMAN])
def test_the_browser_computes_a_clearance_with_the_same_constant(person: Person) -> None:
    """While somebody types, the page divides the constant by the creatinine."""
    values = {Analyte.CREATININE: Decimal("1.1")}
    (one,) = (found for found in calculated(values, person) if found.key == "crcl_calculated")
    assert one.constant is not None
    assert one.value is not None
    assert round(one.constant / values[Analyte.CREATININE], 3) == round(one.value, 3)


@pytest.mark.req("E10")
def test_what_cannot_be_told_is_not_shown() -> None:
    assert "dflc" not in made({KAPPA: "10", LAMBDA: "10"})
    assert "crcl_calculated" not in made({Analyte.CREATININE: "1.1"}, Person(66, "M"))
    assert "crcl_calculated" not in made({Analyte.CREATININE: "1.1", Analyte.CRCL: "70"})


def test_a_reported_urine_m_protein_goes_before_a_calculated_one() -> None:
    found = made({PROTEIN: "1800", SHARE: "30", CONC: "36", VOLUME: "1500", Analyte.URINE_M: "0"})
    assert not {"urine_m_of_share", "urine_m_of_volume"} & set(found)


def test_the_response_rules_read_no_calculated_urine_m_protein() -> None:
    assert not {SHARE, CONC} & RELEVANT
    advice = [one.rule for one in calculated({}, MAN) if one.key.startswith("urine_m")]
    assert all("response rules read no calculated row" in one for one in advice)


def test_age_is_said_to_be_approximate() -> None:
    (found,) = (one for one in calculated({}, MAN) if one.key == "crcl_calculated")
    assert ("about" in found.label, "year of birth" in found.rule) == (True, True)
