"""Reminders: the right ones, by the site's date, each once, none lost, none to those who have left."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from django.core import mail as outgoing
from django.core.management import call_command
from django.db import IntegrityError, connections, transaction

from followup import services
from followup.models import Reminder
from followup.selectors import follow_up_schedule
from followup.services import Leaving, mark_contact_in_error, reminders, sweep_reminders
from followup.services.departure import Kind
from followup.tasks import sweep_reminders as job
from followup.vocabulary import STEP_WORDS
from protocol.trial import TRIAL
from tests.fixtures.databases import Database
from tests.followup.conftest import LAST_DOSE
from tests.world import World, hire, new_world
from tests.world_followup import contact, followed_subject, leave, reached, who
from tests.world_labs import morning
from trialsite import clock, mail
from trialsite.access import Duty, system_actor
from trialsite.context import reading, writing
from trialsite.models import AuditEvent, Mail, Role, Subject
from trialsite.services import people
from trialsite.services.subjects import record_visit_not_done

DAY = timedelta(days=1)


def sweep(world: World, on: date) -> services.Swept:
    world.at = morning(on)
    return sweep_reminders(world.at)


def sweep_days(world: World, first: date, last: date) -> list[tuple[date, str, int]]:
    """Sweep every day; what was sent: day, visit, step."""
    day = first
    while day <= last:
        sweep(world, day)
        day += DAY
    return sent()


def sent() -> list[tuple[date, str, int]]:
    rows = Reminder.objects.filter(status="sent").order_by("decided_at")
    return [(row.decided_at.date(), row.visit_code, row.step_days) for row in rows]


def skipped() -> list[tuple[str, int]]:
    return [(row.visit_code, row.step_days) for row in Reminder.objects.filter(status="skipped").order_by("due_on")]


@pytest.mark.req("E8")
def test_each_step_goes_out_on_its_day_and_once(world: World, followed: Subject) -> None:
    assert sweep_days(world, date(2024, 8, 9), date(2024, 10, 20)) == [
        (date(2024, 8, 11), "fu06", -30),
        (date(2024, 9, 3), "fu06", -7),
        (date(2024, 9, 10), "fu06", 0),
        (date(2024, 10, 11), "fu06", 31),
    ]


@pytest.mark.req("E8")
def test_death_stops_every_reminder(world: World, followed: Subject) -> None:
    sweep_days(world, date(2024, 8, 9), date(2024, 8, 19))
    leave(world, followed, Leaving(Kind.DEAD, date(2024, 8, 20), "At home", death_due_to_progression=False))
    assert sweep_days(world, date(2024, 8, 20), date(2024, 11, 1)) == [(date(2024, 8, 11), "fu06", -30)]


@pytest.mark.req("E8")
def test_a_subject_that_died_since_the_sweep_began_is_left_alone(world: World, followed: Subject) -> None:
    on = date(2024, 8, 11)
    leave(world, followed, Leaving(Kind.DEAD, on, "At home", death_due_to_progression=False))
    assert reminders.sweep_subject(followed.pk, followed.site_id, morning(on)) == services.Swept()


@pytest.mark.req("E8")
def test_withdrawal_on_the_due_date_stops_that_days_reminder(world: World, followed: Subject) -> None:
    sweep_days(world, date(2024, 8, 9), date(2024, 9, 9))
    withdrawn = Leaving(Kind.WITHDRAWN, date(2024, 9, 10), "No more", passive_follow_up_allowed=True)
    leave(world, followed, withdrawn)
    assert [step for _, _, step in sweep_days(world, date(2024, 9, 10), date(2025, 4, 1))] == [-30, -7]


@pytest.mark.req("E8")
def test_a_visit_done_needs_no_more_reminders(world: World, followed: Subject) -> None:
    sweep_days(world, date(2024, 8, 9), date(2024, 9, 4))
    contact(world, followed, reached("fu06", date(2024, 9, 5)))
    assert sweep_days(world, date(2024, 9, 5), date(2025, 3, 4)) == [
        (date(2024, 8, 11), "fu06", -30),
        (date(2024, 9, 3), "fu06", -7),
        (date(2025, 2, 8), "fu12", -30),
        (date(2025, 3, 3), "fu12", -7),
    ]


@pytest.mark.req("E8")
def test_a_visit_stated_not_done_needs_none_either(world: World, followed: Subject) -> None:
    world.at = morning(date(2024, 8, 1))
    record_visit_not_done(**who(world, followed), code="fu06", reason="Abroad")
    assert sweep_days(world, date(2024, 8, 9), date(2024, 10, 20)) == []


@pytest.mark.req("E8", "I3")
def test_after_downtime_only_the_newest_goes_out(world: World, followed: Subject) -> None:
    sweep_days(world, date(2024, 8, 9), date(2024, 8, 31))
    swept = sweep(world, date(2024, 9, 21))
    assert (swept.sent, swept.skipped) == (1, 1)
    assert sweep_days(world, date(2024, 9, 21), date(2024, 10, 15)) == [
        (date(2024, 8, 11), "fu06", -30),
        (date(2024, 9, 21), "fu06", 0),
        (date(2024, 10, 11), "fu06", 31),
    ]
    assert skipped() == [("fu06", -7)]
    assert Reminder.objects.get(status="skipped").reason == "A later reminder went out instead"
    not_sent = Mail.objects.get(key__contains=":fu06:-7:")
    assert not_sent.skipped_because == "A later reminder went out instead"


@pytest.mark.req("E8", "I3")
def test_after_a_broken_mail_server_only_the_newest_leaves(world: World, followed: Subject) -> None:
    sweep_days(world, date(2024, 8, 11), date(2024, 9, 10))
    assert mail.send_waiting(world.at) == 1
    assert "is due today" in outgoing.outbox[0].body
    assert Mail.objects.filter(skipped_because="A later reminder went out instead").count() == 2


@pytest.mark.req("E8")
def test_after_a_year_of_silence_a_subject_gets_one_reminder(world: World, followed: Subject) -> None:
    swept = sweep(world, date(2025, 9, 12))
    assert (swept.sent, swept.skipped) == (1, 10)
    assert sent() == [(date(2025, 9, 12), "fu18", 0)]


@pytest.mark.req("E8")
@pytest.mark.parametrize("day", range(0, 61, 4))
def test_whenever_the_worker_comes_back_within_a_window_the_site_is_told(
    world: World, followed: Subject, day: int
) -> None:
    sweep(world, date(2024, 8, 11) + timedelta(days=day))
    assert [code for _, code, _ in sent()] == ["fu06"]


@pytest.mark.req("E8", "I3")
def test_a_second_sweep_of_the_day_does_nothing(world: World, followed: Subject) -> None:
    assert sweep(world, date(2024, 8, 11)).sent == 1
    assert sweep(world, date(2024, 8, 11)) == services.Swept()
    assert Mail.objects.filter(key__startswith="reminder:").count() == 1


@pytest.mark.req("E8")
def test_the_database_refuses_a_second_reminder_of_a_step(world: World, followed: Subject) -> None:
    sweep(world, date(2024, 8, 11))
    first = Reminder.objects.get()
    first.pk = None
    writer = writing(by=system_actor("reminders"), duty=Duty.SEND_REMINDER, site_id=followed.site_id, at=world.at)
    with pytest.raises(IntegrityError, match="reminder_one_per_visit_and_step"), transaction.atomic(), writer:
        first.save(force_insert=True)


@pytest.mark.req("I3")
def test_a_sweep_that_dies_half_way_leaves_nothing_behind(
    world: World, followed: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(**_: object) -> int:
        raise OSError("killed")

    with monkeypatch.context() as broken:
        broken.setattr(mail, "queue", die)
        assert sweep(world, date(2024, 8, 11)).failed == 1
    assert not Reminder.objects.exists()
    assert sweep(world, date(2024, 8, 11)).sent == 1


@pytest.mark.req("I3")
def test_one_subject_that_fails_does_not_hold_the_others(
    world: World, followed: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = followed_subject(world, last_dose_on=LAST_DOSE)
    honest = reminders.sweep_subject

    def sweep_subject(subject_id: int, site_id: int, at: datetime) -> services.Swept:
        if subject_id == followed.pk:
            raise ValueError("unreadable")
        return honest(subject_id, site_id, at)

    monkeypatch.setattr(reminders, "sweep_subject", sweep_subject)
    assert sweep(world, date(2024, 8, 11)) == services.Swept(sent=1, failed=1)
    assert Reminder.objects.get().subject == other


@pytest.mark.req("E8")
@pytest.mark.parametrize(("site", "hour", "expected"), [("01", 3, 0), ("01", 6, 1), ("02", 3, 1)])
def test_the_date_is_the_sites(world: World, site: str, hour: int, expected: int) -> None:
    followed_subject(world, last_dose_on=LAST_DOSE, site=site)
    at = datetime.combine(date(2024, 8, 11), time(hour), UTC)
    assert at.astimezone(ZoneInfo(world.sites[site].time_zone)).day == (11 if expected else 10)
    assert sweep_reminders(at).sent == expected


@pytest.mark.req("J6")
def test_the_mail_says_what_waits_and_nothing_clinical(world: World, followed: Subject) -> None:
    sweep(world, date(2024, 8, 11))
    mail.send_waiting(world.at)
    one = outgoing.outbox[0]
    assert one.to == ["coordinator-01@example.org"]
    assert f"/subjects/{followed.key}/follow-up/?visit=fu06" in one.body
    words = f"{one.subject} {one.body}".lower()
    for clinical in ("anakinra", "dexa", "myeloma", "progress", "response", "alive", "2024", str(followed.birth_year)):
        assert clinical not in words
    assert Mail.objects.get(key__startswith="reminder:").why == "Follow-up month 6: reminder 30 days before"


def test_every_step_has_words() -> None:
    assert set(STEP_WORDS) == set(TRIAL.config.reminder_offsets_days)


@pytest.mark.req("E8")
def test_what_was_queued_but_not_sent_is_held_back_when_the_subject_dies(world: World, followed: Subject) -> None:
    sweep(world, date(2024, 8, 11))
    leave(world, followed, Leaving(Kind.DEAD, date(2024, 8, 11), "At home", death_due_to_progression=False))
    assert mail.send_waiting(world.at) == 0
    assert Mail.objects.get(key__startswith="reminder:").skipped_because == "Died"


@pytest.mark.req("E8")
def test_what_was_queued_is_held_back_when_the_contact_is_made(world: World, followed: Subject) -> None:
    sweep(world, date(2024, 8, 11))
    contact(world, followed, reached("fu06", date(2024, 8, 11)))
    assert mail.send_waiting(world.at) == 0


@pytest.mark.req("E8")
def test_reminders_go_on_when_a_contact_was_entered_in_error(world: World, followed: Subject) -> None:
    made = contact(world, followed, reached("fu06", date(2024, 9, 4)))
    assert sweep_days(world, date(2024, 9, 5), date(2024, 9, 12)) == []
    mark_contact_in_error(**who(world, followed), contact_id=made.pk, reason="Another subject")
    assert sweep(world, date(2024, 9, 12)).sent == 1
    assert sent() == [(date(2024, 9, 12), "fu06", 0)]


def without_coordinators(world: World) -> None:
    coordinator = world.person(Role.COORDINATOR)
    people.deactivate(by=world.admin, at=world.at, user_id=coordinator.user_id, reason="Left")  # type: ignore[arg-type]


@pytest.mark.req("E8")
def test_a_site_without_coordinators_reminds_its_investigators(world: World, followed: Subject) -> None:
    without_coordinators(world)
    sweep(world, date(2024, 8, 11))
    told = Mail.objects.get(key__startswith="reminder:").recipient_id
    assert told == world.person(Role.INVESTIGATOR).user_id


@pytest.mark.req("E8")
def test_reminders_wait_while_nobody_is_there_to_be_reminded(world: World, followed: Subject) -> None:
    without_coordinators(world)
    investigator = world.person(Role.INVESTIGATOR)
    people.deactivate(by=world.admin, at=world.at, user_id=investigator.user_id, reason="Left")  # type: ignore[arg-type]
    assert sweep(world, date(2024, 8, 11)) == services.Swept()
    hire(world, "coordinator-new", Role.COORDINATOR, "01")
    assert sweep(world, date(2024, 8, 12)).sent == 1


# -- five years


DUE = ("2025-02-28", "2025-08-31", "2026-02-28", "2026-08-31", "2027-02-28", "2027-08-31", "2028-02-29",
       "2028-08-31", "2029-02-28", "2029-08-31")  # fmt: skip


def sweep_dates(first: date, last: date, steps: set[date]) -> list[date]:
    """Every day around a step, and every week besides."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    near = {step + timedelta(days=shift) for step in steps for shift in (-2, -1, 0, 1, 2)}
    return [day for number, day in enumerate(days) if day in near or number % 7 == 0]


