"""Limits of response and progression: on the limit, and one step of the last digit on either side of it."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.response import assess
from protocol.trial import TRIAL
from protocol.vocabulary import Response
from tests.protocol.build import course

STEP = Decimal("0.001")
SERUM_LEVELS = {25: (Response.MR, Response.SD), 50: (Response.PR, Response.MR), 90: (Response.VGPR, Response.PR)}
URINE_LEVELS = {50: (Response.MR, Response.SD), 90: (Response.PR, Response.MR)}
FLC_LEVELS = {50: (Response.PR, Response.SD), 90: (Response.VGPR, Response.PR)}


def _timepoint(baseline: dict[str, str], now: dict[str, str]) -> Response:
    return assess(course((-5, baseline), (28, now)), TRIAL).time_points[0].timepoint


@pytest.mark.req("E2")
@given(st.integers(10, 60), st.sampled_from(list(SERUM_LEVELS)))
@settings(max_examples=80, deadline=None)
def test_thresholds_hold_at_the_last_reported_digit(tenth: int, percent: int) -> None:
    """On the limit and one last digit below it the better category, one above it the lower one."""
    level, lower = SERUM_LEVELS[percent]
    base = Decimal(tenth) / 10
    exact = base * (100 - percent) / 100
    for value, expected in ((exact - STEP, level), (exact, level), (exact + STEP, lower)):
        assert _timepoint({"m": str(base), "u": "0"}, {"m": str(value), "u": "0"}) is expected


@pytest.mark.req("E2")
@given(st.integers(2001, 9000), st.sampled_from(list(URINE_LEVELS)))
@settings(max_examples=40, deadline=None)
def test_urine_thresholds_hold_at_the_last_reported_digit(tens: int, percent: int) -> None:
    """Baselines at which the percentage alone decides: a tenth of them is above 200 mg/24 h."""
    level, lower = URINE_LEVELS[percent]
    base = Decimal(tens)
    exact = base * (100 - percent) / 100
    for value, expected in ((exact - STEP, level), (exact, level), (exact + STEP, lower)):
        assert _timepoint({"u": str(base)}, {"u": str(value)}) is expected


@pytest.mark.req("E2")
@given(st.integers(1200, 90000), st.sampled_from(list(FLC_LEVELS)))
@settings(max_examples=40, deadline=None)
def test_light_chain_thresholds_hold_at_the_last_reported_digit(tenths_of: int, percent: int) -> None:
    """The difference of the chains decides; the other chain stays at 10 mg/L."""
    level, lower = FLC_LEVELS[percent]
    base = Decimal(tenths_of) / 10
    exact = base * (100 - percent) / 100
    for value, expected in ((exact - STEP, level), (exact, level), (exact + STEP, lower)):
        before, now = {"k": str(base + 10), "l": "10"}, {"k": str(value + 10), "l": "10"}
        assert _timepoint({**before, "m": "0", "u": "0"}, {**now, "m": "0", "u": "0"}) is expected


@pytest.mark.req("E2")
@given(st.integers(10, 60))
@settings(max_examples=20, deadline=None)
def test_a_fall_of_100_percent_is_a_very_good_partial_response_and_urine_decides_the_rest(tenth: int) -> None:
    """M-spike and urine at 0 without immunofixation are no complete response; urine of 100 and 200 mg/24 h caps.

    The baseline urine of 190 mg/24 h is not measurable, and 200 is no progression from it.
    """
    base = str(Decimal(tenth) / 10)
    limits = {"0": "VGPR", "99.999": "VGPR", "100": "PR", "199.999": "PR", "200": "SD"}
    for left, expected in limits.items():
        assert _timepoint({"m": base, "u": "190"}, {"m": "0", "u": left}) == expected
    assert _timepoint({"u": "3000"}, {"u": "0"}) is Response.VGPR
    chains = {"m": "0", "u": "0", "l": "10"}
    assert _timepoint({**chains, "k": "900"}, {**chains, "k": "10"}) is Response.VGPR


@pytest.mark.req("E2")
@given(st.integers(10, 49))
def test_progression_holds_at_the_last_reported_digit(tenth: int) -> None:
    nadir = Decimal(tenth) / 10
    exact = max(nadir * Decimal("1.25"), nadir + Decimal("0.5"))
    for value, is_pd in ((exact, True), (exact - Decimal("0.001"), False)):
        assert (_timepoint({"m": str(nadir), "u": "0"}, {"m": str(value), "u": "0"}) is Response.PD) is is_pd


@pytest.mark.req("E2")
@given(st.integers(200, 5000))
@settings(max_examples=40, deadline=None)
def test_urine_progression_holds_at_the_last_reported_digit(nadir: int) -> None:
    """At least a quarter and at least 200 mg/24 h more."""
    exact = max(nadir * Decimal("1.25"), Decimal(nadir) + 200)
    for value, is_pd in ((exact + STEP, True), (exact, True), (exact - STEP, False)):
        assert (_timepoint({"u": str(nadir)}, {"u": str(value)}) is Response.PD) is is_pd


@pytest.mark.req("E2")
@given(st.integers(100, 5000))
@settings(max_examples=40, deadline=None)
def test_light_chain_progression_holds_at_the_last_reported_digit(difference: int) -> None:
    """At least a quarter, and strictly more than 100 mg/L more."""
    quarter, hundred = difference * Decimal("1.25"), Decimal(difference) + 100
    exact = max(quarter, hundred)
    for value, is_pd in ((exact + STEP, True), (exact, quarter > hundred), (exact - STEP, False)):
        before, now = {"k": str(difference + 10), "l": "10"}, {"k": str(value + 10), "l": "10"}
        found = _timepoint({**before, "m": "0", "u": "0"}, {**now, "m": "0", "u": "0"})
        assert (found is Response.PD) is is_pd
