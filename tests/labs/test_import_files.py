"""Files that are no plain CSV are refused with one sentence; what is plain is read as it stands."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from labs import files
from labs.files import LONGEST_CELL, MOST_BYTES, MOST_COLUMNS, Unreadable, read_table, text_of, written
from labs.mapping import FileMapping, Part, Shape, received_rows, refreshed, suggested
from labs.models import LabImport
from protocol.units import FACTORS, UnknownUnit, accepted_units, unit_code
from protocol.vocabulary import Analyte
from tests.world import World, log_in
from tests.world_imports import HEADING, csv_of
from tests.world_labs import laboratory
from trialsite.context import reading
from trialsite.models import Role


def bomb() -> bytes:
    """A thousand million zeros in a few kilobytes would be unpacked by a careless reader; a small one does here."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("results.csv", b"0" * 5_000_000)
    return packed.getvalue()


ROW = "01-001,1958,F,2024-04-04,A1,Sodium,140,mmol/L,F"
XXE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
#: What is sent -> words of the sentence.
CORPUS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "blank": (b" \r\n\r\n", "empty"),
    "heading only": (csv_of(), "no rows"),
    "formula in heading": (
        csv_of(ROW, heading=HEADING.replace("Status", "=A1")),
        "Column 9 of the heading holds a formula",
    ),
    "NUL": (csv_of(ROW.replace("140", "1\x0040")), "Row 2 holds a sign that no text has"),
    "escape sign": (csv_of(ROW.replace("140", "\x1b[31m")), "sign that no text has"),
    "zip bomb": (bomb(), "ZIP or Excel"),
    "gzip": (gzip.compress(csv_of(ROW)), "compressed"),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 64, "old Excel"),
    "PDF": (b"%PDF-1.7 ...", "PDF"),
    "XML with an outer entity": (XXE.encode(), "XML"),
    "HTML": (b"\n <html><table><tr><td>1</td></tr></table></html>", "XML or HTML"),
    "damaged UTF-16": (csv_of(ROW).decode().encode("utf-16") + b"\x00", "damaged UTF-16"),
    "UTF-16 that does not say so": (csv_of(ROW).decode().encode("utf-16-le"), "sign that no text has"),
    "Latin 1": (csv_of(ROW.replace("mmol/L", "µmol/L")).decode().encode("latin-1"), "not written in UTF-8"),
    "Latin 1 in the heading": (
        csv_of(*[ROW] * 9, heading=HEADING.replace("Unit", "Einheit für Werte")).decode().encode("latin-1"),
        "not written in UTF-8",
    ),
    "no separator": (b"Subject\r\n01-001\r\n", "No columns"),
    "other separator": (csv_of(ROW).replace(b",", b"|"), "No columns"),
    "too many columns": (csv_of("," * MOST_COLUMNS), "columns"),
    "long cell": (csv_of(ROW.replace("140", "1" * (LONGEST_CELL + 1))), "longer than"),
    "open quotation mark": (csv_of(ROW.replace("140", '"140')), "quotation mark"),
    "column twice": (csv_of(ROW, heading=HEADING.replace("Status", "Unit")), "the column Unit twice"),
    "column without a name": (csv_of(ROW, heading=HEADING.replace("Unit", "")), "has no name"),
}


@pytest.mark.req("G6")
@pytest.mark.parametrize("kind", CORPUS)
def test_a_hostile_file_is_refused_with_one_sentence(kind: str) -> None:
    content, words = CORPUS[kind]
    with pytest.raises(Unreadable, match=words) as refused:
        read_table(text_of(content))
    assert str(refused.value).count("\n") == 0
    assert len(str(refused.value)) < 120


@pytest.mark.req("G6")
def test_a_file_of_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_ROWS", 3)
    assert read_table(text_of(csv_of(*[ROW] * 3))).count == 3
    with pytest.raises(Unreadable, match="4 rows; 3 can be imported at once"):
        read_table(text_of(csv_of(*[ROW] * 4)))


@pytest.mark.req("G6")
def test_a_large_file_is_refused_before_it_is_read() -> None:
    with pytest.raises(Unreadable, match="larger than 32 MB"):
        text_of(csv_of(ROW) + b" " * MOST_BYTES)


