"""Messages of laboratories: FHIR R4 and HL7 v2 through tokens, into the quarantine of the site and no further."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import jsonschema
import pytest
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.test import Client
from openapi_spec_validator import validate

from labs.fhir import read_bundle
from labs.files import Unreadable
from labs.hl7v2 import read_oru
from labs.incoming import text_of_message
from labs.mapping import Part
from labs.models import ImportRow, LabImport, Laboratory, LaboratoryToken, LabResult
from labs.openapi import document
from labs.services import NewToken, RowAnswer, make_token, revoke_token
from protocol.coding import OTHER_LOINC
from protocol.derived import loinc_is_valid
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte
from tests.world import World, log_in
from tests.world_imports import accept, dispositions, mend, rows
from tests.world_labs import laboratory, morning, record, treated_subject
from trialsite import clock
from trialsite.context import reading
from trialsite.models import AuditEvent, Role, Subject
from trialsite.services.subjects import Refused

ADDRESS, FHIR, HL7 = "/api/labs/results/", "application/fhir+json", "application/hl7-v2"
ZONE = "America/Chicago"


@pytest.fixture(autouse=True)
def _eyes(world: World) -> Iterator[None]:
    cache.clear()
    with reading(world.person(Role.DATA_MANAGER), world.at):
        yield


@pytest.fixture
def lab(world: World, subject: Subject) -> Laboratory:
    return laboratory(world)


@pytest.fixture
def made(world: World, lab: Laboratory) -> NewToken:
    world.at = morning(date(2024, 4, 10))
    return make_token(
        by=world.person(Role.DATA_MANAGER), at=world.at, site_id=lab.site_id, laboratory_id=lab.pk, label="LIS"
    )


def bundle(
    subject: Subject,
    *observations: dict[str, Any],
    gender: str = "female",
    born: str = "1958-07-01",
    number: str = "",
    accession: str = "A1",
    key: str = "b1",
) -> str:
    """A Bundle with one patient, one specimen and these Observations."""
    who = [
        {"system": "urn:hospital:mrn", "value": "884433"},
        {"system": "urn:nct:NCT00635154", "value": number or subject.number},
    ]
    patient = {
        "resourceType": "Patient", "id": "p", "identifier": who, "gender": gender, "birthDate": born,
        "name": [{"family": "Roe", "given": ["Jane"]}],
    }  # fmt: skip
    specimen = {
        "resourceType": "Specimen", "id": "s", "accessionIdentifier": {"value": accession},
        "collection": {"collectedDateTime": "2024-04-04T08:15:00-05:00"},
    }  # fmt: skip
    shared = {
        "resourceType": "Observation",
        "subject": {"reference": "Patient/p"},
        "specimen": {"reference": "Specimen/s"},
    }
    resources = [patient, specimen, *({**shared, **one} for one in observations)]
    return json.dumps(
        {"resourceType": "Bundle", "id": key, "type": "collection", "entry": [{"resource": one} for one in resources]}
    )


def observed(loinc: str, value: object, unit: str = "", *, status: str = "final") -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": loinc}]}
    quantity = {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    return {"status": status, "code": code, "valueQuantity": quantity}


def oru(subject: Subject, *results: str, key: str = "M1", pid: str = "", accession: str = "A1") -> str:
    """An ORU^R01; each result is the text of an OBX from its third field on."""
    who = pid or f"PID|1||884433^^^HOSP^MR~{subject.number}^^^NCT00635154^RI||Roe^Jane||19580701|F"
    segments = [
        f"MSH|^~\\&|LIS|LAB|EDC|TRIAL|20240404||ORU^R01^ORU_R01|{key}|P|2.5.1",
        who,
        f"OBR|1||{accession}|PANEL|||20240404081500-0500",
        *(f"OBX|{place}|NM|{one}" for place, one in enumerate(results, start=1)),
    ]
    return "\r".join(segments) + "\r"


def obx(loinc: str, value: str, unit: str, status: str = "F") -> str:
    return f"{loinc}^name^LN||{value}|{unit}|||||{status}"


def send(made: NewToken, text: str | bytes, kind: str = FHIR, **headers: str):
    client = Client(raise_request_exception=True)
    return client.post(ADDRESS, text, content_type=kind, headers={"authorization": f"Bearer {made.secret}", **headers})


def newest() -> LabImport:
    return LabImport.objects.select_related("site", "laboratory").latest("id")


def standing(subject: Subject) -> dict[str, str]:
    return dict(LabResult.objects.filter(subject=subject, superseded_at=None).values_list("analyte", "typed"))


BOTH = pytest.mark.parametrize("kind", [FHIR, HL7])


def written(kind: str, subject: Subject, *results: tuple[str, str, str, str], key: str = "1") -> str:
    """The same results in either standard; status in HL7's letters."""
    if kind == HL7:
        return oru(subject, *(obx(loinc, value, unit, status) for loinc, value, unit, status in results), key=key)
    words = {"F": "final", "C": "corrected", "X": "cancelled", "W": "entered-in-error", "P": "preliminary"}
    return bundle(
        subject, *(observed(loinc, float(value), unit, status=words[status]) for loinc, value, unit, status in results),
        key=key,
    )  # fmt: skip


