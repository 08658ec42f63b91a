"""The catalogue of edit checks: each has a case in which it asks and one in which it is silent; none is forgotten."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from protocol import checks
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte

A = Analyte
Found = tuple[checks.Finding, ...]
OPENS, CLOSES = date(2024, 4, 1), date(2024, 4, 30)


def value(analyte: Analyte, typed: str, unit: str, previous: str = "") -> Found:
    return checks.check_value(analyte, typed, unit, TRIAL, Decimal(previous) if previous else None)


def panel(**values: str) -> Found:
    """Results of one sample; words stay words."""
    return checks.check_panel({A(name): Decimal(v) if v[0].isdigit() else v for name, v in values.items()})


def vitals(last_weight: str = "", **values: str) -> Found:
    told = {name: Decimal(value) for name, value in values.items()}
    return tuple(one for _, one in checks.check_vitals(told, Decimal(last_weight) if last_weight else None))


#: Code of the check -> (a case in which it fires, its neighbour in which it does not).
CATALOGUE: dict[str, tuple[Callable[[], Found], Callable[[], Found]]] = {
    "unreadable": (lambda: value(A.HB, "abc", "g/dL"), lambda: value(A.HB, "<11", "g/dL")),
    "negative": (lambda: value(A.HB, "-1", "g/dL"), lambda: value(A.SERUM_M, "0", "g/dL")),
    "not_a_code": (lambda: value(A.SERUM_IFE, "maybe", ""), lambda: value(A.SERUM_IFE, "neg", "")),
    "unit": (lambda: value(A.HB, "11", "mg/L"), lambda: value(A.HB, "110", "g/L")),
    "implausible": (lambda: value(A.HB, "118", "g/dL"), lambda: value(A.HB, "118", "g/L")),
    "jump": (lambda: value(A.PLT, "600", "10*9/L", "190"), lambda: value(A.PLT, "570", "10*9/L", "190")),
    "future": (lambda: checks.check_dates(CLOSES, OPENS), lambda: checks.check_dates(OPENS, OPENS)),
    "impossible": (lambda: checks.check_dates(OPENS, CLOSES, CLOSES), lambda: checks.check_dates(OPENS, CLOSES, OPENS)),
    "window": (
        lambda: checks.check_window(date(2024, 5, 1), OPENS, CLOSES),
        lambda: checks.check_window(CLOSES, OPENS, CLOSES),
    ),
    "vital_implausible": (lambda: vitals(pulse="141"), lambda: vitals(pulse="140")),
    "weight_jump": (lambda: vitals("70", weight_kg="77.1"), lambda: vitals("70", weight_kg="77")),
    "ife_serum": (lambda: panel(serum_ife="neg", serum_m="0.1"), lambda: panel(serum_ife="neg", serum_m="0")),
    "spike_without_band": (
        lambda: panel(spep_text="no_band", serum_m="0.1"),
        lambda: panel(spep_text="band", serum_m="0.1"),
    ),
    "ife_urine": (lambda: panel(urine_ife="neg", urine_m="1"), lambda: panel(urine_ife="pos", urine_m="1")),
    "spike_above_protein": (
        lambda: panel(serum_m="7.1", total_protein="7.0"),
        lambda: panel(serum_m="7.0", total_protein="7.0"),
    ),
    "urine_m_above_protein": (
        lambda: panel(urine_m="91", urine_protein="90"),
        lambda: panel(urine_m="90", urine_protein="90"),
    ),
    "anc_above_wbc": (lambda: panel(anc="5.3", wbc="5.2"), lambda: panel(anc="5.2", wbc="5.2")),
    "lymph_above_wbc": (lambda: panel(lymph="5.3", wbc="5.2"), lambda: panel(lymph="5.2", wbc="5.2")),
}


@pytest.mark.req("D3", "D4")
@pytest.mark.parametrize("code", CATALOGUE)
def test_a_check_asks_in_one_case_and_is_silent_in_its_neighbour(code: str) -> None:
    fires, silent = CATALOGUE[code]
    assert code in [one.code for one in fires()]
    assert code not in [one.code for one in silent()]


@pytest.mark.req("D3")
def test_no_check_is_left_out_of_the_catalogue() -> None:
    source = Path(checks.__file__).read_text()
    made = set(re.findall(r'_hard\("(\w+)"|SOFT, "(\w+)"', source))
    codes = {code for pair in made for code in pair if code} | {code for code, _, _ in checks._CONTRADICTIONS}
    assert codes == set(CATALOGUE)
