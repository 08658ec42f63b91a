"""Exports: complete, only what one may see, safe in spreadsheets, repeatable, and logged."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.sql import Literal

from reporting.datasets import BY_NAME, DATASETS, datasets_for
from reporting.exporting.leaving import leaving
from reporting.exporting.spreadsheets import DANGEROUS, neutralised, original
from reporting.exporting.streams import Tally, WrongColumns, one_state, pieces
from tests import world_dosing as treat
from tests.fixtures.databases import Database
from tests.world import World, log_in, new_world
from trialsite import clock
from trialsite.access import Duty, system_actor
from trialsite.context import reading
from trialsite.exporting import Column, Dataset
from trialsite.models import AccessEntry, Role
from trialsite.services.drafts import save_draft

EXPORTERS = (Role.ADMIN, Role.DATA_MANAGER, Role.STATISTICIAN)
OTHERS = (Role.COORDINATOR, Role.INVESTIGATOR, Role.MONITOR)
ADDRESSES = ("/exports/", "/exports/everything.zip", "/exports/manifest.json", "/exports/subjects.csv")


@pytest.fixture
def world(fresh_db: Database, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose transactions are real: an export needs one of its own."""
    world = new_world()
    monkeypatch.setattr(clock, "now", lambda: world.at)
    return world


def furnish(world: World) -> None:
    treat.at_month_6(world, "01")
    treat.at_month_6(world, "02")


@pytest.fixture
def trial(kept_database: tuple[Database, World]) -> World:
    return kept_database[1]


def body(client: Client, url: str) -> bytes:
    answer = client.get(url)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)  # type: ignore[arg-type]


