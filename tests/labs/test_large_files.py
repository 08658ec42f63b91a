"""Large laboratory files: read and imported by a job in batches, with the outcome of a small one and no row twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from unittest import mock

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from labs.layout import LARGEST_GROUP, layout_of
from labs.models import ImportRow, LabImport, Laboratory, LabResult
from labs.selectors import previous_values
from labs.selectors.standing import standing_at
from labs.services import Accepted, RowAnswer, batches, cancel_import, imports, judging, settling
from protocol.vocabulary import Analyte
from tests.fixtures.processes import Process, wait_until
from tests.world import World, log_in, new_world
from tests.world_imports import HEADING, accept, acting, csv_of, line, mend, rows, upload
from tests.world_labs import laboratory, record, treated_subject
from trialsite import clock, outbox
from trialsite.context import reading
from trialsite.models import AuditEvent, Delegation, OutboxMessage, Role, Subject
from trialsite.services.people import end_delegation
from trialsite.services.subjects import Refused

BASELINE, MONTH1 = date(2024, 3, 1), date(2024, 4, 4)
State = LabImport.State


@pytest.fixture(autouse=True)
def _eyes(request: pytest.FixtureRequest) -> Iterator[None]:
    if "world" not in request.fixturenames:
        yield
        return
    world: World = request.getfixturevalue("world")
    with reading(world.person(Role.DATA_MANAGER), world.at):
        yield


@pytest.fixture
def lab(world: World) -> Laboratory:
    return laboratory(world)


@pytest.fixture
def others(world: World, subject: Subject) -> list[Subject]:
    return [treated_subject(world, day1=date(2024, 3, 4)) for _ in range(2)]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five rows are many here, and a batch holds ten."""
    for module in (imports, settling):
        monkeypatch.setattr(module, "AT_ONCE", 5, raising=False)
    for name in ("READ", "CHECK", "IMPORT"):
        monkeypatch.setattr(batches, name, 10)


def batch(*, later: int = 0) -> int:
    """What a woken worker does once; how many messages were handled."""
    return outbox.drain(clock.now() + timedelta(minutes=later))


def work() -> int:
    """Until nothing is left to do; in how many goes."""
    goes = 0
    while batch():
        goes += 1
        assert goes < 50, "the job never ends"
    return goes


def state(imported: LabImport) -> str:
    imported.refresh_from_db()
    return imported.state


def mixed(subjects: list[Subject]) -> bytes:
    """Good rows of three subjects in turn, and one of each thing that goes wrong with a row."""
    good = [
        line(one, test, value, "mmol/L", accession=one.number)
        for test, value in (("Sodium", "140"), ("Potassium", "4"), ("Calcium", "2.3"), ("Phosphate", "1.1"))
        for one in subjects
    ]
    first, second, third = subjects
    return csv_of(
        *good,
        line("01-777", "Sodium", "140", "mmol/L"),
        line(first, "Creatinine", "88", "mg%", accession="X1"),
        line(first, "Urate", "5", "mg/dL", accession="TORN"),
        line(third, "Urate", "5", "mg/dL", accession="TORN"),
        line(second, "Albumin", "4", "g/dL", accession="D"),
        line(second, "Albumin", "4", "g/dL", accession="D"),
        line(second, "ALT", "30", "U/L", accession="D"),
        line(second, "ALT", "31", "U/L", accession="D"),
        line(third, "Sodium", "141", "mmol/L", accession="late", on="2062-01-01"),
    )


def outcomes(world: World, imported: LabImport) -> list[tuple[object, ...]]:
    return [(row.place, row.line, row.disposition, row.words, row.visit_code) for row in rows(world, imported)]


