"""Endpoints that are times, and the markers: from rows of the efficacy file to lines and curves."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from decimal import Decimal

import pytest

from protocol.vocabulary import Phase
from reporting.dashboard import (
    bar_table,
    bars,
    count,
    headline,
    six_month_days,
    waterfall_chart,
)
from reporting.selectors.efficacy import Efficacy
from reporting.time_endpoints import (
    ENDPOINTS,
    FEWEST,
    SIX_MONTHS,
    SixMonths,
    curve_of,
    endpoint_lines,
    free_at_six_months,
    marker_lines,
    month,
    survival_chart,
    times,
)

E, C = "EVENT", "CENSORED"


def row(**known: object) -> Efficacy:
    """A subject of whom only this is known."""
    return Efficacy(**{**{one.name: None for one in fields(Efficacy)}, **known})  # type: ignore[arg-type]


def of(endpoint: str, *found: tuple[int, str]) -> list[Efficacy]:
    one = ENDPOINTS[endpoint]
    return [row(**{one.days: days, one.status: status}) for days, status in found]


def words(rows: list[Efficacy], endpoint: str) -> str:
    return next(line.median for line in endpoint_lines(rows) if line.endpoint.name == endpoint)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_each_endpoint_counts_its_own_columns(endpoint: str) -> None:
    rows = [*of(endpoint, (30, E), (60, C), (90, E)), row()]
    for line in endpoint_lines(rows):
        own = line.endpoint.name == endpoint
        assert (line.n, line.events, line.censored) == ((3, 2, 1) if own else (0, 0, 0))
    assert len(times(rows, ENDPOINTS[endpoint])) == 3


def test_the_median_is_where_the_estimate_first_reaches_one_half() -> None:
    """Four of five left after 61 days, three after 122, two after 183: 183 days are 6.0 months."""
    found = words(of("ttp", (61, E), (122, E), (183, E), (244, E), (305, E)), "ttp")
    assert found.startswith("6.0 (95% CI ")


def test_exactly_one_half_is_the_median() -> None:
    """Three of six gone after 183 days: the estimate is 0.5 there, and 0.33 after 244."""
    found = words(of("ttp", (61, E), (122, E), (183, E), (244, E), (305, E), (366, E)), "ttp")
    assert found.startswith("6.0 (95% CI ")


def test_a_median_nobody_reached_is_said_and_few_subjects_have_none() -> None:
    assert words(of("dor", *[(100 + day, C) for day in range(5)]), "dor") == "not reached"
    assert words(of("dor", (1, E), (2, E)), "dor") == f"fewer than {FEWEST} subjects"


def test_a_curve_needs_five_subjects_and_counts_who_is_at_risk() -> None:
    four = of("pfs", (61, E), (122, C), (183, E), (244, C))
    assert survival_chart(four, ENDPOINTS["pfs"]) is None
    chart = survival_chart([*four, *of("pfs", (400, C))], ENDPOINTS["pfs"])
    assert chart is not None
    assert [line[:4] for line in chart.rows if line[0] in ("0", "3", "6", "9")] == [
        ("0", "5", "0", "0"),
        ("3", "4", "0", "1"),
        ("6", "3", "1", "1"),
        ("9", "1", "2", "2"),
    ]
    assert month(61) == Decimal("2.0")


def test_who_left_a_day_before_the_third_month_is_not_at_risk_in_it() -> None:
    """Three months are 91.3125 days; 91 and 92 days are both drawn at 3.0."""
    chart = survival_chart(of("pfs", (91, E), (92, E), *[(400, C)] * 3), ENDPOINTS["pfs"])
    assert chart is not None
    assert next(line[:4] for line in chart.rows if line[0] == "3") == ("3", "4", "0", "1")


@pytest.mark.parametrize("reading", SIX_MONTHS)
def test_six_months_are_counted_over_all_who_came_so_far_and_over_those_known(reading: SixMonths) -> None:
    """The other column says the opposite and is not looked at."""
    (other,) = (one for one in SIX_MONTHS if one is not reading)
    outcomes = ["SUCCESS"] * 6 + ["FAILURE"] * 2 + ["LOST"] * 2 + ["NOT_DUE", ""]
    rows = [row(**{reading.column: outcome, other.column: "FAILURE"}) for outcome in outcomes]
    due, known = free_at_six_months(rows, reading)
    assert ((due.x, due.n), (known.x, known.n)) == ((6, 10), (6, 8))


def test_a_marker_falls_by_more_than_15_percent_on_unrounded_values() -> None:
    """8.5 is exactly 15 % below 10 and does not count; 8.4999 rounds to the same percent and does. From 0 no change."""
    pairs = [
        ("10", "8.5", "-15.0"),
        ("10", "8.4999", "-15.0"),
        ("10", "12", "20.0"),
        ("0", "1", None),
        ("7", None, None),
    ]
    rows = [
        row(
            hs_crp_baseline=Decimal(base),
            hs_crp_month_6=Decimal(later) if later else None,
            hs_crp_change=Decimal(change) if change else None,
        )
        for base, later, change in pairs
    ]
    crp, pcli = marker_lines(rows)
    assert (crp.n, crp.fell, crp.fell_by_15, crp.undefined) == (4, 2, 1, 1)
    assert crp.median_change == "−15.0%"
    assert (pcli.n, pcli.median_change) == (0, "—")


def test_a_bar_is_marked_by_the_treatment_lived_last_whatever_came_after() -> None:
    lived = (Phase.INDUCTION, Phase.ANAKINRA_ONLY, Phase.LOW_DEX_13_18, Phase.HIGH_DEX)
    rows = [
        row(
            subject=phase.value,
            state=Phase.FOLLOW_UP.value,
            last_treatment=phase.value,
            combination_from=date(2024, 7, 15),
            best_m_spike_change=Decimal("-30.0"),
        )
        for phase in lived
    ]
    assert [bar.mark for bar in bars(rows)] == ["ind", "cont", "ld", "hd"]


def test_the_table_of_the_waterfall_falls_from_the_greatest_rise() -> None:
    """By number and not as words; of two that are equal the lower subject number first."""
    changes = ("-9.0", "-30.0", "12.0", "5.0", "-100.0", "-9.0")
    rows = [
        row(subject=f"01-00{number}", last_treatment="INDUCTION", best_m_spike_change=Decimal(change))
        for number, change in enumerate(changes)
    ]
    assert [subject for subject, _ in bar_table(rows)] == ["01-002", "01-003", "01-000", "01-005", "01-001", "01-004"]


def test_the_waterfall_needs_five_subjects() -> None:
    found = [
        row(subject=f"01-00{number}", last_treatment="INDUCTION", best_m_spike_change=Decimal(-number))
        for number in range(FEWEST)
    ]
    assert waterfall_chart(found) is not None
    assert waterfall_chart(found[1:]) is None


def test_groups_count_who_belongs_to_them() -> None:
    """No change is no fall; what is newer than the signature is unsigned; who is not treated is in no population."""
    both: dict[str, object] = {"hs_crp_baseline": Decimal(5), "hs_crp_month_6": Decimal(5)}
    rows = [
        row(is_treated="YES", response_state="SIGNED", newer_unsigned="NO", hs_crp_change=Decimal(-1), **both),
        row(is_treated="YES", response_state="SIGNED", newer_unsigned="YES", hs_crp_change=Decimal(0), **both),
        row(is_treated="YES", response_state="UNSIGNED", newer_unsigned="YES", hs_crp_change=None, **both),
        row(is_treated="NO", response_state="SIGNED", newer_unsigned="YES"),
    ]
    wanted = {"hs_crp-both": 3, "hs_crp-fell": 1, "unsigned": 2, "treated": 3, "whole": 2}
    assert {name: count(rows, name, "signed") for name in wanted} == wanted
    assert count(rows, "whole", "treated") == 3


def test_six_months_are_those_of_the_latest_start_and_their_last_day_counts() -> None:
    """From 31 Aug to 28 Feb are 181 days, from 15 Jan to 15 Jul 182. Four had an event before, and one on that day."""
    starts = [date(2024, 8, 31), *[date(2024, 1, 15)] * 19]
    days = [50, 60, 70, 80, 181, *range(200, 215)]
    rows = [
        row(subject=f"01-{day}", day1_on=start, is_treated="YES", pfs_days=day, pfs_status=E if day <= 181 else C)
        for start, day in zip(starts, days, strict=True)
    ]
    assert six_month_days(rows) == 181
    told = headline(rows, "treated", curve_of(rows, ENDPOINTS["pfs"]))
    assert next(one.value for one in told if one.label == "Progression-free at 6 months") == "75%"