def table(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def log(world: World) -> list[AccessEntry]:
    with reading(system_actor("verification"), world.at):
        return list(AccessEntry.objects.filter(what__startswith="Export").order_by("id"))


def made(world: World, dataset: Dataset) -> bytes:
    with one_state(system_actor("export"), world.at):
        return b"".join(pieces(dataset, Tally()))


@pytest.mark.parametrize("role", EXPORTERS)
def test_those_who_export_get_every_file_with_the_columns_it_describes(
    trial: World, client: Client, role: Role
) -> None:
    log_in(client, trial.person(role))
    for dataset in datasets_for(trial.person(role), trial.at):
        heading = body(client, f"/exports/{dataset.name}.csv").decode().splitlines()[0]
        assert heading.split(",") == [column.name for column in dataset.columns], dataset.name


@pytest.mark.parametrize("role", OTHERS)
def test_others_may_not_export(world: World, client: Client, role: Role) -> None:
    log_in(client, world.person(role))
    assert [client.get(url).status_code for url in ADDRESSES] == [403] * len(ADDRESSES)
    assert log(world) == []


def test_the_audit_trail_leaves_only_with_those_who_may_read_it(world: World, client: Client) -> None:
    log_in(client, world.person(Role.STATISTICIAN))
    assert client.get("/exports/audit_events.csv").status_code == 403
    assert "audit_events" not in client.get("/exports/").content.decode()
    with zipfile.ZipFile(io.BytesIO(body(client, "/exports/everything.zip"))) as packed:
        assert "audit_events.csv" not in packed.namelist()
    log_in(client, world.person(Role.DATA_MANAGER))
    assert table(body(client, "/exports/audit_events.csv"))


def test_a_file_that_does_not_exist_is_not_found(world: World, client: Client) -> None:
    assert log_in(client, world.admin).get("/exports/passwords.csv").status_code == 404


def test_names_are_given_once_and_every_column_says_what_it_means() -> None:
    assert len(BY_NAME) == len(DATASETS)
    for dataset in DATASETS:
        names = [column.name for column in dataset.columns]
        assert len(set(names)) == len(names), dataset.name
        assert all(column.words for column in dataset.columns), dataset.name


@pytest.mark.req("B14", "B18", "F2")
def test_the_archive_holds_every_file_and_a_manifest_that_is_true(trial: World, client: Client) -> None:
    """And of what somebody typed and did not save, not a word."""
    typed = {"name": "Typed and never saved"}
    save_draft(
        by=trial.person(Role.COORDINATOR), at=trial.at, subject_id=None, site_id=trial.sites["01"].pk,
        page="/subjects/new/", typed=typed, duty=Duty.SCREEN_SUBJECT,
    )  # fmt: skip
    data = body(log_in(client, trial.person(Role.DATA_MANAGER)), "/exports/everything.zip")
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert packed.testzip() is None
        manifest = json.loads(packed.read("manifest.json"))
        assert {one["name"] for one in manifest["files"]} == set(packed.namelist()) - {"manifest.json"}
        assert len(manifest["files"]) == len(DATASETS)
        for one in manifest["files"]:
            content = packed.read(one["name"])
            assert one["sha256"] == sha256(content).hexdigest(), one["name"]
            assert typed["name"].encode() not in content, one["name"]
            assert one["bytes"] == len(content)
            assert one["rows"] == len(table(content)), one["name"]
    assert manifest["made_by"] == trial.person(Role.DATA_MANAGER).printed_name
    assert manifest["data_cut"] == trial.at.isoformat(timespec="seconds")
    assert manifest["sites"] == ["00", "01", "02"]
    (entry,) = log(trial)
    assert entry.sha256 == sha256(data).hexdigest()
    assert entry.rows == sum(one["rows"] for one in manifest["files"])


def test_the_manifest_alone_says_the_same(trial: World, client: Client) -> None:
    log_in(client, trial.person(Role.DATA_MANAGER))
    alone = json.loads(body(client, "/exports/manifest.json"))
    with zipfile.ZipFile(io.BytesIO(body(client, "/exports/everything.zip"))) as packed:
        assert alone == json.loads(packed.read("manifest.json"))


@pytest.mark.req("B14")
def test_an_export_is_logged_when_it_has_left(trial: World, client: Client) -> None:
    log_in(client, trial.person(Role.STATISTICIAN))
    answer = client.get("/exports/lab_results.csv")
    assert log(trial) == []
    data = b"".join(answer.streaming_content)  # type: ignore[arg-type]
    (entry,) = log(trial)
    assert (entry.what, entry.rows) == ("Export: lab_results.csv", len(table(data)))
    assert entry.sha256 == sha256(data).hexdigest()
    assert (entry.user_id, entry.role) == (trial.person(Role.STATISTICIAN).user_id, Role.STATISTICIAN)
    assert entry.rows
    assert b"".join(client.get("/exports/").content.splitlines())


@pytest.mark.req("B14")
def test_an_export_that_is_broken_off_is_logged_too(trial: World) -> None:
    by = trial.person(Role.STATISTICIAN)

    def make(tally: Tally) -> Iterator[bytes]:
        for piece in pieces(BY_NAME["lab_results"], tally):
            yield piece
            yield tally.count(b"more")

    stream = leaving(make, what="lab_results.csv", by=by, at=trial.at, request_id="r1")
    first = next(stream)
    stream.close()  # type: ignore[attr-defined]
    (entry,) = log(trial)
    assert entry.what == "Export: lab_results.csv (broken off)"
    assert entry.sha256 == sha256(first).hexdigest()


@pytest.mark.req("F2")
def test_the_same_state_gives_the_same_bytes(trial: World, client: Client, tmp_path: Path) -> None:
    log_in(client, trial.person(Role.STATISTICIAN))
    allowed = datasets_for(trial.person(Role.STATISTICIAN), trial.at)
    first = {one.name: body(client, f"/exports/{one.name}.csv") for one in allowed}
    trial.later(1)
    call_command("export", "--all", "--out", str(tmp_path / "out"), "--as", "statistician-00")
    for one in allowed:
        assert (tmp_path / "out" / f"{one.name}.csv").read_bytes() == first[one.name], one.name


@pytest.mark.req("F3", "A5")
def test_a_file_holds_only_the_sites_that_its_maker_sees(trial: World, client: Client) -> None:
    log_in(client, trial.person(Role.INVESTIGATOR, "02"))
    rows = table(body(client, "/dashboards/efficacy/efficacy.csv"))
    assert {row["site"] for row in rows} == {"02"}
    (entry,) = log(trial)
    assert entry.site_id == trial.sites["02"].pk
    log_in(client, trial.person(Role.STATISTICIAN))
    assert {row["site"] for row in table(body(client, "/exports/efficacy.csv"))} == {"01", "02"}
    assert {row["site"] for row in table(body(client, "/exports/lab_results.csv"))} == {"01", "02"}


@pytest.mark.req("D5")
def test_what_is_missing_is_empty_and_says_why(trial: World, client: Client) -> None:
    log_in(client, trial.person(Role.STATISTICIAN))
    subject = table(body(client, "/exports/subjects.csv"))[0]
    assert (subject["treatment_ended_on"], subject["treatment_ended_status"]) == ("", "ON TREATMENT")
    visit = table(body(client, "/exports/visits.csv"))[0]
    assert (visit["weight_kg"], visit["weight_state"]) == ("", "NOT RECORDED")
    efficacy = table(body(client, "/exports/efficacy.csv"))[0]
    assert (efficacy["best_m_spike_change"], efficacy["response_state"]) == ("", "UNSIGNED")


@pytest.mark.req("J6")
def test_browsers_do_not_keep_an_export(trial: World, client: Client) -> None:
    answer = log_in(client, trial.person(Role.STATISTICIAN)).get("/exports/subjects.csv")
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="subjects.csv"'
    b"".join(answer.streaming_content)  # type: ignore[arg-type]


@given(st.text(max_size=30))
@pytest.mark.req("F4")
def test_taking_the_apostrophe_away_gives_the_text_back(text: str) -> None:
    cell = neutralised(text)
    assert not cell or cell[0] not in DANGEROUS
    assert original(cell) == text


CELLS = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=20)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.one_of(CELLS, st.builds("{}{}".format, st.sampled_from("=+-@\t\r'"), CELLS)), min_size=1, max_size=5)
)
@pytest.mark.req("F4")
def test_what_the_database_writes_reads_back_as_it_was(world: World, texts: list[str]) -> None:
    values = ", ".join(f"({number}, {Literal(text).as_string(None)})" for number, text in enumerate(texts))
    dataset = Dataset(
        "texts",
        "Texts",
        f"SELECT n, -n AS minus, t FROM (VALUES {values}) AS v (n, t) ORDER BY n",
        (Column("n", "Number"), Column("minus", "Negative number"), Column("t", "Text")),
    )
    rows = table(made(world, dataset))
    assert [original(row["t"]) for row in rows] == texts
    assert [row["t"] for row in rows] == [neutralised(text) for text in texts]
    assert [row["minus"] for row in rows] == [str(-number) for number in range(len(texts))]


