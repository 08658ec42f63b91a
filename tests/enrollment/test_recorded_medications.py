"""What is recorded as medication decides about E01 and E03, whatever was answered, and is evidence like a result."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from enrollment.models import EligibilitySnapshot, ScreeningAnswer
from enrollment.services import Answer
from protocol.vocabulary import CriterionOutcome, Route
from safety.models import ConcomitantMedication
from safety.services import Medication, end_medication, mark_medication_in_error, record_medication
from tests.enrollment.test_eligibility import look, overall
from tests.enrollment.test_waivers import steps
from tests.world import World, log_in
from tests.world_enrollment import answered, complete, correct, register, sent, signed
from trialsite.access import Duty, system_actor
from trialsite.context import reading, writing
from trialsite.models import AuditEvent, Query, Role, Subject
from trialsite.partial_dates import parse
from trialsite.services.queries import answer, confirm_automatic_query
from trialsite.services.subjects import Refused

MET, NOT_MET, OPEN = CriterionOutcome.MET, CriterionOutcome.NOT_MET, CriterionOutcome.INDETERMINATE


def add(
    world: World, subject: Subject, name: str, started: str, stopped: str = "", route: Route | None = None
) -> ConcomitantMedication:
    today = world.at.date()
    medication = Medication(
        name, "Pneumonia", parse(started, today), parse(stopped, today) if stopped else None, route=route
    )
    return record_medication(
        by=world.person(Role.COORDINATOR), at=world.at, token=uuid4(), subject_id=subject.pk,
        site_id=subject.site_id, medication=medication,
    )  # fmt: skip


def take_back(world: World, stored: ConcomitantMedication) -> None:
    mark_medication_in_error(
        by=world.person(Role.COORDINATOR), at=world.at, subject_id=stored.subject_id, site_id=stored.site_id,
        medication_id=stored.pk, reason="Another subject's",
    )  # fmt: skip


def stop(world: World, stored: ConcomitantMedication) -> None:
    end_medication(
        by=world.person(Role.COORDINATOR), at=world.at, subject_id=stored.subject_id, site_id=stored.site_id,
        medication_id=stored.pk, stopped=parse("dec 2023", world.at.date()),
    )  # fmt: skip


def asked(world: World, subject: Subject) -> list[tuple[str, str]]:
    """Item and state of what is asked about answers, the oldest first."""
    with reading(system_actor("verification"), world.at):
        found = Query.objects.filter(subject=subject, record_type="screening_answer").order_by("id")
        return list(found.values_list("item", "state"))


@pytest.mark.req("D2", "D5")
@pytest.mark.parametrize(
    ("criterion", "item", "medicine"),
    [
        ("E01", "tnf_or_thalidomide", ("Thalidomide 50 mg", "2023", "", Route.ORAL)),
        ("E03", "iv_antibiotics", ("Ceftriaxone 2 g", "nov 2023", "20 dec 2023", Route.INTRAVENOUS)),
    ],
)
def test_a_record_that_counts_outweighs_the_answer_and_the_answer_is_asked_about(
    world: World, subject: Subject, criterion: str, item: str, medicine: tuple[str, str, str, Route]
) -> None:
    assert (overall(world, subject), asked(world, subject)) == (MET, [])
    stored = add(world, subject, *medicine)
    assert look(world, subject)[criterion] is NOT_MET
    assert asked(world, subject) == [(item, Query.State.OPEN)]
    take_back(world, stored)
    assert look(world, subject)[criterion] is MET
    assert asked(world, subject) == [(item, Query.State.CLOSED)]


@pytest.mark.req("D2", "D6")
def test_an_unknown_route_leaves_it_open_and_the_checklist_is_not_eligible(world: World, subject: Subject) -> None:
    add(world, subject, "Cefazolin", "dec 2023", "dec 2023")
    assert look(world, subject)["E03"] is OPEN
    assert overall(world, subject) is OPEN


@pytest.mark.req("D2", "D6")
def test_an_unknown_last_day_leaves_it_open_until_it_is_known(world: World, subject: Subject) -> None:
    """84 days before 2 January 2024 is 10 October 2023: the month alone does not say it."""
    stored = add(world, subject, "Cefazolin", "sep 2023", "", Route.INTRAVENOUS)
    assert look(world, subject)["E03"] is NOT_MET
    end_medication(
        by=world.person(Role.COORDINATOR), at=world.at, subject_id=subject.pk, site_id=subject.site_id,
        medication_id=stored.pk, stopped=parse("oct 2023", world.at.date()),
    )  # fmt: skip
    assert look(world, subject)["E03"] is OPEN
    assert asked(world, subject) == [("iv_antibiotics", Query.State.OPEN)]
    take_back(world, stored)
    add(world, subject, "Cefazolin", "sep 2023", "9 oct 2023", Route.INTRAVENOUS)
    assert look(world, subject)["E03"] is MET


@pytest.mark.req("D2")
def test_an_answer_given_after_the_record_is_asked_about_too(world: World, subject: Subject) -> None:
    add(world, subject, "Infliximab", "2023", "", Route.INTRAVENOUS)
    correct(world, subject, "tnf_or_thalidomide", Answer("yes", world.at.date()))
    assert asked(world, subject) == [("tnf_or_thalidomide", Query.State.CLOSED)]
    correct(world, subject, "tnf_or_thalidomide", Answer("no", world.at.date()))
    assert asked(world, subject)[-1] == ("tnf_or_thalidomide", Query.State.OPEN)
    assert look(world, subject)["E01"] is NOT_MET


@pytest.mark.req("D2", "D8")
def test_what_a_person_has_confirmed_is_asked_again_only_for_another_medication(world: World, subject: Subject) -> None:
    add(world, subject, "Thalidomide", "2023", "", Route.ORAL)
    with reading(system_actor("verification"), world.at):
        query = Query.objects.get(subject=subject, record_type="screening_answer")
    coordinator = world.person(Role.COORDINATOR)
    with writing(by=coordinator, duty=Duty.ANSWER_QUERY, site_id=subject.site_id, at=world.at):
        confirm_automatic_query(by=coordinator, query=query, at=world.at, text="Is what the source says.")
    add(world, subject, "Ibuprofen", "2023", "", Route.ORAL)
    assert asked(world, subject) == [("tnf_or_thalidomide", Query.State.CLOSED)]
    add(world, subject, "Humira", "2023", "", Route.SUBCUTANEOUS)
    assert asked(world, subject) == [("tnf_or_thalidomide", Query.State.OPEN)]
    with reading(system_actor("verification"), world.at):
        assert "Humira, subcutaneous" in Query.objects.get(pk=query.pk).messages.order_by("id").last().text
    assert look(world, subject)["E01"] is NOT_MET


def question(world: World, subject: Subject) -> tuple[str, str, list[str]]:
    """State of the query about the answers, what it asks, and what was done in its thread."""
    with reading(system_actor("verification"), world.at):
        query = Query.objects.get(subject=subject, record_type="screening_answer")
        return query.state, query.text, list(query.messages.values_list("action", flat=True))


@pytest.mark.req("D2", "D8")
def test_an_open_query_names_every_medication_that_contradicts_now_and_keeps_what_it_said(
    world: World, subject: Subject
) -> None:
    first = add(world, subject, "Thalidomide", "2023", "", Route.ORAL)
    _, asked_first, _ = question(world, subject)
    add(world, subject, "Humira", "2023", "", Route.SUBCUTANEOUS)
    state, both, said = question(world, subject)
    assert state == Query.State.OPEN
    assert "Thalidomide, by mouth" in both
    assert "Humira, subcutaneous" in both
    assert said == ["opened", "asked"]
    take_back(world, first)
    state, left, said = question(world, subject)
    assert (state, "Thalidomide" in left, "Humira, subcutaneous" in left) == (Query.State.OPEN, False, True)
    assert said == ["opened", "asked", "asked"]
    with reading(system_actor("verification"), world.at):
        query = Query.objects.get(subject=subject, record_type="screening_answer")
        assert list(query.messages.values_list("text", flat=True)) == [asked_first, both, left]
        changes = AuditEvent.objects.filter(table="trialsite_query", row_id=str(query.pk), old__has_key="text")
        assert [(one.old["text"], one.new["text"]) for one in changes] == [(asked_first, both), (both, left)]


@pytest.mark.req("D2", "D8")
def test_what_was_answered_is_asked_again_for_another_medication_and_not_for_fewer(
    world: World, subject: Subject
) -> None:
    first = add(world, subject, "Thalidomide", "2023", "", Route.ORAL)
    with reading(system_actor("verification"), world.at):
        query = Query.objects.get(subject=subject, record_type="screening_answer")
    who = {"by": world.person(Role.COORDINATOR), "at": world.at, "site_id": subject.site_id}
    answer(**who, query_id=query.pk, text="The answer is right")
    add(world, subject, "Humira", "2023", "", Route.SUBCUTANEOUS)
    state, text, said = question(world, subject)
    assert (state, said) == (Query.State.OPEN, ["opened", "answered", "reopened"])
    assert "Thalidomide, by mouth" in text
    assert "Humira, subcutaneous" in text
    answer(**who, query_id=query.pk, text="Both are right")
    take_back(world, first)
    assert question(world, subject)[0] == Query.State.ANSWERED


@pytest.mark.req("D2")
def test_of_more_medications_than_a_query_can_name_it_says_how_many(world: World, subject: Subject) -> None:
    for number in range(6):
        add(world, subject, f"Infliximab {number} {'biosimilar ' * 9}".strip(), "2023", "", Route.INTRAVENOUS)
    _, text, said = question(world, subject)
    named = sum(f"Infliximab {number}" in text for number in range(6))
    assert 0 < named < 6
    assert f" and {6 - named} more. Correct" in text
    assert len(said) == 6


def test_other_medication_is_no_evidence(world: World, subject: Subject) -> None:
    add(world, subject, "Ibuprofen", "2023", "", Route.INTRAVENOUS)
    add(world, subject, "Ciprofloxacin", "dec 2023", "", Route.ORAL)
    assert (overall(world, subject), asked(world, subject)) == (MET, [])


@pytest.mark.req("D5", "C10")
def test_what_was_sent_keeps_the_record_and_a_later_record_keeps_it_from_being_signed(
    world: World, subject: Subject
) -> None:
    old = add(world, subject, "Cefazolin", "2021", "2022", Route.INTRAVENOUS)
    snapshot = sent(world, subject)
    with reading(system_actor("verification"), world.at):
        judged = EligibilitySnapshot.objects.get(pk=snapshot.pk).judgements
    (row,) = [one for one in judged["criteria"] if one["criterion"] == "E03"]
    assert f"medication:{old.pk}" in {piece["source"] for piece in row["evidence"]}
    add(world, subject, "Ceftriaxone", "dec 2023", "", Route.INTRAVENOUS)
    with pytest.raises(Refused):
        signed(world, subject, snapshot)


@pytest.mark.req("D2", "G1")
@pytest.mark.parametrize("settled", [take_back, stop])
def test_a_medication_taken_back_or_ended_after_it_was_sent_asks_to_send_again(
    world: World, subject: Subject, settled: Callable[[World, ConcomitantMedication], None]
) -> None:
    """Nobody is told to record a screen failure for what does not count any more."""
    stored = add(world, subject, "Thalidomide", "2023", "", Route.ORAL)
    world.later(1)
    sent(world, subject)
    assert steps(world, subject)[0] == "Record screen failure"
    world.later(1)
    settled(world, stored)
    assert look(world, subject)["E01"] is MET
    assert steps(world, subject)[0] == "Send eligibility again"
    world.later(1)
    sent(world, subject)
    assert steps(world, subject)[0] == "Sign eligibility"


@pytest.mark.req("D2", "G1")
def test_a_medication_recorded_after_it_was_sent_is_news(world: World, subject: Subject) -> None:
    add(world, subject, "Thalidomide", "2023", "", Route.ORAL)
    sent(world, subject)
    world.later(1)
    add(world, subject, "Humira", "2023", "", Route.SUBCUTANEOUS)
    assert steps(world, subject)[0] == "Send eligibility again"


@pytest.mark.req("D5")
def test_nobody_is_registered_against_a_record_that_came_after_the_signature(world: World, subject: Subject) -> None:
    signed(world, subject, sent(world, subject))
    add(world, subject, "Ceftriaxone", "dec 2023", "", Route.INTRAVENOUS)
    with pytest.raises(Refused):
        register(world, subject)


@pytest.mark.req("D2")
def test_the_checklist_links_the_record(world: World, subject: Subject, client: Client) -> None:
    stored = add(world, subject, "Ceftriaxone", "dec 2023", "", Route.INTRAVENOUS)
    log_in(client, world.person(Role.COORDINATOR))
    page = client.get(reverse("subject_eligibility", args=[subject.key])).content.decode()
    address = reverse("subject_medications", args=[subject.key])
    anchor = f"medication-{stored.pk}"
    assert f"{address}#{anchor}" in page
    assert "Ceftriaxone, intravenous, Dec 2023, day unknown and ongoing" in page
    assert f'id="{anchor}"' in client.get(address).content.decode()


@pytest.mark.req("D2")
def test_without_an_answer_a_record_that_does_not_count_decides_nothing(world: World) -> None:
    subject = complete(world)
    add(world, subject, "Cefazolin", "2021", "2022", Route.INTRAVENOUS)
    with reading(system_actor("verification"), world.at):
        assert ScreeningAnswer.objects.filter(subject=subject, item="iv_antibiotics", superseded_at=None).exists()
    other = complete(world, birth_year=1961)
    answered(world, other, {"iv_antibiotics": Answer("unk", world.at.date())})
    add(world, other, "Cefazolin", "2021", "2022", Route.INTRAVENOUS)
    assert (look(world, subject)["E03"], look(world, other)["E03"]) == (MET, OPEN)
