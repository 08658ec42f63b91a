"""What the efficacy file and the charts of many subjects read from one subject's course. No database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest

from protocol.measurements import Course, Measurement, PhaseInterval
from protocol.trial import TRIAL
from protocol.vocabulary import TREATMENT_PHASES, Analyte, Phase
from reporting.courses import M_SPIKE_CHANGES, changes, spider_chart, swimmer_chart
from reporting.selectors import efficacy as selector
from reporting.selectors.efficacy import Efficacy, Studied, efficacy
from reporting.selectors.markers import MarkerChange, marker_change
from reporting.time_endpoints import FEWEST
from tests.protocol.build import DAY1, course, on
from trialsite.models import Site, Subject

ALL = {"u": "50", "k": "30", "l": "12"}


def lived(*samples: tuple[int, str]) -> Course:
    """M-spikes from a baseline on; a sample after Day 1 is one after the first dose."""
    made = course(*((offset, {"m": value, **ALL}) for offset, value in samples))
    return replace(
        made, measurements=tuple(replace(m, after_first_dose=m.collected_on > DAY1) for m in made.measurements)
    )


def one(
    made: Course, *, signed: int | None = None, state: Phase = Phase.INDUCTION, number: str = "01-001", **known: date
) -> Studied:
    subject = Subject(
        protocol_version=TRIAL.version,
        subject_number=number,
        state=state,
        day1_on=made.day1,
        registered_on=DAY1,
        site=Site(code="01"),
        **known,
    )
    return Studied(subject, made, None if signed is None else on(signed), None, False)


def row(found: Studied) -> Efficacy:
    (made,) = efficacy([found])
    return made


# -- endpoints in their own columns

#: Halved and confirmed, back by more than 25 % from the nadir and confirmed.
RESPONDS_THEN_FAILS = ((-5, "4.0"), (30, "1.8"), (60, "1.7"), (200, "3.0"), (230, "3.2"))


def test_each_endpoint_stands_in_its_own_columns() -> None:
    made = row(one(lived(*RESPONDS_THEN_FAILS), signed=230))
    assert (made.ttp_status, made.ttp_on, made.ttp_days) == ("EVENT", on(200), 201)
    assert (made.ttp_active_status, made.ttp_active_on) == ("CENSORED", on(60))
    assert made.response_from == on(30)
    assert (made.dor_status, made.dor_on, made.dor_days) == ("EVENT", on(200), 171), "from the response, not Day 1"


def test_a_minimal_response_before_the_partial_one_lasts_in_columns_of_its_own() -> None:
    made = row(one(lived((-5, "4.0"), (30, "2.8"), (60, "1.8"), (90, "1.8"), (200, "3.0"), (230, "3.2")), signed=230))
    assert (made.response_from, made.dor_status, made.dor_on, made.dor_days) == (on(60), "EVENT", on(200), 141)
    assert made.minimal_response_from == on(30)
    assert (made.dor_minimal_status, made.dor_minimal_on, made.dor_minimal_days) == ("EVENT", on(200), 171)
    minimal = row(one(lived((-5, "4.0"), (30, "2.8"), (60, "2.8")), signed=60))
    assert (minimal.response_from, minimal.dor_status) == (None, "")
    assert (minimal.minimal_response_from, minimal.dor_minimal_status) == (on(30), "CENSORED")


def test_stable_disease_or_better_lasts_from_day_1_in_its_own_columns() -> None:
    made = row(one(lived(*RESPONDS_THEN_FAILS), signed=230))
    assert (made.benefit_status, made.benefit_on, made.benefit_days) == ("EVENT", on(200), 201)
    failed = row(one(lived((-5, "4.0"), (30, "5.4"), (60, "5.4")), signed=60))
    assert (failed.pfs_status, failed.benefit_status) == ("EVENT", "")
    assert row(one(lived(*RESPONDS_THEN_FAILS))).benefit_status == "", "nobody signed"


def test_death_of_another_cause_ends_progression_free_survival_but_is_no_progression() -> None:
    died = replace(lived((-5, "4.0"), (30, "3.9")), death_on=on(100), death_due_to_myeloma=False)
    made = row(one(died, signed=30))
    assert (made.pfs_status, made.pfs_on) == ("EVENT", on(100))
    assert (made.ttp_status, made.ttp_active_status, made.dor_status) == ("CENSORED", "CENSORED", "")


@pytest.mark.parametrize(
    ("state", "last", "outcome"),
    [
        (Phase.INDUCTION, 60, "NOT_DUE"),
        (Phase.WITHDRAWN, 60, "LOST"),
        (Phase.ANAKINRA_ONLY, 181, "LOST"),
        (Phase.ANAKINRA_ONLY, 182, "SUCCESS"),
    ],
)
def test_six_months_are_reached_by_date(state: Phase, last: int, outcome: str) -> None:
    """Day 1 is 15 Jan 2024: six months are 15 Jul, 182 days on."""
    assert row(one(lived((-5, "4.0"), (last, "3.9")), signed=last, state=state)).pfs_at_6_months == outcome


@pytest.mark.parametrize(
    ("state", "last", "outcome"),
    [
        (Phase.INDUCTION, 167, "NOT_DUE"),
        (Phase.ANAKINRA_ONLY, 167, "LOST"),
        (Phase.ANAKINRA_ONLY, 168, "SUCCESS"),
        (Phase.ANAKINRA_ONLY, 196, "SUCCESS"),
        (Phase.ANAKINRA_ONLY, 197, "LOST"),
    ],
)
def test_six_months_are_reached_by_an_assessment_in_the_window(state: Phase, last: int, outcome: str) -> None:
    """The window of month 6 is day 168 to 196; a sample in it that nobody signed counts as none."""
    made = lived((-5, "4.0"), (last, "3.9"))
    assert row(one(made, signed=last, state=state)).pfs_by_month_6_assessment == outcome
    assert row(one(made, signed=None, state=state)).pfs_by_month_6_assessment in {"NOT_DUE", "LOST"}


def test_a_progression_before_six_months_is_a_failure_in_both_readings() -> None:
    made = row(one(lived((-5, "2.0"), (60, "3.0"), (90, "3.2")), signed=90, state=Phase.HIGH_DEX))
    assert (made.pfs_at_6_months, made.pfs_by_month_6_assessment) == ("FAILURE", "FAILURE")


def test_a_progression_found_by_the_month_6_assessment_fails_by_assessment_alone() -> None:
    """Found on day 190, after six months (182) and inside the window."""
    made = row(one(lived((-5, "2.0"), (100, "2.0"), (190, "3.0"), (200, "3.2")), signed=200, state=Phase.HIGH_DEX))
    assert (made.pfs_at_6_months, made.pfs_by_month_6_assessment) == ("SUCCESS", "FAILURE")


@pytest.mark.parametrize(
    ("lived_on", "last"),
    [
        ((Phase.ENROLLED, Phase.INDUCTION), "INDUCTION"),
        ((Phase.ENROLLED, Phase.INDUCTION, Phase.LOW_DEX_7_12), "LOW_DEX_7_12"),
        ((Phase.ENROLLED, Phase.INDUCTION, Phase.HIGH_DEX, Phase.FOLLOW_UP, Phase.LOST), "HIGH_DEX"),
        ((Phase.ENROLLED, Phase.FOLLOW_UP), ""),
    ],
)
def test_the_treatment_lived_last_is_the_last_phase_of_treatment(lived_on: tuple[Phase, ...], last: str) -> None:
    phases = tuple(PhaseInterval(phase, on(30 * number)) for number, phase in enumerate(lived_on))
    assert row(one(replace(lived((-5, "4.0")), phases=phases))).last_treatment == last


def test_the_best_change_of_the_m_spike_is_of_the_lowest_signed_value_after_the_first_dose() -> None:
    made = lived((-20, "1.0"), (-5, "4.0"), (30, "3.0"), (60, "2.0"), (90, "3.5"), (120, "0.5"))
    found = row(one(made, signed=90))
    assert (found.baseline_m_spike, found.best_m_spike_change) == (Decimal("4"), Decimal("-50.0"))
    assert row(one(made)).best_m_spike_change is None, "nobody signed"
    risen = row(one(lived((-5, "4.0"), (30, "4.4"), (60, "4.6")), signed=60))
    assert risen.best_m_spike_change == Decimal("10.0"), "the smallest rise"


@pytest.mark.parametrize("first", [Phase.LOW_DEX_7_12, Phase.HIGH_DEX])
def test_the_combination_begins_with_the_first_dexamethasone_and_alone_ends_there(first: Phase) -> None:
    phases = (
        PhaseInterval(Phase.INDUCTION, DAY1, on(49)),
        PhaseInterval(first, on(50), on(199)),
        PhaseInterval(Phase.HIGH_DEX, on(200)),
    )
    made = replace(lived((-5, "4.0"), (20, "3.9"), (45, "3.9"), (60, "1.8"), (90, "1.7")), phases=phases)
    found = row(one(made, signed=90, state=Phase.HIGH_DEX))
    assert found.combination_from == on(50)
    assert (found.best_on_anakinra_alone, found.best_on_combination) == ("SD", "PR")


def test_alone_counts_what_is_signed() -> None:
    made = lived((-5, "4.0"), (30, "1.8"), (60, "1.7"))
    assert row(one(made, signed=60)).best_on_anakinra_alone == "PR"
    assert row(one(made, signed=30)).best_on_anakinra_alone != "PR", "the confirming sample is not signed"


def test_the_best_of_the_combination_is_that_of_any_of_its_parts() -> None:
    """Progression on low-dose dexamethasone, and then a response to the high dose against the value at its start."""
    phases = (
        PhaseInterval(Phase.INDUCTION, DAY1, on(49)),
        PhaseInterval(Phase.LOW_DEX_7_12, on(50), on(119)),
        PhaseInterval(Phase.HIGH_DEX, on(120)),
    )
    samples = ((-5, "2.0"), (45, "2.0"), (80, "2.9"), (110, "2.9"), (150, "1.2"), (180, "1.2"))
    assert row(one(replace(lived(*samples), phases=phases), signed=180)).best_on_combination == "PR"


@pytest.mark.parametrize(("newest", "newer"), [(30, "NO"), (31, "YES"), (None, "NO")])
def test_a_response_is_newer_than_what_is_signed_from_the_day_after(newest: int | None, newer: str) -> None:
    signed = one(lived((-5, "4.0"), (30, "3.9")), signed=30)
    assert row(replace(signed, newest_on=None if newest is None else on(newest))).newer_unsigned == newer


def test_signed_through_is_the_newest_sample_under_a_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    signed = [(7, on(60)), (7, on(90)), (8, on(10)), (7, on(30))]
    found = [SimpleNamespace(subject_id=key, on=day) for key, day in signed]
    monkeypatch.setattr(selector, "signed_responses", lambda ids: found)
    assert selector._signed_through([7, 8]) == {7: on(90), 8: on(10)}


@pytest.mark.parametrize("state", Phase)
def test_on_treatment_are_those_in_a_phase_of_treatment(state: Phase) -> None:
    assert (row(one(lived((-5, "4.0")), state=state)).on_treatment == "YES") is (state in TREATMENT_PHASES)


# -- markers


def crp(offset: int, value: str, **more: bool) -> Measurement:
    return Measurement(Analyte.HS_CRP, on(offset), Decimal(value), **more)  # type: ignore[arg-type]


def test_a_marker_is_compared_from_the_last_value_before_the_first_dose_to_the_one_nearest_month_6() -> None:
    """Month 6 is day 182; its window 168 to 196. Values on Day 1 count before the dose and not after it."""
    values = [crp(-20, "9"), crp(0, "8"), crp(0, "99", after_first_dose=True), crp(90, "1")]
    values += [crp(167, "2"), crp(170, "3"), crp(185, "4"), crp(197, "5")]
    for order in (values, values[::-1]):
        assert marker_change(Course(DAY1, tuple(order)), Analyte.HS_CRP, TRIAL) == MarkerChange(
            Decimal(8), Decimal(4), Decimal("-50.0")
        )


@pytest.mark.parametrize("offset", [167, 197])
def test_outside_the_window_there_is_no_month_6(offset: int) -> None:
    found = marker_change(Course(DAY1, (crp(-5, "8"), crp(offset, "4"))), Analyte.HS_CRP, TRIAL)
    assert (found.baseline, found.month_6, found.change) == (Decimal(8), None, None)


@pytest.mark.parametrize("offset", [168, 196])
def test_the_ends_of_the_window_belong_to_it(offset: int) -> None:
    assert marker_change(Course(DAY1, (crp(-5, "8"), crp(offset, "4"))), Analyte.HS_CRP, TRIAL).month_6 == Decimal(4)


def test_from_zero_no_change_is_defined_and_without_a_first_dose_nothing_is() -> None:
    found = marker_change(Course(DAY1, (crp(-5, "0"), crp(182, "4"))), Analyte.HS_CRP, TRIAL)
    assert (found.baseline, found.month_6, found.change) == (Decimal(0), Decimal(4), None)
    assert marker_change(Course(None, (crp(-5, "8"),)), Analyte.HS_CRP, TRIAL) == MarkerChange()


def test_a_corrected_value_counts_as_corrected() -> None:
    wrong = replace(crp(-5, "80"), superseded_on=on(10))
    assert marker_change(Course(DAY1, (wrong, crp(-5, "8"))), Analyte.HS_CRP, TRIAL).baseline == Decimal(8)


# -- M-spike over time


def test_the_m_spike_is_followed_as_far_as_it_is_signed() -> None:
    found = one(lived((-5, "4.0"), (30, "3.0"), (60, "2.0"), (90, "1.0")), signed=60)
    assert changes(found) == [(on(30), Decimal("-25.0")), (on(60), Decimal("-50.0"))]
    assert changes(one(found.course)) == [], "nobody signed"
    assert M_SPIKE_CHANGES.name == "m_spike_changes"


# -- charts


def lanes(*found: Studied) -> list[str]:
    drawn = swimmer_chart(found, on(250))
    assert drawn is not None
    return [line[0] for line in drawn.rows]


def test_the_longest_treated_stands_first_and_who_ended_stops_there() -> None:
    made = lived((-5, "4.0"), (30, "3.9"))
    stops = (50, 200, 100, 150, 20)
    found = [one(made, number=f"01-00{n}", treatment_ended_on=on(stop)) for n, stop in enumerate(stops)]
    untreated = one(replace(made, day1=None), number="01-009")
    assert lanes(*found, untreated) == ["01-001", "01-003", "01-002", "01-000", "01-004"]
    assert swimmer_chart(found[: FEWEST - 1], on(250)) is None
    assert spider_chart(found) is None, "nothing is signed"


def test_response_and_progression_are_marked_at_their_months() -> None:
    phases = (PhaseInterval(Phase.INDUCTION, DAY1, on(181)), PhaseInterval(Phase.ANAKINRA_ONLY, on(182)))
    made = replace(lived(*RESPONDS_THEN_FAILS), phases=phases)
    found = [one(made, signed=230, number=f"01-00{n}", state=Phase.ANAKINRA_ONLY) for n in range(FEWEST)]
    drawn = swimmer_chart(found, on(250))
    assert drawn is not None
    assert drawn.rows[0] == ("01-000", "8.2", "1.0", "6.6", "Anakinra, continued")
    for words in ("01-000: response at month 1.0", "01-000: progression at month 6.6"):
        assert words in drawn.wide
        assert words in drawn.narrow
