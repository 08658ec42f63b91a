"""Authority is person x role x site x time window: a property over any delegation table, and the duty table itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from hypothesis import given
from hypothesis import strategies as st

from trialsite.access import (
    AFTER_TRAINING,
    ALL_SITES,
    CONFLICTING_ROLES,
    DUTIES,
    SITE_STAFF,
    SYSTEM_ACTORS,
    Actor,
    Duty,
    Grant,
    can,
    can_anywhere,
    check_may,
    role_for,
    system_actor,
    training_needed,
)
from trialsite.models import Role

DAY = date(2024, 3, 1)
SITES = (1, 2, 3)
days = st.integers(-5, 5).map(lambda shift: DAY + timedelta(days=shift))


@st.composite
def grants(draw: st.DrawFn) -> Grant:
    starts = draw(days)
    ends = draw(st.none() | st.integers(0, 6).map(lambda length: starts + timedelta(days=length)))
    return Grant(draw(st.sampled_from(Role)), draw(st.sampled_from((ALL_SITES, *SITES))), starts, ends)


def at(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def covers(grant: Grant, site_id: int, day: date) -> bool:
    """The rule once more, spelled out day by day."""
    last = grant.ends_on or date.max
    return day in {grant.starts_on, last} or (grant.starts_on < day < last) if _there(grant, site_id) else False


def _there(grant: Grant, site_id: int) -> bool:
    return grant.site_id == ALL_SITES or grant.site_id == site_id


@pytest.mark.req("A3")
@given(table=st.lists(grants(), max_size=6), duty=st.sampled_from(Duty), site=st.sampled_from(SITES), day=days)
def test_allowed_if_and_only_if_an_active_line_covers_it(table: list[Grant], duty: Duty, site: int, day: date) -> None:
    person = Actor("Somebody", user_id=1, grants=tuple(table), trained_on=date.min)
    expected = any(grant.role in DUTIES[duty] and covers(grant, site, day) for grant in table)
    assert can(person, duty, site, at(day)) == expected
    assert (role_for(person, duty, site, at(day)) is not None) == expected
    if expected:
        check_may(person, duty, site, at(day))
        assert can_anywhere(person, duty, at(day))
    else:
        with pytest.raises(PermissionDenied):
            check_may(person, duty, site, at(day))


@pytest.mark.req("A3")
@given(table=st.lists(grants(), max_size=6), day=days)
def test_the_sites_in_reach_are_those_of_active_lines(table: list[Grant], day: date) -> None:
    person = Actor("Somebody", user_id=1, grants=tuple(table))
    assert person.site_ids(day) == {grant.site_id for grant in table if covers(grant, grant.site_id, day)}


@pytest.mark.req("A3")
@given(table=st.lists(grants(), max_size=6), duty=st.sampled_from(Duty), day=days)
def test_a_site_gives_nothing_at_the_coordinating_centre(table: list[Grant], duty: Duty, day: date) -> None:
    """What is done for all sites needs a line that reaches over all of them."""
    local = tuple(grant for grant in table if grant.site_id != ALL_SITES)
    assert not can(Actor("Somebody", user_id=1, grants=local), duty, None, at(day))


@pytest.mark.req("A4")
@given(trained=days, day=days)
def test_site_staff_writes_from_the_day_of_the_training_on(trained: date, day: date) -> None:
    """Every duty that writes waits; what only reads does not."""
    for role in SITE_STAFF:
        person = Actor("Somebody", user_id=1, grants=(Grant(role, 1, date.min, None),), trained_on=trained)
        allowed = {duty for duty in Duty if can(person, duty, 1, at(day))}
        held = {duty for duty in Duty if role in DUTIES[duty]}
        assert allowed == (held if trained <= day else held - AFTER_TRAINING)


@pytest.mark.req("A4")
def test_every_duty_of_site_staff_that_writes_waits_for_training() -> None:
    reads = {duty for duty in Duty if duty.value.startswith(("See ", "Read "))}
    assert {duty for duty, roles in DUTIES.items() if roles & SITE_STAFF} - reads == AFTER_TRAINING


@pytest.mark.req("A4")
def test_training_counts_by_the_day_of_the_site() -> None:
    """At 03:00 UTC it is still yesterday in Chicago, and already today in Berlin."""
    lines = (Grant(Role.COORDINATOR, 1, date.min, None, "America/Chicago"),
             Grant(Role.COORDINATOR, 2, date.min, None, "Europe/Berlin"))  # fmt: skip
    person = Actor("Somebody", user_id=1, grants=lines, protocol_version="1.0", trained_on=DAY)
    early = datetime.combine(DAY, time(3), UTC)
    assert [can(person, Duty.ENTER_DATA, site, early) for site in (1, 2)] == [False, True]
    assert can(person, Duty.ENTER_DATA, 1, datetime.combine(DAY, time(7), UTC))
    with pytest.raises(PermissionDenied, match=r"No training in protocol version 1\.0 is recorded for you up to today"):
        check_may(person, Duty.ENTER_DATA, 1, early)


@pytest.mark.req("A4")
def test_the_coordinating_centre_needs_no_training() -> None:
    manager = Actor("Somebody", user_id=1, grants=(Grant(Role.DATA_MANAGER, ALL_SITES, date.min, None),))
    assert can(manager, Duty.IMPORT_LABS, 1, at(DAY))
    assert can(manager, Duty.CLOSE_QUERY, 1, at(DAY))
    assert training_needed(manager, at(DAY)) == ""


@pytest.mark.req("A3")
def test_without_a_line_nothing_is_allowed() -> None:
    nobody = Actor("Somebody", user_id=1)
    assert not [duty for duty in Duty for site in (None, *SITES) if can(nobody, duty, site, at(DAY))]


def test_the_duty_table_is_total() -> None:
    assert set(DUTIES) == set(Duty)


@pytest.mark.req("A8")
def test_nobody_may_hold_entry_and_its_check_at_once() -> None:
    """Entering beside closing queries, or beside administration, takes two roles that exclude each other."""
    pairs = {frozenset({first, second}) for first in Role for second in Role if first != second}
    enter, check, administer = DUTIES[Duty.ENTER_DATA], DUTIES[Duty.CLOSE_QUERY], DUTIES[Duty.MANAGE_PEOPLE]
    risky = {pair for pair in pairs if pair & enter and pair & (check | administer)}
    assert risky == set(CONFLICTING_ROLES)
    assert not enter & (check | administer)


@pytest.mark.req("A8")
def test_an_administrator_neither_enters_nor_signs() -> None:
    clinical = (Duty.SCREEN_SUBJECT, Duty.ENTER_DATA, Duty.REGISTER_SUBJECT, Duty.RECORD_DOSE, Duty.SIGN)
    assert not [duty for duty in clinical if Role.ADMIN in DUTIES[duty]]


@pytest.mark.parametrize("name", sorted(SYSTEM_ACTORS))
def test_a_system_actor_does_what_it_was_granted_and_no_more(name: str) -> None:
    machine = system_actor(name)
    allowed = {duty for duty in Duty if can(machine, duty, 1, at(DAY))}
    assert allowed == SYSTEM_ACTORS[name]
    assert not allowed & {Duty.ENTER_DATA, Duty.SIGN, Duty.RECORD_DOSE}


def test_there_is_no_unnamed_system_actor() -> None:
    with pytest.raises(KeyError):
        system_actor("anybody")