# ---------------------------------------------------------------- reading
@pytest.mark.req("G1", "B20")
def test_a_large_file_is_read_in_batches_with_the_outcome_of_a_small_one(
    world: World, subject: Subject, others: list[Subject], lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = mixed([subject, *others])
    at_once = upload(world, lab, content)
    assert state(at_once) == State.REVIEW
    expected = outcomes(world, at_once)
    assert {row[2] for row in expected} == {"new", "unchanged", "conflicting", "rejected"}
    cancel_import(**acting(world, at_once))
    monkeypatch.setattr(imports, "AT_ONCE", 5)
    monkeypatch.setattr(batches, "READ", 6)
    by_job = upload(world, lab, content)
    assert (state(by_job), by_job.result_count, rows(world, by_job)) == (State.READING, len(expected), [])
    batch()
    assert 0 < len(rows(world, by_job)) < len(expected)
    work()
    assert state(by_job) == State.REVIEW
    assert outcomes(world, by_job) == expected


@pytest.mark.req("G1", "I3")
def test_a_batch_that_fails_leaves_nothing_and_is_done_again_without_a_row_twice(
    world: World, subject: Subject, others: list[Subject], lab: Laboratory, small: None
) -> None:
    imported = upload(world, lab, mixed([subject, *others]))
    batch()
    first = len(rows(world, imported))
    stored = batches.store_rows

    def die(*args: object) -> int:
        stored(*args)
        raise RuntimeError("the machine went out")

    with mock.patch.object(batches, "store_rows", die):
        assert batch() == 0
    assert (state(imported), len(rows(world, imported))) == (State.READING, first)
    page = log_in(Client(), world.person(Role.COORDINATOR)).get(f"/labs/imports/{imported.pk}/review/")
    assert "They are tried again at" in page.content.decode()
    assert batch() == 0, "not before its time"
    assert batch(later=10)
    work()
    assert state(imported) == State.REVIEW
    assert [row.place for row in rows(world, imported)] == list(range(1, imported.result_count + 1))


@pytest.mark.req("G1")
def test_rows_over_which_the_judging_fails_are_put_aside_and_the_rest_is_read(
    world: World, subject: Subject, others: list[Subject], lab: Laboratory, small: None
) -> None:
    def poisoned(sample: judging.Sample, *args: object) -> judging.Sample:
        if sample.subject.pk == others[0].pk:
            raise KeyError("nobody foresaw this")
        return judged(sample, *args)

    judged = judging._judged
    content = csv_of(*(line(one, "Sodium", "140", "mmol/L", accession=one.number) for one in (subject, *others) * 3))
    with mock.patch.object(judging, "_judged", poisoned):
        imported = upload(world, lab, content)
        work()
    found = {(row.subject_id, row.disposition, row.words) for row in rows(world, imported)}
    assert (others[0].pk, "rejected", judging.POISONED) in found
    assert {pk for pk, disposition, _ in found if disposition == "new"} == {subject.pk, others[1].pk}


@pytest.mark.req("G1")
def test_a_batch_asks_the_database_as_often_for_many_rows_as_for_few(
    world: World, subject: Subject, others: list[Subject], lab: Laboratory
) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.SODIUM: "140"}, lab=lab)

    def asked(samples: int) -> int:
        days = [f"2024-04-{day:02}" for day in range(1, 1 + samples)]
        told = [
            line(one, test, "5", "mmol/L", on=on, accession=f"{one.number}{on}")
            for one in (subject, *others)
            for on in days
            for test in ("Sodium", "Potassium")
        ]
        with CaptureQueriesContext(connection) as statements:
            upload(world, lab, csv_of(*told))
        return len(statements)

    asked(1)
    assert asked(9) == asked(2)


@pytest.mark.req("G1")
def test_previous_values_of_many_samples_are_those_that_a_form_shows(world: World, subject: Subject) -> None:
    for code, on, value in (("scr", date(2024, 2, 20), "138"), ("bl", BASELINE, "139"), ("m01", MONTH1, "140")):
        record(world, subject, code, on, {Analyte.SODIUM: value, Analyte.ALT: value})
    known = standing_at([], [subject], ["sodium", "alt"])
    for code in ("", "bl", "m01"):
        for day in (date(2024, 2, 20), BASELINE, MONTH1, date(2024, 5, 1)):
            form = previous_values(subject, day, visit_code=code)
            for analyte in (Analyte.SODIUM, Analyte.ALT):
                assert known.previous(subject, analyte, day, code) == form.get(analyte)


