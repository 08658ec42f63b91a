"""Laboratory files: nothing is guessed, nothing counts twice, one bad row keeps no other back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from labs.models import ImportMapping, ImportRow, LabImport, Laboratory, LabResult, ResponseAssessment, Specimen
from labs.services import FieldsRefused, RowAnswer, accept_rows, cancel_import, match_columns, mend_rows
from protocol.vocabulary import Analyte
from tests.world import World
from tests.world_imports import accept, acting, csv_of, dispositions, line, mend, read_as, rows, upload
from tests.world_labs import laboratory, record, treated_subject
from trialsite.access import Duty
from trialsite.context import reading, writing
from trialsite.models import AuditEvent, ConsentGap, OutboxMessage, Query, Role, Subject, Visit
from trialsite.services.subjects import Refused

BASELINE, MONTH1 = date(2024, 3, 1), date(2024, 4, 4)


@pytest.fixture(autouse=True)
def _eyes(world: World) -> Iterator[None]:
    with reading(world.person(Role.DATA_MANAGER), world.at):
        yield


@pytest.fixture
def lab(world: World, subject: Subject) -> Laboratory:
    return laboratory(world)


def standing(subject: Subject) -> dict[str, str]:
    """Analyte -> what stands, as typed."""
    return dict(LabResult.objects.filter(subject=subject, superseded_at=None).values_list("analyte", "typed"))


# ---------------------------------------------------------------- what people complained of
@pytest.mark.req("G1")
def test_complaint_9_what_is_derived_follows_an_import_in_the_same_transaction(
    world: World, subject: Subject, lab: Laboratory
) -> None:
    record(world, subject, "bl", BASELINE, {Analyte.SERUM_M: "3.0"})
    before = OutboxMessage.objects.count()
    imported = upload(world, lab, csv_of(line(subject, "Serum M-spike", "14", "g/L")))
    accept(world, imported)
    newest = ResponseAssessment.objects.filter(subject=subject).latest("id")
    assert newest.latest_on == MONTH1
    assert newest.latest_timepoint == "PR"
    assert OutboxMessage.objects.count() == before + 1
    assert Query.objects.filter(subject=subject, record_type="lab_result").count() == 0


@pytest.mark.req("G1")
def test_complaint_9_an_imported_value_is_asked_about_as_a_typed_one(
    world: World, subject: Subject, lab: Laboratory
) -> None:
    imported = upload(world, lab, csv_of(line(subject, "Haemoglobin", "120", "g/dL")))
    assert "A query will ask." in rows(world, imported)[0].words
    accept(world, imported)
    assert Query.objects.get(subject=subject).check_code == "implausible"


@pytest.mark.req("G1")
def test_a_sample_that_waits_for_a_new_consent_says_so_before_it_is_imported(
    world: World, subject: Subject, lab: Laboratory
) -> None:
    record(world, subject, "bl", BASELINE, {Analyte.SODIUM: "140"})
    by = world.person(Role.COORDINATOR)
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=subject.site_id, at=world.at):
        ConsentGap.objects.create(
            subject=subject, site_id=subject.site_id, form_version="3.0", starts_on=BASELINE, opened_at=world.at
        )
    content = csv_of(
        line(subject, "Sodium", "141", "mmol/L"),
        line(subject, "Sodium", "139", "mmol/L", on=str(BASELINE), accession="A0"),
    )
    imported = upload(world, lab, content)
    assert dispositions(world, imported) == ["rejected", "conflicting"], "what is recorded may be decided about"
    assert "wait for consent to version 3.0" in rows(world, imported)[0].words


@pytest.mark.req("G1")
def test_complaint_10_two_results_of_one_moment_never_overwrite_each_other(
    world: World, subject: Subject, lab: Laboratory
) -> None:
    content = csv_of(
        line(subject, "Sodium", "140", "mmol/L", accession="A1"),
        line(subject, "Sodium", "128", "mmol/L", accession="A2"),
    )
    imported = upload(world, lab, content)
    assert dispositions(world, imported) == ["new", "rejected"]
    accept(world, imported)
    assert standing(subject) == {"sodium": "140"}
    second = rows(world, imported)[1]
    assert (second.field, second.settled_at) == ("visit", None)
    mend(world, imported, {2: RowAnswer(fixes={"visit": "uns"})})
    accept(world, imported)
    found = LabResult.objects.filter(subject=subject, superseded_at=None)
    assert set(found.values_list("specimen__accession", "typed")) == {("A1", "140"), ("A2", "128")}


@pytest.mark.req("G1")
def test_complaint_10_one_sample_with_two_values_is_a_conflict(world: World, subject: Subject, lab: Laboratory) -> None:
    content = csv_of(line(subject, "Sodium", "140", "mmol/L"), line(subject, "Sodium", "128", "mmol/L"))
    imported = upload(world, lab, content)
    assert dispositions(world, imported) == ["conflicting", "conflicting"]
    accept(world, imported)
    assert standing(subject) == {}
    mend(world, imported, {2: RowAnswer(decision="leave_out")})
    assert dispositions(world, imported) == ["new", "conflicting"]
    accept(world, imported)
    assert standing(subject) == {"sodium": "140"}
    imported.refresh_from_db()
    assert imported.state == LabImport.State.DONE


@pytest.mark.req("G1", "G2")
def test_complaint_10_a_refused_unit_waits_in_quarantine_and_leaves_no_hole(
    world: World, subject: Subject, lab: Laboratory
) -> None:
    imported = upload(
        world, lab, csv_of(line(subject, "Creatinine", "88", "mg%"), line(subject, "Sodium", "140", "mmol/L"))
    )
    accept(world, imported)
    kept = rows(world, imported)[0]
    assert (kept.disposition, kept.field, kept.settled_at) == ("rejected", "unit", None)
    assert kept.received["parts"] == {
        "subject": subject.number, "birth_year": "1958", "sex": "F", "collected_on": "2024-04-04",
        "accession": "A1", "test": "Creatinine", "value": "88", "unit": "mg%", "status": "F",
    }  # fmt: skip
    mend(world, imported, {1: RowAnswer(fixes={"unit": "umol/L"}, remember=True)})
    accept(world, imported)
    stored = LabResult.objects.get(subject=subject, analyte="creatinine")
    assert (stored.typed, stored.typed_unit) == ("88", "umol/L")
    assert ImportMapping.objects.get().mapping["units"] == {"creatinine|mg%": "umol/L"}


@pytest.mark.req("G1")
@pytest.mark.parametrize(
    ("altered", "words"),
    [
        ({"on": "2024-04-05"}, "recorded as collected on 4 Apr 2024, the file says 5 Apr 2024"),
        ({"result": "141"}, "140 mmol/L is recorded for this sample"),
    ],
)
def test_complaint_11_a_slightly_altered_duplicate_is_a_conflict_and_counts_once(
    world: World, subject: Subject, lab: Laboratory, altered: dict[str, str], words: str
) -> None:
    told = {"result": "140", **altered}
    accept(world, upload(world, lab, csv_of(line(subject, "Sodium", "140", "mmol/L"))))
    again = upload(
        world, lab, csv_of(line(subject, "Sodium", told["result"], "mmol/L", on=told.get("on", "2024-04-04")))
    )
    (row,) = rows(world, again)
    assert row.disposition == "conflicting"
    assert words in row.words
    accept(world, again)
    assert LabResult.objects.filter(subject=subject).count() == 1
    mend(world, again, {1: RowAnswer(decision="keep")})
    again.refresh_from_db()
    assert again.state == LabImport.State.DONE
    assert standing(subject) == {"sodium": "140"}


@pytest.mark.req("G1", "G4")
def test_complaint_11_an_accession_number_of_another_subject_is_a_conflict(
    world: World, subject: Subject, lab: Laboratory
) -> None:
    other = treated_subject(world, day1=date(2024, 3, 4))
    accept(world, upload(world, lab, csv_of(line(subject, "Sodium", "140", "mmol/L"))))
    again = upload(world, lab, csv_of(line(other, "Sodium", "140", "mmol/L")))
    assert dispositions(world, again) == ["conflicting"]
    both = csv_of(
        line(subject, "Potassium", "4", "mmol/L", accession="B"), line(other, "Urate", "4", "mg/dL", accession="B")
    )
    assert dispositions(world, upload(world, lab, both)) == ["conflicting", "conflicting"]
    assert not LabResult.objects.filter(subject=other).exists()


@pytest.mark.req("G1")
def test_complaint_12_the_receipt_says_of_every_row_what_became_of_it(
    world: World, subject: Subject, lab: Laboratory
) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.SODIUM: "140", Analyte.POTASSIUM: "4.1", Analyte.ALT: "20"}, lab=lab)
    content = csv_of(
        line(subject, "Urate", "5", "mg/dL"),
        line(subject, "Sodium", "140.0", "mmol/L"),
        line(subject, "Potassium", "4.4", "mmol/L", status="C"),
        line(subject, "ALT", "30", "U/L"),
        line("01-999", "Sodium", "140", "mmol/L"),
    )
    imported = upload(world, lab, content)
    assert dispositions(world, imported) == ["new", "unchanged", "corrected", "conflicting", "rejected"]
    done = accept(world, imported)
    assert (dict(done.settled), done.waiting) == ({"new": 1, "unchanged": 1, "corrected": 1}, 2)
    told = {row.line: row for row in rows(world, imported)}
    assert [told[number].result is not None for number in (2, 3, 4, 5, 6)] == [True, True, True, False, False]
    assert told[4].result.reason == "Corrected by the laboratory."
    assert (told[5].recorded, told[5].would_save) == ("20 U/L", "30 U/L")
    assert "No subject 01-999 at Site 01" in told[6].words
    assert told[2].settled_by_id == world.person(Role.COORDINATOR).user_id


# ---------------------------------------------------------------- the same file twice
@pytest.mark.req("G1")
def test_the_same_file_twice_is_one_import(world: World, subject: Subject, lab: Laboratory) -> None:
    content = csv_of(line(subject, "Sodium", "140", "mmol/L"))
    first = upload(world, lab, content)
    accept(world, first)
    count = AuditEvent.objects.count()
    again = upload(world, lab, content, name="other name.csv")
    assert again.pk == first.pk
    assert AuditEvent.objects.count() == count
    with pytest.raises(Refused):
        accept(world, again)


@pytest.mark.req("G1")
def test_the_same_rows_cut_anew_change_nothing(world: World, subject: Subject, lab: Laboratory) -> None:
    one, two = line(subject, "Sodium", "140", "mmol/L"), line(subject, "Haemoglobin", "12", "g/dL")
    accept(world, upload(world, lab, csv_of(one, two)))
    specimens, results = Specimen.objects.count(), LabResult.objects.count()
    again = upload(world, lab, csv_of(two.replace("12,g/dL", "120,g/L"), one, one))
    assert dispositions(world, again) == ["unchanged"] * 3
    accept(world, again)
    assert (Specimen.objects.count(), LabResult.objects.count()) == (specimens, results)


@pytest.mark.req("G1")
def test_an_old_file_takes_no_correction_back(world: World, subject: Subject, lab: Laboratory) -> None:
    accept(world, upload(world, lab, csv_of(line(subject, "Sodium", "140", "mmol/L"))))
    accept(world, upload(world, lab, csv_of(line(subject, "Sodium", "144", "mmol/L", status="corrected"))))
    old = upload(world, lab, csv_of(line(subject, "Sodium", "140", "mmol/L", status="final")))
    assert dispositions(world, old) == ["conflicting"]
    accept(world, old)
    assert standing(subject) == {"sodium": "144"}
    named = upload(world, lab, csv_of(line(subject, "Sodium", "140", "mmol/L", status="corrected")))
    (row,) = rows(world, named)
    assert (row.disposition, "was recorded before and was changed to 144" in row.words) == ("conflicting", True)


@pytest.mark.req("G1", "G3")
def test_below_a_limit_is_another_result_than_the_limit(world: World, subject: Subject, lab: Laboratory) -> None:
    accept(world, upload(world, lab, csv_of(line(subject, "serum_m", "<0.1", "g/dL"))))
    told = [
        dispositions(world, upload(world, lab, csv_of(line(subject, "serum_m", one, "g/L")))) for one in ("1", "<1")
    ]
    assert told == [["conflicting"], ["unchanged"]]


# ---------------------------------------------------------------- whose it is
@pytest.mark.req("G4")
@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"born": "1961"}, "Year of birth differs from subject"),
        ({"sex": "M"}, "Sex differs from subject"),
        ({"born": "1961", "sex": "M"}, "Year of birth and sex differ from subject"),
        ({"born": ""}, "does not say the year of birth"),
        ({"sex": "?"}, "does not say the sex"),
        ({"born": "1958 or 1959"}, "does not say the year of birth"),
    ],
)
def test_a_subject_is_matched_by_number_and_year_and_sex_or_refused(
    world: World, subject: Subject, lab: Laboratory, told: dict[str, str], words: str
) -> None:
    imported = upload(world, lab, csv_of(line(subject, "Sodium", "140", "mmol/L", **told)))
    (row,) = rows(world, imported)
    assert (row.disposition, row.field, row.subject) == ("rejected", "subject", None)
    assert words in row.words
    accept(world, imported)
    assert standing(subject) == {}


@pytest.mark.req("G4")
def test_a_subject_of_another_site_does_not_exist(world: World, subject: Subject, lab: Laboratory) -> None:
    foreign = treated_subject(world, day1=date(2024, 3, 4), site="02")
    imported = upload(world, lab, csv_of(line(foreign, "Sodium", "140", "mmol/L")))
    assert "No subject 02-001 at Site 01" in rows(world, imported)[0].words


@pytest.mark.req("G4")
def test_the_subject_that_a_person_puts_right_is_checked_again(world: World, subject: Subject, lab: Laboratory) -> None:
    imported = upload(world, lab, csv_of(line("01-009", "Sodium", "140", "mmol/L", born="1960")))
    mend(world, imported, {1: RowAnswer(fixes={"subject": subject.number})})
    assert "Year of birth differs" in rows(world, imported)[0].words


# ---------------------------------------------------------------- one row and the others
@pytest.mark.req("G1")
@pytest.mark.parametrize(
    ("poison", "field"),
    [
        ({"test": "Sodium", "result": "hemolysed", "unit": "mmol/L"}, ""),
        ({"test": "Sodium", "result": "-3", "unit": "mmol/L"}, ""),
        ({"test": "Sodium", "result": "=1+1", "unit": "mmol/L"}, ""),
        ({"test": "Sodium", "result": "140", "unit": "\ufffdmol/L"}, ""),
        ({"test": "Sodium", "result": "+/-", "unit": "mmol/L"}, ""),
        ({"test": "Sodium", "result": "1,234", "unit": "mmol/L"}, ""),
        ({"test": "Sodium", "result": "", "unit": "mmol/L"}, ""),
        ({"test": "Sodium", "result": "nd", "unit": "mmol/L"}, ""),
        ({"test": "Sodium", "result": "9" * 41, "unit": "mmol/L"}, ""),
        ({"test": "Sodium", "result": "140", "unit": ""}, "unit"),
        ({"test": "Troponin", "result": "140", "unit": "ng/L"}, "test"),
        ({"test": "Sodium", "result": "140", "unit": "mmol/L", "on": "2062-04-04"}, "collected_on"),
        ({"test": "Sodium", "result": "140", "unit": "mmol/L", "on": "4.4.24"}, "collected_on"),
        ({"test": "Sodium", "result": "140", "unit": "mmol/L", "on": "2001-04-04"}, "collected_on"),
        ({"test": "Sodium", "result": "140", "unit": "mmol/L", "status": "P"}, ""),
        ({"test": "Sodium", "result": "140", "unit": "mmol/L", "status": "Z"}, ""),
        ({"test": "Sodium", "result": "140", "unit": "mmol/L", "accession": "A" * 41}, ""),
    ],
)
def test_one_poisoned_row_keeps_no_other_back(
    world: World, subject: Subject, lab: Laboratory, poison: dict[str, str], field: str
) -> None:
    accept(world, upload(world, lab, csv_of(line(subject, "Urate", "5", "mg/dL", accession="A0"))))
    told = {"accession": "P" if "on" in poison else "A0", **poison}
    if "," in told["result"]:
        told["result"] = f'"{told["result"]}"'
    test, result, unit = told.pop("test"), told.pop("result"), told.pop("unit")
    content = csv_of(
        line(subject, test, result, unit, **{"accession": "P", **told}),
        line(subject, "ALT", "20", "U/L", accession="A0"),
    )
    imported = upload(world, lab, content)
    bad, good = rows(world, imported)
    assert (bad.disposition, good.disposition) == ("rejected", "new"), bad.words
    assert bad.field == field
    assert bad.words.endswith((".", "?"))
    accept(world, imported)
    assert standing(subject) == {"urate": "5", "alt": "20"}


@pytest.mark.req("G1")
def test_a_sample_that_is_refused_while_importing_keeps_no_other_back(
    world: World, subject: Subject, lab: Laboratory
) -> None:
    """Month 1 is stated not done after the file was judged."""
    other = treated_subject(world, day1=date(2024, 3, 4))
    imported = upload(
        world,
        lab,
        csv_of(line(subject, "Sodium", "140", "mmol/L"), line(other, "Sodium", "139", "mmol/L", accession="A2")),
    )
    coordinator = world.person(Role.COORDINATOR)
    with writing(by=coordinator, duty=Duty.ENTER_DATA, site_id=subject.site_id, at=world.at, reason="Missed"):
        subject.entered_in_error_at = world.at
        subject.save(update_fields=["entered_in_error_at"])
    done = accept(world, imported)
    assert (dict(done.settled), done.waiting) == ({"new": 1}, 1)
    assert "entered in error" in rows(world, imported)[0].words
    assert standing(other) == {"sodium": "139"}


# ---------------------------------------------------------------- visits
@pytest.mark.req("G1")
def test_a_sample_goes_to_the_visit_of_its_day_or_window(world: World, subject: Subject, lab: Laboratory) -> None:
    accept(world, upload(world, lab, csv_of(line(subject, "Sodium", "140", "mmol/L", on="2024-04-02"))))
    assert Visit.objects.get(subject=subject).code == "m01"
    later = upload(world, lab, csv_of(line(subject, "Haemoglobin", "12", "g/dL", on="2024-04-02", accession="A2")))
    assert rows(world, later)[0].visit_code == "m01", "another panel of that day"


@pytest.mark.req("G1")
def test_where_no_visit_fits_a_person_chooses_and_a_new_one_is_unscheduled(
    world: World, subject: Subject, lab: Laboratory
) -> None:
    content = csv_of(
        line(subject, "Sodium", "140", "mmol/L", on="2024-03-19"), line(subject, "Urate", "5", "mg", on="2024-03-19")
    )
    imported = upload(world, lab, content)
    first, second = rows(world, imported)
    assert (first.field, second.field) == ("visit", "unit")
    assert "No single visit of" in first.words
    mend(world, imported, {1: RowAnswer(fixes={"visit": "uns"}), 2: RowAnswer(fixes={"unit": "mg/dL"})})
    assert accept(world, imported).waiting == 1
    visit = Visit.objects.get(subject=subject)
    assert (visit.code, visit.reason) == ("uns1", "Laboratory report of 19 Mar 2024 A1")
    assert accept(world, imported).waiting == 0, "the visit of the accession number is known now"
    assert Visit.objects.filter(subject=subject).count() == 1
    assert standing(subject) == {"sodium": "140", "urate": "5"}


@pytest.mark.req("G1")
def test_an_import_adds_to_what_was_typed_and_redraws_no_sample(
    world: World, subject: Subject, lab: Laboratory
) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.SODIUM: "140"})
    accept(world, upload(world, lab, csv_of(line(subject, "Urate", "5", "mg/dL"))))
    specimen = Specimen.objects.get(subject=subject)
    assert (specimen.laboratory, specimen.accession, specimen.status) == (None, "", "complete")
    assert standing(subject) == {"sodium": "140", "urate": "5"}


@pytest.mark.req("G1")
def test_a_pending_result_is_filled_in_without_asking(world: World, subject: Subject, lab: Laboratory) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.SODIUM: "pend"})
    imported = upload(world, lab, csv_of(line(subject, "Sodium", "140", "mmol/L")))
    assert dispositions(world, imported) == ["corrected"]
    accept(world, imported)
    assert standing(subject) == {"sodium": "140"}


# ---------------------------------------------------------------- answers
@pytest.mark.req("G1")
def test_a_conflict_is_replaced_only_with_a_reason(world: World, subject: Subject, lab: Laboratory) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.SODIUM: "140"})
    imported = upload(world, lab, csv_of(line(subject, "Sodium", "144", "mmol/L")))
    with pytest.raises(FieldsRefused, match="say why"):
        mend(world, imported, {1: RowAnswer(decision="replace")})
    mend(world, imported, {1: RowAnswer(decision="replace", reason="Transcription error")})
    assert standing(subject) == {"sodium": "140"}, "nothing is saved before the import"
    accept(world, imported)
    newest = LabResult.objects.get(subject=subject, superseded_at=None)
    assert (newest.typed, newest.version, newest.reason) == ("144", 2, "Transcription error")


@pytest.mark.req("G1")
@pytest.mark.parametrize(
    "answer",
    [
        RowAnswer(fixes={"unit": "mg/dL"}),
        RowAnswer(fixes={"test": "ecog"}),
        RowAnswer(fixes={"value": "150"}),
        RowAnswer(decision="keep"),
        RowAnswer(decision="replace", reason="x"),
    ],
)
def test_answers_that_a_row_does_not_take_are_refused_and_change_nothing(
    world: World, subject: Subject, lab: Laboratory, answer: RowAnswer
) -> None:
    imported = upload(world, lab, csv_of(line(subject, "Sodium", "140", "")))
    before = AuditEvent.objects.count()
    with pytest.raises(FieldsRefused):
        mend(world, imported, {1: answer})
    with pytest.raises(FieldsRefused):
        mend(world, imported, {7: RowAnswer(decision="leave_out")})
    assert AuditEvent.objects.count() == before


# ---------------------------------------------------------------- who may
@pytest.mark.req("G1", "A8")
def test_a_data_manager_uploads_into_quarantine_and_the_site_imports(
    world: World, subject: Subject, lab: Laboratory
) -> None:
    imported = upload(world, lab, csv_of(line(subject, "Sodium", "140", "")), role=Role.DATA_MANAGER)
    manager = {**acting(world, imported), "by": world.person(Role.DATA_MANAGER)}
    with pytest.raises(PermissionDenied):
        mend_rows(**manager, answers={1: RowAnswer(fixes={"unit": "mmol/L"})})
    with pytest.raises(PermissionDenied):
        accept_rows(**manager)
    mend(world, imported, {1: RowAnswer(fixes={"unit": "mmol/L"})})
    accept(world, imported)
    assert standing(subject) == {"sodium": "140"}


@pytest.mark.req("G1", "A5")
@pytest.mark.parametrize("role", [Role.INVESTIGATOR, Role.MONITOR, Role.STATISTICIAN, Role.ADMIN])
def test_nobody_else_uploads(world: World, subject: Subject, lab: Laboratory, role: Role) -> None:
    with pytest.raises(PermissionDenied):
        upload(world, lab, csv_of(line(subject, "Sodium", "140", "mmol/L")), role=role)


# ---------------------------------------------------------------- the life of a file
@pytest.mark.req("G1")
def test_what_is_not_matched_is_forgotten_once_rows_are_imported(
    world: World, subject: Subject, lab: Laboratory
) -> None:
    heading = "Subject,Birth year,Sex,Collected,Accession,Test,Result,Unit,Status,Patient"
    content = csv_of(line(subject, "Sodium", "140", "mmol/L") + ",Jane Roe", heading=heading)
    imported = upload(world, lab, content)
    assert all("Jane" not in str(row.received) for row in rows(world, imported))
    accept(world, imported)
    imported.refresh_from_db()
    assert imported.content == ""
    assert not AuditEvent.objects.filter(new__icontains="Jane Roe").exists()


@pytest.mark.req("G1")
def test_a_file_is_cancelled_and_may_come_again(world: World, subject: Subject, lab: Laboratory) -> None:
    content = csv_of(line(subject, "Sodium", "140", "mmol/L"))
    first = upload(world, lab, content)
    cancel_import(**acting(world, first))
    with pytest.raises(Refused):
        cancel_import(**acting(world, first))
    with pytest.raises(Refused):
        accept(world, first)
    again = upload(world, lab, content)
    assert again.pk != first.pk
    accept(world, again)
    assert standing(subject) == {"sodium": "140"}


@pytest.mark.req("G1")
def test_columns_matched_anew_make_a_new_import_until_rows_are_settled(
    world: World, subject: Subject, lab: Laboratory
) -> None:
    content = csv_of(line(subject, "Sodium", "140", "mmol/L"), line(subject, "Urate", "5", ""))
    first = upload(world, lab, content)
    mapping = read_as(content).with_unit(Analyte.URATE, "", "mg/dL")
    second = match_columns(**acting(world, first), mapping=mapping)
    first.refresh_from_db()
    assert (first.state, first.content) == ("cancelled", "")
    assert dispositions(world, second) == ["new", "new"]
    accept(world, second)
    with pytest.raises(Refused):
        match_columns(**acting(world, second), mapping=mapping)


@pytest.mark.req("G1", "B1")
def test_the_database_keeps_its_own_rules(world: World, subject: Subject, lab: Laboratory) -> None:
    imported = upload(world, lab, csv_of(line("01-999", "Sodium", "140", "mmol/L")))
    entering = {"by": world.person(Role.COORDINATOR), "duty": Duty.ENTER_DATA, "site_id": lab.site_id, "at": world.at}
    for change in ({"settled_at": world.at}, {"decision": "replace"}):
        with pytest.raises(IntegrityError), transaction.atomic(), writing(**entering, reason="Test"):
            ImportRow.objects.filter(lab_import=imported).update(**change)
