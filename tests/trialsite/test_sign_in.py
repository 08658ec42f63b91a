"""Signing in and out, sessions, and what an anonymous visitor may reach."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.hashers import identify_hasher, make_password
from django.test import Client, override_settings

from tests.urls import every_url
from tests.world import PASSWORD, log_in, new_world
from trialsite import settings as product
from trialsite.models import Role, User
from trialsite.services import people

#: The whole list of addresses that answer without a sign-in.
OPEN_TO_ALL = {"healthz", "account_login", "account_session", "welcome", "api_document"}


@pytest.mark.req("A2")
def test_every_address_needs_a_sign_in_unless_listed(db: None, client: Client) -> None:
    for url in every_url():
        response = client.get(url.path)
        if url.name in OPEN_TO_ALL:
            assert response.status_code in {200, 404}, url
        else:
            assert response.status_code in {302, 405}, url
            if response.status_code == 302:
                assert response.headers["Location"].startswith("/accounts/sign-in/"), url


@pytest.mark.req("A1")
def test_a_fresh_installation_has_no_account(bare_db: object) -> None:
    assert not User.objects.exists()


def test_sign_in_and_out(fresh_db: object) -> None:
    world = new_world()
    world.person(Role.COORDINATOR)
    client = Client(enforce_csrf_checks=False)
    wrong = client.post("/accounts/sign-in/", {"login": "coordinator-01", "password": "wrong"})
    assert wrong.status_code == 422
    assert "The user name or password is not right." in wrong.content.decode()
    unknown = client.post("/accounts/sign-in/", {"login": "nobody", "password": "wrong"})
    assert "The user name or password is not right." in unknown.content.decode()
    right = client.post("/accounts/sign-in/?next=/accounts/profile/", {"login": "COORDINATOR-01", "password": PASSWORD})
    assert (right.status_code, right.headers["Location"]) == (302, "/accounts/profile/")
    assert client.get("/accounts/profile/").status_code == 200
    assert client.get("/accounts/sign-out/").status_code == 405, "a link must not sign out"
    assert client.post("/accounts/sign-out/").status_code == 302
    assert client.get("/accounts/profile/").status_code == 302


def test_after_several_wrong_passwords_the_right_one_waits_too(fresh_db: object) -> None:
    world = new_world()
    world.person(Role.COORDINATOR)
    client = Client()
    for _ in range(6):
        client.post("/accounts/sign-in/", {"login": "coordinator-01", "password": "wrong"})
    late = client.post("/accounts/sign-in/", {"login": "coordinator-01", "password": PASSWORD})
    assert late.status_code in {422, 429}
    assert client.get("/accounts/profile/").status_code == 302


def test_a_deactivated_account_is_out_at_once(fresh_db: object) -> None:
    world = new_world()
    coordinator = world.person(Role.COORDINATOR)
    client = log_in(Client(), coordinator)
    assert client.get("/accounts/profile/").status_code == 200
    people.deactivate(by=world.admin, at=world.at, user_id=coordinator.user_id or 0, reason="Left the hospital")
    assert client.get("/accounts/profile/").status_code == 302


@pytest.mark.req("A14")
def test_passwords_are_hashed_with_argon2id() -> None:
    with override_settings(PASSWORD_HASHERS=product.PASSWORD_HASHERS):
        encoded = make_password("a long sentence of words")
        assert encoded.startswith("argon2$argon2id$")
        assert identify_hasher(encoded).algorithm == "argon2"


@pytest.mark.req("J6")
def test_pages_are_never_cached_and_carry_a_strict_policy(fresh_db: object) -> None:
    world = new_world()
    client = log_in(Client(), world.person(Role.COORDINATOR))
    for path in ("/accounts/profile/", "/accounts/sign-in/", "/nothing/here/"):
        response = client.get(path)
        assert "no-store" in response.headers["Cache-Control"], path
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_a_session_ends_after_the_idle_time() -> None:
    assert timedelta(seconds=settings.SESSION_COOKIE_AGE) == timedelta(minutes=settings.IDLE_MINUTES)
    assert settings.SESSION_SAVE_EVERY_REQUEST


def test_a_request_keeps_a_plain_id_and_gets_a_new_one_for_anything_else(db: None, client: Client) -> None:
    kept = client.get("/healthz", headers={"X-Request-ID": "proxy-0123456789"})
    assert kept.headers["X-Request-ID"] == "proxy-0123456789"
    replaced = client.get("/healthz", headers={"X-Request-ID": "<script>alert(1)</script>"})
    assert len(replaced.headers["X-Request-ID"]) == 32