@pytest.mark.long
@pytest.mark.req("E8")
def test_five_years_by_the_clock(world: World) -> None:
    """31 August, over leap day 2028 and ten changes of each clock: ten visits, forty reminders, then complete."""
    last_dose = date(2024, 8, 31)
    subjects = [followed_subject(world, last_dose_on=last_dose, site=site) for site in ("01", "02")]
    planned = follow_up_schedule(subjects[0], last_dose).lines
    assert tuple(line.planned.target_on.isoformat() for line in planned) == DUE
    expected = {(line.code, step.days, step.on) for line in planned for step in line.steps}
    for day in sweep_dates(date(2024, 12, 1), date(2029, 10, 5), {on for _, _, on in expected}):
        sweep_reminders(datetime.combine(day, time(9), UTC))
    for subject in subjects:
        zone = ZoneInfo(subject.site.time_zone)
        rows = Reminder.objects.filter(subject=subject)
        found = [(row.visit_code, row.step_days, row.decided_at.astimezone(zone).date()) for row in rows]
        assert len(found) == 40
        assert set(found) == expected
        assert not rows.exclude(status="sent").exists()
        subject.refresh_from_db()
        assert subject.state == "COMPLETED"
        assert Mail.objects.filter(subject=subject, key__startswith="reminder:").count() == 40


