"""Drug accountability: every unit is somewhere, nothing falls below zero, and what came back is not used again."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from dosing.models import DrugLot, DrugMovement
from dosing.selectors.supplies import Balance, balance, lot_lines, uses
from dosing.services.supplies import (
    Delivery,
    Movement,
    destroy_drug,
    dispense_drug,
    mark_movement_in_error,
    receive_drug,
    take_back_drug,
)
from protocol.vocabulary import Drug
from tests import world_dosing as treat
from tests.dosing.test_pages import text_of
from tests.world import World, log_in
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role, Subject
from trialsite.services.subjects import Refused

Kind = DrugMovement.Kind
TODAY = date(2024, 2, 20)


@pytest.fixture
def subject(on_anakinra: Subject) -> Subject:
    return on_anakinra


def everything(world: World) -> Any:
    return reading(system_actor("re-evaluation"), world.at)


def site_staff(world: World) -> dict[str, Any]:
    return {"by": world.person(Role.COORDINATOR), "at": world.at, "site_id": world.sites["01"].pk, "token": uuid4()}


def received(world: World, units: int = 100, **other: Any) -> DrugMovement:
    on = world.at.date()
    delivery = Delivery(Drug.ANAKINRA, "A17", Decimal(100), on + timedelta(days=400), units, on)
    return receive_drug(**site_staff(world), delivery=replace(delivery, **other))


def moved(world: World, lot_id: int, units: int) -> Movement:
    return Movement(lot_id, units, world.at.date())


def given_out(world: World, subject: Subject, lot_id: int, units: int) -> DrugMovement:
    return dispense_drug(**site_staff(world), subject_id=subject.pk, movement=moved(world, lot_id, units))


def balance_of(world: World) -> Balance:
    with everything(world):
        (line,) = lot_lines([world.sites["01"].pk])
        return line.balance


@pytest.mark.req("E7")
def test_every_unit_is_somewhere(world: World, subject: Subject) -> None:
    lot = received(world).lot_id
    given_out(world, subject, lot, 40)
    take_back_drug(**site_staff(world), subject_id=subject.pk, movement=moved(world, lot, 6))
    why = replace(moved(world, lot, 4), note="Certificate 12")
    destroy_drug(**site_staff(world), movement=why, returned="returned")
    destroy_drug(**site_staff(world), movement=replace(why, units=10), returned="stock")
    assert balance_of(world) == Balance(received=100, with_subjects=34, on_hand=50, returned=2, destroyed=14)


kinds = st.sampled_from(Kind.values)


@pytest.mark.req("E7")
@given(st.dictionaries(kinds, st.integers(0, 1000)))
def test_where_units_are_always_adds_up_to_what_was_received(by_kind: dict[str, int]) -> None:
    found = balance(by_kind)
    assert found.received == found.with_subjects + found.on_hand + found.returned + found.destroyed


def test_what_is_not_there_cannot_be_moved(world: World, subject: Subject) -> None:
    lot = received(world, 10).lot_id
    why = replace(moved(world, lot, 11), note="Broken")
    refused = (
        (lambda: given_out(world, subject, lot, 11), "Only 10 syringes of lot A17 are on hand"),
        (lambda: destroy_drug(**site_staff(world), movement=why, returned="stock"), "Only 10 syringes"),
        (lambda: destroy_drug(**site_staff(world), movement=why, returned="returned"), "Only 0 syringes"),
        (
            lambda: take_back_drug(**site_staff(world), subject_id=subject.pk, movement=moved(world, lot, 1)),
            "Only 0 syringes of lot A17 are with the subject",
        ),
        (lambda: destroy_drug(**site_staff(world), movement=moved(world, lot, 1), returned="stock"), "certificate"),
        (lambda: received(world, expires_on=world.at.date() - timedelta(days=1)), "expired on"),
        (lambda: received(world, expires_on=world.at.date() + timedelta(days=9)), "is known with the expiry date"),
        (lambda: received(world, on=world.at.date() + timedelta(days=1)), "is in the future"),
        (lambda: given_out(world, subject, lot + 99, 1), "Choose a lot of this site"),
    )
    for act, sentence in refused:
        with pytest.raises(Refused, match=sentence):
            act()
    assert balance_of(world) == Balance(received=10, on_hand=10)


def test_returned_units_are_never_handed_out_again(world: World, subject: Subject) -> None:
    lot = received(world, 10).lot_id
    given_out(world, subject, lot, 10)
    take_back_drug(**site_staff(world), subject_id=subject.pk, movement=moved(world, lot, 10))
    with pytest.raises(Refused, match="Only 0 syringes of lot A17 are on hand"):
        given_out(world, subject, lot, 1)


def test_an_expired_lot_and_a_subject_before_registration_get_nothing(world: World, subject: Subject) -> None:
    lot = received(world, 10, expires_on=world.at.date() + timedelta(days=3)).lot_id
    with pytest.raises(Refused, match="dispensed from registration on"):
        given_out(world, world.subject(), lot, 1)
    world.later(3)
    given_out(world, subject, lot, 1)  # the day on the package is the last one
    world.later(1)
    with pytest.raises(Refused, match="expired on"):
        given_out(world, subject, lot, 1)


def test_of_lots_with_other_amounts_per_unit_it_is_not_told_what_was_used(world: World, subject: Subject) -> None:
    of_100 = received(world, 100).lot_id
    given_out(world, subject, of_100, 10)
    with everything(world):
        (one,) = uses(subject)
    of_50 = received(world, 100, lot="B2", unit_mg=Decimal(50)).lot_id
    given_out(world, subject, of_50, 10)
    with everything(world):
        (both,) = uses(subject)
    assert (one.dispensed, one.recorded) == (10, Decimal(1))
    assert (both.dispensed, both.recorded, both.left) == (20, None, None)


def test_what_another_subject_has_does_not_make_up_for_an_entry_in_error(world: World, subject: Subject) -> None:
    lot, other = received(world, 100).lot_id, treat.on_anakinra(world)
    given_out(world, other, lot, 50)
    wrong = given_out(world, subject, lot, 10)
    take_back_drug(**site_staff(world), subject_id=subject.pk, movement=moved(world, lot, 4))
    by = world.person(Role.COORDINATOR)
    with pytest.raises(Refused, match="a balance would fall below zero"):
        mark_movement_in_error(
            by=by, at=world.at, site_id=subject.site_id, movement_id=wrong.pk, reason="Another subject"
        )


@pytest.mark.req("D13")
def test_sent_twice_is_done_once(world: World, subject: Subject) -> None:
    staff = site_staff(world)
    on = world.at.date()
    delivery = Delivery(Drug.ANAKINRA, "A17", Decimal(100), on + timedelta(days=400), 50, on)
    assert receive_drug(**staff, delivery=delivery).pk == receive_drug(**staff, delivery=delivery).pk
    received(world, 30)
    assert balance_of(world).received == 80
    with everything(world):
        assert DrugLot.objects.count() == 1


def test_an_entry_in_error_counts_no_more_and_is_refused_where_later_ones_rest_on_it(
    world: World, subject: Subject
) -> None:
    first, lot = received(world, 10), 0
    lot = first.lot_id
    out = given_out(world, subject, lot, 8)
    wrong = {name: value for name, value in site_staff(world).items() if name != "token"}
    with pytest.raises(Refused, match="fall below zero"):
        mark_movement_in_error(**wrong, movement_id=first.pk, reason="Typed twice")
    with pytest.raises(Refused, match="Say why"):
        mark_movement_in_error(**wrong, movement_id=out.pk, reason=" ")
    mark_movement_in_error(**wrong, movement_id=out.pk, reason="Another subject")
    assert balance_of(world) == Balance(received=10, on_hand=10)
    with pytest.raises(Refused, match="already"):
        mark_movement_in_error(**wrong, movement_id=out.pk, reason="Again")


def test_the_database_keeps_balances_from_falling_below_zero(world: World, subject: Subject) -> None:
    first = received(world, 10)
    given_out(world, subject, first.lot_id, 8)
    with (
        pytest.raises(IntegrityError, match="falls below zero: on hand"),
        reading(system_actor("re-evaluation"), world.at),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT set_config('app.system_actor', 'test', true), set_config('app.reason', 'test', true)")
        cursor.execute("UPDATE dosing_drugmovement SET units = 7 WHERE id = %s", [first.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.req("E7")
def test_what_was_used_stands_beside_what_was_recorded(world: World, subject: Subject) -> None:
    lot = received(world).lot_id
    given_out(world, subject, lot, 40)
    world.at = treat.morning(TODAY)
    take_back_drug(**site_staff(world), subject_id=subject.pk, movement=moved(world, lot, 3))
    treat.fill(world, subject, treat.DAY1, TODAY)
    with everything(world):
        (use,) = uses(subject)
    assert (use.dispensed, use.returned, use.recorded, use.left) == (40, 3, 37, 0)


# ---------------------------------------------------------------- pages


def token(page: Any, action: str) -> dict[str, str]:
    form = next(
        one for one in re.findall(r"<form.*?</form>", page.content.decode(), re.S) if f'value="{action}"' in one
    )
    return {"action": action, "token": re.search(r'name="token" value="([^"]+)"', form)[1]}  # type: ignore[index]


def test_a_delivery_a_dispensing_and_a_return_by_hand(world: World, subject: Subject, client: Client) -> None:
    log_in(client, world.person(Role.COORDINATOR))
    stock, page = reverse("supplies"), reverse("subject_dispensing", args=[subject.key])
    assert "Nothing is on hand." in text_of(client.get(page))
    sent = {
        **token(client.get(stock), "receive"), "site": str(world.sites["01"].pk), "drug": "ANAKINRA", "lot": "A17",
        "unit_mg": "100", "units": "56", "expires_on": "2026-01-31", "on": "t",
    }  # fmt: skip
    sent["drug"] = Drug.ANAKINRA.value
    for wrong, sentence in (
        ({"units": "0"}, "Enter a number from 1 on."),
        ({"units": "many"}, "Enter a whole number."),
        ({"expires_on": "2020-01-31"}, "expired on 31 Jan 2020"),
        ({"lot": ""}, "Enter the lot as printed."),
    ):
        refused = client.post(stock, {**sent, **wrong})
        assert (refused.status_code, sentence in text_of(refused)) == (422, True), sentence
    assert "56 syringes of lot A17 received." in text_of(client.post(stock, sent, follow=True))
    with everything(world):
        lot = DrugLot.objects.get()
    give = {**token(client.get(page), "give"), "lot": lot.pk, "units": "28", "on": "t"}
    assert "Only 56 syringes" in text_of(client.post(page, {**give, "units": "57"}))
    assert "28 syringes dispensed." in text_of(client.post(page, give, follow=True))
    back = {**token(client.get(page), "back"), "lot": lot.pk, "units": "2", "on": "t"}
    after = text_of(client.post(page, back, follow=True))
    assert "2 syringes taken back." in after
    with everything(world):
        movement = DrugMovement.objects.get(kind=Kind.RETURNED)
    wrong_entry = {"action": "wrong", "movement": movement.pk}
    assert "Say why this entry is wrong." in text_of(client.post(page, wrong_entry))
    assert "Entered in error: Miscounted" in text_of(
        client.post(page, {**wrong_entry, "reason": "Miscounted"}, follow=True)
    )
    assert "01-001" in text_of(client.get(stock))


@pytest.mark.req("A5", "A8")
def test_monitors_read_and_other_sites_see_nothing(world: World, subject: Subject, client: Client) -> None:
    lot = received(world).lot_id
    log_in(client, world.person(Role.MONITOR))
    assert "A17" in text_of(client.get(reverse("supplies")))
    assert "Record a delivery" not in text_of(client.get(reverse("supplies")))
    assert client.post(reverse("supplies"), {"action": "receive"}).status_code == 403
    log_in(client, world.person(Role.COORDINATOR, "02"))
    assert "A17" not in text_of(client.get(reverse("supplies")))
    foreign = {"by": world.person(Role.COORDINATOR, "02"), "at": world.at, "site_id": world.sites["01"].pk}
    with pytest.raises(PermissionDenied):
        destroy_drug(**foreign, token=uuid4(), movement=replace(moved(world, lot, 1), note="x"), returned="stock")
