"""The disease assessment: what only imaging, marrow and immunofixation can say, and what it causes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied

from labs.models import DiseaseAssessment, ResponseAssessment, Specimen
from labs.selectors import Late, course_for, entries_since
from labs.services import (
    Assessed,
    FieldsRefused,
    ReasonMissing,
    mark_disease_assessment_in_error,
    mark_specimen_in_error,
    record_disease_assessment,
)
from protocol.vocabulary import Analyte, Mde
from tests.world import World
from tests.world_labs import morning, record
from trialsite.context import reading
from trialsite.models import OutboxMessage, Query, Role, Subject
from trialsite.services.queries import confirm

BASELINE, MONTH1, MONTH2 = date(2024, 3, 1), date(2024, 4, 4), date(2024, 5, 4)


@pytest.fixture(autouse=True)
def _eyes(world: World) -> Iterator[None]:
    with reading(world.person(Role.DATA_MANAGER), world.at):
        yield


def assess(
    world: World, subject: Subject, code: str, on: date, answers: Assessed, reason: str = ""
) -> DiseaseAssessment | None:
    world.at = max(world.at, morning(on))
    return record_disease_assessment(
        by=world.person(Role.COORDINATOR), at=world.at, subject_id=subject.pk, site_id=subject.site_id,
        visit_code=code, assessed=answers, reason=reason,
    )  # fmt: skip


def newest() -> ResponseAssessment:
    found = ResponseAssessment.objects.last()
    assert found is not None
    return found


def test_complete_response_is_reached_by_hand(world: World, subject: Subject) -> None:
    record(world, subject, "bl", BASELINE, {Analyte.SERUM_M: "3.0", Analyte.URINE_M: "0"})
    record(world, subject, "m01", MONTH1, {Analyte.SERUM_M: "0", Analyte.URINE_M: "0"})
    assert newest().latest_timepoint == "VGPR"
    answers = Assessed(
        immunofixation_on=MONTH1, serum_ife="NEGATIVE", urine_ife="NEGATIVE", marrow_on=MONTH1, bm_pc=Decimal(2)
    )
    assess(world, subject, "m01", MONTH1, answers)
    assert newest().latest_timepoint == "CR"
    assert newest().caused_by == "Month 1: disease assessment entered (date of immunofixation)"


def test_a_new_bone_lesion_is_progression_and_its_attribution_active_myeloma(world: World, subject: Subject) -> None:
    record(world, subject, "bl", BASELINE, {Analyte.SERUM_M: "3.0"})
    record(world, subject, "m01", MONTH1, {Analyte.SERUM_M: "3.0"})
    seen = Assessed(imaging_on=MONTH1, imaging_method="MRI", bone_lesions="NEW_OR_ENLARGED")
    assess(world, subject, "m01", MONTH1, seen)
    assert newest().confirmed == "PD"
    judged = Assessed(
        imaging_on=MONTH1, imaging_method="MRI", bone_lesions="NEW_OR_ENLARGED",
        attribution_on=MONTH1, bone_attributed=True, calcium_attributed=False,
    )  # fmt: skip
    assess(world, subject, "m01", MONTH1, judged, reason="Investigator has judged it")
    assert newest().result["active_mm_on"] == MONTH1.isoformat()
    attribution = next(one for one in course_for(subject).findings if one.attributed)
    assert (attribution.attributed, attribution.not_attributed) == ({Mde.BONE}, {Mde.CALCIUM})


@pytest.mark.req("B6", "E3")
def test_a_correction_is_a_new_version_with_its_reason(world: World, subject: Subject) -> None:
    first = assess(world, subject, "m01", MONTH1, Assessed(marrow_on=MONTH1, bm_pc=Decimal(12)))
    with pytest.raises(ReasonMissing):
        assess(world, subject, "m01", MONTH1, Assessed(marrow_on=MONTH1, bm_pc=Decimal(15)))
    second = assess(world, subject, "m01", MONTH1, Assessed(marrow_on=MONTH1, bm_pc=Decimal(15)), reason="Misread")
    assert first is not None
    assert second is not None
    assert (second.version, second.reason) == (2, "Misread")
    assert DiseaseAssessment.objects.get(pk=first.pk).superseded_at is not None
    same = assess(world, subject, "m01", MONTH1, Assessed(marrow_on=MONTH1, bm_pc=Decimal(15)))
    assert same is not None
    assert same.pk == second.pk
    assert OutboxMessage.objects.filter(kind="LABS_RECORDED").count() == 2


def asked(check: str = "ife_serum") -> list[tuple[str, str]]:
    return list(Query.objects.filter(check_code=check).order_by("id").values_list("item", "state"))


@pytest.mark.req("D2")
@pytest.mark.parametrize("first", ["assessment", "grid"])
def test_a_negative_immunofixation_beside_a_spike_is_asked_about_in_either_order(
    world: World, subject: Subject, first: str
) -> None:
    """And settled by a correction on either side, until it is so again."""
    negative = Assessed(immunofixation_on=MONTH1, serum_ife="NEGATIVE", urine_ife="NEGATIVE")
    if first == "assessment":
        assess(world, subject, "m01", MONTH1, negative)
    record(world, subject, "m01", MONTH1, {Analyte.SERUM_M: "0.3", Analyte.URINE_M: "0"})
    if first == "grid":
        assert asked() == []
        assess(world, subject, "m01", MONTH1, negative)
    assert (asked(), asked("ife_urine")) == ([("serum_m", "open")], [])
    positive = replace(negative, serum_ife="POSITIVE")
    assess(world, subject, "m01", MONTH1, positive, reason="Misread")
    assert asked() == [("serum_m", "closed")]
    assess(world, subject, "m01", MONTH1, replace(positive, comment="Read twice"), reason="Comment")
    assess(world, subject, "m01", MONTH1, negative, reason="Read again")
    assert asked() == [("serum_m", "open")]
    record(world, subject, "m01", MONTH1, {Analyte.SERUM_M: "0"}, reason="Typing error")
    assert asked() == [("serum_m", "closed")]


@pytest.mark.req("D2", "B7")
def test_an_immunofixation_in_error_asks_nothing_any_more_and_what_a_person_confirmed_stays(
    world: World, subject: Subject
) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.SERUM_M: "0.3", Analyte.URINE_M: "20"})
    negative = Assessed(immunofixation_on=MONTH1, serum_ife="NEGATIVE", urine_ife="NEGATIVE")
    assess(world, subject, "m01", MONTH1, negative)
    serum = Query.objects.get(check_code="ife_serum")
    by = world.person(Role.COORDINATOR)
    confirm(by=by, at=world.at, query_id=serum.pk, site_id=subject.site_id, text="Both are so")
    assess(world, subject, "m01", MONTH1, replace(negative, serum_ife="POSITIVE"), reason="Misread")
    assess(world, subject, "m01", MONTH1, negative, reason="Read again")
    assert (asked(), asked("ife_urine")) == ([("serum_m", "closed")], [("urine_m", "open")])
    mark_disease_assessment_in_error(
        by=by, at=world.at, subject_id=subject.pk, site_id=subject.site_id, visit_code="m01", reason="Another subject's"
    )
    assert asked("ife_urine") == [("urine_m", "closed")]


@pytest.mark.req("D3")
@pytest.mark.parametrize(
    ("answers", "field"),
    [
        (Assessed(serum_ife="NEGATIVE"), "immunofixation_on"),
        (Assessed(marrow_on=date(2025, 1, 1), bm_pc=Decimal(5)), "marrow_on"),
        (Assessed(marrow_on=MONTH1, bm_pc=Decimal(101)), "bm_pc"),
        (Assessed(imaging_on=MONTH1, plasmacytoma_spd_mm2=Decimal(-1)), "plasmacytoma_spd_mm2"),
        (Assessed(comment="nothing else"), "__all__"),
    ],
)
def test_impossible_answers_block_their_field(world: World, subject: Subject, answers: Assessed, field: str) -> None:
    with pytest.raises(FieldsRefused) as refusal:
        assess(world, subject, "m01", MONTH1, answers)
    assert field in refusal.value.problems
    assert not DiseaseAssessment.objects.exists()


def test_data_managers_do_not_assess(world: World, subject: Subject) -> None:
    with pytest.raises(PermissionDenied):
        record_disease_assessment(
            by=world.person(Role.DATA_MANAGER), at=world.at, subject_id=subject.pk, site_id=subject.site_id,
            visit_code="m01", assessed=Assessed(marrow_on=MONTH1, bm_pc=Decimal(5)),
        )  # fmt: skip


@pytest.mark.req("C4")
def test_what_changed_since_an_instant_is_what_was_entered_or_stopped_to_stand(world: World, subject: Subject) -> None:
    """Each change with the earliest day that it says something of: a sample's own, the first of an assessment's."""
    record(world, subject, "bl", BASELINE, {Analyte.SERUM_M: "3.0"})
    record(world, subject, "m01", MONTH1, {Analyte.HB: "11.8"})
    before = world.at
    assert entries_since(subject, before) == []
    entered = world.later(1)
    record(world, subject, "m01", MONTH1, {Analyte.HB: "12.8"}, reason="Typing error")
    assert entries_since(subject, before) == [Late(MONTH1, entered)] * 2, "the old version and the new one"
    seen = Assessed(
        immunofixation_on=date(2024, 4, 2), serum_ife="NEGATIVE",
        imaging_on=date(2024, 4, 3), imaging_method="MRI", bone_lesions="NONE",
    )  # fmt: skip
    assess(world, subject, "m01", MONTH1, seen)
    assert entries_since(subject, before)[2:] == [Late(date(2024, 4, 2), world.at)]
    since, stopped = world.at, world.later(1)
    mark_specimen_in_error(
        by=world.person(Role.COORDINATOR), at=stopped, subject_id=subject.pk, site_id=subject.site_id,
        specimen_id=Specimen.objects.get(visit__code="bl").pk, reason="Sample of another subject",
    )  # fmt: skip
    assert entries_since(subject, since) == [Late(BASELINE, stopped)]
    assess(world, subject, "m01", MONTH1, replace(seen, bone_lesions="NEW_OR_ENLARGED"), reason="Misread")
    assert entries_since(subject, since)[1:] == [Late(date(2024, 4, 2), stopped)] * 2, "as the new one, the old one"