# ---------------------------------------------------------------- into quarantine, and by the site into the data
@BOTH
@pytest.mark.req("G1", "G2", "G4")
def test_results_wait_with_a_receipt_for_each_and_the_site_imports_them(
    world: World, subject: Subject, made: NewToken, kind: str
) -> None:
    text = written(
        kind, subject, ("2951-2", "140", "mmol/L", "F"), ("718-7", "12.5", "g/dL", "F"),
        ("9999-9", "1", "mg/L", "F"), ("2160-0", "88", "furlong", "F"), ("1988-5", "3", "mg/L", "F"),
    )  # fmt: skip
    answer = send(made, text, kind)
    assert answer.status_code == 201, answer.content
    told = answer.json()["results"]
    assert [one["disposition"] for one in told] == ["new", "new", "rejected", "rejected", "rejected"]
    assert [one["analyte"] for one in told] == ["sodium", "hb", "", "creatinine", ""]
    assert "not a unit of Creatinine" in told[3]["message"]
    assert standing(subject) == {}
    accept(world, newest())
    assert standing(subject) == {"sodium": "140" if kind == HL7 else "140.0", "hb": "12.5"}
    stored = LabResult.objects.select_related("specimen").get(analyte="sodium")
    assert (stored.specimen.accession, f"{stored.specimen.collected_time:%H:%M}") == ("A1", "08:15")


@BOTH
@pytest.mark.req("G1")
def test_the_same_message_twice_is_taken_once(world: World, subject: Subject, made: NewToken, kind: str) -> None:
    text = written(kind, subject, ("2951-2", "140", "mmol/L", "F"))
    first = send(made, text, kind).json()
    accept(world, newest())
    again = send(made, text, kind)
    assert (again.status_code, again.json()["repeated"], again.json()["receipt"]) == (200, True, first["receipt"])
    assert again.json()["results"][0]["state"] == "settled"
    assert ImportRow.objects.count() == 1


@pytest.mark.req("G1", "G3")
def test_every_good_result_of_a_laboratorys_messages_is_imported_with_one_button_the_oldest_first(
    world: World, subject: Subject, made: NewToken, lab: Laboratory
) -> None:
    send(made, oru(subject, obx("2951-2", "140", "mmol/L"), obx("9999-9", "1", "mg/L")), HL7)
    send(made, oru(subject, obx("2951-2", "144", "mmol/L", "C"), key="M2"), HL7)
    mary = log_in(Client(), world.person(Role.COORDINATOR))
    page = mary.get("/labs/imports/").content.decode()
    assert "2 messages to review: <b>2</b> new or changed, <b>0</b> already recorded, <b>1</b> to fix." in page
    button = {"action": "messages", "laboratory": lab.pk}
    assert log_in(Client(), world.person(Role.DATA_MANAGER)).post("/labs/imports/", button).status_code == 403
    assert mary.post("/labs/imports/", {**button, "laboratory": "999"}).status_code == 404
    told = mary.post("/labs/imports/", button, follow=True).content.decode()
    assert "2 rows imported. 1 row still to fix." in told
    versions = LabResult.objects.filter(subject=subject, analyte="sodium").order_by("version")
    assert [one.typed for one in versions] == ["140", "144"]
    told = mary.post("/labs/imports/", button, follow=True).content.decode()
    assert "0 rows imported." in told
    assert versions.count() == 2


