"""The second factor: set up, asked for at signing in, renewed, removed, revoked, and required."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, format_hotp_value, hotp_value
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import connection
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import reverse

from tests.urls import every_url
from tests.world import PASSWORD, World, log_in, new_world
from trialsite import adapter, clock, second_factor
from trialsite.access import Actor, system_actor
from trialsite.context import reading
from trialsite.environ import Environ
from trialsite.models import AuditEvent, FailedSigning, Mail, Role, User
from trialsite.reauthentication import Proof
from trialsite.services import second_factor as services
from trialsite.services.identity import ATTEMPTS
from trialsite.services.subjects import Refused
from trialsite.views.sign_in import NOT_RIGHT

PAGE, CODE, HOME = reverse("second_factor"), reverse("mfa_authenticate"), reverse("profile")
pytestmark = pytest.mark.req("A11")


class Watch:
    """The second that authenticator apps see."""

    now = 1_800_000_000.0

    def next_code(self) -> None:
        self.now += 30


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr("allauth.mfa.totp.internal.auth.time.time", lambda: watch.now)
    return watch


@pytest.fixture
def world(db: None) -> World:
    return new_world(clock.now())


@pytest.fixture
def investigator(world: World) -> Actor:
    return world.person(Role.INVESTIGATOR)


def code_of(secret: str, watch: Watch) -> str:
    return str(format_hotp_value(hotp_value(secret, int(watch.now) // 30)))


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", unescape(response.content.decode()))


def set_up(client: Client, watch: Watch) -> tuple[str, list[str]]:
    """Secret and recovery codes of a new factor, by way of the page."""
    client.get(PAGE)
    secret = str(client.session[SECRET_SESSION_KEY])
    shown = client.post(PAGE, {"code": code_of(secret, watch), "password": PASSWORD})
    assert shown.status_code == 200
    watch.next_code()
    return secret, re.findall(r"<li><code>(\d{8})</code></li>", shown.content.decode())


def knock(**more: str) -> tuple[Client, HttpResponse]:
    """A new session after the first step of signing in."""
    client = Client()
    sent = {"login": "investigator-01", "password": PASSWORD, **more}
    return client, client.post(reverse("account_login") + f"?next={HOME}", sent)


def is_in(client: Client) -> bool:
    return bool(client.get(HOME).status_code == 200)


def other_code(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_a_person_sets_up_an_app_with_its_code_and_the_password(
    world: World, investigator: Actor, watch: Watch
) -> None:
    client, elsewhere = log_in(Client(), investigator), log_in(Client(), investigator)
    assert "Second factor" in text(client.get(HOME)), "it stands in the account menu"
    page = client.get(PAGE)
    secret = str(client.session[SECRET_SESSION_KEY])
    key = second_factor.key_of(User.objects.get(pk=investigator.user_id), secret)
    assert key.typed in text(page)
    assert f'<path d="{key.path}">' in page.content.decode()
    assert "style=" not in page.content.decode(), "the policy of the page forbids it"
    code = code_of(secret, watch)
    wrong = client.post(PAGE, {"code": other_code(code), "password": PASSWORD})
    assert (wrong.status_code, "This code is not right" in text(wrong)) == (422, True)
    assert key.typed in text(wrong), "the key stays, so that the app need not be set up twice"
    assert "This is not your password." in text(client.post(PAGE, {"code": code, "password": "guess"}))
    assert not Authenticator.objects.exists()
    shown = client.post(PAGE, {"code": f"{code[:3]} {code[3:]}", "password": PASSWORD})
    assert len(re.findall(r"<li><code>\d{8}</code></li>", shown.content.decode())) == 10
    assert "Recovery codes left: <b>10</b>" in text(client.get(PAGE))
    assert not re.search(r"<code>\d", client.get(PAGE).content.decode()), "codes are shown once"
    assert (is_in(client), is_in(elsewhere)) == (True, False), "other sessions end"
    with reading(system_actor("verification"), world.at):
        assert Mail.objects.get(key__startswith="factor-set-up:").address == "investigator-01@example.org"


def test_no_secret_stands_in_the_clear_or_in_the_audit_trail(world: World, investigator: Actor, watch: Watch) -> None:
    secret, codes = set_up(log_in(Client(), investigator), watch)
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(data::text, '') FROM mfa_authenticator")
        stored = cursor.fetchone()[0]
    assert secret not in stored
    with reading(system_actor("verification"), world.at):
        events = list(AuditEvent.objects.filter(table="mfa_authenticator"))
        assert {(event.actor_name, event.reason) for event in events} == {
            (investigator.printed_name, "Second factor set up by its owner")
        }
        assert {event.new["data"] for event in events} == {"(not shown)"}
        mails = "".join(Mail.objects.values_list("body", flat=True))
    assert not [code for code in (secret, *codes) if code in mails]


def test_signing_in_asks_for_a_code_that_serves_once(world: World, investigator: Actor, watch: Watch) -> None:
    secret, _ = set_up(log_in(Client(), investigator), watch)
    client, asked = knock()
    assert (asked.status_code, asked.headers["Location"]) == (302, CODE)
    assert not is_in(client), "the password alone opens nothing"
    assert "Signing in as investigator-01" in text(client.get(CODE))
    code = code_of(secret, watch)
    wrong = client.post(CODE, {"code": other_code(code)})
    assert (wrong.status_code, "This code is not right" in text(wrong)) == (422, True)
    right = client.post(CODE, {"code": code})
    assert (right.status_code, right.headers["Location"], is_in(client)) == (302, HOME, True)
    with reading(system_actor("verification"), world.at):
        assert list(FailedSigning.objects.values_list("what", flat=True)) == [CODE]
    again, _ = knock()
    assert again.post(CODE, {"code": code}).status_code == 422
    watch.next_code()
    assert again.post(CODE, {"code": code_of(secret, watch)}).status_code == 302


def test_the_dialog_on_a_page_sends_password_and_code_at_once(world: World, investigator: Actor, watch: Watch) -> None:
    secret, _ = set_up(log_in(Client(), investigator), watch)
    code = code_of(secret, watch)
    client, wrong = knock(code=other_code(code))
    assert (wrong.status_code, NOT_RIGHT in text(wrong), is_in(client)) == (422, True, False)
    assert client.get(reverse("account_login")).status_code == 200, "no half of a sign-in stays"
    client, right = knock(code=code)
    assert (right.status_code, is_in(client)) == (302, True)
    assert knock(code=code)[1].status_code == 422, "a code serves once"
    with reading(system_actor("verification"), world.at):
        assert FailedSigning.objects.count() == 2


def test_a_recovery_code_signs_in_once_and_is_told(world: World, investigator: Actor, watch: Watch) -> None:
    _, codes = set_up(log_in(Client(), investigator), watch)
    client, _ = knock()
    assert client.post(CODE, {"code": codes[3]}).status_code == 302
    assert "Recovery codes left: <b>9</b>" in text(client.get(PAGE))
    again, _ = knock()
    assert again.post(CODE, {"code": codes[3]}).status_code == 422
    assert again.post(CODE, {"code": codes[4]}).status_code == 302
    with reading(system_actor("verification"), world.at):
        headings = Mail.objects.filter(key__startswith="recovery-code-used").values_list("heading", flat=True)
        assert sorted(headings) == ["A recovery code was used, 8 are left", "A recovery code was used, 9 are left"]


def test_wrong_codes_lock_signing_in_and_signing(world: World, investigator: Actor, watch: Watch) -> None:
    secret, _ = set_up(log_in(Client(), investigator), watch)
    client, _ = knock()
    wrong = other_code(code_of(secret, watch))
    statuses = [client.post(CODE, {"code": wrong}).status_code for _ in range(ATTEMPTS)]
    assert statuses == [422] * (ATTEMPTS - 1) + [429]
    late, _ = knock()
    refused = late.post(CODE, {"code": code_of(secret, watch)})
    assert (refused.status_code, "Signing in is locked until" in text(refused)) == (429, True)
    with reading(system_actor("verification"), world.at):
        assert Mail.objects.filter(key__startswith="signing-locked:").count() == 2


def test_who_stops_half_way_begins_anew(world: World, investigator: Actor, watch: Watch) -> None:
    set_up(log_in(Client(), investigator), watch)
    world.person(Role.COORDINATOR)
    client, _ = knock()
    assert client.get(reverse("account_login")).headers["Location"] == CODE
    other = client.post(reverse("account_login"), {"login": "coordinator-01", "password": PASSWORD})
    assert (other.headers["Location"], is_in(client)) == ("/", True), "nobody answers for somebody else"
    client, _ = knock()
    assert client.post(CODE, {"action": "cancel"}).headers["Location"] == reverse("account_login")
    assert client.get(reverse("account_login")).status_code == 200
    assert Client().get(CODE).headers["Location"] == reverse("account_login")


def test_recovery_codes_are_renewed_and_the_app_removed_with_both_factors(
    world: World, investigator: Actor, watch: Watch
) -> None:
    client = log_in(Client(), investigator)
    secret, codes = set_up(client, watch)
    sent = {"action": "remove", "code": code_of(secret, watch), "password": "guess"}
    assert client.post(PAGE, sent).status_code == 422
    wrong = client.post(PAGE, {**sent, "password": PASSWORD, "code": "000"})
    assert (wrong.status_code, NOT_RIGHT in text(wrong)) == (422, True)
    renewed = client.post(PAGE, {**sent, "password": PASSWORD, "action": "codes"})
    fresh = re.findall(r"<li><code>(\d{8})</code></li>", renewed.content.decode())
    assert (len(fresh), set(fresh) & set(codes)) == (10, set())
    assert client.post(PAGE, {"action": "remove", "password": PASSWORD, "code": codes[0]}).status_code == 422
    assert client.post(PAGE, {"action": "remove", "password": PASSWORD, "code": fresh[0]}).status_code == 303
    assert "Set up an authenticator app" in text(client.get(PAGE))
    _, asked = knock()
    assert asked.headers["Location"] == HOME, "no code is asked for any more"
    kept = Authenticator.objects.all()
    assert {(one.type, str(one.data)) for one in kept} == {(second_factor.REVOKED, "{}")}
    assert set_up(client, watch)[0] != secret


def test_both_factors_are_proved_to_the_service_too(world: World, investigator: Actor, watch: Watch) -> None:
    set_up(log_in(Client(), investigator), watch)
    only = Proof(user_id=investigator.user_id or 0, at=world.at, method="password")
    with pytest.raises(PermissionDenied):
        services.remove(by=investigator, at=world.at, proof=only, keep="")
    with pytest.raises(PermissionDenied):
        services.renew_codes(by=investigator, at=world.at, proof=only)
    with pytest.raises(Refused, match="already"):
        services.enrol(by=investigator, at=world.at, proof=only, secret="", code="", keep="")


def test_an_administrator_revokes_the_factor_of_a_lost_device(world: World, investigator: Actor, watch: Watch) -> None:
    client = log_in(Client(), investigator)
    secret, codes = set_up(client, watch)
    half_way, _ = knock()
    administrator = log_in(Client(), world.admin)
    person = reverse("user", args=[investigator.user_id])
    page = reverse("user_factor", args=[investigator.user_id])
    assert page in text(administrator.get(person))
    assert administrator.post(page, {"reason": ""}).status_code == 422
    assert administrator.post(page, {"reason": "Telephone lost"}).status_code == 303
    assert not is_in(client), "the sessions of the person end"
    assert half_way.post(CODE, {"code": code_of(secret, watch)}).headers["Location"] == reverse("account_login")
    user = User.objects.get(pk=investigator.user_id)
    assert not second_factor.takes_code(user, code_of(secret, watch)), "and it does not sign"
    assert not services.use_code(by=investigator, at=world.at, code=codes[0])
    assert page not in text(administrator.get(person))
    assert "has no second factor" in text(administrator.post(page, {"reason": "Again"}))
    own = administrator.post(reverse("user_factor", args=[world.admin.user_id]), {"reason": "Mine"})
    assert "Ask another administrator" in text(own)
    with reading(system_actor("verification"), world.at):
        revoked = AuditEvent.objects.filter(table="mfa_authenticator", reason="Telephone lost")
        assert {event.new["type"] for event in revoked} == {second_factor.REVOKED}
        assert Mail.objects.filter(key__startswith="factor-revoked:").count() == 1


@override_settings(SECOND_FACTOR="required")
def test_where_it_is_required_every_page_leads_to_setting_it_up(
    world: World, investigator: Actor, watch: Watch
) -> None:
    client = log_in(Client(), investigator)
    for url in every_url():
        if url.name not in {"second_factor", "account_login", "account_session", "account_logout", "healthz"}:
            for send in (client.get, client.post):
                answer = send(url.path)
                assert (answer.status_code, answer.headers.get("Location")) == (303, PAGE), url
    assert "asks everybody for a second factor" in text(client.get(PAGE))
    set_up(client, watch)
    assert is_in(client)


def test_the_setting_takes_two_words_only() -> None:
    assert settings.SECOND_FACTOR == "optional"
    assert Environ({"SECOND_FACTOR": "Required"}).choice("SECOND_FACTOR", ("optional", "required")) == "required"
    with pytest.raises(ImproperlyConfigured, match="set it to optional or required"):
        Environ({"SECOND_FACTOR": "on"}).choice("SECOND_FACTOR", ("optional", "required"))


def test_a_secret_outlives_the_change_of_the_signing_key_and_not_its_loss(investigator: Actor, watch: Watch) -> None:
    secret, codes = set_up(log_in(Client(), investigator), watch)
    user = User.objects.get(pk=investigator.user_id)
    before = settings.SECRET_KEY
    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[before]):
        assert second_factor.takes_code(user, code_of(secret, watch))
    watch.next_code()
    with override_settings(SECRET_KEY="another"):
        assert not second_factor.takes_code(user, code_of(secret, watch))
        assert not second_factor.takes_recovery_code(user, codes[0])
        assert second_factor.codes_left(user) == 0
    assert adapter.SecondFactorAdapter().decrypt(adapter.SecondFactorAdapter().encrypt("x")) == "x"