# ---------------------------------------------------------------- importing
@pytest.mark.req("G1", "B1")
def test_a_large_import_runs_in_the_name_of_who_accepted_and_a_second_acceptance_changes_nothing(
    world: World, subject: Subject, others: list[Subject], lab: Laboratory, small: None
) -> None:
    imported = upload(world, lab, mixed([subject, *others]))
    work()
    told = accept(world, imported)
    assert (told.settled, told.by_job > 5, state(imported)) == ({}, True, State.IMPORTING)
    asked = OutboxMessage.objects.count()
    assert accept(world, imported) == Accepted({}, told.waiting, told.by_job)
    assert OutboxMessage.objects.count() == asked
    with pytest.raises(Refused, match="is being imported"):
        mend(world, imported, {1: RowAnswer(decision="leave_out")})
    work()
    assert state(imported) == State.REVIEW, "what cannot be used waits"
    settled = [row for row in rows(world, imported) if row.settled_at]
    assert len(settled) == told.by_job
    mary = world.person(Role.COORDINATOR).user_id
    assert {row.settled_by_id for row in settled} == {mary}
    assert all(row.result_id for row in settled if row.visit_code)
    found = LabResult.objects.filter(superseded_at=None)
    assert set(found.values_list("entered_by_id", flat=True)) == {mary}
    events = AuditEvent.objects.filter(table="labs_labresult")
    assert set(events.values_list("user_id", flat=True)) == {mary}
    before = found.count()
    assert accept(world, imported).settled.get("new", 0) == 0
    work()
    assert LabResult.objects.count() == before


@pytest.mark.req("G1")
def test_a_sample_that_cannot_be_stored_gets_its_sentence_and_keeps_no_other_back(
    world: World, subject: Subject, others: list[Subject], lab: Laboratory, small: None
) -> None:
    content = csv_of(*(line(one, "Sodium", "140", "mmol/L", accession=one.number) for one in (subject, *others) * 3))
    imported = upload(world, lab, content)
    work()
    accept(world, imported)
    from_grid = batches.record_rows

    def poison(*args: object) -> object:
        with mock.patch("labs.services.accepting.record_panel", side_effect=ValueError("nobody foresaw this")):
            return from_grid(*args)

    with mock.patch.object(batches, "record_rows", poison):
        batch()
    work()
    told = {row.words for row in rows(world, imported) if row.disposition == "rejected"}
    assert told == {"This row cannot be stored. Enter it by hand."}
    assert state(imported) == State.REVIEW


@pytest.mark.req("G1", "A8")
def test_an_import_stops_and_says_why_when_its_person_may_no_longer_enter(
    world: World, subject: Subject, others: list[Subject], lab: Laboratory, small: None
) -> None:
    imported = upload(world, lab, mixed([subject, *others]))
    work()
    accept(world, imported)
    mary = world.person(Role.COORDINATOR)
    held = Delegation.objects.get(user_id=mary.user_id, role=Role.COORDINATOR)
    end_delegation(
        by=world.admin,
        at=world.at,
        delegation_id=held.pk,
        ends_on=world.at.date() - timedelta(days=1),
        reason="Left the site",
    )
    work()
    assert state(imported) == State.REVIEW
    assert f"{mary.printed_name} accepted these rows and may no longer enter data here" in imported.stopped_because
    assert not LabResult.objects.exists()