@pytest.mark.req("G3", "E3")
def test_messages_that_change_what_stands_show_it_before_they_are_imported(
    world: World, subject: Subject, made: NewToken, lab: Laboratory
) -> None:
    record(world, subject, "bl", date(2024, 3, 1), {Analyte.SERUM_M: "3.0"}, lab=lab)
    record(world, subject, "m01", date(2024, 4, 4), {Analyte.SERUM_M: "2.9"}, lab=lab)
    send(made, oru(subject, obx("33358-3", "1.0", "g/dL", "C")), HL7)
    mary = log_in(Client(), world.person(Role.COORDINATOR))
    button = {"action": "messages", "laboratory": lab.pk}
    first = mary.post("/labs/imports/", button)
    page = first.content.decode()
    assert (first.status_code, f"{subject.number}: Response" in page) == (422, True)
    assert standing(subject)["serum_m"] == "2.9"
    foreseen = page.split('name="foreseen" value="')[1].split('"')[0]
    assert mary.post("/labs/imports/", {**button, "foreseen": foreseen}).status_code == 302
    assert standing(subject)["serum_m"] == "1.0"


@BOTH
@pytest.mark.req("G3")
def test_corrected_and_cancelled_results_become_versions_when_the_site_imports_them(
    world: World, subject: Subject, made: NewToken, kind: str
) -> None:
    for key, value, status in (("1", "140", "F"), ("2", "144", "C"), ("3", "144", "X")):
        send(made, written(kind, subject, ("2951-2", value, "mmol/L", status), key=key), kind)
        accept(world, newest())
    versions = LabResult.objects.filter(subject=subject, analyte="sodium").order_by("version")
    assert [(float(one.value) if one.value else one.missing) for one in versions] == [140, 144, "ND"]
    assert [one.reason for one in versions] == ["", "Corrected by the laboratory.", "Cancelled by the laboratory."]
    assert [one.superseded_at is None for one in versions] == [False, False, True]
    assert versions[2].missing_reason == "Cancelled by the laboratory."
    send(made, written(kind, subject, ("2951-2", "140", "mmol/L", "F"), key="9"), kind)
    assert dispositions(world, newest()) == ["conflicting"], "what was taken back does not come back by itself"


@pytest.mark.req("G3")
@pytest.mark.parametrize(("status", "missing"), [("D", "UNK"), ("W", "UNK"), ("X", "ND")])
def test_each_way_to_take_a_result_back(
    world: World, subject: Subject, made: NewToken, status: str, missing: str
) -> None:
    send(made, oru(subject, obx("2951-2", "140", "mmol/L")), HL7)
    accept(world, newest())
    send(made, oru(subject, obx("2951-2", "", "", status), key="M2"), HL7)
    assert dispositions(world, newest()) == ["corrected"]
    accept(world, newest())
    assert LabResult.objects.get(subject=subject, superseded_at=None).missing == missing


