"""What a signature asks of the person: both components first, the password afterwards, and a lock against guessing."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from uuid import uuid4

import pytest
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests.world import IDENTITY, PASSWORD, World, log_in, new_world
from trialsite import clock
from trialsite.access import system_actor
from trialsite.context import own_account, reading
from trialsite.models import AuditEvent, FailedSigning, Mail, ParameterConfirmation, Role, Signature, User
from trialsite.services.identity import ATTEMPTS, LOCKED_FOR

PAGE = reverse("protocol_parameter", kwargs={"name": "high_dex_mg"})
BOTH, ONE = {"username", "password"}, {"password"}


@pytest.fixture
def world(db: None) -> World:
    return new_world(clock.now())


@pytest.fixture
def investigator(world: World, client: Client) -> Client:
    return log_in(client, world.person(Role.INVESTIGATOR))


def asked(client: Client) -> set[str]:
    """The boxes of the signature on the page."""
    return BOTH & set(re.findall(r'<input[^>]*name="(\w+)"', client.get(PAGE).content.decode()))


def sign(client: Client, **identity: str) -> HttpResponse:
    return client.post(PAGE, {"token": str(uuid4()), "value": "40", "reason": "Section 5.2", **identity})


def signed(world: World) -> int:
    with reading(system_actor("verification"), world.at):
        return ParameterConfirmation.objects.count()


@pytest.mark.req("C5")
def test_the_first_signature_of_a_session_takes_both_the_next_the_password(world: World, investigator: Client) -> None:
    assert asked(investigator) == BOTH
    assert sign(investigator, password=PASSWORD).status_code == 422
    assert sign(investigator, username="admin-00", password=PASSWORD).status_code == 422
    assert asked(investigator) == BOTH
    assert sign(investigator, **{**IDENTITY, "username": " Investigator-01 "}).status_code == 302
    assert asked(investigator) == ONE
    assert sign(investigator).status_code == 422
    assert sign(investigator, password=PASSWORD).status_code == 302
    assert signed(world) == 2


@pytest.mark.req("C5")
@pytest.mark.parametrize("ending", ["signed out", "inactive", "signed in elsewhere"])
def test_a_new_session_begins_anew(
    world: World, investigator: Client, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(investigator, **IDENTITY)
    if ending == "signed out":
        investigator.post(reverse("account_logout"))
    elif ending == "inactive":
        session = investigator.session
        session.set_expiry(-1)
        session.save()
    other = Client() if ending == "signed in elsewhere" else investigator
    if ending != "signed in elsewhere":
        assert investigator.get(PAGE).status_code == 302
    log_in(other, world.person(Role.INVESTIGATOR))
    assert asked(other) == BOTH
    assert sign(other, password=PASSWORD).status_code == 422


@pytest.mark.req("C8")
def test_five_wrong_attempts_lock_signing_and_are_told_once(
    world: World, investigator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(ATTEMPTS - 1):
        assert "is not right" in sign(investigator, **{**IDENTITY, "password": "guess"}).content.decode()
    locked = unescape(sign(investigator, **{**IDENTITY, "password": "guess"}).content.decode())
    assert "Signing is locked until" in locked
    assert sign(investigator, **IDENTITY).status_code == 422, "the right password does not help now"
    assert sign(investigator, **{**IDENTITY, "password": "guess"}).status_code == 422
    assert signed(world) == 0
    with reading(system_actor("verification"), world.at):
        assert FailedSigning.objects.count() == ATTEMPTS
        events = AuditEvent.objects.filter(table="trialsite_failedsigning")
        assert {event.actor_name for event in events} == {world.person(Role.INVESTIGATOR).printed_name}
        told = Mail.objects.filter(key__startswith="signing-locked:")
        assert sorted(mail.address for mail in told) == ["admin@example.org", "investigator-01@example.org"]
    later = clock.now() + LOCKED_FOR + timedelta(minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert sign(investigator, **IDENTITY).status_code == 302


@pytest.mark.req("C8")
def test_attempts_of_all_sessions_count_together_and_lock_nobody_else(world: World, investigator: Client) -> None:
    """A wrong user name is an attempt like a wrong password; a right signature in between forgives none."""
    elsewhere = log_in(Client(), world.person(Role.INVESTIGATOR))
    for client, wrong in ((investigator, {"password": "guess"}), (elsewhere, {"password": "guess"}),
                          (investigator, {"username": "investigator-02"})):  # fmt: skip
        assert "is not right" in sign(client, **{**IDENTITY, **wrong}).content.decode()
    assert sign(investigator, **IDENTITY).status_code == 302
    assert "is not right" in sign(elsewhere, **{**IDENTITY, "password": "guess"}).content.decode()
    assert "Signing is locked until" in sign(investigator, password="guess").content.decode()
    for client in (investigator, elsewhere):
        assert sign(client, **IDENTITY).status_code == 422
    other = log_in(Client(), world.person(Role.INVESTIGATOR, "02"))
    assert sign(other, username="investigator-02", password=PASSWORD).status_code == 302
    assert signed(world) == 2


@pytest.mark.req("C8")
def test_attempts_of_long_ago_count_no_more_and_a_second_lock_is_told_again(
    world: World, investigator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = clock.now()

    def guessed(minutes: int, times: int) -> str:
        monkeypatch.setattr(clock, "now", lambda: start + timedelta(minutes=minutes))
        answers = [sign(investigator, **{**IDENTITY, "password": "guess"}) for _ in range(times)]
        return unescape(answers[-1].content.decode())

    def told() -> int:
        with reading(system_actor("verification"), world.at):
            return Mail.objects.filter(key__startswith="signing-locked:").count()

    assert "is not right" in guessed(0, ATTEMPTS - 1)
    assert "is not right" in guessed(31, 1), "the first four are older than half an hour"
    assert told() == 0
    assert "Signing is locked until" in guessed(32, ATTEMPTS - 1)
    assert told() == 2
    monkeypatch.setattr(clock, "now", lambda: start + timedelta(minutes=63))
    assert sign(investigator, **IDENTITY).status_code == 302
    assert "Signing is locked until" in guessed(64, ATTEMPTS)
    assert told() == 4


def enrol(world: World) -> str:
    """The investigator has an authenticator app; its secret."""
    actor, secret = world.person(Role.INVESTIGATOR), generate_totp_secret()
    with own_account(actor, at=world.at, reason="Enrolled"):
        TOTP.activate(User.objects.get(pk=actor.user_id), secret)
    return secret


def main_of(client: Client) -> str:
    """The page without the dialog for a session that has ended."""
    return client.get(PAGE).content.decode().partition("</main>")[0]


def code_of(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time()))))


@pytest.mark.req("C5")
def test_who_has_a_second_factor_enters_its_code_at_the_first_signature(
    world: World, investigator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: world.at.timestamp())
    secret = enrol(world)
    code = code_of(secret)
    assert 'name="code"' in main_of(investigator)
    assert "Enter the code" in sign(investigator, **IDENTITY).content.decode()
    wrong = sign(investigator, **IDENTITY, code=str(int(code) + 1).zfill(6)[-6:])
    assert (wrong.status_code, "This code is not right" in wrong.content.decode()) == (422, True)
    assert sign(investigator, **{**IDENTITY, "password": "guess"}, code=code).status_code == 422
    assert sign(investigator, **IDENTITY, code=f"{code[:3]} {code[3:]}").status_code == 302
    assert 'name="code"' not in main_of(investigator)
    assert sign(investigator, password=PASSWORD).status_code == 302
    with reading(system_actor("verification"), world.at):
        assert list(Signature.objects.order_by("id").values_list("authenticated_by", flat=True)) == [
            "password and code",
            "password",
        ]
        assert FailedSigning.objects.count() == 2, "wrong codes are counted like wrong passwords"
    other = log_in(Client(), world.person(Role.INVESTIGATOR))
    assert sign(other, **IDENTITY, code=code).status_code == 422, "a code serves once"
