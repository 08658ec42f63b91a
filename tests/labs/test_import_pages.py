"""Pages of laboratory files: four clicks for a panel, mending in place, nothing typed is lost, the receipt."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from labs.mapping import IMPORTABLE
from labs.models import ImportMapping, LabImport, Laboratory, LabResult
from labs.services import RowAnswer, foretelling
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte
from tests.world import World, log_in
from tests.world_imports import accept, csv_of, line, mend, upload
from tests.world_labs import laboratory, record
from trialsite.access import Duty
from trialsite.context import reading, writing
from trialsite.models import Role, Signature, SignatureEvent, Subject
from trialsite.services.signatures import Signing, sign

MONTH1 = date(2024, 4, 4)


@pytest.fixture
def lab(world: World, subject: Subject) -> Laboratory:
    return laboratory(world)


@pytest.fixture
def mary(world: World, lab: Laboratory) -> Client:
    return log_in(Client(), world.person(Role.COORDINATOR))


def send(client: Client, lab: Laboratory, content: bytes, name: str = "results.csv"):
    return client.post("/labs/imports/", {"laboratory": lab.pk, "file": SimpleUploadedFile(name, content)})


def panel_of_25(subject: Subject, **told: str) -> bytes:
    """25 results as a laboratory reports them."""
    numbers = [one for one in IMPORTABLE if TRIAL.analytes[one].plausible and TRIAL.analytes[one].units[0]][:25]
    specs = [TRIAL.analytes[one] for one in numbers]
    return csv_of(*(line(subject, one.label.replace(",", " "), "5", one.unit, **told) for one in specs))


def known(world: World) -> LabImport:
    with reading(world.person(Role.DATA_MANAGER), world.at):
        return LabImport.objects.select_related("site").latest("id")


@pytest.mark.req("G1")
def test_the_first_file_is_matched_once_and_25_results_then_take_four_clicks(
    world: World, subject: Subject, lab: Laboratory, mary: Client
) -> None:
    """Lab import, choose the file, Upload, Import: the third answer is the review with one button to press."""
    first = send(mary, lab, panel_of_25(subject))
    assert first["Location"].endswith("/map/")
    page = mary.get(first["Location"]).content.decode()
    form = chosen(page)
    assert sum(name.startswith("test_") and value != "" for name, value in form.items()) == 25
    matched = mary.post(first["Location"], form)
    assert matched.status_code == 302, matched.content.decode()[:3000]
    mary.post(matched["Location"], {"action": "cancel"})
    again = send(mary, lab, panel_of_25(subject, accession="A2"))
    assert again["Location"].endswith("/review/")
    assert "Import 25 good rows" in mary.get(again["Location"]).content.decode()
    done = mary.post(again["Location"], {"action": "import"}, follow=True).content.decode()
    assert "25 rows imported." in done
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert LabResult.objects.filter(subject=subject).count() == 25


def chosen(page: str) -> dict[str, str]:
    """What the selects and hidden boxes of a page hold, as a browser would send them."""
    found: dict[str, str] = {}
    for piece in page.split("<select")[1:]:
        name = piece.split('name="')[1].split('"')[0]
        selected = [option for option in piece.split("</select>")[0].split("<option")[1:] if " selected" in option]
        found[name] = selected[0].split('value="')[1].split('"')[0] if selected else ""
    shape = page.split('name="shape" value="')[1].split('"')[0]
    return {**found, "shape": shape}


@pytest.mark.req("G1")
def test_columns_that_are_missing_or_chosen_twice_are_said_beside_them(
    subject: Subject, lab: Laboratory, mary: Client, world: World
) -> None:
    address = send(mary, lab, panel_of_25(subject))["Location"]
    form = chosen(mary.get(address).content.decode())
    for change, words in (
        ({"sex": ""}, "Choose the column."),
        ({"sex": "Subject"}, "The column Subject is chosen twice."),
        ({"date_format": ""}, "Choose how dates are written."),
    ):
        page = mary.post(address, {**form, **change})
        assert page.status_code == 422
        assert words in page.content.decode()
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert not ImportMapping.objects.exists()


@pytest.mark.req("G1", "G2")
def test_a_column_for_each_test_needs_a_unit_of_that_test(
    world: World, subject: Subject, lab: Laboratory, mary: Client
) -> None:
    content = f"Subject,Birth year,Sex,Collected,Hb,Sodium\n{subject.number},1958,F,2024-04-04,120,140\n".encode()
    address = send(mary, lab, content)["Location"]
    form = chosen(mary.get(address).content.decode())
    assert form["shape"] == "wide"
    page = mary.post(address, {**form, "unit_0": "mg/L", "unit_1": "mmol/L"})
    assert page.status_code == 422
    assert "This is not a unit of Haemoglobin" in page.content.decode()
    review = mary.post(address, {**form, "unit_0": "g/L", "unit_1": "mmol/L"})["Location"]
    assert "12 g/dL" in mary.get(review + "?show=new").content.decode()
    mary.post(review, {"action": "import"})
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert set(LabResult.objects.values_list("typed", "typed_unit")) == {("120", "g/L"), ("140", "mmol/L")}


@pytest.mark.req("G1")
def test_rows_are_mended_in_place_and_nothing_typed_is_lost(
    world: World, subject: Subject, lab: Laboratory, mary: Client
) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.SODIUM: "140"})
    imported = upload(
        world,
        lab,
        csv_of(
            line(subject, "Creatinine", "88", ""),
            line(subject, "Sodium", "144", "mmol/L"),
            line("01-009", "Urate", "5", "mg/dL"),
            line(subject, "IgG", "900", "mg/dL", on="2062-04-04", accession="Z"),
        ),
    )
    address = f"/labs/imports/{imported.pk}/review/"
    page = mary.get(address).content.decode()
    assert "There is a problem with 4 rows" in page
    assert "umol/L" in page
    assert "µmol/L (= 0.99" in page
    assert "Import " not in page.split("savebar")[1].replace("Cancel import", "")
    wrong = {
        "1-unit": "umol/L",
        "2-decision": "replace",
        "3-subject": "01-777",
        "4-collected_on": "32 Mar",
        "action": "check",
    }
    answer = mary.post(address, wrong)
    assert answer.status_code == 422
    told = answer.content.decode()
    assert all(value in told for value in ("01-777", "32 Mar"))
    assert "This day is not in the calendar" in told
    answer = mary.post(address, {**wrong, "4-collected_on": "4 Apr 2024"})
    assert answer.status_code == 422
    assert "say why the recorded value is replaced" in answer.content.decode()
    good = {"1-unit": "umol/L", "1-remember": "on", "2-decision": "replace", "2-reason": "Wrong unit",
            "4-collected_on": "4 Apr 2024", "leave": "3"}  # fmt: skip
    page = mary.post(address, good, follow=True).content.decode()
    assert "Import 3 good rows" in page
    assert "3 rows imported." in mary.post(address, {"action": "import"}, follow=True).content.decode()
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert LabImport.objects.get(pk=imported.pk).state == "done"
        assert ImportMapping.objects.get().mapping["units"] == {"creatinine|": "umol/L"}


@pytest.mark.req("G1")
def test_answers_that_come_with_import_are_shown_before_anything_is_saved(
    world: World, subject: Subject, lab: Laboratory, mary: Client
) -> None:
    rows = csv_of(line(subject, "Creatinine", "88", ""), line(subject, "Sodium", "140", "mmol/L"))
    address = f"/labs/imports/{upload(world, lab, rows).pk}/review/"
    page = mary.post(address, {"action": "import", "1-unit": "umol/L"}, follow=True).content.decode()
    assert "1 row answered" in page
    assert "Import 2 good rows" in page
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert not LabResult.objects.exists()


@pytest.mark.req("G1")
def test_a_file_that_was_uploaded_is_recognised(world: World, subject: Subject, lab: Laboratory, mary: Client) -> None:
    content = csv_of(line(subject, "Sodium", "140", "mmol/L"))
    accept(world, upload(world, lab, content))
    page = mary.post(
        "/labs/imports/", {"laboratory": lab.pk, "file": SimpleUploadedFile("b.csv", content)}, follow=True
    ).content.decode()
    assert "This file was uploaded on" in page
    assert "Nothing was changed." in page


@pytest.mark.req("G1")
def test_complaint_12_the_receipt_can_be_taken_away(
    world: World, subject: Subject, lab: Laboratory, mary: Client
) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.SODIUM: "140", Analyte.ALT: "20"}, lab=lab)
    content = csv_of(
        line(subject, "Urate", "5", "mg/dL"),
        line(subject, "Sodium", "140", "mmol/L"),
        line(subject, "ALT", "30", "U/L"),
        line(subject, "Potassium", "4.1", ""),
        line(subject, "Calcium", "=1+1", "mg/dL"),
    )
    imported = upload(world, lab, content)
    accept(world, imported)
    mend(world, imported, {3: RowAnswer(decision="keep")})
    rows = receipt(mary, imported)
    assert [(one["row"], one["disposition"], one["outcome"]) for one in rows] == [
        ("2", "New", "Imported"),
        ("3", "Already recorded", "Already recorded"),
        ("4", "Conflicting", "Kept what is recorded"),
        ("5", "Rejected", "Waits"),
        ("6", "Rejected", "Waits"),
    ]
    assert rows[4]["result_in_file"] == "'=1+1", "no cell becomes a formula"
    assert (rows[2]["result_in_file"], rows[2]["recorded"], rows[2]["would_be_saved"]) == ("30", "20 U/L", "30 U/L")
    assert [one["row"] for one in receipt(mary, imported, "?show=fix")] == ["5", "6"]
    for show, words in (("new", "Imported"), ("recorded", "Already recorded"), ("all", "Kept what is recorded")):
        assert words in mary.get(f"/labs/imports/{imported.pk}/review/?show={show}").content.decode()


def receipt(client: Client, imported: LabImport, asked: str = "") -> list[Mapping[str, str]]:
    text = client.get(f"/labs/imports/{imported.pk}/receipt.csv{asked}").getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.req("G1", "A8")
def test_a_data_manager_matches_and_cancels_and_has_no_button_to_import(
    world: World, subject: Subject, lab: Laboratory
) -> None:
    dana = log_in(Client(), world.person(Role.DATA_MANAGER))
    imported = upload(world, lab, csv_of(line(subject, "Sodium", "140", "")), role=Role.DATA_MANAGER)
    address = f"/labs/imports/{imported.pk}/review/"
    page = dana.get(address).content.decode()
    assert "The site imports these rows." in page
    assert "good row" not in page.replace("Good rows", "")
    for action in ({"action": "import"}, {"action": "check", "1-unit": "mmol/L"}, {"leave": "1"}):
        assert dana.post(address, action).status_code == 403
    assert dana.post(address, {"action": "cancel"}).status_code == 302
    assert known(world).state == "cancelled"
    assert dana.post(address, {"action": "cancel"}).status_code == 422


@pytest.mark.req("G1")
def test_the_menu_leads_coordinators_and_data_managers_here(world: World, lab: Laboratory) -> None:
    shown = {role: b"/labs/imports/" in log_in(Client(), world.person(role)).get("/protocol/").content for role in Role}
    assert {role for role, found in shown.items() if found} == {Role.COORDINATOR, Role.DATA_MANAGER}


@pytest.mark.req("D4", "D14")
def test_an_imported_row_says_as_the_grid_does_that_the_nadir_was_measured_otherwise(
    world: World, subject: Subject, lab: Laboratory, mary: Client
) -> None:
    """The same sentence; not where the same laboratory measured both, and not for what makes no progression."""
    other = laboratory(world, name="Hospital laboratory", central=False)
    record(world, subject, "bl", date(2024, 3, 1), {Analyte.SERUM_M: "3.0", Analyte.HB: "12"}, lab=lab)
    content = csv_of(line(subject, "Serum M-spike", "4.0", "g/dL"), line(subject, "Hb", "12", "g/dL"))
    pages = [
        mary.get(f"/labs/imports/{upload(world, by, content).pk}/review/?show=all").content.decode()
        for by in (lab, other)
    ]
    words = "The lowest result so far, 3 g/dL of 1 Mar 2024, was measured by Central laboratory; this one by Hospital"
    assert [page.count("was measured by") for page in pages] == [0, 1]
    assert words in pages[1]
    assert "the proposal waits for a pair of samples measured the same way" in pages[1]


def signed_over(world: World, subject: Subject, analyte: Analyte) -> Signature:
    """An investigator's signature that rests on the result that stands."""
    investigator = world.person(Role.INVESTIGATOR)
    with reading(investigator, world.at):
        result = LabResult.objects.get(subject=subject, analyte=analyte.value, superseded_at=None)
    what = Signing("visit", f"{result.pk}", "reviewed", "I have reviewed this.", {}, (f"lab_result:{result.pk}",))
    with writing(by=investigator, duty=Duty.SIGN, site_id=subject.site_id, at=world.at):
        return sign(
            by=investigator, at=world.at, proof=world.proof(investigator), site=subject.site, subject=subject, what=what
        )