@pytest.mark.req("G6")
def test_the_page_answers_every_hostile_file_with_422_and_stores_nothing(world: World) -> None:
    lab = laboratory(world)
    client = log_in(Client(), world.person(Role.COORDINATOR))
    cases = {**CORPUS, "oversize": (csv_of(ROW) + b" " * MOST_BYTES, "larger than 32 MB")}
    for kind, (content, words) in cases.items():
        file = SimpleUploadedFile("x.csv", content)
        response = client.post("/labs/imports/", {"laboratory": lab.pk, "file": file})
        assert response.status_code == 422, kind
        assert words.split("'")[0] in response.content.decode(), kind
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert not LabImport.objects.exists()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_commas_semicolons_and_tabs_part_columns(separator: str) -> None:
    table = read_table(text_of(b"\xef\xbb\xbf" + csv_of(ROW).replace(b",", separator.encode())))
    assert table.header[0] == "Subject"
    assert next(table.lines).cells[6] == "140"


def test_numbers_and_signs_that_results_have_are_no_formulas() -> None:
    signs = ("<0.1", "-1.5", "+", "++", "+/-", "-", ">100", "+2.5", "1-2", "a=b")
    table = read_table(text_of(csv_of(*(ROW.replace("140", one) for one in signs))))
    assert [(one.cells[6], one.problem) for one in table.lines] == [(one, "") for one in signs]


@pytest.mark.req("G6")
@pytest.mark.parametrize("cell", ["=1+1", '"=HYPERLINK(""http://x"")"', "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3"])
@pytest.mark.parametrize("place", ["140", "A1", "Sodium"])
def test_a_formula_keeps_its_own_row_back_and_no_other(cell: str, place: str) -> None:
    table = read_table(text_of(csv_of(ROW, ROW.replace(place, cell), ROW)))
    assert [bool(one.problem) for one in table.lines] == [False, True, False]
    assert suggested(table).tests == {"Sodium": "sodium"}
    (waits,) = [one for one in received_rows(table, suggested(table)) if one.problem]
    assert "holds a formula" in waits.problem


@pytest.mark.req("G6")
def test_a_row_that_is_not_utf_8_keeps_itself_back_and_no_other() -> None:
    odd = ROW.replace("mmol/L", "µmol/L").encode("latin-1")
    table = read_table(text_of(b"\r\n".join((HEADING.encode(), ROW.encode(), odd, ROW.encode()))))
    told = [(one.number, one.problem) for one in table.lines]
    assert told == [(2, ""), (3, "Unit holds a sign that is not written in UTF-8."), (4, "")]


@pytest.mark.req("G6")
@pytest.mark.parametrize("order", ["utf-16", "utf-16-be", "utf-16-le"])
def test_utf_16_that_says_so_is_read(order: str) -> None:
    mark = "" if order == "utf-16" else "\ufeff"
    table = read_table(text_of((mark + csv_of(ROW.replace("mmol/L", "µmol/L")).decode()).encode(order)))
    assert next(table.lines).cells[7] == "µmol/L"


def test_a_row_that_does_not_fit_the_heading_says_so_and_keeps_no_other_back() -> None:
    table = read_table(text_of(csv_of("01-001,1958", "", ROW)))
    assert [(one.number, bool(one.problem)) for one in table.lines] == [(2, True), (4, False)]
    assert "2 cells where the heading has 9" in next(table.lines).problem


def test_what_is_written_is_run_by_no_spreadsheet_and_can_be_taken_back() -> None:
    assert written([["=1+1", "-1.5", "'x", "plain"]]).decode("utf-8-sig") == "'=1+1,-1.5,''x,plain\r\n"