def test_a_data_set_whose_columns_are_not_those_described_does_not_leave(world: World) -> None:
    wrong = Dataset("wrong", "Wrong", "SELECT 1 AS one", (Column("two", "Two"),))
    with pytest.raises(WrongColumns, match="wrong: the SELECT gives one"):
        made(world, wrong)


def test_the_command_writes_the_files_with_a_manifest_and_is_logged(trial: World, tmp_path: Path) -> None:
    call_command("export", "--all", "--out", str(tmp_path))
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    assert manifest["made_by"] == "System: export"
    for one in manifest["files"]:
        assert sha256((tmp_path / one["name"]).read_bytes()).hexdigest() == one["sha256"]
    entries = log(trial)
    assert len(entries) == len(DATASETS)
    assert {entry.system_actor for entry in entries} == {"export"}


def test_the_command_takes_some_files_as_a_person(trial: World, tmp_path: Path) -> None:
    call_command("export", "--only", "subjects", "--out", str(tmp_path), "--as", "statistician-00") if trial.person(
        Role.STATISTICIAN
    ) else None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "subjects.csv"]


@pytest.mark.parametrize(
    ("username", "words"), [("nobody", "no active account"), ("coordinator-01", "does not include")]
)
def test_the_command_refuses_who_may_not_export(trial: World, tmp_path: Path, username: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("export", "--all", "--out", str(tmp_path), "--as", username)
    assert log(trial) == []
