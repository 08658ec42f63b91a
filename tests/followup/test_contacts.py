"""Follow-up contacts: attempts, what was learned, windows, corrections."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied

from followup.models import Departure, FollowUpContact
from followup.selectors import FollowUpLine, follow_up_schedule
from followup.services import Contact, Leaving, Swept, mark_contact_in_error, record_contact, sweep_reminders
from protocol.vocabulary import Analyte, DueState
from safety.models import ConcomitantMedication
from tests.followup.conftest import LAST_DOSE
from tests.world import World
from tests.world_followup import Outcome, contact, leave, reached, who
from tests.world_labs import morning, record
from trialsite.models import Query, Role, Subject, Visit
from trialsite.services.subjects import Refused, record_visit_not_done

DUE = date(2024, 9, 10)
TRIED = Contact("fu06", DUE, Outcome.NOT_REACHED)


def line(subject: Subject, today: date, code: str = "fu06") -> FollowUpLine:
    found = follow_up_schedule(Subject.objects.get(pk=subject.pk), today).line(code)
    assert found is not None
    return found


@pytest.mark.req("E8")
@pytest.mark.parametrize(
    ("today", "state"),
    [
        (DUE - timedelta(days=31), DueState.PLANNED),
        (DUE - timedelta(days=30), DueState.DUE),
        (DUE + timedelta(days=30), DueState.DUE),
        (DUE + timedelta(days=31), DueState.OVERDUE),
    ],
)
def test_the_state_follows_the_window(followed: Subject, today: date, state: DueState) -> None:
    assert line(followed, today).state is state


@pytest.mark.req("E8")
def test_there_are_ten_contacts_and_none_before_treatment_ended(world: World, followed: Subject) -> None:
    assert len(follow_up_schedule(followed, DUE).lines) == 10
    assert follow_up_schedule(world.subject(), DUE).lines == ()


def test_overdue_comes_first(followed: Subject) -> None:
    codes = [one.code for one in follow_up_schedule(followed, date(2025, 9, 9)).overdue_first]
    assert codes[:4] == ["fu06", "fu12", "fu18", "fu24"]
    states = [one.state for one in follow_up_schedule(followed, date(2025, 9, 9)).overdue_first]
    assert states[:4] == [DueState.OVERDUE, DueState.OVERDUE, DueState.DUE, DueState.PLANNED]


def test_attempts_are_counted_and_the_contact_stays_open(world: World, followed: Subject) -> None:
    for shift in (0, 3, 9):
        contact(world, followed, replace(TRIED, contacted_on=DUE + timedelta(days=shift)))
    shown = line(followed, DUE + timedelta(days=9))
    assert (shown.not_reached, shown.state, shown.contact) == (3, DueState.DUE, None)
    assert not Visit.objects.filter(subject=followed, code="fu06").exists()


def test_a_contact_that_reached_the_subject_makes_the_visit_done(world: World, followed: Subject) -> None:
    contact(world, followed, TRIED)
    contact(world, followed, reached("fu06", DUE + timedelta(days=2)))
    shown = line(followed, DUE + timedelta(days=2))
    assert (shown.state, shown.not_reached, shown.done_on) == (DueState.DONE, 1, DUE + timedelta(days=2))
    visit = Visit.objects.get(subject=followed, code="fu06")
    assert (visit.status, visit.occurred_on) == ("complete", DUE + timedelta(days=2))


@pytest.mark.req("D13")
def test_the_same_form_records_once(world: World, followed: Subject) -> None:
    token = uuid4()
    one = reached("fu06", DUE, new_therapy="Bortezomib", new_therapy_on=DUE)
    assert contact(world, followed, one, token=token) == contact(world, followed, one, token=token)
    assert ConcomitantMedication.objects.count() == 1


def test_a_new_therapy_is_listed_among_the_medications_and_counts(world: World, followed: Subject) -> None:
    contact(world, followed, reached("fu06", DUE, new_therapy="Bortezomib", new_therapy_on=date(2024, 8, 1)))
    followed.refresh_from_db()
    assert followed.new_therapy_on == date(2024, 8, 1)
    listed = ConcomitantMedication.objects.get()
    assert (listed.name, listed.is_anti_myeloma) == ("Bortezomib", True)


@pytest.mark.req("D3")
@pytest.mark.parametrize(("confirmed", "state"), [(True, "closed"), (False, "open")], ids=["ticked", "not ticked"])
@pytest.mark.parametrize("on", [DUE - timedelta(days=40), DUE + timedelta(days=40)])
def test_a_date_outside_the_window_is_saved_and_asked_about(
    world: World, followed: Subject, on: date, confirmed: Any, state: str
) -> None:
    contact(world, followed, reached("fu06", on, date_confirmed=confirmed))
    assert Query.objects.get(record_type="contact", check_code="window").state == state


def test_inside_the_window_nothing_is_asked(world: World, followed: Subject) -> None:
    contact(world, followed, reached("fu06", DUE - timedelta(days=30)))
    assert not Query.objects.filter(record_type="contact").exists()


@pytest.mark.req("D3")
@pytest.mark.parametrize(
    ("one", "words"),
    [
        (reached("fu06", DUE, alive=None), "alive"),
        (reached("fu06", DUE, progressed=None), "has progressed"),
        (reached("fu06", DUE, progressed=True), "date of progression"),
        (reached("fu06", DUE, progressed=True, progressed_on=DUE + timedelta(days=1)), "after the contact"),
        (reached("fu06", DUE, new_therapy="Bortezomib"), "name and first day"),
        (reached("fu06", DUE, new_therapy_on=DUE), "name and first day"),
        (reached("fu07", DUE), "no such follow-up visit"),
        (reached("fu06", LAST_DOSE), "before follow-up began"),
        (reached("fu06", DUE + timedelta(days=1)), "in the future"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_is_refused(world: World, followed: Subject, one: Contact, words: str) -> None:
    world.at = morning(DUE)
    with pytest.raises(Refused, match=words):
        record_contact(**who(world, followed), token=uuid4(), contact=one)
    assert not FollowUpContact.objects.exists()


def test_the_dead_are_not_asked_about_progression(world: World, followed: Subject) -> None:
    assert contact(world, followed, reached("fu06", DUE, alive=False, progressed=None)).alive is False


def test_a_visit_is_done_once(world: World, followed: Subject) -> None:
    contact(world, followed, reached("fu06", DUE))
    with pytest.raises(Refused, match="was done on 10 Sep 2024"):
        contact(world, followed, reached("fu06", DUE))


def test_a_visit_stated_not_done_is_not_contacted(world: World, followed: Subject) -> None:
    world.at = morning(DUE)
    record_visit_not_done(**who(world, followed), code="fu06", reason="Abroad")
    assert line(followed, DUE).state is DueState.NOT_DONE
    with pytest.raises(Refused, match="stated not done"):
        contact(world, followed, reached("fu06", DUE))


def test_nobody_is_contacted_before_follow_up(world: World, treated: Subject) -> None:
    with pytest.raises(Refused, match="not in follow-up"):
        contact(world, treated, reached("fu06", DUE))


@pytest.mark.req("D9")
@pytest.mark.parametrize("role", [Role.DATA_MANAGER, Role.MONITOR, Role.ADMIN, Role.STATISTICIAN])
def test_only_the_site_records(world: World, followed: Subject, role: Role) -> None:
    world.at = morning(DUE)
    with pytest.raises(PermissionDenied):
        record_contact(**who(world, followed, role), token=uuid4(), contact=TRIED)


@pytest.mark.req("B1")
def test_another_site_does_not_record(world: World, followed: Subject) -> None:
    world.at = morning(DUE)
    given = {**who(world, followed), "by": world.person(Role.COORDINATOR, "02")}
    with pytest.raises(PermissionDenied):
        record_contact(**given, token=uuid4(), contact=TRIED)


# -- entered in error


def in_error(world: World, made: FollowUpContact, reason: str = "Another subject") -> None:
    subject = Subject.objects.select_related("site").get(pk=made.subject_id)
    mark_contact_in_error(**who(world, subject), contact_id=made.pk, reason=reason)


@pytest.mark.req("B12")
def test_in_error_the_contact_stays_and_the_visit_is_open_again(world: World, followed: Subject) -> None:
    made = contact(world, followed, reached("fu06", DUE + timedelta(days=31)))
    in_error(world, made)
    shown = line(followed, DUE + timedelta(days=31))
    assert (shown.state, shown.contact, shown.in_error) == (DueState.OVERDUE, None, (made,))
    assert Visit.objects.get(subject=followed, code="fu06").status == "in_error"
    assert not Query.objects.filter(state="open").exists()
    contact(world, followed, reached("fu06", DUE + timedelta(days=31)))


def test_a_visit_with_other_forms_stays(world: World, followed: Subject) -> None:
    made = contact(world, followed, reached("fu06", DUE))
    record(world, followed, "fu06", DUE, {Analyte.SERUM_M: "2.9"})
    in_error(world, made)
    assert Visit.objects.get(subject=followed, code="fu06").status == "entered"


def test_an_error_needs_a_reason_and_a_standing_contact(world: World, followed: Subject) -> None:
    made = contact(world, followed, TRIED)
    with pytest.raises(Refused, match="Say why"):
        in_error(world, made, " ")
    in_error(world, made)
    with pytest.raises(Refused, match="marked already"):
        in_error(world, made)


WITHDREW = Leaving(Departure.Kind.WITHDRAWN, date(2024, 5, 1), "Wants no more", passive_follow_up_allowed=False)


def test_after_a_withdrawal_of_all_contact_nothing_is_expected_asked_or_taken(world: World, followed: Subject) -> None:
    """No reminder leaves, no contact is planned, and public records are not read either."""
    leave(world, followed, WITHDREW)
    assert not follow_up_schedule(followed, date(2024, 6, 1)).next_open
    assert {line.state for line in follow_up_schedule(followed, date(2030, 1, 1)).lines} == {DueState.NOT_EXPECTED}
    assert sweep_reminders(morning(date(2024, 9, 12))) == Swept()
    for method in ("phone", "registry"):
        with pytest.raises(Refused, match="withdrawn from everything"):
            contact(world, followed, reached("fu06", date(2024, 9, 12), method=method))


def test_where_public_records_may_be_followed_they_are_all_that_is_taken(world: World, followed: Subject) -> None:
    leave(world, followed, replace(WITHDREW, passive_follow_up_allowed=True))
    assert sweep_reminders(morning(date(2024, 9, 12))) == Swept()
    with pytest.raises(Refused, match="Only what public records say"):
        contact(world, followed, reached("fu06", date(2024, 9, 12)))
    contact(world, followed, reached("fu06", date(2024, 9, 12), method="registry"))
    states = [line.state for line in follow_up_schedule(followed, date(2024, 9, 12)).lines]
    assert states == [DueState.DONE, *[DueState.NOT_EXPECTED] * 9]
