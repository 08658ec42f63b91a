"""What a change of data causes: signatures break, responses are derived anew, nothing is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labs.models import LabResult, ResponseAssessment, Specimen
from labs.selectors import course_for, courses_for, latest_response, latest_responses
from labs.services import derive_response, mark_specimen_in_error, mark_visit_in_error
from protocol.measurements import Course
from protocol.response import assess
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte, LabKind
from tests.world import World
from tests.world_labs import laboratory, record, treated_subject
from trialsite.access import Duty
from trialsite.context import reading, writing
from trialsite.models import OutboxMessage, Role, SignatureEvent, Subject, Visit
from trialsite.services.signatures import Signing, is_intact, sign
from trialsite.services.subjects import Refused

BASELINE, MONTH1, MONTH2 = date(2024, 3, 1), date(2024, 4, 4), date(2024, 5, 4)


@pytest.fixture(autouse=True)
def _eyes(world: World) -> Iterator[None]:
    with reading(world.person(Role.DATA_MANAGER), world.at):
        yield


def signed_over(world: World, subject: Subject, course: Course) -> object:
    """An investigator's signature that rests on everything in the course."""
    investigator = world.person(Role.INVESTIGATOR)
    what = Signing("test", "1", "reviewed", "I have reviewed this.", {}, tuple(m.source for m in course.measurements))
    with writing(by=investigator, duty=Duty.SIGN, site_id=subject.site_id, at=world.at):
        return sign(
            by=investigator, at=world.at, proof=world.proof(investigator), site=subject.site, subject=subject, what=what
        )


@pytest.mark.req("E3")
def test_a_correction_breaks_the_signature_that_rests_on_it(world: World, subject: Subject) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.SERUM_M: "2.9"})
    signature = signed_over(world, subject, course_for(subject))
    record(world, subject, "m01", MONTH1, {Analyte.HB: "12"})
    assert is_intact(signature)
    record(world, subject, "m01", MONTH1, {Analyte.SERUM_M: "2.0"}, reason="Misread")
    assert not is_intact(signature)
    assert "2.9 to 2.0" in SignatureEvent.objects.get().reason


@pytest.mark.req("E3")
def test_a_panel_in_error_is_forgotten_by_the_rules_and_kept_for_readers(world: World, subject: Subject) -> None:
    record(world, subject, "bl", BASELINE, {Analyte.SERUM_M: "3.0"})
    record(world, subject, "m01", MONTH1, {Analyte.SERUM_M: "2.0", Analyte.HB: "12"})
    known, messages = world.at, OutboxMessage.objects.count()
    world.later(1)
    specimen = Specimen.objects.get(panel="myeloma", visit__code="m01")
    mark = {
        "by": world.person(Role.COORDINATOR), "at": world.at, "subject_id": subject.pk, "site_id": subject.site_id,
        "specimen_id": specimen.pk, "reason": "Sample of another subject",
    }  # fmt: skip
    mark_specimen_in_error(**mark)
    assert [m.analyte for m in course_for(subject).measurements if m.visit == "m01"] == [Analyte.HB]
    assert len(course_for(subject, known_at=known).measurements) == 3
    assert ResponseAssessment.objects.last().latest_on is None
    assert OutboxMessage.objects.count() == messages + 1
    with pytest.raises(Refused):
        mark_specimen_in_error(**mark)


def test_a_visit_in_error_frees_its_slot(world: World, subject: Subject) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.HB: "12"})
    mark_visit_in_error(
        by=world.person(Role.COORDINATOR), at=world.at, subject_id=subject.pk, site_id=subject.site_id, code="m01",
        reason="Wrong subject",
    )  # fmt: skip
    record(world, subject, "m01", MONTH1, {Analyte.HB: "11"})
    assert list(Visit.objects.filter(code="m01").order_by("id").values_list("status", flat=True)) == [
        "in_error",
        "entered",
    ]
    assert LabResult.objects.filter(superseded_at=None).get().typed == "11"


@pytest.mark.req("E1")
def test_the_same_data_derive_the_same_response_and_append_nothing(world: World, subject: Subject) -> None:
    record(world, subject, "bl", BASELINE, {Analyte.SERUM_M: "3.0"})
    record(world, subject, "m01", MONTH1, {Analyte.SERUM_M: "2.0"})
    before = latest_response(subject)
    coordinator = world.person(Role.COORDINATOR)
    with writing(by=coordinator, duty=Duty.ENTER_DATA, site_id=subject.site_id, at=world.at):
        again = derive_response(subject, at=world.at, caused_by="Asked again")
    assert before is not None
    assert again is not None
    assert again.pk == before.pk
    assert before.result == assess(course_for(subject), TRIAL).as_json()
    assert {one["analyte"] for one in before.inputs["measurements"]} == {"serum_m"}
    assert before.criteria_version == "IMWG2016"
    assert latest_responses([subject.pk])[subject.pk].pk == before.pk


def test_before_the_first_dose_nothing_is_derived_and_no_worker_is_called(world: World) -> None:
    """The start of treatment is news of its own."""
    subject = world.subject()
    record(world, subject, "scr", world.at.date(), {Analyte.SERUM_M: "3.0"})
    assert LabResult.objects.filter(subject=subject).exists()
    assert latest_response(subject) is None
    assert not OutboxMessage.objects.exists()


@pytest.mark.req("D7")
def test_a_course_hands_on_unit_laboratory_limits_and_source(world: World, subject: Subject) -> None:
    lab = laboratory(world)
    record(world, subject, "m01", MONTH1, {Analyte.HS_CRP: "<0,2"}, lab=lab)
    (crp,) = course_for(subject).measurements
    assert (crp.value, crp.comparator, crp.typed_value, crp.lab) == (Decimal("0.2"), "<", "0.2", LabKind.CENTRAL)
    assert (crp.visit, crp.after_first_dose) == ("m01", True)
    assert crp.source == f"lab_result:{LabResult.objects.get().pk}"


def test_many_courses_cost_as_many_queries_as_one(world: World, subject: Subject) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.HB: "12"})
    other = treated_subject(world, day1=date(2024, 6, 3), site="02")
    record(world, other, "m01", date(2024, 7, 3), {Analyte.HB: "13", Analyte.WBC: "5"})
    with reading(world.person(Role.DATA_MANAGER), world.at):
        with CaptureQueriesContext(connection) as one:
            course_for(subject)
        with CaptureQueriesContext(connection) as many:
            courses = courses_for([subject, other])
    assert len(one) == len(many) == 3
    assert [len(courses[who.pk].measurements) for who in (subject, other)] == [1, 2]