# ---------------------------------------------------------------- mapping
def test_a_heading_with_a_column_for_each_test_is_recognised_with_its_units() -> None:
    content = "Subject;Birth year;Sex;Collected;Hb (g/L);Sodium;Remark\n01-001;1958;F;12/31/2024;120;140;fine\n"
    table = read_table(text_of(content.encode()))
    found = suggested(table)
    assert found.shape is Shape.WIDE
    assert found.tests == {"Hb (g/L)": "hb", "Sodium": "sodium"}
    assert found.units == {"hb|": "g/L"}
    assert found.date_format == "%m/%d/%Y"
    rows = list(received_rows(table, found))
    assert [(one.parts[Part.TEST], one.parts[Part.VALUE]) for one in rows] == [("Hb (g/L)", "120"), ("Sodium", "140")]
    assert not found.fits(table), "the remark is not matched: a person looks"
    assert FileMapping.from_json({**found.as_json(), "tests": {**found.tests, "Remark": "-"}}).fits(table)


def test_an_empty_cell_under_a_test_is_no_result() -> None:
    content = "Subject,Birth year,Sex,Collected,Hb,Sodium\n01-001,1958,F,2024-04-04,,140\n"
    table = read_table(text_of(content.encode()))
    assert len(list(received_rows(table, suggested(table)))) == 1


def test_a_date_that_can_be_read_two_ways_is_not_guessed() -> None:
    table = read_table(text_of(csv_of(ROW.replace("2024-04-04", "03/04/2024"))))
    assert suggested(table).date_format == ""


def test_a_new_test_with_a_known_name_is_looked_at_and_a_strange_one_waits_in_the_review() -> None:
    known = suggested(read_table(text_of(csv_of(ROW))))
    assert known.fits(read_table(text_of(csv_of(ROW, ROW.replace("Sodium", "Zzz")))))
    more = read_table(text_of(csv_of(ROW, ROW.replace("Sodium", "Hb"))))
    assert not known.fits(more)
    assert refreshed(known, more).tests == {"Sodium": "sodium", "Hb": "hb"}


def test_a_mapping_survives_being_stored() -> None:
    found = suggested(read_table(text_of(csv_of(ROW))))
    assert FileMapping.from_json(found.as_json()) == found


# ---------------------------------------------------------------- units
@pytest.mark.req("G2")
@pytest.mark.parametrize(
    ("analyte", "written_as", "code"),
    [
        (Analyte.HB, "g/dL", "g/dL"),
        (Analyte.HB, " gm/dL ", "g/dL"),
        (Analyte.CREATININE, "µmol/L", "umol/L"),
        (Analyte.PLT, "K/uL", "10*3/uL"),
        (Analyte.WBC, "×10⁹/L", "10*9/L"),
        (Analyte.ALT, "IU/L", "U/L"),
        (Analyte.FLC_RATIO, "", "1"),
        (Analyte.HCG_SERUM, "", ""),
    ],
)
def test_a_unit_is_known_by_the_words_of_a_table(analyte: Analyte, written_as: str, code: str) -> None:
    assert unit_code(analyte, written_as) == code


@pytest.mark.req("G2")
@pytest.mark.parametrize(
    ("analyte", "written_as"),
    [(Analyte.HB, ""), (Analyte.HB, "mg/L"), (Analyte.HB, "G/L"), (Analyte.CREATININE, "mg%"), (Analyte.PCLI, "")],
)
def test_a_unit_that_is_not_surely_one_of_the_analyte_is_not_guessed(analyte: Analyte, written_as: str) -> None:
    with pytest.raises(UnknownUnit):
        unit_code(analyte, written_as)


@pytest.mark.req("G2")
def test_every_code_of_every_analyte_is_its_own_word() -> None:
    assert all(unit_code(one, code) == code for one in FACTORS for code in accepted_units(one))


@pytest.mark.req("G3")
def test_a_unit_that_the_columns_of_a_file_leave_unsaid_is_not_taken_for_granted_in_a_message() -> None:
    """What a laboratory's own word for a unit means is known in both."""
    learnt = FileMapping(Shape.WIDE, units={"sodium|": "mmol/L", "sodium|meq": "mmol/L"})
    assert learnt.unit_of(Analyte.SODIUM, "") == "mmol/L"
    assert learnt.for_messages().unit_of(Analyte.SODIUM, "meq") == "mmol/L"
    with pytest.raises(UnknownUnit):
        learnt.for_messages().unit_of(Analyte.SODIUM, "")
