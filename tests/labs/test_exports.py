"""Data sets of the room: they run, they give the columns they promise, and missing stays missing."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection

from labs.entries import Entry
from labs.exports import DATASETS, LAB_RESULTS, RESPONSES
from protocol.vocabulary import Analyte
from tests.world import World
from tests.world_labs import laboratory, limits, record
from trialsite.context import reading
from trialsite.exporting import Dataset
from trialsite.models import Role, Subject

MONTH1 = date(2024, 4, 4)


def rows(world: World, dataset: Dataset) -> list[dict[str, object]]:
    with reading(world.person(Role.DATA_MANAGER), world.at), connection.cursor() as cursor:
        cursor.execute(dataset.sql)
        names = [column.name for column in cursor.description]
        assert names == [column.name for column in dataset.columns]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda one: one.name)
def test_a_data_set_gives_its_columns(world: World, subject: Subject, dataset: Dataset) -> None:
    assert rows(world, dataset) == []
    assert len({column.name for column in dataset.columns}) == len(dataset.columns)


@pytest.mark.req("D5", "D7")
def test_results_keep_what_was_typed_and_why_it_is_missing(world: World, subject: Subject) -> None:
    lab = laboratory(world)
    limits(world, lab, Analyte.HB, "12.0", "15.5")
    typed = {Analyte.HB: Entry("118", unit="g/L"), Analyte.PLT: Entry("nd", reason="Clotted")}
    record(world, subject, "m01", MONTH1, typed, lab=lab)
    record(world, subject, "m01", MONTH1, {Analyte.HB: Entry("119", unit="g/L")}, reason="Misread", lab=lab)
    old, plt, new = rows(world, LAB_RESULTS)
    assert (old["typed"], str(old["value"]), old["unit"], old["current"]) == ("118", "11.8", "g/dL", "N")
    assert (new["typed"], new["version"], new["change_reason"], new["current"]) == ("119", 2, "Misread", "Y")
    assert (plt["value"], plt["status"], plt["missing"], plt["missing_reason"]) == (None, "NOT DONE", "ND", "Clotted")
    assert (str(new["reference_low"]), new["laboratory"]) == ("12", "Central laboratory")


def test_responses_are_told_by_time_point_and_say_that_nobody_signed(world: World, subject: Subject) -> None:
    record(world, subject, "bl", date(2024, 3, 1), {Analyte.SERUM_M: "3.0"})
    record(world, subject, "m01", MONTH1, {Analyte.SERUM_M: "2.0"})
    last = rows(world, RESPONSES)[-1]
    assert (last["visit"], last["timepoint_response"], last["confirmed_response"]) == ("m01", "MR", "SD")
    assert (last["signature"], last["current"]) == ("UNSIGNED", "Y")
