"""First dose, doses recorded, corrected and taken back; nothing is ever assumed taken."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from dosing import selectors, services
from dosing.models import DoseRecord, PhaseProposal
from dosing.selectors.calendar import Calendar
from protocol.vocabulary import DoseStatus, Drug, Phase
from tests import world_dosing as treat
from tests.world import World
from tests.world_labs import morning
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import AuditEvent, OutboxMessage, Query, Role, StatePeriod, Subject
from trialsite.services.subjects import Refused

TAKEN, MISSED, HELD = DoseStatus.TAKEN, DoseStatus.MISSED, DoseStatus.HELD


def everything(world: World) -> Any:
    return reading(system_actor("re-evaluation"), world.at)


@pytest.fixture
def treated(world: World, on_anakinra: Subject) -> Subject:
    """A subject on anakinra; the clock stands 30 days after Day 1."""
    world.at = morning(treat.DAY1 + timedelta(days=30))
    return on_anakinra


def fill(world: World, subject: Subject, first: date, last: date, status: DoseStatus = TAKEN, **rest: Any) -> Any:
    asked: dict[str, Any] = {"drug": Drug.ANAKINRA, "reason": "", "by": world.person(Role.COORDINATOR), **rest}
    return services.record_doses(
        at=world.at,
        subject_id=subject.pk,
        site_id=subject.site_id,
        first_on=first,
        last_on=last,
        status=status,
        **asked,
    )


def on_day(world: World, subject: Subject, on: date, *entries: services.DoseEntry, change_reason: str = "") -> Any:
    return services.record_day(
        by=world.person(Role.COORDINATOR),
        at=world.at,
        subject_id=subject.pk,
        site_id=subject.site_id,
        on=on,
        entries=entries,
        change_reason=change_reason,
    )


def undo(world: World, subject: Subject, first: date, last: date, reason: str = "Wrong subject") -> int:
    return services.undo_doses(
        by=world.person(Role.COORDINATOR),
        at=world.at,
        subject_id=subject.pk,
        site_id=subject.site_id,
        drug=Drug.ANAKINRA,
        first_on=first,
        last_on=last,
        reason=reason,
    )


# ---------------------------------------------------------------- first dose


@pytest.mark.req("D1")
def test_the_first_dose_is_day_1(world: World) -> None:
    subject = treat.registered(world)
    treat.screened_results(world, subject)
    treat.start(world, subject)
    with everything(world):
        subject = Subject.objects.get(pk=subject.pk)
        assert (subject.day1_on, subject.state) == (treat.DAY1, "INDUCTION")
        assert StatePeriod.objects.get(state="ENROLLED").ends_on == treat.DAY1 - timedelta(days=1)
        assert OutboxMessage.objects.filter(kind="TREATMENT_STARTED").count() == 1
        dose = DoseRecord.objects.get()
        assert (dose.on, dose.status, dose.given_mg) == (treat.DAY1, "TAKEN", Decimal(100))


@pytest.mark.req("D1")
@pytest.mark.parametrize(
    ("day", "sentence"),
    [(date(2024, 1, 9), "cannot lie before registration"), (date(2024, 1, 11), "is in the future")],
)
def test_dates_that_cannot_be_are_refused(world: World, day: date, sentence: str) -> None:
    subject = treat.registered(world)
    with pytest.raises(Refused, match=sentence):
        services.start_treatment(
            by=world.person(Role.COORDINATOR),
            at=world.at,
            subject_id=subject.pk,
            site_id=subject.site_id,
            first_dose_on=day,
        )


@pytest.mark.req("D1")
def test_no_first_dose_before_registration_and_none_twice(world: World) -> None:
    screened = world.subject()
    with pytest.raises(Refused, match="Register the subject"):
        treat.start(world, screened)
    subject = treat.on_anakinra(world)
    with pytest.raises(Refused, match="entered already: 15 Jan 2024"):
        treat.start(world, subject)


@pytest.mark.req("D3")
@pytest.mark.parametrize(("days", "asked"), [(14, 0), (15, 1)])
def test_a_late_first_dose_is_saved_and_asked_about(world: World, days: int, asked: int) -> None:
    subject = treat.registered(world)
    treat.start(world, subject, subject_day := date(2024, 1, 10) + timedelta(days=days))
    with everything(world):
        assert Subject.objects.get(pk=subject.pk).day1_on == subject_day
        assert Query.objects.filter(check_code="first-dose-late", state="open").count() == asked


# ---------------------------------------------------------------- record


def test_a_range_is_recorded_in_one_call(world: World, treated: Subject) -> None:
    first = treat.DAY1 + timedelta(days=1)
    filled = fill(world, treated, first, first + timedelta(days=29))
    assert (filled.recorded, filled.kept) == (30, 0)
    with everything(world):
        assert DoseRecord.objects.filter(status="TAKEN", given_mg=100).count() == 31


@pytest.mark.req("D13")
def test_the_same_range_twice_records_nothing_new(world: World, treated: Subject) -> None:
    last = treat.DAY1 + timedelta(days=9)
    fill(world, treated, treat.DAY1, last)
    assert fill(world, treated, treat.DAY1, last).recorded == 0
    with everything(world):
        assert DoseRecord.objects.count() == 10


def test_filling_leaves_what_was_recorded(world: World, treated: Subject) -> None:
    missed_on = treat.DAY1 + timedelta(days=4)
    on_day(world, treated, missed_on, services.DoseEntry(Drug.ANAKINRA, MISSED, "Forgot"))
    filled = fill(world, treated, treat.DAY1, treat.DAY1 + timedelta(days=9))
    assert (filled.recorded, filled.kept) == (8, 2)
    with everything(world):
        assert DoseRecord.objects.get(on=missed_on).status == "MISSED"


@pytest.mark.parametrize("status", [MISSED, HELD])
def test_missed_and_held_need_a_reason(world: World, treated: Subject, status: DoseStatus) -> None:
    with pytest.raises(Refused, match=f"Say why anakinra was {status.value.lower()}"):
        fill(world, treated, treat.DAY1, treat.DAY1, status)
    with pytest.raises(Refused, match="Say why"):
        on_day(world, treated, treat.DAY1, services.DoseEntry(Drug.ANAKINRA, status))


def test_the_future_is_refused_where_the_site_is(world: World, treated: Subject) -> None:
    world.at = world.at.replace(hour=3)
    today = world.at.date() - timedelta(days=1)
    with pytest.raises(Refused, match="is in the future"):
        fill(world, treated, treat.DAY1, world.at.date())
    assert fill(world, treated, today, today).recorded == 1


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        (date(2024, 1, 20), date(2024, 1, 19), "lies before the first"),
        (date(2024, 1, 2), date(2024, 1, 3), "No anakinra dose is planned from 2 Jan 2024 to 3 Jan 2024"),
    ],
)
def test_ranges_that_make_no_sense_are_refused(
    world: World, treated: Subject, first: date, last: date, sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        fill(world, treated, first, last)


def test_a_drug_that_is_not_planned_is_refused(world: World, treated: Subject) -> None:
    with pytest.raises(Refused, match="No dexamethasone dose is planned on 15 Jan 2024"):
        fill(world, treated, treat.DAY1, treat.DAY1, drug=Drug.DEXAMETHASONE)


def test_nothing_is_recorded_before_the_first_dose(world: World) -> None:
    subject = treat.registered(world)
    with pytest.raises(Refused, match="before the first dose"):
        fill(world, subject, date(2024, 1, 10), date(2024, 1, 10))


@pytest.mark.parametrize("role", [Role.DATA_MANAGER, Role.MONITOR, Role.ADMIN, Role.STATISTICIAN])
def test_only_site_staff_record_doses(world: World, treated: Subject, role: Role) -> None:
    with pytest.raises(PermissionDenied):
        fill(world, treated, treat.DAY1, treat.DAY1, by=world.person(role))


def test_authority_at_one_site_reaches_no_other(world: World, treated: Subject) -> None:
    with pytest.raises(PermissionDenied), everything(world):
        services.record_doses(
            by=world.person(Role.COORDINATOR, "02"),
            at=world.at,
            subject_id=treated.pk,
            site_id=treated.site_id,
            drug=Drug.ANAKINRA,
            first_on=treat.DAY1,
            last_on=treat.DAY1,
            status=TAKEN,
        )


# ---------------------------------------------------------------- correct and take back


@pytest.mark.req("B5")
def test_a_correction_needs_a_reason_and_keeps_the_old_version(world: World, treated: Subject) -> None:
    missed = services.DoseEntry(Drug.ANAKINRA, MISSED, "Forgot")
    with pytest.raises(Refused, match="Say why the recorded dose is changed"):
        on_day(world, treated, treat.DAY1, missed)
    on_day(world, treated, treat.DAY1, missed, change_reason="Diary read wrongly")
    with everything(world):
        old, new = DoseRecord.objects.filter(on=treat.DAY1).order_by("version")
        assert (old.status, old.version) == ("TAKEN", 1)
        assert old.superseded_at == world.at
        assert (new.status, new.version, new.reason, new.given_mg) == ("MISSED", 2, "Forgot", Decimal(0))
        event = AuditEvent.objects.filter(table="dosing_doserecord", op="UPDATE").get()
        assert event.reason == "Diary read wrongly"


def test_back_to_taken_carries_why_it_was_changed(world: World, treated: Subject) -> None:
    day = treat.DAY1 + timedelta(days=1)
    on_day(world, treated, day, services.DoseEntry(Drug.ANAKINRA, MISSED, "Forgot"))
    (made,) = on_day(world, treated, day, services.DoseEntry(Drug.ANAKINRA, TAKEN), change_reason="Found in diary")
    assert (made.status, made.reason, made.version) == ("TAKEN", "Found in diary", 2)


def test_an_equal_entry_changes_nothing(world: World, treated: Subject) -> None:
    assert on_day(world, treated, treat.DAY1, services.DoseEntry(Drug.ANAKINRA, TAKEN)) == []


@pytest.mark.req("F5")
def test_taken_back_days_are_to_record_again_and_nothing_is_lost(world: World, treated: Subject) -> None:
    last = treat.DAY1 + timedelta(days=4)
    fill(world, treated, treat.DAY1, last)
    assert undo(world, treated, treat.DAY1, last) == 5
    with everything(world):
        assert DoseRecord.objects.count() == 5
        assert selectors.current_doses(treated) == {}
    assert fill(world, treated, treat.DAY1, last).recorded == 5
    with everything(world):
        assert set(DoseRecord.objects.filter(superseded_at=None).values_list("version", flat=True)) == {2}


def test_taking_back_nothing_is_refused(world: World, treated: Subject) -> None:
    with pytest.raises(Refused, match="No anakinra dose is recorded on 20 Jan 2024"):
        undo(world, treated, date(2024, 1, 20), date(2024, 1, 20))
    with pytest.raises(Refused, match="Say why"):
        undo(world, treated, treat.DAY1, treat.DAY1, reason="")


# ---------------------------------------------------------------- calendar


def test_days_without_a_record_are_to_record_never_taken(world: World, treated: Subject) -> None:
    today = treat.today(world, treated)
    fill(world, treated, treat.DAY1, treat.DAY1 + timedelta(days=2))
    with everything(world):
        subject = Subject.objects.select_related("site").get(pk=treated.pk)
        calendar = Calendar(subject, today)
        states = [calendar.day(treat.DAY1 + timedelta(days=n)).doses[0].state for n in (0, 2, 3, 29, 30, 31)]
        assert states == ["taken", "taken", "to_record", "to_record", "due", "planned"]
        assert calendar.oldest_to_record() == treat.DAY1 + timedelta(days=3)
        (total,) = calendar.totals()
    assert (total.planned, total.taken, total.to_record) == (30, 3, 27)
    assert total.rate == Decimal(10)


@pytest.mark.req("E6")
def test_the_calendar_of_low_dose_runs_in_one_weekly_rhythm(world: World, proposal: PhaseProposal) -> None:
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    with everything(world):
        subject = Subject.objects.select_related("site").get(pk=proposal.subject_id)
        planned = selectors.planned_doses(subject)
    dex = [dose.on for dose in planned if dose.drug is Drug.DEXAMETHASONE]
    anakinra = [dose.on for dose in planned if dose.drug is Drug.ANAKINRA]
    assert {later - earlier for earlier, later in pairwise(dex)} == {timedelta(days=7)}
    assert anakinra == [treat.DAY1 + timedelta(days=n) for n in range(366)]


def test_a_phase_without_a_decision_runs_on_with_anakinra(world: World, on_anakinra: Subject) -> None:
    subject = on_anakinra
    late = date(2024, 8, 1)
    with everything(world):
        assert selectors.planned_doses(subject)[-1].on == date(2024, 7, 14)
        drawn = selectors.planned_doses(Subject.objects.get(pk=subject.pk), late)
    assert drawn[-1].on == late
    assert {dose.phase for dose in drawn} == {Phase.INDUCTION}