@pytest.mark.req("G3")
def test_a_result_that_was_taken_back_while_it_waited_is_not_imported(
    world: World, subject: Subject, made: NewToken
) -> None:
    send(made, oru(subject, obx("2951-2", "140", "mmol/L")), HL7)
    first = newest()
    send(made, oru(subject, obx("2951-2", "", "", "X"), key="M2"), HL7)
    second = newest()
    assert "took this result back" in rows(world, second)[0].words
    accept(world, second)
    accept(world, first)
    assert standing(subject) == {}
    waiting = rows(world, first)[0]
    assert (waiting.disposition, waiting.settled_at) == ("conflicting", None)
    assert waiting.words == "HL7 message M2 takes this result back. Leave it out."


@pytest.mark.req("G3")
@pytest.mark.parametrize("status", ["P", "I", "R", "U", "N", "?", ""])
def test_no_other_status_is_taken(world: World, subject: Subject, made: NewToken, status: str) -> None:
    send(made, oru(subject, obx("2951-2", "140", "mmol/L", status)), HL7)
    assert dispositions(world, newest()) == ["rejected"]


@pytest.mark.req("G4")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gender": "male"}, "Sex differs"),
        ({"born": "1961"}, "Year of birth differs"),
        ({"born": ""}, "does not say the year of birth"),
        ({"gender": "unknown"}, "does not say the sex"),
        ({"number": "01-777"}, "No subject 01-777"),
        ({"number": "884433"}, "names no subject"),
    ],
)
def test_a_swapped_subject_is_refused(subject: Subject, made: NewToken, change: dict[str, str], words: str) -> None:
    told = send(made, bundle(subject, observed("2951-2", 140, "mmol/L"), **change)).json()["results"][0]
    assert told["disposition"] == "rejected"
    assert words in told["message"]


@pytest.mark.req("G2")
def test_what_a_person_matched_in_a_message_is_known_from_then_on(
    world: World, subject: Subject, made: NewToken
) -> None:
    local = "NA+^Sodium^L||140|mEq/L|||||F"
    send(made, oru(subject, local), HL7)
    assert [row.field for row in rows(world, newest())] == ["test"]
    mend(world, newest(), {1: RowAnswer(fixes={"test": "sodium"}, remember=True)})
    mend(world, newest(), {1: RowAnswer(fixes={"unit": "mmol/L"}, remember=True)})
    accept(world, newest())
    told = send(made, oru(subject, local.replace("140", "141"), key="M2", accession="A2"), HL7).json()["results"]
    assert told[0]["analyte"] == "sodium"
    assert "unit" not in told[0]["message"]


@pytest.mark.req("G1")
def test_a_message_keeps_no_name_and_no_number_of_the_hospital(subject: Subject, made: NewToken) -> None:
    send(made, oru(subject, obx("2951-2", "140", "mmol/L")), HL7)
    send(made, bundle(subject, observed("2951-2", 140, "mmol/L")))
    kept = str(list(ImportRow.objects.values())) + str(list(LabImport.objects.values()))
    assert "Roe" not in kept
    assert "884433" not in kept
    assert not AuditEvent.objects.filter(new__icontains="Roe").exists()


@pytest.mark.req("G1")
def test_one_poisoned_result_blocks_no_other(world: World, subject: Subject, made: NewToken) -> None:
    text = bundle(
        subject, {**observed("2823-3", 4, "mmol/L"), "valueString": "two values"}, observed("718-7", 12, "g/dL"),
        {"status": "final", "code": {"text": "x\u0000y"}, "valueString": "\ud800"},
        {"status": "final", "code": {"text": "long"}, "valueString": "9" * 5000}, observed("2951-2", 140, "mmol/L"),
    )  # fmt: skip
    told = send(made, text).json()["results"]
    assert [one["disposition"] for one in told] == ["rejected", "new", "rejected", "rejected", "new"]
    accept(world, newest())
    assert standing(subject) == {"hb": "12", "sodium": "140"}


