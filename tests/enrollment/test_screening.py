"""Starting screening: number, consent, duplicates, repeated submissions, impossible dates."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, time, timedelta
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connections

from enrollment.evidence import age_at_consent
from enrollment.models import Consent
from enrollment.services import PossibleDuplicate, Screening, screen_subject
from tests.world import OPENED_ON, World, new_world
from tests.world_enrollment import form_in_force, screened, screening
from trialsite.access import Actor, system_actor
from trialsite.context import reading
from trialsite.models import Role, Subject
from trialsite.services.subjects import Refused


def start(
    world: World, what: Screening, *, by: Actor | None = None, token: UUID | None = None, site: str = "01"
) -> Subject:
    return screen_subject(
        by=by or world.person(Role.COORDINATOR, site),
        at=world.at,
        token=token or uuid4(),
        site_id=world.sites[site].pk,
        screening=what,
    )


def subjects(world: World) -> list[Subject]:
    with reading(system_actor("verification"), world.at):
        return list(Subject.objects.order_by("pk"))


@pytest.mark.req("J1")
def test_a_screened_subject_has_a_number_and_a_consent(world: World) -> None:
    subject = start(world, screening(world))
    assert (subject.number, subject.state, subject.birth_year, subject.sex) == ("01-S001", "SCREENING", 1960, "F")
    assert subject.subject_number is None
    with reading(system_actor("verification"), world.at):
        consent = Consent.objects.get(subject=subject)
    assert (consent.form_version, consent.consented_on, consent.consented_time) == ("2.0", world.at.date(), time(0, 1))
    assert consent.recorded_by_id == world.person(Role.COORDINATOR).user_id


def test_every_site_counts_for_itself(world: World) -> None:
    numbers = [screened(world, site).number for site in ("01", "02", "01", "02", "01")]
    assert numbers == ["01-S001", "02-S001", "01-S002", "02-S002", "01-S003"]


@pytest.mark.req("D13")
def test_the_same_form_twice_makes_one_subject(world: World) -> None:
    token = uuid4()
    first = start(world, screening(world), token=token)
    second = start(world, screening(world), token=token)
    assert first == second
    assert len(subjects(world)) == 1


def test_a_likely_duplicate_is_asked_about(world: World) -> None:
    start(world, screening(world))
    with pytest.raises(PossibleDuplicate, match="01-S001 has the same year of birth, sex and date of consent"):
        start(world, screening(world))
    for other in ({"birth_year": 1961}, {"sex": "M"}, {"consented_on": world.at.date() - timedelta(days=0)}):
        if other != {"consented_on": world.at.date()}:
            start(world, replace(screening(world), **other))
    start(world, screening(world, "02"), site="02")
    twin = screen_subject(
        by=world.person(Role.COORDINATOR),
        at=world.at,
        token=uuid4(),
        site_id=world.sites["01"].pk,
        screening=screening(world),
        another_person_because="Two persons",
    )
    assert twin.number == "01-S004"


@pytest.mark.req("D3")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"consented_on": date(2024, 1, 3)}, "in the future"),
        ({"consented_on": OPENED_ON - timedelta(days=1)}, "when the site opened"),
        ({"consented_time": time(23, 59)}, "still to come"),
        ({"birth_year": 2008}, "was not 18"),
        ({"birth_year": 1890}, "Check the year of birth"),
        ({"birth_year": 2030}, "Check the year of birth"),
        ({"is_adult": False}, "was 18 on the day of consent"),
    ],
)
def test_what_cannot_be_is_refused(world: World, changes: dict[str, object], words: str) -> None:
    with pytest.raises(Refused, match=words):
        start(world, replace(screening(world), **changes))  # type: ignore[arg-type]
    assert subjects(world) == []


@pytest.mark.parametrize("is_adult", [True, False])
def test_in_the_year_of_the_18th_birthday_the_statement_decides(world: World, is_adult: bool) -> None:  # noqa: FBT001
    start(world, replace(screening(world), birth_year=2006, is_adult=is_adult))
    assert age_at_consent(2006, world.at.date(), is_adult=is_adult) == (18 if is_adult else 17)


def test_the_age_is_the_lower_of_the_two_that_the_year_leaves() -> None:
    assert age_at_consent(1960, date(2024, 6, 1), is_adult=True) == 63
    assert age_at_consent(2007, date(2024, 6, 1), is_adult=False) == 16


@pytest.mark.parametrize("role", [Role.ADMIN, Role.DATA_MANAGER, Role.MONITOR, Role.STATISTICIAN])
@pytest.mark.req("D9", "A8")
def test_only_site_staff_screens(world: World, role: Role) -> None:
    with pytest.raises(PermissionDenied):
        start(world, screening(world), by=world.person(role))


@pytest.mark.req("A5")
def test_nobody_screens_at_another_site(world: World) -> None:
    with pytest.raises(PermissionDenied):
        start(world, screening(world), by=world.person(Role.COORDINATOR, "02"))


@pytest.mark.req("D13")
def test_two_browsers_at_once_never_get_the_same_number(fresh_db: object) -> None:
    world = new_world()
    form_in_force(world)
    coordinator = world.person(Role.COORDINATOR)
    gate = Barrier(4)

    def one(year: int) -> str:
        try:
            gate.wait()
            return start(world, screening(world, birth_year=year), by=coordinator).number
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(one, range(1950, 1954)))
    assert sorted(numbers) == ["01-S001", "01-S002", "01-S003", "01-S004"]


@pytest.mark.req("D13")
def test_one_form_sent_twice_at_once_makes_one_subject(fresh_db: object) -> None:
    world = new_world()
    form_in_force(world)
    coordinator = world.person(Role.COORDINATOR)
    token, gate = uuid4(), Barrier(2)

    def one(_: int) -> str:
        try:
            gate.wait()
            return start(world, screening(world), by=coordinator, token=token).key
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        keys = set(pool.map(one, range(2)))
    assert len(keys) == len(subjects(world)) == 1


def test_the_same_person_entered_at_once_in_two_browsers_is_asked_about(fresh_db: object) -> None:
    world = new_world()
    form_in_force(world)
    coordinator = world.person(Role.COORDINATOR)
    gate = Barrier(2)

    def one(_: int) -> str:
        try:
            gate.wait()
            return start(world, screening(world), by=coordinator).number
        except PossibleDuplicate:
            return "asked"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(one, range(2))) == ["01-S001", "asked"]


@pytest.mark.req("J1")
def test_no_column_holds_a_direct_identifier() -> None:
    names = {field.name for model in (Subject, Consent) for field in model._meta.get_fields()}
    assert not names & {"name", "first_name", "last_name", "initials", "birth_date", "date_of_birth", "mrn", "phone"}
