"""What the room hands out: columns as described, sites as seen, machine and person side by side."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from dosing.exports import DATASETS, DISCREPANCIES, DOSES, PHASE_DECISIONS, PHASE_PROPOSALS, TREATMENT_PHASES
from dosing.models import PhaseProposal
from protocol.vocabulary import Analyte, DoseStatus, Drug, Phase
from tests import world_dosing as treat
from tests.world import World
from tests.world_labs import record
from trialsite.access import Actor, system_actor
from trialsite.context import reading
from trialsite.exporting import Dataset
from trialsite.models import Role


def rows(world: World, dataset: Dataset, by: Actor | None = None) -> list[dict[str, Any]]:
    with reading(by or system_actor("export"), world.at), connection.cursor() as cursor:
        cursor.execute(dataset.sql)
        names = [column[0] for column in cursor.description]
        assert names == [column.name for column in dataset.columns]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_every_column_is_described(world: World, dataset: Dataset) -> None:
    assert rows(world, dataset) == []
    assert all(column.words for column in dataset.columns)
    assert len({column.name for column in dataset.columns}) == len(dataset.columns)


@pytest.mark.req("E4")
def test_proposal_and_decision_stand_side_by_side(world: World, proposal: PhaseProposal) -> None:
    treat.sign(world, proposal, Phase.ANAKINRA_ONLY, reason="Diabetes")
    (decided,) = rows(world, PHASE_DECISIONS)
    assert (decided["proposed"], decided["proposed_phase"]) == ("ASSIGN_LOW_DEX", "LOW_DEX_7_12")
    assert (decided["decided_phase"], decided["choice"], decided["reason"]) == ("ANAKINRA_ONLY", "OVERRIDE", "Diabetes")
    assert decided["signed_by"] == world.person(Role.INVESTIGATOR).printed_name
    assert decided["signature_state"] == "INTACT"
    proposed = rows(world, PHASE_PROPOSALS)[-1]
    assert (proposed["kind"], proposed["visit"], proposed["status"]) == ("ASSIGN_LOW_DEX", "m06", "DECIDED")
    assert [row["state"] for row in rows(world, TREATMENT_PHASES)] == [
        "SCREENING",
        "ENROLLED",
        "INDUCTION",
        "ANAKINRA_ONLY",
    ]


def test_broken_signatures_and_discrepancies_are_said(world: World, proposal: PhaseProposal) -> None:
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    world.later(1)
    for number in (5, 6):
        typed = {Analyte.SERUM_M: "2.0"}
        record(world, proposal.subject, f"m{number:02d}", treat.MONTH[number], typed, reason="Wrong patient")
    treat.reevaluated(world, proposal.subject)
    assert rows(world, PHASE_DECISIONS)[0]["signature_state"] == "BROKEN"
    (found,) = rows(world, DISCREPANCIES)
    assert (found["proposed_then"], found["proposed_now"]) == ("ASSIGN_LOW_DEX", "ASSIGN_ANAKINRA_ONLY")
    assert (found["response_then"], found["response_now"], found["state"]) == ("SD", "MR", "OPEN")


@pytest.mark.req("F3")
def test_doses_come_in_every_version_and_only_from_sites_in_reach(world: World) -> None:
    for site in ("01", "02"):
        subject = treat.on_anakinra(world, site)
    world.at = world.at + timedelta(days=2)
    treat.fill(world, subject, treat.DAY1 + timedelta(days=1), treat.DAY1 + timedelta(days=1), DoseStatus.MISSED)
    everywhere = rows(world, DOSES)
    assert [(row["site"], row["status"], row["given_mg"]) for row in everywhere] == [
        ("01", "TAKEN", 100),
        ("02", "TAKEN", 100),
        ("02", "MISSED", 0),
    ]
    assert {row["site"] for row in rows(world, DOSES, world.person(Role.COORDINATOR, "01"))} == {"01"}
    assert everywhere[0]["drug"] == Drug.ANAKINRA.value
