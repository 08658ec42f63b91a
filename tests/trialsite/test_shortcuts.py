"""Shortcuts of one key: on at first, switched off and on by the person, listed on the page of the account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from tests.world import World, log_in
from tests.world_followup import world_in_sight
from trialsite.models import AuditEvent, Role, User
from trialsite.services import people


@pytest.fixture
def world(db: None) -> Iterator[World]:
    with world_in_sight() as world:
        yield world


@pytest.mark.req("D14")
def test_a_person_switches_single_keys_off_and_on_again(world: World, client: Client) -> None:
    """WCAG 2.1.4: a character key can be switched off."""
    actor = world.person(Role.COORDINATOR)
    log_in(client, actor)
    address = reverse("profile")
    assert "data-no-shortcuts" not in client.get(address).content.decode()
    assert client.post(address, {"action": "shortcuts"}).status_code == 303
    assert "data-no-shortcuts" in client.get(reverse("my_work")).content.decode()
    assert User.objects.get(pk=actor.user_id).single_keys is False
    client.post(address, {"action": "shortcuts", "single_keys": "1"})
    assert "data-no-shortcuts" not in client.get(reverse("my_work")).content.decode()


@pytest.mark.req("D14", "B1")
def test_it_is_the_own_account_and_it_is_recorded(world: World) -> None:
    actor, other = world.person(Role.COORDINATOR), world.person(Role.MONITOR)
    for _ in range(2):
        people.choose_shortcuts(by=actor, at=world.at, single_keys=False)
    assert User.objects.get(pk=other.user_id).single_keys is True
    events = AuditEvent.objects.filter(table="trialsite_user", row_id=str(actor.user_id), op="UPDATE")
    assert events.order_by("id").last().reason == "Shortcuts switched by their user"  # type: ignore[union-attr]


def test_the_list_stands_on_every_page_and_on_that_of_the_account(world: World, client: Client) -> None:
    log_in(client, world.person(Role.COORDINATOR))
    for name in ("my_work", "profile"):
        shown = client.get(reverse(name)).content.decode()
        assert "<kbd>g</kbd> <kbd>w</kbd>" in shown
        assert 'id="shortcuts"' in shown