# ---------------------------------------------------------------- mending
@pytest.mark.req("G1", "G2")
def test_what_is_remembered_reaches_every_row_of_a_large_file(
    world: World, subject: Subject, others: list[Subject], lab: Laboratory, small: None
) -> None:
    content = csv_of(
        *(line(one, "Sodium", "140", "mval", accession=one.number) for one in (subject, *others)),
        *(line(one, "Potassium", "4", "mmol/L", accession=one.number) for one in (subject, *others)),
    )
    imported = upload(world, lab, content)
    work()
    told = mend(world, imported, {1: RowAnswer(fixes={"unit": "mmol/L"}, remember=True)})
    assert (told.by_job, state(imported)) == (True, State.CHECKING)
    with pytest.raises(Refused, match="checked again"):
        accept(world, imported)
    work()
    assert state(imported) == State.REVIEW
    assert [row.disposition for row in rows(world, imported)] == ["new"] * 6


@pytest.mark.req("G1")
def test_an_answer_to_a_row_of_a_large_file_is_judged_at_once_with_what_it_bears_on(
    world: World,
    subject: Subject,
    others: list[Subject],
    lab: Laboratory,
    small: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    imported = upload(world, lab, mixed([subject, *others]))
    work()
    torn = [row.place for row in rows(world, imported) if row.field == "twice" and "TORN" in row.words]
    assert len(torn) == 2
    monkeypatch.setattr(settling, "AT_ONCE", 18)
    told = mend(world, imported, {torn[0]: RowAnswer(decision="leave_out")})
    assert not told.by_job
    left, freed = (row for row in rows(world, imported) if row.place in torn)
    assert (left.decision, freed.disposition) == ("leave_out", "new")


# ---------------------------------------------------------------- pages
@pytest.mark.req("G1")
def test_the_page_says_how_far_a_file_has_come_and_shows_its_rows_in_pages(
    world: World, subject: Subject, others: list[Subject], lab: Laboratory, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labs.views.imports.ROWS_PER_PAGE", 8)
    imported = upload(world, lab, mixed([subject, *others]))
    mary = log_in(Client(), world.person(Role.COORDINATOR))
    address = f"/labs/imports/{imported.pk}/review/"
    assert "for its turn: 21 rows" in mary.get(address).content.decode()
    assert "Being read" in mary.get("/labs/imports/").content.decode()
    refused = mary.post(address, {"action": "import"})
    assert (refused.status_code, "This file is being read" in refused.content.decode()) == (422, True)
    batch()
    page = mary.get(address).content.decode()
    assert f"<b>{len(rows(world, imported))}</b> of 21 rows" in page
    assert "Look again" in page
    assert "good row" not in page
    work()
    page = mary.get(f"{address}?show=all&page=2").content.decode()
    assert "9 to 16 of 21" in page
    assert page.count('<tr role="row" id="r') == 8
    answer = mary.post(f"{address}?show=all&page=2", {"action": "import"}, follow=True).content.decode()
    assert "will be imported" in answer
    assert "Being imported" in answer
    work()
    assert "to fix" in mary.get(address).content.decode()
    receipt = mary.get(f"/labs/imports/{imported.pk}/receipt.csv").getvalue().decode("utf-8-sig")
    assert len(receipt.splitlines()) == 22


def test_a_file_is_cancelled_while_a_job_works_on_it(
    world: World, subject: Subject, others: list[Subject], lab: Laboratory, small: None
) -> None:
    imported = upload(world, lab, mixed([subject, *others]))
    batch()
    cancel_import(**acting(world, imported))
    read = len(rows(world, imported))
    work()
    assert (state(imported), len(rows(world, imported))) == (State.CANCELLED, read)
    assert not OutboxMessage.objects.filter(done_at=None).exists()


# ---------------------------------------------------------------- layout
MAPPED = (
    '{"shape": "long", "columns": {"subject": "Subject", "test": "Test", "value": "Result"}, "tests": {}, "units": {},'
    ' "date_format": "%Y-%m-%d"}'
)


def laid_out(*numbers: str, most: int) -> list[list[int]]:
    """Places of each batch of a file whose rows name these subjects."""
    content = csv_of(*(line(one, "Sodium", str(place), "") for place, one in enumerate(numbers))).decode()
    layout = layout_of(content, MAPPED, most)
    found: list[list[int]] = []
    while places := [(place, one.parts["value"]) for place, one in layout.batch_after(sum(map(len, found)))]:
        assert all(value == str(place - 1) for place, value in places)
        found.append([place for place, _ in places])
    return found


@pytest.mark.req("G1")
def test_a_subject_that_a_large_file_names_by_both_of_its_numbers_is_judged_as_one(
    world: World, subject: Subject, others: list[Subject], lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = ("Potassium", "Calcium", "Phosphate")
    between = [line(one, test, "2", "mmol/L", accession=one.number) for one in others for test in tests]
    first, last = (
        line(number, "Sodium", value, "mmol/L", accession="A")
        for number, value in ((str(subject.subject_number), "140"), (subject.screening_number, "141"))
    )
    content = csv_of(first, *between, last)
    at_once = upload(world, lab, content)
    expected = outcomes(world, at_once)
    assert [row[2] for row in expected] == ["conflicting", *["new"] * len(between), "conflicting"]
    cancel_import(**acting(world, at_once))
    monkeypatch.setattr(imports, "AT_ONCE", 5)
    monkeypatch.setattr(batches, "READ", 3)
    by_job = upload(world, lab, content)
    work()
    assert outcomes(world, by_job) == expected


def test_rows_of_one_subject_are_of_one_batch() -> None:
    assert laid_out("a", "b", "A", "c", "b", most=3) == [[1, 3], [2, 5, 4]]
    assert laid_out("a", "a", "a", "b", most=2) == [[1, 2, 3], [4]]
    assert laid_out("", most=2) == [[1]]


def test_one_number_over_a_whole_file_makes_no_batch_of_the_whole_file() -> None:
    sizes = [len(one) for one in laid_out(*["a"] * (LARGEST_GROUP + 1), most=10)]
    assert sizes == [LARGEST_GROUP, 1]


def test_a_row_over_two_lines_is_found_again() -> None:
    content = f'{HEADING}\r\n01-001,1958,F,2024-04-04,"A\r\n1",Sodium,140,mmol/L,F\r\n\r\n01-001,1,2\r\n'
    layout = layout_of(content, MAPPED, 10)
    (first, second) = (one for _, one in layout.batch_after(0))
    assert (first.line, first.parts["value"], first.problem) == (2, "140", "")
    assert (second.line, bool(second.problem)) == (4, True)


# ---------------------------------------------------------------- a real worker
@pytest.mark.worker
@pytest.mark.req("G1", "I3")
def test_a_killed_worker_leaves_whole_batches_and_the_next_one_goes_on(
    fresh_db: object, worker: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = new_world()
    person = treated_subject(town, day1=date(2024, 3, 4))
    other = treated_subject(town, day1=date(2024, 3, 4))
    lab = laboratory(town)
    told = [
        line(one, "Sodium", "140", "mmol/L", accession=f"{one.number}{number}")
        for number in range(1_300)
        for one in (person, other)
    ]
    imported = upload(town, lab, csv_of(*told))

    def stored() -> int:
        with reading(town.person(Role.DATA_MANAGER), town.at):
            return ImportRow.objects.filter(lab_import=imported).count()

    def is_read() -> bool:
        with reading(town.person(Role.DATA_MANAGER), town.at):
            return LabImport.objects.get(pk=imported.pk).state == State.REVIEW

    wait_until(lambda: stored() > 0, "the first batch", 60)
    worker.kill()
    assert stored() == 1_300, "batches are whole"
    worker.start()
    outbox.wake()
    wait_until(is_read, "the rest to be read", 60)
    with reading(town.person(Role.DATA_MANAGER), town.at):
        places = list(ImportRow.objects.filter(lab_import=imported).values_list("place", flat=True))
    assert sorted(places) == list(range(1, 2_601))
