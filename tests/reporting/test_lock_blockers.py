"""What keeps a place from being locked, room by room; and the padlock on the matrix and in the files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from uuid import uuid4

import pytest

from followup.casebook import SOURCES
from followup.models import Departure, EndOfTreatment
from followup.services import Leaving
from labs.services import add_unscheduled_visit
from protocol.vocabulary import Analyte, Phase
from reporting.lock_blockers import PLACE_OF_SECTION
from reporting.matrix import COLUMNS, row_of, visit_state
from reporting.selectors.facts import facts_of
from safety.services import sign_causality
from safety.vocabulary import Seriousness
from tests import world_dosing as treat
from tests.world import World
from tests.world_followup import contact, followed_subject, leave, reached, who, world_in_sight
from tests.world_labs import record
from tests.world_locks import at_place, casebook_signed, lock, locked, place_of, verified
from tests.world_safety import an_event, reported
from trialsite.access import Duty, system_actor
from trialsite.context import writing
from trialsite.models import Role, Subject
from trialsite.services.locks import freeze
from trialsite.services.signatures import break_signatures

#: Sections of the casebook whose form names its visit or its month.
NAMES_ITS_PLACE = {"visit", "labs", "disease", "doses", "contact"}


@pytest.fixture
def world(db: None) -> Iterator[World]:
    with world_in_sight() as world:
        yield world


@pytest.fixture
def lost(world: World) -> Subject:
    """A subject whose treatment ended, who was called once and then lost."""
    followed = followed_subject(world, last_dose_on=date(2024, 8, 20))
    contact(world, followed, reached("fu06", date(2025, 2, 18)))
    reported(world, followed, an_event("Headache", 2, "feb 2024"))
    leave(world, followed, Leaving(kind=Departure.Kind.LOST, on=date(2025, 3, 1), reason="Moved away"))
    return followed


def blockers(world: World, subject: Subject, place: str) -> tuple[str, ...]:
    return place_of(world, subject, place).blockers


def test_every_section_of_the_casebook_has_a_place() -> None:
    assert {one.section for one in SOURCES} == NAMES_ITS_PLACE | set(PLACE_OF_SECTION)


@pytest.mark.req("C11")
def test_the_record_of_a_subject_who_left_is_locked_as_a_whole(world: World, lost: Subject) -> None:
    for place in ("fu06", "course", "safety"):
        verified(world, lost, place)
    assert blockers(world, lost, "fu06") == ("The casebook is not signed.",)
    casebook_signed(world, lost)
    steps = lock(world, lost, "fu06", "course", "safety")
    assert [step.place for step in steps] == ["fu06", "course", "safety"]


@pytest.mark.req("C11")
def test_causes_of_a_serious_event_are_signed_before_safety_is_locked(world: World, lost: Subject) -> None:
    serious = reported(world, lost, an_event("Sepsis", 4, "feb 2024", serious=frozenset({Seriousness.HOSPITAL})))
    told = blockers(world, lost, "safety")
    assert f"The causes of event {serious.number} are not signed." in told
    assert any(words.startswith("The clock of report") for words in told)
    given = who(world, lost, Role.INVESTIGATOR)
    sign_causality(**given, proof=world.proof(given["by"]), number=serious.number, version=serious.version)
    assert f"The causes of event {serious.number} are not signed." not in blockers(world, lost, "safety")


@pytest.mark.req("C11")
def test_a_broken_or_missing_decision_keeps_its_visit_and_the_course(world: World) -> None:
    proposal = treat.at_month_6(world)
    unsigned = "The decision on the treatment phase is not signed."
    assert unsigned in blockers(world, proposal.subject, "m06")
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    broken = "The signature under the treatment phase does not stand."
    assert not {unsigned, broken} & set(blockers(world, proposal.subject, "m06"))
    record(world, proposal.subject, "m06", treat.MONTH[6], {Analyte.SERUM_M: "3.5"}, reason="Transcription error")
    assert broken in blockers(world, proposal.subject, "m06")
    assert broken not in blockers(world, proposal.subject, "scr")


@pytest.mark.req("C11")
def test_eligibility_under_no_standing_signature_keeps_enrolment(world: World, lost: Subject) -> None:
    """The builder registers without a checklist, as no service would."""
    told = blockers(world, lost, "enrolment")
    assert "The signature under eligibility does not stand." in told


@pytest.mark.req("C11")
def test_a_broken_signature_under_the_end_of_treatment_keeps_the_course(world: World, lost: Subject) -> None:
    words = "The signature under the end of treatment does not stand."
    assert words not in blockers(world, lost, "course")
    machine = system_actor("re-evaluation")
    with writing(by=machine, duty=Duty.PROPOSE_PHASE, site_id=None, at=world.at, reason="Shown broken"):
        break_signatures([EndOfTreatment.objects.get(subject=lost).signature], reason="Shown broken", at=world.at)
    assert words in blockers(world, lost, "course")
    assert words not in blockers(world, lost, "fu06")


def test_the_matrix_shows_the_padlock_and_a_roll_up_only_where_all_is_locked(world: World, lost: Subject) -> None:
    verified(world, lost, "fu06")
    casebook_signed(world, lost)
    lock(world, lost, "fu06")
    facts = facts_of([Subject.objects.select_related("site").get(pk=lost.pk)], world.at)[lost.pk]
    assert visit_state(facts, "fu06") == "locked"
    follow_up = row_of(facts, frozenset()).cells[[one.code for one in COLUMNS].index("fu")]
    assert (follow_up.done, follow_up.total) == (1, 10)


def test_a_locked_visit_is_a_padlock_and_a_frozen_one_keeps_its_state(world: World) -> None:
    subject = treat.on_anakinra(world)
    for code in ("uns1", "uns2"):
        assert code == add_unscheduled_visit(
            **who(world, subject), occurred_on=treat.DAY1, reason="Fever", token=uuid4()
        )
    locked(world, subject, "uns1")
    freeze(**at_place(world, subject, "uns2"))
    facts = facts_of([Subject.objects.select_related("site").get(pk=subject.pk)], world.at)[subject.pk]
    assert (visit_state(facts, "uns1"), visit_state(facts, "uns2")) == ("locked", "done")
