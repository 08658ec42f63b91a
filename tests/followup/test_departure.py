"""Leaving the study: kinds by state, what each states, what follows, and how it is taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied

from dosing.selectors import planned_doses
from followup.models import Departure
from followup.services import Leaving, possible_departures, record_departure, take_back_departure
from followup.services.departure import Kind
from labs.models import LabResult, ResponseAssessment
from labs.selectors import course_for
from labs.services import FieldsRefused
from protocol.trial import TRIAL
from protocol.vocabulary import TREATMENT_PHASES, Analyte, Phase
from safety.services import Medication, record_medication
from tests.followup.conftest import DAY1, LAST_DOSE
from tests.world import World
from tests.world_followup import leave, who
from tests.world_labs import morning, record, treated_subject
from trialsite.access import Duty
from trialsite.context import because, writing
from trialsite.models import OutboxMessage, Role, Subject
from trialsite.partial_dates import on_day
from trialsite.selectors import state_periods
from trialsite.services.subjects import Refused, move_subject, next_number

ON = date(2024, 4, 15)
DIED = Leaving(Kind.DEAD, ON, "Heart attack", last_dose_on=ON, death_due_to_progression=False)
WITHDREW = Leaving(Kind.WITHDRAWN, ON, "Wants no more", last_dose_on=ON, passive_follow_up_allowed=True)
LOST = Leaving(Kind.LOST, ON, "Moved away", last_dose_on=ON)
AS_TREATED = (DIED, WITHDREW, LOST)


def registered(world: World) -> Subject:
    """Registered, not treated."""
    subject = world.subject()
    by = world.person(Role.COORDINATOR)
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=subject.site_id, at=world.at, reason="Registered"):
        subject.subject_number = next_number(subject.site, screening=False)
        subject.registered_on = world.at.date()
        with because("Registered"):
            subject.save(update_fields=["subject_number", "registered_on"])
        move_subject(subject=subject, to=Phase.ENROLLED, on=world.at.date(), why="Registered", at=world.at)
    return subject


def take_back(world: World, subject: Subject, reason: str = "Another subject's") -> Departure:
    return take_back_departure(**who(world, subject), reason=reason)


@pytest.mark.parametrize("leaving", AS_TREATED, ids=lambda one: one.kind.value)
def test_leaving_stops_everything(world: World, treated: Subject, leaving: Leaving) -> None:
    before = ResponseAssessment.objects.filter(subject=treated).count()
    stored = leave(world, treated, leaving)
    treated.refresh_from_db()
    assert (treated.state, treated.treatment_ended_on) == (leaving.kind.value, ON)
    assert max(dose.on for dose in planned_doses(treated)) == ON
    assert stored.kind == leaving.kind
    assert OutboxMessage.objects.filter(subject=treated, kind="SUBJECT_LEFT").count() == 1
    assert ResponseAssessment.objects.filter(subject=treated).count() == before + 1


@pytest.mark.parametrize("cause", ["progression", "another"])
def test_a_death_is_noted_with_its_cause(world: World, followed: Subject, cause: str) -> None:
    on, due = LAST_DOSE + timedelta(days=40), cause == "progression"
    leave(world, followed, Leaving(Kind.DEAD, on, "At home", death_due_to_progression=due))
    followed.refresh_from_db()
    assert (followed.died_on, followed.died_of_progression, followed.state) == (on, due, "DEAD")
    assert followed.treatment_ended_on == LAST_DOSE


@pytest.mark.req("D13")
def test_the_same_form_records_once(world: World, treated: Subject) -> None:
    token = uuid4()
    assert leave(world, treated, LOST, token=token) == leave(world, treated, LOST, token=token)


def test_progression_before_the_first_dose_goes_off_study(world: World) -> None:
    subject = registered(world)
    assert possible_departures(subject) == (Kind.WITHDRAWN, Kind.DEAD, Kind.OFF_STUDY)
    leaving = Leaving(Kind.OFF_STUDY, world.at.date(), "Progressed", progression_before_treatment=True)
    stored = leave(world, subject, leaving)
    subject.refresh_from_db()
    assert (subject.state, subject.treatment_ended_on, stored.progression_before_treatment) == ("OFF_STUDY", None, True)


@pytest.mark.parametrize("phase", list(Phase))
def test_the_kinds_of_each_state(phase: Phase) -> None:
    offered = set(possible_departures(Subject(state=phase.value, protocol_version=TRIAL.version)))
    treated = {Kind.WITHDRAWN, Kind.LOST, Kind.DEAD}
    expected = {
        Phase.SCREENING: {Kind.DEAD},
        Phase.ENROLLED: {Kind.WITHDRAWN, Kind.DEAD, Kind.OFF_STUDY},
        Phase.FOLLOW_UP: treated,
        **dict.fromkeys(TREATMENT_PHASES, treated),
    }
    assert offered == expected.get(phase, set())


@pytest.mark.req("D3")
@pytest.mark.parametrize(
    ("leaving", "words"),
    [
        (replace(LOST, reason=" "), "Say what happened"),
        (replace(LOST, last_dose_on=None), "date of the last dose"),
        (replace(LOST, kind=Kind.OFF_STUDY), "present state"),
        (replace(DIED, death_due_to_progression=None), "whether progression caused it"),
        (replace(WITHDREW, passive_follow_up_allowed=None), "passive follow-up"),
        (replace(LOST, on=ON - timedelta(days=1)), "before the last dose"),
        (replace(LOST, last_dose_on=DAY1 - timedelta(days=1)), "before the first one"),
        (replace(LOST, on=ON + timedelta(days=1)), "in the future"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_is_refused(world: World, treated: Subject, leaving: Leaving, words: str) -> None:
    world.at = morning(ON)
    with pytest.raises(Refused, match=words):
        record_departure(**who(world, treated), token=uuid4(), leaving=leaving)
    assert not Departure.objects.exists()


@pytest.mark.req("J7")
def test_after_a_withdrawal_nothing_later_is_collected_and_what_was_stays(world: World, treated: Subject) -> None:
    record(world, treated, "m01", ON, {Analyte.WBC: "5.1"})
    leave(world, treated, WITHDREW)
    world.at = morning(ON + timedelta(days=9))
    for later in (ON + timedelta(days=2), ON + timedelta(days=9)):
        with pytest.raises(FieldsRefused, match="after consent was withdrawn"):
            record(world, treated, "uns1", later, {Analyte.WBC: "5.1"})
        with pytest.raises(Refused, match="after consent was withdrawn"):
            record_medication(
                **who(world, treated), token=uuid4(), medication=Medication("Aspirin", "Pain", on_day(later))
            )
    record(world, treated, "m01", ON, {Analyte.WBC: "5.2"}, reason="Typing error")
    record(world, treated, "uns1", ON, {Analyte.WBC: "5.3"})
    assert LabResult.objects.filter(subject=treated, superseded_at=None).count() == 2


def test_nobody_leaves_twice(world: World, treated: Subject) -> None:
    leave(world, treated, LOST)
    with pytest.raises(Refused, match="present state"):
        leave(world, treated, WITHDREW)


DIED_LATER = Leaving(Kind.DEAD, ON + timedelta(days=90), "Public register", death_due_to_progression=True)


@pytest.mark.parametrize("before", [WITHDREW, LOST], ids=lambda one: one.kind.value)
def test_a_death_learned_later_stands_beside_the_withdrawal_or_loss(
    world: World, treated: Subject, before: Leaving
) -> None:
    """The state stays, the death counts in the course, and either is taken back on its own, the death first."""
    left = leave(world, treated, before)
    died = leave(world, treated, DIED_LATER)
    treated.refresh_from_db()
    assert (treated.state, treated.died_on, treated.died_of_progression) == (before.kind.value, DIED_LATER.on, True)
    assert course_for(treated).death_on == DIED_LATER.on
    with pytest.raises(Refused, match="present state"):
        leave(world, treated, DIED_LATER)
    assert take_back(world, treated) == died
    treated.refresh_from_db()
    assert (treated.state, treated.died_on) == (before.kind.value, None)
    assert take_back(world, treated) == left
    treated.refresh_from_db()
    assert treated.state == Phase.INDUCTION.value


@pytest.mark.parametrize("more", [{}, {"on": ON - timedelta(days=1)}], ids=["everything", "date"])
def test_after_a_withdrawal_from_everything_no_death_is_collected(
    world: World, treated: Subject, more: dict[str, Any]
) -> None:
    leave(world, treated, replace(WITHDREW, passive_follow_up_allowed=bool(more)))
    with pytest.raises(Refused, match="before the withdrawal" if more else "public records neither"):
        leave(world, treated, replace(DIED_LATER, **more))
    treated.refresh_from_db()
    assert treated.died_on is None


@pytest.mark.req("D9")
@pytest.mark.parametrize("role", [Role.DATA_MANAGER, Role.MONITOR, Role.ADMIN, Role.STATISTICIAN])
def test_only_the_site_records(world: World, treated: Subject, role: Role) -> None:
    world.at = morning(ON)
    with pytest.raises(PermissionDenied):
        record_departure(**who(world, treated, role), token=uuid4(), leaving=LOST)


@pytest.mark.req("B1")
def test_another_site_does_not_record(world: World, treated: Subject) -> None:
    world.at = morning(ON)
    given: dict[str, Any] = {**who(world, treated), "by": world.person(Role.COORDINATOR, "02")}
    with pytest.raises(PermissionDenied):
        record_departure(**given, token=uuid4(), leaving=LOST)


# -- taken back


@pytest.mark.parametrize("leaving", AS_TREATED, ids=lambda one: one.kind.value)
def test_taken_back_the_subject_is_where_it_was(world: World, treated: Subject, leaving: Leaving) -> None:
    before = [(one.state, one.starts_on, one.ends_on) for one in state_periods(treated)]
    doses = [dose.on for dose in planned_doses(treated)]
    record(world, treated, "bl", DAY1, {Analyte.SERUM_M: "2.9"})
    stored = leave(world, treated, leaving)
    take_back(world, treated)
    treated.refresh_from_db()
    stored.refresh_from_db()
    assert [(one.state, one.starts_on, one.ends_on) for one in state_periods(treated)] == before
    assert [dose.on for dose in planned_doses(treated)] == doses
    assert (treated.died_on, treated.died_of_progression, treated.treatment_ended_on) == (None, None, None)
    assert stored.in_error_reason == "Another subject's"


def test_a_signed_last_dose_stays_when_a_departure_is_taken_back(world: World, followed: Subject) -> None:
    leave(world, followed, replace(LOST, last_dose_on=None, on=LAST_DOSE + timedelta(days=300)))
    take_back(world, followed)
    followed.refresh_from_db()
    assert (followed.state, followed.treatment_ended_on) == ("FOLLOW_UP", LAST_DOSE)


def test_a_lost_subject_that_was_found_may_die_later(world: World, treated: Subject) -> None:
    leave(world, treated, LOST)
    take_back(world, treated, "Found again")
    leave(world, treated, replace(DIED, on=ON + timedelta(days=9)))
    treated.refresh_from_db()
    assert treated.state == "DEAD"
    assert Departure.objects.filter(in_error_at=None).count() == 1


def test_taking_back_needs_a_reason_and_a_departure(world: World, treated: Subject) -> None:
    with pytest.raises(Refused, match="No departure stands"):
        take_back(world, treated)
    with pytest.raises(Refused, match="Say why"):
        take_back(world, treated, "")


def test_subjects_of_two_sites_are_apart(world: World) -> None:
    berlin = treated_subject(world, day1=DAY1, site="02")
    leave(world, berlin, LOST)
    assert Departure.objects.get().site == world.sites["02"]
