"""Figures of the product against an independent implementation: published intervals, and Kaplan-Meier in fractions."""

from __future__ import annotations

from fractions import Fraction
from math import comb, exp, log, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.endpoints import CENSORED, EVENT
from reporting.statistics import proportion, survival

pytestmark = pytest.mark.req("E9")

#: Exact (Clopper-Pearson) 95 % intervals in percent, as published: x, n, low, high.
PUBLISHED = (
    (0, 11, "0.00", "28.49"),
    (3, 47, "1.34", "17.54"),
    (5, 25, "6.83", "40.70"),
    (9, 25, "17.97", "57.48"),
    (7, 11, "30.79", "89.07"),
    (4, 5, "28.36", "99.49"),
    (25, 47, "38.08", "67.89"),
    (21, 54, "25.92", "53.12"),
    (54, 54, "93.40", "100.00"),
)
Times = list[tuple[int, str]]

#: Remission in acute myelogenous leukaemia, maintained and not (Miller 1981): weeks, and the estimates that R's
#: `survfit(Surv(time, status) ~ x)` prints for them.
MAINTAINED: Times = [
    (9, EVENT), (13, EVENT), (13, CENSORED), (18, EVENT), (23, EVENT), (28, CENSORED), (31, EVENT), (34, EVENT),
    (45, CENSORED), (48, EVENT), (161, CENSORED),
]  # fmt: skip
NOT_MAINTAINED: Times = [
    (5, EVENT), (5, EVENT), (8, EVENT), (8, EVENT), (12, EVENT), (16, CENSORED), (23, EVENT), (27, EVENT),
    (30, EVENT), (33, EVENT), (43, EVENT), (45, EVENT),
]  # fmt: skip
PRINTED = (
    (MAINTAINED, {9: "0.909", 13: "0.818", 18: "0.716", 23: "0.614", 31: "0.491", 34: "0.368", 48: "0.184"}),
    (
        NOT_MAINTAINED,
        {5: "0.8333", 8: "0.6667", 12: "0.5833", 23: "0.4861", 27: "0.3889", 30: "0.2917", 33: "0.1944",
         43: "0.0972", 45: "0.0000"},
    ),
)  # fmt: skip


def at_most(x: int, n: int, p: Fraction) -> Fraction:
    """P(X <= x) of n trials, exactly."""
    return sum((comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(x + 1)), Fraction(0))


@pytest.mark.parametrize(("x", "n", "low", "high"), PUBLISHED)
def test_exact_intervals_are_the_published_ones(x: int, n: int, low: str, high: str) -> None:
    found = proportion(x, n)
    assert found.low is not None
    assert found.high is not None
    assert (f"{found.low:.2f}", f"{found.high:.2f}") == (low, high)


@pytest.mark.parametrize(("x", "n", "_low", "_high"), PUBLISHED)
def test_the_limits_solve_the_equations_that_define_them(x: int, n: int, _low: str, _high: str) -> None:
    """P(X >= x | low) = P(X <= x | high) = 2.5 %, in exact fractions."""
    found = proportion(x, n)
    assert found.low is not None
    assert found.high is not None
    if x > 0:
        above = 1 - at_most(x - 1, n, Fraction(found.low) / 100)
        assert abs(above - Fraction(1, 40)) < Fraction(1, 10**9)
    if x < n:
        below = at_most(x, n, Fraction(found.high) / 100)
        assert abs(below - Fraction(1, 40)) < Fraction(1, 10**9)


def kaplan_meier(times: Times) -> list[tuple[int, Fraction, Fraction]]:
    """Day, share still free, and Greenwood's sum, at each day with an event: fractions only."""
    share, greenwood, steps = Fraction(1), Fraction(0), []
    for day in sorted({days for days, _ in times}):
        at_risk = sum(1 for days, _ in times if days >= day)
        events = sum(1 for days, status in times if days == day and status == EVENT)
        if not events:
            continue
        share *= 1 - Fraction(events, at_risk)
        greenwood += Fraction(events, at_risk * (at_risk - events)) if at_risk > events else 0
        steps.append((day, share, greenwood))
    return steps


def band(share: Fraction, greenwood: Fraction) -> tuple[float, float]:
    """The 95 % log-log band; where the share is 1 or 0 the estimate itself."""
    if share in (0, 1):
        return float(share), float(share)
    half = 1.959963984540054 * sqrt(greenwood) / abs(log(share))
    return float(share) ** exp(half), float(share) ** exp(-half)


def agrees(times: Times) -> None:
    ours = survival(times)
    for day, share, greenwood in kaplan_meier(times):
        found = ours.at(day)
        low, high = band(share, greenwood)
        for one, other in zip(found, (float(share), low, high), strict=True):
            assert abs(float(one) - other) < 1e-9, (day, times)
        assert ours.at(day - 1)[0] > found[0]


@pytest.mark.parametrize(("times", "printed"), PRINTED, ids=["maintained", "not maintained"])
def test_survival_is_what_r_prints(times: Times, printed: dict[int, str]) -> None:
    ours = survival(times)
    for week, share in printed.items():
        places = len(share.partition(".")[2])
        assert f"{ours.at(week)[0]:.{places}f}" == share
    agrees(times)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60), st.sampled_from([EVENT, CENSORED])), min_size=1, max_size=40))
def test_survival_agrees_with_plain_fractions(times: Times) -> None:
    agrees(times)