# -- completion (T16)


def all_but_last(world: World, subject: Subject) -> date:
    """Nine contacts made on their due dates; the due date of the tenth."""
    *lines, last = follow_up_schedule(subject, LAST_DOSE).lines
    for line in lines:
        contact(world, subject, reached(line.code, line.planned.target_on))
    return last.planned.target_on


@pytest.mark.req("E8")
def test_the_tenth_contact_completes(world: World, followed: Subject) -> None:
    due = all_but_last(world, followed)
    followed.refresh_from_db()
    assert followed.state == "FOLLOW_UP"
    contact(world, followed, reached("fu60", due))
    followed.refresh_from_db()
    assert followed.state == "COMPLETED"


@pytest.mark.req("E8")
def test_a_tenth_contact_in_error_reopens_follow_up(world: World, followed: Subject) -> None:
    due = all_but_last(world, followed)
    made = contact(world, followed, reached("fu60", due))
    mark_contact_in_error(**who(world, followed), contact_id=made.pk, reason="Another subject")
    followed.refresh_from_db()
    assert followed.state == "FOLLOW_UP"
    assert sweep(world, due).sent == 1


@pytest.mark.req("E8")
def test_the_closing_of_the_last_window_completes_and_says_so_once(world: World, followed: Subject) -> None:
    last = follow_up_schedule(followed, LAST_DOSE).lines[-1].planned
    assert sweep(world, last.closes_on).completed == 0
    swept = sweep(world, last.closes_on + DAY)
    assert (swept.sent, swept.completed) == (1, 1)
    assert sweep(world, last.closes_on + 2 * DAY) == services.Swept()
    assert contact(world, followed, reached("fu60", last.closes_on + 2 * DAY)).pk


