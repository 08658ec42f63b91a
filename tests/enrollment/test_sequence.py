"""The sequence consent, eligibility, registration, treatment: no other order is reachable, whatever people try.

A model of the road runs beside the services; hypothesis looks for a sequence in which the two disagree.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from hypothesis.strategies import booleans, sampled_from

from dosing.services import start_treatment
from enrollment.models import Consent, EligibilitySnapshot, Registration, ScreenFailure
from enrollment.selectors import is_signed, latest_snapshot, site_day
from enrollment.services import Answer, Cause, record_screen_failure
from followup.models import Departure
from followup.services.departure import Leaving, record_departure
from followup.services.treatment import Ending, end_treatment
from followup.vocabulary import EndReason
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte, Phase
from tests.world import World, new_world
from tests.world_enrollment import answered, correct, register, screened, sent, signed, with_labs
from tests.world_labs import record
from trialsite.access import Duty, system_actor
from trialsite.context import reading, writing
from trialsite.models import Role, StatePeriod, Subject
from trialsite.services.subjects import Refused, move_subject

ROADS = {(road.source, road.target) for road in TRIAL.transitions}


class Road(RuleBasedStateMachine):
    """One subject and what its site tries. The model: phase, evidence, which evidence was sent and signed."""

    @initialize()
    def consent(self) -> None:
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.world = new_world()
        self.subject = screened(self.world)
        self.phase = Phase.SCREENING
        self.labs = self.answers = ""
        self.evidence = 0
        self.sent: tuple[int, str] | None = None
        self.signed: int | None = None

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    def outcome(self) -> str:
        """MET, NOT_MET or, while something is missing and nothing is against it, OPEN."""
        if "bad" in {self.labs, self.answers}:
            return "NOT_MET"
        return "MET" if self.labs == self.answers == "good" else "OPEN"

    def attempt(self, allowed: bool, action: object, *arguments: object) -> bool:  # noqa: FBT001
        """Do it; it must be refused if, and only if, the model does not allow it."""
        try:
            action(*arguments)  # type: ignore[operator]
        except Refused:
            assert not allowed, f"{action} was refused in {self.phase}"
            return False
        assert allowed, f"{action} was possible in {self.phase}"
        return True

    def in_screening(self) -> bool:
        return self.phase is Phase.SCREENING

    # -- what people try

    @rule(kind=sampled_from(["good", "good", "good", "bad"]))
    def give_results(self, kind: str) -> None:
        if not self.in_screening() or kind == self.labs:
            return
        wbc = {Analyte.WBC: "5.1" if kind == "good" else "3.0"}
        if self.labs:
            record(self.world, self.subject, "scr", self.today(), wbc, reason="Misread")
        else:
            with_labs(self.world, self.subject, wbc)
        self.labs, self.evidence = kind, self.evidence + 1

    @rule(kind=sampled_from(["good", "good", "good", "bad"]))
    def answer(self, kind: str) -> None:
        if kind == self.answers:
            return
        done = self.attempt(self.in_screening(), self.answer_all, "0" if kind == "good" else "3")
        if done:
            self.answers, self.evidence = kind, self.evidence + 1

    def answer_all(self, nyha: str) -> None:
        if self.answers:
            correct(self.world, self.subject, "nyha", Answer(nyha, self.today()))
        else:
            answered(self.world, self.subject, {"nyha": nyha})

    @rule()
    def send(self) -> None:
        if self.attempt(self.in_screening() and self.outcome() != "OPEN", sent, self.world, self.subject):
            self.sent = (self.evidence, self.outcome())

    @rule()
    def sign(self) -> None:
        with reading(system_actor("verification"), self.world.at):
            snapshot = latest_snapshot(self.subject)
        if snapshot is None:
            return
        allowed = self.in_screening() and self.sent == (self.evidence, "MET")
        if self.attempt(allowed, signed, self.world, self.subject, snapshot):
            self.signed = self.evidence

    @rule()
    def register(self) -> None:
        allowed = self.in_screening() and self.signed == self.evidence
        if self.attempt(allowed, register, self.world, self.subject):
            self.phase = Phase.ENROLLED

    @rule(withdrawn=booleans())
    def close_screening(self, withdrawn: bool) -> None:  # noqa: FBT001
        allowed = self.in_screening() and (withdrawn or self.outcome() == "NOT_MET")
        if self.attempt(allowed, self.fail, Cause.CONSENT_WITHDRAWN if withdrawn else Cause.CRITERION):
            self.phase = Phase.SCREEN_FAILED

    def fail(self, cause: Cause) -> None:
        record_screen_failure(
            by=self.world.person(Role.COORDINATOR),
            at=self.world.at,
            token=uuid4(),
            subject_id=self.subject.pk,
            site_id=self.subject.site_id,
            cause=cause,
            passive_follow_up_allowed=False,
            failed_on=self.today(),
            reason="Told by the site",
        )

    @rule()
    def give_the_first_dose(self) -> None:
        if self.attempt(self.phase is Phase.ENROLLED, self.dose):
            self.phase = Phase.INDUCTION

    def dose(self) -> None:
        start_treatment(
            by=self.world.person(Role.COORDINATOR),
            at=self.world.at,
            subject_id=self.subject.pk,
            site_id=self.subject.site_id,
            first_dose_on=self.today(),
        )

    @rule()
    def end_the_treatment(self) -> None:
        if self.attempt(self.phase is Phase.INDUCTION, self.end):
            self.phase = Phase.FOLLOW_UP
            self.world.later(2)

    def end(self) -> None:
        investigator = self.world.person(Role.INVESTIGATOR)
        end_treatment(
            by=investigator,
            at=self.world.at,
            proof=self.world.proof(investigator),
            token=uuid4(),
            subject_id=self.subject.pk,
            site_id=self.subject.site_id,
            ending=Ending(self.today(), EndReason.TOXICITY),
        )

    @rule()
    def die(self) -> None:
        if self.attempt((self.phase, Phase.DEAD) in ROADS, self.leave):
            self.phase = Phase.DEAD

    def leave(self) -> None:
        last = self.today() if self.phase is Phase.INDUCTION else None
        record_departure(
            by=self.world.person(Role.COORDINATOR),
            at=self.world.at,
            token=uuid4(),
            subject_id=self.subject.pk,
            site_id=self.subject.site_id,
            leaving=Leaving(
                Departure.Kind.DEAD, self.today(), "Told by the family", last, death_due_to_progression=False
            ),
        )

    def today(self) -> date:
        return site_day(self.world.at, self.subject.site)

    # -- what must hold after every attempt

    @invariant()
    def the_database_says_the_same(self) -> None:
        with reading(system_actor("verification"), self.world.at):
            subject = Subject.objects.get(pk=self.subject.pk)
            assert subject.state == self.phase
            assert Consent.objects.filter(subject=subject).exists()
            check_history(subject)
            check_registration(subject)
            assert ScreenFailure.objects.filter(subject=subject).exists() == (self.phase is Phase.SCREEN_FAILED)


def check_history(subject: Subject) -> None:
    periods = list(StatePeriod.objects.filter(subject=subject).order_by("id"))
    assert [one for one in periods if one.ends_on is None] == periods[-1:]
    for earlier, later in pairwise(periods):
        assert (earlier.state, later.state) in ROADS
        assert earlier.starts_on <= later.starts_on


def check_registration(subject: Subject) -> None:
    """Registered and treated only behind a signed checklist on which all was met; dates in order."""
    registration = Registration.objects.filter(subject=subject).first()
    assert (subject.registered_on is not None) == (registration is not None)
    if registration is None:
        assert subject.day1_on is None
        return
    snapshot = EligibilitySnapshot.objects.get(pk=registration.snapshot_id)
    assert (snapshot.outcome, is_signed(snapshot)) == ("MET", True)
    assert subject.screened_on <= registration.registered_on
    assert subject.day1_on is None or subject.day1_on >= registration.registered_on


@pytest.mark.req("D1")
def test_no_other_sequence_is_reachable(db: None) -> None:
    run_state_machine_as_test(
        Road,
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.req("D1")
@pytest.mark.parametrize("source", list(Phase))
def test_the_only_door_between_states_knows_the_protocols_roads_alone(db: None, source: Phase) -> None:
    """From every state to every state: open if and only if the protocol has that road."""
    world = new_world()
    for target in Phase:
        subject = put(world, source)
        if (source, target) in ROADS:
            move(world, subject, target)
            assert subject.state == target
        else:
            with pytest.raises(Refused, match="cannot go from"):
                move(world, subject, target)


def put(world: World, state: Phase) -> Subject:
    """A subject that the test itself has put into a state, without a road."""
    subject = world.subject()
    by = world.person(Role.COORDINATOR)
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=subject.site_id, at=world.at, reason="Test"):
        Subject.objects.filter(pk=subject.pk).update(state=state)
    subject.state = state
    return subject


def move(world: World, subject: Subject, to: Phase) -> None:
    by = world.person(Role.COORDINATOR)
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=subject.site_id, at=world.at, reason="Test"):
        move_subject(subject=subject, to=to, on=subject.screened_on, why="Test", at=world.at)


@pytest.mark.req("D1")
def test_no_state_begins_before_the_present_one(db: None) -> None:
    world = new_world()
    world.later(3)
    subject = world.subject()
    subject.screened_on = new_day = subject.screened_on.replace(day=1)
    with pytest.raises(Refused, match="when the present state began"):
        move(world, subject, Phase.ENROLLED)
    assert new_day < world.at.date()
