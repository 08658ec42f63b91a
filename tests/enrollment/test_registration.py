"""Registration and its opposite: screen failure."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connections
from django.test import Client
from django.urls import reverse

from enrollment.models import EligibilitySnapshot, Registration, ScreenFailure
from enrollment.selectors import failure_of, latest_snapshot, registration_of, site_day
from enrollment.services import Answer, Cause, record_screen_failure, register_subject
from protocol.vocabulary import Analyte, Phase
from tests.world import World, log_in, new_world
from tests.world_enrollment import (
    answered,
    central_laboratory,
    complete,
    correct,
    register,
    registered,
    screened,
    sent,
    signed,
    with_labs,
)
from tests.world_labs import record
from trialsite.access import Actor, Duty, system_actor
from trialsite.context import reading, writing
from trialsite.models import Role, StatePeriod, Subject
from trialsite.services.subjects import Refused, Stale


def fail(
    world: World,
    subject: Subject,
    cause: Cause = Cause.CRITERION,
    *,
    on: date | None = None,
    by: Actor | None = None,
    token: UUID | None = None,
) -> ScreenFailure:
    return record_screen_failure(
        by=by or world.person(Role.COORDINATOR, subject.site.code),
        at=world.at,
        token=token or uuid4(),
        subject_id=subject.pk,
        site_id=subject.site_id,
        cause=cause,
        passive_follow_up_allowed=False,
        failed_on=on or site_day(world.at, subject.site),
        reason="Told by the site",
    )


@pytest.mark.req("D1")
def test_a_signed_subject_is_registered(world: World) -> None:
    subject = registered(world)
    today = site_day(world.at, subject.site)
    with reading(system_actor("verification"), world.at):
        stored = Subject.objects.get(pk=subject.pk)
        assert (stored.number, stored.screening_number) == ("01-001", "01-S001")
        assert (stored.state, stored.registered_on, stored.day1_on) == (Phase.ENROLLED, today, None)
        registration = registration_of(subject)
        assert registration is not None
        assert registration.snapshot == latest_snapshot(subject)
        periods = StatePeriod.objects.filter(subject=subject).order_by("id").values_list("state", "starts_on")
        assert list(periods) == [("SCREENING", today), ("ENROLLED", today)]


def test_subject_numbers_follow_registration_not_screening(world: World) -> None:
    early = complete(world)
    assert registered(world, birth_year=1961).number == "01-001"
    signed(world, early, sent(world, early))
    register(world, early)
    with reading(system_actor("verification"), world.at):
        numbers = dict(Subject.objects.values_list("screening_number", "subject_number"))
    assert numbers == {"01-S001": "01-002", "01-S002": "01-001"}


@pytest.mark.req("D1", "D2")
def test_registration_needs_a_signed_checklist(world: World, subject: Subject) -> None:
    with pytest.raises(Refused, match="was not sent"):
        register(world, subject)
    snapshot = sent(world, subject)
    with pytest.raises(Refused, match="An investigator signs"):
        register(world, subject)
    signed(world, subject, snapshot)
    register(world, subject)


@pytest.mark.req("D1", "D13")
def test_subject_numbers_have_no_race(fresh_db: object) -> None:
    """Two sites and two browsers at each register at the same instant: each site counts on without gap or double."""
    world = new_world()
    ready = [complete(world, site, birth_year=year) for site in ("01", "02") for year in (1950, 1951)]
    for subject in ready:
        signed(world, subject, sent(world, subject))
    gate = Barrier(len(ready))

    def one(subject: Subject) -> str:
        try:
            gate.wait()
            return register(world, subject).number
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(ready)) as pool:
        numbers = list(pool.map(one, ready))
    assert sorted(numbers) == ["01-001", "01-002", "02-001", "02-002"]


@pytest.mark.req("D2", "B8")
def test_complaint_25_the_snapshot_is_frozen_and_the_page_says_what_differs_now(world: World, subject: Subject) -> None:
    snapshot = sent(world, subject)
    signed(world, subject, snapshot)
    subject = register(world, subject)
    client = log_in(Client(), world.person(Role.COORDINATOR))
    place = reverse("subject_eligibility", args=[subject.key])
    assert "Corrected since screening ended" not in client.get(place).content.decode()
    day = site_day(world.at, subject.site)
    record(world, subject, "scr", day, {Analyte.WBC: "3.0"}, lab=central_laboratory(world), reason="Read again")
    with reading(system_actor("verification"), world.at):
        newest = latest_snapshot(subject)
        assert newest is not None
        assert newest.judgements == snapshot.judgements
    page = " ".join(client.get(place).content.decode().split())
    assert "Corrected since screening ended" in page
    assert re.search(r"<b>I07</b>[^<]*: White cells 5\.1 [^<]*\(met\), now White cells 3\b[^<]*\(not met\)", page)


@pytest.mark.req("D2", "C4")
def test_a_change_after_the_signature_blocks_registration(world: World, subject: Subject) -> None:
    signed(world, subject, sent(world, subject))
    correct(world, subject, "nyha", Answer("1", world.at.date()))
    with pytest.raises(Stale, match="evidence has changed"):
        register(world, subject)
    signed(world, subject, sent(world, subject))
    register(world, subject)


@pytest.mark.req("D2")
def test_results_that_grew_too_old_block_registration(world: World, subject: Subject) -> None:
    signed(world, subject, sent(world, subject))
    world.later(8)
    with pytest.raises(Stale, match="Too old by now: the evidence for I11"):
        register(world, subject)
    record(world, subject, "uns1", site_day(world.at, subject.site), {Analyte.HCG_URINE: "neg"})
    signed(world, subject, sent(world, subject))
    assert register(world, subject).number == "01-001"


@pytest.mark.req("D13")
def test_the_same_form_twice_registers_once(world: World, subject: Subject) -> None:
    signed(world, subject, sent(world, subject))
    token = uuid4()
    for _ in range(2):
        register_subject(
            by=world.person(Role.COORDINATOR),
            at=world.at,
            token=token,
            subject_id=subject.pk,
            site_id=subject.site_id,
        )
    with reading(system_actor("verification"), world.at):
        assert Registration.objects.filter(subject=subject).count() == 1
    with pytest.raises(Refused, match="Screening of this subject is closed"):
        register(world, subject)


@pytest.mark.req("D1")
def test_after_registration_the_checklist_stands_still(world: World) -> None:
    subject = registered(world)
    with pytest.raises(Refused, match="stands as it was"):
        correct(world, subject, "nyha", Answer("1", world.at.date()))
    with pytest.raises(Refused, match="stands as it was"):
        sent(world, subject)
    with pytest.raises(Refused, match="stands as it was"):
        fail(world, subject, Cause.CONSENT_WITHDRAWN)
    with reading(system_actor("verification"), world.at):
        assert EligibilitySnapshot.objects.filter(subject=subject).count() == 1


@pytest.mark.req("D9", "A8")
@pytest.mark.parametrize("role", [Role.ADMIN, Role.DATA_MANAGER, Role.MONITOR, Role.STATISTICIAN])
def test_only_site_staff_registers_or_fails(world: World, subject: Subject, role: Role) -> None:
    signed(world, subject, sent(world, subject))
    by = world.person(role)
    with pytest.raises(PermissionDenied):
        register_subject(by=by, at=world.at, token=uuid4(), subject_id=subject.pk, site_id=subject.site_id)
    with pytest.raises(PermissionDenied):
        fail(world, subject, by=by)


@pytest.mark.req("D1")
def test_a_screen_failure_keeps_what_was_not_met(world: World) -> None:
    subject = screened(world)
    with_labs(world, subject, {Analyte.WBC: "3.0"})
    answered(world, subject, {"nyha": "3"})
    fail(world, subject)
    with reading(system_actor("verification"), world.at):
        stored = Subject.objects.get(pk=subject.pk)
        failure = failure_of(subject)
        assert failure is not None
        assert (stored.state, stored.number, failure.criteria) == (Phase.SCREEN_FAILED, "01-S001", ["I07", "E05"])
        assert failure.passive_follow_up_allowed is None  # the scope of a withdrawal, and of nothing else
        assert StatePeriod.objects.filter(subject=subject).last().because.startswith("Not met: I07, E05.")  # type: ignore[union-attr]
    for door in (register, sent, answered, fail):
        with pytest.raises(Refused):
            door(world, subject)  # type: ignore[operator]


def test_nobody_fails_without_a_criterion(world: World, subject: Subject) -> None:
    with pytest.raises(Refused, match="No criterion is answered as not met"):
        fail(world, subject)


@pytest.mark.req("D1")
def test_consent_may_be_withdrawn_before_registration(world: World) -> None:
    subject = screened(world)
    failure = fail(world, subject, Cause.CONSENT_WITHDRAWN)
    assert (failure.criteria, failure.passive_follow_up_allowed) == ([], False)
    with reading(system_actor("verification"), world.at):
        assert Subject.objects.get(pk=subject.pk).state == Phase.SCREEN_FAILED
        assert StatePeriod.objects.get(subject=subject, ends_on=None).because.startswith("Consent withdrawn")


@pytest.mark.req("D13")
def test_the_same_failure_twice_is_one(world: World) -> None:
    subject = screened(world)
    token = uuid4()
    first = fail(world, subject, Cause.CONSENT_WITHDRAWN, token=token)
    assert fail(world, subject, Cause.CONSENT_WITHDRAWN, token=token) == first


@pytest.mark.req("D3")
@pytest.mark.parametrize(("days", "words"), [(1, "in the future"), (-1, "when screening began")])
def test_a_failure_has_a_possible_date(world: World, days: int, words: str) -> None:
    subject = screened(world)
    on = site_day(world.at, subject.site) + timedelta(days=days)
    with pytest.raises(Refused, match=words):
        fail(world, subject, Cause.CONSENT_WITHDRAWN, on=on)


@pytest.mark.req("B8")
@pytest.mark.parametrize("model", [Registration, ScreenFailure])
def test_a_registration_and_a_failure_are_never_changed(
    world: World, model: type[Registration] | type[ScreenFailure]
) -> None:
    subject = registered(world)
    other = screened(world, birth_year=1970)
    fail(world, other, Cause.CONSENT_WITHDRAWN)
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        writing(
            by=world.person(Role.COORDINATOR),
            duty=Duty.ENTER_DATA,
            site_id=subject.site_id,
            at=world.at,
            reason="Try",
        ),
    ):
        model.objects.update(recorded_at=world.at) if model is ScreenFailure else model.objects.update(
            registered_at=world.at
        )
