"""End of treatment: what it does, who may sign it, when it is refused, and how it is taken back."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied

from dosing.selectors import planned_doses
from dosing.services import record_doses
from followup.models import EndOfTreatment, Reminder
from followup.selectors import follow_up_schedule, will_stop
from followup.services import (
    Ending,
    Leaving,
    end_treatment,
    possible_reasons,
    sweep_reminders,
    take_back_end_of_treatment,
)
from followup.services.departure import Kind
from followup.vocabulary import END_REASON_WORDS, PHASE_WORDS, EndReason
from protocol.vocabulary import TREATMENT_PHASES, DoseStatus, Drug, Phase
from tests.followup.conftest import DAY1
from tests.world import World
from tests.world_followup import contact, end, leave, reached, who
from tests.world_labs import morning
from trialsite.access import Duty
from trialsite.context import writing
from trialsite.models import OutboxMessage, Role, StatePeriod, Subject
from trialsite.selectors import state_periods
from trialsite.services.signatures import is_intact
from trialsite.services.subjects import Refused, move_subject

LAST = date(2024, 5, 20)


def take_back(world: World, subject: Subject, reason: str = "Another subject's form") -> EndOfTreatment:
    return take_back_end_of_treatment(**who(world, subject, Role.INVESTIGATOR), reason=reason)


@pytest.mark.req("C1", "E8")
def test_ending_treatment_moves_to_follow_up_the_day_after(world: World, treated: Subject) -> None:
    stored = end(world, treated, LAST, EndReason.TOXICITY)
    treated.refresh_from_db()
    assert (treated.state, treated.treatment_ended_on) == (Phase.FOLLOW_UP.value, LAST)
    period = StatePeriod.objects.get(subject=treated, ends_on=None)
    assert (period.state, period.starts_on) == ("FOLLOW_UP", LAST + timedelta(days=1))
    assert stored.signature.printed_name == world.person(Role.INVESTIGATOR).printed_name
    assert stored.signature.content["reason"] == "TOXICITY"
    assert is_intact(stored.signature)
    assert OutboxMessage.objects.filter(subject=treated, kind="TREATMENT_ENDED").count() == 1


def test_no_dose_is_planned_after_the_last(world: World, treated: Subject) -> None:
    stops = will_stop(treated, LAST)
    assert stops.doses == {"anakinra": (date(2024, 9, 3) - LAST).days}
    end(world, treated, LAST)
    treated.refresh_from_db()
    assert max(dose.on for dose in planned_doses(treated)) == LAST


@pytest.mark.req("D13")
def test_the_same_form_signs_once(world: World, treated: Subject) -> None:
    token = uuid4()
    assert end(world, treated, LAST, token=token) == end(world, treated, LAST, token=token)
    assert EndOfTreatment.objects.count() == 1


@pytest.mark.req("C1", "D9")
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.INVESTIGATOR])
def test_only_an_investigator_signs(world: World, treated: Subject, role: Role) -> None:
    given = who(world, treated, role)
    with pytest.raises(PermissionDenied):
        end_treatment(**given, proof=world.proof(given["by"]), token=uuid4(), ending=Ending(DAY1, EndReason.COMPLETED))


@pytest.mark.req("C1")
def test_a_proof_is_the_signers_own_and_fresh(world: World, treated: Subject) -> None:
    given = who(world, treated, Role.INVESTIGATOR)
    for proof in (world.proof(world.person(Role.COORDINATOR)), world.proof(given["by"], world.at - timedelta(hours=1))):
        with pytest.raises(PermissionDenied, match="password"):
            end_treatment(**given, proof=proof, token=uuid4(), ending=Ending(DAY1, EndReason.COMPLETED))
    assert not EndOfTreatment.objects.exists()


@pytest.mark.req("B1")
def test_an_investigator_of_another_site_does_not_sign(world: World, treated: Subject) -> None:
    by = world.person(Role.INVESTIGATOR, "02")
    given = {**who(world, treated), "by": by}
    with pytest.raises(PermissionDenied):
        end_treatment(**given, proof=world.proof(by), token=uuid4(), ending=Ending(DAY1, EndReason.COMPLETED))


@pytest.mark.req("D3")
@pytest.mark.parametrize(
    ("last_dose_on", "reason", "words"),
    [
        (DAY1 - timedelta(days=1), EndReason.COMPLETED, "before the first one"),
        (DAY1 + timedelta(days=1), EndReason.COMPLETED, "in the future"),
        (DAY1, EndReason.PROGRESSION_ON_HIGH_DEX, "does not apply"),
        (DAY1, EndReason.OTHER, "Describe the other reason"),
    ],
)
def test_what_cannot_be_is_refused(
    world: World, treated: Subject, last_dose_on: date, reason: EndReason, words: str
) -> None:
    given = who(world, treated, Role.INVESTIGATOR)
    with pytest.raises(Refused, match=words):
        end_treatment(**given, proof=world.proof(given["by"]), token=uuid4(), ending=Ending(last_dose_on, reason))


@pytest.mark.req("D3")
def test_a_dose_taken_later_speaks_against_the_last_dose(world: World, treated: Subject) -> None:
    world.at = morning(LAST)
    record_doses(
        **who(world, treated),
        drug=Drug.ANAKINRA,
        first_on=DAY1 + timedelta(days=1),
        last_on=LAST,
        status=DoseStatus.TAKEN,
        reason="",
    )
    with pytest.raises(Refused, match="recorded as taken on 20 May 2024"):
        end(world, treated, LAST - timedelta(days=1))
    assert end(world, treated, LAST).last_dose_on == LAST


def test_a_high_dose_calendar_that_nobody_confirmed_stops_as_well(world: World, treated: Subject) -> None:
    by = world.person(Role.INVESTIGATOR)
    with writing(by=by, duty=Duty.SIGN, site_id=treated.site_id, at=world.at, reason="Decision"):
        move_subject(subject=treated, to=Phase.HIGH_DEX, on=date(2024, 5, 1), why="Progression", at=world.at)
    stops = will_stop(treated, LAST)
    assert (stops.dose_unknown, stops.doses) == (True, {})


def test_treatment_ends_once(world: World, treated: Subject) -> None:
    end(world, treated, LAST)
    with pytest.raises(Refused, match="not under treatment"):
        end(world, treated, LAST)


def test_a_phase_that_was_signed_ahead_but_never_began_covers_no_day(world: World, treated: Subject) -> None:
    by = world.person(Role.INVESTIGATOR)
    with writing(by=by, duty=Duty.SIGN, site_id=treated.site_id, at=world.at, reason="Decision"):
        move_subject(subject=treated, to=Phase.LOW_DEX_7_12, on=date(2024, 9, 4), why="Month 6", at=world.at)
    world.at = morning(date(2024, 9, 1))
    end(world, treated, date(2024, 8, 31))
    assert [(one.state, one.starts_on, one.ends_on) for one in state_periods(treated)][-2:] == [
        ("INDUCTION", DAY1, date(2024, 8, 31)),
        ("FOLLOW_UP", date(2024, 9, 1), None),
    ]


def test_every_reason_and_phase_has_words() -> None:
    assert set(END_REASON_WORDS) == set(EndReason)
    assert set(PHASE_WORDS) == set(TREATMENT_PHASES)


@pytest.mark.parametrize("phase", TREATMENT_PHASES)
def test_progression_on_high_dose_is_a_reason_only_there(phase: Phase) -> None:
    offered = possible_reasons(Subject(state=phase.value))
    assert (EndReason.PROGRESSION_ON_HIGH_DEX in offered) is (phase is Phase.HIGH_DEX)
    assert (EndReason.PROGRESSION in offered) is (phase is not Phase.HIGH_DEX)


# -- taken back


@pytest.mark.req("B12")
def test_taken_back_treatment_goes_on_as_if_it_had_never_ended(world: World, treated: Subject) -> None:
    before = [dose.on for dose in planned_doses(treated)]
    stored = end(world, treated, LAST)
    take_back(world, treated)
    treated.refresh_from_db()
    stored.refresh_from_db()
    assert (treated.state, treated.treatment_ended_on) == ("INDUCTION", None)
    assert [(one.state, one.ends_on) for one in state_periods(treated)][-1] == ("INDUCTION", None)
    assert [dose.on for dose in planned_doses(treated)] == before
    assert stored.in_error_reason == "Another subject's form"
    assert [event.kind for event in stored.signature.events.all()] == ["withdrawn"]


def test_treatment_can_end_again_after_it_was_taken_back(world: World, treated: Subject) -> None:
    end(world, treated, LAST)
    take_back(world, treated)
    end(world, treated, LAST)
    assert EndOfTreatment.objects.count() == 2
    assert EndOfTreatment.objects.filter(in_error_at=None).count() == 1


@pytest.mark.req("E8")
def test_reminders_start_afresh_with_a_corrected_date(world: World, treated: Subject) -> None:
    end(world, treated, LAST)
    world.person(Role.COORDINATOR)
    opens = follow_up_schedule(Subject.objects.get(pk=treated.pk), LAST).lines[0].planned.opens_on
    world.at = morning(opens)
    assert sweep_reminders(world.at).sent == 1
    take_back(world, treated)
    end(world, treated, LAST + timedelta(days=60))
    assert sweep_reminders(world.at).sent == 0
    world.at = morning(opens + timedelta(days=62))
    assert sweep_reminders(world.at).sent == 1
    assert sorted(Reminder.objects.values_list("status", flat=True)) == ["sent", "void"]


def test_it_is_not_taken_back_once_something_rests_on_it(world: World, followed: Subject) -> None:
    made = contact(world, followed, reached("fu06", date(2024, 9, 3)))
    with pytest.raises(Refused, match="contacts rest on"):
        take_back(world, followed)
    leave(world, followed, Leaving(Kind.LOST, made.contacted_on, "Moved away"))
    with pytest.raises(Refused, match="has left the study"):
        take_back(world, followed)


def test_taking_back_needs_a_reason_and_something_to_take_back(world: World, treated: Subject) -> None:
    with pytest.raises(Refused, match="No end of treatment stands"):
        take_back(world, treated)
    with pytest.raises(Refused, match="Say why"):
        take_back(world, treated, " ")
