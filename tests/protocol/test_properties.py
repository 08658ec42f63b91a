"""What must hold for any input: order, units, boundaries, as-of, confirmation, calendars."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.doses import planned_doses
from protocol.measurements import Course, PhaseInterval
from protocol.months import add_months, month_start, study_day, study_month
from protocol.response import assess, fingerprint
from protocol.trial import TRIAL
from protocol.visits import follow_up_visits
from protocol.vocabulary import (
    CriteriaVersion,
    Drug,
    MonthConvention,
    NadirMode,
    Phase,
    Response,
    rank,
)
from tests.protocol.build import course, on, typed_in, under

tenths = st.integers(0, 70).map(lambda n: f"{Decimal(n) / 10}")
urine = st.one_of(st.none(), st.integers(0, 2000).map(str))
visits = st.lists(st.tuples(st.one_of(st.none(), tenths), urine), min_size=1, max_size=8)
versions = st.sampled_from(list(CriteriaVersion))
modes = st.sampled_from(list(NadirMode))


def _course(values: list[tuple[str | None, str | None]]) -> Course:
    baseline = (-5, {"m": "3.0", "u": "500"})
    rows = [(28 * k, {n: v for n, v in (("m", m), ("u", u)) if v is not None}) for k, (m, u) in enumerate(values, 1)]
    return course(baseline, *rows)


@pytest.mark.req("E1", "E3")
@given(visits, st.randoms(), versions)
@settings(max_examples=60, deadline=None)
def test_order_of_entry_never_matters(values, random, version) -> None:
    trial, subject = under(criteria_version=version), _course(values)
    shuffled = list(subject.measurements)
    random.shuffle(shuffled)
    other = replace(subject, measurements=tuple(shuffled))
    assert assess(other, trial).as_json() == assess(subject, trial).as_json()
    assert fingerprint(other, trial) == fingerprint(subject, trial)


@pytest.mark.req("D7", "E1")
@given(visits)
@settings(max_examples=40, deadline=None)
def test_units_never_matter(values) -> None:
    units = {"serum_m": "g/L", "urine_m": "g/(24.h)"}
    subject = _course(values)
    other = replace(subject, measurements=tuple(typed_in(m, units[m.analyte]) for m in subject.measurements))
    assert assess(other, TRIAL).time_points == assess(subject, TRIAL).time_points


@pytest.mark.req("E1")
@given(visits, st.integers(0, 250), versions, modes)
@settings(max_examples=60, deadline=None)
def test_what_was_true_as_of_a_date_never_depends_on_later_samples(values, offset, version, mode) -> None:
    trial, subject, day = under(criteria_version=version, nadir_mode=mode), _course(values), on(offset)
    earlier = replace(subject, measurements=tuple(m for m in subject.measurements if m.collected_on <= day))
    assert assess(subject, trial, day).as_json() == assess(earlier, trial, day).as_json()


@pytest.mark.req("E1")
@given(visits, versions, modes)
@settings(max_examples=80, deadline=None)
def test_confirmed_never_exceeds_the_best_time_point(values, version, mode) -> None:
    trial = under(criteria_version=version, nadir_mode=mode)
    best = Response.NE
    for point in assess(_course(values), trial).time_points:
        best = max(best, point.timepoint, key=rank)
        assert rank(point.confirmed) <= rank(best)


@pytest.mark.req("E2")
@given(st.integers(10, 60), st.sampled_from([25, 50, 90]))
@settings(max_examples=80, deadline=None)
def test_thresholds_hold_at_the_last_reported_digit(tenth: int, percent: int) -> None:
    """Exactly on the limit the better category, one last digit above it the lower one."""
    level = {25: Response.MR, 50: Response.PR, 90: Response.VGPR}[percent]
    below = {25: Response.SD, 50: Response.MR, 90: Response.PR}[percent]
    base = Decimal(tenth) / 10
    exact = base * (100 - percent) / 100
    for value, expected in ((exact, level), (exact + Decimal("0.001"), below)):
        subject = course((-5, {"m": str(base), "u": "0"}), (28, {"m": str(value), "u": "0"}))
        assert assess(subject, TRIAL).time_points[0].timepoint is expected


@pytest.mark.req("E2")
@given(st.integers(10, 49))
def test_progression_holds_at_the_last_reported_digit(tenth: int) -> None:
    nadir = Decimal(tenth) / 10
    exact = max(nadir * Decimal("1.25"), nadir + Decimal("0.5"))
    for value, is_pd in ((exact, True), (exact - Decimal("0.001"), False)):
        subject = course((-5, {"m": str(nadir), "u": "0"}), (28, {"m": str(value), "u": "0"}))
        assert (assess(subject, TRIAL).time_points[0].timepoint is Response.PD) is is_pd


CONVENTIONS = list(MonthConvention)
SPANS = {MonthConvention.CALENDAR: (184, 27), MonthConvention.D28: (168, 24), MonthConvention.D30: (180, 26)}


@pytest.mark.req("E6")
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_six_months_of_dexamethasone(convention: MonthConvention) -> None:
    """The table of the specification, from 2024-07-15."""
    trial, start = under(month_convention=convention), date(2024, 7, 15)
    day1 = date(2024, 1, 15) if convention is MonthConvention.CALENDAR else start - (SPANS[convention][0] * DAY)
    low = planned_doses([PhaseInterval(Phase.LOW_DEX_7_12, start)], day1, trial)
    high = planned_doses([PhaseInterval(Phase.HIGH_DEX, start)], day1, trial, Decimal(40))
    days, weekly = SPANS[convention]
    assert sum(1 for d in low if d.drug is Drug.ANAKINRA) == days
    assert sum(1 for d in low if d.drug is Drug.DEXAMETHASONE) == weekly
    assert sum(1 for d in high if d.drug is Drug.DEXAMETHASONE) == 48


DAY = timedelta(days=1)


@pytest.mark.req("E6")
@given(st.dates(date(2000, 1, 1), date(2050, 1, 1)), st.sampled_from(CONVENTIONS))
@settings(deadline=None)
def test_calendars_have_right_counts_from_any_day(start: date, convention: MonthConvention) -> None:
    trial = under(month_convention=convention)
    twelve = add_months(start, 6, convention)
    phases = [
        PhaseInterval(Phase.INDUCTION, start),
        PhaseInterval(Phase.LOW_DEX_7_12, twelve),
        PhaseInterval(Phase.LOW_DEX_13_18, add_months(start, 12, convention)),
    ]
    doses = planned_doses(phases, start, trial)
    dex = [d.on for d in doses if d.drug is Drug.DEXAMETHASONE]
    end = add_months(start, 18, convention)
    assert len(doses) - len(dex) == (end - start).days
    assert len(dex) == ((end - twelve).days + 6) // 7
    assert {(b - a).days for a, b in pairwise(dex)} == {7}
    high = planned_doses([PhaseInterval(Phase.HIGH_DEX, twelve)], start, trial, Decimal(40))
    assert len({d.on for d in high if d.drug is Drug.DEXAMETHASONE}) == 48


@pytest.mark.req("E6")
@given(st.dates(date(2000, 1, 1), date(2050, 1, 1)), st.integers(0, 2000), st.sampled_from(CONVENTIONS))
@settings(deadline=None)
def test_a_study_month_holds_its_days(day1: date, offset: int, convention: MonthConvention) -> None:
    day = day1 + timedelta(days=offset)
    month = study_month(day1, day, convention)
    assert month_start(day1, month, convention) <= day < month_start(day1, month + 1, convention)
    assert study_month(day1, day1 - DAY, convention) == 0
    assert (study_day(day1, day1), study_day(day1, day1 - DAY)) == (1, -1)


@pytest.mark.req("E8")
@given(st.dates(date(2000, 1, 1), date(2050, 1, 1)), st.sampled_from(CONVENTIONS))
@settings(deadline=None)
def test_follow_up_is_ten_calendar_visits_under_every_convention(ended: date, convention: MonthConvention) -> None:
    planned = follow_up_visits(ended, under(month_convention=convention))
    assert [v.number for v in planned] == list(range(1, 11))
    months = [(v.target_on.year - ended.year) * 12 + v.target_on.month - ended.month for v in planned]
    assert months == [6 * k for k in range(1, 11)]


def test_every_pair_of_versions_and_nadirs_is_total() -> None:
    subject = course((-5, {"m": "3.0", "u": "0"}), (28, {"m": "2.0", "u": "0"}), (56, {"m": "2.0", "u": "0"}))
    for version, mode in product(CriteriaVersion, NadirMode):
        status = assess(subject, under(criteria_version=version, nadir_mode=mode)).confirmed_status
        expected = {CriteriaVersion.IMWG2006: Response.SD, CriteriaVersion.EBMT1998: Response.SD}
        assert status is expected.get(version, Response.MR)
