"""What can be taken away: the declared columns, every row once, missing said in words, one site sees its own."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection

from enrollment.exports import (
    DATASETS,
    ELIGIBILITY,
    REGISTRATIONS,
    SCREEN_FAILURES,
    SCREENING_ANSWERS,
    SUBJECTS,
    WAIVERS,
)
from enrollment.models import Waiver
from enrollment.services import Answer, Cause, Ruling, decide_waiver, record_screen_failure, request_waiver
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte
from tests.fixtures.kept import Furnish
from tests.world import World
from tests.world_enrollment import (
    answered,
    complete,
    correct,
    form_in_force,
    new_form,
    register,
    registered,
    screened,
    sent,
    signed,
    with_labs,
)
from trialsite.access import Actor, system_actor
from trialsite.context import reading
from trialsite.exporting import Dataset
from trialsite.models import Role, Subject

Row = dict[str, object]


def rows(world: World, dataset: Dataset, by: Actor | None = None) -> list[Row]:
    with reading(by or system_actor("export"), world.at), connection.cursor() as cursor:
        cursor.execute(dataset.sql)
        names = [column.name for column in cursor.description or ()]
        assert names == [column.name for column in dataset.columns], "the declared columns, in their order"
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def withdraw(world: World, subject: Subject) -> None:
    record_screen_failure(
        by=world.person(Role.COORDINATOR, subject.site.code),
        at=world.at,
        token=uuid4(),
        subject_id=subject.pk,
        site_id=subject.site_id,
        cause=Cause.CONSENT_WITHDRAWN,
        passive_follow_up_allowed=False,
        failed_on=subject.screened_on,
        reason="Moved away",
    )


def furnish(world: World) -> None:
    """One of each: registered, withdrawn at the other site, judged, registered with a waiver."""
    for site in ("01", "02"):
        form_in_force(world, site)
    registered(world)
    withdraw(world, screened(world, "02"))
    sent(world, complete(world, birth_year=1970))
    waived(world)
    new_form(world)


@pytest.fixture
def furnishing(request: pytest.FixtureRequest, furnishing: Furnish) -> Furnish:
    return furnish if "peopled" in request.fixturenames else furnishing


@pytest.fixture
def peopled(kept_world: World) -> World:
    return kept_world


def waived(world: World) -> Waiver:
    """Registered although the white cells are too low: asked for, approved, signed."""
    subject = screened(world, birth_year=1971)
    with_labs(world, subject, {Analyte.WBC: "3.4"})
    answered(world, subject)
    who = {"at": world.at, "subject_id": subject.pk, "site_id": subject.site_id}
    asker, signer = world.person(Role.COORDINATOR), world.person(Role.INVESTIGATOR)
    waiver = request_waiver(by=asker, token=uuid4(), criterion="I07", reason="Stable for years", **who)
    ruling = Ruling(Waiver.Decision.APPROVED, "Benign")
    decide_waiver(by=signer, proof=world.proof(signer), waiver_id=waiver.pk, ruling=ruling, **who)
    signed(world, subject, sent(world, subject))
    register(world, subject)
    return waiver


@pytest.mark.req("D2", "F1")
def test_a_deviation_from_eligibility_is_listed_with_who_allowed_it(world: World) -> None:
    waived(world)
    (row,) = rows(world, WAIVERS)
    assert (row["criterion"], row["decision"], row["registered_with"]) == ("I07", "APPROVED", "Y")
    assert (row["reason"], row["decision_reason"], row["signature_status"]) == ("Stable for years", "Benign", "SIGNED")
    assert "White cells 3.4" in str(row["evidence"])
    judged = next(row for row in rows(world, ELIGIBILITY) if row["criterion"] == "I07")
    assert (judged["outcome"], judged["waiver_reason"]) == ("NOT_MET", "Stable for years")


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_each_data_set_gives_what_it_declares_in_a_fixed_order(peopled: World, dataset: Dataset) -> None:
    first = rows(peopled, dataset)
    assert first == rows(peopled, dataset)
    assert first
    assert len({str(sorted(row.items(), key=str)) for row in first}) == len(first)


@pytest.mark.req("A6")
@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_row_security_holds_for_a_site(peopled: World, dataset: Dataset) -> None:
    seen = {row["site"] for row in rows(peopled, dataset, peopled.person(Role.COORDINATOR, "02"))}
    assert seen <= {"02"}


@pytest.mark.req("D5")
def test_what_is_missing_is_said_in_words(peopled: World) -> None:
    by_number = {row["screening_number"]: row for row in rows(peopled, SUBJECTS)}
    failed = by_number["02-S001"]
    assert (failed["registered_on"], failed["registered_status"]) == (None, "NOT REGISTERED")
    assert (failed["died_of_progression"], failed["treatment_ended_status"]) == ("NA", "NOT TREATED")
    assert by_number["01-S001"]["subject"] == "01-001"
    assert by_number["01-S001"]["registered_status"] == "DONE"


def test_unknown_is_a_status_not_a_value(world: World) -> None:
    subject = complete(world)
    correct(world, subject, "nyha", Answer("unk", world.at.date()))
    found = [row for row in rows(world, SCREENING_ANSWERS) if row["item"] == "nyha"]
    assert [(row["version"], row["current"], row["value"], row["status"]) for row in found] == [
        (1, "N", "0", "DONE"),
        (2, "Y", None, "UNK"),
    ]


@pytest.mark.req("D2")
def test_eligibility_has_one_row_per_criterion_of_the_last_checklist(world: World) -> None:
    subject = complete(world)
    sent(world, subject)
    correct(world, subject, "nyha", Answer("2", world.at.date()))
    sent(world, subject)
    found = rows(world, ELIGIBILITY)
    assert [row["criterion"] for row in found] == [criterion.id for criterion in TRIAL.criteria]
    by_id = {row["criterion"]: row for row in found}
    assert "NYHA class of heart failure II" in str(by_id["E05"]["evidence"])
    assert "White cells 5.1 × 10⁹/L" in str(by_id["I07"]["evidence"])
    assert {row["signature_status"] for row in found} == {"NOT SIGNED"}


@pytest.mark.req("C4")
def test_a_broken_signature_is_said(world: World) -> None:
    registered(world)
    assert {row["signature_status"] for row in rows(world, ELIGIBILITY)} == {"SIGNED"}
    assert rows(world, REGISTRATIONS)[0]["eligibility_signed_by"] == "Dr Investigator-01"


def test_a_failure_names_its_criteria(world: World) -> None:
    subject = screened(world)
    with_labs(world, subject, marrow="")
    correct(world, subject, "nyha", Answer("4", world.at.date()))
    correct(world, subject, "needs_chemo", Answer("yes", world.at.date()))
    record_screen_failure(
        by=world.person(Role.COORDINATOR),
        at=world.at,
        token=uuid4(),
        subject_id=subject.pk,
        site_id=subject.site_id,
        cause=Cause.CRITERION,
        failed_on=subject.screened_on,
        reason="Heart failure",
    )
    (row,) = rows(world, SCREEN_FAILURES)
    assert (row["cause"], row["criteria"], row["reason"]) == ("CRITERION", "I05 E05", "Heart failure")