# ---------------------------------------------------------------- a corpus of bad messages
DEEP = '{"resourceType":' + "[" * 100_000
BAD = [
    (FHIR, b" ", "empty"),
    (FHIR, b"{", "not well-formed JSON"),
    (FHIR, b"[]", "no FHIR Bundle"),
    (FHIR, b'{"resourceType": "Patient"}', "no FHIR Bundle"),
    (FHIR, b'{"resourceType": "Bundle", "resourceType": "Bundle"}', "a property twice"),
    (FHIR, b'{"resourceType": "Bundle", "entry": [NaN]}', "not well-formed JSON"),
    (FHIR, b'{"resourceType": "Bundle", "entry": {"a": 1}}', "no result"),
    (FHIR, DEEP.encode(), "nested too deeply"),
    (FHIR, "\ufeff{".encode("utf-16"), "not written in UTF-8"),
    (FHIR, b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Bundle>&x;</Bundle>', "XML"),
    (FHIR, b"PK\x03\x04", "compressed"),
    (FHIR, b'{"resourceType": "Bundle", "entry": [{"fullUrl": "a", "resource": {}}, {"fullUrl": "a", "resource": {}}]}',
     "one address"),
    (HL7, b"\r\n", "empty"),
    (HL7, b"PID|1", "does not begin with an MSH"),
    (HL7, b"MSH|^~\\&|", "no ORU^R01"),
    (HL7, b"MSH|^~\\&|A|B|C|D|2024||ADT^A01|1|P|2.5\rPID|1", "no ORU^R01"),
    (HL7, b"MSH|^~\\&|A|B|C|D|2024||ORU^R01|1|P|2.5\rPID|1", "no result"),
    (HL7, b"MSH|^~\\&|A|B|C|D|2024||ORU^R01|1|P|2.5\rMSH|^~\\&|A|B|C|D|2024||ORU^R01|2|P|2.5", "one message"),
    (HL7, b"MSH|^~\\&|A|B|C|D|2024||ORU^R01|1|P|2.5||||||8859/1\rOBX|1|NM|1||1", "not written in UTF-8"),
    (HL7, b"MSH|^~\\&|A|B|C|D|2024||ORU^R01|1|P|2.5\r=1+1", "no name of three letters"),
    (HL7, b"MSH|^~\\&|A|B|C|D|2024||ORU^R01|1|P|2.5\rOBX|1|NM|M\xfcll", "not written in UTF-8"),
    (HL7, b"<ORU_R01/>", "XML"),
    (HL7, b"MSH|^~\\&|A|B|C|D|2024||ORU^R01|1|P|2.5\r" + b"OBX|1|NM|1||1\r" * 2001, "2,000 are taken at once"),
]  # fmt: skip


@pytest.mark.req("G6")
@pytest.mark.parametrize(("kind", "content", "words"), BAD)
def test_a_bad_message_is_refused_with_a_sentence(made: NewToken, kind: str, content: bytes, words: str) -> None:
    answer = send(made, content, kind)
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert answer.json()["error"].endswith(".")
    assert not LabImport.objects.exists()
    conforms(answer.json(), "Refusal")


@pytest.mark.req("G6")
@pytest.mark.parametrize(
    "kind", ["application/fhir+xml", "text/xml", "text/plain", "multipart/form-data; boundary=x", ""]
)
def test_another_content_type_is_refused(made: NewToken, kind: str) -> None:
    answer = send(made, b"<Bundle/>", kind)
    assert answer.status_code == 415
    assert "XML is not read." in answer.json()["error"]


@pytest.mark.req("G6")
def test_what_is_too_large_or_packed_is_refused_unread(made: NewToken) -> None:
    assert send(made, b" " * (1024 * 1024 + 1)).status_code == 413
    assert send(made, b"{}", **{"content-encoding": "gzip"}).status_code == 415
    with pytest.raises(Unreadable, match="larger"):
        text_of_message(b"1" * (1024 * 1024 + 1))


@pytest.mark.req("G6")
@pytest.mark.parametrize("value", ["1e999999999", "-0", "1E+5", "0." + "0" * 90 + "1"])
def test_a_strange_number_is_no_result_and_breaks_nothing(subject: Subject, made: NewToken, value: str) -> None:
    text = bundle(subject, observed("2951-2", 140, "mmol/L")).replace("140", value)
    assert send(made, text).status_code == 201


# ---------------------------------------------------------------- reading
def test_a_moment_is_told_in_the_time_of_the_site(subject: Subject) -> None:
    text = bundle(subject, observed("2951-2", 140, "mmol/L")).replace(
        "2024-04-04T08:15:00-05:00", "2024-04-04T02:15:00Z"
    )
    parts = read_bundle(text, ZONE).rows[0].parts
    assert (parts[Part.COLLECTED_ON], parts[Part.COLLECTED_TIME]) == ("2024-04-03", "21:15")
    assert parts[Part.BIRTH_YEAR] == "1958", "the day of birth is left behind"


def test_numbers_keep_their_digits_and_units_their_signs(subject: Subject) -> None:
    text = bundle(subject, observed("718-7", 3, "g/dL")).replace('"value": 3', '"comparator": "<", "value": 3.10')
    assert read_bundle(text, ZONE).rows[0].parts[Part.VALUE] == "<3.10"
    row = read_oru(oru(subject, "6690-2^WBC^LN||<^5.0|10\\S\\3/uL|||||F").replace("|NM|", "|SN|"), ZONE).rows[0]
    assert (row.parts[Part.VALUE], row.parts[Part.UNIT]) == ("<5.0", "10^3/uL")
    coded = read_oru(oru(subject, "25700-6^IFE^LN||NEG^Negative|||||||F").replace("|NM|", "|CWE|"), ZONE).rows[0]
    assert coded.parts[Part.VALUE] == "neg"


def test_dates_that_differ_are_a_problem(subject: Subject) -> None:
    text = bundle(subject, {**observed("2951-2", 140, "mmol/L"), "effectiveDateTime": "2024-04-09"})
    assert "different collection dates" in read_bundle(text, ZONE).rows[0].problem


@pytest.mark.req("G2")
def test_loinc_codes_pass_their_check_digit_and_name_one_analyte_each() -> None:
    assert all(loinc_is_valid(code) for code in OTHER_LOINC)
    assert not set(OTHER_LOINC) & {spec.loinc for spec in TRIAL.analytes.values()}


# ---------------------------------------------------------------- tokens
@pytest.mark.req("G1")
def test_a_token_is_kept_as_a_digest_and_opens_its_own_laboratory_only(
    world: World, subject: Subject, made: NewToken
) -> None:
    stored = LaboratoryToken.objects.get()
    assert made.secret not in str(LaboratoryToken.objects.values()[0])
    assert not AuditEvent.objects.filter(new__icontains=stored.token_digest).exists()
    foreign = treated_subject(world, day1=date(2024, 3, 4), site="02")
    told = send(made, bundle(foreign, observed("2951-2", 140, "mmol/L"))).json()["results"][0]
    assert told["message"].startswith("No subject 02-001 at Site 01.")
    stored.refresh_from_db()
    assert stored.last_used_at is not None
    event = AuditEvent.objects.filter(table="labs_labimport").latest("id")
    assert (event.system_actor, event.user_id) == ("laboratory interface", None)


@pytest.mark.req("G1")
def test_a_wrong_or_revoked_token_opens_nothing(world: World, subject: Subject, made: NewToken) -> None:
    text = bundle(subject, observed("2951-2", 140, "mmol/L"))
    manager = {"by": world.person(Role.DATA_MANAGER), "at": world.at, "site_id": made.token.site_id}
    for wrong in (NewToken(made.token, ""), NewToken(made.token, "lab_wrong"), NewToken(made.token, "x\udc80" * 3)):
        if wrong.secret.isascii():
            assert send(wrong, text).status_code == 401
    assert Client().post(ADDRESS, text, content_type=FHIR).headers["WWW-Authenticate"] == "Bearer"
    revoke_token(**manager, token_id=made.token.pk)
    assert send(made, text).status_code == 401
    with pytest.raises(Refused):
        revoke_token(**manager, token_id=made.token.pk)
    assert not LabImport.objects.exists()


@pytest.mark.req("A5")
@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.INVESTIGATOR, Role.MONITOR, Role.STATISTICIAN])
def test_nobody_else_makes_a_token(world: World, lab: Laboratory, role: Role) -> None:
    with pytest.raises(PermissionDenied):
        make_token(by=world.person(role), at=world.at, site_id=lab.site_id, laboratory_id=lab.pk, label="LIS")