def foreseen_in(page: str) -> str:
    return page.split('name="foreseen" value="')[1].split('"')[0]


@pytest.mark.req("G1", "E3", "D14")
def test_complaint_5_an_import_into_a_signed_event_shows_what_breaks_and_breaks_exactly_that(
    world: World, subject: Subject, lab: Laboratory, mary: Client
) -> None:
    """Nothing is imported before the page has shown it; signing again is a new signature beside the broken one."""
    typed = {Analyte.SERUM_M: "2.9", Analyte.SODIUM: "140"}
    record(world, subject, "m01", MONTH1, typed, lab=lab)
    breaks, stands = signed_over(world, subject, Analyte.SERUM_M), signed_over(world, subject, Analyte.SODIUM)
    content = csv_of(
        line(subject, "Serum M-spike", "20", "g/L", status="C"), line(subject, "Potassium", "4.1", "mmol/L")
    )
    imported = upload(world, lab, content)
    address = f"/labs/imports/{imported.pk}/review/"
    first = mary.post(address, {"action": "import"})
    page = first.content.decode()
    assert first.status_code == 422
    assert "Look at what these rows change, then import again." in page
    assert page.count("Signature of") == 1
    assert f"{subject.number}: Signature of" in page
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert not SignatureEvent.objects.exists()
        assert not LabResult.objects.filter(subject=subject, analyte="potassium").exists()
    assert mary.post(address, {"action": "import", "foreseen": "0" * 16}).status_code == 422
    assert mary.post(address, {"action": "import", "foreseen": foreseen_in(page)}).status_code == 302
    again = signed_over(world, subject, Analyte.SERUM_M)
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert list(SignatureEvent.objects.values_list("signature", "kind")) == [(breaks.pk, "broken")]
        assert set(Signature.objects.filter(subject=subject).values_list("pk", flat=True)) == {
            breaks.pk, stands.pk, again.pk,
        }  # fmt: skip
        assert LabResult.objects.get(subject=subject, analyte="serum_m", superseded_at=None).typed == "20"


@pytest.mark.req("G1")
def test_an_import_of_new_results_is_tried_for_nobody(
    world: World, subject: Subject, lab: Laboratory, mary: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And where too many recorded results change, the page names the subjects instead of trying them."""
    record(world, subject, "m01", MONTH1, {Analyte.SODIUM: "140"}, lab=lab)
    monkeypatch.setattr(foretelling, "MOST_TRIED", 0)
    new = upload(world, lab, csv_of(line(subject, "Potassium", "4.1", "mmol/L")))
    assert mary.post(f"/labs/imports/{new.pk}/review/", {"action": "import"}).status_code == 302
    changes = upload(world, lab, csv_of(line(subject, "Sodium", "144", "mmol/L", status="C")))
    page = mary.post(f"/labs/imports/{changes.pk}/review/", {"action": "import"})
    assert (page.status_code, b"too many to try here" in page.content) == (422, True)
    sent = {"action": "import", "foreseen": foreseen_in(page.content.decode())}
    assert mary.post(f"/labs/imports/{changes.pk}/review/", sent).status_code == 302
