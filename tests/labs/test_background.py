"""What a result is read against on the grid: baseline, lowest so far, and the visit before."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from labs.selectors.background import Background, background_for
from protocol.measurements import Course
from protocol.vocabulary import Analyte
from tests.protocol.build import course, on, sample

M, HB, RATIO = Analyte.SERUM_M, Analyte.HB, Analyte.FLC_RATIO
#: Baseline 5 days before the first dose, then three samples a month apart.
SAMPLES = course(
    (-5, {"m": "3.0", "hb": "11", "k": "40", "l": "10"}), (30, {"m": "2.0"}), (60, {"m": "2.6"}), (90, {"m": "1.5"})
)
VISITS = {"d-5": "bl", "d30": "m01", "d60": "m02", "d90": "m03"}
LIVED = replace(SAMPLES, measurements=tuple(replace(one, visit=VISITS[one.visit]) for one in SAMPLES.measurements))


def read(lived: Course, code: str, offset: int) -> Background:
    return background_for(lived, code, on(offset))


@pytest.mark.req("D2")
@pytest.mark.parametrize(
    ("code", "offset", "nadir", "previous"),
    [
        ("m01", 30, "3.0", ("Day 1", "3.0")),
        ("m02", 60, "2.0", ("Month 1", "2.0")),
        ("m03", 90, "2.0", ("Month 2", "2.6")),
        ("m04", 120, "1.5", ("Month 3", "1.5")),
        # another sample of the very day is not what came before it
        ("uns1", 30, "3.0", ("Day 1", "3.0")),
    ],
)
def test_the_lowest_is_that_of_baseline_and_all_since_and_before(
    code: str, offset: int, nadir: str, previous: tuple[str, str]
) -> None:
    found = read(LIVED, code, offset)
    assert (found.baseline[M], found.nadir[M]) == (Decimal("3.0"), Decimal(nadir))
    assert (found.previous_label, found.previous[M]) == (previous[0], Decimal(previous[1]))


def test_until_the_first_dose_there_is_no_baseline_and_no_lowest() -> None:
    for lived, offset in ((LIVED, 0), (replace(LIVED, day1=None), 60)):
        found = read(lived, "m01", offset)
        assert (found.baseline, found.nadir) == ({}, {})


def test_a_sample_of_day_1_after_the_dose_is_no_baseline() -> None:
    late = tuple(replace(one, after_first_dose=True, visit="d1") for one in sample(0, {"m": "2.8"}))
    found = read(replace(LIVED, measurements=(*LIVED.measurements, *late)), "m01", 20)
    assert (found.baseline[M], found.nadir[M]) == (Decimal("3.0"), Decimal("2.8"))


def test_only_markers_of_the_disease_have_a_lowest_and_what_is_derived_has_one() -> None:
    found = read(LIVED, "m01", 20)
    assert (found.baseline[HB], HB in found.nadir) == (Decimal(11), False)
    assert (found.baseline[RATIO], found.nadir[RATIO]) == (Decimal(4), Decimal(4))