# -- the job and the command


@pytest.mark.req("E8")
def test_the_job_and_the_command_sweep_by_the_clock(
    world: World, followed: Subject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clock, "now", lambda: morning(date(2024, 8, 11)))
    assert job() == {"sent": 1, "skipped": 0, "completed": 0, "failed": 0}
    call_command("sweep_reminders")
    assert capsys.readouterr().out == "0 reminders sent, 0 skipped, 0 subjects completed, 0 failed.\n"
    with reading(system_actor("verification"), world.at):
        event = AuditEvent.objects.filter(table="followup_reminder").get()
    assert (event.system_actor, event.source) == ("reminders", "job sweep_reminders")


@pytest.mark.req("E8", "I3")
def test_two_sweeps_at_once_send_one_reminder(fresh_db: Database) -> None:
    world = new_world(morning(date(2023, 1, 2)))
    followed_subject(world, last_dose_on=LAST_DOSE)
    at, start = morning(date(2024, 8, 11)), Barrier(4)

    def one_sweep(_: int) -> tuple[int, int]:
        start.wait()
        try:
            swept = sweep_reminders(at)
            return swept.sent, swept.failed
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(one_sweep, range(4))) == [(0, 0), (0, 0), (0, 0), (1, 0)]
    with reading(system_actor("verification"), at):
        assert Mail.objects.filter(key__startswith="reminder:").count() == 1
