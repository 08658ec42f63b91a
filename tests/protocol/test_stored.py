"""What is stored of a derivation is read back as what it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.explain import to_json
from protocol.measurements import Course, Decision, DiseaseFinding, Measurement, PhaseInterval
from protocol.stored import NotReadable, course_from_json
from protocol.vocabulary import Analyte, LabKind, Mde, MissingReason, Phase, ProposalKind

days = st.dates(date(2000, 1, 1), date(2040, 1, 1))
numbers = st.decimals(0, 1000, places=2, allow_nan=False, allow_infinity=False).map(
    lambda n: Decimal(f"{n.normalize():f}")
)
events = st.frozensets(st.sampled_from(list(Mde)))
phases = st.sampled_from(list(Phase))
measurements = st.builds(
    Measurement,
    analyte=st.sampled_from(list(Analyte)),
    collected_on=days,
    value=st.none() | numbers,
    coded=st.sampled_from(["", "neg", "pos"]),
    comparator=st.sampled_from(["", "<", ">"]),
    missing=st.none() | st.sampled_from(list(MissingReason)),
    lab=st.sampled_from(list(LabKind)),
    after_first_dose=st.booleans(),
    lln=st.none() | numbers,
    entered_on=st.none() | days,
    source=st.text(max_size=8),
)
findings = st.builds(
    DiseaseFinding, on=days, new_bone_lesion=st.none() | st.booleans(), plasmacytoma_spd=st.none() | numbers,
    plasmacytoma_count=st.none() | st.integers(0, 9), attributed=events, not_attributed=events,
)  # fmt: skip
courses = st.builds(
    Course,
    day1=st.none() | days,
    measurements=st.lists(measurements, max_size=4).map(tuple),
    findings=st.lists(findings, max_size=3).map(tuple),
    phases=st.lists(st.builds(PhaseInterval, phases, days, st.none() | days), max_size=3).map(tuple),
    decisions=st.lists(
        st.builds(
            Decision, days, phases, phases,
            st.none() | st.sampled_from(list(ProposalKind)),
        ),
        max_size=2,
    ).map(tuple),
    new_therapy_on=st.none() | days,
    death_due_to_myeloma=st.booleans(),
    transfusions=st.lists(days, max_size=2).map(tuple),
    accepted_late_samples=st.frozensets(days, max_size=2),
)  # fmt: skip


@pytest.mark.req("E1")
@given(courses)
def test_a_stored_course_is_read_back_as_it_was(course: Course) -> None:
    assert course_from_json(to_json(course)) == course


@pytest.mark.req("E1")
@given(courses)
def test_fields_left_out_take_their_defaults(course: Course) -> None:
    thin = replace(course, measurements=(), findings=())
    stored = {name: value for name, value in to_json(thin).items() if value not in (None, "", []) or name == "day1"}
    assert course_from_json(stored) == thin


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ({"day1": "yesterday"}, "Course.day1"),
        ({"day2": None}, "unknown field: day2"),
        ({"measurements": [{"analyte": "gold", "collected_on": "2024-01-01"}]}, "Course.measurements[0].analyte"),
        ({"measurements": ["serum_m"]}, "Course.measurements[0] is not an object"),
        ({"measurements": [{"analyte": "serum_m", "collected_on": "2024-01-01", "value": "x"}]}, ".value"),
        ({"day1": None, "death_due_to_myeloma": "no"}, "death_due_to_myeloma"),
    ],
)
def test_what_does_not_fit_is_named(stored: dict[str, object], words: str) -> None:
    with pytest.raises(NotReadable) as refusal:
        course_from_json({"day1": None, **stored})
    assert words in str(refusal.value)
