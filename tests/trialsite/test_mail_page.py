"""The mail page: what was sent, what waits, what was not sent, and why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core import mail as outgoing
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from tests.world import World, log_in
from tests.world_followup import world_in_sight
from trialsite import mail
from trialsite.access import Duty, system_actor
from trialsite.context import because, writing
from trialsite.models import Mail, Role, Subject


@pytest.fixture
def world(db: None) -> Iterator[World]:
    with world_in_sight() as world:
        yield world


@pytest.fixture
def subject(world: World) -> Subject:
    return world.subject()


def queue(world: World, subject: Subject, key: str = "reminder:a") -> None:
    with reminders(world, subject):
        mail.queue(
            key=key,
            to=mail.people_at(subject.site, Role.COORDINATOR, world.at),
            heading=f"A visit is due ({key})",
            body="Something waits: https://edc.example.org/",
            why="Due in 30 days",
            at=world.at,
            site=subject.site,
            subject=subject,
        )


def reminders(world: World, subject: Subject):  # type: ignore[no-untyped-def]
    return writing(by=system_actor("reminders"), duty=Duty.SEND_REMINDER, site_id=subject.site_id, at=world.at)


def page(client: Client, world: World, show: str = "all", role: Role = Role.COORDINATOR, site: str = "01") -> str:
    response = log_in(client, world.person(role, site)).get(f"{reverse('mail')}?show={show}")
    assert response.status_code == 200
    return str(response.content.decode())


def test_each_state_has_its_filter_and_says_why(world: World, client: Client, subject: Subject) -> None:
    queue(world, subject, "sent")
    assert mail.send_waiting(world.at) == 1
    queue(world, subject, "waiting")
    queue(world, subject, "skipped")
    with reminders(world, subject):
        mail.skip_waiting(subject=subject, key_begins="skipped", because_of="The subject died", at=world.at)
    assert "The subject died" in page(client, world, "skipped")
    for show in ("sent", "waiting", "skipped"):
        shown = page(client, world, show)
        assert [state for state in ("sent", "waiting", "skipped") if f"({state})" in shown] == [show]
    assert "Due in 30 days" in page(client, world)


@pytest.mark.req("E8")
def test_mail_held_back_never_leaves(world: World, subject: Subject) -> None:
    queue(world, subject)
    with reminders(world, subject):
        assert mail.skip_waiting(subject=subject, key_begins="reminder:", because_of="Withdrawn", at=world.at) == 1
        assert mail.skip_waiting(subject=subject, key_begins="reminder:", because_of="Withdrawn", at=world.at) == 0
    assert mail.send_waiting(world.at) == 0
    assert outgoing.outbox == []


def test_mail_that_left_is_not_called_back(world: World, subject: Subject) -> None:
    queue(world, subject)
    mail.send_waiting(world.at)
    with reminders(world, subject):
        assert mail.skip_waiting(subject=subject, key_begins="reminder:", because_of="Withdrawn", at=world.at) == 0


def test_the_database_wants_a_reason_for_mail_not_sent(world: World, subject: Subject) -> None:
    queue(world, subject)
    refused = pytest.raises(IntegrityError, match="mail_skipped_says_why")
    with refused, transaction.atomic(), reminders(world, subject), because("Trying"):
        Mail.objects.update(skipped_at=world.at)


@pytest.mark.req("B1")
def test_another_site_sees_no_mail(world: World, client: Client, subject: Subject) -> None:
    queue(world, subject)
    assert "A visit is due" not in page(client, world, "all", Role.COORDINATOR, "02")
    assert "A visit is due" in page(client, world, "all", Role.ADMIN)


@pytest.mark.parametrize("role", list(Role))
def test_every_role_may_look(world: World, client: Client, subject: Subject, role: Role) -> None:
    assert "Mail" in page(client, world, "all", role)


def test_strangers_are_sent_to_sign_in(client: Client, subject: Subject) -> None:
    assert client.get(reverse("mail")).status_code == 302
