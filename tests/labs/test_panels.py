"""Recording a visit's results: stored as typed, corrected with a reason, never lost, never twice."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied

from labs.entries import Entry, Seen
from labs.models import Laboratory, LabResult, ResponseAssessment, Specimen
from labs.selectors import course_for, stored_panels
from labs.services import (
    FieldsRefused,
    ReasonMissing,
    RowsRefused,
    SavedMeanwhile,
    mark_specimen_in_error,
    record_panel,
)
from protocol.phases import propose
from protocol.response import assess
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte, Phase, ProposalKind, Response
from tests.world import World
from tests.world_labs import laboratory, limits, morning, panels, record
from trialsite.context import reading
from trialsite.models import OutboxMessage, Query, QueryMessage, Role, Subject, Visit

BASELINE = date(2024, 3, 1)
MONTH1 = date(2024, 4, 4)


def current(subject: Subject, analyte: Analyte, code: str = "m01") -> LabResult:
    return LabResult.objects.get(subject=subject, analyte=analyte, superseded_at=None, specimen__visit__code=code)


@pytest.fixture
def _eyes(world: World) -> object:
    """The database as a data manager of all sites sees it."""
    with reading(world.person(Role.DATA_MANAGER), world.at):
        yield


pytestmark = pytest.mark.usefixtures("_eyes")


@pytest.mark.req("D7")
def test_a_result_is_kept_as_typed_beside_its_canonical_value(world: World, subject: Subject) -> None:
    lab = laboratory(world)
    limits(world, lab, Analyte.HB, "12.0", "15.5", sex="F")
    record(world, subject, "m01", MONTH1, {Analyte.HB: Entry("118", unit="g/L"), Analyte.HS_CRP: "<0.1"}, lab=lab)
    hb = current(subject, Analyte.HB)
    assert (hb.typed, hb.typed_unit, hb.value, hb.unit) == ("118", "g/L", Decimal("11.8"), "g/dL")
    assert (hb.reference_low, hb.reference_high) == (Decimal("12.0"), Decimal("15.5"))
    assert hb.conversion_version
    crp = current(subject, Analyte.HS_CRP)
    assert (crp.typed, crp.comparator, crp.value) == ("<0.1", "<", Decimal("0.1"))


@pytest.mark.req("D7")
def test_a_new_range_leaves_stored_results_alone(world: World, subject: Subject) -> None:
    lab = laboratory(world)
    limits(world, lab, Analyte.HB, "12.0", "15.5")
    record(world, subject, "m01", MONTH1, {Analyte.HB: "11.8"}, lab=lab)
    limits(world, lab, Analyte.HB, "11.0", "15.0", valid_from=date(2024, 2, 1))
    assert current(subject, Analyte.HB).reference_low == Decimal("12.0")


@pytest.mark.req("D5")
@pytest.mark.parametrize("word", ["nd", "NA", "unk"])
def test_a_gap_has_a_code_and_a_reason(world: World, subject: Subject, word: str) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.PLT: Entry(word, reason="Sample clotted"), Analyte.WBC: "5.2"})
    plt = current(subject, Analyte.PLT)
    assert (plt.value, plt.missing, plt.missing_reason) == (None, word.upper(), "Sample clotted")
    with pytest.raises(RowsRefused) as refusal:
        record(world, subject, "m02", date(2024, 5, 4), {Analyte.PLT: word})
    assert "say why" in refusal.value.problems[Analyte.PLT]


@pytest.mark.req("D5")
def test_a_pending_result_needs_no_reason_and_a_blank_is_no_answer(world: World, subject: Subject) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.IL6: "pend", Analyte.IL1: ""})
    assert current(subject, Analyte.IL6).missing == "PEND"
    assert not LabResult.objects.filter(analyte=Analyte.IL1).exists()


@pytest.mark.req("D3")
@pytest.mark.parametrize("typed", ["abc", "-1", "3,420", "1e5", "12.3.4"])
def test_an_impossible_result_blocks_its_field_and_nothing_is_stored(
    world: World, subject: Subject, typed: str
) -> None:
    with pytest.raises(RowsRefused) as refusal:
        record(world, subject, "m01", MONTH1, {Analyte.IGG: typed, Analyte.WBC: "5.2"})
    assert set(refusal.value.problems) == {Analyte.IGG}
    assert not LabResult.objects.exists()
    assert not Visit.objects.exists()


@pytest.mark.req("D3")
def test_a_wrong_unit_blocks(world: World, subject: Subject) -> None:
    with pytest.raises(RowsRefused):
        record(world, subject, "m01", MONTH1, {Analyte.HB: Entry("11.8", unit="mg/dL")})


@pytest.mark.req("D3")
@pytest.mark.parametrize(
    ("on", "words"),
    [(date(2025, 4, 4), "future"), (date(2024, 1, 1), "earliest"), (date(1924, 4, 4), "born")],
)
def test_an_impossible_date_blocks(world: World, subject: Subject, on: date, words: str) -> None:
    with pytest.raises(FieldsRefused) as refusal:
        record_panel(
            by=world.person(Role.COORDINATOR), at=morning(MONTH1), subject_id=subject.pk, site_id=subject.site_id,
            visit_code="m01", panels=panels(on, {Analyte.HB: "11.8"}),
        )  # fmt: skip
    assert words in refusal.value.problems["collected_on"]


@pytest.mark.req("D3")
def test_an_implausible_result_is_stored_and_asked_about(world: World, subject: Subject) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.HB: "118"})
    result = current(subject, Analyte.HB)
    query = Query.objects.get(record_id=result.pk)
    assert (query.state, query.item, query.visit_code, query.check_code) == ("open", "hb", "m01", "implausible")


@pytest.mark.req("D3")
def test_a_ticked_result_is_stored_with_its_question_answered(world: World, subject: Subject) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.HB: Entry("26", confirmed=True)})
    query = Query.objects.get()
    assert query.state == "closed"
    assert QueryMessage.objects.filter(query=query, action="confirmed").exists()


def test_ticking_later_closes_the_standing_question(world: World, subject: Subject) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.HB: "26"})
    done = record(world, subject, "m01", MONTH1, {Analyte.HB: Entry("26", confirmed=True)})
    assert done.changes == ()
    (query,) = Query.objects.all()
    assert query.state == "closed"
    said = query.messages.latest("id")
    assert (said.action, said.by_name) == ("confirmed", world.person(Role.COORDINATOR).printed_name)


def test_correcting_closes_the_question_by_itself(world: World, subject: Subject) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.HB: "118"})
    record(world, subject, "m01", MONTH1, {Analyte.HB: "11.8"}, reason="Typing error")
    assert Query.objects.get().state == "closed"


def test_results_that_contradict_each_other_are_asked_about(world: World, subject: Subject) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.ANC: "7.1", Analyte.WBC: "5.2"})
    assert Query.objects.get(check_code="anc_above_wbc").item == "anc"


@pytest.mark.req("D2")
def test_a_contradiction_is_asked_about_whichever_result_came_first_and_settled_from_either_side(
    world: World, subject: Subject
) -> None:
    def asked(check: str) -> list[tuple[str, str]]:
        return list(Query.objects.filter(check_code=check).order_by("id").values_list("item", "state"))

    record(world, subject, "m01", MONTH1, {Analyte.ANC: "7.1", Analyte.SERUM_M: "4.1"})
    record(world, subject, "m01", MONTH1, {Analyte.ANC: "7.1", Analyte.WBC: "5.2"})
    assert asked("anc_above_wbc") == [("anc", "open")]
    record(world, subject, "m01", MONTH1, {Analyte.WBC: "8.2"}, reason="Typing error")
    assert asked("anc_above_wbc") == [("anc", "closed")]
    record(world, subject, "m01", MONTH1, {Analyte.TOTAL_PROTEIN: "3.9"})
    assert asked("spike_above_protein") == [("serum_m", "open")], "of another panel, handed in alone"
    mark_specimen_in_error(
        by=world.person(Role.COORDINATOR), at=world.at, subject_id=subject.pk, site_id=subject.site_id,
        specimen_id=current(subject, Analyte.TOTAL_PROTEIN).specimen_id, reason="Another subject's",
    )  # fmt: skip
    assert asked("spike_above_protein") == [("serum_m", "closed")]


@pytest.mark.req("D2")
def test_a_contradiction_that_is_ticked_when_it_arises_is_stored_as_answered(world: World, subject: Subject) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.ANC: "7.1"})
    ticked = {Analyte.ANC: Entry("7.1", confirmed=True), Analyte.WBC: Entry("5.2")}
    record(world, subject, "m01", MONTH1, ticked)
    assert Query.objects.get(check_code="anc_above_wbc").state == "closed"


@pytest.mark.req("B6")
def test_a_first_entry_needs_no_reason_a_change_does(world: World, subject: Subject) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.HB: "11.8"})
    with pytest.raises(ReasonMissing) as refusal:
        record(world, subject, "m01", MONTH1, {Analyte.HB: "12.8"})
    assert refusal.value.changes == ("Haemoglobin: 11.8 to 12.8",)
    record(world, subject, "m01", MONTH1, {Analyte.HB: "11.8", Analyte.WBC: "5.2"})
    assert current(subject, Analyte.HB).version == 1


@pytest.mark.req("E3")
def test_a_correction_keeps_the_old_version(world: World, subject: Subject) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.HB: "11.8"})
    known = world.at
    world.later(3)
    record(world, subject, "m01", MONTH1, {Analyte.HB: "12.8"}, reason="Typing error")
    old, new = LabResult.objects.filter(analyte=Analyte.HB).order_by("version")
    assert (old.typed, old.superseded_at is None, new.typed, new.reason) == ("11.8", False, "12.8", "Typing error")
    then = [m.value for m in course_for(subject, known_at=known).measurements]
    now = [m.value for m in course_for(subject).measurements]
    assert (then, now) == ([Decimal("11.8")], [Decimal("12.8")])


def test_a_recorded_result_is_not_emptied(world: World, subject: Subject) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.HB: "11.8"})
    with pytest.raises(RowsRefused) as refusal:
        record(world, subject, "m01", MONTH1, {Analyte.HB: " "}, reason="Wrong person")
    assert "11.8 is recorded" in refusal.value.problems[Analyte.HB]


def test_a_wrong_collection_date_replaces_the_specimen_with_all_its_results(world: World, subject: Subject) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.HB: "11.8", Analyte.WBC: "5.2"})
    right = date(2024, 4, 2)
    record(world, subject, "m01", right, {Analyte.HB: "11.8"}, reason="Date of the report read wrongly")
    assert {m.collected_on for m in course_for(subject).measurements} == {right}
    assert {m.analyte for m in course_for(subject).measurements} == {Analyte.HB, Analyte.WBC}
    wrong = Specimen.objects.get(status="in_error")
    assert wrong.collected_on == MONTH1
    assert "read wrongly" in wrong.status_reason


def test_a_replaced_specimen_takes_over_what_was_not_typed_again_as_it_stood(world: World, subject: Subject) -> None:
    """A gap with its reason, a limit of detection, a value in the unit that was typed, limits of the laboratory."""
    lab = laboratory(world)
    limits(world, lab, Analyte.ANC, "1.7", "7.0")
    typed = {Analyte.HB: Entry("118", unit="g/L"), Analyte.PLT: Entry("nd", reason="Clotted"), Analyte.ANC: "<2.5",
             Analyte.WBC: "5.2"}  # fmt: skip
    record(world, subject, "m01", MONTH1, typed, lab=lab)
    columns = [
        "analyte", "typed", "typed_unit", "value", "unit", "comparator", "missing", "missing_reason",
        "reference_low", "reference_high",
    ]  # fmt: skip
    standing = LabResult.objects.filter(superseded_at=None).order_by("analyte")
    before = list(standing.values_list(*columns))
    assert len(before) == len(typed)
    record(world, subject, "m01", date(2024, 4, 2), {Analyte.WBC: "5.2"}, lab=lab, reason="Date of the report misread")
    assert list(standing.values_list(*columns)) == before
    assert list(Specimen.objects.order_by("id").values_list("version", "status")) == [(1, "in_error"), (2, "complete")]


def test_each_of_two_panels_is_stored_against_its_own_results(world: World, subject: Subject) -> None:
    """Two panels in one save: old versions close, questions close and specimens age in both."""
    record(world, subject, "m01", MONTH1, {Analyte.HB: "26", Analyte.SERUM_M: "2.9", Analyte.CALCIUM: "21"})
    record(world, subject, "m01", MONTH1, {Analyte.HB: Entry("26", confirmed=True), Analyte.SERUM_M: "2.8",
                                           Analyte.CALCIUM: Entry("21", confirmed=True)}, reason="Misread")  # fmt: skip
    assert set(Query.objects.values_list("item", "state")) == {("hb", "closed"), ("calcium", "closed")}
    done = record(world, subject, "m01", MONTH1, {Analyte.HB: "12.6", Analyte.SERUM_M: "2.7"}, reason="Misread")
    assert [(one.before.typed, one.after.typed) for one in done.changes if one.before] == [
        ("26", "12.6"), ("2.8", "2.7")
    ]  # fmt: skip
    standing = LabResult.objects.filter(superseded_at=None).order_by("analyte")
    assert list(standing.values_list("analyte", "typed", "version")) == [
        ("calcium", "21", 1), ("hb", "12.6", 2), ("serum_m", "2.7", 3)
    ]  # fmt: skip
    assert dict(Specimen.objects.values_list("panel", "version")) == {"haematology": 2, "myeloma": 3, "chemistry": 1}


@pytest.mark.req("D12")
def test_the_second_of_two_editors_sees_both_values_and_loses_nothing(world: World, subject: Subject) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.HB: "11.8", Analyte.WBC: "5.2"})
    opened = stored_panels(Visit.objects.get())["haematology"].specimen
    seen = Seen(opened.pk, opened.version)
    record(world, subject, "m01", MONTH1, {Analyte.HB: "12.8"}, reason="Typing error")
    mine = [replace(one, seen=seen) for one in panels(MONTH1, {Analyte.HB: "13.8", Analyte.WBC: "5.2"})]
    save = {
        "by": world.person(Role.INVESTIGATOR), "at": world.at, "subject_id": subject.pk, "site_id": subject.site_id,
        "visit_code": "m01", "panels": mine, "reason": "Read again",
    }  # fmt: skip
    with pytest.raises(SavedMeanwhile) as refusal:
        record_panel(**save)
    (conflict,) = refusal.value.conflicts
    assert (conflict.field, conflict.theirs, conflict.yours) == ("hb", "12.8 g/dL", "13.8 g/dL")
    assert current(subject, Analyte.HB).typed == "12.8"


@pytest.mark.req("D12")
def test_where_only_the_other_one_changed_a_value_theirs_stands(world: World, subject: Subject) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.HB: "11.8"})
    opened = stored_panels(Visit.objects.get())["haematology"].specimen
    record(world, subject, "m01", MONTH1, {Analyte.HB: "12.8"}, reason="Typing error")
    mine = panels(MONTH1, {Analyte.HB: "11.8", Analyte.WBC: "5.2", Analyte.PLT: ""})
    record_panel(
        by=world.person(Role.INVESTIGATOR), at=world.at, subject_id=subject.pk, site_id=subject.site_id,
        visit_code="m01", panels=[replace(one, seen=Seen(opened.pk, opened.version)) for one in mine],
    )  # fmt: skip
    assert (current(subject, Analyte.HB).typed, current(subject, Analyte.WBC).typed) == ("12.8", "5.2")


@pytest.mark.req("D13")
def test_a_form_sent_twice_stores_once(world: World, subject: Subject) -> None:
    save = {
        "by": world.person(Role.COORDINATOR), "at": morning(MONTH1), "subject_id": subject.pk,
        "site_id": subject.site_id, "visit_code": "m01",
        "panels": panels(MONTH1, {Analyte.HB: "11.8"}), "token": uuid4(),
    }  # fmt: skip
    first, second = record_panel(**save), record_panel(**save)
    assert (first.repeated, second.repeated) == (False, True)
    assert LabResult.objects.count() == 1
    assert OutboxMessage.objects.filter(kind="LABS_RECORDED").count() == 1


@pytest.mark.parametrize("role", [Role.DATA_MANAGER, Role.MONITOR, Role.ADMIN, Role.STATISTICIAN])
def test_only_site_staff_enter_results(world: World, subject: Subject, role: Role) -> None:
    with pytest.raises(PermissionDenied):
        record_panel(
            by=world.person(role), at=morning(MONTH1), subject_id=subject.pk, site_id=subject.site_id,
            visit_code="m01", panels=panels(MONTH1, {Analyte.HB: "11.8"}),
        )  # fmt: skip


def test_another_site_cannot_enter_results(world: World, subject: Subject) -> None:
    with pytest.raises(PermissionDenied):
        record_panel(
            by=world.person(Role.COORDINATOR, "02"), at=morning(MONTH1), subject_id=subject.pk,
            site_id=subject.site_id, visit_code="m01", panels=panels(MONTH1, {Analyte.HB: "11.8"}),
        )  # fmt: skip


@pytest.mark.req("E1", "E3")
def test_the_response_is_derived_with_the_data_and_kept_when_corrected(world: World, subject: Subject) -> None:
    record(world, subject, "bl", BASELINE, {Analyte.SERUM_M: "3.0", Analyte.URINE_M: "0"})
    record(world, subject, "m01", MONTH1, {Analyte.SERUM_M: "2.9"})
    before = ResponseAssessment.objects.last()
    assert (before.latest_timepoint, before.latest_on) == ("SD", MONTH1)
    record(world, subject, "m01", MONTH1, {Analyte.SERUM_M: "2.0"}, reason="Transcription error")
    after = ResponseAssessment.objects.last()
    assert after.pk != before.pk
    assert after.latest_timepoint == "MR"
    assert after.caused_by == "Month 1: Serum M-spike changed from 2.9 to 2.0 g/dL"
    assert ResponseAssessment.objects.get(pk=before.pk).latest_timepoint == "SD"


@pytest.mark.req("E3")
def test_the_order_of_entry_does_not_matter(world: World, subject: Subject) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.SERUM_M: "2.0"})
    record(world, subject, "bl", BASELINE, {Analyte.SERUM_M: "3.0", Analyte.URINE_M: "0"})
    assert ResponseAssessment.objects.last().latest_timepoint == "MR"


def test_a_visit_without_news_derives_and_publishes_nothing(world: World, subject: Subject) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.HB: "11.8"})
    messages, derived = OutboxMessage.objects.count(), ResponseAssessment.objects.count()
    record(world, subject, "m01", MONTH1, {Analyte.HB: "11.8"})
    assert (OutboxMessage.objects.count(), ResponseAssessment.objects.count()) == (messages, derived)


def spike(world: World, subject: Subject, code: str, on: date, typed: str, lab: Laboratory) -> None:
    record(world, subject, code, on, {Analyte.SERUM_M: typed, Analyte.FLC_KAPPA: "48"}, lab=lab)


@pytest.mark.req("D4")
def test_progression_seen_by_another_laboratory_waits_for_a_same_method_pair(world: World, subject: Subject) -> None:
    """Clinical specification 0: laboratory or method changed since the nadir."""
    central, local = laboratory(world), laboratory(world, name="Hospital laboratory", central=False)
    spike(world, subject, "bl", BASELINE, "3.0", central)
    spike(world, subject, "m01", MONTH1, "4.0", local)
    spike(world, subject, "m02", date(2024, 5, 4), "4.1", local)
    course = course_for(subject)
    history = assess(course, TRIAL)
    assert history.confirmed_status is Response.PD
    found = propose(Phase.INDUCTION, course, history, date(2024, 5, 4), TRIAL)
    assert (found.kind, "same-method pair" in found.waits_for) == (ProposalKind.AWAIT_CONFIRMATION, True)