@pytest.mark.req("G1")
def test_messages_and_wrong_tokens_have_a_rate(
    subject: Subject, made: NewToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labs.views.api.MOST_MESSAGES", 2)
    monkeypatch.setattr("labs.views.api.MOST_WRONG_TOKENS", 2)
    text = bundle(subject, observed("2951-2", 140, "mmol/L"))
    this_minute = clock.now()
    monkeypatch.setattr(clock, "now", lambda: this_minute)
    assert [send(made, text).status_code for _ in range(3)] == [201, 200, 429]
    wrong = NewToken(made.token, "lab_wrong")
    answers = [send(wrong, text) for _ in range(3)]
    assert [one.status_code for one in answers] == [401, 401, 429]
    assert answers[2].headers["Retry-After"] == "60"
    monkeypatch.setattr(clock, "now", lambda: this_minute + timedelta(minutes=1))
    assert [send(made, text).status_code, send(wrong, text).status_code] == [200, 401]


@pytest.mark.req("G1")
def test_the_page_shows_a_token_once_and_revokes_it(world: World, lab: Laboratory) -> None:
    dana, address = log_in(Client(), world.person(Role.DATA_MANAGER)), f"/labs/ranges/{lab.pk}/"
    assert dana.post(address, {"action": "token", "label": ""}).status_code == 422
    page = dana.post(address, {"action": "token", "label": "LIS interface"}).content.decode()
    secret = page.split('<code class="wrap">lab_')[1].split("<")[0]
    assert secret not in dana.get(address).content.decode()
    token = LaboratoryToken.objects.get()
    assert send(NewToken(token, f"lab_{secret}"), b"{").status_code == 400
    assert "was revoked" in dana.post(address, {"action": "revoke", "token": token.pk}, follow=True).content.decode()
    assert send(NewToken(token, f"lab_{secret}"), b"{").status_code == 401


@pytest.mark.req("G1")
def test_the_site_reviews_a_message_like_a_file(world: World, subject: Subject, made: NewToken) -> None:
    send(made, oru(subject, obx("2951-2", "140", "mmol/L")), HL7)
    mary = log_in(Client(), world.person(Role.COORDINATOR))
    assert "HL7 message M1" in mary.get("/labs/imports/").content.decode()
    address = f"/labs/imports/{newest().pk}/review/"
    assert "sent by the laboratory (LIS)" in mary.get(address).content.decode()
    assert "1 row imported." in mary.post(address, {"action": "import"}, follow=True).content.decode()


# ---------------------------------------------------------------- the document
def conforms(answer: object, schema: str) -> None:
    whole = {"$ref": f"#/components/schemas/{schema}", "components": document()["components"]}
    jsonschema.Draft202012Validator(whole).validate(answer)


@pytest.mark.req("G1")
def test_the_document_is_openapi_and_answers_are_as_it_says(subject: Subject, made: NewToken) -> None:
    told = Client().get("/api/openapi.json").json()
    validate(told)
    answers = told["paths"][ADDRESS]["post"]["responses"]
    good = send(made, bundle(subject, observed("2951-2", 140, "mmol/L"), observed("x", 1)))
    conforms(good.json(), "Receipt")
    for answer in (good, send(made, b"{"), send(made, b"", "text/xml"), Client().get(ADDRESS), Client().post(ADDRESS)):
        assert str(answer.status_code) in answers
        if answer.status_code >= 400:
            conforms(answer.json(), "Refusal")
